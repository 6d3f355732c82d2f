"""The page of `footsteps report` in a browser, headless Chromium: nothing on its console, figures that show something,
no sideways scrolling on a phone, sorting, dark mode, and all of it without script. No network is used."""
import html
import json
import os
import re
import shutil
import subprocess

import htmlpage
import tap

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 768, 1280)
LEAST_CONTRAST = 3  # WCAG 2.1, 1.4.11: graphical objects

# Runs in a copy of the page, inside a frame: a frame's width is the width that the page sees.
PROBE = """
addEventListener("load", () => {
	const all = (from, what) => [...from.querySelectorAll(what)];
	const box = e => { const r = e.getBoundingClientRect(); return [r.width, r.height]; };
	const marks = svg => all(svg, "g[id*=_plot_]").flatMap(g => all(g, "path, use, polygon, circle"));
	const colour = e => {
		const style = getComputedStyle(e);
		return e.tagName === "use" ? style.color : style.stroke !== "none" ? style.stroke : style.fill;
	};
	const root = document.documentElement, said = { width: root.clientWidth, needed: root.scrollWidth };
	said.text = document.body.innerText;
	said.buttons = all(document, "button").length;
	said.hidden = all(document, "section, article, .nothing li, tbody tr").filter(e => !Math.min(...box(e))).length;
	said.paper = getComputedStyle(document.body).backgroundColor;
	said.charts = all(document, "article.chart figure").map(figure => ({
		name: figure.closest("article").id,
		arrows: all(figure, "path.a, path.c, path.g").filter(e => Math.max(...box(e)) > 0).length,
		ink: all(figure, "text, path.a, path.g").map(e => getComputedStyle(e)).map(s => s.stroke !== "none" && s.fill === "none" ? s.stroke : s.fill),
		fonts: [...new Set(all(figure, "text.l").map(text => getComputedStyle(text).fontSize))],
	}));
	said.figures = all(document, "article.drawn figure").map(figure => ({
		name: figure.closest("article").id,
		box: box(figure.querySelector("svg")),
		colours: marks(figure).filter(e => Math.max(...box(e)) > 0).map(colour),
		ink: all(figure, "text").map(text => getComputedStyle(text).fill),
	}));
	const column = (table, head, place) => {
		const cells = () => [...table.tBodies[0].rows].map(row => row.cells[place].textContent);
		const button = head.querySelector("button"), before = cells();
		button?.click();
		const once = cells();
		button?.click();
		return { number: head.className === "n", sortable: !!button, before, once, twice: cells() };
	};
	said.tables = all(document, "table").map(table => ({
		name: table.closest("article").id,
		columns: [...table.tHead.rows[0].cells].map((head, place) => column(table, head, place)),
	}));
	parent.postMessage(JSON.stringify(said), "*");
});
"""
FRAMES = """<!doctype html><title>frames</title><body><script>
addEventListener("message", event => {
	const frame = [...document.querySelectorAll("iframe")].find(frame => frame.contentWindow === event.source);
	const pre = document.createElement("pre");
	pre.id = "said-" + frame.id;
	pre.textContent = event.data;
	document.body.append(pre);
});</script>"""


