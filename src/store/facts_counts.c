/* Counts of streams put together; see facts_counts.h. */
#include "store/facts_counts.h"
#include "base/row_index.h"
#include <stdlib.h>

struct stream_counts {
	uint32_t session;
	uint16_t worker;
	bool continued; /* it began elsewhere, with the counts before */
	bool away;      /* ... or was there meanwhile */
	struct stage_counts before, last;
	uint64_t worst_disorder_us, longest_gap_s; /* the greatest that were told here */
	uint32_t peak_flows;
	int64_t first_ns, last_ns; /* of its frames here */
	bool any;                  /* there are some */
	bool counted;              /* counts were told */
	bool gap, elsewhere;       /* chunks were missing; in another file, and no counts since */
};

/* A time that no stream had a frame in, for longer than JUDGE_GAP_NS. */
struct hole {
	int64_t from_ns, to_ns;
};

struct facts_counts {
	struct stream_counts *stream;
	uint32_t streams, stream_room;
	struct hole *hole; /* in order */
	uint32_t holes, hole_room;
	int64_t until_ns; /* the last frame of all */
	bool any, failed;
};

struct facts_counts *facts_counts_new(struct error *err)
{
	struct facts_counts *c = calloc(1, sizeof *c);

	if (!c)
		error_memory(err, "the counts of streams");
	return c;
}

void facts_counts_free(struct facts_counts *c)
{
	if (!c)
		return;
	free(c->stream);
	free(c->hole);
	free(c);
}

static struct stream_counts *stream_of(struct facts_counts *c, const struct facts_place *place)
{
	/* The streams of the last start are the ones that are heard of. */
	for (uint32_t i = c->streams; i-- > 0;)
		if (c->stream[i].session == place->session && c->stream[i].worker == place->worker)
			return &c->stream[i];
	return NULL;
}

bool facts_counts_begin(struct facts_counts *c, const struct facts_place *first, struct error *err)
{
	void *rows = c->stream;

	if (stream_of(c, first))
		return true;
	bool room = rows_reserve(&rows, c->streams, &c->stream_room, sizeof *c->stream);
	c->stream = rows;
	if (!room)
		return error_memory(err, "the counts of streams");
	c->stream[c->streams++] = (struct stream_counts){ .session = first->session,
							  .worker = first->worker,
							  .continued = first->seq != 1 };
	return true;
}

static bool add_hole(struct facts_counts *c, uint32_t at, int64_t from_ns, int64_t to_ns)
{
	void *rows = c->hole;

	if (to_ns - from_ns <= JUDGE_GAP_NS)
		return true;
	bool room = rows_reserve(&rows, c->holes, &c->hole_room, sizeof *c->hole);
	c->hole = rows;
	if (!room)
		return false;
	memmove(c->hole + at + 1, c->hole + at, (c->holes - at) * sizeof *c->hole);
	c->hole[at] = (struct hole){ from_ns, to_ns };
	c->holes++;
	return true;
}

/* There were frames between the two: what is left of the holes. Counts come nearly in order. */
static bool cover(struct facts_counts *c, int64_t first_ns, int64_t last_ns)
{
	bool ok = true;

	if (!c->any) {
		c->any = true;
		c->until_ns = last_ns;
		return true;
	}
	for (uint32_t i = c->holes; ok && i-- > 0 && c->hole[i].to_ns > first_ns;) {
		const struct hole old = c->hole[i];
		if (old.from_ns >= last_ns)
			continue;
		memmove(c->hole + i, c->hole + i + 1, (--c->holes - i) * sizeof old);
		ok = add_hole(c, i, last_ns, old.to_ns) && add_hole(c, i, old.from_ns, first_ns);
	}
	if (first_ns > c->until_ns)
		ok = ok && add_hole(c, c->holes, c->until_ns, first_ns);
	if (last_ns > c->until_ns)
		c->until_ns = last_ns;
	return ok;
}

void facts_counts_gap(struct facts_counts *c, const struct facts_place *place, bool elsewhere)
{
	struct stream_counts *s = stream_of(c, place);

	if (!s)
		return;
	s->gap = true;
	s->elsewhere = elsewhere && s->counted;
}

#define X(field) +1
enum { COUNTS_MOST = STAGE_SUMS(X) + DECODE_REASON_COUNT + FLOW_END_COUNT + JUDGEMENT_COUNT + 1 };
#undef X

