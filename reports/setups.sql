-- title: Network set-ups
-- kind: table
-- order: 110
-- section: Clients
-- about: How each recognised client is connected (B7), as far as its traffic tells, and why. Asked: peers that it sent the first
--   packet to, over UDP. Callers: hosts that spoke to it first. Hosts of its own network
--   (D5) do not count.
-- empty: No client was recognised.
-- hides: one_sided_tcp
SELECT CASE WHEN instr(ip, ':') THEN '[' || ip || ']' ELSE ip END || ':' || port AS client,
       setup AS "set-up", asked, s.answered, s.callers, reasons
FROM setups s JOIN clients c USING (run, client)
WHERE run = :run AND protocol IS coalesce(:protocol, protocol) ORDER BY client;

SELECT group_concat(printf('%s: %d', setup, n), '; ') || '.'
FROM (SELECT setup, count(*) AS n FROM setups s JOIN clients c USING (run, client)
      WHERE run = :run AND protocol IS coalesce(:protocol, protocol) GROUP BY setup ORDER BY n DESC, setup);
