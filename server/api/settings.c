#include "server/api/settings.h"

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/text.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

const char settings_usage[] =
    "Usage: emud [OPTION]...\n"
    "Boards over HTTP: starts, watches and controls emulated boards.\n"
    "\n"
    "  --config FILE              YAML or JSON, as pw emu reads it, with a server: map beside pw:\n"
    "                             (default: the bundled targets)\n"
    "  --listen HOST:PORT         an address literal; port 0: any (127.0.0.1:3683)\n"
    "  --state-dir DIR            where instances, files and the database lie\n"
    "  --token-file FILE          who may call: a line each, NAME TOKEN or TOKEN\n"
    "  --file-root DIR            firmware may be named by path below it (repeatable)\n"
    "  --path-root DIR            state directories may be chosen below it (repeatable)\n"
    "  --log-level LEVEL          debug, info, warning or error (info)\n"
    "  --log-format FORMAT        key_value or json (key_value)\n"
    "  --stop-instances-on-exit   SIGTERM ends the boards too\n"
    "  --demo                     create and start the instance demo\n"
    "  --check-config             read the configuration, tell every fault, and exit\n"
    "  --version, --help\n";

enum {
	OPTION_CONFIG = 256,
	OPTION_LISTEN,
	OPTION_STATE_DIR,
	OPTION_TOKEN_FILE,
	OPTION_FILE_ROOT,
	OPTION_PATH_ROOT,
	OPTION_LOG_LEVEL,
	OPTION_LOG_FORMAT,
	OPTION_STOP,
	OPTION_DEMO,
	OPTION_CHECK,
	OPTION_ROUTES,
	OPTION_PROBLEMS,
	OPTION_VERSION,
	OPTION_HELP,
};

/* "HOST:PORT", "[::1]:PORT" or ":PORT"; a host must be an address literal. */
static int parse_listen(const char *text, struct settings *settings, struct error *error)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;
	if (!colon || text_to_uint64(colon + 1, &port) < 0 || port > 65535)
		return error_set(error, -EINVAL, NULL, "%s is not HOST:PORT, as in 127.0.0.1:3683 or [::1]:0",
				 text);
	size_t length = (size_t) (colon - text);
	bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';
	char *host = strndup(bracketed ? text + 1 : text, bracketed ? length - 2 : length);
	if (!host)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (text_equal(host, "localhost") || !host[0]) {
		free(host);
		host = strdup("127.0.0.1");
	}
	unsigned char address[16];
	if (!host || (inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1)) {
		int result =
		    error_set(error, -EINVAL, NULL, "%s is not an IPv4 or IPv6 address", host ? host : "");
		free(host);
		return result;
	}
	free(settings->host);
	settings->host = host;
	settings->port = (uint16_t) port;
	return 0;
}

/* Paths are told as JSON. */
static int check_utf8(const char *path, struct error *error)
{
	return text_is_utf8(path, strlen(path))
		   ? 0
		   : error_set(error, -EILSEQ, NULL,
			       "the path %s is not UTF-8, as the API tells paths: give another", path);
}

static int set_absolute(char **setting, const char *path, struct error *error)
{
	char working[PATH_MAX];
	if (path[0] != '/' && !getcwd(working, sizeof(working)))
		return error_set_errno(error, -errno, NULL, "%s", path);
	free(*setting);
	*setting = path[0] == '/' ? strdup(path) : text_format("%s/%s", working, path);
	return *setting ? check_utf8(*setting, error) : error_set(error, -ENOMEM, NULL, "no memory");
}

static int append_absolute(char ***settings, const char *path, struct error *error)
{
	cleanup_free char *absolute = NULL;
	int result = set_absolute(&absolute, path, error);
	return result ? result : text_vector_append(settings, absolute);
}

static int set_text(char **setting, const char *value, struct error *error)
{
	free(*setting);
	*setting = strdup(value);
	return *setting ? 0 : error_set(error, -ENOMEM, NULL, "no memory");
}

static int check_level(const char *level, struct error *error)
{
	enum log_level ignored;
	return log_level_from_text(level, &ignored) == 0
		   ? 0
		   : error_set(error, -EINVAL, NULL, "%s is no log level: debug, info, warning or error",
			       level);
}

static int check_format(const char *format, struct error *error)
{
	return text_equal(format, "key_value") || text_equal(format, "json")
		   ? 0
		   : error_set(error, -EINVAL, NULL, "%s is no log format: key_value or json", format);
}

static int take_option(struct settings *settings, int option, const char *value, struct error *error)
{
	switch (option) {
	case OPTION_CONFIG:
		return set_absolute(&settings->config_path, value, error);
	case OPTION_LISTEN:
		return parse_listen(value, settings, error);
	case OPTION_STATE_DIR:
		return set_absolute(&settings->state_dir, value, error);
	case OPTION_TOKEN_FILE:
		return set_absolute(&settings->token_file, value, error);
	case OPTION_FILE_ROOT:
		return append_absolute(&settings->file_roots, value, error);
	case OPTION_PATH_ROOT:
		return append_absolute(&settings->path_roots, value, error);
	case OPTION_LOG_LEVEL:
		return check_level(value, error) < 0 ? error->number
						     : set_text(&settings->log_level, value, error);
	case OPTION_LOG_FORMAT:
		return check_format(value, error) < 0 ? error->number
						      : set_text(&settings->log_format, value, error);
	case OPTION_STOP:
		settings->stop_instances_on_exit = true;
		return 0;
	case OPTION_DEMO:
		settings->demo = true;
		return 0;
	case OPTION_CHECK:
		settings->mode = SETTINGS_CHECK_CONFIG;
		return 0;
	case OPTION_ROUTES:
		settings->mode = SETTINGS_PRINT_ROUTES;
		return 0;
	case OPTION_PROBLEMS:
		settings->mode = SETTINGS_PRINT_PROBLEMS;
		return 0;
	case OPTION_VERSION:
		settings->mode = SETTINGS_VERSION;
		return 0;
	case OPTION_HELP:
		settings->mode = SETTINGS_HELP;
		return 0;
	default:
		return error_set(error, -EINVAL, NULL, "emud --help lists the options");
	}
}

