#!/usr/bin/env python3
"""The dissectors' false alarms on generated traffic are within their budgets: none in ten million datagrams at socket
level, and at flow level the rate that their bits promise. That the command fails when they are not is proved by
tests/unit/test_null_test.c, with dissectors planted for it."""
import json
import math

import tap

DATAGRAMS = 10_000_000
KINDS = {"random", "random-tcp", "rtp", "srtp", "dtls", "quic", "dns", "dnscrypt", "wireguard", "stun",
         "bittorrent-dht", "bittorrent-utp", "tls"}


def self_test(*options):
    """The exit status and the rows, by their kind."""
    result = tap.run("self-test", "--json", *options)
    rows = {}
    for line in result.stdout.splitlines():
        row = json.loads(line)
        rows.setdefault(row["row"], []).append(row)
    return result, rows


def budgets():
    result, rows = self_test("--datagrams", str(DATAGRAMS))
    tap.ok(result.returncode == 0, f"{DATAGRAMS} datagrams: exit status 0", f"status {result.returncode}", result.stderr)
    tap.equal(rows["run"][0]["datagrams"], DATAGRAMS, "as many datagrams as asked for")
    tap.equal({row["name"] for row in rows["traffic"]}, KINDS, "every kind of traffic")
    tap.equal(sum(row["datagrams"] for row in rows["traffic"]), DATAGRAMS, "the kinds add up")
    tap.equal([row["name"] for row in rows["traffic"] if row["datagrams"] < DATAGRAMS / 50], [], "no kind is rare")
    for row in rows["dissector"]:
        promised = 1 if row["promised"] is None else 2 ** -row["least_bits"]
        tap.ok(row["within"] and row["rate_low"] <= promised and row["flows"] > DATAGRAMS / 100,
               f"{row['name']}: {row['with_evidence']} of {row['flows']} random flows", row)
    for row in rows["protocol"]:
        tap.ok(row["within"] and row["recognised"] == row["labelled_flows"] == row["events"] == 0,
               f"{row['name']}: none of {row['datagrams']} datagrams, {row['sockets']} sockets", row,
               *[alarm for alarm in rows.get("alarm", []) if alarm["protocol"] == row["name"] and not alarm["own"]])
        # None of n: 1 - 0.025^(1/n).
        high = -math.expm1(math.log(0.025) / row["datagrams"])
        tap.ok(abs(row["per_datagram_high"] / high - 1) < 1e-6, f"{row['name']}: the upper bound", row, high)


def reproducible():
    first, _ = self_test("--datagrams", "100k", "--seed", "5")
    again, _ = self_test("--datagrams", "100k", "--seed", "5")
    other, _ = self_test("--datagrams", "100k", "--seed", "6")
    tap.ok(first.stdout == again.stdout and first.stdout, "the same seed, the same result")
    tap.ok(first.stdout != other.stdout, "another seed, another result")
    _, rows = self_test("--datagrams", "1")
    tap.equal(rows["run"][0]["datagrams"], 1, "one datagram")


def looks():
    result = tap.run("self-test", "--datagrams", "50k")
    wide = [line for line in result.stdout.splitlines() if len(line) > 80]
    tap.ok(result.returncode == 0 and not wide and not result.stderr, "80 columns, nothing on standard error", *wide,
           result.stderr)
    tap.ok("FAIL" not in result.stdout and "All dissectors are within their budgets." in result.stdout, "it says so")
    for arguments in (["capture.pcap"], ["--datagrams", "0"], ["--seed", "-1"], ["--datagram", "5"]):
        result = tap.run("self-test", *arguments)
        tap.ok(result.returncode == 1 and result.stderr and not result.stdout, f"wrong usage: {' '.join(arguments)}",
               f"status {result.returncode}", result.stderr)


budgets()
reproducible()
looks()
tap.done()
