/*
 * The porter with real commands. Reports are made by the program that the porter is, which is this one:
 * called as "report", it writes down how it was called.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/porter.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define PATIENCE_MS 60000
#define MOST        (64U << 10)

static char folder[64], path[96];
static char text[MOST];

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static const char *content(const char *name)
{
	FILE *f = fopen(in_folder(name), "r");
	size_t got = f ? fread(text, 1, sizeof text - 1, f) : 0;

	text[got] = '\0';
	if (f)
		fclose(f);
	return text;
}

/* The file holds at least these lines, in time. */
static void wait_for(const char *name, const char *lines)
{
	for (int waited = 0; waited < PATIENCE_MS && !strstr(content(name), lines); waited += 20)
		pause_ms(20);
	assert_non_null(strstr(text, lines));
}

static bool is_alive(pid_t process)
{
	return kill(process, 0) == 0;
}

static pid_t process_in(const char *name)
{
	wait_for(name, "\n");
	return (pid_t)strtol(text, NULL, 10);
}

static void wait_for_end(pid_t process)
{
	for (int waited = 0; waited < PATIENCE_MS && is_alive(process); waited += 20)
		pause_ms(20);
	assert_false(is_alive(process));
}

static struct porter *start(const char *command, int64_t again_ns)
{
	const struct porter_options options = { .alert_command = command, .again_ns = again_ns };
	struct error err;
	struct porter *p = porter_start(&options, &err);

	assert_non_null(p);
	return p;
}

static bool say(struct porter *p, const char *line)
{
	return porter_alert(p, line, strlen(line));
}

static const char *command_of(const char *format)
{
	static char command[400];

	snprintf(command, sizeof command, format, folder, folder, folder);
	return command;
}

static void test_lines_arrive(void **state)
{
	struct porter *p = start(command_of("cat > %s/lines"), 0);

	(void)state;
	assert_true(say(p, "{\"alert\":\"login\"}\n"));
	assert_true(say(p, "{\"alert\":\"call\"}\n"));
	wait_for("lines", "{\"alert\":\"login\"}\n{\"alert\":\"call\"}\n");
	/* What is said right before the end arrives all the same. */
	for (int i = 0; i < 100; i++)
		assert_true(say(p, "last\n"));
	porter_stop(p);
	assert_int_equal(strlen(content("lines")), 18 + 17 + 100 * 5);
}

static void test_bounds(void **state)
{
	struct porter *p = start(command_of("cat > %s/long"), 0);
	static char line[PORTER_LINE_MAX + 1];

	(void)state;
	memset(line, 'x', sizeof line);
	line[PORTER_LINE_MAX - 1] = '\n';
	assert_false(porter_alert(p, line, 0));
	assert_false(porter_alert(p, line, sizeof line));
	assert_true(porter_alert(p, line, PORTER_LINE_MAX));
	porter_stop(p);
	assert_int_equal(strlen(content("long")), PORTER_LINE_MAX);
}

/* Reads one line, leaves, and is started again, not before it is time; no line is lost between. */
static void test_started_again(void **state)
{
	struct timespec began;

	clock_gettime(CLOCK_REALTIME, &began); /* as date(1) */
	struct porter *p =
		start(command_of("echo $$ > %s/reader; date +%%s%%N >> %s/starts; head -n 1 >> %s/one"),
		      4 * NS_PER_S);
	pid_t reader = process_in("reader");

	(void)state;
	assert_true(say(p, "first\n"));
	wait_for("one", "first\n");
	wait_for_end(reader); /* its parent, the porter, has seen the end */
	assert_true(say(p, "second\n"));
	wait_for("one", "second\n");
	porter_stop(p);
	assert_string_equal(content("one"), "first\nsecond\n");
	long long begin[2];
	assert_int_equal(sscanf(content("starts"), "%lld %lld", &begin[0], &begin[1]), 2);
	assert_true(begin[1] - (began.tv_sec * NS_PER_S + began.tv_nsec) >= 4 * NS_PER_S);
}

