/* `footsteps show`: finds the topic, applies the filters, prints rows as a table, JSON lines or CSV. */
#include "views/show.h"
#include "base/ip.h"
#include "base/options.h"
#include "views/escape.h"
#include "views/show_topics.h"
#include <stdlib.h>
#include <string.h>

#define ROWS_DEFAULT 40U
#define LABELS_MOST  200U

/* Topics with a shape of their own; the summary is shown when no topic is named. */
static const struct {
	const char *name;
	bool (*show)(const struct view *v, const struct show_request *request, FILE *out, struct error *err);
} special_topics[] = {
	{ "summary", show_summary },
	{ "account", show_account },
	{ "why", show_why },
};
#define SPECIAL_COUNT (sizeof special_topics / sizeof special_topics[0])

static const struct topic *const tables[] = { show_topic_table, show_measured_table };
#define TABLE_COUNT (sizeof tables / sizeof tables[0])
#define TOPICS_MOST 64U

const char *show_topics(void)
{
	return "summary, clients, logins, contact-lists, versions, calls, streams, flows, pairs,\n"
	       "peers, labels, setups, startups, searches, supernodes, round-trips, series,\n"
	       "costs, classes, activity, scenes, names, places, inputs, runs, account, why";
}

bool socket_parse(const char *text, char ip[IP_TEXT], int64_t *port, struct error *err)
{
	char address[IP_TEXT + 2];
	const char *colon = strrchr(text, ':'), *first = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	struct ip parsed;
	char *end = NULL;

	if (length > 0 && length < sizeof address && (colon == first || text[0] == '[')) {
		bool bracketed = text[0] == '[' && colon[-1] == ']';
		memcpy(address, text + bracketed, length - 2 * bracketed);
		address[length - 2 * bracketed] = '\0';
		*port = strspn(colon + 1, "0123456789") == strlen(colon + 1) ? strtoll(colon + 1, &end, 10)
									     : -1;
		if (ip_parse(address, &parsed) && end && end != colon + 1 && *port >= 0 && *port <= 65535) {
			ip_format(&parsed, ip);
			return true;
		}
	}
	return error_set(
		err, EXIT_USAGE,
		"'%.100s' is no socket; write ADDRESS:PORT, as in 192.168.1.2:35990 or [2001:db8::1]:35990",
		text);
}

static bool cell_add(struct table *t, sqlite3_stmt *stmt, int c, enum column_kind kind)
{
	char number[REAL_TEXT];

	if (sqlite3_column_type(stmt, c) == SQLITE_NULL)
		return table_add(t, NULL);
	switch (kind) {
	case COLUMN_TIME:
		return table_add_time(t, sqlite3_column_int64(stmt, c));
	case COLUMN_DURATION:
		return table_add_duration(t, sqlite3_column_int64(stmt, c));
	case COLUMN_BITS:
		return table_add_bits(t, sqlite3_column_double(stmt, c));
	case COLUMN_LINES:
		return table_add_lines(t, query_text(stmt, c));
	default:
		return table_add(t, cell_format(stmt, c, number));
	}
}

bool table_fill(struct table *t, const struct view *v, sqlite3_stmt *stmt, const struct column *columns,
		uint64_t most, uint64_t *rows, struct error *err)
{
	enum query_result result;

	*rows = 0;
	while ((result = query_step(v, stmt, err)) == QUERY_ROW) {
		if (++*rows > most)
			continue; /* counted only */
		for (int c = 0; c < sqlite3_column_count(stmt); c++)
			if (!cell_add(t, stmt, c, columns[c].kind))
				return error_memory(err, "the table");
	}
	return result == QUERY_END;
}

bool table_show(const struct view *v, const char *sql, const struct column *columns, size_t count,
		const char *none, unsigned width, unsigned indent, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	struct table *t = table_new(columns, count);
	uint64_t rows = 0;
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, v, stmt, columns, UINT64_MAX, &rows, err);

	if (ok && rows)
		table_print(t, out, width, indent);
	else if (ok && none)
		fprintf(out, "%*s%s\n", (int)indent, "", none);
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

/* A label that no flow has is a typing mistake, or the label of flows that were not stored. */
static bool label_check(const struct view *v, const struct show_request *request, FILE *out,
			struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, "SELECT DISTINCT label FROM label_totals WHERE run = :run", err);
	char *labels[LABELS_MOST + 1] = { NULL };
	size_t count = 0;
	bool known = false, ok = false;

	if (!stmt)
		return false;
	while (count < LABELS_MOST && query_step(v, stmt, err) == QUERY_ROW) {
		labels[count] = strdup(query_text(stmt, 0));
		if (!labels[count])
			break;
		known = known || strcmp(labels[count++], request->label) == 0;
	}
	sqlite3_finalize(stmt);
	const char *near = nearest_word(request->label, (const char *const *)labels);
	if (known && request->client)
		ok = fputs("No such flow is stored.\n", out) >= 0;
	else if (known)
		ok = fprintf(out,
			     "The flows labelled %s were counted but not stored; 'footsteps read --flows "
			     "all' stores them.\n",
			     request->label) > 0;
	else if (near)
		error_set(err, EXIT_USAGE, "no flow of run %lld is labelled '%.80s'; did you mean '%.80s'?",
			  (long long)v->run, request->label, near);
	else
		error_set(err, EXIT_USAGE,
			  "no flow of run %lld is labelled '%.80s'\n'footsteps show %s labels' lists them",
			  (long long)v->run, request->label, v->path);
	for (size_t i = 0; i < count; i++)
		free(labels[i]);
	return ok;
}

