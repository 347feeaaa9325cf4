#pragma once

#include <stdbool.h>

/* "sysbus.usart1": words of letters, digits and underscores with dots between, which Renode's monitor takes
 * for one token, and for no command of its own. */
bool renode_is_object_path(const char *path);

/* "BaudRate": one word. */
bool renode_is_member_name(const char *name);

/* The token by which the monitor knows a file: "@a\ b.repl". Caller frees; NULL: no memory. */
char *renode_path_token(const char *path);
