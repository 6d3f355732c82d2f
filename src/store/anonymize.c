/*
 * What workers tell, with pseudonyms for addresses; see anonymize.h.
 *
 * Not only what is an address by its type can be one. Values of observations are numbers from payload: one
 * that is told to be an address (TEST_REFLECTED, TEST_AGREED) becomes its pseudonym, which tests compare with
 * pseudonyms. Those that are compared with each other (TEST_NONCE, TEST_REPEATED), and the first bytes of
 * messages for the chi-square test, are random in the protocol that they are meant for; but any datagram that
 * looks like it is tested, and may have an address at that place. They are turned over by a constant of the
 * key: whether two differ, and in which bytes, and how evenly the values of four bits are spread, stays as it
 * is. Of all other tests the values mean nothing, and are 0.
 */
#include "store/anonymize.h"
#include <stdlib.h>
#include <string.h>

/* Of 100::/64, which nobody has (RFC 6666): what its pseudonym tells of other addresses is nothing. */
static const struct ip mask_of = { { 1, 0, 0, 0, 0, 0, 0, 0, 'm', 'a', 's', 'k' } };
#define MASK_AT 4U /* behind the bits that it may share with addresses that are in use */

#define HOST_WITHHELD "(withheld)"

/* Each of a client's messages tells its address again: without these, `read --anonymize` took twice as long
 * on a trace of many of them. 2^12: 128 KB, which stay in the processor's second cache. */
#define CACHE_BITS 12
struct cached { /* zeroed: "::", which stays as it is */
	struct ip real, pseudonym;
};

struct anonymizer {
	struct cached cache[1U << CACHE_BITS];
	const struct cryptopan *pan;
	struct intake behind;
	uint8_t mask[sizeof((struct observation *)NULL)->head];
};

static void hide(struct anonymizer *a, struct ip *ip)
{
	uint64_t words[2];

	/* Fibonacci hashing (Knuth, The Art of Computer Programming 6.4); whoever makes addresses collide
	 * wins that they take as long as without. */
	memcpy(words, ip->b, sizeof words);
	uint64_t mixed = (words[0] * 31 ^ words[1]) * UINT64_C(0x9e3779b97f4a7c15);
	struct cached *c = &a->cache[mixed >> (64 - CACHE_BITS)];
	if (!ip_equal(&c->real, ip))
		*c = (struct cached){ *ip, cryptopan_ip(a->pan, ip) };
	*ip = c->pseudonym;
}

static uint32_t be32_of(const uint8_t b[4])
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t hide_v4(struct anonymizer *a, uint32_t address)
{
	const uint8_t bytes[4] = { (uint8_t)(address >> 24), (uint8_t)(address >> 16),
				   (uint8_t)(address >> 8), (uint8_t)address };
	struct ip ip = ip_from_v4(bytes);

	hide(a, &ip);
	return be32_of(ip.b + sizeof ip.b - sizeof bytes);
}

static uint32_t hide_value(struct anonymizer *a, enum evidence_test test, uint32_t value)
{
	switch (test) {
	case TEST_REFLECTED:
	case TEST_AGREED:
		return hide_v4(a, value);
	case TEST_NONCE:
	case TEST_REPEATED:
		return value ^ be32_of(a->mask);
	case TEST_COUNTER:
		return value & 0xffff; /* a message's number, of 16 bits */
	case TEST_NONE:
	case TEST_PEERS:
	case TEST_RANDOMNESS:
	case TEST_AGAINST:
		break;
	}
	return 0;
}

static void observed(void *self, const struct observation *o)
{
	struct anonymizer *a = self;
	struct observation hidden = *o;

	hide(a, &hidden.from.ip);
	hide(a, &hidden.to.ip);
	hidden.value = hide_value(a, protocols[o->protocol]->kinds[o->kind].test, o->value);
	for (size_t i = 0; o->has_head && i < sizeof hidden.head; i++)
		hidden.head[i] ^= a->mask[i];
	a->behind.observed(a->behind.self, &hidden);
}

