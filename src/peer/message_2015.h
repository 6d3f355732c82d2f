/* Of the first messages between nodes of 2015, beside message.h. */
#ifndef FS_PEER_MESSAGE_2015_H
#define FS_PEER_MESSAGE_2015_H
#include "base/rng.h"

/* Form 3 (wire C3): random bytes, 29 to 73. */
size_t node_hello_old(struct rng *rng, unsigned size, uint8_t *out);
/* Of the first message of a connection that came, and was made by this or by node_hello(): 1, 3; 0: neither.
 */
unsigned node_hello_form(const uint8_t *bytes, size_t size);
#endif
