/* Errors, spans, the keyed hash, the filter over it, interned names and slabs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/bloom.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/slab.h"
#include "base/span.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- span --- */

static void span_is_compared(void **state)
{
	static const char bytes[] = { 'G', 'E', 'T', '\0', ' ' };
	const struct span get = { (const uint8_t *)bytes, 3 }, whole = { (const uint8_t *)bytes, 5 },
			  none = { NULL, 0 };

	(void)state;
	assert_true(span_is(get, "GET"));
	assert_false(span_is(get, "GE"));
	assert_false(span_is(get, "GETS"));
	assert_false(span_is(get, "PUT"));
	assert_false(span_is(whole, "GET")); /* a NUL ends the text alone */
	assert_true(span_begins(whole, "GET\0", 4));
	assert_false(span_begins(get, "GET\0", 4));
	assert_true(span_begins(get, "", 0));
	assert_true(span_is(none, ""));
	assert_true(span_begins(none, "", 0));
	assert_false(span_begins(none, "x", 1));
}

/* --- error --- */

static void error_is_filled(void **state)
{
	struct error err;

	(void)state;
	assert_false(error_set(&err, EXIT_OUTPUT, "%s: %d", "disk", 7));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_string_equal(err.text, "disk: 7");
	assert_false(error_set(NULL, EXIT_INPUT, "nobody listens"));
	assert_false(error_memory(&err, "flows"));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_non_null(strstr(err.text, "flows"));
}

static void contradictions_are_blamed(void **state)
{
	(void)state;
	struct error err;

	assert_false(error_contradiction(NULL, "nobody listens"));
	assert_false(error_contradiction(&err, "%d is not %d", 1, 2));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_string_equal(err.text, "a defect of footsteps: 1 is not 2");
	assert_false(error_blame(&err, "the facts in a.db"));
	assert_int_equal(err.status, EXIT_INPUT);
	assert_string_equal(err.text, "the facts in a.db contradict each other: 1 is not 2");
	/* Nobody else is to blame for what else went wrong. */
	error_memory(&err, "flows");
	assert_false(error_blame(&err, "the facts in a.db"));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_null(strstr(err.text, "a.db"));
}

static void error_is_cut_to_its_room(void **state)
{
	struct {
		struct error err;
		char after[16];
	} box;
	char text[2000];

	(void)state;
	for (size_t n = sizeof box.err.text - 2; n <= sizeof box.err.text + 1; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		memset(&box, '#', sizeof box);
		error_set(&box.err, EXIT_USAGE, "%s", text);
		size_t kept = n < sizeof box.err.text ? n : sizeof box.err.text - 1;
		assert_int_equal(strlen(box.err.text), kept);
		assert_memory_equal(box.after, "################", sizeof box.after);
	}
}

/* --- hash --- */

static void hash_depends_on_key_and_data(void **state)
{
	struct hash_key a = hash_key_random(), b = hash_key_random();
	uint64_t data[5] = { 1, 2, 3, 4, 5 };
	uint64_t first = hash_words(&a, data, sizeof data);

	(void)state;
	/* Each of these is chance once in 2^64 runs. */
	assert_true(a.k[0] != b.k[0] || a.k[1] != b.k[1]);
	assert_true(first != hash_words(&b, data, sizeof data));
	assert_true(first == hash_words(&a, data, sizeof data));
	for (unsigned bit = 0; bit < 320; bit++) {
		data[bit / 64] ^= UINT64_C(1) << bit % 64;
		assert_true(first != hash_words(&a, data, sizeof data));
		data[bit / 64] ^= UINT64_C(1) << bit % 64;
	}
}

/* Keys that differ in a counter only must still fill the buckets: 4096 keys in 4096 buckets leave 1/e of them
 * empty. */
static void hash_spreads(void **state)
{
	struct hash_key key = hash_key_random();
	unsigned empty = 0;

	(void)state;
	for (unsigned shift = 0; shift <= 52; shift += 52) {
		uint8_t seen[4096] = { 0 };
		for (uint64_t i = 0; i < 4096; i++) {
			uint64_t data[2] = { 7, i };
			seen[hash_words(&key, data, sizeof data) >> shift & 4095] = 1;
		}
		empty = 0;
		for (size_t i = 0; i < sizeof seen; i++)
			empty += !seen[i];
		/* 1507 expected, standard deviation about 20 */
		assert_in_range(empty, 1507 - 200, 1507 + 200);
	}
}

/* --- bloom --- */

/* Four keys to a word: with k of them in a word of 64 bits, three bits of another are all set with about
 * (1 - (63/64)^(3k))^3; over the Poisson distribution of k around 4 that is 0.8 %. */
static void bloom_finds_what_it_has(void **state)
{
	struct hash_key key = hash_key_random();
	struct bloom b = { 0 };
	unsigned others = 0;

	(void)state;
	assert_false(bloom_has(&b, 1));
	assert_true(bloom_reserve(&b, 65536));
	for (uint64_t i = 0; i < 65536; i++)
		assert_false(bloom_has(&b, hash_words(&key, &i, sizeof i)));
	for (uint64_t i = 0; i < 65536; i++)
		bloom_add(&b, hash_words(&key, &i, sizeof i));
	for (uint64_t i = 0; i < 65536; i++)
		assert_true(bloom_has(&b, hash_words(&key, &i, sizeof i)));
	for (uint64_t i = 65536; i < 165536; i++)
		others += bloom_has(&b, hash_words(&key, &i, sizeof i));
	assert_in_range(others, 400, 1200);
	bloom_drop(&b);
	assert_false(bloom_has(&b, 1));
	assert_true(bloom_reserve(&b, 0));
	assert_false(bloom_has(&b, 1));
	bloom_add(&b, 1);
	assert_true(bloom_has(&b, 1));
	bloom_drop(&b);
}

