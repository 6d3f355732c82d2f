#include "peer/wire.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "peer/background.h"
#include "peer/frame.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER         (1U << 20)
#define RECORD_HEADER  16U /* of pcap: pcap-savefile(5) */
#define FILE_HEADER    24U
#define SNAPLEN_WHOLE  262144U /* as tcpdump says when it cuts nothing */
#define LINKTYPE_ETHER 1U

struct wire {
	struct truth *truth;
	struct background *background;
	struct background_frame next; /* of the background */
	bool has_next;
	uint32_t snaplen;
	uint64_t packets;
	int64_t first_ns, last_ns;
	char *path;      /* NULL: standard output */
	char *temporary; /* its name until it is whole; NULL: it is written in place */
	int fd;
	size_t used;
	uint8_t *buffer;
	const volatile sig_atomic_t *stop;
	struct sha256 *hash; /* NULL: it is not hashed */
	bool finished;
	struct error failed;
	bool has_failed;
};

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void flush(struct wire *wire)
{
	if (wire->hash)
		sha256_update(wire->hash, (struct span){ wire->buffer, wire->used });
	for (size_t done = 0; done < wire->used && !wire->has_failed;) {
		ssize_t n = write(wire->fd, wire->buffer + done, wire->used - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno != EINTR) {
			error_set(&wire->failed, EXIT_OUTPUT, "%s: %s",
				  wire->path ? wire->path : "standard output",
				  errno == EPIPE ? "the program that read it has ended" : strerror(errno));
			wire->has_failed = true;
		}
	}
	wire->used = 0;
}

static void put_file_header(struct wire *wire)
{
	uint8_t *at = wire->buffer;

	memset(at, 0, FILE_HEADER);
	put32(at, 0xa1b2c3d4); /* microseconds */
	at[4] = 2;             /* version 2.4 */
	at[6] = 4;
	put32(at + 16, wire->snaplen);
	put32(at + 20, LINKTYPE_ETHER);
	wire->used = FILE_HEADER;
}

/* What is there already may be a capture of ours, or one like it (tcpdump's), or empty; nothing else is
 * replaced. */
static bool is_replaceable(const char *path)
{
	static const uint8_t begin[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0 };
	uint8_t bytes[sizeof begin];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;

	if (fd >= 0)
		close(fd);
	return size == 0 || (size == sizeof bytes && memcmp(bytes, begin, sizeof begin) == 0);
}

