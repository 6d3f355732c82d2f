/* Interfaces: are they there and up, and does something join or split packets before we see them? */
#include "live/doctor_parts.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOWN_MOST 32U

static bool ask_ethtool(int fd, const char *name, void *question)
{
	struct ifreq request = { .ifr_data = question };

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static bool is_on(int fd, const char *name, uint32_t command, uint32_t mask)
{
	struct ethtool_value value = { .cmd = command };

	return ask_ethtool(fd, name, &value) && (value.data & mask) != 0;
}

/* What the driver joins on the way in or splits on the way out is no packet of the network. */
static void offloads(struct doctor *d, int fd, const char *name, unsigned mtu)
{
	static const struct {
		const char *name, *letter;
		uint32_t command, mask;
	} kinds[] = {
		{ "GRO", "gro", ETHTOOL_GGRO, ~0U },
		{ "LRO", "lro", ETHTOOL_GFLAGS, ETH_FLAG_LRO },
		{ "TSO", "tso", ETHTOOL_GTSO, ~0U },
		{ "GSO", "gso", ETHTOOL_GGSO, ~0U },
	};
	char on[64] = "", off[64] = "", what[48];

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!is_on(fd, name, kinds[i].command, kinds[i].mask))
			continue;
		size_t at = strlen(on), to = strlen(off);
		snprintf(on + at, sizeof on - at, "%s%s", at ? ", " : "", kinds[i].name);
		snprintf(off + to, sizeof off - to, " %s off", kinds[i].letter);
	}
	if (!on[0])
		return;
	snprintf(what, sizeof what, "%s offloads", name);
	doctor_add(
		d, FINDING_NOTE, what,
		"%s: TCP segments are joined to packets beyond the MTU of %u; their number, sizes and gaps are "
		"not those of the link (UDP is hardly touched)",
		on, mtu);
	doctor_advise(d, "ethtool -K %s%s", name, off);
}

static void receive_ring(struct doctor *d, int fd, const char *name)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	char what[48];

	if (!ask_ethtool(fd, name, &ring) || ring.rx_pending == 0 || ring.rx_pending >= ring.rx_max_pending)
		return;
	snprintf(what, sizeof what, "%s ring", name);
	doctor_add(d, FINDING_NOTE, what, "the card keeps %u packets for us, and could keep %u",
		   ring.rx_pending, ring.rx_max_pending);
	doctor_advise(d, "ethtool -G %s rx %u", name, ring.rx_max_pending);
}

static void interface(struct doctor *d, int fd, const char *name, bool asked)
{
	struct ifreq request = { 0 };
	unsigned mtu = 0;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		mtu = (unsigned)request.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		doctor_add(d, FINDING_MISSING, name, "%s", strerror(errno));
		doctor_advise(d, "ip link shows which interfaces there are");
		return;
	}
	bool up = request.ifr_flags & IFF_UP, running = request.ifr_flags & IFF_RUNNING;
	doctor_add(d,
		   up && running ? FINDING_OK
		   : asked       ? FINDING_MISSING
				 : FINDING_NOTE,
		   name, "%s, MTU %u",
		   !up       ? "down"
		   : running ? "up"
			     : "up, but without a link",
		   mtu);
	if (!up && asked)
		doctor_advise(d, "ip link set %s up", name);
	if (!up)
		return;
	offloads(d, fd, name, mtu);
	receive_ring(d, fd, name);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_interface(const struct dirent *entry)
{
	/* "bonding_masters" is a file among them; links are what we want. */
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "lo") != 0 && entry->d_type == DT_LNK;
}

void doctor_interfaces(struct doctor *d)
{
	const char *const *asked = d->options->interfaces;
	struct dirent **entries = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	d->part = "interfaces";
	if (fd < 0) {
		doctor_add(d, FINDING_NOTE, "all", "cannot be asked: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; asked && asked[i]; i++)
		interface(d, fd, asked[i], true);
	int count = asked && asked[0] ? 0 : scandir("/sys/class/net", &entries, is_interface, compare_names);
	for (int i = 0; i < count; i++) {
		if (i < (int)SHOWN_MOST)
			interface(d, fd, entries[i]->d_name, false);
		free(entries[i]);
	}
	if (count > (int)SHOWN_MOST)
		doctor_add(d, FINDING_OK, "others", "%d more; -i NAME shows one", count - (int)SHOWN_MOST);
	if (count == 0 && !(asked && asked[0]))
		doctor_add(d, FINDING_NOTE, "none", "there is the loopback alone");
	free(entries);
	close(fd);
}
