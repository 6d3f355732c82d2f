#!/usr/bin/env python3
"""Writes rtp.pcap, rtp.expect.tsv and rtp.streams.tsv: three calls, made up, and what looks like calls and is none.

    make_rtp.py [--out DIRECTORY] [--seed N]

A telephone call with losses, disorder, copies and jitter at known places; a call set up by ICE, with sound and picture,
which later goes through a TURN server; a call over TCP. Addresses are of the documentation ranges (RFC 5737); what would
be encrypted is random. rtp.expect.tsv is the truth by flow, rtp.streams.tsv by stream. This encoder shares nothing with
the dissectors. Same seed, same bytes.
"""
import argparse
import os
import random
import struct

START = 1700000000.5
HOME = "10.0.0.2"


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return bytes(int(part) for part in text.split("."))


def jitter_of(arrivals, clock):
    """RFC 3550 A.8 over (seconds, timestamp) in order of arrival: mean and largest of the running value, in ms."""
    jitter, values = 0.0, []
    for (t0, ts0), (t1, ts1) in zip(arrivals, arrivals[1:]):
        d = (t1 - t0) - (ts1 - ts0) / clock
        jitter += (abs(d) - jitter) / 16
        values.append(jitter * 1000)
    return sum(values) / len(values), max(values)


