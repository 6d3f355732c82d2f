#!/usr/bin/env python3
"""The definitions D1-D13 and the round trips of R11 (docs/definitions.md), each on a conversation whose right answer is worked
out by hand beside it; and the round trips of a real capture, worked out again from its packets.

The captures are made here: a client at 10.0.0.2 that proves itself with a NAK and a resend (wire A3), and one peer for each
case. The encoder is this file's own. Times are nanoseconds, so that 200 s and 200 s + 1 ns are two things.
"""
import collections
import os
import random
import struct
import sys
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

S = 10**9
BASE = 1175500800 * S  # in April 2007
PUBLIC = "198.51.100.7"
ALICE, BOB = ("10.0.0.2", 35990), ("10.0.0.3", 41877)
SUPERNODE = ("192.0.2.200", 40000)
SIZES = {"q": 18, "r": 26, "s": 30, "n": 346, "m": 346, "p": 20}


def address(text):
    return bytes(int(part) for part in text.split("."))


class Message:
    """Function 02 (wire A1): id, IV, check, data. Sent again it has the same id and check, and is newly encrypted (wire A2)."""

    def __init__(self, trace, size):
        self.random, self.size, self.id, self.check = trace.random, size, None, trace.bytes(4)

    def __call__(self):
        return struct.pack(">HB", self.id, 2) + self.random.randbytes(4) + self.check + \
            self.random.randbytes(self.size - 11)


