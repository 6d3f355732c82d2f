/*
 * Payload of the self-test's traffic, each from its specification. Random stands for whatever is encrypted.
 * A message that is repeated is the same bytes again wherever the protocol has it so: what must not change is
 * derived from what the flow remembers.
 */
#include "identify/null_payload.h"
#include <endian.h>
#include <stdio.h>

struct put {
	uint8_t *out;
	size_t n;
};

static void put8(struct put *p, uint32_t v)
{
	if (p->n < NULL_PAYLOAD_MAX)
		p->out[p->n++] = (uint8_t)v;
}

static void put16(struct put *p, uint32_t v)
{
	put8(p, v >> 8);
	put8(p, v);
}

static void put32(struct put *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p, v);
}

static void put_bytes(struct put *p, const void *bytes, size_t n)
{
	size_t room = NULL_PAYLOAD_MAX - p->n;

	n = n < room ? n : room;
	memcpy(p->out + p->n, bytes, n);
	p->n += n;
}

static void put_text(struct put *p, const char *text)
{
	put_bytes(p, text, strlen(text));
}

static void put_random(struct put *p, struct rng *rng, size_t n)
{
	size_t room = NULL_PAYLOAD_MAX - p->n;

	n = n < room ? n : room;
	rng_fill(rng, p->out + p->n, n);
	p->n += n;
}

static void put_zeros(struct put *p, size_t n)
{
	while (n-- > 0)
		put8(p, 0);
}

/* A new number for a new question; an answer and a repetition find the old one in f->asked. */
static void ask(struct null_flow *f, enum direction dir, struct rng *rng)
{
	if (dir == TO_RESPONDER && !f->repeated)
		rng_fill(rng, f->asked, sizeof f->asked);
}

/* Numbers that are the same for each sending of the open question. */
static struct rng rng_of_question(const struct null_flow *f)
{
	uint64_t seed;

	memcpy(&seed, f->asked, sizeof seed);
	return rng_seeded(le64toh(seed));
}

/* 16-bit transaction ids: of one counter for all servers, as old resolvers have it, or random. */
static void ask_by_number(struct null_flow *f, enum direction dir, struct rng *rng)
{
	ask(f, dir, rng);
	if (dir == TO_RESPONDER && !f->repeated && f->variant & 1) {
		f->asked[0] = (uint8_t)(++*f->shared_counter >> 8);
		f->asked[1] = (uint8_t)*f->shared_counter;
	}
}

size_t null_random(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	size_t n = f->size ? f->size : rng_between(rng, 1, f->size_most);

	(void)dir;
	rng_fill(rng, out, n);
	return n;
}

/* RFC 3550 section 5.1. clock: timestamp units from one packet to the next. */
static void rtp_header(struct null_flow *f, enum direction dir, struct put *p, bool extension, unsigned type,
		       uint32_t clock)
{
	put8(p, extension ? 0x90 : 0x80);
	put8(p, (f->sent[dir] == 0 ? 0x80U : 0U) | type);
	put16(p, f->sequence[dir]++);
	put32(p, f->timestamp[dir]);
	put_bytes(p, f->id[dir], 4);
	f->timestamp[dir] += clock;
}

/* G.711 A-law in frames of 20 ms: near silence few bits of 0xd5 change. Or video: 90 kHz, 30 frames a second.
 */
size_t null_rtp(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	if (f->variant & 1) {
		rtp_header(f, dir, &p, false, 8, 160);
		for (int i = 0; i < 160; i += 8) {
			uint64_t noise = rng_next(rng) & UINT64_C(0x8383838383838383);
			for (int k = 0; k < 8; k++, noise >>= 8)
				put8(&p, 0xd5U ^ (uint32_t)(noise & 0xff));
		}
	} else {
		rtp_header(f, dir, &p, false, 96U + (f->variant >> 1) % 5U, 3000);
		put_random(&p, rng, rng_between(rng, 100, 1200));
	}
	return p.n;
}

