/*
 * The login block that travels inside a connection between peers (wire C4: 2015b frame 1695, at stream offset
 * 110, followed by 17 03 01 00 52), what flows are looked through for it, and the roles of openings.
 */
#include "dissector_recorder.h"
#include "dissectors/skype/skype.h"

extern const struct dissector dissector_skype_node;

#define C TO_RESPONDER
#define S TO_INITIATOR

static const uint8_t ten[] = { 0x41, 0x03, 0x00, 0x09, 0x80, 0x40, 0x04, 0x08, 0xc0, 0x01 };
static const uint8_t eight[] = { 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f, 0x1d };

struct stream {
	uint8_t bytes[STREAM_MAX];
	size_t len, block; /* block: where it begins */
};

/* Random bytes without 0x16, so that nothing but the block looks like it; then the block and 20 bytes more.
 */
static struct stream make(size_t before, uint8_t length, const uint8_t *constant, size_t n, uint8_t second)
{
	struct stream s = { .block = before };
	uint64_t seed = 1695 + before;
	random_bytes(&seed, s.bytes, before + 5 + length + 5 + 20);
	for (size_t i = 0; i < before; i++)
		s.bytes[i] |= 1 + (s.bytes[i] == 0x16);
	const uint8_t head[5] = { 0x16, 3, 1, 0, length }, data[5] = { 0x17, 3, 1, 0, second };
	memcpy(s.bytes + before, head, 5);
	memcpy(s.bytes + before + 5, constant, n);
	memcpy(s.bytes + before + 5 + length, data, 5);
	s.len = before + 5 + length + 5 + 20;
	return s;
}

static void start(struct play *p, bool expected)
{
	play_start(p, &dissector_skype_node, at("192.168.1.34", 50117), at("93.79.224.176", 14506));
	p->expected = expected;
}

static void assert_relayed(enum direction dir, uint32_t bytes, const char *form)
{
	assert_int_equal(times_seen(SKYPE_LOGIN_BLOCK), 1);
	assert_string_equal(rec.label, "skype-tcp");
	assert_int_equal(rec.role, ROLE_node);
	assert_int_equal(rec.event_count, 2);
	assert_int_equal(rec.events[0].type, EVENT_MESSAGE);
	assert_int_equal(rec.events[0].of.message.bytes, bytes);
	assert_int_equal(rec.event_dir[0], dir);
	assert_int_equal(rec.events[1].type, EVENT_EXCHANGE);
	assert_string_equal(rec.events[1].of.exchange.role, "login");
	assert_string_equal(rec.events[1].of.exchange.form, form);
	assert_int_equal(rec.events[1].of.exchange.outcome, OUTCOME_UNKNOWN);
}

static void test_forms(void **state)
{
	(void)state;
	struct play p;
	struct stream s = make(110, 0xeb, eight, sizeof eight, 0x52);
	start(&p, true);
	play_segment(&p, C, s.bytes, s.len);
	assert_relayed(C, 5 + 0xeb + 5 + 0x52, "relayed 2015");
	start(&p, true); /* the far side relays it, when the far side is the client */
	play_segment(&p, S, s.bytes, s.len);
	assert_relayed(S, 5 + 0xeb + 5 + 0x52, "relayed 2015");
	s = make(1, 0xcd, ten, sizeof ten, 0xc5);
	start(&p, true);
	play_segment(&p, C, s.bytes, s.len);
	assert_relayed(C, 5 + 0xcd + 5 + 0xc5, "relayed 2006");
}

/* However the stream is cut, at every place and byte by byte: the same report, with the packet that completed
 * it. */
static void test_split(void **state)
{
	(void)state;
	const struct stream s = make(110, 0xeb, eight, sizeof eight, 0x52);
	const size_t told = s.block + 5 + 0xeb + 5;
	struct play p;
	for (size_t cut = 1; cut < s.len; cut++) {
		start(&p, true);
		enum match match = play_segment(&p, C, s.bytes, cut);
		assert_int_equal(match, cut < told ? MATCH_MAYBE : MATCH_NO);
		assert_int_equal(rec.event_count, cut < told ? 0 : 2);
		if (cut < told)
			play_segment(&p, C, s.bytes + cut, s.len - cut);
		assert_relayed(C, 5 + 0xeb + 5 + 0x52, "relayed 2015");
	}
	start(&p, true);
	for (size_t i = 0; i < told; i++)
		play_segment(&p, C, s.bytes + i, 1);
	assert_relayed(C, 5 + 0xeb + 5 + 0x52, "relayed 2015");
}

