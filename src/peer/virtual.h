/*
 * What the parts of the virtual net share: net_virtual.c runs it, virtual_path.c knows who lies where and
 * what a way does to a packet, virtual_udp.c sends datagrams and echoes, virtual_tcp.c has the connections.
 */
#ifndef FS_PEER_VIRTUAL_H
#define FS_PEER_VIRTUAL_H
#include "base/clock.h"
#include "base/rng.h"
#include "base/slab.h"
#include "peer/queue.h"
#include "peer/world.h"

/* A party's machine. It is there from the beginning to the end, its program while it is attached. */
struct station {
	struct host host; /* first: roles know it by this; handlers NULL: not attached */
	struct virtual_net *net;
	const struct party *party;
	uint32_t client;             /* number in the truth; 0: it is none */
	struct half *links;          /* of its program */
	uint16_t port, echo, echoes; /* last port of its own; identifier and count of its echo requests */
};

/* What a station exchanges with one far end over one of its ports. Its NAT's memory, too. */
struct way_key {
	uint32_t station; /* number of its party */
	uint32_t far_ip;
	uint16_t far_port, local_port;
	uint32_t proto; /* enum truth_proto: UDP, ICMP */
};
struct way {
	struct way_key key;
	struct way *next;                  /* in its bucket */
	struct conversation *conversation; /* NULL: nothing of it was captured */
	bool near;                         /* the station is the conversation's near end */
	bool sent;                         /* something was: */
	int64_t sent_ns;                   /* last */
	int64_t arrives_ns;                /* what was sent last: nothing overtakes it */
};

/* From one station to another, or to nobody. */
struct path {
	struct station *from, *to; /* to NULL: nobody has the address */
	struct endpoint seen;      /* the sender, as the receiver sees it */
	bool direct;               /* no NAT or firewall of the receiver lies between */
	bool once;                 /* both are inside and see the same addresses: captured where it is sent */
};

#define BLOCK_CLASSES 4
struct virtual_net {
	struct net net; /* first */
	const struct scenario *scenario;
	struct wire *wire;
	struct truth *truth;
	struct queue *queue;
	int64_t now;
	struct rng rng;
	struct station *stations; /* by number of the party */
	struct place *places;     /* where they are found by address */
	size_t place_count;
	struct way **ways;
	size_t way_buckets, way_count; /* buckets: a power of two */
	struct slab *way_slab, *datagram_slab, *flight_slab, *connection_slab;
	struct slab *blocks[BLOCK_CLASSES];
	struct error failed;
	bool has_failed;
};

/* The first failure is kept, and ends the run. */
void virtual_fail(struct virtual_net *v, enum exit_status status, const char *what);
void *virtual_memory(struct virtual_net *v, void *p); /* fails if it is NULL */
void virtual_at(struct virtual_net *v, int64_t ns, queue_fn fn, void *self, uint64_t what);
/* A copy of a message. NULL: the net has failed. */
uint8_t *virtual_block(struct virtual_net *v, const uint8_t *bytes, size_t size);
void virtual_unblock(struct virtual_net *v, uint8_t *block, size_t size);
static inline struct station *station_of(struct host *host)
{
	return (struct station *)host;
}
static inline bool station_attached(const struct station *s)
{
	return s->host.handlers;
}

/* virtual_path.c */
bool virtual_places_new(struct virtual_net *v, struct error *err);
/* To the station whose port it is; else to one that has sent from that port to the sender, else to any that
 * has the address. */
struct path virtual_path(struct station *from, uint16_t from_port, struct endpoint to,
			 enum truth_proto proto);
/* Drawn anew for every packet. */
int64_t virtual_delay(const struct station *from, const struct station *to);
/* Whether the receiver's NAT lets it in: what comes back from where the port has sent to. */
bool path_admitted(const struct path *path, enum truth_proto proto, uint16_t to_port);
/* NULL: there is none; of way_get: the net has failed. */
struct way *way_find(const struct station *s, enum truth_proto proto, uint16_t port, struct endpoint far);
struct way *way_get(struct station *s, enum truth_proto proto, uint16_t port, struct endpoint far);
/* The conversation of an inside party's way, made on first use; that of the way back, if `once` says that it
 * is the same. NULL: the net has failed. */
struct conversation *way_conversation(struct station *s, struct way *way, const struct path *path,
				      enum purpose purpose);
/* Something is sent now: when it arrives. */
int64_t way_sends(struct way *way, const struct path *path);

/* virtual_udp.c */
bool virtual_udp_new(struct virtual_net *v);
void virtual_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
		  size_t size, enum purpose purpose);
void virtual_ping(struct host *host, uint32_t ip);

/* virtual_tcp.c */
bool virtual_tcp_new(struct virtual_net *v);
struct link *virtual_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data);
void virtual_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose);
void virtual_link_close(struct link *link);
void virtual_links_close(struct station *s);                             /* its program ends */
struct conversation *virtual_link_conversation(const struct link *link); /* NULL: it is not captured */
#endif
