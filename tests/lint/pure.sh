#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the compiled code asks for. The pure libraries and the state machines may use nothing
# of the system: no socket, clock, netlink, file, process or random number; the codec does not
# allocate either.
set -eu

. "$(dirname "$0")/../lib.sh"

command -v nm >/dev/null || skip_all "nm is not installed"

system='socket|bind|connect|listen|accept4?|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|[gs]etsockopt|shutdown'
system+='|open|openat|open64|fopen|fopen64|fdopen|freopen|read|write|readv|writev|pread|pwrite|close|fclose|fread|fwrite_unlocked|fgets|getline|rename|unlink|mkdir|stat|fstat|lstat|ioctl|fcntl|poll|ppoll|select|epoll_.*|timerfd_.*|eventfd|pipe2?'
system+='|time|clock_gettime|gettimeofday|clock|nanosleep|clock_nanosleep|usleep|sleep|timer_(create|delete|settime|gettime)|alarm'
system+='|random|rand|rand_r|srand|srandom|getrandom|getentropy|arc4random.*|RAND_.*'
system+='|fork|vfork|exec.*|posix_spawn.*|system|popen|kill|signal|sigaction|pthread_.*|syscall|if_nametoindex|if_indextoname|getaddrinfo|gethostby.*'
system+='|mnl_.*|nl_.*|rtnl_.*|nft_.*|nftnl_.*|event_.*|bufferevent_.*|evconnlistener_.*|sqlite3_.*|json_.*|cap_.*'
allocation='malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|aligned_alloc|posix_memalign|mmap|alloca'

# asks FORBIDDEN FILE...: undefined symbols that match, with the object. The compiler's checked
# variants (__read_chk) count as what they stand for.
asks()
{
	local forbidden=$1

	shift
	nm -A -u "$@" 2>/dev/null | awk -v forbidden="^($forbidden)\$" '{
		s = $NF
		sub(/@.*/, "", s)
		sub(/^__isoc[0-9]+_/, "", s)
		if (s ~ /^__.*_chk$/) { sub(/^__/, "", s); sub(/_chk$/, "", s) }
		if (s ~ forbidden) print $0
	}'
}

# pure NAME FORBIDDEN FILE...
pure()
{
	local name=$1 forbidden=$2

	shift 2
	for f in "$@"; do
		if [ ! -e "$f" ]; then
			fail "$name" "$f was not built"
			return
		fi
	done
	is "$name" "$(asks "$forbidden" "$@")" ""
}

# Calls into our own layers that a pure file has no business in.
own=''
for f in "$BUILDDIR"/libsys.a "$BUILDDIR"/libdp.a; do
	if [ -e "$f" ]; then
		own+=$(nm --defined-only -g "$f" 2>/dev/null | awk 'NF == 3 && $2 ~ /[TDBR]/ { printf "|%s", $3 }')
	fi
done

pure "the codec asks for nothing of the system" "$system|$allocation$own" "$BUILDDIR/libwire.a"
pure "the core asks for nothing of the system" "$system$own" "$BUILDDIR/libcore.a"

# The files of the agents that bind the state machines to the world.
for agent in mn ha; do
	objects=()
	while IFS= read -r f; do
		case ${f##*/} in
		main.c | app.c | conf_classes.c | io.c | io_network.c | ctl.c | ctl_network.c | sessions.c | conf.c | store.c | keep.c | order.c | repair.c | standin.c | protect.c | stale.c | outside.c | reload.c | leasedb.c | bindfile.c | keyfile.c | recfile.c | keyserver.c | keyserver_session.c | keyclient.c | sqlite.c | sdb_*.c) continue ;;
		esac
		objects+=("$BUILDDIR/${f%.c}.o")
	done < <(source_files "$agent-agent/*.c")
	if [ ${#objects[@]} -gt 0 ]; then
		pure "the state machines of $agent-agent ask for nothing of the system" \
			"$system$own" "${objects[@]}"
	fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if command -v cc >/dev/null; then
	printf '#include <stdlib.h>\n#include <time.h>\nvoid *f(void);\nvoid *f(void) { return malloc((size_t)time(NULL)); }\n' \
		>"$scratch/bad.c"
	cc -O0 -c -o "$scratch/bad.o" "$scratch/bad.c"
	is "a clock and an allocation are found" \
		"$(asks "$system|$allocation" "$scratch/bad.o" | awk '{ printf "%s ", $NF }')" "malloc time "
fi

done_testing
