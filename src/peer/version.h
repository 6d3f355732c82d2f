/* What differs between the versions of the client: one row each in version.c, with where it comes from. */
#ifndef FS_PEER_VERSION_H
#define FS_PEER_VERSION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct voice {                /* one direction of a call */
	const char *codec;    /* a name of data/voice-models.ini */
	double size, sigma;   /* bytes of payload on the wire, header of Skype included */
	unsigned least, most; /* bounds of that */
	int64_t gap_ns;
};

struct version {
	const char *name;              /* as in scenarios: 0.97, 1.2.0.18, 1.4.0.84, 7.7.0.335 */
	const char *platform;          /* in the version check: "2" is Linux; NULL: none is known */
	bool form_2015;                /* client_2015.c starts it */
	int64_t udp_wait_ns;           /* for answers to the probes, before TCP is tried: BS Fig. 3 */
	int64_t pause_ns;              /* until all of it again: BS Fig. 3 */
	bool tcp_80_443;               /* TCP to ports 80 and 443 as well: BS IV.B.1 (0.97 and Linux 1.0) */
	unsigned udp_restricted_after; /* nodes asked in vain before it takes itself for UDP-restricted: 20
					  (BS IV.B.6) */
	unsigned login_record[2];      /* message 3's second record (wire B3), without and with state of an
					  earlier session; 0: the login of 0.97 */
	bool long_opening;             /* of the dialogue with its first supernode */
	int64_t keepalive_ns;          /* on the supernode connection */
	int64_t hold_gap_ns;           /* B12 */
	unsigned search_first, search_next; /* nodes of the first and of further waves */
	unsigned search_waves;              /* until somebody who exists is found */
	bool search_met;                    /* behind a NAT: among nodes that have answered it before */
	unsigned search_request;            /* bytes, to the supernode */
	unsigned search_question;           /* bytes, to the nodes */
	unsigned search_other_question;     /* every other node gets this one; 0: all get the same */
	unsigned call_question;             /* bytes, to other nodes before a call; 0: none are asked */
	bool pings;                         /* ICMP echo requests at login (B5) */
	struct voice voice_udp, voice_tcp;
};
const struct version *version_find(const char *name); /* NULL: unknown */
extern const struct version *const versions[];        /* NULL-terminated */
#endif
