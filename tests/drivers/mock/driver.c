/*
 * The driver of mock-board, which lies beside it. What it does otherwise than it should is told by a JSON map
 * from a command to a behaviour, given as its argument or as "at" in the target's section:
 *
 *   "hang"    the command is never answered
 *   "die"     the driver ends with exit code 3 and last words
 *   "kill"    it ends by SIGKILL
 *   "flood"   it says events without end
 *   "babble"  it fills its log with 64 MiB, and then answers as it should
 *   "long"    it says two MiB without the end of a line
 *   "close"   it closes its stdin and stdout, and lives on
 *   "twice"   it answers two times
 *   "refuse"  it answers with an error
 *   {"say":TEXT}     it says that instead, with the request's id for $ID
 *   {"return":JSON}  it answers that
 *   {"event":JSON}   it says that event, and then answers as it should
 *
 * The section's print, delay, exit and deaf go to the board (deaf: the driver leaves SIGTERM alone, too); its
 * channels with their "via" are offered; "capabilities" takes the place of all that it has; with "log" it
 * logs what it is told to plan.
 */

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/json_lines.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct driver {
	json_t *at; /* behaviours */
	json_t *section;
	bool paused, board_is_ready;
	int listener, board; /* -1: not there (yet) */
	struct buffer heard; /* of the board */
	json_t *late;        /* what the board told of its channels */
	json_int_t waiting;  /* the request that waits for the board; 0: none */
	const char *awaited; /* the word it waits for */
	json_int_t speed, resets;
};

static void say(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = write(STDOUT_FILENO, bytes, length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			exit(0);
		bytes += count;
		length -= (size_t) count;
	}
}

/* Takes json. */
static void say_json(json_t *json)
{
	cleanup_json json_t *owned = json;
	cleanup_buffer struct buffer line = {0};
	if (!owned || json_lines_append(&line, owned) < 0)
		exit(4);
	say(line.data, line.length);
}

/* Takes result. */
static void reply(json_int_t id, json_t *result)
{
	say_json(json_pack("{s:I, s:o}", "id", id, "return", result));
}

static void refuse(json_int_t id, const char *code, const char *message)
{
	say_json(json_pack("{s:I, s:{s:s, s:s}}", "id", id, "error", "code", code, "message", message));
}

/* ---- as it should ---- */

static void hello(struct driver *driver, json_int_t id)
{
	static const char *const all[] = {"reset",         "pause",        "resume",
					  "property-list", "property-get", "property-set",
					  "quit",          "holds",        NULL};
	json_t *own = json_object_get(driver->at, "capabilities");
	reply(id, json_pack("{s:i, s:s, s:s, s:o}", "protocol", 1, "name", "mock", "version", "1.0",
			    "capabilities", own ? json_incref(own) : json_from_text_vector(all)));
}

static void listen_for_board(struct driver *driver)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "mock.sock"};
	unlink(address.sun_path);
	driver->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (driver->listener < 0 ||
	    bind(driver->listener, (struct sockaddr *) &address, sizeof(address)) < 0 ||
	    listen(driver->listener, 1) < 0) {
		perror("mock.sock");
		exit(5);
	}
}

static json_t *board_command(const json_t *section, const char *state_dir)
{
	static const char *const options[] = {"print", "delay", "exit", "deaf"};
	char self[PATH_MAX] = "";
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		exit(6);
	cleanup_free char *program = text_format("%s/mock-board", dirname(self));
	json_t *command = json_pack("[s, s]", program, state_dir), *channel;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (json_object_get(section, options[i]))
			json_array_append_new(
			    command, json_sprintf("%s=%lld", options[i],
						  (long long) json_member_integer(section, options[i], 0)));
	const char *name;
	json_object_foreach (json_object_get(section, "channels"), name, channel)
		json_array_append_new(
		    command, json_sprintf("%s=%s", name, json_member_string(channel, "via", "stdio")));
	return command;
}

static json_t *offered_channels(const json_t *section)
{
	json_t *offered = json_object(), *channel;
	const char *name;
	json_object_foreach (json_object_get(section, "channels"), name, channel) {
		json_t *offer = json_pack("{s:s}", "via", json_member_string(channel, "via", "stdio"));
		cleanup_free char *socket = text_format("%s.sock", name);
		if (text_equal(json_member_string(offer, "via", ""), "unix"))
			json_object_set_new(offer, "socket", json_string(socket));
		json_object_set_new(offered, name, offer);
	}
	return offered;
}

