/*
 * Classic pcap: pcap-savefile(5), and the IETF's draft-ietf-opsawg-pcap for the link type's upper bits. Both
 * byte orders, microseconds and nanoseconds, and the records of Kuznetzov's libpcap with eight bytes more.
 */
#include "base/clock.h"
#include "base/reader.h"
#include "capture/format.h"
#include <string.h>

#define HEADER_SIZE        24U
#define RECORD_SIZE        16U
#define RECORD_SIZE_EXTRA  8U      /* interface index, protocol, packet type */
#define CAPTURED_MAX       262144U /* libpcap's and Wireshark's limit, unless the header announces more */
#define MAGIC_MICROSECONDS 0xa1b2c3d4U
#define MAGIC_NANOSECONDS  0xa1b23c4dU
#define MAGIC_KUZNETZOV    0xa1b2cd34U

struct pcap {
	bool big_endian;
	uint32_t ns_per_unit;
	uint32_t header; /* of a record */
	uint32_t captured_max;
	unsigned minor;
	int linktype;
};

static bool is_magic(uint32_t magic)
{
	return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS || magic == MAGIC_KUZNETZOV;
}

static bool pcap_matches(struct stream *s)
{
	struct reader big = reader_on(stream_peek(s, 4)), little = big;

	return is_magic(rd_be32(&big)) || is_magic(rd_le32(&little));
}

static inline uint32_t rd_32(struct reader *r, bool big_endian)
{
	return big_endian ? rd_be32(r) : rd_le32(r);
}

static enum record pcap_start(void *state, struct stream *s, struct input_info *info)
{
	struct pcap *p = state;
	struct reader r = reader_on(stream_peek(s, HEADER_SIZE)), probe = r;

	p->big_endian = is_magic(rd_be32(&probe));
	uint32_t magic = rd_32(&r, p->big_endian);

	rd_skip(&r, 2); /* major version: 2 ever since pcap has a version */
	p->minor = p->big_endian ? rd_be16(&r) : rd_le16(&r);
	rd_skip(&r, 8); /* time zone and accuracy, which nobody fills in */
	uint32_t snaplen = rd_32(&r, p->big_endian), network = rd_32(&r, p->big_endian);

	if (r.failed)
		return record_short(s, info, "file header");
	p->ns_per_unit = magic == MAGIC_NANOSECONDS ? 1 : (uint32_t)NS_PER_US;
	p->header = RECORD_SIZE + (magic == MAGIC_KUZNETZOV ? RECORD_SIZE_EXTRA : 0);
	p->captured_max = snaplen < CAPTURED_MAX   ? CAPTURED_MAX
			  : snaplen < RECORD_LIMIT ? snaplen
						   : RECORD_LIMIT;
	/* The upper half says whether frames end in a check sequence; whoever reads the layers within sees it
	 * as trailer. */
	p->linktype = (int)(network & 0xffff);
	info->linktype = p->linktype;
	info->snaplen = snaplen;
	stream_advance(s, HEADER_SIZE);
	return RECORD_FRAME;
}

/*
 * What may stand in a record's place and would pass for a packet without bytes: the end of a file that was
 * reserved and never written, as a crash leaves it, or the header of a file that was joined to this one.
 */
static const char *no_record(const struct pcap *p, struct stream *s, uint32_t seconds, uint32_t fraction)
{
	/* One packet without bytes and time may be, two in a row are none. */
	static const uint8_t zeros[2 * RECORD_SIZE];
	struct span two = stream_peek(s, sizeof zeros);

	if (two.len >= sizeof zeros && memcmp(two.ptr, zeros, sizeof zeros) == 0)
		return "a packet header of zeros: from here on, nothing was written";
	/* The second word is version 2.4, the third (the captured length) a time zone of 0. */
	if (is_magic(seconds) && fraction == (p->big_endian ? 0x00020004U : 0x00040002U))
		return "another capture begins here: name both files, or join them with mergecap";
	return NULL;
}

static enum record pcap_next(void *state, struct stream *s, struct frame *frame, struct input_info *info)
{
	struct pcap *p = state;
	struct span window = stream_peek(s, p->header);
	struct reader r = reader_on(window);
	uint32_t seconds = rd_32(&r, p->big_endian), fraction = rd_32(&r, p->big_endian);
	uint32_t captured = rd_32(&r, p->big_endian), wire = rd_32(&r, p->big_endian);

	rd_skip(&r, p->header - RECORD_SIZE);
	if (r.failed)
		return window.len ? record_short(s, info, "packet header") : RECORD_END;
	if (captured == 0) {
		const char *what = no_record(p, s, seconds, fraction);
		if (what)
			return record_problem(info, RECORD_DAMAGED, stream_offset(s), "%s", what);
		r = reader_on(stream_peek(s, p->header)); /* the window has perhaps moved */
		rd_skip(&r, p->header);
	}
	/* Before version 2.3 the two lengths were the other way round; in 2.3 some writers were late
	 * (libpcap). */
	if (p->minor < 3 || (p->minor == 3 && captured > wire)) {
		uint32_t swap = captured;

		captured = wire;
		wire = swap;
	}
	if (captured > p->captured_max)
		return record_problem(info, RECORD_DAMAGED, stream_offset(s),
				      "a packet claims %u captured bytes", captured);
	if (rd_left(&r) < captured) {
		r = reader_on(stream_peek(s, (size_t)p->header + captured));
		rd_skip(&r, p->header);
	}
	frame->bytes = rd_take(&r, captured);
	if (r.failed)
		return record_short(s, info, "packet");
	stream_advance(s, (size_t)p->header + captured);
	frame->ts_ns = (int64_t)seconds * NS_PER_S + (int64_t)fraction * p->ns_per_unit;
	frame->wire_len = wire < captured ? captured : wire;
	frame->linktype = p->linktype;
	return RECORD_FRAME;
}

const struct format format_pcap = {
	.name = "pcap",
	.state_size = sizeof(struct pcap),
	.matches = pcap_matches,
	.start = pcap_start,
	.next = pcap_next,
};
