/*
 * Which ports the later fragments of a datagram belong to. Nothing is reassembled: only the first fragment's
 * ports are kept, or, while it has not come, how much came before it. Bounded, constant time, oldest datagram
 * out first.
 */
#ifndef FS_DECODE_FRAGMENT_H
#define FS_DECODE_FRAGMENT_H
#include "base/error.h"
#include "base/ip.h"
#include <stdbool.h>
#include <stdint.h>

/* RFC 791 section 2.3 (source, destination, protocol, identification); RFC 8200 section 4.5 (without
 * protocol). */
struct fragment_key {
	struct ip source, destination;
	uint32_t identification;
	uint8_t protocol; /* IPv6: 0 */
	uint8_t zero[3];
};
_Static_assert(sizeof(struct fragment_key) == 40, "hashed and compared as bytes: no padding");

struct fragment_transport {
	uint16_t source_port, destination_port;
	uint8_t protocol;
};

struct fragment_sizes {
	uint32_t payload, payload_wire, l3_wire; /* as in struct packet */
};

struct fragment_early {
	uint32_t packets;
	struct fragment_sizes sizes; /* of all of them together */
	int64_t ns;                  /* how long before the first fragment the earliest of them came */
};

struct fragments;
struct fragments *fragments_new(uint32_t max_datagrams, struct error *err);
void fragments_free(struct fragments *table);

/* A first fragment: remembers its ports. *early receives what came before it, once. */
void fragments_first(struct fragments *table, const struct fragment_key *key, int64_t ts_ns,
		     const struct fragment_transport *transport, struct fragment_early *early);
/* A later fragment. False: the first has not come; this one is counted for it. */
bool fragments_later(struct fragments *table, const struct fragment_key *key, int64_t ts_ns,
		     const struct fragment_sizes *sizes, struct fragment_transport *transport);
#endif
