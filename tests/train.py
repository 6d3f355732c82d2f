#!/usr/bin/env python3
"""footsteps train: the Gaussians of a made call come out again, a model finds other calls of its codec and no others, and
every mistake is told.

The calls are made here from numbers that the test knows; what train prints is held against these numbers, within the
standard error of so many messages.
"""
import math
import os
import random
import re
import sqlite3
import statistics

import tap

A, B = ("10.0.0.1", 40000), ("203.0.113.5", 40002)
START = 1156500000.0
MODELS_MAX = 512  # of src/identify/voice_models.c
BEFORE = 15  # messages of a direction that pass before the meter begins


class Codec:
    def __init__(self, size, sigma, gap, jitter=0.003):
        self.size, self.sigma, self.gap, self.jitter = size, sigma, gap, jitter

    def messages(self, n, seed):
        """(seconds, size) of n messages; each is late by up to the jitter."""
        rng = random.Random(seed)
        return [(i * self.gap + rng.random() * self.jitter, max(1, round(rng.gauss(self.size, self.sigma))))
                for i in range(n)]


def frames(messages, source=A, destination=B, at=START):
    return [(at + t, tap.udp_frame(*source, *destination, payload=random.Random(size * 7 + i).randbytes(size)))
            for i, (t, size) in enumerate(messages)]


def capture(name, *flows):
    records = sorted(record for flow in flows for record in flow)
    return tap.write(tap.tmp(name), tap.pcap_header() + b"".join(tap.pcap_record(*record) for record in records))


def section(text):
    """[name] and its four numbers; None when there is no whole section."""
    found = re.fullmatch(r"\n?# footsteps train: (\d+) messages of (\d+) streams?\n"
                         r"\[(.+)\]\nsize = (\S+)\nsize_sigma = (\S+)\ngap = (\S+)\ngap_sigma = (\S+)\n", text)
    return found and dict(zip(("messages", "streams", "name", "size", "size_sigma", "gap", "gap_sigma"),
                              (int(found[1]), int(found[2]), found[3], *map(float, found.groups()[3:]))))


def train(*arguments):
    return tap.run("train", *arguments)


def close(got, expected, within, name):
    tap.ok(abs(got - expected) <= within, name, f"{got}, not {expected} +- {within}")


CODEC = Codec(93, 7.5, 0.030)
NARROW = Codec(250, 3, 0.045)  # of no model that is built in, under this name
OTHER = Codec(120, 3, 0.020)


def the_gaussians():
    n = 1000
    path = capture("call.pcap", frames(CODEC.messages(n, 1)), frames(CODEC.messages(200, 2), B, A, START + 0.011))
    result = train("--name", "test 30 ms", path)
    tap.equal(result.returncode, 0, "a call of one long stream: status", result.stderr)
    got = section(result.stdout)
    if not tap.ok(got, "a section is printed, and nothing else", result.stdout):
        return
    tap.equal((got["name"], got["messages"], got["streams"]), ("test 30 ms", n - BEFORE, 1), "what it is, and of how much")
    # Four standard errors: sigma / sqrt(n), and sigma / sqrt(2n); what lies beyond 3 sigma is left out, 1.3 % of sigma.
    close(got["size"], 93, 4 * 7.5 / math.sqrt(n), "mean size")
    close(got["size_sigma"], 7.5 * 0.987, 4 * 7.5 / math.sqrt(2 * n), "sigma of sizes")
    close(got["gap"], 30, 0.05, "mean gap: an even clock, whatever the jitter")
    tap.equal(got["gap_sigma"], 2, "sigma of gaps: the least")
    tap.ok(f"{n - BEFORE} messages of 1 stream" in result.stderr, "it says on what it was trained", result.stderr)
    tap.equal(train("-q", "--name", "test 30 ms", path).stderr, "", "... unless told to be quiet")
    again = train("-q", "--name", "test 30 ms", "-")
    tap.equal(again.returncode, 2, "nothing on standard input is no capture")
    with open(path, "rb") as stdin:
        again = tap.run("train", "-q", "--name", "test 30 ms", "-", stdin=stdin)
    tap.equal(again.stdout, result.stdout, "the same from standard input")
    data = tap.content(path)
    records = tap.pcap_records(data)
    halves = [tap.write(tap.tmp(f"half{i}.pcap"), data[:24] + b"".join(part))
              for i, part in enumerate((records[:500], records[500:]))]
    tap.equal(train("-q", "--name", "test 30 ms", *halves).stdout, result.stdout, "the same from two files")


