/*
 * Load for a link of one's own: sends frames through a packet socket at a given rate, so many and for so long
 * at most.
 *
 *   live_load [-f CAPTURE | -c PACKETS] INTERFACE PACKETS_PER_SECOND PACKETS SECONDS
 *
 * The frames are those of an Ethernet capture, cut to what the interface takes, again and again; without one,
 * UDP of 32768 pairs of 1024 hosts inside with 32 outside, of sizes as on a link (the simple IMIX: 7 of 64, 4
 * of 594 and 1 of 1518 bytes, check sequence included). -c: a pair that has had so many packets (an even
 * number) goes on as another, with ports and a host outside that are new; not all at once. Prints how many
 * were sent, the rate that was reached, and what part of a processor it had.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST          64U
#define FRAMES_MAX     1000000U
#define BYTES_MAX      (512U << 20)
#define SECONDS_MAX    3600U
#define FRAME_HEADER   14U
#define FRAMES_OF_OURS 65536U
#define HOSTS_OUTSIDE  (FRAMES_OF_OURS / 2 / 1024)

struct frames {
	uint8_t *bytes;
	size_t used, count;
	struct iovec *at;
	uint64_t passes; /* after which a pair is another; 0: it stays */
};

static void put_frame(struct frames *f, const uint8_t *bytes, size_t size)
{
	memcpy(f->bytes + f->used, bytes, size);
	f->at[f->count++] = (struct iovec){ f->bytes + f->used, size };
	f->used += size;
}

static void frames_of_ours(struct frames *f, size_t limit)
{
	static const uint16_t sizes[12] = { 60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60 };

	for (uint32_t i = 0; i < FRAMES_OF_OURS; i++) {
		/* Both directions of each pair, so that a flow has two sides. */
		uint32_t pair = i / 2, low = 0x0a000000U + pair % 1024, high = 0xc6336400U + pair / 1024;
		uint32_t from = i % 2 ? high : low, to = i % 2 ? low : high;
		uint16_t size = sizes[i % 12], ip = (uint16_t)(size - FRAME_HEADER),
			 udp = (uint16_t)(ip - 20);
		uint8_t frame[1514] = { 2,
					0,
					0,
					0,
					0,
					1,
					2,
					0,
					0,
					0,
					0,
					2,
					8,
					0,
					0x45,
					0,
					(uint8_t)(ip >> 8),
					(uint8_t)ip,
					(uint8_t)(i >> 8),
					(uint8_t)i,
					0,
					0,
					64,
					IPPROTO_UDP };

		for (unsigned k = 0; k < 4; k++) {
			frame[26 + k] = (uint8_t)(from >> (24 - 8 * k));
			frame[30 + k] = (uint8_t)(to >> (24 - 8 * k));
		}
		frame[34] = frame[36] = 0x9c; /* both ports: 40000 and some more */
		frame[35] = frame[37] = (uint8_t)(0x40 + pair % 64);
		frame[38] = (uint8_t)(udp >> 8);
		frame[39] = (uint8_t)udp;
		put_frame(f, frame, size < limit ? size : limit);
	}
}

static void put_u16(uint8_t *at, uint64_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Before the frame is sent for the pass-th time. 14 million hosts outside, then they come again. */
static void churn(const struct frames *f, size_t i, uint64_t pass)
{
	uint64_t pair = i / 2, turn = (pass + pair % f->passes) / f->passes,
		 outside = (turn * HOSTS_OUTSIDE + pair / 1024) % (14U << 20), port = 1024 + turn % 60000;
	uint8_t *frame = f->at[i].iov_base, *address = frame + (i % 2 ? 26 : 30);

	address[0] = (uint8_t)(44 + (outside >> 20));
	address[1] = (uint8_t)(outside >> 16);
	put_u16(address + 2, outside);
	put_u16(frame + (i % 2 ? 36 : 34), port);
}

static bool frames_of_capture(struct frames *f, const char *path, size_t limit)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *bytes;
	pcap_t *capture = pcap_open_offline(path, why);

	if (!capture || pcap_datalink(capture) != DLT_EN10MB) {
		fprintf(stderr, "live_load: %s: %s\n", path, capture ? "no Ethernet" : why);
		return false;
	}
	while (f->count < FRAMES_MAX && pcap_next_ex(capture, &header, &bytes) == 1) {
		size_t size = header->caplen < limit ? header->caplen : limit;

		if (f->used + size > BYTES_MAX)
			break;
		if (size >= FRAME_HEADER)
			put_frame(f, bytes, size);
	}
	pcap_close(capture);
	return f->count > 0;
}

