#!/bin/sh
# Live capture beside a bare libpcap counter:
#   bench/live.sh [--record] [-f CAPTURE | -c PACKETS] [-s SECONDS] [-n SENDERS] [-r ROUNDS] BUILD_DIR
#
# On a veth pair in a network namespace (root): for the counter, and for `footsteps live` with one worker and with two, without
# libndpi and with it, the highest rate at which nothing is lost. First as fast as the senders can; whoever loses there is asked
# for rates in between. All in one run, three times, with the same ring. The senders have processors of their own as long as one is left.
# The load is that of bench/live_load.c, or the frames of an Ethernet capture. Three minutes where nobody loses. Not a load for a
# machine that does something else.
set -u
usage="usage: live.sh [--record] [-f CAPTURE | -c PACKETS] [-s SECONDS] [-n SENDERS] [-r ROUNDS] BUILD_DIR"

bench=$(cd "$(dirname "$0")" && pwd)
record=
if [ "${1-}" = --record ]; then
	record=--record
	shift
fi
seconds=5
capture=
churn=20
senders=1
rounds=3
while getopts f:c:s:n:r:h option; do
	case $option in
	f) capture=$(realpath "$OPTARG") ;;
	c) churn=$OPTARG ;;
	s) seconds=$OPTARG ;;
	n) senders=$OPTARG ;;
	r) rounds=$OPTARG ;;
	*)
		echo "$usage" >&2
		exit 1
		;;
	esac
done
shift $((OPTIND - 1))
build=$(cd "${1:?$usage}" && pwd) || exit 1
snaplen=512
buffer=67108864
fastest=10000000
steps=5 # of the search between a rate that loses and one that does not

die() {
	echo "bench: $1" >&2
	exit 1
}
[ "$(id -u)" = 0 ] || die "network namespaces want root"
if [ "$seconds" -lt 1 ] || [ "$seconds" -gt 300 ]; then
	die "-s takes 1 to 300 seconds"
fi
if [ "$rounds" -lt 1 ] || [ "$rounds" -gt 20 ]; then
	die "-r takes 1 to 20 rounds"
fi
if [ "$senders" -lt 1 ] || [ "$senders" -gt 8 ]; then
	die "-n takes 1 to 8 senders"
fi
for program in footsteps bench/capture_count bench/live_load; do
	[ -x "$build/$program" ] || die "no $build/$program; it is made by 'make bench-live'"
done
for program in ip python3 sqlite3 taskset; do
	command -v $program >/dev/null 2>&1 || die "$program is not installed"
done
what="generated frames"
options=
if [ -n "$capture" ]; then
	what="the frames of $(basename "$capture")"
elif [ "$churn" -gt 0 ]; then
	options="-c $churn"
	what="generated frames, $churn of a flow"
fi
cpus=$(nproc)
reader_cpus=0-$((cpus - 1)) sender_cpus=$reader_cpus
if [ "$senders" -lt "$cpus" ]; then
	sender_cpus=0-$((senders - 1)) reader_cpus=$senders-$((cpus - 1))
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/footsteps-live-XXXXXX") || exit 1
namespace=footsteps-live-$$
reader=
clean_up() {
	[ -z "$reader" ] || kill "$reader" 2>/dev/null
	ip netns delete "$namespace" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
ip netns add "$namespace" || die "no network namespace can be made here"
in="ip netns exec $namespace"
# No frames but ours.
# shellcheck disable=SC2016 # it is the other shell's
$in sh -c 'for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done' 2>/dev/null
ip -n "$namespace" link add v0 mtu 9000 type veth peer name v1 mtu 9000
ip -n "$namespace" link set v0 up
ip -n "$namespace" link set v1 up

# load RATE: sets sent, reached and share (of a processor), of all senders together.
load() {
	rm -f "$work"/sent.*
	waits=
	for sender in $(seq "$senders"); do
		# shellcheck disable=SC2086 # words
		taskset -c $sender_cpus $in "$build/bench/live_load" ${capture:+-f "$capture"} $options v0 $(($1 / senders)) \
			$((seconds * fastest)) "$seconds" >"$work/sent.$sender" &
		waits="$waits $!"
	done
	# shellcheck disable=SC2086 # words
	wait $waits
	# shellcheck disable=SC2046 # words
	set -- $(awk '{ sent += $1; rate += $2; cpu += $3 } END { printf "%d %d %.2f", sent, rate, cpu }' "$work"/sent.*)
	sent=$1 reached=$2 share=$3
}

# wait_for COMMAND...: at most five seconds.
wait_for() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		if "$@" 2>/dev/null; then
			return 0
		fi
		sleep 0.2
	done
	return 1
}

