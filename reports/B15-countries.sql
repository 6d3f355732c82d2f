-- title: Supernodes by country
-- kind: table
-- order: 432
-- section: Supernodes
-- about: Connections to supernodes that went on behind the openings, and supernodes, of each country (B15, table V of Baset and Schulzrinne), by the file of
--   --geo. What it does not know is UNKNOWN.
-- paper: of the supernodes' addresses 83.7 % in the United States, 8.9 % in Asia, 7.1 % in Europe.
-- empty: No client was connected to a supernode.
SELECT country, continent, connections AS "TCP connections",
       round(100.0 * connections / nullif(sum(connections) OVER (), 0), 1) AS "connections (%)", supernodes,
       round(100.0 * supernodes / sum(supernodes) OVER (), 1) AS "supernodes (%)"
FROM B15_countries WHERE run = :run AND protocol = :protocol
ORDER BY connections DESC, supernodes DESC, country, continent;

SELECT printf('Connections: %d, to supernodes: %d, in countries: %d; supernodes whose country is UNKNOWN: %d.',
              sum(connections), sum(supernodes), count(DISTINCT nullif(country, 'UNKNOWN')),
              sum(CASE country WHEN 'UNKNOWN' THEN supernodes ELSE 0 END))
       || CASE WHEN count(nullif(country, 'UNKNOWN')) = 0
               THEN ' Read again with --geo FILE.mmdb (free files: DB-IP Lite, GeoLite2).' ELSE '' END
FROM B15_countries WHERE run = :run AND protocol = :protocol;
