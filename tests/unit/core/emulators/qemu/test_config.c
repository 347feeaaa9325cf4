/* Resolved settings and channels, as pw_emu's configuration asks for them. */

#include "core/emulators/qemu/qemu.h"
#include "core/emulators/qemu/settings.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *section(const char *text)
{
	json_error_t fault;
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, &fault) : NULL;
	assert_true(!text || json);
	return json;
}

static json_t *resolve(const char *emulator_text, const char *target_text, struct error *error)
{
	cleanup_json json_t *emulator = section(emulator_text);
	cleanup_json json_t *target = section(target_text);
	return qemu_config.resolve(emulator, target, error);
}

static void check_json(const json_t *json, const char *expected)
{
	cleanup_free char *text = json_to_text(json);
	assert_string_equal(text, expected);
}

static void merges_both_levels(void **state)
{
	(void) state;
	cleanup_json json_t *settings =
	    resolve("{\"executable\":\"a\",\"args\":[\"-x\"],\"channels\":{\"gdb\":{\"type\":\"pty\"}}}",
		    "{\"executable\":\"b\",\"machine\":\"m\",\"args\":[\"-y\"],"
		    "\"channels\":{\"chardevs\":{\"uart\":{\"id\":\"serial1\"}}}}",
		    NULL);
	check_json(settings,
		   "{\"executable\":\"b\",\"machine\":\"m\",\"args\":[\"-x\",\"-y\"],\"channels\":"
		   "{\"gdb\":{\"type\":\"pty\"},\"qmp\":{\"type\":\"tcp\"},\"monitor\":{\"type\":\"tcp\"}},"
		   "\"chardevs\":{\"uart\":{\"id\":\"serial1\",\"type\":\"tcp\"}}}");
	cleanup_json json_t *channels = qemu_config.describe_channels(settings);
	check_json(channels, "{\"uart\":{\"kind\":\"console\",\"type\":\"tcp\",\"tied_to\":\"serial1\"},"
			     "\"gdb\":{\"kind\":\"gdb\",\"type\":\"pty\",\"tied_to\":\"gdb\"},"
			     "\"qmp\":{\"kind\":\"control\",\"type\":\"tcp\",\"tied_to\":\"qmp\"},"
			     "\"monitor\":{\"kind\":\"monitor\",\"type\":\"tcp\",\"tied_to\":\"monitor\"}}");
}

static void a_channels_type_beats_the_targets_and_that_the_emulators(void **state)
{
	(void) state;
	cleanup_json json_t *settings =
	    resolve("{\"executable\":\"a\",\"channels\":{\"type\":\"pty\",\"qmp\":{\"type\":\"tcp\"}}}",
		    "{\"machine\":\"m\",\"channels\":{\"monitor\":{\"type\":\"tcp\"},\"chardevs\":"
		    "{\"a\":{\"id\":\"serial0\"},\"b\":{\"id\":\"x\",\"type\":\"tcp\"}}}}",
		    NULL);
	const json_t *channels = json_object_get(settings, "channels");
	const json_t *chardevs = json_object_get(settings, "chardevs");
	check_json(json_object_get(channels, "gdb"), "{\"type\":\"pty\"}");
	check_json(json_object_get(channels, "qmp"), "{\"type\":\"tcp\"}");
	check_json(json_object_get(channels, "monitor"), "{\"type\":\"tcp\"}");
	check_json(json_object_get(chardevs, "a"), "{\"id\":\"serial0\",\"type\":\"pty\"}");
	check_json(json_object_get(chardevs, "b"), "{\"id\":\"x\",\"type\":\"tcp\"}");
	cleanup_json json_t *other =
	    resolve("{\"executable\":\"a\",\"channels\":{\"type\":\"pty\",\"gdb\":{\"type\":\"pty\"}}}",
		    "{\"machine\":\"m\",\"channels\":{\"type\":\"tcp\"}}", NULL);
	check_json(json_object_get(json_object_get(other, "channels"), "gdb"), "{\"type\":\"tcp\"}");
}

