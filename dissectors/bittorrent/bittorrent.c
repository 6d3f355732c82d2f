/*
 * BitTorrent: what counts as evidence, and for how many bits. The specifications are its enhancement
 * proposals (BEP): 3 peers and trackers, 5 DHT, 14 local service discovery, 15 UDP trackers, 29 uTP, 42 the
 * ip field.
 *
 * Bits are log2 of P(seen | BitTorrent) / P(seen | something else). Chance does not matter here, the fixed
 * bytes of every kind but uTP's exclude it; "something else" is who speaks the language without being a node:
 * a scanner, a program that borrowed it. One datagram is therefore never a verdict, except the handshake.
 *
 * The sums that matter, with the verdict at 20 bits:
 *   - queries to the DHT that nobody answers: 14, and 6 for four of them that differ are 20;
 *   - one query that is answered, seen from either end: 14 + 10;
 *   - a UDP tracker that answers: 14 + 10, and 10 for the announce;
 *   - uTP to one peer, encrypted: 9 SYN + 7 connected + 6 clock are 22;
 *   - uTP accepted from two peers, encrypted: 14 connected + 6 clock are 20;
 *   - a scanner with one fixed ping for everybody: 14, and 3 for many peers are 17;
 *   - a service that returns what it gets (RFC 862): 14;
 *   - uTP that nobody answers: 9 SYN + 6 clock + 3 many peers are 18;
 *   - another protocol whose header looks like uTP without its clock: 14 + 3 + 2 are 19.
 *
 * The limits of this: a socket that does nothing but begin uTP connections that nobody answers is suspected
 * only. A scanner whom one node answers counts as a node. Other users of the same languages cannot be told
 * from BitTorrent: forks of its DHT, and transfers over uTP by programs of the same maker. Not known here,
 * and so refused on the sockets that use them: Vuze's own DHT and uTP version 0 (before 2010).
 */
#include "dissectors/bittorrent/bittorrent.h"

