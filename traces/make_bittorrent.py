#!/usr/bin/env python3
"""Writes bittorrent.pcap and bittorrent.expect.tsv: 310 seconds of BitTorrent and of what looks like it, made up.

    make_bittorrent.py [--out DIRECTORY] [--seed N]

A client with one UDP socket for DHT, uTP and its tracker, a second one that accepts encrypted uTP and does nothing else,
and programs that are no clients. Messages are those of the BEPs (bittorrent.org) that are named below; hashes, ids, and
what would be encrypted are random; outside addresses are documentation addresses (RFC 5737). This encoder shares nothing
with the dissectors. Frames and truth are made as in make_login.py. Same seed, same bytes.
"""
import argparse
import hashlib
import os
import struct

import make_login
from make_login import address

START = 1330000000.5  # some morning of February 2012
CLIENT, PUBLIC = ("10.0.0.2", 51413), ("198.51.100.7", 51413)
QUIET = ("10.0.0.4", 6881)  # accepts encrypted uTP, no DHT
SCANNER = ("10.0.0.3", 45000)
TRACKER, WEB_TRACKER = ("203.0.113.9", 6969), ("203.0.113.10", 80)
LSD = ("239.192.152.143", 6771)  # BEP 14
UDP, TCP, OTHER = "bittorrent-udp", "bittorrent-tcp", "not-bittorrent"
HANDSHAKE = b"\x13BitTorrent protocol"
DATA, FIN, STATE, RESET, SYN = range(5)  # BEP 29, type

make_login.MACS.update({"10.0.0.3": bytes.fromhex("020000000003"), "10.0.0.4": bytes.fromhex("020000000004"),
                        "10.0.0.5": bytes.fromhex("020000000005"), LSD[0]: bytes.fromhex("01005e40988f")})


