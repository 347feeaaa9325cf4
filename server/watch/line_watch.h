#pragma once

/* The last line of a console, as it changes: told at once, then at most every LINE_PACE_MS. */

#include "core/base/error.h"
#include "core/channels/growth.h"
#include "core/loop/loop.h"

enum { LINE_PACE_MS = 250 };

/* The last line of a console's file as it is now (last_line.h). Caller frees; NULL: no memory. */
char *line_read(int fd);

struct line_watch;
/* Takes fd, even on failure. on_line: line_watch_text is another than before; may destroy the watch. A file
 * that cannot be watched is looked at now and then. */
struct line_watch *line_watch_create(struct loop *loop, struct growth *growth, int fd,
				     void (*on_line)(void *data), void *data, struct error *error);
void line_watch_destroy(struct line_watch *watch);
const char *line_watch_text(const struct line_watch *watch);
