/*
 * eDonkey over UDP: questions to servers (e3), between eMules (c5), and Kademlia (e4, deflated e5).
 *
 *	0 protocol | 1 opcode | 2- fields, all little endian
 *
 * A flow is never called eDonkey here: its sockets are judged. Fields that the snap length cut off are
 *neither for nor against.
 */
#include "dissectors/edonkey/edonkey.h"
#include <string.h>

#define ANY_LENGTH 1U

/*
 * One message (opcodes, listener). Its length is min, or min and a multiple of step. What ties an answer to
 * its question: the opcodes that it answers, and where both have the id of id_size bytes.
 */
struct message {
	uint8_t protocol, opcode;
	uint8_t min, step;
	uint8_t id_at, id_size;
	uint8_t answers;     /* how many questions it can be the answer to */
	uint8_t question[3]; /* their opcodes */
};

#define LENGTH(n)      .min = (n)
#define AT_LEAST(n)    .min = (n), .step = ANY_LENGTH
#define MULTIPLE(n, s) .min = (n), .step = (s)
#define ID(at, size)   .id_at = (at), .id_size = (size)
#define ANSWERS(...)   .question = { __VA_ARGS__ }, .answers = sizeof((uint8_t[]){ __VA_ARGS__ })

static const struct message messages[] = {
	/* client <-> server */
	{ P_EDONKEY, 0x90, AT_LEAST(4) },                /* search, with a tag set */
	{ P_EDONKEY, 0x92, AT_LEAST(4) },                /* search */
	{ P_EDONKEY, 0x94, MULTIPLE(22, 4), ID(2, 16) }, /* sources: hash, size of 4 or 12 */
	{ P_EDONKEY, 0x96, LENGTH(2) },                  /* status? */
	{ P_EDONKEY, 0x96, LENGTH(6), ID(2, 4) },        /* challenge */
	{ P_EDONKEY, 0x97, MULTIPLE(10, 4), ID(2, 4),
	  ANSWERS(0x96) },                /* status: challenge, users 4, files 4 ... */
	{ P_EDONKEY, 0x98, AT_LEAST(4) }, /* search, old */
	{ P_EDONKEY, 0x99, AT_LEAST(26), ANSWERS(0x90, 0x92, 0x98) },      /* found: hash, id, port, tags */
	{ P_EDONKEY, 0x9a, MULTIPLE(18, 16), ID(2, 16) },                  /* sources: hashes */
	{ P_EDONKEY, 0x9b, AT_LEAST(19), ID(2, 16), ANSWERS(0x94, 0x9a) }, /* found: hash, count, 6 each */
	{ P_EDONKEY, 0x9c, LENGTH(12) },                          /* callback: address 4, port 2, id 4 */
	{ P_EDONKEY, 0x9e, LENGTH(6), ANSWERS(0x9c) },            /* no such id */
	{ P_EDONKEY, 0xa0, LENGTH(8) },                           /* servers? address, port */
	{ P_EDONKEY, 0xa1, MULTIPLE(3, 6), ANSWERS(0xa0, 0xa4) }, /* servers: count, 6 each */
	{ P_EDONKEY, 0xa2, LENGTH(2) },                           /* description? */
	{ P_EDONKEY, 0xa2, LENGTH(6) },                           /* challenge */
	{ P_EDONKEY, 0xa3, AT_LEAST(6), ANSWERS(0xa2) },          /* description: name, text */
	{ P_EDONKEY, 0xa4, LENGTH(2) },                           /* servers? */
	/* eMule <-> eMule */
	{ P_EMULE, 0x90, AT_LEAST(18) },               /* still there? hash, parts */
	{ P_EMULE, 0x91, AT_LEAST(4), ANSWERS(0x90) }, /* rank 2, parts */
	{ P_EMULE, 0x92, LENGTH(2), ANSWERS(0x90) },   /* no such file */
	{ P_EMULE, 0x93, LENGTH(2), ANSWERS(0x90) },   /* queue full */
	{ P_EMULE, 0x94, AT_LEAST(34) },               /* the same through a buddy: two hashes */
	{ P_EMULE, 0x95, LENGTH(21) },                 /* call me: port 2, hash, options */
	/* Kademlia 1: a contact is id 16, address 4, UDP port 2, TCP port 2, type 1 */
	{ P_KAD, 0x00, LENGTH(27) },                     /* bootstrap: contact */
	{ P_KAD, 0x08, MULTIPLE(4, 25), ANSWERS(0x00) }, /* count 2, contacts */
	{ P_KAD, 0x10, LENGTH(27) },                     /* hello */
	{ P_KAD, 0x18, LENGTH(27), ANSWERS(0x10) },
	{ P_KAD, 0x20, LENGTH(35), ID(3, 16) },                      /* lookup: type, target, receiver */
	{ P_KAD, 0x28, MULTIPLE(19, 25), ID(2, 16), ANSWERS(0x20) }, /* target, count 1, contacts */
	{ P_KAD, 0x30, AT_LEAST(19), ID(2, 16) },                    /* search */
	{ P_KAD, 0x32, LENGTH(18), ID(2, 16) },
	{ P_KAD, 0x38, AT_LEAST(20), ID(2, 16), ANSWERS(0x30) },
	{ P_KAD, 0x3a, AT_LEAST(20), ID(2, 16), ANSWERS(0x32) },
	{ P_KAD, 0x40, AT_LEAST(20), ID(2, 16) }, /* publish */
	{ P_KAD, 0x42, AT_LEAST(36), ID(2, 16) },
	{ P_KAD, 0x48, LENGTH(18), ID(2, 16), ANSWERS(0x40) },
	{ P_KAD, 0x4a, LENGTH(18), ID(2, 16), ANSWERS(0x42) },
	/* Kademlia 2 */
	{ P_KAD, 0x01, LENGTH(2) },                       /* bootstrap */
	{ P_KAD, 0x09, MULTIPLE(23, 25), ANSWERS(0x01) }, /* id, port 2, version 1, count 2, contacts */
	{ P_KAD, 0x11, AT_LEAST(22) },                    /* hello: id, port 2, version 1, tags */
	{ P_KAD, 0x19, AT_LEAST(22), ANSWERS(0x11) },
	{ P_KAD, 0x22, LENGTH(19), ANSWERS(0x19) },                  /* id, no tags */
	{ P_KAD, 0x21, LENGTH(35), ID(3, 16) },                      /* lookup: type, target, receiver */
	{ P_KAD, 0x29, MULTIPLE(19, 25), ID(2, 16), ANSWERS(0x21) }, /* target, count 1, contacts */
	{ P_KAD, 0x33, AT_LEAST(20), ID(2, 16) }, /* keyword: target, start 2, more terms */
	{ P_KAD, 0x34, LENGTH(28), ID(2, 16) },   /* sources: target, start 2, size 8 */
	{ P_KAD, 0x35, LENGTH(26), ID(2, 16) },   /* notes: target, size 8 */
	{ P_KAD, 0x3b, AT_LEAST(36), ID(18, 16), ANSWERS(0x33, 0x34, 0x35) }, /* id, target, count 2 ... */
	{ P_KAD, 0x43, AT_LEAST(20), ID(2, 16) },                             /* publish keyword */
	{ P_KAD, 0x44, AT_LEAST(35), ID(2, 16) }, /* publish source: target, id, tags */
	{ P_KAD, 0x45, AT_LEAST(35), ID(2, 16) }, /* publish note */
	{ P_KAD, 0x4b, LENGTH(19), ID(2, 16), ANSWERS(0x43, 0x44, 0x45) }, /* target, load 1, options 1 */
	{ P_KAD, 0x4b, LENGTH(20), ID(2, 16), ANSWERS(0x43, 0x44, 0x45) },
	{ P_KAD, 0x4c, LENGTH(2), ANSWERS(0x4b) },
	{ P_KAD, 0x50, LENGTH(4) },                      /* firewalled? TCP port 2 */
	{ P_KAD, 0x51, LENGTH(36) },                     /* buddy? two ids, TCP port 2 */
	{ P_KAD, 0x52, LENGTH(36) },                     /* callback: two ids, TCP port 2 */
	{ P_KAD, 0x53, LENGTH(21) },                     /* firewalled? port 2, hash, options */
	{ P_KAD, 0x58, LENGTH(6), ANSWERS(0x50, 0x53) }, /* the requester's address */
	{ P_KAD, 0x59, LENGTH(2) },
	{ P_KAD, 0x5a, LENGTH(36), ANSWERS(0x51) }, /* buddy: two ids, port 2, options 1 */
	{ P_KAD, 0x5a, LENGTH(37), ANSWERS(0x51) },
	{ P_KAD, 0x60, LENGTH(2) },                /* ping */
	{ P_KAD, 0x61, LENGTH(4), ANSWERS(0x60) }, /* pong: the port it saw */
	{ P_KAD, 0x62, LENGTH(5) },                /* firewall test: error 1, port 2 */
};

