/*
 * The SHA-256 of one regular file, computed by a thread of its own while others read, unpack and parse the
 * file. It takes longer than all of these, so it may go on after them, until somebody needs the digest.
 */
#ifndef FS_CAPTURE_HASHER_H
#define FS_CAPTURE_HASHER_H
#include "base/sha256.h"
#include "capture/stored.h"
#include <stdint.h>

struct hasher;
/*
 * Of the file behind fd, from its beginning; fd may be closed, and its offset does not matter. control is
 * borrowed. NULL when that cannot be (no thread, no memory, no libcrypto): hash in line then.
 */
struct hasher *hasher_start(int fd, const struct control *control);
/* What the digest is to cover, once that is known: the file may have grown since, or become shorter. */
void hasher_limit(struct hasher *h, uint64_t size);
/* Waits for the digest; "" if it is not that of as many bytes as hasher_limit() said, or was given up. Call
 * once. */
void hasher_result(struct hasher *h, char out[SHA256_TEXT]);
/* Gives up what is not done yet, and frees. */
void hasher_stop(struct hasher *h);
#endif
