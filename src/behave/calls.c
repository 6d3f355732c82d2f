/* Measured flows put together to calls; see calls.h. */
#include "behave/call_table.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

/* Voice and video of one call begin together; a path that is changed goes on where the last one ended. */
#define TOGETHER_NS (10 * NS_PER_S)
#define GOES_ON_NS  (5 * NS_PER_S)
/* Two calls of a host that overlap by this much are carried at the same time, not one after the other. */
#define OVERLAP_NS (5 * NS_PER_S)
/* Calls of one host looked at for an overlap: beyond that it is a gateway with hundreds. */
#define OVERLAPS_LOOKED_AT 64U
/* More quiet seconds than this in a talk: silence is not sent. */
#define QUIET_SHARE 0.2F
#define QUIET_TOLD  5U /* seconds of talk before that can be told */

/* --- what goes together -----------------------------------------------------------------------------------
 */

static bool initiator_is_near(const struct media_flow *f)
{
	return f->initiator_internal || !f->responder_internal;
}

static const struct endpoint *near_end(const struct media_flow *f)
{
	return initiator_is_near(f) ? &f->initiator : &f->responder;
}

static const struct endpoint *far_end(const struct media_flow *f)
{
	return initiator_is_near(f) ? &f->responder : &f->initiator;
}

/* Of its media: by the streams where their format is known, else by the seconds of talk. */
static int64_t media_first(const struct media_flow *f)
{
	int64_t first = INT64_MAX;

	if (f->basis != MEDIA_BASIS_format)
		return f->report->talk_first_ns;
	for (uint32_t i = 0; i < f->report->streams; i++)
		if (f->report->stream[i].first_ns < first)
			first = f->report->stream[i].first_ns;
	return first;
}

static int64_t media_last(const struct media_flow *f)
{
	int64_t last = INT64_MIN;

	if (f->basis != MEDIA_BASIS_format)
		return f->report->talk_last_ns;
	for (uint32_t i = 0; i < f->report->streams; i++)
		if (f->report->stream[i].last_ns > last)
			last = f->report->stream[i].last_ns;
	return last;
}

/*
 * The two hosts, whoever of them began: the internal one first, else the lesser address. A call between two
 * internal hosts may have a flow for each direction, or its voice begun by one and its video by the other.
 */
static int compare_hosts(const struct media_flow *x, const struct media_flow *y)
{
	const struct ip *of[2][2];

	for (int i = 0; i < 2; i++) {
		const struct media_flow *f = i ? y : x;
		const struct ip *near = &near_end(f)->ip, *far = &far_end(f)->ip;
		bool turn =
			f->initiator_internal == f->responder_internal && memcmp(near, far, sizeof *near) > 0;
		of[i][0] = turn ? far : near;
		of[i][1] = turn ? near : far;
	}
	int order = memcmp(of[0][0], of[1][0], sizeof(struct ip));
	return order ? order : memcmp(of[0][1], of[1][1], sizeof(struct ip));
}

static int by_hosts(const void *a, const void *b)
{
	const struct media_flow *x = *(struct media_flow *const *)a, *y = *(struct media_flow *const *)b;
	int order = (x->verdict == MEDIA_CALL) - (y->verdict == MEDIA_CALL);

	if (order)
		return -order;
	order = compare_hosts(x, y);
	if (order == 0)
		order = x->protocol - y->protocol;
	if (order)
		return order;
	int64_t first = media_first(x), other = media_first(y);
	if (first != other)
		return first < other ? -1 : 1;
	return x->report->flow < y->report->flow ? -1 : 1;
}

static bool joins_hosts(const struct call *call, const struct ip *one, const struct ip *other)
{
	return ip_equal(&call->near.ip, one) && ip_equal(&call->far.ip, other);
}

static bool goes_with(const struct call *call, const struct media_flow *f)
{
	int64_t first = media_first(f);

	if (call->protocol != f->protocol || (!joins_hosts(call, &f->initiator.ip, &f->responder.ip) &&
					      !joins_hosts(call, &f->responder.ip, &f->initiator.ip)))
		return false;
	return first - call->first_ns <= TOGETHER_NS ||
	       (first - call->last_ns <= GOES_ON_NS && call->last_ns - first <= GOES_ON_NS);
}

static struct call *begin_call(struct call_table *t, const struct media_flow *f, struct error *err)
{
	void *rows = t->call;
	struct call *call = call_table_row(&rows, &t->calls, &t->call_room, sizeof *call);

