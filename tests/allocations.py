#!/usr/bin/env python3
"""No allocation per packet: four times the packets in the same flows take as many requests for memory.

bench/count_allocations.so, preloaded, counts them. The rows are written as JSON: SQLite asks for memory for every row, and
more packets have more messages to store. More flows do take more, which shows that the count is alive.

The live pipeline plays the same captures from memory (bench/live_engine): from frames to facts in the database.
"""
import collections
import json
import os
import struct

import tap

COUNTER = os.path.join(os.path.dirname(os.path.abspath(tap.FOOTSTEPS)), "bench", "count_allocations.so")
ENGINE = os.path.join(os.path.dirname(COUNTER), "live_engine")
# Whatever the number of packets: four times as much of what is kept is two doublings of each table that grows. There are a few.
GROWTH = 20
# The live pipeline asks for memory for every chunk of facts and every commit, of which a slow machine makes one a second.
GROWTH_LIVE = 2000
STEP = 0.05  # seconds between two packets of a flow: all of them are within the idle timeout


def ipv4(protocol, source, destination, body):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0, source, destination)
    return bytes.fromhex("0200000000020200000000010800") + header + body


def ends(flow):
    """Addresses and ports of the flow: client, server, client's port."""
    return bytes([10, 1, flow >> 8 & 255, flow & 255]), bytes([203, 0, 113, 5 + flow % 200]), 1025 + flow % 60000


def udp_flow(flow, packets):
    client, server, port = ends(flow)
    for i in range(packets):
        payload = struct.pack("!HB", i & 0xFFFF, 2) + bytes(20 + i % 40)
        way = (client, server, port, 5060) if i % 2 == 0 else (server, client, 5060, port)
        yield ipv4(17, way[0], way[1], struct.pack("!HHHH", way[2], way[3], 8 + len(payload), 0) + payload)


def tcp_flow(flow, packets):
    """A connection; every third segment of the server comes after the one that follows it."""
    client, server, port = ends(flow)
    seq = [1000, 5000]

    def segment(side, flags, payload=b"", at=None):
        ports = (port, 443) if side == 0 else (443, port)
        addresses = (client, server) if side == 0 else (server, client)
        return ipv4(6, *addresses, struct.pack("!HHIIBBHHH", *ports, seq[side] if at is None else at, seq[1 - side],
                                               0x50, flags, 65000, 0, 0) + payload)
    yield segment(0, 0x02)
    seq[0] += 1
    yield segment(1, 0x12)
    seq[1] += 1
    sent, i = 2, 0
    while sent < packets:
        data = bytes([i & 255]) * (100 + i % 50)
        if i % 3 == 2:
            yield segment(1, 0x18, data, seq[1] + len(data))
            yield segment(1, 0x18, data)
            seq[1] += 2 * len(data)
            sent += 2
        else:
            yield segment(i % 2, 0x18, data)
            seq[i % 2] += len(data)
            sent += 1
        i += 1


def login_again(times):
    """traces/login.pcap, every packet that many times in a row."""
    frames = []
    for record in tap.pcap_records(tap.content(os.path.join(tap.TOP, "traces", "login.pcap"))):
        seconds, micros = struct.unpack_from("<II", record)
        frames += [(seconds + micros / 1e6 + i * 0.02, record[16:]) for i in range(times)]
    first = frames[0][0]
    return [(seconds - first, frame) for seconds, frame in frames]


def capture(name, flows, packets, login_times):
    """A capture with `packets` packets in each of `flows` flows, and its number of packets."""
    frames = login_again(login_times)
    for flow in range(flows):
        make = udp_flow if flow % 2 else tcp_flow
        frames += [(flow * 0.001 + i * STEP, frame) for i, frame in enumerate(make(flow, packets))]
    frames.sort(key=lambda frame: frame[0])
    return tap.write(tap.tmp(name), tap.pcap_header() + b"".join(tap.pcap_record(*frame) for frame in frames)), len(frames)


