-- What strategies do to one recording (docs/blocking.md): all runs of the database that is `main` here. It is only read;
-- the tables are temporary. rehearse_setting, rehearse_strategy, rehearse_pattern, rehearse_role and, with --seen, rehearse_known
-- are filled beforehand (rehearse_gather.c). acts(source, destination, blocked) says what a rule does with a packet: '' acts upon it;
-- 'never', 'direction' why not. blocked: which end is a listed endpoint, 'server from', 'client to' and so on; '' none.

-- Logins and contact lists, and where they are too late to be stopped: at the server's answer. One that a node relays
-- has no answer of its own: there, its block is what counts.
CREATE TEMP TABLE rehearse_exchange (
	run INTEGER, flow INTEGER, role TEXT, relayed INTEGER, client INTEGER, first_ns INTEGER, until_packet INTEGER,
	until_ns INTEGER, client_ip TEXT, whole INTEGER DEFAULT 1, PRIMARY KEY (run, flow)) WITHOUT ROWID;
INSERT INTO rehearse_exchange (run, flow, role, relayed, client, first_ns, client_ip, until_packet, until_ns)
SELECT run, flow, role, relayed, client, first_ns, client_ip,
       (SELECT min(packet) FROM main.exchange_messages o
        WHERE o.run = e.run AND o.flow = e.flow AND (relayed OR what = 'answer')),
       (SELECT min(ts_ns) FROM main.exchange_messages o
        WHERE o.run = e.run AND o.flow = e.flow AND (relayed OR what = 'answer'))
FROM (SELECT *, form LIKE 'relayed %' AS relayed FROM main.exchanges
      WHERE protocol = :protocol AND role IN ('login', 'contact-list')) e;
-- Relayed ones that are evidence about a flow and nothing more.
INSERT OR IGNORE INTO rehearse_exchange (run, flow, role, relayed, client, first_ns, client_ip, until_packet)
SELECT e.run, e.subject, 'login', 1, f.client, f.first_ns, f.client_ip, e.first_packet
FROM main.evidence e JOIN main.flows f ON f.run = e.run AND f.flow = e.subject
WHERE e.about = 'flow' AND e.protocol = :protocol AND e.kind = (SELECT relayed FROM rehearse_setting)
      AND (e.run, e.subject) NOT IN (SELECT run, flow FROM main.exchanges);
-- 2: SYN (RFC 9293 section 3.1).
UPDATE rehearse_exchange SET whole = 0
WHERE (run, flow) IN (SELECT f.run, f.flow FROM main.flows f JOIN rehearse_exchange x USING (run, flow)
                      WHERE f.tcp_flags & 2 = 0);

-- A list that grows: an endpoint is known from the end of the first flow that shows it. Which endpoints, is as in lists of
-- addresses that are made from a database (endpoints.c), which leave out what is nobody's address.
INSERT INTO rehearse_known
SELECT strategy, ip, 0, last_ns
FROM (SELECT r.strategy, f.server_ip AS ip, f.last_ns,
             row_number() OVER (PARTITION BY r.strategy, f.server_ip ORDER BY f.first_ns, f.run, f.flow) AS nth
      FROM main.flows f LEFT JOIN main.exchanges e ON (e.run, e.flow, e.protocol) = (f.run, f.flow, :protocol)
           JOIN rehearse_role r ON r.role IN (f.role, replace(e.role, '-', '_'))
      WHERE f.protocol = :protocol AND f.server_ip NOT IN ('0.0.0.0', '::'))
WHERE nth = 1 AND NOT (SELECT seen FROM rehearse_setting);
INSERT INTO rehearse_known
SELECT strategy, ip, port, last_ns
FROM (SELECT s.strategy, c.ip, c.port, f.last_ns,
             row_number() OVER (PARTITION BY s.strategy, c.ip, c.port ORDER BY f.first_ns, f.run, f.flow) AS nth
      FROM main.flows f JOIN main.clients c USING (run, client) JOIN rehearse_strategy s ON s.kind = 'clients'
      WHERE c.protocol = :protocol AND c.verdict = :protocol AND f.protocol = :protocol AND c.ip NOT IN ('0.0.0.0', '::')
            AND (c.internal OR c.run NOT IN (SELECT run FROM main.clients
                                             WHERE protocol = :protocol AND verdict = :protocol AND internal))
            AND ((f.client_ip, f.client_port) = (c.ip, c.port) OR (f.server_ip, f.server_port) = (c.ip, c.port)))
WHERE nth = 1 AND NOT (SELECT seen FROM rehearse_setting);

