-- title: Length of signalling flows
-- kind: figure
-- section: Traffic
-- order: 540
-- about: Complementary CDF of source flow length (R4, figure 2 of Rossi, Mellia and Meo): the share of
--   source flows, each direction of a client's UDP flow counted by itself, with more than so many packets.
-- paper: about 80 % of the source flows are single packets, and 99 % are shorter than 6 packets.
-- empty: No recognised client exchanged signalling over UDP.
-- cautions: dropped duplicates untimed clock_jumps disordered
SELECT packets, flows, longer, longer_percent FROM R4 WHERE run = :run AND protocol = :protocol ORDER BY packets;

SELECT printf('%.1f %% of %d source flows are a single packet (paper: about 80 %%); 99 %% are shorter'
              || ' than %d packets (paper: 6); the longest has %d.',
              100.0 * sum(CASE packets WHEN 1 THEN flows ELSE 0 END) / sum(flows), sum(flows),
              1 + min(CASE WHEN longer_percent <= 1 THEN packets END), max(packets))
FROM R4 WHERE run = :run AND protocol = :protocol;
