/*
 * N1: what clients cost the boxes that keep state for every flow, "e.g., an entry in a NAT table" (RMM
 * section III): how many entries they hold at a time, and how many of these are there for a one-time probe.
 *
 * An entry belongs to a 5-tuple. It exists from the first packet, either way, until the timeout after the
 * last one, that moment included; a TCP connection that was torn down, until its last packet. Media flows
 * hold entries like any other. An entry is a probe's if all its packets are one D6 probe.
 */
#ifndef FS_BEHAVE_STATE_ENTRIES_H
#define FS_BEHAVE_STATE_ENTRIES_H
#include "behave/bursts.h"

/*
 * 30 s: Linux before an answer (nf_conntrack_udp_timeout). 120 s: the least that RFC 4787 REQ-5 allows, and
 * Linux behind it. 200 s: RMM's inactivity timeout. 300 s: what RFC 4787 recommends.
 */
#define STATE_TIMEOUTS 4
extern const int64_t state_timeouts_ns[STATE_TIMEOUTS]; /* ascending */

/* A week in intervals of 5 minutes, those of C(p, i) in RMM section III. */
#define STATE_INTERVALS_MAX 2016

struct state_peak {
	uint64_t peak, peak_probes, peak_tcp; /* most at a time, and what they are then */
	int64_t peak_ns;                      /* when first */
	uint64_t opened, opened_probes;       /* entries in all */
	double mean, mean_probes;             /* over its time; when that is no time at all: the peak */
};
struct state_interval {
	uint32_t entries, probes, tcp; /* at their most, first moment of it */
};

struct state_question {
	const struct burst_table *bursts; /* arranged */
	const struct pair_table *pairs;
	const struct measured_client *client; /* by number - 1; their mean is over D13 */
	uint32_t clients;
	int64_t first_ns, last_ns; /* of the run: the time of all together */
};

struct state_entries;
struct state_entries *state_entries_new(const struct state_question *question, struct error *err);
void state_entries_free(struct state_entries *s);
/* Counts for one timeout; what was counted before is forgotten. */
bool state_entries_count(struct state_entries *s, int64_t timeout_ns, struct error *err);

/* NULL: it never held one. */
const struct state_peak *state_entries_client(const struct state_entries *s, uint32_t number);
/* All clients of a protocol. A conversation between two of them is one entry here. */
const struct state_peak *state_entries_all(const struct state_entries *s, unsigned protocol);
/* In the run's time, in equal intervals that begin at multiples of their width since 1970. */
uint32_t state_entries_intervals(const struct state_entries *s, int64_t *first_ns, int64_t *width_ns);
const struct state_interval *state_entries_interval(const struct state_entries *s, unsigned protocol,
						    uint32_t i);
#endif
