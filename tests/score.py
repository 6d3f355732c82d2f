#!/usr/bin/env python3
"""`footsteps score`: a monitor's database and a truth file made by hand, which agree; then each kind of difference planted
once, with the scores that it must give worked out beside it. No capture and no generator is needed."""
import json
import os
import shutil
import sqlite3

import tap

S = 10**9
T0 = 1175500800 * S
SHA = "ab" * 32


def schema(*files):
    text = ""
    for name in files:
        with open(os.path.join(tap.TOP, *name.split("/")), encoding="utf-8") as f:
            text += f.read()
    return text


MONITOR_SCHEMA = schema("src/store/schema.sql", "src/store/views.sql")
TRUTH_SCHEMA = schema("src/peer/truth.sql")


class File:
    """A database, rows put in by name: what must not be NULL and is not given is 0 or ''."""

    def __init__(self, name, text, application, version):
        self.path = tap.tmp(name)
        self.db = sqlite3.connect(self.path)
        self.db.executescript(text)
        self.db.execute(f"PRAGMA application_id = {application}")
        self.db.execute(f"PRAGMA user_version = {version}")

    def put(self, table, /, **row):
        row.setdefault("run", 1)
        for _, name, kind, required, default, key in self.db.execute(f"PRAGMA table_info({table})"):
            if (required or key) and default is None:
                row.setdefault(name, "" if kind == "TEXT" else 0)
        self.db.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({','.join('?' * len(row))})", tuple(row.values()))

    def close(self):
        self.db.commit()
        self.db.close()
        return self.path


def sockets(client, server):
    return {"client_ip": client[0], "client_port": client[1], "server_ip": server[0], "server_port": server[1]}


ALICE, BOB = ("10.0.0.2", 1000), ("10.0.0.3", 2000)
NODES = [("198.51.100.%d" % i, 7000) for i in range(1, 6)]
LOGIN, WEB, RELAY = ("203.0.113.1", 33033), ("203.0.113.2", 80), ("203.0.113.3", 9000)


def both(table, /, **row):
    """A row that is the same on both sides, as far as each has its columns."""
    for side in (monitor, truth):
        known = {column[1] for column in side.db.execute(f"PRAGMA table_info({table})")}
        side.put(table, **{column: value for column, value in row.items() if column in known})


def flow(number, proto, client, server, at, label, role, packets=(1, 1), payload=(18, 26), who=None):
    both("flows", flow=number, proto=proto, **sockets(client, server), first_ns=T0 + int(at * S), last_ns=T0 + int(at * S),
         packets_out=packets[0], packets_in=packets[1], payload_out=payload[0], payload_in=payload[1],
         payload_wire=sum(payload), label=label, protocol="skype", role=role, client=who)


