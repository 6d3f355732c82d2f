-- title: Chart of a search
-- kind: chart
-- section: Calls
-- order: 360
-- about: One search for a user, message by message (B17, figures 5 to 7 of Baset and Schulzrinne): the request to the
--   supernode, its answer, and the nodes that are asked then. The search with most nodes is drawn.
-- paper: the supernode is asked over TCP and names nodes; 8, then 16 of them are asked over UDP, until the user is found.
-- empty: No search was seen.
-- hides: snapped missing_start
SELECT s.kind, s.number, q.nodes, round((s.last_ns - s.first_ns) / 1e9, 3) AS seconds,
       (SELECT count(*) FROM scene_flows f WHERE f.run = s.run AND f.kind = s.kind AND f.number = s.number) AS flows
FROM scenes s JOIN searches q ON q.run = s.run AND q.search = s.number
WHERE s.run = :run AND s.kind = 'search' AND q.protocol = :protocol
ORDER BY q.nodes DESC, s.number;

SELECT printf('Search %d of %d. ''footsteps chart DATABASE --search %d --rows 0'' draws every message of it%s.', number, scenes,
              number, CASE scenes WHEN 1 THEN '' ELSE ', and of the others likewise' END)
FROM (SELECT s.number, count(*) OVER () AS scenes
      FROM scenes s JOIN searches q ON q.run = s.run AND q.search = s.number
      WHERE s.run = :run AND s.kind = 'search' AND q.protocol = :protocol
      ORDER BY q.nodes DESC, s.number LIMIT 1);
