#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draft figure 2 with the real daemons: flows that survive moves, and what is left after.

    demo.py --bindir DIR [--mode client|network] [--datapath NAME] [--json FILE] [--svg FILE]

In network mode it is figure 4: the host runs nothing of ours, and the routers do it all.

Flow 1 begins at AR1, flow 2 at AR2, flow 3 at AR3, each as soon as a new flow can start
there. Exit code 0: everything was as promised; 1: a sentence says what was not.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import capture
import measure
import picture
from lab import ARS, Interrupted, Lab, LabError, mono, wait_for
from network import Domain
from play import Play, wait_released

CN_OF = {1: 1, 2: 2, 3: 1}      # flow -> correspondent; flow n begins at ARn
SETTLE = 1.5                    # running before the first move
STAY = 3.0                      # at each router afterwards


class Demo:
    mode = "client"
    link = capture.MN               # where the tunnels are

    def __init__(self, lab, quiet=False):
        self.lab = lab
        self.quiet = quiet
        self.start = mono()
        self.play = None
        self.datapath = None

    def say(self, text):
        if not self.quiet:
            print(f"{mono() - self.start:6.2f} s  {text}", flush=True)

    def daemons(self):
        lab = self.lab
        for n in ARS:
            lab.start_had(n, ready=False)
        lab.start_mnd(ready=False)
        for box in ("ar1", "ar2", "ar3", "mn"):
            lab.wait_ready(box)
        self.datapath = lab.status("ar1")["datapath"]
        self.say("dmip6-had runs on AR1, AR2, AR3; dmip6-mnd on the MN; the data path is "
                 f"{self.datapath}")

    def move(self, n):
        up = self.play.move(n)["up"]
        self.say(f"the MN's link is {'put on' if n == 1 else 'moved to'} AR{n}")
        return up

    def released(self):
        """What is left of the first two anchors."""
        return wait_released(self.lab, (1, 2))

    def run(self):
        lab = self.lab
        lab.build()
        self.say("laboratory built: core, 3 access routers, 2 correspondents, 1 mobile node")
        self.daemons()
        play = self.play = Play(lab, CN_OF, self.say)
        for n in ARS:
            up = self.move(n)
            line = play.begin(n)
            self.say(f"flow {n} began at AR{n} from {line['source']}, first answer "
                     f"{(line['answered'] - up) * 1e3:.0f} ms after link up")
            play.run_for(SETTLE if n == 1 else STAY)
        for f in (1, 2):
            play.end(f)
        self.say("flows 1 and 2 have ended; waiting until their anchors are released")
        ended = mono()
        left = self.released()
        if measure.nothing_left(left.values()):
            self.say(f"everything of AR1's and AR2's anchors is gone, "
                     f"{mono() - ended:.1f} s after the flows")
        else:
            self.say("something of AR1's and AR2's anchors is still there")
        run = play.finish()
        run.link = self.link
        return run, self.judge(run, left)

    # -- the verdict -----------------------------------------------------------------------

    def judge(self, run, left):
        result = {
            "schema": 1,
            "mode": self.mode,
            "datapath": self.datapath,
            "handovers": run.handovers(),
            "flows": [self.flow_row(run, f) for f in CN_OF],
            "left": {f"AR{n}": {box: {k: len(v) for k, v in things.items()}
                                for box, things in row.items()} for n, row in left.items()},
            "left_lines": [f"AR{n}: {box}: {k}: {x}" for n, row in left.items()
                           for box, things in row.items()
                           for k, v in things.items() for x in v],
            "phases_ms": [{"from": run.moves[i - 1]["to"], "to": run.moves[i]["to"],
                           **measure.phases(run, i)} for i in range(1, len(run.moves))],
        }
        result["faults"] = self.faults(run, result)
        result["ok"] = not result["faults"]
        result["seconds"] = round(mono() - self.start, 1)
        return result

    def flow_row(self, run, f):
        up = run.moves[f - 1]["up"]
        log = run.mobile[f]
        row = run.packets_of(f)
        row["correspondent"] = f"CN{CN_OF[f]}"
        row["address_ms"] = round((log["began"] - up) * 1e3, 1)
        row["answered_ms"] = round((log["answered"] - up) * 1e3, 1)
        row["tcp_octets_up"] = run.correspondent[f]["tcp_received_octets"]
        row["tcp_octets_down"] = log["tcp_received_octets"]
        return row

    def faults(self, run, result):
        out = []
        for h in result["handovers"]:
            for way in ("up", "down"):
                if h[f"gap_{way}_ms"] is None or h[f"tcp_gap_{way}_ms"] is None:
                    out.append(f"flow {h['flow']} did not survive the move AR{h['from']} -> "
                               f"AR{h['to']}: nothing came {way} any more")
        for f in CN_OF:
            out += measure.flow_faults(run, f)
        for row in result["flows"]:
            if row["tunnelled_at_anchor"]:
                out.append(f"flow {row['flow']}: {row['tunnelled_at_anchor']} packets touched a "
                           f"tunnel while the MN was at AR{row['anchor']}, their own anchor")
            if row["flow"] < 3 and not row["tunnelled"]:
                out.append(f"flow {row['flow']}: no packet was tunnelled after the move")
        if result["left_lines"]:
            out.append(f"{len(result['left_lines'])} things of released anchors are still "
                       "there: " + "; ".join(result["left_lines"][:4]))
        return out


