#include "server/http/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct acceptor {
	int listen_fd;
	int spare_fd; /* given up to take, and refuse, a client when no descriptor is left */
	bool is_paused;
	struct loop_watch *watch;
	struct loop_timer *retry;
	void (*on_connection)(int fd, const struct sockaddr *address, socklen_t address_size, void *data);
	void *data;
};

enum { ACCEPTS_A_TURN = 32, RETRY_MS = 1000 };

static void hold_spare(struct acceptor *acceptor)
{
	if (acceptor->spare_fd < 0)
		acceptor->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A client that stays in the queue would keep the descriptor readable and the loop spinning. So take it
 * with the spare descriptor and hang up; without a spare, look away for a while. */
static void refuse_one(struct acceptor *acceptor)
{
	if (acceptor->spare_fd >= 0) {
		close(acceptor->spare_fd);
		acceptor->spare_fd = -1;
		int fd = accept4(acceptor->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		hold_spare(acceptor);
		if (acceptor->spare_fd >= 0)
			return;
	}
	loop_watch_set(acceptor->watch, 0);
	loop_timer_start(acceptor->retry, RETRY_MS);
}

static void on_retry(void *data)
{
	struct acceptor *acceptor = data;
	hold_spare(acceptor);
	if (!acceptor->is_paused)
		loop_watch_set(acceptor->watch, LOOP_READABLE);
}

static bool is_exhaustion(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
}

static void on_ready(int events, void *data)
{
	(void) events;
	struct acceptor *acceptor = data;
	for (int i = 0; i < ACCEPTS_A_TURN && !acceptor->is_paused; i++) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		int fd = accept4(acceptor->listen_fd, (struct sockaddr *) &address, &size,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			acceptor->on_connection(fd, (struct sockaddr *) &address, size, acceptor->data);
			continue;
		}
		if (is_exhaustion(errno))
			refuse_one(acceptor);
		else if (errno == ECONNABORTED || errno == EINTR)
			continue;
		return;
	}
}

/* Accepted sockets inherit these: a peer that vanished without a word is noticed within two minutes. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
		       {IPPROTO_TCP, TCP_KEEPIDLE, 60},
		       {IPPROTO_TCP, TCP_KEEPINTVL, 15},
		       {IPPROTO_TCP, TCP_KEEPCNT, 4}};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

struct acceptor *acceptor_create(struct loop *loop, int listen_fd,
				 void (*on_connection)(int fd, const struct sockaddr *address,
						       socklen_t address_size, void *data),
				 void *data, struct error *error)
{
	struct acceptor *acceptor = calloc(1, sizeof(*acceptor));
	if (!acceptor) {
		close(listen_fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*acceptor = (struct acceptor){
	    .listen_fd = listen_fd, .spare_fd = -1, .on_connection = on_connection, .data = data};
	hold_spare(acceptor);
	set_options(listen_fd);
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	acceptor->retry = loop_timer_create(loop, on_retry, acceptor, error);
	if (acceptor->retry)
		acceptor->watch =
		    loop_watch_create(loop, listen_fd, LOOP_READABLE, on_ready, acceptor, error);
	if (acceptor->watch)
		return acceptor;
	acceptor_destroy(acceptor);
	return NULL;
}

void acceptor_destroy(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	loop_watch_destroy(acceptor->watch);
	loop_timer_destroy(acceptor->retry);
	if (acceptor->spare_fd >= 0)
		close(acceptor->spare_fd);
	close(acceptor->listen_fd);
	free(acceptor);
}

void acceptor_set_paused(struct acceptor *acceptor, bool paused)
{
	if (acceptor->is_paused == paused)
		return;
	acceptor->is_paused = paused;
	loop_watch_set(acceptor->watch, paused ? 0 : LOOP_READABLE);
}

unsigned acceptor_connection_limit(void)
{
	/* A quarter, and at least 64, stays for instances, files, the store and the loop. */
	enum { RESERVE_LEAST = 64, LIMIT_MOST = 16384, LIMIT_LEAST = 8 };
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return LIMIT_LEAST;
	rlim_t reserve = limit.rlim_cur / 4 > RESERVE_LEAST ? limit.rlim_cur / 4 : RESERVE_LEAST;
	rlim_t allowed = limit.rlim_cur > reserve ? limit.rlim_cur - reserve : 0;
	if (allowed > LIMIT_MOST)
		return LIMIT_MOST;
	return allowed < LIMIT_LEAST ? LIMIT_LEAST : (unsigned) allowed;
}
