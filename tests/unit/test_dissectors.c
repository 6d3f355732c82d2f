/*
 * The registry, the template, and Skype over UDP. Bytes come from wire A and E; what the captures do not show
 * of a message (its encrypted part) is filled with numbers that do not matter.
 */
#include "dissector_recorder.h"
#include "dissectors/TEMPLATE.c"
#include "dissectors/skype/skype.h"

extern const struct dissector dissector_skype_udp;

#define CLIENT "192.168.1.2"
#define PEER   "165.124.253.241" /* a5 7c fd f1 */

/* Frames 214, 215, 216 and 219 of SkypeIRC.pcap (wire A3). */
static const uint8_t probe[18] = { 0x15, 0xf2, 0x02, 0x31, 0xc4, 0x9a, 0x07, 0x64, 0x4a,
				   0x65, 0x4d, 0x5e, 0x81, 0xaa, 0x13, 0x77, 0x20, 0xc9 };
static const uint8_t nak[11] = { 0x15, 0xf2, 0x77, 0x56, 0x80, 0xf5, 0x73, 0x24, 0x49, 0x9e, 0xb8 };
static const uint8_t resend[23] = { 0x15, 0xf2, 0x03, 0x01, 0x24, 0x49, 0x9e, 0xb8, 0xa5, 0x7c, 0xfd, 0xf1,
				    0x64, 0x4a, 0x65, 0x4d, 0x11, 0xd2, 0x93, 0x04, 0xe5, 0x66, 0xb7 };

static void start_udp(struct play *p)
{
	play_start(p, &dissector_skype_udp, at(CLIENT, 35990), at(PEER, 15294));
}

/* A function-02 message: len bytes, random but for id and check. */
static void make_payload(uint8_t *out, size_t len, uint16_t id, uint32_t check, uint64_t seed)
{
	random_bytes(&seed, out, len);
	const uint8_t head[3] = { (uint8_t)(id >> 8), (uint8_t)id, 0x02 };
	memcpy(out, head, sizeof head);
	for (unsigned i = 0; i < 4; i++)
		out[7 + i] = (uint8_t)(check >> (24 - 8 * i));
}

static void check_dissector(const struct dissector *d)
{
	struct play room;
	assert_non_null(d->look);
	assert_non_null(d->protocol);
	assert_true(d->l4 == IPPROTO_TCP || d->l4 == IPPROTO_UDP);
	assert_true(d->patience > 0 && strlen(d->name) > 0 && strlen(d->summary) > 0);
	assert_in_range(d->state_size, 0, sizeof room.state);
}

