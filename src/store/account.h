/*
 * The account of a run: every frame in exactly one counter of area "packets", every flow in exactly one of
 * area "flows", the judgement of the trace in area "trace". The sums are checked, not hoped for.
 */
#ifndef FS_STORE_ACCOUNT_H
#define FS_STORE_ACCOUNT_H
#include "base/problems.h"
#include "behave/judge.h"
#include "store/sink.h"
#include "store/worker.h"
#include <stdio.h>

struct run_facts {
	struct stage_counts counts; /* of all workers together */
	uint64_t read;              /* frames of the inputs, those included that a filter left out */
	struct source *inputs;      /* source_input() and source_settle() of it are asked, nothing else */
	/* Made before the end, or of a run that was killed: counts may lag behind the flows that came out,
	 * and flows that are alive, or were then, are in a counter of their own. */
	bool partial;
	/* Where there is no sink yet: opens it when the first row is there to be put. */
	struct sink *(*open_sink)(void *self, struct error *err);
	void *self;
};

/* Checks that the counts add up; error_contradiction() with both numbers when they do not. */
bool account_check(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   struct error *err);
/* How flows ended is what came out in the end; partial: so is how many there were. After the check. */
void account_settle(struct run_facts *facts, const uint64_t ended[FLOW_END_COUNT]);
/* What had to be left out before the aggregator. */
void account_problems(const struct stage_counts *counts, struct problems *problems);
/* Completes the judgement of the flows from the stages' counts. */
void account_judge(struct judge *judge, const struct run_facts *facts);
/* The sums, written out: `read --self-check`. */
void account_print(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   FILE *out);
bool account_put(struct sink *sink, const struct run_facts *facts, const struct judge *judge,
		 struct error *err);
#endif
