/* `footsteps show DB why ...`: the evidence for a client socket or a flow, in words and in bits. */
#include "views/show_topics.h"
#include "base/clock.h"
#include "base/options.h"
#include "behave/calls.h"
#include "identify/record.h"
#include "store/sink.h"
#include "views/escape.h"
#include <stdlib.h>
#include <string.h>

static const struct column evidence_columns[] = {
	{ "packet", COLUMN_NUMBER, FIT_KEEP, 0 }, /* the first */
	{ "seen", COLUMN_NUMBER, FIT_KEEP, 0 },   { "against", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "bits", COLUMN_TEXT, FIT_KEEP, 0 },     { "at most", COLUMN_BITS, FIT_KEEP, 0 },
	{ "sum", COLUMN_BITS, FIT_KEEP, 0 },      { "evidence", COLUMN_TEXT, FIT_WRAP, 0 },
};
#define EVIDENCE_TEXT(about)                                                                                 \
	"SELECT first_packet, reports, against, printf('%+.1f', bits), cap,"                                 \
	" sum(bits) OVER (ORDER BY first_packet, kind), words"                                               \
	" FROM evidence WHERE run = :run AND about = '" about "' AND subject = :subject"                     \
	" ORDER BY first_packet, kind"

static const struct column media_columns[] = {
	{ "way", COLUMN_TEXT, FIT_KEEP, 0 },        { "messages", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "bytes", COLUMN_BITS, FIT_KEEP, 3 },      { "gap ms", COLUMN_BITS, FIT_KEEP, 3 },
	{ "windows", COLUMN_NUMBER, FIT_KEEP, 2 },  { "sizes", COLUMN_BITS, FIT_KEEP, 0 },
	{ "gaps", COLUMN_BITS, FIT_KEEP, 0 },       { "looks like", COLUMN_TEXT, FIT_CUT, 0 },
	{ "not random", COLUMN_TEXT, FIT_WRAP, 0 },
};
#define MEDIA_TEXT                                                                                           \
	"SELECT direction, packets, size_mean, gap_ms, windows, belief_size, belief_gap, estimate,"          \
	" CASE WHEN csc_messages > 0 THEN coalesce((SELECT group_concat(g + 1, ' ') FROM (WITH RECURSIVE"    \
	" bits(g) AS (SELECT 0 UNION ALL SELECT g + 1 FROM bits WHERE g < 15) SELECT g FROM bits"            \
	" WHERE csc_above >> g & 1)), 'none') END"                                                           \
	" FROM streams WHERE run = :run AND flow = :subject ORDER BY n"

static const char evidence_data[] =
	"SELECT run, about, subject, protocol, kind, words, bits, sum(bits) OVER (PARTITION BY about, "
	"subject, protocol ORDER BY first_packet, kind) AS sum, cap, reports, against, first_packet, "
	"last_packet FROM evidence WHERE run = :run AND ((about = 'flow' AND subject = :flow) OR (about = "
	"'client' AND subject = :client)) ORDER BY about DESC, first_packet, kind";

static void plain_print(FILE *out, const char *before, const char *text, const char *after)
{
	fputs(before, out);
	plain_put(out, text);
	fputs(after, out);
}

static bool subject_show(const struct view *v, const char *sql, const struct column *columns, unsigned count,
			 int64_t subject, unsigned width, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	struct table *t = table_new(columns, count);
	uint64_t rows = 0;

	if (stmt)
		query_bind_int(stmt, ":subject", subject);
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, v, stmt, columns, UINT64_MAX, &rows, err);
	if (ok && rows)
		table_print(t, out, width, 2);
	else if (ok)
		fputs("  No evidence is stored.\n", out);
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

static bool evidence_show(const struct view *v, const char *sql, int64_t subject, unsigned width, FILE *out,
			  struct error *err)
{
	return subject_show(v, sql, evidence_columns, sizeof evidence_columns / sizeof evidence_columns[0],
			    subject, width, out, err);
}

