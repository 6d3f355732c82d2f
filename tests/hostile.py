#!/usr/bin/env python3
"""A database made by somebody else: whatever its cells, tables and views are, every command answers or refuses, with a status
that is documented; and nothing in it reaches a terminal, a browser or a program as anything but text."""
import html.parser
import json
import os
import re
import shutil
import sqlite3

import tap

CAPTURES = [os.path.join(tap.TOP, "traces", name) for name in ("login.pcap", "voice.pcap", "supernode.pcap")]
# An escape sequence, the control sequence introducer as UTF-8 and as a bare byte, right-to-left override, what HTML, JSON, CSV,
# TSV, SVG and gnuplot give a meaning to, and bytes that are no UTF-8.
NASTY = ("a\x1b]0;owned\x07\x1b[31m\u009b\u202e\n\t\\\"'</title></script><script>alert(1)</script><img src=x onerror=alert(1)>"
         "&amp;,;`@\" ; system \"touch owned\" #").encode() + b"\x9b\xff\xc0\xaf\xed\xa0\x80"
# What the program finds rows by; the other text is shown.
KEYS = re.compile(r"ip$|^(run|protocol|proto|kind|area|name|about|class|verdict|direction|period|measure|side|media|setup|source)$")
TOPICS = ("clients logins contact-lists versions calls streams flows pairs peers labels inputs runs account setups startups searches"
          " supernodes round-trips series costs classes activity scenes names places").split()
REFUSED = (0, 1, 2, 3)  # by the contract: a database is an input


def altered(db, name, change):
    """A copy whose tables hold what they are told: no NOT NULL, no CHECK, no STRICT; after change(connection, columns)."""
    copy = tap.tmp(name + ".db")
    shutil.copy(db, copy)
    connection = sqlite3.connect(copy)
    connection.execute("PRAGMA writable_schema = ON")
    tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").fetchall()
    for table, sql in tables:
        loose = re.sub(r" NOT NULL| STRICT,?", "", sql)
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, table))
    connection.commit()
    connection.close()
    connection = sqlite3.connect(copy)
    connection.text_factory = bytes
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("PRAGMA legacy_alter_table = ON")  # views that do not fit are not looked at
    columns = [(table, row[1].decode(), row[2].decode(), row[5]) for table, _ in tables
               for row in connection.execute(f"PRAGMA table_info({table})")]
    change(connection, columns)
    connection.commit()
    connection.close()
    return copy


def every(value, wanted):
    """Sets every column that is wanted."""
    def change(connection, columns):
        for table, column, kind, key in columns:
            if wanted(column, kind, key):
                # OR REPLACE would delete the other rows of a key.
                connection.execute(f'UPDATE OR IGNORE {table} SET "{column}" = {value}')
    return change


def shown_text(column, kind, key):
    return kind == "TEXT" and not key and not KEYS.search(column)


def numbers(column, kind, key):
    return kind in ("INTEGER", "REAL") and not key and column != "run"


def times(column, kind, key):
    return numbers(column, kind, key) and column.endswith("_ns")


def anything(column, kind, key):
    return column != "run"


class Page(html.parser.HTMLParser):
    """Elements and attributes that can act, beyond those of a page without anything hostile in it."""

    def __init__(self):
        super().__init__()
        self.active = []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "img", "iframe", "object", "embed", "base", "meta", "link"):
            self.active.append((tag, dict(attributes).get("src", "")[:40]))
        self.active += [name for name, _ in attributes if name.startswith("on")]


def active(path):
    page = Page()
    page.feed(tap.content(path).decode())
    return sorted(map(str, page.active))


def harmful(text):
    """Control characters but the end of a line and a tab, and what changes the direction of writing."""
    return sorted(set(re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)))


def commands(db, directory):
    for topic in TOPICS:
        yield "table", ["show", db, topic]
        yield "json", ["show", db, topic, "--json"]
        yield "csv", ["show", db, topic, "--csv"]
    yield "table", ["show", db]
    yield "json", ["show", db, "--json"]
    for subject in ("10.4.7.20:50501", "1", "2", "40"):
        yield "table", ["show", db, "why", subject]
        yield "json", ["show", db, "why", subject, "--json"]
    yield "table", ["chart", db, "--list"]
    yield "json", ["chart", db, "--list", "--json"]
    for kind in ("login", "search", "call"):
        yield "table", ["chart", db, f"--{kind}", "1", "--rows", "0"]
        yield "json", ["chart", db, f"--{kind}", "1", "--json"]
        yield "svg", ["chart", db, f"--{kind}", "1", "-o", "-"]
    yield "page", ["report", "-q", db, "-o", directory]


