#!/usr/bin/env python3
"""`footsteps read --facts` and `footsteps merge`: facts make the tables that `read` makes, runs that were read apart make those of
reading their captures together, and what cannot be put together is said."""
import collections
import os
import sqlite3
import struct
import subprocess
import sys

import tap

OWN = [os.path.join(tap.TOP, "traces", name + ".pcap")
       for name in ("bittorrent", "edonkey", "fasttrack", "gnutella", "login", "rtp", "supernode", "voice")]
LOGIN = OWN[4]
IDLE = 200  # seconds: the inactivity timeout by default (D1)


def dump(db, inputs=True):
    """All rows of all tables but those that facts are kept in; of the run not its options, which name files."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    tables = [name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    rows = []
    for table in tables:
        if table in ("facts", "sessions") or (table == "inputs" and not inputs):
            continue
        cursor = connection.execute(f"SELECT * FROM {table}")
        columns = [c[0] for c in cursor.description]
        keep = [i for i, name in enumerate(columns) if (table, name) != ("runs", "options")]
        # Memory: flows that are over stay in the table until two packets have come behind them (flow/flow_table.c).
        rows += [(table,) + tuple(row[i] for i in keep) for row in cursor if "peak_flows" not in row]
    connection.close()
    return rows


def same(one, other, name):
    a, b = (collections.Counter(dump(db)) if os.path.exists(db) else None for db in (one, other))
    if a is None or b is None:
        tap.ok(False, name, "there is no database")
        return
    tap.ok(a == b and sum(a.values()) > 50, name, f"{sum(a.values())} rows", *[f"- {row}" for row in list((a - b))[:8]],
           *[f"+ {row}" for row in list((b - a))[:8]])


def kept(files, *options, status=0):
    result, db = tap.read(files, "--facts", *options)
    if result.returncode != status:
        tap.note(result.stderr)
    return db


def merge(out, *args):
    return tap.run("merge", "-q", "-o", out, *args)


def says(result, status, words, name):
    lost = [word for word in words if word not in result.stderr]
    tap.ok(result.returncode == status and not lost and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", "it said:", result.stderr)


def shifted(capture, seconds, name, part=slice(None)):
    """A copy of the capture, or of a part of its packets, later by so much."""
    data = tap.content(capture)
    with open(tap.tmp(name), "wb") as f:
        f.write(data[:24])
        for record in tap.pcap_records(data)[part]:
            f.write(struct.pack("<I", struct.unpack_from("<I", record)[0] + seconds) + record[4:])
    return tap.tmp(name)


def facts_are_the_tables(capture):
    name = os.path.basename(capture)
    plain = tap.read([capture], "--flows", "all")[1]
    facts = kept([capture], "--flows", "all")
    same(plain, facts, f"{name}: --facts changes no table")
    merge(tap.tmp("one.db"), facts)
    same(plain, tap.tmp("one.db"), f"{name}: its tables made of its facts")


def three_days():
    """Of the same hosts, so that evidence adds up over them: a day apart, and named in no order."""
    days = [shifted(LOGIN, day * 86400, f"day{day}.pcap") for day in range(3)]
    whole = tap.read(days)[1]
    parts = [kept([day]) for day in days]
    result = merge(tap.tmp("all.db"), parts[2], parts[0], parts[1])
    says(result, 0, [], "three days are merged")
    same(whole, tap.tmp("all.db"), "... to what reading them together finds")
    runs = "SELECT count(*) AS n FROM inputs"
    tap.equal(tap.query(tap.tmp("all.db"), runs), [{"n": 3}], "... with the manifest of all")
    result = merge(tap.tmp("strict.db"), "--verdict-bits", "1000", "--flows", "all", *parts)
    says(result, 0, [], "options that only tables depend on, given again")
    strict = tap.read(days, "--verdict-bits", "1000", "--flows", "all")[1]
    same(strict, tap.tmp("strict.db"), "... count as if they had been given to read")
    options = tap.query(tap.tmp("strict.db"), "SELECT json_extract(options, '$.flows') AS flows, "
                                              "json_extract(options, '$.\"verdict-bits\"') AS bits FROM runs")[0]
    tap.equal(options, {"flows": "all", "bits": 1000}, "... and are in the manifest")
    return parts


def cut():
    """In the middle of a capture, so that flows go on."""
    count = len(tap.pcap_records(tap.content(LOGIN)))
    halves = [shifted(LOGIN, 0, "left.pcap", slice(0, count // 2)), shifted(LOGIN, 0, "right.pcap", slice(count // 2, None))]
    whole = tap.read([LOGIN], "--flows", "all")[1]
    parts = [kept([half], "--flows", "all") for half in halves]
    count_flows = "SELECT count(*) AS n FROM flows"
    # A flow of the whole that was cut is one in each half.
    expected = sum(tap.query(p, count_flows)[0]["n"] for p in parts) - tap.query(whole, count_flows)[0]["n"]
    result = merge(tap.tmp("cut.db"), *parts)
    says(result, 3, [f"{expected} flows went on from one input into another"], "flows that were cut are counted")
    tap.ok(expected > 0, "... and there are some", str(expected))
    run = tap.query(tap.tmp("cut.db"), "SELECT complete, problems FROM runs")
    tap.ok(run and run[0]["complete"] == 0 and f"{expected} flows" in run[0]["problems"], "... in the manifest, too", str(run))


def errors(parts):
    out = tap.tmp("none.db")
    plain = tap.read([LOGIN])[1]
    says(tap.run("merge", parts[0]), 1, ["-o ALL.db"], "no output")
    says(merge(out), 1, ["no database named"], "no database")
    says(merge(parts[0], parts[0]), 1, ["written over"], "an output that is read")
    os.link(parts[0], tap.tmp("link.db"))
    says(merge(tap.tmp("link.db"), parts[0]), 1, ["written over"], "... under another name")
    os.unlink(tap.tmp("link.db"))
    says(merge(out, parts[0], plain), 2, ["has not kept its facts", "read --facts"], "a run without facts")
    says(merge(out, parts[0], LOGIN), 2, ["login.pcap", "pcap capture"], "a capture")
    says(merge(out, parts[0], tap.tmp("missing.db")), 2, ["missing.db"], "no such file")
    says(merge(out, parts[0], parts[0]), 1, ["hold the same run"], "the same database twice")
    copy = tap.changed(parts[0], "copy.db")
    says(merge(out, parts[0], copy), 1, ["hold the same run"], "... also as a copy")
    other = kept([LOGIN], "--idle", "60s")
    says(merge(out, parts[1], other), 2, ["--idle", "200", "60"], "another timeout")
    other = kept([LOGIN], "--head", "4096")
    says(merge(out, parts[1], other), 2, ["--head", "2048", "4096"], "another option that facts depend on")
    other = kept([LOGIN], "--verdict-bits", "25")
    says(merge(out, parts[1], other), 2, ["--verdict-bits", "25", "give the option again"], "another one that tables depend on")
    says(merge(out, "--verdict-bits", "20", parts[1], other), 0, [], "... given again")
    os.unlink(out)
    byte = "UPDATE facts SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB)"
    says(merge(out, tap.changed(parts[0], "byte.db", byte)), 2, ["byte.db", "chunk 1", "damaged"], "a byte of a chunk")
    half = "UPDATE facts SET bytes = CAST(substr(bytes, 1, length(bytes) / 2) AS BLOB)"
    says(merge(out, tap.changed(parts[0], "half.db", half)), 2, ["damaged"], "half a chunk")
    format_ = "UPDATE facts SET bytes = CAST(substr(bytes, 1, 4) || x'00000000' || substr(bytes, 9) AS BLOB)"
    says(merge(out, tap.changed(parts[0], "format.db", format_)), 2, ["another version"], "facts of another version")
    tap.ok(not os.path.exists(out), "nothing is left behind", str(os.listdir(tap.tmp())))
    says(tap.run("read", "--facts", "--json", LOGIN), 1, ["--json"], "facts go with no JSON")


def contradictions(parts):
    """Facts that are whole, each by itself, and do not go together: the fault of the file, which is named."""
    out = tap.tmp("none.db")
    again = "INSERT INTO facts (run, session, worker, seq, first_ns, last_ns, records, bytes) SELECT run, session, "
    twice = tap.changed(parts[0], "twice.db", again + "worker + 1, seq, first_ns, last_ns, records, bytes FROM facts")
    says(merge(out, twice), 2, ["twice.db", "contradict each other", "UNIQUE"], "what was told twice")
    says(tap.run("verify", twice, LOGIN), 2, ["twice.db", "contradict each other"], "... verify says it, too")
    after = tap.changed(parts[0], "after.db", again + "worker, seq + 1, first_ns, last_ns, records, bytes FROM facts")
    says(merge(out, after), 2, ["after.db", "contradict each other", "does not add up"], "flows that no count knows of")
    says(merge(out, after, parts[1]), 2, ["after.db", "others", "contradict each other"], "... merged with others")
    column = tap.changed(parts[0], "column.db", "ALTER TABLE facts RENAME COLUMN bytes TO octets")
    says(merge(out, column), 2, ["column.db", "cannot read", "bytes"], "facts without a column")
    for column in ("idle_ns", "first_ns", "last_ns"):
        late = tap.changed(parts[0], "late.db", f"UPDATE runs SET {column} = 9223372036854775807")
        says(merge(out, late, parts[1]), 2, ["late.db", "impossible time"], f"{column} at its end")
    tap.ok(not os.path.exists(out), "nothing is left behind", str(os.listdir(tap.tmp())))


def rotated():
    """A run in several files, named in no order, is one run again, and keeps its facts."""
    trace = tap.tmp("bench.pcap")
    subprocess.run([sys.executable, os.path.join(tap.TOP, "bench", "maketrace.py"), trace, "--packets", "60000"],
                   stdout=subprocess.DEVNULL, check=True)
    whole = kept([trace], "--flows", "all")
    files = tap.split_facts(whole, 4)
    says(merge(tap.tmp("again.db"), *(files[n] for n in (2, 0, 3, 1))), 0, [], "four files of one run are merged")
    same(whole, tap.tmp("again.db"), "... to that run")
    # A file in whose time its worker told nothing: it has but what had been counted before.
    idle = tap.changed(files[1], "idle.db", "DELETE FROM facts WHERE id > (SELECT min(id) FROM facts)", "UPDATE facts SET seq = 0",
                   "UPDATE inputs SET frames = 0, bytes = 0, dropped = 0")
    says(merge(tap.tmp("again.db"), idle, *files), 0, [], "... and one that has nothing of it")
    same(whole, tap.tmp("again.db"), "... to that run")
    facts = "SELECT session, worker, seq, records, bytes FROM facts ORDER BY session, worker, seq"
    tap.ok(tap.query(tap.tmp("again.db"), facts) == tap.query(whole, facts), "... with its facts")
    says(merge(tap.tmp("three.db"), *files[:3]), 0, [], "three of the four")
    says(merge(tap.tmp("again.db"), files[3], tap.tmp("three.db")), 0, [], "... and then the last")
    same(whole, tap.tmp("again.db"), "... are that run, too")
    says(merge(tap.tmp("none2.db"), tap.tmp("three.db"), files[1]), 1, ["hold the same run"], "a part that is in both")
    says(merge(tap.tmp("hole.db"), files[0], files[3]), 3, ["facts are missing between"], "a part that is missing")
    lost = tap.changed(whole, "lost.db", "DELETE FROM facts WHERE seq = 2")
    says(merge(tap.tmp("lost2.db"), lost), 3, ["facts are missing between"], "a chunk that was lost")
    frames = "SELECT sum(packets) AS n FROM runs"
    parts = [tap.tmp(f"one{n}.db") for n in range(4)]
    for n, part in enumerate(parts):
        merge(part, files[n])
    count = [tap.query(part, frames)[0]["n"] for part in parts]
    tap.ok(0 < tap.query(tap.tmp("hole.db"), frames)[0]["n"] <= count[0] + count[3], "... is not counted", str(count))
    other = kept([LOGIN], "--flows", "all")
    says(merge(tap.tmp("two.db"), other, *files), 0, [], "with a run of another origin")
    tap.equal(tap.query(tap.tmp("two.db"), "SELECT count(*) AS n FROM facts"), [{"n": 0}], "... no facts are kept")
    merge(tap.tmp("two2.db"), *files[::-1], other)
    same(tap.tmp("two.db"), tap.tmp("two2.db"), "... in any order")
    result = tap.run("verify", tap.tmp("two.db"), trace)
    says(result, 2, ["facts were not kept"], "... and verify says so")
    byte = "UPDATE facts SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE id = (SELECT max(id) FROM facts)"
    before = tap.content(tap.tmp("again.db"))
    says(merge(tap.tmp("again.db"), tap.changed(files[3], "last.db", byte), *files[:3]), 2, ["damaged"], "a last chunk that is damaged")
    tap.ok(tap.content(tap.tmp("again.db")) == before, "... the older output stays")


def link_types():
    """What an input's frames are, as read from its database again: one type, several, one without a name, no frame."""
    def block(kind, body):
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    def packet(interface, second):
        frame = tap.udp_frame()
        frame += bytes(-len(frame) % 4)
        ticks = second * 10**6
        return block(6, struct.pack("<IIIII", interface, ticks >> 32, ticks & 0xffffffff, len(frame), len(frame)) + frame)

    section = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    ethernet, cooked, nameless = (block(1, struct.pack("<HHI", kind, 0, 0)) for kind in (1, 113, 9999))
    expected = {}
    for n, (kind, body) in enumerate((("EN10MB", ethernet + cooked + packet(0, 1) + packet(0, 2)),
                                      ("several", ethernet + cooked + packet(0, 1001) + packet(1, 1002)),
                                      ("9999", nameless + packet(0, 3)), ("", ethernet))):
        path = tap.tmp(f"link{n}.pcapng")
        tap.write(path, section + body)
        expected[path] = kind
    links = "SELECT path, link_type FROM inputs"
    first, several, nameless, empty = expected
    parts = [kept(files) for files in ([first, nameless], [several], [empty])]  # of frames that nobody can read alone is no run
    tap.equal({row["path"]: row["link_type"] for part in parts for row in tap.query(part, links)}, expected,
              "link types of the inputs")
    says(merge(tap.tmp("links.db"), *parts), 3, ["link type that footsteps cannot read"], "they are merged")
    tap.equal({row["path"]: row["link_type"] for row in tap.query(tap.tmp("links.db"), links)}, expected, "... and stay")
    shown = tap.run("show", tap.tmp("links.db")).stdout
    said = " ".join(shown.split())
    tap.ok("link1.pcapng (pcapng, several link types, 2 frames" in said and "link3.pcapng (pcapng, no link type, 0 frames" in said,
           "show says that there are several, or none", shown)


