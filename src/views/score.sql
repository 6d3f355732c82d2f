-- What `footsteps score` compares row by row (docs/definitions.md, Scores): every part puts what is in the truth into
-- score_truth, what the monitor has into score_monitor, and candidates for a match, the best first, into score_match:
-- both ends of a match are unique there, so that a row is matched once. Pairs and flows are too many for this, and are
-- merged (score_merge.c).
--
-- main is the monitor's database, of which run :run and :protocol count, truth the truth file. Nothing is written to
-- either. Cells a to f are attributes: compared when both sides have them (score_rows.c names them).

CREATE TEMP TABLE score_part (
	place INTEGER PRIMARY KEY, part TEXT, attribute TEXT, truth INTEGER, found INTEGER, missed INTEGER, wrong INTEGER);
CREATE TEMP TABLE score_confusion (
	part TEXT, attribute TEXT, truth TEXT, monitor TEXT, count INTEGER, PRIMARY KEY (part, attribute, truth, monitor));
CREATE TEMP TABLE score_difference (
	n INTEGER PRIMARY KEY, part TEXT, kind TEXT, what TEXT, truth TEXT, monitor TEXT, packet INTEGER,
	side TEXT, client INTEGER, at_ns INTEGER); -- where to look for a packet when there is none
CREATE TEMP TABLE score_class (
	place INTEGER PRIMARY KEY, class TEXT, truth_pairs INTEGER, pairs INTEGER, truth_flows INTEGER, flows INTEGER,
	truth_packets INTEGER, packets INTEGER);
CREATE TEMP TABLE score_truth (
	part TEXT, id INTEGER, what TEXT, at_ns INTEGER, client INTEGER, packet INTEGER, a, b, c, d, e, f,
	PRIMARY KEY (part, id));
CREATE TEMP TABLE score_monitor (
	part TEXT, id INTEGER, what TEXT, at_ns INTEGER, client INTEGER, packet INTEGER, a, b, c, d, e, f,
	PRIMARY KEY (part, id));
CREATE TEMP TABLE score_match (part TEXT, t INTEGER, m INTEGER, UNIQUE (part, t), UNIQUE (part, m));

-- Sockets outside the local net that the monitor recognised and that do run the protocol: peers. They are no clients of
-- the truth, and no error.
CREATE TEMP TABLE score_outside AS
SELECT client FROM main.clients
WHERE run = :run AND protocol = :protocol AND internal = 0 AND (ip, port) NOT IN (SELECT ip, port FROM truth.clients)
      AND (ip, port) IN (SELECT ip, port FROM truth.peers);

-- clients: a network set-up, b public address, c version
INSERT INTO score_truth (part, id, what, at_ns, client, a, b, c)
SELECT 'clients', client, socket(ip, port), first_ns, client, CASE WHEN hidden IS NULL THEN setup ELSE 'unknown' END,
       public_ip, version
FROM truth.clients LEFT JOIN truth.setups USING (run, client)
WHERE protocol = :protocol AND first_ns IS NOT NULL;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a, b, c)
SELECT 'clients', client, socket(ip, port), first_ns, client, first_packet, coalesce(setup, 'unknown'), public_ip, version
FROM main.clients LEFT JOIN main.setups USING (run, client)
WHERE run = :run AND protocol = :protocol AND verdict = protocol AND client NOT IN (SELECT client FROM score_outside);
INSERT OR IGNORE INTO score_match
SELECT 'clients', t.id, m.id FROM score_truth t JOIN score_monitor m USING (part, what) WHERE part = 'clients';
-- A set-up that is hidden has to be left open. That a NAT is there may show all the same.
UPDATE score_truth SET a = 'nat'
WHERE part = 'clients' AND a = 'unknown'
      AND id IN (SELECT client FROM truth.setups WHERE hidden IS NOT NULL AND setup = 'port-restricted nat')
      AND id IN (SELECT x.t FROM score_match x JOIN score_monitor m ON m.part = x.part AND m.id = x.m
                 WHERE x.part = 'clients' AND m.a = 'nat');
-- Start-ups and searches have clients of either side; here also those that are only suspected.
CREATE TEMP TABLE score_client AS
SELECT t.client AS t, m.client AS m FROM truth.clients t JOIN main.clients m USING (ip, port, protocol)
WHERE m.run = :run AND protocol = :protocol;

