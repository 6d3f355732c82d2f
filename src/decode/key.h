/* Flow keys in canonical order: both directions of a flow give the same bytes. */
#ifndef FS_DECODE_KEY_H
#define FS_DECODE_KEY_H
#include "decode/packet.h"
#include <endian.h>

static inline uint64_t ip_half(const struct ip *ip, size_t at)
{
	uint64_t word;
	memcpy(&word, ip->b + at, sizeof word);
	return be64toh(word);
}

/* As memcmp() of the addresses, then the ports as numbers; spelled out because a call costs more than the
 * work. */
static inline bool endpoint_not_after(const struct ip *a, uint16_t a_port, const struct ip *b,
				      uint16_t b_port)
{
	uint64_t x = ip_half(a, 0), y = ip_half(b, 0);
	if (x == y) {
		x = ip_half(a, 8);
		y = ip_half(b, 8);
	}
	return x == y ? a_port <= b_port : x < y;
}

/* Fills the key; true if the source is key->low. */
static inline bool flow_key_set(struct flow_key *key, const struct ip *source, uint16_t source_port,
				const struct ip *destination, uint16_t destination_port, uint8_t l4)
{
	bool from_low = endpoint_not_after(source, source_port, destination, destination_port);
	struct endpoint *from = from_low ? &key->low : &key->high;
	struct endpoint *to = from_low ? &key->high : &key->low;
	from->ip = *source;
	from->port = source_port;
	to->ip = *destination;
	to->port = destination_port;
	key->l4 = l4;
	memset(key->zero, 0, sizeof key->zero);
	return from_low;
}
#endif
