#!/usr/bin/env python3
"""footsteps rules --try: what strategies do to recordings.

The captures of the first half are written here, connection by connection, so that it is known by hand what stops them and
how they escape. Those of the second half are real, and tshark says which of their flows fit.
"""
import ipaddress
import json
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess

from tap import (TOP, built_with, done, equal, in_parallel, missing, no_program, ok, pcap_header, pcap_record, query, read,
                 run, skip, tmp, traces, write)

# Of dissectors/skype/rules.c, written down once more: what fits, by the payload of one packet.
HELLO = bytes.fromhex("1603010000")
BLOCK_2006 = bytes.fromhex("4103000980400408c001")
BLOCK_2015 = bytes.fromhex("42cdefe740d72f")
FALSE_HELLO = bytes.fromhex("8046010301002d0000001000000500000400000a")
PATTERNS = {
    "hello": lambda p, udp: not udp and p == HELLO,
    "hello_more": lambda p, udp: not udp and len(p) > 10 and p[:9] == HELLO + HELLO[:4] and p[10] != 1,
    "block_2006": lambda p, udp: not udp and p[:4] == HELLO[:4] and p[5:15] == BLOCK_2006,
    "block_2015": lambda p, udp: not udp and p[:4] == HELLO[:4] and p[5:12] == BLOCK_2015,
    "first_four": lambda p, udp: not udp and p[:4] == HELLO[:4],
    "probe": lambda p, udp: udp and 18 <= len(p) <= 37 and p[2] == 2,
    "false_hello": lambda p, udp: not udp and len(p) == 72 and p[:20] == FALSE_HELLO,
}
STRATEGIES = {
    "combined": ("hello", "hello_more", "block_2006", "block_2015"), "exact": ("hello",),
    "block3": ("block_2006", "block_2015"), "paper": ("first_four",), "udp-probe": ("probe",),
    "node-hello": ("false_hello",),
}


def rehearse(*arguments):
    """Rows of --try --json, by what they are."""
    result = run("rules", "--try", "--json", "--all", *arguments)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    what = [os.path.basename(argument) for argument in arguments]
    ok(result.returncode in (0, 3) and rows, "rules --try " + " ".join(what[:6] + ["..."] * (len(what) > 6)), result.stderr)
    return {kind: [row for row in rows if row["row"] == kind]
            for kind in ("recording", "strategy", "escape", "collateral", "host", "flow")}


def strategies(rows, *cells):
    return {row["strategy"]: tuple(row[cell] for cell in cells) for row in rows["strategy"]}


def escapes(rows, strategy):
    return {(row["way"], row["pattern"], row["role"]): row["count"] for row in rows["escape"] if row["strategy"] == strategy}


# --- captures made by hand: raw IP packets (LINKTYPE_RAW)

class Trace:
    def __init__(self):
        self.records, self.port = [], 30000
        self.random = random.Random(6)

    def packet(self, at, proto, source, destination, segment):
        if ":" in source:
            ip = struct.pack("!IHBB", 6 << 28, len(segment), proto, 64) + b"".join(
                ipaddress.ip_address(end).packed for end in (source, destination))
        else:
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0, 64, proto, 0,
                             *(bytes(map(int, end.split("."))) for end in (source, destination)))
        self.records.append((at, len(self.records), ip + segment))

    def tcp(self, at, client, server, steps, port=None, syn=True, spread=0.05):
        """steps: ">" and "<" with payload, "+" and payload: sent again by the client; a number: wait for so long."""
        self.port += 1
        ends = (client, port or self.port), (server[0], server[1])
        seq, sent = [1000, 5000], 0

        def send(who, flags, payload=b"", number=None):
            (source, sport), (destination, dport) = ends if who == 0 else ends[::-1]
            header = struct.pack("!HHIIBBHHH", sport, dport, seq[who] if number is None else number,
                                 0 if flags == 2 else seq[1 - who], 5 << 4, flags, 8192, 0, 0)
            self.packet(at, 6, source, destination, header + payload)
        if syn:
            send(0, 2)
            seq[0] += 1
            send(1, 0x12)
            seq[1] += 1
        first = seq[0]
        for step in steps:
            if not isinstance(step, tuple):
                at += step
                continue
            at += spread
            way, payload = step
            who = 0 if way in ">+" else 1
            if way == "+":
                send(0, 0x18, payload, first)
            else:
                send(who, 0x18, payload)
                seq[who] += len(payload)
        at += spread
        send(0, 0x11)
        seq[0] += 1
        send(1, 0x11)
        seq[1] += 1
        send(0, 0x10)
        return self.port

    def udp(self, at, source, destination, payload):
        self.packet(at, 17, source[0], destination[0],
                    struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload)

    def bytes(self, count):
        return self.random.randbytes(count)

    def write(self, name):
        return write(tmp(name), pcap_header(101) + b"".join(pcap_record(at, packet) for at, _, packet in sorted(self.records)))


