-- title: Contact lists
-- kind: table
-- order: 250
-- section: Logins
-- about: Exchanges with a contact-list server (B6). Messages are bytes, > sent by the client and < by the
--   server.
-- empty: No exchange with a contact-list server was seen.
-- hides: missing_start heads_lost snapped one_sided_tcp
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "start (UTC)",
       CASE WHEN instr(client_ip, ':') THEN '[' || client_ip || ']' ELSE client_ip END
       || ':' || client_port AS client,
       CASE WHEN instr(server_ip, ':') THEN '[' || server_ip || ']' ELSE server_ip END
       || ':' || server_port AS server,
       outcome, sizes AS messages, form, flow
FROM B6 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY flow;
