/*
 * Round trips (R11): what dissectors report when an id comes back, the table of these events, and the sample
 * of a flow. Times are worked out by hand.
 */
#include "dissector_recorder.h"
#include "behave/round_trips.h"

extern const struct dissector dissector_skype_udp, dissector_bittorrent_udp;

#define C  TO_RESPONDER
#define S  TO_INITIATOR
#define MS 1000000LL

/* Skype, wire A1: id, function 02, iv, check, data. */
static size_t payload(uint8_t *out, uint16_t id, size_t size, uint64_t seed)
{
	random_bytes(&seed, out, size);
	const uint8_t head[] = { (uint8_t)(id >> 8), (uint8_t)id, 2 }, check[] = { 1, 2, 3, 4 };
	memcpy(out, head, sizeof head);
	memcpy(out + 7, check, sizeof check);
	return size;
}

static void start(struct play *p)
{
	play_start(p, &dissector_skype_udp, at("10.0.0.2", 35990), at("192.0.2.9", 15294));
}

static void ask(struct play *p, enum direction dir, double seconds, uint16_t id, size_t size, uint64_t seed)
{
	uint8_t bytes[400];
	play_datagram(p, dir, seconds, bytes, payload(bytes, id, size, seed));
}

static void acknowledge(struct play *p, enum direction dir, double seconds, uint16_t id)
{
	const uint8_t ack[11] = { (uint8_t)(id >> 8), (uint8_t)id, 5, 198, 51, 100, 7, 1, 2, 3, 4 };
	play_datagram(p, dir, seconds, ack, sizeof ack);
}

static void expect(unsigned n, enum direction reply, double asked, uint32_t question, uint32_t size,
		   bool repeated)
{
	assert_in_range(n, 0, rec.event_count - 1);
	const struct event *e = &rec.events[n];
	assert_int_equal(e->type, EVENT_ROUND_TRIP);
	assert_int_equal(rec.event_dir[n], reply);
	assert_int_equal(e->of.round_trip.asked_ns, (int64_t)(asked * 1e9));
	assert_int_equal(e->of.round_trip.question, question);
	assert_int_equal(e->of.round_trip.reply, size);
	assert_int_equal(e->of.round_trip.repeated, repeated);
}

static void test_skype(void **state)
{
	(void)state;
	struct play p;
	start(&p);
	ask(&p, C, 1.0, 0x1610, 346, 1);
	ask(&p, C, 1.5, 0x1611, 346, 2);
	acknowledge(&p, S, 1.75, 0x1611); /* not in order: the ids tell */
	acknowledge(&p, S, 2.0, 0x1610);
	acknowledge(&p, S, 2.5, 0x1610); /* a second one */
	acknowledge(&p, S, 2.5, 0x1612); /* of a message that was not seen */
	assert_int_equal(rec.event_count, 2);
	expect(0, S, 1.5, 346, 11, false);
	expect(1, S, 1.0, 346, 11, false);
	/* The peer's question and the client's answer: the reply goes the other way. */
	ask(&p, S, 3.0, 0x7777, 20, 3);
	acknowledge(&p, C, 3.0003, 0x7777);
	assert_int_equal(rec.event_count, 3);
	expect(2, C, 3.0, 20, 11, false);
}

/* Sent again after 2.05 s, and answered then; a copy of the span port is no second sending. */
static void test_skype_again(void **state)
{
	(void)state;
	struct play p;
	start(&p);
	ask(&p, C, 1.0, 0x1610, 346, 1);
	ask(&p, C, 3.05, 0x1610, 346, 2);
	acknowledge(&p, S, 3.15, 0x1610);
	assert_int_equal(rec.event_count, 1);
	expect(0, S, 3.05, 346, 11, true);
	start(&p);
	ask(&p, C, 1.0, 0x1610, 346, 1);
	ask(&p, C, 1.0002, 0x1610, 346, 1);
	acknowledge(&p, S, 1.25, 0x1610);
	acknowledge(&p, S, 1.2502, 0x1610);
	assert_int_equal(rec.event_count, 1);
	expect(0, S, 1.0, 346, 11, false);
}

