/* Rotation of the database of a live run, and full disks on the way. */
#include "live_build.h"

#define DAY_NS (86400 * NS_PER_S)
/* Chunks of seq 0 say what was counted before a file (remake.h). */
#define FACTS   "SELECT count(*) FROM facts WHERE seq > 0"
#define PACKETS "SELECT packets FROM runs"

/* LIVE_T0 is 22:13:20 UTC. */
#define MIDNIGHT_NS (LIVE_T0 + (86400 - 80000) * NS_PER_S)

static void test_by_time(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.rotate_ns = DAY_NS;
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	assert_int_equal(live_status(&l).next_rotation_ns, MIDNIGHT_NS);
	l.clock = MIDNIGHT_NS - 20 * NS_PER_MS;
	live_play(&l, 10);
	live_tend(&l);
	assert_int_equal(live_status(&l).rotations, 0);
	/* A chunk that begins in the next day, before the store has heard of it. */
	l.clock = MIDNIGHT_NS;
	live_play(&l, 30);
	live_until(&l, live_status(&l).rotations == 1, 5);
	assert_int_equal(live_status(&l).next_rotation_ns, MIDNIGHT_NS + DAY_NS);
	/* The recorder goes on at once; the other thread finishes the old file. */
	live_play(&l, 5);
	live_until(&l, access("campus.2023-11-14T221320Z.db", F_OK) == 0, 10);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(files(NULL, false), 2);
	assert_whole("campus.db");
	assert_whole("campus.2023-11-14T221320Z.db");
	/* Two chunks of the old day, two of the new; each frame in one file. */
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", FACTS), 2);
	assert_int_equal(ask_file("campus.db", FACTS), 2);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 20);
	assert_int_equal(ask_file("campus.db", PACKETS), 35);
	assert_int_equal(ask_file("campus.db", "SELECT origin FROM sessions"),
			 ask_file("campus.2023-11-14T221320Z.db", "SELECT origin FROM sessions"));
	/* Nothing is a WAL database any more: bytes 18 and 19 (fileformat.html, 1.3) are 1. */
	char *bytes = file_read("campus.2023-11-14T221320Z.db", NULL);
	assert_int_equal(bytes[18] * 16 + bytes[19], 17);
	free(bytes);
	assert_int_equal(l.lines, 0);
}

static void test_by_size_and_by_hand(void **state)
{
	(void)state;
	struct live l;
	int64_t frames = 0, chunks = 0;

	live_init(&l);
	live_open(&l);
	/* Two in the second of their first frame get two names. */
	for (int i = 0; i < 2; i++) {
		l.clock = LIVE_T0 + 1;
		live_play(&l, 10);
		live_tend(&l);
		live_store_rotate(l.store);
		live_until(&l, live_status(&l).rotations == (unsigned)i + 1, 5);
	}
	/* A file without facts is not given away. */
	live_store_rotate(l.store);
	live_tend(&l);
	live_tend(&l);
	assert_int_equal(live_status(&l).rotations, 2);
	/* Smaller than any: whenever something is in it. */
	l.options.rotate_bytes = 1;
	live_store_reload(l.store, &l.options);
	live_play(&l, 10);
	live_until(&l, live_status(&l).rotations == 3, 5);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(access("campus.2023-11-14T221320Z.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-14T221320Z-2.db", F_OK), 0);
	assert_int_equal(access("campus.2023-11-14T221320Z-3.db", F_OK), 0);
	static const char *const names[] = { "campus.2023-11-14T221320Z.db", "campus.2023-11-14T221320Z-2.db",
					     "campus.2023-11-14T221320Z-3.db", "campus.db" };
	for (size_t i = 0; i < 4; i++) {
		assert_whole(names[i]);
		frames += ask_file(names[i], PACKETS);
		chunks += ask_file(names[i], FACTS);
	}
	assert_int_equal(frames, 30);
	assert_int_equal(chunks, 3);
	assert_int_equal(files(NULL, false), 4);
}

