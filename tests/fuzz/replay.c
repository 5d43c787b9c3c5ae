/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer: replay PATH..., a file or a directory of files each.
 * Every file is given whole, cut at every octet, and with octets changed by a generator that
 * always starts from the same seed, so that `make check` sees the same inputs each time.
 *
 * The target aborts when it finds a fault. Output is TAP, one test per file.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX	65536
#define CUTS_MAX	4096		/* longer inputs are cut only below this */
#define CHANGES		256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[INPUT_MAX];
static unsigned int tests;

/* xorshift32: the inputs need variety, not secrecy. */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A copy of exact size: a read behind the end is then seen by the address sanitizer. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_changed(size_t size)
{
	uint8_t *copy = malloc(size);
	uint32_t state = 2463534242u;

	if (!copy)
		abort();
	for (unsigned int i = 0; i < CHANGES; i++) {
		unsigned int n = 1 + next(&state) % 4;

		memcpy(copy, input, size);
		while (n--) {
			size_t at = next(&state) % size;

			copy[at] = (uint8_t)(next(&state) >> 8);
		}
		run(copy, size);
	}
	free(copy);
}

static int replay_file(const char *path)
{
	const char *name = strrchr(path, '/');
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	size = fread(input, 1, sizeof(input), f);
	fclose(f);
	/* Said before, so that the last line of a run that died names the file. */
	printf("# %s\n", path);
	fflush(stdout);
	run(input, size);
	for (size_t cut = 0; cut < size && cut < CUTS_MAX; cut++)
		run(input, cut);
	if (size)
		run_changed(size);
	printf("ok %u - %s\n", ++tests, name ? name + 1 : path);
	return 0;
}

static int replay_dir(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort), err = 0;

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (list[i]->d_name[0] != '.' && !err) {
			snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
			err = replay_file(file);
		}
		free(list[i]);
	}
	free(list);
	return err;
}

int main(int argc, char **argv)
{
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		err = S_ISDIR(st.st_mode) ? replay_dir(argv[i]) : replay_file(argv[i]);
	}
	printf("1..%u\n", tests);
	return err || !tests;
}
