/*
 * Keep-alives of a flow: messages of one side at equal intervals, on a timer that runs beside the other
 * messages (wire B2: the client every 60.0 s; wire C3: the server after 30.0 s of silence).
 *
 * They are the longest run of messages of one side, at least KEEPALIVE_SHORTEST_NS apart, whose intervals
 * differ from the first one by at most 1 %, and in which every message but the first ends a silence of both
 * sides of at least KEEPALIVE_SILENCE_NS. A run has three messages; or two, if they are of one size, both end
 * such a silence, and nothing but an answer is between them. Of runs of one length the one with the least
 * spread counts.
 */
#ifndef FS_BEHAVE_KEEPALIVE_H
#define FS_BEHAVE_KEEPALIVE_H
#include "flow/message_log.h"

#define KEEPALIVE_SILENCE_NS  INT64_C(5000000000)  /* the shortest of the captures has 13.0 s (wire B2) */
#define KEEPALIVE_SHORTEST_NS INT64_C(10000000000) /* twice a silence; the captures have 30 s and 60 s */
#define KEEPALIVE_ANSWER_NS   INT64_C(1000000000)  /* 0.2 ms (wire C3) to 0.42 s (wire B2) in the captures */
/* Messages of a side that end a silence and are looked at; the first ones. At 60 s they fill an hour. */
#define KEEPALIVE_BEATS_MAX 64U

struct keepalive {
	uint32_t count;      /* messages of the run; 0: there is none */
	enum direction from; /* who sends them */
	int64_t interval_ns; /* mean */
	int64_t spread_ns;   /* longest minus shortest interval */
};

struct keepalive keepalive_of(const struct logged_message *log, uint32_t count, int64_t from_ns);
#endif
