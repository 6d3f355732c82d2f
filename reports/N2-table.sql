-- title: Classes by timeout
-- kind: table
-- section: Network cost
-- order: 630
-- about: The figure above in numbers (N2): pairs of a client and a peer by class (D10), and the flows and packets of their
--   signalling over UDP, in percent. The run's own timeout is marked; its row is what the table of classes says.
-- cautions: dropped duplicates untimed clock_jumps
-- empty: No signalling over UDP in this trace.
-- page: 10
SELECT CASE WHEN timeout_s = CAST(timeout_s AS INTEGER) THEN CAST(timeout_s AS INTEGER) ELSE timeout_s END
       || CASE max(own) WHEN 1 THEN ' *' ELSE '' END AS "timeout (s)",
       round(max(CASE class WHEN 'probe' THEN pairs_percent END), 1) AS "probe pairs (%)",
       round(max(CASE class WHEN 'heartbeat' THEN pairs_percent END), 1) AS "heartbeat pairs (%)",
       round(max(CASE class WHEN 'dialog' THEN pairs_percent END), 1) AS "dialog pairs (%)",
       round(max(CASE class WHEN 'mix' THEN pairs_percent END), 1) AS "mix pairs (%)",
       sum(flows) AS flows,
       round(max(CASE class WHEN 'probe' THEN flows_percent END), 1) AS "probe flows (%)",
       round(max(CASE class WHEN 'heartbeat' THEN flows_percent END), 1) AS "heartbeat flows (%)",
       round(max(CASE class WHEN 'dialog' THEN flows_percent END), 1) AS "dialog flows (%)",
       round(max(CASE class WHEN 'mix' THEN flows_percent END), 1) AS "mix flows (%)",
       round(max(CASE class WHEN 'probe' THEN packets_percent END), 1) AS "probe packets (%)",
       round(max(CASE class WHEN 'heartbeat' THEN packets_percent END), 1) AS "heartbeat packets (%)",
       round(max(CASE class WHEN 'dialog' THEN packets_percent END), 1) AS "dialog packets (%)",
       round(max(CASE class WHEN 'mix' THEN packets_percent END), 1) AS "mix packets (%)",
       sum(pairs) AS pairs, sum(packets) AS packets
FROM N2 WHERE run = :run AND protocol = :protocol GROUP BY timeout_s ORDER BY timeout_s;
