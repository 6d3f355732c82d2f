/* capture/: the formats of captures, sound and damaged. Expectations come from the formats' specifications.
 */
#include "capture_build.h"
#include "base/progress.h"
#include <fcntl.h>
#include <pcap/pcap.h>

/* The five magics of pcap, written by machines of either byte order. */
static void pcap_variants(void **state)
{
	static const struct {
		uint32_t magic;
		bool big_endian;
		int64_t fraction_ns; /* what 123456 units are */
	} variants[] = {
		{ 0xa1b2c3d4, false, 123456000 }, { 0xa1b2c3d4, true, 123456000 },
		{ 0xa1b23c4d, false, 123456 },    { 0xa1b23c4d, true, 123456 },
		{ 0xa1b2cd34, false, 123456000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
		struct bytes b = { .big_endian = variants[i].big_endian };

		put_pcap_header(&b, variants[i].magic, 96, 113);
		for (unsigned k = 0; k < 2; k++) {
			put_pcap_record(&b, 1156534264 + k, 123456, 3, 1500);
			put_zeros(&b, variants[i].magic == 0xa1b2cd34 ? 8 : 0);
			put(&b, k ? "xyz" : "abc", 3);
		}
		struct reading r = read_bytes(&b);

		assert_true(r.opened);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.frames[0].ts_ns, S(1156534264) + variants[i].fraction_ns);
		assert_int_equal(r.frames[1].ts_ns, S(1156534265) + variants[i].fraction_ns);
		assert_int_equal(r.frames[0].bytes.len, 3);
		assert_int_equal(r.frames[0].wire_len, 1500);
		assert_memory_equal(r.first_bytes[1], "xyz", 3);
		assert_string_equal(r.info.format, "pcap");
		assert_string_equal(r.info.container, "");
		assert_int_equal(r.info.end, INPUT_COMPLETE);
		assert_int_equal(r.info.linktype, 113);
		assert_int_equal(r.info.snaplen, 96);
		assert_int_equal(r.info.frames, 2);
		assert_int_equal(r.info.bytes, b.len);
		assert_int_equal(r.info.first_ns, r.frames[0].ts_ns);
		assert_int_equal(r.info.last_ns, r.frames[1].ts_ns);
		bytes_free(&b);
	}
}

/* The upper bits of the link type speak of frame check sequences; a wire length below the captured one is
 * raised. */
static void pcap_odd_fields(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 0, 0x24000001);
	put_pcap_record(&b, 0x80000000, 999999, 4, 2);
	put(&b, "abcd", 4);
	struct reading r = read_bytes(&b);

	assert_int_equal(r.count, 1);
	assert_int_equal(r.frames[0].linktype, 1);
	assert_int_equal(r.frames[0].wire_len, 4);
	assert_int_equal(r.frames[0].ts_ns, S(2147483648) + 999999000);
	bytes_free(&b);
}

/* Before version 2.3 the original length came first. */
static void pcap_old_version_swaps_lengths(void **state)
{
	struct bytes b = { 0 };

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 96, 1);
	b.at[6] = 2;
	put_pcap_record(&b, 1, 0, 1500, 3);
	put(&b, "abc", 3);
	struct reading r = read_bytes(&b);

	assert_int_equal(r.count, 1);
	assert_int_equal(r.frames[0].bytes.len, 3);
	assert_int_equal(r.frames[0].wire_len, 1500);
	bytes_free(&b);
}

