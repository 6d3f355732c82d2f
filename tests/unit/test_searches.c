/* Searches, and what only looks like one; scenes and their bounds. Sizes are those of wire A4. */
#include "behave/scenes.h"
#include "behave/searches.h"
#include "episode_play.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define OWN play_host(2, 2, 35990)
static struct play_flow flows[64];
static uint32_t played;
static struct measured_client clients[2];
static struct error err;

static int begin(void **state)
{
	(void)state;
	played = 0;
	clients[0] = (struct measured_client){ .socket = OWN, .protocol = play_protocol("skype") };
	return 0;
}

/* Asks a node; answered with `answers` messages of 1355 bytes, 0.1 s apart. */
static void ask(double at, uint8_t host, uint16_t size, unsigned answers)
{
	struct play_flow *p = &flows[played++];

	play_begin(p, 1, IPPROTO_UDP, at, OWN, play_host(3, host, 7));
	play_message(p, at, true, size);
	for (unsigned i = 0; i < answers; i++)
		play_message(p, at + 0.1 * (i + 1), false, 1355);
}

/* The supernode's connection, with requests of 13 bytes at these times; the answer comes 0.15 s later. */
static uint64_t supernode(const double *at, unsigned requests)
{
	struct play_flow *p = &flows[played++];

	play_begin(p, 1, IPPROTO_TCP, 1.0, (struct endpoint){ OWN.ip, 1312 }, play_host(3, 200, 57322));
	p->r.role = ROLE_supernode;
	play_message(p, 1.1, true, 14);
	for (unsigned i = 0; i < requests; i++) {
		play_message(p, at[i], true, 13);
		play_message(p, at[i] + 0.15, false, 48);
	}
	play_message(p, 200.0, true, 4);
	return p->r.first_packet;
}

static struct searches *run(bool backward)
{
	struct searches *s = searches_new(&err);

	assert_non_null(s);
	for (uint32_t i = 0; i < played; i++)
		assert_true(searches_survey(s, &flows[backward ? played - 1 - i : i].f, &err));
	assert_true(searches_group(s, clients, &err));
	return s;
}

/* Three nodes at once, then eight more in a second wave, 3 s later; and a search of its own after 10 s. */
static void test_search(void **state)
{
	(void)state;
	const double requests[] = { 20.0, 23.0, 36.0 };
	uint64_t link = supernode(requests, 3);
	for (uint8_t i = 0; i < 3; i++)
		ask(20.1502 + i * 0.00005, i, 47, i == 0 ? 2 : 0);
	for (uint8_t i = 0; i < 8; i++)
		ask(23.1502 + i * 0.00005, (uint8_t)(10 + i), 47, i < 5);
	for (uint8_t i = 0; i < 3; i++)
		ask(36.1502, (uint8_t)(30 + i), 47, 0);
	for (int backward = 0; backward < 2; backward++) {
		struct searches *s = run(backward);
		assert_int_equal(searches_count(s), 2);
		const struct search *at = searches_at(s, 0);
		assert_int_equal(at->number, 1);
		assert_int_equal(at->client, 1);
		assert_int_equal(at->supernode_flow, link);
		assert_int_equal(at->first_ns, play_ns(20.0));
		assert_int_equal(at->last_ns, play_ns(23.2504)); /* the answer to the fifth, in whole ticks */
		assert_int_equal(at->nodes, 11);
		assert_int_equal(at->answered, 6);
		assert_int_equal(at->waves, 2);
		assert_int_equal(at->bytes_out, 13 + 11 * 47);
		assert_int_equal(at->bytes_in, 48 + 7 * 1355);
		at = searches_at(s, 1);
		assert_int_equal(at->first_ns, play_ns(36.0));
		assert_int_equal(at->nodes, 3);
		assert_int_equal(at->answered, 0);
		assert_int_equal(searches_refused(s), 0);
		searches_free(s);
	}
}

