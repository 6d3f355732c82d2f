"""footsteps doctor against what the kernel, ip and a monitor played by this test say."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

NETNS = f"footsteps-doctor-{os.getpid()}"


def findings(*options, status=None, **more):
    result = tap.run("doctor", "--json", *options, **more)
    parsed = json.loads(result.stdout)
    if status is not None:
        tap.equal(result.returncode, status, f"doctor {' '.join(options) or '(alone)'}: exit status", result.stdout)
    return parsed


def named(parsed, part, what):
    for finding in parsed["findings"]:
        if finding["part"] == part and finding["what"] == what:
            return finding
    return {}


def as_nobody(program):
    """The start of a command line without root's rights."""
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", program]


def test_forms():
    result = tap.run("doctor", env={k: v for k, v in os.environ.items() if k != "RUNTIME_DIRECTORY"})
    lines = result.stdout.splitlines()
    tap.ok(lines and all(len(line) <= 80 for line in lines if not line.startswith("  ")), "the table has 80 columns",
           result.stdout)
    tap.ok(lines[0].split() == ["part", "what", "state", "says"], "... and a header", result.stdout)
    parsed = findings()
    missing = sum(f["state"] == "missing" for f in parsed["findings"])
    tap.equal(parsed["missing"], missing, "--json: missing are counted")
    tap.equal(lines[-1], f"{missing} missing", "... and so they are in the table")
    tap.equal(result.returncode, 3 if missing else 0, "... and say the exit status")
    tap.ok(all(set(f) == {"part", "what", "state", "says", "advice"} for f in parsed["findings"]), "--json: five keys each")
    tap.ok(all(f["state"] != "missing" or f["advice"] for f in parsed["findings"]),
           "what is missing comes with advice")
    tap.equal(tap.run("doctor", "eth0").returncode, 1, "an argument is wrong usage")


def test_kernel():
    parsed = findings()
    tap.ok(os.uname().release in named(parsed, "kernel", "Linux").get("says", ""), "the kernel's release, as uname says it")
    built = named(parsed, "build", "libmicrohttpd").get("state")
    tap.equal(built == "ok", tap.built_with("libmicrohttpd"), "libmicrohttpd is there when --version says so")
    caps = named(parsed, "sandbox", "capabilities").get("state")
    tap.equal(caps == "ok", tap.built_with("libcap-ng"), "the capabilities are dropped when libcap-ng is there")
    with open("/proc/self/status", encoding="ascii") as f:
        effective = int(re.search(r"CapEff:\s*(\w+)", f.read()).group(1), 16)
    raw = named(parsed, "permission", "CAP_NET_RAW")
    tap.equal(raw.get("state") == "ok", bool(effective >> 13 & 1), "CAP_NET_RAW (capabilities(7): 13) as in /proc/self/status")


def test_permission():
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("setcap"):
        tap.skip("doctor without rights", "needs root, setpriv and setcap")
        return
    # A copy that everybody may run, in a place that everybody may enter.
    copy = tap.tmp("footsteps")
    os.chmod(os.path.dirname(copy), 0o755)
    shutil.copy(tap.FOOTSTEPS, copy)
    plain = json.loads(subprocess.run([*as_nobody(copy), "doctor", "--json", "-o", "/tmp"], capture_output=True).stdout)
    raw = named(plain, "permission", "CAP_NET_RAW")
    tap.equal(raw.get("state"), "missing", "a user without rights may not capture")
    tap.ok(f"setcap cap_net_raw+ep {copy}" in raw.get("advice", ""), "... and is told the line of setcap", raw)
    set_it = subprocess.run(["setcap", "cap_net_raw+ep", copy], capture_output=True)
    if set_it.returncode != 0:
        tap.skip("doctor with a file capability", set_it.stderr.decode().strip())
        return
    capable = json.loads(subprocess.run([*as_nobody(copy), "doctor", "--json", "-o", "/tmp"], capture_output=True).stdout)
    raw = named(capable, "permission", "CAP_NET_RAW")
    tap.ok(raw.get("state") == "ok" and "file" in raw.get("says", ""), "... and may after that line", raw)


def test_disk():
    where = tap.tmp("there")
    os.mkdir(where)
    for _ in range(10):  # others write, too
        says = named(findings("-o", os.path.join(where, "campus.db")), "machine", "disk").get("says", "")
        free = os.statvfs(where).f_bavail * os.statvfs(where).f_frsize >> 20
        got = int(re.match(r"(\d+) MB", says).group(1)) if re.match(r"\d+ MB", says) else -1
        if abs(got - free) <= 64:
            break
    tap.ok(abs(got - free) <= 64 and says.endswith(where), "free space as statvfs() says it", says, free)
    tap.equal(named(findings("-o", tap.tmp("no/such/folder.db"), status=3), "machine", "disk").get("state"), "missing",
              "a directory that is not there")


