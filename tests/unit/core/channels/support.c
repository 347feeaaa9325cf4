#include "support.h"

#include "core/channels/growth.h"

#include <sys/ioctl.h>

void start_console(struct fixture *fixture, enum console_endpoint endpoint)
{
	struct error error = {0};
	fixture->console = console_create(fixture->harness->loop, fixture->growth, fixture->harness->dirfd,
					  "uart", endpoint, &error);
	assert_non_null(fixture->console);
	fixture->guest_output = openat(fixture->harness->dirfd, "uart.out", O_RDWR | O_CLOEXEC);
	fixture->guest_input = openat(fixture->harness->dirfd, "uart.in", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(fixture->guest_output >= 0 && fixture->guest_input >= 0);
}

void guest_prints(struct fixture *fixture, const char *text)
{
	write_text(fixture->guest_output, text);
	fixture->written += (int64_t) strlen(text);
}

void guest_floods(struct fixture *fixture, size_t length)
{
	char *bytes = malloc(length);
	pattern_fill(bytes, length, fixture->written, false);
	write_whole(fixture->guest_output, bytes, length);
	fixture->written += (int64_t) length;
	free(bytes);
}

void expect_pattern(struct fixture *fixture, struct peer *peer, int64_t from, size_t length)
{
	peer->wanted = length;
	harness_wait_until(fixture->harness, peer_has_wanted, peer);
	assert_int_equal(peer->received.length, length);
	assert_true(pattern_matches(peer->received.data, length, from, false));
	buffer_clear(&peer->received);
}

bool guest_has_input(void *data)
{
	struct fixture *fixture = data;
	int count = 0;
	ioctl(fixture->guest_input, FIONREAD, &count);
	return count > 0;
}

void expect_guest_reads(struct fixture *fixture, const char *text)
{
	char bytes[256];
	size_t length = 0;
	while (length < strlen(text)) {
		harness_wait_until(fixture->harness, guest_has_input, fixture);
		ssize_t count = read(fixture->guest_input, bytes + length, strlen(text) - length);
		assert_true(count > 0);
		length += (size_t) count;
	}
	assert_memory_equal(bytes, text, length);
}

int open_console_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->harness = harness_open("/tmp");
	fixture->growth = growth_create(fixture->harness->loop, NULL);
	fixture->guest_output = fixture->guest_input = -1;
	*state = fixture;
	return fixture->growth ? 0 : -1;
}

int close_console_fixture(void **state)
{
	struct fixture *fixture = *state;
	console_destroy(fixture->console);
	growth_destroy(fixture->growth);
	if (fixture->guest_output >= 0)
		close(fixture->guest_output);
	if (fixture->guest_input >= 0)
		close(fixture->guest_input);
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}
