/*
 * The chi-square test of randomness: its arithmetic by hand, its sample sizes by simulation, and what it says
 * about real Skype. docs/statistics.md quotes the numbers.
 */
#include "identify/chi_square.h"
#include "chance.h"
#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The three rules of the paper; group 1 of the paper is bit 0. */
static const struct csc_rule end_to_end = { "end-to-end", "groups 5, 6 fixed", 0x0030, 0xffcf, false };
static const struct csc_rule gateway = { "gateway", "groups 1-8 fixed", 0x00ff, 0xff00, false };
static const struct csc_rule over_tcp = { "tcp", "all random", 0x0000, 0xffff, false };
/* End-to-end where ids are counters (wire A2): groups 1-4 are not looked at. */
static const struct csc_rule counted_ids = { "end-to-end, ids not looked at", "", 0x0030, 0xffc0, false };

static void add(struct csc *c, uint64_t bits)
{
	uint8_t payload[8];
	for (unsigned i = 0; i < 8; i++)
		payload[i] = (uint8_t)(bits >> (56 - 8 * i));
	csc_add(c, (struct span){ payload, sizeof payload });
}

static double upper_tail_chi2_7(double x)
{
	/* Closed form for odd degrees of freedom, Abramowitz & Stegun 26.4.4. */
	double root = sqrt(x), sum = root + root * x / 3 + root * x * x / 15;
	return erfc(root / sqrt(2)) + sqrt(2 / 3.141592653589793) * exp(-x / 2) * sum;
}

static void test_by_hand(void **state)
{
	(void)state;
	struct csc c = { 0 };
	assert_true(csc_statistic(&c, 0) == 0);
	for (uint64_t i = 0; i < 16; i++)
		add(&c, UINT64_C(0x0000000000000070) | i << 60 | (i & 8) << 36 | (i / 4) << 20);
	assert_int_equal(c.n, 16);
	assert_int_equal(c.count[0][5], 1);           /* high half of the first byte */
	assert_int_equal(c.count[14][7], 16);         /* ... of the last */
	assert_true(csc_statistic(&c, 0) == 0);       /* each value once: 16 (1-1)^2 / 1 */
	assert_true(csc_statistic(&c, 1) == 15 * 16); /* one value: (16-1)^2 + 15 */
	assert_true(csc_statistic(&c, 6) == 7 * 16);  /* two values, 8 each: 2 * 49 + 14 */
	assert_true(csc_statistic(&c, 10) == 3 * 16); /* four values, 4 each: 4 * 9 + 12 */
}

static void test_short_payloads_and_the_bound(void **state)
{
	(void)state;
	struct csc c = { 0 };
	uint8_t *seven = calloc(1, 7), *eight = calloc(1, 8);
	csc_add(&c, (struct span){ seven, 7 });
	csc_add(&c, (struct span){ NULL, 0 });
	assert_int_equal(c.n, 0);
	for (unsigned i = 0; i < 70000; i++)
		csc_add(&c, (struct span){ eight, 8 });
	assert_int_equal(c.n, 65535);
	assert_int_equal(c.count[3][0], 65535);
	assert_true(fabsf(csc_statistic(&c, 3) - 15.0F * 65535) < 1);
	free(seven);
	free(eight);
}

/* The share of flows of n messages in which a group with one fixed bit exceeds the threshold. */
static double caught(unsigned n, unsigned flows, uint64_t seed, double *mean, double *variance)
{
	struct chance chance = { seed };
	double sum = 0, squares = 0;
	unsigned above = 0;

	for (unsigned f = 0; f < flows; f++) {
		struct csc c = { 0 };
		for (unsigned i = 0; i < n; i++)
			add(&c, chance_u64(&chance) & UINT64_C(0x7777777777777777));
		for (unsigned g = 0; g < CSC_GROUPS; g++) {
			double x = csc_statistic(&c, g);
			above += x > CSC_THRESHOLD;
			sum += x;
			squares += x * x;
		}
	}
	double groups = (double)flows * CSC_GROUPS;
	*mean = sum / groups;
	*variance = squares / groups - *mean * *mean;
	return above / groups;
}

/*
 * One fixed bit leaves 8 values: X = n + 2 chi2_7, with mean n + 14 and variance 56, whatever n. A noncentral
 * chi2_15 would have the same mean within 1, but variance 30 + 4n, and ask for 198 messages.
 */