def bencode(value):
    """BEP 3; the keys of a dictionary are sorted."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, (bytes, str)):
        value = value.encode() if isinstance(value, str) else value
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


class Capture(make_login.Capture):
    def write(self, folder):
        """Writes both files; returns the path of the capture."""
        self.packets.sort(key=lambda p: p[:2])
        path = os.path.join(folder, "bittorrent.pcap")
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for t, _, frame, *_ in self.packets:
                micros = round(t * 1e6)
                out.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame)
        with open(os.path.join(folder, "bittorrent.expect.tsv"), "w", encoding="ascii") as out:
            out.write("\t".join(("proto", "client_ip", "client_port", "server_ip", "server_port", "first_ts", "last_ts",
                                 "packets", "payload_bytes", "label", "confidence")) + "\n")
            for row in self.truth():
                out.write("\t".join(map(str, row)) + "\n")
        return path


class Connection(make_login.Connection):
    """A TCP connection between any two sockets."""

    def __init__(self, capture, t, client, server, label, rtt=0.05):  # pylint: disable=super-init-not-called
        self.capture, self.label, self.rtt, self.ends = capture, label, rtt, (client, server)
        self.seq = [capture.random.getrandbits(32), capture.random.getrandbits(32)]
        self._send(t, 0, 0x02)
        self.seq[0] += 1
        self._send(t + rtt, 1, 0x12)
        self.seq[1] += 1
        self._send(t + rtt + 0.0001, 0, 0x10)


class Session:
    def __init__(self, seed):
        self.capture = Capture(seed)
        self.random, self.bytes = self.capture.random, self.capture.bytes
        self.node, self.hash, self.peer_id = self.bytes(20), self.bytes(20), b"-LT0100-" + self.bytes(12)
        self.taken = {PUBLIC[0], TRACKER[0], WEB_TRACKER[0]}

    def send(self, t, src, dst, payload, label=UDP):
        self.capture.udp(START + t, src, dst, payload, label)

    def peer(self):
        """A socket outside that has no role yet."""
        while True:
            ip = f"{self.random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{self.random.randrange(1, 250)}"
            if ip not in self.taken:
                self.taken.add(ip)
                return ip, self.random.randrange(1024, 65000)

    def peers(self, n):
        return [self.peer() for _ in range(n)]

    def rtt(self):
        return self.random.uniform(0.03, 0.25)

    def write(self, folder):
        return self.capture.write(folder)


class Dht:
    """BEP 5. The nodes outside answer with the client's public address (BEP 42)."""

    def __init__(self, session):
        self.s = session

    def query(self, name, sender=None, **arguments):
        transaction = self.s.bytes(2)
        return transaction, bencode({"t": transaction, "y": "q", "q": name, "v": b"LT\x01\x02",
                                     "a": {"id": sender or self.s.node, **arguments}})

    def response(self, transaction, sender=None, ip=None, **values):
        message = {"t": transaction, "y": "r", "r": {"id": sender or self.s.bytes(20), **values}}
        if ip:
            message["ip"] = address(ip[0]) + struct.pack(">H", ip[1])
        return bencode(message)

    def ask(self, t, node, name, answered, **arguments):
        transaction, message = self.query(name, **arguments)
        self.s.send(t, CLIENT, node, message)
        if answered:
            nodes = {} if name == "ping" else {"nodes": self.s.bytes(8 * 26)}
            self.s.send(t + self.s.rtt(), node, CLIENT, self.response(transaction, ip=PUBLIC, **nodes))

    def asked(self, t, node, answer):
        transaction, message = self.query("get_peers", self.s.bytes(20), info_hash=self.s.bytes(20))
        self.s.send(t, node, CLIENT, message)
        if answer == "values":
            self.s.send(t + 0.0004, CLIENT, node, self.response(transaction, self.s.node, node, token=self.s.bytes(8),
                                                               values=[self.s.bytes(6), self.s.bytes(6)]))
        elif answer == "error":
            self.s.send(t + 0.0004, CLIENT, node, bencode({"t": transaction, "y": "e", "e": [203, "Protocol Error"]}))

    def session(self):
        router, *near = self.s.peers(5)
        self.ask(3.0, router, "find_node", True, target=self.s.node)
        for i, node in enumerate(near):
            self.ask(3.4 + 0.05 * i, node, "find_node", True, target=self.s.node)
        # Nearly all that a node does: questions of one packet, most of them in vain.
        for i, node in enumerate(self.s.peers(30)):
            self.ask(5.0 + 0.1 * i, node, "get_peers", i % 6 == 0, info_hash=self.s.hash)
        for i, node in enumerate(self.s.peers(10)):
            self.ask(60.0 + 4.0 * i, node, "ping", i % 5 == 0)
        for i, answer in enumerate(("values", "values", "error", None)):
            self.asked(31.0 + 7.0 * i, self.s.peer(), answer)
        for i, node in enumerate(near):  # after more than 200 s: new flows
            self.ask(260.0 + 2.0 * i, node, "ping", i != 3)
        return near


