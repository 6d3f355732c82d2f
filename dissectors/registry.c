/* The registry: list.h turned into tables, so that rows, declarations and tables cannot drift apart. */
#include "identify/dissector.h"

#define PROTOCOL(name)  extern const struct protocol protocol_##name;
#define DISSECTOR(name) extern const struct dissector dissector_##name;
#include "dissectors/list.h"

#define PROTOCOL(name) PROTOCOL_INDEX_##name,
enum protocol_index {
#include "dissectors/list.h"
	PROTOCOL_INDEX_COUNT
};
#define DISSECTOR(name) DISSECTOR_INDEX_##name,
enum dissector_index {
#include "dissectors/list.h"
	DISSECTOR_INDEX_COUNT
};
_Static_assert(PROTOCOL_INDEX_COUNT <= PROTOCOLS_MAX, "observation.protocol and the tables by protocol");
_Static_assert(DISSECTOR_INDEX_COUNT <= DISSECTORS_MAX, "a dissector is a bit of flow_identity.undecided");

#define PROTOCOL(name) [PROTOCOL_INDEX_##name] = &protocol_##name,
const struct protocol *const protocols[] = {
#include "dissectors/list.h"
};
const unsigned protocol_count = PROTOCOL_INDEX_COUNT;

#define DISSECTOR(name) [DISSECTOR_INDEX_##name] = &dissector_##name,
const struct dissector *const dissectors[] = {
#include "dissectors/list.h"
};
const unsigned dissector_count = DISSECTOR_INDEX_COUNT;

_Static_assert(sizeof protocols / sizeof protocols[0] == PROTOCOL_INDEX_COUNT, "one entry per row");
_Static_assert(sizeof dissectors / sizeof dissectors[0] == DISSECTOR_INDEX_COUNT, "one entry per row");
