-- title: Inputs
-- kind: table
-- order: 840
-- section: The trace
-- about: The manifest: with these files, this version and these options, the same numbers come out again.
-- page: 7
-- empty: The run had no input.
SELECT n, path AS file, frames, dropped, ended, problem, coalesce(sha256, 'not computed') AS "SHA-256",
       trim(format || ' ' || container) AS format, link_type AS link, bytes, filtered AS "left out by filter",
       snaplen, strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "first packet"
FROM inputs WHERE run = :run ORDER BY n;
