-- title: Where the peers are
-- kind: figure
-- order: 580
-- section: Traffic
-- with: world.tsv
-- about: External addresses of the recognised clients' peers on the map (R9, figure 5 of Rossi, Mellia and Meo), by the
--   file of --geo. An address is a probe's if all its pairs are (D7), else non-probe. Dots within two degrees are drawn
--   as one, larger for more addresses. Mercator's projection.
-- paper: most probes stay near, in Europe and along the coasts of North America; other traffic goes farther.
-- empty: No place of a peer is known: read the captures again with --geo FILE.mmdb (free files: DB-IP Lite, GeoLite2).
WITH cells AS (SELECT sum(longitude * (probe + non_probe)) / sum(probe + non_probe) AS longitude,
                      sum(latitude * (probe + non_probe)) / sum(probe + non_probe) AS latitude,
                      sum(probe) AS probe, sum(non_probe) AS non_probe, latitude IS NOT NULL AS placed
               FROM R9 WHERE run = :run AND protocol = :protocol
               GROUP BY round(latitude / 2), round(longitude / 2))
SELECT round(longitude, 2) AS longitude, round(latitude, 2) AS latitude, probe, non_probe, placed
FROM cells WHERE (SELECT max(placed) FROM cells)
ORDER BY placed, probe + non_probe DESC, longitude, latitude;

SELECT printf('%d of %d addresses are on the map, %d of probes and %d of non-probe traffic; of the others the'
                        || ' file does not say where they are.',
                        sum(CASE WHEN latitude IS NOT NULL THEN probe + non_probe ELSE 0 END), sum(probe + non_probe),
                        sum(CASE WHEN latitude IS NOT NULL THEN probe ELSE 0 END),
                        sum(CASE WHEN latitude IS NOT NULL THEN non_probe ELSE 0 END))
FROM R9 WHERE run = :run AND protocol = :protocol;