static const char *basis_words(const char *basis)
{
#define X(name, words)                                                                                       \
	if (strcmp(basis, #name) == 0)                                                                       \
		return words;
	MEDIA_BASES(X)
#undef X
	return basis;
}

/* What the meter saw of the flow, and what media is claimed upon. Nothing for flows that it did not keep. */
static bool media_show(const struct view *v, int64_t flow, unsigned width, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v,
					"SELECT verdict, basis, min(call) FROM streams WHERE run = :run AND"
					" flow = :flow GROUP BY flow",
					err);
	if (!stmt)
		return false;
	query_bind_int(stmt, ":flow", flow);
	enum query_result result = query_step(v, stmt, err);
	if (result == QUERY_ROW) {
		plain_print(out, "\nVoice or video: ", query_text(stmt, 0), "");
		if (sqlite3_column_int64(stmt, 2) > 0)
			fprintf(out, " %lld", (long long)sqlite3_column_int64(stmt, 2));
		plain_print(out, ", from ", basis_words(query_text(stmt, 1)), "\n");
	}
	sqlite3_finalize(stmt);
	if (result != QUERY_ROW)
		return result != QUERY_FAILED;
	if (!subject_show(v, MEDIA_TEXT, media_columns, sizeof media_columns / sizeof media_columns[0], flow,
			  width, out, err))
		return false;
	fputs("  Sizes and gaps are the naive Bayes classifier's beliefs: like a voice above -5.\n"
	      "  Not random: groups of 4 bits, of the first 64, that fail the chi-square test.\n",
	      out);
	return true;
}

/* What the run needed to recognise or suspect a client socket. */
static bool thresholds(const struct view *v, double *recognised, double *suspected, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT json_extract(o, '$.\"verdict-bits\"'), json_extract(o, '$.\"suspect-bits\"')"
		" FROM (SELECT CASE json_valid(options) WHEN 1 THEN options ELSE '{}' END AS o"
		" FROM runs WHERE run = :run)",
		err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;
	bool row = result == QUERY_ROW;

	*recognised = row && sqlite3_column_type(stmt, 0) != SQLITE_NULL ? sqlite3_column_double(stmt, 0)
									 : (double)VERDICT_BITS_DEFAULT;
	*suspected = row && sqlite3_column_type(stmt, 1) != SQLITE_NULL ? sqlite3_column_double(stmt, 1)
									: (double)SUSPECT_BITS_DEFAULT;
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

static bool client_show(const struct view *v, int64_t client, unsigned width, FILE *out, struct error *err)
{
	double recognised, suspected;
	sqlite3_stmt *stmt;

	if (!thresholds(v, &recognised, &suspected, err))
		return false;
	stmt = query_open(v,
			  "SELECT socket(ip, port), protocol, verdict <> protocol, bits, public_ip, "
			  "behind_nat, version, peers, flows, callers, callers_answered, role = 'supernode' "
			  "FROM clients WHERE run = :run AND client = :client",
			  err);
	if (!stmt)
		return false;
	query_bind_int(stmt, ":client", client);
	bool ok = query_row(v, stmt, err);
	if (ok) {
		plain_print(out, "", query_text(stmt, 0), " is ");
		plain_print(out,
			    sqlite3_column_int(stmt, 2) ? "suspected to be a client socket of "
							: "a client socket of ",
			    query_text(stmt, 1), ".\n");
		fprintf(out, "  %.1f bits of evidence; %g are needed to recognise it, %g to suspect it.\n",
			sqlite3_column_double(stmt, 3), recognised, suspected);
		if (*query_text(stmt, 4))
			plain_print(out, "  Its peers see it as ", query_text(stmt, 4),
				    sqlite3_column_int(stmt, 5) ? ": it is behind a NAT.\n"
								: ", its own address.\n");
		if (*query_text(stmt, 6))
			plain_print(out, "  A version check from the same address says ", query_text(stmt, 6),
				    ".\n");
		fprintf(out, "  It has %lld peers and %lld flows.\n",
			(long long)sqlite3_column_int64(stmt, 7), (long long)sqlite3_column_int64(stmt, 8));
		if (sqlite3_column_int64(stmt, 9) > 0)
			fprintf(out, "  %lld of the peers called it first; it answered %lld of them.\n%s",
				(long long)sqlite3_column_int64(stmt, 9),
				(long long)sqlite3_column_int64(stmt, 10),
				sqlite3_column_int(stmt, 11) ? "  It looks like a supernode.\n" : "");
		fputc('\n', out);
	}
	sqlite3_finalize(stmt);
	ok = ok && evidence_show(v, EVIDENCE_TEXT("client"), client, width, out, err);
	if (ok)
		fputs("\nA bit for doubles the odds, a bit against halves them; the sum decides. However\n"
		      "often it is seen, a kind of evidence gives no more bits than 'at most'; 'packet'\n"
		      "is the first that showed it.\n",
		      out);
	return ok;
}

static const char *source_words(const char *source)
{
#define X(name, words)                                                                                       \
	if (strcmp(source, #name) == 0)                                                                      \
		return words;
	LABEL_SOURCES(X)
#undef X
	return source;
}

static const char *role_words(const char *role)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (strcmp(role, flow_role_names[i]) == 0)
			return flow_role_words[i];
	return role;
}

/* Client at one end of the flow, 0 none; -1: no such flow. */
static bool flow_client(const struct view *v, int64_t flow, int64_t *client, struct error *err)
{
	sqlite3_stmt *stmt =
		query_open(v, "SELECT coalesce(client, 0) FROM flows WHERE run = :run AND flow = :flow", err);
	enum query_result result = QUERY_FAILED;

	if (stmt) {
		query_bind_int(stmt, ":flow", flow);
		result = query_step(v, stmt, err);
	}
	*client = result == QUERY_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

/* The rest of a line of which `at` columns are there, in as many lines as it needs. */
static void rest_print(FILE *out, const char *text, size_t at)
{
	char plain[1024];

	plain_text(text, plain, sizeof plain);
	options_wrap(out, plain, 4, at);
}

static void flow_print(sqlite3_stmt *stmt, int64_t flow, FILE *out)
{
	char start[UTC_TEXT], lasted[DURATION_TEXT], line[512];

	utc_format(sqlite3_column_int64(stmt, 3), start);
	duration_format(query_ns(stmt, 4) - query_ns(stmt, 3), lasted);
	snprintf(line, sizeof line, "%lld: %s from %s to %s", (long long)flow, query_text(stmt, 0),
		 query_text(stmt, 1), query_text(stmt, 2));
	fputs("Flow ", out);
	rest_print(out, line, strlen("Flow "));
	fprintf(out, "  from %s, %s\n  %lld packets out, %lld in", start, lasted,
		(long long)sqlite3_column_int64(stmt, 5), (long long)sqlite3_column_int64(stmt, 6));
	plain_print(out, "; ended: ", query_text(stmt, 7), "\n");
	snprintf(line, sizeof line, "%s (%s)", query_text(stmt, 8), source_words(query_text(stmt, 9)));
	fputs("  Label: ", out);
	rest_print(out, line, strlen("  Label: "));
	if (*query_text(stmt, 14))
		plain_print(out, "  Role: ", role_words(query_text(stmt, 14)), "\n");
	if (sqlite3_column_int64(stmt, 16) > 0) {
		duration_format(sqlite3_column_int64(stmt, 15), lasted);
		fprintf(out, "  Keep-alives: %lld messages, one every %s\n",
			(long long)sqlite3_column_int64(stmt, 16), lasted);
	}
	if (*query_text(stmt, 10))
		plain_print(out, "  libndpi says: ", query_text(stmt, 10), "\n");
	if (sqlite3_column_int64(stmt, 11) > 0)
		plain_print(out, "  ICMP errors quoted it; the last was type/code ", query_text(stmt, 12),
			    "\n");
	fputc('\n', out);
}

/* The flow that told this one: the latest attempt of the same host at the same place that proves itself. */
static bool opening_show(const struct view *v, int64_t flow, unsigned width, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT o.flow, (f.first_ns - o.first_ns) / 1e9 FROM flows f JOIN flows o USING (run, "
		"protocol, client_ip, server_ip, server_port) WHERE run = :run AND f.flow = :flow AND "
		"f.source = 'opening' AND o.source = 'payload' AND o.proto = 'tcp' AND o.first_ns <= "
		"f.first_ns ORDER BY o.first_ns DESC, o.flow DESC LIMIT 1",
		err);
	enum query_result result = QUERY_FAILED;
	int64_t opening = 0;

	if (stmt) {
		query_bind_int(stmt, ":flow", flow);
		result = query_step(v, stmt, err);
	}
	if (result == QUERY_ROW) {
		opening = sqlite3_column_int64(stmt, 0);
		fprintf(out, "\nThe attempt before it, flow %lld, begun %.3f s earlier:\n",
			(long long)opening, sqlite3_column_double(stmt, 1));
	}
	sqlite3_finalize(stmt);
	if (result != QUERY_ROW)
		return result == QUERY_END;
	return evidence_show(v, EVIDENCE_TEXT("flow"), opening, width, out, err);
}

static bool flow_show(const struct view *v, int64_t flow, int64_t client, unsigned width, FILE *out,
		      struct error *err)
{
	sqlite3_stmt *stmt =
		query_open(v,
			   "SELECT proto, socket(client_ip, client_port), socket(server_ip, server_port),"
			   " first_ns, last_ns, packets_out, packets_in, ended, label, source, ndpi,"
			   " icmp_errors, icmp, (SELECT count(*) FROM evidence e WHERE e.run = :run AND"
			   " e.about = 'flow' AND e.subject = :flow), role, keepalive_ns, keepalives"
			   " FROM flows WHERE run = :run AND flow = :flow",
			   err);
	if (!stmt)
		return false;
	query_bind_int(stmt, ":flow", flow);
	if (!query_row(v, stmt, err)) {
		sqlite3_finalize(stmt);
		return false;
	}
	bool own = sqlite3_column_int(stmt, 13) > 0;
	flow_print(stmt, flow, out);
	sqlite3_finalize(stmt);
	if (own) {
		fputs("Evidence of the flow itself:\n", out);
		if (!evidence_show(v, EVIDENCE_TEXT("flow"), flow, width, out, err))
			return false;
	} else {
		fputs("The flow carries no evidence of its own.\n", out);
	}
	if (!opening_show(v, flow, width, out, err) || !media_show(v, flow, width, out, err))
		return false;
	if (client <= 0)
		return true;
	fputs("\nThe client socket at its end, or on its host:\n", out);
	return client_show(v, client, width, out, err);
}

/* The socket is no client: say what its flows are, so that the question is answered all the same. */
static bool stranger_show(const struct view *v, const char *ip, int64_t port,
			  const struct show_request *request, FILE *out, struct error *err)
{
	static const struct column columns[] = {
		{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "label", COLUMN_TEXT, FIT_CUT, 0 },
		{ "label from", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT count(*), label, source FROM flows WHERE run = :run AND ((client_ip = :ip AND "
		"client_port = :port) OR (server_ip = :ip AND server_port = :port)) GROUP BY label, source "
		"ORDER BY 1 DESC, label, source",
		err);
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	uint64_t rows = 0;

	if (stmt) {
		query_bind_text(stmt, ":ip", ip);
		query_bind_int(stmt, ":port", port);
	}
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, v, stmt, columns, UINT64_MAX, &rows, err);
	if (ok && rows == 0)
		ok = error_set(err, EXIT_USAGE,
			       "no flow of %s is stored in run %lld; 'footsteps show %s clients' lists the "
			       "client sockets",
			       request->subject, (long long)v->run, v->path);
	if (ok) {
		plain_print(out, "", request->subject,
			    " is no client socket: there was too little evidence, or none. Its flows:\n\n");
		table_print(t, out, request->width, 2);
	}
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

static bool client_find(const struct view *v, const char *ip, int64_t port, int64_t *client,
			struct error *err)
{
	sqlite3_stmt *stmt =
		query_open(v,
			   "SELECT client FROM clients WHERE run = :run AND ip = :ip AND port = :port"
			   " ORDER BY bits DESC",
			   err);
	enum query_result result = QUERY_FAILED;

	if (stmt) {
		query_bind_text(stmt, ":ip", ip);
		query_bind_int(stmt, ":port", port);
		result = query_step(v, stmt, err);
	}
	*client = result == QUERY_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

static bool why_data(const struct view *v, const struct show_request *request, int64_t flow, int64_t client,
		     FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, evidence_data, err);

	if (!stmt)
		return false;
	query_bind_int(stmt, ":flow", flow);
	query_bind_int(stmt, ":client", client);
	bool ok = request->format == SHOW_JSON ? rows_put_json(v, stmt, out, err)
					       : rows_put_csv(v, stmt, out, err);
	sqlite3_finalize(stmt);
	return ok;
}

bool show_why(const struct view *v, const struct show_request *request, FILE *out, struct error *err)
{
	const char *subject = request->subject;
	char ip[IP_TEXT];
	int64_t port, client, flow = -1;

	if (!subject)
		return error_set(err, EXIT_USAGE,
				 "why what? Name a client socket (192.168.1.2:35990) or a flow's number");
	if (strspn(subject, "0123456789") == strlen(subject) && strlen(subject) < 19) {
		flow = strtoll(subject, NULL, 10);
		if (!flow_client(v, flow, &client, err))
			return false;
		if (client < 0)
			return error_set(err, EXIT_USAGE,
					 "no flow %s is stored in run %lld; 'footsteps show %s flows' lists "
					 "them (by the number of their first packet)",
					 subject, (long long)v->run, v->path);
	} else if (!socket_parse(subject, ip, &port, err) || !client_find(v, ip, port, &client, err)) {
		return false;
	}
	if (request->format != SHOW_TABLE)
		return why_data(v, request, flow, client, out, err);
	if (flow >= 0)
		return flow_show(v, flow, client, request->width, out, err);
	return client ? client_show(v, client, request->width, out, err)
		      : stranger_show(v, ip, port, request, out, err);
}
