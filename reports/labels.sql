-- title: Labels of all flows
-- kind: table
-- order: 810
-- section: The trace
-- about: Every flow of the trace by its final label, recognised or not, and what libndpi says of the same
--   flows. Bytes are IP header onward.
-- empty: The trace holds no flow.
SELECT label, source AS "label from", sum(flows) AS flows, sum(packets) AS packets,
       sum(payload) AS "payload (bytes)", sum(bytes) AS bytes,
       round(100.0 * sum(bytes) / nullif((SELECT sum(bytes) FROM label_totals WHERE run = :run), 0), 1)
       AS "% of bytes",
       group_concat(DISTINCT nullif(ndpi, '')) AS "libndpi says"
FROM label_totals WHERE run = :run GROUP BY label, source ORDER BY sum(bytes) DESC, label, source;
