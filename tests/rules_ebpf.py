"""The tc classifier of `footsteps rules --format ebpf`: it compiles without warnings and loads, twice, for every strategy
and option; what it does in a kernel with packets made by hand, of tags, headers and lengths that a router would not
forward; its counters; and that nothing is left. As root. Random packets are for rules_kernel.py."""
import collections
import errno
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import PATIENCE, done, equal, in_parallel, no_program, note, ok, require_programs, run, skip, skip_all, tmp, write
from rules_database import endpoint_database
from rules_model import (AUTHENTICATION, DESTINATION, FRAGMENT, HOP_BY_HOP, NO_PROTOCOL, ROUTING, TCP, UDP, ipv4, ipv6,
                         number_of, tcp, udp)
from rules_path import LEFT, RIGHT, Router, Unavailable, command, generated, head_commands, left_in, load, one_cpu, socket_in, unload, unwanted

INSIDE = ["10.1.0.0/16", "192.0.2.1", "2001:db8:1::/48", "2001:db8:3::1:0/112"]
NEVER = [["203.0.113.0/28", "2001:db8:2::7"], ["0.0.0.0/0"], ["::/0"]]
CLIENTS = [("10.1.2.3", 1024), ("10.1.2.3", 1025), ("203.0.113.9", 33033), ("2001:db8:1::2", 1024), ("2001:db8:1::3", 5),
           ("2001:db8:1::3", 6), ("2001:db8:4::3", 6)]
MOST = 2000      # endpoints that it takes
MTU = 9000       # a frame of more than a page is not in one piece


# --- rule sets --------------------------------------------------------------------------------------------------------

def database_of(sockets):
    return endpoint_database([ip for ip, _ in sockets], sockets)


def limits():
    for n, way in enumerate(("both", "out", "in")):
        for interface in ({}, {"interface": RIGHT}):
            for internal in ({}, {"internal": INSIDE}):
                if way == "both" or interface or internal:
                    yield {"direction": way, **interface, **internal, **({"never": NEVER[n]} if internal or n else {})}


