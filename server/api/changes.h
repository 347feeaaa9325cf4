#pragma once

/* What becomes of instances and files, told as events. actor: who asked for it; NULL: nobody did. */

#include "server/api/app.h"
#include "server/shims/board.h"

/* The fleet's on_change; data: the app. */
void publish_change(const struct fleet_change *change, void *app);

/* A reset is no change of state. */
void publish_reset(struct app *app, const struct board *board, const char *actor);

void publish_file_created(struct app *app, const struct file_row *row, const char *actor);
void publish_file_deleted(struct app *app, const char *sha256, const char *actor);