/* A command that dies with a line half in its pipe: the next one gets that line from its beginning. */
static void test_whole_lines(void **state)
{
	struct porter *p = start(
		command_of("if mkdir %s/once; then exec sleep 1; else exec cat > %s/rest; fi"), 2 * NS_PER_S);
	static char line[1000];
	char *end;

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	for (int i = 0; i < 100; i++) {
		char number[16];

		snprintf(number, sizeof number, "%03d ", i);
		memcpy(line, number, 4);
		for (int waited = 0; waited < PATIENCE_MS && !porter_alert(p, line, sizeof line); waited++)
			pause_ms(1);
	}
	for (int waited = 0; waited < PATIENCE_MS && !strstr(content("rest"), "\n099 "); waited += 20)
		pause_ms(20);
	porter_stop(p);
	size_t size = strlen(content("rest"));
	assert_true(size > 0 && size % sizeof line == 0);
	long first = strtol(text, &end, 10);
	/* Those that were whole in the pipe of 64 kB (pipe(7)) are lost with it. */
	assert_in_range(first, 0, 70);
	assert_int_equal(size / sizeof line, 100 - first);
}

/* A command that reads nothing: the monitor never waits, and is told. */
static void test_full(void **state)
{
	struct porter *p = start("exec sleep 600", 0);
	struct timespec from, to;
	static char line[1000];
	unsigned refused = 0;

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 5000; i++)
		refused += !porter_alert(p, line, sizeof line);
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* 5 MB against 256 kB of buffer and what the kernel keeps for a socket and a pipe. */
	assert_in_range(refused, 1000, 4990);
	assert_true(to.tv_sec - from.tv_sec <= 300);
	clock_gettime(CLOCK_MONOTONIC, &from);
	porter_stop(p); /* and it ends, though its command does not */
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec <= 300);
}

/* kill -9 of the monitor: its porter and the porter's command end. A child plays the monitor. */
static void test_monitor_killed(void **state)
{
	pid_t monitor = fork();
	int status;

	(void)state;
	if (monitor == 0) {
		struct porter *p = start(
			command_of("echo $PPID > %s/porter; echo $$ > %s/command; exec cat > %s/cat"), 0);
		say(p, "before\n");
		for (;;)
			pause();
	}
	pid_t porter = process_in("porter"), command = process_in("command");
	wait_for("cat", "before\n");
	assert_true(is_alive(porter) && is_alive(command));
	/* What a terminal or systemd sends to all of them does not end it before the monitor. */
	kill(porter, SIGTERM);
	kill(porter, SIGINT);
	pause_ms(100);
	assert_true(is_alive(porter));
	kill(monitor, SIGKILL);
	assert_int_equal(waitpid(monitor, &status, 0), monitor);
	/* Adopted by us (see main()), it is a zombie until we look. */
	assert_int_equal(waitpid(porter, &status, 0), porter);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	wait_for_end(command);
}

static unsigned count_of(const char *in, const char *what)
{
	unsigned count = 0;

	for (const char *at = in; (at = strstr(at, what)); at += strlen(what))
		count++;
	return count;
}

/* As a parent may have left it: every signal ignored that can be, the two that glibc hides as well. */
static void ignore_all(void)
{
	const struct {
		void (*handler)(int);
		unsigned long rest[15];
	} ignore = { .handler = SIG_IGN };

	for (int s = 1; s < NSIG; s++)
		if (s != SIGCHLD && s != SIGSEGV && s != SIGABRT)
			(void)syscall(SYS_rt_sigaction, s, &ignore, NULL, (size_t)NSIG / 8);
}