/* Wire A4: bytes 3-4 are the id of the question; the first of the fragments is the reply. */
static void test_skype_fragments(void **state)
{
	(void)state;
	struct play p;
	start(&p);
	ask(&p, C, 1.0, 0x1672, 47, 1);
	for (uint8_t i = 0; i < 9; i++) {
		uint8_t fragment[600] = { 0xe9, 0x1e, 0x2f, 0x16, 0x72, i == 8 ? 0x88 : i, 0x02 };
		play_datagram(&p, S, 1.1 + i * 0.01, fragment, sizeof fragment);
	}
	assert_int_equal(rec.event_count, 1);
	expect(0, S, 1.0, 47, 600, false);
}

static void say(struct play *p, enum direction dir, double seconds, const char *text)
{
	play_datagram(p, dir, seconds, text, strlen(text));
}

#define NODE    "2:id20:abcdefghij0123456789"
#define PING(t) "d1:ad" NODE "e1:q4:ping1:t2:" t "1:y1:qe" /* BEP 5 */
#define PONG(t) "d1:rd" NODE "e1:t2:" t "1:y1:re"

static void test_dht(void **state)
{
	(void)state;
	struct play p;
	play_start(&p, &dissector_bittorrent_udp, at("10.0.0.2", 6881), at("192.0.2.9", 6881));
	say(&p, C, 1.0, PING("aa"));
	say(&p, C, 2.0, PING("ab"));
	say(&p, S, 2.5, PONG("ab"));
	say(&p, S, 2.75, PONG("aa"));
	say(&p, S, 3.0, PONG("aa"));
	assert_int_equal(rec.event_count, 2);
	expect(0, S, 2.0, sizeof PING("ab") - 1, sizeof PONG("ab") - 1, false);
	expect(1, S, 1.0, sizeof PING("aa") - 1, sizeof PONG("aa") - 1, false);
	/* The same id once more: a new question behind the answer, the old one again before it. */
	say(&p, C, 4.0, PING("aa"));
	say(&p, S, 4.25, PONG("aa"));
	expect(2, S, 4.0, sizeof PING("aa") - 1, sizeof PONG("aa") - 1, false);
	say(&p, C, 5.0, PING("aa"));
	say(&p, C, 5.0001, PING("aa"));
	say(&p, S, 5.25, PONG("aa"));
	expect(3, S, 5.0, sizeof PING("aa") - 1, sizeof PONG("aa") - 1, false);
	say(&p, C, 6.0, PING("aa"));
	say(&p, C, 8.0, PING("aa"));
	say(&p, S, 8.25, PONG("aa"));
	assert_int_equal(rec.event_count, 5);
	expect(4, S, 8.0, sizeof PING("aa") - 1, sizeof PONG("aa") - 1, true);
}

/* BEP 15: connect and announce, each with its transaction id. */
static void test_tracker(void **state)
{
	(void)state;
	struct play p;
	const uint8_t connect[16] = { 0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 9, 8, 7, 6 };
	const uint8_t connected[16] = { 0, 0, 0, 0, 9, 8, 7, 6, 1, 2, 3, 4, 5, 6, 7, 8 };
	const uint8_t announce[98] = { 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 5, 5, 5, 5 };
	const uint8_t announced[26] = { 0, 0, 0, 1, 5, 5, 5, 5 };
	play_start(&p, &dissector_bittorrent_udp, at("10.0.0.2", 6881), at("192.0.2.9", 6969));
	play_datagram(&p, C, 1.0, connect, sizeof connect);
	play_datagram(&p, S, 1.25, connected, sizeof connected);
	play_datagram(&p, C, 2.0, announce, sizeof announce);
	play_datagram(&p, C, 17.0, announce, sizeof announce); /* after 15 s */
	play_datagram(&p, S, 17.5, announced, sizeof announced);
	assert_int_equal(rec.event_count, 2);
	expect(0, S, 1.0, 16, 16, false);
	expect(1, S, 17.0, 98, 26, true);
}

static struct occurrence trip(uint64_t flow, uint64_t packet, int64_t asked, int64_t replied,
			      enum direction reply)
{
	return (struct occurrence){
		.ts_ns = replied,
		.packet = packet,
		.flow = flow,
		.dir = reply,
		.event = { .type = EVENT_ROUND_TRIP, .of.round_trip = { asked, 18, 11, false } },
	};
}

static void add(struct round_trips *t, struct occurrence o)
{
	struct error err;
	assert_true(round_trips_add(t, &o, &err));
}