	t->call = rows;
	if (!call) {
		error_memory(err, "a call");
		return NULL;
	}
	*call = (struct call){
		.near = *near_end(f),
		.far = *far_end(f),
		.protocol = f->protocol,
		.l4 = f->l4,
		.near_began = initiator_is_near(f),
		.level = f->initiator_internal == f->responder_internal,
		.basis = f->basis,
		.client = f->client,
		.first_ns = media_first(f),
		.last_ns = media_last(f),
		.flow = f->report->flow,
		.made = t->calls,
	};
	return call;
}

/* --- what is added up -------------------------------------------------------------------------------------
 */

static void add_codec(struct call_side *side, const struct stream_report *s,
		      const struct voice_models *models)
{
	if (s->codec && (!side->codec || side->codec_estimated)) {
		side->codec = s->codec;
		side->codec_estimated = false;
	} else if (!side->codec && models && s->voice.windows && s->voice.codec_mode >= 0) {
		side->codec = voice_models_name(models, (unsigned)s->voice.codec_mode);
		side->codec_estimated = true;
	}
}

static void add_stream(struct call *call, struct call_side *side, const struct media_flow *f,
		       const struct stream_report *s, const struct voice_models *models)
{
	enum media_kind kind = stream_kind(s);
	bool assumed;
	float mos = stream_mos(s, f->l4, report_round_trip(f->report), &assumed);

	if (side->packets == 0 || s->size_min < side->size_min)
		side->size_min = s->size_min;
	if (s->size_max > side->size_max)
		side->size_max = s->size_max;
	side->packets += s->packets;
	side->payload += s->payload;
	call->audio = call->audio || kind == MEDIA_AUDIO;
	/* Video without a format comes in one stream with the voice. */
	call->video = call->video || kind == MEDIA_VIDEO;
	if (f->basis != MEDIA_BASIS_format)
		call->audio = true;
	if (kind == MEDIA_AUDIO || f->basis != MEDIA_BASIS_format)
		add_codec(side, s, models);
	if (mos > 0 && (side->mos <= 0 || mos < side->mos)) {
		side->mos = mos;
		side->mos_assumed = assumed;
	}
	if (s->comfort_noise)
		side->silence = SILENCE_SUPPRESSED;
}

static void add_silence(struct call_side *side, uint32_t busy, uint32_t quiet)
{
	if (side->silence != SILENCE_UNKNOWN || busy + quiet < QUIET_TOLD || side->packets == 0)
		return;
	side->silence =
		(float)quiet > QUIET_SHARE * (float)(busy + quiet) ? SILENCE_SUPPRESSED : SILENCE_SENT;
}

static void add_path(struct call *call, const struct media_flow *f, bool turned)
{
	const struct endpoint *seen = &f->path.reflexive[turned ? TO_INITIATOR : TO_RESPONDER];

	if (call->way == MEDIA_WAY_UNKNOWN || f->path.way == MEDIA_WAY_RELAYED)
		call->way = f->path.way != MEDIA_WAY_UNKNOWN ? f->path.way : call->way;
	if (!call->near_public.port)
		call->near_public = *seen;
	if (!call->behind.port)
		call->behind = f->path.peer;
}

static void add_flow(struct call *call, const struct media_flow *f, const struct voice_models *models)
{
	const struct media_report *r = f->report;
	bool turned = !ip_equal(&f->initiator.ip, &call->near.ip);

	for (uint32_t i = 0; i < r->streams; i++) {
		bool from_near = (r->stream[i].dir == TO_RESPONDER) != turned;
		add_stream(call, &call->side[from_near ? TO_RESPONDER : TO_INITIATOR], f, &r->stream[i],
			   models);
	}
	for (int dir = 0; dir < 2; dir++) {
		struct call_side *side = &call->side[turned ? !dir : dir];
		add_silence(side, r->busy_seconds[dir], r->quiet_seconds[dir]);
		/* Where the format is known, all media are the call's: media_first(), media_last(). */
		side->aside += f->basis != MEDIA_BASIS_format ? r->outside[dir] : 0;
		side->aside_payload += f->basis != MEDIA_BASIS_format ? r->outside_bytes[dir] : 0;
	}
	if (media_last(f) > call->last_ns)
		call->last_ns = media_last(f);
	if (f->l4 != call->l4)
		call->l4 = 0;
	add_path(call, f, turned);
	float trip = report_round_trip(r);
	if (trip > 0 && (call->round_trip_ms <= 0 || trip < call->round_trip_ms))
		call->round_trip_ms = trip;
	if (!call->client)
		call->client = f->client;
	call->flows++;
}

