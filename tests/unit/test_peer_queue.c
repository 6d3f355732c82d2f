/* The event queue of virtual time, against a sorted list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/rng.h"
#include "peer/queue.h"
#include <stdlib.h>

#define BEGINS (INT64_C(1156500000) * NS_PER_S) /* 2006-08-25 */
#define WEEK   (7 * INT64_C(86400) * NS_PER_S)

struct expected {
	int64_t ns;
	uint64_t what;
};

static int compare(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->what > y->what) - (x->what < y->what);
}

static void queue_is_sorted(const int64_t *times, size_t count)
{
	struct expected *expected = calloc(count, sizeof *expected);
	struct queue *q = queue_new();
	struct queue_event event;

	assert_non_null(expected);
	assert_non_null(q);
	for (size_t i = 0; i < count; i++) {
		expected[i] = (struct expected){ times[i], i };
		assert_true(queue_push(q, times[i], NULL, q, i));
	}
	assert_int_equal(queue_size(q), count);
	qsort(expected, count, sizeof *expected, compare);
	for (size_t i = 0; i < count; i++) {
		assert_true(queue_pop(q, INT64_MAX, &event));
		assert_int_equal(event.ns, expected[i].ns);
		assert_int_equal(event.what, expected[i].what);
		assert_ptr_equal(event.self, q);
	}
	assert_false(queue_pop(q, INT64_MAX, &event));
	assert_false(queue_failed(q));
	queue_free(q);
	free(expected);
}

static void equal_times_keep_their_order(void **state)
{
	const int64_t times[] = { BEGINS + 1, BEGINS, BEGINS, BEGINS + 1, BEGINS };

	(void)state;
	queue_is_sorted(times, sizeof times / sizeof times[0]);
}

/* On both sides of what each digit of the wheel can hold, and of 1970. */
static void any_time_is_right(void **state)
{
	int64_t times[3 * 126 + 3];
	size_t count = 0;

	(void)state;
	for (unsigned bit = 0; bit < 63; bit++)
		for (int64_t near = -1; near <= 1; near++) {
			times[count++] = (INT64_C(1) << bit) + near;
			times[count++] = -(INT64_C(1) << bit) + near;
		}
	times[count++] = INT64_MAX;
	times[count++] = INT64_MIN;
	times[count++] = 0;
	queue_is_sorted(times, count);
}

static void a_week_at_random(void **state)
{
	enum { COUNT = 200000 };
	int64_t *times = malloc(COUNT * sizeof *times);
	struct rng rng = rng_seeded(1);

	(void)state;
	assert_non_null(times);
	for (size_t i = 0; i < COUNT; i++)
		times[i] = BEGINS + (int64_t)(rng_next(&rng) % (uint64_t)WEEK);
	queue_is_sorted(times, COUNT);
	free(times);
}

static void nothing_comes_before_its_time(void **state)
{
	struct queue *q = queue_new();
	struct queue_event event;

	(void)state;
	assert_non_null(q);
	assert_false(queue_pop(q, INT64_MAX, &event));
	assert_true(queue_push(q, BEGINS + NS_PER_S, NULL, NULL, 1));
	assert_false(queue_pop(q, BEGINS + NS_PER_S - 1, &event));
	/* The queue has looked ahead; what is pushed before that comes first all the same. */
	assert_true(queue_push(q, BEGINS + 7, NULL, NULL, 2));
	assert_true(queue_push(q, BEGINS + 5, NULL, NULL, 3));
	assert_true(queue_pop(q, BEGINS + 5, &event));
	assert_int_equal(event.what, 3);
	assert_true(queue_pop(q, INT64_MAX, &event));
	assert_int_equal(event.what, 2);
	assert_true(queue_pop(q, BEGINS + NS_PER_S, &event));
	assert_int_equal(event.what, 1);
	assert_int_equal(queue_size(q), 0);
	queue_free(q);
}

struct ticking {
	struct queue *queue;
	struct rng rng;
	int64_t now;
	unsigned left;
};

static void tick(void *self, uint64_t what)
{
	struct ticking *t = self;

	/* From microseconds to days: all levels are in use at the same time. */
	if (t->left > 0 && t->left-- > 0)
		assert_true(queue_push(t->queue,
				       t->now + (int64_t)(rng_next(&t->rng) >> (16 + rng_below(&t->rng, 44))),
				       tick, t, what + 1));
}

static void events_push_events(void **state)
{
	struct ticking t = { .queue = queue_new(), .rng = rng_seeded(2), .now = BEGINS, .left = 100000 };
	struct queue_event event;
	unsigned popped = 0;

	(void)state;
	assert_non_null(t.queue);
	for (uint64_t i = 0; i < 100; i++)
		assert_true(queue_push(t.queue, BEGINS + (int64_t)i, tick, &t, 0));
	for (; queue_pop(t.queue, INT64_MAX, &event); popped++) {
		assert_true(event.ns >= t.now);
		t.now = event.ns;
		event.fn(event.self, event.what);
	}
	assert_int_equal(popped, 100100);
	queue_free(t.queue);
	queue_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_times_keep_their_order),
		cmocka_unit_test(any_time_is_right),
		cmocka_unit_test(a_week_at_random),
		cmocka_unit_test(nothing_comes_before_its_time),
		cmocka_unit_test(events_push_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
