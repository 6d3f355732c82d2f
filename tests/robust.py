"""What `footsteps live` does when something goes wrong, end to end: it is killed, the disk is full, an interface vanishes or
goes down, somebody locks the database, every packet is another flow. After each: one line about it in the log, a database
that is whole, and nothing lost but what may be.

As root, with network namespaces and tcpreplay; skipped where something is missing. FOOTSTEPS_LAB=0 skips all of it, and with
FOOTSTEPS_LONG=1 there are more rounds, and 10 million flows. A step of the clock needs the machine's own clock, which a test
leaves alone: tests/unit/test_engine.c plays one."""
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from live_link import SEES, SENDS, Link, Unavailable
from tap import (FOOTSTEPS, PATIENCE, built_with, content, done, equal, note, ok, pcap_header, pcap_record, query, require_programs,
                 sanitized, skip, skip_all, tmp, udp_frame, write)

LONG = os.environ.get("FOOTSTEPS_LONG") == "1"
RATE = 400           # flows a second of the sender
IDLE = 0.2           # seconds until a flow is over
TICK = 0.25          # seconds, of a source that gives nothing (interface.h)
KILLS = 12 if LONG else 4
STOPS = 20 if LONG else 6
FLOOD_FRAMES = 100000
FLOOD_LOOPS = 100 if LONG else 8
FLOOD_FLOWS_MAX = 50000
FLOOD_FLOW_KB = 3    # of memory for each of them; it is 1, and 700000 others are to leave none of theirs
FLOOD_BACKLOG_MB = 64  # backlog_bytes of live_store.h, what may wait for the disk
SECOND_PAIR = ("fs2", "fs3")

# Frames of a flow each, told apart by their source: "NUMBER TIME" for each that was sent, until it is ended; not between
# the sending and the telling.
SENDER = """
import signal, socket, struct, sys, time
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
interface, rate, first = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((interface, 0))
frame = bytearray.fromhex(sys.argv[4])
begun, n = time.monotonic(), 0
while not ended:
    frame[26:30] = struct.pack("!I", 0x0a000000 + first + n)
    try:
        s.send(frame)
        print(first + n, time.monotonic(), flush=True)
    except OSError:
        pass  # the interface is down
    n += 1
    time.sleep(max(0, begun + n / rate - time.monotonic()))
"""


class Sender:
    """Sends flows until it is stopped."""

    def __init__(self, link, interface=SENDS, first=0, rate=RATE):
        self.path = tmp(f"sent-{time.monotonic_ns()}")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(["ip", "netns", "exec", link.namespace, sys.executable, "-c", SENDER, interface,
                                             str(rate), str(first), udp_frame(payload=bytes(100)).hex()],
                                            stdin=subprocess.DEVNULL, stdout=out)
        link.running.append(self.process)
        wait(self.sent)

    def sent(self):
        """[(number, time)]"""
        with open(self.path, encoding="ascii") as f:
            return [(int(n), float(at)) for n, at in (line.split() for line in f if line.endswith("\n"))]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return self.sent()


def flow_numbers(db):
    """Of the sender's flows, those with a row; one that is there twice is so here."""
    numbers = []
    for row in query(db, "SELECT client_ip FROM flow_list"):
        a, b, c, d = (int(part) for part in row["client_ip"].split("."))
        numbers.append((a << 24 | b << 16 | c << 8 | d) - 0x0A000000)
    return sorted(numbers)


def integrity(db):
    connection = sqlite3.connect(db, PATIENCE)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def packets(db):
    return query(db, "SELECT sum(packets) AS n FROM runs")[0]["n"]


def told(db):
    return query(db, "SELECT total(records) AS n FROM facts")[0]["n"]


def minutes(db):
    return query(db, "SELECT sum(packets) AS n FROM capture_minutes")[0]["n"]