/* BS Fig. 5, of 1.4: two sizes of questions, 171 and 54 bytes, in one search, 8 nodes and then 16. */
static void test_two_sizes(void **state)
{
	(void)state;
	const double requests[] = { 20.0, 22.5 };
	supernode(requests, 2);
	for (uint8_t i = 0; i < 24; i++)
		ask((i < 8 ? 20.151 : 22.651) + i * 0.00006, i, i % 2 ? 54 : 171, i < 20);
	struct searches *s = run(false);
	assert_int_equal(searches_count(s), 1);
	const struct search *at = searches_at(s, 0);
	assert_int_equal(at->nodes, 24);
	assert_int_equal(at->answered, 20);
	assert_int_equal(at->waves, 2);
	assert_int_equal(at->bytes_out, 13 + 12 * (171 + 54));
	searches_free(s);
}

/* A notice to a node that was asked, and its ACK (wire A3): no part of the search. */
static void test_notice_behind(void **state)
{
	(void)state;
	const double requests[] = { 20.0 };
	supernode(requests, 1);
	for (uint8_t n = 0; n < 3; n++)
		ask(20.151, n, 47, 2);
	play_message(&flows[2], 27.0, true, 346);
	play_message(&flows[2], 27.1, false, 11);
	struct searches *s = run(false);
	assert_int_equal(searches_count(s), 1);
	assert_int_equal(searches_at(s, 0)->last_ns, play_ns(20.351));
	assert_int_equal(searches_at(s, 0)->bytes_out, 13 + 3 * 47);
	assert_int_equal(searches_at(s, 0)->bytes_in, 48 + 6 * 1355);
	searches_free(s);
}

/* Login probes, notices, the questions for contacts: fan-outs behind a request, and no search. */
static void test_other_fan_outs(void **state)
{
	(void)state;
	const double requests[] = { 20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0 };
	/* 44: of 0.97 (technical report, Fig. 3). 0: what is left over in the list of sizes is no size. */
	static const uint16_t size[] = { 18, 22, 30, 31, 346, 44, 0 };
	supernode(requests, 7);
	for (unsigned i = 0; i < 7; i++)
		for (uint8_t n = 0; n < 5; n++)
			ask(requests[i] + 0.151, (uint8_t)(10 * i + n), size[i], 1);
	struct searches *s = run(false);
	assert_int_equal(searches_count(s), 0);
	searches_free(s);
}

/* Without a request, long after one, before its answer, to two nodes alone, or to a third only after a
 * second. */
static void test_no_search(void **state)
{
	(void)state;
	const double requests[] = { 40.0, 60.0, 80.0, 100.0 };
	supernode(requests, 4);
	for (uint8_t n = 0; n < 3; n++) {
		ask(20.0, n, 47, 1);
		ask(41.2, (uint8_t)(10 + n), 47, 1); /* 1.05 s after the answer */
		ask(60.1, (uint8_t)(20 + n), 47, 1); /* 0.05 s before it */
		if (n < 2)
			ask(80.151, (uint8_t)(30 + n), 47, 1);
		ask(100.151 + (n < 2 ? n * 0.1 : 1.1), (uint8_t)(40 + n), 47, 1); /* 1.1 s after the answer */
	}
	struct searches *s = run(false);
	assert_int_equal(searches_count(s), 0);
	searches_free(s);
}

/* A question that is sent again is one node, also when it is sent again in the same flow. */
static void test_repeated(void **state)
{
	(void)state;
	const double requests[] = { 20.0 };
	supernode(requests, 1);
	for (uint8_t n = 0; n < 2; n++)
		ask(20.151, n, 47, 0);
	play_message(&flows[1], 22.2, true, 47);
	struct searches *s = run(false);
	assert_int_equal(searches_count(s), 0);
	searches_free(s);
	ask(20.152, 2, 47, 0);
	s = run(false);
	assert_int_equal(searches_count(s), 1);
	assert_int_equal(searches_at(s, 0)->nodes, 3);
	assert_int_equal(searches_at(s, 0)->bytes_out, 13 + 4 * 47);
	searches_free(s);
}

