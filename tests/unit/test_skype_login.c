/*
 * Skype's login and contact list (wire B3, C4; BS section IV.B.1). Constant bytes are those of the captures;
 * encrypted ones are replaced by numbers that do not matter.
 */
#include "dissector_recorder.h"
#include "dissectors/skype/skype.h"

extern const struct dissector dissector_skype_login;

#define C TO_RESPONDER
#define S TO_INITIATOR

/* A conversation over TCP, as chunks in the order of the capture. */
struct chunk {
	enum direction dir;
	size_t len;
	uint8_t bytes[1500];
};
struct talk {
	struct chunk chunk[12];
	unsigned count;
};

static struct chunk *say(struct talk *t, enum direction dir)
{
	struct chunk *c = &t->chunk[t->count++];
	c->dir = dir;
	c->len = 0;
	return c;
}

/* Appends a record: type 03 01 and the length, then `known` bytes and filling. */
static void record(struct chunk *c, uint8_t type, size_t len, const uint8_t *known, size_t known_len)
{
	uint64_t seed = 77 + c->len + len;
	const uint8_t head[5] = { type, 0x03, 0x01, (uint8_t)(len >> 8), (uint8_t)len };
	memcpy(c->bytes + c->len, head, sizeof head);
	random_bytes(&seed, c->bytes + c->len + 5, len);
	memcpy(c->bytes + c->len + 5, known, known_len);
	c->len += 5 + len;
}

static void hello(struct talk *t, enum direction dir)
{
	record(say(t, dir), dir == C ? 0x16 : 0x17, 0, (const uint8_t *)"", 0);
}

static void data(struct talk *t, enum direction dir, size_t len)
{
	record(say(t, dir), 0x17, len, (const uint8_t *)"", 0);
}

static const uint8_t ten[] = { 0x41, 0x03, 0x00, 0x09, 0x80, 0x40, 0x04, 0x08, 0xc0, 0x01 };
static const uint8_t eight[] = { 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f, 0x1d };

/* Wire B3: hello both ways, block with second record of `second`, answer with content of `answer`. */
static void talk_2006(struct talk *t, size_t second, size_t answer)
{
	t->count = 0;
	hello(t, C);
	hello(t, S);
	struct chunk *block = say(t, C);
	record(block, 0x16, 0xcd, ten, sizeof ten);
	record(block, 0x17, second, (const uint8_t *)"", 0);
	if (answer)
		data(t, S, answer);
}

/* Wire C4: hellos twice, then the block and all that follows in one segment. */
static void talk_2015(struct talk *t, size_t first, size_t second)
{
	t->count = 0;
	hello(t, C);
	hello(t, S);
	hello(t, C);
	hello(t, S);
	struct chunk *block = say(t, C);
	record(block, 0x16, first, eight, sizeof eight);
	record(block, 0x17, second, (const uint8_t *)"", 0);
	record(block, 0x17, 126, (const uint8_t *)"", 0);
	data(t, S, 14);
}

static void start_tcp(struct play *p, const struct dissector *d, uint16_t port)
{
	play_start(p, d, at("192.168.1.2", 1325), at("195.215.8.141", port));
}

static enum match play_talk(const struct talk *t, uint16_t port)
{
	struct play p;
	enum match match = MATCH_MAYBE;
	start_tcp(&p, &dissector_skype_login, port);
	for (unsigned i = 0; i < t->count; i++)
		match = play_segment(&p, t->chunk[i].dir, t->chunk[i].bytes, t->chunk[i].len);
	return match;
}

/* The n-th message event. */
static const struct event *message(unsigned n)
{
	for (unsigned i = 0; i < rec.event_count; i++)
		if (rec.events[i].type == EVENT_MESSAGE && n-- == 0)
			return &rec.events[i];
	fail_msg("too few messages");
	return NULL;
}

static void expect_messages(const uint32_t *bytes, const char *const *what, unsigned n)
{
	unsigned messages = 0;
	for (unsigned i = 0; i < rec.event_count; i++)
		messages += rec.events[i].type == EVENT_MESSAGE;
	assert_int_equal(messages, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(message(i)->of.message.bytes, bytes[i]);
		assert_string_equal(message(i)->of.message.what, what[i]);
	}
}

