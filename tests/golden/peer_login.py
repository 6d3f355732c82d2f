#!/usr/bin/env python3
"""The two logins that footsteps-peer makes against those of SkypeIRC.pcap (1.2.0.18), message by message.

The scenario below fixes what chance decided in the capture: which nodes were dead, which said "go on", which one
accepted, and how far away each is. Compared are, for every peer in the order in which the client turned to them,
all messages: transport, direction, size, and the bytes that are the same in all captures (skype-wire, "wire"); the
order in which the client said all of it; and the time from each of its messages back to what it followed. Both
captures are read here, with no code of footsteps.
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

PEER = os.environ.get("FOOTSTEPS_PEER") or os.path.join(os.path.dirname(tap.FOOTSTEPS), "footsteps-peer")
CLIENT, PORT = "192.168.1.2", 35990

# Round trips in ms, None: never answers. In the order in which SkypeIRC.pcap turns to them, with its frames.
PROBED_1 = (("dead", None),) * 5 + (("refers", 122), ("refers", 59)) + (("dead", None),) * 5 + \
    (("refers", 75), ("accepts", 147), ("dead", None))  # fr 176-269
PROBED_2 = (("dead", None),) * 3 + (("refers", 159), ("dead", None), ("accepts", 112),
                                    ("accepts", 188))  # fr 1867-1888
NODES_1 = (73, 112,  # 22 bytes: fr 295, 296
           277, 107, None, 92,  # 18 bytes: fr 307-310
           None, 176, 153,  # 30 bytes: fr 372-374
           59, 150, 136, 140, 129, 143)  # fr 386-415
NODES_2 = (46, None,  # fr 1935, 1936
           66, 137, 79, 59)  # fr 1940-1943


def scenario():
    parties, cache, port = [], [], 20000
    for i, (answers, distance) in enumerate(PROBED_1 + PROBED_2):
        parties.append(f"[supernode s{i}]\naddress = 192.0.2.{i + 1}:{port + i}\njitter = 0ms\n"
                       f"answers = {'nothing' if answers == 'dead' else answers}\ndistance = {distance or 50}ms\n")
        cache.append(f"s{i}")
    for i, distance in enumerate(NODES_1 + NODES_2):
        parties.append(f"[node n{i}]\naddress = 203.0.113.{i + 1}:{port + 100 + i}\njitter = 0ms\n"
                       f"answers = {'refers' if distance else 'nothing'}\ndistance = {distance or 50}ms\n")
    return f"""[scenario]
title = The logins of SkypeIRC.pcap
begins = 2006-08-25T19:31:04Z
lasts = 90s

[client alice]
version = 1.2.0.18
address = {CLIENT}:{PORT}
network = port-restricted 198.51.100.115
cache = {' '.join(cache)}
login = login1
list = list1
web = www
names = dns

{''.join(parties)}
[login-server login1]
address = 198.18.8.141:33033
distance = 62ms
jitter = 0ms

[list-server list1]
address = 198.18.8.142:12350
distance = 106ms
jitter = 0ms

[version-server www]
address = 198.18.8.131:80
distance = 46ms
jitter = 0ms

[name-server dns]
address = 192.168.1.1:53
distance = 33ms
jitter = 0ms

[events]
1s    alice starts
17.4s alice quits
60s   alice starts
74.8s alice quits
"""


# --- reading a capture ------------------------------------------------------------------------------------------------

class Message:
    """One datagram, one run of TCP payload, or the SYN, the accepting SYN or the FIN of a connection."""

    def __init__(self, frame, t, proto, outbound, peer, local_port, data, event=""):
        self.frame, self.t, self.proto, self.outbound = frame, t, proto, outbound
        self.peer, self.local_port, self.data, self.event = peer, local_port, data, event
        self.label = ""

    def form(self):
        return (self.proto, ">" if self.outbound else "<", self.event or len(self.data))

    def __repr__(self):
        return f"fr {self.frame} {self.t:.6f} {self.label} {self.form()}"


def dotted(data):
    return ".".join(map(str, data))


def read_pcap(path):
    """(frame number, seconds since the first one, Ethernet frame)"""
    data = tap.content(path)
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at, number, first = 24, 0, None
    while at + 16 <= len(data):
        seconds, micros, captured, _ = struct.unpack_from(order + "IIII", data, at)
        number += 1
        t = seconds + micros / 1e6
        first = t if first is None else first
        yield number, t - first, data[at + 16:at + 16 + captured]
        at += 16 + captured


def messages(path):
    """Those of the client's host over UDP and TCP, retransmitted segments left out."""
    seen = set()
    for number, t, frame in read_pcap(path):
        if frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
            continue
        head = 14 + (frame[14] & 15) * 4
        length = struct.unpack_from(">H", frame, 16)[0]
        source, destination = dotted(frame[26:30]), dotted(frame[30:34])
        if CLIENT not in (source, destination):
            continue
        sport, dport = struct.unpack_from(">HH", frame, head)
        outbound = source == CLIENT
        peer, local = ((destination, dport), sport) if outbound else ((source, sport), dport)
        if frame[23] == 17:
            yield Message(number, t, "udp", outbound, peer, local, frame[head + 8:14 + length])
            continue
        sequence, flags = struct.unpack_from(">I", frame, head + 4)[0], frame[head + 13]
        payload = frame[head + (frame[head + 12] >> 4) * 4:14 + length]
        event = "SYN" if flags & 2 else "FIN" if flags & 1 and not payload else ""
        key = (outbound, peer, local, sequence, bool(payload), event)
        if (payload or event) and key not in seen:
            seen.add(key)
            yield Message(number, t, "tcp", outbound, peer, local, payload, event)