def test_interfaces():
    nothing = named(findings("-i", "footsteps-none", status=3), "interfaces", "footsteps-none")
    tap.equal(nothing.get("state"), "missing", "an interface that is not there")
    if os.geteuid() != 0 or not shutil.which("ip"):
        tap.skip("interfaces of a namespace", "needs root and ip")
        return
    made = subprocess.run(["ip", "netns", "add", NETNS], capture_output=True)
    if made.returncode != 0:
        tap.skip("interfaces of a namespace", made.stderr.decode().strip())
        return
    inside = ["ip", "netns", "exec", NETNS]
    try:
        subprocess.run([*inside, "ip", "link", "add", "tap0", "mtu", "1400", "type", "veth", "peer", "name", "tap1"],
                       check=True)

        def ask(name):
            return json.loads(subprocess.run([*inside, tap.FOOTSTEPS, "doctor", "--json", "-i", name],
                                             capture_output=True).stdout)

        down = named(ask("tap0"), "interfaces", "tap0")
        tap.ok(down.get("state") == "missing" and down["says"] == "down, MTU 1400" and "ip link set tap0 up" in down["advice"],
               "an interface that is down, and how to raise it", down)
        subprocess.run([*inside, "ip", "link", "set", "tap0", "up"], check=True)
        tap.equal(named(ask("tap0"), "interfaces", "tap0").get("says"), "up, but without a link, MTU 1400",
                  "... up, while its other end is down")
        subprocess.run([*inside, "ip", "link", "set", "tap1", "up"], check=True)
        up = ask("tap0")
        tap.equal(named(up, "interfaces", "tap0").get("says"), "up, MTU 1400", "... and with a link")
        offloads = named(up, "interfaces", "tap0 offloads")
        tap.ok("TSO" in offloads.get("says", "") and "ethtool -K tap0" in offloads.get("advice", ""),
               "a veth splits what it sends (veth(4)), and is named for it", offloads)
        if shutil.which("ethtool"):
            subprocess.run([*inside, *offloads["advice"].split()], check=True, capture_output=True)
            tap.equal(named(ask("tap0"), "interfaces", "tap0 offloads"), {}, "the advice helps")
        else:
            tap.no_program("the advice helps", "ethtool")
    finally:
        subprocess.run(["ip", "netns", "del", NETNS])


# A process that listens as a monitor does, once with nothing dropped and once with all that a shell can drop.
MONITOR = """
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print(flush=True)
time.sleep(600)
"""


def test_monitor():
    where = tap.tmp("control.sock")
    parsed = findings("--control", where, status=3)
    tap.equal(named(parsed, "monitor", "control socket").get("state"), "missing", "nobody listens")
    plain = subprocess.Popen([sys.executable, "-c", MONITOR, where], stdout=subprocess.PIPE)
    try:
        plain.stdout.readline()
        parsed = findings("--control", where, status=3)
        tap.ok(named(parsed, "monitor", "process").get("says", "").startswith(f"{plain.pid}, "), "the monitor's process")
        tap.equal(named(parsed, "monitor", "seccomp").get("state"), "missing", "a monitor without seccomp")
        tap.equal(named(parsed, "monitor", "no new privileges").get("state"), "missing", "... and with new privileges")
        if os.geteuid() == 0:
            tap.equal(named(parsed, "monitor", "capabilities").get("state"), "missing", "... and with all capabilities")
        by_systemd = findings(env={**os.environ, "RUNTIME_DIRECTORY": os.path.dirname(where)})
        tap.equal(named(by_systemd, "monitor", "control socket").get("state"), "missing",
                  "under systemd, the socket is looked for in its directory")
    finally:
        plain.kill()
        plain.wait()
    if os.geteuid() == 0 and shutil.which("setpriv"):
        os.unlink(where)
        bare = subprocess.Popen(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--securebits=+noroot",
                                 sys.executable, "-c", MONITOR, where], stdout=subprocess.PIPE)
        try:
            bare.stdout.readline()
            parsed = findings("--control", where)
            tap.ok(named(parsed, "monitor", "capabilities").get("says") == "none; bounding set: none",
                   "a monitor without capabilities", named(parsed, "monitor", "capabilities"))
            tap.equal(named(parsed, "monitor", "no new privileges").get("state"), "ok", "... and without new privileges")
        finally:
            bare.kill()
            bare.wait()
    else:
        tap.skip("a monitor without capabilities", "needs root and setpriv")


test_forms()
test_kernel()
test_permission()
test_disk()
test_interfaces()
test_monitor()
tap.done()
