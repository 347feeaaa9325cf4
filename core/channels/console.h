#pragma once

/*
 * A console channel on the shim's side: file, FIFO, and raw endpoint (tcp listener or pty) with any number
 * of clients. The emulator writes the file; only this writes the FIFO.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct console;
struct growth;

enum console_endpoint { CONSOLE_ENDPOINT_NONE, CONSOLE_ENDPOINT_TCP, CONSOLE_ENDPOINT_PTY };

/* Makes a fresh "<name>.out" (0600) and FIFO "<name>.in" below dirfd (borrowed, outlives the console), opens
 * the endpoint, and for a pty leaves the symlink `name`. growth: the process's one notifier (borrowed,
 * outlives the console; NULL will do with CONSOLE_ENDPOINT_NONE). Where its inotify instance or watches are
 * exhausted, the file is looked at every 20 ms while a raw client waits for output. At most 64 tcp clients at
 * once; one that closes its sending half has gone, as with QEMU's own sockets. */
struct console *console_create(struct loop *loop, struct growth *growth, int dirfd, const char *name,
			       enum console_endpoint endpoint, struct error *error);

/* Clients are closed, FIFO and symlink removed, the .out stays. Writers that wait complete with -ECANCELED
 * from within this call. */
void console_destroy(struct console *console);

uint16_t console_port(const struct console *console);        /* tcp, on 127.0.0.1 */
const char *console_pty_path(const struct console *console); /* pty: "/dev/pts/4" */
int console_output_fd(const struct console *console);        /* open for reading and punching */

/* Writes to the guest (the bytes are copied). Fires on_done exactly once, never from within the call: written
 * is how many bytes the FIFO took; number is 0, -ETIMEDOUT (the guest does not read), -ECANCELED (console
 * destroyed, drained by a reset) or what else went wrong. Writers are served one after the other, whole.
 * timeout_ms UINT64_MAX: no deadline. on_done may destroy the console. */
int console_write(struct console *console, const void *bytes, size_t length, uint64_t timeout_ms,
		  void (*on_done)(size_t written, int number, void *data), void *data, struct error *error);

/* Throws away what the FIFO holds and what waits to be written (a reset); those who wait are told -ECANCELED
 * in the loop's next turn. */
void console_drain_input(struct console *console);
