#!/usr/bin/env python3
"""Who is a supernode: the clients of traces/supernode.pcap as its maker made them, and why says so."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(tap.TOP, "traces"))
import make_login  # noqa: E402
import make_supernode as made  # noqa: E402


def main():
    result, db = tap.read([os.path.join(tap.TOP, "traces", "supernode.pcap")])
    tap.equal(result.returncode, 0, "read", result.stderr)
    rows = tap.query(db, "SELECT ip, port, verdict, role, callers, callers_answered FROM clients ORDER BY ip")
    tap.equal([tuple(row.values()) for row in rows],
              [(make_login.CLIENT, make_login.PORT, "skype", "client", 3, 3),
               (made.SUPERNODE, made.SUPERNODE_PORT, "skype", "supernode", made.CALLERS, made.CALLERS - len(made.SILENT))],
              "the clients, their roles, who called them and got an answer")
    kinds = tap.query(db, "SELECT c.ip FROM evidence e JOIN clients c ON e.subject = c.client"
                          " WHERE e.about = 'client' AND e.kind = 'called'")
    tap.equal([row["ip"] for row in kinds], [made.SUPERNODE], "evidence that it is called")
    why = tap.run("show", db, "why", f"{made.SUPERNODE}:{made.SUPERNODE_PORT}").stdout
    tap.ok("looks like a supernode" in why and "many peers call the socket first" in why, "show why says so", why)
    why = tap.run("show", db, "why", f"{make_login.CLIENT}:{make_login.PORT}").stdout
    tap.ok("3 of the peers called it first" in why and "supernode" not in why, "show why of the client", why)
    tap.done()


main()
