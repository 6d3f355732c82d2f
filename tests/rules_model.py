"""The abstract block rule, once more: what src/rules/rules.h says a rule set does with one packet, in Python, and packets
to try it on. A helper of the tests of `footsteps rules`; standard library only.

    rule = Rule.of(rows, "combined", internal=["10.0.0.0/8"], direction="out")   # rows: of `rules --list --json`
    rule.acts(packet, going)          # packet: IP, bytes; going: "out" or "in" of the interface, or None
    for packet in packets(rule, 4711, 3000): ...   # near the patterns, each with a number in it
"""
import ipaddress
import json
import random
import struct

TCP, UDP, ICMP, ICMP6, UDPLITE, NO_PROTOCOL = 6, 17, 1, 58, 136, 253  # RFC 3692: 253 is for experiments
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60  # RFC 8200 section 4.1


# --- the rule ---------------------------------------------------------------------------------------------------------

class Parts:
    """What a rule sees of a packet. `broken`: its lengths contradict each other, so that there is nothing to judge, or, when
    it is the transport that is broken, nothing but addresses."""

    def __init__(self, data):
        self.data = data
        self.broken = self.broken_transport = None
        self.version = self.protocol = self.source = self.destination = None
        self.extensions = []         # IPv6: the headers before the transport
        self.fragment = None         # its offset; None: no fragment
        self.ports = self.payload = None
        try:
            self.version = data[0] >> 4
            if self.version == 4:
                rest = self._read_v4(data)
            elif self.version == 6:
                rest = self._read_v6(data)
            else:
                self.broken = "version"
        except (IndexError, struct.error):
            self.broken = "cut"
        if self.broken or self.fragment or self.protocol not in (TCP, UDP):
            return
        try:
            self._read_transport(rest)
        except (IndexError, struct.error):
            self.broken_transport = "cut"

    def _read_v4(self, data):
        length, total, place = (data[0] & 15) * 4, *struct.unpack_from("!H2xH", data, 2)
        if length < 20 or total < length or total > len(data):
            self.broken = "IPv4 length"
            return None
        self.source, self.destination = (ipaddress.IPv4Address(data[at:at + 4]) for at in (12, 16))
        self.protocol = data[9]
        if place & 0x3FFF:
            self.fragment = (place & 0x1FFF) * 8
        return data[length:total]

    def _read_v6(self, data):
        total = 40 + struct.unpack_from("!H", data, 4)[0]
        if len(data) < 40 or total > len(data):
            self.broken = "IPv6 length"
            return None
        self.source, self.destination = (ipaddress.IPv6Address(data[at:at + 16]) for at in (8, 24))
        rest, header = data[40:total], data[6]
        while header in (HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION):
            self.extensions.append(header)
            if header == FRAGMENT:
                place = struct.unpack_from("!H", rest, 2)[0]
                if place & 0xFFF9:  # RFC 6946: the others are whole packets
                    self.fragment = place & 0xFFF8
                size = 8
            else:
                size = (rest[1] + 2) * 4 if header == AUTHENTICATION else (rest[1] + 1) * 8
            if size > len(rest):
                raise IndexError
            header, rest = rest[0], rest[size:]
            if self.fragment:
                break  # of a later fragment, only the name of what it is a part of is known
        self.protocol = header
        return rest

    def _read_transport(self, data):
        if self.protocol == TCP:
            length = (data[12] >> 4) * 4
            if length < 20 or length > len(data):
                self.broken_transport = "TCP length"
                return
            self.payload = data[length:]
        else:
            length = struct.unpack_from("!H", data, 4)[0]
            # More than there is: where the rest is in other fragments.
            if length < 8 or (length > len(data) and self.fragment is None):
                self.broken_transport = "UDP length"
                return
            self.payload = data[8:length]
        self.ports = struct.unpack_from("!HH", data)


def networks(texts):
    return [ipaddress.ip_network(text) for text in texts]


def within(address, nets):
    return any(address in net for net in nets)


def pattern_fits(pattern, parts):
    """pattern: a row of `rules --list --json`."""
    if parts.payload is None or parts.protocol != {"tcp": TCP, "udp": UDP}[pattern["proto"]]:
        return False
    if len(parts.payload) < pattern["shortest"] or (pattern["longest"] and len(parts.payload) > pattern["longest"]):
        return False
    for test in pattern["tests"]:
        value = bytes.fromhex(test["bytes"])
        if (parts.payload[test["offset"]:][:len(value)] == value) == bool(test["differs"]):
            return False
    return True


