#!/usr/bin/env python3
"""The shipped scenarios: generated again they give the bytes that are in traces/peer/, and a monitor that reads them finds what
is true of them."""
import gzip
import hashlib
import os
import struct
import subprocess
import sys

import tap

TRACES = os.path.join(tap.TOP, "traces")
SHIPPED = os.path.join(TRACES, "peer")
SCENARIOS = os.path.join(TRACES, "scenarios")
WHOLE = {"campus"}  # 5 GB: campus-small stands for it here; bench/ has all of it

sys.path.insert(0, TRACES)
sys.dont_write_bytecode = True
from truth_text import truth_text  # noqa: E402  (its folder is known only now)


def names():
    return sorted(name[:-len(".scenario")] for name in os.listdir(SCENARIOS) if name.endswith(".scenario"))


def sums():
    with open(os.path.join(SHIPPED, "SHA256SUMS"), encoding="ascii") as lines:
        return {name: digest for digest, name in (line.split() for line in lines)}


def unpacked(path):
    with gzip.open(path) as f:
        return f.read()


def trace(name):
    """Plays a scenario; returns its capture, its truth, and what footsteps-peer said."""
    capture = tap.tmp(f"{name}.pcap")
    result = tap.peer("trace", "-o", capture, os.path.join(SCENARIOS, f"{name}.scenario"))
    return capture, tap.tmp(f"{name}.truth.db"), result


def same_bytes(name, capture, truth, listed):
    data = tap.content(capture)
    digest = hashlib.sha256(data).hexdigest()
    tap.equal(digest, listed.get(f"{name}.pcap"), f"{name}: the capture is the one of SHA256SUMS")
    stored = os.path.join(SHIPPED, f"{name}.pcap.gz")
    tap.ok(os.path.exists(stored) and unpacked(stored) == data, f"{name}: and the one in traces/peer/")
    stored = os.path.join(SHIPPED, f"{name}.truth.tsv")
    stored = tap.content(stored).decode() if os.path.exists(stored) else ""
    text = truth_text(truth)
    at = next((n for n, (a, b) in enumerate(zip(text.splitlines(), stored.splitlines()), 1) if a != b), "the end")
    tap.ok(text == stored, f"{name}: its truth is the one in traces/peer/", f"differs at line {at}")
    recorded = tap.query(truth, "SELECT sha256, packets FROM runs")
    tap.ok(recorded and recorded[0]["sha256"] in (digest, None), f"{name}: the truth names the capture's hash", recorded)
    tap.equal(recorded[0]["packets"] if recorded else 0, len(tap.pcap_records(data)), f"{name}: and its packets")


def score(name, capture, truth):
    net = tap.query(truth, "SELECT local_net FROM runs")[0]["local_net"]
    result, db = tap.read([capture], *(("--local-net", net) if net else ()))
    tap.equal(result.returncode, 0, f"{name}: the monitor reads it", result.stderr)
    result = tap.run("score", "--strict", db, truth)
    tap.ok(result.returncode == 0, f"{name}: the monitor finds what is true", result.stdout, result.stderr)


def whole_campus():
    """Not played, but read, and a moment of it made."""
    result = tap.peer("check", os.path.join(SCENARIOS, "campus.scenario"))
    tap.ok(result.returncode == 0 and "198.18.0.0/15" in result.stdout, "campus can be read, and says what is inside",
           result.stdout, result.stderr)


def example():
    """The scenario that the manual explains line by line."""
    with open(os.path.join(SCENARIOS, "README.md"), encoding="utf-8") as f:
        blocks = f.read().split("```")[1::2]
    text = next(block for block in blocks if "[scenario]" in block)
    path = tap.write(tap.tmp("example.scenario"), text.encode())
    result = tap.peer("trace", "-q", "-o", tap.tmp("example.pcap"), path)
    tap.ok(result.returncode == 0, "the example of traces/scenarios/README.md can be played", result.stderr)
    score("the example", tap.tmp("example.pcap"), tap.tmp("example.truth.db"))


def variant(name, scenario, *changes):
    """A shipped scenario with changes, played and read: the monitor's database and the truth."""
    with open(os.path.join(SCENARIOS, f"{scenario}.scenario"), encoding="utf-8") as f:
        text = f.read()
    for old, new in changes:
        text = text.replace(old, new)
    result = tap.peer("trace", "-q", "-o", tap.tmp(f"{name}.pcap"), tap.write(tap.tmp(f"{name}.scenario"), text.encode()))
    tap.equal(result.returncode, 0, f"{name}: is played", result.stderr)
    result, db = tap.read([tap.tmp(f"{name}.pcap")])
    tap.equal(result.returncode, 0, f"{name}: is read", result.stderr)
    return db, tap.tmp(f"{name}.truth.db")


