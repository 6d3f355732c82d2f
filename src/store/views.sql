-- Views of the database (schema.sql has its tables). first_ts and last_ts are seconds since the first packet of the run.

CREATE VIEW flow_list AS
SELECT f.run, f.flow, f.proto, f.client_ip, f.client_port, f.server_ip, f.server_port,
       (f.first_ns - r.first_ns) / 1e9 AS first_ts, (f.last_ns - r.first_ns) / 1e9 AS last_ts,
       f.packets_out + f.packets_in AS packets, f.payload_out + f.payload_in AS payload_bytes,
       f.label, f.source, f.bits, f.packets_out, f.packets_in, f.payload_out, f.payload_in,
       f.reply_ns / 1e6 AS reply_ms, f.ended, f.retransmitted, f.icmp_errors, f.icmp, f.client, f.ndpi,
       f.first_ns, f.last_ns, f.last_packet, f.role, f.keepalive_ns / 1e9 AS keepalive_s, f.keepalives
FROM flows f JOIN runs r USING (run);

CREATE VIEW logins AS
SELECT e.*, (e.first_ns - r.first_ns) / 1e9 AS first_ts,
       (SELECT group_concat(CASE direction WHEN 'out' THEN '>' ELSE '<' END || bytes, ' ')
        FROM (SELECT direction, bytes FROM exchange_messages m
              WHERE m.run = e.run AND m.flow = e.flow ORDER BY n)) AS sizes
FROM exchanges e JOIN runs r USING (run) WHERE e.role = 'login';

CREATE VIEW contact_lists AS
SELECT e.*, (e.first_ns - r.first_ns) / 1e9 AS first_ts,
       (SELECT group_concat(CASE direction WHEN 'out' THEN '>' ELSE '<' END || bytes, ' ')
        FROM (SELECT direction, bytes FROM exchange_messages m
              WHERE m.run = e.run AND m.flow = e.flow ORDER BY n)) AS sizes
FROM exchanges e JOIN runs r USING (run) WHERE e.role = 'contact-list';

-- Streams with their ends. The flow's own row is stored with --flows all only, so that the ends come with the stream.
CREATE VIEW stream_list AS
SELECT s.*, (s.first_ns - r.first_ns) / 1e9 AS first_ts,
       CASE s.direction WHEN 'out' THEN s.initiator_ip ELSE s.responder_ip END AS from_ip,
       CASE s.direction WHEN 'out' THEN s.initiator_port ELSE s.responder_port END AS from_port,
       CASE s.direction WHEN 'out' THEN s.responder_ip ELSE s.initiator_ip END AS to_ip,
       CASE s.direction WHEN 'out' THEN s.responder_port ELSE s.initiator_port END AS to_port
FROM streams s JOIN runs r USING (run);

-- Class of each pair (D10); media: it exchanged nothing else.
CREATE VIEW pair_classes AS
SELECT p.*, c.protocol, c.ip AS client_ip, c.port AS client_port, q.ip AS peer_ip, q.port AS peer_port,
       q.internal AS peer_internal,
       CASE WHEN p.dialogs = 0 AND p.probes = 1 THEN 'probe'
            WHEN p.flows = 0 THEN 'media'
            WHEN p.dialogs = 0 THEN 'heartbeat'
            WHEN p.probes = 0 THEN 'dialog'
            ELSE 'mix' END AS class
FROM pairs p JOIN clients c USING (run, client) JOIN peers q USING (run, peer);

-- Losses of a live run by the minute, all interfaces together; percent: of the packets of the minute.
CREATE VIEW drops AS
SELECT *, 100.0 * (kernel + interface) / nullif(packets + kernel + interface, 0) AS percent
FROM (SELECT run, start_ns, sum(packets) AS packets, sum(bytes) AS bytes, sum(dropped_kernel) AS kernel,
             sum(dropped_interface) AS interface, sum(dropped_store) AS store
      FROM capture_minutes GROUP BY run, start_ns);

-- ... and how much of the figures that drops touch they are: beside the finding "dropped" of the trace's judgement.
CREATE VIEW drops_in_words AS
SELECT d.run, printf('%.2g %% of all packets, in %d of %d minutes; most in that of %s, %.2g %%',
                     100.0 * sum(kernel + interface) / sum(packets + kernel + interface),
                     sum(kernel + interface > 0), count(*),
                     strftime('%Y-%m-%dT%H:%MZ', w.start_ns / 1000000000, 'unixepoch'), w.percent) AS words
