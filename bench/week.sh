#!/bin/sh
# The week of a campus that Rossi, Mellia and Meo describe: bench/week.sh BUILD_DIR
#
# footsteps-peer makes it (traces/scenarios/campus.scenario), footsteps reads it and writes the report, and score compares with
# the truth. Limits: 1 GB to make and to read it, 60 s and 500 MB to report. Takes 7 GB of disk where TMPDIR points to, and two
# minutes. WEEK_SHARE=0.1 makes it smaller, for trying; WEEK_KEEP=DIRECTORY keeps what was made.
set -u

build=${1:?usage: bench/week.sh BUILD_DIR}
share=${WEEK_SHARE:-1}
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
FOOTSTEPS_DATA=${FOOTSTEPS_DATA:-$top}
export FOOTSTEPS_DATA
for program in footsteps footsteps-peer bench/peak_memory; do
	if test ! -x "$build/$program"; then
		echo "bench: $build/$program is missing; run 'make bench-week'" >&2
		exit 1
	fi
done
if test -n "${WEEK_KEEP:-}"; then
	work=$WEEK_KEEP
	mkdir -p "$work" || exit 1
else
	work=$(mktemp -d "${TMPDIR:-/tmp}/footsteps-week-XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
fi

# measure NAME SECONDS_MOST MB_MOST COMMAND...: 0: no limit
measure() {
	name=$1 seconds_most=$2 mb_most=$3
	shift 3
	begun=$(date +%s.%N)
	kib=$("$build/bench/peak_memory" "$@") || { echo "bench: $name failed" >&2; exit 1; }
	awk -v name="$name" -v kib="$kib" -v begun="$begun" -v ended="$(date +%s.%N)" -v s="$seconds_most" \
		-v m="$mb_most" 'BEGIN {
		seconds = ended - begun; mb = kib * 1024 / 1e6
		printf "%-7s %6.1f s%s, %4.0f MB, at most %d: %s\n", name, seconds, (s > 0 ? ", at most " s : ""), mb, m,
			(mb <= m && (s == 0 || seconds <= s) ? "met" : "MISSED")
	}'
}

week=$work/week
measure trace 0 1000 "$build/footsteps-peer" trace -q --scale "$share" --geo "$week.mmdb" -o "$week.pcap" \
	"$top/traces/scenarios/campus.scenario"
geo=
if "$build/footsteps" --version | grep '^libmaxminddb' | grep -vq 'not built in'; then
	geo="--geo $week.mmdb"
fi
# shellcheck disable=SC2086 # $geo is two words, or none
measure read 0 1000 "$build/footsteps" read -q --local-net 198.18.0.0/15 $geo -o "$week.db" "$week.pcap"
measure report 60 500 "$build/footsteps" report -q -o "$work/report" "$week.db"
"$build/footsteps" show "$week.db" | sed -n '/^Found/,/^$/p'
"$build/footsteps" score "$week.db" "$week.truth.db" | sed -n '/^Scores/,/^$/p; /^Table I/,/^$/p'
for file in week.pcap week.truth.db week.db; do
	echo "$file: $(($(wc -c < "$work/$file") / 1000000)) MB"
done
