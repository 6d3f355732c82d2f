#!/usr/bin/env python3
"""The conformance captures: link types, encapsulations, tunnels, containers, fragments, timeouts, damage.

What is expected follows from how each file is built (the README.md and the maker beside the captures), computed here by
hand; nothing is taken from footsteps' own output.
"""
import os

import tap

DIRECTORY = tap.require_traces("conformance")

# One question and one answer: (initiator, port, responder, port, packets out, in, payload out, in).
DNS = ("10.0.0.1", 40000, "203.0.113.5", 53, 1, 1, 29, 45)
DNS6 = ("2001:db8::1", 40000, "2001:db8::5", 53, 1, 1, 29, 45)

PLAIN = {
    "base.pcap": DNS, "base.pcapng": DNS, "base.snoop": DNS, "base6.pcap": DNS6,
    "nsec.pcap": DNS, "bigendian.pcap": DNS,
    "lt_80211_105.pcap": DNS, "lt_chdlc104.pcap": DNS, "lt_fddi10.pcap": DNS, "lt_ipv4_228.pcap": DNS,
    "lt_ipv6_229.pcap": DNS6, "lt_loop108.pcap": DNS, "lt_nflog239.pcap": DNS, "lt_null.pcap": DNS, "lt_ppp9.pcap": DNS,
    "lt_pppser50.pcap": DNS, "lt_radiotap127.pcap": DNS, "lt_raw101.pcap": DNS, "lt_raw12.pcap": DNS,
    "lt_sll113.pcap": DNS, "lt_sll2_276.pcap": DNS,
    "enc_llcsnap.pcap": DNS, "enc_mpls1.pcap": DNS, "enc_mpls2.pcap": DNS, "enc_pppoe.pcap": DNS, "enc_qinq.pcap": DNS,
    "enc_qinq8100.pcap": DNS, "enc_vlan.pcap": DNS,
    "frag4.pcap": ("10.0.0.1", 41000, "203.0.113.5", 41001, 3, 0, 3000, 0),
    "frag6.pcap": ("2001:db8::1", 41000, "2001:db8::5", 41001, 3, 0, 3000, 0),
    # 198 of 200 packets one way, two of them lost before the capture; RTP header of 12 and 160 bytes of G.711.
    "rtp.pcap": ("10.0.0.1", 16000, "203.0.113.5", 16002, 198, 200, 198 * 172, 200 * 172),
}
PACKED = {"base.pcap.gz": "zlib", "base.pcapng.gz": "zlib", "base.pcap.zst": "zstd", "base.pcap.xz": "liblzma",
          "base.pcap.bz2": "bzip2", "base.pcap.lz4": "lz4"}

# Name: (inner flow, outer source port, outer destination port). Both packets go the same way outside.
TUNNELS = {
    "tun_ipip.pcap": (DNS, 0, 0), "tun_6in4.pcap": (DNS6, 0, 0), "tun_gre.pcap": (DNS, 0, 0), "tun_gretap.pcap": (DNS, 0, 0),
    "tun_erspan2.pcap": (DNS, 0, 0), "tun_wccp.pcap": (DNS, 0, 0), "tun_vxlan.pcap": (DNS, 50000, 4789),
    "tun_geneve.pcap": (DNS, 50000, 6081), "tun_gtpu.pcap": (DNS, 2152, 2152), "tun_teredo.pcap": (DNS6, 50000, 3544),
    "tun_l2tp.pcap": (DNS, 1701, 1701), "tun_capwap.pcap": (DNS, 50000, 5247), "tun_tzsp.pcap": (DNS, 50000, 37008),
}

