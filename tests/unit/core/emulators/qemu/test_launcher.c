/* Starts and ends on the real QEMU. */

#include "support.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/loop/listener.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ARM "qemu-system-arm"
#define BOARD "lm3s6965evb"

/* Thumb, behind a vector table of stack pointer and entry: b . */
static const uint32_t loop_forever[] = {0x20001000, 9, 0xbf00e7fe};
/* Semihosting: movs r0, #0x20 (SYS_EXIT_EXTENDED); adr r1, block; bkpt 0xab; block: ApplicationExit, code */
static const uint32_t exit_with_3[] = {0x20001000, 9, 0xa1012020, 0xe7febeab, 0x20026, 3};
static const uint32_t exit_with_1[] = {0x20001000, 9, 0xa1012020, 0xe7febeab, 0x20026, 1};
/* UART0 of the lm3s6965evb: ldr r0, =0x4000c000; movs r1, #'A'; str r1, [r0]; b . */
static const uint32_t print_a[] = {0x20001000, 9, 0x21414801, 0xe7fe6001, 0x4000c000};
/* Arm: ldr r0, [pc]; hvc #0; (PSCI SYSTEM_OFF); the word that r0 gets */
static const uint32_t psci_off[] = {0xe59f0000, 0xe1400070, 0x84000008};
/* RISC-V: li t0, 0x100000; li t1, 0x3333 | 7 << 16; sw t1, 0(t0); j . (the test device exits with 7) */
static const uint32_t test_device_7[] = {0x001002b7, 0x00073337, 0x33330313, 0x0062a023, 0x0000006f};

static const char *const semihosting[] = {"-semihosting-config", "enable=on,target=native", NULL};

#define FIRMWARE(words) .firmware = (words), .firmware_bytes = sizeof(words)

static void starts_and_is_terminated(void **state)
{
	(void) state;
	struct board board;
	board_start(&board,
		    &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever)});
	board_wait_start(&board);
	assert_int_equal(board.paused + board.running, 0);
	process_signal(board.process, SIGTERM);
	assert_string_equal(board_wait_end(&board), "terminated");
	assert_int_equal(board.started, 1);
	board_stop(&board);
}

static void starts_paused(void **state)
{
	(void) state;
	struct board board;
	board_start(&board, &(struct board_options){.executable = ARM,
						    .machine = BOARD,
						    FIRMWARE(exit_with_3),
						    .paused = true,
						    .args = semihosting});
	board_wait_start(&board);
	assert_int_equal(board_resume(&board)->number, 0);
	assert_string_equal(board_wait_end(&board), "guest_exit");
	assert_int_equal(board.end.code, 3);
	board_stop(&board);
}

static void check_end(const struct board_options *options, int code, int signal_number, const char *reason)
{
	struct board board;
	board_start(&board, options);
	board_wait_start(&board);
	board_wait(&board, &board.lost, 1);
	assert_string_equal(board_wait_end(&board), reason);
	assert_int_equal(board.end.code, code);
	assert_int_equal(board.end.signal, signal_number);
	assert_int_equal(board.lost, 1);
	board_stop(&board);
}

static void tells_a_guests_exit_code(void **state)
{
	(void) state;
	check_end(
	    &(struct board_options){
		.executable = ARM, .machine = BOARD, FIRMWARE(exit_with_3), .args = semihosting},
	    3, 0, "guest_exit");
	check_end(
	    &(struct board_options){
		.executable = ARM, .machine = BOARD, FIRMWARE(exit_with_1), .args = semihosting},
	    1, 0, "guest_exit");
}

static void tells_a_test_devices_exit_code(void **state)
{
	(void) state;
	static const char *const no_bios[] = {"-bios", "none", NULL};
	check_end(&(struct board_options){.executable = "qemu-system-riscv64",
					  .machine = "virt",
					  FIRMWARE(test_device_7),
					  .args = no_bios},
		  7, 0, "guest_exit");
}

static void tells_a_guests_shutdown(void **state)
{
	(void) state;
	check_end(&(struct board_options){.executable = ARM, .machine = "virt", FIRMWARE(psci_off)}, 0, 0,
		  "guest_shutdown");
}

static void tells_a_lockup(void **state)
{
	(void) state;
	check_end(&(struct board_options){.executable = ARM, .machine = BOARD}, -1, SIGABRT, "crashed");
}

