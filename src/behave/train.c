/* Training on recorded calls; see train.h. */
#include "behave/train.h"
#include "base/row_index.h"
#include "decode/decode.h"
#include "flow/flow_table.h"
#include "identify/identify.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of all streams of a codec, what is too short for a window says nothing of its gaps. */
#define POOLED_MIN NBC_WINDOW

struct trainer {
	struct train_choice choice;
	struct decoder *decoder;
	struct flow_table *flows;
	struct identifier *identifier;
	const struct flow *ending; /* while it is handed over */
	uint64_t frames;
	struct train_stream *stream;
	uint32_t streams, stream_room;
	struct train_result result;
	struct voice_fit fit; /* of all that are chosen */
	bool failed;
};

bool train_choice_matches(const struct train_choice *c, const struct train_stream *s)
{
	return (!c->flow || c->flow == s->flow) && (!c->has_direction || c->direction == s->direction) &&
	       (!c->has_stream || (s->has_stream && c->stream == s->stream)) &&
	       (!c->codec || strcasecmp(c->codec, s->codec) == 0);
}

static bool keep_stream(struct trainer *t, const struct train_stream *s)
{
	void *rows = t->stream;
	bool room;

	if (t->streams >= TRAIN_STREAMS_MAX)
		return true;
	room = rows_reserve(&rows, t->streams, &t->stream_room, sizeof *s);
	t->stream = rows;
	if (room)
		t->stream[t->streams++] = *s;
	return room;
}

bool train_choose(struct train_result *r, const struct train_choice *choice, const struct train_stream *s)
{
	uint32_t least = choice->codec ? POOLED_MIN : FIT_MESSAGES_MIN;

	if (s->messages < least || !train_choice_matches(choice, s))
		return false;
	r->mixed = r->mixed || (r->chosen > 0 && r->known != s->known);
	r->known = s->known;
	r->messages += s->messages;
	r->chosen++;
	return true;
}

static float mean_size(const struct voice_fit *fit)
{
	double sum = 0;

	for (unsigned i = 0; i <= VOICE_SIZE_MAX; i++)
		sum += (double)i * fit->size[i];
	return fit->messages ? (float)(sum / fit->messages) : 0;
}

static void metered(void *self, const struct media_report *report)
{
	struct trainer *t = self;

	for (uint32_t i = 0; i < report->streams; i++) {
		const struct stream_report *r = &report->stream[i];
		bool out = r->dir == TO_RESPONDER;
		struct train_stream s = {
			.flow = report->flow,
			.from = out ? *flow_initiator(t->ending) : *flow_responder(t->ending),
			.to = out ? *flow_responder(t->ending) : *flow_initiator(t->ending),
			.direction = r->dir,
			.known = report->sampled,
			.has_stream = report->sampled && r->sequenced,
			.stream = r->stream,
			.messages = r->fit ? r->fit->messages : 0,
			.size = r->fit ? mean_size(r->fit) : 0,
			.gap_ms = r->gap_mean_ms,
		};
		snprintf(s.codec, sizeof s.codec, "%s", r->codec ? r->codec : "");
		if (r->fit && train_choose(&t->result, &t->choice, &s))
			voice_fit_merge(&t->fit, r->fit);
		if (!keep_stream(t, &s))
			t->failed = true;
	}
}

/* What is evidence for `read` is nothing here. */
static void observed(void *self, const struct observation *o)
{
	(void)self, (void)o;
}
static void occurred(void *self, const struct occurrence *o)
{
	(void)self, (void)o;
}

static void flow_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct trainer *t = self;

	(void)why;
	t->ending = flow;
	identifier_ended(t->identifier, flow);
	t->ending = NULL;
}

