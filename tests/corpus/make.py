#!/usr/bin/env python3
"""Writes the made captures of this folder again, byte for byte: small ones that reach parsers which traces/ does not.

They are food for the fuzz target (tests/fuzz/replay.sh), so a file holds as many different headers as possible; what is
right about each header is tested elsewhere (tests/unit, tests/conformance.py).
"""
import os
import socket
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
A, B = "10.0.0.1", "203.0.113.5"
A6, B6 = "2001:db8::1", "2001:db8::5"
MAC = [bytes((2, 0, 0, 0, 0, n)) for n in range(5)]
SNAP = b"\xaa\xaa\x03\0\0\0"
# First bytes of protocols that somebody looks for: DNS, Skype's 02 and its ACK, RTP, STUN (RFC 5389).
DNS = bytes.fromhex("123401000001000000000000") + b"\x07example\x03com\0\0\x01\0\x01"
SKYPE = bytes.fromhex("15e802a1b2c3d45566778800112233445566")
ACK = bytes.fromhex("15e805c633640799aabbcc")
STUN = bytes.fromhex("000100002112a442000102030405060708090a0b")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(protocol, body, source=A, to=B, ident=1, fragment=0, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | (5 + len(options) // 4), 0, 20 + len(options) + len(body), ident, fragment,
                       64, protocol, 0, socket.inet_aton(source), socket.inet_aton(to)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(following, body, source=A6, to=B6):
    return struct.pack("!IHBB", 6 << 28, len(body), following, 64) + socket.inet_pton(socket.AF_INET6, source) + \
        socket.inet_pton(socket.AF_INET6, to) + body


def udp(sport, dport, payload, length=None):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def tcp(sport, dport, seq, ack, flags, payload=b"", options=b""):
    words = 5 + len(options) // 4
    return struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4, flags, 65535, 0, 0) + \
        options + payload


def ether(body, kind=0x0800, tags=()):
    labels = b"".join(struct.pack("!HH", tag, 100) for tag in tags)
    return MAC[2] + MAC[1] + labels + struct.pack("!H", kind) + body


def record(n, frame, order="<", wire=None):
    return struct.pack(order + "IIII", 1156500000 + n, 1000 * n, len(frame), wire or len(frame)) + frame


def pcap(frames, link=1, order="<", magic=0xA1B2C3D4, snaplen=65535):
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link) + \
        b"".join(record(n, frame, order) for n, frame in enumerate(frames))


def inner():
    return ip4(17, udp(40000, 53, DNS))


def wlan(control, body, addresses=3, qos=b""):
    head = struct.pack("<HH", control, 0) + MAC[2] + MAC[1] + MAC[3] + b"\0\0"
    return head + (MAC[4] if addresses == 4 else b"") + qos + body


def tunnels():
    p = inner()
    over = [
        ip4(4, p), ip4(41, ip6(17, udp(40000, 53, DNS))), ip6(4, p), ip6(41, ip6(17, udp(1, 2, b"x"))),
        ip4(47, struct.pack("!HH", 0, 0x0800) + p),
        ip4(47, struct.pack("!HHIII", 0xB000, 0x6558, 0, 7, 1) + ether(p)),  # checksum, key and sequence number
        ip4(47, struct.pack("!HHHH", 0x2001, 0x880B, 2 + len(p), 9) + b"\x21" + p),  # PPTP, wrong length
        ip4(47, struct.pack("!HHI", 0x1000, 0x88BE, 1) + struct.pack("!II", 0x10000000, 0) + ether(p)),
        ip4(47, struct.pack("!HHI", 0x1000, 0x22EB, 1) + struct.pack("!III", 0x20000000, 0, 0) + ether(p)),
        ip4(47, struct.pack("!HH", 0, 0x883E) + b"\0\0\0\0" + p),
        ip4(17, udp(50000, 4789, struct.pack("!II", 0x08000000, 5 << 8) + ether(p))),
        ip4(17, udp(50000, 6081, struct.pack("!BBHI", 2, 0, 0x6558, 5 << 8) + b"\0\1\0\1abcd" + ether(p))),
        ip4(17, udp(2152, 2152, struct.pack("!BBHI", 0x30, 0xFF, len(p), 1) + p)),
        ip4(17, udp(2152, 2152, struct.pack("!BBHIHBB", 0x34, 0xFF, 8 + len(p), 1, 0, 0, 0x85) + b"\1\0\0\0" + p)),
        ip4(17, udp(50000, 3544, b"\0\1\0\0" + bytes(9) + b"\0\0" + bytes(6) + ip6(17, udp(40000, 53, DNS)))),
        ip4(17, udp(1701, 1701, struct.pack("!HHHH", 0x4002, 12 + len(p), 1, 1) + b"\xff\x03\x00\x21" + p)),
        ip4(17, udp(50000, 5247, bytes.fromhex("0010020000000000") + wlan(0x0208, SNAP + b"\x08\0" + p))),
        ip4(17, udp(50000, 37008, b"\1\0\0\1\x0a\2ab\1" + ether(p))),
    ]
    nested = ether(ip4(47, struct.pack("!HH", 0, 0x0800) + p))
    nested = ip4(17, udp(50000, 4789, struct.pack("!II", 0x08000000, 5 << 8) + nested))
    for _ in range(12):
        nested = ip4(4, nested)
    frames = [ether(body, 0x86DD if body[0] >> 4 == 6 else 0x0800) for body in over + [nested]]
    frames += [
        ether(p, tags=(0x88A8, 0x8100)), ether(struct.pack("!II", 17 << 12 | 64, 16 << 12 | 0x100 | 64) + p, 0x8847),
        ether(struct.pack("!BBHHH", 0x11, 0, 1, len(p) + 2, 0x21) + p, 0x8864),
        MAC[2] + MAC[1] + struct.pack("!H", len(p) + 8) + SNAP + b"\x08\0" + p,
    ]
    return pcap(frames)


