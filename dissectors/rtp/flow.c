/* From the messages of a flow to evidence, label, role and path. */
#include "dissectors/rtp/rtp.h"

#define RUN_ENOUGH   4U
#define MOVES_ENOUGH 2U
/*
 * How far a timestamp can go in one message: at least 2.5 ms, the shortest frame of a codec in use (RFC
 * 6716), at 8000 Hz; at most 192000 Hz, the fastest sound there is, for the time that went by and 2 s of
 * delay.
 */
#define STEP_MIN    20
#define STEP_HZ_MAX 192000LL
#define STEP_DELAY  2LL
/* Backward: frames are sent in another order than shown (B frames), by less than 1 s at 90000 Hz. */
#define STEP_BACK (-90000)
/* RFC 3550 appendix A.1, MAX_MISORDER and a part of MAX_DROPOUT: what is no new start. */
#define LATE_MAX (-100)
#define LOST_MAX 100

/* Foreign messages that a flow may hold beyond those that fit: keep-alives, an application's own. */
#define STRANGE_SLACK 4U
#define PATHS_MAX     8U /* reports of one flow */

#define BIT(kind) (UINT32_C(1) << (kind))
/* What makes a sequence believable whose timestamps stand still. */
#define AROUND_BITS                                                                                          \
	(BIT(RTP_STUN) | BIT(RTP_CLASSIC_STUN) | BIT(RTP_RTCP) | BIT(RTP_SRTCP) | BIT(RTP_DTLS) |            \
	 BIT(RTP_DISCOVERY))

#define NS_PER_S 1000000000LL

static void count(uint8_t *n)
{
	if (*n < UINT8_MAX)
		++*n;
}

static void tell(const struct look *l, struct rtp_flow *flow, enum rtp_kind kind, uint32_t value)
{
	if (flow->told & BIT(kind))
		return;
	flow->told |= BIT(kind);
	observe(l, kind, value);
}

static bool was_told(const struct rtp_flow *flow, uint32_t bits)
{
	return flow->told & bits;
}

static struct rtp_track *find_track(struct rtp_flow *flow, enum direction dir, uint32_t ssrc)
{
	for (unsigned i = 0; i < TRACKS; i++)
		if (flow->track[dir][i].run && flow->track[dir][i].ssrc == ssrc)
			return &flow->track[dir][i];
	return NULL;
}

enum step { STEP_STILL, STEP_MOVES, STEP_WILD };

static enum step step_of(int32_t step, int64_t elapsed_ns)
{
	int64_t seconds = (elapsed_ns > 0 ? elapsed_ns / NS_PER_S : 0) + STEP_DELAY;

	if (step < STEP_BACK || step > STEP_HZ_MAX * seconds)
		return STEP_WILD;
	return step >= STEP_MIN ? STEP_MOVES : STEP_STILL;
}

static void start_track(struct rtp_track *t, const struct rtp_header *h, int64_t ts_ns)
{
	*t = (struct rtp_track){
		.ts_ns = ts_ns,
		.ssrc = h->ssrc,
		.timestamp = h->timestamp,
		.sequence = h->sequence,
		.run = 1,
	};
}

/* The payload type is left out: it changes with silence and key presses, and a constant byte says nothing. */
static const struct rtp_track *follow_track(struct rtp_flow *flow, enum direction dir,
					    const struct rtp_header *h, int64_t ts_ns)
{
	struct rtp_track *t = find_track(flow, dir, h->ssrc);

	if (!t) {
		t = &flow->track[dir][flow->next_track[dir]];
		flow->next_track[dir] = (uint8_t)((flow->next_track[dir] + 1U) % TRACKS);
		start_track(t, h, ts_ns);
		return t;
	}
	int32_t ahead = (int16_t)(h->sequence - t->sequence);
	if (ahead <= 0 && ahead >= LATE_MAX)
		return t; /* a copy, or late */
	enum step step = step_of((int32_t)(h->timestamp - t->timestamp), ts_ns - t->ts_ns);
	if (ahead < LATE_MAX || ahead > LOST_MAX || step == STEP_WILD) {
		start_track(t, h, ts_ns);
		return t;
	}
	if (ahead == 1) {
		count(&t->run);
		if (step == STEP_MOVES)
			count(&t->moves);
	}
	t->sequence = h->sequence;
	t->timestamp = h->timestamp;
	t->ts_ns = ts_ns;
	return t;
}

/* Only of flows with media: those that do nothing but STUN are many, and the table of paths is bounded. */
static void report_path(const struct look *l, struct rtp_flow *flow)
{
	if (!flow->media || flow->path_reports >= PATHS_MAX)
		return;
	flow->path_reports++;
	const struct event event = { .type = EVENT_MEDIA_PATH, .of.path = flow->path };
	report_event(l, &event);
}

static bool set_endpoint(struct endpoint *kept, const struct endpoint *told)
{
	if (told->port == 0 || (kept->port == told->port && ip_equal(&kept->ip, &told->ip)))
		return false;
	*kept = *told;
	return true;
}

static bool set_way(struct rtp_flow *flow, enum media_way way)
{
	if (flow->path.way == way)
		return false;
	flow->path.way = way;
	return true;
}

static void note_request(const struct look *l, struct rtp_flow *flow, const struct stun_message *s)
{
	uint8_t *next = &flow->next_asked[l->dir];

	flow->asked[l->dir][*next] =
		(struct rtp_transaction){ .id = s->id, .pending = true, .check = s->check };
	*next = (uint8_t)((*next + 1U) % TRANSACTIONS);
	if (s->method == STUN_CHANNEL_BIND && set_endpoint(&flow->path.peer, &s->peer))
		report_path(l, flow);
}

