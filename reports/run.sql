-- title: Program and options
-- kind: table
-- order: 850
-- section: The trace
SELECT key, value FROM (
	SELECT 1 AS place, 'footsteps' AS key, version AS value FROM runs WHERE run = :run
	UNION ALL SELECT 2, 'libraries', libraries FROM runs WHERE run = :run
	UNION ALL SELECT 3, 'options', options FROM runs WHERE run = :run
	UNION ALL SELECT 4, 'run', CAST(run AS TEXT) FROM runs WHERE run = :run
	UNION ALL SELECT 5, 'complete', CASE complete WHEN 1 THEN 'yes' ELSE 'no' END FROM runs
	WHERE run = :run)
ORDER BY place;
