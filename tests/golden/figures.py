#!/usr/bin/env python3
"""The figures and tables of signalling (R1 to R5, R7, R8, R12, N3) of the real captures of Skype, computed once more here:
from the packets, by the definitions alone, and the pair classes also from the truth beside the captures.

The captures last for minutes. Seven times slower, SkypeIRC has more flows, other classes and several intervals of 5 minutes:
its recognition does not need the time between packets, and what is right follows from its packets as before.
"""
import csv
import os
import struct
import sys
from collections import Counter, defaultdict

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

DIRECTORY = tap.require_traces("skype")
TIMEOUT_US, INTERVAL_US = 200 * 10**6, 300 * 10**6  # D1, R2
CLASSES = ("probe", "heartbeat", "dialog", "mix")


def datagrams(path, client):
    """(microseconds, peer, out, payload bytes) of the client's UDP datagrams; the captures have no fragments."""
    data = tap.content(path)
    rows = []
    for record in tap.pcap_records(data):
        seconds, micros = struct.unpack_from("<II", record)
        ip = record[16 + 14:]
        if record[16 + 12:16 + 14] != b"\x08\x00" or ip[9] != 17:
            continue
        source, destination, size = struct.unpack_from("!HHH", ip, 4 * (ip[0] & 15))
        ends = [(".".join(map(str, ip[at:at + 4])), port) for at, port in ((12, source), (16, destination))]
        if client in ends:
            out = ends[0] == client
            rows.append((seconds * 10**6 + micros, ends[1 if out else 0], out, size - 8))
    return rows


def over_tcp(path, db, host):
    """Payload that the host sent over TCP in flows that the database calls Skype's, and the moments of all their packets."""
    flows = {((r["client_ip"], r["client_port"]), (r["server_ip"], r["server_port"])) for r in
             tap.query(db, "SELECT * FROM flows WHERE proto = 'tcp' AND protocol = 'skype'")}
    sent, stamps = 0, []
    for record in tap.pcap_records(tap.content(path)):
        seconds, micros = struct.unpack_from("<II", record)
        ip = record[16 + 14:]
        if record[16 + 12:16 + 14] != b"\x08\x00" or ip[9] != 6:
            continue
        head = 4 * (ip[0] & 15)
        ends = [(".".join(map(str, ip[12 + 4 * i:16 + 4 * i])), struct.unpack_from("!H", ip, head + 2 * i)[0]) for i in (0, 1)]
        if (ends[0], ends[1]) in flows or (ends[1], ends[0]) in flows:
            stamps.append(seconds * 10**6 + micros)
            if ends[0][0] == host:
                sent += struct.unpack_from("!H", ip, 2)[0] - head - 4 * (ip[head + 12] >> 4)
    return sent, stamps


