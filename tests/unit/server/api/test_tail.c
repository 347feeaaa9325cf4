#include "tests/unit/core/channels/harness.h"

#include "server/api/pump.h"

/* ---- a board that does as it is told: tail knows it by these calls alone ---- */

struct board {
	int64_t start_number;
	const char *state;
	board_condition *condition;
	void (*on_result)(struct board *board, enum board_wait_result result, void *data);
	void *data;
	int waits;
};

int64_t board_start_number(const struct board *board)
{
	return board->start_number;
}

const char *board_state(const struct board *board)
{
	return board->state;
}

bool board_is_over(const struct board *board)
{
	return strcmp(board->state, "running") != 0;
}

struct board_wait *board_wait_begin(struct board *board, board_condition *condition, uint64_t timeout_ms,
				    void (*on_result)(struct board *board, enum board_wait_result result,
						      void *data),
				    void *data, struct error *error)
{
	(void) timeout_ms;
	(void) error;
	board->condition = condition;
	board->on_result = on_result;
	board->data = data;
	board->waits++;
	return (struct board_wait *) board;
}

void board_wait_cancel(struct board_wait *wait)
{
	if (wait)
		((struct board *) wait)->waits--;
}

static void set_state(struct board *board, const char *state)
{
	board->state = state;
	assert_int_equal(board->condition(board, board->data), BOARD_REACHED);
	board->waits--;
	board->on_result(board, BOARD_WAIT_DONE, board->data);
}

/* ---- the fixture: a file, and one reader of it by a pump ---- */

enum { END_NOT_YET = 1 };

struct fixture {
	struct harness *harness;
	struct growth *growth;
	int writer;
	struct board board;
	struct pump *pump;
	struct buffer got;
	int64_t next_offset; /* where the next bytes must lie */
	int64_t wanted;
	int result;        /* of on_bytes */
	int written_while; /* that many bytes, one in each on_bytes */
	int chunks, gaps, end;
	size_t longest;
};

static int on_bytes(int64_t offset, const void *bytes, size_t length, void *data)
{
	struct fixture *fixture = data;
	assert_int_equal(offset, fixture->next_offset);
	assert_int_equal(buffer_append(&fixture->got, bytes, length), 0);
	fixture->next_offset = offset + (int64_t) length;
	fixture->chunks++;
	if (length > fixture->longest)
		fixture->longest = length;
	if (fixture->written_while > 0) {
		fixture->written_while--;
		assert_int_equal(write(fixture->writer, "x", 1), 1);
	}
	return fixture->result;
}

static void on_gap(int64_t offset, void *data)
{
	struct fixture *fixture = data;
	assert_true(offset > fixture->next_offset);
	fixture->next_offset = offset;
	fixture->gaps++;
}

static void on_end(int number, void *data)
{
	struct fixture *fixture = data;
	assert_int_equal(fixture->end, END_NOT_YET);
	fixture->end = number;
}

static const struct pump_sink sink = {.on_bytes = on_bytes, .on_gap = on_gap, .on_end = on_end};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->harness = harness_open("/tmp");
	fixture->growth = growth_create(fixture->harness->loop, NULL);
	fixture->writer =
	    openat(fixture->harness->dirfd, "x.out", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fixture->writer >= 0);
	fixture->board = (struct board){.start_number = 1, .state = "running"};
	fixture->end = END_NOT_YET;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	pump_destroy(fixture->pump);
	assert_int_equal(fixture->board.waits, 0);
	growth_destroy(fixture->growth);
	close(fixture->writer);
	buffer_finish(&fixture->got);
	harness_close(fixture->harness);
	free(fixture);
	return 0;
}

static struct tail_options options_of(struct fixture *fixture)
{
	return (struct tail_options){
	    .fd = openat(fixture->harness->dirfd, "x.out", O_RDONLY | O_CLOEXEC),
	    .limit = INT64_MAX,
	    .growth = fixture->growth,
	    .board = &fixture->board,
	    .start_number = 1,
	};
}

static void begin(struct fixture *fixture, const struct tail_options *options)
{
	struct error error;
	fixture->next_offset = options->offset;
	fixture->pump = pump_create(fixture->harness->loop, options, &sink, fixture, &error);
	assert_non_null(fixture->pump);
	pump_resume(fixture->pump);
	assert_int_equal(fixture->chunks, 0);
}

static void put(struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->writer, text, strlen(text)), strlen(text));
}

static void put_many(struct fixture *fixture, size_t length)
{
	char *bytes = malloc(length);
	assert_non_null(bytes);
	memset(bytes, 'x', length);
	assert_int_equal(write(fixture->writer, bytes, length), length);
	free(bytes);
}

static bool has_wanted(void *data)
{
	const struct fixture *fixture = data;
	return fixture->next_offset >= fixture->wanted;
}

static void wait_for(struct fixture *fixture, int64_t offset)
{
	fixture->wanted = offset;
	harness_wait_until(fixture->harness, has_wanted, fixture);
}

static bool has_ended(void *data)
{
	const struct fixture *fixture = data;
	return fixture->end != END_NOT_YET;
}

static void wait_for_end(struct fixture *fixture)
{
	harness_wait_until(fixture->harness, has_ended, fixture);
	assert_int_equal(fixture->end, 0);
}

/* ---- the tests ---- */

static void what_is_there_comes_and_then_what_is_written(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	put(fixture, "before");
	begin(fixture, &options);
	wait_for(fixture, 6);
	put(fixture, " after");
	wait_for(fixture, 12);
	assert_string_equal(fixture->got.data, "before after");
	assert_int_equal(fixture->end, END_NOT_YET);
}

