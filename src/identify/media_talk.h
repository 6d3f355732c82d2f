/* When a flow's media went: its seconds of talk, the holds between them. Private to the meter (media.h). */
#ifndef FS_IDENTIFY_MEDIA_TALK_H
#define FS_IDENTIFY_MEDIA_TALK_H
#include "identify/media.h"

struct talk {
	int64_t second_ns;                 /* when the present second began */
	int64_t last_ns;                   /* of the last message */
	int64_t busy_until_ns;             /* the last message of the last second of talk */
	uint32_t in_second[2], in_lull[2]; /* messages, by direction; and their bytes: */
	uint64_t second_bytes[2], lull_bytes[2];
	bool running, silent_second, silent; /* silent: a lull of comfort noise */
	/* What is reported. */
	int64_t first_ns;
	uint32_t busy_seconds[2], quiet_seconds[2], outside[2];
	uint64_t outside_bytes[2];
	uint32_t holds, holds_missed;
	struct hold_period hold[MEDIA_HOLDS_MAX];
};
/* Silence was sent in place of voice: the lull that it is in is no hold. After its talk_message(). */
void talk_silence(struct talk *t);
void talk_message(struct talk *t, enum direction dir, int64_t ts_ns, uint32_t size);
/* The first second of talk, the one that is running included; 0: none up to now. */
int64_t talk_began(const struct talk *t);
/* No message comes any more. */
void talk_finish(struct talk *t);
#endif
