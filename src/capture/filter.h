/* BPF filters in libpcap's language, compiled once for each link type that occurs. */
#ifndef FS_CAPTURE_FILTER_H
#define FS_CAPTURE_FILTER_H
#include "capture/source.h"

struct filter;
/* expression is borrowed. Fails (EXIT_USAGE) if it is wrong for every link type; the text is libpcap's. */
struct filter *filter_new(const char *expression, struct error *err);
/* Whether it makes sense on this link type; if not, the text says so (EXIT_USAGE). */
bool filter_check(struct filter *f, int linktype, struct error *err);
/* *passes is set; false as filter_check(). */
bool filter_frame(struct filter *f, const struct frame *frame, bool *passes, struct error *err);
void filter_free(struct filter *f);
#endif