static void reader_begins_at_its_offset(void **state)
{
	struct fixture *fixture = *state;
	struct tail_options options = options_of(fixture);
	put(fixture, "0123456789");
	options.offset = 7;
	begin(fixture, &options);
	wait_for(fixture, 10);
	assert_string_equal(fixture->got.data, "789");
}

static void last_byte_comes_before_the_end(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	begin(fixture, &options);
	put(fixture, "last words");
	set_state(&fixture->board, "failed");
	wait_for_end(fixture);
	assert_string_equal(fixture->got.data, "last words");
	assert_int_equal(tail_end(pump_tail(fixture->pump)), TAIL_FAILED);
	assert_null(tail_board(pump_tail(fixture->pump)));
}

static void later_start_ends_an_earlier_one(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	put(fixture, "one");
	fixture->board.start_number = 2;
	begin(fixture, &options);
	wait_for_end(fixture);
	assert_string_equal(fixture->got.data, "one");
	assert_int_equal(tail_end(pump_tail(fixture->pump)), TAIL_ENDED);
}

static void deletion_ends_it(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	begin(fixture, &options);
	put(fixture, "kept");
	assert_ptr_equal(tail_board(pump_tail(fixture->pump)), &fixture->board);
	fixture->board.waits--;
	fixture->board.on_result(NULL, BOARD_WAIT_DELETED, fixture->board.data);
	wait_for_end(fixture);
	assert_string_equal(fixture->got.data, "kept");
	assert_int_equal(tail_end(pump_tail(fixture->pump)), TAIL_DELETED);
}

static void file_that_is_not_followed_ends_where_it_ends(void **state)
{
	struct fixture *fixture = *state;
	struct tail_options options = options_of(fixture);
	options.growth = NULL;
	put(fixture, "all");
	begin(fixture, &options);
	wait_for_end(fixture);
	assert_string_equal(fixture->got.data, "all");
}

static void limit_ends_it(void **state)
{
	struct fixture *fixture = *state;
	struct tail_options options = options_of(fixture);
	options.limit = 4;
	put(fixture, "ab");
	begin(fixture, &options);
	wait_for(fixture, 2);
	put(fixture, "cdef");
	wait_for_end(fixture);
	assert_string_equal(fixture->got.data, "abcd");
}

static void moved_file_is_read_on(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	begin(fixture, &options);
	assert_int_equal(renameat(fixture->harness->dirfd, "x.out", fixture->harness->dirfd, "y.out"), 0);
	put(fixture, "moved");
	wait_for(fixture, 5);
	assert_string_equal(fixture->got.data, "moved");
}

static void much_comes_in_chunks(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	const int64_t length = 10 * PUMP_CHUNK_BYTES;
	put_many(fixture, (size_t) length);
	begin(fixture, &options);
	wait_for(fixture, length);
	assert_int_equal(fixture->chunks, 10);
	assert_int_equal(fixture->longest, PUMP_CHUNK_BYTES);
}

static void reader_does_not_chase_a_writer_byte_by_byte(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	const int rounds = 10;
	fixture->written_while = rounds;
	int64_t began_ms = clock_monotonic_ms();
	put(fixture, "x");
	begin(fixture, &options);
	wait_for(fixture, rounds + 1);
	assert_true(clock_monotonic_ms() - began_ms >= (rounds - 1) * (GROWTH_PACE_MS - 1));
}

static void full_sink_is_given_nothing_until_it_asks(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	put_many(fixture, 3 * PUMP_CHUNK_BYTES);
	fixture->result = -EAGAIN;
	begin(fixture, &options);
	wait_for(fixture, PUMP_CHUNK_BYTES);
	set_state(&fixture->board, "exited");
	harness_settle(fixture->harness, 30);
	assert_int_equal(fixture->chunks, 1);
	assert_int_equal(fixture->end, END_NOT_YET);
	fixture->result = 0;
	pump_resume(fixture->pump);
	assert_int_equal(fixture->chunks, 1);
	wait_for_end(fixture);
	assert_int_equal(fixture->chunks, 3);
}

static void sink_that_refuses_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	put(fixture, "a");
	fixture->result = -EPIPE;
	begin(fixture, &options);
	wait_for(fixture, 1);
	put(fixture, "b");
	set_state(&fixture->board, "exited");
	harness_settle(fixture->harness, 30);
	assert_int_equal(fixture->chunks, 1);
	assert_int_equal(fixture->end, END_NOT_YET);
}

static void gap_is_told_to_a_reader_that_was_too_slow(void **state)
{
	struct fixture *fixture = *state;
	const struct tail_options options = options_of(fixture);
	put_many(fixture, 4 * 4096);
	int punched =
	    fallocate(fixture->writer, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t) 3 * 4096);
	if (punched < 0)
		skip(); /* not on this file system */
	begin(fixture, &options);
	wait_for(fixture, (int64_t) 4 * 4096);
	assert_int_equal(fixture->gaps, 1);
	assert_int_equal(fixture->got.length, 4096);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_there_comes_and_then_what_is_written),
	    TEST(reader_begins_at_its_offset),
	    TEST(last_byte_comes_before_the_end),
	    TEST(later_start_ends_an_earlier_one),
	    TEST(deletion_ends_it),
	    TEST(file_that_is_not_followed_ends_where_it_ends),
	    TEST(limit_ends_it),
	    TEST(moved_file_is_read_on),
	    TEST(much_comes_in_chunks),
	    TEST(reader_does_not_chase_a_writer_byte_by_byte),
	    TEST(full_sink_is_given_nothing_until_it_asks),
	    TEST(sink_that_refuses_is_left_alone),
	    TEST(gap_is_told_to_a_reader_that_was_too_slow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