/* RFC 8285 section 4.2: one element of one byte (RFC 6464: audio level), padded; RFC 3711: tag of 10 bytes.
 */
size_t null_srtp(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	rtp_header(f, dir, &p, true, 111, 960); /* Opus: 48 kHz, 20 ms */
	put16(&p, 0xbede);
	put16(&p, 1);
	put8(&p, 0x10);
	put8(&p, rng_below(rng, 128));
	put16(&p, 0);
	put_random(&p, rng, rng_between(rng, 20, 160) + 10);
	return p.n;
}

enum { DTLS_CLIENT_HELLO = 1, DTLS_SERVER_HELLO = 2, DTLS_HELLO_VERIFY = 3 };
enum { TLS_HANDSHAKE = 22, TLS_APPLICATION_DATA = 23 };

/* RFC 6347 section 4.3.1 */
static void dtls_record(const struct null_flow *f, enum direction dir, struct put *p, unsigned type,
			unsigned version, unsigned epoch, size_t length)
{
	put8(p, type);
	put16(p, version);
	put16(p, epoch);
	put16(p, 0);
	put32(p, f->packets[dir]);
	put16(p, (uint32_t)length);
}

/* RFC 6347 section 4.2.1: hello, its verification, hello with the cookie; then the server's choice. */
static void dtls_hello(const struct null_flow *f, enum direction dir, struct put *p, unsigned version)
{
	const unsigned cookie = 20, number = f->sent[dir];
	bool client = dir == TO_RESPONDER, verify = !client && number == 0;
	unsigned type = client ? DTLS_CLIENT_HELLO : verify ? DTLS_HELLO_VERIFY : DTLS_SERVER_HELLO;
	size_t with_cookie = client && number > 0 ? cookie : 0;
	size_t length = verify   ? 3 + cookie
			: client ? 2 + 32 + 1 + 1 + with_cookie + 2 + 4 + 2
				 : 2 + 32 + 1 + 3;

	dtls_record(f, dir, p, TLS_HANDSHAKE, number == 0 ? 0xfeff : version, 0, 12 + length);
	put8(p, type);
	put8(p, 0);
	put16(p, (uint32_t)length);
	put16(p, number); /* message_seq; then its only fragment */
	put8(p, 0);
	put16(p, 0);
	put8(p, 0);
	put16(p, (uint32_t)length);
	put16(p, verify ? 0xfeff : version);
	if (!verify)
		put_bytes(p, f->id[dir], 32);
	if (!verify)
		put8(p, 0); /* no session */
	if (verify || client)
		put8(p, verify ? cookie : (uint32_t)with_cookie);
	put_bytes(p, f->asked + 4, verify || with_cookie ? 12 : 0);
	put_bytes(p, f->asked + 4, verify || with_cookie ? cookie - 12 : 0);
	if (client)
		put_bytes(p, "\x00\x04\xc0\x2b\xc0\x14\x01\x00", 8); /* two suites, no compression */
	else if (!verify)
		put_bytes(p, version == 0xfefd ? "\xc0\x2b\x00" : "\xc0\x14\x00", 3);
}

size_t null_dtls(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };
	unsigned version = f->variant & 1 ? 0xfefd : 0xfeff;

	if (f->sent[dir] < 2) {
		dtls_hello(f, dir, &p, version);
	} else {
		/* 8 bytes of nonce and 16 of tag (RFC 5288); or block cipher and MAC, at least as long. */
		size_t length = 24 + rng_between(rng, 1, 1200);
		dtls_record(f, dir, &p, TLS_APPLICATION_DATA, version, 1, length);
		put_random(&p, rng, length);
	}
	return p.n;
}

/* A connection id chosen by this side: RFC 9000 section 5.1, at most 20 bytes; section 7.2: the first one
 * that a client sends has at least 8. */