class Utp:
    """A connection of BEP 29: each side has its own clock of microseconds; begins with the SYN."""

    def __init__(self, session, t, a, b, label=UDP):
        self.s, self.ends, self.label = session, (a, b), label
        self.id, self.rtt = session.random.randrange(65535), session.rtt()
        self.sequence = [session.random.getrandbits(16), session.random.getrandbits(16)]
        self.acknowledged, self.difference = [0, 0], [0, 0]
        self.clock = [session.random.getrandbits(32), session.random.getrandbits(32)]
        self.packet(t, 0, SYN, self.id)

    def packet(self, t, side, kind, number, data=b"", extension=b""):
        stamp = (self.clock[side] + round(t * 1e6)) & 0xFFFFFFFF
        head = struct.pack(">BBHIIIHH", kind << 4 | 1, 2 if extension else 0, number, stamp, self.difference[side], 0x38000,
                           self.sequence[side], self.acknowledged[side])
        self.s.send(t, self.ends[side], self.ends[1 - side], head + extension + data, self.label)
        other = 1 - side
        self.difference[other] = (self.clock[other] + round((t + self.rtt / 2) * 1e6) - stamp) & 0xFFFFFFFF
        self.acknowledged[other] = self.sequence[side]
        if kind in (SYN, DATA):
            self.sequence[side] = (self.sequence[side] + 1) & 0xFFFF

    def answer(self, t):
        self.acknowledged[1] = (self.sequence[0] - 1) & 0xFFFF
        self.packet(t, 1, STATE, self.id, extension=b"\x00\x08" + bytes(8))
        self.sequence[1] = (self.sequence[1] + 1) & 0xFFFF

    def talk(self, t, first, second):
        """Data both ways, then one small message every quarter of a second; FIN and reset."""
        self.packet(t, 0, DATA, self.id + 1, first)
        self.packet(t + self.rtt, 1, DATA, self.id, second)
        for i in range(4):
            at = t + self.rtt + 0.25 * (i + 1)
            self.packet(at, i % 2, DATA, self.id + (1 - i % 2), self.s.bytes(17))
            self.packet(at + self.rtt, 1 - i % 2, STATE, self.id + i % 2)
        self.packet(t + 3.0, 0, FIN, self.id + 1)
        self.packet(t + 3.0 + self.rtt, 1, RESET, self.id)


def utp_connections(s, near):
    def handshake():
        return HANDSHAKE + bytes(5) + b"\x10\x00\x05" + s.hash + b"-UT3130-" + s.bytes(12)
    for t, ends, encrypted in ((20.0, (CLIENT, s.peer()), False), (22.0, (CLIENT, near[0]), True),
                               (24.0, (s.peer(), CLIENT), True), (21.0, (s.peer(), QUIET), True),
                               (46.0, (s.peer(), QUIET), True), (70.0, (s.peer(), QUIET), True)):
        connection = Utp(s, t, *ends)
        connection.answer(t + connection.rtt)
        # Encrypted: a key of 96 bytes and padding of any length.
        messages = (s.bytes(330), s.bytes(211)) if encrypted else (handshake(), handshake())
        connection.talk(t + connection.rtt + 0.001, *messages)
    peer = s.peer()
    lost = Utp(s, 26.0, CLIENT, peer)
    for wait in (3.0, 9.0):  # the same SYN again, with the time of its sending
        lost.sequence[0] = (lost.sequence[0] - 1) & 0xFFFF
        lost.packet(26.0 + wait, 0, SYN, lost.id)


def udp_tracker(s):
    """BEP 15."""
    transactions, connection_id = (s.bytes(4), s.bytes(4)), s.bytes(8)
    s.send(1.0, CLIENT, TRACKER, bytes.fromhex("0000041727101980") + struct.pack(">I", 0) + transactions[0])
    s.send(1.06, TRACKER, CLIENT, struct.pack(">I", 0) + transactions[0] + connection_id)
    announce = connection_id + struct.pack(">I", 1) + transactions[1] + s.hash + s.peer_id + \
        struct.pack(">QQQIIIiH", 0, 282050560, 0, 2, 0, s.random.getrandbits(32), -1, CLIENT[1])
    s.send(1.0602, CLIENT, TRACKER, announce)
    s.send(1.12, TRACKER, CLIENT, struct.pack(">I", 1) + transactions[1] + struct.pack(">III", 1800, 3, 40) + s.bytes(18))


def escaped(data):
    return b"".join(bytes([c]) if chr(c).isalnum() and c < 128 else b"%%%02x" % c for c in data)


def http(s, t, server, target, answer, label, port):
    request = b"GET " + target + b" HTTP/1.1\r\nHost: tracker.example.org\r\n\r\n"
    connection = Connection(s.capture, START + t, (CLIENT[0], port), server, label)
    connection.talk([(START + t + 0.06, 0, request),
                     (START + t + 0.13, 1, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)])
    connection.close(START + t + 0.2)


