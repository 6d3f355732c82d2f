/* See places.h. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "store/places.h"
#include <math.h>
#include <stdlib.h>

#ifdef HAVE_MAXMINDDB
#include "base/clock.h"
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>

struct file {
	const char *option, *path;
	MMDB_s db;
	bool open;
};

struct places {
	struct file geo, asn;
	uint64_t damaged;
};

/* What the types of databases for each option are called: GeoLite2-City, DBIP-Country-Lite,
 * GeoIP2-Enterprise, DBIP-Location ..., GeoLite2-ASN, DBIP-ISP ... */
static const char *const geo_types[] = { "city", "country", "location", "enterprise", NULL };
static const char *const asn_types[] = { "asn", "isp", NULL };

static bool has_type(const char *type, const char *const *wanted)
{
	for (; *wanted; wanted++)
		if (strcasestr(type, *wanted))
			return true;
	return false;
}

static bool file_open(struct file *f, const char *option, const char *path, const char *const *types,
		      const char *what, struct error *err)
{
	if (!path)
		return true;
	f->option = option;
	f->path = path;
	errno = 0;
	int code = MMDB_open(path, MMDB_MODE_MMAP, &f->db);
	if (code != MMDB_SUCCESS)
		return error_set(err, EXIT_INPUT, "--%s %s: %s\nit must be %s", option, path,
				 code == MMDB_FILE_OPEN_ERROR && errno
					 ? strerror(errno)
					 : "this is no MaxMind database (.mmdb), or a damaged one",
				 what);
	f->open = true;
	if (!has_type(f->db.metadata.database_type, types))
		return error_set(err, EXIT_INPUT, "--%s %s: this database is of type '%.60s'\nit must be %s",
				 option, path, f->db.metadata.database_type, what);
	return true;
}

struct places *places_open(const char *geo, const char *asn, struct error *err)
{
	struct places *p = calloc(1, sizeof *p);

	if (!p) {
		error_memory(err, "the places");
		return NULL;
	}
	if (!file_open(
		    &p->geo, "geo", geo, geo_types,
		    "a database of cities or countries, such as DB-IP City Lite or GeoLite2 City (both free)",
		    err) ||
	    !file_open(&p->asn, "asn", asn, asn_types,
		       "a database of autonomous systems, such as DB-IP ASN Lite or GeoLite2 ASN (both free)",
		       err)) {
		places_close(p);
		return NULL;
	}
	return p;
}

void places_close(struct places *p)
{
	if (!p)
		return;
	if (p->geo.open)
		MMDB_close(&p->geo.db);
	if (p->asn.open)
		MMDB_close(&p->asn.db);
	free(p);
}

bool places_file(const struct places *p, unsigned n, struct place_file *out)
{
	const struct file *files[2];
	unsigned count = 0;

	if (p && p->geo.open)
		files[count++] = &p->geo;
	if (p && p->asn.open)
		files[count++] = &p->asn;
	if (n >= count)
		return false;
	const MMDB_metadata_s *m = &files[n]->db.metadata;
	uint64_t latest = (uint64_t)(INT64_MAX / NS_PER_S);
	*out = (struct place_file){
		.option = files[n]->option,
		.path = files[n]->path,
		.type = m->database_type,
		.built_ns = (int64_t)(m->build_epoch < latest ? m->build_epoch : latest) * NS_PER_S,
	};
	return true;
}

/* The entry of an address. */
static bool entry_find(struct places *p, struct file *f, const struct ip *ip, MMDB_entry_s *entry)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const void *address = &v6;
	int code = MMDB_SUCCESS;

	if (!f->open)
		return false;
	if (ip_is_v4(ip)) {
		memcpy(&v4.sin_addr, ip->b + 12, sizeof v4.sin_addr);
		address = &v4;
	} else {
		memcpy(&v6.sin6_addr, ip->b, sizeof v6.sin6_addr);
	}
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&f->db, address, &code);
	if (code != MMDB_SUCCESS) {
		p->damaged += code != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR;
		return false;
	}
	*entry = found.entry;
	return found.found_entry;
}

static bool value_find(struct places *p, MMDB_entry_s *entry, const char *const *path, uint32_t type,
		       MMDB_entry_data_s *data)
{
	int code = MMDB_aget_value(entry, data, path);

	/* A path that is not there is no damage: the file does not say. */
	p->damaged += code != MMDB_SUCCESS && code != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR &&
		      code != MMDB_INVALID_LOOKUP_PATH_ERROR;
	return code == MMDB_SUCCESS && data->has_data && data->type == type;
}

