/*
 * live/: the control socket, the metrics socket and the metrics file, with clients that behave and clients
 * that do not, over real sockets in a directory of the test's own.
 */
#include "live/control.h"
#include "live_play.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* For what comes at once when nobody is held up. */
#define PATIENCE_MS 60000

static struct {
	char directory[64], socket[96], metrics[96], file[96];
	struct play *play;
	struct control *control;
	unsigned rotated, reloaded;
} t;

static void rotate(void *self)
{
	(void)self;
	t.rotated++;
}

static bool reload(void *self, struct error *err)
{
	(void)self;
	if (t.reloaded++)
		return error_set(err, EXIT_USAGE, "line 3: no such key\nthe old settings stay");
	return true;
}

static struct control *start(struct error *err)
{
	const struct control_options options = { .socket = t.socket,
						 .metrics_socket = t.metrics,
						 .metrics_file = t.file,
						 .state = t.play->state,
						 .rotate = rotate,
						 .reload = reload };

	return control_start(&options, err);
}

static int enter(void **unused)
{
	struct error err;

	(void)unused;
	memset(&t, 0, sizeof t);
	umask(022);
	snprintf(t.directory, sizeof t.directory, "/tmp/footsteps-control-XXXXXX");
	if (!mkdtemp(t.directory))
		return -1;
	snprintf(t.socket, sizeof t.socket, "%s/control", t.directory);
	snprintf(t.metrics, sizeof t.metrics, "%s/metrics", t.directory);
	snprintf(t.file, sizeof t.file, "%s/footsteps.prom", t.directory);
	t.play = play_new(100, 0);
	recognise(t.play, at("10.0.0.9", 5060), NOON_NS);
	t.control = start(&err);
	return t.control ? 0 : -1;
}

static int leave(void **unused)
{
	(void)unused;
	control_stop(t.control);
	play_free(t.play);
	unlink(t.file);
	/* Anything that is left would be left of a real run, too. */
	return rmdir(t.directory);
}