def belongs(m, servers):
    """The client's own traffic: its UDP socket, its connections to supernode and servers, its name questions."""
    if m.proto == "udp" and m.local_port == PORT:
        # What it asks and tells by itself once it is online is none of the login (wire A4, B4).
        return len(m.data) not in (21, 31, 346) and m.data[2] & 0x8F != 5
    if m.peer == servers["names"]:
        # The router of the capture says nothing about IPv6 for seconds; a question is sent, and that is the client's.
        return b"\x02ui\x05skype\x03com" in m.data and (m.outbound or m.data[26:28] != b"\x00\x1c")
    return m.proto == "tcp" and m.peer in servers.values()


def session(all_messages, servers, begins, ends):
    """From the first probe to `ends`; peers are named by what they are, or numbered as the client turns to them."""
    names = {address: name for name, address in servers.items()}
    numbers, found = {}, []
    for m in all_messages:
        if not begins <= m.t < ends or not belongs(m, servers):
            continue
        if m.proto == "udp" and m.local_port == PORT:
            if m.outbound:
                numbers.setdefault(m.peer, len(numbers) + 1)
            elif m.peer not in numbers:  # somebody who spoke first
                continue
            m.label = f"node {numbers[m.peer]}"
        else:
            m.label = names[m.peer]
        m.t -= begins
        found.append(m)
    return found


def threads(found):
    result = {}
    for m in found:
        result.setdefault(m.label, []).append(m)
    return result


# --- the comparison ---------------------------------------------------------------------------------------------------

# Answers whose size was drawn from several that were seen, as a class: wire A5.
CHOICES = {653: "653..693", 658: "653..693", 669: "653..693", 693: "653..693", 26: "26|365", 365: "26|365"}


def form(m, previous):
    proto, way, what = m.form()
    if proto == "udp" and way == "<" and previous and len(previous.data) in (22, 60):
        what = CHOICES.get(what, what)
    return proto, way, what


def thread_forms(thread):
    last_out, forms = None, []
    for m in thread:
        forms.append(form(m, last_out))
        last_out = m if m.outbound else last_out
    return forms


def constant(m):
    """The bytes of a message that wire A1, B3 and B4 know, others as None."""
    d, shown = m.data, [None] * len(m.data)

    def show(*places):
        for at in places:
            shown[at] = d[at]
    if m.proto == "udp" and m.local_port == PORT:
        function = d[2] & 0x8F
        shown[2] = d[2] if function == 2 else function  # bits 0x70: random but in 02
        if function == 3:
            show(3)
    elif m.label == "names":
        show(2, *range(12, 30))  # whether it is an answer; the question
    elif m.label == "login" and d:
        show(*range(5))
        if len(d) > 400:
            show(*range(15), *range(207, 215))
    elif m.label == "web" and d and m.outbound:
        uhash = d.index(b"uhash=") + 6
        show(*range(uhash), *range(uhash + 32, len(d)))
    elif m.label == "web" and d:
        show(*range(d.index(b"\r\n")), *range(len(d) - 7, len(d)))
    return shown


def answered_nak(found, own_ip):
    """NAK, challenge, resend (wire A3): what must be the same within a capture. Returns what is wrong."""
    naks = [m for m in found if m.proto == "udp" and m.data[2:3] and not m.outbound and m.local_port == PORT
            and m.data[2] & 0x8F == 7]
    resends = [m for m in found if m.outbound and m.local_port == PORT and m.data[2] & 0x8F == 3]
    if len(naks) != 1 or len(resends) != 1:
        return f"{len(naks)} NAKs, {len(resends)} resends"
    nak, resend = naks[0], resends[0]
    question = [m for m in found if m.outbound and m.peer == nak.peer][0]
    wrong = []
    if dotted(nak.data[3:7]) != own_ip:
        wrong.append(f"the NAK says {dotted(nak.data[3:7])}")
    if not question.data[:2] == nak.data[:2] == resend.data[:2]:
        wrong.append("ids differ")
    if resend.data[4:8] != nak.data[7:11]:
        wrong.append("the challenge is not that of the NAK")
    if dotted(resend.data[8:12]) != nak.peer[0]:
        wrong.append("the resend is for another address")
    if resend.data[12:16] != question.data[7:11]:
        wrong.append("bytes 12-15 are not the check of the question")
    if len(resend.data) != len(question.data) + 5:
        wrong.append("not 5 bytes longer")
    return "; ".join(wrong)


