/* capture/: files as they are stored: large, many at once, in directories, through pipes, not captures. */
#include "capture_build.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Packets of 0 to 9999 bytes and two that are longer than a buffer: each straddling of buffers must be
 * seamless. */
static void large_file(void **state)
{
	struct bytes b = { 0 };
	uint32_t count = 2500, seen = 0;
	struct frame frame;
	struct error err;
	char path[PATH_ROOM], digest[SHA256_TEXT] = "";
	const char *input = path_in(path, "large");

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 1000000, 1);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = i == 700 || i == 701 ? 700000 : i * 7919 % 10000;

		put_pcap_record(&b, i, 0, len, len);
		for (uint32_t k = 0; k < len; k++)
			put_int(&b, (i * 31 + k * 7) & 0xff, 1);
	}
	write_file(path, b.at, b.len);
	struct sha256 *h = sha256_new();

	sha256_update(h, (struct span){ b.at, b.len });
	sha256_hex(h, digest);
	sha256_free(h);

	struct source *s = source_open_files(&input, 1, &(struct source_options){ .hash = true }, &err);
	struct source_stats stats;

	assert_non_null(s);
	while (source_next(s, &frame, &err) == SOURCE_FRAME) {
		assert_int_equal(frame.ts_ns, S(seen));
		assert_int_equal(frame.bytes.len, seen == 700 || seen == 701 ? 700000 : seen * 7919 % 10000);
		for (uint32_t k = 0; k < frame.bytes.len; k++)
			if (frame.bytes.ptr[k] != ((seen * 31 + k * 7) & 0xff))
				fail_msg("packet %u, byte %u", seen, k);
		seen++;
	}
	assert_int_equal(seen, count);
	source_stats(s, &stats);
	assert_int_equal(stats.bytes_done, b.len);
	assert_int_equal(stats.bytes_total, b.len);
	assert_int_equal(source_input(s, 0)->end, INPUT_COMPLETE);
	source_settle(s);
	assert_string_equal(source_input(s, 0)->sha256, digest);
	source_close(s);
	bytes_free(&b);
}

static void write_series(const char *name, uint32_t first, uint32_t step, uint32_t count)
{
	struct bytes b = pcap_series(first, step, count);
	char path[PATH_ROOM];

	write_file(path_in(path, name), b.at, b.len);
	bytes_free(&b);
}

static struct source *open_named(const char *const *names, size_t count, const char *filter,
				 struct error *err)
{
	static char paths[8][PATH_ROOM];
	static const char *list[8];

	for (size_t i = 0; i < count; i++)
		list[i] = path_in(paths[i], names[i]);
	return source_open_files(list, count, &(struct source_options){ .filter = filter }, err);
}

/* Seconds 10 12 14, 11 12 13 and again the first: merged, and in ties the first named wins. */
static void merge_by_time(void **state)
{
	static const uint32_t seconds[] = { 10, 10, 11, 12, 12, 12, 13, 14, 14 };
	static const uint32_t inputs[] = { 0, 2, 1, 0, 1, 2, 1, 0, 2 };
	const char *names[] = { "b", "a", "b", "empty" };
	struct frame frame;
	struct error err;
	struct source_stats stats;
	size_t n = 0;

	(void)state;
	write_series("b", 10, 2, 3);
	write_series("a", 11, 1, 3);
	write_series("empty", 1, 1, 0);
	struct source *s = open_named(names, 4, NULL, &err);

	assert_non_null(s);
	for (; source_next(s, &frame, &err) == SOURCE_FRAME; n++) {
		assert_true(n < 9);
		assert_int_equal(frame.ts_ns, S(seconds[n]));
		assert_int_equal(frame.input, inputs[n]);
	}
	assert_int_equal(n, 9);
	source_stats(s, &stats);
	assert_int_equal(stats.inputs, 4);
	assert_int_equal(stats.frames, 9);
	assert_int_equal(stats.bytes_total, 3 * 84 + 24);
	assert_int_equal(stats.bytes_done, 3 * 84 + 24);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(source_input(s, i)->end, INPUT_COMPLETE);
		assert_int_equal(source_input(s, i)->frames, i < 3 ? 3 : 0);
	}
	source_close(s);
}