def blocked():
    """A client whose UDP is blocked calls over TCP, in a flow without a label: its bytes are the client's media (R3, R13), and it
    is a client with a call (R6)."""
    db, truth = variant("blocked", "udp-restricted", ("n1-n19", "n1-n24"), ("[nodes n]", """[client bob]
place = outside
version = 1.4.0.84
address = 203.0.113.80:40001
network = public
online = yes
cache = sn

[relay r1]
address = 192.0.2.201:23456

[nodes n]"""), ("400s    alice quits", "200s    alice calls bob for 60s via r1 over tcp\n400s    alice quits"))
    expected = tap.query(truth, "SELECT payload_out AS media_out, payload_in AS media_in FROM flows WHERE role = 'media'")
    tap.equal(tap.query(db, "SELECT media_out, media_in FROM clients JOIN calls USING (run, client)"), expected,
              "blocked: the call's bytes are the client's")
    whole = sum(expected[0].values())
    tap.equal(tap.query(db, "SELECT here FROM R13 WHERE quantity = 'voice and video payload bytes'"), [{"here": whole}],
              "blocked: they are in the headline counts")
    # Of the signalling over TCP the monitor sees a part.
    said = tap.query(db, "SELECT sum(payload_out + payload_in) AS n FROM flows WHERE protocol = 'skype'")[0]["n"]
    share = tap.query(db, "SELECT share_percent FROM R3")[0]["share_percent"]
    tap.ok(abs(share - 100 * said / (said + whole)) < 1e-9, "blocked: the share of signalling", share, said, whole)
    tap.equal(tap.query(db, "SELECT why FROM activity"), [{"why": "the most active with signalling and a call"}],
              "blocked: its activity plot is of a client with a call")


def headers_alone():
    """A client whose UDP is blocked, in a capture of no more than the headers of TCP: that TCP answers is in their lengths."""
    whole, short, headers = tap.tmp("whole.pcap"), tap.tmp("headers.pcap"), 14 + 20 + 20
    tap.peer("trace", "-q", "-o", whole, "udp-restricted")
    records = tap.pcap_records(tap.content(whole))
    tap.write(short, tap.pcap_header(snaplen=headers) + b"".join(
        record[:8] + struct.pack("<I", min(headers, len(record) - 16)) + record[12:16 + headers] for record in records))
    _, db = tap.read([short])
    tap.equal(tap.query(db, "SELECT setup FROM setups"), [{"setup": "udp-restricted"}], "headers alone: UDP is blocked, TCP is not")


def held():
    """B11: 0.97 sends about 70 messages of 67 bytes a second, and on hold 3 (BS); rates are of the talk alone. 40 s of talk are
    too few for the 280 s of hold not to show."""
    db, truth = variant("held", "hold", ("1.4.0.84", "0.97"), ("lasts = 100s", "lasts = 400s"), ("for 14s", "for 320s"),
                        ("66s     alice holds for 9s", "80s     alice holds for 280s"), ("90s     alice quits", "390s    alice quits"))
    sent = tap.query(truth, "SELECT packets_out FROM calls")[0]
    call = tap.query(db, "SELECT rate_out, bandwidth_out FROM calls")[0]
    expected = (sent["packets_out"] - 3 * 280) / 40
    tap.ok(abs(call["rate_out"] / expected - 1) < 0.05, "held: messages a second of talk", call, expected)
    tap.ok(abs(call["bandwidth_out"] / (expected * 67) - 1) < 0.05, "held: bytes a second of talk", call, expected * 67)


def small():
    """Less than 1 MB in all, and nothing that is not of a scenario."""
    captures = [name for name in os.listdir(SHIPPED) if name.endswith(".pcap.gz")]
    size = sum(os.path.getsize(os.path.join(SHIPPED, name)) for name in captures)
    tap.ok(size < 1000000, "the shipped captures are smaller than 1 MB together", f"{size} bytes")
    tap.equal(sorted(name[:-len(".pcap.gz")] for name in captures), [name for name in names() if name not in WHOLE],
              "there is one of every scenario, and no other")


def regenerate():
    """The script that made them, run on one of them."""
    folder = tap.tmp("regenerated")
    result = subprocess.run(["sh", os.path.join(TRACES, "regenerate"), "-C", folder, "wrong-password"],
                            env={**os.environ, "FOOTSTEPS_PEER": tap.PEER}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=tap.SECONDS)
    tap.ok(result.returncode == 0 and sorted(os.listdir(folder)) == ["SHA256SUMS", "wrong-password.pcap.gz",
                                                                    "wrong-password.truth.tsv"],
           "traces/regenerate writes capture, truth and sum", result.stderr.decode())


small()
LISTED = sums()
for scenario in names():
    if scenario in WHOLE:
        continue
    made, made_truth, said = trace(scenario)
    if tap.ok(said.returncode == 0, f"{scenario}: played", said.stderr):
        same_bytes(scenario, made, made_truth, LISTED)
        score(scenario, made, made_truth)
whole_campus()
example()
blocked()
headers_alone()
held()
regenerate()
tap.done()
