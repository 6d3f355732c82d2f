/*
 * HTTP trackers (BEP 3, "trackers"): announces and scrapes. The path is anything, the hash tells.
 *
 *	GET /announce?info_hash=%aai%c4S%0d...&peer_id=...&port=51413 HTTP/1.1
 *
 * It tells the host that shares and no socket.
 */
#include "dissectors/bittorrent/bittorrent.h"
#include <string.h>

#define TARGET_MAX 1024U /* announces of real clients have 300 to 500 bytes */
#define INFO_HASH  20U   /* BEP 3: before it is escaped */
#define PARAMETER  "info_hash="

struct http_state {
	bool done;
};

/* The bytes before the next of these separators, which is skipped; 0: they are not all there. */
static uint8_t rd_part(struct reader *r, const char *separators, struct span *part)
{
	struct reader ahead = *r;
	for (size_t n = 0; rd_left(&ahead); n++) {
		uint8_t c = rd_u8(&ahead);
		if (c && strchr(separators, c)) {
			*part = rd_take(r, n);
			rd_skip(r, 1);
			return c;
		}
	}
	return 0;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "info_hash=" and 20 bytes, escaped where necessary (RFC 3986 section 2.1). */
static bool is_info_hash(struct span part)
{
	struct reader r = reader_on(part);
	struct span name = rd_take(&r, strlen(PARAMETER));
	if (r.failed || memcmp(name.ptr, PARAMETER, name.len) != 0)
		return false;
	unsigned bytes = 0;
	for (; rd_left(&r); bytes++)
		if (rd_u8(&r) == '%' && !(is_hex(rd_u8(&r)) && is_hex(rd_u8(&r))))
			return false;
	return bytes == INFO_HASH && !r.failed;
}

/* MAYBE: the target has not ended, and may still become one. */
static enum match match_target(struct reader *r)
{
	struct span part;
	size_t before = rd_left(r);
	uint8_t separator = rd_part(r, "? \r\n", &part);
	while (separator == '?' || separator == '&') {
		separator = rd_part(r, "& \r\n", &part);
		if (separator && is_info_hash(part))
			return MATCH_YES;
	}
	return separator || before > TARGET_MAX ? MATCH_NO : MATCH_MAYBE;
}

static enum match http_look(const struct look *l)
{
	static const char method[] = "GET /";
	struct http_state *st = l->state;
	struct reader r = reader_on(l->data);
	struct span start = rd_take(&r, rd_left(&r) < strlen(method) ? rd_left(&r) : strlen(method));
	if (st->done || (start.len && memcmp(start.ptr, method, start.len) != 0))
		return MATCH_NO;
	if (start.len < strlen(method))
		return MATCH_MAYBE;
	enum match match = match_target(&r);
	if (match == MATCH_YES) {
		st->done = true;
		observe(l, BITTORRENT_HTTP_ANNOUNCE, 0);
		label_flow(l, "bittorrent-http");
	}
	return match;
}

const struct dissector dissector_bittorrent_http = {
	.name = "bittorrent_http",
	.summary = "BitTorrent's trackers over HTTP, BEP 3",
	.protocol = &protocol_bittorrent,
	.l4 = IPPROTO_TCP,
	.patience = 4, /* a request line of two segments, and some of the other direction */
	.state_size = sizeof(struct http_state),
	.look = http_look,
};
