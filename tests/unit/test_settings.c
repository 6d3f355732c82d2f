/* A file of settings: what is understood, what each mistake is told, reading again, printing and reading
 * back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct {
	bool tunnels, check;
	const char *output, *filter, *config;
	uint64_t flows;
	int64_t rotate, keep;
	double share;
	int format;
	struct option_list interfaces;
} got;
static const char *const formats[] = { "text", "csv", "ndjson", NULL };
static const struct option table[] = {
	{ .name = "interface",
	  .letter = 'i',
	  .type = OPTION_LIST,
	  .value = &got.interfaces,
	  .argument = "IF" },
	{ .name = "output", .letter = 'o', .type = OPTION_TEXT, .value = &got.output, .argument = "DB" },
	{ .name = "filter", .letter = 'f', .type = OPTION_TEXT, .value = &got.filter, .argument = "EXPR" },
	{ .name = "max-flows", .type = OPTION_COUNT, .value = &got.flows, .argument = "N" },
	{ .name = "rotate", .type = OPTION_DURATION, .value = &got.rotate, .argument = "TIME" },
	{ .name = "keep", .type = OPTION_DURATION, .value = &got.keep, .argument = "TIME" },
	{ .name = "drop-share", .type = OPTION_NUMBER, .value = &got.share, .argument = "SHARE" },
	{ .name = "format",
	  .type = OPTION_CHOICE,
	  .value = &got.format,
	  .argument = "F",
	  .choices = formats },
	{ .name = "tunnels", .type = OPTION_FLAG, .value = &got.tunnels },
	{ .name = "config", .type = OPTION_TEXT, .value = &got.config, .argument = "FILE" },
	{ .name = "check-config", .type = OPTION_FLAG, .value = &got.check },
};
static bool set[COUNT(table)];
static const struct command command = { .name = "live",
					.summary = "s",
					.usage = "u",
					.options = table,
					.option_count = COUNT(table),
					.set = set };

static char path[] = "/tmp/footsteps-settings-XXXXXX";
static const char **arguments;

static void write_bytes(const char *text, size_t length)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

/* As a command does: defaults, the command line, settings. */
static struct settings *start(const char *line)
{
	static char copy[200];
	char *argv[16];
	int argc = 0;
	size_t count;
	struct error err;

	memset(&got, 0, sizeof got);
	memset(set, 0, sizeof set);
	got.flows = 1000000;
	got.rotate = 86400 * NS_PER_S;
	got.format = -1;
	snprintf(copy, sizeof copy, "%s", line);
	for (char *at = strtok_r(copy, " ", &argv[15]); at; at = strtok_r(NULL, " ", &argv[15]))
		argv[argc++] = at;
	assert_int_equal(options_parse(&command, argc, argv, &arguments, &count, &err), OPTIONS_RUN);
	struct settings *s = settings_new(&command, &err);
	assert_non_null(s);
	settings_note_command_line(s);
	return s;
}

static void finish(struct settings *s)
{
	settings_free(s);
	options_free(&command);
	free(arguments);
}

static void read_good(struct settings *s, const char *text)
{
	struct error err = { 0 };

	write_bytes(text, strlen(text));
	if (!settings_read(s, path, &err))
		fail_msg("%s", err.text);
}

static void all_types_are_read(void **state)
{
	struct settings *s = start("");

	(void)state;
	read_good(s, "# comment\n; another\n\n[live]  # one section\n"
		     "interface = eth1\r\n\tinterface\t=\teth2 ; the other direction\n"
		     "output=/var/lib/a b.db\nfilter = \"udp # \\\"x\\\" \\\\ \\x41\\t\"   # quoted\n"
		     "max-flows = 2M\nrotate = 1d12h\ndrop-share = 0.01\nformat = csv\ntunnels = yes");
	assert_int_equal(got.interfaces.count, 2);
	assert_string_equal(got.interfaces.items[0], "eth1");
	assert_string_equal(got.interfaces.items[1], "eth2");
	assert_string_equal(got.output, "/var/lib/a b.db");
	assert_string_equal(got.filter, "udp # \"x\" \\ A\t");
	assert_int_equal(got.flows, 2000000);
	assert_int_equal(got.rotate, 36 * 3600 * NS_PER_S);
	assert_true(got.share > 0.0099 && got.share < 0.0101);
	assert_int_equal(got.format, 1);
	assert_true(got.tunnels);
	unsigned line;
	assert_int_equal(settings_origin(s, "max-flows", &line), ORIGIN_FILE);
	assert_int_equal(line, 9);
	assert_int_equal(settings_origin(s, "keep", &line), ORIGIN_DEFAULT);
	finish(s);
}