ANSWER = bytes.fromhex("1703010000")


def record(kind, body):
    return bytes((kind, 3, 1)) + struct.pack("!H", len(body)) + body


def block(t, constant=BLOCK_2006, size=197):
    return record(0x16, constant + t.bytes(195)) + record(0x17, t.bytes(size))


def login(t, before=(), after=()):
    return [(">", HELLO), ("<", ANSWER), *before, (">", block(t)), ("<", record(0x17, t.bytes(217))), *after]


def client_hello(t, name=b"www.example.org"):
    """TLS 1.2 in a record of version 1.0, less than 256 bytes: RFC 5246 7.4.1.2, RFC 6066 3."""
    sni = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\3\3" + t.bytes(32) + b"\0" + struct.pack("!H3H", 6, 0xC02F, 0xC030, 0x009C) + b"\1\0"
    body += struct.pack("!H", len(sni)) + sni
    hello = record(0x16, b"\1" + struct.pack("!I", len(body))[1:] + body)
    assert hello[:4] == HELLO[:4]
    return hello


LOGIN, LIST = ("198.51.100.33", 33033), ("198.51.100.35", 12350)

# --- every way to escape

t = Trace()
whole = login(t)
t.tcp(1, "10.0.0.1", LOGIN, whole)  # as captured in 2006
together = HELLO + block(t)
t.tcp(20, "10.0.0.2", LOGIN, [(">", together), ("<", ANSWER + record(0x17, t.bytes(217)))])
small = block(t)
pieces = [(">", HELLO[:2]), (">", HELLO[2:]), ("<", ANSWER), (">", small[:3]), (">", small[3:]), ("<", record(0x17, t.bytes(217)))]
t.tcp(40, "10.0.0.3", LOGIN, pieces)  # nothing is where a pattern looks
t.tcp(60, "10.0.0.4", LOGIN, pieces + [("+", HELLO)])  # ... but sent again whole, when it is too late
t.tcp(80, "10.0.0.5", LIST, [(">", HELLO)])  # no answer
# A node's connection (wire C3, form 1: 48 bytes and padding by a generator), in which a login block is relayed (wire C4).
pad = [t.random.randrange(256)]
while len(pad) < 30:
    pad.append((0xCD * pad[-1] + 0x71) & 255)
opening = t.bytes(48) + bytes(pad)
relayed = block(t, BLOCK_2015 + b"\x1d")
node = ("198.51.100.40", 40001)
t.tcp(100, "10.0.0.6", node, [(">", opening), ("<", t.bytes(48) + bytes(pad)), (">", t.bytes(34) + relayed), ("<", t.bytes(90))])
# ... and one whose block is at the beginning of its segment, where a pattern looks.
t.tcp(120, "10.0.0.7", node, [(">", opening), ("<", t.bytes(48) + bytes(pad)), (">", relayed), ("<", t.bytes(90))])
ways = t.write("ways.pcap")
rows = rehearse(ways)
equal(strategies(rows, "logins", "logins_stopped", "contact_lists", "contact_lists_stopped"),
      {"combined": (6, 3, 1, 1), "exact": (6, 1, 1, 1), "block3": (6, 2, 1, 0), "paper": (6, 3, 1, 1),
       "addresses": (6, 4, 1, 0), "clients": (6, 0, 1, 0), "udp-probe": (6, 0, 1, 0), "node-hello": (6, 0, 1, 0)},
      "six logins and a list: what each strategy stops")
FORM, LATE, RELAYED = ("form", None, "login"), ("late", None, "login"), ("relayed", None, "login")
for strategy, expected in {
        "combined": {FORM: 1, LATE: 1, RELAYED: 1},
        "exact": {("pattern", "hello_more", "login"): 1, FORM: 1, LATE: 1, RELAYED: 2},
        "block3": {("pattern", "hello_more", "login"): 1, ("pattern", "hello", "contact-list"): 1, FORM: 2, RELAYED: 1},
        # The second time, the node that relays is on the list.
        "addresses": {("unlisted", None, "login"): 1, ("unlisted", None, "contact-list"): 1, RELAYED: 1},
        "clients": {("unlisted", None, "login"): 4, ("unlisted", None, "contact-list"): 1, RELAYED: 2}}.items():
    equal(escapes(rows, strategy), expected, f"{strategy}: how the others escape")
