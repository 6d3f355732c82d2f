/*
 * N3: signalling over UDP (D11) by the minute (runs of at most SERIES_MINUTES_NS), hour and day, UTC.
 *
 * A flow between two clients counts once. Each packet and its payload count in the period that they came in,
 * as far as the message log tells; what is beyond it (and packets without payload) is spread evenly from the
 * last logged message to the end of the flow, so that the sums over all periods are exact. A client is active
 * in a period in which it exchanged a packet, and new in that of its first one, both of media as well (D13).
 *
 * Periods without anything have no row. Bounded: SERIES_ROWS_MAX rows of the shortest period; a client is
 * counted as active if its life has at most SERIES_CLIENT_MAX of these periods, SERIES_ACTIVE_MAX in all.
 */
#ifndef FS_BEHAVE_SERIES_H
#define FS_BEHAVE_SERIES_H
#include "base/clock.h"
#include "behave/labelled.h"

#define SERIES_MINUTES_NS (6 * 3600 * NS_PER_S) /* 360 points: as many as a figure can show */
#define SERIES_ROWS_MAX   200000U               /* 72 bytes each: 22 years of hours of one protocol */
#define SERIES_CLIENT_MAX 8784U                 /* 366 days of hours */
#define SERIES_ACTIVE_MAX 67108864U             /* bits */

/* name, seconds */
#define PERIODS(X) X(minute, 60) X(hour, 3600) X(day, 86400)
enum period {
#define X(name, seconds) PERIOD_##name,
	PERIODS(X)
#undef X
		PERIOD_COUNT
};
extern const char *const period_names[PERIOD_COUNT];

struct period_row {
	uint8_t protocol, period;
	int64_t start_ns;
	uint64_t flows, packets, payload; /* flows: begun; payload: on the wire */
	uint32_t active_clients, new_clients, logins, calls;
};

struct series;
/* clients: borrowed. run_ns: from its first to its last packet. */
struct series *series_new(const struct measured_client *client, uint32_t clients, int64_t run_ns,
			  int64_t idle_ns, struct error *err);
void series_free(struct series *s);
/* A UDP flow; both sides of one between two clients come one after the other. False: out of memory. */
bool series_add(struct series *s, const struct labelled_flow *f, struct error *err);
bool series_login(struct series *s, unsigned protocol, int64_t ns, struct error *err);
bool series_call(struct series *s, unsigned protocol, int64_t ns, struct error *err);
/* Everything is there: makes the rows, by protocol, period and start. */
bool series_finish(struct series *s, struct error *err);
uint32_t series_count(const struct series *s);
const struct period_row *series_at(const struct series *s, uint32_t i);
/* Times that something had no row, and clients that are not counted as active. */
uint64_t series_refused(const struct series *s);
uint32_t series_refused_clients(const struct series *s);
#endif
