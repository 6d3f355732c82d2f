-- title: Popularity of peers
-- kind: figure
-- section: Traffic
-- order: 576
-- about: CDF of popularity (R12, figure 7 of Rossi, Mellia and Meo): by how many internal clients an external peer was
--   contacted (left), and by how many external peers an internal client was (right); probe peers and all others
--   apart. To contact is to send the first packet that the two ever exchange here.
-- paper: internal clients are probed by a single external peer in about 65 % of the cases; a few, supernodes, are
--   by 100 and more.
-- cautions: dropped missing_start
-- empty: No internal client was recognised. Which clients are internal is said with --local-net of 'footsteps read'.
WITH popular AS (SELECT side, class, popularity, peers, upto_percent FROM R12 WHERE run = :run AND protocol = :protocol)
SELECT side, class, min(popularity) AS popularity, 0 AS peers, 0.0 AS upto_percent -- the feet of the curves
FROM popular GROUP BY side, class
UNION ALL SELECT * FROM popular ORDER BY side, class, popularity, upto_percent;

SELECT group_concat(printf('%s contacted %s: %d, %.1f %% of them by a single %s%s, none by more than %d.',
                           CASE side WHEN 'external' THEN 'External peers' ELSE 'Internal clients' END,
                           CASE class WHEN 'probe' THEN 'with a probe' ELSE 'with more than a probe' END, peers, single,
                           CASE side WHEN 'external' THEN 'client' ELSE 'peer' END,
                           CASE WHEN side = 'internal' AND class = 'probe' THEN ' (paper: about 65 %)' ELSE '' END,
                           most),
                    ' ')
FROM (SELECT side, class, sum(peers) AS peers,
             100.0 * sum(CASE popularity WHEN 1 THEN peers ELSE 0 END) / sum(peers) AS single,
             max(popularity) AS most
      FROM R12 WHERE run = :run AND protocol = :protocol GROUP BY side, class ORDER BY side, class DESC)
HAVING count(*) > 0;
