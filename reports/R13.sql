-- title: In numbers
-- kind: table
-- order: 20
-- about: Headline counts (R13) of the protocol whose clients have most flows, and those of Rossi, Mellia and Meo: campus of
--   Torino, first week of April 2007 (clients, peers and calls are rounded there).
-- cautions: dropped duplicates
WITH signalling AS (SELECT * FROM flows WHERE run = :run AND client IS NOT NULL AND proto = 'udp'
	AND role IS NOT 'media'
	AND protocol = :protocol), quantities(place, quantity, here, paper) AS (
	SELECT 1, 'internal clients, recognised', count(*), 1700 FROM clients
	WHERE run = :run AND internal = 1 AND verdict = protocol AND protocol = :protocol
	UNION ALL SELECT 2, 'internal clients, suspected', count(*), NULL FROM clients
	WHERE run = :run AND internal = 1 AND verdict <> protocol AND protocol = :protocol
	UNION ALL SELECT 3, 'external peers', count(*), 305000 FROM peers WHERE run = :run AND internal = 0 AND protocol = :protocol
	UNION ALL SELECT 4, 'external addresses', count(DISTINCT ip), 263886 FROM peers
	WHERE run = :run AND internal = 0 AND protocol = :protocol
	UNION ALL SELECT 5, 'pairs of client and peer', count(*), 390126 FROM pair_classes WHERE run = :run AND protocol = :protocol
	UNION ALL SELECT 6, 'UDP signalling flows', count(*), 2505622 FROM signalling
	UNION ALL SELECT 7, 'UDP signalling packets', coalesce(sum(packets_out + packets_in), 0), 18274451 FROM signalling
	UNION ALL SELECT 8, 'UDP signalling payload bytes', coalesce(sum(payload_out + payload_in), 0), NULL FROM signalling
	UNION ALL SELECT 12, 'voice and video calls', count(*), 3000 FROM calls WHERE run = :run AND protocol = :protocol
	UNION ALL SELECT 9, 'logins', count(*), NULL FROM logins WHERE run = :run
	UNION ALL SELECT 10, 'contact-list exchanges', count(*), NULL FROM contact_lists WHERE run = :run
	UNION ALL SELECT 11, 'version checks', count(*), NULL FROM version_checks WHERE run = :run)
SELECT quantity, here AS "this trace", paper FROM quantities ORDER BY place;

SELECT printf('The numbers are those of %s%s.', m.protocol,
              coalesce(' alone, not those of ' || nullif((SELECT group_concat(DISTINCT protocol) FROM clients c
                       WHERE c.run = :run AND c.protocol <> m.protocol), ''), ''))
FROM main_protocol m WHERE m.run = :run;
