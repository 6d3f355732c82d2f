/* The media meter; see media.h. */
#include "identify/media.h"
#include "base/clock.h"
#include "base/slab.h"
#include "identify/media_stream.h"
#include "identify/media_talk.h"
#include <stdlib.h>
#include <string.h>

/*
 * After this many windows of a stream, and every time that they have doubled, a flow whose format nobody
 * knows has to look a little like a voice in some direction. The bound is a long way below the one that makes
 * it a voice (NBC_ACCEPT): signalling may surround the call.
 */
#define FIRST_JUDGED_WINDOWS 2U
#define BELIEF_HOPELESS      (-15.0F)
/*
 * Messages too large for a voice make no window. With video, a window of voice (30 messages) is there before
 * this many of them: voice has 14 a second at least, and 239 a second of 1000 bytes are 1.9 Mbit/s.
 */
#define FIRST_JUDGED_LARGE 512U

/* When the clocks of the last reports went by, so that the answer tells a round trip. */
#define CLOCKS_KEPT 4U
struct report_clock {
	uint32_t clock;
	int64_t ns; /* 0: free */
};

struct media_meter {
	struct talk talk;
	const struct flow *flow;                   /* whose it is */
	struct media_meter *next, *previous;       /* of all meters in use */
	struct report_clock clock[2][CLOCKS_KEPT]; /* by direction */
	int64_t round_trip_ns[2];                  /* by the direction of the answer; 0: none */
	uint8_t next_clock[2];
	uint32_t control, streams_missed;
	uint8_t streams;
	struct media_stream *stream[MEDIA_STREAMS_MAX];
};

struct media_meters {
	const struct voice_models *models; /* borrowed */
	struct slab *meters, *streams;
	struct media_meter *in_use; /* the newest */
	struct slab *fits;          /* NULL: not training */
	uint64_t passed_over;
};

struct media_meters *media_meters_new(const struct voice_models *models, struct error *err)
{
	struct media_meters *m = calloc(1, sizeof *m);

	if (!m) {
		error_memory(err, "the media meters");
		return NULL;
	}
	m->models = models;
	m->meters = slab_new(sizeof(struct media_meter), 64);
	m->streams = slab_new(sizeof(struct media_stream), 64);
	if (!m->meters || !m->streams) {
		media_meters_free(m);
		error_memory(err, "the media meters");
		return NULL;
	}
	return m;
}

void media_meters_free(struct media_meters *m)
{
	if (!m)
		return;
	slab_free(m->meters);
	slab_free(m->streams);
	slab_free(m->fits);
	free(m);
}

bool media_meters_train(struct media_meters *m, struct error *err)
{
	m->models = NULL;
	m->fits = slab_new(sizeof(struct voice_fit), 16);
	return m->fits || error_memory(err, "the fits of codecs");
}

uint64_t media_meters_passed_over(const struct media_meters *m)
{
	return m ? m->passed_over : 0;
}

void media_begin(struct media_meters *m, struct flow *flow)
{
	struct media_meter *meter = slab_in_use(m->meters) < MEDIA_METERS_MAX ? slab_get(m->meters) : NULL;

	flow->id.media = meter;
	if (meter) {
		memset(meter, 0, sizeof *meter);
		meter->flow = flow;
		meter->next = m->in_use;
		if (m->in_use)
			m->in_use->previous = meter;
		m->in_use = meter;
	} else {
		m->passed_over += !flow->id.unmeasured; /* it is tried again, and is one flow */
		flow->id.unmeasured = true;
	}
}

void media_drop(struct media_meters *m, struct flow *flow)
{
	struct media_meter *meter = flow->id.media;

	if (!meter)
		return;
	for (unsigned i = 0; i < meter->streams; i++) {
		if (meter->stream[i]->fit)
			slab_put(m->fits, meter->stream[i]->fit);
		slab_put(m->streams, meter->stream[i]);
	}
	if (meter->next)
		meter->next->previous = meter->previous;
	if (meter->previous)
		meter->previous->next = meter->next;
	else
		m->in_use = meter->next;
	slab_put(m->meters, meter);
	flow->id.media = NULL;
}

