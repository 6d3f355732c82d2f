/* What the web page is made of: texts that are built in, and the files of the report. */
#include "live/http_parts.h"
#include "live/page_html.h"
#include "live/page_icon.h"
#include "live/page_script.h"
#include "live/page_style.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A report has tables of every flow; beyond this they are for the directory, not for a browser. */
#define FILE_MOST (INT64_C(64) << 20)
#define NAME_LONG 100

#define EMBEDDED(text) text, sizeof(text) - 1
#define SVG            "image/svg+xml"

static const struct http_static statics[] = {
	{ "/", "text/html; charset=utf-8", EMBEDDED(page_html) },
	/* Asked for by browsers without being told to. */
	{ "/favicon.ico", SVG, EMBEDDED(page_icon) },
	{ "/icon.svg", SVG, EMBEDDED(page_icon) },
	{ "/page.js", "text/javascript; charset=utf-8", EMBEDDED(page_script) },
	{ "/style.css", "text/css; charset=utf-8", EMBEDDED(page_style) },
};

const struct http_static *http_static_find(const char *path)
{
	for (size_t i = 0; i < sizeof statics / sizeof *statics; i++)
		if (strcmp(path, statics[i].path) == 0)
			return &statics[i];
	return NULL;
}

void http_static_etag(const struct http_static *s, char out[HTTP_ETAG_TEXT])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, its 64-bit offset and prime */

	for (size_t i = 0; i < s->size; i++)
		hash = (hash ^ (uint8_t)s->body[i]) * UINT64_C(0x100000001b3);
	snprintf(out, HTTP_ETAG_TEXT, "\"%016" PRIx64 "\"", hash);
}

bool http_report_open(struct http_report *r, const char *directory, struct error *err)
{
	char path[4096];
	size_t length = strlen(directory);

	*r = (struct http_report){ .parent = -1 };
	while (length > 1 && directory[length - 1] == '/')
		length--;
	if (snprintf(path, sizeof path, "%.*s", (int)length, directory) >= (int)sizeof path)
		return error_set(err, EXIT_USAGE, "%.200s...: a path that is too long", directory);
	char *slash = strrchr(path, '/');
	if (snprintf(r->name, sizeof r->name, "%s", slash ? slash + 1 : path) >= (int)sizeof r->name ||
	    !r->name[0])
		return error_set(err, EXIT_USAGE, "%.200s: no name of a directory", directory);
	if (slash)
		slash[slash == path] = '\0'; /* "/report" is in "/" */
	r->parent = open(slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->parent < 0)
		return error_set(err, EXIT_OUTPUT, "%.300s: %s", slash ? path : ".", strerror(errno));
	return true;
}

void http_report_close(struct http_report *r)
{
	if (r->parent >= 0)
		close(r->parent);
	r->parent = -1;
}

/* Letters, digits and ". _ -", none hidden: so it names one file of one directory, whatever the system. */
static bool name_is_fit(const char *name)
{
	static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(name);

	return length > 0 && length <= NAME_LONG && name[0] != '.' && strspn(name, fit) == length;
}

const char *http_report_type(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".pdf", "application/pdf" },
		{ ".png", "image/png" },
		{ ".svg", SVG },
		{ ".tsv", "text/tab-separated-values; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(dot, types[i].end) == 0)
			return types[i].type;
	return NULL;
}

int http_report_file(const struct http_report *r, const char *name, struct stat *status)
{
	int directory, file = -1;

	if (r->parent < 0 || !name_is_fit(name) || !http_report_type(name))
		return -1;
	directory = openat(r->parent, r->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -1;
	/* A FIFO would make the page wait for whoever writes to it. */
	file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(directory);
	if (file >= 0 &&
	    (fstat(file, status) != 0 || !S_ISREG(status->st_mode) || status->st_size > FILE_MOST)) {
		close(file);
		file = -1;
	}
	return file;
}

void http_report_etag(const struct stat *status, char out[HTTP_ETAG_TEXT])
{
	snprintf(out, HTTP_ETAG_TEXT, "\"%llx-%llx-%llx.%lx\"", (unsigned long long)status->st_ino,
		 (unsigned long long)status->st_size, (unsigned long long)status->st_mtim.tv_sec,
		 (unsigned long)status->st_mtim.tv_nsec);
}
