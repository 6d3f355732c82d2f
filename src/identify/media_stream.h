/* One stream of media: what is measured of it, message by message. Private to the meter (media.h). */
#ifndef FS_IDENTIFY_MEDIA_STREAM_H
#define FS_IDENTIFY_MEDIA_STREAM_H
#include "identify/media.h"

/* Sequence numbers of a stream (RFC 3550 A.1). */
struct sequence {
	bool running;
	uint16_t highest;
	uint64_t seen;  /* bit i: highest - i has come */
	uint32_t since; /* numbers since the first of this run, it included */
	uint16_t expected_after_jump;
	bool jumped;
	uint64_t expected_before; /* of the runs before this one */
	uint64_t duplicates, reordered;
	uint64_t strays; /* far from all others: of no run, and so neither expected nor lost */
};

/* The stream's media clock against the capture's (RFC 3550 A.8). */
struct media_clock {
	bool running;
	uint32_t hz; /* 0: not known yet */
	uint32_t first_timestamp, last_timestamp;
	uint32_t last_hz; /* as the last message told it: another codec may have another clock */
	int64_t first_ns, last_ns;
	double jitter_ns, jitter_sum_ns, jitter_max_ns;
	uint64_t steps;
};

struct media_stream {
	struct stream_report report;
	double size_sum, size_squares, gap_sum, gap_squares; /* bytes, ms */
	uint64_t gaps;
	int64_t paced_ns; /* of the last message, for gaps: does not go back but with the clock */
	struct sequence sequence;
	struct media_clock clock;
	uint32_t type_votes; /* for report.payload_type */
	struct csc csc;
	struct nbc nbc;
	struct voice_fit *fit; /* while training; NULL: none */
	int64_t fit_ns;        /* of its last message */
};

/* whole: sample is the whole message, for nobody knows its format. */
void media_stream_message(struct media_stream *s, const struct packet *packet,
			  const struct media_sample *sample, bool whole);
/* Fills s->report. */
void media_stream_finish(struct media_stream *s, const struct voice_models *models);
#endif
