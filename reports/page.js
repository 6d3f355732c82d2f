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
			const compare = (a, b) => number ? (parseFloat(a) || 0) - (parseFloat(b) || 0)
							 : a.localeCompare(b, "en", { numeric: true });
			const rows = [...body.rows].sort((a, b) => compare(key(a), key(b)));
			body.append(...(up ? rows : rows.reverse()));
		});
	});
}
