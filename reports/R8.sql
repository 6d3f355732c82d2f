-- title: Payload sizes of signalling
-- kind: figure
-- order: 50
-- about: CDF of UDP payload size, probe and non-probe traffic apart (R8, figure 4 of Rossi, Mellia and
--   Meo): a probe is a pair of client and peer with one flow of a single packet and at most one reply;
--   heartbeats and dialogs are non-probe.
-- paper: probes are typically smaller than non-probe traffic.
-- cautions: dropped duplicates
WITH sizes AS (SELECT value AS size, sum(CASE class WHEN 'probe' THEN count ELSE 0 END) AS probe,
                      sum(CASE class WHEN 'probe' THEN 0 ELSE count END) AS other
               FROM distributions WHERE run = :run AND protocol = :protocol AND measure LIKE 'payload_%' GROUP BY value
               UNION ALL -- the foot of the curve
               SELECT min(value) - 1, 0, 0 FROM distributions WHERE run = :run AND protocol = :protocol AND measure LIKE 'payload_%' HAVING count(*) > 0),
     upto AS (SELECT size, probe, other,
                     sum(probe) OVER (ORDER BY size) AS probe_upto, sum(probe) OVER () AS probes,
                     sum(other) OVER (ORDER BY size) AS other_upto, sum(other) OVER () AS others
              FROM sizes)
SELECT size AS payload_bytes, probe AS probe_messages, other AS non_probe_messages,
       100.0 * probe_upto / nullif(probes, 0) AS probe_upto_percent,
       100.0 * other_upto / nullif(others, 0) AS non_probe_upto_percent
FROM upto ORDER BY size;

WITH sizes AS (SELECT value AS size, class, sum(count) AS messages
               FROM distributions WHERE run = :run AND protocol = :protocol AND measure LIKE 'payload_%' GROUP BY 1, 2),
     upto AS (SELECT class, size, sum(messages) OVER (PARTITION BY class ORDER BY size) AS upto,
                     sum(messages) OVER (PARTITION BY class) AS total
              FROM sizes),
     medians AS (SELECT class, max(total) AS total, min(CASE WHEN upto * 2 >= total THEN size END) AS median
                 FROM upto GROUP BY class)
SELECT 'Medians: ' || group_concat(printf('%d bytes over %d %s messages', median, total, class), ', ') || '.'
FROM (SELECT * FROM medians ORDER BY class DESC);