FROM drops d JOIN (SELECT run, start_ns, percent, row_number() OVER (PARTITION BY run ORDER BY percent DESC, start_ns)
                   AS place FROM drops WHERE percent > 0) w ON w.run = d.run AND w.place = 1
GROUP BY d.run;

-- The protocol that the figures of a report are about: the one whose clients have most flows over UDP.
CREATE VIEW main_protocol AS
SELECT run, protocol FROM (
	SELECT run, protocol, row_number() OVER (PARTITION BY run ORDER BY sum(flows) DESC, protocol) AS place
	FROM clients WHERE verdict = protocol GROUP BY run, protocol)
WHERE place = 1;

-- The tables and figures of the report, each named after its id in docs/definitions.md. All have the columns run and
-- protocol; what the page shows of them is in reports/.

-- R1
-- Average signalling bitrate of each internal client that lived longer than one packet: payload that it sent in signalling
-- (D11), over UDP and TCP, by its lifetime (D13) with both; upto_percent: of these clients, those with at most as much.
CREATE VIEW R1 AS
SELECT run, protocol, client, ip, port, lifetime_ns / 1e9 AS lifetime_s, (payload_out + tcp_out) * 8e9 / lifetime_ns AS bits_per_s,
       tcp_out * 8e9 / lifetime_ns AS tcp_bits_per_s,
       100.0 * cume_dist() OVER (PARTITION BY run, protocol
                                 ORDER BY (payload_out + tcp_out) * 1.0 / lifetime_ns) AS upto_percent
FROM (SELECT *, max(coalesce(last_ns, tcp_last_ns), coalesce(tcp_last_ns, last_ns))
             - min(coalesce(first_ns, tcp_first_ns), coalesce(tcp_first_ns, first_ns)) AS lifetime_ns
      FROM clients WHERE internal = 1 AND verdict = protocol)
WHERE lifetime_ns > 0;

-- R2
-- CDF of C(p, i), the peers that a client exchanged a packet with in 5 minutes; class: internal or external clients.
CREATE VIEW R2 AS
SELECT run, protocol, class, value AS peers, count AS intervals,
       100.0 * sum(count) OVER (PARTITION BY run, protocol, class ORDER BY value)
       / sum(count) OVER (PARTITION BY run, protocol, class) AS upto_percent
FROM distributions WHERE measure = 'contacts';

-- R3
-- Share of signalling, UDP and TCP, in all payload that a client exchanged in the protocol.
CREATE VIEW R3 AS
SELECT run, protocol, client, ip, port, internal, signalling, media,
       100.0 * signalling / (signalling + media) AS share_percent,
       100.0 * cume_dist() OVER (PARTITION BY run, protocol
                                 ORDER BY signalling * 1.0 / (signalling + media)) AS upto_percent
FROM (SELECT run, protocol, client, ip, port, internal, payload_out + payload_in + tcp_out + tcp_in AS signalling,
             media_out + media_in AS media
      FROM clients WHERE verdict = protocol)
WHERE signalling + media > 0;

-- R4
-- Complementary CDF of source flow (D2) length; longer: flows with more packets.
CREATE VIEW R4 AS
SELECT run, protocol, packets, flows, longer, 100.0 * longer / (flows + longer + shorter) AS longer_percent
FROM (SELECT run, protocol, value AS packets, sum(count) AS flows,
             sum(sum(count)) OVER (PARTITION BY run, protocol ORDER BY value DESC) - sum(count) AS longer,
             sum(sum(count)) OVER (PARTITION BY run, protocol ORDER BY value) - sum(count) AS shorter
      FROM distributions WHERE measure = 'source_flow_packets' GROUP BY run, protocol, value);

-- R5
-- Complementary CDF of source flow duration, three digits; longer: flows that last longer.
CREATE VIEW R5 AS
SELECT run, protocol, value / 1e6 AS seconds, flows, longer,
       100.0 * longer / (flows + longer + shorter) AS longer_percent
FROM (SELECT run, protocol, value, sum(count) AS flows,
             sum(sum(count)) OVER (PARTITION BY run, protocol ORDER BY value DESC) - sum(count) AS longer,
             sum(sum(count)) OVER (PARTITION BY run, protocol ORDER BY value) - sum(count) AS shorter
      FROM distributions WHERE measure = 'source_flow_us' GROUP BY run, protocol, value);

