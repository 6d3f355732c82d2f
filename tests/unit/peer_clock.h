/* A net that has a clock and timers and nothing else yet: the tests of roles add what they need. */
#ifndef TESTS_UNIT_PEER_CLOCK_H
#define TESTS_UNIT_PEER_CLOCK_H
#include "peer/net.h"

struct clock_timer {
	int64_t ns;
	uint64_t order;
	net_timer_fn fn;
	void *self;
	uint64_t what;
};

struct clock_net {
	struct net net; /* first */
	int64_t now;
	uint64_t order;
	struct clock_timer timer[4096];
	size_t timers;
};

static inline int64_t clock_now(const struct net *net)
{
	return ((const struct clock_net *)net)->now;
}

static inline void clock_after(struct net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what)
{
	struct clock_net *c = (struct clock_net *)net;

	assert_true(delay_ns >= 0);
	assert_true(c->timers < sizeof c->timer / sizeof c->timer[0]);
	c->timer[c->timers++] = (struct clock_timer){ c->now + delay_ns, c->order++, fn, self, what };
}

static inline bool clock_earlier(const struct clock_timer *a, const struct clock_timer *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

static inline void clock_run(struct clock_net *c, int64_t until)
{
	for (;;) {
		size_t first = 0;
		for (size_t i = 1; i < c->timers; i++)
			if (clock_earlier(&c->timer[i], &c->timer[first]))
				first = i;
		if (c->timers == 0 || c->timer[first].ns > until)
			break;
		struct clock_timer t = c->timer[first];
		c->timer[first] = c->timer[--c->timers];
		c->now = t.ns;
		t.fn(t.self, t.what);
	}
	c->now = until;
}
#endif
