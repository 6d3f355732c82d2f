#!/usr/bin/env python3
"""The calls of traces/voice.pcap against what their maker knows of them, traces/voice.calls.tsv: who, when, how much, on
what grounds; and what is like a voice and must be no call.

Each row is held against the tables calls, holds and streams, with libndpi and without. What is compared loosely:

- start and end to a second. The meter begins with the 16th message of a direction (16 x 30 ms, 16 x 60 ms), and tells
  talk from signalling in whole seconds that it counts from there: the last one is talk only with 10 messages in it.
- messages: up to 16 of each direction came before the meter began, and two more while it could still be RTP.
- the smallest and largest size: as seen in what was measured, so never beyond those of the maker.
"""
import csv
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

TRACES = os.path.join(tap.TOP, "traces")
SECOND = 1.0
BEFORE = 16 + 2  # MEDIA_BEGINS of src/identify/media.h
CALLS = """SELECT c.*, (c.first_ns - r.first_ns) / 1e9 AS first_ts, (c.last_ns - r.first_ns) / 1e9 AS last_ts
           FROM calls c JOIN runs r USING (run)"""
HOLDS = """SELECT h.*, (h.first_ns - r.first_ns) / 1e9 AS first_ts, (h.last_ns - r.first_ns) / 1e9 AS last_ts
           FROM holds h JOIN runs r USING (run) ORDER BY call, n"""


def expectations():
    with open(os.path.join(TRACES, "voice.calls.tsv"), newline="", encoding="ascii") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def ends(row, near="near", far="far"):
    return tuple(row[f"{near}_ip"] if what == "ip" else int(row[f"{near}_port"]) for what in ("ip", "port")) + \
        tuple(row[f"{far}_ip"] if what == "ip" else int(row[f"{far}_port"]) for what in ("ip", "port"))


def near(got, expected, name):
    tap.ok(abs(got - float(expected)) <= SECOND, name, f"{got}, not {expected} to a second")


def compare_call(row, call, holds, name):
    for column in ("basis", "media", "transport"):
        tap.equal(call[column], row[column], f"{name}: {column}")
    tap.equal(call["protocol"], "skype", f"{name}: protocol")
    tap.equal(call["near_began"], int(row["near_began"]), f"{name}: who began")
    near(call["first_ts"], row["first_ts"], f"{name}: start")
    near(call["last_ts"], row["last_ts"], f"{name}: end")
    for side in ("out", "in"):
        sent = int(row[f"packets_{side}"])
        tap.ok(sent - BEFORE <= call[f"packets_{side}"] <= sent, f"{name}: messages {side}",
               f"{call[f'packets_{side}']} of {sent}")
        tap.ok(int(row[f"size_min_{side}"]) <= call[f"size_min_{side}"] <= call[f"size_max_{side}"] <=
               int(row[f"size_max_{side}"]), f"{name}: sizes {side}", call)
        # BS: no silence suppression. Less than five seconds do not tell.
        tap.ok(call[f"silence_{side}"] in ("sent", None), f"{name}: silence {side}", call[f"silence_{side}"])
        tap.equal((call[f"codec_{side}"], call[f"codec_estimated_{side}"]), (row["codec"], 1), f"{name}: codec {side}")
        tap.equal(call[f"mos_{side}"], None, f"{name}: without sequence numbers there is no score")
    tap.equal(len(holds), int(row["holds"]), f"{name}: holds")
    for hold in holds:
        near(hold["first_ts"], row["hold_first_ts"], f"{name}: start of the hold")
        near(hold["last_ts"], row["hold_last_ts"], f"{name}: end of the hold")
    tap.equal(call["conference"], int(row["conference"]) if row["conference"] else None, f"{name}: conference")


def rates(db, what):
    """Measurements B11: about 33 messages a second and direction at 30 ms, the hold left out."""
    rows = tap.query(db, CALLS + " ORDER BY call LIMIT 2")
    for row in rows:
        for side in ("out", "in"):
            tap.ok(31 < row[f"rate_{side}"] < 35, f"{what}: call {row['call']}: messages a second {side}",
                   row[f"rate_{side}"])
            # 63 bytes each, and 18 on hold.
            tap.ok(1900 < row[f"bandwidth_{side}"] < 2200, f"{what}: call {row['call']}: bytes a second {side}",
                   row[f"bandwidth_{side}"])


