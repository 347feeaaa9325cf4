#pragma once

/* A QEMU that runs already: QMP connected for one call at a time. */

#include "core/emulators/launcher.h"
#include "core/emulators/qemu/qmp_client.h"

struct qemu_adoption;

/* As launcher_ops.adopt; nothing of on_adopted after a destroy. */
int qemu_adopt(struct qemu_adoption **ret_adoption, struct loop *loop, const struct adoption *wanted,
	       void (*on_adopted)(const struct error *error, bool paused, void *data),
	       const struct emulator_events *events, void *data, struct error *error);
/* What is under way completes from within, as cancelled. Takes NULL. */
void qemu_adoption_destroy(struct qemu_adoption *adoption);

/* One connection: negotiated, and the guest's state asked (and told to the events) ahead of the caller's
 * requests, which may be made at once. */
struct qemu_session;

/* on_open fires once, when all who came before have gone, never from within: error NULL, or why QMP was not
 * reached. Close the session in either case. NULL: no memory. */
typedef void qemu_session_opened(struct qemu_session *session, const struct error *error, void *data);
struct qemu_session *qemu_session_begin(struct qemu_adoption *adoption, uint64_t timeout_ms,
					qemu_session_opened *on_open, void *data, struct error *error);
struct qmp_client *qemu_session_client(struct qemu_session *session);
/* What is left of timeout_ms. */
uint64_t qemu_session_time_left_ms(const struct qemu_session *session);
/* How often the guest was seen to be set running over it. */
unsigned qemu_session_resumes(const struct qemu_session *session);
/* Rewords a failed request's error: it may have waited for another client of QEMU's. */
void qemu_session_explain(const struct qemu_session *session, struct error *error);
/* What is under way completes from within, as cancelled. Takes NULL. */
void qemu_session_close(struct qemu_session *session);