def make():
    """Two clients; alice logs in, searches and calls bob over a relay with a hold; four pairs, one of each class."""
    truth.put("runs", scenario="tiny", title="Everything once", capture="tiny.pcap", sha256=SHA, idle_ns=200 * S, packets=999,
              version="footsteps-peer 0", first_ns=T0, last_ns=T0 + 900 * S)
    monitor.put("runs", version="0", options='{"local-net":[]}', idle_ns=200 * S, packets=999, complete=1, first_ns=T0,
                last_ns=T0 + 900 * S)
    monitor.put("inputs", n=1, path="tiny.pcap", sha256=SHA)
    for number, (socket, setup) in enumerate(((ALICE, "port-restricted nat"), (BOB, "public")), 1):
        both("clients", client=number, name="x", protocol="skype", verdict="skype", ip=socket[0], port=socket[1], internal=1,
             public_ip="192.0.2.1", behind_nat=1, version="1.2.0.18", role="client", first_ns=T0 + number * S, last_ns=T0,
             bits=30, first_packet=number)
        both("setups", client=number, setup=setup, hidden=None, reasons="")
    # Pairs of alice: probe, heartbeat, dialog, mix. Their flows begin at 1, 2, 300 ... s.
    classes = ((1, 0), (2, 0), (0, 1), (1, 1))
    number = 10
    for peer, (probes, dialogs) in enumerate(classes, 1):
        both("peers", peer=peer, protocol="skype", ip=NODES[peer - 1][0], port=NODES[peer - 1][1])
        name = "mix" if probes and dialogs else "dialog" if dialogs else "heartbeat" if probes > 1 else "probe"
        both("pairs", client=1, peer=peer, client_first=1, flows=probes + dialogs, probes=probes, dialogs=dialogs,
             packets_out=probes + 3 * dialogs, packets_in=probes + 2 * dialogs, first_ns=T0 + peer * S)
        truth.db.execute("UPDATE pairs SET class = ? WHERE peer = ?", (name, peer))
        for n in range(probes + dialogs):
            flow(number, "udp", ALICE, NODES[peer - 1], peer + 300 * n, "skype-udp", "signalling",
                 (1, 1) if n < probes else (3, 2), who=1)
            number += 1
    exchange = {"protocol": "skype", "form": "2006", "client": 1}
    flow(20, "tcp", (ALICE[0], 5001), LOGIN, 20, "skype-login", "login", (5, 4), (300, 400), 1)
    both("exchanges", flow=20, role="login", outcome="success", first_ns=T0 + 20 * S, **sockets((ALICE[0], 5001), LOGIN),
         **exchange)
    flow(21, "tcp", (ALICE[0], 5002), LOGIN, 21, "skype-contact-list", "contact_list", (5, 4), (300, 400), 1)
    both("exchanges", flow=21, role="contact-list", outcome="success", first_ns=T0 + 21 * S,
         **sockets((ALICE[0], 5002), LOGIN), **exchange)
    flow(22, "tcp", (ALICE[0], 5003), WEB, 22, "skype-http", "version_check", (5, 4), (300, 400), 1)
    both("version_checks", flow=22, packet=25, ts_ns=T0 + 22 * S, protocol="skype", action="installed", version="1.2.0.18",
         platform="2", client=1, **sockets((ALICE[0], 5003), WEB))
    both("startups", startup=1, protocol="skype", client=1, began_ns=T0 + S, outcome="success")
    both("searches", search=1, protocol="skype", client=1, first_ns=T0 + 100 * S, last_ns=T0 + 104 * S, nodes=4, answered=3,
         waves=1)
    call = {"protocol": "skype", "near_ip": ALICE[0], "near_port": ALICE[1], "near_began": 1, "transport": "udp", "client": 1}
    for number, (far, route) in enumerate(((NODES[4], "direct"), (RELAY, "relayed")), 1):
        both("calls", call=number, far_ip=far[0], far_port=far[1], route=route, conference=1, first_ns=T0 + 200 * S,
             last_ns=T0 + 260 * S, codec="iSAC", **call)
    both("holds", call=1, n=1, first_ns=T0 + 210 * S, last_ns=T0 + 220 * S)
    # It begins before the call, as where signalling goes the same way.
    flow(30, "udp", ALICE, NODES[4], 199, "skype-udp", "media", (500, 500), (9000, 9000), 1)
    for side in monitor, truth:
        side.db.execute("UPDATE flows SET last_ns = ? WHERE flow = 30", (T0 + 260 * S,))
    # What the truth alone has: nothing tells of it, and it is not asked for.
    truth.put("clients", client=3, name="idle", protocol="skype", ip="10.0.0.9", port=1)
    truth.put("searches", search=2, client=2, first_ns=T0 + 400 * S, last_ns=T0 + 401 * S, nodes=0)
    truth.put("flows", flow=40, proto="tcp", **sockets((ALICE[0], 5004), NODES[0]), first_ns=T0 + 40 * S, packets_out=3,
              label="skype-tcp", protocol="skype", role="node")
    truth.put("flows", flow=41, proto="udp", **sockets((ALICE[0], 5005), ("10.0.0.1", 53)), first_ns=T0 + 41 * S,
              packets_out=1, packets_in=1, payload_out=30, payload_in=46, label="other")


def changed(path, *statements):
    return tap.changed(path, "changed.db", *statements)


def score(*args):
    """(exit status, scores by part and attribute, differences, confusion, every row)"""
    result = tap.run("score", "--json", "--strict", *args)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    scores = {(row["part"], row["attribute"]): (row["truth"], row["found"], row["missed"], row["wrong"])
              for row in rows if row["row"] == "score"}
    differences = [row for row in rows if row["row"] == "difference"]
    confusion = {(row["part"], row["truth"], row["monitor"]): row["count"] for row in rows if row["row"] == "confusion"}
    return result, scores, differences, confusion, rows


