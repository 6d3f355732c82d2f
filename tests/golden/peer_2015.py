#!/usr/bin/env python3
"""The start-up of 2015 that footsteps-peer makes, beside the real one (skype.pcap): order, times, sizes, fixed bytes."""
import os
import statistics
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import FOOTSTEPS, SECONDS, TOP, content, done, equal, note, ok, require_traces, tmp  # noqa: E402

PEER = os.environ.get("FOOTSTEPS_PEER") or os.path.join(os.path.dirname(FOOTSTEPS), "footsteps-peer")
SCENARIO = os.path.join(TOP, "traces", "scenarios", "login-2015.scenario")


class Connection:
    """One TCP connection: messages are segments with new data, in order; streams are the bytes of both ends."""

    def __init__(self, syn, server):
        self.syn, self.server = syn, server
        self.messages = []  # (time, from the client, bytes)
        self.stream = {True: {}, False: {}}

    def add(self, time, out, seq, payload):
        if payload and seq not in self.stream[out]:
            self.stream[out][seq] = payload
            self.messages.append((time, out, payload))

    def bytes(self, out):
        return b"".join(self.stream[out][seq] for seq in sorted(self.stream[out]))

    def sizes(self):
        return [(len(payload) if out else -len(payload)) for _, out, payload in self.messages]

    def first(self, out):
        return next((payload for _, side, payload in self.messages if side == out), b"")


def parse(path, client, port):
    """Datagrams of the client's socket, connections that it opened, and DNS questions: an Ethernet pcap, by hand."""
    data, at = content(path), 24
    datagrams, connections, current, questions = [], [], {}, []
    while at < len(data):
        seconds, micros, length = struct.unpack_from("<III", data, at)
        frame, time = data[at + 16:at + 16 + length], seconds + micros / 1e6
        at += 16 + length
        if frame[12:14] != b"\x08\x00":
            continue
        head = 14 + 4 * (frame[14] & 15)
        end = 14 + struct.unpack_from(">H", frame, 16)[0]
        source, destination = (".".join(map(str, frame[i:i + 4])) for i in (26, 30))
        sport, dport = struct.unpack_from(">HH", frame, head)
        out = source == client
        if frame[23] == 17:
            if out and sport == port:
                datagrams.append((time, (destination, dport), frame[head + 8:end]))
            elif out and dport == 53:
                questions.append((time, frame[head + 20:end]))
        elif frame[23] == 6:
            seq, flags = struct.unpack_from(">I", frame, head + 4)[0], frame[head + 13]
            key = (sport, (destination, dport)) if out else (dport, (source, sport))
            if out and flags & 0x12 == 0x02 and (key not in current or current[key][1] != seq):
                current[key] = (Connection(time, key[1]), seq)
                connections.append(current[key][0])
            if key in current:
                current[key][0].add(time, out, seq, frame[head + 4 * (frame[head + 12] >> 4):end])
    return datagrams, connections, questions


def padded(payload):
    """Form 1 (wire C3): 48 random bytes, then bytes that follow from each other. None: too short to tell."""
    pad = payload[48:]
    if not 48 <= len(payload) <= 111:
        return False
    return None if len(pad) < 2 else all(b == (0xCD * a + 0x71) % 256 for a, b in zip(pad, pad[1:]))


def records(stream):
    """The records of a stream (wire C4) as (type, length); None when it is not made of them."""
    found, at = [], 0
    while at < len(stream):
        if len(stream) - at < 5 or stream[at + 1:at + 3] != b"\x03\x01" or stream[at] not in (0x16, 0x17):
            return None
        length = struct.unpack_from(">H", stream, at + 3)[0]
        found.append((stream[at], length))
        at += 5 + length
    return found if at == len(stream) else None


class Login:
    """What the tests compare, of the real capture or of ours."""

    def __init__(self, path, client, port):
        datagrams, self.connections, questions = parse(path, client, port)
        self.begins = questions[0][0]
        self.names = [name for _, name in questions]
        self.probes = [d for d in datagrams if len(d[2]) > 18]
        self.small = [d for d in datagrams if len(d[2]) == 18]
        self.bursts = []
        for time, peer, payload in self.probes:
            if not self.bursts or time - self.bursts[-1][-1] > 0.3:
                self.bursts.append([])
            self.bursts[-1].append(time)
        supernodes = [c for c in self.connections if c.server[1] in range(40001, 40035) or c.server[1] == 33033]
        self.form1 = [c for c in supernodes if padded(c.first(True)) is not False]
        self.form2 = [c for c in self.connections if c.first(True).startswith(b"\x80\x46\x01\x03\x01")]
        self.servers = [c for c in self.connections if c.first(True) == b"\x16\x03\x01\x00\x00"]
        self.fallbacks = []  # (connection in form 1, the next to the same address and port)
        for i, c in enumerate(self.connections):
            again = next((d for d in self.connections[i + 1:] if d.server == c.server), None)
            if padded(c.first(True)) is not False and again and 0 < again.syn - c.syn < 1.7:
                self.fallbacks.append((c, again))
        self.form3 = [(a, b) for a, b in self.fallbacks if b not in self.servers and b.messages]

    def since(self, time):
        return time - self.begins


