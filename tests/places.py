#!/usr/bin/env python3
"""Names and places: `read --geo --asn` over made captures and databases of the test's own (mmdb.py), the tables R9, R10, B8,
B15 and B16 of a report, names from DNS answers, and files that are none.

What is expected follows from the captures' addresses and the tables below, looked up here with the module ipaddress.
"""
import datetime
import ipaddress
import os
import shutil
import struct
import sys

import mmdb
import tap

LOGIN = os.path.join(tap.TOP, "traces", "login.pcap")
OVERLAY = os.path.join(tap.TOP, "traces", "bittorrent.pcap")
LONG = "é" * 60  # 120 bytes, more than are kept
GEO = {
    "192.0.2.0/26": mmdb.city("Europe", "DE", "Germany", "Berlin", 52.52, 13.4),
    "192.0.2.64/26": mmdb.city("Europe", "DE", "Germany", None, 51, 9),
    "192.0.2.128/25": mmdb.city("Europe", "IT", "Italy", "Turin", 45.0705, 7.6868),
    "198.51.100.0/25": mmdb.city("North America", "US", "United States", LONG, 40.7, -74),
    "203.0.113.0/26": mmdb.city("Asia"),
    # 203.0.113.64/26 is in nobody's file.
    "203.0.113.128/25": mmdb.city("Oceania", "AU", "Australia", "Sydney", -33.87, 151.21),
    "10.0.0.0/8": mmdb.city("Europe", "XX", "Nowhere"),  # internal addresses have no place, whatever a file says
    "2001:db8::/33": mmdb.city("Africa", "KE", "Kenya", "Nairobi", -1.29, 36.82),
}
ASN = {"192.0.2.0/24": mmdb.asn(64500, "Example Net"), "198.51.100.0/24": mmdb.asn(64501, "Another"),
       "2001:db8::/32": mmdb.asn(4200000000, "Six")}
DAY = 86400
SUPERNODE, SECOND = "192.0.2.150", "192.0.2.151"  # of traces/make_login.py; of the third day
FREE = "read again with --geo FILE.mmdb (free files: DB-IP Lite, GeoLite2)"


def found(networks, ip):
    """The data of an address by a table above; {} when it is in none."""
    for prefix, data in networks.items():
        network = ipaddress.ip_network(prefix)
        if network.version == ipaddress.ip_address(ip).version and ipaddress.ip_address(ip) in network:
            return data
    return {}


def place_of(ip):
    """The row of table places that an address must have."""
    geo, asn = found(GEO, ip), found(ASN, ip)
    country, where = geo.get("country", {}), geo.get("location", {})
    city = geo.get("city", {}).get("names", {}).get("en")
    return (ip, geo.get("continent", {}).get("names", {}).get("en"), country.get("iso_code"),
            country.get("names", {}).get("en"), city.encode()[:95].decode(errors="ignore") if city else None,
            where.get("latitude"), where.get("longitude"), asn.get("autonomous_system_number"),
            asn.get("autonomous_system_organization"))


def classes(db, protocol):
    """Class of each external address, from the flows alone: a probe peer's pair had one flow, one packet, one reply at most."""
    pairs = {}
    for f in tap.query(db, "SELECT f.*, c.ip AS cip, c.port AS cport FROM flows f JOIN clients c USING (run, client)"
                           " WHERE c.verdict = c.protocol AND f.proto = 'udp' AND f.protocol = ?", protocol):
        for near, far in (("client", "server"), ("server", "client")):
            if (f[near + "_ip"], f[near + "_port"]) == (f["cip"], f["cport"]):
                pairs.setdefault((f["client"], f[far + "_ip"], f[far + "_port"]), []).append(f)
    probe = {}
    for (_, ip, _), flows in pairs.items():
        single = len(flows) == 1 and flows[0]["packets_out"] == 1 and flows[0]["packets_in"] <= 1
        probe[ip] = probe.get(ip, True) and single
    return probe


def count_by(probe, key):
    """{key of the place: (probes, non-probes)}"""
    counts = {}
    for ip, is_probe in probe.items():
        of = counts.setdefault(key(place_of(ip)), [0, 0])
        of[0 if is_probe else 1] += 1
    return {place: tuple(of) for place, of in counts.items()}


