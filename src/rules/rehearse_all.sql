-- What a rehearsal has gathered from all recordings (rehearse_gather.c), in a database of its own.

CREATE TABLE strategy (strategy INTEGER PRIMARY KEY, name TEXT, kind TEXT, summary TEXT);
CREATE TABLE pattern (pattern TEXT PRIMARY KEY, words TEXT);
CREATE TABLE way (way TEXT PRIMARY KEY, place INTEGER, words TEXT);
INSERT INTO way VALUES
	('pattern', 1, 'fits another pattern only'),
	('form', 2, 'in a form that no pattern knows'),
	('late', 3, 'hit only after the server''s answer'),
	('unlisted', 4, 'not on the list when it took place'),
	('port', 5, 'from a port of the client that is not on the list'),
	('relayed', 6, 'relayed: carried inside a connection to a node'),
	('direction', 7, 'goes in a direction that is not blocked'),
	('never', 8, 'spared by --never'),
	('midstream', 9, 'the connection began before the recording');
CREATE TABLE recording (
	recording INTEGER PRIMARY KEY, path TEXT, capture INTEGER, runs INTEGER, packets INTEGER, flows INTEGER,
	all_flows INTEGER, -- 1: every flow is stored; 0: the recognised ones, which is too few for lists of addresses
	incomplete INTEGER,
	untold INTEGER,    -- packets too short, as captured, to tell whether they fit a pattern
	unread INTEGER,    -- packets of which not even the headers were captured
	filtered INTEGER,  -- packets that a filter left out
	tunnels INTEGER);  -- 1: it looks into tunnels, which no rule does
CREATE TABLE run (recording INTEGER, run INTEGER, inputs INTEGER, capture TEXT, PRIMARY KEY (recording, run));
-- master: libndpi's "TLS.Google" is TLS.
CREATE TABLE total (
	recording INTEGER, label TEXT, source TEXT, flows INTEGER,
	master TEXT AS (iif(instr(label, '.'), substr(label, 1, instr(label, '.') - 1), label)));
CREATE TABLE flow (
	recording INTEGER, strategy INTEGER, run INTEGER, flow INTEGER, packet INTEGER, category TEXT, proto TEXT,
	client TEXT, server TEXT, host TEXT, label TEXT, source TEXT,
	master TEXT AS (iif(instr(label, '.'), substr(label, 1, instr(label, '.') - 1), label)));
CREATE INDEX flow_host ON flow (strategy, category, host, master);
CREATE TABLE exchange (
	recording INTEGER, strategy INTEGER, run INTEGER, flow INTEGER, role TEXT, way TEXT, other TEXT);
CREATE TABLE start (recording INTEGER, strategy INTEGER, run INTEGER, startup INTEGER, stopped INTEGER);

-- Filled by rehearse.c when all recordings are in.
CREATE TABLE result (
	place INTEGER PRIMARY KEY, strategy INTEGER, name TEXT, kind TEXT, summary TEXT,
	starts INTEGER, starts_stopped INTEGER, logins INTEGER, logins_stopped INTEGER,
	lists INTEGER, lists_stopped INTEGER, own INTEGER,
	least INTEGER, -- 1: own, legitimate and unknown may be more, see recording.untold
	legitimate INTEGER, unknown INTEGER); -- NULL: cannot be told, see recording.all_flows
