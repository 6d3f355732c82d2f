/*
 * The rest of Skype over TCP: openings to nodes (wire C3), version check (wire B4), TLS names (wire C0).
 * Constant bytes are those of the captures; random ones are numbers that do not matter.
 */
#include "dissector_recorder.h"
#include "dissectors/skype/skype.h"

extern const struct dissector dissector_skype_node, dissector_skype_http, dissector_skype_tls;

#define C TO_RESPONDER
#define S TO_INITIATOR

static void start_tcp(struct play *p, const struct dissector *d, uint16_t port)
{
	play_start(p, d, at("192.168.1.2", 1325), at("195.215.8.141", port));
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

/* Wire C3, form 1: every byte of the padding is 0xcd * previous + 0x71. */
static size_t padded(uint8_t *out, size_t pad, uint64_t seed)
{
	random_bytes(&seed, out, 48 + 1);
	for (size_t i = 49; i < 48 + pad; i++)
		out[i] = (uint8_t)(0xcd * out[i - 1] + 0x71);
	return 48 + pad;
}

static void test_node_padding(void **state)
{
	(void)state;
	uint8_t bytes[128], answer[128];
	for (size_t pad = 0; pad <= 63; pad++) {
		struct play p;
		start_tcp(&p, &dissector_skype_node, 40010);
		enum match expected = pad >= 4 ? MATCH_YES : MATCH_MAYBE;
		assert_int_equal(play_segment(&p, C, bytes, padded(bytes, pad, pad + 1)), expected);
		if (expected == MATCH_MAYBE)
			assert_int_equal(play_segment(&p, S, answer, padded(answer, 20, 9)), MATCH_YES);
		assert_int_equal(times_seen(SKYPE_NODE_HELLO), 1);
		assert_string_equal(rec.label, "skype-tcp");
	}
	refuse(&dissector_skype_node, C, bytes, padded(bytes, 64, 3), false);
	refuse(&dissector_skype_node, C, bytes, 47, false);
	refuse(&dissector_skype_node, S, bytes, padded(bytes, 20, 3), false);
	refuse(&dissector_skype_node, C, bytes, padded(bytes, 20, 3), true);
	for (size_t at_byte = 49; at_byte < 68; at_byte++) {
		size_t len = padded(bytes, 20, 3);
		bytes[at_byte] ^= 1;
		refuse(&dissector_skype_node, C, bytes, len, false);
	}
}

static void test_node_false_hello(void **state)
{
	(void)state;
	uint8_t bytes[72] = { 0x80, 0x46, 0x01, 0x03, 0x01, 0x00, 0x2d, 0x00, 0x00, 0x00, 0x10, 0x00,
			      0x00, 0x05, 0x00, 0x00, 0x04, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x09, 0x00,
			      0x00, 0x64, 0x00, 0x00, 0x62, 0x00, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00,
			      0x00, 0x06, 0x01, 0x00, 0x80, 0x07, 0x00, 0xc0, 0x03, 0x00, 0x80, 0x06,
			      0x00, 0x40, 0x02, 0x00, 0x80, 0x04, 0x00, 0x80, 0x5a };
	for (size_t i = 57; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(0xcd * bytes[i - 1] + 0x71);
	for (size_t cut = 1; cut <= sizeof bytes; cut++) {
		struct play p;
		start_tcp(&p, &dissector_skype_node, 443);
		assert_int_equal(play_segment(&p, C, bytes, cut),
				 cut < sizeof bytes ? MATCH_MAYBE : MATCH_YES);
		if (cut < sizeof bytes)
			assert_int_equal(play_segment(&p, C, bytes + cut, sizeof bytes - cut), MATCH_YES);
		assert_int_equal(times_seen(SKYPE_NODE_HELLO), 1);
	}
	/* A real Windows client: the same hello with a random challenge. */
	uint64_t seed = 12;
	random_bytes(&seed, bytes + 56, 16);
	refuse(&dissector_skype_node, C, bytes, sizeof bytes, false);
}

/* One million random first messages of the length of form 1 or below: at 2^-24 none matches. */
static void test_node_random(void **state)
{
	(void)state;
	uint64_t seed = 33033;
	uint8_t bytes[128];
	for (unsigned i = 0; i < 1000000; i++) {
		struct play p;
		p.dissector = &dissector_skype_node;
		p.late = p.expected = false;
		p.looks = 0;
		memset(p.state, 0, 16);
		random_bytes(&seed, bytes, 64);
		size_t len = 52 + bytes[0] % 12U;
		assert_int_equal(play_look(&p, C, 0.0, bytes, len, len, len), MATCH_NO);
	}
}

/* Wire B4, frame 406. */
#define CHECK_PATH "/ui/2/1.2.0.18/en/getlatestversion?ver=1.2.0.18&uhash=632e1c9b593b0faf778e6de166448d93"
#define CHECK                                                                                                \
	"GET http://ui.skype.com" CHECK_PATH                                                                 \
	" HTTP/1.1\r\nconnection: Keep-Alive\r\nhost: ui.skype.com\r\n\r\n"

static enum match request(const char *text)
{
	struct play p;
	start_tcp(&p, &dissector_skype_http, 80);
	return play_segment(&p, C, text, strlen(text));
}

static void test_version_check(void **state)
{
	(void)state;
	static const char *const good[] = {
		CHECK,
		"GET " CHECK_PATH " HTTP/1.1\r\nConnection: Keep-Alive\r\nHost: UI.Skype.COM:80\r\n\r\n",
		"GET " CHECK_PATH " HTTP/1.0\nhost:skype.com\n\n",
	};
	assert_int_equal(strlen(CHECK), 166);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(request(good[i]), MATCH_YES);
		assert_int_equal(rec.event_count, 1);
		assert_string_equal(rec.events[0].of.version.action, "getlatestversion");
		assert_string_equal(rec.events[0].of.version.version, "1.2.0.18");
		assert_string_equal(rec.events[0].of.version.platform, "2");
		assert_string_equal(rec.label, "skype-http");
		assert_int_equal(times_seen(SKYPE_VERSION_CHECK), 1);
	}
	assert_int_equal(request("GET /ui/0/1.4.0.84/en/installed HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n"),
			 MATCH_YES);
	assert_string_equal(rec.events[0].of.version.action, "installed");
	assert_string_equal(rec.events[0].of.version.version, "1.4.0.84");
	assert_string_equal(rec.events[0].of.version.host, "ui.skype.com");
}

static void test_version_check_split(void **state)
{
	(void)state;
	static const char text[] = CHECK;
	size_t line = (size_t)(strstr(text, "\r\n") + 2 - text);
	for (size_t cut = 1; cut < strlen(text); cut++) {
		struct play p;
		start_tcp(&p, &dissector_skype_http, 80);
		/* The host is in the request line, so that its end is enough. */
		assert_int_equal(play_segment(&p, C, text, cut), cut < line ? MATCH_MAYBE : MATCH_YES);
		assert_int_equal(play_segment(&p, C, text + cut, strlen(text) - cut),
				 cut < line ? MATCH_YES : MATCH_NO);
		assert_int_equal(rec.event_count, 1);
	}
}

static void test_http_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"POST " CHECK_PATH " HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"get " CHECK_PATH " HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET " CHECK_PATH " HTTP/1.1\r\nHost: ui.skype.com.example.org\r\n\r\n",
		"GET " CHECK_PATH " HTTP/1.1\r\nHost: notskype.com\r\n\r\n",
		"GET " CHECK_PATH " HTTP/1.1\r\nAccept: *\r\n\r\n",
		"GET " CHECK_PATH " GOPHER/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET http://example.org" CHECK_PATH " HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET http://ui.skype.com HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET /ui/2/1.2.0.18/en/help HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET /ui/getlatestversion HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET /x/2/1.2.0.18/en/installed HTTP/1.1\r\nHost: ui.skype.com\r\n\r\n",
		"GET " CHECK_PATH "\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (request(bad[i]) != MATCH_NO)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(rec.event_count, 0);
	}
	char endless[2048];
	memset(endless, 'a', sizeof endless);
	memcpy(endless, "GET /", 5);
	refuse(&dissector_skype_http, C, endless, 1100, false);
}

