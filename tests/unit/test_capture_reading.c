/* capture/: how inputs are read: digests that are computed in the background, and frames in batches. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "capture_build.h"
#include "capture/hasher.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#define LARGE 20000U /* packets: far more bytes than one buffer of a thread */

static void digest_of(const void *at, size_t n, char out[SHA256_TEXT])
{
	struct sha256 *h = sha256_new();

	sha256_update(h, (struct span){ at, n });
	sha256_hex(h, out);
	sha256_free(h);
}

static void assert_digest(const struct input_info *info, const struct bytes *b)
{
	char digest[SHA256_TEXT];

	digest_of(b->at, b->len, digest);
	assert_string_equal(info->sha256, digest);
	assert_int_equal(info->bytes, b->len);
}

static size_t read_on(struct source *s)
{
	struct frame frame;
	struct error err;
	size_t n = 0;

	while (source_next(s, &frame, &err) == SOURCE_FRAME)
		n++;
	return n;
}

/* Read to the end, damaged in the middle, cut: the digest is that of the file. */
static void digest_of_large_file(void **state)
{
	struct bytes b = pcap_series(1, 1, LARGE);
	struct reading r = read_bytes(&b);

	(void)state;
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_digest(&r.info, &b);

	b.len -= 3;
	r = read_bytes(&b);
	assert_int_equal(r.info.end, INPUT_CUT);
	assert_digest(&r.info, &b);

	memset(b.at + 24 + 20 * 1000, 0xff, 16);
	r = read_bytes(&b);
	assert_int_equal(r.info.end, INPUT_DAMAGED);
	assert_int_equal(r.count, 1000);
	assert_digest(&r.info, &b);
	bytes_free(&b);
}

/* Of a compressed file, it is the digest of what is stored. */
static void digest_of_compressed_file(void **state)
{
	(void)state;
#ifdef HAVE_ZLIB
	struct bytes b = pcap_series(1, 1, LARGE), stored = { 0 };
	char path[PATH_ROOM];
	gzFile gz = gzopen(path_in(path, "packed"), "wb0"); /* not made smaller: it is to be large */

	assert_int_equal(gzwrite(gz, b.at, (unsigned)b.len), b.len);
	assert_int_equal(gzclose(gz), Z_OK);
	FILE *f = fopen(path, "rb");
	uint8_t piece[4096];

	for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
		put(&stored, piece, n);
	fclose(f);
	struct reading r = read_path(path, NULL);

	assert_string_equal(r.info.container, "gzip");
	assert_int_equal(r.info.end, INPUT_COMPLETE);
	assert_true(stored.len > b.len);
	assert_digest(&r.info, &stored);

	stored.len -= 50000;
	r = read_bytes(&stored);
	assert_int_equal(r.info.end, INPUT_CUT);
	assert_digest(&r.info, &stored);
	bytes_free(&stored);
	bytes_free(&b);
#else
	skip();
#endif
}

/* More files than may wait for their digests at a time, one after the other. */
static void digests_of_many_files(void **state)
{
	enum { FILES = 11 };
	static char paths[FILES][PATH_ROOM];
	const char *list[FILES];
	struct bytes b[FILES];
	struct error err;

	(void)state;
	for (uint32_t i = 0; i < FILES; i++) {
		char name[16];

		snprintf(name, sizeof name, "%u", i);
		list[i] = path_in(paths[i], name);
		b[i] = pcap_series(i * LARGE, 1, LARGE);
		write_file(list[i], b[i].at, b[i].len);
	}
	struct source *s = source_open_files(list, FILES, &(struct source_options){ .hash = true }, &err);

	assert_non_null(s);
	assert_int_equal(read_on(s), FILES * LARGE);
	source_settle(s);
	for (size_t i = 0; i < FILES; i++) {
		assert_digest(source_input(s, i), &b[i]);
		bytes_free(&b[i]);
	}
	source_close(s);
}

/* Two files, the second after the first in time. */
static struct source *open_two(void)
{
	static char paths[2][PATH_ROOM];
	const char *list[] = { path_in(paths[0], "a"), path_in(paths[1], "b") };
	struct error err;