/* More files than descriptors, one after the other in time as a ring buffer writes them, named last to first.
 */
static void more_files_than_descriptors(void **state)
{
	enum { FILES = 300 };
	static char paths[FILES][PATH_ROOM];
	const char *list[FILES];
	struct rlimit before, low;
	struct frame frame;
	struct error err = { .text = "" };
	uint32_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < FILES; i++) {
		char name[16];

		snprintf(name, sizeof name, "%u", i);
		write_series(name, 10 * i, 1, 10);
		list[FILES - 1 - i] = path_in(paths[i], name);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 40;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	struct source *s = source_open_files(list, FILES, &(struct source_options){ .hash = true }, &err);

	assert_string_equal(err.text, "");
	assert_non_null(s);
	while (source_next(s, &frame, &err) == SOURCE_FRAME)
		assert_int_equal(frame.ts_ns, S(n++));
	assert_int_equal(n, 10 * FILES);
	source_close(s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Every capture below, in byte order of the paths ('-' < '/' < 'a'); what is none is passed over; links do
 * not loop. */
static void directories(void **state)
{
	static const char *const expected[] = { "d-x", "d/1", "link", "z" };
	char path[PATH_ROOM], other[PATH_ROOM];
	const char *names[] = { "" };
	struct error err;
	struct frame frame;

	(void)state;
	assert_int_equal(mkdir(path_in(path, "d"), 0700), 0);
	assert_int_equal(symlink("..", path_in(path, "d/up")), 0);
	assert_int_equal(symlink("nowhere", path_in(path, "dangling")), 0);
	assert_int_equal(mkfifo(path_in(path, "fifo"), 0600), 0);
	write_file(path_in(path, "notes.txt"), "hello\n", 6);
	write_file(path_in(path, "nothing"), "", 0);
	write_series("d/1", 4, 1, 1);
	write_series("d-x", 3, 1, 1);
	write_series("z", 2, 1, 1);
	assert_int_equal(symlink("d/1", path_in(path, "link")), 0);
	struct source *s = open_named(names, 1, NULL, &err);

	assert_non_null(s);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(source_input(s, i)->path, path_in(other, expected[i]));
	assert_null(source_input(s, 4));
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	assert_int_equal(frame.input, 3);
	source_close(s);

	assert_int_equal(mkdir(path_in(path, "none"), 0700), 0);
	write_file(path_in(path, "none/notes.txt"), "hello\n", 6);
	names[0] = "none";
	assert_null(open_named(names, 1, NULL, &err));
	assert_int_equal(err.status, EXIT_INPUT);
	assert_non_null(strstr(err.text, "no pcap"));
}

static void filters(void **state)
{
	const char *names[] = { "a", "b" };
	struct error err;
	struct frame frame;
	struct source_stats stats;
	struct bytes nflog = { 0 }, v6 = { 0 };
	char path[PATH_ROOM];

	(void)state;
	/* pcap_series() writes the packet's number in little-endian. */
	write_series("a", 10, 1, 6);
	write_series("b", 10, 1, 6);
	struct source *s = open_named(names, 2, "ether[0] = 2 or ether[0] = 4", &err);
	size_t n = 0;

	assert_non_null(s);
	for (; source_next(s, &frame, &err) == SOURCE_FRAME; n++)
		assert_true(frame.ts_ns == S(12) || frame.ts_ns == S(14));
	assert_int_equal(n, 4);
	source_stats(s, &stats);
	assert_int_equal(stats.frames, 12);
	assert_int_equal(stats.filtered, 8);
	assert_int_equal(source_input(s, 1)->frames, 6);
	assert_int_equal(source_input(s, 1)->frames_filtered, 4);
	source_close(s);

	assert_null(open_named(names, 1, "udp prot 53", &err));
	assert_int_equal(err.status, EXIT_USAGE);
	assert_non_null(strstr(err.text, "udp prot 53"));
	/* Right for 802.11, but these packets are Ethernet. */
	assert_null(open_named(names, 1, "wlan type mgt", &err));
	assert_int_equal(err.status, EXIT_USAGE);
	assert_non_null(strstr(err.text, "EN10MB"));

	put_pcap_header(&nflog, 0xa1b2c3d4, 0, 101);
	put_pcap_record(&nflog, 1, 0, 20, 20);
	put(&nflog, "\x45\0\0\x14\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
	write_file(path_in(path, "raw"), nflog.at, nflog.len);
	assert_int_equal(read_path(path, "ip src 10.0.0.1").count, 1);
	assert_int_equal(read_path(path, "ip src 10.0.0.2").count, 0);
	bytes_free(&nflog);

	/* Nothing on this link can match: its packets are left out, and those of other files are read. */
	put_pcap_header(&v6, 0xa1b2c3d4, 0, 229);
	put_pcap_record(&v6, 1, 0, 40, 40);
	put_zeros(&v6, 40);
	write_file(path_in(path, "v6"), v6.at, v6.len);
	struct reading r = read_path(path, "host 10.0.0.1");

	assert_true(r.opened);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.info.frames_filtered, 1);
	/* Here it is not the link. */
	assert_false(read_path(path, "ip and ip6").opened);
	bytes_free(&v6);
}

/* Each refusal says what the bytes are. */
static void refusals(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *said;
	} files[] = {
		{ "", 0, "is empty (0 bytes)" },
		{ "\x89PNG\r\n\x1a\n....", 12, "a PNG image" },
		{ "SQLite format 3\0....", 20, "an SQLite database" },
		{ "\x7f"
		  "ELF\x02\x01\x01",
		  7, "an ELF program" },
		{ "src,dst,bytes\n10.0.0.1,10.0.0.2,3\n", 34, "plain text" },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18, "zero bytes" },
		{ "\x01\x02\x03\xff\xfe\xfd\xfc\xfb\xfa", 9, "01 02 03 ff fe fd fc fb" },
		{ "\xd4\xc3\xb2", 3, "unknown data" },
	};
	char path[PATH_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		write_file(path_in(path, "input"), files[i].bytes, files[i].len);
		struct reading r = read_path(path, NULL);

		assert_false(r.opened);
		assert_int_equal(r.err.status, EXIT_INPUT);
		assert_non_null(strstr(r.err.text, path));
		if (!strstr(r.err.text, files[i].said))
			fail_msg("\"%s\" does not say \"%s\"", r.err.text, files[i].said);
	}
	struct reading r = read_path(path_in(path, "absent"), NULL);

	assert_false(r.opened);
	assert_int_equal(r.err.status, EXIT_INPUT);
	assert_non_null(strstr(r.err.text, strerror(ENOENT)));

	const char *twice[] = { "-", "-" };

	assert_null(source_open_files(twice, 2, &(struct source_options){ 0 }, &r.err));
	assert_int_equal(r.err.status, EXIT_USAGE);
	assert_null(source_open_files(NULL, 0, &(struct source_options){ 0 }, &r.err));
	assert_int_equal(r.err.status, EXIT_USAGE);
}

