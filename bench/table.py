#!/usr/bin/env python3
"""What run.sh measured, as a table; with --record also in README.md and history.tsv beside it."""
import argparse
import datetime
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
HISTORY = os.path.join(HERE, "history.tsv")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

LOOP, WITHOUT, WITH, NDPI = "libpcap loop", "footsteps --no-ndpi", "footsteps", "ndpiReader"
LOOPS_MOST, MB_MOST = 2.5, 120               # --no-ndpi, against the loop
NDPI_TIMES_LEAST, MB_MOST_NDPI = 4.5, 250    # with libndpi, against ndpiReader


class Result:
    def __init__(self, name, times, kib, does):
        self.name, self.kib, self.does = name, kib, does
        self.least = min(times)
        self.median = sorted(times)[len(times) // 2]
        self.failed = False

    @property
    def mb(self):
        return self.kib * 1024 / 1e6


def read_results(times_path, memory_path):
    with open(times_path) as f:
        runs = {entry["command"]: entry for entry in json.load(f)["results"]}
    results = []
    with open(memory_path) as f:
        for line in f:
            name, kib, does = line.rstrip("\n").split("\t")
            result = Result(name, runs[name]["times"], int(kib), does)
            result.failed = any(runs[name].get("exit_codes") or [])
            results.append(result)
    return results


def table(results):
    """Seconds and ratios of the fastest runs: what others do on the machine only adds to a time."""
    loop = results[0].least
    rows = [["tool", "s, min", "median", "x loop", "MB", "what it does"]]
    for r in results:
        rows.append([r.name, f"{r.least:.2f}", f"{r.median:.2f}", f"{r.least / loop:.1f}", f"{r.mb:.0f}",
                     r.does + (" (failed)" if r.failed else "")])
    return rows


def aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in range(1, 5)] + [row[5]]
        text.append("  ".join(cells).rstrip())
    return text


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|---|---:|---:|---:|---:|---|"] + lines[1:]


def targets(results):
    by_name = {r.name: r for r in results}
    lines = []

    def judge(text, met):
        lines.append(f"{text}: {'met' if met else 'MISSED'}")
    loop, without = by_name[LOOP], by_name[WITHOUT]
    ratio = without.least / loop.least
    judge(f"{WITHOUT}: {ratio:.2f} times the libpcap loop, at most {LOOPS_MOST}", ratio <= LOOPS_MOST)
    judge(f"{WITHOUT}: {without.mb:.0f} MB, under {MB_MOST}", without.mb < MB_MOST)
    if WITH in by_name:
        full = by_name[WITH]
        if NDPI in by_name:
            times = by_name[NDPI].least / full.least
            judge(f"{WITH}: {times:.1f} times as fast as {NDPI}, at least {NDPI_TIMES_LEAST}",
                  times >= NDPI_TIMES_LEAST)
        judge(f"{WITH}: {full.mb:.0f} MB, under {MB_MOST_NDPI}", full.mb < MB_MOST_NDPI)
    return lines


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        found = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.MULTILINE)
        if found:
            model = found.group(1)
    count = os.cpu_count()
    return f"{model}, {count} CPU{'s' if count != 1 else ''}, Linux {os.uname().release.split('-')[0]}"


def record(args, results, rows):
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    loop = results[0].least
    with open(HISTORY, "a") as f:
        for r in results:
            f.write("\t".join((day, args.version, args.commit, machine(), r.name, f"{r.least:.3f}",
                               f"{r.least / loop:.2f}", f"{r.mb:.0f}")) + "\n")
    with open(README) as f:
        before, rest = f.read().split(BEGIN)
        after = rest.split(END)[1]
    about = f"{day}, footsteps {args.version} ({args.commit}), {machine()}. {args.trace}."
    lines = [BEGIN, *markdown(rows), "", about, "", *("- " + line for line in targets(results)), END]
    with open(README, "w") as f:
        f.write(before + "\n".join(lines) + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times")
    parser.add_argument("memory")
    parser.add_argument("--trace", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    results = read_results(args.times, args.memory)
    rows = table(results)
    print("\n".join([args.trace, "", *aligned(rows), "", *targets(results)]))
    failed = [r.name for r in results if r.failed and r.name in (LOOP, WITHOUT, WITH)]
    if failed:
        sys.exit(f"bench: {', '.join(failed)} failed; nothing is recorded")
    if args.record:
        record(args, results, rows)


if __name__ == "__main__":
    main()