AGREED = {
    ("clients", None): (2, 2, 0, 0), ("clients", "network set-up"): (2, 2, 0, 0), ("clients", "version"): (2, 2, 0, 0),
    ("clients", "public address"): (2, 2, 0, 0), ("logins", None): (1, 1, 0, 0), ("logins", "outcome"): (1, 1, 0, 0),
    ("logins", "form"): (1, 1, 0, 0), ("contact lists", None): (1, 1, 0, 0), ("contact lists", "outcome"): (1, 1, 0, 0),
    ("contact lists", "form"): (1, 1, 0, 0), ("version checks", None): (1, 1, 0, 0),
    ("version checks", "action"): (1, 1, 0, 0), ("version checks", "version"): (1, 1, 0, 0),
    ("version checks", "platform"): (1, 1, 0, 0), ("start-ups", None): (1, 1, 0, 0), ("start-ups", "outcome"): (1, 1, 0, 0),
    ("calls", None): (2, 2, 0, 0), ("calls", "transport"): (2, 2, 0, 0),
    ("calls", "who began"): (1, 1, 0, 0),  # of the direct one
    ("calls", "path"): (2, 2, 0, 0), ("calls", "start"): (2, 2, 0, 0), ("calls", "end"): (2, 2, 0, 0),
    ("calls", "conference"): (2, 2, 0, 0), ("holds", None): (1, 1, 0, 0), ("searches", None): (1, 1, 0, 0),
    ("searches", "nodes"): (1, 1, 0, 0), ("searches", "answered"): (1, 1, 0, 0), ("searches", "waves"): (1, 1, 0, 0),
    ("pairs", None): (4, 4, 0, 0), ("pairs", "class"): (4, 4, 0, 0), ("pairs", "flows"): (4, 4, 0, 0),
    ("pairs", "packets"): (4, 4, 0, 0),
    # 1 + 2 + 1 + 2 of the pairs, three over TCP, one of the call; not the connection without payload.
    ("flows", None): (10, 10, 0, 0), ("flows", "label"): (10, 10, 0, 0), ("flows", "role"): (10, 10, 0, 0),
    ("flows", "initiator"): (10, 10, 0, 0), ("flows", "packets"): (10, 10, 0, 0), ("flows", "payload"): (10, 10, 0, 0),
    ("Table I", None): (12, 12, 0, 0),
}

