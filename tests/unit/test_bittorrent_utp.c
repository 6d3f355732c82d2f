/* BitTorrent over UDP beside its DHT: uTP as BEP 29 draws it, and the trackers of BEP 15. */
#include "bittorrent_play.h"

/* BEP 29, header format; the numbers are any. */
struct utp {
	unsigned type, extension;
	uint16_t id;
	uint32_t stamp, difference;
	uint16_t sequence, acknowledged;
};

static size_t make_utp(uint8_t *out, struct utp u, const void *more, size_t more_len)
{
	const uint8_t head[20] = { (uint8_t)(u.type << 4 | 1U),
				   (uint8_t)u.extension,
				   (uint8_t)(u.id >> 8),
				   (uint8_t)u.id,
				   (uint8_t)(u.stamp >> 24),
				   (uint8_t)(u.stamp >> 16),
				   (uint8_t)(u.stamp >> 8),
				   (uint8_t)u.stamp,
				   (uint8_t)(u.difference >> 24),
				   (uint8_t)(u.difference >> 16),
				   (uint8_t)(u.difference >> 8),
				   (uint8_t)u.difference,
				   0,
				   3,
				   0x80,
				   0,
				   (uint8_t)(u.sequence >> 8),
				   (uint8_t)u.sequence,
				   (uint8_t)(u.acknowledged >> 8),
				   (uint8_t)u.acknowledged };
	memcpy(out, head, sizeof head);
	if (more_len)
		memcpy(out + sizeof head, more, more_len);
	return sizeof head + more_len;
}

static enum match send_utp(struct play *p, enum direction dir, double seconds, struct utp u, const void *more,
			   size_t more_len)
{
	uint8_t bytes[256];
	return play_datagram(p, dir, seconds, bytes, make_utp(bytes, u, more, more_len));
}

enum { DATA, FIN, STATE, RESET, SYN };
static const uint8_t extension_bits[10] = { 0, 8 };

/* "connection setup" of BEP 29: the SYN has the id that its sender receives with. */
static void test_utp_connection(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	assert_int_equal(send_utp(&p, C, 1.00, (struct utp){ SYN, 0, 7777, 0xffffff00, 0, 1, 0 }, "", 0),
			 MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 1);
	assert_int_equal(last_value(BITTORRENT_UTP_SYN), 7777);
	struct utp answer = { STATE, 2, 7777, 500, 900, 0xabcd, 1 };
	assert_int_equal(send_utp(&p, S, 1.05, answer, extension_bits, 10), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 2);
	assert_int_equal(times_seen(BITTORRENT_UTP_CONNECTED), 1);
	/* 300 ms after its SYN, by its own clock 300.2; its 32 bits have wrapped. */
	struct utp data = { DATA, 0, 7778, 0xffffff00U + 300200U, 8, 2, 0xabcd };
	assert_int_equal(send_utp(&p, C, 1.30, data, HANDSHAKE, sizeof HANDSHAKE - 1), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 4);
	assert_int_equal(times_seen(BITTORRENT_UTP_CLOCK), 1);
	assert_int_equal(times_seen(BITTORRENT_UTP_HANDSHAKE), 1);
	/* Selective acknowledgement, extension 1, 4 bytes. */
	struct utp sack = { STATE, 1, 7777, 900500, 9, 0xabce, 2 };
	assert_int_equal(send_utp(&p, S, 1.95, sack, "\0\4abcd", 6), MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_UTP_CLOCK), 2); /* the other side's */
	assert_int_equal(send_utp(&p, C, 2.0, (struct utp){ FIN, 0, 7778, 0, 9, 3, 0xabcd }, "", 0),
			 MATCH_MAYBE);
	assert_int_equal(send_utp(&p, S, 2.0, (struct utp){ RESET, 0, 7777, 0, 9, 3, 3 }, "", 0),
			 MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 5);
	assert_null(rec.label);
}

