/* The file of voice models: what it says, what is wrong with it, and fitting a new mode. */
#include "identify/naive_bayes.h"
#include "chance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct voice_models *shipped(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct error err = { .text = "" };
	snprintf(path, sizeof path, "%s/data/voice-models.ini", srcdir ? srcdir : ".");
	struct voice_models *m = voice_models_load(path, &err);
	assert_string_equal(err.text, "");
	assert_non_null(m);
	return m;
}

static struct voice_models *load_bytes(const char *bytes, size_t length, struct error *err)
{
	char path[] = "/tmp/footsteps-models-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
	*err = (struct error){ .text = "" };
	struct voice_models *m = voice_models_load(path, err);
	unlink(path);
	if (!m && strncmp(err->text, path, strlen(path)) == 0) /* the rest is what the tests compare */
		memmove(err->text, err->text + strlen(path), strlen(err->text + strlen(path)) + 1);
	return m;
}

static struct voice_models *load(const char *text, struct error *err)
{
	return load_bytes(text, strlen(text), err);
}

static const struct voice_model *named(const struct voice_models *m, const char *name)
{
	for (unsigned i = 0; i < voice_models_count(m); i++)
		if (strcmp(voice_models_name(m, i), name) == 0)
			return voice_models_get(m, i);
	fail_msg("no mode %s", name);
	return NULL;
}

/* Rate x framing / 8, and 3 bytes for Skype, by hand; RFC 3551, 3951 and 4867 for RTP. */
static void test_shipped_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		float size, gap;
	} truth[] = {
		{ "iSAC 30 ms 10 kbit/s", 40.5F, 30 },
		{ "iSAC 30 ms 32 kbit/s", 123, 30 },
		{ "iSAC 60 ms 32 kbit/s", 243, 60 },
		{ "iLBC 20 ms 15.2 kbit/s", 41, 20 },
		{ "iLBC 30 ms 13.3 kbit/s", 53, 30 },
		{ "G.729 20 ms", 23, 20 },
		{ "G.729 60 ms", 63, 60 },
		{ "iPCM-wb 20 ms", 203, 20 },
		{ "enhanced G.711 20 ms", 143, 20 },
		{ "PCM 10 ms", 83, 10 },
		{ "PCM 40 ms", 323, 40 },
		{ "RTP G.711 or G.722 20 ms", 160, 20 },
		{ "RTP G.729 20 ms", 20, 20 },
		{ "RTP iLBC 20 ms", 38, 20 },
		{ "RTP iLBC 30 ms", 50, 30 },
		{ "RTP GSM 20 ms", 33, 20 },
		{ "RTP AMR 12.2 kbit/s", 32.5F, 20 }, /* 32 or 33 */
		{ "RTP AMR-WB 23.85 kbit/s", 61.5F, 20 },
	};
	struct voice_models *m = shipped();
	for (size_t i = 0; i < sizeof truth / sizeof truth[0]; i++) {
		const struct voice_model *v = named(m, truth[i].name);
		assert_true(fabsf(v->size - truth[i].size) < 0.01F);
		assert_true(fabsf(v->gap - truth[i].gap) < 0.01F);
	}
	unsigned framings = 0; /* recognition 7: 10 to 60 ms, sigma 2 ms */
	for (unsigned i = 0; i < voice_models_count(m); i++) {
		const struct voice_model *v = voice_models_get(m, i);
		assert_true(v->gap_sigma == 2);
		if (fmodf(v->gap, 10) == 0)
			framings |= 1U << (unsigned)(v->gap / 10);
	}
	assert_int_equal(framings, 0x7e);
	voice_models_free(m);
	voice_models_free(NULL);
}

#define GOOD "[a]\nsize=1\nsize_sigma=1\ngap=20\ngap_sigma=2\n"

