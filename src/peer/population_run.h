/* A plan, as it happens. */
#ifndef FS_PEER_POPULATION_RUN_H
#define FS_PEER_POPULATION_RUN_H
#include "peer/message.h"
#include "peer/population_plan.h"
#include "peer/queue.h"

enum talk_step {              /* what a pair does next */
		 STEP_FLOW,   /* begins a flow */
		 STEP_ANSWER, /* the other end answers the question */
		 STEP_ROUND,  /* another question in the same flow */
		 STEP_AGAIN,  /* the same question once more, as nobody answered (wire A2) */
};

struct talk { /* of a pair */
	const struct exchange *exchange;
	int64_t gap_ns;   /* mean pause between the rounds of the flow; 0: none */
	int64_t until_ns; /* no further round begins after this */
	uint32_t rounds;  /* of the flow, still to come */
	uint16_t id;      /* of the question */
	uint8_t check[4];
	uint8_t step;     /* enum talk_step */
	uint8_t sendings; /* of the question */
	uint32_t done;    /* rounds of the flow */
	bool from_near, is_dialog, is_long, answered;
	bool asks_back; /* the question is the client's, to a peer that asked first; then the peer's again */
};

enum voice_step {                 /* of a call */
		  VOICE_QUESTION, /* the caller asks, in the flow that the voice will have */
		  VOICE_ANSWER,
		  VOICE_RINGS,
		  VOICE_TALKS,
};
struct voice {
	int64_t begins_ns;    /* of the first voice message */
	int64_t next_ns[2];   /* by sender: near, far */
	uint32_t messages[2]; /* sent */
	uint16_t id[2];
	uint8_t step; /* enum voice_step */
};

/* Gives out whole ones of a share, evenly: of 0.3, every third or fourth time one. */
struct ration {
	double upto;
};

struct run {
	struct plan *plan;
	const struct population *model;
	struct wire *wire;
	struct truth *truth;
	struct rng rng;
	struct queue *queue;
	struct talk *talk;            /* of each pair */
	struct voice *voice;          /* of each call */
	double long_share[CLASSES];   /* of the dialogs of a class */
	struct ration longs[CLASSES]; /* long dialogs that are due */
	double long_at[CLASSES];      /* the quantile that the last one had */
	double owed[CLASSES];         /* packets that found no time in theirs */
	bool failed;                  /* no memory */
	uint8_t bytes[MESSAGE_MAX];
};

#define EVENT_CALL                                                                                           \
	(UINT64_C(1) << 32) /* of queue_event.what: and the number of the call; else that of a pair */

void talk_prepare(struct run *r);
/* The next id of the client of the pair, or of its peer; it takes `step` of them. */
uint16_t talk_next_id(struct run *r, const struct plan_pair *pair, bool near, unsigned step);
void talk_event(struct run *r, uint32_t pair, int64_t now);
void voice_event(struct run *r, uint32_t call, int64_t now);
/* The 5-tuple of a pair; NULL: no memory. */
struct conversation *run_conversation(struct run *r, uint32_t pair);
void run_at(struct run *r, int64_t ns, uint64_t what);
#endif
