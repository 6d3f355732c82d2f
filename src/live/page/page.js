// The live page: asks for the state every two seconds and shows it. What came from the wire (names, versions) is
// only ever a text node.
"use strict";
const EVERY = 2000, SLOWEST = 30000, GIVE_UP = 8000, STALE = 7000, REPORT_EVERY = 30000;
const byId = name => document.getElementById(name);
const SVG = "http://www.w3.org/2000/svg";

// --- words

// Characters that cannot be seen, or that turn others around, are written as what they are.
const UNSEEN = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const seen = text => String(text ?? "").replace(UNSEEN, c => "\\u{" + c.codePointAt(0).toString(16) + "}");
const whole = n => Number.isFinite(n) ? Math.round(n).toLocaleString("en") : "–";

function short(n) {
	if (!Number.isFinite(n))
		return "–";
	for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]])
		if (n >= size)
			return (n / (letter === "k" ? 1e3 : size)).toPrecision(3) + " " + letter;
	return n > 0 && n < 10 && !Number.isInteger(n) ? n.toFixed(1) : whole(n);
}

function share(part) {
	if (!part)
		return "0 %";
	return part < 1e-4 ? "< 0.01 %" : (part * 100).toPrecision(2) + " %";
}

function lasted(seconds) {
	if (!Number.isFinite(seconds))
		return "";
	const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]], said = [];
	for (const [size, letter] of parts) {
		const n = Math.floor(seconds / size);
		seconds -= n * size;
		if (n || (!said.length && size === 1))
			said.push(n + " " + letter);
	}
	return said.slice(0, 2).join(" ");
}

// "2026-11-22T00:48:31.123Z" -> "00:48:31", with the day unless it is the state's own.
function clock(iso, now) {
	const text = seen(iso), [day, time] = text.split("T");
	if (!time)
		return text;
	const short = time.slice(0, 8);
	return now && String(now).startsWith(day) ? short : day + " " + short;
}

// --- elements

function make(tag, text, name) {
	const element = document.createElement(tag);
	if (text !== undefined)
		element.textContent = text;
	if (name)
		element.className = name;
	return element;
}

function drawn(tag, attributes, text) {
	const element = document.createElementNS(SVG, tag);
	for (const name in attributes)
		element.setAttribute(name, attributes[name]);
	if (text !== undefined)
		element.textContent = text;
	return element;
}