static void test_registry(void **state)
{
	(void)state;
	assert_in_range(dissector_count, 1, DISSECTORS_MAX);
	assert_in_range(protocol_count, 1, PROTOCOLS_MAX);
	check_dissector(&dissector_template);
	for (unsigned i = 0; i < dissector_count; i++) {
		const struct dissector *d = dissectors[i];
		bool registered = false;
		check_dissector(d);
		for (unsigned j = 0; j < protocol_count; j++)
			registered |= protocols[j] == d->protocol;
		assert_true(registered);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(d->name, dissectors[j]->name);
	}
	for (unsigned i = 0; i < protocol_count; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(protocols[i]->name, protocols[j]->name);
}

static bool has_text(const char *text)
{
	return text && text[0];
}

/* One row of a table: what every test needs to make sense. */
static void check_kind(const struct evidence_kind *k)
{
	if (!has_text(k->name) || !has_text(k->words))
		fail_msg("a kind without name or words");
	bool fine = k->test == TEST_AGAINST ? k->bits == 0.0F && k->against < 0.0F
					    : k->bits > 0.0F && k->cap >= k->bits && k->against <= 0.0F;
	if (k->test == TEST_NONE || k->test == TEST_PEERS || k->test == TEST_REFLECTED ||
	    k->test == TEST_REPEATED)
		fine = fine && k->against == 0.0F; /* nothing would ever count it */
	if (k->about == ABOUT_FLOW)
		fine = fine && k->test == TEST_NONE && k->cap == k->bits; /* counted once for each flow */
	if (!fine)
		fail_msg("%s: its bits, cap, against and test do not fit", k->name);
}

static void check_machinery(const struct protocol *p)
{
	static const enum evidence_test tests[MACHINERY_KIND_COUNT] = {
		[MACHINERY_REFUSED] = TEST_AGAINST, [MACHINERY_OTHER_LABEL] = TEST_AGAINST,
		[MACHINERY_MANY_PEERS] = TEST_NONE, [MACHINERY_TCP_AFTER_UDP] = TEST_NONE,
		[MACHINERY_CALLED] = TEST_NONE,
	};
	for (enum machinery_kind m = 0; m < MACHINERY_KIND_COUNT; m++) {
		unsigned kind = 99;
		if (!protocol_kind(p, m, &kind)) {
			assert_null(p->machinery[m]);
			continue;
		}
		assert_in_range(kind, 0, p->kind_count - 1);
		assert_ptr_equal(p->machinery[m], &p->kinds[kind]);
		assert_int_equal(p->kinds[kind].test, tests[m]);
		assert_int_not_equal(p->kinds[kind].about, ABOUT_FLOW);
		for (enum machinery_kind other = 0; other < m; other++)
			assert_ptr_not_equal(p->machinery[m], p->machinery[other]);
	}
}

static void check_protocol(const struct protocol *p)
{
	unsigned of_test[TEST_AGAINST + 1] = { 0 };
	assert_true(has_text(p->name) && has_text(p->suspected_name) && has_text(p->title));
	assert_string_not_equal(p->name, p->suspected_name);
	assert_true(has_text(p->udp_label) && has_text(p->tcp_label));
	assert_in_range(p->kind_count, 1, EVIDENCE_KINDS_MAX);
	for (unsigned k = 0; k < p->kind_count; k++) {
		check_kind(&p->kinds[k]);
		of_test[p->kinds[k].test]++;
		for (unsigned j = 0; j < k; j++)
			assert_string_not_equal(p->kinds[k].name, p->kinds[j].name);
	}
	/* A socket has one memory for each of these tests. */
	assert_true(of_test[TEST_PEERS] <= 1 && of_test[TEST_COUNTER] <= 1);
	assert_true(of_test[TEST_NONCE] <= 1 && of_test[TEST_REFLECTED] <= 1);
	assert_true(of_test[TEST_REPEATED] <= 1);
	check_machinery(p);
}

static void test_protocols(void **state)
{
	(void)state;
	check_protocol(&protocol_template);
	for (unsigned i = 0; i < protocol_count; i++)
		check_protocol(protocols[i]);
	unsigned kind;
	assert_true(protocol_kind(&protocol_skype, MACHINERY_MANY_PEERS, &kind));
	assert_int_equal(kind, SKYPE_MANY_PEERS);
	assert_false(protocol_kind(&protocol_template, MACHINERY_MANY_PEERS, &kind));
}

/*
 * What the comments in skype.c promise about sums; 20 is a verdict, 10 a suspicion. The TEST_PEERS and
 * TEST_COUNTER kinds count once for each address: n and n - 1 times their bits with n servers.
 */
static void test_sums(void **state)
{
	(void)state;
	const struct evidence_kind *k = protocol_skype.kinds;
	float header = k[SKYPE_UDP_HEADER].cap, ids = k[SKYPE_ID_COUNTER].cap, nonces = k[SKYPE_NONCE].cap;
	float many = k[SKYPE_MANY_PEERS].cap, step = k[SKYPE_ID_COUNTER].bits, echo = k[SKYPE_ID_ECHO].bits;
	assert_true(header < 10.0F && nonces < 10.0F && many < 10.0F && k[SKYPE_ID_ECHO].cap < 10.0F);
	assert_true(header + ids + nonces < 20.0F); /* unless there are many peers: wire C2 */
	assert_true(header + ids + nonces + many >= 20.0F);
	assert_true(header + nonces + echo + k[SKYPE_TCP_AFTER_UDP].cap < 20.0F);  /* one server */
	assert_true(header + nonces + echo + k[SKYPE_RETRANSMISSION].cap < 20.0F); /* ... asked every 2 s */
	assert_true(header + nonces + step + 2 * echo < 20.0F);                    /* two servers */
	/* A popular server, whose clients all ask the same. */
	assert_true(header + nonces + many + k[SKYPE_FAN_OUT].cap + k[SKYPE_CALLED].cap < 20.0F);
	/* skype_udp.pcap: a message sent three times, to one peer, is enough; many sent twice are not. */
	assert_true(header + k[SKYPE_RETRANSMISSION].bits + k[SKYPE_RETRANSMITTED_TWICE].bits +
			    k[SKYPE_ID_COUNTER].against >=
		    20.0F);
	assert_true(header + k[SKYPE_RETRANSMISSION].cap + nonces < 20.0F);
	assert_true(k[SKYPE_LOGIN].bits >= 20.0F && k[SKYPE_NODE_HELLO].bits >= 20.0F);
	/* Labels a flow, by default; and no more than that. */
	assert_true(k[SKYPE_TLS_NAME].bits == 20.0F && k[SKYPE_TLS_NAME].about == ABOUT_FLOW);
}

static void test_nak_and_resend(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 66.123, probe, sizeof probe), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 5);
	assert_int_equal(last_value(SKYPE_ID_COUNTER), 0x15f2);
	assert_int_equal(times_seen(SKYPE_RANDOM), 1);
	assert_int_equal(last_value(SKYPE_FAN_OUT), 0x644a654d);
	assert_int_equal(last_value(SKYPE_NONCE), 0x31c49a07);
	assert_int_equal(times_seen(SKYPE_UDP_HEADER), 1);

	assert_int_equal(play_datagram(&p, TO_INITIATOR, 66.249, nak, sizeof nak), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 7);
	assert_int_equal(last_value(SKYPE_ID_ECHO), 0x15f2);
	assert_int_equal(last_value(SKYPE_REFLECTED), 0x5680f573);
	assert_int_equal(rec.seen[6].dir, TO_INITIATOR);

	assert_int_equal(play_datagram(&p, TO_RESPONDER, 66.2491, resend, sizeof resend), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 9);
	assert_int_equal(times_seen(SKYPE_RESEND), 2);
	assert_null(rec.label);
	assert_int_equal(rec.event_count, 1); /* the round trip of the NAK */
}

