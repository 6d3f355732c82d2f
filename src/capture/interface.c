/* Interfaces are opened, looked after and counted; see interface.h. */
#include "capture/interface.h"
#include "base/real_time.h"
#include "capture/fanout.h"
#include "capture/interface_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES 300
#define LINKTYPE_RAW   101 /* tcpdump.org/linktypes.html; DLT_RAW is another number */

int64_t capture_now(void)
{
	return real_time();
}

static void say(const struct interfaces *all, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct interfaces *all, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;

	if (!all->options.say)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	all->options.say(all->options.say_self, line);
}

/* --- looking after them -----------------------------------------------------------------------------------
 */

/* True once for each change, whichever worker sees it first. */
static bool link_becomes(struct link *link, enum link_state state)
{
	int before = atomic_load(&link->state);

	do {
		if (before == (int)state || before == LINK_GONE)
			return false;
	} while (!atomic_compare_exchange_weak(&link->state, &before, (int)state));
	return true;
}

void link_leave(struct interfaces *all, struct link *link, const char *why)
{
	if (link_becomes(link, LINK_GONE))
		say(all, "%s %s", link->name, why);
}

/*
 * By its index, for it may be given another name, and by its socket, which still may when no file may be
 * opened any more.
 */
void link_look(struct interfaces *all, struct link *link, int socket)
{
	struct ifreq request = { .ifr_ifindex = link->index };

	if (link->index == 0 || atomic_load_explicit(&link->state, memory_order_relaxed) == LINK_GONE)
		return;
	if (ioctl(socket, SIOCGIFNAME, &request) != 0 || ioctl(socket, SIOCGIFFLAGS, &request) != 0) {
		if (errno == ENODEV || errno == ENXIO)
			link_leave(all, link, "vanished: the other interfaces go on, if there are any");
		return;
	}
	bool up = request.ifr_flags & IFF_UP;

	if (link_becomes(link, up ? LINK_UP : LINK_DOWN))
		say(all, up ? "%s is up again" : "%s went down; waiting for it", link->name);
}

void ring_count_drops(struct ring *ring)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t size = sizeof stats;

	/* Not pcap_stats(): it opens a file each time, and counts from one that it could not open. The kernel
	 * begins anew with each call (packet(7)). */
	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0)
		return;
	ring->dropped += stats.tp_drops;
	atomic_fetch_add_explicit(&ring->link->dropped_kernel, stats.tp_drops, memory_order_relaxed);
}

/* What libpcap calls ps_ifdrop on Linux, too (linux_if_drops() of pcap-linux.c). */
static uint64_t driver_drops(const struct link *link)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < 2; i++) {
		char text[32] = "";
		ssize_t got =
			link->drop_files[i] < 0 ? 0 : pread(link->drop_files[i], text, sizeof text - 1, 0);

		if (got > 0)
			sum += strtoull(text, NULL, 10);
	}
	return sum;
}

void link_count_drops(struct link *link)
{
	uint64_t now = driver_drops(link);

	/* A driver that was loaded anew, or whose files cannot be read any more, begins at zero. */
	if (now > link->dropped_before)
		atomic_fetch_add_explicit(&link->dropped_interface, now - link->dropped_before,
					  memory_order_relaxed);
	link->dropped_before = now;
}

/* --- opening ----------------------------------------------------------------------------------------------
 */

static void interface_names(char *out, size_t size)
{
	struct if_nameindex *list = if_nameindex();
	size_t used = 0;

	out[0] = '\0';
	for (struct if_nameindex *i = list; i && i->if_index && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", i->if_name);
	if_freenameindex(list);
}

static bool activation_failed(const char *name, int status, const char *text, struct error *err)
{
	char names[256];

	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		interface_names(names, sizeof names);
		return error_set(err, EXIT_INPUT, "%s: there is no such interface; there are: %s", name,
				 names);
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return error_set(
			err, EXIT_INPUT,
			"%s: no permission to capture:\nrun as root, or once `setcap cap_net_raw+ep` on the "
			"program, or use the service unit;\n`footsteps doctor` says what is missing",
			name);
	case PCAP_ERROR_IFACE_NOT_UP:
		return error_set(err, EXIT_INPUT, "%s is down: `ip link set %s up` first", name, name);
	default:
		return error_set(err, EXIT_INPUT, "%s: cannot capture: %s", name,
				 text[0] ? text : pcap_statustostr(status));
	}
}