# (what is planted in the monitor, scores that change, differences as (part, kind, truth, monitor, packet))
PLANTED = {
    "a missed client: what hangs on it is missed too": (
        # Alice is suspected: her pairs do not count in the monitor, and Table I is empty there.
        ["UPDATE clients SET verdict = 'skype?', bits = 12.34 WHERE client = 1"],
        {("clients", None): (2, 1, 1, 0), ("clients", "network set-up"): (1, 1, 0, 0), ("clients", "version"): (1, 1, 0, 0),
         ("clients", "public address"): (1, 1, 0, 0), ("pairs", None): (4, 0, 4, 0), ("pairs", "class"): (0, 0, 0, 0),
         ("pairs", "flows"): (0, 0, 0, 0), ("pairs", "packets"): (0, 0, 0, 0), ("Table I", None): (12, 0, 12, 12)},
        # Her first flow is 10; each pair's first one is 10, 11, 13, 14.
        [("clients", "missed", "port-restricted nat", "suspected, 12.3 bits", 10)]
        + [("pairs", "missed", *row) for row in (("probe", None, 10), ("heartbeat", None, 11), ("dialog", None, 13),
                                                 ("mix", None, 14))]
        + [("Table I", level, str(count), "0", None) for count, level in
           # probe: 1 pair, 1 flow, 2 packets; heartbeat 1, 2, 4; dialog 1, 1, 5; mix 1, 2, 7
           ((1, "pairs"), (1, "flows"), (2, "packets"), (1, "pairs"), (2, "flows"), (4, "packets"), (1, "pairs"),
            (1, "flows"), (5, "packets"), (1, "pairs"), (2, "flows"), (7, "packets"))]),
    "a client that is none": (
        ["INSERT INTO clients SELECT 1, 9, protocol, verdict, '10.0.0.77', port, internal, public_ip, behind_nat, version,"
         " bits, 77, first_ns, last_ns, peers, flows, packets_out, packets_in, payload_out, payload_in, media_out, media_in,"
         " tcp_out, tcp_in, tcp_first_ns, tcp_last_ns, callers, callers_answered, role FROM clients WHERE client = 1"],
        {("clients", None): (2, 2, 0, 1)}, [("clients", "wrong", None, "unknown", 77)]),
    "a network set-up": (
        ["UPDATE setups SET setup = 'nat' WHERE client = 1"], {("clients", "network set-up"): (2, 1, 1, 1)},
        [("clients", "network set-up", "port-restricted nat", "nat", 10)]),
    "a public address": (
        ["UPDATE clients SET public_ip = '192.0.2.2' WHERE client = 2"], {("clients", "public address"): (2, 1, 1, 1)},
        [("clients", "public address", "192.0.2.1", "192.0.2.2", None)]),
    "what the monitor leaves open is not compared": (
        ["UPDATE clients SET public_ip = NULL, version = NULL", "UPDATE calls SET route = NULL",
         "UPDATE flows SET role = NULL WHERE flow = 10"],
        {("clients", "public address"): (0, 0, 0, 0), ("clients", "version"): (0, 0, 0, 0), ("calls", "path"): (0, 0, 0, 0),
         ("flows", "role"): (9, 9, 0, 0)}, []),
    "a login's outcome and form": (
        ["UPDATE exchanges SET outcome = 'failure', form = '2015' WHERE flow = 20"],
        {("logins", "outcome"): (1, 0, 1, 1), ("logins", "form"): (1, 0, 1, 1)},
        [("logins", "outcome", "success", "failure", 20), ("logins", "form", "2006", "2015", 20)]),
    "a login at another time is another one": (
        ["UPDATE exchanges SET first_ns = first_ns + 60000000001 WHERE flow = 20"], {("logins", None): (1, 0, 1, 1),
         ("logins", "outcome"): (0, 0, 0, 0), ("logins", "form"): (0, 0, 0, 0)},
        [("logins", "missed", "success", None, 20), ("logins", "wrong", None, "success", 20)]),
    "a relayed login is none of the truth": (
        ["INSERT INTO exchanges SELECT 1, 99, protocol, role, 'relayed 2006', outcome, client_ip, 1, server_ip, 2, first_ns,"
         " last_ns, 0, client FROM exchanges WHERE flow = 20"], {}, []),
    "a contact list that is missed": (
        ["DELETE FROM exchanges WHERE flow = 21"],
        {("contact lists", None): (1, 0, 1, 0), ("contact lists", "outcome"): (0, 0, 0, 0),
         ("contact lists", "form"): (0, 0, 0, 0)}, [("contact lists", "missed", "success", None, 21)]),
    "a version check": (
        ["UPDATE version_checks SET action = 'getlatestversion', version = '1.3', platform = '0'"],
        {("version checks", name): (1, 0, 1, 1) for name in ("action", "version", "platform")},
        [("version checks", "action", "installed", "getlatestversion", 22),
         ("version checks", "version", "1.2.0.18", "1.3", 22), ("version checks", "platform", "2", "0", 22)]),
    "a start-up's outcome": (
        ["UPDATE startups SET outcome = 'none', began_ns = began_ns + 5000000000"], {("start-ups", "outcome"): (1, 0, 1, 1)},
        [("start-ups", "outcome", "success", "none", 10)]),
    "a start-up too late": (
        ["UPDATE startups SET began_ns = began_ns + 5000000001"],
        {("start-ups", None): (1, 0, 1, 1), ("start-ups", "outcome"): (0, 0, 0, 0)},
        # The first flow that alice has behind 6.000000001 s is the login's, at 20 s.
        [("start-ups", "missed", "success", None, 10), ("start-ups", "wrong", None, "success", 20)]),
    "a call's ends, way, path and times": (
        ["UPDATE calls SET near_began = 0, transport = 'tcp', route = 'relayed', first_ns = first_ns + 1000000001,"
         " last_ns = last_ns - 1000000000 WHERE call = 1"],
        {("calls", name): count for name, count in (("transport", (2, 1, 1, 1)), ("who began", (1, 0, 1, 1)),
                                                    ("path", (2, 1, 1, 1)), ("start", (2, 1, 1, 1)))},
        [("calls", "transport", "udp", "tcp", 30), ("calls", "who began", "10.0.0.2", "198.51.100.5", 30),
         ("calls", "path", "direct", "relayed", 30), ("calls", "start", "200.000 s", "201.000 s", 30)]),
    "a call turned round is the same": (
        ["UPDATE calls SET near_ip = far_ip, near_port = far_port, far_ip = near_ip, far_port = near_port, near_began = 0"
         " WHERE call = 1"], {}, []),
    "a call with another port, and its hold": (
        ["UPDATE calls SET far_port = 1 WHERE call = 1"],
        {("calls", None): (2, 1, 1, 1), ("holds", None): (1, 0, 1, 1), ("calls", "who began"): (0, 0, 0, 0),
         **{("calls", name): (1, 1, 0, 0) for name in ("transport", "path", "start", "end", "conference")}},
        [("calls", "missed", "udp", None, 30), ("calls", "wrong", None, "udp", 12), ("holds", "missed", "yes", None, 30),
         # No flow of the monitor goes to that port: the first one of alice that begins behind 200 and 210 s.
         ("holds", "wrong", None, "yes", 12)]),
    "a conference torn apart": (
        ["UPDATE calls SET conference = 2 WHERE call = 2"], {("calls", "conference"): (2, 0, 2, 2)},
        # The relay's call has no flow here.
        [("calls", "conference", "yes", "yes, with others", packet) for packet in (12, 30)]),
    "a conference not seen": (
        ["UPDATE calls SET conference = NULL WHERE call = 2"], {("calls", "conference"): (2, 1, 1, 1)},
        [("calls", "conference", "yes", "no", 12)]),
    "a hold that is 2 s off is found": (["UPDATE holds SET last_ns = last_ns + 2000000000"], {}, []),
    "a hold that is more than 2 s off": (
        ["UPDATE holds SET last_ns = last_ns + 2000000001"], {("holds", None): (1, 0, 1, 1)},
        [("holds", "missed", "yes", None, 30), ("holds", "wrong", None, "yes", 30)]),
    "a search's counts": (
        ["UPDATE searches SET first_ns = first_ns + 1000000000, nodes = 5, answered = 2, waves = 3"],
        {("searches", name): (1, 0, 1, 1) for name in ("nodes", "answered", "waves")},
        [("searches", "nodes", "4", "5", 30), ("searches", "answered", "3", "2", 30), ("searches", "waves", "1", "3", 30)]),
    "a search over the supernode alone must not be found": (
        ["INSERT INTO searches SELECT 1, 2, protocol, 2, 1175501200000000000, last_ns, NULL, nodes, answered, waves, 0, 0"
         " FROM searches"],
        {("searches", None): (1, 1, 0, 1)}, [("searches", "wrong", None, "4", None)]),
    "a pair's class": (
        ["UPDATE pairs SET probes = 1, dialogs = 1 WHERE peer = 2"],
        # Table I: its heartbeat's 1 pair, 2 flows, 4 packets are in mix: six of the twelve numbers.
        {("pairs", "class"): (4, 3, 1, 1), ("Table I", None): (12, 6, 6, 6)},
        [("pairs", "class", "heartbeat", "mix", 11), ("Table I", "pairs", "1", "0", None), ("Table I", "flows", "2", "0", None),
         ("Table I", "packets", "4", "0", None), ("Table I", "pairs", "1", "2", None), ("Table I", "flows", "2", "4", None),
         ("Table I", "packets", "7", "11", None)]),
    "a pair's packets": (
        ["UPDATE pairs SET packets_in = packets_in + 1 WHERE peer = 3"],
        {("pairs", "packets"): (4, 3, 1, 1), ("Table I", None): (12, 11, 1, 1)},
        [("pairs", "packets", "3 out, 2 in", "3 out, 3 in", 13), ("Table I", "packets", "5", "6", None)]),
    "a pair with somebody else": (
        ["UPDATE peers SET port = 1 WHERE peer = 1"], {("pairs", None): (4, 3, 1, 1),
         **{("pairs", name): (3, 3, 0, 0) for name in ("class", "flows", "packets")}},
        [("pairs", "wrong", None, "probe", 10), ("pairs", "missed", "probe", None, 10)]),
    "a flow's label, role, packets and payload": (
        ["UPDATE flows SET label = 'skype-tcp', role = 'node', packets_in = 9, payload_out = 299, payload_wire = 699"
         " WHERE flow = 20"],
        {("flows", name): (10, 9, 1, 1) for name in ("label", "role", "packets", "payload")},
        [("flows", "label", "skype-login", "skype-tcp", 20), ("flows", "role", "login", "node", 20),
         ("flows", "packets", "5 out, 4 in", "5 out, 9 in", 20), ("flows", "payload", "300 out, 400 in", "299 out, 400 in", 20)]),
    "a payload that the capture has cut": (["UPDATE flows SET payload_out = 1 WHERE flow = 20"], {}, []),
    "a flow the other way round": (
        ["UPDATE flows SET client_ip = server_ip, client_port = server_port, server_ip = client_ip, server_port = client_port"
         " WHERE flow = 20"],
        # In and out are not compared then.
        {("flows", "initiator"): (10, 9, 1, 1), ("flows", "packets"): (9, 9, 0, 0), ("flows", "payload"): (9, 9, 0, 0)},
        [("flows", "initiator", "10.0.0.2:5001", "203.0.113.1:33033", 20)]),
    "a flow that begins a nanosecond later": (
        ["UPDATE flows SET first_ns = first_ns + 1 WHERE flow = 20"],
        {("flows", None): (10, 9, 1, 1),
         **{("flows", name): (9, 9, 0, 0) for name in ("label", "role", "initiator", "packets", "payload")}},
        [("flows", "missed", "skype-login", None, 20), ("flows", "wrong", None, "skype-login", 20)]),
    "a flow that is stored as something else": (
        ["UPDATE flows SET label = 'TLS', protocol = NULL WHERE flow = 20"],
        {("flows", None): (10, 9, 1, 0),
         **{("flows", name): (9, 9, 0, 0) for name in ("label", "role", "initiator", "packets", "payload")}},
        [("flows", "missed", "skype-login", "TLS", 20)]),
    "another program's flow that is labelled": (
        ["INSERT INTO flows SELECT 1, 41, 'udp', '10.0.0.2', 5005, '10.0.0.1', 53, 1175500841000000000, 0, 0, 1, 1, 0, 0, 30,"
         " 46, 76, 0, 0, NULL, 1, 1, 30, 46, 0, 0, 'idle', NULL, 0, NULL, 'skype-udp', 'skype', 'socket', 30, 1, NULL,"
         " 'signalling', NULL, 0"],
        {("flows", None): (10, 10, 0, 1)}, [("flows", "wrong", "other", "skype-udp", 41)]),
    "a flow of another protocol is nobody's business": (
        ["INSERT INTO flows SELECT 1, 42, 'udp', '10.0.0.2', 5005, '10.0.0.1', 54, 1175500841000000000, 0, 0, 1, 1, 0, 0, 30,"
         " 46, 76, 0, 0, NULL, 1, 1, 30, 46, 0, 0, 'idle', NULL, 0, NULL, 'DNS', NULL, 'libndpi', 0, NULL, NULL, NULL, NULL, 0"],
        {}, []),
}


