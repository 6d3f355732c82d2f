#!/bin/sh
# cmocka-tap.sh PROGRAM: runs a cmocka program and writes the TAP that a harness wants. cmocka 1.1 calls a skipped test
# "not ok", prints the reason on a line of its own, and leaves a leak or a crash at the end to the exit status.
# With FOOTSTEPS_REQUIRE_TRACES=1, a test that skips for want of captures (its reason names FOOTSTEPS_TRACES) fails.
export CMOCKA_MESSAGE_OUTPUT=TAP
# cmocka counts failures of its own in the status; this one is of the sanitizers' reports alone.
export ASAN_OPTIONS="exitcode=99:${ASAN_OPTIONS-}"
out=$(mktemp) || exit 99
trap 'rm -f "$out"' EXIT
"$@" >"$out" 2>&1
status=$?
awk -v status=$status -v require="${FOOTSTEPS_REQUIRE_TRACES-}" '
	/^1\.\.[0-9]+/ { planned += substr($0, 4); next }
	/^(not )?ok [0-9]+ # SKIP/ {
		sub(/^.*# SKIP */, "")
		if (require == "1" && reason ~ /FOOTSTEPS_TRACES/) {
			print "not ok " ++n " - " $0 ": " reason
			failed++
		} else
			print "ok " ++n " - " $0 " # SKIP " (reason == "" ? "no reason given" : reason)
		reason = ""
		next
	}
	/^(not )?ok [0-9]+/ {
		failed += /^not/
		match($0, /^(not )?ok [0-9]+/)
		print (/^not/ ? "not ok " : "ok ") ++n substr($0, RLENGTH + 1)
		reason = ""
		next
	}
	/^#/ { print; next }
	{ reason = $0; print "# " $0 }
	END {
		if (n != planned)
			print "not ok " ++n " - all " planned + 0 " tests ran (exit status " status ")"
		else if (status != 0 && (!failed || status == 99 || status > 128))
			print "not ok " ++n " - clean end (exit status " status ")"
		print "1.." n
	}' "$out"
