/* The layers of the sandbox, one file each. For sandbox*.c, doctor*.c and porter.c. */
#ifndef FS_LIVE_SANDBOX_PARTS_H
#define FS_LIVE_SANDBOX_PARTS_H
#include "live/sandbox.h"

/* How a layer stands; the format is for why. */
void sandbox_note(struct sandbox_report *report, enum sandbox_layer layer, enum sandbox_force force,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Becomes the user (NULL: stays) with the groups of that user, and gives up all capabilities for good. */
bool sandbox_drop_privileges(const char *user, struct sandbox_report *report, struct error *err);
bool sandbox_no_new_privileges(struct sandbox_report *report, struct error *err);

/* The ABI of the kernel's Landlock; 0: it has none, or it is switched off. */
unsigned landlock_abi(void);
/* What that ABI restricts, in words. */
const char *landlock_covers(unsigned abi);
bool sandbox_landlock(const struct sandbox_options *options, struct sandbox_report *report,
		      struct error *err);

bool seccomp_in_kernel(void);
bool sandbox_seccomp(const struct sandbox_options *options, struct sandbox_report *report, struct error *err);
/* Of that, what is said of options->silent. 0, or a negative code of errno. */
int sandbox_silence(const struct sandbox_options *options);
#endif