static const struct evidence_kind kinds[] = {
	/*
	 * BEP 5: a dictionary that ends with the datagram, with y, t, q and a node id of 20 bytes in a; at
	 * least 30 fixed bytes. No payload of 327 captures of other protocols but the four of a real node.
	 * Not 20: the example of a ping in BEP 5 is in many scripts that scan, byte for byte. Repetition
	 * says nothing.
	 */
	[BITTORRENT_DHT_QUERY] = { .name = "dht_query",
				   .words = "a complete query to the DHT, a bencoded dictionary",
				   .about = ABOUT_SENDER,
				   .bits = 14.0F,
				   .cap = 14.0F },
	/* As above, and nobody scans with responses. Not ABOUT_RECEIVER: a query with a false source address
	   brings them to who never asked. */
	[BITTORRENT_DHT_RESPONSE] = { .name = "dht_response",
				      .words = "a response of the DHT, with the node id of who sends it",
				      .about = ABOUT_SENDER,
				      .bits = 14.0F,
				      .cap = 14.0F },
	/* BEP 5: "t" is echoed. 16 bits against chance; what it adds is that both sides speak: a scanner
	   finds a node among perhaps 1000 addresses, a node's contacts answer it. Once, for a scanner goes
	   on. */
	[BITTORRENT_DHT_ANSWERED] = { .name = "dht_answered",
				      .words = "a response or error repeats the transaction id of a query",
				      .about = ABOUT_SOCKETS,
				      .bits = 10.0F,
				      .cap = 10.0F },
	/*
	 * Nodes ask for targets that differ, mostly with new transaction ids; a scanner repeats one datagram.
	 * 2 for each, so that four different ones make up for the missing answer. Repetition is not against:
	 * one search asks all nodes the same, and some implementations never change the id of a ping.
	 */
	[BITTORRENT_FRESH] = { .name = "fresh_queries",
			       .words = "queries to the DHT or to trackers differ from those before",
			       .about = ABOUT_SENDER,
			       .test = TEST_NONCE,
			       .bits = 2.0F,
			       .cap = 6.0F },
	/* BEP 42: 32 bits against chance, but from who has 14 + 10 already. It is here for the address. */
	[BITTORRENT_REFLECTED] = { .name = "reflected_address",
				   .words = "nodes tell the socket its public IPv4 address, and agree",
				   .about = ABOUT_RECEIVER,
				   .test = TEST_REFLECTED,
				   .bits = 6.0F,
				   .cap = 6.0F },
	/*
	 * BEP 29: type and version 2^-8, time difference zero 2^-32, the length exactly that of its headers.
	 * No packet of 327 captures. Structured: a message of 20 bytes with 41 in front and zeros at 8-11 is
	 * easily thought of (CoAP confirmable with a token of one byte begins so), hence below 10.
	 */
	[BITTORRENT_UTP_SYN] = { .name = "utp_syn",
				 .words = "a uTP packet that opens a connection",
				 .about = ABOUT_SENDER,
				 .bits = 9.0F,
				 .cap = 9.0F },
	/*
	 * BEP 29: the answer has the connection id of the SYN and acknowledges its number, 2^-32 against
	 * chance; without the SYN: ids that differ by one and numbers that fit, 2^-25. Structured: session
	 * ids from a counter, packet numbers from zero, always the same with one server: once for each peer,
	 * two at most.
	 */
	[BITTORRENT_UTP_CONNECTED] = { .name = "utp_connected",
				       .words = "uTP both ways: connection ids and packet numbers fit",
				       .about = ABOUT_SOCKETS,
				       .test = TEST_PEERS,
				       .bits = 7.0F,
				       .cap = 14.0F },
	/* BEP 29: microseconds at 4-7. Within 50 ms of the time that passed: 2^-15 against chance.
	   Structured: media count 8 or 90 kHz, others milliseconds; a big-endian microsecond clock just there
	   is rare, but always there if it is. */
	[BITTORRENT_UTP_CLOCK] = { .name = "utp_clock",
				   .words = "the timestamp of uTP advances by one in a microsecond",
				   .about = ABOUT_SENDER,
				   .bits = 6.0F,
				   .cap = 6.0F },
	/* BEP 3 inside BEP 29: 20 fixed bytes behind a uTP header. A verdict. */
	[BITTORRENT_UTP_HANDSHAKE] = { .name = "utp_handshake",
				       .words = "the handshake of the peer protocol inside uTP",
				       .about = ABOUT_SENDER,
				       .bits = 24.0F,
				       .cap = 24.0F },
	/* BEP 15: 96 fixed bits, which only this protocol has. 14 as for the DHT: lists of trackers are
	   checked by programs that share nothing. */
	[BITTORRENT_TRACKER_CONNECT] = { .name = "tracker_connect",
					 .words = "a connect request to a UDP tracker",
					 .about = ABOUT_SENDER,
					 .bits = 14.0F,
					 .cap = 14.0F },
	/* BEP 15: action and 32 random bits returned. */
	[BITTORRENT_TRACKER_ANSWERED] = { .name = "tracker_answered",
					  .words = "the UDP tracker repeats the transaction id of a request",
					  .about = ABOUT_SOCKETS,
					  .bits = 10.0F,
					  .cap = 10.0F },
	/* BEP 15: 64 random bits returned to who gave them; and who announces shares. */
	[BITTORRENT_TRACKER_ANNOUNCE] = { .name = "tracker_announce",
					  .words = "a request returns the connection id of the UDP tracker",
					  .about = ABOUT_SOCKETS,
					  .bits = 10.0F,
					  .cap = 10.0F },
	/* What clients send beside all this: Vuze's own DHT, uTP version 0. One flow of two at the worst. */
	[BITTORRENT_UDP_REFUSED] = { .name = "udp_refused",
				     .words = "a UDP flow that the socket began is none of BitTorrent's",
				     .about = ABOUT_SOCKETS,
				     .test = TEST_AGAINST,
				     .against = -1.0F },
	/* Of flows without any evidence, such as the middle of an encrypted uTP connection. Encrypted payload
	   is mistaken for something in perhaps one flow of 20 (wire E8). */
	[BITTORRENT_OTHER_LABEL] = { .name = "other_label",
				     .words = "libndpi recognises by its payload another protocol that the "
					      "socket speaks",
				     .about = ABOUT_SOCKETS,
				     .test = TEST_AGAINST,
				     .against = -4.0F },
	/* Every overlay does so, and every scanner: only clients without are ruled out. */
	[BITTORRENT_MANY_PEERS] = { .name = "many_peers",
				    .words = "one socket talks to many peers on high ports",
				    .about = ABOUT_SOCKETS,
				    .bits = 3.0F,
				    .cap = 3.0F },
	/* A peer has one port for uTP and TCP, and both are tried. So do other overlays. */
	[BITTORRENT_TCP_AFTER_UDP] = { .name = "tcp_after_udp",
				       .words = "TCP to the address and port that had answered over UDP",
				       .about = ABOUT_SOCKETS,
				       .bits = 2.0F,
				       .cap = 2.0F },
	/* BEP 3: 20 fixed bytes in front, 160 bits against chance, made to be told apart by. */
	[BITTORRENT_PEER_HANDSHAKE] = { .name = "peer_handshake",
					.words = "the connection begins with a peer's handshake",
					.about = ABOUT_FLOW,
					.bits = 32.0F,
					.cap = 32.0F },
	/* BEP 3: a parameter with that name, and of exactly 20 bytes; pages about torrents give 40 digits. */
	[BITTORRENT_HTTP_ANNOUNCE] = { .name = "http_announce",
				       .words = "HTTP request to a tracker, with an info_hash of 20 bytes",
				       .about = ABOUT_FLOW,
				       .bits = 24.0F,
				       .cap = 24.0F },
	/* BEP 14: 22 fixed characters. About the flow, for all programs of a host share the socket. */
	[BITTORRENT_LSD] = { .name = "lsd",
			     .words = "an announcement of local service discovery",
			     .about = ABOUT_FLOW,
			     .bits = 24.0F,
			     .cap = 24.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == BITTORRENT_KIND_COUNT, "one entry per enum bittorrent_kind");
_Static_assert(BITTORRENT_KIND_COUNT <= EVIDENCE_KINDS_MAX, "flow_identity.kinds");

const struct protocol protocol_bittorrent = {
	.name = "bittorrent",
	.suspected_name = "bittorrent?",
	.title = "BitTorrent",
	.udp_label = "bittorrent-udp",
	.tcp_label = "bittorrent-tcp",
	.kinds = kinds,
	.kind_count = BITTORRENT_KIND_COUNT,
	.machinery = { [MACHINERY_REFUSED] = &kinds[BITTORRENT_UDP_REFUSED],
		       [MACHINERY_OTHER_LABEL] = &kinds[BITTORRENT_OTHER_LABEL],
		       [MACHINERY_MANY_PEERS] = &kinds[BITTORRENT_MANY_PEERS],
		       [MACHINERY_TCP_AFTER_UDP] = &kinds[BITTORRENT_TCP_AFTER_UDP] },
	.ndpi_prefix = "BitTorrent",
	.patterns = bittorrent_patterns,
	.pattern_count = BITTORRENT_PATTERNS,
	.strategies = bittorrent_strategies,
	.strategy_count = BITTORRENT_STRATEGIES,
};