static int socket_open(const char *interface, size_t *limit)
{
	struct ifreq request = { 0 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int one = 1, buffer = 4 << 20, fd = socket(AF_PACKET, SOCK_RAW, 0);

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
	address.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || address.sll_ifindex == 0 || ioctl(fd, SIOCGIFMTU, &request) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		fprintf(stderr, "live_load: %s: %s\n", interface, strerror(errno));
		return -1;
	}
	*limit = (size_t)request.ifr_mtu + FRAME_HEADER;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	return fd;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds in which we could have run, but for others. Not getrusage(): most of a frame's way is the softirq's
 * time. */
static double waited(void)
{
	unsigned long long ran = 0, delayed = 0;
	FILE *in = fopen("/proc/self/schedstat", "r");

	if (in) {
		if (fscanf(in, "%llu %llu", &ran, &delayed) != 2)
			delayed = 0;
		fclose(in);
	}
	return (double)delayed / 1e9;
}

static void send_all(int fd, const struct frames *f, double rate, uint64_t most, double seconds)
{
	struct mmsghdr messages[BURST] = { 0 };
	uint64_t sent = 0, next = 0;
	double waited_before = waited(), begun = now(), at = begun;

	while (sent < most && at - begun < seconds) {
		double due = (at - begun) * rate - (double)sent;
		unsigned n = due >= BURST ? BURST : due > 0 ? (unsigned)due : 0;

		if (n > most - sent)
			n = (unsigned)(most - sent);
		for (unsigned i = 0; i < n; i++) {
			if (f->passes)
				churn(f, (next + i) % f->count, (next + i) / f->count);
			messages[i].msg_hdr.msg_iov = &f->at[(next + i) % f->count];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		int done = n ? sendmmsg(fd, messages, n, 0) : 0;

		if (done > 0) {
			sent += (uint64_t)done;
			next += (uint64_t)done;
		} else if (n == 0) {
			usleep(50);
		} else if (errno == EMSGSIZE) {
			next++; /* the interface takes no such frame */
		} else if (errno != ENOBUFS && errno != EAGAIN) {
			fprintf(stderr, "live_load: %s\n", strerror(errno));
			break;
		}
		at = now();
	}
	printf("%" PRIu64 " %.0f %.2f\n", sent, (double)sent / (at - begun),
	       1 - (waited() - waited_before) / (at - begun));
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	uint64_t passes = 0;
	size_t limit;

	if (argc > 2 && strcmp(argv[1], "-f") == 0)
		path = argv[2];
	else if (argc > 2 && strcmp(argv[1], "-c") == 0)
		passes = strtoull(argv[2], NULL, 10) / 2;
	if (path || passes) {
		argv += 2;
		argc -= 2;
	}
	if (argc != 5 || strtoul(argv[4], NULL, 10) > SECONDS_MAX) {
		fprintf(stderr, "usage: live_load [-f CAPTURE | -c PACKETS] INTERFACE PACKETS_PER_SECOND "
				"PACKETS SECONDS (at most 3600)\n");
		return 1;
	}
	struct frames f = { .bytes = malloc(path ? BYTES_MAX : (size_t)FRAMES_OF_OURS * 1514),
			    .at = malloc(FRAMES_MAX * sizeof *f.at),
			    .passes = passes };
	int fd = socket_open(argv[1], &limit);

	if (fd < 0 || !f.bytes || !f.at)
		return 2;
	if (!path)
		frames_of_ours(&f, limit);
	else if (!frames_of_capture(&f, path, limit))
		return 2;
	send_all(fd, &f, strtod(argv[2], NULL), strtoull(argv[3], NULL, 10), strtod(argv[4], NULL));
	free(f.bytes);
	free(f.at);
	close(fd);
	return 0;
}
