#!/usr/bin/env python3
"""footsteps-peer where something is wrong: exit status, a message that says what and where, and nothing half-written under
the final name."""
import gzip
import json
import os
import pty
import resource
import signal
import subprocess
import time

import tap

SMALL = """[scenario]
title = Small
lasts = 30s
[client alice]
version = 1.4.0.84
address = 10.0.0.2:35471
cache = sn
login = l
[supernode sn]
address = 192.0.2.1:1025
[login-server l]
address = 192.0.2.2:33033
[events]
1s alice starts
"""
CAMPUS = """[scenario]
title = Campus
lasts = 4h
[population]
clients = 2
supernodes = 1
peers = 40
addresses = 38
pairs = 44
flows = 80
packets = 200
calls = 0
"""
# So much to do that it can be interrupted: an online client that probes somebody new every 10 ms.
LONG = SMALL.replace("lasts = 30s", "lasts = 7d") + "".join(
    f"{60 * i}s alice searches in vain\n" for i in range(1, 10000))


def says(result, status, words, name, *checks):
    lost = [word for word in words if word.lower() not in result.stderr.lower()]
    failed = [text for passed, text in checks if not passed]
    tap.ok(result.returncode == status and not lost and not failed and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", *failed, "it said:", result.stderr)


def fresh(name, text=None):
    """A folder of its own, with a scenario in it."""
    folder = tap.tmp(name)
    os.mkdir(folder)
    if text is not None:
        tap.write(os.path.join(folder, "my.scenario"), text.encode())
    return folder


def left(folder, *expected):
    found = sorted(os.listdir(folder))
    return found == sorted(expected), f"in the folder: {found}, expected: {sorted(expected)}"


def usage():
    for args, words in (
        ((), []),
        (("trac", "x"), ["unknown command 'trac'", "did you mean 'trace'?", "footsteps-peer --help"]),
        (("trace",), ["name a scenario", "footsteps-peer trace --help"]),
        (("trace", "a", "b"), ["one scenario at a time"]),
        (("trace", "--sede", "1", "a"), ["did you mean '--seed'?", "see 'footsteps-peer trace --help'"]),
        (("trace", "--seed", "x", "a"), ["--seed", "no count"]),
        (("trace", "--snaplen", "10", "a"), ["--snaplen", "between 64"]),
        (("trace", "--scale", "11", "a"), ["--scale", "at most 10"]),
        (("trace", "--scale", "0", "a"), ["--scale", "more than 0"]),
        (("trace", "--lasts", "0", "a"), ["--lasts", "between 1 s and 31 days"]),
        (("trace", "--lasts", "32d", "a"), ["--lasts", "between 1 s and 31 days"]),
        (("trace", "--truth", "", "a"), ["--truth names no file"]),
        (("trace", "--truth", "-", "a"), ["--truth", "cannot go to standard output"]),
        (("trace", "--truth", "x", "--no-truth", "a"), ["exclude each other"]),
        (("trace", "-o", "x", "--truth", "x", "a"), ["same file"]),
        (("trace", "-o", "", "a"), ["names no file"]),
        (("man", "a", "b"), ["one page at a time"]),
        (("completion", "csh"), ["bash, zsh or fish"]),
    ):
        says(tap.peer(*args), 1, words, f"wrong usage: {' '.join(args) or 'nothing at all'}")
    result = tap.peer("--version")
    tap.ok(result.returncode == 0 and result.stdout.startswith("footsteps-peer ") and "libpcap" in result.stdout,
           "--version says who it is", result.stdout)
    for shell in "bash", "zsh", "fish":
        result = tap.peer("completion", shell)
        tap.ok(result.returncode == 0 and "footsteps-peer" in result.stdout and "snaplen" in result.stdout,
               f"completion {shell} knows the program and its options")
    result = tap.peer("man", "trace")
    tap.ok(result.returncode == 0 and ".TH FOOTSTEPS-PEER-TRACE 1" in result.stdout, "man trace is a manual page")


def scenarios():
    folder = fresh("scenarios", SMALL)
    path = os.path.join(folder, "my.scenario")
    says(tap.peer("trace", os.path.join(folder, "none.scenario"), cwd=folder), 2, ["none.scenario", "no such file"],
         "a scenario that is not there", left(folder, "my.scenario"))
    says(tap.peer("trace", "frst-login", cwd=folder), 2, ["'frst-login'", "did you mean 'first-login'?"],
         "a shipped scenario, mistyped", left(folder, "my.scenario"))
    says(tap.peer("trace", folder, cwd=folder), 2, ["directory"], "a folder", left(folder, "my.scenario"))
    capture = os.path.join(tap.TOP, "traces", "login.pcap")
    tap.write(tap.tmp("packed.pcap.gz"), gzip.compress(tap.content(capture)))
    tap.write(tap.tmp("large.pcap"), tap.pcap_header() + tap.pcap_record(1, bytes(60)) * 20000)
    for wrong in capture, tap.tmp("packed.pcap.gz"), tap.tmp("large.pcap"):
        for command in "trace", "check", "live":
            says(tap.peer(command, wrong, cwd=folder), 2, [f"{wrong}: is a capture", "'footsteps read'", "--background"],
                 f"{command}: {os.path.basename(wrong)} in place of a scenario", left(folder, "my.scenario"))
    pipe = tap.tmp("capture.pipe")
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", capture, pipe]):
        says(tap.peer("check", pipe, cwd=folder), 2, ["control character"],
             "a capture through a pipe, which cannot be opened twice", left(folder, "my.scenario"))
    tap.write(path, SMALL.replace("cache = sn", "cache = ns").encode())
    for command in "trace", "check":
        says(tap.peer(command, path, cwd=folder), 2, [f"{path}:7:", "'ns'", "did you mean 'sn'?"],
             f"{command}: a mistyped name, with its line", left(folder, "my.scenario"))
    tap.write(path, SMALL.encode())
    says(tap.peer("check", path, os.path.join(folder, "none"), path), 2, ["none"], "check: one of three is missing")
    says(tap.peer("trace", "--scale", "0.5", path, cwd=folder), 1, ["--scale", "[population]"],
         "--scale without a population", left(folder, "my.scenario"))
    says(tap.peer("trace", "--geo", "x.mmdb", path, cwd=folder), 1, ["--geo", "[population]"],
         "--geo without a population", left(folder, "my.scenario"))
    says(tap.peer("trace", "-b", "none.pcap", path, cwd=folder), 2, ["none.pcap"],
         "a background capture that is not there", left(folder, "my.scenario"))
    tap.write(os.path.join(folder, "no.pcap"), b"Dear diary, today I captured nothing at all.\n" * 9)
    says(tap.peer("trace", "-b", "no.pcap", path, cwd=folder), 2, ["no.pcap"], "a background that is no capture",
         left(folder, "my.scenario", "no.pcap"))
    for name in "day", "conference":
        wide = [line for line in tap.peer("check", name).stdout.splitlines() if len(line) > 80 or line != line.rstrip()]
        tap.equal(wide, [], f"check {name} fits in 80 columns, without blanks at the ends of lines")
    result = tap.peer("check")
    shipped = {name[:-len(".scenario")] for name in os.listdir(os.path.join(tap.TOP, "traces", "scenarios"))
               if name.endswith(".scenario")}
    tap.equal({line.split()[0] for line in result.stdout.splitlines()}, shipped, "check lists what is shipped")
    tap.ok(all(" " in line and "scenario:" not in line for line in result.stdout.splitlines()),
           "each of them can be read, and has a title", result.stdout)


def outputs():
    folder = fresh("outputs", SMALL)
    result = tap.peer("trace", "my.scenario", cwd=folder)
    says(result, 0, ["my.pcap: ", "footsteps read -o my.db my.pcap", "footsteps score my.db my.truth.db"],
         "it says how to go on", left(folder, "my.pcap", "my.scenario", "my.truth.db"),
         (result.stdout == "", f"on standard output: {result.stdout}"))
    packets = len(tap.pcap_records(tap.content(os.path.join(folder, "my.pcap"))))
    tap.ok(f" {packets} packets " in result.stderr, "and how many packets there are", result.stderr)

    # The very commands that it says, by a shell.
    commands = [line.strip() for line in result.stderr.splitlines()[1:]]
    ran = subprocess.run(commands[0].replace("footsteps", f"'{tap.FOOTSTEPS}'", 1) + " -q", shell=True, cwd=folder,
                         stderr=subprocess.PIPE, timeout=tap.SECONDS)
    tap.ok(ran.returncode == 0 and os.path.exists(os.path.join(folder, "my.db")), "the command to read it works",
           commands[0], ran.stderr)

    says(tap.peer("trace", "-o", "it's mine.pcap", "my.scenario", cwd=folder), 0, [r"'it'\''s mine.pcap'"],
         "a name that a shell would take apart is quoted")
    says(tap.peer("trace", "-o", "-x.pcap", "my.scenario", cwd=folder), 0, ["-o ./-x.db ./-x.pcap", "score ./-x.db ./-x.truth.db"],
         "a name that would be an option is none in what it says")
    tap.write(os.path.join(folder, "notes.txt"), b"hours of work")
    says(tap.peer("trace", "-o", "notes.txt", "my.scenario", cwd=folder), 4, ["notes.txt is there and no pcap capture"],
         "what is no capture is not replaced",
         (tap.content(os.path.join(folder, "notes.txt")) == b"hours of work", "it was"))
    says(tap.peer("trace", "-q", "my.scenario", cwd=folder), 0, [], "an earlier capture is")
    capture = tap.content(os.path.join(folder, "my.pcap"))
    says(tap.peer("trace", "-b", "my.pcap", "my.scenario", cwd=folder), 1, ["my.pcap", "is read", "-o"],
         "a background capture is not replaced", (tap.content(os.path.join(folder, "my.pcap")) == capture, "it was"))
    result = tap.peer("trace", "-o", "/dev/null", "my.scenario", cwd=folder)
    tap.ok(result.returncode == 0 and result.stderr == "" and not os.path.exists("/dev/null.truth.db"),
           "-o /dev/null: no truth beside it, and no command to read it", result.stderr)
    result = tap.peer("trace", "-q", "my.scenario", cwd=folder)
    tap.equal((result.returncode, result.stderr, result.stdout), (0, "", ""), "-q says nothing")

    folder = fresh("stdout", SMALL)
    result = subprocess.run([tap.PEER, "trace", "-o", "-", "my.scenario"], cwd=folder, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=tap.SECONDS)
    tap.ok(result.returncode == 0 and result.stderr == b"" and len(tap.pcap_records(result.stdout)) == packets,
           "-o -: the capture is on standard output, alone", result.stderr)
    tap.ok(*left(folder, "my.scenario"), "-o - writes no truth")
    gone, pipe = os.pipe()
    os.close(gone)
    result = tap.peer("trace", "-o", "-", "my.scenario", cwd=folder, stdout=pipe)
    os.close(pipe)
    says(result, 4, ["standard output: the program that read it has ended"], "-o - to a program that has ended")
    terminal, inside = pty.openpty()
    result = subprocess.run([tap.PEER, "trace", "-o", "-", "my.scenario"], cwd=folder, stdout=inside,
                            stderr=subprocess.PIPE, timeout=tap.SECONDS)
    os.close(inside)
    os.close(terminal)
    tap.ok(result.returncode == 1 and b"terminal" in result.stderr, "-o - onto a terminal is refused", result.stderr)

    folder = fresh("inputs", SMALL)
    says(tap.peer("trace", "-o", "./my.scenario", "my.scenario", cwd=folder), 1, ["my.scenario is read"],
         "the scenario is not overwritten", left(folder, "my.scenario"),
         (tap.content(os.path.join(folder, "my.scenario")) == SMALL.encode(), "it was touched"))
    tap.peer("trace", "-q", "--no-truth", "-o", "b.pcap", "my.scenario", cwd=folder)
    before = tap.content(os.path.join(folder, "b.pcap"))
    says(tap.peer("trace", "-b", "b.pcap", "-o", "b.pcap", "my.scenario", cwd=folder), 1, ["b.pcap is read"],
         "nor is a background", left(folder, "b.pcap", "my.scenario"),
         (tap.content(os.path.join(folder, "b.pcap")) == before, "it was touched"))

    folder = fresh("places", CAMPUS)
    for name, options, said in (("my.scenario", (), "is read"), ("b.pcap", ("-b", "b.pcap"), "is read"),
                                ("c.pcap", (), "capture"), ("c.truth.db", (), "truth"), ("-", (), "standard output"),
                                ("", (), "names no file")):
        tap.write(os.path.join(folder, "b.pcap"), before)
        says(tap.peer("trace", "-o", "c.pcap", *options, "--geo", name, "my.scenario", cwd=folder), 1, ["--geo", said],
             f"--geo '{name}' is refused", left(folder, "b.pcap", "my.scenario"),
             (tap.content(os.path.join(folder, "my.scenario")) == CAMPUS.encode(), "the scenario was touched"),
             (tap.content(os.path.join(folder, "b.pcap")) == before, "the background was touched"))
    if os.path.exists("/dev/full"):
        tap.write(os.path.join(folder, "old.mmdb"), b"as it was")
        says(tap.peer("trace", "--scale", "0.005", "-o", "/dev/full", "--geo", "old.mmdb", "campus", cwd=folder), 4,
             ["/dev/full"], "a run that fails leaves the places", left(folder, "b.pcap", "my.scenario", "old.mmdb"),
             (tap.content(os.path.join(folder, "old.mmdb")) == b"as it was", "they were touched"))

    # 150 names of 60 bytes: the list of options in the truth has room for all of them.
    names = ["-b", "./" * 27 + "b.pcap"] * 150
    says(tap.peer("trace", "-q", "-o", "many.pcap", *names, "my.scenario", cwd=folder), 0, [], "150 backgrounds")
    told = tap.query(os.path.join(folder, "many.truth.db"), "SELECT options FROM runs")[0]["options"]
    tap.equal(len(json.loads(told)["background"]), 150, "all of them are in the truth")

    folder = fresh("pipe", SMALL)
    os.mkfifo(os.path.join(folder, "pipe"))
    with subprocess.Popen(["cat", "pipe"], cwd=folder, stdout=subprocess.PIPE) as reader:
        result = tap.peer("trace", "-o", "pipe", "--truth", "my.truth.db", "my.scenario", cwd=folder)
        read = reader.communicate(timeout=tap.SECONDS)[0]
    says(result, 0, [], "a named pipe takes a capture", left(folder, "my.scenario", "my.truth.db", "pipe"),
         (len(tap.pcap_records(read)) == packets, "not all of it came"))

    # Its temporary name is nobody's, so that a file of the user or of another run stays what it is.
    folder = fresh("temporary", SMALL)
    tap.write(os.path.join(folder, "my.pcap.tmp"), b"mine")
    says(tap.peer("trace", "--no-truth", "my.scenario", cwd=folder), 0, [], "a file like the capture's stays",
         left(folder, "my.pcap", "my.pcap.tmp", "my.scenario"),
         (tap.content(os.path.join(folder, "my.pcap.tmp")) == b"mine", "it was touched"))

    folder = fresh("no-truth", SMALL)
    says(tap.peer("trace", "--no-truth", "my.scenario", cwd=folder), 0, ["footsteps read"], "--no-truth",
         left(folder, "my.pcap", "my.scenario"))


def unwritable():
    folder = fresh("unwritable", SMALL)
    says(tap.peer("trace", "-o", "none/x.pcap", "my.scenario", cwd=folder), 4, ["none/x", "make the directory first"],
         "no folder for the capture", left(folder, "my.scenario"))
    says(tap.peer("trace", "--truth", "none/x.db", "my.scenario", cwd=folder), 4, ["none/x.db"],
         "no folder for the truth", left(folder, "my.scenario"))
    os.mkdir(os.path.join(folder, "my.pcap"))
    says(tap.peer("trace", "my.scenario", cwd=folder), 4, ["my.pcap"], "a folder where the capture should be",
         left(folder, "my.pcap", "my.scenario"))
    os.rmdir(os.path.join(folder, "my.pcap"))

    older = tap.pcap_header() + b"an older one"
    tap.write(os.path.join(folder, "my.pcap"), older)
    result = tap.peer("trace", "my.scenario", cwd=folder,
                      preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
                                          signal.signal(signal.SIGXFSZ, signal.SIG_IGN)))
    says(result, 4, ["my."], "a disk that is full: the older capture stays", left(folder, "my.pcap", "my.scenario"),
         (tap.content(os.path.join(folder, "my.pcap")) == older, "it was touched"))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            result = tap.peer("trace", "-o", "-", "my.scenario", cwd=folder, stdout=full)
        says(result, 4, ["standard output", "no space"], "standard output is full")

    # Room for the capture, and none for its truth, which is larger here.
    tap.peer("trace", "-q", "-o", "whole.pcap", "my.scenario", cwd=folder)
    room, truth = (os.path.getsize(os.path.join(folder, f"whole.{ending}")) for ending in ("pcap", "truth.db"))
    tap.ok(room + 1000 < truth, "the truth is larger", room, truth)
    for ending in ("pcap", "truth.db"):
        os.remove(os.path.join(folder, f"whole.{ending}"))
    result = tap.peer("trace", "my.scenario", cwd=folder,
                      preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_FSIZE, (room + 500, room + 500)),
                                          signal.signal(signal.SIGXFSZ, signal.SIG_IGN)))
    says(result, 4, ["my.truth.db"], "no room for the truth: the older capture stays", left(folder, "my.pcap", "my.scenario"),
         (tap.content(os.path.join(folder, "my.pcap")) == older, "it was replaced"))


