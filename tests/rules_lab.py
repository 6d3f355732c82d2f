"""Block rules in a real kernel: logins of the reference peer, handshakes of openssl, and other captures, through routers in
network namespaces (rules_path.py) with the rules of nft, iptables and tc/eBPF. As root; skipped where something is missing.

FOOTSTEPS_LAB=0 skips all of it. Without FOOTSTEPS_TRACES, the captures of this project are all that is replayed."""
import contextlib
import glob
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import PATIENCE, PEER, SECONDS, TOP, content, done, equal, missing, no_program, note, ok, query, read, require_programs, skip, skip_all, tmp, traces, write
from rules_model import Packet, Parts, frames_of, read_pcap, write_pcap
from rules_path import (CLIENT_MAC, FORMATS, LEFT, LEFT_MAC, Router, Unavailable, generated, left_in, load, namespaces, unload,
                        unwanted)

STRATEGIES = ("combined", "exact")
REJECTING = [("nft", "combined", "reject"), ("iptables", "combined", "reject")]
LASTS = 40         # seconds; the slower of the two logins takes 12.6, on a machine that does not stand still
PACKETS_EACH = 400  # of a capture: its beginning, where connections begin
RATE = 40000       # replayed packets per second; what is lost is sent again
INTERRUPTED = 4

# Everybody is near. The client of 2006 opens with the five bytes once, that of 2015 twice (wire B3, C4). There is one
# supernode, which does not relay logins: the reference peer has no such thing.
SCENARIO = b"""[scenario]
title = A login of 2006 and one of 2015
begins = 2006-08-25T10:00:00Z
lasts = 60s
[client alice]
version = 1.2.0.18
address = 10.0.0.2:35990
cache = sn
login = login1
[client carol]
version = 7.7.0.335
address = 10.0.0.3:13021
cache = sn
login = login2
[supernode sn]
address = 192.0.2.150:57322
distance = 0ms
jitter = 0ms
[login-server login1]
address = 192.0.2.141:33033
distance = 0ms
jitter = 0ms
[login-server login2]
address = 192.0.2.142:33033
distance = 0ms
jitter = 0ms
[events]
0s alice starts
0s carol starts
"""
CLIENTS = {"alice": "10.0.0.2", "carol": "10.0.0.3"}
SERVERS = ("192.0.2.150", "192.0.2.141", "192.0.2.142")
CLIENT6, SERVER6, WEB = "2001:db8:1::2", "2001:db8:2::141", "192.0.2.80"


CAPTURED = ("router", LEFT, "rx", "tx")  # what tcpdump sees there


# --- logins -----------------------------------------------------------------------------------------------------------

