-- title: How flows ended
-- kind: table
-- order: 830
-- section: The trace
-- about: Flows (D1) by the reason of their end.
-- empty: The trace holds no flow.
SELECT value AS flows, words AS "end", name FROM counters
WHERE run = :run AND area = 'flows' AND value > 0 ORDER BY value DESC, name;
