/*
 * The account of a run: every frame in exactly one counter of area "packets", every flow in exactly one of
 * area "flows", the judgement of the trace in area "trace". The sums are checked, not hoped for.
 */
#ifndef FS_STORE_ACCOUNT_H
#define FS_STORE_ACCOUNT_H
#include "behave/judge.h"
#include "decode/decode.h"
#include "flow/flow_table.h"
#include "store/sink.h"
#include <stdio.h>

struct run_facts {
	struct source *source;
	const struct decoder *decoder;
	const struct flow_table *flows;
	uint64_t patterns_untold; /* identifier_hits_untold() */
};

/* Checks that the counts add up; EXIT_INTERNAL with both numbers when they do not. */
bool account_check(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   struct error *err);
/* Completes the judgement from the stages' counts. */
void account_judge(struct judge *judge, const struct run_facts *facts);
/* The sums, written out: `read --self-check`. */
void account_print(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   FILE *out);
bool account_put(struct sink *sink, const struct run_facts *facts, const struct judge *judge,
		 struct error *err);
#endif