static void expect_exchange(const char *role, const char *form, enum exchange_outcome outcome)
{
	const struct event *last = NULL;
	for (unsigned i = 0; i < rec.event_count; i++)
		if (rec.events[i].type == EVENT_EXCHANGE)
			last = &rec.events[i];
	assert_non_null(last);
	assert_string_equal(last->of.exchange.role, role);
	assert_string_equal(last->of.exchange.form, form);
	assert_int_equal(last->of.exchange.outcome, outcome);
}

/* Login 1 of wire B3: 5, 5, 451, 232, then >18 and <67. */
static void test_login_2006(void **state)
{
	(void)state;
	struct talk t;
	static const uint32_t bytes[] = { 5, 5, 451, 232, 18, 67 };
	static const char *const what[] = {
		"hello", "hello answer", "login block", "answer", "data", "data"
	};
	talk_2006(&t, 236, 227);
	data(&t, C, 13);
	data(&t, S, 62);
	assert_int_equal(play_talk(&t, 33033), MATCH_YES);
	expect_messages(bytes, what, 6);
	expect_exchange("login", "2006", OUTCOME_SUCCESS);
	assert_string_equal(rec.label, "skype-login");
	assert_int_equal(times_seen(SKYPE_LOGIN), 1);
	assert_int_equal(times_seen(SKYPE_LOGIN_BLOCK), 1);
}

/* List 1 of wire B3: 5, 5, 260, 16, <68 >25 <21; on its own port, and told by its block on another. */
static void test_list_2006(void **state)
{
	(void)state;
	static const uint16_t ports[] = { 12350, 443 };
	static const uint32_t bytes[] = { 5, 5, 260, 16, 68, 25, 21 };
	static const char *const what[] = { "hello", "hello answer", "login block", "answer",
					    "data",  "data",         "data" };
	for (unsigned i = 0; i < 2; i++) {
		struct talk t;
		talk_2006(&t, 45, 11);
		data(&t, S, 63);
		data(&t, C, 20);
		data(&t, S, 16);
		assert_int_equal(play_talk(&t, ports[i]), MATCH_YES);
		expect_messages(bytes, what, 7);
		expect_exchange("contact-list", "2006", OUTCOME_SUCCESS);
		assert_string_equal(rec.label, "skype-contact-list");
	}
}

static void test_roles_by_port(void **state)
{
	(void)state;
	struct talk t;
	talk_2006(&t, 197, 217);
	play_talk(&t, 443);
	expect_exchange("login", "2006", OUTCOME_SUCCESS);
	play_talk(&t, 12350);
	expect_exchange("contact-list", "2006", OUTCOME_SUCCESS);
	talk_2006(&t, 45, 217);
	play_talk(&t, 33033);
	expect_exchange("login", "2006", OUTCOME_SUCCESS);
}

/* BS section IV.B.1: message 4 of 18 bytes is a refused password. */
static void test_outcomes(void **state)
{
	(void)state;
	struct talk t;
	talk_2006(&t, 198, 13);
	play_talk(&t, 33033);
	expect_exchange("login", "2006", OUTCOME_FAILURE);
	talk_2006(&t, 198, 14);
	play_talk(&t, 33033);
	expect_exchange("login", "2006", OUTCOME_SUCCESS);
	talk_2006(&t, 198, 0);
	play_talk(&t, 33033);
	expect_exchange("login", "2006", OUTCOME_UNKNOWN);
	t.count = 1; /* wire C4, 91.190.216.125:12350: the hello alone */
	assert_int_equal(play_talk(&t, 12350), MATCH_YES);
	expect_exchange("contact-list", "unknown", OUTCOME_NO_ANSWER);
	assert_string_equal(rec.label, "skype-contact-list");
}

static void test_form_2015(void **state)
{
	(void)state;
	struct talk t;
	static const uint32_t bytes[] = { 5, 5, 5, 5, 377, 131, 19 };
	static const char *const what[] = { "hello",       "hello answer", "hello", "hello answer",
					    "login block", "data",         "answer" };
	talk_2015(&t, 0xf0, 127); /* 149.13.32.15:13392 */
	assert_int_equal(play_talk(&t, 13392), MATCH_YES);
	expect_messages(bytes, what, 7);
	expect_exchange("login", "2015", OUTCOME_UNKNOWN);
	assert_int_equal(times_seen(SKYPE_LOGIN_BLOCK), 1);
	talk_2015(&t, 0xeb, 82); /* 91.190.216.125:443 */
	play_talk(&t, 443);
	expect_exchange("contact-list", "2015", OUTCOME_SUCCESS);
}

