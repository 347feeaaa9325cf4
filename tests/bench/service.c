#include "tests/bench/service.h"

#include "tests/bench/measure.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads emud's first line, which ends in its URL, and after it the port. */
static int read_port(int fd)
{
	FILE *output = fdopen(fd, "r");
	char line[512];
	if (!output || !fgets(line, sizeof(line), output))
		fail("emud did not start");
	char *colon = strrchr(line, ':');
	int port = colon ? atoi(colon + 1) : 0;
	if (port <= 0)
		fail("emud did not say where it listens: %s", line);
	fclose(output);
	return port;
}

void service_start(struct service *service, const char *build, const char *config)
{
	char program[4200];
	snprintf(service->build, sizeof(service->build), "%s", build);
	snprintf(program, sizeof(program), "%s/bin/emud", build);
	snprintf(service->firmware_dir, sizeof(service->firmware_dir), "%s/share/emud/firmware", build);
	strcpy(service->state_dir, "/tmp/emud-bench-XXXXXX");
	char log_file[128];
	int output[2];
	if (!mkdtemp(service->state_dir) || pipe2(output, O_CLOEXEC))
		fail("cannot make a state directory: %m");
	snprintf(log_file, sizeof(log_file), "%s/emud.log", service->state_dir);
	char *argv[] = {program,
			"--listen",
			"127.0.0.1:0",
			"--state-dir",
			service->state_dir,
			"--file-root",
			service->firmware_dir,
			"--stop-instances-on-exit",
			config ? "--config" : NULL,
			(char *) config,
			NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output[1], 1);
	/* As in production: a line a request, to a file. */
	posix_spawn_file_actions_addopen(&actions, 2, log_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int status = posix_spawn(&service->pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		fail("cannot start %s: %s", program, strerror(status));
	close(output[1]);
	service->port = read_port(output[0]);
	http_connect(&service->http, service->port);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void) status;
	(void) type;
	(void) walk;
	return remove(path);
}

void service_stop(struct service *service)
{
	http_close(&service->http);
	kill(service->pid, SIGTERM);
	waitpid(service->pid, NULL, 0);
	nftw(service->state_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void service_create(struct service *service, const char *id, const char *firmware, const char *query)
{
	char body[8192];
	char path[64];
	snprintf(path, sizeof(path), "/instances%s", query);
	snprintf(body, sizeof(body),
		 "{\"id\":\"%s\",\"target\":\"qemu-lm3s6965evb\",\"file\":{\"path\":\"%s/%s.elf\"}}", id,
		 service->firmware_dir, firmware);
	char *answer;
	int status = http_call(&service->http, "POST", path, body, NULL, &answer);
	if (status != 201 && status != 202)
		fail("POST %s: %d %s", path, status, answer);
	free(answer);
}

void service_delete(struct service *service, const char *id)
{
	char path[128];
	snprintf(path, sizeof(path), "/instances/%s", id);
	service_call(service, 204, "DELETE", path, NULL);
}

void service_call(struct service *service, int status, const char *method, const char *path, char **ret_body)
{
	char *body;
	int got = http_call(&service->http, method, path, NULL, NULL, &body);
	if (got != status)
		fail("%s %s: %d %s", method, path, got, body);
	if (ret_body)
		*ret_body = body;
	else
		free(body);
}
