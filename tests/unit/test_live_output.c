/*
 * live/: how the state goes out. The JSON has the keys of the example that `top` and the page are tested
 * with, and survives hostile text; the metrics are read by a parser written from the description of
 * Prometheus' text format 0.0.4.
 */
#include "live_play.h"
#include <ctype.h>

/* What DNS, interfaces and messages may hold: quotes, an escape sequence, a newline, no UTF-8, a direction
 * mark. */
#define HOSTILE      "a\"b\\c</script>\x1b[31m\n\xff\xe2\x80\xae"
#define HOSTILE_JSON "a\\\"b\\\\c</script>\\u001b[31m\\n\xef\xbf\xbd\\u202e"

static struct play *play_full(void)
{
	struct play *p = play_new(1000, 0.001);
	struct interface_stats link[2] = { { .name = HOSTILE, .up = true, .packets = 1 },
					   { .name = "eth1", .up = true } };
	const struct live_store_status storage = {
		.state = LIVE_STORE_LOCKED, .why = HOSTILE, .run = 1, .session = 1, .committed_ns = NOON_NS
	};
	const struct worker_call call = { NOON_NS, NOON_NS, at("10.0.0.9", 5060), at("2001:db8::1", 9), 300 };
	struct dns_answer answer = { .name = HOSTILE, .addresses = 1 };
	struct occurrence login = { .ts_ns = NOON_NS,
				    .flow = 1,
				    .initiator = at("10.0.0.9", 50000),
				    .responder = at("10.0.0.9", 80),
				    .event = { .type = EVENT_EXCHANGE,
					       .of.exchange = { .role = "login",
								.outcome = OUTCOME_FAILURE } } };

	answer.address[0] = at("10.0.0.9", 0).ip;
	p->to.intake.named(p->to.intake.self, &answer, NOON_NS);
	recognise(p, at("10.0.0.9", 5060), NOON_NS);
	p->to.intake.occurred(p->to.intake.self, &login);
	live_state_workers(p->state, 0, NOON_NS, 3, &call, 1);
	live_state_second(p->state, NOON_NS, link, 2, &storage);
	live_state_say(p->state, HOSTILE);
	return p;
}