def wait(condition, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(condition())


def said_once(link, live, words, name):
    text = link.said(live)
    return equal(sum(words in line for line in text.splitlines()), 1, f"{name}: said in one line", f"wanted: {words}", text)


def whole(db, name):
    return equal(integrity(db), "ok", f"{name}: the database is whole")


def memory_mb(process, which="VmRSS"):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{which}:\s+(\d+) kB", f.read(), re.M).group(1)) / 1024


def looked_at(link, live):
    """Packets that it has seen or lost up to now, as it says when asked."""
    live.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    said = re.findall(r"(\d+) packets, (\d+) dropped", link.said(live))
    return sum(map(int, said[-1])) if said else 0


def add_pair(link):
    for words in (("link", "add", SECOND_PAIR[0], "type", "veth", "peer", "name", SECOND_PAIR[1]),
                  ("link", "set", SECOND_PAIR[0], "up", "arp", "off"), ("link", "set", SECOND_PAIR[1], "up", "arp", "off")):
        link.run("ip", *words)


# --- ended ---

def killed():
    """What others could see in the database is never lost, of the flows and of the counts; and they see all that was sent
    before long: how long, is the machine's affair, and is noted."""
    chance = random.Random(int(os.environ.get("FOOTSTEPS_SEED", "1")))
    db = tmp("killed.db")
    gaps, allowed = [], []
    with Link("killed") as link:
        options = ("--flows", "all", "--idle", f"{int(IDLE * 1000)}ms", "--tables", "1s")
        live = link.live(db, *options)
        sender = Sender(link)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 3))
            last = sender.sent()[-1][0]
            if not ok(wait(lambda: max(flow_numbers(db), default=-1) >= last), "kill -9: what comes is there before long"):
                return
            time.sleep(chance.uniform(0, 2))
            seen = set(flow_numbers(db))
            killed_at = time.monotonic()
            live.send_signal(signal.SIGKILL)
            live.wait()
            if integrity(db) != "ok":
                ok(False, "kill -9: the database is whole")
                return
            live = link.live(db, *options)
            allowed.append((seen, killed_at, time.monotonic()))
        time.sleep(1)
        sent = sender.stop()
        time.sleep(1)
        status = link.end(live)
        equal((status, integrity(db)), (0, "ok"), f"kill -9 in {KILLS} moments: the last start goes on, and the database is whole",
              link.said(live))
    got = flow_numbers(db)
    equal(len(got), len(set(got)), "kill -9: nothing is there twice")
    there = set(got)
    lost = [(n, at) for n, at in sent if n not in there]
    equal([n for n, _ in lost if any(n in seen for seen, _, _ in allowed)], [], "kill -9: every flow that was to be seen is there")
    # Flows are told in the order in which they end, to a tick of the link: what was sent after the last one that was seen, and
    # before the next start was there, may be lost.
    times = dict(sent)
    allowed = [(max(times[n] for n in seen if n in times) - TICK, killed, ready) for seen, killed, ready in allowed]
    outside = [(n, at) for n, at in lost if not any(begin < at < end for begin, _, end in allowed)]
    ok(not outside, "kill -9: every flow is there but those of the last moments", f"{len(outside)} of {len(lost)} lost",
       outside[:5], allowed)
    for begin, _, end in allowed:
        gaps.append(sum(begin < at < end for _, at in lost) / RATE)
    note(f"kill -9: {len(sent)} flows sent, {len(got)} there; seconds of flows lost by each kill, restart included: "
         + ", ".join(f"{gap:.1f}" for gap in gaps))
    ok(len(got) <= packets(db) <= len(sent), "kill -9: the counts are those of the flows, or a little more",
       len(got), packets(db), len(sent))
    last_moments = sum(any(begin < at < end for begin, _, end in allowed) for _, at in sent)
    ok(packets(db) - last_moments <= minutes(db) <= len(sent), "kill -9: ... and those of the minutes, but for the last moments",
       packets(db), minutes(db), last_moments)
    equal(query(db, "SELECT count(*) AS n, count(DISTINCT run) AS runs FROM sessions"), [{"n": KILLS + 1, "runs": 1}],
          "kill -9: one run of all starts")


