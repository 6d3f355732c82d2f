/*
 * What the account of a null self-test says about each dissector and each protocol: rates, how far they may
 * be from the true ones, and whether they are within budget (docs/definitions.md, "False alarms").
 */
#ifndef FS_STORE_NULL_JUDGE_H
#define FS_STORE_NULL_JUDGE_H
#include "base/interval.h"
#include "store/null_test.h"

/*
 * A dissector, in flows of random payload. Evidence of b bits or more says: something else looks like this at
 * most once in 2^b. It is over budget when, for any b, it was found more often than that, and so much more
 * that the whole 95 % interval is above.
 */
struct null_dissector_verdict {
	uint64_t flows, with_evidence;
	struct interval rate; /* of flows with any evidence */
	double lightest_bits; /* the least that was found in a flow; 0: nothing was */
	double promised; /* the rate that these bits promise; 1: nothing was found, and nothing promised */
	bool within;
	double broken_bits; /* !within: where the promise is broken most */
	uint64_t broken_flows;
};
struct null_dissector_verdict null_judge_dissector(const struct null_account *account, unsigned dissector);

/* A protocol, in all traffic that is not its own. Over budget with the first socket, flow or event. */
struct null_protocol_verdict {
	uint64_t sockets, datagrams;  /* that are not its own */
	struct null_alarm alarm;      /* sums over these kinds */
	struct interval per_socket;   /* recognised */
	struct interval per_datagram; /* labelled as the protocol's, as if each were on its own */
	bool within;
};
struct null_protocol_verdict null_judge_protocol(const struct null_account *account, unsigned protocol);

/* Whether this kind of traffic raised an alarm that is over the protocol's budget. */
bool null_alarm_counts(const struct null_alarm *alarm);

/* All dissectors and all protocols are within their budgets. */
bool null_judge_all(const struct null_account *account);
#endif