def a_wandering_clock():
    """Gaps of 25 to 35 ms that swing over 300 messages: the sigma is that of windows, 5 / sqrt(2)."""
    t, messages = 0.0, []
    for i in range(1800):
        messages.append((t, 50))
        t += 0.030 + 0.005 * math.sin(2 * math.pi * i / 300)
    got = section(train("-q", "--name", "x", capture("wander.pcap", frames(messages))).stdout) or {}
    close(got.get("gap", 0), 30, 0.3, "a wandering clock: mean gap")
    close(got.get("gap_sigma", 0), 5 / math.sqrt(2), 0.2, "a wandering clock: sigma of windows")
    tap.equal((got.get("size"), got.get("size_sigma")), (50, 1), "a constant size: the least sigma")


def what_is_left_out():
    """Video, a pause, a hold, losses and stray messages are not the codec's."""
    rng, messages = random.Random(5), []
    for t, size in CODEC.messages(1500, 5):
        if rng.random() < 0.02:
            continue
        messages.append((t if t < 20 else t + 30, size if rng.random() > 0.01 else 300))
        if rng.random() < 0.3:
            messages.append((messages[-1][0] + 0.004, 1100))
    messages += [(21.5 + 3 * i, 18) for i in range(9)]
    got = section(train("-q", "--name", "x", capture("video.pcap", frames(sorted(messages)))).stdout) or {}
    close(got.get("size", 0), 93, 1, "video and strays beside: mean size")
    close(got.get("size_sigma", 0), 7.4, 0.7, "video and strays beside: sigma of sizes")
    close(got.get("gap", 0), 30, 0.3, "losses, a hold, and video between: mean gap")


def estimates(path, *options):
    """What the streams of a capture look like."""
    result, db = tap.read([path], "--no-ndpi", *options)
    tap.equal(result.returncode, 0, f"read {os.path.basename(path)} {' '.join(map(os.path.basename, options))}", result.stderr)
    return [(row["verdict"], row["estimate"]) for row in tap.query(db, "SELECT * FROM streams")]


def finds_its_codec():
    """Trained on one call: another of the same codec is like a voice, one of another codec is not."""
    first = capture("narrow.pcap", frames(NARROW.messages(800, 10)))
    same = capture("same.pcap", frames(NARROW.messages(600, 11), ("10.0.0.7", 5000), ("192.0.2.9", 6000)))
    other = capture("other.pcap", frames(OTHER.messages(600, 12)))
    alone, both = tap.tmp("alone.ini"), tap.tmp("both.ini")
    result = train("--name", "narrow 45 ms", "--append", alone, first)
    tap.equal((result.returncode, result.stdout), (0, ""), "--append prints nothing", result.stderr)
    tap.ok("appended to" in result.stderr, "... and says where the section is", result.stderr)
    tap.ok(section(tap.content(alone).decode()), "a new file is the section", tap.content(alone))
    tap.equal(estimates(first, "--voice-models", alone), [("voip-like", "narrow 45 ms")], "its own call")
    tap.equal(estimates(same, "--voice-models", alone), [("voip-like", "narrow 45 ms")], "another call of the codec")
    tap.equal(estimates(other, "--voice-models", alone), [], "a call of another codec is nothing to this model")
    tap.ok("narrow 45 ms" not in dict(estimates(same)).values(), "the models that are built in have another name for it")

    built_in = tap.content(os.path.join(tap.TOP, "data", "voice-models.ini"))
    tap.write(both, built_in.rstrip(b"\n"))  # as some editors leave it
    result = train("-q", "--name", "narrow 45 ms", "--append", both, first)
    tap.equal(result.returncode, 0, "append to a copy of the models", result.stderr)
    tap.ok(tap.content(both).startswith(built_in.rstrip(b"\n") + b"\n"), "what was there is untouched")
    tap.equal(estimates(same, "--voice-models", both), [("voip-like", "narrow 45 ms")], "the best model has the word")
    before = tap.content(both)
    result = train("-q", "--name", "narrow 45 ms", "--append", both, first)
    tap.ok(result.returncode == 1 and "already" in result.stderr, "a second mode of that name is refused", result.stderr)
    tap.equal(tap.content(both), before, "... and nothing is written")


