/*
 * The self-test's traffic: each kind read by the rules of its specification, and who talks to whom.
 * (Wireshark agrees; its dissectors see nothing malformed in any of them.)
 */
#include "base/reader.h"
#include "identify/null_traffic.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define CONVERSATIONS 300

/* One message, with what the flow's earlier ones said. */
struct message {
	struct span payload;
	enum direction dir; /* of the flow's initiator, who is the first sender */
	bool from_start;    /* the flow's first messages were seen */
	unsigned nth;       /* of this direction */
	struct memory {
		struct endpoint peer;
		bool used, from_start;
		bool local_began;
		unsigned messages[2];
		uint8_t id[2][32];
		uint8_t question[300];
		size_t question_len;
		uint32_t number[2];
	} * flow;
};

static struct reader on(const struct message *m)
{
	return reader_on(m->payload);
}

/* Everything was read, and nothing was missing. */
static void assert_end(struct reader *r)
{
	assert_false(r->failed);
	assert_int_equal(rd_left(r), 0);
}

/* A length of 16 bits that covers the rest. */
static void check_rest(struct reader *r)
{
	unsigned length = rd_be16(r);

	assert_int_equal(length, rd_left(r));
}

static void check_zeros(struct reader *r, unsigned n)
{
	while (n-- > 0)
		assert_int_equal(rd_u8(r), 0);
}

/* RFC 3550 section 5.1 */
static void check_rtp_header(const struct message *m, struct reader *r, unsigned first)
{
	struct memory *f = m->flow;

	assert_int_equal(rd_u8(r), first);
	unsigned type = rd_u8(r) & 0x7f;
	assert_true(type == 8 || (type >= 96 && type <= 127));
	uint32_t number = rd_be16(r);
	if (m->nth > 0)
		assert_int_equal(number, (uint16_t)(f->number[m->dir] + 1));
	f->number[m->dir] = number;
	rd_skip(r, 4);
	struct span ssrc = rd_take(r, 4);
	if (m->nth > 0)
		assert_memory_equal(ssrc.ptr, f->id[m->dir], 4);
	memcpy(f->id[m->dir], ssrc.ptr, 4);
}

static void check_rtp(const struct message *m)
{
	struct reader r = on(m);

	check_rtp_header(m, &r, 0x80);
	assert_true(rd_left(&r) == 160 || (rd_left(&r) >= 100 && rd_left(&r) <= 1200));
}

/* RFC 8285 section 4.2, RFC 3711 section 3.1 */
static void check_srtp(const struct message *m)
{
	struct reader r = on(m);

	check_rtp_header(m, &r, 0x90);
	assert_int_equal(rd_be16(&r), 0xbede);
	struct reader extension = reader_on(rd_take(&r, 4U * rd_be16(&r)));
	assert_int_equal(rd_u8(&extension) & 15, 0); /* one byte */
	assert_true(rd_left(&r) > 10);
}

/* RFC 6347 sections 4.1 and 4.2.2 */
static void check_dtls(const struct message *m)
{
	struct reader r = on(m);
	unsigned type = rd_u8(&r), version = rd_be16(&r);

	assert_true(version == 0xfeff || version == 0xfefd);
	assert_int_equal(rd_be16(&r), type == 23); /* epoch: application data is encrypted */
	rd_skip(&r, 6);
	struct reader record = reader_on(rd_take(&r, rd_be16(&r)));
	assert_end(&r);
	if (type == 23)
		return;
	assert_int_equal(type, 22);
	unsigned message = rd_u8(&record);
	assert_int_equal(rd_u8(&record), 0);
	unsigned length = rd_be16(&record);
	rd_skip(&record, 2);
	check_zeros(&record, 4); /* fragment offset; length */
	assert_int_equal(rd_be16(&record), length);
	assert_int_equal(rd_left(&record), length);
	assert_true(message == (m->dir == TO_RESPONDER ? 1 : m->nth == 0 ? 3 : 2) || m->nth > 0);
	rd_skip(&record, 2);
	if (message == 3) {
		rd_skip(&record, rd_u8(&record));
	} else {
		rd_skip(&record, 32);
		rd_skip(&record, rd_u8(&record));
		if (message == 1) {
			rd_skip(&record, rd_u8(&record));
			rd_skip(&record, rd_be16(&record));
			rd_skip(&record, rd_u8(&record));
		} else {
			rd_skip(&record, 3);
		}
	}
	assert_end(&record);
}

