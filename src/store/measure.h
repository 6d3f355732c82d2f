/*
 * The measurements: each sees the labelled flows of recognised clients once, and then writes its rows. The
 * list is store/measures.h; adding one is a file and a row there. Private to store/.
 *
 * A measurement that has to know something of all flows before it looks at one (MEASUREMENT_SURVEYING in
 * measures.h) sees them twice: all of them by measure_survey_NAME(), and then by its flow(), in one order.
 *
 * Before the first flow everything about clients, pairs, exchanges and calls is known. A measurement holds
 * its own state, bounded for each client and pair, and knows no other one.
 */
#ifndef FS_STORE_MEASURE_H
#define FS_STORE_MEASURE_H
#include "base/problems.h"
#include "behave/activity.h"
#include "behave/calls.h"
#include "behave/distributions.h"
#include "behave/exchanges.h"
#include "behave/kept_messages.h"
#include "behave/labelled.h"
#include "behave/round_trips.h"
#include "store/sink.h"

struct measure_options {
	/* R6: so many clients of each protocol, and these. Which of them there are is noted in them. */
	uint32_t activity, wishes;
	struct activity_wish *wish;
	struct places *places; /* --geo, --asn; borrowed; NULL: none */
	/* Private ranges, as pseudonyms where addresses are; borrowed. NULL: those of D5. */
	const struct netset *private_nets;
};

/* What all of them may look at; borrowed, and constant but for the last three. */
struct measure_setup {
	const struct measure_options *options;
	const struct measured_client *client; /* client[i] has number i + 1 */
	uint32_t clients;
	const struct pair_table *pairs;
	const struct exchange_table *exchanges;
	const struct call_table *calls; /* grouped: judged, numbered */
	const struct name_table *names; /* from DNS answers */
	int64_t first_ns, last_ns;      /* of the run */
	int64_t idle_ns;                /* D1 */
	/* The number of the first recognised client of a protocol on a host; 0: none. */
	uint32_t (*client_of_host)(const void *self, unsigned protocol, const struct ip *host);
	bool (*is_internal)(const void *self, const struct ip *ip); /* D5 */
	const void *self;
	/* To add to; written after the last flow. */
	struct distributions *distributions;
	struct kept_messages *kept;
	struct round_trips *round_trips; /* sorted; clients are put in */
};

/* D7: the pair exchanged one probe and nothing else; all other signalling is non-probe traffic (D12). */
static inline enum measure_class measure_class_of(const struct labelled_flow *f)
{
	return f->class == PAIR_probe ? CLASS_PROBE : CLASS_NON_PROBE;
}

struct measurement {
	/* NULL: *err. */
	void *(*begin)(const struct measure_setup *setup, struct error *err);
	/* All flows once before flow(): for what has to be known of all of them then. Or NULL. */
	bool (*survey)(void *self, const struct labelled_flow *f, struct error *err);
	/* One flow of a client, in the order in which flows ended: flows of one pair come in their order. */
	bool (*flow)(void *self, const struct labelled_flow *f, struct error *err);
	/* Any other flow whose initiator's address has a recognised client, e.g. ICMP; or NULL. */
	bool (*host_flow)(void *self, const struct flow_record *r, struct error *err);
	/* After the last flow. Bounds that were reached: said in problems, once. Or NULL. */
	bool (*put)(void *self, struct sink *sink, struct problems *problems, struct error *err);
	void (*drop)(void *self);
};

struct measure;
/* setup: borrowed. */
struct measure *measure_new(const struct measure_setup *setup, struct error *err);
void measure_free(struct measure *m);
bool measure_survey(struct measure *m, const struct labelled_flow *f, struct error *err);
bool measure_flow(struct measure *m, const struct labelled_flow *f, struct error *err);
bool measure_host_flow(struct measure *m, const struct flow_record *r, struct error *err);
bool measure_put(struct measure *m, struct sink *sink, struct problems *problems, struct error *err);
#endif
