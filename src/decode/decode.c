/* The entry: starts the walk through a frame, and keeps the packet account. */
#include "decode/decode.h"
#include "decode/walk.h"
#include <stdlib.h>

#define DEFAULT_FRAGMENTS 4096
#define LINKTYPE_ETHERNET 1

const struct decode_reason_info decode_reasons[DECODE_REASON_COUNT] = {
#define X(name, result, words) [REASON_##name] = { #name, words, result },
	DECODE_REASONS(X)
#undef X
};

struct decoder {
	struct fragments *fragments;
	uint64_t account[DECODE_REASON_COUNT];
	struct decode_extras extras;
	bool tunnels;
};

struct decoder *decoder_new(const struct decode_options *options, struct error *err)
{
	struct decoder *d = calloc(1, sizeof *d);
	if (!d) {
		error_memory(err, "the decoder");
		return NULL;
	}
	d->tunnels = options->tunnels;
	d->extras.unsupported_linktype = -1;
	d->fragments =
		fragments_new(options->max_fragments ? options->max_fragments : DEFAULT_FRAGMENTS, err);
	if (!d->fragments) {
		decoder_free(d);
		return NULL;
	}
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	fragments_free(d->fragments);
	free(d);
}

static void account_used(struct decoder *d, const struct packet *packet)
{
	if (packet->l3.len < packet->l3_wire)
		d->extras.snapped++;
	/* They were answered fragment_alone, and turn out to have a flow after all. */
	d->account[REASON_fragment_alone] -= packet->early_fragments;
	d->account[REASON_used] += packet->early_fragments;
}

enum decode_reason decode_frame(struct decoder *d, const struct frame *frame, uint64_t number,
				struct packet *out)
{
	struct walk walk = {
		.ts_ns = frame->ts_ns,
		.fragments = d->fragments,
		.out = out,
		.unsupported_linktype = -1,
		.tunnels = d->tunnels,
	};
	struct layer layer = { reader_on(frame->bytes), 0 };
	if (frame->wire_len > frame->bytes.len)
		layer.missing = frame->wire_len - (uint32_t)frame->bytes.len;
	out->ts_ns = frame->ts_ns;
	out->number = number;

	/* Nearly every frame is Ethernet: go there directly. */
	enum decode_reason reason = frame->linktype == LINKTYPE_ETHERNET
					    ? ether_decode(&walk, &layer)
					    : link_decode(&walk, &layer, frame->linktype);
	d->account[reason]++;
	if (reason == REASON_used)
		account_used(d, out);
	d->extras.fragments += walk.fragment;
	d->extras.tunnelled += walk.tunnelled;
	if (reason == REASON_unsupported_link && d->extras.unsupported_linktype < 0)
		d->extras.unsupported_linktype = walk.unsupported_linktype;
	return reason;
}

const uint64_t *decoder_account(const struct decoder *d)
{
	return d->account;
}

void decoder_extras(const struct decoder *d, struct decode_extras *out)
{
	*out = d->extras;
}
