/* The place of the capture: the file as it comes out, with a background, cut, unfinished; and what tshark
 * says of it. */
#include "peer_world.h"
#include "peer/background.h"
#include "peer/frame.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A wire and a truth of their own, without a net. */
struct play {
	struct world *world; /* for its folder, and to read back */
	struct conversation *udp, *tcp, *icmp;
};

static const struct endpoint near = { 0x0a000002, 35990 }, far = { 0xc000020a, 5555 };

static struct play play_open(struct background *background, uint32_t snaplen)
{
	static const struct truth_run run = {
		.scenario = "test", .title = "test", .generator = "test", .options = "{}", .local_net = ""
	};
	struct play play = { .world = world_new() };
	struct world *w = play.world;
	struct error err;

	w->truth = truth_open(NULL, &run, &err);
	assert_non_null(w->truth);
	w->wire = wire_open(
		&(struct wire_options){
			.path = w->path, .truth = w->truth, .background = background, .snaplen = snaplen },
		&err);
	assert_non_null(w->wire);
	play.udp = truth_conversation(w->truth, TRUTH_UDP, near, far, PURPOSE_SIGNALLING, 0, 0);
	play.tcp = truth_conversation(w->truth, TRUTH_TCP, near, far, PURPOSE_NODE, 0, 0);
	play.icmp = truth_conversation(w->truth, TRUTH_ICMP, (struct endpoint){ near.ip, 0 },
				       (struct endpoint){ far.ip, 0 }, PURPOSE_OTHER, 0, 0);
	return play;
}

static void play_end(struct play *play, int64_t ends_ns)
{
	struct world *w = play->world;
	struct error err = { .text = "" };

	if (!wire_close(w->wire, BEGINS + ends_ns, &err))
		fail_msg("%s", err.text);
	w->net = NULL;
	world_read(w);
}

static void play_free(struct play *play)
{
	truth_abandon(play->world->truth);
	world_free(play->world);
}

static void say(struct play *play, int64_t ns, bool from_near, size_t size)
{
	uint8_t bytes[1472] = { 2 };

	wire_udp(play->world->wire, BEGINS + ns, play->udp, from_near, bytes, size, PURPOSE_SIGNALLING);
}

static void ids_and_numbers(void **state)
{
	struct play play = play_open(NULL, 0);
	struct world *w = play.world;

	(void)state;
	for (size_t i = 0; i < 70; i++)
		say(&play, (int64_t)i * 1500, i % 3 > 0, i);
	assert_int_equal(wire_packets(w->wire), 70);
	assert_null(wire_failed(w->wire));
	assert_int_equal(play.udp->first_packet, 1);
	assert_int_equal(play.udp->last_packet, 70);
	assert_int_equal(play.udp->last_ns, BEGINS + 103000); /* cut to microseconds, as in the file */
	assert_int_equal(play.udp->packets[0] + play.udp->packets[1], 70);
	play_end(&play, 0);
	assert_int_equal(w->frames, 70);
	for (size_t i = 2; i < 70; i++) {
		assert_int_equal(w->seen[i].ns, (int64_t)i * 1500 / 1000 * 1000);
		/* Each sender counts its own. */
		if (w->seen[i].from.ip == w->seen[i - 1].from.ip)
			assert_int_equal(w->seen[i].id, (w->seen[i - 1].id + 1) & 0xffff);
	}
	assert_int_not_equal(w->seen[0].id, w->seen[1].id);
	play_free(&play);
}

static void frames_are_cut(void **state)
{
	struct play play = play_open(NULL, 68);

	(void)state;
	say(&play, 0, true, 1472);
	say(&play, 1, true, 26);
	say(&play, 2, true, 27);
	play_end(&play, 0);
	assert_int_equal(play.world->frames, 3);
	assert_int_equal(play.world->seen[0].captured, 68);
	assert_int_equal(play.world->seen[0].length, 1514);
	assert_int_equal(play.world->seen[1].captured, 68);
	assert_int_equal(play.world->seen[2].captured, 68);
	assert_int_equal(play.world->seen[2].length, 69);
	play_free(&play);
}

/* More than a few buffers' worth. */
static void many_frames(void **state)
{
	struct play play = play_open(NULL, 0);

	(void)state;
	for (size_t i = 0; i < FRAMES; i++)
		say(&play, (int64_t)i * 1000, true, 1472);
	play_end(&play, 0);
	assert_int_equal(play.world->frames, FRAMES);
	assert_int_equal(play.world->seen[FRAMES - 1].ns, (FRAMES - 1) * 1000);
	play_free(&play);
}

/* --- files --- */

static unsigned files_in(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned files = 0;

	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir));)
		files += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return files;
}

static void half_written_files_vanish(void **state)
{
	struct play play = play_open(NULL, 0);
	struct world *w = play.world;

	(void)state;
	say(&play, 0, true, 18);
	assert_int_equal(files_in(w->folder), 1);
	assert_int_equal(access(w->path, F_OK), -1);
	wire_abandon(w->wire);
	assert_int_equal(files_in(w->folder), 0);
	wire_abandon(NULL);
	play_free(&play);
}

