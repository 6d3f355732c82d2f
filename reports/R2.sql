-- title: Peers in five minutes
-- kind: figure
-- section: Traffic
-- order: 520
-- about: CDF of C(p, i) (R2, inset of figure 1 of Rossi, Mellia and Meo): with how many different peers an internal
--   client exchanged a packet over UDP in the i-th 5 minutes since its first packet, over all clients and all such
--   intervals in their lifetimes (D13), empty ones included.
-- paper: 16 peers on average, at most 30 in 90 % of the cases, more than 75 in 1 %.
-- cautions: dropped untimed clock_jumps
-- empty: No internal client was recognised. Which clients are internal is said with --local-net of 'footsteps read'.
WITH contacts AS (SELECT peers, intervals, upto_percent FROM R2
                  WHERE run = :run AND protocol = :protocol AND class = 'internal')
SELECT max(min(peers) - 1, 0) AS peers, 0 AS intervals, 0.0 AS upto_percent -- the foot of the curve
FROM contacts HAVING count(*) > 0
UNION ALL SELECT * FROM contacts ORDER BY peers, upto_percent;

SELECT CASE sum(intervals) WHEN 1 THEN printf('One client in a single interval: %d peers (paper: 16 on average, at most 30 in 90 %%).', max(peers))
       ELSE printf('%.4g peers on average (paper: 16) over the intervals (%d), at most %d in 90 %% of them (paper: 30)'
              || ' and at most %d in 99 %% (paper: 75); %.1f %% of the intervals are without a packet.',
              1.0 * sum(peers * intervals) / sum(intervals), sum(intervals),
              min(CASE WHEN upto_percent >= 90 THEN peers END), min(CASE WHEN upto_percent >= 99 THEN peers END),
              100.0 * sum(CASE peers WHEN 0 THEN intervals ELSE 0 END) / sum(intervals)) END
FROM R2 WHERE run = :run AND protocol = :protocol AND class = 'internal';
