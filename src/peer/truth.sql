-- What a generated capture is: written by footsteps-peer beside it, compared with a monitor's database by
-- `footsteps score`. PRAGMA application_id is 0x46537472 ("FStr"), PRAGMA user_version 1.
--
-- Tables and columns have the names that they have in the monitor's database (src/store/schema.sql), where
-- they mean the same, and the same units. run is always 1. Nothing here was computed by the monitor.

CREATE TABLE runs (
	run       INTEGER PRIMARY KEY, -- 1
	version   TEXT NOT NULL,       -- of footsteps-peer
	scenario  TEXT NOT NULL,       -- file name
	title     TEXT NOT NULL,
	seed      INTEGER NOT NULL,
	options   TEXT NOT NULL,       -- one JSON object
	local_net TEXT NOT NULL,       -- read the capture with --local-net of this; '': the default
	capture   TEXT NOT NULL,       -- name of the capture, without folders
	sha256    TEXT,                -- of the capture; NULL: not computed
	idle_ns   INTEGER NOT NULL,    -- 200 s (D1)
	first_ns  INTEGER,             -- background included
	last_ns   INTEGER,
	packets   INTEGER NOT NULL
);

CREATE TABLE inputs (               -- background captures that were mixed in: nothing in them is the overlay's
	run    INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	path   TEXT NOT NULL,
	frames INTEGER NOT NULL,    -- that were written
	PRIMARY KEY (run, n)
) WITHOUT ROWID;

CREATE TABLE clients (
	run        INTEGER NOT NULL,
	client     INTEGER NOT NULL,
	name       TEXT NOT NULL,   -- of the party in the scenario
	protocol   TEXT NOT NULL,
	ip         TEXT NOT NULL,
	port       INTEGER NOT NULL,
	public_ip  TEXT NOT NULL,   -- as its peers see it
	behind_nat INTEGER NOT NULL,
	version    TEXT NOT NULL,
	role       TEXT NOT NULL,   -- supernode, client
	first_ns   INTEGER,         -- of its flows over UDP; NULL: none
	last_ns    INTEGER,
	PRIMARY KEY (run, client)
) WITHOUT ROWID;

CREATE TABLE setups (
	run    INTEGER NOT NULL,
	client INTEGER NOT NULL,
	setup  TEXT NOT NULL,       -- public, port-restricted nat, udp-restricted
	hidden TEXT,                -- why no traffic tells, so that the monitor has to say unknown; NULL: it tells
	PRIMARY KEY (run, client)
) WITHOUT ROWID;

CREATE TABLE peers (
	run      INTEGER NOT NULL,
	peer     INTEGER NOT NULL,
	protocol TEXT NOT NULL,
	ip       TEXT NOT NULL,
	port     INTEGER NOT NULL,
	PRIMARY KEY (run, peer)
) WITHOUT ROWID;

CREATE TABLE pairs (                -- client x peer over UDP
	run          INTEGER NOT NULL,
	client       INTEGER NOT NULL,
	peer         INTEGER NOT NULL,
	client_first INTEGER NOT NULL,
	class        TEXT,          -- probe, heartbeat, dialog, mix (D10), over signalling; NULL: media alone
	flows        INTEGER NOT NULL, -- of signalling, as the rest; media beside it
	probes       INTEGER NOT NULL,
	dialogs      INTEGER NOT NULL,
	packets_out  INTEGER NOT NULL,
	packets_in   INTEGER NOT NULL,
	payload_out  INTEGER NOT NULL,
	payload_in   INTEGER NOT NULL,
	media_flows  INTEGER NOT NULL,
	first_ns     INTEGER NOT NULL,
	last_ns      INTEGER NOT NULL,
	PRIMARY KEY (run, client, peer)
) WITHOUT ROWID;

