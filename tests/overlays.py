#!/usr/bin/env python3
"""Gnutella, eDonkey and FastTrack in the real captures: what other tools and the truth of SkypeIRC.pcap see of them is
found, flow by flow, and nothing of them is found anywhere else. Expectations come from tshark 4.0 and libndpi 4.2, as
cited, and from the evidence column that was written by hand."""
import csv
import os

import tap

OTHERS = tap.require_traces("other-protocols")
SKYPE = tap.require_traces("skype")
OURS = ("gnutella", "edonkey", "fasttrack")
HERE = {"gnutella.pcap", "edonkey.pcap"}
MARK = ", ".join(f"'{name}'" for name in OURS)


def analyse(path, *options):
    result, db = tap.read([path], "--flows", "all", *options)
    flows = tap.flows(db)
    clients = tap.query(db, f"SELECT * FROM clients WHERE protocol IN ({MARK})")
    evidence = tap.query(db, f"SELECT * FROM evidence WHERE protocol IN ({MARK})")
    return result, flows, clients, evidence


def ours(flow):
    """The label when it is one of ours, else None."""
    return flow["label"] if flow["label"].split("-")[0] in OURS else None


def key(row):
    return (row["proto"], row["client_ip"], int(row["client_port"]), row["server_ip"], int(row["server_port"]))


def socket(client):
    return client["protocol"], client["verdict"], client["ip"], client["port"]


def gnutella(*options):
    what = " ".join(("gnutella.pcap:", *options))
    _, flows, clients, _ = analyse(os.path.join(OTHERS, "gnutella.pcap"), *options)
    # gtk-gnutella's port is in its own headers: "Node: 93.47.226.53:28681" (frame 181). The other one is what the translator
    # 10.0.2.2 sent in by itself, one datagram (frame 2681).
    tap.equal(sorted(map(socket, clients)),
              [("gnutella", "gnutella", "10.0.2.15", 28681), ("gnutella", "gnutella?", "10.0.2.2", 1026)],
              f"{what} its socket")
    mine = [f for f in flows if f["proto"] == "udp" and 28681 in (f["client_port"], f["server_port"])]
    # tshark -Y 'udp.port == 28681 && !icmp': 1544 packets with 584 addresses and ports.
    tap.equal(sum(f["packets"] for f in mine), 1544, f"{what} packets of the socket")
    tap.equal(len({frozenset((key(f)[1:3], key(f)[3:5])) for f in mine}), 584, f"{what} its peers")
    tap.equal({f["label"] for f in mine}, {"gnutella-udp"}, f"{what} all its flows are labelled, single packets too")
    tap.equal([key(f) for f in flows if f["proto"] == "udp" and ours(f) and f not in mine], [], f"{what} and no others")

    # tshark -Y 'tcp.payload contains "GNUTELLA CONNECT/0.6"': 52 streams. "GET /uri-res/N2R?urn:sha1:" in frames 1972 and
    # 1976, "GET /gnutella/" in 2081. libndpi 4.2 calls the same 55 Gnutella (ndpiReader -v2).
    by_payload = [f for f in flows if f["proto"] == "tcp" and f["source"] == "payload" and ours(f)]
    tap.equal([sum(f["label"] == name for f in by_payload) for name in ("gnutella-tcp", "gnutella-http")], [52, 3],
              f"{what} handshakes and transfers")
    tap.equal(sorted(f["client_port"] for f in by_payload if f["label"] == "gnutella-http"), [50327, 50328, 50330],
              f"{what} ports of the transfers")
    if tap.built_with("libndpi") and "--no-ndpi" not in options:
        tap.equal({key(f) for f in by_payload}, {key(f) for f in flows if f["proto"] == "tcp" and f["ndpi"] == "Gnutella"},
                  f"{what} the same TCP flows as libndpi")
        tls = [f["label"] for f in flows if f["proto"] == "tcp" and f["client_port"] == 50314]
        tap.equal(tls, ["TLS"], f"{what} TLS to a peer stays TLS (frame 920)")


def edonkey(*options):
    what = " ".join(("edonkey.pcap:", *options))
    _, flows, clients, evidence = analyse(os.path.join(OTHERS, "edonkey.pcap"), *options)
    # tshark: one connection, an eDonkey "Hello" in frame 4 and a "Hello Answer" in frame 5.
    tap.equal([(key(f), f["label"], f["source"]) for f in flows],
              [(("tcp", "201.15.177.227", 1754, "135.192.214.240", 7551), "edonkey-tcp", "payload")], f"{what} its flow")
    tap.equal(sorted((e["kind"], e["first_packet"]) for e in evidence), [("hello", 4), ("hello_answer", 5)], f"{what} why")
    tap.equal(clients, [], f"{what} no socket is judged by it")


# What the truth says by hand about each flow, and the label that must follow from it.
TOLD = {"FastTrack/KaZaA udp ping": "fasttrack-udp", "FastTrack 12-byte hello": "fasttrack-tcp"}


def fasttrack(*options):
    what = " ".join(("SkypeIRC.pcap:", *options))
    _, flows, clients, _ = analyse(os.path.join(SKYPE, "SkypeIRC.pcap"), *options)
    with open(os.path.join(SKYPE, "SkypeIRC.flows.tsv"), newline="", encoding="utf-8") as f:
        truth = {(*key(row), row["first_ts"]): row["evidence"] for row in csv.DictReader(f, delimiter="\t")}
    tap.equal(list(map(socket, clients)), [("fasttrack", "fasttrack", "192.168.1.2", 1214)], f"{what} its socket")
    wrong, counted = [], dict.fromkeys(TOLD, 0)
    for flow in flows:
        evidence = truth[(*key(flow), f"{flow['first_ts']:.6f}")]
        for words, label in TOLD.items():
            counted[words] += words in evidence
            if words in evidence and flow["label"] != label:
                wrong.append(f"{key(flow)}: {evidence}, but labelled {flow['label']}")
        # TCP to a node that had answered a ping needs no payload to be called FastTrack.
        if ours(flow) and "FastTrack" not in evidence:
            wrong.append(f"{key(flow)}: {evidence}, but labelled {flow['label']}")
    tap.ok(not wrong, f"{what} every flow whose payload is FastTrack, and no other", *wrong)
    # tshark -Y 'udp.port == 1214' has 10 conversations; -Y 'tcp.payload[0:4] == fa:00:b6:2b', 33 streams.
    tap.equal(list(counted.values()), [10, 33], f"{what} flows in the truth")


def judge(path, options, answer):
    result, flows, clients, _ = answer
    labels = [f"{key(f)} is {f['label']}" for f in flows if ours(f)]
    tap.ok(not labels and not clients, " ".join((os.path.basename(path), *options)), result.stderr, *labels, *clients)


def main():
    for options in ([], ["--no-ndpi"]) if tap.built_with("libndpi") else ([],):
        gnutella(*options)
        edonkey(*options)
        fasttrack(*options)
    paths = sorted(os.path.join(OTHERS, name) for name in os.listdir(OTHERS) if ".pcap" in name and name not in HERE)
    paths += [os.path.join(SKYPE, f"{name}.pcap") for name in ("skype", "skype_udp")]
    # Labels of ours do not depend on libndpi, except that it can speak against them: without it they are at their most.
    for path, answer in zip(paths, tap.in_parallel(lambda path: analyse(path, "--no-ndpi"), paths)):
        judge(path, ("--no-ndpi",), answer)
    tap.done()


main()
