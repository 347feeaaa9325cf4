#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/handles/pw_handles.h"
#include "tests/unit/scratch.h"

#include <sys/stat.h>

static const char sound[] =
    "{\"emu\":\"qemu\",\"config\":\"/abs/pigweed.json\",\"target\":\"board\",\"gdb_cmd\":[\"gdb\"],"
    "\"channels\":{\"serial0\":{\"type\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":40123},"
    "\"uart1\":{\"type\":\"pty\",\"path\":\"/dev/pts/4\"}},"
    "\"procs\":{\"helper\":{\"pid\":4710},\"qemu\":{\"pid\":4711}},\"more\":1}";

/* The directory of pw emu's, and ours in it. */
struct place {
	struct scratch scratch;
	int dirfd, aside_fd;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	scratch_make(&place->scratch);
	place->dirfd = place->scratch.dirfd;
	assert_int_equal(mkdirat(place->dirfd, "aside", 0700), 0);
	place->aside_fd = openat(place->dirfd, "aside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scratch_write(&place->scratch, "handles.json", sound);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	close(place->aside_fd);
	scratch_remove(&place->scratch);
	free(place);
	return 0;
}

/* ---- reading ---- */

static void everything_that_is_needed_is_read(void **state)
{
	(void) state;
	struct pw_handles handles;
	assert_int_equal(pw_handles_parse(sound, strlen(sound), &handles, NULL), 0);
	assert_string_equal(handles.emulator, "qemu");
	assert_string_equal(handles.target, "board");
	assert_int_equal(handles.channel_count, 2);
	assert_int_equal(handles.process_count, 2);
	assert_int_equal(pw_handles_emulator_pid(&handles), 4711);
	const struct pw_channel *serial = pw_handles_channel(&handles, "serial0");
	assert_false(serial->pty);
	assert_string_equal(serial->host, "127.0.0.1");
	assert_int_equal(serial->port, 40123);
	const struct pw_channel *uart = pw_handles_channel(&handles, "uart1");
	assert_true(uart->pty);
	assert_string_equal(uart->path, "/dev/pts/4");
	assert_null(pw_handles_channel(&handles, "serial1"));
	pw_handles_finish(&handles);
}

/* The sound one with one part of it replaced; caller frees. */
static char *spoil(const char *part, const char *instead)
{
	const char *at = strstr(sound, part);
	assert_non_null(at);
	return text_format("%.*s%s%s", (int) (at - sound), sound, instead, at + strlen(part));
}

static void what_is_wrong_is_named(void **state)
{
	(void) state;
	static const struct {
		const char *part, *instead, *words;
	} faults[] = {
	    {"{\"emu\"", "{{", "is not JSON"},
	    {"\"qemu\",\"config\"", "4,\"config\"", "emu: must name the emulator"},
	    {"\"qemu\",\"config\"", "\"a/b\",\"config\"", "emu: must name the emulator"},
	    {"\"board\"", "\"\"", "target: must name the target"},
	    {"\"tcp\"", "\"udp\"", "channels.serial0: its type must be tcp or pty"},
	    {"127.0.0.1", "10.0.0.1", "channels.serial0: its host must be"},
	    {"40123", "0", "channels.serial0: its port must be 1 to 65535"},
	    {"40123", "65536", "channels.serial0: its port must be 1 to 65535"},
	    {"40123", "\"40123\"", "channels.serial0: its port must be 1 to 65535"},
	    {"/dev/pts/4", "/dev/pts/../4", "channels.uart1: its path must be /dev/pts/<number>"},
	    {"/dev/pts/4", "/dev/pts/", "channels.uart1: its path must be"},
	    {"/dev/pts/4", "/dev/pts/-4", "channels.uart1: its path must be"},
	    {"/dev/pts/4", "/dev/pts/4294967296", "channels.uart1: its path must be"},
	    {"\"serial0\"", "\"../serial0\"", "is no name for a channel"},
	    {"\"serial0\"", "\"\"", "is no name for a channel"},
	    {"\"serial0\"", "\".hidden\"", "is no name for a channel"},
	    {"\"serial0\"", "\"a\\nb\"", "is no name for a channel"},
	    {"4711", "1", "procs.qemu: its pid must be a process's number"},
	    {"4711", "-5", "procs.qemu: its pid must be"},
	    {"4711", "4294967297", "procs.qemu: its pid must be"},
	    {"\"qemu\":{\"pid\"", "\"qemo\":{\"pid\"", "procs: must tell the emulator's pid"},
	    {"\"helper\"", "\"a/b\"", "is no name for a process"},
	};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		cleanup_free char *text = spoil(faults[i].part, faults[i].instead);
		struct pw_handles handles;
		struct error error = {0};
		assert_true(pw_handles_parse(text, strlen(text), &handles, &error) < 0);
		assert_string_equal(error.code, "not_adoptable");
		if (!strstr(error.message, faults[i].words))
			fail_msg("%s\n%s", error.message, faults[i].words);
	}
}

