-- The database of footsteps, schema 1 (PRAGMA user_version; 0: unfinished). PRAGMA application_id is 0x46537470 ("FStp").
--
-- The database is an interface: read it with the stock sqlite3 shell. Times are integers, nanoseconds since
-- 1970-01-01 UTC, from the packets; addresses are text (RFC 5952 for IPv6); bytes and packets are as in
-- footsteps-read(1). Payload is never stored. D1-D13 are defined in docs/definitions.md.
-- "out": sent by the client (of a pair) or by the initiator (of a flow: the sender of its first packet, D2);
-- "in": the other way. Every table carries the run: `read --append` adds runs. Bits are rounded to 4 decimals.

CREATE TABLE runs (
	run       INTEGER PRIMARY KEY,
	version   TEXT NOT NULL,    -- of footsteps
	libraries TEXT NOT NULL,    -- names and versions, comma separated
	options   TEXT NOT NULL,    -- effective options, one JSON object
	idle_ns   INTEGER NOT NULL, -- inactivity timeout of D1
	first_ns  INTEGER,          -- first packet; NULL: no packets
	last_ns   INTEGER,          -- last packet
	packets   INTEGER NOT NULL, -- frames read: the sum of counters of area 'packets'
	complete  INTEGER NOT NULL, -- 1; 0: exit status 3, see problems
	problems  TEXT NOT NULL     -- one per line; '' when complete
);

CREATE TABLE inputs (               -- the manifest
	run       INTEGER NOT NULL,
	n         INTEGER NOT NULL, -- 1.. in the order of the merge's input list
	path      TEXT NOT NULL,    -- as given
	format    TEXT NOT NULL,    -- pcap, pcapng, snoop, erf
	container TEXT NOT NULL,    -- '', gzip, zstd, xz, bzip2, lz4
	link_type TEXT NOT NULL,    -- name of the first frame's link type
	bytes     INTEGER NOT NULL, -- of the file as stored
	sha256    TEXT,             -- of the file as stored, hex; NULL: not computed
	frames    INTEGER NOT NULL, -- read
	filtered  INTEGER NOT NULL, -- of these, left out by the filter
	dropped   INTEGER NOT NULL, -- by the capturing system, as the file says
	snaplen   INTEGER,          -- NULL: not said
	first_ns  INTEGER,
	last_ns   INTEGER,
	ended     TEXT NOT NULL,    -- complete, cut, damaged, stopped
	problem   TEXT NOT NULL,    -- '' or why
	PRIMARY KEY (run, n)
) WITHOUT ROWID;

CREATE TABLE counters (
	run   INTEGER NOT NULL,
	area  TEXT NOT NULL,        -- packets (every frame in exactly one: adds up to runs.packets), flows (by end
	                            -- reason: adds up to all flows), trace (the judgement of the trace), bounds
	name  TEXT NOT NULL,
	value INTEGER NOT NULL,
	words TEXT NOT NULL,
	PRIMARY KEY (run, area, name)
) WITHOUT ROWID;

CREATE TABLE clients (              -- client sockets (D3) with a verdict
	run          INTEGER NOT NULL,
	client       INTEGER NOT NULL, -- 1.. in order of first evidence
	protocol     TEXT NOT NULL,
	verdict      TEXT NOT NULL,    -- 'skype' recognised, 'skype?' suspected
	ip           TEXT NOT NULL,
	port         INTEGER NOT NULL,
	internal     INTEGER NOT NULL, -- D5
	public_ip    TEXT,             -- as its peers see it; NULL: nobody said
	behind_nat   INTEGER,          -- 1: public_ip differs from ip; NULL: unknown
	version      TEXT,             -- of the client program, from a version check of the same host
	bits         REAL NOT NULL,    -- log2 likelihood ratio: the sum of its evidence
	first_packet INTEGER NOT NULL, -- of its evidence
	first_ns     INTEGER,          -- first and last packet of its flows (lifetime, D13)
	last_ns      INTEGER,
	peers        INTEGER NOT NULL, -- remote sockets that it exchanged a packet with (D4)
	flows        INTEGER NOT NULL, -- this and what follows: over its UDP flows (for TCP see client_traffic)
	packets_out  INTEGER NOT NULL,
	packets_in   INTEGER NOT NULL,
	payload_out  INTEGER NOT NULL, -- transport payload as captured, bytes
	payload_in   INTEGER NOT NULL,
	PRIMARY KEY (run, client)
) WITHOUT ROWID;

CREATE TABLE peers (                -- remote sockets of the clients (D4)
	run      INTEGER NOT NULL,
	peer     INTEGER NOT NULL,
	protocol TEXT NOT NULL,
	ip       TEXT NOT NULL,
	port     INTEGER NOT NULL,
	internal INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	last_ns  INTEGER NOT NULL,
	clients  INTEGER NOT NULL,  -- clients of this trace that it exchanged packets with
	PRIMARY KEY (run, peer)
) WITHOUT ROWID;