def fragments():
    big = udp(41000, 41001, bytes(range(120)) * 2)
    parts = [ip4(17, big[at:at + 80], ident=7, fragment=(at + 80 < len(big)) << 13 | at // 8)
             for at in range(0, len(big), 80)]
    frames = parts + parts[::-1] + parts[:1] + parts[2:]
    frames.append(ip4(17, big[8:72], ident=8, fragment=0x2000 | 1))  # no first one
    frames.append(ip4(17, big[:16], ident=9, fragment=0x2000))
    frames.append(ip4(17, big[:24], ident=9, fragment=1))  # overlaps the one before
    frames.append(ip4(17, big[:8], ident=10, fragment=0x1FFF))  # ends beyond 65535
    frames.append(ip4(17, big[:48], options=b"\x94\4\0\0" + b"\7\4\0\0"))
    frames.append(ip4(1, b"\3\3\0\0\0\0\0\0" + parts[0][:28], B, A))  # an ICMP error that quotes a fragment
    frames.append(ip4(1, b"\x0b\0\0\0\0\0\0\0" + parts[1][:28], B, A))
    small = [ip6(44, struct.pack("!BBHI", 17, 0, at | (at + 80 < len(big)), 99) + big[at:at + 80])
             for at in range(0, len(big), 80)]
    small.append(ip6(0, b"\x3c\0" + bytes(6) + b"\x2b\0" + bytes(6) + b"\x2c\2\4\0" + bytes(20) + b"\x11\0\0\0\0\0\0\1" + big[:40]))
    small.append(ip6(51, b"\x11\2" + bytes(14) + big[:40]))
    small.append(ip6(58, b"\1\3\0\0\0\0\0\0" + small[0][:60], B6, A6))
    return pcap([ether(f) for f in frames] + [ether(f, 0x86DD) for f in small])


def wireless():
    data, p = SNAP + b"\x08\0", inner()
    radiotap = b"\0\0\x08\0\0\0\0\0"
    flagged = b"\0\0\x12\0\x03\0\0\x80" + b"\0\0\0\0" + bytes(6)  # a second word of present bits
    bodies = [
        wlan(0x0108, data + p), wlan(0x0208, data + p), wlan(0x0308, data + p, 4),
        wlan(0x0188, data + p, qos=b"\0\0"), wlan(0x0388, data + p, 4, b"\0\0"), wlan(0x8188, data + p, qos=b"\0\0" + bytes(4)),
        wlan(0x0188, MAC[1] + MAC[2] + struct.pack("!H", 8 + len(p)) + data + p, qos=b"\x80\0"),  # aggregated
        wlan(0x4108, data + p), wlan(0x0048, b""), wlan(0x0080, bytes(12) + b"\0\3abc"), struct.pack("<HH", 0x00D4, 0) + MAC[1],
        wlan(0x0108, b"\xaa\xaa\x03\0\0\0\x81\0\0\x64\x08\0" + p),
    ]
    return pcap([head + body for body in bodies for head in (radiotap, flagged)], 127)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order, comment):
    end, p = option(order, 0, b""), inner()
    names = option(order, 1, comment) + end
    eth, raw = ether(p), p

    def packet(interface, ticks, frame, options=b""):
        return block(order, 6, struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
                     + frame + b"\0" * (-len(frame) % 4) + options)
    return b"".join((
        block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + names),
        block(order, 1, struct.pack(order + "HHI", 1, 0, 65535) + option(order, 2, b"eth0") + option(order, 9, b"\6") + end),
        block(order, 1, struct.pack(order + "HHI", 101, 0, 96) + option(order, 9, b"\x9e") +
              option(order, 14, struct.pack(order + "q", 3600)) + end),
        packet(0, 1156500000 * 10**6, eth), packet(1, 1156500001 << 30, raw), packet(0, 1156500002 * 10**6, eth, names),
        block(order, 3, struct.pack(order + "I", len(eth)) + eth),
        block(order, 2, struct.pack(order + "HHIIII", 0, 3, 269269, 1234567, len(eth), len(eth)) + eth),
        block(order, 4, struct.pack(order + "HH", 1, 11) + socket.inet_aton(B) + b"peer.x\0" + b"\0" + bytes(4)),
        block(order, 0x0BAD, b"custom"),
        block(order, 5, struct.pack(order + "III", 0, 269269, 1234567) + option(order, 5, struct.pack(order + "Q", 7)) + end),
    ))


