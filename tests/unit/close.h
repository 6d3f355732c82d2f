/* Measured numbers, which are never exact. */
#ifndef FS_TESTS_CLOSE_H
#define FS_TESTS_CLOSE_H
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static inline void assert_close(double a, double b, double within)
{
	if (!(fabs(a - b) <= within))
		fail_msg("%.9g is not %.9g +- %g", a, b, within);
}
#endif