def id_steps(found):
    """Steps of the client's ids between its first sendings of messages 02 (wire A2)."""
    ids = []
    for m in found:
        if m.outbound and m.proto == "udp" and m.local_port == PORT and m.data[2] == 2:
            number = struct.unpack(">H", m.data[:2])[0]
            if number not in ids:
                ids.append(number)
    return [(b - a) & 0xFFFF for a, b in zip(ids, ids[1:])]


# What the client does, what it follows, and how much later at the least and most (ms), with the frames of both logins.
# A time counts if both captures keep it: a bound that the real one breaks is no fact.
def delays(found, login):
    by = threads(found)
    nodes = [by[f"node {i}"] for i in range(1, sum(name.startswith("node") for name in by) + 1)]
    supernode = by["supernode"]
    probes = [thread[0] for thread in nodes if len(thread[0].data) == 18][:15 if login == 1 else 7]
    accept = next(m for m in found if m.proto == "udp" and not m.outbound and len(m.data) == 18)
    go_on = [m for m in found if m.proto == "udp" and not m.outbound and len(m.data) == 51]

    def sizes(name, size, outbound=True):
        return [m for m in by[name] if m.outbound == outbound and len(m.data) == size]

    def asked(size):
        return [thread[0] for thread in nodes if len(thread[0].data) == size]

    def opened(name):
        return next(m for m in by[name] if m.event == "SYN" and not m.outbound)

    def began(name):
        return next(m for m in by[name] if m.event == "SYN" and m.outbound)

    yield "the burst behind the first probe (wire B1)", probes[0], probes[1], 1040, 1085
    yield "the burst is one", probes[1], probes[4], 0, 20  # fr 1868-1871 take 14 ms
    if login == 1:
        yield "the second round, when nobody answered (wire B1)", probes[1], probes[5], 5020, 5070
        yield "its burst", probes[5], probes[8], 1040, 1085
        yield "the third round", probes[8], probes[12], 5015, 5070
    for m in go_on:
        following = next(p for p in probes if p.t > m.t)
        yield "the next probe behind a \"go on\" (wire B1: < 1 ms)", m, following, 0.1, 1
    yield "the connection to the one that accepts (wire B2: 0.3 and 0.4 ms)", accept, began("supernode"), 0.2, 0.5
    out = [m for m in supernode if m.outbound and m.data]
    into = [m for m in supernode if not m.outbound and m.data]
    yield "14 bytes", opened("supernode"), out[0], 0.2, 0.5
    yield "25 bytes", into[0], out[1], 0.2, 0.5
    yield "the third message", into[1], out[2], 2.5, 3.1
    if login == 1:
        yield "11 bytes", into[2], out[3], 199, 211
        yield "45 bytes", into[3], out[4], 0.04, 0.1
        yield "the login server", into[4], began("login"), 219, 231
    else:
        yield "56 bytes", out[2], out[3], 229, 237
        yield "the login server", out[3], began("login"), 79, 83
    yield "two new nodes", opened("login"), asked(22)[0], 8, 11.6
    yield "both at once", asked(22)[0], asked(22)[1], 0, 0.2
    yield "message 1", opened("login"), sizes("login", 5)[0], 8, 11.6
    third = next(m for m in by["login"] if m.outbound and len(m.data) > 400)
    yield "message 3", sizes("login", 5, False)[0], third, 1.0, 1.5
    first = next(m for m in found if m.proto == "udp" and not m.outbound and 650 <= len(m.data) <= 700)
    pinged = [m for m in asked(18) if m.t > first.t]
    yield "four nodes", first, pinged[0], 0.6, 2.9
    fourth = [m for m in by["login"] if not m.outbound and len(m.data) > 200][0]
    if login == 1:
        yield "the exchange that login 2 has not", fourth, sizes("login", 18)[0], 22, 23
        yield "27 bytes to the contact-list server", fourth, asked(27)[0], 22, 23
    yield "13 bytes to the supernode", fourth, sizes("supernode", 13)[0], 22, 28
    questions = asked(30) if login == 1 else asked(58)
    more = asked(30)[3:] if login == 1 else asked(60)
    nodes_answer = sizes("supernode", 48, False)[0]
    more_answer = sizes("supernode", 82, False)[0]
    yield "three nodes", nodes_answer, questions[0], 0.6, 0.9
    answer = min((thread[1] for thread in nodes if thread[0] in questions and len(thread) > 1), key=lambda m: m.t)
    yield "13 bytes again", answer, sizes("supernode", 13)[1], 0.4, 1.8
    yield "more nodes", more_answer, more[0], *((90, 98) if login == 1 else (0.9, 1.2))
    name = [m for m in by["names"] if m.outbound]
    yield "the name of the version server", fourth, name[0], 560, 695
    yield "and its IPv6 address", name[0], name[1], 0.1, 0.13
    known = [m for m in by["names"] if not m.outbound][0]
    yield "the version server", known, began("web"), 0.4, 5.1
    yield "the request", opened("web"), [m for m in by["web"] if m.outbound and m.data][0], 0.4, 1.4


