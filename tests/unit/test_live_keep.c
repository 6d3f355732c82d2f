/* What is kept of the files of a live run, and clocks that are set meanwhile. */
#include "live_build.h"
#include "store/live_parts.h"
#include <stdatomic.h>
#include <sys/syscall.h>

#define DAY_NS (86400 * NS_PER_S)
#define FACTS  "SELECT count(*) FROM facts WHERE seq > 0"

/* Seconds that the machine's clocks are ahead of what they are. */
static _Atomic int64_t real_ahead, steady_ahead;

/* In the place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int code = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += clock == CLOCK_REALTIME ? real_ahead : clock == CLOCK_MONOTONIC ? steady_ahead : 0;
	return code;
}

static void time_passes(int64_t seconds)
{
	real_ahead += seconds;
	steady_ahead += seconds;
}

/* Ten days, a file each. */
static void ten_days(struct live *l)
{
	live_init(l);
	l->options.rotate_ns = DAY_NS;
	live_open(l);
	for (int day = 0; day < 10; day++) {
		l->clock = LIVE_T0 + day * DAY_NS;
		live_tend(l);
		live_play(l, 10);
		live_until(l, live_status(l).backlog_bytes == 0, 5);
		if (day < 8) /* more than the tokens: by hand */
			continue;
		live_store_rotate(l->store);
		live_until(l, live_status(l).rotations > (unsigned)day, 5);
	}
	live_until(l, files(".unfinished.db", false) == 0, 10);
}

static void test_keep_by_age(void **state)
{
	(void)state;
	struct live l;

	ten_days(&l);
	unsigned before = files("campus.2023-", false);
	/* Of that name, but not of us: a text, another series, a directory; and names that are close. */
	file_write("campus.2023-11-01T000000Z.db", "text", 4);
	file_write("campus.2023-11-01T000000Z.db.bak", "text", 4);
	file_write("campus.2023-11-01.db", "text", 4);
	assert_int_equal(mkdir("campus.2023-11-02T000000Z.db", 0777), 0);
	struct live other;
	live_init(&other);
	other.options.path = "other.db";
	live_open(&other);
	live_play(&other, 10);
	live_tend(&other);
	live_end(&other, &(struct problems){ 0 });
	assert_int_equal(rename("other.db", "campus.2023-11-03T000000Z.db"), 0);
	l.options.keep_ns = 3 * DAY_NS;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	/* It is day 9: those that ended on days 0 to 5 go (their last transaction was that early). */
	assert_int_equal(access("campus.2023-11-19T221320Z.db", F_OK), -1);
	assert_int_equal(access("campus.2023-11-21T221320Z.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-23T221320Z.db", F_OK), 0);
	assert_int_equal(live_status(&l).removed, before - files("campus.2023-11-2", false));
	assert_true(live_status(&l).removed >= 5);
	assert_int_equal(access("campus.2023-11-01T000000Z.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-01T000000Z.db.bak", F_OK), 0);
	assert_int_equal(access("campus.2023-11-01.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-02T000000Z.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-03T000000Z.db", F_OK), 0);
	assert_int_equal(access("campus.db", F_OK), 0);
	live_end(&l, &(struct problems){ 0 });
}

static void test_keep_by_size(void **state)
{
	(void)state;
	struct live l;
	struct stat st;

	ten_days(&l);
	unsigned before = files("campus.2023-", false);
	assert_int_equal(stat("campus.2023-11-23T221320Z.db", &st), 0);
	/* All of them are of nearly one size: room for three and the current one. */
	l.options.keep_bytes = (uint64_t)st.st_size * 9 / 2;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	assert_in_range(files("campus.2023-", false), 2, 4);
	assert_int_equal(live_status(&l).removed, before - files("campus.2023-", false));
	assert_int_equal(access("campus.2023-11-23T221320Z.db", F_OK), 0);
	assert_int_equal(access("campus.db", F_OK), 0);
	/* Nothing but the current one may be too much: it stays. */
	l.options.keep_bytes = 1;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	assert_int_equal(files("campus.2023-", false), 0);
	assert_int_equal(access("campus.db", F_OK), 0);
	live_play(&l, 10);
	live_tend(&l);
	assert_int_equal(live_state(&l), LIVE_STORE_OK);
	live_end(&l, &(struct problems){ 0 });
	assert_whole("campus.db");
}

