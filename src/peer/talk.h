/* Connections that others opened to a role, and what it says on them a little later. */
#ifndef FS_PEER_TALK_H
#define FS_PEER_TALK_H
#include "peer/answers.h"
#include "peer/role.h"

struct talk { /* link->data of an accepted link */
	struct talk *next;
	uint64_t serial;
	struct link *link;
	unsigned messages;       /* that came */
	unsigned nodes_requests; /* of them; nodes */
	enum opening opening;    /* nodes */
	bool form_2015;          /* node_2015.h speaks on it */
};

struct talks {
	struct role *role;
	enum purpose purpose;
	struct talk *first;
	uint64_t serial;
};

enum saying {
	SAY_RANDOM,
	SAY_LOGIN_HELLO,   /* login_hello_answer() */
	SAY_RECORD,        /* login_record() of that many bytes */
	SAY_VERSION_REPLY, /* and the connection closes */
};

/* NULL: out of memory. */
struct talk *talks_add(struct talks *t, struct link *link);
void talks_remove(struct talks *t, struct talk *talk);
void talks_free(struct talks *t);
/* In delay_ns, if the link is there still. */
void talk_say(struct talks *t, const struct talk *talk, int64_t delay_ns, enum saying saying, unsigned size);
#endif