def compare(login, count, real, made):
    tap.equal(len(real), count, f"login {login}: messages of the capture that are looked at")
    real_threads, made_threads = threads(real), threads(made)
    tap.equal(sorted(made_threads), sorted(real_threads), f"login {login}: the same peers")
    for name in sorted(real_threads, key=lambda n: (n.split()[0], int(n.split()[-1]) if n[-1].isdigit() else 0)):
        a, b = real_threads[name], made_threads.get(name, [])
        if tap.equal(thread_forms(b), thread_forms(a), f"login {login}: {name}: {len(a)} messages"):
            wrong = [f"fr {x.frame}: {constant(x)} fr {y.frame}: {constant(y)}"
                     for x, y in zip(a, b) if constant(x) != constant(y) and form(x, None) == form(y, None)]
            tap.ok(not wrong, f"login {login}: {name}: the bytes in the clear", *wrong)
    # The version check runs beside the rest, and so does each ping-pong, by how far away its node is.
    for what, labels in (("to nodes, supernode and login server", ("node", "supernode", "login")),
                         ("of the version check", ("names", "web"))):
        order = [[f"{m.label} {m.form()}" for m in found
                  if m.outbound and m.label.split()[0] in labels and not is_pong(m, found)] for found in (real, made)]
        tap.equal(order[1], order[0], f"login {login}: the order of what the client says {what}")
    for what, found in (("the real one", real), ("the generated one", made)):
        for name, before, after, least, most in delays(found, login):
            ms = (after.t - before.t) * 1000
            tap.ok(least <= ms <= most, f"login {login}, {what}: {name} after {ms:.2f} ms",
                   f"{least} to {most} ms, from {before} to {after}")
    for found, own in ((real, "86.128.245.115"), (made, "198.51.100.115")):
        tap.equal(answered_nak(found, own), "", f"login {login}: NAK, challenge and resend")
    steps = id_steps(made)
    tap.ok(all(2 <= step <= 9 for step in steps),
           f"login {login}: ids step by 2, more where TCP lies between (wire A2)", steps)


def is_pong(m, found):
    """18 bytes again to a node that was just asked so: when, depends on how far away it is."""
    return len(m.data) == 18 and m.proto == "udp" and \
        any(other.peer == m.peer and other.outbound and other.t < m.t for other in found)


def main():
    path = tap.require_traces("skype", "SkypeIRC.pcap")
    text = tap.write(tap.tmp("skypeirc.scenario"), scenario().encode())
    capture = tap.tmp("made.pcap")
    result = subprocess.run([PEER, "trace", text, "-o", capture], capture_output=True, text=True, timeout=tap.SECONDS,
                            check=False)
    if not tap.equal(result.returncode, 0, "footsteps-peer makes the capture", result.stderr):
        tap.done()
        return
    real_servers = {"login": ("195.215.8.141", 33033), "supernode": ("68.206.150.243", 57322),
                    "web": ("212.72.49.131", 80), "names": ("192.168.1.1", 53)}
    made_servers = {"login": ("198.18.8.141", 33033), "supernode": ("192.0.2.14", 20013),
                    "web": ("198.18.8.131", 80), "names": ("192.168.1.1", 53)}
    real, made = list(messages(path)), list(messages(capture))
    made_first = min(m.t for m in made)
    # Until the last ping-pong and the end of the version server's connection; what client_online.c is about follows.
    compare(1, 100, session(real, real_servers, 59.98, 75.46),
            session(made, made_servers, made_first, made_first + 15.9))
    real_servers.update(login=("212.72.49.141", 33033), supernode=("67.71.69.121", 12492))
    made_servers.update(supernode=("192.0.2.21", 20020))
    real, made = list(messages(path)), list(messages(capture))  # times are moved to the beginning of a session
    compare(2, 79, session(real, real_servers, 298.90, 302.20),
            session(made, made_servers, made_first + 59, made_first + 63))
    tap.done()


main()
