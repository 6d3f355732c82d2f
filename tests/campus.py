#!/usr/bin/env python3
"""The campus of the reference peer: `footsteps-peer trace campus`, read by footsteps, and compared with its truth. A 200th of
the paper's week by itself; a 20th with captures of other programs mixed in, when these are here. All clients and nobody else,
all flows, and Table I to the unit. Table I is added up here from the truth's flows as well, so that score is no judge in its
own cause."""
import json
import os
import struct
import subprocess

import tap

PEER = os.environ.get("FOOTSTEPS_PEER") or os.path.join(os.path.dirname(tap.FOOTSTEPS), "footsteps-peer")
SCENARIO = os.path.join(tap.TOP, "traces", "scenarios", "campus.scenario")
PAPER = {"probe": (51.2, 8.0), "heartbeat": (15.8, 26.3), "dialog": (25.1, 6.2), "mix": (8.0, 59.5)}  # pairs, flows: Table I
DEMANDED = 0.999  # recall and precision of flows
EVERY = 2  # of the captures of other programs, one in so many is mixed in


def trace(name, *options, cwd=None):
    """The capture, its truth and its file of places; None if it could not be made."""
    capture, truth, places = (tap.tmp(name + end) for end in (".pcap", ".truth.db", ".mmdb"))
    made = subprocess.run([PEER, "trace", "-q", "-o", capture, "--truth", truth, "--geo", places, *options, SCENARIO],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=tap.SECONDS,
                          cwd=cwd)
    if not tap.ok(made.returncode == 0, f"{name}: footsteps-peer trace", made.stderr.decode(errors="replace")):
        return None
    return capture, truth, places


def read(name, capture, places):
    options = ["--local-net", "198.18.0.0/15"] + (["--geo", places] if tap.built_with("libmaxminddb") else [])
    result, db = tap.read([capture], *options)
    tap.equal(result.returncode, 0, f"{name}: read", result.stderr)
    return db


def class_of(probes, dialogs):
    """D10."""
    if not dialogs:
        return "probe" if probes == 1 else "heartbeat"
    return "mix" if probes else "dialog"


def table_of_truth(truth):
    """{class: [pairs, flows, packets]} from the truth's flows alone; the client's end is the one in 198.18.0.0/15."""
    pairs = {}
    for f in tap.query(truth, "SELECT * FROM flows WHERE label = 'skype-udp' AND role = 'signalling'"):
        ends = [(f["client_ip"], f["client_port"]), (f["server_ip"], f["server_port"])]
        ends.sort(key=lambda end: not end[0].startswith(("198.18.", "198.19.")))
        pair = pairs.setdefault(tuple(ends), [0, 0, 0])
        pair[f["packets_out"] != 1 or f["packets_in"] > 1] += 1
        pair[2] += f["packets_out"] + f["packets_in"]
    table = {name: [0, 0, 0] for name in PAPER}
    for probes, dialogs, packets in pairs.values():
        row = table[class_of(probes, dialogs)]
        row[0] += 1
        row[1] += probes + dialogs
        row[2] += packets
    return table


def table_of_monitor(db):
    """The same from view R7, which has shares and totals."""
    table = {name: [0, 0, 0] for name in PAPER}
    for row in tap.query(db, "SELECT * FROM R7 WHERE place <= 3 AND protocol = 'skype'"):
        for name in table:
            table[name][row["place"] - 1] = round(row[name] * row["total"] / 100)
    return table


def scores(db, truth):
    result = tap.run("score", "--json", db, truth)
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return result, {row["part"]: row for row in rows if row["row"] == "score" and row["attribute"] is None}


