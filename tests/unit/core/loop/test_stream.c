#include "support.h"

#include "core/base/buffer.h"
#include "core/loop/stream.h"

struct end {
	struct stream *stream;
	struct buffer received;
	int drains, ends, number;
	bool done; /* ended */
	bool destroy_on_data, destroy_on_end, destroy_on_drain, pause_on_data, answers;
};

static void on_data(const char *bytes, size_t length, void *data)
{
	struct end *end = data;
	buffer_append(&end->received, bytes, length);
	if (end->answers)
		stream_write(end->stream, bytes, length);
	if (end->pause_on_data)
		stream_set_reading(end->stream, false);
	if (end->destroy_on_data)
		stream_destroy(TAKE(end->stream));
}

static void on_end(int number, void *data)
{
	struct end *end = data;
	end->ends++;
	end->number = number;
	end->done = true;
	if (end->destroy_on_end)
		stream_destroy(TAKE(end->stream));
}

static void on_drain(void *data)
{
	struct end *end = data;
	end->drains++;
	if (end->destroy_on_drain)
		stream_destroy(TAKE(end->stream));
}

static const struct stream_events events = {.on_data = on_data, .on_end = on_end, .on_drain = on_drain};

/* A stream and, as the descriptor returned, its peer. */
static int open_stream(struct loop *loop, struct end *end)
{
	int pair[2];
	*end = (struct end){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	end->stream = stream_create(loop, pair[0], &events, end, NULL);
	assert_non_null(end->stream);
	assert_int_equal(stream_fd(end->stream), pair[0]);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	return pair[1];
}

static void close_stream(struct end *end)
{
	stream_destroy(end->stream);
	buffer_finish(&end->received);
}

static size_t read_all(int fd, struct buffer *out)
{
	char bytes[65536];
	size_t sum = 0;
	for (ssize_t count; (count = read(fd, bytes, sizeof(bytes))) > 0; sum += (size_t) count)
		buffer_append(out, bytes, (size_t) count);
	return sum;
}

static void bytes_go_both_ways(void **state)
{
	struct end end;
	cleanup_close int peer = open_stream(*state, &end);
	assert_int_equal(stream_write(end.stream, "there", 5), 0);
	char bytes[8] = {0};
	assert_int_equal(read(peer, bytes, sizeof(bytes)), 5);
	assert_int_equal(write(peer, "back", 4), 4);
	run_loop_for(*state, 10);
	assert_string_equal(end.received.data, "back");
	close_stream(&end);
}

enum { LARGE = 3 * 1024 * 1024 };

static void what_the_peer_does_not_take_is_queued_and_nothing_lost(void **state)
{
	struct end end;
	cleanup_close int peer = open_stream(*state, &end);
	cleanup_buffer struct buffer seen = {0};
	char *bytes = malloc(LARGE);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char) (i * 7 + i / 251);
	for (size_t at = 0; at < LARGE; at += LARGE / 8)
		assert_int_equal(stream_write(end.stream, bytes + at, LARGE / 8), 0);
	size_t queued = stream_queued_bytes(end.stream);
	assert_in_range(queued, 1, LARGE);
	run_loop_for(*state, 5);
	assert_int_equal(stream_queued_bytes(end.stream), queued);
	assert_int_equal(end.drains, 0);
	while (seen.length < LARGE && read_all(peer, &seen))
		run_loop_for(*state, 3);
	assert_int_equal(seen.length, LARGE);
	assert_memory_equal(seen.data, bytes, LARGE);
	assert_int_equal(end.drains, 1);
	assert_int_equal(stream_queued_bytes(end.stream), 0);
	free(bytes);
	close_stream(&end);
}

static void what_is_queued_is_sent_before_the_half_is_closed(void **state)
{
	struct end end;
	cleanup_close int peer = open_stream(*state, &end);
	cleanup_buffer struct buffer seen = {0};
	char *bytes = calloc(1, LARGE);
	stream_write(end.stream, bytes, LARGE);
	stream_finish_writing(end.stream);
	stream_write(end.stream, "late", 4);
	for (int i = 0; i < 1000 && seen.length < LARGE; i++) {
		read_all(peer, &seen);
		run_loop_for(*state, 2);
	}
	assert_int_equal(seen.length, LARGE);
	assert_int_equal(read(peer, bytes, 1), 0);
	assert_int_equal(write(peer, "on", 2), 2);
	run_loop_for(*state, 10);
	assert_string_equal(end.received.data, "on");
	free(bytes);
	close_stream(&end);
}

