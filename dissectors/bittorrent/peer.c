/*
 * The peer protocol over TCP (BEP 3): both sides begin with a handshake of 68 bytes.
 *
 *	0 = 13 hex | 1-19 "BitTorrent protocol" | 20-27 reserved | 28-47 info hash | 48-67 peer id
 *
 * Connections that are encrypted begin with random bytes instead. They are known by their peers: TCP between
 * a client's host and a socket that answered it over UDP is labelled by the machinery.
 */
#include "dissectors/bittorrent/bittorrent.h"
#include <string.h>

#define HANDSHAKE     "\023BitTorrent protocol" /* octal: a hexadecimal escape would take the B as well */
#define HANDSHAKE_LEN (sizeof HANDSHAKE - 1)

struct peer_state {
	bool done;
};

enum match handshake_match(struct span bytes)
{
	size_t n = bytes.len < HANDSHAKE_LEN ? bytes.len : HANDSHAKE_LEN;
	if (n == 0)
		return MATCH_MAYBE;
	if (memcmp(bytes.ptr, HANDSHAKE, n) != 0)
		return MATCH_NO;
	return n == HANDSHAKE_LEN ? MATCH_YES : MATCH_MAYBE;
}

static enum match peer_look(const struct look *l)
{
	struct peer_state *st = l->state;
	if (st->done)
		return MATCH_NO;
	enum match match = handshake_match(l->data);
	if (match == MATCH_YES) {
		st->done = true;
		observe(l, BITTORRENT_PEER_HANDSHAKE, 0);
		label_flow(l, protocol_bittorrent.tcp_label);
	}
	return match;
}

const struct dissector dissector_bittorrent_peer = {
	.name = "bittorrent_peer",
	.summary = "BitTorrent's peer protocol over TCP, BEP 3",
	.protocol = &protocol_bittorrent,
	.l4 = IPPROTO_TCP,
	.patience = 4, /* 20 bytes in more segments than this are nobody's handshake */
	.state_size = sizeof(struct peer_state),
	.look = peer_look,
};
