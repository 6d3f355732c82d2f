-- title: Signalling over time
-- kind: figure
-- section: Over time
-- order: 710
-- about: Signalling over UDP (D11) by the hour, UTC (by the minute in traces of at most 6 hours, by the day from 2000
--   hours on), new clients, and logins and calls that began.
-- cautions: dropped duplicates untimed clock_jumps gaps longest_gap_s
-- empty: No signalling, login or call in this trace.
WITH RECURSIVE
     shown AS (SELECT CASE WHEN sum(period = 'minute') > 0 THEN 'minute'
                           WHEN max(start_s) - min(start_s) <= 2000 * 3600 THEN 'hour' ELSE 'day' END AS period
               FROM N3 WHERE run = :run AND protocol = :protocol),
     ends AS (SELECT period, CASE period WHEN 'minute' THEN 60 WHEN 'hour' THEN 3600 ELSE 86400 END AS period_s,
                     min(start_s) AS first_s, max(start_s) AS last_s
              FROM N3 JOIN shown USING (period) WHERE run = :run AND protocol = :protocol GROUP BY period),
     times(start_s) AS (SELECT first_s FROM ends
                        UNION ALL SELECT start_s + period_s FROM times, ends WHERE start_s < last_s)
SELECT t.start_s, e.period_s, coalesce(n.packets, 0) AS packets, coalesce(n.payload, 0) AS payload,
       coalesce(n.flows, 0) AS flows, coalesce(n.active_clients, 0) AS active_clients,
       coalesce(n.new_clients, 0) AS new_clients, coalesce(n.logins, 0) AS logins, coalesce(n.calls, 0) AS calls,
       e.period, strftime('%Y-%m-%dT%H:%MZ', t.start_s, 'unixepoch') AS start_utc
FROM times t CROSS JOIN ends e LEFT JOIN N3 n
     ON n.run = :run AND n.protocol = :protocol AND n.period = e.period AND n.start_s = t.start_s
ORDER BY t.start_s;

WITH own AS (SELECT * FROM N3 WHERE run = :run AND protocol = :protocol),
     drawn AS (SELECT * FROM own WHERE period = (
               SELECT CASE WHEN sum(period = 'minute') > 0 THEN 'minute'
                           WHEN max(start_s) - min(start_s) <= 2000 * 3600 THEN 'hour' ELSE 'day' END FROM own))
SELECT printf('The busiest %s begins at %s: packets %d, kB of signalling %.4g, active'
              || ' clients %d. In all %ss together: new clients %d, logins %d, calls %d.', period, start_utc, packets,
              payload / 1e3, active_clients, period,
              (SELECT sum(new_clients) FROM drawn), (SELECT sum(logins) FROM drawn), (SELECT sum(calls) FROM drawn))
FROM drawn ORDER BY payload DESC, start_s LIMIT 1;
