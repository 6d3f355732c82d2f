/* One input: a stream, the format that it holds, and what is known of it. */
#ifndef FS_CAPTURE_INPUT_H
#define FS_CAPTURE_INPUT_H
#include "capture/format.h"
#include "capture/hasher.h"
#include "capture/source.h"
#include "capture/stream.h"

struct input {
	struct input_info info;
	bool in_directory;     /* found there, not named by the user */
	uint64_t size;         /* as stored; 0 when unknown */
	struct stream *stream; /* NULL: not open now */
	enum stream_mode mode; /* how it is open */
	const struct format *format;
	void *state;
	enum record ended; /* anything but RECORD_FRAME: there is no more, for this reason */
	struct frame head; /* the next frame, when has_head */
	bool has_head;
	struct hasher *hasher; /* after input_finish(): computes info.sha256; NULL: that is final */
};

enum opening {
	OPENING_DONE,
	OPENING_NO_CAPTURE, /* err says what it is instead */
	OPENING_FAILED
};

/* in->info.path is set. May be called again after input_close(): everything is read from the start. */
enum opening input_open(struct input *in, enum stream_mode mode, bool hash, struct control *control,
			struct error *err);
/* Reads one frame into in->head; false when there is none, and in->info.end and problem say why. */
bool input_next(struct input *in);
/*
 * The same, but whatever was read before stays where it is. So it is also false when there may be more and
 * the buffer must change first, which only input_next() can tell; call that then.
 */
bool input_next_held(struct input *in);
/*
 * Closes it for good, completing in->info but for the digest, which input_settle() may have to wait for. With
 * read_rest it covers what no frame was read from; without, it is given up.
 */
void input_finish(struct input *in, bool read_rest);
/* Waits for the digest of a finished input, or gives it up. */
void input_settle(struct input *in, bool give_up);
/* Closes it, to be opened again. */
void input_close(struct input *in);
#endif
