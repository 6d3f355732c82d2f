/*
 * The whole pipeline behind the source, in one thread: a flow worker, and the aggregator that it tells.
 */
#ifndef FS_STORE_PIPELINE_H
#define FS_STORE_PIPELINE_H
#include "base/cryptopan.h"
#include "store/aggregate.h"
#include "store/facts.h"
#include "store/worker.h"

struct pipeline_options {
	struct worker_options worker;
	struct aggregate_options aggregate;
	const struct cryptopan *pan; /* borrowed; NULL: addresses as they are */
	/* The facts of the run are wanted, too (`read --facts`): chunks of session 1, worker 0. False when
	 * one cannot be kept. NULL: nobody wants them. */
	bool (*keep)(void *self, const struct facts_chunk *chunk, struct error *err);
	void *keep_self;
};

struct pipeline;
struct pipeline *pipeline_new(const struct pipeline_options *options, struct error *err);
void pipeline_free(struct pipeline *p);
/* At most WORKER_BATCH frames, all valid together, in the order of the trace. */
bool pipeline_frames(struct pipeline *p, const struct frame *frames, size_t count, struct error *err);
/*
 * No more frames: ends all flows, lets the verdicts fall, writes the run into the sink (without finishing
 * it). run is completed from what the pipeline knows; problems holds what the caller knows already and gets
 * the rest.
 */
bool pipeline_finish(struct pipeline *p, struct source *source, struct sink *sink, struct run_row *run,
		     struct problems *problems, struct aggregate_summary *summary, struct error *err);
/* After pipeline_finish(): the account, written out. */
void pipeline_print_account(const struct pipeline *p, struct source *source,
			    const struct aggregate_summary *summary, FILE *out);
uint64_t pipeline_frame_count(const struct pipeline *p);
/* For USR1. */
void pipeline_flow_stats(const struct pipeline *p, struct flow_table_stats *out);
#endif
