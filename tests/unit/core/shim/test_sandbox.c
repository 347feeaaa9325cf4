#include "support.h"

#include "core/process/process.h"
#include "core/shim/sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A shell under the confinement of a start whose state directory is "state" in the scratch directory. */
struct sandbox {
	struct fixture *fixture;
	char state_dir[128];
	struct spec spec;
	int firmware_fd, files_fd;
	const char *const *narrow_paths; /* NULL: as a start's */
	char *said;
	bool ended;
	struct process_end end;
};

static void on_exit_told(const struct process_end *end, void *data)
{
	struct sandbox *sandbox = data;
	sandbox->end = *end;
	sandbox->ended = true;
}

static bool shell_has_ended(void *data)
{
	return ((struct sandbox *) data)->ended;
}

static char *const nothing[] = {NULL};

static void open_sandbox(struct sandbox *sandbox, struct fixture *fixture)
{
	struct confine_support support;
	confine_probe(&support);
	if (!support.landlock_abi)
		skip();
	*sandbox = (struct sandbox){.fixture = fixture, .firmware_fd = -1, .files_fd = -1};
	snprintf(sandbox->state_dir, sizeof(sandbox->state_dir), "%s/state", fixture->scratch.path);
	assert_int_equal(mkdir(sandbox->state_dir, 0700), 0);
	sandbox->spec = (struct spec){.read_paths = (char **) nothing, .write_paths = (char **) nothing};
}

