/*
 * The streams of a database, for training (behave/train.h): each is a number of messages, their means and
 * standard deviations.
 */
#ifndef FS_VIEWS_MEASURED_H
#define FS_VIEWS_MEASURED_H
#include "behave/train.h"

struct measured;
/* Of the last run. NULL: *err says what is wrong with the file. */
struct measured *measured_read(const char *path, const struct train_choice *choice, struct error *err);
void measured_free(struct measured *m);
/* In order of their flows. Streams with video are not among them. */
uint32_t measured_stream_count(const struct measured *m);
const struct train_stream *measured_stream_at(const struct measured *m, uint32_t i);
/* Streams that were chosen, and have messages too large for a voice in their means. */
uint64_t measured_with_video(const struct measured *m);
struct train_result measured_result(const struct measured *m);
bool measured_fit(const struct measured *m, const char *name, struct voice_model *out, struct error *err);
#endif
