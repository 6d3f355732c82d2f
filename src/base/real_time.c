/* The system's clocks; see real_time.h. */
#include "base/real_time.h"
#include "base/clock.h"
#include <time.h>

static int64_t clock_now(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now); /* fails for clocks that do not exist alone */
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t real_time(void)
{
	return clock_now(CLOCK_REALTIME);
}

int64_t steady_time(void)
{
	return clock_now(CLOCK_MONOTONIC);
}