-- R6
-- A row for each dot: peer is +n for a message that the client sent to its n-th peer, -n for one that came from it.
-- Messages are timed to 10 us, rounded down, so that the first one may seem older than its flow.
CREATE VIEW R6 AS
SELECT a.run, c.protocol, a.place,
       CASE WHEN instr(c.ip, ':') THEN '[' || c.ip || ']' ELSE c.ip END || ':' || c.port AS client,
       a.why, max(m.ts_ns - a.first_ns, 0) / 1e9 AS seconds,
       CASE m.direction WHEN f.sent THEN f.peer ELSE -f.peer END AS peer, m.bytes, m.flow
FROM activity a JOIN clients c USING (run, client) JOIN activity_flows f USING (run, place)
     JOIN messages m USING (run, flow);

-- R7
-- Table I: shares of the pair classes (D10) in the signalling of internal clients, and those of RMM; NULL: of nothing.
CREATE VIEW R7 AS
WITH sums AS MATERIALIZED (
	SELECT c.run, c.protocol, count(*) AS pairs, sum(p.flows) AS flows,
	       sum(p.packets_out + p.packets_in) AS packets, sum(p.payload_out + p.payload_in) AS payload,
	       CASE WHEN p.dialogs > 0 AND p.probes > 0 THEN 'mix' WHEN p.dialogs > 0 THEN 'dialog'
	            WHEN p.probes > 1 THEN 'heartbeat' ELSE 'probe' END AS class
	FROM pairs p JOIN clients c USING (run, client)
	WHERE c.internal = 1 AND c.verdict = c.protocol AND p.flows > 0 GROUP BY c.run, c.protocol, 7),
     levels(place, level, paper_probe, paper_heartbeat, paper_dialog, paper_mix, paper_total) AS (
	VALUES (1, 'peers', 51.2, 15.8, 25.1, 8.0, 390126), (2, 'flows', 8.0, 26.3, 6.2, 59.5, 2505622),
	       (3, 'packets', 1.0, 3.1, 12.6, 83.3, 18274451), (4, 'payload bytes', NULL, NULL, NULL, NULL, NULL)),
     amounts AS (
	SELECT run, protocol, class, place,
	       CASE place WHEN 1 THEN pairs WHEN 2 THEN flows WHEN 3 THEN packets ELSE payload END AS amount
	FROM sums, levels)
SELECT run, protocol, place, level,
       100.0 * sum(CASE class WHEN 'probe' THEN amount ELSE 0 END) / nullif(sum(amount), 0) AS probe,
       100.0 * sum(CASE class WHEN 'heartbeat' THEN amount ELSE 0 END) / nullif(sum(amount), 0) AS heartbeat,
       100.0 * sum(CASE class WHEN 'dialog' THEN amount ELSE 0 END) / nullif(sum(amount), 0) AS dialog,
       100.0 * sum(CASE class WHEN 'mix' THEN amount ELSE 0 END) / nullif(sum(amount), 0) AS mix,
       sum(amount) AS total, paper_probe, paper_heartbeat, paper_dialog, paper_mix, paper_total
FROM amounts JOIN levels USING (place) GROUP BY run, protocol, place;

-- R8
-- CDF of UDP payload, probe (D7) and non-probe (D12) apart, both directions.
CREATE VIEW R8 AS
SELECT run, protocol, payload_bytes, probe_messages, non_probe_messages,
       100.0 * sum(probe_messages) OVER upto / nullif(sum(probe_messages) OVER every, 0) AS probe_upto_percent,
       100.0 * sum(non_probe_messages) OVER upto / nullif(sum(non_probe_messages) OVER every, 0)
       AS non_probe_upto_percent
FROM (SELECT run, protocol, value AS payload_bytes,
             sum(CASE class WHEN 'probe' THEN count ELSE 0 END) AS probe_messages,
             sum(CASE class WHEN 'probe' THEN 0 ELSE count END) AS non_probe_messages
      FROM distributions WHERE measure IN ('payload_out', 'payload_in') GROUP BY run, protocol, value)
WINDOW upto AS (PARTITION BY run, protocol ORDER BY payload_bytes), every AS (PARTITION BY run, protocol);

-- R9
CREATE VIEW R9 AS
SELECT run, protocol, latitude, longitude, sum(CASE class WHEN 'probe' THEN addresses ELSE 0 END) AS probe,
       sum(CASE class WHEN 'probe' THEN 0 ELSE addresses END) AS non_probe
FROM peer_places GROUP BY run, protocol, latitude, longitude;

