-- title: Round-trip times
-- kind: figure
-- order: 572
-- section: Traffic
-- about: CDF of the time from a client's packet to its reply (R11, figure 6 of Rossi, Mellia and Meo), at most one for
--   each signalling flow over UDP: of probes, from the probe to its response; of non-probe traffic, from the first
--   packet that the client sent to the first that it received after it. Where a reply carries the id of the message that
--   it answers, the two are paired by that. What was sent again before the reply is left out. The times are those of the
--   network and of the program that answers, from the place of the capture on.
-- paper: round trips of probes are shorter than those of non-probe traffic; from Torino, those within Europe take less
--   than 100 ms.
-- empty: No packet of a client with its reply: no client was recognised, or nothing over UDP was answered.
-- cautions: dropped untimed clock_jumps disordered worst_disorder_us
SELECT ms, probe_samples, non_probe_samples, probe_upto_percent, non_probe_upto_percent
FROM (SELECT ms, probe_samples, non_probe_samples, probe_upto_percent, non_probe_upto_percent
      FROM R11 WHERE run = :run AND protocol = :protocol
      UNION ALL -- the foot of the curves
      SELECT least, 0, 0, CASE WHEN probes > 0 THEN 0.0 END, CASE WHEN others > 0 THEN 0.0 END
      FROM (SELECT min(ms) AS least, sum(probe_samples) AS probes, sum(non_probe_samples) AS others
            FROM R11 WHERE run = :run AND protocol = :protocol)
      WHERE least IS NOT NULL)
ORDER BY ms, probe_upto_percent, non_probe_upto_percent;

WITH both AS (SELECT class, ms, sum(samples) AS samples, sum(CASE method WHEN 'echo' THEN samples ELSE 0 END) AS echoes
              FROM R11_samples WHERE run = :run AND protocol = :protocol GROUP BY class, ms),
     upto AS (SELECT class, ms, echoes, sum(samples) OVER (PARTITION BY class ORDER BY ms) AS upto,
                     sum(samples) OVER (PARTITION BY class) AS total
              FROM both),
     words AS (SELECT class, max(total) AS total, sum(echoes) AS echoes,
                      min(CASE WHEN upto * 2 >= total THEN ms END) AS median,
                      min(CASE WHEN upto * 10 >= total * 9 THEN ms END) AS most
               FROM upto GROUP BY class)
SELECT group_concat(printf('The median of %d %s round trip%s is %.4g ms, and 90 %% take at most %.4g ms.', total, class,
                           CASE total WHEN 1 THEN '' ELSE 's' END, median, most), ' ')
       || printf(' Paired by a message id that came back: %d of %d; the others by order.', sum(echoes), sum(total))
FROM (SELECT * FROM words ORDER BY class DESC) HAVING count(*) > 0;
