/* The progress line: one line on stderr, redrawn in place, wiped at the end. */
#include "base/progress.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DRAW_EVERY     0.1 /* seconds */
#define AMOUNT_TEXT    32
#define LINE_MAX_WIDTH 79 /* the last column stays free: some terminals wrap as soon as it is written */

struct progress {
	const char *what;
	uint64_t total;
	bool by_packets; /* total and what is done of it; else bytes */
	struct timespec start;
	double drawn_at; /* seconds after start */
	size_t shown;    /* columns on the screen now */
};

struct progress *progress_new(const char *what, uint64_t total_bytes, bool enabled)
{
	struct progress *p = enabled ? calloc(1, sizeof *p) : NULL;

	/* Without memory there is no progress line, and nothing else is lost. */
	if (!p)
		return NULL;
	p->what = what;
	p->total = total_bytes;
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	return p;
}

struct progress *progress_new_packets(const char *what, uint64_t total_packets, bool enabled)
{
	struct progress *p = progress_new(what, total_packets, enabled);

	if (p)
		p->by_packets = true;
	return p;
}

static double seconds_since_start(const struct progress *p)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - p->start.tv_sec) + (double)(now.tv_nsec - p->start.tv_nsec) / 1e9;
}

/* "1.2 GB", "2.4 M packets", "43 packets": a prefix sticks to a symbol, and stands apart from a word. */
static void amount_format(double amount, const char *unit, char out[AMOUNT_TEXT])
{
	static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };
	size_t i = 0;

	/* 999.5 and more would be printed as four digits. */
	for (; amount >= 999.5 && i + 1 < sizeof prefix / sizeof prefix[0]; i++)
		amount /= 1000;
	snprintf(out, AMOUNT_TEXT, "%.*f %s%s%s", i == 0 || amount >= 99.5 ? 0 : 1, amount, prefix[i],
		 i > 0 && unit[1] ? " " : "", unit);
}

static void time_left_format(double seconds, char *out, size_t size)
{
	unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000UL;

	if (s >= 3600)
		snprintf(out, size, "  %lu:%02lu:%02lu left", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(out, size, "  %lu:%02lu left", s / 60, s % 60);
}

/* Spaces wipe what a longer line left behind. */
static void line_show(struct progress *p, const char *line)
{
	fprintf(stderr, "\r%-*s", (int)p->shown, line);
	fflush(stderr);
	p->shown = strlen(line);
}

static void draw(struct progress *p, uint64_t done, uint64_t packets, double elapsed)
{
	char line[LINE_MAX_WIDTH + 1], percent[16] = "", of_total[AMOUNT_TEXT + 4] = "", left[48] = "";
	char bytes[AMOUNT_TEXT], total[AMOUNT_TEXT], count[AMOUNT_TEXT], rate[AMOUNT_TEXT];

	const char *unit = p->by_packets ? "packets" : "B";

	if (p->by_packets)
		done = packets;
	amount_format((double)done, unit, bytes);
	amount_format((double)packets, "packets", count);
	amount_format((double)packets / elapsed, "packets", rate);
	if (p->total) {
		double part = done < p->total ? (double)done / (double)p->total : 1;

		amount_format((double)p->total, unit, total);
		snprintf(percent, sizeof percent, " %.0f %%", part * 100);
		snprintf(of_total, sizeof of_total, " of %s", total);
		if (part > 0)
			time_left_format(elapsed / part - elapsed, left, sizeof left);
	}
	int length = snprintf(line, sizeof line, "%s%s  %s%s%s%s  %s/s%s", p->what, percent, bytes, of_total,
			      p->by_packets ? "" : "  ", p->by_packets ? "" : count, rate, left);

	if (length >= 0)
		line_show(p, line);
}

void progress_update(struct progress *p, uint64_t done_bytes, uint64_t packets)
{
	if (!p)
		return;
	double now = seconds_since_start(p);

	if (now - p->drawn_at < DRAW_EVERY)
		return;
	p->drawn_at = now;
	draw(p, done_bytes, packets, now);
}

void progress_step(struct progress *p, uint64_t done, uint64_t total, const char *step)
{
	char line[LINE_MAX_WIDTH + 1];

	if (!p)
		return;
	snprintf(line, sizeof line, "%s %llu of %llu  %s", p->what, (unsigned long long)done,
		 (unsigned long long)total, step);
	line_show(p, line);
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	if (p->shown) {
		fprintf(stderr, "\r%*s\r", (int)p->shown, "");
		fflush(stderr);
	}
	free(p);
}
