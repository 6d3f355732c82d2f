"""The live page in a browser, headless Chromium, served by the real server from a state that the test makes up: nothing on
its console, it follows the state, hostile names stay text, it can be read on a phone, and it says when it is old. No
network but loopback is used. As root, with network namespaces and tcpreplay, also that of a whole `footsteps live`."""
import datetime
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import browser
import live_seen
import tap

SERVER = os.path.join(os.path.dirname(tap.FOOTSTEPS), "tests", "http_serve")
PICTURES = os.environ.get("FOOTSTEPS_PICTURES")  # a directory to put screenshots into, for people
NOW = datetime.datetime(2026, 11, 22, 0, 48, 31)
LEAST_TEXT, LEAST_TOUCH = 12, 44  # px
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3, level AA
HOSTILE = [
    "<img src=x onerror=window.hurt=1>",
    "\"><script>window.hurt=1</script>",
    "</td></tr></table><svg onload=window.hurt=1>",
    "javascript:window.hurt=1",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "\u202emoc.elpmaxe\u2066\u200f\u0000\u001b[31m",
    "x" * 255,
]


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.123Z")


def ago(minutes):
    return iso(NOW - datetime.timedelta(minutes=minutes))


def state(**other):
    """A state as live/state.h has it."""
    said = {
        "version": "0.6.0", "now": iso(NOW), "started": ago(200), "uptime_s": 12000, "database": "campus.db", "run": 1, "session": 1,
        "interfaces": [{"name": name, "up": name == "eth0", "gone": False, "packets": 123456789, "bytes": 99, "dropped_kernel": 1234,
                        "dropped_interface": 0} for name in ("eth0", "eth1")],
        "workers": [], "rates": {"packets": 84231.4, "bits": 612345678.2, "flows": 1234.5, "drops": 0},
        "totals": {"packets": 123456789, "bytes": 12345678901, "flows": 1234567, "clients": 1234, "suspected": 17, "logins": 345,
                   "calls": 67, "supernodes": 2, "alerts": 9},
        "drops": {"kernel": 1234, "interface": 0, "store": 0, "share": 0.0012},
        "minutes": [{"start": ago(60 - i), "packets": 4000000 + 70000 * (i * 7 % 13), "bytes": 1, "flows": 1, "logins": i * 31 % 5,
                     "kernel": 400 + i if i in (20, 21, 40) else 0, "interface": 0, "store": 0} for i in range(60)],
        "clients": [client(i) for i in range(40)],
        "logins": [{"time": ago(i), "client": f"10.1.{i}.7:{40000 + i}", "server": "203.0.113.5:33033",
                    "server_name": HOSTILE[i % len(HOSTILE)], "protocol": "skype", "role": "login",
                    "outcome": "failure" if i % 3 else "success", "version": None} for i in range(12)],
        "calls": [{"began": ago(3), "initiator": "10.1.2.3:40001", "responder": "198.51.100.7:51111", "packets": 12345}],
        "storage": {"state": "ok", "why": "", "committed": iso(NOW), "tables": iso(NOW), "tables_took_s": 0.2, "file_bytes": 1,
                    "wal_bytes": 1, "backlog_bytes": 0, "records_lost": 0, "rotations": 0, "next_rotation": None},
        "problems": ["eth1 went down", HOSTILE[0]],
    }
    said.update(other)
    return said


def client(i):
    socket = f"10.1.{i}.{i * 3}:{40000 + i}" if i != 3 else "[2001:db8:1234:5678:9abc:def0:1234:5678]:51234"
    return {"socket": socket, "protocol": "skype", "verdict": "skype?" if i % 3 else "skype", "bits": 23.5 + i * 37 % 11,
            "first": ago(200 + 60 * i), "last": ago(i), "logins": i % 4, "supernode": i == 1, "public": "198.51.100.7" if i < 2 else None,
            "name": HOSTILE[i] if i < len(HOSTILE) else None}


