#!/usr/bin/env python3
"""Writes edonkey.pcap and edonkey.expect.tsv: five minutes of a made-up eMule, true to the sources.

    make_edonkey.py [--out DIRECTORY] [--seed N]

Layouts: the comments of eMule's opcodes.h and what KademliaUDPListener.cpp reads and writes. The client has one UDP port
for all; some of its nodes want obfuscated datagrams, which are random here. Same seed, same bytes.
"""
import struct

from make_login import CLIENT, PUBLIC, START, address
from overlay import Overlay, main

TCP_PORT, PORT = 4662, 4672
SERVER_PORT = 4665


def ed2k(opcode, fields=b""):
    return bytes((0xE3, opcode)) + fields


def emule(opcode, fields=b""):
    return bytes((0xC5, opcode)) + fields


def kad(opcode, fields=b""):
    return bytes((0xE4, opcode)) + fields


def message(opcode, fields):
    return struct.pack("<BIB", 0xE3, len(fields) + 1, opcode) + fields


def tag(name, value):
    """Old style: type, length of the name, name, value."""
    if isinstance(value, bytes):
        return struct.pack("<BHBH", 2, 1, name, len(value)) + value
    return struct.pack("<BHBI", 3, 1, name, value)


def short_tag(name, value):
    """New style: 0x80 and no length of the name; strings up to 16 bytes have their length in the type."""
    if isinstance(value, bytes):
        return bytes((0x80 | 0x10 + len(value), name)) + value
    return struct.pack("<BBB", 0x80 | 9, name, value)


def contacts(capture, n):
    return b"".join(capture.bytes(16) + struct.pack("<4sHHB", capture.bytes(4), 4672, 4662, 8) for _ in range(n))


class Kad:
    """The client's side of Kademlia 2."""

    def __init__(self, capture):
        self.capture, self.id = capture, capture.bytes(16)

    def hello(self, opcode, tags=()):
        return kad(opcode, self.id + struct.pack("<HBB", TCP_PORT, 8, len(tags)) + b"".join(tags))

    def their_hello(self, opcode, node):
        return kad(opcode, self.capture.bytes(16) + struct.pack("<HBB", node[1], 9, 1) + struct.pack("<BHBB", 9, 1, 0xF2, 4))

    def lookup(self, at, node, answered=True):
        target = self.capture.bytes(16)
        wanted = bytes((self.capture.random.choice((2, 4, 11)),))
        self.capture.ask(at, node, kad(0x21, wanted + target + self.capture.bytes(16)))
        if answered:
            self.capture.hear(at + 0.1, node, kad(0x29, target + b"\x03" + contacts(self.capture, 3)))


def kademlia(capture):
    node, own = capture.nodes, Kad(capture)
    capture.exchange(2.0, node[0], kad(0x01),
                     kad(0x09, capture.bytes(16) + struct.pack("<HBH", 4662, 9, 4) + contacts(capture, 4)))
    for i in range(1, 5):
        capture.exchange(3.0 + i, node[i], own.hello(0x11), own.their_hello(0x19, node[i]))
        capture.ask(3.3 + i, node[i], kad(0x22, own.id + b"\0"))
        own.lookup(4.0 + i, node[i])
    capture.exchange(9.0, node[1], kad(0x60), kad(0x61, struct.pack("<H", PORT)))
    for i in (1, 2):
        capture.exchange(10.0 + i, node[i], kad(0x53, struct.pack("<H", TCP_PORT) + own.id + b"\0"),
                         kad(0x58, address(PUBLIC)[::-1]))
    for i in range(5, 9):
        target = capture.bytes(16)
        capture.exchange(15.0 + i, node[i], kad(0x34, target + struct.pack("<HQ", 0, 700000000)),
                         kad(0x3B, capture.bytes(16) + target + b"\0\0"))
    for i in range(9, 12):
        key = capture.bytes(16)
        capture.exchange(25.0 + i, node[i], kad(0x44, key + own.id + b"\x01" + struct.pack("<BHBB", 9, 1, 0xFF, 1)),
                         kad(0x4B, key + b"\x05"))
    capture.hear(38.0, node[12], bytes((0xE5, 0x3B)) + b"\x78\xda" + capture.bytes(400))
    for i in range(13, 25):  # probes that nobody answers
        own.lookup(40.0 + 0.1 * i, node[i], False)
    for i in range(25, 32):
        capture.ask(44.0 + 0.1 * i, node[i], own.hello(0x11))
    for i in range(32, 38):  # obfuscated: random bytes to whoever wants them so
        capture.exchange(48.0 + i, node[i], capture.bytes(43), capture.bytes(60))
    capture.hear(95.0, node[38], kad(0x60))
    capture.ask(290.0, node[13], own.hello(0x11))