class Trace:
    def __init__(self):
        self.random, self.packets, self.senders = random.Random(13), [], {}

    def bytes(self, n):
        return self.random.randbytes(n)

    def send(self, ns, source, to, what, shown=None):
        """what: a Message, or a function that gives bytes; shown: where it stands in the file, if that is not its time."""
        if isinstance(what, Message):
            self.senders.setdefault(what, (source, ns))
        self.packets.append((ns if shown is None else shown, len(self.packets), ns, source, to, what))

    def number(self):
        """One counter for each sender, in the order of time, +2 for each message (wire A2)."""
        following = {}
        for message, (source, _) in sorted(self.senders.items(), key=lambda item: item[1][1]):
            message.id = following.setdefault(source, 0x1000 + 7 * source[1] % 0x8000)
            following[source] += 2

    def write(self, name, first=0, last=1 << 62, snaplen=65535):
        """A pcap with nanoseconds, of the packets of [first, last) in the file's order."""
        if not any(message.id for message in self.senders):
            self.number()
            self.made = [(shown, ns, self.frame(n, source, to, what()))
                         for n, (shown, _, ns, source, to, what) in enumerate(sorted(self.packets, key=lambda p: p[:2]))]
        data = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, 1)
        for shown, ns, frame in self.made:
            if first <= shown < last:
                kept = frame[:snaplen]
                data += struct.pack("<IIII", (BASE + ns) // S, (BASE + ns) % S, len(kept), len(frame)) + kept
        return tap.write(tap.tmp(name), data)

    @staticmethod
    def frame(number, source, to, payload):
        udp = struct.pack(">HHHH", source[1], to[1], 8 + len(payload), 0) + payload
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number + 1, 0, 64, 17, 0, address(source[0]),
                           address(to[0]))
        total = sum(struct.unpack(">10H", head))
        total = (total & 0xFFFF) + (total >> 16)
        head = head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
        return bytes.fromhex("0200000000020200000000010800") + head + udp

    def echo(self, message, function, told=PUBLIC):
        """ACK (05) or NAK (07): the id of the message that it answers; 11 bytes."""
        rest = self.bytes(4)
        return lambda: struct.pack(">HB", message.id, function) + address(told) + rest

    def prove(self, client, at=0):
        """Wire A3, to the supernode: question, NAK after 126 ms, resend 0.1 ms later, answer: a dialog of 2 + 2 packets."""
        question, challenge = Message(self, 18), self.bytes(4)
        self.send(at, client, SUPERNODE, question)
        self.send(at + 126 * S // 1000, SUPERNODE, client,
                  lambda: struct.pack(">HB", question.id, 0x77) + address(PUBLIC) + challenge)
        self.send(at + 1261 * S // 10000, client, SUPERNODE,
                  lambda: struct.pack(">HBB", question.id, 0x23, 1) + challenge + address(SUPERNODE[0]) + question.check +
                  bytes(range(7)))
        self.send(at + 252 * S // 1000, SUPERNODE, client, Message(self, 51))

    def play(self, script, client, peer):
        """
        "10 > q, 10.065 < r, 12 > +p": at 10 s the client sends the message q, at 10.065 s the peer r, at 12 s the client
        acknowledges p. A message named again is sent again. "29 > s @30.06": it stands in the file as if it were of 30.06 s.
        """
        messages = {}
        for words in (line.split() for line in script.split(",")):
            ends = (client, peer) if words[1] == ">" else (peer, client)
            ns, name = int(Decimal(words[0]) * S), words[2]
            shown = int(Decimal(words[3][1:]) * S) if len(words) > 3 else None
            if name.startswith("+"):
                what = self.echo(messages[name[1:]], 5, PUBLIC if words[1] == "<" else peer[0])
            else:
                what = messages.setdefault(name, Message(self, SIZES[name]))
            self.send(ns, *ends, what, shown)

    def call(self, client, peer, start, seconds):
        """Voice, function 0d: 63 +- 7.5 bytes every 30 ms both ways. Returns how many messages."""
        count = 0
        for side in (0, 1):
            for i in range(int(seconds / 0.030)):
                at = start + side * 41 * S // 1000 + i * 30 * S // 1000 + self.random.randrange(3 * S // 1000)
                size = min(max(round(self.random.gauss(63, 7.5)), 41), 85)
                body = struct.pack(">HB", 0x4000 + i, 0x0D | self.random.randrange(8) << 4) + self.bytes(size - 3)
                self.send(at, *((client, peer) if side == 0 else (peer, client)), lambda body=body: body)
                count += 1
        return count


# name, script, class (D10), flows that are probes (D6) and dialogs (D9), packets of each source flow (D2; out, in, for each
# flow), what each flow gives to R11 (milliseconds, or why not). "probe", "reply": its class and method.
CASES = (
    # D6, D7: one packet and its reply. 10.065 - 10 = 65 ms.
    ("a probe with its reply", "10 > q, 10.065 < r", "probe", 1, 0, [(1, 1)], ["reply 65"]),
    ("reply missing", "11 > q", "probe", 1, 0, [(1, 0)], ["no_reply"]),
    # D1: 213 - 13 = 200 s exactly is one flow, hence two packets of one source flow (D9) ...
    ("gap of exactly 200 s", "13 > q, 213 > s", "dialog", 0, 1, [(2, 0)], ["no_reply"]),
    # ... and one nanosecond more makes two flows of one packet each (D8).
    ("gap of 200 s and 1 ns", "12 > q, 212.000000001 > s", "heartbeat", 2, 0, [(1, 0), (1, 0)], ["no_reply"] * 2),
    # The reply after exactly 200 s is in the probe's flow, and the round trip 200 s.
    ("reply late, at the timeout", "14 > q, 214 < r", "probe", 1, 0, [(1, 1)], ["reply 200000"]),
    # A nanosecond later it begins a flow of its own, to which the client says nothing: two flows of one packet (D8), no pair
    # of question and reply.
    ("reply late, after the timeout", "15 > q, 215.000000001 < r", "heartbeat", 2, 0, [(1, 0), (0, 1)], ["no_reply"] * 2),
    # Two packets of one source flow (D9). Which of them was answered, after 2200 or 150 ms, nobody knows.
    ("probe resent", "16 > q, 18.05 > q, 18.2 < r", "dialog", 0, 1, [(2, 1)], ["ambiguous"]),
    # A second reply packet: not at most one (D6).
    ("two replies", "19 > q, 19.1 < r, 19.2 < s", "dialog", 0, 1, [(1, 2)], ["reply 100"]),
    # D8: 320 - 20.08 s apart. 80 and 70 ms, of non-probe traffic (D12).
    ("probe, then again: heartbeat", "20 > q, 20.08 < r, 320 > s, 320.07 < m", "heartbeat", 2, 0, [(1, 1), (1, 1)],
     ["reply 80", "reply 70"]),
    # One D6 flow, then one of 2 + 1 packets, whose first pair takes 90 ms.
    ("mix", "21 > q, 400 > s, 400.09 < r, 401 > m", "mix", 1, 1, [(1, 0), (2, 1)], ["no_reply", "reply 90"]),
    # Older than the packet before it, by 1.05 s and by 250 s: of the same flow (D1). What came first is not known.
    ("packet out of order", "30 > q, 30.05 < r, 29 > s @30.06", "dialog", 0, 1, [(2, 1)], ["disordered"]),
    ("packet older than the timeout", "500 > q, 500.05 < r, 250 > s @500.06", "dialog", 0, 1, [(2, 1)], ["disordered"]),
    # An ACK carries the id of the question: exact, and no longer a guess.
    ("notice acknowledged", "40 > n, 40.1 < +n", "probe", 1, 0, [(1, 1)], ["echo 100"]),
    ("notice resent, then acknowledged", "41 > n, 43.05 > n, 43.2 < +n", "dialog", 0, 1, [(2, 1)], ["ambiguous"]),
    # Two questions, and the second one's ACK first: 44.62 - 44.5 = 120 ms. By order it would be ambiguous.
    ("two notices, one acknowledged", "44 > n, 44.5 > m, 44.62 < +m", "dialog", 0, 1, [(2, 1)], ["echo 120"]),
    # The first exchange has no id, the second one has: 46.13 - 46 = 130 ms.
    ("an echo later in the flow", "45 > q, 45.05 < r, 46 > n, 46.13 < +n", "dialog", 0, 1, [(2, 2)], ["echo 130"]),
    # The peer asks, the client acknowledges after 1 ms: that is the client's own time, not a round trip. Behind it the peer
    # speaks again: 50.201 - 50.001 = 200 ms, the first sent-received pair.
    ("begun by the peer", "50 < p, 50.001 > +p, 50.201 < s", "dialog", 0, 1, [(1, 2)], ["reply 200"]),
    ("the peer's probe", "51 < p, 51.001 > +p", "probe", 1, 0, [(1, 1)], ["no_reply"]),
    # D8 takes no side: the client's probe, and 246 s later the peer's. What the peer asks is no sample.
    ("heartbeat from both ends", "52 > q, 52.05 < r, 298 < p, 298.001 > +p", "heartbeat", 2, 0, [(1, 1), (1, 1)],
     ["reply 50", "no_reply"]),
    # The same message again, but 200.5 s later: two flows.
    ("probe resent after the timeout", "53 > q, 253.5 > q", "heartbeat", 2, 0, [(1, 0), (1, 0)], ["no_reply"] * 2),
    # Twice exactly the timeout: still one flow, in which the client sends two (D9); the first pair takes 200 s.
    ("two gaps of exactly 200 s", "55 > q, 255 < r, 455 > s", "dialog", 0, 1, [(2, 1)], ["reply 200000"]),
    # A second reply after the timeout is a flow of its own; so the first one stays a probe (D6), and the pair is none (D7).
    ("second reply after the timeout", "54 > q, 54.05 < r, 254.050000001 < s", "heartbeat", 2, 0, [(1, 1), (0, 1)],
     ["reply 50", "no_reply"]),
    # D10, mix in the other order: a dialog, and later one probe.
    ("dialog, then a probe", "56 > q, 56.08 < r, 57 > s, 300 > m", "mix", 1, 1, [(2, 1), (1, 0)], ["reply 80", "no_reply"]),
    # The client's last packet (D13) is a reply at 900 s: 200 s after its question.
    ("the last packet", "700 > q, 900 < r", "probe", 1, 0, [(1, 1)], ["reply 200000"]),
)
PROOF = ("proof", "", "dialog", 0, 1, [(2, 2)], ["echo 126"])  # Trace.prove()
MEDIA = ("a call does not make it a dialog", "", "probe", 1, 0, [(1, 1)], ["reply 60"])


def peer_of(i):
    return (f"203.0.113.{10 + i}", 20000 + 7 * i)


def pairs(db, client):
    rows = tap.query(db, "SELECT * FROM pair_classes WHERE client_ip = ?", client[0])
    return {(row["peer_ip"], row["peer_port"]): row for row in rows}


def check_pair(row, case):
    name, _, kind, probes, dialogs, sources, _ = case
    got = row and (row["class"], row["flows"], row["probes"], row["dialogs"], row["packets_out"], row["packets_in"])
    tap.equal(got, (kind, len(sources), probes, dialogs, sum(s[0] for s in sources), sum(s[1] for s in sources)),
              f"{name}: class, flows, probes, dialogs, packets")


def lengths(cases):
    """R4 by hand: class, packets of a source flow -> how many."""
    counts = collections.Counter()
    for _, _, kind, _, _, sources, _ in cases:
        counts.update(("probe" if kind == "probe" else "non-probe", n) for source in sources for n in source if n)
    return counts


def distribution(db, measure):
    return collections.Counter({(row["class"], row["value"]): row["count"] for row in tap.query(
        db, "SELECT class, value, count FROM distributions WHERE protocol = 'skype' AND measure = ?", measure)})


def check_samples(db, cases, name):
    """R11 by hand, in microseconds. Every flow is in exactly one of the counters."""
    outcomes = [(kind, *outcome.split()) for _, _, kind, _, _, _, flows in cases for outcome in flows]
    for method in ("echo", "reply"):
        expected = collections.Counter(("probe" if o[0] == "probe" else "non-probe", int(o[2]) * 1000)
                                       for o in outcomes if o[1] == method)
        tap.equal(distribution(db, f"round_trip_{method}_us"), expected, f"{name}: round trips by {method}")
    got = {row["name"]: row["value"] for row in tap.query(db, "SELECT name, value FROM counters WHERE area = 'round_trips'")}
    tap.equal({k: v for k, v in got.items() if v}, dict(collections.Counter(o[1] for o in outcomes)),
              f"{name}: what each flow gives")


def dump(db):
    """All that must not depend on the split into files."""
    return {table: tap.query(db, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in
            ("flows", "clients", "pairs", "peers", "distributions", "round_trips", "evidence")}


def one_client():
    """D1-D13 over all cases together."""
    trace = Trace()
    trace.prove(ALICE)
    for i, case in enumerate(CASES):
        trace.play(case[1], ALICE, peer_of(i))
    # D11: a call of 5 s, and more than 200 s later one probe: the class is that of the signalling alone.
    friend = peer_of(len(CASES))
    spoken = trace.call(ALICE, friend, 60 * S, 5)
    trace.play("300 > q, 300.06 < r", ALICE, friend)
    result, db = tap.read([trace.write("one.pcap")])
    tap.equal(result.returncode, 0, "one client: read", result.stderr)
    clients = tap.query(db, "SELECT ip, port, internal, peers, first_ns, last_ns FROM clients")
    # D13: from the proof's first packet to the reply at 900 s. D4: a peer for each case, the supernode and the friend.
    tap.equal([tuple(row.values()) for row in clients], [(*ALICE, 1, len(CASES) + 2, BASE, BASE + 900 * S)],
              "D3, D4, D5, D13: the client, its peers, its lifetime")
    found = pairs(db, ALICE)
    for i, case in enumerate(CASES):
        check_pair(found.get(peer_of(i)), case)
    check_pair(found.get(SUPERNODE), PROOF)
    check_pair(found.get(friend), MEDIA)
    tap.equal((found[friend]["media_flows"], found[friend]["media_packets"]), (1, spoken), "D11: the call beside it")
    cases = (*CASES, PROOF, MEDIA)
    # D2: every direction of every flow that carried packets is a source flow, the media's left out (D11).
    tap.equal(distribution(db, "source_flow_packets"), lengths(cases), "D2, D12: lengths of the source flows")
    check_samples(db, cases, "one client")
    split(trace, db)


def split(trace, whole):
    """Two captures are one trace, also when flows go on from one into the other, and in any order of naming them."""
    parts = [trace.write("early.pcap", last=100 * S), trace.write("late.pcap", first=100 * S)]
    expected = dump(whole)
    for files in (parts, parts[::-1]):
        result, db = tap.read(files)
        names = " ".join(os.path.basename(f) for f in files)
        if tap.equal(result.returncode, 0, f"{names}: read", result.stderr):
            tap.ok(dump(db) == expected, f"{names}: the same as in one file")


def both_sides():
    """A pair of two internal clients is two pairs: each counts every flow once, with "out" and class from its own side."""
    trace = Trace()
    trace.prove(ALICE)
    trace.prove(BOB, 5 * S)
    # Alice asks and Bob acknowledges after 30 ms; 300 s later Bob asks twice and Alice answers.
    trace.play("20 > n, 20.03 < +n, 320 < q, 320.04 > r, 320.5 < s", ALICE, BOB)
    result, db = tap.read([trace.write("both.pcap")])
    tap.equal(result.returncode, 0, "both sides: read", result.stderr)
    tap.equal([(r["ip"], r["port"]) for r in tap.query(db, "SELECT ip, port FROM clients ORDER BY ip")], [ALICE, BOB],
              "both sides: two clients")
    # Alice sent 1 + 1 and got 1 + 2 packets; Bob the other way. Flow 1 is a probe (D6), flow 2 a dialog: mix from both.
    check_pair(pairs(db, ALICE).get(BOB), ("Alice's pair", "", "mix", 1, 1, [(1, 1), (1, 2)], []))
    check_pair(pairs(db, BOB).get(ALICE), ("Bob's pair", "", "mix", 1, 1, [(1, 1), (2, 1)], []))
    tap.equal((pairs(db, ALICE)[BOB]["client_first"], pairs(db, BOB)[ALICE]["client_first"]), (1, 0), "who began")
    # B7: a neighbour tells nothing of the way out. Each asked the supernode, which answered; nobody called.
    tap.equal([tuple(r.values()) for r in tap.query(db, "SELECT asked, answered, callers FROM setups ORDER BY client")],
              [(1, 1, 0)] * 2, "both sides: neighbours do not count in the set-up")
    # Flow 1: Alice's question came back after 30 ms; Bob, who only acknowledged, has no reply. Flow 2: Bob's first packet
    # was answered after 40 ms; what Alice got behind her first one, after 460 ms, is hers. And the two proofs.
    expected = {"echo": [126, 126, 30], "reply": [40, 460]}
    for method, ms in expected.items():
        tap.equal(distribution(db, f"round_trip_{method}_us"), collections.Counter(("non-probe", 1000 * n) for n in ms),
                  f"both sides: round trips by {method}")
    tap.equal(tap.query(db, """SELECT c.ip, (asked_ns - ?) / 1000000 AS asked, round_trip_ns / 1000000 AS ms, question, reply
                               FROM round_trips JOIN clients c USING (run, client) ORDER BY asked_ns""", BASE),
              [{"ip": ALICE[0], "asked": 0, "ms": 126, "question": 18, "reply": 11},
               {"ip": BOB[0], "asked": 5000, "ms": 126, "question": 18, "reply": 11},
               {"ip": ALICE[0], "asked": 20000, "ms": 30, "question": 346, "reply": 11}],
              "both sides: ids that came back, once each")


def to_itself():
    """D4: a peer is a remote socket. What bears the client's socket at both ends (a forged packet) is exchanged with nobody."""
    trace = Trace()
    trace.prove(ALICE)
    for i in range(2):
        trace.send((20 + i) * S, ALICE, ALICE, Message(trace, 18))
    result, db = tap.read([trace.write("itself.pcap")])
    if tap.equal(result.returncode, 0, "to itself: read", result.stderr):
        tap.equal(tap.query(db, "SELECT peers, last_ns FROM clients"), [{"peers": 1, "last_ns": BASE + 252 * S // 1000}],
                  "to itself: no peer, and none of the client's lifetime")
        tap.equal(tap.query(db, "SELECT sum(packets) AS n FROM N3 WHERE period = 'day'"), [{"n": 4}], "to itself: nothing is exchanged")


def snapped():
    """R1, R3, R7 are of what went over the wire (Tstat and its like keep little more than headers)."""
    trace = Trace()
    trace.prove(ALICE)
    trace.play("9 > n, 10 < +n", ALICE, peer_of(0))
    trace.call(ALICE, peer_of(1), 2 * S, 5)
    size = {True: 0, False: 0}  # of the call, sent and received
    for _, _, _, source, _, what in trace.packets:
        if not isinstance(what, Message) and len(what.__defaults__ or ()) == 1:
            size[source == ALICE] += len(what.__defaults__[0])
    # 18 + 23 + 346 bytes sent, 11 + 51 + 11 received, in 10 s.
    expected = [{"payload_out": 387, "payload_in": 73, "media_out": size[True], "media_in": size[False], "bits_per_s": 309.6,
                 "signalling": 460, "all": 460}]
    for snaplen in (65535, 42 + 24):  # the longest that a dissector needs is the resend
        result, db = tap.read([trace.write(f"snap{snaplen}.pcap", snaplen=snaplen)])
        tap.equal(result.returncode, 0, f"snaplen {snaplen}: read", result.stderr)
        tap.equal(tap.query(db, """SELECT payload_out, payload_in, media_out, media_in, round(bits_per_s, 6) AS bits_per_s,
                                   signalling, (SELECT total FROM R7 WHERE level = 'payload bytes') AS "all"
                                   FROM clients JOIN R1 USING (run, client) JOIN R3 USING (run, client)"""), expected,
                  f"snaplen {snaplen}: payload on the wire")


def long_flow():
    """30 notices and their ACKs in one flow: the dissector has 40 looks, so 20 pairs; the 20 messages behind are said."""
    trace = Trace()
    trace.prove(ALICE)
    for i in range(30):
        trace.play(f"{10 + i} > n, {10 + i}.1 < +n", ALICE, peer_of(0))
    result, db = tap.read([trace.write("long.pcap")])
    tap.equal(result.returncode, 0, "long flow: read", result.stderr)
    rows = tap.query(db, "SELECT round_trip_ns FROM round_trips WHERE question = 346")
    tap.equal([row["round_trip_ns"] for row in rows], [100 * S // 1000] * 20, "long flow: the pairs that are looked at")
    late = tap.query(db, "SELECT value FROM counters WHERE name = 'round_trips_unlooked'")
    tap.equal([row["value"] for row in late], [30 * 2 - 40], "long flow: the messages that are not")
    tap.equal(distribution(db, "round_trip_echo_us"), {("non-probe", 100000): 1, ("non-probe", 126000): 1},
              "long flow: one sample of it")


def udp_of(path, socket):
    """(frame number, ns, sent by it, other end, payload) of a socket's datagrams; a microsecond pcap of Ethernet."""
    for number, record in enumerate(tap.pcap_records(tap.content(path)), 1):
        seconds, micros, frame = *struct.unpack_from("<II", record), record[16:]
        if frame[12:14] != b"\x08\x00" or frame[23] != 17 or struct.unpack_from(">H", frame, 20)[0] & 0x1FFF:
            continue
        at = 14 + (frame[14] & 15) * 4
        ports = struct.unpack_from(">HHH", frame, at)
        ends = [(".".join(map(str, frame[26 + 4 * i:30 + 4 * i])), ports[i]) for i in (0, 1)]
        if socket in ends:
            out = ends[0] == socket
            yield number, (seconds * 10**6 + micros) * 1000, out, ends[out], frame[at + 8:at + ports[2]]


def by_packets(packets):
    """Wire A1, A2: echoed ids -> {frame of the reply: (asked_ns, ns, question, reply)}, of questions sent once."""
    asked, found = {}, {}
    for number, ns, out, peer, payload in packets:
        function = payload[2] & 0x8F if len(payload) > 2 else 0
        if out and function == 2:
            asked.setdefault((peer, payload[:2]), []).append((ns, len(payload)))
        elif not out and function in (5, 7, 0xF):
            sent = asked.pop((peer, payload[3:5] if function == 0xF else payload[:2]), [])
            if len(sent) == 1:
                found[number] = (sent[0][0], ns - sent[0][0], sent[0][1], len(payload))
    return found


def first_pairs(packets, echoes):
    """R11 by order -> sorted microseconds of the flows without an echo; 200 s end a flow."""
    flows = {}
    for number, ns, out, peer, _ in packets:
        of_peer = flows.setdefault(peer, [])
        if not of_peer or ns - of_peer[-1][-1][1] > 200 * S:
            of_peer.append([])
        of_peer[-1].append((number, ns, out))
    samples = []
    for flow in (flow for of_peer in flows.values() for flow in of_peer):
        if any(number in echoes for number, _, _ in flow):
            continue
        asked = next((i for i, packet in enumerate(flow) if packet[2]), None)
        if asked is not None and asked + 1 < len(flow) and not flow[asked + 1][2]:
            samples.append(round((flow[asked + 1][1] - flow[asked][1]) / 1000))
    return sorted(samples)


def real():
    """SkypeIRC.pcap: what footsteps stores, frame by frame against the packets; wire A3."""
    path = tap.traces("skype", "SkypeIRC.pcap")
    if not path:
        tap.missing("round trips of SkypeIRC.pcap")
        return
    packets = list(udp_of(path, ("192.168.1.2", 35990)))
    expected = by_packets(packets)
    result, db = tap.read([path])
    tap.equal(result.returncode, 0, "SkypeIRC: read", result.stderr)
    rows = tap.query(db, "SELECT * FROM round_trips WHERE protocol = 'skype'")
    got = {row["packet"]: (row["asked_ns"], row["round_trip_ns"], row["question"], row["reply"]) for row in rows}
    wrong = [f"{n}: {got.get(n)}, not {expected.get(n)}" for n in {*got, *expected} if got.get(n) != expected.get(n)]
    tap.ok(not wrong, "SkypeIRC: round trips, frame by frame", *wrong)
    acks = sorted(ns // 1000000 for _, ns, question, _ in got.values() if question == 346)
    tap.equal((len(acks), acks[0], acks[-1]), (32, 65, 309), "SkypeIRC: 32 of 32 ACK, after 65 to 309 ms (wire A3)")
    naks = sorted(ns // 1000000 for n, (_, ns, _, _) in got.items() if n in (215, 1873))
    tap.equal(naks, [126, 158], "SkypeIRC: 2 of 2 NAK, after 126 and 158 ms (wire A3)")
    tap.equal(sum(reply == 1355 for _, _, _, reply in got.values()), 3, "SkypeIRC: 3 of 3 fragmented answers (wire A4)")
    rounded = collections.Counter()
    for us in first_pairs(packets, expected):
        unit = 10 ** max(len(str(us)) - 3, 0)  # three significant digits
        rounded[(us + unit // 2) // unit * unit] += 1
    stored = collections.Counter()
    for (_, us), n in distribution(db, "round_trip_reply_us").items():
        stored[us] += n
    tap.equal(stored, rounded, "SkypeIRC: first replies of the other flows")
    late = tap.query(db, "SELECT value FROM counters WHERE name = 'round_trips_unlooked'")
    tap.equal([row["value"] for row in late], [0], "SkypeIRC: no message is behind the dissector's last look")


def main():
    one_client()
    both_sides()
    to_itself()
    snapped()
    long_flow()
    real()
    tap.done()


main()