static size_t quic_id_length(const struct null_flow *f, bool responder)
{
	return responder ? 8 + f->variant % 13U : f->variant & 1 ? 8 : 0;
}

static void quic_id(const struct null_flow *f, struct put *p, bool responder, bool with_length)
{
	if (with_length)
		put8(p, (uint32_t)quic_id_length(f, responder));
	put_bytes(p, f->id[responder], quic_id_length(f, responder));
}

/* RFC 9000 section 17.2.2, in a datagram of 1200 bytes (section 14.1); RFC 9369 section 3.2 for version 2. */
static void quic_initial(const struct null_flow *f, enum direction dir, struct rng *rng, struct put *p)
{
	const size_t datagram = 1200;
	bool second = f->variant >= 192;

	put8(p, (second ? 0xd0U : 0xc0U) | rng_below(rng, 16));
	put32(p, second ? 0x6b3343cf : 1);
	quic_id(f, p, dir == TO_RESPONDER, true);
	quic_id(f, p, dir == TO_INITIATOR, true);
	put8(p, 0); /* no token */
	put16(p, 0x4000U | (uint32_t)(datagram - p->n - 2));
	put_random(p, rng, datagram - p->n);
}

size_t null_quic(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	if (f->sent[dir] == 0) {
		quic_initial(f, dir, rng, &p);
		return p.n;
	}
	put8(&p, 0x40U | rng_below(rng, 64)); /* RFC 9000 section 17.3.1; the rest is protected */
	quic_id(f, &p, dir == TO_RESPONDER, false);
	put_random(&p, rng, 20 + rng_between(rng, 1, rng_one_in(rng, 2) ? 40 : 1300));
	return p.n;
}

static void dns_name(struct put *p, struct rng *rng)
{
	static const char *const top[] = { "com", "org", "net", "de" };

	for (unsigned labels = rng_between(rng, 1, 3); labels > 0; labels--) {
		unsigned length = rng_between(rng, 2, 12);
		put8(p, length);
		while (length-- > 0)
			put8(p, 'a' + rng_below(rng, 26));
	}
	const char *last = top[rng_below(rng, sizeof top / sizeof top[0])];
	put8(p, (uint32_t)strlen(last));
	put_text(p, last);
	put8(p, 0);
}

/* RFC 1035 section 4.1: header, the question, and in an answer addresses by a pointer to its name. */
size_t null_dns(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };
	bool edns = f->variant & 2;

	ask_by_number(f, dir, rng);
	struct rng question = rng_of_question(f);
	unsigned type = rng_one_in(&question, 2) ? 28 : 1; /* AAAA (RFC 3596), A */
	unsigned found = rng_below(&question, 5), answers = dir == TO_INITIATOR ? found : 0;
	put_bytes(&p, f->asked, 2);
	put16(&p, dir == TO_RESPONDER ? 0x0100 : answers ? 0x8180 : 0x8183);
	put16(&p, 1);
	put16(&p, answers);
	put16(&p, 0);
	put16(&p, edns);
	dns_name(&p, &question);
	put16(&p, type);
	put16(&p, 1);
	for (; answers > 0; answers--) {
		put16(&p, 0xc00c);
		put16(&p, type);
		put16(&p, 1);
		put32(&p, rng_below(rng, 86400));
		put16(&p, type == 1 ? 4 : 16);
		put_random(&p, rng, type == 1 ? 4 : 16);
	}
	if (edns) /* RFC 6891 section 6.1.2: root, OPT, 1232 bytes, no options */
		put_bytes(&p, "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00", 11);
	return p.n;
}

/*
 * Query: the server's magic, the client's key, half a nonce, then at least 256 bytes padded to 64, and a tag.
 * Answer: "r6fnvWj8", the whole nonce, the same.
 */
