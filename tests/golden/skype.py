#!/usr/bin/env python3
"""What the real captures of Skype show, value by value: clients, logins, contact-list exchanges, version checks, and the
class of every pair.

The values are those of the wire description ("wire B3" is its section B3), which was written from the packets by hand, and
of behaviour.tsv beside the captures; none is taken from footsteps.
"""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

DIRECTORY = tap.require_traces("skype")
MS = 1e-3  # the wire description rounds to milliseconds

# wire B3: flow (its SYN's frame), seconds, server, packets of the messages that the table names, sizes.
LOGINS = (
    (292, 73.757, "195.215.8.141", 33033, (297, 314, 316, 361, 362, 369), ">5 <5 >451 <232 >18 <67"),
    (1931, 301.075, "212.72.49.141", 33033, (1937, 1945, 1947, 1977), ">5 <5 >412 <222"),
)
LISTS = (
    (573, 90.125, "212.72.49.142", 12350, (576, 585, 587, 590, 592, 594, 596), ">5 <5 >260 <16 <68 >25 <21"),
    (757, 129.221, "212.72.49.142", 12350, (760, 762, 764, 766, 768, 776, 783), ">5 <5 >257 <16 <24 >31 <18"),
)
# wire B4: frame, seconds.
VERSION_CHECKS = ((406, 75.094), (2030, 302.070))

# wire C4: the 5-byte messages of each flow, frames of the client and of the server; server. The roles of these flows
# cannot be seen in the capture, so nothing is asked of them.
SERVERS_2015 = (
    ((1335,), (), "91.190.216.125", 12350),
    ((1363, 1779), (1777, 1909), "91.190.216.125", 443),
    ((1738,), (1936,), "91.190.218.125", 12350),
    ((1860, 1864), (1862, 1868), "212.161.8.36", 13392),
    ((1920, 1924), (1922, 1928), "149.13.32.15", 13392),
)
# wire C4: what these servers answer after that is of one size: 14 (one of 16) bytes behind a record header of 5.
ANSWERS_2015 = {("212.161.8.36", 13392): 19, ("149.13.32.15", 13392): 19, ("91.190.216.125", 443): 21}
RECORDS_2015 = (101 + 5, 182 + 5)  # wire C4: the client's records, but for the first message of each flow


# What each TCP flow is for, by the packet of its SYN: wire B2, B3, B4.
ROLES_2006 = {268: "supernode", 1887: "supernode", 292: "login", 1931: "login", 573: "contact_list", 757: "contact_list",
              401: "version_check", 2026: "version_check", 779: "node", 2108: "node"}
# Keep-alives: flow, seconds between them (wire B2: 73.227, 133.278, 193.301; wire C3: 30.03 s apart), how many at least.
KEEPALIVE_2006, KEEPALIVE_2015 = (268, (193.301 - 73.227) / 2, 3), (1415, 30.03, 2)


def roles_2006(db):
    rows = tap.query(db, "SELECT flow, role FROM flow_list WHERE proto = 'tcp' AND label LIKE 'skype-%'")
    tap.equal({row["flow"]: row["role"] for row in rows}, ROLES_2006, "SkypeIRC: roles of the TCP flows")


def roles_2015(db):
    """What is certain in the truth: form 2, and form 1 to the ports of supernodes, is a supernode; else a node."""
    with open(os.path.join(DIRECTORY, "skype.flows.tsv"), newline="", encoding="utf-8") as f:
        truth = [row for row in csv.DictReader(f, delimiter="\t")
                 if row["label"] == "skype-tcp" and row["confidence"] == "certain"]
    expected = {}
    for row in truth:
        port = int(row["server_port"])
        supernode = "fake SSLv2" in row["evidence"] or 40001 <= port <= 40034 or port == 33033
        expected[int(row["client_port"])] = "supernode" if supernode else "node"
    rows = {row["client_port"]: row["role"] for row in
            tap.query(db, "SELECT client_port, role FROM flow_list WHERE proto = 'tcp' AND label = 'skype-tcp'")}
    wrong = [f"{port}: {rows.get(port)}, not {role}" for port, role in expected.items() if rows.get(port) != role]
    tap.ok(len(expected) == 81 and not wrong, "skype: roles of the TCP flows", len(expected), *wrong)


def signalling(db, name):
    rows = tap.query(db, "SELECT DISTINCT role FROM flow_list WHERE label = 'skype-udp'")
    tap.equal([row["role"] for row in rows], ["signalling"], f"{name}: role of the UDP flows")


def keepalives(db, name, flow, seconds, least):
    rows = tap.query(db, "SELECT flow, keepalive_s, keepalives FROM flow_list WHERE keepalives > 0 AND label LIKE 'skype-%'")
    tap.equal([row["flow"] for row in rows], [flow], f"{name}: the flow with keep-alives")
    for row in rows:
        tap.ok(abs(row["keepalive_s"] - seconds) < 0.05 and row["keepalives"] >= least, f"{name}: their interval", row)


