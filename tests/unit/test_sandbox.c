/*
 * What a process can and cannot do inside the sandbox, asked of the kernel: each test is a child that enters
 * it and tries. What the kernel says of the child is read in /proc as anybody would.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "sandbox_trial.h"
#include "live/sandbox_parts.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* --- capabilities --------------------------------------------------------------------------------------- */

/* The value of a line of /proc/self/status; not through our own code. */
static void proc_value(const char *name, char *out, size_t size)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	out[0] = '\0';
	MUST(status);
	while (fgets(line, sizeof line, status))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			snprintf(out, size, "%s",
				 line + strlen(name) + 1 + strspn(line + strlen(name) + 1, " \t"));
	out[strcspn(out, "\n")] = '\0';
	fclose(status);
}

static void capabilities_are_none(void)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd" };
	char value[64];

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		proc_value(sets[i], value, sizeof value);
		/* The bounding set takes a capability to change. */
		MUST(strcmp(value, "0000000000000000") == 0 || (i == 4 && geteuid() != 0) ||
		     !in_force(SANDBOX_CAPABILITIES));
	}
}

static void trial_capabilities(void)
{
	char value[64];

	enter();
	capabilities_are_none();
	proc_value("NoNewPrivs", value, sizeof value);
	MUST(strcmp(value, "1") == 0);
	proc_value("Seccomp", value, sizeof value);
	MUST(strcmp(value, in_force(SANDBOX_SECCOMP) ? "2" : "0") == 0);
}

static void test_capabilities(void **state)
{
	(void)state;
	holds(trial_capabilities);
}

static void trial_user(void)
{
	struct passwd *nobody = getpwnam("nobody");
	char value[64];

	MUST(nobody && chown(inside, nobody->pw_uid, nobody->pw_gid) == 0);
	enter_as("nobody", false);
	MUST(getuid() == nobody->pw_uid && geteuid() == nobody->pw_uid && getegid() == nobody->pw_gid);
	proc_value("Groups", value, sizeof value);
	MUST(strtoul(value, NULL, 10) == nobody->pw_gid);
	capabilities_are_none();
	MUST_FAIL(setuid(0), EPERM);
	char path[80];
	snprintf(path, sizeof path, "%s/made", inside);
	struct stat is;
	MUST(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0 && stat(path, &is) == 0);
	MUST(is.st_uid == nobody->pw_uid && unlink(path) == 0);
}

static void test_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	holds(trial_user);
	assert_int_equal(chown(inside, 0, 0), 0);
}

static void expect_refusal(const char *user, enum exit_status status, const char *words)
{
	const char *const writable[] = { outside, NULL };
	const struct sandbox_options options = { .writable = writable, .user = user };
	struct error err = { 0 };

	MUST(!sandbox_enter(&options, &report, &err));
	MUST(err.status == status && strstr(err.text, words));
}

static void trial_no_such_user(void)
{
	expect_refusal("footsteps-nobody-has-this-name", EXIT_USAGE, "no such user");
}

/* The directory of root is of no use to somebody else: said before the run, with what to do. */
static void trial_user_without_directory(void)
{
	expect_refusal("nobody", EXIT_OUTPUT, "chown");
}

/* With a rule for the root directory, Landlock would be there and refuse nothing. */
static void trial_root_directory(void)
{
	const char *const writable[] = { inside, "/", NULL };
	const struct sandbox_options options = { .writable = writable };
	struct error err;

	MUST(!sandbox_enter(&options, &report, &err) && strstr(err.text, "directory of their own"));
}

static void test_refusals(void **state)
{
	(void)state;
	holds(trial_no_such_user);
	holds(trial_root_directory);
	if (geteuid() == 0)
		holds(trial_user_without_directory);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void trial_files(void)
{
	char a[96], b[96], sub[96], out[96];

	snprintf(a, sizeof a, "%s/a", inside);
	snprintf(b, sizeof b, "%s/b", inside);
	snprintf(sub, sizeof sub, "%s/sub", inside);
	snprintf(out, sizeof out, "%s/there", outside);
	int before = open(out, O_RDONLY);
	MUST(before >= 0);
	enter();
	int fd = open(a, O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 100) == 0 && fsync(fd) == 0 &&
	     close(fd) == 0);
	MUST(rename(a, b) == 0 && access(b, R_OK) == 0 && unlink(b) == 0);
	MUST(mkdir(sub, 0700) == 0 && rmdir(sub) == 0);
	DIR *list = opendir(inside);
	MUST(list && readdir(list) && closedir(list) == 0);
	/* A database makes temporary files as well. */
	MUST(strcmp(getenv("TMPDIR"), inside) == 0);
	MUST((fd = open(inside, O_TMPFILE | O_RDWR, 0600)) >= 0 && close(fd) == 0);
	char byte;
	MUST(read(before, &byte, 1) == 1); /* what is open stays open */
	if (!in_force(SANDBOX_LANDLOCK))
		return;
	MUST_FAIL(open(out, O_RDONLY), EACCES);
	MUST_FAIL(open(out, O_WRONLY), EACCES);
	MUST_FAIL(unlink(out), EACCES);
	MUST_FAIL(open("/etc/passwd", O_RDONLY), EACCES);
	MUST_FAIL(open("/", O_RDONLY | O_DIRECTORY), EACCES);
	snprintf(a, sizeof a, "%s/new", outside);
	MUST_FAIL(open(a, O_CREAT | O_WRONLY, 0600), EACCES);
	MUST_FAIL(mkdir(a, 0700), EACCES);
	/* The hole of all lists of paths: a name inside for a file outside. EXDEV, where both sides have a
	 * right. */
	snprintf(a, sizeof a, "%s/linked", inside);
	MUST(link(out, a) < 0 && rename(out, a) < 0);
	MUST(symlink(out, a) < 0);
}