def planted(name):
    statements, changes, expected = PLANTED[name]
    result, scores, differences, _, rows = score(changed(monitor.path, *statements), truth.path)
    got = [(d["part"], d["kind"], d["truth"], d["monitor"], d["packet"]) for d in differences]
    tap.equal(sorted(got, key=repr), sorted(expected, key=repr), f"{name}: the differences", result.stderr)
    tap.equal({key: value for key, value in scores.items() if value != AGREED[key]}, changes, f"{name}: the scores")
    tap.equal((result.returncode, rows and rows[-1]["differences"]), (3 if expected else 0, len(expected)),
              f"{name}: status and verdict", result.stderr)


def called_behind_nat():
    path = tap.tmp("called.truth.db")
    shutil.copy(truth.path, path)
    db = sqlite3.connect(path)
    db.execute("UPDATE clients SET behind_nat = 1 WHERE client = 1")
    db.execute("UPDATE calls SET near_began = 0 WHERE call = 1")
    db.commit()
    db.close()
    _, scores, differences, _, rows = score(monitor.path, path)
    tap.equal((scores[("calls", "who began")], differences), ((0, 0, 0, 0), []), "called behind a NAT: who began is not compared")
    tap.ok(any("1 call to a client behind a NAT" in row["words"] for row in rows if row["row"] == "note"), "... and it is said")


