/* How far a rate that was counted may be from the true one. */
#ifndef FS_BASE_INTERVAL_H
#define FS_BASE_INTERVAL_H
#include <stdint.h>

struct interval {
	double low, high;
};

/*
 * The 95 % interval of a rate of which `hits` of `trials` were seen, each independent of the others: Clopper
 * and Pearson 1934, which holds at least 95 % whatever the rate is, also for no hit at all. hits <= trials;
 * of no trials nothing is known: 0 ... 1.
 */
struct interval interval_of_rate(uint64_t hits, uint64_t trials);
#endif
