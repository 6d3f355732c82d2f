-- title: Logins by network set-up
-- kind: table
-- order: 200
-- section: Logins
-- about: Start-ups by how their client is connected, as far as its traffic tells (table "Network set-ups" has the reasons).
--   Time to login is from the client's first packet to the login server's answer, and bytes are the payload of
--   messages until then; both of logins that succeeded. Nodes: further ones contacted in the minute after it.
-- paper: Baset and Schulzrinne, Table I (version 1.4): 3 to 7 s and 10 KB with a public address, 3 to 7 s and 11 KB behind a
--   port-restricted NAT, 34 to 35 s and 7 KB behind a firewall that blocks UDP; about 22 nodes after the login in the
--   first two.
-- empty: No start-up was seen.
-- cautions: dropped gaps untimed clock_jumps
-- hides: missing_start heads_lost snapped one_sided_tcp
WITH paper(place, setup, seconds, kilobytes, nodes) AS (VALUES (1, 'public', '3-7', 10, 22), (2, 'nat', NULL, NULL, NULL),
	(3, 'port-restricted nat', '3-7', 11, 22), (4, 'udp-restricted', '34-35', 7, NULL), (5, 'unknown', NULL, NULL, NULL)),
here AS (SELECT * FROM B7 WHERE run = :run AND protocol IS coalesce(:protocol, protocol))
SELECT setup AS "set-up", count(startup) AS "start-ups", coalesce(sum(outcome = 'success'), 0) AS "logged in",
       coalesce(sum(outcome = 'failure'), 0) AS refused,
       round(avg(CASE outcome WHEN 'success' THEN login_s END), 1) AS "time to login, mean (s)",
       round(min(CASE outcome WHEN 'success' THEN login_s END), 1) AS "shortest (s)",
       round(max(CASE outcome WHEN 'success' THEN login_s END), 1) AS "longest (s)", seconds AS "paper (s)",
       round(avg(CASE outcome WHEN 'success' THEN bytes END) / 1e3, 1) AS "exchanged, mean (KB)", kilobytes AS "paper (KB)",
       round(avg(CASE outcome WHEN 'success' THEN nodes_after END), 1) AS "nodes after, mean", nodes AS "paper (nodes)"
FROM paper LEFT JOIN here USING (setup) WHERE EXISTS (SELECT 1 FROM here)
GROUP BY place HAVING count(startup) > 0 OR kilobytes IS NOT NULL ORDER BY place;

SELECT printf('Start-ups: %d. Logged in: %d', count(*), sum(outcome = 'success'))
       || CASE sum(outcome = 'success') WHEN 0 THEN '' ELSE printf(', after %.1f to %.1f s',
          min(CASE outcome WHEN 'success' THEN login_s END), max(CASE outcome WHEN 'success' THEN login_s END)) END
       || printf('; refused: %d; without a login whose outcome can be seen: %d.', sum(outcome = 'failure'),
                 sum(outcome NOT IN ('success', 'failure')))
FROM B7 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
