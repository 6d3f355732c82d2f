/* Calls on their way into the sink. Private to store/. */
#ifndef FS_STORE_CALLS_H
#define FS_STORE_CALLS_H
#include "store/candidates.h"
#include "store/sink.h"

/* A labelled flow: if it carried media, it is judged, noted, and row->flow has its role. */
bool calls_note(struct call_table *calls, const struct candidates *c, struct flow_record *r,
		const struct flow_row *row, struct error *err);
/* Of a grouped table: puts calls, holds and streams. models: borrowed, may be NULL. */
bool calls_put(const struct call_table *calls, const struct voice_models *models, struct sink *sink,
	       struct error *err);
#endif
