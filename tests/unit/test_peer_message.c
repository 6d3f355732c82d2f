/* Layouts of the reference peer's messages, against frames of SkypeIRC.pcap that the wire document quotes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "peer/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_PUBLIC 0x5680f573U /* 86.128.245.115 */
#define CLIENT_LOCAL  0xc0a80102U /* 192.168.1.2 */
#define NODE          0xa57cfdf1U /* 165.124.253.241 */

/* "15f2 77": bytes in hexadecimal; blanks do not count. Returns how many, exactly allocated in *out. */
static size_t bytes_of(const char *text, uint8_t **out)
{
	size_t n = 0;

	*out = malloc(strlen(text) / 2 + 1);
	assert_non_null(*out);
	for (; *text; text++) {
		char digits[3] = { text[0], text[1], '\0' };

		if (*text == ' ')
			continue;
		(*out)[n++] = (uint8_t)strtoul(digits, NULL, 16);
		text++;
	}
	*out = realloc(*out, n ? n : 1); /* exact, so that a sanitizer sees a read behind it */
	assert_non_null(*out);
	return n;
}

static const struct addressing nobody;

static void nak_and_resend(void **state)
{
	/* Wire A3: fr 215 `15f2 77 5680f573 24499eb8`, fr 216 `15f2 03 01 24499eb8 a57cfdf1 644a654d ..`, 23
	 * bytes */
	static const uint8_t challenge[4] = { 0x24, 0x49, 0x9e, 0xb8 }, check[4] = { 0x64, 0x4a, 0x65, 0x4d };
	struct rng rng = rng_seeded(1);
	uint8_t out[MESSAGE_MAX], *frame;

	(void)state;
	assert_int_equal(message_nak(&rng, 0x15f2, CLIENT_PUBLIC, challenge, out), 11);
	assert_int_equal(bytes_of("15f2 77 5680f573 24499eb8", &frame), 11);
	out[2] |= 0x70; /* random (wire A1) */
	assert_memory_equal(out, frame, 11);
	free(frame);
	assert_int_equal(message_resend(&rng, 0x15f2, challenge, NODE, check, 18, out), 23);
	bytes_of("15f2 03 01 24499eb8 a57cfdf1 644a654d", &frame);
	assert_int_equal(out[2] & 0x8f, 0x03);
	out[2] = 0x03;
	assert_memory_equal(out, frame, 16);
	free(frame);
}

static void ack_and_fragments(void **state)
{
	/* Fr 553 `1653 25 5680f573 0beb2ca9`; fr 1312: `e91e 1f 1672 88 02`, the last one (wire A1, A4) */
	struct rng rng = rng_seeded(2);
	uint8_t out[MESSAGE_MAX], *frame;

	(void)state;
	assert_int_equal(message_ack(&rng, 0x1653, CLIENT_PUBLIC, out), 11);
	bytes_of("1653 05 5680f573", &frame);
	out[2] &= 0x8f;
	assert_memory_equal(out, frame, 7);
	free(frame);
	assert_int_equal(message_fragment(&rng, 0xe91e, 0x1672, 8, true, 1230, out), 1245);
	bytes_of("e91e 0f 1672 88 02", &frame);
	out[2] &= 0x8f;
	assert_memory_equal(out, frame, 7);
	free(frame);
	assert_int_equal(message_fragment(&rng, 0xe91e, 0x1672, 0, false, 1340, out), 1355);
	assert_int_equal(out[5], 0);
}

static void bits_are_random_but_in_payload(void **state)
{
	static const uint8_t check[4] = { 1, 2, 3, 4 };
	struct rng rng = rng_seeded(3);
	uint8_t out[MESSAGE_MAX];
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(message_payload(&rng, 7, nobody, check, 18, out), 18);
		assert_int_equal(out[2], 0x02); /* wire A1: 233/233 */
		message_ack(&rng, 7, 1, out);
		assert_int_equal(out[2] & 0x8f, 0x05);
		seen |= 1U << (out[2] >> 4 & 7);
		message_media(&rng, 7, 63, out);
		assert_int_equal(out[2] & 0x8f, 0x0d);
	}
	assert_int_equal(seen, 0xff); /* wire A1: all eight */
}

