/* live/: alerts, as lines in a file and to a command. The porter is the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "live/alerts.h"
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define NOON_NS   (INT64_C(1164196800) * SECOND_NS) /* 2006-11-22T12:00:00Z */

static struct {
	unsigned lines;
	bool full;
	char last[4096];
} command;

bool porter_alert(struct porter *p, const char *line, size_t length)
{
	(void)p;
	if (command.full)
		return false;
	command.lines++;
	snprintf(command.last, sizeof command.last, "%.*s", (int)length, line);
	return true;
}

static char directory[64], path[128];

static int enter(void **unused)
{
	(void)unused;
	memset(&command, 0, sizeof command);
	snprintf(directory, sizeof directory, "/tmp/footsteps-alerts-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/alerts.jsonl", directory);
	return 0;
}

static int leave(void **unused)
{
	char old[160];

	(void)unused;
	snprintf(old, sizeof old, "%s.1", path);
	unlink(old);
	unlink(path);
	return rmdir(directory);
}

static struct live_event event_of(enum live_event_type type, int64_t seconds)
{
	struct live_event e = { .type = type,
				.ts_ns = NOON_NS + seconds * SECOND_NS,
				.protocol = "skype",
				.client.port = 5060,
				.words = "a \"word\"\x1b[31m\n" };

	ip_parse("10.0.0.9", &e.client.ip);
	return e;
}

static unsigned lines_in(const char *file, char last[4096])
{
	FILE *f = fopen(file, "r");
	unsigned count = 0;

	last[0] = '\0';
	if (!f)
		return 0;
	while (fgets(last, 4096, f)) {
		assert_int_equal(last[strlen(last) - 1], '\n');
		count++;
	}
	fclose(f);
	return count;
}

/* A value of a line by SQLite's JSON; "~" for null. */
static const char *value_of(const char *line, const char *key)
{
	static char value[512];
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT json_extract(?1, '$.' || ?2)", -1, &stmt, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(stmt, 1, line, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const char *text = (const char *)sqlite3_column_text(stmt, 0);
	snprintf(value, sizeof value, "%s", text ? text : "~");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

static void test_lines(void **unused)
{
	const struct alerts_options options = { .file = path };
	struct live_event e = event_of(LIVE_LOGIN, 1);
	struct error err;
	struct stat st;
	char line[4096];

	(void)unused;
	struct alerts *a = alerts_open(&options, &err);
	assert_non_null(a);
	e.outcome = "success";
	ip_parse("2001:db8::1", &e.other.ip);
	e.other.port = 80;
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(lines_in(path, line), 1);
	assert_string_equal(value_of(line, "time"), "2006-11-22T12:00:01.000Z");
	assert_string_equal(value_of(line, "alert"), "login");
	assert_string_equal(value_of(line, "protocol"), "skype");
	assert_string_equal(value_of(line, "client"), "10.0.0.9:5060");
	assert_string_equal(value_of(line, "other"), "[2001:db8::1]:80");
	assert_string_equal(value_of(line, "outcome"), "success");
	assert_string_equal(value_of(line, "value"), "~");
	assert_string_equal(value_of(line, "words"), "a \"word\"\x1b[31m\n");
	assert_null(strchr(line, '\x1b'));
	struct live_event drops = { .type = LIVE_DROPS, .ts_ns = NOON_NS, .value = 0.25, .words = "" };
	alerts_event_at(a, &drops, drops.ts_ns);
	assert_int_equal(lines_in(path, line), 2);
	assert_string_equal(value_of(line, "value"), "0.25");
	assert_string_equal(value_of(line, "client"), "~");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0); /* nobody else's business */
	alerts_close(a);
}

