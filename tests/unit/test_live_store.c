/*
 * The database of a live run: commits beside readers, locks, full disks, kills, restarts. Numbers of frames
 * are chosen by the tests, and found again in the database.
 */
#include "live_build.h"

#define FACTS   "SELECT count(*) FROM facts"
#define PACKETS "SELECT packets FROM runs"

static void test_commits_are_seen(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	/* A database of footsteps from the first moment, with no run yet. */
	assert_int_equal(file_look("campus.db").kind, FILE_DATABASE);
	assert_int_equal(database_schema("campus.db"), STORE_SCHEMA_VERSION);
	sqlite3 *reader = look_into("campus.db");
	assert_int_equal(ask(reader, FACTS), 0);
	assert_int_equal(ask(reader, "SELECT count(*) FROM runs"), 0);
	for (unsigned i = 1; i <= 5; i++) {
		live_play(&l, 100);
		live_tend(&l);
		assert_int_equal(ask(reader, FACTS), i);
	}
	assert_int_equal(ask(reader, "SELECT max(seq) FROM facts"), 5);
	assert_int_equal(ask(reader, "SELECT numbers FROM sessions"), 500);
	/* 500 ms of frames, from the start. */
	assert_int_equal(ask(reader, "SELECT max(ended_ns) - min(started_ns) FROM sessions"),
			 400 * NS_PER_MS);
	sqlite3_close(reader);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(files(NULL, false), 1); /* no WAL any more */
	assert_int_equal(ask_file("campus.db", PACKETS), 500);
	assert_int_equal(ask_file("campus.db", "SELECT complete FROM runs"), 1);
	assert_whole("campus.db");
	assert_int_equal(l.lines, 0);
}

static void test_tables_are_made(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	live_open(&l);
	sqlite3 *reader = look_into("campus.db");
	live_play(&l, 70);
	live_tend(&l);
	live_until(&l, ask(reader, "SELECT count(*) FROM runs") == 1, 10);
	assert_int_equal(ask(reader, PACKETS), 70);
	/* Again, and in the place of the first. */
	live_play(&l, 30);
	live_until(&l, ask(reader, PACKETS) == 100, 10);
	assert_int_equal(ask(reader, "SELECT sum(value) FROM counters WHERE area = 'packets'"), 100);
	assert_int_equal(ask(reader, "SELECT count(*) FROM inputs"), 1);
	assert_true(live_status(&l).tables_ns > 0);
	sqlite3_close(reader);
	live_end(&l, &(struct problems){ 0 });
	assert_whole("campus.db");
	assert_int_equal(l.lines, 0);
}

/* Sees the tables of the first ten packets, and nothing that comes later. */
static sqlite3 *reader_of_ten(struct live *l)
{
	live_play(l, 10);
	live_tend(l);
	sqlite3 *reader = look_into("campus.db");
	live_until(l, ask(reader, "SELECT count(*) FROM runs") == 1, 10);
	run_sql(reader, "BEGIN");
	assert_int_equal(ask(reader, PACKETS), 10);
	return reader;
}

static void test_reader_with_a_transaction(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	live_open(&l);
	sqlite3 *reader = reader_of_ten(&l);
	for (int i = 0; i < 20; i++) {
		live_play(&l, 10);
		live_tend(&l);
		nap(5);
	}
	/* While tables are being replaced, a commit waits for the next turn. */
	live_until(&l, live_status(&l).backlog_bytes == 0, 20);
	/* Everybody else sees it all; this reader what there was, whole. */
	assert_int_equal(ask_file("campus.db", FACTS), 21);
	assert_int_equal(ask(reader, FACTS), 1);
	assert_int_equal(ask(reader, PACKETS), 10);
	assert_int_equal(live_state(&l), LIVE_STORE_OK);
	assert_int_equal(l.lines, 0);
	run_sql(reader, "COMMIT");
	live_until(&l, ask(reader, PACKETS) == 210, 10);
	sqlite3_close(reader);
	live_end(&l, &(struct problems){ 0 });
	assert_whole("campus.db");
}