static void tells_a_kill(void **state)
{
	(void) state;
	struct board board;
	board_start(&board,
		    &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever)});
	board_wait_start(&board);
	process_signal(board.process, SIGKILL);
	assert_string_equal(board_wait_end(&board), "crashed");
	assert_int_equal(board.end.signal, SIGKILL);
	board_stop(&board);
}

static void check_refusal(const char *machine, const char *const *args, const char *words)
{
	struct board board;
	board_start(&board, &(struct board_options){.executable = ARM, .machine = machine, .args = args});
	board_wait(&board, &board.started, 1);
	assert_true(board.start_number < 0);
	assert_string_equal(board_wait_end(&board), "start_failed");
	cleanup_free char *text = board_stderr(&board);
	assert_non_null(strstr(text, words));
	assert_int_equal(board.started, 1);
	board_stop(&board);
}

static void fails_in_qemus_own_words(void **state)
{
	(void) state;
	check_refusal("nosuch", NULL, "unsupported machine type");
	check_refusal(BOARD, (const char *const[]){"-nosuch", NULL}, "invalid option");
	check_refusal(BOARD, (const char *const[]){"-kernel", "/nosuch", NULL},
		      "Could not load kernel '/nosuch'");
	check_refusal(BOARD, (const char *const[]){"-chardev", "nosuch,id=x", NULL},
		      "is not a valid char driver name");
}

static void consoles_are_written_by_qemu_itself(void **state)
{
	(void) state;
	struct board board;
	board_start(&board, &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(print_a)});
	board_wait_start(&board);
	/* The guest has printed when a reset, which comes behind, was done; a few may be needed. */
	cleanup_free char *text = NULL;
	size_t length = 0;
	for (int i = 0; i < 1000 && length == 0; i++) {
		free(TAKE(text));
		board_reset(&board);
		assert_int_equal(file_read(board.dirfd, "uart.out", 1 << 20, &text, &length, NULL), 0);
	}
	assert_true(length > 0);
	assert_int_equal(text[0], 'A');
	board_stop(&board);
}

static void sockets_live_as_long_as_qemu(void **state)
{
	(void) state;
	static const char *const names[] = {"gdb.sock", "qmp.sock", "monitor.sock"};
	struct board board;
	board_start(&board,
		    &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever)});
	board_wait_start(&board);
	for (size_t i = 0; i < 3; i++) {
		cleanup_close int fd = listener_connect_unix(board.dirfd, names[i], NULL);
		assert_true(fd >= 0);
	}
	process_signal(board.process, SIGKILL);
	board_wait_end(&board);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(listener_connect_unix(board.dirfd, names[i], NULL), -ECONNREFUSED);
	board_stop(&board);
}

static void the_sandbox_can_be_replaced_by_args(void **state)
{
	(void) state;
	struct board board;
	static const char *const off[] = {"-sandbox", "off", NULL};
	board_start(&board, &(struct board_options){
				.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever), .args = off});
	board_wait_start(&board);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", process_pid(board.process));
	cleanup_free char *status = NULL;
	size_t length;
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 16, &status, &length, NULL), 0);
	assert_non_null(strstr(status, "Seccomp:\t0"));
	board_stop(&board);
}

static void a_start_may_be_cancelled(void **state)
{
	(void) state;
	struct board board;
	board_start(&board,
		    &(struct board_options){.executable = ARM, .machine = BOARD, FIRMWARE(loop_forever)});
	board_stop(&board);
	assert_int_equal(board.started, 0);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts_and_is_terminated),
	    cmocka_unit_test(starts_paused),
	    cmocka_unit_test(tells_a_guests_exit_code),
	    cmocka_unit_test(tells_a_test_devices_exit_code),
	    cmocka_unit_test(tells_a_guests_shutdown),
	    cmocka_unit_test(tells_a_lockup),
	    cmocka_unit_test(tells_a_kill),
	    cmocka_unit_test(fails_in_qemus_own_words),
	    cmocka_unit_test(consoles_are_written_by_qemu_itself),
	    cmocka_unit_test(sockets_live_as_long_as_qemu),
	    cmocka_unit_test(the_sandbox_can_be_replaced_by_args),
	    cmocka_unit_test(a_start_may_be_cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
