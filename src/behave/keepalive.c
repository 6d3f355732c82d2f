/* Keep-alive intervals; see keepalive.h. */
#include "behave/keepalive.h"

/* The messages of one side that a run can be made of. */
struct beat {
	int64_t ns;
	uint32_t size;
	int64_t silence_ns; /* before it; 0: less than KEEPALIVE_SILENCE_NS */
};
/* Runs begin anywhere, so that of each burst all messages are candidates for the first; the rest ends
 * silences. */
#define CANDIDATES_MAX (4 * KEEPALIVE_BEATS_MAX)
struct beats {
	struct beat beat[CANDIDATES_MAX];
	uint32_t count, silences;
};

static void gather(struct beats *b, enum direction from, struct message_reader r)
{
	struct message m;
	int64_t last_ns = INT64_MIN;

	b->count = b->silences = 0;
	while (b->count < CANDIDATES_MAX && b->silences < KEEPALIVE_BEATS_MAX && message_next(&r, &m)) {
		int64_t silence = last_ns == INT64_MIN ? 0 : m.ns - last_ns;
		if (silence < KEEPALIVE_SILENCE_NS)
			silence = 0;
		last_ns = m.ns;
		if (m.dir != from)
			continue;
		b->beat[b->count++] = (struct beat){ m.ns, m.size, silence };
		b->silences += silence > 0;
	}
}

static bool close_to(int64_t interval, int64_t wanted)
{
	int64_t off = interval > wanted ? interval - wanted : wanted - interval;

	return off <= wanted / 100;
}

/* The run that begins with beats i and j. */
static struct keepalive follow(const struct beats *b, uint32_t i, uint32_t j)
{
	int64_t wanted = b->beat[j].ns - b->beat[i].ns, shortest = wanted, longest = wanted;
	struct keepalive run = { .count = 2 };
	uint32_t last = j;

	for (uint32_t k = j + 1; k < b->count; k++) {
		int64_t interval = b->beat[k].ns - b->beat[last].ns;
		if (interval > wanted + wanted / 100)
			break;
		if (!b->beat[k].silence_ns || !close_to(interval, wanted))
			continue;
		shortest = interval < shortest ? interval : shortest;
		longest = interval > longest ? interval : longest;
		last = k;
		run.count++;
	}
	run.interval_ns = (b->beat[last].ns - b->beat[i].ns) / (run.count - 1);
	run.spread_ns = longest - shortest;
	return run;
}

static bool is_better(const struct keepalive *run, const struct keepalive *best)
{
	if (run->count != best->count)
		return run->count > best->count;
	return run->spread_ns < best->spread_ns;
}

/* Two messages are a run if nothing else happens: of one size, and silence up to the answer before each. */
static bool are_run(const struct beat *x, const struct beat *y)
{
	return x->size == y->size && x->silence_ns && y->ns - x->ns - y->silence_ns <= KEEPALIVE_ANSWER_NS;
}

static void search(const struct beats *b, enum direction from, struct keepalive *best)
{
	for (uint32_t i = 0; i < b->count; i++) {
		for (uint32_t j = i + 1; j < b->count; j++) {
			const struct beat *x = &b->beat[i], *y = &b->beat[j];
			if (!y->silence_ns || y->ns - x->ns < KEEPALIVE_SHORTEST_NS)
				continue;
			struct keepalive run = follow(b, i, j);
			run.from = from;
			if ((run.count > 2 || are_run(x, y)) && is_better(&run, best))
				*best = run;
		}
	}
}

struct keepalive keepalive_of(const struct logged_message *log, uint32_t count, int64_t from_ns)
{
	struct keepalive best = { 0 };
	struct beats b;

	for (int dir = TO_RESPONDER; dir <= TO_INITIATOR; dir++) {
		gather(&b, (enum direction)dir, message_reader_on(log, count, from_ns));
		if (b.silences)
			search(&b, (enum direction)dir, &best);
	}
	return best;
}
