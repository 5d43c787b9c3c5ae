#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a registration costs the home agent, beside a reference loop that does the bare work.

    registration.py --bindir DIR [--nodes N]... [--datapath NAME] [--proxy] [--quick] [--json FILE]

registration_gen plays N mobile nodes with authenticated Binding Updates; dmip6-had and, in
turns, registration_ref answer them. The reference has neither protocol nor table: a packet
in, an HMAC, one nexthop replaced, an HMAC, a packet out. Both do their work on one core, the
generator too; what counts is CPU time by the scheduler's own account (schedstat) in short
slices, taken in random order from one and the other, and the ratio of the two. A benchmark:
it never fails because of a time.

What the account has and has not: all that a process does in system calls is its own, the
sending of answers up to the generator's socket included. Receiving a packet up to the
daemon's socket is soft interrupt work in the generator's send, on the generator's account.
What the kernel puts off (RCU callbacks, work queues) is on nobody's.
"""

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
from lab import Interrupted, Lab, LabError, mono, wait_for

HOME_AGENT = "2001:db8::1"
POOL = "2001:db8::/32"
SPI = 256
LIFETIME = 600
SLICES = 20                     # pairs of slices of a phase
SLICE_MAX = 1000                # updates in one
WINDOW = 32                     # unanswered updates
SETTLE = 0.25                   # without use of CPU: the daemon has done what it put off
MAC = {"ha": "02:00:00:00:fe:01", "ref": "02:00:00:00:fe:02"}
ROUTERS = ("2001:dead::1", "2001:dead::2")      # network mode: the peers
# The generator's ends of the two links.
FAR_MAC = {"ha": "02:00:00:00:ff:01", "ref": "02:00:00:00:ff:02"}


class Bench(Lab):
    """Three namespaces: the home agent's, the reference's, the generator's between them."""

    def __init__(self, bindir, options):
        super().__init__(bindir)
        self.o = options
        cores = sorted(os.sched_getaffinity(0))
        self.core, self.others = cores[0], cores[1:] or cores
        self.seq = 0
        self.generation = 0

    # -- building --------------------------------------------------------------------------

    def build(self):
        lines = [f"netns add {self.ns(b)}" for b in ("ha", "ref", "gen")]
        # No two indexes of a pair alike: see lab.py.
        for i, box in enumerate(("ha", "ref")):
            lines.append(f"link add core0 index 50 address {MAC[box]} netns {self.ns(box)} "
                         f"type veth peer name {box} index {60 + i} address {FAR_MAC[box]} "
                         f"netns {self.ns('gen')}")
        lines.append(f"link add acc0 index 51 netns {self.ns('ha')} type veth "
                     f"peer name lan index 70 netns {self.ns('gen')}")
        self.batch(None, lines)
        for key in ("all", "default"):
            self.sysctl("gen", f"net/ipv6/conf/{key}/disable_ipv6", "1")
        self.batch("gen", ["link set lo up", "link set ha up", "link set ref up",
                            "link set lan up"])
        for box in ("ha", "ref"):
            self.sysctl(box, "net/ipv6/conf/all/forwarding", "1")
            # Care-of addresses are any number of other networks, behind one router.
            self.batch(box, [
                "link set lo up", "link set core0 up",
                f"neigh add fe80::1 lladdr {FAR_MAC[box]} dev core0 nud permanent",
                "addr add fe80::2/64 dev core0 nodad",
                "route add default via fe80::1 dev core0"])
        self.batch("ha", ["link set acc0 up"])
        # The kernel's own answers to Mobility Headers are kept away there as dmip6-had does.
        self.batch("ref", [f"addr add {HOME_AGENT}/128 dev lo nodad"])
        p = self.run("ref", "nft", "add table inet t; add chain inet t c { type filter hook "
                     "prerouting priority raw; }; add rule inet t c meta l4proto 135 drop")
        if p.returncode:
            raise LabError(f"the reference's filter cannot be loaded: {p.stderr.strip()}")

    # -- processes -------------------------------------------------------------------------

    def pin(self, pid, cores):
        os.sched_setaffinity(pid, cores)

    def command(self, nodes):
        state = self.path("state")
        os.makedirs(state, exist_ok=True)
        limit = 2 * nodes + 1000
        conf = self.write("ha.conf", f"max-leases {limit};\nmax-bindings {limit};\n"
                          + self.key_text())
        return [self.bin("dmip6-had"), "--interface", "acc0", "--prefix", POOL,
                "--state-dir", state, "--control", self.sock("ha"), "--config", conf,
                "--log-level", self.o.log_level,
                *(["--datapath", self.o.datapath] if self.o.datapath else [])]

    def start_daemon(self, nodes):
        """Starts dmip6-had; seconds until it says that it is ready."""
        path = self.path("ready")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(0.2)
            began = mono()
            p = self.popen("had", "ha", self.command(nodes), env={"NOTIFY_SOCKET": path})
            self.pin(p.pid, {self.core})
            while True:
                try:
                    if b"READY=1" in s.recv(4096):
                        return mono() - began
                except TimeoutError:
                    pass
                if p.poll() is not None:
                    raise LabError(f"dmip6-had ended at once: {self.log('had').strip()[-800:]}")
                if mono() - began > 300:
                    raise LabError("dmip6-had is not ready after 300 s")

    def start_reference(self):
        p = self.popen("reference", "ref", [
            self.bin("tests/bench/registration_ref"), "core0", HOME_AGENT, str(SPI),
            self.secret])
        self.pin(p.pid, {self.core})
        if not wait_for(lambda: "ready" in self.log("reference"), 5.0):
            raise LabError(f"the reference does not start: {self.log('reference').strip()}")

    def generator(self, box, cores=None, more=()):
        return Generator(self, box, cores or {self.core}, more)

    def pid(self, name):
        return self.procs[name].pid

    # -- looking ---------------------------------------------------------------------------

    def cpu(self, name):
        """Seconds of CPU time that the process has had."""
        if self.procs[name].poll() is not None:
            raise LabError(f"{name} ended: {self.log(name).strip()[-300:]}")
        with open(f"/proc/{self.pid(name)}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e9

    def settle(self, name, patience=10.0):
        """Waits until the process rests, so that what it put off is counted."""
        end = mono() + patience
        last, since = self.cpu(name), mono()
        while mono() < end and mono() - since < SETTLE:
            time.sleep(0.05)
            now = self.cpu(name)
            # Timers that are always there cost next to nothing.
            if now - last > 0.0005:
                since = mono()
            last = now

    def user_memory(self, name):
        with open(f"/proc/{self.pid(name)}/smaps_rollup", encoding="ascii") as f:
            return next(int(x.split()[1]) for x in f if x.startswith("Pss:")) * 1024

    def routes(self):
        """Entries of the daemon's kernel's routing tables: cheap, whatever their number."""
        with open(f"/proc/{self.pid('had')}/net/rt6_stats", encoding="ascii") as f:
            return int(f.read().split()[3], 16)

    def routes_at_rest(self):
        """The same when no address comes any more: those of new devices take a second."""
        last, since = self.routes(), mono()
        while mono() - since < 1.5:
            time.sleep(0.05)
            if self.routes() != last:
                last, since = self.routes(), mono()
        return last

    def nexthops(self):
        out = self.run("ha", "ip", "-6", "nexthop", "list", timeout=120).stdout
        return sum("encap" in x for x in out.splitlines())


def kernel_memory():
    """Octets that the kernel's allocators have given out and cannot reclaim: nexthops, routes
    and filter elements are there. Of the whole machine: with few nodes others' use shows."""
    with open("/proc/meminfo", encoding="ascii") as f:
        return sum(int(x.split()[1]) for x in f
                   if x.startswith(("SUnreclaim:", "Percpu:", "VmallocUsed:"))) * 1024


class Generator:
    """A process of registration_gen."""

    count = 0

    def __init__(self, bench, box, cores, more=()):
        self.box = box
        Generator.count += 1
        self.name = f"generator{Generator.count}"
        with open(bench.path("generator.log"), "ab") as log:
            # pylint: disable=consider-using-with,protected-access
            self.p = subprocess.Popen(
                ["ip", "netns", "exec", bench.ns("gen"),
                 bench.bin("tests/bench/registration_gen"), box, MAC[box], HOME_AGENT, str(SPI),
                 bench.secret, *more],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                preexec_fn=bench._child_setup)
        self.bench = bench
        bench.children[self.p.pid] = self.name
        bench.procs[self.name] = self.p
        bench.pin(self.p.pid, cores)

    def ask(self, *words):
        print(*words, file=self.p.stdin, flush=True)

    def answer(self):
        line = self.p.stdout.readline()
        if not line:
            raise LabError(f"the generator ended: {self.bench.log('generator').strip()}")
        return json.loads(line)

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def update(self, nodes, first, count, seq, generation, lifetime=LIFETIME, window=WINDOW,
               rate=0):
        self.ask("update", nodes, first, count, seq, generation, lifetime, window, rate)
        return self.answer()


# ---- phases ------------------------------------------------------------------------------

def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))] if values else None


