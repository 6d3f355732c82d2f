#!/usr/bin/env python3
"""`footsteps rules --format iptables` in the kernel, with both of its backends (nft and legacy): a script that can be run
again and again, that shellcheck likes, that leaves nothing behind; and what its rules do with packets worked out by hand.
Random packets are for rules_kernel.py. As root; the rest is skipped.

FOOTSTEPS_RULES=all tries every rule set with both backends instead of with one of them."""
import os
import re
import shutil
import subprocess
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import done, equal, no_program, note, ok, run, skip, skip_all, tmp, write
from rules_model import DESTINATION, FRAGMENT, HOP_BY_HOP, TCP, UDP, Packet, ipv4, ipv6, tcp, udp
from rules_database import endpoint_database
from rules_path import LEFT, RIGHT, Router, Unavailable, unwanted

BACKENDS = ("nft", "legacy")
STRATEGIES = (("skype", "combined"), ("skype", "exact"), ("skype", "block3"), ("skype", "paper"), ("skype", "udp-probe"),
              ("skype", "node-hello"), ("skype", "addresses"), ("skype", "clients"), ("bittorrent", "peers"))
ACTIONS = ("drop", "reject", "log", "count")
LIMITS = (
    (),
    ("--internal", "10.1.0.0/16", "--internal", "10.3.0.0/16", "--internal", "2001:db8:1::/48", "--never", "10.1.9.9"),
    ("--interface", RIGHT, "--direction", "out", "--never", "203.0.113.0/24", "--never", "2001:db8:3::/48"),
    ("--interface", RIGHT, "--direction", "in", "--internal", "10.1.0.0/16"),  # nothing of IPv6 can go in
)
SERVERS = ("192.0.2.20", "2001:db8:2::7")
CLIENTS = (("10.1.2.3", 33033), ("2001:db8:1::2", 33033))
EXPIRE = 8  # seconds; the first packets come through sooner, also on a busy machine


# --- scripts ----------------------------------------------------------------------------------------------------------

class Script:
    """What footsteps prints, in a file, and how it is run."""

    def __init__(self, strategy, *options, protocol="skype", database=None):
        needs = [database] if strategy in ("addresses", "clients") else []
        made = run("rules", "--format", "iptables", "--protocol", protocol, "--strategy", strategy, *options, *needs)
        self.text, self.why = made.stdout, made.stderr
        self.path = write(tmp("rules.sh"), self.text.encode())

    def run(self, router, backend, *words, check=True, **env):
        chosen = {"IPTABLES": f"iptables-{backend}", "IP6TABLES": f"ip6tables-{backend}", **env}
        return router.run("sh", self.path, *words, check=check, env={**os.environ, **chosen})


def state(router, backend):
    """Rules and sets, without what changes by itself: dates, counters, seeds, the order in a hash, the time that is left."""
    text = ""
    for family in ("iptables", "ip6tables"):
        saved = router.run("sh", "-c", f"{family}-{backend}-save 2>/dev/null").text  # legacy tables are there, it says
        text += "".join(line + "\n" for line in saved.splitlines() if not line.startswith("#"))
    text = re.sub(r"^(:\S+ \S+) \[.*\]$", r"\1", text, flags=re.M)
    for one in router.run("ipset", "list").text.split("\n\n"):
        one = re.sub(r" initval \S+|^Size in memory.*\n", "", re.sub(r"(?m)^(\S+) timeout \d+", r"\1", one), flags=re.M)
        head, _, members = one.partition("Members:\n")
        text += head + "\n".join(sorted(members.split("\n"))) + "\n"
    return text


def scripts(router, database):
    """Every rule set: loads, loads again with the same result, is removed."""
    before = {backend: state(router, backend) for backend in BACKENDS}
    for n, (protocol, strategy) in enumerate(STRATEGIES):
        for m, action in enumerate(ACTIONS):
            wrong = []
            for k, limits in enumerate(LIMITS):
                script = Script(strategy, *limits, "--action", action, protocol=protocol, database=database)
                both = os.environ.get("FOOTSTEPS_RULES") == "all"
                for backend in BACKENDS if both else [BACKENDS[(n + m + k) % 2]]:
                    wrong += [f"{backend}, {' '.join(limits)}: {what}" for what in
                              one_script(router, backend, script, before[backend])]
            ok(not wrong, f"{protocol} {strategy} {action}: loads, loads again with the same result, is removed", *wrong)


