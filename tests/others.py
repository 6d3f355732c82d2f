#!/usr/bin/env python3
"""Captures of nearly everything else: read to their end, and never called Skype, with libndpi and without."""
import os
import struct

import tap

DIRECTORY = tap.require_traces("other-protocols")


def pcap_ending(data, order):
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            return "cut"
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        if length > 256 * 1024 * 1024:
            return "damaged"
        at += 16 + length
    return "whole" if at == len(data) else "cut"


def pcapng_blocks(data):
    """(byte order, type, body) of each block; at the end one of type "whole", "cut" or "damaged"."""
    at, order = 0, "<"
    while at < len(data):
        if at + 12 > len(data):
            break
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or length % 4:
            yield order, "damaged", b""
            return
        yield order, kind, data[at + 8:at + length - 4]
        at += length
    yield order, "whole" if at == len(data) else "cut", b""


def pcapng_ending(data):
    return list(pcapng_blocks(data))[-1][1]


# Interface Statistics Block: interface 4, timestamp 8, options; isb_ifdrop is option 5, 64 bits.
STATISTICS, IFDROP = 5, 5


def pcapng_dropped(data):
    """Packets that the capturing system dropped: the last count of each interface."""
    dropped = {}
    for order, kind, body in pcapng_blocks(data):
        at = 12
        while kind == STATISTICS and at + 4 <= len(body):
            code, length = struct.unpack_from(order + "HH", body, at)
            if code == IFDROP and length == 8:
                dropped[body[:4]] = struct.unpack_from(order + "Q", body, at + 4)[0]
            at += 4 + (length + 3) // 4 * 4
    return sum(dropped.values())


def ending(path):
    """whole, cut, damaged or "no capture": found out by walking the records, apart from footsteps."""
    data = tap.content(path)
    orders = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">",
              b"\x34\xcd\xb2\xa1": None}
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return pcapng_ending(data)
    if data[:4] not in orders:
        return "no capture"
    # The modified pcap of old Linux has records of its own; its end is not looked at here.
    return pcap_ending(data, orders[data[:4]]) if orders[data[:4]] else "whole"


def dropped_by_capture(path):
    data = tap.content(path)
    return pcapng_dropped(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else 0


STATUS = {"whole": 0, "cut": 3, "damaged": 3, "no capture": 2}


def analyse(job):
    path, options = job
    result, db = tap.read([path], "--flows", "all", *options)
    clients = tap.query(db, "SELECT * FROM clients WHERE protocol = 'skype'")
    flows = tap.query(db, "SELECT * FROM flows WHERE label LIKE '%skype%' OR protocol = 'skype'")
    calls = tap.query(db, "SELECT * FROM calls WHERE protocol = 'skype'")
    dropped = tap.query(db, "SELECT sum(dropped) AS n FROM inputs")
    read = tap.query(db, "SELECT packets FROM runs")
    if os.path.exists(db):
        os.unlink(db)
    return result, clients, flows, calls, (dropped and dropped[0]["n"]) or 0, bool(read)


def judge(path, options, answer):
    result, clients, flows, calls, counted, has_run = answer
    name = " ".join((os.path.basename(path), *options))
    end, dropped = ending(path), dropped_by_capture(path)
    expected = 3 if dropped and STATUS[end] == 0 else STATUS[end]
    tap.ok(result.returncode == expected and counted == dropped and has_run == (expected != 2) and not clients
           and not flows and not calls, name,
           f"the file is {end}: expected status {expected}, got {result.returncode}", result.stderr,
           f"dropped by the capturing system: expected {dropped}, got {counted}",
           *(f"client {c['ip']}:{c['port']} {c['verdict']} {c['bits']} bits" for c in clients),
           *(f"flow {f['client_ip']}:{f['client_port']} > {f['server_ip']}:{f['server_port']} is {f['label']}"
             for f in flows),
           *(f"call {c['near_ip']}:{c['near_port']} - {c['far_ip']}:{c['far_port']} by {c['basis']}" for c in calls))


def main():
    paths = sorted(os.path.join(DIRECTORY, name) for name in os.listdir(DIRECTORY) if name.find(".pcap") > 0)
    ways = [()]
    if tap.built_with("libndpi"):
        ways.append(("--no-ndpi",))
    jobs = [(path, options) for options in ways for path in paths]
    for (path, options), answer in zip(jobs, tap.in_parallel(analyse, jobs)):
        judge(path, options, answer)
    http2 = tap.traces("other-protocols", "http2.pcapng")
    tap.equal(http2 and dropped_by_capture(http2), 757, "http2.pcapng: the file tells of 757 lost packets")
    tap.done()


main()
