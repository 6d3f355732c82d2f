#!/usr/bin/env python3
"""`footsteps chart` as a user runs it: what is written where, what is left alone, and that nothing stays behind."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import xml.dom.minidom

import tap

CAPTURE = os.path.join(tap.TOP, "traces", "login.pcap")


def says(result, status, words, name, *checks):
    lost = [word for word in words if word not in result.stderr]
    failed = [text for passed, text in checks if not passed]
    tap.ok(result.returncode == status and not lost and not failed and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", *failed, "it said:", result.stderr)


def usage(db):
    says(tap.run("chart"), 1, ["a chart of what? Name one"], "nothing named")
    says(tap.run("chart", db, "--login", "1", "--call", "1"), 1, ["exclude"], "two scenes")
    says(tap.run("chart", db, "--login", "99"), 1, ["no login 99", "login 1"], "a scene that is not there: those that are")
    says(tap.run("chart", db, "--width", "10"), 1, ["--width"], "too narrow")
    says(tap.run("chart", tap.tmp("missing.db")), 2, ["missing.db"], "no such database")
    for option in ("--json", "--text"):
        says(tap.run("chart", db, "--login", "1", "-o", "-", option), 1, ["-o -"], f"two things on standard output: {option}")
    says(tap.run("chart", db, "--list", "-o", tap.tmp("list.svg")), 1, ["--list"], "a list is not drawn",
         (not os.path.exists(tap.tmp("list.svg")), "list.svg was made"))
    says(tap.run("chart", db, "--login", "1", "-o", ""), 1, ["-o"], "an output without a name")
    says(tap.run("chart", db, "--login", "1", "-o", tap.tmp("x.PNG")), 1, ["SVG alone", "x.svg"], "a drawing of another kind",
         (not os.path.exists(tap.tmp("x.PNG")), "x.PNG was made"))


def locale(db):
    plain = tap.run("chart", db, "--login", "1", env=dict(os.environ, LC_ALL="C"))
    wide = tap.run("chart", db, "--login", "1", env=dict(os.environ, LC_ALL="C.UTF-8"))
    tap.ok(plain.stdout.isascii() and "UDP" in plain.stdout, "locale C: plain ASCII", plain.stdout[:300])
    tap.ok("►" in wide.stdout, "locale C.UTF-8: drawn with lines", wide.stdout[:300])
    tap.equal(len(plain.stdout.splitlines()), len(wide.stdout.splitlines()), "... of as many lines")


def drawing(db):
    directory = tap.tmp("a b\n'c\"")
    os.mkdir(directory)
    path = os.path.join(directory, "x.svg")
    says(tap.run("chart", db, "--login", "1", "-o", path), 0, [], "a path with blanks, quotes and a line feed",
         (os.listdir(directory) == ["x.svg"], f"there: {os.listdir(directory)}"))
    first = tap.content(path)
    xml.dom.minidom.parseString(first)
    says(tap.run("chart", db, "--login", "1", "--rows", "0", "-o", path), 0, [], "an earlier drawing is replaced",
         (tap.content(path) != first, "it is as it was"), (os.listdir(directory) == ["x.svg"], f"there: {os.listdir(directory)}"))
    tap.equal(tap.run("chart", db, "--login", "1", "-o", "-").stdout.encode(), first, "-o -: the same on standard output")

    before = tap.content(db)
    says(tap.run("chart", db, "--login", "1", "-o", db), 4, ["does not replace"], "-o names the database: refused, untouched",
         (tap.content(db) == before, "it was changed"))
    mine = tap.write(tap.tmp("mine.txt"), b"a text that somebody needs\n")
    says(tap.run("chart", db, "--login", "1", "-o", mine), 4, ["mine.txt"], "-o names some other file: refused, untouched",
         (tap.content(mine) == b"a text that somebody needs\n", "it was changed"))
    says(tap.run("chart", db, "--login", "1", "-o", tap.tmp("no/x.svg")), 4, ["No such file"], "no such directory")
    link = tap.tmp("full.svg")
    os.symlink("/dev/full", link)
    says(tap.run("chart", db, "--login", "1", "-o", link), 4, ["No space left"], "a device that is full: said, and left there",
         (os.path.islink(link) and os.path.exists("/dev/full"), "it is gone"))


def capture(db):
    below = tap.tmp("temporary")
    os.mkdir(below)
    env = dict(os.environ, TMPDIR=below)
    result = tap.run("chart", CAPTURE, "--login", "1", "--json", env=env)
    same = tap.run("chart", db, "--login", "1", "--json")
    # The flows' numbers and times are those of the packets, in either.
    tap.equal([json.loads(line) for line in result.stdout.splitlines()], [json.loads(line) for line in same.stdout.splitlines()],
              "of a capture: as of its database")
    with open(CAPTURE, "rb") as stdin:
        piped = tap.run("chart", "-", "--login", "1", "--json", env=env, stdin=stdin)
    tap.equal(piped.stdout, result.stdout, "of a capture on standard input: the same", piped.stderr)
    says(result, 0, [], "... and nothing is left in TMPDIR", (os.listdir(below) == [], f"there: {os.listdir(below)}"))
    dashed = tap.tmp("--output.pcap")
    shutil.copy(CAPTURE, dashed)
    result = tap.run("chart", "--login", "1", "--", "--output.pcap", cwd=tap.tmp(), env=env)
    says(result, 0, [], "a capture whose name is like an option", ("UDP" in result.stdout, result.stdout))
    result = tap.run("chart", CAPTURE, env=dict(os.environ, TMPDIR=tap.tmp("nowhere")))
    says(result, 4, ["TMPDIR", "No such file"], "a TMPDIR that is not there")
    result = tap.run("chart", CAPTURE, env={name: value for name, value in os.environ.items() if name != "TMPDIR"})
    says(result, 0, [], "no TMPDIR")
    result = tap.run("chart", tap.write(tap.tmp("none.pcap"), tap.pcap_header()), env=env)
    says(result, 0, [], "a capture of no packets", ("No login" in result.stdout, result.stdout))
    cut = tap.write(tap.tmp("cut.pcap"), tap.content(CAPTURE)[:-7])
    says(tap.run("chart", cut, "--login", "1", env=env), 3, ["cut.pcap"], "a cut capture: drawn, and said")
    tap.equal(os.listdir(below), [], "after all of them TMPDIR is empty")


def signals(db):
    """Ended at some moment or other of its work, once, it leaves nothing in TMPDIR nor beside the drawing."""
    big = tap.tmp("big.pcap")
    frames = [tap.pcap_record(i / 1000, tap.udp_frame(sport=1025 + i % 50000)) for i in range(60000)]
    tap.write(big, tap.pcap_header() + b"".join(frames))
    below, target = tap.tmp("signals"), tap.tmp("target")
    os.mkdir(below)
    os.mkdir(target)
    env = dict(os.environ, TMPDIR=below)
    ended = set()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for delay in (0.05, 0.1, 0.2, 0.3, 0.45, 0.6):
            for args in (["chart", big, "--list"], ["chart", db, "--login", "1", "-o", os.path.join(target, "x.svg")]):
                with subprocess.Popen([tap.FOOTSTEPS, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, env=env) as child:
                    time.sleep(delay if args[1] == big else delay / 20)
                    child.send_signal(number)
                    ended.add(child.wait(timeout=tap.SECONDS))
    left = os.listdir(below) + [name for name in os.listdir(target) if name != "x.svg"]
    tap.equal(left, [], "INT, TERM and HUP at 36 moments: nothing is left", f"it ended with {sorted(ended)}")


def many(db):
    """A list on a terminal ends; the others are there when they are asked for."""
    copy = tap.tmp("many.db")
    shutil.copy(db, copy)
    connection = sqlite3.connect(copy)
    (kept,) = connection.execute("SELECT count(*) FROM scenes WHERE run = 2").fetchone()
    connection.executemany("INSERT INTO scenes VALUES (2, 'search', ?, 1, ?, ?)", [(i, i, i + 1) for i in range(100, 200)])
    connection.commit()
    connection.close()
    brief, whole = tap.run("chart", copy), tap.run("chart", copy, "--list")
    tap.equal((len(re.findall(r"^search 1\d\d", brief.stdout, re.M)), f"40 of {kept + 100}; the others with --list." in brief.stdout), (40 - kept, True),
              "of many scenes the first 40 are listed, and it says so", brief.stdout[-400:])
    tap.equal((len(re.findall(r"^search 1\d\d", whole.stdout, re.M)), "others" in whole.stdout), (100, False), "--list: all of them")
    tap.equal(len(tap.run("chart", copy, "--json").stdout.splitlines()), kept + 100, "--json: all of them")


def early_close(db):
    for args in (["chart", db, "--login", "1", "--rows", "0"], ["chart", db, "--login", "1", "-o", "-"],
                 ["show", db, "flows", "--json"], ["compare", db, db, "--run-b", "2"]):
        with subprocess.Popen([tap.FOOTSTEPS, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            child.stdout.close()
            said = child.stderr.read()
            status = child.wait(timeout=tap.SECONDS)
        tap.ok(status in (0, 3) and not said, f"its reader has gone: {' '.join(args[::2])}", f"status {status}", said)


def main():
    result, db = tap.read([CAPTURE], "--flows", "all")
    if result.returncode == 0:
        result, _ = tap.read([CAPTURE], "--flows", "all", "--append", db=db)
    if result.returncode != 0:
        tap.ok(False, "the capture is read", result.stderr)
        tap.done()
        return
    usage(db)
    locale(db)
    drawing(db)
    capture(db)
    signals(db)
    many(db)
    early_close(db)
    tap.done()


main()