/* What it was told goes to its log. */
static void log_plan(const json_t *arguments)
{
	const char *firmware = json_member_string(arguments, "firmware", NULL);
	struct stat status = {0};
	cleanup_json json_t *told = json_copy((json_t *) arguments);
	if (firmware && stat(firmware, &status) == 0)
		json_object_set_new(told, "firmware_bytes", json_integer(status.st_size));
	json_dumpfd(told, STDERR_FILENO, JSON_COMPACT);
}

static void plan(struct driver *driver, json_int_t id, const json_t *arguments)
{
	const char *state_dir = json_member_string(arguments, "state_dir", "");
	if (chdir(state_dir) < 0)
		exit(7);
	driver->paused = json_member_boolean(arguments, "paused", false);
	if (json_object_get(driver->section, "deaf"))
		signal(SIGTERM, SIG_IGN);
	if (json_member_boolean(driver->section, "log", false))
		log_plan(arguments);
	listen_for_board(driver);
	reply(id, json_pack("{s:o, s:{s:s}, s:o}", "command", board_command(driver->section, state_dir),
			    "environment", "FIRMWARE", json_member_string(arguments, "firmware", ""),
			    "channels", offered_channels(driver->section)));
}

static void await(struct driver *driver, json_int_t id, const char *word, bool tell)
{
	driver->waiting = id;
	driver->awaited = word;
	if (tell && dprintf(driver->board, "%s\n", word) < 0)
		refuse(id, "emulator_error", "the board does not listen");
}

/* Once it is asked for and the board has said so, whichever comes first. */
static void tell_ready(struct driver *driver)
{
	if (!driver->board_is_ready || !driver->waiting || !text_equal(driver->awaited, "ready"))
		return;
	json_int_t id = driver->waiting;
	driver->waiting = 0;
	reply(id, json_pack("{s:O}", "channels", driver->late));
}

static void list_properties(json_int_t id, const json_t *arguments)
{
	if (text_equal(json_member_string(arguments, "path", ""), "/board"))
		reply(id, json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "speed", "type", "int", "name",
				    "resets", "type", "int"));
	else
		refuse(id, "property_not_found", "there is /board alone");
}

static void use_property(struct driver *driver, json_int_t id, const json_t *arguments, bool set)
{
	const char *name = json_member_string(arguments, "name", "");
	const json_t *value = json_object_get(arguments, "value");
	bool is_speed = text_equal(name, "speed");
	if (!text_equal(json_member_string(arguments, "path", ""), "/board") ||
	    (!is_speed && !text_equal(name, "resets")))
		refuse(id, "property_not_found", "/board has speed and resets");
	else if (set && (!is_speed || !json_is_integer(value)))
		refuse(id, "invalid_value", "speed can be set to an integer, nothing else");
	else if (set)
		driver->speed = json_integer_value(value);
	if (set && is_speed && json_is_integer(value))
		reply(id, json_null());
	else if (!set && (is_speed || text_equal(name, "resets")))
		reply(id, json_integer(is_speed ? driver->speed : driver->resets));
}

static void behave(struct driver *driver, json_int_t id, const char *command, const json_t *arguments)
{
	if (text_equal(command, "hello")) {
		hello(driver, id);
	} else if (text_equal(command, "plan")) {
		plan(driver, id, arguments);
	} else if (text_equal(command, "started")) {
		await(driver, id, "ready", false);
		tell_ready(driver);
	} else if (text_equal(command, "reset") || text_equal(command, "pause") ||
		   text_equal(command, "resume")) {
		driver->resets += text_equal(command, "reset");
		await(driver, id,
		      text_equal(command, "reset")   ? "reset"
		      : text_equal(command, "pause") ? "pause"
						     : "resume",
		      true);
	} else if (text_equal(command, "quit") && driver->board >= 0) {
		await(driver, id, "quit", true);
	} else if (text_equal(command, "property-list")) {
		list_properties(id, arguments);
	} else if (text_equal(command, "property-get")) {
		use_property(driver, id, arguments, false);
	} else if (text_equal(command, "property-set")) {
		use_property(driver, id, arguments, true);
	} else {
		refuse(id, "not_implemented", "the mock knows no such command");
	}
}

/* ---- as it should not ---- */

static void flood(void)
{
	for (;;)
		say("{\"event\":\"noise\"}\n", 18);
}

static void babble(void)
{
	static char line[64 * 1024];
	memset(line, '.', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 1024; i++)
		if (write(STDERR_FILENO, line, sizeof(line)) < 0)
			exit(10);
}

static void say_long(void)
{
	static char bytes[2 * 1024 * 1024];
	memset(bytes, ' ', sizeof(bytes));
	say(bytes, sizeof(bytes));
}

static void say_text(json_int_t id, const char *text)
{
	const char *mark = strstr(text, "$ID");
	cleanup_free char *line =
	    mark ? text_format("%.*s%lld%s\n", (int) (mark - text), text, (long long) id, mark + 3)
		 : text_format("%s\n", text);
	say(line, strlen(line));
}

