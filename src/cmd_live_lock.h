/*
 * One monitor per database: a locked file beside it, with the number of the process. Who would replace a
 * database, or add to it, asks first: a monitor goes on writing into the file that it has open.
 */
#ifndef FS_CMD_LIVE_LOCK_H
#define FS_CMD_LIVE_LOCK_H
#include "base/error.h"

struct live_lock;
/* NULL: somebody else holds it (*err says who), or it cannot be made. EXIT_OUTPUT. */
struct live_lock *live_lock_take(const char *database, struct error *err);
void live_lock_drop(struct live_lock *lock);
/* False: a monitor writes into the database. EXIT_OUTPUT. */
bool live_lock_is_free(const char *database, struct error *err);
#endif