size_t null_dnscrypt(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	if (dir == TO_RESPONDER) {
		rng_fill(rng, f->asked, sizeof f->asked); /* a repeated question is encrypted anew */
		put_bytes(&p, f->id[1], 8);
		put_bytes(&p, f->id[0], 32);
		put_bytes(&p, f->asked, 12);
		put_random(&p, rng, 16 + 256 + 64U * rng_below(rng, 4));
	} else {
		put_text(&p, "r6fnvWj8");
		put_bytes(&p, f->asked, 12);
		put_random(&p, rng, 12);
		put_random(&p, rng, 16 + 64U * rng_between(rng, 1, 4));
	}
	return p.n;
}

/* Section 5.4 of the paper: messages 1 and 2, then data under the receiver's index, padded to 16. */
size_t null_wireguard(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };
	const size_t initiation_size = 148, response_size = 92, mac2 = 16;
	bool first = f->sent[dir] == 0, initiation = first && dir == TO_RESPONDER;

	put8(&p, initiation ? 1 : first ? 2 : 4);
	put_zeros(&p, 3);
	if (first) {
		put_bytes(&p, f->id[dir], 4);
		if (!initiation)
			put_bytes(&p, f->id[!dir], 4);
		put_random(&p, rng, (initiation ? initiation_size : response_size) - mac2 - p.n);
		put_zeros(&p, mac2); /* no cookie: the server is not under load */
		return p.n;
	}
	put_bytes(&p, f->id[!dir], 4);
	put8(&p, f->packets[dir] - 1); /* 64 bits, little endian, from 0 */
	put_zeros(&p, 7);
	put_random(&p, rng, 16 + 16U * rng_below(rng, rng_one_in(rng, 2) ? 4 : 80));
	return p.n;
}

static void stun_attribute(struct put *p, unsigned type, unsigned length)
{
	put16(p, type);
	put16(p, length);
}

/* RFC 8489 sections 5 and 14; ICE's attributes by RFC 8445 section 16.1. The optional FINGERPRINT is left
 * out. */
size_t null_stun(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };
	bool ice = f->variant & 1, question = dir == TO_RESPONDER;

	ask(f, dir, rng);
	struct rng same = rng_of_question(f);
	put16(&p, question ? 0x0001 : 0x0101);
	put16(&p, (ice && question ? 16U + 12U + 8U : 0U) + (question ? 0U : 12U) + (ice ? 24U : 0U));
	put32(&p, 0x2112a442);
	put_bytes(&p, f->asked, 12);
	if (ice && question) {
		stun_attribute(&p, 0x0006, 9); /* USERNAME, padded to 12 */
		for (int i = 0; i < 9; i++)
			put8(&p, i == 4 ? ':' : 'a' + f->id[0][i] % 26U);
		put_zeros(&p, 3);
		stun_attribute(&p, 0x802a, 8); /* ICE-CONTROLLING */
		put_bytes(&p, f->id[0] + 16, 8);
		stun_attribute(&p, 0x0024, 4); /* PRIORITY */
		put32(&p, 0x6e7f1eff);
	}
	if (!question) {
		stun_attribute(&p, 0x0020, 8); /* XOR-MAPPED-ADDRESS */
		put16(&p, 1);
		put_random(&p, &same, 6);
	}
	if (ice) {
		stun_attribute(&p, 0x0008, 20); /* MESSAGE-INTEGRITY */
		put_random(&p, &same, 20);
	}
	return p.n;
}

