#!/usr/bin/env python3
"""`read --anonymize`: the tables are those without it with every address replaced by its pseudonym, by a second
implementation of Crypto-PAn (cryptopan.py); and no output of any command holds an address of the capture, or the key.

Addresses are looked for as text everywhere, in stored files as packed bytes too where 16 bytes make chance hits impossible.
Pseudonyms are addresses as well, so the key of each capture is one for which none of them equals an address of the capture.
"""
import base64
import gzip
import hashlib
import ipaddress
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess

import cryptopan
import live_seen
import tap

V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
V6 = r"(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}"
TOKEN = re.compile(rf"(?<![\w.:-])(?:{V4}(?![\w]|[.-]\d)|{V6}(?![\w:]))", re.I)
# Values that are no addresses though they may look like one: versions, and what describes the capture and the program.
NO_ADDRESS = {("version_checks", "version"), ("clients", "version")}
NOT_COMPARED = {"runs", "inputs", "names", "patterns"}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10",
           "::1/128"]


def addresses_in(text):
    """All that stand in a text, as they stand there."""
    found = set()
    for match in TOKEN.finditer(text):
        try:
            ipaddress.ip_address(match.group())
        except ValueError:
            continue
        found.add(match.group())
    return found


def wire_addresses(path):
    """Of the IP headers of a classic little-endian pcap of Ethernet, raw IP or Linux cooked frames; of others none."""
    data = gzip.decompress(tap.content(path)) if path.endswith(".gz") else tap.content(path)
    if len(data) < 24 or struct.unpack_from("<I", data)[0] not in (0xA1B2C3D4, 0xA1B23C4D):
        return set()
    skip = {1: 14, 113: 16, 101: 0}.get(struct.unpack_from("<I", data, 20)[0])
    found = set()
    if skip is None:
        return found
    for record in tap.pcap_records(data):
        packet = record[16 + skip:]
        if skip == 14 and record[28:30] == b"\x81\x00":
            packet = packet[4:]
        if len(packet) >= 20 and packet[0] >> 4 == 4:
            found |= {str(ipaddress.ip_address(packet[i:i + 4])) for i in (12, 16)}
        if len(packet) >= 40 and packet[0] >> 4 == 6:
            found |= {str(ipaddress.ip_address(packet[i:i + 16])) for i in (8, 24)}
    return found


def tables(db):
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        result = {}
        for name in names:
            rows = connection.execute(f'SELECT * FROM "{name}"')
            result[name] = ([column[0] for column in rows.description], rows.fetchall())
        return result
    finally:
        connection.close()


def all_text(content):
    return "\n".join(str(value) for columns, rows in content.values() for row in rows for value in row
                     if isinstance(value, str))


def write_key(name, key, mode=0o600):
    path = tap.tmp(name)
    if os.path.exists(path):
        os.unlink(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "wb") as f:
        f.write(key)
    return path


def choose(addresses, seed):
    """A key for which no pseudonym is an address of the capture, and its pseudonyms. Where addresses lie so dense that there
    is hardly one (scans), the best of some, and the addresses that cannot be looked for."""
    best = None
    for n in range(20 if len(addresses) < 500 else 5):
        key = hashlib.sha256(f"{seed} {n}".encode()).digest()
        pan = cryptopan.Pseudonyms(key)
        pan.learn(addresses)
        both = {pan.known[text] for text in addresses} & addresses
        if best is None or len(both) < len(best[2]):
            best = key, pan, both
        if not both:
            break
    return best


def expected(plain, pan):
    """The tables with pseudonyms: as sorted rows."""
    def value(table, column, v):
        if not isinstance(v, str) or (table, column) in NO_ADDRESS:
            return v
        if (table, column) == ("version_checks", "host") and addresses_in(v):
            return "(withheld)"
        return TOKEN.sub(lambda m: pan.of(m.group()) if addresses_in(m.group()) else m.group(), v)
    return {table: sorted([tuple(value(table, c, v) for c, v in zip(columns, row)) for row in rows], key=repr)
            for table, (columns, rows) in plain.items() if table not in NOT_COMPARED}


