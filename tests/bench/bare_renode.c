#include "tests/bench/bare_renode.h"

#include "tests/bench/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_PORT 21000
#define PORTS_A_START 8
#define RETRY_US 1000
#define PATIENCE_MS 60000

const char *bare_renode_missing(bool *ret_is_double)
{
	char line[256] = "";
	FILE *output = popen("renode --version 2>/dev/null", "re"); // NOLINT(cert-env33-c): ours to choose
	if (output && !fgets(line, sizeof(line), output))
		line[0] = '\0';
	if (!output || pclose(output) != 0 || !line[0])
		return "no renode on the PATH";
	*ret_is_double = strstr(line, "(double)");
	return NULL;
}

/* A connection to the robot port, once somebody listens there. */
static int dial(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t) port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (double end = now_ms() + PATIENCE_MS; now_ms() < end; usleep(RETRY_US)) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
			return fd;
		close(fd);
	}
	fail("Renode's robot port does not answer");
}

static void execute(int port, const char *command)
{
	char body[4096], request[8192], answer[65536];
	int length = snprintf(
	    body, sizeof(body),
	    "<?xml "
	    "version=\"1.0\"?><methodCall><methodName>run_keyword</methodName><params><param><value><string>"
	    "ExecuteCommand</string></value></param><param><value><array><data><value><string>%s</string></"
	    "value>"
	    "</data></array></value></param></params></methodCall>",
	    command);
	int size =
	    snprintf(request, sizeof(request),
		     "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\n"
		     "Content-Length: %d\r\n\r\n%s",
		     length, body);
	/* The port answers before all commands are there. */
	do {
		int fd = dial(port);
		size_t got = 0;
		ssize_t count = write(fd, request, (size_t) size);
		while (count > 0 && got < sizeof(answer) - 1 &&
		       (count = read(fd, answer + got, sizeof(answer) - 1 - got)) > 0)
			got += (size_t) count;
		close(fd);
		answer[got] = '\0';
	} while (strstr(answer, "No such command or device") && usleep(RETRY_US) == 0);
	if (!strstr(answer, "PASS"))
		fail("Renode refused \"%s\": %s", command, answer);
}

void bare_renode_start(struct bare_renode *renode, const char *image)
{
	static int starts;
	char port[16], command[4096];
	renode->port = FIRST_PORT + PORTS_A_START * starts++;
	snprintf(port, sizeof(port), "%d", renode->port);
	char *argv[] = {"renode", "--disable-xwt", "--robot-server-port", port, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int status = posix_spawnp(&renode->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		fail("cannot start renode: %s", strerror(status));
	execute(renode->port, "mach add \"bench\"");
	execute(renode->port, "machine LoadPlatformDescription @platforms/boards/stm32f4_discovery-kit.repl");
	for (int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command),
			 "emulation CreateServerSocketTerminal %d \"serial%d\" false", renode->port + 1 + i,
			 i);
		execute(renode->port, command);
		snprintf(command, sizeof(command), "connector Connect sysbus.usart%d serial%d", i + 1, i);
		execute(renode->port, command);
	}
	snprintf(command, sizeof(command), "machine StartGdbServer %d", renode->port + 3);
	execute(renode->port, command);
	snprintf(command, sizeof(command), "sysbus LoadELF @%s", image);
	execute(renode->port, command);
	execute(renode->port, "start");
}

void bare_renode_stop(struct bare_renode *renode)
{
	kill(renode->pid, SIGTERM);
	waitpid(renode->pid, NULL, 0);
}
