"""Live equals offline: what `footsteps live` makes of a replayed trace is what `footsteps read` makes of its recording, and of
a capture that tcpdump took beside it. And what happens when a run is killed, rotated, or loses its interface.

As root, with network namespaces and tcpreplay; skipped where something is missing. FOOTSTEPS_LAB=0 skips all of it, and with
FOOTSTEPS_LONG=1 each scenario is played to one worker and to two."""
import glob
import gzip
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from live_link import SEES, Link, Unavailable
from tap import (FOOTSTEPS, PATIENCE, TOP, content, done, equal, note, ok, pcap_records, query, read, require_programs, run, skip,
                 skip_all, split_facts, tmp, write)

LONG = os.environ.get("FOOTSTEPS_LONG") == "1"
PPS = "4000"         # of the scenarios, whose own time is up to hours
BENCH_PPS = "30000"
BENCH_PACKETS = 200000
BENCH_BUFFER = "128M"  # holds all of them, however long nobody reads
JITTER_MS = 10       # of two sockets on one interface: each is given the packet, and looks at the clock, for itself
REAL_JITTER_MS = 60  # of tcpreplay on a machine with other things to do
# What tells runs apart, and what only a live one has.
MANIFEST = {"runs", "inputs", "place_files", "facts", "sessions", "capture_minutes"}
FRESH = 1.0          # seconds after which everything that was sent has been seen, or waits in the ring


def plain(capture):
    """A shipped capture, unpacked, with a snaplen of its own."""
    path = tmp(os.path.basename(capture)[:-3])
    if not os.path.exists(path):
        with gzip.open(capture) as f:
            write(path, f.read())
    return path