def rows_of(content):
    return {table: sorted(rows, key=repr) for table, (columns, rows) in content.items() if table not in NOT_COMPARED}


def difference(got, wanted):
    for table in wanted:
        if got.get(table) != wanted[table]:
            a, b = set(map(repr, got.get(table, []))), set(map(repr, wanted[table]))
            return [f"table {table}: {len(a - b)} rows only with --anonymize, {len(b - a)} only expected",
                    *sorted(a - b)[:3], *sorted(b - a)[:3]]
    return []


def key_forms(key):
    forms = []
    for part in (key, key[:16], key[16:]):
        text = part.hex().encode()
        forms += [part, text, text.upper(), base64.b64encode(part).rstrip(b"=")]
    return forms


def packed_forms(addresses):
    """As the program keeps them in memory: IPv4 mapped to 16 bytes. 0.0.0.0 and :: mean nobody."""
    forms = {}
    for text in addresses:
        ip = ipaddress.ip_address(text)
        if int(ip):
            forms[b"\0" * 10 + b"\xff\xff" + ip.packed if ip.version == 4 else ip.packed] = text
    return forms


class Leaks:
    """What of the capture or the key is found in outputs."""

    def __init__(self, addresses, key):
        self.addresses = {text for text in addresses if int(ipaddress.ip_address(text))}
        # Bare hexadecimal, and as in names that providers give.
        self.other = {}
        for text in self.addresses:
            ip = ipaddress.ip_address(text)
            if ip.version == 4:
                self.other[ip.packed.hex()] = text
                self.other[text.replace(".", "-")] = text
            else:
                self.other[ip.exploded] = text
                self.other[ip.packed.hex()] = text
        self.key = key_forms(key)
        self.found = []

    def look_at_database(self, db, pseudonyms):
        """Its cells one by one, and its bytes: those have no boundaries between values, so an address that is a part of some
        pseudonym's text cannot be told there."""
        self.look("database", all_text(tables(db)))
        data = tap.content(db)
        for text in self.addresses:
            if text.encode() in data and not any(text in pseudonym for pseudonym in pseudonyms):
                self.found.append(f"bytes of the database: the address {text}")
        for form, leak in packed_forms(self.addresses).items():
            if form in data:
                self.found.append(f"bytes of the database: {leak}, packed")
        for form in self.key:
            if form in data:
                self.found.append("bytes of the database: bytes of the key")

    def look(self, name, data):
        if isinstance(data, str):
            data = data.encode()
        text = data.decode("latin-1")
        for leak in sorted(addresses_in(text) & self.addresses):
            self.found.append(f"{name}: the address {leak}")
        words = set(re.findall(r"(?<![\w.-])(?:[0-9a-f]{8}|[0-9a-f]{32}|\d+(?:-\d+){3}|[0-9a-f]{4}(?::[0-9a-f]{4}){7})"
                               r"(?![\w-])", text.lower()))
        for leak in sorted(words & set(self.other)):
            self.found.append(f"{name}: {leak}, which is {self.other[leak]}")
        for form in self.key:
            if form in data:
                self.found.append(f"{name}: bytes of the key")


TOPICS = ["", "clients", "logins", "contact-lists", "versions", "calls", "streams", "flows", "pairs", "peers", "labels", "inputs",
          "runs", "account", "setups", "startups", "searches", "supernodes", "round-trips", "series", "costs", "classes",
          "activity", "scenes", "names", "places"]


