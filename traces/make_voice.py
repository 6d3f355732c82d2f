#!/usr/bin/env python3
"""Writes voice.pcap, voice.expect.tsv and voice.calls.tsv: calls of classic Skype and what looks like them, made up.

    make_voice.py [--out DIRECTORY] [--seed N]

No capture at hand holds a call of classic Skype, so these are made after what is published. The client is that of
make_login.py, and shares its code. Header of media, function 0d and ids that count: wire A1, A2. Sizes, rates, hold,
no silence suppression, voice over TCP, conference: Baset and Schulzrinne, INFOCOM 2006 ("BS"; measurements B10-B14).
Framing and rates of iSAC and G.729, the 4-byte connection id of calls to telephones: Bonfiglio et al., SIGCOMM 2007
("Bonfiglio"). What is encrypted is random. Same seed, same bytes.
"""
import argparse
import hashlib
import os
import struct

import make_login as login
from make_login import CLIENT, PORT, START

LAPTOP, CONSOLE, SERVER = "10.0.0.3", "10.0.0.4", "10.0.0.5"  # other hosts of the house
for last, host in enumerate((LAPTOP, CONSOLE, SERVER), 3):
    login.MACS[host] = bytes.fromhex("0200000000") + bytes((last,))
GATEWAY = ("203.0.113.200", 12340)  # to telephones
GAME, WEB, COLLECTOR = ("203.0.113.210", 27015), ("203.0.113.211", 80), ("203.0.113.212", 514)

# Modes: mean size, sigma, seconds between messages. iSAC at 16 kbit/s: Bonfiglio; the 3 bytes of id and function are
# in the size, as in data/voice-models.ini. All lie in BS's 40-120 bytes; over TCP, in its 30-90.
ISAC_30 = (63, 7.5, 0.030)
ISAC_60 = (78, 12, 0.060)
G729_20 = (24, 0, 0.020)  # two frames of 10 bytes, and the connection id
HOLD_EVERY = 3.0  # BS: one UDP packet every three seconds


class Call:
    """What the script knows of a call, or of a flow that must not be one: a row of voice.calls.tsv."""

    HEAD = ("verdict", "basis", "media", "near_ip", "near_port", "far_ip", "far_port", "transport", "near_began",
            "first_ts", "last_ts", "packets_out", "packets_in", "size_min_out", "size_max_out", "size_min_in",
            "size_max_in", "holds", "hold_first_ts", "hold_last_ts", "conference", "codec")

    def __init__(self, verdict, basis, near, far, transport="udp", codec="", near_began=1, conference=""):
        self.head = (verdict, basis)
        self.ends = (*near, *far, transport, near_began)
        self.codec, self.conference, self.video = codec, conference, False
        self.times, self.sizes, self.hold = [], ([], []), None

    def saw(self, t, side, size):
        """side 0: sent by the near end."""
        self.times.append(round(t, 6))
        self.sizes[side].append(size)
        self.video = self.video or size > 400

    def row(self, first):
        sides = [bound(sizes) if sizes else "" for sizes in self.sizes for bound in (min, max)]
        hold = [f"{t - first:.6f}" for t in self.hold] if self.hold else ["", ""]
        return (*self.head, "audio+video" if self.video else "audio", *self.ends, f"{min(self.times) - first:.6f}",
                f"{max(self.times) - first:.6f}", len(self.sizes[0]), len(self.sizes[1]), *sides, int(bool(self.hold)),
                *hold, self.conference, self.codec)


def clock(rng, start, seconds, mode):
    """(time, size) of one sender: an even clock, up to 3 ms late, sizes of the mode within three sigma."""
    mean, sigma, gap = mode
    for i in range(round(seconds / gap)):
        size = min(max(rng.gauss(mean, sigma), mean - 3 * sigma), mean + 3 * sigma)
        yield start + i * gap + rng.random() * 0.003, round(size)