-- R10
CREATE VIEW R10 AS
WITH named AS (SELECT run, protocol, coalesce(continent, 'UNKNOWN') AS continent,
                      coalesce(country_name, country, 'UNKNOWN') AS country, coalesce(city, 'UNKNOWN') AS city,
                      CASE class WHEN 'probe' THEN addresses ELSE 0 END AS probe,
                      CASE class WHEN 'probe' THEN 0 ELSE addresses END AS non_probe
               FROM peer_places),
     continents AS (SELECT run, protocol, continent AS place, sum(probe) AS probe, sum(non_probe) AS non_probe,
                           row_number() OVER (PARTITION BY run, protocol ORDER BY continent = 'UNKNOWN',
                                              sum(probe + non_probe) DESC, continent) AS rank
                    FROM named GROUP BY run, protocol, continent),
     -- The continent, and in it the country, with most addresses.
     first_continent AS (SELECT run, protocol, place AS continent FROM continents WHERE rank = 1 AND place <> 'UNKNOWN'),
     countries AS (SELECT run, protocol, continent AS within, country AS place, sum(probe) AS probe,
                          sum(non_probe) AS non_probe,
                          row_number() OVER (PARTITION BY run, protocol ORDER BY country = 'UNKNOWN',
                                             sum(probe + non_probe) DESC, country) AS rank
                   FROM named JOIN first_continent USING (run, protocol, continent)
                   GROUP BY run, protocol, continent, country),
     first_country AS (SELECT run, protocol, within AS continent, place AS country FROM countries
                       WHERE rank = 1 AND place <> 'UNKNOWN'),
     cities AS (SELECT run, protocol, country AS within, city AS place, sum(probe) AS probe, sum(non_probe) AS non_probe,
                       row_number() OVER (PARTITION BY run, protocol ORDER BY city = 'UNKNOWN',
                                          sum(probe + non_probe) DESC, city) AS rank
                FROM named JOIN first_country USING (run, protocol, continent, country)
                GROUP BY run, protocol, country, city)
SELECT run, protocol, 'continent' AS level, 'world' AS within, rank, place, probe, non_probe FROM continents
UNION ALL SELECT run, protocol, 'country', within, rank, place, probe, non_probe FROM countries
UNION ALL SELECT run, protocol, 'city', within, rank, place, probe, non_probe FROM cities;

-- R11
-- One row for each class, method and value. methods: echo (a message id came back), reply (first packet sent, first received).
CREATE VIEW R11_samples AS
SELECT run, protocol, class, CASE measure WHEN 'round_trip_echo_us' THEN 'echo' ELSE 'reply' END AS method,
       value / 1000.0 AS ms, count AS samples
FROM distributions WHERE measure IN ('round_trip_echo_us', 'round_trip_reply_us');

CREATE VIEW R11 AS
WITH times AS (SELECT run, protocol, ms, sum(CASE class WHEN 'probe' THEN samples ELSE 0 END) AS probe,
                      sum(CASE class WHEN 'probe' THEN 0 ELSE samples END) AS other
               FROM R11_samples GROUP BY run, protocol, ms),
     upto AS (SELECT *, sum(probe) OVER rising AS probe_upto, sum(probe) OVER every AS probes,
                     sum(other) OVER rising AS other_upto, sum(other) OVER every AS others
              FROM times
              WINDOW every AS (PARTITION BY run, protocol), rising AS (PARTITION BY run, protocol ORDER BY ms))
SELECT run, protocol, ms, probe AS probe_samples, other AS non_probe_samples,
       100.0 * probe_upto / nullif(probes, 0) AS probe_upto_percent,
       100.0 * other_upto / nullif(others, 0) AS non_probe_upto_percent
FROM upto;

CREATE VIEW R11_methods AS
WITH upto AS (SELECT *, sum(samples) OVER (PARTITION BY run, protocol, class, method ORDER BY ms) AS upto,
                     sum(samples) OVER (PARTITION BY run, protocol, class, method) AS total
              FROM R11_samples)
SELECT run, protocol, class, method, max(total) AS samples, min(ms) AS least_ms,
       min(CASE WHEN upto * 2 >= total THEN ms END) AS median_ms,
       min(CASE WHEN upto * 10 >= total * 9 THEN ms END) AS percentile_90_ms, max(ms) AS greatest_ms
FROM upto GROUP BY run, protocol, class, method;

-- R12
-- CDF of popularity: by how many peers of the other side of the campus link an internal (external) peer was contacted.
-- To contact is to send the first packet of the pair. class: of the pairs, by their signalling.
CREATE VIEW R12 AS
WITH contacts AS (
	SELECT c.run, c.protocol, p.client_first, p.dialogs = 0 AND p.probes = 1 AS probe,
	       CASE p.client_first WHEN 1 THEN p.peer ELSE p.client END AS peer, count(*) AS popularity
	FROM clients c CROSS JOIN pairs p USING (run, client)
	WHERE c.internal = 1 AND c.verdict = c.protocol AND p.flows > 0
	      AND (p.run, p.peer) NOT IN (SELECT run, peer FROM peers WHERE internal = 1)
	GROUP BY 1, 2, 3, 4, 5)
