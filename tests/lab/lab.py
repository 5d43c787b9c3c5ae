# SPDX-License-Identifier: BSD-2-Clause
"""The laboratory: draft figure 2 in network namespaces.

              cn1          cn2             correspondent nodes  2001:db8:c1::2, 2001:db8:c2::2
               │            │
           ┌───┴────────────┴───┐
           │        core        │          a router; all links carry 1500 octets, as usual
           └──┬───────┬──────┬──┘
              │       │      │ core0
            ┌─┴─┐   ┌─┴─┐  ┌─┴─┐
            │ar1│   │ar2│  │ar3│           dmip6-had each, pool 2001:db8:1:N00::/56
            └─┬─┘   └─┬─┘  └─┬─┘
              │       │      │ acc0
        ┌─────┴───────┴──────┴─────┐
        │    br1     br2    br3    │ air   three bridges, one per access router
        │      ╲                   │
        └───────┬──────────────────┘       a move: the port down, to another bridge, up
                │ wlan0
              ┌─┴─┐
              │mn │                        dmip6-mnd
              └───┘

Every box is a network namespace named dmip6labPID-BOX, so two laboratories never meet. The
kernels of mn and ar1..ar3 keep their defaults (duplicate address detection, router
solicitation); the routers forward, since they are routers.

    with Lab(bindir) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        lab.move(1)

Leaving the block, by whatever road (end, exception, SIGINT, SIGTERM, SIGHUP), kills every
process the laboratory started and removes its namespaces and its folder. What a laboratory
that was killed by SIGKILL left behind is removed by the next one.
"""

import ctypes
import ipaddress
import json
import os
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ARS = (1, 2, 3)
BOXES = ("core", "ar1", "ar2", "ar3", "cn1", "cn2", "mn", "air")
CN = {1: "2001:db8:c1::2", 2: "2001:db8:c2::2"}
# Of the routers that a laboratory may have; this one has ARS.
POOL = {n: ipaddress.ip_network(f"2001:db8:1:{n:x}00::/56") for n in range(1, 16)}
HA = {n: f"2001:db8:1:{n:x}00::1" for n in POOL}

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something the laboratory needs is not there; the text is for the user."""


class Interrupted(BaseException):
    """A signal asked us to stop. Not an Exception: nobody shall swallow it."""

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


def mono():
    """CLOCK_MONOTONIC in seconds: one clock for all namespaces."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def setns(path):
    with open(path, "rb") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")


def anchor_of(address):
    """Which access router an address was handed out by: 1..3, or 0."""
    a = ipaddress.ip_address(address)
    return next((n for n, pool in POOL.items() if a in pool), 0)


# ---- rtnetlink, as little as the laboratory needs --------------------------------------

NLM_F_REQUEST, NLM_F_ACK = 1, 4
NLMSG_ERROR = 2
RTM_NEWLINK, RTM_GETLINK, RTM_GETROUTE = 16, 18, 26
IFLA_MASTER = 10
RTA_DST, RTA_PREFSRC = 1, 7
IFF_UP, IFF_RUNNING = 1, 0x40
WLAN0 = 52                      # ifindex of the MN's interface


def rta(kind, data):
    pad = -len(data) % 4
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(pad)


class Rtnl:
    """A route netlink socket. It stays in the namespace it was opened in."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC,
                                  socket.NETLINK_ROUTE)
        self.sock.bind((0, 0))
        self.seq = 0

    def close(self):
        self.sock.close()

    def request(self, kind, body, flags=NLM_F_ACK):
        """Sends one request; returns the answer's body, or raises OSError."""
        self.seq += 1
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags,
                                   self.seq, 0) + body)
        answer = self.sock.recv(65536)
        if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR:
            error = struct.unpack_from("=i", answer, 16)[0]
            if error:
                raise OSError(-error, os.strerror(-error))
        return answer[16:]

    def link(self, index, up=None, master=None):
        flags, change = (IFF_UP if up else 0, IFF_UP) if up is not None else (0, 0)
        body = struct.pack("=BxHiII", 0, 0, index, flags, change)
        if master is not None:
            body += rta(IFLA_MASTER, struct.pack("=I", master))
        self.request(RTM_NEWLINK, body)

    def running(self, index):
        """Whether the kernel takes the link for operational (its link watch has seen it)."""
        answer = self.request(RTM_GETLINK, struct.pack("=BxHiII", 0, 0, index, 0, 0), 0)
        return bool(struct.unpack_from("=I", answer, 8)[0] & IFF_RUNNING)

    def source_towards(self, dst):
        """The source address a new flow to dst would get, or None: asks, opens no flow."""
        body = struct.pack("=BBBBBBBBI", socket.AF_INET6, 128, 0, 0, 0, 0, 0, 0, 0)
        body += rta(RTA_DST, socket.inet_pton(socket.AF_INET6, dst))
        try:
            answer = self.request(RTM_GETROUTE, body, 0)
        except OSError:
            return None
        at = 12
        while at + 4 <= len(answer):
            length, kind = struct.unpack_from("=HH", answer, at)
            if length < 4:
                break
            if kind == RTA_PREFSRC:
                return socket.inet_ntop(socket.AF_INET6, answer[at + 4:at + length])
            at += (length + 3) & ~3
        return None


