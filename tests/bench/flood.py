#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What bad messages cost a home agent, and what they cost the good ones beside them.

    flood.py --bindir DIR [--rate N] [--seconds N] [--rounds N] [--quick] [--json FILE]

First each kind alone, as fast as it can be sent: processor time of dmip6-had for one message,
and so how many a second one core takes; beside it the same for a good Binding Update (a
refresh). Then good updates at a modest rate, alone and beside a flood of all kinds at --rate a
second, in turns: how many are acknowledged, and how late. Processor time is by the scheduler's
own account, as in registration.py, with the same that it has not: putting a packet into the
daemon's socket is work of the soft interrupt. A benchmark: it never fails because of a time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import registration
from registration import Bench, LabError, Interrupted, load, mono, number, percentile, prefill

# pylint: disable=wrong-import-position
import flooding

NODES = 1000
GOOD_RATE = 200
ELSEWHERE = "2001:db8:ffff:fffe::1"     # no address of the home agent's


def victim(generation):
    """Home and care-of address of node 0: registration.h has the rule."""
    return "2001:db8:0:1:200:ff:fe00:1", f"3fff:0:{generation:x}::1"


class Sender:
    """A process of flood_gen in the generator's namespace."""

    count = 0

    def __init__(self, bench, packets, rate, seconds):
        Sender.count += 1
        self.bench, self.name = bench, f"sender{Sender.count}"
        path = bench.write(f"{self.name}.packets", "".join(
            f"{name} {mode} {packet.hex()}\n" for name, (mode, packet, _) in packets.items()))
        # pylint: disable=consider-using-with
        self.p = subprocess.Popen(
            ["ip", "netns", "exec", bench.ns("gen"), bench.bin("tests/bench/flood_gen"), "ha",
             registration.MAC["ha"], str(rate), str(seconds), path],
            stdout=subprocess.PIPE, text=True)
        bench.children[self.p.pid] = self.name
        bench.procs[self.name] = self.p
        bench.pin(self.p.pid, set(bench.others))
        if self.p.stdout.readline() != "ready\n":
            raise LabError("flood_gen does not begin")

    def result(self):
        out = json.loads(self.p.stdout.readline())
        self.bench.wait(self.p.pid)
        self.bench.procs.pop(self.name)
        return out


def counters(bench):
    return bench.status("ha")["counters"]


def kinds(bench):
    hoa, coa = victim(bench.generation)
    out = flooding.of_updates(hoa, registration.HOME_AGENT, coa)
    elsewhere = flooding.signed_wrong(hoa, ELSEWHERE, flooding.STRANGER)
    return {"to-another-address": ("as-is", elsewhere, "rx-mh-elsewhere"), **out}


def alone(bench, seconds):
    """Processor time of one message of each kind."""
    out = {}
    for name, packet in kinds(bench).items():
        bench.settle("had")
        before, used = counters(bench), bench.cpu("had")
        sent = Sender(bench, {name: packet}, 0, seconds).result()
        bench.settle("had")
        used = bench.cpu("had") - used
        now = counters(bench)
        moved = {k: v - before.get(k, 0) for k, v in now.items() if v != before.get(k, 0)}
        read = moved.get("rx-mh", 0) + (moved.get("home-address-unbound", 0)
                                        if name == "home-address" else 0)
        out[name] = {"sent_per_second": sent["total"] / sent["elapsed_s"], "read": read,
                     "sent": sent["total"], "lost": moved.get("packets-lost", 0),
                     "limited": moved.get("bu-limited", 0), "cpu_s": used,
                     "us": used / read * 1e6 if read else used / sent["total"] * 1e6}
    return out


def good(bench, generator, count):
    """Refreshes, as fast as they are answered: processor time of one."""
    bench.settle("had")
    used = bench.cpu("had")
    bench.seq += 1
    got = generator.update(NODES, 0, count, bench.seq, bench.generation)
    bench.settle("had")
    return {"us": (bench.cpu("had") - used) / got["sent"] * 1e6,
            "per_second": got["sent"] / got["elapsed_s"]}


def beside(bench, generator, rate, seconds):
    """One round: good updates, with a flood (rate > 0) or without."""
    bench.seq += 1
    bench.generation += 1
    sender = Sender(bench, kinds(bench), rate, seconds + 2) if rate else None
    if sender:
        time.sleep(0.5)
    used, began = bench.cpu("had"), mono()
    got = generator.update(NODES, 0, min(NODES, GOOD_RATE * seconds), bench.seq, bench.generation,
                           registration.LIFETIME, 0, GOOD_RATE)
    out = {"sent": got["sent"], "accepted": got["accepted"],
           "cpu_share": (bench.cpu("had") - used) / (mono() - began),
           "latency_50_us": percentile(got["latency_us"], 50),
           "latency_99_us": percentile(got["latency_us"], 99)}
    if sender:
        bad = sender.result()
        out["bad_per_second"] = bad["total"] / bad["elapsed_s"]
    return out


