#!/usr/bin/env python3
"""What clients cost the network (N1), and pair classes by timeout (N2), in the real captures of Skype.

Everything is worked out again from the packets, by looking at every packet and every moment. Of footsteps only the list of
TCP connections is taken that are the protocol's: which those are is tested in skype.py and truth.py. And what N2 says of
another timeout must be what a run with that timeout says.
"""
import collections
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

DIRECTORY = tap.require_traces("skype")
S = 10**9
TICK = 10_000  # ns: docs/definitions.md, "What it costs the network"
IDLE = 200 * S
TIMEOUTS = (60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600)
CLIENTS = {"SkypeIRC": ("192.168.1.2", 35990), "skype": ("192.168.1.34", 13021)}  # behaviour.tsv
FIN, SYN, RST, ACK = 1, 2, 4, 16
Packet = collections.namedtuple("Packet", "ns proto source destination flags seq ack length")
Entry = collections.namedtuple("Entry", "first last probe tcp")


def packets(path):
    """UDP and TCP over IPv4 over Ethernet; these captures hold no fragments of either."""
    data = tap.content(path)
    result = []
    for record in tap.pcap_records(data):
        seconds, micros = struct.unpack_from("<II", record)
        frame = record[16:]
        if frame[12:14] != b"\x08\x00":
            continue
        ip = frame[14:]
        header, total, proto = (ip[0] & 15) * 4, struct.unpack_from("!H", ip, 2)[0], ip[9]
        if proto not in (6, 17):
            continue
        sport, dport = struct.unpack_from("!HH", ip, header)
        source, destination = (".".join(map(str, ip[12:16])), sport), (".".join(map(str, ip[16:20])), dport)
        seq = ack = flags = length = 0
        if proto == 6:
            seq, ack, offset, flags = struct.unpack_from("!IIBB", ip, header + 4)
            length = total - header - (offset >> 4) * 4
        result.append(Packet(seconds * S + micros * 1000, proto, source, destination, flags, seq, ack, length))
    return result


