/*
 * A flow worker: frames in; observations, events and closed flows out. It holds everything up to and
 * including flow/ and identify/ on the worker's side, and shares nothing with other workers. `read` has one,
 * in the reader's thread; `live` has as many as -j says, each with a source of its own. One thread at a time.
 */
#ifndef FS_STORE_WORKER_H
#define FS_STORE_WORKER_H
#include "behave/judge.h"
#include "decode/decode.h"
#include "flow/flow_table.h"
#include "store/intake.h"

#define WORKER_BATCH 32U /* frames at a time; more is not faster */

struct worker_options {
	struct decode_options decode;
	struct flow_table_options flows; /* max_flows: of this worker */
	bool ndpi;
	unsigned ndpi_packets;
	const struct voice_models *models; /* borrowed; may be NULL */
};

/* The numbers of struct stage_counts that are sums, one by one; those by reason, end and judgement come in
 * arrays. */
#define STAGE_SUMS(X)                                                                                        \
	X(frames)                                                                                            \
	X(filtered)                                                                                          \
	X(decode.tunnelled)                                                                                  \
	X(decode.fragments)                                                                                  \
	X(decode.snapped)                                                                                    \
	X(flows.flows)                                                                                       \
	X(flows.packets)                                                                                     \
	X(flows.disordered_packets)                                                                          \
	X(flows.duplicate_packets)                                                                           \
	X(flows.retransmitted_packets)                                                                       \
	X(flows.heads_lost)                                                                                  \
	X(flows.icmp_matched)                                                                                \
	X(passed_over)                                                                                       \
	X(unmeasured)                                                                                        \
	X(hits_refused)                                                                                      \
	X(patterns_untold)                                                                                   \
	X(dropped)                                                                                           \
	X(lost)
/* ... and those that are as of now: they add up over workers, not over time. */
#define STAGE_STATES(X)                                                                                      \
	X(flows_alive)                                                                                       \
	X(packets_alive)

/*
 * Counts since the worker was made. Those of several workers, and of one worker before and after a restart,
 * add up by stage_counts_add(): sums, but for what is a maximum.
 */
struct stage_counts {
	uint64_t frames;   /* given to the worker */
	uint64_t filtered; /* left out before, by a BPF filter; `read` alone knows them */
	uint64_t account[DECODE_REASON_COUNT];
	struct decode_extras decode;
	struct flow_table_stats flows;
	uint64_t flows_alive, packets_alive; /* not ended yet, and what was counted in them */
	uint64_t passed_over, unmeasured, hits_refused, patterns_untold;
	uint64_t dropped;   /* by the capturing system, all causes */
	uint64_t lost;      /* records of flows and events that the store had no room for (live) */
	struct judge judge; /* of the frames; flows are judged by the aggregator */
};
void stage_counts_add(struct stage_counts *sum, const struct stage_counts *one);

struct worker;
struct worker *worker_new(const struct worker_options *options, const struct intake *intake,
			  struct error *err);
void worker_free(struct worker *w);
/* At most WORKER_BATCH frames, all valid together, in the order of the trace; the first has this number, the
 * others follow. */
bool worker_frames(struct worker *w, const struct frame *frames, size_t count, uint64_t number,
		   struct error *err);
/*
 * Nothing came, and nothing older than now_ns (capture clock) is going to: flows that are over end now, not
 * at the next packet. Changes no result, only when it is known.
 */
void worker_tick(struct worker *w, int64_t now_ns);
/* ICMP errors quote packets whose flow another worker may have: it is told by worker_quote(). listener:
 * called for every quote that met no flow here; NULL (default): nobody wants to know. */
struct worker_quote {
	struct flow_key key;
	int64_t ts_ns; /* of the ICMP error */
	uint8_t icmp_type, icmp_code;
};
void worker_on_quote(struct worker *w, void (*listener)(void *self, const struct worker_quote *q),
		     void *self);
void worker_quote(struct worker *w, const struct worker_quote *q);
/* Ends all flows and gives their memory back; no frames after that. */
void worker_finish(struct worker *w);
void worker_counts(const struct worker *w, struct stage_counts *out);
/* What is a maximum in the counts is from now on that of what comes: what a file of a live run has seen
 * cannot be had from maxima since the start. */
void worker_maxima_anew(struct worker *w);
/*
 * Flows that carry media at this moment: a message of them within the last 5 s of now_ns, or within those
 * before the last call of this function, so that whoever looks late misses none. For `top`.
 */
#define WORKER_CALLS_MAX 256U
struct worker_call {
	int64_t first_ns; /* of the flow */
	int64_t began_ns; /* the first second of talk */
	struct endpoint initiator, responder;
	uint64_t packets;
};
size_t worker_calls(struct worker *w, int64_t now_ns, struct worker_call out[WORKER_CALLS_MAX]);
#endif