static struct voice_fit *fit_new(struct media_meters *m)
{
	struct voice_fit *fit = slab_in_use(m->fits) < MEDIA_FITS_MAX ? slab_get(m->fits) : NULL;

	if (fit)
		memset(fit, 0, sizeof *fit);
	else
		m->passed_over++;
	return fit;
}

static struct media_stream *stream_of(struct media_meters *m, struct flow *flow, enum direction dir,
				      uint32_t id)
{
	struct media_meter *meter = flow->id.media;

	for (unsigned i = 0; i < meter->streams; i++)
		if (meter->stream[i]->report.dir == dir && meter->stream[i]->report.stream == id)
			return meter->stream[i];
	bool room = meter->streams < MEDIA_STREAMS_MAX && slab_in_use(m->streams) < 2U * MEDIA_METERS_MAX;
	struct media_stream *s = room ? slab_get(m->streams) : NULL;
	if (!s) {
		meter->streams_missed++;
		m->passed_over += !flow->id.unmeasured; /* in part; said once for the flow */
		flow->id.unmeasured = true;
		return NULL;
	}
	memset(s, 0, sizeof *s);
	s->report.dir = dir;
	s->report.stream = id;
	if (m->fits)
		s->fit = fit_new(m);
	meter->stream[meter->streams++] = s;
	return s;
}

static bool is_step(uint64_t n, uint64_t first)
{
	return n >= first && (n & (n - 1)) == 0;
}

/* Whether this message has just ended a window, or was a large one, after which the stream is judged. */
static bool is_judged_now(const struct media_stream *s, uint32_t size)
{
	if (size > VOICE_SIZE_MAX)
		return is_step(s->report.large, FIRST_JUDGED_LARGE);
	return s->nbc.used == 0 && is_step(s->nbc.windows, FIRST_JUDGED_WINDOWS);
}

static bool is_hopeless(const struct media_stream *s, const struct voice_models *models)
{
	struct nbc_belief belief;

	return !nbc_belief(&s->nbc, models, &belief) || belief.belief < BELIEF_HOPELESS;
}

/* delay is in 2^-16 s; what does not fit (a clock of 0, an answer before the question) says nothing. */
static void note_reception(struct media_meter *meter, enum direction dir, int64_t ts_ns,
			   const struct media_reception *r)
{
	for (unsigned i = 0; i < CLOCKS_KEPT; i++) {
		const struct report_clock *c = &meter->clock[!dir][i];
		if (c->ns == 0 || r->last_clock == 0 || c->clock != r->last_clock)
			continue;
		int64_t trip = ts_ns - c->ns - (int64_t)((uint64_t)r->delay * NS_PER_S >> 16);
		if (trip > 0 && (meter->round_trip_ns[dir] == 0 || trip < meter->round_trip_ns[dir]))
			meter->round_trip_ns[dir] = trip;
		return;
	}
}

static void note_control(struct media_meter *meter, enum direction dir, int64_t ts_ns,
			 const struct media_control *control)
{
	meter->control++;
	for (unsigned i = 0; i < control->receptions; i++)
		note_reception(meter, dir, ts_ns, &control->reception[i]);
	if (!control->has_clock)
		return;
	meter->clock[dir][meter->next_clock[dir]] = (struct report_clock){ control->clock, ts_ns };
	meter->next_clock[dir] = (uint8_t)((meter->next_clock[dir] + 1) % CLOCKS_KEPT);
}

void media_message(struct media_meters *m, struct flow *flow, enum direction dir, const struct packet *packet,
		   enum sample_kind kind, const struct media_sample *sample)
{
	struct media_meter *meter = flow->id.media;