def look_at_shows(leaks, db):
    for topic in TOPICS:
        for form in ([], ["--all"], ["--json"], ["--csv"]):
            result = tap.run("show", *form, db, *([topic] if topic else []))
            leaks.look(f"show {topic} {form}", result.stdout + result.stderr)
    for row in tap.query(db, "SELECT ip, port FROM clients LIMIT 3"):
        socket = f"[{row['ip']}]:{row['port']}" if ":" in row["ip"] else f"{row['ip']}:{row['port']}"
        result = tap.run("show", db, "why", socket)
        leaks.look("show why", result.stdout + result.stderr)
    for row in tap.query(db, "SELECT flow FROM flows LIMIT 3"):
        result = tap.run("show", db, "why", str(row["flow"]))
        leaks.look("show why FLOW", result.stdout + result.stderr)


def look_at_views(leaks, db):
    page = tap.tmp("report")
    result = tap.run("report", "-q", "-o", page, db)
    leaks.look("report", result.stdout + result.stderr)
    files = 0
    for folder, _, names in os.walk(page):
        for name in names:
            leaks.look(f"report/{name}", tap.content(os.path.join(folder, name)))
            files += 1
    result = tap.run("chart", "--list", "--json", db)
    leaks.look("chart --list", result.stdout + result.stderr)
    drawing = tap.tmp("chart.svg")
    for row in tap.query(db, "SELECT kind, number FROM scenes LIMIT 4"):
        for form in (["--text"], ["--json"], ["-o", drawing]):
            result = tap.run("chart", f"--{row['kind']}", str(row["number"]), *form, db)
            leaks.look("chart", result.stdout + result.stderr)
        if os.path.exists(drawing):
            leaks.look("chart -o", tap.content(drawing))
            os.unlink(drawing)
    for strategy in ("addresses", "clients"):
        result = tap.run("rules", "--strategy", strategy, "--format", "nft", db)
        leaks.look(f"rules {strategy}", result.stdout + result.stderr)
    for form in ([], ["--json"]):
        result = tap.run("compare", "--all", *form, db, db)
        leaks.look("compare", result.stdout + result.stderr)
        result = tap.run("rules", "--try", *form, db)
        leaks.look("rules --try", result.stdout + result.stderr)
    return files


def one_capture(path, options=(), views=False):
    name = " ".join([os.path.basename(path), *options])
    _, plain_db = tap.read([path], "--flows", "all", *options)
    if not os.path.exists(plain_db):
        return name, None, [], 0, 0
    plain = tables(plain_db)
    addresses = {str(ipaddress.ip_address(text)) for text in addresses_in(all_text(plain))} | wire_addresses(path)
    # Versions look like addresses, and stay.
    for table, column in NO_ADDRESS:
        columns, rows = plain[table]
        addresses -= {row[columns.index(column)] for row in rows} - wire_addresses(path)
    key, pan, blind = choose(addresses, name)
    with_key = write_key(f"key-{hashlib.sha256(name.encode()).hexdigest()[:16]}", key.hex().encode() + b"\n")
    leaks = Leaks(addresses - blind, key)
    result, db = tap.read([path], "--flows", "all", "--self-check", "--anonymize", with_key, *options)
    leaks.look("stderr of read", result.stderr)
    leaks.look_at_database(db, pan.known.values())
    got = tables(db)
    different = difference(rows_of(got), expected(plain, pan))
    if tap.query(db, "SELECT * FROM names"):
        different.append("names from DNS answers are stored")
    nets = json.loads(got["runs"][1][0][got["runs"][0].index("options")])
    if nets["local-net"] != [pan.prefix(text) for text in PRIVATE] and not options:
        different.append(f"local networks in the manifest: {nets['local-net']}")
    if views:
        result = tap.run("read", "-q", "--json", "--flows", "all", "--anonymize", with_key, *options, path)
        leaks.look("read --json", result.stdout + result.stderr)
        look_at_shows(leaks, db)
        if look_at_views(leaks, db) == 0:
            leaks.found.append("the report has no files")
    os.unlink(plain_db)
    os.unlink(db)
    return (name, len(addresses - blind), different + leaks.found[:8], sum(len(rows) for columns, rows in got.values()),
            len(plain["names"][1]))


