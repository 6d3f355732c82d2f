/*
 * Gnutella 0.4 and 0.6, and Gnutella2, which shares its handshake: what counts as evidence, and for how many
 * bits.
 *
 * Sources: "draft": Gnutella 0.6, Klingberg and Manfredi, June 2002 (rfc-gnutella.sourceforge.net). "G2": the
 * Gnutella2 standard, UDP transceiver and packet structure (g2.doxu.org). "gtkg": gtk-gnutella 1.2, whose
 * src/core/gnutella.h, guid.c and udp_reliable.h say what the two leave open. "capture": nDPI's
 * gnutella.pcap, ten minutes of gtk-gnutella 1.2.2.
 */
#include "dissectors/gnutella/gnutella.h"

/*
 * The sums that matter, with the verdict at 20 bits:
 *   - a ping and its pong with one peer: 9 descriptor + 6 echo + 6 own port = 21;
 *   - pings that nobody answers: 9 + 8 extensions = 17, and 20 with many peers;
 *   - Gnutella2 questions that nobody answers: 9 reliable + 9 packet + 6 own port = 24;
 *   - another protocol with a little-endian 32-bit length at 19, a type before it that is one of ours, and
 * ids that come back: 9 + 12 + 3 many peers = 24. None is known; it would have to fit each type's own layout.
 */
static const struct evidence_kind kinds[] = {
	/* The length alone is 2^-32 against chance, with type and TTL 2^-42; capture: 1016/1016 datagrams
	   that are not of Gnutella2. 9 because a structure that passes once passes always. */
	[GNUTELLA_DESCRIPTOR] = { .name = "descriptor",
				  .words =
					  "a descriptor header whose type and length agree with the datagram",
				  .about = ABOUT_SOCKETS,
				  .bits = 9.0F,
				  .cap = 9.0F },
	/* draft 2.3.1: magic c3, then flags, id and length of each extension, the last one marked, ending
	   with the datagram: 2^-8 for the magic and 2^-8 for the end at the least; capture: 591/591. */
	[GNUTELLA_EXTENSIONS] = { .name = "extensions",
				  .words = "a block of GGEP extensions that ends where the datagram ends",
				  .about = ABOUT_SOCKETS,
				  .bits = 8.0F,
				  .cap = 8.0F },
	/* 128 bits against chance. Ids are echoed everywhere, but not by the type that answers the type that
	   asked, each in its own layout: 6 for each address that answers, 12 for two. */
	[GNUTELLA_ECHO] = { .name = "guid_echo",
			    .words = "an answer has the GUID of the question, and the type that answers it",
			    .about = ABOUT_SOCKETS,
			    .test = TEST_PEERS,
			    .bits = 6.0F,
			    .cap = 12.0F },
	/* Three letters and two reserved zero bits, part not above count: 2^-27 against chance; capture:
	   528/528. 9 as for the descriptor. */
	[GNUTELLA_RELIABLE] = { .name = "reliable",
				.words = "a fragment or acknowledgement of Gnutella2's reliability layer",
				.about = ABOUT_SOCKETS,
				.bits = 9.0F,
				.cap = 9.0F },
	/* A length that ends with the datagram, 2^-8, and one of 19 names of letters, 2^-12 at the least. */
	[GNUTELLA_G2_PACKET] = { .name = "g2_packet",
				 .words = "a whole Gnutella2 packet of known name that fills its datagram",
				 .about = ABOUT_SOCKETS,
				 .bits = 9.0F,
				 .cap = 9.0F },
	/* 2^-16 against chance; the port, because the address in the message is the public one. Messages that
	   carry a port are not rare, those of five layouts at five places are. Capture: 1032 of 1544
	   messages. */
	[GNUTELLA_OWN_PORT] = { .name = "own_port",
				.words = "the message names the port that it was sent from",
				.about = ABOUT_SOCKETS,
				.bits = 6.0F,
				.cap = 6.0F },
	/* Capture: nothing that the socket sends is refused (1235/1235). */
	[GNUTELLA_REFUSED] = { .name = "refused",
			       .words = "a UDP flow that the socket began begins with something else",
			       .about = ABOUT_SOCKETS,
			       .test = TEST_AGAINST,
			       .against = -4.0F },
	/* Only of flows in which we see nothing; nothing of Gnutella over UDP is encrypted, so libndpi should
	   not be mistaken more often than about one flow in 20. */
	[GNUTELLA_OTHER_LABEL] = { .name = "other_label",
				   .words = "libndpi recognises by its payload another protocol that the "
					    "socket speaks",
				   .about = ABOUT_SOCKETS,
				   .test = TEST_AGAINST,
				   .against = -4.0F },
	/* As for every overlay: capture, 584 peers. */
	[GNUTELLA_MANY_PEERS] = { .name = "many_peers",
				  .words = "one socket talks to many peers on high ports",
				  .about = ABOUT_SOCKETS,
				  .bits = 3.0F,
				  .cap = 3.0F },
	/* gtkg: one port for both, but others do so, too; capture: 8 connections. */
	[GNUTELLA_TCP_AFTER_UDP] = { .name = "tcp_after_udp",
				     .words = "TCP to the address and port that had answered over UDP",
				     .about = ABOUT_SOCKETS,
				     .bits = 3.0F,
				     .cap = 3.0F },
	/* draft 2.1: eleven fixed characters and more, the protocol's own name: 2^-88 against chance. */
	[GNUTELLA_HANDSHAKE] = { .name = "handshake",
				 .words = "the connection opens with the Gnutella handshake",
				 .about = ABOUT_FLOW,
				 .bits = 32.0F,
				 .cap = 32.0F },
	/* draft 4.1 and 4.2, HUGE 0.94 section 6.1: 14 fixed characters, or "GIV " with 33 characters of
	   fixed form. N2R is RFC 2169, which nobody else ever used with urn:sha1. */
	[GNUTELLA_TRANSFER] = { .name = "transfer",
				.words = "a file is asked for or offered as only servents do",
				.about = ABOUT_FLOW,
				.bits = 24.0F,
				.cap = 24.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == GNUTELLA_KIND_COUNT, "one entry per enum gnutella_kind");

const struct protocol protocol_gnutella = {
	.name = "gnutella",
	.suspected_name = "gnutella?",
	.title = "Gnutella",
	.udp_label = "gnutella-udp",
	.tcp_label = "gnutella-tcp",
	.kinds = kinds,
	.kind_count = GNUTELLA_KIND_COUNT,
	.machinery = { [MACHINERY_REFUSED] = &kinds[GNUTELLA_REFUSED],
		       [MACHINERY_OTHER_LABEL] = &kinds[GNUTELLA_OTHER_LABEL],
		       [MACHINERY_MANY_PEERS] = &kinds[GNUTELLA_MANY_PEERS],
		       [MACHINERY_TCP_AFTER_UDP] = &kinds[GNUTELLA_TCP_AFTER_UDP] },
	.ndpi_prefix = "Gnutella",
};
