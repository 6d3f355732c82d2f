/* The kernel, the build, permission to capture, memory, disk and clock. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "capture/interface.h"
#include "identify/ndpi_bridge.h"
#include "live/doctor_parts.h"
#include "live/sandbox_parts.h"
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MEGABYTE (UINT64_C(1) << 20)

/* --- kernel --------------------------------------------------------------------------------------------- */

/* A group of one member, on an interface that everybody has. */
static bool fanout_works(int fd)
{
	const struct sockaddr_ll address = { .sll_family = AF_PACKET,
					     .sll_protocol = htons(ETH_P_LOOPBACK),
					     .sll_ifindex = (int)if_nametoindex("lo") };
	int group = (getpid() & 0xffff) | PACKET_FANOUT_HASH << 16;

	return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
	       setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof group) == 0;
}

static void packet_sockets(struct doctor *d)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), version = TPACKET_V3;

	if (fd < 0 && (errno == EPERM || errno == EACCES)) {
		doctor_add(d, FINDING_OK, "packet sockets",
			   "there; rings could not be tried without permission");
		return;
	}
	if (fd < 0) {
		doctor_add(d, FINDING_MISSING, "packet sockets", "%s", strerror(errno));
		doctor_advise(d, "a kernel with CONFIG_PACKET");
		return;
	}
	bool ring = setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0;
	doctor_add(d, ring ? FINDING_OK : FINDING_MISSING, "packet sockets",
		   ring ? "with rings (TPACKET_V3)" : "without TPACKET_V3: every packet is copied by a call");
	bool fanout = fanout_works(fd);
	doctor_add(d, fanout ? FINDING_OK : FINDING_NOTE, "fanout",
		   fanout ? "packets can be dealt out to several workers (-j)" : "one worker only (-j 1)");
	close(fd);
}

static void sandbox_layers(struct doctor *d)
{
	static const char *const package[SANDBOX_LAYERS] = {
		[SANDBOX_CAPABILITIES] = "libcap-ng-dev", [SANDBOX_SECCOMP] = "libseccomp-dev"
	};
	struct sandbox_report report;

	d->part = "sandbox";
	sandbox_probe(&report);
	for (int i = 0; i < SANDBOX_LAYERS; i++) {
		bool there = report.layer[i] == SANDBOX_IN_FORCE;

		doctor_add(d, there ? FINDING_OK : FINDING_MISSING, sandbox_layer_names[i], "%s%s%s",
			   there ? "" : sandbox_force_names[report.layer[i]], there ? "" : ": ",
			   report.why[i]);
		if (report.layer[i] == SANDBOX_NOT_BUILT && package[i])
			doctor_advise(d, "apt-get install %s, then ./configure and make again", package[i]);
		else if (!there && i == SANDBOX_LANDLOCK)
			doctor_advise(
				d,
				"cat /sys/kernel/security/lsm; lsm=landlock,... on the kernel's command line");
		else if (!there)
			doctor_advise(d, "a newer kernel, or a container that lets the call through");
	}
}

void doctor_kernel(struct doctor *d)
{
	struct utsname name;

	d->part = "kernel";
	if (uname(&name) == 0)
		doctor_add(d, FINDING_OK, name.sysname, "%s %s", name.release, name.machine);
	packet_sockets(d);
	sandbox_layers(d);
}

/* --- build ---------------------------------------------------------------------------------------------- */

#ifdef HAVE_MICROHTTPD
#define WITH_MICROHTTPD true
#else
#define WITH_MICROHTTPD false
#endif
#ifdef HAVE_NCURSES
#define WITH_NCURSES true
#else
#define WITH_NCURSES false
#endif
#ifdef HAVE_SYSTEMD
#define WITH_SYSTEMD true
#else
#define WITH_SYSTEMD false
#endif
#ifdef HAVE_LIBCRYPTO
#define WITH_LIBCRYPTO true
#else
#define WITH_LIBCRYPTO false
#endif

void doctor_build(struct doctor *d)
{
	const struct {
		const char *name;
		bool there;
		const char *gives, *costs, *package;
	} libraries[] = {
		{ "libmicrohttpd", WITH_MICROHTTPD, "the web page", "no web page (--http)",
		  "libmicrohttpd-dev" },
		{ "ncurses", WITH_NCURSES, "footsteps top", "footsteps top shows one picture (--once)",
		  "libncurses-dev" },
		{ "libsystemd", WITH_SYSTEMD, "readiness and watchdog of the service",
		  "systemd is not told that the service is ready or alive", "libsystemd-dev" },
		{ "libcrypto", WITH_LIBCRYPTO, "pseudonyms for addresses", "no pseudonyms (--anonymize)",
		  "libssl-dev" },
		{ "libndpi", ndpi_bridge_available(), "labels of all other protocols",
		  "other protocols have no labels", "libndpi-dev" },
	};

	d->part = "build";
	for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
		bool there = libraries[i].there;

		doctor_add(d, there ? FINDING_OK : FINDING_NOTE, libraries[i].name, "%s",
			   there ? libraries[i].gives : libraries[i].costs);
		if (!there)
			doctor_advise(d, "apt-get install %s, then ./configure and make again",
				      libraries[i].package);
	}
}

