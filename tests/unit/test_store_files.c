/* store/: which files are written, replaced, appended to and opened; no space, kills, other versions. */
#include "store_build.h"

/* --- files --- */

static void test_temporary_name(void **state)
{
	(void)state;
	struct stat st;
	mode_t mask = umask(027);
	struct sink *s = open_database("x.db", false);

	put_everything(s);
	assert_int_equal(access("x.db", F_OK), -1);
	assert_int_equal(files(".x.db.partial-", false), 1);
	finish(s);
	umask(mask);
	assert_int_equal(files(NULL, false), 1);
	assert_int_equal(stat("x.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);

	/* A file that is replaced keeps who may read it; the one before stays until the end. */
	assert_int_equal(chmod("x.db", 0600), 0);
	s = open_database("x.db", false);
	put_account(s);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM flows", "2");
	sqlite3_close(db);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM flows", "0");
	sqlite3_close(db);
	assert_int_equal(stat("x.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_abandon(void **state)
{
	(void)state;
	struct error err;
	struct sink *s = open_database("x.db", false);

	put_everything(s);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
	s = sink_json_open("x.json", &err);
	assert_non_null(s);
	put_everything(s);
	assert_int_equal(access("x.json", F_OK), -1);
	assert_int_equal(files(".x.json.partial-", false), 1);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
}

static void test_account_is_checked(void **state)
{
	(void)state;
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		put_account(s);
		/* 9 + 3 is all that was read */
		assert_true(
			s->ops->put_counter(s, &(struct counter_row){ "packets", "not_ip", "", 1 }, &err));
		assert_false(s->ops->finish(s, &err));
		assert_int_equal(err.status, EXIT_INTERNAL);
		assert_non_null(strstr(err.text, "13"));
		assert_int_equal(files(NULL, false), 0);
	}
}

static void test_row_twice(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = open_database("x.db", false);
	struct counter_row row = { "trace", "cut", "", 1 };

	assert_true(s->ops->put_counter(s, &row, &err));
	assert_false(s->ops->put_counter(s, &row, &err));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_non_null(strstr(err.text, "UNIQUE"));
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
}

/* Neither sink, nor append, may touch the file; the message names it and what it is. */
static void assert_kept(const char *path, const char *what)
{
	size_t before, after;
	char *old = file_read(path, &before);

	for (int way = 0; way < 3; way++) {
		struct error err = { 0 };
		struct sink *s =
			way == 2 ? sink_json_open(path, &err) : sink_sqlite_open(path, way == 1, &err);
		assert_null(s);
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, path) || !strstr(err.text, what))
			fail_msg("'%s' says nothing of %s, %s", err.text, path, what);
		char *new = file_read(path, &after);
		assert_int_equal(before, after);
		assert_memory_equal(old, new, before);
		free(new);
	}
	free(old);
	assert_int_equal(files(".partial-", false), 0);
}

static void test_foreign_files(void **state)
{
	(void)state;
	file_write("monday.pcap", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8);
	assert_kept("monday.pcap", "pcap capture");
	file_write("thesis.txt", "Chapter 1", 9);
	assert_kept("thesis.txt", "a file of another kind");
	execute("places.db", "CREATE TABLE a(b)");
	assert_kept("places.db", "another program");
}

static void test_own_files_are_replaced(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s;

	file_write("x.db", "", 0);
	make_database("x.db");
	make_database("x.db");
	/* All but a database of a newer footsteps, which may hold what this one cannot make. */
	execute("x.db", "PRAGMA user_version = 7");
	assert_null(sink_sqlite_open("x.db", false, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "x.db was made by a newer footsteps"));
	execute("x.db", "PRAGMA user_version = 0");
	make_database("x.db");
	/* What SQLite left beside the old one must not be played back into the new one. */
	file_write("x.db-journal", "old", 3);
	make_database("x.db");
	assert_int_equal(files(NULL, false), 1);

	for (int i = 0; i < 2; i++) {
		s = sink_json_open("x.json", &err);
		assert_non_null(s);
		put_account(s);
		finish(s);
	}
	assert_null(sink_json_open("x.db", &err));
	assert_non_null(strstr(err.text, "a footsteps database"));
	assert_null(sink_sqlite_open("x.json", false, &err));
	assert_non_null(strstr(err.text, "JSON rows"));
	assert_int_equal(files(NULL, false), 2);
}

static void test_symbolic_link(void **state)
{
	(void)state;
	struct stat st;

	make_database("real.db");
	assert_int_equal(symlink("real.db", "link.db"), 0);
	struct sink *s = open_database("link.db", false);
	put_everything(s);
	finish(s);
	assert_int_equal(lstat("link.db", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	sqlite3 *db = read_database("real.db");
	assert_rows(db, "SELECT count(*) FROM flows", "2");
	sqlite3_close(db);
}

/* Names that mean something else to SQLite. */
static void test_odd_names(void **state)
{
	(void)state;
	static const char *const names[] = { ":memory:", "file:x?mode=memory", "a b'\"%.db", "-x" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		make_database(names[i]);
		assert_int_equal(access(names[i], F_OK), 0);
		struct sink *s = open_database(names[i], true);
		put_account(s);
		finish(s);
		sqlite3 *db = read_database(names[i]);
		assert_rows(db, "SELECT count(*) FROM runs", "2");
		sqlite3_close(db);
	}
	assert_int_equal(files(NULL, false), 4);

	char longest[256] = "";
	memset(longest, 'n', 255);
	make_database(longest);
	assert_int_equal(access(longest, F_OK), 0);
}

static void assert_cannot_open(const char *path, const char *first, const char *second)
{
	for (int way = 0; way < 3; way++) {
		struct error err = { 0 };
		assert_null(way == 2 ? sink_json_open(path, &err) : sink_sqlite_open(path, way == 1, &err));
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, first) || !strstr(err.text, second))
			fail_msg("'%s' has no '%s' or '%s'", err.text, first, second);
	}
}

static void test_impossible_places(void **state)
{
	(void)state;
	assert_cannot_open("nowhere/x.db", "No such file or directory", "make the directory");
	assert_int_equal(mkdir("dir", 0777), 0);
	assert_cannot_open("dir", "dir is a directory", "-o");
	assert_cannot_open("", "No such file", "-o");
	file_write("plain", "", 0);
	assert_cannot_open("plain/x.db", "Not a directory", "plain/x.db");
	if (geteuid() != 0) {
		assert_int_equal(chmod("dir", 0555), 0);
		assert_cannot_open("dir/x.db", "Permission denied", "that you may write to");
	}
	assert_int_equal(files(NULL, false), 2);
}

/* --- no space --- */

/* Flows until it fails, at a put or at the end. */
static void fill(struct sink *s, struct error *err)
{
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	bool ok = true;

	put_account(s);
	for (unsigned i = 0; ok && i < 200000; i++) {
		f.first_packet = i + 1;
		ok = s->ops->put_flow(s, &row, err);
	}
	if (!ok)
		s->ops->abandon(s);
	else
		ok = s->ops->finish(s, err);
	assert_false(ok);
}

static void test_file_size_limit(void **state)
{
	(void)state;
	struct rlimit old, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 1000000, old.rlim_max };
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		fill(s, &err);
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, "cannot write x: File too large; make room"))
			fail_msg("%s", err.text);
		assert_int_equal(files(NULL, false), 0);
	}
	/* An append that fails leaves what was there. */
	struct error err = { 0 };
	make_database("x");
	struct sink *s = open_database("x", true);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill(s, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, handler);
	assert_int_equal(files(NULL, false), 1);
	sqlite3 *db = read_database("x");
	assert_rows(db, "SELECT count(*), (SELECT count(*) FROM flows) FROM runs", "1|0");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);
}

