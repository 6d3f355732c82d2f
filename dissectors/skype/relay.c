/*
 * The login block, and where a node relays it: inside a connection between peers (wire C4, 2015b frame 1695:
 *at stream offset 110, without the hello of a server).
 *
 *	16 03 01 LL LL | constant bytes | ... at 5 + LL LL: 17 03 01 LL LL
 *
 * 13 fixed bytes and three at a place that they name: 128 bits against random payload, wherever it begins.
 */
#include "dissectors/skype/skype.h"
#include <string.h>

static const uint8_t block_2006[] = {
	0x41, 0x03, 0x00, 0x09, 0x80, 0x40, 0x04, 0x08, 0xc0, 0x01
};                                                                                      /* wire B3 */
static const uint8_t block_2015[] = { 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f, 0x1d }; /* wire C4 */

static const uint8_t block_head[] = { 0x16, 0x03, 0x01 };
static const uint8_t data_head[] = { 0x17, 0x03, 0x01 };
#define RECORD_HEADER 5U

enum skype_block skype_block_form(struct span body)
{
	if (span_begins(body, block_2006, sizeof block_2006))
		return BLOCK_2006;
	return span_begins(body, block_2015, sizeof block_2015) ? BLOCK_2015 : BLOCK_NONE;
}

/* Whether s, cut short, can still begin with these bytes. */
static bool may_begin(struct span s, const uint8_t *with, size_t n)
{
	return memcmp(s.ptr, with, s.len < n ? s.len : n) == 0;
}

/* What begins at r: MATCH_MAYBE, if more bytes are needed to tell. *size: of both records. */
static enum match read_block(struct reader r, enum skype_block *form, uint32_t *size)
{
	struct span all = rd_rest(&r);
	if (!may_begin(all, block_head, sizeof block_head))
		return MATCH_NO;
	if (all.len < RECORD_HEADER)
		return MATCH_MAYBE;
	r = reader_on(all);
	rd_skip(&r, sizeof block_head);
	uint16_t length = rd_be16(&r);
	struct reader ahead = r;
	struct span body = rd_rest(&ahead);
	*form = skype_block_form(body);
	if (*form == BLOCK_NONE)
		return may_begin(body, block_2006, sizeof block_2006) ||
				       may_begin(body, block_2015, sizeof block_2015)
			       ? MATCH_MAYBE
			       : MATCH_NO;
	rd_skip(&r, length);
	struct span second = rd_take(&r, sizeof data_head);
	uint16_t second_length = rd_be16(&r);
	if (r.failed)
		return MATCH_MAYBE;
	*size = 2 * RECORD_HEADER + length + second_length;
	return span_begins(second, data_head, sizeof data_head) ? MATCH_YES : MATCH_NO;
}

static void report_relayed(const struct look *l, enum skype_block form, uint32_t size)
{
	observe(l, SKYPE_LOGIN_BLOCK, size);
	label_flow(l, protocol_skype.tcp_label);
	note_role(l, ROLE_node);
	report_event(l, &(struct event){ .type = EVENT_MESSAGE,
					 .of.message = { .bytes = size, .what = "relayed login block" } });
	report_event(l, &(struct event){ .type = EVENT_EXCHANGE,
					 .of.exchange = { .role = "login",
							  .form = form == BLOCK_2006 ? "relayed 2006"
										     : "relayed 2015" } });
}

void skype_relay_look(const struct look *l, struct skype_relay *relay)
{
	while (!relay->found && relay->looked[l->dir] < l->data.len) {
		struct reader r = reader_on(l->data);
		rd_skip(&r, relay->looked[l->dir]);
		struct reader ahead = r;
		struct span rest = rd_rest(&ahead);
		const uint8_t *next = memchr(rest.ptr, block_head[0], rest.len);
		size_t skipped = next ? (size_t)(next - rest.ptr) : rest.len;
		relay->looked[l->dir] += (uint32_t)skipped;
		if (!next)
			return;
		rd_skip(&r, skipped);
		enum skype_block form;
		uint32_t size;
		enum match match = read_block(r, &form, &size);
		if (match == MATCH_MAYBE)
			return;
		relay->found = match == MATCH_YES;
		relay->looked[l->dir]++;
		if (relay->found)
			report_relayed(l, form, size);
	}
}
