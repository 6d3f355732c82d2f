-- title: Duration of signalling flows
-- kind: figure
-- section: Traffic
-- order: 550
-- about: Complementary CDF of source flow duration (R5, inset of figure 2 of Rossi, Mellia and Meo): the
--   share of source flows that last longer, from the first to the last packet of the direction. A single
--   packet lasts 0 s. Durations are rounded to three digits.
-- paper: single packets, which last 0 s, are about 80 %, so 20 % last longer; some signalling lasts for hours.
-- empty: No recognised client exchanged signalling over UDP.
-- cautions: dropped untimed clock_jumps disordered worst_disorder_us gaps longest_gap_s
SELECT seconds, flows, longer, longer_percent FROM R5 WHERE run = :run AND protocol = :protocol ORDER BY seconds;

WITH durations AS (SELECT seconds, flows, sum(flows) OVER (ORDER BY seconds) AS upto, sum(flows) OVER () AS lasting
                   FROM R5 WHERE run = :run AND protocol = :protocol AND seconds > 0)
SELECT printf('%.1f %% of %d source flows last no time at all (paper: about 80 %%)',
              100.0 * sum(CASE WHEN seconds <= 0 THEN flows ELSE 0 END) / sum(flows), sum(flows))
       || CASE WHEN max(seconds) > 0
               THEN printf('; the median of the others is %.3g s, the longest %s s.',
                           (SELECT min(seconds) FROM durations WHERE upto * 2 >= lasting),
                           CASE WHEN max(seconds) < 100 THEN printf('%.3g', max(seconds))
                                ELSE printf('%.0f', max(seconds)) END)
               ELSE '.' END
FROM R5 WHERE run = :run AND protocol = :protocol;
