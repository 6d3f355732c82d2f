/*
 * Classic Skype (1.x ... 7.x, before 2016): what counts as evidence, and for how many bits.
 *
 * Bits are log2 of P(seen | Skype) / P(seen | something else). "Something else" is the worse of two: random
 * payload, for which the chance is computed, and a structured protocol with a constant or a counter at the
 * right place, for which it is guessed. The second is why most numbers are far below what chance alone would
 * give, why they are capped, and why no kind that a transaction id, a type byte or a timestamp could fake
 * reaches 10 by itself.
 *
 * The sums that matter, with the verdict at 20 bits:
 *   - probes that nobody answers (wire C2): 4 header + 12 ids + 3 nonces + 3 many peers are 22, and 26 with
 * the host's connections over TCP;
 *   - one dialog with one peer (skype_udp.pcap): 4 + 20 for a message sent three times;
 *   - an ordinary session: two reflected addresses, or NAK and resend (24), with 4 header, are enough;
 *   - incoming packets alone: 4 header + 16 for six peers that agree on an address + 3 many peers are 23;
 *   - another protocol with 02 in the third byte: 4, and 3 if it has many peers;
 *   - the same with transaction ids from a counter, random bytes 3-6, and 11-byte answers of type 05 that
 *     return the id: with one server 4 + 3 + 3 = 10, and 14 if it opens TCP to it as well; with two servers
 *     4 + 3 + 3 + 6 = 16;
 *   - a popular server of such a protocol, without echoes, whose clients all get the same from it:
 *     4 header + 3 nonces + 3 many peers + 3 fan-out + 1 called + 1 random are 15;
 *   - random payload: each new flow that the socket begins adds -4 in 255 of 256 cases, and 4 once in the
 *     others.
 *
 * The limit of this: unanswered probes are all that the client of 2015 sends behind a filter, so a protocol
 * with 02 in the third byte, one counter for all its peers, random bytes 3-6 and eight or more peers on high
 * ports cannot be told from it, and becomes a client. So does one with three servers or more that echo ids,
 * or with two if it also repeats messages after 2 s, newly encrypted. None is known, in 327 captures of other
 * protocols.
 */
#include "dissectors/skype/skype.h"

