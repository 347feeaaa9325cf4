#include "support.h"

#include "core/base/clock.h"
#include "core/process/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* ---- waiting ---- */

struct look {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*holds)(void *data);
	void *data;
	int64_t deadline_ms;
};

static void on_look(void *data)
{
	struct look *look = data;
	if (look->holds(look->data) || clock_monotonic_ms() >= look->deadline_ms)
		loop_stop(look->loop);
	else
		loop_timer_start(look->timer, 1);
}

bool wait_ms(struct fixture *fixture, bool (*holds)(void *data), void *data, int64_t ms)
{
	struct look look = {
	    .loop = fixture->loop, .holds = holds, .data = data, .deadline_ms = clock_monotonic_ms() + ms};
	look.timer = loop_timer_create(fixture->loop, on_look, &look, NULL);
	loop_timer_start(look.timer, 0);
	loop_run(fixture->loop);
	loop_timer_destroy(look.timer);
	return holds(data);
}

void wait_until(struct fixture *fixture, bool (*holds)(void *data), void *data)
{
	if (!wait_ms(fixture, holds, data, SUPPORT_DEADLINE_MS))
		fail_msg("it did not come: told so far: %s; asked so far: %s", fixture->story, fake.calls);
}

bool has_ended(void *data)
{
	return ((struct fixture *) data)->ended;
}

void wait_for_end(struct fixture *fixture)
{
	wait_until(fixture, has_ended, fixture);
}

struct text_look {
	const struct fixture *fixture;
	const char *name, *text;
};

static bool file_holds(void *data)
{
	const struct text_look *look = data;
	cleanup_free char *text = NULL;
	return file_read(look->fixture->scratch.dirfd, look->name, 1 << 20, &text, NULL, NULL) == 0 &&
	       strstr(text, look->text);
}

void wait_for_file(struct fixture *fixture, const char *name, const char *text)
{
	struct text_look look = {.fixture = fixture, .name = name, .text = text};
	wait_until(fixture, file_holds, &look);
}

static bool story_ends(void *data)
{
	const struct text_look *look = data;
	size_t length = strlen(look->fixture->story), tail = strlen(look->text);
	return length >= tail && strcmp(look->fixture->story + length - tail, look->text) == 0;
}

void wait_for_story(struct fixture *fixture, const char *text)
{
	struct text_look look = {.fixture = fixture, .text = text};
	wait_until(fixture, story_ends, &look);
}

/* ---- the instance ---- */

static void tell(struct fixture *fixture, const char *word, const char *by)
{
	size_t length = strlen(fixture->story);
	snprintf(fixture->story + length, sizeof(fixture->story) - length, "%s%s%s%s", length ? " " : "",
		 word, by ? ":" : "", by ? by : "");
}

static void on_change(void *data)
{
	struct fixture *fixture = data;
	cleanup_json json_t *status = instance_status(fixture->instance);
	assert_false(fixture->ended);
	tell(fixture, json_member_string(status, "state", "?"),
	     json_member_string(status, "paused_by", NULL));
	if (fixture->on_change)
		fixture->on_change(fixture->data);
}

static void on_ended(void *data)
{
	struct fixture *fixture = data;
	assert_false(fixture->ended);
	tell(fixture, "ended", NULL);
	fixture->ended = true;
}

static const struct instance_events instance_events = {.on_change = on_change, .on_ended = on_ended};

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int descriptors_before;

int fixture_open(void **state)
{
	if (!descriptors_before)
		loop_destroy(loop_create(NULL)); /* opens what libuv keeps */
	/* As the shim: what the processes leave behind is ours. */
	if (sweep_become_subreaper(NULL) < 0)
		return -1;
	descriptors_before = count_descriptors();
	struct fixture *fixture = *state = calloc(1, sizeof(*fixture));
	scratch_make(&fixture->scratch);
	fixture->loop = loop_create(NULL);
	fixture->log_fd = memfd_create("log", MFD_CLOEXEC);
	fixture->log = log_create(fixture->log_fd, LOG_LEVEL_DEBUG, LOG_FORMAT_KEY_VALUE);
	fake_forget();
	return fixture->loop && fixture->log ? 0 : -1;
}

int fixture_close(void **state)
{
	struct fixture *fixture = *state;
	instance_destroy(fixture->instance);
	spec_finish(&fixture->spec);
	log_destroy(fixture->log);
	close(fixture->log_fd);
	loop_destroy(fixture->loop);
	scratch_remove(&fixture->scratch);
	free(fixture);
	bool child_left = waitpid(-1, NULL, WNOHANG) != -1;
	int descriptors = count_descriptors();
	if (child_left)
		print_error("a child was left\n");
	if (descriptors != descriptors_before)
		print_error("%d descriptors before, %d after\n", descriptors_before, descriptors);
	if (fake.launch)
		print_error("a launcher was left\n");
	return !child_left && descriptors == descriptors_before && !fake.launch ? 0 : -1;
}

