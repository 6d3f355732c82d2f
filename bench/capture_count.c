/*
 * The yardstick of live capture: a bare libpcap counter with the ring that `footsteps live` has
 * (interface.c), and nothing else. capture_count INTERFACE SNAPLEN BUFFER_BYTES; prints "ready", and at TERM
 * how many packets came, were dropped by the kernel, and what CPU time that took.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static pcap_t *capture;

static void stop(int signal_number)
{
	(void)signal_number;
	pcap_breakloop(capture);
}

static void count(u_char *self, const struct pcap_pkthdr *header, const u_char *bytes)
{
	uint64_t *sums = (uint64_t *)(void *)self;

	(void)bytes;
	sums[0]++;
	sums[1] += header->len;
}

static int fail(const char *what)
{
	fprintf(stderr, "capture_count: %s: %s\n", what, pcap_geterr(capture));
	return 2;
}

int main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program all;
	struct pcap_stat stats;
	struct rusage usage;
	uint64_t sums[2] = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: capture_count INTERFACE SNAPLEN BUFFER_BYTES\n");
		return 1;
	}
	capture = pcap_create(argv[1], why);
	if (!capture) {
		fprintf(stderr, "capture_count: %s\n", why);
		return 2;
	}
	pcap_set_snaplen(capture, (int)strtol(argv[2], NULL, 10));
	pcap_set_promisc(capture, 1);
	pcap_set_timeout(capture, 100);
	pcap_set_buffer_size(capture, (int)strtol(argv[3], NULL, 10));
	pcap_set_tstamp_precision(capture, PCAP_TSTAMP_PRECISION_NANO);
	/* A filter that lets all pass has the kernel cut frames to the snaplen. */
	if (pcap_activate(capture) < 0 || pcap_compile(capture, &all, "", 1, PCAP_NETMASK_UNKNOWN) != 0 ||
	    pcap_setfilter(capture, &all) != 0)
		return fail(argv[1]);
	pcap_freecode(&all);
	signal(SIGTERM, stop);
	puts("ready");
	fflush(stdout);
	if (pcap_loop(capture, -1, count, (u_char *)sums) == PCAP_ERROR || pcap_stats(capture, &stats) != 0)
		return fail(argv[1]);
	getrusage(RUSAGE_SELF, &usage);
	printf("%" PRIu64 " %u %.2f\n", sums[0], stats.ps_drop,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	pcap_close(capture);
	return 0;
}
