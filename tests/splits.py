#!/usr/bin/env python3
"""Same packets, same answer: a capture whole, in three pieces (in any order), compressed, or on standard input gives the
same database, but for the manifest."""
import os
import subprocess

import tap

KEPT_APART = ("runs", "inputs")  # what tells the ways apart: paths, formats, digests


def dump(db):
    """Every row of every table but the manifest, as a sorted list."""
    tables = tap.query(db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    rows = []
    for table in tables:
        if table["name"] in KEPT_APART or table["name"].startswith("sqlite_"):
            continue
        rows += sorted((table["name"], repr(sorted(row.items(), key=lambda item: item[0])))
                       for row in tap.query(db, f"SELECT * FROM {table['name']}"))
    # Of the run itself, what the packets alone decide.
    run = "SELECT run, idle_ns, first_ns, last_ns, packets, complete FROM runs"
    return rows + [("runs", repr(sorted(row.items()))) for row in tap.query(db, run)]


def same(name, whole, result, db):
    got = dump(db)
    lost = [f"only in the whole:  {row}" for row in whole if row not in set(got)][:5]
    more = [f"only in this one:   {row}" for row in got if row not in set(whole)][:5]
    tap.ok(result.returncode == 0 and len(whole) > 1 and got == whole, name, result.stderr, *lost, *more)


def pieces(capture, cuts):
    data = tap.content(capture)
    records = tap.pcap_records(data)
    bounds = [0] + [len(records) * cut // 100 for cut in cuts] + [len(records)]
    stem = os.path.basename(capture)[:-5]
    return [tap.write(tap.tmp(f"{stem}-{i}.pcap"), data[:24] + b"".join(records[bounds[i]:bounds[i + 1]]))
            for i in range(len(bounds) - 1)]


def from_stdin(path, through_pipe):
    if not through_pipe:
        with open(path, "rb") as f:
            return tap.read(["-"], "--flows", "all", stdin=f)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        return tap.read(["-"], "--flows", "all", stdin=cat.stdout)


def packed(name, capture, whole):
    for kind in ("gz", "zst", "xz", "bz2", "lz4"):
        data = tap.compressed(tap.content(capture), kind)
        if not tap.built_with(tap.LIBRARY[kind]):
            tap.skip(f"{name}: .{kind}", f"footsteps is built without {tap.LIBRARY[kind]}")
        elif data is None:
            tap.skip(f"{name}: .{kind}", f"no packer for .{kind} is installed")
        else:
            path = tap.write(tap.tmp(f"{name}.{kind}"), data)
            same(f"{name}: .{kind}", whole, *tap.read([path], "--flows", "all"))
            same(f"{name}: .{kind} through a pipe", whole, *from_stdin(path, True))


def compare(capture):
    name = os.path.basename(capture)
    result, db = tap.read([capture], "--flows", "all")
    tap.equal(result.returncode, 0, f"{name}: whole", result.stderr)
    whole = dump(db)
    same(f"{name}: once more", whole, *tap.read([capture], "--flows", "all"))
    for cuts in ((33, 66), (1, 99), (50, 50)):
        parts = pieces(capture, cuts)
        same(f"{name}: in pieces at {cuts} %", whole, *tap.read(parts, "--flows", "all"))
    parts = pieces(capture, (33, 66))
    same(f"{name}: pieces in the wrong order", whole, *tap.read([parts[2], parts[0], parts[1]], "--flows", "all"))
    directory = tap.tmp(f"{name}.d")
    os.mkdir(directory)
    for i, part in enumerate(parts):
        os.rename(part, os.path.join(directory, f"{3 - i}.pcap"))
    same(f"{name}: a directory of pieces", whole, *tap.read([directory], "--flows", "all"))
    same(f"{name}: standard input", whole, *from_stdin(capture, False))
    same(f"{name}: a pipe", whole, *from_stdin(capture, True))
    packed(name, capture, whole)


def main():
    compare(os.path.join(tap.TOP, "traces", "login.pcap"))
    compare(os.path.join(tap.TOP, "traces", "voice.pcap"))
    shared = tap.traces("skype", "SkypeIRC.pcap")
    if shared:
        compare(shared)
    else:
        tap.missing("SkypeIRC.pcap")
    tap.done()


main()