-- Flows that fit, whether or not the limits let the rule act (why).
CREATE TEMP TABLE rehearse_flow (
	run INTEGER, flow INTEGER, proto TEXT, client_ip TEXT, client_port INTEGER, server_ip TEXT, server_port INTEGER,
	label TEXT, protocol TEXT, source TEXT, PRIMARY KEY (run, flow)) WITHOUT ROWID;
CREATE TEMP TABLE rehearse_hit (
	strategy INTEGER, run INTEGER, flow INTEGER, packet INTEGER, ts_ns INTEGER, why TEXT);

INSERT INTO rehearse_hit
SELECT s.strategy, h.run, h.flow, h.packet, h.ts_ns,
       iif(h.direction = 'out', acts(client_ip, server_ip, ''), acts(server_ip, client_ip, ''))
FROM main.pattern_hits h JOIN rehearse_pattern p ON p.pattern = h.pattern
     JOIN rehearse_strategy s ON s.patterns & p.bit
WHERE h.protocol = :protocol;
INSERT OR IGNORE INTO rehearse_flow
SELECT run, flow, proto, client_ip, client_port, server_ip, server_port, label, label_protocol, source
FROM main.pattern_hits WHERE protocol = :protocol;

-- A flow is hit by the first packet after its endpoint is known; that which shows it has none. One that was there before
-- is hit in its middle.
CREATE TEMP TABLE rehearse_met AS
SELECT k.strategy, s.kind, k.since_ns, 1 AS at_client, f.*
FROM main.flows f JOIN rehearse_known k ON k.ip = f.client_ip AND k.port IN (0, f.client_port)
     JOIN rehearse_strategy s USING (strategy)
WHERE f.last_ns > k.since_ns AND (k.port = 0 OR f.proto IN ('tcp', 'udp'))
UNION ALL
SELECT k.strategy, s.kind, k.since_ns, 0, f.*
FROM main.flows f JOIN rehearse_known k ON k.ip = f.server_ip AND k.port IN (0, f.server_port)
     JOIN rehearse_strategy s USING (strategy)
WHERE f.last_ns > k.since_ns AND (k.port = 0 OR f.proto IN ('tcp', 'udp'));
INSERT INTO rehearse_hit
SELECT strategy, run, flow, flow, max(first_ns, since_ns),
       acts(client_ip, server_ip, rtrim(kind, 's') || iif(at_client, ' from', ' to'))
FROM rehearse_met WHERE packets_out > 0
UNION ALL
SELECT strategy, run, flow, flow, max(first_ns, since_ns),
       acts(server_ip, client_ip, rtrim(kind, 's') || iif(at_client, ' to', ' from'))
FROM rehearse_met WHERE packets_in > 0;
INSERT OR IGNORE INTO rehearse_flow
SELECT run, flow, proto, client_ip, client_port, server_ip, server_port, label, protocol, source FROM rehearse_met;
CREATE INDEX temp.rehearse_hit_flow ON rehearse_hit (strategy, run, flow);

-- What becomes of each login and contact list: '' it is stopped, else the way by which it escapes.
CREATE TEMP TABLE rehearse_verdict AS
SELECT strategy, run, flow, role, client, first_ns, CASE WHEN in_time THEN '' WHEN late THEN 'late' WHEN spared THEN 'never'
       WHEN elsewhere THEN 'direction' WHEN relayed THEN 'relayed' WHEN kind = 'servers' THEN 'unlisted'
       WHEN kind = 'clients' THEN iif(listed, 'port', 'unlisted') WHEN other IS NOT NULL THEN 'pattern'
       WHEN NOT whole THEN 'midstream' ELSE 'form' END AS way, other
FROM (SELECT s.strategy, s.kind, x.*,
             max(h.why = '' AND (until_packet IS NULL OR iif(s.kind = 'patterns' OR until_ns IS NULL,
                                                             h.packet <= until_packet, h.ts_ns < until_ns))) AS in_time,
             max(h.why = '') AS late, max(h.why = 'never') AS spared, max(h.why = 'direction') AS elsewhere,
             s.kind = 'clients' AND EXISTS (SELECT 1 FROM rehearse_known k
                                            WHERE k.strategy = s.strategy AND k.ip = x.client_ip) AS listed,
             (SELECT o.pattern FROM main.pattern_hits o JOIN rehearse_pattern p ON p.pattern = o.pattern
              WHERE o.run = x.run AND o.flow = x.flow AND o.protocol = :protocol AND NOT s.patterns & p.bit
                    AND (until_packet IS NULL OR o.packet <= until_packet)
              ORDER BY o.packet, p.bit LIMIT 1) AS other
      FROM rehearse_exchange x JOIN rehearse_strategy s
           LEFT JOIN rehearse_hit h ON (h.strategy, h.run, h.flow) = (s.strategy, x.run, x.flow)
      GROUP BY s.strategy, x.run, x.flow);