/* RFC 9000 sections 17.2 and 17.3 */
static void check_quic(const struct message *m)
{
	struct reader r = on(m);
	unsigned first = rd_u8(&r);

	assert_true(first & 0x40);
	if (!(first & 0x80)) {
		assert_true(m->payload.len >= 21); /* what section 10.3 says a packet looks like at least */
		return;
	}
	uint32_t version = rd_be32(&r);
	assert_true(version == 1 ? (first & 0x30) == 0 : version == 0x6b3343cf && (first & 0x30) == 0x10);
	unsigned destination = rd_u8(&r);
	rd_skip(&r, destination);
	unsigned source = rd_u8(&r);
	rd_skip(&r, source);
	assert_true(destination <= 20 && source <= 20);
	assert_true(m->dir == TO_INITIATOR || destination >= 8);
	assert_int_equal(rd_u8(&r), 0);
	unsigned length = rd_be16(&r);
	assert_int_equal(length >> 14, 1);
	assert_int_equal(length & 0x3fff, rd_left(&r));
	assert_int_equal(m->payload.len, 1200);
}

/* The bytes of an answer that must be those of its question. */
static void remember_question(const struct message *m, struct span same)
{
	struct memory *f = m->flow;

	assert_in_range(same.len, 1, sizeof f->question);
	if (m->dir == TO_RESPONDER) {
		memcpy(f->question, same.ptr, same.len);
		f->question_len = same.len;
	} else if (f->question_len) {
		assert_int_equal(same.len, f->question_len);
		assert_memory_equal(same.ptr, f->question, same.len);
	}
}

/* RFC 1035 section 4.1 */
static void check_dns(const struct message *m)
{
	struct reader r = on(m);
	struct span id = rd_take(&r, 2);
	unsigned flags = rd_be16(&r);
	uint8_t same[300];

	assert_int_equal(flags >> 15, m->dir == TO_INITIATOR);
	assert_int_equal(rd_be16(&r), 1);
	unsigned answers = rd_be16(&r);
	assert_true(m->dir == TO_INITIATOR || answers == 0);
	assert_int_equal(rd_be16(&r), 0);
	unsigned more = rd_be16(&r);
	size_t begin = m->payload.len - rd_left(&r);
	for (unsigned label; (label = rd_u8(&r)) != 0; rd_skip(&r, label))
		assert_in_range(label, 1, 63);
	rd_skip(&r, 4);
	assert_false(r.failed);
	size_t length = m->payload.len - rd_left(&r) - begin;
	memcpy(same, id.ptr, 2);
	memcpy(same + 2, m->payload.ptr + begin, length);
	remember_question(m, (struct span){ same, length + 2 });
	while (answers-- > 0) {
		assert_int_equal(rd_be16(&r), 0xc00c);
		rd_skip(&r, 2 + 2 + 4);
		rd_skip(&r, rd_be16(&r));
	}
	if (more) {
		assert_int_equal(rd_u8(&r), 0);
		assert_int_equal(rd_be16(&r), 41);
		rd_skip(&r, 2 + 4);
		rd_skip(&r, rd_be16(&r));
	}
	assert_end(&r);
}

/* DNSCrypt version 2: sections "Client queries over UDP" and "Server responses". */
static void check_dnscrypt(const struct message *m)
{
	struct reader r = on(m);
	struct memory *f = m->flow;

	if (m->dir == TO_RESPONDER) {
		struct span fixed = rd_take(&r, 8 + 32); /* magic of the server, key of the client */
		if (m->nth > 0)
			assert_memory_equal(fixed.ptr, f->question, fixed.len);
		memcpy(f->question, fixed.ptr, fixed.len);
		memcpy(f->id[0], rd_take(&r, 12).ptr, 12);
		assert_true(rd_left(&r) >= 256 + 16);
	} else {
		assert_memory_equal(rd_take(&r, 8).ptr, "r6fnvWj8", 8);
		if (f->messages[TO_RESPONDER])
			assert_memory_equal(rd_take(&r, 24).ptr, f->id[0], 12);
		else
			rd_skip(&r, 24);
	}
	assert_int_equal((rd_left(&r) - 16) % 64, 0);
}

