/*
 * What the two ends of a connection of 2015 say, line by line (wire C3, C4): a client plays one side of a
 * script, a node or server the other. Sizes and pauses are those of skype.pcap; what differs there from one
 * connection to the next is drawn.
 */
#ifndef FS_PEER_SCRIPT_2015_H
#define FS_PEER_SCRIPT_2015_H
#include "base/rng.h"
#include <stdbool.h>

enum line_form {
	LINE_END,
	LINE_RANDOM,
	LINE_HELLO,      /* form 1: node_hello() */
	LINE_OLD_HELLO,  /* form 3 */
	LINE_TLS,        /* form 2: tls_hello() */
	LINE_TLS_ANSWER, /* its answer */
	LINE_SERVER_HELLO,
	LINE_SERVER_HELLO_ANSWER,
	LINE_LOGIN_BLOCK, /* and records behind it */
	LINE_LIST_BLOCK,  /* without */
	LINE_RECORDS,     /* of `least` bytes of data each, `most` of them */
};

struct line {
	enum line_form form;
	bool by_client;
	uint16_t least, most; /* bytes */
	uint16_t wait_ms;     /* that its end takes before it says it */
};
#define LINE_MAX 4096U

/* Nodes that stall say nothing behind their first line. */
extern const struct line script_form_1[];
extern const struct line script_form_2[]; /* all that was seen of it: every one stalled */
#define SCRIPTS_FORM_3 3U
extern const struct line *const scripts_form_3[SCRIPTS_FORM_3];
/* By the size of the client's second message, which tells the node which it is. */
const struct line *script_form_3_of(size_t size);
extern const struct line script_login[], script_list[];

/* One end's place in a script. */
struct actor {
	const struct line *script; /* NULL: none */
	unsigned at;               /* lines that were said so far, by either */
	bool client;
};

/* The line that this end says next; NULL: it is the other's turn, or the end. */
static inline const struct line *actor_turn(const struct actor *a)
{
	const struct line *line = &a->script[a->at];

	return line->form != LINE_END && line->by_client == a->client ? line : NULL;
}

static inline bool actor_done(const struct actor *a)
{
	return a->script[a->at].form == LINE_END;
}

/* The other end said something. False: it was not its turn, and nothing follows from it. */
static inline bool actor_hears(struct actor *a)
{
	const struct line *line = &a->script[a->at];

	if (line->form == LINE_END || line->by_client == a->client)
		return false;
	a->at++;
	return true;
}

/* The bytes of a line; returns how many. */
size_t line_write(const struct line *line, struct rng *rng, uint8_t out[LINE_MAX]);
int64_t line_wait_ns(const struct line *line, struct rng *rng);
#endif
