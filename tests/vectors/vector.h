/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Golden packets: tests/vectors/NAME.hex holds one IPv6 packet in hexadecimal; `#` starts a
 * comment. Used by the unit tests of the codec.
 */
#ifndef DMIP6_TESTS_VECTOR_H
#define DMIP6_TESTS_VECTOR_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vector {
	uint8_t *data;		/* exactly len octets: a read past the end is seen */
	size_t len;
};

static inline FILE *vector_open(const char *name)
{
	const char *top = getenv("SRCDIR");
	char path[4096];

	if (!top)
		top = getenv("srcdir");
	snprintf(path, sizeof(path), "%s/tests/vectors/%s.hex", top ? top : ".", name);
	return fopen(path, "re");
}

/* The packet; data is NULL if there is no such file. The caller frees data. */
static inline struct vector vector_load(const char *name)
{
	struct vector v = { NULL, 0 };
	uint8_t room[2048];
	FILE *f = vector_open(name);
	char line[512];

	if (!f)
		return v;
	while (fgets(line, sizeof(line), f)) {
		unsigned int octet;
		int used;

		line[strcspn(line, "#\n")] = '\0';
		for (char *p = line; sscanf(p, " %2x%n", &octet, &used) == 1; p += used) {
			if (v.len < sizeof(room))
				room[v.len++] = (uint8_t)octet;
		}
	}
	fclose(f);
	v.data = malloc(v.len ? v.len : 1);
	if (v.data)
		memcpy(v.data, room, v.len);
	return v;
}

#endif