/* --- intern --- */

static void intern_gives_one_pointer(void **state)
{
	struct intern *table = intern_new();
	char first[] = "Skype_TeamsCall", second[] = "Skype_TeamsCall";
	const char *kept = intern(table, first);

	(void)state;
	assert_string_equal(kept, "Skype_TeamsCall");
	assert_ptr_not_equal(kept, first);
	assert_ptr_equal(kept, intern(table, second));
	memset(first, 'x', sizeof first - 1);
	assert_string_equal(kept, "Skype_TeamsCall");
	assert_ptr_not_equal(kept, intern(table, "Skype_TeamsCal"));
	assert_string_equal(intern(table, ""), "");
	assert_ptr_equal(intern(table, ""), intern(table, ""));
	intern_free(table);
	intern_free(NULL);
}

static void intern_many(void **state)
{
	enum { MANY = 5000 };
	static const char *kept[MANY];
	struct intern *table = intern_new();
	char text[64];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(text, sizeof text, "%.*s%u", (int)(i % 40),
				 "a name of nearly forty characters in all", i);
			const char *got = intern(table, text);
			assert_string_equal(got, text);
			if (round == 0)
				kept[i] = got;
			else
				assert_ptr_equal(got, kept[i]);
		}
	}
	intern_free(table);
}

/* --- slab --- */

static void slab_objects_are_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 8, 15, 16, 17, 64, 100, 128, 448 };
	enum { OBJECTS = 50 };
	unsigned char *objects[OBJECTS];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct slab *slab = slab_new(sizes[i], 7);
		assert_non_null(slab);
		for (size_t n = 0; n < OBJECTS; n++) {
			objects[n] = slab_get(slab);
			assert_non_null(objects[n]);
			assert_int_equal((uintptr_t)objects[n] % (sizes[i] % 64 == 0 ? 64 : 16), 0);
			memset(objects[n], (int)n, sizes[i]);
		}
		assert_int_equal(slab_in_use(slab), OBJECTS);
		for (size_t n = 0; n < OBJECTS; n++)
			for (size_t byte = 0; byte < sizes[i]; byte++)
				assert_int_equal(objects[n][byte], n);
		slab_free(slab);
	}
	slab_free(NULL);
}

/* Memory goes back when nothing is in use, and not before; then the slab begins anew. */
static void slab_is_trimmed(void **state)
{
	struct slab *slab = slab_new(100, 4);
	unsigned char *objects[10];

	(void)state;
	assert_non_null(slab);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 10; i++) {
			objects[i] = slab_get(slab);
			assert_non_null(objects[i]);
			memset(objects[i], (int)i, 100);
		}
		slab_trim(slab);
		for (unsigned i = 0; i < 10; i++) {
			assert_int_equal(objects[i][99], i); /* under ASan: it was not freed */
			slab_put(slab, objects[i]);
		}
		slab_trim(slab);
		assert_int_equal(slab_in_use(slab), 0);
	}
	slab_free(slab);
}

static void slab_reuses_the_last_freed(void **state)
{
	struct slab *slab = slab_new(48, 4);
	void *a = slab_get(slab), *b = slab_get(slab), *c = slab_get(slab);

	(void)state;
	slab_put(slab, a);
	slab_put(slab, c);
	slab_put(slab, NULL);
	assert_int_equal(slab_in_use(slab), 1);
	assert_ptr_equal(slab_get(slab), c);
	assert_ptr_equal(slab_get(slab), a);
	void *d = slab_get(slab);
	assert_true(d != a && d != b && d != c);
	assert_int_equal(slab_in_use(slab), 4);
	slab_free(slab);
}

static void slab_refuses_the_impossible(void **state)
{
	(void)state;
	assert_null(slab_new(SIZE_MAX / 2, 4));
	assert_null(slab_new(16, SIZE_MAX / 8));
	struct slab *slab = slab_new(16, 0);
	assert_non_null(slab);
	assert_non_null(slab_get(slab));
	assert_non_null(slab_get(slab));
	slab_free(slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_is_compared),
		cmocka_unit_test(error_is_filled),
		cmocka_unit_test(contradictions_are_blamed),
		cmocka_unit_test(error_is_cut_to_its_room),
		cmocka_unit_test(hash_depends_on_key_and_data),
		cmocka_unit_test(hash_spreads),
		cmocka_unit_test(bloom_finds_what_it_has),
		cmocka_unit_test(intern_gives_one_pointer),
		cmocka_unit_test(intern_many),
		cmocka_unit_test(slab_objects_are_aligned_and_apart),
		cmocka_unit_test(slab_is_trimmed),
		cmocka_unit_test(slab_reuses_the_last_freed),
		cmocka_unit_test(slab_refuses_the_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