def pooled(streams):
    """Means and standard deviations of all sizes and gaps together."""
    sizes = [size for stream in streams for _, size in stream]
    gaps = [(b[0] - a[0]) * 1e3 for stream in streams for a, b in zip(stream, stream[1:])]
    return statistics.mean(sizes), statistics.stdev(sizes), statistics.mean(gaps)


def from_a_database():
    one, two = Codec(80, 4, 0.020).messages(400, 20), Codec(90, 4, 0.020).messages(250, 21)
    path = capture("two.pcap", frames(one), frames(two, ("10.0.0.8", 5000), ("192.0.2.9", 6000), START + 2))
    result, db = tap.read([path], "--no-ndpi")
    rows = tap.query(db, "SELECT flow, packets FROM streams ORDER BY flow")
    tap.equal([row["packets"] for row in rows], [400 - BEFORE, 250 - BEFORE], "the database has both streams", result.stderr)
    mean, sigma, gap = pooled([one[BEFORE:]])
    got = section(train("-q", "--name", "x", db).stdout) or {}
    close(got.get("size", 0), mean, 0.05, "one stream is long enough: mean size")
    close(got.get("size_sigma", 0), sigma, 0.01, "... its sigma")
    close(got.get("gap", 0), gap, 0.05, "... its gap")

    result = train("--name", "x", "--codec", "PCMU", db)
    tap.ok(result.returncode == 2 and "no such stream" in result.stderr and "--flow" in result.stderr,
           "no stream is of that codec: those that are there are listed", result.stderr)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE streams SET codec = 'PCMU'")
    connection.close()
    mean, sigma, gap = pooled([one[BEFORE:], two[BEFORE:]])
    got = section(train("-q", "--name", "x", "--codec", "pcmu", db).stdout) or {}
    tap.equal((got.get("messages"), got.get("streams")), (650 - 2 * BEFORE, 2), "--codec: both streams together")
    close(got.get("size", 0), mean, 0.05, "--codec: mean size")
    close(got.get("size_sigma", 0), sigma, 0.01, "--codec: their sigma is wider than that of each")
    close(got.get("gap", 0), gap, 0.05, "--codec: gap")
    got = section(train("-q", "--name", "x", "--codec", "PCMU", "--flow", str(rows[0]["flow"]), db).stdout) or {}
    tap.equal(got.get("streams"), 1, "--codec and --flow: what both choose")
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE streams SET large = 1 WHERE flow = ?", (rows[0]["flow"],))
    connection.close()
    result = train("--name", "x", db)
    tap.ok(result.returncode == 2 and "passed over" in result.stderr, "a stream with video is passed over", result.stderr)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE streams SET large = 0, basis = 'format', stream = 24, payload_type = 0")
    connection.close()
    got = section(train("-q", "--name", "x", "--stream", "0x18", "--flow", str(rows[0]["flow"]), db).stdout) or {}
    tap.equal(got.get("name"), "RTP x", "a stream of RTP: the mode's name says so")
    got = section(train("-q", "--name", "RTP y", "--stream", "00000018", "--codec", "PCMU", db).stdout) or {}
    tap.equal((got.get("name"), got.get("streams")), ("RTP y", 2), "... once")


def says(result, status, words, name):
    tap.ok(result.returncode == status and all(word in result.stderr for word in words) and not result.stdout, name,
           f"status {result.returncode}, expected {status}", result.stderr, result.stdout)


