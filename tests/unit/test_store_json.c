/* store/: the JSON sink says what the database says. */
#include "store_build.h"
#include <poll.h>

/* --- JSON --- */

/* Bound to ?1: the line, and ?2 where a name is needed. */
static char *ask_json(sqlite3 *db, const char *sql, const char *line, const char *name)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_bind_text(stmt, 1, line, -1, SQLITE_STATIC);
	if (name)
		sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const char *value = (const char *)sqlite3_column_text(stmt, 0);
	char *copy = strdup(value ? value : "~");
	sqlite3_finalize(stmt);
	return copy;
}

static void assert_json(sqlite3 *db, const char *sql, const char *line, const char *name,
			const char *expected)
{
	char *value = ask_json(db, sql, line, name);

	if (strcmp(value, expected) != 0)
		fail_msg("%s\n%s\n gives %s, not %s", line, sql, value, expected);
	free(value);
}

/*
 * The same rows into both: every line is JSON, its keys are the columns of the table in their order, and its
 * values are those of the database.
 */
static void test_json_like_database(void **state)
{
	(void)state;
	static const char *const tables[][2] = {
		{ "run", "runs" },
		{ "counter", "counters" },
		{ "input", "inputs" },
		{ "client", "clients" },
		{ "peer", "peers" },
		{ "pair", "pairs" },
		{ "flow", "flows" },
		{ "evidence", "evidence" },
		{ "exchange", "exchanges" },
		{ "exchange_message", "exchange_messages" },
		{ "version_check", "version_checks" },
		{ "call", "calls" },
		{ "hold", "holds" },
		{ "stream", "streams" },
		{ "label_total", "label_totals" },
		{ "distribution", "distributions" },
	};
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	unsigned lines = 0;
	bool seen[sizeof tables / sizeof tables[0]] = { false };

	assert_non_null(s);
	put_everything(s);
	finish(s);
	make_database("x.db");
	sqlite3 *db = read_database("x.db");
	char *text = file_read("x.json", NULL), *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && *line; lines++) {
		unsigned t = 0;
		assert_json(db, "SELECT json_valid(?1)", line, NULL, "1");
		char *row = ask_json(db, "SELECT ?1 ->> 'row'", line, NULL);
		while (t < sizeof tables / sizeof tables[0] && strcmp(tables[t][0], row) != 0)
			t++;
		if (t == sizeof tables / sizeof tables[0])
			fail_msg("an unknown row: %s", line);
		free(row);
		seen[t] = true;
		char *columns = ask_json(db, "SELECT ?1 || group_concat(name) FROM pragma_table_info(?2)",
					 "row,", tables[t][1]);
		assert_json(db, "SELECT group_concat(key) FROM json_each(?1)", line, NULL, columns);
		free(columns);
	}
	free(text);
	sqlite3_close(db);
	for (unsigned t = 0; t < sizeof tables / sizeof tables[0]; t++)
		assert_true(seen[t]);
	/* 1 run, 3 counters, 2 inputs, 2 clients, 1 peer, 1 pair, 2 flows, 2 evidence, 2 + 2, 2, 1, 1; media:
	 * 2, 1, 2
	 */
	assert_int_equal(lines, 27);
}

