#!/usr/bin/env python3
"""The two logins of SkypeIRC.pcap, message by message: table messages, and the charts that are drawn of them (B17).

All values are those of the wire description ("wire B2" is its section B2), which was written from the packets by hand. A
flow is numbered by the frame of its first packet; times there are rounded to a millisecond.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

MS = 0.001 + 1e-5  # rounded there, and rounded down to 10 us in table messages

# wire B1: probes of 18 bytes; frame and seconds. "x4" is one time for four. Each begins a flow, but for the last two:
# their sockets were asked in the first session, less than 200 s before.
PROBES = {
    1: ((176, 59.981), (184, 61.059), (185, 61.059), (186, 61.059), (187, 61.059), (214, 66.123), (220, 66.371),
        (222, 66.432), (229, 67.178), (230, 67.178), (231, 67.178), (232, 67.178), (264, 72.198), (266, 72.275),
        (269, 72.482)),
    2: ((1867, 298.904), (1880, 300.287), (1888, 300.401)),
}
SPREAD_PROBES_2 = (1868, 1869, 1870, 1871)  # 299.95 to 299.97
# ... an answer of 51 bytes, and within 0.3 to 0.5 ms the next probe: the times of the probes.
GO_ON = (66.371, 66.432, 72.275, 300.287)
# wire B2: 18-byte answer, SYN (frame, seconds) to the same socket, payload sizes.
SUPERNODES = {
    1: ("68.206.150.243", 57322, 72.4231, 268, 72.4235,
        ">14 <73 >25 <587 >16 <274 >11 <659 >45 <4 >13 <48 >13 <82 >13 <48 >57 <21 >36 <4 >13 <48 >13 <48 >13 <75"),
    2: ("67.71.69.121", 12492, 300.4004, 1887, 300.4007,
        ">14 <37 >25 <578 >4 >56 <660 >13 <48 >13 <82 >10 <20 >13 <48 >13 <75"),
}
# wire B2: client messages every 60.0 s.
KEEPALIVES = ((73.227, 11), (133.278, 57), (193.301, 36))
# wire B2: "give me nodes": the messages (frames) that follow the reply within 3 ms. In login 1 all nodes are new.
NEW_NODES = ((372, 373, 374), (681, 682, 683, 684), (1287, 1288, 1289), (1485, 1486, 1487), (1496, 1497, 1498))
# wire B3: flow (frame of the SYN), seconds, server, sizes.
SERVERS = {
    292: ("login", 73.757, "195.215.8.141", 33033, ">5 <5 >451 <232 >18 <67"),
    1931: ("login", 301.075, "212.72.49.141", 33033, ">5 <5 >412 <222"),
    573: ("list", 90.125, "212.72.49.142", 12350, ">5 <5 >260 <16 <68 >25 <21"),
    757: ("list", 129.221, "212.72.49.142", 12350, ">5 <5 >257 <16 <24 >31 <18"),
}
# wire B3 (5): the list server over UDP.
LIST_UDP = ((74.341, ">27"), (74.449, "<22"), (90.028, ">27"), (90.125, "<22"))
# wire B4: about when, to how many peers a notice of 346 bytes goes.
NOTICES = ((85.74, 8), (120.00, 12), (302.26, 13))  # 12: four of them once their addresses are there, frames 681 to 684
UNANSWERED = "65.196.74.236"
# wire B4: two messages of 22 bytes, about when, and the answers of the two.
WELCOME = ((73.84, [658, 669]), (301.13, [653, 693]))
# wire B4: request and reply over HTTP.
VERSION_CHECKS = ((401, 75.094, ">166 <396"), (2026, 302.070, ">166 <396"))

# wire B4: connections that nodes open to the client. Of the second the SYN comes before the node's first datagram.
INBOUND = {779: (133.698, "<29 >14 <12 >4"), 2108: (304.024, "<71 >14 <11 >4")}

EVERY = """SELECT m.flow, m.n, (m.ts_ns - r.first_ns) / 1e9 AS seconds, m.bytes, f.proto,
       CASE WHEN (m.direction = 'out') = (f.client_ip = '192.168.1.2') THEN '>' ELSE '<' END AS way,
       CASE f.client_ip WHEN '192.168.1.2' THEN f.server_ip ELSE f.client_ip END AS ip,
       CASE f.client_ip WHEN '192.168.1.2' THEN f.server_port ELSE f.client_port END AS port,
       CASE f.client_ip WHEN '192.168.1.2' THEN f.client_port ELSE f.server_port END AS home
