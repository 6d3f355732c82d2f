/*
 * User searches (B9): the client asks its supernode over TCP, and then at once several of the nodes that it
 * is told of over UDP; further waves follow. That these messages are a search is an interpretation (wire A4);
 * only the exchange itself can be seen. It is told from all other fan-outs (login probes, notices, the
 * questions for contacts) by the sizes of struct protocol.search.
 *
 * Bounded: SEARCH_EVENTS_MAX questions and as many requests; what is beyond is counted.
 */
#ifndef FS_BEHAVE_SEARCHES_H
#define FS_BEHAVE_SEARCHES_H
#include "base/error.h"
#include "behave/labelled.h"

#define SEARCH_EVENTS_MAX 1000000U /* 40 bytes each; a made week of RMM's campus had 205,000 questions */
#define SEARCH_NODES_MIN  3U       /* wire A4: three nodes; BS IV.C: four or eight */
/* Wire A4: 0.2 ms from the supernode's answer to the questions. BS asks for "a second or so". */
#define SEARCH_AFTER_NS INT64_C(1000000000)
/* The quickest answer takes 65 ms (wire A3): what is sent sooner was not told by it. */
#define SEARCH_WAVE_NS INT64_C(60000000)
/* A wave that follows later is another search; BS IV.C: 3 to 15 s for several waves. */
#define SEARCH_PAUSE_NS INT64_C(5000000000)
/* The longest search of BS IV.C; replies after that are none. */
#define SEARCH_LONGEST_NS INT64_C(15000000000)

struct search {
	uint32_t number; /* 1.. in order of first_ns */
	uint32_t client;
	uint8_t protocol;
	int64_t first_ns, last_ns; /* from the request to the last reply or question */
	uint64_t supernode_flow;
	uint32_t nodes, answered, waves;
	uint64_t bytes_out, bytes_in;
};

struct searches;
struct searches *searches_new(struct error *err);
void searches_free(struct searches *s);
/* Every flow once; false only when out of memory. */
bool searches_survey(struct searches *s, const struct labelled_flow *f, struct error *err);
/* After the last one. client[i] has number i + 1. */
bool searches_group(struct searches *s, const struct measured_client *client, struct error *err);
uint32_t searches_count(const struct searches *s);
const struct search *searches_at(const struct searches *s, uint32_t i); /* in order of numbers */
uint64_t searches_refused(const struct searches *s);
#endif