static void test_reading(void **state)
{
	(void)state;
	struct error err;
	struct voice_models *m =
		load("; comment\r\n\n  # other\n [ a b ] \r\n size = 41.5\nsize_sigma=.5\n"
		     "gap_sigma = 2 \n\tgap=20\n[c]\nsize=1\nsize_sigma=1\ngap=1\ngap_sigma=1",
		     &err);
	assert_non_null(m);
	assert_int_equal(voice_models_count(m), 2);
	assert_string_equal(voice_models_name(m, 0), "a b");
	assert_null(voice_models_name(m, voice_models_count(m))); /* of facts, of another file */
	assert_true(voice_models_get(m, 0)->size == 41.5F && voice_models_get(m, 0)->size_sigma == 0.5F);
	assert_true(voice_models_get(m, 0)->gap == 20 && voice_models_get(m, 1)->gap == 1);
	voice_models_free(m);
}

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "",
		  ": no codec in it; a mode is a [name] followed by size, size_sigma, gap and gap_sigma" },
		{ "# only this\n", ": no codec in it; " },
		{ GOOD "sigma = 2\n",
		  ":6: unknown key sigma; a mode has size, size_sigma, gap and gap_sigma" },
		{ GOOD "gap = 30\n", ":6: a second gap in this section" },
		{ "[a]\nsize = 401\n", ":2: size = 401: must be 1 to 400 bytes" },
		{ "[a]\nsize = 0\n", ":2: size = 0: must be 1 to 400 bytes" },
		{ "[a]\nsize_sigma = 36\n", ":2: size_sigma = 36: must be 0.5 to 35.9 bytes" },
		{ "[a]\ngap = 201\n", ":2: gap = 201: must be 1 to 200 milliseconds" },
		{ "[a]\ngap_sigma = 0.01\n", ":2: gap_sigma = 0.01: must be 0.1 to 35.9 milliseconds" },
		{ "[a]\nsize = forty\n", ":2: size = forty: not a number; write bytes, as in 41 or 2.5" },
		{ "[a]\nsize =\n", ":2: size = : not a number" },
		{ "[a]\nsize = 0x20\n", ":2: size = 0x20: not a number" },
		{ "[a]\nsize = nan\n", ":2: size = nan: not a number" },
		{ "[a]\nsize = -4\n", ":2: size = -4: not a number" },
		{ "[a]\nsize = 1.2.3\n", ":2: size = 1.2.3: not a number" },
		{ "[a]\nsize = .\n", ":2: size = .: not a number" },
		{ "size = 4\n", ":1: size stands before the first [section]" },
		{ "[a]\nsize 4\n", ":2: neither a [section], nor KEY = NUMBER, nor a # comment" },
		{ "[a\n", ":1: a section is a name in brackets, as in [iLBC 20 ms]" },
		{ "[a] b\n", ":1: a section is a name in brackets" },
		{ "[ ]\n", ":1: a mode needs a name" },
		{ "[a\tb]\n", ":1: a name is made of printable ASCII without brackets" },
		{ "[123456789012345678901234567890123456789012345678]\n", ":1: the name is longer than 47" },
		{ GOOD GOOD, ":6: a second section [a]; names are keys in reports" },
		{ "[a]\nsize=1\n[b]\n", ":1: [a] has no size_sigma; a mode needs size, size_sigma, gap and" },
		{ "\n[a]\nsize=1\nsize_sigma=1\ngap=1\n", ":2: [a] has no gap_sigma;" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct error err;
		assert_null(load(rows[i].text, &err));
		assert_int_equal(err.status, EXIT_INPUT);
		if (strncmp(err.text, rows[i].message, strlen(rows[i].message)) != 0)
			fail_msg("said \"%s\", not \"%s\"", err.text, rows[i].message);
	}
	struct error err;
	assert_null(load_bytes("[a]\nsi\0ze=1\n", 12, &err));
	assert_string_equal(err.text, ":2: a zero byte; this is no text file");
	assert_null(voice_models_load("/nonexistent/voice.ini", &err));
	assert_string_equal(err.text, "/nonexistent/voice.ini: cannot be opened: No such file or directory");
	assert_null(voice_models_load("/", &err)); /* opens, and cannot be read */
	assert_non_null(strstr(err.text, "/: cannot be read: "));
}

static void test_cut_everywhere(void **state)
{
	(void)state;
	const char text[] = GOOD "[iLBC 20 ms]\nsize=41\nsize_sigma=2\ngap=20\ngap_sigma=2\n";
	for (size_t n = 0; n < sizeof text; n++) {
		struct error err;
		struct voice_models *m = load_bytes(text, n, &err);
		assert_true(m || err.text[0]);
		voice_models_free(m);
	}
}

