/* What bytes look like that are no capture, for a message that helps. */
#ifndef FS_CAPTURE_MAGIC_H
#define FS_CAPTURE_MAGIC_H
#include "base/span.h"

#define MAGIC_HEAD 512U /* as many bytes are worth showing: tar's magic is at 257 */
#define MAGIC_TEXT 128
/* "a PNG image", "plain text", "unknown bytes 01 02 03 ..."; static text or out. head is not empty. */
const char *bytes_describe(struct span head, char out[MAGIC_TEXT]);
#endif
