/* capture/: compressed files: whole, in several streams, cut, damaged, followed by something else. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "capture_build.h"
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef HAVE_LZ4
#include <lz4frame.h>
#endif

#define PACKED_ROOM ((size_t)1 << 20)

/* Each packs n bytes into out and returns how many it made; 0 when its library is not built in. */
static size_t pack_gzip(const uint8_t *from, size_t n, uint8_t *out)
{
#ifdef HAVE_ZLIB
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)from, .avail_in = (uInt)n, .next_out = out };

	z.avail_out = (uInt)PACKED_ROOM;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return PACKED_ROOM - z.avail_out;
#else
	(void)from, (void)n, (void)out;
	return 0;
#endif
}

static size_t pack_zstd(const uint8_t *from, size_t n, uint8_t *out)
{
#ifdef HAVE_ZSTD
	/* With a checksum of the content, as zstd(1) writes it: without one, a flipped literal goes
	 * unnoticed. */
	ZSTD_CCtx *z = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	size_t made = ZSTD_compress2(z, out, PACKED_ROOM, from, n);

	ZSTD_freeCCtx(z);
	return made;
#else
	(void)from, (void)n, (void)out;
	return 0;
#endif
}

static size_t pack_xz(const uint8_t *from, size_t n, uint8_t *out)
{
	size_t made = 0;
#ifdef HAVE_LZMA
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, from, n, out, &made, PACKED_ROOM),
			 LZMA_OK);
#else
	(void)from, (void)n, (void)out;
#endif
	return made;
}

static size_t pack_bzip2(const uint8_t *from, size_t n, uint8_t *out)
{
#ifdef HAVE_BZIP2
	unsigned made = PACKED_ROOM;

	assert_int_equal(
		BZ2_bzBuffToBuffCompress((char *)out, &made, (char *)(uintptr_t)from, (unsigned)n, 9, 0, 0),
		BZ_OK);
	return made;
#else
	(void)from, (void)n, (void)out;
	return 0;
#endif
}

static size_t pack_lz4(const uint8_t *from, size_t n, uint8_t *out)
{
#ifdef HAVE_LZ4
	/* With a checksum of the content, as lz4(1) writes it. */
	const LZ4F_preferences_t with_checksum = { .frameInfo.contentChecksumFlag =
							   LZ4F_contentChecksumEnabled };

	return LZ4F_compressFrame(out, PACKED_ROOM, from, n, &with_checksum);
#else
	(void)from, (void)n, (void)out;
	return 0;
#endif
}

static const struct {
	const char *name;
	size_t (*pack)(const uint8_t *from, size_t n, uint8_t *out);
	bool padding; /* zeros behind the data are no error for the format's own program */
} packers[] = {
	{ "gzip", pack_gzip, true }, { "zstd", pack_zstd, false },  { "xz", pack_xz, true },
	{ "lz4", pack_lz4, false },  { "bzip2", pack_bzip2, true },
};
#define PACKERS (sizeof packers / sizeof packers[0])

/* 3000 packets of Ethernet, in two packed pieces one after the other; *second is where the second begins. */
static struct bytes packed_twice(size_t kind, size_t *second)
{
	struct bytes plain = pcap_series(1000, 1, 3000), out = { 0 };
	uint8_t *room = malloc(PACKED_ROOM);
	size_t half = 24 + 20 * 1000 + 7;

	assert_non_null(room);
	put(&out, room, packers[kind].pack(plain.at, half, room));
	*second = out.len;
	put(&out, room, packers[kind].pack(plain.at + half, plain.len - half, room));
	free(room);
	bytes_free(&plain);
	return out;
}

static void compressed_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		size_t second;
		struct bytes b = packed_twice(i, &second);

		if (!b.len)
			continue;
		for (unsigned padded = 0; padded <= packers[i].padding; padded++) {
			put_zeros(&b, padded ? 1024 : 0);
			struct reading r = read_bytes(&b);

			assert_string_equal(r.info.problem, "");
			assert_true(r.opened);
			assert_int_equal(r.count, 3000);
			assert_int_equal(r.info.end, INPUT_COMPLETE);
			assert_string_equal(r.info.container, packers[i].name);
			assert_int_equal(r.info.bytes, b.len);
		}
		bytes_free(&b);
	}
}

