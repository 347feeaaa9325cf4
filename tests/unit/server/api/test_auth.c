#include "api_fixture.h"

#include "core/base/text.h"
#include "server/api/auth.h"

static const int64_t start_ms = INT64_C(1800000000000);
static const long port = 3683;
static const int64_t day_ms = INT64_C(86400000);

struct auth_fixture {
	struct api_fixture *base;
	struct auth *auth;
};

static int setup(void **state)
{
	struct auth_fixture *fixture = calloc(1, sizeof(*fixture));
	assert_non_null(fixture);
	fixture->base = api_fixture_create();
	api_fixture_write(fixture->base, "tokens", "ana s3cret-of-ana\nbob s3cret-of-bob\n");
	char path[96];
	snprintf(path, sizeof(path), "%s/tokens", fixture->base->directory);
	struct error error = {0};
	fixture->auth = auth_create(path, fixture->base->store, &error);
	if (!fixture->auth)
		fail_msg("%s", error.message);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct auth_fixture *fixture = *state;
	auth_destroy(fixture->auth);
	api_fixture_destroy(fixture->base);
	free(fixture);
	return 0;
}

static const char *bearer(struct auth *auth, const char *header)
{
	const char *name = "(none)";
	struct error error = {0};
	int number = auth_check_bearer(auth, header, &name, &error);
	if (number) {
		assert_int_equal(number, -EACCES);
		assert_string_equal(error.code, "unauthorized");
		assert_null(strstr(error.message, "s3cret"));
	}
	return name;
}

static const char *cookie(struct auth *auth, const char *header, int64_t now_ms)
{
	const char *name = "(none)";
	bool is_extended;
	struct error error = {0};
	if (auth_check_cookie(auth, header, port, now_ms, &name, &is_extended, &error))
		assert_string_equal(error.code, "unauthorized");
	return name;
}

/* Signs in; the Cookie header that a browser would send from then on. */
static char *sign_in(struct auth *auth, const char *token)
{
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	struct error error = {0};
	if (auth_begin_session(auth, token, port, start_ms, false, set_cookie, &error))
		fail_msg("%s", error.message);
	assert_non_null(strstr(set_cookie, "; HttpOnly"));
	assert_non_null(strstr(set_cookie, "; SameSite=Strict"));
	assert_non_null(strstr(set_cookie, "; Path=/;"));
	assert_non_null(strstr(set_cookie, "; Max-Age=2592000"));
	assert_null(strstr(set_cookie, "Secure"));
	assert_int_equal(strcspn(set_cookie, ";"), strlen("emud_session_3683=") + 64);
	return strndup(set_cookie, strcspn(set_cookie, ";"));
}

