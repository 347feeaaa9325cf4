#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/log.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct fixture {
	int pipe[2];
	char line[4096];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	assert_int_equal(pipe2(fixture->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->pipe[0]);
	close(fixture->pipe[1]);
	free(fixture);
	return 0;
}

static const char *take_line(struct fixture *fixture)
{
	ssize_t length = read(fixture->pipe[0], fixture->line, sizeof(fixture->line) - 1);
	fixture->line[length > 0 ? length : 0] = '\0';
	return fixture->line;
}

static void hostile_values_stay_in_their_quotes(void **state)
{
	struct fixture *fixture = *state;
	struct log *log = log_create(fixture->pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_KEY_VALUE);
	log_event(log, LOG_LEVEL_WARNING, "it.happened", "bare", "a-b/c:1", "empty", "", "quoted",
		  "x=1 \"y\"\nlevel=error", "absent", NULL, "bytes", "\xff", "last", "1", NULL);
	const char *line = take_line(fixture);
	assert_non_null(strstr(line,
			       " level=warning event=it.happened bare=a-b/c:1 empty=\"\" "
			       "quoted=\"x=1 \\\"y\\\"\\nlevel=error\" bytes=\"\xef\xbf\xbd\" last=1\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	log_destroy(log);
}

static void json_is_one_object_a_line(void **state)
{
	struct fixture *fixture = *state;
	struct log *log = log_create(fixture->pipe[1], LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_event(log, LOG_LEVEL_DEBUG, "x", "detail", "a \"b\"\n\xff", "absent", NULL, NULL);
	const char *line = take_line(fixture);
	cleanup_json json_t *json = json_parse(line, strlen(line), NULL);
	assert_string_equal(json_member_string(json, "level", ""), "debug");
	assert_string_equal(json_member_string(json, "event", ""), "x");
	assert_string_equal(json_member_string(json, "detail", ""), "a \"b\"\n\xef\xbf\xbd");
	assert_int_equal(strlen(json_member_string(json, "time", "")), 24);
	assert_int_equal(json_object_size(json), 4);
	assert_int_equal(line[strlen(line) - 1], '\n');
	log_destroy(log);
}

static void what_is_below_the_level_is_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct log *log = log_create(fixture->pipe[1], LOG_LEVEL_WARNING, LOG_FORMAT_KEY_VALUE);
	log_event(log, LOG_LEVEL_INFO, "x", NULL);
	assert_string_equal(take_line(fixture), "");
	log_set_level(log, LOG_LEVEL_INFO);
	log_event(log, LOG_LEVEL_INFO, "x", NULL);
	assert_non_null(strstr(take_line(fixture), "event=x\n"));
	log_event(NULL, LOG_LEVEL_ERROR, "x", NULL);
	log_destroy(log);
}

static void levels_have_names(void **state)
{
	(void) state;
	enum log_level level = LOG_LEVEL_ERROR;
	assert_int_equal(log_level_from_text("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_from_text("loud", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

static void held_lines_come_together_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct log *log = log_create(fixture->pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_KEY_VALUE);
	log_hold(log);
	log_hold(log);
	log_event(log, LOG_LEVEL_INFO, "first", NULL);
	log_release(log);
	log_event(log, LOG_LEVEL_INFO, "second", NULL);
	assert_string_equal(take_line(fixture), "");
	log_release(log);
	const char *first = strstr(take_line(fixture), "event=first\n");
	assert_non_null(first);
	assert_non_null(strstr(first, "event=second\n"));
	log_event(log, LOG_LEVEL_INFO, "third", NULL);
	assert_non_null(strstr(take_line(fixture), "event=third\n"));
	log_destroy(log);
}

static void a_warning_takes_what_is_held_with_it(void **state)
{
	struct fixture *fixture = *state;
	struct log *log = log_create(fixture->pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_hold(log);
	log_event(log, LOG_LEVEL_INFO, "first", NULL);
	log_event(log, LOG_LEVEL_WARNING, "second", NULL);
	const char *first = strstr(take_line(fixture), "\"first\"}\n{");
	assert_non_null(first);
	assert_non_null(strstr(first, "\"second\"}\n"));
	log_event(log, LOG_LEVEL_INFO, "third", NULL);
	assert_string_equal(take_line(fixture), "");
	log_destroy(log);
	assert_non_null(strstr(take_line(fixture), "third"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(hostile_values_stay_in_their_quotes), TEST(json_is_one_object_a_line),
	    TEST(what_is_below_the_level_is_left_out), TEST(levels_have_names),
	    TEST(held_lines_come_together_in_order),   TEST(a_warning_takes_what_is_held_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