static int plain_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Everything until the other end hangs up, or so many ms without a byte. */
static char *read_all(int fd, int patience_ms)
{
	char *text = calloc(1, 1 << 20);
	size_t used = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	while (used < (1 << 20) - 1 && poll(&p, 1, patience_ms) > 0) {
		ssize_t n = recv(fd, text + used, (1 << 20) - 1 - used, 0);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	return text;
}

/* So many, and no wait for more. */
static char *read_bytes(int fd, size_t size)
{
	char *text = calloc(1, size + 1);
	struct pollfd p = { fd, POLLIN, 0 };
	ssize_t n = 1;

	for (size_t used = 0; n > 0 && used < size && poll(&p, 1, PATIENCE_MS) > 0;
	     used += n > 0 ? (size_t)n : 0)
		n = recv(fd, text + used, size - used, 0);
	return text;
}

static bool hung_up(int fd, int patience_ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char byte;

	return poll(&p, 1, patience_ms) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static void assert_answers(void)
{
	struct error err = { 0 };
	int fd = control_connect(t.socket, &err);

	if (fd < 0)
		fail_msg("%s", err.text);
	char *json = control_ask(fd, "status", &err);
	if (!json)
		fail_msg("%s", err.text);
	assert_int_equal(json[0], '{');
	free(json);
	close(fd);
}

static void test_requests(void **unused)
{
	struct error err;
	struct stat st;
	int fd = control_connect(t.socket, &err);

	(void)unused;
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++) {
		char *json = control_ask(fd, "status", &err), *metrics = control_ask(fd, "counters", &err);
		assert_non_null(json);
		assert_null(strchr(json, '\n'));
		assert_non_null(strstr(json, "\"socket\":\"10.0.0.9:5060\""));
		assert_int_equal(json[strlen(json) - 1], '}');
		assert_non_null(metrics);
		assert_null(strstr(metrics, "# EOF"));
		assert_int_equal(metrics[strlen(metrics) - 1], '\n');
		free(json);
		free(metrics);
	}
	static const char *const asked[][2] = {
		{ "rotate", "ok" },
		{ "reload", "ok" },
		{ "reload", "error: line 3: no such key the old settings stay" },
		{ "Status", "error: no such request; there are status, counters, rotate and reload" },
		{ "", "error: no such request; there are status, counters, rotate and reload" },
	};
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		char *answer = control_ask(fd, asked[i][0], &err);
		assert_non_null(answer);
		assert_string_equal(answer, asked[i][1]);
		free(answer);
	}
	assert_int_equal(t.rotated, 1);
	close(fd);
	assert_int_equal(stat(t.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* Several requests in one packet, and one in many; then the end of what the client has to say. */
static void test_pieces(void **unused)
{
	int fd = plain_connect(t.socket);
	static const char words[] = "rotate\r\nrotate\nrot";

	(void)unused;
	assert_int_equal(send(fd, words, sizeof words - 1, 0), sizeof words - 1);
	for (const char *c = "ate\nstatus\n"; *c; c++)
		assert_int_equal(send(fd, c, 1, 0), 1);
	shutdown(fd, SHUT_WR);
	char *text = read_all(fd, PATIENCE_MS);
	assert_int_equal(strncmp(text, "ok\nok\nok\n{\"version\"", 19), 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(t.rotated, 3);
	free(text);
	close(fd);
}

static void test_http(void **unused)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	struct timespec start_time;
	int fd = plain_connect(t.metrics);

	(void)unused;
	assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
	char *text = read_all(fd, PATIENCE_MS);
	char *body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(strncmp(text, "HTTP/1.0 200 OK\r\n", 17), 0);
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10), strlen(body + 4));
	assert_int_equal(strncmp(body + 4, "# HELP footsteps_", 17), 0);
	free(text);
	close(fd);
	/* Who says nothing gets it as well, a little later. */
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	fd = plain_connect(t.metrics);
	text = read_all(fd, PATIENCE_MS);
	assert_non_null(strstr(text, "footsteps_build_info{"));
	assert_true(seconds_since(&start_time) > 1.5);
	free(text);
	close(fd);
}

static void test_file(void **unused)
{
	char line[256] = "";
	struct stat st;

	(void)unused;
	for (int i = 0; i < 1000 && stat(t.file, &st) < 0; i++)
		usleep(20000);
	FILE *f = fopen(t.file, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	assert_string_equal(line, "# HELP footsteps_build_info The version that runs.\n");
	fclose(f);
	assert_int_equal(stat(t.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644 & ~(mode_t)022);
}

/* --- the rude --- */

static void test_long_line(void **unused)
{
	int fd = plain_connect(t.socket);
	char junk[4096];
	size_t sent = 0;

	(void)unused;
	memset(junk, 'x', sizeof junk);
	while (sent < 1 << 20) {
		ssize_t n = send(fd, junk, sizeof junk, MSG_NOSIGNAL);
		if (n < 0)
			break; /* cut off */
		sent += (size_t)n;
	}
	assert_true(sent < 1 << 20);
	close(fd);
	assert_answers();
	/* The longest that is a line: 255 bytes and its end. */
	fd = plain_connect(t.socket);
	junk[255] = '\n';
	assert_int_equal(send(fd, junk, 256, 0), 256);
	shutdown(fd, SHUT_WR);
	char *text = read_all(fd, PATIENCE_MS);
	assert_string_equal(text, "error: no such request; there are status, counters, rotate and reload\n");
	free(text);
	close(fd);
	fd = plain_connect(t.socket);
	junk[255] = 'x';
	assert_int_equal(send(fd, junk, 256, 0), 256);
	text = read_all(fd, PATIENCE_MS);
	assert_string_equal(text, "error: the line is too long\n");
	free(text);
	close(fd);
}

static void test_no_newline(void **unused)
{
	int fd = plain_connect(t.socket);
	bool gone = false;

	(void)unused;
	assert_int_equal(send(fd, "stat", 4, MSG_NOSIGNAL), 4);
	assert_answers(); /* meanwhile */
	/* A byte now and then buys no time: else this would go on for ever. */
	for (int turn = 0; !gone && turn < 100; turn++) {
		gone = hung_up(fd, 300);
		(void)!send(fd, "u", 1, MSG_NOSIGNAL);
	}
	assert_true(gone);
	close(fd);
}

/* Asks and never reads: cut off after 5 s, and others are answered all the while. */
static void test_never_reading(void **unused)
{
	struct timespec start_time;
	int fd = plain_connect(t.socket), small = 1;
	bool gone = false;

	(void)unused;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	while (!gone && seconds_since(&start_time) < PATIENCE_MS / 1000.0) {
		ssize_t n = send(fd, "status\n", 7, MSG_NOSIGNAL | MSG_DONTWAIT);
		gone = n < 0 && errno == EPIPE;
		if (n < 0)
			usleep(100000);
		if (n < 0 && !gone)
			assert_answers();
	}
	assert_true(gone);
	assert_true(seconds_since(&start_time) > 4);
	close(fd);
}

static void test_many(void **unused)
{
	struct timespec start_time;
	char *last, *fourth;
	int fd[100];

	(void)unused;
	for (int attempt = 0;; attempt++) {
		clock_gettime(CLOCK_MONOTONIC, &start_time);
		for (int i = 0; i < 100; i++)
			fd[i] = plain_connect(t.socket);
		last = read_all(fd[99], PATIENCE_MS);
		(void)!send(fd[3], "rotate\n", 7, MSG_NOSIGNAL);
		fourth = read_bytes(fd[3], 3);
		/* Who is held up for longer finds the first of them silent for so long that they make way. */
		if (seconds_since(&start_time) < 2 || attempt == 20)
			break;
		free(last);
		free(fourth);
		for (int i = 0; i < 100; i++)
			close(fd[i]);
	}
	/* Sixteen are served, the others are told. */
	assert_string_equal(last, "error: too many clients\n");
	assert_string_equal(fourth, "ok\n");
	free(last);
	free(fourth);
	/* The silent make way for who comes later. */
	usleep(2000000);
	assert_answers();
	for (int i = 0; i < 100; i++)
		close(fd[i]);
	assert_answers();
}

/* --- sockets of others --- */

static void test_stale(void **unused)
{
	struct error err = { 0 };

	(void)unused;
	/* A living one keeps its socket. */
	assert_null(start(&err));
	assert_non_null(strstr(err.text, "another program answers at"));
	assert_answers();
	control_stop(t.control);
	assert_int_equal(access(t.socket, F_OK), -1);
	assert_int_equal(access(t.metrics, F_OK), -1);
	/* One that died left its file. */
	pid_t child = fork();
	if (child == 0) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		snprintf(address.sun_path, sizeof address.sun_path, "%s", t.socket);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	int dead = control_connect(t.socket, &err);
	assert_int_equal(dead, -1);
	assert_non_null(strstr(err.text, "no longer runs there"));
	t.control = start(&err);
	assert_non_null(t.control);
	assert_answers();
	/* What is no socket is nobody's to remove. */
	control_stop(t.control);
	close(open(t.socket, O_CREAT | O_WRONLY, 0600));
	t.control = start(&err);
	assert_null(t.control);
	assert_non_null(strstr(err.text, "and is no socket"));
	assert_int_equal(unlink(t.socket), 0);
	assert_true(control_connect(t.socket, &err) < 0);
	assert_non_null(strstr(err.text, "no such socket"));
}

static void test_group(void **unused)
{
	struct error err;
	struct stat st;

	(void)unused;
	control_stop(t.control);
	assert_int_equal(chmod(t.directory, 02750), 0);
	t.control = start(&err);
	assert_non_null(t.control);
	assert_int_equal(stat(t.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_requests, enter, leave),
		cmocka_unit_test_setup_teardown(test_pieces, enter, leave),
		cmocka_unit_test_setup_teardown(test_http, enter, leave),
		cmocka_unit_test_setup_teardown(test_file, enter, leave),
		cmocka_unit_test_setup_teardown(test_long_line, enter, leave),
		cmocka_unit_test_setup_teardown(test_no_newline, enter, leave),
		cmocka_unit_test_setup_teardown(test_never_reading, enter, leave),
		cmocka_unit_test_setup_teardown(test_many, enter, leave),
		cmocka_unit_test_setup_teardown(test_stale, enter, leave),
		cmocka_unit_test_setup_teardown(test_group, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
