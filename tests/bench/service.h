#pragma once

/* An emud of our own: any port, a state directory of its own, gone at the end. */

#include "tests/bench/http_client.h"

#include <sys/types.h>

struct service {
	pid_t pid;
	int port;
	char build[4096];
	char state_dir[64];
	char firmware_dir[4096];
	struct http http; /* one kept-alive connection */
};

/* build: the build directory; config: a file of its own, NULL: the bundled targets. */
void service_start(struct service *service, const char *build, const char *config);
/* Also removes the instances that are left. */
void service_stop(struct service *service);

/* POST /instances with that id on lm3s6965evb; query as "?wait=false" or "". */
void service_create(struct service *service, const char *id, const char *firmware, const char *query);
void service_delete(struct service *service, const char *id);
/* Any call on the kept-alive connection that must answer with that status. */
void service_call(struct service *service, int status, const char *method, const char *path, char **ret_body);
