/* Captures built byte by byte in memory, written to a temporary directory, and read back; for
 * test_capture*.c. */
#ifndef FS_TEST_CAPTURE_BUILD_H
#define FS_TEST_CAPTURE_BUILD_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "capture/source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes {
	uint8_t *at;
	size_t len, room;
	bool big_endian;
};

static inline void put(struct bytes *b, const void *from, size_t n)
{
	if (b->len + n > b->room) {
		b->room = 2 * (b->len + n);
		b->at = realloc(b->at, b->room);
		assert_non_null(b->at);
	}
	if (n)
		memcpy(b->at + b->len, from, n);
	b->len += n;
}

static inline void put_zeros(struct bytes *b, size_t n)
{
	for (; n; n--)
		put(b, "", 1);
}

/* The low `size` bytes of value in the buffer's byte order. */
static inline void put_int(struct bytes *b, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (b->big_endian ? size - 1 - i : i));

		put(b, &byte, 1);
	}
}

static inline void put16(struct bytes *b, unsigned value)
{
	put_int(b, value, 2);
}

static inline void put32(struct bytes *b, uint32_t value)
{
	put_int(b, value, 4);
}

static inline void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){ 0 };
}

/* pcap-savefile(5): the file header, then one record's header. */
static inline void put_pcap_header(struct bytes *b, uint32_t magic, uint32_t snaplen, uint32_t network)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put32(b, 0);
	put32(b, 0);
	put32(b, snaplen);
	put32(b, network);
}

static inline void put_pcap_record(struct bytes *b, uint32_t seconds, uint32_t fraction, uint32_t captured,
				   uint32_t wire)
{
	put32(b, seconds);
	put32(b, fraction);
	put32(b, captured);
	put32(b, wire);
}

/* A microsecond pcap of `count` 4-byte packets of Ethernet, one each `step` seconds from `first` on. */
static inline struct bytes pcap_series(uint32_t first, uint32_t step, uint32_t count)
{
	struct bytes b = { 0 };

	put_pcap_header(&b, 0xa1b2c3d4, 65535, 1);
	for (uint32_t i = 0; i < count; i++) {
		put_pcap_record(&b, first + i * step, 0, 4, 60);
		put32(&b, i);
	}
	return b;
}

/* A temporary directory for each test. */
static char test_directory[64];

static int directory_setup(void **state)
{
	(void)state;
	snprintf(test_directory, sizeof test_directory, "/tmp/footsteps-test-XXXXXX");
	return mkdtemp(test_directory) ? 0 : -1;
}

static int directory_teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", test_directory);
	return system(command);
}

#define PATH_ROOM 160
static inline const char *path_in(char out[PATH_ROOM], const char *name)
{
	snprintf(out, PATH_ROOM, "%s/%s", test_directory, name);
	return out;
}

static inline void write_file(const char *path, const void *from, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(from, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* What reading one file to its end found. */
struct reading {
	bool opened;
	struct error err;
	struct input_info info;
	struct frame frames[16]; /* the first ones; bytes must not be looked at, but for those below */
	uint8_t first_bytes[16][8];
	size_t count;
};

static inline struct reading read_path(const char *path, const char *filter)
{
	struct reading out = { 0 };
	struct source_options options = { .filter = filter, .hash = true };
	struct source *s = source_open_files(&path, 1, &options, &out.err);
	struct frame frame;
	enum source_result result;

	out.opened = s != NULL;
	if (!s)
		return out;
	while ((result = source_next(s, &frame, &out.err)) == SOURCE_FRAME) {
		if (out.count < 16) {
			out.frames[out.count] = frame;
			memcpy(out.first_bytes[out.count], frame.bytes.ptr,
			       frame.bytes.len < 8 ? frame.bytes.len : 8);
		}
		out.count++;
	}
	assert_int_equal(result, SOURCE_END);
	assert_int_equal(source_next(s, &frame, &out.err), SOURCE_END);
	source_settle(s);
	out.info = *source_input(s, 0);
	assert_null(source_input(s, 1));
	source_close(s);
	return out;
}

static inline struct reading read_bytes(const struct bytes *b)
{
	char path[PATH_ROOM];

	write_file(path_in(path, "input"), b->at, b->len);
	return read_path(path, NULL);
}

#define S(seconds) ((int64_t)(seconds)*1000000000)
#endif
