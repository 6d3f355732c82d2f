-- title: Chart of a login
-- kind: chart
-- section: Logins
-- order: 205
-- about: One start-up, message by message (B17, figures 3 and 4 of Baset and Schulzrinne). Parties are columns; an arrow is a
--   message, or several put together. Of all start-ups the first that logged in is drawn; if none did, the first.
-- paper: probes over UDP, TCP to the supernode that answers, then the login server: 3 to 7 s. Behind a firewall that blocks UDP
--   all of it over TCP, 34 to 35 s.
-- empty: No start-up was seen.
-- hides: missing_start heads_lost snapped one_sided_tcp
SELECT s.kind, s.number, l.outcome, round((s.last_ns - s.first_ns) / 1e9, 3) AS seconds,
       (SELECT count(*) FROM scene_flows f WHERE f.run = s.run AND f.kind = s.kind AND f.number = s.number) AS flows
FROM scenes s JOIN startups l ON l.run = s.run AND l.startup = s.number
WHERE s.run = :run AND s.kind = 'login' AND l.protocol = :protocol
ORDER BY l.outcome <> 'success', s.number;

SELECT printf('Login %d of %d. ''footsteps chart DATABASE --login %d --rows 0'' draws every message of it%s.', number, scenes,
              number, CASE scenes WHEN 1 THEN '' ELSE ', and of the others likewise' END)
FROM (SELECT s.number, count(*) OVER () AS scenes
      FROM scenes s JOIN startups l ON l.run = s.run AND l.startup = s.number
      WHERE s.run = :run AND s.kind = 'login' AND l.protocol = :protocol
      ORDER BY l.outcome <> 'success', s.number LIMIT 1);
