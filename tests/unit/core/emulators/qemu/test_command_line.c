#include "core/emulators/qemu/command_line.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct qemu_descriptors descriptors = {
    .qmp = 11, .monitor = 12, .gdb = 13, .control = 14, .gate = 15};

#define SANDBOX "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
#define BEGINNING \
	"qemu-system-arm", "-nographic", "-nodefaults", "-display", "none", "-machine", "m,x=y", \
	    "-readconfig", "/proc/self/fd/15", "-chardev", "socket,id=qmp,fd=11,server=on,wait=off", "-mon", \
	    "chardev=qmp,mode=control", "-chardev", "socket,id=monitor,fd=12,server=on,wait=off", "-mon", \
	    "chardev=monitor,mode=readline", "-chardev", "socket,id=gdb,fd=13,server=on,wait=off", "-gdb", \
	    "chardev:gdb", "-chardev", "socket,id=emud,fd=14", "-mon", "chardev=emud,mode=control"

static void check(const char *more_settings, const struct launch *launch, const char *const *expected)
{
	cleanup_json json_t *settings =
	    json_pack("{s:s, s:s}", "executable", "qemu-system-arm", "machine", "m,x=y");
	cleanup_json json_t *more = json_loads(more_settings, 0, NULL);
	assert_int_equal(json_object_update(settings, more), 0);
	struct launch complete = *launch;
	complete.settings = settings;
	cleanup_text_vector char **argv = qemu_command_line(&complete, &descriptors, NULL);
	assert_non_null(argv);
	for (size_t i = 0; expected[i] || argv[i]; i++) {
		assert_true(expected[i] && argv[i]);
		assert_string_equal(argv[i], expected[i]);
	}
}

static void has_the_default_channels_always(void **state)
{
	(void) state;
	check("{}", &(struct launch){.firmware_fd = -1, .paused = true},
	      (const char *const[]){BEGINNING, "-S", SANDBOX, NULL});
}

static void puts_firmware_debug_and_args_in_order(void **state)
{
	(void) state;
	static const char *const own[] = {"-own", "a,b", NULL};
	check("{\"args\":[\"-emulator\",\"-target\"]}",
	      &(struct launch){.firmware_fd = 5, .debug = true, .args = own},
	      (const char *const[]){BEGINNING, "-S", "-d", "guest_errors", "-kernel", "/proc/self/fd/5",
				    SANDBOX, "-emulator", "-target", "-own", "a,b", NULL});
}

static void fills_unused_serial_ports(void **state)
{
	(void) state;
	check("{\"chardevs\":{\"high\":{\"id\":\"serial3\"},\"free\":{\"id\":\"my,id\"},"
	      "\"low\":{\"id\":\"serial1\"}}}",
	      &(struct launch){.firmware_fd = -1, .state_dirfd = 4},
	      (const char *const[]){BEGINNING, "-chardev", "pipe,id=serial3,path=/proc/self/fd/4/high",
				    "-chardev", "pipe,id=my,,id,path=/proc/self/fd/4/free", "-chardev",
				    "pipe,id=serial1,path=/proc/self/fd/4/low", "-serial", "null", "-serial",
				    "chardev:serial1", "-serial", "null", "-serial", "chardev:serial3", "-S",
				    SANDBOX, NULL});
}

static void leaves_the_sandbox_to_args_that_name_it(void **state)
{
	(void) state;
	static const char *const own[] = {"--sandbox", "off", NULL};
	check("{}", &(struct launch){.firmware_fd = -1, .args = own},
	      (const char *const[]){BEGINNING, "-S", "--sandbox", "off", NULL});
	check("{\"args\":[\"-sandbox\",\"on\"]}", &(struct launch){.firmware_fd = -1},
	      (const char *const[]){BEGINNING, "-S", "-sandbox", "on", NULL});
}

static void semihosting_and_its_console_are_as_the_launcher_decided(void **state)
{
	(void) state;
	check("{\"chardevs\":{\"semihosting\":{\"id\":\"semihosting\",\"stdio\":true}},"
	      "\"semihosting\":\"enable=on,chardev=semihosting\"}",
	      &(struct launch){.firmware_fd = -1, .state_dirfd = 4},
	      (const char *const[]){BEGINNING, "-chardev", "stdio,id=semihosting,signal=off", "-S",
				    "-semihosting-config", "enable=on,chardev=semihosting", SANDBOX, NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_the_default_channels_always),
	    cmocka_unit_test(puts_firmware_debug_and_args_in_order),
	    cmocka_unit_test(fills_unused_serial_ports),
	    cmocka_unit_test(leaves_the_sandbox_to_args_that_name_it),
	    cmocka_unit_test(semihosting_and_its_console_are_as_the_launcher_decided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
