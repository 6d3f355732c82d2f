/* Which versions run: of footsteps-peer and of the libraries that it uses. */
#include "base/version.h"
#include "cmd.h"
#include <pcap/pcap.h>
#include <sqlite3.h>
#include <string.h>

const char *version_number(void)
{
	return PACKAGE_VERSION;
}

bool version_libraries(char *buffer, size_t size)
{
	/* libpcap says "libpcap version 1.10.3 (with TPACKET_V3)"; the first number counts. */
	const char *pcap = strpbrk(pcap_lib_version(), "0123456789");
	int length = snprintf(buffer, size, "libpcap %.*s, SQLite %s", pcap ? (int)strcspn(pcap, " ,") : 0,
			      pcap ? pcap : "", sqlite3_libversion());

	return length > 0 && (size_t)length < size;
}

void version_print(FILE *out)
{
	char libraries[128];

	fprintf(out, PROGRAM " %s\n", version_number());
	if (!version_libraries(libraries, sizeof libraries))
		return;
	for (char *at = libraries, *name = strsep(&at, ","); name; name = strsep(&at, ","))
		fprintf(out, "%s\n", name + (*name == ' '));
}
