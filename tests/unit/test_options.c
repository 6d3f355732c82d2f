/* The table of options: parser, its messages, --help and JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/options.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct {
	bool json, quiet;
	const char *output;
	uint64_t flows;
	int64_t idle;
	double bits;
	int format;
	struct option_list networks;
} got;

static const char *const formats[] = { "text", "csv", "ndjson", NULL };
static const struct option table[] = {
	{ .name = "json", .type = OPTION_FLAG, .value = &got.json, .help = "For machines." },
	{ .name = "quiet", .letter = 'q', .type = OPTION_FLAG, .value = &got.quiet, .help = "Say less." },
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_TEXT,
	  .value = &got.output,
	  .argument = "FILE",
	  .help = "Where the results go, a sentence that is long enough to need a second line in the help.",
	  .shown_default = "footsteps.db" },
	{ .name = "max-flows",
	  .type = OPTION_COUNT,
	  .value = &got.flows,
	  .argument = "N",
	  .help = "A bound." },
	{ .name = "idle",
	  .type = OPTION_DURATION,
	  .value = &got.idle,
	  .argument = "TIME",
	  .help = "A timeout." },
	{ .name = "bits",
	  .letter = 'b',
	  .type = OPTION_NUMBER,
	  .value = &got.bits,
	  .argument = "BITS",
	  .help = "A threshold." },
	{ .name = "format",
	  .letter = 'F',
	  .type = OPTION_CHOICE,
	  .value = &got.format,
	  .argument = "FORMAT",
	  .help = "How to write.",
	  .shown_default = "text",
	  .choices = formats },
	{ .name = "local-net",
	  .type = OPTION_LIST,
	  .value = &got.networks,
	  .argument = "PREFIX",
	  .help = "What is inside." },
};
static const struct command command = {
	.name = "read",
	.summary = "analyse saved captures",
	.usage = "[options] FILE ...",
	.details = "First paragraph,\non two lines.\n\n  kept   as it is\n\nLast.",
	.examples = "footsteps read a.pcap\tone file\nfootsteps read -\tstandard input\n",
	.options = table,
	.option_count = COUNT(table),
};

static struct error err;
static const char **rest;
static size_t rest_count;

static int reset(void **state)
{
	(void)state;
	options_free(&command);
	free(rest);
	rest = NULL;
	memset(&got, 0, sizeof got);
	memset(&err, 0, sizeof err);
	got.output = "footsteps.db";
	return 0;
}

/* Parses words up to NULL. */
static enum options_result parse_words(const char *first, ...)
{
	char *argv[16];
	int argc = 0;
	va_list words;

	reset(NULL);
	va_start(words, first);
	for (const char *word = first; word && argc < 15; word = va_arg(words, const char *))
		argv[argc++] = (char *)(uintptr_t)word;
	va_end(words);
	argv[argc] = NULL;
	return options_parse(&command, argc, argv, &rest, &rest_count, &err);
}
#define parse(...) parse_words(__VA_ARGS__, (const char *)NULL)

#define assert_runs(...)                                                                                     \
	do {                                                                                                 \
		if (parse(__VA_ARGS__) != OPTIONS_RUN)                                                       \
			fail_msg("refused: %s", err.text);                                                   \
	} while (0)

/* The words are refused with a text that contains `says`, and with the place to read on. */
#define assert_refused(says, ...)                                                                            \
	do {                                                                                                 \
		assert_int_equal(parse(__VA_ARGS__), OPTIONS_WRONG);                                         \
		assert_int_equal(err.status, EXIT_USAGE);                                                    \
		assert_null(rest);                                                                           \
		assert_int_equal(rest_count, 0);                                                             \
		if (!strstr(err.text, says))                                                                 \
			fail_msg("'%s' is not in: %s", says, err.text);                                      \
		assert_non_null(strstr(err.text, "\nsee 'footsteps read --help'"));                          \
	} while (0)

/* --- the parser --- */

static void nothing_keeps_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse_words(NULL), OPTIONS_RUN);
	assert_int_equal(rest_count, 0);
	assert_non_null(rest);
	assert_null(rest[0]);
	assert_string_equal(got.output, "footsteps.db");
	assert_false(got.json);
}

static void forms_of_options(void **state)
{
	(void)state;
	assert_runs("--output", "a");
	assert_string_equal(got.output, "a");
	assert_runs("--output=a=b");
	assert_string_equal(got.output, "a=b");
	assert_runs("--output=");
	assert_string_equal(got.output, "");
	assert_runs("-o", "a");
	assert_string_equal(got.output, "a");
	assert_runs("-oa");
	assert_string_equal(got.output, "a");
	assert_runs("-o", "-");
	assert_string_equal(got.output, "-");
	assert_runs("--output", "-5");
	assert_string_equal(got.output, "-5");
	assert_runs("--output=--json");
	assert_string_equal(got.output, "--json");
	assert_false(got.json);
	assert_runs("-oa", "--output", "b");
	assert_string_equal(got.output, "b");
	assert_runs("-q", "--json");
	assert_true(got.quiet && got.json);
}

