/*
 * The whole pipeline behind the source: decode, flows, recognition, aggregation. One thread, plain calls in
 * the order of the folders; `read` feeds it from files, live capture will feed the same calls.
 */
#ifndef FS_STORE_PIPELINE_H
#define FS_STORE_PIPELINE_H
#include "base/problems.h"
#include "store/aggregate.h"

struct pipeline_options {
	struct decode_options decode;
	struct flow_table_options flows;
	struct aggregate_options aggregate;
	bool ndpi;
	unsigned ndpi_packets;
};

struct pipeline;
struct pipeline *pipeline_new(const struct pipeline_options *options, struct error *err);
void pipeline_free(struct pipeline *p);
#define PIPELINE_BATCH 32U /* frames at a time; more is not faster */
/* At most PIPELINE_BATCH frames, all valid together, in the order of the trace. */
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
