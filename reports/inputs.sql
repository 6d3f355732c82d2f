-- title: Inputs
-- kind: table
-- order: 140
-- about: The manifest: with these files, this version and these options, the same numbers come out again.
-- empty: The run had no input.
SELECT n, path AS file, trim(format || ' ' || container) AS format, link_type AS link, bytes, frames,
       filtered AS "left out by filter", dropped, snaplen, ended, problem,
       strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "first packet",
       coalesce(sha256, 'not computed') AS "SHA-256"
FROM inputs WHERE run = :run ORDER BY n;
