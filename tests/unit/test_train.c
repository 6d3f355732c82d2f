/*
 * Training on flows of a known format, with a registry of the test's own: sizes are of the media, streams are
 * told apart, and all of one codec are fitted together. Pooled moments by hand. The command: tests/train.py.
 */
#include "base/clock.h"
#include "behave/train.h"
#include "identify/media.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A header of 12 bytes: 'R', codec, stream, zeros. */
#define HEADER 12U

static enum match look_format(const struct look *l)
{
	struct reader r = reader_on(l->data);

	return rd_u8(&r) == 'R' ? MATCH_YES : MATCH_NO;
}

static enum sample_kind sample_format(const struct look *l, struct media_sample *out)
{
	struct reader r = reader_on(l->data);

	rd_skip(&r, 1);
	out->codec = rd_u8(&r) == 'U' ? "PCMU" : "PCMA";
	out->stream = rd_u8(&r);
	out->sequenced = true;
	out->payload_wire = l->wire - HEADER;
	return SAMPLE_MEDIA;
}

static const struct protocol format = { .name = "format" };
static const struct dissector dissector_format = { .name = "format",
						   .protocol = &format,
						   .l4 = IPPROTO_UDP,
						   .patience = 1,
						   .look = look_format,
						   .sample = sample_format };
const struct protocol *const protocols[] = { &format };
const unsigned protocol_count = 1;
const struct dissector *const dissectors[] = { &dissector_format };
const unsigned dissector_count = 1;

static struct trainer *trainer;

static void begin(struct train_choice choice)
{
	struct error err;

	trainer = trainer_new(&choice, &err);
	assert_non_null(trainer);
}

/* A raw IPv4 frame with a message of `size` bytes of media, or of `size` bytes of nobody's format. */
static void send_one(int64_t ts_ns, uint16_t number, bool back, char kind, char codec, uint8_t stream,
		     uint32_t size)
{
	uint8_t net = (uint8_t)(number >> 8), host = (uint8_t)number;
	uint8_t bytes[1500] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, net, host, 198, 51, 100, 1 };
	uint32_t payload = size + (kind == 'R' ? HEADER : 0), udp = 8 + payload, total = 20 + udp;
	uint16_t ports[2] = { 5000, 6000 };
	struct error err;

	if (back) {
		memcpy(bytes + 12, (const uint8_t[]){ 198, 51, 100, 1, 10, 0, net, host }, 8);
		ports[0] = 6000;
		ports[1] = 5000;
	}
	bytes[2] = (uint8_t)(total >> 8);
	bytes[3] = (uint8_t)total;
	for (int i = 0; i < 2; i++) {
		bytes[20 + 2 * i] = (uint8_t)(ports[i] >> 8);
		bytes[21 + 2 * i] = (uint8_t)ports[i];
	}
	bytes[24] = (uint8_t)(udp >> 8);
	bytes[25] = (uint8_t)udp;
	bytes[28] = (uint8_t)kind;
	bytes[29] = (uint8_t)codec;
	bytes[30] = stream;
	const struct frame frame = {
		.ts_ns = ts_ns, .bytes = { bytes, total }, .wire_len = total, .linktype = 101
	};
	assert_true(trainer_frame(trainer, &frame, &err));
}

/* Five flows: two of PCMU, in one of them a second stream, PCMA back; one of PCMU too short; one of nobody's.
 */
static void play(void)
{
	struct error err;

	for (int64_t i = 0; i < 400; i++) {
		int64_t now = i * 20 * NS_PER_MS;
		send_one(now, 1, false, 'R', 'U', 7, 160);
		send_one(now + 1, 1, false, 'R', 'U', 8, 80);
		send_one(now + 2, 1, true, 'R', 'A', 9, 240);
		send_one(now + 3, 2, false, 'R', 'U', 7, 168);
		if (i < 100)
			send_one(now + 4, 3, false, 'R', 'U', 7, 164);
		send_one(now + 5, 4, false, 'x', 'U', 0, 50);
	}
	assert_true(trainer_finish(trainer, &err));
}

static struct voice_model expect(struct train_choice choice, uint32_t chosen, uint32_t messages)
{
	struct voice_model model = { .size = 0 };
	struct error err;

	begin(choice);
	play();
	struct train_result r = trainer_result(trainer);
	assert_int_equal(r.chosen, chosen);
	assert_int_equal(r.messages, messages);
	if ((chosen == 1 || choice.codec) && !trainer_fit(trainer, "x", &model, &err))
		fail_msg("%s", err.text);
	trainer_free(trainer);
	return model;
}

static void test_one_stream(void **state)
{
	(void)state;
	struct voice_model m = expect((struct train_choice){ .has_stream = true, .stream = 8 }, 1, 400);
	assert_true(m.size == 80 && m.gap == 20);
	m = expect((struct train_choice){ .has_stream = true, .stream = 9 }, 1, 400);
	assert_true(m.size == 240); /* the media, without the header */
	m = expect((struct train_choice){ .has_stream = true, .stream = 7, .flow = 4 }, 1, 400);
	assert_true(m.size == 168);
	(void)expect((struct train_choice){ .has_stream = true, .stream = 7, .flow = 5 }, 0,
		     0);                                                                /* too short */
	(void)expect((struct train_choice){ .has_stream = true, .stream = 7 }, 2, 800); /* in two flows */
	(void)expect((struct train_choice){ .has_stream = true, .stream = 0 }, 0,
		     0); /* 0 is no SSRC of nobody's */
	m = expect((struct train_choice){ .flow = 6 }, 1, 385);
	assert_true(m.size == 50);
	m = expect((struct train_choice){ .has_direction = true, .direction = TO_INITIATOR }, 1, 400);
	assert_true(m.size == 240);
}

