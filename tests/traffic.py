#!/usr/bin/env python3
"""The views and reports R1, R2, R3, R7, R12, R13 and N3 over a database made by hand, in which the right answers can be
worked out: two protocols and two runs, so that nothing may leak from one into another. R4, R5, R8: unit/test_views.c."""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

S = 10**9
DAY = 1156464000  # 2006-08-25T00:00:00Z

# client, protocol, verdict, internal, lifetime in s (None: no flow), payload out, in, media out, in, tcp out, in, first and last second of tcp
CLIENTS = (
    (1, "p", "p", 1, 1000, 10000, 5000, 0, 0, 0, 0, None),          # 80 bit/s; all signalling
    (2, "p", "p", 1, 100, 25000, 0, 50000, 25000, 15000, 10000, (-20, 60)),  # 40 kB in 120 s; 50 of 125 kB
    (3, "p", "p", 1, 800, 0, 30, 570, 400, 10, 10, (0, 800)),           # 10 bytes in 800 s; 50 of 1020 bytes are 4.9 %
    (4, "p", "p", 1, 0, 30, 0, 0, 0, 0, 0, None),                   # one packet: no rate
    (5, "p", "p", 0, 10, 1000, 1000, 0, 0, 0, 0, None),             # external: in R3 alone
    (6, "p", "p?", 1, 10, 99, 99, 0, 0, 0, 0, None),                # suspected: nowhere
    (7, "q", "q", 1, 10, 100, 0, 0, 0, 0, 0, None),                 # of another protocol
)
# client, peer, client first, flows, probes, dialogs, packets, bytes
PAIRS = (
    (1, 1, 1, 1, 1, 0, 1, 20),       # probe
    (1, 2, 1, 1, 1, 0, 2, 40),       # probe
    (1, 3, 0, 1, 1, 0, 2, 40),       # probe, by the peer
    (1, 4, 1, 3, 3, 0, 5, 100),      # heartbeat
    (2, 1, 1, 1, 1, 0, 1, 20),       # probe: the second client that contacts peer 1
    (2, 4, 0, 2, 0, 2, 50, 900),     # dialog, by the peer
    (2, 5, 0, 4, 1, 3, 39, 880),     # mix, by the peer
    (2, 3, 1, 0, 0, 0, 0, 0),        # media only
    (3, 6, 0, 1, 1, 0, 1, 30),       # peer 6 is internal: no contact across the link
    (5, 1, 1, 1, 1, 0, 1, 7),        # of the external client
    (6, 5, 1, 9, 9, 0, 9, 9),        # of the suspected one
    (6, 10, 1, 1, 1, 0, 1, 9),       # ... whose peer nobody else has met
    (2, 8, 1, 0, 0, 0, 0, 970),      # a call between clients 2 and 3, which both have: peer 8 is client 3,
    (3, 9, 0, 0, 0, 0, 0, 970),      # and peer 9 is client 2
    (7, 7, 1, 1, 1, 0, 1, 20),
)


