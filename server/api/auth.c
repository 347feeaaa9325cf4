#include "server/api/auth.h"

#include "core/base/cleanup.h"
#include "server/api/digest.h"
#include "server/api/tokens.h"
#include "server/store/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { COOKIE_NAME_SIZE = sizeof("emud_session_") + 3 * sizeof(long) };

/* A session's end is moved at most once a day: a request should not cost a write. */
static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
static const int64_t session_ms = INT64_C(1000) * AUTH_SESSION_SECONDS;

struct auth {
	char *token_file; /* NULL: nobody is asked */
	struct tokens tokens;
	struct store *store;
};

struct auth *auth_create(const char *token_file, struct store *store, struct error *error)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	if (auth && token_file)
		auth->token_file = strdup(token_file);
	if (!auth || (token_file && !auth->token_file)) {
		error_set(error, -ENOMEM, NULL, "no memory");
		free(auth);
		return NULL;
	}
	auth->store = store;
	if (auth_reload(auth, error) == 0)
		return auth;
	auth_destroy(auth);
	return NULL;
}

void auth_destroy(struct auth *auth)
{
	if (!auth)
		return;
	tokens_finish(&auth->tokens);
	free(auth->token_file);
	free(auth);
}

bool auth_is_required(const struct auth *auth)
{
	return auth->token_file != NULL;
}

int auth_reload(struct auth *auth, struct error *error)
{
	if (!auth->token_file)
		return 0;
	struct tokens tokens;
	int number = tokens_read(auth->token_file, &tokens, error);
	if (number)
		return number;
	tokens_finish(&auth->tokens);
	auth->tokens = tokens;
	return 0;
}

/* ---- tokens ---- */

static int unauthorized(struct error *error, const char *message)
{
	return error_set(error, -EACCES, "unauthorized", "%s", message);
}

static const struct token *find_token(const struct auth *auth, const char *text, size_t length)
{
	uint8_t digest[DIGEST_BYTES];
	return digest_compute(text, length, digest) ? NULL : tokens_find(&auth->tokens, digest);
}