static void pcap_damage(void **state)
{
	struct bytes b = pcap_series(100, 1, 3);
	size_t whole = b.len;

	(void)state;
	put_pcap_record(&b, 103, 0, 0x7fffffff, 60);
	put_zeros(&b, 100);
	struct reading r = read_bytes(&b);

	assert_int_equal(r.count, 3);
	assert_int_equal(r.info.end, INPUT_DAMAGED);
	assert_non_null(strstr(r.info.problem, "byte 84"));
	assert_non_null(strstr(r.info.problem, "2147483647"));
	assert_int_equal(r.info.bytes, b.len);
	assert_int_equal(strlen(r.info.sha256), sha256_available() ? 64 : 0);

	b.len = whole;
	put_zeros(&b, 4096);
	r = read_bytes(&b);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.info.end, INPUT_DAMAGED);
	assert_non_null(strstr(r.info.problem, "byte 84: a packet header of zeros"));

	b.len = whole;
	put_pcap_header(&b, 0xa1b2c3d4, 65535, 1);
	r = read_bytes(&b);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.info.end, INPUT_DAMAGED);
	assert_non_null(strstr(r.info.problem, "byte 84: another capture begins here"));

	/* 24 + 3 * 20 = 84: the record that lacks its last byte begins at 64. */
	assert_int_equal(whole, 84);
	b.len = whole - 1;
	r = read_bytes(&b);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.info.end, INPUT_CUT);
	assert_non_null(strstr(r.info.problem, "byte 64"));

	b.len = 24;
	r = read_bytes(&b);
	assert_true(r.opened);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	bytes_free(&b);
}

/* One block of pcapng: returns where its length stands, for block_end(). */
static size_t block_begin(struct bytes *b, uint32_t type)
{
	put32(b, type);
	put32(b, 0);
	return b->len - 4;
}

static void block_end(struct bytes *b, size_t length_at)
{
	put_zeros(b, (4 - b->len % 4) % 4);
	struct bytes length = { .big_endian = b->big_endian };

	put32(&length, (uint32_t)(b->len + 4 - (length_at - 4)));
	memcpy(b->at + length_at, length.at, 4);
	put(b, length.at, 4);
	bytes_free(&length);
}

static void put_section(struct bytes *b, bool big_endian)
{
	b->big_endian = big_endian;
	size_t at = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put_int(b, UINT64_MAX, 8);
	block_end(b, at);
}

/* tsresol < 0: no option. */
static void put_interface(struct bytes *b, unsigned linktype, uint32_t snaplen, int tsresol, int64_t tsoffset)
{
	size_t at = block_begin(b, 1);

	put16(b, linktype);
	put16(b, 0);
	put32(b, snaplen);
	if (tsresol >= 0) {
		put16(b, 9);
		put16(b, 1);
		put_int(b, (uint64_t)tsresol, 1);
		put_zeros(b, 3);
	}
	if (tsoffset) {
		put16(b, 14);
		put16(b, 8);
		put_int(b, (uint64_t)tsoffset, 8);
	}
	put32(b, 0);
	block_end(b, at);
}

static void put_enhanced(struct bytes *b, uint32_t interface, uint64_t units, uint32_t captured,
			 uint32_t wire)
{
	size_t at = block_begin(b, 6);

	put32(b, interface);
	put32(b, (uint32_t)(units >> 32));
	put32(b, (uint32_t)units);
	put32(b, captured);
	put32(b, wire);
	put(b, "abcdefgh", captured);
	block_end(b, at);
}

static void put_statistics(struct bytes *b, uint32_t interface, uint64_t ifdrop, uint64_t osdrop)
{
	size_t at = block_begin(b, 5);

	put32(b, interface);
	put_zeros(b, 8);
	put16(b, 5);
	put16(b, 8);
	put_int(b, ifdrop, 8);
	put16(b, 7);
	put16(b, 8);
	put_int(b, osdrop, 8);
	put32(b, 0);
	block_end(b, at);
}

/* Two sections of different byte order; clocks of 10^-6, 10^-9, 2^-10 and 10^-3 s, one with an offset. */
static struct bytes pcapng_of_everything(void)
{
	struct bytes b = { 0 };
	size_t at;

	put_section(&b, false);
	put_interface(&b, 1, 5, -1, 0);
	put_interface(&b, 276, 0, 9, 0);
	put_enhanced(&b, 0, 1000000000000001, 3, 70);
	put_enhanced(&b, 1, 1000000001000000002, 5, 5);
	at = block_begin(&b, 3);
	put32(&b, 900);
	put(&b, "simpl", 5);
	block_end(&b, at);
	at = block_begin(&b, 2);
	put16(&b, 1);
	put16(&b, 7);
	put32(&b, (uint32_t)(1000000002000000003 >> 32));
	put32(&b, (uint32_t)1000000002000000003);
	put32(&b, 2);
	put32(&b, 2);
	put(&b, "pb", 2);
	block_end(&b, at);
	put_statistics(&b, 0, 3, 1);
	put_statistics(&b, 0, 5, 2);
	at = block_begin(&b, 0x80000bad);
	put_zeros(&b, 300000);
	block_end(&b, at);
	put_section(&b, true);
	put_interface(&b, 101, 0, 0x80 | 10, 0);
	put_interface(&b, 1, 0, 3, 1000000000);
	put_enhanced(&b, 0, (UINT64_C(1000000004) << 10) + 512, 1, 1);
	put_enhanced(&b, 1, 5250, 1, 1);
	put_statistics(&b, 1, 10, 0);
	return b;
}

