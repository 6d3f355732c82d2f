#!/usr/bin/env python3
"""Media in the real captures of other protocols: every stream of media_truth.tsv with its packets, loss and jitter, and no other
one; calls where there are calls, and nowhere else. None in the captures of Skype.

The truth was made with tshark and checked by hand; its head says how.
"""
import csv
import os

import tap

OTHERS = tap.require_traces("other-protocols")
SKYPE = tap.require_traces("skype")
TRUTH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "media_truth.tsv")

# A source is one from its second packet on (RFC 3550 A.1).
PROBATION = 2
# Streams that begin behind something else on the same sockets: who knows media is asked again at the twelfth message, so that what
# came before is not counted. By capture and SSRC: packets that footsteps sees, of those in the truth.
LATE = {("rtp.pcapng", "b80974d8"): 19}
# One way, in captures that hold a piece of a call: ICE has found a path between the ends (the truth's head; Signal, Google).
ICE = {("stun_signal.pcapng", "18.195.131.143"), ("stun.pcap", "142.250.82.99"), ("wa_voice.pcap", "31.13.86.48")}
# tshark's jitter is rounded to microseconds. It leaves out packets that share a timestamp from its mean (pictures).
JITTER_MS = 2e-3
PICTURES = {"34"}


def truth():
    with open(TRUTH, newline="", encoding="utf-8") as f:
        return list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"))


def wrong_jitter(row, stream):
    """Only where the clock is fixed by the payload type, and one payload type goes through: else tshark begins anew."""
    if row["jitter_mean_ms"] == "-" or "," in row["types"]:
        return None
    pairs = [("jitter_max_ms", "jitter_max_ms")]
    if row["types"] not in PICTURES:
        pairs.append(("jitter_mean_ms", "jitter_ms"))
    return [f"{theirs} {row[theirs]}, ours {stream[ours]}" for theirs, ours in pairs
            if stream[ours] is None or abs(stream[ours] - float(row[theirs])) > JITTER_MS] or None


def compare(name, rows, streams):
    """What is wrong with the streams of a capture, in words."""
    wrong = []
    ours = {(s["from_ip"], s["from_port"], s["to_ip"], s["to_port"], f"{s['stream']:08x}"): s for s in streams}
    for row in rows:
        stream = ours.pop((row["src"], int(row["sport"]), row["dst"], int(row["dport"]), row["ssrc"]), None)
        packets = LATE.get((name, row["ssrc"]), int(row["packets"]))
        title = f"{row['src']}:{row['sport']} > {row['dst']}:{row['dport']} {row['ssrc']}"
        if packets < PROBATION:
            continue
        if stream is None:
            wrong.append(f"{title}: not found")
        elif (stream["packets"], stream["lost"]) != (packets, int(row["lost"])):
            wrong.append(f"{title}: {stream['packets']} packets, {stream['lost']} lost; truth {packets}, {row['lost']}")
        elif wrong_jitter(row, stream):
            wrong.append(f"{title}: {wrong_jitter(row, stream)}")
    return wrong + [f"not in the truth: {key}" for key in ours]


def hosts_in_call(name, rows):
    """Pairs of hosts with media both ways."""
    ways = {(row["src"], row["dst"]) for row in rows if int(row["packets"]) >= PROBATION}
    both = {frozenset(pair) for pair in ways if pair[::-1] in ways}
    return both | {frozenset(pair) for pair in ways if {(name, pair[0]), (name, pair[1])} & ICE}


def main():
    by_capture = {}
    for row in truth():
        by_capture.setdefault(row["capture"], []).append(row)
    read = streams = voip_like = 0
    for name in sorted(os.listdir(OTHERS)):
        result, db = tap.read([os.path.join(OTHERS, name)])
        if result.returncode not in (0, 3):
            tap.ok(name not in by_capture, f"{name}: read", result.stderr)
            continue
        read += 1
        rows = by_capture.pop(name, [])
        known = tap.query(db, "SELECT * FROM stream_list WHERE verdict IN ('call', 'one-way')")
        calls = tap.query(db, "SELECT near_ip, far_ip, basis FROM calls")
        streams += len(known)
        voip_like += tap.query(db, "SELECT count(DISTINCT flow) AS n FROM streams WHERE verdict = 'voip-like'")[0]["n"]
        if rows:
            wrong = compare(name, rows, known)
            tap.ok(not wrong, f"{name}: the streams, their packets, loss and jitter", *wrong)
            tap.equal({frozenset((c["near_ip"], c["far_ip"])) for c in calls}, hosts_in_call(name, rows), f"{name}: who calls whom")
        elif known or calls:
            tap.ok(False, f"{name}: no media, and no call", known, calls)
    tap.ok(not by_capture, "every capture of the truth was read", *by_capture)
    tap.ok(read > 300, f"{read} captures read, {streams} streams; no call where there is none")
    tap.note(f"{voip_like} flows are like a voice to the classifier alone, and in no call")
    for name in ("SkypeIRC", "skype", "skype_udp"):
        _, db = tap.read([os.path.join(SKYPE, f"{name}.pcap")])
        tap.equal(tap.query(db, "SELECT count(*) AS n FROM calls")[0]["n"], 0, f"{name}: no call")
    tap.done()


main()