static void test_one_fixed_bit(void **state)
{
	(void)state;
	static const unsigned sizes[] = { 130, 140, 147, 148, 150, 151, 160 };
	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		unsigned n = sizes[i];
		double mean, variance, share = caught(n, 1000, n, &mean, &variance);
		double theory = n > 150 ? 1 : upper_tail_chi2_7((150.0 - n) / 2);
		print_message("n = %u: %.4f caught, theory %.4f; mean %.1f, variance %.1f\n", n, share,
			      theory, mean, variance);
		/* 16000 groups: three standard errors, and the grain of small counts */
		assert_true(fabs(share - theory) < 3 * sqrt(theory * (1 - theory) / 16000) + 0.004);
		assert_true(fabs(mean - (n + 14)) < 0.4);
		assert_true(fabs(variance - 56) < 4);
		assert_true((share >= 0.99) == (n >= 148));
	}
}

/* From 151 on it is no matter of chance: even 8 values as evenly used as can be exceed the threshold. */
static void test_minimum_is_certain(void **state)
{
	(void)state;
	assert_int_equal(csc_minimum(&end_to_end), 151);
	assert_int_equal(csc_minimum(&gateway), 151);
	assert_int_equal(csc_minimum(&over_tcp), 151);
	struct csc c = { 0 };
	for (unsigned i = 0; i < 151; i++)
		add(&c, (i % 8) * UINT64_C(0x1111111111111111));
	assert_true(csc_statistic(&c, 0) > CSC_THRESHOLD);
	memset(&c, 0, sizeof c);
	for (unsigned i = 0; i < 144; i++) /* and earlier they need not */
		add(&c, (i % 8) * UINT64_C(0x1111111111111111));
	assert_true(csc_statistic(&c, 0) == 144);
}

/*
 * What chance can do with few messages: of 12, all on one value, or eleven. That is 16^-11 (1 + 12 * 15), the
 * most for any n: 1.03e-11 per group and test.
 */
static void test_few_messages(void **state)
{
	(void)state;
	static const struct {
		unsigned most, second;
		bool above;
	} splits[] = { { 12, 0, true }, { 11, 1, true }, { 10, 2, false } };
	for (unsigned i = 0; i < 3; i++) {
		struct csc c = { 0 };
		for (unsigned k = 0; k < 12; k++)
			add(&c, k < splits[i].most ? 0 : UINT64_C(0x1111111111111111));
		assert_int_equal(csc_statistic(&c, 7) > CSC_THRESHOLD, splits[i].above);
	}
	struct csc c = { 0 };
	for (unsigned n = 1; n <= 11; n++) {
		add(&c, 0);
		assert_true(csc_statistic(&c, 0) == 15.0F * (float)n);
		assert_int_equal(csc_test(&c, &over_tcp), n < 11 ? CSC_TOO_FEW : CSC_FAILS);
	}
	assert_int_equal(csc_test(&c, &(struct csc_rule){ "", "", 0xffff, 0, false }), CSC_TOO_FEW);
}

static void test_random_payload(void **state)
{
	(void)state;
	struct chance chance = { 2007 };
	double sum = 0, squares = 0, greatest = 0;
	const unsigned flows = 2000;

	for (unsigned f = 0; f < flows; f++) {
		struct csc c = { 0 };
		for (unsigned i = 0; i < 151; i++)
			add(&c, chance_u64(&chance));
		for (unsigned g = 0; g < CSC_GROUPS; g++) {
			double x = csc_statistic(&c, g);
			sum += x;
			squares += x * x;
			greatest = fmax(greatest, x);
		}
		assert_int_equal(csc_test(&c, &over_tcp), CSC_PASSES);
		assert_int_equal(csc_test(&c, &end_to_end), CSC_FAILS);
		assert_int_equal(csc_test(&c, &gateway), CSC_FAILS);
	}
	double groups = flows * CSC_GROUPS, mean = sum / groups;
	print_message("random: mean %.2f, variance %.2f, greatest of %.0f: %.1f\n", mean,
		      squares / groups - mean * mean, groups, greatest);
	assert_true(fabs(mean - 15) < 0.15);
	/* 30 (1 - 1/n): that of Pearson's statistic of a multinomial sample */
	assert_true(fabs(squares / groups - mean * mean - 30) < 1);
	assert_true(greatest < 70); /* P(chi2_15 > 70) = 5e-9 */
}

/* A payload of each kind; i is its number in the flow. */
static uint64_t skype_message(struct chance *c, unsigned i)
{
	(void)i;
	return (chance_u64(c) & UINT64_C(0xffff70ffffffffff)) | UINT64_C(0x00000d0000000000);
}

static uint64_t skype_counted(struct chance *c, unsigned i)
{
	return (skype_message(c, i) & UINT64_C(0x0000ffffffffffff)) | (uint64_t)(0x15e8 + 2 * i) << 48;
}

