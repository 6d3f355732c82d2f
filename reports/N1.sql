-- title: Entries in a NAT or firewall
-- kind: figure
-- section: Network cost
-- order: 600
-- about: Entries (N1) that all clients of the protocol hold at a time in a table that keeps one for every 5-tuple and
--   drops it when no packet has come for 30, 120, 200 or 300 s: the most in each interval. Shaded: those of one-time
--   probes (D6), with 200 s. TCP connections and calls hold entries, too.
-- paper: nobody has counted it. For Rossi, Mellia and Meo these "temporary soft-state entries, rarely used later on" are
--   why signalling is worth a look; 30 s is Linux before an answer, 120 s the least and 300 s the choice of RFC 4787.
-- empty: No client held an entry.
-- cautions: dropped untimed clock_jumps gaps longest_gap_s
-- hides: one_sided_tcp
SELECT round(seconds, 3) AS seconds,
       max(CASE timeout_s WHEN 30 THEN entries END) AS entries_30s,
       max(CASE timeout_s WHEN 120 THEN entries END) AS entries_120s,
       max(CASE timeout_s WHEN 200 THEN entries END) AS entries_200s,
       max(CASE timeout_s WHEN 300 THEN entries END) AS entries_300s,
       max(CASE timeout_s WHEN 200 THEN probes END) AS probes_200s,
       max(CASE timeout_s WHEN 200 THEN tcp END) AS tcp_200s,
       strftime('%Y-%m-%dT%H:%M:%SZ', start_ns / 1000000000, 'unixepoch') AS start,
       max(width_s) AS width_s
FROM N1 WHERE run = :run AND protocol = :protocol GROUP BY start_ns ORDER BY start_ns;

WITH at AS (SELECT * FROM N1_peaks WHERE run = :run AND protocol = :protocol AND client = 0)
SELECT printf('With a timeout of 200 s the clients hold up to %d entries at a time, %.0f %% of them for one-time probes,'
              || ' and %.1f on average (%.0f %%). The peak is %d with 30 s, %d with 120 s and %d with 300 s.',
              peak, peak_probes_percent, mean, mean_probes_percent, (SELECT peak FROM at WHERE timeout_s = 30),
              (SELECT peak FROM at WHERE timeout_s = 120), (SELECT peak FROM at WHERE timeout_s = 300))
FROM at WHERE timeout_s = 200;
