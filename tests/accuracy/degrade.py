"""Worse views of a capture: cut packets, lost packets, one direction. Files keep their format (pcap or pcapng)."""
import ipaddress
import random
import struct

SNAPLEN = 96
LOSS = 0.1
SEEDS = (1, 2, 3, 4, 5)

SECTION, INTERFACE, OLD_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 6  # block types of pcapng
VLANS = (0x8100, 0x88A8, 0x9100)
IPV4, IPV6, MPLS, PPPOE = 0x0800, 0x86DD, 0x8847, 0x8864
ETHERNET, NULL, CHDLC, SLL, SLL2, RAW = 1, 0, 104, 113, 276, (12, 14, 101, 228, 229)  # link types
INTERNAL = [ipaddress.ip_network(net) for net in  # as footsteps has it by default (D5)
            ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",
             "fc00::/7", "fe80::/10", "::1/128")]


def edited(data, edit):
    """The capture after edit(link type, frame), which gives what is left of each frame, or None for nothing."""
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return edited_pcapng(data, edit)
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">",
             b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if not order or len(data) < 24:
        return data  # no capture: left as it is
    link, out, at = struct.unpack_from(order + "I", data, 20)[0], [data[:24]], 24
    while at + 16 <= len(data):
        length, wire = struct.unpack_from(order + "II", data, at + 8)
        if at + 16 + length > len(data):
            break
        frame = edit(link, data[at + 16:at + 16 + length])
        if frame is not None:
            out += (data[at:at + 8], struct.pack(order + "II", len(frame), wire), frame)
        at += 16 + length
    return b"".join(out)


def edited_pcapng(data, edit):
    at, order, links, out = 0, "<", [], []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order, links = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">", []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            break
        block = data[at:at + length]
        if kind == INTERFACE:
            links.append(struct.unpack_from(order + "H", block, 8)[0])
        if kind in (PACKET, OLD_PACKET):
            # The block of old has 16 bits of interface and 16 of drops where today's has 32 of interface.
            interface = struct.unpack_from(order + ("I" if kind == PACKET else "H"), block, 8)[0]
            captured, wire = struct.unpack_from(order + "II", block, 20)
            frame = edit(links[interface] if interface < len(links) else None, block[28:28 + captured])
            block = b"" if frame is None else packet_block(order, kind, block, captured, frame, wire)
        out.append(block)
        at += length
    return b"".join(out)


def packet_block(order, kind, old, captured, frame, wire):
    body = (old[8:20] + struct.pack(order + "II", len(frame), wire) + frame + bytes(-len(frame) % 4) +
            old[28 + captured + -captured % 4:-4])
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def network_layer(link, frame):
    """(ethertype, offset) of what the frame carries, looking through VLAN, MPLS and PPPoE."""
    if link == ETHERNET and len(frame) >= 14:
        kind, at = int.from_bytes(frame[12:14], "big"), 14
    elif link == SLL and len(frame) >= 16:
        kind, at = int.from_bytes(frame[14:16], "big"), 16
    elif link == SLL2 and len(frame) >= 20:
        kind, at = int.from_bytes(frame[:2], "big"), 20
    elif link == CHDLC and len(frame) >= 4:
        kind, at = int.from_bytes(frame[2:4], "big"), 4
    else:
        at = 4 if link == NULL else 0 if link in RAW else len(frame)
        kind = {4: IPV4, 6: IPV6}.get(frame[at] >> 4) if at < len(frame) else None
    while kind in VLANS and at + 4 <= len(frame):
        kind, at = int.from_bytes(frame[at + 2:at + 4], "big"), at + 4
    if kind == MPLS:
        while at + 4 <= len(frame) and not frame[at + 2] & 1:
            at += 4
        at += 4
        kind = {4: IPV4, 6: IPV6}.get(frame[at] >> 4) if at < len(frame) else None
    elif kind == PPPOE and at + 8 <= len(frame):
        kind, at = {0x21: IPV4, 0x57: IPV6}.get(int.from_bytes(frame[at + 6:at + 8], "big")), at + 8
    return kind, at


def addresses(link, frame):
    """Source and destination, or None: not IP, or of a link type that is not looked into."""
    kind, at = network_layer(link, frame)
    if kind == IPV4 and at + 20 <= len(frame):
        return frame[at + 12:at + 16], frame[at + 16:at + 20]
    if kind == IPV6 and at + 40 <= len(frame):
        return frame[at + 8:at + 24], frame[at + 24:at + 40]
    return None


_internal = {}


def is_internal(address):
    if address not in _internal:
        ip = ipaddress.ip_address(address)
        _internal[address] = any(ip.version == net.version and ip in net for net in INTERNAL)
    return _internal[address]


def is_outgoing(source, destination):
    """From inside to outside. Where both or none are inside, one direction of each pair of hosts."""
    if is_internal(source) != is_internal(destination):
        return is_internal(source)
    return source < destination


def cut(data, _name):
    return edited(data, lambda link, frame: frame[:SNAPLEN])


def lossy(seed):
    def lose(data, name):
        rng = random.Random(f"{seed} {name}")
        return edited(data, lambda link, frame: frame if rng.random() >= LOSS else None)
    return lose


def one_way(outgoing):
    def keep(link, frame):
        ends = addresses(link, frame)
        return frame if not ends or is_outgoing(*ends) == outgoing else None
    return lambda data, _name: edited(data, keep)


# Key in figures.tsv, words, function of (the capture's bytes, its name).
WAYS = (("whole", "as it is", lambda data, _name: data),
        ("snaplen", f"packets cut to {SNAPLEN} bytes", cut),
        *((f"loss{seed}", f"{LOSS:.0%} of the packets lost, seed {seed}", lossy(seed)) for seed in SEEDS),
        ("outgoing", "only what leaves", one_way(True)),
        ("incoming", "only what enters", one_way(False)))