def errors():
    call = capture("call.pcap", frames(CODEC.messages(1000, 1)))
    both = capture("both.pcap", frames(CODEC.messages(500, 1)), frames(OTHER.messages(400, 2), B, A, START + 0.011))
    short = capture("short.pcap", frames(CODEC.messages(299 + BEFORE, 3)))
    few = capture("few.pcap", frames(CODEC.messages(BEFORE, 3)))
    name = ("--name", "x")
    says(train(*name, short), 2, ["longest stream has 299", "300 are needed"], "one message too few")
    says(train(*name, few), 2, ["no stream of media"], "no stream at all")
    listed = train(*name, both)
    says(listed, 1, ["2 streams", "choose one", "--flow 1 --direction out", "--flow 1 --direction in",
                     "10.0.0.1 port 40000 to 203.0.113.5 port 40002: ", "every 30.0 ms", "every 20.0 ms"],
         "several streams are listed")
    # The meter begins at the 16th message of a direction, or a few earlier while it could still be RTP.
    counts = [int(n) for n in re.findall(r": (\d+) messages", listed.stderr)]
    tap.ok(len(counts) == 2 and 500 - BEFORE <= counts[0] <= 500 and 400 - BEFORE - 3 <= counts[1] <= 400,
           "... with their messages", counts)
    got = section(train("-q", *name, "--flow", "1", "--direction", "in", both).stdout) or {}
    close(got.get("size", 0), 120, 1, "... and one is chosen")
    says(train(*name, "-f", "src host 10.0.0.9", both), 2, ["no stream"], "a filter that leaves nothing")
    got = section(train("-q", *name, "-f", "src host 10.0.0.1", both).stdout) or {}
    close(got.get("size", 0), 93, 1, "a filter chooses, too")
    says(train(*name, "--flow", "7", both), 2, ["no such stream; there are", "--flow 1 --direction in"], "no such flow")
    says(train(*name, "--stream", "5f1e0c2a", call), 2, ["no such stream; there is one"], "no such stream")
    says(train(*name, "--stream", "iLBC", call), 1, ["iLBC", "hexadecimal"], "no SSRC")
    says(train(*name, "--stream", "123456789", call), 1, ["8 hexadecimal digits"], "an SSRC too long")
    says(train(call), 1, ["--name"], "no name")
    says(train("--name", "a]b", call), 1, ["--name", "brackets"], "a name with a bracket")
    says(train("--name", "x" * 48, call), 1, ["47 characters"], "a name too long")
    says(train(*name), 1, ["train on what?"], "no capture")
    says(train(*name, "--direction", "up", call), 1, ["direction"], "no such direction")
    says(train(*name, tap.tmp("absent.pcap")), 2, ["absent.pcap"], "no such file")
    says(train(*name, tap.write(tap.tmp("text"), b"size = 41\n")), 2, ["text"], "a file that is no capture")
    mixed = [(i * 0.02, 60 + 150 * (i % 2)) for i in range(900)]
    says(train(*name, capture("mixed.pcap", frames(mixed))), 2, ["% of the message sizes lie around one value"],
         "two modes in one stream")
    wide = [(i * 0.03, 1 + i * 37 % 400) for i in range(900)]
    says(train(*name, capture("wide.pcap", frames(wide))), 2, ["too wide"], "sizes of anything")


def errors_of_files():
    call, name = capture("call.pcap", frames(CODEC.messages(1000, 1))), ("--name", "x")
    rows, (_, db) = tap.tmp("rows.json"), tap.read([call])
    tap.run("read", "-q", "--json", "-o", rows, call)
    says(train(*name, rows), 2, ["JSON rows"], "rows of read --json")
    says(train(*name, db, call), 1, ["alone"], "a database and a capture")
    says(train(*name, "-f", "udp", db), 1, ["--filter"], "a filter for a database")
    foreign = tap.tmp("foreign.db")
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    says(train(*name, foreign), 2, ["foreign.db"], "a database of another program")
    wrong = tap.write(tap.tmp("wrong.ini"), b"[codec]\nsize = 12\n")
    says(train(*name, "--append", wrong, call), 2, ["wrong.ini:1", "gap"], "append to a file that cannot be read")
    tap.equal(tap.content(wrong), b"[codec]\nsize = 12\n", "... which stays as it is")
    models = b"".join(b"[m%d]\nsize = 9\nsize_sigma = 1\ngap = 9\ngap_sigma = 1\n" % i for i in range(MODELS_MAX))
    full = tap.write(tap.tmp("full.ini"), models)
    says(train(*name, "--append", full, call), 2, ["full.ini", f"more than {MODELS_MAX} modes"], "append to a file that is full")
    tap.equal(tap.content(full), models, "... which is as before")
    says(train(*name, "--append", tap.tmp("no/such/folder.ini"), call), 4, ["folder.ini", "cannot be written"],
         "append where nothing can be written")
    data = tap.content(call)
    result = train("-q", *name, tap.write(tap.tmp("cut.pcap"), data[:-10]))
    tap.equal(result.returncode, 3, "a capture that is cut: incomplete", result.stderr)
    tap.ok("cut.pcap" in result.stderr and section(result.stdout), "... said, and the section is there", result.stderr)


def main():
    the_gaussians()
    a_wandering_clock()
    what_is_left_out()
    finds_its_codec()
    from_a_database()
    errors()
    errors_of_files()
    tap.done()


main()
