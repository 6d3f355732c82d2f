/*
 * The aggregator: takes closed flows and observations from the flow workers, and owns everything above the
 * flow: client sockets, pairs, exchanges, the judgement of the trace. When the input ends it lets the
 * verdicts fall, labels the flows (also those that ended long before the verdict) and writes the run into a
 * sink.
 */
#ifndef FS_STORE_AGGREGATE_H
#define FS_STORE_AGGREGATE_H
#include "base/problems.h"
#include "behave/exchanges.h"
#include "behave/judge.h"
#include "store/account.h"
#include "store/intake.h"
#include "store/measure.h"
#include "store/sink.h"

struct aggregate_options {
	struct socket_options sockets;
	const struct voice_models *models; /* borrowed; for the names of codecs; may be NULL */
	uint32_t max_pairs;
	struct measure_options measure;
	bool all_flows; /* put unrecognised flows into the sink, too */
	bool strict;    /* an incomplete run is an error (EXIT_INCOMPLETE), and nothing is written */
};

struct aggregate;
struct aggregate *aggregate_new(const struct aggregate_options *options, struct error *err);
void aggregate_free(struct aggregate *a);

/* What it takes; names in it are kept, the texts of flow records and reports are not copied and have to live
 * as long as the aggregator. Failures are kept; see aggregate_failed(). */
struct intake aggregate_intake(struct aggregate *a);
/* Whether something failed since the start (memory, temporary file); *err is filled then. */
bool aggregate_failed(const struct aggregate *a, struct error *err);

/* What one run found; for the command's closing line. */
struct aggregate_summary {
	uint32_t clients, suspected, exchanges, version_checks, calls;
	uint64_t flows, recognised_flows, packets_in_flows;
	uint64_t evicted_sockets, refused_pairs, refused_events, refused_media;
};

/*
 * Verdicts, labels, rows. run: version, libraries, options, idle_ns, packets are the caller's, the rest is
 * filled here; sink: NULL: facts->open_sink; facts: the counts of the stages before; problems gets what the
 * aggregator had to leave out. Does not finish the sink.
 */
bool aggregate_finish(struct aggregate *a, struct sink *sink, struct run_row *run,
		      const struct run_facts *facts, struct problems *problems,
		      struct aggregate_summary *summary, struct error *err);
#endif