/* A resend through a translator on the addressee's side names another address; only the challenge tells. */
static void test_resend_translated(void **state)
{
	(void)state;
	struct play p;
	play_start(&p, &dissector_skype_udp, at(CLIENT, 35990), at("10.9.8.7", 15294));
	play_datagram(&p, TO_RESPONDER, 0.0, probe, sizeof probe);
	play_datagram(&p, TO_INITIATOR, 0.1, nak, sizeof nak);
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.2, resend, sizeof resend), MATCH_MAYBE);
	assert_int_equal(times_seen(SKYPE_RESEND), 1);
	start_udp(&p);
	p.responder = at("10.9.8.7", 15294);
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.2, resend, sizeof resend), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
}

static void test_ack(void **state)
{
	(void)state;
	struct play p;
	uint8_t notice[346], ack[11] = { 0x16, 0x10, 0x75, 0x56, 0x80, 0xf5, 0x73, 1, 2, 3, 4 };
	make_payload(notice, sizeof notice, 0x1610, 0x2e7af131, 5);
	start_udp(&p);
	play_datagram(&p, TO_RESPONDER, 85.74, notice, sizeof notice);
	play_datagram(&p, TO_INITIATOR, 85.81, ack, sizeof ack);
	assert_int_equal(last_value(SKYPE_ID_ECHO), 0x1610);
	assert_int_equal(last_value(SKYPE_REFLECTED), 0x5680f573);
	/* The second echo of one message says nothing new. */
	play_datagram(&p, TO_INITIATOR, 85.82, ack, sizeof ack);
	assert_int_equal(times_seen(SKYPE_ID_ECHO), 1);
	/* Another id: neither an echo nor an address to be trusted, unless many others name it, too. */
	unsigned before = rec.seen_count;
	ack[1] = 0x11;
	assert_int_equal(play_datagram(&p, TO_INITIATOR, 85.83, ack, sizeof ack), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, before + 1);
	assert_int_equal(last_value(SKYPE_AGREED), 0x5680f573);
	/* Nor is the receiver's own address, 192.168.1.2, without the echo... */
	uint8_t own[11] = { 0x99, 0x99, 0x05, 192, 168, 1, 2, 0, 0, 0, 0 };
	assert_int_equal(play_datagram(&p, TO_INITIATOR, 85.84, own, sizeof own), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, before + 2);
	assert_int_equal(last_value(SKYPE_AGREED), 0xc0a80102);
	/* ... which it is with it. */
	own[0] = 0x16;
	own[1] = 0x10;
	play_datagram(&p, TO_INITIATOR, 85.85, own, sizeof own);
	assert_int_equal(last_value(SKYPE_REFLECTED), 0xc0a80102);
}

