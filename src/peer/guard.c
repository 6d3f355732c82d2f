/* Which addresses may be named at all, and which may be sent to. */
#include "peer/guard.h"
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct block {
	uint32_t ip, mask;
};

/* Where real hosts of a laboratory may be. */
static const struct block laboratory[] = {
	{ 0x7f000000, 0xff000000 }, /* 127.0.0.0/8, RFC 1122 section 3.2.1.3 */
	{ 0xc0000200, 0xffffff00 }, /* 192.0.2.0/24, RFC 5737 */
	{ 0xc6336400, 0xffffff00 }, /* 198.51.100.0/24, RFC 5737 */
	{ 0xcb007100, 0xffffff00 }, /* 203.0.113.0/24, RFC 5737 */
	{ 0xc6120000, 0xfffe0000 }, /* 198.18.0.0/15, RFC 2544 */
	{ 0x0a000000, 0xff000000 }, /* 10.0.0.0/8, RFC 1918 */
	{ 0xac100000, 0xfff00000 }, /* 172.16.0.0/12, RFC 1918 */
	{ 0xc0a80000, 0xffff0000 }, /* 192.168.0.0/16, RFC 1918 */
};

/* Where a route may lead without leaving the laboratory: there, to the link's own addresses (RFC 3927), and
 * to groups, which routers do not forward by themselves. */
static const struct block local_blocks[] = {
	{ 0xa9fe0000, 0xffff0000 },
	{ 0xe0000000, 0xf0000000 },
};

/* Whether the block holds all of ip/mask. */
static bool block_holds(const struct block *blocks, size_t count, uint32_t ip, uint32_t mask)
{
	for (size_t i = 0; i < count; i++)
		if ((ip & blocks[i].mask) == blocks[i].ip && (mask & blocks[i].mask) == blocks[i].mask)
			return true;
	return false;
}
#define HOLDS(blocks, ip, mask) block_holds(blocks, sizeof(blocks) / sizeof(blocks)[0], ip, mask)

bool guard_file_address(uint32_t ip)
{
	bool reserved = ip >= 0xf0000000 && ip != UINT32_MAX; /* 240.0.0.0/4 without the broadcast address */

	return reserved || HOLDS(laboratory, ip, UINT32_MAX);
}

bool guard_live_address(uint32_t ip, bool own_namespace)
{
	return ip >> 24 == 127 || (own_namespace && HOLDS(laboratory, ip, UINT32_MAX));
}

/*
 * /proc/net/route: after a line of headings one route a line, "eth0 00000000 0102000A 0003 0 0 0 00FFFFFF";
 * destination and mask are the address's bytes read as a number of the host.
 */
static bool routes_stay(const char *path)
{
	char line[256], interface[64];
	FILE *file = fopen(path, "re");
	bool stay = file && fgets(line, sizeof line, file);

	while (stay && fgets(line, sizeof line, file)) {
		unsigned destination, gateway, flags, mask;

		if (sscanf(line, "%63s %x %x %x %*s %*s %*s %x", interface, &destination, &gateway, &flags,
			   &mask) != 5) {
			stay = false;
			break;
		}
		uint32_t ip = __builtin_bswap32(destination), wide = __builtin_bswap32(mask);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		ip = destination;
		wide = mask;
#endif
		stay = HOLDS(laboratory, ip, wide) || HOLDS(local_blocks, ip, wide);
	}
	stay = stay && !ferror(file);
	if (file)
		fclose(file);
	return stay;
}

bool guard_namespace(const char *own, const char *first, const char *routes)
{
	char here[64], there[64];
	ssize_t a = readlink(own, here, sizeof here), b = readlink(first, there, sizeof there);

	if (a <= 0 || b <= 0 || a >= (ssize_t)sizeof here || b >= (ssize_t)sizeof there)
		return false;
	return (a != b || memcmp(here, there, (size_t)a) != 0) && routes_stay(routes);
}

bool guard_named(const char *own, const char *names)
{
	struct stat here, there;
	const struct dirent *entry;
	bool found = false;
	DIR *folder = stat(own, &here) == 0 ? opendir(names) : NULL;

	while (folder && !found && (entry = readdir(folder)))
		found = fstatat(dirfd(folder), entry->d_name, &there, 0) == 0 &&
			there.st_dev == here.st_dev && there.st_ino == here.st_ino;
	if (folder)
		closedir(folder);
	return found;
}

/*
 * Whether the kernel knows a way to ip, by any of its tables: a VPN's default route may be in one that
 * /proc/net/route does not show. connect() of a UDP socket looks for a route, and sends nothing.
 */
static bool has_way_to(uint32_t ip)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9), /* discard, RFC 863 */
		.sin_addr.s_addr = htonl(ip),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool way = fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;

	if (fd >= 0)
		close(fd);
	return way;
}

static bool no_way_out(void)
{
	/* One in each half of the addresses, which VPNs like to route apart; neither is anybody's. */
	return !has_way_to(0x64400001)     /* 100.64.0.1: RFC 6598 */
	       && !has_way_to(0xf0000001); /* 240.0.0.1: RFC 1112 section 4 */
}

bool guard_own_namespace(void)
{
	char first[64];

	if (!no_way_out())
		return false;
	/* Some sandboxes hide process 1 from root, too. Then it must be one that `ip netns add` has made. */
	if (readlink("/proc/1/ns/net", first, sizeof first) < 0 && errno == EACCES)
		return guard_named("/proc/self/ns/net", "/run/netns") && routes_stay("/proc/self/net/route");
	return guard_namespace("/proc/self/ns/net", "/proc/1/ns/net", "/proc/self/net/route");
}