def browse(path, *options):
    """(DOM, lines of the console)"""
    command = [CHROMIUM, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage",
               "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tap.tmp('chromium')}",
               "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", *options, "--dump-dom", "file://" + path]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # it refuses to run as root otherwise; the page is our own
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=tap.SECONDS, check=False)
    console = [line for line in result.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return result.stdout.decode(errors="replace"), console


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def probed(pages, *options):
    """Each page's text (by name) in a frame of each width -> ({(name, width): what the probe said}, console)."""
    frames = FRAMES
    for name, text in pages.items():
        write(tap.tmp(f"probe-{name}.html"), text.replace("</body>", f"<script>{PROBE}</script></body>"))
        for width in WIDTHS:
            frames += (f'<iframe id="{name}-{width}" src="probe-{name}.html"'
                       f' style="border:0;width:{width}px;height:900px"></iframe>')
    dom, console = browse(write(tap.tmp("frames.html"), frames), "--window-size=1400,1000", *options)
    said = {}
    for name in pages:
        for width in WIDTHS:
            found = re.search(rf'<pre id="said-{name}-{width}">(.*?)</pre>', dom, re.S)
            said[name, width] = json.loads(html.unescape(found.group(1))) if found else None
    return said, console


def contrast(one, other):
    def luminance(colour):
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def faint(said):
    """Marks and words of figures that hardly differ from the page behind them."""
    return sorted({(figure["name"], colour) for figure in said["figures"] + said["charts"] for colour in figure.get("colours", []) + figure["ink"]
                   if contrast(colour, said["paper"]) < LEAST_CONTRAST})


def unsorted(said):
    """Columns that a click does not put in order: numbers first downwards, what is missing last."""
    wrong = []
    for table in said["tables"]:
        for place, column in enumerate(table["columns"]):
            if not column["sortable"]:
                if len(column["before"]) > 1:
                    wrong.append((table["name"], place, "cannot be sorted"))
                continue
            for cells, down in ((column["once"], column["number"]), (column["twice"], not column["number"])):
                known = [cell for cell in cells if cell]
                # Text is put in a language's order, which is not the test's to know: turning it over is.
                fine = sorted(cells) == sorted(column["before"]) and known == cells[:len(known)]
                if column["number"]:
                    fine = fine and [float(c) for c in known] == sorted(map(float, known), reverse=down)
                elif fine and not down:
                    other = [cell for cell in column["twice"] if cell]
                    fine = known[:1] == other[-1:] and known[-1:] == other[:1]
                if not fine:
                    wrong.append((table["name"], place, cells[:5]))
    return wrong


def reported(name, captures):
    _, db = tap.read(captures)
    directory = tap.tmp(f"report-{name}")
    result = tap.run("report", db, "-o", directory)
    tap.equal(result.returncode, 0, f"{name}: a report", result.stderr)
    return directory


def drawn(name, directory):
    """This one needs no browser."""
    drawings = sorted(file for file in os.listdir(directory) if file.endswith(".svg"))
    charts = [file for file in drawings if 'class="msc"' in read(os.path.join(directory, file))]
    figures = [file for file in drawings if file not in charts]
    tap.ok(figures, f"{name}: there are figures")
    # Several captures, one of them with a login: and each has messages.
    tap.ok("B17-login.svg" in charts, f"{name}: there is a chart of a login", charts)
    tap.equal([file for file in charts if len(re.findall(r'<path class="[acg]"', read(os.path.join(directory, file)))) < 3], [],
              f"{name}: every chart has arrows")
    seen = {figure: htmlpage.marks(read(os.path.join(directory, figure))) for figure in figures}
    tap.equal([(figure, seen[figure]) for figure in figures if not htmlpage.is_drawn(read(os.path.join(directory, figure)))], [],
              f"{name}: every figure has visible marks of this trace")
    page = htmlpage.Page(read(os.path.join(directory, "index.html")))
    tap.equal(page.faults, [], f"{name}: the page is well formed")


def drawn_check_can_fail(directory):
    """Figures that are only axes, a key and the paper's values."""
    tap.equal(len(htmlpage.Page("<!doctype html>\n<p id='a'>x<b></p><i id='a'></i><a href='#b'>x</a>").faults), 3,
              "the markup check sees what is not closed, an id that comes twice, and a link to nowhere")
    if not shutil.which("gnuplot"):
        tap.skip("the check of marks can fail", "gnuplot is not installed")
        return
    style = read(os.path.join(tap.TOP, "reports", "style.gp"))
    for name, plot, expected in (
            ("lines", "NaN with lines lt 1 title 'here'", False),
            ("points", "NaN with points lt 1 title 'here'", False),
            ("boxes", "$none using 1:2 with boxes fs solid title 'here'", False),
            ("key on the left", "NaN with lines lt 1 title 'here'", False),
            ("outside", "[0:1] 7 with lines lt 1 title 'here'", False),
            ("on the axis", "0 with lines lt 1 title 'here'", False),
            ("the paper alone", "x with lines lt 4 title 'paper, 2007'", False),
            ("a coast alone", "x with lines lc rgb '#b0b0b0' notitle", False),
            ("a line", "x with lines lt 1 title 'here'", True),
            ("a point", "$one using 1:2 with points lt 1 title 'here'", True),
            ("boxes with heights", "$one using 1:2 with boxes fs solid title 'here'", True)):
        path = tap.tmp("can-fail.svg")
        script = (f"set terminal svg size 500,360 dynamic enhanced font 'sans-serif,13' name 'X'\nset output '{path}'\n{style}\n"
                  "$none << EOD\nNaN\tNaN\nEOD\n$one << EOD\n0.5\t0.5\nEOD\nset xrange [0:1]\nset yrange [0:1]\n"
                  + ("set key left Left reverse\n" if "left" in name else "") + f"plot {plot}, NaN notitle\nunset output\n")
        subprocess.run(["gnuplot", "-d"], input=script.encode(), stderr=subprocess.DEVNULL, timeout=60, check=False)
        tap.equal(htmlpage.is_drawn(read(path)), expected, f"the check of marks: {name}", htmlpage.marks(read(path)))


def in_browser(name, directory):
    text = read(os.path.join(directory, "index.html"))
    broken = text.replace("<main>", '<main><div style="width:3000px">x</div>').replace("table.tBodies[0]", "table.tBodies[1]")
    broken = broken.replace("</body>", "<script>throw new Error('planted')</script></body>")
    said, console = probed({"page": text})
    tap.equal(console, [], f"{name}: nothing on the console")
    for width in WIDTHS:
        frame = said["page", width]
        if not tap.ok(frame and frame["width"] == width, f"{name}: opened {width} px wide", frame and frame["width"]):
            return
        tap.ok(frame["needed"] <= width, f"{name}: no sideways scrolling at {width} px", frame["needed"])
        tap.equal([f["name"] for f in frame["figures"] if f["box"][0] < 250 or f["box"][1] < 150 or not f["colours"]], [],
                  f"{name}: figures have a size and marks at {width} px")
        # A style inside one drawing holds for the whole page: it must be the chart's alone.
        tap.equal([c["name"] for c in frame["charts"] if c["arrows"] < 3 or c["fonts"] != ["12px"]], [],
                  f"{name}: charts have arrows and labels at {width} px")
    tap.equal(faint(said["page", 1280]), [], f"{name}: marks and words stand out")
    tap.equal(unsorted(said["page", 1280]), [], f"{name}: tables sort")
    dark, console = probed({"page": text}, "--force-dark-mode")
    dark = dark["page", 1280]
    tap.equal(console, [], f"{name}: nothing on the console in dark mode")
    tap.ok(dark and contrast(dark["paper"], "rgb(255, 255, 255)") > 10, f"{name}: dark mode is dark", dark and dark["paper"])
    tap.equal(dark and faint(dark), [], f"{name}: marks and words stand out in dark mode")
    without_script(name, text)
    return broken


def without_script(name, text):
    plain = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    said, console = probed({"page": text, "plain": plain})
    whole, bare = said["page", 1280], said["plain", 1280]
    if not tap.ok(whole and bare and console == [], f"{name}: opened without its script", console):
        return
    tap.equal(bare["text"].split(), whole["text"].split(), f"{name}: without script the page says the same")
    tap.equal((bare["buttons"], bare["hidden"]), (0, 0), f"{name}: and has no buttons that do nothing, and nothing is hidden")
    tap.ok(whole["buttons"] > 0, f"{name}: with it, it has buttons")
    titles = re.findall(r"<h[23]>(?:<[^>]*>)*([^<]*?) ?<", text)
    tap.equal([title for title in titles if html.unescape(title) not in bare["text"]], [], f"{name}: every heading can be seen")


def browser_check_can_fail(broken):
    said, console = probed({"page": broken})
    tap.ok(any("planted" in line for line in console), "the check of the console sees an error", console)
    frame = said["page", 360]
    tap.ok(frame and frame["needed"] >= 3000, "the check of the width sees what is too wide", frame and frame["needed"])
    tap.ok(frame and unsorted(frame), "the check of sorting sees tables that do not sort")
    if frame:
        frame["paper"] = frame["figures"][0]["colours"][0]
        tap.ok(faint(frame), "the check of contrast sees marks in the page's own colour")


def main():
    small = [os.path.join(tap.TOP, "traces", name) for name in ("login.pcap", "supernode.pcap", "voice.pcap")]
    pages = {"small captures": reported("small captures", small)}
    if tap.traces("skype"):
        pages["Skype"] = reported("Skype", [tap.traces("skype", file) for file in ("SkypeIRC.pcap", "skype.pcap")])
    for name, directory in pages.items():
        drawn(name, directory)
    drawn_check_can_fail(pages["small captures"])
    if CHROMIUM:
        for name, directory in pages.items():
            broken = in_browser(name, directory)
        if broken:
            browser_check_can_fail(broken)
    elif os.environ.get("FOOTSTEPS_REQUIRE_BROWSER") == "1":
        tap.ok(False, "the page in a browser", "FOOTSTEPS_REQUIRE_BROWSER is set, and chromium is not installed")
    else:
        tap.skip("the page in a browser", "chromium is not installed")
    tap.done()


if not shutil.which("gnuplot"):
    tap.skip_all("gnuplot is not installed")
main()