def measure(bench, o, say):
    out = {"datapath": prefill(bench, NODES), "nodes": NODES}
    bench.start_daemon(NODES)
    generator = bench.generator("ha")
    bench.seq += 1
    bench.generation += 1
    generator.update(NODES, 0, NODES, bench.seq, bench.generation)
    out["good"] = good(bench, generator, NODES)
    say("each kind alone")
    out["kinds"] = alone(bench, o.kind_seconds)
    out["rounds"] = []
    bench.pin(generator.p.pid, set(bench.others) | {bench.core})
    for i in range(o.rounds):
        say(f"round {i + 1} of {o.rounds}")
        out["rounds"].append({"alone": beside(bench, generator, 0, o.seconds),
                              "flooded": beside(bench, generator, o.rate, o.seconds)})
    out["counters"] = counters(bench)
    out["memory_kb"] = flooding.memory(bench, "had")
    return out


# ---- the figures -------------------------------------------------------------------------

def show(x, o):
    per = x["good"]["us"]
    print(f"{x['nodes']} bound nodes, data path {x['datapath']}\n")
    print(f"  {'processor time of one message':<32} {'us':>7} {'one core, a second':>19} "
          f"{'of a refresh':>13}")
    print(f"  {'a refresh, acknowledged':<32} {per:>7.2f} {1e6 / per:>19,.0f} {1.0:>13.2f}")
    for name, k in x["kinds"].items():
        note = f"   {k['limited'] / k['read']:.0%} not computed" if k["limited"] else ""
        if not k["read"]:
            note = "   not one of them was read"
        rate = f"{1e6 / k['us']:,.0f}" if k["read"] and k["us"] else "-"
        print(f"  {name:<32} {k['us']:>7.2f} {rate:>19} {k['us'] / per:>13.2f}{note}")
    print(f"\n  {'good updates, ' + str(GOOD_RATE) + ' a second':<32} {'alone':>10} "
          f"{'flooded':>10} {'ratio':>7}")
    rounds = x["rounds"]

    def row(what, key, form, factor=1.0):
        a, f = ([r[k][key] * factor for r in rounds] for k in ("alone", "flooded"))
        ratio = statistics.median(y / x for x, y in zip(a, f) if x)
        print(f"  {what:<32} {format(statistics.median(a), form):>10} "
              f"{format(statistics.median(f), form):>10} {number(ratio, '{:.2f}'):>7}")
    for r in rounds:
        for k in r.values():
            k["share"] = k["accepted"] / k["sent"]
    row("acknowledged", "share", ".1%")
    row("latency, 50 %, us", "latency_50_us", ".0f")
    row("latency, 99 %, us", "latency_99_us", ".0f")
    row("daemon, of a core", "cpu_share", ".2f")
    bad = statistics.median(r["flooded"]["bad_per_second"] for r in rounds)
    print(f"  the flood: {bad:,.0f} bad messages a second of all kinds, {o.rate:,} asked for; "
          f"{x['counters'].get('packets-lost', 0)} packets not read in all; the daemon has "
          f"{x['memory_kb']} kB")


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--rate", type=int, default=100000, help="bad messages a second")
    a.add_argument("--seconds", type=int, default=5, help="of good updates in a round")
    a.add_argument("--kind-seconds", type=int, default=3, help="of each kind alone")
    a.add_argument("--rounds", type=int, default=5)
    a.add_argument("--datapath", help="dmip6-had's data path")
    a.add_argument("--log-level", default="info", help="dmip6-had's (info, as it runs)")
    a.add_argument("--quick", action="store_true", help="a try")
    a.add_argument("--json", metavar="FILE", help="write every figure as JSON")
    a.add_argument("--quiet", action="store_true", help="no progress lines")
    o = a.parse_args()
    if o.quick:
        o.rounds, o.seconds, o.kind_seconds = 1, 2, 1

    def say(text):
        if not o.quiet:
            print(text, file=sys.stderr, flush=True)
    before = load()
    try:
        with Bench(o.bindir, o) as bench:
            bench.build()
            x = measure(bench, o, say)
    except LabError as e:
        print(f"flood: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        return 128 + e.signum
    show(x, o)
    after = load()
    print(f"\nLinux {os.uname().release}, {os.cpu_count()} cores; load average {before['load']} "
          f"before, {after['load']} after")
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump({"schema": 1, "kernel": os.uname().release, "cores": os.cpu_count(),
                       "before": before, "after": after, **x}, f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
