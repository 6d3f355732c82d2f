#!/usr/bin/env python3
"""Writes login.pcap and login.expect.tsv: 320 seconds of one classic Skype client, made up but true to the captures.

    make_login.py [--out DIRECTORY] [--seed N]

A client of version 1.2.0.18 behind a NAT, seen from inside: start, login, contact list, notices, a user search,
heartbeats, exit, and some traffic of other programs. All exchanges, sizes and delays are those that the real captures
show (skype-wire.md, cited as "wire" below); addresses are of the documentation ranges (RFC 5737), and what is encrypted
in reality is random here. This encoder shares nothing with the dissectors. Same seed, same bytes.
"""
import argparse
import hashlib
import os
import random
import struct

START = 1156500000.25  # some morning of August 2006
CLIENT, PORT = "10.0.0.2", 35471
PUBLIC = "198.51.100.7"
ROUTER = "10.0.0.1"
LOGIN_SERVER = ("203.0.113.141", 33033)
LIST_SERVER = ("203.0.113.142", 12350)
WEB_SERVER = ("203.0.113.131", 80)
SUPERNODE = ("192.0.2.150", 57322)
MACS = {CLIENT: bytes.fromhex("020000000002"), None: bytes.fromhex("020000000001")}


def address(text):
    return bytes(int(part) for part in text.split("."))


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Capture:
    """Packets with the truth about each; frames and truth rows are made from the same list."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.packets = []  # (time, order, frame, truth key, payload length, TCP SYN)
        self.ip_id = {}

    def bytes(self, n):
        return bytes(self.random.randrange(256) for _ in range(n))

    def _add(self, t, proto, src, dst, transport, key, payload_len, syn=False):
        number = self.ip_id.setdefault(src[0], self.random.randrange(65536))
        self.ip_id[src[0]] = (number + 1) & 0xFFFF
        ttl = 64 if src[0] in (CLIENT, ROUTER) else 50
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), number, 0x4000, ttl, proto, 0,
                           address(src[0]), address(dst[0]))
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        frame = MACS.get(dst[0], MACS[None]) + MACS.get(src[0], MACS[None]) + b"\x08\x00" + head + transport
        self.packets.append((round(t, 6), len(self.packets), frame.ljust(60, b"\0"), key, payload_len, syn))

    def udp(self, t, src, dst, payload, label):
        head = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0)
        pseudo = address(src[0]) + address(dst[0]) + struct.pack(">BBH", 0, 17, 8 + len(payload))
        value = checksum(pseudo + head + payload) or 0xFFFF  # RFC 768: zero is sent as all ones
        self._add(t, 17, src, dst, head[:6] + struct.pack(">H", value) + payload,
                  ("udp", frozenset((src, dst)), label), len(payload))

    def tcp(self, t, src, dst, seq, ack, flags, payload, label):
        options = bytes.fromhex("020405b401010402") if flags & 2 else b""
        head = struct.pack(">HHIIBBHHH", src[1], dst[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                           (20 + len(options)) // 4 << 4, flags, 5840, 0, 0)
        segment = head + options + payload
        pseudo = address(src[0]) + address(dst[0]) + struct.pack(">BBH", 0, 6, len(segment))
        segment = segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]
        self._add(t, 6, src, dst, segment, ("tcp", frozenset((src, dst)), label), len(payload), flags == 2)

    def write(self, folder, name="login"):
        """Writes both files; returns the path of the capture."""
        self.packets.sort(key=lambda p: p[:2])
        path = os.path.join(folder, f"{name}.pcap")
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for t, _, frame, *_ in self.packets:
                micros = round(t * 1e6)
                out.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame)
        with open(os.path.join(folder, f"{name}.expect.tsv"), "w", encoding="ascii") as out:
            out.write("\t".join(("proto", "client_ip", "client_port", "server_ip", "server_port", "first_ts", "last_ts",
                                 "packets", "payload_bytes", "label", "confidence")) + "\n")
            for row in self.truth():
                out.write("\t".join(map(str, row)) + "\n")
        return path

    def truth(self):
        """One row per flow; more than 200 s without a packet, or a SYN on a known tuple, starts a new one (D1)."""
        flows, open_flows = [], {}
        first = self.packets[0][0]
        for t, _, frame, key, size, syn in self.packets:
            flow = open_flows.get(key)
            if flow is None or t - flow["last"] > 200 or syn:
                proto, _, label = key
                ports = struct.unpack(">HH", frame[34:38])
                ips = [".".join(map(str, frame[at:at + 4])) for at in (26, 30)]
                flow = {"head": (proto, ips[0], ports[0], ips[1], ports[1]), "first": t, "packets": 0, "bytes": 0,
                        "label": label}
                open_flows[key] = flow
                flows.append(flow)
            flow["last"] = t
            flow["packets"] += 1
            flow["bytes"] += size
        for f in flows:
            yield (*f["head"], f"{f['first'] - first:.6f}", f"{f['last'] - first:.6f}", f["packets"], f["bytes"],
                   f["label"], "certain")


class Connection:
    """A TCP connection of the client; every message is acknowledged, with the answer if that comes soon enough."""

    def __init__(self, capture, t, server, label, rtt, local_port, client=CLIENT):
        self.capture, self.label, self.rtt = capture, label, rtt
        self.ends = ((client, local_port), server)
        self.seq = [capture.random.getrandbits(32), capture.random.getrandbits(32)]
        self._send(t, 0, 0x02)
        self.seq[0] += 1
        self._send(t + rtt, 1, 0x12)
        self.seq[1] += 1
        self._send(t + rtt + 0.00008, 0, 0x10)

    def _send(self, t, side, flags, payload=b""):
        ack = self.seq[1 - side] if flags & 0x10 else 0
        self.capture.tcp(t, self.ends[side], self.ends[1 - side], self.seq[side], ack, flags, payload, self.label)
        self.seq[side] += len(payload)

    def talk(self, messages):
        """messages: (time, side, payload) in order; side 0 is the client."""
        for i, (t, side, payload) in enumerate(messages):
            self._send(t, side, 0x18, payload)
            after = messages[i + 1] if i + 1 < len(messages) else (1e12, side, b"")
            delay = self.rtt if side == 0 else 0.04
            if after[1] == side or after[0] - t > delay + 0.05:
                self._send(min(t + delay, after[0] - 0.00001), 1 - side, 0x10)

    def close(self, t, side=0):
        for who, at in ((side, t), (1 - side, t + self.rtt)):
            self._send(at, who, 0x11)
            self.seq[who] += 1
        self._send(t + self.rtt + 0.00005, side, 0x10)


class Client:
    """
    The Skype side: message layouts of wire A1, one id counter for all peers (wire A2).

    Exchanges overlap in time but are written one after another, so the order of the ids is known only at the end: the
    session runs twice, and the second time has the ids that the first one asked for, in order of time.
    """

    def __init__(self, capture, wanted=None):
        self.capture, self.random = capture, capture.random
        self.wanted, self.ids = [], None
        self.peer_ids = {}
        if wanted is not None:
            self.ids, number = [0] * len(wanted), 0x15E8
            for i in sorted(range(len(wanted)), key=lambda i: (wanted[i][0], i)):
                self.ids[i] = number
                number = (number + wanted[i][1]) & 0xFFFF

    def take_id(self, t, step):
        self.wanted.append((t, step))
        return self.ids[len(self.wanted) - 1] if self.ids else 0

    def out(self, t, peer, payload):
        self.capture.udp(t, (CLIENT, PORT), peer, payload, "skype-udp")

    def back(self, t, peer, payload):
        self.capture.udp(t, peer, (CLIENT, PORT), payload, "skype-udp")

    def payload(self, number, size, check=None):
        check = check or self.capture.bytes(4)
        return struct.pack(">HB", number, 2) + self.capture.bytes(4) + check + self.capture.bytes(size - 11)

    def ask(self, t, peer, size, step=2, check=None):
        number = self.take_id(t, step)
        self.out(t, peer, self.payload(number, size, check))
        return number

    def ask_in_vain(self, t, peer, size):
        """Sent three times, +2.03..2.09 and +4.00..4.04 s (wire A2)."""
        number, check = self.take_id(t, 2), self.capture.bytes(4)
        for wait in (0, self.random.uniform(2.03, 2.09), self.random.uniform(4.00, 4.04)):
            t += wait
            self.out(t, peer, self.payload(number, size, check))

    def answer(self, t, peer, size):
        number = self.peer_ids.setdefault(peer, self.random.randrange(65536))
        self.peer_ids[peer] = (number + 1) & 0xFFFF
        self.back(t, peer, self.payload(number, size))

    def exchange(self, t, peer, size, reply):
        rtt = self.rtt()
        self.ask(t, peer, size)
        self.answer(t + rtt, peer, reply)
        return t + rtt

    def rtt(self):
        return self.random.uniform(0.065, 0.21)

    def function(self, low):
        """bits 0x70 are random in all functions but 02 (wire A1)"""
        return low | self.random.randrange(8) << 4

    def nak_and_resend(self, t, peer):
        """Wire A3: NAK with challenge, resend within 0.2 ms, 51-byte answer."""
        number, check, challenge = self.take_id(t, 2), self.capture.bytes(4), self.capture.bytes(4)
        self.out(t, peer, self.payload(number, 18, check))
        t += self.rtt()
        self.back(t, peer, struct.pack(">HB", number, self.function(7)) + address(PUBLIC) + challenge)
        self.out(t + 0.00013, peer, struct.pack(">HBB", number, self.function(3), 1) + challenge + address(peer[0]) +
                 check + self.capture.bytes(7))
        t += self.rtt()
        self.answer(t, peer, 51)
        return t

    def notice(self, t, peer, check, acked=True):
        """346 bytes, the same content for all peers, answered by an 11-byte ACK (wire A3)."""
        number = self.ask(t, peer, 346, 1, check)
        if acked:
            self.back(t + self.rtt(), peer, struct.pack(">HB", number, self.function(5)) + address(PUBLIC) +
                      self.capture.bytes(4))
            return
        for wait in (2.05, 6.07):
            self.out(t + wait, peer, self.payload(number, 346, check))

    def unsolicited(self, t, peer, size):
        """An unknown peer asks; the client acknowledges (wire A3)."""
        number = self.random.randrange(65536)
        self.back(t, peer, self.payload(number, size))
        self.out(t + 0.00025, peer, struct.pack(">HB", number, self.function(5)) + address(peer[0]) +
                 self.capture.bytes(4))

    def fragments(self, t, peer, asked, last):
        """An answer of 9 fragments (wire A4): 8 of 1355 bytes and the last."""
        number = self.peer_ids.setdefault(peer, self.random.randrange(65536))
        self.peer_ids[peer] = (number + 1) & 0xFFFF
        for index in range(9):
            size, mark = (last, 0x80) if index == 8 else (1355, 0)
            head = struct.pack(">HBHBB", number, self.function(0x0F), asked, index | mark, 2)
            self.back(t, peer, head + self.capture.bytes(size - 7))
            t += 0.012
        return t


def peers(rng, n):
    """n different sockets of the documentation ranges, none of them one that has a role already."""
    taken = {PUBLIC, LOGIN_SERVER[0], LIST_SERVER[0], WEB_SERVER[0], SUPERNODE[0]}
    out = []
    while len(out) < n:
        ip = f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 120)}"
        if ip not in taken:
            taken.add(ip)
            out.append((ip, rng.randrange(1024, 65000)))
    return out


def record(kind, content):
    return struct.pack(">BHH", kind, 0x0301, len(content)) + content


def login_block(capture, second):
    """Message 3 of wire B3: ten constant bytes, 192 random ones, three constant ones; the second record follows."""
    constant = bytes.fromhex("4103000980400408c001")
    return record(0x16, constant + capture.bytes(192) + b"\x00\x0c\x01") + record(0x17, capture.bytes(second))


def server_exchange(capture, t, server, label, local_port, second, later):
    """Login or contact-list server; later: (delay, side, content) after the block. Closed after 30 idle seconds."""
    rtt = 0.031
    connection = Connection(capture, t, server, label, rtt, local_port)
    t += rtt + 0.005
    messages = [(t, 0, record(0x16, b"")), (t + rtt + 0.002, 1, record(0x17, b""))]
    t += rtt + 0.0025
    messages.append((t, 0, login_block(capture, second)))
    for delay, side, size in later:
        t += delay
        messages.append((t, side, record(0x17, capture.bytes(size))))
    connection.talk(messages)
    connection.close(t + 30.03)


def login_probes(client, t, nodes):
    """Wire B1: bursts of 18 bytes 5 s apart, a NAK, two refusals of 51 bytes; then the supernode accepts with 18."""
    for i in range(5):
        client.ask(t + (0 if i == 0 else 1.078) + i * 0.00005, nodes[i], 18)
    t = client.nak_and_resend(t + 6.14, nodes[5])
    t = client.exchange(t + 0.0004, nodes[6], 18, 51)
    for i in range(4):
        client.ask(t + 0.0004 + i * 0.00005, nodes[7 + i], 18)
    return client.exchange(t + 5.02, SUPERNODE, 18, 18)


def supernode_link(client, capture, t):
    """Wire B2, login 1; returns the connection for what comes later."""
    link = Connection(capture, t + 0.0004, SUPERNODE, "skype-tcp", 0.148, 1312)
    sizes = ((0.150, 0, 14), (0.160, 1, 73), (0.001, 0, 25), (0.170, 1, 587), (0.001, 0, 16), (0.155, 1, 274),
             (0.010, 0, 11), (0.160, 1, 659), (0.120, 0, 45), (0.150, 1, 4))
    messages = []
    for delay, side, size in sizes:
        t += delay
        messages.append((t, side, capture.bytes(size)))
    link.talk(messages)
    client.take_id(t, 3)
    return link, t


def after_login(client, t, nodes):
    """Wire B4: 22-byte questions; ping-pong of 5 rounds with two nodes, and of one with two that become heartbeats."""
    client.exchange(t, nodes[0], 22, 658)
    client.exchange(t + 0.0001, nodes[1], 22, 669)
    for node in nodes[2:4]:
        at = t + 0.08
        for _ in range(5):
            at = client.exchange(at, node, 18, 26) + 0.0003
    for node in nodes[4:6]:
        client.exchange(t + 0.0801, node, 18, 26)
    for i, node in enumerate(nodes[6:14]):
        client.exchange(t + 1.4 + 0.21 * i, node, 30, 18)


def version_check(capture, t):
    """Wire B4: DNS, then the request with an absolute URI and three header lines."""
    name = b"\x02ui\x05skype\x03com\x00"
    query = b"\x5a\x31\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01"
    reply = b"\x5a\x31\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01" + \
        b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04" + address(WEB_SERVER[0])
    capture.udp(t - 0.05, (CLIENT, 2130), (ROUTER, 53), query, "not-skype")
    capture.udp(t - 0.02, (ROUTER, 53), (CLIENT, 2130), reply, "not-skype")
    request = (b"GET http://ui.skype.com/ui/2/1.2.0.18/en/getlatestversion?ver=1.2.0.18&uhash=" +
               capture.bytes(16).hex().encode() + b" HTTP/1.1\r\nconnection: Keep-Alive\r\nhost: ui.skype.com\r\n\r\n")
    answer = b"HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Length: 7\r\nContent-Type: text/plain\r\n\r\n1.0.0.1"
    web = Connection(capture, t, WEB_SERVER, "skype-http", 0.036, 3621)
    web.talk([(t + 0.037, 0, request), (t + 0.078, 1, answer)])
    web.close(t + 0.12)


def search(client, capture, link, t, nodes):
    """Wire A4: 13 bytes to the supernode, 48 back, three 47-byte questions; one node answers in 2 x 9 fragments."""
    client.take_id(t, 2)
    link.talk([(t, 0, capture.bytes(13)), (t + 0.16, 1, capture.bytes(48))])
    t += 0.1602
    asked = client.ask(t, nodes[0], 47)
    for node in nodes[1:3]:
        client.ask_in_vain(t + 0.00005, node, 47)
    t = client.fragments(t + 0.19, nodes[0], asked, 592)
    client.fragments(t + 0.01, nodes[0], asked, 768)


def background(capture):
    """Other programs: NTP, DNS, a TLS 1.2 hello and alert. Nothing of it is Skype."""
    ntp = ("192.0.2.123", 123)
    for at in (2.0, 66.0, 130.0, 194.0, 258.0):
        stamp = struct.pack(">II", int(START + at) + 2208988800, 0)
        capture.udp(START + at, (CLIENT, 123), ntp, b"\x23\x02\x06\xec" + bytes(36) + stamp, "not-skype")
        capture.udp(START + at + 0.043, ntp, (CLIENT, 123), b"\x24\x01\x06\xec" + bytes(12) + stamp * 4, "not-skype")
    name = b"\x03www\x07example\x03org\x00"
    for i, at in enumerate((0.0, 45.1, 171.3)):
        head = struct.pack(">HHHHHH", 0x1111 * (i + 1), 0x0100, 1, 0, 0, 0)
        capture.udp(START + at, (CLIENT, 40001 + i), (ROUTER, 53), head + name + b"\0\1\0\1", "not-skype")
        head = struct.pack(">HHHHHH", 0x1111 * (i + 1), 0x8180, 1, 1, 0, 0)
        capture.udp(START + at + 0.012, (ROUTER, 53), (CLIENT, 40001 + i), head + name + b"\0\1\0\1\xc0\x0c\0\1\0\1" +
                    struct.pack(">IH", 3600, 4) + address("203.0.113.80"), "not-skype")
    host = b"www.example.org"
    extension = struct.pack(">HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    suites = b"\0\0\x04\xc0\x2f\x00\x9c\x01\0"
    body = b"\x03\x03" + capture.bytes(32) + suites + struct.pack(">H", len(extension)) + extension
    hello = struct.pack(">BHH", 22, 0x0301, len(body) + 4) + b"\x01" + struct.pack(">I", len(body))[1:] + body
    web = Connection(capture, START + 45.13, ("203.0.113.80", 443), "not-skype", 0.022, 40444)
    web.talk([(START + 45.16, 0, hello), (START + 45.19, 1, b"\x15\x03\x03\x00\x02\x02\x28")])
    web.close(START + 45.3, 1)


def session(capture, wanted=None):
    """The whole life of the client; returns the ids that it took, as (time, step)."""
    client, rng = Client(capture, wanted), capture.random
    nodes = peers(rng, 40)
    t = login_probes(client, START + 5.0, nodes)
    link, t = supernode_link(client, capture, t)
    after_login(client, t + 0.05, nodes[11:25])
    # Contact list: 27 bytes over UDP, answered; login server at the same time over TCP (wire B3).
    client.exchange(t + 0.62, LIST_SERVER, 27, 22)
    server_exchange(capture, t + 0.07, LOGIN_SERVER, "skype-login", 1325, 236,
                    ((0.180, 1, 227), (0.002, 0, 13), (0.060, 1, 62)))
    version_check(capture, t + 1.3)
    check = capture.bytes(4)
    for i, node in enumerate(nodes[17:25]):
        client.notice(t + 12.0 + i * 0.0002, node, check, acked=i != 7)
    at = client.exchange(t + 16.3, LIST_SERVER, 27, 22)
    server_exchange(capture, at + 0.0003, LIST_SERVER, "skype-contact-list", 2576, 45,
                    ((0.052, 1, 11), (0.084, 1, 63), (0.001, 0, 20), (0.050, 1, 16)))
    client.unsolicited(t + 30.4, nodes[25], 20)
    for i, sizes in enumerate(((11, 659), (57, 21), (36, 4))):  # every 60.0 s (wire B2)
        at = t + 60.0 * (i + 1)
        client.take_id(at, 1)
        link.talk([(at, 0, capture.bytes(sizes[0])), (at + 0.151, 1, capture.bytes(sizes[1]))])
        if i == 1:
            search(client, capture, link, at + 5.0, nodes[26:29])
    client.ask_in_vain(t + 130.2, nodes[29], 30)
    client.ask_in_vain(t + 188.8, nodes[30], 31)
    for node in nodes[15:17]:  # the heartbeats' second beat, more than 200 s after the first
        client.exchange(t + 236.0 + rng.random(), node, 18, 26)
    check = capture.bytes(4)
    for i, node in enumerate(nodes[17:21]):
        client.notice(t + 262.0 + i * 0.0002, node, check)
    link.close(START + 319.5)
    return client.wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=20060825)
    args = parser.parse_args()
    wanted = None
    for _ in range(2):
        capture = Capture(args.seed)
        background(capture)
        wanted = session(capture, wanted)
    path = capture.write(args.out)
    with open(path, "rb") as made:
        data = made.read()
    print(f"{path}: {len(capture.packets)} packets, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
