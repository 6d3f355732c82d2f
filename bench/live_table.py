#!/usr/bin/env python3
"""What live.sh measured, as a table; with --record also in README.md and live.tsv beside it."""
import argparse
import datetime
import os

import table

HISTORY = os.path.join(table.HERE, "live.tsv")
BEGIN, END = "<!-- live: begin -->", "<!-- live: end -->"
COLUMNS = ["reader", "packets/s", "x counter", "is", "sent", "kernel", "interface", "store", "unseen", "ns/packet", "MB",
           "sender"]
IS = {"senders": "all that was sent", "lossless": "the most without loss", "loses": "too much"}


class Run:
    def __init__(self, line):
        self.name, self.rate_is, *numbers, share = line.rstrip("\n").split("\t")
        self.share = float(share)  # of a processor, that the senders had
        (self.rate, self.sent, self.packets, self.kernel, self.interface, self.store, self.cpu,
         self.mb) = map(int, numbers)

    @property
    def unseen(self):
        """What was sent and neither came nor was counted as dropped."""
        return max(0, self.sent - self.packets - self.kernel - self.interface - self.store)

    @property
    def ns(self):
        return self.cpu / max(1, self.packets)


def chosen(runs):
    """Of each reader its highest rate without loss, and the least rate at which it lost and which is above."""
    kept = []
    for name in dict.fromkeys(run.name for run in runs):
        own = [run for run in runs if run.name == name]
        best = max((run for run in own if run.rate_is != "loses"), key=lambda run: run.rate, default=None)
        above = [run for run in own if run.rate_is == "loses" and (not best or run.rate > best.rate)]
        kept += ([best] if best else []) + sorted(above, key=lambda run: run.rate)[:1]
    return kept


def cells(run, counter):
    return [run.name, str(run.rate), f"{run.rate / counter.rate:.2f}", IS[run.rate_is], str(run.sent), str(run.kernel),
            str(run.interface), str(run.store), str(run.unseen), f"{run.ns:.0f}", str(run.mb),
            f"{run.share:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows")
    parser.add_argument("--load", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    with open(args.rows) as f:
        runs = chosen([Run(line) for line in f])
    counter = runs[0]
    rows = [cells(run, counter) for run in runs]
    lines = ["| " + " | ".join(row) + " |" for row in [COLUMNS] + rows]
    lines.insert(1, "|---|---:|---:|---|" + "---:|" * (len(COLUMNS) - 4))
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    about = f"{day}, footsteps {args.version} ({args.commit}), {table.machine()}. {args.load}."
    print("\n".join(lines + ["", about]))
    if not args.record:
        return
    with open(HISTORY, "a") as f:
        for row in rows:
            f.write("\t".join([day, args.version, args.commit, table.machine(), args.load] + row) + "\n")
    with open(table.README) as f:
        before, rest = f.read().split(BEGIN)
        after = rest.split(END)[1]
    with open(table.README, "w") as f:
        f.write(before + "\n".join([BEGIN, *lines, "", about, END]) + after)


if __name__ == "__main__":
    main()
