#!/usr/bin/env python3
"""`footsteps rules` as a user types it: what it prints and where, what it refuses and how it says so, which addresses and
clients of a database get into a rule. That the rules decide right is for rules_kernel.py and its kin, the rehearsal's counts for
rehearse.py."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import tap

CAPTURE = os.path.join(tap.TOP, "traces", "login.pcap")
COMMENTS = ("#", "//", "/*", " *", "!")  # what a line of the head begins with, in one format or another
NEVER, INTERNAL = "192.0.2.0/24", "10.0.0.0/8"  # written alike by all formats but for the mask
# Of a file's own: the path stands in the head, and must get no further.
EVIL = "a 'b' \"c\" $(touch x) `touch x`;\n*/\x1b[31m\u00e9 ??/ --\\"


def says(result, status, words, name, *checks):
    """The status, every word on standard error, no cry of a sanitizer, and the checks (pairs of truth and text)."""
    lost = [word for word in words if word.lower() not in result.stderr.lower()]
    failed = [text for passed, text in checks if not passed]
    tap.ok(result.returncode == status and not lost and not failed and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", *failed, "it said:", result.stderr)


def rules(*arguments, **options):
    return tap.run("rules", *arguments, **options)


def body(text):
    """What is no comment."""
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith(COMMENTS))


def rows(kind):
    return [row for row in LISTED if row["row"] == kind]


LISTED = [json.loads(line) for line in rules("--list", "--json").stdout.splitlines()]
STRATEGIES = rows("strategy")
FORMATS = [row["format"] for row in rows("format")]
CAN = {(row["format"], row["protocol"], row["strategy"]): row for row in rows("expressible")}


def listing():
    tap.equal(FORMATS, ["nft", "iptables", "ebpf", "bpf", "suricata", "snort", "pf", "cisco"], "--list --json: the formats")
    skype = [row["strategy"] for row in STRATEGIES if row["protocol"] == "skype"]
    tap.equal(skype, ["combined", "exact", "block3", "paper", "udp-probe", "node-hello", "addresses", "clients"],
              "... the strategies of Skype")
    tap.equal(sorted(CAN), sorted((f, s["protocol"], s["strategy"]) for f in FORMATS for s in STRATEGIES),
              "... every format has an answer for every strategy")
    wrong = [row for row in CAN.values() if bool(row["why"]) == row["can"]]
    tap.equal(wrong, [], "... a reason where the answer is no, and only there")
    patterns = {(row["protocol"], row["pattern"]): row for row in rows("pattern")}
    wrong = [row for row in STRATEGIES
             if bool(row["patterns"]) != (row["kind"] == "patterns") or bool(row["roles"]) != (row["kind"] == "servers")
             or any((row["protocol"], name) not in patterns for name in row["patterns"])]
    tap.equal(wrong, [], "... patterns and roles fit the kind")
    # BS section IV.A.2: 22 3 1 0.
    tap.equal([patterns["skype", "first_four"][key] for key in ("proto", "shortest", "longest", "tests")],
              ["tcp", 4, None, [{"offset": 0, "bytes": "16030100", "differs": False}]], "... the paper's pattern")
    wrong = [row for row in patterns.values() for test in row["tests"]
             if test["offset"] + len(test["bytes"]) // 2 > row["shortest"] or (test["differs"] and len(test["bytes"]) != 2)]
    tap.equal(wrong, [], "... no test reaches behind the shortest payload")
    only = [json.loads(line) for line in rules("--list", "--json", "--protocol", "bittorrent").stdout.splitlines()]
    tap.equal(only, [row for row in LISTED if row.get("protocol", "bittorrent") == "bittorrent"], "--list of one protocol")

    text = rules("--list").stdout
    tap.equal([line for line in text.splitlines() if len(line) > 80], [], "--list: in 80 columns")
    flat = " ".join(text.split())
    lost = [row["strategy"] + "." + key for row in STRATEGIES for key in ("summary", "reason", "cost", "weakness")
            if row[key] not in flat]
    tap.equal(lost, [], "... with reason, cost and weakness of each")
    tap.equal(matrix(text), {key: row["why"] for key, row in CAN.items()}, "... and the same answers as in JSON")


def matrix(text):
    """The tables of --list, read back: (format, protocol, strategy) -> why not."""
    answers, protocol, columns, pending, reasons = {}, None, None, {}, {}

    def settle():
        for key, number in pending.items():
            reason = reasons.get(number, "")
            answers[key] = reason.split(": ", 1)[1] if reason.startswith(key[0] + ": ") else reason
        pending.clear()
        reasons.clear()
    last = None
    for line in text.splitlines():
        title = re.match(r"\S.* \(--protocol (\S+)\)", line)
        reason = re.match(r"  (\d+) +(\w+: .*)", line)
        words = line.split()
        if title or line.startswith("Formats:"):
            settle()
            protocol, columns = title and title.group(1), None
        elif words[:2] == ["strategy", FORMATS[0]]:
            columns = words[1:]
        elif columns and reason:
            last = reason.group(1)
            reasons[last] = reason.group(2)
        elif columns and last and line.startswith("     "):
            reasons[last] += " " + line.strip()
        elif columns and words:
            cells = re.findall(r"yes|no \d+", line)
            for column, cell in zip(columns, cells):
                key = (column, protocol, words[0])
                if cell == "yes":
                    answers[key] = ""
                else:
                    pending[key] = cell.split()[1]
        if not words:
            last = None
    settle()
    return answers


def usage(db):
    for arguments, words, name in (
            (("--strategy", "exat"), ["exat", "did you mean 'exact'"], "an unknown strategy: the nearest"),
            (("--protocol", "skpe"), ["skpe", "did you mean 'skype'"], "an unknown protocol: the nearest"),
            (("--format", "iptable"), ["iptable", "did you mean 'iptables'"], "an unknown format: the nearest"),
            (("--format", "junos"), ["junos", "cisco"], "an unknown format, near none: all of them"),
            (("--action", "accept"), ["accept", "reject"], "an unknown action"),
            (("--protocol", "bittorrent", "--strategy", "exact"), ["bittorrent has no strategy 'exact'", "clients"],
             "a strategy of another protocol: those that there are"),
            (("--direction", "out"), ["--direction out", "--interface", "--internal"], "a direction out of nothing"),
            (("--direction", "in"), ["--direction in", "--interface", "--internal"], "a direction into nothing"),
            (("--expire", "1h"), ["--expire", "combined", "no addresses"], "patterns do not expire"),
            (("--strategy", "clients", "--expire", "0.5s", db), ["--expire", "whole seconds"], "half a second"),
            (("--strategy", "clients", "--expire", "400d", db), ["--expire", "366 days"], "more than a year"),
            (("--strategy", "addresses"), ["'addresses'", "name a database"], "addresses from nowhere"),
            (("--strategy", "clients"), ["'clients'", "name a database"], "clients from nowhere"),
            ((db,), ["'combined'", "nothing from a database", "--try"], "a database that is of no use"),
            (("--never", "10.0.0.1/8"), ["--never", "10.0.0.0/8"], "a prefix with bits behind it: which is meant"),
            (("--internal", "campus"), ["--internal", "'campus' is no IP prefix"], "no prefix at all"),
            (("--list", "--try"), ["exclude each other"], "two modes"),
            (("--list", "--readback", "x"), ["exclude each other"], "two modes"),
            (("--list", db), ["--list takes no argument"], "a list of a database"),
            (("--list", "--format", "nft"), ["--format", "--list"], "a list in a format"),
            (("--list", "-o", "x"), ["--output", "--list"], "a list in a file"),
            (("--list", "--never", "10.0.0.0/8"), ["--never", "--list"], "a list with exceptions"),
            (("--json",), ["--json", "--format"], "rules as JSON"),
            (("--all",), ["--all is for --try"], "--all without --try"),
            (("--seen", db), ["--seen is for --try; to make rules of", "name it without"], "--seen without --try"),
            (("--try",), ["on what?"], "--try on nothing"),
            (("--try", "--direction", "out", CAPTURE), ["what? Name the side with --internal"], "--try in a direction of nothing"),
            (("--try", "--interface", "eth0", CAPTURE), ["--interface", "--internal"], "--try on an interface"),
            (("--try", "--format", "nft", CAPTURE), ["--format", "makes no rules"], "--try in a format"),
            (("--try", "--action", "log", CAPTURE), ["--action", "makes no rules"], "--try with an action"),
            (("--try", "-o", "x", CAPTURE), ["--output"], "--try into a file"),
            (("--try", "--strategy", "exact", "--seen", db, CAPTURE), ["--seen", "exact"], "patterns know no addresses"),
            (("--readback", "x", "--strategy", "exact"), ["--strategy", "--readback"], "--readback of a strategy"),
            (("--readback", "x", db), ["reads one file"], "--readback of two files"),
            (("-o", ""), ["-o names no file"], "an output without a name")):
        says(rules(*arguments), 1, words, f"{name}: {' '.join(arguments[:2])}")
    for name in ("", "a b", "eth0;id", "eth0\n", "eth0\"", "*", "-i", ".", "..", "sixteen_letters_", "\u00e9", "$(id)", "a/b"):
        says(rules(f"--interface={name}"), 1, ["is no name of an interface"], f"no name of an interface: {name!r}")
    for name in ("eth0", "fifteen_letters", "wg-home", "eth0.7", "br_x"):
        says(rules("--interface", name), 0, [], f"a name of an interface: {name}")
    # Each format knows the names of its own world: what can be none there would never fit, or fit more than one.
    names = {"eth0@if5": "", "eth0:1": "cisco", "a/b": "", "em0": "nft iptables ebpf pf cisco", "vlan0.10": "nft iptables ebpf pf cisco",
             "any": "nft iptables ebpf", "em": "nft iptables ebpf", "wg-home": "nft iptables ebpf", "sixteen_letters0": "",
             "GigabitEthernet0/1": "cisco", "Port-channel12": "nft iptables ebpf cisco", "TenGigabitEthernet1/0/24.4094": "cisco",
             "Serial0/0/0:23": "cisco"}
    for name, formats in names.items():
        for format in ("nft", "iptables", "ebpf", "pf", "cisco"):
            taken = format in formats.split()
            says(rules("--strategy", "clients", "--format", format, "--interface", name, db), 0 if taken else 1,
                 [] if taken else ["is no name of an interface"], f"{format}: the interface {name}")
    says(rules("--strategy", "clients", tap.tmp("missing.db")), 2, ["missing.db"], "no such database")
    says(rules("--strategy", "clients", CAPTURE), 2, ["capture", "footsteps read"], "a capture where a database should be")
    says(rules("--readback", tap.tmp("missing.json")), 2, ["missing.json"], "nothing to read back")


def arguments_for(strategy):
    return ["--protocol", strategy["protocol"], "--strategy", strategy["strategy"]] + (
        [DB_OF[strategy["protocol"]]] if strategy["kind"] != "patterns" else [])


def said_by(format):
    """The first strategy that the format can say."""
    return next(s for s in STRATEGIES if CAN[format, s["protocol"], s["strategy"]]["can"])


def every_format():
    for format in FORMATS:
        for strategy in STRATEGIES:
            what = f"{format}, {strategy['protocol']} {strategy['strategy']}"
            can = CAN[format, strategy["protocol"], strategy["strategy"]]
            arguments = ["--format", format, *arguments_for(strategy)]
            result = rules(*arguments)
            if not can["can"]:
                says(result, 1, [can["why"][:60]], f"{what}: refused, with the reason of --list", (not result.stdout, result.stdout))
                continue
            text, head = result.stdout, " ".join(result.stdout.replace("#", " ").replace("//", " ").replace("!", " ").split())
            odd = [line for line in text.splitlines() if re.search(r"[^ -~\t]", line)]
            says(result, 0, [], what,
                 (body(text), "there is no rule in it"),
                 (not odd, f"not printable: {odd[:3]}"),
                 (strategy["summary"] in head, "the head does not say what it does"),
                 (strategy["weakness"] in head, "the head does not say how it is escaped"),
                 (f"--protocol {strategy['protocol']} --strategy {strategy['strategy']} --format {format}" in head,
                  "the head does not say what made it"),
                 ("To load it" in head, "the head does not say how to load it"),
                 ("To remove it" in head or format == "bpf", "the head does not say how to remove it"),  # a filter is only used
                 (rules(*arguments).stdout == text, "the second time it is another text"),
                 (text.endswith("\n"), "the last line has no end"))
            limits(what, arguments, body(text))


def limits(what, arguments, plain):
    """--never, --internal and --interface change the rules and stand in them, or are refused in words."""
    for option, value, shown in (("--never", NEVER, "192.0.2.0"), ("--never", "2001:db8::/32", "2001:db8:"),
                                 ("--internal", INTERNAL, "10.0.0.0"), ("--interface", "testif7", "testif7"),
                                 ("--action", "count", None), ("--action", "reject", None), ("--action", "log", None)):
        result = rules(option, value, *arguments)
        if result.returncode == 1:
            says(result, 1, ["footsteps: "], f"{what}: {option} {value} is refused in a sentence",
                 (len(result.stderr) > 40 and not result.stdout, "it says too little, or prints rules"))
            continue
        # C has addresses as numbers. Some are told the interface by the command that loads them.
        where = body(result.stdout) if option != "--interface" else "\n".join(
            line for line in result.stdout.splitlines() if "footsteps rules" not in line)
        changed = body(result.stdout) != plain or value in ("count", "log", "reject", "2001:db8::/32", "testif7")
        says(result, 0, [], f"{what}: {option} {value}",
             (not shown or shown in where or ("ebpf" in arguments and option != "--interface") or ":" in shown,
              f"{shown} does not appear"),
             (changed, "nothing changed"))


def prefixes():
    messy = ["192.0.2.0/24", "10.1.0.0/16", "2001:db8:1::/48", "10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.0/120", "10.0.0.0/8"]
    for format in FORMATS:
        arguments = ["--format", format, *arguments_for(said_by(format))]
        tidy = body(rules(*arguments, "--never", "10.0.0.0/8", "--never", "2001:db8::/32", "--never", "192.0.2.0/24").stdout)
        other = body(rules(*arguments, *(word for prefix in messy for word in ("--never", prefix))).stdout)
        tap.ok(tidy and tidy == other, f"{format}: --never in any order, twice, one within another: the same rules", tidy, other)
        apart, lost = (rules(*arguments, *more, "--never", "::/0") for more in (("--never", "10.0.0.0/8"), ()))
        tap.ok(apart.returncode == lost.returncode == 1 or body(apart.stdout) != body(lost.stdout),
               f"{format}: ... and all of IPv6 is not all of IPv4, or is refused", apart.stdout)


def output():
    directory = tap.tmp("out")
    os.mkdir(directory)
    for format in FORMATS:
        arguments = ["--format", format, *arguments_for(said_by(format))]
        path = os.path.join(directory, "rules." + format)
        says(rules(*arguments, "-o", path), 0, [], f"{format}: -o",
             (tap.content(path).decode() == rules(*arguments).stdout, "it is not what standard output has"))
        says(rules(*arguments, "--never", "192.0.2.1", "-o", path), 0, [], f"{format}: ... again, over older rules",
             (b"192.0.2.1" in tap.content(path), "they are the old ones"))
        says(rules(*arguments, "-o", "-"), 0, [], f"{format}: ... standard output",
             (rules(*arguments, "-o", "-").stdout == rules(*arguments).stdout, "it is another text"))
    tap.equal(sorted(os.listdir(directory)), sorted("rules." + format for format in FORMATS), "... and nothing else is there")
    mine = tap.write(tap.tmp("mine.txt"), b"a text that somebody needs\n")
    says(rules("-o", mine), 4, ["mine.txt", "does not replace"], "-o names some other file: refused",
         (tap.content(mine) == b"a text that somebody needs\n", "it was changed"))
    says(rules("-o", DB), 4, ["does not replace"], "-o names a database: refused", (len(tap.query(DB, "SELECT * FROM runs")) == 1, "gone"))
    says(rules("-o", tap.tmp("no/x.nft")), 4, ["No such file"], "no such directory")
    link = tap.tmp("full.nft")
    os.symlink("/dev/full", link)
    says(rules("-o", link), 4, ["No space left"], "a device that is full", (os.path.islink(link), "the link is gone"))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            says(rules(stdout=full), 4, ["No space left"], "standard output is full")


def command_line():
    """The command in the head: quoted, of printable ASCII, and the same words for a shell."""
    evil = os.path.join(tap.tmp(), EVIL)
    os.makedirs(os.path.dirname(evil))
    shutil.copy(DB, evil)
    plain = rules("--strategy", "clients", DB).stdout
    for format in FORMATS:
        if not CAN[format, "skype", "clients"]["can"]:
            continue
        result = rules("--format", format, "--strategy", "clients", evil)
        harmless = rules("--format", format, "--strategy", "clients", DB).stdout
        lines = result.stdout.splitlines()
        tap.equal(len(lines), len(harmless.splitlines()), f"{format}: a hostile name of a database makes no line more")
        tap.equal([line for line in lines if re.search(r"[^ -~\t]", line)], [], "... all is printable ASCII")
        tap.equal(body(result.stdout), body(harmless), "... and the rules are the same")
    made = next(line for line in rules("--strategy", "clients", evil).stdout.splitlines() if "footsteps rules" in line)
    if not shutil.which("bash"):
        tap.skip("a shell reads the command as it was given", "bash is not installed")
        return
    command = made.lstrip("# ")
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], stdout=subprocess.PIPE, check=True, cwd=tap.tmp(),
                           env=dict(os.environ, LC_ALL="C.UTF-8")).stdout.decode().split("\0")[:-1]
    tap.equal(words, ["footsteps", "rules", "--protocol", "skype", "--strategy", "clients", "--format", "nft", "--action", "drop",
                      evil], "a shell reads the command as it was given")
    tap.ok(not os.path.exists(tap.tmp("x")), "... and runs nothing else")
    tap.equal(body(rules(*words[2:]).stdout), body(plain), "... it makes the same rules")
    given = ["--strategy", "clients", "--interface", "eth0", "--internal", "10.0.0.0/8", "--never", "10.9.0.0/16", "--never",
             "2001:db8::1", "--direction", "out", "--expire", "90m", "--action", "count"]
    full = rules(*given, DB).stdout
    made = next(line for line in full.splitlines() if "footsteps rules" in line).lstrip("# ")
    lost = [word for word in (*given, "5400s", DB) if word not in made and word != "90m"]
    tap.equal(lost, [], "every option that counts is in it", made)
    tap.equal(rules(*made.split()[2:]).stdout, full, "... and it makes the same text")
    dash = os.path.join(tap.tmp("dash"), "-x.db")
    os.mkdir(os.path.dirname(dash))
    shutil.copy(DB, dash)
    made = rules("--strategy", "clients", "--", "-x.db", cwd=os.path.dirname(dash)).stdout
    tap.ok(" -- -x.db\n" in made, "a name that begins with '-' comes behind --", made[:900])


def edited(name, *statements):
    """A copy of the database in which something was changed."""
    path = tap.tmp(name)
    shutil.copy(DB, path)
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def addresses_in(text):
    return sorted(set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b|\b[0-9a-f]+:[0-9a-f:]*:[0-9a-f]*\b", body(text))))


def sockets_in(text):
    return sorted(set(re.findall(r"([0-9a-f:.]+) \. (\d+)", body(text))))


def copy_row(table, changes):
    """SQL that adds a row which differs from the first one by the changes."""
    columns = [row["name"] for row in tap.query(DB, f"PRAGMA table_info({table})")]
    return (f"INSERT INTO {table} SELECT {', '.join(changes.get(column, column) for column in columns)} FROM {table} LIMIT 1")


def endpoints():
    """Which rows of a database get into the rules; the expected ones are those of the capture's truth, and those put there."""
    # traces/login.expect.tsv: a login, a contact-list exchange and a supernode.
    base = ["192.0.2.150", "203.0.113.141", "203.0.113.142"]
    servers = ["--strategy", "addresses"]
    tap.equal(addresses_in(rules(*servers, DB).stdout), base, "addresses: the login server, the list's, and the supernode")
    flow = {"flow": "900001", "server_ip": "'198.51.100.200'", "protocol": "'skype'", "role": "'supernode'"}
    db = edited("roles.db", copy_row("flows", flow),
                copy_row("flows", {**flow, "flow": "900002", "server_ip": "'198.51.100.201'", "role": "'signalling'"}),
                copy_row("flows", {**flow, "flow": "900003", "server_ip": "'198.51.100.202'", "protocol": "'bittorrent'"}),
                copy_row("flows", {**flow, "flow": "900004", "server_ip": "'2001:db8::99'"}),
                copy_row("flows", {**flow, "flow": "900005", "run": "2", "server_ip": "'198.51.100.203'"}),
                copy_row("runs", {"run": "2"}),
                copy_row("exchanges", {"flow": "900006", "server_ip": "'198.51.100.204'", "role": "'contact-list'"}),
                copy_row("exchanges", {"flow": "900007", "server_ip": "'198.51.100.205'", "protocol": "'other'"}))
    tap.equal(addresses_in(rules(*servers, db).stdout),
              sorted([*base, "198.51.100.200", "198.51.100.203", "198.51.100.204", "2001:db8::99"]),
              "... by protocol and role, IPv6 too, of all runs, and of exchanges whose flow has no role")
    both = rules(*servers, db, DB, db)
    tap.equal(body(both.stdout), body(rules(*servers, db).stdout), "... of several databases, each once")
    tap.equal(body(rules(*servers, DB, db).stdout), body(both.stdout), "... in whatever order they are named")

    clients = ["--strategy", "clients"]
    tap.equal(sockets_in(rules(*clients, DB).stdout), [("10.0.0.2", "35471")], "clients: the recognised one")
    client = {"client": "901", "ip": "'10.0.0.77'", "port": "4001"}
    db = edited("clients.db", copy_row("clients", client),
                copy_row("clients", {**client, "client": "902", "verdict": "'skype?'", "port": "4002"}),
                copy_row("clients", {**client, "client": "903", "internal": "0", "ip": "'198.51.100.9'", "port": "4003"}),
                copy_row("clients", {**client, "client": "904", "protocol": "'bittorrent'", "verdict": "'bittorrent'", "port": "4004"}))
    tap.equal(sockets_in(rules(*clients, db).stdout), [("10.0.0.2", "35471"), ("10.0.0.77", "4001")],
              "... not the suspected, not the external one, none of another protocol")
    tap.equal(sockets_in(rules(*clients, "--protocol", "bittorrent", db).stdout), [("10.0.0.77", "4004")], "... of that protocol")
    db = edited("outside.db", "UPDATE clients SET internal = 0")
    tap.equal(sockets_in(rules(*clients, db).stdout), [("10.0.0.2", "35471")], "... where none is internal, all")

    db = edited("none.db", "DELETE FROM clients", "DELETE FROM flows", "DELETE FROM exchanges")
    says(rules(*clients, db), 2, ["nothing to block", "none.db", "no recognised client", "Skype"], "no client at all: said")
    says(rules(*servers, db, "-o", tap.tmp("never.nft")), 2, ["nothing to block", "login, contact_list or supernode"],
         "no server at all: said", (not os.path.exists(tap.tmp("never.nft")), "a file was written"))
    for what, value in (("address", "'1.2.3.4; drop'"), ("address", "''"), ("address", "'10.0.0.0/8'")):
        db = edited("broken.db", f"UPDATE clients SET ip = {value}")
        says(rules(*clients, db), 2, ["broken.db", "damaged"], f"an {what} that is none: {value}")
        os.unlink(db)
    for value in ("0", "-1", "65536", "'80; drop'"):
        db = edited("broken.db", f"UPDATE clients SET port = {value}")
        says(rules(*clients, db), 2, ["broken.db", "damaged"], f"a port that is none: {value}")
        os.unlink(db)
    many_endpoints()


