/* Static payload types: RFC 3551 section 6, tables 4 and 5. Clocks are of the timestamps, not of the sound.
 */
#include "dissectors/rtp/rtp.h"

static const struct codec codecs[] = {
	[0] = { "PCMU", 8000, MEDIA_AUDIO },   [3] = { "GSM", 8000, MEDIA_AUDIO },
	[4] = { "G723", 8000, MEDIA_AUDIO },   [5] = { "DVI4", 8000, MEDIA_AUDIO },
	[6] = { "DVI4", 16000, MEDIA_AUDIO },  [7] = { "LPC", 8000, MEDIA_AUDIO },
	[8] = { "PCMA", 8000, MEDIA_AUDIO },   [9] = { "G722", 8000, MEDIA_AUDIO }, /* sic: 4.5.2 */
	[10] = { "L16", 44100, MEDIA_AUDIO },  [11] = { "L16", 44100, MEDIA_AUDIO },
	[12] = { "QCELP", 8000, MEDIA_AUDIO }, [13] = { "CN", 8000, MEDIA_AUDIO },
	[14] = { "MPA", 90000, MEDIA_AUDIO },  [15] = { "G728", 8000, MEDIA_AUDIO },
	[16] = { "DVI4", 11025, MEDIA_AUDIO }, [17] = { "DVI4", 22050, MEDIA_AUDIO },
	[18] = { "G729", 8000, MEDIA_AUDIO },  [19] = { "CN", 8000, MEDIA_AUDIO }, /* reserved: was CN */
	[25] = { "CelB", 90000, MEDIA_VIDEO }, [26] = { "JPEG", 90000, MEDIA_VIDEO },
	[28] = { "nv", 90000, MEDIA_VIDEO },   [31] = { "H261", 90000, MEDIA_VIDEO },
	[32] = { "MPV", 90000, MEDIA_VIDEO },  [33] = { "MP2T", 90000, MEDIA_VIDEO }, /* sound and picture */
	[34] = { "H263", 90000, MEDIA_VIDEO },
};
#define CODECS        (sizeof codecs / sizeof codecs[0])
#define DYNAMIC_FIRST 96U

const struct codec *static_codec(uint8_t payload_type)
{
	return payload_type < CODECS && codecs[payload_type].name ? &codecs[payload_type] : NULL;
}

bool payload_type_is_usual(uint8_t payload_type)
{
	return payload_type >= DYNAMIC_FIRST || static_codec(payload_type);
}

/* RFC 3389, and the number that was used before it. */
bool is_comfort_noise(uint8_t payload_type)
{
	return payload_type == 13 || payload_type == 19;
}
