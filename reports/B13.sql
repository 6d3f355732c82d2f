-- title: Keep-alives
-- kind: table
-- order: 410
-- section: Supernodes
-- about: TCP connections with messages of one side at equal intervals (B13), by that interval. Each row is the connections
--   whose mean interval rounds to this second.
-- paper: Baset and Schulzrinne: 2 bytes each way every 120 s (1.4) or 60 s (0.97).
-- empty: No keep-alives were seen.
-- cautions: dropped untimed clock_jumps
-- hides: snapped missing_start
SELECT CAST(round(keepalive_s) AS INTEGER) AS "every (s)", coalesce(role, 'not known') AS "connection to",
       count(*) AS connections, count(DISTINCT client_ip) AS hosts, sum(keepalives) AS messages,
       round(min(keepalive_s), 2) AS "shortest mean (s)", round(max(keepalive_s), 2) AS "longest mean (s)"
FROM B13 WHERE run = :run AND protocol IS coalesce(:protocol, protocol)
GROUP BY 1, role ORDER BY 1, role;

SELECT printf('Connections with keep-alives: %d; the most usual interval is %d s.', sum(n), max(CASE place WHEN 1 THEN s END))
FROM (SELECT CAST(round(keepalive_s) AS INTEGER) AS s, count(*) AS n,
             row_number() OVER (ORDER BY count(*) DESC, round(keepalive_s)) AS place
      FROM B13 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) GROUP BY 1);
