#include "core/emulators/qemu/command_line.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/qemu/semihosting.h"
#include "core/emulators/qemu/settings.h"

#include <stdarg.h>
#include <string.h>

/* A failed append leaves failed set, so that a row of them needs one look at the end. */
struct arguments {
	char **vector;
	bool failed;
};

static void append(struct arguments *arguments, const char *text)
{
	if (!text || text_vector_append(&arguments->vector, text) < 0)
		arguments->failed = true;
}

__attribute__((format(printf, 2, 3))) static void append_format(struct arguments *arguments,
								const char *format, ...)
{
	va_list values;
	va_start(values, format);
	char *text = NULL;
	if (vasprintf(&text, format, values) < 0)
		text = NULL;
	va_end(values);
	append(arguments, text);
	free(text);
}

/* A value within an option: QEMU takes a comma doubled as one that does not separate. */
static char *escape(const char *value)
{
	cleanup_buffer struct buffer escaped = {0};
	for (; *value; value++)
		if (buffer_append(&escaped, *value == ',' ? ",," : value, *value == ',' ? 2 : 1) < 0)
			return NULL;
	return buffer_take_text(&escaped);
}

static void append_default_channels(struct arguments *arguments, const struct qemu_descriptors *descriptors)
{
	append(arguments, "-chardev");
	append_format(arguments, "socket,id=qmp,fd=%d,server=on,wait=off", descriptors->qmp);
	append(arguments, "-mon");
	append(arguments, "chardev=qmp,mode=control");
	append(arguments, "-chardev");
	append_format(arguments, "socket,id=monitor,fd=%d,server=on,wait=off", descriptors->monitor);
	append(arguments, "-mon");
	append(arguments, "chardev=monitor,mode=readline");
	append(arguments, "-chardev");
	append_format(arguments, "socket,id=gdb,fd=%d,server=on,wait=off", descriptors->gdb);
	append(arguments, "-gdb");
	append(arguments, "chardev:gdb");
	append(arguments, "-chardev");
	append_format(arguments, "socket,id=emud,fd=%d", descriptors->control);
	append(arguments, "-mon");
	append(arguments, "chardev=emud,mode=control");
}

static void append_chardevs(struct arguments *arguments, const struct launch *launch)
{
	const char *ports[QEMU_SERIAL_MAX + 1] = {NULL};
	int port_count = 0;
	const char *channel;
	json_t *chardev;
	json_object_foreach (json_object_get(launch->settings, "chardevs"), channel, chardev) {
		const char *id = json_member_string(chardev, "id", "");
		cleanup_free char *path = text_format("/proc/self/fd/%d/%s", launch->state_dirfd, channel);
		cleanup_free char *safe_id = escape(id);
		cleanup_free char *safe_path = path ? escape(path) : NULL;
		if (!safe_id || !safe_path) {
			arguments->failed = true;
			return;
		}
		append(arguments, "-chardev");
		if (json_member_boolean(chardev, "stdio", false))
			append_format(arguments, "stdio,id=%s,signal=off", safe_id);
		else
			append_format(arguments, "pipe,id=%s,path=%s", safe_id, safe_path);
		int port = qemu_serial_index(id);
		if (port < 0 || port > QEMU_SERIAL_MAX)
			continue;
		ports[port] = id;
		port_count = port >= port_count ? port + 1 : port_count;
	}
	for (int port = 0; port < port_count; port++) {
		append(arguments, "-serial");
		if (ports[port])
			append_format(arguments, "chardev:%s", ports[port]);
		else
			append(arguments, "null");
	}
}

bool qemu_names_sandbox(const char *argument)
{
	return strcmp(argument, "-sandbox") == 0 || strcmp(argument, "--sandbox") == 0;
}

/* QEMU enters every -sandbox it is given: one of the user's replaces ours instead of adding to it. */
static void append_sandbox_and_args(struct arguments *arguments, const struct launch *launch)
{
	struct arguments args = {0};
	size_t index;
	json_t *argument;
	json_array_foreach (json_object_get(launch->settings, "args"), index, argument)
		append(&args, json_string_value(argument));
	for (const char *const *own = launch->args; own && *own; own++)
		append(&args, *own);
	bool sandboxed = false;
	for (char **text = args.vector; text && *text; text++)
		sandboxed = sandboxed || qemu_names_sandbox(*text);
	if (!sandboxed) {
		append(arguments, "-sandbox");
		append(arguments, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	}
	for (char **text = args.vector; text && *text; text++)
		append(arguments, *text);
	arguments->failed = arguments->failed || args.failed;
	text_vector_free(args.vector);
}

char **qemu_command_line(const struct launch *launch, const struct qemu_descriptors *descriptors,
			 struct error *error)
{
	static const char *const bare[] = {"-nographic", "-nodefaults", "-display", "none", "-machine"};
	struct arguments arguments = {0};
	append(&arguments, json_member_string(launch->settings, "executable", NULL));
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		append(&arguments, bare[i]);
	append(&arguments, json_member_string(launch->settings, "machine", NULL));
	/* An empty configuration file, read to its end before QEMU acts on any option. */
	append(&arguments, "-readconfig");
	append_format(&arguments, "/proc/self/fd/%d", descriptors->gate);
	append_default_channels(&arguments, descriptors);
	append_chardevs(&arguments, launch);
	/* Always: the guest's first instruction waits until all is set up. */
	append(&arguments, "-S");
	if (launch->debug) {
		append(&arguments, "-d");
		append(&arguments, "guest_errors");
	}
	if (launch->firmware_fd >= 0) {
		append(&arguments, "-kernel");
		append_format(&arguments, "/proc/self/fd/%d", launch->firmware_fd);
	}
	const char *semihosting = json_member_string(launch->settings, QEMU_SEMIHOSTING, NULL);
	if (semihosting) {
		append(&arguments, "-semihosting-config");
		append(&arguments, semihosting);
	}
	append_sandbox_and_args(&arguments, launch);
	if (arguments.failed) {
		text_vector_free(arguments.vector);
		error_set(error, -ENOMEM, NULL, "no memory for the command line, or settings without one");
		return NULL;
	}
	return arguments.vector;
}
