#!/usr/bin/env python3
"""The captures in traces/ against what is known of them: every traces/NAME.expect.tsv beside a NAME.pcap, each flow row by
row as `footsteps show --json` gives it.

The expectation is written by the maker of the capture, not by footsteps. Labels are compared where a protocol of ours is
meant, in the truth or by footsteps: its labels begin with its name. What else footsteps calls a flow is not compared
(libndpi may be absent, and its names change).
"""
import csv
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

TRACES = os.path.join(tap.TOP, "traces")
PROTOCOLS = tuple(re.findall(r"^PROTOCOL\((\w+)\)$",
                             tap.content(os.path.join(tap.TOP, "dissectors", "list.h")).decode(), re.MULTILINE))
LABELS = ("stun", "rtcp")  # of the protocol rtp, which has three


def key(row):
    return (row["proto"], row["client_ip"], int(row["client_port"]), row["server_ip"], int(row["server_port"]))


def numbers(row):
    return int(row["packets"]), int(row["payload_bytes"])


def ours(label):
    """The label when it is one of a protocol of ours, else None."""
    return label if label.split("-")[0] in PROTOCOLS + LABELS else None


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"))


def as_made(name):
    """Where there is a maker, the capture and its truth are what it writes."""
    maker = os.path.join(TRACES, f"make_{name}.py")
    if not os.path.exists(maker):
        return
    subprocess.run([sys.executable, "-B", maker, "--out", tap.tmp()], stdout=subprocess.DEVNULL, check=True)
    for file in (f"{name}.pcap", f"{name}.expect.tsv"):
        tap.ok(tap.content(os.path.join(TRACES, file)) == tap.content(tap.tmp(file)), f"{file} is what its maker writes")


def shown(name):
    """The flows that footsteps shows, in lists by their key."""
    result, db = tap.read([os.path.join(TRACES, f"{name}.pcap")], "--flows", "all")
    tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
    show = tap.run("show", db, "flows", "--json")
    tap.equal(show.returncode, 0, f"{name}: show flows --json", show.stderr)
    flows = {}
    for line in show.stdout.splitlines():
        row = json.loads(line)
        flows.setdefault(key(row), []).append(row)
    return flows


def compare(name):
    as_made(name)
    got, expected = shown(name), rows_of(os.path.join(TRACES, f"{name}.expect.tsv"))
    tap.ok(len(expected) > 0, f"{name}: the expectation has rows")
    for row in expected:
        title = "{0}: {1} {2}:{3} > {4}:{5}".format(name, *key(row))
        rows = got.get(key(row), [])
        if not tap.ok(rows, f"{title}: is there"):
            continue
        flow = rows.pop(0)
        tap.equal(numbers(flow), numbers(row), f"{title}: packets and payload bytes")
        tap.equal(ours(flow["label"]), ours(row["label"]), f"{title}: label", f"label: {flow['label']}")
    left = [k for k, rows in got.items() if rows]
    tap.ok(not left, f"{name}: no other flow", *left)


def main():
    tap.ok(PROTOCOLS, "dissectors/list.h names protocols")
    names = sorted(file[:-len(".expect.tsv")] for file in os.listdir(TRACES) if file.endswith(".expect.tsv"))
    tap.ok("login" in names, "traces/ has expectations", names)
    for name in names:
        compare(name)
    tap.done()


main()
