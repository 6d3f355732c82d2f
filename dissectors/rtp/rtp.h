/*
 * What the files of this folder share: one message of a call, taken apart, and what a flow remembers.
 *
 *	message.c   which of the protocols of one 5-tuple a message belongs to (RFC 7983), and what is wrapped
 *in what packet.c    RTP and RTCP (RFC 3550), SRTP and SRTCP (RFC 3711) codecs.c    static payload types (RFC
 *3551) stun.c      STUN and TURN (RFC 8489, 8656, 3489) flow.c      evidence from the messages of a flow
 *	udp.c tcp.c the dissectors
 */
#ifndef FS_DISSECTORS_RTP_H
#define FS_DISSECTORS_RTP_H
#include "identify/dissector.h"

enum rtp_kind {
	RTP_SEQUENCE,
	RTP_TIMESTAMP,
	RTP_RTCP,
	RTP_SRTCP,
	RTP_RTCP_AGAIN,
	RTP_STUN,
	RTP_CLASSIC_STUN,
	RTP_STUN_ANSWERED,
	RTP_DTLS,
	RTP_DISCOVERY,
	RTP_KIND_COUNT
};
extern const struct protocol protocol_rtp;

/* Part of a datagram or stream: what was captured of it, and its length on the wire. */
struct part {
	struct span data;
	uint32_t wire;
};

enum reading {
	READ_NOT, /* it is something else */
	READ_CUT, /* the snap length hides what would tell */
	READ_OK,
};

struct rtp_header {
	uint8_t payload_type;
	bool fits; /* header extension and padding are possible ones; both can be encrypted */
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	struct part payload; /* behind CSRC list and header extension, before padding */
};
enum reading rtp_read(struct part message, struct rtp_header *out);
/* True for the payload types that a sender outside WebRTC uses (RFC 3551 section 6). */
bool payload_type_is_usual(uint8_t payload_type);

struct codec {
	const char *name;
	uint32_t clock_hz;
	enum media_kind media;
};
/* NULL: dynamic, reserved or unassigned. */
const struct codec *static_codec(uint8_t payload_type);
bool is_comfort_noise(uint8_t payload_type);

struct rtcp_message {
	uint32_t ssrc;  /* of the first packet: its sender */
	bool compound;  /* plain, and by the rules: a report first, and the lengths fill the message */
	bool encrypted; /* and its index is where SRTCP has it */
	struct media_control control;
};
enum reading rtcp_read(struct part message, struct rtcp_message *out);

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
enum stun_method { STUN_BINDING = 1, STUN_ALLOCATE = 3, STUN_SEND = 6, STUN_DATA = 7, STUN_CHANNEL_BIND = 9 };
struct stun_message {
	bool classic; /* RFC 3489: without the cookie */
	enum stun_class class;
	unsigned method;                       /* enum stun_method, and others */
	uint32_t id;                           /* transaction id, folded */
	bool check;                            /* has a PRIORITY: a connectivity check of ICE */
	struct endpoint mapped, relayed, peer; /* port 0: not there */
	struct part payload;                   /* attribute DATA */
};
#define STUN_HEADER 20U /* RFC 8489 section 5 */
#define STUN_COOKIE 0x2112a442U
enum reading stun_read(struct part message, struct stun_message *out);

enum message_kind {
	MESSAGE_STRANGE,
	MESSAGE_CUT,
	MESSAGE_SETUP,     /* ZRTP, Zoom's own */
	MESSAGE_DTLS,      /* RFC 5764 */
	MESSAGE_DISCOVERY, /* Discord's */
	MESSAGE_STUN,
	MESSAGE_RTCP,
	MESSAGE_RTP,
};
struct rtp_message {
	enum message_kind kind;
	bool relayed;             /* it was wrapped for or by a TURN server */
	bool has_stun;            /* stun is the wrapping, or the message itself */
	enum media_kind media;    /* told by the wrapping */
	struct stun_message stun; /* has_stun */
	struct rtp_header rtp;    /* MESSAGE_RTP */
	struct rtcp_message rtcp; /* MESSAGE_RTCP */
};
/* zoom: one of the ports is that of Zoom's servers. */
void message_read(struct part message, bool zoom, struct rtp_message *out);
enum sample_kind message_sample(const struct rtp_message *m, struct media_sample *out);

#define TRACKS       4U /* streams followed for each direction: sound, picture, its repair, one more */
#define TRANSACTIONS 4U /* STUN requests of each direction whose answers are awaited */
struct rtp_track {
	int64_t ts_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t run;   /* messages in a row; 0: free */
	uint8_t moves; /* sensible steps of the timestamp among them */
};
struct rtp_transaction {
	uint32_t id;
	bool pending, check;
};
/* What a flow remembers: plain data. */
struct rtp_flow {
	struct rtp_track track[2][TRACKS]; /* by enum direction */
	struct rtp_transaction asked[2][TRANSACTIONS];
	uint8_t next_track[2], next_asked[2];
	uint8_t fits, strange; /* messages that are of a call, and that are not; saturating */
	uint8_t path_reports;
	bool dtls, discovery;  /* were seen; reported once there is a stream */
	bool media;            /* there is a stream */
	bool reporting[2];     /* rtcp_ssrc is valid */
	uint32_t rtcp_ssrc[2]; /* who reported last */
	uint32_t told;         /* bit i: evidence of kind i was reported */
	struct media_path path;
};
/* Notes one message of the flow, reports what follows from it, and answers for the look. */
enum match flow_note(const struct look *l, struct rtp_flow *flow, const struct rtp_message *m);

static inline enum direction other_direction(enum direction dir)
{
	return dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
}

/* What is behind the first n bytes; the caller has seen that there are so many on the wire. */
static inline struct part part_behind(struct part p, uint32_t n)
{
	struct reader r = reader_on(p.data);
	rd_skip(&r, n < p.data.len ? n : p.data.len);
	return (struct part){ rd_rest(&r), p.wire - n };
}

/* Its first n bytes. */
static inline struct part part_first(struct part p, uint32_t n)
{
	struct reader r = reader_on(p.data);
	return (struct part){ rd_take(&r, n < p.data.len ? n : p.data.len), n };
}
#endif