equal({row["packet"] for row in rows["escape"] if row["strategy"] == "exact" and row["way"] == "late"}, {28},
      "the example is the first packet of that connection")
# Connections have 9, 7, 11, 12 packets; SYN, SYN, and then what is sent.
equal(sorted((row["packet"], row["client"]) for row in rows["flow"] if row["strategy"] == "exact"),
      [(3, "10.0.0.1:30001"), (36, "10.0.0.4:30004"), (42, "10.0.0.5:30005")], "flows come with the packet that fits")
equal([row["strategy"] for row in rows["strategy"]][:5], ["combined", "paper", "addresses", "exact", "block3"],
      "ranked: nothing legitimate is hit here, so what stops more is first (4, 4, 4, 2, 2)")
text = run("rules", "--try", ways, env={**os.environ, "COLUMNS": "80"}).stdout
ok("Best: combined. It stops 3 of 6 logins and 1 of 1 exchange" in text, "the closing sentence names the best", text)
ok(max(map(len, text.splitlines())) <= 80, "80 columns are enough", max(text.splitlines(), key=len))
limited = run("rules", "--try", ways, "--strategy", "exact", "--internal", "10.0.0.0/8", "--direction", "out", "--never",
              "10.0.0.0/30", env={**os.environ, "COLUMNS": "80"}).stdout
ok(0 < max(map(len, limited.splitlines())) <= 80, "... with all that limits the rules", limited)
ok("The strategy" in limited and "Best" not in limited and "Order" not in limited, "one strategy is not ranked", limited)
ok("fits another pattern only: the first" in text and "(hello_more)" in text, "the other pattern is named", text)

# --- what limits the rules

rows = rehearse(ways, "--strategy", "exact", "--never", "10.0.0.0/30")
equal((strategies(rows, "logins_stopped"), escapes(rows, "exact")[("never", None, "login")]), ({"exact": (0,)}, 1),
      "--never spares the one that would be stopped")
rows = rehearse(ways, "--strategy", "exact", "--never", "198.51.100.33")
equal(escapes(rows, "exact")[("never", None, "login")], 2, "... also by its server; what is late is spared, too")
rows = rehearse(ways, "--strategy", "exact", "--internal", "10.0.0.0/8", "--direction", "in")
equal((strategies(rows, "logins_stopped", "contact_lists_stopped"), escapes(rows, "exact")[("direction", None, "login")],
       rows["flow"]), ({"exact": (0, 0)}, 2, []), "--direction in: they go out")
rows = rehearse(ways, "--strategy", "exact", "--internal", "10.0.0.0/8", "--direction", "out")
equal(strategies(rows, "logins_stopped", "contact_lists_stopped"), {"exact": (1, 1)}, "--direction out: they are hit")
rows = rehearse(ways, "--strategy", "exact", "--internal", "10.0.0.0/8", "--internal", "198.51.100.0/24")
equal(strategies(rows, "logins_stopped", "contact_lists_stopped"), {"exact": (0, 0)}, "both ends inside: it crosses nothing")

# --- lists that grow: a server is known from the end of the first flow that shows it

t = Trace()
t.tcp(1, "10.0.0.1", LOGIN, login(t) + [60])  # open from 1 to 61 s
t.tcp(5, "10.0.0.2", LOGIN, login(t) + [80])  # answered before the server is known, and still open then
t.tcp(55, "10.0.0.3", LOGIN, [20] + login(t))  # open before, its login after
t.tcp(90, "10.0.0.4", LOGIN, login(t))
t.tcp(95, "10.0.0.5", ("198.51.100.34", 33033), login(t))  # another server
t.tcp(96, "10.0.0.6", (LOGIN[0], 80), [(">", b"GET / HTTP/1.0\r\n\r\n"), ("<", b"HTTP/1.0 200 OK\r\n\r\n")])
growing = t.write("growing.pcap")
rows = rehearse(growing, "--strategy", "addresses")
equal((strategies(rows, "logins", "logins_stopped"), escapes(rows, "addresses")),
      ({"addresses": (5, 2)}, {("late", None, "login"): 1, ("unlisted", None, "login"): 2}), "a list that grows with time")