/* In the middle of a connection, and the DHT in the same flow. */
static void test_utp_middle(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	assert_int_equal(send_utp(&p, C, 1.0, (struct utp){ DATA, 0, 0xffff, 5, 8, 40, 70 }, "x", 1),
			 MATCH_MAYBE);
	assert_int_equal(send_text(&p, S, PING), MATCH_MAYBE);
	assert_int_equal(send_utp(&p, S, 1.1, (struct utp){ STATE, 0, 0, 6, 8, 71, 39 }, "", 0), MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_UTP_CONNECTED), 1);
	assert_int_equal(times_seen(BITTORRENT_DHT_QUERY), 1);
	/* The other side's id is the smaller one; but a SYN is no part of a connection. */
	start_udp(&p);
	send_utp(&p, C, 1.0, (struct utp){ DATA, 0, 100, 5, 8, 40, 70 }, "x", 1);
	send_utp(&p, S, 1.1, (struct utp){ SYN, 0, 99, 6, 0, 71, 39 }, "", 0);
	assert_int_equal(times_seen(BITTORRENT_UTP_CONNECTED), 0);
	start_udp(&p);
	send_utp(&p, C, 1.0, (struct utp){ DATA, 0, 100, 5, 8, 40, 70 }, "x", 1);
	send_utp(&p, S, 1.1, (struct utp){ STATE, 0, 99, 6, 8, 71, 39 }, "", 0);
	assert_int_equal(times_seen(BITTORRENT_UTP_CONNECTED), 1);
	/* Ids that are equal, or two apart; numbers that are far. */
	static const struct utp other[] = { { STATE, 0, 100, 6, 8, 71, 39 },
					    { STATE, 0, 102, 6, 8, 71, 39 },
					    { STATE, 0, 101, 6, 8, 71, 2000 },
					    { STATE, 0, 101, 6, 8, 5000, 39 } };
	for (size_t i = 0; i < COUNT(other); i++) {
		start_udp(&p);
		send_utp(&p, C, 1.0, (struct utp){ DATA, 0, 100, 5, 8, 40, 70 }, "x", 1);
		assert_int_equal(send_utp(&p, S, 1.1, other[i], "", 0), MATCH_MAYBE);
		assert_int_equal(rec.seen_count, 0);
	}
	/* An answer to the SYN with another id, or number, or of another type. */
	static const struct utp wrong[] = { { STATE, 0, 101, 6, 8, 71, 40 },
					    { STATE, 0, 100, 6, 8, 71, 41 },
					    { RESET, 0, 100, 6, 8, 71, 40 },
					    { SYN, 0, 100, 6, 0, 71, 40 } };
	for (size_t i = 0; i < COUNT(wrong); i++) {
		start_udp(&p);
		send_utp(&p, C, 1.0, (struct utp){ SYN, 0, 100, 5, 0, 40, 0 }, "", 0);
		assert_int_equal(send_utp(&p, S, 1.1, wrong[i], "", 0), MATCH_MAYBE);
		assert_int_equal(times_seen(BITTORRENT_UTP_CONNECTED), 0);
	}
}

/* Clocks that are none of microseconds; times between packets that tell nothing. */
static void test_utp_clock(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		uint32_t moved;
		bool fits;
	} rows[] = {
		{ 0.25, 250000, true },    { 0.25, 0, false },       { 0.25, 250, false },
		{ 1.0, 90000, false },     { 1.0, 8000, false },     { 1.0, 1040000, true },
		{ 1.0, 960000, true },     { 1.0, 1060000, false },  { 0.19, 190000, false },
		{ 61.0, 61000000, false }, { 59.0, 59000000, true },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play p;
		start_udp(&p);
		send_utp(&p, C, 10.0, (struct utp){ DATA, 0, 1, 4000000000U, 8, 1, 1 }, "x", 1);
		send_utp(&p, C, 10.0 + rows[i].seconds,
			 (struct utp){ DATA, 0, 1, 4000000000U + rows[i].moved, 8, 2, 1 }, "x", 1);
		assert_int_equal(times_seen(BITTORRENT_UTP_CLOCK), rows[i].fits);
		send_utp(&p, C, 9.0, (struct utp){ DATA, 0, 1, 7, 8, 2, 1 }, "x",
			 1); /* older than the first */
		assert_int_equal(rec.seen_count, rows[i].fits);
	}
}

