#!/usr/bin/env python3
"""What a user sees when something is wrong: the exit status, a message that says what and where, and nothing half-written
under the final name."""
import fcntl
import itertools
import json
import os
import pty
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

import tap

CAPTURE = os.path.join(tap.TOP, "traces", "login.pcap")
APPLICATION_ID = 0x46537470  # src/store/schema.sql
NOBODY = 65534


def says(result, status, words, name, *checks):
    """The status, every word on standard error, no cry of a sanitizer, and the checks (pairs of truth and text)."""
    lost = [word for word in words if word.lower() not in result.stderr.lower()]
    failed = [text for passed, text in checks if not passed]
    tap.ok(result.returncode == status and not lost and not failed and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", *failed, "it said:", result.stderr)


def nothing(db):
    """No file of that name or of a temporary one beside it."""
    stem = os.path.basename(db)
    left = [name for name in os.listdir(os.path.dirname(db)) if stem in name]
    return not left, f"left behind: {left}"


def fresh(name):
    """A database's path in a directory of its own."""
    directory = tap.tmp(name)
    os.mkdir(directory)
    return os.path.join(directory, "out.db")


def database(name, application_id=APPLICATION_ID, version=1):
    """A database that is not footsteps' or is from the future."""
    path = fresh(name)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.execute("INSERT INTO notes VALUES ('mine')")
    connection.execute(f"PRAGMA application_id = {application_id}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    return path


def inputs():
    db = fresh("missing")
    result, _ = tap.read([tap.tmp("missing.pcap")], db=db)
    says(result, 2, ["missing.pcap", "no such file"], "no such file", nothing(db))

    db = fresh("one-missing")
    result, _ = tap.read([CAPTURE, tap.tmp("missing.pcap")], db=db)
    says(result, 2, ["missing.pcap"], "one of two files is missing", nothing(db))

    db = fresh("text")
    path = tap.write(tap.tmp("notes.txt"), b"Dear diary, today I captured nothing at all.\n" * 20)
    result, _ = tap.read([path], db=db)
    says(result, 2, ["notes.txt"], "not a capture", nothing(db))

    db = fresh("nothing")
    path = tap.write(tap.tmp("nothing.pcap"), b"")
    result, _ = tap.read([path], db=db)
    says(result, 2, ["nothing.pcap", "empty"], "a file of no bytes", nothing(db))

    path = tap.write(tap.tmp("header.pcap"), tap.pcap_header())
    result, db = tap.read([path])
    says(result, 0, [], "a capture of no packets is complete",
         ([row["packets"] for row in tap.query(db, "SELECT packets FROM runs")] == [0], "no run of 0 packets"))

    # LINKTYPE_USER0 of the tcpdump group's registry: private use, nobody can know it.
    path = tap.write(tap.tmp("user0.pcap"), tap.pcap_header(147) + tap.pcap_record(1, b"abcd") * 2)
    db = fresh("user0")
    result, _ = tap.read([path], db=db)
    says(result, 2, ["147"], "no frame can be decoded, for its link type: named, no database", nothing(db))
    result, db = tap.read([CAPTURE, path])
    counted = tap.query(db, "SELECT value FROM counters WHERE area = 'packets' AND name = 'unsupported_link'")
    says(result, 3, ["147"], "unknown link type beside a known one: named, its frames counted",
         ([row["value"] for row in counted] == [2], f"counted: {counted}"))

    db = fresh("first-cut")
    path = tap.write(tap.tmp("first-cut.pcap"), (tap.pcap_header() + tap.pcap_record(1, tap.udp_frame()))[:-7])
    result, _ = tap.read([path], db=db)
    says(result, 2, ["first-cut.pcap"], "cut inside its first packet: nothing was read, no database", nothing(db))

    result, db = tap.read([CAPTURE, CAPTURE])
    packets = tap.query(db, "SELECT packets, complete FROM runs")
    says(result, 0, ["login.pcap", "named twice"], "a file that is named twice: a warning, and it counts twice",
         (packets == [{"packets": 2 * len(tap.pcap_records(tap.content(CAPTURE))), "complete": 1}], f"runs: {packets}"))

    data = tap.content(CAPTURE)
    path = tap.write(tap.tmp("cut.pcap"), data[:-7])
    result, db = tap.read([path])
    complete = tap.query(db, "SELECT packets, complete FROM runs")
    says(result, 3, ["cut.pcap"], "a cut file: the rest is written and marked incomplete",
         (complete == [{"packets": len(tap.pcap_records(data)) - 1, "complete": 0}], f"runs: {complete}"))
    db = fresh("strict")
    result, _ = tap.read([path], "--strict", db=db)
    says(result, 3, ["cut.pcap"], "--strict: a cut file leaves no database", nothing(db))

    frame = tap.udp_frame()
    path = tap.write(tap.tmp("back.pcap"), tap.pcap_header() + tap.pcap_record(1000000100, frame)
                     + tap.pcap_record(1000000040, frame) + tap.pcap_record(1000000101, frame))
    result, db = tap.read([path], "--flows", "all")
    disorder = {row["name"]: row["value"]
                for row in tap.query(db, "SELECT name, value FROM counters WHERE area = 'trace'")}
    times = tap.query(db, "SELECT first_ns, last_ns, packets FROM runs")
    says(result, 0, [], "timestamps going backwards are counted",
         (disorder.get("disordered") == 1, f"disordered: {disorder.get('disordered')}"),
         (disorder.get("worst_disorder_us") == 60000000, f"worst: {disorder.get('worst_disorder_us')} us"),
         (times == [{"first_ns": 1000000040 * 10**9, "last_ns": 1000000101 * 10**9, "packets": 3}], f"runs: {times}"))


def databases():
    path = database("foreign", application_id=0x12345678)
    before = tap.content(path)
    result, _ = tap.read([CAPTURE], db=path)
    says(result, 4, ["out.db"], "read -o onto a database of another program: refused, untouched",
         (tap.content(path) == before, "it was changed"))
    says(tap.run("show", path), 2, ["out.db"], "show: a database of another program")
    says(tap.run("report", path, "-o", tap.tmp("report-foreign")), 2, ["out.db"],
         "report: a database of another program")

    path = tap.write(fresh("plain"), b"a text that somebody needs\n")
    result, _ = tap.read([CAPTURE], db=path)
    says(result, 4, ["out.db"], "read -o onto some other file: refused, untouched",
         (tap.content(path) == b"a text that somebody needs\n", "it was changed"))
    says(tap.run("show", path), 2, ["out.db"], "show: not a database")
    says(tap.run("show", tap.tmp("missing.db")), 2, ["missing.db"], "show: no such file",
         (not os.path.exists(tap.tmp("missing.db")), "it was created"))

    path = database("newer", version=99)
    before = tap.content(path)
    says(tap.run("show", path), 2, ["99"], "show: a newer schema")
    result, _ = tap.read([CAPTURE], "--append", db=path)
    says(result, 4, ["99"], "read --append: a newer schema",
         (tap.content(path) == before, "it was changed"))
    result, _ = tap.read([CAPTURE], db=path)
    says(result, 4, ["out.db", "newer"], "read -o onto a database of a newer footsteps: refused, untouched",
         (tap.content(path) == before, "it was changed"))


def interrupted():
    """INT while a pipe gives nothing: read ends by itself, long before the pipe does."""
    db = fresh("interrupted")
    with subprocess.Popen([tap.FOOTSTEPS, "read", "-q", "-o", db, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as reader:
        tap.catches(reader.pid, signal.SIGINT)
        time.sleep(0.5)
        reader.send_signal(signal.SIGINT)
        try:
            # The pipe stays open: communicate() would close it, and its end would end the reading, too.
            status = reader.wait(timeout=tap.PATIENCE)
        except subprocess.TimeoutExpired:
            status = None
            reader.kill()
        said = reader.stderr.read().decode()
        reader.stdin.close()
    tap.ok(status in (2, 3) and said and "ERROR: " not in said, "INT before the first byte of standard input",
           f"status {status}", said)


def outputs():
    result, _ = tap.read([CAPTURE], db=tap.tmp("no/such/directory/out.db"))
    says(result, 4, ["out.db", "no such file or directory"], "the directory of the output is missing")

    directory = tap.tmp("readonly")
    os.mkdir(directory)
    db = os.path.join(directory, "out.db")
    if os.geteuid() != 0:
        os.chmod(directory, 0o555)
        result, _ = tap.read([CAPTURE], db=db)
        says(result, 4, ["out.db", "permission denied"], "no write permission", nothing(db))
    elif shutil.which("setpriv") and subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", "--clear-groups", tap.FOOTSTEPS, "--version"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.chmod(tap.tmp(), 0o755)
        capture = tap.write(tap.tmp("readable.pcap"), tap.content(CAPTURE))
        result = subprocess.run(["setpriv", f"--reuid={NOBODY}", "--clear-groups", tap.FOOTSTEPS, "read", "-o", db, capture],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        says(result, 4, ["out.db", "permission denied"], "no write permission", nothing(db))
    else:
        tap.skip("no write permission", "root may write anywhere, and another user cannot run the program here")

    disk_full()
    with open("/dev/full", "wb") as full:
        result = tap.run("read", "-q", "--json", "--flows", "all", CAPTURE, stdout=full)
    says(result, 4, ["no space left"], "standard output on a full disk")


def limit_files():
    # As on a full disk, the write fails in the middle; the signal that comes with this limit would hide that.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))


def disk_full():
    db = fresh("full")
    result, _ = tap.read([CAPTURE], "--flows", "all", db=db, preexec_fn=limit_files, restore_signals=False)
    says(result, 4, ["out.db"], "the disk is full: nothing is left under the final name", nothing(db))

    db = fresh("full-again")
    tap.read([CAPTURE], db=db)
    before = tap.content(db)
    for option in ((), ("--append",)):
        result, _ = tap.read([CAPTURE], "--flows", "all", *option, db=db, preexec_fn=limit_files,
                             restore_signals=False)
        rows = tap.query(db, "SELECT count(*) AS n FROM runs")
        says(result, 4, ["out.db"], " ".join(("the disk is full: the older database stays", *option)),
             (rows == [{"n": 1}], f"runs: {rows}"), (option or tap.content(db) == before, "it was changed"))


def usage():
    says(tap.run("read", "--tunels", "-o", tap.tmp("x.db"), CAPTURE), 1, ["--tunels", "--tunnels"],
         "a wrong option: the nearest one is named")
    says(tap.run("raed", CAPTURE), 1, ["raed", "'read'"], "a wrong command: the nearest one is named")
    says(tap.run("read", CAPTURE), 1, ["-o"], "no output named")
    says(tap.run("read", "-o", "", CAPTURE), 1, ["no output named"], "an output without a name")
    says(tap.run("read", "-o", tap.tmp("x.db")), 1, ["capture"], "no input named")
    says(tap.run("read", "-o", tap.tmp("x.db"), ""), 2, ["'': cannot be opened"], "an input without a name")
    spaced = tap.tmp("my own.db")
    says(tap.run("read", "-o", spaced, CAPTURE), 0, [f"footsteps show '{spaced}'"],
         "a name for the shell is quoted")
    facts, merged = tap.tmp("it's facts.db"), tap.tmp("all of it.db")
    tap.run("read", "--facts", "-q", "-o", facts, CAPTURE)
    says(tap.run("merge", "-o", merged, facts), 0, [f"footsteps show '{merged}'"], "... of merge, too")
    folder = os.path.dirname(spaced)
    says(tap.run("read", "-o", "-x.db", CAPTURE, cwd=folder), 0, ["footsteps show ./-x.db"],
         "a name that would be an option is none in what it says")
    says(tap.run("read", "-o"), 1, ["-o"], "an option without its value")
    says(tap.run("read", "--idle", "soon", "-o", tap.tmp("x.db"), CAPTURE), 1, ["soon", "idle"], "a wrong duration")
    says(tap.run("read", "--flows", "al", "-o", tap.tmp("x.db"), CAPTURE), 1, ["all"], "a wrong choice")
    says(tap.run("read", "--local-net", "10.0.0.0/33", "-o", tap.tmp("x.db"), CAPTURE), 1, ["10.0.0.0/33"],
         "a wrong prefix")
    says(tap.run("read", "-f", "udp prot 5", "-o", tap.tmp("x.db"), CAPTURE), 1, ["udp prot 5"], "a wrong filter")
    tap.ok(not os.path.exists(tap.tmp("x.db")), "wrong usage writes nothing")
    result, db = tap.read([CAPTURE])
    says(tap.run("show", db, "clinets"), 1, ["clients"], "show: a wrong topic, the nearest one is named")
    says(tap.run("show", "clients", db), 1, [f"footsteps show {db} clients"], "show: the topic before the database")
    says(tap.run("verify", CAPTURE, db), 1, ["comes second"], "verify: the recording before the database")
    with open(f"{db}-live", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        says(tap.run("verify", db, CAPTURE), 2, ["end it first"], "verify: the monitor still runs")
    says(tap.run("report", db), 1, ["-o"], "report: no output named")
    says(tap.run("report", "-o", tap.tmp("r")), 1, ["report on what? Name one database"], "report: no database named")


def live_name():
    """What live says at its end; of the loopback, without anything to see."""
    db = tap.tmp("my link.db")
    with subprocess.Popen([tap.FOOTSTEPS, "live", "-i", "lo", "-f", "less 1", "-o", db], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as monitor:
        first = monitor.stderr.readline()
        if not first.startswith("watching"):
            monitor.wait(timeout=tap.SECONDS)
            tap.skip("live: a name for the shell is quoted", "here no link can be watched: " + first.strip())
            return
        monitor.send_signal(signal.SIGINT)
        said = monitor.communicate(timeout=tap.SECONDS)[1]
    tap.ok(f"footsteps show '{db}'\n" in said, "live: a name for the shell is quoted", said)


def helps():
    """Every page of help fits a terminal of 80 columns, as installed by a distribution; another prefix may be longer."""
    for program, run in ("footsteps", tap.run), ("footsteps-peer", tap.peer):
        pages = [("--help",)]
        text = run("--help").stdout
        listed = text.split("\ncommands:\n")[1].split("\n\n")[0]
        pages += [("help", line.split()[0]) for line in listed.splitlines()]
        tap.ok(len(pages) > 4, f"{program} lists its commands", text)
        for page in pages:
            result = run(*page)
            shown = re.sub(r"\S*/share/footsteps/", "/usr/share/footsteps/", result.stdout)
            wide = [line for line in shown.splitlines() if len(line) > 80]
            tap.ok(result.returncode == 0 and result.stdout.startswith("usage: ") and not wide,
                   f"{program} {' '.join(page)}: fits 80 columns", result.returncode, result.stderr, *wide)


def on_terminal(args, wanted):
    """What a command says on the terminal that is its standard error while frames come, some every now and then, until it has
    said what is wanted. It looks at the clock once in 16384 frames."""
    frames = 20000 * tap.pcap_record(1, tap.udp_frame())
    shown, until = b"", time.monotonic() + tap.PATIENCE
    master, slave = pty.openpty()
    os.set_blocking(master, False)

    def hear():
        nonlocal shown
        try:
            while True:
                shown += os.read(master, 65536)
        except OSError:  # there is nothing more for now, or the other end is closed
            pass

    with subprocess.Popen([tap.FOOTSTEPS, *args], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=slave) as child:
        os.close(slave)
        child.stdin.write(tap.pcap_header())
        for turn in itertools.count(1):
            child.stdin.write(frames)
            child.stdin.flush()
            time.sleep(0.3)
            hear()
            if turn > 1 and wanted in shown or time.monotonic() > until:
                break
        child.stdin.close()
        child.wait(timeout=tap.SECONDS)
    hear()
    os.close(master)
    return shown


def progress():
    """On a terminal a line tells how far the reading is."""
    for args in (["read", "-o", tap.tmp("piped.db"), "-"], ["train", "--name", "x", "-"], ["rules", "--try", "-"]):
        shown = on_terminal(args, b"packets/s")
        tap.ok(b"\rreading  " in shown and b"packets/s" in shown, f"{args[0]} shows on a terminal how far it is", shown)
        tap.ok((b"look at it" in shown) == (args[0] == "read"), f"{args[0]}: what has been made is said of databases that stay", shown)
    tap.equal(on_terminal(["read", "-q", "-o", tap.tmp("piped.db"), "-"], b""), b"", "read -q: not a word")


def summary():
    """One flow is no 'flows'."""
    capture = os.path.join(os.path.dirname(CAPTURE), "rtp.pcap")
    result = tap.run("read", "--count", "1", "-o", tap.tmp("one.db"), capture)
    says(result, 0, ["1 frame, 1 flow: 0 clients"], "read --count 1: one frame, one flow")


def no_gnuplot():
    _, db = tap.read([CAPTURE])
    directory = tap.tmp("report")
    environment = dict(os.environ, PATH=tap.tmp("empty"))
    os.mkdir(environment["PATH"])
    result = tap.run("report", db, "-o", directory, env=environment)
    page = os.path.join(directory, "index.html")
    says(result, 3, ["gnuplot"], "report without gnuplot: the page with its tables, and a word about the figures",
         (os.path.exists(page) and os.path.getsize(page) > 0, "no index.html"))


def many_options():
    """The manifest has all of them."""
    nets = [f"10.{i // 256}.{i % 256}.0/24" for i in range(600)]
    result, db = tap.read([CAPTURE], *(word for net in nets for word in ("--local-net", net)))
    rows = tap.query(db, "SELECT options FROM runs")
    kept = json.loads(rows[0]["options"])["local-net"] if rows else None
    says(result, 0, [], "600 local networks: all in the manifest", (kept == nets, f"kept: {str(kept)[:200]}"))


def terminal():
    """What a name holds does not act on the terminal that an error is shown on."""
    for args in (["show", tap.tmp("a\x1b]0;x\x07.db")], ["read", "-o", tap.tmp("x.db"), tap.tmp("\x1b[31m\u202e.pcap")],
                 ["chart", tap.tmp("\u009bx")]):
        result = tap.run(*args)
        acting = [c for c in result.stderr if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c == "\u202e"]
        says(result, 2, [], f"{args[0]}: a path with control characters is shown escaped", (not acting, f"as it is: {acting}"))


def main():
    inputs()
    databases()
    interrupted()
    outputs()
    usage()
    live_name()
    helps()
    progress()
    summary()
    no_gnuplot()
    many_options()
    terminal()
    tap.done()


main()
