/* The engine's insides, shared by engine.c (the recorder, start and end) and engine_worker.c (the workers).
 */
#ifndef FS_LIVE_ENGINE_PARTS_H
#define FS_LIVE_ENGINE_PARTS_H
#include "base/clock.h"
#include "live/engine.h"
#include "store/anonymize.h"
#include <pthread.h>
#include <stdatomic.h>

/*
 * Chunks of a worker that wait for the recorder: 8 MB before compression. Only a recorder that stands still
 * lets so many come together; then the worker waits, and the kernel's ring fills.
 */
#define ENGINE_QUEUE 32U

/* Quotes of ICMP errors that wait for a worker. They are rare: a router sends a few in a second. */
#define ENGINE_QUOTES 256U

/* Between two frames of a worker; a gap in the trace is a minute at least (behave/judge.h). */
#define ENGINE_SILENCE_NS NS_PER_S

/* At the end, of an idle worker: 40 minutes, far more than one worker of a link is behind another. */
#define ENGINE_STEPS_MAX 10000U

struct engine_worker {
	struct engine *engine;
	unsigned number;
	pthread_t thread;
	bool started;
	struct source *source;
	struct worker *worker;
	struct facts_writer *facts;
	struct anonymizer *anonymizer; /* NULL: addresses as they are */
	struct intake behind;          /* of the worker's: the anonymizer's, or the writer's */
	int64_t stamp_ns;              /* of what is written now */
	struct recording *record;      /* NULL: nothing is recorded, or not any more */
	/* Times of frames since the last counts; both 0: none came. */
	int64_t first_ns, last_ns;
	int64_t reached_ns;           /* time of the last frame or tick */
	int64_t next_second_ns;       /* real time */
	_Atomic int64_t alive_ns;     /* real time of the last turn of its loop */
	_Atomic uint64_t quotes_lost; /* for this worker; its mailbox was full */

	/* Under the engine's lock: */
	struct facts_chunk chunk[ENGINE_QUEUE]; /* a ring */
	unsigned oldest, chunks;
	struct worker_quote mail[ENGINE_QUOTES]; /* from other workers */
	_Atomic unsigned mails;                  /* changed under the lock */
	struct stage_counts counts; /* as of the last second */
	bool done;                  /* no chunk comes any more */
};

struct engine {
	struct engine_options options;
	struct engine_worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied; /* a queue has something; one has room, or a worker is at its end */
	pthread_t recorder;
	bool has_recorder, has_lock;
	_Atomic uint64_t numbers;          /* of frames, given out */
	_Atomic uint64_t records_lost;     /* by the store, as of the last second */
	_Atomic int64_t record_until;      /* capture clock; 0: no frame came yet */
	_Atomic int64_t recorder_alive_ns; /* as alive_ns */

	/* Under the lock: */
	unsigned working, at_end; /* workers that were started; of these, at their source's end */
	int64_t reached_ns;       /* most of those at the end */
	struct problems problems;
	struct live_store_status storage; /* as of the last second */
	bool failed;
	struct error failure; /* the first of a worker */
};

/* Of a worker or the recorder: the run ends, with what is there. */
void engine_fail(struct engine *e, const struct error *err);
void engine_say(struct engine *e, const char *line); /* to the state, and with the run's problems */

bool engine_worker_new(struct engine_worker *w, struct error *err);
void engine_worker_free(struct engine_worker *w);
void *engine_worker_run(void *worker); /* its thread */
#endif