class Rule:
    """patterns: rows; endpoints: ("192.0.2.1", port or 0) each; kind: patterns, servers or clients."""

    def __init__(self, patterns=(), kind="patterns", endpoints=(), direction="both", interface=None, internal=(), never=()):
        self.patterns, self.kind, self.direction, self.interface = list(patterns), kind, direction, interface
        self.endpoints = {(ipaddress.ip_address(ip), port) for ip, port in endpoints}
        self.internal, self.never = networks(internal), networks(never)

    @classmethod
    def of(cls, rows, strategy, protocol="skype", **limits):
        """From what `rules --list --json` prints, or from a list of such dictionaries."""
        if isinstance(rows, str):
            rows = [json.loads(line) for line in rows.splitlines()]
        mine = [row for row in rows if row.get("protocol") == protocol]
        row, = (row for row in mine if row["row"] == "strategy" and row["strategy"] == strategy)
        patterns = [p for p in mine if p["row"] == "pattern" and p["pattern"] in (row["patterns"] or [])]
        return cls(patterns, row["kind"], **limits)

    def acts(self, packet, going=None):
        """Whether the packet (bytes or Parts) is acted upon. Broken ones are not."""
        parts = packet if isinstance(packet, Parts) else Parts(packet)
        if parts.broken or within(parts.source, self.never) or within(parts.destination, self.never):
            return False
        way = self._way(parts, going)
        if way is None or self.direction not in ("both", way if way else "both"):
            return False
        if self.kind == "patterns":
            return any(pattern_fits(pattern, parts) for pattern in self.patterns)
        if not way:
            return self._blocked(parts, 0) or self._blocked(parts, 1)
        to = (way == "out") == (self.kind == "servers")
        return self._blocked(parts, 1 if to else 0)

    def settled(self, packet):
        """Whether the rule set says what is to be done with it: not what the ports are of a transport that is broken."""
        parts = packet if isinstance(packet, Parts) else Parts(packet)
        return not (parts.broken_transport and any(port for _, port in self.endpoints))

    def _way(self, parts, going):
        """"out", "in", "" when all packets go every way, None when it goes none."""
        if not self.interface and not self.internal:
            return ""
        ways = {"out", "in"}
        if self.interface:
            ways &= {going}
        if self.internal:
            inside = within(parts.source, self.internal), within(parts.destination, self.internal)
            ways &= {(True, False): {"out"}, (False, True): {"in"}}.get(inside, set())
        return ways.pop() if ways else None

    def _blocked(self, parts, end):
        address = parts.destination if end else parts.source
        return (address, 0) in self.endpoints or \
            (parts.ports is not None and (address, parts.ports[end]) in self.endpoints)


# --- packets ----------------------------------------------------------------------------------------------------------

class Packet:
    """data: the IP packet; number: how it is found again (number_of()); going: through the router, "out" or "in";
    padding: what follows it in its Ethernet frame."""

    def __init__(self, data, number, going, how, padding=b""):
        self.data, self.number, self.going, self.how, self.padding = data, number, going, how, padding
        self.parts = Parts(data)

    def __repr__(self):
        return f"#{self.number} {self.going} ({self.how}) {self.data.hex()} padding {self.padding.hex() or '-'}"

    def frame(self, destination="02:00:00:00:00:02", source="02:00:00:00:00:01"):
        kind = b"\x08\x00" if self.parts.version == 4 else b"\x86\xdd"
        return bytes.fromhex((destination + source).replace(":", "")) + kind + self.data + self.padding


