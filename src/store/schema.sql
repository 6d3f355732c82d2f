-- The database of footsteps, schema 5 (PRAGMA user_version; 0: unfinished). PRAGMA application_id is 0x46537470 ("FStp").
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
	path      TEXT NOT NULL,    -- as given; of live the interface
	format    TEXT NOT NULL,    -- pcap, pcapng, snoop, erf; of live: interface
	container TEXT NOT NULL,    -- '', gzip, zstd, xz, bzip2, lz4
	link_type TEXT NOT NULL,    -- of its frames: EN10MB ..., or several; '': no frame
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
	                            -- reason: adds up to all flows), trace (the judgement of the trace), bounds,
	                            -- round_trips (R11: flows of clients, signalling over UDP, in exactly one)
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
	flows        INTEGER NOT NULL, -- this and what follows: of its signalling over UDP (D11)
	packets_out  INTEGER NOT NULL,
	packets_in   INTEGER NOT NULL,
	payload_out  INTEGER NOT NULL, -- transport payload on the wire, bytes, here and below
	payload_in   INTEGER NOT NULL,
	media_out    INTEGER NOT NULL, -- payload bytes of its media flows, UDP and TCP
	media_in     INTEGER NOT NULL,
	tcp_out      INTEGER NOT NULL, -- payload bytes of its host's TCP flows of the protocol, media left out
	tcp_in       INTEGER NOT NULL,
	tcp_first_ns INTEGER,          -- first and last packet of these flows; NULL: there are none
	tcp_last_ns  INTEGER,
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

