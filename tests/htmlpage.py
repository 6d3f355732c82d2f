"""Reads the page of `footsteps report`: is it well formed, what does it hold, and what is drawn in its figures."""
import html.parser
import re
import xml.etree.ElementTree

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What may be left open in HTML is closed here: then nothing is closed by accident.
BLOCKS = {"article", "div", "figure", "footer", "h1", "h2", "h3", "header", "li", "main", "nav", "section", "table", "ul"}


class Page(html.parser.HTMLParser):
    """faults: of the markup; ids, links; shown: text outside of script and style."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.faults, self.ids, self.links, self.loads, self.shown, self.open = [], [], [], [], [], []
        self.feed(text)
        self.close()
        if not text.startswith("<!doctype html>\n"):
            self.faults.append("no doctype")
        self.faults += [f"<{tag}> is never closed" for tag in self.open]
        self.faults += [f"id {name} comes twice" for name in sorted(set(self.ids)) if self.ids.count(name) > 1]
        self.faults += [f"#{link[1:]} leads nowhere" for link in self.links
                        if link.startswith("#") and link[1:] not in self.ids]

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        self.faults += [f"<{tag}> has {name} twice" for name in set(names) if names.count(name) > 1]
        if tag in BLOCKS and "p" in self.open:
            self.faults.append(f"<{tag}> in <p>")
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href"):
                self.links.append(value)
            elif name == "src":
                self.loads.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else 'nothing'}>")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.shown.append(data)

    def text(self):
        return " ".join(" ".join(self.shown).split())


NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def points(text):
    """The pairs of numbers of a path or polygon."""
    numbers = [float(n) for n in NUMBER.findall(text)]
    return list(zip(numbers[::2], numbers[1::2]))


def subpaths(d):
    return [points(part) for part in d.split("M")[1:]]


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def plot_area(root):
    """left, top, right, bottom: of the borders (`set border 3`), else of the whole drawing."""
    borders = [shape for element in root.iter() if local(element) == "path"
               and element.get("stroke") in ("black", "rgb(  0,   0,   0)")
               for shape in subpaths(element.get("d")) if len(shape) in (3, 4, 5) and is_rectangular(shape)]
    if borders:  # of each panel
        corners = [corner for border in borders for corner in border]
    else:
        x, y, width, height = (float(n) for n in root.get("viewBox").split())
        corners = [(x, y), (x + width, y + height)]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def is_rectangular(shape):
    return all(a[0] == b[0] or a[1] == b[1] for a, b in zip(shape, shape[1:])) and \
        len({x for x, _ in shape}) == len({y for _, y in shape}) == 2


def in_key(corners, titles):
    """Whether all of it is the sample beside a title in the key: in its line, and on the side where the text ends."""
    for x, y, anchor in titles:
        near = (x, x + 75) if anchor == "end" else (x - 75, x)
        if all(near[0] <= a <= near[1] and abs(b - (y - 4)) <= 9 for a, b in corners):
            return True
    return False


def is_visible(corners, area):
    """Extends, and shows within the plot area: not only along its edges."""
    left, _, _, bottom = area
    on_edge = all(abs(y - bottom) < 0.6 for _, y in corners) or all(abs(x - left) < 0.6 for x, _ in corners)
    return any(within(corner, area) for corner in corners) and len(set(corners)) > 1 and not on_edge


def shapes_of(element):
    """(points, is a symbol) of a path, polygon, circle or use; a symbol extends around its middle."""
    kind = local(element)
    if kind == "path":
        return [(shape, False) for shape in subpaths(element.get("d"))]
    if kind == "polygon":
        return [(points(element.get("points")), False)]
    if kind == "circle":
        return [(points(f"{element.get('cx')} {element.get('cy')}"), True)]
    if kind == "use":
        return [(points(element.get("transform").split(")")[0])[:1], True)]
    return []


def is_coloured(element):
    """Drawn in a colour: black are the paper's values, grey are coasts and the like (reports/README.md)."""
    for name in ("stroke", "fill", "color"):
        parts = NUMBER.findall(element.get(name, "")) if element.get(name, "").startswith("rgb") else []
        if len(parts) == 3:
            return len(set(parts)) > 1
    return False


def marks(svg):
    """Title of each curve of a drawing -> how many of its coloured marks can be seen, its sample in the key left out."""
    root = xml.etree.ElementTree.fromstring(svg)
    area = plot_area(root)
    found = {}
    for curve in root.iter():
        if not re.search(r"_plot_\d+[a-z]?$", curve.get("id", "")):
            continue
        title = next((e.text for e in curve if local(e) == "title"), "") or ""
        anchors = [(*points(g.get("transform"))[0], g.get("text-anchor")) for g in curve.iter()
                   if g.get("text-anchor") and g.get("transform", "").startswith("translate")]
        shapes = [shape for element in curve.iter() if is_coloured(element) for shape in shapes_of(element)]
        found[title] = found.get(title, 0) + sum(
            not in_key(corners, anchors) and (within(corners[0], area) if symbol else is_visible(corners, area))
            for corners, symbol in shapes if corners)
    return found


def within(corner, area):
    left, top, right, bottom = area
    return left - 1 <= corner[0] <= right + 1 and top - 1 <= corner[1] <= bottom + 1


def is_drawn(svg):
    """A figure that shows something of this trace, not only axes, a key, a coast and the paper's values."""
    return any(marks(svg).values())
