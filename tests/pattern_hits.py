#!/usr/bin/env python3
"""The tables patterns and pattern_hits: of a capture whose rows are worked out here by hand, and of real captures, where
tshark finds the packets."""
import os
import shutil
import socket
import struct
import subprocess

import tap

HELLO = bytes.fromhex("1603010000")
TLS = bytes.fromhex("16030100c5010000c10301") + bytes(199)  # a ClientHello in a record of 197 bytes
BLOCK_2006 = bytes.fromhex("16030100cd4103000980400408c001") + bytes(range(190))
BLOCK_2015 = bytes.fromhex("16030100e742cdefe740d72f1d") + bytes(range(227))
FALSE_HELLO = bytes.fromhex("8046010301002d00000010000005000004"
                            "00000a0000090000640000620000080000"
                            "0300000601008007"
                            "00c0030080060040020080040080") + bytes(16)
TORRENT = b"\x13BitTorrent protocol" + bytes(48)


def probe(length, function=2):
    return bytes((0x15, 0xF2, function)) + bytes(length - 3)


# --- frames ---------------------------------------------------------------------------------------------------------

def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def tcp(sport, dport, payload=b"", seq=1000, flags=0x18, options=b""):
    return 6, struct.pack("!HHIIBBHHH", sport, dport, seq, 0, (5 + len(options) // 4) << 4, flags, 8192, 0, 0) + options + payload


def udp(sport, dport, payload, length=None):
    return 17, struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(source, destination, transport, options=b"", fragment=0, number=1):
    protocol, data = transport
    words = 5 + len(options) // 4
    return 0x0800, struct.pack("!BBHHHBBH", 0x40 | words, 0, 4 * words + len(data), number, fragment, 64, protocol, 0) + \
        address(source) + address(destination) + options + data


def ipv6(source, destination, transport, headers=()):
    """headers: (protocol number, its bytes without the first, which names the next)."""
    protocol, data = transport
    for number, rest in reversed(headers):
        data = bytes((protocol,)) + rest + data
        protocol = number
    return 0x86DD, struct.pack("!IHBB", 6 << 28, len(data), protocol, 64) + address(source) + address(destination) + data


def ethernet(packet, vlans=()):
    kind, data = packet
    for vlan in reversed(vlans):
        kind, data = 0x8100, struct.pack("!HH", vlan, kind) + data
    frame = bytes.fromhex("020000000002020000000001") + struct.pack("!H", kind) + data
    return frame + bytes(max(0, 60 - len(frame)))  # as an Ethernet of wires pads


class Capture:
    """Frames of one capture, numbered as footsteps and tshark do."""

    def __init__(self):
        self.records = []

    def add(self, seconds, packet, captured=None, **more):
        frame = ethernet(packet, **more)
        kept = frame[:captured] if captured else frame
        micros = round(seconds * 1e6)
        self.records.append(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(kept), len(frame)) + kept)
        return len(self.records)

    def write(self, name):
        return tap.write(tap.tmp(name), tap.pcap_header() + b"".join(self.records))


# --- rows worked out by hand ----------------------------------------------------------------------------------------

IN, OUT = "10.0.0.1", "203.0.113.5"
IN6, OUT6 = "fd00::1", "2001:db8::5"
TIMESTAMPS = bytes.fromhex("0101080a") + bytes(8)
HOP_BY_HOP = (0, bytes.fromhex("00010400000000"))
DESTINATION = (60, bytes.fromhex("01010c") + bytes(12))  # 16 bytes with the first
ATOMIC_FRAGMENT = (44, bytes.fromhex("00000000000007"))


def login(c, expect):
    """Both directions, a retransmission, options of TCP."""
    flow = c.add(1, ipv4(IN, OUT, tcp(40000, 33033, flags=2)))
    c.add(1.1, ipv4(OUT, IN, tcp(33033, 40000, flags=0x12)))
    hello = c.add(1.2, ipv4(IN, OUT, tcp(40000, 33033, HELLO, 1001, options=TIMESTAMPS)))
    c.add(1.9, ipv4(IN, OUT, tcp(40000, 33033, HELLO, 1001, options=TIMESTAMPS)))
    c.add(2, ipv4(OUT, IN, tcp(33033, 40000, bytes.fromhex("1703010000"), 1001)))
    block = c.add(2.1, ipv4(IN, OUT, tcp(40000, 33033, BLOCK_2006, 1006)))
    back = c.add(2.2, ipv4(OUT, IN, tcp(33033, 40000, HELLO, 1006)))
    expect += [(flow, "hello", "out", hello), (flow, "first_four", "out", hello), (flow, "block_2006", "out", block),
               (flow, "hello", "in", back), (flow, "first_four", "in", back)]


def tls(c, expect):
    """Short hellos, whole and with their record header in a segment of its own; the five bytes where they do not count."""
    flow = c.add(3, ipv4(IN, OUT, tcp(40001, 443, TLS)))
    expect += [(flow, "first_four", "out", flow)]
    flow = c.add(3.1, ipv4(IN, OUT, tcp(40002, 443, TLS[:5])))
    c.add(3.2, ipv4(IN, OUT, tcp(40002, 443, TLS[5:], 1005)))
    expect += [(flow, "first_four", "out", flow)]
    c.add(3.3, ipv4(IN, OUT, tcp(40003, 443, b"\x17\x03\x03" + HELLO)))  # not at the start
    c.add(3.4, ipv4(IN, OUT, udp(40003, 443, HELLO)))  # not TCP
    c.add(3.5, ipv4(IN, OUT, tcp(40004, 443, HELLO[:3])))  # too short; what pads the frame would make it longer
    c.add(3.6, ipv4(IN, OUT, tcp(40005, 443, HELLO + TLS)))  # both, but the second is a ClientHello
    expect += [(len(c.records), "first_four", "out", len(c.records))]


def odd_packets(c, expect):
    """IPv6 with extension headers, IPv4 with options, VLANs, a tunnel; connections whose start was not captured."""
    n = c.add(4, ipv6(IN6, OUT6, tcp(40000, 443, HELLO + BLOCK_2015), (HOP_BY_HOP, DESTINATION)))
    expect += [(n, "hello_more", "out", n), (n, "first_four", "out", n)]
    n = c.add(4.1, ipv6(IN6, OUT6, tcp(40001, 443, BLOCK_2015), (ATOMIC_FRAGMENT,)))
    expect += [(n, "block_2015", "out", n), (n, "first_four", "out", n)]
    n = c.add(4.2, ipv4(IN, OUT, tcp(40006, 443, FALSE_HELLO), options=bytes(8)))
    expect += [(n, "false_hello", "out", n)]
    c.add(4.3, ipv4(IN, OUT, tcp(40007, 443, FALSE_HELLO + b"x")))
    n = c.add(4.4, ipv4(IN, OUT, tcp(40008, 6881, TORRENT)), vlans=(7, 8))
    back = c.add(4.5, ipv4(OUT, IN, tcp(6881, 40008, TORRENT)), vlans=(7, 8))
    expect += [(n, "handshake", "out", n), (n, "handshake", "in", back)]
    inner = ipv4("10.1.1.1", OUT, tcp(40009, 33033, HELLO))
    n = c.add(4.6, ipv4(IN, OUT, (47, b"\0\0\x08\0" + inner[1])))
    expect += [(n, "hello", "out", n), (n, "first_four", "out", n)]
    unreachable = b"\x03\x01\0\0\0\0\0\0" + inner[1]
    c.add(4.7, ipv4(OUT, IN, (1, unreachable)))  # what an error quotes is no packet


def probes(c, expect):
    """Lengths around those of a probe, fragments, what was not captured, and the same sockets after the timeout."""
    for length, port in ((17, 50000), (18, 50001), (37, 50002), (38, 50003)):
        n = c.add(5 + length / 100, ipv4(IN, OUT, udp(35990, port, probe(length))))
        expect += [(n, "probe", "out", n)] * (18 <= length <= 37)
    c.add(5.5, ipv4(IN, OUT, udp(35990, 50004, probe(18, 3))))
    flow = c.add(5.6, ipv4(IN, OUT, udp(35990, 50004, probe(11))))
    back = c.add(5.7, ipv4(OUT, IN, udp(50004, 35990, probe(20))))
    expect += [(flow - 1, "probe", "in", back)]
    # A first fragment with 16 and one with 24 of 400 bytes, and a later one that looks like a probe.
    c.add(6, ipv4(IN, OUT, udp(35990, 50005, probe(16), 408), fragment=0x2000, number=1))
    n = c.add(6.1, ipv4(IN, OUT, udp(35990, 50006, probe(24), 408), fragment=0x2000, number=2))
    expect += [(n, "probe", "out", n)]
    c.add(6.2, ipv4(IN, OUT, udp(35990, 50007, bytes(24), 408), fragment=0x2000, number=3))
    c.add(6.3, ipv4(IN, OUT, (17, probe(24)), fragment=0x2004, number=3))
    # Three bytes of the payload captured are enough, two are not: 14 + 20 + 8 bytes of headers.
    n = c.add(6.4, ipv4(IN, OUT, udp(35990, 50008, probe(18))), captured=45)
    expect += [(n, "probe", "out", n)]
    c.add(6.5, ipv4(IN, OUT, udp(35990, 50009, probe(18))), captured=44)
    n = c.add(7, ipv4(IN, OUT, udp(35990, 50010, probe(18))))
    c.add(207, ipv4(IN, OUT, udp(35990, 50010, probe(18))))
    later = c.add(407.1, ipv4(IN, OUT, udp(35990, 50010, probe(18))))
    expect += [(n, "probe", "out", n), (later, "probe", "out", later)]


def rows(db):
    return sorted((row["flow"], row["pattern"], row["direction"], row["packet"])
                  for row in tap.query(db, "SELECT flow, pattern, direction, packet FROM pattern_hits"))


# What a row says of its flow is what the flow's own row says.
SAME_FLOW = """SELECT count(*) AS n FROM pattern_hits h JOIN flows f USING (run, flow) WHERE
  (h.proto, h.client_ip, h.client_port, h.server_ip, h.server_port, h.label, h.source) =
  (f.proto, f.client_ip, f.client_port, f.server_ip, f.server_port, f.label, f.source) AND
  h.label_protocol IS f.protocol AND h.client IS f.client AND h.ts_ns BETWEEN f.first_ns AND f.last_ns AND
  h.packet BETWEEN f.flow AND f.last_packet"""


def by_hand():
    capture, expect = Capture(), []
    for part in (login, tls, odd_packets, probes):
        part(capture, expect)
    path = capture.write("hits.pcap")
    result, db = tap.read([path], "--flows", "all", "--no-ndpi", "--tunnels")
    tap.equal(result.returncode, 0, "by hand: read", result.stderr)
    tap.equal(rows(db), sorted(expect), "by hand: the rows")
    tap.equal(tap.query(db, SAME_FLOW)[0]["n"], len(expect), "by hand: each says the same of its flow as flows does")
    tap.equal(tap.query(db, "SELECT ts_ns, proto, client_ip, client_port, server_ip, server_port, protocol FROM pattern_hits "
                            "WHERE pattern = 'block_2006'"),
              [{"ts_ns": 2100000000, "proto": "tcp", "client_ip": IN, "client_port": 40000, "server_ip": OUT,
                "server_port": 33033, "protocol": "skype"}], "by hand: a whole row")
    tap.equal(tap.query(db, "SELECT protocol, definition FROM patterns WHERE pattern = 'hello_more'"),
              [{"protocol": "skype", "definition": "tcp, 11 bytes or more, 16 03 01 00 00 at 0, 16 03 01 00 at 5, not 01 at 10"}],
              "by hand: what a pattern is")
    # --flows recognised leaves rows of flows out, and none of these.
    _, recognised = tap.read([path], "--no-ndpi", "--tunnels")
    tap.equal(rows(recognised), sorted(expect), "by hand: the same without the flows that are not recognised")
    tap.ok(len(tap.flows(recognised)) < len(tap.flows(db)), "by hand: which are left out")
    whole = "SELECT * FROM pattern_hits"
    tap.equal(tap.query(recognised, whole), tap.query(db, whole), "by hand: all columns of them")


# --- real captures --------------------------------------------------------------------------------------------------

# Written from the wire's description, for tshark's fields: payload as hex digits.
def fitting(proto, length, payload):
    if proto == "udp":
        return ["probe"] * (18 <= length <= 37 and payload[4:6] == "02")
    hello = payload.startswith("1603010000")
    return (["hello"] * (hello and length == 5) +
            ["hello_more"] * (hello and length >= 11 and payload[10:18] == "16030100" and payload[20:22] not in ("", "01")) +
            ["block_2006"] * (payload.startswith("16030100") and payload[10:30] == "41030009804004" "08c001") +
            ["block_2015"] * (payload.startswith("16030100") and payload[10:24] == "42cdefe740d72f") +
            ["first_four"] * payload.startswith("16030100") +
            ["false_hello"] * (length == 72 and payload.startswith("8046010301002d000000100000050000040000" "0a")) +
            ["handshake"] * payload.startswith(b"\x13BitTorrent protocol".hex()))


# Nothing is put together: a pattern is about one packet. UDP's own length counts, as far as the packet goes.
OPTIONS = ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE")
FIELDS = ("frame.number", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "udp.srcport", "udp.dstport", "tcp.len", "udp.length", "tcp.payload", "udp.payload")


def packets_that_fit(path):
    """(packet, proto, its source, its destination, pattern), by tshark; the innermost packet of each frame."""
    command = ["tshark", "-n", "-r", path, *OPTIONS, "-Y", "(tcp or udp) and not icmp and not icmpv6", "-T", "fields", "-E",
               "occurrence=l", "-E", "separator=|"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    for line in out.splitlines():
        cell = dict(zip(FIELDS, line.split("|")))
        family = [layer for layer in cell["frame.protocols"].split(":") if layer in ("ip", "ipv6")][-1]
        for proto in ("tcp", "udp"):
            length = int(cell["tcp.len"] or 0) if proto == "tcp" else int(cell["udp.length"] or 8) - 8
            for pattern in fitting(proto, length, cell[f"{proto}.payload"]) if cell[f"{proto}.payload"] else ():
                yield (int(cell["frame.number"]), proto, (cell[f"{family}.src"], int(cell[f"{proto}.srcport"])),
                       (cell[f"{family}.dst"], int(cell[f"{proto}.dstport"])), pattern)


def expected_rows(path, db):
    """tshark's packets, each given to the flow that it is in; the first of each pattern and direction."""
    flows, first = tap.flows(db), {}
    for packet, proto, source, destination, pattern in packets_that_fit(path):
        for f in flows:
            client, server = (f["client_ip"], f["client_port"]), (f["server_ip"], f["server_port"])
            if f["proto"] == proto and f["flow"] <= packet <= f["last_packet"] and {client, server} == {source, destination}:
                first.setdefault((f["flow"], pattern, "out" if source == client else "in"), packet)
    return sorted((*key, packet) for key, packet in first.items())


REAL = ("skype/SkypeIRC.pcap", "skype/skype.pcap", "skype/skype_udp.pcap")
REAL_OTHERS = ("6in4tunnel.pcap", "KakaoTalk_talk.pcap", "alexa-app.pcapng", "cip_io.pcap", "forticlient.pcap",
               "heuristic_tcp_ack_payload.pcap", "http_ipv6.pcap", "ossfuzz_seed_fake_traces_1.pcapng", "tor.pcap", "wechat.pcap",
               "zoom2.pcap")


def real(name):
    path = tap.traces(*name.split("/"))
    if not path:
        tap.missing(name)
    elif not shutil.which("tshark"):
        tap.no_program(name, "tshark")
    else:
        result, db = tap.read([path], "--flows", "all", "--no-ndpi", "--tunnels")
        expected = expected_rows(path, db)
        tap.equal(rows(db), expected, f"{name}: {len(expected)} rows, as tshark says", result.stderr)
        tap.equal(tap.query(db, SAME_FLOW)[0]["n"], len(expected), f"{name}: and they are rows of their flows")


if __name__ == "__main__":
    by_hand()
    for capture in REAL + tuple(f"other-protocols/{name}" for name in REAL_OTHERS):
        real(capture)
    tap.done()
