#!/usr/bin/env python3
"""Makes one big capture for the benchmark, from nothing but this folder and traces/login.pcap.

Sessions of six kinds are repeated at random moments of half an hour, each time with addresses and ports of its own:
DNS, HTTP, TLS, UDP between peers, long TCP transfers, and the login of traces/login.pcap. The numbers of sessions and
packets per flow are like those of a campus link: most flows are short, most bytes are in few flows. Deterministic: same
arguments, same file. Checksums are those of the first repetition, as in any replay; what is encrypted is random.

    maketrace.py OUT.pcap [--packets 2600000] [--seed 7]
"""
import argparse
import os
import random
import struct
import sys

LOGIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "traces", "login.pcap")
START = 1156500000  # 25 August 2006, the day that traces/login.pcap is dated
SPAN = 1800  # seconds
VARIANTS = 24  # of each kind: sizes and delays differ, and the same ones come back with other addresses
MSS = 1460
ACK, PSH_ACK, SYN, SYN_ACK, FIN_ACK = 0x10, 0x18, 0x02, 0x12, 0x11

# A frame is stored as (front, conversation, back). front: lengths of the record header, and the frame up to the IPv4
# addresses. Instead of the addresses (and the ports, where they change, too) stands which conversation of the session
# it belongs to; each session has its own bytes for that. back: the rest.
ADDRESSES = 14 + 12
PORTS = 14 + 20


class Template:
    """One variant of a kind of session."""

    def __init__(self, ends):
        self.ends = ends  # ends(rng, k): the bytes of every conversation, for the k-th session
        self.times = []   # microseconds since the session's begin
        self.frames = []

    def add(self, micros, frame, conversation, cut):
        front = struct.pack("<II", len(frame), len(frame)) + frame[:ADDRESSES]
        self.times.append(micros)
        self.frames.append((front, conversation, frame[cut:]))


def ipv4(protocol, body, ident):
    return (bytes.fromhex("0200000000020200000000010800") +
            struct.pack("!BBHHHBBH8x", 0x45, 0, 20 + len(body), ident & 0xFFFF, 0x4000, 64, protocol, 0) + body)


def udp(payload, ident):
    return ipv4(17, struct.pack("!4xHH", 8 + len(payload), 0) + payload, ident)


def tcp(seq, ack, flags, payload, ident):
    return ipv4(6, struct.pack("!4xIIBBHHH", seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65000, 0, 0) + payload,
                ident)