/* What goes to the database is printable and cut to size. */
static void test_http_sanitised(void **state)
{
	(void)state;
	assert_int_equal(
		request("GET "
			"/ui/\x1b[2J/1.2/en/installed?ver=\xff%s\t0123456789012345678901234567890123456789"
			" HTTP/1.1\r\nHost: a.skype.com\r\n\r\n"),
		MATCH_YES);
	assert_string_equal(rec.events[0].of.version.platform, "?[2J");
	assert_string_equal(rec.events[0].of.version.version, "?%s?012345678901234567890123456");
}

/* A ClientHello with one cipher suite and the server's name; RFC 8446 section 4.1.2, RFC 6066 section 3. */
static size_t client_hello(uint8_t *out, const char *name)
{
	size_t n = strlen(name), at_byte = 0;
	const uint8_t head[] = { 22,
				 3,
				 1,
				 0,
				 (uint8_t)(4 + 2 + 32 + 1 + 4 + 2 + 2 + 4 + 9 + n),
				 1,
				 0,
				 0,
				 (uint8_t)(2 + 32 + 1 + 4 + 2 + 2 + 4 + 9 + n),
				 3,
				 1 };
	const uint8_t tail[] = { 0,
				 0,
				 2,
				 0,
				 0x2f,
				 1,
				 0,
				 0,
				 (uint8_t)(4 + 9 + n),
				 0,
				 10,
				 0,
				 0,
				 0,
				 0,
				 0,
				 (uint8_t)(5 + n),
				 0,
				 (uint8_t)(3 + n),
				 0,
				 0,
				 (uint8_t)n };
	memcpy(out, head, sizeof head);
	at_byte = sizeof head;
	memset(out + at_byte, 0x5a, 32);
	at_byte += 32;
	memcpy(out + at_byte, tail, sizeof tail);
	at_byte += sizeof tail;
	memcpy(out + at_byte, name, n);
	return at_byte + n;
}