#define EXIT_NO_MOUNT 77

/* In a child process, whose mounts nobody else sees. */
static int fill_small_disk(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir("disk", 0777) < 0 || mount("none", "disk", "tmpfs", 0, "size=2m") < 0 || chdir("disk") < 0)
		return EXIT_NO_MOUNT;
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		fill(s, &err);
		if (err.status != EXIT_OUTPUT ||
		    !strstr(err.text, "cannot write x: No space left on device; make room") ||
		    files(NULL, false) != 0) {
			fprintf(stderr, "# %s; %u files\n", err.text, files(NULL, false));
			return 1;
		}
	}
	return 0;
}

static void test_full_disk(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_small_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_MOUNT) {
		print_message("# may not mount a small file system here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- append --- */

static void test_append(void **state)
{
	(void)state;
	struct error err;
	struct sink *s = open_database("x.db", true); /* nothing there yet: as without append */

	assert_int_equal(access("x.db", F_OK), -1);
	put_everything(s);
	finish(s);
	for (int i = 0; i < 2; i++) {
		s = open_database("x.db", true);
		put_everything(s);
		finish(s);
	}
	s = open_database("x.db", true);
	put_everything(s);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 1);

	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT group_concat(run) FROM runs", "1,2,3");
	assert_rows(db, "SELECT run, count(*) FROM flows GROUP BY run", "1|2 / 2|2 / 3|2");
	assert_rows(db, "SELECT run, count(*) FROM distributions GROUP BY run", "1|1 / 2|1 / 3|1");
	assert_rows(db, "SELECT run, sizes FROM logins WHERE flow = 7", "1|>5 <5 / 2|>5 <5 / 3|>5 <5");
	sqlite3_close(db);

	/* Two at a time: the second is told, and the first goes on. */
	s = open_database("x.db", true);
	assert_null(sink_sqlite_open("x.db", true, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "in use"));
	put_account(s);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT max(run) FROM runs", "4");
	sqlite3_close(db);
}

/* A process that appends, writes much, and dies before the end. */
static void append_and_die(const char *path)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct sink *s = open_database(path, true);
		struct flow_record f = flow_record();
		struct flow_row row = { .flow = &f };
		struct error err;
		put_account(s);
		/* More than its cache, so that the file itself is changed. */
		for (unsigned i = 0; i < 100000; i++)
			s->ops->put_flow(s, &row, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
}

static void test_killed_append(void **state)
{
	(void)state;
	make_database("x.db");
	append_and_die("x.db");
	assert_int_equal(access("x.db-journal", F_OK), 0); /* else this test tests nothing */
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*), (SELECT count(*) FROM flows) FROM runs", "1|0");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);

	append_and_die("x.db");
	struct sink *s = open_database("x.db", true);
	put_everything(s);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT max(run), (SELECT count(*) FROM flows) FROM runs", "2|2");
	sqlite3_close(db);

	append_and_die("x.db");
	make_database("x.db");
	assert_int_equal(files(NULL, false), 1);
	db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM runs", "1");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);
}