static void note_answer(const struct look *l, struct rtp_flow *flow, const struct stun_message *s)
{
	enum direction asker = other_direction(l->dir);
	struct rtp_transaction *t = NULL;

	for (unsigned i = 0; i < TRANSACTIONS; i++)
		if (flow->asked[asker][i].pending && flow->asked[asker][i].id == s->id)
			t = &flow->asked[asker][i];
	if (!t)
		return;
	t->pending = false;
	tell(l, flow, RTP_STUN_ANSWERED, s->method);
	if (s->class != STUN_SUCCESS)
		return;
	bool news = set_endpoint(&flow->path.reflexive[asker], &s->mapped);
	if (s->method == STUN_ALLOCATE) {
		news |= set_endpoint(&flow->path.relayed, &s->relayed);
		news |= set_way(flow, MEDIA_WAY_RELAYED);
	} else if (s->method == STUN_BINDING && t->check) {
		news |= set_way(flow, MEDIA_WAY_DIRECT);
	}
	if (news)
		report_path(l, flow);
}

/* wrapped: it came in another message, between sockets that are not those of this flow. */
static void note_stun(const struct look *l, struct rtp_flow *flow, const struct stun_message *s, bool wrapped)
{
	tell(l, flow, s->classic ? RTP_CLASSIC_STUN : RTP_STUN, s->method);
	if (!wrapped && s->class == STUN_REQUEST)
		note_request(l, flow, s);
	else if (!wrapped && s->class != STUN_INDICATION)
		note_answer(l, flow, s);
	if (flow->media)
		return;
	if (was_told(flow, BIT(RTP_STUN)) || was_told(flow, BIT(RTP_STUN_ANSWERED)))
		label_flow(l, "stun");
}

static void note_rtcp(const struct look *l, struct rtp_flow *flow, const struct rtcp_message *m)
{
	if (!m->compound && !m->encrypted)
		return;
	tell(l, flow, m->compound ? RTP_RTCP : RTP_SRTCP, m->ssrc);
	if (flow->reporting[l->dir] && flow->rtcp_ssrc[l->dir] == m->ssrc)
		tell(l, flow, RTP_RTCP_AGAIN, m->ssrc);
	flow->reporting[l->dir] = true;
	flow->rtcp_ssrc[l->dir] = m->ssrc;
	if (!flow->media && !was_told(flow, BIT(RTP_STUN)) && was_told(flow, BIT(RTP_RTCP_AGAIN)))
		label_flow(l, "rtcp");
}

static void note_relay(const struct look *l, struct rtp_flow *flow, const struct rtp_message *m)
{
	bool news = set_way(flow, MEDIA_WAY_RELAYED);

	if (m->has_stun)
		news |= set_endpoint(&flow->path.peer, &m->stun.peer);
	if (news)
		report_path(l, flow);
}

static void note_rtp(const struct look *l, struct rtp_flow *flow, const struct rtp_message *m)
{
	const struct rtp_track *t = follow_track(flow, l->dir, &m->rtp, l->packet->ts_ns);

	/* A quarter of all random messages has a header; only the second of a stream belongs to something. */
	count(t->run > 1 ? &flow->fits : &flow->strange);
	if (m->relayed)
		note_relay(l, flow, m);
	if (flow->media || t->run < RUN_ENOUGH)
		return;
	tell(l, flow, RTP_SEQUENCE, t->ssrc);
	if (t->moves >= MOVES_ENOUGH)
		tell(l, flow, RTP_TIMESTAMP, t->ssrc);
	/* These are no news without a stream: most flows of DTLS are no calls. */
	if (flow->dtls)
		tell(l, flow, RTP_DTLS, t->ssrc);
	if (flow->discovery)
		tell(l, flow, RTP_DISCOVERY, t->ssrc);
	if (!was_told(flow, BIT(RTP_TIMESTAMP) | AROUND_BITS))
		return;
	flow->media = true;
	label_flow(l, "rtp");
	note_role(l, ROLE_media);
	if (flow->path.way != MEDIA_WAY_UNKNOWN || flow->path.reflexive[0].port || flow->path.reflexive[1].port ||
	    flow->path.relayed.port || flow->path.peer.port)
		report_path(l, flow);
}

enum match flow_note(const struct look *l, struct rtp_flow *flow, const struct rtp_message *m)
{
	bool wrapped = m->relayed && m->kind == MESSAGE_STUN && !(m->stun.class == STUN_INDICATION);

	if (m->kind == MESSAGE_STRANGE)
		count(&flow->strange);
	else if (m->kind != MESSAGE_CUT && m->kind != MESSAGE_RTP)
		count(&flow->fits);
	if (m->has_stun)
		note_stun(l, flow, &m->stun, wrapped);
	flow->dtls |= m->kind == MESSAGE_DTLS;
	flow->discovery |= m->kind == MESSAGE_DISCOVERY;
	if (m->kind == MESSAGE_RTCP)
		note_rtcp(l, flow, &m->rtcp);
	else if (m->kind == MESSAGE_RTP)
		note_rtp(l, flow, m);
	if (flow->media)
		return MATCH_YES;
	return flow->strange > flow->fits + STRANGE_SLACK ? MATCH_NO : MATCH_MAYBE;
}