SELECT run, protocol, CASE client_first WHEN 1 THEN 'external' ELSE 'internal' END AS side,
       CASE probe WHEN 1 THEN 'probe' ELSE 'non-probe' END AS class, popularity, count(*) AS peers,
       100.0 * sum(count(*)) OVER (PARTITION BY run, protocol, client_first, probe ORDER BY popularity)
       / sum(count(*)) OVER (PARTITION BY run, protocol, client_first, probe) AS upto_percent
FROM contacts GROUP BY run, protocol, client_first, probe, popularity;

-- R13
-- Headline counts, and those of RMM (campus of Torino, first week of April 2007; clients and calls are rounded there).
-- Peers, pairs and bytes are those of recognised clients; a flow between two of them counts once.
CREATE VIEW R13 AS
WITH quantities(place, quantity, paper) AS (VALUES
	(1, 'internal clients, recognised', 1700), (2, 'internal clients, suspected', NULL),
	(3, 'external peers', 304690), (4, 'external addresses', 263886), (5, 'pairs of client and peer', 390126),
	(6, 'UDP signalling flows', 2505622), (7, 'UDP signalling packets', 18274451),
	(8, 'UDP signalling payload bytes', NULL), (9, 'TCP signalling payload bytes', NULL),
	(10, 'voice and video payload bytes', NULL), (11, 'logins', NULL), (12, 'contact-list exchanges', NULL),
	(13, 'version checks', NULL), (14, 'voice and video calls', 3000)),
     remote AS MATERIALIZED (
	SELECT run, protocol, count(*) AS sockets, count(DISTINCT ip) AS addresses
	FROM peers WHERE internal = 0 AND (run, peer) IN (
		SELECT p.run, p.peer FROM clients c CROSS JOIN pairs p USING (run, client) WHERE c.verdict = c.protocol)
	GROUP BY run, protocol),
     days AS MATERIALIZED (
	SELECT run, protocol, sum(flows) AS flows, sum(packets) AS packets, sum(payload) AS payload
	FROM series WHERE period = 'day' GROUP BY run, protocol),
     sockets AS MATERIALIZED (
	SELECT run, protocol, sum(internal = 1 AND verdict = protocol) AS recognised,
	       sum(internal = 1 AND verdict <> protocol) AS suspected,
	       sum(CASE WHEN verdict = protocol THEN peers ELSE 0 END) AS pairs,
	       sum(tcp_out + tcp_in) AS tcp, sum(media_out + media_in) AS media
	FROM clients GROUP BY run, protocol),
     -- Of calls between two clients, which both have; over TCP a flow is of one client alone.
     twice AS MATERIALIZED (
	SELECT c.run, c.protocol, sum(p.media_payload) AS media
	FROM pairs p JOIN clients c USING (run, client) JOIN peers q USING (run, peer)
	     JOIN clients d ON d.run = p.run AND d.protocol = c.protocol AND d.ip = q.ip AND d.port = q.port
	WHERE p.media_flows > 0 AND c.verdict = c.protocol AND d.verdict = d.protocol AND d.client < c.client
	GROUP BY c.run, c.protocol),
     counts(run, protocol, place, here) AS (
	SELECT run, protocol, 1, recognised FROM sockets UNION ALL SELECT run, protocol, 2, suspected FROM sockets
	UNION ALL SELECT run, protocol, 3, sockets FROM remote UNION ALL SELECT run, protocol, 4, addresses FROM remote
	UNION ALL SELECT run, protocol, 5, pairs FROM sockets UNION ALL SELECT run, protocol, 6, flows FROM days
	UNION ALL SELECT run, protocol, 7, packets FROM days UNION ALL SELECT run, protocol, 8, payload FROM days
	UNION ALL SELECT run, protocol, 9, tcp FROM sockets
	UNION ALL SELECT s.run, s.protocol, 10, s.media - coalesce(t.media, 0) FROM sockets s LEFT JOIN twice t USING (run, protocol)
	UNION ALL SELECT run, protocol, CASE role WHEN 'login' THEN 11 ELSE 12 END, count(*) FROM exchanges
	WHERE role IN ('login', 'contact-list') GROUP BY run, protocol, role
	UNION ALL SELECT run, protocol, 13, count(*) FROM version_checks GROUP BY run, protocol
	UNION ALL SELECT run, protocol, 14, count(*) FROM calls GROUP BY run, protocol)
