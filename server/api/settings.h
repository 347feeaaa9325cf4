#pragma once

/* The service's own settings in force: the command line over the configuration file over the defaults. */

#include "core/base/error.h"
#include "core/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct settings {
	char *config_path; /* NULL: the bundled targets */
	char *host;        /* address literal */
	uint16_t port;
	char *state_dir; /* absolute */
	char *token_file;
	char **file_roots, **path_roots; /* of the command line; NULL: the file's */
	char *log_level, *log_format;
	char *share_dir; /* targets, web, openapi: beside the binaries */
	char *shim_program;
	bool stop_instances_on_exit;
	bool demo;
	enum {
		SETTINGS_RUN,
		SETTINGS_CHECK_CONFIG,
		SETTINGS_PRINT_ROUTES,
		SETTINGS_PRINT_PROBLEMS,
		SETTINGS_VERSION,
		SETTINGS_HELP
	} mode;
};

/* Reads the command line. 0; -EINVAL with error set for one that is wrong. */
int settings_parse(int argc, char **argv, struct settings *ret_settings, struct error *error);
/* share_dir and shim_program, from where emud itself lies (EMUD_SHARE overrides the former). */
int settings_find_programs(struct settings *settings, struct error *error);
/* Fills what the command line left open from the configuration, then with defaults. Checks the listen address
 * (a public one needs a token file). */
int settings_complete(struct settings *settings, const struct config_server *server, struct error *error);
void settings_finish(struct settings *settings);
/* The file that is read: the configuration's, else the bundled targets'. Caller frees. */
char *settings_config_file(const struct settings *settings);
extern const char settings_usage[];