/* Beyond the bound, a reader's snapshot costs the tables; what is seen is written all the same. */
static void test_reader_for_too_long(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	l.options.wal_bytes = 1;
	live_open(&l);
	sqlite3 *reader = reader_of_ten(&l);
	live_play(&l, 10);
	live_until(&l, live_said(&l, "a reader has kept campus.db open for long, and its WAL grows"), 10);
	live_play(&l, 10);
	live_until(&l, live_status(&l).backlog_bytes == 0, 10);
	assert_int_equal(ask_file("campus.db", FACTS), 3);
	assert_in_range(ask_file("campus.db", PACKETS), 10, 20);
	run_sql(reader, "COMMIT");
	live_until(&l, live_said(&l, "the reader of campus.db is gone: tables are made again"), 10);
	live_until(&l, ask(reader, PACKETS) == 30, 10);
	/* Each was said once. */
	assert_int_equal(l.lines, 2);
	sqlite3_close(reader);
	live_end(&l, &(struct problems){ 0 });
	assert_whole("campus.db");
}

static void test_locked(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	sqlite3 *other = look_into("campus.db");
	run_sql(other, "BEGIN EXCLUSIVE");
	for (int i = 0; i < 30; i++) {
		live_play(&l, 10);
		live_tend(&l);
		nap(50);
	}
	assert_int_equal(live_state(&l), LIVE_STORE_LOCKED);
	assert_true(live_status(&l).backlog_bytes > 0);
	assert_int_equal(l.lines, 1);
	assert_int_equal(live_said(&l, "another program has it locked; counting goes on"), 1);
	run_sql(other, "ROLLBACK");
	live_until(&l, live_state(&l) == LIVE_STORE_OK, 5);
	assert_int_equal(ask(other, FACTS), 31);
	assert_int_equal(live_status(&l).backlog_bytes, 0);
	/* Once more, at once: the same trouble goes on, and is not said again. */
	run_sql(other, "BEGIN EXCLUSIVE");
	live_play(&l, 10);
	live_until(&l, live_state(&l) == LIVE_STORE_LOCKED, 5);
	run_sql(other, "ROLLBACK");
	live_until(&l, live_said(&l, "nothing was lost") > 0, 12);
	assert_int_equal(live_state(&l), LIVE_STORE_OK);
	assert_int_equal(l.lines, 2);
	sqlite3_close(other);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS), 320);
	assert_whole("campus.db");
}

/* The tables wait for a lock, too, and are made when it is gone. */
static void test_locked_tables(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	live_open(&l);
	live_play(&l, 10);
	sqlite3 *other = look_into("campus.db");
	live_tend(&l);
	run_sql(other, "BEGIN EXCLUSIVE");
	nap(500);
	live_tend(&l);
	run_sql(other, "COMMIT");
	live_until(&l, ask(other, "SELECT count(*) FROM runs") == 1, 10);
	assert_int_equal(ask(other, PACKETS), 10);
	sqlite3_close(other);
	live_end(&l, &(struct problems){ 0 });
	assert_whole("campus.db");
}

static void test_backlog_is_bounded(void **state)
{
	(void)state;
	struct live l;
	struct problems problems = { 0 };

	live_init(&l);
	live_open(&l);
	sqlite3 *other = look_into("campus.db");
	/* How large such a chunk is, and how many records it has, the database says. */
	live_play(&l, 10);
	live_tend(&l);
	int64_t size = ask(other, "SELECT length(bytes) FROM facts");
	int64_t records = ask(other, "SELECT records FROM facts");
	l.options.backlog_bytes = (size_t)size * 10 + (size_t)size / 2;
	live_store_reload(l.store, &l.options);
	run_sql(other, "BEGIN EXCLUSIVE");
	for (int i = 0; i < 30; i++) {
		live_play(&l, 10);
		live_tend(&l);
		assert_true(live_status(&l).backlog_bytes <= l.options.backlog_bytes);
	}
	run_sql(other, "ROLLBACK");
	uint64_t lost = live_status(&l).records_lost;
	/* 30 came, about 10 are there: numbers of frames may make chunks a few bytes longer. */
	assert_in_range(lost, 18 * (uint64_t)records, 22 * (uint64_t)records);
	live_until(&l, live_state(&l) == LIVE_STORE_OK, 5);
	assert_int_equal(ask(other, "SELECT 31 - count(*) FROM facts") * records, lost);
	assert_int_equal(ask(other, "SELECT lost FROM sessions"), lost);
	/* The newest are those that are there. */
	assert_int_equal(ask(other, "SELECT max(seq) FROM facts"), 31);
	assert_int_equal(live_said(&l, "the oldest records are lost"), 1);
	live_until(&l, live_said(&l, "records were lost") > 0, 12);
	assert_int_equal(l.lines, 3);
	sqlite3_close(other);
	live_play(&l, 10);
	live_tend(&l);
	live_end(&l, &problems);
	assert_int_equal(problems.count, 1);
	assert_non_null(strstr(problems.text, "records of flows and events were lost"));
	assert_int_equal(ask_file("campus.db", "SELECT complete FROM runs"), 0);
	assert_whole("campus.db");
}