	for (uint32_t i = 0; i < 2; i++) {
		struct bytes b = pcap_series(i * LARGE, 1, LARGE);

		write_file(list[i], b.at, b.len);
		bytes_free(&b);
	}
	struct source *s = source_open_files(list, 2, &(struct source_options){ .hash = true }, &err);

	assert_non_null(s);
	return s;
}

/* Stopped, there is no digest, also of the file that was read to its end, however far its thread had come. */
static void stop_gives_up_digests(void **state)
{
	struct frame frame;
	struct error err;
	struct source *s = open_two();

	(void)state;
	do
		assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	while (frame.input == 0);
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	source_stop(s);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_END);
	source_settle(s);
	assert_int_equal(source_input(s, 0)->end, INPUT_COMPLETE);
	assert_int_equal(source_input(s, 1)->end, INPUT_STOPPED);
	assert_string_equal(source_input(s, 0)->sha256, "");
	assert_string_equal(source_input(s, 1)->sha256, "");
	source_close(s);
}

/* Nothing hangs, and nothing is left (AddressSanitizer). */
static void close_without_settle(void **state)
{
	struct frame frame;
	struct error err;
	struct source *s = open_two();

	(void)state;
	assert_int_equal(read_on(s), 2 * LARGE);
	source_close(s);
	s = open_two();
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	source_close(s);
}

/* What is written behind a file while it is read belongs to it, in the digest as well. */
static void growing_file(void **state)
{
	struct bytes b = pcap_series(1, 1, 8 * LARGE + 1000);
	size_t whole = b.len;
	char path[PATH_ROOM];
	const char *input = path_in(path, "input");
	struct frame frame;
	struct error err;

	(void)state;
	write_file(path, b.at, 24 + (size_t)20 * 8 * LARGE);
	struct source *s = source_open_files(&input, 1, &(struct source_options){ .hash = true }, &err);

	assert_non_null(s);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	/* The reading thread waits for us with eight buffers of 256 KiB; the hasher has seen the end by then.
	 */
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, b.at + whole - 20000, 20000), 20000);
	close(fd);
	assert_int_equal(read_on(s), 8 * LARGE + 999);
	source_settle(s);
	assert_int_equal(source_input(s, 0)->end, INPUT_COMPLETE);
	assert_digest(source_input(s, 0), &b);
	source_close(s);
	bytes_free(&b);
}

/* Until a thread has seen all there is, and has ended. */
static void wait_alone(void)
{
	struct stat st = { .st_nlink = 0 };

	/* proc(5): as many directories as threads, and the two of every directory. */
	for (int turn = 0; turn < 6000 && stat("/proc/self/task", &st) == 0 && st.st_nlink > 3; turn++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_int_equal(st.st_nlink, 3);
}

/* A digest of other bytes than those that were read is none. */
static void hasher_limits(void **state)
{
	static const struct {
		uint64_t limit;
		bool digest;
	} cases[] = { { 300000, true }, { 299999, false }, { 300001, false }, { 0, false } };
	char path[PATH_ROOM], text[SHA256_TEXT], expected[SHA256_TEXT];
	struct bytes b = { 0 };

	(void)state;
	if (!sha256_available())
		skip();
	for (uint32_t i = 0; i < 75000; i++)
		put32(&b, i);
	write_file(path_in(path, "bytes"), b.at, b.len);
	digest_of(b.at, b.len, expected);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = open(path, O_RDONLY);
		struct hasher *h = hasher_start(fd, NULL);

		assert_non_null(h);
		close(fd);
		wait_alone();
		hasher_limit(h, cases[i].limit);
		hasher_result(h, text);
		assert_string_equal(text, cases[i].digest ? expected : "");
		hasher_stop(h);
	}
	hasher_limit(NULL, 1);
	hasher_result(NULL, text);
	assert_string_equal(text, "");
	hasher_stop(NULL);
	assert_null(hasher_start(-1, NULL));
	bytes_free(&b);
}

/* Each writes packet i of n bytes, made by byte_at(); the first also what comes before packets. */
static uint8_t byte_at(uint32_t i, size_t k)
{
	return (uint8_t)(i * 31 + k * 7);
}