class Peer:
    """The client's way of media to one peer over UDP: function 0d, ids of the client's counter and of the peer's own."""

    def __init__(self, client, far, call):
        self.client, self.far, self.call = client, far, call
        self.number = client.random.randrange(65536)

    def send(self, t, side, size):
        number = self.client.take_id(t, 1) if side == 0 else self.number
        body = struct.pack(">HB", number, self.client.function(0x0D)) + self.client.capture.bytes(size - 3)
        if side == 0:
            self.client.out(t, self.far, body)
        else:
            self.number = (self.number + 1) & 0xFFFF
            self.client.back(t, self.far, body)
        self.call.saw(t, side, size)

    def talk(self, t, seconds, mode):
        """Both ways, the peer half a framing and some way behind: nobody suppresses silence."""
        for side in (0, 1):
            for at, size in clock(self.client.random, t + side * (0.041 + mode[2] / 2), seconds, mode):
                self.send(at, side, size)

    def hold(self, t, seconds):
        self.call.hold = (t, t + seconds)
        at = t + HOLD_EVERY / 2
        while at < t + seconds:
            self.send(at, 0, 18)
            self.send(at + 0.07, 1, 18)
            at += HOLD_EVERY


def held_call(client, t, far):
    """25 s, 12 of them on hold; a question and its answer before."""
    call = Call("call", "socket", (CLIENT, PORT), far, codec="iSAC 30 ms 16 kbit/s")
    client.exchange(t - 1.5, far, 18, 26)
    peer = Peer(client, far, call)
    peer.talk(t, 6, ISAC_30)
    peer.hold(t + 6.08, 12)
    peer.talk(t + 18.1, 6.9, ISAC_30)
    return call


def relayed_call(client, capture, t, node):
    """Over TCP through a node that has answered over UDP; random bytes, no header (BS, Bonfiglio)."""
    call = Call("call", "socket", (CLIENT, 3700), node, transport="tcp", codec="iSAC 30 ms 16 kbit/s")
    client.exchange(t - 0.5, node, 18, 26)
    link = login.Connection(capture, t - 0.2, node, "skype-tcp", 0.06, 3700)
    messages = [(at, side, size) for side in (0, 1)
                for at, size in clock(client.random, t + side * 0.05, 4.5, ISAC_30)]
    for at, side, size in sorted(messages):
        link._send(at, side, 0x18, capture.bytes(size))
        call.saw(at, side, size)
    link.close(t + 5)
    return call


def conference(client, t, fars):
    """The client mixes: two calls at the same time, no traffic between the others. The second began it itself."""
    calls = []
    for i, far in enumerate(fars):
        call = Call("call", "socket", (CLIENT, PORT), far, codec="iSAC 60 ms 10 kbit/s", near_began=1 - i, conference=1)
        peer = Peer(client, far, call)
        if i:
            client.unsolicited(t + 0.4, far, 18)
        peer.talk(t + 0.5 * i, 6.5, ISAC_60)
        calls.append(call)
    return calls


def video_call(client, t, far):
    call = Call("call", "socket", (CLIENT, PORT), far, codec="iSAC 30 ms 16 kbit/s")
    peer = Peer(client, far, call)
    peer.talk(t, 4, ISAC_30)
    at = t + 0.4
    while at < t + 3.9:  # the near side's camera: frames of 400 to 1300 bytes, 16 a second
        peer.send(at, 0, client.random.randrange(420, 1300))
        at += client.random.uniform(0.05, 0.075)
    return call


def telephone_call(capture, t, host):
    """Bonfiglio: a connection id of four bytes in the clear, then random, from a port of its own. A tunnel looks like this,
    too: without a client on the host it is none."""
    near = (host, 41234)
    call = Call("call", "statistics", near, GATEWAY, codec="G.729 20 ms") if host == CLIENT else \
        Call("voip-like", "none", near, GATEWAY)
    number = capture.bytes(4)
    for side in (0, 1):
        for at, size in clock(capture.random, t + side * 0.06, 4.6, G729_20):
            ends = (near, GATEWAY) if side == 0 else (GATEWAY, near)
            capture.udp(at, *ends, number + capture.bytes(size - 4), "skypeout")
            call.saw(at, side, size)
    return call


def game(capture, t):
    """A voice to the classifier, and none: 80 +- 7 bytes (Faerber, NetGames 2002) on a clock of 30 ms; numbers count."""
    near = (CONSOLE, 27005)
    call = Call("voip-like", "none", near, GAME)
    for side in (0, 1):
        ends = (near, GAME) if side == 0 else (GAME, near)
        for i, (at, size) in enumerate(clock(capture.random, t + side * 0.02, 4, (80, 7, 0.030))):
            head = struct.pack("<IHH", 1000 + i, 0x0102, 7)
            capture.udp(at, *ends, head + capture.bytes(size - 8), "not-skype")
            call.saw(at, side, size)
    return call