FROM messages m JOIN flows f USING (run, flow) JOIN runs r USING (run)
WHERE f.protocol = 'skype' ORDER BY m.ts_ns, m.flow, m.n"""


def sizes(rows):
    return " ".join(f"{row['way']}{row['bytes']}" for row in rows)


def near(seconds, expected, most=MS):
    return abs(seconds - expected) <= most


def probes(login, every):
    """Each is another message at its time; one that begins a flow begins the flow of its frame."""
    left = [row for row in every if row["proto"] == "udp" and row["way"] == ">" and row["bytes"] == 18]
    begun = {row["flow"] for row in left if row["n"] == 1}
    wrong = []
    for frame, seconds in PROBES[login]:
        found = [row for row in left if near(row["seconds"], seconds) and (row["flow"] == frame or frame not in begun)]
        if found:
            left.remove(found[0])
        if not found or (found[0]["n"] == 1 and found[0]["flow"] != frame):
            wrong.append(f"{frame} at {seconds}: {found}")
    tap.ok(not wrong, f"login {login}: {len(PROBES[login])} probes of 18 bytes, wire B1", *wrong)


def spread_probes(flows):
    rows = [flows.get(frame, [{"seconds": 0, "bytes": 0}])[0] for frame in SPREAD_PROBES_2]
    tap.ok(all(299.945 <= row["seconds"] <= 299.975 and row["bytes"] == 18 for row in rows),
           "login 2: four probes more, wire B1", *rows)


def answers(every):
    for seconds in GO_ON:
        pairs = [(before["seconds"], after["seconds"]) for before in every for after in every
                 if before["way"] == "<" and before["bytes"] == 51 and after["way"] == ">" and after["bytes"] == 18
                 and near(after["seconds"], seconds) and 0.25e-3 <= after["seconds"] - before["seconds"] <= 0.55e-3]
        tap.equal(len(pairs), 1, f"{seconds}: the next probe, 0.3 to 0.5 ms after an answer of 51 bytes, wire B1")


def supernode(login, every, flows, syn):
    ip, port, answered, frame, seconds, expected = SUPERNODES[login]
    udp = [row for row in every if row["proto"] == "udp" and (row["ip"], row["port"]) == (ip, port)
           and row["way"] == "<" and row["bytes"] == 18 and near(row["seconds"], answered, 1e-4 + 1e-5)]
    tap.ok(len(udp) == 1, f"login {login}: the answer of 18 bytes, wire B2", udp)
    row = syn.get(frame, {"seconds": 0})
    tap.ok(near(row["seconds"], seconds, 1e-4), f"login {login}: SYN to the same socket 0.3 ms later, wire B2", row)
    tap.equal(sizes(flows.get(frame, [])), expected, f"login {login}: messages of the supernode connection, wire B2")


def keepalives(flows):
    rows = flows.get(268, [])
    for seconds, size in KEEPALIVES:
        tap.ok(any(row["way"] == ">" and row["bytes"] == size and near(row["seconds"], seconds) for row in rows),
               f"supernode: {size} bytes at {seconds}, wire B2")


def new_nodes(flows):
    replies = [row["seconds"] for row in flows.get(268, []) if row["way"] == "<" and row["bytes"] in (48, 75, 82)]
    tap.equal(len(replies), 6, "login 1: four replies with nodes of 48 bytes, one of 82, one of 75, wire B2")
    for frames in NEW_NODES:
        starts = [flows[frame][0]["seconds"] for frame in frames if frame in flows]
        tap.ok(len(starts) == len(frames) and any(all(0 <= at - reply <= 0.0035 for at in starts) for reply in replies),
               f"frames {frames}: new nodes are asked within 3 ms of the reply, wire B2", starts, replies)


def servers(flows, syn, db):
    for frame, (_, seconds, ip, port, expected) in SERVERS.items():
        row = syn.get(frame, {"seconds": 0, "ip": "", "port": 0})
        tap.ok(near(row["seconds"], seconds) and (row["ip"], row["port"]) == (ip, port),
               f"flow {frame}: SYN at {seconds} to {ip}:{port}, wire B3", row)
        tap.equal(sizes(flows.get(frame, [])), expected, f"flow {frame}: messages, wire B3")
    whats = tap.query(db, "SELECT count(*) AS n FROM exchange_messages WHERE what <> ''")
    tap.equal(whats[0]["n"], 6 + 4 + 7 + 7, "messages with a meaning")


def list_over_udp(every):
    rows = [row for row in every if (row["ip"], row["port"], row["proto"]) == ("212.72.49.142", 12350, "udp")]
    for seconds, what in LIST_UDP:
        tap.ok(any(near(row["seconds"], seconds) and f"{row['way']}{row['bytes']}" == what for row in rows),
               f"list server over UDP: {what} at {seconds}, wire B3", *rows)


def after_login(every, flows):
    for seconds, expected in WELCOME:
        asked = [row["ip"] for row in every
                 if row["way"] == ">" and row["bytes"] == 22 and near(row["seconds"], seconds, 0.01)]
        # One of login 2 is asked again after 2 s.
        got = sorted(row["bytes"] for row in every if row["way"] == "<" and row["ip"] in asked and row["bytes"] > 600
                     and 0 < row["seconds"] - seconds < 5)
        tap.ok(len(asked) == 2 and got == expected, f"two nodes get 22 bytes at {seconds}: {expected}, wire B4",
               asked, got)
    for seconds, peers in NOTICES:
        sent = {row["ip"] for row in every
                if row["way"] == ">" and row["bytes"] == 346 and near(row["seconds"], seconds, 0.25)}
        answered = {row["ip"] for row in every if row["way"] == "<" and row["bytes"] == 11 and row["ip"] in sent
                    and 0 < row["seconds"] - seconds < 2}
        tap.equal(len(sent), peers, f"the notice of 346 bytes at {seconds}: {peers} peers, wire B4")
        tap.equal(sent - answered, {UNANSWERED} & sent, f"... all of whom acknowledge it but {UNANSWERED}")
    for frame, (_, expected) in INBOUND.items():
        tap.equal(sizes(flows.get(frame, [])), expected, f"flow {frame}: {expected} of a node that calls, wire B4")
    for frame, seconds, expected in VERSION_CHECKS:
        rows = flows.get(frame, [{"seconds": 0, "bytes": 0, "way": ""}])
        tap.ok(sizes(rows) == expected and near(rows[0]["seconds"], seconds), f"flow {frame}: {expected}, wire B4", *rows)


def read_chart(db, login, *options):
    result = tap.run("chart", db, "--login", str(login), *options)
    tap.equal(result.returncode, 0, f"chart --login {login} {' '.join(options)}", result.stderr)
    return result.stdout


def chart(db, login, first, last):
    """The chart's rows against the wire description; first and last: of the scene, in seconds."""
    rows = [json.loads(line) for line in read_chart(db, login, "--rows", "0", "--json").splitlines()]
    sequences = {}
    for row in rows:
        if row["kind"] == "message":
            way, lane = (">", row["to"]) if row["from"] == "client" else ("<", row["from"])
            sequences.setdefault((lane, row["flow"]), []).append(f"{way}{row['bytes']}")
    _, _, _, frame, _, expected = SUPERNODES[login]
    got = " ".join(sequences.get(("supernode", frame), []))
    tap.ok(len(got) > 40 and expected.startswith(got), f"chart {login}: the supernode's lane, wire B2", got, expected)
    tap.ok(any(row["kind"] == "open" and row["flow"] == frame and row["to"] == "supernode" for row in rows),
           f"chart {login}: the connection to the supernode opens")
    for frame, (lane, seconds, _, _, expected) in SERVERS.items():
        if first <= seconds <= last:
            got = " ".join(sequences.get((lane, frame), []))
            # The scene may end amid a list exchange.
            tap.ok(got == expected if lane == "login" else got and expected.startswith(got),
                   f"chart {login}: the lane of flow {frame}, wire B3", got, expected)
    for frame, (seconds, expected) in INBOUND.items():
        if first <= seconds <= last:
            got = " ".join(sequences.get(("calling", frame), []))
            tap.equal(got, expected, f"chart {login}: the lane of flow {frame}, wire B4")
    asked = [row for row in rows if row["bytes"] == 18 and row["from"] == "client" and row["transport"] == "udp"]
    missing = [seconds for _, seconds in PROBES[login]
               if not any(near(row["seconds"] + first, seconds) for row in asked)]
    tap.ok(not missing, f"chart {login}: the probes, wire B1", missing)
    text = read_chart(db, login, "--width", "80")
    tap.ok(all(len(line) <= 80 for line in text.splitlines()), f"chart {login}: 80 columns", text)
    tap.ok("supernode" in text and "login server" in text, f"chart {login}: names its lanes", text)
    svg = tap.tmp(f"login{login}.svg")
    read_chart(db, login, "-o", svg)
    tap.ok(tap.content(svg).startswith(b"<?xml") and tap.content(svg).count(b"<path") > 40, f"chart {login}: SVG")
    parse(svg, f"chart {login}")