# CPU time of the reader's threads so far, in nanoseconds.
cpu_time() {
	cat /proc/"$reader"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

# The reader's time while there is a load, and until it has worked off what waits; then its end.
measure() { # RATE
	before=$(cpu_time)
	load "$1"
	sleep 1
	cpu=$(($(cpu_time) - before))
	mb=$(awk '/^VmHWM/ { printf "%.0f", $2 * 1024 / 1e6 }' "/proc/$reader/status")
	kill "$reader"
	wait "$reader" 2>/dev/null
	reader=
}

# A run of a reader at a rate; they set packets and the losses.
count() { # RATE
	# shellcheck disable=SC2086 # words
	taskset -c $reader_cpus $in "$build/bench/capture_count" v1 $snaplen $buffer >"$work/count" &
	reader=$!
	wait_for grep -q ready "$work/count" || die "the counter does not start"
	measure "$1"
	# shellcheck disable=SC2046 # words
	set -- $(tail -1 "$work/count")
	packets=${1:-0} kernel=${2:-0} interface=0 ours=0
}

watch() { # RATE OPTION...
	rate=$1
	shift
	rm -f "$work"/live.db*
	# shellcheck disable=SC2086 # words
	taskset -c $reader_cpus $in "$build/footsteps" live -i v1 -o "$work/live.db" --snaplen $snaplen --buffer $buffer "$@" \
		>"$work/live.log" 2>&1 &
	reader=$!
	wait_for test -s "$work/live.db" || die "footsteps live does not start: $(cat "$work/live.log")"
	sleep 1
	measure "$rate"
	totals=$(sqlite3 -separator ' ' "$work/live.db" 'SELECT total(packets), total(dropped_kernel), total(dropped_interface),
		total(dropped_store) FROM capture_minutes') || die "no counts in the database: $(cat "$work/live.log")"
	# shellcheck disable=SC2086 # words
	set -- $totals
	packets=${1%.*} kernel=${2%.*} interface=${3%.*} ours=${4%.*}
}

lossless() {
	[ "$packets" -ge "$sent" ] && [ $((kernel + interface + ours)) -eq 0 ]
}

# A machine that does something else for a moment is no limit of the reader's: what loses, tries twice more.
try() {
	for _ in 1 2 3; do
		"$@"
		lossless && return 0
	done
	return 1
}

row() { # NAME, WHAT THE RATE IS
	printf '%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n' "$1" "$2" "$reached" "$sent" "$packets" "$kernel" "$interface" \
		"$ours" "$cpu" "$mb" "$share" >>"$work/rows"
}

reader() { # NAME COMMAND [OPTION...]
	name=$1 command=$2
	shift 2
	echo "bench: $name" >&2
	if try "$command" $fastest "$@"; then
		row "$name" senders
	else
		row "$name" loses
		search "$@"
	fi
}

search() { # OPTION...
	low=0 high=$reached
	for _ in $(seq $steps); do
		middle=$(((low + high) / 2))
		if try "$command" $middle "$@"; then
			low=$reached
			row "$name" lossless
		else
			high=$middle
		fi
	done
}

# How fast the senders are depends on what else the machine does: all of them one after the other, several times.
for _ in $(seq "$rounds"); do
	reader "libpcap counter" count
	for workers in 1 2; do
		reader "live -j $workers --no-ndpi" watch -j $workers --no-ndpi
	done
	if ! "$build/footsteps" --version | grep -q '^libndpi.*not built in'; then
		for workers in 1 2; do
			reader "live -j $workers" watch -j $workers
		done
	fi
done
version=$("$build/footsteps" --version | sed -n '1s/.* //p')
commit=$(git -C "$(dirname "$bench")" describe --always --dirty --abbrev=8 --exclude='*' 2>/dev/null || echo -)
python3 -B "$bench/live_table.py" $record --version "$version" --commit "$commit" --load "$what, senders: $senders; $seconds s \
each, snaplen $snaplen, a ring of $((buffer >> 20)) MiB" "$work/rows"
