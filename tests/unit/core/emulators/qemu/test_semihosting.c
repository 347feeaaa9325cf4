/* Which launches get semihosting, and what the real QEMU is left with then. */

#include "support.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/qemu/semihosting.h"
#include "core/process/confine.h"
#include "core/process/enclosure.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ARM "qemu-system-arm"
#define BOARD "lm3s6965evb"
#define OPTION "enable=on,target=native"
#define OPTION_WITH_CONSOLE OPTION ",chardev=semihosting"

/* ---- what is decided ---- */

/* Where it would run. */
static char directory[] = "/tmp/emud-semihosting-XXXXXX";

/* What is decided for settings (with ' for ") and args: the option, "" for none; nothing runs. */
struct decision {
	char option[80];
	bool has_console, is_enclosed, is_narrow;
};

static struct decision decide(const char *settings_text, const char *const *args)
{
	cleanup_free char *text = strdup(settings_text);
	for (char *c = text; (c = strchr(c, '\''));)
		*c = '"';
	cleanup_json json_t *settings = json_loads(text, 0, NULL);
	const struct launch launch = {.semihosting = true,
				      .state_dir = directory,
				      .directory = directory,
				      .settings = settings,
				      .args = args,
				      .state_dirfd = -1,
				      .files_fd = -1};
	struct qemu_semihosting semihosting;
	cleanup_json json_t *made = qemu_semihosting_begin(&semihosting, &launch);
	assert_non_null(made);
	struct decision decision = {.has_console = semihosting.has_console,
				    .is_enclosed = semihosting.enclosure,
				    .is_narrow = semihosting.narrow_paths};
	snprintf(decision.option, sizeof(decision.option), "%s", json_member_string(made, "semihosting", ""));
	json_t *channel = json_object_get(json_object_get(made, "chardevs"), "semihosting");
	assert_int_equal(decision.has_console, json_member_boolean(channel, "stdio", false));
	assert_null(json_object_get(settings, "semihosting"));
	qemu_semihosting_finish(&semihosting);
	return decision;
}

/* Skips where nothing can confine QEMU: there is no semihosting then. */
static struct decision decide_for(const char *executable)
{
	cleanup_free char *settings = text_format("{'executable':'%s','chardevs':{}}", executable);
	return decide(settings, NULL);
}

static void needs_confinement(void)
{
	struct decision decision = decide_for(ARM);
	if (!decision.is_enclosed && !decision.is_narrow)
		skip();
}

static void boards_that_have_it_get_it(void **state)
{
	(void) state;
	needs_confinement();
	static const char *const with[] = {ARM, "/usr/bin/qemu-system-riscv32", "qemu-system-aarch64",
					   "qemu-system-xtensa"};
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		struct decision decision = decide_for(with[i]);
		assert_string_equal(decision.option, OPTION_WITH_CONSOLE);
		assert_true(decision.has_console);
	}
	static const char *const without[] = {"qemu-system-avr", "qemu-system-x86_64", "my-emulator"};
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		struct decision decision = decide_for(without[i]);
		assert_string_equal(decision.option, "");
		assert_false(decision.is_enclosed || decision.is_narrow || decision.has_console);
	}
}

static void a_caller_who_knows_the_option_is_confined_all_the_same(void **state)
{
	(void) state;
	needs_confinement();
	static const char *const plain[] = {"-semihosting", NULL};
	static const char *const long_one[] = {"--semihosting-config", "enable=on", NULL};
	struct decision decision = decide("{'executable':'" ARM "'}", plain);
	assert_string_equal(decision.option, "");
	assert_true(decision.is_enclosed || decision.is_narrow);
	assert_string_equal(decide("{'executable':'" ARM "'}", long_one).option, "");
	assert_string_equal(decide("{'executable':'" ARM "','args':['-semihosting']}", NULL).option, "");
}

static void a_console_that_is_taken_is_left_alone(void **state)
{
	(void) state;
	needs_confinement();
	static const char *const stdio[] = {"-serial", "mon:stdio", NULL};
	struct decision decision =
	    decide("{'executable':'" ARM "','chardevs':{'semihosting':{'id':'serial0'}}}", NULL);
	assert_string_equal(decision.option, OPTION);
	assert_false(decision.has_console);
	decision = decide("{'executable':'" ARM "','chardevs':{'uart':{'id':'semihosting'}}}", NULL);
	assert_string_equal(decision.option, OPTION);
	if (decide_for(ARM).is_enclosed)
		assert_string_equal(decide("{'executable':'" ARM "','chardevs':{}}", stdio).option, OPTION);
}