def one_script(router, backend, script, before):
    if not script.text:
        return [script.why]
    if shutil.which("shellcheck") and "-j DROP" in script.text:  # the others differ by two lines
        judged = subprocess.run(["shellcheck", script.path], stdout=subprocess.PIPE, check=False)
        if judged.returncode:
            return [judged.stdout.decode()]
    said, states = [], []
    for word in ("load", "load", "remove"):
        result = script.run(router, backend, word, check=False)
        said += [result.text] if result.returncode else []
        states.append(state(router, backend))
    again = script.run(router, backend, "remove", check=False)
    return said + ([] if states[0] == states[1] else ["loaded again", *states[:2]]) + \
        ([] if states[0] != before else ["nothing was loaded"]) + \
        ([] if states[2] == before else ["removed", states[2]]) + \
        ([] if again.returncode == 0 else ["removed when nothing is there", again.text])


def together(router, database):
    """All strategies at once, as an administrator may well have them: none is in the way of another."""
    for backend in BACKENDS:
        before = state(router, backend)
        loaded = []
        for protocol, strategy in STRATEGIES:
            loaded.append(Script(strategy, "--action", "count", protocol=protocol, database=database))
            loaded[-1].path = write(tmp(f"{protocol}-{strategy}.sh"), loaded[-1].text.encode())
            loaded[-1].run(router, backend)
        saved = state(router, backend)
        jumps = re.findall(r"^-A FORWARD -j (footsteps_\w+)$", saved, flags=re.M)
        equal((len(jumps), len(set(jumps))), (2 * len(STRATEGIES), len(STRATEGIES)),
              f"{backend}: all strategies are loaded at once, in both families", saved)
        first = loaded.pop(0)
        first.run(router, backend, "remove")
        rest = state(router, backend)
        own = re.compile(r"(footsteps|fs)_skype_combined\b")
        equal(rest, "".join(line + "\n" for line in saved.splitlines() if not own.search(line)),
              "... one is removed, and the others stay as they are")
        for script in loaded:
            script.run(router, backend, "remove")
        equal(state(router, backend), before, "... and all are removed")


def reloaded(router, database):
    """Another rule set of the same strategy takes the place of the first, chains and hooks and sets."""
    for backend in BACKENDS:
        before = state(router, backend)
        for strategy in ("combined", "clients"):
            Script(strategy, *LIMITS[1], "--expire", "1h", database=database).run(router, backend)
            last = Script(strategy, *LIMITS[2], database=database)
            last.run(router, backend)
            after_other = state(router, backend)
            last.run(router, backend, "remove")
            last.run(router, backend)
            equal(after_other, state(router, backend), f"{backend}: {strategy}: nothing is left of the one before")
            ok("-A INPUT -j footsteps" not in after_other and "-A OUTPUT -j footsteps" in after_other,
               "... out by an interface is no matter of INPUT", after_other)
            last.run(router, backend, "remove")
        equal(state(router, backend), before, "... and all is removed")


def hooks(router, _):
    """One jump from each hook, whatever came between; what somebody else leads here is not ours to remove."""
    script = Script("combined", "--action", "count")
    for backend in BACKENDS:
        before, jump = state(router, backend), ("FORWARD", "-j", "footsteps_skype_combined")
        script.run(router, backend)
        loaded = state(router, backend)
        for word, after in (("load", loaded), ("remove", before)):
            router.run(f"iptables-{backend}", "-w", "-I", *jump)  # as two scripts leave it that run at once
            result = script.run(router, backend, word, check=False)
            equal((result.returncode, state(router, backend)), (0, after), f"{backend}: {word}, when hooked twice", result.text)
        script.run(router, backend)
        router.run(f"iptables-{backend}", "-w", "-A", *jump, "-i", LEFT)
        result = script.run(router, backend, "remove", check=False)
        ok(result.returncode == 1 and "another rule lead to it" in result.text, f"{backend}: not removed under others", result.text)
        router.run(f"iptables-{backend}", "-w", "-D", *jump, "-i", LEFT)
        script.run(router, backend, "remove")
        equal(state(router, backend), before, "... but without them it is")


