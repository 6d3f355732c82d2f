/*
 * A progress line on stderr for long work: bytes, percent, packets/s, time left. Silent unless stderr is a
 * terminal. This is the one place of the analysis that looks at the wall clock, and nothing reads it back.
 */
#ifndef FS_BASE_PROGRESS_H
#define FS_BASE_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

struct progress;
/* total 0: unknown (stdin, compressed stream); enabled false: every call is free. NULL is accepted
 * everywhere. */
struct progress *progress_new(const char *what, uint64_t total_bytes, bool enabled);
/* The same for work that is counted in packets alone. */
struct progress *progress_new_packets(const char *what, uint64_t total_packets, bool enabled);
/* Draws at most ten times a second. Looks at the clock each time, which costs more than a packet may: for a
 * batch of them or more. */
void progress_update(struct progress *p, uint64_t done_bytes, uint64_t packets);
/* For work in a few long steps: "report 12 of 48  R4". Draws at once. */
void progress_step(struct progress *p, uint64_t done, uint64_t total, const char *step);
/* Wipes the line. */
void progress_free(struct progress *p);
#endif