other = "legitimate" if built_with("libndpi") else "unknown"
equal([row["client"].split(":")[0] for row in rows["flow"] if row["category"] == other], ["10.0.0.6"],
      "what else goes to a server's address is hit, and is not the protocol's")
# The same in a database of the protocol's own flows: what else would be hit is not there, which is not none.
_, few = read([growing])
rows = rehearse(few, "--strategy", "addresses")
equal(strategies(rows, "logins_stopped", "legitimate", "unknown"), {"addresses": (2, None, None)},
      "--flows recognised: the cost of a list is not known")
text = run("rules", "--try", few).stdout
ok("named twice, and counts twice" in run("rules", "--try", few, few).stderr, "a recording that is named twice is said")
ok(re.search(r"addresses +\S+ +2/5 +\S+ +\d+ +\? +\?", text) and "--flows all" in text, "... and is shown as ?", text)
equal(strategies(rehearse(few, "--strategy", "paper"), "legitimate"), {"paper": (0,)}, "... but of patterns it is known")

# --seen: what was known beforehand.
_, seen = read([growing], "--flows", "all")
connection = sqlite3.connect(seen)
connection.execute("DELETE FROM flows WHERE flow > 1")
connection.execute("DELETE FROM exchanges WHERE flow > 1")
connection.execute("INSERT INTO clients SELECT 1, 1, 'skype', 'skype', '10.0.0.4', 30004, 1, NULL, NULL, NULL, 40, 1, NULL, NULL,"
                   " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 'client'")
connection.commit()
connection.close()
rows = rehearse(growing, "--seen", seen)
equal((strategies(rows, "logins_stopped")["addresses"], escapes(rows, "addresses")), ((4,), {("unlisted", None, "login"): 1}),
      "--seen: the server is blocked from the beginning")
equal((strategies(rows, "logins_stopped")["clients"], escapes(rows, "clients")), ((1,), {("unlisted", None, "login"): 4}),
      "--seen: the client that logs in from its own port is stopped")
# An endpoint counts at its own end: a server beyond the border, a client within.
for inside, stopped in (("10.0.0.0/8", (4, 1)), ("198.51.100.0/24", (0, 0))):
    rows = rehearse(growing, "--seen", seen, "--internal", inside)
    got = strategies(rows, "logins_stopped")
    equal((got["addresses"] + got["clients"]), stopped, f"--internal {inside}: lists at the right end of the border")
equal({way for way, _, _ in escapes(rows, "addresses")}, {"direction", "unlisted"}, "... else it is the direction")
t = Trace()
t.tcp(1, "10.0.0.4", LOGIN, login(t), port=40000)
rows = rehearse(t.write("port.pcap"), "--seen", seen, "--strategy", "clients")
equal(escapes(rows, "clients"), {("port", None, "login"): 1}, "... from another port it escapes")

# --- legitimate and unknown flows

t = Trace()
for n in range(12):
    t.tcp(n, f"10.0.1.{n + 1}", ("203.0.113.80", 443), [(">", client_hello(t)), ("<", record(0x16, b"\2" + t.bytes(90)))])
t.tcp(20, "203.0.113.9", ("10.0.1.1", 443), [(">", client_hello(t)), ("<", record(0x16, b"\2" + t.bytes(90)))])
t.tcp(30, "10.0.1.1", ("203.0.113.81", 4711), [(">", HELLO[:4] + t.bytes(60)), ("<", t.bytes(60))])
t.tcp(32, "10.0.1.30", ("203.0.113.82", 443), [(">", HELLO[:4] + t.bytes(60)), ("<", t.bytes(60))] * 6)  # port 443: a guess
t.tcp(35, "10.0.1.31", ("10.0.1.1", 443), [(">", client_hello(t)), ("<", record(0x16, b"\2" + t.bytes(90)))])
t.tcp(40, "2001:db8::1", ("2001:db8::2", 443), [(">", client_hello(t)), ("<", record(0x16, b"\2" + t.bytes(90)))])
tls = t.write("tls\x1b[31m.pcap")
rows = rehearse(tls)
if built_with("libndpi"):
    equal(strategies(rows, "legitimate", "unknown"), {name: (15, 2) if name == "paper" else (0, 0) for name in strategies(rows)},
          "the paper's four bytes hit every short hello of TLS; nothing else does")
    equal({row["host"]: row["hit"] for row in rows["host"] if row["category"] == "legitimate"},
          {**{f"10.0.1.{n}": 1 for n in range(2, 13)}, "10.0.1.1": 2, "10.0.1.31": 1, "2001:db8::1": 1},
          "by host: the internal end, whoever began; else the initiator")
    equal([(row["protocol"], row["hit"], row["flows"]) for row in rows["collateral"] if row["category"] == "legitimate"],
          [("TLS", 15, 15)], "by protocol, and of how many")
    text = run("rules", "--try", tls).stdout
    ok("5 more; --all shows them" in text and "203.0.113.81:4711" in text, "ten of them are shown, and how many more", text)
    ok("5 more" not in run("rules", "--try", "--all", tls).stdout, "--all shows all")