static void odd_but_right_files_are_read(void **state)
{
	static const char *const files[] = { "",
					     "\n\n",
					     "# only a comment",
					     "[live]",
					     "  [live]  \n",
					     "[live]\noutput = a#b;c",
					     "[live]\noutput = x\\y",
					     "[live]\noutput = \"\"",
					     "[live]\ntunnels = no # as before" };

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct settings *s = start("");
		read_good(s, files[i]);
		assert_false(got.tunnels);
		if (i == 5)
			assert_string_equal(got.output, "a#b;c");
		if (i == 6)
			assert_string_equal(got.output, "x\\y");
		if (i == 7)
			assert_string_equal(got.output, "");
		finish(s);
	}
}

static void each_mistake_has_its_line_and_words(void **state)
{
	static const struct {
		const char *text, *place, *words;
	} cases[] = {
		{ "[live]\n[lvie]\n", ":2: ", "unknown section [lvie]" },
		{ "output = x\n", ":1: ", "write [live] before it" },
		{ "[live]\noutput = a\n[live]\n", ":3: ", "began in line 1" },
		{ "[live\n", ":1: ", "a section is a name in brackets: [live]" },
		{ "[live] x\n", ":1: ", "is no section" },
		{ "[live]\n\nouptut = x\n", ":3: ", "did you mean 'output'?" },
		{ "[live]\ncheck_config = yes\n", ":2: ", "unknown key 'check_config'; keys are" },
		{ "[live]\nzzz = x\n", ":2: ", "unknown key 'zzz'; keys are the long options of" },
		{ "[live]\nconfig = x\n", ":2: ", "belongs on the command line" },
		{ "[live]\ncheck-config = yes\n", ":2: ", "belongs on the command line" },
		{ "[live]\noutput = a\nfilter = b\noutput = c\n", ":4: ", "in line 2" },
		{ "[live]\noutput /x\n", ":2: ", "has no '='" },
		{ "[live]\n= x\n", ":2: ", "has no '='" },
		{ "[live]\noutput =\n", ":2: ", "has no value" },
		{ "[live]\noutput = # nothing\n", ":2: ", "has no value" },
		{ "[live]\noutput = 'x'\n", ":2: ", "quoted with \"" },
		{ "[live]\noutput = \"x\n", ":2: ", "does not end in its line" },
		{ "[live]\noutput = \"x\\", ":2: ", "not understood in quotes" },
		{ "[live]\noutput = \"\\q\"\n", ":2: ", "'\\q' is not understood in quotes" },
		{ "[live]\noutput = \"\\x00\"\n", ":2: ", "not understood in quotes" },
		{ "[live]\noutput = \"\\x4\"\n", ":2: ", "not understood in quotes" },
		{ "[live]\noutput = \"x\" y\n", ":2: ", "'y' follows the closing quote" },
		{ "[live]\nmax-flows = many\n", ":2: ", "option '--max-flows': 'many' is no count" },
		{ "[live]\nrotate = soon\n", ":2: ", "option '--rotate': 'soon'" },
		{ "[live]\ndrop-share = 1%\n", ":2: ", "option '--drop-share': '1%' is no number" },
		{ "[live]\nformat = cvs\n", ":2: ", "did you mean 'csv'?" },
		{ "[live]\ntunnels = true\n", ":2: ", "'true' is neither yes nor no" },
		{ "[live]\noutput = \xff\n", ":2: ", "byte 10 of the line is no UTF-8" },
		{ "[live]\noutput = \xc3", ":2: ", "no UTF-8" },
		{ "[live]\noutput = a\033b\n", ":2: ", "control character" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct error err = { 0 };
		char begin[200];
		struct settings *s = start("--keep 5m");
		write_bytes(cases[i].text, strlen(cases[i].text));
		if (settings_read(s, path, &err))
			fail_msg("accepted: %s", cases[i].text);
		snprintf(begin, sizeof begin, "%s%s", path, cases[i].place);
		assert_int_equal(err.status, EXIT_USAGE);
		if (strncmp(err.text, begin, strlen(begin)) != 0 || !strstr(err.text, cases[i].words))
			fail_msg("%s\nfor: %s", err.text, cases[i].text);
		/* Nothing of a wrong file is taken. */
		assert_null(got.output);
		assert_null(got.filter);
		assert_int_equal(got.keep, 300 * NS_PER_S);
		finish(s);
	}
}

static void what_is_no_such_file_is_refused(void **state)
{
	struct error err;
	struct settings *s = start("");
	static const char nul[] = "[live]\nout\0put = x\n";
	static char large[(1 << 20) + 2];
	char line[5000];

	(void)state;
	write_bytes(nul, sizeof nul - 1);
	assert_false(settings_read(s, path, &err));
	assert_non_null(strstr(err.text, ":2: the line has a NUL byte"));
	memset(line, 'x', sizeof line);
	memcpy(line, "# ", 2);
	write_bytes(line, 4096);
	assert_true(settings_read(s, path, &err));
	write_bytes(line, 4097);
	assert_false(settings_read(s, path, &err));
	assert_non_null(strstr(err.text, ":1: the line has 4097 bytes"));
	memset(large, '\n', sizeof large);
	write_bytes(large, 1 << 20);
	assert_true(settings_read(s, path, &err));
	write_bytes(large, (1 << 20) + 1);
	assert_false(settings_read(s, path, &err));
	assert_non_null(strstr(err.text, "1048577 bytes are too many"));
	assert_false(settings_read(s, "/tmp", &err));
	assert_non_null(strstr(err.text, "/tmp is a directory"));
	assert_false(settings_read(s, "/dev/zero", &err));
	assert_non_null(strstr(err.text, "no regular file"));
	assert_false(settings_read(s, "/nowhere/x.ini", &err));
	assert_non_null(strstr(err.text, "/nowhere/x.ini: No such file"));
	if (geteuid() != 0) {
		assert_int_equal(chmod(path, 0), 0);
		assert_false(settings_read(s, path, &err));
		assert_non_null(strstr(err.text, "Permission denied"));
		assert_int_equal(chmod(path, 0600), 0);
	}
	finish(s);
}

static void the_command_line_counts_more(void **state)
{
	struct settings *s = start("-i lo --max-flows 5 --tunnels -o x.db");

	(void)state;
	read_good(s, "[live]\ninterface = eth1\nmax-flows = 7\ntunnels = no\nkeep = 30d\n");
	assert_int_equal(got.interfaces.count, 1);
	assert_string_equal(got.interfaces.items[0], "lo");
	assert_int_equal(got.flows, 5);
	assert_true(got.tunnels);
	assert_int_equal(got.keep, 30 * 86400 * NS_PER_S);
	assert_int_equal(settings_origin(s, "max-flows", NULL), ORIGIN_COMMAND_LINE);
	assert_int_equal(settings_origin(s, "tunnels", NULL), ORIGIN_COMMAND_LINE);
	assert_int_equal(settings_origin(s, "keep", NULL), ORIGIN_FILE);
	assert_int_equal(settings_origin(s, "rotate", NULL), ORIGIN_DEFAULT);
	finish(s);
}

static void changed_are(struct settings *s, const char *expected)
{
	const char *const *keys = settings_changed(s);
	char all[200] = "";

	for (; *keys; keys++) {
		strncat(all, *keys, sizeof all - strlen(all) - 1);
		strncat(all, " ", sizeof all - strlen(all) - 1);
	}
	assert_string_equal(all, expected);
}

static void reading_again_takes_back_what_is_gone(void **state)
{
	struct error err;
	struct settings *s = start("--keep 1h");

	(void)state;
	read_good(s, "[live]\ninterface = eth1\ninterface = eth2\nmax-flows = 7\nfilter = udp\n");
	changed_are(s, "");
	const char *old = got.filter;
	read_good(s, "[live]\ninterface = eth2\nrotate = 1h\nfilter = udp\nkeep = 2h\n");
	assert_int_equal(got.interfaces.count, 1);
	assert_string_equal(got.interfaces.items[0], "eth2");
	assert_int_equal(got.flows, 1000000);
	assert_int_equal(got.rotate, 3600 * NS_PER_S);
	assert_string_equal(old, "udp"); /* somebody may still have it */
	changed_are(s, "interface max-flows rotate ");
	changed_are(s, "");
	write_bytes("[live]\nrotate = 2h\nx = y\n", 25);
	assert_false(settings_read(s, path, &err));
	assert_int_equal(got.rotate, 3600 * NS_PER_S);
	assert_int_equal(got.interfaces.count, 1);
	changed_are(s, "");
	read_good(s, "");
	assert_int_equal(got.interfaces.count, 0);
	assert_null(got.filter);
	changed_are(s, "interface filter rotate ");
	finish(s);
}

static char *printed(const struct settings *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	settings_print(s, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void what_is_printed_reads_back(void **state)
{
	struct settings *s = start("--max-flows 18446744073709551615");
	char *text;

	(void)state;
	read_good(s, "[live]\ninterface = eth1\ninterface = \" a#b\"\noutput = \"x \\\"y\\\\\\n\\xff # z\"\n"
		     "rotate = 90061500ms\nkeep = 1us\ndrop-share = 0.1\nformat = ndjson\ntunnels = yes\n"
		     "filter = a #comment\n");
	int64_t rotate = got.rotate, kept = got.keep;
	double share = got.share;
	text = printed(s);
	char place[100];
	snprintf(place, sizeof place, "interface  = eth1                      # from %s:2\n", path);
	assert_non_null(strstr(text, place));
	assert_non_null(strstr(text, "# from the command line\n"));
	assert_null(strstr(text, "config"));
	finish(s);
	s = start("");
	read_good(s, text);
	assert_int_equal(got.interfaces.count, 2);
	assert_string_equal(got.interfaces.items[1], " a#b");
	assert_string_equal(got.output, "x \"y\\\n\xff # z");
	assert_string_equal(got.filter, "a");
	assert_int_equal(got.rotate, rotate);
	assert_int_equal(got.keep, kept);
	assert_memory_equal(&got.share, &share, sizeof share);
	assert_int_equal(got.format, 2);
	assert_true(got.tunnels);
	assert_true(got.flows == UINT64_MAX);
	free(text);
	finish(s);
	s = start("");
	text = printed(s);
	assert_non_null(strstr(text, "# interface    not set"));
	assert_non_null(strstr(text, "# format       not set"));
	assert_non_null(strstr(text, "rotate     = 1d                        # default\n"));
	read_good(s, text);
	free(text);
	finish(s);
}

/* Any bytes: an answer, and no more. Reproducible by its seed. */
static void noise_does_no_harm(void **state)
{
	static const char *const parts[] = { "[live]", "\n",   "output", "=",         "\"",   "\\",
					     " ",      "#",    "x",      "interface", "\r\n", "tunnels = yes",
					     "\\x4",   "\xff", "'" };
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		char text[400] = "[live]\n";
		struct error err;
		struct settings *s = start("");
		for (unsigned n = 0; n < 20; n++) {
			seed = seed * 6364136223846793005U + 1442695040888963407U; /* Knuth's MMIX */
			strncat(text, parts[(seed >> 33) % COUNT(parts)], sizeof text - strlen(text) - 1);
		}
		write_bytes(text, strlen(text));
		if (!settings_read(s, path, &err))
			assert_non_null(strstr(err.text, path));
		finish(s);
	}
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types_are_read),
		cmocka_unit_test(odd_but_right_files_are_read),
		cmocka_unit_test(each_mistake_has_its_line_and_words),
		cmocka_unit_test(what_is_no_such_file_is_refused),
		cmocka_unit_test(the_command_line_counts_more),
		cmocka_unit_test(reading_again_takes_back_what_is_gone),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(noise_does_no_harm),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
