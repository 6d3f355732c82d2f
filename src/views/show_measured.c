/* The topics of `footsteps show` that were measured: of clients, over time, and what they are called. */
#include "views/show_topics.h"

static const struct column setup_columns[] = {
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },   { "protocol", COLUMN_TEXT, FIT_KEEP, 1 },
	{ "set-up", COLUMN_TEXT, FIT_KEEP, 0 },     { "asked", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "answered", COLUMN_NUMBER, FIT_KEEP, 2 }, { "callers", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "because", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column startup_columns[] = {
	{ "n", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "began", COLUMN_TIME, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "login", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "after", COLUMN_DURATION, FIT_KEEP, 0 },
	{ "supernode after", COLUMN_DURATION, FIT_KEEP, 7 },
	{ "UDP answer after", COLUMN_DURATION, FIT_KEEP, 5 },
	{ "candidates", COLUMN_NUMBER, FIT_KEEP, 6 },
	{ "answered", COLUMN_NUMBER, FIT_KEEP, 6 },
	{ "TCP tried", COLUMN_NUMBER, FIT_KEEP, 4 },
	{ "TCP after", COLUMN_DURATION, FIT_KEEP, 3 },
	{ "bytes sent", COLUMN_NUMBER, FIT_KEEP, 8 },
	{ "received", COLUMN_NUMBER, FIT_KEEP, 8 },
	{ "nodes after it", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "pinged", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "login flow", COLUMN_NUMBER, FIT_KEEP, 1 },
};

static const struct column search_columns[] = {
	{ "n", COLUMN_NUMBER, FIT_KEEP, 0 },        { "start", COLUMN_TIME, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },   { "lasted", COLUMN_DURATION, FIT_KEEP, 0 },
	{ "nodes", COLUMN_NUMBER, FIT_KEEP, 0 },    { "answered", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "waves", COLUMN_NUMBER, FIT_KEEP, 4 },    { "sent", COLUMN_NUMBER, FIT_KEEP, 3 },
	{ "received", COLUMN_NUMBER, FIT_KEEP, 3 }, { "supernode flow", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column supernode_columns[] = {
	{ "flow", COLUMN_NUMBER, FIT_KEEP, 0 },         { "start", COLUMN_TIME, FIT_KEEP, 0 },
	{ "lasted", COLUMN_DURATION, FIT_KEEP, 0 },     { "client", COLUMN_TEXT, FIT_SOCKET, 6 },
	{ "supernode", COLUMN_TEXT, FIT_SOCKET, 0 },    { "ended", COLUMN_TEXT, FIT_KEEP, 5 },
	{ "keep-alive", COLUMN_DURATION, FIT_KEEP, 4 }, { "name", COLUMN_TEXT, FIT_CUT, 3 },
	{ "payload", COLUMN_NUMBER, FIT_KEEP, 2 },      { "protocol", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column round_trip_columns[] = {
	{ "packet", COLUMN_NUMBER, FIT_KEEP, 0 },   { "asked", COLUMN_TIME, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },   { "peer", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "ms", COLUMN_BITS, FIT_KEEP, 0 },         { "flow", COLUMN_NUMBER, FIT_KEEP, 3 },
	{ "question", COLUMN_NUMBER, FIT_KEEP, 2 }, { "reply", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column series_columns[] = {
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 0 },  { "period", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "start", COLUMN_TIME, FIT_KEEP, 0 },     { "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "packets", COLUMN_NUMBER, FIT_KEEP, 3 }, { "payload", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "clients", COLUMN_NUMBER, FIT_KEEP, 0 }, { "new", COLUMN_NUMBER, FIT_KEEP, 1 },
	{ "logins", COLUMN_NUMBER, FIT_KEEP, 0 },  { "calls", COLUMN_NUMBER, FIT_KEEP, 0 },
};

static const struct column cost_columns[] = {
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 0 },    { "client", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "timeout s", COLUMN_NUMBER, FIT_KEEP, 0 }, { "peak", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "of probes", COLUMN_NUMBER, FIT_KEEP, 0 }, { "at", COLUMN_TIME, FIT_KEEP, 3 },
	{ "mean", COLUMN_BITS, FIT_KEEP, 0 },        { "mean of probes", COLUMN_BITS, FIT_KEEP, 1 },
};

static const struct column class_columns[] = {
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 0 },  { "timeout s", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "class", COLUMN_TEXT, FIT_KEEP, 0 },     { "pairs", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "% pairs", COLUMN_BITS, FIT_KEEP, 0 },   { "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "% flows", COLUMN_BITS, FIT_KEEP, 0 },   { "packets", COLUMN_NUMBER, FIT_KEEP, 1 },
	{ "% packets", COLUMN_BITS, FIT_KEEP, 2 },
};

static const struct column activity_columns[] = {
	{ "place", COLUMN_NUMBER, FIT_KEEP, 0 },  { "client", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "protocol", COLUMN_TEXT, FIT_KEEP, 1 }, { "peers", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "why", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column scene_columns[] = {
	{ "kind", COLUMN_TEXT, FIT_KEEP, 0 },     { "number", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "start", COLUMN_TIME, FIT_KEEP, 0 },    { "lasted", COLUMN_DURATION, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 }, { "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
};

static const struct column name_columns[] = {
	{ "address", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "name", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "first answer", COLUMN_TIME, FIT_KEEP, 1 },
};

static const struct column place_columns[] = {
	{ "address", COLUMN_TEXT, FIT_WRAP, 0 },     { "country", COLUMN_TEXT, FIT_CUT, 0 },
	{ "city", COLUMN_TEXT, FIT_CUT, 0 },         { "AS", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "organisation", COLUMN_TEXT, FIT_CUT, 3 }, { "continent", COLUMN_TEXT, FIT_KEEP, 1 },
};

/* A table with a column client, with the client's socket; only its rows of --client and --protocol. */
#define OF_CLIENT(table, columns)                                                                            \
	"SELECT c.ip AS client_ip, c.port AS client_port, " columns " FROM " table                           \
	" t LEFT JOIN clients c USING (run, client) WHERE run = :run"                                        \
	" AND (:ip IS NULL OR (c.ip = :ip AND c.port = :port)) AND (:only IS NULL OR c.protocol = :only)"
#define BY_CLIENT (FILTER_CLIENT | FILTER_PROTOCOL)

/* Connections to supernodes, and clients that are one (callers instead of a connection). */
#define SUPERNODES                                                                                           \
	"SELECT * FROM (SELECT f.run, 'connection' AS kind, f.protocol, f.flow, f.client, f.client_ip,"      \
	" f.client_port, f.server_ip AS ip, f.server_port AS port, f.first_ns, f.last_ns, f.ended,"          \
	" f.keepalive_ns / 1e9 AS keepalive_s, f.keepalives, f.payload_out + f.payload_in AS payload,"       \
	" (SELECT min(name) FROM names n WHERE n.run = f.run AND n.ip = f.server_ip) AS name,"               \
	" (SELECT c.port FROM clients c WHERE c.run = f.run AND c.client = f.client) AS client_udp_port,"    \
	" NULL AS callers FROM flows f WHERE f.role = 'supernode' AND f.proto = 'tcp'"                       \
	" UNION ALL SELECT run, 'inside', protocol, NULL, client, ip, port, ip, port, first_ns, last_ns,"    \
	" NULL, NULL, NULL, NULL, NULL, port, callers FROM clients WHERE role = 'supernode')"                \
	" WHERE run = :run AND (:ip IS NULL OR (client_ip = :ip AND client_udp_port = :port))" ONLY_PROTOCOL \
	" ORDER BY first_ns, flow"

const struct topic show_measured_table[] = {
	{ "setups", "No client's network set-up was inferred.", BY_CLIENT,
	  OF_CLIENT("setups", "c.protocol, t.*") " ORDER BY client",
	  "SELECT socket(client_ip, client_port), protocol, setup, asked, answered, callers, reasons FROM "
	  "(" OF_CLIENT("setups", "c.protocol, t.*") ") ORDER BY client",
	  COLUMNS(setup_columns) },
	{ "startups", "No client's start was seen.", BY_CLIENT,
	  OF_CLIENT("startups", "t.*") " ORDER BY startup",
	  "SELECT startup, began_ns, socket(client_ip, client_port), outcome, login_ns, supernode_ns,"
	  " udp_answer_ns, udp_asked, udp_answered, tcp_tried, tcp_first_ns, bytes_out, bytes_in, "
	  "nodes_after,"
	  " icmp_echoes, login_flow FROM (" OF_CLIENT("startups", "t.*") ") ORDER BY startup",
	  COLUMNS(startup_columns) },
	{ "searches", "No search was seen.", BY_CLIENT, OF_CLIENT("searches", "t.*") " ORDER BY search",
	  "SELECT search, first_ns, socket(client_ip, client_port), last_ns - first_ns, nodes, answered, "
	  "waves,"
	  " bytes_out, bytes_in, supernode_flow, protocol FROM (" OF_CLIENT("searches",
									    "t.*") ") ORDER BY search",
	  COLUMNS(search_columns) },
	{ "supernodes", "No connection to a supernode was seen, and no client is one.", BY_CLIENT, SUPERNODES,
	  "SELECT flow, first_ns, last_ns - first_ns, CASE kind WHEN 'inside' THEN callers || ' callers' ELSE"
	  " socket(client_ip, coalesce(client_udp_port, client_port)) END, socket(ip, port),"
	  " coalesce(ended, 'is inside'), CAST(keepalive_s * 1e9 AS INTEGER), name, payload, protocol FROM "
	  "(" SUPERNODES ")",
	  COLUMNS(supernode_columns) },
	{ "round-trips", "No reply with the message id of its question was seen.", BY_CLIENT,
	  OF_CLIENT("round_trips", "t.*") " ORDER BY packet",
	  /* A join, for which SQLite makes an index of the flows; for a subselect it would not. */
	  "SELECT packet, asked_ns, socket(t.client_ip, t.client_port), CASE WHEN f.client_ip = t.client_ip "
	  "AND f.client_port = t.client_port THEN socket(f.server_ip, f.server_port) ELSE socket(f.client_ip,"
	  " f.client_port) END, round_trip_ns / 1e6, flow, question, reply, t.protocol FROM (" OF_CLIENT(
		  "round_trips", "t.*") ") t LEFT JOIN flows f USING (run, flow) ORDER BY packet",
	  COLUMNS(round_trip_columns) },
	{ "series", "No signalling was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM series WHERE run = :run" ONLY_PROTOCOL " ORDER BY protocol, period, start_ns",
	  "SELECT protocol, period, start_ns, flows, packets, payload, active_clients, new_clients, logins,"
	  " calls"
	  " FROM series WHERE run = :run" ONLY_PROTOCOL " ORDER BY protocol, period, start_ns",
	  COLUMNS(series_columns) },
	{ "costs", "No client held an entry.", BY_CLIENT,
	  "SELECT t.*, c.ip AS client_ip, c.port AS client_port FROM state_peaks t LEFT JOIN clients c USING"
	  " (run, client) WHERE run = :run AND (:ip IS NULL OR (c.ip = :ip AND c.port = :port)) AND (:only "
	  "IS NULL"
	  " OR t.protocol = :only) ORDER BY t.protocol, client, timeout_ns",
	  "SELECT t.protocol, CASE client WHEN 0 THEN 'all together' ELSE socket(c.ip, c.port) END, "
	  "printf('%g', "
	  "timeout_ns / 1e9), peak,"
	  " peak_probes, peak_ns, mean, mean_probes FROM state_peaks t LEFT JOIN clients c USING"
	  " (run, client) WHERE run = :run AND (:ip IS NULL OR (c.ip = :ip AND c.port = :port)) AND (:only "
	  "IS NULL"
	  " OR t.protocol = :only) ORDER BY t.protocol, client <> 0, timeout_ns, peak DESC, client",
	  COLUMNS(cost_columns) },
	{ "classes", "No client socket exchanged a packet with a peer.", FILTER_PROTOCOL,
	  "SELECT * FROM class_shares WHERE run = :run" ONLY_PROTOCOL " ORDER BY protocol, timeout_ns, class",
	  "SELECT protocol, printf('%g', timeout_ns / 1e9), class, pairs, 100.0 * pairs / nullif(sum(pairs) "
	  "OVER w, "
	  "0), flows,"
	  " 100.0 * flows / nullif(sum(flows) OVER w, 0), packets,"
	  " 100.0 * packets / nullif(sum(packets) OVER w, 0) FROM class_shares WHERE run = "
	  ":run" ONLY_PROTOCOL
	  " WINDOW w AS (PARTITION BY protocol, timeout_ns) ORDER BY protocol, timeout_ns,"
	  " instr('probe heartbeat dialog mix', class)",
	  COLUMNS(class_columns) },
	{ "activity", "No client's activity was kept.", BY_CLIENT,
	  OF_CLIENT("activity", "c.protocol, t.*") " ORDER BY place",
	  "SELECT place, socket(client_ip, client_port), protocol, peers, why FROM (" OF_CLIENT(
		  "activity", "c.protocol, c.peers, t.*") ") ORDER BY place",
	  COLUMNS(activity_columns) },
	{ "scenes", "There is nothing to draw a chart of.", BY_CLIENT,
	  OF_CLIENT("scenes", "c.protocol, t.*") " ORDER BY kind, number",
	  "SELECT kind, number, first_ns, last_ns - first_ns, socket(client_ip, client_port), flows FROM "
	  "(" OF_CLIENT("scenes",
			"(SELECT count(*) FROM scene_flows s WHERE s.run = t.run AND s.kind = t.kind AND"
			" s.number = t.number) AS flows, t.*") ") ORDER BY kind, number",
	  COLUMNS(scene_columns) },
	{ "names", "No DNS answer named an address that matters here.", 0,
	  "SELECT * FROM names WHERE run = :run ORDER BY ip, name",
	  "SELECT ip, name, first_ns FROM names WHERE run = :run ORDER BY first_ns, ip, name",
	  COLUMNS(name_columns) },
	{ "places", "No place is known; 'footsteps read --geo FILE.mmdb --asn FILE.mmdb' finds them.", 0,
	  "SELECT * FROM places WHERE run = :run ORDER BY ip",
	  "SELECT ip, coalesce(country_name, country), city, asn, organisation, continent FROM places"
	  " WHERE run = :run ORDER BY ip",
	  COLUMNS(place_columns) },
	{ NULL, NULL, 0, NULL, NULL, NULL, 0 },
};