static void test_table(void **state)
{
	(void)state;
	struct round_trips t = { 0 };
	struct occurrence repeated = trip(7, 12, 5 * MS, 9 * MS, S);
	uint32_t count;
	repeated.event.of.round_trip.repeated = true;
	round_trips_sort(&t);
	assert_null(round_trips_of(&t, 7, &count));
	add(&t, trip(7, 30, 20 * MS, 50 * MS, S));
	add(&t, trip(9, 31, 20 * MS, 21 * MS, C));
	add(&t, trip(7, 11, 10 * MS, 14 * MS, S));
	add(&t, repeated);
	add(&t, trip(7, 13, 10 * MS, 9 * MS, S)); /* the clock went back */
	round_trips_sort(&t);
	assert_int_equal(t.trips, 3);
	const struct round_trip *of = round_trips_of(&t, 7, &count);
	assert_int_equal(count, 2);
	assert_int_equal(of[0].packet, 11);
	assert_int_equal(of[0].ns, 4 * MS);
	assert_int_equal(of[0].dir, C);
	assert_int_equal(of[1].ns, 30 * MS);
	assert_null(round_trips_of(&t, 8, &count));
	assert_int_equal(count, 0);
	round_trips_drop(&t);
}

static void test_bound(void **state)
{
	(void)state;
	struct round_trips t = { 0 };
	struct occurrence other = trip(1, 2, 0, 1, S);
	uint32_t count;
	other.protocol = 1;
	for (uint32_t i = 0; i < ROUND_TRIPS_MAX + 3; i++)
		add(&t, trip(i + 10, i + 11, 0, MS, S));
	add(&t, other); /* a protocol of its own has room */
	round_trips_sort(&t);
	assert_int_equal(t.refused, 3);
	assert_int_equal(t.trips, ROUND_TRIPS_MAX + 1);
	assert_non_null(round_trips_of(&t, 1, &count));
	assert_non_null(round_trips_of(&t, 10, &count));
	assert_null(round_trips_of(&t, ROUND_TRIPS_MAX + 10, &count));
	round_trips_drop(&t);
}

/* A flow of messages at given ms, negative: to the initiator. Its record and its log. */
struct played {
	struct flow_record r;
	struct logged_message log[8];
	struct labelled_flow f;
};

static void play_flow(struct played *x, bool client_is_initiator, const int *ms, size_t n)
{
	int64_t last = 0;

	*x = (struct played){ .r = { .first_packet = 5, .sizes = (uint16_t)n } };
	for (size_t i = 0; i < n; i++) {
		enum direction dir = ms[i] < 0 ? S : C;
		int64_t ns = (int64_t)abs(ms[i]) * MS;
		struct flow_side *side = &x->r.side[dir];
		if (side->packets++ == 0)
			side->first_ns = ns;
		side->last_ns = ns;
		side->messages++;
		x->log[i] = (struct logged_message){ (uint32_t)((ns - last) / MESSAGE_TICK_NS), 18,
						     (uint8_t)dir, 0 };
		last = ns;
	}
	x->log[0].gap = 0;
	x->f = (struct labelled_flow){
		.r = &x->r, .log = x->log, .client = 3, .client_is_initiator = client_is_initiator
	};
}

static void test_samples(void **state)
{
	(void)state;
	static const struct {
		bool client_is_initiator;
		int ms[8];
		enum round_trip_sample sample;
		int64_t expected;
	} cases[] = {
		{ true, { 100, -165 }, ROUND_TRIP_reply, 65 },           /* 165 - 100 */
		{ true, { 100 }, ROUND_TRIP_no_reply, 0 },               /* reply missing */
		{ true, { 100, -200100 }, ROUND_TRIP_reply, 200000 },    /* late: by exactly the timeout */
		{ true, { 100, 2150, -2250 }, ROUND_TRIP_ambiguous, 0 }, /* sent again: 100 or 2150 ms? */
		{ true, { 100, -165, 900, 901, -999 }, ROUND_TRIP_reply, 65 }, /* the first pair only */
		{ false, { 100 }, ROUND_TRIP_no_reply, 0 },                    /* the client says nothing */
		{ false,
		  { 100, -101 },
		  ROUND_TRIP_no_reply,
		  0 }, /* it answers: its own delay is no round trip */
		{ false, { 100, -101, 231 }, ROUND_TRIP_reply, 130 }, /* 231 - 101 */
		{ false, { 100, 200, -201, 331, -400 }, ROUND_TRIP_reply, 130 },
		{ false, { 100, -101, -111, 231 }, ROUND_TRIP_ambiguous, 0 },
		{ false, { 100, -101, -111 }, ROUND_TRIP_no_reply, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct played x;
		size_t n = 0;
		int64_t ns = -1;
		while (cases[i].ms[n])
			n++;
		play_flow(&x, cases[i].client_is_initiator, cases[i].ms, n);
		print_message("case %zu\n", i);
		assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), cases[i].sample);
		if (cases[i].sample == ROUND_TRIP_reply)
			assert_int_equal(ns, cases[i].expected * MS);
	}
}

