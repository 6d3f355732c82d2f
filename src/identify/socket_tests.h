/* Evidence tests on one entry of the socket table. Private to identify/. */
#ifndef FS_IDENTIFY_SOCKET_TESTS_H
#define FS_IDENTIFY_SOCKET_TESTS_H
#include "identify/sockets.h"

/* bits: for (positive) or against; the sum stays within the kind's cap. */
void socket_add_bits(struct socket_entry *s, unsigned kind, float bits, uint64_t packet);
/* peer: the other end's address, hashed. */
void socket_test(struct socket_entry *s, const struct observation *o, uint32_t peer);
#endif