def servers(capture):
    for i in range(3):
        server = (f"192.0.2.{200 + i}", SERVER_PORT)
        challenge = struct.pack("<HH", capture.random.randrange(65536), 0x55AA)
        capture.exchange(5.0 + 20 * i, server, ed2k(0x96, challenge),
                         ed2k(0x97, challenge + struct.pack("<IIIIIIIHHI", 41000, 9000000, 50000, 2000, 9000, 0x7FB, 12000,
                                                            4665, 5000, 9)))
        capture.exchange(6.0 + 20 * i, server, ed2k(0xA2, struct.pack("<HH", 0xF0FF, i)),
                         ed2k(0xA3, struct.pack("<HHI", 0xF0FF, i, 1) + tag(1, b"made up")))
        hash16 = capture.bytes(16)
        capture.exchange(7.0 + 20 * i, server, ed2k(0x9A, hash16),
                         ed2k(0x9B, hash16 + b"\x02" + struct.pack("<4sH4sH", capture.bytes(4), 4662, capture.bytes(4), 4662)))
    for i in range(39, 42):
        capture.exchange(70.0 + i, capture.nodes[i], emule(0x90, capture.bytes(16) + struct.pack("<HH", 0, 3)),
                         (emule(0x91, struct.pack("<HH", 0, 40 * i)), emule(0x92), emule(0x93))[i - 39])


def connections(capture):
    who = b"\x1b\x42\xcd\x5b\x94\x0e" + capture.bytes(8) + b"\x6f" + capture.bytes(1) + struct.pack("<IH", 0, TCP_PORT)
    whom = b"\x3a\x35\x44\xa8\x31\x0e" + capture.bytes(8) + b"\x6f" + capture.bytes(1) + struct.pack("<IH", 99, 7551)
    old = b"".join((tag(0x01, b"made up"), tag(0x11, 0x3C), tag(0xF9, 0x12401240), tag(0xFB, 0xC000)))
    new = b"".join((short_tag(0x01, b"nobody"), short_tag(0x11, 0x3C)))
    tail = address("192.0.2.200")[::-1] + struct.pack("<H", 4661)
    hello = message(0x01, b"\x10" + who + struct.pack("<I", 4) + old + tail)
    answer = message(0x4C, whom + struct.pack("<I", 2) + new + tail + b"KDLM")
    capture.connect(60.0, capture.nodes[42], "edonkey-tcp", 52000, (
        (0.0, 0, hello[:40]), (0.01, 0, hello[40:]), (0.05, 1, answer), (0.1, 0, message(0x58, capture.bytes(16)))))
    capture.connect(63.0, capture.nodes[43], "edonkey-tcp", 52001, (
        (0.0, 0, hello), (0.05, 1, message(0x48, capture.bytes(16)))))
    capture.connect(66.0, ("192.0.2.200", 4661), "edonkey-server", 52002, (
        (0.0, 0, message(0x01, who + struct.pack("<I", 2) + new)), (0.05, 1, message(0x40, struct.pack("<II", 0x0403, 1)))))


def traps(capture):
    """Look alike in the first two bytes only: wrong lengths, types and tags."""
    for i in range(10):
        node = (f"198.51.100.{130 + i}", 30000 + i)
        capture.udp(START + 100.0 + i, (CLIENT, 42777), node, kad(0x21, b"\x07" + capture.bytes(32)), "other")
        capture.udp(START + 101.0 + i, (CLIENT, 42778), node, kad(0x11, capture.bytes(18) + b"\x08\x01\xff\xff"), "other")
        capture.udp(START + 102.0 + i, (CLIENT, 42779), node, ed2k(0x97, capture.bytes(9)), "other")
        # QUIC, RFC 9000 section 17.2: long header, version 1
        capture.udp(START + 103.0 + i, (CLIENT, 42780), node, b"\xe4\x00\x00\x00\x01\x08" + capture.bytes(60), "other")
    capture.connect(110.0, ("203.0.113.82", 4662), "other", 51010, (
        (0.0, 0, message(0x01, b"\x10" + capture.bytes(22) + struct.pack("<I", 3) + b"\x77" * 40)), (0.05, 1, b"\xe3")))
    capture.connect(112.0, ("203.0.113.83", 7000), "other", 51011, ((0.0, 0, b"\xe3" * 30), (0.05, 1, b"\xc5" * 30)))


def make(seed):
    capture = Overlay("edonkey", PORT, seed)
    kademlia(capture)
    servers(capture)
    connections(capture)
    traps(capture)
    capture.foreign()
    return capture


if __name__ == "__main__":
    main(__doc__, 20020913, make)