def interfaces():
    return section("<", b"first") + section(">", b"the other byte order")


def streams():
    """TCP: a login of Skype (wire B3) in pieces, out of order, overlapping, across the wrap of the sequence numbers."""
    c, s = 0xFFFFFFF0, 0xFFFFFF80
    hello, answer = bytes.fromhex("1603010000"), bytes.fromhex("1703010000")
    block1 = bytes.fromhex("16030100cd") + bytes.fromhex("41030009804004 08c001") + bytes(192) + b"\0\x0c\1"
    request = block1 + bytes.fromhex("17030100") + b"\x20" + bytes(32)

    def out(at, flags, payload=b"", options=b""):
        return ether(ip4(6, tcp(4125, 33033, c + at, s + 1, flags, payload, options)))

    def back(at, flags, payload=b""):
        return ether(ip4(6, tcp(33033, 4125, s + at, c + 1, flags, payload), B, A))
    frames = [
        out(0, 2, options=b"\2\4\5\xb4\1\3\3\7"), back(0, 0x12), out(1, 0x10), out(1, 0x18, hello), back(1, 0x18, answer),
        out(106, 0x18, request[100:]), out(6, 0x18, request[:60]), out(46, 0x18, request[40:110]), out(6, 0x18, request[:60]),
        back(6, 0x18, bytes.fromhex("170301000b") + bytes(11)), out(6 + len(request), 0x11), back(22, 0x14),
        out(0, 2), out(1, 4),
    ]
    other = [b"GET http://ui.skype.com/ui/2/1.2.0.18/en/getlatestversion?ver=1.2.0.18&uhash=00 HTTP/1.1\r\n"
             b"host: ui.skype.com\r\n\r\n",
             bytes.fromhex("8046010301002d00000010") + bytes(61), bytes(80), b"\x16\3\1\0\x2f\1\0\0\x2b\3\1" + bytes(41)]
    for n, payload in enumerate(other):
        frames += [ether(ip4(6, tcp(5000 + n, 443, 0, 0, 2))), ether(ip4(6, tcp(5000 + n, 443, 1, 0, 0x18, payload)))]
    for n, payload in enumerate((SKYPE, ACK, STUN, SKYPE[:2] + b"\x0f" + SKYPE[3:] * 3, b"\x80\0" + bytes(30), b"")):
        frames += [ether(ip4(17, udp(35990, 40000 + n, payload))), ether(ip4(17, udp(40000 + n, 35990, payload), B, A))]
    frames.append(ether(ip4(17, udp(1, 2, b"short", length=4))))
    frames.append(ether(ip4(6, tcp(1, 2, 0, 0, 0x10)[:12] + b"\xf0" + bytes(7))))
    return pcap(frames)


def header():
    """The headers of the file and of the records lie: lengths beyond the snap length and the file, a wire length below."""
    frame = ether(inner())
    head = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, -1, 0xFFFFFFFF, 16, 0xF0000001)
    return head + record(0, frame, ">") + record(1, frame, ">", wire=10) + struct.pack(">IIII", 2, 2 * 10**9, 3 << 24, 1) + frame


def snoop():
    frames = [ether(inner()), ether(ip4(17, udp(35990, 1, SKYPE)))]
    records = b""
    for n, frame in enumerate(frames):
        pad = b"\0" * (-len(frame) % 4)
        records += struct.pack("!IIIIII", len(frame), len(frame), 24 + len(frame) + len(pad), n, 1156500000 + n, 0) + frame + pad
    return b"snoop\0\0\0" + struct.pack("!II", 2, 4) + records


def erf():
    records = b""
    for n, frame in enumerate((ether(inner()), ether(ip4(17, udp(35990, 1, SKYPE))))):
        body = b"\0\0" + frame
        # The second has an extension header.
        extension = struct.pack("!Q", 5 << 56) if n else b""
        records += struct.pack("<Q", (1156500000 + n) << 32) + struct.pack(
            "!BBHHH", 2 | (0x80 if n else 0), 4, 16 + len(extension) + len(body), 0, len(frame)) + extension + body
    return records


def gzip(data):
    """Stored, not deflated, so that every release of zlib gives the same bytes."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff\1" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data + \
        struct.pack("<II", zlib.crc32(data), len(data))


def main():
    links = pcap([struct.pack("!HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, MAC[1] + b"\0\0") + inner()], 276)
    files = {"tunnels.pcap": tunnels(), "fragments.pcap": fragments(), "wireless.pcap": wireless(),
             "interfaces.pcapng": interfaces(), "streams.pcap": streams(), "header.pcap": header(), "two.snoop": snoop(),
             "two.erf": erf(), "cooked.pcap.gz": gzip(links)}
    for name, data in files.items():
        with open(os.path.join(HERE, name), "wb") as f:
            f.write(data)


main()