/* Cut or flipped, the packets before are delivered, and the input does not pass for complete. */
static void compressed_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		size_t second;
		struct bytes b = packed_twice(i, &second);
		size_t whole = b.len;

		if (!whole)
			continue;
		b.len = second + (whole - second) / 2;
		struct reading r = read_bytes(&b);

		assert_true(r.opened);
		assert_true(r.count >= 1000 && r.count < 3000);
		assert_int_equal(r.info.end, INPUT_CUT);
		assert_non_null(strstr(r.info.problem, packers[i].name));

		b.len = whole;
		for (size_t k = 0; k < 40; k++)
			b.at[second + (whole - second) / 2 + k] ^= 0x5a;
		r = read_bytes(&b);
		assert_true(r.opened);
		assert_true(r.count >= 1000 && r.count <= 3000);
		assert_int_equal(r.info.end, INPUT_DAMAGED);
		/* Which is noticed first: the checksum or the nonsense that was unpacked. */
		assert_true(strstr(r.info.problem, packers[i].name) ||
			    strstr(r.info.problem, "unpacked data"));
		/* The digest is that of the whole file all the same. */
		assert_int_equal(strlen(r.info.sha256), sha256_available() ? 64 : 0);
		bytes_free(&b);
	}
}

/* Behind the data: zeros are padding, all else may have been packets. */
static void compressed_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		for (size_t zeros = 0; zeros <= (packers[i].padding ? 8 : 0); zeros += 8) {
			size_t second;
			struct bytes b = packed_twice(i, &second);

			if (!b.len)
				continue;
			b.len = second;
			put_zeros(&b, zeros);
			put(&b, "no header of a stream", 21);
			struct reading r = read_bytes(&b);

			assert_true(r.opened);
			assert_true(r.count >= 1000);
			assert_int_equal(r.info.end, INPUT_DAMAGED);
			assert_non_null(strstr(r.info.problem, packers[i].name));
			bytes_free(&b);
		}
	}
}

static void compressed_cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct bytes plain = pcap_series(1000, 1, 20);
		uint8_t *room = malloc(PACKED_ROOM);

		assert_non_null(room);
		struct bytes b = { 0 };

		put(&b, room, packers[i].pack(plain.at, plain.len, room));
		for (size_t whole = b.len, cut = 1; cut < whole; cut++) {
			b.len = cut;
			struct reading r = read_bytes(&b);

			if (r.opened)
				assert_int_equal(r.info.end, INPUT_CUT);
			else
				assert_int_equal(r.err.status, EXIT_INPUT);
			assert_true(r.count <= 20);
		}
		free(room);
		bytes_free(&plain);
		bytes_free(&b);
	}
}

/* Compressed, but no capture; and compressed in a way that was not built in. */
static void compressed_refusals(void **state)
{
	static const uint8_t zstd_file[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x01, 0x00, 0x00 };
	uint8_t *room = malloc(PACKED_ROOM);
	struct bytes b = { 0 };

	(void)state;
	assert_non_null(room);
	put(&b, room, pack_gzip((const uint8_t *)"hello, world\n", 13, room));
	free(room);
	if (b.len) {
		struct reading r = read_bytes(&b);

		assert_false(r.opened);
		assert_non_null(strstr(r.err.text, "unpacked from gzip, it looks like plain text"));
	}
	b.len = 0;
	put(&b, zstd_file, sizeof zstd_file);
	struct reading r = read_bytes(&b);

	assert_false(r.opened);
	assert_int_equal(r.err.status, EXIT_INPUT);
#ifndef HAVE_ZSTD
	assert_non_null(strstr(r.err.text, "built without libzstd: decompress it first: zstd -d"));
#endif
	bytes_free(&b);
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(compressed_whole),    WITH_DIRECTORY(compressed_damage),
		WITH_DIRECTORY(compressed_followed), WITH_DIRECTORY(compressed_cut_everywhere),
		WITH_DIRECTORY(compressed_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
