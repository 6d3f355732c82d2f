/* Sizes of questions and answers: wire A5, B1-B3; BS Fig. 4 and 5; TR: the technical report on 0.97, Fig.
 * 3-5. */
#include "peer/answers.h"
#include "base/clock.h"

#define PROBE_SIZE    18U
#define CONTACTS_SIZE 27U
#define LOGIN_NODES   22U
#define ANY_OPENING   OPENINGS

struct sizes { /* of a question and its answers, drawn from as often as they were seen */
	uint16_t question;
	uint8_t choices;
	uint16_t answer[6];
};

/* What nodes say, wire A5 unless otherwise said. */
static const struct sizes udp_sizes[] = {
	{ PROBE_SIZE, 1, { 26 } },                  /* the ping-pong behind the login: 27 times */
	{ 21, 2, { 69, 76 } },                      /* once each */
	{ LOGIN_NODES, 4, { 653, 658, 669, 693 } }, /* once each */
	{ 30, 1, { 18 } },                          /* 15 times */
	{ 31, 1, { 18 } },                          /* 18 times, and 121 once, by what is encrypted */
	{ 54, 1, { 18 } },                          /* BS Fig. 5 */
	{ 58, 1, { 365 } },                         /* 3 times */
	{ 60, 3, { 26, 365, 26 } },                 /* once, and twice */
	{ 77, 1, { 18 } },                          /* TR Fig. 6 shows no answer: as in BS Fig. 5 */
	{ 171, 1, { 18 } },                         /* BS Fig. 5 */
};

#define SEARCH_SIZE       47U /* wire A4, and likewise the next three */
#define SEARCH_MESSAGES   2U
#define SEARCH_LAST_LEAST 577U /* data of the last of nine fragments */
#define SEARCH_LAST_MOST  1230U

static int64_t program_delay(struct rng *rng)
{
	/* Wire A3: a client sends ACKs 0.2-0.3 ms after the message. Others' delays cannot be seen; up to 3
	 * ms is what this client takes for the longest of its own steps (wire B2, fr 277/278). */
	return (int64_t)rng_between(rng, 200, 3000) * NS_PER_US;
}

static bool wants_ack(size_t size)
{
	/* Notices of 346 bytes, and 19 or 20 from an unknown peer (wire A3); in 0.97, 34 and 44 bytes to the
	 * nodes after the login (TR Fig. 3). */
	return size == 346 || size == 19 || size == 20 || size == 34 || size == 44;
}

static unsigned draw(const struct sizes *s, struct rng *rng)
{
	return s->choices == 1 ? s->answer[0] : s->answer[rng_below(rng, s->choices)];
}

/* A client that looks for a supernode: wire B1. */
static unsigned answer_to_candidate(const struct party *who)
{
	return who->kind == PARTY_SUPERNODE && who->answers == ANSWERS_ACCEPTS ? 18 : 51;
}

unsigned answer_last_fragment(struct rng *rng)
{
	return rng_between(rng, SEARCH_LAST_LEAST, SEARCH_LAST_MOST);
}

struct answer answer_over_udp(const struct party *who, size_t size, enum sense sense, struct rng *rng)
{
	struct answer a = { .delay_ns = program_delay(rng) };

	if (who->answers == ANSWERS_TCP || who->answers == ANSWERS_NOTHING)
		return a;
	if (who->kind == PARTY_LIST_SERVER) { /* wire B3 (5) */
		a.bytes = size == CONTACTS_SIZE ? 22 : 0;
		return a;
	}
	if (size == PROBE_SIZE && sense == SENSE_WANTS_SUPERNODE) {
		a.bytes = answer_to_candidate(who);
		return a;
	}
	if (size == SEARCH_SIZE) {
		a.messages = SEARCH_MESSAGES;
		a.bytes = answer_last_fragment(rng);
		return a;
	}
	a.acknowledged = wants_ack(size);
	for (size_t i = 0; i < sizeof udp_sizes / sizeof udp_sizes[0]; i++)
		if (udp_sizes[i].question == size)
			a.bytes = draw(&udp_sizes[i], rng);
	return a;
}