static void pcapng_blocks(void **state)
{
	static const struct {
		int64_t ts_ns;
		size_t captured;
		uint32_t wire;
		int linktype;
	} expected[] = {
		{ S(1000000000) + 1000, 3, 70, 1 },     { S(1000000001) + 2, 5, 5, 276 },
		{ S(1000000001) + 2, 5, 900, 1 }, /* simple: cut to the first interface's snaplen; no time of
						     its own */
		{ S(1000000002) + 3, 2, 2, 276 },       { S(1000000004) + 500000000, 1, 1, 101 },
		{ S(1000000005) + 250000000, 1, 1, 1 },
	};
	struct bytes b = pcapng_of_everything();
	struct reading r = read_bytes(&b);

	(void)state;
	assert_string_equal(r.info.problem, "");
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_int_equal(r.count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(r.frames[i].ts_ns, expected[i].ts_ns);
		assert_int_equal(r.frames[i].bytes.len, expected[i].captured);
		assert_int_equal(r.frames[i].wire_len, expected[i].wire);
		assert_int_equal(r.frames[i].linktype, expected[i].linktype);
	}
	assert_memory_equal(r.first_bytes[2], "simpl", 5);
	assert_string_equal(r.info.format, "pcapng");
	assert_int_equal(r.info.linktype, LINKTYPE_SEVERAL);
	/* Counters of one interface grow from block to block; those of two interfaces add up: 5 + 2 + 10. */
	assert_int_equal(r.info.dropped, 17);
	assert_int_equal(r.info.untimed, 1);

	b.len = 0;
	put_section(&b, false);
	put_interface(&b, 1, 0, -1, 0);
	put_enhanced(&b, 0, UINT64_C(3000000000000000), 1, 1); /* the year 2065 */
	r = read_bytes(&b);
	assert_int_equal(r.frames[0].ts_ns, FRAME_TIME_MAX);
	assert_int_equal(r.info.untimed, 1);
	assert_int_equal(r.info.linktype, 1);
	bytes_free(&b);
}

static void pcapng_damage(void **state)
{
	struct bytes b = { 0 };
	struct reading r;

	(void)state;
	put_section(&b, false);
	put_interface(&b, 1, 0, -1, 0);
	put_enhanced(&b, 0, 1, 4, 4);
	size_t sound = b.len;

	put_enhanced(&b, 9, 1, 4, 4);
	r = read_bytes(&b);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.info.end, INPUT_DAMAGED);
	assert_non_null(strstr(r.info.problem, "interface 9"));

	b.len = sound;
	put_statistics(&b, 7, 3,
		       1); /* of nobody's interface: that is no reason to lose the packets behind it */
	put_enhanced(&b, 0, 2, 4, 4);
	r = read_bytes(&b);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_int_equal(r.info.dropped, 0);

	b.len = sound;
	put_enhanced(&b, 0, 1, 4, 4);
	b.at[b.len - 4] ^= 4; /* the length behind the block */
	r = read_bytes(&b);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.info.end, INPUT_DAMAGED);

	b.len = sound;
	put_enhanced(&b, 0, 1, 4, 4);
	b.at[sound + 20] = 5; /* five captured bytes where four are */
	r = read_bytes(&b);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.info.end, INPUT_DAMAGED);

	b.len = sound;
	put32(&b, 77);
	put32(&b, 1000);
	put_zeros(&b, 200);
	r = read_bytes(&b);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.info.end, INPUT_CUT);
	bytes_free(&b);
}

