/* The other end of the control socket: whoever asks. See control.h. */
#include "base/text.h"
#include "live/control.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 5
#define ANSWER_MAX (16U << 20) /* a full state has 150 kB */

int control_connect(const char *socket_path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	if (strlen(socket_path) >= sizeof address.sun_path) {
		error_set(err, EXIT_USAGE, "%s: a socket's name has at most %zu bytes", socket_path,
			  sizeof address.sun_path - 1);
		return -1;
	}
	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	error_set(err, EXIT_INPUT, "cannot ask at %s: %s", socket_path,
		  errno == ECONNREFUSED ? "footsteps live no longer runs there"
		  : errno == ENOENT     ? "no such socket; footsteps live makes one with --control"
					: strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_request(int fd, const char *line, struct error *err)
{
	struct text request = { 0 };
	size_t done = 0;

	text_say(&request, "%s\n", line);
	while (!request.failed && done < request.used) {
		ssize_t n = send(fd, request.bytes + done, request.used - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	bool ok = !request.failed && done == request.used;
	if (!ok)
		error_set(err, EXIT_INPUT, "footsteps live takes no request: %s", strerror(errno));
	text_drop(&request);
	return ok;
}

/* Bytes of the answer without its end; SIZE_MAX: it has not ended. */
static size_t answer_length(const struct text *t, bool many_lines)
{
	static const char end[] = "# EOF\n";
	size_t n = sizeof end - 1;

	if (t->used == 0 || t->bytes[t->used - 1] != '\n')
		return SIZE_MAX;
	/* An error is one line, also where many were asked for. */
	if (!many_lines || (t->used >= 7 && memcmp(t->bytes, "error: ", 7) == 0))
		return t->used - 1;
	if (t->used >= n && memcmp(t->bytes + t->used - n, end, n) == 0 &&
	    (t->used == n || t->bytes[t->used - n - 1] == '\n'))
		return t->used - n;
	return SIZE_MAX;
}

char *control_ask(int fd, const char *line, struct error *err)
{
	struct text answer = { 0 };
	bool many_lines = strcmp(line, "counters") == 0;
	char bytes[16384];
	size_t length;

	if (!send_request(fd, line, err))
		return NULL;
	while ((length = answer_length(&answer, many_lines)) == SIZE_MAX) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || answer.used > ANSWER_MAX) {
			error_set(err, EXIT_INPUT, "footsteps live gives no answer: %s",
				  n == 0                                    ? "it has hung up"
				  : n > 0                                   ? "it talks without end"
				  : errno == EAGAIN || errno == EWOULDBLOCK ? "nothing came for 5 s"
									    : strerror(errno));
			text_drop(&answer);
			return NULL;
		}
		text_put(&answer, bytes, (size_t)n);
		if (answer.failed) {
			text_drop(&answer);
			error_memory(err, "the answer");
			return NULL;
		}
	}
	answer.used = length;
	return text_take(&answer);
}