/* BEP 5: ping, find_node, get_peers, and what a node answers. */
size_t null_dht(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	ask_by_number(f, dir, rng);
	struct rng same = rng_of_question(f);
	unsigned method = rng_below(&same, 3);
	bool question = dir == TO_RESPONDER;

	put_text(&p, question ? "d1:ad2:id20:" : "d1:rd2:id20:");
	put_bytes(&p, f->id[dir], 20);
	if (question && method > 0) {
		put_text(&p, method == 1 ? "6:target20:" : "9:info_hash20:");
		put_random(&p, &same, 20);
	} else if (!question && method > 0) {
		put_text(&p, "5:nodes208:"); /* 8 nodes of 26 bytes */
		put_random(&p, rng, 208);
	}
	put_text(&p, "e");
	if (question)
		put_text(&p, method == 0 ? "1:q4:ping" : method == 1 ? "1:q9:find_node" : "1:q9:get_peers");
	put_text(&p, "1:t2:");
	put_bytes(&p, f->asked, 2);
	put_text(&p, question ? "1:y1:qe" : "1:y1:re");
	return p.n;
}

/* BEP 29. The initiator is answered under the id of its SYN, and itself sends under the next. */
size_t null_utp(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };
	enum { ST_DATA = 0x01, ST_STATE = 0x21, ST_SYN = 0x41 };
	bool first = f->sent[dir] == 0, data = !first && !rng_one_in(rng, 3);
	unsigned type = first ? (dir == TO_RESPONDER ? ST_SYN : ST_STATE) : data ? ST_DATA : ST_STATE;
	unsigned id = ((unsigned)f->id[0][0] << 8) + f->id[0][1];

	put8(&p, type);
	put8(&p, 0); /* no extension */
	put16(&p, dir == TO_RESPONDER && type != ST_SYN ? id + 1 : id);
	put32(&p, (uint32_t)(f->due_ns / 1000)); /* us */
	put32(&p, f->sent[!dir] ? rng_between(rng, 10000, 90000) : 0);
	put32(&p, 0x100000); /* window */
	put16(&p, type == ST_STATE ? f->sequence[dir] : f->sequence[dir]++);
	put16(&p, f->sent[!dir] ? f->sequence[!dir] : 0);
	if (data)
		put_random(&p, rng, rng_between(rng, 1, 1380));
	return p.n;
}

/* RFC 5246 section 7.4.1.2, with the server's name (RFC 6066 section 3). */
static void tls_client_hello(const struct null_flow *f, struct rng *rng, struct put *p)
{
	const uint32_t name = 6U + f->variant % 16U, extension = 2 + 1 + 2 + name;
	const uint32_t body = 2 + 32 + 1 + 32 + 2 + 4 + 2 + 2 + 4 + extension;

	put8(p, TLS_HANDSHAKE);
	put16(p, 0x0301);
	put16(p, 4 + body);
	put8(p, 1);
	put8(p, 0);
	put16(p, body);
	put16(p, 0x0303);
	put_bytes(p, f->id[0], 32);
	put8(p, 32);
	put_random(p, rng, 32);
	put_bytes(p, "\x00\x04\xc0\x2f\xc0\x30\x01\x00", 8);
	put16(p, 4 + extension);
	put16(p, 0);
	put16(p, extension);
	put16(p, extension - 2);
	put8(p, 0);
	put16(p, name);
	for (uint32_t i = 0; i < name - 4; i++)
		put8(p, 'a' + rng_below(rng, 26));
	put_text(p, ".org");
}

size_t null_tls(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out)
{
	struct put p = { out, 0 };

	if (f->sent[dir] == 0 && dir == TO_RESPONDER) {
		tls_client_hello(f, rng, &p);
		return p.n;
	}
	bool hello = f->sent[dir] == 0;
	uint32_t length = hello ? 4 + 2 + 32 + 1 + 3 : 24 + rng_between(rng, 1, 1300);
	put8(&p, hello ? TLS_HANDSHAKE : TLS_APPLICATION_DATA);
	put16(&p, 0x0303);
	put16(&p, length);
	if (hello) {
		put_bytes(&p, "\x02\x00\x00\x26\x03\x03", 6);
		put_bytes(&p, f->id[1], 32);
		put_bytes(&p, "\x00\xc0\x2f\x00", 4);
	} else {
		put_random(&p, rng, length);
	}
	return p.n;
}