def many_endpoints():
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {})"
    columns = [row["name"] for row in tap.query(DB, "PRAGMA table_info(clients)")]
    new = {"client": "1000 + i", "ip": "'10.' || (100 + i / 65536) || '.' || (i / 256 % 256) || '.' || (i % 256)", "port": "4000"}
    values = ", ".join(new.get(column, column) for column in columns)
    for count, status in ((65535, 0), (65536, 1)):  # and the one that is there
        db = edited(f"many-{status}.db", f"INSERT INTO clients {numbers.format(count)} SELECT {values} FROM n, clients")
        result = rules("--strategy", "clients", db, db)
        says(result, status, ["more than 65536"] if status else [], f"{count + 1} clients, named twice: {'too many' if status else 'done'}",
             (status or len(sockets_in(result.stdout)) == 65536, f"{len(sockets_in(result.stdout))} in the rules"))


def rehearsal():
    below = tap.tmp("temporary")
    os.mkdir(below)
    env = dict(os.environ, TMPDIR=below)
    directory = tap.tmp("captures")
    os.makedirs(os.path.join(directory, "deeper"))
    shutil.copy(CAPTURE, os.path.join(directory, "a.pcap"))
    shutil.copy(CAPTURE, os.path.join(directory, "deeper", "b.pcap"))
    tap.write(os.path.join(directory, "README"), b"no capture\n")
    shutil.copy(DB, os.path.join(directory, "c.db"))
    result = rules("--try", directory, env=env)
    says(result, 0, [], "--try: a directory's captures, and nothing else in it", ("2 captures" in result.stdout, result.stdout[:400]),
         (not os.listdir(below), f"left in TMPDIR: {os.listdir(below)}"),
         (all(len(line) <= 80 for line in result.stdout.splitlines() if directory not in line), "lines of more than 80 columns"))
    result = rules("--try", "--json", CAPTURE, DB, env=env)
    says(result, 0, [], "--try --json: a capture and a database",
         (all("row" in json.loads(line) for line in result.stdout.splitlines()), result.stdout[:400]))

    cut = tap.write(os.path.join(directory, "cut.pcap"), tap.content(CAPTURE)[:-5])
    result = rules("--try", directory, env=env)
    says(result, 3, ["cut.pcap"], "a capture that is cut: said, tried, status 3", ("3 captures" in result.stdout, result.stdout[:400]))
    os.unlink(cut)
    tap.write(os.path.join(directory, "bad.pcap"), tap.pcap_header()[:10])
    result = rules("--try", directory, env=env)
    says(result, 3, ["bad.pcap", "1 of 3 recordings could not be read"], "a capture that cannot be read: said, counted, status 3",
         ("2 captures" in result.stdout, result.stdout[:400]))
    only = tap.write(tap.tmp("only.txt"), b"no capture\n")
    says(rules("--try", only, env=env), 2, ["only.txt", "nothing to try"], "nothing but a text file: status 2")
    empty = tap.tmp("empty")
    os.mkdir(empty)
    says(rules("--try", directory, empty, env=env), 2, ["empty", "no pcap"], "a directory without captures: said, before anything is read")
    says(rules("--try", tap.tmp("missing.pcap"), env=env), 2, ["missing.pcap"], "no such capture")
    says(rules("--try", CAPTURE, env=dict(env, TMPDIR=tap.tmp("nowhere"))), 4, ["nowhere", "TMPDIR"], "no place for private databases")
    tap.equal(os.listdir(below), [], "... and TMPDIR is empty after all that")

    none = edited("unseen.db", "DELETE FROM clients", "DELETE FROM flows", "DELETE FROM exchanges")
    says(rules("--try", "--seen", none, CAPTURE, env=env), 2, ["--seen", "unseen.db"], "--seen: nothing was seen")
    says(rules("--try", "--seen", DB, CAPTURE, env=env), 0, [], "--seen: what was seen")
    stopped(env, below)
    few_files(env)


