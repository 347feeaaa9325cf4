#pragma once

#include "server/api/app.h"
#include "server/api/paths.h"

/* Where `file` values may point: the configured roots, the bundled firmware, the uploads. Free the vector. */
char **firmware_roots(const struct app *app);

/* Opens what `file` names (paths.h tells the codes). */
int firmware_open_file(struct app *app, const json_t *file, struct opened_file *ret_file,
		       struct error *error);

/* Why the emulator of a resolved target cannot be run on this machine; NULL where it can. Caller frees. */
char *firmware_unavailable_reason(const json_t *resolved);

/* Whether the open file is sound and for a machine of the target. 0; code "invalid_file". */
int firmware_check_fit(int fd, const json_t *resolved, struct error *error);

/* Both for struct fleet_options, which says what they do. data: the struct app. */
bool firmware_can_adopt(const char *emulator);
int firmware_open(const json_t *file, const json_t *resolved, struct fleet_firmware *ret_firmware,
		  struct error *error, void *data);
