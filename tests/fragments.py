#!/usr/bin/env python3
"""Datagrams in fragments, end to end: what a flow is and how long its messages are (D1, R8) does not depend on the order in
which the fragments of a datagram came. A node of BitTorrent's DHT asks others (BEP 5), whose answers, and one question, come
in fragments. What is expected is how the capture is built: the sizes of RFC 791, RFC 8200 and RFC 768."""
import os
import random
import struct
import sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import done, equal, flows, ok, pcap_header, query, read, tmp, write

RAW = 101  # link type: IP without a link header
PORT = 6881
START = 1700000000
US = 1000
PART = 1480  # of the datagram, in each fragment but the last; a multiple of 8


def bencode(value):
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def datagram(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def packets(v6, source, destination, ident, data):
    """The datagram as IP packets: one, or fragments in order."""
    parts = [(at, data[at:at + PART]) for at in range(0, len(data), PART)]
    out = []
    for at, part in parts:
        more = at + PART < len(data)
        if v6:
            fragment = struct.pack("!BBHI", 17, 0, at | more, ident) if len(parts) > 1 else b""
            out.append(struct.pack("!IHBB", 6 << 28, len(fragment) + len(part), 44 if fragment else 17, 64) +
                       source + destination + fragment + part)
        else:
            out.append(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), ident, more << 13 | at // 8, 64, 17, 0) +
                       source + destination + part)
    return out


def in_gre(packet):
    """RFC 2784, between two routers; the type is that of the packet within."""
    gre = struct.pack("!HH", 0, 0x86DD if packet[0] >> 4 == 6 else 0x0800) + packet
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(gre), 0, 0, 64, 47, 0) + bytes([192, 0, 2, 1, 198, 51, 100, 1]) + gre


def pcap(records):
    return pcap_header(RAW) + b"".join(struct.pack("<IIII", START + us // 1000000, us % 1000000, len(frame), len(frame)) + frame
                                       for us, frame in records)


# How the fragments of an answer come: indices into them, in order of arrival. All of them have three.
ORDERS = {"in order": (0, 1, 2), "backwards": (2, 1, 0), "the first in the middle": (1, 0, 2), "the last first": (2, 0, 1),
          "a later one twice": (0, 1, 1, 2), "an early one twice": (1, 1, 0, 2)}
QUESTION_EARLY = "the question backwards"  # and its answer in order


def build(v6):
    """Packets with their times (µs), and by node: what its flow must be."""
    rng = random.Random(6 if v6 else 4)
    host = (lambda n, inside: (b"\xfd\0" if inside else b"\x20\x01\x0d\xb8") + bytes(11 if not inside else 13) + bytes([n])) \
        if v6 else (lambda n, inside: bytes([10, 0, 0, n] if inside else [203, 0, 113, n]))
    records, expected, ident, identity = [], {}, 100, rng.randbytes(20)
    for n, (name, order) in enumerate([*ORDERS.items(), (QUESTION_EARLY, (0, 1, 2))], 1):
        us = n * 1000000
        transaction = rng.randbytes(4)
        # 60 to 66 more bytes for each node, so that no two sizes are alike.
        question = {b"a": {b"id": identity, b"info_hash": rng.randbytes(20)}, b"q": b"get_peers", b"t": transaction, b"y": b"q"}
        if name == QUESTION_EARLY:
            question[b"v"] = rng.randbytes(2000)
        answer = {b"r": {b"id": rng.randbytes(20), b"token": rng.randbytes(20 + n), b"nodes": rng.randbytes(26 * 8),
                         b"values": [rng.randbytes(6) for _ in range(350 + 4 * n)]}, b"t": transaction, b"y": b"r"}
        q, a = bencode(question), bencode(answer)
        ask = packets(v6, host(1, True), host(n, False), ident, datagram(PORT, 20000 + n, q))
        reply = packets(v6, host(n, False), host(1, True), ident + 1, datagram(20000 + n, PORT, a))
        ident += 2
        if name == QUESTION_EARLY:
            ask.reverse()
        asked = [(us + 300 * i, frame) for i, frame in enumerate(ask)]
        answered = [(us + 50000 + 200 * i, reply[part]) for i, part in enumerate(order)]
        records += asked + answered
        size_in = sum(len(reply[i]) for i in order)
        heads = 48 if v6 else 20
        expected[20000 + n] = (name, {
            "packets_out": len(asked), "packets_in": len(answered), "bytes_out": sum(map(len, ask)), "bytes_in": size_in,
            # UDP's header is in one of the fragments, and no payload.
            "payload_wire": len(q) + size_in - len(order) * heads - 8,
            "messages_out": 1, "messages_in": 1, "size_out": len(q), "size_in": len(a),
            "first_ns": (START * 1000000 + asked[0][0]) * US, "last_ns": (START * 1000000 + answered[-1][0]) * US,
            "reply_ns": (answered[0][0] - asked[0][0]) * US,
        })
    return records, expected


def one_family(v6, tunnel):
    family = f"IPv{6 if v6 else 4}{' in GRE' if tunnel else ''}"
    records, expected = build(v6)
    if tunnel:
        records = [(us, in_gre(packet)) for us, packet in records]
    result, db = read([write(tmp("fragments.pcap"), pcap(records))], "--flows", "all", "--no-ndpi", *["--tunnels"] * tunnel)
    equal(result.returncode, 0, f"{family}: complete", result.stderr)
    rows = {row["server_port"]: row for row in query(db, "SELECT * FROM flows")}
    equal(sorted(rows), sorted(expected), f"{family}: a flow for each node")
    for port, (name, flow) in expected.items():
        got = {column: rows[port][column] for column in flow} if port in rows else None
        equal(got, flow, f"{family}: {name}: the flow")
    equal({row["label"] for row in flows(db)}, {"bittorrent-udp"}, f"{family}: all are the DHT's, cut answers or not")
    lengths = {}
    for _, flow in expected.values():
        for size in (flow["size_out"], flow["size_in"]):
            lengths[size] = lengths.get(size, 0) + 1
    got = {row["payload_bytes"]: row["probe_messages"] + row["non_probe_messages"]
           for row in query(db, "SELECT * FROM R8 WHERE protocol = 'bittorrent'")}
    equal(got, lengths, f"{family}: payload sizes (R8) are those of the datagrams")
    account = {row["name"]: row["value"] for row in query(db, "SELECT name, value FROM counters")}
    ok(account.get("fragment_alone", 0) == 0, f"{family}: no fragment is alone", account)


for ipv6 in False, True:
    for gre in False, True:
        one_family(ipv6, gre)
done()
