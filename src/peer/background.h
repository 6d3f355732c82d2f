/*
 * Frames of given captures, to be mixed in: each capture once, at a random moment of the span, moved in time
 * as a whole. Their addresses stay as they are. Ethernet alone. What a monitor finds of the
 * overlay in them, beside the truth, is its mistake (or a capture that should not have been given).
 */
#ifndef FS_PEER_BACKGROUND_H
#define FS_PEER_BACKGROUND_H
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct background;
/* At moments drawn by seed, such that each lies within the span if it is shorter. paths are borrowed for the
 * background's life. */
struct background *background_open(const char *const *paths, size_t count, int64_t begins_ns, int64_t ends_ns,
				   uint64_t seed, struct error *err);
void background_close(struct background *b); /* accepts NULL */
struct background_frame {
	int64_t ns;
	const uint8_t *bytes; /* borrowed until the next call */
	uint32_t captured, length;
};
/* 1: a frame, in order of time; 0: no more; -1: *err */
int background_next(struct background *b, struct background_frame *out, struct error *err);
/* Frames of capture i that were given before the last one, so that the caller is done with them. */
uint64_t background_frames(const struct background *b, size_t i);
const char *background_path(const struct background *b, size_t i); /* NULL: no such capture */
#endif
