#!/usr/bin/env python3
"""The truth of a generated capture as text: an SQLite file has other bytes with every version of the library, a table of
tab-separated values has not.

    truth_text.py NAME.truth.db > NAME.truth.tsv

Each table is its name in a line '[name]', its columns, and its rows in order. Left out are tables without rows, and what says
how and by what it was made (runs.version, runs.options), since that may differ although the capture does not."""
import sqlite3
import sys

LEFT_OUT = {"runs": {"version", "options"}}


def field(value):
    if value is None:
        return ""
    return format(value, ".6f") if isinstance(value, float) else str(value)


def truth_text(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    lines = []
    try:
        tables = [name for name, in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")
                       if row[1] not in LEFT_OUT.get(table, ())]
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} "
                                      f"ORDER BY {', '.join(str(i + 1) for i in range(len(columns)))}").fetchall()
            if rows:
                lines += [f"[{table}]", "\t".join(columns)]
                lines += ["\t".join(map(field, row)) for row in rows]
    finally:
        connection.close()
    return "".join(line + "\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(truth_text(sys.argv[1]))