class NetworkDemo(Demo):
    """Figure 4: the host has its kernel and nothing else. It goes from access point to access
    point of one network, so its link does not go down; their controller tells the routers."""

    mode = "network"
    link = capture.CORE

    def daemons(self):
        lab = self.lab
        lab.host()
        # So soon that a demonstration can wait for it.
        lab.start_domain("release-idle 4s;\n")
        self.datapath = lab.status("ar1")["datapath"]
        self.say("dmip6-had runs on AR1, AR2, AR3, with one session database; the MN has its "
                 f"kernel alone; the data path is {self.datapath}")

    def move(self, n):
        if n == 1:
            return super().move(n)
        up = self.lab.roam(n)
        self.play.moves.append({"to": n, "down": up, "up": up})
        self.say(f"the MN is at AR{n}'s access point now, and AR{n} is told so")
        return up

    def released(self):
        """The host keeps its old addresses until they end, which costs nobody anything."""
        left = {}

        def look():
            left.update({n: {f"ar{n}": x for x in [measure.leftovers(self.lab, n)[f"ar{n}"]]}
                         for n in (1, 2)})
            visits = [v["prefix"] for v in self.lab.visits(3)]
            left[3] = {"ar3": {"rules": [], "routes": [], "addresses": [], "nexthops": [],
                               "filter": [], "bindings": visits}}
            return measure.nothing_left(left.values())
        if not wait_for(look, 20.0, 0.2):
            look()
        return left


# ---- for people --------------------------------------------------------------------------

def table(title, head, rows):
    widths = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for r in [head, *rows]:
        print("  " + "  ".join(str(x).ljust(w) if i == 0 else str(x).rjust(w)
                               for i, (x, w) in enumerate(zip(r, widths))).rstrip())


def ms(x):
    return "never" if x is None else f"{x:.0f} ms"


def show(result):
    table("Handovers: the longest silence, and probes lost (one probe every 2 ms each way)",
          ("move", "flow", "anchor", "gap up", "gap down", "lost up", "lost down",
           "TCP gap up", "TCP gap down"),
          [(f"AR{h['from']} -> AR{h['to']}", h["flow"], f"AR{h['anchor']}",
            ms(h["gap_up_ms"]), ms(h["gap_down_ms"]), h["lost_up"], h["lost_down"],
            ms(h["tcp_gap_up_ms"]), ms(h["tcp_gap_down_ms"])) for h in result["handovers"]])
    where = "the MN's link" if result["mode"] == "client" else "core's links"
    table(f"Flows: packets on {where}",
          ("flow", "anchor", "to", "could start after", "direct", "tunnelled",
           "tunnelled at its anchor"),
          [(r["flow"], f"AR{r['anchor']}", r["correspondent"], f"{r['answered_ms']:.0f} ms",
            r["direct"], r["tunnelled"], r["tunnelled_at_anchor"]) for r in result["flows"]])
    head = ("rules", "routes", "addresses", "nexthops", "filter", "bindings")
    table("Left after flows 1 and 2 ended",
          ("of the anchor at", "on", *head),
          [(ar, box.upper(), *(things[k] for k in head))
           for ar, row in result["left"].items() for box, things in row.items()])
    print()


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--mode", choices=("client", "network"), default="client",
                   help="who does it: the host, or the routers for a host that does nothing")
    a.add_argument("--datapath", metavar="NAME",
                   help="ip6tnl or seg6 (default: the first that works on this kernel)")
    a.add_argument("--json", metavar="FILE", help="write the result as JSON")
    a.add_argument("--svg", metavar="FILE", help="write a picture of the time line")
    a.add_argument("--quiet", action="store_true", help="say only what went wrong")
    o = a.parse_args()
    try:
        network = o.mode == "network"
        with (Domain if network else Lab)(o.bindir, datapath=o.datapath) as lab:
            demo = (NetworkDemo if network else Demo)(lab, o.quiet)
            run, result = demo.run()
            if o.svg:
                with open(o.svg, "w", encoding="utf-8") as f:
                    f.write(picture.draw(run, result))
            if o.json:
                with open(o.json, "w", encoding="utf-8") as f:
                    json.dump(result, f, indent=2)
                    f.write("\n")
    except LabError as e:
        print(f"demo: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        print(f"\ndemo: interrupted by signal {e.signum}; everything was cleaned up",
              file=sys.stderr)
        return 128 + e.signum
    except BrokenPipeError:             # nobody reads any more; everything was cleaned up
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if not o.quiet:
        show(result)
    for fault in result["faults"]:
        print(f"demo: not as promised: {fault}", file=sys.stderr)
    if result["ok"] and not o.quiet:
        print("As promised: the flows survived, new flows went straight, nothing is left.")
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