static void arguments_mix_with_options(void **state)
{
	(void)state;
	assert_runs("a", "-q", "-", "--output", "x", "b", "--", "--json", "-q", "--");
	assert_int_equal(rest_count, 6);
	assert_string_equal(rest[0], "a");
	assert_string_equal(rest[1], "-");
	assert_string_equal(rest[2], "b");
	assert_string_equal(rest[3], "--json");
	assert_string_equal(rest[4], "-q");
	assert_string_equal(rest[5], "--");
	assert_null(rest[6]);
	assert_true(got.quiet);
	assert_false(got.json);
}

static void unknown_options(void **state)
{
	(void)state;
	assert_refused("unknown option '--outptu'; did you mean '--output'?", "--outptu", "x");
	assert_refused("unknown option '--outptu'; did you mean '--output'?", "--outptu=x");
	assert_refused("unknown option '--max'; did you mean '--max-flows'?", "--max", "5");
	assert_refused("unknown option '--JSON'; did you mean '--json'?", "--JSON");
	assert_refused("unknown option '--hlep'; did you mean '--help'?", "--hlep");
	assert_refused("unknown option '-json'; did you mean '--json'?", "-json");
	assert_refused("unknown option '--zebra'\n", "--zebra");
	assert_refused("unknown option '-z'\n", "-z");
	assert_refused("unknown option '--'", "--=x");
	char longest[3000];
	memset(longest, '-', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_refused("unknown option", longest);
}

static void values_missing_or_too_many(void **state)
{
	(void)state;
	assert_refused("option '--output' needs a value: --output FILE", "--output");
	assert_refused("option '--output' needs a value", "a", "-o");
	assert_refused("option '--output' needs a value, but the option '--json' follows", "-o", "--json");
	assert_refused("but the option '-q' follows; if that is the value, write '--output=-q'", "--output",
		       "-q");
	assert_refused("option '--json' takes no value, but 'yes' is attached", "--json=yes");
	assert_refused("option '--json' takes no value", "--json=");
	assert_refused("write short options one by one", "-qo");
}

static void counts(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "12", 12 },
		{ "007", 7 },
		{ "5k", 5000 },
		{ "5K", 5000 },
		{ "3M", 3000000 },
		{ "2G", 2000000000 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18446744073G", UINT64_C(18446744073000000000) },
	};
	static const char *const wrong[] = { "",
					     "-1",
					     "+1",
					     "1.5",
					     "5m",
					     "5kk",
					     "k",
					     "1 k",
					     "0x10",
					     "12a",
					     "18446744073709551616",
					     "18446744074G",
					     "99999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_runs("--max-flows", good[i].text);
		assert_int_equal(got.flows, good[i].value);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_refused("is no count; write a whole number", "--max-flows", wrong[i]);
}

static void durations(void **state)
{
	(void)state;
	assert_runs("--idle", "1h30m");
	assert_int_equal(got.idle, 5400 * NS_PER_S);
	assert_refused("option '--idle': '5x': 'x' is no unit", "--idle=5x");
	assert_refused("option '--idle': '-5': a duration cannot be negative", "--idle", "-5");
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
	} good[] = { { "5", 5 }, { "-0.25", -0.25 }, { "1e-3", 1e-3 }, { "+2.5E2", 250 }, { ".5", 0.5 } };
	static const char *const wrong[] = { "",   "x",  "0x10", "inf",   "nan", "1,5",
					     "1 ", "1e", "--",   "1e999", "5s",  "1.2.3" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_runs("-b", good[i].text);
		assert_true(fabs(got.bits - good[i].value) < DBL_EPSILON);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_refused("is no number; write it as 5, 0.25 or 1e-3", "--bits", wrong[i]);
}

static void choices(void **state)
{
	(void)state;
	for (int i = 0; formats[i]; i++) {
		assert_runs("--format", formats[i]);
		assert_int_equal(got.format, i);
	}
	assert_refused("option '--format': 'xml' is none of text, csv, ndjson", "-Fxml");
	assert_refused("none of text, csv, ndjson; did you mean 'ndjson'?", "--format=njson");
	assert_refused("did you mean 'csv'?", "--format=CSV");
	assert_refused("is none of", "--format=");
}

static void lists(void **state)
{
	(void)state;
	assert_runs("--local-net", "10.0.0.0/8", "x", "--local-net=fc00::/7", "--local-net", "");
	assert_int_equal(got.networks.count, 3);
	assert_string_equal(got.networks.items[0], "10.0.0.0/8");
	assert_string_equal(got.networks.items[1], "fc00::/7");
	assert_string_equal(got.networks.items[2], "");
	options_free(&command);
	assert_int_equal(got.networks.count, 0);
	assert_null(got.networks.items);
	/* a failure later on leaves nothing to free */
	assert_refused("unknown option", "--local-net", "10.0.0.0/8", "--zebra");
	assert_int_equal(got.networks.count, 0);
}

/* --- help --- */

/* What --help prints to standard output. */
static char *help_of(const char *word)
{
	char *text = NULL;
	size_t size = 0;
	FILE *real = stdout, *memory = open_memstream(&text, &size);

	assert_non_null(memory);
	stdout = memory;
	enum options_result result = parse("-q", word, "--zebra");
	stdout = real;
	fclose(memory);
	assert_int_equal(result, OPTIONS_HELP_SHOWN);
	assert_null(rest);
	return text;
}

static void help_shows_the_table(void **state)
{
	static const char *const parts[] = {
		"usage: footsteps read [options] FILE ...\n\nAnalyse saved captures.\n\nFirst paragraph",
		"\n\nFirst paragraph, on two lines.\n\n  kept   as it is\n\nLast.\n\noptions:\n",
		"\n      --json",
		"\n  -q, --quiet ",
		"\n  -o, --output FILE ",
		"(one of text, csv, ndjson; default:",
		"What is inside. May be given several times.\n",
		"\n  -h, --help",
		"\nexamples:\n  footsteps read a.pcap\n      one file\n",
		"\n  footsteps read -\n      standard input\n",
		"footsteps-read(1)",
	};
	char *longer = help_of("--help"), *shorter = help_of("-h");

	(void)state;
	assert_string_equal(longer, shorter);
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!strstr(longer, parts[i]))
			fail_msg("'%s' is not in:\n%s", parts[i], longer);
	free(shorter);
	free(longer);
}