CREATE TABLE flows (                -- of the overlay, and of other programs of the scenario (label 'other')
	run         INTEGER NOT NULL,
	flow        INTEGER NOT NULL, -- number of its first packet
	proto       TEXT NOT NULL,  -- udp, tcp, icmp
	client_ip   TEXT NOT NULL,  -- initiator
	client_port INTEGER NOT NULL,
	server_ip   TEXT NOT NULL,
	server_port INTEGER NOT NULL,
	first_ns    INTEGER NOT NULL,
	last_ns     INTEGER NOT NULL,
	last_packet INTEGER NOT NULL,
	packets_out INTEGER NOT NULL,
	packets_in  INTEGER NOT NULL,
	payload_out INTEGER NOT NULL,
	payload_in  INTEGER NOT NULL,
	label       TEXT NOT NULL,  -- skype-udp, skype-login, ..., other
	protocol    TEXT,           -- skype; NULL: other
	role        TEXT,           -- as in the monitor's table
	client      INTEGER,
	PRIMARY KEY (run, flow)
) WITHOUT ROWID;

CREATE TABLE startups (             -- B2: a program started, or was started again
	run      INTEGER NOT NULL,
	startup  INTEGER NOT NULL,
	client   INTEGER NOT NULL,
	began_ns INTEGER NOT NULL,
	outcome  TEXT NOT NULL,     -- of its login: success, failure, none
	PRIMARY KEY (run, startup)
) WITHOUT ROWID;

CREATE TABLE exchanges (            -- B4, B6
	run         INTEGER NOT NULL,
	flow        INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	role        TEXT NOT NULL,  -- login, contact-list
	form        TEXT NOT NULL,  -- 0.97, 2006, 2015
	hidden      TEXT,           -- why no traffic tells of it; NULL: it tells
	outcome     TEXT NOT NULL,  -- success, failure, no-answer, unknown
	client_ip   TEXT NOT NULL,
	client_port INTEGER NOT NULL,
	server_ip   TEXT NOT NULL,
	server_port INTEGER NOT NULL,
	first_ns    INTEGER NOT NULL,
	client      INTEGER NOT NULL,
	PRIMARY KEY (run, flow)
) WITHOUT ROWID;

CREATE TABLE version_checks (       -- B1
	run      INTEGER NOT NULL,
	flow     INTEGER NOT NULL,
	protocol TEXT NOT NULL,
	action   TEXT NOT NULL,
	version  TEXT NOT NULL,
	platform TEXT NOT NULL,
	client   INTEGER NOT NULL,
	PRIMARY KEY (run, flow)
) WITHOUT ROWID;

CREATE TABLE calls (                -- B10, B11
	run         INTEGER NOT NULL,
	call        INTEGER NOT NULL,
	protocol    TEXT NOT NULL,
	near_ip     TEXT NOT NULL,
	near_port   INTEGER NOT NULL,
	far_ip      TEXT NOT NULL,  -- of the relay, if it is relayed
	far_port    INTEGER NOT NULL,
	near_began  INTEGER NOT NULL,
	transport   TEXT NOT NULL,  -- udp, tcp
	route       TEXT NOT NULL,  -- direct, relayed
	codec       TEXT NOT NULL,
	first_ns    INTEGER NOT NULL, -- first and last media message
	last_ns     INTEGER NOT NULL,
	packets_out INTEGER NOT NULL, -- media messages of the near end
	packets_in  INTEGER NOT NULL,
	payload_out INTEGER NOT NULL,
	payload_in  INTEGER NOT NULL,
	conference  INTEGER,        -- calls of the near end at the same time with several others
	client      INTEGER NOT NULL,
	PRIMARY KEY (run, call)
) WITHOUT ROWID;

CREATE TABLE holds (                -- B12
	run      INTEGER NOT NULL,
	call     INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	last_ns  INTEGER NOT NULL,
	PRIMARY KEY (run, call, n)
) WITHOUT ROWID;

CREATE TABLE searches (             -- B9
	run      INTEGER NOT NULL,
	search   INTEGER NOT NULL,
	client   INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	last_ns  INTEGER NOT NULL,
	nodes    INTEGER NOT NULL,  -- asked over UDP; 0: the supernode alone was asked, and nothing tells
	answered INTEGER NOT NULL,
	waves    INTEGER NOT NULL,
	PRIMARY KEY (run, search)
) WITHOUT ROWID;

CREATE TABLE places (               -- of the peers' addresses, as in the file of places made beside it
	run          INTEGER NOT NULL,
	ip           TEXT NOT NULL,
	continent    TEXT,
	country      TEXT,
	country_name TEXT,
	city         TEXT,
	latitude     REAL,
	longitude    REAL,
	PRIMARY KEY (run, ip)
) WITHOUT ROWID;
