/*
 * Patterns: each on the bytes of the captures (wire A1, B3, C3, C4; BEP 3), on all that is nearly it, and all
 * of them at once on random packets; and what becomes of a flow's hits. The expectations are written out
 * here: nothing is taken from the tables that are tested.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "chance.h"
#include "identify/hits.h"
#include "identify/identify.h"
#include "identify/patterns.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY UINT32_MAX /* as long as one likes */

/*
 * The packet as it was seen (the first bytes, what follows is random in the captures, too), which of these
 * bytes decide, and which lengths. '.' decides nothing, '!' is a byte that must not be.
 */
static const struct example {
	const char *protocol, *pattern, *definition;
	uint8_t l4;
	uint32_t wire, shortest, longest;
	const char *decides;
	uint8_t bytes[72];
} examples[] = {
	{ "skype",
	  "hello",
	  "tcp, 5 bytes, 16 03 01 00 00 at 0",
	  IPPROTO_TCP,
	  5,
	  5,
	  5,
	  "#####",
	  { 0x16, 0x03, 0x01, 0x00, 0x00 } },
	/* Messages 1 and 3 of login 1, in one segment. */
	{ "skype",
	  "hello_more",
	  "tcp, 11 bytes or more, 16 03 01 00 00 at 0, 16 03 01 00 at 5, not 01 at 10",
	  IPPROTO_TCP,
	  456,
	  11,
	  ANY,
	  "#########.!",
	  { 0x16, 0x03, 0x01, 0x00, 0x00, 0x16, 0x03, 0x01, 0x00, 0xcd, 0x41, 0x03, 0x00, 0x09, 0x80 } },
	/* Frame 316 of SkypeIRC.pcap. */
	{ "skype",
	  "block_2006",
	  "tcp, 15 bytes or more, 16 03 01 00 at 0, 41 03 00 09 80 40 04 08 c0 01 at 5",
	  IPPROTO_TCP,
	  451,
	  15,
	  ANY,
	  "####.##########",
	  { 0x16, 0x03, 0x01, 0x00, 0xcd, 0x41, 0x03, 0x00, 0x09, 0x80, 0x40, 0x04, 0x08, 0xc0, 0x01,
	    0x5a } },
	/* Frame 1787 of skype.pcap. */
	{ "skype",
	  "block_2015",
	  "tcp, 12 bytes or more, 16 03 01 00 at 0, 42 cd ef e7 40 d7 2f at 5",
	  IPPROTO_TCP,
	  300,
	  12,
	  ANY,
	  "####.#######",
	  { 0x16, 0x03, 0x01, 0x00, 0xe7, 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f, 0x1d } },
	{ "skype",
	  "first_four",
	  "tcp, 4 bytes or more, 16 03 01 00 at 0",
	  IPPROTO_TCP,
	  40,
	  4,
	  ANY,
	  "####",
	  { 0x16, 0x03, 0x01, 0x00, 0xc5, 0x01, 0x00, 0x00, 0xc1 } },
	/* Frame 214 of SkypeIRC.pcap. */
	{ "skype",
	  "probe",
	  "udp, 18 to 37 bytes, 02 at 2",
	  IPPROTO_UDP,
	  18,
	  18,
	  37,
	  "..#",
	  { 0x15, 0xf2, 0x02, 0x31, 0xc4, 0x9a, 0x07, 0x64, 0x4a } },
	/* Wire C3, form 2. */
	{ "skype",
	  "false_hello",
	  "tcp, 72 bytes, 80 46 01 03 01 00 2d 00 00 00 10 00 00 05 00 00 04 00 00 0a at 0",
	  IPPROTO_TCP,
	  72,
	  72,
	  72,
	  "####################",
	  { 0x80, 0x46, 0x01, 0x03, 0x01, 0x00, 0x2d, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x05,
	    0x00, 0x00, 0x04, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x09, 0x00, 0x00, 0x64, 0x00, 0x00,
	    0x62, 0x00, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0x00, 0x06, 0x01, 0x00, 0x80, 0x07,
	    0x00, 0xc0, 0x03, 0x00, 0x80, 0x06, 0x00, 0x40, 0x02, 0x00, 0x80, 0x04, 0x00, 0x80 } },
	/* BEP 3: 19, "BitTorrent protocol", then 48 bytes. */
	{
		"bittorrent",
		"handshake",
		"tcp, 20 bytes or more, 13 42 69 74 54 6f 72 72 65 6e 74 20 70 72 6f 74 6f 63 6f 6c at 0",
		IPPROTO_TCP,
		68,
		20,
		ANY,
		"####################",
		{ 19,  'B', 'i', 't', 'T', 'o', 'r', 'r', 'e', 'n',
		  't', ' ', 'p', 'r', 'o', 't', 'o', 'c', 'o', 'l' } },
};
#define EXAMPLES (sizeof examples / sizeof examples[0])

