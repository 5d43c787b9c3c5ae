#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The manual agrees with the code: each option of a program's table and each keyword of a
# configuration is in its page and the reverse, and --help names the same options.
set -eu

. "$(dirname "$0")/../lib.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# code_options FILE...: the names in the tables of getopt_long
code_options()
{
	grep -hoE '\{ *"[a-z][a-z0-9-]*", *(no|required|optional)_argument' "$@" |
		sed -E 's/.*"([^"]*)".*/\1/' | sort -u
}

# page_options FILE: the names that the page has an entry for
page_options()
{
	grep '^\.It Fl ' "$1" | grep -oE 'Fl -[a-z][a-z0-9-]*' | sed 's/^Fl -//' | sort -u
}

# help_options: the names in a --help text on standard input
help_options()
{
	grep -oE -- '--[a-z][a-z0-9-]*' | sed 's/^--//' | sort -u
}

# code_keywords FILE...: the names in the keyword tables
code_keywords()
{
	grep -ohE '\.name = "[a-z][a-z0-9-]*"' "$@" | sed -E 's/.*"([^"]*)"/\1/' | sort -u
}

page_keywords()
{
	sed -nE 's/^\.It (Ic|Cm|Nm) ([a-z][a-z0-9-]*).*/\2/p' "$1" | sort -u
}

# program NAME PAGE SOURCE...
program()
{
	local name=$1 page=$2 want

	shift 2
	want=$(code_options "$@")
	is "$name: the page has each option, and no other" "$(page_options "$page")" "$want"
	if [ -x "$BUILDDIR/$name" ]; then
		is "$name: --help has each option, and no other" \
			"$("$BUILDDIR/$name" --help 2>&1 </dev/null | help_options)" "$want"
		check "$name: --version" "$BUILDDIR/$name" --version
	else
		fail "$name: --help has each option, and no other" "$name was not built"
	fi
}

cd "$SRCDIR"
program dmip6-mnd man/dmip6-mnd.8 mn-agent/main.c
program dmip6-had man/dmip6-had.8 ha-agent/main.c
program dmip6ctl man/dmip6ctl.8 common/cli/*.c
program dmip6-run man/dmip6-run.1 lib/run.c
is "mn.conf: the page has each keyword, and no other" \
	"$(page_keywords man/dmip6-mnd.8)" "$(code_keywords mn-agent/conf.c \
	mn-agent/conf_keys.[ch] mn-agent/conf_classes.[ch] mn-agent/conf_policy.[ch] common/core/confkey.h)"
is "ha.conf: the page has each keyword, and no other" \
	"$(page_keywords man/dmip6-had.8)" "$(code_keywords ha-agent/conf.c \
	ha-agent/conf_keys.[ch] ha-agent/conf_peers.[ch] \
	ha-agent/conf_network.[ch] ha-agent/conf_flows.[ch] common/core/confkey.h)"

# code_counters: names of the home agent's counters; a verdict's has a prefix
code_counters()
{
	sed -nE 's/^\t\[HA_[A-Z0-9_]+\] = "([a-z0-9-]+)",$/\1/p' ha-agent/ha.c
	sed -nE 's/^\t\[VERDICT_[A-Z0-9_]+\] = \{ "([a-z0-9-]+)".*/bu-\1/p' ha-agent/verdict.c
	sed -nE 's/^\t\[BOOTSTRAP_[A-Z0-9_]+\] = \{ "([a-z0-9-]+)".*/key-\1/p' ha-agent/bootstrap.c
}

# missing FILE: names on standard input that stand nowhere in the file
missing()
{
	while read -r name; do
		grep -qE "(^|[^a-z0-9-])$name([^a-z0-9-]|\$)" "$1" || echo "$name"
	done
}

is "dmip6-had: the page has each counter" "$(code_counters | missing man/dmip6-had.8)" ""
check "and they were found in the code" test "$(code_counters | wc -l)" -ge 80

# Events are names with a dot.
is "dmip6-had: the page has each event" "$(sed -nE \
	's/^\t\[HA_EVENT_[A-Z_]+\] = "([a-z.]+)",$/\1/p' ha-agent/ha.c | missing man/dmip6-had.8)" ""

# complaints FILE: a page of ours need not be installed to be referred to.
complaints()
{
	mandoc -Tlint -Wstyle "$1" 2>/dev/null | grep -v 'referenced manual not found' || true
}

if command -v mandoc >/dev/null; then
	for page in man/*.[1-9]; do
		is "$page: mandoc has nothing to say" "$(complaints "$page")" ""
	done
	printf '.Dd x\n.Dt X 8\n.Xx\n' >"$scratch/bad.8"
	check "a bad page is found" test -n "$(complaints "$scratch/bad.8")"
else
	skip "the pages are well-formed" "mandoc is not installed"
fi

# The extraction itself, so that two empty lists are not agreement.
printf '\t{ "one", no_argument, NULL, 1 },\n\t{ "two-b", required_argument, NULL, 2 },\n' >"$scratch/x.c"
printf '.It Fl -one\n.It Fl t , Fl -two-b Ar X\n.It Ic word Ar X ;\n' >"$scratch/x.8"
printf '\t{ .name = "word", .args = "X" },\n' >>"$scratch/x.c"
is "options of a table" "$(code_options "$scratch/x.c" | xargs)" "one two-b"
is "a counter that is not there" "$(printf 'wor\nword\n' | missing "$scratch/x.8")" "wor"
is "options of a page" "$(page_options "$scratch/x.8" | xargs)" "one two-b"
is "options of a help text" "$(printf '  --one  x\n  --two-b X\n' | help_options | xargs)" "one two-b"
is "keywords of a table" "$(code_keywords "$scratch/x.c")" word
is "keywords of a page" "$(page_keywords "$scratch/x.8")" word

done_testing
