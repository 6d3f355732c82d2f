/*
 * When a client was up: its traffic, cut where it is silent. A session is the time from a packet that the
 * client sent to the last one before a silence of more than SESSION_SILENCE_NS; a TCP connection of its is no
 * silence. What others send to it says nothing: they go on when it has left.
 *
 * Flows come in the order in which they end, so that sessions grow at both ends and merge; what is kept of
 * each is the earliest of everything, which does not depend on that order.
 */
#ifndef FS_BEHAVE_SESSIONS_H
#define FS_BEHAVE_SESSIONS_H
#include "base/error.h"
#include "behave/labelled.h"

/*
 * Longer than any pause of a client that looks for a way in: BS IV.B waits 5 s for answers and 6 s between
 * two rounds, and a whole login takes 35 s at the most. Two runs of a client are 58 s apart in SkypeIRC (wire
 * B1, B2).
 */
#define SESSION_SILENCE_NS INT64_C(35000000000)
#define SESSION_ASKED      4U /* nodes: a burst of probes (wire B1: four at 61.059 s, 67.178 s) */
/* Of all clients, 72 bytes each. Where nothing but UDP is seen, hardly a flow is within a silence of the
 * next: a made week of 2.5 million flows, as many as RMM have, had 2.3 million. */
#define SESSIONS_MAX  5000000U
#define SESSION_NEVER INT64_MAX
/* Messages on a connection to a supernode that works, sent and received: it goes on after the openings (wire
 * B2). Those that a filter stopped (wire C3: 44 of 46) got no further than the client's second message. */
#define SUPERNODE_SENT     3U
#define SUPERNODE_RECEIVED 2U

struct session {
	int64_t from, to;
	int64_t opened;               /* the first connection to a supernode begins */
	int64_t taken_in;             /* first message to one that went on after the openings */
	int64_t login;                /* the first login exchange begins */
	int64_t asked[SESSION_ASKED]; /* the first questions of the size that asks to be taken in */
};
struct session_list { /* zeroed: empty; in order of time */
	struct session *session;
	uint32_t count, room;
};
struct sessions_kept { /* of all lists */
	uint32_t sessions;
	uint64_t refused; /* beyond SESSIONS_MAX */
};

struct session session_from(int64_t from, int64_t to);
void session_list_drop(struct session_list *l);
/* False only when out of memory. */
bool session_list_add(struct session_list *l, const struct session *s, struct sessions_kept *kept,
		      struct error *err);
/* A connection of the client to a supernode that went on after the openings. */
bool supernode_works(const struct labelled_flow *f);
/* Cuts one flow of the client and adds its parts. */
bool session_list_flow(struct session_list *l, const struct labelled_flow *f, struct sessions_kept *kept,
		       struct error *err);
/* The session that holds this time; NULL: none. */
struct session *session_at(const struct session_list *l, int64_t ns);

/* The messages of a flow, or without a log one for each direction that had payload. */
struct episode_reader {
	const struct labelled_flow *f;
	struct message_reader log;
	int without; /* directions that were told, of a flow without a log */
};
struct episode_message {
	int64_t ns;
	uint64_t bytes;
	bool out; /* sent by the client */
};
struct episode_reader episode_reader_on(const struct labelled_flow *f);
bool episode_next(struct episode_reader *r, struct episode_message *m);
#endif
