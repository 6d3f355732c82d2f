"""footsteps top: what it prints, what it draws on a terminal, and what it does when nobody answers. The state
comes from a control socket of the test's own; the terminal is a pty, read as a VT100 would show it."""
import copy
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unicodedata

from tap import FOOTSTEPS, PATIENCE, TOP, done, equal, note, ok, run, skip, tmp

with open(os.path.join(TOP, "tests", "golden", "live_state.json"), encoding="utf-8") as file:
    STATE = json.load(file)
UTF8 = dict(os.environ, LC_ALL="C.UTF-8")


class Monitor:
    """A control socket that answers as `footsteps live` does."""

    def __init__(self, path, state):
        self.path, self.state, self.asked = path, state, 0
        self.raw = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            for line in client.makefile("rb"):
                self.asked += 1
                answer = self.raw or (json.dumps(self.state) + "\n").encode()
                client.sendall(answer if line == b"status\n" else b"error: no such request\n")
        except OSError:
            pass

    def stop(self):
        """As when it is killed: its socket stays."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.open:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            client.close()


class Screen:
    """What a VT100 of so many columns and rows shows (DEC EK-VT100-UG; terminfo's vt100 uses no more)."""

    def __init__(self, columns, rows):
        self.resize(columns, rows)
        self.rest = b""

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.top, self.bottom = 0, rows - 1
        self.beyond = False  # something was written behind the last column or row

    def feed(self, data):
        text = (self.rest + data).decode("utf-8", errors="surrogateescape")
        self.rest = b""
        i = 0
        while i < len(text):
            taken = self.one(text, i)
            if not taken:
                self.rest = text[i:].encode("utf-8", errors="surrogateescape")
                return
            i += taken

    def one(self, text, i):
        c = text[i]
        if c == "\x1b":
            return self.escape(text, i)
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.down()
        elif c == "\b":
            self.x = max(0, self.x - 1)
        elif c >= " ":
            self.put(c)
        return 1

    def put(self, c):
        width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if self.x + width > self.columns:
            self.x = 0
            self.down()
        if self.y >= self.rows:
            self.beyond = True
            return
        self.cells[self.y][self.x] = c
        if width == 2:
            self.cells[self.y][self.x + 1] = ""
        self.x += width

    def down(self):
        if self.y == self.bottom:
            del self.cells[self.top]
            self.cells.insert(self.bottom, [" "] * self.columns)
        else:
            self.y += 1

    def escape(self, text, i):
        if i + 1 >= len(text):
            return 0
        if text[i + 1] in "()":
            return 3 if i + 2 < len(text) else 0
        if text[i + 1] == "M":
            if self.y == self.top:
                del self.cells[self.bottom]
                self.cells.insert(self.top, [" "] * self.columns)
            else:
                self.y -= 1
            return 2
        if text[i + 1] != "[":
            return 2
        end = i + 2
        while end < len(text) and not "@" <= text[end] <= "~":
            end += 1
        if end == len(text):
            return 0
        self.control(text[i + 2:end], text[end])
        return end - i + 1

    def control(self, parameters, what):
        numbers = [int(n) if n.isdigit() else 0 for n in parameters.lstrip("?").split(";")]
        first = numbers[0]
        if what == "H":
            self.y, self.x = max(first, 1) - 1, (max(numbers[1], 1) - 1 if len(numbers) > 1 else 0)
        elif what == "A":
            self.y = max(0, self.y - max(first, 1))
        elif what == "B":
            self.y = min(self.rows - 1, self.y + max(first, 1))
        elif what == "C":
            self.x = min(self.columns - 1, self.x + max(first, 1))
        elif what == "D":
            self.x = max(0, self.x - max(first, 1))
        elif what == "r" and len(numbers) > 1:
            self.top, self.bottom, self.x, self.y = first - 1, numbers[1] - 1, 0, 0
        elif what in "JK" and self.y < self.rows:
            row = self.cells[self.y]
            begin, end = (self.x, len(row)) if first == 0 else (0, self.x + 1) if first == 1 else (0, len(row))
            row[begin:end] = [" "] * (end - begin)
            if what == "J":
                for y in range(self.y + 1, self.rows) if first == 0 else range(self.rows) if first == 2 else ():
                    self.cells[y] = [" "] * self.columns
                if first == 2 or (first, self.x, self.y) == (0, 0, 0):
                    self.beyond = False  # drawn anew: what came before may have been for another size

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]