def number_of(data):
    """The number in a packet: IPv4 identification, or IPv6 flow label, and whose; None: it cannot be one of ours."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        return 4, struct.unpack_from("!H", data, 4)[0], data[9], data[12:20]
    if len(data) >= 40 and data[0] >> 4 == 6:
        return 6, struct.unpack_from("!I", data)[0] & 0xFFFFF, data[6], data[8:40]
    return None


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(segment, at, source, destination, protocol):
    pseudo = source + destination + struct.pack("!II", len(segment), protocol)
    value = checksum(pseudo + segment) or (0xFFFF if protocol == UDP else 0)
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def tcp(ports, payload, options=b"", seq=1, ack=1, flags=0x18, doff=None):
    doff = 5 + len(options) // 4 if doff is None else doff
    return struct.pack("!HHIIBBHHH", *ports, seq, ack, doff << 4, flags, 65535, 0, 0) + options + payload


def udp(ports, payload, length=None):
    return struct.pack("!HHHH", *ports, 8 + len(payload) if length is None else length, 0) + payload


def transport_sum(segment, protocol, source, destination):
    at = {TCP: 16, UDP: 6}.get(protocol)
    return with_checksum(segment, at, source, destination, protocol) if at else segment


def ipv4(number, source, destination, protocol, segment, options=b"", place=0x4000):
    source, destination = ipaddress.IPv4Address(source).packed, ipaddress.IPv4Address(destination).packed
    segment = transport_sum(segment, protocol, source, destination)
    length = 20 + len(options)
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | length // 4, 0, length + len(segment), number & 0xFFFF, place, 64, protocol, 0,
                       source, destination) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def ipv6(number, source, destination, protocol, segment, extensions=()):
    """extensions: (header, its bytes behind the first) each; the first byte names what follows."""
    source, destination = ipaddress.IPv6Address(source).packed, ipaddress.IPv6Address(destination).packed
    segment = transport_sum(segment, protocol, source, destination)
    names = [header for header, _ in extensions] + [protocol]
    chain = b"".join(bytes([after]) + rest for (_, rest), after in zip(extensions, names[1:]))
    return struct.pack("!IHBB", 6 << 28 | (number & 0xFFFFF), len(chain) + len(segment), names[0], 64) + source + \
        destination + chain + segment


def client_hello(chance, length):
    """A TLS record with a ClientHello, of so many bytes behind its first five (RFC 5246 section 7.4.1.2)."""
    body = b"\x03\x03" + chance.randbytes(32) + b"\x00" + struct.pack("!H", 4) + b"\x13\x01\xc0\x2f" + b"\x01\x00"
    extension = max(0, length - 4 - len(body) - 6)
    body += struct.pack("!HHH", extension + 4, 21, extension) + b"\0" * extension  # RFC 7685: padding
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(hello)) + hello


class Maker:
    """Random packets; the same for the same seed. inside, outside: pools of addresses, texts, of both versions."""

    INSIDE = ["10.1.2.3", "10.1.200.9", "10.3.0.1", "2001:db8:1::2", "2001:db8:1:ffff::9"]
    OUTSIDE = ["192.0.2.20", "198.51.100.7", "203.0.113.9", "2001:db8:2::7", "2001:db8:3::1:9"]

    def __init__(self, rule, seed, extra=()):
        """extra: more addresses to use, as those of never and of endpoints are."""
        self.chance, self.rule = random.Random(seed), rule
        self.endpoints = sorted(rule.endpoints, key=str)
        more = [str(ip) for ip, _ in self.endpoints] + list(extra)
        self.edges = [text for net in rule.never + rule.internal for text in edges_of(net)]
        self.all = [ipaddress.ip_address(a) for a in self.INSIDE + self.OUTSIDE + more * 3 + self.edges]
        self.ports = [port for _, port in self.endpoints if port] + [80, 443, 33033, 1024]
        self.patterns = rule.patterns or SOME_PATTERNS

    def packet(self, number):
        chance = self.chance
        version = chance.choice((4, 4, 6))
        ends = chance.sample([a for a in self.all if a.version == version], 2)
        if self.rule.internal and chance.random() < 0.5:  # across the border
            sides = [[a for a in self.all if a.version == version and within(a, self.rule.internal) == inside]
                     for inside in (True, False)]
            if all(sides):
                ends = [chance.choice(side) for side in chance.sample(sides, 2)]
        ports = [chance.choice(self.ports), chance.randrange(1024, 65536)]
        chance.shuffle(ports)
        if self.endpoints and chance.random() < 0.5:
            end = chance.randrange(2)
            ends[end], port = chance.choice([e for e in self.endpoints if e[0].version == version] or [(ends[end], 0)])
            ports[end] = port or ports[end]
        protocol, payload, how = self.payload()
        segment, more = self.segment(protocol, payload, ports)
        build = self._v4 if version == 4 else self._v6
        data, also = build(number, *ends, protocol, segment)
        return Packet(data, number, chance.choice(("out", "in")), " ".join([how, more, also]).strip(), self._padding(data))

    def _padding(self, data):
        least = max(0, 46 - len(data))
        if self.chance.random() < 0.1:
            least += self.chance.randrange(1, 30)
        # What only padding would make long enough, or fit.
        return self.chance.choice((bytes(least), self.chance.randbytes(least), (b"\x16\x03\x01\x00" * 20)[:least]))

    # payloads

    def fitting(self, pattern):
        chance, longest = self.chance, pattern["longest"] or pattern["shortest"] + chance_length(self.chance)
        data = bytearray(chance.randbytes(chance.choice((pattern["shortest"], longest,
                                                         chance.randint(pattern["shortest"], longest)))))
        for test in pattern["tests"]:
            value = bytes.fromhex(test["bytes"])
            if test["differs"]:
                value = bytes([chance.choice([b for b in range(256) if b != value[0]])])
            data[test["offset"]:test["offset"] + len(value)] = value
        return bytes(data)

    def payload(self):
        """(protocol, payload, what it is)"""
        chance = self.chance
        pattern = chance.choice(self.patterns)
        protocol = TCP if pattern["proto"] == "tcp" else UDP
        data = self.fitting(pattern)
        kind = chance.choice(("fits", "fits", "changed", "changed", "cut", "longer", "prefixed", "joined", "stream",
                              "hello", "random", "other"))
        if kind == "changed":
            last = max((t["offset"] + len(t["bytes"]) // 2 for t in pattern["tests"]), default=len(data))
            at = chance.randrange(min(last + 1, len(data)))
            data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1:]
        elif kind == "cut":
            data = data[:chance.randrange(min(len(data), pattern["shortest"] + 1) + 1)]
        elif kind == "longer":
            data += chance.choice((b"\0", b"\x16", data, chance.randbytes(chance.randrange(1, 60))))
        elif kind == "prefixed":
            data = chance.choice((b"\0", b"\x16", b"\x16\x03\x01\x00", chance.randbytes(4))) + data
        elif kind == "joined":
            data = b"".join(self.fitting(chance.choice(self.patterns)) for _ in range(chance.randint(2, 3)))
        elif kind == "stream":
            data = self._segment_of_stream()
        elif kind == "hello":
            data = client_hello(chance, chance.choice((47, 80, 196, 205, 255, 256, 316, 512, 700)))
            protocol, data = TCP, data[:chance.choice((len(data), len(data), len(data), 4, 5, 6, 11, 20))]
        elif kind == "random":
            data = chance.randbytes(chance.choice((0, 1, 3, 4, 5, 6, 11, 18, 37, 72, chance.randrange(200))))
        elif kind == "other":
            protocol = chance.choice((TCP, UDP, UDPLITE, NO_PROTOCOL))
        return protocol, data[:1200], f"{pattern['pattern']} {kind}"

    def _segment_of_stream(self):
        """A client's bytes, cut anywhere: one of the segments."""
        chance = self.chance
        stream = b"".join(chance.choice((self.fitting(chance.choice(self.patterns)), client_hello(chance, 196)))
                          for _ in range(3))
        cuts = sorted(chance.sample(range(1, len(stream)), min(4, len(stream) - 1)))
        cuts = [0, *cuts, len(stream)]
        if chance.random() < 0.5:  # a segment that is a record's header alone, or a little more or less
            cuts[1:1] = [chance.choice((4, 5, 6, 11, 15))]
            cuts.sort()
        begin = chance.randrange(len(cuts) - 1)
        return stream[cuts[begin]:cuts[begin + 1]]

    # headers

    def _some(self, length):
        """Bytes to fill an option with: often what a pattern looks for, which is not to be found there."""
        wanted = self.fitting(self.chance.choice(self.patterns))
        return (self.chance.choice((wanted, b"\x16\x03\x01\x00\x00", self.chance.randbytes(40))) * 40)[:length]

    def segment(self, protocol, payload, ports):
        chance = self.chance
        if protocol == TCP:
            room = chance.choice((0, 0, 12, chance.randrange(11) * 4, 40))
            options = b"" if not room else chance.choice((
                b"\x01" * room, bytes([0xFD, room]) + self._some(room - 2)))  # RFC 4727: for experiments
            flags = chance.choice((0x18, 0x18, 0x10, 0x02, 0x11, 0x38))
            doff = chance.choice((0, 0, 4, 15)) if chance.random() < 0.03 else None
            data = tcp(ports, payload, options, chance.getrandbits(32), chance.getrandbits(32), flags, doff)
            if doff == 0:  # the header itself would be payload: ports, sequence number, acknowledgement
                data = self.fitting(chance.choice(self.patterns))[:12].ljust(12, b"\0") + data[12:]
            return data, f"options {room}" + (f" doff {doff}" if doff is not None else "")
        length = None
        if protocol == UDP and chance.random() < 0.05:
            length = max(0, 8 + len(payload) + chance.choice((-20, -5, -1, 1, 5)))
        return udp(ports, payload, length), f"udp length {length}" if length is not None else ""

    def _v4(self, number, source, destination, protocol, segment):
        chance, place, also, room = self.chance, 0x4000, [], 0
        if chance.random() < 0.3:
            room = chance.randrange(1, 11) * 4
        options = b"" if not room else chance.choice((
            b"\x01" * room, bytes([0x9E, room]) + self._some(room - 2)))  # RFC 4727: for experiments
        if room:
            also.append(f"IP options {room}")
        if chance.random() < 0.06:
            place = chance.choice((0x2000, 0x0001, 0x2001, 0x0010, 0x00b9))
            also.append(f"fragment {place:04x}")
            if place == 0x2000 and chance.random() < 0.5:
                protocol_head = 8 if protocol == UDP else 20
                segment = segment[:max(8, protocol_head + chance.randrange(60))]
        return ipv4(number, source, destination, protocol, segment, options, place), " ".join(also)

    def _v6(self, number, source, destination, protocol, segment):
        chance, extensions, also = self.chance, [], []
        if chance.random() < 0.3:
            for header in chance.sample((DESTINATION, ROUTING, AUTHENTICATION, FRAGMENT), chance.randint(0, 2)):
                extensions.append((header, self._extension(header)))
            if not extensions or chance.random() < 0.3:
                extensions.insert(0, (HOP_BY_HOP, self._extension(HOP_BY_HOP)))
            also.append("headers " + ",".join(str(header) for header, _ in extensions))
        return ipv6(number, source, destination, protocol, segment, extensions), " ".join(also)

    def _extension(self, header):
        chance = self.chance
        if header == FRAGMENT:
            return b"\0" + struct.pack("!HI", chance.choice((0, 0, 1, 1, 8, 0x11, 0x0b8)), chance.getrandbits(32))
        units = chance.choice((1, 1, 2, 4))
        if header == AUTHENTICATION:  # RFC 4302: a length in words of four bytes, less two; at least a sequence number
            units += 1
            return bytes([units * 2 - 2]) + bytes(2) + self._some(units * 8 - 4)
        rest = units * 8 - 2
        if header == ROUTING:  # RFC 4727: type 253 is for experiments; nothing is left to visit
            return bytes([units - 1, 253, 0]) + self._some(rest - 2)
        return bytes([units - 1]) + bytes([0x1E, rest - 2]) + self._some(rest - 2)  # RFC 4727: skipped where unknown


def chance_length(chance):
    return chance.choice((0, 1, 5, 40, 300))


def edges_of(net):
    """Addresses at both sides of both ends of a network."""
    first, last = int(net.network_address), int(net.broadcast_address)
    return [str(type(net.network_address)(n)) for n in (first - 1, first, last, last + 1)]


# For rules without patterns, to have payload.
SOME_PATTERNS = [{"pattern": "some", "proto": proto, "shortest": 5, "longest": None, "tests": []} for proto in ("tcp", "udp")]


def packets(rule, seed, count, first=1, extra=()):
    """Numbers from `first` on; below 65536, for IPv4 has no more."""
    maker = Maker(rule, seed, extra)
    return [maker.packet(first + n) for n in range(count)]


def write_pcap(path, frames):
    """frames: bytes, Ethernet; a millisecond apart."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n, frame in enumerate(frames):
            f.write(struct.pack("<IIII", 1136073600 + n // 1000, n % 1000 * 1000, len(frame), len(frame)) + frame)
    return path


def frames_of(data):
    """Those of a pcap of this byte order, with microseconds."""
    frames, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def read_pcap(path):
    with open(path, "rb") as f:
        return frames_of(f.read())