else:
    skip("legitimate flows by protocol and host", "built without libndpi")
ok("\x1b" not in run("rules", "--try", tls).stdout, "a file's name cannot speak to the terminal")
text = run("rules", "--try", tls).stdout
ok("of what they stop only the further flows" in " ".join(text.split()), "without a login, stopping is not known, and it says so",
   text)

# --- what was not captured, and what no rule sees

t = Trace()
for n in range(3):
    t.tcp(n, f"10.0.1.{n + 1}", ("203.0.113.80", 443), [(">", client_hello(t)), ("<", record(0x16, b"\2" + t.bytes(90)))])
t.tcp(20, "10.0.0.1", LOGIN, login(t))


def cut(name, snaplen):
    return write(tmp(name), pcap_header(101) + b"".join(
        struct.pack("<IIII", int(at), round(at % 1 * 1e6), min(len(packet), snaplen), len(packet)) + packet[:snaplen]
        for at, _, packet in sorted(t.records)))


# Headers have 40 bytes. Ten packets have payload, of which eight begin with 16 03 01 00 (two in each connection) and two, the
# server's at the login, with 17 03. Behind four bytes it is not known whether a login block follows; 24 do not show who speaks.
for snaplen, untold, unread, paper in ((1500, 0, 0, 4), (44, 8, 0, 4), (42, 8, 0, 0), (40, 10, 0, 0), (24, 0, 30, 0)):
    rows = rehearse(cut("cut.pcap", snaplen), "--strategy", "paper")
    got = rows["strategy"][0]
    equal((rows["recording"][0]["untold"], rows["recording"][0]["unread"], got["at_least"], sum(got[cell] for cell in ("logins", "legitimate", "unknown"))),
          (untold, unread, int(untold > 0), paper), f"packets cut to {snaplen} bytes: how many cannot be told")
short = run("rules", "--try", cut("cut.pcap", 40)).stdout
words = " ".join(short.split())
ok(re.search(r"paper +- +- +- +0\+ +0\+ +0\+", short) and "Of 10 packets too little was captured" in words and
   "no legitimate flow, as far as packets were captured" in words, "... is no harmless rule", short)
ok("Of 30 packets not even the headers" in run("rules", "--try", cut("cut.pcap", 24)).stdout, "... nor where no header is")
ok("+" not in run("rules", "--try", cut("cut.pcap", 1500)).stdout, "... nothing of it where all was captured")
_, filtered = read([cut("cut.pcap", 1500)], "--flows", "all", "--filter", "tcp port 33033")
ok("A filter (read --filter) left out 21 packets" in " ".join(run("rules", "--try", filtered).stdout.split()),
   "a database of some packets says so", run("rules", "--try", filtered).stdout)
outer = Trace()
for at, _, packet in sorted(t.records):
    outer.packet(at, 4, "192.0.2.1", "192.0.2.2", packet)
tunnel = outer.write("tunnel.pcap")
equal(strategies(rehearse(tunnel, "--strategy", "exact"), "logins"), {"exact": (0,)}, "no rule looks into a tunnel")
_, inside = read([tunnel], "--flows", "all", "--tunnels")
ok("looks into tunnels" in " ".join(run("rules", "--try", inside).stdout.split()), "... and a database that did says so",
   run("rules", "--try", inside).stdout)

# --- databases

connection = sqlite3.connect(inside)
connection.execute("UPDATE runs SET options = json_set(options, '$.\"local-net\"', json('[\"x/99\"]'))")
connection.commit()
result = run("rules", "--try", inside)
ok(result.returncode == 2 and inside in result.stderr, "options that make no sense are the database's, not the user's",
   (result.returncode, result.stderr))
connection.execute("UPDATE runs SET options = '{broken'")
connection.commit()
connection.close()
equal(strategies(rehearse(inside, "--strategy", "addresses"), "logins", "legitimate"), {"addresses": (1, None)},
      "... that cannot be read say nothing of the flows that are stored")