static void test_limit(void **unused)
{
	const struct alerts_options options = { .porter = (struct porter *)&command, .per_minute = 3 };
	struct error err;

	(void)unused;
	struct alerts *a = alerts_open(&options, &err);
	assert_non_null(a);
	for (int i = 0; i < 10; i++) {
		/* A login that nobody answered is told when its flow is forgotten, minutes later. */
		struct live_event e = event_of(LIVE_NEW_CLIENT, i % 2 ? i : -200);
		alerts_event_at(a, &e, NOON_NS + i * SECOND_NS);
	}
	assert_int_equal(command.lines, 3);
	struct live_event call = event_of(LIVE_CALL, 10), later = event_of(LIVE_NEW_CLIENT, 60);
	alerts_event_at(a, &call, call.ts_ns); /* another kind has room */
	assert_int_equal(command.lines, 4);
	assert_string_equal(value_of(command.last, "left_out"), "~");
	alerts_event_at(a, &later, later.ts_ns);
	assert_int_equal(command.lines, 5);
	assert_string_equal(value_of(command.last, "left_out"), "7");
	/* What the command does not take is left out, too. */
	command.full = true;
	alerts_event_at(a, &call, call.ts_ns);
	command.full = false;
	alerts_event_at(a, &call, call.ts_ns);
	assert_string_equal(value_of(command.last, "left_out"), "1");
	alerts_event_at(a, &later, later.ts_ns);
	alerts_event_at(a, &later, later.ts_ns);
	assert_string_equal(value_of(command.last, "left_out"), "~"); /* said once */
	alerts_close(a);
}

static void test_kinds(void **unused)
{
	static const char *const some[] = { "drops", "storage", NULL }, *const wrong[] = { "logins", NULL };
	struct alerts_options options = { .porter = (struct porter *)&command, .kinds = some };
	struct live_event login = event_of(LIVE_LOGIN, 0), drops = event_of(LIVE_DROPS, 0);
	struct error err;

	(void)unused;
	struct alerts *a = alerts_open(&options, &err);
	alerts_event_at(a, &login, login.ts_ns);
	alerts_event_at(a, &drops, drops.ts_ns);
	assert_int_equal(command.lines, 1);
	options.kinds = wrong;
	assert_false(alerts_reopen(a, &options, &err));
	assert_string_equal(err.text, "no kind of alert is called 'logins'; did you mean 'login'?");
	alerts_event_at(a, &drops, drops.ts_ns); /* as before */
	assert_int_equal(command.lines, 2);
	options.kinds = NULL;
	assert_true(alerts_reopen(a, &options, &err));
	alerts_event_at(a, &login, login.ts_ns);
	assert_int_equal(command.lines, 3);
	alerts_close(a);
}

/* As logrotate does: rename, then HUP. */
static void test_rotated(void **unused)
{
	const struct alerts_options options = { .file = path };
	struct live_event e = event_of(LIVE_CALL, 0);
	struct error err;
	char old[160], line[4096];

	(void)unused;
	struct alerts *a = alerts_open(&options, &err);
	snprintf(old, sizeof old, "%s.1", path);
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(rename(path, old), 0);
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(lines_in(old, line), 2);
	assert_true(alerts_reopen(a, &options, &err));
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(lines_in(old, line), 2);
	assert_int_equal(lines_in(path, line), 1);
	alerts_close(a);
}

/* A disk that is full amid a line: what comes when there is room again is a line of its own. */
static void test_half_a_line(void **unused)
{
	const struct alerts_options options = { .file = path };
	struct live_event e = event_of(LIVE_CALL, 0);
	struct rlimit before, room;
	struct error err;
	struct stat is;
	char line[4096];

	(void)unused;
	struct alerts *a = alerts_open(&options, &err);
	assert_non_null(a);
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(stat(path, &is), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	room = (struct rlimit){ (rlim_t)is.st_size + 20, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lines_in(path, line), 1);
	alerts_event_at(a, &e, e.ts_ns);
	assert_int_equal(lines_in(path, line), 2);
	assert_string_equal(value_of(line, "left_out"), "1");
	alerts_close(a);
}

static void test_unwritable(void **unused)
{
	const struct alerts_options nowhere = { .file = "/nonexistent/alerts" };
	const struct alerts_options fifo = { .file = path };
	struct error err;

	(void)unused;
	assert_null(alerts_open(&nowhere, &err));
	assert_string_equal(err.text,
			    "cannot write alerts to /nonexistent/alerts: No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(alerts_open(&fifo, &err)); /* and does not wait */
	assert_non_null(strstr(err.text, "a pipe that nobody reads"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, enter, leave),
		cmocka_unit_test_setup_teardown(test_limit, enter, leave),
		cmocka_unit_test_setup_teardown(test_kinds, enter, leave),
		cmocka_unit_test_setup_teardown(test_rotated, enter, leave),
		cmocka_unit_test_setup_teardown(test_half_a_line, enter, leave),
		cmocka_unit_test_setup_teardown(test_unwritable, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