-- logins, contact lists: a outcome, b form
INSERT INTO score_truth (part, id, what, at_ns, client, packet, a, b)
SELECT CASE role WHEN 'login' THEN 'logins' ELSE 'contact lists' END, flow,
       socket(client_ip, client_port) || ' > ' || socket(server_ip, server_port), first_ns, client, flow, outcome, form
FROM truth.exchanges WHERE protocol = :protocol AND hidden IS NULL;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a, b)
SELECT CASE role WHEN 'login' THEN 'logins' ELSE 'contact lists' END, flow,
       socket(client_ip, client_port) || ' > ' || socket(server_ip, server_port), first_ns, client, flow, outcome, form
FROM main.exchanges e
WHERE run = :run AND protocol = :protocol AND role IN ('login', 'contact-list') AND form NOT LIKE 'relayed %'
      AND NOT EXISTS (SELECT 1 FROM truth.exchanges h
                      WHERE h.hidden IS NOT NULL AND h.role = e.role AND h.protocol = e.protocol
                            AND (h.client_ip, h.client_port, h.server_ip, h.server_port)
                                = (e.client_ip, e.client_port, e.server_ip, e.server_port)
                            AND abs(h.first_ns - e.first_ns) <= 60000000000);
INSERT OR IGNORE INTO score_match
SELECT part, t.id, m.id FROM score_truth t JOIN score_monitor m USING (part, what)
WHERE part IN ('logins', 'contact lists') AND abs(m.at_ns - t.at_ns) <= 60000000000 ORDER BY abs(m.at_ns - t.at_ns);

-- version checks: a action, b version, c platform
INSERT INTO score_truth (part, id, what, at_ns, client, packet, a, b, c)
SELECT 'version checks', v.flow, socket(client_ip, client_port) || ' > ' || socket(server_ip, server_port), first_ns,
       v.client, v.flow, action, version, platform
FROM truth.version_checks v JOIN truth.flows f USING (run, flow) WHERE v.protocol = :protocol;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a, b, c)
SELECT 'version checks', packet, socket(client_ip, client_port) || ' > ' || socket(server_ip, server_port), ts_ns,
       client, packet, action, version, platform
FROM main.version_checks WHERE run = :run AND protocol = :protocol;
INSERT OR IGNORE INTO score_match
SELECT part, t.id, m.id FROM score_truth t JOIN score_monitor m USING (part, what)
WHERE part = 'version checks' AND m.at_ns - t.at_ns BETWEEN -1000000 AND 60000000000 ORDER BY abs(m.at_ns - t.at_ns);

-- start-ups: a outcome. The program starts, and then sends its first packet.
INSERT INTO score_truth (part, id, what, at_ns, client, a)
SELECT 'start-ups', startup, socket(ip, port), began_ns, client,
       iif(client IN (SELECT client FROM truth.exchanges WHERE role = 'login' AND hidden IS NOT NULL), NULL, outcome)
FROM truth.startups JOIN truth.clients USING (run, client) WHERE protocol = :protocol;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a)
SELECT 'start-ups', startup, socket(ip, port), began_ns, client, NULL, outcome
FROM main.startups s JOIN main.clients c USING (run, client)
WHERE run = :run AND s.protocol = :protocol AND client NOT IN (SELECT client FROM score_outside);
INSERT OR IGNORE INTO score_match
SELECT 'start-ups', t.id, m.id
FROM score_truth t JOIN score_client c ON c.t = t.client
     JOIN score_monitor m ON m.client = c.m AND m.part = t.part AND abs(m.at_ns - t.at_ns) <= 5000000000
WHERE t.part = 'start-ups' ORDER BY abs(m.at_ns - t.at_ns);

-- calls: a transport, b who began, c route, d start, e end; their conference below. Over a relay both ends open the
-- conversation with it, and behind a NAT the client has to open it, so that nothing tells who called. The monitor's near end may be the truth's far one.
INSERT INTO score_truth (part, id, what, at_ns, client, a, b, c, d, e)
SELECT 'calls', call, socket(near_ip, near_port) || ' - ' || socket(far_ip, far_port), first_ns, client, transport,
       CASE WHEN route = 'direct' AND (near_began = 1 OR client NOT IN (SELECT client FROM truth.clients WHERE behind_nat = 1))
            THEN CASE near_began WHEN 1 THEN near_ip ELSE far_ip END END, route, first_ns, last_ns
