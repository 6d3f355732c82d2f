#!/usr/bin/env python3
"""The real captures of classic Skype against their ground truth (made by hand, from the packets): every flow is there
with its packets and bytes, what is certain is labelled right, and nothing else is ever called Skype."""
import collections
import csv
import os

import tap

DIRECTORY = tap.require_traces("skype")
# Labels that the recognition of this version promises. A skype-tcp row needs the link between a supernode's UDP answer
# and its TCP connection: promised for supernodes only (the ground truth says "supernode" in its evidence).
PROMISED = ("skype-udp", "skype-login", "skype-contact-list", "skype-http")
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
    if row["confidence"] != "certain":
        return False
    return row["label"] in PROMISED or (row["label"] == "skype-tcp" and row["evidence"].find("supernode") >= 0)


def compare(name, *options):
    result, db = tap.read([os.path.join(DIRECTORY, f"{name}.pcap")], "--flows", "all", *options)
    what = " ".join((f"{name}:", *options))
    tap.equal(result.returncode, 0, f"{what} read to its end", result.stderr)
    flows, truth = tap.flows(db), truth_rows(name)
    tap.equal(len(flows), len(truth), f"{what} number of flows")

    ours = collections.defaultdict(list)
    for flow in flows:
        ours[key(flow)].append(flow)
    missing, sizes, wrong, false = [], [], [], []
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
        if row["label"] == "not-skype" and label != "(other)":
            false.append(f"{title(row)}: {row['evidence']}, but labelled {label}")
    missing += [f"not in the truth: {title(flow)}" for rows in ours.values() for flow in rows]

    tap.ok(not missing, f"{what} the same flows", *missing)
    tap.ok(not sizes, f"{what} packets and payload bytes of each", *sizes)
    tap.ok(not wrong, f"{what} every certain row is labelled right", *wrong)
    tap.ok(not false, f"{what} nothing else is called Skype", *false)
    tap.note(f"{what} truth, confidence, our label, flows")
    for (label, confidence, ours_label), n in sorted(confusion.items()):
        tap.note(f"  {label:20} {confidence:8} {ours_label:20} {n:5}")


def main():
    for name in ("SkypeIRC", "skype", "skype_udp"):
        compare(name)
        if tap.built_with("libndpi"):
            compare(name, "--no-ndpi")
    tap.done()


main()
