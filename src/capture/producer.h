/*
 * From stored bytes to unpacked ones: what a stream's thread does, without the thread. Finds out how the
 * input is compressed and unpacks it into the buffers that it is given.
 */
#ifndef FS_CAPTURE_PRODUCER_H
#define FS_CAPTURE_PRODUCER_H
#include "capture/stored.h"
#include "capture/stream.h"

struct producer;
struct producer *producer_open(const char *path, bool hash, struct control *control, struct error *err);
/* Fills a buffer of `size` bytes; *made may be 0. False when that was the last: producer_end() tells how. */
bool producer_fill(struct producer *p, uint8_t *buffer, size_t size, size_t *made);
enum stream_end producer_end(const struct producer *p);
const char *producer_problem(const struct producer *p);
const char *producer_container(const struct producer *p);
/* As stored_hash_apart(). */
void producer_hash_apart(struct producer *p);
/* Whether producer_drain() would do something useful: the input is a regular file that is hashed while it is
 * read. */
bool producer_can_drain(const struct producer *p);
/* Reads what is left of the file, for the digest. */
void producer_drain(struct producer *p);
/* From any thread: whatever is being read, stop. */
void producer_interrupt(struct producer *p);
/* With whole, the digest is to cover the file to its end: a hasher that computes it is handed over. */
void producer_summary(struct producer *p, bool whole, struct stream_summary *out);
uint64_t producer_stored_size(const struct producer *p);
void producer_close(struct producer *p);
#endif
