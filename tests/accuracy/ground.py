"""Ground truth: the flows that are known, how what a tool says is laid beside them, and the counting."""
import csv
import os
import re
import struct
from collections import namedtuple

import tap

# The protocols that dissectors of footsteps know. A label begins with its protocol's name: skype-udp.
PROTOCOLS = tuple(re.findall(r"^PROTOCOL\((\w+)\)$",
                             tap.content(os.path.join(tap.TOP, "dissectors", "list.h")).decode(), re.MULTILINE))
# ... but for what has a name of its own.
OTHER_NAMES = {"stun": "rtp", "rtcp": "rtp"}
# An extract of SkypeIRC.pcap: shown, but not added to what it was taken from.
EXTRACTS = ("skype_udp",)
LEVELS = ("flows", "packets", "bytes")

# first, last: ns. confidence: certain, likely, unsure. evidence: why, in words ("" where a maker made the flow).
Row = namedtuple("Row", "key title first last packets payload label confidence evidence")
# families: the protocols of ours that the tool's label means.
Flow = namedtuple("Flow", "key first last packets payload label families")
# What a tool says of a row. parts: {family: (packets, bytes)} of a tool that judges packets; None: all or nothing.
Said = namedtuple("Said", "label families parts")
Truth = namedtuple("Truth", "name path rows real")


def family(label):
    """The protocol that a label of the truth belongs to; None: none of ours."""
    name = label.split("-")[0]
    name = OTHER_NAMES.get(name, name)
    return name if name in PROTOCOLS else None


def flow_key(proto, *ends):
    """Protocol and both sockets without direction: tools differ in who they think began. Addresses are as in RFC 5952,
    which is how footsteps, tshark and ipaddress write them."""
    return (proto, *sorted((ip, int(port)) for ip, port in ends))


def first_frame_ns(path):
    with open(path, "rb") as f:
        head = f.read(32)
    kinds = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\x4d\x3c\xb2\xa1": ("<", 1),
             b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if head[:4] not in kinds:
        raise ValueError(f"{path}: captures with ground truth are pcap files")
    order, unit = kinds[head[:4]]
    seconds, fraction = struct.unpack(order + "II", head[24:32])
    return seconds * 1_000_000_000 + fraction * unit


def read_rows(path, start):
    with open(path, newline="", encoding="utf-8") as f:
        table = list(csv.DictReader((line for line in f if not line.startswith("#")), delimiter="\t"))
    rows = []
    for r in table:
        ends = (r["client_ip"], r["client_port"]), (r["server_ip"], r["server_port"])
        title = "{0} {1}:{2} > {3}:{4}".format(r["proto"], *ends[0], *ends[1])
        rows.append(Row(flow_key(r["proto"], *ends), title, start + round(float(r["first_ts"]) * 1e9),
                        start + round(float(r["last_ts"]) * 1e9), int(r["packets"]), int(r["payload_bytes"]),
                        r["label"], r.get("confidence") or "certain", r.get("evidence") or ""))
    return rows


def truths():
    """Every capture whose flows are known: the real ones, where they are, then those that the project makes."""
    found = []
    for directory, ending, real in ((tap.traces("skype"), ".flows.tsv", True),
                                    (os.path.join(tap.TOP, "traces"), ".expect.tsv", False)):
        for file in sorted(os.listdir(directory)) if directory else ():
            name = file[:-len(ending)]
            path = os.path.join(directory, name + ".pcap")
            if file.endswith(ending) and os.path.exists(path):
                found.append(Truth(name, path, read_rows(os.path.join(directory, file), first_frame_ns(path)), real))
    return found


def other_captures():
    """The captures of other protocols: no flow of theirs is Skype."""
    directory = tap.traces("other-protocols")
    names = os.listdir(directory) if directory else []
    return sorted(os.path.join(directory, name) for name in names if ".pcap" in name)


