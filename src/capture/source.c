/* The source's interface: passes each call on to the kind of source behind it. */
#include "capture/source.h"
#include <stdlib.h>

enum source_result source_next(struct source *s, struct frame *frame, struct error *err)
{
	enum source_result result;

	s->ops->next_batch(s->self, frame, 1, &result, err);
	return result;
}

size_t source_next_batch(struct source *s, struct frame *frames, size_t max, enum source_result *result,
			 struct error *err)
{
	return s->ops->next_batch(s->self, frames, max, result, err);
}

void source_stats(const struct source *s, struct source_stats *out)
{
	s->ops->stats(s->self, out);
}

const struct input_info *source_input(const struct source *s, size_t i)
{
	return s->ops->input(s->self, i);
}

void source_settle(struct source *s)
{
	if (s->ops->settle)
		s->ops->settle(s->self);
}

void source_stop(struct source *s)
{
	if (s)
		s->ops->stop(s->self);
}

void source_close(struct source *s)
{
	if (!s)
		return;
	s->ops->close(s->self);
	free(s);
}
