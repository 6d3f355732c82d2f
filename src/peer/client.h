/*
 * The client: what its parts share. client.c has the socket (ids, questions, resending, what answers to
 * whom); client_start.c the start-up of 2006, client_2015.c that of 2015, client_online.c what a client does
 * by itself while it is online, client_search.c searches, client_call.c calls.
 */
#ifndef FS_PEER_CLIENT_H
#define FS_PEER_CLIENT_H
#include "peer/message.h"
#include "peer/reply.h"
#include "peer/version.h"

enum client_state {
	CLIENT_OFF,
	CLIENT_PROBING,   /* asks supernode candidates */
	CLIENT_CONNECTED, /* to a supernode; logs in */
	CLIENT_ONLINE,
};

struct client_start; /* each part's own state; NULL: it is not at work */
struct client_2015;
struct client_online;
struct client_search;
struct client_call;

/* Derived: the nodes of login 1 and of the two fan-outs behind it are 22 (BS IV.B.1); room for three times
 * that. */
#define CLIENT_KNOWN 64U
/* Between two messages of the same direction of a connection (net.h). */
#define CLIENT_GAP_NS INT64_C(25000000)

struct client {
	struct role role;
	const struct version *version;
	enum client_state state;
	uint64_t session;          /* 1, 2, ... starts; a timer of an earlier one does nothing */
	uint16_t next_id;          /* one counter for all peers (wire A2) */
	uint32_t believed_ip;      /* its own address as it believes: the socket's, until a NAK or ACK tells
				      another */
	struct endpoint supernode; /* that it is connected to; ip 0: none */
	struct link *supernode_link;
	bool udp_restricted; /* what it takes itself for */
	struct client_start *start;
	struct client_2015 *start_2015;
	struct client_online *online;
	struct client_search *search;
	struct client_call *calls; /* a list */
	/* client.c's: */
	struct question *questions; /* asked, and not answered yet */
	uint64_t question_serial;
	struct replies replies;
	struct supernode_request *requests; /* client_supernode.c's: in order */
	int64_t supernode_sent_ns;          /* the last message to the supernode */
	int64_t upkeep_ns; /* the one from which those that keep the connection alive count; 0: none */
	/* Nodes, in the order of the scenario, as far as its supernodes told of them; and those that said 18
	 * bytes to a question of 30: they get the notices (wire B4). Both outlive the session, as shared.xml
	 * does (BS II.B). */
	size_t nodes_learned;
	struct endpoint known[CLIENT_KNOWN];
	unsigned known_count;
	/* client_start.c's, likewise: how far it got in its host cache, its last supernode, and who it is to
	 * the version server (wire B4: the same in both sessions) */
	size_t cache_next;
	struct endpoint last_supernode;
	char uhash[33];
};

/* Takes the next id; step: 2 for what wants an answer, 1 for a notice (wire A2). */
uint16_t client_take_id(struct client *c, unsigned step);

enum asking {
	ASK_ONCE,   /* never resent: the 18-byte probes of the login (wire A2) */
	ASK_RESENT, /* after 2.03..2.09 s and 4.00..4.04 s more (wire A2) */
	ASK_NOTICE, /* the same, wants an ACK */
};
/* An answer came (size: of the last datagram of it), or the question was given up (size 0). */
typedef void (*client_answer_fn)(struct client *c, struct endpoint peer, size_t size, void *self);
/* Sends a message 02 of `size` bytes; a NAK is answered by itself. check: bytes 7-10, NULL: random. answered
 * NULL: nobody waits. Forgotten when the client quits. */
void client_ask(struct client *c, struct endpoint peer, size_t size, enum asking asking,
		const uint8_t check[4], client_answer_fn answered, void *self);
/* The next node that it has not heard of, as a supernode's answer gives it; when there is none left, the
 * first one again. NULL: the scenario has none. */
const struct party *client_learn_node(struct client *c);
void client_remember_node(struct client *c, struct endpoint node); /* into `known`, if there is room */
/* rank: below known_count, in order of address and not of answers: who is chosen must not depend on whose
 * answer was quicker, so that it is the same over any net. */
static inline struct endpoint client_known_node(const struct client *c, unsigned rank)
{
	const struct endpoint *known = c->known;

	for (unsigned i = 0, before; i < c->known_count; i++) {
		before = 0;
		for (unsigned j = 0; j < c->known_count; j++)
			before += known[j].ip != known[i].ip ? known[j].ip < known[i].ip
							     : known[j].port < known[i].port;
		if (before == rank)
			return known[i];
	}
	return (struct endpoint){ 0, 0 };
}

/* client_start.c or client_2015.c calls it when the login is done (or there is no login server). What follows
 * within 1.2 s of it is still the start-up's (frames 363 to 420 of SkypeIRC.pcap, 1982 to 2036). */
void client_is_online(struct client *c);
/* The parts. Each is told when the client starts and quits. `quit` frees its state and leaves its links
 * alone: the net closes them right after, without a word to their handlers. All accept that they never began.
 */
void client_start_begin(struct client *c);
void client_start_quit(struct client *c);
/* An unsolicited message of 19 to 21 bytes: something is new about a contact (wire B3 (6)). */
void client_start_notice(struct client *c, size_t size);
/* A datagram to another port than the client's own: an answer of the name server. */
void client_start_datagram(struct client *c, uint16_t local_port, const uint8_t *bytes, size_t size);
void client_2015_begin(struct client *c);
void client_2015_quit(struct client *c);
void client_online_begin(struct client *c); /* from client_is_online() */
void client_online_quit(struct client *c);
/* It asked this node by itself, in this session. */
bool client_online_met(const struct client *c, const struct party *node);
bool client_search_begin(struct client *c, const struct event *event, struct error *err);
void client_search_quit(struct client *c);
/* Any event about a call that names the client; it may be the one that is called. */
bool client_call_event(struct client *c, const struct event *event, struct error *err);
void client_call_media(struct client *c, struct endpoint from, size_t size); /* a message 0d came */
/* A connection to the client's port: a call's signalling or media, or a contact that found it (wire B4). */
bool client_call_accepted(struct client *c, struct link *link, struct endpoint from);
void client_call_quit(struct client *c);

/* Links of the parts: link->data points to one of these, so that client.c can hand on what happens. */
struct client_link {
	struct client *client;
	void (*opened)(struct client *c, struct link *link);
	void (*message)(struct client *c, struct link *link, const uint8_t *bytes, size_t size);
	void (*closed)(struct client *c, struct link *link, enum link_end end);
	void *self; /* the part's */
};
/* Messages over the supernode connection that a part waits for: "13 -> 48" (wire B2); size 0: the connection
 * is gone. */
typedef void (*client_supernode_fn)(struct client *c, size_t size, void *self);
/* Sends a request of `size` bytes; answered (NULL: nobody) gets the size of the next message that comes back.
 * One after the other, but for an ACKNOWLEDGEMENT (answers.h), which nothing comes back to; without a
 * connection nothing is sent. */
void client_ask_supernode(struct client *c, size_t size, client_supernode_fn answered, void *self);
/* For who has the link (client_start.c, client_2015.c): a message came; the link is open, or gone. */
void client_supernode_message(struct client *c, size_t size);
void client_supernode_opened(struct client *c, struct link *link);
void client_supernode_closed(struct client *c);
void client_supernode_quit(struct client *c); /* gone as well, and nobody is told */
#endif
