-- title: Activity of single clients
-- kind: figure
-- order: 120
-- section: Clients
-- about: Every message of a client over UDP and TCP (R6, figure 3 of Rossi, Mellia and Meo): time since its first packet, and
--   the peer, numbered in order of first contact; above the axis what the client sent, below it what it
--   received. Dots in a row are a peer that it keeps talking to, dots in a column many peers at once, and the
--   slanted edge is its discovery of new ones. Of long flows the messages behind the 1024th are thinned. What
--   falls on one another is drawn as one; view R6 of the database has every dot.
-- paper: the number of peers grows almost linearly with time; some are contacted regularly, and every hour
--   many at once. The client without a call contacted about 1100 peers, the one with calls about 450.
-- cautions: dropped duplicates untimed clock_jumps disordered
-- empty: No message was kept: no client of the protocol was recognised, or it was read with --activity 0.
WITH dots AS (SELECT place, seconds, peer FROM R6 WHERE run = :run AND protocol = :protocol),
     shown AS (SELECT a.place, row_number() OVER (ORDER BY a.place) AS panel, a.why, a.peers, d.span,
                      CASE WHEN instr(c.ip, ':') THEN '[' || c.ip || ']' ELSE c.ip END || ':' || c.port AS socket
               FROM activity a JOIN clients c USING (run, client)
                    JOIN (SELECT place, max(seconds) + 1e-5 AS span FROM dots GROUP BY place) d USING (place)
               WHERE a.run = :run AND c.protocol = :protocol
               ORDER BY a.place LIMIT 4),
     -- Cells of the drawing: 400 columns, 600 rows of either sign; and, should that make too many strokes for
     -- a drawing of less than a megabyte, 120 and 60.
     grids(grid, columns, most) AS (VALUES (1, 400, 600), (2, 120, 60)),
     cells AS (SELECT DISTINCT grid, panel, CAST(seconds * columns / span AS INTEGER) AS x, peer > 0 AS sent,
                      (abs(peer) - 1) * min(most, peers) / peers AS y
               FROM dots JOIN shown USING (place), grids),
     -- Cells side by side are one stroke.
     strokes AS (SELECT grid, panel, sent, y, min(x) AS x, max(x) AS until
                 FROM (SELECT *,
                              x - row_number() OVER (PARTITION BY grid, panel, sent, y ORDER BY x) AS island
                       FROM cells)
                 GROUP BY grid, panel, sent, y, island),
     fitting AS (SELECT panel,
                        CASE WHEN count(*) * (SELECT count(*) FROM shown) > 28000 THEN 2 ELSE 1 END AS grid
                 FROM strokes WHERE grid = 1 GROUP BY panel)
SELECT panel, socket AS client, why, round(span * x / columns, 5) AS from_s,
       round(span * (until + 0.6) / columns, 5) AS until_s,
       (2 * sent - 1) * (1 + y * peers / min(most, peers)) AS peer
FROM strokes JOIN fitting USING (panel, grid) JOIN shown USING (panel) JOIN grids USING (grid)
ORDER BY panel, sent, y, x;

SELECT group_concat(printf('%s, %s: %d peers over UDP and TCP in %s; %d of them sent something', client, why, peers,
                           CASE WHEN span >= 7200 THEN printf('%.1f hours', span / 3600)
                                WHEN span >= 120 THEN printf('%.0f minutes', span / 60)
                                ELSE printf('%.0f seconds', span) END, heard), '. ')
       || '.' || CASE WHEN sum(cut) > 0
                      THEN printf(' Of %d flow%s only the ends were kept.', sum(cut),
                                  CASE sum(cut) WHEN 1 THEN '' ELSE 's' END) ELSE '' END
FROM (SELECT d.client, a.why, a.peers, a.cut, max(d.seconds) AS span,
             count(DISTINCT CASE WHEN d.peer < 0 THEN d.peer END) AS heard
      FROM R6 d JOIN activity a USING (run, place)
      WHERE d.run = :run AND d.protocol = :protocol GROUP BY d.place ORDER BY d.place LIMIT 4);
