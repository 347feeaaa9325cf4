#include "core/emulators/renode/operation.h"

#include "core/base/cleanup.h"

/* ---- the queue ---- */

static void operation_destroy(struct operation *operation)
{
	loop_timer_destroy(operation->deadline);
	if (operation->loads) {
		cleanup_close_descriptor(&operation->source_fd);
		cleanup_close_descriptor(&operation->copy_fd);
		loop_deferred_cancel(operation->copying);
	}
	free(operation->earlier_image);
	free(operation->path);
	free(operation->name);
	json_decref(operation->value);
	free(operation);
}

static void begin_first(void *data)
{
	struct session *session = data;
	session->next = NULL;
	struct operation *first = TAILQ_FIRST(&session->operations);
	if (!first || first->has_begun)
		return;
	first->has_begun = true;
	first->begin(first);
}

static void schedule(struct session *session)
{
	struct operation *first = TAILQ_FIRST(&session->operations);
	if (first && !first->has_begun && !session->next)
		session->next = loop_defer(session->loop, begin_first, session, NULL);
}

void renode_operation_finish(struct operation *operation, const struct error *error, const json_t *result)
{
	struct session *session = operation->session;
	connector_done *on_done = operation->on_done;
	void *data = operation->data;
	TAILQ_REMOVE(&session->operations, operation, link);
	operation_destroy(operation);
	schedule(session);
	if (on_done)
		on_done(error, result, data);
}

static void on_deadline(void *data)
{
	struct operation *operation = data;
	struct error error = {0};
	error_set(&error, -ETIMEDOUT, "emulator_timeout", "Renode did not answer within %.3g s",
		  (double) operation->timeout_ms / 1000);
	if (!operation->has_begun) {
		renode_operation_finish(operation, &error, NULL);
	} else if (renode_machine_is_busy(operation->session->machine)) {
		renode_machine_cancel(operation->session->machine);
		operation->on_expired(&error, operation);
	}
	/* Else it ends by the deadline of the command that is under way. */
}

/* Takes what template holds. */
void renode_operation_start(struct session *session, struct operation template)
{
	struct error error = {0};
	struct operation *operation = malloc(sizeof(*operation));
	struct loop_timer *deadline =
	    operation ? loop_timer_create(session->loop, on_deadline, operation, NULL) : NULL;
	if (!deadline || !session->client || session->ended) {
		error_set(&error, deadline ? -ENOTCONN : -ENOMEM, "not_running",
			  deadline ? "Renode is not running" : "no memory");
		loop_timer_destroy(deadline);
		free(operation);
		if (template.loads)
			cleanup_close_descriptor(&template.source_fd);
		free(template.path);
		free(template.name);
		json_decref(template.value);
		if (template.on_done)
			template.on_done(&error, NULL, template.data);
		return;
	}
	*operation = template;
	operation->session = session;
	operation->deadline = deadline;
	operation->deadline_ms = loop_now_ms(session->loop) + (int64_t) template.timeout_ms;
	loop_timer_start(deadline, template.timeout_ms);
	TAILQ_INSERT_TAIL(&session->operations, operation, link);
	schedule(session);
}

uint64_t renode_operation_remaining_ms(const struct operation *operation)
{
	int64_t left = operation->deadline_ms - loop_now_ms(operation->session->loop);
	return left > 1 ? (uint64_t) left : 1;
}

void renode_session_finish(struct session *session)
{
	struct error error = {0};
	struct operation *operation;
	error_set(&error, -ENOTCONN, "not_running", "Renode has ended");
	session->ended = true;
	/* Completes those whose command is under way. */
	robot_client_destroy(TAKE(session->client));
	if (session->machine)
		renode_machine_cancel(session->machine);
	while ((operation = TAILQ_FIRST(&session->operations)))
		renode_operation_finish(operation, &error, NULL);
	loop_deferred_cancel(TAKE(session->next));
}

/* ---- one command ---- */

void renode_operation_execute(struct operation *operation, const char *command, robot_done *on_answer)
{
	robot_client_execute(operation->session->client, command, renode_operation_remaining_ms(operation),
			     on_answer, operation);
}