connection = sqlite3.connect(seen)
connection.execute("UPDATE patterns SET definition = 'tcp, 6 bytes' WHERE pattern = 'hello_more'")
connection.commit()
connection.close()
result = run("rules", "--try", seen)
ok(result.returncode == 2 and "read its captures again" in result.stderr and "hello_more" in result.stderr,
   "a database that looked for something else is refused", result.stderr)
equal(run("rules", "--try", "--strategy", "paper", seen).returncode, 0, "... unless the strategy does without")
# Nobody's address, from a forged packet, is on no list that is made from a database.
_, nobody = read([growing], "--flows", "all")
for address in ("0.0.0.0", "::"):
    connection = sqlite3.connect(nobody)
    for changed in ("flows", "exchanges"):
        connection.execute(f"UPDATE {changed} SET server_ip = ? WHERE server_ip IN (?, '0.0.0.0')", [address, LOGIN[0]])
    connection.commit()
    connection.close()
    equal(strategies(rehearse(nobody, "--strategy", "addresses"), "logins_stopped", "own"), {"addresses": (0, 0)},
          f"{address} is nobody's address")
connection = sqlite3.connect(few)
connection.execute("UPDATE flows SET tcp_flags = tcp_flags & ~2 WHERE flow = 1")
connection.execute("DELETE FROM pattern_hits WHERE flow = 1")
connection.commit()
connection.close()
equal(escapes(rehearse(few, "--strategy", "exact"), "exact"), {("midstream", None, "login"): 1},
      "a connection that began before the recording, told as such")
# The server is known from the end of the first run's first login on (1.25 s), and so in the middle of the second's second.
_, twice = read([ways], "--flows", "all")
read([growing], "--flows", "all", "--append", db=twice)
rows = rehearse(twice)
equal((strategies(rows, "logins", "logins_stopped")["exact"], strategies(rows, "logins_stopped")["addresses"],
       len(rows["recording"])), ((11, 6), (4 + 3,), 1), "two runs of one database, whose list is one")
_, merged = read([ways, growing], "--flows", "all")
equal({(row["inputs"], row["file"]) for database in (twice, merged)
       for row in rehearse(database, "--strategy", "exact")["flow"]}, {(1, ways), (1, growing), (2, None)},
      "a packet's capture is named where it is the packet's number in it")
many = rehearse(*[ways, growing] * 20)
equal(strategies(many, "logins", "logins_stopped")["exact"], (20 * 11, 20 * 6), "forty recordings")
before = os.stat(twice).st_mtime_ns, query(twice, "SELECT count(*) AS n FROM sqlite_schema")
rehearse(twice, "--strategy", "exact")
equal((os.stat(twice).st_mtime_ns, query(twice, "SELECT count(*) AS n FROM sqlite_schema")), before, "it only reads")
again = [run("rules", "--try", "--json", "--all", ways, growing).stdout for _ in range(2)]
equal(again[0], again[1], "same recordings, same text")

# --- the captures of the reference peer: what they are is known

def truth_exchanges(path):
    """Logins and lists of a .truth.tsv that can be seen: (role, client, server)."""
    rows, header = [], None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if line.startswith("["):
                header, wanted = None, line.startswith("[exchanges]")
            elif header is None:
                header = cells
            elif wanted:
                row = dict(zip(header, cells))
                if not row["hidden"]:
                    rows.append((row["role"], f"{row['client_ip']}:{row['client_port']}"))
    return sorted(rows)


folder = os.path.join(TOP, "traces", "peer")
made = [name[:-len(".pcap.gz")] for name in sorted(os.listdir(folder)) if name.endswith(".pcap.gz")]
rows = rehearse(*[os.path.join(folder, name + ".pcap.gz") for name in made])
for strategy in ("combined", "exact"):
    wrong = []
    for name in made:
        hit = sorted((row["category"], row["client"]) for row in rows["flow"] if row["strategy"] == strategy
                     and row["category"] in ("login", "contact-list") and os.path.basename(row["path"]) == name + ".pcap.gz")
        if hit != truth_exchanges(os.path.join(folder, name + ".truth.tsv")):
            wrong.append((name, hit))
    equal(wrong, [], f"{strategy} hits every login and list of {len(made)} generated captures")
counts = strategies(rows, "logins", "logins_stopped", "contact_lists", "contact_lists_stopped", "legitimate")
for strategy in ("combined", "exact"):
    logins, stopped, lists, lists_stopped, legitimate = counts[strategy]
    equal((logins > 10, stopped, lists_stopped, legitimate), (True, logins, lists, 0),
          f"... {strategy} stops all, and nothing else")

