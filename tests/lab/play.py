# SPDX-License-Identifier: BSD-2-Clause
"""A play in the laboratory: flows that begin and end, and the moves in between.

    play = Play(lab, {1: 1, 2: 2})      flow 1 with CN1, flow 2 with CN2
    play.move(1); play.begin(1)
    play.move(2); play.begin(2)
    play.end(1); play.end(2)
    run = play.finish()                 a measure.Run
"""

import json
import os
import signal

import flows
import measure
from capture import Capture
from lab import CN, LabError, mono, wait_for


class Play:
    def __init__(self, lab, cn_of, say=None):
        self.lab = lab
        self.cn_of = cn_of              # flow -> correspondent
        self.say = say or (lambda text: None)
        self.start = mono()
        self.moves = []
        self.mobile = {}                # flow -> pid; None: ended
        self.tell = lab.path("started.ndjson")
        self.started = {}               # flow -> what it told
        self.correspondent = {
            c: lab.spawn(f"cn{c}", f"cn{c}", flows.correspondent,
                         [f for f, cn in cn_of.items() if cn == c], lab.path(f"cn{c}.json"))
            for c in CN if c in cn_of.values()}
        self.capture = Capture(lab)

    def move(self, n, unseen=False):
        down, up = self.lab.move(n, unseen)
        self.moves.append({"to": n, "down": down, "up": up})
        return self.moves[-1]

    def begin(self, flow, timeout=10.0):
        """Begins a flow as soon as a new one gets an address of the router the MN is at."""
        at = self.lab.at
        self.mobile[flow] = self.lab.spawn(
            f"flow{flow}", "mn", flows.mobile, flow, self.cn_of[flow], at,
            self.lab.path(f"flow{flow}.json"), self.tell)
        line = wait_for(lambda: self._told(flow), timeout)
        if line is None:
            said = self.lab.log("mn").strip()[-500:]
            raise LabError(f"no new flow could start at AR{at} within {timeout:g} s. "
                           f"dmip6-mnd says: {said or 'nothing'}")
        return line

    def _told(self, flow):
        try:
            with open(self.tell, encoding="ascii") as f:
                for line in f:
                    if line.endswith("\n"):
                        row = json.loads(line)
                        self.started[row["flow"]] = row
        except FileNotFoundError:
            pass
        return self.started.get(flow)

    def run_for(self, seconds):
        """Lets the flows run; a daemon that ends meanwhile is noticed at once."""
        def ended():
            return next((b for b, p in self.lab.procs.items() if p.poll() is not None), None)
        box = wait_for(ended, seconds, 0.05)
        if box:
            raise LabError(f"the daemon of {box} ended (code {self.lab.procs[box].returncode}); "
                           f"it said: {self.lab.log(box).strip()[-600:]}")

    def end(self, flow):
        pid = self.mobile[flow]
        self.mobile[flow] = None
        os.kill(pid, signal.SIGUSR1)
        try:
            # TCP may have backed off for some seconds, after several interruptions.
            self.lab.wait(pid, 20.0)
        except LabError:
            self.say(f"flow {flow} does not come to its end; going on without waiting for it")
            os.kill(pid, signal.SIGUSR2)
            self.lab.wait(pid)

    def finish(self):
        """Ends what still runs and reads what everybody wrote down."""
        lab = self.lab
        for f, pid in self.mobile.items():
            if pid:
                self.end(f)
        for pid in self.correspondent.values():
            os.kill(pid, signal.SIGUSR1)
            lab.wait(pid)
        packets = self.capture.stop()
        mobile = {f: measure.read_json(lab.path(f"flow{f}.json")) for f in self.mobile}
        corr = {}
        for c in self.correspondent:
            corr.update({int(k): v for k, v in
                         measure.read_json(lab.path(f"cn{c}.json")).items()})
        return measure.Run(self.moves, mobile, corr, packets)


def wait_released(lab, ars, deadline=15.0):
    """Waits until nothing is left of the anchors at the given routers; what is left."""
    left = {}

    def released():
        if any((lab.status(f"ar{n}") or {}).get("bindings") for n in ars):
            return False
        left.update({n: measure.leftovers(lab, n) for n in ars})
        return measure.nothing_left(left.values())
    if not wait_for(released, deadline, 0.1):
        left.update({n: measure.leftovers(lab, n) for n in ars})
    return left
