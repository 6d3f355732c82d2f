/* What client_online.c and client_waves.c share. */
#ifndef FS_PEER_CLIENT_ONLINE_H
#define FS_PEER_CLIENT_ONLINE_H
#include "peer/client.h"

#define NOTICE 346U /* wire A5 */
#define PROBE  18U

enum fate { /* RMM Table I, row of peers: what becomes of a node that answered its first question */
	    FATE_PROBE,
	    FATE_HEARTBEAT,
	    FATE_DIALOG,
	    FATE_MIX,
	    FATE_CONTACT,
};

struct acquaintance {
	struct endpoint to;
	uint32_t number; /* of the party */
	enum fate fate;
	bool told;         /* it is a contact that answered, and gets notices */
	unsigned rounds;   /* questions that are still asked at once */
	int64_t period_ns; /* of its heartbeat; 0: it has none */
	int64_t beat_ns;   /* the last one */
	uint8_t beats;     /* counted, so that a timer of before a refresh does nothing */
};

struct client_online {
	struct acquaintance *all; /* nodes in the client's order, then contacts */
	uint32_t nodes, contacts;
	uint32_t first, met; /* of the nodes: the first new one of this session, and how many have been met */
	uint8_t notice[4];   /* check of the last notice */
	unsigned wave;       /* nodes that the wave still meets */
	uint16_t wave_size;
	bool wave_asked_again;
	unsigned keepalives;
};

enum deed {
	DEED_KEEPALIVE,
	DEED_THIRD_WAVE,
	DEED_SECOND_WAVE,
	DEED_LATER_ONE,
	DEED_LATER_WAVE,
	DEED_WAVE_FIRST, /* the nodes of a wave have been named, */
	DEED_WAVE_NEXT,  /* or one of them has answered */
	DEED_REPORT,
	DEED_NOTICE, /* to all that are told; 1: and to new ones */
	DEED_STRANGERS,
	DEED_CONTACT, /* with its number */
	DEED_CONTACT_NOTICE,
	DEED_DISCOVER,
	DEED_BEAT, /* with the number of the node */
	DEED_REFRESH,
};

void online_plan(struct client *c, int64_t delay_ns, enum deed what, uint32_t detail);
int64_t online_about(struct client *c, int64_t ns); /* 0.9 to 1.1 of it */
/* The next new one that its supernode has not named at the start-up either. NULL: there is none left. */
struct acquaintance *online_meet(const struct client *c);

/* A wave: `count` nodes that the supernode names are asked `size` bytes. _of() alone does not ask it. */
void wave_begin(struct client *c, uint16_t size, unsigned count);
void wave_of(struct client *c, uint16_t size, unsigned count);
void wave_second(struct client *c);
void wave_third(struct client *c);
void wave_ask_first(struct client *c); /* the nodes have been named */
void wave_ask_next(struct client *c);  /* one of them has answered */
void notice_all(struct client *c, bool strangers);
void notice_strangers(struct client *c);
void contact_ask(struct client *c, uint32_t i);
#endif
