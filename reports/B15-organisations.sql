-- title: Supernodes by organisation
-- kind: table
-- order: 434
-- section: Supernodes
-- about: Connections to supernodes that went on behind the openings, and supernodes, of each organisation (B15, table VI of Baset and Schulzrinne, which has
--   universities): by the file of --asn, else by the domain of the name in a DNS answer of the trace.
-- paper: 35 % of 8153 logins went to names below .edu, of 102 universities; the first 20 of 894 supernodes got 43.8 %
--   of the connections.
-- empty: No client was connected to a supernode.
SELECT organisation, known_by AS "known by", connections AS "TCP connections",
       round(100.0 * connections / nullif(sum(connections) OVER (), 0), 1) AS "connections (%)", supernodes
FROM B15_organisations WHERE run = :run AND protocol = :protocol
ORDER BY connections DESC, supernodes DESC, organisation;

SELECT printf('Organisations or domains: %d, with supernodes: %d; supernodes of which nothing is known: %d.', sum(known_by IS NOT NULL),
              sum(CASE WHEN known_by IS NOT NULL THEN supernodes ELSE 0 END),
              sum(CASE WHEN known_by IS NULL THEN supernodes ELSE 0 END))
       || CASE WHEN sum(coalesce(known_by, '') = 'ASN file') = 0
               THEN ' With --asn FILE.mmdb more is known (free files: DB-IP ASN Lite, GeoLite2 ASN).' ELSE '' END
FROM B15_organisations WHERE run = :run AND protocol = :protocol;
