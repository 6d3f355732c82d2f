"""A router of the kernel's own, to load block rules into, and to see which packets come out of it. A helper of the tests of
`footsteps rules`; wants root. Three network namespaces, joined by veth pairs:

    client  inner ---- left  router  right ---- outer  server

    with Router() as router:
        router.run("nft", "-f", "rules.nft")
        passed = router.send(packets)         # of rules_model; the set of numbers of those that came out at the other end

Nothing of this machine outside of them is used or changed, and nothing is left however it ends (kill -9 excepted: the
next one removes that)."""
import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import tap
from rules_model import NO_PROTOCOL, ipv4, number_of

FAMILY = "footsteps-rules-"
LEFT, RIGHT = "left", "right"  # the router's interfaces, to the client and to the server
CLIENT_MAC, LEFT_MAC, RIGHT_MAC, SERVER_MAC = (f"02:00:00:00:00:0{n}" for n in range(1, 5))
# Of laboratories: private ones, those of documentation and of benchmarks (RFC 1918, 5737, 2544, 3849).
NETS = ("10.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")
# Of the links, in no packet that goes further (RFC 3927, 4291): the host's, the router's.
LINKS = {"client": (("169.254.1.2", "169.254.1.1"), ("fe80::1:2", "fe80::1:1")),
         "server": (("169.254.2.2", "169.254.2.1"), ("fe80::2:2", "fe80::2:1"))}
DEVICES = {"client": ("inner", CLIENT_MAC, LEFT, LEFT_MAC), "server": ("outer", SERVER_MAC, RIGHT, RIGHT_MAC)}
MARKER = 65535         # the number of the packet that says that all before it have come through
BATCH = 100            # packets between two markers, fewer than a socket or a queue holds
ETH_P_ALL = 3
PACKET_OUTGOING = 4    # linux/if_packet.h
CLONE_NEWNET = 0x40000000
# So that `with` and `finally` come to their ends.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGHUP, lambda *_: sys.exit(143))
libc = ctypes.CDLL(None, use_errno=True)


# Formats that a kernel obeys: what they need of this machine, and what tries whether its kernel has it. The last command
# undoes what the others did.
FORMATS = {
    "nft": (("nft",), ("nft -c 'table inet try { chain c { type filter hook forward priority 0; @ih,0,8 0 drop; }; }'",)),
    "iptables": (("iptables", "ip6tables", "ipset"),
                 ("iptables -A FORWARD -p tcp -m u32 --u32 0=0 -m comment --comment try -j ACCEPT", "iptables -F FORWARD")),
    "ebpf": (("clang", "tc"), ("echo '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>' | clang -target bpf "
                               "-I/usr/include/$(uname -m)-linux-gnu -x c -fsyntax-only -",
                               f"tc qdisc add dev {RIGHT} clsact", f"tc qdisc delete dev {RIGHT} clsact")),
}


def unwanted():
    """Why the kernel is to be left alone, or None. FOOTSTEPS_KERNEL=0: in a build of which everything else is to be tested,
    because another one has shown that its rules do what they say."""
    for name in ("FOOTSTEPS_LAB", "FOOTSTEPS_KERNEL"):
        if os.environ.get(name) == "0":
            return f"{name}=0"
    return None


class Unavailable(Exception):
    """This machine does not allow it; says why."""


def command(*words, check=True, **options):
    result = subprocess.run(words, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, timeout=600, **options)
    result.text = result.stdout.decode(errors="replace")
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.text.strip()}")
    return result


def namespaces(prefix=FAMILY):
    return [line.split()[0] for line in command("ip", "netns", "list", check=False).text.splitlines()
            if line.startswith(prefix)]


def remove(prefix):
    """Namespaces with that beginning, and what runs in them, which is all ours."""
    for name in namespaces(prefix):
        for pid in command("ip", "netns", "pids", name, check=False).text.split():
            try:
                os.kill(int(pid), 9)
            except (OSError, ValueError):
                pass
        command("ip", "netns", "delete", name, check=False)


