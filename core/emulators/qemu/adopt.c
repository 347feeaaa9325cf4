/* A QEMU that `pw emu` started: its one QMP channel serves one client at a time, so it is connected for as
 * long as a call takes, and calls wait for one another. What happens in between is not heard: each connection
 * asks for the guest's state first. */

#include "core/emulators/qemu/adopt.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

/* A QEMU with ptys looks once a second whether somebody has come. */
enum { ADOPT_TIMEOUT_MS = 5000 };

static const char qmp_channel[] = "qmp";

struct qemu_session {
	TAILQ_ENTRY(qemu_session) link;
	struct qemu_adoption *adoption;
	struct qmp_client *client;   /* NULL: its turn has not come */
	struct loop_timer *deadline; /* of the waiting for its turn */
	int64_t ends_at_ms;
	bool connected, negotiated, closing;
	unsigned resumes;
	qemu_session_opened *on_open;
	void *data;
};

struct qemu_adoption {
	struct loop *loop;
	struct adoption wanted;
	TAILQ_HEAD(qemu_sessions, qemu_session) sessions; /* the first is connected, or about to be */
	struct loop_deferred *turn;
	struct qemu_session *first; /* until it is adopted */
	void (*on_adopted)(const struct error *error, bool paused, void *data);
	const struct emulator_events *events;
	void *data;
};

/* ---- a connection ---- */

static void on_event(const char *name, const json_t *event_data, void *data)
{
	(void) event_data;
	struct qemu_session *session = data;
	struct qemu_adoption *adoption = session->adoption;
	bool runs = strcmp(name, "RESUME") == 0;
	session->resumes += runs;
	if (runs)
		adoption->events->on_running(adoption->data);
	else if (strcmp(name, "STOP") == 0)
		adoption->events->on_paused(adoption->data);
}

/* Whoever asked over it has been told by his request. */
static void on_lost(const struct error *error, void *data)
{
	(void) error;
	(void) data;
}

static const struct qmp_client_events client_events = {.on_event = on_event, .on_lost = on_lost};

/* Refused where it was negotiated before: a pty's QEMU may not have seen its last client go. */
static void on_capabilities(const struct error *error, const struct qmp_message *reply, void *data)
{
	struct qemu_session *session = data;
	session->negotiated = !error || reply;
}

static void on_status(const struct error *error, const struct qmp_message *reply, void *data)
{
	struct qemu_session *session = data;
	struct qemu_adoption *adoption = session->adoption;
	if (error || session == adoption->first)
		return;
	if (json_member_boolean(reply->data, "running", false))
		adoption->events->on_running(adoption->data);
	else
		adoption->events->on_paused(adoption->data);
}

uint64_t qemu_session_time_left_ms(const struct qemu_session *session)
{
	int64_t left_ms = session->ends_at_ms - loop_now_ms(session->adoption->loop);
	return left_ms > 0 ? (uint64_t) left_ms : 0;
}

static void ask(struct qemu_session *session, const char *command, qmp_client_done *on_done)
{
	const struct qmp_call call = {.command = command, .timeout_ms = qemu_session_time_left_ms(session)};
	qmp_client_request(session->client, &call, on_done, session);
}

