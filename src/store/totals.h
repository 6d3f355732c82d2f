/* Sums that are gathered while the labelled flows go by. Private to store/. */
#ifndef FS_STORE_TOTALS_H
#define FS_STORE_TOTALS_H
#include "base/hash.h"
#include "base/row_index.h"
#include "store/label.h"

struct totals {
	struct hash_key key;
	struct label_total_row *label;
	uint32_t labels, label_room;
	struct row_index by_label;
};

void totals_drop(struct totals *t);
bool totals_add_label(struct totals *t, const struct flow_row *row, struct error *err);
bool totals_put(const struct totals *t, struct sink *sink, struct error *err);
#endif