def remove_leftovers():
    for name in namespaces():
        pid = name[len(FAMILY):].split("-")[0]
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                alive = b"python" in f.read()
        except OSError:
            alive = False
        if not alive:
            remove(f"{FAMILY}{pid}-")


def socket_in(namespace, interface):
    """A packet socket in a namespace: it stays there when we are back."""
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise Unavailable("setns: " + os.strerror(ctypes.get_errno()))
        try:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            s.bind((interface, 0))
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)
    s.setblocking(False)
    return s


@contextlib.contextmanager
def one_cpu():
    """Packets that are sent meanwhile keep their order: each processor has a queue of its own for what comes to a veth."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Router:
    made = 0

    def __init__(self, tools=("ip", "nft")):
        Router.made += 1
        self.prefix = f"{FAMILY}{os.getpid()}-{Router.made}-"
        self.sockets = {}
        self.markers = 0
        if os.geteuid() != 0:
            raise Unavailable("network namespaces want root")
        tap.require_programs(*tools)
        remove_leftovers()

    def __enter__(self):
        try:
            self._make()
        except RuntimeError as problem:
            self.close()
            raise Unavailable(str(problem)) from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        # A second signal would leave half of it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        for s in self.sockets.values():
            s.close()
        self.sockets = {}
        remove(self.prefix)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def name(self, which):
        return self.prefix + which

    def ip(self, which, *words):
        return command("ip", "-n", self.name(which), *words)

    def setting(self, which, key, value):
        """Below /proc/sys/net; what this kernel lacks needs no setting."""
        command("ip", "netns", "exec", self.name(which), "sh", "-c",
                f"[ ! -e /proc/sys/net/{key} ] || echo {value} >/proc/sys/net/{key}")

    def _make(self):
        for which in ("client", "router", "server"):
            command("ip", "netns", "add", self.name(which))
            for key, value in (("ipv6/conf/all/accept_dad", 0), ("ipv6/conf/default/accept_dad", 0),
                               ("ipv6/conf/default/router_solicitations", 0), ("ipv6/conf/default/addr_gen_mode", 1),
                               ("ipv4/conf/all/rp_filter", 0), ("ipv4/conf/default/rp_filter", 0)):
                self.setting(which, key, value)
            self.ip(which, "link", "set", "lo", "up")
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.setting("router", key, 1)
        for host in LINKS:
            self._wire(host)
        # What comes from one side leaves at the other, whatever its address is.
        for coming, leaving, table, to in ((LEFT, RIGHT, "102", "server"), (RIGHT, LEFT, "101", "client")):
            for version, (via, _) in zip(("-4", "-6"), LINKS[to]):
                self.ip("router", version, "route", "add", "default", "via", via, "dev", leaving, "table", table)
                self.ip("router", version, "rule", "add", "iif", coming, "lookup", table)
        self.sockets = {host: socket_in(self.name(host), DEVICES[host][0]) for host in DEVICES}

    def _wire(self, host):
        interface, mac, port, port_mac = DEVICES[host]
        self.ip("router", "link", "add", port, "address", port_mac, "type", "veth", "peer", "name", interface,
                "address", mac, "netns", self.name(host))
        for which, device in ((host, interface), ("router", port)):
            self.ip(which, "link", "set", device, "up")
        for (near, far), bits in zip(LINKS[host], (30, 112)):
            for which, device, own, other, other_mac in ((host, interface, near, far, port_mac),
                                                         ("router", port, far, near, mac)):
                self.ip(which, "address", "add", f"{own}/{bits}", "dev", device, *(["nodad"] if ":" in own else []))
                self.ip(which, "neighbour", "replace", other, "lladdr", other_mac, "dev", device, "nud", "permanent")
            for net in NETS:  # no default route: footsteps-peer plays only where there is no way out
                if (":" in net) == (":" in far):
                    self.ip(host, "route", "add", net, "via", far, "dev", interface)

    def lacks(self, fmt):
        """None, or why rules of this format cannot be loaded here."""
        tools, tries = FORMATS[fmt]
        for tool in tools:
            if not shutil.which(tool):
                tap.no_program(f"{fmt} in a kernel", tool)
                return f"{tool} is not installed"
        for line in tries:
            tried = self.run("sh", "-c", line, check=False)
            if tried.returncode != 0:
                return (tried.text.strip().splitlines() or [line])[0]
        return None

    # --- what is run in it

    def run(self, *words, which="router", check=True, **options):
        return command("ip", "netns", "exec", self.name(which), *words, check=check, **options)

    def start(self, *words, which="client", **options):
        """In the background; ends with the router at the latest."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(["ip", "netns", "exec", self.name(which), *words], **options)

    def passed(self, which, interface, *ways):
        """Packets that have gone over an interface, rx and tx."""
        return sum(int(self.run("cat", f"/sys/class/net/{interface}/statistics/{way}_packets", which=which).text) for way in ways)

    def caught_up(self, capture, before, which, interface, *ways):
        """Waits until a tcpdump (-U) has written all that has passed since `before`: it may be behind."""
        until = time.monotonic() + tap.PATIENCE
        while (not os.path.exists(capture) or len(tap.pcap_records(tap.content(capture))) < self.passed(which, interface, *ways) - before) \
                and time.monotonic() < until:
            time.sleep(0.1)

    def address(self, host, *texts):
        """Addresses of the client or the server, to which the other finds its way through the router."""
        interface, _, port, _ = DEVICES[host]
        for text in texts:
            six = ":" in text
            self.ip(host, "address", "add", f"{text}/{128 if six else 32}", "dev", interface, *(["nodad"] if six else []))
            self.ip("router", "route", "add", text, "via", LINKS[host][six][0], "dev", port)
        for net in NETS:  # who asks from here does it from the first of them
            for text in [text for text in texts if (":" in text) == (":" in net)][:1]:
                self.ip(host, "route", "replace", net, "via", LINKS[host][":" in net][1], "dev", interface, "src", text)

    # --- packets through it

    def send(self, packets, again=2, key=number_of):
        """The numbers of those that come out. What does not is sent `again`, once more each: a queue may lose one. key: what
        of its bytes a packet is known by."""
        passed = set()
        left = list(packets)
        for s in self.sockets.values():  # what others sent: a full queue would lose ours
            for _ in self._arrived(s):
                pass
        for _ in range(1 + again):
            for at in range(0, len(left), BATCH):
                passed |= self._batch(left[at:at + BATCH], key)
            left = [packet for packet in left if packet.number not in passed]
            if not left:
                break
        return passed

    def _batch(self, packets, key):
        known = {(packet.going, key(packet.data)): packet.number for packet in packets}
        self.markers += 1
        mark = struct.pack("!I", self.markers)
        with one_cpu():
            for packet in packets:
                self._put(packet.going, packet.data, packet.padding)
            for going in ("out", "in"):
                self._put(going, ipv4(MARKER, "169.254.9.1", "169.254.9.2", NO_PROTOCOL, mark))
        waiting, passed, until = {"out", "in"}, set(), time.monotonic() + tap.PATIENCE
        while waiting and time.monotonic() < until:
            select.select(list(self.sockets.values()), [], [], 0.2)
            for going, host in (("out", "server"), ("in", "client")):
                for data in self._arrived(self.sockets[host]):
                    if (going, key(data)) in known:
                        passed.add(known[going, key(data)])
                    elif (number_of(data) or ())[:3] == (4, MARKER, NO_PROTOCOL) and data[20:24] == mark:
                        waiting.discard(going)
        if waiting:
            raise RuntimeError(f"nothing comes through the router any more ({', '.join(sorted(waiting))})")
        return passed

    def _put(self, going, data, padding=b""):
        host, source, target = ("client", CLIENT_MAC, LEFT_MAC) if going == "out" else ("server", SERVER_MAC, RIGHT_MAC)
        head = bytes.fromhex((target + source).replace(":", "")) + (b"\x08\x00" if data[0] >> 4 == 4 else b"\x86\xdd")
        while True:
            try:
                self.sockets[host].send(head + data + padding)
                return
            except (BlockingIOError, OSError) as problem:
                if getattr(problem, "errno", 0) not in (11, 105):  # EAGAIN, ENOBUFS
                    raise
                select.select([], [self.sockets[host]], [], 0.1)

    @staticmethod
    def _arrived(s):
        while True:
            try:
                frame, address = s.recvfrom(65536)
            except BlockingIOError:
                return
            if address[2] != PACKET_OUTGOING:
                yield frame[14:]


