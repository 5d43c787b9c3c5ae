#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long a handover takes, beside the least that it can take.

    handover.py --bindir DIR [--anchors 1,4,8] [--delays 0,5,25] [--moves N] [--json FILE]

A mobile node has one flow at each of its anchors and moves to and fro between two other routers;
a probe a millisecond each way on each flow tells how long it was silent. A wire in user space
(handover_wire) lies between those routers and the anchors: 0, 5 and 25 ms one way. Cases: break
before make with one interface, sending or silent; the first Binding Update of each anchor lost;
a tenth of the signalling lost; two interfaces: the better one comes, and both work (make before
break), or it goes, and the other has been there. In the same network then the
floor (handover_floor): two programs that know everything beforehand, and make the same changes
to the kernels after exactly one round trip. The figure that counts is the ratio.

A gap is the silence of a flow, seen where it ends, without the time until the mobile node's kernel
tells of a link again; of several flows the longest. It contains one interval of the probes. A later
silence counts too if probes were lost in it; otherwise it was the machine that paused. A benchmark:
it never fails because of a time. On a machine that others use too, --realtime gives all programs
of the benchmark, the daemons among them, the processor first.
"""

import argparse
import json
import os
import random
import statistics
import struct
import sys
from bisect import bisect_left

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
from handover_net import INTERFACES, VISITED, Net, Tool
from lab import CN, Interrupted, LabError, mono, wait_for

SEEN = struct.Struct("=qIHH")           # handover_probe.c: struct seen
PROBE, RS, RA, BU, BA, LINK, COA = range(7)
PHASES = (("link", LINK), ("rs", RS), ("ra", RA), ("coa", COA), ("bu", BU), ("ba", BA))
WARM_UP = 3                             # moves that are not counted: the path gets known
PROBATION = 5.0                         # mn-agent/handover.c: an interface that was lost waits
DEAD = 0.2                              # without a packet for so long at the end it is dead
EARLY = 0.05                            # what was sent this long before may be lost by the move
KINDS = ("sending", "silent", "first", "loss", "two", "spare")
BETTER, OTHER = INTERFACES


class Case:
    """kind: sending, silent; first: sending, the first Binding Update is lost; loss: sending, a
    tenth of the Mobility Headers is lost; two: sending, the better of two interfaces comes;
    spare: sending, it goes, and the other is there."""

    def __init__(self, anchors, delay, kind, floor=False):
        self.anchors, self.delay, self.kind, self.floor = anchors, delay, kind, floor
        self.moves = []                 # {"down": t, "up": t, "end": t}

    def rtt(self):
        return 2 * self.delay

    def aim(self):
        """(median, maximum) in ms of the longer gap; None: there is no aim."""
        rtt = self.rtt()
        if self.kind in ("sending", "silent"):
            return rtt + 5, 1.3 * rtt + 15
        if self.kind == "first":
            return None, 2.5 * rtt + 15
        return None, None


# ---- the moves ---------------------------------------------------------------------------

def pause(case):
    """Long enough for every answer, and three updates a second are never reached."""
    least = 1.3 if case.kind in ("first", "loss") else 0.4
    wait_for(lambda: False, least + 0.006 * case.delay + random.random() * 0.1)


def break_before_make(net, case, ready):
    n = VISITED[VISITED[0] == net.at]
    ready(n)
    if case.kind == "first":
        net.wire.order("first")
    down, up = net.go(n)
    case.moves.append({"down": down, "up": up})


def both_ways(net, two, spare):
    """From the better interface to the other one and back."""
    net.carrier_on(OTHER, VISITED[VISITED[0] == net.at])
    pause(two)
    down = net.carrier_off(BETTER)
    spare.moves.append({"down": down, "up": down})
    pause(spare)
    spare.moves[-1]["end"] = mono()
    two.moves.append({"up": net.carrier_on(BETTER, VISITED[VISITED[0] == net.at])})
    wait_for(lambda: False, PROBATION + 0.5 + 0.008 * two.delay)
    two.moves[-1]["down"] = net.carrier_off(OTHER)
    pause(two)
    two.moves[-1]["end"] = mono()


def run_case(net, case, moves, ready):
    for i in range(moves + WARM_UP):
        break_before_make(net, case, ready)
        pause(case)
        case.moves[-1]["end"] = mono()
        if i < WARM_UP:
            case.moves.pop()


def run_cases(net, cases, moves, probe, ready, say):
    for case in cases:
        net.wire.order(f"delay {case.delay * 1000}")
        net.wire.order(f"loss {10 if case.kind == 'loss' else 0}")
        probe.order(f"send {int(case.kind != 'silent')}")
        if case.kind == "two":
            spare = next(c for c in cases if (c.kind, c.delay) == ("spare", case.delay))
            for _ in range(max(moves // 4, 3)):
                both_ways(net, case, spare)
        elif case.kind != "spare":
            run_case(net, case, moves, ready)
        say(f"{case.anchors} anchors, {case.delay} ms, {case.kind}"
            + ", the floor" * case.floor)


def flow_starts(probe, n, source="-"):
    probe.order(f"flow {n} {CN[1]} {source}")


def with_daemons(net, cases, moves, say):
    for n in net.routers:
        net.start_had(n)
    net.start_mnd()
    cn = Tool(net, "cn", "handover_probe", net.path("cn.seen"), "cn")
    mn = Tool(net, "mn", "handover_probe", net.path("mn.seen"), "mn", *INTERFACES)
    for n in net.anchors:
        net.go(n)
        net.attached(n)
        flow_starts(mn, n)
        wait_for(lambda: False, 0.3)
    net.go(VISITED[0])
    wait_for(lambda: all_bound(net), 10.0, 0.05)
    run_cases(net, cases, moves, mn, lambda n: None, say)
    status = net.status("mn")
    if not all_bound(net):
        raise LabError(f"not all anchors are bound at the end: {status['health']}")
    return mn, cn


def all_bound(net):
    states = [a["state"] for a in (net.status("mn") or {"anchors": []})["anchors"]]
    return states.count("bound") == len(net.anchors)


def with_floor(net, cases, moves, say):
    floor, _ = net.start_floor()
    macs = {n: net.mac_of(f"ar{n}", "acc0") for n in VISITED}

    def ready(n):
        floor.order(f"next wlan0 {net.care_of(n)} fe80::a {macs[n]}")
    cn = Tool(net, "cn", "handover_probe", net.path("cn.seen"), "cn")
    mn = Tool(net, "mn", "handover_probe", net.path("mn.seen"), "mn", *INTERFACES)
    ready(VISITED[0])
    net.go(VISITED[0])
    wait_for(lambda: False, 0.5)
    for n in net.anchors:
        flow_starts(mn, n, net.home_address(n))
    wait_for(lambda: False, 0.5)
    run_cases(net, cases, moves, mn, ready, say)
    return mn, cn


# ---- what was seen -------------------------------------------------------------------------

class Seen:
    """What one end wrote down."""

    def __init__(self, path):
        self.events = {kind: [] for _, kind in PHASES}
        self.times, self.seqs = {}, {}
        with open(path, "rb") as f:
            data = f.read()
        for at, seq, flow, kind in SEEN.iter_unpack(data):
            if kind == PROBE:
                self.times.setdefault(flow, []).append(at / 1e6)
                self.seqs.setdefault(flow, []).append(seq)
            else:
                self.events[kind].append(at / 1e6)

    def lost(self, flow, start, end):
        """Probes that never came, of those between what came last before start and end."""
        times, seqs = self.times[flow], self.seqs[flow]
        i, j = bisect_left(times, start), bisect_left(times, end)
        if i == 0 or j <= i:
            return None
        first, last = max(seqs[max(i - 100, 0):i]), max(seqs[i:j])
        return last - first - sum(first < s <= last for s in set(seqs[max(i - 100, 0):j + 100]))

    def gap(self, flow, start, up, end):
        """The longest silence that reaches over the time `up`, or begins between start and end
        and in which something was lost. None: there was nothing any more at the end."""
        times, seqs = self.times[flow], self.seqs[flow]
        i, j = bisect_left(times, start), bisect_left(times, end)
        longest = 0.0
        for k in range(max(i, 1), j):
            before = times[k - 1]
            if before < up <= times[k] or (before > start and seqs[k] > seqs[k - 1] + 1):
                longest = max(longest, times[k] - before)
        return longest if j > i and end - times[j - 1] < DEAD else None

    def first(self, flow, start):
        i = bisect_left(self.times[flow], start)
        return self.times[flow][i] if i < len(self.times[flow]) else None


def row_of(case, move, mn, cn):
    """One move's figures; times in ms."""
    linkless, start = 0.0, min(move["up"], move["down"])
    if case.kind not in ("two", "spare"):
        told = since(mn.events[LINK], move["up"], move["end"]) or 0.0
        linkless = move["up"] - move["down"] + told / 1e3
    row = {"linkless": round(linkless * 1e3, 2)}
    for way, end in (("up", cn), ("down", mn)):
        if way == "up" and case.kind == "silent":
            row["gap_up"] = row["lost_up"] = None
            continue
        gaps = [end.gap(f, start, move["up"], move["end"]) for f in end.times]
        lost = [end.lost(f, start - EARLY, move["end"] - EARLY) for f in end.times]
        row[f"gap_{way}"] = None if None in gaps else round((max(gaps) - linkless) * 1e3, 2)
        row[f"lost_{way}"] = None if None in lost else sum(lost)
    for name, kind in PHASES:
        times = mn.events[kind]
        row[name] = since(times, move["up"], move["end"])
    i, j = (bisect_left(mn.events[BU], t) for t in (move["up"], move["end"]))
    row["updates"] = j - i
    row["bu_last"] = since(mn.events[BU][i + case.anchors - 1:i + case.anchors], move["up"],
                           move["end"])
    if case.kind != "two":              # else there is always one that still came the old way
        row["first_down"] = since([min(mn.first(f, move["up"]) for f in mn.times)], move["up"],
                                  move["end"])
    return row