// Nothing is touched that has not changed: readers keep their place, and screen readers their peace.
function put(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

const last = {};
function changed(what, value) {
	const text = JSON.stringify(value);
	if (last[what] === text)
		return false;
	last[what] = text;
	return true;
}

// --- health

function health(state) {
	const said = [], storage = state.storage ?? {}, drops = state.drops ?? {};
	const stored = storage.state === "ok";
	said.push([stored, "Storage", stored ? "written" : seen(storage.state) + ": " + seen(storage.why)]);
	const lost = (drops.kernel ?? 0) + (drops.interface ?? 0) + (drops.store ?? 0);
	const lately = lost && (state.minutes ?? []).slice(-MINUTES).some(m => m.kernel || m.interface || m.store);
	said.push([!lately && !state.rates?.drops, "Lost packets", !lost ? "none" : (lately ? "" : "none in the last hour; before, ") +
		share(drops.share) + " (kernel " + short(drops.kernel ?? 0) + ", interface " + short(drops.interface ?? 0) +
		(drops.store ? ", records not stored " + short(drops.store) : "") + ")"]);
	for (const i of state.interfaces ?? [])
		said.push([i.up && !i.gone, seen(i.name), i.gone ? "gone" : i.up ? "up" : "down"]);
	if (changed("health", said))
		byId("health").replaceChildren(...said.map(([fine, name, words]) => {
			const item = make("li", undefined, fine ? "ok" : "bad");
			item.append(make("b", name), " " + words);
			return item;
		}));
	return said.every(([fine]) => fine);
}

function tiles(state) {
	const rates = state.rates ?? {}, totals = state.totals ?? {}, calls = state.calls ?? [];
	put(byId("tile-packets"), short(rates.packets));
	put(byId("tile-bits"), short(rates.bits));
	put(byId("tile-flows"), short(rates.flows));
	put(byId("tile-clients"), short(totals.clients));
	put(byId("tile-suspected"), totals.suspected ? "and " + short(totals.suspected) + " suspected" : "recognised");
	put(byId("tile-logins"), short(totals.logins));
	put(byId("tile-calls"), short(calls.length));
	put(byId("tile-calls-total"), Number.isFinite(totals.calls) ? "now, " + short(totals.calls) + " in total" : "in progress");
}

// --- the last hour: bars, a minute each, the newest on the right

const MINUTES = 60, FOOT = 18, TOP = 16;

function chart(name, minutes, value) {
	const box = byId("chart-" + name), width = box.clientWidth, height = box.clientHeight;
	const values = minutes.slice(-MINUTES).map(value), most = Math.max(0, ...values);
	if (!width || !changed("chart-" + name, [width, height, minutes.map(m => m.start), values]))
		return;
	const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
		"the last " + values.length + " minutes: most " + whole(most) + ", last " + whole(values.at(-1)) });
	const base = height - FOOT, step = width / MINUTES, bar = Math.max(1, step - 1);
	svg.append(drawn("line", { x1: 0, x2: width, y1: base + .5, y2: base + .5 }));
	svg.append(drawn("line", { x1: 0, x2: width, y1: TOP + .5, y2: TOP + .5, "stroke-dasharray": "2 3" }));
	svg.append(drawn("text", { x: 0, y: 12 }, most ? short(most) : "none"));
	values.forEach((n, i) => {
		if (!n)
			return;
		const x = width - (values.length - i) * step, high = Math.max(1.5, n / most * (base - TOP));
		const path = drawn("path", { d: `M${x.toFixed(2)} ${base}v${-high.toFixed(2)}h${bar.toFixed(2)}V${base}z` });
		path.append(drawn("title", {}, clock(minutes.slice(-MINUTES)[i].start).slice(0, -3) + ": " + whole(n)));
		svg.append(path);
	});
	const times = minutes.slice(-MINUTES), label = (i, anchor, x) => times[i] &&
		svg.append(drawn("text", { x, y: height - 4, "text-anchor": anchor }, clock(times[i].start, times[i].start).slice(0, 5)));
	label(times.length - 1, "end", width);
	const middle = times.length - 31;
	label(middle, "middle", width / 2);
	if (times.length === MINUTES)
		label(0, "start", 0);
	put(byId("value-" + name), values.length ? short(values.at(-1)) : "");
	box.replaceChildren(svg);
}

function charts(state) {
	const minutes = state.minutes ?? [];
	chart("packets", minutes, m => m.packets ?? 0);
	chart("lost", minutes, m => (m.kernel ?? 0) + (m.interface ?? 0));
	chart("logins", minutes, m => m.logins ?? 0);
}

// --- tables: name, class, value for sorting, words

const plain = key => row => row[key] ?? "";
const TABLES = {
	clients: { empty: "No client yet.", rows: state => state.clients ?? [], columns: [
		["Client", "s", plain("socket")],
		["Name", "w", plain("name")],
		["Protocol", "k", row => row.verdict || row.protocol || ""],
		["Evidence", "n", row => row.bits ?? null, n => n === null ? "" : n.toFixed(1) + " bits"],
		["Logins", "n", row => row.logins ?? null, n => n ? whole(n) : ""],
		["First seen", "t", plain("first"), clock],
		["Last seen", "t", plain("last"), clock],
		["Notes", "k", row => [row.supernode && "supernode", row.public && "outside: " + row.public].filter(Boolean).join(", ")],
	] },
	calls: { empty: "No call now.", rows: state => state.calls ?? [], columns: [
		["Began", "t", plain("began"), clock],
		["From", "s", plain("initiator")],
		["To", "s", plain("responder")],
		["Packets", "n", row => row.packets ?? null, whole],
	] },
	logins: { empty: "No login yet.", rows: state => state.logins ?? [], columns: [
		["Time", "t", plain("time"), clock],
		["Client", "s", plain("client")],
		["Server", "s", plain("server")],
		["Server's name", "w", plain("server_name")],
		["Protocol", "k", plain("protocol")],
		["Kind", "k", plain("role")],
		["Outcome", "k", row => row.outcome || row.version || ""],
	] },
};
const order = {}, more = {}, first = () => matchMedia("(max-width: 48rem)").matches ? 10 : 25;