static void put_payload(struct bytes *b, uint32_t i, size_t n)
{
	for (size_t k = 0; k < n; k++)
		put_int(b, byte_at(i, k), 1);
}

static void put_pcap(struct bytes *b, uint32_t i, uint32_t n)
{
	if (!i)
		put_pcap_header(b, 0xa1b2c3d4, 1000000, 1);
	put_pcap_record(b, 1000000000 + i, 0, n, n);
	put_payload(b, i, n);
}

/* draft-ietf-opsawg-pcapng; now and then a block that is passed over and one more description of an
 * interface. */
static void put_pcapng(struct bytes *b, uint32_t i, uint32_t n)
{
	uint32_t padding = (4 - n % 4) % 4;
	uint64_t units = (uint64_t)(1000000000 + i) * 1000000;

	if (!i) {
		put32(b, 0x0a0d0d0a);
		put32(b, 28);
		put32(b, 0x1a2b3c4d);
		put16(b, 1);
		put16(b, 0);
		put_int(b, UINT64_MAX, 8);
		put32(b, 28);
	}
	if (i % 50 == 0) {
		put32(b, 1);
		put32(b, 20);
		put16(b, 1);
		put16(b, 0);
		put32(b, 0);
		put32(b, 20);
	}
	if (i % 7 == 0) {
		put32(b, 0x80000bad);
		put32(b, 12 + i % 3 * 1000);
		put_zeros(b, i % 3 * 1000);
		put32(b, 12 + i % 3 * 1000);
	}
	put32(b, 6);
	put32(b, 32 + n + padding);
	put32(b, i / 50); /* the latest interface: one too many or too few would be damage */
	put32(b, (uint32_t)(units >> 32));
	put32(b, (uint32_t)units);
	put32(b, n);
	put32(b, n);
	put_payload(b, i, n);
	put_zeros(b, padding);
	put32(b, 32 + n + padding);
}

/* RFC 1761 */
static void put_snoop(struct bytes *b, uint32_t i, uint32_t n)
{
	uint32_t padding = (4 - n % 4) % 4;

	b->big_endian = true;
	if (!i) {
		put(b, "snoop\0\0\0", 8);
		put32(b, 2);
		put32(b, 4);
	}
	put32(b, n);
	put32(b, n);
	put32(b, 24 + n + padding);
	put32(b, 0);
	put32(b, 1000000000 + i);
	put32(b, 0);
	put_payload(b, i, n);
	put_zeros(b, padding);
}

static void put_erf(struct bytes *b, uint32_t i, uint32_t n)
{
	b->big_endian = false;
	put32(b, 0);
	put32(b, 1000000000 + i);
	b->big_endian = true;
	put16(b, 0x0204);
	put16(b, 18 + n);
	put16(b, i % 2);
	put16(b, n);
	put16(b, 0);
	put_payload(b, i, n);
}

static void (*const writers[])(struct bytes *b, uint32_t i, uint32_t n) = { put_pcap, put_pcapng, put_snoop,
									    put_erf };

static struct source *open_list(const char *const *list, size_t count, const char *filter)
{
	const struct source_options options = { .filter = filter };
	struct error err = { .text = "" };
	struct source *s = source_open_files(list, count, &options, &err);

	assert_string_equal(err.text, "");
	assert_non_null(s);
	return s;
}

static void assert_same(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->ts_ns, b->ts_ns);
	assert_int_equal(a->wire_len, b->wire_len);
	assert_int_equal(a->linktype, b->linktype);
	assert_int_equal(a->input, b->input);
	assert_int_equal(a->bytes.len, b->bytes.len);
	assert_memory_equal(a->bytes.ptr, b->bytes.ptr, a->bytes.len);
}

#define BATCH_MAX 32
struct batches {
	size_t frames, count, largest;
};

/* Batches hold, as long as they are valid, what another source of the same files yields one by one. */
static struct batches compare_batches(const char *const *list, size_t inputs, const char *filter, size_t max)
{
	struct source *single = open_list(list, inputs, filter), *many = open_list(list, inputs, filter);
	struct frame frames[BATCH_MAX], frame;
	enum source_result result;
	struct source_stats stats, expected;
	struct batches out = { 0 };
	struct error err;
	size_t n;