void instance_of(struct fixture *fixture, const char *more)
{
	cleanup_json json_t *spec =
	    quoted("{'format':1,'id':'board','start_number':1,'cookie':'biscuit','target':'toy',"
		   "'emulator':'fake','raw_channels':true,'args':[],'gdb':[],'settings':{},'limits':{"
		   "'console_bytes':1048576,'free_bytes':0,'kept_starts':3,'stop_timeout':20,"
		   "'start_timeout':20}}");
	cleanup_json json_t *members = quoted(more ? more : "{}");
	json_object_update_recursive(spec, members);
	cleanup_free char *text = json_to_text(spec);
	scratch_write(&fixture->scratch, "spec.json", text);
	struct error error;
	if (spec_read(fixture->scratch.dirfd, &fixture->spec, &error) < 0)
		fail_msg("%s", error.message);
	fake_make();
	fixture->instance = instance_create(fixture->loop, fixture->log, &fixture->spec,
					    fixture->scratch.dirfd, -1, &instance_events, fixture, &error);
	if (!fixture->instance)
		fail_msg("%s", error.message);
}

void start_instance(struct fixture *fixture, const char *more)
{
	instance_of(fixture, more);
	instance_start(fixture->instance);
}

void run_instance(struct fixture *fixture, const char *more)
{
	start_instance(fixture, more);
	fake_started(NULL);
	expect_calls("create channels prepare start");
}

void end_instance(struct fixture *fixture)
{
	instance_stop(fixture->instance);
	wait_for_end(fixture);
}

/* ---- a small disk ---- */

enum { DISK_BYTES = 1 << 20, FREE_BYTES = 1 << 19 };
void use_small_disk(struct fixture *fixture)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", fixture->scratch.path, "tmpfs", 0, "size=1m,mode=700") < 0)
		skip();
	close(fixture->scratch.dirfd);
	fixture->scratch.dirfd = open(fixture->scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture->scratch.dirfd >= 0);
}

void leave_small_disk(struct fixture *fixture)
{
	instance_destroy(TAKE(fixture->instance));
	assert_int_equal(umount2(fixture->scratch.path, MNT_DETACH), 0);
}

void fill_disk(const struct fixture *fixture)
{
	int fd = openat(fixture->scratch.dirfd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, DISK_BYTES - FREE_BYTES / 2), 0);
	close(fd);
}

void free_disk(const struct fixture *fixture)
{
	assert_int_equal(unlinkat(fixture->scratch.dirfd, "ballast", 0), 0);
}

/* ---- what is expected ---- */

void expect_story(const struct fixture *fixture, const char *wanted)
{
	assert_string_equal(fixture->story, wanted);
}

char *read_text(const struct fixture *fixture, const char *name)
{
	char *text = NULL;
	if (file_read(fixture->scratch.dirfd, name, 1 << 20, &text, NULL, NULL) < 0)
		fail_msg("%s cannot be read", name);
	return text;
}

static void expect_text(const json_t *object, const char *key, const char *wanted)
{
	const char *found = json_member_string(object, key, NULL);
	if (!text_equal(found, wanted))
		fail_msg("%s: %s, not %s", key, found ? found : "null", wanted ? wanted : "null");
}

void expect_exit(const struct fixture *fixture, const char *reason, int code, const char *signal,
		 const char *detail)
{
	cleanup_json json_t *record = exit_record_read(fixture->scratch.dirfd, 1);
	assert_non_null(record);
	const json_t *told = json_object_get(record, "exit");
	expect_text(told, "reason", reason);
	expect_text(told, "signal", signal);
	expect_text(told, "detail", detail);
	assert_int_equal(json_member_integer(told, "code", -1), code);
	cleanup_json json_t *status = instance_status(fixture->instance);
	assert_true(json_equal(json_object_get(status, "exit"), told));
	assert_true(json_equal(json_object_get(status, "state"), json_object_get(record, "state")));
}

pid_t process_of(const struct fixture *fixture, const char *name)
{
	cleanup_json json_t *status = instance_status(fixture->instance);
	const json_t *process = json_object_get(json_object_get(status, "processes"), name);
	return (pid_t) json_member_integer(process, "pid", 0);
}