CREATE TABLE pairs (                -- client x peer, over all their UDP flows
	run          INTEGER NOT NULL,
	client       INTEGER NOT NULL,
	peer         INTEGER NOT NULL,
	client_first INTEGER NOT NULL, -- 1: the client sent the first packet
	flows        INTEGER NOT NULL,
	probes       INTEGER NOT NULL, -- flows that are one-time probes (D6)
	dialogs      INTEGER NOT NULL, -- flows that are dialogs (D9)
	packets_out  INTEGER NOT NULL,
	packets_in   INTEGER NOT NULL,
	payload_out  INTEGER NOT NULL,
	payload_in   INTEGER NOT NULL,
	first_ns     INTEGER NOT NULL,
	last_ns      INTEGER NOT NULL,
	PRIMARY KEY (run, client, peer)
) WITHOUT ROWID;

CREATE TABLE flows (                -- D1; the recognised ones, or all (runs.options)
	run            INTEGER NOT NULL,
	flow           INTEGER NOT NULL, -- number of its first packet: unique in the run
	proto          TEXT NOT NULL,    -- udp, tcp, icmp, ... or the IP protocol number
	client_ip      TEXT NOT NULL,    -- initiator: sender of the first packet seen (D2)
	client_port    INTEGER NOT NULL, -- 0 for protocols without ports
	server_ip      TEXT NOT NULL,    -- responder
	server_port    INTEGER NOT NULL,
	first_ns       INTEGER NOT NULL,
	last_ns        INTEGER NOT NULL,
	last_packet    INTEGER NOT NULL,
	packets_out    INTEGER NOT NULL,
	packets_in     INTEGER NOT NULL,
	bytes_out      INTEGER NOT NULL, -- IP header onward, on the wire
	bytes_in       INTEGER NOT NULL,
	payload_out    INTEGER NOT NULL, -- transport payload as captured, retransmissions included
	payload_in     INTEGER NOT NULL,
	payload_wire   INTEGER NOT NULL, -- both ways, on the wire
	duration_out   INTEGER NOT NULL, -- ns from first to last packet of the source flow
	duration_in    INTEGER NOT NULL,
	reply_ns       INTEGER,          -- from the first packet out to the first packet in; NULL: no reply
	messages_out   INTEGER NOT NULL, -- packets with new payload
	messages_in    INTEGER NOT NULL,
	size_out       INTEGER NOT NULL, -- payload of the first such packet, on the wire
	size_in        INTEGER NOT NULL,
	retransmitted  INTEGER NOT NULL, -- TCP segments without a new byte, both ways
	duplicates     INTEGER NOT NULL, -- packets that look like copies made by a span port
	ended          TEXT NOT NULL,    -- idle, fin, rst, reuse, eof, evicted
	tcp_flags      INTEGER,          -- all, or-ed; NULL: not TCP
	icmp_errors    INTEGER NOT NULL, -- ICMP errors that quoted this flow
	icmp           TEXT,             -- type/code of the last of them
	label          TEXT NOT NULL,    -- skype-udp, skype-login, ..., names of other protocols, unknown
	protocol       TEXT,             -- of the label, when a dissector of footsteps knows it
	source         TEXT NOT NULL,    -- what the label rests on: payload, socket, peer, libndpi, guess, none
	bits           REAL NOT NULL,
	client         INTEGER,          -- client socket at one of its ends
	ndpi           TEXT              -- libndpi's label, beside ours
);

CREATE TABLE evidence (
	run          INTEGER NOT NULL,
	about        TEXT NOT NULL,    -- client, flow
	subject      INTEGER NOT NULL, -- clients.client or flows.flow
	protocol     TEXT NOT NULL,
	kind         TEXT NOT NULL,
	words        TEXT NOT NULL,
	bits         REAL NOT NULL,    -- capped sum; the bits of a subject add up to its verdict
	cap          REAL NOT NULL,    -- most that this kind can give
	reports      INTEGER NOT NULL, -- how often it was seen
	against      INTEGER NOT NULL, -- of these, how often against
	first_packet INTEGER NOT NULL,
	last_packet  INTEGER NOT NULL,
	PRIMARY KEY (run, about, subject, protocol, kind)
) WITHOUT ROWID;