/* However rare commits are, nothing is lost while the disk is fine. */
static void test_commits_before_it_is_too_much(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.commit_every_ns = 3600 * NS_PER_S;
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	sqlite3 *reader = look_into("campus.db");
	l.options.backlog_bytes = (size_t)ask(reader, "SELECT length(bytes) FROM facts") * 12;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	/* A few wait for the hour. */
	live_play(&l, 10);
	live_play(&l, 10);
	live_tend(&l);
	assert_int_equal(ask(reader, FACTS), 1);
	for (int i = 0; i < 30; i++) {
		live_play(&l, 10);
		live_tend(&l);
		assert_true(live_status(&l).backlog_bytes <= l.options.backlog_bytes / 4);
	}
	assert_int_equal(live_status(&l).records_lost, 0);
	assert_true(ask(reader, FACTS) >= 30);
	sqlite3_close(reader);
	assert_int_equal(l.lines, 0);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS), 330);
}

/* A file that cannot get its name is written on, also with what was for the next one; said once. */
static void test_no_name_to_rotate_to(void **state)
{
	(void)state;
	struct live l;
	char name[256];

	live_init(&l);
	/* With the time in it, it has more than the 255 bytes of a name (NAME_MAX of <linux/limits.h>). */
	snprintf(name, sizeof name, "%0230d.db", 0);
	l.options.path = name;
	l.options.rotate_ns = 3600 * NS_PER_S;
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	l.clock += 3600 * NS_PER_S;
	for (int i = 0; i < 5; i++) {
		live_play(&l, 10);
		live_tend(&l);
	}
	live_until(&l, live_status(&l).backlog_bytes == 0, 5);
	assert_int_equal(live_said(&l, "cannot be rotated: it cannot be renamed to"), 1);
	assert_int_equal(l.lines, 1);
	assert_int_equal(live_status(&l).rotations, 0);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file(name, PACKETS), 60);
	assert_int_equal(files(NULL, false), 1);
}

/* --- kill -9 --- */

/* Writes until it is killed; tells how many chunks are committed whenever none waits (for the tables, say).
 */
