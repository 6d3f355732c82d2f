-- title: Chart of a call
-- kind: chart
-- section: Calls
-- order: 320
-- about: One call, message by message (B17, figures 8 to 11 of Baset and Schulzrinne): set-up, media, tear-down. All media of
--   one direction are one arrow. Of all calls the first is drawn whose scene has more flows than its media.
-- paper: signalling over TCP, directly or through other nodes, then media, over UDP unless that is blocked.
-- empty: No call of the protocol was seen.
-- hides: snapped one_sided_tcp
SELECT s.kind, s.number, k.media, round((s.last_ns - s.first_ns) / 1e9, 3) AS seconds,
       (SELECT count(*) FROM scene_flows f WHERE f.run = s.run AND f.kind = s.kind AND f.number = s.number) AS flows
FROM scenes s JOIN calls k ON k.run = s.run AND k.call = s.number
WHERE s.run = :run AND s.kind = 'call' AND k.protocol IS coalesce(:protocol, k.protocol)
ORDER BY flows <= k.flows, s.number;

SELECT printf('Call %d of %d. ''footsteps chart DATABASE --call %d --rows 0'' draws every message of it%s.', number, scenes,
              number, CASE scenes WHEN 1 THEN '' ELSE ', and of the others likewise' END)
FROM (SELECT s.number, count(*) OVER () AS scenes
      FROM scenes s JOIN calls k ON k.run = s.run AND k.call = s.number
      WHERE s.run = :run AND s.kind = 'call' AND k.protocol IS coalesce(:protocol, k.protocol)
      ORDER BY (SELECT count(*) FROM scene_flows f WHERE f.run = s.run AND f.kind = s.kind AND f.number = s.number) <= k.flows, s.number LIMIT 1);
