-- title: Peers by continent, country and city
-- kind: table
-- order: 582
-- section: Traffic
-- about: External addresses of the recognised clients' peers (R10, table II of Rossi, Mellia and Meo) by the file of
--   --geo: all continents, the ten first countries of the continent with most addresses, and the ten first cities of its
--   country with most. An address is a probe's if all its pairs are (D7), else non-probe. Shares are of each breakdown.
--   What the file does not know is UNKNOWN.
-- paper: campus of Torino, April 2007; its countries are those of Europe, its cities those of Italy.
-- empty: No client has a peer.
WITH paper(level, within, place, non_probe, probe) AS (VALUES
         ('continent', 'world', 'Africa', 946, 4763), ('continent', 'world', 'North America', 11857, 25246),
         ('continent', 'world', 'South America', 1530, 5709), ('continent', 'world', 'Asia', 6241, 24777),
         ('continent', 'world', 'Europe', 19598, 96444), ('continent', 'world', 'Oceania', 391, 1520),
         ('continent', 'world', 'UNKNOWN', 10795, 54069),
         ('country', 'Europe', 'Finland', 822, NULL), ('country', 'Europe', 'Poland', 1099, 11072),
         ('country', 'Europe', 'Belgium', 1170, 3655), ('country', 'Europe', 'UNKNOWN', 1212, NULL),
         ('country', 'Europe', 'Sweden', 1298, 4068), ('country', 'Europe', 'Netherlands', 1349, 5159),
         ('country', 'Europe', 'The Netherlands', 1349, 5159), ('country', 'Europe', 'Italy', 1743, 7130),
         ('country', 'Europe', 'Germany', 2004, 13584), ('country', 'Europe', 'France', 2327, 9492),
         ('country', 'Europe', 'Spain', NULL, 5171), ('country', 'Europe', 'Bulgaria', NULL, 4110),
         ('city', 'Italy', 'Moncalieri', 18, NULL), ('city', 'Italy', 'Florence', 19, 72),
         ('city', 'Italy', 'Naples', 20, 54), ('city', 'Italy', 'Bari', 20, 99), ('city', 'Italy', 'Bologna', 38, 71),
         ('city', 'Italy', 'Rome', 81, 365), ('city', 'Italy', 'Milan', 93, 290), ('city', 'Italy', 'Turin', 139, 208),
         ('city', 'Italy', 'Padua', NULL, 58), ('city', 'Italy', 'UNKNOWN', 1055, 4722)),
     paper_all(level, non_probe, probe) AS (VALUES ('continent', 51358, 212528), ('country', 19598, 96444),
                                                   ('city', 1743, 7130)),
     top AS (SELECT level, within, place, probe, non_probe, rank, 0 AS others FROM R10
             WHERE run = :run AND protocol = :protocol AND (rank <= 10 OR level = 'continent' OR place = 'UNKNOWN')
             UNION ALL
             SELECT level, within, printf('%d others', count(*)), sum(probe), sum(non_probe), 0, 1 FROM R10
             WHERE run = :run AND protocol = :protocol AND NOT (rank <= 10 OR level = 'continent' OR place = 'UNKNOWN')
             GROUP BY level, within),
     shares AS (SELECT *, sum(probe) OVER (PARTITION BY level) AS probes, sum(non_probe) OVER (PARTITION BY level) AS others_all
                FROM top)
SELECT s.level || CASE s.level WHEN 'continent' THEN '' ELSE ' of ' || s.within END AS breakdown, s.place,
       round(100.0 * s.non_probe / nullif(s.others_all, 0), 2) AS "non-probe (%)", s.non_probe AS "non-probe",
       round(100.0 * s.probe / nullif(s.probes, 0), 2) AS "probe (%)", s.probe,
       round(100.0 * p.non_probe / a.non_probe, 2) AS "paper: non-probe (%)",
       round(100.0 * p.probe / a.probe, 2) AS "paper: probe (%)"
FROM shares s JOIN paper_all a USING (level)
     LEFT JOIN paper p ON p.level = s.level AND p.within = s.within AND p.place = s.place
ORDER BY CASE s.level WHEN 'continent' THEN 1 WHEN 'country' THEN 2 ELSE 3 END, s.place = 'UNKNOWN', s.others, s.rank;

WITH all_of AS (SELECT sum(probe) AS probe, sum(non_probe) AS non_probe,
                       sum(CASE place WHEN 'UNKNOWN' THEN probe + non_probe ELSE 0 END) AS unknown
                FROM R10 WHERE run = :run AND protocol = :protocol AND level = 'continent')
SELECT printf('%d external addresses of peers, %d of probes and %d of non-probe traffic; of %.1f %% the continent is UNKNOWN.',
              probe + non_probe, probe, non_probe, 100.0 * unknown / (probe + non_probe))
       || coalesce((SELECT printf(' Most are in %s: %.1f %% of the probes (paper, %s: %s), %.1f %% of the others (%s).', place,
                                  100.0 * c.probe / nullif(all_of.probe, 0), 'Europe', '45.4 %',
                                  100.0 * c.non_probe / nullif(all_of.non_probe, 0), '38.2 %')
                    FROM R10 c WHERE run = :run AND protocol = :protocol AND level = 'continent' AND rank = 1
                    AND place <> 'UNKNOWN'), '')
       || coalesce((SELECT group_concat(printf(' Places are those of %s, built %s%s.', type, strftime('%Y-%m-%d', built_ns / 1000000000, 'unixepoch'),
                                            CASE WHEN abs(built_ns - r.first_ns) > 31557600000000000
                                                 THEN printf('; the trace is of %s, and addresses move',
                                                             strftime('%Y', r.first_ns / 1000000000, 'unixepoch'))
                                                 ELSE '' END), '')
                 FROM place_files f JOIN runs r USING (run) WHERE f.run = :run AND f.option = 'geo'),
                   ' No file of places was given: read again with --geo FILE.mmdb (free files: DB-IP Lite, GeoLite2).')
FROM all_of;