class Tally:
    """What the slices of one phase came to, of one side."""

    def __init__(self):
        self.cpu, self.latency = [], []
        self.sums = dict.fromkeys(("sent", "accepted", "again", "refused", "resent",
                                   "bad_authenticator", "strange"), 0)
        self.elapsed = 0.0
        self.refused_status = 0         # the last one

    def add(self, got, cpu_s):
        for k in self.sums:
            self.sums[k] += got[k]
        self.elapsed += got["elapsed_s"]
        self.refused_status = got["refused_status"] or self.refused_status
        self.latency += got["latency_us"]
        self.cpu.append(cpu_s / got["sent"] * 1e6)

    def figures(self):
        return {**self.sums, "refused_status": self.refused_status,
                "cpu_us": statistics.median(self.cpu),
                "cpu_us_all": [round(x, 2) for x in self.cpu],
                "per_second": self.sums["sent"] / self.elapsed if self.elapsed else None,
                "latency_50_us": percentile(self.latency, 50),
                "latency_99_us": percentile(self.latency, 99)}


def interval(ratios):
    """95 % of the medians of samples of the ratios (bootstrap)."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(1000))
    return [medians[25], medians[974]]


class Phases:
    def __init__(self, bench, nodes, sides, say):
        self.b, self.nodes, self.sides, self.say = bench, nodes, sides, say

    def run(self, what, count, window=WINDOW, lifetime=LIFETIME, only=None):
        """One update of each of count nodes, in slices, by each of the sides in turns."""
        b, sides = self.b, {k: v for k, v in self.sides.items() if not only or k in only}
        b.seq += 1
        if what in ("first", "move"):
            b.generation += 1
        tallies = {name: Tally() for name in sides}
        n = max(1, min(SLICES, count))
        edges = [count * i // n for i in range(n + 1)]
        for lo, hi in zip(edges, edges[1:]):
            order = list(sides)
            random.shuffle(order)
            for name in order:
                before = b.cpu(name)
                got = sides[name].update(self.nodes, lo, hi - lo, b.seq, b.generation, lifetime,
                                         window)
                # What is put off to the end of the turn belongs to it.
                time.sleep(0.01)
                tallies[name].add(got, b.cpu(name) - before)
                if not got["latency_us"]:
                    raise LabError(f"no answer from {name}, which said last: "
                                   + b.log(name).strip()[-300:])
        out = {name: t.figures() for name, t in tallies.items()}
        if len(out) == 2:
            ratios = [x / y for x, y in zip(tallies["had"].cpu, tallies["reference"].cpu)]
            out["ratio"] = statistics.median(ratios)
            out["ratio_interval"] = interval(ratios)
        self.say(f"{self.nodes} nodes: {what}, window {window}: " + ", ".join(
            f"{name} {t.figures()['cpu_us']:.1f} us" for name, t in tallies.items()))
        return out


def status(bench):
    """What it costs to ask the daemon for all that it lists; meanwhile it does nothing else."""
    cpu, began, data = bench.cpu("had"), mono(), b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(300)
        s.connect(bench.sock("ha"))
        s.sendall(b'{"method":"status"}\n')
        while not data.endswith(b"\n"):
            part = s.recv(1 << 20)
            if not part:
                raise LabError("dmip6-had closed its control socket in the middle of an answer")
            data += part
    return {"s": mono() - began, "cpu_s": bench.cpu("had") - cpu, "octets": len(data)}


def prefill(bench, nodes):
    """Leases of nodes that are not attached, as an earlier run would have left them. Returns
    the name of the data path that the daemon chooses."""
    bench.start_daemon(nodes)
    datapath = bench.status("ha")["datapath"]
    bench.kill("had", signal.SIGTERM, 30.0)
    until = int(time.time()) + 30 * 86400
    with sqlite3.connect(bench.path("state/had.db")) as db:
        db.executemany(
            "INSERT INTO lease (prefix, mac, interface, linklocal, attached, until) "
            "VALUES (?, ?, 'acc0', '::', 0, ?)",
            ((prefix_text(i), f"02:00:{i >> 24:02x}:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:"
              f"{i & 255:02x}", until) for i in range(nodes)))
    db.close()
    return datapath


def prefix_text(i):
    """As the daemon writes it: the key of the table is text."""
    n = i + 1
    hi, lo = n >> 16, n & 0xffff
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(
        f"20010db8{hi:04x}{lo:04x}{0:016x}")) + "/64"


def restart(bench, nodes, gen, signum):
    """Seconds from the start of the next daemon until it is ready, and until it answers."""
    began_end = mono()
    bench.kill("had", signum, 60.0)
    ended = mono() - began_end
    began = mono()
    ready = bench.start_daemon(nodes)
    bench.seq += 1
    got = gen.update(nodes, 0, 1, bench.seq, bench.generation)
    return {"end_s": ended, "ready_s": ready, "answers_s": mono() - began,
            "cpu_s": bench.cpu("had"), "accepted": got["accepted"], "routes": bench.routes()}


def expire_at(path, end):
    """Rewrites a file of bindings (ha-agent/bindfile.c): they all end at that second."""
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        for at in range(64, len(data) - 63, 64):
            if not any(data[at:at + 64]):
                continue            # a place that is free
            struct.pack_into("=q", data, at + 32, end * 1000000)
            check = 2166136261
            for octet in data[at:at + 60]:
                check = ((check ^ octet) * 16777619) & 0xffffffff
            struct.pack_into("=I", data, at + 60, check)
        f.seek(0)
        f.write(data)


def expire(bench, nodes, bound, base):
    """All lifetimes end in the same second: how long after it everything is gone."""
    # Without routes only the daemon itself can tell, and asking it costs it something.
    in_kernel = bench.routes() > base
    bench.kill("had", signal.SIGUSR1, 60.0)
    end = int(time.time()) + 4 + nodes // 5000
    expire_at(bench.path("state/had.bindings"), end)
    bench.start_daemon(nodes)
    late = time.time() - end
    before, full = bench.cpu("had"), bench.routes()
    gone = first = None
    while time.time() < end + 120:
        # The database has seconds, so the daemon's end is up to one second off ours.
        if first is None and bench.routes() < full:
            first = time.time() - end
        if time.time() >= end and (bench.routes() <= base if in_kernel else
                                   bench.status("ha")["totals"]["bindings"] == 0):
            gone = time.time() - end
            break
        time.sleep(0.005 if in_kernel else 0.1)
    bench.settle("had")
    return {"bound": bound, "started_before_s": -late, "gone_s": gone,
            "took_s": gone - first if gone and first else gone,
            "cpu_us": (bench.cpu("had") - before) / bound * 1e6, "left": bench.routes() - base}


def flood(bench, nodes, rate, seconds):
    """Good updates at a modest rate, alone and beside a flood of bad ones."""
    good = bench.generator("ha", set(bench.others) | {bench.core})
    bad = bench.generator("ha", set(bench.others))
    count = min(nodes, 200 * seconds)
    out = {}
    for kind in ("alone", "flooded"):
        bench.seq += 1
        bench.generation += 1
        cpu, began = bench.cpu("had"), mono()
        if kind == "flooded":
            bad.ask("flood", nodes, rate, seconds + 1)
            time.sleep(0.5)
        got = good.update(nodes, 0, count, bench.seq, bench.generation, LIFETIME, 0, 200)
        if kind == "flooded":
            out["bad"] = bad.answer()
        out[kind] = {"sent": got["sent"], "accepted": got["accepted"],
                     "latency_50_us": percentile(got["latency_us"], 50),
                     "latency_99_us": percentile(got["latency_us"], 99),
                     "cpu_share": (bench.cpu("had") - cpu) / (mono() - began)}
    for g in (good, bad):
        bench.kill(g.name)
    return out


def syscalls(bench, phases, what, count):
    """System calls of the daemon for one update, by name; None without strace."""
    path = bench.path("strace")
    try:
        # pylint: disable-next=consider-using-with
        p = subprocess.Popen(["strace", "-c", "-q", "-o", path, "-p", str(bench.pid("had"))],
                             stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return None
    time.sleep(0.3)
    phases.run(what, count, only=("had",))
    p.send_signal(signal.SIGINT)
    p.wait()
    out = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            w = line.split()
            if len(w) >= 5 and w[0][0].isdigit() and w[-1] != "total":
                out[w[-1]] = round(int(w[3]) / count, 2)
    return out


def measure(bench, nodes, say):
    """Everything for one number of nodes."""
    out = {"nodes": nodes, "datapath": prefill(bench, nodes)}
    out["start_s"] = bench.start_daemon(nodes)
    bench.settle("had")
    base = bench.routes_at_rest()
    sides = {"had": bench.generator("ha")}
    ph = Phases(bench, nodes, sides, say)
    if out["datapath"] == "seg6":
        bench.start_reference()
        sides["reference"] = bench.generator("ref")
        reference = ph.run("first", nodes, only=("reference",))

    user, kernel = bench.user_memory("had"), kernel_memory()
    out["first"] = ph.run("first", nodes, only=("had",))
    if "reference" in sides:
        out["first"].update(reference)
    bench.settle("had")
    out["memory"] = {"user_restored": user, "user": (bench.user_memory("had") - user) / nodes,
                     "kernel": (kernel_memory() - kernel) / nodes}
    out["routes"], out["nexthops"] = bench.routes() - base, bench.nexthops()

    out["status"] = status(bench)

    for window, count in ((WINDOW, min(nodes, SLICES * SLICE_MAX)), (1, min(nodes, 2000))):
        for what in ("move", "refresh"):
            out[f"{what}_{window}"] = ph.run(what, count, window)
    if bench.o.strace:
        out["syscalls"] = {what: syscalls(bench, ph, what, min(nodes, 200))
                           for what in ("move", "refresh")}
    out["flood"] = flood(bench, nodes, bench.o.flood_rate, bench.o.flood_seconds)
    say(f"{nodes} nodes: flood")
    out["restart"] = {"kept": restart(bench, nodes, sides["had"], signal.SIGUSR1),
                      "killed": restart(bench, nodes, sides["had"], signal.SIGKILL)}
    for r in out["restart"].values():
        r["routes"] -= base
    say(f"{nodes} nodes: restarts")
    count = min(nodes // 2, 5000)
    out["deregister"] = ph.run("deregister", count, lifetime=0, only=("had",))
    out["expiry"] = expire(bench, nodes, nodes - count, base)
    say(f"{nodes} nodes: expiry")
    left = bench.status("ha")
    out["end"] = {**left["totals"], "nexthops": bench.nexthops(), "counters": left["counters"]}
    return out


# ---- network mode ------------------------------------------------------------------------

class ProxyBench(Bench):
    """The home agent as the anchor of hosts that two other routers register."""

    def command(self, nodes):
        command = super().command(nodes)
        conf = self.path("ha.conf")
        with open(conf, "a", encoding="ascii") as f:
            f.write("network-mode yes;\npeer-timestamp-window 5s;\nsession-database sqlite;\n")
            f.writelines(f"peer {r} {SPI} {{ secret {self.secret}; }}\n" for r in ROUTERS)
        return command


def measure_proxy(bench, nodes, say):
    """The same for Proxy Binding Updates. The reference's are a node's own: the bare work."""
    out = {"nodes": nodes, "datapath": prefill(bench, nodes)}
    out["start_s"] = bench.start_daemon(nodes)
    # All sessions are written to the database first.
    wait_for(lambda: bench.status("ha")["sessions"]["behind"] == 0, 120.0, 0.2)
    bench.settle("had")
    base = bench.routes_at_rest()
    sides = {"had": bench.generator("ha", more=ROUTERS)}
    ph = Phases(bench, nodes, sides, say)
    if out["datapath"] == "seg6":
        bench.start_reference()
        sides["reference"] = bench.generator("ref")
        reference = ph.run("first", nodes, only=("reference",))
    user, kernel = bench.user_memory("had"), kernel_memory()
    out["first"] = ph.run("first", nodes, only=("had",))
    if "reference" in sides:
        out["first"].update(reference)
    bench.settle("had")
    out["memory"] = {"user_restored": user, "user": (bench.user_memory("had") - user) / nodes,
                     "kernel": (kernel_memory() - kernel) / nodes}
    out["routes"], out["nexthops"] = bench.routes() - base, bench.nexthops()
    for window, count in ((WINDOW, min(nodes, SLICES * SLICE_MAX)), (1, min(nodes, 2000))):
        for what in ("move", "refresh"):
            out[f"{what}_{window}"] = ph.run(what, count, window)
    # By the router that moved them last, which has not moved all.
    out["deregister"] = ph.run("deregister", min(nodes, 2000), lifetime=0, only=("had",))
    left = bench.status("ha")
    out["end"] = {**left["totals"], "nexthops": bench.nexthops(), "counters": left["counters"]}
    return out


def show_proxy(x):
    print(f"\nNetwork mode: {x['nodes']:,} hosts, data path {x['datapath']}")
    print(f"  {'CPU time per update, us':<34} {'dmip6-had':>8} {'referen.':>8} {'ratio':>7}"
          f"   {'95 %':>13} {'aim':>7} {'50 % us':>8} {'99 % us':>8}")
    row(f"first registration, window {WINDOW}", x["first"])
    for window in (WINDOW, 1):
        row(f"move, window {window}", x[f"move_{window}"])
        row(f"refresh, window {window}", x[f"refresh_{window}"])
    row(f"de-registration, window {WINDOW}", x["deregister"])
    f, r = x[f"move_{WINDOW}"]["had"], x[f"refresh_{WINDOW}"]["had"]
    print(f"  one core: {1e6 / f['cpu_us']:,.0f} moves a second, {1e6 / r['cpu_us']:,.0f} refreshes")
    m = x["memory"]
    print(f"  memory per binding, octets: user {m['user']:.0f}, kernel {m['kernel']:.0f}; the daemon "
          f"with leases only: {m['user_restored'] / 2**20:.1f} MiB")


# ---- the figures -------------------------------------------------------------------------

def number(v, form="{:.1f}"):
    return "-" if v is None else form.format(v)


def row(name, f, ratio=None, aim=None):
    had, ref = f.get("had"), f.get("reference")
    text = f"  {name:<34}"
    for x in (had, ref):
        text += f" {number(x and x['cpu_us']):>8}"
    r = f.get("ratio") if ratio is None else ratio
    text += f" {number(r, '{:.2f}'):>7}"
    text += "   {:>13}".format("" if "ratio_interval" not in f else
                               "{:.2f} to {:.2f}".format(*f["ratio_interval"]))
    text += f" {'' if aim is None else f'<= {aim}':>7}"
    text += f" {number(had['latency_50_us'], '{:.0f}'):>8} {number(had['latency_99_us'], '{:.0f}'):>8}"
    missing = had["sent"] - had["accepted"] - had["again"]
    if had["refused"]:
        text += f"   {had['refused']} REFUSED, the last with status {had['refused_status']}"
    print(text + (f"   {missing} of {had['sent']} NOT ACCEPTED" if missing else ""))


def show(x):
    print(f"\n{x['nodes']:,} nodes, data path {x['datapath']}")
    print(f"  {'CPU time per update, us':<34} {'dmip6-had':>8} {'referen.':>8} {'ratio':>7}"
          f"   {'95 %':>13} {'aim':>7} {'50 % us':>8} {'99 % us':>8}")
    row(f"first registration, window {WINDOW}", x["first"])
    for window in (WINDOW, 1):
        row(f"move, window {window}", x[f"move_{window}"], aim=1.5)
        row(f"refresh, window {window}", x[f"refresh_{window}"], aim=0.4)
    row(f"de-registration, window {WINDOW}", x["deregister"])
    for what, calls in x.get("syscalls", {}).items():
        if calls:
            print(f"  system calls per {what}: "
                  + ", ".join(f"{n} {v:g}" for n, v in calls.items() if v >= 0.05))
    m = x["memory"]
    print(f"  memory per binding, octets: user {m['user']:.0f} (aim <= 400), kernel "
          f"{m['kernel']:.0f} (aim <= 600); the daemon with leases only: "
          f"{m['user_restored'] / 2**20:.1f} MiB")
    f = x["status"]
    print(f"  status: {f['octets'] / 1e6:.1f} MB in {f['s']:.2f} s, {f['cpu_s']:.2f} s of CPU time "
          "of the daemon")
    f = x["flood"]
    for name, k in (("alone", "alone"), ("in the flood", "flooded")):
        g = f[k]
        print(f"  good updates {name:<13}: {g['accepted']} of {g['sent']} acknowledged, latency "
              f"{number(g['latency_50_us'], '{:.0f}')} us (99 %: "
              f"{number(g['latency_99_us'], '{:.0f}')}), "
              f"daemon {g['cpu_share']:.2f} of a core")
    print(f"    the flood: {f['bad']['sent'] / f['bad']['elapsed_s']:,.0f} bad updates a second")
    for name, r in x["restart"].items():
        print(f"  restart, {name:<6}: ended in {r['end_s']:.2f} s; answers {r['answers_s']:.2f} s "
              f"after the start (aim < 3) and {r['cpu_s']:.2f} s of CPU time, with {r['routes']} "
              "bindings in the kernel")
    e = x["expiry"]
    print(f"  all lifetimes end in one second: {e['bound']} bindings gone within "
          f"{number(e['took_s'], '{:.2f}')} s (aim < 3), {e['cpu_us']:.1f} us each; left: "
          f"{x['end']['bindings']} bindings, {x['end']['nexthops']} nexthops")


def load():
    with open("/proc/loadavg", encoding="ascii") as f:
        average = f.read().split()[0]
    with open("/proc/stat", encoding="ascii") as f:
        steal = int(f.readline().split()[8])
    return {"load": float(average), "steal_ticks": steal}


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--nodes", type=int, action="append",
                   help="mobile nodes (1000, 10000 and 100000, one after the other)")
    a.add_argument("--datapath", help="dmip6-had's data path; null: the protocol's cost alone")
    a.add_argument("--log-level", default="info", help="dmip6-had's (info, as it runs)")
    a.add_argument("--flood-rate", type=int, default=100000, help="bad updates a second")
    a.add_argument("--flood-seconds", type=int, default=5)
    a.add_argument("--no-strace", dest="strace", action="store_false",
                   help="do not count system calls")
    a.add_argument("--quick", action="store_true", help="1000 nodes and a short flood: a try")
    a.add_argument("--json", metavar="FILE", help="write every figure as JSON")
    a.add_argument("--proxy", action="store_true",
                   help="network mode: Proxy Binding Updates of other routers")
    a.add_argument("--quiet", action="store_true", help="no progress lines")
    o = a.parse_args()
    if o.quick:
        o.nodes, o.flood_seconds = o.nodes or [1000], 1

    def say(text):
        if not o.quiet:
            print(text, file=sys.stderr, flush=True)
    result = {"schema": 1, "kernel": os.uname().release, "cores": os.cpu_count(),
              "before": load(), "runs": []}
    try:
        for nodes in o.nodes or [1000, 10000, 100000]:
            with (ProxyBench if o.proxy else Bench)(o.bindir, o) as bench:
                bench.build()
                result["runs"].append((measure_proxy if o.proxy else measure)(bench, nodes, say))
    except LabError as e:
        print(f"registration: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        return 128 + e.signum
    result["after"] = load()
    for x in result["runs"]:
        (show_proxy if o.proxy else show)(x)
    print(f"\nLinux {result['kernel']}, {result['cores']} cores; load average "
          f"{result['before']['load']} before, {result['after']['load']} after")
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
