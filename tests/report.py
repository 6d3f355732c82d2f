"""`footsteps report`: its options, what it writes and leaves alone, and that it goes away without a trace."""
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import htmlpage
import tap

LOGIN = os.path.join(tap.TOP, "traces", "login.pcap")
TWO = [os.path.join(tap.TOP, "traces", name) for name in ("gnutella.pcap", "bittorrent.pcap")]
GNUPLOT = shutil.which("gnuplot")


def text_of(directory, name="index.html"):
    with open(os.path.join(directory, name), encoding="utf-8") as page:
        return page.read()


def sources(name, **files):
    """A FOOTSTEPS_DATA of its own: the style and script of ours, and these files (R1_sql is R1.sql)."""
    data = tap.tmp(name)
    os.makedirs(os.path.join(data, "reports"))
    for ours in ("style.gp", "page.css", "page.js"):
        shutil.copy(os.path.join(tap.TOP, "reports", ours), os.path.join(data, "reports"))
    for file, text in files.items():
        with open(os.path.join(data, "reports", file.replace("_", ".")), "w", encoding="utf-8") as out:
            out.write(text)
    return dict(os.environ, FOOTSTEPS_DATA=data)


def head(title, kind="table", order=10, **more):
    return "".join(f"-- {key}: {value}\n" for key, value in dict(title=title, kind=kind, order=order, **more).items())


def program(name, script):
    """A directory for PATH with a gnuplot of our own."""
    directory = tap.tmp(name)
    os.mkdir(directory)
    path = os.path.join(directory, "gnuplot")
    with open(path, "w", encoding="utf-8") as out:
        out.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    return directory + os.pathsep + os.environ["PATH"]


def plots_read_all_of_their_data():
    """gnuplot's stats leaves out what is outside of the ranges that are set, without a word."""
    directory = os.path.join(tap.TOP, "reports")
    wrong = []
    for name in sorted(os.listdir(directory)):
        ranged = set()
        for number, line in enumerate(text_of(directory, name).splitlines() if name.endswith(".gp") else (), 1):
            found = re.match(r"\s*set ([xy])range \[(.*)\]", line)
            if found:
                (ranged.discard if found[2].replace(" ", "") == "*:*" else ranged.add)(found[1])
            elif line.lstrip().startswith("stats") and ranged:
                wrong.append(f"{name}:{number}")
    tap.equal(wrong, [], "no figure counts its data with a range set")


def written(db):
    first = tap.tmp("first")
    result = tap.run("report", db, "-o", first, "--png", "--pdf")
    names = sorted(os.listdir(first)) if os.path.isdir(first) else []
    # Charts are drawn without gnuplot, as SVG alone.
    figures = [name[:-4] for name in names if name.endswith(".svg") and not name.startswith("B17-")]
    tap.ok("B17-login.svg" in names, "it has the chart of a login", names)
    tap.equal(result.returncode, 0, "a report with PNG and PDF", result.stderr)
    tap.ok(figures, "it has figures")
    starts = {"png": b"\x89PNG", "pdf": b"%PDF"}
    tap.equal([f"{figure}.{kind}" for figure in figures for kind in starts
               if not tap.content(os.path.join(first, f"{figure}.{kind}")).startswith(starts[kind])], [],
              "each figure is there in each format")
    page = htmlpage.Page(text_of(first))
    tap.equal(page.faults, [], "the page is well formed")
    files = [link for link in page.links if not link.startswith("#")]
    tap.equal([name for name in names if name != "index.html" and name not in files
               and tap.content(os.path.join(first, name)).count(b"\n") > 1], [], "every file that holds something has its link")
    tap.equal(sorted(set(files) - set(names)), [], "and every link its file: nothing is fetched from elsewhere")
    tap.equal(page.loads, [], "nothing is loaded")
    tap.run("report", db, "-o", first)
    tap.equal([name for name in os.listdir(first) if name.endswith(("png", "pdf"))], [],
              "a second report leaves nothing of the first")


def empty_side():
    """In the calls of voice.pcap no client is called first over UDP."""
    _, db = tap.read([os.path.join(tap.TOP, "traces", "voice.pcap")])
    tap.equal({row["side"] for row in tap.query(db, "SELECT side FROM R12 WHERE protocol = 'skype'")}, {"external"},
              "R12: a trace with one side")
    tap.run("report", db, "-o", tap.tmp("side"))
    tap.equal(text_of(tap.tmp("side"), "R12.svg").count("none was contacted"), 1, "R12: the other one says why it is empty")