static void test_files(void **state)
{
	(void)state;
	holds(trial_files);
}

/* A configuration that an editor has put a new file in place of is still read. */
static void trial_readable(void)
{
	char path[96], new[96];
	snprintf(path, sizeof path, "%s/there", outside);
	snprintf(new, sizeof new, "%s/new", outside);
	const char *const writable[] = { inside, NULL }, *const readable[] = { path, NULL };
	const struct sandbox_options options = { .writable = writable, .readable = readable };
	struct error err;
	int go[2];
	char byte;

	MUST(pipe(go) == 0);
	pid_t editor = fork();
	if (editor == 0) {
		int fd = open(new, O_CREAT | O_WRONLY, 0600);

		_exit(write(fd, "there", 5) == 5 && rename(new, path) == 0 && write(go[1], "x", 1) == 1 ? 0
													: 1);
	}
	MUST(sandbox_enter(&options, &report, &err) && read(go[0], &byte, 1) == 1);
	int fd = open(path, O_RDONLY);
	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	if (in_force(SANDBOX_LANDLOCK))
		MUST_FAIL(open(path, O_RDWR), EACCES);
}

static void test_readable(void **state)
{
	(void)state;
	holds(trial_readable);
}

/* --- programs, sockets, memory, threads ----------------------------------------------------------------- */

static void try_exec(void)
{
	char *arguments[] = { (char *)"true", NULL }, *nothing[] = { NULL };

	execve("/bin/true", arguments, nothing);
}

static void trial_exec(void)
{
	enter();
	try_exec();
	MUST(errno == EACCES); /* of Landlock */
}

static void *exec_in_thread(void *unused)
{
	try_exec();
	return unused;
}

static void trial_exec_in_thread(void)
{
	pthread_t thread;

	enter();
	MUST(pthread_create(&thread, NULL, exec_in_thread, NULL) == 0);
	pthread_join(thread, NULL);
}

static void test_exec(void **state)
{
	sandbox_probe(&report);
	(void)state;
#ifndef SANITIZED
	if (in_force(SANDBOX_SECCOMP)) {
		int status = status_of(trial_exec);

		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		/* The whole process, not the thread alone. */
		status = status_of(trial_exec_in_thread);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		return;
	}
#endif
	if (in_force(SANDBOX_LANDLOCK))
		holds(trial_exec);
	(void)trial_exec_in_thread;
}