def judge(results, what):
    judged = [result for result in results if result[1]]
    rows = sum(result[3] for result in judged)
    names = sum(result[4] for result in judged)
    tap.ok(judged and not any(result[2] for result in judged),
           f"{what}: {len(judged)} captures, {sum(result[1] for result in judged)} addresses, {rows} rows, {names} names dropped",
           *[f"{result[0]}: {line}" for result in judged for line in result[2]])


# --- captures -----------------------------------------------------------------------------------------------------------


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_frame(source, destination, sport, dport, seq, ack, flags, payload=b""):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, ipaddress.ip_address(source).packed,
                     ipaddress.ip_address(destination).packed)
    return bytes.fromhex("0200000000020200000000010800") + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def dns_answer(name, address):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    question = labels + struct.pack("!HH", 1, 1)
    return (struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0) + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4)
            + ipaddress.ip_address(address).packed, struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question)


def payload_capture():
    """Addresses where no header is: the host of a version check, and a name that a DNS answer gives a server."""
    client, server, resolver = "10.20.30.40", "203.0.113.77", "198.51.100.53"
    request = (b"GET /ui/0/1.3.0.66/en/installed HTTP/1.1\r\nHost: 203.0.113.77.skype.com\r\nUser-Agent: Skype\r\n\r\n")
    answer, question = dns_answer("alice-laptop.campus.example", server)
    frames = [tap.udp_frame(client, 5353, resolver, 53, question), tap.udp_frame(resolver, 53, client, 5353, answer),
              tcp_frame(client, server, 4000, 80, 100, 0, 2), tcp_frame(server, client, 80, 4000, 500, 101, 0x12),
              tcp_frame(client, server, 4000, 80, 101, 501, 0x10),
              tcp_frame(client, server, 4000, 80, 101, 501, 0x18, request),
              tcp_frame(server, client, 80, 4000, 501, 101 + len(request), 0x18, b"HTTP/1.1 200 OK\r\n\r\n")]
    return tap.write(tap.tmp("payload.pcap"), tap.pcap_header()
                     + b"".join(tap.pcap_record(1e9 + i / 100, frame) for i, frame in enumerate(frames)))


def shipped():
    found = []
    for folder in ("traces", os.path.join("traces", "peer")):
        names = sorted(os.listdir(os.path.join(tap.TOP, folder)))
        found += [os.path.join(tap.TOP, folder, name) for name in names if name.endswith((".pcap", ".pcap.gz"))]
    return found


