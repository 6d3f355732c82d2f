#!/usr/bin/env python3
"""What clients do: start-ups, network set-ups, supernodes, searches and the scenes of charts, in real captures and in those
that belong to the project.

Expectations are those of the wire description ("wire B1" is its section B1), of the makers of traces/, and of a count of the
capture's datagrams made here; none is taken from footsteps.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(tap.TOP, "traces"))
import make_login  # noqa: E402

MS = 1e-3
# wire B1: candidates asked; answers of 51 (219, 221, 265, 1879) and 18 bytes (267, 1886, 1898). Wire B1 to B4: frames of the first probe, the supernode's SYN, message 4 of the login; flows of the SYNs and of the version
# check; client's own. The flow of the contact list is that of wire B3, "list 1".
STARTUPS_2006 = (
    {"first": 176, "asked": 15, "answered": 4, "answer": 215, "supernode": 268, "login": 292, "message4": 361, "version": 401, "list": 573},
    {"first": 1867, "asked": 7, "answered": 3, "answer": 1873, "supernode": 1887, "login": 1931, "message4": 1977, "version": 2026, "list": None},
)
CLIENT_2006 = ("192.168.1.2", 35990)
# Other protocols, calls and overlays: nobody there starts a client with logins.
OTHERS = ("bt-http", "bt_search", "gnutella", "edonkey", "dns-tunnel-iodine", "stun", "sip", "wa_voice", "zoom2", "quic", "teredo",
          "ethereum", "snapchat", "viber", "whatsapp_voice_and_message", "steam", "tor")
STARTUPS = """SELECT s.*, (s.began_ns - r.first_ns) / 1e9 AS began FROM startups s JOIN runs r USING (run) ORDER BY startup"""
SEARCHES = """SELECT s.*, (s.first_ns - r.first_ns) / 1e9 AS first, (s.last_ns - r.first_ns) / 1e9 AS last
              FROM searches s JOIN runs r USING (run) ORDER BY search"""


def read(path, name):
    result, db = tap.read([path])
    tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
    return db


def packets(path):
    """(seconds since the first frame, protocol, source, destination, payload length) of each frame, None for what is not UDP
    or TCP over IPv4; the first has number 1."""
    found, start = [None], None
    for record in tap.pcap_records(tap.content(path)):
        seconds, micros = struct.unpack_from("<II", record)
        frame = record[16:]
        start = seconds + micros / 1e6 if start is None else start
        ts = seconds + micros / 1e6 - start
        if frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
            found.append((ts, None, None, None, 0))
            continue
        head, total = (frame[14] & 15) * 4, struct.unpack_from(">H", frame, 16)[0]
        ports = struct.unpack_from(">HH", frame, 14 + head)
        own = 8 if frame[23] == 17 else frame[14 + head + 12] >> 4 << 2
        ends = [(".".join(str(b) for b in frame[26 + 4 * i:30 + 4 * i]), ports[i]) for i in (0, 1)]
        found.append((ts, "udp" if frame[23] == 17 else "tcp", *ends, total - head - own))
    return found


def nodes(found, client, begin, end):
    """Nodes that the client sent to over UDP in this time, and those of them that answered then."""
    asked, answered = set(), set()
    for ts, proto, source, destination, _ in found[1:]:
        if proto != "udp" or not begin - 1e-6 <= ts <= end + 1e-6:
            continue
        if source == client:
            asked.add(destination)
        elif destination == client and source in asked:
            answered.add(source)
    return asked, answered


def startups_2006(db, found):
    rows = tap.query(db, STARTUPS)
    tap.equal(len(rows), len(STARTUPS_2006), "SkypeIRC: two start-ups")
    tap.equal([round(row["began"], 2) for row in rows], [59.98, 298.9], "SkypeIRC: when (wire B1)")
    for row, wire in zip(rows, STARTUPS_2006):
        name = f"SkypeIRC: start-up {row['startup']}"
        began = found[wire["first"]][0]
        tap.ok(abs(row["began"] - began) < 1e-6, f"{name}: its first packet", row["began"], began)
        tap.equal((row["client"], row["outcome"]), (1, "success"), f"{name}: client, outcome")
        tap.equal([row[f"{what}_flow"] for what in ("supernode", "login", "version", "list")],
                  [wire[what] for what in ("supernode", "login", "version", "list")], f"{name}: flows")
        for column, frame in (("udp_answer_ns", "answer"), ("tcp_first_ns", "supernode"), ("supernode_ns", "supernode"),
                              ("login_ns", "message4")):
            since = found[wire[frame]][0] - began
            tap.ok(abs((row[column] or -1e9) / 1e9 - since) < MS, f"{name}: {column}", row[column], since)
        done = found[wire["message4"]][0]
        asked, answered = nodes(found, CLIENT_2006, began, done)
        tap.equal((row["udp_asked"], row["udp_answered"]), (wire["asked"], wire["answered"]), f"{name}: candidates asked, answered")
        # The count of the datagrams says the same of those asked before the first message to the supernode.
        met = next(ts for ts, proto, source, to, size in found[wire["supernode"]:] if proto == "tcp" and size and
                   source == found[wire["supernode"]][2])
        candidates, _ = nodes(found, CLIENT_2006, began, met)
        tap.equal((wire["asked"], wire["answered"]), (len(candidates), len(candidates & answered)), f"{name}: the same in the capture")
        # Over UDP all is said once but for 3 datagrams; the connections of the supernode and the login are the other part.
        after, _ = nodes(found, CLIENT_2006, done + 1e-5, done + 60)
        tap.equal(row["nodes_after"], len(after - asked), f"{name}: further nodes in a minute (BS: about 22)")
        tap.equal(row["tcp_tried"], 2, f"{name}: connections to the supernode and the login server")
        tap.equal(row["icmp_echoes"], 0, f"{name}: no echo requests (wire B4: a traceroute over UDP)")
        ports = {found[wire[what]][2] for what in ("supernode", "login")}
        sums = [0, 0]
        for ts, proto, source, destination, size in found[1:]:
            if began <= ts <= done and (CLIENT_2006 in (source, destination) or ports & {source, destination}):
                sums[source != CLIENT_2006 and source not in ports] += size
        tap.equal((row["bytes_out"], row["bytes_in"]), tuple(sums), f"{name}: bytes exchanged until the login")


def search_2006(db, found):
    """wire A4: 1284 to the supernode, 1285 back, 1287 to 1289 to three peers, 54 fragments back."""
    rows = tap.query(db, SEARCHES)
    tap.equal(len(rows), 1, "SkypeIRC: one search")
    for row in rows:
        tap.equal((row["client"], row["supernode_flow"], row["nodes"], row["answered"], row["waves"]), (1, 268, 3, 3, 1),
                  "SkypeIRC: the search: nodes and answers")
        tap.ok(abs(row["first"] - found[1284][0]) < MS, "SkypeIRC: the search begins with the request", row["first"])
        peers = {found[frame][3] for frame in (1287, 1288, 1289)}
        answers = [packet for packet in found[1:] if packet[2] in peers and packet[3] == CLIENT_2006]
        tap.equal(len(answers), 54, "SkypeIRC: fragments in the capture")
        tap.ok(abs(row["last"] - answers[-1][0]) < MS, "SkypeIRC: it ends with the last fragment", row["last"])
        tap.equal((row["bytes_out"], row["bytes_in"]), (13 + 3 * 47, 48 + sum(packet[4] for packet in answers)),
                  "SkypeIRC: bytes of the search")


def supernodes_2006(db):
    """wire B2; their ends are the client's FIN, wire B13: 73.227 to 193.301 s are two intervals."""
    rows = tap.query(db, "SELECT * FROM B3 WHERE protocol = 'skype' ORDER BY flow")
    tap.equal([(r["flow"], r["server_ip"], r["server_port"], r["connected"], r["next"]) for r in rows],
              [(268, "68.206.150.243", 57322, 1, 1887), (1887, "67.71.69.121", 12492, 1, None)], "SkypeIRC: supernodes")
    for row, (first, last) in zip(rows, ((72.4235, 240.816), (300.4007, 313.695))):
        # The connection's last packets follow the FIN within 0.2 s.
        tap.ok(abs(row["first_ts"] - first) < MS and 0 <= row["last_ts"] - last < 0.2, "SkypeIRC: supernode: start, end", row)
    tap.equal([(r["supernodes"], r["connections"]) for r in tap.query(db, "SELECT * FROM B15")], [(2, 2)],
              "SkypeIRC: B15 has the two of wire B2")
    rows = tap.query(db, "SELECT flow, keepalive_s FROM B13 WHERE protocol = 'skype'")
    tap.equal([row["flow"] for row in rows], [268], "SkypeIRC: the connection with keep-alives")
    tap.ok(rows and abs(rows[0]["keepalive_s"] - 60.04) < 0.01, "SkypeIRC: keep-alives every 60.04 s", rows)


