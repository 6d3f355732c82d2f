"""A link of its own: a network namespace with a veth pair. What is replayed into one end, footsteps live and tcpdump see at
the other. The machine's own interfaces are neither used nor changed."""
import os
import re
import signal
import subprocess
import time

from tap import FOOTSTEPS, PATIENCE, content, pcap_records, tmp

SENDS, SEES = "fs0", "fs1"
RING_KB = "131072"  # of tcpdump: more than any test sends while it might stand still


class Unavailable(Exception):
    """This machine does not allow it; the words say why."""


def command(*words, **options):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)


class Link:
    def __init__(self, name):
        self.namespace = f"footsteps-live-{os.getpid()}-{name}"
        if os.geteuid() != 0:
            raise Unavailable("network namespaces need root")
        made = command("ip", "netns", "add", self.namespace)
        if made.returncode:
            raise Unavailable("no network namespaces here: " + made.stdout.decode(errors="replace").strip())
        self.running = []
        try:
            self.up()
        except Unavailable:
            self.remove()
            raise

    def up(self):
        # Without IPv6 the kernel has nothing to say on the link itself.
        for words in (("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"),
                      ("ip", "link", "add", SENDS, "type", "veth", "peer", "name", SEES),
                      ("ip", "link", "set", SENDS, "up", "arp", "off", "mtu", "9000"),
                      ("ip", "link", "set", SEES, "up", "arp", "off", "mtu", "9000")):
            done = self.run(*words)
            if done.returncode:
                raise Unavailable(f"{' '.join(words)}: {done.stdout.decode(errors='replace').strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.communicate()
        command("ip", "netns", "delete", self.namespace)

    def run(self, *words, **options):
        return command("ip", "netns", "exec", self.namespace, *words, **options)

    def start(self, *words, ready, before=(), **options):
        """Runs it in the namespace, and waits until it has said `ready` (a pattern) on stderr. before: a command that runs
        what follows it."""
        path = tmp(f"{self.namespace}-{len(self.running)}.err")
        with open(path, "wb") as log:
            process = subprocess.Popen([*before, "ip", "netns", "exec", self.namespace, *words], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=log, **options)
        process.log = path
        self.running.append(process)
        until = time.monotonic() + PATIENCE
        while not re.search(ready, self.said(process)) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        return process

    @staticmethod
    def said(process):
        with open(process.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def end(self, process, number=signal.SIGINT, seconds=PATIENCE):
        """Its exit status."""
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return "it did not end"

    def live(self, db, *options):
        return self.start(FOOTSTEPS, "live", "-i", SEES, "-o", db, "--snaplen", "65535", "--commit", "500ms", *options,
                          ready="^watching ")

    def tcpdump(self, capture):
        before = self.received()
        process = self.start("tcpdump", "-Z", "root", "-i", SEES, "-s", "65535", "-B", RING_KB, "-j", "host",
                             "--time-stamp-precision", "nano", "-U", "-w", capture, ready="listening on")
        process.capture, process.before = capture, before
        return process

    def received(self):
        """Packets that have come to the end that sees them."""
        return int(self.run("cat", f"/sys/class/net/{SEES}/statistics/rx_packets").stdout or 0)

    def caught_up(self, tcpdump):
        """Waits until it has written every packet that has come since it began: it may be behind."""
        until = time.monotonic() + PATIENCE
        while len(pcap_records(content(tcpdump.capture))) < self.received() - tcpdump.before and time.monotonic() < until:
            time.sleep(0.2)

    def replaying(self, capture, *speed):
        """Sends it again and again, until it is ended."""
        process = subprocess.Popen(["ip", "netns", "exec", self.namespace, "tcpreplay", "-q", "-i", SENDS, "--loop", "100000", *speed,
                                    capture], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def replay(self, capture, *speed):
        # Of the first priority, as in the lab: it is to keep the times of the capture.
        done = self.run("nice", "-n", "-10", "tcpreplay", "-q", "-i", SENDS, *speed, capture, timeout=600)
        return done.returncode, done.stdout.decode(errors="replace")
