/*
 * eDonkey2000, eMule's extensions and its two Kademlias: what counts as evidence, and for how many bits.
 *
 * Sources: "opcodes": eMule 0.50a and aMule 2.3, opcodes.h and src/include/protocol, whose comments give the
 * fields of each message. "listener": KademliaUDPListener.cpp of the same, which tests the lengths.
 * "capture": nDPI's edonkey.pcap, one connection between two eMules; no capture has eDonkey over UDP, so what
 * is said of that comes from the sources alone.
 *
 * What cannot be seen: eMule 0.47b and later may obfuscate TCP, 0.49a and later UDP to clients that can do it
 * too, with keys that both derive from ids; then nothing is left but random bytes.
 *
 * The sums that matter, with the verdict at 20 bits:
 *   - Kademlia probes that nobody answers: 7 header + 5 hello + 5 lookup + 3 many peers = 20;
 *   - a lookup and its answer, one peer: 7 + 5 + 6 id + 0 = 18, and 24 with a second peer;
 *   - a hello and a ping with one peer: 7 + 5 + 5 answered + 5 port = 22;
 *   - servers: 7 header + 12 ids of two of them + 5 answered = 24;
 *   - another protocol with e4 in its first byte, an opcode of ours in the second, and one fixed length: 7,
 * and 3 with many peers; with 16 bytes that come back at the right place, 22, and for that it needs two
 * message types that are question and answer here.
 */
#include "dissectors/edonkey/edonkey.h"