static void file_is_no_link_and_no_folder(void **state)
{
	struct place *place = *state;
	struct pw_handles handles;
	struct error error;
	assert_int_equal(pw_handles_read(place->dirfd, &handles, &error), 0);
	assert_true(handles.written_at_ms > 0);
	pw_handles_finish(&handles);
	assert_int_equal(renameat(place->dirfd, "handles.json", place->dirfd, "other.json"), 0);
	assert_int_equal(pw_handles_read(place->dirfd, &handles, &error), -ENOENT);
	assert_int_equal(symlinkat("other.json", place->dirfd, "handles.json"), 0);
	assert_int_equal(pw_handles_read(place->dirfd, &handles, &error), -ELOOP);
	unlinkat(place->dirfd, "handles.json", 0);
	assert_int_equal(mkdirat(place->dirfd, "handles.json", 0700), 0);
	assert_true(pw_handles_read(place->dirfd, &handles, &error) < 0);
	unlinkat(place->dirfd, "handles.json", AT_REMOVEDIR);
	assert_int_equal(mkfifoat(place->dirfd, "handles.json", 0600), 0);
	assert_true(pw_handles_read(place->dirfd, &handles, &error) < 0);
}

/* ---- put aside ---- */

static json_t *placed(const struct place *place)
{
	char *text = NULL;
	size_t length;
	assert_int_equal(file_read(place->dirfd, "handles.json", 10000, &text, &length, NULL), 0);
	json_t *json = json_parse(text, length, NULL);
	free(text);
	return json;
}

static void expect_original(const struct place *place)
{
	char *text = NULL;
	assert_int_equal(file_read(place->dirfd, "handles.json", 10000, &text, NULL, NULL), 0);
	assert_string_equal(text, sound);
	free(text);
	assert_false(faccessat(place->aside_fd, "adopted.json", F_OK, 0) == 0);
}

static void put_aside(const struct place *place)
{
	struct pw_handles handles;
	cleanup_json json_t *endpoints =
	    json_pack("{s:{s:s, s:s, s:i}, s:{s:s, s:s}}", "serial0", "type", "tcp", "host", "127.0.0.1",
		      "port", 5, "uart1", "type", "pty", "path", "/dev/pts/9");
	assert_int_equal(pw_handles_read(place->dirfd, &handles, NULL), 0);
	assert_int_equal(pw_handles_replace(place->dirfd, place->aside_fd, &handles, endpoints, NULL), 0);
	pw_handles_finish(&handles);
}

