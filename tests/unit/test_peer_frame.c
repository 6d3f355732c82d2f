/* Frames of the reference peer: every field by hand, and checksums as RFC 1071 says it, byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/rng.h"
#include "peer/frame.h"
#include <string.h>

static const struct frame_head head = { .from_mac = { 2, 0, 10, 0, 0, 2 },
					.to_mac = { 2, 0, 0, 0, 0, 1 },
					.from = { 0x0a000002, 35990 },
					.to = { 0xc0000296, 57322 },
					.id = 0x1234,
					.ttl = 64 };

static unsigned at16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* The one's complement sum of 16-bit words, in the order of the network; right if it is 0xffff with the
 * checksum in place. */
static unsigned plain_sum(const uint8_t *bytes, size_t size, unsigned so_far)
{
	for (size_t i = 0; i < size; i++) {
		so_far += (unsigned)bytes[i] << (i % 2 ? 0 : 8);
		so_far = (so_far & 0xffff) + (so_far >> 16);
	}
	return so_far;
}

static void heads_are_right(const uint8_t *frame, size_t size, unsigned protocol)
{
	const uint8_t *ip = frame + 14;

	assert_memory_equal(frame, head.to_mac, 6);
	assert_memory_equal(frame + 6, head.from_mac, 6);
	assert_int_equal(at16(frame + 12), 0x0800);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(at16(ip + 2), size - 14);
	assert_int_equal(at16(ip + 4), 0x1234);
	assert_int_equal(at16(ip + 6), 0x4000);
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], protocol);
	assert_int_equal(plain_sum(ip, 20, 0), 0xffff);
	assert_memory_equal(ip + 12, ((const uint8_t[]){ 10, 0, 0, 2, 192, 0, 2, 150 }), 8);
	if (protocol == 1) {
		assert_int_equal(plain_sum(ip + 20, size - 34, 0), 0xffff);
	} else {
		assert_int_equal(at16(ip + 20), 35990);
		assert_int_equal(at16(ip + 22), 57322);
		assert_int_equal(plain_sum(ip + 20, size - 34,
					   plain_sum(ip + 12, 8, protocol + (unsigned)(size - 34))),
				 0xffff);
	}
}

static void udp_of_every_size(void **state)
{
	uint8_t frame[FRAME_MAX], payload[FRAME_UDP_MAX];
	struct rng rng = rng_seeded(1);

	(void)state;
	rng_fill(&rng, payload, sizeof payload);
	for (size_t n = 0; n <= sizeof payload; n++) {
		size_t size = frame_udp(frame, &head, payload, n);
		assert_int_equal(size, 42 + n);
		heads_are_right(frame, size, 17);
		assert_int_equal(at16(frame + 38), 8 + n);
		assert_memory_equal(frame + 42, payload, n);
	}
	assert_int_equal(frame_udp(frame, &head, NULL, 0), 42);
}

/* A sum that comes out as zero is sent as ffff; zero would say that there is no checksum (RFC 768). */
static void udp_checksum_is_never_zero(void **state)
{
	uint8_t frame[FRAME_MAX], payload[2] = { 0, 0 };

	(void)state;
	frame_udp(frame, &head, payload, 2);
	/* The checksum of this datagram as its payload: the sum is then ffff, and its complement zero. */
	memcpy(payload, frame + 40, 2);
	frame_udp(frame, &head, payload, 2);
	assert_int_equal(at16(frame + 40), 0xffff);
	heads_are_right(frame, 44, 17);
}

static void tcp_segments(void **state)
{
	uint8_t frame[FRAME_MAX], payload[FRAME_TCP_MAX];
	struct segment s = {
		.seq = 0x01020304, .ack = 0xfffefdfc, .flags = TCP_ACK | TCP_PSH, .payload = payload
	};
	struct rng rng = rng_seeded(2);

	(void)state;
	rng_fill(&rng, payload, sizeof payload);
	for (s.size = 0; s.size <= sizeof payload; s.size++) {
		size_t size = frame_tcp(frame, &head, &s);
		assert_int_equal(size, 54 + s.size);
		heads_are_right(frame, size, 6);
		assert_memory_equal(frame + 38,
				    ((const uint8_t[]){ 1, 2, 3, 4, 0xff, 0xfe, 0xfd, 0xfc, 0x50, 0x18 }),
				    10);
		assert_memory_equal(frame + 54, payload, s.size);
	}
	s = (struct segment){ .seq = 7, .flags = TCP_SYN };
	size_t size = frame_tcp(frame, &head, &s);
	assert_int_equal(size, 58);
	heads_are_right(frame, size, 6);
	assert_memory_equal(frame + 46, ((const uint8_t[]){ 0x60, 0x02 }), 2);
	assert_memory_equal(frame + 54, ((const uint8_t[]){ 2, 4, 0x05, 0xb4 }), 4); /* MSS 1460 */
}

static void icmp_messages(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct frame_head quoted = { .from = head.to, .to = head.from, .ttl = 50 };

	(void)state;
	size_t size = frame_echo(frame, &head, false, 0xabcd, 3);
	assert_int_equal(size, 14 + 20 + 64); /* what ping sends: 84 bytes of IP */
	heads_are_right(frame, size, 1);
	assert_memory_equal(frame + 34, ((const uint8_t[]){ 8, 0 }), 2);
	assert_memory_equal(frame + 38, ((const uint8_t[]){ 0xab, 0xcd, 0, 3 }), 4);
	size = frame_echo(frame, &head, true, 0xabcd, 3);
	heads_are_right(frame, size, 1);
	assert_int_equal(frame[34], 0);

	size = frame_unreachable(frame, &head, &quoted, 100);
	assert_int_equal(size, 14 + 20 + 8 + 28);
	heads_are_right(frame, size, 1);
	assert_memory_equal(frame + 34, ((const uint8_t[]){ 3, 3 }), 2);
	const uint8_t *ip = frame + 42;
	assert_int_equal(plain_sum(ip, 20, 0), 0xffff);
	assert_int_equal(at16(ip + 2), 128); /* the whole datagram's length, not that of the quote */
	assert_memory_equal(ip + 12, ((const uint8_t[]){ 192, 0, 2, 150, 10, 0, 0, 2 }), 8);
	assert_int_equal(at16(ip + 20), 57322);
	assert_int_equal(at16(ip + 22), 35990);
	assert_int_equal(at16(ip + 24), 108);
}

static void macs_are_locally_administered(void **state)
{
	uint8_t mac[FRAME_MAC];

	(void)state;
	frame_mac(0xc0000296, mac);
	assert_memory_equal(mac, ((const uint8_t[]){ 2, 0, 192, 0, 2, 150 }), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_of_every_size),
		cmocka_unit_test(udp_checksum_is_never_zero),
		cmocka_unit_test(tcp_segments),
		cmocka_unit_test(icmp_messages),
		cmocka_unit_test(macs_are_locally_administered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
