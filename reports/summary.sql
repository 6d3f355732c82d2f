-- title: In short
-- kind: text
-- order: 10
-- section: Summary
SELECT words FROM (
	SELECT 1 AS place, CASE
	WHEN :protocol IS NULL THEN 'No client socket was recognised in this trace'
		|| CASE count(*) WHEN 0 THEN ', and none is suspected.'
		   ELSE printf('; %,d are suspected (%s).', count(*), group_concat(DISTINCT protocol)) END
		|| ' What else the trace holds is under "Labels of all flows".'
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
	SELECT 2, printf('%s %,d peer socket%s; of %,d pair%s of client and peer, %.1f %% are nothing but a'
	                 || ' one-time probe.',
	                 CASE count(DISTINCT client) WHEN 1 THEN 'It knows' ELSE 'They know' END,
	                 count(DISTINCT peer), CASE count(DISTINCT peer) WHEN 1 THEN '' ELSE 's' END,
	                 count(*), CASE count(*) WHEN 1 THEN '' ELSE 's' END, 100.0 * sum(p.probes = 1 AND p.dialogs = 0 AND p.media_flows = 0) / count(*))
	FROM pairs p JOIN clients c USING (run, client)
	WHERE p.run = :run AND c.protocol = :protocol AND c.verdict = c.protocol
	HAVING count(*) > 0
	UNION ALL
	SELECT 3, printf('Signalling over UDP: %,d flow%s, %,d packets, %,d bytes of payload.', sum(flows),
	                 CASE sum(flows) WHEN 1 THEN '' ELSE 's' END, sum(packets), sum(payload))
	          || coalesce((SELECT printf(' The median internal client sends %.4g bit/s (in Torino, 2007, 95 %% sent less than'
	                                     || ' 100).', min(bits_per_s))
	                       FROM R1 WHERE run = :run AND protocol = :protocol AND upto_percent >= 50
	                       HAVING count(*) > 0), '')
	FROM series WHERE run = :run AND protocol = :protocol AND period = 'day'
	HAVING sum(flows) > 0
	UNION ALL
	-- 200 s is the timeout of D1.
	SELECT 4, printf('In a NAT or firewall with a timeout of 200 s all clients together hold up to %,d entr%s at a time, %.0f %% of'
	                 || ' them for one-time probes.', peak, CASE peak WHEN 1 THEN 'y' ELSE 'ies' END, 100.0 * peak_probes / peak)
	FROM state_peaks WHERE run = :run AND protocol = :protocol AND client = 0 AND timeout_ns = 200000000000 AND peak > 0
	UNION ALL
	SELECT 5, 'How clients are connected: ' || group_concat(printf('%,d %s', n, setup), ', ') || '.'
	FROM (SELECT setup, count(*) AS n FROM setups s JOIN clients c USING (run, client)
	      WHERE run = :run AND protocol = :protocol GROUP BY setup ORDER BY n DESC, setup)
	HAVING count(*) > 0
	UNION ALL
	SELECT 6, 'Seen: ' || group_concat(printf('%,d %s', n, CASE n WHEN 1 THEN one ELSE many END), ', ') || '.'
	FROM (SELECT 'login' AS one, 'logins' AS many, count(*) AS n FROM exchanges
	      WHERE run = :run AND protocol = :protocol AND role = 'login'
	      UNION ALL SELECT 'version check', 'version checks', count(*) FROM version_checks
	      WHERE run = :run AND protocol = :protocol
	      UNION ALL SELECT 'contact-list exchange', 'contact-list exchanges', count(*) FROM exchanges
	      WHERE run = :run AND protocol = :protocol AND role = 'contact-list'
	      UNION ALL SELECT 'search', 'searches', count(*) FROM searches
	      WHERE run = :run AND protocol = :protocol
	      UNION ALL SELECT 'voice or video call', 'voice and video calls', count(*) FROM calls
	      WHERE run = :run AND protocol IS coalesce(:protocol, protocol)
	      UNION ALL SELECT 'client that is a supernode', 'clients that are supernodes', count(*) FROM clients
	      WHERE run = :run AND protocol = :protocol AND role = 'supernode')
	WHERE n > 0 HAVING count(*) > 0
	UNION ALL
	SELECT 7, printf('The whole trace: %,d flow%s, %,d bytes (IP header onward).', sum(flows),
	                 CASE sum(flows) WHEN 1 THEN '' ELSE 's' END, sum(bytes))
	          || (SELECT CASE count(*) WHEN 0 THEN ' Nothing speaks against the trace itself.'
	                     ELSE ' What speaks against the trace itself is under "What the trace is worth".' END
	              FROM counters WHERE run = :run AND area = 'trace' AND value > 0)
	FROM label_totals WHERE run = :run HAVING sum(flows) > 0)
ORDER BY place;
