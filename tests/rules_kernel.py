"""Property test of `footsteps rules`: on random packets (rules_model.py), what the kernel does with the rules of each
format, and tcpdump with the filter, is what the abstract rule says, packet by packet. As root; the rest is skipped.

FOOTSTEPS_SEED repeats a run; FOOTSTEPS_PACKETS is how many packets each rule set gets."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import SECONDS, done, equal, no_program, note, ok, run, skip, skip_all, tmp
from rules_model import AUTHENTICATION, UDP, Rule, number_of, packets, read_pcap, write_pcap
from rules_database import endpoint_database
from rules_path import FORMATS, RIGHT, Router, Unavailable, generated, left_in, load, unload, unwanted

SEED = int(os.environ.get("FOOTSTEPS_SEED") or 6)
PACKETS = int(os.environ.get("FOOTSTEPS_PACKETS") or 1000)
SHOWN = 4  # differences
INSIDE = ["10.1.0.0/16", "2001:db8:1::/48"]
NEVER = ["203.0.113.0/28", "10.1.2.0/31", "2001:db8:2::/64"]
LIMITS = {
    "all": {},
    "never": {"never": NEVER},
    "out": {"direction": "out", "internal": INSIDE},
    "in": {"direction": "in", "internal": INSIDE, "never": NEVER},
    "both": {"internal": INSIDE},
    "out by interface": {"direction": "out", "interface": RIGHT},
    "in by interface": {"direction": "in", "interface": RIGHT, "never": NEVER},
    "interface and inside": {"interface": RIGHT, "internal": INSIDE},
}
def behind_extensions(parts):
    return bool(parts.extensions)


def behind_authentication(parts):
    return AUTHENTICATION in parts.extensions


def in_fragments(parts):
    return parts.fragment == 0 and parts.protocol == UDP


# Where a format is narrower, and the words by which the head of its output says so.
NARROWER = {
    "nft": (("authentication header passes", behind_authentication), ("in fragments passes", in_fragments)),
    "iptables": (("extension headers pass", behind_extensions), ("in fragments", in_fragments)),
    "ebpf": (),
    "bpf": (("behind ipv6 extension headers", behind_extensions), ("in fragments", in_fragments)),
}


def admitted(fmt, text, parts):
    """Whether the output says of itself that such a packet passes."""
    head = " ".join(re.sub(r"^(#|//) ?", "", line) for line in text.split("Made by:")[0].splitlines()).lower()
    return any(words in head and narrower(parts) for words, narrower in NARROWER[fmt])


def differences(fmt, rule, text, tried, passed):
    """Packets that were treated otherwise than the rule says: (packet, in words)."""
    found = []
    for packet in tried:
        if not rule.settled(packet.parts):
            continue
        acts = rule.acts(packet.parts, packet.going)
        if acts and packet.number in passed and not admitted(fmt, text, packet.parts):
            found.append((packet, "passes, and should be stopped"))
        elif not acts and packet.number not in passed:
            found.append((packet, "is stopped, and should pass"))
    return found


def same(name, rule, text, tried, passed):
    """name: begins with that of the format."""
    found = differences(name.split(":")[0], rule, text, tried, passed)
    stopped = sum(rule.acts(packet.parts, packet.going) for packet in tried)
    shown = [f"{what}: {packet!r}" for packet, what in found[:SHOWN]]
    if stopped < max(1, PACKETS // 200) or stopped == len(tried):
        return ok(False, name, f"of {len(tried)} packets {stopped} fit: that tests nothing")
    return ok(not found, name, f"{len(found)} of {len(tried)} packets ({stopped} fit), FOOTSTEPS_SEED={SEED}:", *shown,
              *(text.splitlines() if found else ()))


class Case:
    """A rule set with its packets."""

    def __init__(self, rows, strategy, limits, databases=(), endpoints=(), protocol="skype"):
        self.strategy, self.limits, self.databases = strategy, {**LIMITS[limits], "protocol": protocol}, databases
        self.name = f"{protocol} {strategy}, {limits}"
        self.rule = Rule.of(rows, strategy, protocol, endpoints=endpoints, **LIMITS[limits])
        self.packets = packets(self.rule, f"{SEED} {self.name}", PACKETS, extra=NEVER_HOSTS)


NEVER_HOSTS = ["203.0.113.3", "10.1.2.1", "2001:db8:2::7"]


# --- where the packets go ---------------------------------------------------------------------------------------------

def through_kernel(router, fmt, case):
    text, why = generated(fmt, case.strategy, case.limits, case.databases)
    name = f"{fmt}: {case.name}"
    if text is None:  # these three can say all of it
        ok(False, name, why)
        return
    try:
        load(router, text)
        passed = router.send(case.packets)
    except RuntimeError as problem:
        ok(False, name, problem, *text.splitlines())
        passed = None
    try:
        unload(router, text)
    except RuntimeError as problem:
        ok(False, f"{name}: removal", problem)
    if passed is not None:
        # What a router forwards to nobody says nothing about rules.
        stopped = [packet for packet in case.packets if packet.number not in passed]
        forwarded = passed | router.send(stopped)
        tried = [packet for packet in case.packets if packet.number in forwarded]
        if len(tried) < 0.98 * len(case.packets):
            note(f"{len(case.packets) - len(tried)} packets are not forwarded without rules, either")
        same(name, case.rule, text, tried, passed)


def actions(router, fmt, rows):
    """reject stops the same packets; log and count stop none."""
    case = Case(rows, "combined", "never")
    for action in ("reject", "log", "count"):
        name = f"{fmt}: --action {action}"
        text, why = generated(fmt, case.strategy, {**case.limits, "action": action})
        if text is None:
            skip(name, why)
            continue
        try:
            load(router, text)
            passed = router.send(case.packets)
            unload(router, text)
        except RuntimeError as problem:
            ok(False, name, problem, *text.splitlines())
            continue
        if action == "reject":
            same(name, case.rule, text, case.packets, passed)
        else:
            equal(len(passed), len(case.packets), f"{name}: all packets pass")


def by_tcpdump(case):
    """Without interfaces: a capture has none."""
    name = f"bpf: {case.name}"
    text, why = generated("bpf", case.strategy, case.limits, case.databases)
    if text is None:
        skip(name, why)
        return
    expression = " ".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    capture = write_pcap(tmp("packets.pcap"), [packet.frame() for packet in case.packets])
    found = subprocess.run(["tcpdump", "-r", capture, "-w", tmp("found.pcap"), expression], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False, timeout=SECONDS)
    if found.returncode != 0:
        ok(False, name, found.stdout.decode(errors="replace"), expression)
        return
    fit = {number_of(frame[14:]) for frame in read_pcap(tmp("found.pcap"))}
    passed = {packet.number for packet in case.packets if number_of(packet.data) not in fit}
    same(name, case.rule, text, case.packets, passed)


# --- what the test itself must notice ---------------------------------------------------------------------------------

def planted(router, rows):
    """Rules that are wrong on purpose are found out, each by packets that they stop or let pass."""
    text, why = generated("nft", "exact", {})
    if text is None:
        skip("a planted error is found", why)
        return
    longer = "\n".join(line for line in text.splitlines() if 'comment "more than' not in line)
    for name, strategy, altered, what in (
            ("no test of the length", "exact", longer, "is stopped, and should pass"),
            ("another last byte", "exact", text.replace("0x1603010000", "0x1603010001"), "passes, and should be stopped"),
            ("some other direction", "combined", generated("nft", "combined", LIMITS["in by interface"])[0],
             "passes, and should be stopped")):
        case = Case(rows, strategy, "all")
        if altered == text:
            ok(False, f"planted: {name}", "the rules cannot be altered so", *text.splitlines())
            continue
        load(router, altered)
        found = differences("nft", case.rule, altered, case.packets, router.send(case.packets))
        unload(router, altered)
        ok(what in {words for _, words in found}, f"a planted error is found: {name}", altered)


def exchanged(router, fmt, rows):
    """So are the rules of another strategy, in any format."""
    for strategy, other, what in (("combined", "exact", "passes, and should be stopped"),
                                  ("exact", "paper", "is stopped, and should pass")):
        case = Case(rows, strategy, "all")
        text, why = generated(fmt, other, {})
        if not ok(text is not None, f"{fmt}: there are rules of {other}", why):
            continue
        load(router, text)
        found = differences(fmt, case.rule, text, case.packets, router.send(case.packets))
        unload(router, text)
        ok(what in {words for _, words in found}, f"{fmt}: the rules of {other} are not taken for those of {strategy}")


def model():
    """The abstract rule on packets worked out by hand, so that two wrongs do not make a right."""
    # 45 00: IPv4 without options; 002d: 45 bytes; 06: TCP; 10.0.0.1:1024 to 192.0.2.1:80; 50: no TCP options; the hello.
    hello = bytes.fromhex("4500002d00010000400600000a000001c0000201" "04000050000000000000000050180000000000001603010000")
    # 46: one word of IP options; 60: one word of TCP options.
    options_ = bytes.fromhex("4600003500010000400600000a000001c000020101010101"
                             "04000050000000000000000060180000000000000101010116030100" "00")
    pattern = {"pattern": "hello", "proto": "tcp", "shortest": 5, "longest": 5,
               "tests": [{"offset": 0, "bytes": "1603010000", "differs": False}]}
    rule = Rule([pattern])
    equal([rule.acts(hello), rule.acts(options_), rule.acts(hello + b"\0"), rule.acts(hello[:3] + b"\x2c" + hello[4:-1])],
          [True, True, True, False], "the abstract rule: with options, with padding, cut")
    equal([Rule([pattern], direction=d, internal=["10.0.0.0/8"]).acts(hello) for d in ("out", "in", "both")],
          [True, False, True], "... by direction")
    equal([Rule([pattern], direction="out", interface="x").acts(hello, going) for going in ("out", "in")],
          [True, False], "... by interface")
    equal([Rule(kind=kind, endpoints=[("192.0.2.1", 80)], internal=inside).acts(hello)
           for kind in ("servers", "clients") for inside in (["10.0.0.0/8"], ["192.0.2.0/24"], [])],
          [True, False, True, False, True, True], "... by endpoint: a server is where packets go out to")
    equal(Rule([pattern], never=["10.0.0.1"]).acts(hello), False, "... and never")


# --- endpoints --------------------------------------------------------------------------------------------------------

SERVERS = ("10.1.2.3", "192.0.2.20", "198.51.100.7", "203.0.113.3", "2001:db8:1::2", "2001:db8:3::1:9")
CLIENTS = (("10.1.200.9", 33033), ("10.1.2.3", 1024), ("2001:db8:1:ffff::9", 33033))


def cases(rows):
    made = []
    strategies = [row for row in rows if row["row"] == "strategy" and row["kind"] == "patterns"]
    for n, row in enumerate(strategies):
        for m, limits in enumerate(LIMITS):
            if n == 0 or limits == "all" or (n + m) % 4 == 0:
                made.append(Case(rows, row["strategy"], limits, protocol=row["protocol"]))
    database = endpoint_database(SERVERS, CLIENTS)
    if not database:
        skip("endpoints", "no database of a login")
        return made
    for limits in ("all", "out", "in", "both", "in by interface", "interface and inside"):
        made.append(Case(rows, "addresses", limits, [database], [(ip, 0) for ip in SERVERS]))
        made.append(Case(rows, "clients", limits, [database], CLIENTS))
    return made


def main():
    if unwanted():
        skip_all(unwanted())
    began = time.monotonic()
    listed = run("rules", "--list", "--json")
    if not equal(listed.returncode, 0, "the strategies are listed", listed.stderr):
        done()
        return
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    model()
    all_cases = cases(rows)
    for case in all_cases:
        if not shutil.which("tcpdump"):
            no_program(f"bpf: {case.name}", "tcpdump")
        elif "interface" not in case.limits:
            by_tcpdump(case)
    try:
        with Router(("ip", "nft")) as router:
            equal(sorted(packet.number for packet in all_cases[0].packets if packet.number not in
                         router.send(all_cases[0].packets)), [], "without rules all packets pass")
            for fmt in FORMATS:
                lacking = router.lacks(fmt)
                if lacking:
                    skip(fmt, lacking)
                    continue
                if fmt == "nft":
                    planted(router, rows)
                exchanged(router, fmt, rows)
                actions(router, fmt, rows)
                for case in all_cases:
                    through_kernel(router, fmt, case)
                equal(left_in(router), "", f"{fmt}: nothing is left of all these")
    except Unavailable as reason:
        skip("formats for the kernel", reason)
    note(f"{len(all_cases)} rule sets, {PACKETS} packets each; {time.monotonic() - began:.0f} s")
    done()


main()