static void test_json_values(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	/* RFC 8259 section 7, RFC 3629 section 3: quote, backslash, controls; overlong, surrogate, cut short,
	 * beyond. */
	struct counter_row row = { .area = "trace",
				   .name = "a\"b\\c\n\x01\x7f",
				   .value = UINT64_MAX,
				   .words = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x91\xa3 "
					    "\xc0\xaf \xed\xa0\x80 \xe2\x82 \xf4\x90\x80\x80 \xff"
					    /* what a terminal would obey: CSI, right-to-left override */
					    "\xc2\x9b \xe2\x80\xae" };

	assert_non_null(s);
	put_account(s);
	put_flows(s);
	assert_true(s->ops->put_counter(s, &row, &err));
	finish(s);
	char *text = file_read("x.json", NULL);
#define BAD "\xef\xbf\xbd"
	static const char expected[] =
		"{\"row\":\"counter\",\"run\":1,\"area\":\"trace\",\"name\":"
		"\"a\\\"b\\\\c\\n\\u0001\\u007f\","
		"\"value\":9223372036854775807,\"words\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x91\xa3 " BAD BAD
		" " BAD BAD BAD " " BAD BAD " " BAD BAD BAD BAD " " BAD "\\u009b \\u202e\"}\n";
	const char *last = strstr(text, "{\"row\":\"counter\",\"run\":1,\"area\":\"trace\"");
	assert_non_null(last);
	assert_string_equal(last, expected);
	assert_non_null(strstr(text, "\"reply_ns\":1500000000,"));
	assert_non_null(strstr(text, "\"reply_ns\":null,"));
	assert_non_null(strstr(text, "\"bits\":30.25,\"client\":1,\"ndpi\":null,\"role\":\"login\","
				     "\"keepalive_ns\":60030000000,\"keepalives\":3}\n"));
	assert_non_null(strstr(text, "\"bits\":0,\"client\":null,\"ndpi\":\"DNS\",\"role\":null,"
				     "\"keepalive_ns\":null,\"keepalives\":0}\n"));
	free(text);
}

/* More than one buffer, so that rows straddle its end. */
static void test_json_long(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	unsigned lines = 0;
	char line[2048], expected[32];

	assert_non_null(s);
	put_account(s);
	for (unsigned i = 0; i < 2000; i++) {
		f.first_packet = i;
		assert_true(s->ops->put_flow(s, &row, &err));
	}
	finish(s);
	FILE *in = fopen("x.json", "r");
	assert_non_null(in);
	while (fgets(line, sizeof line, in)) {
		if (!strstr(line, "\"row\":\"flow\""))
			continue;
		snprintf(expected, sizeof expected, "\"run\":1,\"flow\":%u,", lines++);
		assert_non_null(strstr(line, expected));
		assert_string_equal(line + strlen(line) - 2, "}\n");
	}
	fclose(in);
	assert_int_equal(lines, 2000);
}

/* In a child with its standard output on a pipe: "-" writes there, and a reader that goes away is an error.
 */
static void test_json_standard_output(void **state)
{
	(void)state;
	for (int gone = 0; gone <= 1; gone++) {
		int ends[2], status;
		char begin[16] = "";
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct error err = { 0 };
			signal(SIGPIPE, SIG_IGN);
			dup2(ends[1], STDOUT_FILENO);
			close(ends[0]);
			close(ends[1]);
			struct sink *s = sink_json_open("-", &err);
			put_everything(s);
			/* Until there is no reader any more, which poll(2) calls an error. */
			if (gone)
				poll(&(struct pollfd){ .fd = STDOUT_FILENO }, 1, 20000);
			bool ok = s->ops->finish(s, &err);
			_exit(ok                                                                 ? 0
			      : err.status == EXIT_OUTPUT && strstr(err.text, "standard output") ? 4
												 : 1);
		}
		close(ends[1]);
		if (!gone)
			assert_int_equal(read(ends[0], begin, 14), 14);
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), gone ? 4 : 0);
		assert_string_equal(begin, gone ? "" : "{\"row\":\"run\",\"");
	}
	assert_int_equal(files(NULL, false), 0);
}

/* Devices are written in place, never renamed over. */
static void test_json_device(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct stat st;
	struct sink *s = sink_json_open("/dev/null", &err);

	assert_non_null(s);
	put_everything(s);
	finish(s);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	if (access("/dev/full", W_OK) != 0)
		skip();
	s = sink_json_open("/dev/full", &err);
	assert_non_null(s);
	put_everything(s);
	assert_false(s->ops->finish(s, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "No space left on device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_json_like_database),   TEST(test_json_values), TEST(test_json_long),
		TEST(test_json_standard_output), TEST(test_json_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
