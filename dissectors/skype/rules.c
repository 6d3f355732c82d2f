/*
 * What stops classic Skype. BS section IV.B.1 found that addresses do not (with the login servers out of
 * reach the client logs in through a node), and that the first four bytes of its messages do. What follows is
 * narrower than those four, which also begin every TLS 1.0 record of less than 256 bytes with a hello in it.
 */
#include "dissectors/skype/skype.h"
#include <netinet/in.h>

enum { HELLO, HELLO_MORE, BLOCK_OF_2006, BLOCK_OF_2015, FIRST_FOUR, PROBE, FALSE_HELLO };

const struct packet_pattern skype_patterns[SKYPE_PATTERNS] = {
	/* Wire B3, C4: 17/17 connections, alone in its segment; none of 305 TLS flows that begin with the
	 * same four bytes (rules 2). RFC 5246 section 6.2.1: no handshake record is empty. */
	[HELLO] = { .name = "hello",
		    .words = "the client's first message, alone in its segment",
		    .l4 = IPPROTO_TCP,
		    .shortest = 5,
		    .longest = 5,
		    .test_count = 1,
		    .test = { { .offset = 0, .length = 5, .value = { 0x16, 0x03, 0x01, 0x00, 0x00 } } } },
	/*
	 * The same in one segment with the next message, as a client would send them that does not wait for
	 * the answer; not met so far. Byte 10 is where TLS says ClientHello (01; Skype: 41, 42): should
	 * anybody send an empty record before a real one, and both in one segment, they pass.
	 */
	[HELLO_MORE] = { .name = "hello_more",
			 .words =
				 "the first message, and in the same segment the next, which is no ClientHello",
			 .l4 = IPPROTO_TCP,
			 .shortest = 11,
			 .test_count = 3,
			 .test = { { .offset = 0, .length = 5, .value = { 0x16, 0x03, 0x01, 0x00, 0x00 } },
				   { .offset = 5, .length = 4, .value = { 0x16, 0x03, 0x01, 0x00 } },
				   { .offset = 10, .length = 1, .differs = true, .value = { 0x01 } } } },
	/* Wire B3: the ten bytes at 5-14 in 4/4, at the start of a segment. */
	[BLOCK_OF_2006] = { .name = "block_2006",
			    .words = "the login block of 2006",
			    .l4 = IPPROTO_TCP,
			    .shortest = 15,
			    .test_count = 2,
			    .test = { { .offset = 0, .length = 4, .value = { 0x16, 0x03, 0x01, 0x00 } },
				      { .offset = 5,
					.length = 10,
					.value = { 0x41, 0x03, 0x00, 0x09, 0x80, 0x40, 0x04, 0x08, 0xc0,
						   0x01 } } } },
	/* Wire C4: 8/8; one of them is relayed, at offset 110 of a stream. */
	[BLOCK_OF_2015] = { .name = "block_2015",
			    .words = "the login block of 2015",
			    .l4 = IPPROTO_TCP,
			    .shortest = 12,
			    .test_count = 2,
			    .test = { { .offset = 0, .length = 4, .value = { 0x16, 0x03, 0x01, 0x00 } },
				      { .offset = 5,
					.length = 7,
					.value = { 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f } } } },
	/* BS section IV.B.1: "dropping all the packets whose first four bytes of payload are 22 3 1 0". */
	[FIRST_FOUR] = { .name = "first_four",
			 .words = "the four bytes of the paper, 22 3 1 0",
			 .l4 = IPPROTO_TCP,
			 .shortest = 4,
			 .test_count = 1,
			 .test = { { .offset = 0, .length = 4, .value = { 0x16, 0x03, 0x01, 0x00 } } } },
	/* Wire A1: bits 0x70 of the function are always zero in 02 (539/539). B1: 18 bytes in 2006. C2: 18,
	 * and 22 to 37 in 2015. */
	[PROBE] = { .name = "probe",
		    .words = "a UDP message of function 02, as long as a probe",
		    .l4 = IPPROTO_UDP,
		    .shortest = 18,
		    .longest = 37,
		    .test_count = 1,
		    .test = { { .offset = 2, .length = 1, .value = { 0x02 } } } },
	/* Wire C3, form 2: 44/44, 56 fixed bytes of 72; the first four begin no other flow in 550 captures
	 * (rules 2). */
	[FALSE_HELLO] = { .name = "false_hello",
			  .words = "the false TLS hello of 2015 to a node on port 443",
			  .l4 = IPPROTO_TCP,
			  .shortest = 72,
			  .longest = 72,
			  .test_count = 1,
			  .test = { { .offset = 0, .length = 20, .value = { 0x80, 0x46, 0x01, 0x03, 0x01,
									    0x00, 0x2d, 0x00, 0x00, 0x00,
									    0x10, 0x00, 0x00, 0x05, 0x00,
									    0x00, 0x04, 0x00, 0x00, 0x0a } } } },
};

#define BIT(n) (1U << (n))

