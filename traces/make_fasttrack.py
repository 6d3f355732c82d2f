#!/usr/bin/env python3
"""Writes fasttrack.pcap and fasttrack.expect.tsv: five minutes of a made-up giFT on FastTrack.

    make_fasttrack.py [--out DIRECTORY] [--seed N]

Layouts: giFT-FastTrack (fst_udp_discover.c, fst_session.c, fst_http_server.c) and the datagrams of the real
SkypeIRC.pcap of 2006. Sessions are encrypted in reality and random here. Same seed, same bytes.
"""
import struct

from make_login import CLIENT, PUBLIC, START
from overlay import Overlay, main

PORT = 1214
NETWORK = b"KaZaA\0"
HELLO = bytes.fromhex("fa00b62bfacb12383209d232")


def ping():
    return struct.pack(">BIB", 0x27, 0x29, 0x80) + NETWORK


def pong(capture):
    return struct.pack(">BIB", 0x28, 0xA9, 0) + capture.bytes(5) + NETWORK


def full(capture):
    return struct.pack(">BI", 0x29, 0xA9) + b"\x02\x01\x00\x00" + capture.bytes(10) + b"\0\0"


def headers(first, *lines):
    return "\r\n".join((first, *lines, "", "")).encode()


def discovery(capture):
    """Bursts of ten pings; six nodes answer, and those that have room are connected to."""
    for i, node in enumerate(capture.nodes[:10]):
        at = 4.0 + 0.00002 * i
        if i < 6:
            capture.exchange(at, node, ping(), pong(capture) if i < 4 else full(capture))
        else:
            capture.ask(at, node, ping())
    for i, node in enumerate(capture.nodes[:3]):
        session = ((0.0, 0, HELLO), (0.05, 1, capture.bytes(14)), (0.01, 0, capture.bytes(6)), (0.05, 1, capture.bytes(700)))
        capture.connect(5.0 + i, node, "fasttrack-tcp", 53000 + i, session[:1] if i == 0 else session)
    # The opening of a client with seeds of its own: known by the address that answered over UDP.
    capture.connect(9.0, capture.nodes[3], "fasttrack-tcp", 53003, ((0.0, 0, capture.bytes(12)), (0.05, 1, capture.bytes(14))))
    for i, node in enumerate(capture.nodes[10:20]):
        capture.ask(120.0 + 0.00002 * i, node, ping())
    capture.hear(125.0, capture.nodes[20], ping())
    capture.ask(280.0, capture.nodes[0], ping())


def transfers(capture):
    kazaa = ("X-Kazaa-Username: nobody", "X-Kazaa-Network: KaZaA", f"X-Kazaa-IP: {PUBLIC}:{PORT}")
    file = "/.hash=9c1e0c03f1a38ba838feaf4b8ac0d560b43bc148"
    capture.connect(30.0, capture.nodes[30], "fasttrack-http", 53100, (
        (0.0, 0, headers(f"GET {file} HTTP/1.1", "Host: 192.0.2.1:1214", *kazaa)),
        (0.05, 1, headers("HTTP/1.0 503 Service Unavailable", "Retry-After: 300", *kazaa))))
    capture.connect(33.0, capture.nodes[31], "fasttrack-http", 53101, (
        (0.0, 0, b"GIVE 2314567890\r\n\r\n"), (0.05, 1, headers(f"GET {file} HTTP/1.1", "User-Agent: KazaaClient"))))
    capture.connect(36.0, capture.nodes[32], "fasttrack-http", 53102, (
        (0.0, 0, headers("GET /2317/made%20up.mp3 HTTP/1.1", "Host: 192.0.2.1:1214", *kazaa)),
        (0.05, 1, headers("HTTP/1.1 404 Not Found"))))


def traps(capture):
    """One letter beside the network's name, one byte too much, an answer that nobody asked for; PeerCache's GIVE."""
    for i in range(10):
        node = (f"198.51.100.{130 + i}", 30000 + i)
        capture.udp(START + 50.0 + i, (CLIENT, 42777), node, ping()[:-2] + b"B\0", "other")
        capture.udp(START + 51.0 + i, (CLIENT, 42778), node, ping() + b"\0", "other")
        capture.udp(START + 52.0 + i, (CLIENT, 42779), node, full(capture), "other")
    capture.connect(60.0, ("203.0.113.82", 4664), "other", 51010, (
        (0.0, 0, b"GIVE 12345678\r\n"), (0.05, 1, headers("HTTP/1.1 200 OK", "X-Network: eMule"))))
    capture.connect(63.0, ("203.0.113.82", 80), "other", 51011, (
        (0.0, 0, headers("GET /.hash=made-up HTTP/1.1", "Host: www.example.org")),
        (0.05, 1, headers("HTTP/1.1 404 Not Found"))))
    capture.connect(66.0, ("203.0.113.84", 1214), "other", 51012, (
        (0.0, 0, b"\xfa\x00\xb6\x2c" + HELLO[4:]), (0.05, 1, capture.bytes(14))))


def make(seed):
    capture = Overlay("fasttrack", PORT, seed)
    discovery(capture)
    transfers(capture)
    traps(capture)
    capture.foreign()
    return capture


if __name__ == "__main__":
    main(__doc__, 20010301, make)