static void close_both(void)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (;;)
		pause();
}

/* True: it was answered, or never will be. */
static bool misbehave(json_int_t id, const json_t *behaviour)
{
	const char *word = json_string_value(behaviour);
	const char *text = json_member_string(behaviour, "say", NULL);
	json_t *result = json_object_get(behaviour, "return"), *event = json_object_get(behaviour, "event");
	if (text_equal(word, "die")) {
		fprintf(stderr, "mock-driver: told to die\n");
		exit(3);
	}
	if (text_equal(word, "kill"))
		raise(SIGKILL);
	if (text_equal(word, "flood"))
		flood();
	if (text_equal(word, "close"))
		close_both();
	if (text_equal(word, "babble"))
		babble();
	if (text_equal(word, "long"))
		say_long();
	if (text_equal(word, "refuse"))
		refuse(id, "emulator_error", "the mock was told to refuse");
	if (text_equal(word, "twice"))
		reply(id, json_null());
	if (text)
		say_text(id, text);
	if (result)
		reply(id, json_incref(result));
	if (event)
		say_json(json_incref(event));
	return behaviour && !event && !text_equal(word, "twice") && !text_equal(word, "babble");
}

/* ---- the loop ---- */

static void obey(struct driver *driver, const json_t *request)
{
	json_int_t id = json_member_integer(request, "id", 0);
	const char *command = json_member_string(request, "command", NULL);
	if (!command)
		return; /* an event */
	const json_t *arguments = json_object_get(request, "arguments");
	const json_t *settings = json_object_get(arguments, "settings");
	if (settings) {
		driver->section = json_deep_copy(settings);
		json_object_update(driver->at, json_object_get(settings, "at"));
	}
	if (!misbehave(id, json_object_get(driver->at, command)))
		behave(driver, id, command, arguments);
}

static void hear_word(struct driver *driver, char *line)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest), *name = strtok_r(NULL, " ", &rest);
	if (word && name) {
		json_t *detail = text_equal(word, "port") ? json_pack("{s:i}", "port", atoi(rest))
							  : json_pack("{s:s}", "path", rest);
		json_object_set_new(driver->late, name, detail);
	}
	if (text_equal(word, "ready")) {
		driver->board_is_ready = true;
		tell_ready(driver);
	} else if (driver->waiting && text_equal(word, driver->awaited)) {
		json_int_t id = driver->waiting;
		driver->waiting = 0;
		reply(id, json_null());
	}
}

static void meet_board(struct driver *driver)
{
	driver->board = accept4(driver->listener, NULL, NULL, SOCK_CLOEXEC);
	unlink("mock.sock");
	close(driver->listener);
	driver->listener = -1;
}

static void hear_board(struct driver *driver)
{
	char bytes[4096];
	ssize_t count = read(driver->board, bytes, sizeof(bytes));
	if (count <= 0) {
		close(driver->board);
		driver->board = -1;
		return;
	}
	buffer_append(&driver->heard, bytes, (size_t) count);
	char *end;
	while ((end = memchr(driver->heard.data, '\n', driver->heard.length))) {
		cleanup_free char *line = strndup(driver->heard.data, (size_t) (end - driver->heard.data));
		buffer_consume(&driver->heard, (size_t) (end - driver->heard.data) + 1);
		hear_word(driver, line);
	}
}

static void hear_emud(struct driver *driver, struct json_lines *lines)
{
	char bytes[16384];
	struct error error;
	ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (count <= 0)
		exit(0);
	if (json_lines_feed(lines, bytes, (size_t) count, NULL) < 0)
		exit(8);
	for (;;) {
		cleanup_json json_t *request = json_lines_next(lines, &error);
		if (!request)
			return;
		obey(driver, request);
	}
}

int main(int argc, char **argv)
{
	struct driver driver = {.listener = -1, .board = -1, .late = json_object()};
	struct json_lines lines;
	signal(SIGPIPE, SIG_IGN);
	json_lines_init(&lines, 16 * 1024 * 1024);
	driver.at = argc > 1 ? json_loads(argv[1], 0, NULL) : json_object();
	for (;;) {
		struct pollfd polled[] = {{.fd = STDIN_FILENO, .events = POLLIN},
					  {.fd = driver.listener, .events = POLLIN},
					  {.fd = driver.board, .events = POLLIN}};
		if (poll(polled, 3, -1) < 0 && errno != EINTR)
			return 9;
		if (polled[0].revents)
			hear_emud(&driver, &lines);
		if (polled[1].revents)
			meet_board(&driver);
		if (polled[2].revents)
			hear_board(&driver);
	}
}
