#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Every source file names its licence in its first lines.
set -eu

. "$(dirname "$0")/../lib.sh"

# licensed FILE: only the first three lines count, a script has its interpreter first.
licensed()
{
	head -n 3 "$1" | grep -q 'SPDX-License-Identifier: [A-Za-z0-9.-]\+'
}

unlicensed()
{
	local f

	while IFS= read -r f; do
		if ! licensed "$1/$f"; then
			printf '%s\n' "$f"
		fi
	done
}

# Data (packets, fuzzing inputs, golden texts) and prose carry none.
is "every source file has an SPDX line" "$(source_files | grep -E \
	'\.(c|h|sh|py|ac|am|in|conf|sysusers|[1-9])$|/run$|^quickstart$|^\.gitignore$' |
	grep -vE '^tests/(fuzz/corpus|vectors/.*\.hex|conf/)|/(configure|Makefile)\.in$' |
	unlicensed "$SRCDIR")" ""
check "the licence is there" grep -q 'BSD 2-Clause' "$SRCDIR/LICENSE"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '/* nothing */\nint x;\n' >"$scratch/without.c"
printf '/* SPDX-License-Identifier: BSD-2-Clause */\n' >"$scratch/with.c"
is "a file without is found" "$(printf 'with.c\nwithout.c\n' | unlicensed "$scratch")" without.c

done_testing
