/*
 * What a flow worker tells: observations, events, the media and the end of each flow, names of addresses.
 * Whoever takes it fills this table: the aggregator (`read`: plain calls), the facts of a live run (facts.h),
 * the state that `footsteps top` shows (live/state.h), or somebody in between, such as the anonymiser
 * (anonymize.h), who passes it on.
 *
 * Everything is borrowed during the call, and holds copies, never pointers into packets; texts in it are
 * static, interned, or live as long as whoever calls says. A taker keeps its own failure: nothing is
 * returned.
 */
#ifndef FS_STORE_INTAKE_H
#define FS_STORE_INTAKE_H
#include "behave/dns.h"
#include "identify/observer.h"
#include "identify/record.h"

/* Hits of patterns follow a flow's message log, in the room of so many of its entries each. */
#define PATTERN_HIT_ENTRIES (sizeof(struct pattern_hit) / sizeof(struct logged_message))
_Static_assert(sizeof(struct pattern_hit) % sizeof(struct logged_message) == 0, "whole entries");

struct intake {
	void (*observed)(void *self, const struct observation *o);
	void (*occurred)(void *self, const struct occurrence *o);
	/* The media of a flow that ends; before the flow. */
	void (*metered)(void *self, const struct media_report *r);
	/*
	 * A closed flow, with what was logged of it: r->sizes messages, r->thinned entries of its thinned
	 * part, and r->hits hits of PATTERN_HIT_ENTRIES entries each.
	 */
	void (*flow)(void *self, const struct flow_record *r, const struct logged_message *log);
	/* A DNS answer from where a question had gone. */
	void (*named)(void *self, const struct dns_answer *answer, int64_t ts_ns);
	void *self;
};

/* Entries behind a record. */
static inline size_t intake_log_entries(const struct flow_record *r)
{
	return (size_t)r->sizes + r->thinned + r->hits * PATTERN_HIT_ENTRIES;
}
#endif