static void an_end_of_file_is_told_once_after_the_last_byte(void **state)
{
	struct end end;
	int peer = open_stream(*state, &end);
	assert_int_equal(write(peer, "last", 4), 4);
	close(peer);
	run_loop_until(*state, is_set, &end.done);
	run_loop_for(*state, 10);
	assert_string_equal(end.received.data, "last");
	assert_int_equal(end.ends, 1);
	assert_int_equal(end.number, 0);
	close_stream(&end);
}

static void a_broken_connection_is_told_later_and_once(void **state)
{
	struct end end;
	close(open_stream(*state, &end));
	stream_set_reading(end.stream, false);
	assert_int_equal(stream_write(end.stream, "x", 1), 0);
	assert_int_equal(end.ends, 0);
	assert_int_equal(stream_write(end.stream, "x", 1), 0);
	run_loop_until(*state, is_set, &end.done);
	run_loop_for(*state, 10);
	assert_int_equal(end.ends, 1);
	assert_int_equal(end.number, -EPIPE);
	assert_int_equal(stream_queued_bytes(end.stream), 0);
	close_stream(&end);
}

static void a_peer_that_goes_with_bytes_queued_breaks_it(void **state)
{
	struct end end;
	int peer = open_stream(*state, &end);
	char *bytes = calloc(1, LARGE);
	stream_set_reading(end.stream, false);
	stream_write(end.stream, bytes, LARGE);
	close(peer);
	run_loop_until(*state, is_set, &end.done);
	assert_true(end.number < 0);
	assert_int_equal(end.ends, 1);
	assert_int_equal(end.drains, 0);
	free(bytes);
	close_stream(&end);
}

static void reading_waits_while_it_is_off(void **state)
{
	struct end end;
	cleanup_close int peer = open_stream(*state, &end);
	end.pause_on_data = true;
	assert_int_equal(write(peer, "a", 1), 1);
	run_loop_for(*state, 5);
	assert_int_equal(write(peer, "b", 1), 1);
	run_loop_for(*state, 5);
	assert_string_equal(end.received.data, "a");
	stream_set_reading(end.stream, true);
	run_loop_for(*state, 5);
	assert_string_equal(end.received.data, "ab");
	close_stream(&end);
}

static void it_may_go_within_each_callback(void **state)
{
	struct end end;
	int peer = open_stream(*state, &end);
	end.destroy_on_data = true;
	assert_int_equal(write(peer, "a", 1), 1);
	close(peer);
	run_loop_for(*state, 5);
	assert_null(end.stream);
	assert_int_equal(end.ends, 0);
	buffer_finish(&end.received);

	close(open_stream(*state, &end));
	end.destroy_on_end = true;
	run_loop_until(*state, is_set, &end.done);
	assert_null(end.stream);

	peer = open_stream(*state, &end);
	cleanup_buffer struct buffer seen = {0};
	char *bytes = calloc(1, LARGE);
	end.destroy_on_drain = true;
	stream_write(end.stream, bytes, LARGE);
	assert_int_equal(write(peer, "unread", 6), 6);
	for (int i = 0; i < 1000 && !end.drains; i++) {
		read_all(peer, &seen);
		run_loop_for(*state, 2);
	}
	assert_null(end.stream);
	assert_int_equal(end.drains, 1);
	free(bytes);
	close(peer);
	buffer_finish(&end.received);
}

static void it_may_go_before_its_break_is_told(void **state)
{
	struct end end;
	close(open_stream(*state, &end));
	stream_write(end.stream, "x", 1);
	close_stream(&end);
	run_loop_for(*state, 10);
	assert_int_equal(end.ends, 0);
	stream_destroy(NULL);
}

static void a_pipe_will_do(void **state)
{
	struct end end = {0};
	int pair[2];
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	end.stream = stream_create(*state, pair[0], &events, &end, NULL);
	assert_int_equal(write(pair[1], "through", 7), 7);
	close(pair[1]);
	run_loop_until(*state, is_set, &end.done);
	assert_string_equal(end.received.data, "through");
	close_stream(&end);
	struct error error;
	assert_null(stream_create(*state, 1023, &events, &end, &error));
	assert_int_equal(error.number, -EBADF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_loop, destroy_loop)
	const struct CMUnitTest tests[] = {
	    TEST(bytes_go_both_ways),
	    TEST(what_the_peer_does_not_take_is_queued_and_nothing_lost),
	    TEST(what_is_queued_is_sent_before_the_half_is_closed),
	    TEST(an_end_of_file_is_told_once_after_the_last_byte),
	    TEST(a_broken_connection_is_told_later_and_once),
	    TEST(a_peer_that_goes_with_bytes_queued_breaks_it),
	    TEST(reading_waits_while_it_is_off),
	    TEST(it_may_go_within_each_callback),
	    TEST(it_may_go_before_its_break_is_told),
	    TEST(a_pipe_will_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