class Terminal:
    """footsteps top on a pty."""

    def __init__(self, path, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.screen = Screen(columns, rows)
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [FOOTSTEPS, "top", "--control", path], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env=dict(UTF8, TERM="vt100"), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.read(0.3)
        self.screen.resize(columns, rows)
        self.size(columns, rows)  # the kernel sends SIGWINCH

    def read(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.master], [], [], max(0, min(0.1, end - time.monotonic())))[0]:
                try:
                    self.screen.feed(os.read(self.master, 65536))
                except OSError:
                    return

    def until(self, true):
        """Until it is so of the lines of the screen."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if true(self.screen.lines()):
                return True
            self.read(0.1)
        return False

    def wait(self, *words, gone=False):
        """Until all of these are on the screen (or none)."""
        return self.until(lambda lines: not any(has_line(lines, w) for w in words) if gone else all(has_line(lines, w) for w in words))

    def keys(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """The exit status; None: it does not end."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        status = self.process.poll()
        if status is None:
            self.process.kill()
        return status

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def cells(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def has_line(lines, *words):
    return any(all(w in line for w in words) for line in lines)


def once():
    path = tmp("once.sock")
    monitor = Monitor(path, copy.deepcopy(STATE))
    result = run("top", "--control", path, "--once", env=UTF8)
    lines = result.stdout.splitlines()
    equal((result.returncode, result.stderr), (0, ""), "--once prints and ends")
    equal([line for line in lines if cells(line) > 80 or line != line.rstrip()], [], "... no line has more than 80 cells",
          result.stdout)
    equal([c for c in result.stdout if c != "\n" and (not c.isprintable() or c == "\u202e")], [],
          "... nothing that acts on a terminal")
    for words in (("eth2 (down)",), ("1.1k packets/s", "5.6 Mbit/s", "28 flows/s"), ("kernel 120", "interface 0", "store 0"),
                  ("stored ok", "written 00:59:58", "73.4 MB"), ("10.0.0.9:23399", "skype", " S ", "131.2", "00:59:58", "1"),
                  ("10.0.3.200:6881", "bittorrent?", "12.5"),
                  ("00:55:03", "10.0.0.17:50112", "login.example.com", "success"), ("version-check", "2.5.0.126"),
                  ("00:57:00", "10.0.0.17:41234", "198.51.100.99:33123", "9500")):
        ok(has_line(lines, *words), f"... shows {words[0]}", result.stdout)
    # Without the long address there is room for names: wide, and hostile ones.
    short = copy.deepcopy(STATE)
    short["clients"][2]["socket"] = "10.0.0.4:6881"
    monitor.state = short
    wide = run("top", "--control", path, "--once", env=UTF8).stdout
    ok(has_line(wide.splitlines(), "10.0.3.200:6881", "宽字符"), "a wide name is shown", wide)
    ok(has_line(wide.splitlines(), "10.0.0.4:6881", "<script>"), "a hostile one is shown", wide)
    ok(has_line(wide.splitlines(), "10.0.0.17:41234", "lab-17.example.net"), "a name is whole", wide)
    equal([line for line in wide.splitlines() if cells(line) > 80], [], "... and no line is too long for it", wide)
    plain = run("top", "--control", path, "--once", env=dict(os.environ, LC_ALL="C")).stdout
    ok(plain.isascii() and r"\u5bbd" in plain, "without UTF-8, all is ASCII", plain)
    short["clients"][2]["name"] = "\x1b\u202e\u200b"
    ok(r"\x1b\u202e\u200b" in run("top", "--control", path, "--once", env=UTF8).stdout,
       "escapes, marks of direction and what has no width are spelled out")
    result = run("top", "--control", path, "--json")
    equal(json.loads(result.stdout), short, "--json prints the state")
    # A state with nothing in it, as in the first second.
    empty = copy.deepcopy(STATE)
    for key in ("interfaces", "workers", "minutes", "clients", "logins", "calls", "problems"):
        empty[key] = []
    monitor.state = empty
    result = run("top", "--control", path, "--once")
    ok(result.returncode == 0 and "CLIENTS" in result.stdout, "a state without anything is drawn", result.stderr)
    monitor.raw = b"hello\n"
    result = run("top", "--control", path, "--once")
    equal((result.returncode, result.stderr), (2, "footsteps: what answers there is no footsteps live\n"),
          "somebody else's socket is no monitor")
    monitor.stop()
    result = run("top", "--control", path, "--once")
    equal((result.returncode, result.stderr.count("\n"), "no longer runs" in result.stderr), (2, 1, True),
          "a dead monitor is said in one line")
    result = run("top", "--control", tmp("none.sock"), "--once")
    equal((result.returncode, "no such socket" in result.stderr), (2, True), "so is one that never was")
    result = run("top", "--control", "x" * 200, "--once")
    equal((result.returncode, "at most 107 bytes" in result.stderr), (1, True), "a name too long for a socket is said")
    result = run("top", "--control", path)
    equal((result.returncode, "--once" in result.stderr), (1, True), "without a terminal, --once is named")


def screen():
    path = tmp("screen.sock")
    state = copy.deepcopy(STATE)
    first = state["clients"][0]
    for i in range(100):
        state["clients"].append(dict(first, socket=f"10.1.1.{i}:5060", last=f"2026-11-22T00:{i // 2:02}:00.000Z", bits=20 + i,
                                     logins=i))
    monitor = Monitor(path, state)
    t = Terminal(path)
    if not t.wait("CLIENTS", "LOGINS", "CALLS IN PROGRESS", "q quit"):
        if "ncurses" in "\n".join(t.screen.lines()):
            skip("the screen", "built without ncurses")
            t.end()
            return
        ok(False, "the screen appears", *t.screen.lines())
        t.end()
        return
    ok(True, "the screen appears")
    lines = t.screen.lines()
    ok(has_line(lines, "10.0.0.9:23399", "skype", "131.2"), "... with clients", *lines)
    ok(has_line(lines, "CLIENTS", "1-7 of 104") or has_line(lines, "of 104, by last seen"), "... and how many of them",
       *lines)
    t.keys("b")
    ok(t.wait("by bits") and t.wait("10.1.1.99:5060"), "b sorts by bits", *t.screen.lines())
    ok(t.until(lambda lines: "131.2" in lines[8]), "... the greatest first", *t.screen.lines())
    t.keys("\x1bOB" * 5)
    ok(t.wait("6-"), "an arrow moves in the list", *t.screen.lines())
    t.keys("l")
    ok(t.wait("by last seen"), "l sorts by time", *t.screen.lines())
    t.keys("?")
    ok(t.wait("KEYS") and t.wait("LOGINS", gone=True), "? shows help", *t.screen.lines())
    t.keys("?")
    ok(t.wait("LOGINS"), "... and hides it")
    t.resize(60, 16)
    ok(t.wait("CLIENTS", "q quit"), "a screen of 60x16 shows one list", *t.screen.lines())
    t.read(1.5)
    ok(t.until(lambda lines: "LOGINS" not in "".join(lines) and not t.screen.beyond), "... and nothing beside it", *t.screen.lines())
    t.keys("\t")
    ok(t.wait("LOGINS", "success"), "Tab shows the next", *t.screen.lines())
    t.resize(40, 10)
    ok(t.until(lambda lines: has_line(lines, "LOGINS") and has_line(lines, "q quit") and not t.screen.beyond), "40x10 is survived",
       *t.screen.lines())
    t.resize(20, 3)
    t.read(1.5)
    equal(t.process.poll(), None, "so is 20x3")
    t.resize(200, 60)
    ok(t.wait("CLIENTS", "LOGINS", "CALLS IN PROGRESS", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
       "a large screen shows all, addresses whole", *t.screen.lines())
    # New numbers come by themselves; paused, they do not.
    state["rates"]["packets"] = 987654
    ok(t.wait("988k packets/s"), "a new state is shown by itself", *t.screen.lines())
    t.keys("p")
    ok(t.wait("PAUSED"), "p pauses")
    for _ in range(4):  # what was under way comes to its end; one that is not paused asks every second
        asked = monitor.asked
        t.read(2.5)
        if monitor.asked == asked:
            break
    equal(monitor.asked, asked, "... and nobody is asked")
    t.keys("p")
    ok(t.wait("PAUSED", gone=True), "... until p again")
    # The monitor is killed, and comes back.
    monitor.stop()
    ok(t.wait("NO ANSWER", "trying again"), "a monitor that is gone is said", *t.screen.lines())
    ok(has_line(t.screen.lines(), "988k packets/s"), "... and the last state stays")
    os.unlink(path)
    state["rates"]["packets"] = 123456
    again = Monitor(path, state)
    ok(t.wait("123k packets/s") and t.wait("NO ANSWER", gone=True), "one that comes back is shown", *t.screen.lines())
    t.keys("q")
    equal(t.end(), 0, "q quits")
    ok(t.is_restored(), "... and the terminal is as before")
    t.close()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored: nohup(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        t = Terminal(path)
        t.wait("CLIENTS")
        t.process.send_signal(number)
        equal(t.end(), 0, f"{number.name} ends it")
        ok(t.is_restored(), "... and the terminal is as before")
        t.close()
    t = Terminal(path)
    t.wait("CLIENTS")
    again.raw = b"{}\n"
    ok(t.wait("NO ANSWER", "no footsteps live"), "an answer that is none is said", *t.screen.lines())
    t.keys("q")
    equal(t.end(), 0, "... and q quits")
    t.close()
    again.stop()


once()
screen()
note(f"{FOOTSTEPS} top")
done()
