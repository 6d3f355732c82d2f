#!/usr/bin/env python3
"""Writes supernode.pcap and supernode.expect.tsv: 150 seconds of a supernode inside the local net, and of a client beside it.

    make_supernode.py [--out DIRECTORY] [--seed N]

Made up, with the messages of the real captures (skype-wire.md, cited as "wire" below) seen from their other end: 60 outside
clients probe the supernode with 18 bytes; it accepts with 18, says "go on" with 51, or says nothing (wire B1). Three of
those that it accepts open TCP to its port (wire B2). The client beside it is an ordinary one: it logs in, and three
unknown peers call it (wire A3). Same seed, same bytes.
"""
import argparse
import hashlib
import os

from make_login import START, Capture, Client, Connection, login_probes, peers

SUPERNODE, SUPERNODE_PORT = "10.0.0.3", 41877
CALLERS = 60
SILENT = range(5, 60, 8)  # which of them get no answer: 7
ACCEPTED = range(0, 60, 4)  # which of the others are accepted
OVER_TCP = (0, 8, 16)  # which of these open TCP


class Supernode(Client):
    """A client whose socket is another one, and who answers."""

    def out(self, t, peer, payload):
        self.capture.udp(t, (SUPERNODE, SUPERNODE_PORT), peer, payload, "skype-udp")

    def back(self, t, peer, payload):
        self.capture.udp(t, peer, (SUPERNODE, SUPERNODE_PORT), payload, "skype-udp")

    def called(self, t, peer, size):
        """A probe comes; size 0: no answer. Ids of the answers are its own, one after another (wire A2)."""
        self.answer(t, peer, 18)
        if size:
            self.ask(t + 0.0004, peer, size, 1)


def supernode_session(capture, wanted, callers, nodes):
    node = Supernode(capture, wanted)
    for i, peer in enumerate(callers):
        t = START + 3.0 + 2.3 * i
        size = 0 if i in SILENT else 18 if i in ACCEPTED else 51
        node.called(t, peer, size)
        if i in OVER_TCP:  # wire B2, login 1, seen from the supernode
            link = Connection(capture, t + 0.3, (SUPERNODE, SUPERNODE_PORT), "skype-tcp", 0.0002, 1024 + i, peer[0])
            link.talk([(t + 0.5, 0, capture.bytes(14)), (t + 0.501, 1, capture.bytes(73)), (t + 0.65, 0, capture.bytes(25)),
                       (t + 0.651, 1, capture.bytes(587))])
            link.close(t + 20.0)
    check = capture.bytes(4)
    for i, peer in enumerate(nodes):  # it is a client, too, whose contacts get a notice (wire B4)
        node.notice(START + 60.0 + i * 0.0002, peer, check)
    return node.wanted


def client_session(capture, wanted, nodes):
    client = Client(capture, wanted)
    login_probes(client, START + 5.0, nodes)
    check = capture.bytes(4)
    for i, peer in enumerate(nodes[11:19]):
        client.notice(START + 30.0 + i * 0.0002, peer, check)
    for i, peer in enumerate(nodes[19:22]):
        client.unsolicited(START + 50.0 + 30.0 * i, peer, 19 + i)
    return client.wanted


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=20071116)
    args = parser.parse_args()
    wanted = (None, None)
    for _ in range(2):  # ids are known the second time, see Client
        capture = Capture(args.seed)
        outside = peers(capture.random, CALLERS + 28)
        wanted = (supernode_session(capture, wanted[0], outside[:CALLERS], outside[CALLERS:CALLERS + 6]),
                  client_session(capture, wanted[1], outside[CALLERS + 6:]))
    path = capture.write(args.out, "supernode")
    with open(path, "rb") as made:
        data = made.read()
    print(f"{path}: {len(capture.packets)} packets, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