static pcap_t *pcap_prepare(const struct interfaces *all, const char *name, struct error *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(name, text);
	uint64_t share = all->options.buffer / all->options.workers;

	if (!pcap) {
		error_set(err, EXIT_INPUT, "%s: cannot capture: %s", name, text);
		return NULL;
	}
	pcap_set_snaplen(pcap, (int)all->options.snaplen);
	pcap_set_promisc(pcap, all->options.promiscuous);
	/* With a timeout, and not in immediate mode, the ring is a TPACKET_V3. */
	pcap_set_timeout(pcap, INTERFACE_BLOCK_MS);
	pcap_set_immediate_mode(pcap, 0);
	pcap_set_buffer_size(pcap, share > INT_MAX ? INT_MAX : (int)share);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	int status = pcap_activate(pcap);

	if (status >= 0)
		return pcap;
	activation_failed(name, status, pcap_geterr(pcap), err);
	pcap_close(pcap);
	return NULL;
}

/* Without an expression it lets all packets pass, and the kernel cuts them to the snaplen all the same. */
static bool filter_set(const struct interfaces *all, pcap_t *pcap, const char *name, struct error *err)
{
	const char *expression = all->options.filter ? all->options.filter : "";
	struct bpf_program code;

	if (pcap_compile(pcap, &code, expression, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return error_set(err, EXIT_USAGE, "%s: the filter \"%s\" is wrong: %s; see pcap-filter(7)",
				 name, expression, pcap_geterr(pcap));
	bool ok = pcap_setfilter(pcap, &code) == 0;

	pcap_freecode(&code);
	return ok || error_set(err, EXIT_INPUT, "%s: the filter cannot be set: %s", name, pcap_geterr(pcap));
}

static bool ring_open(struct interfaces *all, struct link *link, struct ring *ring, struct error *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	int domain = 0;
	socklen_t size = sizeof domain;

	ring->link = link;
	ring->pcap = pcap_prepare(all, link->name, err);
	if (!ring->pcap)
		return false;
	ring->fd = pcap_get_selectable_fd(ring->pcap);
	/* libpcap knows other things, such as USB buses and Netfilter's log. */
	if (ring->fd < 0 || getsockopt(ring->fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
	    domain != AF_PACKET)
		return error_set(err, EXIT_INPUT, "%s is no network interface", link->name);
	if (!filter_set(all, ring->pcap, link->name, err))
		return false;
	if (pcap_setnonblock(ring->pcap, 1, text) != 0)
		return error_set(err, EXIT_INPUT, "%s: %s", link->name, text);
	int datalink = pcap_datalink(ring->pcap);

	link->linktype = datalink == DLT_RAW ? LINKTYPE_RAW : datalink;
	ring->bytes = malloc((size_t)INTERFACE_BATCH * all->options.snaplen);
	return ring->bytes || error_memory(err, "a ring's frames");
}

static int drop_file(const char *name, const char *counter)
{
	char path[160];

	snprintf(path, sizeof path, "/sys/class/net/%s/statistics/%s", name, counter);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Of all workers; the first worker's is the first of the fanout. */
static bool link_open(struct interfaces *all, size_t which, struct error *err)
{
	struct link *link = &all->links[which];
	int sockets[INTERFACE_WORKERS_MAX];

	link->name = all->options.names[which];
	for (size_t i = 0; i < which; i++)
		if (strcmp(all->links[i].name, link->name) == 0)
			return error_set(err, EXIT_USAGE, "the interface %s is named twice", link->name);
	for (unsigned w = 0; w < all->options.workers; w++) {
		struct ring *ring = &all->rings[w * all->options.count + which];

		if (!ring_open(all, link, ring, err))
			return false;
		sockets[w] = ring->fd;
	}
	if (all->options.workers > 1 && !fanout_join(sockets, all->options.workers))
		return error_set(err, EXIT_INPUT,
				 "%s: the kernel does not deal packets out to workers (PACKET_FANOUT: %s): "
				 "use one worker",
				 link->name, strerror(errno));
	link->index = (int)if_nametoindex(link->name);
	link->drop_files[0] = drop_file(link->name, "rx_missed_errors");
	link->drop_files[1] = drop_file(link->name, "rx_fifo_errors");
	link->dropped_before = driver_drops(link);
	return true;
}

static bool options_check(const struct interface_options *options, struct error *err)
{
	if (options->count == 0)
		return error_set(err, EXIT_USAGE, "no interface is named: -i");
	if (options->count > INTERFACES_MAX)
		return error_set(err, EXIT_USAGE, "%zu interfaces are named; %u are possible", options->count,
				 INTERFACES_MAX);
	if (options->workers == 0 || options->workers > INTERFACE_WORKERS_MAX)
		return error_set(err, EXIT_USAGE, "%u workers: 1 to %u are possible", options->workers,
				 INTERFACE_WORKERS_MAX);
	if (options->snaplen == 0 || options->snaplen > 262144) /* MAXIMUM_SNAPLEN of libpcap */
		return error_set(err, EXIT_USAGE, "a snaplen of %u: 1 to 262144 are possible",
				 options->snaplen);
	return true;
}

struct interfaces *interfaces_open(const struct interface_options *options, struct error *err)
{
	if (!options_check(options, err))
		return NULL;
	struct interfaces *all = calloc(1, sizeof *all);

	if (all)
		all->rings = calloc(options->workers * options->count, sizeof *all->rings);
	if (!all || !all->rings) {
		free(all);
		error_memory(err, "the interfaces");
		return NULL;
	}
	all->options = *options;
	for (size_t i = 0; i < options->count; i++)
		all->links[i].drop_files[0] = all->links[i].drop_files[1] = -1;
	for (size_t i = 0; i < options->count; i++) {
		if (!link_open(all, i, err)) {
			interfaces_close(all);
			return NULL;
		}
	}
	/* Until it shares them, each socket gets all packets: the capture begins here, for all of them. */
	all->start_ns = capture_now();
	all->start_monotonic_ns = steady_time();
	for (size_t i = 0; i < options->workers * options->count; i++) {
		ring_count_drops(&all->rings[i]);
		all->rings[i].dropped = 0;
		atomic_store(&all->rings[i].link->dropped_kernel, 0);
	}
	return all;
}

static void reader_init(struct reader_of_rings *r, struct interfaces *all, unsigned worker)
{
	r->all = all;
	r->worker = worker;
	r->count = all->options.count;
	r->rings = &all->rings[worker * r->count];
	for (size_t i = 0; i < r->count; i++)
		r->inputs[i] = (struct input_info){ .path = r->rings[i].link->name,
						    .format = "interface",
						    .container = "",
						    .linktype = r->rings[i].link->linktype,
						    .snaplen = all->options.snaplen };
}

struct source *interfaces_source(struct interfaces *all, unsigned worker, struct error *err)
{
	struct source *s = calloc(1, sizeof *s);
	struct reader_of_rings *r = s ? calloc(1, sizeof *r) : NULL;

	if (r)
		r->inputs = calloc(all->options.count, sizeof *r->inputs);
	if (!r || !r->inputs) {
		error_memory(err, "a source");
	} else if ((r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
		error_set(err, EXIT_INTERNAL, "no eventfd: %s", strerror(errno));
	} else {
		reader_init(r, all, worker);
		*s = (struct source){ &interface_ops, r };
		return s;
	}
	if (r)
		free(r->inputs);
	free(r);
	free(s);
	return NULL;
}

bool interfaces_stats(struct interfaces *all, size_t which, struct interface_stats *out)
{
	if (which >= all->options.count)
		return false;
	struct link *link = &all->links[which];
	int state = atomic_load(&link->state);

	*out = (struct interface_stats){
		.name = link->name,
		.linktype = link->linktype,
		.up = state == LINK_UP,
		.gone = state == LINK_GONE,
		.packets = atomic_load(&link->packets),
		.bytes = atomic_load(&link->bytes),
		.dropped_kernel = atomic_load(&link->dropped_kernel),
		.dropped_interface = atomic_load(&link->dropped_interface),
	};
	return true;
}

int64_t interfaces_now(const struct interfaces *all)
{
	(void)all;
	return capture_now() - 2 * INTERFACE_LATE_NS;
}

size_t interfaces_sockets(const struct interfaces *all, int *sockets)
{
	size_t count = all->options.workers * all->options.count;

	for (size_t i = 0; i < count; i++)
		sockets[i] = all->rings[i].fd;
	return count;
}

void interfaces_close(struct interfaces *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->options.workers * all->options.count; i++) {
		if (all->rings[i].pcap)
			pcap_close(all->rings[i].pcap);
		free(all->rings[i].bytes);
	}
	for (size_t i = 0; i < all->options.count; i++)
		for (size_t k = 0; k < 2; k++)
			if (all->links[i].drop_files[k] >= 0)
				close(all->links[i].drop_files[k]);
	free(all->rings);
	free(all);
}
