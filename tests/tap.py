"""TAP (Test Anything Protocol) for the tests in Python, and how they run footsteps. Standard library only."""
import atexit
import gzip
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOOTSTEPS = os.environ.get("FOOTSTEPS") or os.path.join(TOP, "build", "footsteps")
PEER = os.environ.get("FOOTSTEPS_PEER") or os.path.join(os.path.dirname(FOOTSTEPS), "footsteps-peer")
SECONDS = 600  # no single run of these tests is near it, sanitizers and a slow machine included
PATIENCE = 120  # seconds for what happens at once, or after a second or two: a machine may stand still for many
# A shell without job control starts what is in its background with INT ignored, and footsteps leaves it so.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Who is ended removes its folder, and has no moment with a folder that it would not remove.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
_n = 0
_before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
_tmp = tempfile.mkdtemp(prefix="footsteps-test-")
atexit.register(shutil.rmtree, _tmp, ignore_errors=True)
signal.pthread_sigmask(signal.SIG_SETMASK, _before)


def ok(passed, name, *details):
    """One test; details are shown when it fails."""
    global _n
    _n += 1
    print(f"{'ok' if passed else 'not ok'} {_n} - {name}")
    if not passed:
        for detail in details:
            note(detail)
    sys.stdout.flush()
    return passed


def equal(got, expected, name, *details):
    return ok(got == expected, name, f"got:      {got!r}", f"expected: {expected!r}", *details)


def changed(db, name, *statements):
    """A copy of a database, with changes."""
    copy = tmp(name)
    shutil.copy(db, copy)
    connection = sqlite3.connect(copy)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return copy


