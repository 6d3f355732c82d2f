/*
 * What a monitor must still be able to do inside the sandbox: its database, its listener, its rings - and
 * nothing more with them. Each test is a child that enters it and tries.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "sandbox_trial.h"
#include "live/sandbox_parts.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		dprintf(STDERR_FILENO, "# %s: %s\n", sql, sqlite3_errmsg(db));
		_exit(1);
	}
}

static void *sql_in_thread(void *path)
{
	sqlite3 *db;

	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	run_sql(db, "PRAGMA cache_size = 10; PRAGMA temp_store = FILE;"
		    "CREATE TEMP TABLE heap AS SELECT t.x, randomblob(1000) AS b FROM t LIMIT 3000;"
		    "CREATE TEMP TABLE sorted AS SELECT * FROM heap ORDER BY b");
	sqlite3_close(db);
	return NULL;
}

static void trial_database(void)
{
	char path[96], old[96];
	pthread_t thread;
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/campus.db", inside);
	snprintf(old, sizeof old, "%s/campus.old.db", inside);
	enter();
	for (int rotation = 0; rotation < 2; rotation++) {
		MUST(sqlite3_open(path, &db) == SQLITE_OK);
		run_sql(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(x, y)");
		run_sql(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
			    "INSERT INTO t SELECT i, randomblob(100) FROM n");
		MUST(pthread_create(&thread, NULL, sql_in_thread, path) == 0 &&
		     pthread_join(thread, NULL) == 0);
		run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; VACUUM");
		sqlite3_close(db);
		MUST(rename(path, old) == 0);
	}
	MUST(sqlite3_open_v2(old, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
	run_sql(db, "SELECT count(*) FROM t; PRAGMA integrity_check");
	sqlite3_close(db);
	MUST(unlink(old) == 0);
}

static void test_database(void **state)
{
	(void)state;
	holds(trial_database);
}

static int listener_open(struct sockaddr_in *address)
{
	socklen_t length = sizeof *address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	MUST(bind(fd, (struct sockaddr *)address, sizeof *address) == 0 && listen(fd, 4) == 0);
	MUST(getsockname(fd, (struct sockaddr *)address, &length) == 0);
	return fd;
}

/* Made before, like the listener; may it reach out now? */
static void trial_listener(void)
{
	struct sockaddr_in address;
	int listener = listener_open(&address), early = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	pid_t visitor = fork();
	char answer[4] = "";

	if (visitor == 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		_exit(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
				      write(fd, "ask", 3) == 3 && read(fd, answer, 3) == 3
			      ? 0
			      : 1);
	}
	enter_as(NULL, true);
	int fd = accept(listener, NULL, NULL);
	MUST(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
	MUST(read(fd, answer, 3) == 3 && send(fd, "yes", 3, MSG_NOSIGNAL) == 3);
	int status;
	MUST(waitpid(visitor, &status, 0) == visitor && status == 0);
	if (in_force(SANDBOX_SECCOMP))
		MUST_FAIL(connect(early, (struct sockaddr *)&address, sizeof address), EPERM);
	else if (in_force(SANDBOX_LANDLOCK) && landlock_abi() >= 4)
		MUST_FAIL(connect(early, (struct sockaddr *)&address, sizeof address), EACCES);
}

static void test_listener(void **state)
{
	(void)state;
	holds(trial_listener);
}

/* A ring of the kernel that was opened before is read inside, its drops are known, and it is closed. */
static void trial_capture(void)
{
	char problem[PCAP_ERRBUF_SIZE];
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(9) }; /* discard, RFC 863 */
	struct pcap_pkthdr *header;
	struct bpf_program program;
	struct pcap_stat counts;
	const u_char *bytes;
	pcap_t *capture = pcap_create("lo", problem);

	MUST(capture && pcap_set_timeout(capture, 50) == 0 && pcap_activate(capture) >= 0);
	MUST(pcap_compile(capture, &program, "udp port 9", 1, PCAP_NETMASK_UNKNOWN) == 0);
	MUST(pcap_setfilter(capture, &program) == 0);
	pcap_freecode(&program);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	enter();
	MUST(sendto(sender, "footsteps", 9, 0, (struct sockaddr *)&address, sizeof address) == 9);
	int got = 0;
	for (int i = 0; i < 100 && got == 0; i++)
		got = pcap_next_ex(capture, &header, &bytes);
	MUST(got == 1 && header->len >= 9 && memcmp(bytes + header->caplen - 9, "footsteps", 9) == 0);
	MUST(pcap_stats(capture, &counts) == 0 && counts.ps_recv >= 1);
	pcap_close(capture);
}