/* --- on a connection to a supernode ----------------------------------------------------------------------
 */

void opening_write(enum opening opening, uint8_t *first_message)
{
	first_message[0] = (uint8_t)((first_message[0] & 0xfcU) | opening);
}

enum opening opening_read(const uint8_t *first_message, size_t size)
{
	unsigned bits = size > 0 ? first_message[0] & 3U : 0;

	return bits < OPENINGS ? bits : OPENING_KNOWN;
}

static const struct {
	uint8_t opening;
	uint16_t question, answer;
} tcp_sizes[] = {
	{ OPENING_EMPTY, 14, 73 },
	{ OPENING_KNOWN, 14, 37 },
	{ OPENING_BETA, 14, 14 }, /* TR Fig. 3 */
	{ OPENING_EMPTY, 25, 587 },
	{ OPENING_KNOWN, 25, 578 },
	{ OPENING_BETA, 34, 146 }, /* TR Fig. 3 */
	{ OPENING_EMPTY, 16, 274 },
	{ OPENING_EMPTY, 11, 659 },
	{ OPENING_EMPTY, 45, 4 },
	{ OPENING_KNOWN, 56, 660 },
	/* BS Fig. 4: with what is said around them 4032 bytes */
	{ OPENING_EMPTY, 122, 1217 },
	{ OPENING_EMPTY, 124, 1218 },
	{ ANY_OPENING, 10, 20 },
	{ ANY_OPENING, 36, 4 },
	{ ANY_OPENING, 57, 21 },
	{ ANY_OPENING, 67, 4 },
	{ ANY_OPENING, 2, 2 }, /* BS Fig. 12 */
	/* Signalling of a call that goes over supernodes: what the other end says comes back (BS Figs. 8, 9;
	   call_signalling.c), both ways. */
	{ ANY_OPENING, 29, 14 },
	{ ANY_OPENING, 393, 946 },
	{ ANY_OPENING, 479, 528 },
	{ ANY_OPENING, 258, 48 },
	{ ANY_OPENING, 946, 393 },
	{ ANY_OPENING, 528, 479 },
	{ ANY_OPENING, 48, 258 },
	{ ANY_OPENING, 17, 17 },
	{ ANY_OPENING, 18, 17 },
	{ OPENING_BETA, 16, 52 }, /* TR Fig. 6 */
	/* BS Fig. 7: a search of 6165 bytes in all, and 1130 back */
	{ ANY_OPENING, 256, 45 },
	{ ANY_OPENING, 257, 45 },
	/* What a supernode tells a UDP-restricted client that cannot ask others: TR Fig. 5, and so much that
	   it makes 7 kilobytes in all (BS Table I). */
	{ ANY_OPENING, 93, 588 },
	{ OPENING_BETA, 93, 1460 + 588 },
};

static unsigned answer_with_nodes(unsigned nth, struct rng *rng)
{
	/* Wire B2: 48 bytes first, 82 to the second request, later 48 four times and 75 twice. */
	if (nth <= 2)
		return nth == 1 ? 48 : 82;
	return rng_one_in(rng, 3) ? 75 : 48;
}

struct answer answer_over_tcp(enum opening opening, size_t size, unsigned nodes_requests, struct rng *rng)
{
	struct answer a = { .delay_ns = program_delay(rng) };

	if (size == NODES_REQUEST)
		a.bytes = answer_with_nodes(nodes_requests, rng);
	for (size_t i = 0; i < sizeof tcp_sizes / sizeof tcp_sizes[0]; i++)
		if (tcp_sizes[i].question == size &&
		    (tcp_sizes[i].opening == ANY_OPENING || tcp_sizes[i].opening == opening))
			a.bytes = tcp_sizes[i].answer;
	if (a.bytes == 0 && size > ACKNOWLEDGEMENT)
		a.bytes = ACKNOWLEDGEMENT;
	return a;
}