static void a_bearer_token_names_its_owner(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	assert_true(auth_is_required(auth));
	assert_string_equal(bearer(auth, "Bearer s3cret-of-ana"), "ana");
	assert_string_equal(bearer(auth, "bearer  s3cret-of-bob  "), "bob");
	const char *const wrong[] = {"",
				     "Bearer",
				     "Bearer ",
				     "s3cret-of-ana",
				     "Basic s3cret-of-ana",
				     "Bearer s3cret-of-an",
				     "Bearer s3cret-of-anaa",
				     "Bearer S3cret-of-ana",
				     "Bearer s3cret-of-ana s3cret-of-bob",
				     "Bearer ana",
				     "Bearer\ts3cret-of-ana"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_string_equal(bearer(auth, wrong[i]), "(none)");
}

static void a_session_stands_for_its_token(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	cleanup_free char *session = sign_in(auth, "s3cret-of-ana");
	assert_string_equal(cookie(auth, session, start_ms), "ana");
	cleanup_free char *among = text_format("theme=dark; %s;lang=en", session);
	assert_string_equal(cookie(auth, among, start_ms), "ana");
	cleanup_free char *other_name = text_format("x%s", session);
	assert_string_equal(cookie(auth, other_name, start_ms), "(none)");
	session[strlen(session) - 1] ^= 1;
	assert_string_equal(cookie(auth, session, start_ms), "(none)");
	const char *const wrong[] = {
	    "", ";", "emud_session_3683=", "emud_session_3683", "emud_session_3683=ab", "= ; =;"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_string_equal(cookie(auth, wrong[i], start_ms), "(none)");
}

static void a_session_goes_for_the_port_it_was_made_by(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	cleanup_free char *session = sign_in(auth, "s3cret-of-ana");
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	assert_int_equal(auth_begin_session(auth, "s3cret-of-bob", -1, start_ms, false, set_cookie, NULL), 0);
	assert_int_equal(strcspn(set_cookie, ";"), strlen("emud_session=") + 64);
	cleanup_free char *both =
	    text_format("%s; emud_session_36=x; %.*s", session, (int) strcspn(set_cookie, ";"), set_cookie);
	assert_string_equal(cookie(auth, both, start_ms), "ana");
	const char *name;
	assert_int_equal(auth_check_cookie(auth, both, -1, start_ms, &name, NULL, NULL), 0);
	assert_string_equal(name, "bob");
	assert_int_equal(auth_check_cookie(auth, both, 36, start_ms, &name, NULL, NULL), -EACCES);
	assert_int_equal(auth_end_session(auth, both, -1, false, set_cookie, NULL), 0);
	assert_true(text_starts_with(set_cookie, "emud_session=;"));
	assert_string_equal(cookie(auth, both, start_ms), "ana");
}

static void sessions_differ_and_a_wrong_token_gets_none(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	cleanup_free char *first = sign_in(auth, "s3cret-of-ana");
	cleanup_free char *second = sign_in(auth, "s3cret-of-ana");
	assert_string_not_equal(first, second);
	char set_cookie[AUTH_COOKIE_HEADER_SIZE] = "untouched";
	struct error error = {0};
	assert_int_equal(auth_begin_session(auth, "wrong", port, start_ms, false, set_cookie, &error),
			 -EACCES);
	assert_string_equal(error.code, "unauthorized");
	assert_string_equal(set_cookie, "untouched");
}

static void a_session_ends_30_days_after_its_last_use(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	cleanup_free char *session = sign_in(auth, "s3cret-of-ana");
	const char *name;
	bool is_extended = true;
	assert_int_equal(
	    auth_check_cookie(auth, session, port, start_ms + day_ms / 2, &name, &is_extended, NULL), 0);
	assert_false(is_extended);
	int64_t later_ms = start_ms + 20 * day_ms;
	assert_int_equal(auth_check_cookie(auth, session, port, later_ms, &name, &is_extended, NULL), 0);
	assert_true(is_extended);
	assert_string_equal(cookie(auth, session, later_ms + 30 * day_ms), "(none)");
	assert_string_equal(cookie(auth, session, later_ms + 30 * day_ms - 1), "ana");
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	auth_format_cookie(session, port, true, set_cookie);
	assert_true(text_starts_with(set_cookie, session));
	assert_non_null(strstr(set_cookie, "; Secure"));
}

static void a_session_ends_when_it_is_ended(void **state)
{
	struct auth *auth = ((struct auth_fixture *) *state)->auth;
	cleanup_free char *session = sign_in(auth, "s3cret-of-ana");
	char set_cookie[AUTH_COOKIE_HEADER_SIZE];
	assert_int_equal(auth_end_session(auth, session, port, false, set_cookie, NULL), 0);
	assert_true(text_starts_with(set_cookie, "emud_session_3683=;"));
	assert_non_null(strstr(set_cookie, "Max-Age=0"));
	assert_string_equal(cookie(auth, session, start_ms), "(none)");
	assert_int_equal(auth_end_session(auth, NULL, port, false, set_cookie, NULL), 0);
}

static void a_session_ends_with_its_token(void **state)
{
	struct auth_fixture *fixture = *state;
	cleanup_free char *ana = sign_in(fixture->auth, "s3cret-of-ana");
	cleanup_free char *bob = sign_in(fixture->auth, "s3cret-of-bob");
	api_fixture_write(fixture->base, "tokens", "ana s3cret-anew\nrobert s3cret-of-bob\n");
	assert_int_equal(auth_reload(fixture->auth, NULL), 0);
	assert_string_equal(bearer(fixture->auth, "Bearer s3cret-of-ana"), "(none)");
	assert_string_equal(bearer(fixture->auth, "Bearer s3cret-anew"), "ana");
	assert_string_equal(cookie(fixture->auth, ana, start_ms), "(none)");
	assert_string_equal(cookie(fixture->auth, bob, start_ms), "robert");
}

static void a_bad_token_file_leaves_the_tokens_as_they_were(void **state)
{
	struct auth_fixture *fixture = *state;
	api_fixture_write(fixture->base, "tokens", "ana s3cret-anew\na b c\n");
	struct error error = {0};
	assert_true(auth_reload(fixture->auth, &error) < 0);
	assert_non_null(strstr(error.message, "line 2"));
	assert_string_equal(bearer(fixture->auth, "Bearer s3cret-of-ana"), "ana");
	assert_string_equal(bearer(fixture->auth, "Bearer s3cret-anew"), "(none)");
}

static void without_a_token_file_nobody_is_asked(void **state)
{
	struct auth_fixture *fixture = *state;
	struct auth *open = auth_create(NULL, fixture->base->store, NULL);
	assert_non_null(open);
	assert_false(auth_is_required(open));
	assert_int_equal(auth_reload(open, NULL), 0);
	assert_string_equal(bearer(open, "Bearer s3cret-of-ana"), "(none)");
	auth_destroy(open);
	assert_null(auth_create("/no/such/file", fixture->base->store, NULL));
}

static void neither_cookie_nor_token_is_stored(void **state)
{
	struct auth_fixture *fixture = *state;
	cleanup_free char *session = sign_in(fixture->auth, "s3cret-of-ana");
	store_close(TAKE(fixture->base->store)); /* everything is in the database file now */
	cleanup_close int directory = open(fixture->base->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *bytes = NULL;
	size_t length = 0;
	assert_int_equal(file_read(directory, "emud.db", 1 << 20, &bytes, &length, NULL), 0);
	assert_non_null(memmem(bytes, length, "ana", 3));
	assert_null(memmem(bytes, length, "s3cret", 6));
	assert_null(memmem(bytes, length, strchr(session, '=') + 1, 64));
	uint8_t raw[32];
	for (size_t i = 0; i < sizeof(raw); i++)
		sscanf(strchr(session, '=') + 1 + 2 * i, "%2hhx", &raw[i]);
	assert_null(memmem(bytes, length, raw, sizeof(raw)));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_bearer_token_names_its_owner),
	    TEST(a_session_stands_for_its_token),
	    TEST(a_session_goes_for_the_port_it_was_made_by),
	    TEST(sessions_differ_and_a_wrong_token_gets_none),
	    TEST(a_session_ends_30_days_after_its_last_use),
	    TEST(a_session_ends_when_it_is_ended),
	    TEST(a_session_ends_with_its_token),
	    TEST(a_bad_token_file_leaves_the_tokens_as_they_were),
	    TEST(without_a_token_file_nobody_is_asked),
	    TEST(neither_cookie_nor_token_is_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