static const struct evidence_kind kinds[] = {
	/*
	 * Protocol byte, opcode, and a length that the opcode prescribes. Random payload of a fitting length
	 * passes at 2^-16 for each opcode of that length, of which there are at most 9: 2^-12. 7 because the
	 * two bytes are constants to a structured protocol, which passes always if it passes once.
	 */
	[EDONKEY_UDP_HEADER] = { .name = "udp_header",
				 .words = "protocol byte, opcode and the length that it prescribes",
				 .about = ABOUT_SOCKETS,
				 .bits = 7.0F,
				 .cap = 7.0F },
	/* The same without the length: some 20 opcodes, 2^-11 against chance; to a structured protocol 2
	   bytes. */
	[EDONKEY_UDP_LOOSE] = { .name = "udp_loose",
				.words = "protocol byte and an opcode whose length is free",
				.about = ABOUT_SOCKETS,
				.bits = 3.0F,
				.cap = 3.0F },
	/* listener: id, port, version up to 10, tags that end with the datagram: 2^-12 for version and tag
	   count beside the header. One opcode of many, with a layout of its own: independent of the next one.
	 */
	[EDONKEY_KAD_HELLO] = { .name = "kad_hello",
				.words = "a Kademlia hello: id, port, version, and tags that fill it",
				.about = ABOUT_SOCKETS,
				.bits = 5.0F,
				.cap = 5.0F },
	/* listener: 35 bytes, and one of three values in the third: 2^-6 beside the header. */
	[EDONKEY_KAD_LOOKUP] = { .name = "kad_lookup",
				 .words = "a Kademlia lookup for 2, 4 or 11 contacts",
				 .about = ABOUT_SOCKETS,
				 .bits = 5.0F,
				 .cap = 5.0F },
	/* listener: 2^-16 against chance. Only in answer to a ping, of four bytes. */
	[EDONKEY_KAD_PORT] = { .name = "kad_port",
			       .words = "a Kademlia pong names the port that it is sent to",
			       .about = ABOUT_SOCKETS,
			       .bits = 5.0F,
			       .cap = 5.0F },
	/* opcodes: 16 bytes of a target or file come back with the opcode that answers, or the 4 of a
	   server's challenge: 2^-32 at the least against chance. Ids are echoed everywhere: 6 for each
	   address. */
	[EDONKEY_ID_ECHO] = { .name = "id_echo",
			      .words = "an answer repeats the id of the question, and has the opcode for it",
			      .about = ABOUT_SOCKETS,
			      .test = TEST_PEERS,
			      .bits = 6.0F,
			      .cap = 12.0F },
	/* The opcode that answers another, without an id: 2^-16 against chance after a header that fits. */
	[EDONKEY_ANSWERED] = { .name = "answered",
			       .words = "a question is answered with the opcode for it",
			       .about = ABOUT_SOCKETS,
			       .bits = 5.0F,
			       .cap = 5.0F },
	/* opcodes 58: the requester's public address, as answer to 50 or 53 only; 32 bits against chance, and
	   exactly six bytes. Two constants of two servers would be believed. */
	[EDONKEY_REFLECTED] = { .name = "reflected_address",
				.words = "nodes tell the socket its public IPv4 address, and agree",
				.about = ABOUT_RECEIVER,
				.test = TEST_REFLECTED,
				.bits = 9.0F,
				.cap = 9.0F },
	/* Obfuscated datagrams of the same socket are mistaken for something in perhaps one flow of 20, and
	   there are hundreds of them. For the same reason flows that are refused say nothing: most would be
	   eMule. */
	[EDONKEY_OTHER_LABEL] = { .name = "other_label",
				  .words = "libndpi recognises by its payload another protocol that the "
					   "socket "
					   "speaks",
				  .about = ABOUT_SOCKETS,
				  .test = TEST_AGAINST,
				  .against = -0.5F },
	/* As for every overlay. TCP has a port of its own (4662 beside 4672), so TCP after UDP tells nothing.
	 */
	[EDONKEY_MANY_PEERS] = { .name = "many_peers",
				 .words = "one socket talks to many peers on high ports",
				 .about = ABOUT_SOCKETS,
				 .bits = 3.0F,
				 .cap = 3.0F },
	/* Opcode 01, 16 for the length of the hash, a length below 2^11, tags that follow their own lengths
	   almost to its end: 2^-50 against chance; capture: 1/1. */
	[EDONKEY_HELLO] = { .name = "hello",
			    .words = "the connection opens with the hello of a client to another",
			    .about = ABOUT_FLOW,
			    .bits = 24.0F,
			    .cap = 24.0F },
	/* The same without the length of the hash, after opcode 4c; capture: 1/1. */
	[EDONKEY_HELLO_ANSWER] = { .name = "hello_answer",
				   .words = "a client answers with its own hello",
				   .about = ABOUT_FLOW,
				   .bits = 22.0F,
				   .cap = 22.0F },
	/* Opcode 01 without the length of the hash, and tags to the last byte. */
	[EDONKEY_LOGIN] = { .name = "login",
			    .words = "the connection opens with a login to a server",
			    .about = ABOUT_FLOW,
			    .bits = 22.0F,
			    .cap = 22.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == EDONKEY_KIND_COUNT, "one entry per enum edonkey_kind");

const struct protocol protocol_edonkey = {
	.name = "edonkey",
	.suspected_name = "edonkey?",
	.title = "eDonkey",
	.udp_label = "edonkey-udp",
	.tcp_label = "edonkey-tcp",
	.kinds = kinds,
	.kind_count = EDONKEY_KIND_COUNT,
	.machinery = { [MACHINERY_OTHER_LABEL] = &kinds[EDONKEY_OTHER_LABEL],
		       [MACHINERY_MANY_PEERS] = &kinds[EDONKEY_MANY_PEERS] },
	.ndpi_prefix = "eDonkey",
};

/* Tag types, and the bytes of a value of fixed size (opcodes, TagTypes.h). */
enum tag_type {
	TAG_STRING = 0x02,
	TAG_BLOB = 0x07,
	TAG_BSOB = 0x0a,
	TAG_STRING_1 = 0x11, /* ... of one byte, and so on up to 16 */
	TAG_STRING_16 = 0x20,
};
#define TAG_SHORT_NAME 0x80U /* the name is one byte, without its length */

static bool rd_tag(struct reader *r)
{
	static const uint8_t fixed[] = {
		[0x01] = 16, [0x03] = 4, [0x04] = 4, [0x05] = 1, [0x08] = 2, [0x09] = 1, [0x0b] = 8
	};
	uint8_t type = rd_u8(r);
	rd_skip(r, type & TAG_SHORT_NAME ? 1 : rd_le16(r));
	type &= (uint8_t)~TAG_SHORT_NAME;
	if (type < sizeof fixed && fixed[type])
		rd_skip(r, fixed[type]);
	else if (type == TAG_STRING)
		rd_skip(r, rd_le16(r));
	else if (type == TAG_BLOB)
		rd_skip(r, rd_le32(r));
	else if (type == TAG_BSOB)
		rd_skip(r, rd_u8(r));
	else if (type >= TAG_STRING_1 && type <= TAG_STRING_16)
		rd_skip(r, type - TAG_STRING_1 + 1U);
	else
		return r->failed;
	return true;
}

bool rd_tags(struct reader *r, uint32_t n)
{
	for (uint32_t i = 0; i < n && !r->failed; i++)
		if (!rd_tag(r))
			return false;
	return true;
}
