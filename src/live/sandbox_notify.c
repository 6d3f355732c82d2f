/* What a service tells systemd, when that has asked for it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/sandbox.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

void sandbox_notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

int64_t sandbox_watchdog_ns(void)
{
#ifdef HAVE_SYSTEMD
	uint64_t usec = 0;

	if (sd_watchdog_enabled(0, &usec) > 0)
		return (int64_t)(usec * 1000);
#endif
	return 0;
}
