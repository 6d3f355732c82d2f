# Shared by ./demo, ./check and .ci/run: installs what is missing and builds in ./build. Sourced, with $top set.
# shellcheck shell=sh disable=SC2034  # the package lists are for the scripts
: "${top:?the sourcing script sets it}"

PACKAGES_BUILD="autoconf automake make gcc libc6-dev pkg-config libpcap-dev libsqlite3-dev \
	libndpi-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev liblz4-dev libssl-dev libmaxminddb-dev libcap-ng-dev \
	libseccomp-dev libmicrohttpd-dev libncurses-dev libsystemd-dev"
# iproute2, nftables and tcpdump are the lab's (tests/lab); these, and iptables, ipset, openssl and tcpreplay are for block rules.
# curl asks the web page and the control socket, sqlite3 is a reader beside a writer, systemd judges the unit; ethtool and
# libcap2-bin do what the doctor advises.
# git tells tracked files from others, the packers make compressed copies of captures, man reads the manual pages.
PACKAGES_DEMO="gnuplot-nox"
PACKAGES_CHECK="gnuplot-nox libcmocka-dev python3 git gzip xz-utils zstd lz4 man-db iproute2 nftables tcpdump \
	iptables ipset openssl tcpreplay curl sqlite3 systemd \
	ethtool libcap2-bin"
# Large things to install for a test: a browser; clang, libbpf and bpftool for block rules in eBPF; tshark, which counts what
# block rules meet. CI does, and elsewhere the tests are skipped without them.
PACKAGES_CI="chromium clang libbpf-dev bpftool tshark shellcheck"

# A tree that was configured in place is built in place.
build=$top/build
[ ! -f "$top/config.status" ] || build=$top

say() {
	printf '\n== %s\n' "$*"
}

fail() {
	printf '\n%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

installed() {
	case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
	*"ok installed") return 0 ;;
	esac
	return 1
}

# need PACKAGE...: installs those that are missing, by apt-get; root, or through sudo. Sets installed_some.
# Without apt-get, or when it fails, the build goes on with what there is: configure says what it cannot do without.
need() {
	installed_some=no
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		if ! command -v autoreconf >/dev/null || ! command -v make >/dev/null || ! command -v cc >/dev/null; then
			fail "no apt-get here: please install by hand what Debian calls
  $*"
		fi
		return 0
	fi
	missing=
	for package; do
		installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0

	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || fail "packages are missing; as root, please:
  apt-get install --no-install-recommends$missing"
		as_root=sudo
	fi
	say "installing:$missing"
	apt_log=$(mktemp)
	# The lists of a fresh system are empty and those of an old one are stale: fetch them only when needed.
	# shellcheck disable=SC2086  # one word each
	if apt_install $missing >"$apt_log" 2>&1 ||
		{ $as_root apt-get -q update >>"$apt_log" 2>&1 && apt_install $missing >>"$apt_log" 2>&1; }; then
		installed_some=yes
		rm -f "$apt_log"
		return 0
	fi
	tail -n 5 "$apt_log" >&2
	rm -f "$apt_log"
	echo "could not install all of it; going on with what there is" >&2
}

apt_install() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" </dev/null
}

jobs() {
	nproc 2>/dev/null || echo 2
}

# watched LOG PATTERN WORDS COMMAND...: its output goes to LOG; a terminal shows the seconds and how many lines of it fit.
watched() {
	watched_log=$1 pattern=$2 words=$3
	shift 3
	watcher=
	if [ -t 1 ]; then
		: >"$watched_log"
		# Control-C does not reach what runs in the background: it ends with this script.
		seconds=0
		while sleep 1 && kill -0 $$ 2>/dev/null; do
			seconds=$((seconds + 1))
			printf '\r%d s, %d %s' $seconds "$(grep -cE "$pattern" "$watched_log" 2>/dev/null)" "$words"
		done &
		watcher=$!
	fi
	watched_status=0
	"$@" >"$watched_log" 2>&1 </dev/null || watched_status=$?
	if [ -n "$watcher" ]; then
		kill "$watcher" 2>/dev/null
		wait "$watcher" 2>/dev/null || :
		printf '\r%40s\r' ''
	fi
	return $watched_status
}

# quietly WHAT COMMAND...: shows of the command's output what matters, and only when it fails.
quietly() {
	what=$1
	shift
	log=$(mktemp)
	case $what in
	make) set -- '^ +CC ' 'files compiled' "$@" ;;
	*) set -- '' 'lines of output' "$@" ;;
	esac
	if watched "$log" "$@"; then
		rm -f "$log"
		return 0
	fi
	{
		grep -E '^(FAIL|ERROR|not ok)|error:|undefined reference|\*\*\*' "$log" | head -n 20
		echo ...
		tail -n 12 "$log"
		echo "${0##*/}: $what failed; above is what speaks of errors, and the end of its output"
	} >&2
	rm -f "$log"
	return 1
}

# failures DIR: what the failed tests below it wrote about it, a screenful or two.
failures() {
	find "$1" -name '*.log' ! -name test-suite.log -exec awk '
		/^(not )?ok / { shown = /^not/ && !/# TODO/ ? 12 : 0 }
		/^Bail out|^ERROR|Sanitizer/ { shown = 12 }
		shown-- > 0 { print substr(FILENAME, length(directory) + 2) ": " substr($0, 1, 300) }' directory="$1" {} + |
		head -n 80
}

# build_all: an up-to-date program in $build.
build_all() {
	if [ ! -x "$top/configure" ]; then
		say "making ./configure"
		quietly bootstrap "$top/bootstrap" || return 1
	fi
	if [ ! -f "$build/Makefile" ] || [ "$installed_some" = yes ]; then
		say "configuring in ${build#"$top"/}"
		mkdir -p "$build"
		(cd "$build" && quietly configure "$top/configure") || return 1
	fi
	say "building (a minute or two)"
	quietly make make -C "$build" -j "$(jobs)" || return 1
}
