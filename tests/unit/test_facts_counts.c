/* Counts of several streams of facts, put together: the sums, the maxima and the clock of each file and of
 * all. */
#include "store/facts_counts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)

/* What a worker of a live run has counted. */
struct counting {
	struct stage_counts counts;
	struct facts_place place;
};

/* A file that goes on with the worker's stream. */
static struct facts_counts *file_of(struct counting *w)
{
	struct facts_counts *c = facts_counts_new(NULL);
	struct facts_place base = w->place, first = w->place;

	assert_non_null(c);
	base.seq = 0;
	first.seq++;
	assert_true(facts_counts_begin(c, &first, NULL));
	if (w->place.seq > 0)
		facts_counts_note(c, &base, &w->counts, 0, 0);
	return c;
}

/* Frames at these seconds, each in a chunk of its own. */
static void count_frames(struct facts_counts *c, struct counting *w, uint32_t flows, const int64_t *at,
			 unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const int64_t ts = T0 + at[i] * SECOND;
		judge_frame(&w->counts.judge, ts);
		w->counts.frames++;
		w->counts.flows.peak_flows = flows;
		w->place.seq++;
		facts_counts_note(c, &w->place, &w->counts, ts, ts);
		w->counts.judge.value[JUDGE_worst_disorder_us] = 0;
		w->counts.judge.value[JUDGE_longest_gap_s] = 0;
	}
}

static struct stage_counts sum_of(struct facts_counts *c)
{
	struct stage_counts sum;
	bool whole;

	assert_true(facts_counts_sum(c, &sum, &whole, NULL));
	facts_counts_free(c);
	return sum;
}

/* What a file of a rotated run says is of the file alone, maxima included; all together it is the trace. */
static void files_count_their_own(void **state)
{
	static const int64_t at[][3] = {
		{ 10000, 10010, 2000 }, { 2010, 2005, 2100 }, { 2101, -1900, 2200 }, { 2201, 2202, 2203 }
	};
	static const struct {
		uint64_t disordered, worst_s, jumps, gaps, longest_s, flows;
	} expected[] = { { 1, 8010, 1, 0, 0, 400 },
			 { 1, 5, 0, 1, 95, 300 },
			 { 1, 4001, 2, 1, 4100, 200 },
			 { 0, 0, 0, 0, 0, 100 } };
	struct counting one = { .place = { .session = 1 } }, all = one;
	struct facts_counts *together = file_of(&all);
	(void)state;

	for (unsigned i = 0; i < 4; i++) {
		struct facts_counts *file = file_of(&one);
		count_frames(file, &one, 400 - 100 * i, at[i], 3);
		count_frames(together, &all, 400 - 100 * i, at[i], 3);
		const struct stage_counts sum = sum_of(file);
		const uint64_t *value = sum.judge.value;
		assert_int_equal(sum.frames, 3);
		assert_int_equal(value[JUDGE_disordered], expected[i].disordered);
		assert_int_equal(value[JUDGE_worst_disorder_us], expected[i].worst_s * 1000000);
		assert_int_equal(value[JUDGE_clock_jumps], expected[i].jumps);
		assert_int_equal(value[JUDGE_gaps], expected[i].gaps);
		assert_int_equal(value[JUDGE_longest_gap_s], expected[i].longest_s);
		assert_int_equal(sum.flows.peak_flows, expected[i].flows);
	}
	const struct stage_counts sum = sum_of(together);
	assert_int_equal(sum.judge.value[JUDGE_disordered], 3);
	assert_int_equal(sum.judge.value[JUDGE_worst_disorder_us], 8010 * UINT64_C(1000000));
	assert_int_equal(sum.judge.value[JUDGE_clock_jumps], 3);
	assert_int_equal(sum.judge.value[JUDGE_gaps], 2);
	assert_int_equal(sum.judge.value[JUDGE_longest_gap_s], 4100);
	assert_int_equal(sum.flows.peak_flows, 400);
}

/* Workers that see the clock set back have seen one step; the next start may see another one. */
static void workers_see_one_step(void **state)
{
	static const int64_t at[] = { 7200, 7201, 1, 2 }, later[] = { 7300, 7301, 3, 4 };
	struct counting w[] = { { .place = { .session = 1 } },
				{ .place = { .session = 1, .worker = 1 } },
				{ .place = { .session = 2 } } };
	struct facts_counts *c = file_of(&w[0]);
	(void)state;

	for (unsigned i = 1; i < 3; i++)
		assert_true(facts_counts_begin(c,
					       &(struct facts_place){ .session = w[i].place.session,
								      .worker = w[i].place.worker,
								      .seq = 1 },
					       NULL));
	count_frames(c, &w[0], 1, at, 4);
	count_frames(c, &w[1], 1, at, 4);
	count_frames(c, &w[2], 1, later, 4);
	assert_int_equal(sum_of(c).judge.value[JUDGE_clock_jumps], 2);
}

/* Frames counted for these reasons, which may move others from one to the other. */
static void count_fragments(struct facts_counts *c, struct counting *w, unsigned frames, int alone, int used)
{
	w->counts.frames += frames;
	w->counts.account[REASON_fragment_alone] += (uint64_t)alone;
	w->counts.account[REASON_used] += (uint64_t)used;
	w->place.seq++;
	facts_counts_note(c, &w->place, &w->counts, T0, T0);
}

static void assert_account(struct facts_counts *c, uint64_t frames, uint64_t alone)
{
	const struct stage_counts sum = sum_of(c);

	assert_int_equal(sum.frames, frames);
	assert_int_equal(sum.account[REASON_fragment_alone], alone);
	assert_int_equal(sum.account[REASON_used], frames - alone);
}

/* A fragment is alone until the first one of its datagram comes (decode.h), and that may be in the next file.
 * Each file's account adds up to its own frames all the same. */
static void fragments_find_their_first_later(void **state)
{
	struct counting w = { .place = { .session = 1 } };
	(void)state;

	struct facts_counts *file = file_of(&w);
	count_fragments(file, &w, 10, 3, 7);
	assert_account(file, 10, 3);
	/* The first one of two of them. */
	file = file_of(&w);
	count_fragments(file, &w, 1, -2, 3);
	assert_account(file, 1, 0);
	/* Two of other datagrams, and the first one of the last. */
	file = file_of(&w);
	count_fragments(file, &w, 3, 1, 2);
	assert_account(file, 3, 1);

	/* The stream goes elsewhere, with two alone; their first one comes there. */
	file = file_of(&w);
	count_fragments(file, &w, 5, 2, 3);
	struct facts_counts *elsewhere = file_of(&w);
	count_fragments(elsewhere, &w, 1, -2, 3);
	assert_account(elsewhere, 1, 0);
	facts_counts_gap(file, &w.place, true);
	count_fragments(file, &w, 0, 0, 0); /* as it comes back */
	count_fragments(file, &w, 4, 1, 3);
	assert_account(file, 9, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files_count_their_own),
					    cmocka_unit_test(fragments_find_their_first_later),
					    cmocka_unit_test(workers_see_one_step) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
