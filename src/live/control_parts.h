/* The insides of the control thread: sockets (control.c), one client (control_serve.c). */
#ifndef FS_LIVE_CONTROL_PARTS_H
#define FS_LIVE_CONTROL_PARTS_H
#include "live/control.h"
#include <pthread.h>
#include <sys/types.h>

#define CONTROL_CLIENTS_MAX 16U
#define CONTROL_LINE_MAX    256U  /* of a request, with its newline */
#define CONTROL_HTTP_MAX    8192U /* of a request to the metrics socket; Prometheus sends 300 bytes */
#define CONTROL_SEND_NS     INT64_C(2000000000)  /* for the client to send a request */
#define CONTROL_TAKE_NS     INT64_C(5000000000)  /* for the client to take an answer */
#define CONTROL_IDLE_NS     INT64_C(60000000000) /* from one request to the next */

struct control_client {
	int fd; /* -1: free */
	bool http;
	bool closing;     /* once the answer is out */
	int64_t since_ns; /* of what it is doing now */
	char line[CONTROL_LINE_MAX];
	size_t used;         /* of line; http: bytes of the request so far */
	unsigned newlines;   /* http: in a row */
	char *answer;        /* NULL: it is our turn to read */
	size_t sent, length; /* of the answer */
};

void control_client_open(struct control_client *c, int fd, bool http, int64_t now_ns);
void control_client_close(struct control_client *c);
/* Reads and writes as far as it goes without waiting; closes it when it is over. */
void control_client_serve(struct control_client *c, const struct control_options *options, int64_t now_ns);
/* When its time is up. */
int64_t control_client_deadline(const struct control_client *c);
/* Its time is up: closes it; but who sends no whole request to the metrics socket gets the metrics. */
void control_client_expire(struct control_client *c, const struct control_options *options, int64_t now_ns);
/* Neither asks nor is answered just now. */
bool control_client_idle(const struct control_client *c);
#endif
