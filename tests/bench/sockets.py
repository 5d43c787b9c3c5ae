#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a handover costs when the mobile node has many sockets.

    sockets.py --bindir DIR [--moves N] [--counts 10,10000,100000] [--json FILE]

A mobile node with one flow from its first router moves to and fro between two others, break before
make, while a process has many TCP sockets: elsewhere, on an address that no router gave out; home,
on the flow's own address, which is away; leaving, on the address that is about to be left, of which
nothing is known yet. The sockets are established and silent (TCP_REPAIR), and have no peer. The
order of the cases is random; the figure that counts is the ratio to ten sockets at the same place
in the same run. A benchmark: it never fails because of a time.
"""

import argparse
import json
import os
import random
import resource
import signal
import socket
import statistics
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
import capture
from lab import ARS, CN, Interrupted, Lab, LabError, wait_for
from play import Play

TCP_REPAIR = 19
ELSEWHERE = "2001:db8:e::1"
PLACES = ("elsewhere", "home", "leaving")
FIRST_PORT, PORTS = 10000, 50000
FLOW, ANCHOR = 1, 1


def hold(address, first, last, tell):
    """Opens the sockets, says so, and has them until it is killed."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = []
    for n in range(first, last):
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        s.bind((address, FIRST_PORT + n % PORTS))
        s.connect((CN[2], 1000 + n // PORTS))
        sockets.append(s)
    with open(tell, "w", encoding="ascii") as f:
        f.write("ready\n")
    signal.pause()


class Sockets:
    """Processes of the MN with so many sockets on that address."""

    def __init__(self, lab, address, count):
        self.lab = lab
        self.pids = []
        each = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 64, 20000)
        for first in range(0, count, each):
            tell = lab.path("sockets.ready")
            self.pids.append(lab.spawn("sockets", "mn", hold, address, first,
                                       min(first + each, count), tell))
            if not wait_for(lambda t=tell: os.path.exists(t), 60.0, 0.02):
                raise LabError(f"{count} sockets could not be opened")
            os.unlink(tell)

    def end(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self.pids:
            try:
                self.lab.wait(pid, 60.0)
            except LabError:
                pass


def processor_ns(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0])


class Bench:
    def __init__(self, lab, play):
        self.lab, self.play = lab, play
        self.home = None
        self.rows = []                  # (place, count, number of the move, CPU in ms)

    def move(self, place, count):
        pid = self.lab.procs["mn"].pid
        before = processor_ns(pid)
        n = self.lab.at % 3 + 1
        self.play.move(n if n != ANCHOR else 2)
        wait_for(lambda: False, 0.4)
        self.rows.append((place, count, len(self.play.moves) - 1,
                          (processor_ns(pid) - before) / 1e6))
        wait_for(lambda: False, 0.3)

    def case(self, place, count, moves):
        address = {"elsewhere": ELSEWHERE, "home": self.home}.get(place)
        held = Sockets(self.lab, address, count) if address else None
        for _ in range(moves):
            if place == "leaving":
                held = Sockets(self.lab, self.lab.attached(self.lab.at), count)
            self.move(place, count)
            if place == "leaving":
                held.end()
                wait_for(self.settled, 20.0, 0.2)
        if place != "leaving":
            held.end()
            wait_for(self.settled, 20.0, 0.2)

    def settled(self):
        anchors = (self.lab.status("mn") or {"anchors": []})["anchors"]
        return [a["hoa"] for a in anchors if a["state"] != "attached"] == [self.home]


def update_sent(run, i):
    """When the first Binding Update left after the i-th move, in ms after link up."""
    up = run.moves[i]["up"]
    times = [p.time for p in run.packets if p.where == capture.MN and p.outgoing
             and p.proto == capture.MOBILITY and p.kind == capture.BU and p.time > up]
    return (min(times) - up) * 1e3 if times else None


def summary(values):
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {"median": round(statistics.median(values), 2), "max": round(max(values), 2),
            "n": len(values)}


def figures(bench, run, places, counts):
    gaps = {i: run.handover(i, FLOW) or {} for _, _, i, _ in bench.rows}
    out = []
    for place in places:
        for count in counts:
            rows = [(i, cpu) for p, c, i, cpu in bench.rows if (p, c) == (place, count)]
            case = {"place": place, "sockets": count, "moves": len(rows),
                    "update": summary([update_sent(run, i) for i, _ in rows]),
                    "gap_up": summary([gaps[i].get("gap_up_ms") for i, _ in rows]),
                    "gap_down": summary([gaps[i].get("gap_down_ms") for i, _ in rows]),
                    "processor": summary([cpu for _, cpu in rows])}
            few = next((c for c in out if c["place"] == place), case)
            for key in ("update", "gap_down"):
                case[f"{key}_ratio"] = (round(case[key]["median"] / few[key]["median"], 2)
                                        if case[key] and few[key] and few[key]["median"]
                                        else None)
            out.append(case)
    return out


def measure(o, say):
    with Lab(o.bindir, datapath=o.datapath) as lab:
        lab.build()
        lab.run("mn", "ip", "-6", "addr", "add", f"{ELSEWHERE}/128", "dev", "lo")
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {FLOW: 1})
        play.move(ANCHOR)
        bench = Bench(lab, play)
        bench.home = play.begin(FLOW)["source"]
        play.move(2)
        play.run_for(1.0)
        cases = [(p, c) for p in o.places for c in o.counts]
        random.shuffle(cases)
        for place, count in cases:
            say(f"{count} sockets, {place}")
            bench.case(place, count, o.moves)
        lost = lab.status("mn")["counters"]["flows-lost"]
        return {"schema": 1, "unit": "ms", "flows_lost": lost,
                "cases": figures(bench, play.finish(), o.places, o.counts)}