/* RFC 1761. */
static struct bytes snoop_file(void)
{
	struct bytes b = { .big_endian = true };

	put(&b, "snoop\0\0\0", 8);
	put32(&b, 2);
	put32(&b, 4);
	for (uint32_t i = 0; i < 3; i++) {
		put32(&b, 1500);
		put32(&b, 5);
		put32(&b, 32);
		put32(&b, 2 * i);
		put32(&b, 1000 + i);
		put32(&b, 250000);
		put(&b, "snoop", 5);
		put_zeros(&b, 3);
	}
	return b;
}

static void snoop_records(void **state)
{
	struct bytes b = snoop_file();
	struct reading r = read_bytes(&b);

	(void)state;
	assert_string_equal(r.info.format, "snoop");
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[2].ts_ns, S(1002) + 250000000);
	assert_int_equal(r.frames[2].bytes.len, 5);
	assert_int_equal(r.frames[2].wire_len, 1500);
	assert_int_equal(r.frames[2].linktype, 1);
	assert_memory_equal(r.first_bytes[2], "snoop", 5);
	assert_int_equal(r.info.dropped, 4);
	bytes_free(&b);
}

static void put_erf(struct bytes *b, uint32_t seconds, uint8_t type, unsigned length, unsigned lost,
		    unsigned wire)
{
	b->big_endian = false;
	put32(b, 0x80000000); /* half a second */
	put32(b, seconds);
	put_int(b, type, 1);
	put_int(b, 4, 1);
	b->big_endian = true;
	put16(b, length);
	put16(b, lost);
	put16(b, wire);
}

/* Ethernet plain and with two extension headers, a record of metadata, one of a type that is not looked into.
 */
static struct bytes erf_file(void)
{
	struct bytes b = { 0 };

	put_erf(&b, 1156534264, 2, 24, 3, 60);
	put(&b, "\0\0abcdef", 8);
	put_erf(&b, 1156534265, 0x82, 40, 0, 4);
	put(&b, "\x83.......\x04.......", 16);
	put(&b, "\0\0ghij\0\0", 8);
	put_erf(&b, 0, 27, 24, 0, 8);
	put_zeros(&b, 8);
	put_erf(&b, 1156534266, 21, 24, 0, 8);
	put(&b, "infiniba", 8);
	return b;
}

static void erf_records(void **state)
{
	struct bytes b = erf_file();
	struct reading r = read_bytes(&b);

	(void)state;
	assert_true(r.opened);
	assert_string_equal(r.info.format, "erf");
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[0].ts_ns, S(1156534264) + 500000000);
	assert_int_equal(r.frames[0].linktype, 1);
	assert_int_equal(r.frames[0].bytes.len, 6);
	assert_int_equal(r.frames[0].wire_len, 60);
	assert_memory_equal(r.first_bytes[0], "abcdef", 6);
	/* Padding behind the wire length is none of the frame. */
	assert_int_equal(r.frames[1].bytes.len, 4);
	assert_memory_equal(r.first_bytes[1], "ghij", 4);
	assert_int_equal(r.frames[2].linktype, 197);
	assert_int_equal(r.frames[2].bytes.len, 24);
	assert_int_equal(r.info.dropped, 3);
	bytes_free(&b);
}

/* INT64_MAX / 4 ns = 2305843009.213693951 s: what is beyond, or before the same time in 1896, is held there.
 */
