-- title: Where the supernodes are
-- kind: figure
-- order: 440
-- section: Supernodes
-- with: world.tsv
-- about: Supernodes that the clients were connected to (B16, figure 16 of Baset and Schulzrinne), by the file of --geo. Those within
--   two degrees are drawn as one, larger for more. Mercator's projection.
-- paper: 894 supernodes, most of them in the United States, the others in Asia and Europe.
-- empty: No place of a supernode is known: read the captures again with --geo FILE.mmdb (free files: DB-IP Lite, GeoLite2).
WITH cells AS (SELECT sum(longitude * supernodes) / sum(supernodes) AS longitude,
                      sum(latitude * supernodes) / sum(supernodes) AS latitude,
                      sum(supernodes) AS supernodes, sum(connections) AS connections, latitude IS NOT NULL AS placed
               FROM B16 WHERE run = :run AND protocol = :protocol
               GROUP BY round(latitude / 2), round(longitude / 2))
SELECT round(longitude, 2) AS longitude, round(latitude, 2) AS latitude, supernodes, connections, placed
FROM cells WHERE (SELECT max(placed) FROM cells)
ORDER BY placed, supernodes DESC, longitude, latitude;

SELECT printf('%d of %d supernodes are on the map; of the others the file does not say where they are.',
                        sum(CASE WHEN latitude IS NOT NULL THEN supernodes ELSE 0 END), sum(supernodes))
FROM B16 WHERE run = :run AND protocol = :protocol;
