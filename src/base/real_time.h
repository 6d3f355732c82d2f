/* Real time, where it is meant: the clock that frames of an interface are stamped with, how often a live
 * database is written to, how long somebody is waited for. Analysis knows the packets' clock alone. */
#ifndef FS_BASE_REAL_TIME_H
#define FS_BASE_REAL_TIME_H
#include <stdint.h>

int64_t real_time(void);   /* ns since 1970 UTC */
int64_t steady_time(void); /* ns since some moment; never set */
#endif