class Capture:
    """Packets in any order, each with the label of its flow; streams are noted beside them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.packets = []  # (time, order, frame, key, payload length, label)
        self.streams = []
        self.ip_id = 0

    def noise(self, n):
        return bytes(self.random.randrange(256) for _ in range(n))

    def _add(self, t, proto, src, dst, transport, payload_len, label):
        self.ip_id = (self.ip_id + 1) & 0xFFFF
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), self.ip_id, 0x4000, 60, proto, 0,
                           address(src[0]), address(dst[0]))
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        frame = bytes.fromhex("0200000000020200000000010800") + head + transport
        key = ("udp" if proto == 17 else "tcp", src, dst)
        self.packets.append((round(START + t, 6), len(self.packets), frame.ljust(60, b"\0"), key, payload_len, label))

    def udp(self, t, src, dst, payload, label):
        head = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0)
        pseudo = address(src[0]) + address(dst[0]) + struct.pack(">BBH", 0, 17, 8 + len(payload))
        value = checksum(pseudo + head + payload) or 0xFFFF
        self._add(t, 17, src, dst, head[:6] + struct.pack(">H", value) + payload, len(payload), label)

    def tcp(self, t, src, dst, seq, ack, flags, payload, label):
        head = struct.pack(">HHIIBBHHH", src[1], dst[1], seq, ack, 0x50, flags, 8192, 0, 0)
        pseudo = address(src[0]) + address(dst[0]) + struct.pack(">BBH", 0, 6, 20 + len(payload))
        value = checksum(pseudo + head + payload)
        self._add(t, 6, src, dst, head[:16] + struct.pack(">HH", value, 0) + payload, len(payload), label)

    def stream(self, proto, src, dst, ssrc, types, clock, packets, lost, copies, late, arrivals):
        mean, most = jitter_of(arrivals, clock)
        times = [t for t, _ in arrivals]
        self.streams.append((proto, *src, *dst, f"{ssrc:08x}", types, clock, packets, lost, copies, late, f"{mean:.3f}",
                             f"{most:.3f}", START + min(times), START + max(times)))

    def flows(self):
        flows, first = {}, self.packets[0][0]
        for t, _, _, (proto, src, dst), size, label in self.packets:
            key = (proto, frozenset((src, dst)))
            f = flows.setdefault(key, {"head": (proto, *src, *dst), "first": t, "n": 0, "bytes": 0, "label": label})
            f["last"], f["n"], f["bytes"] = t, f["n"] + 1, f["bytes"] + size
        for f in flows.values():
            yield (*f["head"], f"{f['first'] - first:.6f}", f"{f['last'] - first:.6f}", f["n"], f["bytes"], f["label"],
                   "certain")

    def write(self, folder):
        self.packets.sort(key=lambda p: p[:2])
        with open(os.path.join(folder, "rtp.pcap"), "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for t, _, frame, *_ in self.packets:
                micros = round(t * 1e6)
                out.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame)
        tables = {
            "rtp.expect.tsv": (("proto", "client_ip", "client_port", "server_ip", "server_port", "first_ts", "last_ts",
                                "packets", "payload_bytes", "label", "confidence"), self.flows()),
            "rtp.streams.tsv": (("proto", "src", "sport", "dst", "dport", "ssrc", "types", "clock", "packets", "lost",
                                 "duplicates", "reordered", "jitter_mean_ms", "jitter_max_ms", "first_ts", "last_ts"),
                                ((*row[:-2], *(f"{t - self.packets[0][0]:.6f}" for t in row[-2:]))
                                 for row in self.streams)),
        }
        for name, (columns, rows) in tables.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as out:
                for row in (columns, *rows):
                    out.write("\t".join(map(str, row)) + "\n")


def rtp(kind, seq, ts, ssrc, payload, marker=False, extension=b""):
    first = 0x90 if extension else 0x80
    return struct.pack(">BBHII", first, kind | marker << 7, seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc) + extension + payload


# The telephone call: sequence numbers that are lost, that come after the next one, and that come twice.
LOST = {50, 51, 280}
LATE = {100, 340}
TWICE = {140}
SILENCE = (200, 249)  # a comfort noise message at its start (RFC 3389), then nothing


def phone_direction(c, src, dst, ssrc, base, ts0, damaged):
    """400 frames of 20 ms, PCMU; the silent ones have no number. Delays of 0-8 ms, so that none overtakes another."""
    arrivals, number, types = [], base, {0}
    for i in range(400):
        if SILENCE[0] < i <= SILENCE[1]:
            continue
        t, ts = 1.0 + i * 0.02 + c.random.randrange(8000) / 1e6, ts0 + 160 * i
        if damaged and i in LATE:
            t += 0.03
        quiet = i == SILENCE[0]
        types |= {13} if quiet else set()
        message = rtp(13 if quiet else 0, number, ts, ssrc, b"\x48" if quiet else c.noise(160), i in (0, SILENCE[1] + 1))
        number += 1
        if damaged and i in LOST:
            continue
        for copy in range(2 if damaged and i in TWICE else 1):
            c.udp(t + copy * 0.001, src, dst, message, "rtp")
            arrivals.append((round(t + copy * 0.001, 6), ts))
    arrivals.sort()
    lost, copies, late = (len(LOST), len(TWICE), len(LATE)) if damaged else (0, 0, 0)
    c.stream("udp", src, dst, ssrc, ",".join(map(str, sorted(types))), 8000, len(arrivals), lost, copies, late, arrivals)


def sender_report(ssrc, t, ts, about=None):
    """about: (ssrc, share, lost, highest, jitter, last SR, delay)."""
    ntp = int((START + t + 2208988800) * 65536)
    block = b"" if about is None else struct.pack(">IIIIII", about[0], about[1] << 24 | about[2], *about[3:])
    report = struct.pack(">BBHIIIIII", 0x80 | (about is not None), 200, 6 + len(block) // 4, ssrc, ntp >> 16,
                         (ntp & 0xFFFF) << 16, ts & 0xFFFFFFFF, 250, 40000) + block
    return report + struct.pack(">BBHIBB", 0x81, 202, 4, ssrc, 1, 7) + b"a@x.org" + b"\0\0\0", ntp & 0xFFFFFFFF


def phone(c):
    ours, theirs = (HOME, 40000), ("192.0.2.20", 30000)
    phone_direction(c, ours, theirs, 0x1111AAAA, 65500, 4294900000, False)
    phone_direction(c, theirs, ours, 0x2222BBBB, 100, 1000, True)
    ours, theirs = (HOME, 40001), ("192.0.2.20", 30001)
    for t in (4.0, 8.0):
        report, clock = sender_report(0x1111AAAA, t, 4294900000 + int(t * 8000))
        c.udp(t, ours, theirs, report, "rtcp")
        answer, _ = sender_report(0x2222BBBB, t + 0.09, 1000 + int(t * 8000),
                                  (0x1111AAAA, 0, 0, 65849, 24, clock, int(0.05 * 65536)))
        c.udp(t + 0.09, theirs, ours, answer, "rtcp")


def stun(kind, ident, *attributes):
    body = b"".join(struct.pack(">HH", a, len(v)) + v + b"\0" * (-len(v) % 4) for a, v in attributes)
    return struct.pack(">HHI", kind, len(body), 0x2112A442) + ident + body


def xored(endpoint):
    packed = bytes(a ^ b for a, b in zip(address(endpoint[0]), bytes.fromhex("2112a442")))
    return struct.pack(">HH", 1, endpoint[1] ^ 0x2112) + packed


def ask(c, t, src, dst, kind, label, attributes=(), answers=()):
    """A request and its answer, 40 ms later."""
    ident = c.noise(12)
    c.udp(t, src, dst, stun(kind, ident, *attributes), label)
    c.udp(t + 0.04, dst, src, stun(kind | 0x0100, ident, *answers), label)


def dtls(c, kind, n, size):
    return struct.pack(">BHHHIH", kind, 0xFEFD, 0, 0, n, size) + c.noise(size)


def ice_media(c, t0, n, src, dst, sound, picture, wrap, state):
    """n frames of 20 ms: Opus, and at 25 frames a second three messages of video, the last one marked."""
    arrivals = {sound: [], picture: []}
    counts = {sound: 0, picture: 0}

    def send(t, ssrc, ts, message):
        c.udp(t, src, dst, wrap(message), "rtp")
        arrivals[ssrc].append((round(t, 6), ts))
        counts[ssrc] += 1

    for i in range(n):
        t = t0 + i * 0.02
        send(t, sound, state["ts"] + i * 960, rtp(111, state["a"], state["ts"] + i * 960, sound, c.noise(70),
                                                  extension=bytes.fromhex("bede000110ff0000")))
        state["a"] += 1
        for part in range(3 if i % 2 == 0 else 0):
            ts = state["ts"] + i * 1800
            send(t + 0.002 + part * 0.0005, picture, ts, rtp(96, state["v"], ts, picture, c.noise(200), part == 2))
            state["v"] += 1
    for ssrc, kind, clock in ((sound, 111, 48000), (picture, 96, 90000)):
        c.stream("udp", src, dst, ssrc, kind, clock, counts[ssrc], 0, 0, 0, arrivals[ssrc])
    state["ts"] += n * 960


def ice(c):
    ours, server, relay, peer = (HOME, 50000), ("192.0.2.30", 3478), ("192.0.2.31", 3478), ("198.51.100.9", 60000)
    public, relayed = ("203.0.113.77", 50000), ("192.0.2.31", 49152)
    ask(c, 20.0, ours, server, 0x0001, "stun", answers=((0x0020, xored(public)),))
    ask(c, 20.1, ours, relay, 0x0003, "rtp", ((0x0019, b"\x11\0\0\0"),),
        ((0x0016, xored(relayed)), (0x0020, xored(public))))
    check = ((0x0006, b"abcd:efgh"), (0x0024, struct.pack(">I", 0x6E0001FF)), (0x802A, c.noise(8)))
    ask(c, 20.3, ours, peer, 0x0001, "rtp", check, ((0x0020, xored(public)),))
    ask(c, 20.32, peer, ours, 0x0001, "rtp", check, ((0x0020, xored(peer)),))
    for i, (src, dst, size) in enumerate(((ours, peer, 150), (peer, ours, 600), (ours, peer, 550), (peer, ours, 60))):
        c.udp(20.4 + i * 0.04, src, dst, dtls(c, 22, i, size), "rtp")
    out, back = {"a": 7, "v": 65530, "ts": 5000}, {"a": 900, "v": 3, "ts": 77}
    ice_media(c, 21.0, 100, ours, peer, 0x0A0A0A0A, 0x0B0B0B0B, bytes, out)
    ice_media(c, 21.005, 100, peer, ours, 0x0C0C0C0C, 0x0D0D0D0D, bytes, back)
    for i in range(2):  # SRTCP: header in clear, then noise, index and tag
        report = struct.pack(">BBHI", 0x80, 200, 6, 0x0A0A0A0A) + c.noise(52)
        c.udp(21.5 + i, ours, peer, report + struct.pack(">I", 0x80000001 + i) + c.noise(10), "rtp")
    # The way is lost; the same streams go on through the relay: channel data out, Data indications back.
    ask(c, 23.5, ours, relay, 0x0009, "rtp", ((0x000C, b"\x40\0\0\0"), (0x0012, xored(peer))))
    ice_media(c, 24.0, 50, ours, relay, 0x0A0A0A0A, 0x0B0B0B0B,
              lambda m: struct.pack(">HH", 0x4000, len(m)) + m, out)
    ice_media(c, 24.005, 50, relay, ours, 0x0C0C0C0C, 0x0D0D0D0D,
              lambda m: stun(0x0017, c.noise(12), (0x0012, xored(peer)), (0x0013, m)), back)


def over_tcp(c):
    ours, theirs, label = (HOME, 51000), ("192.0.2.40", 443), "rtp"
    seq = [1000, 5000]
    c.tcp(30.0, ours, theirs, seq[0], 0, 0x02, b"", label)
    c.tcp(30.03, theirs, ours, seq[1], seq[0] + 1, 0x12, b"", label)
    c.tcp(30.031, ours, theirs, seq[0] + 1, seq[1] + 1, 0x10, b"", label)
    seq = [1001, 5001]
    for side, (src, dst) in enumerate(((ours, theirs), (theirs, ours))):
        arrivals = []
        for i in range(40):
            t, ts = 31.0 + i * 0.02 + side * 0.01, i * 160
            message = rtp(8, i, ts, 0x3333 + side, c.noise(160), i == 0)
            frame = struct.pack(">H", len(message)) + message
            # Each acknowledges what the other has sent so far: its side runs 10 ms behind or ahead.
            heard = 5001 + i * len(frame) if side == 0 else 1001 + (i + 1) * len(frame)
            c.tcp(t, src, dst, seq[side], heard, 0x18, frame, label)
            seq[side] += len(frame)
            arrivals.append((round(t, 6), ts))
        c.stream("tcp", src, dst, 0x3333 + side, 8, 8000, 40, 0, 0, 0, arrivals)


def traps(c):
    """None of these carries media that can be read."""
    def every_20_ms(t0, src, dst, n, make, label="not-media"):
        for i in range(n):
            c.udp(t0 + i * 0.02, src, dst, make(i), label)

    nfs = struct.pack(">IIIII", 0, 2, 100003, 3, 6)  # SUN RPC (RFC 5531): call, version 2, NFS 3, READ
    every_20_ms(40, (HOME, 800), ("10.0.0.9", 2049), 60, lambda i: struct.pack(">I", 0x80000000 + i) + nfs + bytes(40))
    every_20_ms(40, (HOME, 41001), ("192.0.2.51", 9000), 60,  # two counters
                lambda i: struct.pack(">HHII", 0x8000, i, i, 77) + c.noise(50))
    every_20_ms(40, (HOME, 41002), ("192.0.2.52", 4569), 60,  # IAX2 (RFC 5456): a mini stream in full frames
                lambda i: struct.pack(">HHIBBBB", 0x8001, 2, 20 * i, i, i, 2, 4) + c.noise(160))
    every_20_ms(40, (HOME, 41003), ("192.0.2.53", 443), 60,  # QUIC, long header, then short ones
                lambda i: (bytes.fromhex("c300000001") if i < 3 else b"\x4a") + c.noise(300))
    every_20_ms(40, (HOME, 41004), ("192.0.2.54", 69), 1, lambda i: b"\0\1rfc3550.txt\0octet\0")
    every_20_ms(40, (HOME, 41005), ("192.0.2.55", 41005), 60, lambda i: b"\x80" + c.noise(160))
    for i in range(4):  # DNS ids that are RTP version 2
        query = struct.pack(">HHHHHH", 0x8000 + i, 0x0100, 1, 0, 0, 0) + b"\1a\7example\0\0\1\0\1"
        c.udp(40 + i, (HOME, 42000 + i), ("10.0.0.1", 53), query, "not-media")
        c.udp(40.01 + i, ("10.0.0.1", 53), (HOME, 42000 + i), query[:2] + b"\x81\x80" + query[4:], "not-media")
    # Skype's header with RTP's version bits: id, function 02 (skype-wire A1), each message newly encrypted.
    every_20_ms(40, (HOME, 41006), ("192.0.2.56", 40006), 10,
                lambda i: struct.pack(">HB", 0x8123 + i, 2) + c.noise(60))
    # ICE, and then an encryption that hides the header: STUN is all that can be said.
    ours, theirs = (HOME, 41007), ("198.51.100.77", 41007)
    ask(c, 39.9, ours, theirs, 0x0001, "stun", ((0x0024, b"\x6e\0\1\xff"),), ((0x0020, xored(ours)),))
    every_20_ms(40, ours, theirs, 60, lambda i: c.noise(120), "stun")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=3550)
    options = parser.parse_args()
    capture = Capture(options.seed)
    for part in (phone, ice, over_tcp, traps):
        part(capture)
    capture.write(options.out)


main()