def scenes_2006(db):
    scenes = tap.query(db, """SELECT kind, number, client, (s.first_ns - r.first_ns) / 1e9 AS first,
                              (s.last_ns - r.first_ns) / 1e9 AS last FROM scenes s JOIN runs r USING (run) ORDER BY 1, 2""")
    tap.equal([(s["kind"], s["number"], s["client"]) for s in scenes if s["kind"] != "call"],
              [("login", 1, 1), ("login", 2, 1), ("search", 1, 1)], "SkypeIRC: scenes")
    for scene, end in zip(scenes, (74.3185 + 15, 301.4529 + 15)):
        tap.ok(abs(scene["last"] - end) < MS, "SkypeIRC: a login's scene goes on for 15 s", scene)
    sizes = tap.query(db, """SELECT group_concat(CASE direction WHEN 'out' THEN '>' ELSE '<' END || bytes, ' ') AS sizes FROM
                             (SELECT * FROM messages WHERE flow = 292 ORDER BY n)""")
    tap.equal(sizes[0]["sizes"], ">5 <5 >451 <232 >18 <67", "SkypeIRC: messages of the login (wire B3)")
    kept = tap.query(db, "SELECT DISTINCT flow FROM scene_flows WHERE kind = 'login' AND number = 1")
    flows = {row["flow"] for row in kept}
    # wire B1: the 15 probes; supernode and login; the version check. The contact list (90.125 s) is behind the 15 s.
    probes = {176, 184, 185, 186, 187, 214, 220, 222, 229, 230, 231, 232, 264, 266, 269}
    tap.ok(flows >= probes | {268, 292, 401}, "SkypeIRC: flows of the first login", sorted(flows))
    tap.ok(573 not in flows and 1867 not in flows, "SkypeIRC: ... and no later ones", sorted(flows))
    flows = {row["flow"] for row in tap.query(db, "SELECT flow FROM scene_flows WHERE kind = 'search'")}
    tap.equal(flows, {268, 1287, 1288, 1289}, "SkypeIRC: flows of the search")