def recorded(most):
    top = tap.traces()
    found = []
    for folder, _, names in os.walk(top):
        found += [os.path.join(folder, name) for name in names if re.search(r"\.(pcap|cap|pcapng)$", name)]
    found = [path for path in sorted(found) if os.path.getsize(path) < 4 << 20]
    # Every n-th, so that all kinds are among them.
    return found[::max(1, len(found) // most)]


def has_addresses(path):
    return one_capture(path)


def with_views(path):
    return one_capture(path, views=True)


def test_captures():
    made = payload_capture()
    judge(tap.in_parallel(has_addresses, shipped()), "shipped captures: the tables, and no address or key in the database")
    if tap.traces():
        judge(tap.in_parallel(has_addresses, recorded(40)), "recorded captures: likewise")
    else:
        tap.missing("recorded captures: likewise")
    judge([with_views(made)], "addresses in payload: every output")
    for name in ("login.pcap", "voice.pcap"):
        judge([with_views(os.path.join(tap.TOP, "traces", name))], f"{name}: every output")
    if tap.traces("skype", "SkypeIRC.pcap"):
        judge([with_views(tap.traces("skype", "SkypeIRC.pcap"))], "recorded Skype: every output")
    else:
        tap.missing("recorded Skype: every output")


def test_payload():
    """What the test above holds must be there to be found: the same capture without --anonymize."""
    made = payload_capture()
    _, db = tap.read([made], "--flows", "all")
    rows = tap.query(db, "SELECT host, version FROM version_checks")
    tap.equal([tuple(row.values()) for row in rows], [("203.0.113.77.skype.com", "1.3.0.66")],
              "without --anonymize the host of a version check has an address in it")
    leaks = Leaks(wire_addresses(made), b"k" * 32)
    leaks.look_at_database(db, [])
    tap.ok(len({line for line in leaks.found if "bytes" in line}) == 3, "... and the search finds addresses in the database", *leaks.found)
    key = write_key("key-payload", bytes(range(32)))
    _, db = tap.read([made], "--flows", "all", "--anonymize", key)
    rows = tap.query(db, "SELECT host, version FROM version_checks")
    tap.equal([tuple(row.values()) for row in rows], [("(withheld)", "1.3.0.66")], "with it, the host is withheld")


def test_options():
    path = os.path.join(tap.TOP, "traces", "login.pcap")
    _, db = tap.read([path])
    client = tap.query(db, "SELECT ip, port FROM clients WHERE verdict = 'skype' LIMIT 1")[0]
    network = str(ipaddress.ip_network(client["ip"] + "/24", strict=False))
    socket = f"{client['ip']}:{client['port']}"
    wanted = ["--local-net", network, "--activity", socket, "--filter", f"host {client['ip']}"]
    judge([one_capture(path, wanted)], "--local-net, --activity and --filter with addresses")
    key = bytes(range(100, 132))
    pan = cryptopan.Pseudonyms(key)
    result, db = tap.read([path], *wanted, "--anonymize", write_key("key-options", key))
    options = json.loads(tap.query(db, "SELECT options FROM runs")[0]["options"])
    tap.equal((options["local-net"], options["activity"], options["filter"]),
              ([pan.prefix(network)], ["0", f"{pan.of(client['ip'])}:{client['port']}"], "(withheld)"),
              "the manifest has pseudonyms of networks and sockets, and no filter")
    tap.equal(options["private-net"], [pan.prefix(text) for text in PRIVATE], "... and those of the private networks")
    tap.ok(tap.query(db, "SELECT * FROM activity"), "the named socket has its activity", result.stderr)


def facts(db):
    """What is in the facts, unpacked; None: they are packed, and nothing here can unpack them."""
    unpacked = b""
    for row in tap.query(db, "SELECT bytes FROM facts"):
        begin = row["bytes"].find(b"\x28\xb5\x2f\xfd")  # RFC 8878 section 3.1.1
        if begin < 0:
            unpacked += row["bytes"]
        elif shutil.which("zstd"):
            unpacked += subprocess.run(["zstd", "-dcq"], input=row["bytes"][begin:], stdout=subprocess.PIPE).stdout
        else:
            return None
    return unpacked


def test_facts():
    """Facts are structs: addresses in them are bytes. Four bytes may be there by chance: 1 in 30,000 for each address and 100
    kB, with the same outcome in every run. But 10.0.0.1 is four small numbers, of which facts are full."""
    name = "facts hold no address and no key"
    path = tap.traces("skype", "SkypeIRC.pcap") or os.path.join(tap.TOP, "traces", "bittorrent.pcap")
    addresses = wire_addresses(path)
    key, pan, blind = choose(addresses, "facts")
    _, plain = tap.read([path], "--facts")
    _, db = tap.read([path], "--facts", "--anonymize", write_key("key-facts", key))
    contents = [facts(plain), facts(db)]
    if None in contents:
        tap.no_program(name, "zstd")
        return
    found = []
    for content in contents:
        packed = [ipaddress.ip_address(text).packed for text in addresses - blind]
        packed = [form for form in packed if len(form) > 4 or b"\0\0" not in form]
        found.append(sum(form in content for form in packed) + sum(form in content for form in key_forms(key)))
    tap.ok(len(contents[1]) > 1000 and found[0] > len(addresses) / 2 and found[1] == 0, name,
           f"{len(contents[1])} bytes; without --anonymize {found[0]} of {len(addresses)} addresses, with it {found[1]}")


def test_merge():
    """One key is one key whatever its files are called, and two are two; what means real addresses meets none."""
    path = os.path.join(tap.TOP, "traces", "login.pcap")
    key = bytes(range(100, 132))
    db = [tap.read([path], "--facts", "--anonymize", write_key(name, words))[1]
          for name, words in (("key-one", key), ("key-two", key), ("key-three", key[::-1]))]
    _, plain = tap.read([path], "--facts")
    same = tap.run("merge", "-o", tap.tmp("merged.db"), *db[:2])
    clients = [{row["ip"] for row in tap.query(name, "SELECT ip FROM clients")} for name in (tap.tmp("merged.db"), db[0])]
    tap.equal((same.returncode, clients[0]), (0, clients[1]), "merge: one key in two files", same.stderr)
    for others, name in ((db[2], "another key"), (plain, "real addresses")):
        result = tap.run("merge", "-o", tap.tmp("refused.db"), db[0], others)
        tap.ok(result.returncode == 2 and "the same key (--anonymize)" in result.stderr, f"merge: not with {name}", result.stderr)
    for option in (("--local-net", "10.0.0.0/8"), ("--activity", "10.0.0.2:37063"), ("--geo", "/nowhere")):
        result = tap.run("merge", "-o", tap.tmp("refused.db"), *option, db[0])
        tap.ok(result.returncode == 1 and "pseudonyms" in result.stderr, f"merge: {option[0]} means real addresses", result.stderr)


def test_live():
    """A run on a link, with everything that it says to anybody while it runs."""
    name = "live --anonymize: no output holds an address or the key"
    if live_seen.missing(name):
        return
    plain = live_seen.shipped("call-direct")
    # Names that tell addresses, of the login server and of the client itself.
    path = live_seen.named(plain, {"192.0.2.141": [b"192-0-2-141", b"example"], "198.51.100.20": [b"alice-laptop", b"campus"]})
    addresses = wire_addresses(path)
    key, pan, blind = choose(addresses, "live")
    web = tap.built_with("libmicrohttpd")
    # First without, so that it is known that the search finds what is there.
    for options in ((), ("--anonymize", write_key("key-live", key))):
        leaks = Leaks(addresses - blind, key)
        with live_seen.Link("anonymize") as link:
            seen = live_seen.Seen(link, "anonymized" if options else "real", "--flows", "all", "--local-net", "198.51.100.0/24", *options,
                                  http=web)
            link.replay(path, "--pps", "60")
            state = seen.settled(live_seen.packets_of(path))
            leaks.look("status", seen.ask("status"))
            leaks.look("counters", seen.ask("counters"))
            leaks.look("metrics socket", seen.ask("", live_seen.METRICS_SOCKET))
            leaks.look("top --once", seen.once())
            for page in ("", "state.json", "metrics", "report/", "report/index.html") if web else ():
                leaks.look("page " + page, live_seen.fetch(link, f"GET /{page} HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\n"
                                                                 "\r\n".encode()).partition(b"\r\n\r\n")[2])
            for word in ("rotate", "reload", "no such <word>"):
                leaks.look("answer", seen.ask(word))
            link.replay(path, "--pps", "400")
            seen.settled(2 * live_seen.packets_of(path))
            # Not while the report is being made of the file.
            seen.until(lambda state: state["storage"]["rotations"] > 0)
            ended = seen.end()
            leaks.look("messages", seen.said())
        databases = []
        for folder, _, files in os.walk(seen.directory):
            for file in files:
                if file.endswith(".db"):
                    databases.append(os.path.join(folder, file))
                    leaks.look_at_database(databases[-1], pan.known.values())
                elif not file.endswith(".sock"):
                    leaks.look(file, tap.content(os.path.join(folder, file)))
        if options:
            tap.ok(ended == 0 and len(databases) == 2 and state["totals"]["logins"] and not leaks.found, name, *leaks.found[:12], seen.said())
            tap.equal((sorted({client["socket"] for client in state["clients"] if client["verdict"] == "skype"}),
                       [login["server"] for login in state["logins"]]), wanted, "... but pseudonyms, in the places of the addresses")
            tap.equal([client["name"] for client in state["clients"]] + [login["server_name"] for login in state["logins"]],
                      [None] * (len(state["clients"]) + len(state["logins"])), "... and no name")
        else:
            found = {line.partition(":")[0].split(" of ")[0] for line in leaks.found}
            tap.ok(found >= {"status", "top --once", "bytes", "alerts.jsonl", "told.jsonl", *(["page state.json"] if web else [])},
                   "live without --anonymize: the search finds addresses in each output that has some", found)
            wanted = (sorted(f"{pan.of(client['socket'].rsplit(':')[0])}:{client['socket'].rsplit(':')[1]}" for client in state["clients"]
                             if client["verdict"] == "skype"),
                      [f"{pan.of(login['server'].rsplit(':')[0])}:{login['server'].rsplit(':')[1]}" for login in state["logins"]])


def test_keys():
    path = os.path.join(tap.TOP, "traces", "login.pcap")
    key = bytes(range(200, 232))
    raw, digits = write_key("key-raw", key), write_key("key-hex", key.hex().encode() + b"\n")
    other = write_key("key-other", key[::-1])
    found = [tables(tap.read([path], "--anonymize", name)[1]) for name in (raw, digits, other)]
    tap.ok(found[0]["clients"] == found[1]["clients"] != found[2]["clients"],
           "32 bytes and 64 digits are the same key, and another key gives others")

    def refused(name, words, *options):
        result, db = tap.read([path], *options)
        tap.ok(result.returncode == 1 and words in result.stderr and not os.path.exists(db), name, result.stderr)
        return result.stderr
    said = refused("a key that the group may read is refused, with how to mend it", "chmod 600",
                   "--anonymize", write_key("key-group", key, 0o640))
    said += refused("no such key", "No such file", "--anonymize", tap.tmp("key-none"))
    said += refused("a key that is too short", "64 hexadecimal digits", "--anonymize", write_key("key-short", key[:31]))
    said += refused("a key with a wrong digit", "64 hexadecimal digits", "--anonymize",
                    write_key("key-digit", key.hex().encode()[:-1] + b"g"))
    # A credential of systemd, read by an access control list: its mask stands where the group's rights do.
    credential = write_key("key-credential", key, 0o440)
    folder = {**os.environ, "CREDENTIALS_DIRECTORY": os.path.dirname(credential)}
    given = tap.run("read", "-q", "-o", tap.tmp("credential.db"), "--anonymize", credential, path, env=folder)
    tap.equal((given.returncode, tables(tap.tmp("credential.db"))["clients"]), (0, found[0]["clients"]),
              "a credential that the group's mask lets read is taken", given.stderr)
    os.chmod(credential, 0o444)
    given = tap.run("read", "-q", "-o", tap.tmp("credential.db"), "--anonymize", credential, path, env=folder)
    tap.ok(given.returncode == 1 and "chmod 600" in given.stderr, "... and none that everybody may", given.stderr)
    for option in ("--geo", "--asn"):
        refused(f"{option} does not go with it", f"does not go with {option}", option, "/nowhere", "--anonymize", raw)
    leaks = Leaks(set(), key)
    leaks.look("messages", said)
    tap.ok(not leaks.found and key[:4].hex() not in said, "no message holds any of a key", *leaks.found)


if not tap.run("read", "--help").stdout.count("--anonymize") or not tap.built_with("libcrypto"):
    tap.skip_all("built without libcrypto")
tap.require_programs("openssl")
test_payload()
test_live()
test_keys()
test_merge()
test_options()
test_facts()
test_captures()
tap.done()
