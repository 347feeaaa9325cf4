#include "gdb_double.h"

#include <sys/stat.h>

/* Does what the words after "gdb.sh" say: loads, then finds the image as it was. */
#define LOADS "case \"$*\" in *'-ex load'*) echo 'Transfer rate: 8 bits/sec';; *) echo matched;; esac\n"
#define LOSES "case \"$*\" in *'-ex load'*) echo 'Transfer rate: 8 bits/sec';; *) echo MIS-MATCHED!;; esac\n"

#define OVERWRITTEN \
	"the board is left paused, for its memory was overwritten, perhaps in part, and it was not reset " \
	"(restart the instance): "
#define WRITTEN_AND_RESET \
	"the image was written and the board reset, but whether the image outlived the reset is not known: "

static void load_within(struct outcome *outcome, const char *paused, uint64_t timeout_ms)
{
	struct fixture *fixture = outcome->fixture;
	struct stat status;
	scratch_write(&fixture->scratch, "fw.elf", "firmware");
	assert_int_equal(fstatat(fixture->scratch.dirfd, "fw.elf", &status, 0), 0);
	cleanup_free char *text =
	    text_format("{'file':{'path':'%s/fw.elf','device':%lld,'inode':%lld}%s}", fixture->scratch.path,
			(long long) status.st_dev, (long long) status.st_ino, paused ? paused : "");
	cleanup_json json_t *arguments = quoted(text);
	debug_load(fixture->instance, arguments, timeout_ms, outcome_note, outcome);
}

static void load(struct outcome *outcome, const char *paused)
{
	load_within(outcome, paused, 5000);
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

static void a_board_that_is_to_wait_is_left_paused(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	load(&outcome, ",'paused':true");
	expect_success(&outcome);
	expect_calls("reset:5000");
	fake_paused();
	load(&outcome, ",'paused':true");
	expect_success(&outcome);
	expect_calls("reset:5000");
}

static void a_board_that_was_paused_runs_unless_it_is_to_wait(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	fake_paused();
	load(&outcome, NULL);
	expect_success(&outcome);
	expect_calls("reset:5000 resume:5000");
	assert_false(instance_is_paused(outcome.fixture->instance));
}

static void a_full_disk_holds_up_what_would_set_the_board_going(void **state)
{
	struct outcome outcome = {.fixture = *state};
	use_small_disk(outcome.fixture);
	scratch_write(&outcome.fixture->scratch, "gdb.sh", LOADS);
	run_instance(outcome.fixture, "{'gdb':['sh','./gdb.sh'],'limits':{'free_bytes':524288}}");
	fake_paused();
	fill_disk(outcome.fixture);
	load_within(&outcome, NULL, 5000);
	expect_error(&outcome, "disk_full",
		     "the disk under the state directory is full: free some space, or have the image wait "
		     "paused");
	expect_calls("");
	load(&outcome, ",'paused':true");
	expect_success(&outcome);
	expect_calls("reset:5000");
	end_instance(outcome.fixture);
	leave_small_disk(outcome.fixture);
}

static void what_gdb_cannot_load_is_told_in_its_words(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'Transfer rate'; echo 'not in executable format' >&2; exit 1\n");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "gdb could not load the file: not in executable format\n");
	expect_calls("resume:1000");
}

static void what_fails_leaves_a_paused_board_paused(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'not in executable format' >&2; exit 1\n");
	fake_paused();
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "gdb could not load the file: not in executable format\n");
	expect_calls("");
	assert_true(instance_is_paused(outcome.fixture->instance));
}

static void a_transfer_that_breaks_off_leaves_the_board_paused_and_says_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'Loading section .text'; echo 'Load failed' >&2; exit 1\n");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", OVERWRITTEN "gdb could not load the file: Load failed\n");
	expect_calls("");
}

static void a_gdb_that_hangs_before_the_transfer_leaves_the_board_running(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "case \"$*\" in *'-ex load'*) exec sleep 1000;; esac\n");
	load_within(&outcome, NULL, 100);
	expect_error(&outcome, "timeout", "gdb did not end in time; it said: nothing");
	expect_calls("resume:1000");
}

static void a_gdb_that_hangs_amid_the_transfer_leaves_the_board_paused_and_says_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture,
		     "case \"$*\" in *'-ex load'*) echo 'Loading section .text'; exec sleep 1000;; esac\n");
	load_within(&outcome, NULL, 1000);
	expect_error(&outcome, "timeout", OVERWRITTEN "gdb did not end in time; it said: nothing");
	expect_calls("");
}