static const struct packet_pattern *pattern_of(const struct example *e, unsigned *number)
{
	const struct packet_pattern *pattern;
	unsigned protocol;

	for (*number = 0; (pattern = pattern_numbered(*number, &protocol)); ++*number)
		if (strcmp(pattern->name, e->pattern) == 0 &&
		    strcmp(protocols[protocol]->name, e->protocol) == 0)
			return pattern;
	fail_msg("there is no pattern %s of %s", e->pattern, e->protocol);
	return NULL;
}

/* By the definition, and by the index; in a heap block of exactly the captured bytes. */
static bool fits(const struct patterns *index, const struct example *e, uint8_t l4, const uint8_t *bytes,
		 size_t captured, uint32_t wire)
{
	uint8_t *block = malloc(captured ? captured : 1);
	unsigned number;
	const struct packet_pattern *pattern = pattern_of(e, &number);

	assert_non_null(block);
	memcpy(block, bytes, captured);
	const struct span payload = { captured ? block : NULL, captured };
	bool fit = pattern_fits(pattern, l4, payload, wire);
	assert_int_equal(patterns_fit(index, l4, payload, wire) >> number & 1, fit);
	free(block);
	return fit;
}

static struct patterns *index_of_all(void)
{
	struct error err = { 0 };
	struct patterns *p = patterns_new(&err);

	assert_non_null(p);
	return p;
}

static void test_count(void **state)
{
	unsigned protocol = 99;

	(void)state;
	assert_int_equal(pattern_count(), EXAMPLES);
	assert_null(pattern_numbered(EXAMPLES, &protocol));
	for (unsigned n = 0, before = 0; n < EXAMPLES; n++, before = protocol) {
		assert_non_null(pattern_numbered(n, &protocol));
		assert_true(protocol >= before);
	}
}

static void test_described(void **state)
{
	char text[PATTERN_TEXT];
	unsigned number;

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		pattern_describe(pattern_of(&examples[i], &number), text);
		assert_string_equal(text, examples[i].definition);
	}
	/* The longest that there can be. */
	struct packet_pattern most = {
		.l4 = IPPROTO_UDP, .shortest = 10000, .longest = 65507, .test_count = 3
	};
	for (unsigned i = 0; i < PATTERN_TESTS_MAX; i++)
		most.test[i] =
			(struct pattern_test){ .offset = 255, .length = PATTERN_BYTES_MAX, .differs = true };
	pattern_describe(&most, text);
	assert_string_equal(text + strlen(text) - 9, "00 at 255");
}

static void test_examples(void **state)
{
	struct patterns *index = index_of_all();

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *e = &examples[i];
		if (!fits(index, e, e->l4, e->bytes, sizeof e->bytes < e->wire ? sizeof e->bytes : e->wire,
			  e->wire))
			fail_msg("%s does not fit its example", e->pattern);
		uint8_t other = e->l4 == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
		assert_false(fits(index, e, other, e->bytes, 5, e->wire));
		assert_false(fits(index, e, IPPROTO_SCTP, e->bytes, 5, e->wire));
	}
	patterns_free(index);
}

/* Every byte, changed to every other value: it fits as long as the byte decides nothing. */
static void test_broken_bytes(void **state)
{
	struct patterns *index = index_of_all();

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *e = &examples[i];
		size_t captured = sizeof e->bytes < e->wire ? sizeof e->bytes : e->wire;
		for (size_t at = 0; at < captured; at++)
			for (unsigned value = 0; value < 256; value++) {
				uint8_t bytes[sizeof e->bytes];
				char decides = at < strlen(e->decides) ? e->decides[at] : '.';
				bool expected = decides == '.' || (decides == '#' && value == e->bytes[at]) ||
						(decides == '!' && value != 0x01);
				memcpy(bytes, e->bytes, sizeof bytes);
				bytes[at] = (uint8_t)value;
				if (fits(index, e, e->l4, bytes, captured, e->wire) != expected)
					fail_msg("%s: %02x at %zu", e->pattern, value, at);
			}
	}
	patterns_free(index);
}

