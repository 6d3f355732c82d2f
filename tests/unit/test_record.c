/* Recordings are read back by libpcap, which is what everybody reads captures with. */
#include "capture/record.h"
#include "base/clock.h"
#include "capture_build.h"
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>

#define SNAPLEN 64U
#define BEGIN   (INT64_C(1700000000) * NS_PER_S)

static char path[PATH_ROOM];

static int setup(void **state)
{
	if (directory_setup(state) != 0)
		return -1;
	path_in(path, "x.pcap");
	return 0;
}

static struct frame frame_at(int64_t ts_ns, const uint8_t *bytes, size_t len, int linktype)
{
	return (struct frame){
		.ts_ns = ts_ns, .bytes = { bytes, len }, .wire_len = (uint32_t)len + 100, .linktype = linktype
	};
}

static struct recording *open_it(void)
{
	struct error err;
	struct recording *r = recording_open(path, SNAPLEN, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static off_t size_of_file(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void fill(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_read_back(void **state)
{
	uint8_t bytes[100];
	char message[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *data;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	const struct frame frames[] = {
		frame_at(BEGIN + 123456789, bytes, 60, 113),
		frame_at(BEGIN, bytes + 1, 0, 113),
		frame_at(BEGIN, bytes, 60, 1),                /* another link type */
		frame_at(-1, bytes, 60, 113),                 /* before 1970 */
		frame_at(BEGIN + 999999999, bytes, 100, 113), /* longer than the snaplen */
	};
	struct recording *r = open_it();

	assert_true(recording_frames(r, frames, 5, NULL));
	assert_int_equal(recording_left_out(r), 2);
	assert_true(recording_close(r, NULL));

	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, message);

	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_LINUX_SLL);
	assert_int_equal(pcap_snapshot(p), SNAPLEN);
	static const size_t kept[] = { 0, 1, 4 };

	for (size_t i = 0; i < 3; i++) {
		const struct frame *f = &frames[kept[i]];
		size_t captured = f->bytes.len < SNAPLEN ? f->bytes.len : SNAPLEN;

		assert_int_equal(pcap_next_ex(p, &header, &data), 1);
		assert_int_equal(header->ts.tv_sec, f->ts_ns / NS_PER_S);
		assert_int_equal(header->ts.tv_usec, f->ts_ns % NS_PER_S);
		assert_int_equal(header->caplen, captured);
		assert_int_equal(header->len, f->wire_len);
		assert_memory_equal(data, f->bytes.ptr, captured);
	}
	assert_int_equal(pcap_next_ex(p, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
}

static void test_without_a_frame(void **state)
{
	char message[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *data;

	(void)state;
	assert_true(recording_close(open_it(), NULL));
	pcap_t *p = pcap_open_offline(path, message);

	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_EN10MB);
	assert_int_equal(pcap_next_ex(p, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
	assert_true(recording_close(NULL, NULL));
}

/* A file that is not empty stays as it is, a recording of ours, too; an empty one may be used. */
static void test_nothing_is_replaced(void **state)
{
	struct error err;

	(void)state;
	fill("precious");
	assert_null(recording_open(path, SNAPLEN, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(size_of_file(), 8);

	fill("");
	assert_true(recording_close(open_it(), NULL));
	assert_int_equal(size_of_file(), 24);
	assert_null(recording_open(path, SNAPLEN, &err));

	assert_null(recording_open(test_directory, SNAPLEN, &err));
	assert_null(recording_open("/dev/null", SNAPLEN, &err));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(recording_open(path, SNAPLEN, &err));
	unlink(path);
	assert_null(recording_open("/nosuch/directory/x.pcap", SNAPLEN, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
}

/* The file has whole records: 24 bytes, and 16 + 10 for each frame. */
static void test_gets_to_the_file(void **state)
{
	static const uint8_t bytes[10];
	struct recording *r;

	(void)state;
	r = open_it();
	for (int64_t i = 0; i < 10; i++) {
		struct frame f = frame_at(BEGIN + i * 300 * NS_PER_MS, bytes, sizeof bytes, 1);

		assert_true(recording_frames(r, &f, 1, NULL));
		assert_int_equal((size_of_file() - 24) % 26, 0);
		/* A second of frames at most is not there yet. */
		assert_true(i == 0 || size_of_file() >= 24 + 26 * (i - 3));
	}
	assert_true(recording_frames(r, NULL, 0, NULL));
	assert_int_equal(size_of_file(), 24 + 10 * 26);
	/* The clock is set back: nothing waits until it has caught up. */
	struct frame back = frame_at(BEGIN - 3600 * NS_PER_S, bytes, sizeof bytes, 1);

	assert_true(recording_frames(r, &back, 1, NULL));
	back.ts_ns += NS_PER_S;
	assert_true(recording_frames(r, &back, 1, NULL));
	assert_int_equal(size_of_file(), 24 + 11 * 26);
	assert_true(recording_close(r, NULL));
	assert_int_equal(size_of_file(), 24 + 12 * 26);
}

/* A full disk, as a limit on the size of files: said once, and what is there is whole. */
static void test_no_space(void **state)
{
	static const uint8_t bytes[50];
	struct rlimit before, limit;
	struct error err;
	unsigned failures = 0;

	(void)state;
	struct recording *r = open_it();

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int64_t i = 0; i < 40; i++) {
		struct frame f = frame_at(BEGIN + i * NS_PER_S, bytes, sizeof bytes, 1);

		if (!recording_frames(r, &f, 1, &err)) {
			failures++;
			assert_int_equal(err.status, EXIT_OUTPUT);
			assert_non_null(strstr(err.text, strerror(EFBIG)));
		}
	}
	assert_true(recording_close(r, &err));
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(failures, 1);
	/* The last whole record before 1000 bytes. */
	assert_int_equal(size_of_file(), 24 + (1000 - 24) / 66 * 66);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_back, setup, directory_teardown),
		cmocka_unit_test_setup_teardown(test_without_a_frame, setup, directory_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_replaced, setup, directory_teardown),
		cmocka_unit_test_setup_teardown(test_gets_to_the_file, setup, directory_teardown),
		cmocka_unit_test_setup_teardown(test_no_space, setup, directory_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
