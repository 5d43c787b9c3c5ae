#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs shellcheck over every shell script, whatever its name.
set -eu

. "$(dirname "$0")/../lib.sh"

command -v shellcheck >/dev/null || skip_all "shellcheck is not installed"

while IFS= read -r f; do
	case $f in
	*.sh) ;;
	*) head -c 64 "$SRCDIR/$f" | head -n 1 | tr -d '\0' | grep -qE '^#!.*(ba)?sh' || continue ;;
	esac
	# 1091: sourced files are checked by themselves. 2154: they set variables.
	check "$f" shellcheck -e SC1091,SC2154 "$SRCDIR/$f"
done < <(source_files | grep -vE '\.(c|h|py|hex|svg|json)$|^tests/(fuzz/corpus|vectors)/|^build-aux/')

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck disable=SC2016 # the fault is planted
printf '#!/bin/bash\nrm $1\n' >"$scratch/bad.sh"
check_not "a fault is found" shellcheck "$scratch/bad.sh"

done_testing