static int by_beginning(const void *a, const void *b)
{
	const struct call_hold *x = a, *y = b;

	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	return (x->period.first_ns > y->period.first_ns) - (x->period.first_ns < y->period.first_ns);
}

/* Voice and video are held together, in a flow each: that is one hold. */
static void merge_holds(struct call_table *t, uint32_t from)
{
	uint32_t kept = from;

	if (t->holds > from)
		qsort(t->hold + from, t->holds - from, sizeof *t->hold, by_beginning);
	for (uint32_t i = from; i < t->holds; i++) {
		const struct hold_period next = t->hold[i].period;
		struct hold_period *last = kept > from ? &t->hold[kept - 1].period : NULL;
		if (!last || next.first_ns >= last->last_ns) {
			t->hold[kept++] = t->hold[i];
			continue;
		}
		last->last_ns = next.last_ns > last->last_ns ? next.last_ns : last->last_ns;
		for (int dir = 0; dir < 2; dir++) {
			last->messages[dir] += next.messages[dir];
			last->bytes[dir] += next.bytes[dir];
		}
	}
	t->holds = kept;
}

static bool add_holds(struct call_table *t, struct call *call, struct media_flow *const *flow, uint32_t flows,
		      struct error *err)
{
	uint32_t from = t->holds;

	for (uint32_t i = 0; i < flows; i++) {
		const struct media_report *r = flow[i]->report;
		bool turned = !ip_equal(&flow[i]->initiator.ip, &call->near.ip);
		for (uint32_t h = 0; h < r->holds; h++) {
			void *rows = t->hold;
			struct call_hold *hold =
				call_table_row(&rows, &t->holds, &t->hold_room, sizeof *hold);
			t->hold = rows;
			if (!hold)
				return error_memory(err, "the holds of a call");
			*hold = (struct call_hold){ call->made, r->hold[h] };
			for (int dir = 0; dir < 2 && turned; dir++) {
				hold->period.messages[dir] = r->hold[h].messages[!dir];
				hold->period.bytes[dir] = r->hold[h].bytes[!dir];
			}
		}
		call->holds += r->holds_missed;
	}
	merge_holds(t, from);
	call->holds += t->holds - from;
	for (uint32_t i = from; i < t->holds; i++) {
		const struct hold_period *hold = &t->hold[i].period;
		call->hold_ns += hold->last_ns - hold->first_ns;
		for (int dir = 0; dir < 2; dir++) {
			call->side[dir].aside += hold->messages[dir];
			call->side[dir].aside_payload += hold->bytes[dir];
		}
	}
	return true;
}

/* Streams of a single message are not reported, but may have been in a hold. */
static double besides(uint64_t all, uint64_t aside)
{
	return all > aside ? (double)(all - aside) : 0;
}

static void finish_call(struct call *call)
{
	double seconds = (double)(call->last_ns - call->first_ns - call->hold_ns) / NS_PER_S;

	for (int dir = 0; dir < 2 && seconds > 0; dir++) {
		struct call_side *side = &call->side[dir];
		side->rate = (float)(besides(side->packets, side->aside) / seconds);
		side->bandwidth = (float)(besides(side->payload, side->aside_payload) / seconds);
	}
}

/* --- calls at the same time -------------------------------------------------------------------------------
 */

static int by_first(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x->flow < y->flow ? -1 : 1;
}

static bool same_time(const struct call *x, const struct call *y)
{
	int64_t from = x->first_ns > y->first_ns ? x->first_ns : y->first_ns;
	int64_t to = x->last_ns < y->last_ns ? x->last_ns : y->last_ns;

	return to - from >= OVERLAP_NS;
}

/* A call as one of its ends sees it. */
struct share {
	struct call *call;
	const struct ip *host, *other;
};

static int by_host(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	int order = x->call->protocol - y->call->protocol;

	if (order == 0)
		order = memcmp(x->host, y->host, sizeof *x->host);
	/* Calls stand in order of their first messages. */
	return order ? order : (x->call > y->call) - (x->call < y->call);
}

/* The shares of one host follow each other, in order of their first messages. */
static void find_conferences(const struct share *share, uint32_t shares)
{
	uint32_t conferences = 0;

	for (uint32_t i = 1; i < shares; i++) {
		struct call *call = share[i].call;
		for (uint32_t back = 1; back <= i && back <= OVERLAPS_LOOKED_AT; back++) {
			const struct share *other = &share[i - back];
			if (other->call->protocol != call->protocol || !ip_equal(other->host, share[i].host))
				break;
			if (ip_equal(other->other, share[i].other) || !same_time(other->call, call))
				continue;
			if (!other->call->conference)
				other->call->conference = ++conferences;
			call->conference = other->call->conference;
			break;
		}
	}
}

