/* Messages of the overlay over UDP (wire A1, A3) and what a node reads of them. */
#include "peer/message.h"
#include "base/hash.h"
#include "base/reader.h"
#include <string.h>

#define PAYLOAD_HEAD  11U /* id, function, IV, check (wire A1) */
#define PAYLOAD_LEAST 18U /* the shortest that was seen (wire A1) */
#define RESEND_HEAD   16U
#define RESEND_MORE   5U  /* a resend is that much longer than what it repeats (wire A3) */
#define SHORT_SIZE    11U /* ACK and NAK, exactly (wire A1) */
#define FRAGMENT_HEAD 15U
#define LAST_FRAGMENT 0x80U

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, (uint16_t)(value >> 16)), (uint16_t)value);
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static uint8_t *put_random(uint8_t *at, struct rng *rng, size_t size)
{
	rng_fill(rng, at, size);
	return at + size;
}

/* Bits 0x70 are random in all functions but 02 (wire A1). */
static uint8_t function_byte(struct rng *rng, enum function function)
{
	return (uint8_t)(function | (rng_next(rng) & 0x70U));
}

/* Over what a node knows of a message before it can read it: the place of the real key (message.h). */
static uint32_t tag_of(uint16_t id, struct addressing a, const uint8_t iv[4], const uint8_t check[4])
{
	static const struct hash_key key = { { UINT64_C(0x666f6f7473746570), UINT64_C(0x7065657220746167) } };
	uint64_t words[3] = { (uint64_t)a.from << 32 | a.to, id, 0 };

	memcpy(&words[2], iv, 4);
	memcpy((uint8_t *)&words[2] + 4, check, 4);
	return (uint32_t)(hash_words(&key, words, sizeof words) >> 32);
}

size_t message_payload(struct rng *rng, uint16_t id, struct addressing a, const uint8_t check[4], size_t size,
		       uint8_t *out)
{
	uint8_t iv[4], *at = put16(out, id);

	rng_fill(rng, iv, sizeof iv);
	*at++ = FUNCTION_PAYLOAD;
	at = put_bytes(at, iv, sizeof iv);
	at = put_bytes(at, check, 4);
	at = put32(at, tag_of(id, a, iv, check));
	put_random(at, rng, size - PAYLOAD_HEAD - 4);
	return size;
}

void message_check(struct rng *rng, enum sense sense, uint8_t check[4])
{
	rng_fill(rng, check, 4);
	check_set_sense(check, sense);
}

/* Of the random bytes beside it: with the same sense in message after message, its two bits are even still,
 * as those of a cipher are. A client's probes would else fail the chi-square test, and rightly. */
static unsigned sense_mask(const uint8_t check[4])
{
	return check[1] ^ check[2] ^ check[3];
}

void check_set_sense(uint8_t check[4], enum sense sense)
{
	check[0] = (uint8_t)((check[0] & 0xfcU) | ((sense ^ sense_mask(check)) & 3U));
}

enum sense check_sense(const uint8_t check[4])
{
	unsigned bits = (check[0] ^ sense_mask(check)) & 3U;

	return bits <= SENSE_ANSWER ? bits : SENSE_QUESTION;
}

size_t message_resend(struct rng *rng, uint16_t id, const uint8_t challenge[4], uint32_t to,
		      const uint8_t check[4], size_t size, uint8_t *out)
{
	uint8_t *at = put16(out, id);

	*at++ = function_byte(rng, FUNCTION_RESEND);
	*at++ = 0x01;
	at = put_bytes(at, challenge, 4);
	at = put32(at, to);
	at = put_bytes(at, check, 4);
	put_random(at, rng, size + RESEND_MORE - RESEND_HEAD);
	return size + RESEND_MORE;
}

static size_t put_short(struct rng *rng, uint16_t id, enum function function, uint32_t public_ip,
			const uint8_t last[4], uint8_t *out)
{
	uint8_t *at = put16(out, id);

	*at++ = function_byte(rng, function);
	put_bytes(put32(at, public_ip), last, 4);
	return SHORT_SIZE;
}

size_t message_ack(struct rng *rng, uint16_t id, uint32_t public_ip_of_addressee, uint8_t *out)
{
	uint8_t varies[4];

	rng_fill(rng, varies, sizeof varies);
	return put_short(rng, id, FUNCTION_ACK, public_ip_of_addressee, varies, out);
}

size_t message_nak(struct rng *rng, uint16_t id, uint32_t public_ip_of_addressee, const uint8_t challenge[4],
		   uint8_t *out)
{
	return put_short(rng, id, FUNCTION_NAK, public_ip_of_addressee, challenge, out);
}

size_t message_fragment(struct rng *rng, uint16_t id, uint16_t request, unsigned index, bool last,
			size_t data, uint8_t *out)
{
	uint8_t *at = put16(out, id);

	*at++ = function_byte(rng, FUNCTION_FRAGMENT);
	at = put16(at, request);
	*at++ = (uint8_t)(index | (last ? LAST_FRAGMENT : 0));
	*at++ = 0x02;
	put_random(at, rng, 8 + data); /* IV, check, data */
	return FRAGMENT_HEAD + data;
}

size_t message_media(struct rng *rng, uint16_t id, size_t size, uint8_t *out)
{
	uint8_t *at = put16(out, id);

	/* Wire A1 has no media; the start of message is that of the others, as Bonfiglio et al. 2007 say. */
	*at++ = function_byte(rng, FUNCTION_MEDIA);
	put_random(at, rng, size - 3);
	return size;
}

static void take4(struct reader *r, uint8_t out[4])
{
	struct span s = rd_take(r, 4);

	if (s.len == 4)
		memcpy(out, s.ptr, 4);
}

static bool read_payload(struct reader *r, size_t size, struct addressing a, struct message_head *out)
{
	uint8_t iv[4] = { 0 };
	uint32_t tag;

	take4(r, iv);
	take4(r, out->check);
	out->sense = check_sense(out->check);
	tag = rd_be32(r);
	out->readable = !r->failed && tag == tag_of(out->id, a, iv, out->check);
	return size >= PAYLOAD_LEAST;
}

static bool read_resend(struct reader *r, size_t size, struct addressing a, struct message_head *out)
{
	bool known = rd_u8(r) == 0x01;

	take4(r, out->challenge);
	out->readable = rd_be32(r) == a.to;
	take4(r, out->check);
	out->sense = check_sense(out->check);
	return known && size >= PAYLOAD_LEAST + RESEND_MORE;
}

static bool read_fragment(struct reader *r, size_t size, struct message_head *out)
{
	out->request = rd_be16(r);
	out->last = rd_u8(r) & LAST_FRAGMENT;
	return rd_u8(r) == 0x02 && size >= FRAGMENT_HEAD;
}

bool message_parse(const uint8_t *bytes, size_t size, struct addressing a, struct message_head *out)
{
	struct reader r = reader_on((struct span){ bytes, size });

	*out = (struct message_head){ .id = rd_be16(&r) };
	out->function = rd_u8(&r) & 0x8f;
	switch (out->function) {
	case FUNCTION_PAYLOAD:
		return read_payload(&r, size, a, out) && !r.failed;
	case FUNCTION_RESEND:
		return read_resend(&r, size, a, out) && !r.failed;
	case FUNCTION_ACK:
	case FUNCTION_NAK:
		out->public_ip = rd_be32(&r);
		take4(&r, out->challenge);
		return size == SHORT_SIZE;
	case FUNCTION_FRAGMENT:
		return read_fragment(&r, size, out) && !r.failed;
	case FUNCTION_MEDIA:
		return !r.failed;
	}
	return false;
}