/* What the decoder answered fragment_alone is a flow's when its datagram's first fragment comes; here after
 * midnight. */
static void test_fragments_across_files(void **state)
{
	(void)state;
	struct live l;
	struct stage_counts counts = { .frames = 12 };

	live_init(&l);
	live_open(&l);
	counts.account[REASON_arp] = 10;
	counts.account[REASON_fragment_alone] = 2;
	l.frames = 12;
	l.numbers += 12;
	facts_writer_stamp(l.writer, l.clock);
	facts_writer_counts(l.writer, &counts, l.clock, l.clock);
	facts_writer_flush(l.writer);
	live_tend(&l);
	live_store_rotate(l.store);
	live_until(&l, live_status(&l).rotations == 1, 5);
	counts.frames++;
	counts.account[REASON_fragment_alone] = 0;
	counts.account[REASON_used] = 3;
	l.numbers++;
	facts_writer_stamp(l.writer, l.clock + 1);
	facts_writer_counts(l.writer, &counts, l.clock + 1, l.clock + 1);
	facts_writer_flush(l.writer);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(l.lines, 0);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 12);
	assert_int_equal(ask_file("campus.db", PACKETS), 1);
	assert_int_equal(ask_file("campus.db", "SELECT sum(value) FROM counters WHERE area = 'packets'"), 1);
}

/* Killed when the old file was finished, and nothing had come for the new one: the series goes on. */
static void test_killed_after_rotating(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.commit_every_ns = 3600 * NS_PER_S;
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	live_store_rotate(l.store);
	live_tend(&l);
	assert_int_equal(live_status(&l).rotations, 1);
	/* What a kill would leave is what another connection sees. */
	assert_int_equal(ask_file("campus.db", "SELECT count(*) FROM sessions"), 1);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", "SELECT origin FROM sessions"),
			 ask_file("campus.2023-11-14T221320Z.db", "SELECT origin FROM sessions"));
}

/* Each file says what was dropped in its time. */
static void test_drops(void **state)
{
	(void)state;
	struct live l;
	struct capture_minute m = { .start_ns = LIVE_T0, .interface = "eth1", .packets = 10, .bytes = 600 };

	live_init(&l);
	/* As the program says it of its whole start when it ends. */
	l.input.dropped = 1000;
	live_open(&l);
	m.dropped_kernel = 5;
	live_store_minute(l.store, &m);
	live_play(&l, 10);
	live_tend(&l);
	live_store_rotate(l.store);
	live_until(&l, live_status(&l).rotations == 1, 5);
	m.start_ns += 60 * NS_PER_S;
	m.dropped_kernel = 0;
	m.dropped_interface = 3;
	live_store_minute(l.store, &m);
	live_play(&l, 10);
	live_tend(&l);
	live_until(&l, access("campus.2023-11-14T221320Z.db", F_OK) == 0, 10);
	live_end(&l, &(struct problems){ 0 });
	static const char *const names[] = { "campus.2023-11-14T221320Z.db", "campus.db" };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask_file(names[i], "SELECT dropped FROM inputs"), i ? 3 : 5);
		assert_int_equal(ask_file(names[i], "SELECT value FROM counters WHERE area = 'trace' AND "
						    "name = 'dropped'"),
				 i ? 3 : 5);
	}
}

static void test_reader_delays(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	sqlite3 *reader = look_into("campus.db");
	assert_int_equal(ask(reader, FACTS), 1);
	live_store_rotate(l.store);
	for (int i = 0; i < 5; i++) {
		live_play(&l, 10);
		live_tend(&l);
	}
	/* It has the file open: written on meanwhile. */
	assert_int_equal(live_status(&l).rotations, 0);
	assert_int_equal(ask(reader, FACTS), 6);
	sqlite3_close(reader);
	live_until(&l, live_status(&l).rotations == 1, 5);
	live_play(&l, 10);
	live_tend(&l);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 60);
	assert_int_equal(ask_file("campus.db", PACKETS), 10);
}