def callers(db, name, count, answered):
    rows = tap.query(db, "SELECT callers, callers_answered, role FROM clients WHERE protocol = 'skype'")
    tap.equal([tuple(row.values()) for row in rows], [(count, answered, "client")], f"{name}: who called the client")


def fan_out(db, count):
    """wire A1: three notices to 8, 12 and 13 peers."""
    rows = tap.query(db, "SELECT reports FROM evidence WHERE kind = 'fan_out' AND protocol = 'skype'")
    tap.equal([row["reports"] for row in rows], count, "messages that go to several peers")


def analyse(name):
    result, db = tap.read([os.path.join(DIRECTORY, f"{name}.pcap")])
    tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
    return db


def one_client(db, name, ip, port):
    clients = tap.query(db, "SELECT * FROM clients WHERE protocol = 'skype'")
    tap.equal([(c["ip"], c["port"], c["verdict"]) for c in clients], [(ip, port, "skype")], f"{name}: one client, recognised")
    return clients[0] if clients else {}


def udp_flows(db, name, count):
    rows = tap.query(db, "SELECT count(*) AS n FROM flows WHERE label = 'skype-udp'")
    tap.equal(rows[0]["n"] if rows else None, count, f"{name}: flows of skype-udp")


def exchanges(db, role, expected):
    view = {"login": "logins", "contact-list": "contact_lists"}[role]
    rows = tap.query(db, f"""SELECT e.flow, e.outcome, e.client_ip, e.client, e.server_ip, e.server_port, e.sizes, f.first_ts,
                                    f.label FROM {view} e JOIN flow_list f USING (run, flow) ORDER BY e.flow""")
    tap.equal([row["flow"] for row in rows], [e[0] for e in expected], f"{role}: the flows, by the packet of their SYN")
    for row, (flow, seconds, ip, port, packets, sizes) in zip(rows, expected):
        name = f"{role} at {seconds}"
        tap.ok(abs(row["first_ts"] - seconds) <= MS, f"{name}: when", row["first_ts"])
        tap.equal((row["client_ip"], row["client"], row["server_ip"], row["server_port"]), ("192.168.1.2", 1, ip, port),
                  f"{name}: who")
        tap.equal(row["sizes"], sizes, f"{name}: messages, directions and sizes")
        tap.equal((row["outcome"], row["label"]), ("success", f"skype-{role}"), f"{name}: outcome, label of the flow")
        messages = tap.query(db, "SELECT packet FROM exchange_messages WHERE flow = ? ORDER BY n", flow)
        tap.equal(tuple(m["packet"] for m in messages), packets, f"{name}: packets of the messages")


def version_checks(db):
    rows = tap.query(db, """SELECT v.*, (v.ts_ns - r.first_ns) / 1e9 AS ts FROM version_checks v JOIN runs r USING (run)
                            ORDER BY packet""")
    # wire B4: the server, the version that the client says it is, "2" is Linux, the action.
    what = ("192.168.1.2", 1, "212.72.49.131", 80, "1.2.0.18", "2", "getlatestversion", "ui.skype.com")
    columns = ("packet", "client_ip", "client", "server_ip", "server_port", "version", "platform", "action", "host")
    tap.equal([tuple(row[column] for column in columns) for row in rows],
              [(packet, *what) for packet, _ in VERSION_CHECKS], "version checks")
    for row, (packet, seconds) in zip(rows, VERSION_CHECKS):
        tap.ok(abs(row["ts"] - seconds) <= MS, f"version check {packet}: when", row["ts"])


def pairs(db, name, count, classes):
    """Every pair of behaviour.tsv, and no other."""
    with open(os.path.join(DIRECTORY, "behaviour.tsv"), newline="", encoding="utf-8") as f:
        truth = {(row["peer_ip"], int(row["peer_port"])): row for row in csv.DictReader(f, delimiter="\t")
                 if row["trace"] == name}
    rows = tap.query(db, """SELECT p.*, (p.first_ns - r.first_ns) / 1e9 AS first_ts, (p.last_ns - r.first_ns) / 1e9 AS last_ts
                            FROM pair_classes p JOIN runs r USING (run) WHERE p.protocol = 'skype'""")
    tap.equal(len(rows), count, f"{name}: pairs")
    counted = {kind: sum(1 for row in rows if row["class"] == kind) for kind in ("probe", "heartbeat", "dialog", "mix")}
    tap.equal(counted, {"probe": 0, "heartbeat": 0, "dialog": 0, "mix": 0, **classes}, f"{name}: classes of the pairs")
    wrong = []
    for row in rows:
        peer = (row["peer_ip"], row["peer_port"])
        expected = truth.pop(peer, None)
        if expected is None:
            wrong.append(f"{peer}: not in the truth")
            continue
        got = (row["class"], row["flows"], row["packets_out"], row["packets_in"], row["client_first"])
        told = (expected["class"], *(int(expected[k]) for k in ("udp_flows", "pkts_out", "pkts_in")),
                int(expected["initiator"] == "local"))
        # The truth is rounded to microseconds.
        late = max(abs(row[k] - float(expected[k])) for k in ("first_ts", "last_ts"))
        if got != told or late > 2e-6:
            wrong.append(f"{peer}: {got} at {row['first_ts']}, truth {told} at {expected['first_ts']}")
    wrong += [f"{peer}: missing" for peer in truth]
    tap.ok(not wrong, f"{name}: class, flows, packets, initiator and times of each pair", *wrong)


