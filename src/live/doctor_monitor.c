/* A monitor that runs: who is behind its control socket, and what the kernel says that it may still do. */
#include "live/doctor_parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The process that listens there; 0: nobody. */
static pid_t monitor_process(const char *path, struct doctor *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred who = { 0 };
	socklen_t size = sizeof who;

	if (strlen(path) >= sizeof address.sun_path) {
		doctor_add(d, FINDING_MISSING, "control socket", "the name is too long");
		return 0;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
		doctor_add(d, FINDING_MISSING, "control socket", "%s: %s", path, strerror(errno));
		doctor_advise(d, errno == EACCES ? "as the user of the monitor, or as root"
						 : "is it running? systemctl status 'footsteps@*'");
	}
	if (fd >= 0)
		close(fd);
	return who.pid;
}

static void capabilities(struct doctor *d, const char *status)
{
	static const char *const sets[] = { "CapEff", "CapPrm", "CapInh", "CapAmb" };
	char value[64], bound[64] = "";
	unsigned long long any = 0;

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (doctor_value(status, sets[i], value, sizeof value))
			any |= strtoull(value, NULL, 16);
	if (doctor_value(status, "CapBnd", bound, sizeof bound) && strtoull(bound, NULL, 16) == 0)
		snprintf(bound, sizeof bound, "none");
	if (any)
		doctor_add(d, FINDING_MISSING, "capabilities", "it has some: %llx", any);
	else
		doctor_add(d, FINDING_OK, "capabilities", "none; bounding set: %s", bound);
}

void doctor_monitor(struct doctor *d)
{
	const char *path = d->options->control;
	char status[64], value[64];

	d->part = "monitor";
	if (!path)
		return;
	pid_t process = monitor_process(path, d);
	if (process <= 0)
		return;
	snprintf(status, sizeof status, "/proc/%d/status", (int)process);
	if (!doctor_value(status, "Uid", value, sizeof value)) {
		doctor_add(d, FINDING_NOTE, "process", "%d: not to be seen from here", (int)process);
		return;
	}
	doctor_add(d, FINDING_OK, "process", "%d, of user %lu", (int)process, strtoul(value, NULL, 10));
	capabilities(d, status);
	bool there = doctor_value(status, "NoNewPrivs", value, sizeof value) && value[0] == '1';
	doctor_add(d, there ? FINDING_OK : FINDING_MISSING, "no new privileges",
		   there ? "in force" : "not in force");
	/* proc(5): 0 none, 1 strict, 2 filter */
	there = doctor_value(status, "Seccomp", value, sizeof value) && value[0] == '2';
	doctor_add(d, there ? FINDING_OK : FINDING_MISSING, "seccomp", there ? "in force" : "not in force");
	doctor_add(d, FINDING_OK, "Landlock", "the kernel does not tell; the monitor's log does");
}
