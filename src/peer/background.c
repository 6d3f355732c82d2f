#include "peer/background.h"
#include "base/clock.h"
#include "base/rng.h"
#include "capture/source.h"
#include <stdlib.h>

#define LINKTYPE_ETHERNET 1

struct capture {
	const char *path;
	struct source *source;
	int64_t moved_ns; /* added to its times */
	struct frame frame;
	bool has_frame, last_given;
	int64_t least_ns; /* of the next frame: a clock that jumps back stands still instead */
	uint64_t frames;  /* without the one that was given last: it may be too late to be written */
};

struct background {
	struct capture *capture;
	size_t count;
};

static bool next(struct capture *c, struct error *err)
{
	enum source_result result = source_next(c->source, &c->frame, err);

	c->has_frame = result == SOURCE_FRAME;
	if (result == SOURCE_FAILED)
		return false;
	if (c->has_frame && c->frame.linktype != LINKTYPE_ETHERNET)
		return error_set(err, EXIT_INPUT,
				 "%s: its frames are %s; the capture that is written holds Ethernet", c->path,
				 linktype_name(c->frame.linktype) ? linktype_name(c->frame.linktype)
								  : "of an unknown kind");
	return true;
}

/* Reads it once for its span. */
static bool measure(const char *path, int64_t *first_ns, int64_t *last_ns, struct error *err)
{
	const struct source_options options = { .filter = NULL };
	struct source *source = source_open_files(&path, 1, &options, err);
	enum source_result result = SOURCE_FAILED;
	struct frame frame;

	*first_ns = *last_ns = 0;
	for (bool first = true; source && (result = source_next(source, &frame, err)) == SOURCE_FRAME;
	     first = false) {
		*first_ns = first || frame.ts_ns < *first_ns ? frame.ts_ns : *first_ns;
		*last_ns = first || frame.ts_ns > *last_ns ? frame.ts_ns : *last_ns;
	}
	source_close(source);
	return source && result == SOURCE_END;
}

/* It begins somewhere in [begins, ends - its span], or with the span that is too short for it. */
static bool start(struct capture *c, const char *path, int64_t begins_ns, int64_t ends_ns, struct rng *rng,
		  struct error *err)
{
	const struct source_options options = { .filter = NULL };
	int64_t first_ns, last_ns;

	c->path = path;
	if (!measure(path, &first_ns, &last_ns, err))
		return false;
	int64_t room = ends_ns - begins_ns - (last_ns - first_ns);
	/* Drawn in any case: what one capture is like does not move the others. */
	uint64_t drawn = rng_next(rng);
	c->moved_ns = begins_ns - first_ns + (room > 0 ? (int64_t)(drawn % (uint64_t)room) : 0);
	c->least_ns = begins_ns;
	c->source = source_open_files(&c->path, 1, &options, err);
	return c->source && next(c, err);
}

struct background *background_open(const char *const *paths, size_t count, int64_t begins_ns, int64_t ends_ns,
				   uint64_t seed, struct error *err)
{
	struct background *b = calloc(1, sizeof *b);
	struct rng rng = rng_seeded(seed);

	if (b)
		b->capture = calloc(count ? count : 1, sizeof *b->capture);
	if (!b || !b->capture) {
		free(b);
		error_memory(err, "the background");
		return NULL;
	}
	for (b->count = 0; b->count < count; b->count++)
		if (!start(&b->capture[b->count], paths[b->count], begins_ns, ends_ns, &rng, err)) {
			source_close(b->capture[b->count].source);
			background_close(b);
			return NULL;
		}
	return b;
}

void background_close(struct background *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		source_close(b->capture[i].source);
	free(b->capture);
	free(b);
}

static int64_t time_of(const struct capture *c)
{
	int64_t ns = c->frame.ts_ns + c->moved_ns;

	return ns > c->least_ns ? ns : c->least_ns;
}

int background_next(struct background *b, struct background_frame *out, struct error *err)
{
	struct capture *earliest = NULL;

	/* A frame is borrowed until its source reads on, so that waits until this call. */
	for (size_t i = 0; i < b->count; i++) {
		struct capture *c = &b->capture[i];
		if (c->last_given) {
			c->last_given = false;
			c->frames++;
			if (!next(c, err))
				return -1;
		}
		if (c->has_frame && (!earliest || time_of(c) < time_of(earliest)))
			earliest = c;
	}
	if (!earliest)
		return 0;
	*out = (struct background_frame){ .ns = time_of(earliest),
					  .bytes = earliest->frame.bytes.ptr,
					  .captured = (uint32_t)earliest->frame.bytes.len,
					  .length = earliest->frame.wire_len };
	earliest->least_ns = out->ns;
	earliest->last_given = true;
	return 1;
}

uint64_t background_frames(const struct background *b, size_t i)
{
	return b->capture[i].frames;
}

const char *background_path(const struct background *b, size_t i)
{
	return i < b->count ? b->capture[i].path : NULL;
}