def download(capture, t):
    """A web page of 24 segments of 536 bytes."""
    near = (LAPTOP, 40555)
    call = Call("nothing", "none", near, WEB, transport="tcp")
    seq, ack = capture.random.getrandbits(31), capture.random.getrandbits(31)
    request = b"GET /picture.png HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 12781\r\n\r\n"
    answer += capture.bytes(24 * 536 - len(answer))
    capture.tcp(t, near, WEB, seq, 0, 0x02, b"", "not-skype")
    capture.tcp(t + 0.03, WEB, near, ack, seq + 1, 0x12, b"", "not-skype")
    capture.tcp(t + 0.0301, near, WEB, seq + 1, ack + 1, 0x18, request, "not-skype")
    for i in range(24):
        capture.tcp(t + 0.07 + i * 0.004, WEB, near, ack + 1 + 536 * i, seq + 1 + len(request), 0x18,
                    answer[536 * i:536 * (i + 1)], "not-skype")
        call.saw(t + 0.07 + i * 0.004, 1, 536)
    for who, at in ((0, 0.2), (1, 0.23), (0, 0.2301)):
        ends = (near, WEB) if who == 0 else (WEB, near)
        numbers = [seq + 1 + len(request), ack + 1 + 24 * 536]
        if at > 0.2:
            numbers[0] += 1
        if at > 0.23:
            numbers[1] += 1
        capture.tcp(t + at, *ends, numbers[who], numbers[1 - who], 0x10 if at > 0.23 else 0x11, b"", "not-skype")
    return call


def dns_flood(capture, t):
    """One socket that asks for random names, 60 a second, and gets no answer."""
    near, router = (LAPTOP, 40777), (login.ROUTER, 53)
    call = Call("no-call", "none", near, router)
    for _ in range(160):
        name = capture.bytes(capture.random.randrange(4, 12)).hex().encode()
        question = bytes((len(name),)) + name + b"\x07example\x03org\x00\x00\x01\x00\x01"
        capture.udp(t, near, router, capture.bytes(2) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question, "not-skype")
        call.saw(t, 0, 12 + len(question))
        t += capture.random.expovariate(60)
    return call


def syslog(capture, t):
    """A counter that is logged every 50 ms (RFC 3164): as even as voice, one way, and readable."""
    near = (SERVER, 514)
    call = Call("no-call", "none", near, COLLECTOR)
    for i in range(90):
        text = f"<30>Aug 25 12:00:{i // 20:02} server meter[311]: sample {1000 + i} value {capture.random.random():.6f} ok"
        capture.udp(t + i * 0.05, near, COLLECTOR, text.encode(), "not-skype")
        call.saw(t + i * 0.05, 0, len(text))
    return call


def session(capture, wanted=None):
    """Everything; returns the ids that the client took, and the calls."""
    client = login.Client(capture, wanted)
    nodes = login.peers(capture.random, 40)
    t = login.login_probes(client, START + 1.0, nodes)
    link, t = login.supernode_link(client, capture, t)
    login.after_login(client, t + 0.05, nodes[11:25])
    check = capture.bytes(4)
    for i, node in enumerate(nodes[17:23]):
        client.notice(t + 4.0 + i * 0.0002, node, check)
    calls = [held_call(client, START + 25, nodes[30]), relayed_call(client, capture, START + 54, nodes[31])]
    calls += conference(client, START + 65, nodes[32:34])
    calls += [video_call(client, START + 77, nodes[34]), telephone_call(capture, START + 84, CLIENT), game(capture, START + 91),
              download(capture, START + 97), dns_flood(capture, START + 98), syslog(capture, START + 104), telephone_call(capture, START + 111, LAPTOP)]
    link.close(START + 110)
    return client.wanted, calls


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=20060826)
    args = parser.parse_args()
    wanted = None
    for _ in range(2):  # ids are known the second time: make_login.py
        capture = login.Capture(args.seed)
        wanted, calls = session(capture, wanted)
    path = capture.write(args.out, "voice")
    first = capture.packets[0][0]
    with open(os.path.join(args.out, "voice.calls.tsv"), "w", encoding="ascii") as out:
        out.write("\t".join(Call.HEAD) + "\n")
        for call in calls:
            out.write("\t".join(map(str, call.row(first))) + "\n")
    with open(path, "rb") as made:
        data = made.read()
    print(f"{path}: {len(capture.packets)} packets, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