enum { LOOKUP_1 = 0x20, LOOKUP_2 = 0x21, HELLO = 0x11, HELLO_ANSWER = 0x19, PONG = 0x61, ADDRESS = 0x58 };

#define ASKED 4U /* questions remembered for each direction */

struct question {
	uint8_t protocol, opcode;
	bool open;
	uint8_t id_size; /* captured; 0: none */
	uint8_t id[16];
};

struct udp_state {
	struct question asked[2][ASKED]; /* by enum direction */
	uint8_t next[2];
};

static bool is_message(const struct message *m, uint8_t protocol, uint8_t opcode)
{
	return m->protocol == protocol && m->opcode == opcode;
}

static bool knows_message(uint8_t protocol, uint8_t opcode)
{
	bool known = false;
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
		known = known || is_message(&messages[i], protocol, opcode);
	return known;
}

static bool length_fits(const struct message *m, uint32_t wire)
{
	if (wire < m->min)
		return false;
	return m->step ? (wire - m->min) % m->step == 0 : wire == m->min;
}

/* An opcode has one row for each of its forms. */
static const struct message *find_message(uint8_t protocol, uint8_t opcode, uint32_t wire)
{
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
		if (is_message(&messages[i], protocol, opcode) && length_fits(&messages[i], wire))
			return &messages[i];
	return NULL;
}