def agreed():
    result, scores, differences, confusion, rows = score(monitor.path, truth.path)
    tap.equal(scores, AGREED, "two that agree: every score", result.stderr)
    tap.equal((result.returncode, differences), (0, []), "... no difference, status 0")
    tap.equal([row["words"] for row in rows if row["row"] == "caution"], [], "... nothing to be read with care")
    tap.equal({key[1]: count for key, count in confusion.items() if key[0] == "pairs" and key[1] == key[2]},
              {"probe": 1, "heartbeat": 1, "dialog": 1, "mix": 1}, "... the confusion of classes is a diagonal")
    notes = " ".join(row["words"] for row in rows if row["row"] == "note")
    lost = [word for word in ("1 client of the truth sent nothing", "1 search over the supernode alone",
                              "1 TCP connection of the truth without payload", "1 relayed call") if word not in notes]
    tap.equal(lost, [], "... what is not compared is said", notes)
    ratios = [row["precision"] for row in rows if row["row"] == "score"]
    tap.equal(set(ratios), {1.0}, "... every precision is 1")


def confusions():
    """Bob's set-up has to be left open, and the monitor says public; alice is missed."""
    path = changed(truth.path, "UPDATE setups SET hidden = 'nobody answers' WHERE client = 2")
    statements = ("DELETE FROM clients WHERE client = 1", "UPDATE flows SET label = 'skype-tcp' WHERE flow IN (20, 21)")
    shutil.copy(path, tap.tmp("hidden.db"))
    confusion = score(changed(monitor.path, *statements), tap.tmp("hidden.db"))[3]
    tap.equal({key[1:]: count for key, count in confusion.items() if key[0] == "clients"},
              {("unknown", "public"): 1, ("port-restricted nat", "not found"): 1}, "the confusion of set-ups")
    tap.equal({key[1:]: count for key, count in confusion.items() if key[0] == "flows" and key[1] != key[2]},
              {("skype-login", "skype-tcp"): 1, ("skype-contact-list", "skype-tcp"): 1}, "the confusion of labels")