static void test_utp_refused(void **state)
{
	(void)state;
	static const struct {
		struct utp head;
		const char *more;
		size_t len;
	} bad[] = {
		{ { SYN, 0, 1, 2, 3, 4, 5 }, "", 0 },  /* a delay before anything came */
		{ { SYN, 0, 1, 2, 0, 4, 5 }, "x", 1 }, /* data in a SYN */
		{ { DATA, 0, 1, 2, 3, 4, 5 }, "", 0 }, /* none in data */
		{ { STATE, 0, 1, 2, 3, 4, 5 }, "x", 1 },
		{ { RESET, 0, 1, 2, 3, 4, 5 }, "x", 1 },
		{ { 5, 0, 1, 2, 3, 4, 5 }, "", 0 },                  /* no such type */
		{ { DATA, 4, 1, 2, 3, 4, 5 }, "\0\1xyz", 5 },        /* no such extension */
		{ { DATA, 1, 1, 2, 3, 4, 5 }, "\0\3xyzabcdef", 11 }, /* not a multiple of 4 */
		{ { DATA, 1, 1, 2, 3, 4, 5 }, "\0\0xyzabcdef", 11 },
		{ { DATA, 2, 1, 2, 3, 4, 5 }, "\0\4xyzabcdef", 11 },
		{ { DATA, 1, 1, 2, 3, 4, 5 }, "\0\xf0xyzabcdef", 11 },                   /* beyond the end */
		{ { DATA, 3, 1, 2, 3, 4, 5 }, "\3\4abcd\3\4abcd\3\4abcd\0\4abcdx", 25 }, /* endless */
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct play p;
		start_udp(&p);
		if (send_utp(&p, C, 1.0, bad[i].head, bad[i].more, bad[i].len) != MATCH_NO || rec.seen_count)
			fail_msg("accepted: row %zu", i);
	}
}

static void test_utp_cut(void **state)
{
	(void)state;
	uint8_t bytes[64];
	check_cuts(C, bytes, make_utp(bytes, (struct utp){ SYN, 0, 7777, 5, 0, 1, 0 }, "", 0), 1);
	check_cuts(C, bytes, make_utp(bytes, (struct utp){ SYN, 2, 7777, 5, 0, 1, 0 }, extension_bits, 10),
		   1);
	size_t len = make_utp(bytes, (struct utp){ DATA, 0, 7, 5, 0, 1, 0 }, HANDSHAKE, sizeof HANDSHAKE - 1);
	for (size_t cut = 0; cut < len; cut++) {
		struct play p;
		start_udp(&p);
		assert_int_equal(play_cut(&p, C, 0.0, bytes, cut, len), MATCH_MAYBE);
		assert_int_equal(rec.seen_count, cut >= 40); /* the 20 fixed bytes of the handshake */
		start_udp(&p);
		play_datagram(&p, C, 0.0, bytes, cut);
		assert_int_equal(rec.seen_count, cut >= 40);
	}
}

#define CONNECT                                                                                              \
	"0000041727101980"                                                                                   \
	"00000000"                                                                                           \
	"cafe0001"
#define CONNECT_ANSWER                                                                                       \
	"00000000"                                                                                           \
	"cafe0001"                                                                                           \
	"0123456789abcdef"
#define HASH "6d6e6f707172737475767778797a313233343536"
#define ANNOUNCE                                                                                             \
	"0123456789abcdef"                                                                                   \
	"00000001"                                                                                           \
	"cafe0002" HASH HASH "0000000000000000"                                                              \
	"0000000000000005"                                                                                   \
	"0000000000000000"                                                                                   \
	"00000002"                                                                                           \
	"00000000"                                                                                           \
	"11223344"                                                                                           \
	"ffffffff"                                                                                           \
	"c8d5"

/* BEP 15, "examples": normal announce; then scrape and error. */
static void test_tracker(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	assert_int_equal(send_hex(&p, C, CONNECT), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 2);
	assert_int_equal(last_value(BITTORRENT_TRACKER_CONNECT), 0xcafe0001);
	assert_int_equal(last_value(BITTORRENT_FRESH), 0xcafe0001);
	assert_int_equal(send_hex(&p, S, CONNECT_ANSWER), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 3);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_ANSWERED), 1);
	assert_int_equal(send_hex(&p, C, ANNOUNCE), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 4);
	assert_int_equal(last_value(BITTORRENT_TRACKER_ANNOUNCE), 1);
	assert_int_equal(send_hex(&p, S,
				  "00000001"
				  "cafe0002"
				  "00000708"
				  "00000001"
				  "00000002"),
			 MATCH_MAYBE);
	assert_int_equal(send_hex(&p, C,
				  "0123456789abcdef"
				  "00000002"
				  "cafe0003" HASH),
			 MATCH_MAYBE);
	assert_int_equal(send_hex(&p, S,
				  "00000003"
				  "cafe0003"
				  "6e6f"),
			 MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 4);

	/* At once an error; the connect request sent again, with the same number. */
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	assert_int_equal(send_hex(&p, C, CONNECT), MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_CONNECT), 1);
	assert_int_equal(send_hex(&p, S,
				  "00000003"
				  "cafe0001"),
			 MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_ANSWERED), 1);
}

