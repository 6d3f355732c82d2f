#!/usr/bin/env python3
"""Writes the accuracy report: README.md, figures.tsv and thresholds.svg beside this file, or in --out DIRECTORY.

`make accuracy` calls it. Same program, same tools, same captures: same report.
"""
import argparse
import os
import shutil
import subprocess
import sys
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import degrade  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402
import tables  # noqa: E402
import tap  # noqa: E402
from ground import EXTRACTS, PROTOCOLS, family, other_captures, score_protocol, truths  # noqa: E402
from measure import SKYPE  # noqa: E402

FIGURE = "thresholds"
OF = "recall of "  # as measure.thresholds() calls recall by capture


def say(text):
    print(f"accuracy: {text}", file=sys.stderr, flush=True)


def draw(steps, marks, out):
    """The curves; whether they could be drawn."""
    if not shutil.which("gnuplot"):
        say("gnuplot is not installed: the figure is not drawn")
        return False
    data = tap.tmp("thresholds.dat")
    columns = ("bits", "recall", "recall_bytes", "false_here", "false_flows", "false_sockets")
    with open(data, "w", encoding="ascii") as f:
        for step in steps:
            f.write("\t".join(f"{step[c] * (100 if c.startswith('recall') else 1):g}" for c in columns) + "\n")
    script = ['set terminal svg size 760,520 font "sans-serif,13" background "white"', f'data = "{data}"',
              f'set output "{os.path.join(out, FIGURE)}.svg"',
              f"marks = {len(marks)}",
              *(f'mark{i} = {bits:g}; words{i} = "{words}"' for i, (bits, words) in enumerate(marks, 1)),
              f'most = {max([1] + [max(step["false_flows"], step["false_sockets"]) for step in steps])}',
              f'load "{os.path.join(tap.TOP, "reports", "style.gp")}"', f'load "{os.path.join(HERE, FIGURE)}.gp"']
    subprocess.run(["gnuplot", "-"], input=("\n".join(script) + "\n").encode(), check=True)
    return True


def measured():
    """Everything that is asked of the captures."""
    m = argparse.Namespace()
    m.tools, m.lacking = peers.available()
    m.verdict, m.suspect = measure.defaults()
    m.truths, m.paths = truths(), other_captures()
    say(f"{len(m.truths)} captures with a truth, {len(m.tools)} tools")
    m.said = measure.said_of_truths(m.truths, m.tools)
    say("... and worse versions of them")
    m.worse = measure.worse_truths(m.truths)
    say(f"thresholds on all and {len(m.paths)} other captures")
    m.steps, m.low = measure.thresholds(m.truths, m.paths)
    say("... which the tools look at")
    m.others = measure.said_of_others(m.paths, m.tools)
    say("... and worse versions of them")
    m.alarms = measure.worse_others(m.paths)
    return m


def marks_of(m):
    """[(bits, words)], one for each place on the axis."""
    marks = {}
    for bits, words in ((m.suspect / 2, "half the suspicion"), (m.suspect, "suspicion"), (m.verdict / 2, "half the verdict"),
                        (m.verdict, "verdict")):
        marks[bits] = ", ".join(filter(None, (marks.get(bits), words)))
    return sorted(marks.items())


def share(parts, of="left", called="called"):
    return tables.ratio(sum(p[called] for p in parts), sum(p[of] for p in parts))


def weakest(steps):
    """Where recall falls most: the steps before and after, and the capture where it does."""
    before, after = max(zip(steps, steps[1:]), key=lambda pair: pair[0]["recall"] - pair[1]["recall"])
    names = [name[len(OF):] for name in after if name.startswith(OF)]
    return before, after, max(names, key=lambda name: before[OF + name] - after[OF + name])


def weak(m):
    before, after, name = weakest(m.steps)
    if before["recall"] <= after["recall"]:
        return []
    text = [f"**Weak:** recall falls from {tables.percent(before['recall'])} to {tables.percent(after['recall'])} % between "
            f"thresholds of {before['bits']} and {after['bits']} bits,", f"in `{name}.pcap`."]
    if name == "skype":  # read from `footsteps show why`
        text[-1] += (" No peer answers its client over UDP, so that all evidence about the socket\n"
                     "is in what it sends itself, and every kind of that is capped.")
    return text


