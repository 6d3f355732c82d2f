"""Frames from interfaces (src/capture/interface.h), over veth pairs in a network namespace: what is sent arrives whole
and in order; several interfaces and workers; interfaces that go down, come back and vanish; drops that add up."""
import ipaddress
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import FOOTSTEPS, PATIENCE, SECONDS, done, equal, ok, pcap_header, pcap_record, require_programs, run, skip, skip_all, tmp, udp_frame, write

LIVE_FRAMES = os.path.join(os.path.dirname(FOOTSTEPS), "tests", "live_frames")
NAMESPACE = f"footsteps-capture-{os.getpid()}"
IN = ("ip", "netns", "exec", NAMESPACE)
INPUT_CUT, INPUT_STOPPED = "2", "4"  # enum input_end
GOLDEN_RATIO = 0x9E3779B1
ATTEMPTS = 5  # at what takes a second or two, and on a machine that stands still meanwhile more

# Sends frames given as "INTERFACE PAUSE_MS HEX" lines.
SENDER = """
import socket, sys, time
sockets = {}
for line in sys.stdin:
    interface, pause, data = line.split()
    if interface not in sockets:
        sockets[interface] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sockets[interface].bind((interface, 0))
    sockets[interface].send(bytes.fromhex(data))
    if float(pause):
        time.sleep(float(pause) / 1000)
"""


def ip(*words):
    subprocess.run(["ip", "-n", NAMESPACE, *words], check=True, stdout=subprocess.DEVNULL)


def pair(one, other):
    ip("link", "add", one, "type", "veth", "peer", "name", other)
    ip("link", "set", one, "up")
    ip("link", "set", other, "up")


def received(interface):
    path = f"/sys/class/net/{interface}/statistics/rx_packets"
    return int(subprocess.run([*IN, "cat", path], stdout=subprocess.PIPE, check=True).stdout)


def send(frames):
    """(interface, pause in ms, bytes) each."""
    text = "".join(f"{interface} {pause} {data.hex()}\n" for interface, pause, data in frames)
    subprocess.run([*IN, sys.executable, "-c", SENDER], input=text.encode(), check=True, timeout=SECONDS)


