-- title: Round-trip times by class and method
-- kind: table
-- order: 574
-- section: Traffic
-- about: The samples of the figure (R11), apart by how they were made. echo: a message id came back in the reply, and pairs the
--   two exactly. reply: the first packet that the client sent in a flow, and the first that it received after it.
-- empty: No round trip was measured.
-- cautions: dropped untimed clock_jumps disordered worst_disorder_us
SELECT class, method, samples, least_ms AS "least (ms)", median_ms AS "median (ms)",
       percentile_90_ms AS "90 % at most (ms)", greatest_ms AS "greatest (ms)"
FROM R11_methods WHERE run = :run AND protocol = :protocol ORDER BY class DESC, method;

SELECT printf('%d round trip%s: %d by an echoed id, %d by order.', sum(samples), CASE sum(samples) WHEN 1 THEN '' ELSE 's' END,
              sum(CASE method WHEN 'echo' THEN samples ELSE 0 END), sum(CASE method WHEN 'echo' THEN 0 ELSE samples END))
FROM R11_methods WHERE run = :run AND protocol = :protocol HAVING count(*) > 0;
