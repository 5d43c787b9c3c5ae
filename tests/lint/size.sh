#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Files have at most 1,000 lines, functions 100, lines 100 columns (tests may be longer, their
# functions not); what is not done yet is an issue, not a comment; no conditional compilation
# inside a .c file.
set -eu

. "$(dirname "$0")/../lib.sh"

# complaints DIR: list on standard input
complaints()
{
	# shellcheck disable=SC2016 # awk's variables
	(cd "$1" && xargs -r awk '
		function width(s,  n, i, c) {
			n = 0
			for (i = 1; i <= length(s); i++) {
				c = substr(s, i, 1)
				n = c == "\t" ? n + 8 - n % 8 : n + 1
			}
			return n
		}
		FNR == 1 { body = 0; name = ""; test = FILENAME ~ /^tests\// }
		FNR == 1001 && !test { print FILENAME ": more than 1000 lines" }
		# Texts for people are not broken.
		!test && !/"/ && length($0) > 40 && width($0) > 100 {
			print FILENAME ":" FNR ": more than 100 columns"
		}
		/[T]ODO|[F]IXME/ { print FILENAME ":" FNR ": unfinished: " $0 }
		FILENAME !~ /\.[ch]$/ { next }
		FILENAME ~ /\.c$/ && /^[ \t]*#[ \t]*if/ {
			print FILENAME ":" FNR ": conditional compilation: " $0
		}
		# A definition: its name at the left, its body between braces at the left.
		/^[A-Za-z_].*\(/ { name = $0 }
		/^\{/ { body = FNR }
		/^\}/ {
			if (body && FNR - body + 1 > 100)
				print FILENAME ":" body ": function of " FNR - body + 1 " lines: " name
			body = 0
		}
	') || true
}

is "files, functions and lines are of readable size" "$(source_files '*.c' '*.h' '*.sh' '*.py' |
	grep -v '^tests/vectors/' | complaints "$SRCDIR")" ""

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
{
	printf 'int long_one(void)\n{\n'
	for _ in $(seq 1000); do
		printf '\tx();\n'
	done
	printf '}\n'
} >"$scratch/long.c"
printf '#if%s X\n/* TO%s: %s */\n' def DO "$(printf '%0120d' 0)" >"$scratch/bad.c"
found=$(printf 'long.c\nbad.c\n' | complaints "$scratch")
printf "%s\n" "$found" >"$scratch/found"
for what in "more than 1000 lines" "function of 1002 lines" "conditional compilation" unfinished \
    "more than 100 columns"; do
	check "found: $what" grep -q "$what" "$scratch/found"
done

done_testing