static uint64_t gateway_message(struct chance *c, unsigned i)
{
	(void)i;
	return UINT64_C(0x3f91a2c700000000) | (chance_u64(c) & UINT64_C(0xffffffff));
}

static uint64_t encrypted(struct chance *c, unsigned i)
{
	(void)i;
	return chance_u64(c);
}

static uint64_t rtp(struct chance *c, unsigned i) /* RFC 3550: sequence number + 1, 160 samples */
{
	(void)c;
	return UINT64_C(0x8000) << 48 | (uint64_t)(uint16_t)(0x5d33 + i) << 32 |
	       (uint32_t)(0x7a3c1e55U + 160 * i);
}

static uint64_t dns(struct chance *c, unsigned i) /* random id, one question */
{
	(void)i;
	return chance_u64(c) << 48 | UINT64_C(0x0000010000010000);
}

static uint64_t stamped(struct chance *c, unsigned i) /* random id, type, counter, then random */
{
	return (chance_u64(c) & UINT64_C(0xffff000000ffffff)) | UINT64_C(0x0000450000000000) |
	       (uint64_t)i << 24;
}

static void test_rules(void **state)
{
	(void)state;
	static const struct csc_rule *const rules[] = { &end_to_end, &gateway, &over_tcp, &counted_ids };
	static const struct {
		const char *words;
		uint64_t (*message)(struct chance *c, unsigned i);
		bool passes[4]; /* by rules[] */
	} kinds[] = {
		{ "Skype, random ids", skype_message, { true, false, false, true } },
		{ "Skype, ids of one counter", skype_counted, { false, false, false, true } },
		{ "Skype to a gateway", gateway_message, { false, true, false, false } },
		{ "encrypted from the first byte", encrypted, { false, false, true, false } },
		{ "RTP", rtp, { false, false, false, false } },
		{ "DNS", dns, { false, false, false, false } },
		{ "id, type, counter", stamped, { false, false, false, false } },
	};
	for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		struct chance chance = { k + 1 };
		for (unsigned flow = 0; flow < 200; flow++) {
			struct csc c = { 0 };
			for (unsigned i = 0; i < 151; i++) {
				for (unsigned r = 0; r < 4; r++)
					assert_int_not_equal(csc_test(&c, rules[r]), CSC_PASSES);
				add(&c, kinds[k].message(&chance, i));
			}
			for (unsigned r = 0; r < 4; r++)
				assert_int_equal(csc_test(&c, rules[r]),
						 kinds[k].passes[r] ? CSC_PASSES : CSC_FAILS);
		}
	}
}

/*
 * The 153 messages that the client of SkypeIRC.pcap sent; the sums were made of tshark's output. Its ids are
 * a counter (wire A2), so that the first two groups are not random, and only signalling is in this capture.
 */
static void test_real_skype(void **state)
{
	(void)state;
	static const int truth[CSC_GROUPS] = { 1165, 929, 49, 12, 2170, 2139, 9,  15,
					       17,   12,  12, 19, 6,    2,    48, 51 };
	const char *traces = getenv("FOOTSTEPS_TRACES");
	char path[4096], why[PCAP_ERRBUF_SIZE];
	snprintf(path, sizeof path, "%s/skype/SkypeIRC.pcap", traces ? traces : "");
	pcap_t *capture = pcap_open_offline(path, why);
	if (!capture) {
		print_message("no captures at FOOTSTEPS_TRACES\n");
		skip();
	}
	struct bpf_program filter;
	assert_int_equal(
		pcap_compile(capture, &filter, "udp and src host 192.168.1.2 and src port 35990", 1, 0), 0);
	assert_int_equal(pcap_setfilter(capture, &filter), 0);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	struct csc c = { 0 };
	while (pcap_next_ex(capture, &header, &bytes) == 1)
		if (header->caplen > 42) /* Ethernet, IPv4 without options, UDP */
			csc_add(&c, (struct span){ bytes + 42, header->caplen - 42 });
	pcap_freecode(&filter);
	pcap_close(capture);
	assert_int_equal(c.n, 153);
	for (unsigned g = 0; g < CSC_GROUPS; g++)
		assert_int_equal((int)lroundf(csc_statistic(&c, g)), truth[g]);
	assert_int_equal(csc_test(&c, &end_to_end), CSC_FAILS);
	assert_int_equal(csc_test(&c, &counted_ids), CSC_PASSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),       cmocka_unit_test(test_short_payloads_and_the_bound),
		cmocka_unit_test(test_one_fixed_bit), cmocka_unit_test(test_minimum_is_certain),
		cmocka_unit_test(test_few_messages),  cmocka_unit_test(test_random_payload),
		cmocka_unit_test(test_rules),         cmocka_unit_test(test_real_skype),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
