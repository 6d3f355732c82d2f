"""What people and programs see of a run of `footsteps live` on a link: the control socket, `top`, metrics and alerts say what
the finished database says; names that mean harm are harmless in all of them; and nothing is lost to rude clients of the
web server. The page itself: web.py.

As root, with network namespaces and tcpreplay; skipped where something is missing. FOOTSTEPS_LAB=0 skips all of it."""
import json
import os
import re
import sys
import threading
import time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from live_link import Link
from live_seen import LABELS, METRICS_SOCKET, Seen, available, counters, fetch, named, packets_of, shipped
from tap import PATIENCE, TOP, built_with, done, equal, note, ok, query, require_programs, run, skip, skip_all

SERVER, CLIENT = "192.0.2.141", "198.51.100.20"  # of the scenarios with one client
CALL_SHOWN = 5  # seconds from its last message on (CALL_QUIET_NS of worker.c)
HARM = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")  # all but a line's end; the names of these captures are ASCII


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def count(db, what):
    return query(db, f"SELECT count(*) AS n FROM {what}")[0]["n"]


def numbers(name, *speed):
    """What claims to be the same is the same, on all ways out."""
    capture = shipped(name)
    packets = packets_of(capture)
    with Link("numbers") as link:
        seen = Seen(link, name, "--flows", "all", http=False)
        most_calls, blind = 0, 0

        def follow():
            nonlocal most_calls, blind
            looked = time.monotonic()
            while not ended.wait(0.5):
                most_calls = max(most_calls, len(seen.status()["calls"]))
                blind, looked = max(blind, time.monotonic() - looked), time.monotonic()

        ended = threading.Event()
        follower = threading.Thread(target=follow)
        follower.start()
        sent = link.replay(capture, *speed)
        state = seen.settled(packets)
        ended.set()
        follower.join()
        metrics, from_socket, once = seen.ask("counters"), seen.ask("", METRICS_SOCKET), seen.once()
        equal((sent[0], seen.end()), (0, 0), f"{name}: replayed", sent[1], seen.said())
    totals, said = state["totals"], counters(metrics)
    db = seen.db
    clients = query(db, "SELECT ip, port FROM clients WHERE verdict = 'skype'")
    exchanges = [(f"{r['client_ip']}:{r['client_port']}", f"{r['server_ip']}:{r['server_port']}", r["role"], r["outcome"]) for r in
                 query(db, "SELECT * FROM exchanges")]
    logins = sum(role == "login" for _, _, role, _ in exchanges)
    wanted = {"packets": packets, "flows": count(db, "flows"), "clients": len(clients), "logins": logins, "calls": count(db, "calls")}
    equal({key: totals[key] for key in wanted}, wanted, f"{name}: the totals of the state are those of the tables")
    equal(query(db, "SELECT packets FROM runs"), [{"packets": packets}], "... and every packet is in them")
    equal(query(db, "SELECT path, link_type, frames FROM inputs"), [{"path": "fs1", "link_type": "EN10MB", "frames": packets}],
          "... and the link is named")
    equal((state["interfaces"][0]["packets"], totals["bytes"], sum(m["packets"] for m in state["minutes"])),
          (packets, query(db, "SELECT sum(bytes) AS n FROM capture_minutes")[0]["n"], packets), "... by interface and by minute")
    equal(sorted(c["socket"] for c in state["clients"] if c["verdict"] == "skype"), sorted(f"{c['ip']}:{c['port']}" for c in clients),
          "... the clients")
    equal(sorted((l["client"], l["server"], l["role"], l["outcome"]) for l in state["logins"] if l["role"] != "version-check"),
          sorted(exchanges), "... the logins, and how they went")
    equal(sorted(l["version"] for l in state["logins"] if l["role"] == "version-check"),
          sorted(r["version"] for r in query(db, "SELECT version FROM version_checks")), "... the version checks")
    equal({key: said[f"footsteps_{text}"] for key, text in
           (("packets", 'packets_total{interface="fs1"}'), ("flows", "flows_total"), ("clients", "clients_recognised_total"),
            ("calls", "calls_total"))}, {key: wanted[key] for key in ("packets", "flows", "clients", "calls")}, "... and the counters")
    equal(sum(value for key, value in said.items() if key.startswith("footsteps_logins_total")), logins, "... logins, by outcome, too")
    equal(set(counters(from_socket.partition("\r\n\r\n")[2])), set(said), "... which the other socket has as well")
    ok((packets > 999 or f" {packets} packets and " in once) and f" and {wanted['flows']} flows in all" in once and f"CLIENTS {len(clients)}," in once, "... and top", once)
    if wanted["calls"] and most_calls == 0 and blind >= CALL_SHOWN:
        skip("... a call was seen in progress", f"nobody looked for {blind:.1f} s")
    elif wanted["calls"]:
        equal(most_calls, 1, "... a call was seen in progress")
    told = lines(seen.alerts)
    kinds = [line["alert"] for line in told]
    equal((kinds.count("new-client"), kinds.count("login"), kinds.count("call")), (len(clients), logins, wanted["calls"]),
          "... and an alert for each", told)
    equal(lines(seen.told), told, "... to the command as to the file")
    return seen


