#!/usr/bin/env python3
"""The media streams of traces/rtp.pcap against what their maker knows of them, traces/rtp.streams.tsv: packets, loss, copies,
disorder and jitter of each; and which of them are calls, on which way. With libndpi and without.
"""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

TRACES = os.path.join(tap.TOP, "traces")
JITTER_MS = 2e-3  # the maker's is rounded to microseconds
# make_rtp.py: the client's socket as ICE saw it; the second path is a relay's, with the peer behind it.
PATHS = {("10.0.0.2", 50000, "198.51.100.9", 60000): ("direct", "203.0.113.77", 50000, None, None),
         ("10.0.0.2", 50000, "192.0.2.31", 3478): ("relayed", "203.0.113.77", 50000, "198.51.100.9", 60000)}


def compare(row, stream, name):
    tap.equal([stream[k] for k in ("proto", "packets", "lost", "duplicates", "reordered", "verdict", "basis")],
              [row["proto"], int(row["packets"]), int(row["lost"]) if row["proto"] == "udp" else None,
               int(row["duplicates"]), int(row["reordered"]), "call", "format"], name)
    # Without a clock told by the payload type the meter has to find it first, which takes a second.
    told = row["types"].split(",")[0] in ("0", "8")
    if told:
        tap.equal(stream["clock_hz"], int(row["clock"]), f"{name}: clock")
        for ours, theirs in (("jitter_ms", "jitter_mean_ms"), ("jitter_max_ms", "jitter_max_ms")):
            tap.ok(abs(stream[ours] - float(row[theirs])) <= JITTER_MS, f"{name}: {ours}", stream[ours], row[theirs])
    else:
        tap.ok(stream["clock_hz"] in (int(row["clock"]), None), f"{name}: clock, if it is found", stream["clock_hz"])


def main():
    with open(os.path.join(TRACES, "rtp.streams.tsv"), newline="", encoding="ascii") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    for options in ((), ("--no-ndpi",)) if tap.built_with("libndpi") else ((),):
        what = " ".join(("rtp", *options))
        result, db = tap.read([os.path.join(TRACES, "rtp.pcap")], *options)
        tap.equal(result.returncode, 0, f"{what}: read", result.stderr)
        streams = {(s["from_ip"], s["from_port"], s["to_ip"], s["to_port"], f"{s['stream']:08x}"): s
                   for s in tap.query(db, "SELECT * FROM stream_list WHERE verdict <> 'voip-like'")}
        for row in rows:
            key = (row["src"], int(row["sport"]), row["dst"], int(row["dport"]), row["ssrc"])
            stream = streams.pop(key, None)
            name = f"{what}: {key[0]}:{key[1]} > {key[2]}:{key[3]} {key[4]}"
            if stream is None:
                tap.ok(False, name, "not found")
            else:
                compare(row, stream, name)
        tap.ok(not streams, f"{what}: no other stream", *streams)
        calls = {(c["near_ip"], c["near_port"], c["far_ip"], c["far_port"]): c for c in tap.query(db, "SELECT * FROM calls")}
        hosts = {frozenset((row["src"], row["dst"])) for row in rows}
        tap.equal({frozenset((c[0], c[2])) for c in calls}, hosts, f"{what}: calls")
        for ends, path in PATHS.items():
            call = calls.get(ends, {})
            tap.equal(tuple(call.get(k) for k in ("route", "public_ip", "public_port", "peer_ip", "peer_port")), path,
                      f"{what}: path of {ends[2]}")
    tap.done()


main()
