-- title: Version checks
-- kind: table
-- order: 210
-- section: Logins
-- about: Start-ups (B1): the HTTP request that a client sends to the vendor; 'installed' only when it runs
--   for the first time.
-- empty: No version check was seen.
-- hides: missing_start heads_lost snapped
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts_ns / 1000000000, 'unixepoch') AS "time (UTC)",
       CASE WHEN instr(client_ip, ':') THEN '[' || client_ip || ']' ELSE client_ip END
       || ':' || client_port AS client,
       action AS request, version, platform, host, flow, packet
FROM B1 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY packet;

SELECT printf('Checks: %d, from client addresses: %d; versions: %s.', count(*), count(DISTINCT client_ip),
              (SELECT group_concat(version, ', ')
               FROM (SELECT DISTINCT version FROM B1
                     WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY version)))
FROM B1 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