struct trainer *trainer_new(const struct train_choice *choice, struct error *err)
{
	const struct decode_options decode = { .tunnels = false };
	const struct flow_table_options flows = { .idle_ns = FLOW_IDLE_DEFAULT_NS,
						  .max_flows = FLOW_MAX_DEFAULT,
						  .head_bytes = FLOW_HEAD_DEFAULT };
	struct trainer *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the trainer");
		return NULL;
	}
	t->choice = *choice;
	t->decoder = decoder_new(&decode, err);
	t->identifier = t->decoder ? identifier_new((struct observer){ .observed = observed,
								       .occurred = occurred,
								       .metered = metered,
								       .self = t },
						    NULL, NULL, err)
				   : NULL;
	if (t->identifier && identifier_train(t->identifier, err))
		t->flows = flow_table_new(&flows, (struct flow_table_listener){ flow_ended, t }, err);
	if (t->flows)
		return t;
	trainer_free(t);
	return NULL;
}

void trainer_free(struct trainer *t)
{
	if (!t)
		return;
	flow_table_free(t->flows);
	identifier_free(t->identifier);
	decoder_free(t->decoder);
	free(t->stream);
	free(t);
}

bool trainer_frame(struct trainer *t, const struct frame *frame, struct error *err)
{
	struct packet packet;
	struct flow_step step;

	if (decode_frame(t->decoder, frame, ++t->frames, &packet) != REASON_used)
		return true;
	if (!flow_table_packet(t->flows, &packet, flow_table_hash(t->flows, &packet), &step, err))
		return false;
	flow_table_settle(t->flows, &packet, &step, identifier_packet(t->identifier, &packet, &step));
	return !t->failed || error_memory(err, "the list of streams");
}

static int by_flow(const void *a, const void *b)
{
	const struct train_stream *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

bool trainer_finish(struct trainer *t, struct error *err)
{
	flow_table_finish(t->flows);
	if (t->streams)
		qsort(t->stream, t->streams, sizeof *t->stream, by_flow);
	return !t->failed || error_memory(err, "the list of streams");
}

uint32_t trainer_stream_count(const struct trainer *t)
{
	return t->streams;
}

const struct train_stream *trainer_stream_at(const struct trainer *t, uint32_t i)
{
	return &t->stream[i];
}

struct train_result trainer_result(const struct trainer *t)
{
	struct train_result r = t->result;

	r.unseen = identifier_unmeasured(t->identifier);
	return r;
}

bool trainer_fit(const struct trainer *t, const char *name, struct voice_model *out, struct error *err)
{
	return voice_fit_finish(&t->fit, name, out, err);
}

/* --- from moments -----------------------------------------------------------------------------------------
 */

void train_pool_add(struct train_pool *p, const struct train_moments *m)
{
	double gaps = m->n - 1;

	p->messages += m->n;
	p->size_sum += m->n * m->size;
	p->size_squares += gaps * m->size_sd * m->size_sd + m->n * m->size * m->size;
	p->gaps += gaps;
	p->gap_sum += gaps * m->gap_ms;
	p->gap_squares += gaps * m->gap_ms * m->gap_ms;
	p->gap_within += gaps * m->gap_sd_ms * m->gap_sd_ms;
}

bool train_pool_fit(const struct train_pool *p, const char *name, struct voice_model *out, struct error *err)
{
	if (p->messages < FIT_MESSAGES_MIN)
		return error_set(err, EXIT_INPUT,
				 "%.0f messages are too few to train on; %u are needed, some ten seconds of "
				 "voice",
				 p->messages, FIT_MESSAGES_MIN);
	double size = p->size_sum / p->messages, gap = p->gap_sum / p->gaps;
	double size_variance = (p->size_squares - p->messages * size * size) / (p->messages - 1);
	/*
	 * The classifier compares windows: gaps that stray by themselves are even in the mean over one, while
	 * streams that differ stay different.
	 */
	double within = p->gap_within / p->gaps / (NBC_WINDOW - 1);
	double between = p->gap_squares / p->gaps - gap * gap;

	return voice_model_make(name, size, sqrt(fmax(0, size_variance)), gap,
				sqrt(fmax(0, within) + fmax(0, between)), out, err);
}
