#include "core/base/file.h"
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/emud-config-XXXXXX";

static void write_file(const char *name, const char *text)
{
	int dirfd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_write_atomic(dirfd, name, text, strlen(text), 0600, NULL), 0);
	close(dirfd);
}

static struct loaded load_path(const char *path)
{
	struct loaded loaded = {0};
	loaded.config = config_load(path, toy_emulators, &loaded.report);
	return loaded;
}

static char *in_folder(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void files_are_found_relative_to_the_configuration(void **state)
{
	(void) state;
	write_file("main.yaml", "pw: {pw_emu: {target_files: [boards/t.json]}}\nserver: {state_dir: s}\n");
	assert_int_equal(mkdir(in_folder("boards"), 0700), 0);
	write_file("t.json",
		   "{\"targets\": {\"t\": {\"toy\": {\"machine\": \"m\", \"executable\": \"e\"}}}}");
	char from[256];
	snprintf(from, sizeof(from), "%s", in_folder("t.json"));
	assert_int_equal(rename(from, in_folder("boards/t.json")), 0);
	struct loaded loaded = load_path(in_folder("boards/../main.yaml"));
	assert_non_null(loaded.config);
	assert_string_equal(config_path(loaded.config), in_folder("main.yaml"));
	assert_string_equal(config_directory(loaded.config), folder);
	assert_string_equal(config_target_source(loaded.config, "t"), in_folder("boards/t.json"));
	assert_string_equal(config_server(loaded.config)->state_dir, in_folder("s"));
	assert_findings(loaded, NULL);
}

static void a_path_may_be_relative_or_a_symlink(void **state)
{
	(void) state;
	write_file("real.yaml", "pw: {}\n");
	assert_int_equal(symlink("real.yaml", in_folder("link.yaml")), 0);
	int before = open(".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(chdir(folder), 0);
	struct loaded loaded = load_path("link.yaml");
	assert_int_equal(fchdir(before), 0);
	close(before);
	assert_non_null(loaded.config);
	assert_string_equal(config_path(loaded.config), in_folder("link.yaml"));
	assert_findings(loaded, NULL);
}

static void expect_one(const char *path, const char *format)
{
	char expected[512];
	snprintf(expected, sizeof(expected), format, path, path);
	assert_findings(load_path(path), expected, NULL);
}

static void unreadable_files_are_told(void **state)
{
	(void) state;
	expect_one(in_folder("none.json"), "%s: cannot open %s: No such file or directory");
	expect_one(in_folder("none/none.json"), "%s: cannot open %s: No such file or directory");
	assert_int_equal(mkdir(in_folder("d"), 0700), 0);
	expect_one(in_folder("d"), "%s: cannot read %s: Is a directory");
	expect_one("/dev/zero", "%s: %s is larger than 4 MiB");
}

static void a_target_file_may_not_be_missing(void **state)
{
	(void) state;
	write_file("main2.yaml", "pw: {pw_emu: {target_files: [gone.json]}}\n");
	char expected[512];
	snprintf(
	    expected, sizeof(expected),
	    "%s/main2.yaml:1: pw.pw_emu.target_files[0]: cannot open %s/gone.json: No such file or directory",
	    folder, folder);
	assert_findings(load_path(in_folder("main2.yaml")), expected, NULL);
}

static void problems_without_line_or_key_are_formatted(void **state)
{
	(void) state;
	struct config_problem problem = {.file = "f", .line = 0, .key = "", .message = "m"};
	char *text = config_problem_format(&problem);
	assert_string_equal(text, "f: m");
	free(text);
	problem.key = "a.b";
	text = config_problem_format(&problem);
	assert_string_equal(text, "f: a.b: m");
	free(text);
}

static int make_folder(void **state)
{
	(void) state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void) state;
	return file_remove_tree(AT_FDCWD, folder, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_are_found_relative_to_the_configuration),
	    cmocka_unit_test(a_path_may_be_relative_or_a_symlink),
	    cmocka_unit_test(unreadable_files_are_told),
	    cmocka_unit_test(a_target_file_may_not_be_missing),
	    cmocka_unit_test(problems_without_line_or_key_are_formatted),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