CREATE TABLE pairs (                -- client x peer, over their UDP flows: signalling, and media beside it (D11)
	run          INTEGER NOT NULL,
	client       INTEGER NOT NULL,
	peer         INTEGER NOT NULL,
	client_first INTEGER NOT NULL, -- 1: the client sent the first packet
	flows        INTEGER NOT NULL,
	probes       INTEGER NOT NULL, -- flows that are one-time probes (D6)
	dialogs      INTEGER NOT NULL, -- flows that are dialogs (D9)
	packets_out  INTEGER NOT NULL,
	packets_in   INTEGER NOT NULL,
	payload_out  INTEGER NOT NULL, -- transport payload on the wire, bytes
	payload_in   INTEGER NOT NULL,
	media_flows   INTEGER NOT NULL, -- not in the numbers above
	media_packets INTEGER NOT NULL, -- both ways
	media_payload INTEGER NOT NULL,
	first_ns     INTEGER NOT NULL, -- of signalling and media
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
	size_out       INTEGER NOT NULL, -- payload of the first such packet, on the wire; of a UDP datagram in fragments, of all
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
-- The few that B3 and B13 are about, among millions.
CREATE INDEX flows_supernode ON flows (run, protocol, first_ns) WHERE role = 'supernode';
CREATE INDEX flows_keepalive ON flows (run, protocol, first_ns) WHERE keepalives > 0;

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
	rate_out            REAL,             -- messages per second of the call; holds and what is outside of the talk left out
	bandwidth_out       REAL,             -- payload bytes per second, likewise
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

CREATE TABLE patterns (             -- what the strategies of footsteps rules look for in one packet: all that this version knows
	run        INTEGER NOT NULL,
	protocol   TEXT NOT NULL,
	pattern    TEXT NOT NULL,
	words      TEXT NOT NULL,
	definition TEXT NOT NULL,   -- 'tcp, 5 bytes, 16 03 01 00 00 at 0'
	PRIMARY KEY (run, protocol, pattern)
) WITHOUT ROWID;

CREATE TABLE pattern_hits (         -- flows with a packet that fits one: all flows, whatever --flows says
	run           INTEGER NOT NULL,
	flow          INTEGER NOT NULL, -- number of its first packet
	protocol      TEXT NOT NULL,    -- of the pattern
	pattern       TEXT NOT NULL,
	direction     TEXT NOT NULL,    -- in which that packet went: out, in
	packet        INTEGER NOT NULL, -- the first that fits
	ts_ns         INTEGER NOT NULL, -- of that packet
	proto         TEXT NOT NULL,    -- from here on: of the flow, as in flows
	client_ip     TEXT NOT NULL,
	client_port   INTEGER NOT NULL,
	server_ip     TEXT NOT NULL,
	server_port   INTEGER NOT NULL,
	label         TEXT NOT NULL,
	label_protocol TEXT,            -- flows.protocol: of the label
	source        TEXT NOT NULL,
	client        INTEGER,
	PRIMARY KEY (run, flow, protocol, pattern, direction)
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

-- What the tables and figures of the report are made of (docs/definitions.md). Of recognised clients' flows.

CREATE TABLE distributions (        -- how often a measure took a value; measures, units and rounding: behave/distributions.h
	run      INTEGER NOT NULL,
	protocol TEXT NOT NULL,
	measure  TEXT NOT NULL,
	class    TEXT NOT NULL,     -- probe (D7), non-probe (D12), or internal, external (D5)
	value    INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (run, protocol, measure, class, value)
) WITHOUT ROWID;

CREATE TABLE series (               -- signalling over UDP (D11) over time, UTC; a period without any has no row
	run            INTEGER NOT NULL,
	protocol       TEXT NOT NULL,
	period         TEXT NOT NULL,    -- minute (runs of at most 6 h), hour, day
	start_ns       INTEGER NOT NULL,
	flows          INTEGER NOT NULL, -- begun in it; one between two clients counts once, here and below
	packets        INTEGER NOT NULL,
	payload        INTEGER NOT NULL, -- bytes on the wire
	active_clients INTEGER NOT NULL, -- that exchanged a packet over UDP, signalling or media
	new_clients    INTEGER NOT NULL, -- whose first packet is in it
	logins         INTEGER NOT NULL, -- begun
	calls          INTEGER NOT NULL, -- begun
	PRIMARY KEY (run, protocol, period, start_ns)
) WITHOUT ROWID;

CREATE TABLE round_trips (          -- R11: the id of a client's question, sent once, came back (docs/definitions.md; bounded)
	run           INTEGER NOT NULL,
	packet        INTEGER NOT NULL, -- the reply
	flow          INTEGER NOT NULL,
	protocol      TEXT NOT NULL,
	client        INTEGER NOT NULL,
	asked_ns      INTEGER NOT NULL, -- when the client sent the question
	round_trip_ns INTEGER NOT NULL,
	question      INTEGER NOT NULL, -- payload bytes
	reply         INTEGER NOT NULL,
	PRIMARY KEY (run, packet)
) WITHOUT ROWID;

CREATE TABLE class_shares (         -- N2: pair classes (D10) as they would be with other inactivity timeouts
	run       INTEGER NOT NULL,
	protocol  TEXT NOT NULL,
	timeout_ns INTEGER NOT NULL, -- 60 to 600 s, and the run's own (runs.idle_ns)
	class     TEXT NOT NULL,    -- probe, heartbeat, dialog, mix
	pairs     INTEGER NOT NULL,
	flows     INTEGER NOT NULL, -- of their signalling, cut with this timeout
	packets   INTEGER NOT NULL, -- both ways
	PRIMARY KEY (run, protocol, timeout_ns, class)
) WITHOUT ROWID;

CREATE TABLE state_entries (        -- N1: entries that the clients hold in a NAT or firewall table, over time
	run       INTEGER NOT NULL,
	protocol  TEXT NOT NULL,
	timeout_ns INTEGER NOT NULL, -- of the table, without a packet
	start_ns  INTEGER NOT NULL,
	width_ns  INTEGER NOT NULL, -- of the interval
	entries   INTEGER NOT NULL, -- most at a time in the interval
	probes    INTEGER NOT NULL, -- of these, of one-time probes (D6)
	tcp       INTEGER NOT NULL, -- of these, of TCP connections
	PRIMARY KEY (run, protocol, timeout_ns, start_ns)
) WITHOUT ROWID;

CREATE TABLE state_peaks (          -- N1: the same, for each client and for all together
	run         INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	client      INTEGER NOT NULL, -- 0: all
	timeout_ns  INTEGER NOT NULL,
	peak        INTEGER NOT NULL, -- most at a time
	peak_ns     INTEGER NOT NULL, -- when first
	peak_probes INTEGER NOT NULL, -- of these, of one-time probes
	peak_tcp    INTEGER NOT NULL, -- of these, of TCP connections
	mean        REAL NOT NULL,    -- over the run (all), over its lifetime (client, D13)
	mean_probes REAL NOT NULL,
	opened        INTEGER NOT NULL, -- entries made in all
	opened_probes INTEGER NOT NULL, -- of these, for one-time probes
	PRIMARY KEY (run, protocol, client, timeout_ns)
) WITHOUT ROWID;

CREATE TABLE startups (             -- B2-B7: what a client does from its first packet to its login
	run             INTEGER NOT NULL,
	startup         INTEGER NOT NULL, -- 1.. in order of began_ns
	protocol        TEXT NOT NULL,
	client          INTEGER NOT NULL,
	began_ns        INTEGER NOT NULL, -- first packet
	outcome         TEXT NOT NULL,    -- of the login: success, failure, no-answer, unknown; none: no login was seen
	version_flow    INTEGER,          -- B1; NULL: none was seen, here and below
	supernode_flow  INTEGER,          -- B3, the first connection to a supernode that went on after its openings
	login_flow      INTEGER,          -- B4: the first login that worked, else the last that was tried
	list_flow       INTEGER,          -- B6
	udp_asked       INTEGER NOT NULL, -- B2: nodes that it sent to over UDP until its first message to a supernode
	                                  -- that took it in; without one until the login was done, here and below:
	                                  -- if it was not, until the client fell silent, or for two minutes
	udp_answered    INTEGER NOT NULL, -- of these, until the login was done
	udp_answer_ns   INTEGER,          -- since began_ns: the first answer
	tcp_tried       INTEGER NOT NULL, -- nodes and servers (addresses) that it opened a connection to, also in vain
	tcp_first_ns    INTEGER,          -- since began_ns: the first of them
	supernode_ns    INTEGER,          -- since began_ns: the supernode connection begins
	login_ns        INTEGER,          -- since began_ns: the login server's answer (message 4)
	bytes_out       INTEGER NOT NULL, -- payload of messages until then, all its flows; media left out
	bytes_in        INTEGER NOT NULL,
	nodes_after     INTEGER NOT NULL, -- further nodes contacted in the minute after it
	icmp_echoes     INTEGER NOT NULL, -- B5: hosts that its host sent echo requests to
	PRIMARY KEY (run, startup)
) WITHOUT ROWID;

CREATE TABLE setups (               -- B7: how a client is connected, as far as its traffic tells
	run      INTEGER NOT NULL,
	client   INTEGER NOT NULL,
	setup    TEXT NOT NULL,     -- public, nat, port-restricted nat, udp-restricted, unknown (docs/definitions.md)
	reasons  TEXT NOT NULL,     -- a sentence each
	asked    INTEGER NOT NULL,  -- peers that it sent the first packet to; here and below: not of its own network
	answered INTEGER NOT NULL,  -- of these, that answered
	callers  INTEGER NOT NULL,  -- hosts that spoke to it first, over UDP or TCP
	PRIMARY KEY (run, client)
) WITHOUT ROWID;

CREATE TABLE searches (             -- B9
	run            INTEGER NOT NULL,
	search         INTEGER NOT NULL, -- 1.. in order of first_ns
	protocol       TEXT NOT NULL,
	client         INTEGER NOT NULL,
	first_ns       INTEGER NOT NULL,
	last_ns        INTEGER NOT NULL, -- last reply, or last question
	supernode_flow INTEGER,          -- over which it asked its supernode
	nodes          INTEGER NOT NULL, -- asked over UDP
	answered       INTEGER NOT NULL,
	waves          INTEGER NOT NULL, -- bursts of questions
	bytes_out      INTEGER NOT NULL,
	bytes_in       INTEGER NOT NULL,
	PRIMARY KEY (run, search)
) WITHOUT ROWID;

CREATE TABLE scenes (               -- B17: what a message-sequence chart can be drawn of
	run      INTEGER NOT NULL,
	kind     TEXT NOT NULL,     -- login (number: startups.startup), search (searches.search), call (calls.call)
	number   INTEGER NOT NULL,
	client   INTEGER,
	first_ns INTEGER NOT NULL,
	last_ns  INTEGER NOT NULL,
	PRIMARY KEY (run, kind, number)
) WITHOUT ROWID;

CREATE TABLE scene_flows (          -- flows with packets in it; their messages are in table messages
	run    INTEGER NOT NULL,
	kind   TEXT NOT NULL,
	number INTEGER NOT NULL,
	flow   INTEGER NOT NULL,
	PRIMARY KEY (run, kind, number, flow)
) WITHOUT ROWID;

CREATE TABLE activity (             -- R6: clients whose every message is kept
	run      INTEGER NOT NULL,
	place    INTEGER NOT NULL,  -- 1..
	client   INTEGER NOT NULL,
	why      TEXT NOT NULL,     -- words: the most active without a call, ...
	first_ns INTEGER,           -- of its flows; NULL: there is none
	peers    INTEGER NOT NULL,
	flows    INTEGER NOT NULL,  -- rows of activity_flows
	cut      INTEGER NOT NULL,  -- of these, with too many messages: only the ends of each direction are kept
	left_out INTEGER NOT NULL,  -- further flows, of which nothing is kept
	PRIMARY KEY (run, place)
) WITHOUT ROWID;

CREATE TABLE activity_flows (       -- R6: its flows, UDP and TCP
	run      INTEGER NOT NULL,
	place    INTEGER NOT NULL,
	flow     INTEGER NOT NULL,
	peer     INTEGER NOT NULL,  -- 1.. in order of first contact (D4: the other socket)
	sent     TEXT NOT NULL,     -- which direction of the messages is the client's: out, in
	PRIMARY KEY (run, place, flow)
) WITHOUT ROWID;

CREATE TABLE messages (             -- of flows in activity and scenes
	run       INTEGER NOT NULL,
	flow      INTEGER NOT NULL,
	n         INTEGER NOT NULL, -- 1..
	ts_ns     INTEGER NOT NULL,
	direction TEXT NOT NULL,    -- out, in
	bytes     INTEGER NOT NULL, -- payload; 0: not kept. Then it is of the thinned part of a long flow, or an end
	                            -- of a flow without a log (docs/definitions.md, Activity plots and charts)
	PRIMARY KEY (run, flow, n)
) WITHOUT ROWID;

CREATE TABLE names (                -- from DNS answers in the trace: of the addresses that recognised clients dealt with,
	                            -- over UDP or TCP, and of the ends of exchanges and version_checks
	run      INTEGER NOT NULL,
	ip       TEXT NOT NULL,
	name     TEXT NOT NULL,     -- that was asked for, lower case
	domain   TEXT NOT NULL,     -- its last two or three labels (docs/definitions.md)
	first_ns INTEGER NOT NULL,  -- of the first such answer
	PRIMARY KEY (run, ip, name)
) WITHOUT ROWID;

CREATE TABLE places (               -- of the external ones (D5) of the same addresses, by --geo and --asn; no row: nothing is known
	run          INTEGER NOT NULL,
	ip           TEXT NOT NULL,
	continent    TEXT,          -- English name; NULL: the file does not say, here and below
	country      TEXT,          -- ISO 3166-1 alpha-2
	country_name TEXT,          -- English
	city         TEXT,          -- English
	latitude     REAL,          -- degrees
	longitude    REAL,
	asn          INTEGER,
	organisation TEXT,          -- of the autonomous system
	PRIMARY KEY (run, ip)
) WITHOUT ROWID;

CREATE TABLE place_files (          -- the manifest, of --geo and --asn
	run      INTEGER NOT NULL,
	option   TEXT NOT NULL,     -- geo, asn
	file     TEXT NOT NULL,     -- as given
	type     TEXT NOT NULL,     -- as the file says: GeoLite2-City, DBIP-ASN-Lite ...
	built_ns INTEGER NOT NULL,
	PRIMARY KEY (run, option)
) WITHOUT ROWID;

CREATE TABLE peer_places (          -- R9, R10: external addresses of the recognised clients' peers, by place
	run          INTEGER NOT NULL,
	protocol     TEXT NOT NULL,
	class        TEXT NOT NULL,    -- probe: all pairs of the address are (D7); else non-probe
	n            INTEGER NOT NULL, -- 1..
	continent    TEXT,             -- as in places; NULL: not known
	country      TEXT,
	country_name TEXT,
	city         TEXT,
	latitude     REAL,
	longitude    REAL,
	addresses    INTEGER NOT NULL,
	PRIMARY KEY (run, n)
) WITHOUT ROWID;

CREATE TABLE supernode_contacts (   -- B8, B15, B16: a client with a supernode, on one day
	run         INTEGER NOT NULL,
	client      INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	ip          TEXT NOT NULL,    -- of the supernode
	port        INTEGER NOT NULL,
	day_ns      INTEGER NOT NULL, -- begin of the day, UTC
	first_ns    INTEGER NOT NULL, -- when first on that day
	connections INTEGER NOT NULL, -- over TCP (flows.role supernode), begun on that day by the client, also in vain
	connected   INTEGER NOT NULL, -- of these, that went on after the openings, as in view B3
	accepted    INTEGER NOT NULL, -- 1: it took the client in over UDP, for the first time in the trace
	PRIMARY KEY (run, client, ip, port, day_ns)
) WITHOUT ROWID;

-- What a live run is made of, and one of `read --facts`. A live run appends to these tables every few seconds; all
-- others are made of them, again and again, and hold what was there when they were made last.

CREATE TABLE facts (                -- chunks of what the flow workers told (src/store/facts.h)
	id       INTEGER PRIMARY KEY,
	run      INTEGER NOT NULL,
	session  INTEGER NOT NULL,
	worker   INTEGER NOT NULL, -- 0..
	seq      INTEGER NOT NULL, -- 1.. of this worker in this session; 0: what it had counted when the file began
	first_ns INTEGER NOT NULL, -- stamps of the first and last record
	last_ns  INTEGER NOT NULL,
	records  INTEGER NOT NULL,
	bytes    BLOB NOT NULL
);
CREATE UNIQUE INDEX facts_stream ON facts (run, session, worker, seq);

CREATE TABLE sessions (             -- starts of the program; read: one, with the times of the packets
	run        INTEGER NOT NULL,
	session    INTEGER NOT NULL, -- 1.. of the series: a database, and those that were rotated out of it
	started_ns INTEGER NOT NULL, -- capture clock
	ended_ns   INTEGER NOT NULL, -- ... of the last transaction
	version    TEXT NOT NULL,    -- of footsteps
	format     INTEGER NOT NULL, -- of its chunks
	interfaces TEXT NOT NULL,    -- comma separated; '' of read
	origin     INTEGER NOT NULL, -- of the series, random: numbers of packets are unique in it
	options    TEXT NOT NULL,    -- effective options, one JSON object
	numbers    INTEGER NOT NULL, -- packet numbers given out in the series, up to the last transaction
	lost       INTEGER NOT NULL, -- records that could not be written, and did not fit into memory
	PRIMARY KEY (run, session)
) WITHOUT ROWID;

CREATE TABLE capture_minutes (      -- each minute of each interface
	run               INTEGER NOT NULL,
	session           INTEGER NOT NULL,
	interface         TEXT NOT NULL,
	start_ns          INTEGER NOT NULL, -- capture clock, a whole minute
	packets           INTEGER NOT NULL, -- received by us
	bytes             INTEGER NOT NULL, -- of these, on the wire
	dropped_kernel    INTEGER NOT NULL, -- packets that the kernel had no room for
	dropped_interface INTEGER NOT NULL, -- packets that the interface or its driver dropped
	dropped_store     INTEGER NOT NULL, -- records of flows and events that the store had no room for
	PRIMARY KEY (run, start_ns, interface, session)
) WITHOUT ROWID;
