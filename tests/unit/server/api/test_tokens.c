#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/api/tokens.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/emud-tokens-XXXXXX";

static int make_file(void **state)
{
	(void) state;
	int fd = mkstemp(path);
	return fd < 0 || close(fd) ? -1 : 0;
}

static int remove_file(void **state)
{
	(void) state;
	return unlink(path);
}

static int read_text(const char *text, struct tokens *tokens, struct error *error)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return tokens_read(path, tokens, error);
}

static void refuse(const char *text, const char *words)
{
	struct tokens tokens = {.count = 99};
	struct error error = {0};
	assert_true(read_text(text, &tokens, &error) < 0);
	assert_int_equal(tokens.count, 99);
	assert_non_null(strstr(error.message, path));
	if (!strstr(error.message, words))
		fail_msg("\"%s\" does not say \"%s\"", error.message, words);
	assert_null(strstr(error.message, "s3cret"));
}

static const char *name_of(const struct tokens *tokens, const char *text)
{
	uint8_t digest[DIGEST_BYTES];
	assert_int_equal(digest_compute(text, strlen(text), digest), 0);
	const struct token *token = tokens_find(tokens, digest);
	return token ? token->name : "(none)";
}

static void names_tokens_and_comments_are_read(void **state)
{
	(void) state;
	struct tokens tokens;
	struct error error = {0};
	if (read_text("# who may call\n\nana  s3cret-of-ana\r\n\t bob\ts3cret-of-bob \n s3cret-alone\n# last",
		      &tokens, &error))
		fail_msg("%s", error.message);
	assert_int_equal(tokens.count, 3);
	assert_string_equal(name_of(&tokens, "s3cret-of-ana"), "ana");
	assert_string_equal(name_of(&tokens, "s3cret-of-bob"), "bob");
	assert_string_equal(name_of(&tokens, "s3cret-alone"), "token-5");
	assert_string_equal(name_of(&tokens, "s3cret-of"), "(none)");
	assert_string_equal(name_of(&tokens, ""), "(none)");
	assert_string_equal(name_of(&tokens, "ana"), "(none)");
	tokens_finish(&tokens);
}

static void a_wrong_line_is_named_but_never_shown(void **state)
{
	(void) state;
	refuse("a s3cret1\nb s3cret2 s3cret3\n", "line 2");
	refuse("a s3cret1\nb s3cret1\n", "line 2: this token");
	refuse("a s3cret1\na s3cret2\n", "line 2: this name");
	refuse("a s3cret\xc3\xa9\n", "line 1: names and tokens");
	refuse("# nobody\n", "no token");
	refuse("", "no token");
}

static void a_file_that_others_can_use_is_refused_with_its_mode(void **state)
{
	(void) state;
	const struct {
		mode_t mode;
		const char *text;
	} modes[] = {{0640, "0640"}, {0604, "0604"}, {0620, "0620"}, {0644, "0644"}};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path, modes[i].mode), 0);
		refuse("a s3cret\n", modes[i].text);
	}
	assert_int_equal(chmod(path, 0400), 0);
	struct tokens tokens = {0};
	assert_int_equal(tokens_read(path, &tokens, NULL), 0);
	assert_int_equal(tokens.count, 1);
	tokens_finish(&tokens);
	assert_int_equal(chmod(path, 0600), 0);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	(void) state;
	struct tokens tokens;
	struct error error = {0};
	assert_int_equal(tokens_read("/no/such/file", &tokens, &error), -ENOENT);
	assert_non_null(strstr(error.message, "/no/such/file"));
	assert_true(tokens_read("/tmp", &tokens, NULL) < 0);
	char fifo[64];
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(tokens_read(fifo, &tokens, NULL), -EINVAL);
	unlink(fifo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_tokens_and_comments_are_read),
	    cmocka_unit_test(a_wrong_line_is_named_but_never_shown),
	    cmocka_unit_test(a_file_that_others_can_use_is_refused_with_its_mode),
	    cmocka_unit_test(what_is_no_file_is_refused_at_once),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
