#include "support.h"

#include "core/shim/helpers.h"

/* Helpers beside the channels of a running instance, in a crew of their own. */
struct helpers_fixture {
	struct fixture *fixture;
	struct handles *handles;
	struct crew *crew;
	struct channels *channels;
	struct helpers_context context;
};

static const struct channel_plan plan[] = {
    {.name = (char *) "serial0", .kind = CHANNEL_CONSOLE},
    {.name = (char *) "serial1", .kind = CHANNEL_CONSOLE, .pty = true},
    {.name = (char *) "gdb", .kind = CHANNEL_GDB, .socket_name = (char *) "gdb.sock"},
    {.name = (char *) "qmp", .kind = CHANNEL_CONTROL, .pty = true, .socket_name = (char *) "qmp.sock"},
};

static void on_exit_told(const char *name, const struct process_end *end, void *data)
{
	(void) name;
	(void) end;
	(void) data;
}

static void open_helpers(struct helpers_fixture *helpers, bool raw)
{
	const struct fixture *fixture = helpers->fixture;
	static const char *const none[] = {NULL};
	helpers->handles = handles_create("fake", "toy", "/config.json", none);
	const struct crew_options crew = {
	    .loop = fixture->loop,
	    .dirfd = fixture->scratch.dirfd,
	    .directory = fixture->scratch.path,
	    .environment = none,
	    .handles = helpers->handles,
	    .on_exit = on_exit_told,
	};
	helpers->crew = crew_create(&crew, NULL);
	const struct channels_options channels = {
	    .loop = fixture->loop,
	    .dirfd = fixture->scratch.dirfd,
	    .plan = plan,
	    .count = sizeof(plan) / sizeof(plan[0]),
	    .raw = raw,
	};
	helpers->channels = channels_create(&channels, helpers->handles, NULL);
	assert_non_null(helpers->channels);
	helpers->context =
	    (struct helpers_context){.state_dir = fixture->scratch.path, .channels = helpers->channels};
}

static int make_helpers(void **state)
{
	struct helpers_fixture *helpers = calloc(1, sizeof(*helpers));
	int result = fixture_open((void **) &helpers->fixture);
	*state = helpers;
	return result;
}

static int drop_helpers(void **state)
{
	struct helpers_fixture *helpers = *state;
	struct fixture *fixture = helpers->fixture;
	crew_destroy(helpers->crew);
	channels_destroy(helpers->channels);
	handles_destroy(helpers->handles);
	free(helpers);
	return fixture_close((void **) &fixture);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_helpers, drop_helpers)

static int start(struct helpers_fixture *helpers, const char *commands, struct error *error)
{
	cleanup_json json_t *json = quoted(commands);
	return helpers_start(helpers->crew, json, &helpers->context, error);
}

/* What a helper that echoes its argument is told. */
static void expect_words(struct helpers_fixture *helpers, const char *expression, const char *wanted)
{
	struct fixture *fixture = helpers->fixture;
	struct error error;
	cleanup_free char *commands = text_format("[{'name':'echo','command':['echo','%s.']}]", expression);
	if (start(helpers, commands, &error) < 0)
		fail_msg("%s", error.message);
	cleanup_free char *line = text_format("%s.\n", wanted);
	wait_for_file(fixture, "echo.log", ".\n");
	cleanup_free char *log = read_text(fixture, "echo.log");
	assert_string_equal(log, line);
	crew_signal(helpers->crew, SIGKILL);
}

static void expect_refusal(struct helpers_fixture *helpers, const char *expression, const char *kind)
{
	struct error error;
	cleanup_free char *commands = text_format("[{'name':'odd','command':['echo','%s']}]", expression);
	assert_int_equal(start(helpers, commands, &error), -EINVAL);
	assert_string_equal(error.code, "invalid_value");
	assert_true(text_starts_with(error.message, "helper odd: "));
	assert_non_null(strstr(error.message, kind));
	assert_int_equal(crew_count(helpers->crew), 0);
}

