#include "run.h"

#include "core/base/file.h"
#include "core/process/pidfile.h"

#include <sys/stat.h>

struct fixture {
	char path[32];
	int dirfd;
};

static int make_directory(void **state)
{
	static struct fixture fixture;

	strcpy(fixture.path, "/tmp/emud-pidfile-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	fixture.dirfd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fixture;
	return fixture.dirfd < 0;
}

static int remove_directory(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->dirfd);
	return rmdir(fixture->path); /* fails if anything was left in it */
}

static void file_holds_the_decimal_pid_alone(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	struct stat status;
	char *text;
	size_t length;

	assert_int_equal(pidfile_write(fixture->dirfd, "qemu", 4711, &error), 0);
	assert_int_equal(file_read(fixture->dirfd, "qemu.pid", 100, &text, &length, &error), 0);
	assert_string_equal(text, "4711");
	free(text);
	assert_int_equal(fstatat(fixture->dirfd, "qemu.pid", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	pidfile_remove(fixture->dirfd, "qemu");
}

static void later_pid_replaces_the_earlier(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	char *text;
	size_t length;

	assert_int_equal(pidfile_write(fixture->dirfd, "qemu", 4711, &error), 0);
	assert_int_equal(pidfile_write(fixture->dirfd, "qemu", 8, &error), 0);
	assert_int_equal(file_read(fixture->dirfd, "qemu.pid", 100, &text, &length, &error), 0);
	assert_string_equal(text, "8");
	free(text);
	pidfile_remove(fixture->dirfd, "qemu");
	pidfile_remove(fixture->dirfd, "qemu"); /* missing is fine */
}

static void name_that_leads_elsewhere_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};

	assert_int_equal(pidfile_write(fixture->dirfd, "../qemu", 1, &error), -EINVAL);
	assert_string_equal(error.code, "invalid_configuration");
	assert_int_equal(pidfile_write(fixture->dirfd, "", 1, &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(file_holds_the_decimal_pid_alone, make_directory,
					    remove_directory),
	    cmocka_unit_test_setup_teardown(later_pid_replaces_the_earlier, make_directory, remove_directory),
	    cmocka_unit_test_setup_teardown(name_that_leads_elsewhere_is_refused, make_directory,
					    remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
