"""`footsteps rules` for Suricata, Snort, pf and Cisco: what the rules mean by their manuals (ids_rules.py, list_rules.py) is
what the rule set means (rules_model.py), for every strategy and option, on random packets and on captures. Where an
engine is installed, it says the same."""
import gzip
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ids_rules import RuleError, read_snort, read_suricata
from list_rules import ListError, read_cisco, read_pf
from rules_database import endpoint_database
from rules_model import Parts, Rule, packets, pattern_fits
from tap import TOP, done, equal, missing, ok, run, skip, tmp, traces, write

PACKETS = 800           # of each case
FROM_CAPTURE = 1000     # at most, of each capture
ENGINES = {"suricata": read_suricata, "snort": read_snort}
LISTS = {"pf": read_pf, "cisco": read_cisco}
INTERFACE = "em1"
# Addresses that the packets of rules_model come from and go to, and more than fit in one rule of an engine.
SERVERS = ["10.1.2.3", "192.0.2.20", "198.51.100.7", "203.0.113.9", "2001:db8:1::2", "2001:db8:3::1:9"] + \
    [f"198.18.{n // 250}.{n % 250 + 1}" for n in range(60)] + [f"2001:db8:99::{n:x}" for n in range(1, 40)]
CLIENTS = [("10.1.200.9", 33033), ("10.1.2.3", 1024), ("10.3.0.1", 443), ("203.0.113.9", 33033), ("2001:db8:1:ffff::9", 33033),
           ("2001:db8:2::7", 80)]
NEVER_SEEN = ["203.0.113.4", "203.0.113.200", "192.0.2.99"]
OTHERS = [f"198.19.0.{n}" for n in range(1, 30)] + [f"2001:db8:77::{n:x}" for n in range(1, 16)]
INTERNAL = ["10.1.0.0/16", "2001:db8:1::/48"]
NEVER = ["10.1.200.0/24", "203.0.113.0/29", "2001:db8:3::/48", "203.0.113.4", "198.51.100.7"]
LIMITS = {
    "all": {}, "never": {"never": NEVER},
    "inside": {"internal": INTERNAL}, "inside, never": {"internal": INTERNAL, "never": NEVER},
    "out of inside": {"internal": INTERNAL, "direction": "out"},
    "into inside, never": {"internal": INTERNAL, "never": NEVER, "direction": "in"},
    "inside of IPv4": {"internal": ["10.0.0.0/8"], "never": NEVER},
    "inside is spared": {"internal": ["10.1.0.0/16", "10.3.0.0/16"], "never": ["10.0.0.0/12", "192.0.2.20"]},
    "interface": {"interface": INTERFACE}, "out by interface": {"interface": INTERFACE, "direction": "out", "never": NEVER},
    "in by interface": {"interface": INTERFACE, "direction": "in"},
    "interface, inside": {"interface": INTERFACE, "internal": INTERNAL, "never": NEVER},
    "in by interface, inside": {"interface": INTERFACE, "internal": INTERNAL, "direction": "in"},
}


def name_of(strategy):
    return f"{strategy['protocol']} {strategy['strategy']}"


def options(limits):
    words = []
    for name, value in limits.items():
        for text in value if isinstance(value, list) else [value]:
            words += [f"--{name}", text]
    return words


class Footsteps:
    def __init__(self):
        self.rows = [json.loads(line) for line in run("rules", "--list", "--json").stdout.splitlines()]
        self.strategies = [row for row in self.rows if row["row"] == "strategy"]
        self.database = endpoint_database(SERVERS, CLIENTS, sorted({row["protocol"] for row in self.strategies}))

    def rules(self, form, strategy, *words):
        end = [] if strategy["kind"] == "patterns" else [self.database]
        return run("rules", "--format", form, "--protocol", strategy["protocol"], "--strategy", strategy["strategy"],
                   *words, *end)

    def abstract(self, strategy, limits):
        endpoints = {"patterns": [], "servers": [(ip, 0) for ip in SERVERS], "clients": CLIENTS}[strategy["kind"]]
        return Rule.of(self.rows, strategy["strategy"], strategy["protocol"], endpoints=endpoints, **limits)


