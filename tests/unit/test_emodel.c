/*
 * The E-model against the check values of ITU-T G.107, against hand computation, against the values that
 * another implementation (flent's, checked against the ITU's own calculator) gives, and against a published
 * approximation of it.
 */
#include "behave/emodel.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define assert_near(a, b, tolerance) assert_true(fabs((double)(a) - (double)(b)) <= (tolerance))

static struct emodel_rating rate(struct emodel_input in, enum emodel_scale scale)
{
	struct emodel_rating out;
	assert_true(emodel_rate(&in, scale, &out));
	return out;
}

/* G.107 clause 7.7: all parameters at their defaults give R = 93.2, and so MOS 4.41. */
static void test_defaults(void **state)
{
	(void)state;
	struct emodel_rating r = rate((struct emodel_input){ 0 }, EMODEL_NARROWBAND);
	assert_near(r.r, 93.2, 0.05);
	assert_near(r.mos, 4.41, 0.005);
	r = rate((struct emodel_input){ 0 }, EMODEL_WIDEBAND); /* G.107.1: 129 */
	assert_near(r.r, 129, 0.05);
	assert_near(r.mos, 4.5, 0.0005);
}

/* G.107 Table B.1: the lower limits of R and their MOS. */
static void test_mos(void **state)
{
	(void)state;
	static const float table[][2] = {
		{ 90, 4.34F }, { 80, 4.03F }, { 70, 3.60F }, { 60, 3.10F }, { 50, 2.58F }
	};
	for (unsigned i = 0; i < 5; i++) {
		assert_near(emodel_mos(table[i][0], EMODEL_NARROWBAND), table[i][1], 0.0065);
		assert_near(emodel_mos(table[i][0] * 1.29F, EMODEL_WIDEBAND), table[i][1], 0.0065);
	}
	assert_near(emodel_mos(-20, EMODEL_NARROWBAND), 1, 0);
	assert_near(emodel_mos(0, EMODEL_NARROWBAND), 1, 0);
	assert_near(emodel_mos(100, EMODEL_NARROWBAND), 4.5, 1e-6);
	assert_near(emodel_mos(129, EMODEL_NARROWBAND), 4.5, 1e-6);
	float last = 1;
	for (float r = 0; r <= 100; r += 0.25F) { /* never below 1, never falling */
		float mos = emodel_mos(r, EMODEL_NARROWBAND);
		assert_true(mos >= last);
		last = mos;
	}
}

static void test_delay(void **state)
{
	(void)state;
	/* No = -61.179214, Is = 1.413568 and the rest of flent's mos_score() (flent/util.py), in Python */
	static const float other[][2] = { { 0, 93.2062F },   { 50, 91.7562F },  { 100, 90.6637F },
					  { 150, 89.5391F }, { 200, 85.8047F }, { 250, 79.1771F },
					  { 300, 72.6664F }, { 400, 62.2468F }, { 500, 54.8032F } };
	for (unsigned i = 0; i < sizeof other / sizeof other[0]; i++) {
		float d = other[i][0];
		struct emodel_rating r =
			rate((struct emodel_input){ .one_way_delay_ms = d }, EMODEL_NARROWBAND);
		assert_near(r.r, other[i][1], 0.001);
		/* R. Cole, J. Rosenbluth, Voice over IP performance monitoring, CCR 31(2), 2001 */
		double cole = 93.2 - 0.024 * d - (d > 177.3F ? 0.11 * (d - 177.3) : 0);
		if (d <= 300)
			assert_near(r.r, cole, 0.3);
	}
	assert_near(rate((struct emodel_input){ .one_way_delay_ms = -5 }, EMODEL_NARROWBAND).r, 93.2062,
		    0.001);
}

/* Ie-eff by hand: Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl) */
static void test_loss(void **state)
{
	(void)state;
	static const struct {
		float ie, bpl, loss, burst, impairment;
	} rows[] = {
		{ 0, 4.3F, 1, 1, 17.9245F },                          /* 95 / 5.3 */
		{ 0, 25.1F, 1, 1, 3.6398F },                          /* 95 / 26.1 */
		{ 0, 25.1F, 2, 2, 7.2797F },                          /* 190 / 26.1 */
		{ 0, 25.1F, 2, 0, 7.0111F },                          /* 190 / 27.1: less than 1 is 1 */
		{ 11, 19, 0, 1, 11 },        { 11, 19, 1, 1, 15.2F }, /* 11 + 84 / 20 */
		{ 11, 19, 5, 1, 28.5F },                              /* 11 + 420 / 24 */
		{ 5, 10, 3, 1, 25.7692F },                            /* 5 + 270 / 13 */
	};
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct emodel_input in = { 0, rows[i].loss, rows[i].burst, rows[i].ie, rows[i].bpl };
		assert_near(rate(in, EMODEL_NARROWBAND).r, 93.2062 - rows[i].impairment, 0.001);
		assert_near(rate(in, EMODEL_WIDEBAND).r, 129 - rows[i].impairment, 0.001);
	}
	struct emodel_input lost = { 400, 100, 1, 11, 0.1F };
	assert_near(rate(lost, EMODEL_NARROWBAND).r, 0, 0);
	assert_near(rate(lost, EMODEL_NARROWBAND).mos, 1, 0);
	struct emodel_input unknown = { .loss_percent = 0.5F, .ie = 7 };
	struct emodel_rating out;
	assert_false(emodel_rate(&unknown, EMODEL_WIDEBAND, &out));
	unknown.loss_percent = 0;
	assert_true(emodel_rate(&unknown, EMODEL_WIDEBAND, &out));
}

static void test_codecs(void **state)
{
	(void)state;
	const struct emodel_codec *c = emodel_codec_find("pcmu");
	assert_non_null(c);
	assert_string_equal(c->name, "PCMU");
	assert_near(c->bpl, 4.3, 1e-6);
	assert_near(emodel_codec_find("PCMA with PLC")->bpl, 25.1, 1e-5);
	assert_near(emodel_codec_find("G729")->ie, 11, 0);
	assert_near(emodel_codec_find("AMR-WB")->ie, 13, 0);
	assert_int_equal(emodel_codec_find("AMR-WB")->scale, EMODEL_WIDEBAND);
	assert_null(emodel_codec_find("no such codec"));
	assert_null(emodel_codec_find(""));
	unsigned count = 0;
	for (; emodel_codec_get(count); count++) {
		c = emodel_codec_get(count);
		assert_ptr_equal(emodel_codec_find(c->name), c); /* names are unique */
		assert_true(c->ie >= 0 && c->ie <= 95);
		assert_true(c->bpl >= 4.3F && c->bpl <= 40); /* the range of G.107 Table 2 */
		assert_true(c->assumed ==
			    (strstr(c->source, "as ") == c->source || strstr(c->source, "assumed") != NULL));
	}
	assert_true(count >= 20);
	/* G.729 with 1 % loss and 150 ms: 89.5391 - 15.2 */
	c = emodel_codec_find("G729");
	struct emodel_input in = { 150, 1, 1, c->ie, c->bpl };
	assert_near(rate(in, c->scale).r, 74.3391, 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_mos),    cmocka_unit_test(test_delay),
		cmocka_unit_test(test_loss),     cmocka_unit_test(test_codecs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
