"""Rules of Suricata and Snort 3, read and judged as their manuals and sources say: as much of the languages as footsteps writes,
and a mistake (RuleError) for every word besides. A helper of the tests of `footsteps rules`; standard library only.

    rules = read_suricata(text)       # or read_snort(text)
    [rule.fits(parts) for rule in rules]   # parts: Parts of rules_model

Sources: docs.suricata.io (rules: format, payload keywords, thresholding), detect-engine-address.c, detect-dsize.c; docs.snort.org
(rule writing guide), sf_ipvar.cc, sf_cidr.h, range.cc, ips_flow.cc, fp_detect.cc of Snort 3.
"""
import ipaddress
import re
from rules_model import TCP, UDP

LINE_MAX = 8192          # DETECT_MAX_RULE_SIZE of Suricata
LOCAL = range(1000000, 2000000)
PROTOCOLS = {"ip": None, "tcp": TCP, "udp": UDP}
ALL = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]


class RuleError(Exception):
    pass


def need(condition, message):
    if not condition:
        raise RuleError(message)


# --- addresses --------------------------------------------------------------------------------------------------------

def group_items(text):
    """"[a,!b]" as (positive, negative) prefixes; "![a,b]" as well."""
    negated = text.startswith("!")
    text = text[negated:]
    if text.startswith("["):
        need(text.endswith("]") and "[" not in text[1:], f"address {text}")
        items = text[1:-1].split(",")
    else:
        items = [text]
    found = ([], [])
    for item in items:
        no = item.startswith("!")
        need(re.fullmatch(r"[0-9a-f:.]+(/[0-9]+)?", item[no:]), f"address {item!r} in {text}")
        found[no != negated].append(ipaddress.ip_network(item[no:]))  # strict: no bits behind the prefix
    return found


class SuricataGroup:
    """DetectAddressMergeNot(): each family for itself."""

    def __init__(self, text):
        self.plus, self.minus = (ALL[:], []) if text == "any" else group_items(text)
        for zero in ALL:
            of_family = [net for net in self.minus if net.version == zero.version]
            need(sum(n.num_addresses for n in ipaddress.collapse_addresses(of_family)) < zero.num_addresses,
                 "complete IP space negated")
            if of_family and not any(net.version == zero.version for net in self.plus):
                self.plus.append(zero)
        for no in self.minus:
            need(any(no.version == net.version and no.overlaps(net) for net in self.plus), "not all negations could be applied")
        left = {version: [net for net in self.plus if net.version == version] for version in (4, 6)}
        need(any(not self._gone(net) for nets in left.values() for net in nets), "no addresses left")

    def _gone(self, net):
        inside = [no for no in self.minus if no.version == net.version and no.overlaps(net)]
        if any(net.subnet_of(no) for no in inside):
            return True
        return sum(n.num_addresses for n in ipaddress.collapse_addresses(inside)) == net.num_addresses

    def holds(self, address):
        return any(address in net for net in self.plus) and not any(address in net for net in self.minus)


class SnortGroup:
    """sfvar_parse_iplist(), sfvar_validate(), sfvar_ip_in4() and 6."""

    def __init__(self, text):
        self.any = text == "any"
        self.plus, self.minus = ([], []) if self.any else group_items(text)
        for net in self.plus + self.minus:
            need(int(net.network_address) != 0, f"{net}: fast_cont4() takes it for everything")
        for net in self.plus:
            need(not any(no.version == net.version and net.subnet_of(no) for no in self.minus),
                 "conflict: negated by a wider one")

    def holds(self, address):
        if any(address in net for net in self.minus):
            return False
        return self.any or not self.plus or any(address in net for net in self.plus)


# --- options ----------------------------------------------------------------------------------------------------------

def split_options(text):
    """(keyword, value or None) each; ";" and quotation marks inside of values are escaped."""
    found, at = [], 0
    option = re.compile(r'\s*([a-z_]+)(?::((?:"(?:[^"\\;]|\\.)*"|![^;"\\]*"(?:[^"\\;]|\\.)*"|[^;"\\])*))?;')
    while text[at:].strip():
        match = option.match(text, at)
        need(match, f"options at {text[at:at + 40]!r}")
        found.append((match[1], match[2]))
        at = match.end()
    return found


def content_bytes(text):
    """The bytes of "|16 03|": nothing else is written here."""
    need(re.fullmatch(r'"\|[0-9A-F]{2}( [0-9A-F]{2})*\|"', text), f"content {text}")
    return bytes.fromhex(text[2:-2])


class Content:
    def __init__(self, value):
        self.negated = value.startswith("!")
        self.value, self.offset, self.depth = content_bytes(value[self.negated:]), 0, None

    def check(self):
        need(self.depth is None or self.depth >= len(self.value), "depth is smaller than the content")

    def holds(self, payload):
        end = len(payload) if self.depth is None else min(len(payload), self.offset + self.depth)
        return (self.value in payload[self.offset:end]) != self.negated


def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,8}", text), f"number {text!r}")
    return int(text)