def replay(interface, frames, *options):
    path = write(tmp("replay.pcap"), pcap_header() + b"".join(pcap_record(1000 + i / 1e4, f) for i, f in enumerate(frames)))
    subprocess.run([*IN, "tcpreplay", "-q", "-i", interface, *options, path], check=True, timeout=SECONDS,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Live:
    """A run of live_frames, and what it has printed."""
    def __init__(self, *arguments):
        self.path = tmp(f"live-{time.monotonic_ns()}")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([*IN, LIVE_FRAMES, *arguments], stdout=out, stderr=subprocess.STDOUT)
        self.wait(lambda: self.of("ready") or self.of("error"))

    def lines(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()

    def of(self, kind):
        return [line.split(" ", 1)[1] if " " in line else line for line in self.lines() if line.split(" ")[0] == kind]

    def frames(self):
        """worker, input, time, wire, bytes"""
        split = [line.split(" ") for line in self.of("frame")]
        return [(int(w), int(i), int(t), int(wire), bytes.fromhex(data)) for w, i, t, wire, _, data in split]

    def wait(self, condition):
        until = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < until and self.process.poll() is None:
            time.sleep(0.02)
        return bool(condition())

    def ended(self):
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return self.process.returncode == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def stats(self, name):
        """state, packets, bytes, dropped by the kernel, by the interface"""
        for line in self.of("stats"):
            words = line.split(" ")
            if words[0] == name:
                return (words[1], *map(int, words[2:]))
        return None


def numbered(number, size=100):
    return udp_frame(payload=struct.pack("!I", number) + bytes(size))


def numbers(frames):
    """Behind the headers of Ethernet, IPv4 and UDP."""
    return [struct.unpack_from("!I", data, 42)[0] for *_, data in frames]


# --- one interface -----------------------------------------------------------------------------------------------------

def whole_and_in_order():
    sent = [numbered(i, (i * 37) % 1400) for i in range(3000)]
    live = Live("-s", "128", "v1")
    replay("v0", sent, "-p", "20000")
    live.wait(lambda: len(live.of("frame")) >= len(sent))
    live.stop()
    got = live.frames()
    equal([f[4] for f in got] == [f[:128] for f in sent], True, "all frames of tcpreplay arrive, in order, cut to the snaplen",
          f"{len(got)} of {len(sent)}")
    equal([f[3] for f in got], [len(f) for f in sent], "with their lengths on the wire")
    times = [f[2] for f in got]
    ok(times == sorted(times) and abs(times[-1] / 1e9 - time.time()) < 60, "and the time of the system, which does not go back")
    ok(any(t % 1000 for t in times), "in nanoseconds")
    equal(live.stats("v1"), ("up", len(sent), sum(map(len, sent)), 0, 0), "counts: packets, bytes on the wire, no drops")
    equal(live.of("end"), [f"0 v1 {INPUT_STOPPED} "], "the input ends as stopped")


def filtered():
    sent = [udp_frame(dport=53 + i % 2) for i in range(200)]
    live = Live("-f", "udp port 54", "v1")
    replay("v0", sent, "-p", "5000")
    live.wait(lambda: len(live.of("frame")) >= 100)
    live.stop()
    equal([f[4] for f in live.frames()], [f for i, f in enumerate(sent) if i % 2], "a filter leaves out what it should")


def stopping():
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        live = Live("-t", "2500", "v1")
        ended, took = live.ended(), time.monotonic() - began
        over, idle = int((live.of("over") or ["9999"])[0]), len(live.of("idle"))
        if over < 4500 and idle >= 2:
            break
    ok(ended, "a source that waits is stopped from another thread")
    ok(over < 4500, "... at once, and not after the 5 s of one that is not", over)
    ok(2 <= idle <= 4 * took + 1, "an idle link is said to be idle four times a second", idle, took)
    live = Live("v1", "w1")
    send([("v0", 0, numbered(i)) for i in range(10)])
    live.stop()
    equal(numbers(live.frames()), list(range(10)), "what came just before a stop by a signal is not lost")
    live = Live("-p", "600", "v1")
    replay("v0", [numbered(i) for i in range(320)], "--topspeed")
    live.stop()
    equal(numbers(live.frames()), list(range(320)), "what is in the ring at a stop is not lost to a slow reader, either")


def dropped():
    sent = [numbered(i, 400) for i in range(20000)]
    live = Live("-q", "-b", "262144", "v1")
    live.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, live.process.pid, os.WSTOPPED | os.WNOWAIT)
    replay("v0", sent, "--topspeed")
    live.process.send_signal(signal.SIGCONT)
    live.stop()
    state, packets, _, kernel, interface = live.stats("v1")
    ok(kernel > 0 and packets > 0, "a small ring that nobody reads drops", live.stats("v1"))
    equal((state, packets + kernel, interface), ("up", len(sent), 0), "and what arrives and what is dropped add up")


def down_and_up():
    live = Live("v1")
    send([("v0", 0, numbered(1))])
    live.wait(lambda: len(live.of("frame")) >= 1)
    ip("link", "set", "v1", "down")
    said = live.wait(lambda: any("went down" in line for line in live.of("say")))
    ok(said, "an interface that goes down is said", *live.of("say"))
    time.sleep(0.6)
    ip("link", "set", "v1", "up")
    ok(live.wait(lambda: any("up again" in line for line in live.of("say"))), "and said when it is up again")
    send([("v0", 0, numbered(2))])
    live.wait(lambda: len(live.of("frame")) >= 2)
    live.stop()
    equal((numbers(live.frames()), len(live.of("say"))), ([1, 2], 2), "it goes on where it was; each is said once", *live.of("say"))


# --- several -----------------------------------------------------------------------------------------------------------

def merged():
    order = [("v0", "w0")[(i * i // 3) % 2] for i in range(300)]
    live = Live("v1", "w1")
    send([(interface, 2, numbered(i)) for i, interface in enumerate(order)])
    live.wait(lambda: len(live.of("frame")) >= len(order))
    sent = time.time_ns()
    send([("v0", 0, numbered(1000))])
    alone = live.wait(lambda: len(live.of("frame")) > len(order))
    live.stop()
    got = live.frames()
    equal(numbers(got), list(range(300)) + [1000], "two interfaces are merged by time")
    equal(["vw"[f[1]] + "0" for f in got[:300]], order, "each frame knows its interface")
    ok(alone, "a frame does not wait for long for an interface where nothing comes", sent)


def vanished():
    pair("x0", "x1")
    live = Live("-w", "2", "x1", "v1")
    send([("x0", 0, numbered(1))])
    live.wait(lambda: len(live.of("frame")) >= 1)
    ip("link", "del", "x1")
    ok(live.wait(lambda: any("vanished" in line for line in live.of("say"))), "an interface that vanishes is said",
       *live.of("say"))
    send([("v0", 0, numbered(2))])
    ok(live.wait(lambda: len(live.of("frame")) >= 2), "and the other one goes on")
    live.stop()
    equal(sorted(line.split(" ")[1:3] for line in live.of("end")),
          [["v1", INPUT_STOPPED]] * 2 + [["x1", INPUT_CUT]] * 2, "their inputs end so")
    equal((live.stats("x1")[0], live.stats("v1")[0], len([s for s in live.of("say") if "vanished" in s])), ("gone", "up", 1),
          "it is said once, whatever the number of workers", *live.of("say"))
    pair("x0", "x1")
    live = Live("x1")
    send([("x0", 0, numbered(i)) for i in range(5)])
    ip("link", "del", "x1")
    ok(live.ended(), "when the last one has vanished, the source ends by itself")
    equal(numbers(live.frames()), list(range(5)), "with everything that had come before")
    equal([line.split(" ")[1:3] for line in live.of("end")], [["x1", INPUT_CUT]], "and its input is cut", *live.of("end"))


# --- workers -----------------------------------------------------------------------------------------------------------

def ethernet(kind, payload):
    return bytes.fromhex("020000000002020000000001") + struct.pack("!H", kind) + payload


def ipv4(source, destination, protocol, payload, offset=0):
    return ethernet(0x0800, struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, offset, 64, protocol, 0,
                                        source.packed, destination.packed) + payload)


def ipv6(source, destination, protocol, payload):
    return ethernet(0x86DD, struct.pack("!IHBB16s16s", 0x60000000, len(payload), protocol, 64, source.packed,
                                        destination.packed) + payload)


def conversation(a, b, number):
    """Packets of two hosts: UDP both ways on several ports, TCP, ICMP, fragments."""
    build, icmp = (ipv4, 1) if a.version == 4 else (ipv6, 58)
    for source, destination in ((a, b), (b, a)):
        for port in (1, 2, 3):
            yield build(source, destination, 17, struct.pack("!HHHH", 1000 + port + number, 53, 16, 0) + b"12345678")
        yield build(source, destination, 6, struct.pack("!HHIIHHHH", 80, number, 1, 0, 0x5002, 0, 0, 0))
        yield build(source, destination, icmp, struct.pack("!BBHI", 8, 0, 0, number) + b"ping")
        if a.version == 4:
            yield build(source, destination, 17, struct.pack("!HHHH", 9, 9, 32, 0) + b"12345678", 0x2000)
            yield build(source, destination, 17, b"87654321", 2)
        else:
            fragment = struct.pack("!BBHI", 17, 0, 1, 7)
            yield build(source, destination, 44, fragment + struct.pack("!HHHH", 9, 9, 32, 0) + b"12345678")
            yield build(source, destination, 44, struct.pack("!BBHI", 17, 0, 16, 7) + b"87654321")


def tagged(frame, *kinds):
    """The same with VLAN tags, the outermost first."""
    return frame[:12] + b"".join(struct.pack("!HH", kind, 0x4008 + i) for i, kind in enumerate(kinds)) + frame[12:]


def worker_of(a, b, workers):
    """The hash as fanout.c describes it, of the addresses' 32-bit words."""
    words = struct.unpack(f"!{len(a.packed) // 2}I", a.packed + b.packed)
    folded = 0
    for word in words:
        folded ^= word
    return ((folded * GOLDEN_RATIO & 0xFFFFFFFF) >> 16) % workers


def dealt():
    pairs = [(ipaddress.ip_address(f"10.0.{i // 20}.{1 + i}"), ipaddress.ip_address(f"198.51.{i % 3}.{250 - 3 * i}"))
             for i in range(60)]
    pairs += [(ipaddress.ip_address(f"2001:db8::{i:x}"), ipaddress.ip_address(f"2001:db8:{i * i:x}::1:{7 * i:x}"))
              for i in range(1, 40)]
    expected, sent = {}, []
    for number, (a, b) in enumerate(pairs):
        for k, frame in enumerate(conversation(a, b, number)):
            frame = tagged(frame, *((), (0x8100,), (0x88A8, 0x8100))[number % 3])
            expected.setdefault(frame, worker_of(a, b, 4))
            sent.append(("v0" if k % 2 else "v1", 0, frame))  # received by v1, and sent by it: the hash is the same
    other = {ethernet(0x0806, bytes(28)): "ARP", ethernet(0x8864, bytes(60)): "PPPoE", ethernet(0x8847, bytes(60)): "MPLS"}
    sent += [("v0", 0, frame) for frame in other]
    live = Live("-w", "4", "v1")
    send(sent)
    live.wait(lambda: len(live.of("frame")) >= len(sent))
    live.stop()
    got = live.frames()
    equal(len(got), len(sent), "four workers together get every packet once")
    wrong = [(f[0], expected[f[4]], f[4].hex()) for f in got if f[4] in expected and f[0] != expected[f[4]]]
    equal(wrong[:5], [], "both directions, sent and received, all flows, fragments and ICMP of two hosts meet in the worker that "
          "the hash says, with two VLAN tags, one, or none", len(wrong))
    counts = [sum(f[0] == w and f[4] in expected for f in got) for w in range(4)]
    ok(min(counts) > len(sent) / 12, "all workers get their share", counts)
    equal({other[f[4]]: f[0] for f in got if f[4] in other}, {"ARP": 0, "PPPoE": 0, "MPLS": 0}, "what is not IP goes to the first")
    equal(live.stats("v1")[1:], (len(sent), sum(len(f[2]) for f in sent), 0, 0), "the interface's counts are those of all")


def opened_in_traffic():
    """Until they share the packets, each worker's socket gets all: none of that may be seen."""
    sender = subprocess.Popen([*IN, sys.executable, "-c", SENDER], stdin=subprocess.PIPE)
    before, opened, sent = received("v1"), threading.Event(), [0, 0]  # up to when it was open, and in all

    def feed():
        while not opened.is_set() or sent[1] < sent[0] + 1000:
            sender.stdin.write(f"v0 1 {numbered(sent[1], sent[1] % 50).hex()}\n".encode())
            sender.stdin.flush()
            sent[1] += 1
            sent[0] = sent[0] if opened.is_set() else sent[1]
            time.sleep(0.001)
        sender.communicate()

    feeding = threading.Thread(target=feed)
    feeding.start()
    until = time.monotonic() + PATIENCE
    while received("v1") < before + 100 and time.monotonic() < until:
        time.sleep(0.02)
    live = Live("-w", "8", "v1")
    opened.set()
    feeding.join()
    live.wait(lambda: any(n == sent[1] - 1 for n in numbers(live.frames())))
    live.stop()
    got = sorted(numbers(live.frames()))
    ok(got and 0 < got[0] <= sent[0] and got == list(range(got[0], sent[1])),
       "opened while packets come: each is seen once, from some moment on", got[:5], len(got), sent)


def two_programs():
    """Groups are not shared between programs: each sees all."""
    first, second = Live("-w", "2", "v1"), Live("-w", "2", "v1")
    frames = [numbered(i) for i in range(50)]
    send([("v0", 0, frame) for frame in frames])
    for live in (first, second):
        live.wait(lambda live=live: len(live.of("frame")) >= 50)
        live.stop()
    equal((len(first.frames()), len(second.frames())), (50, 50), "two programs on an interface do not take each other's packets")


# --- errors ------------------------------------------------------------------------------------------------------------

def errors():
    for arguments, status, words in (
            (("nosuch0",), 2, "no such interface; there are: .*v1"),
            (("v1", "v1"), 1, "named twice"),
            (("-f", "udp prot 5", "v1"), 1, 'filter "udp prot 5" is wrong'),
            (("-w", "65", "v1"), 1, "65 workers"),
            ((), 1, "no interface")):
        live = Live(*arguments)
        live.process.wait()
        text = "\n".join(live.lines())
        ok(re.search(f"^error {status} .*{words}", text), f"refused: {' '.join(arguments) or 'nothing'}", text)
    ip("link", "set", "w1", "down")
    live = Live("w1")
    live.process.wait()
    ip("link", "set", "w1", "up")
    ok("error 2 w1 is down" in live.lines()[0], "refused: an interface that is down", *live.lines())
    try:
        text = run("lo", program=LIVE_FRAMES, user=65534, group=65534, extra_groups=[]).stdout
    except PermissionError:
        skip("without permission", "nobody may not run the test program here")
        return
    ok("error 2 lo: no permission" in text and "setcap" in text, "without permission: what to do", text)


if os.geteuid() != 0:
    skip_all("network namespaces want root")
require_programs("ip", "tcpreplay")
if not os.path.exists(LIVE_FRAMES):
    skip_all("tests/live_frames is not built")
if subprocess.run(["ip", "netns", "add", NAMESPACE], stderr=subprocess.DEVNULL, check=False).returncode != 0:
    skip_all("no network namespace can be made here")
try:
    for setting in ("all", "default"):  # no router solicitations among the frames
        subprocess.run([*IN, "sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{setting}/disable_ipv6"], check=False,
                       stderr=subprocess.DEVNULL)
    pair("v0", "v1")
    pair("w0", "w1")
    for test in (whole_and_in_order, filtered, stopping, dropped, down_and_up, merged, vanished, dealt, opened_in_traffic, two_programs, errors):
        test()
finally:
    subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False)
done()
