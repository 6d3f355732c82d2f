-- title: Peaks in a NAT or firewall
-- kind: table
-- section: Network cost
-- order: 610
-- about: The most entries (N1) at a time, by the table's timeout: of all clients of the protocol together, where a
--   conversation between two of them is one entry, and of each client. The further columns are those of 200 s: when the
--   peak was first reached, how much of it was for one-time probes (D6), the mean (over the trace, and over a client's
--   lifetime, D13), and how many entries were made in all.
-- paper: Rossi, Mellia and Meo: a client contacts 16 peers in 5 minutes on average, and more than 75 in 1 % of cases,
--   "which may constitute a burden for some layer-4 devices".
-- cautions: dropped untimed clock_jumps gaps longest_gap_s
-- empty: No client held an entry.
-- page: 11
WITH peaks AS (SELECT client, ip, port,
                      max(CASE timeout_s WHEN 30 THEN peak END) AS peak_30, max(CASE timeout_s WHEN 120 THEN peak END) AS peak_120,
                      max(CASE timeout_s WHEN 200 THEN peak END) AS peak_200, max(CASE timeout_s WHEN 300 THEN peak END) AS peak_300
               FROM N1_peaks WHERE run = :run AND protocol = :protocol GROUP BY client)
SELECT CASE p.client WHEN 0 THEN 'all clients'
            ELSE CASE WHEN instr(p.ip, ':') THEN '[' || p.ip || ']' ELSE p.ip END || ':' || p.port END AS "who",
       peak_30 AS "peak, 30 s", peak_120 AS "peak, 120 s", peak_200 AS "peak, 200 s", peak_300 AS "peak, 300 s",
       round(n.peak_probes_percent, 1) AS "of probes (%)",
       strftime('%Y-%m-%dT%H:%M:%SZ', n.peak_ns / 1000000000, 'unixepoch') AS "when (UTC)",
       round(n.mean, 1) AS "mean", round(n.mean_probes_percent, 1) AS "of probes in the mean (%)",
       n.opened AS "made", round(n.opened_probes_percent, 1) AS "made for a probe (%)", n.peak_tcp AS "TCP at the peak"
FROM peaks p JOIN N1_peaks n ON n.run = :run AND n.protocol = :protocol AND n.client = p.client AND n.timeout_s = 200
ORDER BY p.client > 0, peak_200 DESC, p.client;

WITH one AS (SELECT peak, row_number() OVER (ORDER BY peak) AS n, count(*) OVER () AS clients
             FROM N1_peaks WHERE run = :run AND protocol = :protocol AND client > 0 AND timeout_s = 200)
SELECT printf('With a timeout of 200 s the busiest client (of %d) holds %d entries at a time, and the median'
              || ' client %d at its peak. Of %d entries made in all, %.1f %% were made for a single probe.',
              clients, (SELECT max(peak) FROM one), one.peak, together.opened, together.opened_probes_percent)
FROM one, N1_peaks together WHERE n = (clients + 1) / 2 AND run = :run AND protocol = :protocol AND client = 0
                              AND timeout_s = 200;