def cell(s):
    return f"{s['median']:8.1f}{s['max']:8.1f}" if s else f"{'-':>8}{'-':>8}"


def show(result):
    print("Milliseconds, median and maximum: first Binding Update after link up, silence of the"
          "\nflow each way, processor time of the daemon for a move; medians beside ten sockets'")
    print(f"{'sockets':>8} {'place':<10}{'update':>8}{'max':>8}{'up':>8}{'max':>8}{'down':>8}"
          f"{'max':>8}{'cpu':>8}{'max':>8}  update  down")
    for c in result["cases"]:
        ratios = [f"{c[k]:6.2f}" if c[k] else "     -" for k in ("update_ratio",
                                                                "gap_down_ratio")]
        print(f"{c['sockets']:>8} {c['place']:<10}{cell(c['update'])}{cell(c['gap_up'])}"
              f"{cell(c['gap_down'])}{cell(c['processor'])}  {'  '.join(ratios)}")


def options_of():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--moves", type=int, default=10, help="of each case (10)")
    a.add_argument("--counts", type=lambda t: [int(x) for x in t.split(",")],
                   default=[10, 10000, 100000], help="how many sockets (10,10000,100000)")
    a.add_argument("--places", type=lambda t: t.split(","), default=list(PLACES),
                   help="of " + ",".join(PLACES))
    a.add_argument("--datapath", help="of the daemons")
    a.add_argument("--quick", action="store_true", help="10 and 1000 sockets, two moves")
    a.add_argument("--json", metavar="FILE", help="write every figure as JSON")
    a.add_argument("--quiet", action="store_true", help="no progress lines")
    o = a.parse_args()
    if o.quick:
        o.counts, o.moves = [10, 1000], 2
    if any(p not in PLACES for p in o.places):
        a.error("there is no such place")
    return o


def main():
    o = options_of()
    try:
        result = measure(o, lambda text: o.quiet or print(text, file=sys.stderr, flush=True))
    except LabError as e:
        print(f"sockets: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        return 128 + e.signum
    show(result)
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