# --- failures ---------------------------------------------------------------------------------------------------------

def failures(router, database):
    before = state(router, "nft")
    broken = write(tmp("broken6"), b"#!/bin/sh\nexec ip6tables-nft \"$@\"\n")
    write(broken + "-restore", b"#!/bin/sh\ncat >/dev/null\necho broken >&2\nexit 4\n")
    for path in (broken, broken + "-restore"):
        os.chmod(path, 0o755)
    script = Script("combined")
    result = script.run(router, "nft", IP6TABLES=broken, check=False)
    ok(result.returncode == 1 and f"footsteps_skype_combined: {broken} failed" in result.text,
       "when ip6tables fails, so does the script, and says so", result.text)
    # The broken one cannot remove anything either; IPv4, which was loaded by then, is removed.
    equal(state(router, "nft"), before, "... and nothing is left of it")
    here = tmp("no-ipset")
    os.mkdir(here)
    for tool in ("sh", "sed", "cat", "iptables", "iptables-restore", "ip6tables", "ip6tables-restore"):
        os.symlink(shutil.which(tool), os.path.join(here, tool))
    script = Script("addresses", database=database)
    result = router.run("env", f"PATH={here}", os.path.join(here, "sh"), script.path, check=False)
    ok(result.returncode == 1 and "ipset is not installed" in result.text, "without ipset it says what to install",
       result.text)
    equal(state(router, "nft"), before, "... and does nothing")
    result = script.run(router, "nft", "delete", check=False)
    ok(result.returncode == 1 and "usage: sh FILE [load|remove]" in result.text, "a word that it does not know", result.text)
    equal(state(router, "nft"), before, "... does nothing")
    router.run("ipset", "create", "footsteps_skype_addresses_4", "hash:net")  # somebody else's, of another type
    result = script.run(router, "nft", check=False)
    ok(result.returncode == 1 and "ipset failed" in result.text, "a set of another type is in its place", result.text)
    result = script.run(router, "nft", "remove", check=False)
    equal(state(router, "nft"), before, "... and nothing is loaded")
    for name, why in (("eth+", "interface"), ("a b", "interface"), ("$(touch x)", "interface")):
        refused = Script("exact", "--interface", name)
        ok(not refused.text and why in refused.why, f"the interface '{name}' is refused", refused.why)


# --- packets ----------------------------------------------------------------------------------------------------------

HELLO = bytes.fromhex("1603010000")
SECOND = bytes.fromhex("16030100cd4103000980400408c001") + bytes(40)   # SkypeIRC.pcap
SECOND_2015 = bytes.fromhex("16030100e442cdefe740d72f1d") + bytes(40)  # 2015b.pcap
CLIENT_HELLO = bytes.fromhex("16030100c5010000c10303") + bytes(190)
FALSE_HELLO = bytes.fromhex("8046010301002d0000001000000500000400000a") + bytes(52)
PROBE = bytes.fromhex("7a5102") + bytes(60)
# (what it is, its bytes, the strategies that stop it)
OF_TCP = (
    ("the four bytes", HELLO[:4], "paper"),
    ("three bytes", HELLO[:3], ""),
    ("no byte", b"", ""),
    ("the hello", HELLO, "combined exact paper"),
    ("six bytes", HELLO + b"\0", "paper"),
    ("hello and second message", HELLO + SECOND, "combined paper"),
    ("hello and second message of 2015", HELLO + SECOND_2015, "combined paper"),
    ("hello and a ClientHello", HELLO + CLIENT_HELLO, "paper"),
    ("hello and ten bytes", (HELLO + SECOND)[:10], "paper"),
    ("hello and eleven bytes", (HELLO + SECOND)[:11], "combined paper"),
    ("second message", SECOND, "combined block3 paper"),
    ("second message, cut before its last constant byte", SECOND[:14], "paper"),
    ("second message of 2015", SECOND_2015, "combined block3 paper"),
    ("short ClientHello", CLIENT_HELLO, "paper"),
    ("the header of a ClientHello", CLIENT_HELLO[:5], "paper"),
    ("long ClientHello", bytes.fromhex("160301013c01000138") + bytes(307), ""),
    ("hello, one byte late", b"\0" + HELLO, ""),
    ("false hello", FALSE_HELLO, "node-hello"),
    ("false hello of 71 bytes", FALSE_HELLO[:71], ""),
    ("false hello of 73 bytes", FALSE_HELLO + b"\0", ""),
    ("BitTorrent", b"\x13BitTorrent protocol" + bytes(48), "peers"),
)
# (what it is, its bytes, what the header claims, the strategies)
OF_UDP = (
    ("17 bytes", PROBE[:17], 25, ""),
    ("18 bytes", PROBE[:18], 26, "udp-probe"),
    ("37 bytes", PROBE[:37], 45, "udp-probe"),
    ("38 bytes", PROBE[:38], 46, ""),
    ("another function", b"\0\0\x12" + PROBE[3:18], 26, ""),
    ("a byte less than the header claims", PROBE[:20], 29, ""),
    ("much less than the header claims", PROBE[:18], 45, ""),
    ("more than the header claims", PROBE[:38], 45, "udp-probe"),
)