static void trial_ptrace(void)
{
	enter();
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void *sockets_refused(void *unused)
{
	MUST_FAIL(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	MUST_FAIL(socket(AF_INET6, SOCK_DGRAM, 0), EPERM);
	MUST_FAIL(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
	MUST_FAIL(socket(AF_NETLINK, SOCK_RAW, 0), EPERM);
	/* and files, in a thread as elsewhere */
	if (in_force(SANDBOX_LANDLOCK))
		MUST_FAIL(open("/etc/passwd", O_RDONLY), EACCES);
	return unused;
}

static void trial_sockets(void)
{
	pthread_t thread;

	const char *const writable[] = { inside, NULL };
	const struct sandbox_options options = { .writable = writable, .connects = true };
	struct error err;

	MUST(sandbox_enter(&options, &report, &err));
	sockets_refused(NULL);
	MUST(pthread_create(&thread, NULL, sockets_refused, NULL) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	/* systemd is reached, syslog if that is wanted, and so is who asks on the control socket */
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", inside);
	MUST(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(connect(other, (struct sockaddr *)&address, sizeof address) == 0);
	MUST(write(accept(fd, NULL, NULL), "x", 1) == 1 && read(other, &address, 1) == 1);
	MUST(unlink(address.sun_path) == 0 || true);
}

static void trial_processes(void)
{
	pid_t parent = getppid();

	enter();
#ifndef SANITIZED
	MUST_FAIL(fork(), EPERM);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
#endif
	MUST_FAIL(kill(parent, 0), EPERM);
	MUST_FAIL(chown(inside, 0, 0), EPERM);
	MUST_FAIL(chroot(inside), EPERM);
}

/* What somebody asks for who has taken a worker over, and no monitor does. */
static void trial_attacks(void)
{
	static const long calls[] = {
		SYS_io_uring_setup, SYS_userfaultfd,      SYS_perf_event_open, SYS_keyctl,
		SYS_add_key,        SYS_request_key,      SYS_pidfd_open,      SYS_pidfd_getfd,
		SYS_tkill,          SYS_rt_sigqueueinfo,  SYS_unshare,         SYS_setns,
		SYS_mount,          SYS_memfd_create,     SYS_personality,     SYS_splice,
		SYS_vmsplice,       SYS_setxattr,         SYS_fchown,          SYS_setresuid,
		SYS_seccomp,        SYS_open_by_handle_at
	};
	struct sockaddr_un bus = { .sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket" };
	pid_t parent = getppid();
	char out[96], mine[96], byte = 0;

	snprintf(out, sizeof out, "%s/there", outside);
	snprintf(mine, sizeof mine, "%s/mine", inside);
	int before = open(out, O_RDONLY);
	enter();
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		MUST_FAIL(syscall(calls[i], 0L, 0L, 0L, 0L, 0L, 0L), EPERM);
	MUST_FAIL(syscall(SYS_tgkill, parent, parent, 0), EPERM);
	/* A signal of one's choice to the owner of a descriptor. */
	MUST_FAIL(fcntl(before, F_SETOWN, parent), EPERM);
	MUST_FAIL(fcntl(before, F_SETSIG, SIGKILL), EPERM);
	MUST_FAIL(ioctl(STDERR_FILENO, TIOCSTI, &byte), EPERM);
	/* Landlock knows nothing of these, and root owns files without any capability. */
	MUST_FAIL(chmod(out, 0666), EPERM);
	MUST_FAIL(fchmodat(AT_FDCWD, out, 0666, 0), EPERM);
	MUST_FAIL(fchmod(before, 04755), EPERM);
	MUST_FAIL(truncate(out, 0), EPERM);
	MUST_FAIL(utimensat(AT_FDCWD, out, NULL, 0), EPERM);
	int fd = open(mine, O_CREAT | O_WRONLY, 0600);
	MUST(fd >= 0 && fchmod(fd, 0640) == 0 && unlink(mine) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST_FAIL(connect(fd, (struct sockaddr *)&bus, sizeof bus), EPERM);
	if (in_force(SANDBOX_LANDLOCK)) {
		MUST_FAIL(open("/proc/self/mem", O_RDWR), EACCES);
		MUST_FAIL(open("/etc/ssl/private", O_RDONLY | O_DIRECTORY), EACCES);
	}
}

static void trial_bpf(void)
{
	enter();
	syscall(SYS_bpf, 0L, 0L, 0L);
}

static void test_attacks(void **state)
{
	(void)state;
	sandbox_probe(&report);
	if (!in_force(SANDBOX_SECCOMP))
		skip();
	holds(trial_attacks);
	int status = status_of(trial_bpf);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void test_calls(void **state)
{
	(void)state;
	sandbox_probe(&report);
	if (!in_force(SANDBOX_SECCOMP))
		skip();
	holds(trial_sockets);
	holds(trial_processes);
#ifndef SANITIZED
	int status = status_of(trial_ptrace);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#else
	(void)trial_ptrace;
#endif
}

/* --- each layer alone ----------------------------------------------------------------------------------- */

static void trial_landlock_alone(void)
{
	const char *const writable[] = { inside, NULL };
	const struct sandbox_options options = { .writable = writable };
	struct error err;

	MUST(sandbox_no_new_privileges(&report, &err) && sandbox_landlock(&options, &report, &err));
	if (in_force(SANDBOX_LANDLOCK)) {
		MUST_FAIL(open("/etc/passwd", O_RDONLY), EACCES);
		try_exec();
		MUST(errno == EACCES);
	}
}

static void trial_seccomp_alone(void)
{
	const struct sandbox_options options = { 0 };
	struct error err;

	MUST(sandbox_no_new_privileges(&report, &err) && sandbox_seccomp(&options, &report, &err));
	MUST(open("/etc/passwd", O_RDONLY) >= 0);
	if (in_force(SANDBOX_SECCOMP))
		MUST_FAIL(socket(AF_INET, SOCK_STREAM, 0), EPERM);
}

static void trial_capabilities_alone(void)
{
	struct error err;

	MUST(sandbox_drop_privileges(NULL, &report, &err));
	capabilities_are_none();
	if (in_force(SANDBOX_CAPABILITIES))
		MUST_FAIL(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
}

static void test_alone(void **state)
{
	(void)state;
	holds(trial_landlock_alone);
	holds(trial_seccomp_alone);
	holds(trial_capabilities_alone);
}

static void test_words(void **state)
{
	struct sandbox_report r = { .layer = { SANDBOX_NOT_BUILT, SANDBOX_IN_FORCE, SANDBOX_IN_FORCE,
					       SANDBOX_NO_KERNEL } };
	char text[200], cut[12];

	(void)state;
	sandbox_describe(&r, text, sizeof text);
	assert_string_equal(text, "no new privileges, Landlock in force; capabilities not built in; "
				  "seccomp not in this kernel");
	sandbox_describe(&r, cut, sizeof cut);
	assert_string_equal(cut, "no new priv");
}

static int sandbox_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_user),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_files),
		cmocka_unit_test(test_readable),     cmocka_unit_test(test_exec),
		cmocka_unit_test(test_calls),        cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_alone),        cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_inside(sandbox_tests);
}
