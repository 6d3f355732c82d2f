"""What make_gnutella.py, make_edonkey.py and make_fasttrack.py share: a capture of one client at 10.0.0.2, port of its own,
behind a NAT, with traffic of other programs as traps, and the files that are written. Not a maker itself."""
import argparse
import hashlib
import os
import struct

from make_login import CLIENT, ROUTER, START, Capture, Connection, peers

COLUMNS = ("proto", "client_ip", "client_port", "server_ip", "server_port", "first_ts", "last_ts", "packets",
           "payload_bytes", "label", "confidence")


class Overlay(Capture):
    """One client socket; times are seconds since the start."""

    def __init__(self, name, port, seed):
        super().__init__(seed)
        self.name, self.socket = name, (CLIENT, port)
        self.nodes = peers(self.random, 60)

    def ask(self, at, node, payload, label=None):
        self.udp(START + at, self.socket, node, payload, label or f"{self.name}-udp")

    def hear(self, at, node, payload, label=None):
        self.udp(START + at, node, self.socket, payload, label or f"{self.name}-udp")

    def exchange(self, at, node, question, answer):
        self.ask(at, node, question)
        self.hear(at + self.random.uniform(0.06, 0.2), node, answer)

    def connect(self, at, server, label, local_port, messages):
        """messages: (delay, side, payload) after the handshake, side 0 is the client."""
        connection = Connection(self, START + at, server, label, 0.04, local_port)
        at += 0.045
        talk = []
        for delay, side, payload in messages:
            at += delay
            talk.append((START + at, side, payload))
        connection.talk(talk)
        connection.close(START + at + 1.0)

    def foreign(self):
        """Other programs of the host, none of them the overlay: DNS, NTP, random payload, HTTP and TLS."""
        name = b"\x03www\x07example\x03org\x00\x00\x01\x00\x01"
        for i in range(4):
            at, port = 1.0 + 31.0 * i, 41000 + i
            self.udp(START + at, (CLIENT, port), (ROUTER, 53),
                     struct.pack(">6H", 0xE3E4 + i, 0x0100, 1, 0, 0, 0) + name, "other")
            self.udp(START + at + 0.02, (ROUTER, 53), (CLIENT, port),
                     struct.pack(">6H", 0xE3E4 + i, 0x8180, 1, 0, 0, 0) + name, "other")
        for at in (3.0, 67.0):
            self.udp(START + at, (CLIENT, 123), ("192.0.2.123", 123), b"\x23" + bytes(39) + self.bytes(8), "other")
        for i in range(30):
            self.udp(START + 5.0 + i, (CLIENT, 42000), (f"203.0.113.{130 + i}", 20000 + i), self.bytes(20 + 7 * i), "other")
        web = ("203.0.113.80", 80)
        request = b"GET /%s HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0\r\n\r\n"
        answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        for i, path in enumerate((b"", b"get/1/index.html", b"uri-res/help.html", b".hash", b"12/a.png")):
            self.connect(10.0 + 5 * i, web, "other", 43000 + i, ((0.0, 0, request % path), (0.05, 1, answer)))
        hello = b"\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03" + self.bytes(32) + b"\x00\x00\x02\xc0\x2f\x01\x00"
        self.connect(40.0, ("203.0.113.80", 443), "other", 43010, (
            (0.0, 0, hello), (0.05, 1, b"\x15\x03\x03\x00\x02\x02\x28")))
        self.connect(45.0, ("203.0.113.81", 22), "other", 43011, ((0.0, 1, b"SSH-2.0-x\r\n"), (0.01, 0, b"SSH-2.0-y\r\n")))

    def write(self, folder):
        self.packets.sort(key=lambda p: p[:2])
        path = os.path.join(folder, f"{self.name}.pcap")
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for t, _, frame, *_ in self.packets:
                micros = round(t * 1e6)
                out.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame)
        with open(os.path.join(folder, f"{self.name}.expect.tsv"), "w", encoding="ascii") as out:
            for row in (COLUMNS, *self.truth()):
                out.write("\t".join(map(str, row)) + "\n")
        return path


def main(document, seed, make):
    """make(seed) gives the Overlay that is written."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=seed)
    args = parser.parse_args()
    capture = make(args.seed)
    path = capture.write(args.out)
    with open(path, "rb") as made:
        data = made.read()
    print(f"{path}: {len(capture.packets)} packets, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