static struct reader fields_at(const struct look *l, size_t at)
{
	struct reader r = reader_on(l->data);
	rd_skip(&r, at);
	return r;
}

/* listener: the type byte is how many contacts are wanted, and nothing else is sent. */
static bool is_lookup(const struct look *l)
{
	struct reader r = fields_at(l, 2);
	uint8_t contacts = rd_u8(&r);
	return contacts == 2 || contacts == 4 || contacts == 11;
}

/* id 16, TCP port 2, version, tag count, tags. opcodes: versions are up to 10, and must stay below 15. */
static bool is_hello(const struct look *l)
{
	struct reader r = fields_at(l, 2 + 16);
	uint16_t port = rd_le16(&r);
	uint8_t version = rd_u8(&r), tags = rd_u8(&r);
	return port && version && version <= 15 && tags <= 8 && rd_tags(&r, tags) && !r.failed &&
	       !rd_left(&r);
}

static struct question question_of(const struct look *l, const struct message *m)
{
	struct question q = { .protocol = m->protocol, .opcode = m->opcode, .open = true };
	struct reader r = fields_at(l, m->id_at);
	struct span id = rd_take(&r, m->id_at ? m->id_size : 0);
	q.id_size = (uint8_t)id.len;
	if (id.len)
		memcpy(q.id, id.ptr, id.len);
	return q;
}

static bool is_answer_to(const struct message *m, const struct question *q)
{
	bool known = false;
	for (unsigned i = 0; i < m->answers; i++)
		known = known || m->question[i] == q->opcode;
	return known && q->open && q->protocol == m->protocol;
}

