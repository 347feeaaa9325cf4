#include "core/shim/gdb_command.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* gdb takes any unambiguous beginning of a name; `least` is how much of it can mean this one. */
struct word {
	const char *name;
	size_t least;
};

/* What leaves gdb, runs other commands unseen, or writes files. */
static const struct word refused_commands[] = {
    {"shell", 2},
    {"pipe", 2},
    {"python", 2},
    {"python-interactive", 2},
    {"pi", 2},
    {"py", 2},
    {"guile", 2},
    {"guile-repl", 2},
    {"gr", 2},
    {"source", 2},
    {"make", 3},
    {"edit", 1},
    {"define", 3},
    {"define-prefix", 3},
    {"document", 3},
    {"run", 1},
    {"start", 5},
    {"starti", 6},
    {"attach", 2},
    {"target", 2},
    {"file", 3},
    {"exec-file", 2},
    {"core-file", 2},
    {"compile", 4},
    {"expression", 3},
    {"eval", 2},
    {"alias", 2},
    {"add-inferior", 5},
    {"clone-inferior", 2},
    {"save", 2},
    {"dump", 2},
    {"append", 2},
    {"generate-core-file", 2},
    {"gcore", 2},
    {"commands", 4},
    {"if", 2},
    {"while", 3},
    {"with", 1},
    {"faas", 2},
    {"taas", 2},
    {"tfaas", 2},
    {"maintenance", 2},
    {"mt", 2},
    {"remote", 3},
    {"jit-reader-load", 3},
    {"add-auto-load-safe-path", 7},
    {"add-auto-load-scripts-directory", 7},
    {"interpreter-exec", 6},
    {"new-ui", 3},
    {"tstop", 3},
    {"dprintf", 2},
    {"record", 3},
    {"tsave", 2},
    {"tty", 2},
};

/* `set` these: they name programs to run, or files to write. */
static const struct word refused_settings[] = {
    {"exec-wrapper", 3},
    {"logging", 2},
    {"history", 2},
    {"startup-with-shell", 3},
    {"debuginfod", 6},
    {"auto-load", 3},
    {"sysroot", 2},
    {"solib-search-path", 3},
    {"data-directory", 2},
    {"editing", 2},
    {"remote", 3},
    {"inferior-tty", 3},
    {"dprintf-style", 3},
    {"extension-language", 3},
    {"index-cache", 3},
    {"libthread-db-search-path", 3},
    {"compile-gcc", 5},
    {"environment", 3},
    {"cwd", 2},
};

static size_t word_length(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}

static bool is_one_of(const char *text, const struct word *words, size_t count)
{
	size_t length = word_length(text);
	for (size_t i = 0; i < count; i++)
		if (length >= words[i].least && length <= strlen(words[i].name) &&
		    strncmp(text, words[i].name, length) == 0)
			return true;
	return false;
}

static bool is_refused(const char *command)
{
	static const struct word set[] = {{"set", 3}};
	static const struct word appliers[] = {{"thread", 1}, {"frame", 1}, {"inferior", 3}};
	const char *first = command + strspn(command, " \t");
	const char *second = first + word_length(first);
	second += strspn(second, " \t");
	if (strpbrk(command, "\r\n") || (first[0] && strchr("!|.", first[0])) || strstr(command, "$_shell"))
		return true;
	if (is_one_of(first, appliers, sizeof(appliers) / sizeof(appliers[0])))
		return strncmp(second, "ap", 2) == 0;
	if (is_one_of(first, set, 1))
		return is_one_of(second, refused_settings,
				 sizeof(refused_settings) / sizeof(refused_settings[0]));
	return is_one_of(first, refused_commands, sizeof(refused_commands) / sizeof(refused_commands[0]));
}

int gdb_command_check(const char *command, struct error *error)
{
	if (!is_refused(command))
		return 0;
	return error_set(
	    error, -EPERM, "command_refused",
	    "\"%.100s\" is refused: what leaves gdb, runs other commands or writes files is not for here",
	    command);
}