/* All of a codec, also what is too short alone: 160 and 168 equally often, 164 a quarter of that; not 80. */
static void test_codec(void **state)
{
	(void)state;
	struct voice_model m = expect((struct train_choice){ .codec = "PCMA" }, 1, 400);
	assert_true(m.size == 240);
	begin((struct train_choice){ .codec = "pcmu" });
	play();
	struct train_result r = trainer_result(trainer);
	assert_true(r.known && !r.mixed);
	assert_int_equal(r.chosen, 4);
	assert_int_equal(r.messages, 1300);
	trainer_free(trainer);
	m = expect((struct train_choice){ .codec = "PCMU", .has_stream = true, .stream = 7 }, 3, 900);
	assert_true(m.size == 164 && m.gap == 20);
	assert_true(fabsf(m.size_sigma - 3.7712F) < 1e-3F); /* sqrt(800 * 16 / 900) */
}

static void test_list(void **state)
{
	(void)state;
	begin((struct train_choice){ .flow = 1 });
	play();
	const struct {
		uint64_t flow;
		enum direction direction;
		uint32_t stream, messages;
		float size;
		bool known;
		const char *codec;
	} rows[] = {
		{ 1, TO_RESPONDER, 7, 400, 160, true, "PCMU" },
		{ 1, TO_RESPONDER, 8, 400, 80, true, "PCMU" },
		{ 1, TO_INITIATOR, 9, 400, 240, true, "PCMA" },
		{ 4, TO_RESPONDER, 7, 400, 168, true, "PCMU" },
		{ 5, TO_RESPONDER, 7, 100, 164, true, "PCMU" },
		{ 6, TO_RESPONDER, 0, 385, 50, false, "" },
	};
	assert_int_equal(trainer_stream_count(trainer), 6);
	for (uint32_t i = 0; i < 6; i++) {
		const struct train_stream *s = trainer_stream_at(trainer, i);
		assert_int_equal(s->flow, rows[i].flow);
		assert_int_equal(s->direction, rows[i].direction);
		assert_int_equal(s->stream, rows[i].stream);
		assert_int_equal(s->messages, rows[i].messages);
		assert_true(s->size == rows[i].size);
		assert_true(s->known == rows[i].known && s->has_stream == rows[i].known);
		assert_string_equal(s->codec, rows[i].codec);
		assert_int_equal(s->from.port, rows[i].direction == TO_RESPONDER ? 5000 : 6000);
	}
	trainer_free(trainer);
	trainer_free(NULL);
}

/* More streams at a time than there is room for are counted. */
static void test_bound(void **state)
{
	(void)state;
	struct error err;
	begin((struct train_choice){ .flow = 0 });
	for (int64_t twice = 0; twice < 2; twice++) /* one message is no stream yet */
		for (uint16_t i = 0; i < MEDIA_FITS_MAX + 9; i++)
			send_one(twice * NS_PER_S + i, i, false, 'R', 'U', 7, 160);
	assert_true(trainer_finish(trainer, &err));
	assert_int_equal(trainer_result(trainer).unseen, 9);
	assert_int_equal(trainer_stream_count(trainer), TRAIN_STREAMS_MAX);
	trainer_free(trainer);
}

/* Moments of { 10, 12, 14 } and { 20, 22 }, a hundred times each: by hand. */
static void test_moments(void **state)
{
	(void)state;
	struct train_pool p = { 0 };
	struct voice_model m;
	struct error err;
	train_pool_add(&p, &(struct train_moments){ 300, 12, sqrt(800 / 299.), 20, 0 });
	train_pool_add(&p, &(struct train_moments){ 200, 21, sqrt(200 / 199.), 30, 10 });
	assert_true(train_pool_fit(&p, "x", &m, &err));
	assert_true(fabsf(m.size - 15.6F) < 1e-4F);
	/* 100 times (5.6^2 + 3.6^2 + 1.6^2 + 4.4^2 + 6.4^2) / 499 */
	assert_true(fabs((double)m.size_sigma - sqrt(10720 / 499.)) < 1e-4);
	assert_true(fabs((double)m.gap - (299 * 20 + 199 * 30) / 498.) < 1e-4);
	/* Within: 199 * 100 / 498, over 29 gaps; between: 0.6 * 0.4 * 10^2, nearly. */
	assert_true(fabs((double)m.gap_sigma - sqrt(199 * 100 / 498. / 29 + 299. * 199 / 498 / 498 * 100)) <
		    1e-4);
	memset(&p, 0, sizeof p);
	train_pool_add(&p, &(struct train_moments){ 299, 12, 1, 20, 0 });
	assert_false(train_pool_fit(&p, "x", &m, &err));
	assert_non_null(strstr(err.text, "299 messages are too few"));
	train_pool_add(&p, &(struct train_moments){ 299, 300, 1, 20, 0 });
	assert_false(train_pool_fit(&p, "x", &m, &err));
	assert_non_null(strstr(err.text, "too wide a mode"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_stream), cmocka_unit_test(test_codec),
		cmocka_unit_test(test_list),       cmocka_unit_test(test_bound),
		cmocka_unit_test(test_moments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
