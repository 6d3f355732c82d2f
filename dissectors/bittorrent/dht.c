/*
 * The DHT's messages (BEP 5, "KRPC"): one bencoded dictionary in a datagram (BEP 3, "bencoding").
 *
 *	y = q, query: t transaction id | q name | a { id, target or info_hash, ... }
 *	y = r, response: t | r { id, ... } | ip (BEP 42)
 *	y = e, error: t | e [ number, text ]
 *
 * The keys are sorted, but nothing here depends on it. Of a message that the snap length cut, a node
 * id inside a or r is enough: nothing else has it there.
 */
#include "dissectors/bittorrent/bittorrent.h"
#include <string.h>

#define NODE_ID       20U /* BEP 5, overview: 160 bits */
#define COMPACT_IPV4  6U  /* BEP 5, contact encoding: address and port */
#define LENGTH_DIGITS 5U  /* of a string; a datagram has at most 65535 bytes */
#define NUMBER_DIGITS 20U /* 64 bits */

/* Reading bencoding. The reader fails where the bytes end; what breaks the rules sets `bad` as well. */
struct bencode {
	struct reader r;
	uint32_t wire; /* no string is longer */
	bool bad;
};

struct krpc {
	bool cut;               /* the bytes ended inside */
	uint8_t type;           /* value of y; 0: none */
	bool named;             /* has q */
	bool asks, tells, errs; /* has a with a node id, r with one, e with a list */
	struct span transaction, target, address;
};

static void spoil(struct bencode *b)
{
	b->bad = true;
	b->r.failed = true;
}

/* The next byte, which stays; 0 at the end, and then the reader has failed. */
static uint8_t peek(struct bencode *b)
{
	struct reader ahead = b->r;
	uint8_t byte = rd_u8(&ahead);
	b->r.failed = ahead.failed;
	return byte;
}

static struct span rd_string(struct bencode *b)
{
	const struct span none = { NULL, 0 };
	uint32_t length = 0;
	unsigned digits = 0;
	for (;; digits++) {
		uint8_t c = rd_u8(&b->r);
		if (b->r.failed)
			return none;
		if (c == ':' && digits > 0)
			break;
		bool leading_zero = digits > 0 && length == 0;
		if (c < '0' || c > '9' || digits == LENGTH_DIGITS || leading_zero) {
			spoil(b);
			return none;
		}
		length = length * 10U + c - '0';
	}
	if (length > b->wire) {
		spoil(b);
		return none;
	}
	return rd_take(&b->r, length);
}

static void skip_number(struct bencode *b)
{
	rd_skip(&b->r, 1);
	if (peek(b) == '-')
		rd_skip(&b->r, 1);
	for (unsigned digits = 0; !b->r.failed; digits++) {
		uint8_t c = rd_u8(&b->r);
		if (c == 'e' && digits > 0)
			return;
		if (!b->r.failed && (c < '0' || c > '9' || digits == NUMBER_DIGITS))
			spoil(b);
	}
}

/* Any value, however deep: only the depth is kept. */
static void skip_value(struct bencode *b)
{
	unsigned depth = 0;
	do {
		uint8_t c = peek(b);
		if (c == 'i') {
			skip_number(b);
		} else if (c == 'd' || c == 'l') {
			rd_skip(&b->r, 1);
			depth++;
		} else if (c == 'e' && depth > 0) {
			rd_skip(&b->r, 1);
			depth--;
		} else {
			(void)rd_string(b);
		}
	} while (depth > 0 && !b->r.failed);
}

static void open_dictionary(struct bencode *b)
{
	if (rd_u8(&b->r) != 'd' && !b->r.failed)
		spoil(b);
}

/* False at the dictionary's end, and when nothing can be read any more. */
static bool next_key(struct bencode *b, struct span *key)
{
	if (peek(b) == 'e') {
		rd_skip(&b->r, 1);
		return false;
	}
	*key = rd_string(b);
	return !b->r.failed;
}

/* a or r; returns whether there is a node id. */
static bool rd_arguments(struct bencode *b, struct krpc *m)
{
	struct span key;
	bool has_id = false;
	open_dictionary(b);
	while (next_key(b, &key)) {
		if (span_is(key, "id"))
			has_id = rd_string(b).len == NODE_ID;
		else if (span_is(key, "target") || span_is(key, "info_hash"))
			m->target = rd_string(b);
		else
			skip_value(b);
	}
	return has_id;
}

static void rd_member(struct bencode *b, struct span key, struct krpc *m)
{
	if (span_is(key, "a")) {
		m->asks = rd_arguments(b, m);
	} else if (span_is(key, "r")) {
		m->tells = rd_arguments(b, m);
	} else if (span_is(key, "e")) {
		m->errs = peek(b) == 'l';
		skip_value(b);
	} else if (span_is(key, "ip")) {
		m->address = rd_string(b);
	} else if (span_is(key, "q")) {
		m->named = rd_string(b).len > 0;
	} else if (span_is(key, "t")) {
		m->transaction = rd_string(b);
	} else if (span_is(key, "y")) {
		struct reader value = reader_on(rd_string(b));
		m->type = rd_left(&value) == 1 ? rd_u8(&value) : 0;
	} else {
		skip_value(b);
	}
}