/* Files of a series whose database was moved away are too much already: ours are kept all the same. */
static void test_keep_counts_ours(void **state)
{
	(void)state;
	struct live l;
	struct stat st;

	live_init(&l);
	for (int series = 0; series < 2; series++) {
		l.clock = LIVE_T0 + series * DAY_NS;
		live_open(&l);
		live_play(&l, 10);
		live_tend(&l);
		live_store_rotate(l.store);
		live_until(&l, live_status(&l).rotations == 1, 5);
		live_until(&l, files(".unfinished.db", false) == 0, 10);
		if (series == 1)
			break;
		live_end(&l, &(struct problems){ 0 });
		assert_int_equal(unlink("campus.db"), 0);
	}
	assert_int_equal(stat("campus.2023-11-15T221320Z.db", &st), 0);
	/* Room for two, and there are three. */
	l.options.keep_bytes = (uint64_t)st.st_size * 5 / 2;
	for (int i = 0; i < 2; i++) {
		live_store_reload(l.store, &l.options);
		live_tend(&l);
	}
	assert_int_equal(live_status(&l).removed, 0);
	assert_int_equal(access("campus.2023-11-14T221320Z.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-15T221320Z.db", F_OK), 0);
	assert_int_equal(live_said(&l, "of another series are named as if they were rotated out"), 1);
	live_end(&l, &(struct problems){ 0 });
}

/* A clock that is set a month ahead makes nothing old at once. */
static void test_keep_and_clock_ahead(void **state)
{
	(void)state;
	struct live l;
	struct stat st;

	ten_days(&l);
	l.options.keep_ns = 30 * DAY_NS;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	for (int i = 0; i < 2; i++) {
		real_ahead += 31 * 86400;
		l.clock += 31 * DAY_NS;
		time_passes(3600);
		live_tend(&l);
	}
	assert_int_equal(live_status(&l).removed, 0);
	assert_int_equal(live_said(&l, "the clock was set ahead by more than an hour"), 1);
	/* What is too much goes, whatever the clock is. */
	assert_int_equal(stat("campus.2023-11-23T221320Z.db", &st), 0);
	l.options.keep_bytes = (uint64_t)st.st_size * 9 / 2;
	live_store_reload(l.store, &l.options);
	live_tend(&l);
	assert_in_range(files("campus.2023-", false), 2, 4);
	/* Nobody has set it back for a day: it is right. */
	time_passes(86400);
	live_tend(&l);
	assert_int_equal(files("campus.2023-", false), 0);
	live_end(&l, &(struct problems){ 0 });
}

/* --- what waits does not wait for ever --- */

static void tables_work(struct live *l, bool on)
{
	pthread_mutex_lock(&l->store->tables.lock);
	l->store->tables.working = on;
	pthread_mutex_unlock(&l->store->tables.lock);
}

/* Tables that are long in the making hold a rotation up, but not what is written. */
static void test_rotation_behind_tables(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.rotate_ns = DAY_NS;
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	tables_work(&l, true);
	l.clock += DAY_NS;
	live_play(&l, 10);
	live_tend(&l);
	live_tend(&l);
	assert_int_equal(ask_file("campus.db", FACTS), 1);
	time_passes(11);
	live_tend(&l);
	assert_int_equal(ask_file("campus.db", FACTS), 2);
	assert_int_equal(live_status(&l).rotations, 0);
	tables_work(&l, false);
	live_until(&l, live_status(&l).rotations == 1, 5);
	live_end(&l, &(struct problems){ 0 });
}

/* A rotated file that somebody reads is tried again; what is missing from it is said once. */
static void test_problems_of_rotated(void **state)
{
	(void)state;
	static const char name[] = "campus.2023-11-14T221320Z.db";
	static const char unfinished[] = "campus.2023-11-14T221320Z.unfinished.db";
	struct capture_minute m = { .start_ns = LIVE_T0, .interface = "eth1", .dropped_kernel = 5 };
	struct live l;

	live_init(&l);
	l.options.tables_every_ns = 1;
	live_open(&l);
	live_store_minute(l.store, &m);
	live_play(&l, 10);
	live_tend(&l);
	live_leave(&l);
	assert_int_equal(rename("campus.db", unfinished), 0);
	sqlite3 *reader = look_into(unfinished);
	run_sql(reader, "PRAGMA journal_mode = WAL");
	assert_int_equal(ask(reader, FACTS), 1);
	live_open(&l);
	live_until(&l, live_said(&l, "cannot be finished yet") == 1, 10);
	sqlite3_close(reader);
	time_passes(61);
	/* Each making of tables wakes the thread. */
	for (int i = 0; i < 6000 && access(name, F_OK) < 0; i++) {
		live_play(&l, 10);
		live_tend(&l);
		nap(20);
	}
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(
		ask_file(name, "SELECT count(*) FROM runs WHERE problems LIKE '%packets were dropped%'"), 1);
	assert_int_equal(
		ask_file(name, "SELECT count(*) FROM runs WHERE problems LIKE '%were dropped%were dropped%'"),
		0);
}

static int enter(void **state)
{
	real_ahead = steady_ahead = 0;
	return directory_enter(state);
}

#define CLOCKED(name) cmocka_unit_test_setup_teardown(name, enter, directory_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOCKED(test_keep_by_age),
		CLOCKED(test_keep_by_size),
		CLOCKED(test_keep_counts_ours),
		CLOCKED(test_keep_and_clock_ahead),
		CLOCKED(test_rotation_behind_tables),
		CLOCKED(test_problems_of_rotated),
	};

	return cmocka_run_group_tests_name("live keep", tests, NULL, NULL);
}