def check_places(db, protocol, name):
    probe = classes(db, protocol)
    tap.ok(True in probe.values() and False in probe.values(), f"{name}: peers of both classes", probe)
    peers = {row["peer_ip"] for row in tap.query(
        db, "SELECT DISTINCT peer_ip FROM pair_classes p JOIN clients c USING (run, client)"
            " WHERE NOT peer_internal AND p.protocol = ? AND c.verdict = p.protocol", protocol)}
    tap.equal(set(probe), peers, f"{name}: the external addresses of peers")
    rows = [tuple(row.values())[1:] for row in tap.query(db, "SELECT * FROM places ORDER BY ip")]
    tap.ok({row[0] for row in rows} >= {ip for ip in peers if any(place_of(ip)[1:])}, f"{name}: every known peer has a place")
    wrong = [f"{row}, not {place_of(row[0])}" for row in rows if row != place_of(row[0])]
    tap.ok(not wrong and rows, f"{name}: places are those of the files", *wrong)
    got = {row["place"]: (row["probe"], row["non_probe"]) for row in
           tap.query(db, "SELECT * FROM R10 WHERE level = 'continent' AND protocol = ?", protocol)}
    tap.equal(got, count_by(probe, lambda place: place[1] or "UNKNOWN"), f"{name}: R10, continents and UNKNOWN")
    got = {(row["latitude"], row["longitude"]): (row["probe"], row["non_probe"])
           for row in tap.query(db, "SELECT * FROM R9 WHERE protocol = ?", protocol)}
    tap.equal(got, count_by(probe, lambda place: place[5:7]), f"{name}: R9, addresses by location")
    return probe


def check_levels(db, probe):
    """R10: countries of the first continent, cities of its first country."""
    def level(at, within_at, within):
        inside = {ip: is_probe for ip, is_probe in probe.items() if place_of(ip)[within_at] == within}
        return count_by(inside, lambda place: place[at] or "UNKNOWN")
    continents = level(1, 0, None) or count_by(probe, lambda place: place[1])
    continent = max((c for c in continents if c), key=lambda c: sum(continents[c]))
    countries = level(3, 1, continent)
    country = max((c for c in countries if c != "UNKNOWN"), key=lambda c: sum(countries[c]))
    for name, within, expected in (("country", continent, countries), ("city", country, level(4, 3, country))):
        rows = tap.query(db, "SELECT * FROM R10 WHERE level = ? ORDER BY rank", name)
        tap.equal({row["place"]: (row["probe"], row["non_probe"]) for row in rows}, expected, f"R10, {name} level")
        tap.equal({row["within"] for row in rows}, {within}, f"R10, {name} level is of {within}")
        sums = [row["probe"] + row["non_probe"] for row in rows if row["place"] != "UNKNOWN"]
        tap.equal(sums, sorted(sums, reverse=True), f"R10, {name} level: most first")


def to_ipv6(record):
    """A record with its IPv4 packet as IPv6, checksums left alone: 10.x becomes fd00::10.x (RFC 4193, internal)."""
    seconds, micros = struct.unpack_from("<II", record)
    frame = record[16:]
    length = struct.unpack_from("!H", frame, 16)[0]

    def wider(ip):
        if ip[0] == 10:
            return b"\xfd" + bytes(11) + ip
        # 203.x is outside of the prefix that has a place.
        return bytes.fromhex("20010db8") + bytes([0x80 if ip[0] == 203 else 0]) + bytes(7) + ip
    head = struct.pack("!IHBB", 0x60000000, length - 20, frame[23], 64) + wider(frame[26:30]) + wider(frame[30:34])
    frame = frame[:12] + b"\x86\xdd" + head + frame[34:14 + length]
    return struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame


def shifted(records, days, replace=None):
    """The same records some days later, with one address for another in the IP headers."""
    for record in records:
        seconds = struct.unpack_from("<I", record)[0] + days * DAY
        frame = record[16:]
        if replace:
            before, after = (ipaddress.ip_address(ip).packed for ip in replace)
            frame = frame[:26] + frame[26:34].replace(before, after) + frame[34:]
        yield struct.pack("<I", seconds) + record[4:16] + frame


