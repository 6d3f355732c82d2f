/*
 * Start-ups (B2 to B7): what a client does from its first packet after a silence (behave/sessions.h) to its
 * login, and in the minute after it. All flows are looked at twice: startups_survey() finds out when clients
 * were up, startups_decide() which of these sessions began with a start-up, and startups_flow() adds up what
 * happened in them.
 *
 * A session begins with a start-up if within two minutes there is a login exchange or the opening of a
 * connection to a supernode, or if the client asks four nodes at once to take it in. The last one only if the
 * trace shows the silence before it.
 *
 * Bounded: SESSIONS_MAX, STARTUPS_MAX, STARTUP_NODES_MAX; what is beyond is counted.
 */
#ifndef FS_BEHAVE_STARTUPS_H
#define FS_BEHAVE_STARTUPS_H
#include "behave/exchanges.h"
#include "behave/sessions.h"

#define STARTUPS_MAX      20000U   /* 1,700 clients of RMM, one a day, for a week: 11,900 */
#define STARTUP_NODES_MAX 1000000U /* 24 bytes each; wire B1 and B4: 60 in a start-up */
/* More than three times the longest login (BS Table I: 35 s): who asks for a password waits for a person. */
#define STARTUP_LOGIN_NS INT64_C(120000000000)
/* BS IV.B counts nodes after the login; it is over in 30 s (wire B4: the last new ones 11.8 s after it). */
#define STARTUP_AFTER_NS INT64_C(60000000000)
/* Wire B1: 5 nodes within 1.1 s, 9 within 7.2 s; one more round of 5 s. */
#define STARTUP_BURST_NS INT64_C(15000000000)

struct startup {
	uint32_t number; /* 1.. in order of began_ns */
	uint32_t client;
	uint8_t protocol;
	bool login_seen;
	enum exchange_outcome outcome; /* if so */
	int64_t began_ns;
	int64_t until_ns;    /* the login's answer; without one the end of the session, or two minutes */
	int64_t taken_in_ns; /* first message to a supernode: what is asked from then on is no candidate (B2)
			      */
	int64_t after_ns;    /* until then further nodes are counted */
	int64_t failed_ns;   /* the last message of a login; 0: none */
	uint64_t version_flow, supernode_flow, login_flow, list_flow; /* first_packet; 0: none */
	uint32_t udp_asked,
		udp_answered; /* candidates (B2); these and what follows: after startups_finish() */
	uint32_t tcp_tried, nodes_after, icmp_echoes;
	/* Since began_ns; negative: never. */
	int64_t udp_answer_ns, tcp_first_ns, supernode_ns, login_ns;
	uint64_t bytes_out, bytes_in; /* of messages, media left out, until until_ns */
};

/* Borrowed. */
struct startups_known {
	const struct measured_client *client; /* client[i] has number i + 1 */
	uint32_t clients;
	const struct pair_table *pairs;
	const struct exchange_table *exchanges;
	int64_t first_ns; /* of the run */
	uint32_t (*client_of_host)(const void *self, unsigned protocol, const struct ip *host);
	const void *self;
};

struct startups;
struct startups *startups_new(const struct startups_known *known, struct error *err);
void startups_free(struct startups *s);
/* These return false only when out of memory. */
bool startups_survey(struct startups *s, const struct labelled_flow *f, struct error *err);
bool startups_decide(struct startups *s, struct error *err);
bool startups_flow(struct startups *s, const struct labelled_flow *f, struct error *err);
/* Any other flow of a client's host: echo requests, and connections to nodes that nobody answers. */
bool startups_host_flow(struct startups *s, const struct flow_record *r, struct error *err);
void startups_finish(struct startups *s);
/* By client and time. Their numbers are there from startups_decide() on. */
uint32_t startups_count(const struct startups *s);
const struct startup *startups_at(const struct startups *s, uint32_t i);
const struct startup *startups_numbered(const struct startups *s, uint32_t number);
/* Sessions, start-ups or nodes beyond their bounds. */
uint64_t startups_refused(const struct startups *s);
#endif
