// Tables sort by a click on a column's name; without this script they are read as they are.
for (const table of document.querySelectorAll("table")) {
	const body = table.tBodies[0];
	if (!body || body.rows.length < 2)
		continue;
	const heads = [...table.tHead.rows[0].cells];
	heads.forEach((head, column) => {
		const button = document.createElement("button");
		button.type = "button";
		button.append(...head.childNodes);
		head.append(button);
		button.addEventListener("click", () => {
			const number = head.classList.contains("n");
			const up = head.ariaSort ? head.ariaSort === "descending" : !number;
			heads.forEach(other => other.removeAttribute("aria-sort"));
			head.ariaSort = up ? "ascending" : "descending";
			const key = row => row.cells[column].textContent;
			const compare = (a, b) => number ? parseFloat(a) - parseFloat(b) : a.localeCompare(b, "en", { numeric: true });
			// What is not known goes to the end, whichever way is up.
			const rows = [...body.rows], known = rows.filter(key), unknown = rows.filter(row => !key(row));
			known.sort((a, b) => up ? compare(key(a), key(b)) : compare(key(b), key(a)));
			body.append(...known, ...unknown);
		});
	});
}
// What scrolls can be scrolled by keys.
for (const frame of document.querySelectorAll(".wide"))
	if (frame.scrollHeight > frame.clientHeight || frame.scrollWidth > frame.clientWidth)
		frame.tabIndex = 0;