def stopped(env, below):
    """A signal in the middle of reading, from a pipe that has no end yet."""
    fifo = tap.tmp("pipe")
    os.mkfifo(fifo)
    process = subprocess.Popen([tap.FOOTSTEPS, "rules", "--try", CAPTURE, fifo], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    with open(fifo, "wb") as pipe:
        pipe.write(tap.pcap_header() + tap.pcap_record(1e9, tap.udp_frame()))
        pipe.flush()
        tap.catches(process.pid, signal.SIGTERM)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=tap.SECONDS)
    tap.ok(process.returncode == 3 and b"stopped by signal 15" in err and not out, "a signal: said, nothing is tried, status 3",
           process.returncode, out, err)
    tap.equal(os.listdir(below), [], "... and nothing stays in TMPDIR")


def few_files(env):
    """More recordings than files may be open at first."""
    directory = tap.tmp("forty")
    os.mkdir(directory)
    for i in range(40):
        tap.write(os.path.join(directory, f"{i}.pcap"), tap.pcap_header() + tap.pcap_record(1e9 + i, tap.udp_frame()))

    def lower():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    result = rules("--try", directory, env=env, preexec_fn=lower)
    says(result, 0, [], "40 captures where 30 files may be open: the limit is raised", ("40 captures" in result.stdout, result.stdout[:400]))


READ, DB = tap.read([CAPTURE])
tap.equal(READ.returncode, 0, "a database to work with", READ.stderr)
DB_OF = {"skype": DB, "bittorrent": tap.read([os.path.join(tap.TOP, "traces", "bittorrent.pcap")])[1]}
listing()
usage(DB)
every_format()
prefixes()
output()
command_line()
endpoints()
rehearsal()
tap.done()