	while ((n = source_next_batch(many, frames, max, &result, &err)) > 0) {
		assert_int_equal(result, SOURCE_FRAME);
		assert_true(n <= max);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(source_next(single, &frame, &err), SOURCE_FRAME);
			assert_same(&frame, &frames[i]);
			assert_int_equal(frames[i].input, frames[0].input);
		}
		out.frames += n;
		out.count++;
		out.largest = n > out.largest ? n : out.largest;
		source_stats(many, &stats);
		assert_int_equal(stats.frames - stats.filtered, out.frames);
	}
	assert_int_equal(result, SOURCE_END);
	assert_int_equal(source_next(single, &frame, &err), SOURCE_END);
	source_stats(single, &expected);
	source_stats(many, &stats);
	/* But for bytes_done: how far the thread had read ahead of damage is chance. */
	assert_int_equal(stats.frames, expected.frames);
	assert_int_equal(stats.filtered, expected.filtered);
	for (size_t i = 0; i < inputs; i++) {
		const struct input_info *a = source_input(single, i), *b = source_input(many, i);

		assert_int_equal(a->frames, b->frames);
		assert_int_equal(a->frames_filtered, b->frames_filtered);
		assert_int_equal(a->dropped, b->dropped);
		assert_int_equal(a->first_ns, b->first_ns);
		assert_int_equal(a->last_ns, b->last_ns);
		assert_int_equal(a->end, b->end);
		assert_string_equal(a->problem, b->problem);
	}
	source_close(single);
	source_close(many);
	return out;
}

/* Packets of 2 to 3001 bytes in all formats, and one longer than two buffers, but in ERF: every way of
 * straddling; whole, cut, and damaged. */
static void batches_of_formats(void **state)
{
	enum { PACKETS = 1500 };
	static const size_t sizes[] = { 1, 7, BATCH_MAX };
	char path[PATH_ROOM];
	const char *list[] = { path_in(path, "input") };

	(void)state;
	for (size_t k = 0; k < sizeof writers / sizeof writers[0]; k++) {
		struct bytes b = { 0 };

		for (uint32_t i = 0; i < PACKETS; i++)
			writers[k](&b, i, i == 700 && k < 3 ? 600000 : 2 + i * 7919 % 3000);
		write_file(path, b.at, b.len);
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct batches made = compare_batches(list, 1, NULL, sizes[i]);

			assert_int_equal(made.frames, PACKETS);
			assert_int_equal(made.largest, sizes[i]);
		}
		write_file(path, b.at, b.len - 5);
		assert_int_equal(compare_batches(list, 1, NULL, BATCH_MAX).frames, PACKETS - 1);
		memset(b.at + b.len / 4 * 3, 0xff, 4000);
		write_file(path, b.at, b.len);
		assert_in_range(compare_batches(list, 1, NULL, BATCH_MAX).frames, PACKETS / 3, PACKETS - 1);
		bytes_free(&b);
	}
}

/* Of small packets nearly all batches are full; the others are those at the ends of buffers. */
static void batches_are_full(void **state)
{
	struct bytes b = pcap_series(1, 1, LARGE);
	char path[PATH_ROOM];
	const char *list[] = { path_in(path, "input") };

	(void)state;
	write_file(path, b.at, b.len);
	struct batches made = compare_batches(list, 1, NULL, BATCH_MAX);

	assert_int_equal(made.frames, LARGE);
	/* 400 KB are two buffers, if each reading fills one: one batch that ends early, one for what
	 * straddles. */
	assert_in_range(made.count, LARGE / BATCH_MAX, LARGE / BATCH_MAX + 8);
	bytes_free(&b);
}

/* Six inputs, of which two are read without threads: short runs, long ones, and equal times. */
static void batches_of_a_merge(void **state)
{
	enum { FILES = 6 };
	static char paths[FILES][PATH_ROOM];
	const char *list[FILES];

	(void)state;
	for (uint32_t i = 0; i < FILES; i++) {
		struct bytes b = pcap_series(i * 500, i % 2 ? 1 : 3, 15000);
		char name[16];

		snprintf(name, sizeof name, "%u", i);
		write_file(path_in(paths[i], name), b.at, b.len);
		list[i] = paths[i];
		bytes_free(&b);
	}
	struct batches made = compare_batches(list, FILES, NULL, BATCH_MAX);

	assert_int_equal(made.frames, FILES * 15000);
	/* The first file is alone for 500 seconds. */
	assert_int_equal(made.largest, BATCH_MAX);
}