class Server:
    def __init__(self, *report):
        self.process = subprocess.Popen([SERVER, "127.0.0.1:0", *report], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def put(self, said):
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(tap.SECONDS)


def make_report():
    """A report of a capture: of gnuplot's, or none."""
    if not shutil.which("gnuplot"):
        return []
    _, db = tap.read([os.path.join(tap.TOP, "traces", "login.pcap")])
    directory = tap.tmp("report")
    tap.equal(tap.run("report", db, "-o", directory).returncode, 0, "a report is made")
    return [directory]


SIZES = """(() => {
	const shown = [...document.querySelectorAll("body *")].filter(e => e.getClientRects().length && !e.closest(".unseen"));
	const worded = shown.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
	const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
	const over = ([a, b, c, d], [e, f, g, h]) => a < g - 1 && e < c - 1 && b < h - 1 && f < d - 1;
	const tiles = [...document.querySelectorAll(".tiles dt, .tiles dd")].map(e => {
		const range = document.createRange();
		range.selectNodeContents(e);
		return [e.textContent, box(range), box(e.parentNode)];
	});
	return {
		page: document.documentElement.scrollWidth, window: innerWidth,
		small: worded.filter(e => parseFloat(getComputedStyle(e).fontSize) < %d).map(e => e.outerHTML.slice(0, 80)),
		touch: shown.filter(e => e.matches("a, button, input") && e.getBoundingClientRect().height < %d).map(e => e.outerHTML.slice(0, 80)),
		over: tiles.flatMap(([a, x], i) => tiles.slice(i + 1).filter(([, y]) => over(x, y)).map(([b]) => a + " | " + b)),
		out: tiles.filter(([, [a, , c], [e, , g]]) => a < e - 1 || c > g + 1).map(([a]) => a),
	};
})()""" % (LEAST_TEXT, LEAST_TOUCH)

# Words in a colour too near to that of what is behind them.
FAINT = """(() => {
	const parts = text => text.match(/[\\d.]+/g).map(Number);
	const light = colour => {
		const [r, g, b] = parts(colour).map(p => p / 255).map(p => p <= 0.03928 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = e => {
		for (; e; e = e.parentElement) {
			const colour = getComputedStyle(e).backgroundColor;
			if (parts(colour)[3] !== 0)
				return colour;
		}
		return "rgb(255, 255, 255)";
	};
	return [...document.querySelectorAll("body *")].filter(e => e.getClientRects().length &&
		[...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).flatMap(e => {
		const style = getComputedStyle(e), ink = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
		const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
		return (a + 0.05) / (b + 0.05) < %g ? [e.outerHTML.slice(0, 80) + " " + ink + " on " + behind(e)] : [];
	});
})()""" % LEAST_CONTRAST


def picture(page, name):
    if PICTURES:
        page.picture(os.path.join(PICTURES, name + ".png"))


def loads(page, server, has_report):
    page.open(server.url)
    tap.ok(page.wait("document.querySelectorAll('#clients tbody tr').length > 20"), "the page shows the state")
    said = page.ask("document.body.innerText")
    for words in ("eth0", "campus.db", "2026-11-22 00:48:31", "3 h 20 min", "84.2 k", "612 M", "1,234", "345", "0.12 %", "down"):
        tap.ok(words in said, f"it says {words}", said[:600])
    tap.equal(page.ask("[...document.querySelectorAll('.charts svg')].map(s => s.querySelectorAll('path').length)"), [60, 3, 48],
              "a bar for each minute with packets, with losses, with logins")
    heights = page.ask("[...document.querySelectorAll('#chart-lost path')].map(p => p.getBoundingClientRect().height)")
    tap.ok(heights == sorted(heights) and heights[0] > 0.8 * heights[2], "bars are as high as their numbers (420, 421, 440)", heights)
    tap.equal(page.ask("[...document.querySelectorAll('table')].filter(t => !t.caption || "
                       "[...t.tHead.rows[0].cells].some(c => c.scope !== 'col')).length"), 0, "tables have captions and scopes")
    tap.equal(page.ask("document.querySelectorAll('#clients tbody tr').length"), 25, "long tables begin with a part")
    page.ask("document.querySelector('#clients').parentNode.nextSibling.click()")
    tap.equal(page.ask("document.querySelectorAll('#clients tbody tr').length"), 40, "and show all when asked to")
    if has_report:
        tap.ok(page.wait("document.querySelectorAll('#figures img').length > 3"), "the report's figures are there")
        page.ask("document.querySelectorAll('#figures img').forEach(i => i.loading = 'eager')")
        tap.ok(page.wait("[...document.querySelectorAll('#figures img')].every(i => i.complete && i.naturalWidth > 100)"),
               "each figure is loaded")
        tap.equal(page.ask("[...document.querySelectorAll('#figures img')].filter(i => !i.alt).length"), 0, "each has a title")
    tap.equal(page.console, [], "nothing on the console, no policy was violated")


def sorts_and_filters(page):
    column = "[...document.querySelectorAll('#clients tbody tr')].map(r => r.cells[{}].textContent)"
    page.ask("document.querySelectorAll('#clients th button')[3].click()")
    bits = [float(text.split()[0]) for text in page.ask(column.format(3))]
    tap.equal(bits, sorted(bits, reverse=True), "a click sorts numbers, most first")
    page.ask("document.querySelectorAll('#clients th button')[0].click()")
    sockets = page.ask(column.format(0))
    dotted = [[int(number) for number in re.split("[.:]", socket)] for socket in sockets if socket[0] != "["]
    tap.equal(dotted, sorted(dotted), "and addresses by their numbers")
    page.ask("filter.value = 'SKYPE 10.1.7.'; filter.dispatchEvent(new Event('input'))")
    tap.equal(page.ask(column.format(0)), ["10.1.7.21:40007"], "the filter leaves what has all its words")
    page.ask("filter.value = 'nothing such'; filter.dispatchEvent(new Event('input'))")
    tap.equal(page.ask("document.querySelector('#clients tbody').innerText"), "None fits the filter.", "or says that there is none")
    page.ask("filter.value = ''; filter.dispatchEvent(new Event('input'))")


def follows(page, server):
    changed = state(now=ago(-1), drops={"kernel": 0, "interface": 0, "store": 0, "share": 0},
                    storage={"state": "full", "why": "database or disk is full"})
    changed["interfaces"][1]["gone"] = True
    changed["totals"]["clients"] = 4321
    changed["clients"] = [client(5)]
    server.put(changed)
    tap.ok(page.wait("document.getElementById('tile-clients').textContent === '4,321'"), "a change is seen within some seconds")
    health = page.ask("document.getElementById('health').innerText")
    tap.ok("full: database or disk is full" in health and "gone" in health, "health follows: a full disk, a lost interface", health)
    tap.ok("none" in health, "and losses that are over", health)
    tap.equal(page.ask("document.querySelectorAll('#clients tbody tr').length"), 1, "tables follow")
    tap.ok(page.ask("document.title").startswith("(!)"), "the title tells when something is wrong")
    # What a state lacks is no reason to stop.
    for odd in ({}, {"now": None, "clients": [{}], "logins": [{}], "calls": [{}], "minutes": [{}], "interfaces": [{}]}):
        server.put(odd)
        page.settle(2.5)
    quiet = state()
    for minute in quiet["minutes"]:
        minute["kernel"] = 0
    server.put(quiet)
    tap.ok(page.wait("document.getElementById('health').innerText.includes('none in the last hour; before, 0.12 %')"),
           "losses of former hours are told apart")
    server.put(state())
    tap.ok(page.wait("document.getElementById('tile-clients').textContent === '1,234'"), "it goes on after states that lack things")
    tap.equal(page.console, [], "still nothing on the console")


def hostile(page):
    tap.equal(page.ask("window.hurt ?? null"), None, "hostile names run nothing")
    tap.equal(page.ask("document.querySelectorAll('table img, table script, table svg, table a, #problems img, td b').length"), 0,
              "and make no elements")
    names = page.ask("[...document.querySelectorAll('#clients tbody tr')].map(r => r.cells[1].textContent)")
    shown = [name for name in HOSTILE if name.isprintable()]
    tap.equal([name for name in shown if name not in names], [], "each is there as it was sent")
    tap.ok("\\u{202e}moc.elpmaxe\\u{2066}\\u{200f}\\u{0}\\u{1b}[31m" in names, "what cannot be seen or turns text around is written out", names)


def readable(page):
    for width in (320, 360, 768, 800, 1024, 1280):
        page.size(width, 800)
        page.wait(f"innerWidth === {width}")
        page.settle(.4)
        sizes = page.ask(SIZES)
        tap.ok(sizes["window"] == width and sizes["page"] <= width, f"no sideways scrolling at {width} px", sizes["page"], sizes["window"])
        tap.equal((sizes["small"], sizes["over"], sizes["out"]), ([], [], []), f"text has a size and a place of its own at {width} px")
        if width < 500:
            small = [e for e in sizes["touch"] if "<a " not in e or "class" in e]
            tap.equal(small, [], f"what is touched is as large as a finger at {width} px")
            picture(page, f"web-{width}")
    for dark in (False, True):
        page.size(1280, 900, dark)
        page.settle(.4)
        tap.equal(page.ask(FAINT), [], f"words stand out in {'dark' if dark else 'light'} colours")
        picture(page, "web-dark" if dark else "web-light")
    paper = page.ask("getComputedStyle(document.body).backgroundColor")
    tap.equal(paper, "rgb(21, 24, 28)", "dark is dark")


def checks_can_fail(page):
    page.size(360, 800)
    # In one: the page writes its tiles anew every two seconds.
    sizes = page.ask("""(() => {
		document.querySelector(".tiles dd").style.cssText = "font-size:9px;white-space:nowrap";
		document.querySelector(".tiles dd").textContent = "1".repeat(200);
		document.querySelector(".tiles dt").style.color = "var(--paper)";
		document.querySelector("main").append(Object.assign(document.createElement("button"), { textContent: "x" }));
		return """ + SIZES + "; })()")
    tap.ok(sizes["small"] and sizes["out"] and sizes["touch"] and sizes["page"] > 360, "the checks of sizes see what is too small and too wide",
           sizes)
    tap.ok(page.ask(FAINT), "the check of contrast sees words in the colour of the page")
    page.ask("setTimeout(() => { throw new Error('planted') })")
    page.hear(lambda line: "planted" in line)
    tap.ok(any("planted" in line for line in page.console), "the check of the console sees an error", page.console)
    page.ask("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hurt = 1' }))")
    page.hear(lambda line: "Content Security Policy" in line)
    tap.ok(page.ask("window.hurt ?? null") is None and any("Content Security Policy" in line for line in page.console),
           "the policy stops a script that is planted, and the check of the console sees it", page.console)
    page.console.clear()


def pauses(page, server):
    """A page that nobody looks at asks for nothing."""
    page.open(server.url)
    page.wait("document.querySelectorAll('#clients tbody tr').length > 5")
    asked = "performance.getEntriesByName(location.origin + '/state.json').length"
    hide = ("Object.defineProperty(document, 'hidden', {{ value: {0}, configurable: true }});"
            "document.dispatchEvent(new Event('visibilitychange'))")
    page.ask(hide.format("true"))
    for _ in range(4):  # what was under way comes to its end; one that is not hidden asks every two seconds
        before = page.ask(asked)
        page.settle(5)
        if page.ask(asked) == before:
            break
    tap.equal(page.ask(asked), before, "a hidden page asks for nothing")
    page.ask(hide.format("false"))
    tap.ok(page.wait(f"{asked} > {before}"), "and at once when it is seen again")


def the_report(page, server):
    before = len(page.console)
    page.open(server.url + "report/")
    tap.ok(page.ask("document.querySelectorAll('article.drawn svg').length") > 3, "the report can be read")
    tap.ok(page.ask("getComputedStyle(document.body).maxWidth") != "none", "in its own style")
    others = [line for line in page.console[before:] if "script" not in line]
    tap.equal(others, [], "and only its script is kept out")
    page.console.clear()


def without_script(page, server):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(server.url)
    text = page.call("Accessibility.getFullAXTree")["nodes"]
    words = " ".join(str(node.get("name", {}).get("value")) for node in text)
    tap.ok("the report" in words and "the state as JSON" in words, "without script it says where to read", words[:300])
    page.call("Emulation.setScriptExecutionDisabled", value=False)


def stale(page, server):
    page.size(360, 800)
    page.open(server.url)
    page.wait("document.querySelectorAll('#clients tbody tr').length > 5")
    tap.ok(page.wait("document.getElementById('stale').hidden"), "no warning while it is served")
    tap.equal(server.stop(), 0, "the server ends")
    tap.ok(page.wait("!document.getElementById('stale').hidden"), "a warning when updates stop")
    tap.ok("00:48:31" in page.ask("document.getElementById('stale').textContent"), "which says since when")
    picture(page, "web-stale")


def real_state(page, server):
    """As live/state.c writes it."""
    path = os.path.join(tap.TOP, "tests", "golden", "live_state.json")
    if not os.path.exists(path):
        tap.skip("a state of the monitor's own", "tests/golden/live_state.json is not here")
        return
    with open(path, encoding="utf-8") as file:
        said = json.load(file)
    server.put(said)
    tap.ok(page.wait(f"document.getElementById('tile-clients').textContent === '{said['totals']['clients']}'"),
           "a state of the monitor's own is shown")
    for table in ("clients", "logins", "calls"):
        shown = page.ask(f"[...document.querySelectorAll('#{table} tbody tr')].map(r => [...r.cells].map(c => c.textContent))")
        wanted = [[text for text in row.values() if isinstance(text, str) and text.isprintable() and "T" not in text] for row in said[table]]
        told = sorted(" ".join(cells) for cells in shown)
        tap.equal([row for row in wanted if not any(all(text in cells for text in row if text not in ("skype", "")) for cells in told)], [],
                  f"each of its {table} is", told)
    tap.equal(page.console, [], "and nothing on the console")
    server.put(state())


def real_monitor():
    """A whole `footsteps live` on a link where a call is replayed: the browser is in its namespace, and the names are hostile."""
    name = "the page of footsteps live on a link"
    if live_seen.missing(name):
        return
    plain = live_seen.shipped("call-direct")
    names = {"192.0.2.141": live_seen.LABELS, "198.51.100.20": live_seen.LABELS[:2]}
    capture = live_seen.named(plain, names)
    call = tap.query(tap.read([capture])[1], "SELECT first_ns, last_ns FROM calls")[0]
    before, talk, behind = live_seen.cut(capture, call["first_ns"], call["last_ns"])
    with live_seen.Link("web") as link:
        seen = live_seen.Seen(link, "web", "--flows", "all")
        page = browser.Browser(("ip", "netns", "exec", link.namespace))
        try:
            page.size(1280, 900)
            page.open(f"http://{live_seen.BROWSED}/")
            link.replay(before, "--multiplier", "4")
            talking = link.replaying(talk)  # until somebody has looked
            tap.ok(page.wait("document.querySelector('#calls tbody td.n, #calls tbody tr td:nth-child(4)') !== null"),
                   name + ": a call is seen in progress")
            talking.kill()
            talking.wait()
            link.replay(behind, "--multiplier", "4")
            packets = link.received()
            seen.settled(packets)
            tap.ok(page.wait("document.querySelectorAll('#logins tbody tr').length === 1"), "... a login")
            state = seen.status()
            words = ["198.51.100.20:31755", "192.0.2.141:33033", "success", state["clients"][0]["name"], state["logins"][0]["server_name"]]
            cells = ("[...document.querySelectorAll('#clients tbody tr, #logins tbody tr')].flatMap(r => [...r.cells].map(c => "
                     "c.textContent))")
            tap.ok(page.wait(f"{json.dumps(words)}.every(text => {cells}.includes(text))"), "... each as the monitor says", words, page.ask(cells))
            tap.ok(page.wait("['clients', 'logins'].every(tile => document.getElementById('tile-' + tile).textContent === '1')"),
                   "... and the numbers")
            if shutil.which("gnuplot"):
                tap.ok(page.wait("document.querySelectorAll('#figures img').length > 0", tap.SECONDS), "... with figures of the report",
                       seen.said())
                page.ask("document.querySelectorAll('#figures img').forEach(i => i.loading = 'eager')")
                tap.ok(page.wait("[...document.querySelectorAll('#figures img')].every(i => i.complete && i.naturalWidth > 100)"),
                       "... each of them loaded")
            tap.equal((page.ask("window.hurt ?? null"), page.console), (None, []), "... nothing hostile ran, nothing is on the console")
            tap.equal(page.ask("document.querySelectorAll('table img, table script, table svg').length"), 0, "... or made an element")
            for width in (360, 1280):
                for dark in (False, True):
                    page.size(width, 800, dark)
                    page.wait(f"innerWidth === {width}")
                    page.settle(.4)
                    sizes = page.ask(SIZES)
                    tap.ok(sizes["page"] <= width and not sizes["small"] + sizes["over"] + sizes["out"], f"... readable at {width} px", sizes)
                    picture(page, f"live-{width}-{'dark' if dark else 'light'}")
            if shutil.which("gnuplot"):
                page.open(f"http://{live_seen.BROWSED}/report/")
                tap.ok(page.ask("document.querySelectorAll('article svg').length") > 0 and page.ask("window.hurt ?? null") is None,
                       "... and so is the report")
        finally:
            page.close()
        tap.equal(seen.end(), 0, "... the run is complete", seen.said())
    tap.equal(tap.query(seen.db, "SELECT packets FROM runs"), [{"packets": packets}], "... with every packet")


def status(url, **more):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **more), timeout=tap.PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main():
    report = make_report()
    server = Server(*report)
    server.put(state())
    tap.equal(status(server.url), 200, "the page is served")
    tap.equal(status(server.url, method="POST", data=b"x"), 405, "and only that")
    page = browser.Browser()
    page.size(1280, 900)
    try:
        loads(page, server, bool(report))
        sorts_and_filters(page)
        hostile(page)
        readable(page)
        page.size(1280, 900)
        follows(page, server)
        hostile(page)
        real_state(page, server)
        checks_can_fail(page)
        pauses(page, server)
        if report:
            the_report(page, server)
        without_script(page, server)
        stale(page, server)
    finally:
        page.close()
        server.process.kill()
    real_monitor()
    tap.done()


if "libmicrohttpd" in subprocess.run([SERVER, "127.0.0.1:0"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                     timeout=tap.SECONDS, check=False).stderr:
    tap.skip_all("built without libmicrohttpd")
if browser.CHROMIUM:
    main()
elif os.environ.get("FOOTSTEPS_REQUIRE_BROWSER") == "1":
    tap.ok(False, "the live page in a browser", "FOOTSTEPS_REQUIRE_BROWSER is set, and chromium is not installed")
    tap.done()
else:
    tap.skip_all("chromium is not installed")