/* A socket that is nowhere in the run is a typing mistake, or its flows were not stored. */
static bool client_check(const struct view *v, const struct show_request *request, const struct topic *topic,
			 struct error *err)
{
	char ip[IP_TEXT];
	int64_t port;
	enum query_result result;

	if (!socket_parse(request->client, ip, &port, err))
		return false;
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT 1 FROM clients WHERE run = :run AND ip = :ip AND port = :port UNION ALL SELECT 1 "
		"FROM flows WHERE run = :run AND ((client_ip = :ip AND client_port = :port) OR (server_ip = "
		":ip AND server_port = :port))",
		err);
	if (!stmt)
		return false;
	query_bind_text(stmt, ":ip", ip);
	query_bind_int(stmt, ":port", port);
	result = query_step(v, stmt, err);
	sqlite3_finalize(stmt);
	if (result == QUERY_END)
		error_set(err, EXIT_USAGE,
			  "run %lld has stored no %s of %.60s\n'footsteps show %s clients' lists the client "
			  "sockets",
			  (long long)v->run, topic->name, request->client, v->path);
	return result == QUERY_ROW;
}

static bool topic_print(const struct view *v, const struct show_request *request, const struct topic *topic,
			sqlite3_stmt *stmt, FILE *out, struct error *err)
{
	struct table *t = table_new(topic->columns, topic->column_count);
	uint64_t rows = 0, most = request->all ? UINT64_MAX : ROWS_DEFAULT;

	if (!t)
		return error_memory(err, "the table");
	bool ok = table_fill(t, v, stmt, topic->columns, most, &rows, err);
	if (ok && rows > 0) {
		table_print(t, out, request->width, 0);
	} else if (ok && request->client && !client_check(v, request, topic, err)) {
		ok = false;
	} else if (ok && request->label) {
		ok = label_check(v, request, out, err);
	} else if (ok && request->client) {
		fprintf(out, "No %s of %s are stored.\n", topic->name, request->client);
	} else if (ok) {
		fprintf(out, "%s\n", topic->none);
	}
	if (ok && rows > most)
		fprintf(out, "%llu of %llu rows; %llu more with --all.\n", (unsigned long long)most,
			(unsigned long long)rows, (unsigned long long)(rows - most));
	table_free(t);
	return ok;
}

static bool topic_show(const struct view *v, const struct show_request *request, const struct topic *topic,
		       FILE *out, struct error *err)
{
	char ip[IP_TEXT];
	int64_t port;

	if (request->label && !(topic->filters & FILTER_LABEL))
		return error_set(err, EXIT_USAGE, "--label filters flows, not %s", topic->name);
	if (request->client && !(topic->filters & FILTER_CLIENT))
		return error_set(err, EXIT_USAGE, "--client does not filter %s", topic->name);
	if (request->protocol && !(topic->filters & FILTER_PROTOCOL))
		return error_set(err, EXIT_USAGE, "--protocol does not filter %s", topic->name);
	if (request->client && !socket_parse(request->client, ip, &port, err))
		return false;
	sqlite3_stmt *stmt = query_open(v, request->format == SHOW_TABLE ? topic->text : topic->data, err);
	if (!stmt)
		return false;
	if (request->label)
		query_bind_text(stmt, ":label", request->label);
	if (request->protocol)
		query_bind_text(stmt, ":only", request->protocol);
	if (request->client) {
		query_bind_text(stmt, ":ip", ip);
		query_bind_int(stmt, ":port", port);
	}
	bool ok = request->format == SHOW_JSON  ? rows_put_json(v, stmt, out, err)
		  : request->format == SHOW_CSV ? rows_put_csv(v, stmt, out, err)
						: topic_print(v, request, topic, stmt, out, err);
	sqlite3_finalize(stmt);
	return ok;
}

static bool topic_unknown(const char *name, struct error *err)
{
	const char *names[TOPICS_MOST + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < TABLE_COUNT; i++)
		for (const struct topic *topic = tables[i];
		     topic->name && count < TOPICS_MOST - SPECIAL_COUNT; topic++)
			names[count++] = topic->name;
	for (size_t i = 0; i < SPECIAL_COUNT; i++)
		names[count++] = special_topics[i].name;
	const char *near = nearest_word(name, names);
	if (near)
		return error_set(err, EXIT_USAGE, "unknown topic '%.40s'; did you mean '%s'?", name, near);
	return error_set(err, EXIT_USAGE, "unknown topic '%.40s'; there are:\n%s", name, show_topics());
}

bool show(const struct view *v, const struct show_request *request, FILE *out, struct error *err)
{
	const char *name = request->topic ? request->topic : "summary";

	if (request->subject && strcmp(name, "why") != 0)
		return error_set(err, EXIT_USAGE,
				 "'%.80s' is one too many: only the topic why takes a subject",
				 request->subject);
	for (size_t i = 0; i < TABLE_COUNT; i++)
		for (const struct topic *topic = tables[i]; topic->name; topic++)
			if (strcmp(topic->name, name) == 0)
				return topic_show(v, request, topic, out, err);
	for (size_t i = 0; i < SPECIAL_COUNT; i++)
		if (strcmp(special_topics[i].name, name) == 0) {
			if (request->label || request->client)
				return error_set(err, EXIT_USAGE, "--label and --client filter flows, not %s",
						 name);
			/* Of the summary, it says what the measurements are of. */
			if (request->protocol && special_topics[i].show != show_summary)
				return error_set(err, EXIT_USAGE, "--protocol does not filter %s", name);
			return special_topics[i].show(v, request, out, err);
		}
	return topic_unknown(name, err);
}