def dns(number, name, answers, kind=1, flags=0x8180):
    """A response: answers are (type, data), for the name that was asked for; RFC 1035 section 4.1."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    message = struct.pack("!6H", number, flags, 1, len(answers), 0, 0) + labels + struct.pack("!HH", kind, 1)
    for answer, data in answers:
        message += b"\xc0\x0c" + struct.pack("!HHIH", answer, 1, 60, len(data)) + data
    return message


def names(records):
    """login.pcap with answers: which names its addresses get."""
    at = struct.unpack_from("<I", records[0])[0] - 10
    peer, other = (ipaddress.ip_address(ip).packed for ip in ("192.0.2.150", "203.0.113.141"))
    conversations = (  # name, answer, whether somebody had asked
        ("SN.Example.NET", dns(1, "SN.Example.NET", [(1, peer)]), True),
        ("planted.example", dns(2, "planted.example", [(1, peer)]), False),
        ("login.example.co.uk", dns(3, "login.example.co.uk", [(1, other)]), True),
        ("failed.example", dns(4, "failed.example", [(1, peer)], flags=0x8183), True),
        ("question.example", dns(5, "question.example", [(1, peer)], flags=0x0100), True),
        ("cut.example", dns(6, "cut.example", [(1, peer)])[:-1], True),
        ("elsewhere.example", dns(7, "elsewhere.example", [(1, b"\x08\x08\x08\x08")]), True),
    )
    made = []
    for i, (name, answer, asked) in enumerate(conversations):
        if asked:
            made.append(tap.pcap_record(at + i, tap.udp_frame("10.0.0.2", 42000 + i, "10.0.0.1", 53, dns(i, name, [], flags=0))))
        made.append(tap.pcap_record(at + i + 0.5, tap.udp_frame("10.0.0.1", 53, "10.0.0.2", 42000 + i, answer)))
    # The capture has one of its own (traces/make_login.py, version_check): here is its time.
    own = next(struct.unpack_from("<II", r) for r in records if r[50:52] == b"\0\x35" and b"\x02ui\x05skype" in r)
    own = own[0] * 10**9 + own[1] * 1000
    path = tap.write(tap.tmp("names.pcap"), tap.pcap_header() + b"".join(made + records))
    result, db = tap.read([path])
    tap.equal(result.returncode, 0, "names: read", result.stderr)
    tap.equal([tuple(row.values()) for row in tap.query(db, "SELECT ip, name, domain, first_ns FROM names ORDER BY ip")],
              [("192.0.2.150", "sn.example.net", "example.net", (at * 10 + 5) * 10**8),
               ("203.0.113.131", "ui.skype.com", "skype.com", own),
               ("203.0.113.141", "login.example.co.uk", "example.co.uk", (at * 10 + 25) * 10**8)],
              "names: of answers that somebody asked for, and of addresses that matter")
    row = tap.query(db, "SELECT names FROM B8")
    tap.equal([r["names"] for r in row], ["sn.example.net"], "names: B8")
    row = tap.query(db, "SELECT organisation, known_by, supernodes FROM B15_organisations")
    tap.equal([tuple(r.values()) for r in row], [("example.net", "DNS", 1)], "names: B15 by domain")


def days(records, options):
    """Four days: the supernode on the first two, another one on the third, both on the fifth."""
    later = [*shifted(records, 1), *shifted(records, 2, (SUPERNODE, SECOND))]
    last = sorted([*shifted(records, 4), *(r for r in shifted(records, 4, (SUPERNODE, SECOND)) if SECOND_BYTES in r[42:50])],
                  key=lambda r: struct.unpack_from("<II", r))
    path = tap.write(tap.tmp("days.pcap"), tap.pcap_header() + b"".join([*records, *later, *last]))
    result, db = tap.read([path], *options)
    tap.equal(result.returncode, 0, "days: read", result.stderr)
    day = datetime.date(2006, 8, 25)
    rows = tap.query(db, "SELECT date(day_ns / 1000000000, 'unixepoch') AS day, supernodes, cumulative, common FROM B15")
    tap.equal([tuple(row.values()) for row in rows],
              [(str(day), 1, 1, None), (str(day + datetime.timedelta(1)), 1, 1, 1), (str(day + datetime.timedelta(2)), 1, 2, 0),
               (str(day + datetime.timedelta(4)), 2, 2, None)],
              "days: B15, supernodes, cumulative, common with the day before")
    rows = tap.query(db, "SELECT ip, connections, contacted_as, country FROM B8 ORDER BY ip")
    tap.equal([tuple(row.values()) for row in rows], [(SUPERNODE, 3, "bootstrap", "Italy"), (SECOND, 2, "other", "Italy")],
              "days: B8, connections, and which was the first")
    rows = tap.query(db, "SELECT country, supernodes, connections FROM B15_countries")
    tap.equal([tuple(row.values()) for row in rows], [("Italy", 2, 5)], "days: B15 by country")
    rows = tap.query(db, "SELECT organisation, known_by, supernodes, connections FROM B15_organisations")
    tap.equal([tuple(row.values()) for row in rows], [("Example Net", "ASN file", 2, 5)], "days: B15 by organisation")
    rows = tap.query(db, "SELECT latitude, longitude, supernodes, connections FROM B16")
    tap.equal([tuple(row.values()) for row in rows], [(45.0705, 7.6868, 2, 5)], "days: B16")
    return db


SECOND_BYTES = ipaddress.ip_address(SECOND).packed


def report(db, name, says, not_says=()):
    target = tap.tmp(name)
    result = tap.run("report", db, "-o", target)
    page = tap.content(os.path.join(target, "index.html")).decode() if result.returncode in (0, 3) else ""
    for figure in ("R9", "B16"):
        svg = os.path.join(target, f"{figure}.svg")
        bare = any("No place" in text for text in says)
        if not shutil.which("gnuplot"):
            tap.skip(f"report {name}: {figure}", "gnuplot is not installed")
        elif bare:
            tap.ok(not os.path.exists(svg), f"report {name}: {figure} is words instead of an empty map")
        else:
            tap.ok(tap.content(svg).decode().count("<path") > 10, f"report {name}: {figure} is drawn with its coasts")
    for text in says:
        tap.ok(text in page, f"report {name}: '{text}'", result.stderr)
    for text in not_says:
        tap.ok(text not in page, f"report {name}: not '{text}'")
    return target


def wrong_files(geo, asn):
    """Every file that is none stops the run before a packet is read, with status 2, the option, the file and what to do."""
    cut = tap.write(tap.tmp("cut.mmdb"), tap.content(geo)[:-40])
    text = tap.write(tap.tmp("text.mmdb"), b"192.0.2.0/24,Germany\n" * 100)
    empty = tap.write(tap.tmp("empty.mmdb"), b"")
    for option, path, why in (("--geo", cut, "no MaxMind database"), ("--geo", text, "no MaxMind database"),
                              ("--asn", text, "no MaxMind database"), ("--geo", empty, "no MaxMind database"),
                              ("--geo", tap.tmp("absent.mmdb"), "No such file"), ("--geo", asn, "of type 'Made-ASN'"),
                              ("--asn", geo, "of type 'Made-City'")):
        result, db = tap.read([LOGIN], option, path)
        tap.ok(result.returncode == 2 and why in result.stderr and option in result.stderr and path in result.stderr
               and "it must be a database of" in result.stderr and not os.path.exists(db),
               f"wrong file: {option} {os.path.basename(path)}", result.returncode, result.stderr)
    # A whole file whose data is damaged: its metadata is in order.
    data = tap.content(geo)
    at = data.index(b"continent")
    broken = tap.write(tap.tmp("broken.mmdb"), data[:at - 2] + b"\xff" * 40 + data[at + 38:])
    result, db = tap.read([LOGIN], "--geo", broken)
    tap.ok(result.returncode == 3 and os.path.exists(db) and "file of --geo or --asn is damaged" in result.stderr,
           "damaged data: the run goes on, and it is said", result.returncode, result.stderr)


def main():
    records = tap.pcap_records(tap.content(LOGIN))
    names(records)
    if not tap.built_with("libmaxminddb"):
        result, db = tap.read([LOGIN], "--geo", "x.mmdb")
        tap.ok(result.returncode == 1 and "built without libmaxminddb" in result.stderr, "without the library", result.stderr)
        tap.skip("places", "footsteps was built without libmaxminddb")
        tap.done()
        return
    geo = tap.write(tap.tmp("geo.mmdb"), mmdb.database("Made-City", GEO))
    asn = tap.write(tap.tmp("asn.mmdb"), mmdb.database("Made-ASN", ASN))
    options = ("--geo", geo, "--asn", asn)
    result, db = tap.read([LOGIN], *options)
    tap.equal(result.returncode, 0, "IPv4: read", result.stderr)
    check_levels(db, check_places(db, "skype", "IPv4"))
    tap.equal([tuple(row.values()) for row in tap.query(db, "SELECT option, file, type, built_ns FROM place_files")],
              [("asn", asn, "Made-ASN", mmdb.BUILT * 10**9), ("geo", geo, "Made-City", mmdb.BUILT * 10**9)],
              "the manifest names both files")
    servers = ("203.0.113.141", "203.0.113.142", "203.0.113.131")
    rows = tap.query(db, "SELECT city FROM places WHERE ip IN (?, ?, ?)", *servers)
    tap.equal([row["city"] for row in rows], ["Sydney"] * 3, "login, list and version servers have places")
    tap.equal(tap.query(db, "SELECT * FROM places WHERE ip LIKE '10.%'"), [], "internal addresses have none")
    report(db, "known", ("Places are those of Made-City, built 2023-11-14; the trace is of 2006",), (FREE,))

    six = tap.write(tap.tmp("six.pcap"), tap.pcap_header()
                    + b"".join(map(to_ipv6, tap.pcap_records(tap.content(OVERLAY)))))
    result, db6 = tap.read([six], *options)
    tap.equal(result.returncode, 0, "IPv6: read", result.stderr)
    check_places(db6, "bittorrent", "IPv6")
    days(records, options)

    result, bare = tap.read([LOGIN])
    tap.equal(tap.query(bare, "SELECT * FROM places"), [], "without files: no places")
    rows = tap.query(bare, "SELECT level, place FROM R10")
    tap.equal([tuple(row.values()) for row in rows], [("continent", "UNKNOWN")], "without files: R10 has UNKNOWN")
    report(bare, "unknown", (FREE, "No place of a peer is known", "No place of a supernode is known"))
    wrong_files(geo, asn)
    tap.done()


sys.exit(main())