static void write_for_ever(int out)
{
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	live_open(&l);
	for (uint32_t i = 1;; i++) {
		live_play(&l, 7);
		live_tend(&l);
		if (live_status(&l).backlog_bytes == 0 && write(out, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static uint32_t kill_one(unsigned after_ms)
{
	int ends[2], status;
	uint32_t last = 0, next;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		write_for_ever(ends[1]);
	}
	close(ends[1]);
	/* From the first transaction on. */
	assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (struct timespec began, now = { 0 }, *t = &began; t; t = &now) {
		clock_gettime(CLOCK_MONOTONIC, t);
		while (read(ends[0], &next, sizeof next) == sizeof next)
			last = next;
		if (t == &now &&
		    (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 >=
			    (long)after_ms)
			break;
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(ends[0], &next, sizeof next) == sizeof next)
		last = next;
	close(ends[0]);
	return last;
}

#define ROUNDS 15

static void test_kill(void **state)
{
	(void)state;
	unsigned random = 12345;
	int64_t origin = 0;
	struct live l;

	for (int round = 1; round <= ROUNDS; round++) {
		random = random * 1103515245 + 12345; /* C17 7.22.2.2, the example */
		uint32_t committed = kill_one((random >> 16) % 120);
		sqlite3 *db = look_into("campus.db");
		char sql[200];

		assert_whole("campus.db");
		/* All that was said to be committed, perhaps the next transaction, and no hole. */
		snprintf(sql, sizeof sql, "SELECT max(seq) FROM facts WHERE session = %d", round);
		assert_true(ask(db, sql) >= committed);
		snprintf(sql, sizeof sql, "SELECT count(*) = max(seq) FROM facts WHERE session = %d", round);
		assert_int_equal(ask(db, sql), 1);
		if (round == 1)
			origin = ask(db, "SELECT origin FROM sessions");
		sqlite3_close(db);
	}
	/* Still one run, of one origin; its counts add up. */
	int64_t chunks = ask_file("campus.db", FACTS);
	live_init(&l);
	live_open(&l);
	assert_int_equal(live_store_session(l.store), ROUNDS + 1);
	assert_int_equal(live_store_numbers(l.store), 7 * chunks);
	live_play(&l, 1000);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", "SELECT count(DISTINCT origin) FROM sessions"), 1);
	assert_int_equal(ask_file("campus.db", "SELECT origin FROM sessions"), origin);
	assert_int_equal(ask_file("campus.db", "SELECT count(*) FROM runs"), 1);
	assert_int_equal(ask_file("campus.db", PACKETS), 7 * chunks + 1000);
	assert_whole("campus.db");
}

/* --- restart --- */

static void test_restart(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	assert_int_equal(live_store_session(l.store), 1);
	assert_int_equal(live_store_numbers(l.store), 0);
	live_play(&l, 10);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	/* The same again: the run goes on. */
	live_open(&l);
	assert_int_equal(live_store_session(l.store), 2);
	assert_int_equal(live_store_numbers(l.store), 10);
	live_play(&l, 20);
	live_tend(&l);
	live_leave(&l); /* without an end: the tables know of the first ten */
	assert_int_equal(ask_file("campus.db", PACKETS), 10);
	/* Other options: that run is finished, another begins. */
	l.options.json = "{\"idle\":100}";
	live_open(&l);
	assert_int_equal(ask_file("campus.db", PACKETS " WHERE run = 1"), 30);
	assert_int_equal(live_store_session(l.store), 3);
	assert_int_equal(live_store_numbers(l.store), 30);
	assert_int_equal(live_status(&l).run, 2);
	live_play(&l, 5);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS " WHERE run = 1"), 30);
	assert_int_equal(ask_file("campus.db", PACKETS " WHERE run = 2"), 5);
	assert_int_equal(ask_file("campus.db", "SELECT count(DISTINCT origin) FROM sessions"), 1);
	assert_whole("campus.db");
}

/* What an update finds: facts that only the version before can tell. */
static void test_another_format(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	live_open(&l);
	live_play(&l, 20);
	live_tend(&l);
	live_leave(&l); /* killed: the tables know of the first ten */
	live_make_foreign("campus.db");
	live_open(&l);
	assert_int_equal(live_said(&l, "campus.db was written by another version of footsteps"), 1);
	assert_int_equal(live_status(&l).run, 2);
	assert_int_equal(live_store_session(l.store), 3);
	assert_int_equal(live_store_numbers(l.store), 30);
	live_play(&l, 5);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(l.lines, 1);
	assert_int_equal(ask_file("campus.db", PACKETS " WHERE run = 1"), 10);
	assert_int_equal(ask_file("campus.db", PACKETS " WHERE run = 2"), 5);
	assert_int_equal(ask_file("campus.db", "SELECT count(*) FROM facts WHERE run = 1"), 2);
	assert_int_equal(ask_file("campus.db", "SELECT count(DISTINCT origin) FROM sessions"), 1);
	assert_whole("campus.db");
	/* From here on as ever. */
	live_open(&l);
	assert_int_equal(live_status(&l).run, 2);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(l.lines, 1);
}

/* A file that was rotated out before the update gets its name, without tables. */
static void test_unfinished_of_another_format(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	live_leave(&l);
	live_make_foreign("campus.db");
	sqlite3 *db = look_into("campus.db");
	run_sql(db, "PRAGMA journal_mode = DELETE");
	sqlite3_close(db);
	assert_int_equal(rename("campus.db", "campus.2023-11-14T221320Z.unfinished.db"), 0);
	live_open(&l);
	assert_int_equal(live_store_session(l.store), 2);
	live_play(&l, 20);
	live_until(&l, access("campus.2023-11-14T221320Z.db", F_OK) == 0, 10);
	live_until(&l, l.lines > 0, 10);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(l.lines, 1);
	assert_int_equal(live_said(&l, "campus.2023-11-14T221320Z.db was written by another version"), 1);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", FACTS), 1);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", "SELECT count(*) FROM runs"), 0);
	assert_int_equal(ask_file("campus.db", PACKETS), 20);
	assert_int_equal(files(NULL, false), 2);
}

