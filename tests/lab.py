"""The lab (tests/lab/run): real sockets through NAT and firewall of the kernel. What its NATs do, that nothing is left
behind however it ends, and (with FOOTSTEPS_LAB=1, six minutes) what the monitor makes of the three set-ups."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import FOOTSTEPS, PATIENCE, SECONDS, TOP, done, equal, note, ok, query, read, skip, skip_all, tmp, write

RUN = os.path.join(TOP, "tests", "lab", "run")
SETUPS = os.path.join(TOP, "tests", "lab", "setups.scenario")
PEER = os.environ.get("FOOTSTEPS_PEER") or os.path.join(os.path.dirname(FOOTSTEPS), "footsteps-peer")
MOMENTS = 8  # at which a lab is interrupted
os.environ["FOOTSTEPS_PEER"] = PEER
os.environ["FOOTSTEPS"] = FOOTSTEPS
os.environ["TMPDIR"] = tmp("lab")
os.mkdir(tmp("lab"))
started = set()  # process ids of our labs, which are in the names of their namespaces


def read_text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()


def machine():
    """What a lab must leave as it was, of this machine and of ours on it."""
    links = re.sub(r"^\d+: ", "", output("ip", "-o", "link"), flags=re.M)
    labs = [name for name in output("ip", "netns", "list").split()  # another test may have labs of its own
            if name.startswith("footsteps-lab-") and name.split("-")[2] in started]
    return {"links": sorted(re.findall(r"^(\S+?)[@:]", links, flags=re.M)), "namespaces": labs,
            "addresses": output("ip", "-o", "address").count("\n"), "routes": output("ip", "route", "show", "table", "all"),
            "rules": output("nft", "list", "ruleset"), "files": sorted(os.listdir(tmp("lab"))),
            "processes": sorted(processes())}


def processes():
    """Those that play our scenario, or capture into our folder."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word.startswith(tmp()) for word in words) and int(pid) != os.getpid():
            yield " ".join(words)


def unchanged(before, name):
    """The kernel takes a network namespace apart a moment after its last user has gone."""
    until = time.monotonic() + PATIENCE
    while (after := machine()) != before and time.monotonic() < until:
        time.sleep(0.1)
    return equal(after, before, name)


def lab(*arguments, stdout=subprocess.PIPE, **options):
    process = subprocess.Popen([RUN, *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT,
                               **options)
    started.add(str(process.pid))
    return process


def finished(process, seconds=SECONDS):
    text = process.communicate(timeout=seconds)[0].decode(errors="replace")
    return process.returncode, text


def wait_for(what):
    until = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


# --- what the NATs do -------------------------------------------------------------------------------------------------

# In a namespace: binds UDP HOST:PORT, does the words one after the other, says so, and prints what comes, until its input ends.
SOCKET = """
import select, socket, sys
host, port, *words = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((host, int(port)))
for word in words:
    if word == "wait":
        print("ready", flush=True)
        sys.stdin.readline()
    else:
        to, at = word.split(":")
        s.sendto(f"{host}:{port}".encode(), (to, int(at)))
print("ready", flush=True)
ready = [s]
while s in ready or not ready:
    ready = select.select([s, sys.stdin], [], [])[0]
    if s in ready:
        text, sender = s.recvfrom(100)
        print(text.decode(), "from", "%s:%d" % sender, flush=True)
"""
LATE = 1  # second that is given to what should not come


def socket_in(namespace, host, port, *words):
    """It listens, and has done its words, or those before it is to wait."""
    process = subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, "-c", SOCKET, host, str(port), *words],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def go_on(process):
    process.stdin.write(b"\n")
    process.stdin.flush()
    process.stdout.readline()


def heard(process, wanted=0):
    """What has come: so much, however long it takes, and what else comes with it."""
    end = threading.Timer(PATIENCE, process.kill)
    end.start()
    text = b"".join(process.stdout.readline() for _ in range(wanted))
    time.sleep(LATE if wanted == 0 else 0)
    process.stdin.close()
    text += process.stdout.read()
    process.wait()
    end.cancel()
    return sorted(text.decode().splitlines())


def says(*arguments):
    """It has sent, and has gone."""
    socket_in(*arguments).communicate(timeout=PATIENCE)