def conversations(trace, client):
    """Packets of each peer, as (tick, sent by the client)."""
    talks = collections.defaultdict(list)
    for p in trace:
        if p.proto == 17 and client in (p.source, p.destination):
            out = p.source == client
            talks[p.destination if out else p.source].append((p.ns // TICK, out))
    return talks


def pieces(talk, timeout):
    """A conversation cut where nothing came for longer than the timeout (seconds)."""
    result = [[talk[0]]]
    for before, packet in zip(talk, talk[1:]):
        if packet[0] - before[0] > timeout * S // TICK:
            result.append([])
        result[-1].append(packet)
    return result


def is_probe(piece):
    """D6"""
    forth = sum(1 for packet in piece if packet[1] == piece[0][1])
    return forth == 1 and len(piece) <= 2


def classes(talks, timeout):
    result = {name: [0, 0, 0] for name in ("probe", "heartbeat", "dialog", "mix")}
    for talk in talks.values():
        cut = pieces(talk, timeout)
        probes = sum(map(is_probe, cut))
        name = ("probe" if len(cut) == 1 else "heartbeat") if probes == len(cut) else "mix" if probes else "dialog"
        for i, n in enumerate((1, len(cut), len(talk))):
            result[name][i] += n
    return {name: tuple(counts) for name, counts in result.items()}


def torn_down(flow):
    if any(p.flags & RST for p in flow):
        return True
    acknowledged = set()
    for p in flow:
        if p.flags & FIN:
            end = (p.seq + p.length + 1) & 0xFFFFFFFF
            if any(q.source == p.destination and q.flags & ACK and (q.ack - end) & 0xFFFFFFFF < 1 << 31 for q in flow):
                acknowledged.add(p.source)
    return len(acknowledged) == 2


def connections(trace, ends):
    """The TCP flows (D1) between these ends."""
    flows, current = [], {}
    for p in trace:
        name = frozenset((p.source, p.destination))
        if p.proto != 6 or name not in ends:
            continue
        flow = current.get(name)
        if not flow or p.ns - flow[-1].ns > IDLE or (p.flags & SYN and torn_down(flow)):
            flow = current[name] = []
            flows.append(flow)
        flow.append(p)
    return flows


def entries(talks, flows, timeout):
    ticks = timeout * S // TICK
    result = [Entry(piece[0][0], piece[-1][0] + ticks, is_probe(piece), False)
              for talk in talks.values() for piece in pieces(talk, timeout)]
    for flow in flows:  # no two of them have the same ends here, see below
        last = flow[-1].ns // TICK
        result.append(Entry(flow[0].ns // TICK, last if torn_down(flow) else last + ticks, False, True))
    return result


def at(held, tick):
    now = [e for e in held if e.first <= tick <= e.last]
    return len(now), sum(e.probe for e in now), sum(e.tcp for e in now)


def mean(held, first, last):
    return sum(max(0, min(e.last, last) - max(e.first, first)) for e in held) / (last - first)


def same_entries(name, db, trace, talks, flows):
    run = tap.query(db, "SELECT first_ns, last_ns FROM runs")[0]
    client = tap.query(db, "SELECT client, first_ns, last_ns FROM clients WHERE protocol = 'skype'")[0]
    for timeout in (30, 200):
        held = entries(talks, flows, timeout)
        peaks = tap.query(db, """SELECT * FROM N1_peaks WHERE protocol = 'skype' AND timeout_s = ? ORDER BY client""", timeout)
        tap.equal([p["client"] for p in peaks], [0, client["client"]], f"{name}: who holds entries, {timeout} s")
        moments = sorted({e.first for e in held})
        counts = {tick: at(held, tick) for tick in moments}
        most = max(count[0] for count in counts.values())
        when = next(tick for tick in moments if counts[tick][0] == most)
        expected = (most, *counts[when][1:], when * TICK, len(held), sum(e.probe for e in held))
        for peak, span in zip(peaks, (run, client)):
            tap.equal(tuple(peak[k] for k in ("peak", "peak_probes", "peak_tcp", "peak_ns", "opened", "opened_probes")), expected,
                      f"{name}: peak of client {peak['client']}, {timeout} s")
            first, last = span["first_ns"] // TICK, span["last_ns"] // TICK
            got = peak["mean"], peak["mean_probes"]
            told = mean(held, first, last), mean([e for e in held if e.probe], first, last)
            tap.ok(max(abs(a - b) for a, b in zip(got, told)) < 1e-4, f"{name}: ... and mean", got, told)
        series = tap.query(db, "SELECT * FROM N1 WHERE protocol = 'skype' AND timeout_s = ? ORDER BY start_ns", timeout)
        wrong = []
        for row in series:
            begin, end = row["start_ns"] // TICK, (row["start_ns"] + round(row["width_s"] * S)) // TICK
            inside = [begin] + [tick for tick in moments if begin <= tick < end]
            told = max((at(held, tick) for tick in inside), key=lambda count: count[0])
            got = row["entries"], row["probes"], row["tcp"]
            if got != told:
                wrong.append(f"{row['start_ns']}: {got}, not {told}")
        tap.ok(len(series) == trace[-1].ns // S - run["first_ns"] // S + 1 and not wrong,
               f"{name}: each second of {timeout} s", len(series), *wrong[:5])


def shares(db, timeout):
    rows = tap.query(db, "SELECT * FROM N2 WHERE protocol = 'skype' AND timeout_s = ?", timeout)
    return {row["class"]: (row["pairs"], row["flows"], row["packets"]) for row in rows}


def table_of_classes(db):
    rows = tap.query(db, """SELECT class, count(*) AS pairs, sum(flows) AS flows, sum(packets_out + packets_in) AS packets
                            FROM pair_classes WHERE protocol = 'skype' GROUP BY class""")
    return {**dict.fromkeys(("probe", "heartbeat", "dialog", "mix"), (0, 0, 0)),
            **{row["class"]: (row["pairs"], row["flows"], row["packets"]) for row in rows}}


def main():
    for name, client in CLIENTS.items():
        path = os.path.join(DIRECTORY, f"{name}.pcap")
        trace = packets(path)
        result, db = tap.read([path])
        tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
        talks = conversations(trace, client)
        for timeout in TIMEOUTS:
            tap.equal(shares(db, timeout), classes(talks, timeout), f"{name}: classes with {timeout} s")
        tap.equal(shares(db, 200), table_of_classes(db), f"{name}: classes with the run's own timeout")
        for timeout in (60, 90, 120, 300, 600):
            result, other = tap.read([path], "--idle", f"{timeout}s")
            told = table_of_classes(other)
            if timeout in TIMEOUTS:
                tap.equal(shares(db, timeout), told, f"{name}: as a run with --idle {timeout}s has them", result.stderr)
            tap.equal(shares(other, timeout), told, f"{name}: ... and says itself, {timeout} s")
        ends = [frozenset(((f["client_ip"], f["client_port"]), (f["server_ip"], f["server_port"]))) for f in
                tap.query(db, "SELECT * FROM flows WHERE proto = 'tcp' AND protocol = 'skype'")]
        flows = connections(trace, set(ends))
        tap.ok(ends and len(set(ends)) == len(ends) == len(flows), f"{name}: connections", len(ends), len(flows))
        same_entries(name, db, trace, talks, flows)
    tap.done()


main()