def database():
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    for name in ("schema.sql", "views.sql"):
        with open(os.path.join(tap.TOP, "src", "store", name), encoding="utf-8") as f:
            db.executescript(f.read())

    def insert(table, **values):
        """A row with 0 and '' wherever nothing is said."""
        columns = [(row["name"], row["type"]) for row in db.execute(f"PRAGMA table_info({table})")]
        row = [values.get(name, "" if kind == "TEXT" else 0) for name, kind in columns]
        db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)

    for run in (1, 2):  # run 2 has the same, and must not be counted
        insert("runs", run=run)
        for number, protocol, verdict, internal, seconds, out, back, media_out, media_in, tcp_out, tcp_in, tcp in CLIENTS:
            insert("clients", run=run, client=number, protocol=protocol, verdict=verdict, ip=f"10.0.0.{number}", port=1,
                   internal=internal, first_ns=DAY * S, last_ns=(DAY + seconds) * S, payload_out=out, payload_in=back,
                   media_out=media_out, media_in=media_in, tcp_out=tcp_out, tcp_in=tcp_in,
                   tcp_first_ns=(DAY + tcp[0]) * S if tcp else None, tcp_last_ns=(DAY + tcp[1]) * S if tcp else None,
                   peers=sum(1 for pair in PAIRS if pair[0] == number))
        own = {8: "10.0.0.3", 9: "10.0.0.2"}
        for peer in range(1, 11):
            insert("peers", run=run, peer=peer, protocol="q" if peer == 7 else "p", internal=int(peer == 6 or peer in own),
                   ip=own.get(peer, f"198.51.100.{1 if peer == 2 else peer}"),  # 1 and 2 are of one address
                   port=int(peer in own))
        for client, peer, first, flows, probes, dialogs, packets, payload in PAIRS:
            insert("pairs", run=run, client=client, peer=peer, client_first=first, flows=flows, probes=probes,
                   dialogs=dialogs, packets_out=packets - packets // 2, packets_in=packets // 2,
                   payload_out=payload if flows else 0, media_flows=int(not flows), media_payload=0 if flows else payload)
        # C(p, i): 0, 2, 2, 2, 2, 4, 4, 4, 4, 80
        for cls, value, count in (("internal", 0, 1), ("internal", 2, 4), ("internal", 4, 4), ("internal", 80, 1),
                                  ("external", 7, 100)):
            insert("distributions", run=run, protocol="p", measure="contacts", **{"class": cls}, value=value, count=count)
        for period, start, flows, packets, payload, active, new, logins, calls in (
                ("hour", 0, 10, 70, 1500, 3, 3, 1, 0), ("hour", 7200, 5, 32, 500, 2, 1, 1, 2), ("day", 0, 15, 102, 2000, 4, 4, 2, 2)):
            insert("series", run=run, protocol="p", period=period, start_ns=(DAY + start) * S, flows=flows, packets=packets,
                   payload=payload, active_clients=active, new_clients=new, logins=logins, calls=calls)
        for flow, protocol, role in ((1, "p", "login"), (2, "p", "login"), (3, "q", "login"), (4, "p", "contact-list")):
            insert("exchanges", run=run, flow=flow, protocol=protocol, role=role)
        insert("version_checks", run=run, packet=1, protocol="q")
        insert("calls", run=run, call=1, protocol="p")
        insert("calls", run=run, call=2, protocol="q")
    return db


def report(db, name):
    """The rows of reports/NAME.sql and its sentence."""
    with open(os.path.join(tap.TOP, "reports", f"{name}.sql"), encoding="utf-8") as f:
        text = f.read()
    statements, start = [], 0
    for end in (at + 1 for at, c in enumerate(text) if c == ";"):
        if sqlite3.complete_statement(text[start:end]):
            statements.append(text[start:end])
            start = end
    results = [db.execute(s, {"run": 1, "protocol": "p"}).fetchall() for s in statements]
    return [tuple(row) for row in results[0]], results[1][0][0] if len(results) > 1 and results[1] else None


def view(db, name, *columns):
    return [tuple(row[c] for c in columns) for row in
            db.execute(f"SELECT * FROM {name} WHERE run = 1 AND protocol = 'p' ORDER BY {', '.join(columns)}")]


def near(got, expected):
    return len(got) == len(expected) and all(
        abs(a - b) < 1e-9 if isinstance(b, float) else a == b for x, y in zip(got, expected) for a, b in zip(x, y))


