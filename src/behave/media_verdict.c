/* Whether a measured flow carried voice or video; see calls.h. */
#include "behave/calls.h"
#include "behave/emodel.h"

const char *const media_basis_names[] = {
#define X(name, words) #name,
	MEDIA_BASES(X)
#undef X
};

/*
 * The protocol whose rule the payload of some stream passes; -1: none. Over TCP randomness alone says nothing
 * (recognition 6).
 */
static int protocol_by_payload(const struct media_flow *f, const struct stream_report *s)
{
	for (unsigned p = 0; f->l4 == IPPROTO_UDP && p < protocol_count; p++)
		for (unsigned i = 0; i < protocols[p]->csc_rule_count; i++) {
			const struct csc_rule *rule = &protocols[p]->csc_rules[i];
			if ((!rule->needs_client || f->hosts_with_client >> p & 1) &&
			    csc_judge(s->csc_messages, s->csc_above, rule) == CSC_PASSES)
				return (int)p;
		}
	return -1;
}

/* Both ways a voice, in random bytes, which are all that the protocol's media over TCP have to show. */
static bool is_random_talk(const struct media_report *r, const struct csc_rule *rule)
{
	bool both[2] = { false, false };

	for (uint32_t i = 0; rule && i < r->streams; i++) {
		const struct stream_report *s = &r->stream[i];
		both[s->dir] = stream_is_like_voice(s) &&
			       csc_judge(s->csc_messages, s->csc_above, rule) == CSC_PASSES;
	}
	return both[0] && both[1];
}

/*
 * The protocol of a client whose UDP is blocked, which therefore calls over TCP, through nodes that it never
 * asked; -1: none. Any tunnel with a voice in it looks the same: of other hosts nothing is said.
 */
static int protocol_by_blocked_client(const struct media_flow *f)
{
	for (unsigned p = 0; f->l4 == IPPROTO_TCP && p < protocol_count; p++)
		if (f->hosts_cut_off >> p & 1 && is_random_talk(f->report, protocols[p]->csc_tcp))
			return (int)p;
	return -1;
}

/* Over TCP: payload that is not random is none of the client's media. */
static bool is_refuted(const struct media_flow *f, const struct stream_report *s)
{
	const struct csc_rule *rule = f->protocol >= 0 ? protocols[f->protocol]->csc_tcp : NULL;

	return f->l4 == IPPROTO_TCP && rule && csc_judge(s->csc_messages, s->csc_above, rule) == CSC_FAILS;
}

/* The client at one end is of a protocol that has media; what others send evenly in small messages is no
 * voice. */
static bool has_media_client(const struct media_flow *f)
{
	return f->client && f->protocol >= 0 && protocols[f->protocol]->csc_rule_count > 0;
}

void media_judge(struct media_flow *f)
{
	const struct media_report *r = f->report;
	bool client = has_media_client(f);
	int blocked = f->client ? -1 : protocol_by_blocked_client(f);

	f->verdict = MEDIA_NOT;
	f->basis = MEDIA_BASIS_none;
	if (r->sampled) {
		f->verdict = MEDIA_CALL; /* until call_table_group() finds it to go one way only */
		f->basis = MEDIA_BASIS_format;
		f->protocol = r->protocol;
		return;
	}
	if (r->protocol >= 0 || r->busy_seconds[0] + r->busy_seconds[1] < MEDIA_TALK_SHORTEST)
		return;
	for (uint32_t i = 0; i < r->streams; i++) {
		if (!stream_is_like_voice(&r->stream[i]) || is_refuted(f, &r->stream[i]))
			continue;
		int told = blocked >= 0 ? blocked : protocol_by_payload(f, &r->stream[i]);
		if (f->verdict == MEDIA_NOT)
			f->verdict = MEDIA_VOIP_LIKE;
		if (client || told >= 0)
			f->verdict = MEDIA_CALL;
		if (client) {
			f->basis = MEDIA_BASIS_socket;
		} else if (told >= 0) {
			f->basis = MEDIA_BASIS_statistics;
			f->protocol = (int8_t)told;
		}
	}
}

/*
 * G.107 needs the delay from mouth to ear, of which a listener on the way sees a part: a packet's time, a
 * buffer of twice the jitter, and half the round trip that the ends' reports tell. Without reports 50 ms are
 * assumed; below 150 ms the score depends little on it (G.107, Idd is 0 up to 100 ms).
 */
#define WAY_MS 50.0F

float report_round_trip(const struct media_report *r)
{
	return r->round_trip_ms[0] >= 0 && r->round_trip_ms[1] >= 0
		       ? r->round_trip_ms[0] + r->round_trip_ms[1]
		       : 0;
}

/* G.107 table 2: packet loss up to 20 %. */
#define LOSS_MOST 20.0F

/* More messages than this share are too large for a voice: pictures are among them. */
#define VIDEO_SHARE 0.2F

enum media_kind stream_kind(const struct stream_report *s)
{
	if (s->media != MEDIA_UNKNOWN)
		return s->media;
	if (s->sequenced && s->clock_hz) /* RFC 3551: 90 kHz is video's, and no audio's but MPEG's */
		return s->clock_hz == 90000 ? MEDIA_VIDEO : MEDIA_AUDIO;
	return (float)s->large > VIDEO_SHARE * (float)s->packets ? MEDIA_VIDEO : MEDIA_AUDIO;
}

/* What speaks RTP with a number of its own is Opus or its like where the clock is fast, and else no worse
 * than G.711 without concealment in how it takes losses. */
static const struct emodel_codec *usual_codec(const struct stream_report *s)
{
	if (stream_kind(s) != MEDIA_AUDIO || s->clock_hz == 0)
		return NULL;
	return emodel_codec_find(s->clock_hz >= 16000 ? "opus" : "PCMU");
}

float stream_mos(const struct stream_report *s, unsigned l4, float round_trip_ms, bool *assumed)
{
	const struct emodel_codec *codec = s->codec ? emodel_codec_find(s->codec) : usual_codec(s);
	struct emodel_rating rating;

	*assumed = !s->codec;
	if (!codec || !s->sequenced || s->expected == 0 || l4 != IPPROTO_UDP)
		return 0;
	float way = round_trip_ms > 0 ? round_trip_ms / 2 : WAY_MS;
	const struct emodel_input in = {
		.one_way_delay_ms = way + s->gap_mean_ms + 2.0F * (s->has_jitter ? s->jitter_mean_ms : 0),
		.loss_percent = 100.0F * (float)s->lost / (float)s->expected,
		.burst_ratio = 1,
		.ie = codec->ie,
		.bpl = codec->bpl,
	};
	if (in.loss_percent > LOSS_MOST)
		return 0;
	return emodel_rate(&in, codec->scale, &rating) ? rating.mos : 0;
}
