/*
 * The media meter: measures flows that may carry voice or video, message by message. It knows no format. What
 * a message holds comes from the flow's dissector (struct dissector, sample()); a flow without one, such as
 * an encrypted call, is one stream each way, and the statistics of its messages (chi_square.h,
 * voice_models.h) say later whether it was a voice. Whether it is called a call is decided in behave/calls.h.
 *
 * Nearly all flows are never measured: one has to come as far as MEDIA_BEGINS messages in one direction, and
 * is dropped again when its first windows are nothing like a voice; it gets another chance whenever its
 * messages have doubled, as signalling often comes before the call on the same sockets.
 */
#ifndef FS_IDENTIFY_MEDIA_H
#define FS_IDENTIFY_MEDIA_H
#include "identify/chi_square.h"
#include "identify/dissector.h"
#include "identify/naive_bayes.h"

#define MEDIA_BEGINS     16U
#define MEDIA_METERS_MAX 16384U /* flows measured at a time; more are passed over, and counted */
/* Streams of one flow, both ways together: a video conference has 11 each way. What is beyond is counted. */
#define MEDIA_STREAMS_MAX 32U
#define MEDIA_HOLDS_MAX   8U

/* One stream of one direction: an SSRC, or all of the direction. */
struct stream_report {
	uint32_t stream; /* as in struct media_sample */
	enum direction dir;
	uint64_t first_packet;
	int64_t first_ns, last_ns;
	uint64_t packets, payload; /* of media; bytes behind all headers, on the wire */
	uint32_t size_min, size_max;
	float size_mean, size_sd;     /* bytes */
	float gap_mean_ms, gap_sd_ms; /* between messages; gaps over a second are pauses and left out */
	uint64_t large;               /* messages too large for a voice, see VOICE_SIZE_MAX */
	/* From the sequence numbers (RFC 3550 A.1, A.3); all 0 without. */
	bool sequenced;
	uint64_t expected, lost, duplicates, reordered;
	/* Interarrival jitter (RFC 3550 6.4.1, A.8), ms; needs the clock. */
	bool has_jitter;
	float jitter_mean_ms, jitter_max_ms;
	uint32_t clock_hz; /* of the media timestamps, told or estimated; 0: not known */
	uint8_t payload_type;
	const char *codec; /* static, told by the format; NULL: not told */
	enum media_kind media;
	uint64_t comfort_noise;  /* messages */
	uint16_t csc_messages;   /* that the chi-square test has seen */
	uint16_t csc_above;      /* bit g: group g + 1 is above the threshold */
	struct nbc_belief voice; /* windows 0: none */
	/* While training, see media_meters_train(): borrowed during the report; else NULL. */
	const struct voice_fit *fit;
};

/* Media fell to a trickle and came back (measurements B12). */
struct hold_period {
	int64_t first_ns, last_ns;
	uint32_t messages[2]; /* of media in it, by direction; bytes behind all headers, on the wire */
	uint64_t bytes[2];
};

struct media_report {
	uint64_t flow;   /* first_packet */
	int8_t protocol; /* of the dissector that knows the format; -1: none does */
	bool sampled;    /* ... and it said yes */
	/* The time with at least MEDIA_TALK_RATE messages a second in some direction, pauses included. */
	int64_t talk_first_ns, talk_last_ns;        /* both 0: never */
	uint32_t busy_seconds[2], quiet_seconds[2]; /* of that time, by direction; holds are in neither */
	uint32_t outside[2]; /* messages of media before and behind that time, and their bytes */
	uint64_t outside_bytes[2];
	uint32_t control; /* messages about the media, since the first one with media */
	/* The least round trip between here and the end that sends in this direction, by its reports (RFC
	 * 3550 6.4.1), ms; negative: not told. Both together are the call's. */
	float round_trip_ms[2];
	uint32_t holds, streams;               /* kept below; more were seen when _missed */
	uint32_t holds_missed, streams_missed; /* messages of further streams */
	struct hold_period hold[MEDIA_HOLDS_MAX];
	struct stream_report stream[MEDIA_STREAMS_MAX]; /* in order of their first packets */
};

/*
 * A second with this many messages in a direction is talk: voice has 14 (70 ms) to 100 (10 ms) a second, hold
 * at most 3 (measurements B11, B12).
 */
#define MEDIA_TALK_RATE 10U
/* ... and this many of them are a talk; less is a burst of signalling. */
#define MEDIA_TALK_SHORTEST 3U
/* The classifier accepts it: two windows, 60 messages, at least. */
bool stream_is_like_voice(const struct stream_report *s);

struct media_meters;
/* models: borrowed; NULL: no belief is computed. */
struct media_meters *media_meters_new(const struct voice_models *models, struct error *err);
void media_meters_free(struct media_meters *m);
/*
 * To train on calls (voice_models.h) and not to find them: every stream is fitted, as far as MEDIA_FITS_MAX
 * reaches, no flow is dropped, and all are reported. Call before the first message. False: no memory.
 */
#define MEDIA_FITS_MAX 4096U /* of 10 KB each, at a time */
bool media_meters_train(struct media_meters *m, struct error *err);
uint64_t media_meters_passed_over(const struct media_meters *m);
/* A meter for the flow, in flow->id.media; without room none, and it is counted. */
void media_begin(struct media_meters *m, struct flow *flow);
/*
 * One message of the flow. sample: what the dissector says of it; NULL: nobody knows the format, and the
 * whole payload is media. Drops the meter of a flow without format that is nothing like a voice.
 */
void media_message(struct media_meters *m, struct flow *flow, enum direction dir, const struct packet *packet,
		   enum sample_kind kind, const struct media_sample *sample);
/*
 * Fills *out but for protocol and sampled; false: nothing was measured that is worth a report. known: the
 * format is known; else only a flow that talked, and like a voice in some direction, is worth one.
 */
bool media_finish(struct media_meters *m, const struct flow *flow, bool known, struct media_report *out);
void media_drop(struct media_meters *m, struct flow *flow);
/*
 * Flows that have talked, with a message at since_ns or later, at most max: those whose format is known for
 * sure, and those that are like a voice up to now. Looks at every meter: for now and then.
 */
struct media_call {
	const struct flow *flow; /* borrowed until the next packet */
	int64_t began_ns;        /* its first second of talk */
};
size_t media_going_on(const struct media_meters *m, int64_t since_ns, struct media_call *out, size_t max);
#endif