real = Login(require_traces("skype", "skype.pcap"), "192.168.1.34", 13021)
capture = tmp("login-2015.pcap")
made = subprocess.run([PEER, "trace", "-o", capture, SCENARIO], capture_output=True, timeout=SECONDS, text=True)
if not ok(made.returncode == 0, "footsteps-peer makes the start-up of 2015", made.stderr):
    done()
    sys.exit(1)
ours = Login(capture, "10.0.0.34", 13021)
both = (("real", real), ("ours", ours))

# --- datagrams to supernodes (wire C2)
for who, login in both:
    equal([len(b) for b in login.bursts[:16]], [1] + 15 * [5], f"{who}: one datagram, then 15 bursts of 5")
    ok({len(b) for b in login.bursts[16:-1]} <= {2, 3}, f"{who}: then 2 or 3 per second",
       [len(b) for b in login.bursts])
    ok(len({peer for _, peer, _ in login.probes}) == len(login.probes), f"{who}: one datagram per supernode")
    steps = [(struct.unpack(">H", b[2][:2])[0] - struct.unpack(">H", a[2][:2])[0]) % 65536
             for a, b in zip(login.probes, login.probes[1:])]
    equal(set(steps), {2}, f"{who}: ids in steps of two")
    equal({payload[2] for _, _, payload in login.probes + login.small}, {2}, f"{who}: function 02")
equal(len(ours.probes), len(real.probes), "as many supernodes are asked")
gaps = {who: [b[0] - a[0] for a, b in zip(login.bursts, login.bursts[1:])] for who, login in both}
ok(min(gaps["real"]) <= min(gaps["ours"]) and max(gaps["ours"]) <= max(gaps["real"]),
   "bursts are as far apart as in the capture", gaps)
ok(abs(statistics.mean(gaps["ours"]) / statistics.mean(gaps["real"]) - 1) < 0.005, "on the mean, too",
   *(f"{who} {statistics.mean(g):.4f} s" for who, g in gaps.items()))
ok(abs(real.since(real.bursts[0][0]) - ours.since(ours.bursts[0][0])) < 0.1, "the first one as long after the first name")
equal({len(p) for _, _, p in ours.probes}, {len(p) for _, _, p in real.probes}, "all sizes from 22 to 37 but 23")
ok(abs(statistics.mean(len(p) for _, _, p in ours.probes) - statistics.mean(len(p) for _, _, p in real.probes)) < 2,
   "of the same mean")

# --- 18 bytes to ordinary nodes, and again (wire C2)
for who, login in both:
    shape = []
    for time, peer, _ in login.small:
        if not shape or time - shape[-1][0] > 0.01:
            shape.append((time, []))
        shape[-1][1].append(peer)
    equal([len(peers) for _, peers in shape[:6]], [4, 2, 2, 2, 2, 2], f"{who}: four nodes, two supernodes, two again")
    ok(all(port == 443 for _, port in shape[1][1]), f"{who}: the supernodes at port 443", shape[1])
    ok(all(peers == shape[0][1][:2] for _, peers in shape[2:6]), f"{who}: two of the four, four times", shape)
    again = [shape[0][0]] + [time for time, _ in shape[2:6]]
    ok(all(5.02 < b - a < 5.06 for a, b in zip(again, again[1:])), f"{who}: every 5.03 s", again)

# --- form 1 (wire C3)
equal(len(ours.form1), len(real.form1), "as many supernodes are tried over TCP")
late = [abs(real.since(a.syn) - ours.since(b.syn)) for a, b in zip(real.form1, ours.form1)]
ok(max(late) < 1.1, "at the same times, within a tick of 1 s", late)
for who, login in both:
    answers = [padded(c.first(False)) for c in login.form1 if c.first(False) and len(c.first(False)) >= 48]
    ok(all(padded(c.first(True)) in (True, None) for c in login.form1) and len(answers) > 20,
       f"{who}: hellos of 48 to 111 bytes with the padding")
    ok(all(a is not False for a in answers), f"{who}: so are the answers", answers)
    equal({c.sizes()[2] for c in login.form1 if len(c.messages) > 2}, {8}, f"{who}: then 8 bytes")
    equal(sum(c.sizes()[3:4] == [-8] and len(c.messages) > 12 for c in login.form1), 1,
          f"{who}: one supernode goes on, the others stall")