def allocations(path):
    """Requests for memory of one run, or None when they cannot be counted; the rows that it wrote, by their table."""
    counted, rows = tap.tmp("counted"), tap.tmp("rows.json")
    for old in (counted, rows):
        if os.path.exists(old):
            os.unlink(old)
    env = dict(os.environ, LD_PRELOAD=COUNTER, COUNT_ALLOCATIONS_TO=counted)
    result = tap.run("read", "-q", "--json", "-o", rows, "--flows", "all", "--no-ndpi", path, env=env)
    if result.returncode != 0 or not os.path.exists(counted):
        tap.note(result.stderr)
        return None, {}
    return int(tap.content(counted)), collections.Counter(json.loads(line)["row"] for line in tap.content(rows).splitlines())


def allocations_live(path):
    """Requests for memory of the live pipeline, or None when they cannot be counted; how many frames and flows it saw."""
    counted, database = tap.tmp("counted"), tap.tmp("engine.db")
    for old in (counted, database, database + "-wal", database + "-shm"):
        if os.path.exists(old):
            os.unlink(old)
    env = dict(os.environ, LD_PRELOAD=COUNTER, COUNT_ALLOCATIONS_TO=counted)
    result = tap.run("-n", path, database, program=ENGINE, env=env)
    words = result.stdout.split()
    if result.returncode != 0 or not os.path.exists(counted) or len(words) < 3:
        tap.note(result.stderr)
        return None, 0, 0
    # What reading the capture into memory takes grows with it in a few doublings.
    return int(tap.content(counted)), int(words[0]), int(words[2])


def live(one, four, many):
    few_calls, frames, flows = allocations_live(one)
    if few_calls is None:
        tap.ok(False, "the live pipeline runs with the counter preloaded")
        return
    more_calls, more_frames, more_flows = allocations_live(four)
    tap.ok(more_flows == flows and more_frames > 3 * frames and more_calls - few_calls <= GROWTH_LIVE,
           "the live pipeline asks for memory by the chunk, not by the packet",
           f"{few_calls} for {frames} packets of {flows} flows, {more_calls} for {more_frames} of {more_flows}")
    # Flows have slabs.
    many_calls, _, many_flows = allocations_live(many)
    tap.ok(many_flows > 10 * flows and many_calls - few_calls <= GROWTH_LIVE, "... nor by the flow",
           f"{few_calls} for {flows} flows, {many_calls} for {many_flows}")


def main():
    if not os.path.exists(COUNTER):
        tap.skip_all("bench/count_allocations.so is not built")
    if tap.sanitized():
        tap.skip_all("AddressSanitizer has an allocator of its own")
    one, one_packets = capture("one.pcap", 600, 40, 1)
    four, four_packets = capture("four.pcap", 600, 160, 4)
    many, _ = capture("many.pcap", 12000, 2, 1)
    few_calls, few_rows = allocations(one)
    if few_calls is None:
        tap.ok(False, "footsteps runs with the counter preloaded")
        tap.done()
        return
    more_calls, more_rows = allocations(four)
    tap.equal(more_rows["flow"], few_rows["flow"], f"{four_packets} packets are in as many flows as {one_packets}")
    tap.ok(more_rows["message"] > 2 * few_rows["message"], "... and more of their messages are stored",
           f"{few_rows['message']}, {more_rows['message']}")
    tap.ok(more_calls - few_calls <= GROWTH, "they take no more requests for memory than a few tables that grow",
           f"{few_calls} for {one_packets} packets, {more_calls} for {four_packets}")
    many_calls, many_rows = allocations(many)
    tap.ok(many_rows["flow"] > 10 * few_rows["flow"] and many_calls > few_calls + GROWTH,
           "more flows do take more: the count is alive",
           f"{many_calls} for {many_rows['flow']} flows, {few_calls} for {few_rows['flow']}")
    live(one, four, many)
    tap.done()


main()