SELECT p.run, p.protocol, q.place, q.quantity, coalesce(c.here, 0) AS here, q.paper
FROM (SELECT DISTINCT run, protocol FROM counts) p CROSS JOIN quantities q
     LEFT JOIN counts c USING (run, protocol, place);

-- B1
CREATE VIEW B1 AS
SELECT v.*, (v.ts_ns - r.first_ns) / 1e9 AS ts FROM version_checks v JOIN runs r USING (run);

-- B2
-- One row for each start-up; seconds are since its first packet.
CREATE VIEW B2 AS
SELECT s.run, s.protocol, s.startup, s.client, c.ip, c.port, s.began_ns, (s.began_ns - r.first_ns) / 1e9 AS began_ts,
       s.udp_asked, s.udp_answered, s.udp_answer_ns / 1e9 AS udp_answer_s, s.tcp_tried,
       s.tcp_first_ns / 1e9 AS tcp_first_s, s.supernode_flow, s.supernode_ns / 1e9 AS supernode_s, s.login_flow,
       s.login_ns / 1e9 AS login_s, s.outcome, s.icmp_echoes
FROM startups s JOIN runs r USING (run) JOIN clients c USING (run, client);

-- B3
-- Connections to supernodes. connected: it went on behind the openings (docs/definitions.md). next: the client's next such
-- connection. A host with several clients counts as one here.
CREATE VIEW B3 AS
SELECT *, CASE WHEN connected THEN lead(flow) OVER following END AS next,
       CASE WHEN connected THEN (lead(first_ns) OVER following - last_ns) / 1e9 END AS next_after_s
FROM (SELECT f.run, f.protocol, f.flow, f.client_ip, f.client_port, f.server_ip, f.server_port, f.first_ns, f.last_ns,
             (f.first_ns - r.first_ns) / 1e9 AS first_ts, (f.last_ns - r.first_ns) / 1e9 AS last_ts,
             f.messages_out, f.messages_in, f.payload_out, f.payload_in, f.ended,
             f.messages_out >= 3 AND f.messages_in >= 2 AS connected,
             f.keepalive_ns / 1e9 AS keepalive_s, f.keepalives
      FROM flows f JOIN runs r USING (run) WHERE f.role = 'supernode')
WINDOW following AS (PARTITION BY run, protocol, client_ip, connected ORDER BY first_ns, flow);

-- B4
CREATE VIEW B4 AS
-- The answer is message 4 of version 1.x, and comes later where the client sends more before it.
SELECT l.*, ((SELECT min(ts_ns) FROM exchange_messages m WHERE m.run = l.run AND m.flow = l.flow AND what = 'answer')
             - (SELECT ts_ns FROM exchange_messages m WHERE m.run = l.run AND m.flow = l.flow AND n = 1)) / 1e9 AS answer_s
FROM logins l;

-- B5
CREATE VIEW B5 AS
SELECT run, protocol, startup, client, ip, port, began_ns, began_ts, icmp_echoes FROM B2;

-- B6
CREATE VIEW B6 AS SELECT * FROM contact_lists;

-- B7
-- Start-ups with what BS Table I has of them: the client's set-up, bytes until the login's answer, seconds to it.
CREATE VIEW B7 AS
SELECT s.run, s.protocol, s.startup, s.client, c.ip, c.port, n.setup, s.began_ns, s.outcome,
       s.login_ns / 1e9 AS login_s, s.bytes_out, s.bytes_in, s.bytes_out + s.bytes_in AS bytes, s.nodes_after
FROM startups s JOIN clients c USING (run, client) LEFT JOIN setups n USING (run, client);

-- B8
CREATE VIEW supernodes AS -- those that were contacted, over the whole run
WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY run, client ORDER BY first_ns, ip, port) AS place
                FROM supernode_contacts)
SELECT run, protocol, ip, port, count(DISTINCT client) AS clients,
       sum(place = 1) AS first_for, -- clients that contacted it before any other
       sum(connections) AS connections, sum(connected) AS connected, sum(accepted) AS accepted, min(first_ns) AS first_ns
FROM ranked GROUP BY run, protocol, ip, port;
CREATE VIEW B8 AS
SELECT s.*, CASE WHEN first_for > 0 THEN 'bootstrap' ELSE 'other' END AS contacted_as,
       (SELECT group_concat(name, ', ') FROM (SELECT name FROM names n WHERE n.run = s.run AND n.ip = s.ip
                                              ORDER BY first_ns, name)) AS names,
       p.continent, coalesce(p.country_name, p.country) AS country, p.city, p.asn, p.organisation