static void a_gdb_that_hangs_once_it_has_written_leaves_the_board_paused_and_says_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture,
		     "case \"$*\" in *'-ex load'*) echo 'Loading section .text'; echo 'Transfer rate: 8 "
		     "bits/sec'; exec sleep 1000;; esac\n");
	load_within(&outcome, NULL, 1000);
	expect_error(&outcome, "timeout", OVERWRITTEN "gdb did not end in time; it said: nothing");
	expect_calls("");
}

static void a_gdb_that_hangs_over_the_second_look_leaves_the_board_running_and_says_what_was_done(
    void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(
	    outcome.fixture,
	    "case \"$*\" in *'-ex compare'*) exec sleep 1000;; *) echo 'Transfer rate: 8 bits/sec';; "
	    "esac\n");
	load_within(&outcome, NULL, 2000);
	expect_error(&outcome, "timeout", WRITTEN_AND_RESET "gdb did not end in time; it said: nothing");
	expect_calls("reset:2000 resume:1000");
}

static void a_load_takes_no_longer_in_all_than_it_may(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture,
		     "case \"$*\" in *'-ex load'*) sleep 1; echo 'Transfer rate: 8 bits/sec';; *'-ex "
		     "compare'*) exec sleep 2;; esac\n");
	load_within(&outcome, NULL, 2500);
	expect_error(&outcome, "timeout", WRITTEN_AND_RESET "gdb did not end in time; it said: nothing");
	expect_calls("reset:2500 resume:1000");
}

static void a_gdb_that_cannot_be_started_leaves_the_board_alone(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_instance(outcome.fixture, "{'gdb':['/nowhere/gdb']}");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_unavailable",
		     "cannot execute \"/nowhere/gdb\": No such file or directory");
	expect_calls("");
}

static void a_gdb_that_loads_nothing_is_no_success(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "echo 'nothing to load'\n");
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", "gdb could not load the file: nothing to load\n");
	expect_calls("resume:1000");
}

static void an_image_that_the_reset_puts_away_is_told(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOSES);
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error",
		     "the board's reset put its first firmware back (its code lies in RAM): restart the "
		     "instance with this file instead");
	expect_calls("reset:5000 resume:1000");
}

static void a_first_firmware_that_is_back_waits_where_it_is_to(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOSES);
	load(&outcome, ",'paused':true");
	outcome_wait(&outcome);
	assert_string_equal(outcome.code, "emulator_error");
	expect_calls("reset:5000");
}

static void a_reset_that_fails_leaves_the_board_paused_and_says_so(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, LOADS);
	fake.fails_at = "actions";
	load(&outcome, NULL);
	expect_error(&outcome, "emulator_error", OVERWRITTEN "the fake fails at actions");
	expect_calls("reset:5000");
}

static void a_resume_that_fails_does_not_hide_what_failed_first(void **state)
{
	struct outcome outcome = {.fixture = *state};
	run_with_gdb(outcome.fixture, "until test -e go; do sleep 0.01; done; exit 1\n");
	load(&outcome, NULL);
	fake_paused();
	fake.fails_at = "actions";
	scratch_write(&outcome.fixture->scratch, "go", "");
	expect_error(&outcome, "emulator_error",
		     "the board is left paused, for it could not be set going again: gdb could not load the "
		     "file: ");
	expect_calls("resume:1000");
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
	    TEST(a_board_that_is_to_wait_is_left_paused),
	    TEST(a_board_that_was_paused_runs_unless_it_is_to_wait),
	    TEST(a_full_disk_holds_up_what_would_set_the_board_going),
	    TEST(what_gdb_cannot_load_is_told_in_its_words),
	    TEST(what_fails_leaves_a_paused_board_paused),
	    TEST(a_transfer_that_breaks_off_leaves_the_board_paused_and_says_so),
	    TEST(a_gdb_that_hangs_before_the_transfer_leaves_the_board_running),
	    TEST(a_gdb_that_hangs_amid_the_transfer_leaves_the_board_paused_and_says_so),
	    TEST(a_gdb_that_hangs_once_it_has_written_leaves_the_board_paused_and_says_so),
	    TEST(a_gdb_that_hangs_over_the_second_look_leaves_the_board_running_and_says_what_was_done),
	    TEST(a_load_takes_no_longer_in_all_than_it_may),
	    TEST(a_gdb_that_cannot_be_started_leaves_the_board_alone),
	    TEST(a_gdb_that_loads_nothing_is_no_success),
	    TEST(an_image_that_the_reset_puts_away_is_told),
	    TEST(a_first_firmware_that_is_back_waits_where_it_is_to),
	    TEST(a_reset_that_fails_leaves_the_board_paused_and_says_so),
	    TEST(a_resume_that_fails_does_not_hide_what_failed_first),
	    TEST(a_board_that_ends_meanwhile_ends_the_loading),
	    TEST(a_board_that_is_stopping_when_gdb_has_loaded_is_not_reset),
	    TEST(without_a_file_there_is_nothing_to_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
