-- title: What the trace is worth
-- kind: table
-- order: 800
-- section: The trace
-- about: The judgement of the trace: what its packets say about the capture itself. The figures that a
--   finding touches name it again.
-- empty: Nothing was found against this trace.
SELECT value AS count, words AS finding, name FROM counters WHERE run = :run AND area = 'trace' AND value > 0
ORDER BY instr(' dropped untimed clock_jumps gaps longest_gap_s disordered worst_disorder_us duplicates'
               || ' snapped fragments one_sided_tcp missing_start missing_end retransmitted heads_lost ',
               ' ' || name || ' '), name;

WITH found AS (SELECT name, value, words FROM counters WHERE run = :run AND area = 'trace' AND value > 0),
     -- A step back of less than a second is a capture from several queues: it moves no figure.
     serious AS (SELECT value, words FROM found
                 WHERE name IN ('dropped', 'untimed', 'clock_jumps', 'gaps', 'snapped', 'duplicates',
                                'heads_lost', 'one_sided_tcp')
                    OR (name = 'disordered'
                        AND EXISTS (SELECT 1 FROM found WHERE name = 'worst_disorder_us' AND value >= 1000000)))
SELECT CASE count(*) WHEN 0 THEN 'No serious fault; the table says what there is.'
       ELSE 'Read the figures with this in mind: ' || group_concat(words || ': ' || value, '; ') || '.' END
FROM serious;
