"""The pcap filter expression of `footsteps rules --format bpf`: tcpdump selects by it exactly the packets of captures upon
which the abstract rule (rules_model.py) acts, but for those that its head leaves out."""
import collections
import gzip
import json
import os
import random
import struct
import subprocess
import sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import TOP, done, equal, in_parallel, missing, note, ok, require_programs, run, tmp, traces, write
from rules_database import endpoint_database
from rules_model import FRAGMENT, TCP, UDP, Parts, Rule, ipv4, ipv6, packets, read_pcap, tcp, udp, write_pcap

SEED = int(os.environ.get("FOOTSTEPS_SEED") or 6)
ETHERNET, RAW = 1, 101  # link types of pcap
SHOWN = 4               # differences
INSIDE = ["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "fc00::/7", "fe80::/10", "2001:db8:1::/48"]
LIMITS = {
    "all": {},
    "never": {"never": ["10.1.2.0/31", "192.168.1.0/25", "203.0.113.0/28", "2001:db8:2::/64", "2001:db8:3::1:9/128"]},
    "inside": {"internal": INSIDE},
    "out": {"direction": "out", "internal": INSIDE},
    "in": {"direction": "in", "internal": INSIDE, "never": ["2001:db8:2::/47", "192.0.2.20"]},
}
FAMILY = {"IPv4": {"never": ["::/0"]}, "IPv6": {"never": ["0.0.0.0/0"]}}  # what is left
HELLO = bytes.fromhex("1603010000")


def options(limits):
    return [word for key, value in limits.items() for one in (value if isinstance(value, list) else [value])
            for word in (f"--{key}", one)]


def filter_of(strategy, limits, *databases, protocol="skype"):
    """A file with the expression, as it was printed."""
    result = run("rules", "--format", "bpf", "--protocol", protocol, "--strategy", strategy, *options(limits), *databases)
    if result.returncode != 0:
        return None, result.stderr
    return write(tmp("rule.bpf"), result.stdout.encode()), result.stdout


def tcpdump(*words):
    result = subprocess.run(["tcpdump", "-n", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False, timeout=300)
    return result.returncode, result.stderr.decode(errors="replace")


# --- captures ---------------------------------------------------------------------------------------------------------

class Capture:
    """A pcap with its packets: ip[n] is that in record n, or None where the filter does not look; origin[n] names it."""

    def __init__(self, path, name=""):
        self.path = path
        with open(path, "rb") as f:
            data = f.read()
        self.link = struct.unpack_from("<I", data, 20)[0] & 0xFFFF
        self.records, self.ip, self.origin, self.cut = [], [], [], 0
        at = 24
        while at + 16 <= len(data):
            length, wire = struct.unpack_from("<II", data, at + 8)
            self.records.append(data[at:at + 16 + length])
            self.ip.append(self._ip(data[at + 16:at + 16 + length]) if length == wire else None)
            self.origin.append(f"{name}, packet {len(self.records)}")
            self.cut += length < wire
            at += 16 + length

    def _ip(self, frame):
        if self.link == RAW:
            return Parts(frame)
        kind = {b"\x08\x00": 4, b"\x86\xdd": 6}.get(frame[12:14])
        parts = Parts(frame[14:]) if kind else None
        return parts if parts and parts.version == kind else None

    def known(self):
        """Whether it is one that we can judge."""
        return self.link in (ETHERNET, RAW) and not self.cut


def joined(captures, link):
    """All of them with this link type as one, for one run of tcpdump."""
    parts = [capture for capture in captures if capture.link == link]
    with open(parts[0].path, "rb") as f:
        head = f.read(24)
    whole = Capture(write(tmp(f"joined-{link}.pcap"), head))
    with open(whole.path, "ab") as f:
        for part in parts:
            f.writelines(part.records)
            for own, more in ((whole.records, part.records), (whole.ip, part.ip), (whole.origin, part.origin)):
                own.extend(more)
    return whole


def captured(path):
    """As a pcap of this byte order, with microseconds; None when tcpdump does not read it."""
    plain = path
    if path.endswith(".gz"):
        with gzip.open(path) as f:
            plain = write(tmp(os.path.basename(path)[:-3]), f.read())
    copy = tmp(path.replace("/", "-"))
    status, _ = tcpdump("-r", plain, "-w", copy)
    return Capture(copy, os.path.basename(path)) if status == 0 else None


def admitted(parts, kind):
    """What the head says that the filter does not see."""
    return bool(parts.extensions) or (kind == "patterns" and parts.protocol == UDP and parts.fragment is not None)


def selects(name, rule, path, captures):
    """The filter selects in all captures what the rule acts upon. Endpoints: by their addresses alone, the rest of a packet may
    be broken."""
    found, acted, seen = [], 0, 0
    for capture in captures:
        out = tmp("selected.pcap")
        status, said = tcpdump("-r", capture.path, "-F", path, "-w", out)
        if status != 0 and "rejects all packets" not in said:  # then none, which some rule sets mean
            return ok(False, name, said)
        selected = collections.Counter(Capture(out).records if status == 0 else [])
        for record, parts, origin in zip(capture.records, capture.ip, capture.origin):
            hit = selected[record] > 0
            selected[record] -= hit
            if parts and parts.broken and rule.kind != "patterns":
                continue
            acts = bool(parts) and rule.settled(parts) and rule.acts(parts)
            acted, seen = acted + acts, seen + 1
            if hit != acts and not (acts and admitted(parts, rule.kind)) and (not parts or rule.settled(parts)):
                found.append(f"{origin}: {'selected' if hit else 'not selected'}: {record[16:].hex()}")
    return ok(not found, f"{name}: {acted} of {seen} packets", f"{len(found)} differ; FOOTSTEPS_SEED={SEED}", *found[:SHOWN])


# --- by hand ----------------------------------------------------------------------------------------------------------

V4, V6 = ("10.0.0.1", "192.0.2.1"), ("2001:db8:1::1", "2001:db8:2::1")
PORTS = (1024, 80)


def by_hand():
    """(what, IP packet, whether "exact" selects it)"""
    hello = tcp(PORTS, HELLO)
    length = {"IPv4 says less": -1, "IPv4 says more": 1}
    yield "IPv4", ipv4(1, *V4, TCP, hello), True
    yield "IPv6", ipv6(2, *V6, TCP, hello), True
    yield "40 bytes of IP and of TCP options", ipv4(3, *V4, TCP, tcp(PORTS, HELLO, b"\x01" * 40), b"\x01" * 40), True
    yield "40 bytes of TCP options over IPv6", ipv6(4, *V6, TCP, tcp(PORTS, HELLO, b"\x01" * 40)), True
    yield "a sixth byte", ipv4(5, *V4, TCP, tcp(PORTS, HELLO + b"\0")), False
    yield "four bytes, the fifth in the padding", ipv4(6, *V4, TCP, tcp(PORTS, HELLO[:4])) + b"\0" * 6, False
    yield "five bytes and padding", ipv4(7, *V4, TCP, hello) + b"\0" * 6, True
    yield "five bytes and padding over IPv6", ipv6(8, *V6, TCP, hello) + b"\0" * 6, True
    yield "a first fragment", ipv4(9, *V4, TCP, hello, place=0x2000), True
    yield "a later fragment", ipv4(10, *V4, TCP, hello, place=0x2001), False
    yield "the last fragment", ipv4(11, *V4, TCP, hello, place=0x0001), False
    yield "UDP", ipv4(12, *V4, UDP, udp(PORTS, HELLO)), False
    # 16 bytes, and five behind them: what is a header of 20 and a byte.
    yield "a data offset of 4", ipv4(13, *V4, TCP, tcp(PORTS, b"\0", doff=4))[:-5] + HELLO, False
    yield "a data offset of 4 over IPv6", ipv6(13, *V6, TCP, tcp(PORTS, b"\0", doff=4))[:-5] + HELLO, False
    yield "a data offset behind the packet", ipv4(14, *V4, TCP, tcp(PORTS, HELLO, doff=15)), False
    yield "the bytes in TCP options", ipv4(15, *V4, TCP, tcp(PORTS, b"\0" * 5, b"\xfd\x08" + HELLO + b"\x01")), False
    for what, more in length.items():
        data = bytearray(ipv4(16, *V4, TCP, hello))
        data[2:4] = struct.pack("!H", len(data) + more)
        yield what, bytes(data) + b"\0", False
    yield "IPv4 without a header", b"\x44" + ipv4(17, *V4, TCP, hello)[1:], False
    yield "extension headers, which it does not follow", \
        ipv6(18, *V6, TCP, hello, [(60, b"\0\x01\x04\0\0\0\0")]), False
    yield "a later fragment over IPv6", ipv6(19, *V6, TCP, hello, [(FRAGMENT, b"\0" + struct.pack("!HI", 9, 1))]), False


def hand_made():
    path, text = filter_of("exact", {})
    for link, head in ((ETHERNET, lambda d: bytes(12) + (b"\x86\xdd" if d[0] >> 4 == 6 else b"\x08\x00") + d), (RAW, bytes)):
        cases = list(by_hand())
        capture = pcap(tmp("hand.pcap"), link, [head(data) for _, data, _ in cases])
        status, said = tcpdump("-r", capture, "-F", path, "-w", tmp("hand.out"))
        got = read_pcap(tmp("hand.out")) if status == 0 else []
        for what, data, fits in cases:
            if link == RAW and what == "IPv4 without a header":
                continue
            equal(head(data) in got, fits, f"by hand, link type {link}: {what}", said, text)
    # libpcap reads nothing where a packet was cut, and what needs no more than is there is still decided.
    path, text = filter_of("combined", {})
    more = ipv4(1, *V4, TCP, tcp(PORTS, HELLO + bytes.fromhex("16030100") + b"\x42\x01" + bytes(80)))
    block = ipv4(2, *V4, TCP, tcp(PORTS, bytes.fromhex("16030100cd42cdefe740d72f") + bytes(80)))
    for what, data, kept, fits in (("the whole", block, None, True), ("as much as is tested", block, 52, True),
                                   ("less", block, 51, False), ("a ClientHello", more, None, False)):
        capture = pcap(tmp("cut.pcap"), RAW, [data], kept)
        status, said = tcpdump("-r", capture, "-F", path, "-w", tmp("cut.out"))
        equal(status == 0 and len(read_pcap(tmp("cut.out"))), int(fits), f"a cut packet: {what}", said, text)


def pcap(path, link, frames, kept=None):
    with open(write_pcap(path, frames), "rb") as f:
        data = f.read()
    head, at, records = data[:20] + struct.pack("<I", link), 24, b""
    for frame in frames:
        stays = frame[:kept]
        records += data[at:at + 8] + struct.pack("<II", len(stays), len(frame)) + stays
        at += 16 + len(frame)
    return write(path, head + records)


# --- endpoints --------------------------------------------------------------------------------------------------------

def endpoints_in(captures, count, chance):
    """Addresses and sockets that are in the captures, of both families, and some that are not."""
    seen = collections.defaultdict(set)
    for capture in captures:
        for parts in capture.ip:
            if parts and not parts.broken and parts.ports:
                seen[parts.version].add((str(parts.source), parts.ports[0]))
    chosen = [("192.0.2.77", 4711), ("2001:db8:77::1", 4711)]
    for version in seen:
        chosen += chance.sample(sorted(seen[version]), min(count, len(seen[version])))
    return sorted({ip for ip, _ in chosen}), sorted((ip, port) for ip, port in set(chosen) if port)


def lists(captures, limits):
    servers, sockets = endpoints_in(captures, 12, random.Random(SEED))
    database = endpoint_database(servers, sockets)
    if not ok(database, "a database of endpoints"):
        return
    for strategy, chosen in (("addresses", [(ip, 0) for ip in servers]), ("clients", sockets)):
        for limit in limits:
            path, text = filter_of(strategy, LIMITS[limit], database)
            if ok(path, f"{strategy}, {limit}: there is a filter", text):
                rule = Rule(kind="servers" if strategy == "addresses" else "clients", endpoints=chosen, **LIMITS[limit])
                selects(f"{strategy}, {limit}", rule, path, captures)


def many():
    """As many endpoints as it takes, and one more."""
    sockets = [(f"2001:db8::{n:x}", 1024 + n) for n in range(501)]
    for count, status in ((500, 0), (501, 1)):
        database = endpoint_database(["192.0.2.1"], sockets[:count])
        result = run("rules", "--format", "bpf", "--strategy", "clients", database)
        equal(result.returncode, status, f"{count} endpoints", result.stderr)
        if status == 0:
            path = write(tmp("many.bpf"), result.stdout.encode())
            capture = pcap(tmp("many.pcap"), RAW, [ipv6(n, sockets[at][0], V6[1], UDP, udp((sockets[at][1] + off, 80), b""))
                                                   for n, (at, off) in enumerate(((0, 0), (499, 0), (500, 0), (499, 1)))])
            code, said = tcpdump("-r", capture, "-F", path, "-w", tmp("many.out"))
            equal(code == 0 and len(read_pcap(tmp("many.out"))), 2, "... which tcpdump takes", said)
        else:
            ok("nft" in result.stderr, "... and it says what does take them", result.stderr)


# --- the rest ---------------------------------------------------------------------------------------------------------

def refusals():
    for what, words, said in (("an interface", ["--interface", "eth0"], "-i"), ("reject", ["--action", "reject"], "nft"),
                              ("log", ["--action", "log"], "count")):
        result = run("rules", "--format", "bpf", "--strategy", "exact", *words)
        ok(result.returncode == 1 and said in result.stderr and not result.stdout, f"{what} is refused", result.stderr)
    texts = [run("rules", "--format", "bpf", "--strategy", "exact", "--action", action).stdout for action in ("drop", "count")]
    without = [[line for line in text.splitlines() if not line.startswith("#")] for text in texts]
    ok(without[0] and without[0] == without[1], "drop and count select the same", *texts)


def random_packets(rows, strategies):
    """Near the patterns, as Ethernet with padding and as raw IP."""
    for protocol, name in strategies:
        for limit, limits in LIMITS.items():
            rule = Rule.of(rows, name, protocol=protocol, **limits)
            made = packets(rule, f"{SEED} {name} {limit}", 1500, extra=["203.0.113.3", "10.1.2.1", "2001:db8:2::7"])
            path, text = filter_of(name, limits, protocol=protocol)
            if not ok(path, f"{protocol} {name}, {limit}: there is a filter", text):
                continue
            selects(f"random packets: {protocol} {name}, {limit}", rule, path, [
                Capture(pcap(tmp("random.eth"), ETHERNET, [packet.frame() for packet in made]), "Ethernet"),
                Capture(pcap(tmp("random.raw"), RAW, [packet.data for packet in made]), "raw IP")])


def recorded(rows, strategies):
    own = [os.path.join(folder, name) for folder, _, names in sorted(os.walk(os.path.join(TOP, "traces")))
           for name in sorted(names) if name.endswith((".pcap", ".pcapng", ".pcap.gz"))]
    others = [os.path.join(folder, name) for part in ("skype", "other-protocols") if traces(part)
              for folder, _, names in sorted(os.walk(traces(part))) for name in sorted(names)
              if name.endswith((".pcap", ".pcapng"))]
    if not others:
        missing("the filters on captures with ground truth")
    captures = [capture for capture in in_parallel(captured, own + others) if capture]
    judged = [capture for capture in captures if capture.known()]
    note(f"{len(judged)} captures, {sum(len(c.records) for c in judged)} packets; not judged: {len(captures) - len(judged)} of "
         "other links or with cut packets")
    judged = [joined(judged, link) for link in (ETHERNET, RAW) if any(capture.link == link for capture in judged)]
    for protocol, name in strategies:
        for limit in ("all", "out"):
            path, text = filter_of(name, LIMITS[limit], protocol=protocol)
            if ok(path, f"{protocol} {name}, {limit}: there is a filter", text):
                selects(f"captures: {protocol} {name}, {limit}", Rule.of(rows, name, protocol=protocol, **LIMITS[limit]), path,
                        judged)
    for limit, limits in FAMILY.items():
        path, text = filter_of("paper", limits)
        if ok(path, f"paper, {limit}: there is a filter", text):
            selects(f"captures: paper, {limit}", Rule.of(rows, "paper", **limits), path, judged)
    lists(judged, ("all", "never", "inside", "in"))


def main():
    require_programs("tcpdump")
    listed = run("rules", "--list", "--json")
    if not equal(listed.returncode, 0, "the strategies are listed", listed.stderr):
        done()
        return
    rows = listed.stdout
    strategies = [(row["protocol"], row["strategy"]) for row in map(json.loads, rows.splitlines())
                  if row["row"] == "strategy" and row["kind"] == "patterns"]
    hand_made()
    refusals()
    random_packets(rows, strategies)
    recorded(rows, strategies)
    many()
    done()


main()