# --- what is refused --------------------------------------------------------------------------------------------------

def refusal(form, strategy, limits, action="drop", expire=False, patterns=()):
    """A word of the reason why the format cannot say it, or None."""
    if form in ENGINES:
        udp = any(pattern["proto"] == "udp" for pattern in patterns)
        if form == "snort" and action == "reject" and \
                (udp if strategy["kind"] == "patterns" else limits.get("direction", "both") != "both"):
            return "whole flow"
        if "interface" in limits:
            return "interface"
        if limits == LIMITS["inside is spared"]:
            return "no address"
        return {"count": "count"}.get(action) or ("expire" if expire else None)
    if strategy["kind"] == "patterns":
        return "into packets"
    if action in {"pf": ("log", "count"), "cisco": ("reject",)}[form]:
        return "connection"
    return "expire" if expire else None


def test_refusals(footsteps):
    wrong = []
    for form in (*ENGINES, *LISTS):
        for strategy in footsteps.strategies:
            patterns = footsteps.abstract(strategy, {}).patterns
            for limits in ({}, LIMITS["inside"], LIMITS["out of inside"], LIMITS["interface"]):
                for action in ("drop", "reject", "log", "count"):
                    for expire in (False, True)[:1 if strategy["kind"] == "patterns" else 2]:
                        # More rules than there can be filters for are refused, too; see test_log.
                        if (form, action, strategy["kind"]) == ("snort", "log", "clients"):
                            continue
                        result = footsteps.rules(form, strategy, *options(limits), "--action", action,
                                                 *(["--expire", "1h"] if expire else []))
                        reason = refusal(form, strategy, limits, action, expire, patterns)
                        good = (result.returncode == 0 and result.stdout) if reason is None else \
                            (result.returncode == 1 and not result.stdout and reason in result.stderr and
                             any(word in result.stderr for word in ("take", "leave out", "give")))
                        if not good:
                            wrong.append(f"{form} {name_of(strategy)} {limits} {action} {expire}: expected {reason}, got "
                                         f"{result.returncode} {result.stderr}")
    ok(not wrong, "what a format cannot say is refused with the reason, and nothing else is", *wrong[:10])
    listed = {(row["format"], row["strategy"]): row["can"] for row in footsteps.rows
              if row["row"] == "expressible" and row["protocol"] == "skype"}
    expected = {(form, s["strategy"]): refusal(form, s, {}) is None for form in (*ENGINES, *LISTS)
                for s in footsteps.strategies if s["protocol"] == "skype"}
    equal({key: listed.get(key) for key in expected}, expected, "--list says which strategies these formats can say")


def test_absurd_limits(footsteps):
    """Lists of addresses that an engine would take for an error, or for everything."""
    strategy = footsteps.strategies[0]
    for words, name in ((["--never", "0.0.0.0/8"], "a prefix of the address zero"), (["--never", "::/0"], "all of IPv6"),
                        (["--internal", "10.0.0.0/8", "--never", "10.0.0.0/9", "--never", "10.128.0.0/9"], "all that is inside"),
                        (["--internal", "10.0.0.0/8", "--never", "10.0.0.0/8"], "just what is inside"),
                        ([w for n in range(60) for w in ("--never", f"192.0.2.{2 * n}")], "sixty prefixes")):
        for form in ENGINES:
            result = footsteps.rules(form, strategy, *words)
            ok(result.returncode == 1 and not result.stdout, f"{form}: refused: {name}", result.stderr)


# --- random packets ---------------------------------------------------------------------------------------------------

def differences(abstract, fits, made):
    """(wider, narrower, narrower of fragments, acted upon); fits(packet)"""
    wider, narrower, fragments, acted = [], [], 0, 0
    for packet in made:
        wanted, got = abstract.acts(packet.parts, packet.going), fits(packet)
        acted += wanted
        if got and not wanted:
            wider.append(packet)
        elif wanted and not got:
            if packet.parts.fragment is None:
                narrower.append(packet)
            fragments += packet.parts.fragment is not None
    return wider, narrower, fragments, acted


