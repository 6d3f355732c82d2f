/*
 * The bytes of one input as they are stored: opened, read once from front to back, counted, hashed.
 * Used by one thread at a time; only stored_interrupt() may come from another.
 */
#ifndef FS_CAPTURE_STORED_H
#define FS_CAPTURE_STORED_H
#include "base/error.h"
#include "base/sha256.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What all inputs of one source share. Owned by the source; outlives its inputs. */
struct control {
	atomic_bool stopped; /* give up as soon as possible */
	int wake_fd; /* an eventfd: readable once stopped, so that a read from a silent pipe ends too */
	_Atomic uint64_t bytes_done; /* as stored, of all inputs together */
};

struct hasher;
struct stored;
/* "-" is standard input. control is borrowed; NULL for a look at the first bytes that should not count. */
struct stored *stored_open(const char *path, bool hash, struct control *control, struct error *err);
/* Up to n bytes: 0 at the end, -1 with errno on failure (ECANCELED when interrupted or stopped). */
ssize_t stored_read(struct stored *f, uint8_t *to, size_t n);
/* Makes the current and every later stored_read() fail with ECANCELED. */
void stored_interrupt(struct stored *f);
/* A regular file: it has a size, never blocks for long, and can be read to its end for the digest. */
bool stored_is_regular(const struct stored *f);
uint64_t stored_size(const struct stored *f); /* at opening; 0 unless regular */
uint64_t stored_count(const struct stored *f);
/*
 * Before the first read: leaves the digest to a thread of its own, where there is one to be computed and that
 * thread can be had. stored_digest() is "" then.
 */
void stored_hash_apart(struct stored *f);
/* That thread, which is the caller's from now on; NULL if there is none. */
struct hasher *stored_take_hasher(struct stored *f);
/* Whether the digest is still lacking the bytes that were not read. */
bool stored_hashes_inline(const struct stored *f);
/* Of the whole file; "" when it was not read to its end, or not asked for. Call once. */
void stored_digest(struct stored *f, char out[SHA256_TEXT]);
void stored_close(struct stored *f);
#endif
