/* A flow table, packets for it, and the flows that it has ended. */
#ifndef FS_TEST_FLOW_BUILD_H
#define FS_TEST_FLOW_BUILD_H
#include "flow/flow_table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MAX_ENDED 5000

struct ended {
	struct flow flow;
	enum flow_end why;
};
struct world {
	struct flow_table *table;
	struct ended ended[MAX_ENDED];
	unsigned count;
	uint64_t number;
	struct flow_step step;
	enum flow_want want;
};

static inline void on_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct world *w = self;

	assert_true(w->count < MAX_ENDED);
	w->ended[w->count].flow = *flow;
	w->ended[w->count++].why = why;
}

static inline struct world *world_new(uint32_t max_flows, uint32_t head_bytes)
{
	struct world *w = calloc(1, sizeof *w);
	const struct flow_table_options options = { .idle_ns = 200 * NS_PER_S,
						    .max_flows = max_flows,
						    .head_bytes = head_bytes };
	struct error err;

	assert_non_null(w);
	w->table = flow_table_new(&options, (struct flow_table_listener){ on_ended, w }, &err);
	assert_non_null(w->table);
	w->want = WANT_STREAM;
	return w;
}

static inline void world_free(struct world *w)
{
	flow_table_free(w->table);
	free(w);
}

static inline struct endpoint end_of(uint8_t host, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 10, 0, 0, host }), port };
}

/* Host 1 is the low end, host 2 the high one. */
static inline struct packet packet_of(uint8_t l4, bool from_low, uint16_t port, int64_t ts_ns,
				      struct span payload)
{
	return (struct packet){
		.ts_ns = ts_ns,
		.key = { .low = end_of(1, port), .high = end_of(2, 53), .l4 = l4 },
		.from_low = from_low,
		.payload = payload,
		.payload_wire = (uint32_t)payload.len,
		.l3_wire = (uint32_t)payload.len + 28,
	};
}

static inline struct flow_step *feed(struct world *w, struct packet *p)
{
	struct error err;

	p->number = ++w->number;
	assert_true(flow_table_packet(w->table, p, flow_table_hash(w->table, p), &w->step, &err));
	/* The dissectors would look now; head is borrowed until the next packet, as settle() may free it. */
	return &w->step;
}

static inline void settle(struct world *w, const struct packet *p)
{
	flow_table_settle(w->table, p, &w->step, w->want);
}

static inline struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static inline void udp(struct world *w, bool from_low, uint16_t port, int64_t ts_ns)
{
	struct packet p = packet_of(IPPROTO_UDP, from_low, port, ts_ns, text("xyz"));
	feed(w, &p);
	settle(w, &p);
}

static inline void assert_stats(struct world *w, uint64_t flows, uint64_t packets)
{
	struct flow_table_stats stats;
	uint64_t ended = 0;

	flow_table_finish(w->table);
	flow_table_stats(w->table, &stats);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		ended += stats.ended[i];
	assert_int_equal(stats.flows, flows);
	assert_int_equal(ended, flows);
	assert_int_equal(w->count, flows);
	assert_int_equal(stats.packets, packets);
}
#endif
