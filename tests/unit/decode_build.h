/* What the tests of decode/ share: packets built from the inside out, and what became of them. */
#ifndef FS_TESTS_DECODE_BUILD_H
#define FS_TESTS_DECODE_BUILD_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "decode/decode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet under construction: headers are put before what is there. */
struct bytes {
	uint8_t b[4096];
	size_t n;
};

static inline void prepend(struct bytes *p, const void *data, size_t n)
{
	assert_true(p->n + n <= sizeof p->b);
	memmove(p->b + n, p->b, p->n);
	memcpy(p->b, data, n);
	p->n += n;
}

static inline void be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline size_t hex_digit(char c)
{
	return (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/*
 * Prepends hex digits (blanks ignored). "@": 16-bit count of what follows; "$": the same less four; "<":
 * little-endian and two more (an NFLOG TLV's length); ">": that, big-endian; "*xx": xx zero bytes.
 */
static inline void prepend_hex(struct bytes *p, const char *hex)
{
	uint8_t out[256] = { 0 };
	struct {
		size_t at;
		char kind;
	} counts[4];
	size_t n = 0, count = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		if (strchr("@$<>", *hex)) {
			counts[count].at = n;
			counts[count++].kind = *hex;
			n += 2;
			continue;
		}
		bool zeros = *hex == '*';
		hex += zeros;
		size_t value = hex_digit(hex[0]) << 4 | hex_digit(hex[1]);
		hex++;
		if (zeros)
			n += value;
		else
			out[n++] = (uint8_t)value;
	}
	for (size_t i = 0; i < count; i++) {
		size_t rest = n - counts[i].at - 2 + p->n;
		char kind = counts[i].kind;
		be16(out + counts[i].at, kind == '@' ? rest : kind == '$' ? rest - 4 : rest + 2);
		if (kind == '<') {
			uint8_t high = out[counts[i].at];
			out[counts[i].at] = out[counts[i].at + 1];
			out[counts[i].at + 1] = high;
		}
	}
	prepend(p, out, n);
}

static inline void prepend_ipv4(struct bytes *p, const char *source, const char *destination, uint8_t protocol,
			 size_t id, size_t fragment)
{
	uint8_t h[20] = { 0x45, [8] = 64, [9] = protocol };
	struct ip ip;
	uint32_t sum = 0;
	be16(h + 2, 20 + p->n);
	be16(h + 4, id);
	be16(h + 6, fragment);
	assert_true(ip_parse(source, &ip));
	memcpy(h + 12, ip.b + 12, 4);
	assert_true(ip_parse(destination, &ip));
	memcpy(h + 16, ip.b + 12, 4);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(h[i] << 8 | h[i + 1]);
	be16(h + 10, ~(sum % 0xffff) & 0xffff);
	prepend(p, h, 20);
}

static inline void prepend_ipv6(struct bytes *p, const char *source, const char *destination, uint8_t next)
{
	uint8_t h[40] = { 0x60, [6] = next, [7] = 64 };
	struct ip ip;
	be16(h + 4, p->n);
	assert_true(ip_parse(source, &ip));
	memcpy(h + 8, ip.b, 16);
	assert_true(ip_parse(destination, &ip));
	memcpy(h + 24, ip.b, 16);
	prepend(p, h, 40);
}

static inline void prepend_udp(struct bytes *p, size_t source, size_t destination)
{
	uint8_t h[8] = { 0 };
	be16(h, source);
	be16(h + 2, destination);
	be16(h + 4, 8 + p->n);
	prepend(p, h, 8);
}

#define MACS    "020000000002 020000000001 "
#define ETHER   MACS "0800 "
#define ETHER6  MACS "86dd "
#define PAYLOAD 29

static inline struct bytes payload_of(size_t n)
{
	struct bytes p = { .n = n };
	for (size_t i = 0; i < n; i++)
		p.b[i] = (uint8_t)(i * 7 + 3);
	return p;
}

/* The question of the conformance captures: 10.0.0.1:40000 -> 203.0.113.5:53, 29 bytes. */
static inline struct bytes question(bool v6)
{
	struct bytes p = payload_of(PAYLOAD);
	prepend_udp(&p, 40000, 53);
	if (v6)
		prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 17);
	else
		prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 17, 1, 0);
	return p;
}