/* The streams cut in two at every byte, and into single bytes, give the same messages in the same order. */
static void test_split_everywhere(void **state)
{
	(void)state;
	struct talk t;
	static struct event whole[RECORDED_MAX];
	talk_2006(&t, 236, 227);
	data(&t, C, 13);
	play_talk(&t, 33033);
	unsigned events = rec.event_count, seen = rec.seen_count;
	memcpy(whole, rec.events, sizeof whole);
	for (size_t cut = 0; cut <= 451; cut++) {
		struct play p;
		start_tcp(&p, &dissector_skype_login, 33033);
		for (unsigned i = 0; i < t.count; i++) {
			const struct chunk *c = &t.chunk[i];
			size_t n = cut && cut < c->len ? cut : 1;
			for (size_t from = 0; from < c->len; from += n, n = cut ? c->len - from : 1)
				assert_int_not_equal(play_segment(&p, c->dir, c->bytes + from, n), MATCH_NO);
		}
		assert_int_equal(rec.event_count, events);
		assert_int_equal(rec.seen_count, seen);
		for (unsigned i = 0; i < events; i++) {
			assert_int_equal(rec.events[i].type, whole[i].type);
			if (whole[i].type == EVENT_MESSAGE)
				assert_int_equal(rec.events[i].of.message.bytes, whole[i].of.message.bytes);
			else
				assert_int_equal(rec.events[i].of.exchange.outcome,
						 whole[i].of.exchange.outcome);
		}
	}
}

