#!/usr/bin/env python3
"""`footsteps compare` as a user runs it: two databases, two runs of one, what is wrong, and flows found in both as a join in
Python finds them."""
import csv
import io
import json
import os

import tap

CAPTURE = os.path.join(tap.TOP, "traces", "login.pcap")
KEY = ("first_ns", "proto", "client_ip", "client_port", "server_ip", "server_port")


def compare(*args):
    return tap.run("compare", *args)


def rows(*args):
    """The rows of a comparison, by part."""
    parts = {}
    for line in compare(*args, "--json").stdout.splitlines():
        row = json.loads(line)
        parts.setdefault(row.pop("row"), []).append(row)
    return parts


def says(result, status, words, name):
    lost = [word for word in words if word not in result.stderr]
    tap.ok(result.returncode == status and not lost and "ERROR: " not in result.stderr, name,
           f"status {result.returncode}, expected {status}", f"not said: {lost}", "it said:", result.stderr)


def usage(db):
    says(compare(), 1, ["compare what?"], "no database named")
    says(compare(db, db, db), 1, ["one too many"], "three databases")
    says(compare(db), 1, ["no run before 1", "--append"], "one database of one run")
    says(compare(db, db, "--run-a", "1"), 1, ["both are run 1"], "a run with itself")
    says(compare(db, db, "--run-b", "2"), 1, ["no run 2"], "a run that is not there")
    says(compare(db, tap.tmp("missing.db")), 2, ["missing.db", "footsteps read"], "no such database")
    says(compare(CAPTURE, db), 2, ["login.pcap", "pcap capture"], "a capture instead of a database")
    says(compare(db, tap.changed(db, "newer.db", "PRAGMA user_version = 99")), 2, ["newer.db", "99"], "a newer schema")
    empty = tap.changed(db, "empty.db", "DELETE FROM runs")
    says(compare(db, empty), 2, ["empty.db", "no run"], "a database without a run")
    copy = tap.changed(db, "copy.db")
    says(compare(db, copy, "--protocol", "nosuch"), 1, ["'nosuch'", "skype"], "a protocol that neither has")
    other = tap.changed(db, "other.db", "UPDATE clients SET protocol = 'other', verdict = 'other'")
    says(compare(db, other), 1, ["in common", "skype", "other", "--protocol"], "no protocol in common")
    result = compare(db, other, "--protocol", "skype")
    tap.ok(result.returncode == 0 and "B has no client of skype" in result.stdout,
           "... compared all the same when it is named", result.stdout, result.stderr)
    says(compare(db, copy, "--csv"), 1, ["--part"], "--csv without a part")
    says(compare(db, copy, "--csv", "--json"), 1, ["exclude"], "--csv with --json")
    says(compare(db, copy, "--part", "lables"), 1, ["'labels'"], "a wrong part: the nearest one is named")


def itself(db):
    parts = rows(db, tap.changed(db, "same.db"), "--all")
    shifted = [row for row in parts["distributions"] if row["verdict"] != "same" or row["d"] != 0]
    tap.equal(shifted, [], "compared with a copy: no distribution has shifted")
    tap.equal([row for row in parts["counts"] if row["a"] != row["b"]], [], "... every count is the same")
    left = [row for row in parts["sockets"] if row["gone"] or row["new"] or row["moved"]]
    tap.equal(left, [], "... every socket is kept")
    tap.equal({row["state"] for row in parts["members"]}, {"kept"}, "... also one by one")
    stored = tap.query(db, "SELECT count(*) AS n FROM flows")[0]["n"]
    flows = parts["flows"][0]
    tap.equal((flows["both"], flows["same"], flows["changed"]), (stored, stored, 0), "... every flow is in both")
    tap.ok("labels" not in parts, "... no label has changed")
    result = compare(db, tap.tmp("same.db"))
    wide = [line for line in result.stdout.splitlines() if len(line) > 80]
    tap.ok(result.returncode == 0 and not wide and "same captures" in result.stdout, "the tables fit 80 columns", *wide,
           result.stderr)
    titles = [line for line in result.stdout.splitlines() if line.endswith(" (skype)")]
    tap.equal(titles, ["Counts (skype)", "Distributions (skype)", "Sockets (skype)"], "... and say of which protocol they are")


def joined(a, b):
    """The flows of both with other labels or roles, counted in Python."""
    there = {tuple(row[column] for column in KEY): row for row in tap.query(b, "SELECT * FROM flows")}
    both, pairs = 0, {}
    for row in tap.query(a, "SELECT * FROM flows"):
        other = there.get(tuple(row[column] for column in KEY))
        if other:
            both += 1
            names = (row["label"], row["role"] or "", other["label"], other["role"] or "")
            if names[:2] != names[2:]:
                pairs[names] = pairs.get(names, 0) + 1
    return both, pairs


