/*
 * Layouts of what is sent (skype-wire A1 to C4, "wire" below): every encoder writes into `out` and returns
 * the size. What real clients encrypt is random here. Nothing is shared with dissectors/: these are second
 * readings of the same facts.
 *
 * One thing is behind the random bytes: of a message 02, bytes 11 to 14 are a tag over its id, bytes 3-10 and
 * the two IPv4 addresses as the sender believes them. Real clients key their cipher with these, so that a
 * node which gets a message through a NAT cannot read it, and sends a NAK (wire A3). Here it sees that the
 * tag is wrong.
 *
 * And what a message 02 is for is encrypted in reality. Here two bits of its bytes 7-10 say it: a question of
 * 18 bytes may be of a client that looks for a supernode, answered with 18 or 51 bytes, or the ping-pong
 * after its login, answered with 26 (wire A5), and no answer must be taken for a question.
 */
#ifndef FS_PEER_MESSAGE_H
#define FS_PEER_MESSAGE_H
#include "base/rng.h"
#include "peer/net.h"

#define MESSAGE_MAX 1472U /* one datagram on Ethernet */

enum function { /* wire A1 */
		FUNCTION_PAYLOAD = 0x02,
		FUNCTION_RESEND = 0x03,
		FUNCTION_ACK = 0x05,
		FUNCTION_NAK = 0x07,
		FUNCTION_MEDIA = 0x0d,
		FUNCTION_FRAGMENT = 0x0f,
};

struct addressing { /* as the sender believes it */
	uint32_t from, to;
};

/* 02: size >= 18; check: bytes 7-10, the same for the same plaintext (wire A1). */
size_t message_payload(struct rng *rng, uint16_t id, struct addressing a, const uint8_t check[4], size_t size,
		       uint8_t *out);
enum sense { SENSE_QUESTION, SENSE_WANTS_SUPERNODE, SENSE_ANSWER };
/* Bytes 7-10: random to whoever does not know what to look for. */
void message_check(struct rng *rng, enum sense sense, uint8_t check[4]);
void check_set_sense(uint8_t check[4], enum sense sense);
enum sense check_sense(const uint8_t check[4]);
/* 03, after a NAK: 5 bytes longer than the message 02 of `size` that it repeats. */
size_t message_resend(struct rng *rng, uint16_t id, const uint8_t challenge[4], uint32_t to,
		      const uint8_t check[4], size_t size, uint8_t *out);
size_t message_ack(struct rng *rng, uint16_t id, uint32_t public_ip_of_addressee, uint8_t *out);
size_t message_nak(struct rng *rng, uint16_t id, uint32_t public_ip_of_addressee, const uint8_t challenge[4],
		   uint8_t *out);
/* 0f: fragment `index` of an answer with `data` bytes in this one; id: the answerer's, request: that of the
 * question. */
size_t message_fragment(struct rng *rng, uint16_t id, uint16_t request, unsigned index, bool last,
			size_t data, uint8_t *out);
size_t message_media(struct rng *rng, uint16_t id, size_t size, uint8_t *out);

struct message_head { /* of a datagram that came */
	enum function function;
	uint16_t id;
	uint16_t request;     /* FRAGMENT: the id that is answered */
	bool last;            /* FRAGMENT */
	bool readable;        /* PAYLOAD: the tag fits the two addresses; RESEND: it is for `to` */
	uint32_t public_ip;   /* ACK, NAK: of its addressee */
	uint8_t challenge[4]; /* NAK, RESEND */
	uint8_t check[4];     /* PAYLOAD, RESEND; likewise what follows */
	enum sense sense;
};
/* False: no message of ours. a: as the receiver sees it. */
bool message_parse(const uint8_t *bytes, size_t size, struct addressing a, struct message_head *out);

/* Login and contact-list servers, 2006 (wire B3). second: LL of the block's second record. */
size_t login_hello(uint8_t *out);                                        /* message 1, 5 bytes */
size_t login_hello_answer(uint8_t *out);                                 /* message 2, 5 bytes */
size_t login_block_2006(struct rng *rng, unsigned second, uint8_t *out); /* message 3 */
size_t login_record(struct rng *rng, unsigned length, uint8_t *out);     /* 17 03 01 00 LL and LL bytes */
/* 2015 (wire C4): first: LL of the block's first record. */
size_t login_block_2015(struct rng *rng, unsigned first, unsigned second, uint8_t *out);

/* TCP between nodes, 2015 (wire C3). */
size_t node_hello(struct rng *rng, unsigned size,
		  uint8_t *out);                 /* form 1: 48 random bytes and padding, 48..111 */
size_t tls_hello(struct rng *rng, uint8_t *out); /* form 2, client: 72 bytes */
size_t tls_hello_answer(uint8_t *out);           /* form 2, server: 79 bytes */

/* Version check (wire B4). action: getlatestversion or installed. */
size_t version_request(const char *platform, const char *version, const char *action, const char *uhash,
		       uint8_t out[MESSAGE_MAX]);
size_t version_reply(uint8_t out[MESSAGE_MAX]);

/* DNS, RFC 1035: one question; the same with one A record. */
#define DNS_NAME_MAX 256
size_t dns_question(uint16_t id, const char *name, bool aaaa, uint8_t out[MESSAGE_MAX]);
size_t dns_answer(const uint8_t *question, size_t size, uint32_t ip,
		  uint8_t out[MESSAGE_MAX]); /* ip 0: no record; 0: no question */
/* The name that is asked for, or was; 0: none. */
size_t dns_name(const uint8_t *message, size_t size, char out[DNS_NAME_MAX]);
/* The first A record of an answer; 0: there is none. */
uint32_t dns_address(const uint8_t *answer, size_t size);
#endif