static void help_keeps_80_columns(void **state)
{
	/* every option's help starts two columns after the longest label */
	static const char *const aligned[] = {
		"\n  -q, --quiet             Say less.\n",
		"\n      --local-net PREFIX  What is inside.",
		"\n  -o, --output FILE       Where the results go, a sentence that is long enough\n"
		"                          to need a second line in the help. (default:\n"
		"                          footsteps.db)\n",
	};
	char *text = help_of("--help");

	(void)state;
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 80);
	for (size_t i = 0; i < COUNT(aligned); i++)
		if (!strstr(text, aligned[i]))
			fail_msg("'%s' is not in:\n%s", aligned[i], text);
	free(text);
}

/* --- JSON --- */

#define DEFAULTS                                                                                             \
	"{\"json\":false,\"quiet\":false,\"output\":\"footsteps.db\",\"max-flows\":0,\"idle\":0,\"bits\":0," \
	"\"format\":\"text\","                                                                               \
	"\"local-net\":[]}"

static void assert_json(const char *expected)
{
	char *text = options_json_text(&command, NULL);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void json_of_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse_words(NULL), OPTIONS_RUN);
	assert_json(DEFAULTS);
}

static void json_values(void **state)
{
	(void)state;
	assert_runs("--json", "-q", "-oa", "--max-flows=18446744073709551615", "--idle=1.5", "--bits=0.1",
		    "-Fcsv", "--local-net=a", "--local-net=b");
	assert_json("{\"json\":true,\"quiet\":true,\"output\":\"a\",\"max-flows\":18446744073709551615,"
		    "\"idle\":1.5,\"bits\":0.1,\"format\":\"csv\",\"local-net\":[\"a\",\"b\"]}");
	got.output = NULL;
	got.format = -1;
	got.idle = -1;
	got.bits = 1.0 / 3;
	char *text = options_json_text(&command, NULL);
	assert_non_null(strstr(text, "\"output\":null"));
	assert_non_null(strstr(text, "\"format\":null"));
	assert_non_null(strstr(text, "\"idle\":-0.000000001,"));
	assert_true(fabs(strtod(strstr(text, "\"bits\":") + 7, NULL) - 1.0 / 3) <= 0);
	free(text);
	got.bits = INFINITY;
	got.format = 3;
	text = options_json_text(&command, NULL);
	assert_non_null(strstr(text, "\"bits\":null,\"format\":null"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_keeps_defaults),
		cmocka_unit_test(forms_of_options),
		cmocka_unit_test(arguments_mix_with_options),
		cmocka_unit_test(unknown_options),
		cmocka_unit_test(values_missing_or_too_many),
		cmocka_unit_test(counts),
		cmocka_unit_test(durations),
		cmocka_unit_test(numbers),
		cmocka_unit_test(choices),
		cmocka_unit_test(lists),
		cmocka_unit_test(help_shows_the_table),
		cmocka_unit_test(help_keeps_80_columns),
		cmocka_unit_test(json_of_defaults),
		cmocka_unit_test(json_values),
	};

	return cmocka_run_group_tests(tests, NULL, reset);
}