static void absurd_times(void **state)
{
	const int64_t limit = INT64_C(2305843009213693951);
	struct bytes b = { 0 };

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 0, 1);
	put_pcap_record(&b, 2305843009, 213693, 0, 0);
	put_pcap_record(&b, 2305843009, 213694, 0, 0);
	put_pcap_record(&b, 0xffffffff, 0xffffffff, 0, 0);
	struct reading r = read_bytes(&b);

	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[0].ts_ns, limit - 951);
	assert_int_equal(r.frames[1].ts_ns, limit);
	assert_int_equal(r.frames[2].ts_ns, limit);
	assert_int_equal(r.info.last_ns, limit);

	/* Each interface counts in another unit: 10^-6 s, 1 s, 2^-10 s, and 1 s from an offset on. */
	b.len = 0;
	put_section(&b, false);
	put_interface(&b, 1, 0, -1, 0);
	put_interface(&b, 1, 0, 0, 0);
	put_interface(&b, 1, 0, 0x80 | 10, 0);
	put_interface(&b, 1, 0, 0, INT64_MIN);
	put_interface(&b, 1, 0, 0, -2305843010);
	put_interface(&b, 1, 0, 0, INT64_MAX);
	for (uint32_t i = 0; i < 3; i++)
		put_enhanced(&b, i, UINT64_MAX, 1, 1);
	put_enhanced(&b, 3, 5, 1, 1);
	put_enhanced(&b, 4, 0, 1, 1);
	put_enhanced(&b, 4, 1, 1, 1);
	put_enhanced(&b, 5, 1, 1, 1);
	put_enhanced(&b, 1, 2305843009, 1, 1);
	r = read_bytes(&b);
	assert_int_equal(r.count, 8);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(r.frames[i].ts_ns, limit);
	assert_int_equal(r.frames[3].ts_ns, -limit);
	assert_int_equal(r.frames[4].ts_ns, -limit);
	assert_int_equal(r.frames[5].ts_ns, S(-2305843009));
	assert_int_equal(r.frames[6].ts_ns, limit);
	assert_int_equal(r.frames[7].ts_ns, S(2305843009));
	assert_int_equal(r.info.first_ns, -limit);

	b.len = 0;
	for (uint32_t i = 0; i < 3; i++) {
		put_erf(&b, 0xfffffff0, 2, 24, 0, 4);
		put(&b, "\0\0abcdef", 8);
	}
	r = read_bytes(&b);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.frames[2].ts_ns, limit);
	bytes_free(&b);
}

/* A file cut at any byte: what came before is delivered, and the end is named rightly or the file refused. */
static void cut_everywhere(void **state)
{
	struct bytes files[] = { pcap_series(100, 1, 3), pcapng_of_everything(), snoop_file(), erf_file() };

	(void)state;
	for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
		size_t whole = files[k].len, last = 0;

		for (size_t cut = 1; cut<whole; cut += cut> 600 && cut + 600 < whole ? 997 : 1) {
			files[k].len = cut;
			struct reading r = read_bytes(&files[k]);

			if (!r.opened) {
				assert_int_equal(r.err.status, EXIT_INPUT);
				continue;
			}
			assert_true(r.count >= last && r.count <= 6);
			last = r.count;
			assert_true(r.info.end == INPUT_COMPLETE || r.info.end == INPUT_CUT);
			assert_int_equal(r.info.end == INPUT_CUT, r.info.problem[0] != '\0');
		}
		bytes_free(&files[k]);
	}
}

/* Flipped bytes: any answer will do, as long as there is one. */
static void damaged_everywhere(void **state)
{
	struct bytes files[] = { pcap_series(100, 1, 5), pcapng_of_everything(), snoop_file(), erf_file() };
	uint32_t random = 1;

	(void)state;
	for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
		/* The middle of pcapng_of_everything() is one dull block. */
		size_t len = files[k].len < 800 ? files[k].len : 800;

		for (unsigned round = 0; round < 2000; round++) {
			random = random * 1664525 + 1013904223;
			size_t at = (random >> 8) % len;
			uint8_t before = files[k].at[at];

			files[k].at[at] = (uint8_t)(random >> 24);
			struct reading r = read_bytes(&files[k]);

			assert_true(!r.opened || r.info.end == INPUT_COMPLETE || r.info.end == INPUT_CUT ||
				    r.info.end == INPUT_DAMAGED);
			/* Half of the damage stays, so that it adds up. */
			if (random & 0x800000)
				files[k].at[at] = before;
		}
		bytes_free(&files[k]);
	}
}

/* Names are those of libpcap. Below 104, LINKTYPE_ and DLT_ values may differ (RAW: 101 in files, 12 in
 * memory). */