const struct block_strategy skype_strategies[SKYPE_STRATEGIES] = {
	{ .name = "combined",
	  .summary = "the first message of a login, alone or with the next, and the login block",
	  .reason =
		  "All logins to servers captured, of 2006 and 2015, open with 16 03 01 00 00, a handshake record "
		  "of length zero, which TLS forbids (RFC 5246, section 6.2.1). Should it get past, the login "
		  "block behind it is stopped. A login by way of a node opened with the same bytes for Baset and "
		  "Schulzrinne (section IV.B.1); the only one captured, of 2015, begins with the block.",
	  .cost = "No legitimate flow is known to fit. Up to four comparisons for each TCP packet, at fixed "
		  "places.",
	  .weakness =
		  "What is relayed inside a connection that has carried something else may begin within a segment, "
		  "and passes. So do messages cut into smaller segments, a client that changes them, and the "
		  "client of 2015 wherever its first attempt, which has no constant bytes, gets an answer.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(HELLO) | BIT(HELLO_MORE) | BIT(BLOCK_OF_2006) | BIT(BLOCK_OF_2015) },
	{ .name = "exact",
	  .summary = "the five bytes of the first message, alone in their segment",
	  .reason =
		  "The client waits for the answer, so its first message of five bytes is a segment of its own: in "
		  "17 of 17 connections captured. Nothing else is known to send these five bytes alone.",
	  .cost = "No legitimate flow is known to fit. One comparison for each TCP packet of five bytes.",
	  .weakness =
		  "Passes when the next message joins the first in a segment, as a client that does not wait would "
		  "send it; and what is relayed inside a connection that has carried something else.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(HELLO) },
	{ .name = "block3",
	  .summary = "the login block, by its constant bytes",
	  .reason =
		  "The client's second message, or in 2015 its third, has the same ten bytes at its beginning in "
		  "all logins of 2006, and the same seven in all of 2015.",
	  .cost = "No legitimate flow is known to fit. The handshake before it takes place: connections stay open "
		  "until the client gives up.",
	  .weakness =
		  "Another version of the client may have another block, as that of 2015 had; a relayed one may "
		  "begin within a segment.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(BLOCK_OF_2006) | BIT(BLOCK_OF_2015) },
	{ .name = "paper",
	  .summary = "the first four bytes, 22 3 1 0, as the paper blocks it",
	  .reason =
		  "Baset and Schulzrinne made every message fail that begins with 22 3 1 0, and no client could log "
		  "in (section IV.B.1).",
	  .cost = "Breaks TLS: the hellos of clients and of servers begin so in every record of version 1.0 with "
		  "less than 256 bytes. Of 322 flows whose client begins so in 550 captures, 305 are TLS.",
	  .weakness = "Its cost. What is relayed inside a connection that has carried something else passes.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(FIRST_FOUR) },
	{ .name = "udp-probe",
	  .summary = "UDP messages that look like probes to supernodes",
	  .reason =
		  "A client finds its supernode by probes of 18 to 37 bytes with function 02 in their third byte.",
	  .cost = "One byte and a length: of random datagrams of 18 to 37 bytes one in 256 fits, and a protocol "
		  "with 02 in this place, such as EtherNet/IP for input and output, always does.",
	  .weakness =
		  "The client goes on over TCP: behind a firewall without UDP it logged in after 35 seconds (Baset "
		  "and Schulzrinne, Table I). No login is stopped by this alone.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(PROBE) },
	{ .name = "node-hello",
	  .summary = "the false TLS hello of 2015 to a node's port 443",
	  .reason =
		  "When its first attempt gets nowhere, the client of 2015 tries port 443 of the same node with an "
		  "SSL 2.0 hello whose first 56 bytes never change.",
	  .cost = "No legitimate flow is known to fit. One comparison for each TCP packet of 72 bytes.",
	  .weakness =
		  "Older clients have nothing like it, and the other ports of nodes are open; no login is stopped "
		  "by this alone.",
	  .kind = STRATEGY_PATTERNS,
	  .patterns = BIT(FALSE_HELLO) },
	{ .name = "addresses",
	  .summary = "the addresses of login servers, contact-list servers and supernodes seen",
	  .reason = "What a recording has shown can be listed, without a look into packets.",
	  .cost = "Everything else that runs at these addresses; supernodes are other people's computers, whose "
		  "addresses change: let the list expire.",
	  .weakness =
		  "Baset and Schulzrinne blocked the login servers' addresses, then those of the nodes used instead, "
		  "six in all, and the client still logged in (section IV.B.1). Of a day's supernodes, half to nine "
		  "tenths had not been met the day before (Table IV).",
	  .kind = STRATEGY_SERVERS,
	  .roles = BIT(ROLE_login) | BIT(ROLE_contact_list) | BIT(ROLE_supernode) },
	{ .name = "clients",
	  .summary = "the sockets of recognised clients",
	  .reason = "A recognised socket is isolated: its UDP, and TCP at the same port.",
	  .cost = "Nothing but what else would use that port of that host before the list expires.",
	  .weakness =
		  "Connections that the client opens come from other ports, so it may still log in; and a restart "
		  "may change its port.",
	  .kind = STRATEGY_CLIENTS },
};
