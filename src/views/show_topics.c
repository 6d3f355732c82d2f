/* The topics of `footsteps show` that are plain tables. Lists run in the order of the trace, by packet or
 * time. */
#include "views/show_topics.h"

static const struct column run_columns[] = {
	{ "run", COLUMN_NUMBER, FIT_KEEP, 0 },    { "first", COLUMN_TIME, FIT_KEEP, 0 },
	{ "last", COLUMN_TIME, FIT_KEEP, 2 },     { "packets", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "footsteps", COLUMN_TEXT, FIT_CUT, 1 }, { "complete", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "problems", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column client_columns[] = {
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },  { "verdict", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "role", COLUMN_TEXT, FIT_KEEP, 2 },      { "bits", COLUMN_BITS, FIT_KEEP, 0 },
	{ "peers", COLUMN_NUMBER, FIT_KEEP, 0 },   { "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "sent", COLUMN_NUMBER, FIT_KEEP, 4 },    { "received", COLUMN_NUMBER, FIT_KEEP, 4 },
	{ "callers", COLUMN_NUMBER, FIT_KEEP, 2 }, { "public address", COLUMN_TEXT, FIT_WRAP, 6 },
	{ "version", COLUMN_TEXT, FIT_CUT, 5 },    { "first", COLUMN_TIME, FIT_KEEP, 3 },
	{ "last", COLUMN_TIME, FIT_KEEP, 2 },      { "internal", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column exchange_columns[] = {
	{ "flow", COLUMN_NUMBER, FIT_KEEP, 0 },     { "start", COLUMN_TIME, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },   { "server", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "lasted", COLUMN_DURATION, FIT_KEEP, 2 }, { "outcome", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "form", COLUMN_TEXT, FIT_CUT, 1 },        { "messages", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column flow_columns[] = {
	{ "flow", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "start", COLUMN_TIME, FIT_KEEP, 0 },
	{ "proto", COLUMN_TEXT, FIT_KEEP, 8 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "server", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "packets", COLUMN_NUMBER, FIT_KEEP, 7 },
	{ "payload", COLUMN_NUMBER, FIT_KEEP, 6 },
	{ "lasted", COLUMN_DURATION, FIT_KEEP, 4 },
	{ "ended", COLUMN_TEXT, FIT_KEEP, 2 },
	{ "label", COLUMN_TEXT, FIT_CUT, 0 },
	{ "label from", COLUMN_TEXT, FIT_KEEP, 5 },
	{ "libndpi", COLUMN_TEXT, FIT_CUT, 1 },
	{ "reply after", COLUMN_DURATION, FIT_KEEP, 3 },
	{ "role", COLUMN_TEXT, FIT_KEEP, 5 },
	{ "keep-alive every", COLUMN_DURATION, FIT_KEEP, 1 },
};

static const struct column pair_columns[] = {
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },     { "peer", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "class", COLUMN_TEXT, FIT_KEEP, 0 },        { "first", COLUMN_TIME, FIT_KEEP, 3 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },      { "sent", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "received", COLUMN_NUMBER, FIT_KEEP, 0 },   { "media", COLUMN_NUMBER, FIT_KEEP, 4 },
	{ "bytes sent", COLUMN_NUMBER, FIT_KEEP, 2 }, { "bytes received", COLUMN_NUMBER, FIT_KEEP, 2 },
	{ "last", COLUMN_TIME, FIT_KEEP, 1 },         { "first from", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column peer_columns[] = {
	{ "peer", COLUMN_TEXT, FIT_SOCKET, 0 },   { "clients", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "first", COLUMN_TIME, FIT_KEEP, 0 },    { "last", COLUMN_TIME, FIT_KEEP, 0 },
	{ "internal", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column version_columns[] = {
	{ "flow", COLUMN_NUMBER, FIT_KEEP, 0 },   { "time", COLUMN_TIME, FIT_KEEP, 0 },
	{ "client", COLUMN_TEXT, FIT_SOCKET, 0 }, { "request", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "version", COLUMN_TEXT, FIT_CUT, 0 },   { "platform", COLUMN_TEXT, FIT_CUT, 2 },
	{ "host", COLUMN_TEXT, FIT_CUT, 1 },
};

static const struct column label_columns[] = {
	{ "label", COLUMN_TEXT, FIT_CUT, 0 },       { "label from", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },    { "packets", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "payload", COLUMN_NUMBER, FIT_KEEP, 0 },  { "bytes", COLUMN_NUMBER, FIT_KEEP, 1 },
	{ "% of bytes", COLUMN_BITS, FIT_KEEP, 0 }, { "libndpi says", COLUMN_TEXT, FIT_CUT, 2 },
};

static const struct column input_columns[] = {
	{ "n", COLUMN_NUMBER, FIT_KEEP, 0 },       { "file", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "format", COLUMN_TEXT, FIT_KEEP, 1 },    { "link", COLUMN_TEXT, FIT_KEEP, 1 },
	{ "first", COLUMN_TIME, FIT_KEEP, 2 },     { "frames", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "dropped", COLUMN_NUMBER, FIT_KEEP, 0 }, { "SHA-256", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "ended", COLUMN_TEXT, FIT_KEEP, 0 },     { "problem", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column call_columns[] = {
	{ "call", COLUMN_NUMBER, FIT_KEEP, 0 },       { "start", COLUMN_TIME, FIT_KEEP, 0 },
	{ "lasted", COLUMN_DURATION, FIT_KEEP, 0 },   { "near", COLUMN_TEXT, FIT_SOCKET, 5 },
	{ "far", COLUMN_TEXT, FIT_SOCKET, 0 },        { "media", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "path", COLUMN_TEXT, FIT_WRAP, 9 },         { "codec", COLUMN_TEXT, FIT_CUT, 6 },
	{ "MOS", COLUMN_TEXT, FIT_KEEP, 8 },          { "lost %", COLUMN_BITS, FIT_KEEP, 7 },
	{ "packets/s", COLUMN_TEXT, FIT_KEEP, 6 },    { "kbit/s", COLUMN_TEXT, FIT_KEEP, 5 },
	{ "bytes", COLUMN_TEXT, FIT_KEEP, 2 },        { "began", COLUMN_TEXT, FIT_KEEP, 3 },
	{ "holds", COLUMN_NUMBER, FIT_KEEP, 4 },      { "silence", COLUMN_TEXT, FIT_KEEP, 2 },
	{ "conference", COLUMN_NUMBER, FIT_KEEP, 3 }, { "basis", COLUMN_TEXT, FIT_KEEP, 1 },
};

static const struct column stream_columns[] = {
	{ "flow", COLUMN_NUMBER, FIT_KEEP, 0 },    { "call", COLUMN_NUMBER, FIT_KEEP, 5 },
	{ "from", COLUMN_TEXT, FIT_SOCKET, 0 },    { "to", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "stream", COLUMN_TEXT, FIT_KEEP, 3 },    { "codec", COLUMN_TEXT, FIT_CUT, 0 },
	{ "lost", COLUMN_NUMBER, FIT_KEEP, 9 },    { "jitter ms", COLUMN_BITS, FIT_KEEP, 8 },
	{ "MOS", COLUMN_TEXT, FIT_KEEP, 7 },       { "packets", COLUMN_NUMBER, FIT_KEEP, 5 },
	{ "verdict", COLUMN_TEXT, FIT_KEEP, 6 },   { "gap ms", COLUMN_BITS, FIT_KEEP, 4 },
	{ "bytes", COLUMN_BITS, FIT_KEEP, 4 },     { "belief", COLUMN_BITS, FIT_KEEP, 2 },
	{ "looks like", COLUMN_TEXT, FIT_CUT, 2 }, { "start", COLUMN_TIME, FIT_KEEP, 1 },
};

#define EXCHANGES(view)                                                                                      \
	"SELECT flow, first_ns, socket(client_ip, client_port), socket(server_ip, server_port), last_ns - "  \
	"first_ns,"                                                                                          \
	" outcome, form, sizes FROM " view " WHERE run = :run" ONLY_PROTOCOL " ORDER BY flow"

const struct topic show_topic_table[] = {
	{ "clients", "No client socket was recognised or suspected.", FILTER_PROTOCOL,
	  "SELECT * FROM clients WHERE run = :run" ONLY_PROTOCOL " ORDER BY client",
	  "SELECT socket(ip, port), verdict, role, bits, peers, flows, packets_out, packets_in, callers, "
	  "public_ip, version, first_ns, last_ns, CASE internal WHEN 0 THEN 'no' ELSE 'yes' END FROM clients "
	  "WHERE run = "
	  ":run" ONLY_PROTOCOL " ORDER BY "
	  "client",
	  COLUMNS(client_columns) },
	{ "logins", "No login was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM logins WHERE run = :run" ONLY_PROTOCOL " ORDER BY flow", EXCHANGES("logins"),
	  COLUMNS(exchange_columns) },
	{ "contact-lists", "No exchange with a contact-list server was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM contact_lists WHERE run = :run" ONLY_PROTOCOL " ORDER BY flow",
	  EXCHANGES("contact_lists"), COLUMNS(exchange_columns) },
	/* The first ten names are those of the ground-truth files, so that either can be read in place of the
	   other. */
	{ "flows", "No flow is stored.", FILTER_LABEL | FILTER_CLIENT,
	  "SELECT proto, client_ip, client_port, server_ip, server_port, first_ts, last_ts, packets, "
	  "payload_bytes, label, run, flow, source, bits, packets_out, packets_in, payload_out, payload_in, "
	  "reply_ms, ended, retransmitted, icmp_errors, icmp, client, ndpi, first_ns, last_ns, last_packet, "
	  "role, keepalive_s, keepalives FROM flow_list WHERE run = :run AND (:label IS NULL OR label = "
	  ":label) AND (:ip IS NULL OR (client_ip = :ip AND client_port = :port) OR (server_ip = :ip AND "
	  "server_port = :port)) ORDER BY flow",
	  "SELECT flow, first_ns, proto, socket(client_ip, client_port), socket(server_ip, server_port), "
	  "packets, payload_bytes, last_ns - first_ns, ended, label, source, ndpi, CAST(reply_ms * 1e6 AS "
	  "INTEGER), role, CAST(keepalive_s * 1e9 AS INTEGER) FROM flow_list WHERE run = :run AND (:label IS "
	  "NULL OR label = :label) AND (:ip IS NULL OR (client_ip = :ip AND client_port = :port) OR "
	  "(server_ip = :ip AND server_port = :port)) ORDER BY flow",
	  COLUMNS(flow_columns) },
	{ "calls", "No call was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM calls WHERE run = :run" ONLY_PROTOCOL " ORDER BY call",
	  "SELECT call, first_ns, last_ns - first_ns, socket(near_ip, near_port), socket(far_ip, far_port), "
	  "protocol || ' ' || media, transport || coalesce(' ' || route, ''), CASE WHEN sent <> received "
	  "THEN sent || ' / ' || received ELSE coalesce(sent, received) END, CASE WHEN coalesce(mos_out, "
	  "mos_in) IS NOT NULL THEN printf('%.1f', min(coalesce(mos_out, mos_in), coalesce(mos_in, "
	  "mos_out))) END, (SELECT 100.0 * sum(lost) / nullif(sum(expected), 0) FROM streams s WHERE s.run = "
	  "c.run AND s.call = c.call), printf('%.0f / %.0f', rate_out, rate_in), printf('%.0f / %.0f', "
	  "bandwidth_out * 8 / 1e3, bandwidth_in * 8 / 1e3), min(coalesce(size_min_out, size_min_in), "
	  "coalesce(size_min_in, size_min_out)) || '-' || max(coalesce(size_max_out, size_max_in), "
	  "coalesce(size_max_in, size_max_out)), CASE near_began WHEN 1 THEN 'near' ELSE 'far' END, holds, "
	  "CASE 'suppressed' WHEN silence_out THEN silence_out WHEN silence_in THEN silence_in ELSE "
	  "coalesce(silence_out, silence_in) END, conference, basis FROM (SELECT *, substr('~', 1, "
	  "codec_estimated_out) || codec_out AS sent, substr('~', 1, codec_estimated_in) || codec_in AS "
	  "received FROM calls) c"
	  " WHERE run = :run" ONLY_PROTOCOL " ORDER BY call",
	  COLUMNS(call_columns) },
	{ "streams", "No stream of media was seen.", 0,
	  "SELECT * FROM stream_list WHERE run = :run ORDER BY flow, n",
	  "SELECT flow, call, socket(from_ip, from_port), socket(to_ip, to_port), CASE WHEN stream IS NOT "
	  "NULL THEN printf('%08x', stream) END, coalesce(codec, CASE WHEN payload_type IS NOT NULL THEN "
	  "'type ' || payload_type END, media),  lost, jitter_ms, CASE WHEN mos IS NOT NULL THEN "
	  "printf('%.1f', mos) END, packets, verdict, gap_ms, size_mean, min(belief_size, belief_gap), "
	  "estimate, first_ns FROM stream_list WHERE run = :run ORDER BY flow, n",
	  COLUMNS(stream_columns) },
	{ "pairs", "No client socket exchanged a packet with a peer.", FILTER_CLIENT | FILTER_PROTOCOL,
	  "SELECT * FROM pair_classes WHERE run = :run" ONLY_PROTOCOL
	  " AND (:ip IS NULL OR (client_ip = :ip AND client_port = :port)) ORDER BY client, peer",
	  "SELECT socket(client_ip, client_port), socket(peer_ip, peer_port), class, first_ns, flows, "
	  "packets_out, packets_in, nullif(media_packets, 0), payload_out, payload_in, last_ns, CASE "
	  "client_first WHEN 1 THEN 'client' ELSE 'peer' END"
	  " FROM pair_classes WHERE run = :run" ONLY_PROTOCOL
	  " AND (:ip IS NULL OR (client_ip = :ip AND client_port = :port)) ORDER BY client, first_ns, peer",
	  COLUMNS(pair_columns) },
	{ "peers", "No peer of a client socket was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM peers WHERE run = :run" ONLY_PROTOCOL " ORDER BY peer",
	  "SELECT socket(ip, port), clients, first_ns, last_ns, CASE internal WHEN 0 THEN 'no' ELSE 'yes' END"
	  " FROM peers WHERE run = :run" ONLY_PROTOCOL " ORDER BY clients DESC, first_ns, peer",
	  COLUMNS(peer_columns) },
	{ "versions", "No version check was seen.", FILTER_PROTOCOL,
	  "SELECT * FROM version_checks WHERE run = :run" ONLY_PROTOCOL " ORDER BY packet",
	  "SELECT flow, ts_ns, socket(client_ip, client_port), action, version, platform, host FROM "
	  "version_checks"
	  " WHERE run = :run" ONLY_PROTOCOL " ORDER BY packet",
	  COLUMNS(version_columns) },
	{ "labels", "The trace holds no flow.", 0,
	  "SELECT * FROM label_totals WHERE run = :run ORDER BY label, source, ndpi",
	  "SELECT label, source, sum(flows), sum(packets), sum(payload), sum(bytes),"
	  " sum(bytes) * 100.0 / nullif((SELECT sum(bytes) FROM label_totals WHERE run = :run), 0),"
	  " group_concat(DISTINCT nullif(ndpi, '')) FROM label_totals WHERE run = :run GROUP BY label, source"
	  " ORDER BY sum(bytes) DESC, label, source",
	  COLUMNS(label_columns) },
	{ "inputs", "The run had no input.", 0, "SELECT * FROM inputs WHERE run = :run ORDER BY n",
	  "SELECT n, path, trim(format || ' ' || container), link_type, first_ns, frames, dropped,"
	  " substr(sha256, 1, 8), ended, problem FROM inputs WHERE run = :run ORDER BY n",
	  COLUMNS(input_columns) },
	{ "runs", "The database holds no run.", 0, "SELECT * FROM runs ORDER BY run",
	  "SELECT run, first_ns, last_ns, packets, version, CASE complete WHEN 1 THEN 'yes' ELSE 'no' END, "
	  "problems FROM runs ORDER BY run",
	  COLUMNS(run_columns) },
	{ NULL, NULL, 0, NULL, NULL, NULL, 0 },
};