def one_interval(db):
    """A trace of a second has one interval of N1: entries from its beginning to its end."""
    short = tap.changed(db, "short.db", "DELETE FROM state_entries WHERE start_ns > (SELECT min(start_ns) FROM state_entries)",
                        "UPDATE state_entries SET entries = 3, probes = 0, tcp = 0")
    tap.run("report", short, "-o", tap.tmp("short"))
    tap.ok(htmlpage.is_drawn(text_of(tap.tmp("short"), "N1.svg")), "N1: one interval is drawn")


def protocols():
    _, db = tap.read(TWO)
    pages = {}
    for name in ("gnutella", "bittorrent"):
        result = tap.run("report", db, "-o", tap.tmp(name), "--protocol", name)
        pages[name] = htmlpage.Page(text_of(tap.tmp(name))).text() if result.returncode == 0 else result.stderr
        tap.ok(f"Measured here: {name} ." in pages[name], f"--protocol {name}: the page says so", pages[name][:400])
    tap.ok("in this trace too: bittorrent" in pages["gnutella"], "and names the other one", pages["gnutella"][:400])
    result = tap.run("report", db, "-o", tap.tmp("none"), "--protocol", "carrier-pigeon")
    tap.ok(result.returncode == 1 and "bittorrent, gnutella" in result.stderr,
           "one that is not there: wrong usage, with those that are", result.stderr)
    tap.ok(not os.path.exists(tap.tmp("none")), "and nothing is written")


def shape(db):
    """Sections in the page's order, whatever the order of the files; what has no rows is a line at its end."""
    environment = sources(
        "shape",
        a_sql=head("Last", section="The trace") + "SELECT 1 AS n;",
        b_sql=head("Void <b>", section="Clients", order=100, empty="No such <thing>.") + "SELECT 1 AS n WHERE 0;",
        c_sql=head("Full", section="Clients", order=190) + "SELECT 'x' AS n; SELECT 'It is <x>.';",
        d_sql=head("Undrawn", kind="figure", section="Clients", order=110) + "SELECT 1 AS n WHERE 0;", d_gp="plot x\n",
        e_sql=head("Words", kind="text", section="Summary") + "SELECT 'One.' UNION ALL SELECT NULL UNION ALL SELECT 'Two.';",
        f_sql=head("Own") + "SELECT 1 AS n;")
    directory = tap.tmp("shaped")
    result = tap.run("report", db, "-o", directory, env=environment)
    tap.equal(result.returncode, 0, "a report of our own figures", result.stderr)
    text = text_of(directory)
    page = htmlpage.Page(text)
    tap.equal(page.faults, [], "its page is well formed")
    order = ["<h2>Summary", "<p>One.</p>\n<p>Two.</p>", "<h2>Clients", "<h3>Full", "It is &lt;x&gt;.",
             "<b>Void &lt;b&gt;</b>", "No such &lt;thing&gt;.", "<b>Undrawn</b>", "<h2>More", "<h3>Own", "<h2>The trace",
             "<h3>Last"]
    places = [text.find(part) for part in order]
    tap.ok(-1 not in places and places == sorted(places), "sections and what is in them, in order", places)
    tap.ok(not os.path.exists(os.path.join(directory, "d.svg")), "a figure without rows is no drawing")
    environment = sources("wrong", a_sql=head("x", section="Clowns") + "SELECT 1 AS n;")
    result = tap.run("report", db, "-o", tap.tmp("wrong-out"), env=environment)
    tap.ok(result.returncode == 2 and "Clowns" in result.stderr, "a section that does not exist is an error", result.stderr)


def figures(db):
    """One that fails leaves the rest whole; one drawn with a file of ours does not leave it behind."""
    environment = sources(
        "figures",
        bad_sql=head("Bad", kind="figure") + "SELECT 1 AS n;", bad_gp="plot nonsense(\n",
        map_sql=head("Coast", kind="figure", **{"with": "coast.tsv"}) + "SELECT 1 AS x, 2 AS y;",
        map_gp="plot 'coast.tsv' using 1:2 with lines lt 4 title 'paper', data skip 1 using 1:2 with points lt 1 title 'here'\n",
        coast_tsv="0\t0\n1\t1\n2\t3\n",
        big_sql=head("Big", kind="figure") + "SELECT 1 AS x, 2 AS y;",
        big_gp="set samples 60000\nplot [0:1] sin(x) with points title 'here'\n")
    directory = tap.tmp("figured")
    result = tap.run("report", db, "-o", directory, env=environment)
    tap.ok(result.returncode == 3 and "bad.svg" in result.stderr and "nonsense" in result.stderr,
           "a figure that cannot be drawn: exit 3, and gnuplot's words", result.stderr)
    tap.equal(sorted(os.listdir(directory)), ["bad.tsv", "big.svg", "big.tsv", "index.html", "map.svg", "map.tsv"],
              "the rest is there, and nothing else")
    text = text_of(directory)
    tap.ok("This figure could not be drawn" in text and "too large for the page" in text,
           "the page says what is missing, and links what would outweigh it")
    tap.equal(len(text) < 200000, True, "and stays small", len(text))
    tap.ok(htmlpage.is_drawn(text_of(directory, "map.svg")), "a figure with a coast is drawn")


