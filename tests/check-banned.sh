#!/bin/sh
# Functions that must not be used: unsafe ones anywhere; the way out of the program and the wall clock where they do not
# belong (the packet is the clock; real time is for the progress line, interfaces, and who waits for somebody).
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$top" || exit 1

# uses NAMES FILE...: calls of one of NAMES (an alternation).
uses() {
	names=$1
	shift
	code_only "$@" | grep -E "(^|[^[:alnum:]_.>])($names)[[:space:]]*\("
}

UNSAFE="strcpy|strncpy|stpcpy|strcat|strncat|sprintf|vsprintf|strtok|gets|atoi|atol|atoll|atof|alloca|mktemp|tmpnam"
EXITS="exit|_exit|_Exit|quick_exit|abort|err|errx"
CLOCKS="time|gettimeofday|clock_gettime|clock|localtime|localtime_r|mktime|ftime"

sources=$(find src dissectors -name '*.[ch]' | LC_ALL=C sort)
not_main=$(echo "$sources" | grep -vE '^src/((peer/)?main|live/porter)\.c$')
not_clocks=$(echo "$sources" | grep -vE '^src/(base/progress|base/real_time)\.c$')
not_real_time=$(echo "$sources" | grep -vE '^src/(base/real_time\.[ch]|peer/net_live\.c|(capture/interface|store/live_|live/|cmd_live_run|cmd_top)[a-z_]*\.c)$')
# shellcheck disable=SC2086  # file names without blanks
{
	for name in $(echo "$UNSAFE" | tr '|' ' '); do
		found "no $name()" "$(uses "$name" $sources)"
	done
	found "exit() and its kin in main.c, and in src/live/porter.c, a process of its own, alone" "$(uses "$EXITS" $not_main)"
	found "the wall clock in base/real_time.c and the progress line alone" \
		"$(uses "$CLOCKS" $not_clocks)"
	found "... and real_time.h only where that is meant: interfaces, the live store, src/live/, the peer's sockets" \
		"$(uses "real_time|steady_time" $not_real_time)"
}

plant=$(mktemp)
trap 'rm -f "$plant"' EXIT
cat >"$plant" <<'C'
/* time(NULL) and exit(1) in a comment, */ static const char *words = "or \" exit(1) in a string";
	strcpy(a, b);
	if (x) exit (1);
	int64_t now = time(NULL);
	uptime(NULL); p->time(NULL); last_exit(1);
C
must_find "the check sees strcpy()" "$(uses "$UNSAFE" "$plant" | grep ':2:')"
must_find "the check sees exit()" "$(uses "$EXITS" "$plant" | grep ':3:')"
must_find "the check sees time()" "$(uses "$CLOCKS" "$plant" | grep ':4:')"
found "the check does not cry at comments, strings and longer names" \
	"$(uses "$UNSAFE|$EXITS|$CLOCKS" "$plant" | grep -E ':(1|5):')"
done_testing