int auth_check_bearer(const struct auth *auth, const char *authorization, const char **ret_name,
		      struct error *error)
{
	static const char scheme[] = "Bearer ";
	if (strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return unauthorized(error, "send the header Authorization: Bearer TOKEN");
	const char *text = authorization + strlen(scheme);
	text += strspn(text, " ");
	size_t length = strlen(text);
	while (length && text[length - 1] == ' ')
		length--;
	const struct token *token = find_token(auth, text, length);
	if (!token)
		return unauthorized(error, "this token is not one of the token file");
	*ret_name = token->name;
	return 0;
}

/* ---- sessions ---- */

/* Our digits, and nothing behind them but the end of the cookie. */
static bool is_cookie_value(const char *value)
{
	size_t length = DIGEST_HEX_SIZE - 1;
	return strspn(value, "0123456789abcdef") == length &&
	       (!value[length] || strchr("; \t", value[length]));
}

static void name_cookie(long port, char name[static COOKIE_NAME_SIZE])
{
	if (port < 0)
		snprintf(name, COOKIE_NAME_SIZE, "emud_session");
	else
		snprintf(name, COOKIE_NAME_SIZE, "emud_session_%ld", port);
}

/* The value of our cookie among those of a Cookie header: as many digits as a session has, or NULL. */
static const char *find_cookie(const char *header, long port)
{
	char name[COOKIE_NAME_SIZE];
	name_cookie(port, name);
	size_t name_length = strlen(name);
	while (header && *header) {
		header += strspn(header, "; \t");
		size_t length = strcspn(header, ";");
		if (strncmp(header, name, name_length) == 0 && header[name_length] == '=' &&
		    is_cookie_value(header + name_length + 1))
			return header + name_length + 1;
		header += length;
	}
	return NULL;
}

static int digest_cookie(const char *value, uint8_t out[static DIGEST_BYTES], struct error *error)
{
	if (digest_compute(value, DIGEST_HEX_SIZE - 1, out))
		return error_set(error, -ENOMEM, NULL, "no memory for a session");
	return 0;
}

static void format_cookie(const char *value, long port, long max_age_s, bool is_secure,
			  char set_cookie[static AUTH_COOKIE_HEADER_SIZE])
{
	char name[COOKIE_NAME_SIZE];
	name_cookie(port, name);
	snprintf(set_cookie, AUTH_COOKIE_HEADER_SIZE,
		 "%s=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%ld%s", name, DIGEST_HEX_SIZE - 1,
		 value, max_age_s, is_secure ? "; Secure" : "");
}

void auth_format_cookie(const char *cookie, long port, bool is_secure,
			char set_cookie[static AUTH_COOKIE_HEADER_SIZE])
{
	const char *value = find_cookie(cookie, port);
	format_cookie(value ? value : "", port, value ? AUTH_SESSION_SECONDS : 0, is_secure, set_cookie);
}

int auth_check_cookie(const struct auth *auth, const char *cookie, long port, int64_t now_ms,
		      const char **ret_name, bool *ret_is_extended, struct error *error)
{
	const char *value = find_cookie(cookie, port);
	if (!value)
		return unauthorized(error, "sign in, or send the header Authorization: Bearer TOKEN");
	uint8_t digest[DIGEST_BYTES];
	cleanup_session_row struct session_row session = {0};
	int number = digest_cookie(value, digest, error);
	if (!number)
		number = sessions_get(auth->store, digest, now_ms, &session, error);
	if (number)
		return number == -ENOENT ? unauthorized(error, "the session has ended: sign in again")
					 : number;
	const struct token *token = tokens_find(&auth->tokens, session.token_digest);
	if (!token)
		return unauthorized(error, "the token of this session is no longer valid: sign in again");
	*ret_name = token->name;
	/* A session that cannot be extended now is extended by a later request. */
	if (ret_is_extended)
		*ret_is_extended = session.expires_at_ms - now_ms < session_ms - day_ms &&
				   sessions_extend(auth->store, digest, now_ms + session_ms, NULL) == 0;
	return 0;
}

int auth_begin_session(const struct auth *auth, const char *token_text, long port, int64_t now_ms,
		       bool is_secure, char set_cookie[static AUTH_COOKIE_HEADER_SIZE], struct error *error)
{
	const struct token *token = find_token(auth, token_text, strlen(token_text));
	if (!token)
		return unauthorized(error, "this token is not one of the token file");
	uint8_t random[DIGEST_BYTES];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_set_errno(error, -EIO, NULL, "no random bytes for a session");
	char value[DIGEST_HEX_SIZE];
	digest_to_hex(random, value);
	struct session_row session = {
	    .token_name = token->name, .created_at_ms = now_ms, .expires_at_ms = now_ms + session_ms};
	memcpy(session.token_digest, token->digest, sizeof(session.token_digest));
	int number = digest_cookie(value, session.digest, error);
	if (!number)
		number = sessions_purge(auth->store, now_ms, error);
	if (!number)
		number = sessions_insert(auth->store, &session, error);
	if (!number)
		format_cookie(value, port, AUTH_SESSION_SECONDS, is_secure, set_cookie);
	explicit_bzero(value, sizeof(value));
	return number;
}

int auth_end_session(const struct auth *auth, const char *cookie, long port, bool is_secure,
		     char set_cookie[static AUTH_COOKIE_HEADER_SIZE], struct error *error)
{
	const char *value = find_cookie(cookie, port);
	uint8_t digest[DIGEST_BYTES];
	int number = value ? digest_cookie(value, digest, error) : 0;
	if (!number && value)
		number = sessions_delete(auth->store, digest, error);
	if (!number)
		format_cookie("", port, 0, is_secure, set_cookie);
	return number;
}
