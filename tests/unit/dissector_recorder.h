/*
 * For tests of dissectors: plays payload to one, and records what it reports. It stands in for identify/, so
 * that a test sees observations and not verdicts. Every payload is shown in a heap block of exactly its size.
 */
#ifndef FS_TESTS_DISSECTOR_RECORDER_H
#define FS_TESTS_DISSECTOR_RECORDER_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "identify/dissector.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDED_MAX 256U
#define STREAM_MAX   2048U /* as much of each TCP direction as the flow table keeps */

struct recorded {
	unsigned kind;
	uint32_t value;
	enum direction dir;
};

static struct {
	struct recorded seen[RECORDED_MAX];
	unsigned seen_count;
	struct event events[RECORDED_MAX];
	enum direction event_dir[RECORDED_MAX];
	unsigned event_count;
	const char *label;
	enum flow_role role;
} rec;

void observe(const struct look *l, unsigned kind, uint32_t value)
{
	assert_in_range(rec.seen_count, 0, RECORDED_MAX - 1);
	rec.seen[rec.seen_count++] = (struct recorded){ kind, value, l->dir };
}

void label_flow(const struct look *l, const char *label)
{
	(void)l;
	rec.label = label;
}

void note_role(const struct look *l, enum flow_role role)
{
	(void)l;
	rec.role = role;
}

void report_event(const struct look *l, const struct event *event)
{
	assert_in_range(rec.event_count, 0, RECORDED_MAX - 1);
	rec.event_dir[rec.event_count] = l->dir;
	rec.events[rec.event_count++] = *event;
}

/* One flow of one dissector. */
struct play {
	const struct dissector *dissector;
	struct endpoint initiator, responder;
	_Alignas(16) unsigned char state[1024];
	uint8_t stream[2][STREAM_MAX];
	size_t stream_len[2];
	uint32_t looks;
	bool late; /* TCP: the start was not captured */
	bool expected;
};

static struct endpoint at(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };
	assert_true(ip_parse(ip, &e.ip));
	return e;
}

static void play_start(struct play *p, const struct dissector *d, struct endpoint initiator,
		       struct endpoint responder)
{
	assert_in_range(d->state_size, 0, sizeof p->state);
	*p = (struct play){ .dissector = d, .initiator = initiator, .responder = responder };
	memset(&rec, 0, sizeof rec);
}

static enum match play_look(struct play *p, enum direction dir, double seconds, const uint8_t *bytes,
			    size_t len, size_t fresh, size_t wire)
{
	struct packet packet = { .ts_ns = (int64_t)(seconds * 1e9), .number = p->looks + 1U };
	uint8_t *exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, bytes, len);
	struct look l = {
		.packet = &packet,
		.from = dir == TO_RESPONDER ? &p->initiator : &p->responder,
		.to = dir == TO_RESPONDER ? &p->responder : &p->initiator,
		.dir = dir,
		.data = { exact, len },
		.fresh = fresh,
		.wire = (uint32_t)wire,
		.from_start = !p->late,
		.expected = p->expected,
		.nth = p->looks++,
		.state = p->state,
	};
	enum match match = p->dissector->look(&l);
	free(exact);
	return match;
}

/* A datagram, of which only `captured` bytes are there. */
static enum match play_cut(struct play *p, enum direction dir, double seconds, const void *bytes,
			   size_t captured, size_t wire)
{
	return play_look(p, dir, seconds, bytes, captured, captured, wire);
}

static inline enum match play_datagram(struct play *p, enum direction dir, double seconds, const void *bytes,
				       size_t len)
{
	return play_cut(p, dir, seconds, bytes, len, len);
}

/* New bytes of a TCP direction. */
static inline enum match play_segment(struct play *p, enum direction dir, const void *bytes, size_t len)
{
	size_t room = STREAM_MAX - p->stream_len[dir];
	size_t fresh = len < room ? len : room;
	if (fresh == 0)
		return MATCH_MAYBE;
	memcpy(p->stream[dir] + p->stream_len[dir], bytes, fresh);
	p->stream_len[dir] += fresh;
	return play_look(p, dir, 0.0, p->stream[dir], p->stream_len[dir], fresh, 0);
}

static inline unsigned times_seen(unsigned kind)
{
	unsigned n = 0;
	for (unsigned i = 0; i < rec.seen_count; i++)
		n += rec.seen[i].kind == kind;
	return n;
}

/* The value of the last observation of this kind; fails if there is none. */
static inline uint32_t last_value(unsigned kind)
{
	for (unsigned i = rec.seen_count; i-- > 0;)
		if (rec.seen[i].kind == kind)
			return rec.seen[i].value;
	fail_msg("no observation of kind %u", kind);
	return 0;
}

/* xorshift64: the same "random" bytes everywhere. */
static inline uint8_t random_byte(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint8_t)(*seed >> 32);
}

static inline void random_bytes(uint64_t *seed, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = random_byte(seed);
}

/* Opens a real capture; NULL: not there, the test should skip. Tests run in the build folder. */
static inline FILE *open_trace(const char *name)
{
	const char *folder = getenv("FOOTSTEPS_TRACES"), *source = getenv("srcdir");
	char path[512];
	if (folder)
		snprintf(path, sizeof path, "%s/%s", folder, name);
	else
		snprintf(path, sizeof path, "%s/../shared/traces/%s", source ? source : ".", name);
	return fopen(path, "rb");
}

/* One Ethernet frame of a little-endian microsecond pcap, down to its transport payload. Enough for
 * SkypeIRC.pcap. */
struct tiny_packet {
	double seconds;
	uint8_t l4;
	struct endpoint from, to;
	uint32_t seq;
	bool syn;
	struct span payload; /* in frame */
	uint8_t frame[2048];
};

static inline bool tiny_next(FILE *f, struct tiny_packet *p)
{
	uint8_t record[16];
	while (fread(record, sizeof record, 1, f) == 1) {
		struct reader h = reader_on((struct span){ record, sizeof record });
		p->seconds = rd_le32(&h);
		p->seconds += rd_le32(&h) / 1e6;
		size_t captured = rd_le32(&h);
		assert_in_range(captured, 0, sizeof p->frame);
		if (captured && fread(p->frame, captured, 1, f) != 1)
			return false;
		struct reader r = reader_on((struct span){ p->frame, captured });
		rd_skip(&r, 12);
		if (rd_be16(&r) != 0x0800)
			continue;
		size_t ihl = (rd_u8(&r) & 15U) * 4U;
		rd_skip(&r, 1);
		size_t total = rd_be16(&r);
		rd_skip(&r, 5);
		p->l4 = rd_u8(&r);
		rd_skip(&r, 2);
		p->from.ip = ip_from_v4(rd_take(&r, 4).ptr);
		p->to.ip = ip_from_v4(rd_take(&r, 4).ptr);
		rd_skip(&r, ihl - 20);
		struct reader t = reader_on(rd_take(&r, total - ihl));
		p->from.port = rd_be16(&t);
		p->to.port = rd_be16(&t);
		if (p->l4 == IPPROTO_TCP) {
			p->seq = rd_be32(&t);
			rd_skip(&t, 4);
			size_t offset = (rd_u8(&t) >> 4) * 4U;
			p->syn = rd_u8(&t) & TCP_SYN;
			rd_skip(&t, offset - 14);
		} else {
			rd_skip(&t, 4);
		}
		p->payload = rd_rest(&t);
		if (!t.failed && (p->l4 == IPPROTO_TCP || p->l4 == IPPROTO_UDP))
			return true;
	}
	return false;
}
#endif