/* False starts before it do not hide it; each of its fixed bytes counts. */
static void test_near(void **state)
{
	(void)state;
	struct stream s = make(110, 0xeb, eight, sizeof eight, 0x52);
	struct play p;
	const uint8_t false_start[] = { 0x16, 3, 1, 0, 9, 0x42, 0xcd, 0xef, 0x16, 3, 0x16 };
	memcpy(s.bytes + s.block - sizeof false_start, false_start, sizeof false_start);
	start(&p, true);
	play_segment(&p, C, s.bytes, s.len);
	assert_relayed(C, 5 + 0xeb + 5 + 0x52, "relayed 2015");
	static const size_t fixed[] = { 0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 5 + 0xeb, 6 + 0xeb, 7 + 0xeb };
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		struct stream spoilt = s;
		spoilt.bytes[s.block + fixed[i]] ^= 0x20;
		start(&p, true);
		assert_int_equal(play_segment(&p, C, spoilt.bytes, s.len), MATCH_MAYBE);
		assert_int_equal(rec.seen_count, 0);
		assert_int_equal(rec.event_count, 0);
		assert_null(rec.label);
	}
}

/* Who is looked through: streams behind a hello, and expected ones; not those of a server, nor any other. */
static void test_who(void **state)
{
	(void)state;
	struct stream s = make(110, 0xeb, eight, sizeof eight, 0x52);
	struct play p;
	start(&p, false);
	assert_int_equal(play_segment(&p, C, s.bytes, s.len), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
	start(&p, true);
	p.late = true;
	assert_int_equal(play_segment(&p, C, s.bytes, s.len), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
	/* The exchange with a server begins with a record: skype_login reads it. */
	const uint8_t hello[] = { 0x16, 3, 1, 0, 0 };
	memcpy(s.bytes, hello, sizeof hello);
	start(&p, true);
	assert_int_equal(play_segment(&p, C, s.bytes, s.len), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
	/* Behind the padded hello: 62 bytes, of which 14 are padding (wire C3). */
	s = make(110, 0xeb, eight, sizeof eight, 0x52);
	for (size_t i = 49; i < 62; i++)
		s.bytes[i] = (uint8_t)(0xcd * s.bytes[i - 1] + 0x71);
	start(&p, false);
	assert_int_equal(play_segment(&p, C, s.bytes, 62), MATCH_YES);
	assert_int_equal(rec.event_count, 0);
	assert_int_equal(play_segment(&p, C, s.bytes + 62, s.len - 62), MATCH_NO); /* all is told */
	assert_int_equal(times_seen(SKYPE_NODE_HELLO), 1);
	assert_relayed(C, 5 + 0xeb + 5 + 0x52, "relayed 2015");
}

/* A whole head of the worst bytes: every one begins a block. */
static void test_worst(void **state)
{
	(void)state;
	uint8_t bytes[STREAM_MAX];
	struct play p;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (const uint8_t[]){ 0x16, 3, 1, 0xff, 0xff, 0x42, 0xcd }[i % 7];
	bytes[0] = 0; /* or it would be a server's */
	start(&p, true);
	for (size_t i = 0; i < sizeof bytes; i += 32)
		assert_int_equal(play_segment(&p, C, bytes + i, 32), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0);
}

/* Wire C2, C3: ports 40001-40034 and 33033 are those of supernodes; what has others is a peer or a server. */
static void test_roles(void **state)
{
	(void)state;
	static const struct {
		uint16_t port;
		enum flow_role role;
	} cases[] = { { 40000, ROLE_node }, { 40001, ROLE_supernode }, { 40034, ROLE_supernode },
		      { 40035, ROLE_node }, { 33033, ROLE_supernode }, { 12350, ROLE_node },
		      { 14506, ROLE_node } };
	uint8_t hello[62] = { 7 };
	for (size_t i = 49; i < sizeof hello; i++)
		hello[i] = (uint8_t)(0xcd * hello[i - 1] + 0x71);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct play p;
		start(&p, false);
		p.responder.port = cases[i].port;
		assert_int_equal(play_segment(&p, C, hello, sizeof hello), MATCH_YES);
		assert_int_equal(rec.role, cases[i].role);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_split), cmocka_unit_test(test_near),
		cmocka_unit_test(test_who),   cmocka_unit_test(test_worst), cmocka_unit_test(test_roles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
