/* What BitTorrent's dissectors share: the kinds of evidence, in the order of the table in bittorrent.c, and
 * the parts of the UDP dissector, each with its state. */
#ifndef FS_DISSECTORS_BITTORRENT_H
#define FS_DISSECTORS_BITTORRENT_H
#include "identify/dissector.h"

enum bittorrent_kind {
	BITTORRENT_DHT_QUERY,
	BITTORRENT_DHT_RESPONSE,
	BITTORRENT_DHT_ANSWERED,
	BITTORRENT_FRESH,
	BITTORRENT_REFLECTED,
	BITTORRENT_UTP_SYN,
	BITTORRENT_UTP_CONNECTED,
	BITTORRENT_UTP_CLOCK,
	BITTORRENT_UTP_HANDSHAKE,
	BITTORRENT_TRACKER_CONNECT,
	BITTORRENT_TRACKER_ANSWERED,
	BITTORRENT_TRACKER_ANNOUNCE,
	BITTORRENT_UDP_REFUSED,
	BITTORRENT_OTHER_LABEL,
	BITTORRENT_MANY_PEERS,
	BITTORRENT_TCP_AFTER_UDP,
	BITTORRENT_PEER_HANDSHAKE,
	BITTORRENT_HTTP_ANNOUNCE,
	BITTORRENT_LSD,
	BITTORRENT_KIND_COUNT
};

extern const struct protocol protocol_bittorrent;

static inline enum direction bittorrent_reverse(enum direction dir)
{
	return dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
}

/* A transaction id of the DHT: 2, 4 and 8 bytes are in use. Of a longer one the first 8 are kept. */
struct dht_transaction {
	uint8_t length; /* 0: none */
	uint8_t bytes[8];
};

/* A query or a request whose reply will carry its transaction id. */
struct bittorrent_question {
	int64_t ts_ns; /* when it was seen last */
	uint32_t wire;
	bool open;     /* no reply yet */
	bool repeated; /* the same id was sent again before a reply */
};
void bittorrent_ask(const struct look *l, struct bittorrent_question *q, bool same_id);
void bittorrent_reply(const struct look *l, struct bittorrent_question *q);

#define DHT_REMEMBERED 2U /* queries per direction: a node has rarely more than one open with one other */

struct dht_state {
	struct dht_transaction asked[2][DHT_REMEMBERED];        /* by enum direction */
	struct bittorrent_question question[2][DHT_REMEMBERED]; /* beside them */
	uint8_t next[2];
	bool query_reported[2], response_reported[2], answer_reported;
};

struct utp_side {
	int64_t first_ns;     /* of the packet that began the comparison of clocks */
	uint32_t first_stamp; /* what the sender's clock said then */
	uint16_t id, sequence, acknowledged;
	uint8_t type;
	bool seen, clock_reported;
};

struct utp_state {
	struct utp_side side[2]; /* by enum direction */
	bool syn_reported, connected_reported, handshake_reported;
};

struct tracker_state {
	uint32_t transaction;                /* of the newest request */
	struct bittorrent_question question; /* that request */
	uint32_t id_high, id_low;            /* the connection id that the tracker gave */
	uint8_t asked;            /* 1 + enum direction of the requests; 0: no connect request yet */
	bool has_id;              /* ... above is valid */
	bool answered, announced; /* reported */
};

/* A datagram that begins with 'd'. */
enum match dht_look(const struct look *l, struct dht_state *st);
/* A datagram whose first byte has a type and the version of uTP. */
enum match utp_look(const struct look *l, struct utp_state *st);
/* A datagram that begins with zero: a connect request or nothing. */
enum match tracker_look_connect(const struct look *l, struct tracker_state *st);
/* Any datagram behind a connect request; false: it belongs to something else. */
bool tracker_look_later(const struct look *l, struct tracker_state *st);
/* Whether these are the first bytes of the peer protocol's handshake; MAYBE: as far as they go. */
enum match handshake_match(struct span bytes);

/* How it is stopped (rules.c). */
#define BITTORRENT_PATTERNS   1U
#define BITTORRENT_STRATEGIES 2U
extern const struct packet_pattern bittorrent_patterns[BITTORRENT_PATTERNS];
extern const struct block_strategy bittorrent_strategies[BITTORRENT_STRATEGIES];
#endif
