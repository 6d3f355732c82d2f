/*
 * What codecs cost. Published are G.113 Appendix I (narrowband: Ie in Table I.1, Bpl in Table I.4 of the 2007
 * edition) and Appendix IV (wideband: Ie,WB in Table IV.1, one ear; Bpl,WB in Table IV.4, both ears, three
 * modes). Where neither has a codec, its row says whose numbers it borrows. The least robustness that G.107
 * admits is 4.3: where nothing is known, that is assumed, and a rating errs on the bad side.
 */
#include "behave/emodel.h"
#include <stddef.h>
#include <strings.h>

#define NB     EMODEL_NARROWBAND
#define WB     EMODEL_WIDEBAND
#define APP_I  "G.113 Appendix I"
#define APP_IV "G.113 Appendix IV"
#define NO_BPL "; no Bpl is published, the least of G.107 is assumed"

static const struct emodel_codec codecs[] = {
	{ "PCMU", NB, 0, 4.3F, false, APP_I ", G.711 without concealment" },
	{ "PCMA", NB, 0, 4.3F, false, APP_I ", G.711 without concealment" },
	{ "PCMU with PLC", NB, 0, 25.1F, false, APP_I ", G.711 with concealment" },
	{ "PCMA with PLC", NB, 0, 25.1F, false, APP_I ", G.711 with concealment" },
	{ "G729", NB, 11, 19.0F, false, APP_I ", G.729A with VAD" },
	{ "G723", NB, 15, 16.1F, false, APP_I ", G.723.1 at 6.3 kbit/s with VAD" },
	{ "GSM-EFR", NB, 5, 10.0F, false, APP_I },
	{ "GSM", NB, 20, 4.3F, true, APP_I NO_BPL },
	{ "G726-32", NB, 7, 4.3F, true, APP_I NO_BPL },
	{ "G728", NB, 7, 4.3F, true, APP_I NO_BPL },
	{ "AMR", NB, 5, 10.0F, true, "as GSM-EFR, with which the mode of 12.2 kbit/s is identical" },
	{ "iLBC", NB, 11, 19.0F, true, "as G.729A" },
	{ "G722", WB, 13, 4.3F, true, APP_IV ", 64 kbit/s" NO_BPL },
	{ "AMR-WB", WB, 13, 4.3F, false, APP_IV ", 12.65 kbit/s" },
	{ "AMR-WB 6.60", WB, 41, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 8.85", WB, 26, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 12.65", WB, 13, 4.3F, false, APP_IV },
	{ "AMR-WB 14.25", WB, 10, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 15.85", WB, 7, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 18.25", WB, 5, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 19.85", WB, 3, 4.3F, true, APP_IV NO_BPL },
	{ "AMR-WB 23.05", WB, 1, 4.6F, false, APP_IV },
	{ "AMR-WB 23.85", WB, 8, 4.9F, false, APP_IV ", worse than 23.05 there, too" },
	{ "opus", WB, 3, 4.3F, true, "as AMR-WB at 19.85 kbit/s; without its forward error correction" },
};
#define CODECS (sizeof codecs / sizeof codecs[0])

const struct emodel_codec *emodel_codec_get(unsigned i)
{
	return i < CODECS ? &codecs[i] : NULL;
}

const struct emodel_codec *emodel_codec_find(const char *name)
{
	for (size_t i = 0; i < CODECS; i++)
		if (strcasecmp(codecs[i].name, name) == 0)
			return &codecs[i];
	return NULL;
}