def nats(pid):
    """192.0.2.150:5000 is asked from behind the NAT; its port 5001 and another host answer, too."""
    world, home, office, open_ = (f"footsteps-lab-{pid}-{name}" for name in ("world", "home", "office", "open"))
    asked = socket_in(world, "192.0.2.150", 5000)
    asks = socket_in(home, "10.0.0.2", 4000, "192.0.2.150:5000", "wait", "192.0.2.151:5000")
    says(world, "192.0.2.150", 5001, "198.51.100.7:4000")
    stranger = socket_in(world, "192.0.2.151", 5000, "198.51.100.7:4000")
    says(world, "192.0.2.150", 5002, "198.51.100.7:4000")
    go_on(asks)
    equal(heard(asked, 1), ["10.0.0.2:4000 from 198.51.100.7:4000"], "a NAT shows its own address, and keeps the port")
    equal(heard(stranger, 1), ["10.0.0.2:4000 from 198.51.100.7:4000"],
          "... the same port to another host, also one that knocked in vain before")
    equal(heard(asks), [], "neither another port of the host that was asked gets in, nor another host")
    answered = socket_in(home, "10.0.0.2", 4001, "192.0.2.150:5003")
    says(world, "192.0.2.150", 5003, "198.51.100.7:4001")
    equal(heard(answered, 1), ["192.0.2.150:5003 from 192.0.2.150:5003"], "who was asked gets in, by address and port")
    asked = socket_in(world, "192.0.2.150", 5004)
    says(office, "10.0.0.3", 4000, "192.0.2.150:5004")
    says(open_, "10.0.0.4", 4000, "192.0.2.150:5004")
    equal(heard(asked, 1), ["10.0.0.4:4000 from 10.0.0.4:4000"], "UDP of the office is dropped, that of the open host is not")
    asked = socket_in(world, "192.0.2.150", 53)
    says(office, "10.0.0.3", 4000, "192.0.2.150:53")
    equal(heard(asked, 1), ["10.0.0.3:4000 from 198.51.100.8:4000"], "... but questions to name servers pass")