/* Whatever the clock does, there are not more files than tokens. */
static void test_clock_steps(void **state)
{
	(void)state;
	struct live l;
	int64_t frames = 0;

	live_init(&l);
	l.options.rotate_ns = DAY_NS;
	live_open(&l);
	/* Five seconds before midnight, five after: the first step makes a file, the others none. */
	for (int i = 0; i < 40; i++) {
		l.clock = MIDNIGHT_NS + (i % 2 ? 5 : -5) * NS_PER_S;
		live_play(&l, 10);
		live_tend(&l);
		nap(5);
	}
	live_until(&l, live_status(&l).rotations == 1, 5);
	assert_int_equal(live_status(&l).rotations, 1);
	/* By a month: 8 rotations at once, and no more within this minute. */
	for (int i = 0; i < 60; i++) {
		l.clock = LIVE_T0 + (i % 2 ? 30 : 60) * DAY_NS;
		live_play(&l, 10);
		live_tend(&l);
		nap(5);
	}
	assert_in_range(live_status(&l).rotations, 2, 9);
	/* A clock that was set far ahead and back does not stop rotation for a month. */
	l.clock = LIVE_T0 + 3 * DAY_NS;
	live_tend(&l);
	assert_true(live_status(&l).next_rotation_ns <= LIVE_T0 + 4 * DAY_NS);
	live_end(&l, &(struct problems){ 0 });
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		if (strstr(e->d_name, ".db")) {
			assert_whole(e->d_name);
			frames += ask_file(e->d_name, "SELECT coalesce(sum(packets), 0) FROM runs");
		}
	closedir(dir);
	assert_int_equal(frames, 1000);
}

/* Killed between the steps of a rotation: the next start goes on with the series, and finishes the file. */
static void test_killed_while_rotating(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	live_leave(&l);
	/* As it is right after the file was given away: no tables, another name, no new file. */
	sqlite3 *db = look_into("campus.db");
	run_sql(db, "PRAGMA journal_mode = DELETE");
	int64_t origin = ask(db, "SELECT origin FROM sessions");
	sqlite3_close(db);
	assert_int_equal(rename("campus.db", "campus.2023-11-14T221320Z.unfinished.db"), 0);
	live_open(&l);
	assert_int_equal(live_store_session(l.store), 2);
	assert_int_equal(live_store_numbers(l.store), 10);
	live_play(&l, 20);
	live_until(&l, access("campus.2023-11-14T221320Z.db", F_OK) == 0, 10);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 10);
	assert_int_equal(ask_file("campus.db", PACKETS), 20);
	assert_int_equal(ask_file("campus.db", "SELECT origin FROM sessions"), origin);
	assert_int_equal(files(NULL, false), 2);
}

/* A rotation is due, and somebody has the file open. */
static sqlite3 *wait_for_reader(struct live *l)
{
	live_init(l);
	l->options.rotate_ns = DAY_NS;
	live_open(l);
	live_play(l, 10);
	live_tend(l);
	sqlite3 *reader = look_into("campus.db");
	assert_int_equal(ask(reader, FACTS), 1);
	l->clock = MIDNIGHT_NS;
	live_play(l, 10);
	live_tend(l);
	live_tend(l);
	assert_int_equal(live_status(l).rotations, 0);
	assert_true(live_status(l).backlog_bytes > 0); /* for the next file */
	return reader;
}

