#include "server/versions.h"

#include "core/base/cleanup.h"
#include "core/emulators/registry.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 4096 };

struct versions {
	json_t *emulators; /* NULL: nobody wants to know any more */
	bool is_over;      /* asked and told: only destroy remains */
	size_t count;
	struct answer {
		const struct emulator *emulator;
		char *version; /* NULL: it cannot be run */
	} answers[];
};

/* The first word of text that begins with a digit: "7.2.22". Caller frees. */
static char *find_version(const char *text)
{
	for (const char *at = text; *at; at++) {
		bool begins = isdigit((unsigned char) *at) && (at == text || at[-1] == ' ' || at[-1] == 'v');
		if (begins)
			return strndup(at, strspn(at, "0123456789.abcdefghijklmnopqrstuvwxyz-+~"));
	}
	return NULL;
}

/* On a pool thread. */
static char *ask(const char *const *command)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	cleanup_close int reading = ends[0];
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	pid_t pid;
	int result = posix_spawnp(&pid, command[0], &actions, NULL, (char *const *) command, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (result)
		return NULL;
	char text[OUTPUT_BYTES] = "";
	size_t length = 0;
	for (ssize_t count; length < sizeof(text) - 1; length += (size_t) count) {
		count = read(reading, text + length, sizeof(text) - 1 - length);
		if (count <= 0)
			break;
	}
	waitpid(pid, NULL, 0);
	text[length] = '\0';
	return find_version(text);
}

static void ask_all(void *data)
{
	struct versions *versions = data;
	for (size_t i = 0; i < versions->count; i++)
		if (versions->answers[i].emulator->version_command)
			versions->answers[i].version = ask(versions->answers[i].emulator->version_command);
}

static void on_asked(void *data)
{
	struct versions *versions = data;
	versions->is_over = true;
	for (size_t i = 0; i < versions->count; i++) {
		struct answer *answer = &versions->answers[i];
		if (versions->emulators)
			json_object_set_new(versions->emulators, answer->emulator->name,
					    json_pack("{s:b, s:s?}", "available", answer->version != NULL,
						      "version", answer->version));
		free(answer->version);
	}
	if (!versions->emulators)
		free(versions);
}

struct versions *versions_create(struct loop *loop, json_t *emulators, struct error *error)
{
	size_t count = 0;
	while (emulator_registry[count])
		count++;
	/* The one row that is no emulator of its own has no answer. */
	struct versions *versions = calloc(1, sizeof(*versions) + count * sizeof(struct answer));
	if (!versions) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	versions->emulators = json_incref(emulators);
	for (size_t i = 0; i < count; i++) {
		const struct emulator *emulator = emulator_registry[i];
		if (!emulator_is_built_in(emulator))
			continue;
		char *reason = emulator->unavailable ? emulator->unavailable(NULL) : NULL;
		versions->answers[versions->count++].emulator = emulator;
		json_object_set_new(emulators, emulator->name,
				    json_pack("{s:b, s:n}", "available", reason == NULL, "version"));
		free(reason);
	}
	if (loop_work(loop, ask_all, on_asked, versions, error) == 0)
		return versions;
	json_decref(versions->emulators);
	free(versions);
	return NULL;
}

void versions_destroy(struct versions *versions)
{
	if (!versions)
		return;
	json_decref(TAKE(versions->emulators));
	if (versions->is_over)
		free(versions);
}