def hostile():
    capture = named(shipped("call-direct"), {SERVER: LABELS, CLIENT: LABELS[::-1], "192.0.2.150": LABELS[:2]})
    packets = packets_of(capture)
    with Link("hostile") as link:
        seen = Seen(link, "hostile", "--flows", "all", http=False)
        link.replay(capture, "--pps", "200")
        state = seen.settled(packets)
        views = {"status": seen.ask("status"), "counters": seen.ask("counters"), "top": seen.once()}
        equal(seen.end(), 0, "hostile names: the run is complete", seen.said())
    names = [row["name"] for row in query(seen.db, "SELECT name FROM names")]
    ok(any("onerror" in name for name in names), "hostile names: they are in the database", names)
    ok(any("onload" in (login["server_name"] or "") for login in state["logins"]) and any("onload" in (c["name"] or "") for c in
       state["clients"]), "... and in the state", state["logins"])
    views["show"] = "".join(run("show", seen.db, *topic).stdout for topic in ((), ("clients",), ("logins",), ("peers",), ("flows",)))
    for name in ("alerts", "told", "metrics"):
        with open(getattr(seen, name), encoding="latin-1") as f:
            views[name] = f.read()
    equal([name for name, text in views.items() if HARM.search(text.encode("latin-1", "replace"))], [],
          "... no output has a byte of theirs that a terminal would obey")
    equal([name for name in ("counters", "metrics", "alerts") if "<" in views[name]], [], "... metrics and alerts name no server")


def rude():
    """Wrong methods, long requests, half requests that are kept open: the page answers, and no packet is lost."""
    if not built_with("libmicrohttpd"):
        skip("rude clients of the web server", "built without libmicrohttpd")
        return
    capture = shipped("call-direct")
    packets = packets_of(capture)
    with Link("rude") as link:
        seen = Seen(link, "rude", "--flows", "all")
        sender = threading.Thread(target=link.replay, args=(capture, "--pps", "60"))
        sender.start()
        slow = [link.start("python3", "-c", "import socket,sys,time\ns=[socket.create_connection(('127.0.0.1',8480)) for i in range(40)]\n"
                           "print('open',file=sys.stderr,flush=True)\n[(x.send(b'GET / HT'),time.sleep(.02)) for x in s]\ntime.sleep(600)\n",
                           ready="open")]
        # The first three are answered, and cut off; of the others some are kept waiting.
        said = [fetch(link, request, PATIENCE if number < 3 else 3).split(b"\r\n")[0] for number, request in enumerate((
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nContent-Length: 5\r\n\r\nhello",
            b"DELETE /state.json HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n",
            b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nX: " + b"b" * 100000 + b"\r\n\r\n",
            b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\n\r\n",
            b"GET /report/%2e%2e/seen.db HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\n\r\n", b"\x16\x03\x01\x00\xff" + b"\0" * 300))]
        note(said)
        equal([line for line in said if b" 200" in line or b" 5" in line[:12]], [], "rude clients get nothing, and break nothing", said)
        equal([line[9:12] for line in said[:3]], [b"405"] * 3, "... wrong methods are named")
        for process in slow:
            process.kill()
            process.wait()
        page = fetch(link, b"GET /state.json HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\n\r\n")
        ok(b" 200 OK" in page[:20] and b'"totals"' in page, "... the page is there afterwards", page[:200])
        sender.join()
        state = seen.settled(packets)
        equal((state["totals"]["packets"], state["drops"]["kernel"]), (packets, 0), "... and no packet was lost")
        equal(seen.end(), 0, "... the run is complete", seen.said())


def supernode():
    """Who calls a client, and is answered, makes it a supernode: the state, `top` and an alert say so while the run goes on."""
    capture = os.path.join(TOP, "traces", "supernode.pcap")
    with Link("supernode") as link:
        # A call counts when its flow is over. All at once: between two packets of a flow there is to be less than a second.
        seen = Seen(link, "supernode", "--flows", "all", "--idle", "1s", http=False)
        link.replay(capture, "--topspeed")
        state = seen.settled(packets_of(capture))
        top = seen.once()
        equal(seen.end(), 0, "supernode: the run is complete", seen.said())
    wanted = [f"{r['ip']}:{r['port']}" for r in query(seen.db, "SELECT ip, port FROM clients WHERE role = 'supernode'")]
    equal(len(wanted), 1, "... the database has one")
    equal(([c["socket"] for c in state["clients"] if c["supernode"]], state["totals"]["supernodes"]), (wanted, 1), "... the state has it, too")
    ok(re.search(r"supernodes 1\b", top) and re.search(rf"\bS +.*{re.escape(wanted[0])}|{re.escape(wanted[0])}.*\bS\b", top), "... and top", top)
    for path in (seen.alerts, seen.told):
        told = [line for line in lines(path) if line["alert"] == "supernode"]
        equal([line["client"] for line in told], wanted, f"... one alert is in {os.path.basename(path)}", told)


def main():
    require_programs("ip", "tcpreplay")
    why = available()
    if why:
        skip_all(why)
    numbers("call-direct", "--multiplier", "4")
    numbers("day", "--multiplier", "3000")
    numbers("campus-small", "--pps", "150")
    supernode()
    hostile()
    rude()
    done()


main()