static const struct evidence_kind kinds[] = {
	/*
	 * The strict header of wire E; functions 02, 03 and 0f only, whose rules random payload passes at a
	 * rate of 2^-8, 2^-45 and 2^-13; an 11-byte random payload would pass as ACK or NAK at 2^-4. Skype:
	 * 632/632. Only 4 of these 8 bits, because one byte is what other protocols have by their structure
	 * (three in the 327 captures), and the cap is the first report: what passes once passes always, so
	 * further flows say nothing (wire E6). Alone it is not even half a suspicion.
	 */
	[SKYPE_UDP_HEADER] = { .name = "udp_header",
			       .words = "the UDP payload begins with a Skype start-of-message header",
			       .about = ABOUT_SOCKETS,
			       .bits = 4.0F,
			       .cap = 4.0F },
	/*
	 * Wire A1: 326/326, 152/152 and 154/154 payloads pass, so nothing that the client sends is refused.
	 * What is left are other users of the port, before or after it, and answers to what the capture does
	 * not show: one flow in 20 at the worst.
	 */
	[SKYPE_UDP_REFUSED] = { .name = "udp_refused",
				.words =
					"a UDP flow that the socket began does not begin with a Skype header",
				.about = ABOUT_SOCKETS,
				.test = TEST_AGAINST,
				.against = -4.0F },
	/*
	 * Wire A2. Chance: 16 of 65536 steps, 2^-12. Skype: 2006 all 147 steps but the restart, 2015 about 95
	 * %. Structured protocols have counters too, though rarely one shared by all peers, big endian at
	 * byte 0, on top of an 02 at byte 2: 3 bits for each new address, of which a client probes 5 in a
	 * second, and 12 for five of them. Header, counter and nonces together are 19: it takes many peers,
	 * too.
	 */
	[SKYPE_ID_COUNTER] = { .name = "id_counter",
			       .words = "message ids grow by small steps across different peers",
			       .about = ABOUT_SENDER,
			       .test = TEST_COUNTER,
			       .bits = 3.0F,
			       .cap = 12.0F,
			       .against = -4.0F },
	/*
	 * Wire A1: 539/539 initialisation vectors and 54/54 of fragments are fresh. So are the fields of many
	 * other protocols, hence little for; a repetition (wire E6: DNSCrypt's constant bytes 0-7) is a
	 * contradiction.
	 */
	[SKYPE_NONCE] = { .name = "nonce",
			  .words = "bytes 3-6 of the messages never repeat",
			  .about = ABOUT_SENDER,
			  .test = TEST_NONCE,
			  .bits = 0.25F,
			  .cap = 3.0F,
			  .against = -3.0F },
	/*
	 * Wire A1 and A2: 9/9 repeats keep id, length and bytes 7-10 and have new bytes 3-6 and new data, 2.0
	 * s and then 4.0 s apart. Chance: 2^-48 for the equal bytes. Structured: a periodic message with a
	 * timestamp in 3-6 and a constant in 7-10 can have a period of 2 s, so the second sending alone is 6,
	 * however often it is seen. It does not double its period: a third sending of the same message, newly
	 * encrypted once more, is 14, and both are 20.
	 */
	[SKYPE_RETRANSMISSION] = { .name = "retransmission",
				   .words = "a message was sent again after 2 s: same id, newly encrypted",
				   .about = ABOUT_SENDER,
				   .bits = 6.0F,
				   .cap = 6.0F },
	[SKYPE_RETRANSMITTED_TWICE] = { .name = "retransmitted_twice",
					.words = "the same message was sent a third time, 4 s after the "
						 "second",
					.about = ABOUT_SENDER,
					.bits = 14.0F,
					.cap = 14.0F },
	/*
	 * Wire A2: 37/37 ACK and NAK, 6/6 fragmented answers. Chance: one of 4 remembered ids, 2^-14, and the
	 * function byte, 2^-4. Structured: transaction ids are echoed everywhere; then only the function byte
	 * and the length of exactly 11 remain, and they are constants: about 2^-9 once, and nothing when the
	 * same server does it again. 3 for each address that answers, 9 for three. The resend of function 03
	 * echoes too and has a kind of its own.
	 */
	[SKYPE_ID_ECHO] = { .name = "id_echo",
			    .words = "an 11-byte answer or a fragment repeats the id of the message it "
				     "answers",
			    .about = ABOUT_SOCKETS,
			    .test = TEST_PEERS,
			    .bits = 3.0F,
			    .cap = 9.0F },
	/*
	 * Wire A3: 2/2 resends carry the NAK's challenge, and the IPv4 address of the addressee: 32 bits
	 * each, reported one by one. An address inside the payload is not rare elsewhere (RIP, NAT-PMP), nor
	 * is a cookie that is returned, but not behind function 03 and 01: 12 each.
	 */
	[SKYPE_RESEND] = { .name = "resend",
			   .words = "a resend carries the challenge of the NAK, or the address of its "
				    "addressee",
			   .about = ABOUT_SENDER,
			   .bits = 12.0F,
			   .cap = 24.0F },
	/*
	 * Recognition 4; wire A3: 34/34 ACK and NAK from 16 peers name the same public address. 32 bits
	 * against chance. Only of answers that echo an id (udp.c), for the address alone is in everybody's
	 * hands; and of two hosts, unless it is the receiver's own. Two servers that both put one constant at
	 * bytes 3-6 of an 11-byte answer of type 05 would be believed: 20 and not 32.
	 */
	[SKYPE_REFLECTED] = { .name = "reflected_address",
			      .words = "peers tell the socket its public IPv4 address, and agree",
			      .about = ABOUT_RECEIVER,
			      .test = TEST_REFLECTED,
			      .bits = 20.0F,
			      .cap = 24.0F },
	/*
	 * Recognition 4, for a capture of the incoming direction alone, where no echo can be checked. Wire
	 * A3: 34/34 from 16 peers. An 11-byte datagram of type 05 or 07 with one constant at bytes 3-6 from
	 * everybody is all that it is then: 4 for each address from the third on, and short of a verdict
	 * without the header and many peers. Where both directions were captured, nothing of Skype gets here.
	 */
	[SKYPE_AGREED] = { .name = "agreed_address",
			   .words = "three peers and more tell the socket the same public IPv4 address",
			   .about = ABOUT_RECEIVER,
			   .test = TEST_AGREED,
			   .bits = 4.0F,
			   .cap = 16.0F },
	/*
	 * Recognition 6, on what the socket sends: behind id and function all is random. Nonces say nearly
	 * the same of bytes 3-6, so a pass is little; but no constant, counter or timestamp in bytes 3-7
	 * passes.
	 */
	[SKYPE_RANDOM] = { .name = "random_payload",
			   .words = "the chi-square test finds bytes 3-7 of its messages random, and byte 2 "
				    "not",
			   .about = ABOUT_SENDER,
			   .test = TEST_RANDOMNESS,
			   .bits = 1.0F,
			   .cap = 4.0F,
			   .against = -4.0F },
	/*
	 * Wire C3: the client of 2015 opens TCP to supernodes in a form of its own, with or without UDP
	 * answers. A host that does so runs a client; but a NAT has many hosts behind its address, and which
	 * of its sockets is the client's this does not tell.
	 */
	[SKYPE_HOST_TCP] = { .name = "host_tcp",
			     .words = "the socket's host opens TCP connections in Skype's own form",
			     .about = ABOUT_SOCKETS,
			     .bits = 4.0F,
			     .cap = 4.0F },
	/* Recognition 10. Encrypted payload is mistaken for something in perhaps one flow of 20 (wire E8). */
	[SKYPE_OTHER_LABEL] = { .name = "other_label",
				.words = "libndpi recognises by its payload another protocol that the socket "
					 "speaks",
				.about = ABOUT_SOCKETS,
				.test = TEST_AGAINST,
				.against = -4.0F },
	/* Recognition 9: 80 peers in 174 s, 144 in 83 s (wire A, C2). Every overlay does so: only clients
	   without are ruled out. */
	[SKYPE_MANY_PEERS] = { .name = "many_peers",
			       .words = "one socket talks to many peers on high ports",
			       .about = ABOUT_SOCKETS,
			       .bits = 3.0F,
			       .cap = 3.0F },
	/* Recognition 9; wire B2: 2/2 supernodes. eDonkey and BitTorrent (uTP with TCP) do it as well, if not
	   within 1 ms; and who does it once does it again. */
	[SKYPE_TCP_AFTER_UDP] = { .name = "tcp_after_udp",
				  .words = "TCP to the address and port that had answered over UDP",
				  .about = ABOUT_SOCKETS,
				  .bits = 4.0F,
				  .cap = 4.0F },
	/*
	 * Wire A1: three notices with the same bytes 7-10 under new ids to 8, 12 and 13 peers; no other
	 * coincidence in 539 messages. Chance: 2^-32 for each of 4 remembered values, twice. Structured: a
	 * question that goes to several servers carries the same name or hash everywhere, and different
	 * questions differ; one such structure in 8 of all, and only with three servers, which other kinds
	 * believe already.
	 */
	[SKYPE_FAN_OUT] = { .name = "fan_out",
			    .words = "the same message goes to several peers under new ids, newly encrypted",
			    .about = ABOUT_SENDER,
			    .test = TEST_REPEATED,
			    .bits = 3.0F,
			    .cap = 3.0F },
	/* Any popular node of an overlay, and any server, is called and answers: hardly a reason to take a
	   socket for Skype's, but the reason for calling it a supernode (behave/callers.h). */
	[SKYPE_CALLED] = { .name = "called",
			   .words = "many peers call the socket first, and it answers: a supernode",
			   .about = ABOUT_SOCKETS,
			   .bits = 1.0F,
			   .cap = 1.0F },
	/*
	 * Recognition 1; wire B3, C4: the first bytes of a connection are 16 03 01 00 00 in 12/12. 40 bits
	 * against chance; against TLS: a handshake record of length zero is forbidden (RFC 5246
	 * section 6.2.1), never met in 327 captures.
	 */
	[SKYPE_LOGIN] = { .name = "login",
			  .words = "the connection opens with 16 03 01 00 00, a TLS record of length zero",
			  .about = ABOUT_FLOW,
			  .bits = 32.0F,
			  .cap = 32.0F },
	/* Ten constant bytes in 4/4 (wire B3), eight in 8/8 (wire C4): 64 bits and more against chance. */
	[SKYPE_LOGIN_BLOCK] = { .name = "login_block",
				.words = "the login block begins with the bytes that are the same in every "
					 "login",
				.about = ABOUT_FLOW,
				.bits = 30.0F,
				.cap = 30.0F },
	/*
	 * Wire C3. Form 1: at least three steps of the generator that pads the message, 24 bits; none of 327
	 * captures and 1 of all other payloads of Skype's own has four such bytes at its end. Form 2: 15
	 * steps, 120 bits.
	 */
	[SKYPE_NODE_HELLO] = { .name = "node_hello",
			       .words = "the connection opens with the padding of a Skype node, or its false "
					"TLS hello",
			       .about = ABOUT_FLOW,
			       .bits = 22.0F,
			       .cap = 22.0F },
	/* Recognition 8; wire B4: 2/2. Text of more than 20 fixed characters and the vendor's name; a person
	   could type it. */
	[SKYPE_VERSION_CHECK] = { .name = "version_check",
				  .words = "HTTP request to the vendor for the latest version",
				  .about = ABOUT_FLOW,
				  .bits = 24.0F,
				  .cap = 24.0F },
	/*
	 * Wire C0: the names of the client's own start page and its pictures. A browser could go there, and
	 * the flow would be called the same: the label says which service the flow goes to, not what went
	 * there, and needs the verdict's 20 bits to be given. It is evidence about this flow only and makes
	 * no socket and no host a client's.
	 */
	[SKYPE_TLS_NAME] = { .name = "tls_name",
			     .words = "TLS hello to a server that only the vendor's client uses",
			     .about = ABOUT_FLOW,
			     .bits = 20.0F,
			     .cap = 20.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == SKYPE_KIND_COUNT, "one entry per enum skype_kind");
_Static_assert(SKYPE_KIND_COUNT <= EVIDENCE_KINDS_MAX, "flow_identity.kinds");

const struct protocol protocol_skype = {
	.name = "skype",
	.suspected_name = "skype?",
	.title = "Skype",
	.udp_label = "skype-udp",
	.tcp_label = "skype-tcp",
	.kinds = kinds,
	.kind_count = SKYPE_KIND_COUNT,
	.machinery = { [MACHINERY_REFUSED] = &kinds[SKYPE_UDP_REFUSED],
		       [MACHINERY_OTHER_LABEL] = &kinds[SKYPE_OTHER_LABEL],
		       [MACHINERY_MANY_PEERS] = &kinds[SKYPE_MANY_PEERS],
		       [MACHINERY_TCP_AFTER_UDP] = &kinds[SKYPE_TCP_AFTER_UDP],
		       [MACHINERY_CALLED] = &kinds[SKYPE_CALLED],
		       [MACHINERY_HOST_TCP] = &kinds[SKYPE_HOST_TCP] },
	/*
	 * Wire C3: form 3 begins 1.112 s (14 of 15 flows) or 1.612 s after the SYN of form 1. The last
	 * attempt of skype.pcap, which the peer's address and port alone tell, comes 4.113 s after: 5 s.
	 */
	.retry_ns = INT64_C(5000000000),
	/* Wire B1, B2: the node that answers a probe of 18 bytes with 18 bytes is the supernode in 2/2; the
	   client's first message to it has 14 bytes. Wire A3: behind a NAT the first node that answers
	   wants the question again, 5 bytes longer; nothing else there has 23 bytes. */
	.supernode = { .question = 18, .answer = 18, .first_message = 14, .resent = 23 },
	/* BS IV.B.1: ports 80 and 443 of the nodes that did not answer (client 1.0); wire C3: 443. */
	.fallback_ports = { 80, 443 },
	/* Wire A4 (1.2), and BS Fig. 5 (1.4), whose request is the same. Fan-outs of other sizes, 18, 30, 31
	   and 346 bytes (wire A5, B4), belong to logins and contacts: clients send them by themselves. So did
	   those of 0.97 with the 44 bytes of its searches (report on 0.97, Figs. 3 and 6), which cannot be
	   told therefore. */
	.search = { .request = 13, .question = { 47, 171, 54 } },
	.csc_rules = skype_csc_rules,
	.csc_rule_count = SKYPE_CSC_RULES,
	.csc_socket = &skype_csc_rules[SKYPE_CSC_COUNTED],
	.csc_tcp = &skype_csc_tcp,
	.ndpi_prefix = "Skype",
	.patterns = skype_patterns,
	.pattern_count = SKYPE_PATTERNS,
	.strategies = skype_strategies,
	.strategy_count = SKYPE_STRATEGIES,
	/* Wire C4: a login block in the connection to a node (relay.c). */
	.relayed = &kinds[SKYPE_LOGIN_BLOCK],
};
