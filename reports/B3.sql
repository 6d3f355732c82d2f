-- title: Connections to supernodes
-- kind: table
-- order: 400
-- section: Supernodes
-- about: TCP connections of clients to supernodes (B3): when each begins, how it ends, and which one replaces it. Not
--   connected: it got no further than the openings, as behind a filter. Keep-alives: B13.
-- paper: Baset and Schulzrinne: a client needs a connection to one supernode, and keeps it.
-- empty: No connection to a supernode was seen.
-- cautions: dropped one_sided_tcp
-- hides: missing_start snapped one_sided_tcp
-- page: 9
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', first_ns / 1000000000, 'unixepoch') AS "start (UTC)",
       CASE WHEN instr(client_ip, ':') THEN '[' || client_ip || ']' ELSE client_ip END || ':' || client_port AS client,
       CASE WHEN instr(server_ip, ':') THEN '[' || server_ip || ']' ELSE server_ip END || ':' || server_port AS supernode,
       CASE connected WHEN 1 THEN 'yes' ELSE 'no' END AS connected, round((last_ns - first_ns) / 1e9, 1) AS "lasted (s)",
       CASE ended WHEN 'fin' THEN 'closed' WHEN 'rst' THEN 'reset' WHEN 'eof' THEN 'open when the trace ended'
       WHEN 'idle' THEN 'fell silent' ELSE ended END AS ended,
       next AS "replaced by", round(next_after_s, 1) AS "after (s)", round(keepalive_s, 2) AS "keep-alive every (s)",
       messages_out AS sent, messages_in AS received, payload_out AS "bytes sent", payload_in AS "bytes received", flow
FROM B3 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY first_ns, flow;

SELECT printf('Connections tried: %d, to %d supernode%s. ', count(*), count(DISTINCT server_ip || ' ' || server_port),
              CASE count(DISTINCT server_ip || ' ' || server_port) WHEN 1 THEN '' ELSE 's' END)
       || CASE sum(connected) WHEN 0 THEN 'None went on behind its openings.'
          ELSE printf('Went on behind the openings: %d, for %.0f s on average.', sum(connected),
                      avg(CASE WHEN connected THEN (last_ns - first_ns) / 1e9 END)) END
FROM B3 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