static int connect_session(struct qemu_session *session, struct error *error)
{
	const struct qemu_adoption *adoption = session->adoption;
	int on = 1;
	int fd = adoption->wanted.connect(qmp_channel, adoption->wanted.data, error);
	if (fd < 0)
		return fd;
	session->connected = true;
	/* Else an event costs 40 ms; a pty has no such thing. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	session->client = qmp_client_create(adoption->loop, fd, &client_events, session, error);
	if (!session->client)
		return -ENOMEM;
	ask(session, "qmp_capabilities", on_capabilities);
	ask(session, "query-status", on_status);
	return 0;
}

/* ---- one after the other ---- */

static void on_turn(void *data)
{
	struct qemu_adoption *adoption = data;
	struct qemu_session *session = TAILQ_FIRST(&adoption->sessions);
	struct error error;
	adoption->turn = NULL;
	if (!session || session->client)
		return;
	loop_timer_stop(session->deadline);
	session->on_open(session, connect_session(session, &error) < 0 ? &error : NULL, session->data);
}

static int take_turn(struct qemu_adoption *adoption, struct error *error)
{
	if (!adoption->turn)
		adoption->turn = loop_defer(adoption->loop, on_turn, adoption, error);
	return adoption->turn ? 0 : -ENOMEM;
}

static void on_deadline(void *data)
{
	struct qemu_session *session = data;
	struct error error;
	error_set(&error, -ETIMEDOUT, "emulator_timeout", "other calls kept QEMU's QMP busy");
	session->on_open(session, &error, session->data);
}

struct qemu_session *qemu_session_begin(struct qemu_adoption *adoption, uint64_t timeout_ms,
					qemu_session_opened *on_open, void *data, struct error *error)
{
	struct qemu_session *session = calloc(1, sizeof(*session));
	if (!session) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*session = (struct qemu_session){
	    .adoption = adoption,
	    .deadline = loop_timer_create(adoption->loop, on_deadline, session, error),
	    .ends_at_ms = loop_now_ms(adoption->loop) + (int64_t) timeout_ms,
	    .on_open = on_open,
	    .data = data,
	};
	if (!session->deadline || take_turn(adoption, error) < 0) {
		loop_timer_destroy(session->deadline);
		free(session);
		return NULL;
	}
	loop_timer_start(session->deadline, timeout_ms);
	TAILQ_INSERT_TAIL(&adoption->sessions, session, link);
	return session;
}

struct qmp_client *qemu_session_client(struct qemu_session *session)
{
	return session->client;
}

unsigned qemu_session_resumes(const struct qemu_session *session)
{
	return session->resumes;
}

void qemu_session_explain(const struct qemu_session *session, struct error *error)
{
	if (error->number == -ETIMEDOUT && session->client && !session->negotiated)
		error_set(error, -ETIMEDOUT, "emulator_timeout",
			  "QEMU's QMP did not answer in time: another client, such as pw emu, may hold it");
	else if (error->number == -ENOTCONN)
		error_set(error, -ENOTCONN, "not_running", "QEMU has closed its QMP connection");
}

void qemu_session_close(struct qemu_session *session)
{
	if (!session || session->closing)
		return;
	struct qemu_adoption *adoption = session->adoption;
	session->closing = true;
	qmp_client_destroy(session->client);
	if (session->connected)
		adoption->wanted.on_closed(qmp_channel, adoption->wanted.data);
	loop_timer_destroy(session->deadline);
	TAILQ_REMOVE(&adoption->sessions, session, link);
	free(session);
	if (!TAILQ_EMPTY(&adoption->sessions))
		take_turn(adoption, NULL);
}

/* ---- the adoption ---- */

static void on_first_answer(const struct error *error, const struct qmp_message *reply, void *data)
{
	struct qemu_adoption *adoption = data;
	struct qemu_session *session = TAKE(adoption->first);
	struct error failure = error ? *error : (struct error){0};
	bool paused = reply && !json_member_boolean(reply->data, "running", false);
	if (!session)
		return;
	qemu_session_explain(session, &failure);
	qemu_session_close(session);
	adoption->on_adopted(error ? &failure : NULL, paused, adoption->data);
}

static void on_first_open(struct qemu_session *session, const struct error *error, void *data)
{
	struct qemu_adoption *adoption = data;
	const struct qmp_call call = {.command = "query-status",
				      .timeout_ms = qemu_session_time_left_ms(session)};
	if (error)
		on_first_answer(error, NULL, adoption);
	else
		qmp_client_request(session->client, &call, on_first_answer, adoption);
}

static bool has_channel(const struct adoption *adoption, const char *name)
{
	for (size_t i = 0; i < adoption->count; i++)
		if (strcmp(adoption->channels[i].name, name) == 0)
			return true;
	return false;
}

int qemu_adopt(struct qemu_adoption **ret_adoption, struct loop *loop, const struct adoption *wanted,
	       void (*on_adopted)(const struct error *error, bool paused, void *data),
	       const struct emulator_events *events, void *data, struct error *error)
{
	if (!has_channel(wanted, qmp_channel))
		return error_set(error, -ENOENT, "not_adoptable",
				 "handles.json names no channel %s, over which QEMU is asked", qmp_channel);
	struct qemu_adoption *adoption = calloc(1, sizeof(*adoption));
	if (!adoption)
		return error_set(error, -ENOMEM, NULL, "no memory");
	*adoption = (struct qemu_adoption){
	    .loop = loop, .wanted = *wanted, .on_adopted = on_adopted, .events = events, .data = data};
	TAILQ_INIT(&adoption->sessions);
	adoption->first = qemu_session_begin(adoption, ADOPT_TIMEOUT_MS, on_first_open, adoption, error);
	if (!adoption->first) {
		qemu_adoption_destroy(adoption);
		return -ENOMEM;
	}
	*ret_adoption = adoption;
	return 0;
}

/* Whoever waits for the session is told; he closes it, or it is closed here. */
static void cancel(struct qemu_session *session)
{
	struct error error;
	error_set(&error, -ECANCELED, "not_running", "QEMU is no longer there to answer");
	if (session->client) {
		qemu_session_close(session);
		return;
	}
	session->closing = true;
	session->on_open(session, &error, session->data);
	session->closing = false;
	qemu_session_close(session);
}

void qemu_adoption_destroy(struct qemu_adoption *adoption)
{
	if (!adoption)
		return;
	adoption->first = NULL;
	while (!TAILQ_EMPTY(&adoption->sessions))
		cancel(TAILQ_FIRST(&adoption->sessions));
	loop_deferred_cancel(adoption->turn);
	free(adoption);
}
