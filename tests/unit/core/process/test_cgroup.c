#include "run.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/process/cgroup.h"

#include <sys/stat.h>

/* Every test's group; skipped where this machine has none to give. */
struct group {
	char *base;
	struct cgroup_owner owner;
	struct cgroup *cgroup;
};

static struct group group_begin(void)
{
	struct group group = {
	    .base = cgroup_find_base(),
	    .owner = {.id = "test", .start_number = getpid(), .cookie = "0123456789abcdef"},
	};

	if (!group.base) {
		print_message("no cgroup v2 can be written here\n");
		skip();
	}
	group.cgroup = cgroup_create(group.base, &group.owner);
	assert_non_null(group.cgroup);
	return group;
}

static char *group_path(const struct group *group)
{
	return text_format("%s/emud-test-%d-0123456789ab", group->base, getpid());
}

static void check_is_gone(const struct group *group)
{
	cleanup_free char *path = group_path(group);

	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static struct process *start_shell(struct run *run, const char *script, int output_fd,
				   const struct confinement *confinement, const struct cgroup *cgroup)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const struct process_spec spec = {
	    .argv = argv,
	    .stdin_fd = -1,
	    .stdout_fd = output_fd,
	    .stderr_fd = output_fd,
	    .confinement = confinement,
	    .cgroup = cgroup,
	};
	struct error error = {0};
	struct process *process = process_start(run->loop, &spec, run_on_exit, run, &error);

	assert_string_equal(error.message, "");
	assert_non_null(process);
	return process;
}

/* What a shell in the group says. */
static char *say_in_group(const char *script, const struct confinement *confinement,
			  const struct cgroup *cgroup)
{
	struct run run = run_begin();
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct process *process = start_shell(&run, script, ends[1], confinement, cgroup);
	close(ends[1]);
	char *output = read_all(ends[0]);
	close(ends[0]);
	run_until_exit(&run);
	process_destroy(process);
	run_finish(&run);
	return output;
}

static void no_base_is_no_group(void **state)
{
	const struct cgroup_owner owner = {.id = "test", .start_number = 1, .cookie = "0123456789abcdef"};

	(void) state;
	assert_null(cgroup_create(NULL, &owner));
	assert_null(cgroup_create("/nonexistent", &owner));
	cgroup_clear(NULL, &owner);
	cgroup_clear("/nonexistent", &owner);
	cgroup_destroy(NULL);
}

static void directory_elsewhere_is_no_group(void **state)
{
	const struct cgroup_owner owner = {.id = "test", .start_number = 1, .cookie = "0123456789abcdef"};
	char base[] = "/tmp/emud-cgroup-XXXXXX";

	(void) state;
	assert_non_null(mkdtemp(base));
	assert_null(cgroup_create(base, &owner));
	/* Nothing was left in it. */
	assert_int_equal(rmdir(base), 0);
}

static void child_is_born_in_its_group(void **state)
{
	struct group group = group_begin();
	cleanup_free char *said = say_in_group("cat /proc/self/cgroup", NULL, group.cgroup);
	cleanup_free char *expected = text_format("/emud-test-%d-0123456789ab\n", getpid());

	(void) state;
	assert_non_null(strstr(said, expected));
	cgroup_destroy(group.cgroup);
	check_is_gone(&group);
	free(group.base);
}

/* Its parent is gone, its session its own, its environment empty: nothing but the group tells whose it is. */
static void clearing_ends_a_daemon_without_environment(void **state)
{
	struct group group = group_begin();
	struct run run = run_begin();
	int ends[2];
	char byte;

	(void) state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct process *process = start_shell(
	    &run, "setsid env -i /bin/sh -c 'echo +; exec sleep 60' & exit 0", ends[1], NULL, group.cgroup);
	close(ends[1]);
	run_until_exit(&run);
	process_destroy(process);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, '+');
	cgroup_clear(group.base, &group.owner);
	/* The end of file: nobody holds the pipe any more. */
	free(read_all(ends[0]));
	close(ends[0]);
	check_is_gone(&group);
	cgroup_destroy(group.cgroup);
	run_finish(&run);
	free(group.base);
}

static void killed_child_tells_its_end(void **state)
{
	struct group group = group_begin();
	struct run run = run_begin();
	struct process *process = start_shell(&run, "exec sleep 60", -1, NULL, group.cgroup);

	(void) state;
	cgroup_kill(group.cgroup);
	run_until_exit(&run);
	assert_int_equal(run.end.signal, SIGKILL);
	process_destroy(process);
	cgroup_destroy(group.cgroup);
	check_is_gone(&group);
	run_finish(&run);
	free(group.base);
}

static void confined_child_cannot_leave(void **state)
{
	struct group group = group_begin();
	struct confine_support support;
	struct error error = {0};
	const struct confine_rules rules = {0};

	(void) state;
	confine_probe(&support);
	if (!support.landlock_abi) {
		cgroup_destroy(group.cgroup);
		free(group.base);
		skip();
	}
	struct confinement *confinement = confinement_create(&rules, &error);
	assert_non_null(confinement);
	cleanup_free char *script = text_format(
	    "(echo $$ > %s/cgroup.procs) 2>/dev/null && echo left; cat /proc/self/cgroup", group.base);
	cleanup_free char *said = say_in_group(script, confinement, group.cgroup);
	assert_null(strstr(said, "left"));
	assert_non_null(strstr(said, "/emud-test-"));
	confinement_destroy(confinement);
	cgroup_destroy(group.cgroup);
	free(group.base);
}

static void stale_group_is_removed_and_one_in_use_stays(void **state)
{
	struct group group = group_begin();
	cleanup_free char *path = group_path(&group);
	cleanup_free char *stale = text_format("%s/emud-test-%d-stale", group.base, getpid());

	(void) state;
	assert_int_equal(mkdir(stale, 0755), 0);
	cgroup_remove_stale(group.base);
	assert_int_equal(access(stale, F_OK), -1);
	assert_int_equal(access(path, F_OK), 0);
	cgroup_destroy(group.cgroup);
	check_is_gone(&group);
	free(group.base);
}

static void child_starts_without_a_group_that_was_removed(void **state)
{
	struct group group = group_begin();
	cleanup_free char *path = group_path(&group);

	(void) state;
	assert_int_equal(rmdir(path), 0);
	cleanup_free char *said = say_in_group("echo here", NULL, group.cgroup);
	assert_string_equal(said, "here\n");
	cgroup_destroy(group.cgroup);
	free(group.base);
}

static void program_that_is_missing_is_told(void **state)
{
	struct group group = group_begin();
	struct run run = run_begin();
	struct error error = {0};
	const char *const argv[] = {"/nonexistent/program", NULL};
	const struct process_spec spec = {
	    .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .cgroup = group.cgroup};

	(void) state;
	assert_null(process_start(run.loop, &spec, run_on_exit, &run, &error));
	assert_string_equal(error.code, "emulator_unavailable");
	cgroup_destroy(group.cgroup);
	check_is_gone(&group);
	run_finish(&run);
	free(group.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(no_base_is_no_group),
	    process_test(directory_elsewhere_is_no_group),
	    process_test(child_is_born_in_its_group),
	    process_test(clearing_ends_a_daemon_without_environment),
	    process_test(killed_child_tells_its_end),
	    process_test(confined_child_cannot_leave),
	    process_test(stale_group_is_removed_and_one_in_use_stays),
	    process_test(child_starts_without_a_group_that_was_removed),
	    process_test(program_that_is_missing_is_told),
	};

	return cmocka_run_group_tests(tests, settle, NULL);
}