/* Whatever is read again meanwhile, the rotation comes; but not when there are to be none any more. */
static void test_wishes_while_waiting(void **state)
{
	(void)state;
	static const int64_t wish[] = { DAY_NS, DAY_NS / 2, 0 };

	for (size_t i = 0; i < 3; i++) {
		struct live l;
		sqlite3 *reader = wait_for_reader(&l);

		l.options.rotate_ns = wish[i];
		live_store_reload(l.store, &l.options);
		live_tend(&l);
		assert_int_equal(live_status(&l).backlog_bytes > 0, wish[i] > 0);
		sqlite3_close(reader);
		if (wish[i]) {
			live_until(&l, live_status(&l).rotations == 1, 5);
			assert_int_equal(live_status(&l).next_rotation_ns, MIDNIGHT_NS + wish[i]);
		}
		live_end(&l, &(struct problems){ 0 });
		assert_int_equal(ask_file("campus.db", FACTS), wish[i] ? 1 : 2);
		assert_int_equal(unlink("campus.db"), 0);
	}
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 10);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z-2.db", PACKETS), 10);
}

static void test_clock_back_while_waiting(void **state)
{
	(void)state;
	struct live l;
	sqlite3 *reader = wait_for_reader(&l);

	l.clock = MIDNIGHT_NS - 3600 * NS_PER_S;
	live_play(&l, 10);
	live_until(&l, live_status(&l).backlog_bytes == 0, 5);
	assert_int_equal(ask(reader, FACTS), 3);
	/* It is made up for at the boundary. */
	sqlite3_close(reader);
	l.clock = MIDNIGHT_NS;
	live_play(&l, 10);
	live_until(&l, live_status(&l).rotations == 1, 5);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", FACTS), 3);
	assert_int_equal(ask_file("campus.db", FACTS), 1);
}

/* Midnight passes between two starts: the first tend() of the second rotates. */
static void test_boundary_while_down(void **state)
{
	(void)state;
	struct live l;

	live_init(&l);
	l.options.rotate_ns = DAY_NS;
	for (int start = 0; start < 3; start++) {
		/* The second start is on the same day, the third on the next. */
		l.clock = LIVE_T0 + (start < 2 ? start * 60 * NS_PER_S : DAY_NS);
		live_open(&l);
		live_tend(&l);
		live_play(&l, 10);
		live_until(&l, live_status(&l).backlog_bytes == 0, 5);
		assert_int_equal(live_status(&l).rotations, start == 2);
		assert_int_equal(live_status(&l).next_rotation_ns, MIDNIGHT_NS + (start == 2 ? DAY_NS : 0));
		live_end(&l, &(struct problems){ 0 });
	}
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 20);
	assert_int_equal(ask_file("campus.db", PACKETS), 10);
	assert_int_equal(ask_file("campus.db", "SELECT session FROM sessions"), 3);
	assert_int_equal(files(NULL, false), 2);
}

/* --- a full disk --- */

/* Where no small file system can be mounted, no file may become larger than so much: also an end of writing.
 */
#define FILE_LIMIT 100000
static bool by_limit;

static void limit_files(bool on)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = on ? FILE_LIMIT : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Fills the file system but for so many bytes. */
static void fill_disk(size_t leave)
{
	if (by_limit) {
		limit_files(true);
		return;
	}
	static char block[4096];
	int fd = open("filler", O_WRONLY | O_CREAT | O_APPEND, 0666);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0)
		;
	off_t size = lseek(fd, 0, SEEK_END);
	assert_int_equal(ftruncate(fd, size > (off_t)leave ? size - (off_t)leave : 0), 0);
	close(fd);
}

/* Until a commit fails; what is played meanwhile. */
static void play_until_full(struct live *l)
{
	for (int i = 0; i < 2000 && live_state(l) != LIVE_STORE_FULL; i++) {
		live_play(l, 10);
		live_tend(l);
	}
	if (live_state(l) != LIVE_STORE_FULL)
		live_show_lines(l);
	assert_int_equal(live_state(l), LIVE_STORE_FULL);
}

static void make_room(struct live *l)
{
	if (by_limit)
		limit_files(false);
	else
		assert_int_equal(unlink("filler"), 0);
	live_until(l, live_state(l) == LIVE_STORE_OK && live_status(l).backlog_bytes == 0, 10);
}