def signals():
    for number, name in (signal.SIGINT, "INT"), (signal.SIGTERM, "TERM"):
        folder = fresh(f"signal-{name}", LONG)
        process = subprocess.Popen([tap.PEER, "trace", "my.scenario"], cwd=folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        until = time.monotonic() + tap.PATIENCE
        while len(os.listdir(folder)) < 3 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        ran = process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=tap.SECONDS)
        result = subprocess.CompletedProcess([], process.returncode, out.decode(), err.decode())
        if ran:
            says(result, 4, [f"signal {int(number)}", "was not written"], f"{name} leaves nothing behind",
                 left(folder, "my.scenario"))
        else:
            tap.skip(f"{name} leaves nothing behind", "it was done before")


def same_bytes():
    folder = fresh("same", SMALL)
    for name, options in (("a", []), ("b", []), ("c", ["--seed", "2"])):
        tap.peer("trace", "-q", *options, "-o", f"{name}.pcap", "my.scenario", cwd=folder)
    a, b, c = (tap.content(os.path.join(folder, f"{name}.pcap")) for name in "abc")
    tap.ok(a == b and len(a) > 24, "the same seed gives the same bytes")
    tap.ok(a != c and len(c) > 24, "another seed gives others")
    # The kernel's part of it: initial sequence numbers of the TCP of both ends.
    syns = [{record[16 + 38:16 + 42] for record in tap.pcap_records(bytes_) if record[16 + 23] == 6 and
             record[16 + 47] & 2} for bytes_ in (a, c)]
    tap.ok(syns[0] and not syns[0] & syns[1], "in what the net draws as well", syns)
    tap.peer("trace", "-q", "--snaplen", "64", "-o", "cut.pcap", "my.scenario", cwd=folder)
    whole, cut = tap.pcap_records(a), tap.pcap_records(tap.content(os.path.join(folder, "cut.pcap")))
    tap.ok(len(whole) == len(cut) and all(y[16:] == x[16:][:64] and y[12:16] == x[12:16] for x, y in zip(whole, cut)),
           "--snaplen cuts frames, and says how long they were")


def live():
    """Which parties `live` plays, and when."""
    one = "".join(f"[client c{n}]\nversion = 1.4.0.84\naddress = 127.0.0.{n}:35471\ncache = sn\nlogin = none\n" for n in (1, 10, 12))
    folder = fresh("live", SMALL.split("[client")[0] + one + "[supernode sn]\naddress = 127.0.1.1:1025\n"
                   "[nodes n]\ncount = 11\naddresses = 127.0.2.1-127.0.2.20\n[events]\n1s c1 starts\n")

    def named(*words):
        told = tap.peer("live", "--list", "my.scenario", *words, cwd=folder).stdout
        return [line.split("\t")[1] for line in told.splitlines()[1:]]
    tap.equal(named("c1"), ["c1"], "c1 is a party, and not also c10 and c12")
    tap.equal(named("n1"), ["n1"], "nor is n1 also n10 and n11")
    tap.equal(len(named("n")), 11, "n is a group")
    for at in ("18446744073709551615", "9223372037"):
        says(tap.peer("live", "--at", at, "my.scenario", cwd=folder), 1, [f"--at {at}", "date +%s"], f"--at {at}")


usage()
scenarios()
live()
outputs()
unwritable()
signals()
same_bytes()
tap.done()