static void frames_are_read(void **state)
{
	static const struct {
		const char *frame;
		enum function function;
		uint16_t id;
		uint32_t public_ip;
	} frames[] = {
		/* fr 176, 215, 216 (to 165.124.253.241), 553, 562 */
		{ "15e8 02 2bb72fed 7ce1ba8f ba737f7f3fd6c9", FUNCTION_PAYLOAD, 0x15e8, 0 },
		{ "15f2 77 5680f573 24499eb8", FUNCTION_NAK, 0x15f2, CLIENT_PUBLIC },
		{ "15f2 03 01 24499eb8 a57cfdf1 644a654d 9c316e2ce98fc0", FUNCTION_RESEND, 0x15f2, 0 },
		{ "1653 25 5680f573 0beb2ca9", FUNCTION_ACK, 0x1653, CLIENT_PUBLIC },
		{ "a77c 25 82754846 422d4460", FUNCTION_ACK, 0xa77c, 0x82754846 },
	};
	struct message_head head;
	uint8_t *bytes;

	(void)state;
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		size_t size = bytes_of(frames[i].frame, &bytes);

		assert_true(message_parse(bytes, size, (struct addressing){ CLIENT_LOCAL, NODE }, &head));
		assert_int_equal(head.function, frames[i].function);
		assert_int_equal(head.id, frames[i].id);
		assert_int_equal(head.public_ip, frames[i].public_ip);
		/* Real messages have no tag; a resend is for who it says. */
		assert_int_equal(head.readable, head.function == FUNCTION_RESEND);
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *part = malloc(cut + 1);

			assert_non_null(part);
			memcpy(part + 1, bytes, cut);
			assert_false(message_parse(part + 1, cut, nobody, &head));
			free(part);
		}
		free(bytes);
	}
	assert_int_equal(bytes_of("aa30 3f 1674 00 02 7e8b0936 b25f9fe6 d8ef", &bytes),
			 17); /* fr 1290 begins so */
	assert_true(message_parse(bytes, 17, nobody, &head));
	assert_int_equal(head.function, FUNCTION_FRAGMENT);
	assert_int_equal(head.request, 0x1674);
	assert_false(head.last);
	free(bytes);
}

static void other_traffic_is_not_ours(void **state)
{
	/* Wire E: SSDP, Spotify, NetBIOS datagram, Dropbox, DNS */
	static const char *const traps[] = {
		"4d2d5345415243482a20485454502f312e310d0a", "53706f7455647030112233445566778899001122",
		"1102457012345678900987654321aabbccddeeff", "7b22686f73745f696e74223a2031323334353637",
		"9bb60100000100000000000002756905736b7970",
	};
	struct message_head head;
	uint8_t *bytes;

	(void)state;
	for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++) {
		size_t size = bytes_of(traps[i], &bytes);

		assert_false(message_parse(bytes, size, nobody, &head));
		free(bytes);
	}
}

static void only_the_addressed_can_read(void **state)
{
	struct addressing sent = { CLIENT_LOCAL, NODE }, seen = { CLIENT_PUBLIC, NODE };
	struct rng rng = rng_seeded(4);
	struct message_head head;
	uint8_t out[MESSAGE_MAX], check[4];

	(void)state;
	for (enum sense sense = SENSE_QUESTION; sense <= SENSE_ANSWER; sense++) {
		message_check(&rng, sense, check);
		message_payload(&rng, 0x15f2, sent, check, 18, out);
		assert_true(message_parse(out, 18, sent, &head));
		assert_true(head.readable);
		assert_int_equal(head.sense, sense);
		assert_memory_equal(head.check, check, 4);
		/* A NAT between the two: wire A3 */
		assert_true(message_parse(out, 18, seen, &head));
		assert_false(head.readable);
	}
	/* The same plaintext has the same bytes 7-10 and nothing else in common (wire A1). */
	message_payload(&rng, 1, sent, check, 346, out);
	uint8_t again[MESSAGE_MAX];
	message_payload(&rng, 2, sent, check, 346, again);
	assert_memory_equal(out + 7, again + 7, 4);
	assert_memory_not_equal(out + 3, again + 3, 4);
	assert_memory_not_equal(out + 11, again + 11, 18);
}

/* What a message wants stands in bytes that look even however often the same is wanted: Pearson's chi-square
 * over the 16 values of the low half of byte 7, 15 degrees of freedom, is above 45 by chance once in 10,000.
 */
static void senses_cannot_be_seen(void **state)
{
	struct rng rng = rng_seeded(5);
	uint8_t check[4];

	(void)state;
	for (enum sense sense = SENSE_QUESTION; sense <= SENSE_ANSWER; sense++) {
		unsigned seen[16] = { 0 };
		double sum = 0;
		for (unsigned i = 0; i < 1600; i++) {
			message_check(&rng, sense, check);
			seen[check[0] & 15]++;
			assert_int_equal(check_sense(check), sense);
		}
		for (unsigned i = 0; i < 16; i++)
			sum += (seen[i] - 100.0) * (seen[i] - 100.0) / 100.0;
		assert_true(sum < 45);
	}
}