static void a_full_disk_is_an_error(void **state)
{
	struct play play = play_open(NULL, 0);
	struct world *w = play.world;
	struct error err = { .text = "" };

	(void)state;
	wire_abandon(w->wire);
	if (access("/dev/full", W_OK) != 0)
		skip();
	int out = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	w->wire = wire_open(&(struct wire_options){ .path = "-", .truth = w->truth }, &err);
	assert_non_null(w->wire);
	for (int64_t i = 0; i < 1000; i++)
		say(&play, i, true, 1472);
	const char *failed = wire_failed(w->wire);
	bool said = failed && strstr(failed, "standard output");
	bool closed = wire_close(w->wire, BEGINS, &err);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(full);
	assert_true(said);
	assert_false(closed);
	assert_int_equal(err.status, EXIT_OUTPUT);
	play_free(&play);
}

/* Renaming a file to it would remove a device from the system. */
static void a_pipe_is_written_in_place(void **state)
{
	struct play play = play_open(NULL, 0);
	struct world *w = play.world;
	struct error err;
	struct stat there;
	uint8_t bytes[1024];

	(void)state;
	wire_abandon(w->wire);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	int pipe = open(w->path, O_RDWR | O_NONBLOCK);
	w->wire = wire_open(&(struct wire_options){ .path = w->path, .truth = w->truth }, &err);
	assert_non_null(w->wire);
	say(&play, 0, true, 18);
	assert_true(wire_close(w->wire, BEGINS, &err));
	assert_int_equal(lstat(w->path, &there), 0);
	assert_true(S_ISFIFO(there.st_mode));
	assert_int_equal(read(pipe, bytes, sizeof bytes), 24 + 16 + 42 + 18);
	w->wire = wire_open(&(struct wire_options){ .path = w->path, .truth = w->truth }, &err);
	assert_non_null(w->wire);
	wire_abandon(w->wire);
	assert_int_equal(lstat(w->path, &there), 0);
	close(pipe);
	play_free(&play);
}

static void an_impossible_folder_is_an_error(void **state)
{
	struct play play = play_open(NULL, 0);
	struct error err;

	(void)state;
	wire_abandon(play.world->wire);
	assert_null(wire_open(&(struct wire_options){ .path = "/nowhere/t.pcap", .truth = play.world->truth },
			      &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	play_free(&play);
}

static void time_does_not_go_back(void **state)
{
	struct play play = play_open(NULL, 0);
	struct error err;

	(void)state;
	say(&play, 5000, true, 18);
	say(&play, 4000, true, 18);
	assert_non_null(wire_failed(play.world->wire));
	assert_false(wire_close(play.world->wire, BEGINS, &err));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_int_equal(access(play.world->path, F_OK), -1);
	play_free(&play);
}

/* --- background --- */

/* A capture of `count` frames with payloads of 101, 102, ... bytes, `apart` from each other; begun in 1970.
 */
static void write_capture(const char *path, size_t count, int64_t apart)
{
	struct play play = play_open(NULL, 0);
	struct error err;

	for (size_t i = 0; i < count; i++)
		say(&play, (int64_t)i * apart - BEGINS, true, 101 + i);
	assert_true(wire_close(play.world->wire, 0, &err));
	assert_int_equal(rename(play.world->path, path), 0);
	play_free(&play);
}

static void a_background_comes_in_between(void **state)
{
	enum { COUNT = 50 };
	struct error err = { .text = "" };
	struct world *folder = world_new();
	const char *path = folder->path;
	size_t ours = 0, theirs = 0;

	(void)state;
	write_capture(path, COUNT, MS(100));
	struct background *b = background_open(&path, 1, BEGINS, BEGINS + MS(60000), 7, &err);
	if (!b)
		fail_msg("%s", err.text);
	struct play play = play_open(b, 0);
	for (int64_t i = 0; i < 600; i++)
		say(&play, MS(100) * i, true, 18);
	assert_int_equal(background_frames(b, 0), COUNT);
	assert_string_equal(background_path(b, 0), path);
	assert_null(background_path(b, 1));
	play_end(&play, MS(60000));
	assert_int_equal(play.world->frames, 600 + COUNT);
	int64_t moved = -1;
	for (size_t i = 0; i < play.world->frames; i++) {
		const struct seen *s = &play.world->seen[i];
		assert_true(i == 0 || s->ns >= s[-1].ns);
		if (s->payload == 18) {
			ours++;
			continue;
		}
		if (theirs == 0)
			moved = s->ns;
		assert_int_equal(s->payload, 101 + theirs);
		assert_int_equal(s->ns, moved + MS(100) * (int64_t)theirs);
		theirs++;
	}
	assert_int_equal(ours, 600);
	assert_int_equal(theirs, COUNT);
	assert_in_range(moved, 0, MS(60000) - MS(100) * (COUNT - 1));
	/* Its frames have numbers, too, but are not counted as ours. */
	assert_int_equal(play.udp->packets[0], 600);
	assert_int_equal(play.udp->last_packet, 600 + COUNT);
	background_close(b);
	play_free(&play);
	world_free(folder);
}

/* It begins with the span, and what is left of it at the end is not written. */
static void a_background_that_is_too_long(void **state)
{
	struct error err = { .text = "" };
	struct world *folder = world_new();
	const char *path = folder->path;

	(void)state;
	write_capture(path, 50, MS(100));
	struct background *b = background_open(&path, 1, BEGINS, BEGINS + MS(1000), 7, &err);
	assert_non_null(b);
	struct play play = play_open(b, 0);
	say(&play, MS(150), true, 18);
	play_end(&play, MS(1000));
	assert_int_equal(background_frames(b, 0), 11);
	assert_int_equal(play.world->frames, 12);
	assert_int_equal(play.world->seen[0].ns, 0);
	assert_int_equal(play.world->seen[2].payload, 18);
	assert_int_equal(play.world->seen[11].ns, MS(1000));
	background_close(b);
	background_close(NULL);
	play_free(&play);
	world_free(folder);
}

static void backgrounds_that_cannot_be(void **state)
{
	/* pcap, link type 101: raw IP, with a frame of no bytes */
	static const uint8_t raw[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4,   0, 0, 0, 0, 0, 0, 0,
				       0,    0,    0xff, 0xff, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0,
				       0,    0,    0,    0,    0, 0, 0,   0, 0, 0, 0, 0 };
	struct error err = { .text = "" };
	struct world *folder = world_new();
	const char *path = folder->path;

	(void)state;
	assert_null(background_open(&path, 1, BEGINS, BEGINS, 7, &err));
	assert_int_equal(err.status, EXIT_INPUT);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(raw, 1, sizeof raw, file), sizeof raw);
	fclose(file);
	assert_null(background_open(&path, 1, BEGINS, BEGINS, 7, &err));
	assert_non_null(strstr(err.text, "Ethernet"));
	world_free(folder);
}

/* --- a second opinion --- */

/* The number of frames for which tshark finds this. */
static long tshark_counts(const char *path, const char *filter)
{
	char command[1024], line[256];
	long count = 0;

	snprintf(command, sizeof command,
		 "tshark -n -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE "
		 "-o tcp.check_checksum:TRUE -Y '%s' 2>/dev/null",
		 path, filter);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof line, out))
		count++;
	assert_int_equal(pclose(out), 0);
	return count;
}

