/* Test cases are found in all of the output, whoever has read how much of it. */

#include "../../scratch.h"

#include "core/base/cleanup.h"
#include "server/runs/run_reader.h"

#include <jansson.h>

static const char output[] = "boot\n"
			     "[ RUN      ] A.first\n[       OK ] A.first\n"
			     "[ RUN      ] A.second\n[  FAILED  ] A.second\n"
			     "[ RUN      ] A.third\n[       OK ] A.third\n";

enum { OUTPUT_BYTES = sizeof(output) - 1 };

struct reader_fixture {
	struct scratch scratch;
	int fd;
	struct run_reader *reader;
	struct expectation_options along;
	int released;
};

static void on_released(void *data)
{
	struct reader_fixture *fixture = data;
	fixture->released++;
}

static int set_up(void **state)
{
	struct reader_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	scratch_make(&fixture->scratch);
	assert_int_equal(
	    file_write_atomic(fixture->scratch.dirfd, "output", output, OUTPUT_BYTES, 0600, NULL), 0);
	fixture->fd = openat(fixture->scratch.dirfd, "output", O_RDONLY | O_CLOEXEC);
	fixture->reader = run_reader_create(on_released, fixture);
	assert_non_null(fixture->reader);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct reader_fixture *fixture = *state;
	run_reader_destroy(fixture->reader);
	close(fixture->fd);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

/* An expectation reads so far, and is done with it. */
static void read_along(struct reader_fixture *fixture, size_t length)
{
	run_reader_join(fixture->reader, &fixture->along);
	run_reader_joined(fixture->reader);
	assert_false(run_reader_is_free(fixture->reader));
	fixture->along.on_chunk(output, length, fixture->along.along_data);
	fixture->along.on_released(fixture->along.along_data);
	assert_int_equal(fixture->released, 1);
	assert_true(run_reader_is_free(fixture->reader));
}

/* The results found, a letter each. */
static void check(struct reader_fixture *fixture, int64_t end_offset, const char *results)
{
	char found[8] = "";
	char *text = run_reader_finish(fixture->reader, fixture->fd, end_offset);
	json_t *cases = text ? json_loads(text, 0, NULL) : NULL;
	size_t index;
	const json_t *each;
	json_array_foreach (cases, index, each)
		found[index] = json_string_value(json_object_get(each, "result"))[0];
	assert_string_equal(found, results);
	json_decref(cases);
	free(text);
}

static void nobody_need_have_read_along(void **state)
{
	check(*state, OUTPUT_BYTES, "pfp");
}

static void what_was_read_along_is_not_read_again(void **state)
{
	read_along(*state, OUTPUT_BYTES);
	check(*state, OUTPUT_BYTES, "pfp");
}

static void the_rest_is_read_wherever_the_others_stopped(void **state)
{
	(void) state;
	for (size_t length = 0; length <= OUTPUT_BYTES; length++) {
		void *each;
		set_up(&each);
		read_along(each, length);
		check(each, OUTPUT_BYTES, "pfp");
		tear_down(&each);
	}
}

static void what_stands_behind_the_end_is_no_part(void **state)
{
	const char *second = strstr(output, "[ RUN      ] A.second");
	check(*state, second - output, "p");
}

static void output_that_is_shorter_than_promised_is_all_there_is(void **state)
{
	check(*state, OUTPUT_BYTES + 1000, "pfp");
}

static void no_cases_are_no_text(void **state)
{
	struct reader_fixture *fixture = *state;
	assert_null(run_reader_finish(fixture->reader, fixture->fd, 5));
}

static void it_begins_where_the_expectation_does(void **state)
{
	struct reader_fixture *fixture = *state;
	const char *second = strstr(output, "[ RUN      ] A.second");
	fixture->along.tail.offset = second - output;
	read_along(fixture, 0);
	check(fixture, OUTPUT_BYTES, "fp");
}

static void destroyed_while_it_is_lent_it_goes_when_it_comes_back(void **state)
{
	struct reader_fixture *fixture = *state;
	run_reader_join(fixture->reader, &fixture->along);
	run_reader_joined(fixture->reader);
	run_reader_destroy(TAKE(fixture->reader));
	fixture->along.on_chunk(output, OUTPUT_BYTES, fixture->along.along_data);
	fixture->along.on_released(fixture->along.along_data);
	assert_int_equal(fixture->released, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(nobody_need_have_read_along, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_was_read_along_is_not_read_again, set_up, tear_down),
	    cmocka_unit_test(the_rest_is_read_wherever_the_others_stopped),
	    cmocka_unit_test_setup_teardown(what_stands_behind_the_end_is_no_part, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(output_that_is_shorter_than_promised_is_all_there_is, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(no_cases_are_no_text, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_begins_where_the_expectation_does, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(destroyed_while_it_is_lent_it_goes_when_it_comes_back, set_up,
					    tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