FROM supernodes s LEFT JOIN places p USING (run, ip);

-- B9
CREATE VIEW B9 AS
SELECT s.*, c.ip, c.port, n.setup, (s.first_ns - r.first_ns) / 1e9 AS first_ts, (s.last_ns - s.first_ns) / 1e9 AS seconds
FROM searches s JOIN runs r USING (run) JOIN clients c USING (run, client) LEFT JOIN setups n USING (run, client);

-- B10
CREATE VIEW B10 AS
SELECT c.*, (c.first_ns - r.first_ns) / 1e9 AS first_ts, (c.last_ns - c.first_ns) / 1e9 AS seconds
FROM calls c JOIN runs r USING (run);

-- What the two hosts said to each other in the 10 s before the media and the 5 s after them, as far as the messages are
-- kept (scenes). In the flow of the media a second is left out on either side: where no format is known, media begin and
-- end with a whole second of talk, and there may be voice beside it. Set-up through a third node cannot be told from its other traffic.
CREATE VIEW B10_signalling AS
WITH scene AS MATERIALIZED (SELECT run, flow, proto, client_ip, server_ip, role FROM flows -- a few of millions: one scan
                            WHERE (run, flow) IN (SELECT run, flow FROM scene_flows WHERE kind = 'call')),
     said AS (SELECT c.run, c.protocol, c.call, f.proto, m.bytes,
                     CASE WHEN m.ts_ns BETWEEN c.first_ns - 10000000000
                                           AND c.first_ns - CASE f.role WHEN 'media' THEN 1000000000 ELSE 0 END
                          THEN 'set-up'
                          WHEN m.ts_ns BETWEEN c.last_ns + CASE f.role WHEN 'media' THEN 1000000000 ELSE 0 END
                                           AND c.last_ns + 5000000000 THEN 'tear-down' END AS part
              FROM scene_flows s CROSS JOIN calls c ON c.run = s.run AND c.call = s.number
                   CROSS JOIN scene f ON f.run = s.run AND f.flow = s.flow
                   CROSS JOIN messages m ON m.run = f.run AND m.flow = f.flow
              WHERE s.kind = 'call' AND ((f.client_ip = c.near_ip AND f.server_ip = c.far_ip)
                                         OR (f.client_ip = c.far_ip AND f.server_ip = c.near_ip)))
SELECT run, protocol, call, part, group_concat(DISTINCT proto) AS proto, count(*) AS messages, sum(bytes) AS bytes
FROM said WHERE part IS NOT NULL GROUP BY run, protocol, call, part;

-- B11
-- protocol: of the call; NULL for a stream that is of none.
CREATE VIEW B11 AS
SELECT s.*, c.protocol FROM stream_list s LEFT JOIN calls c USING (run, call);

-- B12
CREATE VIEW B12 AS
SELECT h.run, c.protocol, h.call, h.n, h.first_ns, h.last_ns, (h.last_ns - h.first_ns) / 1e9 AS seconds,
       c.near_ip, c.near_port, c.far_ip, c.far_port, c.silence_out, c.silence_in
FROM holds h JOIN calls c USING (run, call);

-- B13
CREATE VIEW B13 AS
SELECT run, protocol, flow, role, client_ip, client_port, server_ip, server_port, first_ns, last_ns,
       keepalive_ns / 1e9 AS keepalive_s, keepalives
FROM flows WHERE keepalives > 0;

-- B14
CREATE VIEW B14 AS
SELECT run, protocol, conference, count(*) AS calls, min(first_ns) AS first_ns, max(last_ns) AS last_ns,
       count(DISTINCT near_ip) AS near_hosts, count(DISTINCT far_ip) AS far_hosts
FROM calls WHERE conference IS NOT NULL GROUP BY run, protocol, conference;

-- B15
-- Supernodes that a client was connected to; BS counted established connections.
CREATE VIEW B15 AS
WITH seen AS (SELECT run, protocol, day_ns, ip, port, sum(connected) AS connections FROM supernode_contacts
              WHERE connected > 0 GROUP BY run, protocol, day_ns, ip, port),
     dated AS (SELECT *, lag(day_ns) OVER (PARTITION BY run, protocol, ip, port ORDER BY day_ns) AS before_ns FROM seen),
     days AS (SELECT run, protocol, day_ns, count(*) AS supernodes, sum(before_ns IS NULL) AS new,
                     sum(coalesce(before_ns = day_ns - 86400000000000, 0)) AS common, sum(connections) AS connections
              FROM dated GROUP BY run, protocol, day_ns)
