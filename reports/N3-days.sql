-- title: Day by day
-- kind: table
-- section: Over time
-- order: 720
-- about: Signalling over UDP (D11) by the day, UTC. Flows, logins and calls count on the day on which they began; a
--   client is active on a day on which it exchanged a packet, and new on that of its first one.
-- cautions: dropped duplicates untimed clock_jumps gaps longest_gap_s
-- empty: No signalling, login or call in this trace.
SELECT start_utc AS day, flows, packets, payload AS "payload (bytes)", active_clients AS "active clients",
       new_clients AS "new clients", logins, calls
FROM N3 WHERE run = :run AND protocol = :protocol AND period = 'day' ORDER BY start_s;

SELECT printf('Days with signalling: %d; packets a day on average: %.4g.', count(*), 1.0 * sum(packets) / count(*))
FROM N3 WHERE run = :run AND protocol = :protocol AND period = 'day' HAVING count(*) > 0;
