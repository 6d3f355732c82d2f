#!/usr/bin/env python3
"""What skype-wire says of a client's messages, asked of SkypeIRC.pcap and of traces/scenarios/later-login.

Unlike peer_login.py this compares no message with another: each fact is looked for in both captures, in all of the first
session, also long behind the login. A fact that the real capture breaks would be none.
"""
import collections
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

CLIENT, PORT = "192.168.1.2", 35990
Message = collections.namedtuple("Message", "t udp out peer data")


def messages(path):
    """Of the client's UDP socket, and all that it says and hears over TCP, without what is sent again; b"": a FIN."""
    first, seen = None, set()
    for record in tap.pcap_records(tap.content(path)):
        seconds, micros = struct.unpack_from("<II", record)
        frame, t = record[16:], seconds + micros / 1e6
        first = t if first is None else first
        if frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
            continue
        head, end = 14 + (frame[14] & 15) * 4, 14 + struct.unpack_from(">H", frame, 16)[0]
        source, destination = (".".join(map(str, frame[at:at + 4])) for at in (26, 30))
        sport, dport = struct.unpack_from(">HH", frame, head)
        out = source == CLIENT
        peer, local = ((destination, dport), sport) if out else ((source, sport), dport)
        if frame[23] == 17 and local == PORT:
            yield Message(t - first, True, out, peer, frame[head + 8:end])
        elif frame[23] == 6:
            data = frame[head + (frame[head + 12] >> 4) * 4:end]
            key = (out, peer, local, frame[head + 4:head + 8], bool(data))
            ends = frame[head + 13] & 1  # FIN: no data
            if (data or ends) and key not in seen:
                seen.add(key)
                yield Message(t - first, False, out, peer, data)


def number(m, at=0):
    return struct.unpack_from(">H", m.data, at)[0]


def function(m):
    return m.data[2] & 0x8F


def datagrams(found):
    """A1, A2: ids, IVs, checks, times of retransmission."""
    sent, steps, ivs, last = {}, [], [], None
    checks = collections.defaultdict(set)
    for m in found:
        if not m.udp or function(m) not in (2, 15):
            continue
        at = 3 if function(m) == 2 else 7
        ivs.append(m.data[at:at + 4])
        if function(m) == 15:
            continue
        checks[m.data[7:11]].add((m.peer, number(m), len(m.data), m.out))
        if m.out:
            key = (m.peer, number(m), len(m.data))
            if key not in sent:
                steps.append(1 if last is None else (number(m) - last) & 0xFFFF)
                last = number(m)
            sent.setdefault(key, []).append(m)
    again = [ms for ms in sent.values() if len(ms) > 1]
    gaps = [[b.t - a.t for a, b in zip(ms, ms[1:])] for ms in again]
    yield "ids step by 1 to 9 (A2)", all(1 <= step <= 9 for step in steps), steps
    yield "no IV comes twice (A1)", len(set(ivs)) == len(ivs), len(ivs)
    yield "some are sent again, at most twice (A2)", again and all(len(g) <= 2 for g in gaps), gaps
    yield "after 2.03 to 2.09 s and 4.00 to 4.04 s (A2)", all(
        2.025 <= g[0] <= 2.095 and (len(g) == 1 or 3.995 <= g[1] <= 4.045) for g in gaps), gaps
    yield "with the same check (A1)", all(len({m.data[7:11] for m in ms}) == 1 for ms in again), len(again)
    yield "never the 18 bytes (A2)", all(len(ms[0].data) > 18 for ms in again), len(again)
    shared = [what for what in checks.values() if len(what) > 1]
    yield "different messages have one check only in notices (A1)", shared and all(
        size == 346 and out for what in shared for _, _, size, out in what), shared


