/*
 * Frames into a capture file, as they were taken (pcap, nanoseconds, its link type that of the first frame):
 * `live --record`. Bounded by time by whoever calls. The file holds whole records at any moment, unless the
 * program is killed in the middle of a write or the disk is full, and then all but the last.
 *
 * Nothing is ever replaced: the file must be new, or empty. A recording that went before, too, is somebody's.
 * One thread at a time.
 */
#ifndef FS_CAPTURE_RECORD_H
#define FS_CAPTURE_RECORD_H
#include "capture/source.h"

struct recording;
/* EXIT_OUTPUT. */
struct recording *recording_open(const char *path, uint32_t snaplen, struct error *err);
/*
 * Frames get to the file after a second of their time at the latest; with none (count 0, when the link is
 * idle), what is pending does. False: could not be written (once; later calls do nothing). Frames of another
 * link type than the first one's, and of before 1970, are left out and counted.
 */
bool recording_frames(struct recording *r, const struct frame *frames, size_t count, struct error *err);
uint64_t recording_left_out(const struct recording *r);
/* Without a single frame, it is an empty capture of Ethernet. False as above. NULL: true. */
bool recording_close(struct recording *r, struct error *err);
#endif
