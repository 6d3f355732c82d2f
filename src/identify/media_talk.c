/* Seconds of talk and holds; see media_talk.h. */
#include "identify/media_talk.h"
#include "base/clock.h"

/*
 * Measurements B12: on hold each side sends one message every 3 s (1.4), or 3 a second (0.97). A hold is a
 * lull as long as two such messages take, with at most 4 messages a second each way and one in 5 s on the
 * average; a lull with less is a gap, and one with more is no lull of one call.
 */
#define HOLD_SHORTEST_NS (6 * NS_PER_S)
#define HOLD_RATE_MOST   4
#define HOLD_PACE_NS     (5 * NS_PER_S)

static bool has_talked(const struct talk *t)
{
	return t->busy_seconds[0] > 0 || t->busy_seconds[1] > 0;
}

static bool second_is_busy(const struct talk *t)
{
	return t->in_second[0] >= MEDIA_TALK_RATE || t->in_second[1] >= MEDIA_TALK_RATE;
}

int64_t talk_began(const struct talk *t)
{
	return has_talked(t) ? t->first_ns : second_is_busy(t) ? t->second_ns : 0;
}

static bool is_hold(const struct talk *t, int64_t until_ns)
{
	int64_t lasted = until_ns - t->busy_until_ns;
	int64_t most = lasted / NS_PER_S * HOLD_RATE_MOST;
	int64_t both = (int64_t)t->in_lull[0] + t->in_lull[1];

	return !t->silent && lasted >= HOLD_SHORTEST_NS && both * HOLD_PACE_NS >= lasted - HOLD_PACE_NS &&
	       t->in_lull[0] <= most && t->in_lull[1] <= most;
}

static void end_lull(struct talk *t, int64_t until_ns)
{
	if (is_hold(t, until_ns)) {
		if (t->holds < MEDIA_HOLDS_MAX)
			t->hold[t->holds++] = (struct hold_period){ t->busy_until_ns,
								    until_ns,
								    { t->in_lull[0], t->in_lull[1] },
								    { t->lull_bytes[0], t->lull_bytes[1] } };
		else
			t->holds_missed++;
	}
	t->in_lull[0] = t->in_lull[1] = 0;
	t->lull_bytes[0] = t->lull_bytes[1] = 0;
	t->silent = false;
}

static void end_second(struct talk *t)
{
	bool busy = second_is_busy(t);

	if (busy) {
		if (has_talked(t))
			end_lull(t, t->second_ns);
		/* Where the clock was set back, all that was talk lies between the least and the greatest. */
		if (!has_talked(t) || t->second_ns < t->first_ns)
			t->first_ns = t->second_ns;
		if (!has_talked(t) || t->last_ns > t->busy_until_ns)
			t->busy_until_ns = t->last_ns;
	}
	bool talked = has_talked(t);
	for (int dir = 0; dir < 2; dir++) {
		if (busy && t->in_second[dir] >= MEDIA_TALK_RATE) {
			t->busy_seconds[dir]++;
		} else if (busy) {
			t->quiet_seconds[dir]++;
		} else if (talked) {
			t->in_lull[dir] += t->in_second[dir];
			t->lull_bytes[dir] += t->second_bytes[dir];
		} else {
			t->outside[dir] += t->in_second[dir];
			t->outside_bytes[dir] += t->second_bytes[dir];
		}
		t->in_second[dir] = 0;
		t->second_bytes[dir] = 0;
	}
	t->silent = t->silent || (talked && !busy && t->silent_second);
	t->silent_second = false;
}

void talk_silence(struct talk *t)
{
	t->silent_second = true;
}

void talk_message(struct talk *t, enum direction dir, int64_t ts_ns, uint32_t size)
{
	if (!t->running) {
		t->running = true;
		t->second_ns = t->last_ns = ts_ns;
	}
	if (ts_ns - t->second_ns >= NS_PER_S) {
		end_second(t);
		t->second_ns += (ts_ns - t->second_ns) / NS_PER_S * NS_PER_S;
	} else if (ts_ns - t->second_ns <= -NS_PER_S) {
		end_second(t); /* the clock was set back; a message that was overtaken is not as late */
		t->second_ns = t->last_ns = ts_ns;
	}
	t->in_second[dir]++;
	t->second_bytes[dir] += size;
	if (ts_ns > t->last_ns)
		t->last_ns = ts_ns;
}

void talk_finish(struct talk *t)
{
	end_second(t);
	/* No talk ends this lull. */
	for (int dir = 0; dir < 2; dir++) {
		t->outside[dir] += t->in_lull[dir];
		t->outside_bytes[dir] += t->lull_bytes[dir];
	}
	t->running = false;
}
