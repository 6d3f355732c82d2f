-- title: Searches for users
-- kind: table
-- order: 350
-- section: Calls
-- about: A request to the supernode, and then questions to several nodes at once over UDP (B9). That this is a search for a
--   user is an interpretation: what can be seen is the exchange, by the sizes of its messages. Searches that go
--   through the supernode alone, as behind a firewall that blocks UDP, cannot be told.
-- paper: Baset and Schulzrinne: 8, then 16 nodes, 24 and more in all; 3 to 4 s with a public address, 5 to 6 s behind a
--   port-restricted NAT, 10 to 15 s behind a firewall that blocks UDP.
-- empty: No search was seen.
-- cautions: dropped
-- hides: snapped missing_start
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "start (UTC)",
       CASE WHEN instr(ip, ':') THEN '[' || ip || ']' ELSE ip END || ':' || port AS client,
       setup AS "set-up",
       round(seconds, 2) AS "lasted (s)", nodes, answered, waves, bytes_out AS "bytes sent", bytes_in AS "bytes received",
       supernode_flow AS "supernode flow", search
FROM B9 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY search;

SELECT CASE count(*)
       WHEN 1 THEN printf('1 search: %d node%s asked in %d wave%s; it took %.1f s.', max(nodes), CASE max(nodes) WHEN 1 THEN '' ELSE 's' END,
                          max(waves), CASE max(waves) WHEN 1 THEN '' ELSE 's' END, max(seconds))
       ELSE printf('%d searches: %.1f nodes asked on average, in %.1f waves; they took %.1f s on average, %.1f s at the most.',
                   count(*), avg(nodes), avg(waves), avg(seconds), max(seconds)) END
FROM B9 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
