-- title: Length of signalling flows
-- kind: figure
-- order: 30
-- about: Complementary CDF of source flow length (R4, figure 2 of Rossi, Mellia and Meo): the share of
--   source flows, each direction of a client's UDP flow counted by itself, with more than so many packets.
-- paper: about 80 % of the source flows are single packets, and 99 % are shorter than 6 packets.
-- cautions: dropped duplicates clock_jumps disordered
WITH lengths AS (SELECT packets, count(*) AS flows FROM source_flows WHERE run = :run AND protocol = :protocol
                 GROUP BY packets),
     tail AS (SELECT packets, flows, sum(flows) OVER (ORDER BY packets DESC) - flows AS longer,
                     sum(flows) OVER () AS total
              FROM lengths)
SELECT packets, flows, longer, 100.0 * longer / total AS longer_percent FROM tail ORDER BY packets;

WITH lengths AS (SELECT packets, count(*) AS flows FROM source_flows WHERE run = :run AND protocol = :protocol
                 GROUP BY packets),
     head AS (SELECT packets, flows, sum(flows) OVER (ORDER BY packets) AS upto, sum(flows) OVER () AS total
              FROM lengths)
SELECT printf('%.1f %% of %d source flows are a single packet (paper: about 80 %%); 99 %% are shorter'
              || ' than %d packets (paper: 6).',
              100.0 * coalesce(sum(CASE packets WHEN 1 THEN flows END), 0) / max(total), max(total),
              1 + min(CASE WHEN upto * 100 >= total * 99 THEN packets END))
FROM head;
