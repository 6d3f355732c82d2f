"""A database with endpoints of our choice, for the tests of `footsteps rules`."""
import os
import sqlite3
from tap import TOP, read


def endpoint_database(servers, sockets, protocols=("skype",)):
    """The database of a recorded login, with these instead of its servers and clients, as if of each of the protocols; None
    when there is none."""
    result, db = read([os.path.join(TOP, "traces", "login.pcap")])
    if result.returncode not in (0, 3):
        return None
    connection = sqlite3.connect(db)
    with connection:
        for table, where, changes in (
                ("flows", "role = 'login'", [{"protocol": of, "server_ip": ip} for of in protocols for ip in servers]),
                ("clients", "verdict = 'skype'", [{"protocol": of, "verdict": of, "ip": ip, "port": port, "internal": 1}
                                                  for of in protocols for ip, port in sockets])):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            first = connection.execute(f"SELECT * FROM {table} WHERE {where}").fetchone()
            connection.execute(f"DELETE FROM {table}")
            for n, change in enumerate(changes):
                row = {**dict(zip(names, first)), names[1]: 10 ** 6 + n, **change}  # the number of a flow, of a client
                connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(names))})", [row[n] for n in names])
        connection.execute("DELETE FROM exchanges")
    connection.close()
    return db
