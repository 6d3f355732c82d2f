/*
 * STUN (RFC 8489), its use by TURN (RFC 8656) and ICE (RFC 8445), and its first version (RFC 3489), which has
 *16 random bytes instead of cookie and transaction id.
 *
 *	0-1 type, top bits 00 | 2-3 length of what follows the header | 4-7 cookie | 8-19 transaction id |
 *attributes
 */
#include "dissectors/rtp/rtp.h"

#define ATTRIBUTES_MAX 64U /* twenty are many; a loop needs an end */

enum attribute { /* IANA registry of STUN attributes */
		 ATTRIBUTE_MAPPED_ADDRESS = 0x0001,
		 ATTRIBUTE_XOR_PEER_ADDRESS = 0x0012,
		 ATTRIBUTE_DATA = 0x0013,
		 ATTRIBUTE_XOR_RELAYED_ADDRESS = 0x0016,
		 ATTRIBUTE_XOR_MAPPED_ADDRESS = 0x0020,
		 ATTRIBUTE_PRIORITY = 0x0024,
};
enum family { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 }; /* section 14.1 */

/* RFC 8489 figure 3: the class is bits 4 and 8 of the type, the method is the others. */
static enum stun_class class_of(unsigned type)
{
	return (enum stun_class)((type >> 4 & 1U) | (type >> 7 & 2U));
}
static unsigned method_of(unsigned type)
{
	return (type & 0x000fU) | (type >> 1 & 0x0070U) | (type >> 2 & 0x0f80U);
}

/* RFC 3489 section 11.1: all six types that there are. */
static bool is_classic_type(unsigned type)
{
	unsigned method = type & 0x000fU, class = type & ~0x000fU;
	return (method == 1 || method == 2) && (class == 0x0000U || class == 0x0100U || class == 0x0110U);
}

/* An address, xor-ed with mask: cookie and transaction id (section 14.2), or zeros. */
static struct endpoint address_in(struct span value, const uint32_t mask[4])
{
	struct reader r = reader_on(value);
	unsigned family = rd_be16(&r) & 0xffU;
	struct endpoint e = { .port = (uint16_t)(rd_be16(&r) ^ mask[0] >> 16) };
	unsigned words = family == FAMILY_IPV4 ? 1 : family == FAMILY_IPV6 ? 4 : 0;

	for (unsigned i = 0; i < words; i++) {
		uint32_t word = rd_be32(&r) ^ mask[i];
		for (unsigned j = 0; j < 4; j++)
			e.ip.b[4 * i + j] = (uint8_t)(word >> (24 - 8 * j));
	}
	if (r.failed || words == 0)
		return (struct endpoint){ 0 };
	if (words == 1)
		e.ip = ip_from_v4(e.ip.b);
	return e;
}

static void read_attribute(unsigned type, struct part value, const uint32_t mask[4], struct stun_message *out)
{
	static const uint32_t plain[4];

	switch (type) {
	case ATTRIBUTE_MAPPED_ADDRESS:
		if (out->mapped.port == 0)
			out->mapped = address_in(value.data, plain);
		break;
	case ATTRIBUTE_XOR_MAPPED_ADDRESS:
		out->mapped = address_in(value.data, mask);
		break;
	case ATTRIBUTE_XOR_RELAYED_ADDRESS:
		out->relayed = address_in(value.data, mask);
		break;
	case ATTRIBUTE_XOR_PEER_ADDRESS:
		out->peer = address_in(value.data, mask);
		break;
	case ATTRIBUTE_PRIORITY:
		out->check = true;
		break;
	case ATTRIBUTE_DATA:
		out->payload = value;
		break;
	default:
		break;
	}
}

/* False: what is there are no attributes. What the snap length cut off is believed. */
static bool read_attributes(struct part body, const uint32_t mask[4], struct stun_message *out)
{
	for (unsigned i = 0; i < ATTRIBUTES_MAX && body.wire > 0; i++) {
		struct reader r = reader_on(body.data);
		uint16_t type = rd_be16(&r), length = rd_be16(&r);
		uint32_t padded = (length + 3U) & ~3U;
		if (r.failed)
			return body.wire >= 4 && body.data.len < body.wire;
		if (4U + padded > body.wire)
			return false;
		struct part value = part_behind(body, 4);
		read_attribute(type, part_first(value, length), mask, out);
		body = part_behind(value, padded);
	}
	return true;
}

static uint32_t fold(const uint32_t id[4])
{
	return id[0] ^ (id[1] << 7 | id[1] >> 25) ^ (id[2] << 14 | id[2] >> 18) ^ (id[3] << 21 | id[3] >> 11);
}

enum reading stun_read(struct part message, struct stun_message *out)
{
	struct reader r = reader_on(message.data);
	uint16_t type = rd_be16(&r), length = rd_be16(&r);
	uint32_t id[4];

	for (unsigned i = 0; i < 4; i++)
		id[i] = rd_be32(&r);
	bool classic = id[0] != STUN_COOKIE;
	/* Cut behind the cookie it may be STUN; without one it is not worth waiting for. */
	if (r.failed)
		return message.wire < STUN_HEADER || (message.data.len >= 8 && classic) ? READ_NOT : READ_CUT;
	if (type & 0xc000U || (classic && !is_classic_type(type)) || length + STUN_HEADER != message.wire)
		return READ_NOT;
	*out = (struct stun_message){
		.classic = classic,
		.class = class_of(type),
		.method = method_of(type),
		.id = fold(id),
	};
	bool fits = read_attributes(part_behind(message, STUN_HEADER), id, out);
	return fits || !classic ? READ_OK : READ_NOT; /* the cookie is proof enough */
}
