"""nftables of `footsteps rules`, in the kernel: every rule set loads, twice with the same result, and is removed without
a rest; its counters count what they say, in each of the three hooks; and `--readback` reads them. Packet by packet:
rules_kernel.py."""
import itertools
import json
import os
import re
import subprocess
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import content, done, equal, ok, require_programs, run, skip, tmp, write
from rules_model import Packet, TCP, UDP, ipv4, ipv6, tcp, udp
from rules_database import endpoint_database
from rules_path import RIGHT, Router, Unavailable, unwanted

HELLO = bytes.fromhex("1603010000")
# The hello, and a next record whose byte 5 is no ClientHello's (RFC 5246 section 7.4: 01).
BOTH = HELLO + bytes.fromhex("16030100cd") + b"\x41" + bytes(20)
PROBE = bytes.fromhex("1234" "02") + bytes(15)  # 18 bytes
INSIDE, OUTSIDE = ("10.1.0.1", "2001:db8:1::1"), ("192.0.2.1", "2001:db8:2::1")


def rules(*options, name="rules.nft"):
    """(path, result): what it prints, in a file."""
    path = tmp(name)
    result = run("rules", *options, "-o", path)
    return path, result


# --- loading ----------------------------------------------------------------------------------------------------------

# Loaded, loaded again, listed as text and as JSON, removed as the head says: each must go well, and nothing be left.
LOAD = """nft -c -f "$1" && nft -f "$1" && nft list table inet "$2" | sed 's/ expires [^ ,]*//g' >"$3" &&
nft -f "$1" && nft list table inet "$2" | sed 's/ expires [^ ,]*//g' | cmp - "$3" &&
nft -j list ruleset >/dev/null && nft delete table inet "$2" && test -z "$(nft list ruleset)" """
INTERNAL = ([], ["10.0.0.0/8"], ["0.0.0.0/0", "10.1.0.0/16", "::/0", "2001:db8::/32"])
NEVER = ([], ["10.1.0.0/16", "10.0.0.0/8", "192.0.2.1", "2001:db8::/48", "2001:db8::1"])
ACTIONS = ("drop", "reject", "log", "count")


def limits():
    """Options, each combination that means something."""
    for direction, internal, never, interface in itertools.product(("both", "out", "in"), INTERNAL, NEVER, ([], ["eth0.1"])):
        if direction == "both" or internal or interface:
            yield ["--direction", direction, *(word for key, values in (("--internal", internal), ("--never", never),
                                                                        ("--interface", interface))
                                               for value in values for word in (key, value))]