def traffic(db):
    third = 100 / 3
    rows, says = report(db, "R1")
    tap.ok(near(rows, [(0.1, 0.0, None, None), (0.1, third, 3, 800.0), (80.0, 2 * third, 1, 1000.0),
                     (320000 / 120, 100.0, 2, 120.0)]),
           "R1: from the foot of the curve", rows)
    tap.equal(says, "Internal clients: 3. Median 80 bit/s, most 2667 bit/s; 66.7 % of them send less than 100 bit/s (paper: 95 %),"
                    " 33.3 % more than 1 kbit/s (paper: very few). Over TCP goes 30.0 % of what they send. Left out, as no time passed between their first and last packet:"
                    " 1.", "R1: what it says")
    rows, says = report(db, "R2")
    tap.equal(rows, [(0, 0, 0.0), (0, 1, 10.0), (2, 4, 50.0), (4, 4, 90.0), (80, 1, 100.0)], "R2: internal clients alone")
    # (0 + 8 + 16 + 80) / 10
    tap.equal(says, "10.4 peers on average (paper: 16) over the intervals (10), at most 4 in 90 % of them (paper: 30) and at most 80"
                    " in 99 % (paper: 75); 10.0 % of the intervals are without a packet.", "R2: what it says")
    tap.ok(near(view(db, "R3", "client", "signalling", "media", "share_percent", "upto_percent"), [
        (1, 15000, 0, 100.0, 100.0), (2, 50000, 75000, 40.0, 40.0), (3, 50, 970, 5000 / 1020, 20.0), (4, 30, 0, 100.0, 100.0),
        (5, 2000, 0, 100.0, 100.0)]), "R3: all recognised clients")
    # 67080 of 143050 bytes
    tap.equal(report(db, "R3")[1], "Signalling is more than 99 % of the traffic of 60.0 % of the clients (paper: 80 %; clients: 5),"
              " and at most 5 % of that of 20.0 % (paper: about 5 %); of all their bytes it is 46.9 %.", "R3: what it says")


def classes(db):
    # Peers: 5 probes, 1 heartbeat, 1 dialog, 1 mix. Flows: 5, 3, 2, 4. Packets: 7, 5, 50, 39. Bytes: 150, 100, 900, 880.
    rows, says = report(db, "R7")
    tap.equal([row[:1] + row[1::2][:4] + row[9:10] for row in rows],
              [("peers", 62.5, 12.5, 12.5, 12.5, 8), ("flows", 35.7, 21.4, 14.3, 28.6, 14), ("packets", 6.9, 5.0, 49.5, 38.6, 101),
               ("payload bytes", 7.4, 4.9, 44.3, 43.3, 2030)], "R7: table I")
    tap.equal(rows[0][2::2], (51.2, 15.8, 25.1, 8.0, 390126), "R7: the paper's beside it")
    tap.equal(says, "62.5 % of the peers are probed once and never met again (paper: 51.2 %), in 35.7 % of the flows (8.0 %) and"
                    " 6.9 % of the packets (1.0 %); dialogs and mixes carry 88.1 % of the packets (95.9 %).", "R7: what it says")
    # Contacted with a probe: peer 1 by two, peer 2 by one; client 1 by one. Otherwise: peer 4 by client 1; client 2 by two.
    tap.equal(view(db, "R12", "side", "class", "popularity", "peers", "upto_percent"),
              [("external", "non-probe", 1, 1, 100.0), ("external", "probe", 1, 1, 50.0), ("external", "probe", 2, 1, 100.0),
               ("internal", "non-probe", 2, 1, 100.0), ("internal", "probe", 1, 1, 100.0)], "R12: four curves")
    rows, says = report(db, "R12")
    tap.equal(rows[2:5], [("external", "probe", 1, 0, 0.0), ("external", "probe", 1, 1, 50.0), ("external", "probe", 2, 1, 100.0)],
              "R12: each curve with its foot")
    tap.ok("Internal clients contacted with a probe: 1, 100.0 % of them by a single peer (paper: about 65 %), none by more than 1." in says,
           "R12: what it says", says)