def head_commands(text, heading):
    """Commands in the head of what `footsteps rules` prints, below a line that ends with the heading; what follows one in
    brackets, four blanks behind it, is for people."""
    found, inside = [], False
    for line in text.splitlines():
        words = re.match(r"^(#|//|!| \*)? ?(.*)$", line).group(2)
        if inside and words.startswith("    "):
            found.append(re.sub(r"    \(.*\)$", "", words.strip()))
        elif inside:
            break
        inside = inside or words.startswith(heading)
    return found


def options(limits):
    """{"internal": ["10.0.0.0/8"]} as words of a command line."""
    return [word for key, value in limits.items() for one in (value if isinstance(value, list) else [value])
            for word in (f"--{key}", one)]


def generated(fmt, strategy, limits, databases=()):
    """What `footsteps rules` prints: (text, None), or (None, why not). A format that is always of one interface gets that
    to the server. limits: options and their values."""
    attempt = None
    for interface in ({}, {"interface": RIGHT}):
        attempt = tap.run("rules", "--strategy", strategy, "--format", fmt, *options({**interface, **limits}), *databases)
        if attempt.returncode == 0:
            return attempt.stdout, None
        if "--interface" not in attempt.stderr:
            break
    return None, (attempt.stderr.strip().splitlines() or [f"exit status {attempt.returncode}"])[-1]


