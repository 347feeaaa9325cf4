#include "core/emulators/renode/network.h"

#include "core/base/cleanup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { FIRST_PORT = 20000, LAST_PORT = 60000 };

struct network {
	struct namespaces *namespaces; /* NULL: on the host */
	struct adoption adoption;      /* of a Renode that is not ours; connect NULL otherwise */
	uint16_t next_port;
};

struct network *network_create(struct error *error)
{
	struct network *network = calloc(1, sizeof(*network));
	if (!network) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	network->next_port = FIRST_PORT;
	network->namespaces = namespaces_create(NULL);
	return network;
}

struct network *network_create_adopted(const struct adoption *adoption, struct error *error)
{
	struct network *network = calloc(1, sizeof(*network));
	if (network)
		network->adoption = *adoption;
	else
		error_set(error, -ENOMEM, NULL, "no memory");
	return network;
}

void network_destroy(struct network *network)
{
	if (!network)
		return;
	namespaces_destroy(network->namespaces);
	free(network);
}

const struct namespaces *network_namespaces(const struct network *network)
{
	return network->namespaces;
}

static int open_socket(struct network *network, struct error *error)
{
	if (network->namespaces)
		return namespaces_socket(network->namespaces, error);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 ? fd : error_set_errno(error, -errno, NULL, "cannot make a socket");
}

/* On all addresses, as Renode will bind it. */
static uint16_t find_free_port(struct error *error)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *) &address, &size) < 0) {
		error_set_errno(error, -errno, NULL, "cannot find a free port");
		return 0;
	}
	return ntohs(address.sin_port);
}

uint16_t network_pick_port(struct network *network, struct error *error)
{
	if (!network->namespaces)
		return find_free_port(error);
	if (network->next_port > LAST_PORT)
		network->next_port = FIRST_PORT;
	return network->next_port++;
}

static const char *channel_of(uint16_t port)
{
	return port == NETWORK_ADOPTED_ROBOT ? "robot" : "gdb";
}

void network_hang_up(struct network *network, uint16_t port)
{
	if (network->adoption.on_closed)
		network->adoption.on_closed(channel_of(port), network->adoption.data);
}

int network_dial(struct network *network, uint16_t port, struct error *error)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int on = 1;
	if (network->adoption.connect)
		return network->adoption.connect(channel_of(port), network->adoption.data, error);
	cleanup_close int fd = open_socket(network, error);
	if (fd < 0)
		return fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 && errno != EINPROGRESS)
		return error_set_errno(error, -errno, "emulator_unavailable", "Renode's port %u", port);
	return TAKE_FD(fd);
}
