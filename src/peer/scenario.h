/*
 * A scenario: who there is, how each is connected, and what happens when. A small text file that a teacher
 * reads and changes (traces/scenarios/README.md has the grammar); strict, so that a mistyped word is an error
 * with its line.
 *
 *	[scenario]
 *	title = First login of a client behind a NAT
 *	begins = 2006-08-25T10:00:00Z
 *	lasts = 340s
 *
 *	[client alice]
 *	version = 1.2.0.18
 *	address = 10.0.0.2:35990
 *	network = port-restricted 198.51.100.7
 *	cache = n1 n2 n3 sn
 *	login = login1
 *
 *	[supernode sn]
 *	address = 192.0.2.150:57322
 *	distance = 74ms
 *
 *	[nodes n]                      # n1, n2, ... n30
 *	count = 30
 *	addresses = 192.0.2.10-192.0.2.60
 *	answering = 70%
 *
 *	[events]
 *	1s    alice starts
 *	90s   alice searches bob
 *	120s  alice calls bob for 8s via r1 over udp
 */
#ifndef FS_PEER_SCENARIO_H
#define FS_PEER_SCENARIO_H
#include "peer/net.h"

struct version;    /* version.h */
struct population; /* population.h */

/* What is done by a party of this kind: one row each in roles.h. */
enum party_kind {
	PARTY_CLIENT,
	PARTY_SUPERNODE,
	PARTY_NODE, /* another's client, as far as its answers go */
	PARTY_LOGIN_SERVER,
	PARTY_LIST_SERVER,
	PARTY_VERSION_SERVER,
	PARTY_NAME_SERVER,
	PARTY_RELAY, /* a node that forwards media */
	PARTY_KINDS
};

/* The three set-ups of BS section III.A. */
enum network {
	NETWORK_PUBLIC,
	NETWORK_PORT_RESTRICTED, /* behind a NAT that lets in only addresses and ports that were sent to */
	NETWORK_UDP_RESTRICTED,  /* the same, and a firewall drops all its UDP */
	NETWORK_COUNT
};
const char *
network_name(enum network network); /* as the monitor says: public, port-restricted nat, udp-restricted */

/* How a supernode or node takes a probe of 18 bytes (wire B1). */
enum answers {
	ANSWERS_ACCEPTS, /* supernodes: 18 bytes, and TCP */
	ANSWERS_REFERS,  /* 51 bytes: go on; nodes: 26 bytes */
	ANSWERS_TCP,     /* nothing over UDP, but its TCP accepts, also on ports 80 and 443 */
	ANSWERS_NOTHING, /* dead */
};

#define SCENARIO_LASTS_MOST (INT64_C(31) * 86400 * 1000000000) /* what a monitor's week fits in, and more */
#define PARTY_NAME_MAX      32

struct party {
	char name[PARTY_NAME_MAX];
	enum party_kind kind;
	uint32_t number;         /* index in scenario.party */
	bool inside;             /* its packets are captured; clients are inside unless `place = outside` */
	struct endpoint address; /* that its sockets are bound to */
	uint32_t public_ip;      /* that others see: of its NAT, or address.ip */
	enum network network;
	const char *setup_hidden; /* truth.h; NULL */
	int64_t distance_ns;      /* round trip to the place of the capture */
	int64_t jitter_ns;        /* added to each way, at most */
	enum answers answers;
	/* Clients: */
	const struct version *version;
	bool wrong_password;
	bool first_run;             /* just installed (B1: installed); its host cache is empty */
	bool online;                /* from the beginning: what it did before is not shown */
	const struct party **cache; /* its host cache, in the order in which it asks */
	size_t cache_count;         /* 0: the bootstrap supernodes: parties of kind supernode on port 33033 */
	const struct party **contacts; /* whom it tells that it is there */
	size_t contact_count;
	const struct party *login, *list, *web, *names; /* its servers; NULL: there is none */
	int64_t discovery_ns; /* a new node is probed every so often while it is online (RMM); 0: none are */
};

enum verb {
	VERB_STARTS,
	VERB_QUITS,
	VERB_SEARCHES, /* for whom */
	VERB_CALLS,    /* whom, for_ns, via, over_tcp */
	VERB_INVITES,  /* whom, into the call that is going on: a conference; until the call ends */
	VERB_HOLDS,    /* for_ns */
};

struct event {
	int64_t at_ns; /* since the beginning */
	enum verb verb;
	const struct party *who, *whom, *via; /* NULL: nobody */
	bool over_tcp;                        /* the media */
	bool found;                           /* SEARCHES: not `in vain` */
	int64_t for_ns;
	unsigned line;
};

struct scenario {
	const char *path, *name; /* name: without folders and ending */
	const char *title;
	int64_t begins_ns, lasts_ns; /* since the epoch; of virtual time */
	uint64_t seed;
	const char *local_net; /* of the inside parties that are not on private addresses; '' */
	struct party *party;
	size_t parties;
	struct event *event; /* by time, then line */
	size_t events;
	struct population *population; /* [population]: a campus; NULL: none */
};

/* "FILE:LINE: what is wrong". Addresses are private, of documentation, or reserved (guard.h). */
struct scenario *scenario_read(const char *path, struct error *err);
void scenario_free(struct scenario *s);
const char *party_kind_name(enum party_kind kind); /* the word of its section: client, login-server */
const struct party *scenario_party(const struct scenario *s, const char *name); /* NULL: there is none */
/* The party whose address, or public address (its NAT keeps ports), is e. NULL: nobody's. */
const struct party *scenario_party_at(const struct scenario *s, struct endpoint e);
/* A node that is neither in the host cache of `me` nor a contact: one that it meets in the overlay. */
bool party_is_stranger(const struct party *me, const struct party *p);
/* Where others reach it, if they do: its public address, and its port. */
static inline struct endpoint party_public(const struct party *p)
{
	return (struct endpoint){ p->public_ip, p->address.port };
}
#endif
