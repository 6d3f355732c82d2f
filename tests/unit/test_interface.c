/* Rings of two interfaces, merged by time while the reader is held up: played, with a clock of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "capture/interface_parts.h"
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SNAPLEN 64U
#define FRAMES  200U
#define T0      (INT64_C(1700000000) * NS_PER_S)

static int64_t now_ns, held_up_ns, every_ns; /* from one frame to the next */
static unsigned looks, held_up_at;           /* at rings; after which of them */
static struct played {
	unsigned next; /* of its frames, each of which has every second number */
} played[2];

/* In the place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = now_ns / NS_PER_S;
	now->tv_nsec = now_ns % NS_PER_S;
	return 0;
}

/* In the place of libpcap's: what has come to the ring by now. */
int pcap_dispatch(pcap_t *ring, int most, pcap_handler take, u_char *self)
{
	struct played *p = (struct played *)(void *)ring;
	uint8_t bytes[SNAPLEN] = { 0 };
	int taken = 0;

	for (; taken < most && p->next < FRAMES / 2; taken++, p->next++) {
		int64_t ts_ns = T0 + (int64_t)(2 * p->next + (p == &played[1])) * every_ns;
		struct pcap_pkthdr header = { { ts_ns / NS_PER_S, ts_ns % NS_PER_S }, SNAPLEN, SNAPLEN };

		if (ts_ns > now_ns)
			break;
		take(self, &header, bytes);
	}
	now_ns += every_ns / 10;
	if (++looks == held_up_at)
		now_ns += held_up_ns;
	return taken;
}

static void read_all(void)
{
	struct interfaces all = { .options = { .workers = 1, .count = 2, .snaplen = SNAPLEN } };
	struct input_info inputs[2] = { { .path = "a" }, { .path = "b" } };
	struct ring rings[2] = { 0 };
	struct reader_of_rings r = { .all = &all,
				     .rings = rings,
				     .inputs = inputs,
				     .count = 2,
				     .wake_fd = eventfd(0, 0),
				     .next_look_ns = INT64_MAX };
	struct source s = { &interface_ops, &r };
	struct frame frames[32];
	enum source_result result;
	unsigned got = 0;

	now_ns = T0;
	looks = 0;
	memset(played, 0, sizeof played);
	for (size_t i = 0; i < 2; i++)
		rings[i] = (struct ring){ .link = &all.links[i],
					  .pcap = (pcap_t *)(void *)&played[i],
					  .fd = eventfd(1, 0), /* as if there were something always */
					  .bytes = malloc((size_t)INTERFACE_BATCH * SNAPLEN),
					  .begun = true };
	while (got < FRAMES) {
		size_t n = source_next_batch(&s, frames, 32, &result, NULL);

		assert_true(result == SOURCE_FRAME || result == SOURCE_IDLE);
		for (size_t i = 0; i < n; i++, got++)
			if ((frames[i].ts_ns - T0) / every_ns != got)
				fail_msg("frame %d is the %u., held up %d ms behind look %u",
					 (int)((frames[i].ts_ns - T0) / every_ns), got,
					 (int)(held_up_ns / NS_PER_MS), held_up_at);
	}
	for (size_t i = 0; i < 2; i++) {
		close(rings[i].fd);
		free(rings[i].bytes);
	}
	close(r.wake_fd);
}

/* Wherever between two looks at rings: that one has much newer frames by then is no sign that a clock was set
 * back, and one that was looked at before may have older ones. */
static void order_of_one_held_up(void **state)
{
	static const int64_t between_ns[] = { 10 * NS_PER_MS, 600 * NS_PER_MS },
			     held_ns[] = { 0, 100 * NS_PER_MS, 6 * NS_PER_S };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (held_up_at = 1; held_up_at < 200; held_up_at++) {
			for (size_t k = 0; k < 3; k++) {
				every_ns = between_ns[i];
				held_up_ns = held_ns[k];
				read_all();
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(order_of_one_held_up) };

	return cmocka_run_group_tests_name("interface", tests, NULL, NULL);
}