def packets():
    """[(packet, strategies)]: with TCP options and IP options of all lengths, and over IPv6."""
    made = []

    def add(what, data, strategies):
        made.append((Packet(data(len(made) + 1), len(made) + 1, ("out", "in")[len(made) % 2], what), strategies.split()))

    hosts4, hosts6 = ("10.1.200.9", "198.51.100.7"), ("2001:db8:1:ffff::9", "2001:db8:2::9")
    for what, payload, strategies in OF_TCP:
        for room in range(0, 44, 4):
            segment = tcp((40000, 443), payload, b"\x01" * room)
            for words in (0, 1, 10) if room in (0, 12, 40) else (0,):
                add(f"{what}, TCP options {room}, IP options {4 * words}",
                    lambda n, s=segment, w=words: ipv4(n, *hosts4, TCP, s, b"\x01" * 4 * w), strategies)
            add(f"{what}, TCP options {room}, IPv6", lambda n, s=segment: ipv6(n, *hosts6, TCP, s), strategies)
    for what, payload, length, strategies in OF_UDP:
        segment = udp((40000, 33033), payload, length)
        for words in range(11):
            add(f"{what}, IP options {4 * words}",
                lambda n, s=segment, w=words: ipv4(n, *hosts4, UDP, s, b"\x01" * 4 * w), strategies)
        add(f"{what}, IPv6", lambda n, s=segment: ipv6(n, *hosts6, UDP, s), strategies)
    hello = tcp((40000, 443), HELLO)
    # Header lengths that are wrong: the hello is where they point to, within the TCP header and in its options.
    inside = hello[:4] + HELLO + b"\0\0\0\x10" + hello[13:20]
    add("data offset 1", lambda n: ipv4(n, *hosts4, TCP, inside), "")
    add("data offset 15, and nothing there", lambda n: ipv4(n, *hosts4, TCP, tcp((40000, 443), HELLO, doff=15)), "")
    add("a later fragment", lambda n: ipv4(n, *hosts4, TCP, hello, place=0x0010), "")
    # It holds all of the five bytes itself.
    add("a first fragment", lambda n: ipv4(n, *hosts4, TCP, hello + bytes(7), place=0x2000), "paper")
    # u32 does not look behind extension headers, and takes none for TCP: there the hello is in an option.
    add("behind an extension header", lambda n: ipv6(n, *hosts6, TCP, hello, [(DESTINATION, b"\0\x1e\4\0\0\0\0")]), "")
    for header in (HOP_BY_HOP, DESTINATION):
        add(f"in extension header {header}", lambda n, h=header: ipv6(n, *hosts6, TCP, tcp((1, 2), b""), [
            (h, b"\3\x1e\x1c" + bytes(8) + b"\x50" + bytes(7) + HELLO + bytes(7))]), "")
    add("a later fragment, IPv6", lambda n: ipv6(n, *hosts6, TCP, hello, [(FRAGMENT, b"\0\0\x10" + bytes(4))]), "")
    # ip6tables-legacy throws away what it cannot follow, when a rule asks for a protocol.
    add("a later fragment of a routing header", lambda n: ipv6(n, *hosts6, TCP, hello, [
        (FRAGMENT, b"\0\0\x10" + bytes(4)), (43, b"\0\xfd" + bytes(5))]), "")
    return made