/* No log, or one that begins late: only what the sides tell for sure. */
static void test_samples_without_log(void **state)
{
	(void)state;
	struct played x;
	int64_t ns = -1;
	play_flow(&x, true, (const int[]){ 100, -165, -170 }, 3);
	x.r.sizes = 0;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_reply);
	assert_int_equal(ns, 65 * MS);
	play_flow(&x, true, (const int[]){ 100, -165, 170 }, 3);
	x.r.sizes = 0;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_ambiguous);
	play_flow(&x, true, (const int[]){ 100, -165, 170, -180 }, 4);
	x.log[0].gap = 7; /* it begins after the flow's first packet */
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_ambiguous);
	play_flow(&x, false, (const int[]){ 100, -165, 170 }, 3);
	x.r.sizes = 0;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_ambiguous);
	play_flow(&x, false, (const int[]){ 100, -165 }, 2);
	x.r.sizes = 0;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_no_reply);
}

static void test_sample_edges(void **state)
{
	(void)state;
	struct played x;
	int64_t ns = -1;
	/* The span port shows every packet twice: 5 ms apart, the same message. */
	play_flow(&x, true, (const int[]){ 100, 105, -165, -170 }, 4);
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_ambiguous);
	x.r.duplicates = 2;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_reply);
	assert_int_equal(ns, 65 * MS);
	/* A clock that goes back: which packet came first is not known. */
	play_flow(&x, true, (const int[]){ 100, -165 }, 2);
	x.r.disordered = 1;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_disordered);
	play_flow(&x, false, (const int[]){ 100, -101, 231 }, 3);
	x.r.disordered = 1;
	assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_disordered);
	/* A datagram whose second fragment came before the question, and the first behind it: no answer. */
	for (uint16_t sizes = 0; sizes <= 2; sizes += 2) {
		play_flow(&x, true, (const int[]){ 100, -165 }, 2);
		x.r.sizes = sizes;
		x.r.side[S].first_ns = 90 * MS;
		assert_int_equal(round_trip_of_flow(&x.f, NULL, 0, &ns), ROUND_TRIP_disordered);
	}
}

/* An id that came back has precedence over the first pair; those of the peer's questions do not count. */
static void test_echo_first(void **state)
{
	(void)state;
	struct played x;
	int64_t ns = -1;
	struct round_trip trips[] = {
		{ .flow = 5, .packet = 6, .ns = 1 * MS, .dir = S },
		{ .flow = 5, .packet = 8, .ns = 70 * MS, .dir = C },
		{ .flow = 5, .packet = 9, .ns = 80 * MS, .dir = C },
		{ .flow = 5, .packet = 10, .ns = 2 * MS, .dir = C, .protocol = 1 },
	};
	play_flow(&x, true, (const int[]){ 100, -165, 200, 300, -370 }, 5);
	assert_int_equal(round_trip_of_flow(&x.f, trips, 4, &ns), ROUND_TRIP_echo);
	assert_int_equal(ns, 70 * MS);
	assert_int_equal(trips[0].client, 0);
	assert_int_equal(trips[1].client, 3);
	assert_int_equal(trips[2].client, 3);
	assert_int_equal(trips[3].client, 0);
	/* The same flow seen from the other end, which is a client, too: the question of the peer is its own.
	 */
	x.f.client_is_initiator = false;
	x.f.client = 4;
	assert_int_equal(round_trip_of_flow(&x.f, trips, 4, &ns), ROUND_TRIP_echo);
	assert_int_equal(ns, 1 * MS);
	assert_int_equal(trips[0].client, 4);
	assert_int_equal(trips[1].client, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skype),
		cmocka_unit_test(test_skype_again),
		cmocka_unit_test(test_skype_fragments),
		cmocka_unit_test(test_dht),
		cmocka_unit_test(test_tracker),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_samples_without_log),
		cmocka_unit_test(test_sample_edges),
		cmocka_unit_test(test_echo_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