/* Without namespaces QEMU is left with what it is made of: a board that is made of more goes without. */
static void without_namespaces_a_board_that_needs_files_goes_without(void **state)
{
	(void) state;
	setenv("EMUD_NO_NAMESPACES", "1", 1);
	static const char *const harmless[] = {"-m", "16M", "-icount", "shift=7,align=off", NULL};
	static const char *const needing[][3] = {{"-bios", "/srv/rom"},
						 {"-drive", "if=none,file=build/disk"},
						 {"-bios", "present"},
						 {"-drive", "format=raw,file=present"},
						 {"-netdev", "user,hostfwd=tcp::1-:2"},
						 {"-sandbox", "off"}};
	cleanup_free char *present = text_format("%s/present", directory);
	cleanup_close int fd = open(present, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	struct decision decision = decide("{'executable':'" ARM "','chardevs':{}}", harmless);
	assert_false(decision.is_enclosed);
	assert_true(decision.is_narrow == confine_holds_files());
	assert_string_equal(decision.option, decision.is_narrow ? OPTION_WITH_CONSOLE : "");
	for (size_t i = 0; i < sizeof(needing) / sizeof(needing[0]); i++) {
		decision = decide("{'executable':'" ARM "','chardevs':{}}", needing[i]);
		assert_false(decision.is_narrow);
		assert_string_equal(decision.option, "");
	}
	unlink(present);
	unsetenv("EMUD_NO_NAMESPACES");
}

static void nobody_gets_it_unasked(void **state)
{
	(void) state;
	cleanup_json json_t *settings = json_pack("{s:s}", "executable", ARM);
	const struct launch launch = {.settings = settings, .state_dir = directory, .directory = directory};
	struct qemu_semihosting semihosting;
	cleanup_json json_t *made = qemu_semihosting_begin(&semihosting, &launch);
	assert_ptr_equal(made, settings);
	assert_null(semihosting.enclosure);
	assert_null(semihosting.narrow_paths);
	qemu_semihosting_finish(&semihosting);
}

/* ---- on the real QEMU ---- */

/* Behind a vector table of stack pointer and entry: movs r0, #0x20 (SYS_EXIT_EXTENDED); adr r1, block;
 * bkpt 0xab; block: ApplicationExit, code */
static const uint32_t exit_with_3[] = {0x20001000, 9, 0xa1012020, 0xe7febeab, 0x20026, 3};
/* The same with movs r0, #0x18 (SYS_EXIT); movs r1, #2; lsls r1, #16; adds r1, #0x26; bkpt 0xab */
static const uint32_t plain_exit[] = {0x20001000, 9, 0x21022018, 0x31260409, 0xe7febeab};
static const uint32_t loop_forever[] = {0x20001000, 9, 0xbf00e7fe};
/* RISC-V: li a0, 0x20; auipc a1, 0; addi a1, a1, 24; slli x0, x0, 0x1f; ebreak; srai x0, x0, 7; j .; block at
 * auipc + 24 */
static const uint32_t riscv_exit_with_4[] = {0x02000513, 0x00000597, 0x01858593, 0x01f01013, 0x00100073,
					     0x40705013, 0x0000006f, 0x00020026, 4};

#define FIRMWARE(words) .firmware = (words), .firmware_bytes = sizeof(words)

static bool is_enclosed(const struct board *board)
{
	char root[64], cwd[64];
	struct stat root_status, cwd_status, files;
	snprintf(root, sizeof(root), "/proc/%d/root", process_pid(board->process));
	snprintf(cwd, sizeof(cwd), "/proc/%d/cwd", process_pid(board->process));
	assert_int_equal(stat(root, &root_status) + stat(cwd, &cwd_status) + fstat(board->files_fd, &files),
			 0);
	return root_status.st_ino == files.st_ino && cwd_status.st_ino == files.st_ino &&
	       root_status.st_dev == files.st_dev;
}

static void check_exit(const struct board_options *options, int code)
{
	struct board board;
	board_start(&board, options);
	board_wait_start(&board);
	board_wait(&board, &board.lost, 1);
	assert_string_equal(board_wait_end(&board), "guest_exit");
	assert_int_equal(board.end.code, code);
	board_stop(&board);
}

static void exit_codes_are_told(void **state)
{
	(void) state;
	needs_confinement();
	static const char *const no_bios[] = {"-bios", "none", NULL};
	check_exit(
	    &(struct board_options){
		.executable = ARM, .machine = BOARD, FIRMWARE(exit_with_3), .semihosting = true},
	    3);
	check_exit(
	    &(struct board_options){
		.executable = ARM, .machine = BOARD, FIRMWARE(plain_exit), .semihosting = true},
	    0);
	check_exit(&(struct board_options){.executable = "qemu-system-riscv32",
					   .machine = "virt",
					   FIRMWARE(riscv_exit_with_4),
					   .args = no_bios,
					   .semihosting = true},
		   4);
}

static void a_paused_start_is_enclosed_before_the_guest_runs(void **state)
{
	(void) state;
	if (!decide_for(ARM).is_enclosed)
		skip();
	struct board board;
	board_start(&board, &(struct board_options){.executable = ARM,
						    .machine = BOARD,
						    FIRMWARE(exit_with_3),
						    .paused = true,
						    .semihosting = true});
	board_wait_start(&board);
	assert_true(is_enclosed(&board));
	assert_int_equal(board_resume(&board)->number, 0);
	assert_string_equal(board_wait_end(&board), "guest_exit");
	assert_int_equal(board.end.code, 3);
	board_stop(&board);
}

static void an_enclosed_board_is_driven_as_any_other(void **state)
{
	(void) state;
	if (!decide_for(ARM).is_enclosed)
		skip();
	struct board board;
	board_start(&board,
		    &(struct board_options){
			.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever), .semihosting = true});
	board_wait_start(&board);
	assert_true(is_enclosed(&board));
	assert_int_equal(board_pause(&board)->number, 0);
	assert_int_equal(board_resume(&board)->number, 0);
	assert_int_equal(board_reset(&board)->number, 0);
	assert_string_equal(json_string_value(board_get(&board, "/machine", "type")->result),
			    BOARD "-machine");
	assert_int_equal(board_quit(&board)->number, 0);
	assert_string_equal(board_wait_end(&board), "terminated");
	board_stop(&board);
}