SELECT run, protocol, day_ns, supernodes, sum(new) OVER (PARTITION BY run, protocol ORDER BY day_ns) AS cumulative,
       -- NULL: nothing is known of the day before
       CASE WHEN lag(day_ns) OVER (PARTITION BY run, protocol ORDER BY day_ns) = day_ns - 86400000000000 THEN common END
       AS common,
       connections
FROM days;
CREATE VIEW B15_countries AS
SELECT run, protocol, coalesce(p.country_name, p.country, 'UNKNOWN') AS country, coalesce(p.continent, 'UNKNOWN') AS continent,
       count(*) AS supernodes, sum(connected) AS connections
FROM supernodes LEFT JOIN places p USING (run, ip)
WHERE connected > 0 GROUP BY run, protocol, 3, 4;
CREATE VIEW B15_organisations AS
WITH owned AS (SELECT s.*, p.organisation,
                      (SELECT domain FROM names n WHERE n.run = s.run AND n.ip = s.ip ORDER BY first_ns, name LIMIT 1) AS domain
               FROM supernodes s LEFT JOIN places p USING (run, ip) WHERE connected > 0)
SELECT run, protocol, coalesce(organisation, domain, 'UNKNOWN') AS organisation,
       CASE WHEN organisation IS NOT NULL THEN 'ASN file' WHEN domain IS NOT NULL THEN 'DNS' END AS known_by,
       count(*) AS supernodes, sum(connected) AS connections
FROM owned GROUP BY run, protocol, 3, 4;

-- B16
CREATE VIEW B16 AS
SELECT run, protocol, p.latitude, p.longitude, count(*) AS supernodes, sum(connected) AS connections
FROM supernodes LEFT JOIN places p USING (run, ip)
WHERE connected > 0 GROUP BY run, protocol, p.latitude, p.longitude;

-- N1
-- Entries that the clients hold in a NAT or firewall table: most at a time in each interval.
CREATE VIEW N1 AS
SELECT e.run, e.protocol, e.timeout_ns / 1000000000 AS timeout_s, e.start_ns,
       (e.start_ns - r.first_ns) / 1e9 AS seconds, e.width_ns / 1e9 AS width_s, e.entries, e.probes, e.tcp,
       100.0 * e.probes / nullif(e.entries, 0) AS probes_percent
FROM state_entries e JOIN runs r USING (run);

-- Their peaks: of all clients together (client 0, no address), and of each.
CREATE VIEW N1_peaks AS
SELECT s.run, s.protocol, s.client, c.ip, c.port, s.timeout_ns / 1000000000 AS timeout_s, s.peak, s.peak_ns,
       s.peak_probes, 100.0 * s.peak_probes / s.peak AS peak_probes_percent, s.peak_tcp, s.mean, s.mean_probes,
       100.0 * s.mean_probes / nullif(s.mean, 0) AS mean_probes_percent, s.opened, s.opened_probes,
       100.0 * s.opened_probes / s.opened AS opened_probes_percent
FROM state_peaks s LEFT JOIN clients c USING (run, client);

-- N2
-- Pair classes (D10) as they would be with other inactivity timeouts; own: the run's, as in pair_classes.
CREATE VIEW N2 AS
SELECT s.run, s.protocol, s.timeout_ns / 1e9 AS timeout_s, s.timeout_ns = r.idle_ns AS own, s.class, s.pairs,
       s.flows, s.packets, 100.0 * s.pairs / sum(s.pairs) OVER whole AS pairs_percent,
       100.0 * s.flows / sum(s.flows) OVER whole AS flows_percent,
       100.0 * s.packets / sum(s.packets) OVER whole AS packets_percent
FROM class_shares s JOIN runs r USING (run)
WINDOW whole AS (PARTITION BY s.run, s.protocol, s.timeout_ns);

-- N3
-- Signalling over time; period: minute (short runs), hour, day.
CREATE VIEW N3 AS
SELECT run, protocol, period, start_ns / 1000000000 AS start_s,
       CASE period WHEN 'day' THEN strftime('%Y-%m-%d', start_ns / 1000000000, 'unixepoch')
            ELSE strftime('%Y-%m-%dT%H:%MZ', start_ns / 1000000000, 'unixepoch') END AS start_utc,
       flows, packets, payload, active_clients, new_clients, logins, calls
FROM series;