/* Flows with packets in a scene: the SYN or the end counts as well as a message. */
static void test_scenes(void **state)
{
	(void)state;
	struct scenes s = { 0 };
	bool wanted;
	const struct scene login = { .kind = SCENE_login,
				     .number = 1,
				     .client = 1,
				     .window = { { play_ns(10.0), play_ns(30.0) },
						 { play_ns(30.0), play_ns(30.0) } } };
	struct call call = { .client = 1, .first_ns = play_ns(100.0), .last_ns = play_ns(160.0) };

	assert_true(scenes_add_call(&s, &call, 7, PLAY_START, &err));
	assert_true(scenes_add(&s, &login, &err));
	scenes_sort(&s);
	static const struct {
		double from, message, last;
		const char *in;
	} told[] = {
		{ 5.0, 9.9, 9.9, "" },       { 5.0, 10.0, 50.0, "l" },    { 5.0, 31.0, 89.9, "" },
		{ 29.0, 89.0, 89.0, "l" },   { 80.0, 90.1, 95.0, "c" },   { 90.5, 106.0, 106.0, "c" },
		{ 105.5, 110.0, 154.0, "" }, { 40.0, 157.0, 300.0, "c" }, { 20.0, 104.0, 170.0, "lc" },
	};
	uint32_t expected = 0;
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
		struct play_flow *p = &flows[played++];
		play_begin(p, 1, IPPROTO_TCP, told[i].from, OWN, play_host(3, 1, 7));
		play_message(p, told[i].message, true, 4);
		p->r.last_ns = play_ns(told[i].last);
		assert_true(scenes_flow(&s, &p->f, 0, &wanted, &err));
		assert_int_equal(wanted, told[i].in[0] != '\0');
		expected += (uint32_t)strlen(told[i].in);
	}
	/* Media in the middle of the call; another client's flow. */
	play_begin(&flows[played], 1, IPPROTO_UDP, 120.0, OWN, play_host(3, 1, 7));
	assert_true(scenes_flow(&s, &flows[played].f, 7, &wanted, &err));
	assert_true(wanted);
	assert_true(scenes_call_flow(&s, 7, flows[played].r.first_packet, &err));
	play_begin(&flows[played], 2, IPPROTO_UDP, 20.0, OWN, play_host(3, 1, 7));
	assert_true(scenes_flow(&s, &flows[played].f, 0, &wanted, &err));
	assert_false(wanted);
	scenes_finish(&s);
	assert_int_equal(s.flows, expected + 1);
	scenes_drop(&s);
}

/* At most 400 of a kind, at most 400 flows in one, of which UDP signalling takes 336. */
static void test_scene_bounds(void **state)
{
	(void)state;
	struct scenes s = { 0 };
	struct play_flow p;
	bool wanted;

	for (uint32_t i = 0; i < 403; i++) {
		const int64_t at = play_ns(100.0 * i);
		const struct scene scene = { .kind = SCENE_login,
					     .number = i + 1,
					     .client = 1,
					     .window = { { at, at + 50 }, { at + 50, at + 50 } } };
		assert_true(scenes_add(&s, &scene, &err));
	}
	assert_int_equal(s.count, 400);
	assert_int_equal(s.refused, 3);
	scenes_sort(&s);
	for (uint32_t i = 0; i < 500; i++) {
		play_begin(&p, 1, IPPROTO_UDP, 0.0, OWN, play_host(3, 1, 7));
		assert_true(scenes_flow(&s, &p.f, 0, &wanted, &err));
		assert_int_equal(wanted, i < 336);
	}
	for (uint32_t i = 0; i < 100; i++) {
		play_begin(&p, 1, IPPROTO_TCP, 0.0, OWN, play_host(3, 1, 7));
		assert_true(scenes_flow(&s, &p.f, 0, &wanted, &err));
		assert_int_equal(wanted, i < 64);
	}
	assert_int_equal(s.refused_flows, 500 - 336 + 100 - 64);
	scenes_finish(&s);
	assert_int_equal(s.flows, 400);
	scenes_drop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_search, begin),
		cmocka_unit_test_setup(test_two_sizes, begin),
		cmocka_unit_test_setup(test_notice_behind, begin),
		cmocka_unit_test_setup(test_other_fan_outs, begin),
		cmocka_unit_test_setup(test_no_search, begin),
		cmocka_unit_test_setup(test_repeated, begin),
		cmocka_unit_test_setup(test_scenes, begin),
		cmocka_unit_test_setup(test_scene_bounds, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
