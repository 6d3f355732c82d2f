/*
 * eDonkey over TCP: the first message of each direction.
 *
 *	0 protocol | 1-4 length of what follows, little endian | 5 opcode | 6- fields
 *	hello         01, then 10: 16 bytes of user hash, id 4, port 2, tag count 4, tags, server address 4
 *and port 2 hello answer  4c, then the hash and the same login         01, then hash, id, port, tag count,
 *tags
 */
#include "dissectors/edonkey/edonkey.h"

#define MESSAGE_MAX 1500U /* capture: 124 and 132 bytes; above, the stream's kept head would not hold it */
#define TAGS_MAX    32U   /* capture: 8 */
#define TAIL_MAX    16U   /* server 6, then 4 bytes of MLDonkey or eDonkeyHybrid */
#define FIELDS_MIN  (16U + 4U + 2U + 4U)

enum opcode { OP_HELLO = 0x01, OP_HELLO_ANSWER = 0x4c };

struct tcp_state {
	bool done[2]; /* by enum direction */
};

/* Hash, id, port, tags; the bytes behind them are between least and most. */
static bool has_client(struct reader r, size_t least, size_t most)
{
	rd_skip(&r, 16 + 4 + 2);
	uint32_t tags = rd_le32(&r);
	return tags <= TAGS_MAX && rd_tags(&r, tags) && !r.failed && rd_left(&r) >= least &&
	       rd_left(&r) <= most;
}

/* One whole message without its opcode; EDONKEY_KIND_COUNT: none that can come first. */
static enum edonkey_kind kind_of(uint8_t opcode, struct reader fields)
{
	if (opcode == OP_HELLO_ANSWER)
		return has_client(fields, 6, TAIL_MAX) ? EDONKEY_HELLO_ANSWER : EDONKEY_KIND_COUNT;
	struct reader hello = fields;
	if (rd_u8(&hello) == 16 && has_client(hello, 6, TAIL_MAX))
		return EDONKEY_HELLO;
	return has_client(fields, 0, 0) ? EDONKEY_LOGIN : EDONKEY_KIND_COUNT;
}

static enum match tcp_look(const struct look *l)
{
	struct tcp_state *st = l->state;
	struct reader r = reader_on(l->data);
	if (st->done[l->dir])
		return MATCH_YES;
	if (rd_u8(&r) != P_EDONKEY)
		return r.failed ? MATCH_MAYBE : MATCH_NO;
	uint32_t length = rd_le32(&r);
	uint8_t opcode = rd_u8(&r);
	if (r.failed)
		return MATCH_MAYBE;
	if ((opcode != OP_HELLO && opcode != OP_HELLO_ANSWER) || length <= FIELDS_MIN || length > MESSAGE_MAX)
		return MATCH_NO;
	struct span fields = rd_take(&r, length - 1);
	if (r.failed)
		return MATCH_MAYBE;
	enum edonkey_kind kind = kind_of(opcode, reader_on(fields));
	if (kind == EDONKEY_KIND_COUNT)
		return MATCH_NO;
	st->done[l->dir] = true;
	observe(l, kind, opcode);
	label_flow(l, kind == EDONKEY_LOGIN ? "edonkey-server" : protocol_edonkey.tcp_label);
	return MATCH_YES;
}

const struct dissector dissector_edonkey_tcp = {
	.name = "edonkey_tcp",
	.summary = "eDonkey's hello between clients and login to servers, eMule opcodes.h",
	.protocol = &protocol_edonkey,
	.l4 = IPPROTO_TCP,
	.patience = 8, /* a hello in more segments than this is not eDonkey's */
	.state_size = sizeof(struct tcp_state),
	.look = tcp_look,
};
