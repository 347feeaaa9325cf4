/* Runs a fuzz target once over every file of its corpus: argv[1] is the folder. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		return 0;
	/* Exactly as many bytes as the file has, so that a read past the end is seen by the sanitizer. */
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	rewind(file);
	if (size < 0 || size > 16 * 1024 * 1024) {
		fclose(file);
		return 0;
	}
	uint8_t *data = malloc((size_t) size ? (size_t) size : 1);
	size_t length = data ? fread(data, 1, (size_t) size, file) : 0;
	fclose(file);
	if (data)
		LLVMFuzzerTestOneInput(data, length);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	DIR *folder = opendir(argv[1]);
	if (!folder) {
		perror(argv[1]);
		return 1;
	}
	int count = 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			count += run_file(argv[1], entry->d_name);
	closedir(folder);
	printf("%d inputs\n", count);
	return count ? 0 : 1;
}
