/* The versions. BS: Baset and Schulzrinne, INFOCOM 2006 (1.4.0.84 and Linux 1.2.0.18); TR: their technical
 * report CUCS-039-04 (0.97); wire: skype-wire. */
#include "peer/version.h"
#include "base/clock.h"
#include <string.h>

/* BS IV.E: iSAC, 40-120 bytes over UDP, 30-90 over TCP; the mode is the one of data/voice-models.ini
 * (Bonfiglio et al. 2007) whose messages lie in both bounds and that comes nearest to BS's 5 kbyte/s. */
#define ISAC "iSAC 30 ms 16 kbit/s", 63, 7.5

static const struct version beta = {
	.name = "0.97",
	.platform = "0",               /* TR appendix: /ui/0/97/en */
	.udp_wait_ns = 5 * NS_PER_S,   /* TR 4.2.1: "roughly five seconds" */
	.pause_ns = 6 * NS_PER_S,      /* TR 4.2.1: "roughly 6 seconds" */
	.tcp_80_443 = true,            /* TR 4.2.1 */
	.udp_restricted_after = 30,    /* TR 4.2.6: "its thirty HC entries" */
	.login_record = { 0, 0 },      /* TR Fig. 3: 14, 14, 176, 246 bytes */
	.keepalive_ns = 60 * NS_PER_S, /* TR 4.6 */
	.hold_gap_ns = NS_PER_S / 3,   /* TR 4.5.2: three packets per second */
	.search_first = 4,             /* TR 4.3 */
	.search_next = 8,              /* TR 4.3 */
	.search_waves = 2,             /* TR 4.3: "on average eight nodes"; 4 and 8 are the first two waves */
	.search_met = true,            /* TR Fig. 7 */
	.search_request = 16,          /* TR Fig. 6 */
	.search_question = 44,         /* TR Fig. 6: to two of the four nodes ... */
	.search_other_question = 77,   /* ... and to the other two */
	.call_question = 18,           /* TR Fig. 10 */
	.pings = true,                 /* TR Fig. 3 */
	/* TR 4.5: 67 bytes over UDP, 69 over TCP, 140 messages per second both ways */
	.voice_udp = { "Skype 0.97", 67, 0, 67, 67, NS_PER_S / 70 },
	.voice_tcp = { "Skype 0.97", 69, 0, 69, 69, NS_PER_S / 70 },
};

static const struct version linux_1_2 = {
	.name = "1.2.0.18",
	.platform = "2",               /* wire B4 */
	.udp_wait_ns = 5 * NS_PER_S,   /* BS IV.B.1; new rounds after 5.0-5.1 s (wire B1) */
	.pause_ns = 6 * NS_PER_S,      /* BS Fig. 3 */
	.tcp_80_443 = false,           /* BS IV.B.1: Linux 1.0 did, 1.2 did not */
	.udp_restricted_after = 20,    /* BS IV.B.6, measured on 1.4 */
	.login_record = { 236, 197 },  /* wire B3 */
	.keepalive_ns = 60 * NS_PER_S, /* wire B2 */
	.hold_gap_ns = 3 * NS_PER_S,   /* BS IV.E.2, measured on 1.4 */
	.search_first = 3,             /* wire A4 */
	.search_next = 8,              /* wire A4 has one wave; BS IV.C, of which the third has 16 */
	.search_waves = 1,             /* wire A4 */
	.search_request = 13,          /* wire A4 */
	.search_question = 47,         /* wire A4 */
	.call_question = 22,           /* to new nodes, as at the login (wire A5): wire has no calls */
	.pings = false,                /* wire B4: it ran a traceroute instead, once */
	.voice_udp = { ISAC, 40, 120, 30 * NS_PER_MS },
	.voice_tcp = { ISAC, 30, 90, 30 * NS_PER_MS },
};

static const struct version windows_1_4 = {
	.name = "1.4.0.84",
	.platform = "0",                /* as 0.97 for Windows: TR appendix */
	.udp_wait_ns = 5 * NS_PER_S,    /* BS IV.B.1 */
	.pause_ns = 6 * NS_PER_S,       /* BS IV.B.1, Fig. 3 */
	.tcp_80_443 = false,            /* BS IV.B.1, of Linux 1.2, which is younger than Linux 1.0 */
	.udp_restricted_after = 20,     /* BS IV.B.6 */
	.login_record = { 198, 198 },   /* BS IV.B.1 */
	.long_opening = true,           /* BS Fig. 4 */
	.keepalive_ns = 120 * NS_PER_S, /* BS IV.F */
	.hold_gap_ns = 3 * NS_PER_S,    /* BS IV.E.2 */
	.search_first = 8,              /* BS IV.C */
	.search_next = 16,              /* BS IV.C */
	.search_waves = 2,              /* BS IV.C: 24 nodes on average */
	.search_met = true,             /* BS Fig. 6 */
	.search_request = 13,           /* BS Fig. 5 */
	.search_question = 171,         /* BS Fig. 5 ... */
	.search_other_question = 54,    /* ... and another node */
	.call_question = 22,            /* BS IV.D says that there are some; wire A5 */
	.pings = true,                  /* BS IV.B.1 */
	.voice_udp = { ISAC, 40, 120, 30 * NS_PER_MS },
	.voice_tcp = { ISAC, 30, 90, 30 * NS_PER_MS },
};

static const struct version mac_7_7 = {
	.name = "7.7.0.335",
	.platform = "3",               /* wire C1, in its DNS names */
	.form_2015 = true,             /* wire C */
	.udp_wait_ns = 5 * NS_PER_S,   /* as before; all probes of wire C2 were in vain */
	.pause_ns = 6 * NS_PER_S,      /* as before */
	.tcp_80_443 = true,            /* wire C3, form 2: 443 */
	.udp_restricted_after = 20,    /* as before */
	.keepalive_ns = 30 * NS_PER_S, /* wire C3: after 24.8-30.0 s of silence */
	.hold_gap_ns = 3 * NS_PER_S,   /* as before: wire C has no calls, and likewise what follows */
	.call_question = 22,
	.voice_udp = { ISAC, 40, 120, 30 * NS_PER_MS },
	.voice_tcp = { ISAC, 30, 90, 30 * NS_PER_MS },
};

const struct version *const versions[] = { &beta, &linux_1_2, &windows_1_4, &mac_7_7, NULL };

const struct version *version_find(const char *name)
{
	for (const struct version *const *v = versions; *v; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}