def short(found, public):
    """A1, A3: ACK and NAK."""
    heard = [m for m in found if m.udp and not m.out and function(m) in (5, 7)]
    yield "ACK and NAK have 11 bytes and the public address (A3)", heard and all(
        len(m.data) == 11 and ".".join(map(str, m.data[3:7])) == public for m in heard), heard
    yield "bits 0x70 of their functions are random (A1)", len({m.data[2] for m in heard}) > 4, heard
    naks = [m for m in heard if function(m) == 7]
    first = next(m for m in found if m.udp and not m.out)
    yield "one NAK, and nothing before it (A3)", naks == [first], naks
    waits = {}
    for m in found:
        if m.udp and m.out and len(m.data) == 346:
            waits[m.peer, m.data[:2]] = m.t
        elif m.udp and not m.out and function(m) == 5:
            waits[m.peer, m.data[:2]] = m.t - waits[m.peer, m.data[:2]]
    acknowledged = [wait for wait in waits.values() if wait < 1]
    yield "what is acknowledged is a notice, by its id, after 65 to 309 ms (A3)", len(acknowledged) >= 15 and all(
        0.06 <= wait <= 0.31 for wait in acknowledged), acknowledged


def fragments(found):
    """A4."""
    question = [m for m in found if m.udp and m.out and len(m.data) == 47]
    answers = collections.OrderedDict()
    for m in found:
        if m.udp and not m.out and function(m) == 15:
            answers.setdefault((m.peer, number(m)), []).append(m)
    peers = {peer for peer, _ in answers}
    yield "three questions of 47 bytes within 0.2 ms (A4)", len({m.peer for m in question}) == 3 and \
        question[2].t - question[0].t < 0.00025, question
    yield "they go to new peers (A4)", not {m.peer for m in found if m.t < question[0].t} & \
        {m.peer for m in question}, question
    yield "each that answers has two messages, with ids in a row (A4)", answers and len(answers) == 2 * len(peers) and all(
        (peer, (i + 1) & 0xFFFF) in answers or (peer, (i - 1) & 0xFFFF) in answers for peer, i in answers), list(answers)
    yield "of nine fragments, 80 on the last (A4)", all(
        [m.data[5] for m in ms] == [0, 1, 2, 3, 4, 5, 6, 7, 0x88] for ms in answers.values()), list(answers)
    yield "eight of 1355 bytes, the last of 592 to 1245 (A4)", all(
        {len(m.data) for m in ms[:8]} == {1355} and 592 <= len(ms[8].data) <= 1245 for ms in answers.values()), list(answers)
    yield "the messages differ in length (A4)", all(
        len({sum(len(m.data) for m in ms) for (who, _), ms in answers.items() if who == peer}) == 2 for peer in peers), peers
    yield "byte 6 is 02, and 3-4 the id of the question (A1)", all(
        m.data[6] == 2 and any(q.peer == peer and number(q) == number(m, 3) for q in question)
        for (peer, _), ms in answers.items() for m in ms), peers
    for peer in peers:
        one, two = sorted((ms for (who, _), ms in answers.items() if who == peer), key=lambda ms: ms[0].t)
        yield "the second begins behind the first, all within 0.7 s (A4)", one[-1].t < two[0].t and \
            two[-1].t - question[0].t < 0.7, peer


