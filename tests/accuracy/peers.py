"""The tools: footsteps, and the ones beside it. Each gives what it says of a capture as a view (ground.py)."""
import csv
import functools
import ipaddress
import os
import re
import shutil
import subprocess
import tempfile

import tap
from ground import PROTOCOLS, Flow, FlowView, PacketView, flow_key

NUMBERS = {"1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
MICROSECONDS, MILLISECONDS = 2_000, 2_000_000  # what truth and tools round to, in ns, and a bit
SECONDS = 300
NO_PARTS = frozenset()

# What the tools call a protocol of ours, in small letters, where it is not our name for it alone.
NAMES = {"skype": ("skype", "skype_teams", "skypecall"), "bittorrent": ("bittorrent", "bt-dht", "bt-utp"),
         "stun": ("stun", "classic-stun")}


def footsteps(path, *options):
    """(view, client sockets)."""
    result, db = tap.read([path], "--no-hash", "--flows", "all", *options)
    # 2: no capture (some of the others are none), 3: cut. A crash must not pass for a capture without false alarms.
    if result.returncode not in (0, 2, 3):
        raise RuntimeError(f"footsteps read {path}: status {result.returncode}: {result.stderr}")
    flows = [Flow(flow_key(f["proto"], (f["client_ip"], f["client_port"]), (f["server_ip"], f["server_port"])),
                  f["first_ns"], f["last_ns"], f["packets"], f["payload_bytes"], f["label"],
                  frozenset((f["protocol"],)) if f["protocol"] else NO_PARTS)
             for f in tap.query(db, "SELECT l.*, f.protocol FROM flow_list l JOIN flows f USING (run, flow)")]
    clients = tap.query(db, "SELECT protocol, verdict, ip, port, bits FROM clients")
    if os.path.exists(db):
        os.unlink(db)
    return FlowView(flows, MICROSECONDS), clients


@functools.lru_cache(maxsize=None)
def ndpi_families(label):
    """A name is MASTER.APPLICATION. Either may be ours, but the lookup of a name in the DNS is DNS."""
    parts = label.lower().split(".")
    if parts[0] == "dns":
        return NO_PARTS
    return frozenset(p for p in PROTOCOLS if any(part in NAMES.get(p, (p,)) for part in parts))


def ndpi_address(text):
    """ndpiReader writes every ":0:" of an IPv6 address as "::", which may then be there twice; the first reading that
    is an address is taken."""
    pieces = text.split("::")
    for short in range(1, len(pieces)):
        candidate = ":0:".join(pieces[:short]) + "::" + ":0:".join(pieces[short:])
        try:
            return str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
    return text


def ndpi(path, *options):
    handle, table = tempfile.mkstemp(suffix=".csv", dir=tap.tmp())
    os.close(handle)
    # With less than -v 2 the table lacks the flows that it does not know, or has no others.
    subprocess.run(["ndpiReader", "-q", "-v", "2", *options, "-C", table, "-i", path], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
    flows = []
    with open(table, newline="", encoding="utf-8", errors="replace") as f:
        for r in csv.reader(f):
            if len(r) < 11 or r[0].startswith("#"):
                continue
            key = flow_key(NUMBERS.get(r[1], r[1]), (ndpi_address(r[5]), r[6]), (ndpi_address(r[7]), r[8]))
            first, last = (round(float(text) * 1e9) for text in r[2:4])
            flows.append(Flow(key, first, last, 0, 0, r[10], ndpi_families(r[10])))
    os.unlink(table)
    return FlowView(flows, MILLISECONDS)


@functools.lru_cache(maxsize=None)
def tshark_families(label):
    return frozenset(p for p in PROTOCOLS if label.lower() in NAMES.get(p, (p,)))


FIELDS = ("frame.time_epoch", "ip.proto", "ipv6.nxt", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport",
          "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.len", "udp.length", "_ws.col.Protocol")


def tshark_packet(line):
    """None: not IP. Of a packet in a packet (tunnels, ICMP errors), the outer one."""
    r = dict(zip(FIELDS, line.split("\t")))
    ends = (r["ip.src"], r["ip.dst"]) if r["ip.src"] else (r["ipv6.src"], r["ipv6.dst"])
    if not all(ends):
        return None
    number = r["ip.proto"] if r["ip.src"] else r["ipv6.nxt"]
    proto, ports, payload = NUMBERS.get(number, number), ("0", "0"), 0
    if proto == "tcp" and r["tcp.srcport"]:
        ports, payload = (r["tcp.srcport"], r["tcp.dstport"]), int(r["tcp.len"] or 0)
    elif proto == "udp" and r["udp.srcport"]:
        ports, payload = (r["udp.srcport"], r["udp.dstport"]), max(int(r["udp.length"] or 8) - 8, 0)
    seconds, _, fraction = r["frame.time_epoch"].partition(".")
    ns = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or 0)
    label = r["_ws.col.Protocol"]
    return flow_key(proto, *zip(ends, ports)), ns, payload, label, tshark_families(label)


def tshark(path, *options):
    command = ["tshark", "-n", *options, "-r", path, "-T", "fields", "-E", "occurrence=f"]
    for field in FIELDS:
        command += ["-e", field]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            timeout=SECONDS, check=False)
    lines = result.stdout.decode(errors="replace").splitlines()
    packets = [tshark_packet(line) for line in lines if line.count("\t") == len(FIELDS) - 1]
    return PacketView([p for p in packets if p], MICROSECONDS)


def footsteps_view(path, *options):
    return footsteps(path, *options)[0]


# Name in the tables, program, function, options.
TOOLS = (("footsteps", None, footsteps_view, ()),
         ("footsteps --no-ndpi", None, footsteps_view, ("--no-ndpi",)),
         ("ndpiReader", "ndpiReader", ndpi, ()),
         ("ndpiReader -d", "ndpiReader", ndpi, ("-d",)),
         ("tshark", "tshark", tshark, ()),
         ("tshark, skype_udp on", "tshark", tshark, ("--enable-heuristic", "skype_udp")))


def available():
    """The tools that are here, and sentences about those that are not."""
    here = [tool for tool in TOOLS if not tool[1] or shutil.which(tool[1])]
    lacking = sorted({tool[1] for tool in TOOLS} - {tool[1] for tool in here} - {None})
    if not tap.built_with("libndpi"):
        here = [tool for tool in here if tool[3] != ("--no-ndpi",)]
    return here, [f"{program} is not installed here and left out." for program in lacking]


def version(command, pattern):
    """What pattern finds in the program's output, or None."""
    if not shutil.which(command[0]):
        return None
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=SECONDS, check=False)
    found = re.search(pattern, result.stdout.decode(errors="replace"))
    return found and found.group(1)


def versions():
    own = [line.strip() for line in tap.run("--version").stdout.splitlines() if line.strip()]
    lines = [own[0], *(line for line in own if line.startswith("libndpi"))]
    for name, command, pattern in (("ndpiReader", ["ndpiReader", "-h"], r"nDPI ([\w.]+)"),
                                   ("tshark", ["tshark", "--version"], r"TShark \(Wireshark\) ([\d.]+)"),
                                   ("gnuplot", ["gnuplot", "--version"], r"gnuplot (.+)")):
        found = version(command, pattern)
        lines.append(f"{name} {found.strip()}" if found else f"{name}: not installed")
    return lines
