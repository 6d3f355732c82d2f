/* What all protocols offer to those who want to stop them: tables that keep the promises of
 * identify/strategy.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "identify/patterns.h"
#include <stdio.h>
#include <string.h>

static bool has_text(const char *text)
{
	return text && text[0];
}

/* A name of these characters and digits; also what else may be in it. */
static void check_key(const char *name, char also)
{
	assert_true(has_text(name));
	for (const char *c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != also)
			fail_msg("'%s' has a '%c'", name, *c);
}

static void check_sentence(const char *name, const char *text)
{
	if (!has_text(text) || text[strlen(text) - 1] != '.' || strstr(text, "  "))
		fail_msg("%s: '%s' is no sentence", name, text ? text : "");
}

/* Words of a line, which are put into sentences. */
static void check_phrase(const char *name, const char *text)
{
	if (!has_text(text) || text[strlen(text) - 1] == '.' || strchr(text, '\n') || strstr(text, "  "))
		fail_msg("%s: '%s' is no phrase", name, text ? text : "");
}

/* As identify/strategy.h promises. */
static void check_pattern(const struct packet_pattern *pattern)
{
	check_key(pattern->name, '_');
	check_phrase(pattern->name, pattern->words);
	assert_true(pattern->l4 == IPPROTO_TCP || pattern->l4 == IPPROTO_UDP);
	assert_true(pattern->shortest > 0);
	assert_true(pattern->longest == 0 || pattern->longest >= pattern->shortest);
	assert_in_range(pattern->test_count, 1, PATTERN_TESTS_MAX);
	for (unsigned i = 0; i < PATTERN_TESTS_MAX; i++) {
		const struct pattern_test *test = &pattern->test[i];
		if (i >= pattern->test_count) {
			assert_int_equal(test->length, 0); /* forgotten in test_count */
			continue;
		}
		assert_in_range(test->length, 1, PATTERN_BYTES_MAX);
		assert_true(!test->differs || test->length == 1);
		assert_in_range(test->offset + test->length, 1, pattern->shortest);
		for (unsigned b = test->length; b < PATTERN_BYTES_MAX; b++)
			assert_int_equal(test->value[b], 0); /* forgotten in length */
	}
}

static void check_strategy(const struct protocol *p, const struct block_strategy *s)
{
	char name[100];

	check_key(s->name, '-');
	check_phrase(s->name, s->summary);
	check_sentence(s->name, s->reason);
	check_sentence(s->name, s->cost);
	check_sentence(s->name, s->weakness);
	assert_int_equal(s->patterns != 0, s->kind == STRATEGY_PATTERNS);
	assert_int_equal(s->patterns >> p->pattern_count, 0);
	assert_int_equal(s->roles != 0, s->kind == STRATEGY_SERVERS);
	assert_int_equal(s->roles >> ROLE_COUNT, 0);
	assert_int_equal(s->roles & 1U << ROLE_none, 0);
	/* Of tables, chains and sets: src/rules/rules.h. */
	assert_in_range(snprintf(name, sizeof name, "footsteps_%s_%s", p->name, s->name), 1, 28);
}

static void test_patterns_and_strategies(void **state)
{
	unsigned patterns = 0;

	(void)state;
	for (unsigned i = 0; i < protocol_count; i++) {
		const struct protocol *p = protocols[i];
		unsigned used = 0;
		patterns += p->pattern_count;
		for (unsigned a = 0; a < p->pattern_count; a++) {
			check_pattern(&p->patterns[a]);
			for (unsigned b = 0; b < a; b++)
				assert_string_not_equal(p->patterns[a].name, p->patterns[b].name);
		}
		for (unsigned a = 0; a < p->strategy_count; a++) {
			check_strategy(p, &p->strategies[a]);
			used |= p->strategies[a].patterns;
			for (unsigned b = 0; b < a; b++)
				assert_string_not_equal(p->strategies[a].name, p->strategies[b].name);
		}
		assert_true(p->recommended < p->strategy_count || p->strategy_count == 0);
		for (unsigned a = 0; a < p->pattern_count; a++)
			assert_string_not_equal(p->patterns[a].name, "never"); /* nft's counter of --never */
		assert_int_equal(used, (1U << p->pattern_count) - 1); /* none that no strategy needs */
		assert_true(!p->relayed || (p->relayed >= p->kinds && p->relayed < p->kinds + p->kind_count));
		assert_true(!p->relayed || p->relayed->about == ABOUT_FLOW);
	}
	assert_in_range(patterns, 1, PATTERNS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_patterns_and_strategies) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
