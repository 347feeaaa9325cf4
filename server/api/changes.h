#pragma once

/* What becomes of instances and files, told as events. */

#include "server/api/app.h"
#include "server/http/request.h"
#include "server/shims/board.h"

/* The fleet's on_change; data: the app. */
void publish_change(const struct fleet_change *change, void *app);

/* A reset is no change of state. */
void publish_reset(struct app *app, const struct board *board, const char *actor);

void publish_file_created(struct app *app, const struct request *request, const struct file_row *row);
void publish_file_deleted(struct app *app, const struct request *request, const char *sha256);
