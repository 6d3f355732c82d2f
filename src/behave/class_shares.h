/*
 * N2: pair classes (D10) as they would be with another inactivity timeout. RMM (section II) finds that "the
 * results are only very marginally affected by the choice of the inactivity timer, as far as it is up to a
 * few minutes".
 */
#ifndef FS_BEHAVE_CLASS_SHARES_H
#define FS_BEHAVE_CLASS_SHARES_H
#include "behave/bursts.h"

/* One to ten minutes, closer where RMM's own choice is. */
#define CLASS_TIMEOUTS 11
extern const int64_t class_timeouts_ns[CLASS_TIMEOUTS]; /* ascending */

struct class_share {
	uint64_t pairs;
	uint64_t flows, packets; /* of their signalling, both ways */
};

/*
 * After burst_table_arrange(). client: by number - 1; share[protocol][class] is added to. With the timeout of
 * the run itself this is what pair_class_of() makes of the pairs.
 */
void class_shares_count(const struct burst_table *bursts, const struct pair_table *pairs,
			const struct measured_client *client, int64_t timeout_ns,
			struct class_share (*share)[PAIR_CLASS_COUNT]);
#endif