def hidden_nat():
    """Nothing tells that alice's NAT is port-restricted: nat and unknown are both right, public is not."""
    path = changed(truth.path, "UPDATE setups SET hidden = 'too short' WHERE client = 1")
    shutil.copy(path, tap.tmp("hidden.db"))
    for said, right in (("nat", 1), ("unknown", 1), ("public", 0), ("port-restricted nat", 0)):
        scores = score(changed(monitor.path, f"UPDATE setups SET setup = '{said}' WHERE client = 1"), tap.tmp("hidden.db"))[1]
        tap.equal(scores[("clients", "network set-up")], (2, 1 + right, 1 - right, 1 - right),
                  f"a hidden port-restricted NAT: {said} is {'right' if right else 'wrong'}")


def hidden_exchange():
    """Nothing tells of a login of 0.97: a monitor that finds it all the same is not wrong, and not asked to."""
    shutil.copy(changed(truth.path, "UPDATE exchanges SET hidden = 'random bytes' WHERE flow = 20"), tap.tmp("hidden.db"))
    for name, statements in ("found", ()), ("not found", ("DELETE FROM exchanges WHERE flow = 20",)):
        _, scores, differences, _, _ = score(changed(monitor.path, *statements), tap.tmp("hidden.db"))
        tap.equal((scores[("logins", None)], differences), ((0, 0, 0, 0), []), f"a hidden login that is {name}")


def outside():
    """A node that the monitor takes for a client, as its --local-net was not given: said, and no error."""
    node = NODES[0]
    path = changed(monitor.path, f"UPDATE clients SET ip = '{node[0]}', port = {node[1]}, internal = 0 WHERE client = 2")
    copy = changed(truth.path, "DELETE FROM clients WHERE client = 2", "UPDATE runs SET local_net = '198.51.100.0/24'")
    os.rename(copy, tap.tmp("outside.db"))
    path = changed(monitor.path, f"UPDATE clients SET ip = '{node[0]}', port = {node[1]}, internal = 0 WHERE client = 2")
    result, scores, differences, _, rows = score(path, tap.tmp("outside.db"))
    tap.equal((scores[("clients", None)], differences), ((1, 1, 0, 0), []), "a recognised peer outside is no wrong client",
              result.stderr)
    words = " ".join(row.get("words", "") for row in rows)
    tap.ok("1 recognised socket outside" in words and "--local-net 198.51.100.0/24" in words, "... and is said", words)


def cautions():
    for name, statements, word in (
            ("another capture", ["UPDATE inputs SET sha256 = 'cd'"], "another capture"),
            ("a compressed copy", ["UPDATE inputs SET sha256 = 'cd', container = 'gzip'"], "nothing tells whether it is"),
            ("no hash", ["UPDATE inputs SET sha256 = NULL"], "Nothing tells whether"),
            ("another timeout", ["UPDATE runs SET idle_ns = 100000000000"], "after 100 s by the monitor, after 200 s"),
            ("an incomplete run", ["UPDATE runs SET complete = 0, problems = 'cut'"], "incomplete: cut"),
            ("other packets", ["UPDATE runs SET packets = 7"], "7 packets"),
            ("further inputs", ["INSERT INTO inputs SELECT run, 2, 'b.pcap', format, container, link_type, bytes, NULL, frames,"
                                " filtered, dropped, snaplen, first_ns, last_ns, ended, problem FROM inputs"], "2 captures")):
        rows = score(changed(monitor.path, *statements), truth.path)[4]
        words = [row["words"] for row in rows if row["row"] == "caution"]
        tap.ok(len(words) == 1 and word in words[0], f"read with care: {name}", words)