FROM truth.calls WHERE protocol = :protocol;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a, b, c, d, e)
SELECT 'calls', call, socket(near_ip, near_port) || ' - ' || socket(far_ip, far_port), first_ns, client,
       (SELECT min(first_packet) FROM main.streams s WHERE s.run = c.run AND s.call = c.call), transport,
       CASE near_began WHEN 1 THEN near_ip ELSE far_ip END, route, first_ns, last_ns
FROM main.calls c WHERE run = :run AND protocol = :protocol;
INSERT OR IGNORE INTO score_match
SELECT 'calls', t.call, m.call
FROM truth.calls t JOIN main.calls m
     ON (m.near_ip, m.near_port, m.far_ip, m.far_port) = (t.near_ip, t.near_port, t.far_ip, t.far_port)
        OR (m.near_ip, m.near_port, m.far_ip, m.far_port) = (t.far_ip, t.far_port, t.near_ip, t.near_port)
WHERE t.protocol = :protocol AND m.run = :run AND m.protocol = :protocol
      AND min(t.last_ns, m.last_ns) > max(t.first_ns, m.first_ns)
ORDER BY max(t.first_ns, m.first_ns) - min(t.last_ns, m.last_ns);
-- f: yes or no. Whose calls are together: a matched call that is in the conference for one side only.
UPDATE score_truth SET f = iif((SELECT conference FROM truth.calls WHERE call = id) IS NULL, 'no', 'yes') WHERE part = 'calls';
UPDATE score_monitor SET f = iif((SELECT conference FROM main.calls WHERE run = :run AND call = id) IS NULL, 'no', 'yes')
WHERE part = 'calls';
CREATE TEMP TABLE score_conference AS
SELECT x.t, x.m, t.conference AS in_truth, m.conference AS in_monitor
FROM score_match x JOIN truth.calls t ON t.call = x.t JOIN main.calls m ON m.run = :run AND m.call = x.m
WHERE part = 'calls' AND t.conference IS NOT NULL AND m.conference IS NOT NULL;
UPDATE score_monitor SET f = 'yes, with others'
WHERE part = 'calls' AND id IN (SELECT x.m FROM score_conference x JOIN score_conference y
                                WHERE (x.in_truth = y.in_truth) <> (x.in_monitor = y.in_monitor));

-- holds: found when both ends are right
INSERT INTO score_truth (part, id, what, at_ns, client)
SELECT 'holds', h.call * 1000 + h.n,
       socket(near_ip, near_port) || ' - ' || socket(far_ip, far_port) || ' held for '
       || printf('%.1f s', (h.last_ns - h.first_ns) / 1e9), h.first_ns, client
FROM truth.holds h JOIN truth.calls c USING (run, call) WHERE protocol = :protocol;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet)
SELECT 'holds', h.call * 1000 + h.n,
       socket(near_ip, near_port) || ' - ' || socket(far_ip, far_port) || ' held for '
       || printf('%.1f s', (h.last_ns - h.first_ns) / 1e9), h.first_ns, client,
       (SELECT min(first_packet) FROM main.streams s WHERE s.run = c.run AND s.call = c.call)
FROM main.holds h JOIN main.calls c USING (run, call) WHERE run = :run AND protocol = :protocol;
INSERT OR IGNORE INTO score_match
SELECT 'holds', t.call * 1000 + t.n, m.call * 1000 + m.n
FROM score_match x JOIN truth.holds t ON t.call = x.t JOIN main.holds m ON m.run = :run AND m.call = x.m
WHERE x.part = 'calls' AND abs(t.first_ns - m.first_ns) <= 2000000000 AND abs(t.last_ns - m.last_ns) <= 2000000000
ORDER BY abs(t.first_ns - m.first_ns) + abs(t.last_ns - m.last_ns);