def peers_over_tcp(s, near):
    def talk(t, client, server, label, messages):
        connection = Connection(s.capture, START + t, client, server, label)
        connection.talk([(START + t + 0.06 + 0.1 * i, side, data) for i, (side, data) in enumerate(messages)])
        connection.close(START + t + 5.0)
    shake = HANDSHAKE + bytes(8) + s.hash
    talk(33.0, ("10.0.0.2", 40100), s.peer(), TCP, [(0, shake + s.peer_id), (1, shake + b"-TR2940-" + s.bytes(12)),
                                                    (0, bytes.fromhex("0000000102"))])
    talk(34.0, ("10.0.0.5", 40200), s.peer(), TCP, [(0, shake + s.bytes(20)), (1, shake + s.bytes(20))])
    # Encrypted: known by the peer's port, which answered over UDP, and by the client's own port.
    talk(36.0, ("10.0.0.2", 40101), near[1], TCP, [(0, s.bytes(301)), (1, s.bytes(444)), (0, s.bytes(68))])
    talk(38.0, s.peer(), CLIENT, TCP, [(0, s.bytes(333)), (1, s.bytes(180)), (0, s.bytes(68))])
    # Only begins like one; and a scan that nobody answers.
    talk(40.0, ("10.0.0.5", 40201), s.peer(), OTHER, [(0, HANDSHAKE[:16] + b"cols\r\n"), (1, b"?\r\n")])
    s.capture.tcp(START + 44.0, s.peer(), CLIENT, 77, 0, 0x02, b"", OTHER)
    s.capture.tcp(START + 44.5, s.peer(), ("10.0.0.5", 6881), 77, 0, 0x02, b"", OTHER)


def scanner(s):
    """The ping that is an example in BEP 5, to everybody; two services return it."""
    ping = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
    for i, host in enumerate(s.peers(14)):
        s.send(80.0 + 0.02 * i, SCANNER, (host[0], 6881), ping, OTHER)
    echo = s.peer()
    s.send(81.0, echo, ("10.0.0.5", 7), ping, OTHER)
    s.send(81.001, ("10.0.0.5", 7), echo, ping, OTHER)


def nearly_utp(s):
    """A game with one, then a second server: type, ids that differ by one, packet numbers; its clock counts ms."""
    for at, server in ((90.0, s.peer()), (95.0, s.peer())):
        for i in range(8):
            head = struct.pack(">BBHIIIHH", 1, 0, 7, 1000 + i * 250, 40, 4096, i + 1, i)
            s.send(at + i * 0.25, ("10.0.0.5", 27005), server, head + s.bytes(30), OTHER)
            head = struct.pack(">BBHIIIHH", 1, 0, 8, 9000 + i * 250, 40, 4096, i + 1, i + 1)
            s.send(at + i * 0.25 + 0.04, server, ("10.0.0.5", 27005), head + s.bytes(60), OTHER)


def dns(number, flags, answer=b""):
    name = b"\x06router\x07example\x03org\x00"
    return struct.pack(">HHHHHH", number, flags, 1, bool(answer), 0, 0) + name + b"\0\1\0\1" + answer


