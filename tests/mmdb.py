"""Writes small MaxMind databases, by the specification of the MaxMind DB file format 2.0 (maxmind.github.io/MaxMind-DB).
Standard library only; shares nothing with libmaxminddb, which reads them."""
import ipaddress
import struct

STRING, DOUBLE, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 3, 5, 6, 7, 9, 11
MARKER = b"\xab\xcd\xefMaxMind.com"
BUILT = 1700000000  # 2023-11-14T22:13:20Z


class Uint16(int):
    pass


class Uint64(int):
    pass


def control(kind, size):
    """Section "Data field format": the type in three bits, or in a byte of its own; the size in five bits and more."""
    extended = b"" if kind < 8 else bytes([kind - 7])
    first = kind << 5 if kind < 8 else 0
    if size < 29:
        return bytes([first | size]) + extended
    if size < 29 + 256:
        return bytes([first | 29]) + extended + bytes([size - 29])
    return bytes([first | 30]) + extended + struct.pack(">H", size - 285)


def number(kind, value):
    """Without leading zeros."""
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(digits)) + digits


def encoded(value):
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encoded(key) + encoded(item) for key, item in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        text = value.encode()
        return control(STRING, len(text)) + text
    if isinstance(value, float):
        return control(DOUBLE, 8) + struct.pack(">d", value)
    kind = UINT16 if isinstance(value, Uint16) else UINT64 if isinstance(value, Uint64) else UINT32
    return number(kind, value)


def database(kind, networks):
    """networks: {prefix: data}, no prefix within another. IPv4 is below ::/96, as in every database of both versions."""
    nodes = [[None, None]]  # None: empty; int: node; bytes: data
    for prefix, data in networks.items():
        network = ipaddress.ip_network(prefix)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = [int(network.network_address) >> (127 - i) & 1 for i in range(length)]
        at = 0
        for bit in bits[:-1]:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        nodes[at][bits[-1]] = encoded(data)
    tree, section = b"", b""
    for node in nodes:
        for record in node:
            if record is None:
                record = len(nodes)
            elif isinstance(record, bytes):
                section, record = section + record, len(nodes) + 16 + len(section)
            tree += struct.pack(">I", record)
    metadata = {"node_count": len(nodes), "record_size": Uint16(32), "ip_version": Uint16(6), "database_type": kind,
                "languages": ["en"], "binary_format_major_version": Uint16(2), "binary_format_minor_version": Uint16(0),
                "build_epoch": Uint64(BUILT), "description": {"en": "made by a test of footsteps"}}
    return tree + bytes(16) + section + MARKER + encoded(metadata)


def city(continent=None, code=None, country=None, name=None, latitude=None, longitude=None):
    """A record as in GeoLite2-City and DB-IP City Lite; what is None is left out."""
    data = {}
    if continent:
        data["continent"] = {"code": continent[:2].upper(), "names": {"de": "?", "en": continent}}
    if country:
        data["country"] = {"iso_code": code, "names": {"en": country}}
    if name:
        data["city"] = {"names": {"en": name}}
    if latitude is not None:
        data["location"] = {"latitude": float(latitude), "longitude": float(longitude), "accuracy_radius": Uint16(100)}
    return data


def asn(as_number, organisation):
    return {"autonomous_system_number": as_number, "autonomous_system_organization": organisation}
