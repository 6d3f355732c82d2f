/* The counts of all streams of a run put together, for its account and the judgement of its trace. */
#ifndef FS_STORE_FACTS_COUNTS_H
#define FS_STORE_FACTS_COUNTS_H
#include "store/facts.h"

struct facts_counts;
struct facts_counts *facts_counts_new(struct error *err);
void facts_counts_free(struct facts_counts *c);
/* A stream that is going to be told, from this chunk on: with seq 1 from its beginning. Again: it goes on. */
bool facts_counts_begin(struct facts_counts *c, const struct facts_place *first, struct error *err);
/* Chunks of the stream are missing before the next one. elsewhere: they are in another file, and what they
 * had counted is not to be counted here. */
void facts_counts_gap(struct facts_counts *c, const struct facts_place *place, bool elsewhere);
/* As facts_listener.counts; self is a facts_counts. Failures are kept. */
void facts_counts_note(void *self, const struct facts_place *place, const struct stage_counts *counts,
		       int64_t first_ns, int64_t last_ns);
/* *whole: every stream is here from its beginning without gaps, and ended with no flow alive. False: out of
 * memory. */
bool facts_counts_sum(struct facts_counts *c, struct stage_counts *sum, bool *whole, struct error *err);
#endif
