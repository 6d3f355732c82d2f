/*
 * How often a measure took which value: what the distribution figures and `footsteps compare` are made of, in
 * a size that depends on the number of different values and not on the traffic.
 *
 * Times are rounded to three significant digits (an error of 0.5 % at most, less than a figure shows), so
 * that a measure has at most 900 values for each power of ten. Bounded by DISTRIBUTION_VALUES_MAX values in
 * all; what is beyond is counted.
 */
#ifndef FS_BEHAVE_DISTRIBUTIONS_H
#define FS_BEHAVE_DISTRIBUTIONS_H
#include "base/error.h"
#include "base/hash.h"
#include "base/row_index.h"

#define DISTRIBUTION_VALUES_MAX 2000000U

/* name, rounded, words */
#define MEASURES(X)                                                                                          \
	X(source_flow_packets, false, "R4: packets of a source flow (D2) of signalling over UDP")            \
	X(source_flow_us, true, "R5: its duration, microseconds")                                            \
	X(payload_out, false, "R8: payload of a signalling message over UDP sent by the client, bytes")      \
	X(payload_in, false, "R8: ... received by it")                                                       \
	X(contacts, false, "R2: peers exchanged a packet with in 5 minutes of the client's lifetime")        \
	X(round_trip_echo_us, true, "R11: from a question to the reply with its message id, microseconds")   \
	X(round_trip_reply_us, true, "R11: from the first packet sent to the first received after it")
enum measure_name {
#define X(name, rounded, words) MEASURE_##name,
	MEASURES(X)
#undef X
		MEASURE_COUNT
};
extern const char *const measure_names[MEASURE_COUNT];

enum measure_class { CLASS_PROBE, CLASS_NON_PROBE, CLASS_INTERNAL, CLASS_EXTERNAL, MEASURE_CLASS_COUNT };
extern const char *const measure_class_names[MEASURE_CLASS_COUNT]; /* "probe", "non-probe", ... */

struct distribution_value {
	uint8_t protocol, measure, class;
	int64_t value;
	uint64_t count;
};

struct distributions { /* zeroed but for the key: empty */
	struct hash_key key;
	struct row_index index;
	struct distribution_value *value;
	uint32_t values, room;
	uint64_t refused;
};

void distributions_drop(struct distributions *d);
/* False only when out of memory. */
bool distributions_add(struct distributions *d, unsigned protocol, enum measure_name measure,
		       enum measure_class class, int64_t value, uint64_t times, struct error *err);
/* By protocol, measure, class and value; the index is not to be used after it. */
void distributions_sort(struct distributions *d);
/* Three significant digits. */
int64_t distribution_round(int64_t value);
#endif
