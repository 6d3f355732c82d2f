/*
 * Whether two samples come from one distribution: the two-sample Kolmogorov-Smirnov test, over values that
 * each have a count. What its numbers can and cannot tell: docs/statistics.md.
 */
#ifndef FS_BEHAVE_TWO_SAMPLE_H
#define FS_BEHAVE_TWO_SAMPLE_H
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct sample_value {
	double value;
	uint64_t count; /* how often it was seen; at least 1 */
};
struct sample { /* zeroed: empty */
	struct sample_value *value;
	size_t values, room;
	uint64_t count; /* sum of the counts */
};
/* Values must come in ascending order; equal ones are put together, those counted 0 times left out. False:
 * out of memory. */
bool sample_add(struct sample *s, double value, uint64_t count, struct error *err);
void sample_drop(struct sample *s);
/* The least value that at least this share (above 0, at most 1) of the sample does not exceed: always one
 * that was seen. The sample must not be empty. */
double sample_quantile(const struct sample *s, double share);

struct two_sample {
	double d; /* the greatest distance of the two cumulative curves, 0 to 1: the greater of these */
	double b_larger;  /* the most by which A's curve is above B's: B has the larger values there */
	double b_smaller; /* ... by which it is below */
	double at;        /* the first value where the distance is d */
	double effective; /* n m / (n + m): the size that a p-value is reckoned with */
	double p;         /* asymptotic: chance of such a d or more if both were one distribution */
};
/* Neither sample may be empty. */
struct two_sample two_sample_test(const struct sample *a, const struct sample *b);

/* Kolmogorov's distribution: the limit of P(sqrt(effective) d >= lambda). */
double kolmogorov_tail(double lambda);

/* What that means, in one word. */
#define SHIFTS(X)                                                                                            \
	X(few, "too few")                                                                                    \
	X(same, "same")                                                                                      \
	X(slight, "slight")                                                                                  \
	X(up, "up")                                                                                          \
	X(down, "down")                                                                                      \
	X(shape, "other shape")
enum shift {
#define X(name, words) SHIFT_##name,
	SHIFTS(X)
#undef X
		SHIFT_COUNT
};
extern const char *const shift_words[SHIFT_COUNT];
enum shift two_sample_judge(const struct two_sample *t);
#endif
