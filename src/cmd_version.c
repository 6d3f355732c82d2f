/* Which versions run: of footsteps and of the libraries that it was built with. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/version.h"
#include "cmd.h"
#include "identify/ndpi_bridge.h"
#include "store/places.h"
#include <pcap/pcap.h>
#include <sqlite3.h>
#include <string.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef HAVE_LZ4
#include <lz4.h>
#endif
#ifdef HAVE_LIBCRYPTO
#include <openssl/crypto.h>
#endif
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif
#ifdef HAVE_MICROHTTPD
#include <microhttpd.h>
#endif
#ifdef HAVE_NCURSES
#include <curses.h>
#endif

#define LIBRARY_COUNT 15
/* The first of them have a part in the results, and are named in a run's manifest. */
#define LIBRARY_RESULTS 10

struct library {
	const char *name;
	char version[32]; /* "": not built in */
};

const char *version_number(void)
{
	return PACKAGE_VERSION;
}

/* Libraries say "libpcap version 1.10.3 (with ...)" or "1.0.8, 13-Jul-2019"; the first number counts. */
static struct library library_of(const char *name, const char *says)
{
	struct library l = { .name = name };
	const char *number = says + strcspn(says, "0123456789");

	snprintf(l.version, sizeof l.version, "%.*s", (int)strcspn(number, " ,\t\n"), number);
	return l;
}

static void libraries_list(struct library list[LIBRARY_COUNT])
{
	const char *zlib = "", *zstd = "", *lzma = "", *bzip2 = "", *lz4 = "", *crypto = "";
	const char *capabilities = "", *http = "", *terminal = "", *service = "";
	char filter[32] = "";

#ifdef HAVE_ZLIB
	zlib = zlibVersion();
#endif
#ifdef HAVE_ZSTD
	zstd = ZSTD_versionString();
#endif
#ifdef HAVE_LZMA
	lzma = lzma_version_string();
#endif
#ifdef HAVE_BZIP2
	bzip2 = BZ2_bzlibVersion();
#endif
#ifdef HAVE_LZ4
	lz4 = LZ4_versionString();
#endif
#ifdef HAVE_LIBCRYPTO
	crypto = OpenSSL_version(OPENSSL_VERSION);
#endif
#ifdef HAVE_LIBCAP_NG
	capabilities = LIBCAP_NG_VERSION;
#endif
#ifdef HAVE_SECCOMP
	const struct scmp_version *v = seccomp_version();

	snprintf(filter, sizeof filter, "%u.%u.%u", v->major, v->minor, v->micro);
#endif
#ifdef HAVE_MICROHTTPD
	http = MHD_get_version();
#endif
#ifdef HAVE_NCURSES
	terminal = curses_version();
#endif
#ifdef HAVE_SYSTEMD
	service = LIBSYSTEMD_VERSION;
#endif
	list[0] = library_of("libpcap", pcap_lib_version());
	list[1] = library_of("libndpi", ndpi_bridge_available() ? ndpi_bridge_version() : "");
	list[2] = library_of("SQLite", sqlite3_libversion());
	list[3] = library_of("zlib", zlib);
	list[4] = library_of("zstd", zstd);
	list[5] = library_of("liblzma", lzma);
	list[6] = library_of("bzip2", bzip2);
	list[7] = library_of("lz4", lz4);
	list[8] = library_of("libcrypto", crypto);
	list[9] = library_of("libmaxminddb", places_library());
	list[10] = library_of("libcap-ng", capabilities);
	list[11] = library_of("libseccomp", filter);
	list[12] = library_of("libmicrohttpd", http);
	list[13] = library_of("ncurses", terminal);
	list[14] = library_of("libsystemd", service);
}

bool version_libraries(char *buffer, size_t size)
{
	struct library list[LIBRARY_COUNT];
	size_t used = 0;

	libraries_list(list);
	for (size_t i = 0; i < LIBRARY_RESULTS && used < size; i++)
		if (list[i].version[0])
			used += (size_t)snprintf(buffer + used, size - used, "%s%s %s", used ? ", " : "",
						 list[i].name, list[i].version);
	return used < size;
}

void version_print(FILE *out)
{
	struct library list[LIBRARY_COUNT];

	libraries_list(list);
	fprintf(out, "footsteps %s\n", version_number());
	for (size_t i = 0; i < LIBRARY_COUNT; i++)
		fprintf(out, "%s %s\n", list[i].name, list[i].version[0] ? list[i].version : "not built in");
}