/* --- versions, and opening --- */

static void assert_not_read(const char *path, const char *first, const char *second)
{
	struct error err = { 0 };

	assert_null(store_open_read(path, &err));
	assert_int_equal(err.status, EXIT_INPUT);
	if (!strstr(err.text, first) || !strstr(err.text, second))
		fail_msg("'%s' has no '%s' or '%s'", err.text, first, second);
}

/* As a killed monitor leaves it, with its WAL, where the reader may not make a -shm. */
static void test_left_in_wal(void **state)
{
	(void)state;
	struct stat st;
	sqlite3 *db;

	make_database("x.db");
	assert_int_equal(sqlite3_open("x.db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL; DELETE FROM flows", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(mkdir("left", 0755), 0);
	assert_int_equal(system("cp x.db x.db-wal left && chmod 0444 left/* && chmod 0555 left ."), 0);
	sqlite3_close(db);
	assert_int_equal(stat("left/x.db-wal", &st), 0);
	pid_t child = fork();
	if (child == 0) {
		if (getuid() == 0 && setuid(65534) != 0)
			_exit(2);
		struct error err = { 0 };
		sqlite3 *read = store_open_read("left/x.db", &err);
		_exit(!read && err.status == EXIT_INPUT &&
				      strstr(err.text, "left/x.db-wal to a place of yours")
			      ? 0
			      : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(system("chmod 0755 . left && rm -r left"), 0);
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *append, *read;
	} cases[] = {
		{ "PRAGMA user_version = 7",
		  "x.db was made by a newer footsteps (schema 7; this one knows 5): upgrade footsteps or "
		  "write to another "
		  "file",
		  "newer footsteps (schema 7; this one knows 5): upgrade footsteps" },
		{ "PRAGMA user_version = 0", "x.db is unfinished", "x.db is unfinished" },
		{ "PRAGMA user_version = -1", "older footsteps (schema -1", "read the captures again" },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = { 0 };
		unlink("x.db"); /* a newer one is not replaced */
		make_database("x.db");
		execute("x.db", cases[i].sql);
		assert_null(sink_sqlite_open("x.db", true, &err));
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, cases[i].append))
			fail_msg("%s", err.text);
		assert_not_read("x.db", cases[i].read, "x.db");
		/* Nothing was added, and nothing is left beside it. */
		assert_int_equal(files(NULL, false), 1);
		sqlite3 *db;
		assert_int_equal(sqlite3_open("x.db", &db), SQLITE_OK);
		assert_rows(db, "SELECT count(*) FROM runs", "1");
		sqlite3_close(db);
	}
}

static void test_open_read_refuses(void **state)
{
	(void)state;
	size_t size;

	assert_not_read("x.db", "there is no x.db", "footsteps read -o x.db");
	file_write("monday.pcap", "\xa1\xb2\xc3\xd4", 4);
	assert_not_read("monday.pcap", "monday.pcap is a pcap capture, not a footsteps database: run",
			"'footsteps read -o x.db monday.pcap' first");
	file_write("a.pcapng", "\n\r\r\n", 4);
	assert_not_read("a.pcapng", "a pcapng capture", "first");
	file_write("a.gz", "\x1f\x8b\x08", 3);
	assert_not_read("a.gz", "gzip", "first");
	file_write("empty", "", 0);
	assert_not_read("empty", "an empty file", "not a footsteps database");
	assert_int_equal(mkdir("dir", 0777), 0);
	assert_not_read("dir", "a directory", "not a footsteps database");
	execute("places.db", "CREATE TABLE a(b)");
	assert_not_read("places.db", "another program", "not a footsteps database");

	make_database("x.db");
	char *bytes = file_read("x.db", &size);
	file_write("cut.db", bytes, size / 2 / 4096 * 4096);
	assert_not_read("cut.db", "cannot read cut.db", "malformed");
	free(bytes);
}

/* What a killed `read` leaves is known as such, also when somebody gives it a proper name. */
static void test_killed_read(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		put_everything(open_database("x.db", false));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(access("x.db", F_OK), -1);
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strncmp(entry->d_name, ".x.db.partial-", 14) == 0)
			assert_int_equal(rename(entry->d_name, "y.db"), 0);
	closedir(dir);
	assert_not_read("y.db", "y.db is unfinished", "read the captures again");
}

static void test_read_only(void **state)
{
	(void)state;
	make_database("x.db");
	sqlite3 *db = read_database("x.db");
	assert_int_equal(sqlite3_exec(db, "DELETE FROM runs", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
	sqlite3_close(db);
	sqlite3_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_temporary_name),    TEST(test_abandon),       TEST(test_account_is_checked),
		TEST(test_row_twice),         TEST(test_foreign_files), TEST(test_own_files_are_replaced),
		TEST(test_symbolic_link),     TEST(test_odd_names),     TEST(test_impossible_places),
		TEST(test_file_size_limit),   TEST(test_full_disk),     TEST(test_append),
		TEST(test_killed_append),     TEST(test_versions),      TEST(test_left_in_wal),
		TEST(test_open_read_refuses), TEST(test_killed_read),   TEST(test_read_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
