#include "server/api/tokens.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLANKS " \t\r\n"

void tokens_finish(struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++)
		free(tokens->all[i].name);
	free(tokens->all);
	*tokens = (struct tokens){0};
}

const struct token *tokens_find(const struct tokens *tokens, const uint8_t digest[static DIGEST_BYTES])
{
	const struct token *found = NULL;
	for (size_t i = 0; i < tokens->count; i++)
		if (gnutls_memcmp(tokens->all[i].digest, digest, DIGEST_BYTES) == 0)
			found = &tokens->all[i];
	return found;
}

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, NULL, "no memory for the tokens");
}

/* Takes name. */
static int add(struct tokens *tokens, char *name, const char *text, int line, struct error *error)
{
	struct token token = {.name = name};
	struct token *grown = realloc(tokens->all, (tokens->count + 1) * sizeof(*grown));
	if (grown)
		tokens->all = grown;
	if (!name || !grown || digest_compute(text, strlen(text), token.digest)) {
		free(name);
		return no_memory(error);
	}
	const char *twice = tokens_find(tokens, token.digest) ? "token" : NULL;
	for (size_t i = 0; i < tokens->count; i++)
		if (text_equal(tokens->all[i].name, name))
			twice = "name";
	tokens->all[tokens->count++] = token;
	return twice ? error_set(error, -EINVAL, NULL, "line %d: this %s was given before", line, twice) : 0;
}

/* A header carries visible ASCII only, and a log line wants names without blanks. */
static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int read_line(struct tokens *tokens, char *line, int number, struct error *error)
{
	char *rest = NULL;
	char *first = strtok_r(line, BLANKS, &rest);
	if (!first || first[0] == '#')
		return 0;
	char *second = strtok_r(NULL, BLANKS, &rest);
	if (strtok_r(NULL, BLANKS, &rest))
		return error_set(error, -EINVAL, NULL, "line %d: more than NAME and TOKEN", number);
	if (!is_visible(first) || (second && !is_visible(second)))
		return error_set(error, -EINVAL, NULL, "line %d: names and tokens are printable ASCII",
				 number);
	char *name = second ? strdup(first) : text_format("token-%d", number);
	return add(tokens, name, second ? second : first, number, error);
}

static int check_private(FILE *file, struct error *error)
{
	struct stat status;
	if (fstat(fileno(file), &status))
		return error_set_errno(error, -errno, NULL, "cannot be read");
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, NULL, "is not a regular file");
	if (status.st_mode & 0077)
		return error_set(error, -EPERM, NULL,
				 "has mode %04o, so that other users could use it: chmod 600 it",
				 (unsigned) (status.st_mode & 07777));
	return 0;
}

static int read_lines(FILE *file, struct tokens *tokens, struct error *error)
{
	char *line = NULL;
	size_t size = 0;
	int number = check_private(file, error);
	for (int count = 1; !number && getline(&line, &size, file) >= 0; count++)
		number = read_line(tokens, line, count, error);
	if (!number && ferror(file))
		number = error_set(error, -EIO, NULL, "cannot be read");
	if (!number && tokens->count == 0)
		number = error_set(error, -EINVAL, NULL, "holds no token, so that nobody could call");
	if (line)
		explicit_bzero(line, size);
	free(line);
	return number;
}

int tokens_read(const char *path, struct tokens *ret_tokens, struct error *error)
{
	struct tokens tokens = {0};
	/* Without O_NONBLOCK a FIFO in its place would hold up the whole service. */
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_fclose FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	int number = 0;
	if (!file)
		number = error_set_errno(error, -errno, NULL, "cannot be opened");
	else
		TAKE_FD(fd);
	if (!number)
		number = read_lines(file, &tokens, error);
	if (number) {
		error_wrap(error, "the token file %s", path);
		tokens_finish(&tokens);
	} else {
		*ret_tokens = tokens;
	}
	return number;
}
