/* One input; see input.h. */
#include "capture/input.h"
#include "capture/magic.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum opening no_capture(const struct input *in, struct error *err)
{
	struct span head = stream_peek(in->stream, MAGIC_HEAD);
	enum stream_end end = stream_end(in->stream);
	const char *container = stream_container(in->stream);
	char described[MAGIC_TEXT];

	if (end == STREAM_UNREADABLE || end == STREAM_UNSUPPORTED || end == STREAM_STOPPED) {
		error_set(err, EXIT_INPUT, "%s: %s", in->info.path, stream_problem(in->stream));
		return OPENING_FAILED;
	}
	if (end == STREAM_CUT || end == STREAM_DAMAGED)
		error_set(err, EXIT_INPUT, "%s: %s, before any packet", in->info.path,
			  stream_problem(in->stream));
	else if (!head.len && !container[0])
		error_set(err, EXIT_INPUT, "%s: is empty (0 bytes): not even a capture header",
			  in->info.path);
	else if (!head.len)
		error_set(err, EXIT_INPUT, "%s: holds 0 bytes, packed with %s: not even a capture header",
			  in->info.path, container);
	else
		error_set(err, EXIT_INPUT, "%s: is no pcap, pcapng, snoop or ERF capture; %s%s%s%s",
			  in->info.path, container[0] ? "unpacked from " : "", container,
			  container[0] ? ", " : "", "it looks like ");
	size_t used = err ? strlen(err->text) : 0;

	if (err && head.len && end != STREAM_CUT && end != STREAM_DAMAGED)
		snprintf(err->text + used, sizeof err->text - used, "%s", bytes_describe(head, described));
	return OPENING_NO_CAPTURE;
}

enum opening input_open(struct input *in, enum stream_mode mode, bool hash, struct control *control,
			struct error *err)
{
	enum opening result = OPENING_FAILED;

	in->stream = stream_open(in->info.path, mode, hash, control, err);
	if (!in->stream)
		return result;
	in->mode = mode;
	in->format = format_of(in->stream);
	if (!in->format) {
		result = no_capture(in, err);
		goto failed;
	}
	in->state = calloc(1, in->format->state_size);
	if (!in->state) {
		error_memory(err, in->info.path);
		goto failed;
	}
	in->info = (struct input_info){
		.path = in->info.path,
		.format = in->format->name,
		.container = stream_container(in->stream),
		.linktype = -1,
	};
	in->ended = in->format->start(in->state, in->stream, &in->info);
	return OPENING_DONE;
failed:
	input_close(in);
	return result;
}

/* Damage below the format comes first: a packet cut by a broken gzip file is the gzip file's fault. */
static void input_ended(struct input *in)
{
	struct input_info *info = &in->info;

	switch (stream_end(in->stream)) {
	case STREAM_CUT:
	case STREAM_UNREADABLE:
	case STREAM_UNSUPPORTED:
		info->end = INPUT_CUT;
		break;
	case STREAM_DAMAGED:
		info->end = INPUT_DAMAGED;
		break;
	case STREAM_STOPPED:
		info->end = INPUT_STOPPED;
		info->problem[0] = '\0';
		return;
	case STREAM_OPEN:
	case STREAM_COMPLETE:
		info->end = in->ended == RECORD_END   ? INPUT_COMPLETE
			    : in->ended == RECORD_CUT ? INPUT_CUT
						      : INPUT_DAMAGED;
		return;
	}
	snprintf(info->problem, sizeof info->problem, "%s", stream_problem(in->stream));
}

/* A frame was read, or there is none for the reason of in->ended. */
static bool input_arrived(struct input *in)
{
	int64_t *ts_ns = &in->head.ts_ns;

	in->has_head = in->ended == RECORD_FRAME;
	if (*ts_ns > FRAME_TIME_MAX || *ts_ns < -FRAME_TIME_MAX) {
		*ts_ns = *ts_ns > 0 ? FRAME_TIME_MAX : -FRAME_TIME_MAX;
		in->info.untimed++;
	}
	if (!in->has_head)
		input_ended(in);
	return in->has_head;
}

bool input_next(struct input *in)
{
	if (in->ended == RECORD_FRAME)
		in->ended = in->format->next(in->state, in->stream, &in->head, &in->info);
	return input_arrived(in);
}

bool input_next_held(struct input *in)
{
	in->has_head = false;
	if (in->ended != RECORD_FRAME)
		return false;
	stream_hold(in->stream);
	in->ended = in->format->next(in->state, in->stream, &in->head, &in->info);
	if (stream_release(in->stream) && in->ended != RECORD_FRAME) {
		/* It took the end of the buffer for the end of the file. */
		in->ended = RECORD_FRAME;
		in->info.problem[0] = '\0';
		return false;
	}
	return input_arrived(in);
}

void input_finish(struct input *in, bool read_rest)
{
	struct stream_summary summary = { .bytes = in->size };

	if (in->stream)
		stream_finish(in->stream, read_rest, &summary);
	in->info.bytes = summary.bytes;
	memcpy(in->info.sha256, summary.sha256, sizeof in->info.sha256);
	in->hasher = summary.hasher;
	if (in->info.end == INPUT_OPEN)
		in->info.end = INPUT_STOPPED;
	input_close(in);
}

void input_settle(struct input *in, bool give_up)
{
	if (in->hasher && !give_up)
		hasher_result(in->hasher, in->info.sha256);
	hasher_stop(in->hasher);
	in->hasher = NULL;
}

void input_close(struct input *in)
{
	if (in->state && in->format->stop)
		in->format->stop(in->state);
	free(in->state);
	in->state = NULL;
	stream_close(in->stream);
	in->stream = NULL;
	in->has_head = false;
}