/* Section 5.4 of the paper. */
static void check_wireguard(const struct message *m)
{
	struct reader r = on(m);
	unsigned type = rd_u8(&r);

	check_zeros(&r, 3);
	struct span index = rd_take(&r, 4);
	if (type == 1) {
		assert_int_equal(m->payload.len, 148);
		memcpy(m->flow->id[m->dir], index.ptr, 4);
	} else if (type == 2) {
		assert_int_equal(m->payload.len, 92);
		assert_int_equal(m->dir, TO_INITIATOR);
		memcpy(m->flow->id[m->dir], index.ptr, 4);
		assert_memory_equal(rd_take(&r, 4).ptr, m->flow->id[TO_RESPONDER], 4);
	} else {
		assert_int_equal(type, 4);
		if (m->from_start && m->flow->messages[!m->dir])
			assert_memory_equal(index.ptr, m->flow->id[!m->dir], 4);
		assert_int_equal(m->payload.len % 16, 0);
		assert_true(m->payload.len >= 32);
	}
}

/* RFC 8489 sections 5 and 14 */
static void check_stun(const struct message *m)
{
	struct reader r = on(m);

	assert_int_equal(rd_be16(&r), m->dir == TO_RESPONDER ? 0x0001 : 0x0101);
	assert_int_equal(rd_be16(&r), m->payload.len - 20);
	assert_int_equal(rd_be32(&r), 0x2112a442);
	remember_question(m, rd_take(&r, 12));
	while (rd_left(&r) > 0) {
		unsigned type = rd_be16(&r), length = rd_be16(&r);
		assert_true(type == 0x0006 || type == 0x802a || type == 0x0024 || type == 0x0020 ||
			    type == 0x0008);
		rd_skip(&r, (length + 3) / 4 * 4);
	}
	assert_end(&r);
}

/* One value of BEP 3's encoding; keys of a dictionary must be sorted. */
static void check_bencode(struct reader *r, int depth)
{
	unsigned first = rd_u8(r);

	assert_in_range(depth, 0, 4);
	if (first == 'd') {
		struct span last = { NULL, 0 };
		for (;;) {
			struct reader peek = *r;
			if (rd_u8(&peek) == 'e' || peek.failed)
				break;
			size_t length = 0;
			for (unsigned digit; (digit = rd_u8(r)) != ':' && !r->failed;)
				length = length * 10 + (digit - '0');
			struct span key = rd_take(r, length);
			assert_false(r->failed);
			size_t least = key.len < last.len ? key.len : last.len;
			assert_true(!last.ptr || memcmp(last.ptr, key.ptr, least) <= 0);
			last = key;
			check_bencode(r, depth + 1);
		}
		assert_int_equal(rd_u8(r), 'e');
		return;
	}
	assert_in_range(first, '0', '9');
	size_t length = first - '0';
	for (unsigned digit; (digit = rd_u8(r)) != ':' && !r->failed;)
		length = length * 10 + (digit - '0');
	rd_skip(r, length);
	assert_false(r->failed);
}

/* BEP 5 */
static void check_dht(const struct message *m)
{
	struct reader r = on(m);
	const uint8_t *end = m->payload.ptr + m->payload.len;

	check_bencode(&r, 0);
	assert_end(&r);
	assert_memory_equal(end - 7, m->dir == TO_RESPONDER ? "1:y1:qe" : "1:y1:re", 7);
	assert_memory_equal(end - 14, "1:t2:", 5);
	remember_question(m, (struct span){ end - 9, 2 });
}

/* BEP 29 */
static void check_utp(const struct message *m)
{
	struct reader r = on(m);
	unsigned first = rd_u8(&r), type = first >> 4;

	assert_int_equal(first & 15, 1);
	assert_true(type == 0 || type == 2 || type == 4);
	assert_int_equal(rd_u8(&r), 0);
	uint32_t id = rd_be16(&r);
	if (type == 4) {
		assert_int_equal(m->dir, TO_RESPONDER);
		assert_int_equal(m->nth, 0);
		m->flow->number[0] = id;
	} else if (m->from_start) {
		assert_int_equal(id, (uint16_t)(m->flow->number[0] + (m->dir == TO_RESPONDER)));
	}
	rd_skip(&r, 4 + 4 + 4 + 2 + 2);
	assert_false(r.failed);
	assert_int_equal(rd_left(&r) > 0, type == 0);
}