static bool open_file(struct wire *wire, const char *path, struct error *err)
{
	struct stat there;

	wire->fd = STDOUT_FILENO;
	if (strcmp(path, "-") == 0)
		return true;
	wire->fd = -1;
	wire->path = strdup(path);
	if (!wire->path)
		return error_memory(err, "the capture's name");
	bool exists = stat(path, &there) == 0;
	/* A device or a pipe is written to; a file of that name would take its place. */
	if (exists && !S_ISREG(there.st_mode)) {
		wire->fd = open(path, O_WRONLY | O_CLOEXEC);
		return wire->fd >= 0 || error_set(err, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
	}
	if (exists && !is_replaceable(path))
		return error_set(err, EXIT_OUTPUT,
				 "%s is there and no pcap capture, so it is not replaced: name another one",
				 path);
	wire->temporary = truth_partial_name(path);
	if (!wire->temporary)
		return error_memory(err, "the capture's name");
	wire->fd = open(wire->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (wire->fd >= 0)
		return true;
	error_set(err, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
	free(wire->temporary); /* what has this name is not ours */
	wire->temporary = NULL;
	return false;
}

static void close_file(struct wire *wire)
{
	/* Standard output is not ours. */
	if (wire->path && wire->fd >= 0 && close(wire->fd) != 0 && !wire->has_failed) {
		error_set(&wire->failed, EXIT_OUTPUT, "%s: %s", wire->path, strerror(errno));
		wire->has_failed = true;
	}
	wire->fd = -1;
}

static void next_background(struct wire *wire)
{
	int result = background_next(wire->background, &wire->next, &wire->failed);

	wire->has_next = result == 1;
	if (result < 0)
		wire->has_failed = true;
}

struct wire *wire_open(const struct wire_options *options, struct error *err)
{
	struct wire *wire = calloc(1, sizeof *wire);

	if (wire)
		wire->buffer = malloc(BUFFER);
	if (!wire || !wire->buffer) {
		free(wire);
		error_memory(err, "the capture's buffer");
		return NULL;
	}
	wire->fd = -1;
	wire->last_ns = INT64_MIN;
	wire->truth = options->truth;
	wire->background = options->background;
	wire->stop = options->stop;
	wire->hash = options->hashed && sha256_available() ? sha256_new() : NULL;
	wire->snaplen = options->snaplen - 1 < SNAPLEN_WHOLE ? options->snaplen : SNAPLEN_WHOLE;
	if (!open_file(wire, options->path, err)) {
		wire_abandon(wire);
		return NULL;
	}
	put_file_header(wire);
	if (wire->background)
		next_background(wire);
	return wire;
}

void wire_abandon(struct wire *wire)
{
	if (!wire)
		return;
	close_file(wire);
	if (wire->temporary) /* it has not got its name */
		unlink(wire->temporary);
	sha256_free(wire->hash);
	free(wire->temporary);
	free(wire->path);
	free(wire->buffer);
	free(wire);
}

/* Where the next frame of at most `length` bytes goes. */
static uint8_t *record(struct wire *wire, size_t length)
{
	if (wire->used + RECORD_HEADER + length > BUFFER)
		flush(wire);
	return wire->buffer + wire->used + RECORD_HEADER;
}

static void record_done(struct wire *wire, int64_t ns, uint32_t captured, uint32_t length)
{
	uint8_t *at = wire->buffer + wire->used;

	captured = captured < wire->snaplen ? captured : wire->snaplen;
	put32(at, (uint32_t)(ns / NS_PER_S));
	put32(at + 4, (uint32_t)(ns % NS_PER_S / NS_PER_US));
	put32(at + 8, captured);
	put32(at + 12, length);
	wire->used += RECORD_HEADER + captured;
	if (wire->packets++ == 0)
		wire->first_ns = ns;
	wire->last_ns = ns;
}

/* pcap counts unsigned seconds from 1970, and in time every frame comes after the one before. */
static bool fits(struct wire *wire, int64_t ns)
{
	char at[UTC_TEXT], last[UTC_TEXT];

	if (ns >= wire->last_ns && ns >= 0 && ns / NS_PER_S <= UINT32_MAX)
		return true;
	if (!wire->has_failed) {
		utc_format(ns, at);
		utc_format(wire->last_ns, last);
		error_set(&wire->failed, EXIT_INTERNAL, "a frame of %s cannot follow one of %s", at, last);
		wire->has_failed = true;
	}
	return false;
}

static void write_background(struct wire *wire)
{
	const struct background_frame *frame = &wire->next;
	int64_t ns = frame->ns - frame->ns % NS_PER_US;
	uint32_t captured = frame->captured < wire->snaplen ? frame->captured : wire->snaplen;

	if (fits(wire, ns)) {
		memcpy(record(wire, captured), frame->bytes, captured);
		record_done(wire, ns, captured, frame->length);
	}
	next_background(wire);
}

/* A frame's time in whole microseconds, when all of the background before it is written. */
static int64_t begin(struct wire *wire, int64_t ns)
{
	while (wire->has_next && wire->next.ns <= ns && !wire->has_failed)
		write_background(wire);
	return ns - ns % NS_PER_US;
}

/* Linux counts what a socket sends to one address. Each direction has 16 bits of c->ip_id. */
static uint16_t next_id(struct conversation *c, bool from_near)
{
	unsigned shift = from_near ? 0 : 16;
	uint32_t count = c->ip_id >> shift & 0xffff;
	uint32_t begins = (c->near.ip + c->near.port) * UINT32_C(0x9e3779b1) +
			  (c->far.ip + c->far.port) * UINT32_C(0x85ebca6b);

	c->ip_id = (c->ip_id & ~(UINT32_C(0xffff) << shift)) | ((count + 1) & 0xffff) << shift;
	return (uint16_t)((begins >> shift) + count);
}

/* The near end is at the place of the capture; between it and the others are 6 to 25 routers, and their
 * systems begin at 64 or 128. */
static uint8_t time_to_live(struct endpoint from, bool from_near)
{
	uint32_t mixed = from.ip * UINT32_C(0x9e3779b1);
	uint32_t begins = mixed >> 31 ? 128 : 64, routers = 6 + (mixed >> 16) % 20;

	return (uint8_t)(from_near ? 64 : begins - routers);
}

static struct frame_head heads_of(struct conversation *c, bool from_near)
{
	static const uint8_t router[FRAME_MAC] = { 2, 0, 0, 0, 0, 1 };
	struct frame_head head = { .from = from_near ? c->near : c->far,
				   .to = from_near ? c->far : c->near,
				   .id = next_id(c, from_near) };

	head.ttl = time_to_live(head.from, from_near);
	frame_mac(c->near.ip, from_near ? head.from_mac : head.to_mac);
	memcpy(from_near ? head.to_mac : head.from_mac, router, FRAME_MAC);
	return head;
}

static void done(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, size_t frame,
		 size_t payload, enum purpose purpose)
{
	record_done(wire, ns, (uint32_t)frame, (uint32_t)frame);
	truth_packet(wire->truth, c, wire->packets, ns, from_near, payload, purpose);
}

void wire_udp(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, const uint8_t *payload,
	      size_t size, enum purpose purpose)
{
	ns = begin(wire, ns);
	if (!fits(wire, ns))
		return;
	struct frame_head head = heads_of(c, from_near);
	done(wire, ns, c, from_near, frame_udp(record(wire, FRAME_MAX), &head, payload, size), size, purpose);
}

void wire_tcp(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, const struct segment *s,
	      enum purpose purpose)
{
	ns = begin(wire, ns);
	if (!fits(wire, ns))
		return;
	struct frame_head head = heads_of(c, from_near);
	done(wire, ns, c, from_near, frame_tcp(record(wire, FRAME_MAX), &head, s), s->size, purpose);
}

void wire_echo(struct wire *wire, int64_t ns, struct conversation *c, bool from_near, bool reply, uint16_t id,
	       uint16_t number)
{
	ns = begin(wire, ns);
	if (!fits(wire, ns))
		return;
	struct frame_head head = heads_of(c, from_near);
	done(wire, ns, c, from_near, frame_echo(record(wire, FRAME_MAX), &head, reply, id, number),
	     FRAME_ECHO, PURPOSE_OTHER);
}

void wire_unreachable(struct wire *wire, int64_t ns, struct conversation *c, bool from_near,
		      const struct conversation *quoted, size_t quoted_size)
{
	ns = begin(wire, ns);
	if (!fits(wire, ns))
		return;
	struct frame_head head = heads_of(c, from_near);
	struct frame_head about = { .from = from_near ? quoted->far : quoted->near,
				    .to = from_near ? quoted->near : quoted->far };
	about.ttl = time_to_live(about.from, !from_near);
	done(wire, ns, c, from_near, frame_unreachable(record(wire, FRAME_MAX), &head, &about, quoted_size),
	     FRAME_UNREACHABLE, PURPOSE_OTHER);
}

/* What the truth cannot see: the background. */
static void tell_truth(const struct wire *wire)
{
	const char *path;

	truth_set_extent(wire->truth, wire->packets, wire->first_ns, wire->packets ? wire->last_ns : 0);
	for (size_t i = 0; wire->background && (path = background_path(wire->background, i)); i++)
		truth_add_input(wire->truth, path, background_frames(wire->background, i));
}

bool wire_finish(struct wire *wire, int64_t ends_ns, char *sha256, struct error *err)
{
	while (wire->has_next && wire->next.ns <= ends_ns && !wire->has_failed)
		write_background(wire);
	tell_truth(wire);
	flush(wire);
	close_file(wire);
	wire->finished = true;
	if (sha256)
		sha256[0] = '\0';
	if (sha256 && wire->hash)
		sha256_hex(wire->hash, sha256);
	if (wire->has_failed && err)
		*err = wire->failed;
	return !wire->has_failed;
}

bool wire_close(struct wire *wire, int64_t ends_ns, struct error *err)
{
	if (!wire->finished)
		wire_finish(wire, ends_ns, NULL, NULL);
	if (wire->temporary && !wire->has_failed) {
		if (rename(wire->temporary, wire->path) == 0) {
			free(wire->temporary);
			wire->temporary = NULL;
		} else {
			error_set(&wire->failed, EXIT_OUTPUT, "%s: %s", wire->path, strerror(errno));
			wire->has_failed = true;
		}
	}
	bool ok = !wire->has_failed;
	if (!ok && err)
		*err = wire->failed;
	wire_abandon(wire);
	return ok;
}

uint64_t wire_packets(const struct wire *wire)
{
	return wire->packets;
}

const char *wire_failed(const struct wire *wire)
{
	if (!wire->has_failed && wire->stop && *wire->stop)
		return "stopped by a signal";
	return wire->has_failed ? wire->failed.text : NULL;
}