def cases(n, kind, databases):
    """Options of some rule sets of the n-th strategy: all limits for the first, each third for the others."""
    for m, limited in enumerate(list(limits())[n % 3::1 if n == 0 else 3]):
        for action in ACTIONS if n == m == 0 else {ACTIONS[(m + n) % 4], ACTIONS[(m // 4 + n) % 4]}:
            yield ["--action", action, *limited] + (databases + ["--expire", "1h"] * (m % 2) if kind != "patterns" else [])


def loads(router, strategies, databases):
    for n, (protocol, strategy, kind) in enumerate(strategies):
        if kind != "patterns" and (protocol != "skype" or not databases):
            continue  # the same text again, or nothing to say
        failed, count = [], 0
        for count, options in enumerate(cases(n, kind, databases), 1):
            words = ["--protocol", protocol, "--strategy", strategy, *options]
            path, result = rules(*words)
            if result.returncode == 0:
                table = re.search(r"^delete table inet (\S+)", content(path).decode(), flags=re.M).group(1)
                result = router.run("sh", "-c", LOAD, "sh", path, table, tmp("first"), check=False)
                result.stderr = result.text
            if result.returncode != 0:
                failed.append(f"{' '.join(words)}: {result.stderr}")
                router.run("nft", "flush", "ruleset")
        ok(count > 0 and not failed, f"{protocol} {strategy}: {count} rule sets load, load again, and are removed",
           *failed[:5])


# --- counting and reading back ----------------------------------------------------------------------------------------

def packet(number, going, protocol, payload, host=0, version=4):
    """From or to a host inside: number 0 is INSIDE, others are next to it."""
    inside, outside = (f"10.1.0.{1 + host}", OUTSIDE[0]) if version == 4 else (f"2001:db8:1::{1 + host}", OUTSIDE[1])
    source, destination = (inside, outside) if going == "out" else (outside, inside)
    segment = tcp((1024, 443), payload) if protocol == TCP else udp((1024, 4000), payload)
    build = ipv4 if version == 4 else ipv6
    data = build(number, source, destination, protocol, segment)
    return Packet(data, number, going, "", bytes(max(0, 46 - len(data))))


# Bytes are those of the IP packets, whatever pads their frames: 20 or 40, 20 of TCP, and the payload.
TRAFFIC = [packet(1, "out", TCP, HELLO), packet(2, "out", TCP, HELLO, version=6), packet(3, "in", TCP, HELLO),
           packet(4, "out", TCP, BOTH), packet(5, "out", TCP, HELLO, host=8), packet(6, "in", TCP, BOTH, host=8, version=6),
           packet(7, "out", TCP, HELLO + b"x"), packet(8, "out", UDP, HELLO), packet(9, "out", TCP, b"GET / HTTP/1.0\r\n\r\n")]
MET = {"hello": (3, 45 + 65 + 45), "hello_more": (1, 40 + 31), "block_2006": (0, 0), "block_2015": (0, 0),
       "never": (2, 45 + 60 + 31)}
SPARED = ["--never", "10.1.0.9", "--never", "2001:db8:1::9"]
FIT = {1, 2, 3, 4}
ALL = {p.number for p in TRAFFIC}


def readback(router, *list_, options=()):
    listed = router.run("nft", "-j", *list_).stdout
    return run("rules", "--readback", write(tmp("listed.json"), listed), *options)


def rows(result):
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return ({row["table"]: row for row in found if row["row"] == "table"},
            {row["counter"]: (row["packets"], row["bytes"]) for row in found if row["row"] == "counter"})


def staged(router):
    """First counting, then dropping: what the counters say is what a user of `nft` sees, and what was sent."""
    table = "footsteps_skype_combined"
    for action, passes in (("count", ALL), ("log", ALL), ("drop", ALL - FIT), ("reject", ALL - FIT)):
        path, _ = rules("--action", action, *SPARED)
        router.run("nft", "-f", path)
        # Once each: what does not pass must not be sent again, for it would be counted again.
        equal(router.send(TRAFFIC, again=0), passes, f"{action}: the right packets pass")
        for listing in (["list", "ruleset"], ["list", "table", "inet", table], ["list", "counters"]):
            result = readback(router, *listing, options=["--json"])
            tables, counters = rows(result)
            equal(counters, MET, f"{action}: --readback of nft -j {' '.join(listing)}", result.stderr)
            mine = tables.get(table, {})
            equal([mine.get(key) for key in ("protocol", "strategy", "action", "packets", "bytes", "spared_packets")],
                  ["skype", "combined", None if listing[1] == "counters" else action, 4, 155 + 71, 2], "... and its sum")
        text = " ".join(readback(router, "list", "ruleset").stdout.split())
        words = {"drop": "It has dropped 4 packets (226 bytes)", "reject": "It has rejected 4 packets (226 bytes)"}
        ok(words.get(action, "It would have blocked 4 packets (226 bytes)") in text, f"{action}: ... in words", text)
        equal(["with --action drop" in text, "each repetition counts" in text],
              [action in ("count", "log"), action in ("drop", "reject")], f"{action}: ... and what to know or do next", text)
        lines = readback(router, "list", "ruleset").stdout.splitlines()
        ok(max(map(len, lines)) <= 80, f"{action}: ... in 80 columns", [line for line in lines if len(line) > 80])
    router.run("nft", "-f", path)
    text = readback(router, "list", "ruleset").stdout
    ok("It has met nothing yet" in text, "loaded again, the counters begin at 0", text)
    several(router)
    router.run("nft", "delete", "table", "inet", table)
    equal(router.send(TRAFFIC), ALL, "removed, it lets everything pass")


def several(router):
    """Two tables of ours and one of somebody else; and a counter that a later version may have."""
    path, _ = rules("--strategy", "udp-probe", "--action", "count")
    router.run("nft", "-f", path)
    router.run("nft", "add table inet footstep; add counter inet footstep hello; add counter inet footsteps_skype_udp_probe new")
    tables, counters = rows(readback(router, "list", "ruleset", options=["--json"]))
    equal(sorted(tables), ["footsteps_skype_combined", "footsteps_skype_udp_probe"], "tables of ours, and no other")
    equal(counters.get("new"), (0, 0), "a counter that is not known is shown", counters)
    router.run("nft", "delete table inet footstep; delete table inet footsteps_skype_udp_probe")


# --- hooks, with real sockets -----------------------------------------------------------------------------------------

SERVER = """import socket, sys, threading
def serve(version, host):
    tcp = socket.create_server((host, 443), family=version)
    udp = socket.socket(version, socket.SOCK_DGRAM)
    udp.bind((host, 4000))
    def echo():
        while True:
            data, who = udp.recvfrom(2000)
            udp.sendto(data, who)
    threading.Thread(target=echo, daemon=True).start()
    def talk(c):
        try:
            c.sendall(c.recv(2000))
        except OSError:
            pass
        c.close()
    while True:
        # A reset goes to the sender alone: this end may wait for long.
        threading.Thread(target=talk, args=[tcp.accept()[0]], daemon=True).start()
for version, host in zip((socket.AF_INET, socket.AF_INET6), sys.argv[1:]):
    threading.Thread(target=serve, args=(version, host)).start()
print("ready", flush=True)
"""
# What becomes of a payload: "echo", "reset", "refused", "nothing".
CLIENT = """import socket, sys
source, host, kind, payload = *sys.argv[1:4], bytes.fromhex(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, getattr(socket, "SOCK_" + kind))
s.settimeout(20)
s.bind((source, 0))
try:
    s.connect((host, 443 if kind == "STREAM" else 4000))
    s.send(payload)
    print("echo" if s.recv(2000) == payload else "nothing")
except ConnectionResetError:
    print("reset")
except ConnectionRefusedError:
    print("refused")
except (TimeoutError, socket.timeout):
    print("nothing")
except PermissionError:
    print("refused")  # which the sender is told at once when its own machine does it
"""


def fate(router, host, kind, payload, which="client"):
    source = dict(zip(OUTSIDE, INSIDE))[host] if which == "client" else host
    return router.run("python3", "-c", CLIENT, source, host, kind, payload.hex(), which=which).text.strip()


def counted(router, which, counter):
    listed = router.run("nft", "list", "counters", which=which).text
    found = re.search(rf"counter {counter} {{\s+packets (\d+)", listed)
    return int(found.group(1)) if found else None


def hooks(router):
    """On the router, on the client itself, and on the server itself: rejected with words that TCP and UDP understand."""
    router.address("client", *INSIDE)
    router.address("server", *OUTSIDE)
    server = router.start("python3", "-c", SERVER, *OUTSIDE, which="server", stdout=subprocess.PIPE)
    server.stdout.readline()
    equal([fate(router, host, kind, payload) for host in OUTSIDE
           for kind, payload in (("STREAM", HELLO), ("DGRAM", PROBE))], ["echo"] * 4, "without rules, all is answered")
    files = [rules("--strategy", s, "--action", "reject", name=f"{s}.nft")[0] for s in ("exact", "udp-probe")]
    for which in ("router", "client", "server"):
        for path in files:
            router.run("nft", "-f", path, which=which)
        equal([fate(router, host, "STREAM", HELLO) for host in OUTSIDE], ["reset"] * 2, f"{which}: TCP is reset")
        equal([fate(router, host, "DGRAM", PROBE) for host in OUTSIDE], ["refused"] * 2, f"{which}: UDP is refused")
        equal([fate(router, host, kind, b"something else") for host in OUTSIDE for kind in ("STREAM", "DGRAM")],
              ["echo"] * 4, f"{which}: what does not fit passes")
        router.run("nft", "flush", "ruleset", which=which)
    by_interface(router)
    to_itself(router)
    server.kill()
    server.wait()


def by_interface(router):
    """A direction is one of an interface: out of the client's is into the server's."""
    for which, interface, way in (("client", "inner", "out"), ("server", "outer", "in"), ("router", RIGHT, "out"),
                                  ("router", "left", "in")):
        for direction in ("out", "in", "both"):
            path, _ = rules("--strategy", "exact", "--action", "count", "--interface", interface, "--direction", direction,
                            name="way.nft")
            router.run("nft", "-f", path, which=which)
            fate(router, OUTSIDE[0], "STREAM", b"other")
            before = counted(router, which, "hello")
            # The server echoes it: the other way, too.
            answer = fate(router, OUTSIDE[0], "STREAM", HELLO)
            both = 2 if direction == "both" else 1
            equal((before, answer, counted(router, which, "hello")), (0, "echo", both),
                  f"{which}, --interface {interface} --direction {direction}: each packet once ({way} first)")
        router.run("nft", "flush", "ruleset", which=which)


def to_itself(router):
    """A packet of a host to itself passes output and input, and is one packet."""
    path, _ = rules("--strategy", "exact", "--action", "count", name="itself.nft")
    router.run("nft", "-f", path, which="server")
    equal(fate(router, OUTSIDE[0], "STREAM", HELLO, which="server"), "echo", "a host talks to itself")
    equal(counted(router, "server", "hello"), 2, "... and the hello and its echo are counted once each")
    router.run("nft", "flush", "ruleset", which="server")


# --- endpoints --------------------------------------------------------------------------------------------------------

def expiry(router, db):
    """A list that expires is empty then, without anybody doing anything; loaded again, it begins anew."""
    tried = [packet(1, "out", UDP, b"x"), packet(2, "in", UDP, b"x"), packet(3, "out", UDP, b"x", version=6)]
    for words, while_there in ((["addresses"], set()), (["clients"], {2, 3})):
        # Port 1024 is the source of every packet made here: the client's on the way out alone.
        path, result = rules("--strategy", *words, "--expire", "3s", db)
        for what in ("loaded", "loaded again"):
            loaded = time.monotonic()
            router.run("nft", "-f", path)
            there = time.monotonic()  # at the latest
            passed = router.send(tried, again=0)
            if time.monotonic() - loaded > 2.5:
                skip(f"{words[0]}, {what}", "this machine is too slow for it now")
            else:
                equal(passed, while_there, f"{words[0]}, {what}: stopped", result.stderr)
            time.sleep(max(0, there + 3.5 - time.monotonic()))
            equal(router.send(tried, again=0), {1, 2, 3}, f"{words[0]}, {what}: after --expire they pass")
        tables, _ = rows(readback(router, "list", "ruleset", options=["--json"]))
        equal({name: row["action"] for name, row in tables.items()}, {f"footsteps_skype_{words[0]}": "drop"},
              f"{words[0]}: --readback")
        router.run("nft", "flush", "ruleset")


# --- what is no such listing ------------------------------------------------------------------------------------------

def no_listing():
    for name, text, said in (
            ("nothing", b"", "is empty"), ("only blanks", b" \n", "is empty"),
            ("nft without -j", b"table inet footsteps_skype_exact {\n}\n", "without -j"),
            ("the rules", b"# footsteps\ntable inet x\n", "rules themselves"),
            ("a broken off one", b'{"nftables": [{"metainfo"', "no whole JSON"),
            ("something else", b"\x7fELF\0", "is no JSON"), ("JSON of another program", b'{"nft": 1}', "not of nft"),
            ("JSON and then a NUL", b'{"nftables": []}\0', "no whole JSON"),
            ("no table of ours", b'{"nftables": [{"table": {"family": "inet", "name": "filter"}}]}', "no table")):
        result = run("rules", "--readback", write(tmp("no"), text))
        equal((result.returncode, said in result.stderr, result.stdout), (2, True, ""), f"--readback: {name}", result.stderr)
    result = run("rules", "--readback", tmp("absent"))
    equal(result.returncode, 2, "--readback: a file that is not there", result.stderr)
    odd = {"nftables": [1, "x", None, [2], {"a": 1}, {"counter": 5}, {"rule": {"table": "footsteps_a_b", "expr": "drop"}},
                        {"counter": {"table": "footsteps_a_b", "name": "n\u001b[31m", "packets": 1e300, "bytes": "many"}}]}
    result = run("rules", "--readback", write(tmp("odd"), json.dumps(odd).encode()))
    ok(result.returncode == 0 and "\033" not in result.stdout and "does not know" in result.stdout,
       "--readback: what a later or another program may write", result.returncode, result.stdout, result.stderr)
    # Of 64 bits in the kernel: sums are exact, and what is beyond 2^63 is cut to it.
    for met, spared, sums in ((2 ** 53 + 1, 2 ** 53 + 3, (2 ** 53 + 2, 2 ** 53 + 3)),
                              (2 ** 63 - 2, 2 ** 62, (2 ** 63 - 1, 2 ** 62)), (2 ** 64 - 1, 5, (2 ** 63 - 1, 5))):
        large = [{"counter": {"family": "inet", "table": "footsteps_skype_exact", "name": name, "packets": n, "bytes": n}}
                 for name, n in (("hello", met), ("other", 1), ("never", spared))]
        tables, _ = rows(run("rules", "--readback", write(tmp("large"), json.dumps({"nftables": large}).encode()), "--json"))
        row = tables.get("footsteps_skype_exact", {})
        equal([row.get(name) for name in ("packets", "bytes", "spared_packets", "spared_bytes")],
              [sums[0], sums[0], sums[1], sums[1]], f"--readback: sums of {met} and 1, and of {spared}")
    del large[2]
    tables, _ = rows(run("rules", "--readback", write(tmp("large"), json.dumps({"nftables": large}).encode()), "--json"))
    equal([tables["footsteps_skype_exact"].get(name, 0) for name in ("spared_packets", "spared_bytes")], [None, None],
          "--readback: without an allow-list, nothing is said of what it spared")
    with open(tmp("odd"), "rb") as f:
        equal(run("rules", "--readback", "-", stdin=f).stdout, result.stdout, "--readback -: standard input")


def main():
    no_listing()
    listed = run("rules", "--list", "--json")
    strategies = [(row["protocol"], row["strategy"], row["kind"]) for row in map(json.loads, listed.stdout.splitlines())
                  if row["row"] == "strategy"]
    if not ok(strategies, "there are strategies", listed.stderr):
        done()
        return
    if unwanted():
        skip("nftables", unwanted())
        done()
        return
    require_programs("cmp")
    db = endpoint_database(OUTSIDE, [(INSIDE[0], 1024)])
    try:
        with Router(("ip", "nft")) as router:
            loads(router, strategies, [db] if db else [])
            staged(router)
            hooks(router)
            if ok(db, "a database for endpoints"):
                expiry(router, db)
    except Unavailable as reason:
        skip("nftables", reason)
    done()


main()