static void helpers_are_told_where_channels_and_files_are(void **state)
{
	struct helpers_fixture *helpers = *state;
	const struct fixture *fixture = helpers->fixture;
	open_helpers(helpers, true);
	cleanup_free char *directory = text_format("%s/firmware.bin", fixture->scratch.path);
	cleanup_free char *console =
	    text_format("127.0.0.1:%u", console_port(channels_console(helpers->channels, "serial0")));
	cleanup_free char *tunnel = text_format("%u", tunnel_port(channels_tunnel(helpers->channels, "gdb")));
	const char *console_path = console_pty_path(channels_console(helpers->channels, "serial1"));
	const char *tunnel_path = tunnel_pty_path(channels_tunnel(helpers->channels, "qmp"));
	expect_words(helpers, "$pw_emu_wdir{firmware.bin}", directory);
	expect_words(helpers, "$pw_emu_channel_host{serial0}:$pw_emu_channel_port{serial0}", console);
	expect_words(helpers, "$pw_emu_channel_port{gdb}", tunnel);
	expect_words(helpers, "$pw_emu_channel_path{serial1}", console_path);
	expect_words(helpers, "$pw_emu_channel_path{qmp}", tunnel_path);
	expect_words(helpers, "$HOME ${x} $pw_odd", "$HOME ${x} $pw_odd");
}

static void what_the_target_does_not_have_is_refused(void **state)
{
	struct helpers_fixture *helpers = *state;
	open_helpers(helpers, true);
	expect_refusal(helpers, "$pw_emu_channel_port{serial9}", "$pw_emu_channel_port{serial9}");
	expect_refusal(helpers, "$pw_emu_channel_port{serial1}", "$pw_emu_channel_port{serial1}");
	expect_refusal(helpers, "$pw_emu_channel_host{qmp}", "$pw_emu_channel_host{qmp}");
	expect_refusal(helpers, "$pw_emu_channel_path{serial0}", "$pw_emu_channel_path{serial0}");
	expect_refusal(helpers, "$pw_emu_channel_path{gdb}", "$pw_emu_channel_path{gdb}");
	expect_refusal(helpers, "$pw_emu_other{serial0}", "$pw_emu_other{serial0}");
}

static void without_raw_channels_none_can_be_named(void **state)
{
	struct helpers_fixture *helpers = *state;
	open_helpers(helpers, false);
	expect_refusal(helpers, "$pw_emu_channel_port{serial0}", "$pw_emu_channel_port{serial0}");
	expect_refusal(helpers, "$pw_emu_channel_path{serial1}", "$pw_emu_channel_path{serial1}");
	expect_refusal(helpers, "$pw_emu_channel_port{gdb}", "$pw_emu_channel_port{gdb}");
}

static void helpers_are_started_in_their_order_up_to_the_first_that_fails(void **state)
{
	struct helpers_fixture *helpers = *state;
	const struct fixture *fixture = helpers->fixture;
	struct error error;
	open_helpers(helpers, true);
	assert_true(start(helpers,
			  "[{'name':'one','command':['sleep','1000']},{'name':'two','command':['/nowhere']},"
			  "{'name':'three','command':['sleep','1000']}]",
			  &error) < 0);
	assert_true(text_starts_with(error.message, "helper: two: "));
	assert_int_equal(crew_count(helpers->crew), 1);
	assert_true(scratch_has(&fixture->scratch, "one.pid"));
	assert_false(scratch_has(&fixture->scratch, "three.pid"));
}

static void no_helpers_are_no_error(void **state)
{
	struct helpers_fixture *helpers = *state;
	open_helpers(helpers, true);
	assert_int_equal(start(helpers, "[]", NULL), 0);
	assert_int_equal(helpers_start(helpers->crew, NULL, &helpers->context, NULL), 0);
	assert_int_equal(crew_count(helpers->crew), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(helpers_are_told_where_channels_and_files_are),
	    TEST(what_the_target_does_not_have_is_refused),
	    TEST(without_raw_channels_none_can_be_named),
	    TEST(helpers_are_started_in_their_order_up_to_the_first_that_fails),
	    TEST(no_helpers_are_no_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