/* A monitor that is taken over puts nothing onto the link that it watches: a ring is open, and sends nothing,
 * under no number that it can be given. */
static void trial_silent(void)
{
	const char *const writable[] = { inside, NULL };
	const uint8_t frame[60] = { 0 };
	struct iovec part = { (void *)(uintptr_t)frame, sizeof frame };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = 1, .sll_halen = 6 };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1
	};
	struct mmsghdr messages = { .msg_hdr = message };
	int other = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), ring = socket(AF_PACKET, SOCK_RAW, 0);
	int rings[] = { other, ring }, ends[2], file = open("/proc/self/status", O_RDONLY);
	const struct sandbox_options options = { .writable = writable, .silent = rings, .silents = 2 };
	struct error err;

	MUST(ring > other && sendto(ring, frame, sizeof frame, 0, (struct sockaddr *)&to, sizeof to) == 60);
	MUST(bind(ring, (struct sockaddr *)&to, sizeof to) == 0 && write(ring, frame, sizeof frame) == 60);
	MUST(sandbox_enter(&options, &report, &err));
	if (!in_force(SANDBOX_SECCOMP))
		return;
	for (size_t i = 0; i < 2; i++) {
		MUST_FAIL(sendto(rings[i], frame, sizeof frame, 0, (struct sockaddr *)&to, sizeof to), EPERM);
		MUST_FAIL(send(rings[i], frame, sizeof frame, 0), EPERM);
		MUST_FAIL(write(rings[i], frame, sizeof frame), EPERM);
		MUST_FAIL(writev(rings[i], &part, 1), EPERM);
		MUST_FAIL(sendmsg(rings[i], &message, 0), EPERM);
		MUST_FAIL(sendmmsg(rings[i], &messages, 1, 0), EPERM);
		MUST_FAIL(sendfile(rings[i], file, NULL, 60), EPERM);
		MUST_FAIL(dup(rings[i]), EPERM);
		MUST_FAIL(dup2(rings[i], 100), EPERM);
		MUST_FAIL(dup3(rings[i], 100, O_CLOEXEC), EPERM);
		MUST_FAIL(fcntl(rings[i], F_DUPFD, 100), EPERM);
		MUST_FAIL(fcntl(rings[i], F_DUPFD_CLOEXEC, 100), EPERM);
	}
	/* The kernel takes 32 bits of a number; a filter that compared all 64 would be passed so. */
	const long high = ring | (long)(INT64_C(1) << 32);
	MUST_FAIL(syscall(SYS_write, high, frame, sizeof frame), EPERM);
	/* Through a Unix socket it would come back under another number. */
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0 && write(ends[0], frame, 1) == 1);
	MUST_FAIL(recvmsg(ends[1], &message, 0), EPERM);
	MUST_FAIL(recvmmsg(ends[1], &messages, 1, 0, NULL), EPERM);
	/* What others have is not touched, and a ring can still be closed. */
	MUST(send(ends[0], frame, 1, 0) == 1 && fcntl(ends[0], F_DUPFD_CLOEXEC, 100) >= 100);
	MUST(close(ring) == 0);
}

static void test_capture(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	holds(trial_capture);
	holds(trial_silent);
}

static int sandbox_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_database),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_inside(sandbox_tests);
}
