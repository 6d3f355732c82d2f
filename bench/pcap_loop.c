/*
 * The yardstick: what it takes to see every packet of a saved capture through libpcap, and nothing else.
 * Prints how many packets there are and the sum of their captured lengths.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *bytes;
	uint64_t packets = 0, sum = 0;
	int result;

	if (argc != 2) {
		fprintf(stderr, "usage: pcap_loop FILE\n");
		return 1;
	}
	pcap_t *capture = pcap_open_offline(argv[1], why);
	if (!capture) {
		fprintf(stderr, "pcap_loop: %s\n", why);
		return 2;
	}
	while ((result = pcap_next_ex(capture, &header, &bytes)) == 1) {
		packets++;
		sum += header->caplen;
	}
	if (result == PCAP_ERROR)
		fprintf(stderr, "pcap_loop: %s\n", pcap_geterr(capture));
	pcap_close(capture);
	printf("%" PRIu64 " %" PRIu64 "\n", packets, sum);
	return result == PCAP_ERROR ? 2 : 0;
}
