/*
 * Which label a closed flow gets, once the verdicts have fallen. Private to store/.
 */
#ifndef FS_STORE_LABEL_H
#define FS_STORE_LABEL_H
#include "base/intern.h"
#include "behave/openings.h"
#include "store/candidates.h"
#include "store/sink.h"

/*
 * Fills all of row but row->flow and its keep-alives, and of r its label and role. names: where labels made
 * here are kept; they must live until the sink is finished.
 */
void label_record(const struct candidates *c, const struct openings *openings, struct intern *names,
		  struct flow_record *r, struct flow_row *row);
#endif
