#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The command lines: exit status (0 fine, 1 error, 2 usage, 3 daemon unreachable) and where the
# message goes.
set -eu

. "$(dirname "$0")/../lib.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

# ends STATUS PATTERN COMMAND...: says something of the pattern on the standard error
ends()
{
	local want=$1 pattern=$2 got=0 name

	shift 2
	name="${1##*/}"
	[ $# -eq 1 ] || name+=" ${*:2}"
	"$@" >"$scratch/out" 2>"$scratch/err" </dev/null || got=$?
	# What differs from machine to machine.
	name=${name//"$scratch"/DIR}
	name=${name//"$BUILDDIR/"/}
	if [ "$got" != "$want" ]; then
		fail "$name: status $want" "got $got: $(cat "$scratch/err")"
	elif ! grep -qE -- "$pattern" "$scratch/err"; then
		fail "$name: says $pattern" "$(cat "$scratch/err")"
	else
		pass "$name: status $want, says $pattern"
	fi
}

for program in dmip6-mnd dmip6-had; do
	p=$BUILDDIR/$program
	check "$program --help" "$p" --help
	is "$program --version" "$("$p" --version)" "$program $("$p" --version | awk '{ print $2 }')"
	ends 2 "unrecognized option '--bogus'" "$p" --bogus
	ends 2 "requires an argument" "$p" --config
	ends 2 "argument.*extra" "$p" extra
	ends 2 "log level.*loud.*debug" "$p" --log-level loud
	ends 2 "interface.*sixteen-letters-" "$p" --interface sixteen-letters-
done
ends 2 "prefix.*banana" "$BUILDDIR/dmip6-had" --interface lo --prefix banana
ends 2 "prefix.*one only" "$BUILDDIR/dmip6-had" --interface lo --prefix 2001:db8:1::/56 \
	--prefix 2001:db8:2::/56
ends 2 "interface" "$BUILDDIR/dmip6-had" --prefix 2001:db8:1:100::/56
ends 2 "drain.*banana.*1s to 7d" "$BUILDDIR/dmip6-had" --drain banana
ends 2 "data path.*carrier-pigeon.*ip6tnl, seg6 or null" "$BUILDDIR/dmip6-had" \
	--datapath carrier-pigeon
ends 2 "drain.*30d" "$BUILDDIR/dmip6-had" --drain 30d
ends 2 "drain.*\"5\"" "$BUILDDIR/dmip6-had" --drain 5
ends 2 "address.*192" "$BUILDDIR/dmip6-had" --interface lo --prefix 2001:db8:1::/56 --address 192.0.2.1

ctl=$BUILDDIR/dmip6ctl
check "dmip6ctl --help" "$ctl" --help
ends 2 "no command" "$ctl"
ends 2 "bogus" "$ctl" bogus
ends 2 "unrecognized option '--bogus'" "$ctl" --bogus
ends 2 "expected one of ADDRESS, --prefix" "$ctl" release
ends 2 "expected one of ADDRESS, --prefix" "$ctl" release --all 2001:db8::1
ends 2 "status takes no option --all" "$ctl" status --all
ends 2 "release takes no argument \"b\"" "$ctl" release a b
ends 2 "flows takes no argument \"a\"" "$ctl" flows a
ends 3 "none.*no such socket" "$ctl" --control "$scratch/none" status
ends 3 "none.*no such socket" "$ctl" --control "$scratch/none" release --all
ends 2 "exclude each other" "$ctl" drain --timeout 9s --cancel
ends 2 "ten.*no time" "$ctl" drain --timeout ten
ends 3 "none.*no such socket" "$ctl" --control "$scratch/none" drain --cancel
ends 3 "." "$ctl" --control "$scratch" status

# Without privileges the daemons say so and leave nothing behind.
unprivileged=()
if [ "$(id -u)" = 0 ]; then
	unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
fi
# The build may lie where nobody else may look, as in root's home.
cp "$BUILDDIR/dmip6-mnd" "$BUILDDIR/dmip6-had" "$scratch"
if "${unprivileged[@]}" test -x "$scratch/dmip6-mnd" 2>/dev/null; then
	mkdir -m 777 "$scratch/w"
	ends 1 "CAP_NET_ADMIN is missing" "${unprivileged[@]}" "$scratch/dmip6-mnd" \
		--state-dir "$scratch/w/s" --control "$scratch/w/c"
	ends 1 "CAP_NET_ADMIN is missing" "${unprivileged[@]}" "$scratch/dmip6-had" \
		--interface lo --prefix 2001:db8:1::/56 --state-dir "$scratch/w/s" --control "$scratch/w/c"
	is "nothing is left behind" "$(ls "$scratch/w")" ""
else
	skip "without privileges" "programs in $(dirname "$scratch") cannot be run"
fi

done_testing
