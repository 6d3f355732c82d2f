/*
 * Time without a clock: int64 nanoseconds since 1970-01-01T00:00:00Z, taken from packets.
 * Nothing here asks the system for the time.
 */
#ifndef FS_BASE_CLOCK_H
#define FS_BASE_CLOCK_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

/* Whole periods since 1970, rounded down: time_periods(ns, DAY_NS) * DAY_NS is the beginning of the day, also
 * of one before 1970. */
static inline int64_t time_periods(int64_t ns, int64_t period)
{
	return ns / period - (ns % period < 0);
}

/* "2006-08-25T19:31:04.123456Z" needs 28 bytes with its NUL; years up to 9999. */
#define UTC_TEXT 32
size_t utc_format(int64_t ns, char out[UTC_TEXT]);

/* A duration as the field writes it: "200s", "1h30m", "250ms", "2d"; a bare number is seconds. */
bool duration_parse(const char *text, int64_t *ns, struct error *err);

/* "1.5 s", "3 min 20 s", "2 h 5 min": for people. */
#define DURATION_TEXT 32
size_t duration_format(int64_t ns, char out[DURATION_TEXT]);
#endif