def load(router, text):
    """As the head says."""
    _obey(router, text, "To load it")


def unload(router, text):
    _obey(router, text, "To remove it")


def _obey(router, text, heading):
    """Runs the commands, in a folder with the file in it, by the name that they give it. Where they want to know of which
    interface ("$IF"), it is that to the server."""
    lines = head_commands(text, heading)
    if not lines:
        raise RuntimeError(f"the head has no commands below '{heading}'")
    folder = tap.tmp(router.prefix)
    os.makedirs(folder, exist_ok=True)
    given = re.search(r"footsteps_\w+\.(c|sh|nft)\b", " ".join(lines))
    tap.write(os.path.join(folder, given.group() if given else "FILE"), text.encode())
    for line in lines:
        if "--readback" in line:
            continue
        result = router.run("sh", "-c", line, check=False, cwd=folder, env={**os.environ, "IF": RIGHT})
        if result.returncode != 0:
            raise RuntimeError(f"{line}: {result.text.strip()}")


def left_in(router):
    """What rules have left behind in the router: '' when it is as it was made."""
    text = router.run("nft", "list", "ruleset", check=False).text
    # iptables-nft leaves tables and chains of the kernel's defaults, without any rule.
    default = r"table ip6? (filter|raw|mangle|nat|security) {|chain [A-Z]+ {|type \w+ hook .*|}|#.*|"
    if all(re.fullmatch(default, line.strip()) for line in text.splitlines()):
        text = ""
    for tool in ("iptables-legacy-save", "ip6tables-legacy-save"):
        if shutil.which(tool):
            rules = router.run(tool, check=False).text
            text += "".join(line + "\n" for line in rules.splitlines() if re.match(r"-A|-N|:\S+ - ", line))
    if shutil.which("ipset"):
        text += router.run("ipset", "list", "-n", check=False).text
    for port in (LEFT, RIGHT) if shutil.which("tc") else ():
        for way in ("ingress", "egress"):  # an empty clsact may stay
            text += router.run("tc", "filter", "show", "dev", port, way, check=False).text
    return text.strip()
