/*
 * The judgement of the trace itself: what is wrong with it that a reader of the results must know. Every tool
 * accepts disorder, gaps and one-sided conversations without a word; here they are counted and stored with
 * the run.
 */
#ifndef FS_BEHAVE_JUDGE_H
#define FS_BEHAVE_JUDGE_H
#include "capture/source.h"
#include "identify/record.h"

/* A step of more than an hour, either way, is a clock that was set. */
#define JUDGE_JUMP_NS INT64_C(3600000000000)
/* A minute without any packet. */
#define JUDGE_GAP_NS INT64_C(60000000000)

/* name, words */
#define JUDGEMENTS(X)                                                                                        \
	X(disordered, "frames older than the one before them")                                               \
	X(worst_disorder_us, "... the largest step back, in microseconds")                                   \
	X(clock_jumps, "steps of more than an hour, either way")                                             \
	X(untimed, "frames whose time the file does not say, or beyond January 2043")                        \
	X(gaps, "times that no packet came for more than a minute")                                          \
	X(longest_gap_s, "... the longest, in seconds")                                                      \
	X(snapped, "packets whose payload was cut by the snap length")                                       \
	X(patterns_untold, "... of these, too short to tell whether a block rule's pattern fits")            \
	X(duplicates, "packets that look like copies made by a span port")                                   \
	X(retransmitted, "TCP segments without a new byte")                                                  \
	X(heads_lost, "TCP directions that could not be followed past a gap")                                \
	X(one_sided_tcp, "TCP flows with payload in which one side never said anything")                     \
	X(missing_start, "TCP flows whose start was not captured")                                           \
	X(missing_end, "TCP flows without FIN or RST before they ended")                                     \
	X(dropped, "packets dropped by the capturing system, as the files say")                              \
	X(fragments, "IP fragments")

enum judgement {
#define X(name, words) JUDGE_##name,
	JUDGEMENTS(X)
#undef X
		JUDGEMENT_COUNT
};
extern const char *const judgement_names[JUDGEMENT_COUNT];
extern const char *const judgement_words[JUDGEMENT_COUNT];

struct judge {
	int64_t last_ns, greatest_ns, first_ns; /* greatest, least: over all frames */
	bool begun;
	uint64_t value[JUDGEMENT_COUNT];
	uint64_t steps_back; /* of the clock jumps: with several workers those forward are told by silence */
};

/* Every frame, in the order of the trace. */
static inline void judge_frame(struct judge *j, int64_t ts_ns)
{
	if (!j->begun) {
		j->begun = true;
		j->first_ns = j->greatest_ns = j->last_ns = ts_ns;
		return;
	}
	int64_t step = ts_ns - j->last_ns;
	j->last_ns = ts_ns;
	if (__builtin_expect(step < 0 || step > JUDGE_GAP_NS, 0)) {
		if (step < 0) {
			j->value[JUDGE_disordered]++;
			if ((uint64_t)(-step / 1000) > j->value[JUDGE_worst_disorder_us])
				j->value[JUDGE_worst_disorder_us] = (uint64_t)(-step / 1000);
			j->steps_back += step < -JUDGE_JUMP_NS;
		} else {
			j->value[JUDGE_gaps]++;
			if ((uint64_t)(step / 1000000000) > j->value[JUDGE_longest_gap_s])
				j->value[JUDGE_longest_gap_s] = (uint64_t)(step / 1000000000);
		}
		if (step > JUDGE_JUMP_NS || step < -JUDGE_JUMP_NS)
			j->value[JUDGE_clock_jumps]++;
	}
	if (ts_ns > j->greatest_ns)
		j->greatest_ns = ts_ns;
	if (ts_ns < j->first_ns)
		j->first_ns = ts_ns;
}

/* A trace that goes on with another one, or runs beside it: sums and maxima. The step from the one to the
 * other is the caller's to judge. */
void judge_add(struct judge *sum, const struct judge *one);
/* Every closed flow. */
void judge_flow(struct judge *j, const struct flow_record *r);
#endif