static void test_minutes(void **state)
{
	(void)state;
	struct live l;
	struct problems problems = { 0 };
	struct capture_minute m = { .start_ns = LIVE_T0, .interface = "eth1", .packets = 100, .bytes = 6000 };

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_store_minute(l.store, &m);
	live_tend(&l);
	/* The rest of the same minute, and the next. */
	m.dropped_kernel = 5;
	live_store_minute(l.store, &m);
	m.start_ns += 60 * NS_PER_S;
	m.dropped_kernel = 0;
	m.dropped_interface = 3;
	live_store_minute(l.store, &m);
	live_tend(&l);
	live_end(&l, &problems);
	sqlite3 *db = look_into("campus.db");
	assert_int_equal(ask(db, "SELECT count(*) FROM capture_minutes"), 2);
	assert_int_equal(ask(db, "SELECT packets FROM capture_minutes ORDER BY start_ns"), 200);
	assert_int_equal(ask(db, "SELECT sum(dropped_kernel * 10 + dropped_interface) FROM capture_minutes"),
			 53);
	assert_int_equal(ask(db, "SELECT frames FROM inputs"), 300);
	/* What is lost judges the trace: figures that it touches say so by it. */
	assert_int_equal(ask(db, "SELECT dropped FROM inputs"), 8);
	assert_int_equal(ask(db, "SELECT value FROM counters WHERE name = 'dropped'"), 8);
	assert_int_equal(ask(db, "SELECT complete FROM runs"), 0);
	sqlite3_close(db);
	assert_int_equal(problems.count, 2);
	assert_non_null(strstr(problems.text, "5 packets were dropped by the kernel"));
	assert_non_null(strstr(problems.text, "3 packets were dropped by the interface"));
}

static void test_what_is_there(void **state)
{
	(void)state;
	struct live l;
	struct error err;

	live_init(&l);
	file_write("campus.db", "\xd4\xc3\xb2\xa1 a capture", 15);
	assert_false(live_try(&l, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "a pcap capture"));
	/* What a database that somebody removed has left must not be played into the new one. */
	assert_int_equal(unlink("campus.db"), 0);
	file_write("campus.db-wal", "old", 3);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS), 10);
	l.options.path = "no/such/place.db";
	assert_false(live_try(&l, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_enter, directory_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commits_are_seen),
		TEST(test_tables_are_made),
		TEST(test_reader_with_a_transaction),
		TEST(test_reader_for_too_long),
		TEST(test_locked),
		TEST(test_locked_tables),
		TEST(test_backlog_is_bounded),
		TEST(test_commits_before_it_is_too_much),
		TEST(test_no_name_to_rotate_to),
		TEST(test_kill),
		TEST(test_restart),
		TEST(test_another_format),
		TEST(test_unfinished_of_another_format),
		TEST(test_minutes),
		TEST(test_what_is_there),
	};

	return cmocka_run_group_tests_name("live store", tests, NULL, NULL);
}
