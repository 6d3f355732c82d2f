/* What Skype's dissectors share: the kinds of evidence, in the order of the table in skype.c. */
#ifndef FS_DISSECTORS_SKYPE_H
#define FS_DISSECTORS_SKYPE_H
#include "identify/dissector.h"

enum skype_kind {
	SKYPE_UDP_HEADER,
	SKYPE_UDP_REFUSED,
	SKYPE_ID_COUNTER,
	SKYPE_NONCE,
	SKYPE_RETRANSMISSION,
	SKYPE_RETRANSMITTED_TWICE,
	SKYPE_ID_ECHO,
	SKYPE_RESEND,
	SKYPE_REFLECTED,
	SKYPE_OTHER_LABEL,
	SKYPE_MANY_PEERS,
	SKYPE_TCP_AFTER_UDP,
	SKYPE_LOGIN,
	SKYPE_LOGIN_BLOCK,
	SKYPE_NODE_HELLO,
	SKYPE_VERSION_CHECK,
	SKYPE_TLS_NAME,
	SKYPE_KIND_COUNT
};

extern const struct protocol protocol_skype;
#endif