def compare(footsteps, form, strategy, name, limits, seed):
    result = footsteps.rules(form, strategy, *options(limits))
    title = f"{form}, {name_of(strategy)}, {name}"
    if result.returncode != 0:
        ok(False, title, result.stderr)
        return None
    try:
        rules = {**ENGINES, **LISTS}[form](result.stdout)
    except (RuleError, ListError, ValueError) as problem:
        ok(False, title, problem, result.stdout)
        return None
    abstract = footsteps.abstract(strategy, limits)
    made = packets(abstract, seed, PACKETS, extra=OTHERS if strategy["kind"] == "servers" else NEVER_SEEN)
    if form in ENGINES:
        wider, narrower, fragments, acted = differences(abstract, lambda p: any(rule.fits(p.parts) for rule in rules), made)
    else:
        wider, narrower, fragments, acted = differences(
            abstract, lambda p: rules.blocks(p.parts, p.going, INTERFACE), made)
    again = footsteps.rules(form, strategy, *options(limits))
    ok(not wider and not narrower and (not fragments or "fragments" in result.stdout) and result.stdout == again.stdout and
       (acted > 0) != (name == "inside is spared"),
       f"{title}: {acted} of {len(made)} packets", f"wider: {len(wider)}", *map(repr, wider[:3]), f"narrower: {len(narrower)}",
       *map(repr, narrower[:3]), f"fragments that pass: {fragments}", result.stdout)
    return rules


def test_random(footsteps):
    numbers, seed = {}, 0
    for form in (*ENGINES, *LISTS):
        for strategy in footsteps.strategies:
            for name, limits in LIMITS.items():
                if refusal(form, strategy, limits):
                    continue
                seed += 1
                rules = compare(footsteps, form, strategy, name, limits, seed)
                if form in ENGINES and rules:
                    for rule in rules:
                        numbers.setdefault((form, rule.sid), set()).add((strategy["protocol"], strategy["strategy"]))
    ok(numbers and all(len(users) == 1 for users in numbers.values()), "no two strategies have a number in common")


# --- actions ----------------------------------------------------------------------------------------------------------

def body(text):
    return [line for line in text.splitlines() if line and line[0] not in "#!"]


def test_actions(footsteps):
    for form in (*ENGINES, *LISTS):
        for strategy in footsteps.strategies:
            if form in LISTS and strategy["kind"] == "patterns":
                continue
            dropped = body(footsteps.rules(form, strategy).stdout)
            words = {"suricata": ("drop ", "reject "), "snort": ("drop ", "reject "), "pf": ("block drop ", "block return ")}
            patterns = footsteps.abstract(strategy, {}).patterns
            if form in words and not refusal(form, strategy, {}, "reject", patterns=patterns):
                rejected = body(footsteps.rules(form, strategy, "--action", "reject").stdout)
                equal(rejected, [line.replace(*words[form]) if line.startswith(words[form][0]) else line for line in dropped],
                      f"{form}, {name_of(strategy)}: rejects what it would drop")
            if form == "cisco":
                counted, logged = ([re.sub(r"^( sequence|) \d+", r"\1 N", line) for line in body(
                    footsteps.rules(form, strategy, "--action", action).stdout) if not line.endswith(" any any fragments")]
                                   for action in ("count", "log"))
                dropped = [re.sub(r"^( sequence|) \d+", r"\1 N", line) for line in dropped]
                equal(counted, [line.replace(" deny ", " permit ") for line in dropped],
                      f"cisco, {name_of(strategy)}: counts what it would deny")
                equal(logged, [line.replace(" deny ", " permit ") + (" log" if " deny " in line else "") for line in dropped],
                      f"cisco, {name_of(strategy)}: logs what it would deny")