# The TLS hello: record header 5, handshake header 4, version 2, random 32, session id 1, ciphers 2 + 4, compression 2,
# extensions 2 + (SNI of 21 characters 30, groups 8, padding 404).
HELLO = 5 + 4 + 2 + 32 + 1 + 6 + 2 + 2 + 30 + 8 + 404
ALERT = 7
# Out: SYN, ACK, the hello (in one or two segments), FIN, ACK. In: SYN+ACK, ACK, alert, FIN.
TLS_WHOLE = ("10.0.0.1", 45000, "203.0.113.80", 443, 5, 4, HELLO, ALERT)
TLS_SPLIT = ("10.0.0.1", 45000, "203.0.113.80", 443, 6, 4, HELLO, ALERT)

HEARTBEATS = (50, 150, 180, 195, 199, 201, 205, 210, 230, 300)
HEARTBEATS_NEW = (180, 195, 199, 201, 203, 205, 210, 230, 300)
IDLE = 200  # seconds, D1


def path(name):
    return os.path.join(DIRECTORY, name)


def flow_tuple(row):
    return (row["client_ip"], row["client_port"], row["server_ip"], row["server_port"], row["packets_out"],
            row["packets_in"], row["payload_out"], row["payload_in"])


def analyse(name, *options):
    result, db = tap.read([path(name)], "--flows", "all", *options)
    return result, db, tap.flows(db)


def one_flow(name, expected, proto, *options):
    result, _, rows = analyse(name, *options)
    got = [(row["proto"], *flow_tuple(row)) for row in rows]
    title = " ".join((name, *options))
    tap.equal((result.returncode, got), (0, [(proto, *expected)]), title, result.stderr)


def tunnels():
    for name, (inner, sport, dport) in TUNNELS.items():
        one_flow(name, inner, "udp", "--tunnels")
        result, _, rows = analyse(name)
        got = [flow_tuple(row)[:6] for row in rows]
        tap.equal((result.returncode, got), (0, [("192.0.2.1", sport, "198.51.100.1", dport, 2, 0)]),
                  f"{name}: the outer flow without --tunnels", result.stderr)


def tls():
    labels = set()
    for name, expected in (("tls_whole.pcap", TLS_WHOLE), ("tls_split.pcap", TLS_SPLIT),
                           ("tls_split_ooo.pcap", TLS_SPLIT)):
        result, _, rows = analyse(name)
        got = [(row["proto"], *flow_tuple(row), row["ended"]) for row in rows]
        tap.equal((result.returncode, got), (0, [("tcp", *expected, "fin")]), name, result.stderr)
        labels.update(row["label"] for row in rows)
    tap.equal(len(labels), 1, "tls_*: one label for the whole, the split and the swapped hello", labels)

    result, _, rows = analyse("tcp_reuse.pcap")
    tap.equal([flow_tuple(row) for row in rows], [TLS_WHOLE, TLS_WHOLE], "tcp_reuse.pcap: two flows", result.stderr)

    # 68 bytes of each packet: 14 of the hello are left behind 54 of headers, and the alert is whole.
    result, _, rows = analyse("snap68.pcap")
    got = [(flow_tuple(row), row["payload_wire"]) for row in tap.query(_, "SELECT * FROM flows")]
    tap.equal(got, [((*TLS_WHOLE[:6], 14, ALERT), HELLO + ALERT)], "snap68.pcap: captured and wire length",
              result.stderr)


def heartbeats(prefix, gap, background):
    """Ten exchanges of 28 and 18 bytes every gap seconds; the answer comes 80 ms after the question."""
    name = f"{prefix}_{gap}.pcap"
    result, _, rows = analyse(name)
    ours = [flow_tuple(row) for row in rows if row["client_ip"] == "10.0.0.1"]
    once = ("10.0.0.1", 30000, "203.0.113.5", 30001)
    # Idle time is counted from the answer, which is 80 ms after the question.
    if gap - 0.08 > IDLE:
        expected = [(*once, 1, 1, 28, 18)] * 10
    else:
        expected = [(*once, 10, 10, 280, 180)]
    tap.equal((result.returncode, ours), (0, expected), f"{name}: flows of the heartbeat", result.stderr)
    # One packet a second from 0.5 s to 400 s after the end of the last exchange's interval.
    ticks = 10 * gap + 400
    others = [row for row in rows if row["client_ip"] == "10.0.0.9"]
    tap.equal((len(others), sum(row["packets"] for row in others), sum(row["payload_bytes"] for row in others)),
              (1 if background == "one" else ticks, ticks, 20 * ticks), f"{name}: flows of the background")


