/*
 * What the first 64 bits of Skype's media look like to the chi-square test (recognition 6): Bonfiglio et al.,
 * SIGCOMM 2007, section 3. Bit g is group g + 1 of the paper, 4 bits each; groups 5 and 6 are byte 2, the
 * function.
 */
#include "dissectors/skype/skype.h"

#define GROUPS(from, to) ((uint16_t)(((1U << ((to) - (from) + 1)) - 1) << ((from)-1)))
_Static_assert(GROUPS(5, 6) == 0x0030, "groups are counted from 1");

const struct csc_rule skype_csc_rules[SKYPE_CSC_RULES] = {
	{ "end-to-end", "only byte 2 of the payload is not random, as in voice between two clients",
	  GROUPS(5, 6), GROUPS(1, 4) | GROUPS(7, 16), false },
	/*
	 * The paper's messages have random ids. Those of our captures are a counter of the sender (wire A2),
	 * whose high bits move little in a call: the client of 2006 has 1165 and 929 in groups 1 and 2. Bytes
	 * 0-1 may then be anything.
	 */
	{ "end-to-end, counted", "only byte 2 and the message id before it are not random", GROUPS(5, 6),
	  GROUPS(7, 16), false },
	/* OpenVPN's data channel begins like this, too: a peer id, and then random (docs/statistics.md). */
	{ "gateway",
	  "a constant connection id of 4 bytes, and random bytes behind it, as in calls to telephones",
	  GROUPS(1, 8), GROUPS(9, 16), true },
};

const struct csc_rule skype_csc_tcp = { "tcp", "everything is random", 0, GROUPS(1, 16), false };
