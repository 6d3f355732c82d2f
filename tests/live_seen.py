"""A run of `footsteps live` with every output that people and programs look at, on a link of its own (live_link.py); and
captures whose names and versions mean harm."""
import datetime
import gzip
import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import time

from live_link import SEES, Link, Unavailable
from tap import FOOTSTEPS, PATIENCE, TOP, content, no_program, pcap_record, pcap_records, skip, tmp, udp_frame, write

BROWSED = "127.0.0.1:8480"  # in the namespace
CONTROL, METRICS_SOCKET = "control.sock", "metrics.sock"
RESOLVER, ASKS = "198.51.100.53", "198.51.100.20"
# Bytes of one label each: markup, a way out of an attribute, an escape sequence, a line's end, the text turned around.
LABELS = [b"<img src=x onerror=window.hurt=1>", b"\"><svg onload=window.hurt=1>", b"\x1b[31mred\x07\r\n", b"</script><script>hurt=1</script>",
          b"\xe2\x80\xaemoc.elpmaxe", b"\xff\xfe\x00\x9b2J"]


def available():
    """Why there is no link here, or None."""
    if os.environ.get("FOOTSTEPS_LAB") == "0":
        return "FOOTSTEPS_LAB=0"
    try:
        with Link("try"):
            return None
    except Unavailable as why:
        return str(why)


def shipped(name):
    """A capture of traces/peer, unpacked."""
    with gzip.open(os.path.join(TOP, "traces", "peer", name + ".pcap.gz")) as f:
        return write(tmp(name + ".pcap"), f.read())


def missing(test):
    """Whether there is no link, or nothing to replay with; then the test is skipped, or failed where it must be."""
    why = available()
    if why:
        skip(test, why)
        return True
    for program in ("ip", "tcpreplay"):
        if not shutil.which(program):
            no_program(test, program)
            return True
    return False


def seconds(time_text):
    """Since 1970; of a time in the state."""
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


def dns(labels, address):
    """A question and its answer: answers to nobody are not believed."""
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", 1, 1)
    ask, answer = (struct.pack("!HHHHHH", 7, flags, 1, answers, 0, 0) for flags, answers in ((0x0100, 0), (0x8180, 1)))
    data = struct.pack("!HHIH", 1, 1, 60, 4) + ipaddress.ip_address(address).packed
    return (udp_frame(ASKS, 5353, RESOLVER, 53, ask + question),
            udp_frame(RESOLVER, 53, ASKS, 5353, answer + question + b"\xc0\x0c" + data))


def named(capture, names, name="named.pcap"):
    """The capture (classic, little-endian) with DNS answers in front of it: names is {address: labels}."""
    data = content(capture)
    begins = struct.unpack_from("<I", data, 24)[0] - 5
    answers = b"".join(pcap_record(begins, frame) for address, labels in names.items() for frame in dns(labels, address))
    return write(tmp(name), data[:24] + answers + data[24:])


def cut(capture, *moments):
    """The capture (classic, little-endian, microseconds) in parts, before each of these moments and behind the last, ns."""
    data = content(capture)
    parts = [[] for _ in range(len(moments) + 1)]
    for record in pcap_records(data):
        at, micros = struct.unpack_from("<II", record)
        parts[sum(at * 10**9 + micros * 1000 >= moment for moment in moments)].append(record)
    return [write(tmp(f"cut{n}.pcap"), data[:24] + b"".join(part)) for n, part in enumerate(parts)]


class Seen:
    """The run. All its outputs are in one directory."""

    def __init__(self, link, name, *options, http=True):
        self.directory = tmp(name)
        os.mkdir(self.directory)
        self.link, self.db = link, self.path("seen.db")
        self.alerts, self.told, self.metrics = self.path("alerts.jsonl"), self.path("told.jsonl"), self.path("metrics.prom")
        link.run("ip", "link", "set", "lo", "up")
        if http:
            options += ("--http", BROWSED, "--report-every", "10s")
        self.live = link.start(FOOTSTEPS, "live", "-i", SEES, "-o", self.db, "--commit", "300ms", "--tables", "1s", "--control",
                               self.path(CONTROL), "--metrics", self.metrics, "--metrics-socket", self.path(METRICS_SOCKET), "--alerts",
                               self.alerts, "--alerts", f"|cat >> {self.told}", *options, ready="(?m)^the page is at " if http else "^watching ")

    def path(self, name):
        return os.path.join(self.directory, name)

    def ask(self, words, name=CONTROL):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.path(name))
            s.sendall(words.encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while some := s.recv(1 << 16):
                answer += some
            return answer.decode()

    def status(self):
        return json.loads(self.ask("status"))

    def until(self, true):
        """The state as soon as it is so, or at the end of patience."""
        until = time.monotonic() + PATIENCE
        while True:
            state = self.status()
            if true(state) or time.monotonic() > until:
                return state
            time.sleep(0.1)

    def settled(self, packets):
        """Once so many packets were seen, and all that is said of them has been the same for three seconds of the run's own
        clock, and for many times that it was asked: a busy machine holds up the run and its clock alike, and when it goes on the
        clock is ahead for a moment."""
        state = self.until(lambda state: state["totals"]["packets"] >= packets)
        since, times = state, 0

        def same(now):
            nonlocal since, times
            if now["totals"] != since["totals"]:
                since, times = now, 0
            times += 1
            return seconds(now["now"]) - seconds(since["now"]) >= 3 and times >= 20

        return self.until(same)

    def once(self):
        done = self.link.run(FOOTSTEPS, "top", "--once", "--control", self.path(CONTROL), env={**os.environ, "LC_ALL": "C.UTF-8"})
        return done.stdout.decode()

    def end(self):
        return self.link.end(self.live)

    def said(self):
        return self.link.said(self.live)


def counters(text):
    """Prometheus text as {name with labels: number}; a line that is none is an error."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            name, value = re.fullmatch(r"(footsteps_\w+(?:\{\w+=\"(?:[^\"\\]|\\.)*\"(?:,\w+=\"[\w-]+\")?\})?) ([0-9.]+)", line).groups()
            found[name] = float(value)
    return found


def packets_of(capture):
    return len(list(pcap_records(content(capture))))


def fetch(link, request, seconds=PATIENCE):
    """Raw bytes to the web server and back, from within the namespace."""
    script = ("import socket,sys\ns=socket.create_connection(('127.0.0.1',8480),60)\ns.settimeout(float(sys.argv[1]))\n"
              "try:\n s.sendall(sys.stdin.buffer.read())\n while b:=s.recv(65536): sys.stdout.buffer.write(b)\nexcept OSError: pass\n")
    return link.run("python3", "-c", script, str(seconds), input=request, timeout=2 * PATIENCE).stdout