-- searches: a nodes, b answered, c waves
INSERT INTO score_truth (part, id, what, at_ns, client, a, b, c)
SELECT 'searches', search, socket(ip, port), s.first_ns, client, nodes, answered, waves
FROM truth.searches s JOIN truth.clients USING (run, client) WHERE protocol = :protocol AND nodes > 0;
INSERT INTO score_monitor (part, id, what, at_ns, client, packet, a, b, c)
SELECT 'searches', search, socket(ip, port), s.first_ns, client, NULL, nodes, answered, waves
FROM main.searches s JOIN main.clients c USING (run, client)
WHERE run = :run AND s.protocol = :protocol AND client NOT IN (SELECT client FROM score_outside);
INSERT OR IGNORE INTO score_match
SELECT 'searches', t.id, m.id
FROM score_truth t JOIN score_client c ON c.t = t.client
     JOIN score_monitor m ON m.client = c.m AND m.part = t.part AND abs(m.at_ns - t.at_ns) <= 1000000000
WHERE t.part = 'searches' ORDER BY abs(m.at_ns - t.at_ns);

-- Table I (R7): of the truth's clients, which are all at the place of the capture, and the monitor's internal ones
WITH classes(place, class) AS (VALUES (1, 'probe'), (2, 'heartbeat'), (3, 'dialog'), (4, 'mix')),
     expected AS (
	SELECT class, count(*) AS pairs, sum(flows) AS flows, sum(packets_out + packets_in) AS packets
	FROM truth.pairs WHERE client IN (SELECT client FROM truth.clients WHERE protocol = :protocol) GROUP BY class),
     seen AS (
	SELECT class, count(*) AS pairs, sum(flows) AS flows, sum(packets_out + packets_in) AS packets
	FROM main.pair_classes
	WHERE run = :run AND protocol = :protocol AND client IN (SELECT client FROM main.clients WHERE run = :run
	      AND internal = 1 AND verdict = protocol) GROUP BY class)
INSERT INTO score_class
SELECT place, c.class, coalesce(e.pairs, 0), coalesce(s.pairs, 0), coalesce(e.flows, 0), coalesce(s.flows, 0),
       coalesce(e.packets, 0), coalesce(s.packets, 0)
FROM classes c LEFT JOIN expected e ON e.class = c.class LEFT JOIN seen s ON s.class = c.class;

-- What is not compared, and why; a sentence each, of the rows that are not 0.
CREATE TEMP TABLE score_note (words TEXT);
INSERT INTO score_note
SELECT printf('%d client%s of the truth sent nothing over UDP: nobody can find %s.', count(*), iif(count(*) > 1, 's', ''),
              iif(count(*) > 1, 'them', 'it'))
FROM truth.clients WHERE protocol = :protocol AND first_ns IS NULL HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('%d recognised socket%s outside the local net: peers of the truth, which do run %s. Neither these nor their'
              || ' pairs count.', count(*), iif(count(*) > 1, 's', ''), :protocol)
FROM score_outside HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('%d search%s over the supernode alone: nothing tells, and none is to be found there.', count(*),
              iif(count(*) > 1, 'es', ''))
FROM truth.searches WHERE nodes = 0 HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('%d exchange%s with servers that nothing tells of: %s.', count(*), iif(count(*) > 1, 's', ''), hidden)
FROM truth.exchanges WHERE protocol = :protocol AND hidden IS NOT NULL GROUP BY hidden;
INSERT INTO score_note
SELECT printf('%d exchange%s that a node relayed for somebody else: not in the truth.', count(*), iif(count(*) > 1, 's', ''))
FROM main.exchanges WHERE run = :run AND protocol = :protocol AND form LIKE 'relayed %' HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('Of %d relayed call%s nothing tells who called.', count(*), iif(count(*) > 1, 's', ''))
FROM truth.calls WHERE protocol = :protocol AND route = 'relayed' HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('Of %d call%s to a client behind a NAT nothing tells who called: it has to send first.', count(*),
              iif(count(*) > 1, 's', ''))
FROM truth.calls WHERE protocol = :protocol AND route = 'direct' AND near_began = 0
     AND client IN (SELECT client FROM truth.clients WHERE behind_nat = 1) HAVING count(*) > 0;
INSERT INTO score_note
SELECT printf('The path of %d call%s is left open by the monitor (direct or relayed).', count(*), iif(count(*) > 1, 's', ''))
FROM score_match x JOIN main.calls m ON m.run = :run AND m.call = x.m
WHERE x.part = 'calls' AND m.route IS NULL HAVING count(*) > 0;