/* One datagram that nobody asked for, to a socket that never sent anything, names that socket's address. */
static void test_unasked_answer(void **state)
{
	(void)state;
	struct play p;
	const uint8_t answer[11] = { 0x12, 0x34, 0x05, 192, 168, 1, 2, 'a', 'b', 'c', 'd' };
	play_start(&p, &dissector_skype_udp, at(PEER, 15294), at(CLIENT, 35990));
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, answer, sizeof answer), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 1);
	assert_int_equal(times_seen(SKYPE_AGREED), 1);
}

static void test_reflected_must_be_public(void **state)
{
	(void)state;
	static const uint8_t first[] = { 0, 127, 224, 255 };
	for (unsigned i = 0; i < sizeof first; i++) {
		struct play p;
		uint8_t answer[11];
		start_udp(&p);
		play_datagram(&p, TO_RESPONDER, 0.0, probe, sizeof probe);
		memcpy(answer, nak, sizeof nak);
		answer[3] = first[i];
		play_datagram(&p, TO_INITIATOR, 0.1, answer, sizeof answer);
		assert_int_equal(times_seen(SKYPE_ID_ECHO), 1);
		assert_int_equal(times_seen(SKYPE_REFLECTED), 0);
	}
	struct play p;
	play_start(&p, &dissector_skype_udp, at("2001:db8::1", 35990), at("2001:db8::2", 15294));
	play_datagram(&p, TO_RESPONDER, 0.0, probe, sizeof probe);
	play_datagram(&p, TO_INITIATOR, 0.1, nak, sizeof nak);
	assert_int_equal(times_seen(SKYPE_REFLECTED), 0);
}

/* Wire A4: a 47-byte question, 9 fragments; index 0..8, 0x80 on the last; bytes 3-4 repeat the question's id.
 */
static void test_fragments(void **state)
{
	(void)state;
	struct play p;
	uint8_t question[47], fragment[1355];
	uint64_t seed = 99;
	make_payload(question, sizeof question, 0x1672, 0x01020304, 7);
	start_udp(&p);
	play_datagram(&p, TO_RESPONDER, 195.4, question, sizeof question);
	for (uint8_t i = 0; i < 9; i++) {
		random_bytes(&seed, fragment, sizeof fragment);
		const uint8_t head[7] = { 0xe9, 0x1e, 0x2f, 0x16, 0x72, i == 8 ? 0x88 : i, 0x02 };
		memcpy(fragment, head, sizeof head);
		size_t len = i == 8 ? 592 : sizeof fragment;
		assert_int_equal(play_datagram(&p, TO_INITIATOR, 195.6, fragment, len), MATCH_MAYBE);
	}
	assert_int_equal(times_seen(SKYPE_ID_ECHO), 1);
	assert_int_equal(last_value(SKYPE_ID_ECHO), 0x1672);
	assert_int_equal(times_seen(SKYPE_NONCE), 10);
	assert_int_equal(times_seen(SKYPE_UDP_HEADER), 1);
	assert_int_equal(times_seen(SKYPE_ID_COUNTER), 1);
	fragment[6] = 3;
	assert_int_equal(play_datagram(&p, TO_INITIATOR, 195.7, fragment, 592), MATCH_NO);
}

