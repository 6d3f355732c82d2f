-- title: Classes and the inactivity timeout
-- kind: figure
-- section: Network cost
-- order: 620
-- about: What the choice of the inactivity timeout (D1) does to the classes of pairs (D10, N2): the share of pairs, and of
--   flows, in each class if a flow ended after so many seconds without a packet. Signalling over UDP.
-- paper: Rossi, Mellia and Meo chose 200 s (circles: their table I) and find the results "only very marginally affected
--   by the choice of the inactivity timer, as far as it is up to a few minutes".
-- empty: No recognised client exchanged signalling over UDP.
-- cautions: dropped duplicates untimed clock_jumps
SELECT round(timeout_s, 3) AS timeout_s,
       round(max(CASE class WHEN 'probe' THEN pairs_percent END), 3) AS probe_pairs_percent,
       round(max(CASE class WHEN 'heartbeat' THEN pairs_percent END), 3) AS heartbeat_pairs_percent,
       round(max(CASE class WHEN 'dialog' THEN pairs_percent END), 3) AS dialog_pairs_percent,
       round(max(CASE class WHEN 'mix' THEN pairs_percent END), 3) AS mix_pairs_percent,
       round(max(CASE class WHEN 'probe' THEN flows_percent END), 3) AS probe_flows_percent,
       round(max(CASE class WHEN 'heartbeat' THEN flows_percent END), 3) AS heartbeat_flows_percent,
       round(max(CASE class WHEN 'dialog' THEN flows_percent END), 3) AS dialog_flows_percent,
       round(max(CASE class WHEN 'mix' THEN flows_percent END), 3) AS mix_flows_percent
FROM N2 WHERE run = :run AND protocol = :protocol GROUP BY timeout_s ORDER BY timeout_s;

WITH moved AS (SELECT class, last.pairs_percent - first.pairs_percent AS pairs, last.flows_percent - first.flows_percent AS flows
               FROM N2 first JOIN N2 last USING (run, protocol, class)
               WHERE run = :run AND protocol = :protocol AND first.timeout_s = 60 AND last.timeout_s = 600)
SELECT CASE WHEN max(max(abs(pairs)), max(abs(flows))) < 0.05
       THEN 'From 60 to 600 s no share of pairs or flows moves by as much as a tenth of a percentage point.'
       ELSE printf('From 60 to 600 s the share of pairs moves by %+.1f percentage points for probes, %+.1f for heartbeats, %+.1f'
              || ' for dialogs and %+.1f for mixed pairs; the share of flows by %+.1f, %+.1f, %+.1f and %+.1f.',
              max(CASE class WHEN 'probe' THEN pairs END), max(CASE class WHEN 'heartbeat' THEN pairs END),
              max(CASE class WHEN 'dialog' THEN pairs END), max(CASE class WHEN 'mix' THEN pairs END),
              max(CASE class WHEN 'probe' THEN flows END), max(CASE class WHEN 'heartbeat' THEN flows END),
              max(CASE class WHEN 'dialog' THEN flows END), max(CASE class WHEN 'mix' THEN flows END)) END
       -- Ten times the longest timeout: gaps of that length are cut off by the ends of a shorter trace.
       || (SELECT CASE WHEN last_ns - first_ns < 6e12
                       THEN printf(' The trace lasts %.1f minutes only, so that few long gaps can be seen.',
                                   (last_ns - first_ns) / 6e10) ELSE '' END FROM runs WHERE run = :run)
FROM moved HAVING count(*) > 0;
