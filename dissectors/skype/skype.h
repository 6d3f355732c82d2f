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
	SKYPE_AGREED,
	SKYPE_RANDOM,
	SKYPE_HOST_TCP,
	SKYPE_OTHER_LABEL,
	SKYPE_MANY_PEERS,
	SKYPE_TCP_AFTER_UDP,
	SKYPE_FAN_OUT,
	SKYPE_CALLED,
	SKYPE_LOGIN,
	SKYPE_LOGIN_BLOCK,
	SKYPE_NODE_HELLO,
	SKYPE_VERSION_CHECK,
	SKYPE_TLS_NAME,
	SKYPE_KIND_COUNT
};

extern const struct protocol protocol_skype;
#define SKYPE_CSC_RULES   3U
#define SKYPE_CSC_COUNTED 1U /* the rule for message ids that are a counter */
extern const struct csc_rule skype_csc_rules[SKYPE_CSC_RULES], skype_csc_tcp;

/* How it is stopped (rules.c). */
#define SKYPE_PATTERNS   7U
#define SKYPE_STRATEGIES 8U
extern const struct packet_pattern skype_patterns[SKYPE_PATTERNS];
extern const struct block_strategy skype_strategies[SKYPE_STRATEGIES];

/* What the login block begins with (relay.c, login.c). */
enum skype_block { BLOCK_NONE, BLOCK_2006, BLOCK_2015 };
enum skype_block skype_block_form(struct span body);

/* Looks for a login block that travels inside another stream; see relay.c. Plain data for a dissector's slot.
 */
struct skype_relay {
	uint32_t looked[2]; /* bytes of each direction that are behind us, by enum direction */
	bool found;
};
void skype_relay_look(const struct look *l, struct skype_relay *relay);
#endif
