"""Rules of pf and access lists of Cisco IOS, read and judged as their manuals say: as much of the languages as footsteps
writes, and a mistake (ListError) for every word besides. A helper of the tests of `footsteps rules`; standard library only.

    read_pf(text).blocks(parts, going, interface)    # parts: Parts of rules_model; going: "out", "in" of the interface, or None
    read_cisco(text).blocks(parts, going, interface)

Sources: pf.conf(5) of OpenBSD (TABLES, PACKET FILTERING, FRAGMENT HANDLING); Cisco IOS Security Configuration Guide: Access
Control Lists, "IP Access List Entry Sequence Numbering" and "IPv6 ACLs".
"""
import ipaddress
import re
from rules_model import TCP, UDP

NETWORK = r"[0-9a-f:.]+(?:/[0-9]+)?"
ADDRESS = r"[0-9a-f:.]+"


class ListError(Exception):
    pass


def need(condition, message):
    if not condition:
        raise ListError(message)


# --- pf ---------------------------------------------------------------------------------------------------------------

class PfTable:
    def __init__(self, lines):
        self.nets = []
        for line in lines:
            match = re.fullmatch(rf"\t(!?)({NETWORK})", line)
            need(match, f"table entry {line!r}")
            self.nets.append((ipaddress.ip_network(match[2]), not match[1]))
        names = [net for net, _ in self.nets]
        need(len(set(names)) == len(names), "an entry twice")

    def holds(self, address):
        """The most specific entry decides."""
        found = [(net.prefixlen, plus) for net, plus in self.nets if address in net]
        return bool(found) and max(found)[1]


class Pf:
    RULE = re.compile(r"block (drop|return)(?: (in|out))? quick(?: on (\S+))?( proto \{ tcp, udp \})? from (.+) to (.+)")

    def __init__(self, text):
        self.tables, self.rules, used = {}, [], set()
        lines = [line for line in text.split("\n") if line and not line.startswith("#")]
        while lines:
            line = lines.pop(0)
            match = re.fullmatch(r"table <([a-z_]{1,31})> \{", line)
            if match:
                end = lines.index("}")
                need(match[1] not in self.tables and not self.rules, f"table {match[1]}")
                self.tables[match[1]], lines = PfTable(lines[:end]), lines[end + 1:]
                continue
            match = self.RULE.fullmatch(line)
            need(match, f"rule {line!r}")
            need(bool(match[2]) == bool(match[3]), "a direction without an interface, or the reverse")
            used |= set(re.findall(r"<(\w+)>", line))
            self.rules.append((match[1], match[2], match[3], bool(match[4]), self.host(match[5]), self.host(match[6])))
        need(used == set(self.tables), f"tables {sorted(self.tables)}, used {sorted(used)}")
        self.actions = {rule[0] for rule in self.rules}

    def host(self, text):
        """(holds(address), port or None)"""
        if text == "any":
            return lambda address: True, None
        match = re.fullmatch(r"(! )?<(\w+)>", text)
        if match:
            need(match[2] in self.tables, f"no table {match[2]}")
            table, negated = self.tables[match[2]], bool(match[1])
            return lambda address: table.holds(address) != negated, None
        match = re.fullmatch(rf"({ADDRESS}) port (\d+)", text)
        need(match, f"host {text!r}")
        own = ipaddress.ip_address(match[1])
        return lambda address: address == own, int(match[2])

    def blocks(self, parts, going, interface):
        if parts.broken:
            return False
        for _, way, on, sockets, source, destination in self.rules:
            if way and (way != going or on != interface):
                continue
            if sockets and (parts.protocol not in (TCP, UDP) or parts.ports is None or parts.fragment is not None):
                continue  # "never applies to a fragment, even if the fragment is part of a TCP packet"
            if all(holds(address) and port in (None, parts.ports and parts.ports[end])
                   for end, ((holds, port), address) in enumerate(((source, parts.source), (destination, parts.destination)))):
                return True
        return False


def read_pf(text):
    return Pf(text)


# --- Cisco ------------------------------------------------------------------------------------------------------------

