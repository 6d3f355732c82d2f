#!/usr/bin/env python3
"""Writes gnutella.pcap and gnutella.expect.tsv: five minutes of a made-up Gnutella servent, true to the documents.

    make_gnutella.py [--out DIRECTORY] [--seed N]

Layouts: Gnutella 0.6 (draft of June 2002) sections 2.1 to 2.3 and 4, HUGE 0.94 section 6.1, the Gnutella2 standard for
its reliability layer and packets. Two other sockets of the host send what only looks alike. Same seed, same bytes.
"""
import struct

from make_login import CLIENT, PUBLIC, START, address
from overlay import Overlay, main

PORT = 6346
PING, PONG, PUSH, QUERY, HIT, VENDOR, DHT = 0x00, 0x01, 0x40, 0x80, 0x81, 0x31, 0x44


def descriptor(guid, kind, body, ttl=1, hops=0):
    return guid + struct.pack("<BBBI", kind, ttl, hops, len(body)) + body


def ggep(*extensions):
    """(id, data): flags with 0x80 on the last; lengths below 64 in one byte 01xxxxxx, else 10xxxxxx 01xxxxxx."""
    out = b"\xc3"
    for i, (name, data) in enumerate(extensions):
        last = 0x80 if i == len(extensions) - 1 else 0
        length = bytes((0x40 | len(data),)) if len(data) < 64 else bytes((0x80 | len(data) >> 6, 0x40 | len(data) & 63))
        out += bytes((last | len(name),)) + name + length + data
    return out


def pong(guid, ip, port, *extensions):
    body = struct.pack("<H4sII", port, address(ip), 120, 4000000)
    return descriptor(guid, PONG, body + (ggep(*extensions) if extensions else b""))


def g2(name, payload, compound=False):
    return bytes((0x40 | len(name) - 1 << 3 | (4 if compound else 0), len(payload))) + name + payload


def reliable(sequence, part, count, fragment, flags=0):
    return b"GND" + struct.pack(">BHBB", flags, sequence, part, count) + fragment


def headers(first, *lines):
    return "\r\n".join((first, *lines, "", "")).encode()


def modern(capture):
    guid = bytearray(capture.bytes(16))
    guid[8], guid[15] = 0xFF, 0x00
    return bytes(guid)


def dialogs(capture):
    """Pings and pongs, a query by GUESS, a vendor message, a lookup in the DHT."""
    for i, node in enumerate(capture.nodes[:8]):
        guid = modern(capture)
        question = descriptor(guid, PING, ggep((b"SCP", b"\x02"), (b"VC", b"GTKG\x12")) if i % 2 else b"")
        capture.exchange(4.0 + 0.3 * i, node, question, pong(guid, node[0], node[1], (b"UP", b"\x01\x02\x03")))
    for i, node in enumerate(capture.nodes[:3]):
        guid = address(PUBLIC) + capture.bytes(9) + struct.pack("<H", PORT) + b"\x04"
        capture.exchange(20.0 + i, node,
                         descriptor(guid, QUERY, b"\xf9\x00" + b"made up\0" + ggep((b"QK", b"\x01\x02\x03\x04"))),
                         pong(guid, node[0], node[1]))
        hit = struct.pack("<BH4sI", 1, node[1], address(node[0]), 350) + struct.pack("<II", 7, 1000) + b"made up.ogg\0\0"
        capture.hear(21.5 + i, node, descriptor(guid, HIT, hit + b"GTKG\x04\x3c\x1c\x00\x00" + capture.bytes(16)))
    guid, node = capture.bytes(16), capture.nodes[9]
    capture.exchange(30.0, node, descriptor(guid, VENDOR, b"GTKG" + struct.pack("<HH", 9, 1) + b"\0"),
                     descriptor(guid, VENDOR, b"GTKG" + struct.pack("<HH", 10, 1) + bytes(9)))
    guid, node = capture.bytes(16), capture.nodes[10]
    contact = b"GTKG\0\0" + capture.bytes(20) + b"\x04"
    own, theirs = (address(ip) + struct.pack(">H", port) + b"\1\1\0\0" for ip, port in ((PUBLIC, PORT), node))
    capture.exchange(31.0, node, descriptor(guid, DHT, b"\x01" + contact + own, 0),
                     descriptor(guid, DHT, b"\x02" + contact + theirs, 0))


