"""The tables of the report, in Markdown."""
from collections import Counter

import degrade
from ground import EXTRACTS, LEVELS, PROTOCOLS, family, score_label, score_protocol
from measure import SKYPE

SURE = ("certain",)
LIKELY = ("certain", "likely")
SETS = (("certain", SURE), ("certain + likely", LIKELY))


def percent(part):
    """Rounded down: 100 only where nothing is missing."""
    return "–" if part is None else f"{int(part * 1000 + 1e-9) / 10:g}"


def ratio(part, whole):
    return percent(part / whole if whole else None)


def table(head, rows, text_columns=1):
    line = "| " + " | ".join("---" if i < text_columns else "---:" for i in range(len(head))) + " |"
    return ["| " + " | ".join(head) + " |", line, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def figures(score):
    return [percent(f(level)) for level in range(len(LEVELS)) for f in (score.precision, score.recall, score.f1)]


FIGURES = [f"{level} {letter}" for level in LEVELS for letter in ("P", "R", "F1")]


def truth_table(truths):
    rows = []
    for truth in truths:
        n = Counter(row.confidence for row in truth.rows if family(row.label))
        labels = ", ".join(sorted({row.label for row in truth.rows if family(row.label)}))
        rows.append([f"`{truth.name}.pcap`", "recorded" if truth.real else "made", labels, len(truth.rows), n["certain"],
                     n["likely"], n["unsure"]])
    return table(["capture", "", "labels", "flows", "with these: certain", "likely", "unsure"], rows, 3)


def joined(said, truths, tool):
    return [pair for truth in truths for pair in said[truth.name, tool]]


def recorded(truths):
    """The recorded captures, each packet once."""
    return [t for t in truths if t.real and t.name not in EXTRACTS]


def having(truths, protocol):
    return [t for t in truths if any(family(row.label) == protocol for row in t.rows)]


def groups(truths, protocol):
    """[(title, captures)] in which the protocol is known to be: the recorded ones together, then each."""
    found = having(truths, protocol)
    real = recorded(found)
    together = [("recorded, " + " + ".join(t.name for t in real), real)] if len(real) > 1 else []
    return together + [(("recorded, " if t.real else "made, ") + t.name, [t]) for t in found]


def protocol_tables(said, truths, tools, protocol):
    lines = []
    for title, captures in groups(truths, protocol):
        rows = []
        for tool in tools:
            for words, confidences in SETS:
                if words != SETS[0][0] and not any(r.confidence == "likely" for t in captures for r in t.rows):
                    continue
                score = score_protocol(joined(said, captures, tool[0]), protocol, confidences)
                rows.append([tool[0], words, *figures(score), score.missed[0], score.wrong[0]])
        lines += [f"**{title}**", "", *table(["tool", "rows", *FIGURES, "missed flows", "false flows"], rows, 2)]
    return lines


def label_tables(said, truths, tools, protocol):
    """Ours label by label; of the others, which know fewer labels, how much of each of ours they call the protocol."""
    lines = []
    real = recorded(having(truths, protocol))
    for title, captures in groups(truths, protocol):
        if captures != real and captures[0].real:
            continue  # in the tables of all recorded ones
        labels = sorted({row.label for t in captures for row in t.rows if family(row.label) == protocol})
        own, peers = [], []
        for label in labels:
            for words, confidences in SETS:
                rows = [r for t in captures for r in t.rows if r.label == label and r.confidence in confidences]
                if not rows or (words != SETS[0][0] and not any(r.confidence == "likely" for r in rows)):
                    continue
                score = score_label(joined(said, captures, "footsteps"), label, confidences)
                own.append([label, words, len(rows), *figures(score)])
                cells = []
                for tool in tools:
                    of_label = [(r, s) for r, s in joined(said, captures, tool[0]) if r.label == label]
                    score = score_protocol(of_label, protocol, confidences)
                    cells.append(" / ".join(percent(score.recall(level)) for level in range(len(LEVELS))))
                peers.append([label, words, *cells])
        lines += [f"**{title}**: footsteps, the very label", "", *table(["label", "rows", "flows", *FIGURES], own, 2),
                  f"**{title}**: flows / packets / bytes of a label that each tool calls {protocol}, %", "",
                  *table(["label", "rows", *(tool[0] for tool in tools)], peers, 2)]
    return lines


def confusion_table(said, truths):
    counts = Counter()
    for row, says in joined(said, recorded(truths), "footsteps"):
        label = says.label if says and says.families else "(none of ours)"
        counts[row.label if family(row.label) else "(none of ours)", row.confidence, label] += 1
    columns = sorted({key[2] for key in counts})
    rows = [[*at, *(counts[(*at, c)] or "·" for c in columns)] for at in sorted({key[:2] for key in counts})]
    return table(["truth", "confidence", *columns], rows, 2)


def missed_table(said, truths):
    """Certain and likely rows that footsteps does not call what they are."""
    lines = []
    for truth in truths:
        for row, says in said[truth.name, "footsteps"]:
            if row.confidence in LIKELY and (says.label if says and says.families else None) != (
                    row.label if family(row.label) else None):
                lines.append([f"`{truth.name}`", row.title, f"{row.packets}, {row.payload}", row.label, row.confidence,
                              says.label if says else "(no such flow)"])
    return table(["capture", "flow", "packets, bytes", "truth", "confidence", "footsteps says"], lines, 6) if lines else [
        "None.", ""]


def false_words(said, truths, tools):
    """What the others call Skype here and is not, by their label."""
    lines = []
    for tool in tools:
        n = Counter((truth.name, says.label) for truth in truths if truth.name not in EXTRACTS
                    for row, says in said[truth.name, tool[0]]
                    if says and SKYPE in says.families and family(row.label) != SKYPE)
        words = "; ".join(f"{count} in `{name}` ({label})" for (name, label), count in sorted(n.items()))
        lines.append(f"- {tool[0]}: {words or 'none'}")
    return [*lines, ""]


def others_tables(others, tools):
    rows, listed = [], []
    for tool in tools:
        found = {name: view.called(SKYPE) for name, view in others[tool[0]].items()}
        packets = sum(view.packets_called or 0 for view in others[tool[0]].values())
        rows.append([tool[0], sum(map(len, found.values())), sum(map(bool, found.values())), packets or "–"])
        names = [f"{name} {len(flows)}" for name, flows in sorted(found.items()) if flows]
        if names:
            listed += [f"{tool[0]}: {', '.join(names)}.", ""]
    return table(["tool", "flows called Skype", "captures with any", "packets called Skype"], rows) + listed


def agreement_table(others, protocol):
    """Of a protocol without a truth in these captures: who calls how much so, and how far they agree."""
    rows = []
    for name, view in sorted(others["footsteps"].items()):
        ours = view.called(protocol)
        seen = {tool: others[tool][name] for tool in ("ndpiReader", "tshark") if tool in others}
        theirs = {tool: {flow.key for flow in v.called(protocol)} for tool, v in seen.items()}
        if not ours and not any(theirs.values()):
            continue
        keys = {flow.key for flow in ours}
        rows.append([f"`{name}`", len(keys), *(f"{len(k)} ({len(k & keys)})" for k in theirs.values())])
    return rows, [tool for tool in ("ndpiReader", "tshark") if tool in others]


def agreement_tables(others):
    lines = []
    for protocol in PROTOCOLS:
        if protocol != SKYPE:
            rows, tools = agreement_table(others, protocol)
            lines += [f"**{protocol}**", "", *(table(["capture", "footsteps", *tools], rows) if rows else
                                                ["No tool sees it in any of them.", ""])]
    return lines


def threshold_table(steps, marks):
    """One line for each stretch over which nothing changes."""
    def same(a, b):
        return all(a[name] == b[name] for name in a if name != "bits")
    rows, at = [], 0
    while at < len(steps):
        end = at
        while end + 1 < len(steps) and same(steps[at], steps[end + 1]):
            end += 1
        s, first, last = steps[at], steps[at]["bits"], steps[end]["bits"]
        words = "; ".join(text for bits, text in marks if first <= bits <= last)
        rows.append([f"{first} – {last}" if last > first else first, percent(s["recall"]), percent(s["recall_bytes"]),
                     s["false_here"], s["false_flows"], s["false_sockets"], words])
        at = end + 1
    return table(["bits", "recall, flows", "recall, bytes", "false flows in them", "false flows elsewhere",
                  "false sockets elsewhere", "here is"], rows, 1)


def worse_table(worse, alarms, truths, protocol):
    captures = [t.name for t in truths if (degrade.WAYS[0][0], t.name, protocol) in worse]
    head = ["what is seen", *captures, "false in these", *(["false in the others"] if alarms is not None else [])]
    rows = []
    for key, words, _ in degrade.WAYS:
        cells = []
        for w in (worse[key, name, protocol] for name in captures):
            parts = ((w["called"], w["left"]), (w["packets_called"], w["packets"]), (w["right"], w["left"]))
            cells.append(" / ".join(ratio(*part) for part in parts) + f" of {w['left']}")
        cells.append(sum(worse[key, name, protocol]["false"] for name in captures))
        rows.append([words, *cells, *([len(alarms[key])] if alarms is not None else [])])
    return table(head, rows)