/* One decoder whose account must add up to the frames it was shown. */
struct fixture {
	struct decoder *d;
	uint64_t frames;
	int64_t now_ns;
	struct packet p;
};

static inline struct fixture fixture_new(bool tunnels, uint32_t max_fragments)
{
	struct decode_options options = { tunnels, max_fragments };
	struct error err;
	struct fixture f = { .d = decoder_new(&options, &err), .now_ns = INT64_C(1177200000000000000) };
	assert_non_null(f.d);
	return f;
}

static inline uint64_t count_of(const struct fixture *f, enum decode_reason reason)
{
	return decoder_account(f->d)[reason];
}

static inline struct decode_extras extras_of(const struct fixture *f)
{
	struct decode_extras x;
	decoder_extras(f->d, &x);
	return x;
}

static inline void fixture_free(struct fixture *f)
{
	uint64_t sum = 0;
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum += decoder_account(f->d)[i];
	assert_int_equal(sum, f->frames);
	decoder_free(f->d);
}

/* From a heap block of exactly that size, so that the sanitizer sees a read behind it. */
static inline enum decode_reason show(struct fixture *f, int linktype, const uint8_t *bytes, size_t n, size_t wire)
{
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, bytes, n);
	struct frame frame = { f->now_ns, { n ? copy : NULL, n }, (uint32_t)wire, linktype, 0 };
	memset(&f->p, 0xa5, sizeof f->p); /* what the decoder forgets to set is seen */
	enum decode_reason reason = decode_frame(f->d, &frame, ++f->frames, &f->p);
	if (reason == REASON_used) {
		assert_int_equal(f->p.number, f->frames);
		assert_int_equal(f->p.ts_ns, f->now_ns);
		assert_true(f->p.payload.len <= f->p.payload_wire && f->p.l3.len <= f->p.l3_wire);
		assert_true(f->p.payload.len <= f->p.l3.len && f->p.l3.len <= n);
		assert_true(memcmp(&f->p.key.low.ip, &f->p.key.high.ip, 16) <= 0);
		/* Borrowed bytes lie inside the frame: the payload inside the IP packet, that inside the
		 * block. */
		assert_true(n == 0 || (f->p.l3.ptr >= copy && f->p.l3.ptr + f->p.l3.len <= copy + n));
		assert_true(f->p.payload.ptr >= f->p.l3.ptr);
		assert_true(f->p.payload.ptr + f->p.payload.len <= f->p.l3.ptr + f->p.l3.len);
	}
	free(copy);
	return reason;
}

static inline enum decode_reason show_whole(struct fixture *f, int linktype, const struct bytes *p)
{
	return show(f, linktype, p->b, p->n, p->n);
}

static inline void expect_flow(const struct packet *p, const char *source, unsigned source_port,
			const char *destination, unsigned destination_port, unsigned l4)
{
	struct ip from, to;
	assert_true(ip_parse(source, &from) && ip_parse(destination, &to));
	assert_memory_equal(&packet_source(p)->ip, &from, 16);
	assert_memory_equal(&packet_destination(p)->ip, &to, 16);
	assert_int_equal(packet_source(p)->port, source_port);
	assert_int_equal(packet_destination(p)->port, destination_port);
	assert_int_equal(p->key.l4, l4);
}

static inline void expect_question(const struct packet *p, bool v6)
{
	if (v6)
		expect_flow(p, "2001:db8::1", 40000, "2001:db8::5", 53, 17);
	else
		expect_flow(p, "10.0.0.1", 40000, "203.0.113.5", 53, 17);
	assert_int_equal(p->payload_wire, PAYLOAD);
	assert_int_equal(p->l3_wire, (v6 ? 48 : 28) + PAYLOAD);
	assert_false(p->later_fragment || p->has_quote);
	assert_int_equal(p->early_fragments, 0);
}

#define WLAN_ADDRESSES "0000 020000000002 020000000001 020000000003 0000 "
#define SNAP           "aaaa03 000000 0800 "

static inline uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}
#endif
