#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# No file names a place of the machine that it was written on: home and working directories,
# temporary ones, a package mirror.
set -eu

. "$(dirname "$0")/../lib.sh"

# The brackets keep the pattern from matching itself.
pattern='(^|[^[:alnum:]._@}])/([w]ork|[h]ome|[U]sers)/[[:alnum:]]|/[t]mp/[[:alnum:]]'
pattern+='|[a]rtifactory|[p]ypi\.|[c]rates\.io|[n]pmjs|[d]eb\.debian\.org'

places()
{
	(cd "$1" && xargs -r grep -InE "$pattern" /dev/null) || true
}

is "no place of a build machine in the sources" "$(source_files | places "$SRCDIR")" ""

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=/wor
printf 'include "%sk/main/x.h"\n' "$bad" >"$scratch/bad.c"
printf 'framework/x network/y\n' >"$scratch/good.c"
is "such a place is found" "$(printf 'bad.c\ngood.c\n' | places "$scratch" | cut -d: -f1)" bad.c

done_testing
