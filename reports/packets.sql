-- title: Packet account
-- kind: table
-- order: 820
-- section: The trace
-- about: Where every packet read went: each is in exactly one row.
-- empty: No packet was read.
SELECT value AS packets, words AS "what became of them", name FROM counters
WHERE run = :run AND area = 'packets' AND value > 0 ORDER BY value DESC, name;

SELECT CASE WHEN sum(value) = (SELECT packets FROM runs WHERE run = :run)
            THEN printf('The rows add up to %d: every packet read is accounted for.', sum(value))
            ELSE printf('The rows add up to %d but %d packets were read: a defect.', sum(value),
                        (SELECT packets FROM runs WHERE run = :run)) END
FROM counters WHERE run = :run AND area = 'packets';