def flows(name, a, b):
    parts = rows(a, b)
    both, pairs = joined(a, b)
    found = {(row["label_a"], row["role_a"], row["label_b"], row["role_b"]): row["flows"]
             for row in parts.get("labels", [])}
    tap.equal((parts["flows"][0]["both"], found), (both, pairs),
              f"{name}: flows in both, labels changed, as Python joins them")
    wrong = [row for row in parts.get("labels", [])
             if not tap.query(a, "SELECT 1 FROM flows WHERE flow = ? AND label = ?", row["flow_a"], row["label_a"])
             or not tap.query(b, "SELECT 1 FROM flows WHERE flow = ? AND label = ?", row["flow_b"], row["label_b"])]
    tap.equal(wrong, [], f"{name}: the examples are such flows")
    return parts


def options(db):
    """The same capture read twice: with another timeout, and without libndpi."""
    _, other = tap.read([CAPTURE], "--flows", "all", "--idle", "2s", "--no-ndpi")
    parts = flows("read with other options", db, other)
    said = " ".join(row["words"] for row in parts["cautions"])
    tap.ok("--idle differs (200 and 2)" in said and "not comparable" in said, "another --idle: not comparable", said)
    tap.equal(sorted(row["name"] for row in parts["options"]), ["idle", "no-ndpi"],
              "the options that differ, and only those")
    relabelled = tap.changed(db, "relabelled.db", "UPDATE flows SET label = 'DNS' WHERE flow % 2",
                         "UPDATE flows SET role = 'node' WHERE flow % 3 = 0", "DELETE FROM flows WHERE flow % 5 = 0")
    flows("relabelled", db, relabelled)


def runs(db):
    """Two runs of one file: the one before the last, and the last."""
    path = tap.tmp("runs.db")
    for option in ((), ("--append", "--idle", "2s"), ("--append",)):
        tap.read([CAPTURE], "--flows", "all", *option, db=path)
    for args, expected in (((path,), [2, 3]), ((path, path), [2, 3]), ((path, "--run-b", "2"), [1, 2]),
                           ((path, path, "--run-a", "1"), [1, 3]), ((path, db), [3, 1])):
        tap.equal([row["run"] for row in rows(*args)["runs"]], expected,
                  f"runs {expected[0]} and {expected[1]}, of {len(set(args) & {path, db})} file(s)")


def tables(db):
    other = tap.changed(db, "moved.db", "UPDATE clients SET port = port + 1", "DELETE FROM peers WHERE peer = 1")
    result = compare(db, other, "--part", "sockets", "--csv")
    found = {row["what"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
    clients = tap.query(db, "SELECT count(*) AS n FROM clients WHERE protocol = 'skype' AND verdict = protocol")[0]["n"]
    peers = tap.query(db, "SELECT count(*) AS n FROM peers WHERE protocol = 'skype'")[0]["n"]
    tap.ok(clients > 0 and peers > 1 and found["clients"]["moved"] == str(clients) and found["clients"]["kept"] == "0"
           and found["peers"]["kept"] == str(peers - 1) and found["peers"]["gone"] == "1",
           "--csv: clients on another port, a peer gone", result.stdout, result.stderr)
    before = tap.content(db), tap.content(other)
    compare(db, other)
    tap.ok((tap.content(db), tap.content(other)) == before and not os.path.exists(db + "-journal"),
           "neither database is touched")


def real():
    """A real capture, read with and without its TCP: the shift of what is left is none, the TCP flows are gone."""
    capture = tap.traces("skype", "SkypeIRC.pcap")
    if not capture:
        tap.missing("skype/SkypeIRC.pcap")
        return
    _, db = tap.read([capture], "--flows", "all")
    _, other = tap.read([capture], "--flows", "all", "--idle", "30s", "--no-ndpi")
    parts = flows("SkypeIRC.pcap", db, other)
    moved = {(row["measure"], row["class"]): row["verdict"] for row in parts["distributions"]}
    # A shorter timeout cuts dialogs: their source flows are shorter. Probes have one packet anyway, sizes do not change.
    tap.equal([moved.get(("source_flow_us", c)) for c in ("probe", "non-probe")] + [moved.get(("payload_out", "probe"))],
              ["same", "down", "same"], "SkypeIRC.pcap, --idle 30s: flows of dialogs are shorter, probes are not")


def main():
    _, db = tap.read([CAPTURE], "--flows", "all")
    usage(db)
    itself(db)
    options(db)
    runs(db)
    tables(db)
    real()
    tap.done()


main()
