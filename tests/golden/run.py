#!/usr/bin/env python3
"""traces/login.pcap against traces/login.expect.tsv: every flow, row by row, as `footsteps show --json` gives it.

The expectation is written by the maker of the capture, not by footsteps. Labels are compared where a dissector of
footsteps gives them; of every other flow it is asked that nothing calls it one of ours (libndpi may be absent, and
its names change).
"""
import csv
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

CAPTURE = os.path.join(tap.TOP, "traces", "login.pcap")
EXPECTED = os.path.join(tap.TOP, "traces", "login.expect.tsv")


def key(row):
    return (row["proto"], row["client_ip"], int(row["client_port"]), row["server_ip"], int(row["server_port"]))


def numbers(row):
    return int(row["packets"]), int(row["payload_bytes"])


def json_rows(text):
    """One array, or one object per line."""
    text = text.strip()
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]


def as_made():
    """The capture and its truth are what their maker writes."""
    subprocess.run([sys.executable, "-B", os.path.join(tap.TOP, "traces", "make_login.py"), "--out", tap.tmp()],
                   stdout=subprocess.DEVNULL, check=True)
    for path in (CAPTURE, EXPECTED):
        name = os.path.basename(path)
        tap.ok(tap.content(path) == tap.content(tap.tmp(name)), f"{name} is what make_login.py writes")


def main():
    as_made()
    result, db = tap.read([CAPTURE], "--flows", "all")
    tap.equal(result.returncode, 0, "read login.pcap", result.stderr)
    shown = tap.run("show", db, "flows", "--json")
    tap.equal(shown.returncode, 0, "show flows --json", shown.stderr)

    got = {}
    for row in json_rows(shown.stdout):
        got.setdefault(key(row), []).append(row)
    with open(EXPECTED, newline="", encoding="utf-8") as f:
        expected = list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"))
    tap.ok(len(expected) > 0, "the expectation has rows")

    for row in expected:
        name = "{0} {1}:{2} > {3}:{4}".format(*key(row))
        rows = got.get(key(row), [])
        if not tap.ok(rows, f"{name}: is there"):
            continue
        flow = rows.pop(0)
        tap.equal(numbers(flow), numbers(row), f"{name}: packets and payload bytes")
        if row["label"].startswith("skype"):
            tap.equal(flow["label"], row["label"], f"{name}: label")
        else:
            tap.ok(not flow["label"].startswith("skype"), f"{name}: not called Skype", f"label: {flow['label']}")
    left = [k for k, rows in got.items() if rows]
    tap.ok(not left, "no other flow", *left)
    tap.done()


main()
