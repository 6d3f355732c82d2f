#!/usr/bin/env python3
"""The shipped scenarios: generated again they give the bytes that are in traces/peer/, and a monitor that reads them finds what
is true of them."""
import gzip
import hashlib
import os
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
regenerate()
tap.done()