def probes(capture):
    """Single packets that nobody answers, and strangers' pings."""
    for i, node in enumerate(capture.nodes[12:24]):
        capture.ask(40.0 + 0.01 * i, node, descriptor(modern(capture), PING, b""))
    for i, node in enumerate(capture.nodes[24:40]):
        question = g2(b"QKR", g2(b"RNA", address(PUBLIC) + struct.pack("<H", PORT)), True)
        capture.ask(42.0 + 0.02 * i, node, reliable(0x3E8F + i, 1, 1, question, 0x10))
    for i, node in enumerate(capture.nodes[40:43]):
        capture.ask(44.0 + i, node, reliable(0x4000 + i, 1, 1, g2(b"Q2", b"\0" + capture.bytes(16)), 0x02))
        capture.hear(44.1 + i, node, reliable(0x4000 + i, 1, 0, b""))
        capture.hear(45.3 + i, node, reliable(0x100 + i, 1, 2, capture.bytes(300), 0x01))
        capture.hear(45.4 + i, node, reliable(0x100 + i, 2, 2, capture.bytes(200), 0x01))
    for i, node in enumerate(capture.nodes[43:46]):
        capture.hear(60.0 + i, node, descriptor(modern(capture), PING, b""))
    capture.ask(290.0, capture.nodes[0], descriptor(modern(capture), PING, b""))  # a second flow of the first pair


def connections(capture):
    offer = headers("GNUTELLA CONNECT/0.6", "User-Agent: Made/1.0", f"Node: {PUBLIC}:{PORT}", "X-Ultrapeer: False")
    refused = headers("GNUTELLA/0.6 503 Too many leaf connections", "User-Agent: Made/2.0")
    fine = headers("GNUTELLA/0.6 200 OK", "User-Agent: Made/2.0", "X-Ultrapeer: True")
    mine = headers("GNUTELLA/0.6 200 OK")
    capture.connect(2.0, capture.nodes[46], "gnutella-tcp", 51000, ((0.0, 0, offer), (0.05, 1, refused)))
    capture.connect(2.5, capture.nodes[47], "gnutella-tcp", 51001, (
        (0.0, 0, offer[:10]), (0.01, 0, offer[10:]), (0.05, 1, fine), (0.01, 0, mine),
        (1.0, 0, descriptor(modern(capture), PING, b"", 3)), (0.2, 1, pong(modern(capture), "192.0.2.9", 6346))))
    capture.connect(70.0, capture.nodes[48], "gnutella-http", 51002, (
        (0.0, 0, headers("GET /uri-res/N2R?urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB HTTP/1.1", "User-Agent: Made/1.0")),
        (0.05, 1, headers("HTTP/1.1 503 Busy", "Server: Made/2.0"))))
    capture.connect(72.0, capture.nodes[49], "gnutella-http", 51003, (
        (0.0, 0, b"GIV 36:809BC12168A1852CFF5D7A785833F600/foo.ogg\n\n"),
        (0.05, 1, headers("GET /get/36/foo.ogg HTTP/1.1", "User-Agent: Made/2.0"))))
    capture.connect(75.0, capture.nodes[1], "gnutella-tcp", 51004, (
        (0.0, 0, capture.bytes(90)), (0.05, 1, capture.bytes(120))))


def traps(capture):
    """A game with a 32-bit length at the right place and a wrong type; GND with a reserved flag."""
    game = (CLIENT, 42777)
    for i in range(12):
        node = (f"198.51.100.{130 + i}", 30000 + i)
        body = capture.bytes(40)
        capture.udp(START + 50.0 + i, game, node,
                    capture.bytes(16) + struct.pack("<BBBI", 0x55, 1, 0, len(body)) + body, "other")
    for i in range(12):
        node = (f"198.51.100.{150 + i}", 31000 + i)
        capture.udp(START + 50.5 + i, (CLIENT, 42778), node, b"GND\x0c" + capture.bytes(4) + bytes(20), "other")
    capture.connect(80.0, ("203.0.113.82", 80), "other", 51010, (
        (0.0, 0, headers("GET /uri-res/N2R?urn:isbn:0451450523 HTTP/1.1", "Host: urn.example.org")),
        (0.05, 1, headers("HTTP/1.1 302 Found", "Location: /"))))
    capture.connect(82.0, ("203.0.113.83", 7000), "other", 51011, ((0.0, 0, b"GIVE me\r\n"), (0.05, 1, b"GNU Mailutils\r\n")))


def make(seed):
    capture = Overlay("gnutella", PORT, seed)
    dialogs(capture)
    probes(capture)
    connections(capture)
    traps(capture)
    capture.foreign()
    return capture


if __name__ == "__main__":
    main(__doc__, 20020600, make)