static void text_find(struct places *p, MMDB_entry_s *entry, const char *const *path, char *to, size_t size)
{
	MMDB_entry_data_s data;

	if (!value_find(p, entry, path, MMDB_DATA_TYPE_UTF8_STRING, &data))
		return;
	size_t length = strnlen(data.utf8_string, data.data_size);
	if (length >= size)
		/* Not within a character: RFC 3629 section 3. */
		for (length = size - 1; length > 0 && ((uint8_t)data.utf8_string[length] & 0xc0) == 0x80;)
			length--;
	memcpy(to, data.utf8_string, length);
}

static double degrees_find(struct places *p, MMDB_entry_s *entry, const char *const *path, double most)
{
	MMDB_entry_data_s data;

	if (!value_find(p, entry, path, MMDB_DATA_TYPE_DOUBLE, &data) || !(fabs(data.double_value) <= most))
		return (double)NAN;
	return data.double_value;
}

/* Names of keys: https://dev.maxmind.com/geoip/docs/databases/city-and-country, and .../asn; DB-IP's are the
 * same. */
#define PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void geo_find(struct places *p, MMDB_entry_s *e, struct place *place)
{
	text_find(p, e, PATH("continent", "names", "en"), place->continent, sizeof place->continent);
	text_find(p, e, PATH("country", "iso_code"), place->country, sizeof place->country);
	text_find(p, e, PATH("country", "names", "en"), place->country_name, sizeof place->country_name);
	text_find(p, e, PATH("city", "names", "en"), place->city, sizeof place->city);
	double latitude = degrees_find(p, e, PATH("location", "latitude"), 90);
	double longitude = degrees_find(p, e, PATH("location", "longitude"), 180);
	if (!isnan(latitude) && !isnan(longitude)) {
		place->latitude = latitude;
		place->longitude = longitude;
	}
}

static void asn_find(struct places *p, MMDB_entry_s *e, struct network *network)
{
	MMDB_entry_data_s data;

	if (value_find(p, e, PATH("autonomous_system_number"), MMDB_DATA_TYPE_UINT32, &data))
		network->asn = data.uint32;
	text_find(p, e, PATH("autonomous_system_organization"), network->organisation,
		  sizeof network->organisation);
}

static bool place_is_known(const struct place *place)
{
	return place->continent[0] || place->country[0] || place->country_name[0] || place->city[0] ||
	       !isnan(place->latitude);
}

bool places_find(struct places *p, const struct ip *ip, struct place *place, struct network *network)
{
	MMDB_entry_s entry;

	*place = (struct place){ .latitude = (double)NAN, .longitude = (double)NAN };
	*network = (struct network){ 0 };
	if (p && entry_find(p, &p->geo, ip, &entry))
		geo_find(p, &entry, place);
	if (p && entry_find(p, &p->asn, ip, &entry))
		asn_find(p, &entry, network);
	return place_is_known(place) || network->asn || network->organisation[0];
}

uint64_t places_damaged(const struct places *p)
{
	return p ? p->damaged : 0;
}

const char *places_library(void)
{
	return MMDB_lib_version();
}

#else /* without libmaxminddb */

struct places *places_open(const char *geo, const char *asn, struct error *err)
{
	error_set(err, EXIT_USAGE,
		  "--%s %s: this footsteps was built without libmaxminddb; install its headers and run "
		  "configure "
		  "again, or leave the option out",
		  geo ? "geo" : "asn", geo ? geo : asn);
	return NULL;
}

void places_close(struct places *p)
{
	(void)p;
}

bool places_file(const struct places *p, unsigned n, struct place_file *out)
{
	(void)p, (void)n, (void)out;
	return false;
}

bool places_find(struct places *p, const struct ip *ip, struct place *place, struct network *network)
{
	(void)p, (void)ip;
	*place = (struct place){ .latitude = (double)NAN, .longitude = (double)NAN };
	*network = (struct network){ 0 };
	return false;
}

uint64_t places_damaged(const struct places *p)
{
	(void)p;
	return 0;
}

const char *places_library(void)
{
	return "";
}
#endif