# --- which flows fit, by tshark: no code of ours between the packets and the count

FILTER = ("tcp.payload[0:4] == 16:03:01:00 or tcp.payload[0:4] == 80:46:01:03 or "
          "(udp.length >= 26 and udp.length <= 45 and udp.payload[2:1] == 02)")


def tshark_hits(path):
    """(pattern, the two ends) to the first frame that fits. Only what is in no tunnel, as footsteps reads by default."""
    command = ["tshark", "-n", "-r", path, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-Y", FILTER, "-T", "fields"]
    for field in ("frame.number", "frame.protocols", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport",
                  "udp.srcport", "udp.dstport", "tcp.payload", "udp.payload"):
        command += ["-e", field]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300, check=False)
    hits = {}
    for line in result.stdout.decode().splitlines():
        frame, layers, src4, src6, dst4, dst6, tsp, tdp, usp, udp_to, tcp_payload, udp_payload = line.split("\t")
        layers = layers.split(":")
        if "tcp" not in layers and "udp" not in layers:
            continue
        l4 = min(layers.index(name) for name in ("tcp", "udp") if name in layers)
        if layers[l4 - 1] not in ("ip", "ipv6", "ipv6.hopopts", "ipv6.fraghdr", "ipv6.dstopts"):
            continue
        if sum(layers[:l4].count(name) for name in ("ip", "ipv6", "icmp", "icmpv6", "gre")) != 1:
            continue
        is_udp = layers[l4] == "udp"
        payload = bytes.fromhex((udp_payload if is_udp else tcp_payload).split(",")[0])
        ends = frozenset(((src4 or src6).split(",")[0] + " " + (usp if is_udp else tsp).split(",")[0],
                          (dst4 or dst6).split(",")[0] + " " + (udp_to if is_udp else tdp).split(",")[0]))
        for name, fits in PATTERNS.items():
            if fits(payload, is_udp):
                hits.setdefault((name, layers[l4], ends), int(frame))
    return hits


def end_of(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]") + " " + port


def our_hits(rows, path, strategy):
    """The same of rehearsal: the ends of each flow that the strategy hits, to the first packet that fits."""
    hits = {}
    for row in rows["flow"]:
        if row["strategy"] == strategy and row["path"] == path:
            key = row["proto"], frozenset((end_of(row["client"]), end_of(row["server"])))
            hits[key] = min(hits.get(key, row["packet"]), row["packet"])
    return hits


def compare(rows, paths, what):
    """Rehearsal against tshark, flow by flow; numbers of flows by strategy."""
    by_tshark = dict(zip(paths, in_parallel(tshark_hits, paths)))
    total = {}
    for strategy, patterns in STRATEGIES.items():
        wrong, total[strategy] = [], 0
        for path in paths:
            expected = {}
            for (name, proto, ends), frame in by_tshark[path].items():
                if name in patterns:
                    expected[proto, ends] = min(expected.get((proto, ends), frame), frame)
            got = our_hits(rows, path, strategy)
            total[strategy] += len(expected)
            if got != expected:
                wrong.append((os.path.basename(path), set(got.items()) ^ set(expected.items())))
        equal(wrong, [], f"{what}: {strategy} hits the {total[strategy]} flows that tshark finds, at the same packets")
    return total


if shutil.which("tshark"):
    own = [os.path.join(TOP, "traces", name) for name in sorted(os.listdir(os.path.join(TOP, "traces"))) if name.endswith(".pcap")]
    own += [os.path.join(folder, name + ".pcap.gz") for name in made]
    total = compare(rehearse(*own), own, "captures of this project")
    ok(min(total.values()) > 0, "... each strategy hits some", total)
else:
    no_program("captures of this project, by tshark", "tshark")

# --- the manual's table of formats

with open(os.path.join(TOP, "docs", "blocking.md"), encoding="utf-8") as text:
    manual = text.read()


def table(header):
    """Rows of the manual's table that begins so."""
    lines = manual[manual.index(header):].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def says(form, *options):
    """Whether the format can say that, of patterns or of the servers and clients of a database."""
    strategies_of = {"patterns": ["--strategy", "exact"], "lists": ["--strategy", "addresses", few]}
    return any(run("rules", "--format", form, *options, *strategies_of[kind]).returncode == 0 for kind in strategies_of)


