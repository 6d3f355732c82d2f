/*
 * A filter of its own, before the large one: nothing is ever sent through a ring. A packet socket can send as
 * well as receive, needs no capability for it once it is open, and cannot be shut down for writing; and a
 * monitor that is taken over must not be able to put a packet onto the link that it watches.
 *
 * It knows rings by their numbers, so it refuses them a second number, too. By hand, since libseccomp takes
 * one rule for each call and ring, and the kernel at most 4096 instructions (BPF_MAXINSNS).
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/sandbox_parts.h"
#ifdef HAVE_SECCOMP
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>

/* Calls that send by their first argument, give it another number, or make it a ring of something else. */
static const char *const refused[] = { "write",      "writev", "pwrite64", "pwritev",   "pwritev2",
				       "send",       "sendto", "sendmsg",  "sendmmsg",  "sendfile",
				       "sendfile64", "dup",    "dup2",     "dup3",      "fcntl",
				       "fcntl64",    "bind",   "connect",  "setsockopt" };
#define REFUSED (sizeof refused / sizeof refused[0])
#define FIXED   6U /* instructions beside those of calls and rings */

/* Descriptors are ints: what stands above them in the register, the kernel does not look at. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_ARGUMENT offsetof(struct seccomp_data, args[0])
#else
#define FIRST_ARGUMENT (offsetof(struct seccomp_data, args[0]) + 4)
#endif

int sandbox_silence(const struct sandbox_options *options)
{
	const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	const struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_filter *code = calloc(FIXED + REFUSED + 2 * options->silents, sizeof *code);
	int result = code ? 0 : -ENOMEM;
	unsigned short n = 0;

	if (options->silents == 0 || !code) {
		free(code);
		return options->silents == 0 ? 0 : result;
	}
	/* Other architectures are for the large filter, which ends who calls by one. */
	code[n++] =
		(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0,
						 REFUSED + 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < REFUSED; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)seccomp_syscall_resolve_name(refused[i]),
							 (uint8_t)(REFUSED - i), 0);
	code[n++] = pass;
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST_ARGUMENT);
	for (size_t i = 0; i < options->silents; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)options->silent[i], 0, 1);
		code[n++] = refuse;
	}
	code[n++] = pass;
	const struct sock_fprog program = { .len = n, .filter = code };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		result = -errno;
	free(code);
	return result;
}
#endif