def two_ends(server_port, servers):
    """Conversation 0 from an inside client to a server, 1 back."""
    def ends(rng, _):
        client = struct.pack("!BBBB", 10, rng.randrange(1, 32), rng.randrange(256), rng.randrange(1, 255))
        number = rng.randrange(servers)
        server = struct.pack("!BBBB", 100 + number % 90, number // 90 % 250, number // 22500 % 250, 7)
        port = struct.pack("!H", rng.randrange(1025, 65500))
        other = struct.pack("!H", server_port or rng.randrange(1025, 65500))
        return client + server + port + other, server + client + other + port
    return ends


class Stream:
    """A TCP connection, written into a template."""

    def __init__(self, rng, template):
        self.rng, self.template = rng, template
        self.seq = [rng.getrandbits(32), rng.getrandbits(32)]
        self.now, self.ident = 0, rng.getrandbits(16)
        self.delay = rng.randrange(2000, 80000)
        self.segment(0, SYN)
        self.now += self.delay
        self.segment(1, SYN_ACK)
        self.segment(0, ACK)

    def segment(self, side, flags, payload=b""):
        self.ident += 1
        ack = self.seq[1 - side] if flags & ACK else 0
        self.template.add(self.now, tcp(self.seq[side], ack, flags, payload, self.ident), side, PORTS + 4)
        self.seq[side] += len(payload) + (1 if flags & 3 else 0)
        self.now += self.rng.randrange(5, 400)

    def send(self, side, data):
        """In segments of the greatest size, every second one acknowledged."""
        for count, at in enumerate(range(0, len(data), MSS), 1):
            self.segment(side, PSH_ACK if at + MSS >= len(data) else ACK, data[at:at + MSS])
            if count % 2 == 0 or at + MSS >= len(data):
                self.segment(1 - side, ACK)
        self.now += self.delay

    def close(self):
        self.segment(0, FIN_ACK)
        self.segment(1, FIN_ACK)
        self.segment(0, ACK)


def dns(rng):
    t = Template(two_ends(53, 4))
    name = b"".join(bytes([len(label)]) + label for label in
                    (b"www", b"host%d" % rng.randrange(9999), rng.choice([b"example", b"test"]), b"net")) + b"\0"
    question = struct.pack("!HHHHHH", rng.getrandbits(16), 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
    answers = rng.randrange(1, 5)
    answer = question[:2] + struct.pack("!HHHHH", 0x8180, 1, answers, 0, 0) + question[12:]
    answer += b"".join(struct.pack("!HHHIH4s", 0xC00C, 1, 1, 300, 4, rng.randbytes(4)) for _ in range(answers))
    t.add(0, udp(question, rng.getrandbits(16)), 0, PORTS + 4)
    t.add(rng.randrange(500, 60000), udp(answer, rng.getrandbits(16)), 1, PORTS + 4)
    return t


def http(rng):
    t = Template(two_ends(80, 3000))
    s = Stream(rng, t)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        s.send(0, b"GET /%d/picture.jpg HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: Mozilla/5.0 (Windows; U)\r\n"
                  b"Accept: */*\r\nConnection: keep-alive\r\n\r\n" % rng.randrange(99999))
        body = rng.randbytes(int(rng.lognormvariate(7.5, 1.0)) % 60000)
        s.send(1, b"HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" %
               len(body) + body)
    s.close()
    return t


def tls_record(kind, body):
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def tls(rng):
    t = Template(two_ends(443, 3000))
    s = Stream(rng, t)
    name = b"host%d.example.net" % rng.randrange(999)
    names = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    hello = (b"\x03\x03" + rng.randbytes(32) + b"\0" + bytes.fromhex("0008c02fc030002f0035") + b"\x01\0" +
             struct.pack("!H", len(names)) + names)
    s.send(0, tls_record(22, b"\x01" + len(hello).to_bytes(3, "big") + hello))
    hello = b"\x03\x03" + rng.randbytes(32) + b"\0" + bytes.fromhex("c02f00")
    s.send(1, tls_record(22, b"\x02" + len(hello).to_bytes(3, "big") + hello) + tls_record(22, rng.randbytes(2600)))
    s.send(0, tls_record(22, rng.randbytes(66)) + tls_record(20, b"\x01") + tls_record(22, rng.randbytes(40)))
    for _ in range(rng.randrange(1, 5)):
        s.send(0, tls_record(23, rng.randbytes(rng.randrange(60, 700))))
        s.send(1, tls_record(23, rng.randbytes(int(rng.lognormvariate(7.5, 1.0)) % 16000)))
    s.close()
    return t


def peers(rng):
    """Overlay of any kind: random bytes between high ports, most of them one question and at most one answer."""
    t = Template(two_ends(0, 200000))
    now = 0
    for i in range(rng.choice([1, 2, 2, 2, 6, 10, 20, 60])):
        t.add(now, udp(rng.randbytes(rng.choice([18, 28, 51, 66, 104, 300])), i), i % 2, PORTS + 4)
        now += rng.randrange(10000, 3000000)
    return t


def transfer(rng):
    t = Template(two_ends(rng.choice([22, 80, 443, 993, 8080]), 500))
    s = Stream(rng, t)
    data = rng.randbytes(65536)
    for _ in range(rng.randrange(4, 34)):
        s.send(0, data[:rng.randrange(100, 900)])
        s.send(1, data)
    s.close()
    return t


def login(path):
    """traces/login.pcap, with other inside and outside networks each time; ports and payload as they are."""
    with open(path, "rb") as f:
        data = f.read()
    pairs = {}

    def ends(_, k):
        a, b = 1 + k % 100, 1 + k // 100  # never 192.168, which would be inside
        return [bytes((p[0], p[1] ^ a, p[2] ^ b, p[3], p[4], p[5] ^ a, p[6] ^ b, p[7])) for p in pairs]
    t = Template(ends)
    at, first = 24, None
    while at < len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, at)
        frame = data[at + 16:at + 16 + length]
        micros = seconds * 1000000 + fraction
        first = micros if first is None else first
        at += 16 + length
        t.add(micros - first, frame, pairs.setdefault(frame[ADDRESSES:PORTS], len(pairs)), PORTS)
    return t


# Kind, and which share of the packets it makes.
MIX = ((dns, 0.06), (http, 0.15), (tls, 0.22), (peers, 0.42), (transfer, 0.06))
LOGIN_SHARE = 0.09


def plan(rng, packets):
    """Sessions as (template, bytes of each conversation), and where each of their packets stands in time: one integer
    of microseconds, session and index, for sorting."""
    sessions, order = [], []

    def session(template, k):
        start = rng.randrange(SPAN * 1000000)
        number = len(sessions) << 16
        sessions.append((template.frames, template.ends(rng, k)))
        order.extend([(start + at) << 40 | number | i for i, at in enumerate(template.times)])

    for kind, share in MIX:
        variants = [kind(rng) for _ in range(VARIANTS)]
        mean = sum(len(v.frames) for v in variants) / VARIANTS
        for k in range(max(1, round(packets * share / mean))):
            session(variants[k % VARIANTS], k)
    template = login(LOGIN)
    for k in range(max(1, round(packets * LOGIN_SHARE / len(template.frames)))):
        session(template, k)
    order.sort()
    return sessions, order


def write(out, sessions, order):
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    stamp = struct.Struct("<II").pack
    pieces = []
    for place in order:
        frames, ends = sessions[place >> 16 & 0xFFFFFF]
        front, conversation, back = frames[place & 0xFFFF]
        micros = place >> 40
        pieces += (stamp(START + micros // 1000000, micros % 1000000), front, ends[conversation], back)
        if len(pieces) > 40000:
            out.write(b"".join(pieces))
            pieces.clear()
    out.write(b"".join(pieces))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--packets", type=int, default=2600000, help="about how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    sessions, order = plan(random.Random(args.seed), args.packets)
    partial = args.out + ".partial"
    with open(partial, "wb") as out:
        write(out, sessions, order)
    os.replace(partial, args.out)
    print(f"{args.out}: {len(order)} packets of {len(sessions)} sessions, {os.path.getsize(args.out) / 1e6:.0f} MB",
          file=sys.stderr)


if __name__ == "__main__":
    main()
