/* Gnutella over TCP: the handshake, which Gnutella2 has too, and transfers. */
#include "dissectors/gnutella/gnutella.h"
#include <string.h>

struct tcp_state {
	bool done[2]; /* by enum direction */
};

static bool is_base32(struct reader *r, unsigned n)
{
	while (n-- > 0) {
		uint8_t c = rd_u8(r);
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7')))
			return false;
	}
	return true;
}

/* What follows "GIV ": file number, colon, 32 hexadecimal digits of the GUID, slash (draft 4.2). */
static bool is_offer(struct reader *r)
{
	uint8_t c = rd_u8(r);
	unsigned digits = 0;
	for (; c >= '0' && c <= '9' && digits < 10; c = rd_u8(r))
		digits++;
	if (r->failed)
		return true;
	if (!digits || c != ':')
		return false;
	for (unsigned i = 0; i < 32 && !r->failed; i++) {
		c = rd_u8(r);
		if (!r->failed &&
		    !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return rd_u8(r) == '/' || r->failed;
}

/* What follows the name of the hash: 32 digits of base 32 and a space (HUGE 0.94 section 6.1). */
static bool is_hash(struct reader *r)
{
	return (is_base32(r, 32) && rd_u8(r) == ' ') || r->failed;
}

static bool is_anything(struct reader *r)
{
	(void)r;
	return true;
}

static const struct opening {
	const char *text;
	bool (*rest)(struct reader *r); /* false: not this; r->failed: not all there yet */
	enum gnutella_kind kind;
	const char *label;
} openings[] = {
	{ "GNUTELLA CONNECT/0.", is_anything, GNUTELLA_HANDSHAKE, "gnutella-tcp" },
	{ "GNUTELLA/0.", is_anything, GNUTELLA_HANDSHAKE, "gnutella-tcp" },
	{ "GNUTELLA OK", is_anything, GNUTELLA_HANDSHAKE, "gnutella-tcp" }, /* 0.4 */
	{ "GET /uri-res/N2R?urn:sha1:", is_hash, GNUTELLA_TRANSFER, "gnutella-http" },
	{ "GET /gnutella/", is_anything, GNUTELLA_TRANSFER, "gnutella-http" },
	{ "GIV ", is_offer, GNUTELLA_TRANSFER, "gnutella-http" },
};

static enum match try_opening(const struct look *l, const struct opening *o)
{
	struct reader r = reader_on(l->data);
	size_t length = strlen(o->text);
	size_t both = length < l->data.len ? length : l->data.len;
	struct span front = rd_take(&r, both);
	if (memcmp(front.ptr, o->text, both) != 0)
		return MATCH_NO;
	if (both < length)
		return MATCH_MAYBE;
	if (!o->rest(&r))
		return MATCH_NO;
	return r.failed ? MATCH_MAYBE : MATCH_YES;
}

static enum match tcp_look(const struct look *l)
{
	struct tcp_state *st = l->state;
	struct reader r = reader_on(l->data);
	if (st->done[l->dir])
		return MATCH_YES;
	if (rd_u8(&r) != 'G' && !r.failed)
		return MATCH_NO;
	enum match best = MATCH_NO;
	for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
		enum match match = try_opening(l, &openings[i]);
		if (match == MATCH_YES) {
			st->done[l->dir] = true;
			observe(l, openings[i].kind, (uint32_t)i);
			label_flow(l, openings[i].label);
			return MATCH_YES;
		}
		best = match == MATCH_MAYBE ? MATCH_MAYBE : best;
	}
	return best;
}

const struct dissector dissector_gnutella_tcp = {
	.name = "gnutella_tcp",
	.summary = "Gnutella's handshake and transfers, Gnutella 0.6 sections 2.1 and 4",
	.protocol = &protocol_gnutella,
	.l4 = IPPROTO_TCP,
	.patience = 8, /* an opening in more segments than this is not a servent's */
	.state_size = sizeof(struct tcp_state),
	.look = tcp_look,
};