def slower(path, times):
    """The capture with every moment so many times as far from the first."""
    data = tap.content(path)
    records = tap.pcap_records(data)
    stamps = [struct.unpack_from("<II", r) for r in records]
    first = stamps[0][0] * 10**6 + stamps[0][1]
    moved = [first + (s * 10**6 + u - first) * times for s, u in stamps]
    return tap.write(tap.tmp(f"slower{times}.pcap"), data[:24] + b"".join(
        struct.pack("<II", t // 10**6, t % 10**6) + r[8:] for t, r in zip(moved, records)))


class Pair:
    def __init__(self, rows):
        self.first_out = rows[0][2]
        self.flows = [[rows[0]]]
        for row in rows[1:]:
            if row[0] - self.flows[-1][-1][0] > TIMEOUT_US:
                self.flows.append([])
            self.flows[-1].append(row)
        probes = sum(1 for f in self.flows if self.is_probe(f))
        self.name = "mix" if 0 < probes < len(self.flows) else "dialog" if not probes else \
            "heartbeat" if probes > 1 else "probe"

    @staticmethod
    def is_probe(flow):
        sent = sum(1 for row in flow if row[2] == flow[0][2])
        return sent == 1 and len(flow) <= 2


def three_digits(us):
    """Rounded to three digits, upwards at the half."""
    unit = 10 ** max(0, len(str(us)) - 3)
    return (us + unit // 2) // unit * unit


def signalling(path, client, peers):
    """The packets of the client's pairs; those of the truth, where strangers sent something too."""
    pairs = defaultdict(list)
    for row in datagrams(path, client):
        if row[1] in peers:
            pairs[row[1]].append(row)
    return {peer: Pair(rows) for peer, rows in pairs.items()}


def truth_of(trace):
    with open(os.path.join(DIRECTORY, "behaviour.tsv"), newline="", encoding="utf-8") as f:
        return {(row["peer_ip"], int(row["peer_port"])): row for row in csv.DictReader(f, delimiter="\t")
                if row["trace"] == trace}


def distribution(db, measure, by_class=False):
    rows = tap.query(db, "SELECT class, value, sum(count) AS n FROM distributions WHERE protocol = 'skype' AND "
                         f"measure {measure} GROUP BY value" + (", class" if by_class else ""))
    return {(row["class"], row["value"]) if by_class else row["value"]: row["n"] for row in rows}


def table(db, name, truth):
    """R7 from the classes, flows and packets of the truth."""
    amounts = {"peers": Counter(), "flows": Counter(), "packets": Counter()}
    for row in truth.values():
        amounts["peers"][row["class"]] += 1
        amounts["flows"][row["class"]] += int(row["udp_flows"])
        amounts["packets"][row["class"]] += int(row["pkts_out"]) + int(row["pkts_in"])
    rows = {row["level"]: row for row in tap.query(db, "SELECT * FROM R7 WHERE protocol = 'skype'")}
    for level, counts in amounts.items():
        total = sum(counts.values())
        row = rows.get(level, {})
        tap.equal(row.get("total"), total, f"{name}: R7, {level} in all")
        tap.ok(all(abs(row.get(kind, -1) - 100 * counts[kind] / total) < 1e-9 for kind in CLASSES),
               f"{name}: R7, shares of the {level}", dict(row), counts)


def flows_and_sizes(db, name, pairs):
    lengths, durations, sizes = Counter(), Counter(), Counter()
    for pair in pairs.values():
        for flow in pair.flows:
            for way in (True, False):
                side = [row[0] for row in flow if row[2] == way]
                if side:
                    lengths[len(side)] += 1
                    durations[three_digits(side[-1] - side[0])] += 1
            for row in flow:
                sizes["probe" if pair.name == "probe" else "non-probe", row[3]] += 1
    tap.equal(distribution(db, "= 'source_flow_packets'"), lengths, f"{name}: R4, lengths")
    tap.equal(distribution(db, "= 'source_flow_us'"), durations, f"{name}: R5, durations")
    tap.equal(distribution(db, "LIKE 'payload_%'", True), sizes, f"{name}: R8, payload sizes")
    longer = {row["packets"]: row["longer_percent"] for row in tap.query(db, "SELECT * FROM R4 WHERE protocol = 'skype'")}
    total = sum(lengths.values())
    tap.ok(longer.keys() == lengths.keys() and all(
        abs(share - 100 * sum(n for k, n in lengths.items() if k > packets) / total) < 1e-9 for packets, share in longer.items()),
        f"{name}: R4, the curve", longer)


def rates(db, name, pairs, path, host):
    rows = [row for pair in pairs.values() for flow in pair.flows for row in flow]
    first, last = min(row[0] for row in rows), max(row[0] for row in rows)
    sent = sum(row[3] for row in rows if row[2])
    sent_tcp, stamps = over_tcp(path, db, host)
    lifetime = max(last, *stamps) - min(first, *stamps)
    got = tap.query(db, "SELECT bits_per_s, tcp_bits_per_s FROM R1 WHERE protocol = 'skype'")
    tap.ok(len(got) == 1 and abs(got[0]["bits_per_s"] - (sent + sent_tcp) * 8e6 / lifetime) < 1e-6
           and abs(got[0]["tcp_bits_per_s"] - sent_tcp * 8e6 / lifetime) < 1e-6, f"{name}: R1, bitrate", got, sent, sent_tcp)
    met = [set() for _ in range((last - first) // INTERVAL_US + 1)]
    for at, peer, _, _ in rows:
        met[(at - first) // INTERVAL_US].add(peer)
    tap.equal(distribution(db, "= 'contacts'"), Counter(map(len, met)), f"{name}: R2, C(p, i) in {len(met)} intervals")
    shares = tap.query(db, "SELECT signalling, media, share_percent FROM R3 WHERE protocol = 'skype'")
    tap.ok(len(shares) == 1 and shares[0]["media"] == 0 and shares[0]["share_percent"] == 100
           and shares[0]["signalling"] >= sum(row[3] for row in rows), f"{name}: R3, no media", shares)


def popularity(db, name, pairs):
    """Each external peer was contacted by the one client, and the client by those that spoke first."""
    expected = Counter()
    for kind in ("probe", "non-probe"):
        some = [p for p in pairs.values() if (p.name == "probe") == (kind == "probe")]
        out = sum(1 for p in some if p.first_out)
        if out:
            expected["external", kind, 1] = out
        if len(some) > out:
            expected["internal", kind, len(some) - out] = 1
    rows = tap.query(db, "SELECT side, class, popularity, peers FROM R12 WHERE protocol = 'skype'")
    tap.equal({(r["side"], r["class"], r["popularity"]): r["peers"] for r in rows}, expected, f"{name}: R12")


def series(db, name, pairs):
    for period, width in (("minute", 60), ("hour", 3600), ("day", 86400)):
        packets, payload, flows, active = Counter(), Counter(), Counter(), set()
        for pair in pairs.values():
            for flow in pair.flows:
                flows[flow[0][0] // 10**6 // width * width] += 1
                for at, _, _, size in flow:
                    start = at // 10**6 // width * width
                    packets[start] += 1
                    payload[start] += size
                    active.add(start)
        rows = tap.query(db, "SELECT * FROM N3 WHERE protocol = 'skype' AND period = ? AND packets > 0", period)
        got = {r["start_s"]: (r["packets"], r["payload"], r["flows"], r["active_clients"], r["new_clients"]) for r in rows}
        tap.equal(got, {s: (packets[s], payload[s], flows[s], 1, int(s == min(active))) for s in active},
                  f"{name}: N3, by the {period}")


def figures(path, name, client, truth, same):
    """same: the truth's classes are those of this trace."""
    result, db = tap.read([path])
    tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
    pairs = signalling(path, client, truth.keys())
    rows = tap.query(db, "SELECT peer_ip, peer_port, class FROM pair_classes WHERE protocol = 'skype'")
    tap.equal({(row["peer_ip"], row["peer_port"]): row["class"] for row in rows},
              {peer: pair.name for peer, pair in pairs.items()}, f"{name}: class of each pair, from the packets")
    if same:
        tap.equal({peer: row["class"] for peer, row in truth.items()}, {peer: pair.name for peer, pair in pairs.items()},
                  f"{name}: ... and from the truth")
        table(db, name, truth)
    else:
        tap.ok(len({pair.name for pair in pairs.values()}) == 4, f"{name}: there are all four classes")
        table(db, name, {peer: {"class": pair.name, "udp_flows": len(pair.flows), "pkts_out": sum(map(len, pair.flows)),
                                "pkts_in": 0} for peer, pair in pairs.items()})
    flows_and_sizes(db, name, pairs)
    rates(db, name, pairs, path, client[0])
    popularity(db, name, pairs)
    series(db, name, pairs)


def main():
    irc, skype = (os.path.join(DIRECTORY, f"{name}.pcap") for name in ("SkypeIRC", "skype"))
    figures(irc, "SkypeIRC", ("192.168.1.2", 35990), truth_of("SkypeIRC"), True)
    figures(skype, "skype", ("192.168.1.34", 13021), truth_of("skype"), True)
    figures(slower(irc, 7), "SkypeIRC, slower", ("192.168.1.2", 35990), truth_of("SkypeIRC"), False)
    tap.done()


main()