def overlay(found, supernode):
    """B2, B4: the supernode connection, and what hangs on it."""
    talk = [m for m in found if not m.udp and m.peer == supernode]
    sizes = [(">" if m.out else "<", len(m.data)) for m in talk if m.data]
    begin = [(">", 14), ("<", 73), (">", 25), ("<", 587), (">", 16), ("<", 274), (">", 11), ("<", 659), (">", 45), ("<", 4),
             (">", 13), ("<", 48), (">", 13), ("<", 82), (">", 13), ("<", 48), (">", 57), ("<", 21), (">", 36), ("<", 4)]
    yield "the order of sizes (B2)", sizes[:len(begin)] == begin, sizes
    at = {size: next(m.t for m in talk if m.out and len(m.data) == size) for size in (11, 57, 36)}
    yield "11, 57 and 36 bytes are 60.0 s apart (B2)", all(
        59.95 <= at[b] - at[a] <= 60.1 for a, b in ((11, 57), (57, 36))), at
    asked = [m for m in found if m.udp and m.out and function(m) == 2]
    for m in talk:
        if not m.out and len(m.data) == 48:
            then = [q for q in asked if m.t < q.t < m.t + 0.0031]
            yield "48 bytes: UDP to three or four peers within 3 ms (B2)", 3 <= len({q.peer for q in then}) <= 4, (m.t, then)
    notices = [m for m in asked if len(m.data) == 346]
    second = [m for m in notices if m.t > notices[0].t + 20]
    late = [m for m in second if m.t > second[0].t + 0.02][:4]
    named = [m for m in talk if not m.out and second[0].t < m.t < late[0].t]
    yield "the second notice goes to four more, whom the supernode named (B2, frames 671 to 684)", \
        len(named) == 1 and len(late) == 4 and {m.data[7:11] for m in late} == {second[0].data[7:11]}, late
    others = [m for m in asked if len(m.data) == 21]
    heard = [m for m in found if m.udp and not m.out and len(m.data) in (69, 76) and m.peer in {q.peer for q in others}]
    yield "21 bytes have an answer of 69 or 76, and then others are asked (A5, frames 529 to 533)", heard and all(
        any(h.t < q.t < h.t + 0.003 for q in asked) for h in heard), heard
    login = next(m for m in found if not m.udp and not m.out and m.peer[1] == 33033 and len(m.data) == 232)
    wave = [m for m in asked if 153 < m.t - login.t < 154]
    yield "153.26 s behind the login 18 bytes to four new nodes (B4), and 31 to others", \
        [len(m.data) for m in wave[:7]] == [18] * 4 + [31] * 3 and abs(wave[0].t - login.t - 153.26) < 0.02, wave[:7]


def servers(found):
    """B3: the contact-list server, and when connections to servers end."""
    talks = collections.OrderedDict()
    for m in found:
        if not m.udp and m.peer[1] in (12350, 33033):
            talks.setdefault((m.peer, m.t > 125), []).append(m)  # the list server is asked again at 129 s
    for (peer, _), talk in talks.items():
        last = [m for m in talk if m.data][-1]
        end = next(m for m in talk if not m.data)
        yield f"{peer[1]}: the client ends it after 30.0 s without a word (B3)", \
            end.out and 29.99 <= end.t - last.t <= 30.06, (last.t, end.t)
        stream = {out: b"".join(m.data for m in talk if m.out == out) for out in (True, False)}
        for out, data in stream.items():
            while data:
                data, kind = data[5 + struct.unpack_from(">H", data, 3)[0]:], data[:3]
                if kind not in (b"\x16\x03\x01", b"\x17\x03\x01"):
                    break
            yield f"{peer[1]}: what {'the client' if out else 'the server'} says is records (B3)", not data, data[:8]
    first = next(talk for (peer, _), talk in talks.items() if peer[1] == 12350)
    yield "the sizes of the contact list (B3)", [(m.out, len(m.data)) for m in first if m.data] == [
        (True, 5), (False, 5), (True, 260), (False, 16), (False, 68), (True, 25), (False, 21)], first
    said = [m for m in first if not m.out]
    yield "its second record comes by itself after 84 to 179 ms (B3)", 0.080 <= said[2].t - said[1].t <= 0.182, said
    block = first[2].data
    yield "its block (B3)", block[:15].hex() == "16030100cd4103000980400408c001" and \
        block[207:215].hex() == "000c01170301002d", block[:15].hex()


def main():
    real = tap.require_traces("skype", "SkypeIRC.pcap")
    made = tap.tmp("later-login.pcap")
    result = tap.peer("trace", "-q", "-o", made, os.path.join(tap.TOP, "traces", "scenarios", "later-login.scenario"))
    tap.equal(result.returncode, 0, "footsteps-peer makes the capture", result.stderr)
    for what, path, ends, public, supernode in (
            ("the real one", real, 241, "86.128.245.115", ("68.206.150.243", 57322)),
            ("the generated one", made, 182, "198.51.100.115", ("192.0.2.150", 57322))):
        found = [m for m in messages(path) if m.t < ends]
        for facts in (datagrams(found), short(found, public), fragments(found), overlay(found, supernode), servers(found)):
            for name, held, shown in facts:
                tap.ok(held, f"{what}: {name}", str(shown)[:600])
    tap.done()


main()