/* False: not bencoded, or not one dictionary that fills the datagram. */
static bool rd_krpc(const struct look *l, struct krpc *m)
{
	struct bencode b = { .r = reader_on(l->data), .wire = l->wire };
	struct span key;
	*m = (struct krpc){ 0 };
	open_dictionary(&b);
	while (next_key(&b, &key))
		rd_member(&b, key, m);
	m->cut = b.r.failed;
	if (b.bad)
		return false;
	return m->cut ? l->data.len < l->wire : rd_left(&b.r) == 0 && l->data.len == l->wire;
}

static struct dht_transaction transaction_of(struct span id)
{
	struct dht_transaction t = { .length = (uint8_t)(id.len > UINT8_MAX ? UINT8_MAX : id.len) };
	struct reader r = reader_on(id);
	for (size_t i = 0; i < sizeof t.bytes && rd_left(&r); i++)
		t.bytes[i] = rd_u8(&r);
	return t;
}

/* Where an id that was asked with in this direction is kept, or NULL. */
static struct bittorrent_question *find_question(struct dht_state *st, enum direction dir, struct span id)
{
	struct dht_transaction t = transaction_of(id);
	for (unsigned i = 0; id.len > 0 && i < DHT_REMEMBERED; i++) {
		const struct dht_transaction *asked = &st->asked[dir][i];
		if (asked->length == t.length && memcmp(asked->bytes, t.bytes, sizeof t.bytes) == 0)
			return &st->question[dir][i];
	}
	return NULL;
}

static void remember(const struct look *l, struct dht_state *st, struct span id)
{
	struct bittorrent_question *known = find_question(st, l->dir, id);
	unsigned i = st->next[l->dir];
	if (known)
		bittorrent_ask(l, known, true);
	if (known || id.len == 0)
		return;
	st->asked[l->dir][i] = transaction_of(id);
	bittorrent_ask(l, &st->question[l->dir][i], false);
	st->next[l->dir] = (uint8_t)((i + 1U) % DHT_REMEMBERED);
}

static uint32_t add_bytes(uint32_t sum, struct span bytes)
{
	struct reader r = reader_on(bytes);
	while (rd_left(&r))
		sum = (sum ^ rd_u8(&r)) * 16777619U; /* FNV-1a */
	return sum;
}

/* A number for TEST_NONCE, in which every byte changes when one bit of a query does. */
static uint32_t fingerprint(const struct krpc *m)
{
	uint32_t sum = add_bytes(add_bytes(2166136261U, m->transaction), m->target);
	sum = (sum ^ sum >> 16) * 0x85ebca6bU; /* the end of MurmurHash3 */
	sum = (sum ^ sum >> 13) * 0xc2b2ae35U;
	return sum ^ sum >> 16;
}

static void look_at_query(const struct look *l, struct dht_state *st, const struct krpc *m)
{
	if (!st->query_reported[l->dir])
		observe(l, BITTORRENT_DHT_QUERY, l->wire);
	st->query_reported[l->dir] = true;
	if (m->cut)
		return;
	observe(l, BITTORRENT_FRESH, fingerprint(m));
	remember(l, st, m->transaction);
}

static void look_at_answer(const struct look *l, struct dht_state *st, const struct krpc *m)
{
	if (m->tells && !st->response_reported[l->dir]) {
		observe(l, BITTORRENT_DHT_RESPONSE, l->wire);
		st->response_reported[l->dir] = true;
	}
	struct bittorrent_question *question =
		m->cut ? NULL : find_question(st, bittorrent_reverse(l->dir), m->transaction);
	if (!question)
		return;
	bittorrent_reply(l, question);
	if (!st->answer_reported)
		observe(l, BITTORRENT_DHT_ANSWERED, l->wire);
	st->answer_reported = true;
	struct reader r = reader_on(m->address);
	uint32_t address = rd_be32(&r);
	if (m->address.len == COMPACT_IPV4 && ipv4_is_of_host(address))
		observe(l, BITTORRENT_REFLECTED, address);
}

enum match dht_look(const struct look *l, struct dht_state *st)
{
	struct krpc m;
	if (!rd_krpc(l, &m))
		return MATCH_NO;
	if (m.asks && (m.cut || (m.type == 'q' && m.named && m.transaction.len > 0)))
		look_at_query(l, st, &m);
	else if ((m.tells && (m.cut || m.type == 'r')) || (m.errs && m.type == 'e'))
		look_at_answer(l, st, &m);
	else if (!m.cut)
		return MATCH_NO;
	return MATCH_MAYBE;
}