class Entry:
    LINE = re.compile(r" (sequence )?(\d+) (permit|deny) (\w+) (.*?)( fragments)?( log)?")

    def __init__(self, line, v4):
        match = self.LINE.fullmatch(line)
        need(match and bool(match[1]) != v4, f"entry {line!r}")
        self.sequence, self.permit, self.log = int(match[2]), match[3] == "permit", bool(match[7])
        need(1 <= self.sequence <= 2147483647, "sequence")
        protocols = {"ip" if v4 else "ipv6": None, "tcp": TCP, "udp": UDP}
        need(match[4] in protocols, f"protocol {match[4]}")
        self.protocol = protocols[match[4]]
        words = match[5].split(" ")
        self.source, self.destination = self.side(words, v4), self.side(words, v4)
        need(not words, f"words too many: {words}")
        self.fragments = bool(match[6])
        need(not self.fragments or not (self.source[1] or self.destination[1]), "a port of later fragments")
        self.wide = self.protocol is None

    def side(self, words, v4):
        """(holds(address), port or None)"""
        first = words.pop(0)
        if first == "any":
            holds = lambda address: True
        elif first == "host":
            own = ipaddress.ip_address(words.pop(0))
            holds = lambda address: address == own
        elif v4:
            base, wild = int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(words.pop(0)))
            need(wild & (wild + 1) == 0 and not base & wild, f"wildcard of {first}")
            holds = lambda address: int(address) | wild == base | wild
        else:
            net = ipaddress.IPv6Network(first)
            holds = lambda address: address in net
        port = None
        if words and words[0] == "eq":
            need(self.protocol, "a port of no protocol")
            port = int(words[1])
            del words[:2]
        return holds, port

    def fits(self, parts):
        """Of a later fragment there are addresses and a protocol: a line with a port that permits takes it, one that denies
        does not (IOS IP Configuration Guide, "Filtering IP Packets Using Access Lists")."""
        later = bool(parts.fragment)
        if self.fragments and not later or self.protocol not in (None, parts.protocol):
            return False
        if self.protocol is not None and parts.ports is None and not (later and self.permit):
            return False
        return all(holds(address) and (port is None or later or parts.ports[end] == port)
                   for end, ((holds, port), address) in enumerate(((self.source, parts.source),
                                                                    (self.destination, parts.destination))))


class AccessList:
    def __init__(self, v4):
        self.v4, self.entries = v4, []

    def enter(self, line):
        entry = Entry(line, self.v4)
        need(entry.sequence not in [other.sequence for other in self.entries], "a sequence number twice")
        self.entries.append(entry)

    def logs(self, parts):
        """The first that fits, by number, logs."""
        return next((entry.log for entry in sorted(self.entries, key=lambda entry: entry.sequence) if entry.fits(parts)), False)

    def denies(self, parts, entered=None):
        """The first that fits, by number; what none fits is denied. entered: while only these many lines are there."""
        entries = sorted(self.entries[:entered], key=lambda entry: entry.sequence)
        if not entries:
            return False  # an access list without entries permits everything
        for entry in entries:
            if entry.fits(parts):
                return not entry.permit
        return True


class Cisco:
    def __init__(self, text):
        self.lists, self.applied = {}, []
        self._read_head(text)
        current = None
        for line in text.split("\n"):
            if not line or line.startswith("!"):
                continue
            match = re.fullmatch(r"(no )?(ip access-list extended|ipv6 access-list) (\w+)", line)
            if match and match[1]:
                need(match[3] not in self.lists, "removed after it was made")
                continue
            if match:
                need(f"no {line}" in text, "an old list would stay")
                current = self.lists[match[3]] = AccessList(match[2].startswith("ip "))
            elif line == " exit":
                current = None
            else:
                need(current, f"line {line!r}")
                current.enter(line)
        need(set(self.lists) == {name for _, name, _ in self.applied}, "lists that are not applied, or the reverse")

    def _read_head(self, text):
        interface = None
        load = text.partition("! To load it")[2].partition("! To remove it")[0]
        for line in load.split("\n"):
            match = re.fullmatch(r"!     interface (\S+)", line)
            interface = match[1] if match else interface
            match = re.fullmatch(r"!      (ip access-group|ipv6 traffic-filter) (\w+) (in|out)", line)
            if match:
                self.applied.append((interface, match[2], match[3]))

    def _met(self, parts, going, interface):
        """A packet comes in by some interface, and leaves by another; "NAME" stands for each of them."""
        return [self.lists[name] for on, name, way in self.applied if not parts.broken and
                self.lists[name].v4 == (parts.version == 4) and (on == "NAME" or (on == interface and way == going))]

    def blocks(self, parts, going, interface, entered=None):
        return any(met.denies(parts, entered) for met in self._met(parts, going, interface))

    def logs(self, parts, going, interface):
        return any(met.logs(parts) for met in self._met(parts, going, interface))


def read_cisco(text):
    return Cisco(text)