static void expect_link(const struct place *place, const char *wanted)
{
	char target[64];
	ssize_t length = readlinkat(place->dirfd, "uart1", target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	assert_string_equal(target, wanted);
}

static void endpoints_are_replaced_and_come_back(void **state)
{
	struct place *place = *state;
	struct stat before, after;
	assert_int_equal(symlinkat("/dev/pts/4", place->dirfd, "uart1"), 0);
	assert_int_equal(fstatat(place->dirfd, "handles.json", &before, 0), 0);
	put_aside(place);
	cleanup_json json_t *json = placed(place);
	const json_t *channels = json_object_get(json, "channels");
	assert_int_equal(json_member_integer(json_object_get(channels, "serial0"), "port", 0), 5);
	assert_int_equal(json_member_integer(json, "more", 0), 1);
	expect_link(place, "/dev/pts/9");
	pw_handles_restore(place->dirfd, place->aside_fd);
	expect_original(place);
	expect_link(place, "/dev/pts/4");
	assert_int_equal(fstatat(place->dirfd, "handles.json", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	pw_handles_restore(place->dirfd, place->aside_fd);
	expect_original(place);
}

static void channel_without_endpoint_is_left_out(void **state)
{
	struct place *place = *state;
	struct pw_handles handles;
	cleanup_json json_t *endpoints = json_pack("{s:n}", "serial0");
	assert_int_equal(pw_handles_read(place->dirfd, &handles, NULL), 0);
	assert_int_equal(pw_handles_replace(place->dirfd, place->aside_fd, &handles, endpoints, NULL), 0);
	pw_handles_finish(&handles);
	cleanup_json json_t *json = placed(place);
	assert_int_equal(json_object_size(json_object_get(json, "channels")), 1);
	pw_handles_restore(place->dirfd, place->aside_fd);
	expect_original(place);
}

static void what_pw_emu_has_taken_away_does_not_come_back(void **state)
{
	struct place *place = *state;
	put_aside(place);
	assert_int_equal(unlinkat(place->dirfd, "handles.json", 0), 0);
	pw_handles_restore(place->dirfd, place->aside_fd);
	assert_false(scratch_has(&place->scratch, "handles.json"));
	assert_false(faccessat(place->aside_fd, "adopted.json", F_OK, 0) == 0);
}

static void what_pw_emu_has_renewed_stays(void **state)
{
	struct place *place = *state;
	cleanup_free char *renewed = spoil("4711", "4712");
	put_aside(place);
	scratch_write(&place->scratch, "handles.json", renewed);
	pw_handles_restore(place->dirfd, place->aside_fd);
	cleanup_free char *text = NULL;
	assert_int_equal(file_read(place->dirfd, "handles.json", 10000, &text, NULL, NULL), 0);
	assert_string_equal(text, renewed);
}

static void adoption_cut_short_in_between_is_undone(void **state)
{
	struct place *place = *state;
	assert_int_equal(linkat(place->dirfd, "handles.json", place->aside_fd, "adopted.json", 0), 0);
	pw_handles_restore(place->dirfd, place->aside_fd);
	expect_original(place);
}

static void retired_ones_are_gone_with_their_pid_files(void **state)
{
	struct place *place = *state;
	put_aside(place);
	scratch_write(&place->scratch, "qemu.pid", "4711");
	scratch_write(&place->scratch, "helper.pid", "4710");
	scratch_write(&place->scratch, "other.pid", "1");
	pw_handles_retire(place->dirfd, place->aside_fd);
	assert_false(scratch_has(&place->scratch, "handles.json"));
	assert_false(scratch_has(&place->scratch, "qemu.pid"));
	assert_false(scratch_has(&place->scratch, "helper.pid"));
	assert_true(scratch_has(&place->scratch, "other.pid"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_that_is_needed_is_read),
	    cmocka_unit_test(what_is_wrong_is_named),
	    TEST(file_is_no_link_and_no_folder),
	    TEST(endpoints_are_replaced_and_come_back),
	    TEST(channel_without_endpoint_is_left_out),
	    TEST(what_pw_emu_has_taken_away_does_not_come_back),
	    TEST(what_pw_emu_has_renewed_stays),
	    TEST(adoption_cut_short_in_between_is_undone),
	    TEST(retired_ones_are_gone_with_their_pid_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