class Play:
    """The scenario in a router, from now on; a capture of what comes to the router from the clients."""

    def __init__(self, router, name):
        self.router, self.capture = router, tmp(f"{name}.pcap".replace(" ", "-"))
        self.log = open(tmp(f"{name}.log".replace(" ", "-")), "w+b")
        self.before = router.passed(*CAPTURED)
        self.tcpdump = router.start("tcpdump", "-Z", "root", "-i", LEFT, "-U", "-w", self.capture, which="router",
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.tcpdump.stderr.readline()  # "listening on"
        scenario = tmp("logins.scenario")
        if not os.path.exists(scenario):
            write(scenario, SCENARIO)
        # Of the first priority, as in the lab: messages over TCP are kept apart by their pauses.
        self.roles = [router.start("nice", "-n", "-10", PEER, "live", scenario, *parties, "--lasts", f"{LASTS}s", which=host,
                                   stdout=self.log, stderr=self.log)
                      for host, parties in (("server", ("sn", "login1", "login2")), ("client", tuple(CLIENTS)))]

    def outcomes(self):
        """{client: outcomes of its logins, as `footsteps read` finds them in the capture}, and what the peer said."""
        for role in self.roles:
            role.wait(timeout=LASTS + PATIENCE)
        self.router.caught_up(self.capture, self.before, *CAPTURED)
        self.tcpdump.terminate()
        self.tcpdump.wait(timeout=PATIENCE)
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")
        self.log.close()
        _, db = read([self.capture], "--local-net", "10.0.0.0/8")
        found = {name: {row["outcome"] for row in query(db, "SELECT outcome FROM logins WHERE client_ip = ?", ip)}
                 for name, ip in CLIENTS.items()}
        for name in CLIENTS:  # the peer itself says nothing else; nothing, when it was still waiting at the end
            found[name] |= set(re.findall(rf"{name}  login: (\S+)", said))
        return found, said


# Of a login of 2015, only that it ran to its end can be seen from outside (wire C4).
LOGGED_IN = {"alice": {"success"}, "carol": {"unknown"}}
STOPPED = {"alice": {"no-answer"}, "carol": {"no-answer"}}

# In a namespace: a server that answers the five bytes as login servers do, and a client who waits for it.
ANSWER = """
import socket, sys
s = socket.create_server((sys.argv[1], 33033), family=socket.AF_INET6)
print("there", flush=True)
while True:
    c, _ = s.accept()
    c.settimeout(60)
    try:
        if c.recv(100) == bytes.fromhex("1603010000"):
            c.sendall(bytes.fromhex("1703010000"))
        c.recv(1)
    except OSError:
        pass
    c.close()
"""
ASK = """
import socket, sys
s = socket.create_connection((sys.argv[1], 33033), 120)
s.sendall(bytes.fromhex("1603010000"))
s.settimeout(float(sys.argv[2]))
try:
    print(s.recv(100).hex())
except OSError as problem:
    print(type(problem).__name__)
"""


def over_ipv6(router, patience=PATIENCE):
    """What comes back for the first message of a login over IPv6, which the reference peer does not speak."""
    server = router.start(sys.executable, "-c", ANSWER, SERVER6, which="server", stdout=subprocess.PIPE)
    server.stdout.readline()
    answer = router.run(sys.executable, "-c", ASK, SERVER6, str(patience), which="client", check=False).text.strip()
    server.kill()
    server.wait()
    server.stdout.close()
    return answer


# --- TLS --------------------------------------------------------------------------------------------------------------

OLD = ("-cipher", "DEFAULT@SECLEVEL=0")
VERSIONS = {"1.0": ("-tls1", *OLD), "1.1": ("-tls1_1", *OLD), "1.2": ("-tls1_2",), "1.3": ("-tls1_3",)}
HELLOS = {"short": ("-noservername",),  # 16 03 01 00 ..
          "long": ("-servername", ".".join(["a" * 60, "b" * 60, "example.org"]), "-alpn", "h2,http/1.1," + "x" * 100)}


def certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    tmp("key.pem"), "-out", tmp("cert.pem"), "-subj", "/CN=example.org", "-days", "1"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def handshakes(router, hosts, seconds=60):
    """{(host, version, "short" or "long"): (whether it was completed, first bytes of the hello)}"""
    wanted = [(host, version, length) for host in hosts for version in VERSIONS for length in HELLOS]
    servers, asked, found = [], {}, {}
    for port, (host, _, _) in enumerate(wanted, 4433):  # a server each: it talks to one after the other
        servers.append(router.start("openssl", "s_server", "-accept", f"{host}:{port}", "-key", tmp("key.pem"), "-cert",
                                    tmp("cert.pem"), *OLD, "-quiet", which="server", stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL))
    until = time.monotonic() + PATIENCE
    while router.run("ss", "-Hltn", which="server").text.count(":44") < len(wanted) and time.monotonic() < until:
        time.sleep(0.05)
    for port, (host, version, length) in enumerate(wanted, 4433):
        asked[host, version, length] = router.start(
            "timeout", str(seconds), "openssl", "s_client", "-connect", f"{host}:{port}", "-msg", *VERSIONS[version],
            *HELLOS[length], which="client", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for key, process in asked.items():
        text = process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
        hello = re.search(r"^>>> .*RecordHeader.*\n +((?:[0-9a-f]{2} ?)+)", text, flags=re.M)
        found[key] = (bool(re.search(r"^<<< .*Handshake.*Finished", text, flags=re.M)), hello.group(1).strip() if hello else "")
    for server in servers:
        server.kill()
        server.wait()
    return found


def completed(found):
    return sorted(" ".join(key) for key, (success, _) in found.items() if success)


def paper(router):
    """That a handshake can be stopped at all: by the four bytes of the paper. In TLS 1.0 the messages that follow begin with
    them, too."""
    text, why = generated("nft", "paper", {})
    if router.lacks("nft") or not ok(text is not None, "there is the rule of the paper", why):
        return
    load(router, text)
    found = handshakes(router, [WEB], 20)
    unload(router, text)
    equal(completed(found), [f"{WEB} {version} long" for version in ("1.1", "1.2", "1.3")],
          "the rule of the paper stops every short hello of TLS, and TLS 1.0 altogether", found)


# --- other captures ---------------------------------------------------------------------------------------------------

ETHERNET, RAW, SLL = 1, (12, 14, 101), 113  # of https://www.tcpdump.org/linktypes.html, and what libpcap calls them


def ip_packets(path):
    """The beginning of a capture of any kind that libpcap reads, as IP packets."""
    converted = tmp("converted.pcap")
    subprocess.run(["tcpdump", "-r", path, "-c", str(PACKETS_EACH), "-w", converted], check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    if not os.path.exists(converted):
        return []
    data = content(converted)
    linktype = struct.unpack_from("<I", data, 20)[0] if len(data) >= 24 else None
    os.unlink(converted)
    head = {ETHERNET: 14, SLL: 16}.get(linktype, 0 if linktype in RAW else None)
    if head is None or data[:4] != b"\xd4\xc3\xb2\xa1":
        return []
    found = []
    for frame in frames_of(data):
        kind = frame[head - 2:head] if head else (b"\x08\x00" if frame[:1] and frame[0] >> 4 == 4 else b"\x86\xdd")
        parts = Parts(frame[head:])
        if kind in (b"\x08\x00", b"\x86\xdd") and not parts.broken and len(frame) - head <= 1500:
            found.append(frame[head:])
    return found


def others():
    """Captures without a login: (path, packets) each."""
    own = [os.path.join(TOP, "traces", f"{name}.pcap") for name in
           ("bittorrent", "edonkey", "fasttrack", "gnutella", "rtp", "supernode", "voice")]
    more = traces("other-protocols")
    if not more:
        missing("captures of other protocols pass")
    paths = [path for path in own if os.path.exists(path)] + \
        sorted(glob.glob(os.path.join(more, "*")) if more else [])
    return [(os.path.basename(path), ip_packets(path)) for path in paths if path.endswith((".pcap", ".pcapng", ".cap"))]


def as_forwarded(data):
    """A packet without what a router changes, or what a link appends."""
    if data[0] >> 4 == 4:
        length = struct.unpack_from("!H", data, 2)[0]
        return data[:8] + data[9:10] + data[12:length]
    return data[:7] + data[8:40 + struct.unpack_from("!H", data, 4)[0]]


def replayed(router, path):
    """What comes out of the router at the other side."""
    out = tmp("passed.pcap")
    listening = router.start("tcpdump", "-Z", "root", "-i", "outer", "-Q", "in", "-B", "65536", "-U", "-w", out, which="server",
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    listening.stderr.readline()
    before = router.passed("server", "outer", "rx")
    sent = router.run("tcpreplay", "-q", "-i", "inner", f"--pps={RATE}", path, which="client", check=False)
    if sent.returncode != 0:
        raise RuntimeError(f"tcpreplay: {sent.text}")
    router.caught_up(out, before, "server", "outer", "rx")
    listening.terminate()
    listening.wait(timeout=PATIENCE)
    listening.stderr.close()
    return {as_forwarded(frame[14:]) for frame in read_pcap(out) if len(frame) >= 14 + 20}


def replays(router, rules):
    """rules: {name: text}. No packet of other captures that a router forwards is stopped by them."""
    if not shutil.which("tcpreplay"):
        no_program("other captures", "tcpreplay")
        return
    captures = others()
    packets = {as_forwarded(data): Packet(data, (name, n), "out", name) for name, found in captures
               for n, data in enumerate(found)}
    path = write_pcap(tmp("others.pcap"), [packet.frame(LEFT_MAC, CLIENT_MAC) for packet in packets.values()])
    forwarded = replayed(router, path) & set(packets)
    note(f"{len(captures)} captures, {len(packets)} packets, of which the router forwards {len(forwarded)}")
    ok(len(forwarded) > 0.4 * len(packets), "enough packets of other captures are forwarded without rules")
    for name, text in rules.items():
        if name.endswith("reject"):
            continue
        load(router, text)
        unseen = [packets[key] for key in forwarded - replayed(router, path)]
        # Lost, or stopped? What is stopped is so every time.
        passed = router.send(unseen, key=as_forwarded)
        stopped = [packet for packet in unseen if packet.number not in passed]
        unload(router, text)
        equal(len(stopped), 0, f"{name}: all of them pass", *stopped[:3])


# --- all of it --------------------------------------------------------------------------------------------------------

def machine():
    """What must be as it was, of this machine."""
    def output(*words):
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    return {"links": sorted(re.findall(r"^\d+: (\S+?)[@:]", output("ip", "-o", "link"), flags=re.M)),
            "rules": output("nft", "list", "ruleset"), "routes": output("ip", "route", "show", "table", "all")}


def rules_kernel(home):
    """The other test of rules, in the background, with a folder of its own for its files."""
    os.mkdir(home)
    return subprocess.Popen([sys.executable, os.path.join(TOP, "tests", "rules_kernel.py")], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, "FOOTSTEPS_PACKETS": "100", "TMPDIR": home})


def interrupted():
    """The tests of rules end without leaving anything, whenever they are told to."""
    seed = os.environ.get("FOOTSTEPS_SEED") or str(int(time.time()))
    note(f"moments by FOOTSTEPS_SEED={seed}")
    chance = random.Random(seed)
    for n in range(INTERRUPTED):
        number = (signal.SIGINT, signal.SIGTERM)[n % 2]
        home = tmp(f"interrupted{n}")
        process = rules_kernel(home)
        moment = chance.uniform(0.3, 3)
        time.sleep(moment)
        process.send_signal(number)
        status = process.wait(timeout=SECONDS)
        name = f"{signal.Signals(number).name} after {moment:.2f} s"
        left = namespaces(f"footsteps-rules-{process.pid}-")
        equal((status != 0, left, os.listdir(home)), (True, [], []), f"{name} ends a test, and leaves nothing behind")
    process = rules_kernel(tmp("killed"))
    until = time.monotonic() + PATIENCE
    while len(namespaces(f"footsteps-rules-{process.pid}-")) < 3 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait()
    ok(namespaces(f"footsteps-rules-{process.pid}-"), "SIGKILL leaves namespaces (else there is nothing to test)")
    with Router():
        equal(namespaces(f"footsteps-rules-{process.pid}-"), [], "... which the next one removes")


def all_rules(router):
    """{"nft combined": text}; what this machine cannot load is skipped."""
    lacking = {fmt: router.lacks(fmt) for fmt in FORMATS}
    found = {}
    for fmt, strategy, action in [(fmt, strategy, "drop") for fmt in FORMATS for strategy in STRATEGIES] + REJECTING:
        name = f"{fmt} {strategy}" + (f" {action}" if action != "drop" else "")
        if lacking[fmt]:
            skip(name, lacking[fmt])
            continue
        text, why = generated(fmt, strategy, {"action": action})
        if ok(text is not None, f"{name}: there are rules", why):
            found[name] = text
    return found


def stopped(routers, plain, rules):
    """Logins with the rules, all at the same time, and meanwhile what must pass."""
    hosts = [WEB, f"[{SERVER6}]"]
    for name, router in routers.items():
        load(router, rules[name])
    plays = {name: Play(router, name) for name, router in {**routers, "no rules": plain}.items()}
    found = handshakes(plain, hosts)
    equal(len(completed(found)), len(found), "no rules: TLS 1.0 to 1.3, short hellos and long ones", found)
    short = {hello[:11] for (_, _, length), (_, hello) in found.items() if length == "short"}
    equal(short, {"16 03 01 00"}, "... and the short ones begin with the four bytes of the paper")
    equal(over_ipv6(plain), "1703010000", "no rules: the first message of a login is answered over IPv6")
    for name, router in routers.items():
        equal(completed(handshakes(router, hosts)), completed(found), f"{name}: all handshakes of TLS are completed")
        rejects = name.endswith("reject")
        equal(over_ipv6(router, PATIENCE if rejects else 1.5), "ConnectionResetError" if rejects else "TimeoutError",
              f"{name}: the first message of a login gets no answer over IPv6")
    outcome, said = plays.pop("no rules").outcomes()
    equal(outcome, LOGGED_IN, "no rules: both log in", said)
    for name, play in plays.items():
        outcome, said = play.outcomes()
        equal(outcome, STOPPED, f"{name}: nobody logs in; no first message is answered, until the client gives up", said)


def removed(routers, plain, rules):
    for name, router in routers.items():
        unload(router, rules[name])
        equal(left_in(router), "", f"{name}: the command of the head removes everything")
    plays = {name: Play(router, name + " again") for name, router in routers.items()}
    paper(plain)
    replays(plain, rules)
    for name, play in plays.items():
        outcome, said = play.outcomes()
        equal(outcome, LOGGED_IN, f"{name}: with the rules removed, both log in", said)
        equal(over_ipv6(routers[name]), "1703010000", "... and over IPv6 there is an answer again")


def main():
    if unwanted():
        skip_all(unwanted())
    require_programs("tcpdump", "openssl", "ss")
    began = time.monotonic()
    before = machine()
    with contextlib.ExitStack() as stack:
        try:
            plain = stack.enter_context(Router())
        except Unavailable as reason:
            skip_all(str(reason))
        rules = all_rules(plain)
        certificate()
        routers = {name: stack.enter_context(Router()) for name in rules}
        for router in (plain, *routers.values()):
            router.address("client", *CLIENTS.values(), CLIENT6)
            router.address("server", *SERVERS, WEB, SERVER6)
        stopped(routers, plain, rules)
        removed(routers, plain, rules)
    interrupted()
    equal(namespaces(f"footsteps-rules-{os.getpid()}-"), [], "no namespace of ours is left")
    equal(machine(), before, "nothing else of this machine was changed")
    note(f"{time.monotonic() - began:.0f} s")
    done()


main()