def load_axis(db):
    """The load over time: no two labels of an axis are the same, whatever the greatest value."""
    for most in 3, 1_400_000, 2_600_000, 26_000_000:
        loaded = tap.changed(db, "load.db", f"UPDATE series SET payload = {most}")
        directory = tap.tmp(f"load-{most}")
        tap.run("report", "-q", loaded, "-o", directory)
        upper = text_of(directory, "N3.svg").split("payload (")[0]
        labels = [text.strip() for text in re.findall(r"<tspan[^>]*>([^<]*)<", upper)]
        on_axis = [label for label in labels if ":" not in label and label]
        tap.ok(len(on_axis) >= 2 and len(set(on_axis)) == len(on_axis), f"labels of {most} bytes differ", labels)


def terminals(db):
    """A gnuplot that was built without cairo; one cannot be had here, so that its list of terminals is cut."""
    path = program("nocairo", f"sed 's/GPVAL_TERMINALS/\"png svg\"/' | '{GNUPLOT}' -d\n")
    directory = tap.tmp("nocairo-out")
    result = tap.run("report", db, "-o", directory, "--png", env=dict(os.environ, PATH=path))
    tap.ok(result.returncode == 3 and "pngcairo" in result.stderr and "pdfcairo" not in result.stderr,
           "no terminal for PNG: exit 3, and a word about it", result.stderr)
    kinds = {name.rsplit(".", 1)[-1] for name in os.listdir(directory)}
    tap.equal(kinds, {"html", "tsv", "svg"}, "the rest is written")


def interrupted(db):
    """A gnuplot that hangs shows where a report is interrupted, and that it does not outlive it."""
    base = tap.tmp("interrupted")
    target, pids = os.path.join(base, "report"), tap.tmp("pids")
    os.mkdir(base)
    tap.run("report", db, "-o", target)
    before = {name: tap.content(os.path.join(target, name)) for name in os.listdir(target)}
    path = program("hangs", f"echo $$ >>'{pids}'\nexec sleep 60\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if os.path.exists(pids):
            os.unlink(pids)
        child = subprocess.Popen([tap.FOOTSTEPS, "report", db, "-o", target], stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, env=dict(os.environ, PATH=path),
                                 preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        patience = time.monotonic() + tap.SECONDS
        while not (os.path.exists(pids) and tap.content(pids).endswith(b"\n")) and time.monotonic() < patience:
            time.sleep(0.02)
        working = sorted(os.listdir(base))
        child.send_signal(number)
        said = child.communicate(timeout=tap.SECONDS)[1].decode()
        tap.ok(len(working) == 2, f"{number.name}: sent while it worked", working)
        tap.ok(child.returncode == 4 and f"signal {number.value}" in said, f"{number.name}: it says so", child.returncode, said)
        tap.equal(os.listdir(base), ["report"], f"{number.name}: no temporary directory is left")
        tap.equal({name: tap.content(os.path.join(target, name)) for name in os.listdir(target)}, before,
                  f"{number.name}: the report before is untouched")
        tap.equal([pid for pid in tap.content(pids).split() if os.path.exists(f"/proc/{pid.decode()}")], [],
                  f"{number.name}: no gnuplot is left")


def progress(db):
    """On a terminal a line tells how far it is, and is wiped; elsewhere, and with -q, there is none."""
    for options, expected in (((), True), (("-q",), False)):
        master, slave = pty.openpty()
        child = subprocess.Popen([tap.FOOTSTEPS, "report", db, "-o", tap.tmp("progress"), *options],
                                 stdin=subprocess.DEVNULL, stderr=slave)
        child.wait(timeout=tap.SECONDS)
        os.set_blocking(master, False)
        try:
            said = os.read(master, 65536).decode()
        except BlockingIOError:
            said = ""
        os.close(slave)
        os.close(master)
        tap.equal("report 1 of " in said, expected, f"a progress line on a terminal: {' '.join(options) or 'yes'}", said)
    result = tap.run("report", db, "-o", tap.tmp("progress"))
    tap.ok("report 1 of" not in result.stderr, "none where nobody looks")


def main():
    if not GNUPLOT:
        tap.skip_all("gnuplot is not installed")
    _, db = tap.read([LOGIN])
    plots_read_all_of_their_data()
    written(db)
    empty_side()
    one_interval(db)
    protocols()
    shape(db)
    figures(db)
    load_axis(db)
    terminals(db)
    interrupted(db)
    progress(db)
    tap.done()


main()
