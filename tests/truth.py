#!/usr/bin/env python3
"""The real captures of classic Skype against their ground truth (made by hand, from the packets): every flow is there
with its packets and bytes, what is certain is labelled right, and nothing else is ever called Skype."""
import collections
import csv
import os

import tap

DIRECTORY = tap.require_traces("skype")
# Rows that are certain and not recognised yet: TCP in the old style, without padding or magic, to an address and port that
# was just tried with the padded hello (wire C3, form 3). One that becomes right must leave this list.
NOT_YET = {("tcp", "192.168.1.34", port, server, server_port) for port, server, server_port in (
    (50117, "71.238.7.203", 18767), (50118, "5.248.186.221", 31010), (50119, "86.31.35.30", 59621),
    (50121, "81.83.77.141", 17639), (50124, "81.133.19.185", 44431), (50127, "80.14.46.121", 4415),
    (50138, "71.238.7.203", 18767), (50139, "5.248.186.221", 31010), (50142, "80.14.46.121", 4415),
    (50144, "78.202.226.115", 29059))}
CLOCK = 2e-6  # the truth is rounded to microseconds


def truth_rows(name):
    with open(os.path.join(DIRECTORY, f"{name}.flows.tsv"), newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def key(row):
    return (row["proto"], row["client_ip"], int(row["client_port"]), row["server_ip"], int(row["server_port"]))


def take(ours, row):
    """Our flow of the same tuple and start, taken out; None when there is none."""
    rows = ours.get(key(row), [])
    for flow in rows:
        if abs(flow["first_ts"] - float(row["first_ts"])) <= CLOCK:
            rows.remove(flow)
            return flow
    return None


def title(row):
    return "{0} {1}:{2} > {3}:{4} at {5}".format(*key(row), row["first_ts"])


def promised(row):
    """Every row of Skype that is certain."""
    return row["confidence"] == "certain" and row["label"].startswith("skype") and key(row) not in NOT_YET


def compare(name, *options):
    result, db = tap.read([os.path.join(DIRECTORY, f"{name}.pcap")], "--flows", "all", *options)
    what = " ".join((f"{name}:", *options))
    tap.equal(result.returncode, 0, f"{what} read to its end", result.stderr)
    flows, truth = tap.flows(db), truth_rows(name)
    tap.equal(len(flows), len(truth), f"{what} number of flows")

    ours = collections.defaultdict(list)
    for flow in flows:
        ours[key(flow)].append(flow)
    missing, sizes, wrong, false, found = [], [], [], [], []
    confusion = collections.Counter()
    for row in truth:
        flow = take(ours, row)
        if flow is None:
            missing.append(title(row))
            continue
        if (flow["packets"], flow["payload_bytes"]) != (int(row["packets"]), int(row["payload_bytes"])):
            sizes.append(f"{title(row)}: {flow['packets']} packets, {flow['payload_bytes']} bytes; "
                         f"truth {row['packets']}, {row['payload_bytes']}")
        label = flow["label"] if flow["label"].startswith("skype") else "(other)"
        confusion[row["label"], row["confidence"], label] += 1
        if promised(row) and label != row["label"]:
            wrong.append(f"{title(row)}: {row['label']}, but labelled {flow['label']} ({row['evidence']})")
        if key(row) in NOT_YET and label == row["label"]:
            found.append(f"{title(row)}: {label} is right; take it out of NOT_YET")
        if row["label"] == "not-skype" and label != "(other)":
            false.append(f"{title(row)}: {row['evidence']}, but labelled {label}")
    missing += [f"not in the truth: {title(flow)}" for rows in ours.values() for flow in rows]

    tap.ok(not missing, f"{what} the same flows", *missing)
    tap.ok(not sizes, f"{what} packets and payload bytes of each", *sizes)
    tap.ok(not wrong, f"{what} every certain row is labelled right", *wrong)
    tap.ok(not found, f"{what} what is not recognised yet is listed as such", *found)
    tap.ok(not false, f"{what} nothing else is called Skype", *false)
    tap.note(f"{what} truth, confidence, our label, flows")
    for (label, confidence, ours_label), n in sorted(confusion.items()):
        tap.note(f"  {label:20} {confidence:8} {ours_label:20} {n:5}")


def exceptions():
    """Each exception names one certain row of the truth."""
    rows = [row for row in truth_rows("skype") if key(row) in NOT_YET]
    tap.equal([row["confidence"] for row in rows], ["certain"] * len(NOT_YET), "skype: the rows that are not promised yet")


def main():
    exceptions()
    for name in ("SkypeIRC", "skype", "skype_udp"):
        compare(name)
        if tap.built_with("libndpi"):
            compare(name, "--no-ndpi")
    tap.done()


main()
