/*
 * Skype over UDP: the start-of-message header and what ties messages together (wire A).
 *
 *	0-1 id | 2 function, bits 0x8f
 *	02 payload:  3-6 IV | 7-10 check | 11- data
 *	03 resend:   3 = 01 | 4-7 challenge | 8-11 IPv4 address of the addressee | 12-15 check | 16- data
 *	05 ACK, 07 NAK: 3-6 IPv4 address of the addressee | 7-10, in a NAK the challenge
 *	0f fragment: 3-4 id of the question | 5 index | 6 = 02 | 7-10 IV | 11-14 check | 15- data
 *
 * A flow is never called Skype here: its sockets are judged. Fields that the snap length cut off are neither
 * for nor against.
 */
#include "dissectors/skype/skype.h"

#define FUNCTION_MASK 0x8fU /* the bits 0x70 are random in all functions but 02 (wire A) */
enum function {
	F_PAYLOAD = 0x02,
	F_RESEND = 0x03,
	F_ACK = 0x05,
	F_NAK = 0x07,
	F_MEDIA = 0x0d,
	F_FRAGMENT = 0x0f,
};

/* Lengths of wire A1; the resend adds 5 bytes to the message that it repeats (wire A3). */
#define PAYLOAD_MIN  18U
#define RESEND_MIN   (PAYLOAD_MIN + 5U)
#define ANSWER_SIZE  11U
#define FRAGMENT_MIN 15U

/* Wire A2: sent again after 2.03-2.09 s, then 4.00-4.04 s, then given up. The margins are for the way and
 * slow hosts. */
#define MS               1000000LL
#define FIRST_AGAIN_MIN  (1500 * MS)
#define FIRST_AGAIN_MAX  (2700 * MS)
#define SECOND_AGAIN_MIN (3500 * MS)
#define SECOND_AGAIN_MAX (5000 * MS)
#define COPY_MAX         (100 * MS) /* a span port's second copy follows within this */

#define SENDINGS_MAX 3U /* wire A2 */

#define REMEMBERED 4U /* messages per direction; at most 2 are unanswered at a time in the captures */
#define SAMPLE     8U /* bytes of data kept to see whether they change */

struct sent_message {
	int64_t ts_ns;
	uint32_t length; /* on the wire */
	uint32_t iv, check;
	uint16_t id;
	uint8_t sendings; /* 0: empty slot */
	uint8_t data_len; /* captured bytes in data */
	bool has_fields;  /* iv and check were captured */
	bool echoed;      /* its echo was reported */
	uint8_t data[SAMPLE];
};

struct challenge {
	uint32_t value;
	uint16_t id;
	bool asked;
};

struct udp_state {
	struct sent_message sent[2][REMEMBERED]; /* by enum direction */
	struct challenge challenge[2];           /* by the direction of the NAK */
	uint8_t next[2];
	bool header_reported;
};

enum strict { STRICT_NO, STRICT_YES, STRICT_UNTESTED };

static bool be32_at(struct span s, size_t at, uint32_t *out)
{
	struct reader r = reader_on(s);
	rd_skip(&r, at);
	*out = rd_be32(&r);
	return !r.failed;
}

static bool be16_at(struct span s, size_t at, uint16_t *out)
{
	struct reader r = reader_on(s);
	rd_skip(&r, at);
	*out = rd_be16(&r);
	return !r.failed;
}

static bool u8_at(struct span s, size_t at, uint8_t *out)
{
	struct reader r = reader_on(s);
	rd_skip(&r, at);
	*out = rd_u8(&r);
	return !r.failed;
}

/* False for an IPv6 address. */
static bool ipv4_of(const struct ip *ip, uint32_t *out)
{
	return ip_is_v4(ip) && be32_at((struct span){ ip->b, sizeof ip->b }, 12, out);
}

static enum direction reverse(enum direction dir)
{
	return dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
}

static bool resend_names_addressee(const struct look *l)
{
	uint32_t named, addressee;
	return be32_at(l->data, 8, &named) && ipv4_of(&l->to->ip, &addressee) && named == addressee;
}

static bool resend_answers_nak(const struct look *l, const struct udp_state *st)
{
	const struct challenge *nak = &st->challenge[reverse(l->dir)];
	uint32_t value;
	uint16_t id;
	return nak->asked && be16_at(l->data, 0, &id) && be32_at(l->data, 4, &value) && id == nak->id &&
	       value == nak->value;
}

/* Behind a translator on the addressee's side the address is another one; then the challenge must fit (wire
 * A3). */
