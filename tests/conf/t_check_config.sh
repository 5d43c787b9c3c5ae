#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# --check-config over the configurations NAME.in of this folder: what is said and the exit
# status stand in NAME.out. mn-* is for dmip6-mnd, ha-* for dmip6-had.
#
# After a change that was meant: t_check_config.sh --write, and read the difference.
set -eu

. "$(dirname "$0")/../lib.sh"

write=${1:-}
cd "$SRCDIR/tests/conf"

result()
{
	local program status=0

	case $1 in
	mn-*) program=dmip6-mnd ;;
	*) program=dmip6-had ;;
	esac
	"$BUILDDIR/$program" --check-config --config "$1.in" 2>&1 </dev/null || status=$?
	echo "status $status"
}

for f in *.in; do
	name=${f%.in}
	if [ "$write" = --write ]; then
		result "$name" >"$name.out"
		continue
	fi
	is "$name" "$(result "$name")" "$(cat "$name.out")"
done
[ "$write" != --write ] || exit 0

# A file that is not there was asked for by name; one that is no text is refused whole.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
head -c 4096 /dev/zero >"$scratch/zeros"
for program in dmip6-mnd dmip6-had; do
	check_not "$program: a missing file" "$BUILDDIR/$program" --check-config \
		--config "$scratch/none"
	check_not "$program: a directory" "$BUILDDIR/$program" --check-config --config "$scratch"
	check_not "$program: no text" "$BUILDDIR/$program" --check-config --config "$scratch/zeros"
done

# The examples of the manual and of the README are configurations that work.
# example KIND FILE: the indented or displayed blocks that begin like a configuration
readme()
{
	awk -v want="$1" '
		/^    [a-z-]+ .*[;{]$/ || inside { text = text substr($0, 5) "\n"; inside = 1 }
		!NF && inside {
			mn = text ~ /^home / || text ~ /\nhome / || text !~ /prefix/
			kind = mn ? "mn" : text ~ /network-mode/ ? "network" : "ha"
			if (want == kind) printf "%s", text
			text = ""; inside = 0
		}
	' "$SRCDIR/README.md"
}
for agent in mn ha network; do
	readme "$agent" >"$scratch/$agent.conf"
	check "README: the example of $agent.conf has a key" grep -q secret "$scratch/$agent.conf"
	case $agent in
	mn) program=dmip6-mnd ;;
	ha | network) program=dmip6-had ;;
	esac
	check "README: the example of $agent.conf is right" "$BUILDDIR/$program" --check-config \
		--config "$scratch/$agent.conf"
done

done_testing