def fault(kind, args, result):
    """What is wrong with one answer; None: nothing."""
    if result.returncode not in REFUSED or "ERROR: " in result.stderr or "runtime error" in result.stderr:
        return f"status {result.returncode}: {result.stderr[-600:]}"
    if result.returncode in (1, 2) and not result.stderr.startswith("footsteps: "):
        return f"status {result.returncode}, and no reason: {result.stderr!r}"
    if harmful(result.stdout) or harmful(result.stderr):
        return f"control characters: {harmful(result.stdout)} {harmful(result.stderr)}"
    try:
        if kind == "json":
            for line in result.stdout.splitlines():
                json.loads(line)
        if kind == "svg" and result.stdout:
            import xml.dom.minidom
            xml.dom.minidom.parseString(result.stdout)
    except Exception as error:  # pylint: disable=broad-except
        return f"{kind}: {error}"
    return None


def answers(name, db, clean):
    """Every command on the database."""
    directory = tap.tmp(name + "-report")
    asked = list(commands(db, directory))
    env = dict(os.environ, PATH=tap.tmp("nothing")) if name != "text" else dict(os.environ)
    results = tap.in_parallel(lambda item: tap.run(*item[1], env=env), asked)
    faults = []
    for (kind, args), result in zip(asked, results):
        found = fault(kind, args, result)
        if found:
            faults.append(f"{' '.join(args)}: {found}")
    done = sum(result.returncode in (0, 3) for result in results)
    tap.ok(not faults, f"{name}: {len(asked)} commands answer or refuse ({done} answer)", *faults[:8])
    page = os.path.join(directory, "index.html")
    if os.path.exists(page):
        tap.equal(active(page), clean, f"{name}: nothing on the page acts but its own script")
        bad = [file for file in sorted(os.listdir(directory)) if file.endswith((".tsv", ".html", ".svg"))
               and harmful(tap.content(os.path.join(directory, file)).decode())]
        tap.equal(bad, [], f"{name}: no control characters in the report's files")
    left = [file for file in os.listdir(tap.tmp()) if file.startswith(name + "-report.")]
    tap.equal(left, [], f"{name}: nothing is left beside the report")
    return done


def cells(db, clean):
    nasty = f"CAST(X'{NASTY.hex()}' AS TEXT)"
    done = answers("text", altered(db, "text", every(nasty, shown_text)), clean)
    tap.ok(done > 80, "text: most commands do answer, so that it is seen", f"{done}")
    answers("text-everywhere", altered(db, "text-everywhere", every(nasty, anything)), clean)
    answers("long", altered(db, "long", every("printf('%.*c', 70000, 'x')", shown_text)), clean)
    for name, value, which in (("latest", "9223372036854775807", times), ("earliest", "-9223372036854775808", times),
                               ("from-first-to-last", "CASE WHEN random() < 0 THEN 1 ELSE -1 END * 9223372036854775807", times),
                               ("most", "9223372036854775807", numbers), ("infinite", "9e999", numbers),
                               ("null", "NULL", numbers), ("blob", "X'00ff'", numbers)):
        answers(name, altered(db, name, every(value, which)), clean)
    answers("null-everywhere", altered(db, "null-everywhere", every("NULL", anything)), clean)


def structure(db, clean):
    def views_as_tables(connection, _):
        for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            name = name.decode()
            connection.execute(f'CREATE TABLE "copy {name}" AS SELECT * FROM "{name}"')
            connection.execute(f'DROP VIEW "{name}"')
            connection.execute(f'ALTER TABLE "copy {name}" RENAME TO "{name}"')

    def tables_as_views(connection, columns):
        for name in sorted({table for table, *_ in columns}):
            connection.execute(f'ALTER TABLE "{name}" RENAME TO "copy {name}"')
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "copy {name}"')

    def no_views(connection, _):
        for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            connection.execute(f'DROP VIEW "{name.decode()}"')

    def vanishing_run(connection, _):
        connection.execute('CREATE TABLE "copy" AS SELECT * FROM runs')
        connection.execute("DROP TABLE runs")
        connection.execute('CREATE VIEW runs AS SELECT * FROM "copy" WHERE random() % 3 <> 0')

    for change in (views_as_tables, tables_as_views, no_views, vanishing_run):
        answers(change.__name__, altered(db, change.__name__, change), clean)

    def empty(connection, columns):
        for table in sorted({table for table, *_ in columns} - {"runs"}):
            connection.execute(f"DELETE FROM {table}")
    answers("empty", altered(db, "empty", empty), clean)


def main():
    os.mkdir(tap.tmp("nothing"))
    result, db = tap.read(CAPTURES, "--flows", "all")
    if result.returncode not in (0, 3):
        tap.ok(False, "the captures are read", result.stderr)
        tap.done()
        return
    tap.run("report", "-q", db, "-o", tap.tmp("clean"), env=dict(os.environ, PATH=tap.tmp("nothing")))
    clean = active(os.path.join(tap.tmp("clean"), "index.html"))
    cells(db, clean)
    structure(db, clean)
    tap.done()


main()
