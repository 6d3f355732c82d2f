/*
 * A call at one of its ends: what client_call.c (events, connections, the list), call_signalling.c and
 * call_media.c share. BS sections IV.D, IV.E, V.
 */
#ifndef FS_PEER_CALL_H
#define FS_PEER_CALL_H
#include "peer/call_plan.h"
#include "peer/client.h"

enum call_stage {
	CALL_SETTING_UP,
	CALL_TALKING,
	CALL_ENDING, /* media are over */
	CALL_OVER,
};

struct call_leg { /* a connection of the call */
	struct client_link hook;
	struct link *link; /* NULL: there is none */
};

struct call {
	struct call *next;
	struct client *client;
	struct call_plan plan;
	const struct party *other;
	bool caller;      /* this end is the caller */
	uint64_t number;  /* of the event, in the scenario's list */
	int64_t began_ns; /* when the event was */
	enum call_stage stage;
	bool met; /* something came from the other end */
	struct call_leg signalling, media;
	unsigned said, heard;         /* signalling messages of this stage */
	struct endpoint far;          /* of the media */
	int64_t due_ns;               /* next media message, by an even clock */
	int64_t media_came_ns;        /* the last one of the other end */
	const struct call_hold *hold; /* NULL: they talk */
	int64_t reminded_ns;          /* on hold: when the last message went over TCP */
};

/* Steps of a call: timers run client_call_step() with one of these. */
enum call_step {
	STEP_ASK,
	STEP_CONNECT,
	STEP_SAY, /* the next signalling message */
	STEP_JOIN,
	STEP_TALK,
	STEP_MEDIA, /* the next media message */
	STEP_END,
	STEP_HANG_UP,
	STEP_OVER,
};
void call_after(struct call *call, int64_t delay_ns, enum call_step step);
static inline int64_t call_since(const struct call *call)
{
	return net_now(call->client->role.net) - call->began_ns;
}
/* This end opens the direct connections. */
static inline bool call_connects(const struct call *call)
{
	return call->caller != call->plan.callee_connects;
}
/* Refused, lost, or quit: media stop, connections close. */
void call_drop(struct call *call);

/* The other end answered over UDP. A client_answer_fn, which may come when the call is long over. */
void call_way_is_open(struct client *c, struct endpoint peer, size_t size, void *self);

/* call_signalling.c */
void call_ask_nodes(struct call *call);
void call_connect(struct call *call);
void call_say(struct call *call);
void call_remind(struct call *call); /* on hold */
void call_hang_up(struct call *call);
void call_take_signalling(struct call *call, struct link *link); /* it was accepted */

/* call_media.c */
void call_join(struct call *call);
void call_take_media(struct call *call, struct link *link);
void call_talk(struct call *call); /* if it is time, and the other end is there */
void call_send_media(struct call *call);
void call_stop_media(struct call *call);
void call_end_media(struct call *call); /* nothing comes any more */
#endif