/* The digits at text are an IPv4 address's four numbers, "10.0.0.1" or, as in names that providers give,
 * "10-0-0-1". */
static bool has_four_numbers(const char *text)
{
	for (unsigned n = 1;; n++) {
		size_t digits = strspn(text, "0123456789");
		if (digits == 0 || digits > 3)
			return false;
		if (n == 4)
			return true;
		text += digits;
		if (*text != '.' && *text != '-')
			return false;
		text++;
	}
}

/* In any form in which a program takes one for a host: also the whole as one number (inet_aton()). */
static bool holds_address(const char *host)
{
	size_t length = strcspn(host, ":");
	size_t digits = strspn(host, "0123456789abcdefABCDEFxX.");
	bool numeric = length > 0 && digits >= length && host[0] >= '0' && host[0] <= '9';
	bool v6 = host[0] == '[' || strchr(host, ':') != strrchr(host, ':');

	for (const char *at = host; *at; at++)
		if (*at >= '0' && *at <= '9' && has_four_numbers(at))
			return true;
	return numeric || v6;
}

/* Text that the client chose, which could be an address of its flow. */
static void hide_own(char *text, size_t size, const struct occurrence *o)
{
	char initiator[IP_TEXT], responder[IP_TEXT];

	ip_format(&o->initiator.ip, initiator);
	ip_format(&o->responder.ip, responder);
	if (strstr(text, initiator) || strstr(text, responder))
		memset(text, 0, size);
}

static void hide_path(struct anonymizer *a, struct media_path *path)
{
	hide(a, &path->reflexive[0].ip);
	hide(a, &path->reflexive[1].ip);
	hide(a, &path->relayed.ip);
	hide(a, &path->peer.ip);
}

static void occurred(void *self, const struct occurrence *o)
{
	struct anonymizer *a = self;
	struct occurrence hidden = *o;

	hide(a, &hidden.initiator.ip);
	hide(a, &hidden.responder.ip);
	if (o->event.type == EVENT_MEDIA_PATH)
		hide_path(a, &hidden.event.of.path);
	if (o->event.type == EVENT_VERSION_CHECK) {
		hide_own(hidden.event.of.version.version, sizeof hidden.event.of.version.version, o);
		hide_own(hidden.event.of.version.platform, sizeof hidden.event.of.version.platform, o);
		if (holds_address(o->event.of.version.host))
			memcpy(hidden.event.of.version.host, HOST_WITHHELD, sizeof HOST_WITHHELD);
	}
	a->behind.occurred(a->behind.self, &hidden);
}

/* Numbers and times of messages: no address. */
static void metered(void *self, const struct media_report *r)
{
	struct anonymizer *a = self;

	a->behind.metered(a->behind.self, r);
}

static void flow(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct anonymizer *a = self;
	struct flow_record hidden = *r;

	hide(a, &hidden.initiator.ip);
	hide(a, &hidden.responder.ip);
	/* Made of checksums, and those are also of the addresses; nobody needs it any more. */
	hidden.side[0].fingerprint = hidden.side[1].fingerprint = 0;
	a->behind.flow(a->behind.self, &hidden, log);
}

/* A name says whose the address is. */
static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	(void)self;
	(void)answer;
	(void)ts_ns;
}

struct anonymizer *anonymizer_new(const struct cryptopan *pan, const struct intake *behind, struct error *err)
{
	struct anonymizer *a = calloc(1, sizeof *a);

	if (!a) {
		error_memory(err, "the pseudonyms");
		return NULL;
	}
	a->pan = pan;
	a->behind = *behind;
	struct ip mask = cryptopan_ip(pan, &mask_of);
	memcpy(a->mask, mask.b + MASK_AT, sizeof a->mask);
	return a;
}

void anonymizer_free(struct anonymizer *a)
{
	free(a);
}

struct intake anonymizer_intake(struct anonymizer *a)
{
	return (struct intake){ observed, occurred, metered, flow, named, a };
}
