#!/usr/bin/env python3
"""Names of addresses in real captures: those that tshark finds in the DNS answers (names.tsv), of the addresses that the
recognised clients dealt with, no other, and each from its first answer on."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

DIRECTORY = tap.require_traces("skype")
# At least so many of the addresses have names: the host of SkypeIRC looked up every peer of its client.
NAMED = {"SkypeIRC": 80, "skype": 1}


def golden():
    """{capture: {(ip, name): nanoseconds of the first answer}}"""
    names = {}
    with open(os.path.join(tap.TOP, "tests", "golden", "names.tsv"), newline="", encoding="utf-8") as f:
        for row in csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"):
            seconds, fraction = row["time"].split(".")
            names.setdefault(row["capture"], {}).setdefault((row["ip"], row["name"]), int(seconds) * 10**9 + int(fraction))
    return names


def main():
    for capture, names in golden().items():
        result, db = tap.read([os.path.join(DIRECTORY, f"{capture}.pcap")])
        tap.equal(result.returncode, 0, f"{capture}: read", result.stderr)
        met = {row["ip"] for row in tap.query(
            db, "SELECT peer_ip AS ip FROM pair_classes p JOIN clients c USING (run, client) WHERE c.verdict = c.protocol"
                " UNION SELECT server_ip FROM flows WHERE proto = 'tcp' AND protocol IS NOT NULL"
                " UNION SELECT server_ip FROM exchanges UNION SELECT server_ip FROM version_checks")}
        expected = {key: ns for key, ns in names.items() if key[0] in met}
        rows = {(row["ip"], row["name"]): row["first_ns"] for row in tap.query(db, "SELECT * FROM names")}
        tap.ok(len(expected) >= NAMED[capture], f"{capture}: many addresses have names", len(expected))
        wrong = [f"{key}: {rows.get(key)}, not {expected.get(key)}" for key in sorted(set(rows) | set(expected))
                 if rows.get(key) != expected.get(key)]
        tap.ok(not wrong, f"{capture}: names are those that tshark finds", *wrong)
    tap.done()


main()
