#include "support.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000, CALL_TIMEOUT_MS = 10000 };

static void on_deadline(void *data)
{
	(void) data;
	fail_msg("nothing came within the deadline");
}

static void on_started(const struct error *error, void *data)
{
	struct board *board = data;
	board->started++;
	board->start_number = error ? error->number : 0;
	snprintf(board->start_words, sizeof(board->start_words), "%.500s", error ? error->message : "");
	loop_stop(board->loop);
}

static void on_paused(void *data)
{
	struct board *board = data;
	board->paused++;
	loop_stop(board->loop);
}

static void on_running(void *data)
{
	struct board *board = data;
	board->running++;
	loop_stop(board->loop);
}

static void on_lost(const struct error *error, void *data)
{
	struct board *board = data;
	assert_non_null(error);
	board->lost++;
	loop_stop(board->loop);
}

static const struct emulator_events events = {
    .on_paused = on_paused, .on_running = on_running, .on_lost = on_lost};

static void on_exit_told(const struct process_end *end, void *data)
{
	struct board *board = data;
	board->end = *end;
	board->exited++;
	loop_stop(board->loop);
}

static void make_console(struct board *board, const char *name)
{
	char file[64];
	snprintf(file, sizeof(file), "%s.out", name);
	close(openat(board->dirfd, file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(file, sizeof(file), "%s.in", name);
	assert_int_equal(mkfifoat(board->dirfd, file, 0600), 0);
}

static void make_launcher(struct board *board, const struct board_options *options)
{
	cleanup_json json_t *target = json_pack("{s:s, s:s, s:{s:{s:{s:s}, s:{s:s}}}}", "executable",
						options->executable, "machine", options->machine, "channels",
						"chardevs", "uart", "id", "serial0", "extra", "id", "extra");
	board->settings = board->emulator->config->resolve(NULL, target, NULL);
	assert_non_null(board->settings);
	make_console(board, "uart");
	make_console(board, "extra");
	make_console(board, "semihosting");
	board->firmware_fd = -1;
	if (options->firmware) {
		board->firmware_fd = memfd_create("firmware", MFD_CLOEXEC);
		assert_int_equal(write(board->firmware_fd, options->firmware, options->firmware_bytes),
				 options->firmware_bytes);
	}
	const struct launch launch = {.loop = board->loop,
				      .state_dirfd = board->dirfd,
				      .state_dir = board->directory,
				      .directory = board->directory,
				      .semihosting = options->semihosting,
				      .files_fd = board->files_fd,
				      .settings = board->settings,
				      .args = options->args,
				      .firmware_fd = board->firmware_fd,
				      .paused = options->paused};
	board->launcher = board->emulator->launcher->create(&launch, NULL);
	assert_non_null(board->launcher);
}

void board_start(struct board *board, const struct board_options *options)
{
	*board = (struct board){.emulator = emulator_find("qemu")};
	board->loop = loop_create(NULL);
	board->deadline = loop_timer_create(board->loop, on_deadline, board, NULL);
	strcpy(board->directory, "/tmp/emud-board-XXXXXX");
	assert_non_null(mkdtemp(board->directory));
	board->dirfd = open(board->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(board->dirfd, ".files", 0700), 0);
	board->files_fd = openat(board->dirfd, ".files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_launcher(board, options);
	struct launch_command command;
	struct error error = {0};
	if (board->emulator->launcher->prepare(board->launcher, &command, &error) < 0)
		fail_msg("%s", error.message);
	board->argv = command.argv;
	cleanup_close int log = openat(board->dirfd, "qemu.log", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	const struct process_spec spec = {.argv = (const char *const *) board->argv,
					  .directory =
					      command.directory ? command.directory : board->directory,
					  .stdin_fd = command.stdin_fd,
					  .stdout_fd = command.stdout_fd >= 0 ? command.stdout_fd : log,
					  .stderr_fd = log,
					  .inherit_fds = command.inherit_fds,
					  .enclosure = command.enclosure};
	board->process = process_start(board->loop, &spec, on_exit_told, board, &error);
	if (!board->process)
		fail_msg("%s", error.message);
	board->emulator->launcher->start(board->launcher, process_pid(board->process), on_started, &events,
					 board);
	assert_int_equal(board->started, 0);
}

void board_wait(struct board *board, const int *counter, int count)
{
	loop_timer_start(board->deadline, DEADLINE_MS);
	while (*counter < count)
		loop_run(board->loop);
	loop_timer_stop(board->deadline);
}

void board_wait_start(struct board *board)
{
	board_wait(board, &board->started, 1);
	if (board->start_number)
		fail_msg("not started: %s", board->start_words);
}

const char *board_wait_end(struct board *board)
{
	board_wait(board, &board->exited, 1);
	return board->emulator->launcher->end_reason(board->launcher, &board->end);
}

char *board_stderr(struct board *board)
{
	return file_tail_text(board->dirfd, "qemu.log", 10000);
}

void board_stop(struct board *board)
{
	board->emulator->launcher->destroy(board->launcher);
	process_destroy(board->process);
	loop_timer_destroy(board->deadline);
	loop_destroy(board->loop);
	json_decref(board->settings);
	json_decref(board->answer.result);
	close(board->dirfd);
	close(board->files_fd);
	if (board->firmware_fd >= 0)
		close(board->firmware_fd);
	assert_int_equal(file_remove_tree(AT_FDCWD, board->directory, NULL), 0);
}

static void on_done(const struct error *error, const json_t *result, void *data)
{
	struct board *board = data;
	board->answer.done = true;
	board->answer.number = error ? error->number : 0;
	board->answer.result = json_deep_copy(result);
	snprintf(board->answer.code, sizeof(board->answer.code), "%s",
		 error && error->code ? error->code : "");
	snprintf(board->answer.words, sizeof(board->answer.words), "%.500s", error ? error->message : "");
	loop_stop(board->loop);
}

static void begin(struct board *board)
{
	json_decref(board->answer.result);
	board->answer = (struct board_answer){0};
}

static const struct board_answer *wait_answer(struct board *board)
{
	assert_false(board->answer.done);
	loop_timer_start(board->deadline, DEADLINE_MS);
	while (!board->answer.done)
		loop_run(board->loop);
	loop_timer_stop(board->deadline);
	return &board->answer;
}

const struct board_answer *board_reset(struct board *board)
{
	begin(board);
	board->emulator->connector->reset(board->launcher, CALL_TIMEOUT_MS, on_done, board);
	return wait_answer(board);
}

const struct board_answer *board_pause(struct board *board)
{
	begin(board);
	board->emulator->connector->pause(board->launcher, CALL_TIMEOUT_MS, on_done, board);
	return wait_answer(board);
}

const struct board_answer *board_resume(struct board *board)
{
	begin(board);
	board->emulator->connector->resume(board->launcher, CALL_TIMEOUT_MS, on_done, board);
	return wait_answer(board);
}

const struct board_answer *board_quit(struct board *board)
{
	begin(board);
	board->emulator->connector->quit(board->launcher, CALL_TIMEOUT_MS, on_done, board);
	return wait_answer(board);
}

const struct board_answer *board_list(struct board *board, const char *path)
{
	begin(board);
	board->emulator->connector->property_list(board->launcher, path, CALL_TIMEOUT_MS, on_done, board);
	return wait_answer(board);
}

const struct board_answer *board_get(struct board *board, const char *path, const char *name)
{
	begin(board);
	board->emulator->connector->property_get(board->launcher, path, name, CALL_TIMEOUT_MS, on_done,
						 board);
	return wait_answer(board);
}

const struct board_answer *board_set(struct board *board, const char *path, const char *name, json_t *value)
{
	begin(board);
	board->emulator->connector->property_set(board->launcher, path, name, value, CALL_TIMEOUT_MS, on_done,
						 board);
	json_decref(value);
	return wait_answer(board);
}