def compare(*options):
    what = " ".join(("voice", *options))
    result, db = tap.read([os.path.join(TRACES, "voice.pcap")], *options)
    tap.equal(result.returncode, 0, f"{what}: read", result.stderr)
    calls = {ends(call): call for call in tap.query(db, CALLS)}
    holds = tap.query(db, HOLDS)
    like = {ends(row, "initiator", "responder") for row in
            tap.query(db, "SELECT * FROM streams WHERE verdict = 'voip-like' AND call IS NULL AND basis = 'none'")}
    expected = expectations()
    for row in expected:
        name = "{0}: {1}:{2} and {3}:{4}".format(what, *ends(row))
        call = calls.pop(ends(row), None)
        if row["verdict"] == "call":
            if tap.ok(call, f"{name}: a call"):
                compare_call(row, call, [hold for hold in holds if hold["call"] == call["call"]], name)
            continue
        tap.ok(not call, f"{name}: no call")
        if row["verdict"] != "no-call":
            tap.equal(ends(row) in like, row["verdict"] == "voip-like", f"{name}: {row['verdict']}")
    tap.ok(not calls, f"{what}: no other call", *calls)
    tap.ok(not {row for row in like if row not in {ends(row) for row in expected}}, f"{what}: nothing else like voice", *like)
    rates(db, what)
    # Stored once each; a client's flows that carried media are no signalling (D11), so that R8 is without them.
    sizes = tap.query(db, "SELECT sum(count) AS n FROM distributions WHERE measure LIKE 'payload_%' AND value BETWEEN 60 AND 66")
    tap.equal(sizes[0]["n"], None, f"{what}: R8 has no size of voice")
    signalling(db, what)
    clients = tap.query(db, "SELECT ip, port, verdict FROM clients")
    tap.equal([tuple(row.values()) for row in clients], [("10.0.0.2", 35471, "skype")], f"{what}: one client")


def signalling(db, what):
    """Set-up and tear-down once more from the packets: what the two hosts said around the media, a second left out in their own flow."""
    heard = []
    for record in tap.pcap_records(tap.content(os.path.join(TRACES, "voice.pcap"))):
        (second, rest), frame = struct.unpack_from("<II", record), record[16:]
        protocol, transport = frame[23], frame[34:]
        header = 8 if protocol == 17 else transport[12] // 16 * 4
        length = int.from_bytes(frame[16:18], "big") - 20 - header
        if protocol in (6, 17) and length > 0:
            ends_of = {".".join(map(str, frame[26:30])), ".".join(map(str, frame[30:34]))}
            ports = {int.from_bytes(transport[:2], "big"), int.from_bytes(transport[2:4], "big")}
            heard.append((second * 10**9 + rest * 1000, ends_of, ports, length))
    for call in tap.query(db, "SELECT * FROM calls WHERE client IS NOT NULL"):
        mine = [(ns, length, 10**9 if ports == {call["near_port"], call["far_port"]} else 0)
                for ns, hosts, ports, length in heard if hosts == {call["near_ip"], call["far_ip"]}]
        for part in ("set-up", "tear-down"):
            sizes = [length for ns, length, apart in mine
                     if (call["first_ns"] - 10 * 10**9 <= ns <= call["first_ns"] - apart if part == "set-up" else
                         call["last_ns"] + apart <= ns <= call["last_ns"] + 5 * 10**9)]
            got = tap.query(db, "SELECT messages, bytes FROM B10_signalling WHERE call = ? AND part = ?", call["call"], part)
            tap.equal([tuple(row.values()) for row in got], [(len(sizes), sum(sizes))] if sizes else [],
                      f"{what}: {part} of call {call['call']}")


def main():
    maker = os.path.join(TRACES, "make_voice.py")
    subprocess.run([sys.executable, "-B", maker, "--out", tap.tmp()], stdout=subprocess.DEVNULL, check=True)
    tap.ok(tap.content(os.path.join(TRACES, "voice.calls.tsv")) == tap.content(tap.tmp("voice.calls.tsv")),
           "voice.calls.tsv is what its maker writes")
    verdicts = sorted({row["verdict"] for row in expectations()})
    tap.equal(verdicts, ["call", "no-call", "nothing", "voip-like"], "the expectation has calls and traps")
    compare()
    if tap.built_with("libndpi"):
        compare("--no-ndpi")
    tap.done()


main()