def decisions(router, _):
    made = packets()
    sent = [packet for packet, _ in made]
    passed = router.send(sent)
    equal([p.how for p in sent if p.number not in passed], [], f"without rules all of {len(sent)} packets pass")
    for protocol, strategy in STRATEGIES:
        if strategy in ("addresses", "clients"):
            continue
        expected = {packet.number for packet, strategies in made if strategy in strategies}
        for backend in BACKENDS:
            script = Script(strategy, protocol=protocol)
            script.run(router, backend)
            passed = router.send(sent)
            script.run(router, backend, "remove")
            wrong = [f"{'passes' if p.number in passed else 'is stopped'}: {p!r}" for p in sent
                     if (p.number in passed) == (p.number in expected)]
            ok(not wrong, f"{backend}: {strategy} stops {len(expected)} of {len(sent)} packets", *wrong)
            counted(router, backend, protocol, strategy, sent, len(expected))


def met(router, backend, protocol, strategy):
    """What the rules have counted that only count, of IPv4 and IPv6."""
    hits = []
    for family in ("iptables", "ip6tables"):
        listed = router.run(f"{family}-{backend}", "-w", "-nvxL", f"fs_{protocol}_{strategy.replace('-', '_')}-hit").text
        hits.append(int(next(line for line in listed.splitlines() if "counted; the packet passes" in line).split()[0]))
    return hits


TO_MYSELF = """
import socket, sys
for address in ("127.0.0.1", "::1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as there, socket.socket(family, socket.SOCK_DGRAM) as here:
        there.bind((address, 0))
        here.sendto(bytes.fromhex(sys.argv[1]), there.getsockname())
        there.settimeout(5)
        there.recv(99)
"""


def to_myself(router, _):
    """What this machine sends to itself passes OUTPUT and INPUT, and is counted once."""
    for backend in BACKENDS:
        for limits in ((), ("--interface", "lo"), ("--internal", "127.0.0.0/8", "--internal", "::1")):
            script = Script("udp-probe", "--action", "count", *limits)
            script.run(router, backend)
            router.run(sys.executable, "-c", TO_MYSELF, PROBE[:18].hex())
            hits = met(router, backend, "skype", "udp-probe")
            script.run(router, backend, "remove")
            expected = [0, 0] if "--internal" in limits else [1, 1]  # from inside to inside goes no way
            equal(hits, expected, f"{backend}: a packet of this machine to itself, {' '.join(limits) or 'everywhere'}")


def counted(router, backend, protocol, strategy, sent, expected):
    script = Script(strategy, "--action", "count", protocol=protocol)
    script.run(router, backend)
    passed = router.send(sent)
    hits = sum(met(router, backend, protocol, strategy))
    script.run(router, backend, "remove")
    equal((hits, len(passed)), (expected, len(sent)), "... and --action count counts as many, and lets all pass")


def by_endpoint(router, database):
    """Servers where packets go to, clients where they come from; by protocol and port; until they expire."""
    wanted = (  # source, destination, ports, stopped by addresses, by clients
        ("10.1.1.1", SERVERS[0], (1, 2), True, False),
        (SERVERS[0], "10.1.1.1", (1, 2), True, False),
        ("2001:db8:1::1", SERVERS[1], (1, 2), True, False),
        ("10.1.1.1", "192.0.2.21", (1, 2), False, False),
        (CLIENTS[0][0], "198.51.100.7", (33033, 2), False, True),
        ("198.51.100.7", CLIENTS[0][0], (2, 33033), False, True),
        (CLIENTS[1][0], "2001:db8:3::1", (33033, 2), False, True),
        (CLIENTS[0][0], "198.51.100.7", (2, 33033), False, False),
        (CLIENTS[0][0], "198.51.100.7", (33034, 33033), False, False),
    )
    made = []
    for source, target, ports, *_ in wanted:
        for protocol, segment in ((TCP, tcp(ports, b"x")), (UDP, udp(ports, b"x"))):
            build = ipv6 if ":" in source else ipv4
            number = len(made) + 1
            made.append(Packet(build(number, source, target, protocol, segment), number, "out", f"{source} {ports}"))
    for backend in BACKENDS:
        for at, strategy in ((3, "addresses"), (4, "clients")):
            expected = [row[at] for row in wanted for _ in (TCP, UDP)]
            for action in ("drop", "reject"):
                script = Script(strategy, "--expire", f"{EXPIRE}s", "--action", action, database=database)
                script.run(router, backend)
                loaded = time.monotonic()
                passed = router.send(made)
                equal([packet.number not in passed for packet in made], expected, f"{backend}: {strategy}, {action}", script.why)
            if backend == "nft":  # ipset is the same for both
                time.sleep(max(0.0, loaded + EXPIRE + 1.5 - time.monotonic()))
                equal(len(router.send(made)), len(made), "... until it expires")
            script.run(router, backend, "remove")