def says(name, status, words, *args):
    result = tap.run("score", *args)
    lost = [word for word in words if word not in result.stderr]
    tap.ok(result.returncode == status and not lost and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", "it said:", result.stderr)


def usage():
    m, t = monitor.path, truth.path
    says("no file", 1, ["score what?"])
    says("one file", 1, ["score what?"], m)
    says("three files", 1, ["one too many"], m, t, t)
    says("the wrong way round", 1, ["comes second"], t, m)
    says("no truth file", 2, ["there is no", "footsteps-peer"], m, tap.tmp("missing.db"))
    says("two databases", 2, ["is a footsteps database, not a truth file"], m, m)
    says("a capture as truth", 2, ["pcap capture"], m, os.path.join(tap.TOP, "traces", "login.pcap"))
    says("another program's database", 2, ["not a truth file"], m, changed(t, "PRAGMA application_id = 7"))
    says("a truth of another version", 2, ["version 9"], m, changed(t, "PRAGMA user_version = 9"))
    says("a truth that was never finished", 2, ["empty"], m, changed(t, "DELETE FROM runs"))
    says("a truth without a table", 2, ["cannot be compared"], m, changed(t, "DROP TABLE searches"))
    says("an older database", 2, ["older footsteps"], changed(m, "PRAGMA user_version = 1"), t)
    says("no such run", 1, ["no run 5"], "--run", "5", m, t)
    two = changed(m, "INSERT INTO runs SELECT 2, version, libraries, options, idle_ns, first_ns, last_ns, packets, 1, ''"
                  " FROM runs")
    result = score("--run", "1", two, t)
    tap.equal((result[0].returncode, result[2]), (0, []), "--run: the run that is meant")
    result = score(two, t)
    tap.ok(result[1][("clients", None)] == (2, 0, 2, 0), "... else the last one, here an empty one", result[1])


def bounded():
    """Nine flows and four pairs lost: of each part in turn, and how many more there are."""
    path = changed(monitor.path, "DELETE FROM flows", "DELETE FROM pairs")
    whole = tap.run("score", "--differences", "0", path, truth.path).stdout
    # 10 flows, 4 pairs, 12 numbers of Table I
    tap.ok("26 differences." in whole and "more;" not in whole, "--differences 0: all are listed", whole)
    short = tap.run("score", "--differences", "4", path, truth.path).stdout
    listed = short[short.index("Differences"):short.index(" more;")]
    parts = [line.split("  ")[1] for line in listed.splitlines() if line.endswith("packet")]
    tap.ok(parts == ["pairs", "flows", "Table I"] and listed.count("missed") == 3 and "22 more;" in short,
           "--differences 4: of pairs, flows and Table I in turn, 22 more", parts, short)


def text():
    result = tap.run("score", monitor.path, truth.path)
    wide = [line for line in result.stdout.splitlines() if len(line) > 80]
    tap.ok(result.returncode == 0 and not wide and "No difference" in result.stdout, "the text: 80 columns, a verdict", wide,
           result.stdout, result.stderr)
    before = tap.content(monitor.path), tap.content(truth.path)
    tap.run("score", monitor.path, truth.path)
    tap.equal((tap.content(monitor.path), tap.content(truth.path)), before, "neither file is touched")
    result = tap.run("score", changed(monitor.path, "UPDATE setups SET setup = 'nat' WHERE client = 1"), truth.path)
    tap.ok(result.returncode == 0 and "50.00 %" in result.stdout and "1 difference." in result.stdout,
           "a difference without --strict: status 0", result.stdout)


monitor = File("monitor.db", MONITOR_SCHEMA, 0x46537470, 5)
truth = File("truth.db", TRUTH_SCHEMA, 0x46537472, 1)
make()
monitor.close()
truth.close()
agreed()
called_behind_nat()
for case in PLANTED:
    planted(case)
confusions()
hidden_nat()
hidden_exchange()
outside()
cautions()
usage()
bounded()
text()
tap.done()
