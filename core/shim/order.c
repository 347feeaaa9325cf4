#include "core/shim/order.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ORDER_FDS_MIN = 2, ORDER_FDS_MAX = 3 };

union ancillary {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(ORDER_FDS_MAX * sizeof(int))];
};

int shim_order_send(int fd, const struct shim_order *order, struct error *error)
{
	const int fds[ORDER_FDS_MAX] = {order->listen_fd, order->state_fd, order->firmware_fd};
	size_t count = order->firmware_fd >= 0 ? ORDER_FDS_MAX : ORDER_FDS_MIN;
	char byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union ancillary ancillary = {0};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = ancillary.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&ancillary.header), fds, count * sizeof(int));
	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? error_set_errno(error, -errno, NULL, "emud-shim does not take its order") : 0;
}

int shim_order_receive(int fd, struct shim_order *ret_order, struct error *error)
{
	int fds[ORDER_FDS_MAX] = {-1, -1, -1};
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
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	size_t count = 0;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count <= ORDER_FDS_MAX && count > 0)
		memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	if (count < ORDER_FDS_MIN) {
		/* The limit of descriptors cuts an order short. */
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		return error_set(error, -EMFILE, "no_descriptors", "the order came without its descriptors");
	}
	*ret_order = (struct shim_order){.listen_fd = fds[0], .state_fd = fds[1], .firmware_fd = fds[2]};
	return 0;
}
