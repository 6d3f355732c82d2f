#!/usr/bin/env python3
"""Real captures against what is known of BitTorrent in them: what tshark 4.0 (bt-dht, bittorrent, lsd, and bt-utp by
heuristic) and ndpiReader 4.2 say, and the packets themselves where the two are wrong. With libndpi and without."""
import os

import tap

# Every flow of BitTorrent in the captures of other protocols, and every socket that runs it.
EXPECTED = {
    # Frame 4 is "GET /announce?info_hash=%aa7i%c4S...", by a client that says -TR2940-. ndpiReader: BitTorrent.
    "bt-http.pcapng": {("tcp", "192.168.1.128", 46882, "176.31.225.118", 80, "bittorrent-http"): 1},
    # Two announcements, 300 s apart and so two flows (D1). tshark: LSD, frames 1 and 2. ndpiReader: BitTorrent.
    "bt_search.pcap": {("udp", "192.168.0.102", 6771, "239.192.152.143", 6771, "bittorrent-lsd"): 2},
    # Frames 1-4 are find_node and its answers to one node id. tshark: BT-DHT. ndpiReader: TargusDataspeed, the mistake
    # for which the capture is kept (ports 5001 and 5201).
    "targusdataspeed_false_positives.pcap": {
        ("udp", "10.0.2.15", 23994, "79.164.55.123", 5001, "bittorrent-udp"): 1,
        ("udp", "10.0.2.15", 23994, "89.64.45.227", 5201, "bittorrent-udp"): 1},
}
CLIENTS = {"targusdataspeed_false_positives.pcap": [("10.0.2.15", 23994, "bittorrent")]}
# Not BitTorrent, whatever is said: tls_torrent.pcapng is a visit to the web page web.utorrent.com (ndpiReader:
# TLS.BitTorrent); in gnutella.pcap, tshark takes TLS on a port of 6881-6999 for BitTorrent, but the certificate in frame
# 1011 is gtk-gnutella's. bittorrent.pcap holds the name of another file and no packet.
NO_PACKETS = "bittorrent.pcap"


def captures():
    for folder in ("other-protocols", "skype"):
        directory = tap.require_traces(folder)
        for name in sorted(os.listdir(directory)):
            if name.find(".pcap") > 0:
                yield os.path.join(directory, name)


def analyse(job):
    path, options = job
    result, db = tap.read([path], "--flows", "all", *options)
    found = {}
    for flow in tap.flows(db):
        if flow["label"].startswith("bittorrent"):
            key = tuple(flow[c] for c in ("proto", "client_ip", "client_port", "server_ip", "server_port", "label"))
            found[key] = found.get(key, 0) + 1
    clients = tap.query(db, "SELECT ip, port, verdict FROM clients WHERE protocol = 'bittorrent' ORDER BY client")
    if os.path.exists(db):
        os.unlink(db)
    return result.returncode, found, [(c["ip"], c["port"], c["verdict"]) for c in clients]


def main():
    ways = [()]
    if tap.built_with("libndpi"):
        ways.append(("--no-ndpi",))
    paths = list(captures())
    names = {os.path.basename(path) for path in paths}
    tap.equal(sorted(names & (set(EXPECTED) | {NO_PACKETS})), sorted(set(EXPECTED) | {NO_PACKETS}), "the captures are there")
    jobs = [(path, options) for options in ways for path in paths]
    elsewhere = []
    for (path, options), (status, found, clients) in zip(jobs, tap.in_parallel(analyse, jobs)):
        name = os.path.basename(path)
        what = " ".join((name, *options))
        if name in EXPECTED:
            tap.equal(found, EXPECTED[name], f"{what}: the flows of BitTorrent")
            tap.equal(clients, CLIENTS.get(name, []), f"{what}: the sockets that run it")
        elif name == NO_PACKETS:
            tap.equal(status, 2, f"{what}: is no capture")
        elif found or clients:
            elsewhere.append(f"{what}: {found} {clients}")
    tap.ok(not elsewhere, f"no BitTorrent, not even suspected, in {len(paths) - len(EXPECTED) - 1} other captures", *elsewhere)
    tap.done()


main()
