/* SHA-256 of a stream of bytes, through libcrypto; without it, available() is false and the digest is empty.
 */
#ifndef FS_BASE_SHA256_H
#define FS_BASE_SHA256_H
#include "base/span.h"
#include <stdbool.h>
#define SHA256_TEXT 65 /* 64 hex digits and NUL */
struct sha256;
bool sha256_available(void);
struct sha256 *sha256_new(void);
void sha256_update(struct sha256 *h, struct span bytes);
void sha256_hex(struct sha256 *h, char out[SHA256_TEXT]); /* finishes; "" without libcrypto */
void sha256_free(struct sha256 *h);
#endif
