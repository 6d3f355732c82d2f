/*
 * TCP in the flow table: tear-down, and the stream as it was sent (RFC 9293), by hand and against random
 * segments.
 */
#include "flow_build.h"
#include "flow/tcp_head.h"

static struct packet segment(struct world *w, bool from_low, uint8_t flags, uint32_t seq, uint32_t ack,
			     const char *payload)
{
	struct packet p = packet_of(IPPROTO_TCP, from_low, 1000, (int64_t)w->number * NS_PER_MS,
				    text(payload ? payload : ""));
	p.tcp_flags = flags;
	p.tcp_seq = seq;
	p.tcp_ack = ack;
	feed(w, &p);
	return p;
}

static struct flow_step *tcp(struct world *w, bool from_low, uint8_t flags, uint32_t seq, uint32_t ack,
			     const char *payload)
{
	segment(w, from_low, flags, seq, ack, payload);
	return &w->step;
}

/* tcp() and what a dissector that wants it all would see: the stream so far, or "" when nothing is new. */
static const char *seen(struct world *w, bool from_low, uint8_t flags, uint32_t seq, uint32_t ack,
			const char *payload)
{
	static char out[4096];
	struct packet p = segment(w, from_low, flags, seq, ack, payload);
	size_t n = w->step.fresh ? w->step.head.len : 0;
	assert_true(w->step.fresh <= w->step.head.len && n < sizeof out);
	memcpy(out, w->step.head.ptr ? w->step.head.ptr : (const uint8_t *)"", n);
	out[n] = '\0';
	settle(w, &p);
	return out;
}

static void test_tcp_teardown(void **state)
{
	(void)state;
	for (int again = 0; again < 2; again++) {
		struct world *w = world_new(16, 2048);
		tcp(w, true, TCP_SYN, 100, 0, NULL);
		tcp(w, false, TCP_SYN | TCP_ACK, 500, 101, NULL);
		tcp(w, true, TCP_ACK, 101, 501, "hello");
		tcp(w, true, TCP_FIN | TCP_ACK, 106, 501, NULL);
		tcp(w, false, TCP_FIN | TCP_ACK, 501, 107, NULL);
		assert_false(w->step.flow->closed);
		tcp(w, true, TCP_ACK, 107, 502, NULL);
		assert_true(w->step.flow->closed);
		tcp(w, false, TCP_RST, 502, 0, NULL); /* trailing segment: stays in the closed flow */
		if (again) {
			tcp(w, true, TCP_SYN, 9000, 0, NULL); /* a new connection */
			tcp(w, true, TCP_SYN, 9000, 0, NULL); /* its repetition */
		}
		assert_stats(w, again ? 2 : 1, again ? 9 : 7);
		assert_int_equal(w->ended[0].why, FLOW_END_fin);
		assert_int_equal(w->ended[0].flow.side[0].packets + w->ended[0].flow.side[1].packets, 7);
		world_free(w);
	}
}

static void test_tcp_reset_and_reuse(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, false, TCP_RST | TCP_ACK, 0, 101, NULL);
	tcp(w, true, TCP_SYN, 100, 0, NULL); /* after a reset any SYN begins anew, even with the old number */
	tcp(w, false, TCP_SYN | TCP_ACK, 700, 101, NULL);
	tcp(w, true, TCP_SYN, 100, 0, NULL);  /* the same SYN late: no new flow */
	tcp(w, true, TCP_SYN, 5000, 0, NULL); /* another initial number in an established connection: reuse */
	assert_stats(w, 3, 6);
	assert_int_equal(w->ended[0].why, FLOW_END_rst);
	assert_int_equal(w->ended[1].why, FLOW_END_reuse);
	assert_int_equal(w->ended[2].why, FLOW_END_eof);
	world_free(w);
}

/* A segment of before the first byte: only what lies behind the stream's start belongs to it, and nothing of
 * what lies behind the segment in memory. */