static void test_tracker_refused(void **state)
{
	(void)state;
	static const char *const first[] = {
		"0000041727101980"
		"00000001"
		"cafe0001", /* not to connect */
		"0000041727101981"
		"00000000"
		"cafe0001",
		"0000041827101980"
		"00000000"
		"cafe0001",
		"0000041727101980"
		"00000000"
		"cafe00",
		CONNECT_ANSWER,
		ANNOUNCE,
	};
	struct play p;
	for (size_t i = 0; i < COUNT(first); i++) {
		start_udp(&p);
		/* 01 23 ... begins like uTP, but with an extension that there is not. */
		assert_int_equal(send_hex(&p, C, first[i]), MATCH_NO);
		assert_int_equal(rec.seen_count, 0);
	}
	/* Another transaction; nothing that it says is used. */
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	assert_int_equal(send_hex(&p, S,
				  "00000000"
				  "cafe0002"
				  "0123456789abcdef"),
			 MATCH_NO);
	assert_int_equal(send_hex(&p, C, ANNOUNCE), MATCH_NO);
	assert_int_equal(rec.seen_count, 2);
	/* Another connection id; an announce that is too short. */
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	send_hex(&p, S,
		 "00000000"
		 "cafe0001"
		 "0123456789abcdee");
	assert_int_equal(send_hex(&p, C, ANNOUNCE), MATCH_NO);
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	send_hex(&p, S, CONNECT_ANSWER);
	assert_int_equal(send_hex(&p, C,
				  "0123456789abcdef"
				  "00000001"
				  "cafe0002" HASH HASH),
			 MATCH_NO);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_ANNOUNCE), 0);
	/* A scrape of nothing; an answer of an unknown kind. */
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	send_hex(&p, S, CONNECT_ANSWER);
	assert_int_equal(send_hex(&p, C,
				  "0123456789abcdef"
				  "00000002"
				  "cafe0003"),
			 MATCH_NO);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_ANNOUNCE), 0);
	start_udp(&p);
	send_hex(&p, C, CONNECT);
	assert_int_equal(send_hex(&p, S,
				  "00000004"
				  "cafe0001"
				  "00000000"),
			 MATCH_NO);
	assert_int_equal(times_seen(BITTORRENT_TRACKER_ANSWERED), 0);
	uint8_t bytes[64];
	check_cuts(C, bytes, from_hex(bytes, CONNECT), 0);
}

/* A protocol with a fixed header of uTP's form and random numbers behind it, answered in kind. */
static void test_random_behind_header(void **state)
{
	(void)state;
	uint64_t seed = 29;
	uint8_t bytes[40];
	struct play p;
	unsigned clocks = 0, connected = 0;
	const unsigned runs = 200000;
	for (unsigned i = 0; i < runs; i++) {
		start_udp(&p);
		for (unsigned j = 0; j < 4; j++) {
			random_bytes(&seed, bytes, sizeof bytes);
			bytes[0] = 1;
			bytes[1] = 0;
			(void)play_datagram(&p, j % 2 ? S : C, 0.3 * j, bytes, sizeof bytes);
		}
		clocks += times_seen(BITTORRENT_UTP_CLOCK);
		connected += times_seen(BITTORRENT_UTP_CONNECTED);
		assert_int_equal(rec.seen_count,
				 times_seen(BITTORRENT_UTP_CLOCK) + times_seen(BITTORRENT_UTP_CONNECTED));
	}
	/* Two pairs each, within 100 ms of 2^32 us: 2^-14 in all; three pairs of 2^-25. */
	assert_in_range(clocks, 0, runs >> 13);
	assert_in_range(connected, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utp_connection),  cmocka_unit_test(test_utp_middle),
		cmocka_unit_test(test_utp_clock),       cmocka_unit_test(test_utp_refused),
		cmocka_unit_test(test_utp_cut),         cmocka_unit_test(test_tracker),
		cmocka_unit_test(test_tracker_refused), cmocka_unit_test(test_random_behind_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
