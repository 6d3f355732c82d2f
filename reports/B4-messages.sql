-- title: Messages of the logins
-- kind: table
-- order: 240
-- section: Logins
-- about: Every message of each login (B4), with the time since the login's first message.
-- empty: No login was seen.
SELECT flow, n, round((ts_ns - min(ts_ns) OVER (PARTITION BY flow)) / 1e9, 6) AS "after (s)",
       CASE direction WHEN 'out' THEN 'client > server' ELSE 'server > client' END AS direction, bytes,
       what AS message, packet
FROM exchange_messages m
WHERE run = :run AND flow IN (SELECT flow FROM B4 WHERE run = :run AND protocol IS coalesce(:protocol, protocol))
ORDER BY flow, n;