# ---- the laboratory ----------------------------------------------------------------------

class Lab:
    def __init__(self, bindir=None, linger="1s", datapath=None, static_key=True):
        self.bindir = os.path.abspath(bindir) if bindir else None
        self.linger = linger
        self.static_key = static_key    # configured; else home agents give keys
        self.datapath = ("--datapath", datapath) if datapath else ()
        self.id = f"dmip6lab{os.getpid()}"
        self.dir = None
        self.children = {}              # pid -> name
        self.procs = {}                 # name -> Popen
        self.airnl = self.mnnl = None
        self.links = {}                 # name in air -> ifindex
        self.at = 0                     # where the MN is; 0: nowhere
        self.old_signals = {}
        self.secret = secrets.token_hex(32)
        self.interfaces = ("wlan0",)    # of the MN, in order of preference; (): as in mn.conf

    # -- life ------------------------------------------------------------------------------

    def __enter__(self):
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.old_signals[s] = signal.signal(s, self._interrupt)
        if os.geteuid() != 0:
            raise LabError("the laboratory needs root: it makes network namespaces")
        self.dir = tempfile.mkdtemp(prefix=f"{self.id}-")
        os.chmod(self.dir, 0o755)
        return self

    def __exit__(self, kind, value, trace):
        for s in self.old_signals:
            signal.signal(s, signal.SIG_IGN)
        try:
            self.cleanup()
        finally:
            for s, handler in self.old_signals.items():
                signal.signal(s, handler)
        return False

    def _interrupt(self, signum, _frame):
        raise Interrupted(signum)

    def cleanup(self):
        for pid in list(self.children):
            self._kill(pid)
        for nl in (self.airnl, self.mnnl):
            if nl:
                nl.close()
        self.airnl = self.mnnl = None
        remove_namespaces(self.id + "-")
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    def _kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._reap(pid)

    def _reap(self, pid):
        name = self.children.pop(pid, None)
        proc = self.procs.get(name)
        if proc is not None and proc.pid == pid:
            del self.procs[name]
            proc.wait()
            return proc.returncode
        try:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except ChildProcessError:
            return None

    # -- building --------------------------------------------------------------------------

    def ns(self, box):
        return f"{self.id}-{box}"

    def nspath(self, box):
        return f"/run/netns/{self.ns(box)}"

    def build(self):
        remove_stale()
        self._links()
        for box in ("core", "ar1", "ar2", "ar3"):
            self.sysctl(box, "net/ipv6/conf/all/forwarding", "1")
        # While a home agent is stopped, packets for its pool go to and fro between its router
        # and core, which redirects their senders: for its link to the router, but from fe80::1,
        # its address on all links. Correspondents would send into nowhere for minutes.
        for n in CN:
            self.sysctl(f"cn{n}", "net/ipv6/conf/core0/accept_redirects", "0")
        for key in ("all", "default"):
            self.sysctl("air", f"net/ipv6/conf/{key}/disable_ipv6", "1")
        self._addresses()
        self.edge_filter("add")
        self._air()
        self.batch("mn", ["link set lo up", "link set wlan0 up"])
        self.airnl = self.inside("air", Rtnl)
        self.mnnl = self.inside("mn", Rtnl)

        def forwarding():
            ports = json.loads(self.run("air", "bridge", "-j", "link").stdout or "[]")
            return sum(p.get("state") == "forwarding" for p in ports) == len(ARS)
        if not wait_for(forwarding, 5.0, 0.02):
            raise LabError("the laboratory's bridges do not forward")

    def _links(self):
        n = self.ns
        # Every pair's two indexes differ: for a pair with equal ones (which namespaces make
        # likely) the kernel reports a carrier change up to one second late, since its link
        # watch takes such a pair for an ordinary device.
        top = [f"netns add {n(b)}" for b in BOXES]
        for x in ("ar1", "ar2", "ar3", "cn1", "cn2"):
            top.append(f"link add {x} netns {n('core')} type veth "
                       f"peer name core0 index 50 netns {n(x)}")
        for i in ARS:
            top.append(f"link add br{i} netns {n('air')} type bridge stp_state 0 "
                       f"mcast_snooping 0 forward_delay 0")
            top.append(f"link add ar{i} netns {n('air')} type veth "
                       f"peer name acc0 index 51 netns {n(f'ar{i}')}")
        top.append(f"link add wlan0 index {WLAN0} netns {n('mn')} type veth "
                   f"peer name mn netns {n('air')}")
        self.batch(None, top)

    def _addresses(self):
        """Addresses and routes of core and of what hangs on it. The links of core have fixed
        addresses without duplicate address detection: they are scenery."""
        core = ["link set lo up"]
        for box, near, far, more in (
                *((f"ar{i}", f"2001:db8:0:{i}::1/64", f"2001:db8:0:{i}::2/64",
                   ["link set acc0 up"]) for i in ARS),
                *((f"cn{i}", f"2001:db8:c{i}::1/64", f"{CN[i]}/64", []) for i in CN)):
            core += [f"link set {box} up", f"addr add fe80::1/64 dev {box} nodad",
                     f"addr add {near} dev {box} nodad"]
            self.batch(box, ["link set lo up", "link set core0 up",
                              "addr add fe80::2/64 dev core0 nodad",
                              f"addr add {far} dev core0 nodad",
                              "route add default via fe80::1 dev core0", *more])
        core += [f"route add {POOL[i]} via fe80::2 dev ar{i}" for i in ARS]
        self.batch("core", core)

    def edge_filter(self, verb):
        """The provider lets nobody use a foreign source address (BCP 38): a packet of an old
        address that leaves without a tunnel is lost here, as it would be outside. By rules,
        for there are kernels without nftables. verb: add or del."""
        self.batch("core", [x for i in ARS for x in (
            f"rule {verb} pref 100 iif ar{i} from {POOL[i]} lookup main",
            f"rule {verb} pref 101 iif ar{i} from 2001:db8:1::/48 blackhole")])

    def _air(self):
        self.batch("air", [x for i in ARS for x in (
            f"link set ar{i} master br{i}", f"link set ar{i} up", f"link set br{i} up")])
        out = self.run("air", "ip", "-j", "link", "show").stdout
        self.links = {x["ifname"]: x["ifindex"] for x in json.loads(out)}

    def batch(self, box, lines):
        """Commands of `ip -6` in a box, or (None) outside of all."""
        where = ["-n", self.ns(box)] if box else []
        p = subprocess.run(["ip", *where, "-6", "-batch", "-"], input="\n".join(lines) + "\n",
                           text=True, capture_output=True, check=False)
        if p.returncode:
            raise LabError(f"building the laboratory ({box or 'links'}): {p.stderr.strip()}")

    def inside(self, box, func, *args):
        """Calls func with this process's namespace switched to the box's."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self.nspath(box))
            return func(*args)
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(home)

    def sysctl(self, box, key, value):
        def put():
            with open(f"/proc/sys/{key}", "w", encoding="ascii") as f:
                f.write(value)
        self.inside(box, put)

    # -- processes -------------------------------------------------------------------------

    def _child_setup(self):
        os.setsid()                     # Ctrl-C is for the laboratory alone; it kills them
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def run(self, box, *cmd, timeout=30, stdin=None):
        """Runs a command to its end; never raises for its exit code."""
        return subprocess.run(["ip", "netns", "exec", self.ns(box), *cmd], text=True,
                              input=stdin, capture_output=True, timeout=timeout, check=False)

    def popen(self, name, box, cmd, env=None, stdin=None):
        """Starts a program; its output goes to the file NAME.log of the laboratory. stdin:
        text for it; it does not see the end of its input."""
        if name in self.procs:
            raise LabError(f"{name} runs already")
        with open(self.path(f"{name}.log"), "ab") as log:
            # pylint: disable=consider-using-with
            p = subprocess.Popen(["ip", "netns", "exec", self.ns(box), *cmd], stdout=log,
                                 stderr=subprocess.STDOUT,
                                 stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                                 env={**os.environ, **(env or {})},
                                 preexec_fn=self._child_setup)
        self.children[p.pid] = name
        self.procs[name] = p
        if stdin:
            p.stdin.write(stdin.encode())
            p.stdin.flush()
        return p

    def spawn(self, name, box, func, *args):
        """Runs func in a child process inside a box's namespace. Returns its pid."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self.children[pid] = name
            return pid
        status = 1
        try:
            for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(s, signal.SIG_DFL)
            self._child_setup()
            setns(self.nspath(box))
            func(*args)
            status = 0
        except BaseException as e:      # pylint: disable=broad-exception-caught
            print(f"{name}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    def wait(self, pid, timeout=10.0):
        """Waits for a spawned process; returns its exit code."""
        def ended():
            done, status = os.waitpid(pid, os.WNOHANG)
            return (os.waitstatus_to_exitcode(status),) if done else None
        code = wait_for(ended, timeout)
        if code is None:
            raise LabError(f"{self.children.get(pid, pid)} did not end within {timeout:g} s")
        self.children.pop(pid, None)
        return code[0]

    def kill(self, name, signum=signal.SIGKILL, timeout=5.0):
        """Signals a program started by popen and waits for its end; returns its exit code."""
        p = self.procs[name]
        p.send_signal(signum)
        try:
            p.wait(timeout)
        except subprocess.TimeoutExpired as e:
            raise LabError(f"{name} did not end within {timeout:g} s of signal {signum}") from e
        return self._reap(p.pid)

    def log(self, name):
        try:
            with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def path(self, name):
        return os.path.join(self.dir, name)

    def bin(self, program):
        if not self.bindir:
            raise LabError("no folder with the programs was named (--bindir)")
        path = os.path.join(self.bindir, program)
        if not os.access(path, os.X_OK):
            raise LabError(f"{path} is not there; build the project first (./quickstart build)")
        return path

    # -- daemons ---------------------------------------------------------------------------

    def sock(self, box):
        return self.path(f"{box}.sock")

    def write(self, name, text):
        """Like a configuration with keys in it: for root alone."""
        with open(self.path(name), "w", encoding="utf-8") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(text)
        return self.path(name)

    def key_text(self):
        if not self.static_key:
            return ""
        return f"key 256 {{ algorithm hmac-sha-256-128; secret {self.secret}; }}\n"

    def had_command(self, n, extra=()):
        box = f"ar{n}"
        conf = self.path(f"{box}.conf")
        if not os.path.exists(conf):
            self.write(f"{box}.conf", self.key_text())
        os.makedirs(self.path(f"{box}.state"), exist_ok=True)
        return [self.bin("dmip6-had"), "--interface", "acc0", "--prefix", str(POOL[n]),
                "--state-dir", self.path(f"{box}.state"), "--control", self.sock(box),
                "--config", conf, *self.datapath, *extra]

    def mnd_command(self, extra=()):
        conf = self.path("mn.conf")
        if not os.path.exists(conf):
            self.write("mn.conf", f"linger {self.linger};\n{self.key_text()}")
        os.makedirs(self.path("mn.state"), exist_ok=True)
        interfaces = [word for i in self.interfaces for word in ("--interface", i)]
        return [self.bin("dmip6-mnd"), *interfaces,
                "--state-dir", self.path("mn.state"), "--control", self.sock("mn"),
                "--config", conf, *self.datapath, *extra]

    def start_had(self, n, extra=(), ready=True):
        self.popen(f"ar{n}", f"ar{n}", self.had_command(n, extra))
        if ready:
            self.wait_ready(f"ar{n}")

    def start_mnd(self, extra=(), ready=True):
        self.popen("mn", "mn", self.mnd_command(extra))
        if ready:
            self.wait_ready("mn")

    def wait_ready(self, box, timeout=20.0):
        def ready():
            p = self.procs[box]
            if p.poll() is not None:
                raise LabError(f"{box}'s daemon ended at once (code {p.returncode}): "
                               + self.log(box).strip())
            return self.status(box)
        if wait_for(ready, timeout) is None:
            raise LabError(f"{box}'s daemon does not answer on its control socket; it said: "
                           + self.log(box).strip())

    def status(self, box):
        """The daemon's status, asked on its control socket; None if it is not there."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.settimeout(3)
                s.connect(self.sock(box))
                s.sendall(b'{"method":"status"}\n')
                data = b""
                while not data.endswith(b"\n"):
                    part = s.recv(65536)
                    if not part:
                        return None
                    data += part
            return json.loads(data).get("parameters")
        except (OSError, ValueError):
            return None

    def ctl(self, box, *args, timeout=10):
        """dmip6ctl --json ARGS towards the box's daemon, parsed; LabError if it fails."""
        p = self.ctl_raw(box, "--json", *args, timeout=timeout)
        if p.returncode:
            raise LabError(f"dmip6ctl {' '.join(args)} ({box}): {p.stderr.strip()}")
        return json.loads(p.stdout)

    def ctl_raw(self, box, *args, timeout=10):
        return self.run(box, self.bin("dmip6ctl"), "--control", self.sock(box), *args,
                        timeout=timeout)

    # -- moving and looking ------------------------------------------------------------------

    def move(self, n, unseen=False):
        """Moves the MN to access router n (0: out of reach). Returns when, (down, up).

        The link comes up again when the MN's kernel has noticed that it went; unseen: at
        once, so that the two changes may melt into one for whoever watches.
        """
        port = self.links["mn"]
        down = mono()
        self.airnl.link(port, up=False)
        if not unseen:
            wait_for(lambda: not self.mnnl.running(WLAN0), 2.0, 0.0002)
        self.airnl.link(port, master=self.links[f"br{n}"] if n else 0)
        up = mono()
        if n:
            self.airnl.link(port, up=True)
        self.at = n
        return down, up

    def mac(self):
        return self.mac_of("mn", "wlan0")

    def mac_of(self, box, interface):
        out = self.run(box, "ip", "-j", "link", "show", "dev", interface).stdout
        return json.loads(out)[0]["address"]

    def source(self, cn=1):
        """The source address a new flow of the MN to that correspondent would get."""
        def ask():
            nl = Rtnl()
            try:
                return nl.source_towards(CN[cn])
            finally:
                nl.close()
        return self.inside("mn", ask)

    def attached(self, n, timeout=10.0):
        """Waits until a new flow of the MN would be anchored at router n; its address."""
        def ready():
            a = self.source()
            return a if a and anchor_of(a) == n else None
        a = wait_for(ready, timeout, 0.002)
        if a is None:
            raise LabError(f"the MN got no address of AR{n} within {timeout:g} s; "
                           f"its log says: {self.log('mn').strip()[-600:]}")
        return a

    def kernel_state(self, box):
        """What the kernel of a box holds, as sets of lines: to compare before and after."""
        script = ("ip -6 rule; echo ==; ip -6 route show table all; echo ==; "
                  "ip -6 -o addr; echo ==; ip -6 nexthop; echo ==; ip -o link; echo ==; "
                  "ip -6 neigh show nud permanent; echo ==; nft list ruleset")
        parts = self.run(box, "sh", "-c", script).stdout.split("==\n")
        names = ("rules", "routes", "addresses", "nexthops", "links", "neighbours", "filter")
        return {k: _lines(v) for k, v in zip(names, parts)}


def _lines(text):
    """Lines without what changes by itself: lifetimes, expiry, counters."""
    out = []
    for line in text.splitlines():
        line = re.sub(r"(expires|valid_lft|preferred_lft) \S+", "", line)
        line = re.sub(r"counter packets \d+ bytes \d+", "counter", line)
        line = re.sub(r"\b(dead|linkdown)\b", "", line)
        line = " ".join(line.split())
        if line:
            out.append(line)
    return out


def wait_for(what, timeout, step=0.005):
    """Calls what() until it returns something true; that, or None after the deadline."""
    deadline = mono() + timeout
    while True:
        value = what()
        if value:
            return value
        if mono() >= deadline:
            return None
        time.sleep(step)


def remove_namespaces(prefix):
    """Removes the namespaces of one laboratory, and what still runs in them."""
    try:
        names = [n for n in os.listdir("/run/netns") if n.startswith(prefix)]
    except FileNotFoundError:
        return
    for name in names:
        p = subprocess.run(["ip", "netns", "pids", name], text=True, capture_output=True,
                           check=False)
        for pid in p.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
    if names:
        text = "".join(f"netns del {n}\n" for n in names)
        subprocess.run(["ip", "-force", "-batch", "-"], input=text, text=True,
                       capture_output=True, check=False)


def remove_stale():
    """Removes what laboratories left that were killed without a chance to clean up."""
    try:
        names = os.listdir("/run/netns")
    except FileNotFoundError:
        return
    for pid in {m.group(1) for m in map(re.compile(r"dmip6lab(\d+)-").match, names) if m}:
        if not os.path.exists(f"/proc/{pid}"):
            remove_namespaces(f"dmip6lab{pid}-")
