/*
 * When each client and peer exchanged packets, small enough to keep for a whole run: what a question of the
 * form "and if the timeout were T?" is answered from (N1, N2).
 *
 * A burst is a longest sequence of packets of one flow in which no gap is longer than BURST_GAP_NS, the
 * smallest timeout that anything asks for; for a longer T, bursts of a conversation are put together where
 * the gap between them is at most T ("exactly T apart belongs together", as in D1). Times are ticks of
 * BURST_TICK_NS, as in the message log: a gap of less than a tick above T counts as T.
 *
 * A burst has a time for each packet that is in the message log of its flow. Others are taken to come without
 * a gap: behind the log's last one when the log is full, else before its first one (a log may begin after the
 * flow did, and packets without payload are not in it). A flow without a log is one burst, from its first to
 * its last packet; so is a TCP flow.
 *
 * Bounded: from BURSTS_TIMED_MAX bursts on each flow is one, as if it had no log, so that what is asked of
 * timeouts from the run's own on stays right; flows beyond BURSTS_MAX are left out. Both are counted.
 */
#ifndef FS_BEHAVE_BURSTS_H
#define FS_BEHAVE_BURSTS_H
#include "base/clock.h"
#include "behave/labelled.h"

#define BURST_TICK_NS MESSAGE_TICK_NS
#define BURST_GAP_NS  (30 * NS_PER_S)
/* Of 16 bytes. RMM's week on a campus has 2.5 million flows and 18 million packets. */
#define BURSTS_TIMED_MAX 8000000U
#define BURSTS_MAX       12000000U

struct burst {
	uint32_t link; /* the one before it in its conversation, as index + 1; then its place */
	uint32_t start_low, length_low;
	uint16_t start_high; /* 48 bits: 89 years of ticks since the run's first packet */
	uint8_t length_high; /* 40 bits: 127 days; longer ones end then */
	uint8_t bits;
};
_Static_assert(sizeof(struct burst) == 16, "millions of them are kept");

/* The UDP flows of a pair, or the TCP flows of a client that have the same two ends. */
struct conversation {
	uint32_t client; /* number; 0: it has no burst */
	uint32_t first;  /* before burst_table_arrange(): its newest burst, as index + 1 */
	uint32_t bursts;
};

struct burst_table;
/* pairs: how many pair indexes there are; first_ns, idle_ns: of the run. */
struct burst_table *burst_table_new(uint32_t pairs, int64_t first_ns, int64_t idle_ns, struct error *err);
void burst_table_free(struct burst_table *t);
/* Flows of one conversation come in their order. UDP flows without a pair (--max-pairs) are left out. */
bool burst_table_add(struct burst_table *t, const struct labelled_flow *f, struct error *err);
/* After the last flow: brings the bursts of each conversation together. */
void burst_table_arrange(struct burst_table *t);

uint32_t burst_table_count(const struct burst_table *t);
/* Pairs by their index, then TCP. */
uint32_t burst_table_conversations(const struct burst_table *t);
const struct conversation *burst_table_conversation(const struct burst_table *t, uint32_t index);
int64_t burst_table_tick(const struct burst_table *t,
			 int64_t ns); /* since the run's first packet; never < 0 */
int64_t burst_table_ns(const struct burst_table *t, int64_t tick);
/* Flows left out at the bound; flows made one burst for it; and packets of flows longer than BURST_GAP_NS
 * whose time is not known for that or any other reason. */
uint64_t burst_table_refused(const struct burst_table *t);
uint64_t burst_table_coarse(const struct burst_table *t);
uint64_t burst_table_untimed(const struct burst_table *t);

/*
 * What the flows of a conversation would be with another timeout:
 *
 *	struct sub_flow_reader r = sub_flows_on(t, conversation, SUB_FLOWS_SIGNALLING, timeout_ns);
 *	struct sub_flow s;
 *	while (sub_flow_next(&r, &s))
 *		...
 */
enum sub_flow_rule {
	/* D1: as if the run's timeout were this one. At or below the run's own, flows stay apart as they are,
	 * and with the run's own they come out as they are, to the nanosecond. Media (D11) is left out. */
	SUB_FLOWS_SIGNALLING,
	/* A table of a NAT or firewall, which knows nothing of flows: gaps alone count, media too, and a
	 * connection ends when it is torn down. */
	SUB_FLOWS_ENTRIES,
};
struct sub_flow {
	int64_t first, last; /* ticks */
	bool probe;          /* D6, by the sender of its first packet */
	bool torn_down;      /* TCP, by FINs or RST */
};
struct sub_flow_reader {
	const struct burst *at, *end; /* borrowed */
	enum sub_flow_rule rule;
	int64_t timeout; /* ticks */
	bool above_idle, below_idle;
};
struct sub_flow_reader sub_flows_on(const struct burst_table *t, const struct conversation *c,
				    enum sub_flow_rule rule, int64_t timeout_ns);
bool sub_flow_next(struct sub_flow_reader *r, struct sub_flow *s);
#endif