def headline(db):
    here = dict(row[:2] for row in report(db, "R13")[0])
    tap.equal(here, {"internal clients, recognised": 4, "internal clients, suspected": 1, "external peers": 5,
                     "external addresses": 4, "pairs of client and peer": 12, "UDP signalling flows": 15,
                     "UDP signalling packets": 102, "UDP signalling payload bytes": 2000, "TCP signalling payload bytes": 25020,
                     # 50000 + 25000 of client 2, 570 + 400 of client 3, which are in those of client 2
                     "voice and video payload bytes": 75000, "logins": 2, "contact-list exchanges": 1, "version checks": 0,
                     "voice and video calls": 1}, "R13: headline counts")
    # 4 + 5 + 2 + 1 pairs of clients 1, 2, 3 and 5, with peers 1 to 6, 8 and 9; 3 + 1 + 1 + 1 of them are probes.
    tap.equal(report(db, "summary")[0][1], ("They know 8 peer sockets; of 12 pairs of client and peer, 50.0 % are nothing but a"
                                            " one-time probe.",), "summary: of recognised clients alone")


def series(db):
    rows, says = report(db, "N3")
    tap.equal([(row[0] - DAY, *row[1:]) for row in rows],
              [(0, 3600, 70, 1500, 10, 3, 3, 1, 0, "hour", "2006-08-25T00:00Z"),
               (3600, 3600, 0, 0, 0, 0, 0, 0, 0, "hour", "2006-08-25T01:00Z"),
               (7200, 3600, 32, 500, 5, 2, 1, 1, 2, "hour", "2006-08-25T02:00Z")], "N3: every hour, also one without anything")
    tap.equal(says, "The busiest hour begins at 2006-08-25T00:00Z: packets 70, kB of signalling 1.5, active clients 3. In all hours"
                    " together: new clients 4, logins 2, calls 2.", "N3: what it says")
    tap.equal(report(db, "N3-days"), ([("2006-08-25", 15, 102, 2000, 4, 4, 2, 2)],
              "Days with signalling: 1; packets a day on average: 102."), "N3: day by day")


def login_answers(db):
    """Message 4 of 2006 (wire B3); in the form of 2015 the hellos come twice (wire C4), and the fourth is not the answer."""
    for flow, outcome, messages in ((11, "success", "> < > a"), (12, "success", "> < > < > > a <"), (13, "unknown", "> < > > a"),
                                    (14, "no-answer", "> < >")):
        db.execute("INSERT INTO exchanges SELECT 1, ?, 'p', 'login', form, ?, client_ip, client_port, server_ip, server_port,"
                   " first_ns, last_ns, messages, client FROM exchanges WHERE run = 1 AND flow = 1", (flow, outcome))
        db.executemany("INSERT INTO exchange_messages VALUES (1, ?, ?, ?, 1, ?, 5, ?)",
                       [(flow, n, n * S, "out" if way == ">" else "in", "answer" if way == "a" else "")
                        for n, way in enumerate(messages.split(), 1)])
    rows = db.execute("SELECT flow, answer_s FROM B4 WHERE run = 1 AND flow > 10 ORDER BY flow").fetchall()
    # From 1 s to 4 s; to 7 s, as the fourth is a hello; to 5 s, whatever it says; to nothing.
    tap.equal([tuple(row) for row in rows], [(11, 3.0), (12, 6.0), (13, 4.0), (14, None)], "B4: time to the answer")


def nothing():
    """A database without clients: no rows, no sentence, no error."""
    db = sqlite3.connect(":memory:")
    for name in ("schema.sql", "views.sql"):
        with open(os.path.join(tap.TOP, "src", "store", name), encoding="utf-8") as f:
            db.executescript(f.read())
    for name in ("R1", "R2", "R3", "R4", "R5", "R7", "R8", "R12", "R13", "N3", "N3-days"):
        tap.equal(report(db, name)[0], [], f"{name}: of nothing")


def main():
    if sqlite3.sqlite_version_info < (3, 35):  # AS MATERIALIZED
        tap.skip_all(f"python3 has SQLite {sqlite3.sqlite_version}")
    db = database()
    traffic(db)
    classes(db)
    headline(db)
    series(db)
    login_answers(db)
    nothing()
    tap.done()


main()
