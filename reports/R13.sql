-- title: In numbers
-- kind: table
-- section: Summary
-- order: 20
-- about: Headline counts (R13), and those of Rossi, Mellia and Meo: Skype on the campus of Torino, first week of April 2007 (clients
--   and calls are rounded there; flows and packets are those of its Table I). Peers, pairs and bytes are those of
--   recognised clients; a flow between two of them counts once.
-- empty: No client socket was recognised or suspected.
-- cautions: dropped duplicates
SELECT quantity, here AS "this trace", paper FROM R13 WHERE run = :run AND protocol = :protocol ORDER BY place;

SELECT printf('The numbers are those of %s%s.', :protocol,
              coalesce(' alone, not those of ' || nullif((SELECT group_concat(DISTINCT protocol) FROM clients
                       WHERE run = :run AND protocol <> :protocol), ''), ''));