static void test_tls_name(void **state)
{
	(void)state;
	uint8_t bytes[256];
	size_t len = client_hello(bytes, "apps.skype.com");
	for (size_t cut = 1; cut < len; cut++) {
		struct play p;
		start_tcp(&p, &dissector_skype_tls, 443);
		assert_int_equal(play_segment(&p, C, bytes, cut), MATCH_MAYBE);
		assert_int_equal(play_segment(&p, C, bytes + cut, len - cut), MATCH_YES);
		assert_string_equal(rec.label, "skype-tls");
		assert_int_equal(rec.seen_count, 1);
	}
	refuse(&dissector_skype_tls, C, bytes, client_hello(bytes, "apps.skype.com.example.org"), false);
	refuse(&dissector_skype_tls, C, bytes, client_hello(bytes, "www.skype.com"), false);
	refuse(&dissector_skype_tls, C, bytes, client_hello(bytes, ""), false);
	refuse(&dissector_skype_tls, S, bytes, client_hello(bytes, "apps.skype.com"), false);
	/* Every inner length one too small or far too large: never a match by accident, never a read beyond
	 * the end. */
	len = client_hello(bytes, "apps.skype.com");
	for (size_t i = 5; i < len; i++) {
		uint8_t spoilt[256];
		struct play p;
		memcpy(spoilt, bytes, len);
		spoilt[i] = 0xff;
		start_tcp(&p, &dissector_skype_tls, 443);
		play_segment(&p, C, spoilt, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_padding),        cmocka_unit_test(test_node_false_hello),
		cmocka_unit_test(test_node_random),         cmocka_unit_test(test_version_check),
		cmocka_unit_test(test_version_check_split), cmocka_unit_test(test_http_refused),
		cmocka_unit_test(test_http_sanitised),      cmocka_unit_test(test_tls_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