def false_at(m, bits):
    step = min(m.steps, key=lambda s: abs(s["bits"] - bits))
    return f"{step['false_flows'] + step['false_here']} flows and {step['false_sockets']} sockets"


def reading(m):
    """What to make of it. Numbers are put in; the reasons are from reading what is missed."""
    real = tables.recorded(m.truths)
    said = tables.joined(m.said, real, "footsteps")
    ours = score_protocol(said, SKYPE, tables.SURE)
    missed = Counter(row.label for row, says in said if row.confidence == "certain" and family(row.label) == SKYPE
                     and not (says and SKYPE in says.families))
    others = sum(len(view.called(SKYPE)) for view in m.others["footsteps"].values())
    alarms = sum(map(len, m.alarms.values())) + sum(w["false"] for w in m.worse.values())
    worse = {key: [m.worse[key, t.name, SKYPE] for t in real] for key, _, _ in degrade.WAYS}
    losses = [w for key in worse if key.startswith("loss") for w in worse[key]]
    text = [
        f"**False alarms** matter most. At the defaults footsteps has {ours.wrong[0]} in the recorded captures, {others} in",
        f"the other {len(m.paths)}, and {alarms} in all worse versions of both. At half of `--verdict-bits` it is",
        f"{false_at(m, m.verdict / 2)}; at half of `--suspect-bits`, where sockets would only be listed as suspected,",
        f"{false_at(m, m.suspect / 2)}.", "",
        f"**Recall** is {tables.percent(ours.recall(0))} % of the certain flows and {tables.percent(ours.recall(2))} % of "
        f"their bytes. Missed: {', '.join(f'{n} {label}' for label, n in sorted(missed.items())) or 'none'}.",
        "Flows flatter everyone, as most are single probes over UDP; bytes weigh the few long connections over TCP. Those",
        "are the hard part: without padding or a constant in their opening they look like any encrypted stream.", ""]
    text += weak(m)
    text += [
        f"Of the flows that are left, {share(worse['snaplen'])} % are recognised when packets are cut to {degrade.SNAPLEN} "
        "bytes (openings over TCP",
        f"do not fit), {share(losses)} % with a tenth of the packets lost (an opening over TCP with a hole is not read on),",
        f"{share(worse['outgoing'])} % from what leaves alone and {share(worse['incoming'])} % from what enters alone: ids, "
        "nonces and resends are those of",
        "what the client sends, and answers without their questions count only where three peers and more agree. Two clients were recorded, one of 2006 and",
        "one of 2015: the figures say what these two did.", ""]
    return text