static void full_while_committing(void)
{
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	fill_disk(0);
	play_until_full(&l);
	uint64_t frames = l.frames + 10;
	live_play(&l, 10);
	assert_int_equal(live_said(&l, "the disk is full; counting goes on"), 1);
	/* Who asks sees what was committed. */
	assert_true(ask_file("campus.db", FACTS) >= 1);
	make_room(&l);
	assert_int_equal(ask_file("campus.db", FACTS), l.chunks);
	live_until(&l, live_said(&l, "nothing was lost") == 1, 12);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS), frames);
	assert_whole("campus.db");
}

static void full_while_making_tables(void)
{
	struct live l;

	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	/* What the WAL has takes the facts, but not the tables. */
	fill_disk(0);
	l.options.tables_every_ns = 1;
	live_store_reload(l.store, &l.options);
	live_until(&l, live_said(&l, "the tables of") >= 1, 10);
	assert_int_equal(live_said(&l, "could not be made"), 1);
	assert_whole("campus.db");
	make_room(&l);
	live_until(&l, ask_file("campus.db", "SELECT count(*) FROM runs") == 1, 20);
	live_until(&l, live_said(&l, "are made again") == 1, 10);
	live_end(&l, &(struct problems){ 0 });
	assert_int_equal(ask_file("campus.db", PACKETS), l.frames);
	assert_whole("campus.db");
}

static void full_while_rotating(void)
{
	struct live l;

	/* The limit is for all that is behind it in a file, also for what is there already. */
	if (by_limit)
		return;
	live_init(&l);
	live_open(&l);
	live_play(&l, 10);
	live_tend(&l);
	fill_disk(100000); /* the new file takes more than a megabyte */
	live_store_rotate(l.store);
	live_until(&l, live_status(&l).rotations == 1, 5);
	live_play(&l, 10);
	live_until(&l, live_state(&l) == LIVE_STORE_FULL, 5);
	make_room(&l);
	live_end(&l, &(struct problems){ 0 });
	if (access("campus.2023-11-14T221320Z.db", F_OK) < 0)
		live_show_lines(&l);
	assert_int_equal(ask_file("campus.2023-11-14T221320Z.db", PACKETS), 10);
	assert_int_equal(ask_file("campus.db", PACKETS), 10);
	assert_whole("campus.db");
	assert_whole("campus.2023-11-14T221320Z.db");
}

static bool mount_small_disk(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mkdir("disk", 0777) == 0 && mount("none", "disk", "tmpfs", 0, "size=8m") == 0 &&
	       chdir("disk") == 0;
}

/* In a child, whose mounts and limits nobody else sees. */
static void on_small_disk(void (*test)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		by_limit = !mount_small_disk();
		signal(SIGXFSZ, SIG_IGN);
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_full_while_committing(void **state)
{
	(void)state;
	on_small_disk(full_while_committing);
}

static void test_full_while_making_tables(void **state)
{
	(void)state;
	on_small_disk(full_while_making_tables);
}

static void test_full_while_rotating(void **state)
{
	(void)state;
	on_small_disk(full_while_rotating);
}

/* A child in which something failed goes no further. */
static pid_t parent;

static int leave(void **state)
{
	if (getpid() != parent)
		_exit(1);
	return directory_leave(state);
}

#define GUARDED(name) cmocka_unit_test_setup_teardown(name, directory_enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUARDED(test_by_time),
		GUARDED(test_by_size_and_by_hand),
		GUARDED(test_killed_after_rotating),
		GUARDED(test_fragments_across_files),
		GUARDED(test_drops),
		GUARDED(test_reader_delays),
		GUARDED(test_clock_steps),
		GUARDED(test_killed_while_rotating),
		GUARDED(test_wishes_while_waiting),
		GUARDED(test_clock_back_while_waiting),
		GUARDED(test_boundary_while_down),
		GUARDED(test_full_while_committing),
		GUARDED(test_full_while_making_tables),
		GUARDED(test_full_while_rotating),
	};

	parent = getpid();
	return cmocka_run_group_tests_name("live rotate", tests, NULL, NULL);
}