def servers_2015(db):
    rows = tap.query(db, """SELECT e.flow, e.server_ip, e.server_port, f.label FROM exchanges e JOIN flow_list f
                            USING (run, flow) ORDER BY e.flow""")
    got = []
    for row in rows:
        messages = tap.query(db, "SELECT packet, direction, bytes FROM exchange_messages WHERE flow = ? ORDER BY n", row["flow"])
        hellos = {way: tuple(m["packet"] for m in messages if m["direction"] == way and m["bytes"] == 5)
                  for way in ("out", "in")}
        server = (row["server_ip"], row["server_port"])
        got.append((hellos["out"], hellos["in"], *server))
        name = "{0}:{1}".format(*server)
        tap.ok(row["label"].startswith("skype"), f"{name}: the flow is Skype's", row["label"])
        answers = {m["bytes"] for m in messages if m["direction"] == "in" and m["bytes"] != 5}
        tap.equal(answers, {ANSWERS_2015[server]} if server in ANSWERS_2015 else set(), f"{name}: sizes of the answers")
        sent = [m["bytes"] for m in messages if m["direction"] == "out" and m["bytes"] != 5][1:]
        tap.ok(all(RECORDS_2015[0] <= size <= RECORDS_2015[1] for size in sent), f"{name}: sizes of the records", sent)
    tap.equal(got, list(SERVERS_2015), "skype: servers and their 5-byte messages")


def retries(db):
    """wire C3: the old form is tried 1.112 or 1.612 s after the padded one, at the same address and port; `why` says so."""
    rows = tap.query(db, """SELECT f.flow, (SELECT (f.first_ns - o.first_ns) / 1e9 FROM flows o WHERE o.run = f.run AND
                                o.source = 'payload' AND o.server_ip = f.server_ip AND o.server_port = f.server_port AND
                                o.first_ns <= f.first_ns ORDER BY o.first_ns DESC LIMIT 1) AS after
                            FROM flows f WHERE f.source = 'opening'""")
    tap.ok(len(rows) >= 10, "skype: retries in the old form", len(rows))
    told = [row for row in rows if abs(row["after"] - 1.1125) < 0.002 or abs(row["after"] - 1.612) < 0.015]
    tap.ok(len(told) >= 10, "skype: ... as long after the padded form as the wire description says", rows)
    for row in told[:1]:
        text = tap.run("show", db, "why", str(row["flow"])).stdout
        tap.ok(f"begun {row['after']:.3f} s earlier" in text and "padding of a Skype node" in text,
               "skype: why a retry is Skype's", text)


def main():
    db = analyse("SkypeIRC")
    client = one_client(db, "SkypeIRC", "192.168.1.2", 35990)
    # wire A3: the address that 16 peers name, which is not the client's own.
    tap.equal((client.get("public_ip"), client.get("behind_nat")), ("86.128.245.115", 1), "SkypeIRC: behind a NAT")
    tap.equal(client.get("version"), "1.2.0.18", "SkypeIRC: version of the client")
    udp_flows(db, "SkypeIRC", 84)  # wire F
    exchanges(db, "login", LOGINS)
    exchanges(db, "contact-list", LISTS)
    version_checks(db)
    pairs(db, "SkypeIRC", 80, {"probe": 46, "heartbeat": 4, "dialog": 30})  # wire F
    roles_2006(db)
    signalling(db, "SkypeIRC")
    keepalives(db, "SkypeIRC", *KEEPALIVE_2006)
    callers(db, "SkypeIRC", 3, 3)  # wire A3: 561, 774, 2110
    fan_out(db, [3])

    db = analyse("skype")
    client = one_client(db, "skype", "192.168.1.34", 13021)
    # wire C0: nothing that comes back over UDP; so nobody says how the client looks from outside.
    tap.equal((client.get("public_ip"), client.get("behind_nat")), (None, None), "skype: nothing known of a NAT")
    udp_flows(db, "skype", 144)  # wire C2
    pairs(db, "skype", 144, {"probe": 142, "dialog": 2})  # wire F
    servers_2015(db)
    roles_2015(db)
    retries(db)
    signalling(db, "skype")
    keepalives(db, "skype", *KEEPALIVE_2015)
    callers(db, "skype", 0, 0)  # wire C0
    fan_out(db, [])

    db = analyse("skype_udp")
    one_client(db, "skype_udp", "192.168.1.2", 35990)  # an extract of SkypeIRC
    udp_flows(db, "skype_udp", 1)
    flows = tap.query(db, "SELECT label FROM flows")
    tap.equal([f["label"] for f in flows], ["skype-udp"], "skype_udp: no other flow")
    tap.done()


main()
