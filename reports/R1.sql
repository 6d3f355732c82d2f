-- title: Signalling bitrate
-- kind: figure
-- section: Traffic
-- order: 510
-- about: CDF of the average signalling bitrate (R1, figure 1 of Rossi, Mellia and Meo): the signalling payload that an
--   internal client sent, over UDP and TCP, divided by its lifetime (D13). TCP is that of its host (R3).
-- paper: below 100 bit/s for 95 % of the clients; very few, possibly supernodes, send more than 1 kbit/s.
-- cautions: dropped duplicates untimed clock_jumps snapped
-- empty: No internal client was recognised that lived longer than one packet. Which clients are internal is said with
--   --local-net of 'footsteps read'.
WITH rates AS (SELECT bits_per_s, upto_percent, client, lifetime_s FROM R1 WHERE run = :run AND protocol = :protocol)
SELECT min(bits_per_s) AS bits_per_s, 0.0 AS upto_percent, NULL AS client, NULL AS lifetime_s -- the foot of the curve
FROM rates HAVING count(*) > 0
UNION ALL SELECT * FROM rates ORDER BY upto_percent, client;

SELECT printf('Internal clients: %d. Median %.4g bit/s, most %.4g bit/s; %.1f %% of them send less'
              || ' than 100 bit/s (paper: 95 %%), %.1f %% more than 1 kbit/s (paper: very few).', count(*),
              min(CASE WHEN upto_percent >= 50 THEN bits_per_s END), max(bits_per_s),
              100.0 * sum(bits_per_s < 100) / count(*), 100.0 * sum(bits_per_s > 1000) / count(*))
       || printf(' Over TCP goes %.1f %% of what they send.',
                 100.0 * sum(tcp_bits_per_s * lifetime_s) / nullif(sum(bits_per_s * lifetime_s), 0))
       || (SELECT CASE count(*) WHEN 0 THEN '' ELSE printf(' Left out, as no time passed between their first and last'
                  || ' packet: %d.', count(*)) END
           FROM clients WHERE run = :run AND protocol = :protocol AND verdict = protocol AND internal = 1
            AND client NOT IN (SELECT client FROM R1 WHERE run = :run AND protocol = :protocol))
FROM R1 WHERE run = :run AND protocol = :protocol;
