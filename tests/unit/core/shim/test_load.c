#include "gdb_double.h"

#include <sys/stat.h>

/* Does what the words after "gdb.sh" say: loads, then finds the image as it was. */
#define LOADS "case \"$*\" in *'-ex load'*) echo 'Transfer rate: 8 bits/sec';; *) echo matched;; esac\n"
#define LOSES "case \"$*\" in *'-ex load'*) echo 'Transfer rate: 8 bits/sec';; *) echo MIS-MATCHED!;; esac\n"

static void load(struct outcome *outcome, const char *paused)
{
	struct fixture *fixture = outcome->fixture;
	struct stat status;
	scratch_write(&fixture->scratch, "fw.elf", "firmware");
	assert_int_equal(fstatat(fixture->scratch.dirfd, "fw.elf", &status, 0), 0);
	cleanup_free char *text =
	    text_format("{'file':{'path':'%s/fw.elf','device':%lld,'inode':%lld}%s}", fixture->scratch.path,
			(long long) status.st_dev, (long long) status.st_ino, paused ? paused : "");
	cleanup_json json_t *arguments = quoted(text);
	debug_load(fixture->instance, arguments, 5000, outcome_note, outcome);
	assert_int_equal(outcome->told, 0);
}

static void an_image_is_loaded_reset_compared_and_run(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo \"$*\" >>told\n" LOADS);
	load(&outcome, NULL);
	expect_success(&outcome);
	expect_calls("reset:5000 resume:5000");
	cleanup_free char *told = read_text(outcome.fixture, "told");
	const char *first = strstr(told, "-ex target remote gdb.sock -ex load -ex disconnect\n");
	assert_non_null(first);
	assert_non_null(strstr(first, "-ex target remote gdb.sock -ex compare-sections -ex disconnect\n"));
}

static void a_board_that_is_paused_or_to_be_stays_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	load(&outcome, ",'paused':true");
	expect_success(&outcome);
	expect_calls("reset:5000");
	fake_paused();
	load(&outcome, NULL);
	expect_success(&outcome);
	expect_calls("reset:5000");
	load(&outcome, ",'paused':false");
	expect_success(&outcome);
	expect_calls("reset:5000 resume:5000");
}

static void what_gdb_cannot_load_is_told_in_its_words(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'Transfer rate'; echo 'not in executable format' >&2; exit 1\n");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "gdb could not load the file: not in executable format\n");
	expect_calls("");
}

static void a_gdb_that_loads_nothing_is_no_success(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'nothing to load'\n");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "gdb could not load the file: nothing to load\n");
	expect_calls("");
}

static void an_image_that_the_reset_puts_away_is_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOSES);
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error",
		     "the board's reset put its first firmware back (its code lies in RAM): restart the "
		     "instance with this file instead");
	expect_calls("reset:5000");
}

static void a_reset_that_fails_ends_the_loading(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	fake.fails_at = "actions";
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "the fake fails at actions");
	expect_calls("reset:5000");
}

static void a_board_that_ends_meanwhile_ends_the_loading(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo $$ >pid; exec sleep 1000\n");
	load(&outcome, NULL);
	wait_for_file(outcome.fixture, "pid", "\n");
	instance_stop(outcome.fixture->instance);
	expect_error(&outcome, "not_running", "the instance ended while gdb was at work");
	wait_for_end(outcome.fixture);
	expect_calls("ended:fake:15 destroy");
}

/* The emulator takes its time to end, and gdb is done before that. */
static void a_board_that_is_stopping_when_gdb_has_loaded_is_not_reset(void **state)
{
	struct outcome outcome = {.fixture = *state};
	static const char *const argv[] = {"sh", "-c", "trap '' TERM; echo ready; exec sleep 1000", NULL};
	fake.argv = argv;
	run_with_gdb(outcome.fixture, "until test -e go; do sleep 0.01; done\n" LOADS);
	wait_for_file(outcome.fixture, "fake.log", "ready");
	load(&outcome, NULL);
	instance_stop(outcome.fixture->instance);
	scratch_write(&outcome.fixture->scratch, "go", "");
	expect_error(&outcome, "not_running", "board is stopping, not running");
	expect_calls("");
	kill(process_of(outcome.fixture, "fake"), SIGKILL);
	wait_for_end(outcome.fixture);
}

static void without_a_file_there_is_nothing_to_load(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	debug_load(outcome.fixture->instance, NULL, 5000, outcome_note, &outcome);
	expect_error(&outcome, "bad_request", "load needs a file");
	expect_calls("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_image_is_loaded_reset_compared_and_run),
	    TEST(a_board_that_is_paused_or_to_be_stays_so),
	    TEST(what_gdb_cannot_load_is_told_in_its_words),
	    TEST(a_gdb_that_loads_nothing_is_no_success),
	    TEST(an_image_that_the_reset_puts_away_is_told),
	    TEST(a_reset_that_fails_ends_the_loading),
	    TEST(a_board_that_ends_meanwhile_ends_the_loading),
	    TEST(a_board_that_is_stopping_when_gdb_has_loaded_is_not_reset),
	    TEST(without_a_file_there_is_nothing_to_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
