-- title: In short
-- kind: text
-- order: 10
-- section: Summary
SELECT words FROM (
	SELECT 1 AS place, CASE
	WHEN :protocol IS NULL THEN 'No client socket was recognised in this trace'
		|| CASE count(*) WHEN 0 THEN ', and none is suspected.'
		   ELSE printf('; %,d are suspected (%s).', count(*), group_concat(DISTINCT protocol)) END
		|| ' What else the trace holds is at the end of the page.'
	ELSE printf('%,d client socket%s of %s %s recognised%s%s.', sum(verdict = protocol),
	            CASE sum(verdict = protocol) WHEN 1 THEN '' ELSE 's' END, :protocol,
	            CASE sum(verdict = protocol) WHEN 1 THEN 'is' ELSE 'are' END,
	            CASE WHEN sum(internal = 0 AND verdict = protocol) > 0
	                 THEN printf(' (%,d of them outside the local network)',
	                             sum(internal = 0 AND verdict = protocol)) ELSE '' END,
	            CASE WHEN sum(verdict <> protocol) > 0
	                 THEN printf('; %,d more %s suspected', sum(verdict <> protocol),
	                             CASE sum(verdict <> protocol) WHEN 1 THEN 'is' ELSE 'are' END) ELSE '' END)
	END AS words
	FROM clients WHERE run = :run AND (:protocol IS NULL OR protocol = :protocol)
	UNION ALL
	SELECT 2, printf('They know %,d peer socket%s; of %,d pairs of client and peer, %.1f %% are nothing but a'
	                 || ' one-time probe.',
	                 (SELECT count(*) FROM peers WHERE run = :run AND protocol = :protocol),
	                 CASE (SELECT count(*) FROM peers WHERE run = :run AND protocol = :protocol)
	                 WHEN 1 THEN '' ELSE 's' END,
	                 count(*), 100.0 * sum(p.probes = 1 AND p.dialogs = 0) / count(*))
	FROM pairs p JOIN clients c USING (run, client) WHERE p.run = :run AND c.protocol = :protocol
	HAVING count(*) > 0
	UNION ALL
	SELECT 3, printf('Signalling over UDP: %,d flows, %,d packets, %,d bytes of payload.',
	                 sum(flows), sum(packets), sum(payload))
	FROM series WHERE run = :run AND protocol = :protocol AND period = 'day'
	HAVING sum(flows) > 0
	UNION ALL
	SELECT 4, 'Seen: ' || group_concat(printf('%,d %s', n, CASE n WHEN 1 THEN one ELSE many END), ', ') || '.'
	FROM (SELECT 'login' AS one, 'logins' AS many, count(*) AS n FROM exchanges
	      WHERE run = :run AND protocol = :protocol AND role = 'login'
	      UNION ALL SELECT 'version check', 'version checks', count(*) FROM version_checks
	      WHERE run = :run AND protocol = :protocol
	      UNION ALL SELECT 'contact-list exchange', 'contact-list exchanges', count(*) FROM exchanges
	      WHERE run = :run AND protocol = :protocol AND role = 'contact-list'
	      UNION ALL SELECT 'search', 'searches', count(*) FROM searches
	      WHERE run = :run AND protocol = :protocol
	      UNION ALL SELECT 'voice or video call', 'voice and video calls', count(*) FROM calls
	      WHERE run = :run AND protocol = :protocol
	      UNION ALL SELECT 'client that is a supernode', 'clients that are supernodes', count(*) FROM clients
	      WHERE run = :run AND protocol = :protocol AND role = 'supernode')
	WHERE n > 0 HAVING count(*) > 0
	UNION ALL
	SELECT 5, printf('The whole trace: %,d flows, %,d bytes (IP header onward).', sum(flows), sum(bytes))
	FROM label_totals WHERE run = :run HAVING sum(flows) > 0)
ORDER BY place;