static void test_json_hostile(void **unused)
{
	struct play *p = play_full();
	char *json = live_state_json(p->state);

	(void)unused;
	assert_non_null(json);
	assert_non_null(strstr(json, "\"name\":\"" HOSTILE_JSON "\""));
	for (const char *c = json; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			fail_msg("a control character at %zu", (size_t)(c - json));
	assert_null(strstr(json, "\xe2\x80\xae"));
	free(json);
	assert_state(p, "$.database", "/data/\"campus\".db");
	assert_state(p, "$.clients[0].name", "a\"b\\c</script>\x1b[31m\n\xef\xbf\xbd\xe2\x80\xae");
	assert_state(p, "$.problems[0]", "a\"b\\c</script>\x1b[31m\n\xef\xbf\xbd\xe2\x80\xae");
	assert_state(p, "$.calls[0].responder", "[2001:db8::1]:9");
	play_free(p);
}

/* Paths and types of everything in a state, each once; null may stand for anything. */
static const char paths_sql[] =
	"WITH path(p, t) AS (SELECT DISTINCT replace(replace(replace(replace(replace(replace(replace(replace("
	"replace(replace(fullkey, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), "
	"'8', ''), '9', ''), CASE type WHEN 'true' THEN 'flag' WHEN 'false' THEN 'flag' WHEN 'integer' THEN "
	"'number' WHEN 'real' THEN 'number' ELSE type END FROM json_tree(?1)) SELECT p, t FROM path";

static void paths_into(struct play *p, const char *json, const char *table)
{
	char sql[1200];
	sqlite3_stmt *stmt;

	snprintf(sql, sizeof sql, "CREATE TABLE %s AS %s", table, paths_sql);
	assert_int_equal(sqlite3_prepare_v2(p->db, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
}

static void test_json_keys(void **unused)
{
	const char *top = getenv("FOOTSTEPS_DATA");
	char path[4096], example[65536];

	(void)unused;
	snprintf(path, sizeof path, "%s/tests/golden/live_state.json", top ? top : ".");
	FILE *file = fopen(path, "r");
	if (!file)
		skip();
	example[fread(example, 1, sizeof example - 1, file)] = '\0';
	fclose(file);
	struct play *p = play_full();
	char *json = live_state_json(p->state);
	paths_into(p, json, "ours");
	paths_into(p, example, "wanted");
	assert_string_equal(ask(p, "SELECT coalesce(group_concat(p), '') FROM (SELECT p FROM wanted EXCEPT "
				   "SELECT p FROM ours)"),
			    "");
	assert_string_equal(ask(p, "SELECT coalesce(group_concat(p), '') FROM (SELECT p FROM ours EXCEPT "
				   "SELECT p FROM wanted)"),
			    "");
	assert_string_equal(ask(p,
				"SELECT coalesce(group_concat(p), '') FROM ours JOIN wanted USING (p) "
				"GROUP BY p HAVING min(ours.t <> wanted.t AND ours.t <> 'null' AND wanted.t "
				"<> 'null') UNION ALL SELECT ''"),
			    "");
	free(json);
	play_free(p);
}

/* --- Prometheus text format 0.0.4 --- */

struct metric_reader {
	char name[128]; /* of the last TYPE */
	bool counter, helped;
	char seen[128][128]; /* names with a TYPE */
	unsigned names, samples;
	char series[1024][256];
};

static size_t name_length(const char *at)
{
	size_t n = 0;

	if (!isalpha((unsigned char)at[0]) && at[0] != '_' && at[0] != ':')
		return 0;
	while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == ':')
		n++;
	return n;
}

/* {label="value",...}: escapes are \\, \" and \n alone; returns what is behind. */
static const char *labels_read(const char *at)
{
	assert_int_equal(*at++, '{');
	do {
		size_t n = name_length(at);
		assert_true(n > 0 && !memchr(at, ':', n));
		at += n;
		assert_int_equal(*at++, '=');
		assert_int_equal(*at++, '"');
		for (; *at != '"'; at++) {
			assert_true(*at != '\0');
			if (*at == '\\')
				assert_non_null(strchr("\\\"n", *++at));
		}
		at++;
	} while (*at++ == ',');
	assert_int_equal(at[-1], '}');
	return at;
}

static void sample_read(struct metric_reader *m, const char *line)
{
	size_t n = name_length(line);
	const char *at = line + n;
	char *end;

	if (n == 0 || n != strlen(m->name) || memcmp(line, m->name, n) != 0)
		fail_msg("a sample outside of its group: %s", line);
	if (*at == '{')
		at = labels_read(at);
	size_t series = (size_t)(at - line);
	assert_true(series < sizeof m->series[0] && m->samples < 1024);
	for (unsigned i = 0; i < m->samples; i++)
		if (strlen(m->series[i]) == series && memcmp(m->series[i], line, series) == 0)
			fail_msg("twice: %s", line);
	memcpy(m->series[m->samples++], line, series);
	assert_int_equal(*at++, ' ');
	double value = strtod(at, &end);
	assert_true(end > at && *end == '\0');
	assert_true(value >= 0);
	if (m->counter != (n > 6 && memcmp(line + n - 6, "_total", 6) == 0))
		fail_msg("_total is the end of counters: %s", line);
}

static void comment_read(struct metric_reader *m, const char *line)
{
	bool help = strncmp(line, "# HELP ", 7) == 0;

	assert_true(help || strncmp(line, "# TYPE ", 7) == 0);
	size_t n = name_length(line + 7);
	assert_true(n > 0 && n < sizeof m->name && line[7 + n] == ' ');
	if (help) {
		m->helped = true;
		snprintf(m->name, sizeof m->name, "%.*s", (int)n, line + 7);
		return;
	}
	assert_true(m->helped && strlen(m->name) == n && memcmp(m->name, line + 7, n) == 0);
	m->helped = false;
	m->counter = strcmp(line + 8 + n, "counter") == 0;
	assert_true(m->counter || strcmp(line + 8 + n, "gauge") == 0);
	for (unsigned i = 0; i < m->names; i++)
		assert_string_not_equal(m->seen[i], m->name);
	memcpy(m->seen[m->names++], m->name, sizeof m->name);
}

static void test_metrics(void **unused)
{
	struct play *p = play_full();
	struct metric_reader *m = calloc(1, sizeof *m);
	char *text = live_state_metrics(p->state);

	(void)unused;
	assert_true(text && m);
	assert_non_null(strstr(text, "footsteps_packets_total{interface=\"a\\\"b\\\\c</script>"
				     "\xef\xbf\xbd[31m\\n\xef\xbf\xbd\xef\xbf\xbd\""));
	assert_non_null(
		strstr(text, "\nfootsteps_dropped_packets_total{interface=\"eth1\",cause=\"kernel\"} 0\n"));
	assert_non_null(strstr(text, "\nfootsteps_clients{protocol=\"test\",verdict=\"recognised\"} 1\n"));
	assert_non_null(strstr(text, "\nfootsteps_logins_total{protocol=\"test\",outcome=\"failure\"} 1\n"));
	assert_non_null(strstr(text, "\nfootsteps_store_state{state=\"locked\"} 1\n"));
	assert_non_null(strstr(text, "\nfootsteps_worker_queue_chunks{worker=\"0\"} 3\n"));
	assert_non_null(strstr(text, "\nfootsteps_last_commit_time_seconds 1164196800.000\n"));
	assert_null(strstr(text, "10.0.0.9")); /* no series per client */
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		if (*line == '#')
			comment_read(m, line);
		else
			sample_read(m, line);
	}
	assert_true(m->names >= 20 && m->samples >= 30);
	free(text);
	free(m);
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_hostile),
		cmocka_unit_test(test_json_keys),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
