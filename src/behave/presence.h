/*
 * In which intervals of time a flow exchanged packets. Exact where no gap inside a flow is longer than an
 * interval (the inactivity timeout of D1 bounds it): every interval between the first and the last packet
 * then has one. Otherwise by the message log: exact but for packets without payload and those beyond
 * MESSAGE_LOG_MAX, of which the last one is known.
 *
 *	struct presence p = presence_of(flow, origin_ns, width_ns, idle_ns);
 *	int64_t interval;
 *	while (presence_next(&p, &interval))
 *		...
 *
 * Intervals come in order, some more than once. Interval i begins at origin_ns + i * width_ns.
 */
#ifndef FS_BEHAVE_PRESENCE_H
#define FS_BEHAVE_PRESENCE_H
#include "base/clock.h"
#include "behave/labelled.h"

struct presence {
	int64_t origin_ns, width_ns;
	int64_t next, last; /* whole: intervals still to come */
	bool whole;
	struct message_reader log;
	int64_t known_ns[4]; /* first and last packet of the flow, and of its sides where there is no log */
	unsigned known, at;
};

/* The interval of a time; also of one before the origin. */
static inline int64_t presence_interval(int64_t ns, int64_t origin_ns, int64_t width_ns)
{
	return time_periods(ns - origin_ns, width_ns);
}

struct presence presence_of(const struct labelled_flow *f, int64_t origin_ns, int64_t width_ns,
			    int64_t idle_ns);
bool presence_next(struct presence *p, int64_t *interval);
#endif