/* The open question that m answers; with an id where both have one. */
static struct question *find_question(struct udp_state *st, enum direction asker,
				      const struct question *answer, const struct message *m)
{
	for (unsigned i = 0; i < ASKED; i++) {
		struct question *q = &st->asked[asker][i];
		if (!is_answer_to(m, q))
			continue;
		if (!q->id_size || !answer->id_size || memcmp(q->id, answer->id, q->id_size) == 0)
			return q;
	}
	return NULL;
}

static void look_at_answer(const struct look *l, struct question *q, const struct question *now)
{
	struct reader r = fields_at(l, 2);
	q->open = false;
	observe(l, q->id_size && now->id_size ? EDONKEY_ID_ECHO : EDONKEY_ANSWERED, now->opcode);
	if (now->protocol != P_KAD)
		return;
	if (now->opcode == PONG && rd_le16(&r) == l->to->port && !r.failed)
		observe(l, EDONKEY_KAD_PORT, l->to->port);
	if (now->opcode == ADDRESS) {
		uint32_t address = rd_le32(&r); /* listener: written as a number of the host's order */
		if (!r.failed)
			observe(l, EDONKEY_REFLECTED, address);
	}
}

static void look_at_message(const struct look *l, const struct message *m)
{
	struct udp_state *st = l->state;
	struct question now = question_of(l, m);
	enum direction other = l->dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
	struct question *q = find_question(st, other, &now, m);
	if (q)
		look_at_answer(l, q, &now);
	st->asked[l->dir][st->next[l->dir]] = now;
	st->next[l->dir] = (uint8_t)((st->next[l->dir] + 1) % ASKED);
}

/* A deflated message: the header of its zlib stream (RFC 1950 section 2.2) is all that can be tested. */
static enum match look_at_packed(const struct look *l, uint8_t opcode)
{
	struct reader r = fields_at(l, 2);
	uint16_t header = rd_be16(&r);
	if (!knows_message(P_KAD, opcode) || l->wire < 2 + 2 + 4 + 1)
		return MATCH_NO;
	if (r.failed)
		return MATCH_MAYBE;
	if (header >> 8 != 0x78 || header % 31)
		return MATCH_NO;
	observe(l, EDONKEY_UDP_HEADER, opcode);
	return MATCH_YES;
}

static enum match udp_look(const struct look *l)
{
	struct reader r = reader_on(l->data);
	uint8_t protocol = rd_u8(&r);
	if (protocol != P_KAD && protocol != P_EDONKEY && protocol != P_EMULE && protocol != P_KAD_PACKED)
		return r.failed && l->wire ? MATCH_MAYBE : MATCH_NO;
	uint8_t opcode = rd_u8(&r);
	if (r.failed)
		return l->wire < 2 ? MATCH_NO : MATCH_MAYBE;
	if (protocol == P_KAD_PACKED)
		return look_at_packed(l, opcode);
	const struct message *m = find_message(protocol, opcode, l->wire);
	if (!m)
		return MATCH_NO;
	bool whole = l->data.len == l->wire;
	bool lookup = protocol == P_KAD && (opcode == LOOKUP_1 || opcode == LOOKUP_2);
	bool hello = protocol == P_KAD && (opcode == HELLO || opcode == HELLO_ANSWER);
	if ((lookup && !is_lookup(l)) || (hello && !is_hello(l)))
		return whole ? MATCH_NO : MATCH_MAYBE;

	observe(l, m->step == ANY_LENGTH && !hello ? EDONKEY_UDP_LOOSE : EDONKEY_UDP_HEADER, opcode);
	if (lookup)
		observe(l, EDONKEY_KAD_LOOKUP, opcode);
	if (hello)
		observe(l, EDONKEY_KAD_HELLO, opcode);
	look_at_message(l, m);
	return MATCH_YES;
}

const struct dissector dissector_edonkey_udp = {
	.name = "edonkey_udp",
	.summary = "eDonkey servers, eMule and Kademlia over UDP, eMule opcodes.h",
	.protocol = &protocol_edonkey,
	.l4 = IPPROTO_UDP,
	.patience = 20, /* a hello, a lookup and a search of one node are ten datagrams */
	.state_size = sizeof(struct udp_state),
	.look = udp_look,
};
