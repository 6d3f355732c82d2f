#!/usr/bin/env python3
"""Recognition is no worse than what accuracy/figures.tsv says (written by `make accuracy`): on captures that are known,
as they are and made worse; and with half the bits that a verdict needs, nothing else is called Skype."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "accuracy"))
import tap  # noqa: E402
import degrade  # noqa: E402
import ground  # noqa: E402
import measure  # noqa: E402

FIGURES = os.path.join(tap.TOP, "tests", "accuracy", "figures.tsv")


def committed():
    """{(way, capture, protocol): {measure: number}}"""
    found = {}
    with open(FIGURES, newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            if row["table"] == "worse" and row["capture"] != "(others)":
                key = row["case"], row["capture"], row["protocol"]
                found.setdefault(key, {})[row["measure"]] = int(row["value"])
    return found


def as_good(now, then, called, of):
    return now[called] * then[of] >= then[called] * now[of]


def main():
    truths, expected = ground.truths(), committed()
    words = {way[0]: way[1] for way in degrade.WAYS}
    tap.ok({key[0] for key in expected} == set(words), "accuracy/figures.tsv has every way to make a capture worse")
    for key, now in measure.worse_truths(truths).items():
        what, then = f"{key[1]}, {key[2]}, {words[key[0]]}", expected.get(key)
        tap.equal(now["false"], 0, f"{what}: no false positive")
        if not then:
            tap.skip(f"{what}: recall", "not in accuracy/figures.tsv; run make accuracy")
            continue
        tap.ok(as_good(now, then, "called", "left") and as_good(now, then, "packets_called", "packets") and
               as_good(now, then, "right", "left"), f"{what}: recall is no worse", f"now:  {now}", f"then: {then}")
    if not tap.traces("skype"):
        tap.missing("recorded captures of Skype: recall")
    paths = ground.other_captures()
    name = "half the bits of a verdict: no other capture is called Skype"
    if paths:
        alarms = measure.false_alarms(paths, measure.defaults()[0] / 2)
        tap.ok(not alarms, name, *alarms)
        alarms = measure.false_alarms(paths, measure.defaults()[1] / 2)
        tap.ok(not alarms, "half the bits of a suspicion: no other capture is suspected", *alarms)
    else:
        tap.missing(name)
    tap.done()


main()