function head(name) {
	const table = byId(name), row = document.createElement("tr");
	TABLES[name].columns.forEach(([title, kind], place) => {
		const cell = make("th", undefined, kind), button = make("button", title);
		cell.scope = "col";
		button.type = "button";
		button.addEventListener("click", () => {
			const now = order[name];
			// Numbers and times first downwards, words upwards; again: the other way round.
			const down = now?.place === place ? !now.down : kind === "n" || kind === "t";
			order[name] = { place, down };
			[...row.cells].forEach((other, i) => i === place ?
				other.setAttribute("aria-sort", down ? "descending" : "ascending") : other.removeAttribute("aria-sort"));
			if (state)
				rows(name, state);
		});
		cell.append(button);
		row.append(cell);
	});
	table.createTHead().append(row);
	table.createTBody();
	more[name] = make("button", "", "more");
	more[name].type = "button";
	more[name].hidden = true;
	more[name].addEventListener("click", () => {
		more[name].all = true;
		rows(name, state);
	});
	table.parentNode.after(more[name]);
}

function compare(a, b) {
	const none = x => x === null || x === "";
	if (none(a) || none(b))
		return none(a) - none(b);
	return typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

function rows(name, state) {
	const { columns, rows, empty } = TABLES[name], sorted = order[name];
	let shown = rows(state).map(row => columns.map(([, , value]) => value(row)));
	if (name === "clients") {
		const all = shown.length, words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
		shown = shown.filter(row => words.every(word => row.some(cell => String(cell).toLowerCase().includes(word))));
		put(byId("filtered"), words.length ? `(${shown.length} of ${all} shown)` : "");
	}
	if (sorted)
		shown.sort((a, b) => {
			const [x, y] = [a[sorted.place], b[sorted.place]], known = compare(x, y);
			const missing = [x, y].some(v => v === null || v === "");
			return sorted.down && !missing ? -known : known;
		});
	const today = String(state.now).slice(0, 10), count = shown.length;
	if (!more[name].all)
		shown = shown.slice(0, first());
	more[name].hidden = shown.length === count;
	put(more[name], `Show all ${count}`);
	if (!changed(name, [shown, today]))
		return;
	const body = byId(name).tBodies[0];
	body.replaceChildren(...shown.map(cells => {
		const line = document.createElement("tr");
		cells.forEach((value, i) => {
			const [title, kind, , words] = columns[i], cell = make("td", undefined, kind);
			const text = seen(words ? words(value, today) : value);
			cell.dataset.name = title;
			if (text === "")
				cell.classList.add("blank");
			else
				cell.append(make("bdi", text));
			line.append(cell);
		});
		return line;
	}));
	if (!shown.length) {
		const line = document.createElement("tr"), cell = make("td", rows(state).length ? "None fits the filter." : empty, "none");
		cell.colSpan = columns.length;
		line.append(cell);
		body.append(line);
	}
}

function problems(state) {
	const lines = state.problems ?? [];
	byId("problems-section").hidden = !lines.length;
	if (changed("problems", lines))
		byId("problems").replaceChildren(...lines.map(line => make("li", seen(line))));
}

// --- the report: its page says which figures there are

let shownReport = null;

async function report() {
	const answer = await fetch("/report.json", { signal: AbortSignal.timeout(GIVE_UP) });
	const { version } = await answer.json();
	byId("figures-section").hidden = !version;
	if (!version || version === shownReport)
		return;
	const text = await (await fetch("/report/index.html", { signal: AbortSignal.timeout(GIVE_UP) })).text();
	// Only names and titles are taken: whole, its inline style would offend this page's policy.
	const titles = [...text.matchAll(/<article id="([\w-]+)" class="drawn[^"]*">\s*<h3>([^<]*)/g)];
	const figures = titles.map(([, id, markup]) => {
		const title = seen(new DOMParser().parseFromString(markup, "text/html").body.textContent.trim()) || id;
		const figure = make("figure"), link = make("a"), picture = make("img"), data = make("a", "data");
		const words = make("figcaption", title + " ");
		picture.loading = "lazy";
		picture.alt = title;
		picture.src = `/report/${id}.svg?${encodeURIComponent(version)}`;
		link.href = `/report/#${id}`;
		data.href = `/report/${id}.tsv`;
		data.setAttribute("aria-label", "data of " + title);
		words.append(data);
		link.append(picture);
		figure.append(link, words);
		return figure;
	});
	byId("figures").replaceChildren(...figures);
	shownReport = version;
}

// --- the round

let state = null, updated = performance.now(), wait = EVERY, timer = 0, asking = false, reported = -Infinity;

function show() {
	const fine = health(state), names = (state.interfaces ?? []).map(i => seen(i.name)).join(", ");
	put(byId("interfaces"), names ? "on " + names : "");
	put(byId("about"), state.database ? "Stored in " + seen(state.database) : "");
	put(byId("as-of"), clock(state.now));
	byId("as-of").dateTime = String(state.now);
	put(byId("uptime"), Number.isFinite(state.uptime_s) ? ", running for " + lasted(state.uptime_s) : "");
	put(byId("version"), state.version ? "footsteps " + seen(state.version) : "");
	document.title = (fine ? "" : "(!) ") + "footsteps" + (names ? " on " + names : "");
	tiles(state);
	charts(state);
	for (const name in TABLES)
		rows(name, state);
	problems(state);
	// What scrolls can be scrolled by keys.
	for (const frame of document.querySelectorAll(".wide"))
		if (frame.scrollWidth > frame.clientWidth)
			frame.tabIndex = 0;
		else
			frame.removeAttribute("tabindex");
}

function stale() {
	const late = performance.now() - updated, box = byId("stale");
	const old = late > STALE && !document.hidden;
	if (old)
		put(box, state ? "No news since " + clock(state.now) + " UTC: what is shown below is old. It is being asked for again." :
			"footsteps does not answer. It is being asked again.");
	box.hidden = !old;
}

async function ask() {
	if (asking)
		return;
	asking = true;
	clearTimeout(timer);
	try {
		const answer = await fetch("/state.json", { signal: AbortSignal.timeout(GIVE_UP) });
		if (!answer.ok)
			throw new Error("status " + answer.status);
		state = await answer.json();
		updated = performance.now();
		wait = EVERY;
		show();
		if (performance.now() - reported > REPORT_EVERY) {
			reported = performance.now();
			await report();
		}
	} catch {
		wait = Math.min(wait * 2, SLOWEST);
	}
	asking = false;
	stale();
	if (!document.hidden)
		timer = setTimeout(ask, wait);
}

document.addEventListener("visibilitychange", () => {
	if (document.hidden) {
		clearTimeout(timer);
		return;
	}
	// Time asleep is no silence of the server's.
	updated = performance.now();
	wait = EVERY;
	ask();
});
Object.keys(TABLES).forEach(head);
byId("filter").addEventListener("input", () => state && rows("clients", state));
addEventListener("resize", () => state && charts(state));
setInterval(stale, 1000);
ask();