def page(m, drawn):
    marks = marks_of(m)
    text = [
        "# Accuracy of recognition", "",
        "Written by `make accuracy` (`report.py`); do not edit. The figures are in [figures.tsv](figures.tsv), too, and",
        "`tests/accuracy.py` fails when recognition falls behind them.", "",
        *(f"- {line}" for line in peers.versions()), *(f"- {line}" for line in m.lacking), "",
        "## Reading", "", *reading(m),
        "## The truth, and how tools are laid beside it", "", *tables.truth_table(m.truths),
        "The recorded captures have a truth that was made by hand from the packets; the made ones have that of their",
        "maker, who had read the same descriptions as the dissectors: full marks there say only that the two agree.",
        f"`{'`, `'.join(EXTRACTS)}` is an extract of another capture and is in no sum. Unsure rows count neither",
        "way. P, R, F1: precision, recall and their harmonic mean, in percent, rounded down; packets are all of a flow,",
        "bytes its transport payload.", "",
        "A row of the truth is laid beside the flow of the same protocol and sockets, in either direction, that shares",
        "most time with it. footsteps: flows of `read --flows all`. ndpiReader: the table of `-v 2 -C`; it ends no",
        "flow by inactivity, so that one of its flows may stand beside several rows; `-d` leaves out what it guesses from",
        "port and address. `DNS.Skype_Teams`, the lookup of a name, is DNS; `TLS.Skype_Teams` is Skype. tshark: the column",
        "Protocol of each packet; packets and bytes are judged one by one, and a flow is what most of its packets with",
        "payload are. Its only dissector of Skype is a heuristic for UDP that is off by default: once as it is, once with",
        "`--enable-heuristic skype_udp`.", ""]
    for protocol in PROTOCOLS:
        if not tables.having(m.truths, protocol):
            continue
        text += [f"## {protocol}: is it, or is it not", "", *tables.protocol_tables(m.said, m.truths, m.tools, protocol),
                 f"## {protocol}: label by label", "", *tables.label_tables(m.said, m.truths, m.tools, protocol)]
    text += [
        "## What footsteps confuses", "", "Flows of the recorded captures; unsure rows, too.", "",
        *tables.confusion_table(m.said, m.truths),
        "Rows, certain or likely, that it does not call what they are:", "", *tables.missed_table(m.said, m.truths),
        "Flows of these captures that a tool calls Skype and that are none, likely ones included:", "",
        *tables.false_words(m.said, m.truths, m.tools),
        f"## The {len(m.paths)} other captures", "", "No flow of theirs is Skype. Flows are each tool's own.", "",
        *tables.others_tables(m.others, m.tools)]
    if len(PROTOCOLS) > 1:
        text += ["What else footsteps knows has no truth there; only how far the tools agree can be said. Flows (by",
                 "their sockets) that each calls so, and in brackets how many of them footsteps does, too:", "",
                 *tables.agreement_tables(m.others)]
    text += [
        "## Thresholds", "",
        f"`--verdict-bits` and `--suspect-bits` are both set to the threshold; the defaults are {m.verdict:g} and "
        f"{m.suspect:g}.", "Recall is that of certain rows of the recorded captures; false flows in them are of rows that are "
        "certainly or likely", "not Skype; elsewhere is in the other captures. Any with the lowest threshold: "
        f"{', '.join(m.low) or 'none'}.", "",
        *([f"![recall and false alarms against the threshold]({FIGURE}.svg)", ""] if drawn else []),
        *tables.threshold_table(m.steps, marks),
        "## Worse captures", "",
        f"footsteps on captures with every packet cut to {degrade.SNAPLEN} bytes, with {degrade.LOSS:.0%} of the "
        "packets lost at random, or with", "one direction (by the internal prefixes; where they do not tell, by the order of "
        "the addresses). What counts are certain rows", "that still have a packet. In each cell: percent of these flows that are "
        "recognised, of their packets, and of the", "flows with the right label; then how many flows these are. False: flows and "
        "sockets that are none; in the others,", "suspected sockets, too.", ""]
    for protocol in PROTOCOLS:
        if tables.having(m.truths, protocol):
            text += [f"**{protocol}**", "",
                     *tables.worse_table(m.worse, m.alarms if protocol == SKYPE else None, m.truths, protocol)]
    return "\n".join(text).rstrip() + "\n"


def tsv(m):
    lines = [("table", "case", "capture", "protocol", "measure", "value")]
    for (name, tool), said in m.said.items():
        for protocol in measure.families_of(next(t for t in m.truths if t.name == name)):
            for words, confidences in tables.SETS:
                score = score_protocol(said, protocol, confidences)
                for kind in ("right", "wrong", "missed"):
                    for level, value in zip(tables.LEVELS, getattr(score, kind)):
                        lines.append((f"protocol, {words}", tool, name, protocol, f"{kind} {level}", value))
    for tool, views in m.others.items():
        lines.append(("others", tool, "(all)", SKYPE, "flows", sum(len(v.called(SKYPE)) for v in views.values())))
    for step in m.steps:
        lines += [("threshold", step["bits"], "(recorded)", SKYPE, name, f"{value:.4f}".rstrip("0").rstrip("."))
                  for name, value in step.items() if name != "bits"]
    for (way, name, protocol), figures in m.worse.items():
        lines += [("worse", way, name, protocol, measure_, value) for measure_, value in figures.items()]
    lines += [("worse", way, "(others)", SKYPE, "false", len(alarms)) for way, alarms in m.alarms.items()]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=HERE, help="directory of the report (default: beside this script)")
    out = parser.parse_args().out
    if not tap.traces("skype") or not tap.traces("other-protocols"):
        say("skipped: the captures with ground truth are not here (set FOOTSTEPS_TRACES)")
        return
    m = measured()
    for line in m.lacking:
        say(line)
    drawn = draw(m.steps, marks_of(m), out) or os.path.exists(os.path.join(out, f"{FIGURE}.svg"))
    for name, content in (("README.md", page(m, drawn)), ("figures.tsv", tsv(m))):
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            f.write(content)
    say(f"written: {os.path.join(out, 'README.md')}")


if __name__ == "__main__":
    main()
