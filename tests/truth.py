#!/usr/bin/env python3
"""The real captures of classic Skype against their ground truth (made by hand, from the packets): every flow is there
with its packets and bytes, what is certain is labelled right, nothing else is ever called Skype, and nobody calls."""
import collections
import csv
import os

import tap

DIRECTORY = tap.require_traces("skype")
LIKELY = 0.9  # the share of the likely rows that must be right
# Likely rows of Skype that are not found, by client port: TLS to a server that other programs of the vendor use as well, told by
# its certificate; and two connections that nobody answered, told by the server's port and by what was tried before. One that
# becomes right must leave this list.
NOT_FOUND = {50028: "skype-tls", 50145: "skype-tcp", 50146: "skype-tcp"}
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
    return row["confidence"] == "certain" and row["label"].startswith("skype")


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
        if row["confidence"] == "likely" and name == "skype" and key(row)[2] in NOT_FOUND and label == row["label"]:
            wrong.append(f"{title(row)}: found; take it out of NOT_FOUND")
        if promised(row) and label != row["label"]:
            wrong.append(f"{title(row)}: {row['label']}, but labelled {flow['label']} ({row['evidence']})")
        if row["label"] == "not-skype" and label != "(other)":
            false.append(f"{title(row)}: {row['evidence']}, but labelled {label}")
    missing += [f"not in the truth: {title(flow)}" for rows in ours.values() for flow in rows]

    tap.ok(not missing, f"{what} the same flows", *missing)
    tap.ok(not sizes, f"{what} packets and payload bytes of each", *sizes)
    tap.ok(not wrong, f"{what} every certain row is labelled right", *wrong)
    tap.ok(not false, f"{what} nothing else is called Skype", *false)
    tap.equal(tap.query(db, "SELECT * FROM calls WHERE protocol = 'skype'"), [], f"{what} nobody calls")
    tap.note(f"{what} truth, confidence, our label, flows")
    for (label, confidence, ours_label), n in sorted(confusion.items()):
        tap.note(f"  {label:20} {confidence:8} {ours_label:20} {n:5}")
    return likely_rows(confusion)


def likely_rows(confusion):
    """Counts of likely rows: (Skype or not, right or not)."""
    likely = collections.Counter()
    for (label, confidence, ours), n in confusion.items():
        if confidence == "likely":
            wanted = label if label.startswith("skype") else "(other)"
            likely[wanted != "(other)", ours == wanted] += n
    return likely


def share_of_likely(likely):
    """All together, and those of Skype by themselves: the others are many."""
    right, every = likely[True, True] + likely[False, True], sum(likely.values())
    tap.ok(right >= LIKELY * every > 0, f"at least {100 * LIKELY:.0f} % of the likely rows are right", f"{right} of {every}")
    times = 2 if tap.built_with("libndpi") else 1
    tap.equal(likely[True, False], times * len(NOT_FOUND), "likely rows of Skype that are not found are listed as such")
    tap.note(f"likely rows: {right} of {every} right; {likely[True, True]} of {likely[True, True] + likely[True, False]} of"
             f" Skype, {likely[False, True]} of {likely[False, True] + likely[False, False]} of others")


def main():
    likely = collections.Counter()
    for name in ("SkypeIRC", "skype", "skype_udp"):
        likely += compare(name)
        if tap.built_with("libndpi"):
            likely += compare(name, "--no-ndpi")
    share_of_likely(likely)
    tap.done()


main()
