/* What options.h does to text: wrapping, and the search for the nearest word. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char *wrapped(const char *text, size_t indent, size_t at)
{
	char *out = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&out, &size);

	assert_non_null(memory);
	options_wrap(memory, text, indent, at);
	fclose(memory);
	return out;
}

static void wrap_breaks_at_column_80(void **state)
{
	char words[200], expected[200];

	(void)state;
	/* from column 4, n letters, a space and two letters: on one line as long as they end by column 80 */
	for (int n = 1; n <= 90; n++) {
		char xs[100];
		memset(xs, 'x', (size_t)n);
		xs[n] = '\0';
		snprintf(words, sizeof words, "%s yy", xs);
		snprintf(expected, sizeof expected, "%s%syy\n", xs, 4 + n + 3 <= 80 ? " " : "\n    ");
		char *out = wrapped(words, 4, 4);
		assert_string_equal(out, expected);
		free(out);
	}
	char *out = wrapped("a\nb\n\n  c d\ne", 2, 0);
	assert_string_equal(out, "  a b\n\n    c d\n  e\n");
	free(out);
	out = wrapped("", 2, 0);
	assert_string_equal(out, "");
	free(out);
	out = wrapped("grün ist hübsch", 0, 65); /* 15 columns, 17 bytes */
	assert_string_equal(out, "grün ist hübsch\n");
	free(out);
	out = wrapped("grün ist hübsch", 0, 66);
	assert_string_equal(out, "grün ist\nhübsch\n");
	free(out);
}

static void nearest_words(void **state)
{
	static const char *const known[] = { "read",   "show",  "report", "man", "completion",
					     "filter", "flows", "o",      NULL };
	static const struct {
		const char *word, *nearest;
	} rows[] = {
		{ "raed", "read" },  /* swapped */
		{ "rea", "read" },   /* missing */
		{ "reead", "read" }, /* doubled */
		{ "resd", "read" },  /* replaced */
		{ "READ", "read" },  /* case */
		{ "filtr", "filter" },
		{ "fitler", "filter" },
		{ "fi", "filter" }, /* a beginning */
		{ "comp", "completion" },
		{ "complition", "completion" },
		{ "repotr", "report" },
		{ "read", "read" },
		{ "rep", "report" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "z", NULL },
		{ "serve", NULL },
		{ "filtering", "filter" }, /* more than a known word */
		{ "manual", "man" },
		{ "order", NULL },   /* "o" says too little */
		{ "already", NULL }, /* three deletions in seven letters */
		{ "f", NULL },       /* one letter says too little */
		{ "fl", "flows" },
		{ "mna", "man" },
		{ "a word longer than anything that anybody would type as a command", NULL },
	};
	static const char *const none[] = { NULL };
	static const char *const tie[] = { "bat", "cat", NULL };
	static const char *const huge[] = { "a known word longer than anything that anybody would type",
					    NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *found = nearest_word(rows[i].word, known);
		if (!rows[i].nearest && found)
			fail_msg("'%s' found '%s'", rows[i].word, found);
		if (rows[i].nearest && (!found || strcmp(found, rows[i].nearest) != 0))
			fail_msg("'%s' found '%s' instead of '%s'", rows[i].word, found ? found : "nothing",
				 rows[i].nearest);
	}
	assert_null(nearest_word("read", none));
	assert_string_equal(nearest_word("hat", tie), "bat");
	assert_null(nearest_word("a kn", huge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrap_breaks_at_column_80),
		cmocka_unit_test(nearest_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