static enum strict strict_resend(const struct look *l, const struct udp_state *st)
{
	uint8_t one;
	uint32_t address;
	if (l->wire < RESEND_MIN)
		return STRICT_NO;
	if (!u8_at(l->data, 3, &one))
		return STRICT_UNTESTED;
	if (one != 1)
		return STRICT_NO;
	if (!be32_at(l->data, 8, &address))
		return STRICT_UNTESTED;
	return resend_names_addressee(l) || resend_answers_nak(l, st) ? STRICT_YES : STRICT_NO;
}

static enum strict strict_fragment(const struct look *l)
{
	uint8_t two;
	if (l->wire < FRAGMENT_MIN)
		return STRICT_NO;
	if (!u8_at(l->data, 6, &two))
		return STRICT_UNTESTED;
	return two == 2 ? STRICT_YES : STRICT_NO;
}

/* The length and header rules of wire E for every function. */
static enum strict strict_header(const struct look *l, const struct udp_state *st, uint8_t byte2)
{
	switch (byte2 & FUNCTION_MASK) {
	case F_PAYLOAD:
		return byte2 == F_PAYLOAD && l->wire >= PAYLOAD_MIN ? STRICT_YES : STRICT_NO;
	case F_RESEND:
		return strict_resend(l, st);
	case F_ACK:
	case F_NAK:
		return l->wire == ANSWER_SIZE ? STRICT_YES : STRICT_NO;
	case F_FRAGMENT:
		return strict_fragment(l);
	case F_MEDIA: /* never seen in the captures, so nothing is known to test */
		return STRICT_YES;
	default:
		return STRICT_NO;
	}
}

static struct sent_message *find_sent(struct udp_state *st, enum direction dir, uint16_t id)
{
	for (unsigned i = 0; i < REMEMBERED; i++) {
		struct sent_message *m = &st->sent[dir][i];
		if (m->sendings && m->id == id)
			return m;
	}
	return NULL;
}

static struct sent_message message_of(const struct look *l, uint16_t id)
{
	struct sent_message m = { .ts_ns = l->packet->ts_ns, .length = l->wire, .id = id, .sendings = 1 };
	struct reader r = reader_on(l->data);
	rd_skip(&r, 3);
	m.iv = rd_be32(&r);
	m.check = rd_be32(&r);
	m.has_fields = !r.failed;
	while (rd_left(&r) && m.data_len < SAMPLE)
		m.data[m.data_len++] = rd_u8(&r);
	return m;
}

static bool mostly_changed(uint32_t a, uint32_t b)
{
	unsigned changed = 0;
	for (uint32_t differ = a ^ b; differ; differ >>= 8)
		changed += (differ & 0xff) != 0;
	return changed >= 3; /* a timestamp or a counter of RTP changes one or two of the four */
}

static bool data_changed(const struct sent_message *a, const struct sent_message *b)
{
	unsigned n = a->data_len < b->data_len ? a->data_len : b->data_len, equal = 0;
	for (unsigned i = 0; i < n; i++)
		equal += a->data[i] == b->data[i];
	return n >= SAMPLE / 2 && equal <= n / 4;
}

static bool is_due(const struct sent_message *before, int64_t now)
{
	int64_t gap = now - before->ts_ns;
	if (before->sendings == 1)
		return gap >= FIRST_AGAIN_MIN && gap <= FIRST_AGAIN_MAX;
	return before->sendings == 2 && gap >= SECOND_AGAIN_MIN && gap <= SECOND_AGAIN_MAX;
}

/*
 * A message with the id of an earlier one: a retransmission, or proof that bytes 0-1 are no message id. RTP
 * is the trap here: constant bytes 0-1, constant SSRC, and 02 as the high byte of its sequence number for 256
 * packets.
 */
static void look_again(const struct look *l, struct sent_message *before, struct sent_message *now)
{
	if (!now->has_fields || !before->has_fields)
		return;
	if (is_due(before, now->ts_ns) && before->length == now->length && before->check == now->check &&
	    mostly_changed(before->iv, now->iv) && data_changed(before, now)) {
		observe(l, before->sendings == 1 ? SKYPE_RETRANSMISSION : SKYPE_RETRANSMITTED_TWICE, now->id);
		now->sendings = (uint8_t)(before->sendings + 1);
		now->echoed = before->echoed;
	} else {
		observe(l, SKYPE_ID_COUNTER, now->id);
		now->sendings =
			SENDINGS_MAX; /* what is periodic must not look like a fresh start each time */
	}
	*before = *now;
}