def foreign(s):
    """Other programs of the same hosts; first bytes that are also those of uTP or of a tracker."""
    def both(t, src, dst, there, back=None, label=OTHER):
        s.send(t, src, dst, there, label)
        if back is not None:
            s.send(t + 0.03, dst, src, back, label)
    resolver = ("10.0.0.1", 53)
    reply = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 3600, 4) + address("203.0.113.80")
    both(0.0, ("10.0.0.2", 40001), resolver, dns(0x4100, 0x0100), dns(0x4100, 0x8180, reply))
    both(15.0, ("10.0.0.2", 40002), resolver, dns(0x0100, 0x0100), dns(0x0100, 0x8180, reply))
    # RFC 8489: the answer's type is 0101. RFC 7252: confirmable GET, token of one byte. RFC 2865: request, identifier 0.
    tail = b"\x21\x12\xa4\x42" + s.bytes(12)
    both(16.0, ("10.0.0.2", 50000), s.peer(), b"\0\1\0\0" + tail,
         b"\1\1\0\x0c" + tail + b"\0\x20\0\x08\0\1" + s.bytes(6), "stun")
    both(17.0, ("10.0.0.5", 50001), (s.peer()[0], 5683), b"\x41\x01\x7d\x34\x20\xbb" + b"temperature\xff\0",
         b"\x61\x45\x7d\x34\x20\xff22.3 C of 24")
    both(18.0, ("10.0.0.5", 50002), (s.peer()[0], 1812), b"\1\0\0\x1a" + s.bytes(16) + b"\1\6alan",
         b"\3\0\0\x14" + s.bytes(16))
    # WireGuard: initiation, response, and data with counters.
    wireguard = s.peer()
    both(19.0, ("10.0.0.5", 51820), wireguard, b"\1\0\0\0" + s.bytes(144), b"\2\0\0\0" + s.bytes(88))
    both(19.1, ("10.0.0.5", 51820), wireguard, b"\4\0\0\0" + s.bytes(4) + bytes(8) + s.bytes(48),
         b"\4\0\0\0" + s.bytes(4) + bytes(8) + s.bytes(64))
    # RFC 3550; after bencoding that is no message of the DHT, and an RPC call that begins with zeros.
    media, source = s.peer(), (s.bytes(4), s.bytes(4))
    for i in range(12):
        both(100.0 + i * 0.02, ("10.0.0.2", 16384), media,
             struct.pack(">BBHI", 0x80, 0, 0x4100 + i, 160 * i) + source[0] + s.bytes(160),
             struct.pack(">BBHI", 0x80, 0, 0x0100 + i, 160 * i) + source[1] + s.bytes(160), "rtp")
    both(110.0, ("10.0.0.5", 50003), s.peer(), bencode({"cookie": s.bytes(8), "command": "ping"}),
         bencode({"cookie": s.bytes(8), "result": "pong"}))
    both(111.0, ("10.0.0.5", 50004), s.peer(), bytes(4) + struct.pack(">IIIII", 0, 2, 100003, 2, 0) + bytes(16),
         bytes(4) + struct.pack(">I", 1) + bytes(16))
    # What strangers send to the client's port, and it never answers.
    s.send(112.0, (s.peer()[0], 53), CLIENT, dns(0x2222, 0x8180, reply), OTHER)
    s.send(113.0, s.peer(), CLIENT, b"\xff\xff\xff\xffgetstatus", OTHER)


def session(seed):
    s = Session(seed)
    foreign(s)
    udp_tracker(s)
    http(s, 1.3, WEB_TRACKER, b"/announce?info_hash=" + escaped(s.hash) + b"&peer_id=" + escaped(s.peer_id) +
         b"&port=51413&uploaded=0&downloaded=0&left=282050560&compact=1&event=started",
         bencode({"interval": 1800, "peers": s.bytes(12)}), "bittorrent-http", 40300)
    http(s, 28.0, (s.peer()[0], 80), b"/torrent?name=a&info_hash=" + s.hash.hex().encode(), b"<html></html>", OTHER, 40301)
    for t in (2.0, 302.0):
        s.send(t, ("10.0.0.2", 6771), LSD, b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\n"
               b"Infohash: " + s.hash.hex().upper().encode() + b"\r\n\r\n\r\n", "bittorrent-lsd")
    near = Dht(s).session()
    utp_connections(s, near)
    peers_over_tcp(s, near)
    scanner(s)
    nearly_utp(s)
    return s


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=20120223)
    args = parser.parse_args()
    made = session(args.seed)
    path = made.write(args.out)
    with open(path, "rb") as file:
        data = file.read()
    print(f"{path}: {len(made.capture.packets)} packets, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
