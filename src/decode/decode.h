/*
 * Frame -> packet: link types, VLAN/MPLS/PPPoE, IPv4/IPv6 and extension headers, fragments, tunnels,
 * transport.
 *
 * Every frame ends in exactly one reason, and the decoder counts it: the packet account of the trace adds up.
 */
#ifndef FS_DECODE_DECODE_H
#define FS_DECODE_DECODE_H
#include "base/error.h"
#include "capture/source.h"
#include "decode/packet.h"

enum decode_result {
	DECODE_OK,
	DECODE_NOT_IP,
	DECODE_FRAGMENT,
	DECODE_TRUNCATED,
	DECODE_MALFORMED,
	DECODE_UNSUPPORTED
};

/* name (column of the packet account), result, words. The order is the order of the account. */
#define DECODE_REASONS(X)                                                                                    \
	X(used, DECODE_OK, "in a flow")                                                                      \
	X(arp, DECODE_NOT_IP, "ARP or RARP")                                                                 \
	X(not_ip, DECODE_NOT_IP, "no IP packet inside (other EtherType, LLC, control frame)")                \
	X(fragment_alone, DECODE_FRAGMENT, "fragment whose first fragment was not captured")                 \
	X(truncated_link, DECODE_TRUNCATED, "cut by the snap length inside the link header")                 \
	X(truncated_ip, DECODE_TRUNCATED, "cut by the snap length inside the IP header")                     \
	X(truncated_transport, DECODE_TRUNCATED, "cut by the snap length inside the transport header")       \
	X(malformed_link, DECODE_MALFORMED, "link or tunnel header contradicts itself")                      \
	X(malformed_ip, DECODE_MALFORMED, "IP header contradicts itself (version, length)")                  \
	X(malformed_transport, DECODE_MALFORMED, "transport header contradicts itself (length)")             \
	X(unsupported_link, DECODE_UNSUPPORTED, "link type that footsteps cannot read")                      \
	X(encrypted_link, DECODE_UNSUPPORTED, "encrypted or compressed link layer")                          \
	X(too_deep, DECODE_UNSUPPORTED, "more nested headers than footsteps follows")

enum decode_reason {
#define X(name, result, words) REASON_##name,
	DECODE_REASONS(X)
#undef X
		DECODE_REASON_COUNT
};

struct decode_reason_info {
	const char *name, *words;
	enum decode_result result;
};
extern const struct decode_reason_info decode_reasons[DECODE_REASON_COUNT];

struct decode_options {
	bool tunnels;           /* look inside IP-in-IP, GRE, GTP-U, VXLAN ...: the innermost flow counts */
	uint32_t max_fragments; /* datagrams whose fragments are remembered; 0: default (4096) */
};

struct decoder; /* state: the fragment table and the account */
struct decoder *decoder_new(const struct decode_options *options, struct error *err);
void decoder_free(struct decoder *d);

/*
 * Decodes one frame. REASON_used: *out is filled and describes a packet of a flow. Anything else: *out is
 * undefined. number is the frame's place in the trace, copied to out->number. A later fragment that comes
 * before its first one is held as counts only (never bytes): it returns REASON_fragment_alone for now, and
 * when the first fragment comes, that packet carries early_fragments and the account is put right.
 */
enum decode_reason decode_frame(struct decoder *d, const struct frame *frame, uint64_t number,
				struct packet *out);

/* How many frames ended in each reason; the sum is the number of decode_frame() calls. */
const uint64_t *decoder_account(const struct decoder *d);
/* Frames that needed a tunnel opened, fragments seen, and link types met that are not supported (first one's
 * value). */
struct decode_extras {
	uint64_t tunnelled, fragments, snapped; /* snapped: used, but bytes were cut by the snap length */
	int unsupported_linktype;               /* -1: none */
};
void decoder_extras(const struct decoder *d, struct decode_extras *out);
#endif