def terminated():
    """TERM at any moment of the start: it ends, and the next start goes on."""
    chance = random.Random(2)
    db, statuses = tmp("term.db"), []
    with Link("term") as link:
        for _ in range(STOPS):
            process = subprocess.Popen(["ip", "netns", "exec", link.namespace, FOOTSTEPS, "live", "-i", SEES, "-o", db],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            link.running.append(process)
            time.sleep(chance.uniform(0, 0.25))
            statuses.append(link.end(process, signal.SIGTERM))
        # Before the program has looked at anything, TERM ends it as any other.
        ok(all(status in (0, -signal.SIGTERM) for status in statuses), "TERM during the start: it ends, and well", statuses)
        live = link.live(db)
        equal((link.end(live, signal.SIGTERM), integrity(db)), (0, "ok"), "TERM during the start: the next one goes on",
              statuses, link.said(live))
        left = [name for name in os.listdir(tmp()) if name.startswith("term.db") and name != "term.db"]
        equal(left, [], "TERM during the start: nothing is left lying about")


def exact():
    """What is in the database at the end is every packet, in each of the places."""
    db = tmp("exact.db")
    with Link("exact") as link:
        live = link.live(db)
        sender = Sender(link, rate=579)
        time.sleep(1.3)
        sent = sender.stop()
        status = link.end(live)
        equal((status, packets(db), minutes(db), query(db, "SELECT frames FROM inputs")[0]["frames"]),
              (0, len(sent), len(sent), len(sent)), "the end: run, minutes and inputs have every packet", link.said(live))


# --- the disk, and others at the database ---

class SmallDisk:
    """A mount namespace of its own, and in it a small file system; what is in it is seen through /proc."""

    def __init__(self, link, tables):
        self.place = tmp(f"small-{time.monotonic_ns()}")
        os.mkdir(self.place)
        self.keeper = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                                        f"mount -t tmpfs -o size=24m none {self.place} && echo && exec sleep 600"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        link.running.append(self.keeper)
        self.keeper.stdout.readline()
        self.inside = f"/proc/{self.keeper.pid}/root{self.place}"
        self.live = link.start(FOOTSTEPS, "live", "-i", SEES, "-o", f"{self.place}/full.db", "--commit", "500ms", "--tables", tables,
                               "--flows", "all", "--idle", f"{int(IDLE * 1000)}ms", ready="^watching ",
                               before=("nsenter", "-t", str(self.keeper.pid), "-m"))

    def fill(self):
        try:
            with open(f"{self.inside}/others", "wb") as f:
                while True:
                    f.write(bytes(4096))
                    f.flush()
        except OSError:
            pass

    def stored(self):
        """Records that are in the database; asked from within, as SQLite would follow the link that /proc/N/root is said to be."""
        script = ("import sqlite3, sys\n"
                  "print(sqlite3.connect(sys.argv[1], 60).execute('SELECT total(records) FROM facts').fetchone()[0])")
        asked = subprocess.run(["nsenter", "-t", str(self.keeper.pid), "-m", sys.executable, "-c", script, f"{self.place}/full.db"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        return float(asked.stdout or 0)

    def database(self):
        """A copy, of a run that has ended."""
        for name in os.listdir(self.inside):
            shutil.copy(f"{self.inside}/{name}", tmp(name))
        return tmp("full.db")


def full_disk():
    with Link("full") as link:
        disk = SmallDisk(link, tables="1s")
        live, sender = disk.live, Sender(link)
        wait(lambda: disk.stored() > 0)
        disk.fill()
        ok(wait(lambda: "the disk is full" in link.said(live)), "a full disk: it says so", link.said(live))
        time.sleep(3)
        ok(live.poll() is None, "a full disk: it goes on")
        os.unlink(f"{disk.inside}/others")
        ok(wait(lambda: "again after" in link.said(live)), "a full disk: with room again, it writes again", link.said(live))
        time.sleep(1)
        sent = sender.stop()
        time.sleep(1)
        status, db = link.end(live), disk.database()
        text = link.said(live)
        # What a making of tables took and gave back is room for a while: then it is told again.
        turns = re.findall(r"the disk is full; counting goes on|again after .*nothing was lost", text)
        ok(turns and all(turn.startswith("the disk" if n % 2 == 0 else "again") for n, turn in enumerate(turns)) and len(turns) % 2 == 0,
           "a full disk: it and its end, and that nothing was lost, each said in one line", text)
        whole(db, "a full disk")
        equal((status, packets(db)), (0, len(sent)), "a full disk: nothing was lost", text)


def full_at_the_end():
    with Link("end") as link:
        disk = SmallDisk(link, tables="1h")  # whose making would give back room
        live, sender = disk.live, Sender(link)
        wait(lambda: disk.stored() > 0)
        disk.fill()
        wait(lambda: "the disk is full" in link.said(live))
        time.sleep(1)
        sent = sender.stop()
        time.sleep(1)
        status, db = link.end(live), disk.database()
        equal(status, 4, "a disk that stays full: the end is not written", link.said(live))
        text = link.said(live)
        ok(len(re.findall(r"cannot write the end of .*: [1-9]\d* records were lost", text.replace(";", ":"))) == 1
           and "in memory: the oldest" not in text, "a disk that stays full: what is lost is said in one line", text)
        whole(db, "a disk that stays full")
        got = query(db, "SELECT sum(records) AS n FROM facts")[0]["n"]
        ok(got, "a disk that stays full: what was written is there", got, len(sent), text)


def locked():
    db = tmp("locked.db")
    with Link("locked") as link:
        live = link.live(db, "--tables", "1s", "--flows", "all", "--idle", f"{int(IDLE * 1000)}ms")
        sender = Sender(link)
        time.sleep(2)
        other = sqlite3.connect(db, timeout=30, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        wait(lambda: "has it locked" in link.said(live))
        time.sleep(3)
        other.execute("ROLLBACK")
        ok(wait(lambda: "again after" in link.said(live)), "a lock: with it gone, it writes again", link.said(live))
        # A reader that is in nobody's way, for long.
        other.execute("BEGIN")
        before, records = other.execute("SELECT packets FROM runs").fetchone()[0], told(db)
        ok(wait(lambda: told(db) > records + RATE), "a reader with an old transaction: others see what has come since")
        equal(other.execute("SELECT packets FROM runs").fetchone()[0], before, "... and it sees what it saw")
        other.close()
        sent = sender.stop()
        time.sleep(1)
        status = link.end(live)
        text = link.said(live)
        said_once(link, live, "another program has it locked; counting goes on", "a lock")
        equal(sum("again after" in line and "nothing was lost" in line for line in text.splitlines()), 1,
              "a lock: its end, and that nothing was lost, said in one line", text)
        whole(db, "a lock")
        equal((status, packets(db)), (0, len(sent)), "a lock: nothing was lost", text)


def two_monitors():
    db = tmp("two.db")
    with Link("two") as link:
        live = link.live(db)
        sender = Sender(link)
        second = link.live(db)
        equal(second.wait(timeout=PATIENCE), 4, "a second monitor of the database: refused", link.said(second))
        said_once(link, second, str(live.pid), "a second monitor")
        time.sleep(1)
        sent = sender.stop()
        equal((link.end(live), packets(db), integrity(db)), (0, len(sent), "ok"), "... and the first knows nothing of it")


# --- interfaces ---

def vanished():
    db = tmp("vanished.db")
    with Link("vanished") as link:
        add_pair(link)
        live = link.live(db, "-i", SECOND_PAIR[1])
        first, second = Sender(link), Sender(link, SECOND_PAIR[0], first=1000000)
        time.sleep(1.5)
        gone = first.stop()
        time.sleep(0.5)
        link.run("ip", "link", "delete", SEES)
        wait(lambda: f"{SEES} vanished" in link.said(live))
        time.sleep(1)
        ok(live.poll() is None, "one of two interfaces vanishes: the other goes on", link.said(live))
        said_once(link, live, f"{SEES} vanished", "one of two interfaces vanishes")
        stays = second.stop()
        time.sleep(0.5)
        link.run("ip", "link", "delete", SECOND_PAIR[1])
        try:
            status = live.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            status = "it goes on"
        equal(status, 3, "the last interface vanishes: the run ends, incomplete", link.said(live))
        said_once(link, live, f"{SECOND_PAIR[1]} vanished", "the last interface vanishes")
        said_once(link, live, "incomplete:", "the last interface vanishes, at the end")
        whole(db, "the last interface vanishes")
        equal(packets(db), len(gone) + len(stays), "the last interface vanishes: the results have every packet of both")


def down_and_up():
    db = tmp("down.db")
    with Link("down") as link:
        live = link.live(db)
        before = Sender(link)
        time.sleep(1)
        before = before.stop()
        time.sleep(0.5)
        link.run("ip", "link", "set", SEES, "down")
        ok(wait(lambda: "went down" in link.said(live)), "an interface goes down: it says so", link.said(live))
        time.sleep(1)
        link.run("ip", "link", "set", SEES, "up")
        ok(wait(lambda: "is up again" in link.said(live)), "... and that it is up again", link.said(live))
        time.sleep(0.5)
        after = Sender(link, first=1000000)
        time.sleep(1)
        after = after.stop()
        status = link.end(live)
        said_once(link, live, f"{SEES} went down", "an interface goes down")
        said_once(link, live, f"{SEES} is up again", "an interface is up again")
        whole(db, "an interface goes down")
        equal((status, packets(db)), (0, len(before) + len(after)), "an interface goes down and up: every packet of before and after")


# --- load ---

def flood_capture():
    """Every packet another flow; tcpreplay gives each turn other addresses."""
    path = tmp("flood.pcap")
    frame = bytearray(udp_frame(payload=bytes(18)))
    with open(path, "wb") as f:
        f.write(pcap_header())
        for n in range(FLOOD_FRAMES):
            frame[26:30] = bytes((10 + n % 100, n // 100 % 256, n // 25600, 1))
            f.write(pcap_record(1000, bytes(frame)))
    return path


def dropped():
    """A monitor that stands still while its ring fills: what it missed is counted by cause, and said once."""
    db = tmp("dropped.db")
    with Link("dropped") as link:
        live = link.live(db, "--buffer", "1M", "--no-ndpi")
        live.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, live.pid, os.WSTOPPED | os.WNOWAIT)
        link.replay(flood_capture(), "--topspeed")
        live.send_signal(signal.SIGCONT)
        time.sleep(2)
        equal(link.end(live), 3, "drops: the run is incomplete", link.said(live))
        said_once(link, live, "kernel", "drops")
    lost = query(db, "SELECT sum(dropped_kernel) AS n FROM capture_minutes")[0]["n"]
    ok(FLOOD_FRAMES // 2 < lost < FLOOD_FRAMES, "drops: most of them, as the ring is small", lost)
    equal((packets(db), minutes(db)), (FLOOD_FRAMES - lost,) * 2, "drops: every packet is counted, or counted as dropped")
    equal(query(db, "SELECT value FROM counters WHERE area = 'trace' AND name = 'dropped'"), [{"value": lost}],
          "drops: the trace is judged by them")
    shown = subprocess.run([FOOTSTEPS, "show", db], stdout=subprocess.PIPE, text=True, check=False).stdout
    ok(f"{lost}" in shown and "kernel" in shown, "drops: show says so", shown)
    whole(db, "drops")


def flood():
    db, path = tmp("flood.db"), flood_capture()
    total = FLOOD_FRAMES * FLOOD_LOOPS
    with Link("flood") as link:
        live = link.live(db, "--max-flows", str(FLOOD_FLOWS_MAX), "--max-sockets", "20000", "--max-pairs", "20000",
                         "--buffer", "256M", "--tables", "2s")
        mapped = memory_mb(live)
        sender = subprocess.Popen(["ip", "netns", "exec", link.namespace, "tcpreplay", "-q", "-K", "-i", SENDS, "--pps",
                                   "100000", "--unique-ip", "--loop", str(FLOOD_LOOPS), path],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        link.running.append(sender)
        begun = time.monotonic()
        sender.wait()
        took = time.monotonic() - begun
        wait(lambda: looked_at(link, live) >= total)
        highest = memory_mb(live, "VmHWM")
        begun = time.monotonic()
        status = link.end(live, seconds=PATIENCE + total / 4000)
        ended = time.monotonic() - begun
        text = link.said(live)
    counted = query(db, "SELECT packets FROM runs")[0]["packets"]
    dropped = query(db, "SELECT sum(dropped_kernel + dropped_interface) AS n FROM capture_minutes")[0]["n"]
    made = query(db, "SELECT sum(value) AS n FROM counters WHERE area = 'flows'")[0]["n"]
    bound = mapped + FLOOD_FLOWS_MAX * FLOOD_FLOW_KB / 1024 + FLOOD_BACKLOG_MB
    note(f"flood: {total} packets in {took:.1f} s; {made} flows, {dropped} dropped; memory {mapped:.0f} MB at the start, "
         f"{highest:.0f} MB at most, {bound:.0f} MB allowed; {ended:.1f} s for the end")
    note(text)
    equal((counted + dropped, status), (total, 3), "a flow with every packet: each is counted or counted as dropped", text)
    equal(made, counted, "a flow with every packet: as many flows")
    if sanitized():
        skip("a flow with every packet: memory is bounded", "AddressSanitizer keeps what was freed")
    else:
        ok(highest < bound, "a flow with every packet: memory is bounded", mapped, highest, bound)
    said_once(link, live, "evicted because the flow table was full", "a flow with every packet")
    whole(db, "a flow with every packet")


# --- the outside ---

def signals():
    db, config = tmp("signals.db"), write(tmp("signals.ini"), b"[live]\ncommit = 1s\n")
    alerts, bystander = tmp("alerts.json"), write(tmp("bystander"), b"")
    with Link("signals") as link:
        live = link.start(FOOTSTEPS, "live", "-i", SEES, "-o", db, "--config", config, ready="^watching ")
        live.send_signal(signal.SIGUSR1)
        ok(wait(lambda: "0 packets, 0 dropped" in link.said(live)), "USR1: statistics", link.said(live))
        write(config, f"[live]\ncommit = 2s\nsnaplen = 200\nworkers = 3\npid = {bystander}\nalerts = {alerts}\n".encode())
        live.send_signal(signal.SIGHUP)
        wait(lambda: "read the configuration again" in link.said(live))
        said_once(link, live, "read the configuration again", "HUP")
        said_once(link, live, "snaplen has changed", "HUP, what waits for a restart")
        said_once(link, live, "workers has changed", "HUP, what waits for a restart, too")
        wait(lambda: os.path.exists(alerts))
        link.run("ip", "link", "set", SEES, "down")
        ok(wait(lambda: os.path.exists(alerts) and '"interface"' in content(alerts).decode()),
           "HUP: alerts, where there were none", link.said(live))
        link.run("ip", "link", "set", SEES, "up")
        wait(lambda: "is up again" in link.said(live))
        time.sleep(0.5)
        write(config, b"[live]\ncommit = 2s\ncomit = 3s\n")
        live.send_signal(signal.SIGHUP)
        wait(lambda: "comit" in link.said(live))
        said_once(link, live, "signals.ini:3: unknown key 'comit'", "HUP, with a mistake in the file")
        sender = Sender(link)
        time.sleep(1)
        sent = sender.stop()
        equal((link.end(live), packets(db), integrity(db)), (0, len(sent), "ok"), "HUP and USR1: it goes on", link.said(live))
        ok(os.path.exists(bystander), "HUP: a file that was named after the start is not taken for that of the number")


def signals_at_the_end():
    """HUP and USR1 that come while it ends do not make a failure of that."""
    db = tmp("end.db")
    with Link("at-the-end") as link:
        live = link.live(db)

        def is_ending():
            """It lets TERM through, so that a second one ends it at once, and not HUP."""
            with open(f"/proc/{live.pid}/status", encoding="ascii") as f:
                text = f.read()
            blocked = int(re.search(r"(?m)^SigBlk:\s*(\w+)", text).group(1), 16)
            waits = [blocked >> number - 1 & 1 for number in (signal.SIGTERM, signal.SIGHUP)]
            return waits == [0, 1] or "State:\tZ" in text
        live.send_signal(signal.SIGTERM)
        until = time.monotonic() + 20
        while not is_ending() and time.monotonic() < until:
            pass
        live.send_signal(signal.SIGHUP)
        live.send_signal(signal.SIGUSR1)
        equal((link.end(live, 0), integrity(db)), (0, "ok"), "HUP at the end: it has ended well", link.said(live))


def worker_failed():
    """A worker without memory ends the run, which a service manager must take for a failure."""
    refuser = os.path.join(os.path.dirname(os.path.abspath(FOOTSTEPS)), "bench", "count_allocations.so")
    if sanitized() or not os.path.exists(refuser):
        skip("a worker without memory", "no bench/count_allocations.so, or an allocator of the sanitizers")
        return
    db, when = tmp("failed.db"), tmp("refuse")
    with Link("failed") as link:
        # Nobody else makes tables meanwhile, nor does libndpi ask for memory.
        live = link.start(FOOTSTEPS, "live", "-i", SEES, "-o", db, "--tables", "1h", "--no-ndpi", ready="^watching ",
                          env={**os.environ, "LD_PRELOAD": refuser, "REFUSE_WHEN": when})
        sender = Sender(link)
        wait(lambda: looked_at(link, live) > 0)
        write(when, b"")
        wait(lambda: live.poll() is not None)
        sender.stop()
        equal((link.end(live), integrity(db)), (5, "ok"), "a worker without memory: the status says so", link.said(live))
        said_once(link, live, "out of memory for a chunk of facts", "a worker without memory")


class Notified:
    """What a service manager is told."""

    def __init__(self):
        self.path, self.messages = tmp("notify"), []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            self.messages.append((time.monotonic(), self.socket.recv(4096).decode(errors="replace")))

    def times(self, message):
        return [at for at, text in list(self.messages) if message in text.splitlines()]


def watchdog():
    if not built_with("libsystemd"):
        skip("watchdog", "built without libsystemd")
        return
    db, notified = tmp("watchdog.db"), Notified()
    with Link("watchdog") as link:
        live = link.start(FOOTSTEPS, "live", "-i", SEES, "-o", db, ready="^watching ",
                          env={**os.environ, "NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": "20000000"})
        wait(lambda: len(notified.times("WATCHDOG=1")) >= 12)
        at = notified.times("WATCHDOG=1")
        ok(len(at) >= 12 and all(b - a < 20 for a, b in zip(at, at[1:])), "watchdog: told in time, on an idle link", at)
        equal(len(notified.times("READY=1")), 1, "watchdog: READY once")
        ok(any(text.startswith("STATUS=") for _, text in notified.messages), "watchdog: a status", notified.messages)
        equal((link.end(live, signal.SIGTERM), len(notified.times("STOPPING=1"))), (0, 1), "watchdog: STOPPING once")
        whole(db, "watchdog")


TESTS = (exact, killed, terminated, full_disk, full_at_the_end, locked, two_monitors, vanished, down_and_up, dropped, flood, signals,
         signals_at_the_end, worker_failed, watchdog)


def main():
    if os.environ.get("FOOTSTEPS_LAB") == "0":
        skip_all("FOOTSTEPS_LAB=0")
    require_programs("ip", "tcpreplay", "unshare", "nsenter")
    try:
        with Link("try"):
            pass
    except Unavailable as why:
        skip_all(str(why))
    for test in TESTS:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()


main()