def compiled(text):
    """What the compiler says to the source, with all warnings and as the head calls it: '' when it is content."""
    line, = (line for line in head_commands(text, "To load it") if line.startswith("clang "))
    handle = tmp(f"compile-{abs(hash(text))}")
    write(handle, text.encode())
    result = subprocess.run(["sh", "-c", line.replace("FILE", handle) + " -Wall -Wextra -Wno-unused-parameter -Werror"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return result.stdout.decode(errors="replace").strip() or ("" if result.returncode == 0 else "it fails")


def all_of_them(router, strategies, database):
    """Every strategy, direction and list."""
    made = [(f"{protocol} {name}, {limit}",
             generated("ebpf", name, {"protocol": protocol, **limit}, [database] if lists else []))
            for protocol, name, lists in strategies for limit in limits()]
    if not equal([(name, why) for name, (text, why) in made if not text], [], f"there are {len(made)} rule sets"):
        return
    said = in_parallel(compiled, [text for _, (text, _) in made])
    equal([words for words in said if words], [], "all of them compile without warnings")
    wrong = []
    for name, (text, _) in made:
        try:
            load(router, text)
            before = filters(router)
            load(router, text)
            if len(filters(router)) != len(before) or not before:
                wrong.append((name, before, filters(router)))
            unload(router, text)
        except RuntimeError as problem:
            wrong.append((name, problem))
        if left_in(router):
            wrong.append((name, left_in(router)))
            break
    equal(wrong, [], "all of them load; once more is no more; nothing is left when they are removed")


def filters(router):
    return [line for way in ("ingress", "egress") for line in
            router.run("tc", "filter", "show", "dev", RIGHT, way).text.splitlines() if " handle " in line]


def as_many_as_it_takes(router):
    """Of the kind that takes most instructions: addresses that differ in all parts, with ports."""
    sockets = [(f"2001:db8:{n * 7919 % 65521:x}:{n:x}:{n * 31 % 65521:x}::{n + 1:x}", 1024 + n) for n in range(MOST + 1)]
    text, why = generated("ebpf", "clients", {"internal": INSIDE}, [database_of(sockets[:MOST])])
    if ok(text, f"{MOST} sockets are taken", why):
        try:
            load(router, text)
            unload(router, text)
            ok(True, "... by clang and the kernel")
        except RuntimeError as problem:
            ok(False, "... by clang and the kernel", problem)
    text, why = generated("ebpf", "clients", {}, [database_of(sockets)])
    ok(text is None and "nft" in why, "one more is refused, and it says what does take it", why)


def refusals():
    for what, words, said in (("reject", ["--action", "reject"], "nft"), ("log", ["--action", "log"], "count")):
        result = run("rules", "--format", "ebpf", "--strategy", "exact", *words)
        ok(result.returncode == 1 and said in result.stderr and not result.stdout, f"{what} is refused", result.stderr)
    heads = [run("rules", "--format", "ebpf", *words).stdout.split("Made by:")[0] for words in ((), ("--internal", "10.0.0.0/8"))]
    equal(["(NAT)" in head for head in heads], [False, True], "the head tells who asks for inner addresses where there are any")


# --- packets by hand --------------------------------------------------------------------------------------------------

V4, V6 = ("10.1.2.3", "192.0.2.20"), ("2001:db8:1::2", "2001:db8:2::9")
PORTS = (1024, 80)
HELLO = bytes.fromhex("1603010000")
MORE = HELLO + bytes.fromhex("16030100cd41")
PROBE = bytes.fromhex("1234021122334455")
TAG, SERVICE_TAG = b"\x81\x00\x00\x05", b"\x88\xa8\x00\x06"  # IEEE 802.1Q, 802.1ad


def option(size):
    return b"\0" + bytes([1, size - 2]) + bytes(size - 2)  # RFC 8200 section 4.2: PadN


def set_length(data, more):
    at = 2 if data[0] >> 4 == 4 else 4
    length = struct.unpack_from("!H", data, at)[0] + more
    return data[:at] + struct.pack("!H", length) + data[at + 2:]


def probe(size):
    return PROBE + bytes(size - len(PROBE))


def v4_packets(n):
    """(what, packet, the pattern that it fits or None); n gives each its number."""
    hello = tcp(PORTS, HELLO)
    yield "the hello", ipv4(n(), *V4, TCP, hello), "hello"
    yield "all the options there can be", ipv4(n(), *V4, TCP, tcp(PORTS, HELLO, b"\x01" * 40), b"\x01" * 40), "hello"
    yield "a sixth byte", ipv4(n(), *V4, TCP, tcp(PORTS, HELLO + b"\0")), None
    yield "four bytes, the fifth in the padding", ipv4(n(), *V4, TCP, tcp(PORTS, HELLO[:4])) + b"\0", None
    yield "padding behind the hello", ipv4(n(), *V4, TCP, hello) + b"\x16\x03\x01\0", "hello"
    yield "with the next message", ipv4(n(), *V4, TCP, tcp(PORTS, MORE)), "hello_more"
    yield "a ClientHello behind it", ipv4(n(), *V4, TCP, tcp(PORTS, MORE[:-1] + b"\x01")), None
    yield "a frame in pieces", ipv4(n(), *V4, TCP, tcp(PORTS, MORE + bytes(6000))), "hello_more"
    yield "a frame in pieces that does not fit", ipv4(n(), *V4, TCP, tcp(PORTS, HELLO + bytes(6000))), None
    yield "the first fragment", ipv4(n(), *V4, TCP, hello, place=0x2000), "hello"
    yield "a later fragment", ipv4(n(), *V4, TCP, hello, place=0x2001), None
    yield "the last fragment", ipv4(n(), *V4, TCP, hello, place=0x00b9), None
    # 16 bytes, and five behind them: what is a header of 20 and a byte.
    yield "a data offset of 4", ipv4(n(), *V4, TCP, tcp(PORTS, b"\0", doff=4))[:-5] + HELLO, None
    yield "a data offset behind the packet", ipv4(n(), *V4, TCP, tcp(PORTS, HELLO, doff=15)), None
    yield "the bytes in options", ipv4(n(), *V4, TCP, tcp(PORTS, bytes(5), b"\xfd\x08" + HELLO + b"\x01")), None
    yield "an IP length of one less", set_length(ipv4(n(), *V4, TCP, hello), -1), None
    yield "an IP length of more than the frame", set_length(ipv4(n(), *V4, TCP, tcp(PORTS, MORE + bytes(9))), 1), None
    yield "no IP header", b"\x44" + ipv4(n(), *V4, TCP, hello)[1:], None
    for size, fits in ((17, None), (18, "probe"), (37, "probe"), (38, None)):
        yield f"a probe of {size} bytes", ipv4(n(), *V4, UDP, udp(PORTS, probe(size))), fits
    yield "a UDP length of less", ipv4(n(), *V4, UDP, udp(PORTS, probe(30), 8 + 17)), None
    yield "... that makes it fit", ipv4(n(), *V4, UDP, udp(PORTS, probe(60), 8 + 20)), "probe"
    yield "a UDP length of more", ipv4(n(), *V4, UDP, udp(PORTS, probe(20), 8 + 21)), None
    yield "... as of a first fragment", ipv4(n(), *V4, UDP, udp(PORTS, probe(24), 8 + 1000), place=0x2000), "probe"
    yield "a probe over TCP", ipv4(n(), *V4, TCP, tcp(PORTS, probe(20))), None
    yield "the hello over UDP", ipv4(n(), *V4, UDP, udp(PORTS, HELLO)), None


def v6_packets(n):
    hello, every = tcp(PORTS, HELLO), [
        (HOP_BY_HOP, option(6)), (ROUTING, b"\0\xfd\0" + bytes(4)), (AUTHENTICATION, b"\x04" + bytes(22)),
        (DESTINATION, b"\x01" + option(6)[1:] + b"\x01\x06" + bytes(6)), (FRAGMENT, b"\0" + struct.pack("!HI", 0, 9))]
    yield "the hello", ipv6(n(), *V6, TCP, hello), "hello"
    for header, rest in every:
        yield f"behind header {header}", ipv6(n(), *V6, TCP, hello, [(header, rest)]), "hello"
    yield "behind five headers", ipv6(n(), *V6, TCP, hello, every), "hello"
    for count, fits in ((8, "hello"), (9, None)):
        yield f"behind {count} headers", ipv6(n(), *V6, TCP, hello, [(DESTINATION, option(6))] * count), fits
    yield "the first fragment", ipv6(n(), *V6, TCP, hello, [(FRAGMENT, b"\0" + struct.pack("!HI", 1, 9))]), "hello"
    yield "a later fragment", ipv6(n(), *V6, TCP, hello, [(FRAGMENT, b"\0" + struct.pack("!HI", 9, 9))]), None
    yield "a header longer than the packet", ipv6(n(), *V6, TCP, hello, [(DESTINATION, b"\x40" + option(6)[1:])]), None
    yield "a frame in pieces", ipv6(n(), *V6, TCP, tcp(PORTS, MORE + bytes(6000))), "hello_more"
    yield "a data offset of 4", ipv6(n(), *V6, TCP, tcp(PORTS, b"\0", doff=4))[:-5] + HELLO, None
    yield "a sixth byte", ipv6(n(), *V6, TCP, tcp(PORTS, HELLO + b"\0")), None
    yield "padding behind four bytes", ipv6(n(), *V6, TCP, tcp(PORTS, HELLO[:4])) + b"\0", None
    yield "a probe", ipv6(n(), *V6, UDP, udp(PORTS, probe(18))), "probe"
    yield "a UDP length of more", ipv6(n(), *V6, UDP, udp(PORTS, probe(20), 8 + 21)), None
    yield "... as of a first fragment", ipv6(n(), *V6, UDP, udp(PORTS, probe(20), 8 + 900),
                                             [(FRAGMENT, b"\0" + struct.pack("!HI", 1, 9))]), "probe"


class Numbers:
    def __init__(self):
        self.last = 0

    def __call__(self):
        self.last += 1
        return self.last


def by_hand():
    """(what, tags, packet, pattern or None)"""
    numbers = Numbers()
    for version, made in (("IPv4", v4_packets), ("IPv6", v6_packets)):
        for what, data, fits in made(numbers):
            yield f"{version}: {what}", b"", data, fits
    for what, tags, reached in (("a tag", TAG, True), ("two tags", SERVICE_TAG + TAG, True),
                                ("four tags", SERVICE_TAG + TAG * 3, False)):
        yield f"IPv4 in {what}", tags, ipv4(numbers(), *V4, TCP, tcp(PORTS, HELLO)), "hello" if reached else None
        yield f"IPv6 in {what}", tags, ipv6(numbers(), *V6, TCP, tcp(PORTS, MORE)), "hello_more" if reached else None


# --- the kernel -------------------------------------------------------------------------------------------------------

def put(sender, data):
    try:
        sender.send(data)
    except OSError as problem:
        if problem.errno != errno.ENOBUFS:  # which the kernel makes of a drop by a filter at the way out
            raise


class Bridge(Router):
    """In the router's place a bridge, which forwards what no router would: inner ---- left  bridge  right ---- outer"""

    def _make(self):
        for which in ("client", "router", "server"):
            command("ip", "netns", "add", self.name(which))
            self.setting(which, "ipv6/conf/all/disable_ipv6", 1)
            self.setting(which, "ipv6/conf/default/disable_ipv6", 1)
        for call in ("iptables", "ip6tables"):  # else netfilter drops what is broken
            self.setting("router", f"bridge/bridge-nf-call-{call}", 0)
        self.ip("router", "link", "add", "bridge", "type", "bridge")
        for which, port, end in (("client", LEFT, "inner"), ("server", RIGHT, "outer")):
            self.ip("router", "link", "add", port, "mtu", str(MTU), "type", "veth", "peer", "name", end, "mtu", str(MTU),
                    "netns", self.name(which))
            self.ip("router", "link", "set", port, "master", "bridge", "up")
            self.ip(which, "link", "set", end, "up")
        self.ip("router", "link", "set", "bridge", "up")
        self.sockets = {which: socket_in(self.name(which), end)
                        for which, end in (("client", "inner"), ("server", "outer"), ("router", RIGHT))}

    def through(self, packets, start, end):
        """(tags, packet) each, from one of the sockets to another: the numbers of those that come out."""
        known = {number_of(data): number for number, (_, data) in enumerate(packets)}
        marker = ipv4(65535, "169.254.9.1", "169.254.9.2", NO_PROTOCOL, b"last")
        ends = bytes.fromhex("020000000002020000000001" if start == "client" else "020000000001020000000002")
        with one_cpu():
            for tags, data in [*packets, (b"", marker)]:
                put(self.sockets[start], ends + tags + (b"\x86\xdd" if data[0] >> 4 == 6 else b"\x08\x00") + data)
        passed, until = set(), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for data in self._arrived(self.sockets[end]):
                while data[2:4] in (b"\x81\x00", b"\x08\x00", b"\x86\xdd") and data[:2] in (b"\0\x05", b"\0\x06"):
                    data = data[4:]  # a tag that the driver has not taken out, and the type of what follows
                number = number_of(data)
                if number == number_of(marker):
                    return passed
                passed |= {known[number]} if number in known else set()
            time.sleep(0.01)
        raise RuntimeError("nothing comes through the bridge any more")


def counted(router, names):
    """What bpftool shows of our maps, added up; None without bpftool."""
    if not shutil.which("bpftool"):
        return None
    total = collections.Counter()
    for name in names:
        for way in ("ingress", "egress"):
            shown = router.run("tc", "-d", "filter", "show", "dev", RIGHT, way).text
            for program in re.findall(r"\bid (\d+)", shown):
                for number in json.loads(command("bpftool", "-j", "prog", "show", "id", program).stdout).get("map_ids", []):
                    about = json.loads(command("bpftool", "-j", "map", "show", "id", str(number)).stdout)
                    if about["name"] == name:
                        total.update(values_of(number))
    return {name: count for name, count in total.items() if count}


def values_of(number):
    """By name of the pattern, over all CPUs: the map's type has the names."""
    total = collections.Counter()
    for row in json.loads(command("bpftool", "-j", "map", "dump", "id", str(number)).stdout):
        for cpu in row["formatted"]["values"]:
            for key, value in cpu["value"].items():
                total[key.removeprefix("fits_")] += value
    return total


def decisions(bridge):
    """Each packet both ways, and with its tags in the frame as the machine itself sends it; two rule sets beside each other."""
    cases = list(by_hand())
    packets = [(tags, data) for _, tags, data, _ in cases]
    ways = (("out", "client", "server"), ("in", "server", "client"), ("sent from here", "router", "server"))
    for way, start, end in ways:
        lost = set(range(len(cases))) - bridge.through(packets, start, end)
        equal([cases[n][0] for n in lost], [], f"without rules all {len(cases)} packets come through, {way}")
    texts = [generated("ebpf", name, {"interface": RIGHT})[0] for name in ("combined", "udp-probe")]
    for text in texts:
        load(bridge, text)
    equal(len(filters(bridge)), 4, "two rule sets stand beside each other at both hooks", *filters(bridge))
    for way, start, end in ways:
        passed = bridge.through(packets, start, end)
        for number, (what, _, _, fits) in enumerate(cases):
            equal("passes" if number in passed else "stopped", "stopped" if fits else "passes", f"{what}, {way}")
    expected = collections.Counter(fits for _, _, _, fits in cases if fits)
    got = counted(bridge, ("hits_combined", "hits_udp_probe"))
    if got is None:
        no_program("counters", "bpftool")
    else:
        equal(got, {name: count * len(ways) for name, count in expected.items()}, "the counters say which and how many")
    unload(bridge, texts[0])
    equal(len(filters(bridge)), 2, "one is removed without the other", *filters(bridge))
    unload(bridge, texts[1])
    equal(left_in(bridge), "", "nothing is left")
    equal(len(bridge.through(packets, "client", "server")), len(cases), "... and all packets come through again")


def counting(bridge):
    """--action count lets pass, and leaves later filters their say."""
    text, _ = generated("ebpf", "exact", {"interface": RIGHT, "direction": "out", "action": "count"})
    packets = [(b"", ipv4(n, *V4, TCP, tcp(PORTS, HELLO))) for n in range(1, 8)]
    load(bridge, text)
    equal(len(bridge.through(packets, "client", "server")), 7, "--action count: all packets pass")
    bridge.through(packets, "server", "client")
    got = counted(bridge, ("hits_exact",))
    if got is not None:
        equal(got, {"hello": 7}, "... and those of the direction are counted")
    drop, _ = generated("ebpf", "paper", {"interface": RIGHT, "direction": "out"})
    load(bridge, drop)
    equal(len(bridge.through(packets, "client", "server")), 0, "... and a later filter may drop them")
    unload(bridge, drop)
    load(bridge, generated("ebpf", "exact", {"interface": RIGHT, "direction": "out"})[0])
    equal([len(bridge.through(packets, "client", "server")), len(filters(bridge))], [0, 1], "--action drop takes its place")
    unload(bridge, text)
    equal(left_in(bridge), "", "... and the same command removes it")


# A tun device of its own; sends, when told, the packets that are its arguments, and prints those that come out at its file.
TUN = """
import fcntl, os, socket, struct, subprocess, sys, time
tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tun9", 0x1001))  # linux/if_tun.h: TUNSETIFF; IFF_TUN | IFF_NO_PI
subprocess.run(["ip", "link", "set", "tun9", "up"], check=True)
sender = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
print("there", flush=True)
sys.stdin.readline()
for data in map(bytes.fromhex, sys.argv[1:]):
    try:
        sender.sendto(data, ("tun9", 0x0800))
    except OSError:
        pass  # dropped
time.sleep(0.2)
while True:
    try:
        print(os.read(tun, 9000).hex())
    except BlockingIOError:
        break
"""


def without_ethernet(bridge):
    text, _ = generated("ebpf", "exact", {"interface": "tun9", "direction": "out"})
    text = text.replace("//     clang ", "//     clang -DNO_ETHERNET ")
    made = [ipv4(1, *V4, TCP, tcp(PORTS, HELLO)), ipv4(2, *V4, TCP, tcp(PORTS, HELLO + b"\0")),
            ipv4(3, "8.0.69.1", V4[1], TCP, tcp(PORTS, HELLO))]  # 08 00 45, where an Ethernet header would have them
    with bridge.start(sys.executable, "-c", TUN, *(data.hex() for data in made), which="router", stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        if process.stdout.readline().strip() != "there":
            skip("an interface without Ethernet headers", process.communicate()[1].strip().splitlines()[-1])
            return
        load(bridge, text)
        said, problem = process.communicate("go\n", timeout=PATIENCE)
        got = [bytes.fromhex(line) for line in said.split()]
        equal([data in got for data in made], [False, True, False], "an interface without Ethernet headers", problem)


def main():
    if unwanted():
        skip_all(unwanted())
    require_programs("clang", "tc")
    if not os.path.exists("/usr/include/bpf/bpf_helpers.h"):
        no_program("all of it", "libbpf-dev")
        done()
        return
    listed = run("rules", "--list", "--json")
    if not equal(listed.returncode, 0, "the strategies are listed", listed.stderr):
        done()
        return
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    strategies = [(row["protocol"], row["strategy"], row["kind"] != "patterns") for row in rows if row["row"] == "strategy"
                  and (row["kind"] == "patterns" or row["protocol"] == "skype")]  # of which we have a database
    refusals()
    began = time.monotonic()
    try:
        with Bridge(("ip", "clang", "tc")) as bridge:
            decisions(bridge)
            counting(bridge)
            without_ethernet(bridge)
            all_of_them(bridge, strategies, database_of(CLIENTS))
            as_many_as_it_takes(bridge)
    except Unavailable as reason:
        skip("in a kernel", reason)
    note(f"{time.monotonic() - began:.0f} s")
    done()


main()