static struct source *stop_in_handler;

static void on_alarm(int number)
{
	(void)number;
	source_stop(stop_in_handler);
}

/* A pipe delivers each packet as it comes, and a signal ends the wait for the next. */
static void pipe_and_stop(void **state)
{
	struct bytes b = pcap_series(50, 1, 2);
	struct frame frame;
	struct error err;
	struct source_stats stats;
	int ends[2];
	char path[PATH_ROOM];
	const char *input = path;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], b.at, b.len - 1), b.len - 1);
	struct source *s = source_open_files(&input, 1, &(struct source_options){ .hash = true }, &err);

	assert_non_null(s);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	assert_int_equal(frame.ts_ns, S(50));
	assert_int_equal(write(ends[1], b.at + b.len - 1, 1), 1);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	assert_int_equal(frame.ts_ns, S(51));
	source_stats(s, &stats);
	assert_int_equal(stats.bytes_total, 0);
	assert_int_equal(stats.bytes_done, b.len);

	stop_in_handler = s;
	signal(SIGALRM, on_alarm);
	ualarm(50000, 0);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_END);
	signal(SIGALRM, SIG_DFL);
	assert_int_equal(source_input(s, 0)->end, INPUT_STOPPED);
	assert_string_equal(source_input(s, 0)->problem, "");
	assert_string_equal(source_input(s, 0)->sha256, "");
	source_close(s);
	close(ends[0]);
	close(ends[1]);
	bytes_free(&b);
}

