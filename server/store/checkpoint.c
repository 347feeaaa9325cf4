#include "server/store/checkpoint.h"

#include "server/store/database.h"

#include <string.h>

/* Of 4 KiB each. A flood of commits, each of which the pool thread sees too late, may grow the log up to
 * the second number. */
enum { CHECKPOINT_PAGES = 1000, MOST_PAGES = 16 * CHECKPOINT_PAGES };

struct checkpointer {
	struct loop *loop;
	sqlite3 *watched; /* not ours; its commits are told by its WAL hook */
	char *path;
	sqlite3 *own; /* the pool thread's while is_running */
	bool is_running;
	bool is_orphan; /* destroyed while running: on_done frees */
	int result;
	int due_at_pages; /* later than CHECKPOINT_PAGES after a failure */
	int last_pages;
};

static void checkpointer_free(struct checkpointer *checkpointer)
{
	sqlite3_close(checkpointer->own);
	free(checkpointer->path);
	free(checkpointer);
}

static void run_checkpoint(void *data)
{
	struct checkpointer *checkpointer = data;
	if (!checkpointer->own)
		checkpointer->own = database_connect(checkpointer->path, NULL);
	/* Passive: takes no lock that a reader or writer would wait for. */
	checkpointer->result =
	    checkpointer->own
		? sqlite3_wal_checkpoint_v2(checkpointer->own, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL)
		: SQLITE_CANTOPEN;
}

static void on_checkpoint_done(void *data)
{
	struct checkpointer *checkpointer = data;
	checkpointer->is_running = false;
	if (checkpointer->is_orphan) {
		checkpointer_free(checkpointer);
		return;
	}
	/* A disk without room: nothing is lost, the log grows on, and later commits try again. */
	if (checkpointer->result != SQLITE_OK)
		checkpointer->due_at_pages = checkpointer->last_pages + CHECKPOINT_PAGES;
}

static int on_commit(void *data, sqlite3 *db, const char *name, int pages)
{
	struct checkpointer *checkpointer = data;
	(void) name;
	/* A log that has become shorter was started again: the last checkpoint was complete. */
	if (pages < checkpointer->last_pages)
		checkpointer->due_at_pages = CHECKPOINT_PAGES;
	checkpointer->last_pages = pages;
	if (pages < checkpointer->due_at_pages || checkpointer->is_running)
		return SQLITE_OK;
	/* Here, and at once complete: most pages have been copied already. */
	if (pages >= MOST_PAGES && checkpointer->result == SQLITE_OK)
		checkpointer->result =
		    sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	else
		checkpointer->is_running = loop_work(checkpointer->loop, run_checkpoint, on_checkpoint_done,
						     checkpointer, NULL) == 0;
	return SQLITE_OK;
}

struct checkpointer *checkpointer_create(sqlite3 *db, const char *path, struct loop *loop,
					 struct error *error)
{
	struct checkpointer *checkpointer = calloc(1, sizeof(*checkpointer));
	if (checkpointer)
		checkpointer->path = strdup(path);
	if (!checkpointer || !checkpointer->path) {
		error_set(error, -ENOMEM, NULL, "no memory for the store");
		free(checkpointer);
		return NULL;
	}
	checkpointer->loop = loop;
	checkpointer->watched = db;
	checkpointer->due_at_pages = CHECKPOINT_PAGES;
	sqlite3_wal_hook(db, on_commit, checkpointer);
	return checkpointer;
}

void checkpointer_destroy(struct checkpointer *checkpointer)
{
	if (!checkpointer)
		return;
	sqlite3_wal_hook(checkpointer->watched, NULL, NULL);
	if (checkpointer->is_running)
		checkpointer->is_orphan = true;
	else
		checkpointer_free(checkpointer);
}
