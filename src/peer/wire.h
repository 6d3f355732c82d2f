/*
 * The place of the capture: what passes here is numbered, written to the capture file and counted in the
 * truth. Near is the monitored side (a party that is inside, or a client of the campus), far all else.
 *
 * Packets come in order of time; those of background captures are merged in between. Frames are Ethernet.
 * Times are cut to microseconds, the file's unit, before anything is counted.
 */
#ifndef FS_PEER_WIRE_H
#define FS_PEER_WIRE_H
#include "peer/truth.h"
#include <signal.h>

struct background; /* background.h: frames of given captures, moved in time */

struct wire_options {
	const char *path;              /* of the capture; "-": standard output */
	struct truth *truth;           /* borrowed */
	struct background *background; /* borrowed; NULL: none */
	uint32_t snaplen;              /* 0: whole frames */
	bool hashed;                   /* for wire_finish() */
	/* A signal handler's; when it is set, wire_failed() says so, which ends both nets. NULL: none. */
	const volatile sig_atomic_t *stop;
};

struct wire;
struct wire *wire_open(const struct wire_options *options, struct error *err);
/* Drains the background until `ends_ns`, and writes what is left; wire_close() then gives the file its name.
 * sha256 (NULL: unwanted) gets that of the capture if it is to be hashed, and "" else, or without libcrypto.
 */
bool wire_finish(struct wire *wire, int64_t ends_ns, char *sha256, struct error *err);
/* wire_finish(), unless it was called, and the file's name. False: could not be written; nothing is left
 * under the name. */
bool wire_close(struct wire *wire, int64_t ends_ns, struct error *err);
void wire_abandon(struct wire *wire); /* instead: frees it, and removes the half-written file; accepts NULL */

/* One datagram (not fragmented: size <= 1472), seen at ns. from_near: sent by the near end. */
void wire_udp(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, const uint8_t *payload,
	      size_t size, enum purpose purpose);

#define TCP_FIN 0x01U
#define TCP_SYN 0x02U
#define TCP_RST 0x04U
#define TCP_PSH 0x08U
#define TCP_ACK 0x10U
struct segment {
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *payload;
	size_t size; /* at most 1460 */
};
void wire_tcp(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, const struct segment *s,
	      enum purpose purpose);

/* An echo request or reply (near and far without ports), c of protocol ICMP. */
void wire_echo(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, bool reply, uint16_t id,
	       uint16_t number);
/* Destination unreachable, port unreachable (type 3 code 3), quoting a UDP header of `quoted` that went the
 * other way. c: of protocol ICMP between the hosts. */
void wire_unreachable(struct wire *wire, int64_t ns, struct conversation *c, bool from_near,
		      const struct conversation *quoted, size_t quoted_size);

uint64_t wire_packets(const struct wire *wire);   /* so far */
const char *wire_failed(const struct wire *wire); /* NULL, or why writing failed; asked now and then */
#endif