/* Sendings of one message at the given times; what differs from a real retransmission is in `spoil`. */
enum spoil { SPOIL_NOTHING, SPOIL_CHECK, SPOIL_LENGTH, SPOIL_IV, SPOIL_DATA };
static unsigned retransmissions(const double *times, unsigned n, enum spoil spoil)
{
	struct play p;
	uint8_t first[30], m[30];
	make_payload(first, sizeof first, 0x1a2c, 0xc522380a, 1);
	start_udp(&p);
	for (unsigned i = 0; i < n; i++) {
		make_payload(m, sizeof m, 0x1a2c, spoil == SPOIL_CHECK ? 0xc522380a + i : 0xc522380a, i + 1);
		if (spoil == SPOIL_IV)
			memcpy(m + 3, first + 3, 2);
		if (spoil == SPOIL_DATA)
			memcpy(m + 11, first + 11, sizeof m - 11);
		size_t len = sizeof m - (spoil == SPOIL_LENGTH ? i : 0);
		assert_int_equal(play_datagram(&p, TO_RESPONDER, times[i], m, len), MATCH_MAYBE);
	}
	assert_true(times_seen(SKYPE_RETRANSMITTED_TWICE) <= times_seen(SKYPE_RETRANSMISSION));
	return times_seen(SKYPE_RETRANSMISSION) + times_seen(SKYPE_RETRANSMITTED_TWICE);
}

static void test_retransmission(void **state)
{
	(void)state;
	static const double real[] = { 100.0, 102.05, 106.07 }; /* wire A2: +2.03..2.09, then +4.00..4.04 */
	static const double periodic[] = { 100.0, 102.05, 104.10, 106.15 };
	static const double stream[] = { 100.0, 100.02, 100.04, 102.05 };
	assert_int_equal(retransmissions(real, 3, SPOIL_NOTHING), 2);
	assert_int_equal(times_seen(SKYPE_RETRANSMITTED_TWICE), 1);
	assert_int_equal(times_seen(SKYPE_ID_COUNTER), 1);
	assert_int_equal(times_seen(SKYPE_NONCE), 3);
	assert_int_equal(retransmissions(periodic, 4, SPOIL_NOTHING), 1);
	assert_int_equal(times_seen(SKYPE_RETRANSMITTED_TWICE), 0);
	assert_int_equal(retransmissions(stream, 3, SPOIL_NOTHING), 0);
	for (enum spoil s = SPOIL_CHECK; s <= SPOIL_DATA; s++)
		assert_int_equal(retransmissions(real, 3, s), 0);
	assert_int_equal(times_seen(SKYPE_ID_COUNTER), 3);
}

/* A span port's second copy is not a repeated nonce; the same bytes a second later are. */
static void test_copies(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	play_datagram(&p, TO_RESPONDER, 1.0, probe, sizeof probe);
	play_datagram(&p, TO_RESPONDER, 1.00001, probe, sizeof probe);
	assert_int_equal(times_seen(SKYPE_NONCE), 1);
	play_datagram(&p, TO_RESPONDER, 2.0, probe, sizeof probe);
	assert_int_equal(times_seen(SKYPE_NONCE), 2);
	assert_int_equal(times_seen(SKYPE_ID_COUNTER), 2);
	assert_int_equal(times_seen(SKYPE_RETRANSMISSION), 0);
}