def way_out(pid):
    """No namespace of a lab has a way to anywhere else."""
    routes = [line for name in ("router", "world", "home", "nat-home", "open")
              for line in output("ip", "-n", f"footsteps-lab-{pid}-{name}", "route").splitlines()]
    equal([line for line in routes if line.startswith("default")], [], "there is no default route in the lab")
    ok(len(routes) > 20, "... though there are routes", routes)
    for host in ("8.8.8.8", "1.1.1.1"):
        tried = subprocess.run(["ip", "-n", f"footsteps-lab-{pid}-home", "route", "get", host], check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ok(tried.returncode != 0 and b"unreachable" in tried.stderr, f"{host} is unreachable from a party",
           tried.stdout, tried.stderr)


def hidden_way_out(pid, scenario):
    """A default route that /proc/net/route does not show, because it is in another table, as those of VPNs."""
    home = f"footsteps-lab-{pid}-home"
    play = ("ip", "netns", "exec", home, PEER, "live", "-q", scenario, "home")
    wait_for(lambda: output("ip", "netns", "exec", home, "cat", "/proc/net/udp").count("\n") > 1)  # below a header, the client's port
    told = subprocess.run(play, check=False, stderr=subprocess.PIPE).stderr.decode()
    ok("already in use" in told, "in the lab a role may start (and finds its port taken)", told)
    output("ip", "-n", home, "route", "add", "default", "dev", "uplink", "table", "100")
    output("ip", "-n", home, "rule", "add", "table", "100")
    told = subprocess.run(play, check=False, stderr=subprocess.PIPE).stderr.decode()
    ok("is not for real sockets here" in told, "not where policy routing has a way out", told)


# --- nothing is left --------------------------------------------------------------------------------------------------

def interrupted(before, scenario):
    """Killed at moments of its whole life, from the first namespace to the reading of the capture."""
    seed = int(os.environ.get("FOOTSTEPS_SEED") or time.time())
    chance = random.Random(seed)
    note(f"moments by FOOTSTEPS_SEED={seed}")
    for n in range(MOMENTS):
        number = (signal.SIGINT, signal.SIGTERM)[n % 2]
        moment = chance.uniform(0, 0.8) if n < MOMENTS - 2 else chance.uniform(1, 6)
        began = time.monotonic()
        process = lab("-q", "--lasts", "2", scenario)
        time.sleep(moment)
        process.send_signal(number)
        may_be_over = time.monotonic() - began > 4
        status, text = finished(process)
        name = f"{signal.Signals(number).name} after {moment:.2f} s"
        ok(status in (128 + number, 0 if may_be_over else 128 + number, -number), f"{name} ends the lab", status, text)
        unchanged(before, f"{name} leaves nothing behind")


def broken(before, scenario):
    """Programs that fail in the middle."""
    failing = write(tmp("failing"), b"#!/bin/sh\ncase $* in *--list*) exec \"$PEER\" \"$@\" ;; *login*) exit 3 ;; esac\n"
                    b"exec \"$PEER\" \"$@\"\n")
    os.chmod(failing, 0o755)
    status, text = finished(lab("-q", "--lasts", "3", scenario, env={**os.environ, "PEER": PEER, "FOOTSTEPS_PEER": failing}))
    equal(status, 2, "a role that fails ends the lab", text)
    ok("exit status 3" in text, "... which says so", text)
    unchanged(before, "... and leaves nothing behind")
    status, text = finished(lab("-q", "--lasts", "1", scenario, env={**os.environ, "FOOTSTEPS": "/bin/false"}))
    equal(status, 2, "a monitor that fails ends the lab", text)
    unchanged(before, "... and leaves nothing behind")
    process = lab("--lasts", "1", scenario)
    process.stdout.readline()
    process.stdout.close()
    ok(process.wait(timeout=SECONDS) != 0, "a reader that has gone (| head) ends the lab")
    unchanged(before, "... and leaves nothing behind")
    status, text = finished(lab("-q", tmp("absent.scenario")))
    equal(status, 2, "so does a scenario that is not there", text)
    unchanged(before, "... and leaves nothing behind")


def killed(before, scenario):
    """What kill -9 leaves, the next run removes."""
    process = lab("-q", "--lasts", "60", scenario, stdout=subprocess.DEVNULL)  # a pipe would stay open
    wait_for(lambda: len(list(processes())) > 6)
    process.kill()
    process.wait(timeout=SECONDS)
    ok(machine()["namespaces"] != before["namespaces"], "kill -9 leaves namespaces (else there is nothing to test)")
    # That of a lab whose number nobody has, or somebody else.
    other = subprocess.Popen(["true"])
    other.wait()
    started.add(str(other.pid))
    output("ip", "netns", "add", f"footsteps-lab-{other.pid}-router")
    status, text = finished(lab("-q", "--lasts", "1", scenario))
    equal(status, 0, "a lab after it runs", text)
    unchanged(before, "... and removes what it left")


# --- who is in it -----------------------------------------------------------------------------------------------------

CROWD = 12  # c1 is not all of c10 to c12; the last two are behind one NAT, one of them without UDP
ATTEMPTS = 3  # to play in real time on a machine that may stand still meanwhile


def crowd(before):
    """Many clients: all begin when the scenario says, and no capture is still being written when it is read."""
    head, tail = read_text(SETUPS).split("[client open]")[0], read_text(SETUPS).split("[supernode sn1]")[1]
    clients = "".join(f"""[client c{n}]
version = 1.2.0.18
address = 10.0.1.{n}:{31755 + n}
network = {"public" if n < CROWD - 1 else "port-restricted 198.51.100.7" if n < CROWD else "udp-restricted 198.51.100.7"}
cache = sn1 n1 n2
login = login1
list = list1
""" for n in range(1, CROWD + 1))
    events = "".join(f"1s c{n} starts\n" for n in range(1, CROWD + 1))
    text = head + clients + "[supernode sn1]" + tail.split("[events]")[0] + "[events]\n" + events
    scenario = write(tmp("crowd.scenario"), text.encode())
    reader = write(tmp("reader"), b"""#!/bin/sh
[ "$1" != read ] || for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline && echo; done 2>/dev/null |
	grep "^tcpdump .*$TMPDIR" >"$TMPDIR/../still"
exec "$MONITOR" "$@"
""")
    os.chmod(reader, 0o755)
    for attempt in range(ATTEMPTS):
        folder = tmp(f"crowd{attempt}")
        status, text = finished(lab("-q", "--lasts", "15", "-o", folder, scenario,
                                    env={**os.environ, "MONITOR": FOOTSTEPS, "FOOTSTEPS": reader}))
        logs = {n: read_text(os.path.join(folder, f"c{n}.log")) for n in range(1, CROWD + 1)} if status == 0 else {}
        late = {n: log for n, log in logs.items() if not re.match(r"^ +1\.[01]\d\d s  c\d+  starts", log)}
        out = [n for n, log in logs.items() if n != CROWD and "login: success" not in log]
        if status != 0 or not late and not out:
            break
        note(f"in attempt {attempt + 1}, late: {late}, not in: {out}")
    equal(status, 0, f"a lab of {CROWD} clients", text)
    equal(late, {}, "... who start when the scenario says")
    equal(out, [], "all that have UDP are in", logs)
    equal(read_text(tmp("still")), "", "the captures are complete when they are read")
    home = [row["client_ip"] for row in query(os.path.join(folder, "lab.db"), """SELECT DISTINCT client_ip
            FROM exchanges WHERE role = 'login' AND client_ip = '10.0.1.11'""")] if status == 0 else []
    equal(home, ["10.0.1.11"], "who shares a NAT gets through it")
    unchanged(before, "it leaves nothing behind")


def refused(before, scenario):
    """What a student may write, and the lab cannot play, is told before anything is made."""
    text = read_text(scenario)
    for name, changed, said in (
            ("a party with the name of a namespace", re.sub(r"\bhome\b", "router", text), "something else"),
            ("two parties on an address", text.replace("10.0.0.3:", "10.0.0.2:"), "two parties are on 10.0.0.2")):
        status, told = finished(lab("-q", "--lasts", "1", write(tmp("refused.scenario"), changed.encode())))
        ok(status == 2 and said in told, f"{name} is refused", status, told)
    for lasts in ("2m", "0", "soon", "1.5"):
        status, told = finished(lab("-q", "--lasts", lasts, scenario))
        ok(status == 1 and "whole seconds" in told, f"--lasts {lasts} is refused", status, told)
    unchanged(before, "... and leaves nothing behind")


# --- what the monitor says --------------------------------------------------------------------------------------------

EXPECTED = {"10.0.0.4": "public", "10.0.0.2": "port-restricted nat", "10.0.0.3": "udp-restricted"}
PAIRS = """SELECT client_ip, peer_ip, peer_port, class FROM pair_classes WHERE protocol = 'skype'"""


def classes(db):
    return {tuple(row.values())[:3]: row["class"] for row in query(db, PAIRS)}


def setups(db):
    return {row["ip"]: row["setup"] for row in query(
        db, "SELECT c.ip, s.setup FROM setups s JOIN clients c USING (run, client) WHERE c.internal AND c.verdict = 'skype'")}


def long_run(before):
    process = lab("-o", tmp("long0"), SETUPS)
    traced = subprocess.run([PEER, "trace", "-q", "-o", tmp("virtual.pcap"), SETUPS], check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(traced.returncode, 0, "the same scenario in virtual time", traced.stdout)
    _, virtual = read([tmp("virtual.pcap")])
    for attempt in range(ATTEMPTS):
        status, text = finished(process, 2 * SECONDS)
        live = tmp(f"long{attempt}/lab.db")
        if status != 0 or attempt + 1 == ATTEMPTS or (setups(live), classes(live)) == (setups(virtual), classes(virtual)):
            break
        note(f"attempt {attempt + 1} was another play: {set(classes(live).items()) ^ set(classes(virtual).items())}")
        process = lab("-o", tmp(f"long{attempt + 1}"), SETUPS)
    equal(status, 0, "the lab plays and reads the three set-ups", text)
    equal(setups(live), EXPECTED, "live, the monitor infers each of the three set-ups")
    equal(setups(virtual), EXPECTED, "... and in virtual time")
    equal(query(live, "SELECT client_ip, outcome FROM exchanges WHERE role = 'login' ORDER BY 1"),
          query(virtual, "SELECT client_ip, outcome FROM exchanges WHERE role = 'login' ORDER BY 1"), "the same logins")
    a, b = classes(live), classes(virtual)
    ok(len(a) > 20, "there are pairs to compare", len(a))
    equal({pair: a.get(pair) for pair in a.keys() | b.keys() if a.get(pair) != b.get(pair)}, {},
          f"the same classes of {len(a)} pairs live and in virtual time",
          {pair: b.get(pair) for pair in a.keys() | b.keys() if a.get(pair) != b.get(pair)})
    unchanged(before, "the lab leaves nothing behind after six minutes, either")


def main():
    if os.environ.get("FOOTSTEPS_LAB") == "0":
        skip_all("FOOTSTEPS_LAB=0")
    if os.geteuid() != 0:
        skip_all("network namespaces want root")
    for tool in ("ip", "nft", "tcpdump"):
        if not shutil.which(tool):
            skip_all(f"{tool} is not installed")
    scenario = shutil.copy(SETUPS, tmp("short.scenario"))  # its path is how our processes are known
    before = machine()
    status, text = finished(lab("--lasts", "1", scenario))
    if status == 77:
        skip_all(text.strip().splitlines()[-1])
    equal(status, 0, "a lab of one second", text)
    ok("ip netns add" in text and "nft" in text, "it prints what it does", text)
    unchanged(before, "and leaves nothing behind")
    process = lab("-q", "--lasts", "600", scenario)
    if ok(wait_for(lambda: len(list(processes())) > 9), "a lab to look into"):
        way_out(process.pid)
        nats(process.pid)
        hidden_way_out(process.pid, scenario)
    process.send_signal(signal.SIGTERM)
    status, text = finished(process)
    equal(status, 143, "it ends when told to", text)
    unchanged(before, "and leaves nothing behind")
    interrupted(before, scenario)
    broken(before, scenario)
    killed(before, scenario)
    refused(before, scenario)
    crowd(machine())
    if os.environ.get("FOOTSTEPS_LAB") == "1":
        long_run(machine())
    else:
        skip("the three set-ups, live", "six minutes of real time: set FOOTSTEPS_LAB=1")
    done()


main()