static void test_tcp_before_start(void **state)
{
	(void)state;
	char early[121] = { 0 };
	for (int i = 0; i < 120; i++)
		early[i] = (char)('A' + i % 26);
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 1000, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 1001, 1, "hello"), "hello");
	const char *s =
		seen(w, true, TCP_ACK, 1001U - 100U, 1, early); /* 100 before, then 20 of which 5 are known */
	assert_int_equal(strlen(s), 20);
	assert_memory_equal(s, "hello", 5);
	assert_memory_equal(s + 5, early + 105, 15);
	assert_int_equal(w->step.fresh, 15);
	assert_string_equal(seen(w, true, TCP_ACK, 1001U - 4000U, 1, early),
			    ""); /* far before: a repetition */
	world_free(w);

	w = world_new(16, 2048); /* the same without a head, and without a SYN */
	w->want = WANT_ORDER;
	seen(w, true, TCP_ACK, 1001, 1, "hello");
	assert_string_equal(seen(w, true, TCP_ACK, 1001U - 100U, 1, early), early + 105);
	world_free(w);
}

/* Overlapping copies that differ: the first one counts, also when it lay ahead of a gap. */
static void test_tcp_first_copy_wins(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "ab"), "ab");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "FG"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 105, 1, "efgh"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 103, 1, "cdxxxx"), "abcdeFGh");
	world_free(w);
}

/* A tuple that is reset and used again for ever holds one flow, not one for each connection. */
static void test_memory_of_resets(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	struct flow_table_stats stats;
	for (int i = 0; i < 2000; i++) {
		tcp(w, true, TCP_SYN, (uint32_t)i * 100, 0, NULL);
		tcp(w, false, TCP_RST | TCP_ACK, 0, (uint32_t)i * 100 + 1, NULL);
	}
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.peak_flows, 1);
	assert_int_equal(stats.ended[FLOW_END_evicted], 0);
	assert_stats(w, 2000, 4000);
	world_free(w);
}

/* Unanswered SYNs with new numbers are one attempt after another of one flow, as nothing was torn down. */
static void test_tcp_unanswered(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, true, TCP_SYN, 200, 0, NULL);
	assert_stats(w, 1, 2);
	world_free(w);
}

static void test_tcp_order(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, false, TCP_SYN | TCP_ACK, 500, 101, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 501, "abc"), "abc");
	assert_true(w->step.in_stream);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 501, "abc"), ""); /* retransmission */
	assert_string_equal(seen(w, true, TCP_ACK, 107, 501, "ghi"), ""); /* ahead of a gap */
	assert_true(w->step.held);
	assert_string_equal(seen(w, true, TCP_ACK, 113, 501, "mno"), ""); /* two gaps */
	assert_string_equal(seen(w, true, TCP_ACK, 107, 501, "ghi"), ""); /* sent again before the gap is */
	assert_true(w->step.held);
	assert_false(w->step.message);
	assert_string_equal(seen(w, true, TCP_ACK, 110, 501, "jklm"), ""); /* overlaps the next run */
	assert_string_equal(seen(w, true, TCP_ACK, 103, 501, "cdef"),
			    "abcdefghijklmno"); /* overlap and fill */
	assert_int_equal(w->step.fresh, 12);
	assert_string_equal(seen(w, true, TCP_ACK, 114, 501, "nop"), "abcdefghijklmnop");
	assert_int_equal(w->step.fresh, 1);
	assert_string_equal(seen(w, false, TCP_ACK, 501, 117, "ok"), "ok");
	flow_table_finish(w->table);
	assert_int_equal(w->ended[0].flow.side[TO_RESPONDER].retransmitted, 2);
	assert_int_equal(w->ended[0].flow.side[TO_RESPONDER].messages, 6);
	world_free(w);
}

/* Every way to cut "0123456789" in three, in every order, gives the same stream. */
static void test_tcp_permutations(void **state)
{
	(void)state;
	static const char digits[] = "0123456789";
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	for (unsigned a = 1; a < 9; a++) {
		for (unsigned b = a + 1; b < 10; b++) {
			for (unsigned o = 0; o < 6; o++) {
				struct world *w = world_new(16, 2048);
				const unsigned cut[4] = { 0, a, b, 10 };
				char last[4096] = "";
				tcp(w, true, TCP_SYN, UINT32_MAX - 4, 0, NULL); /* the numbers wrap inside */
				for (unsigned i = 0; i < 3; i++) {
					unsigned from = cut[order[o][i]], to = cut[order[o][i] + 1];
					char part[16] = { 0 };
					memcpy(part, digits + from, to - from);
					const char *s =
						seen(w, true, TCP_ACK, UINT32_MAX - 3 + from, 1, part);
					if (*s)
						strncpy(last, s, sizeof last - 1);
				}
				assert_string_equal(last, digits);
				world_free(w);
			}
		}
	}
}