static void without_it_nothing_is_enclosed(void **state)
{
	(void) state;
	struct board board;
	board_start(&board,
		    &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever)});
	board_wait_start(&board);
	assert_false(is_enclosed(&board));
	board_stop(&board);
}

/* The guest stands still where its files could not be taken from the host. */
static void a_board_that_cannot_be_enclosed_does_not_start(void **state)
{
	(void) state;
	if (!decide_for(ARM).is_enclosed)
		skip();
	struct board board;
	board_start(&board,
		    &(struct board_options){
			.executable = ARM, .machine = BOARD, FIRMWARE(exit_with_3), .semihosting = true});
	assert_int_equal(renameat(board.dirfd, ".files", board.dirfd, "moved"), 0);
	assert_int_equal(symlinkat("/etc", board.dirfd, ".files"), 0);
	board_wait(&board, &board.started, 1);
	assert_true(board.start_number < 0);
	assert_non_null(strstr(board.start_words, "cannot enclose"));
	assert_int_equal(board.exited, 0);
	board_stop(&board);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(directory))
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(boards_that_have_it_get_it),
	    cmocka_unit_test(a_caller_who_knows_the_option_is_confined_all_the_same),
	    cmocka_unit_test(a_console_that_is_taken_is_left_alone),
	    cmocka_unit_test(without_namespaces_a_board_that_needs_files_goes_without),
	    cmocka_unit_test(nobody_gets_it_unasked),
	    cmocka_unit_test(exit_codes_are_told),
	    cmocka_unit_test(a_paused_start_is_enclosed_before_the_guest_runs),
	    cmocka_unit_test(an_enclosed_board_is_driven_as_any_other),
	    cmocka_unit_test(without_it_nothing_is_enclosed),
	    cmocka_unit_test(a_board_that_cannot_be_enclosed_does_not_start),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failures;
}
