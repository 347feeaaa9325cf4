/* GET /instances/{id} a second, against a libmicrohttpd that answers the same bytes from memory. */

#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 7
#define SECONDS "2"
#define CONNECTIONS "32"

/* What the bare server says: emud's own headers, but for those the library makes, and body. */
struct answer {
	char *headers;
	char *body;
};

static struct MHD_Response *make_response(const struct answer *answer)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(strlen(answer->body), answer->body, MHD_RESPMEM_PERSISTENT);
	char *rest = strdup(answer->headers);
	char *save;
	strtok_r(rest, "\r\n", &save);
	for (char *line; (line = strtok_r(NULL, "\r\n", &save));) {
		char *colon = strchr(line, ':');
		if (!colon || !strncasecmp(line, "Content-Length", 14) || !strncasecmp(line, "Date", 4) ||
		    !strncasecmp(line, "Connection", 10))
			continue;
		*colon = '\0';
		MHD_add_response_header(response, line, colon + 1 + strspn(colon + 1, " "));
	}
	free(rest);
	return response;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	static int started;
	(void) url;
	(void) method;
	(void) version;
	(void) upload;
	(void) upload_size;
	if (!*request) {
		*request = &started;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, data);
}

/* The same way of driving the library as emud's: one thread, its epoll descriptor in a loop. */
_Noreturn static void serve(int listener, const struct answer *answer)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct MHD_Daemon *daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, 0, NULL, NULL, on_request,
	    make_response(answer), MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_END);
	if (!daemon)
		fail("libmicrohttpd does not start");
	struct pollfd fd = {.fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			    .events = POLLIN};
	for (;;) {
		MHD_UNSIGNED_LONG_LONG timeout = 1000;
		MHD_get_timeout(daemon, &timeout);
		poll(&fd, 1, (int) timeout);
		MHD_run(daemon);
	}
}

static pid_t start_bare(const struct answer *answer, int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *) &address, size) || listen(listener, 128) ||
	    getsockname(listener, (struct sockaddr *) &address, &size))
		fail("listen: %m");
	*ret_port = ntohs(address.sin_port);
	pid_t pid = fork();
	if (pid == 0)
		serve(listener, answer);
	close(listener);
	return pid;
}

/* Requests a second as wrk counts them. */
static double load(int port, const char *path)
{
	char command[512];
	snprintf(command, sizeof(command), "wrk -t1 -c" CONNECTIONS " -d" SECONDS "s http://127.0.0.1:%d%s",
		 port, path);
	FILE *output = popen(command, "r");
	if (!output)
		fail("wrk: %m");
	double result = 0;
	char line[512];
	while (fgets(line, sizeof(line), output)) {
		sscanf(line, "Requests/sec: %lf", &result);
		if (strstr(line, "Non-2xx") || strstr(line, "Socket errors"))
			fputs(line, stdout);
	}
	pclose(output);
	return result;
}

void bench_requests(struct service *service)
{
	static const char what[] = "GET /instances/{id} a second";
	if (system("command -v wrk >/dev/null")) {
		table_skipped(what, "wrk is not installed");
		return;
	}
	service_create(service, "requests", "hello", "");
	struct answer answer;
	http_call(&service->http, "GET", "/instances/requests", NULL, &answer.headers, &answer.body);
	int bare_port;
	pid_t bare_server = start_bare(&answer, &bare_port);
	/* Too long without a call for a kept-alive connection. */
	http_close(&service->http);
	double bare[ROUNDS];
	double emud[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = load(bare_port, "/instances/requests") / 1e3;
		emud[round] = load(service->port, "/instances/requests") / 1e3;
	}
	http_connect(&service->http, service->port);
	table_ratio(what, "0.8 or more", (struct sample){emud, ROUNDS}, (struct sample){bare, ROUNDS}, "k/s");
	kill(bare_server, SIGKILL);
	waitpid(bare_server, NULL, 0);
	free(answer.headers);
	free(answer.body);
	service_delete(service, "requests");
}