	if (kind != SAMPLE_MEDIA) {
		if (kind == SAMPLE_CONTROL)
			note_control(meter, dir, packet->ts_ns, &sample->control);
		return;
	}
	struct media_stream *s = stream_of(m, flow, dir, sample ? sample->stream : 0);
	if (!s)
		return;
	talk_message(&meter->talk, dir, packet->ts_ns,
		     sample ? sample->payload_wire : packet_message_wire(packet));
	if (sample && sample->comfort_noise)
		talk_silence(&meter->talk);
	if (sample) {
		media_stream_message(s, packet, sample, false);
		return;
	}
	const struct media_sample whole = { .payload = packet->payload,
					    .payload_wire = packet_message_wire(packet) };
	media_stream_message(s, packet, &whole, true);
	if (!m->models || !is_judged_now(s, whole.payload_wire))
		return;
	for (unsigned i = 0; i < meter->streams; i++)
		if (!is_hopeless(meter->stream[i], m->models))
			return;
	media_drop(m, flow);
}

bool stream_is_like_voice(const struct stream_report *s)
{
	return s->voice.windows >= 2 && s->voice.belief >= NBC_ACCEPT;
}

/* Flows without a format that came so far as to be measured are many; nearly all of them are no voice. */
static bool is_worth_reporting(const struct media_report *r)
{
	if (r->busy_seconds[0] + r->busy_seconds[1] < MEDIA_TALK_SHORTEST)
		return false;
	for (uint32_t i = 0; i < r->streams; i++)
		if (stream_is_like_voice(&r->stream[i]))
			return true;
	return false;
}

bool media_finish(struct media_meters *m, const struct flow *flow, bool known, struct media_report *out)
{
	struct media_meter *meter = flow->id.media;

	if (!meter || meter->streams == 0)
		return false;
	talk_finish(&meter->talk);
	*out = (struct media_report){
		.flow = flow->first_packet,
		.protocol = -1,
		.talk_first_ns = meter->talk.first_ns,
		.talk_last_ns = meter->talk.busy_until_ns,
		.control = meter->control,
		.holds = meter->talk.holds,
		.holds_missed = meter->talk.holds_missed,
		.streams_missed = meter->streams_missed,
	};
	for (int dir = 0; dir < 2; dir++)
		out->round_trip_ms[dir] =
			meter->round_trip_ns[dir] ? (float)meter->round_trip_ns[dir] / NS_PER_MS : -1;
	memcpy(out->busy_seconds, meter->talk.busy_seconds, sizeof out->busy_seconds);
	memcpy(out->quiet_seconds, meter->talk.quiet_seconds, sizeof out->quiet_seconds);
	memcpy(out->outside, meter->talk.outside, sizeof out->outside);
	memcpy(out->outside_bytes, meter->talk.outside_bytes, sizeof out->outside_bytes);
	memcpy(out->hold, meter->talk.hold, sizeof out->hold);
	for (unsigned i = 0; i < meter->streams; i++) {
		media_stream_finish(meter->stream[i], m->models);
		/* A source is one from its second packet on (RFC 3550 A.1). */
		if (meter->stream[i]->report.packets < 2)
			out->streams_missed++;
		else
			out->stream[out->streams++] = meter->stream[i]->report;
	}
	return out->streams > 0 && (known || m->fits || is_worth_reporting(out));
}

static bool is_like_voice_now(const struct media_meters *m, const struct media_meter *meter)
{
	struct nbc_belief belief;

	for (unsigned i = 0; m->models && i < meter->streams; i++) {
		const struct nbc *nbc = &meter->stream[i]->nbc;
		if (nbc->windows >= FIRST_JUDGED_WINDOWS && nbc_belief(nbc, m->models, &belief) &&
		    belief.belief >= NBC_ACCEPT)
			return true;
	}
	return false;
}

size_t media_going_on(const struct media_meters *m, int64_t since_ns, struct media_call *out, size_t max)
{
	size_t flows = 0;

	for (const struct media_meter *meter = m->in_use; meter && flows < max; meter = meter->next)
		if (meter->talk.last_ns >= since_ns && talk_began(&meter->talk) &&
		    (meter->flow->id.sampled || is_like_voice_now(m, meter)))
			out[flows++] = (struct media_call){ meter->flow, talk_began(&meter->talk) };
	return flows;
}
