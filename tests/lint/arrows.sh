#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who may include whom: wire and core stand alone, the state machines see wire, core and
# datapath.h, the system layer and the data path see no state machine, and each library is
# used in one place.
set -eu

. "$(dirname "$0")/../lib.sh"

# What the kernel and the event loop look like to the preprocessor.
world='<(sys/(socket|ioctl|epoll|timerfd|random|un|stat|file)|linux/'
world+='|net/if_|netpacket/|netlink/|libmnl/|event2/|time\.h|signal\.h|fcntl\.h|unistd\.h)'
# The files of the agents that bind the state machines to the world.
edge='^(mn|ha)-agent/(main|app|conf_classes|conf_policy|io|io_network|ctl|ctl_network|sessions|conf|store|keep|order|repair|standin|protect|stale|outside|reload|leasedb|bindfile|keyfile|recfile|keyserver|keyserver_session|keyserver_private|keyclient|mnd|had|sdb_[a-z_]*)\.[ch]$'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# includes DIR: "file include" for each include of each source below it; list on stdin
includes()
{
	(cd "$1" && xargs -r grep -HE '^[[:space:]]*#[[:space:]]*include' /dev/null) |
		sed -E 's/^([^:]*):[[:space:]]*#[[:space:]]*include[[:space:]]*/\1 /' >"$scratch/includes"
}

# rule NAME FILES EXCEPT FORBIDDEN: the last three are extended regular expressions.
rule()
{
	local bad

	bad=$(awk -v files="$2" -v except="$3" -v forbidden="^($4)" '
		$1 ~ files && (except == "" || $1 !~ except) && $2 ~ forbidden
	' "$scratch/includes")
	if [ -z "$bad" ]; then
		pass "$1"
	else
		fail "$1" "$bad"
	fi
}

rules()
{
	rule "wire stands alone" '^common/wire/' '' \
		'"(common/(core|sys|datapath|cli)|mn-agent|ha-agent)/'
	rule "core stands alone" '^common/core/' '' \
		'"(common/(wire|sys|datapath|cli)|mn-agent|ha-agent)/'
	rule "the system layer knows no state machine" '^common/sys/' '' \
		'"(common/(datapath|cli)|mn-agent|ha-agent)/'
	rule "the data path knows no state machine" '^common/datapath/' '' \
		'"(common/cli|mn-agent|ha-agent)/'
	rule "the tool knows no agent" '^common/cli/' '' '"(mn-agent|ha-agent)/'
	rule "the mobile node does not know the home agent" '^mn-agent/' '' '"ha-agent/'
	rule "the home agent does not know the mobile node" '^ha-agent/' '' '"mn-agent/'
	rule "state machines do not see the system layer" '^(mn|ha)-agent/' "$edge" \
		'"common/(sys|cli)/|"common/datapath/dp_'
	rule "state machines do not see the kernel" '^(mn|ha)-agent/' "$edge" "$world"
	rule "pure libraries do not see the kernel" '^common/(wire|core)/' '' "$world"
	rule "OpenSSL only in the authenticators and TLS" . '^common/(core/auth|sys/tls[a-z_]*)\.[ch]$|^tests/' '<openssl/'
	rule "libnl only in the monitor" . '^common/sys/mon\.c$' '<netlink/'
	rule "libmnl only in the system layer and the data path" . \
		'^common/sys/(nl|rt|diag)\.[ch]$|^common/datapath/' '<libmnl/'
	rule "libnftables only in the data path and the doctor" . \
		'^common/datapath/|^common/cli/doctor_filter\.c$' '<(nftables/|libnftables)'
	rule "JSON only at the control socket and in the state file" . \
		'/ctl(_network)?\.[ch]$|^mn-agent/store\.c$|^common/cli/|^tests/' '<jansson'
	rule "SQLite only for the leases and sessions" . '^ha-agent/(leasedb|sdb_sqlite|sqlite)\.[ch]$|^tests/' '<sqlite3'
	rule "hiredis only in the sessions' backend" . '^ha-agent/sdb_redis(_link)?\.c$' '<(hiredis|hiredis/.*)\.h>'
	rule "libcap only in caps.c" . '^common/sys/caps\.c$' '<sys/capability'
	rule "includes go by the path from the root" . '' '"([^/]*|\.\.?/.*)"$'
}

source_files '*.c' '*.h' | includes "$SRCDIR"
rules

# Each rule must be able to fail: one file that breaks it, and only so many complaints.
planted=0
broken()
{
	mkdir -p "$scratch/tree/$(dirname "$1")"
	printf '#include %s\n' "$2" >>"$scratch/tree/$1"
	planted=$((planted + 1))
}
broken common/wire/x.c '"common/core/in6.h"'
broken common/core/x.c '"common/wire/buf.h"'
broken common/sys/x.c '"mn-agent/mn.h"'
broken common/datapath/x.c '"ha-agent/ha.h"'
broken common/cli/x.c '"mn-agent/mn.h"'
broken mn-agent/y.c '"ha-agent/ha.h"'
broken ha-agent/y.c '"mn-agent/mn.h"'
broken mn-agent/x.c '"common/sys/rt.h"'
broken ha-agent/x.c '<linux/if.h>'
broken common/wire/y.c '  <sys/socket.h>'
broken common/sys/y.c '<openssl/evp.h>'
broken common/sys/rt.c '<netlink/netlink.h>'
broken common/sys/mon.c '<libmnl/libmnl.h>'
broken common/sys/z.c '<libnftables.h>'
broken common/sys/z.c '<nftables/libnftables.h>'
broken common/core/z.c '<jansson.h>'
broken ha-agent/z.c '<sqlite3.h>'
broken ha-agent/z.c '<hiredis.h>'
broken common/core/y.c '<sys/capability.h>'
broken common/core/y.c '"in6.h"'
(cd "$scratch/tree" && find . -type f | sed 's,^\./,,') | includes "$scratch/tree"
seen=$(rules | grep -c '^not ok')
is "every rule can fail" "$seen" "$(rules | grep -cE '^(not )?ok')"

done_testing
