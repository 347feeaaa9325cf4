#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/gdb_command.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const harmless[] = {"",
				       "info registers",
				       "info threads",
				       "x/4xw $sp",
				       "print $pc",
				       "p/x 5",
				       "break main",
				       "b *0x100",
				       "continue",
				       "c",
				       "stepi",
				       "load",
				       "bt",
				       "thread 1",
				       "frame 0",
				       "f 1",
				       "monitor info qtree",
				       "disconnect",
				       "set $r0=1",
				       "set var x = 2",
				       "set confirm off",
				       "compare-sections",
				       "info line",
				       "list",
				       "delete",
				       "echo hi\\n",
				       "restore a.bin",
				       "output 5",
				       "find 0, 1, 2",
				       "detach",
				       "t 2",
				       "inferior 1",
				       "print foo.shell",
				       "set print pretty on"};

static const char *const harmful[] = {"shell ls",
				      "she ls",
				      "  shell",
				      "\tshell",
				      "!ls",
				      " ! ls",
				      "pipe p 1 | cat",
				      "| p 1 | cat",
				      "python print(1)",
				      "py print(1)",
				      "pi",
				      "python-i print(1)",
				      "guile 1",
				      "gu 1",
				      "source /tmp/x",
				      "so /tmp/x",
				      "make all",
				      "edit",
				      "e 1",
				      "define x",
				      "run",
				      "r",
				      "start",
				      "target extended-remote | sh",
				      "tar exec sh",
				      "file /bin/sh",
				      "compile code 1",
				      "eval \"shell %s\", 1",
				      "alias x=shell",
				      "save breakpoints /tmp/x",
				      "dump memory /tmp/x 0 1",
				      "append memory /tmp/x 0 1",
				      "generate-core-file /tmp/x",
				      "ge /tmp/x",
				      "gcore",
				      "commands",
				      "if 1",
				      "while 1",
				      "with print pretty on -- shell ls",
				      "w print pretty on -- shell ls",
				      "maintenance info",
				      "mt info",
				      "remote put a b",
				      "record save /tmp/x",
				      "tsave /tmp/x",
				      "tty /tmp/x",
				      "interpreter-exec console \"shell ls\"",
				      "thread apply all shell ls",
				      "t ap all shell ls",
				      "thr  apply 1 -q shell ls",
				      "frame apply all shell ls",
				      "taas shell ls",
				      "tfaas shell ls",
				      "faas shell ls",
				      "set logging file /tmp/x",
				      "set lo file /tmp/x",
				      "set  exec-wrapper sh",
				      "set sysroot /",
				      "set sy /",
				      "set history filename /tmp/x",
				      "set index-cache directory /tmp",
				      "set libthread-db-search-path /tmp",
				      "set compile-gcc /tmp/x",
				      "set startup-with-shell on",
				      "print $_shell(\"ls\")",
				      "p 1\nshell ls",
				      "p 1\rshell ls"};

static void what_looks_at_the_board_is_allowed(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(harmless); i++)
		if (gdb_command_check(harmless[i], NULL) != 0)
			fail_msg("%s", harmless[i]);
}

static void what_leaves_gdb_is_refused_in_every_abbreviation(void **state)
{
	(void) state;
	struct error error;
	for (size_t i = 0; i < COUNT(harmful); i++) {
		if (gdb_command_check(harmful[i], &error) != -EPERM)
			fail_msg("%s", harmful[i]);
		assert_string_equal(error.code, "command_refused");
	}
}

static void a_long_command_is_not_repeated_whole(void **state)
{
	(void) state;
	char command[5000] = "shell ";
	struct error error;
	memset(command + 6, 'x', sizeof(command) - 7);
	assert_int_equal(gdb_command_check(command, &error), -EPERM);
	assert_true(strlen(error.message) < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_looks_at_the_board_is_allowed),
	    cmocka_unit_test(what_leaves_gdb_is_refused_in_every_abbreviation),
	    cmocka_unit_test(a_long_command_is_not_repeated_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
