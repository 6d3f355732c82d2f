/*
 * What roles say about what they do: the part of the truth that packets do not carry. Only parties at the
 * place of the capture say it (party.inside); in virtual time it goes to the truth file, over real sockets it
 * is printed. Flows, pairs and their classes are not said here: the wire counts them (truth.h).
 */
#ifndef FS_PEER_FACT_H
#define FS_PEER_FACT_H
#include "peer/net.h"

enum fact_kind {
	FACT_UP,            /* the program starts (a start-up, B2), or is there from the beginning */
	FACT_DOWN,          /* it ends */
	FACT_EXCHANGE,      /* with a login or contact-list server: B4, B6 */
	FACT_VERSION_CHECK, /* B1 */
	FACT_SEARCH,        /* B9, when it is over */
	FACT_CALL,          /* B10, when it begins: before its first media message */
	FACT_CALL_END,      /* behind its last one */
	FACT_HOLD,          /* B12, when it is over */
};

struct fact {
	enum fact_kind kind;
	const struct party *party; /* who says it */
	struct link *link;         /* EXCHANGE, VERSION_CHECK: its connection, which is still there */
	/* Words as in the monitor's columns (store/schema.sql). */
	const char *outcome;             /* EXCHANGE: success, failure, no-answer, unknown */
	const char *form;                /* EXCHANGE: 0.97, 2006, 2015; its role is the link's purpose */
	const char *hidden;              /* EXCHANGE: why no traffic tells of it; NULL: it tells */
	const char *action, *platform;   /* VERSION_CHECK: installed, getlatestversion; "2" is Linux */
	int64_t first_ns, last_ns;       /* SEARCH: first question, last reply or question; HOLD */
	unsigned asked, answered, waves; /* SEARCH */
	/* CALL, CALL_END, HOLD: the other end of the media as the party sees it (a relay, if it is relayed).
	 * Over TCP the relay's port. */
	struct endpoint far;
	bool over_tcp, relayed, began; /* CALL; began: the party called, it was not called */
	const char *codec;             /* CALL: a name of data/voice-models.ini */
	const char *with;              /* CALL: name of the other party */
};
#endif