/* Every length on the wire, and every part of it captured. */
static void test_lengths(void **state)
{
	struct patterns *index = index_of_all();

	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		const struct example *e = &examples[i];
		for (uint32_t wire = 0; wire <= 1500; wire++) {
			bool right = wire >= e->shortest && wire <= e->longest;
			size_t most = sizeof e->bytes < wire ? sizeof e->bytes : wire;
			for (size_t captured = 0; captured <= most; captured++) {
				bool expected = right && captured >= strlen(e->decides);
				if (fits(index, e, e->l4, e->bytes, captured, wire) != expected)
					fail_msg("%s: %zu of %u bytes", e->pattern, captured, wire);
			}
		}
		assert_int_equal(fits(index, e, e->l4, e->bytes, sizeof e->bytes, 65535), e->longest == ANY);
		assert_int_equal(fits(index, e, e->l4, e->bytes, sizeof e->bytes, 1U << 20),
				 e->longest == ANY);
	}
	patterns_free(index);
}

/* The same again without tables: byte by byte from the examples. */
static bool fits_naively(const struct example *e, uint8_t l4, const uint8_t *bytes, size_t captured,
			 uint32_t wire)
{
	if (l4 != e->l4 || wire < e->shortest || wire > e->longest)
		return false;
	for (size_t at = 0; e->decides[at]; at++)
		if (e->decides[at] != '.' &&
		    (at >= captured || (e->decides[at] == '#' && bytes[at] != e->bytes[at]) ||
		     (e->decides[at] == '!' && bytes[at] == 0x01)))
			return false;
	return true;
}

/* Beginnings of examples with some random bytes in them and behind them: most are nearly something. */
static void test_random_packets(void **state)
{
	struct patterns *index = index_of_all();
	struct chance c = { 6 };
	unsigned met[EXAMPLES] = { 0 };

	(void)state;
	for (unsigned n = 0; n < 400000; n++) {
		const struct example *e = &examples[chance_u64(&c) % EXAMPLES];
		uint8_t bytes[80], l4 = chance_u64(&c) % 8 ? e->l4 : IPPROTO_UDP;
		size_t from_example = chance_u64(&c) % (sizeof e->bytes + 1);
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = i < from_example ? e->bytes[i] : (uint8_t)chance_u64(&c);
		if (chance_u64(&c) % 2)
			bytes[chance_u64(&c) % 16] = (uint8_t)chance_u64(&c);
		uint32_t wire = chance_u64(&c) % 2 ? e->wire : (uint32_t)(chance_u64(&c) % 80);
		size_t captured = wire < sizeof bytes ? wire : sizeof bytes;
		if (chance_u64(&c) % 8 == 0)
			captured = chance_u64(&c) % (captured + 1);
		for (size_t i = 0; i < EXAMPLES; i++) {
			bool expected = fits_naively(&examples[i], l4, bytes, captured, wire);
			if (fits(index, &examples[i], l4, bytes, captured, wire) != expected)
				fail_msg("packet %u: %s", n, examples[i].pattern);
			met[i] += expected;
		}
	}
	for (size_t i = 0; i < EXAMPLES; i++)
		assert_in_range(met[i], 1000, 400000);
	patterns_free(index);
}

/* Cut packets: it cannot be told when some continuation fits and another does not. */
static void test_untold(void **state)
{
	struct patterns *index = index_of_all();
	struct chance c = { 7 };
	unsigned met[2] = { 0 };

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		const struct example *e = &examples[chance_u64(&c) % EXAMPLES];
		uint8_t bytes[sizeof e->bytes];
		memcpy(bytes, e->bytes, sizeof bytes);
		if (chance_u64(&c) % 2)
			bytes[chance_u64(&c) % 16] = (uint8_t)chance_u64(&c);
		uint32_t wire = chance_u64(&c) % 2 ? e->wire : (uint32_t)(chance_u64(&c) % 80);
		size_t most = wire < 24 ? wire : 24, captured = chance_u64(&c) % (most + 1);
		bool expected = false;
		for (size_t i = 0; i < EXAMPLES && !expected; i++) {
			const struct example *o = &examples[i];
			uint8_t best[sizeof o->bytes];
			memcpy(best, o->bytes, sizeof best);
			memcpy(best, bytes, captured);
			expected = fits_naively(o, e->l4, best, sizeof best, wire) &&
				   !fits_naively(o, e->l4, best, captured, wire);
		}
		/* Of its own size: what is behind it must not be looked at. */
		uint8_t *exact = malloc(captured + !captured);
		assert_non_null(exact);
		memcpy(exact, bytes, captured);
		if (patterns_untold(index, e->l4, (struct span){ exact, captured }, wire) != expected)
			fail_msg("packet %u: %s, %zu of %u bytes", n, e->pattern, captured, wire);
		free(exact);
		met[expected]++;
	}
	assert_in_range(met[0], 10000, 200000);
	assert_in_range(met[1], 10000, 200000);
	patterns_free(index);
}

/* --- hits ------------------------------------------------------------------------------------------------
 */