def test_cisco_logs(footsteps):
    """What it logs is what it would deny: a line that permits a port fits later fragments of all ports, one that denies, none."""
    for strategy in footsteps.strategies:
        if strategy["kind"] == "patterns":
            continue
        for name in ("all", "inside, never", "interface, inside"):
            lists = read_cisco(footsteps.rules("cisco", strategy, *options(LIMITS[name]), "--action", "log").stdout)
            abstract = footsteps.abstract(strategy, LIMITS[name])
            made = packets(abstract, 78, PACKETS)
            wrong = [packet for packet in made if abstract.acts(packet.parts, packet.going) !=
                     lists.logs(packet.parts, packet.going, INTERFACE)]
            later = sum(bool(packet.parts.fragment) for packet in made)
            ok(later and not wrong, f"cisco, {name_of(strategy)}, {name}: logs what it would deny, {later} later fragments",
               *wrong[:3])


def test_pf_says_what_passes_with_its_state(footsteps):
    for strategy in footsteps.strategies:
        for name in ("inside", "out of inside", "in by interface") if strategy["kind"] != "patterns" else ():
            text = footsteps.rules("pf", strategy, *options(LIMITS[name])).stdout
            ok(("begins the other way" in text) == ("direction" in LIMITS[name]) and text,
               f"pf, {name_of(strategy)}, {name}: says what one direction leaves open")


def test_long_interfaces(footsteps):
    """Those of IOS have "/" in their names, and more characters than Linux allows."""
    name = "TenGigabitEthernet1/0/24.4094"
    strategy = next(s for s in footsteps.strategies if s["kind"] == "servers")
    result = footsteps.rules("cisco", strategy, "--interface", name)
    ok({on for on, _, _ in read_cisco(result.stdout).applied} == {name}, f"cisco: --interface {name}", result.stderr)
    for form, wrong in (("cisco", "a b"), ("cisco", "a\nb"), ("cisco", "x" * 65), ("nft", "a/b"), ("pf", name)):
        result = footsteps.rules(form, strategy, "--interface", wrong)
        ok(result.returncode == 1 and "no name of an interface" in result.stderr, f"{form}: --interface {wrong!r} is refused",
           result.stderr)


def test_nobody(footsteps):
    """An address that Snort takes for all addresses, from a forged packet."""
    for strategy in footsteps.strategies:
        if strategy["kind"] == "patterns":
            continue
        forged = tmp("forged.db")
        shutil.copy(footsteps.database, forged)
        with sqlite3.connect(forged) as connection:
            for table, column, last in (("flows", "server_ip", SERVERS[-1]), ("clients", "ip", CLIENTS[-1][0])):
                connection.execute(f"UPDATE {table} SET {column} = '0.0.0.0' WHERE {column} = ?", ["10.1.2.3"])
                connection.execute(f"UPDATE {table} SET {column} = '::' WHERE {column} = ?", [last])
        connection.close()
        result = run("rules", "--format", "snort", "--protocol", strategy["protocol"], "--strategy", strategy["strategy"], forged)
        try:
            rules = read_snort(result.stdout)
        except RuleError as problem:
            rules = ok(False, f"snort, {name_of(strategy)}: 0.0.0.0 and :: are not in the rules", problem)
        if rules is not False:
            ok(rules and "0.0.0.0" not in result.stdout, f"snort, {name_of(strategy)}: 0.0.0.0 and :: are not in the rules",
               result.stderr)


def test_log(footsteps):
    for form, reader in ENGINES.items():
        for strategy in footsteps.strategies:
            dropped, result = footsteps.rules(form, strategy).stdout, footsteps.rules(form, strategy, "--action", "log")
            rules = reader(result.stdout)
            if form == "suricata":
                good = all(rule.filter == (10, 60) for rule in rules)
            else:  # a filter for each, in the configuration
                good = all(f"gid = 1, sid = {rule.sid}, type = 'limit'" in result.stdout for rule in rules)
            bound = "threshold:type limit, track by_rule, count 10, seconds 60; "
            without = [line.replace(bound, "") for line in body(result.stdout)]
            ok(good and rules and {rule.action for rule in rules} == {"alert"} and
               without == [line.replace("drop ", "alert ", 1) for line in body(dropped)],
               f"{form}, {name_of(strategy)}: alerts of what it would drop, so many a minute", result.stderr, result.stdout)