/* First payloads that must be refused at once: wire E, and one step beside every rule. The rest is zeros. */
static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t head[12];
		size_t len;
	} bad[] = {
		{ "SSDP M-SEARCH", { 'M', '-', 'S', 'E', 'A', 'R', 'C', 'H', ' ', '*' }, 133 },
		{ "SSDP NOTIFY", { 'N', 'O', 'T', 'I', 'F', 'Y', ' ', '*' }, 300 },
		{ "Spotify", { 0x53, 0x70, 0x6f, 0x74, 0x55, 0x64, 0x70, 0x30 }, 44 },
		{ "NetBIOS datagram", { 0x11, 0x02, 0x45, 0x70 }, 201 },
		{ "Dropbox LAN sync", { 0x7b, 0x22, 0x68, 0x6f, 0x73, 0x74 }, 150 },
		{ "DNS query", { 0x12, 0x34, 0x01, 0x00, 0x00, 0x01 }, 36 },
		{ "DNS answer", { 0x12, 0x34, 0x81, 0x80, 0x00, 0x01 }, 90 },
		{ "DNS answer, authoritative", { 0x12, 0x34, 0x85, 0x80, 0x00, 0x01 }, 90 },
		{ "NAT-PMP", { 0x00, 0x01, 0x00, 0x00, 0x32, 0xdd, 0x32, 0xdd, 0x00, 0x00, 0x0e, 0x10 }, 12 },
		{ "NTP", { 0x1b, 0x00, 0x04, 0xfa }, 48 },
		{ "mDNS", { 0x00, 0x00, 0x00, 0x00, 0x00, 0x01 }, 60 },
		{ "KaZaA", { 0x27, 0x00, 0x00, 0x00, 0x29, 0x80, 'K', 'a', 'Z', 'a', 'A' }, 12 },
		{ "traceroute", { 0x40, 0x41, 0x42, 0x43 }, 36 },
		{ "02 too short", { 0x15, 0xf2, 0x02 }, 17 },
		{ "02 with bits of 0x70", { 0x15, 0xf2, 0x12 }, 18 },
		{ "03 without 01", { 0x15, 0xf2, 0x03, 0x02, 0, 0, 0, 0, 0xa5, 0x7c, 0xfd, 0xf1 }, 23 },
		{ "03 to another address",
		  { 0x15, 0xf2, 0x03, 0x01, 0, 0, 0, 0, 0xa5, 0x7c, 0xfd, 0xf2 },
		  23 },
		{ "03 too short", { 0x15, 0xf2, 0x03, 0x01, 0, 0, 0, 0, 0xa5, 0x7c, 0xfd, 0xf1 }, 22 },
		{ "05 too short", { 0x15, 0xf2, 0x05 }, 10 },
		{ "07 too long", { 0x15, 0xf2, 0x77 }, 12 },
		{ "0f without 02", { 0x15, 0xf2, 0x0f, 0, 0, 0, 0x03 }, 100 },
		{ "0f too short", { 0x15, 0xf2, 0x0f, 0, 0, 0, 0x02 }, 14 },
		{ "two bytes", { 0x15, 0xf2 }, 2 },
		{ "empty", { 0 }, 0 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct play p;
		uint8_t bytes[512] = { 0 };
		memcpy(bytes, bad[i].head, sizeof bad[i].head);
		start_udp(&p);
		if (play_datagram(&p, TO_RESPONDER, 0.0, bytes, bad[i].len) != MATCH_NO)
			fail_msg("%s was not refused", bad[i].what);
		assert_int_equal(rec.seen_count, 0);
	}
}

/* Wire E1: RTP whose sequence number is 5d33 passes as media, which is evidence of nothing. */
static void test_rtp_as_media(void **state)
{
	(void)state;
	struct play p;
	uint8_t rtp[86] = { 0x90, 0x68, 0x5d, 0x33 };
	start_udp(&p);
	for (unsigned i = 0; i < 31; i++, rtp[3]++)
		assert_int_equal(play_datagram(&p, TO_RESPONDER, i * 0.02, rtp, sizeof rtp), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0);
	rtp[2] = 0x5e;
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 1.0, rtp, sizeof rtp), MATCH_NO);
}

/*
 * RTP whose sequence number begins with 02, at 48 kHz with constant size: bytes 0-1 and 8-10 are constant,
 * and byte 7 comes back every 4 packets. Only the header may be believed, once.
 */
static void test_rtp_as_payload(void **state)
{
	(void)state;
	struct play p;
	uint8_t rtp[92];
	uint64_t seed = 4;
	start_udp(&p);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t ts = 0x01000000 + i * 960;
		random_bytes(&seed, rtp, sizeof rtp);
		const uint8_t head[12] = { 0x80,
					   0x6f,
					   0x02,
					   (uint8_t)i,
					   (uint8_t)(ts >> 24),
					   (uint8_t)(ts >> 16),
					   (uint8_t)(ts >> 8),
					   (uint8_t)ts,
					   0xe0,
					   0x74,
					   0xc7,
					   0x00 };
		memcpy(rtp, head, sizeof head);
		rec.seen_count = 0;
		assert_int_equal(play_datagram(&p, TO_RESPONDER, i * 0.02, rtp, sizeof rtp), MATCH_MAYBE);
		assert_int_equal(times_seen(SKYPE_UDP_HEADER), i == 0);
		assert_int_equal(times_seen(SKYPE_RETRANSMISSION) + times_seen(SKYPE_RETRANSMITTED_TWICE), 0);
		assert_int_equal(last_value(SKYPE_ID_COUNTER),
				 0x806f); /* a step of nothing: the machinery sees it */
	}
}