static struct {
	struct pattern_hit hit[64];
	unsigned count;
	uint64_t all;
} told;

static void note(void *self, const struct pattern_hit *hit)
{
	(void)self;
	told.all++;
	if (told.count < 64)
		told.hit[told.count++] = *hit;
}

static const struct observer listener = { .hit = note };

static void receive(struct hits *h, struct flow *flow, enum direction dir, uint64_t number,
		    const uint8_t *bytes, size_t length)
{
	const struct packet packet = {
		.ts_ns = (int64_t)number * 1000,
		.number = number,
		.key.l4 = IPPROTO_TCP,
		.payload = { bytes, length },
		.payload_wire = (uint32_t)length,
	};

	hits_packet(h, &packet, flow, dir);
}

static unsigned number_of(const char *name)
{
	unsigned number;

	for (size_t i = 0; i < EXAMPLES; i++)
		if (strcmp(examples[i].pattern, name) == 0)
			return pattern_of(&examples[i], &number) ? number : 0;
	fail_msg("%s", name);
	return 0;
}

static void expect_hit(unsigned n, const char *pattern, enum direction dir, uint64_t packet)
{
	assert_int_equal(told.hit[n].pattern, number_of(pattern));
	assert_int_equal(told.hit[n].dir, dir);
	assert_int_equal(told.hit[n].packet, packet);
	assert_int_equal(told.hit[n].ts_ns, packet * 1000);
	assert_int_equal(told.hit[n].flow, 7);
}

/* Each pattern once in each direction, with its first packet; all when the flow ends, and then no more. */
static void test_hits_of_a_flow(void **state)
{
	struct error err = { 0 };
	struct hits *h = hits_new(&err);
	struct flow flow = { .first_packet = 7 }, other = { .first_packet = 8 };

	(void)state;
	assert_non_null(h);
	memset(&told, 0, sizeof told);
	receive(h, &flow, TO_RESPONDER, 9, examples[4].bytes, 40);
	receive(h, &flow, TO_RESPONDER, 10, examples[0].bytes, 5);
	receive(h, &flow, TO_RESPONDER, 11, examples[0].bytes, 5);
	receive(h, &other, TO_RESPONDER, 12, (const uint8_t *)"GET / HTTP/1.1\r\n", 16);
	receive(h, &flow, TO_INITIATOR, 13, examples[0].bytes, 5);
	assert_int_equal(told.count, 0);
	hits_ended(h, &other, &listener);
	assert_int_equal(told.count, 0);
	hits_ended(h, &flow, &listener);
	assert_int_equal(told.count, 4);
	expect_hit(0, "first_four", TO_RESPONDER, 9);
	expect_hit(1, "hello", TO_RESPONDER, 10);
	assert_int_equal(told.hit[2].packet, 13); /* two of one packet, in either order */
	assert_int_equal(told.hit[3].packet, 13);
	assert_int_not_equal(told.hit[2].pattern, told.hit[3].pattern);
	assert_int_equal(told.hit[3].dir, TO_INITIATOR);
	hits_ended(h, &flow, &listener);
	assert_int_equal(told.count, 4);
	assert_int_equal(hits_refused(h), 0);
	hits_free(h);
}

/* What is beyond the bound is counted; room that a flow leaves is used again. */
static void test_bound(void **state)
{
	struct error err = { 0 };
	struct hits *h = hits_new(&err);
	const unsigned flows = PATTERN_HITS_MAX / 2 + 10;
	struct flow *flow = calloc(flows, sizeof *flow);

	(void)state;
	assert_non_null(h);
	assert_non_null(flow);
	memset(&told, 0, sizeof told);
	for (unsigned i = 0; i < flows; i++)
		receive(h, &flow[i], TO_RESPONDER, i + 1, examples[0].bytes, 5);
	assert_int_equal(hits_refused(h), 20);
	hits_ended(h, &flow[0], &listener);
	assert_int_equal(told.all, 2);
	receive(h, &flow[flows - 1], TO_RESPONDER, flows + 1, examples[0].bytes, 5);
	assert_int_equal(hits_refused(h), 20);
	for (unsigned i = 0; i < flows; i++)
		hits_ended(h, &flow[i], &listener);
	assert_int_equal(told.all, PATTERN_HITS_MAX + 2);
	free(flow);
	hits_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),    cmocka_unit_test(test_described),
		cmocka_unit_test(test_examples), cmocka_unit_test(test_broken_bytes),
		cmocka_unit_test(test_lengths),  cmocka_unit_test(test_random_packets),
		cmocka_unit_test(test_untold),   cmocka_unit_test(test_hits_of_a_flow),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