def sanitized():
    """Whether the program is built with AddressSanitizer, which has an allocator of its own."""
    libraries = subprocess.run(["ldd", FOOTSTEPS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return b"libasan" in libraries or b"__asan_init" in content(FOOTSTEPS)


def skip(name, reason):
    global _n
    _n += 1
    print(f"ok {_n} - {name} # SKIP {reason}")


def note(text):
    for line in str(text).splitlines():
        print("#", line)


def split_facts(db, parts):
    """Databases with a part of the chunks of its facts each, as rotation makes them but for the chunks of seq 0."""
    names = [tmp(f"{os.path.basename(db)}.part{n}.db") for n in range(parts)]
    for n, name in enumerate(names):
        shutil.copy(db, name)
        connection = sqlite3.connect(name)
        ids = [row[0] for row in connection.execute("SELECT id FROM facts ORDER BY id")]
        mine = ids[n * len(ids) // parts:(n + 1) * len(ids) // parts]
        connection.execute("DELETE FROM facts WHERE id NOT BETWEEN ? AND ?", (mine[0], mine[-1]))
        if n > 0:
            connection.execute("DELETE FROM capture_minutes")
            connection.execute("UPDATE inputs SET frames = 0, bytes = 0, dropped = 0")
        connection.commit()
        connection.close()
    return names


def done():
    print(f"1..{_n}")


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def tmp(name=""):
    """A path in a directory that goes away with the test."""
    return os.path.join(_tmp, name)


def traces(*below):
    """A path in the captures with ground truth, which are not part of the project; None when they are absent."""
    for top in (os.environ.get("FOOTSTEPS_TRACES"), os.path.join(os.path.dirname(TOP), "shared", "traces")):
        if top and os.path.exists(os.path.join(top, *below)):
            return os.path.join(top, *below)
    return None


def missing(name):
    """A test that cannot be made for want of captures: skipped, or failed where they must be (as in CI)."""
    reason = "the captures with ground truth are not here (set FOOTSTEPS_TRACES)"
    if os.environ.get("FOOTSTEPS_REQUIRE_TRACES") == "1":
        ok(False, name, f"FOOTSTEPS_REQUIRE_TRACES is set, and {reason}")
    else:
        skip(name, reason)


def no_program(name, program):
    """A test that cannot be made for want of a program: skipped, or failed where all of them must be (as in CI)."""
    reason = f"{program} is not installed"
    if os.environ.get("FOOTSTEPS_REQUIRE_PROGRAMS") == "1":
        ok(False, name, f"FOOTSTEPS_REQUIRE_PROGRAMS is set, and {reason}")
    else:
        skip(name, reason)


def require_programs(*programs):
    """Without one of them, the whole program is skipped (or fails)."""
    for program in programs:
        if not shutil.which(program):
            no_program("all of it", program)
            done()
            sys.exit(0)


def require_traces(*below):
    """A path in those captures; without it the whole program is skipped (or fails)."""
    found = traces(*below)
    if not found:
        missing(os.path.join(*below))
        done()
        sys.exit(0)
    return found


def run(*args, program=FOOTSTEPS, **options):
    """footsteps ARGS; the result has returncode, stdout and stderr (text)."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    result = subprocess.run([program, *args], stderr=subprocess.PIPE, timeout=SECONDS, **options)
    result.stdout = (result.stdout or b"").decode(errors="replace")
    result.stderr = result.stderr.decode(errors="replace")
    return result


def peer(*args, **options):
    """footsteps-peer ARGS, likewise."""
    return run(*args, program=PEER, **options)


def read(files, *options, db=None, **more):
    """footsteps read -o DB FILES; returns (result, path of the database)."""
    if db is None:
        handle, db = tempfile.mkstemp(suffix=".db", dir=tmp())
        os.close(handle)
        os.unlink(db)
    return run("read", "-q", "-o", db, *options, *files, **more), db


def query(db, sql, *values):
    """Rows as dictionaries; an empty list when there is no database."""
    if not os.path.exists(db):
        return []
    connection = sqlite3.connect(f"file:{db}?mode=ro", PATIENCE, uri=True)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, values)]
    finally:
        connection.close()


def flows(db):
    return query(db, "SELECT * FROM flow_list ORDER BY flow")


def in_parallel(function, items):
    """Results in the order of items."""
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return list(pool.map(function, items))


def catches(pid, number):
    """Waits until it has come so far as to have a handler for the signal."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            if any(line.startswith("SigCgt:") and int(line.split()[1], 16) >> number - 1 & 1 for line in f):
                return
        time.sleep(0.02)


_version = None


def built_with(library):
    """Whether this footsteps was built with the library, as --version calls it."""
    global _version
    if _version is None:
        _version = run("--version").stdout
    for line in _version.splitlines():
        if line.split(" ", 1)[0] == library:
            return "not built in" not in line
    return False


def pcap_header(linktype=1, snaplen=262144):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, linktype)


def pcap_record(seconds, frame):
    micros = round(seconds * 1e6)
    return struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)) + frame


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def content(path):
    with open(path, "rb") as f:
        return f.read()


def pcap_records(data):
    """The records of a little-endian pcap, each with its header; what is behind a cut is left out."""
    records, at = [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + length > len(data):
            break
        records.append(data[at:at + 16 + length])
        at += 16 + length
    return records


# One DNS question: a frame that is enough for tests that only want some packet.
def udp_frame(source="10.0.0.1", sport=40000, destination="203.0.113.5", dport=53, payload=b"x" * 29):
    def address(text):
        return bytes(int(part) for part in text.split("."))
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, address(source), address(destination))
    words = struct.unpack("!10H", ip)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~total & 0xFFFF) + ip[12:]
    return bytes.fromhex("0200000000020200000000010800") + ip + udp


def compressed(data, kind):
    """data in a container, or None when the packer is not installed here."""
    if kind == "gz":
        return gzip.compress(data)
    if kind == "xz":
        import lzma
        return lzma.compress(data)
    if kind == "bz2":
        import bz2
        return bz2.compress(data)
    tool = {"zst": "zstd", "lz4": "lz4"}[kind]
    if not shutil.which(tool):
        return None
    return subprocess.run([tool, "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


LIBRARY = {"gz": "zlib", "xz": "liblzma", "bz2": "bzip2", "zst": "zstd", "lz4": "lz4"}