static bool is_copy(const struct sent_message *a, const struct sent_message *b)
{
	return a->has_fields && b->has_fields && a->iv == b->iv && a->check == b->check &&
	       a->length == b->length && b->ts_ns - a->ts_ns <= COPY_MAX;
}

static void look_at_payload(const struct look *l, struct udp_state *st, uint16_t id)
{
	struct sent_message now = message_of(l, id);
	struct sent_message *before = find_sent(st, l->dir, id);
	if (before && is_copy(before, &now))
		return;
	if (now.has_fields) {
		observe(l, SKYPE_NONCE, now.iv);
		observe(l, SKYPE_RANDOM, 0);
	}
	if (before) {
		look_again(l, before, &now);
		return;
	}
	observe(l, SKYPE_ID_COUNTER, id);
	if (now.has_fields)
		observe(l, SKYPE_FAN_OUT, now.check);
	st->sent[l->dir][st->next[l->dir]] = now;
	st->next[l->dir] = (uint8_t)((st->next[l->dir] + 1) % REMEMBERED);
}

/* The message that id answers, if it was seen; its echo counts once, however many fragments carry it. */
static bool look_at_echo(const struct look *l, struct udp_state *st, uint16_t id)
{
	struct sent_message *asked = find_sent(st, reverse(l->dir), id);
	if (!asked)
		return false;
	if (!asked->echoed) {
		observe(l, SKYPE_ID_ECHO, id);
		report_echo(l, asked->ts_ns, asked->length, asked->sendings > 1);
	}
	asked->echoed = true;
	return true;
}

static void look_at_answer(const struct look *l, struct udp_state *st, uint16_t id, uint8_t function)
{
	bool echo = look_at_echo(l, st, id);
	uint32_t address, own, value;
	/* Without the echoed id anybody could send the receiver its own address, asked or not: then it takes
	 * many who agree. */
	if (be32_at(l->data, 3, &address) && ipv4_of(&l->to->ip, &own) && ipv4_is_of_host(address))
		observe(l, echo ? SKYPE_REFLECTED : SKYPE_AGREED, address);
	if (function == F_NAK && be32_at(l->data, 7, &value))
		st->challenge[l->dir] = (struct challenge){ .value = value, .id = id, .asked = true };
}

static void look_at_resend(const struct look *l, const struct udp_state *st)
{
	if (resend_names_addressee(l))
		observe(l, SKYPE_RESEND, l->wire);
	if (resend_answers_nak(l, st))
		observe(l, SKYPE_RESEND, l->wire);
}

static void look_at_fragment(const struct look *l, struct udp_state *st)
{
	uint16_t asked;
	uint32_t iv;
	if (be16_at(l->data, 3, &asked))
		(void)look_at_echo(l, st, asked);
	if (be32_at(l->data, 7, &iv))
		observe(l, SKYPE_NONCE, iv);
}

static enum match udp_look(const struct look *l)
{
	struct udp_state *st = l->state;
	uint8_t byte2;
	uint16_t id;
	if (l->wire < 3)
		return MATCH_NO;
	if (!be16_at(l->data, 0, &id) || !u8_at(l->data, 2, &byte2))
		return MATCH_MAYBE;
	enum strict strict = strict_header(l, st, byte2);
	if (strict == STRICT_NO)
		return MATCH_NO;
	if (strict == STRICT_UNTESTED)
		return MATCH_MAYBE;

	uint8_t function = byte2 & FUNCTION_MASK;
	bool tells = function == F_PAYLOAD || function == F_RESEND || function == F_FRAGMENT;
	if (tells && !st->header_reported) {
		observe(l, SKYPE_UDP_HEADER, function);
		st->header_reported = true;
	}
	if (function == F_PAYLOAD)
		look_at_payload(l, st, id);
	else if (function == F_ACK || function == F_NAK)
		look_at_answer(l, st, id, function);
	else if (function == F_RESEND)
		look_at_resend(l, st);
	else if (function == F_FRAGMENT)
		look_at_fragment(l, st);
	return MATCH_MAYBE;
}

const struct dissector dissector_skype_udp = {
	.name = "skype_udp",
	.summary = "Skype messages over UDP, wire A",
	.protocol = &protocol_skype,
	.l4 = IPPROTO_UDP,
	.patience = 40, /* the longest signalling flow of the captures has 19 messages */
	.state_size = sizeof(struct udp_state),
	.look = udp_look,
};