/* RFC 5246 section 6.2.1 and 7.4 */
static void check_tls(const struct message *m)
{
	struct reader r = on(m);
	unsigned type = rd_u8(&r), version = rd_be16(&r);
	struct reader record = reader_on(rd_take(&r, rd_be16(&r)));

	assert_end(&r);
	assert_true(type == 22 ? version == 0x0301 || version == 0x0303 : type == 23 && version == 0x0303);
	if (type == 23)
		return;
	assert_int_equal(m->nth, 0);
	unsigned message = rd_u8(&record);
	assert_int_equal(message, m->dir == TO_RESPONDER ? 1 : 2);
	assert_int_equal(rd_u8(&record), 0);
	check_rest(&record);
	rd_skip(&record, 2 + 32);
	rd_skip(&record, rd_u8(&record));
	if (message == 2) {
		rd_skip(&record, 3);
	} else {
		rd_skip(&record, rd_be16(&record));
		rd_skip(&record, rd_u8(&record));
		struct reader extensions = reader_on(rd_take(&record, rd_be16(&record)));
		assert_int_equal(rd_be16(&extensions), 0);
		struct reader names = reader_on(rd_take(&extensions, rd_be16(&extensions)));
		check_rest(&names);
		assert_int_equal(rd_u8(&names), 0);
		rd_skip(&names, rd_be16(&names));
		assert_end(&names);
		assert_end(&extensions);
	}
	assert_end(&record);
}

static void check_random(const struct message *m)
{
	assert_in_range(m->payload.len, 1, NULL_PAYLOAD_MAX);
}

static const struct {
	const char *name;
	void (*check)(const struct message *m);
} checks[] = {
	{ "random", check_random }, { "random-tcp", check_random },  { "rtp", check_rtp },
	{ "srtp", check_srtp },     { "dtls", check_dtls },          { "quic", check_quic },
	{ "dns", check_dns },       { "dnscrypt", check_dnscrypt },  { "wireguard", check_wireguard },
	{ "stun", check_stun },     { "bittorrent-dht", check_dht }, { "bittorrent-utp", check_utp },
	{ "tls", check_tls },
};
#define CHECKS (sizeof checks / sizeof checks[0])

static struct memory *flow_of(struct memory *flows, const struct endpoint *peer, bool local_sends, bool start)
{
	struct memory *f = flows;

	while (f->used && (f->peer.port != peer->port || !ip_equal(&f->peer.ip, &peer->ip)))
		f++;
	if (!f->used)
		*f = (struct memory){
			.used = true, .peer = *peer, .local_began = local_sends, .from_start = start
		};
	return f;
}

/* The flow of a generated packet; its address tells which of the generator's it is. */
static const struct null_flow *generated(const struct null_socket *s, const struct endpoint *peer)
{
	for (unsigned i = 0; i < s->flows; i++)
		if (s->flow[i].peer.port == peer->port && ip_equal(&s->flow[i].peer.ip, &peer->ip))
			return &s->flow[i];
	fail_msg("a packet of no flow");
	return NULL;
}

static void converse(size_t which, uint32_t number, struct rng *rng)
{
	const struct null_kind *kind = null_kind_named(checks[which].name);
	struct memory flows[NULL_PEERS_MAX + 1] = { 0 };
	uint8_t buffer[NULL_PAYLOAD_MAX];
	struct null_socket s;
	struct packet p;
	int64_t last = 1000;

	assert_non_null(kind);
	null_socket_start(&s, kind, number, last, rng);
	bool late[NULL_PEERS_MAX];
	for (unsigned i = 0; i < s.flows; i++)
		late[i] = s.flow[i].sent[0] > 0;
	while (null_socket_next(&s, rng, buffer, &p)) {
		uint32_t who;
		bool local_sends = null_socket_number(&packet_source(&p)->ip, &who);
		const struct endpoint *peer = local_sends ? packet_destination(&p) : packet_source(&p);
		assert_true(local_sends || null_socket_number(&packet_destination(&p)->ip, &who));
		assert_int_equal(who, number);
		assert_true(p.ts_ns >= last);
		last = p.ts_ns;
		const struct null_flow *f = generated(&s, peer);
		struct message m = { .payload = p.payload,
				     .dir = local_sends != f->peer_began ? TO_RESPONDER : TO_INITIATOR };
		m.flow = flow_of(flows, peer, local_sends, !late[f - s.flow]);
		m.from_start = m.flow->from_start;
		if (p.payload.len == 0) {
			assert_int_equal(kind->l4, IPPROTO_TCP);
			continue;
		}
		assert_in_range(p.payload.len, 1, NULL_PAYLOAD_MAX);
		m.nth = m.flow->messages[m.dir];
		checks[which].check(&m);
		m.flow->messages[m.dir]++;
	}
}

