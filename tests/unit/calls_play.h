/* Two protocols, a talk between two ends, and when it all begins; for test_calls.c and test_media_verdict.c.
 */
#ifndef FS_TEST_CALLS_PLAY_H
#define FS_TEST_CALLS_PLAY_H
#include "base/clock.h"
#include "behave/calls.h"
#include "behave/emodel.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Two protocols; the second tells its media by payload, over UDP by either of two rules. */
static const struct csc_rule rules[] = {
	{ "first", "group 1 is fixed", 0x0001, 0xfffe, false },
	{ "second", "groups 1-8 are fixed", 0x00ff, 0xff00, true },
};
static const struct csc_rule over_tcp = { "tcp", "everything is random", 0, 0xffff, false };
static const struct protocol open_one = { .name = "open" };
static const struct protocol secret = {
	.name = "secret", .csc_rules = rules, .csc_rule_count = 2, .csc_tcp = &over_tcp
};
enum { OPEN, SECRET };
const struct protocol *const protocols[] = { &open_one, &secret };
const unsigned protocol_count = 2;
const struct dissector *const dissectors[] = { NULL };
const unsigned dissector_count = 0;

#define T0         INT64_C(1156500000000000000)
#define S(seconds) (T0 + (int64_t)((seconds)*1e9))
#define UDP        IPPROTO_UDP
#define TCP        IPPROTO_TCP

/* A voice of 20 seconds in one direction, 33 messages a second, without a format. */
static inline struct stream_report voice(enum direction dir)
{
	return (struct stream_report){
		.dir = dir,
		.first_ns = S(0),
		.last_ns = S(20),
		.packets = 660,
		.payload = 660 * 60,
		.size_min = 40,
		.size_max = 120,
		.gap_mean_ms = 30,
		.csc_messages = 660,
		.csc_above = 0x0fff, /* nothing that a rule would pass */
		.voice = { .size = -3, .gap = -2, .belief = -3, .codec_mode = -1, .windows = 20 },
	};
}

static inline struct media_report talk(void)
{
	return (struct media_report){
		.protocol = -1,
		.talk_first_ns = S(0),
		.talk_last_ns = S(20),
		.busy_seconds = { 20, 20 },
		.streams = 2,
		.stream = { voice(TO_RESPONDER), voice(TO_INITIATOR) },
	};
}
#endif
