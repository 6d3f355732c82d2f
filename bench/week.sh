#!/bin/sh
# A week of a campus as Rossi, Mellia and Meo describe it (make_week.c): bench/week.sh BUILD_DIR
#
# Reads it and writes the report, and compares with the limits: 1 GB to read, 60 s and 500 MB to report. Takes 4 GB of
# disk where TMPDIR points to, and two minutes. WEEK_SHARE=0.1 makes it smaller, for trying.
set -u

build=${1:?usage: bench/week.sh BUILD_DIR}
share=${WEEK_SHARE:-1}
FOOTSTEPS_DATA=${FOOTSTEPS_DATA:-$(dirname "$0")/..}
export FOOTSTEPS_DATA
for program in footsteps bench/make_week bench/peak_memory; do
	if test ! -x "$build/$program"; then
		echo "bench: $build/$program is missing; run 'make bench-week'" >&2
		exit 1
	fi
done
work=$(mktemp -d "${TMPDIR:-/tmp}/footsteps-week-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# measure NAME SECONDS_MOST MB_MOST COMMAND...: 0 seconds: no limit
measure() {
	name=$1 seconds_most=$2 mb_most=$3
	shift 3
	begun=$(date +%s.%N)
	kib=$("$build/bench/peak_memory" "$@") || { echo "bench: $name failed" >&2; exit 1; }
	awk -v name="$name" -v kib="$kib" -v begun="$begun" -v ended="$(date +%s.%N)" -v s="$seconds_most" \
		-v m="$mb_most" 'BEGIN {
		seconds = ended - begun; mb = kib * 1024 / 1e6
		printf "%-7s %6.1f s%s, %4.0f MB, at most %d: %s\n", name, seconds, s > 0 ? ", at most " s : "", mb, m,
			mb <= m && (s == 0 || seconds <= s) ? "met" : "MISSED"
	}'
}

"$build/bench/make_week" "$share" > "$work/week.pcap" || exit 1
measure read 0 1000 "$build/footsteps" read -q -o "$work/week.db" "$work/week.pcap"
measure report 60 500 "$build/footsteps" report -q -o "$work/report" "$work/week.db"
"$build/footsteps" show "$work/week.db" | sed -n '/^Found/,/^$/p'
for file in week.pcap week.db; do
	echo "$file: $(($(wc -c < "$work/$file") / 1000000)) MB"
done
