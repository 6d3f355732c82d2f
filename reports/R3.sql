-- title: Share of signalling
-- kind: figure
-- section: Traffic
-- order: 530
-- about: CDF of the share of signalling in all payload, voice and video included, that a client exchanged in the
--   protocol, both ways, over UDP and TCP (R3, section III.A of Rossi, Mellia and Meo).
-- paper: signalling is more than 99 % of the traffic of 80 % of the clients, and only 5 % of that of about 5 %.
-- cautions: dropped duplicates snapped
-- empty: No client was recognised that exchanged any payload.
WITH shares AS (SELECT share_percent, upto_percent, client, signalling, media FROM R3
                WHERE run = :run AND protocol = :protocol)
SELECT min(share_percent) AS share_percent, 0.0 AS upto_percent, NULL AS client, NULL AS signalling_bytes,
       NULL AS media_bytes -- the foot of the curve
FROM shares HAVING count(*) > 0
UNION ALL SELECT * FROM shares ORDER BY upto_percent, client;

SELECT printf('Signalling is more than 99 %% of the traffic of %.1f %% of the clients (paper: 80 %%; clients:'
              || ' %d), and at most 5 %% of that of %.1f %% (paper: about 5 %%); of all their bytes it is %.1f %%.',
              100.0 * sum(share_percent > 99) / count(*), count(*), 100.0 * sum(share_percent <= 5) / count(*),
              100.0 * sum(signalling) / sum(signalling + media))
FROM R3 WHERE run = :run AND protocol = :protocol;
