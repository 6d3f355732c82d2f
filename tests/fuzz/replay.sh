#!/bin/sh
# Every capture of the corpus, and some small ones of every shape, through the fuzz target without a fuzzer: whole, cut
# short everywhere, and with bytes changed.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
builddir=$(dirname "${FOOTSTEPS:-$top/build/footsteps}")
set --
for file in "$top"/tests/corpus/* "$top"/traces/*.pcap; do
	case $file in
	*.md | *.py) ;;
	*) [ ! -f "$file" ] || set -- "$@" "$file" ;;
	esac
done
conformance=${FOOTSTEPS_TRACES:-$top/../shared/traces}/conformance
for name in base.pcapng base.snoop base.erf base.pcap.gz lt_radiotap127.pcap enc_qinq.pcap tun_l2tp.pcap frag6.pcap; do
	[ ! -f "$conformance/$name" ] || set -- "$@" "$conformance/$name"
done
exec "$builddir/tests/fuzz/replay" "$@"
