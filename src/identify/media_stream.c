/* What is measured of one stream; see media_stream.h. */
#include "identify/media_stream.h"
#include "base/clock.h"
#include <math.h>

/* RFC 3550 A.1: a larger jump is a restart of the source, unless a packet of this age explains it. */
#define MAX_DROPOUT  3000U
#define MAX_MISORDER 100U
#define PAUSE_NS     NS_PER_S /* silence suppression, hold: no gap between two frames */

static void sequence_restart(struct sequence *q, uint16_t number)
{
	q->expected_before += q->since;
	q->running = true;
	q->jumped = false;
	q->highest = number;
	q->seen = 1;
	q->since = 1;
}

static void sequence_forward(struct sequence *q, uint16_t ahead)
{
	q->seen = ahead < 64 ? q->seen << ahead | 1 : 1;
	q->highest = (uint16_t)(q->highest + ahead);
	q->since += ahead;
}

/* A number that is not above the highest: late or twice, as far as 64 numbers back can be told. */
static void sequence_late(struct sequence *q, uint16_t behind)
{
	uint64_t bit = behind < 64 ? UINT64_C(1) << behind : 0;

	if (q->seen & bit) {
		q->duplicates++;
		return;
	}
	q->seen |= bit;
	q->reordered++;
	/* It was sent before the first that came: one more was expected. */
	if (behind >= q->since)
		q->since = behind + 1U;
}

static void sequence_add(struct sequence *q, uint16_t number)
{
	uint16_t ahead = (uint16_t)(number - q->highest), behind = (uint16_t)(q->highest - number);

	if (!q->running) {
		sequence_restart(q, number);
	} else if (ahead != 0 && ahead < MAX_DROPOUT) {
		sequence_forward(q, ahead);
		q->jumped = false;
	} else if (behind < MAX_MISORDER) {
		sequence_late(q, behind);
	} else if (q->jumped && number == q->expected_after_jump) {
		/* Two in a row: the source began anew, with the one before this. */
		q->strays--;
		sequence_restart(q, (uint16_t)(number - 1U));
		sequence_forward(q, 1);
	} else {
		q->strays++;
		q->jumped = true;
		q->expected_after_jump = (uint16_t)(number + 1U);
	}
}

/*
 * The clocks of RFC 3551 and of the codecs since (RFC 6716: always 48000). The rate that was seen has to come
 * this near to one; two of them are a tenth apart at least.
 */
static uint32_t clock_of_rate(double hz)
{
	static const uint32_t clocks[] = {
		8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 90000
	};

	for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++)
		if (hz > 0.96 * clocks[i] && hz < 1.04 * clocks[i])
			return clocks[i];
	return 0;
}

#define CLOCK_BASELINE_NS NS_PER_S /* 4 % of it is 40 ms: more than the usual jitter */

static void clock_add(struct media_clock *c, int64_t ts_ns, const struct media_sample *sample)
{
	int32_t step = (int32_t)(sample->timestamp - c->last_timestamp);
	bool other = sample->clock_hz != 0 && sample->clock_hz != c->hz;

	if (c->running && other) {
		/* Told late, or the codec has changed (RFC 7160): this step is of neither clock. */
		c->hz = sample->clock_hz;
	} else if (!c->running) {
		c->running = true;
		c->hz = sample->clock_hz;
		c->first_timestamp = sample->timestamp;
		c->first_ns = ts_ns;
	} else if (c->hz == 0) {
		int64_t elapsed = ts_ns - c->first_ns;
		if (elapsed >= CLOCK_BASELINE_NS) {
			double units = (int32_t)(sample->timestamp - c->first_timestamp);
			c->hz = clock_of_rate(units * NS_PER_S / (double)elapsed);
			c->first_timestamp = sample->timestamp; /* not one: the next second may tell */
			c->first_ns = ts_ns;
		}
	} else {
		double moved = (double)(ts_ns - c->last_ns) - (double)step * NS_PER_S / c->hz;
		/* A source that was silent may go on with any timestamp (RFC 3550 5.1): no jitter. */
		if (fabs(moved) < (double)PAUSE_NS && sample->clock_hz == c->last_hz) {
			c->jitter_ns += (fabs(moved) - c->jitter_ns) / 16;
			c->jitter_sum_ns += c->jitter_ns;
			c->steps++;
			if (c->jitter_ns > c->jitter_max_ns)
				c->jitter_max_ns = c->jitter_ns;
		}
	}
	c->last_hz = sample->clock_hz;
	c->last_timestamp = sample->timestamp;
	c->last_ns = ts_ns;
}

static void add_size(struct media_stream *s, uint32_t size)
{
	struct stream_report *r = &s->report;

	if (r->packets == 0 || size < r->size_min)
		r->size_min = size;
	if (size > r->size_max)
		r->size_max = size;
	r->large += size > VOICE_SIZE_MAX;
	s->size_sum += size;
	s->size_squares += (double)size * size;
}

