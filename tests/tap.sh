# TAP for the checks in shell; sourced. Sets $top, the top of the source tree.
# shellcheck shell=sh disable=SC2034
top=$(cd "${srcdir:-$(dirname "$0")/..}" && pwd)
n=0

# found NAME FINDINGS: passes when there are none, shows them otherwise.
found() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# must_find NAME FINDINGS: a check is tried on a planted fault, and passes when it finds it.
must_find() {
	n=$((n + 1))
	if [ -n "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1: the planted fault was not found"
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

done_testing() {
	echo "1..$n"
}

# code_only FILE...: "file:line:text" without comments and without what is inside strings, so that words about a
# function are not taken for its use.
code_only() {
	awk '
	FNR == 1 { comment = 0 }
	{
		out = ""
		n = length($0)
		quote = ""
		for (i = 1; i <= n; i++) {
			c = substr($0, i, 1)
			two = substr($0, i, 2)
			if (comment) {
				if (two == "*/") { comment = 0; i++ }
			} else if (quote != "") {
				if (c == "\\") i++
				else if (c == quote) { quote = ""; out = out c }
			} else if (two == "/*") {
				comment = 1; i++
			} else if (two == "//") {
				break
			} else {
				if (c == "\"" || c == "\047") quote = c
				out = out c
			}
		}
		print FILENAME ":" FNR ":" out
	}' "$@"
}
