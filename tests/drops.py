#!/usr/bin/env python3
"""Losses of a live run: `show` and `report` say what was lost, by which cause, when, and below which figures.

The minutes are put into a database of `read` by hand; the shares are worked out here.
"""
import os
import re
import sqlite3

import tap

LOGIN = os.path.join(tap.TOP, "traces", "login.pcap")
NS = 10**9
# Minute, packets, dropped by the kernel, by the interface, records lost by the store; of two interfaces.
MINUTES = [
    (0, "eth1", 900, 0, 0, 0),
    (1, "eth1", 900, 50, 0, 0),
    (1, "eth2", 50, 0, 0, 0),
    (2, "eth1", 990, 0, 10, 7),
    (3, "eth1", 1000, 0, 0, 0),
]
BEGIN = 1700000040  # 2023-11-14T22:14:00Z, a whole minute


def lose(db, minutes):
    con = sqlite3.connect(db)
    con.execute("DELETE FROM capture_minutes")
    for minute, interface, packets, kernel, card, store in minutes:
        con.execute("INSERT INTO capture_minutes VALUES (1, 1, ?, ?, ?, ?, ?, ?, ?)",
                    (interface, (BEGIN + 60 * minute) * NS, packets, packets * 60, kernel, card, store))
    con.execute("UPDATE counters SET value = ? WHERE area = 'trace' AND name = 'dropped'",
                (sum(m[3] + m[4] for m in minutes),))
    con.commit()
    con.close()


def page(db, name):
    out = tap.tmp(name)
    result = tap.run("report", db, "-o", out)
    with open(os.path.join(out, "index.html"), encoding="utf-8") as f:
        return result, re.sub(r"<[^>]*>", " ", f.read()), out


def main():
    result, db = tap.read([LOGIN])
    tap.equal(result.returncode, 0, "a capture is read", result.stderr)
    tap.ok("Lost in" not in tap.run("show", db).stdout, "of files, show does not speak of minutes")
    result, text, _ = page(db, "none")
    tap.ok("These packets come from files" in text, "and a report says why there is nothing", result.stderr)

    lose(db, MINUTES)
    # 60 of 3900 packets: 3840 came. The minute 22:15 has 50 of 1000 (two interfaces), 22:16 has 10 of 1000.
    shown = " ".join(tap.run("show", db).stdout.split())
    tap.ok("Lost in 4 minutes of capture" in shown, "show: how many minutes", shown)
    tap.ok("50 1.3 1 2023-11-14T22:15Z packets, by the kernel" in shown, "... the kernel's drops, and when", shown)
    tap.ok("10 0.3 1 2023-11-14T22:16Z packets, by the interface" in shown, "... the interface's", shown)
    tap.ok("7 - 1 2023-11-14T22:16Z records of flows and events" in shown, "... the records of the store", shown)
    result, text, out = page(db, "drops")
    tap.equal(result.returncode, 0, "the report is made", result.stderr)
    words = "1.5 % of all packets, in 2 of 4 minutes; most in that of 2023-11-14T22:15Z, 5 %"
    touched = sum(words in part for part in text.split("Mind the trace:")[1:])
    tap.ok(touched > 5 and touched == text.count(words), "figures that drops touch say how much, and when", touched)
    tap.ok("Lost: 1.5 % of 3900 packets (kernel 50, interface 10), in 2 of 4 minutes; and 7 records of flows and events."
           " The worst minutes: 2023-11-14T22:15Z (5 %), 2023-11-14T22:16Z (1 %)." in " ".join(text.split()),
           "the figure of the losses says so, too")
    with open(os.path.join(out, "drops.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f][1:]
    tap.equal([(int(r[0]) - BEGIN, r[1], float(r[5]), float(r[6])) for r in rows],
              [(0, "900", 0, 0), (60, "950", 5, 0), (120, "990", 0, 1), (180, "1000", 0, 0)], "minute by minute")

    lose(db, [(i, "eth1", 100, 0, 0, 0) for i in range(3)])
    shown = " ".join(tap.run("show", db).stdout.split())
    tap.ok("Lost in 3 minutes of capture Nothing." in shown, "a live run that lost nothing says so", shown)
    result, text, _ = page(db, "clean")
    tap.ok("of all packets, in" not in text and "Mind the trace: packets dropped" not in text,
           "... and no figure is touched")
    tap.done()


main()
