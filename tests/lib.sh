# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# TAP for shell tests. Use:
#
#	. "$SRCDIR/tests/lib.sh"
#	skip_all "reason"			nothing can be tested here; ends the program
#	check "name" command args...		one test: passes when the command does
#	check_not "name" command args...	passes when the command fails
#	is "name" GOT WANTED			compares two strings
#	pass "name" / fail "name" [why] / skip "name" "reason"
#	note text...				a comment line
#	done_testing				last line: the plan, and the exit status
#
# A failing command's output is shown as comment lines below its "not ok".

tap_count=0
tap_failed=0

: "${SRCDIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR

note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

fail()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	if [ -n "${2:-}" ]; then
		note "$2"
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

check()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1 </dev/null); then
		pass "$name"
	else
		fail "$name" "$* failed: $out"
	fi
}

check_not()
{
	local name=$1 out

	shift
	if out=$("$@" 2>&1 </dev/null); then
		fail "$name" "$* succeeded: $out"
	else
		pass "$name"
	fi
}

is()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:    $2
wanted: $3"
	fi
}

done_testing()
{
	printf '1..%d\n' "$tap_count"
	if [ "$tap_failed" -gt 0 ]; then
		exit 1
	fi
	exit 0
}

# source_files [GLOB...]: the project's files, relative to $SRCDIR, one per line. From git
# when this is a clone, from the tree when it is a release archive.
source_files()
{
	local list

	if [ -e "$SRCDIR/.git" ] && list=$(git -C "$SRCDIR" -c safe.directory='*' \
	    ls-files -- "$@" 2>/dev/null); then
		(cd "$SRCDIR" && printf '%s\n' "$list" | while IFS= read -r f; do
			if [ -f "$f" ]; then
				printf '%s\n' "$f"
			fi
		done)
		return 0
	fi
	(cd "$SRCDIR" && find . -type d \( -name .git -o -name 'build*' -o -name '_*' \
	    -o -name autom4te.cache -o -name __pycache__ -o -name .deps \) -prune \
	    -o -type f -print | sed 's,^\./,,' | sort | while IFS= read -r f; do
		generated "$f" && continue
		if [ $# -eq 0 ]; then
			printf '%s\n' "$f"
			continue
		fi
		for g in "$@"; do
			# shellcheck disable=SC2053 # a pattern on purpose
			if [[ $f == $g ]]; then
				printf '%s\n' "$f"
				break
			fi
		done
	done)
}

# What autoconf and automake put beside the sources of a release archive.
generated()
{
	case $1 in
	configure | config.h.in | Makefile.in | aclocal.m4 | config.log | config.status | \
	    Makefile | config.h | stamp-h1 | *.o | *.a | *~)
		return 0
		;;
	esac
	return 1
}