def test_cisco_is_never_shut(footsteps):
    """An access list takes effect while it is being entered."""
    for strategy in footsteps.strategies:
        if strategy["kind"] == "patterns":
            continue
        for name in ("inside, never", "interface, inside"):
            lists = read_cisco(footsteps.rules("cisco", strategy, *options(LIMITS[name])).stdout)
            abstract = footsteps.abstract(strategy, LIMITS[name])
            made = packets(abstract, 77, 150)
            wider = [(entered, packet) for packet in made if not abstract.acts(packet.parts, packet.going)
                     for entered in range(60) if lists.blocks(packet.parts, packet.going, INTERFACE, entered)]
            ok(not wider, f"cisco, {name_of(strategy)}, {name}: half entered, it denies nothing else", *wider[:3])


# --- captures ---------------------------------------------------------------------------------------------------------

def ip_of(link, frame):
    """The IP packet of a frame, without tunnels; None."""
    at = {1: 14, 101: 0, 12: 0, 113: 16, 0: 4}.get(link)
    if at is None or len(frame) < at + 20:
        return None
    if at in (14, 16):
        kind = frame[at - 2:at]
        while kind in (b"\x81\x00", b"\x88\xa8"):
            kind, at = frame[at + 2:at + 4], at + 4
        if kind not in (b"\x08\x00", b"\x86\xdd"):
            return None
    return frame[at:]