/* Wire E6: DNSCrypt passes the strict test; its constant bytes 0-7 must be reported, for they contradict. */
static void test_dnscrypt(void **state)
{
	(void)state;
	struct play p;
	uint8_t query[512] = { 0xd3, 0x1b, 0x02, 0x04, 0x2a, 0xc4, 0x06, 0xf3 };
	uint64_t seed = 8;
	start_udp(&p);
	for (unsigned i = 0; i < 3; i++) {
		random_bytes(&seed, query + 8, sizeof query - 8);
		assert_int_equal(play_datagram(&p, TO_RESPONDER, i * 2.05, query, sizeof query), MATCH_MAYBE);
		assert_int_equal(last_value(SKYPE_NONCE), 0x042ac406);
		assert_int_equal(last_value(SKYPE_ID_COUNTER), 0xd31b);
	}
	assert_int_equal(times_seen(SKYPE_UDP_HEADER), 1);
	assert_int_equal(times_seen(SKYPE_NONCE), 3);
	assert_int_equal(times_seen(SKYPE_RETRANSMISSION), 0);
}

/* Cut by the snap length at every byte: nothing is refused, and nothing is claimed of bytes that are not
 * there. */
static void test_cut_by_snaplen(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= sizeof resend; cut++) {
		struct play p;
		size_t n = cut < sizeof probe ? cut : sizeof probe, a = cut < sizeof nak ? cut : sizeof nak;
		start_udp(&p);
		assert_int_equal(play_cut(&p, TO_RESPONDER, 0.0, probe, n, sizeof probe), MATCH_MAYBE);
		assert_int_equal(play_cut(&p, TO_INITIATOR, 0.1, nak, a, sizeof nak), MATCH_MAYBE);
		assert_int_equal(play_cut(&p, TO_RESPONDER, 0.2, resend, cut, sizeof resend), MATCH_MAYBE);
		assert_int_equal(times_seen(SKYPE_UDP_HEADER), cut >= 3);
		assert_int_equal(times_seen(SKYPE_ID_COUNTER), cut >= 3);
		assert_int_equal(times_seen(SKYPE_NONCE), cut >= 11);
		assert_int_equal(times_seen(SKYPE_ID_ECHO), cut >= 3);
		assert_int_equal(times_seen(SKYPE_REFLECTED), cut >= 7);
		assert_int_equal(times_seen(SKYPE_RESEND), cut >= 12 ? 2 : 0);
	}
}

/* The same lengths without a snap length: every short payload is judged by its real length. */
static void test_short_payloads(void **state)
{
	(void)state;
	struct play p;
	for (size_t len = 0; len < sizeof resend; len++) {
		start_udp(&p);
		if (len < sizeof probe)
			assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, probe, len), MATCH_NO);
		if (len < sizeof nak)
			assert_int_equal(play_datagram(&p, TO_INITIATOR, 0.0, nak, len), MATCH_NO);
		assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, resend, len), MATCH_NO);
		assert_int_equal(rec.seen_count, 0);
	}
}

/*
 * Random payload: header evidence at the rate that its bits stand for, 2^-8 for function 02 and 2^-13 for 0f
 * (1 in 248.2). Four standard deviations of a count of 4028 are 254.
 */
static void test_random_rate(void **state)
{
	(void)state;
	const unsigned n = 1000000;
	uint64_t seed = 20060825;
	uint8_t bytes[128];
	unsigned header = 0, other = 0;
	for (unsigned i = 0; i < n; i++) {
		struct play p = { .dissector = &dissector_skype_udp, .initiator = at("10.0.0.2", 4000) };
		p.responder = p.initiator;
		random_bytes(&seed, bytes, sizeof bytes);
		rec.seen_count = 0;
		play_datagram(&p, TO_RESPONDER, 0.0, bytes, 18U + bytes[100] % 100U);
		header += times_seen(SKYPE_UDP_HEADER);
		other += times_seen(SKYPE_RESEND) + times_seen(SKYPE_REFLECTED);
	}
	assert_in_range(header, 4028 - 254, 4028 + 254);
	assert_int_equal(other, 0);
	assert_true(protocol_skype.kinds[SKYPE_UDP_HEADER].bits <= 8.0F); /* log2(248.2) = 7.96 */
}

/* Random dialogs, half of the datagrams with the length of an ACK: none of the strong kinds comes by chance.
 */