int settings_parse(int argc, char **argv, struct settings *ret_settings, struct error *error)
{
	static const struct option table[] = {
	    {"config", required_argument, NULL, OPTION_CONFIG},
	    {"listen", required_argument, NULL, OPTION_LISTEN},
	    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
	    {"file-root", required_argument, NULL, OPTION_FILE_ROOT},
	    {"path-root", required_argument, NULL, OPTION_PATH_ROOT},
	    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	    {"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
	    {"stop-instances-on-exit", no_argument, NULL, OPTION_STOP},
	    {"demo", no_argument, NULL, OPTION_DEMO},
	    {"check-config", no_argument, NULL, OPTION_CHECK},
	    {"print-routes", no_argument, NULL, OPTION_ROUTES},
	    {"print-problems", no_argument, NULL, OPTION_PROBLEMS},
	    {"version", no_argument, NULL, OPTION_VERSION},
	    {"help", no_argument, NULL, OPTION_HELP},
	    {NULL, 0, NULL, 0},
	};
	struct settings settings = {0};
	int result = 0;
	for (int option; !result && (option = getopt_long(argc, argv, "", table, NULL)) != -1;)
		result = take_option(&settings, option, optarg, error);
	if (!result && optind < argc)
		result = error_set(error, -EINVAL, NULL, "%s: emud --help lists the options", argv[optind]);
	if (result < 0)
		settings_finish(&settings);
	else
		*ret_settings = settings;
	return result;
}

int settings_find_programs(struct settings *settings, struct error *error)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length < 0)
		return error_set_errno(error, -errno, NULL, "cannot tell where emud lies");
	program[length] = '\0';
	*strrchr(program, '/') = '\0';
	const char *share = getenv("EMUD_SHARE");
	settings->share_dir = share ? strdup(share) : text_format("%s/../share/emud", program);
	/* In a build it lies beside emud, installed in libexec. */
	settings->shim_program = text_format("%s/emud-shim", program);
	if (settings->shim_program && access(settings->shim_program, X_OK) < 0) {
		free(settings->shim_program);
		settings->shim_program = text_format("%s/../libexec/emud/emud-shim", program);
	}
	return settings->share_dir && settings->shim_program ? 0
							     : error_set(error, -ENOMEM, NULL, "no memory");
}

static char *default_state_dir(void)
{
	const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	if (systemd && systemd[0] == '/')
		return strndup(systemd, strcspn(systemd, ":"));
	if (xdg && xdg[0] == '/')
		return text_format("%s/emud", xdg);
	return home && home[0] == '/' ? text_format("%s/.local/state/emud", home) : strdup("/var/lib/emud");
}

static bool is_loopback(const char *host)
{
	return text_starts_with(host, "127.") || text_equal(host, "::1");
}

/* A setting of the command line stays; one that was not given comes from the file. */
static int inherit(char **setting, const char *value, struct error *error)
{
	return *setting || !value ? 0 : set_text(setting, value, error);
}

int settings_complete(struct settings *settings, const struct config_server *server, struct error *error)
{
	int result = 0;
	if (!settings->host)
		result = parse_listen(server->listen ? server->listen : "127.0.0.1:3683", settings, error);
	if (!result)
		result = inherit(&settings->state_dir, server->state_dir, error);
	if (!result)
		result = inherit(&settings->token_file, server->token_file, error);
	if (!result)
		result = inherit(&settings->log_level, server->log_level, error);
	if (!result)
		result = inherit(&settings->log_format, server->log_format, error);
	if (!result && settings->log_level)
		result = check_level(settings->log_level, error);
	if (!result && settings->log_format)
		result = check_format(settings->log_format, error);
	if (result < 0)
		return result;
	settings->stop_instances_on_exit |= server->stop_instances_on_exit;
	if (!settings->state_dir && !(settings->state_dir = default_state_dir()))
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (check_utf8(settings->state_dir, error) < 0)
		return error->number;
	if (!settings->token_file && !is_loopback(settings->host))
		return error_set(error, -EPERM, NULL,
				 "%s can be reached from elsewhere: give a token file (--token-file), or "
				 "listen on 127.0.0.1",
				 settings->host);
	return 0;
}

char *settings_config_file(const struct settings *settings)
{
	return settings->config_path ? strdup(settings->config_path)
				     : text_format("%s/targets/emud.yaml", settings->share_dir);
}

void settings_finish(struct settings *settings)
{
	free(settings->config_path);
	free(settings->host);
	free(settings->state_dir);
	free(settings->token_file);
	text_vector_free(settings->file_roots);
	text_vector_free(settings->path_roots);
	free(settings->log_level);
	free(settings->log_format);
	free(settings->share_dir);
	free(settings->shim_program);
	*settings = (struct settings){0};
}
