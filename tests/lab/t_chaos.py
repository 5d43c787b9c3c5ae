#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6-had is killed, stopped, restarted and replaced at random while a host moves.

What must hold all the time: flows live; what is known before an end is known after the next
start; the kernel has what the bindings say, once; a prefix stays its host's; and where
neither a move nor a stop explains it no packet is lost. SEED=N repeats a run, TEST_LONG=1
takes ten times as long.
"""

import collections
import ipaddress
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import capture
import flows
import measure
import t_cleanup
import tap
from lab import ARS, Lab, LabError, anchor_of, mono, wait_for
from play import Play, wait_released

SECONDS = 200 if os.environ.get("TEST_LONG") else 20
ENDS = {                        # how a daemon ends; whether the kernel goes on without it
    "killed": (signal.SIGKILL, True),
    "restarted": (signal.SIGUSR1, True),
    "upgraded": (signal.SIGUSR1, True),
    "stopped": (signal.SIGTERM, False),
}
ECHO_REQUEST, ECHO_REPLY = 128, 129
SETTLE = 20.0                   # for retransmissions to a daemon that was away


def known(lab, n):
    """What the daemon of ARn knows and must not forget."""
    s = lab.status(f"ar{n}")
    return {"bindings": sorted((b["hoa"], b["coa"], b["sequence"], b["mn"], b["prefix"])
                               for b in s["bindings"] if b["state"] == "bound"),
            "leases": sorted((x["prefix"], x["mn"]) for x in s["leases"])}


def address(text):
    """As ip(8) and nft(8) write it: nft has a payload field as one number."""
    return str(ipaddress.IPv6Address(int(text, 16) if text.startswith("0x") else text))


def elements(text):
    """Of a set: its elements as lists of addresses."""
    m = re.search(r"elements = \{(.*?)\}", text, re.S)
    return [[address(a) for a in re.sub(r" counter.*", "", e.strip()).split(" . ")]
            for e in (m.group(1).split(",") if m else [])]


def kernel(lab, n):
    """The tunnels that the kernel of ARn has: routes, nexthops and filter elements."""
    def remote(line):
        m = re.search(r"segs 1 \[ (\S+) \]|encap ip6 .*\bdst (\S+)", line)
        return address(m.group(1) or m.group(2))
    box = f"ar{n}"
    routes = [x for x in lab.run(box, "ip", "-6", "route", "show", "proto", "77").stdout
              .splitlines() if "encap" in x]
    nexthops = [x for x in lab.run(box, "ip", "-6", "nexthop", "show", "proto", "77").stdout
                .splitlines() if "encap" in x]
    sets = {s: elements(lab.run(box, "nft", "list", "set", "inet", "dmip6_ha", s).stdout)
            for s in ("rx", "tx")}
    return {"routes": sorted((address(x.split()[0]), remote(x)) for x in routes),
            "nexthops": sorted(remote(x) for x in nexthops),
            "rx": sorted((inner, outer) for outer, inner in sets["rx"]),
            "tx": sorted(x for x, in sets["tx"])}


def wanted(lab, n):
    """The same, by what the daemon says."""
    pairs = [(b[0], b[1]) for b in known(lab, n)["bindings"]]
    k = kernel(lab, n)
    return {"routes": pairs, "rx": pairs, "tx": [hoa for hoa, _ in pairs],
            # Routes of ip6tnl need no nexthop of their own.
            "nexthops": sorted(coa for _, coa in pairs) if k["nexthops"] or not pairs
            or any("nhid" in x for x in lab.kernel_state(f"ar{n}")["routes"]) else []}


class Chaos:
    def __init__(self, lab, play, rand):
        self.lab, self.play, self.rand = lab, play, rand
        self.anchors = set()            # where flows began
        self.quiet = []                 # (from, to, what): no packet may be lost
        self.owner = {}                 # prefix -> host, of all that was ever seen
        self.faults = []
        self.counts = dict.fromkeys(ENDS, 0)
        self.program = {n: 0 for n in ARS}
        self.states = []                # of the kernels, when something did not work
        self.story = []                 # (when, what)

    def settled(self):
        """Every anchor sends to where the MN is."""
        for n in ARS:
            s = self.lab.status(f"ar{n}")
            if s is None:
                return False
            bound = [b for b in s["bindings"] if b["state"] == "bound"]
            away = n in self.anchors and n != self.lab.at
            if len(bound) != away or (away and anchor_of(bound[0]["coa"]) != self.lab.at):
                return False
        mn = self.lab.status("mn")
        return mn is not None and all(a["state"] in ("bound", "attached") for a in mn["anchors"])

    def settle(self, after):
        if not wait_for(self.settled, SETTLE, 0.02):
            raise LabError(f"{after}: after {SETTLE:g} s the anchors do not send to AR"
                           f"{self.lab.at}: { {n: self.lab.status(f'ar{n}') for n in ARS} }; "
                           f"the MN: {self.lab.status('mn')}")
        for n in ARS:
            for prefix, mn in known(self.lab, n)["leases"]:
                if self.owner.setdefault(prefix, mn) != mn:
                    self.faults.append(f"{after}: {prefix} passed from {self.owner[prefix]} "
                                       f"to {mn}")
            # A message of the daemon's may come before its last change of the kernel.
            if not wait_for(lambda n=n: wanted(self.lab, n) == kernel(self.lab, n), 2.0, 0.05):
                self.faults.append(f"{after}: AR{n} wants {wanted(self.lab, n)}, its kernel has "
                                   f"{kernel(self.lab, n)}")
        for flow, cn in self.play.cn_of.items():
            told = self.play.started.get(flow)
            # Nobody's timer: the correspondent asks, the host's kernel answers.
            if told and not wait_for(lambda c=cn, a=told["source"]: self.answers(c, a), 3.0):
                self.faults.append(f"{after}: flow {flow}'s {told['source']} does not answer")
                self.states.append(self.look(told["source"]))

    def look(self, source):
        """The kernels, and which way each of them has for an address."""
        boxes = ("core", "cn1", "cn2", "mn", *(f"ar{n}" for n in ARS))
        return {b: {**self.lab.kernel_state(b), "way": self.lab.run(
            b, "sh", "-c", f"ip -6 route get {source}; ip -6 route show cache; ip -6 neigh"
            ).stdout.splitlines()} for b in boxes}

    def answers(self, cn, source):
        def echo():
            with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
                s.settimeout(0.2)
                s.sendto(struct.pack("!BBHI", ECHO_REQUEST, 0, 0, 0), (source, 0))
                try:
                    while True:
                        data, peer = s.recvfrom(2048)
                        if peer[0] == source and data[0] == ECHO_REPLY:
                            return True
                except TimeoutError:
                    return False
        return self.lab.inside(f"cn{cn}", echo)

    def end(self, n, how):
        """The daemon of ARn ends and begins again."""
        lab = self.lab
        self.story.append((mono(), f"AR{n} {how}"))
        code = lab.kill(f"ar{n}", ENDS[how][0], 15.0)
        if code != (0 if how != "killed" else -signal.SIGKILL):
            self.faults.append(f"AR{n} {how}: it ended with {code}: "
                               + lab.log(f"ar{n}").strip()[-600:])
        time.sleep(self.rand.choice((0, 0, 0.02, 0.1, 0.5)))
        command = lab.had_command(n)
        if how == "upgraded":
            self.program[n] += 1
            command[0] = lab.path(f"dmip6-had-{n}.{self.program[n]}")
            shutil.copy(lab.bin("dmip6-had"), command[0])
        lab.popen(f"ar{n}", f"ar{n}", command)
        lab.wait_ready(f"ar{n}")
        self.story.append((mono(), f"AR{n} ready"))
        self.counts[how] += 1

    def calm(self, n, how):
        """An end while nothing else happens."""
        what = f"AR{n} {how}"
        before, tunnels, began = known(self.lab, n), kernel(self.lab, n), mono()
        self.end(n, how)
        after = known(self.lab, n)
        if after != before:
            self.faults.append(f"{what}: it knew {before}, now {after}")
        if kernel(self.lab, n) != tunnels:
            self.faults.append(f"{what}: its kernel had {tunnels}, now {kernel(self.lab, n)}")
        time.sleep(0.05)
        if ENDS[how][1]:
            self.quiet.append((began, mono(), what))
        self.settle(what)

    def storm(self, n, how):
        """An end in the middle of a move."""
        to = self.rand.choice([x for x in ARS if x != self.lab.at])
        self.story.append((self.play.move(to)["up"], f"move to AR{to}"))
        time.sleep(self.rand.choice((0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.02)))
        self.end(n, how)
        self.settle(f"AR{n} {how} in a move to AR{to}")

    def step(self):
        how = self.rand.choice(("killed", "killed", *ENDS))
        n = self.rand.choice(ARS)
        (self.calm if self.rand.random() < 0.5 else self.storm)(n, how)


def silences(run):
    """When nothing of a flow came for a while, and where it was seen: [(when, what)]."""
    out = []
    for f in run.mobile:
        for way, here, there in ((flows.UP, run.mobile[f], run.correspondent[f]),
                                 (flows.DOWN, run.correspondent[f], run.mobile[f])):
            name = f"flow {f} {('up', 'down')[way]}"
            times = [t for _, t in there["udp_received"]] + here["udp_sent"][-1:]
            out += [(a, f"{name}: silent for {b - a:.3f} s{seen(run, f, way, a, b)}")
                    for a, b in zip(times, times[1:]) if b - a > 0.1]
            if there["tcp_error"] and there["tcp_received"]:
                out.append((there["tcp_received"][-1][0], f"{name}: last of TCP"))
    return out


def seen(run, flow, way, start, end):
    where = collections.Counter(
        f"{p.interface} {p.outer and socket.inet_ntop(socket.AF_INET6, p.outer[1])}"
        for p in run.packets if start < p.time < end and capture.flow_of(p) == (flow, way))
    return "".join(f"; {n} on {w}" for w, n in where.items())


def losses(run, quiet):
    """Probes lost while daemons ended and nothing else happened."""
    out = []
    for began, ended, what in quiet:
        for f in run.mobile:
            m, c = run.mobile[f], run.correspondent[f]
            for way, here, there in (("up", m, c), ("down", c, m)):
                gone = measure.lost(here["udp_sent"], there["udp_received"], began, ended)
                if gone:
                    out.append(f"{what}: flow {f} lost {len(gone)} {way}, from "
                               f"{here['udp_sent'][gone[0]] - began:.3f} s on")
    return out


def test_chaos(t):
    """ends at random under running flows"""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
    t.note(f"SEED={seed}")
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1, 2: 2})
        chaos = Chaos(lab, play, random.Random(seed))
        for flow in (1, 2):
            play.move(flow)
            play.begin(flow)
            chaos.anchors.add(flow)
            play.run_for(0.3)
        chaos.settle("at the beginning")
        end = mono() + SECONDS
        while mono() < end:
            chaos.step()
        t.note(", ".join(f"{k} {v}" for k, v in chaos.counts.items()) +
               f"; {len(chaos.quiet)} of them while all was quiet")
        t.equal(chaos.faults, [], "what was known is known, and the kernel has just that")
        for flow in (1, 2):
            play.end(flow)
        left = wait_released(lab, [n for n in (1, 2) if n != lab.at])
        t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
        run = play.finish()
        for f in (1, 2):
            t.equal(measure.flow_faults(run, f), [], f"flow {f} is whole")
        t.equal(losses(run, chaos.quiet), [], "no packet was lost by an end alone")
        if t.failed:
            t.note(json.dumps(chaos.states[:1], indent=1))
            for when, what in sorted(chaos.story + silences(run)):
                t.note(f"{when - play.start:8.3f} {what}")


def anchored(lab, n):
    """The MN has an address of ARn. New flows need not begin on it (lab.attached()): when the
    daemon is killed as the kernel gets an advertisement of the next router, nobody knows of
    the address that the kernel makes of it, and who comes back has both."""
    s = lab.status("mn")
    return s and any(anchor_of(a["hoa"]) == n and a["state"] == "attached" for a in s["anchors"])


def test_cleanup(t):
    """everybody killed at random, then --cleanup"""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
    rand = random.Random(seed)
    t.note(f"SEED={seed}")
    with Lab(tap.BINDIR) as lab:
        lab.build()
        wait_for(lambda: all("tentative" not in lab.run(b, "ip", "-6", "addr").stdout
                             for b in ("ar1", "ar2")), 5.0, 0.1)
        before = t_cleanup.snapshot(lab)
        for i in range(3):
            for n in (1, 2):
                lab.start_had(n)
            lab.start_mnd()
            lab.move(1)
            t.ok(wait_for(lambda: anchored(lab, 1), 20.0, 0.01), "the MN has an address of AR1")
            lab.move(2)
            time.sleep(rand.choice((0, 0.001, 0.003, 0.01, 0.3)))
            boxes = list(t_cleanup.BOXES)
            rand.shuffle(boxes)
            for box in boxes:
                lab.kill(box, signal.SIGKILL)
            for box in boxes:
                p = lab.run(box, lab.bin(t_cleanup.DAEMON[box]), "--cleanup")
                t.equal((p.returncode, p.stderr), (0, ""), f"--cleanup on {box}")
            lab.move(0)
            t_cleanup.compare(t, lab, before, f"cleaned up after kill {i + 1}")


if __name__ == "__main__":
    tap.main(test_chaos, test_cleanup)
