/*
 * Training: fits a codec's mode (identify/voice_models.h) to recorded calls. Frames go the way of `read` as
 * far as the media meter; what a dissector knows to be media counts by its payload, other messages whole. One
 * stream is trained on, or all of one codec together.
 */
#ifndef FS_BEHAVE_TRAIN_H
#define FS_BEHAVE_TRAIN_H
#include "capture/source.h"
#include "decode/packet.h"
#include "flow/flow.h"
#include "identify/voice_models.h"

/* Streams that are kept to be listed; further ones are trained on, too, if they are chosen. */
#define TRAIN_STREAMS_MAX 1000U

/* What to train on. All zeros: the only stream there is. */
struct train_choice {
	const char *codec; /* all streams of it, without regard to case; NULL: one stream */
	uint64_t flow;     /* number of its first packet; 0: any */
	bool has_stream, has_direction;
	uint32_t stream; /* as in struct media_sample */
	enum direction direction;
};

/* A stream that was there, for people to choose from. */
struct train_stream {
	uint64_t flow;
	struct endpoint from, to;
	enum direction direction;
	bool known; /* its format: sizes are of the media */
	bool has_stream;
	uint32_t stream;
	char codec[32];    /* "": not told */
	uint32_t messages; /* of at most VOICE_SIZE_MAX bytes */
	float size;        /* mean, of these */
	float gap_ms;      /* mean, of all messages */
};

bool train_choice_matches(const struct train_choice *choice, const struct train_stream *s);

/* What came of it. Only one stream, or several of one codec, and not mixed, are to be fitted. */
struct train_result {
	uint32_t chosen;   /* streams */
	uint32_t messages; /* of them */
	bool known;        /* ... are of a known format */
	bool mixed;        /* ... some are, and some are not */
	uint64_t unseen;   /* streams that there was no room for */
};
/* Whether to train on this stream, too: it was chosen and is long enough. Counts it. */
bool train_choose(struct train_result *r, const struct train_choice *choice, const struct train_stream *s);

struct trainer;
struct trainer *trainer_new(const struct train_choice *choice, struct error *err);
void trainer_free(struct trainer *t);
bool trainer_frame(struct trainer *t, const struct frame *frame, struct error *err);
/* No more frames. */
bool trainer_finish(struct trainer *t, struct error *err);
/* In order of their flows; after trainer_finish(). */
uint32_t trainer_stream_count(const struct trainer *t);
const struct train_stream *trainer_stream_at(const struct trainer *t, uint32_t i);

struct train_result trainer_result(const struct trainer *t);
bool trainer_fit(const struct trainer *t, const char *name, struct voice_model *out, struct error *err);

/*
 * The same from what a database keeps of each stream: numbers, means and standard deviations. Nothing can be
 * left out any more: losses, stray messages and pauses of up to a second are in them.
 */
struct train_moments {
	double n, size, size_sd, gap_ms, gap_sd_ms;
};
struct train_pool {
	double messages, size_sum, size_squares;
	double gaps, gap_sum, gap_squares, gap_within; /* within: squares around each stream's own mean */
};
void train_pool_add(struct train_pool *p, const struct train_moments *m);
bool train_pool_fit(const struct train_pool *p, const char *name, struct voice_model *out, struct error *err);
#endif