/* Reordering is put right also where only libndpi listens and nothing is stored on the straight path. */
static void test_tcp_want_order(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	w->want = WANT_ORDER;
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	settle(w, &(struct packet){ 0 });
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abc"), "abc");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "fg"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 104, 1, "de"), "defg");
	assert_false(w->step.in_stream);
	assert_int_equal(w->step.fresh, 4);
	world_free(w);
}

static void test_tcp_head_is_bounded(void **state)
{
	(void)state;
	struct world *w = world_new(16, 8);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abcde"), "abcde");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "fghij"), "abcdefgh"); /* as much as fits */
	assert_string_equal(seen(w, true, TCP_ACK, 111, 1, "kl"), "kl");
	assert_false(w->step.in_stream); /* the stream from its first byte is over */
	world_free(w);
}

static void test_tcp_loss(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	struct flow_table_stats stats;
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abc"), "abc");
	/* The capture lost bytes 104-199: too far for the head, so it is given up and counting goes on. */
	assert_string_equal(seen(w, true, TCP_ACK, 200, 1, "xyz"), "xyz");
	assert_false(w->step.in_stream);
	/* A late segment out of the hole is no retransmission; one that was seen is. */
	seen(w, true, TCP_ACK, 104, 1, "late");
	seen(w, true, TCP_ACK, 200, 1, "xyz");
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.heads_lost, 1);
	assert_int_equal(stats.retransmitted_packets, 1);
	world_free(w);
}

/* A snapped segment has fewer bytes than the wire: what follows does not join on. */
static void test_tcp_snapped(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	struct packet p = packet_of(IPPROTO_TCP, true, 1000, NS_PER_S, text("abc"));
	p.payload_wire = 10;
	p.tcp_seq = 101;
	feed(w, &p);
	assert_int_equal(w->step.fresh, 3);
	settle(w, &p);
	seen(w, true, TCP_ACK, 111, 1, "def");
	assert_false(w->step.in_stream);
	world_free(w);
}

/* Sequence numbers come round after 4 GiB; a segment far into the stream is none of before its start. */
static void test_tcp_long_stream(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	struct packet p = packet_of(IPPROTO_TCP, true, 1000, NS_PER_S, text("abc"));
	const uint32_t step = UINT32_C(1) << 26;
	p.payload_wire = step;
	for (uint32_t i = 0; i < 2 * 64; i++) { /* 8 GiB */
		p.tcp_seq = 101 + i * step;
		feed(w, &p);
		assert_int_equal(w->step.fresh, 3);
		settle(w, &p);
	}
	assert_int_equal(w->step.flow->side[0].messages, 128);
	assert_int_equal(w->step.flow->side[0].retransmitted, 0);
	world_free(w);
}

/* Random segments of a known stream, in random order with repetitions: what is shown is always a prefix of
 * it. */
static void test_tcp_random(void **state)
{
	(void)state;
	uint32_t seed = 12345;
	char stream[300];
	for (size_t i = 0; i < sizeof stream; i++)
		stream[i] = (char)('a' + i % 26);
	for (int round = 0; round < 300; round++) {
		struct world *w = world_new(16, 256);
		tcp(w, true, TCP_SYN, 100, 0, NULL);
		for (int i = 0; i < 80; i++) {
			seed = seed * 1664525U + 1013904223U;
			uint32_t from = seed >> 16 & 0xff, length = 1 + (seed >> 8) % 40;
			char part[64] = { 0 };
			memcpy(part, stream + from, length);
			const char *s = seen(w, true, TCP_ACK, 101 + from, 1, part);
			if (w->step.in_stream)
				assert_memory_equal(s, stream, strlen(s));
		}
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_before_start),    cmocka_unit_test(test_tcp_first_copy_wins),
		cmocka_unit_test(test_memory_of_resets),    cmocka_unit_test(test_tcp_teardown),
		cmocka_unit_test(test_tcp_reset_and_reuse), cmocka_unit_test(test_tcp_unanswered),
		cmocka_unit_test(test_tcp_long_stream),     cmocka_unit_test(test_tcp_order),
		cmocka_unit_test(test_tcp_permutations),    cmocka_unit_test(test_tcp_want_order),
		cmocka_unit_test(test_tcp_head_is_bounded), cmocka_unit_test(test_tcp_loss),
		cmocka_unit_test(test_tcp_snapped),         cmocka_unit_test(test_tcp_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