class FlowView:
    """A tool that labels flows. slack: how far its clock is off the truth's, in ns. packets_called: of a tool that
    labels packets, how many it calls Skype."""

    def __init__(self, flows, slack, packets_called=None):
        self.flows, self.slack, self.packets_called, self.by_key = flows, slack, packets_called, {}
        for flow in flows:
            self.by_key.setdefault(flow.key, []).append(flow)

    def _overlap(self, flow, row):
        return min(flow.last, row.last) - max(flow.first, row.first) + self.slack

    def overlapping(self, row):
        """The flows of the same sockets at the same time; the one that shares most time first."""
        flows = [flow for flow in self.by_key.get(row.key, ()) if self._overlap(flow, row) >= 0]
        return sorted(flows, key=lambda flow: (-self._overlap(flow, row), flow.first))

    def say(self, row):
        """None: the tool has no such flow."""
        flows = self.overlapping(row)
        return Said(flows[0].label, flows[0].families, None) if flows else None

    def called(self, protocol):
        return [flow for flow in self.flows if protocol in flow.families]

    def false(self, protocol, rows):
        """The flows called so that overlap no row of that protocol."""
        right = {}
        for row in rows:
            if family(row.label) == protocol:
                right.setdefault(row.key, []).append(row)
        return [flow for flow in self.called(protocol)
                if not any(self._overlap(flow, row) >= 0 for row in right.get(flow.key, ()))]


class PacketView:
    """A tool that labels packets: (key, ns, payload bytes, label, families). A flow is what most of its packets with
    payload are; without any, what most of its packets are."""

    def __init__(self, packets, slack):
        self.packets, self.slack, self.by_key = packets, slack, {}
        for packet in packets:
            self.by_key.setdefault(packet[0], []).append(packet)

    @staticmethod
    def _judge(packets):
        votes, parts = {}, {}
        for _, _, payload, label, families in [p for p in packets if p[2]] or packets:
            votes[label, families] = votes.get((label, families), 0) + 1
        for _, _, payload, _, families in packets:
            for name in families:
                n, size = parts.get(name, (0, 0))
                parts[name] = (n + 1, size + payload)
        label, families = max(sorted(votes, key=str), key=votes.get)
        return Said(label, families, parts)

    def say(self, row):
        packets = [p for p in self.by_key.get(row.key, ()) if row.first - self.slack <= p[1] <= row.last + self.slack]
        return self._judge(packets) if packets else None

    def called(self, protocol):
        flows = []
        for key, packets in self.by_key.items():
            said = self._judge(packets)
            if protocol in said.families:
                flows.append(Flow(key, packets[0][1], packets[-1][1], len(packets), 0, said.label, said.families))
        return flows


class Score:
    """Right, false and missed, each in flows, packets and payload bytes."""

    def __init__(self):
        self.right, self.wrong, self.missed = [0, 0, 0], [0, 0, 0], [0, 0, 0]

    @staticmethod
    def _add(to, flows, packets, payload):
        for i, n in enumerate((flows, packets, payload)):
            to[i] += n

    def add_row(self, row, is_it, called, part=None):
        """part: (packets, bytes) that were called so, of a tool that judges packets."""
        packets, payload = part if part is not None else (row.packets, row.payload) if called else (0, 0)
        packets, payload = min(packets, row.packets), min(payload, row.payload)
        self._add(self.right if is_it else self.wrong, int(called), packets, payload)
        if is_it:
            self._add(self.missed, int(not called), row.packets - packets, row.payload - payload)

    def precision(self, level):
        called = self.right[level] + self.wrong[level]
        return self.right[level] / called if called else None

    def recall(self, level):
        real = self.right[level] + self.missed[level]
        return self.right[level] / real if real else None

    def f1(self, level):
        p, r = self.precision(level), self.recall(level)
        if p is None or r is None:
            return r  # nothing called (recall 0), or nothing to find (None)
        return 2 * p * r / (p + r) if p + r else 0.0


def score_protocol(said, protocol, confidences):
    """said: [(row, Said or None)]. Is it the protocol or not; which of its labels does not matter."""
    score = Score()
    for row, says in said:
        if row.confidence in confidences:
            called = bool(says) and protocol in says.families
            part = says.parts.get(protocol, (0, 0)) if says and says.parts is not None else None
            score.add_row(row, family(row.label) == protocol, called, part)
    return score


def score_label(said, label, confidences):
    """The very label: another label of the same protocol is wrong."""
    score = Score()
    for row, says in said:
        if row.confidence in confidences:
            score.add_row(row, row.label == label, bool(says) and says.label == label)
    return score
