-- title: Payload sizes of signalling
-- kind: figure
-- section: Traffic
-- order: 570
-- about: CDF of UDP payload size, probe and non-probe traffic apart (R8, figure 4 of Rossi, Mellia and
--   Meo): a probe is a pair of client and peer with one flow of a single packet and at most one reply;
--   heartbeats and dialogs are non-probe.
-- paper: probes are typically smaller than non-probe traffic.
-- empty: No recognised client exchanged signalling over UDP.
-- cautions: dropped duplicates
WITH sizes AS (SELECT payload_bytes, probe_messages, non_probe_messages, probe_upto_percent, non_probe_upto_percent
               FROM R8 WHERE run = :run AND protocol = :protocol)
SELECT min(payload_bytes) - 1 AS payload_bytes, 0 AS probe_messages, 0 AS non_probe_messages, -- the foot of the curve
       CASE WHEN sum(probe_messages) > 0 THEN 0.0 END AS probe_upto_percent,
       CASE WHEN sum(non_probe_messages) > 0 THEN 0.0 END AS non_probe_upto_percent
FROM sizes HAVING count(*) > 0
UNION ALL SELECT * FROM sizes ORDER BY payload_bytes;

WITH medians(class, total, median) AS (
	SELECT 'probe', sum(probe_messages), min(CASE WHEN probe_upto_percent >= 50 THEN payload_bytes END)
	FROM R8 WHERE run = :run AND protocol = :protocol
	UNION ALL SELECT 'non-probe', sum(non_probe_messages),
	                 min(CASE WHEN non_probe_upto_percent >= 50 THEN payload_bytes END)
	FROM R8 WHERE run = :run AND protocol = :protocol)
SELECT 'Medians: ' || group_concat(printf('%d bytes over %d %s messages', median, total, class), ', ')
       || ' (paper: probes are smaller).'
FROM medians WHERE total > 0;