static void test_random_dialogs(void **state)
{
	(void)state;
	uint64_t seed = 20150518;
	uint8_t bytes[64];
	unsigned strong = 0, echoes = 0;
	for (unsigned i = 0; i < 200000; i++) {
		struct play p = { .dissector = &dissector_skype_udp, .initiator = at("10.0.0.2", 4000) };
		p.responder = p.initiator;
		rec.seen_count = 0;
		for (unsigned k = 0; k < 5; k++) {
			random_bytes(&seed, bytes, sizeof bytes);
			bytes[2] = k % 2 ? 0x05 : 0x02; /* help it past the first test */
			size_t len = k % 2 ? 11 : 18U + bytes[40] % 40U;
			play_datagram(&p, k % 2 ? TO_INITIATOR : TO_RESPONDER, k * 2.05, bytes, len);
		}
		strong += times_seen(SKYPE_RETRANSMISSION) + times_seen(SKYPE_RETRANSMITTED_TWICE) +
			  times_seen(SKYPE_RESEND);
		echoes += times_seen(SKYPE_ID_ECHO);
	}
	assert_int_equal(strong, 0);
	assert_in_range(echoes, 0, 21);
}

/* Wire E, table: of SkypeIRC.pcap's UDP payloads exactly the 326 of port 35990 pass the strict test. */
static void test_capture(void **state)
{
	(void)state;
	FILE *f = open_trace("skype/SkypeIRC.pcap");
	static struct tiny_packet packet;
	unsigned skype = 0, passed = 0, foreign = 0, foreign_passed = 0;
	if (!f) {
		print_message("skype/SkypeIRC.pcap is not there; set FOOTSTEPS_TRACES\n");
		skip();
	}
	assert_int_equal(fseek(f, 24, SEEK_SET), 0);
	while (tiny_next(f, &packet)) {
		struct play p;
		if (packet.l4 != IPPROTO_UDP)
			continue;
		bool ours = packet.from.port == 35990 || packet.to.port == 35990;
		play_start(&p, &dissector_skype_udp, packet.from, packet.to);
		bool pass = play_datagram(&p, TO_RESPONDER, packet.seconds, packet.payload.ptr,
					  packet.payload.len) != MATCH_NO;
		skype += ours;
		foreign += !ours;
		passed += ours && pass;
		foreign_passed += !ours && pass;
	}
	fclose(f);
	assert_int_equal(skype, 326);
	assert_int_equal(passed, 326);
	assert_int_equal(foreign, 746);
	assert_int_equal(foreign_passed, 0);
}

/* RFC 5769 section 2.1 and 2.2: header of the sample request and of its answer. */
static const uint8_t stun_request[108] = { 0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
					   0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };
static const uint8_t stun_answer[80] = { 0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
					 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };

static void test_template(void **state)
{
	(void)state;
	struct play p;
	play_start(&p, &dissector_template, at(CLIENT, 4000), at(PEER, 3478));
	assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, stun_request, sizeof stun_request),
			 MATCH_MAYBE);
	assert_int_equal(play_datagram(&p, TO_INITIATOR, 0.1, stun_answer, sizeof stun_answer), MATCH_YES);
	assert_int_equal(times_seen(STUN_HEADER_SEEN), 2);
	assert_int_equal(times_seen(STUN_ANSWERED), 1);
	assert_string_equal(rec.label, "stun");
	for (size_t cut = 0; cut < sizeof stun_request; cut++) {
		play_start(&p, &dissector_template, at(CLIENT, 4000), at(PEER, 3478));
		assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, stun_request, cut), MATCH_NO);
		assert_int_equal(play_cut(&p, TO_RESPONDER, 0.0, stun_request, cut, sizeof stun_request),
				 MATCH_MAYBE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_nak_and_resend),
		cmocka_unit_test(test_resend_translated),
		cmocka_unit_test(test_ack),
		cmocka_unit_test(test_unasked_answer),
		cmocka_unit_test(test_reflected_must_be_public),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rtp_as_media),
		cmocka_unit_test(test_rtp_as_payload),
		cmocka_unit_test(test_dnscrypt),
		cmocka_unit_test(test_cut_by_snaplen),
		cmocka_unit_test(test_short_payloads),
		cmocka_unit_test(test_random_rate),
		cmocka_unit_test(test_random_dialogs),
		cmocka_unit_test(test_capture),
		cmocka_unit_test(test_template),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