expected = []
for form in [row[0] for row in table("| format | patterns |")]:
    can = [run("rules", "--format", form, "--strategy", "exact").returncode == 0,
           run("rules", "--format", form, "--strategy", "addresses", few).returncode == 0]
    can += [says(form, "--action", action) for action in ("reject", "log", "count")]
    can.append(run("rules", "--format", form, "--strategy", "addresses", "--expire", "1h", few).returncode == 0)
    expected.append([form, *("yes" if one else "no" for one in can)])
equal([row[:7] for row in table("| format | patterns |")], expected, "the manual says what each format can")
equal([row[0] for row in expected],
      [row["format"] for row in map(json.loads, run("rules", "--list", "--json").stdout.splitlines()) if row["row"] == "format"],
      "... of all formats")

others, skype = traces("other-protocols"), traces("skype")
if not others or not skype:
    missing("strategies on recorded captures")
    done()
    raise SystemExit(0)
rows = rehearse(others, skype)
paths = [row["path"] for row in rows["recording"]]
if shutil.which("tshark"):
    compare(rows, paths, f"{len(paths)} recorded captures")
else:
    no_program("recorded captures, by tshark", "tshark")

# The ground truth names the connections; every one is to be stopped, and nothing else hit.
truth = []
for name in ("SkypeIRC", "skype"):
    with open(os.path.join(skype, name + ".flows.tsv"), encoding="utf-8") as lines:
        header = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(header, line.rstrip("\n").split("\t")))
            if row["label"] in ("skype-login", "skype-contact-list"):
                truth.append((name + ".pcap", f"{row['client_ip']}:{row['client_port']}"))
counts = strategies(rows, "logins", "logins_stopped", "contact_lists", "contact_lists_stopped", "own", "legitimate", "unknown")
for strategy in ("combined", "exact"):
    hit = [(os.path.basename(row["path"]), row["client"]) for row in rows["flow"] if row["strategy"] == strategy]
    equal((sorted(hit), counts[strategy]), (sorted(truth), (4, 4, 5, 5, 0, 0, 0)),
          f"{strategy} stops every login and list of the ground truth, and hits nothing else in {len(paths)} captures")

# --- the numbers in the manual

libraries = run("--version").stdout
by_hand = {row[0]: row[1:] for row in table("| strategy | logins stopped |")}
now = {name: [f"{c[1]} of {c[0]}", f"{c[3]} of {c[2]}", *map(str, c[4:])] for name, c in counts.items()}
equal({name: cells[:3] for name, cells in by_hand.items()}, {name: cells[:3] for name, cells in now.items()},
      "the manual's numbers of what is stopped")
equal({name: int(cells[3]) + int(cells[4]) for name, cells in by_hand.items()},
      {name: int(cells[3]) + int(cells[4]) for name, cells in now.items()}, "... and of what else is hit")
packets, flows = (sum(row[cell] for row in rows["recording"]) for cell in ("packets", "flows"))
ok(f"on {len(paths)} captures" in manual and f"{packets} packets, {flows} flows" in " ".join(manual.split()),
   "... and what it was tried on", (len(paths), packets, flows))
if "libndpi 4.2" in re.sub(r" +", " ", libraries):  # whose labels these are
    equal(list(by_hand), [row["strategy"] for row in rows["strategy"]], "the manual has the strategies in the order of the ranking")
    equal(by_hand, now, "... legitimate and unknown told apart")
    broken = [(row["protocol"], row["hit"], row["flows"]) for row in rows["collateral"]
              if row["strategy"] == "paper" and row["category"] == "legitimate"]
    equal(table("| protocol | flows broken |"),
          [[name, str(hit), str(whole), f"{100 * hit / whole:.1f} %"] for name, hit, whole in broken],
          "... and what the paper's rule breaks")
    files = {row["path"] for row in rows["flow"] if row["strategy"] == "paper" and row["category"] == "legitimate"}
    ok(f"in {len(files)} captures:" in manual, "... in how many captures", len(files))
    said = " ".join(run("rules", "--help").stdout.split())
    hit, whole = next((row[1], row[2]) for row in broken if row[0] == "TLS")
    stopped = counts["combined"][1] + counts["combined"][3]
    ok(f"in {len(paths)} recorded captures they break {hit} of {whole} TLS flows" in said and f"all {stopped} logins" in said,
       "... and so does footsteps-rules(1)", said[:1500])
else:
    skip("legitimate and unknown told apart", "the manual has the labels of libndpi 4.2")
done()
