#pragma once

/* QEMU alone, as somebody would start it who has no emud: what its numbers are held against. */

#include <stddef.h>
#include <sys/types.h>

enum bare_console { BARE_NO_CONSOLE, BARE_UNIX_CONSOLE, BARE_TCP_CONSOLE };

struct bare_qemu {
	pid_t pid;
	int qmp;     /* connected; nothing read from it yet */
	int console; /* connected; -1: none */
	size_t used;
	char buffer[16384];
};

/* Spawns it with an ELF file; returns at once. */
void bare_start(struct bare_qemu *qemu, const char *firmware, enum bare_console console);
/* Reads the greeting and gets the first command answered. */
void bare_negotiate(struct bare_qemu *qemu);
/* Sends one line of QMP and waits for its answer, and for the event of that name unless NULL. */
void bare_command(struct bare_qemu *qemu, const char *line, const char *event);
void bare_stop(struct bare_qemu *qemu);
