/*
 * seccomp: the calls that capture, SQLite, threads, the control socket and the web page make, and no other.
 *
 * What is not on the list fails with EPERM, so that a library which tries something new goes on without it:
 * a run of weeks is not ended by an update. Three kinds end the process at once instead, since nothing in it
 * ever asks for them, and who does is not us: another program, another process's memory, code for the kernel.
 *
 * No memory becomes executable any more, so nothing is loaded later (dlopen), and nothing injected runs.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/sandbox_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#ifdef HAVE_SECCOMP
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef HAVE_SECCOMP

/* Names, resolved by libseccomp: an architecture without a call (arm64 has no open) has no rule for it. */
static const char *const allowed[] = {
	/* Files: which, Landlock says. But it says nothing of chmod(), links' targets and times, and only
	 * since ABI 3 of truncate(): root without capabilities still owns the files of root. */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"preadv",
	"pwritev",
	"open",
	"openat",
	"close",
	"close_range",
	"lseek",
	"_llseek",
	"stat",
	"lstat",
	"fstat",
	"newfstatat",
	"stat64",
	"lstat64",
	"fstat64",
	"fstatat64",
	"statx",
	"statfs",
	"fstatfs",
	"statfs64",
	"fstatfs64",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"getdents",
	"getdents64",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"mkdir",
	"mkdirat",
	"rmdir",
	"ftruncate",
	"ftruncate64",
	"fallocate",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"flock",
	"umask",
	"fadvise64",
	"dup",
	"dup2",
	"dup3",
	"sendfile",
	"sendfile64",
	/* memory; mmap and mprotect below */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"msync",
	"mlock",
	"munlock",
	/* threads and waiting */
	"futex",
	"futex_time64",
	"set_robust_list",
	"get_robust_list",
	"rseq",
	"set_tid_address",
	"exit",
	"exit_group",
	"sched_yield",
	"sched_getaffinity",
	"membarrier",
	"restart_syscall",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"gettimeofday",
	"time",
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd",
	"eventfd2",
	"pipe",
	"pipe2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"wait4",
	"waitid",
	/* signals to ourselves */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"rt_sigsuspend",
	"sigaltstack",
	"signalfd4",
	"pause",
	/* about ourselves */
	"getpid",
	"getppid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getuid32",
	"geteuid32",
	"getgid32",
	"getegid32",
	"getgroups",
	"getpgrp",
	"getpgid",
	"getsid",
	"getrusage",
	"getrlimit",
	"ugetrlimit",
	"getrandom",
	"uname",
	"sysinfo",
	"times",
	"getcpu",
	"capget",
	/* Sockets that are there: rings, listeners, syslog's and systemd's, the porter's. No recvmsg(), which
	 * takes descriptors in, and with which a ring could be had under another number (sandbox_silent.c).
	 */
	"accept",
	"accept4",
	"listen",
	"bind",
	"send",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recv",
	"recvfrom",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
};

/* Nobody of ours asks for these. */
static const char *const deadly[] = {
	"execve",      "execveat",     "ptrace", "process_vm_readv", "process_vm_writev",
	"init_module", "finit_module", "bpf",    "kexec_load",       "kexec_file_load"
};

/* Of terminals, pipes and interfaces, for reading; nothing sets anything. */
static const unsigned long controls[] = { TCGETS,       TIOCGWINSZ,   FIONREAD,    FIONBIO,
					  SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFMTU };

/* Of descriptors; not F_SETOWN and F_SETSIG, which send any signal to anybody of the same user. */
static const int descriptor_controls[] = { F_DUPFD,  F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
					   F_GETFL,  F_SETFL,         F_GETLK,     F_SETLK,
					   F_SETLKW, F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW };

/* Code of seccomp_rule_add for one call and, when count is 1, one condition; a call that this architecture
 * has not is no failure. */
static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
		const struct scmp_arg_cmp *condition)
{
	int call = seccomp_syscall_resolve_name(name);

	return call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, action, call, count, condition);
}