static void linktype_names(void **state)
{
	(void)state;
	assert_string_equal(linktype_name(1), "EN10MB");
	assert_string_equal(linktype_name(101), "RAW");
	assert_string_equal(linktype_name(276), "LINUX_SLL2");
	assert_string_equal(linktype_name(LINKTYPE_SEVERAL), "several");
	assert_null(linktype_name(-1));
	assert_null(linktype_name(65535));
	for (int i = 104; i < 300; i++)
		if (linktype_name(i) && pcap_datalink_val_to_name(i))
			assert_string_equal(linktype_name(i), pcap_datalink_val_to_name(i));
	/* From here on the registry's values are libpcap's own; to the last one that Debian's libpcap 1.10.3
	 * names. */
	for (int i = 104; i <= 289; i++)
		if (pcap_datalink_val_to_name(i))
			assert_non_null(linktype_name(i));
}

/* FIPS 180-4's examples: "abc" and the empty message. */
static void sha256_vectors(void **state)
{
	char text[SHA256_TEXT];

	(void)state;
	sha256_update(NULL, (struct span){ (const uint8_t *)"x", 1 });
	sha256_free(NULL);
	if (!sha256_available())
		skip();
	struct sha256 *h = sha256_new();

	sha256_update(h, (struct span){ (const uint8_t *)"a", 1 });
	sha256_update(h, (struct span){ (const uint8_t *)"bc", 2 });
	sha256_hex(h, text);
	sha256_free(h);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	h = sha256_new();
	sha256_hex(h, text);
	sha256_free(h);
	assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* What one progress line puts on stderr, after more than the tenth of a second between two drawings. */
static void progress_draw(bool by_packets, uint64_t total, uint64_t done, char *out, size_t size)
{
	char path[PATH_ROOM];
	int saved = dup(STDERR_FILENO),
	    file = open(path_in(path, "stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	fflush(stderr);
	dup2(file, STDERR_FILENO);
	struct progress *p = by_packets ? progress_new_packets("reading", total, true)
					: progress_new("reading", total, true);

	/* Who reads a capture calls once for many thousands of frames: the first call after the time draws.
	 */
	usleep(120000);
	progress_update(p, done, 2400000);
	progress_update(p, done, 2400000);
	progress_free(p);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t got = pread(file, out, size - 1, 0);

	close(file);
	assert_true(got >= 0);
	out[got] = '\0';
}

static void progress_line(void **state)
{
	char text[512];

	(void)state;
	assert_null(progress_new("reading", 10, false));
	progress_update(NULL, 1, 1);
	progress_free(NULL);

	progress_draw(false, 2800000000, 1200000000, text, sizeof text);
	assert_non_null(strstr(text, "\rreading 43 %  1.2 GB of 2.8 GB  2.4 M packets"));
	assert_non_null(strstr(text, " left"));
	/* Drawn once, then wiped: as many spaces between two returns. */
	const char *wipe = strchr(text + 1, '\r');

	assert_non_null(wipe);
	assert_true(wipe - text - 1 <= 79);
	assert_int_equal(strspn(wipe + 1, " "), wipe - text - 1);
	assert_int_equal(text[strlen(text) - 1], '\r');

	progress_draw(true, 4800000, 0, text, sizeof text);
	assert_non_null(strstr(text, "\rreading 50 %  2.4 M packets of 4.8 M packets  "));
	assert_non_null(strstr(text, "packets/s  0:"));

	progress_draw(false, 0, 1234, text, sizeof text);
	assert_null(strchr(text, '%'));
	assert_null(strstr(text, "left"));
	assert_non_null(strstr(text, "1.2 kB  2.4 M packets"));
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(pcap_variants),
		WITH_DIRECTORY(pcap_odd_fields),
		WITH_DIRECTORY(pcap_old_version_swaps_lengths),
		WITH_DIRECTORY(pcap_damage),
		WITH_DIRECTORY(pcapng_blocks),
		WITH_DIRECTORY(pcapng_damage),
		WITH_DIRECTORY(snoop_records),
		WITH_DIRECTORY(erf_records),
		WITH_DIRECTORY(absurd_times),
		WITH_DIRECTORY(cut_everywhere),
		WITH_DIRECTORY(damaged_everywhere),
		WITH_DIRECTORY(progress_line),
		cmocka_unit_test(linktype_names),
		cmocka_unit_test(sha256_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