survivors = [next(c for c in login.form1 if len(c.messages) > 12) for _, login in both]
equal(survivors[1].sizes()[2:], survivors[0].sizes()[2:2 + len(survivors[1].messages) - 2],
      "and says the same sizes in the same order")

# --- form 2
for who, login in both:
    delays = []
    for c in login.form2:
        first = [d for d in login.form1 if d.server[0] == c.server[0] and d.syn < c.syn]
        delays.append(c.syn - first[-1].syn if first else None)
    ok(all(d is not None and 1.599 <= d <= 1.615 for d in delays), f"{who}: form 2 after 1.600 to 1.614 s", delays)
    equal({(c.server[1], len(c.first(True))) for c in login.form2}, {(443, 72)}, f"{who}: 72 bytes to port 443")
    ok(all(all(b == (0xCD * a + 0x71) % 256 for a, b in zip(p, p[1:]))
           for p in (c.first(True)[56:] for c in login.form2)), f"{who}: the challenge is padding")
equal(len(ours.form2), len(real.form2), "as many connections in form 2")
equal({c.first(True)[:56] for c in ours.form2}, {c.first(True)[:56] for c in real.form2}, "the same 56 bytes")
answers = {c.first(False) for c in real.form2 if c.first(False).startswith(b"\x16\x03\x01")}
equal({c.first(False) for c in ours.form2}, answers, "the same 79 bytes of answer")

# --- form 3
for who, login in both:
    delays = [b.syn - a.syn for a, b in login.form3]
    usual = [d for d in delays if d < 1.5]  # wire C3: 1.612 s in one of 15
    ok(len(usual) >= 6 and all(1.1115 <= d <= 1.1135 for d in usual) and len(delays) - len(usual) <= 1,
       f"{who}: form 3 after 1.112 s", delays)
    begins = [c.sizes()[:4] for _, c in login.form3]
    ok(all(29 <= s[0] <= 73 and -73 <= s[1] <= -26 and tuple(s[2:4]) in ((17, -14), (16, -14), (14, -18))
           for s in begins), f"{who}: its sizes", begins)
    alive = [(a, b) for _, c in login.form3 for a, b in zip(c.messages, c.messages[1:])
             if not a[1] and len(a[2]) == 15 and a[0] - c.syn > 24]
    ok(alive and all(b[1] and len(b[2]) == 4 and b[0] - a[0] < 0.001 for a, b in alive),
       f"{who}: keep-alives of 15 bytes are answered by 4", [(a[0], b[0]) for a, b in alive])

# --- servers (wire C4)
shapes = {}
for who, login in both:
    whole = [c for c in login.servers if len(c.bytes(True)) > 10]
    shapes[who] = {c.bytes(True)[10:14] + c.bytes(True)[15:23] for c in whole}
    ok(all(c.bytes(True)[:10] == 2 * b"\x16\x03\x01\x00\x00" for c in whole) and len(whole) >= 2,
       f"{who}: the hello twice")
    for c in whole:
        sent, got = records(c.bytes(True)), records(c.bytes(False))
        if not ok(sent is not None and got is not None, f"{who}: {c.server[1]}: both streams are records"):
            continue
        ok(sent[2][0] == 0x16 and 0xDF <= sent[2][1] <= 0xFD and sent[3][0] == 0x17, f"{who}: {c.server[1]}: the block", sent)
        equal(got[:2], [(0x17, 0), (0x17, 0)], f"{who}: {c.server[1]}: the hello is answered twice")
        ok(all(length in ((16,) if c.server[1] in (443, 12350) else (14,)) for _, length in got[2:]),
           f"{who}: {c.server[1]}: answers of 14 bytes, or one of 16", got)
        ok(all(101 <= length <= 182 or n == 3 for n, (_, length) in enumerate(sent) if n >= 3),
           f"{who}: {c.server[1]}: records of 101 to 182 bytes", sent)
    delays = [b.syn - a.syn for a, b in login.fallbacks if b in login.servers and b.syn - a.syn > 1]
    ok(delays and all(1.611 <= d <= 1.613 for d in delays), f"{who}: 1.612 s after form 1", delays)
equal(shapes["ours"], shapes["real"], "the block begins with the same bytes")

# --- names (wire C1)
for who, login in both:
    ok(any(b"\x03335\x010\x017\x017\x013\x04rst6\x01r\x05skype\x03net" in name for name in login.names),
       f"{who}: a name spells the version")
note(f"scenario {SCENARIO}")
done()
