-- title: What the trace is worth
-- kind: table
-- order: 10
-- about: The judgement of the trace: what its packets say about the capture itself. The figures that a
--   finding touches name it again.
-- empty: Nothing was found against this trace.
SELECT value AS count, words AS finding, name FROM counters WHERE run = :run AND area = 'trace' AND value > 0
ORDER BY instr(' dropped clock_jumps gaps longest_gap_s disordered worst_disorder_us duplicates snapped'
               || ' fragments one_sided_tcp missing_start missing_end retransmitted heads_lost ',
               ' ' || name || ' '), name;

WITH serious AS (SELECT value, words FROM counters
                 WHERE run = :run AND area = 'trace' AND value > 0
                   AND name IN ('dropped', 'clock_jumps', 'gaps', 'snapped', 'duplicates', 'one_sided_tcp'))
SELECT CASE count(*) WHEN 0 THEN 'No packet is known to be lost, cut, copied or out of its time.'
       ELSE 'Read the figures with this in mind: ' || group_concat(words || ': ' || value, '; ') || '.' END
FROM serious;