SERVER = """
import socket, sys, threading
def serve(address):
    s = socket.create_server((address, 443), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    while True:
        c = s.accept()[0]
        threading.Thread(target=lambda c=c: c.sendall(c.recv(99)), daemon=True).start()
for address in sys.argv[1:]:
    threading.Thread(target=serve, args=(address,), daemon=True).start()
threading.Event().wait()
"""
CLIENT = """
import socket, sys, time
for _ in range(50):
    try:
        s = socket.create_connection((sys.argv[1], 443), 5)
        break
    except OSError:
        time.sleep(0.1)
s.sendall(bytes.fromhex(sys.argv[2]))
s.settimeout(float(sys.argv[3]))
try:
    print(s.recv(99).hex() or "closed")
except (ConnectionResetError, TimeoutError) as problem:
    print(type(problem).__name__)
"""


def connections(router, _):
    """A sender is reset, or waits for an answer in vain; others are not disturbed."""
    router.address("client", "10.1.2.2", "2001:db8:1::22")
    router.address("server", "192.0.2.80", "2001:db8:2::80")
    server = router.start(sys.executable, "-c", SERVER, "192.0.2.80", "2001:db8:2::80", which="server")
    for backend in BACKENDS:
        for action, told in (("drop", "TimeoutError"), ("reject", "ConnectionResetError"), ("log", HELLO.hex())):
            script = Script("exact", "--action", action, "--interface", LEFT, "--direction", "in")
            script.run(router, backend)
            for address in ("192.0.2.80", "2001:db8:2::80"):
                expected = [told, CLIENT_HELLO[:9].hex()]
                heard = [router.run(sys.executable, "-c", CLIENT, address, payload.hex(), "1" if words == "TimeoutError" else "20",
                                    which="client").text.strip()
                         for payload, words in zip((HELLO, CLIENT_HELLO[:9]), expected)]
                equal(heard, expected, f"{backend}: {action}, over a connection to {address}")
            script.run(router, backend, "remove")
    server.kill()
    server.wait()


def main():
    if unwanted():
        skip_all(unwanted())
    tools = ["ip", "ipset"] + [f"{family}-{backend}{what}" for family in ("iptables", "ip6tables") for backend in BACKENDS
                               for what in ("", "-save", "-restore")]
    began = time.monotonic()
    try:
        with Router(tools) as router:
            for family in ("iptables", "ip6tables"):
                for backend in BACKENDS:  # what the administrator has, and keeps
                    try:
                        router.run(f"{family}-{backend}", "-w", "-A", "FORWARD", "-m", "comment", "--comment", "mine", "-j", "ACCEPT")
                        router.run(f"{family}-{backend}", "-w", "-N", "footsteps_skype_mine")
                    except RuntimeError as problem:
                        raise Unavailable(f"{family}-{backend} does not work in this kernel: {problem}") from None
            database = endpoint_database(SERVERS, CLIENTS)
            if not shutil.which("shellcheck"):
                no_program("scripts are clean", "shellcheck")
            for part in (scripts, together, reloaded, hooks, failures, decisions, to_myself, by_endpoint, connections):
                part(router, database)
                note(f"{part.__name__}: {time.monotonic() - began:.0f} s")
    except Unavailable as reason:
        skip_all(str(reason))
    done()


main()
