-- title: What was lost
-- kind: figure
-- order: 805
-- section: The trace
-- about: Packets that a live capture lost, by cause: dropped by the kernel, which had no room in its ring, or by the
--   interface or its driver, as a share of the packets of each minute. "Mind the trace" names them again below every
--   figure that they touch. Records that the database had no room for are in the data.
-- empty: These packets come from files, or the live capture lost none.
SELECT start_ns / 1000000000 AS start_s, packets, kernel, interface, store,
       100.0 * kernel / nullif(packets + kernel + interface, 0) AS kernel_percent,
       100.0 * interface / nullif(packets + kernel + interface, 0) AS interface_percent,
       strftime('%Y-%m-%dT%H:%MZ', start_ns / 1000000000, 'unixepoch') AS start_utc
FROM drops WHERE run = :run AND EXISTS (SELECT 1 FROM drops WHERE run = :run AND kernel + interface + store > 0)
ORDER BY start_ns;

SELECT printf('Lost: %.2g %% of %d packets (kernel %d, interface %d), in %d of %d minutes%s.',
              100.0 * sum(kernel + interface) / sum(packets + kernel + interface),
              sum(packets + kernel + interface), sum(kernel), sum(interface), sum(kernel + interface > 0), count(*),
              CASE sum(store) WHEN 0 THEN '' ELSE printf('; and %d records of flows and events', sum(store)) END)
       || coalesce(printf(' The worst minutes: %s.',
          (SELECT group_concat(printf('%s (%.2g %%)', strftime('%Y-%m-%dT%H:%MZ', start_ns / 1000000000, 'unixepoch'),
                                      percent), ', ')
           FROM (SELECT * FROM drops WHERE run = :run AND percent > 0 ORDER BY percent DESC, start_ns LIMIT 3)
           HAVING count(*) > 0)), '')
FROM drops WHERE run = :run;
