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

-- The protocol that the figures of a report are about: the one whose clients have most flows over UDP.
CREATE VIEW main_protocol AS
SELECT run, protocol FROM (
	SELECT run, protocol, row_number() OVER (PARTITION BY run ORDER BY sum(flows) DESC, protocol) AS place
	FROM clients WHERE verdict = protocol GROUP BY run, protocol)
WHERE place = 1;

-- Source flows (D2) of the clients' UDP signalling (D11): one row per direction that carried packets.
CREATE VIEW source_flows AS
SELECT run, flow, protocol, 'out' AS direction, packets_out AS packets, payload_out AS payload,
       duration_out / 1e9 AS seconds
FROM flows WHERE client IS NOT NULL AND proto = 'udp' AND role IS NOT 'media' AND packets_out > 0
UNION ALL
SELECT run, flow, protocol, 'in', packets_in, payload_in, duration_in / 1e9
FROM flows WHERE client IS NOT NULL AND proto = 'udp' AND role IS NOT 'media' AND packets_in > 0;

-- What each client's signalling costs, by label: UDP and TCP flows of its socket and peers, and the logins, contact
-- lists and version checks of its host.
CREATE VIEW client_traffic AS
SELECT run, client, label, count(*) AS flows, sum(packets_out + packets_in) AS packets,
       sum(payload_out + payload_in) AS payload, sum(bytes_out + bytes_in) AS bytes
FROM (SELECT f.run, f.label, f.packets_out, f.packets_in, f.payload_out, f.payload_in, f.bytes_out, f.bytes_in,
             coalesce(f.client, e.client, v.client) AS client
      FROM flows f LEFT JOIN exchanges e USING (run, flow)
           LEFT JOIN (SELECT DISTINCT run, flow, client FROM version_checks) v USING (run, flow)
      WHERE f.protocol IS NOT NULL)
WHERE client IS NOT NULL
GROUP BY run, client, label;

-- The tables and figures of the report, each named after its id in docs/definitions.md. All have the columns run and
-- protocol; what the page shows of them is in reports/.

-- R1

-- R2

-- R3

-- R4

-- R5

-- R6

-- R7

-- R8

-- R9

-- R10

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

-- R13

-- B1

-- B2

-- B3

-- B4

-- B5

-- B6

-- B7

-- B8

-- B9

-- B10

-- B11

-- B12

-- B13

-- B14

-- B15

-- B16

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
