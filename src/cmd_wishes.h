/* --activity of footsteps read: how many clients, or which, an activity plot (R6) is wanted of. */
#ifndef FS_CMD_WISHES_H
#define FS_CMD_WISHES_H
#include "base/options.h"
#include "behave/activity.h"

struct activity_wishes { /* zeroed: none */
	uint32_t count;  /* by their activity */
	uint32_t used;
	struct activity_wish item[ACTIVITY_CLIENTS_MAX];
};

/* Of "2", "10.0.0.1:4000", "1,10.0.0.1:4000,[2001:db8::1]:80"; of no text at all the default. */
bool wishes_parse(struct activity_wishes *w, const struct option_list *texts, struct error *err);
/* To stderr: the sockets that turned out to be no recognised clients. */
void wishes_warn(const struct activity_wishes *w);
#endif