def setup(db, name, client, expected, *reasons):
    rows = tap.query(db, "SELECT s.* FROM setups s JOIN clients c USING (run, client) WHERE c.ip = ? AND c.port = ?", *client)
    tap.equal([row["setup"] for row in rows], [expected], f"{name}: network set-up")
    for reason in reasons:
        tap.ok(rows and reason in rows[0]["reasons"], f"{name}: because: {reason}", rows)
    return rows[0] if rows else {}


def skype_2006(directory):
    path = os.path.join(directory, "SkypeIRC.pcap")
    db, found = read(path, "SkypeIRC"), packets(path)
    startups_2006(db, found)
    search_2006(db, found)
    supernodes_2006(db)
    scenes_2006(db)
    # wire A3: ACKs name the address; frames 561, 774 and 2110 (or their TCP, B4) are the peers that came first.
    row = setup(db, "SkypeIRC", CLIENT_2006, "nat", "Its peers see it as 86.128.245.115, it is 192.168.1.2: translated.",
                "3 peers reached it first over UDP or TCP: the translator lets strangers in.")
    tap.equal(row.get("callers"), 3, "SkypeIRC: callers")


def one_sided(directory):
    """SkypeIRC with what one side sent alone: neither half may be taken for a filter, or for strangers."""
    data = tap.content(os.path.join(directory, "SkypeIRC.pcap"))
    for at, name, words in ((26, "sent", "the other direction may be missing in the trace"),
                            (30, "received", "Nothing that it sent over UDP is in the trace")):
        half = [r for r in tap.pcap_records(data)
                if r[16 + 12:16 + 14] == b"\x08\x00" and r[16 + at:16 + at + 4] == bytes([192, 168, 1, 2])]
        db = read(tap.write(tap.tmp(f"{name}.pcap"), data[:24] + b"".join(half)), name)
        setup(db, f"what the client {name}", CLIENT_2006, "unknown" if name == "sent" else "nat", words)


