/*
 * The live pipeline: N worker threads (source -> flow worker -> facts), and the recorder's thread, which
 * takes their chunks, keeps the state that people look at (state.h) and feeds the store. Queues are bounded:
 * a worker whose chunks nobody takes waits, and the kernel's ring fills; the store itself never makes the
 * recorder wait.
 *
 * It is fed by sources, not by interfaces, so that tests can play any trace, clock steps and floods included.
 */
#ifndef FS_LIVE_ENGINE_H
#define FS_LIVE_ENGINE_H
#include "base/cryptopan.h"
#include "capture/record.h"
#include "live/state.h"
#include "store/live_store.h"

struct engine_options {
	struct worker_options worker;
	struct source **source; /* of each worker; borrowed */
	unsigned workers;
	const struct cryptopan *pan; /* NULL: addresses as they are */
	struct recording **record;   /* of each worker; NULL: nothing is recorded */
	int64_t record_ns;           /* of the capture clock, from the first frame; 0: all */
	struct live_store *store;    /* borrowed */
	struct live_state *state;    /* borrowed */
	int64_t (*now)(
		const void *self); /* the capture clock: on an idle link nothing older comes any more */
	/* Interfaces, for the minutes; false: no such. NULL: none. */
	bool (*interface)(void *self, size_t which, struct interface_stats *out);
	void *self;
	void (*every_second)(void *self); /* in the recorder's thread; or NULL */
};

struct engine;
struct engine *engine_start(const struct engine_options *options, struct error *err);
/* All sources have ended or failed. */
bool engine_done(const struct engine *e);
/* All threads have made a turn within this time, of the real clock: for a watchdog. */
bool engine_alive(const struct engine *e, int64_t within_ns);
/* Of all workers, as of the last second; after engine_stop() final. */
void engine_counts(const struct engine *e, struct stage_counts *sum);
/* The store's, likewise. */
void engine_storage(const struct engine *e, struct live_store_status *out);
/* Ends the sources, waits for the threads, hands everything to the store (which the caller finishes). *err:
 * the first failure of a worker. */
bool engine_stop(struct engine *e, struct problems *problems, struct error *err);
void engine_free(struct engine *e);
#endif