class Rule:
    """What both have; `group` reads an address list."""
    group = None

    def __init__(self, line):
        match = re.fullmatch(r"(drop|reject|alert) (ip|tcp|udp) (\S+) (\S+) (->|<>) (\S+) (\S+) \((.*)\)", line)
        need(match, f"header of {line[:100]!r}")
        self.line, self.action, self.both = line, match[1], match[5] == "<>"
        self.protocol = PROTOCOLS[match[2]]
        self.sides = [(self.group(match[3]), self._port(match[4])), (self.group(match[6]), self._port(match[7]))]
        self.contents, self.size, self.seen = [], None, []
        self.message = self.sid = self.filter = None
        self.flow = set()
        for keyword, value in split_options(match[8]):
            self.seen.append(keyword)
            getattr(self, "_" + keyword, self._unknown)(value)
        for content in self.contents:
            content.check()
        for once in ("msg", "sid", "rev", "classtype", "metadata"):
            need(self.seen.count(once) == 1, f"{once} {self.seen.count(once)} times")
        need(self.seen.count("dsize") < 2, "two dsize")
        self.finish()

    def finish(self):
        raise NotImplementedError

    def _unknown(self, value):
        raise RuleError(f"unknown keyword {self.seen[-1]}:{value}")

    def _port(self, text):
        if text == "any":
            return None
        need(self.protocol in (TCP, UDP) and 0 < number(text) < 65536, f"port {text}")
        return int(text)

    def _msg(self, value):
        need(value[0] == value[-1] == '"', "msg wants quotation marks")
        self.message = re.sub(r"\\(.)", r"\1", value[1:-1])

    def _sid(self, value):
        self.sid = number(value)
        need(self.sid in LOCAL, "sid is not local")

    def _rev(self, value):
        need(value == "1", "rev")

    def _classtype(self, value):
        need(value == "policy-violation", "classtype is not in classification.config, nor in snort_defaults.lua")

    def _metadata(self, value):
        need(re.fullmatch(r"[a-z]+ [a-z0-9_]+", value), "metadata")

    # Both engines see fragments, and then the datagram that they have put together, which is not looked at here: of a
    # fragment there are addresses, and no transport.
    def fits(self, parts):
        if parts.broken:
            return False
        payload = parts.payload if parts.fragment is None else None
        if self.protocol is not None and (parts.protocol != self.protocol or payload is None):
            return False
        payload = payload or b""
        if not self._header(parts, 0, 1) and not (self.both and self._header(parts, 1, 0)):
            return False
        return (self.size is None or self.size(len(payload))) and all(c.holds(payload) for c in self.contents)

    def _header(self, parts, left, right):
        ends = (parts.source, parts.destination)
        return all(group.holds(ends[end]) and (port is None or parts.ports[end] == port)
                   for (group, port), end in zip(self.sides, (left, right)))


class Suricata(Rule):
    group = SuricataGroup

    def _dsize(self, value):
        """docs: "dsize:[<>!]number; || dsize:min<>max;", and the ends of a range are not in it."""
        match = re.fullmatch(r"([<>])?(\d+)|(\d+)<>(\d+)", value)
        need(match, f"dsize {value}")
        if match[3]:
            low, high = number(match[3]), number(match[4])
            need(low + 1 < high, "dsize: empty range")
            self.size = lambda n: low < n < high
        else:
            limit = number(match[2])
            self.size = {"<": lambda n: n < limit, ">": lambda n: n > limit, None: lambda n: n == limit}[match[1]]
        need(max(map(int, re.findall(r"\d+", value))) < 65536, "dsize")

    def _content(self, value):
        self.contents.append(Content(value))

    def _offset(self, value):
        self.contents[-1].offset = number(value)

    def _depth(self, value):
        self.contents[-1].depth = number(value)

    def _threshold(self, value):
        match = re.fullmatch(r"type limit, track by_rule, count (\d+), seconds (\d+)", value)
        need(match, f"threshold {value}")
        self.filter = int(match[1]), int(match[2])

    def finish(self):
        # Without it, a rule for TCP inspects the stream, and one without content is "IP-only": per flow.
        need(self.size is not None, "nothing makes this a rule for packets")
        need(len(self.line) < LINE_MAX, "the line is too long")


class Snort(Rule):
    group = SnortGroup

    def _flow(self, value):
        self.flow = set(value.split(","))
        need(self.flow <= {"no_stream", "no_frag"}, f"flow {value}")

    def _dsize(self, value):
        """RangeCheck: "10<=>20" holds its ends."""
        match = re.fullmatch(r"(>=)?(\d+)|(\d+)<=>(\d+)", value)
        need(match, f"dsize {value}")
        if match[3]:
            low, high = number(match[3]), number(match[4])
            need(low <= high, "dsize: empty range")
            self.size = lambda n: low <= n <= high
        else:
            limit = number(match[2])
            self.size = (lambda n: n >= limit) if match[1] else (lambda n: n == limit)

    def _raw_data(self, value):
        need(value is None and not self.contents, "raw_data belongs before contents")

    def _content(self, value):
        match = re.fullmatch(r'(!?"[^"]*"),offset (\d+),depth (\d+)', value)
        need(match and "raw_data" in self.seen, f"content {value}")
        self.contents.append(Content(match[1]))
        self.contents[-1].offset, self.contents[-1].depth = number(match[2]), number(match[3])

    def finish(self):
        need("no_stream" in self.flow, "without flow:no_stream a rule sees what no packet held")
        need(self.size is None or "no_frag" in self.flow, "without no_frag, a rule sees what no packet held")


def read_rules(text, kind):
    """All rules of a file; what is no rule is a comment, and names no number twice."""
    rules = []
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            rules.append(kind(line))
    need(len({rule.sid for rule in rules}) == len(rules), "a sid twice")
    return rules


def read_suricata(text):
    return read_rules(text, Suricata)


def read_snort(text):
    return read_rules(text, Snort)