def tables(db, run_number=1):
    """{table: sorted rows} of everything that packets alone decide."""
    found = {}
    for row in query(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        if row["name"] not in MANIFEST:
            rows = query(db, f"SELECT * FROM {row['name']} WHERE run = ?", run_number)
            found[row["name"]] = sorted(repr({k: v for k, v in r.items() if k != "run"}) for r in rows
                                        if r.get("name") != "peak_flows")  # an idle link gives memory back sooner
    found["runs"] = [repr(r) for r in query(db, "SELECT first_ns, last_ns, packets, idle_ns, complete FROM runs WHERE run = ?",
                                            run_number)]
    return found


# Numbers that tell rows apart; with several workers they depend on who was first.
NUMBERS = {"run", "flow", "packet", "first_packet", "last_packet", "client", "peer", "call", "startup", "search", "number",
           "conference", "subject", "version_flow", "supernode_flow", "login_flow", "list_flow"}


def without_numbers(db):
    """The same, for several workers: without such columns."""
    found = {}
    for row in query(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        if row["name"] not in MANIFEST:
            rows = query(db, f"SELECT * FROM {row['name']} WHERE run = 1")
            left_out = NUMBERS | {"n"} if row["name"] == "peer_places" else NUMBERS
            found[row["name"]] = sorted(repr({k: v for k, v in r.items() if k not in left_out}) for r in rows
                                        if r.get("name") != "peak_flows")
    return found


def same_tables(live, offline, name):
    different = []
    for table in sorted(set(live) | set(offline)):
        a, b = live.get(table, []), offline.get(table, [])
        if a != b:
            different += [f"{table}, live alone: {row[:600]}" for row in a if row not in set(b)][:2]
            different += [f"{table}, offline alone: {row[:600]}" for row in b if row not in set(a)][:2]
    ok(not different and len(live) > 20 and any(live.values()), name, *different[:12])


def integrity(db):
    connection = sqlite3.connect(db, PATIENCE)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def times(captures):
    """{packet: its times in order, ns} of some pcaps together."""
    found = {}
    for capture in captures:
        data = content(capture)
        scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
        for record in pcap_records(data):
            seconds, fraction = struct.unpack_from("<II", record)
            found.setdefault(record[16:], []).append(seconds * 10**9 + fraction * scale)
    return {packet: sorted(at) for packet, at in found.items()}


def apart_ms(some, others):
    """How far the times of a packet are apart in two recordings, at most; of packets that are in both."""
    some, others = times(some), times(others)
    return max(abs(a - b) for packet in some.keys() & others.keys() for a, b in zip(some[packet], others[packet])) / 10**6


def parts_of(capture, count):
    """The capture in so many files."""
    data = content(capture)
    records = pcap_records(data)
    return [write(tmp(f"part{n}.pcap"), data[:24] + b"".join(records[n * len(records) // count:(n + 1) * len(records) // count]))
            for n in range(count)]


def remove(db):
    for path in glob.glob(glob.escape(db) + "*"):
        os.unlink(path)


class Watch:
    """A live run and a tcpdump on a link."""

    def __init__(self, link, name, *options, workers=1, dump=True):
        stem = tmp(name.replace(" ", "-"))
        self.link, self.db, self.record, self.dumped = link, stem + ".db", stem + ".rec", stem + ".dump"
        remove(stem)
        self.recordings = [self.record] + [f"{self.record}.{n}" for n in range(1, workers)]
        self.tcpdump = link.tcpdump(self.dumped) if dump else None
        self.live = link.live(self.db, "-j", str(workers), "--record", self.record, "--minutes", "10", *options)

    def end(self):
        time.sleep(FRESH)
        if self.tcpdump:
            self.link.caught_up(self.tcpdump)
        status = self.link.end(self.live)
        if self.tcpdump:
            self.link.end(self.tcpdump)
        self.said = self.link.said(self.live)
        return status


def replayed(link, name, capture, speed, workers, *options):
    """Everything that is to be equal, of one capture."""
    watch = Watch(link, name, *options, workers=workers)
    sent = link.replay(capture, *speed)
    status = watch.end()
    packets = query(watch.db, "SELECT packets FROM runs")
    if not equal((sent[0], status, len(packets)), (0, 0, 1), f"{name}: replayed, and the run is complete", sent[1],
                 watch.said):
        return watch
    verified = run("verify", watch.db, *watch.recordings)
    ok(verified.returncode == 0 and verified.stdout.startswith("equal"), f"{name}: verify finds no difference",
       verified.stdout[:2000], verified.stderr)
    choice = ("--flows", "all") if "all" in options else ()
    idle = options[options.index("--idle"):][:2] if "--idle" in options else ()
    result, db = read(watch.recordings, *choice, *idle)
    if workers == 1:
        same_tables(tables(watch.db), tables(db), f"{name}: every table is that of `read`, to the last number")
    else:
        same_tables(without_numbers(watch.db), without_numbers(db), f"{name}: every table is that of `read`")
    nearly, apart = f"{name}: ... and nearly that of tcpdump's capture", apart_ms(watch.recordings, [watch.dumped])
    if apart > JITTER_MS:
        skip(nearly, f"the kernel was held up for {apart:.0f} ms between the two")
        return watch
    verified = run("verify", "--jitter", f"{JITTER_MS}ms", watch.db, watch.dumped)
    ok(verified.returncode == 0, nearly, verified.stdout[:2000], verified.stderr)
    return watch


def scenarios():
    captures = sorted(glob.glob(os.path.join(TOP, "traces", "peer", "*.pcap.gz")))
    with Link("scenarios") as link:
        for number, capture in enumerate(captures):
            name = os.path.basename(capture).split(".")[0]
            # Of the two numbers of workers each scenario gets one, if there is little time, and the fixed ones below both.
            for workers in (1, 2) if LONG else (1 + number % 2,):
                replayed(link, f"{name} with {workers} worker{'s' * (workers > 1)}", plain(capture), ("--pps", PPS), workers,
                         "--flows", "all")
        # Flows that end while nothing comes: ticks, not packets, tell that.
        capture = plain(os.path.join(TOP, "traces", "peer", "call-relayed-tcp.pcap.gz"))
        for workers in (1, 2):
            watch = replayed(link, f"idle timeout with {workers}", capture, ("--pps", "300"), workers, "--flows", "all", "--idle", "200ms")
            ok(query(watch.db, "SELECT count(*) AS n FROM flows WHERE ended = 'idle'")[0]["n"] > 0,
               f"idle timeout with {workers}: flows ended by it")


def benchmark():
    trace = tmp("bench.pcap")
    made = subprocess.run([sys.executable, os.path.join(TOP, "bench", "maketrace.py"), trace, "--packets", str(BENCH_PACKETS)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if not ok(made.returncode == 0, "a trace for the benchmark is made", made.stderr.decode(errors="replace")):
        return
    with Link("bench") as link:
        for workers in (1, 2):
            watch = replayed(link, f"benchmark with {workers}", trace, ("--pps", BENCH_PPS), workers, "--buffer", BENCH_BUFFER)
            note(watch.said)


def shifted(capture, ns):
    """A pcap (microseconds) as one of nanoseconds, so many later."""
    data, at, out = content(capture), 24, bytearray(content(capture)[:24])
    scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    struct.pack_into("<I", out, 0, 0xA1B23C4D)
    while at < len(data):
        seconds, fraction, length, wire = struct.unpack_from("<IIII", data, at)
        time_ns = seconds * 10**9 + fraction * scale + ns
        out += struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, length, wire) + data[at + 16:at + 16 + length]
        at += 16 + length
    return write(tmp("shifted.pcap"), bytes(out))


def real_time():
    capture = plain(os.path.join(TOP, "traces", "peer", "wrong-password.pcap.gz"))
    _, original = read([capture])
    begins = query(original, "SELECT first_ns FROM runs")[0]["first_ns"]
    for attempt in range(4):  # where the machine held tcpreplay up for longer than that, once more
        with Link("real") as link:
            watch = Watch(link, f"real time {attempt}", dump=False)
            sent = link.replay(capture)
            status = watch.end()
        first = query(watch.db, "SELECT first_ns FROM runs")[0]["first_ns"]
        moved = shifted(capture, first - begins)
        late = apart_ms([watch.record], [moved])
        if (sent[0], status) != (0, 0) or late <= REAL_JITTER_MS:
            break
        note(f"real time: {late:.0f} ms late in attempt {attempt + 1}")
    equal((sent[0], status), (0, 0), "real time: replayed", sent[1], watch.said)
    same = "real time: the database is that of the original capture, moved in time"
    if late > REAL_JITTER_MS:
        skip(same, f"tcpreplay was held up for {late:.0f} ms")
        return
    verified = run("verify", "--jitter", f"{REAL_JITTER_MS}ms", watch.db, moved)
    ok(verified.returncode == 0, same, verified.stdout[:2000], verified.stderr)


def rotation():
    capture = plain(os.path.join(TOP, "traces", "peer", "campus-small.pcap.gz"))
    for workers in (1, 2):
        name = f"rotation with {workers} worker{'s' * (workers > 1)}"
        with Link("rotation") as link:
            watch = Watch(link, f"rotated{workers}", "--rotate", "1s", "--flows", "all", workers=workers, dump=False)
            sent = []
            for number, part in enumerate(parts_of(capture, 4)):
                sent.append(link.replay(part, "--pps", "150"))
                wait_until(lambda: len(glob.glob(tmp(f"rotated{workers}.*Z*.db"))) >= number + 1)
            equal(([status for status, _ in sent], watch.end()), ([0] * 4, 0), f"{name}: replayed", sent, watch.said)
        # Of two in a second the second one is called -2.
        files = sorted(glob.glob(tmp(f"rotated{workers}*.db")), key=lambda path: path.replace("Z.db", "Z-1.db"))
        ok(len(files) >= 4, f"{name}: one database a second", files)
        packets = [query(db, "SELECT packets FROM runs")[0]["packets"] for db in files]
        equal(sum(packets), 1185, f"{name}: each packet is in one file", packets)
        remove(tmp("all.db"))
        merged = run("merge", "-o", tmp("all.db"), *files)
        equal(merged.returncode, 0, f"{name}: merged", merged.stderr)
        _, db = read(watch.recordings, "--flows", "all")
        same_tables(without_numbers(tmp("all.db")), without_numbers(db), f"{name}: ... every table is that of all")
        inputs = query(tmp("all.db"), "SELECT path, frames FROM inputs")
        equal(inputs, [{"path": SEES, "frames": 1185}], f"{name}: ... and its interface is one")
        verified = run("verify", tmp("all.db"), *watch.recordings)
        ok(verified.returncode == 0, f"{name}: ... which verify finds, too", verified.stdout[:2000], verified.stderr)
        verified = run("verify", files[-1], *watch.recordings)
        ok(verified.returncode == 3 and "one of its files" in verified.stderr, f"{name}: one file is not all, which verify says",
           verified.stderr)
        some = run("merge", "-o", tmp("some.db"), *files[2:0:-1])
        merged = run("merge", "-o", tmp("other.db"), files[-1], tmp("some.db"), *files[3:-1], files[0])
        equal((some.returncode, merged.returncode), (0, 0), f"{name}: merged in two steps, in no order", some.stderr, merged.stderr)
        same_tables(tables(tmp("other.db")), tables(tmp("all.db")), f"{name}: ... it is the same")


def linked():
    """-o is a symbolic link to a place where there is no file yet: everything of the database lies there."""
    place, link_path = tmp("linked-place"), tmp("linked.db")
    os.mkdir(place)
    os.symlink("linked-place/real.db", link_path)
    capture = plain(os.path.join(TOP, "traces", "peer", "campus-small.pcap.gz"))
    with Link("linked") as link:
        live = link.live(link_path, "--rotate", "1s")
        names = sorted(os.listdir(place))
        ok("real.db" in names and "real.db-live" in names, "a link as -o: the database and its lock are where it leads to", names,
           link.said(live))
        second = link.run(FOOTSTEPS, "live", "-i", SEES, "-o", os.path.join(place, "real.db"), timeout=PATIENCE)
        equal(second.returncode, 4, "a link as -o: no second monitor for the file itself", second.stdout.decode(errors="replace"))
        sent = []
        for number, part in enumerate(parts_of(capture, 2)):
            sent.append(link.replay(part, "--pps", "400"))
            wait_until(lambda: len(glob.glob(os.path.join(place, "real.*Z*.db"))) >= number + 1)
        equal(([status for status, _ in sent], link.end(live)), ([0, 0], 0), "a link as -o: replayed", sent, link.said(live))
        said = link.said(live)
    files = glob.glob(os.path.join(place, "real.*Z*.db"))
    ok(len(files) >= 2 and "cannot" not in said, "a link as -o: files are rotated out beside the file", sorted(os.listdir(place)), said)
    equal(sum(query(db, "SELECT packets FROM runs")[0]["packets"] for db in [*files, link_path]), 1185,
          "a link as -o: each packet is in one of them, the last ones behind the link")
    ok(os.path.islink(link_path) and not glob.glob(tmp("linked.*Z*")), "a link as -o: it stays what it is", os.listdir(tmp()))
    os.symlink("loop.db", tmp("loop.db"))
    result = run("live", "-i", "lo", "-o", tmp("loop.db"))
    ok(result.returncode == 4 and "symbolic links" in result.stderr, "a link to itself as -o is refused", result.stderr)


def restarted():
    """Files of two starts, rotated: whatever the order they are named in, they are one run."""
    capture = plain(os.path.join(TOP, "traces", "peer", "campus-small.pcap.gz"))
    for how in (signal.SIGKILL, signal.SIGTERM):
        name = f"rotated and restarted after {how.name}"
        stem = tmp(how.name)
        with Link("restarted") as link:
            live = link.live(stem + ".db", "-j", "2", "--rotate", "1s", "--flows", "all")
            sender = link.replaying(capture, "--pps", "120")
            wait_until(lambda: len(glob.glob(stem + ".*.db")) >= 2)
            live.send_signal(how)
            live.wait()
            before = len(glob.glob(stem + ".*.db"))
            live = link.live(stem + ".db", "-j", "2", "--rotate", "1s", "--flows", "all")
            wait_until(lambda: len(glob.glob(stem + ".*.db")) >= before + 2)
            sender.kill()
            sender.wait()
            equal(link.end(live), 0, f"{name}: the second start ends", link.said(live))
        files = sorted(glob.glob(stem + "*.db"))
        one, other = stem + ".one", stem + ".other"
        results = [run("merge", "-o", one, *files), run("merge", "-o", other, *files[1::2], *files[::2][::-1])]
        equal([r.returncode for r in results], [0, 0], f"{name}: merged", *[r.stderr for r in results])
        same_tables(tables(one), tables(other), f"{name}: ... in any order the same")
        sums = "SELECT sum(packets) AS packets, (SELECT count(*) FROM flows) AS flows FROM runs"
        parts = [query(db, sums)[0] for db in files]
        equal(query(one, sums)[0], {key: sum(part[key] for part in parts) for key in ("packets", "flows")},
              f"{name}: ... with the packets and the flows of all files", parts)
        equal(query(one, "SELECT session FROM sessions ORDER BY 1"), [{"session": 1}, {"session": 2}], f"{name}: ... and both starts")


KILLED_FACTS = 5  # chunks that are there before the kill


def killed():
    capture = plain(os.path.join(TOP, "traces", "peer", "campus-small.pcap.gz"))
    with Link("killed") as link:
        db = tmp("killed.db")
        live = link.live(db, "-j", "2", "--flows", "all")
        sender = link.replaying(capture, "--pps", "200")

        def facts():
            return query(db, "SELECT count(*) AS n FROM facts")[0]["n"]
        wait_until(lambda: facts() >= KILLED_FACTS)
        live.send_signal(signal.SIGKILL)
        live.wait()
        equal(integrity(db), "ok", "kill -9: the database is whole")
        ok(facts() >= KILLED_FACTS, "kill -9: what was committed is there", facts())
        again = link.live(db, "-j", "2", "--flows", "all")
        sender.kill()
        sender.wait()
        sent = link.replay(capture, "--pps", "400")
        time.sleep(FRESH)
        status, came = link.end(again), link.received()
        equal(sent[0], 0, "kill -9: replayed once more", sent[1])
        equal((status, integrity(db)), (0, "ok"), "kill -9: the next start goes on", link.said(again))
        equal([(r["run"], r["session"]) for r in query(db, "SELECT run, session FROM sessions ORDER BY 2")], [(1, 1), (1, 2)],
              "kill -9: ... in the same run")
        total, packets = query(db, "SELECT packets, (SELECT sum(value) FROM counters WHERE area = 'packets') AS c FROM runs")[0].values()
        ok(total == packets and 1185 < total <= came, "kill -9: ... with the counts of both", total, packets, came)
        alive = query(db, "SELECT count(*) AS n FROM flows WHERE ended = 'eof'")[0]["n"]
        ok(alive > 0, "kill -9: ... and the flows of the second start")
    files = split_facts(db, KILLED_FACTS)
    merged = run("merge", "-o", tmp("together.db"), *files[::-1])
    equal(merged.returncode, 0, "kill -9: two starts in five files are merged", merged.stderr)
    same_tables(tables(tmp("together.db")), tables(db), "kill -9: ... every table is that of one file")


def stopped():
    """While packets come: the minutes have all of them, those of the last second, too."""
    capture = plain(os.path.join(TOP, "traces", "peer", "campus-small.pcap.gz"))
    for start in range(3):
        with Link("stopped") as link:
            db = tmp(f"stopped{start}.db")
            live = link.live(db)
            sender = subprocess.Popen(["ip", "netns", "exec", link.namespace, "tcpreplay", "-q", "-i", "fs0", "--pps", "600",
                                       capture], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: link.received() >= 300 * (start + 1))  # of 1185
            equal(link.end(live), 0, "stopped while packets come", link.said(live))
            sender.wait(timeout=PATIENCE)
        row = query(db, "SELECT packets AS all_of_them, (SELECT sum(packets) FROM capture_minutes) AS minutes, "
                        "(SELECT sum(frames) FROM inputs) AS inputs FROM runs")[0]
        ok(row["all_of_them"] > 0 and len(set(row.values())) == 1, "... the minutes and the manifest have all of them", row)


def vanished():
    capture = plain(os.path.join(TOP, "traces", "peer", "first-login.pcap.gz"))
    with Link("vanished") as link:
        watch = Watch(link, "vanished", dump=False)
        sent = link.replay(capture, "--pps", PPS)
        time.sleep(FRESH)
        link.run("ip", "link", "delete", SEES)
        try:
            status = watch.live.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            status = "it goes on"
        said = link.said(watch.live)
        equal((sent[0], status), (0, 3), "an interface vanishes: the run ends, incomplete", said)
        equal(sum(SEES in line for line in said.splitlines() if "incomplete" in line), 1, "... which is said in one line", said)
        equal(query(watch.db, "SELECT packets, complete FROM runs"), [{"packets": 200, "complete": 0}], "... and the results are whole")


def wait_until(condition, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(condition())


def wait_for(link, process, words):
    wait_until(lambda: words in link.said(process) or process.poll() is not None)
    return words in link.said(process)


def alerts_added():
    """HUP, of a monitor that began without alerts: those that came to the configuration are told. It is a link to a file in
    another directory, as some systems manage theirs."""
    capture = plain(os.path.join(TOP, "traces", "peer", "first-login.pcap.gz"))
    name, alerts = tmp("linked.conf"), tmp("reload.alerts")
    with tempfile.TemporaryDirectory() as elsewhere, Link("reload") as link:
        config = os.path.join(elsewhere, "reload.conf")
        os.symlink(config, name)
        write(config, b"[live]\nkeep = 30d\n")
        live = link.live(tmp("reload.db"), "--config", name)
        write(config, f"[live]\nkeep = 30d\nalerts = {alerts}\n".encode())
        live.send_signal(signal.SIGHUP)
        ok(wait_for(link, live, "read the configuration again"), "HUP: the configuration is read again", link.said(live))
        wait_until(lambda: os.path.exists(alerts))  # what it says counts within a second
        sent = link.replay(capture, "--pps", PPS)
        wait_until(lambda: os.path.exists(alerts) and b'"alert":"new-client"' in content(alerts))
        equal((sent[0], link.end(live)), (0, 0), "HUP: replayed", link.said(live))
    told = content(alerts).decode() if os.path.exists(alerts) else ""
    ok('"alert":"new-client"' in told, "HUP: alerts that are new in the configuration are written", told[:500])


def alive_after(process, seconds=1.5):
    """What was asked for is done within a second, in a thread that may have died of it."""
    time.sleep(seconds)
    return process.poll() is None


def reloaded():
    """HUP without any alerts, then with some that came to the configuration; and a start after kill -9, on its old socket."""
    config, alerts, socket = tmp("reload.conf"), tmp("reload.alerts"), tmp("reload.sock")
    with Link("reload") as link:
        live = link.live(tmp("plain.db"))
        live.send_signal(signal.SIGHUP)
        ok(alive_after(live), "reload: HUP without --alerts and --config is survived", link.said(live))
        equal(link.end(live), 0, "reload: ... and it ends as ever", link.said(live))
        write(config, b"[live]\ndrop-share = 2%\npid = " + tmp("reload.pid").encode() + b"\n")
        live = link.live(tmp("reload.db"), "--config", config, "--control", socket)
        write(config, f"[live]\ndrop-share = 2%\nalerts = {alerts}\n".encode())
        live.send_signal(signal.SIGHUP)
        ok(wait_until(lambda: os.path.exists(alerts)) and alive_after(live), "reload: alerts that came to the configuration are opened", link.said(live))
        write(config, b"[live]\nalerts = syslog\n")
        live.send_signal(signal.SIGHUP)
        ok(wait_for(link, live, "syslog: they begin after a restart") and alive_after(live),
           "reload: those to syslog, which the sandbox does not let it reach any more, wait for a restart", link.said(live))
        # What is refused as a whole changes nothing, and neither does what cannot change in a run.
        for workers in (b"7", b"100000"):
            write(config, b"[live]\nworkers = " + workers + b"\npid = " + tmp("precious.pid").encode() + b"\n")
            live.send_signal(signal.SIGHUP)
            ok(alive_after(live), f"reload: {workers.decode()} workers", link.said(live))
        write(tmp("precious.pid"), b"")
        equal((link.end(live), os.path.exists(tmp("precious.pid")), os.path.exists(tmp("reload.pid"))), (0, True, False),
              "reload: ... which changed nothing: it ends as ever, and removes its own file alone", link.said(live))
        live = link.live(tmp("reload.db"), "--control", socket)
        live.send_signal(signal.SIGKILL)
        live.wait()
        again = link.live(tmp("reload.db"), "--control", socket)
        ok(os.path.exists(socket) and again.poll() is None, "the socket of a start that was killed is replaced", link.said(again))
        equal(link.end(again), 0, "... and that one ends as ever", link.said(again))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def open_files(pid):
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass  # closed meanwhile
    return names


def sends_nothing():
    """The porter has nothing of the rings."""
    with Link("porter") as link:
        live = link.live(tmp("porter.db"), "-j", "2", "--alerts", "|cat >/dev/null")
        equal(len(children(live.pid)), 1, "porter: it is there", link.said(live))
        for porter in children(live.pid):
            wait_until(lambda: sum("socket:" in name for name in open_files(porter)) == 1)  # it begins by closing others
            with open(f"/proc/{porter}/maps", encoding="utf-8") as f:
                equal([line for line in f if "socket:" in line], [], "porter: no ring is mapped in it")
            held = open_files(porter)
            equal(sum("socket:" in name for name in held), 1, "porter: of sockets, it has the monitor's alone", held)
        equal(link.end(live), 0, "porter: it ends with the monitor", link.said(live))


def refusals():
    """Errors that say what to do."""
    result = run("live", "-i", "footsteps-none", "-o", tmp("none.db"))
    ok(result.returncode == 2 and "footsteps-none" in result.stderr and "lo" in result.stderr,
       "no such interface: it says which there are", result.stderr)
    result = run("live", "-i", "lo", "-o", tmp("none.db"), "-j", "2", "--tunnels")
    ok(result.returncode == 1 and "--tunnels" in result.stderr, "--tunnels with two workers is refused", result.stderr)
    result = run("live", "-i", "lo", "-o", tmp("none.db"), "-j", "64", "--max-flows", "32")
    ok(result.returncode == 1 and "--max-flows" in result.stderr, "less than 16 flows for a worker are refused", result.stderr)
    result = run("live", "-i", "lo", "-o", tmp("none.db"), "--record", tmp("none.pcap"))
    ok(result.returncode == 1 and "--minutes" in result.stderr, "--record without --minutes is refused", result.stderr)
    config = tmp("live.conf")
    with open(config, "w") as file:
        file.write("[live]\nrotate = 1x\nworkers = 3\n")
    usual = ("-i", "lo", "-o", tmp("none.db"))
    for what, wanted, options in (
            ("a recording of real addresses beside pseudonyms", "--anonymize", ("--record", tmp("none.pcap"), "--minutes", "1", "--anonymize", "k")),
            ("standard output as a database", "--output -", ("-o", "-")),
            ("alerts to nothing", "'|COMMAND'", ("--alerts", "|")),
            ("a kind of alert that is none", "new-client, login", ("--alert", "xyzzyx")),
            ("a wrong value, with its line", f"{config}:2: rotate 1x", ("--config", config))):
        result = run("live", *usual, *options, "--check-config")
        ok(result.returncode == 1 and wanted in result.stderr, f"{what}: refused", result.stderr)
    result = run("live", *usual, "--config", config, "--rotate", "2d", "--print-config")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    ok("rotate = 2d # from the command line" in lines and f"workers = 3 # from {config}:3" in lines
       and "keep not set # default" in [line[2:] for line in lines],
       "the command line counts more than the file; --print-config says where a value comes from", result.stdout)
    os.link(write(tmp("precious"), b"precious"), tmp("linked.db-live"))
    result = run("live", "-i", "lo", "-o", tmp("linked.db"))
    ok(result.returncode == 4 and "not ours" in result.stderr and content(tmp("precious")) == b"precious",
       "a lock that is another name of somebody's file is refused, and the file is as it was", result.stderr)
    with Link("twice") as link:
        first = link.live(tmp("twice.db"))
        second = link.run(os.environ.get("FOOTSTEPS", "footsteps"), "live", "-i", SEES, "-o", tmp("twice.db"), timeout=PATIENCE)
        text = second.stdout.decode(errors="replace")
        ok(second.returncode == 4 and str(first.pid) in text, "a second monitor of one database is refused, and who is the first",
           text, first.pid)
        capture = os.path.join(TOP, "traces", "peer", "first-login.pcap.gz")
        for words in (("read", "--append", "-o", tmp("twice.db"), capture), ("read", "-o", tmp("twice.db"), capture),
                      ("merge", "-o", tmp("twice.db"), tmp("none.db"))):
            result = run(*words)
            ok(result.returncode == 4 and "footsteps live" in result.stderr,
               f"{' '.join(words[:-1])}: not into a database that a monitor writes", result.returncode, result.stderr)
        equal(link.end(first, signal.SIGTERM), 0, "TERM ends the first")
    result = run("read", "--append", "-o", tmp("twice.db"), capture)
    equal(result.returncode, 0, "... when it has ended, it may be added to", result.stderr)
    equal([name for name in os.listdir(tmp()) if name.startswith("none.db")], [], "nothing is left of what was refused")


def main():
    if os.environ.get("FOOTSTEPS_LAB") == "0":
        skip_all("FOOTSTEPS_LAB=0")
    require_programs("ip", "tcpdump", "tcpreplay")
    try:
        with Link("try"):
            pass
    except Unavailable as why:
        skip_all(str(why))
    for test in (refusals, alerts_added, reloaded, sends_nothing, scenarios, real_time, rotation, linked, restarted, killed, stopped, vanished, benchmark):
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            test()
    done()


if __name__ == "__main__":
    main()
