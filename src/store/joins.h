/*
 * Flows at the ends of inputs that were read apart and are put together: between their facts and the
 * aggregator. A flow that had not ended when its input did has ended by inactivity, if the others go on for
 * long enough; if one of them goes on with the same 5-tuple within the timeout, it is one flow that was cut
 * in two, and cannot be put together: it is counted.
 */
#ifndef FS_STORE_JOINS_H
#define FS_STORE_JOINS_H
#include "base/error.h"
#include "store/intake.h"

struct join_span { /* of one input */
	int64_t first_ns, last_ns;
};

struct joins;
/* span: copied. */
struct joins *joins_new(const struct join_span *span, size_t spans, int64_t idle_ns, struct error *err);
void joins_free(struct joins *j);
/* Passes on to `behind` (copied). */
struct intake joins_intake(struct joins *j, const struct intake *behind);
uint64_t joins_cut(const struct joins *j);
bool joins_failed(const struct joins *j); /* out of memory: not all were counted */
#endif
