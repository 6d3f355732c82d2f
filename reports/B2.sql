-- title: Start-ups over UDP, and echo requests (B5)
-- kind: table
-- order: 220
-- section: Logins
-- about: What each client does from its first packet after a silence of 35 s (B2): candidates for a supernode, asked over
--   UDP until one took it in (without one until the login was done, or for two minutes); answers; connections opened. Times are since the client's first packet. Echo requests
--   (B5): hosts that its host sent some to meanwhile.
-- paper: Baset and Schulzrinne: probes of 18 bytes; after about 5 s without an answer TCP to the same address and port,
--   in version 1.0 also to ports 80 and 443; 6 s later all over again. Echo requests go to four fixed addresses, in the
--   USA, Sweden, Australia and Japan.
-- empty: No start-up was seen.
-- cautions: dropped gaps
-- hides: missing_start snapped
-- page: 10
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', began_ns / 1000000000, 'unixepoch') AS "began (UTC)",
       CASE WHEN instr(ip, ':') THEN '[' || ip || ']' ELSE ip END || ':' || port AS client,
       udp_asked AS "asked over UDP", udp_answered AS answered, round(udp_answer_s, 3) AS "first answer (s)",
       tcp_tried AS "connected to", round(tcp_first_s, 3) AS "first connection (s)",
       round(supernode_s, 3) AS "supernode (s)", round(login_s, 3) AS "login answered (s)",
       icmp_echoes AS "echo requests to", outcome, supernode_flow AS "supernode flow", login_flow AS "login flow", startup
FROM B2 WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY startup;

SELECT printf('Start-ups: %d. Candidates asked over UDP: %d, of which %d answered; start-ups in which none did: %d. Supernode found: ',
              count(*), sum(udp_asked), sum(udp_answered), sum(udp_asked > 0 AND udp_answered = 0))
       || CASE count(supernode_s) WHEN 0 THEN 'never' WHEN 1 THEN printf('once, after %.1f s', min(supernode_s))
          ELSE printf('%d times, after %.1f to %.1f s', count(supernode_s), min(supernode_s), max(supernode_s)) END
       || printf('. Start-ups with echo requests: %d.', sum(icmp_echoes > 0))
FROM B2 WHERE run = :run AND protocol IS coalesce(:protocol, protocol);