def since(times, up, end):
    i = bisect_left(times, up)
    return round((times[i] - up) * 1e3, 2) if i < len(times) and times[i] < end else None


def summary(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    if not values:
        return None
    return {"n": len(values), "median": round(statistics.median(values), 2),
            "max": round(max(values), 2)}


def figures(case, mn, cn):
    rows = [row_of(case, m, mn, cn) for m in case.moves]
    for r in rows:
        gaps = [r["gap_down"]] if case.kind == "silent" else [r["gap_up"], r["gap_down"]]
        r["gap"] = None if None in gaps else max(gaps)
    keys = ("gap", "gap_up", "gap_down", "lost_up", "lost_down", "linkless", "updates",
            "bu_last", "first_down", *(name for name, _ in PHASES))
    out = {"anchors": case.anchors, "delay_ms": case.delay, "kind": case.kind,
           "floor": case.floor, "moves": len(rows),
           **{k: summary(rows, k) for k in keys}, "rows": rows}
    out["dead"] = sum(r["gap"] is None for r in rows)
    median, most = case.aim()
    gap = out["gap"]
    if gap and not case.floor and not (median is None and most is None):
        out["aim"] = {"median": median, "max": most,
                      "met": (median is None or gap["median"] <= median)
                      and gap["max"] <= most and out["dead"] == 0}
    if case.kind == "two":
        lost = sum((r["lost_up"] or 0) + (r["lost_down"] or 0) for r in rows)
        out["aim"] = {"lost": 0, "met": lost == 0}
    return out


def measure(options, anchors, cases, run, say):
    with Net(options.bindir, anchors, options) as net:
        net.build()
        mn, cn = run(net, cases, options.moves, say)
        mn.end()
        cn.end()
        mn, cn = Seen(net.path("mn.seen")), Seen(net.path("cn.seen"))
        return [figures(c, mn, cn) for c in cases]


# ---- for people ------------------------------------------------------------------------------

def two(s):
    return f"{s['median']:8.1f}{s['max']:8.1f}" if s else f"{'-':>8}{'-':>8}"


def rounds(case, s):
    return f"{s['median'] / (2 * case['delay_ms']):6.2f}" if s and case["delay_ms"] else "     -"


def show(result):
    print("\nGap in ms (median, maximum), in round trips of the path, probes lost; beside the floor")
    print(f"{'anchors':>7} {'delay':>5} {'case':<8}{'up':>8}{'max':>8}{'down':>8}{'max':>8}"
          f"{'RTTs':>6}{'lost up':>9}{'down':>6}{'floor':>8}{'ratio':>7}  aim")
    for c in result["cases"]:
        if c["floor"]:
            continue
        lost = [f"{c[k]['median']:.0f}" if c[k] else "-" for k in ("lost_up", "lost_down")]
        floor = f"{c['floor_gap']:8.1f}{c['ratio']:7.2f}" if c.get("ratio") else f"{'-':>8}{'-':>7}"
        aim = c.get("aim")
        met = "" if aim is None else "met" if aim["met"] else "NOT MET"
        dead = f"  {c['dead']} moves never ended" if c["dead"] else ""
        print(f"{c['anchors']:>7} {c['delay_ms']:>5} {c['kind']:<8}{two(c['gap_up'])}"
              f"{two(c['gap_down'])}{rounds(c, c['gap_down'])}{lost[0]:>9}{lost[1]:>6}{floor}  "
              f"{met}{dead}")
    print("\nSteps, ms after link up (medians): link seen by the kernel, solicitation, advertisement,"
          "\ncare-of address, first and last Binding Update of the anchors, first Acknowledgement, first"
          "\npacket down; how many updates were sent")
    print(f"{'anchors':>7} {'delay':>5} {'case':<8}" + "".join(f"{h:>7}" for h in (
        "link", "RS", "RA", "CoA", "BU", "last", "BA", "down", "BUs")))
    for c in result["cases"]:
        name = "floor" if c["floor"] and c["kind"] == "sending" else c["kind"]
        if c["floor"] and c["kind"] != "sending":
            continue
        print(f"{c['anchors']:>7} {c['delay_ms']:>5} {name:<8}" + "".join(
            f"{c[k]['median']:7.1f}" if c[k] else f"{'-':>7}" for k in (
                "link", "rs", "ra", "coa", "bu", "bu_last", "ba", "first_down", "updates")))


def add_ratios(cases):
    floors = {(c["anchors"], c["delay_ms"], c["kind"]): c["gap"] for c in cases if c["floor"]}
    for c in cases:
        kind = c["kind"] if c["kind"] == "silent" else "sending"
        floor = floors.get((c["anchors"], c["delay_ms"], kind))
        if not c["floor"] and floor and c["gap"] and c["kind"] not in ("two", "spare"):
            c["floor_gap"] = floor["median"]
            c["ratio"] = round(c["gap"]["median"] / floor["median"], 3)


def numbers(text):
    return [int(x) for x in text.split(",")]


def options_of(argv):
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--moves", type=int, default=20, help="of each case (20)")
    a.add_argument("--anchors", type=numbers, default=[1, 4, 8], help="how many (1,4,8)")
    a.add_argument("--delays", type=numbers, default=[0, 5, 25], help="ms, one way (0,5,25)")
    a.add_argument("--cases", type=lambda t: t.split(","), default=list(KINDS),
                   help="of " + ",".join(KINDS))
    a.add_argument("--datapath", help="of the daemons")
    a.add_argument("--care-of-test", choices=("yes", "no"), default="yes",
                   help="of the home agents (yes)")
    a.add_argument("--quick", action="store_true", help="one anchor, 5 ms, three moves")
    a.add_argument("--realtime", action="store_true", help="the processor first for all of it")
    a.add_argument("--no-floor", action="store_true", help="without the floor")
    a.add_argument("--json", metavar="FILE", help="write every figure as JSON")
    a.add_argument("--quiet", action="store_true", help="no progress lines")
    o = a.parse_args(argv)
    if o.quick:
        o.anchors, o.delays, o.moves = [1], [5], 3
    if "two" in o.cases or "spare" in o.cases:
        o.cases = [c for c in o.cases if c not in ("two", "spare")] + ["two", "spare"]
    if any(c not in KINDS for c in o.cases) or max(o.anchors) > 8 or min(o.anchors) < 1:
        a.error("there is no such case")
    return o


def run_all(o, out, say):
    """Every case; what has been measured is in out, also if something fails."""
    if o.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(9))
    for n in o.anchors:
        out += measure(o, n, [Case(n, d, k) for d in o.delays for k in o.cases], with_daemons,
                       say)
        kinds = [k for k in ("sending", "silent") if k in o.cases or k == "sending"]
        if not o.no_floor:
            out += measure(o, n, [Case(n, d, k, True) for d in o.delays for k in kinds],
                           with_floor, say)


def main():
    o = options_of(None)

    def say(text):
        if not o.quiet:
            print(text, file=sys.stderr, flush=True)
    result = {"schema": 1, "unit": "ms", "moves": o.moves, "realtime": o.realtime, "cases": []}
    code = 0
    try:
        run_all(o, result["cases"], say)
    except LabError as e:
        print(f"handover: {e}", file=sys.stderr)
        code = 1
    except Interrupted as e:
        return 128 + e.signum
    add_ratios(result["cases"])
    show(result)
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