static void refuse(const struct dissector *d, enum direction dir, const void *bytes, size_t len, bool late)
{
	struct play p;
	start_tcp(&p, d, 33033);
	p.late = late;
	assert_int_equal(play_segment(&p, dir, bytes, len), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
	assert_int_equal(rec.event_count, 0);
	assert_null(rec.label);
}

static void test_login_refused(void **state)
{
	(void)state;
	static const uint8_t tls[] = { 0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03 };
	static const uint8_t tls_large[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };
	static const uint8_t ssl2[] = { 0x80, 0x46, 0x01, 0x03, 0x01, 0x00, 0x2d };
	static const uint8_t zero[] = { 0x16, 0x03, 0x01, 0x00, 0x00 };
	static const uint8_t tls12[] = { 0x16, 0x03, 0x03, 0x00, 0x00 };
	static const uint8_t answer[] = { 0x17, 0x03, 0x01, 0x00, 0x00 };
	refuse(&dissector_skype_login, C, tls, sizeof tls, false);
	refuse(&dissector_skype_login, C, tls_large, sizeof tls_large, false);
	refuse(&dissector_skype_login, C, ssl2, sizeof ssl2, false);
	refuse(&dissector_skype_login, C, tls12, sizeof tls12, false);
	refuse(&dissector_skype_login, C, "GET / HTTP/1.1\r\n", 16, false);
	refuse(&dissector_skype_login, C, zero, sizeof zero, true);
	refuse(&dissector_skype_login, S, answer, sizeof answer, false);
	refuse(&dissector_skype_login, S, zero, sizeof zero, false);
}

/* After a good hello: whatever is no record of the exchange ends it, without inventing a message. */
static void test_login_derailed(void **state)
{
	(void)state;
	static const uint8_t garbage[] = { 0x15, 0x03, 0x01, 0x00, 0x02 };
	static const uint8_t third[] = { 0x16, 0x03, 0x01, 0x00, 0x00, 0x16, 0x03, 0x01, 0x00, 0x00 };
	static const uint8_t early[] = { 0x17, 0x03, 0x01, 0x00, 0x01, 0x00 };
	static const uint8_t lonely[] = { 0x16, 0x03, 0x01, 0x00, 0x01, 0x00,
					  0x16, 0x03, 0x01, 0x00, 0x01, 0x00 };
	const struct {
		enum direction dir;
		const uint8_t *bytes;
		size_t len;
		unsigned messages;
	} bad[] = {
		{ C, garbage, sizeof garbage, 1 }, { S, garbage, sizeof garbage, 1 },
		{ C, third, sizeof third, 2 },     { C, early, sizeof early, 1 },
		{ C, lonely, sizeof lonely, 1 },   { S, third, sizeof third, 1 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct play p;
		unsigned messages = 0;
		start_tcp(&p, &dissector_skype_login, 33033);
		assert_int_equal(play_segment(&p, C, third, 5), MATCH_YES);
		assert_int_equal(play_segment(&p, bad[i].dir, bad[i].bytes, bad[i].len), MATCH_NO);
		for (unsigned k = 0; k < rec.event_count; k++)
			messages += rec.events[k].type == EVENT_MESSAGE;
		assert_int_equal(messages, bad[i].messages);
	}
}

/* Two records that claim 64 kB: never complete, never read. */
static void test_login_huge_record(void **state)
{
	(void)state;
	struct play p;
	uint8_t block[1400] = { 0x16, 0x03, 0x01, 0xff, 0xff };
	static const uint8_t zero[] = { 0x16, 0x03, 0x01, 0x00, 0x00 };
	start_tcp(&p, &dissector_skype_login, 33033);
	play_segment(&p, C, zero, sizeof zero);
	unsigned events = rec.event_count;
	for (unsigned i = 0; i < 4; i++)
		play_segment(&p, C, block, sizeof block);
	assert_int_equal(rec.event_count, events);
}

/* The messages of the four server connections of SkypeIRC.pcap, as wire B3 lists them. */
static const struct real_login {
	uint16_t client_port, server_port;
	const char *label;
	uint32_t bytes[8];
} real[] = {
	{ 1325, 33033, "skype-login", { 5, 5, 451, 232, 18, 67 } },
	{ 2576, 12350, "skype-contact-list", { 5, 5, 260, 16, 68, 25, 21 } },
	{ 2577, 12350, "skype-contact-list", { 5, 5, 257, 16, 24, 31, 18 } },
	{ 4125, 33033, "skype-login", { 5, 5, 412, 222 } },
};

static void replay(FILE *f, const struct real_login *login)
{
	static struct tiny_packet packet;
	struct play p;
	uint32_t next[2] = { 0 };
	start_tcp(&p, &dissector_skype_login, login->server_port);
	assert_int_equal(fseek(f, 24, SEEK_SET), 0);
	while (tiny_next(f, &packet)) {
		bool to_server =
			packet.from.port == login->client_port && packet.to.port == login->server_port;
		bool to_client =
			packet.to.port == login->client_port && packet.from.port == login->server_port;
		if (packet.l4 != IPPROTO_TCP || (!to_server && !to_client))
			continue;
		enum direction dir = to_server ? C : S;
		if (packet.syn)
			next[dir] = packet.seq + 1;
		if (packet.payload.len == 0 || packet.seq != next[dir])
			continue;
		next[dir] += (uint32_t)packet.payload.len;
		play_segment(&p, dir, packet.payload.ptr, packet.payload.len);
	}
}

static void test_capture(void **state)
{
	(void)state;
	FILE *f = open_trace("skype/SkypeIRC.pcap");
	if (!f) {
		print_message("skype/SkypeIRC.pcap is not there; set FOOTSTEPS_TRACES\n");
		skip();
	}
	for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
		unsigned n = 0, expected = 0;
		replay(f, &real[i]);
		while (expected < 8 && real[i].bytes[expected])
			expected++;
		for (unsigned k = 0; k < rec.event_count; k++)
			n += rec.events[k].type == EVENT_MESSAGE;
		assert_int_equal(n, expected);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(message(k)->of.message.bytes, real[i].bytes[k]);
		assert_string_equal(rec.label, real[i].label);
	}
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_2006),        cmocka_unit_test(test_list_2006),
		cmocka_unit_test(test_roles_by_port),     cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_form_2015),         cmocka_unit_test(test_split_everywhere),
		cmocka_unit_test(test_login_refused),     cmocka_unit_test(test_login_derailed),
		cmocka_unit_test(test_login_huge_record), cmocka_unit_test(test_capture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
