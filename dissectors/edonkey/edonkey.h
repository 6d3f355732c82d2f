/* What eDonkey's dissectors share: the kinds of evidence, in the order of the table in edonkey.c, and tags.
 */
#ifndef FS_DISSECTORS_EDONKEY_H
#define FS_DISSECTORS_EDONKEY_H
#include "identify/dissector.h"

enum edonkey_kind {
	EDONKEY_UDP_HEADER,
	EDONKEY_UDP_LOOSE,
	EDONKEY_KAD_HELLO,
	EDONKEY_KAD_LOOKUP,
	EDONKEY_KAD_PORT,
	EDONKEY_ID_ECHO,
	EDONKEY_ANSWERED,
	EDONKEY_REFLECTED,
	EDONKEY_OTHER_LABEL,
	EDONKEY_MANY_PEERS,
	EDONKEY_HELLO,
	EDONKEY_HELLO_ANSWER,
	EDONKEY_LOGIN,
	EDONKEY_KIND_COUNT
};

extern const struct protocol protocol_edonkey;

/* The first byte of everything (eMule opcodes.h). */
enum edonkey_protocol {
	P_EMULE = 0xc5,
	P_PACKED = 0xd4,
	P_EDONKEY = 0xe3,
	P_KAD = 0xe4,
	P_KAD_PACKED = 0xe5,
};

/* Skips n tags; false: one of them is none. r->failed: they are not all there. */
bool rd_tags(struct reader *r, uint32_t n);
#endif
