"""The unit of systemd: understood by systemd-analyze, and as safe as the manual says."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

WORST = 1.5  # of 10; the least that would be called hardened
UNIT = os.path.join(os.path.dirname(tap.FOOTSTEPS), "systemd", "footsteps@.service")


def values(text, key):
    return re.findall(rf"(?m)^{key}=(.*)$", text)


def copied(edit=lambda text: text):
    """The unit with a program that is there, and without its manual pages, which are not installed yet."""
    folder = tap.tmp(f"units{len(os.listdir(tap.tmp()))}")
    os.mkdir(folder)
    path = os.path.join(folder, "footsteps@.service")
    with open(UNIT, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={tap.FOOTSTEPS}", re.sub(r"(?m)^Documentation=.*\n", "", text))
    with open(path, "w", encoding="utf-8") as f:
        f.write(edit(text))
    return path


def score(path):
    out = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path], capture_output=True,
                         env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", out)
    return float(found.group(1)) if found else None


def verify(path):
    instance = path.replace("@.service", "@eth1.service")
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", instance], capture_output=True)
    about_us = [line for line in result.stderr.decode().splitlines() if "footsteps" in line]
    return result.returncode, about_us


with open(UNIT, encoding="utf-8") as unit:
    TEXT = unit.read()
tap.ok("@bindir@" not in TEXT and "@sysconfdir@" not in TEXT, "no place is left open in the unit")
tap.equal(values(TEXT, "CapabilityBoundingSet"), ["CAP_NET_RAW"], "one capability alone")
tap.equal(values(TEXT, "Type"), ["notify" if tap.built_with("libsystemd") else "exec"], "it says that it is ready if it can")
tap.equal(bool(values(TEXT, "WatchdogSec")), tap.built_with("libsystemd"), "... and that it is alive")
tap.equal(values(TEXT, "DynamicUser") + values(TEXT, "ProtectSystem") + values(TEXT, "IPAddressDeny"), ["yes", "strict", "any"],
          "a user of its own, a system that it cannot write, no network")
tap.ok("setpriority" in " ".join(values(TEXT, "SystemCallFilter")).split(), "the tables may be made at a lower priority than the capture")
tap.equal(values(TEXT, "OOMPolicy"), ["continue"], "a report that needs too much memory ends alone")
tap.equal(values(TEXT, "TimeoutStartSec"), ["infinity"], "it may read for long what former starts have told")

if not shutil.which("systemd-analyze"):
    tap.no_program("systemd-analyze", "systemd-analyze")
else:
    status, complaints = verify(copied())
    tap.equal((status, complaints), (0, []), "systemd-analyze verify has no complaint")
    status, complaints = verify(copied(lambda text: text.replace("NoNewPrivileges=", "NoNewPrivilege=")))
    tap.ok(complaints, "... and would have one")
    root = tap.tmp("root")
    os.makedirs(os.path.join(root, "etc/systemd/system"))
    shutil.copy(copied(), os.path.join(root, "etc/systemd/system"))
    subprocess.run(["systemctl", f"--root={root}", "--quiet", "enable", "footsteps@eth1.service"], check=True)
    wanted = [os.path.relpath(path, os.path.join(root, "etc/systemd/system")) for path, _, files in os.walk(root)
              if "footsteps@eth1.service" in files]
    tap.equal(sorted(wanted), ["multi-user.target.wants", "sys-subsystem-net-devices-eth1.device.wants"],
              "enabled, it starts at boot, and with its interface")
    got = score(copied())
    if got is None:
        tap.skip("systemd-analyze security", "this version knows no --offline")
    else:
        tap.ok(got <= WORST, f"systemd-analyze security: at most {WORST}", got)
        # Versions of systemd weigh a little differently; the manual says what that of Debian 12 says.
        version = subprocess.run(["systemd-analyze", "--version"], capture_output=True).stdout.decode().split()[1]
        with open(os.path.join(tap.TOP, "docs", "live.md"), encoding="utf-8") as f:
            said = [float(s) for s in re.findall(r"exposure level[^.]*?\*\*([\d.]+)\*\*", f.read())]
        said += [float(s) for s in re.findall(r"gives the unit ([\d.]+) ", re.sub(r"\s+", " ", tap.run("help", "doctor").stdout))]
        tap.equal(len(said), 2, "docs/live.md and footsteps-doctor(1) say the score")
        if version == "252":
            tap.equal(said, [got, got], "... and it is this one")
        else:
            tap.skip("... and it is this one", f"said of systemd 252, here is {version}")

with open(os.path.join(tap.TOP, "systemd", "example.conf"), encoding="utf-8") as f:
    EXAMPLE = f.read()
keys = re.findall(r"(?m)^(?:# )?([a-z-]+) = \S", EXAMPLE)
help_text = tap.run("help", "live").stdout
tap.equal([key for key in keys if not re.search(rf"--{key}\b", help_text)], [], "each key of the example is an option of live")
checked = tap.run("live", "--config", os.path.join(tap.TOP, "systemd", "example.conf"), "-i", "eth1", "-o", tap.tmp("x.db"),
                  "--check-config")
tap.equal((checked.returncode, checked.stderr), (0, ""), "live --check-config accepts the example")
# ... with a key that is there
key = tap.write(tap.tmp("key"), bytes(range(32)))
os.chmod(key, 0o600)
everything = re.sub(r"(?m)^# (?=[a-z-]+ = \S)", "", EXAMPLE)
everything = tap.write(tap.tmp("all.conf"), re.sub(r"(?m)^anonymize = .*", f"anonymize = {key}", everything).encode())
checked = tap.run("live", "--config", everything, "-i", "eth1", "-o", tap.tmp("x.db"), "--check-config")
wrong = [line for line in checked.stderr.splitlines() if "built without" not in line]
tap.equal(wrong, [], "... and what is commented out in it")
tap.done()
