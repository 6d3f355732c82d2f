-- title: Logins
-- kind: table
-- order: 230
-- section: Logins
-- about: Exchanges with a login server (B4). Messages are bytes, > sent by the client and < by the server;
--   time to answer is from the first
--   message to the server's answer, which is the fourth in version 1.x.
-- paper: Baset and Schulzrinne: four messages of 5, 5, 413 and 222 bytes; a fourth of 18 bytes is a
--   failure. A whole login takes 3 to 7 s, or 34 to 35 s behind a firewall that blocks UDP.
-- empty: No login was seen.
-- hides: missing_start heads_lost snapped one_sided_tcp
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "start (UTC)",
       CASE WHEN instr(client_ip, ':') THEN '[' || client_ip || ']' ELSE client_ip END
       || ':' || client_port AS client,
       CASE WHEN instr(server_ip, ':') THEN '[' || server_ip || ']' ELSE server_ip END
       || ':' || server_port AS server,
       outcome, sizes AS messages,
       round(answer_s, 3) AS "time to answer (s)", form, flow
FROM B4 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY flow;

SELECT printf('Succeeded: %d, failed: %d, without an answer: %d, unknown: %d; from client addresses: %d.',
              sum(outcome = 'success'), sum(outcome = 'failure'), sum(outcome = 'no-answer'),
              sum(outcome NOT IN ('success', 'failure', 'no-answer')), count(DISTINCT client_ip))
FROM B4 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
