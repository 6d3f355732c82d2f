-- The database of footsteps, schema 2 (PRAGMA user_version; 0: unfinished). PRAGMA application_id is 0x46537470 ("FStp").
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
	callers      INTEGER NOT NULL, -- peers that spoke first, in the protocol
	callers_answered INTEGER NOT NULL, -- of these, to which it sent something in such a flow
	role         TEXT NOT NULL,    -- supernode: many call it and it answers (docs/definitions.md); else client
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
	source         TEXT NOT NULL,    -- what the label rests on: payload, socket, peer, opening, libndpi, guess, none
	bits           REAL NOT NULL,
	client         INTEGER,          -- client socket at one of its ends
	ndpi           TEXT,             -- libndpi's label, beside ours
	role           TEXT,             -- what a recognised flow is for: login, contact_list, version_check, supernode,
	                                 -- node, signalling, media; NULL: not known
	keepalive_ns   INTEGER,          -- mean interval of its keep-alives (docs/definitions.md); NULL: none, or not TCP
	keepalives     INTEGER NOT NULL  -- messages at that interval
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

CREATE TABLE calls (                -- B10-B12, B14: media flows of two hosts that belong together
	run                 INTEGER NOT NULL,
	call                INTEGER NOT NULL, -- 1.. in order of first_ns
	protocol            TEXT NOT NULL,
	basis               TEXT NOT NULL,    -- what says so: format (read from every message), socket (a recognised client
	                                      -- socket, and the naive Bayes classifier), statistics (chi-square and that one)
	media               TEXT NOT NULL,    -- audio, video, audio+video, other
	near_ip             TEXT NOT NULL,    -- the internal host; where both or neither are, the one that began
	near_port           INTEGER NOT NULL, -- ports of the call's first flow
	far_ip              TEXT NOT NULL,
	far_port            INTEGER NOT NULL,
	near_began          INTEGER NOT NULL, -- 1: the near host sent the first packet of the first flow
	transport           TEXT NOT NULL,    -- udp, tcp, udp+tcp
	route               TEXT,             -- direct (the far end answered a connectivity check; it may be a server),
	                                      -- relayed (it is a relay that the near host chose); NULL: cannot be told
	public_ip           TEXT,             -- the near end as the far one sees it; NULL: not told
	public_port         INTEGER,
	peer_ip             TEXT,             -- whom the media is for, behind the relay; NULL: not told
	peer_port           INTEGER,
	round_trip_ms       REAL,             -- by the reports of both ends (RFC 3550 6.4.1); NULL: not told
	first_ns            INTEGER NOT NULL, -- first and last message of media
	last_ns             INTEGER NOT NULL,
	flows               INTEGER NOT NULL,
	packets_out         INTEGER NOT NULL, -- media messages; out: sent by the near host
	payload_out         INTEGER NOT NULL, -- bytes of media, behind the headers of the format, on the wire
	size_min_out        INTEGER,
	size_max_out        INTEGER,
	rate_out            REAL,             -- messages per second, holds left out
	bandwidth_out       REAL,             -- payload bytes per second, holds left out
	codec_out           TEXT,             -- NULL: not known
	codec_estimated_out INTEGER,          -- 1: by the classifier; 0: told by the format
	silence_out         TEXT,             -- sent (no silence suppression), suppressed; NULL: not known
	mos_out             REAL,             -- E-model (G.107), of the worst audio stream; NULL: cannot be told
	mos_assumed_out     INTEGER,          -- 1: the codec is not told, and the score is that of a usual one
	packets_in          INTEGER NOT NULL, -- the other way, as above
	payload_in          INTEGER NOT NULL,
	size_min_in         INTEGER,
	size_max_in         INTEGER,
	rate_in             REAL,
	bandwidth_in        REAL,
	codec_in            TEXT,
	codec_estimated_in  INTEGER,
	silence_in          TEXT,
	mos_in              REAL,
	mos_assumed_in     INTEGER,          -- 1: the codec is not told, and the score is that of a usual one
	holds               INTEGER NOT NULL, -- B12, rows of table holds
	hold_ns             INTEGER NOT NULL,
	conference          INTEGER,          -- B14: calls of one host with several others at the same time
	client              INTEGER,          -- client socket at one of its ends
	PRIMARY KEY (run, call)
) WITHOUT ROWID;