static void tshark_finds_no_fault(void **state)
{
	struct play play = play_open(NULL, 0);
	struct world *w = play.world;
	uint8_t bytes[FRAME_TCP_MAX];
	uint32_t seq[2] = { 1000, 77 };

	(void)state;
	memset(bytes, 0xa5, sizeof bytes);
	for (size_t size = 0; size <= 1472; size += 7)
		say(&play, 0, size % 2 > 0, size);
	wire_tcp(w->wire, BEGINS, play.tcp, true, &(struct segment){ .seq = 999, .flags = TCP_SYN },
		 PURPOSE_NODE);
	wire_tcp(w->wire, BEGINS, play.tcp, false,
		 &(struct segment){ .seq = 76, .ack = 1000, .flags = TCP_SYN | TCP_ACK }, PURPOSE_NODE);
	for (size_t size = 1; size <= FRAME_TCP_MAX; size += 7) {
		unsigned way = size % 2;
		wire_tcp(w->wire, BEGINS, play.tcp, way == 0,
			 &(struct segment){ seq[way], seq[!way], TCP_ACK | TCP_PSH, bytes, size },
			 PURPOSE_NODE);
		seq[way] += (uint32_t)size;
	}
	wire_echo(w->wire, BEGINS, play.icmp, true, false, 7, 1);
	wire_echo(w->wire, BEGINS, play.icmp, false, true, 7, 1);
	wire_unreachable(w->wire, BEGINS, play.icmp, true, play.udp, 18);
	long packets = (long)wire_packets(w->wire);
	play_end(&play, 0);
	if (system("command -v tshark >/dev/null") == 0) {
		assert_int_equal(tshark_counts(w->path, "ip.checksum.status == 1"), packets);
		/* 1: good. An ICMP error quotes a UDP header without a checksum. */
		assert_int_equal(tshark_counts(w->path,
					       "udp.checksum.status == 1 || tcp.checksum.status == 1 || "
					       "icmp.checksum.status == 1"),
				 packets);
		assert_int_equal(tshark_counts(w->path, "tcp.analysis.flags"), 0);
		assert_int_equal(tshark_counts(w->path, "icmp.resp_to && icmp.resptime == 0"), 1);
		assert_int_equal(tshark_counts(w->path, "icmp.type == 3 && udp.srcport == 5555"), 1);
	}
	play_free(&play);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_numbers),
		cmocka_unit_test(frames_are_cut),
		cmocka_unit_test(many_frames),
		cmocka_unit_test(half_written_files_vanish),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(a_pipe_is_written_in_place),
		cmocka_unit_test(an_impossible_folder_is_an_error),
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(a_background_comes_in_between),
		cmocka_unit_test(a_background_that_is_too_long),
		cmocka_unit_test(backgrounds_that_cannot_be),
		cmocka_unit_test(tshark_finds_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