def skype_2015(directory):
    path = os.path.join(directory, "skype.pcap")
    db = read(path, "skype")
    # wire C0, F: 144 peers, no answer; C3: 88 connections to supernodes alone, in two forms, and what follows.
    row = setup(db, "skype", ("192.168.1.34", 13021), "udp-restricted", "None of 144 peers asked over UDP answered, while TCP works")
    tap.equal((row.get("asked"), row.get("answered"), row.get("callers")), (144, 0, 0), "skype: asked, answered")
    rows = tap.query(db, STARTUPS)
    # wire C3: of all connections to supernodes one got through, frame 1258. C4: what the logins came to cannot be seen.
    tap.equal([(r["supernode_flow"], r["outcome"], r["udp_answered"], r["login_ns"]) for r in rows], [(1258, "unknown", 0, None)],
              "skype: one start-up")
    # wire C2: 137 probes of 22 to 37 bytes, one for each; the others are asked after a supernode was reached.
    tap.equal([r["udp_asked"] for r in rows], [137], "skype: candidates")
    tap.equal([r["flow"] for r in tap.query(db, "SELECT flow FROM B3 WHERE connected")], [1258], "skype: the supernode")
    # ... and so of the supernodes by day; wire C3: 27 in the first form to their ports, 26 of them again to port 443.
    tap.equal([(r["supernodes"], r["connections"]) for r in tap.query(db, "SELECT * FROM B15")], [(1, 1)], "skype: B15")
    tap.equal([tuple(r.values()) for r in tap.query(db, "SELECT count(*), sum(connections), sum(connected) FROM B8")], [(53, 53, 1)],
              "skype: B8")
    tap.equal(tap.query(db, "SELECT * FROM searches"), [], "skype: no search can be told")
    rows = tap.query(db, "SELECT keepalive_s FROM B13 WHERE protocol = 'skype'")
    tap.ok(len(rows) == 1 and abs(rows[0]["keepalive_s"] - 30.03) < 0.05, "skype: keep-alives every 30.03 s (wire C3)", rows)


def login_made():
    """traces/README.md, table of login."""
    db = read(os.path.join(tap.TOP, "traces", "login.pcap"), "login")
    rows = tap.query(db, STARTUPS)
    tap.equal([(r["outcome"], round(r["began"], 1)) for r in rows], [("success", 5.0)], "login: one start-up")
    for row in rows:
        ends = [tap.query(db, "SELECT server_ip, server_port FROM flows WHERE flow = ?", row[f"{what}_flow"])[0]
                for what in ("supernode", "login", "list", "version")]
        tap.equal([tuple(end.values()) for end in ends],
                  [make_login.SUPERNODE, make_login.LOGIN_SERVER, make_login.LIST_SERVER, make_login.WEB_SERVER],
                  "login: supernode, servers")
        tap.ok(abs(row["supernode_ns"] / 1e9 - 11.7) < 0.1 and 12.8 < row["login_ns"] / 1e9 < 13.3, "login: times", row)
    rows = tap.query(db, SEARCHES)
    tap.equal([(r["nodes"], r["answered"], r["waves"], round(r["first"], 1)) for r in rows], [(3, 1, 1, 142.7)], "login: the search")
    setup(db, "login", (make_login.CLIENT, make_login.PORT), "nat", f"Its peers see it as {make_login.PUBLIC}")
    tap.equal([r["next"] for r in tap.query(db, "SELECT next FROM B3")], [None], "login: one supernode")