/* One host, several others, at the same time; numbered in order of the calls. */
static bool number_conferences(struct call_table *t, struct error *err)
{
	struct share *share = malloc((2U * (size_t)t->calls + 1U) * sizeof *share);
	uint32_t *number = calloc(2U * (size_t)t->calls + 1U, sizeof *number), shares = 0, numbers = 0;
	bool ok = share && number;

	for (uint32_t i = 0; ok && i < t->calls; i++) {
		struct call *call = &t->call[i];
		share[shares++] = (struct share){ call, &call->near.ip, &call->far.ip };
		if (call->level && !ip_equal(&call->near.ip, &call->far.ip))
			share[shares++] = (struct share){ call, &call->far.ip, &call->near.ip };
	}
	if (ok && shares) {
		qsort(share, shares, sizeof *share, by_host);
		find_conferences(share, shares);
	}
	for (uint32_t i = 0; ok && i < t->calls; i++) {
		uint32_t found = t->call[i].conference;
		if (found && !number[found])
			number[found] = ++numbers;
		t->call[i].conference = number[found];
	}
	free(share);
	free(number);
	return ok || error_memory(err, "the conferences");
}

/* --- all together -----------------------------------------------------------------------------------------
 */

/*
 * In a known format, and one way only: no call, unless the ends have found a path to each other and what went
 * there is a voice. Pictures that nobody answers are a broadcast, a film or a game.
 */
static bool is_one_way(const struct call *call, bool interactive)
{
	return call->basis == MEDIA_BASIS_format && !(interactive && call->audio) &&
	       (call->side[0].packets == 0 || call->side[1].packets == 0);
}

static bool make_calls(struct call_table *t, struct media_flow **flow, const struct voice_models *models,
		       struct error *err)
{
	uint32_t i = 0;

	while (i < t->flows && flow[i]->verdict == MEDIA_CALL) {
		struct call *call = begin_call(t, flow[i], err);
		uint32_t first = i;
		bool interactive = false;
		if (!call)
			return false;
		for (; i < t->flows && flow[i]->verdict == MEDIA_CALL && goes_with(call, flow[i]); i++) {
			add_flow(call, flow[i], models);
			flow[i]->call = call->made;
			interactive = interactive || flow[i]->path.way != MEDIA_WAY_UNKNOWN;
		}
		if (!is_one_way(call, interactive)) {
			if (!add_holds(t, call, flow + first, i - first, err))
				return false;
			finish_call(call);
			continue;
		}
		for (; first < i; first++) {
			flow[first]->verdict = MEDIA_ONE_WAY;
			flow[first]->call = 0;
		}
		t->calls--;
	}
	return true;
}

/* Calls are numbered by time, not as they were made. */
static bool number_calls(struct call_table *t, struct error *err)
{
	uint32_t *number = malloc((t->calls + 1U) * sizeof *number);

	if (!number)
		return error_memory(err, "the calls");
	if (t->calls)
		qsort(t->call, t->calls, sizeof *t->call, by_first);
	number[0] = 0;
	for (uint32_t i = 0; i < t->calls; i++)
		number[t->call[i].made] = i + 1;
	for (uint32_t i = 0; i < t->flows; i++)
		t->flow[i].call = number[t->flow[i].call];
	for (uint32_t i = 0; i < t->holds; i++)
		t->hold[i].call = number[t->hold[i].call];
	if (t->holds)
		qsort(t->hold, t->holds, sizeof *t->hold, by_beginning);
	free(number);
	return true;
}

static int by_flow(const void *a, const void *b)
{
	const struct media_flow *x = a, *y = b;

	return x->report->flow < y->report->flow ? -1 : x->report->flow > y->report->flow;
}

bool call_table_group(struct call_table *t, const struct voice_models *models, struct error *err)
{
	struct media_flow **flow = malloc((t->flows + 1U) * sizeof *flow);

	if (!flow)
		return error_memory(err, "the calls");
	for (uint32_t i = 0; i < t->flows; i++)
		flow[i] = &t->flow[i];
	qsort(flow, t->flows, sizeof(struct media_flow *), by_hosts);
	bool ok = make_calls(t, flow, models, err);
	free(flow);
	if (!ok || !number_calls(t, err) || !number_conferences(t, err))
		return false;
	if (t->flows)
		qsort(t->flow, t->flows, sizeof *t->flow, by_flow);
	return true;
}