def judge(name, db, truth):
    clients = tap.query(truth, "SELECT ip, port FROM clients ORDER BY ip, port")
    found = tap.query(db, "SELECT ip, port FROM clients WHERE verdict = 'skype' ORDER BY ip, port")
    tap.ok(found == clients, f"{name}: all clients, and nobody else", f"{len(found)} of {len(clients)}",
           [c for c in found if c not in clients][:5], [c for c in clients if c not in found][:5])
    table = table_of_truth(truth)
    tap.equal(table_of_monitor(db), table, f"{name}: Table I is that of the truth, to the unit")
    pairs, flows = (sum(row[i] for row in table.values()) for i in (0, 1))
    for what, (of_pairs, of_flows) in PAPER.items():
        close = (abs(100 * table[what][0] / pairs - of_pairs) < 0.05 + 200 / pairs
                 and abs(100 * table[what][1] / flows - of_flows) < 0.05 + 200 / flows)
        tap.ok(close, f"{name}: share of {what} pairs and flows as in the paper's Table I", table)
    result, rows = scores(db, truth)
    if not tap.ok(result.returncode == 0 and "flows" in rows, f"{name}: score", result.stderr, result.stdout[:2000]):
        return
    tap.equal((rows["clients"]["wrong"], rows["clients"]["missed"]), (0, 0), f"{name}: score: no wrong client, none missed")
    tap.ok(rows["flows"]["precision"] >= DEMANDED and rows["flows"]["recall"] >= DEMANDED,
           f"{name}: score: precision and recall of flows", rows["flows"])
    tap.ok(rows["calls"]["missed"] == 0 and rows["calls"]["wrong"] == 0, f"{name}: score: calls", rows["calls"])


def figures(name, db):
    """What figures 1 and 2 say in words, within what so few clients can tell."""
    row = tap.query(db, "SELECT sum(peers * intervals) * 1.0 / sum(intervals) AS mean FROM R2"
                        " WHERE class = 'internal' AND protocol = 'skype'")[0]
    tap.ok(12 <= row["mean"] <= 20, f"{name}: figure 1: 16 peers in 5 minutes", row)
    row = tap.query(db, "SELECT 100.0 * sum(bits_per_s < 100) / count(*) AS share FROM R1 WHERE protocol = 'skype'")[0]
    tap.ok(row["share"] >= 90, f"{name}: figure 1: 95 % of the clients send less than 100 bit/s", row)
    row = tap.query(db, "SELECT 100.0 * sum(flows * (packets = 1)) / sum(flows) AS single,"
                        " 100.0 * sum(flows * (packets < 6)) / sum(flows) AS under_six FROM R4"
                        " WHERE protocol = 'skype'")[0]
    tap.ok(abs(row["single"] - 80) < 2 and abs(row["under_six"] - 99) < 0.3, f"{name}: figure 2: lengths of flows", row)
    row = tap.query(db, "SELECT max(ms) AS most FROM R11 WHERE protocol = 'skype'")[0]
    tap.ok(row["most"] < 5000, f"{name}: figure 6: no round trip is the pause of a peer", row)


def places_come_back(name, db, truth):
    if not tap.built_with("libmaxminddb"):
        tap.skip(f"{name}: places", "footsteps was built without libmaxminddb")
        return
    columns = "ip, continent, country, country_name, city, latitude, longitude"
    known = tap.query(truth, f"SELECT {columns} FROM places WHERE continent IS NOT NULL ORDER BY ip")
    found = tap.query(db, f"SELECT {columns} FROM places WHERE continent IS NOT NULL ORDER BY ip")
    tap.ok(len(known) > 0 and found == known, f"{name}: --geo finds every address where the truth has it",
           f"{len(found)} of {len(known)}", next(((f, k) for f, k in zip(found, known) if f != k), ""))


def is_ethernet(path):
    """A pcap of Ethernet frames of whole packets; footsteps-peer mixes in no others."""
    with open(path, "rb") as f:
        head = f.read(24)
    return head[:4] == b"\xd4\xc3\xb2\xa1" and len(head) == 24 and struct.unpack_from("<I", head, 20)[0] == 1


def whole_week():
    if not os.path.exists(PEER):
        tap.skip_all("footsteps-peer is not built")
    made = trace("200th", "--scale", "0.005")
    if made:
        capture, truth, places = made
        db = read("200th", capture, places)
        judge("200th", db, truth)
        places_come_back("200th", db, truth)
    directory = tap.traces("other-protocols")
    if not directory:
        tap.missing("a 20th with background captures")
        return
    others = [name for name in sorted(os.listdir(directory))
              if name.endswith(".pcap") and is_ethernet(os.path.join(directory, name))][::EVERY]
    tap.ok(len(others) >= 80, "captures for the background", len(others))
    words = [word for name in others for word in ("--background", name)]
    made = trace("20th", "--scale", "0.05", *words, cwd=directory)
    if made:
        capture, truth, places = made
        db = read("20th", capture, places)
        judge("20th", db, truth)
        figures("20th", db)
        places_come_back("20th", db, truth)


whole_week()
tap.done()
