/*
 * ERF of Endace's DAG cards: the Extensible Record Format, "ERF Types Reference Guide" (EDM11-01). There is
 * no file header and no magic; a file is ERF when its first records chain as records do.
 */
#include "base/clock.h"
#include "base/reader.h"
#include "capture/format.h"

#define RECORD_SIZE 16U
#define EXTENSION_SIZE                                                                                       \
	8U /* of each extension header; the upper bit of its first byte says that another follows */
#define MORE_HEADERS 0x80U
#define ETHERNET_PAD 2U /* an offset byte and a reserved one before the frame */

#define TYPE_ETHERNET            2U
#define TYPE_COLOR_ETHERNET      11U
#define TYPE_DSM_COLOR_ETHERNET  16U
#define TYPE_COLOR_HASH_ETHERNET 20U
#define TYPE_IPV4                22U
#define TYPE_IPV6                23U
#define TYPE_META                27U /* describes the capture; no packet */
#define TYPE_PAD                 48U
#define TYPE_LAST                48U

#define LINKTYPE_ETHERNET 1
#define LINKTYPE_ERF      197 /* the whole record, for types that we do not look into */
#define LINKTYPE_IPV4     228
#define LINKTYPE_IPV6     229

#define MATCH_RECORDS 8U                 /* that must chain, unless the file ends before */
#define YEAR_1990     INT64_C(631152000) /* in seconds: before the first DAG card */
#define DISORDER      INT64_C(86400)     /* records of one file are hardly a day out of order, ... */
#define SILENCE       INT64_C(31536000)  /* ... or a year apart */

struct erf {
	int64_t ts_ns;
	unsigned type;
	bool has_extension;
	uint32_t length; /* of the record */
	uint32_t loss;   /* packets lost before it; in colour types the field means something else */
	uint32_t wire;
};

static bool header_read(struct reader *r, struct erf *out)
{
	uint32_t fraction = rd_le32(r), seconds = rd_le32(r);
	uint8_t type = rd_u8(r);

	rd_skip(r, 1); /* flags: interface, and whether the record varies in length */
	out->length = rd_be16(r);
	out->loss = rd_be16(r);
	out->wire = rd_be16(r);
	/* 32.32 fixed point: the fraction times 10^9, rounded down, fits in 62 bits. */
	out->ts_ns = (int64_t)seconds * NS_PER_S + (int64_t)(((uint64_t)fraction * (uint64_t)NS_PER_S) >> 32);
	out->type = type & ~MORE_HEADERS;
	out->has_extension = type & MORE_HEADERS;
	return !r->failed && out->length >= RECORD_SIZE && out->type >= 1 && out->type <= TYPE_LAST;
}

static bool is_ethernet(unsigned type)
{
	return type == TYPE_ETHERNET || type == TYPE_COLOR_ETHERNET || type == TYPE_DSM_COLOR_ETHERNET ||
	       type == TYPE_COLOR_HASH_ETHERNET;
}

static bool plausible(const struct erf *h, int64_t *last_seconds)
{
	int64_t seconds = h->ts_ns / NS_PER_S;

	if (h->type == TYPE_META || h->type == TYPE_PAD)
		return true;
	if (seconds < YEAR_1990 || (h->type == TYPE_ETHERNET && h->length < RECORD_SIZE + ETHERNET_PAD))
		return false;
	if (*last_seconds && (seconds < *last_seconds - DISORDER || seconds > *last_seconds + SILENCE))
		return false;
	*last_seconds = seconds;
	return true;
}

static bool erf_matches(struct stream *s)
{
	size_t at = 0;
	int64_t last_seconds = 0;
	unsigned records = 0;

	for (; records < MATCH_RECORDS; records++) {
		struct reader r = reader_on(stream_peek(s, at + RECORD_SIZE));
		struct erf h;

		rd_skip(&r, at);
		if (rd_left(&r) < RECORD_SIZE)
			break;
		if (!header_read(&r, &h) || !plausible(&h, &last_seconds))
			return false;
		at += h.length;
	}
	/* A short file is one when its last record ends where the file does: a single header proves nothing.
	 */
	return records >= 3 || (records && stream_peek(s, at + 1).len == at);
}

static enum record erf_start(void *state, struct stream *s, struct input_info *info)
{
	(void)state;
	(void)s;
	(void)info;
	return RECORD_FRAME;
}

static void extensions_skip(struct reader *r)
{
	uint8_t first = MORE_HEADERS;

	while (first & MORE_HEADERS && !r->failed) {
		first = rd_u8(r);
		rd_skip(r, EXTENSION_SIZE - 1);
	}
}

/* What the record holds, without the padding that rounds it up. */
static bool frame_fill(const struct erf *h, struct span record, struct frame *frame)
{
	struct reader r = reader_on(record);

	rd_skip(&r, RECORD_SIZE);
	if (h->has_extension)
		extensions_skip(&r);
	frame->ts_ns = h->ts_ns;
	if (is_ethernet(h->type)) {
		rd_skip(&r, ETHERNET_PAD);
		frame->linktype = LINKTYPE_ETHERNET;
	} else if (h->type == TYPE_IPV4 || h->type == TYPE_IPV6) {
		frame->linktype = h->type == TYPE_IPV4 ? LINKTYPE_IPV4 : LINKTYPE_IPV6;
	} else {
		r = reader_on(record);
		frame->linktype = LINKTYPE_ERF;
		frame->bytes = rd_rest(&r);
		frame->wire_len = (uint32_t)record.len;
		return true;
	}
	size_t left = rd_left(&r);

	frame->bytes = rd_take(&r, left < h->wire ? left : h->wire);
	frame->wire_len = h->wire;
	return !r.failed;
}

static enum record erf_next(void *state, struct stream *s, struct frame *frame, struct input_info *info)
{
	(void)state;
	for (;;) {
		struct span window = stream_peek(s, RECORD_SIZE);
		struct reader r = reader_on(window);
		struct erf h;

		if (window.len < RECORD_SIZE)
			return window.len ? record_short(s, info, "record header") : RECORD_END;
		if (!header_read(&r, &h))
			return record_problem(info, RECORD_DAMAGED, stream_offset(s),
					      "no ERF record: type %u, length %u", h.type, h.length);
		window = stream_peek(s, h.length);
		if (window.len < h.length)
			return record_short(s, info, "record");
		if (h.type == TYPE_META || h.type == TYPE_PAD) {
			stream_advance(s, h.length);
			continue;
		}
		if (!frame_fill(&h, (struct span){ window.ptr, h.length }, frame))
			return record_problem(info, RECORD_DAMAGED, stream_offset(s),
					      "an ERF record of %u bytes is shorter than its headers",
					      h.length);
		stream_advance(s, h.length);
		info->dropped += h.type == TYPE_ETHERNET ? h.loss : 0;
		return RECORD_FRAME;
	}
}

const struct format format_erf = {
	.name = "erf",
	.state_size = 1,
	.matches = erf_matches,
	.start = erf_start,
	.next = erf_next,
};
