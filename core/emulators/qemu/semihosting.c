#include "core/emulators/qemu/semihosting.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/qemu/command_line.h"
#include "core/emulators/qemu/machine.h"
#include "core/process/confine.h"
#include "core/process/enclosure.h"

#include <fcntl.h>
#include <string.h>

/* Its own data, which lies apart from the executable. */
static const char *const data_paths[] = {"/usr/share/qemu", "/usr/share/seabios", NULL};

/* True once visit says so of one of the target's or the caller's arguments. */
static bool any_argument(const struct launch *launch, bool (*visit)(const char *argument, const void *data),
			 const void *data)
{
	size_t index;
	json_t *argument;
	json_array_foreach (json_object_get(launch->settings, "args"), index, argument)
		if (visit(json_string_value(argument), data))
			return true;
	for (const char *const *own = launch->args; own && *own; own++)
		if (visit(*own, data))
			return true;
	return false;
}

static bool is_semihosting(const char *argument, const void *data)
{
	(void) data;
	const char *name = argument + strspn(argument, "-");
	return argument[0] == '-' &&
	       (strcmp(name, "semihosting") == 0 || strcmp(name, "semihosting-config") == 0);
}

static bool is_sandbox(const char *argument, const void *data)
{
	(void) data;
	return qemu_names_sandbox(argument);
}

/* Whether it may name a file: by a path or a protocol, or as a value of that name beside which it would run.
 */
static bool may_name_file(const char *argument, const void *directory)
{
	cleanup_free char *copy = strdup(argument);
	char *rest = copy;
	if (!copy || strpbrk(copy, "/:"))
		return true;
	for (char *part; (part = strsep(&rest, ",="));)
		if (*part && faccessat(*(const int *) directory, part, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

/* Landlock keeps QEMU from all but what it is made of; so it must need nothing else, and be what it is. */
static bool may_be_narrow(const struct launch *launch)
{
	cleanup_close int directory = open(launch->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return confine_holds_files() && !any_argument(launch, is_sandbox, NULL) &&
	       !any_argument(launch, may_name_file, &directory);
}

static bool names_stdio(const char *argument, const void *data)
{
	(void) data;
	return strstr(argument, "stdio");
}

static bool has_chardev(const json_t *chardevs, const char *wanted)
{
	const char *name;
	json_t *chardev;
	json_object_foreach ((json_t *) chardevs, name, chardev)
		if (text_equal(name, wanted) || text_equal(json_member_string(chardev, "id", ""), wanted))
			return true;
	return false;
}

/* What the guest writes to :tt goes to QEMU's own standard output, what it prints to the chardev: so that
 * these are one. */
static int add_console(const struct launch *launch, json_t *settings)
{
	json_t *chardevs = json_copy(json_object_get(launch->settings, "chardevs"));
	json_t *chardev = json_pack("{s:s, s:s, s:b}", "id", QEMU_SEMIHOSTING, "type", "tcp", "stdio", 1);
	if (json_object_set_new(chardevs, QEMU_SEMIHOSTING, chardev) < 0) {
		json_decref(chardevs);
		return -ENOMEM;
	}
	return json_object_set_new(settings, "chardevs", chardevs);
}

static json_t *make_settings(struct qemu_semihosting *semihosting, const struct launch *launch)
{
	cleanup_json json_t *settings = json_copy((json_t *) launch->settings);
	const char *option = "enable=on,target=native";
	if (!has_chardev(json_object_get(launch->settings, "chardevs"), QEMU_SEMIHOSTING) &&
	    !any_argument(launch, names_stdio, NULL)) {
		option = "enable=on,target=native,chardev=" QEMU_SEMIHOSTING;
		semihosting->has_console = true;
		if (add_console(launch, settings) < 0)
			return NULL;
	}
	return json_object_set_new(settings, QEMU_SEMIHOSTING, json_string(option)) < 0 ? NULL
											: TAKE(settings);
}

json_t *qemu_semihosting_begin(struct qemu_semihosting *semihosting, const struct launch *launch)
{
	*semihosting = (struct qemu_semihosting){.input_fd = -1, .output_fd = -1};
	if (!launch->semihosting || !qemu_has_semihosting(launch->settings))
		return json_incref((json_t *) launch->settings);
	semihosting->directory = text_format("%s/.files", launch->state_dir);
	if (!semihosting->directory)
		return NULL;
	semihosting->enclosure = enclosure_create(launch->directory, NULL);
	if (!semihosting->enclosure && may_be_narrow(launch))
		semihosting->narrow_paths = data_paths;
	bool is_confined = semihosting->enclosure || semihosting->narrow_paths;
	if (!is_confined || any_argument(launch, is_semihosting, NULL))
		return json_incref((json_t *) launch->settings);
	return make_settings(semihosting, launch);
}

void qemu_semihosting_finish(struct qemu_semihosting *semihosting)
{
	enclosure_destroy(TAKE(semihosting->enclosure));
	free(TAKE(semihosting->directory));
	text_vector_free(TAKE(semihosting->write_paths));
	cleanup_close_descriptor(&semihosting->input_fd);
	cleanup_close_descriptor(&semihosting->output_fd);
	semihosting->input_fd = semihosting->output_fd = -1;
}

/* The guest's files, and what QEMU opens of the consoles by itself. */
static int list_written(struct qemu_semihosting *semihosting, const struct launch *launch,
			const json_t *settings)
{
	static const char *const suffixes[] = {"in", "out"};
	int result = text_vector_append(&semihosting->write_paths, semihosting->directory);
	const char *name;
	json_t *chardev;
	json_object_foreach (json_object_get(settings, "chardevs"), name, chardev) {
		for (size_t i = 0; i < 2; i++) {
			cleanup_free char *path =
			    text_format("%s/%s.%s", launch->state_dir, name, suffixes[i]);
			if (!path || text_vector_append(&semihosting->write_paths, path) < 0)
				return -ENOMEM;
		}
	}
	return result;
}

int qemu_semihosting_open(struct qemu_semihosting *semihosting, const struct launch *launch,
			  const json_t *settings, struct error *error)
{
	if (semihosting->narrow_paths && list_written(semihosting, launch, settings) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (!semihosting->has_console)
		return 0;
	int flags = O_CLOEXEC | O_NOFOLLOW;
	semihosting->input_fd =
	    openat(launch->state_dirfd, QEMU_SEMIHOSTING ".in", O_RDWR | O_NONBLOCK | flags);
	semihosting->output_fd =
	    openat(launch->state_dirfd, QEMU_SEMIHOSTING ".out", O_WRONLY | O_APPEND | flags);
	if (semihosting->input_fd < 0 || semihosting->output_fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot open the console " QEMU_SEMIHOSTING);
	return 0;
}

int qemu_semihosting_close(const struct qemu_semihosting *semihosting, const struct launch *launch, pid_t pid,
			   struct error *error)
{
	if (!semihosting->enclosure)
		return 0;
	return enclosure_close(semihosting->enclosure, pid, semihosting->directory, launch->files_fd, error);
}
