"""The measurements behind the report, each a pure function of the captures and the tools."""
import os
import re
import tempfile

import degrade
import peers
import tap
from ground import EXTRACTS, PROTOCOLS, FlowView, family, score_protocol

SKYPE = "skype"  # the protocol of the captures with a truth made by hand, and what no other capture holds
BITS = range(1, 61)


def defaults():
    """(--verdict-bits, --suspect-bits), as the program's help says."""
    text = tap.run("read", "--help").stdout
    return tuple(float(re.search(option + r" BITS.*?\(default: ([\d.]+)\)", text, re.DOTALL).group(1))
                 for option in ("--verdict-bits", "--suspect-bits"))


def families_of(truth):
    return sorted({family(row.label) for row in truth.rows} - {None})


# --- what each tool says of the flows that are known --------------------------------------------------------

def said_of_truths(truths, tools):
    """{(capture, tool): [(row, Said or None)]}"""
    jobs = [(truth, tool) for truth in truths for tool in tools]

    def work(job):
        truth, (_, _, look, options) = job
        view = look(truth.path, *options)
        return [(row, view.say(row)) for row in truth.rows]
    return {(truth.name, tool[0]): said for (truth, tool), said in zip(jobs, tap.in_parallel(work, jobs))}


# --- the other captures -------------------------------------------------------------------------------------

def said_of_others(paths, tools):
    """{tool: {capture: view}}"""
    jobs = [(path, tool) for path in paths for tool in tools]

    def work(job):
        path, (_, _, look, options) = job
        view = look(path, *options)
        if not isinstance(view, FlowView):  # of packets, only what became of them
            packets = sum(1 for packet in view.packets if SKYPE in packet[4])
            view = FlowView([flow for protocol in PROTOCOLS for flow in view.called(protocol)], 0, packets)
        return view
    found = {tool[0]: {} for tool in tools}
    for (path, tool), view in zip(jobs, tap.in_parallel(work, jobs)):
        found[tool[0]][os.path.basename(path)] = view
    return found


# --- thresholds ---------------------------------------------------------------------------------------------

def at_threshold(path, bits):
    """The view and the recognised sockets of Skype with this threshold, for socket and flow alike."""
    view, clients = peers.footsteps(path, "--verdict-bits", str(bits), "--suspect-bits", str(bits))
    return view, [c for c in clients if c["protocol"] == SKYPE]


def thresholds(truths, paths):
    """A row of figures for each threshold. More is asked of the same sums, so that what has nothing at the lowest
    threshold has nothing at the others, and is not run again."""
    lowest = tap.in_parallel(lambda path: at_threshold(path, BITS[0]), paths)
    suspects = [path for path, (view, sockets) in zip(paths, lowest) if view.called(SKYPE) or sockets]
    real = [truth for truth in truths if truth.real and truth.name not in EXTRACTS]
    jobs = [(bits, path) for bits in BITS for path in [truth.path for truth in real] + suspects]
    looks = dict(zip(jobs, tap.in_parallel(lambda job: at_threshold(job[1], job[0]), jobs)))
    table = []
    for bits in BITS:
        said = [(row, looks[bits, truth.path][0].say(row)) for truth in real for row in truth.rows]
        certain = score_protocol(said, SKYPE, ("certain",))
        every = score_protocol(said, SKYPE, ("certain", "likely"))
        others = [looks[bits, path] for path in suspects]
        table.append({"bits": bits, "recall": certain.recall(0), "recall_bytes": certain.recall(2),
                      "false_here": every.wrong[0],
                      "false_flows": sum(len(view.called(SKYPE)) for view, _ in others),
                      "false_sockets": sum(len(sockets) for _, sockets in others),
                      **{f"recall of {truth.name}": score_protocol(
                          [(row, looks[bits, truth.path][0].say(row)) for row in truth.rows], SKYPE,
                          ("certain",)).recall(0) for truth in real}})
    return table, [os.path.basename(path) for path in suspects]


def false_alarms(paths, bits):
    """[(capture, flow or socket)] called Skype at this threshold, where none is."""
    alarms = []
    for path, (view, sockets) in zip(paths, tap.in_parallel(lambda path: at_threshold(path, bits), paths)):
        name = os.path.basename(path)
        alarms += [(name, f"flow {flow.key}: {flow.label}") for flow in view.called(SKYPE)]
        alarms += [(name, f"socket {s['ip']}:{s['port']}: {s['bits']} bits") for s in sockets]
    return alarms


# --- worse captures -----------------------------------------------------------------------------------------

def look_worse(path, way):
    """footsteps on the capture after one of degrade.WAYS."""
    with open(path, "rb") as f:
        data = way[2](f.read(), os.path.basename(path))
    handle, copy = tempfile.mkstemp(suffix=os.path.splitext(path)[1], dir=tap.tmp())
    with os.fdopen(handle, "wb") as f:
        f.write(data)
    try:
        return peers.footsteps(copy)
    finally:
        os.unlink(copy)


def judge_worse(truth, protocol, view, clients):
    """Of the certain rows that are still there: how many flows and packets are called the protocol, how many flows
    have the right label; and what is called so and is not. A row may have become several flows: their packets vote."""
    found = {"left": 0, "called": 0, "right": 0, "packets": 0, "packets_called": 0}
    for row in truth.rows:
        flows = view.overlapping(row)
        if family(row.label) != protocol or row.confidence != "certain" or not flows:
            continue
        packets = sum(flow.packets for flow in flows)
        called = sum(flow.packets for flow in flows if protocol in flow.families)
        found["left"] += 1
        found["called"] += 2 * called > packets
        found["right"] += 2 * sum(flow.packets for flow in flows if flow.label == row.label) > packets
        found["packets"] += packets
        found["packets_called"] += called
    sockets = {end for row in truth.rows if family(row.label) == protocol and row.key[0] == "udp" for end in row.key[1:]}
    found["false"] = len(view.false(protocol, truth.rows)) + sum(
        1 for c in clients if c["verdict"] == protocol and (c["ip"], c["port"]) not in sockets)
    return found


def worse_truths(truths):
    """{(way, capture, protocol): figures}"""
    jobs = [(way, truth) for way in degrade.WAYS for truth in truths if families_of(truth)]
    looks = tap.in_parallel(lambda job: look_worse(job[1].path, job[0]), jobs)
    return {(way[0], truth.name, protocol): judge_worse(truth, protocol, *look)
            for (way, truth), look in zip(jobs, looks) for protocol in families_of(truth)}


def worse_others(paths):
    """{way: [(capture, flow or socket)]}: what is called Skype, recognised or suspected."""
    jobs = [(way, path) for way in degrade.WAYS for path in paths]
    alarms = {way[0]: [] for way in degrade.WAYS}
    for (way, path), (view, clients) in zip(jobs, tap.in_parallel(lambda job: look_worse(job[1], job[0]), jobs)):
        name = os.path.basename(path)
        alarms[way[0]] += [(name, f"flow {flow.key}: {flow.label}") for flow in view.called(SKYPE)]
        alarms[way[0]] += [(name, f"socket {c['ip']}:{c['port']}: {c['verdict']}") for c in clients
                           if c["protocol"] == SKYPE]
    return alarms