/* All that is a sum; maxima are not among them. Returns how many. */
static size_t sums_of(struct stage_counts *c, uint64_t *sum[static COUNTS_MOST])
{
	size_t n = 0;

#define X(field) sum[n++] = &c->field;
	STAGE_SUMS(X)
#undef X
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum[n++] = &c->account[i];
	for (int i = 0; i < FLOW_END_COUNT; i++)
		sum[n++] = &c->flows.ended[i];
	for (int i = 0; i < JUDGEMENT_COUNT; i++)
		if (i != JUDGE_worst_disorder_us && i != JUDGE_longest_gap_s)
			sum[n++] = &c->judge.value[i];
	sum[n++] = &c->judge.steps_back;
	return n;
}

/*
 * One sum goes down: a fragment is alone until the first one of its datagram comes, perhaps in the next file
 * (decode.h). Kept and subtracted is how many frames were either, which does not.
 */
static void fragments_together(struct stage_counts *c)
{
	c->account[REASON_fragment_alone] += c->account[REASON_used];
}

/* Again one by one; those that were counted in the file before as alone are not used in this one. */
static void fragments_apart(struct stage_counts *c)
{
	uint64_t both = c->account[REASON_fragment_alone], *used = &c->account[REASON_used];

	if (*used > both)
		*used = both;
	c->account[REASON_fragment_alone] = both - *used;
}

static uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

/* What was counted here alone. */
static void take_before_off(struct stage_counts *c, struct stage_counts *before)
{
	uint64_t *of[COUNTS_MOST], *off[COUNTS_MOST];
	size_t n = sums_of(c, of);

	sums_of(before, off);
	for (size_t i = 0; i < n; i++)
		*of[i] = less(*of[i], *off[i]);
}

/* What the stream had counted when it came back: what is new in it was counted elsewhere. */
static void came_back(struct stream_counts *s, const struct stage_counts *counts)
{
	struct stage_counts now = *counts;
	uint64_t *of[COUNTS_MOST], *was[COUNTS_MOST], *before[COUNTS_MOST];
	size_t n = sums_of(&now, of);

	sums_of(&s->last, was);
	sums_of(&s->before, before);
	for (size_t i = 0; i < n; i++) {
		uint64_t more = less(*of[i], *was[i]);
		*before[i] += more;
		s->away |= more > 0;
	}
	s->continued |= s->away;
}

static void note_maxima(struct stream_counts *s, const struct stage_counts *counts)
{
	const uint64_t *value = counts->judge.value;

	if (value[JUDGE_worst_disorder_us] > s->worst_disorder_us)
		s->worst_disorder_us = value[JUDGE_worst_disorder_us];
	if (value[JUDGE_longest_gap_s] > s->longest_gap_s)
		s->longest_gap_s = value[JUDGE_longest_gap_s];
	if (counts->flows.peak_flows > s->peak_flows)
		s->peak_flows = counts->flows.peak_flows;
}

void facts_counts_note(void *self, const struct facts_place *place, const struct stage_counts *counts,
		       int64_t first_ns, int64_t last_ns)
{
	struct facts_counts *c = self;
	struct stream_counts *s = c->failed ? NULL : stream_of(c, place);
	struct stage_counts now = *counts;

	if (!s) {
		c->failed = true;
		return;
	}
	fragments_together(&now);
	bool is_before = place->seq == 0 || s->elsewhere || (s->continued && !s->counted);
	if (is_before && s->counted)
		came_back(s, &now);
	else if (is_before)
		s->before = now;
	s->last = now;
	s->counted = true;
	s->elsewhere = false;
	if (!is_before)
		note_maxima(s, counts);
	if (is_before || (first_ns == 0 && last_ns == 0))
		return;
	if (!s->any || first_ns < s->first_ns)
		s->first_ns = first_ns;
	if (!s->any || last_ns > s->last_ns)
		s->last_ns = last_ns;
	s->any = true;
	if (!cover(c, first_ns, last_ns))
		c->failed = true;
}