static void check_refused(const char *target, const char *words)
{
	struct error error = {0};
	assert_null(resolve(NULL, target, &error));
	assert_string_equal(error.code, "invalid_configuration");
	assert_string_equal(error.message, words);
}

#define CHARDEVS(rows) "{\"executable\":\"a\",\"machine\":\"m\",\"channels\":{\"chardevs\":{" rows "}}}"

static void tells_what_is_wrong(void **state)
{
	(void) state;
	check_refused("{\"executable\":\"a\"}", "machine: required");
	check_refused("{\"machine\":\"a\"}", "executable: required here or for the emulator");
	check_refused(CHARDEVS("\"a\":{\"id\":\"x\"},\"b\":{\"id\":\"x\"}"),
		      "channels.chardevs.b.id: 'x' belongs to channel 'a' already");
	check_refused(CHARDEVS("\"a\":{\"id\":\"emud\"}"),
		      "channels.chardevs.a.id: 'emud' is a chardev of emud's own");
	check_refused(CHARDEVS("\"a\":{\"id\":\"serial99\"}"),
		      "channels.chardevs.a.id: serial31 is the highest");
	check_refused(CHARDEVS("\"a\":{}"), "channels.chardevs.a.id: required");
	check_refused(CHARDEVS("\"gdb\":{\"id\":\"x\"}"),
		      "channels.chardevs.gdb: a channel cannot bear this name");
	check_refused(CHARDEVS("\"../a\":{\"id\":\"x\"}"),
		      "channels.chardevs.../a: a channel cannot bear this name");
	check_refused(CHARDEVS("\"spec.json\":{\"id\":\"x\"}"),
		      "channels.chardevs.spec.json: a channel cannot bear this name");
}

static void knows_serial_ids(void **state)
{
	(void) state;
	assert_int_equal(qemu_serial_index("serial0"), 0);
	assert_int_equal(qemu_serial_index("serial12"), 12);
	assert_true(qemu_serial_index("serial99999999999") > QEMU_SERIAL_MAX);
	static const char *const others[] = {"serial",   "serial01", "serial-1",
					     "serial1x", "Serial1",  "uart0"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(qemu_serial_index(others[i]), -1);
}

static void names_the_package_of_what_is_not_installed(void **state)
{
	(void) state;
	setenv("PATH", "/nonexistent", 1);
	static const char *const rows[][2] = {
	    {"qemu-system-riscv64",
	     "'qemu-system-riscv64' is not installed: apt-get install qemu-system-misc"},
	    {"qemu-system-aarch64",
	     "'qemu-system-aarch64' is not installed: apt-get install qemu-system-arm"},
	    {"/opt/x/qemu-system-arm",
	     "'/opt/x/qemu-system-arm' is not installed: apt-get install qemu-system-arm"},
	    {"my-qemu", "'my-qemu' is not there or cannot be executed"},
	    {"/etc/passwd", "'/etc/passwd' is not there or cannot be executed"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_json json_t *settings = json_pack("{s:s}", "executable", rows[i][0]);
		cleanup_free char *words = qemu_emulator.unavailable(settings);
		assert_string_equal(words, rows[i][1]);
	}
	cleanup_json json_t *relative = json_pack("{s:s}", "executable", "./qemu");
	assert_null(qemu_emulator.unavailable(relative));
	cleanup_json json_t *shell = json_pack("{s:s}", "executable", "sh");
	setenv("PATH", "/nonexistent:/usr/bin:/bin", 1);
	assert_null(qemu_emulator.unavailable(shell));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(merges_both_levels),
	    cmocka_unit_test(a_channels_type_beats_the_targets_and_that_the_emulators),
	    cmocka_unit_test(tells_what_is_wrong),
	    cmocka_unit_test(knows_serial_ids),
	    cmocka_unit_test(names_the_package_of_what_is_not_installed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
