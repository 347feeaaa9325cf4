#include "core/shim/order.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ORDER_FDS_MAX = 3 };

union ancillary {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(ORDER_FDS_MAX * sizeof(int))];
};

/* The byte of an order tells by its bits which of the three come with it. */
int shim_order_send(int fd, const struct shim_order *order, struct error *error)
{
	const int all[ORDER_FDS_MAX] = {order->listen_fd, order->state_fd, order->firmware_fd};
	int fds[ORDER_FDS_MAX];
	size_t count = 0;
	char byte = 0;
	for (int i = 0; i < ORDER_FDS_MAX; i++) {
		if (all[i] < 0)
			continue;
		fds[count++] = all[i];
		byte = (char) (byte | 1 << i);
	}
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union ancillary ancillary = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (count > 0) {
		message.msg_control = ancillary.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		ancillary.header.cmsg_level = SOL_SOCKET;
		ancillary.header.cmsg_type = SCM_RIGHTS;
		ancillary.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&ancillary.header), fds, count * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? error_set_errno(error, -errno, NULL, "emud-shim does not take its order") : 0;
}

/* The descriptors that came, in order; how many. */
static size_t take_descriptors(struct msghdr *message, int fds[static ORDER_FDS_MAX])
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	return count;
}

int shim_order_receive(int fd, struct shim_order *ret_order, struct error *error)
{
	int fds[ORDER_FDS_MAX], all[ORDER_FDS_MAX] = {-1, -1, -1};
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union ancillary ancillary;
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = ancillary.bytes,
				 .msg_controllen = sizeof(ancillary.bytes)};
	ssize_t received;
	do
		received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (received < 0 && errno == EINTR);
	if (received < 0)
		return error_set_errno(error, -errno, NULL, "no order from emud");
	if (received == 0)
		return error_set(error, -EPIPE, NULL, "emud has gone");
	size_t count = take_descriptors(&message, fds), used = 0;
	for (int i = 0; i < ORDER_FDS_MAX && used < count; i++)
		if (byte & 1 << i)
			all[i] = fds[used++];
	if (used < (size_t) __builtin_popcount((unsigned char) byte)) {
		/* The limit of descriptors cuts an order short. */
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return error_set(error, -EMFILE, "no_descriptors", "the order came without its descriptors");
	}
	*ret_order = (struct shim_order){.listen_fd = all[0], .state_fd = all[1], .firmware_fd = all[2]};
	return 0;
}