/* pcap_series() writes the packet's number in little-endian: all, one in 256, none. */
static void batches_filtered(void **state)
{
	struct bytes b = pcap_series(1, 1, LARGE);
	char path[PATH_ROOM];
	const char *list[] = { path_in(path, "input"), path };

	(void)state;
	write_file(path, b.at, b.len);
	assert_int_equal(compare_batches(list, 1, "ether[3] = 0", BATCH_MAX).frames, LARGE);
	/* 20000 = 78 * 256 + 32. */
	assert_int_equal(compare_batches(list, 1, "ether[0] = 31", BATCH_MAX).frames, 79);
	assert_int_equal(compare_batches(list, 2, "ether[0] = 31", BATCH_MAX).frames, 158);
	assert_int_equal(compare_batches(list, 1, "ether[3] = 1", BATCH_MAX).frames, 0);
	/* With room for one there is no looking ahead: of 0, 1, 2, ... it is the sixth that passes. */
	struct source *s = open_list(list, 1, "ether[0] = 5");
	struct source_stats stats;
	enum source_result result;
	struct frame frame;
	struct error err;

	assert_int_equal(source_next_batch(s, &frame, 1, &result, &err), 1);
	source_stats(s, &stats);
	assert_int_equal(stats.frames, 6);
	assert_int_equal(stats.filtered, 5);
	source_close(s);
	bytes_free(&b);
}

/* A filter that does not suit a packet's link type: the packets before it come first, then the failure, for
 * good. */
static void batch_before_failure(void **state)
{
	static const uint8_t beacon[24] = { 0x80 }; /* IEEE 802.11: type 0, management; subtype 8 */
	struct bytes b = { 0 };
	struct frame frames[BATCH_MAX];
	enum source_result result;
	struct error err;
	char path[PATH_ROOM];
	const char *list[] = { path_in(path, "input") };

	(void)state;
	put_pcapng(&b, 0, 0);
	b.len = 28;
	for (unsigned i = 0; i < 2; i++) {
		put32(&b, 1);
		put32(&b, 20);
		put16(&b, i ? 1 : 105);
		put16(&b, 0);
		put32(&b, 0);
		put32(&b, 20);
	}
	for (uint32_t i = 0; i < 4; i++) {
		put32(&b, 6);
		put32(&b, 56);
		put32(&b, i == 3);
		put32(&b, 0);
		put32(&b, i);
		put32(&b, 24);
		put32(&b, 24);
		put(&b, beacon, sizeof beacon);
		put32(&b, 56);
	}
	write_file(path, b.at, b.len);
	struct source *s = open_list(list, 1, "wlan type mgt");

	assert_int_equal(source_next_batch(s, frames, BATCH_MAX, &result, &err), 3);
	assert_int_equal(result, SOURCE_FRAME);
	assert_int_equal(frames[2].ts_ns, 2000);
	for (unsigned i = 0; i < 2; i++) {
		err.text[0] = '\0';
		assert_int_equal(source_next_batch(s, frames, BATCH_MAX, &result, &err), 0);
		assert_int_equal(result, SOURCE_FAILED);
		assert_int_equal(err.status, EXIT_USAGE);
		assert_non_null(strstr(err.text, "EN10MB"));
	}
	source_close(s);
	bytes_free(&b);
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(digest_of_large_file),  WITH_DIRECTORY(digest_of_compressed_file),
		WITH_DIRECTORY(digests_of_many_files), WITH_DIRECTORY(stop_gives_up_digests),
		WITH_DIRECTORY(close_without_settle),  WITH_DIRECTORY(growing_file),
		WITH_DIRECTORY(hasher_limits),         WITH_DIRECTORY(batches_of_formats),
		WITH_DIRECTORY(batches_are_full),      WITH_DIRECTORY(batches_of_a_merge),
		WITH_DIRECTORY(batches_filtered),      WITH_DIRECTORY(batch_before_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