def login_with_echoes():
    """B5: echo requests to four hosts before the login's answer, one of them twice; one a minute after; a port unreachable."""
    records = tap.pcap_records(tap.content(os.path.join(tap.TOP, "traces", "login.pcap")))
    start = struct.unpack_from("<II", records[0])
    start = start[0] + start[1] / 1e6

    def icmp(at, host, kind):
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 36, 7, 0, 64, 1, 0) + make_login.address(make_login.CLIENT) + \
            make_login.address(host)
        frame = bytes(12) + b"\x08\x00" + ip + struct.pack(">BBHHH", kind, 0, 0, 1, 1) + bytes(8)
        return tap.pcap_record(start + at, frame)
    more = [icmp(17.0 + i / 10, f"203.0.113.{200 + i % 4}", 8) for i in range(5)]
    more += [icmp(17.5, "203.0.113.210", 3), icmp(120.0, "203.0.113.211", 8)]
    records = sorted(records + more, key=lambda r: struct.unpack_from("<II", r))
    path = tap.write(tap.tmp("echoes.pcap"), tap.pcap_header() + b"".join(records))
    db = read(path, "echoes")
    tap.equal([r["icmp_echoes"] for r in tap.query(db, "SELECT icmp_echoes FROM B5")], [4], "echoes: hosts (B5)")


def made():
    login_made()
    login_with_echoes()
    db = read(os.path.join(tap.TOP, "traces", "supernode.pcap"), "supernode")
    # Both run when the trace begins, and neither logs in.
    tap.equal(tap.query(db, STARTUPS), [], "supernode: no start-up")
    tap.equal(tap.query(db, SEARCHES), [], "supernode: no search")
    setup(db, "supernode", ("10.0.0.3", 41877), "nat", "the translator lets strangers in")
    db = read(os.path.join(tap.TOP, "traces", "voice.pcap"), "voice")
    # "the client of login.pcap: login probes, supernode, notices": no login; then six calls.
    tap.equal([(r["began"], r["outcome"], r["login_ns"]) for r in tap.query(db, STARTUPS)], [(0.0, "none", None)],
              "voice: one start-up, without a login")
    tap.equal(tap.query(db, SEARCHES), [], "voice: no search")
    rows = tap.query(db, """SELECT s.number, c.call, s.first_ns <= c.first_ns AND s.last_ns >= c.last_ns AS spans,
                            (SELECT count(*) FROM scene_flows f JOIN streams t USING (run, flow)
                             WHERE f.kind = 'call' AND f.number = s.number AND t.call = c.call) AS media
                            FROM calls c LEFT JOIN scenes s ON s.run = c.run AND s.kind = 'call' AND s.number = c.call""")
    tap.ok(len(rows) == 6 and all(r["number"] == r["call"] and r["spans"] and r["media"] for r in rows),
           "voice: a scene for each call, with its media", rows)


def others(directory):
    # Of its peers one alone spoke first: 10.0.2.2, of the same private network, through which no translator stands. And how
    # often nodes of Gnutella are called is not known.
    path = os.path.join(directory, "gnutella.pcap")
    if os.path.exists(path):
        row = setup(read(path, "gnutella"), "gnutella", ("10.0.2.15", 28681), "nat", "No peer reached it first in 8 min 3 s")
        tap.equal(row.get("callers"), 0, "gnutella: neighbours are no callers")
    for name in OTHERS:
        for ending in ("pcap", "pcapng"):
            path = os.path.join(directory, f"{name}.{ending}")
            if os.path.exists(path):
                _, db = tap.read([path])
                counts = tap.query(db, "SELECT (SELECT count(*) FROM startups) + (SELECT count(*) FROM searches) AS n")
                tap.equal([r["n"] for r in counts], [0], f"{name}: no start-up, no search")


def main():
    made()
    if tap.traces("skype"):
        skype_2006(tap.traces("skype"))
        skype_2015(tap.traces("skype"))
        one_sided(tap.traces("skype"))
    else:
        tap.missing("real captures of Skype")
    if tap.traces("other-protocols"):
        others(tap.traces("other-protocols"))
    else:
        tap.missing("captures of other protocols")
    tap.done()


main()