static void login_messages(void **state)
{
	/* Wire B3: 451 and 412 bytes with records of 236 and 197, the list server's 260 and 257 with 45 and
	 * 42 */
	static const unsigned sizes[][2] = {
		{ 236, 451 }, { 197, 412 }, { 198, 413 }, { 45, 260 }, { 42, 257 }
	};
	struct rng rng = rng_seeded(5);
	uint8_t out[MESSAGE_MAX], *bytes;

	(void)state;
	assert_int_equal(login_hello(out), 5);
	assert_int_equal(bytes_of("1603010000", &bytes), 5);
	assert_memory_equal(out, bytes, 5);
	free(bytes);
	assert_int_equal(login_hello_answer(out), 5);
	bytes_of("1703010000", &bytes);
	assert_memory_equal(out, bytes, 5);
	free(bytes);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(login_block_2006(&rng, sizes[i][0], out), sizes[i][1]);
		bytes_of("16030100cd 410300098040 0408c001", &bytes);
		assert_memory_equal(out, bytes, 15);
		free(bytes);
		bytes_of("000c01 17030100", &bytes);
		assert_memory_equal(out + 207, bytes, 7);
		free(bytes);
		assert_int_equal(out[214], sizes[i][0]);
	}
	assert_int_equal(login_record(&rng, 13, out), 18); /* BS IV.B.1: 18 bytes, of which the fifth is 13 */
	assert_int_equal(out[4], 13);
}

static void version_messages(void **state)
{
	/* SkypeIRC.pcap fr 406 and 408 */
	static const char request[] =
		"GET http://ui.skype.com/ui/2/1.2.0.18/en/getlatestversion?ver=1.2.0.18&"
		"uhash=632e1c9b593b0faf778e6de166448d93 HTTP/1.1\r\nconnection: Keep-Alive\r\n"
		"host: ui.skype.com\r\n\r\n";
	uint8_t out[MESSAGE_MAX];
	size_t size =
		version_request("2", "1.2.0.18", "getlatestversion", "632e1c9b593b0faf778e6de166448d93", out);

	(void)state;
	assert_int_equal(size, 166);
	assert_int_equal(size, sizeof request - 1);
	assert_memory_equal(out, request, size);
	assert_int_equal(version_reply(out), 396);
	assert_memory_equal(out + 396 - 7, "1.0.0.1", 7);
}

static void names(void **state)
{
	/* SkypeIRC.pcap fr 396 and 400, but for the time to live: bytes 36 to 39 */
	uint8_t out[MESSAGE_MAX], answer[MESSAGE_MAX], *bytes;
	char name[DNS_NAME_MAX];
	size_t size = dns_question(0x9bb6, "ui.skype.com", false, out);

	(void)state;
	assert_int_equal(bytes_of("9bb60100000100000000000002756905736b79706503636f6d0000010001", &bytes),
			 30);
	assert_int_equal(size, 30);
	assert_memory_equal(out, bytes, 30);
	free(bytes);
	assert_int_equal(dns_name(out, size, name), 12);
	assert_string_equal(name, "ui.skype.com");
	bytes_of(
		"9bb68180000100010000000002756905736b79706503636f6d0000010001c00c000100010000033b0004d4483183",
		&bytes);
	assert_int_equal(dns_answer(out, size, 0xd4483183U, answer), 46);
	assert_memory_equal(answer, bytes, 36);
	assert_memory_equal(answer + 40, bytes + 40, 6);
	free(bytes);
	assert_int_equal(dns_address(answer, 46), 0xd4483183U);
	for (size_t cut = 0; cut < 46; cut++) {
		uint8_t *part = malloc(cut + 1);

		assert_non_null(part);
		memcpy(part + 1, answer, cut);
		assert_int_equal(dns_address(part + 1, cut), 0);
		assert_int_equal(dns_answer(part + 1, cut, 1, out), 0); /* an answer is no question */
		free(part);
	}
	size = dns_question(1, "ui.skype.com", true, out);
	assert_int_equal(dns_answer(out, size, 0xd4483183U, answer), 30); /* no IPv6 */
	assert_int_equal(dns_address(answer, 30), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nak_and_resend),
		cmocka_unit_test(ack_and_fragments),
		cmocka_unit_test(bits_are_random_but_in_payload),
		cmocka_unit_test(frames_are_read),
		cmocka_unit_test(other_traffic_is_not_ours),
		cmocka_unit_test(only_the_addressed_can_read),
		cmocka_unit_test(senses_cannot_be_seen),
		cmocka_unit_test(login_messages),
		cmocka_unit_test(version_messages),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