/*
 * A message that was overtaken on the way counts at the time of the one before it, as in naive_bayes.c: then
 * the gaps add up to the time that has passed. A clock that was set begins anew.
 */
static void add_gap(struct media_stream *s, int64_t ts_ns)
{
	int64_t gap = ts_ns - s->paced_ns;
	bool overtaken = gap < 0 && gap >= -PAUSE_NS;

	if (!overtaken || s->report.packets == 0)
		s->paced_ns = ts_ns;
	if (s->report.packets == 0 || gap > PAUSE_NS || gap < -PAUSE_NS)
		return;
	if (overtaken)
		gap = 0;
	double ms = (double)gap / NS_PER_MS;
	s->gaps++;
	s->gap_sum += ms;
	s->gap_squares += ms * ms;
}

/*
 * The payload type of most messages, by the vote of Boyer and Moore: one that is the majority wins, and a few
 * telephone events (RFC 4733) at the end do not rename the codec.
 */
static void vote_type(struct media_stream *s, const struct media_sample *sample)
{
	struct stream_report *r = &s->report;

	if (s->type_votes > 0 && sample->payload_type != r->payload_type) {
		s->type_votes--;
		return;
	}
	s->type_votes++;
	r->payload_type = sample->payload_type;
	r->codec = sample->codec;
	r->media = sample->media;
}

/* Video runs between the messages of voice on a clock of its own: it is in no gap, see naive_bayes.c. */
static void add_fit(struct media_stream *s, uint32_t size, int64_t ts_ns)
{
	if (!s->fit)
		return;
	bool first = s->fit->messages == 0;
	int64_t gap = ts_ns - s->fit_ns;
	bool overtaken = !first && gap < 0 && gap >= -PAUSE_NS;
	if (gap < 0)
		gap = overtaken ? 0 : PAUSE_NS; /* as add_gap(); a pause is in no gap */
	voice_fit_add(s->fit, size, first ? -1 : gap);
	if (size <= VOICE_SIZE_MAX && !overtaken)
		s->fit_ns = ts_ns;
}

void media_stream_message(struct media_stream *s, const struct packet *packet,
			  const struct media_sample *sample, bool whole)
{
	struct stream_report *r = &s->report;

	s->nbc.sizes = whole ? NBC_SIZES_OF_MESSAGES : NBC_SIZES_OF_MEDIA;
	add_size(s, sample->payload_wire);
	add_gap(s, packet->ts_ns);
	if (r->packets == 0) {
		r->first_packet = packet->number;
		r->first_ns = packet->ts_ns;
	}
	if (!sample->comfort_noise) {
		vote_type(s, sample);
		csc_add(&s->csc, sample->payload);
		nbc_add(&s->nbc, sample->payload_wire, packet->ts_ns);
		add_fit(s, sample->payload_wire, packet->ts_ns);
	}
	r->comfort_noise += sample->comfort_noise;
	if (sample->sequenced) {
		r->sequenced = true;
		sequence_add(&s->sequence, sample->sequence);
		clock_add(&s->clock, packet->ts_ns, sample);
	}
	r->packets++;
	r->payload += sample->payload_wire;
	if (packet->ts_ns > r->last_ns || r->packets == 1)
		r->last_ns = packet->ts_ns;
}

static float deviation(double sum, double squares, uint64_t n)
{
	double mean = n ? sum / (double)n : 0;
	double variance = n > 1 ? (squares - sum * mean) / (double)(n - 1) : 0;

	return variance > 0 ? (float)sqrt(variance) : 0;
}

void media_stream_finish(struct media_stream *s, const struct voice_models *models)
{
	struct stream_report *r = &s->report;
	const struct sequence *q = &s->sequence;
	const struct media_clock *c = &s->clock;

	r->size_mean = r->packets ? (float)(s->size_sum / (double)r->packets) : 0;
	r->size_sd = deviation(s->size_sum, s->size_squares, r->packets);
	r->gap_mean_ms = s->gaps ? (float)(s->gap_sum / (double)s->gaps) : 0;
	r->gap_sd_ms = deviation(s->gap_sum, s->gap_squares, s->gaps);
	if (r->sequenced) {
		uint64_t different = r->packets - q->duplicates - q->strays;
		r->expected = q->expected_before + q->since;
		r->lost = r->expected > different ? r->expected - different : 0;
		r->duplicates = q->duplicates;
		r->reordered = q->reordered;
	}
	r->clock_hz = c->hz;
	r->has_jitter = c->steps > 0;
	if (r->has_jitter) {
		r->jitter_mean_ms = (float)(c->jitter_sum_ns / (double)c->steps / NS_PER_MS);
		r->jitter_max_ms = (float)(c->jitter_max_ns / NS_PER_MS);
	}
	r->csc_messages = s->csc.n;
	r->csc_above = csc_groups_above(&s->csc);
	r->fit = s->fit;
	if (!models || !nbc_belief(&s->nbc, models, &r->voice))
		r->voice = (struct nbc_belief){ 0 };
}