/* Stopping, or closing, in the middle of a file leaves the rest unread and hangs on nothing. */
static void stop_early(void **state)
{
	const char *names[] = { "long", "short" };
	struct frame frame;
	struct error err;

	(void)state;
	write_series("long", 1, 1, 300000);
	write_series("short", 900000, 1, 1);
	struct source *s = open_named(names, 2, NULL, &err);

	assert_non_null(s);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	source_stop(s);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_END);
	assert_int_equal(source_input(s, 0)->end, INPUT_STOPPED);
	assert_int_equal(source_input(s, 0)->frames, 1);
	assert_int_equal(source_input(s, 0)->bytes, 24 + 20 * 300000);
	assert_int_equal(source_input(s, 1)->end, INPUT_STOPPED);
	source_close(s);

	s = open_named(names, 1, NULL, &err);
	assert_int_equal(source_next(s, &frame, &err), SOURCE_FRAME);
	source_close(s);
	source_close(NULL);
	source_stop(NULL);
}

/* The conformance captures hold the same two packets in every container and format (their README). */
static void real_containers(void **state)
{
	static const char *const names[] = { "base.pcap",    "base.pcap.gz",   "base.pcap.zst",
					     "base.pcap.xz", "base.pcap.bz2",  "base.pcap.lz4",
					     "base.pcapng",  "base.pcapng.gz", "base.snoop",
					     "nsec.pcap",    "bigendian.pcap" };
	const char *traces = getenv("FOOTSTEPS_TRACES"), *srcdir = getenv("srcdir");
	char path[512];
	size_t read = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (traces)
			snprintf(path, sizeof path, "%s/conformance/%s", traces, names[i]);
		else
			snprintf(path, sizeof path, "%s/../shared/traces/conformance/%s",
				 srcdir ? srcdir : ".", names[i]);
		if (access(path, R_OK) != 0)
			continue;
		struct reading r = read_path(path, NULL);

		/* A build without the library says so; see compressed_refusals(). */
		if (!r.opened && strstr(r.err.text, "built without"))
			continue;
		assert_true(r.opened);
		assert_int_equal(r.count, 2);
		assert_int_equal(r.info.end, INPUT_COMPLETE);
		/* 50 ms apart; the nanosecond file was made from a binary fraction. */
		assert_in_range(r.frames[1].ts_ns - r.frames[0].ts_ns, 49999900, 50000000);
		read++;
	}
	if (!read) {
		print_message("no captures at FOOTSTEPS_TRACES or ../shared/traces\n");
		skip();
	}
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(large_file),
		WITH_DIRECTORY(merge_by_time),
		WITH_DIRECTORY(more_files_than_descriptors),
		WITH_DIRECTORY(directories),
		WITH_DIRECTORY(filters),
		WITH_DIRECTORY(refusals),
		WITH_DIRECTORY(stop_early),
		cmocka_unit_test(pipe_and_stop),
		cmocka_unit_test(real_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