/* Every kind has a check, and passes it in many conversations. */
static void payload(void **state)
{
	struct rng rng = rng_seeded(11);

	(void)state;
	assert_int_equal(CHECKS, null_kind_count);
	for (size_t i = 0; i < CHECKS; i++)
		for (uint32_t n = 0; n < CONVERSATIONS; n++)
			converse(i, n, &rng);
}

/* Random payload has every length, small ones often; its bytes are even. */
static void random_payload(void **state)
{
	struct rng rng = rng_seeded(12);
	static unsigned length[NULL_PAYLOAD_MAX + 1], value[256];
	uint8_t buffer[NULL_PAYLOAD_MAX];
	struct null_socket s;
	struct packet p;
	unsigned datagrams = 0, small = 0, bytes = 0;

	(void)state;
	for (uint32_t n = 0; n < 3000; n++) {
		null_socket_start(&s, null_kind_named("random"), n, 0, &rng);
		for (; null_socket_next(&s, &rng, buffer, &p); datagrams++) {
			length[p.payload.len]++;
			small += p.payload.len <= 64;
			value[p.payload.ptr[p.payload.len - 1]]++;
			bytes++;
		}
	}
	assert_int_equal(length[0], 0);
	for (unsigned i = 1; i <= NULL_PAYLOAD_MAX; i++)
		assert_true(length[i] > 0);
	assert_in_range(small, datagrams * 45 / 100, datagrams * 60 / 100);
	for (unsigned i = 0; i < 256; i++)
		assert_in_range(value[i], bytes / 256 * 7 / 10, bytes / 256 * 13 / 10);
}

/* The same seed, the same packets; another seed, others. */
static void seeds(void **state)
{
	uint8_t a[NULL_PAYLOAD_MAX], b[NULL_PAYLOAD_MAX];
	struct null_socket s, t;
	struct packet p, q;

	(void)state;
	for (size_t i = 0; i < null_kind_count; i++) {
		struct rng x = rng_seeded(5), y = rng_seeded(5), z = rng_seeded(6);
		null_socket_start(&s, &null_kinds[i], 9, 77, &x);
		null_socket_start(&t, &null_kinds[i], 9, 77, &y);
		while (null_socket_next(&s, &x, a, &p)) {
			assert_true(null_socket_next(&t, &y, b, &q));
			assert_memory_equal(&p.key, &q.key, sizeof p.key);
			assert_true(p.ts_ns == q.ts_ns && p.payload.len == q.payload.len);
			assert_memory_equal(a, b, p.payload.len);
		}
		assert_false(null_socket_next(&t, &y, b, &q));
		null_socket_start(&t, &null_kinds[i], 9, 77, &z);
		assert_true(null_socket_next(&t, &z, b, &q));
		assert_memory_not_equal(&p.key, &q.key, sizeof p.key);
	}
}

/* What a kind belongs to is data. */
static void own(void **state)
{
	(void)state;
	assert_null(null_kind_named("skype"));
	assert_true(null_for(null_kind_named("random"), "bittorrent"));
	assert_true(null_for(null_kind_named("stun"), "skype"));
	assert_false(null_for(null_kind_named("stun"), "stun"));
	assert_false(null_for(null_kind_named("stun"), "rtp"));
	assert_false(null_for(null_kind_named("bittorrent-utp"), "bittorrent"));
	assert_true(null_for(null_kind_named("bittorrent-utp"), "bitt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload),
		cmocka_unit_test(random_payload),
		cmocka_unit_test(seeds),
		cmocka_unit_test(own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