static int by_first_frame(const void *a, const void *b)
{
	const struct stream_counts *x = a, *y = b;

	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

/* The stream's own judgement, without what was before. */
static struct judge judge_of(const struct stream_counts *s)
{
	struct judge one = s->last.judge;

	if (s->continued) {
		one.begun = s->any;
		one.first_ns = s->first_ns;
		one.greatest_ns = s->last_ns;
	}
	return one;
}

/* One after the other: the judge of a trace that goes on where the one before has ended. */
static void judge_in_turn(const struct facts_counts *c, struct judge *sum)
{
	*sum = (struct judge){ 0 };
	for (uint32_t i = 0; i < c->streams; i++) {
		const struct judge one = judge_of(&c->stream[i]);
		if (sum->begun && one.begun)
			judge_frame(sum, one.first_ns);
		judge_add(sum, &one);
		if (one.begun)
			sum->last_ns = one.last_ns;
	}
}

static bool has_session(const struct facts_counts *c, uint32_t from, uint32_t to, uint32_t session)
{
	while (from < to && c->stream[from].session != session)
		from++;
	return from < to;
}

/* Its steps are those of the trace: no other stream comes before it or runs beside it, and it was never away.
 */
static bool goes_on_alone(const struct facts_counts *c, uint32_t i)
{
	return i == 0 && !c->stream[i].away && !has_session(c, 1, c->streams, c->stream[i].session);
}

/* A clock that is set back leaves no hole; nor does one that is set forward again to where it was, which is
 * not seen. Workers of one start see the same steps, if any. */
static uint64_t steps_back(const struct facts_counts *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->streams; i++) {
		uint64_t most = 0;
		if (has_session(c, 0, i, c->stream[i].session))
			continue;
		for (uint32_t k = i; k < c->streams; k++)
			if (c->stream[k].session == c->stream[i].session &&
			    c->stream[k].last.judge.steps_back > most)
				most = c->stream[k].last.judge.steps_back;
		sum += most;
	}
	return sum;
}

/* At the same time: silence is when all are silent. */
static void judge_together(const struct facts_counts *c, struct judge *sum)
{
	int64_t longest = 0;

	*sum = (struct judge){ 0 };
	for (uint32_t i = 0; i < c->streams; i++) {
		const struct stream_counts *s = &c->stream[i];
		struct judge one = s->last.judge;
		if (!s->any)
			continue;
		one.first_ns = s->first_ns;
		one.greatest_ns = s->last_ns;
		judge_add(sum, &one);
	}
	sum->value[JUDGE_gaps] = c->holes;
	sum->value[JUDGE_clock_jumps] = steps_back(c);
	for (uint32_t i = 0; i < c->holes; i++) {
		int64_t length = c->hole[i].to_ns - c->hole[i].from_ns;
		sum->value[JUDGE_clock_jumps] += length > JUDGE_JUMP_NS;
		longest = length > longest ? length : longest;
	}
	sum->value[JUDGE_longest_gap_s] = (uint64_t)(longest / 1000000000);
}

/* Workers of one start live together, those of different starts do not. */
static uint32_t peak_of(const struct facts_counts *c)
{
	uint64_t peak = 0;

	for (uint32_t i = 0; i < c->streams; i++) {
		uint64_t together = 0;
		for (uint32_t k = 0; k < c->streams; k++)
			if (c->stream[k].session == c->stream[i].session)
				together += c->stream[k].last.flows.peak_flows;
		peak = together > peak ? together : peak;
	}
	return peak < UINT32_MAX ? (uint32_t)peak : UINT32_MAX;
}

bool facts_counts_sum(struct facts_counts *c, struct stage_counts *sum, bool *whole, struct error *err)
{
	bool in_turn = true;

	*sum = (struct stage_counts){ .decode.unsupported_linktype = -1 };
	*whole = true;
	if (c->failed)
		return error_memory(err, "the counts of streams");
	if (c->streams)
		qsort(c->stream, c->streams, sizeof *c->stream, by_first_frame);
	for (uint32_t i = 0; i < c->streams; i++) {
		struct stream_counts *s = &c->stream[i];
		in_turn &= s->continued ? goes_on_alone(c, i)
					: i == 0 || s->first_ns >= c->stream[i - 1].last_ns;
		*whole &= !s->continued && !s->gap && s->last.flows_alive == 0;
		if (s->continued)
			take_before_off(&s->last, &s->before);
		fragments_apart(&s->last);
		s->last.judge.value[JUDGE_worst_disorder_us] = s->worst_disorder_us;
		s->last.judge.value[JUDGE_longest_gap_s] = s->longest_gap_s;
		s->last.flows.peak_flows = s->peak_flows;
		stage_counts_add(sum, &s->last);
	}
	if (in_turn)
		judge_in_turn(c, &sum->judge);
	else
		judge_together(c, &sum->judge);
	sum->flows.peak_flows = peak_of(c);
	return true;
}