static int rules_with_conditions(scmp_filter_ctx filter, const struct sandbox_options *options)
{
	const uint64_t self = (uint64_t)getpid();
	/* The flags of clone are its first argument but on s390, where they are the second. */
#if defined __s390__
	const struct scmp_arg_cmp thread = SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
#else
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
#endif
	const struct {
		const char *name;
		struct scmp_arg_cmp condition;
	} some[] = {
		{ "clone", thread },
		{ "socket", SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0) },
		{ "socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0) },
		{ "setsockopt", SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET, 0) },
		{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ "kill", SCMP_A0(SCMP_CMP_EQ, self, 0) },
		{ "tgkill", SCMP_A0(SCMP_CMP_EQ, self, 0) },
		{ "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0) }, /* asks, does not set */
		/* SQLite gives a log the mode of its database. Never set-user-ID. */
		{ "fchmod", SCMP_A1(SCMP_CMP_MASKED_EQ, ~UINT64_C(0777), 0) },
		{ "setpriority", SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS, 0) }, /* of a thread; only ever lower */
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME, 0) },
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NO_NEW_PRIVS, 0) },
		/* Accepted connections send at once or gather. */
		{ options->listens ? "setsockopt" : "", SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP, 0) },
	};
	int result = 0;

	for (size_t i = 0; i < sizeof some / sizeof some[0] && result == 0; i++)
		result = rule(filter, SCMP_ACT_ALLOW, some[i].name, 1, &some[i].condition);
	for (size_t i = 0; i < sizeof controls / sizeof controls[0] && result == 0; i++) {
		const struct scmp_arg_cmp request = SCMP_A1(SCMP_CMP_EQ, controls[i], 0);

		result = rule(filter, SCMP_ACT_ALLOW, "ioctl", 1, &request);
	}
	for (size_t i = 0; i < sizeof descriptor_controls / sizeof descriptor_controls[0] && result == 0;
	     i++) {
		const struct scmp_arg_cmp command = SCMP_A1(SCMP_CMP_EQ, (uint64_t)descriptor_controls[i], 0);

		result = rule(filter, SCMP_ACT_ALLOW, "fcntl", 1, &command);
		if (result == 0)
			result = rule(filter, SCMP_ACT_ALLOW, "fcntl64", 1, &command);
	}
	/* To whom, no filter sees; a bus or a manager of services does what root asks of it. */
	if (result == 0 && options->connects)
		result = rule(filter, SCMP_ACT_ALLOW, "connect", 0, NULL);
	/* Its flags lie in memory, where no filter sees them. The C library then takes clone(). */
	return result ? result : rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

#ifdef SANITIZED
/* The leak checker stops all threads from a process of its own when the program ends; a finding asks for a
 * symbolizer, and is printed without when that cannot be run. Builds for tests alone. */
static int rules_of_sanitizers(scmp_filter_ctx filter)
{
	static const char *const more[] = { "clone", "ptrace", "prctl", "mprotect", "process_vm_readv" };
	int result = rule(filter, SCMP_ACT_ERRNO(EACCES), "execve", 0, NULL);

	for (size_t i = 0; i < sizeof more / sizeof more[0] && result == 0; i++)
		result = rule(filter, SCMP_ACT_ALLOW, more[i], 0, NULL);
	return result;
}
#endif

static bool is_spared(const char *name)
{
#ifdef SANITIZED
	return strcmp(name, "ptrace") == 0 || strcmp(name, "execve") == 0 ||
	       strcmp(name, "process_vm_readv") == 0;
#else
	(void)name;
	return false;
#endif
}

static int rules_add(scmp_filter_ctx filter, const struct sandbox_options *options)
{
	int result = 0;

	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && result == 0; i++)
		result = rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; i < sizeof deadly / sizeof deadly[0] && result == 0; i++)
		if (!is_spared(deadly[i]))
			result = rule(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
	if (result == 0)
		result = rules_with_conditions(filter, options);
#ifdef SANITIZED
	if (result == 0)
		result = rules_of_sanitizers(filter);
#endif
	return result;
}

bool sandbox_seccomp(const struct sandbox_options *options, struct sandbox_report *report, struct error *err)
{
	if (!seccomp_in_kernel()) {
		sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_NO_KERNEL, "no CONFIG_SECCOMP_FILTER");
		return true;
	}
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter ? 0 : -ENOMEM;
	/* A tree instead of a list: some calls are made for each batch of packets. Older libraries have a
	 * list. */
	if (result == 0)
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* A thread that somebody made before is bound too. */
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (result == 0)
		result = rules_add(filter, options);
	if (result == 0)
		result = sandbox_silence(options);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result == 0) {
		sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_IN_FORCE, "all else is refused, exec ends it");
		return true;
	}
	sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_FAILED, "%s", strerror(-result));
	return error_set(err, EXIT_INTERNAL, "seccomp: %s", strerror(-result));
}
#else
bool sandbox_seccomp(const struct sandbox_options *options, struct sandbox_report *report, struct error *err)
{
	(void)options, (void)err;
	sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_NOT_BUILT, "built without libseccomp");
	return true;
}
#endif

bool seccomp_in_kernel(void)
{
	/* With no filter to take, EFAULT says that it would take one: seccomp(2), PR_SET_SECCOMP in prctl(2).
	 */
	return prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, 0, 0, 0) < 0 && errno == EFAULT;
}