CREATE TABLE exchanges (            -- logins (B4) and contact-list exchanges (B6)
	run         INTEGER NOT NULL,
	flow        INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	role        TEXT NOT NULL,  -- login, contact-list
	form        TEXT NOT NULL,  -- generation of the protocol
	outcome     TEXT NOT NULL,  -- success, failure, no-answer, unknown
	client_ip   TEXT NOT NULL,
	client_port INTEGER NOT NULL,
	server_ip   TEXT NOT NULL,
	server_port INTEGER NOT NULL,
	first_ns    INTEGER NOT NULL,
	last_ns     INTEGER NOT NULL,
	messages    INTEGER NOT NULL,
	client      INTEGER,        -- recognised client socket of the same host (the port is the exchange's own)
	PRIMARY KEY (run, flow)
) WITHOUT ROWID;

CREATE TABLE exchange_messages (
	run       INTEGER NOT NULL,
	flow      INTEGER NOT NULL,
	n         INTEGER NOT NULL, -- 1..
	ts_ns     INTEGER NOT NULL, -- when its last byte came
	packet    INTEGER NOT NULL,
	direction TEXT NOT NULL,    -- out, in
	bytes     INTEGER NOT NULL,
	what      TEXT NOT NULL,
	PRIMARY KEY (run, flow, n)
) WITHOUT ROWID;

CREATE TABLE version_checks (       -- B1
	run         INTEGER NOT NULL,
	flow        INTEGER NOT NULL,
	packet      INTEGER NOT NULL,
	ts_ns       INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	client_ip   TEXT NOT NULL,
	client_port INTEGER NOT NULL,
	server_ip   TEXT NOT NULL,
	server_port INTEGER NOT NULL,
	action      TEXT NOT NULL,  -- installed (first run), getlatestversion
	version     TEXT NOT NULL,
	platform    TEXT NOT NULL,
	host        TEXT NOT NULL,
	client      INTEGER,        -- recognised client socket of the same host
	PRIMARY KEY (run, packet)
) WITHOUT ROWID;

CREATE TABLE label_totals (         -- of all flows, whatever --flows says
	run     INTEGER NOT NULL,
	label   TEXT NOT NULL,
	source  TEXT NOT NULL,
	ndpi    TEXT NOT NULL,      -- libndpi's label of the same flows; '' none
	flows   INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	payload INTEGER NOT NULL,   -- transport payload as captured, bytes
	bytes   INTEGER NOT NULL,   -- IP header onward, on the wire
	PRIMARY KEY (run, label, source, ndpi)
) WITHOUT ROWID;

CREATE TABLE payload_sizes (        -- R8: messages of the clients' UDP signalling flows
	run         INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	class       TEXT NOT NULL,  -- probe (D7), non-probe (D12)
	from_client INTEGER NOT NULL,
	size        INTEGER NOT NULL, -- payload bytes on the wire
	messages    INTEGER NOT NULL,
	PRIMARY KEY (run, protocol, class, from_client, size)
) WITHOUT ROWID;

-- Views. first_ts and last_ts are seconds since the first packet of the run.

CREATE VIEW flow_list AS
SELECT f.run, f.flow, f.proto, f.client_ip, f.client_port, f.server_ip, f.server_port,
       (f.first_ns - r.first_ns) / 1e9 AS first_ts, (f.last_ns - r.first_ns) / 1e9 AS last_ts,
       f.packets_out + f.packets_in AS packets, f.payload_out + f.payload_in AS payload_bytes,
       f.label, f.source, f.bits, f.packets_out, f.packets_in, f.payload_out, f.payload_in,
       f.reply_ns / 1e6 AS reply_ms, f.ended, f.retransmitted, f.icmp_errors, f.icmp, f.client, f.ndpi,
       f.first_ns, f.last_ns, f.last_packet
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

-- Class of each pair (D10).
CREATE VIEW pair_classes AS
SELECT p.*, c.protocol, c.ip AS client_ip, c.port AS client_port, q.ip AS peer_ip, q.port AS peer_port,
       q.internal AS peer_internal,
       CASE WHEN p.dialogs = 0 AND p.probes = 1 THEN 'probe'
            WHEN p.dialogs = 0 THEN 'heartbeat'
            WHEN p.probes = 0 THEN 'dialog'
            ELSE 'mix' END AS class
FROM pairs p JOIN clients c USING (run, client) JOIN peers q USING (run, peer);

-- Source flows (D2) of the clients' UDP flows: one row per direction that carried packets. D11: media is told apart
-- from signalling by later versions; here every recognised UDP flow is signalling.
CREATE VIEW source_flows AS
SELECT run, flow, protocol, 'out' AS direction, packets_out AS packets, payload_out AS payload,
       duration_out / 1e9 AS seconds
FROM flows WHERE client IS NOT NULL AND proto = 'udp' AND packets_out > 0
UNION ALL
SELECT run, flow, protocol, 'in', packets_in, payload_in, duration_in / 1e9
FROM flows WHERE client IS NOT NULL AND proto = 'udp' AND packets_in > 0;

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