def parse(svg, name):
    from xml.etree import ElementTree
    try:
        root = ElementTree.parse(svg).getroot()
        tap.equal(root.tag, "{http://www.w3.org/2000/svg}svg", f"{name}: the SVG is well-formed")
    except ElementTree.ParseError as error:
        tap.ok(False, f"{name}: the SVG is well-formed", error)


def charts(db):
    scenes = tap.query(db, "SELECT s.number, (s.first_ns - r.first_ns) / 1e9 AS first,"
                           " (s.last_ns - r.first_ns) / 1e9 AS last FROM scenes s JOIN runs r USING (run) JOIN clients c USING (run, client)"
                           " WHERE s.kind = 'login' AND c.protocol = 'skype' ORDER BY s.number")
    tap.equal(len(scenes), 2, "two logins to draw")
    for login, (scene, first) in enumerate(zip(scenes, (59.981, 298.904)), 1):
        tap.ok(near(scene["first"], first), f"chart {login} begins with the first probe, wire B1", scene)
        tap.equal(scene["number"], login, f"chart {login}: its number")
        chart(db, login, scene["first"], scene["last"])
    wrong = tap.run("chart", db, "--login", "99")
    tap.ok(wrong.returncode == 1 and "logins 1 to 2" in wrong.stderr, "no such login: those that there are", wrong.stderr)


def main():
    capture = os.path.join(tap.require_traces("skype"), "SkypeIRC.pcap")
    result, db = tap.read([capture])
    tap.equal(result.returncode, 0, "read", result.stderr)
    every = tap.query(db, EVERY)
    flows, syn = {}, {}
    for row in every:
        flows.setdefault(row["flow"], []).append(row)
    for row in tap.query(db, "SELECT flow, first_ts AS seconds, server_ip AS ip, server_port AS port FROM flow_list"
                             " WHERE proto = 'tcp'"):
        syn[row["flow"]] = row
    for login in (1, 2):
        probes(login, every)
        supernode(login, every, flows, syn)
    spread_probes(flows)
    answers(every)
    keepalives(flows)
    new_nodes(flows)
    servers(flows, syn, db)
    list_over_udp(every)
    after_login(every, flows)
    charts(db)
    # A capture is read into a database that does not stay.
    place = tap.tmp("empty")
    os.mkdir(place)
    result = tap.run("chart", capture, "--list", env=dict(os.environ, TMPDIR=place))
    tap.equal((result.returncode, os.listdir(place)), (0, []), "chart of a capture leaves nothing behind", result.stderr)
    tap.done()


main()
