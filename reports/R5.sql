-- title: Duration of signalling flows
-- kind: figure
-- order: 40
-- about: Complementary CDF of source flow duration (R5, inset of figure 2 of Rossi, Mellia and Meo): the
--   share of source flows that last longer, from the first to the last packet of the direction. A single
--   packet lasts 0 s.
-- paper: single packets, which last 0 s, are about 80 %, so 20 % last longer; some signalling lasts for hours.
-- cautions: dropped clock_jumps disordered worst_disorder_us gaps longest_gap_s
WITH -- Durations rounded up to two digits: at most 90 points in a decade, and none is moved down.
     two_digits AS (SELECT seconds, CAST(printf('%.1e', seconds) AS REAL) AS near,
                           CAST('0.1' || substr(printf('%.1e', seconds), 4) AS REAL) AS step
                    FROM source_flows WHERE run = :run AND protocol = :protocol),
     durations AS (SELECT CASE WHEN seconds <= 0 THEN 0.0
                               WHEN near >= seconds THEN near
                               ELSE CAST(printf('%.1e', near + step) AS REAL) END AS seconds,
                          count(*) AS flows
                   FROM two_digits GROUP BY 1),
     tail AS (SELECT seconds, flows, sum(flows) OVER (ORDER BY seconds DESC) - flows AS longer,
                     sum(flows) OVER () AS total
              FROM durations)
SELECT seconds, flows, longer, 100.0 * longer / total AS longer_percent FROM tail ORDER BY seconds;

WITH lasting AS (SELECT seconds, row_number() OVER (ORDER BY seconds) AS n, count(*) OVER () AS lasting
                 FROM source_flows WHERE run = :run AND protocol = :protocol AND seconds > 0),
     every AS (SELECT count(*) AS flows, sum(seconds <= 0) AS instant, max(seconds) AS longest
               FROM source_flows WHERE run = :run AND protocol = :protocol)
SELECT printf('%.1f %% of %d source flows last no time at all', 100.0 * instant / flows, flows)
       || CASE WHEN longest > 0
               THEN printf('; the median of the others is %.4g s, the longest %s s.',
                           (SELECT seconds FROM lasting WHERE n = (lasting + 1) / 2),
                           CASE WHEN longest < 100 THEN printf('%.4g', longest)
                                ELSE printf('%.0f', longest) END)
               ELSE '.' END
FROM every;