def frames(path):
    """(number, link, frame) of a pcap, of either byte order, or of what tcpdump makes one of."""
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as f:
        data = f.read()
    if data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"):
        if not shutil.which("tcpdump"):
            return
        data = subprocess.run(["tcpdump", "-r", path, "-w", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False).stdout
    if len(data) < 24:
        return
    order = "<" if data[:1] in b"\xd4\x4d" else ">"
    link, at, number = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF, 24, 0
    while at + 16 <= len(data):
        length, number = struct.unpack_from(order + "I", data, at + 8)[0], number + 1
        yield number, link, data[at + 16:at + 16 + length]
        at += 16 + length


def captures(*tops):
    return sorted(os.path.join(top, name) for top in tops if top for name in os.listdir(top)
                  if name.endswith((".pcap", ".pcapng", ".pcap.gz", ".cap")))


def test_captures(footsteps, title, paths):
    """Patterns alone, for captures hold any addresses: the rules of both engines against the abstract rule."""
    strategies = [s for s in footsteps.strategies if s["kind"] == "patterns"]
    rules = {(form, name_of(s)): reader(footsteps.rules(form, s).stdout) for form, reader in ENGINES.items() for s in strategies}
    patterns = {name_of(s): footsteps.abstract(s, {}).patterns for s in strategies}
    seen, wrong, hits = 0, [], dict.fromkeys(patterns, 0)
    for path in paths:
        used = 0
        for number, link, frame in frames(path):
            packet = ip_of(link, frame)
            parts = Parts(packet) if packet else None
            if not parts or parts.broken or not parts.payload or parts.fragment is not None:
                continue
            used += 1
            if used > FROM_CAPTURE:
                break
            for name, of in patterns.items():
                wanted = any(pattern_fits(pattern, parts) for pattern in of)
                hits[name] += wanted
                wrong += [f"{form} {name}: {path} {number}: wanted {wanted}" for form in ENGINES
                          if any(rule.fits(parts) for rule in rules[form, name]) != wanted]
        seen += used
    ok(seen and not wrong, f"{title}: the rules of Suricata and Snort fit what they should", *wrong[:10])
    return f"{seen} packets with payload, of them fit: " + ", ".join(f"{name} {count}" for name, count in hits.items()), hits


# --- the engines ------------------------------------------------------------------------------------------------------

def expected_packets(footsteps, strategy, path):
    """Numbers of the packets of a capture that fit."""
    patterns, found = footsteps.abstract(strategy, {}).patterns, set()
    for number, link, frame in frames(path):
        packet = ip_of(link, frame)
        parts = Parts(packet) if packet else None
        if parts and not parts.broken and any(pattern_fits(pattern, parts) for pattern in patterns):
            found.add(number)
    return found


def suricata_packets(rules, path, folder):
    """Numbers of the packets that Suricata has an alert for."""
    result = subprocess.run(["suricata", "-r", path, "-S", rules, "-l", folder, "-k", "none"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, timeout=300)
    with open(os.path.join(folder, "eve.json"), encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    return result, {event["pcap_cnt"] for event in events if event["event_type"] == "alert"}


def snort_packets(rules, path, folder):
    """Numbers of the packets that Snort has an alert for."""
    lua = "search_engine = search_engine or {}; search_engine.detect_raw_tcp = true; alert_csv = { fields = 'pkt_num' }"
    config = next(file for file in SNORT_CONFIGS if os.path.exists(file))
    result = subprocess.run(["snort", "-q", "-c", config, "-R", rules, "-r", path, "-l", folder, "-A", "csv", "-k", "none",
                             "--lua", lua], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300)
    return result, {int(line) for line in result.stdout.decode().split() if line.isdigit()}


SNORT_CONFIGS = ("/etc/snort/snort.lua", "/usr/local/etc/snort/snort.lua")


def why_not(program):
    """Why the engine cannot be asked, or None."""
    if not shutil.which(program):
        return f"{program} is not installed"
    if program == "snort":
        version = subprocess.run(["snort", "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
        if b"Version 3." not in version:
            return "this is not Snort 3"
        if not any(map(os.path.exists, SNORT_CONFIGS)):
            return "there is no snort.lua"
    return None


def test_engines(footsteps):
    path = os.path.join(TOP, "traces", "login.pcap")
    for program, ask in (("suricata", suricata_packets), ("snort", snort_packets)):
        for strategy in footsteps.strategies:
            name = f"{program} itself, {name_of(strategy)}: alerts of the packets that fit"
            reason = why_not(program)
            if strategy["kind"] != "patterns" or reason:
                skip(name, reason or "its rules name no packets of the capture")
                continue
            folder = tmp(f"{program}-{strategy['strategy']}")
            os.mkdir(folder)
            rules = write(os.path.join(folder, "x.rules"), footsteps.rules(program, strategy).stdout.encode())
            result, found = ask(rules, path, folder)
            equal(found, expected_packets(footsteps, strategy, path), name, result.stdout.decode(errors="replace")[-2000:])


def test_pfctl(footsteps):
    for strategy in footsteps.strategies:
        if strategy["kind"] == "patterns":
            continue
        name = f"pfctl itself, {name_of(strategy)}: reads the rules"
        if not shutil.which("pfctl"):
            skip(name, "pfctl is not installed")
            continue
        for limits in LIMITS.values():
            rules = write(tmp("pf.conf"), footsteps.rules("pf", strategy, *options(limits)).stdout.encode())
            result = subprocess.run(["pfctl", "-n", "-f", rules], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    check=False)
            ok(result.returncode == 0, name, result.stdout)


def main():
    footsteps = Footsteps()
    test_refusals(footsteps)
    test_absurd_limits(footsteps)
    test_random(footsteps)
    test_actions(footsteps)
    test_log(footsteps)
    test_cisco_is_never_shut(footsteps)
    test_cisco_logs(footsteps)
    test_long_interfaces(footsteps)
    test_nobody(footsteps)
    test_pf_says_what_passes_with_its_state(footsteps)
    ours = captures(os.path.join(TOP, "traces"), os.path.join(TOP, "traces", "peer"))
    said, hits = test_captures(footsteps, "captures of the project", ours)
    ok(hits["skype exact"] and hits["skype combined"] and hits["skype udp-probe"], f"and they hold it: {said}")
    name = "captures with ground truth, and those of other protocols"
    if traces("skype") and traces("other-protocols"):
        said, hits = test_captures(footsteps, name, captures(traces("skype"), traces("other-protocols")))
        ok(hits["skype paper"] > hits["skype exact"] > 0, f"and they hold it: {said}")
    else:
        missing(name)
    test_engines(footsteps)
    test_pfctl(footsteps)
    done()


main()