def timeouts():
    for gap in HEARTBEATS:
        heartbeats("hb", gap, "one")
    for gap in HEARTBEATS_NEW:
        heartbeats("hbn", gap, "many")
    # Gaps 0 50 100 150 180 199 | 201 | 301 | 1801.
    result, _, rows = analyse("timeout.pcap")
    tap.equal([row["packets"] for row in rows], [12, 2, 2, 2], "timeout.pcap: gaps up to 200 s stay in a flow",
              result.stderr)


def no_packets():
    # Made by editcap, which wrote its own provenance record (ERF type 27) and none of the packets: tshark, too, sees
    # one metadata record and no frame that carries IP. The README beside it promises the DNS flow.
    result, db, rows = analyse("base.erf")
    tap.equal((result.returncode, rows, tap.query(db, "SELECT format, frames, ended FROM inputs")),
              (0, [], [{"format": "erf", "frames": 0, "ended": "complete"}]),
              "base.erf: a record of metadata is no packet", result.stderr)


def damage():
    result, db, rows = analyse("timeback.pcap")
    disorder = tap.query(db, "SELECT value FROM counters WHERE area = 'trace' AND name = 'disordered'")
    tap.equal((result.returncode, len(rows)), (0, 2), "timeback.pcap: two flows", result.stderr)
    tap.equal([row["value"] for row in disorder], [1], "timeback.pcap: the disorder is reported")

    # The last of nine frames, an ACK, is cut.
    result, db, rows = analyse("truncated.pcap")
    tap.equal((result.returncode, [flow_tuple(row) for row in rows]), (3, [(*TLS_WHOLE[:4], 4, 4, HELLO, ALERT)]),
              "truncated.pcap: status 3, and everything before the damage", result.stderr)
    tap.equal([row["ended"] for row in tap.query(db, "SELECT ended FROM inputs")], ["cut"],
              "truncated.pcap: the manifest says so")
    tap.ok("truncated.pcap" in result.stderr, "truncated.pcap: the message names the file", result.stderr)

    result, db, rows = analyse("empty.pcap")
    tap.equal((result.returncode, rows, os.path.exists(db)), (0, [], True), "empty.pcap: complete, no flow",
              result.stderr)
    for name in ("zero.pcap", "garbage.pcap"):
        result, db, _ = analyse(name)
        tap.equal((result.returncode, os.path.exists(db)), (2, False), f"{name}: no capture, no database",
                  result.stderr)
        tap.ok(name in result.stderr, f"{name}: the message names the file", result.stderr)


def random_payload():
    result, db, rows = analyse("rand.pcap")
    tap.equal((result.returncode, len(rows)), (0, 4000), "rand.pcap: 4000 flows", result.stderr)
    ours = [row for row in rows if row["label"].startswith("skype")]
    tap.equal((ours, tap.query(db, "SELECT * FROM clients")), ([], []), "rand.pcap: no flow and no client of Skype")


def main():
    for name, expected in PLAIN.items():
        one_flow(name, expected, "udp")
    for name, library in PACKED.items():
        if tap.built_with(library):
            one_flow(name, DNS, "udp")
        else:
            result, db, _ = analyse(name)
            tap.equal((result.returncode, os.path.exists(db)), (2, False),
                      f"{name}: refused by a build without {library}", result.stderr)
    tunnels()
    tls()
    timeouts()
    no_packets()
    damage()
    random_payload()
    tap.done()


main()
