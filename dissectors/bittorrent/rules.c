/* What stops BitTorrent, as far as bytes at fixed places tell. */
#include "dissectors/bittorrent/bittorrent.h"
#include <netinet/in.h>

const struct packet_pattern bittorrent_patterns[BITTORRENT_PATTERNS] = {
	/* BEP 3, "peer protocol": "character nineteen (decimal) followed by the string 'BitTorrent
	   protocol'". */
	{
		.name = "handshake",
		.words = "the handshake between peers",
		.l4 = IPPROTO_TCP,
		.shortest = 20,
		.test_count = 1,
		.test = { { .offset = 0, .length = 20, .value = { 0x13, 'B', 'i', 't', 'T', 'o', 'r',
								  'r',  'e', 'n', 't', ' ', 'p', 'r',
								  'o',  't', 'o', 'c', 'o', 'l' } } } },
};

const struct block_strategy bittorrent_strategies[BITTORRENT_STRATEGIES] = {
	{ .name = "peers",
	  .summary = "the handshake between peers over TCP",
	  .reason = "Both sides begin a connection with the same twenty bytes (BEP 3).",
	  .cost = "Nothing but BitTorrent is known to fit, whatever it is used for. One comparison for each TCP "
		  "packet.",
	  .weakness =
		  "Encrypted connections have no such bytes, and over UDP (uTP, BEP 29) they are behind a header: "
		  "both pass.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = 1 },
	{ .name = "clients",
	  .summary = "the sockets of recognised clients",
	  .reason = "A recognised socket is isolated: its UDP, and TCP at the same port.",
	  .cost = "Nothing but what else would use that port of that host before the list expires.",
	  .weakness =
		  "Connections that the client opens come from other ports; a restart may change its port.",
	  .kind = STRATEGY_CLIENTS },
};
