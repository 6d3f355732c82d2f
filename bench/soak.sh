#!/bin/sh
# Memory over time: bench/soak.sh BUILD_DIR [footsteps live options]
#
# A veth pair in a network namespace of its own (root), a bounded load with flow churn (a new flow every 20 packets), and a
# sample of `footsteps live` every 10 s: memory, CPU, database, WAL. SOAK_SECONDS=1800 SOAK_RATE=30000 (packets/s). The last line
# says whether memory was flat: at most 5 % more at the end than after the first fifth, by when flows and tables are full.
# The samples are left in ./soak.tsv; needs 1 GB where TMPDIR points to.
set -u

build=$(cd "${1:?usage: bench/soak.sh BUILD_DIR [option...]}" && pwd) || exit 1
shift
seconds=${SOAK_SECONDS:-1800} rate=${SOAK_RATE:-30000}
for program in footsteps bench/live_load; do
	if test ! -x "$build/$program"; then
		echo "soak: $build/$program is missing; run 'make' and 'make bench/live_load'" >&2
		exit 1
	fi
done
work=$(mktemp -d "${TMPDIR:-/tmp}/footsteps-soak-XXXXXX") || exit 1
namespace=footsteps-soak-$$ reader='' sender=''
clean() {
	[ -z "$sender" ] || kill "$sender" 2>/dev/null
	[ -z "$reader" ] || kill "$reader" 2>/dev/null
	wait
	ip netns delete "$namespace" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
ip netns add "$namespace" || exit 1
for which in all default; do
	ip netns exec "$namespace" sh -c "echo 1 >/proc/sys/net/ipv6/conf/$which/disable_ipv6"
done
ip -n "$namespace" link add v0 type veth peer name v1 || exit 1
ip -n "$namespace" link set v0 up
ip -n "$namespace" link set v1 up
ip netns exec "$namespace" "$build/footsteps" live -i v1 -o "$work/soak.db" "$@" >"$work/log" 2>&1 &
reader=$!
sleep 3
ip netns exec "$namespace" "$build/bench/live_load" -c 20 v0 "$rate" $((rate * seconds)) "$seconds" >"$work/sent" 2>&1 &
sender=$!

size() {
	stat -c %s "$1" 2>/dev/null || echo 0
}
printf 'seconds\trss_kb\tanon_kb\tcpu_s\tdb\twal\n' | tee soak.tsv
begun=$(date +%s)
while [ -d "/proc/$reader" ] && [ -d "/proc/$sender" ]; do
	awk -v t=$(($(date +%s) - begun)) -v db="$(size "$work/soak.db")" -v wal="$(size "$work/soak.db-wal")" \
		-v hz="$(getconf CLK_TCK)" '
		/^VmRSS/ { rss = $2 }
		/^RssAnon/ { anon = $2 }
		FILENAME ~ /stat$/ { sub(/.*\) /, ""); cpu = ($12 + $13) / hz }
		END { printf "%d\t%d\t%d\t%.1f\t%d\t%d\n", t, rss, anon, cpu, db, wal }' \
		"/proc/$reader/status" "/proc/$reader/stat" | tee -a soak.tsv
	sleep 10
done
[ -d "/proc/$reader" ] || echo "soak: footsteps has ended" >&2
kill "$reader" 2>/dev/null
wait "$reader"
status=$?
reader=''
cat "$work/sent" "$work/log"
awk -v seconds="$seconds" -v status="$status" '
	NR > 1 && $1 >= seconds / 5 && !first { first = $2 }
	NR > 1 { last = $2 }
	END {
		flat = first && last <= first * 1.05 && (status == 0 || status == 3)
		printf "memory: %.1f MB after a fifth of the time, %.1f MB at the end: %s\n", first / 1000, last / 1000,
			flat ? "flat" : "NOT FLAT"
		exit !flat
	}' soak.tsv