/* The script runs in the scratch directory; what it says and how it ends is kept. */
static const char *run_shell(struct sandbox *sandbox, const char *script)
{
	struct fixture *fixture = sandbox->fixture;
	struct error error;
	const char *const written[] = {sandbox->state_dir, NULL};
	const struct launch_command narrow = {.narrow_paths = sandbox->narrow_paths,
					      .narrow_write_paths = written};
	struct confinement *confinement =
	    sandbox->narrow_paths
		? sandbox_create_narrow(&sandbox->spec, &narrow, sandbox->firmware_fd, &error)
		: sandbox_create(&sandbox->spec, sandbox->state_dir, sandbox->files_fd, sandbox->firmware_fd,
				 &error);
	assert_non_null(confinement);
	int fd = openat(fixture->scratch.dirfd, "said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *const argv[] = {"sh", "-c", script, NULL};
	const int inherit_fds[] = {sandbox->firmware_fd, -1};
	const struct process_spec spec = {.argv = argv,
					  .directory = fixture->scratch.path,
					  .stdin_fd = -1,
					  .stdout_fd = fd,
					  .stderr_fd = -1,
					  .inherit_fds = inherit_fds,
					  .confinement = confinement};
	sandbox->ended = false;
	struct process *process = process_start(fixture->loop, &spec, on_exit_told, sandbox, &error);
	assert_non_null(process);
	close(fd);
	wait_until(fixture, shell_has_ended, sandbox);
	process_destroy(process);
	confinement_destroy(confinement);
	free(sandbox->said);
	sandbox->said = read_text(fixture, "said");
	return sandbox->said;
}

static void write_below(const struct scratch *scratch, const char *path, const char *text)
{
	int fd = openat(scratch->dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void close_sandbox(struct sandbox *sandbox)
{
	free(sandbox->said);
}

static void the_state_directory_is_all_that_may_be_written(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	assert_string_equal(run_shell(&sandbox, "echo x >state/file && cat state/file"), "x\n");
	run_shell(&sandbox, "echo x >beside");
	assert_false(scratch_has(&sandbox.fixture->scratch, "beside"));
	close_sandbox(&sandbox);
}

static void what_lies_beside_may_not_be_read_but_the_system_may(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	scratch_write(&sandbox.fixture->scratch, "secret", "secret");
	assert_string_equal(run_shell(&sandbox, "cat secret; test -r /usr/bin/env && echo system"),
			    "system\n");
	close_sandbox(&sandbox);
}

static void what_the_configuration_names_may_be_used(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	char reads[128], writes[128];
	snprintf(reads, sizeof(reads), "%s/reads", sandbox.fixture->scratch.path);
	snprintf(writes, sizeof(writes), "%s/writes", sandbox.fixture->scratch.path);
	assert_int_equal(mkdir(reads, 0700), 0);
	assert_int_equal(mkdir(writes, 0700), 0);
	write_below(&sandbox.fixture->scratch, "reads/file", "readable");
	char *read_paths[] = {reads, NULL}, *write_paths[] = {writes, NULL};
	sandbox.spec.read_paths = read_paths;
	sandbox.spec.write_paths = write_paths;
	assert_string_equal(run_shell(&sandbox, "cat reads/file; echo x >reads/new; echo y >writes/new"),
			    "readable");
	assert_false(scratch_has(&sandbox.fixture->scratch, "reads/new"));
	assert_true(scratch_has(&sandbox.fixture->scratch, "writes/new"));
	close_sandbox(&sandbox);
}

static void the_working_directory_may_be_read(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	assert_int_equal(mkdirat(sandbox.fixture->scratch.dirfd, "project", 0700), 0);
	write_below(&sandbox.fixture->scratch, "project/script", "words");
	assert_string_equal(run_shell(&sandbox, "cat project/script"), "");
	char project[128];
	snprintf(project, sizeof(project), "%s/project", sandbox.fixture->scratch.path);
	sandbox.spec.working_directory = project;
	assert_string_equal(run_shell(&sandbox, "cat project/script; echo x >project/new"), "words");
	assert_false(scratch_has(&sandbox.fixture->scratch, "project/new"));
	close_sandbox(&sandbox);
}

static void the_emulators_own_installation_may_be_read(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	struct scratch *scratch = &sandbox.fixture->scratch;
	static const char *const folders[] = {"emulator", "emulator/bin", "emulator/share", "flat"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_int_equal(mkdirat(scratch->dirfd, folders[i], 0700), 0);
	write_below(scratch, "emulator/bin/emulate", "#!/bin/sh\necho it runs\n");
	write_below(scratch, "flat/emulate", "#!/bin/sh\necho flat runs\n");
	write_below(scratch, "emulator/share/rom", "rom");
	assert_int_equal(symlinkat("emulator/bin/emulate", scratch->dirfd, "link"), 0);
	static const char script[] = "emulator/bin/emulate; cat emulator/share/rom; flat/emulate";
	assert_string_equal(run_shell(&sandbox, script), "");
	/* Through a link, where it is really. */
	cleanup_free char *through_link = text_format("{'executable':'%s/link'}", scratch->path);
	cleanup_json json_t *settings = quoted(through_link);
	sandbox.spec.settings = settings;
	assert_string_equal(run_shell(&sandbox, script), "it runs\nrom");
	cleanup_free char *in_flat = text_format("{'executable':'%s/flat/emulate'}", scratch->path);
	cleanup_json json_t *flat = quoted(in_flat);
	sandbox.spec.settings = flat;
	assert_string_equal(run_shell(&sandbox, script), "flat runs\n");
	/* From the PATH, or not there: the system's folders have to do. */
	cleanup_json json_t *bare = quoted("{'executable':'emulate'}");
	sandbox.spec.settings = bare;
	assert_string_equal(run_shell(&sandbox, script), "");
	cleanup_json json_t *gone = quoted("{'executable':'/nowhere/emulate'}");
	sandbox.spec.settings = gone;
	assert_string_equal(run_shell(&sandbox, script), "");
	close_sandbox(&sandbox);
}

static void the_firmware_may_be_read_and_nothing_beside_it(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	scratch_write(&sandbox.fixture->scratch, "fw", "firmware");
	scratch_write(&sandbox.fixture->scratch, "other", "other");
	int fd = openat(sandbox.fixture->scratch.dirfd, "fw", O_RDONLY | O_CLOEXEC);
	sandbox.firmware_fd = fd;
	cleanup_free char *script = text_format("cat /proc/self/fd/%d; cat fw; cat other", fd);
	assert_string_equal(run_shell(&sandbox, script), "firmwarefirmware");
	close(fd);
	close_sandbox(&sandbox);
}

/* By what the shell has built in: it may run nothing else. */
static void a_narrow_one_is_left_libraries_itself_and_what_is_told(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	struct scratch *scratch = &sandbox.fixture->scratch;
	char data[128], reads[128];
	snprintf(data, sizeof(data), "%s/data", scratch->path);
	snprintf(reads, sizeof(reads), "%s/reads", scratch->path);
	assert_int_equal(mkdir(data, 0700) + mkdir(reads, 0700), 0);
	write_below(scratch, "data/rom", "rom\n");
	write_below(scratch, "reads/file", "file\n");
	write_below(scratch, "state/kept", "kept\n");
	const char *const paths[] = {data, NULL};
	char *read_paths[] = {reads, NULL};
	cleanup_json json_t *settings = quoted("{'executable':'sh'}");
	sandbox.narrow_paths = paths;
	sandbox.spec.read_paths = read_paths;
	sandbox.spec.working_directory = scratch->path;
	sandbox.spec.settings = settings;
	assert_string_equal(run_shell(&sandbox,
				      "for file in data/rom state/kept reads/file /etc/passwd /etc/hostname "
				      "/usr/bin/env /proc/self/environ /dev/zero /usr/lib/os-release; do "
				      "read line <$file && echo $file; done 2>&-; "
				      "echo x >state/new && echo wrote; echo x >data/new; /usr/bin/env"),
			    "data/rom\nstate/kept\n/usr/lib/os-release\nwrote\n");
	assert_false(scratch_has(scratch, "data/new"));
	close_sandbox(&sandbox);
}

static void limits_hold(void **state)
{
	struct sandbox sandbox;
	open_sandbox(&sandbox, *state);
	sandbox.spec.limits.process_memory_bytes = 256 << 20;
	sandbox.spec.limits.open_files = 77;
	assert_string_equal(run_shell(&sandbox, "ulimit -v; ulimit -n; ulimit -c"), "262144\n77\n0\n");
	close_sandbox(&sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_state_directory_is_all_that_may_be_written),
	    TEST(what_lies_beside_may_not_be_read_but_the_system_may),
	    TEST(what_the_configuration_names_may_be_used),
	    TEST(the_working_directory_may_be_read),
	    TEST(the_emulators_own_installation_may_be_read),
	    TEST(the_firmware_may_be_read_and_nothing_beside_it),
	    TEST(a_narrow_one_is_left_libraries_itself_and_what_is_told),
	    TEST(limits_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