def far_apart(files):
    """Of captures, as many as have more than the timeout between each other."""
    spans = []
    for path in files:
        result, db = tap.read([path], "--no-ndpi", "--no-hash")
        run = tap.query(db, "SELECT first_ns, last_ns FROM runs WHERE first_ns > 0")
        if result.returncode == 0 and run:
            spans.append((run[0]["first_ns"], run[0]["last_ns"], path))
    chosen, end = [], 0
    for first, last, path in sorted(spans):
        if first > end + (IDLE + 1) * 10**9:
            chosen.append(path)
            end = last
    return chosen


def recorded():
    top = tap.traces("other-protocols")
    if not top:
        tap.missing("recorded captures, merged")
        return
    files = far_apart(sorted(os.path.join(top, name) for name in os.listdir(top) if name.endswith(("pcap", "pcapng"))))
    whole = tap.read(files, "--flows", "all")[1]
    parts = [kept([path], "--flows", "all") for path in files]
    says(merge(tap.tmp("recorded.db"), *parts), 0, [], f"{len(files)} recorded captures are merged")
    tap.ok(len(files) >= 20, "... which are enough", str(len(files)))
    same(whole, tap.tmp("recorded.db"), "... to what reading them together finds")


for capture in OWN:
    facts_are_the_tables(capture)
days = three_days()
cut()
errors(days)
contradictions(days)
rotated()
link_types()
recorded()
tap.done()
