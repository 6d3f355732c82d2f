-- title: Supernodes per day
-- kind: table
-- order: 430
-- section: Supernodes
-- about: Different supernodes (address and port) that clients connected to on each day, UTC (B15, table IV of Baset and
--   Schulzrinne); openings that came to nothing do not count. Common: connected to on the calendar day before, too.
-- paper: 224, 371, 202 and 246 on four days; cumulative 224, 553, 699, 898; common with the day before 42, 98, 103.
-- empty: No client was connected to a supernode.
-- cautions: gaps untimed clock_jumps
SELECT strftime('%Y-%m-%d', day_ns / 1000000000, 'unixepoch') AS "day (UTC)", supernodes, cumulative,
       common AS "common with the day before", connections AS "TCP connections"
FROM B15 WHERE run = :run AND protocol = :protocol ORDER BY day_ns;

SELECT printf('Days: %d; supernodes a day on average: %.3g; different ones in all: %d%s.', count(*),
              avg(supernodes), max(cumulative),
              CASE WHEN count(common) > 0 THEN printf('; %.0f %% of a day''s are those of the day before', 100.0 * sum(common)
                   / sum(CASE WHEN common IS NOT NULL THEN supernodes END)) ELSE '' END)
FROM B15 WHERE run = :run AND protocol = :protocol;
