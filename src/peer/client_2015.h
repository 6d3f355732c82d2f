/*
 * The parts of the start-up of 2015: client_2015.c has what happens when, client_2015_try.c the connections.
 */
#ifndef FS_PEER_CLIENT_2015_H
#define FS_PEER_CLIENT_2015_H
#include "peer/client.h"
#include "peer/script_2015.h"

enum place_kind { PLACE_SUPERNODE, PLACE_NODE, PLACE_LIST, PLACE_LOGIN };

struct
try { /* one connection */
	struct client_link handlers;
	struct link *link; /* NULL: none */
	struct actor actor;
	struct place *place;
	bool told; /* the exchange */
};

struct place { /* somebody that is tried, in up to two forms */
	bool used, given_up;
	uint16_t generation; /* of the slot: timers of an earlier use do nothing */
	enum place_kind kind;
	struct endpoint to;
	struct try tries[2];
};
#define PLACES 48U

struct client_2015 {
	struct place places[PLACES];
	const struct party **supernodes; /* in the order in which they are asked */
	size_t supernode_count, asked;   /* over UDP */
	uint32_t tried;                  /* over TCP */
	const struct party **nodes;      /* ordinary ones, shuffled */
	size_t node_count;
	unsigned tick;
	unsigned kept; /* connections to nodes that last */
	bool reached;  /* a supernode */
	bool online;
};

enum step {
	STEP_NAME, /* with its number */
	STEP_FIRST_TRY,
	STEP_TICK,
	STEP_FALLBACK, /* of a place, and the three that follow */
	STEP_GIVE_UP,
	STEP_SPEAK,   /* with TRY_SECOND for the second try, and the line */
	STEP_HANG_UP, /* with the try */
	STEP_LIST,
	STEP_LOGIN,
	STEP_NODES_UDP, /* with the round */
	STEP_SUPERNODES_UDP,
	STEP_NODE, /* with its number */
};
#define TRY_SECOND 128U

/* The step is made after the delay, unless the client or the place (NULL: none) is then another. */
void client_2015_plan(struct client *c, int64_t delay_ns, enum step what, const struct place *p,
		      unsigned detail);
int64_t client_2015_spread(struct client *c, int64_t least_ns, int64_t by_ns);
void client_2015_reached(struct client *c, struct place *p); /* a supernode */
void client_2015_online(struct client *c);

/* Connects in form 1, and plans what follows if it stalls. */
void client_2015_try(struct client *c, enum place_kind kind, struct endpoint to);
void client_2015_step_of(struct client *c, struct place *p, enum step what, unsigned detail);
#endif
