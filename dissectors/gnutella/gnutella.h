/* What Gnutella's dissectors share: the kinds of evidence, in the order of the table in gnutella.c. */
#ifndef FS_DISSECTORS_GNUTELLA_H
#define FS_DISSECTORS_GNUTELLA_H
#include "identify/dissector.h"

enum gnutella_kind {
	GNUTELLA_DESCRIPTOR,
	GNUTELLA_EXTENSIONS,
	GNUTELLA_ECHO,
	GNUTELLA_RELIABLE,
	GNUTELLA_G2_PACKET,
	GNUTELLA_OWN_PORT,
	GNUTELLA_REFUSED,
	GNUTELLA_OTHER_LABEL,
	GNUTELLA_MANY_PEERS,
	GNUTELLA_TCP_AFTER_UDP,
	GNUTELLA_HANDSHAKE,
	GNUTELLA_TRANSFER,
	GNUTELLA_KIND_COUNT
};

extern const struct protocol protocol_gnutella;

#define GNUTELLA2_HEADER 8U
/* A datagram that begins with Gnutella2's tag. */
enum match gnutella2_look(const struct look *l);
#endif