/* --- permission ----------------------------------------------------------------------------------------- */

static bool capability_in(const char *set)
{
	char value[64];

	return doctor_value("/proc/self/status", set, value, sizeof value) &&
	       strtoull(value, NULL, 16) >> CAP_NET_RAW & 1;
}

/* capabilities(7), "File capability extended attribute versioning": the permitted bits come second. */
static bool file_has_capability(const char *path)
{
	struct vfs_ns_cap_data data = { 0 };
	ssize_t size = getxattr(path, "security.capability", &data, sizeof data);

	return size >= (ssize_t)XATTR_CAPS_SZ_1 && le32toh(data.data[0].permitted) >> CAP_NET_RAW & 1;
}

void doctor_permission(struct doctor *d)
{
	char self[400] = "footsteps";
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	bool file = file_has_capability("/proc/self/exe");

	if (length > 0)
		self[length] = '\0';
	d->part = "permission";
	if (capability_in("CapEff")) {
		doctor_add(d, FINDING_OK, "CAP_NET_RAW", "effective, %s",
			   geteuid() == 0 ? "as root; --user NAME gives that up with the rest"
			   : file         ? "from the program's file"
					  : "from who started it");
		return;
	}
	doctor_add(d, FINDING_MISSING, "CAP_NET_RAW",
		   file ? "on the program's file, but refused here (no new privileges, or nosuid)"
			: "we may not capture: not effective, and not on the program's file");
	doctor_advise(d,
		      "as a service: systemctl start footsteps@INTERFACE\n"
		      "for a group that you trust with all packets of this machine:\n"
		      "chgrp GROUP %s && chmod 750 %s\n"
		      "setcap cap_net_raw+ep %s\n"
		      "or as root, with --user NAME",
		      self, self, self);
}

/* --- machine -------------------------------------------------------------------------------------------- */

static void memory(struct doctor *d)
{
	char value[64];

	if (!doctor_value("/proc/meminfo", "MemAvailable", value, sizeof value))
		return;
	uint64_t free_mb = strtoull(value, NULL, 10) / 1024; /* proc(5): in kB */
	/* The rings, and as much again for flows and facts that wait. */
	bool enough = free_mb >= 4 * INTERFACE_BUFFER_DEFAULT / MEGABYTE;
	doctor_add(d, enough ? FINDING_OK : FINDING_NOTE, "memory",
		   "%" PRIu64 " MB available; each interface takes a ring of %" PRIu64 " MB (--buffer)",
		   free_mb, (uint64_t)INTERFACE_BUFFER_DEFAULT / MEGABYTE);
}

static void disk(struct doctor *d)
{
	const char *output = d->options->output ? d->options->output : ".";
	const char *slash = strrchr(output, '/');
	struct statvfs is;
	char folder[400];

	snprintf(folder, sizeof folder, "%s", output);
	if (statvfs(folder, &is) != 0 && !slash)
		snprintf(folder, sizeof folder, ".");
	else if (slash && statvfs(folder, &is) != 0)
		folder[slash == output ? 1 : slash - output] = '\0';
	if (statvfs(folder, &is) != 0) {
		doctor_add(d, FINDING_MISSING, "disk", "%s: %s", folder, strerror(errno));
		return;
	}
	uint64_t free_mb = (uint64_t)is.f_bavail * is.f_frsize / MEGABYTE;
	bool writable = access(folder, W_OK | X_OK) == 0;
	/* A gigabyte: a day of a busy link, with its -wal while the tables are made. */
	doctor_add(d,
		   !writable        ? FINDING_MISSING
		   : free_mb < 1024 ? FINDING_NOTE
				    : FINDING_OK,
		   "disk", "%" PRIu64 " MB free in %s%s", free_mb, folder,
		   writable ? "" : ", which we may not write");
}

static void time_kept(struct doctor *d)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	if (state < 0) {
		doctor_add(d, FINDING_NOTE, "clock", "cannot be asked: %s", strerror(errno));
		return;
	}
	/* adjtimex(2): somebody who keeps the time clears the flag. */
	if (!(t.status & STA_UNSYNC) && state != TIME_ERROR) {
		doctor_add(d, FINDING_OK, "clock", "kept by NTP or PTP, within %ld ms", t.maxerror / 1000);
		return;
	}
	doctor_add(d, FINDING_NOTE, "clock", "nobody keeps it: times drift against other machines");
	doctor_advise(d, "chrony, ntpd or systemd-timesyncd; of a virtual machine perhaps the host");
}

void doctor_machine(struct doctor *d)
{
	d->part = "machine";
	memory(d);
	disk(d);
	time_kept(d);
}