/* A call of 1000 messages at 30 ms: 2 % lost, 1 % stray sizes, a hold, and video between. */
static void test_fit(void **state)
{
	(void)state;
	struct chance c = { 7 };
	struct voice_fit f = { 0 };
	for (unsigned i = 0; i < 1000; i++) {
		double size = chance_unit(&c) < 0.01 ? 300 : chance_normal(&c, 93, 7.5);
		double ms = chance_normal(&c, chance_unit(&c) < 0.02 ? 60 : 30, 4);
		voice_fit_add(&f, (uint32_t)lround(size), i ? (int64_t)(ms * 1e6) : -1);
		if (i % 4 == 0)
			voice_fit_add(&f, 1100, 1000000);
		if (i == 500)
			for (unsigned k = 0; k < 20; k++) /* BS B12: one packet every 3 s */
				voice_fit_add(&f, 18, INT64_C(3000000000));
	}
	struct voice_model m;
	struct error err = { .text = "" };
	assert_true(voice_fit_finish(&f, "trained", &m, &err));
	assert_int_equal(f.video, 250);
	assert_int_equal(f.silences, 20);
	print_message("fit: %.2f +- %.2f bytes, %.2f +- %.2f ms\n", (double)m.size, (double)m.size_sigma,
		      (double)m.gap, (double)m.gap_sigma);
	assert_true(fabsf(m.size - 93) < 1);            /* 3 sigma / sqrt(1000) is 0.7 */
	assert_true(fabsf(m.size_sigma - 7.5F) < 0.6F); /* trimmed at 3 sigma: 1.3 % low */
	assert_true(fabsf(m.gap - 30) < 0.5F);
	assert_true(m.gap_sigma == 2); /* windows stray by 4 / sqrt(29), and less than 2 ms is 2 */

	FILE *out = tmpfile();
	assert_true(voice_model_print(out, &m));
	char text[512] = "";
	rewind(out);
	assert_true(fread(text, 1, sizeof text - 1, out) > 0);
	fclose(out);
	struct voice_models *again = load(text, &err);
	assert_non_null(again);
	assert_string_equal(voice_models_name(again, 0), "trained");
	assert_true(fabsf(voice_models_get(again, 0)->size - m.size) < 0.01F);
	assert_true(fabsf(voice_models_get(again, 0)->gap - m.gap) < 0.01F);
	voice_models_free(again);
	FILE *full = fopen("/dev/full", "w");
	if (full) {
		setvbuf(full, NULL, _IONBF, 0);
		assert_false(voice_model_print(full, &m));
		fclose(full);
	}
}

static void test_fit_constant(void **state)
{
	(void)state;
	struct voice_fit f = { 0 };
	struct voice_model m;
	struct error err;
	for (unsigned i = 0; i < 300; i++)
		voice_fit_add(&f, 160, i ? 20000000 : -1);
	assert_int_equal(f.gaps, 299); /* the first message has none */
	assert_true(voice_fit_finish(&f, "G.711", &m, &err));
	assert_true(m.size == 160 && m.size_sigma == 1);
	assert_true(fabsf(m.gap - 20) < 1e-4F && m.gap_sigma == 2);
}

static void test_fit_refuses(void **state)
{
	(void)state;
	struct voice_fit f = { 0 };
	struct voice_model m;
	struct error err;
	for (unsigned i = 0; i < 299; i++)
		voice_fit_add(&f, 50, 20000000);
	voice_fit_add(&f, 500, 20000000);
	assert_false(voice_fit_finish(&f, "short", &m, &err));
	assert_non_null(strstr(err.text, "299 messages of at most 400 bytes"));
	assert_non_null(strstr(err.text, "300 are needed"));
	voice_fit_add(&f, 50, 20000000);
	assert_true(voice_fit_finish(&f, "enough", &m, &err));
	assert_false(voice_fit_finish(&f, "a]b", &m, &err));
	assert_false(voice_fit_finish(&f, "", &m, &err));

	memset(&f, 0, sizeof f); /* two modes at once */
	for (unsigned i = 0; i < 600; i++)
		voice_fit_add(&f, i % 2 ? 40 : 200, 20000000);
	assert_false(voice_fit_finish(&f, "two", &m, &err));
	assert_non_null(strstr(err.text, "of the message sizes lie around one value"));

	memset(&f, 0, sizeof f); /* every gap a silence */
	for (unsigned i = 0; i < 600; i++)
		voice_fit_add(&f, 40, INT64_C(3000000000));
	assert_false(voice_fit_finish(&f, "hold", &m, &err));
	assert_non_null(strstr(err.text, "too few to train on"));

	memset(&f, 0, sizeof f); /* sizes from anywhere */
	struct chance c = { 3 };
	for (unsigned i = 0; i < 2000; i++)
		voice_fit_add(&f, (uint32_t)chance_between(&c, 0, 400), 20000000);
	assert_false(voice_fit_finish(&f, "noise", &m, &err));
	assert_non_null(strstr(err.text, "too wide a mode"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_sizes), cmocka_unit_test(test_reading),
		cmocka_unit_test(test_errors),        cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_fit),           cmocka_unit_test(test_fit_constant),
		cmocka_unit_test(test_fit_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
