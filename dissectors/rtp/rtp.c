/*
 * RTP and what surrounds it: what counts as evidence, and for how many bits. All of it is about one flow:
 * that a socket once carried a call says nothing about its other flows.
 *
 * Bits are log2 of P(seen | a call) / P(seen | something else). Against random bytes each kind would be worth
 * 30 and more; the numbers are for structured protocols, which have constants, counters and clocks as well.
 * The sums that matter, with the verdict at 20 bits:
 *   - a stream with nothing around it: 12 sequence + 10 timestamps are 22. SUN RPC, whose transaction id is a
 * constant and a counter, and whose message type and version stand where timestamp and SSRC are, has 12;
 *   - a stream after STUN, DTLS or Discord's discovery needs no timestamps, for these may stand still: the
 * packets of one video frame share theirs (i3d.pcap), and so do WebRTC's probes (stun_signal.pcapng);
 *   - STUN is 24 by itself, without cookie 9, and 25 once a transaction id came back;
 *   - RTCP beside RTP, on a port of its own: 14 for the first report, plain or encrypted, 22 with the next of
 * the same sender.
 */
#include "dissectors/rtp/rtp.h"

static const struct evidence_kind kinds[] = {
	/*
	 * RFC 3550 section 5.1. Random: SSRC and next number three times, 2^-144. Structured: a constant
	 * where the version and the SSRC are and a big-endian 16-bit counter at byte 2. In 327 captures 44
	 * flows of media have it, and none of 1762 other UDP flows; SUN RPC is known to have it. Taken for
	 * one in 4096.
	 */
	[RTP_SEQUENCE] = { .name = "rtp_sequence",
			   .words = "four messages in a row of one RTP source, numbered one by one",
			   .about = ABOUT_FLOW,
			   .bits = 12.0F,
			   .cap = 12.0F },
	/*
	 * Section 5.1 too. Random: 2^-13 for each step. Structured: of the headers with such a counter, those
	 * whose next four bytes are a constant, a second counter (steps below 20) or a clock of microseconds
	 * are ruled out; a clock of milliseconds is not, if messages are 20 ms apart. Taken for one in 1000
	 * of them.
	 */
	[RTP_TIMESTAMP] = { .name = "rtp_timestamp",
			    .words = "their timestamps go on as a media clock does",
			    .about = ABOUT_FLOW,
			    .bits = 10.0F,
			    .cap = 10.0F },
	/*
	 * Section 6.1. Version, type of a report and the lengths of all parts adding up to the datagram:
	 * 2^-25 for one part. Structured: lengths in words are common, c8 or c9 before them is not: 14.
	 */
	[RTP_RTCP] = { .name = "rtcp_report",
		       .words = "an RTCP report whose parts fill the datagram",
		       .about = ABOUT_FLOW,
		       .bits = 14.0F,
		       .cap = 14.0F },
	/*
	 * RFC 3711 section 3.4. Version and type 2^-6, length 2^-7, and the index of SRTCP, with 11 zeros and
	 * the E flag, at one of two places: 2^-24 together. 14 as above. Six of seven applications in the
	 * captures have it, Discord has not.
	 */
	[RTP_SRTCP] = { .name = "srtcp_report",
			.words = "the header of an RTCP report, and the index of SRTCP near its end",
			.about = ABOUT_FLOW,
			.bits = 14.0F,
			.cap = 14.0F },
	/* 2^-32 by chance, but whoever fakes one report by its structure has a constant there once in 256
	   times. */
	[RTP_RTCP_AGAIN] = { .name = "rtcp_again",
			     .words = "the next RTCP report of the same source",
			     .about = ABOUT_FLOW,
			     .bits = 8.0F,
			     .cap = 8.0F },
	/* RFC 8489 section 5: cookie 2^-32, two zero bits, a length that fits 2^-16. */
	[RTP_STUN] = { .name = "stun_header",
		       .words = "STUN: magic cookie, and a length that agrees with the datagram",
		       .about = ABOUT_FLOW,
		       .bits = 24.0F,
		       .cap = 24.0F },
	/* RFC 3489 section 11.1: type 2^-13, length 2^-16, attributes that fill it. But type, length and
	   value is how half of all protocols begin, and 0001 is a type of each. */
	[RTP_CLASSIC_STUN] = { .name = "stun_classic",
			       .words = "STUN of 2003, without cookie: type, length and attributes agree",
			       .about = ABOUT_FLOW,
			       .bits = 9.0F,
			       .cap = 9.0F },
	/* 96 random bits returned; 16 because another protocol with that header would return its own. */
	[RTP_STUN_ANSWERED] = { .name = "stun_answered",
				.words = "a STUN answer repeats the transaction id of a request",
				.about = ABOUT_FLOW,
				.bits = 16.0F,
				.cap = 16.0F },
	/* RFC 5764. Of flows with DTLS and a sequence as above, not many are not calls; only counted beside
	   one. */
	[RTP_DTLS] = { .name = "rtp_dtls",
		       .words = "DTLS on the same sockets: the keys of SRTP",
		       .about = ABOUT_FLOW,
		       .bits = 8.0F,
		       .cap = 8.0F },
	/* Three fixed numbers, 2^-47, of an application; only counted beside a sequence. */
	[RTP_DISCOVERY] = { .name = "rtp_discovery",
			    .words =
				    "Discord's question for the client's public address, on the same sockets",
			    .about = ABOUT_FLOW,
			    .bits = 10.0F,
			    .cap = 10.0F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == RTP_KIND_COUNT, "one entry per enum rtp_kind");
_Static_assert(RTP_KIND_COUNT <= EVIDENCE_KINDS_MAX, "flow_identity.kinds, and rtp_flow.told");

/*
 * libndpi's "RTP" and "STUN" weigh as much as any of its labels: none of this protocol's sockets are kept, so
 * there is nothing that they could confirm, and where this finds nothing they may label the flow.
 */
const struct protocol protocol_rtp = {
	.name = "rtp",
	.suspected_name = "rtp?",
	.title = "RTP and ICE",
	.udp_label = "rtp",
	.tcp_label = "rtp",
	.kinds = kinds,
	.kind_count = RTP_KIND_COUNT,
};