CREATE TABLE holds (                -- B12: media fell to a trickle and came back
	run      INTEGER NOT NULL,
	call     INTEGER NOT NULL,
	n        INTEGER NOT NULL,  -- 1..
	first_ns INTEGER NOT NULL,
	last_ns  INTEGER NOT NULL,
	PRIMARY KEY (run, call, n)
) WITHOUT ROWID;

CREATE TABLE streams (              -- B11: one direction of media, of one synchronisation source where there are several
	run           INTEGER NOT NULL,
	flow          INTEGER NOT NULL,
	n             INTEGER NOT NULL, -- 1.. in the flow
	call          INTEGER,          -- NULL: of no call
	verdict       TEXT NOT NULL,    -- call; one-way (a format, but nobody answers); voip-like (nothing but the classifier)
	basis         TEXT NOT NULL,    -- as in calls; none
	proto          TEXT NOT NULL,   -- udp, tcp
	initiator_ip   TEXT NOT NULL,   -- of the flow, whose own row may not be stored
	initiator_port INTEGER NOT NULL,
	responder_ip   TEXT NOT NULL,
	responder_port INTEGER NOT NULL,
	direction     TEXT NOT NULL,    -- out (sent by the initiator), in
	stream        INTEGER,          -- RTP: SSRC; NULL: the format has none or is not known
	payload_type  INTEGER,
	codec         TEXT,             -- told by the format; NULL: not told
	media         TEXT,             -- audio, video, other; NULL: not told
	first_ns      INTEGER NOT NULL,
	last_ns       INTEGER NOT NULL,
	first_packet  INTEGER NOT NULL,
	packets       INTEGER NOT NULL,
	payload       INTEGER NOT NULL, -- bytes of media on the wire
	size_min      INTEGER NOT NULL, -- payload of one message
	size_max      INTEGER NOT NULL,
	size_mean     REAL NOT NULL,
	size_sd       REAL NOT NULL,
	gap_ms        REAL,             -- mean time between messages, pauses of more than 1 s left out
	gap_sd_ms     REAL,
	large         INTEGER NOT NULL, -- messages too large for a voice (over 400 bytes)
	expected      INTEGER,          -- by the sequence numbers (RFC 3550 A.3); NULL: there are none, or TCP
	lost          INTEGER,
	duplicates    INTEGER,
	reordered     INTEGER,
	clock_hz      INTEGER,          -- of the media timestamps, told or estimated; NULL: not known
	jitter_ms     REAL,             -- RFC 3550 6.4.1: mean and greatest; NULL: no clock
	jitter_max_ms REAL,
	comfort_noise INTEGER NOT NULL, -- messages that stand for silence
	csc_messages  INTEGER NOT NULL, -- chi-square test: messages it has seen
	csc_above     INTEGER NOT NULL, -- bit g: group g + 1 of the first 64 bits is not random (above the threshold)
	windows       INTEGER NOT NULL, -- naive Bayes: windows of 30 messages; 0: none, and no belief
	belief_size   REAL,             -- ln of the density of the sizes and of the gaps under the best model
	belief_gap    REAL,
	estimate      TEXT,             -- that model, if it is accepted
	framing_ms    INTEGER,
	mos           REAL,             -- E-model (G.107); NULL: cannot be told
	mos_assumed   INTEGER,          -- 1: the codec is not told, and the score is that of a usual one
	PRIMARY KEY (run, flow, n)
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

-- Class of each pair (D10).
CREATE VIEW pair_classes AS
SELECT p.*, c.protocol, c.ip AS client_ip, c.port AS client_port, q.ip AS peer_ip, q.port AS peer_port,
       q.internal AS peer_internal,
       CASE WHEN p.dialogs = 0 AND p.probes = 1 THEN 'probe'
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