/* Signals as after a login, no descriptors but the first three, an environment of six names. */
static void test_clean(void **state)
{
	(void)state;
	ignore_all();
	setenv("NOTIFY_SOCKET", "/run/nobody", 1);
	setenv("LD_PRELOAD_NOT", "1", 1);
	struct porter *p =
		start(command_of("env > %s/env; grep -E '^(Sig(Blk|Ign)|Cap(Eff|Prm)|NoNewPrivs)' "
				 "/proc/self/status > %s/status; ls /proc/self/fd > %s/fds; cat > /dev/null"),
		      0);

	wait_for("fds", "2\n");
	pause_ms(100);
	porter_stop(p);
	unsetenv("NOTIFY_SOCKET");
	content("env");
	assert_non_null(strstr(text, "PATH="));
	assert_null(strstr(text, "NOTIFY_SOCKET"));
	assert_null(strstr(text, "LD_PRELOAD"));
	content("status");
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
	assert_non_null(strstr(text, "SigIgn:\t0000000000000000\n"));
#ifdef HAVE_LIBCAP_NG
	assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
#endif
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	/* 0, 1, 2, and the folder that ls reads */
	assert_string_equal(content("fds"), "0\n1\n2\n3\n");
}

static void test_reports(void **state)
{
	struct error err;
	char into[96];

	(void)state;
	snprintf(into, sizeof into, "%s/report", folder);
	const struct porter_options options = { .report_from = "campus.db",
						.report_into = into,
						.report_every_ns = NS_PER_S / 4,
						.alert_command = command_of(
							"echo $PPID > %s/reporter; cat > /dev/null") };
	struct porter *p = porter_start(&options, &err);
	assert_non_null(p);
	wait_for("report", "report --quiet -o");
	for (int waited = 0; waited < PATIENCE_MS && count_of(content("report"), "\n") < 3; waited += 20)
		pause_ms(20);
	assert_true(count_of(content("report"), " campus.db\n") >= 3);
	/* None of those that ended is left as a zombie. */
	char command[128];
	snprintf(command, sizeof command, "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z %d '",
		 (int)process_in("reporter"));
	FILE *zombies = popen(command, "r");
	int count = -1;
	assert_non_null(zombies);
	if (fscanf(zombies, "%d", &count) == 1)
		assert_in_range(count, 0, 1); /* one may have ended this moment */
	pclose(zombies);
	porter_stop(p);
}

/* A report that cannot be made says why each time, so it is tried less and less often. */
static void test_report_fails(void **state)
{
	struct error err;
	char into[96];

	(void)state;
	snprintf(into, sizeof into, "%s/failing", folder);
	const struct porter_options options = { .report_from = "fails.db",
						.report_into = into,
						.report_every_ns = NS_PER_S / 20 };
	struct porter *p = porter_start(&options, &err);
	assert_non_null(p);
	wait_for("failing", "report --quiet -o");
	pause_ms(2000);
	for (int waited = 0; waited < PATIENCE_MS && count_of(content("failing"), "\n") < 2; waited += 20)
		pause_ms(20);
	porter_stop(p);
	/* After 50, 100, 200, 400, 800 ms at the soonest; every 50 ms they would be 40. */
	assert_in_range(count_of(content("failing"), "\n"), 2, 7);
}

/* A line that nobody takes is not the end of the monitor. */
static void test_porter_gone(void **state)
{
	struct porter *p = start(command_of("echo $PPID > %s/gone; cat > /dev/null"), 0);

	(void)state;
	kill(process_in("gone"), SIGKILL);
	for (int waited = 0; waited < PATIENCE_MS && say(p, "hello\n"); waited += 20)
		pause_ms(20);
	assert_false(say(p, "hello\n"));
	porter_stop(p);
}

static int report(int argc, char **argv)
{
	FILE *f = argc == 6 ? fopen(argv[4], "a") : NULL;

	if (!f)
		return 1;
	fprintf(f, "%s %s %s %s %s\n", argv[1], argv[2], argv[3], argv[4], argv[5]);
	return fclose(f) != 0 || strcmp(argv[5], "fails.db") == 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_arrive),  cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_started_again), cmocka_unit_test(test_full),
		cmocka_unit_test(test_whole_lines),   cmocka_unit_test(test_monitor_killed),
		cmocka_unit_test(test_clean),         cmocka_unit_test(test_reports),
		cmocka_unit_test(test_report_fails),  cmocka_unit_test(test_porter_gone),
	};
	char command[96];

	if (argc > 1 && strcmp(argv[1], "report") == 0)
		return report(argc, argv);
	snprintf(folder, sizeof folder, "/tmp/footsteps-porter-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return failed + (system(command) != 0);
}
