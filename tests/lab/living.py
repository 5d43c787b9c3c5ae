# SPDX-License-Identifier: BSD-2-Clause
"""What the mobile node's daemon owes its user whatever else manages the network: the steps
that the tests of all managers share.

    life = Life(t, lab, {1: 1, 2: 2})
    life.roam(1, 1)                     to AR1, where flow 1 begins
    life.roam(2, 2)
    life.check("reapply", lambda: nm.nmcli("device", "reapply", "wlan0"))
    life.finish()
"""

import errno
import re
import socket

import measure
from lab import ARS, CN, anchor_of, mono, wait_for
from play import Play, wait_released

SETTLES = 15.0                          # never waited for when all is well


def not_held(lab):
    """What the kernel lacks of what the daemon says it holds."""
    status = lab.status("mn")
    if status is None:
        return ["the daemon's answer"]
    kernel = lab.kernel_state("mn")
    out = []
    for a in status["anchors"]:
        if a["state"] in ("attached", "departed"):
            continue
        hoa = a["hoa"]
        rule = next((r for r in kernel["rules"]
                     if re.search(rf"from {hoa} lookup \S+ proto 77", r)), None)
        if rule is None:
            out.append(f"a rule for {hoa}")
            continue
        table = re.search(r"lookup (\S+)", rule).group(1)
        if not any(re.match(rf"default .*table {table} proto 77", r) for r in kernel["routes"]):
            out.append(f"a route in table {table} for {hoa}")
        if not any(f"{hoa}/128" in x for x in kernel["addresses"]):
            out.append(f"the address {hoa}")
    return out


def passes(hoa, dst):
    """Whether a packet from a home address is answered: a closed port refuses."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.settimeout(0.5)
        try:
            s.bind((hoa, 0))
            return s.connect_ex((dst, 9)) == errno.ECONNREFUSED
        except OSError:
            return False


class Life:
    def __init__(self, t, lab, cn_of):
        self.t, self.lab = t, lab
        self.play = Play(lab, cn_of)
        self.flows = {}                 # flow -> its home address
        self.steps = []                 # (what, when)

    def _step(self, what):
        self.steps.append((what, mono()))
        self.play.run_for(0.5)

    def roam(self, n, flow=None):
        """To access router n; a new flow gets an address of it."""
        self.steps.append((f"roam to AR{n}", mono()))
        self.play.move(n)
        if flow:
            self.begin(flow)
        self.settled(f"at AR{n}")
        self.play.run_for(1.0)

    def begin(self, flow):
        hoa = self.play.begin(flow, SETTLES)["source"]
        self.flows[flow] = hoa
        self.t.equal(anchor_of(hoa), self.lab.at, f"flow {flow} begins with an address of here")

    def check(self, what, action):
        """Somebody does something; the anchors are well afterwards."""
        self.steps.append((what, mono()))
        action()
        self.play.run_for(1.0)
        self.settled(what)

    def states(self):
        return {a["hoa"]: a["state"] for a in (self.lab.status("mn") or {"anchors": []})["anchors"]
                if a["hoa"] in self.flows.values()}

    def settled(self, what):
        """Every flow's anchor is here or registered, and the kernel has what belongs to it."""
        here = self.lab.at

        def well():
            s = self.states()
            return all(s.get(hoa) == ("attached" if anchor_of(hoa) == here else "bound")
                       for hoa in self.flows.values())
        self.t.ok(wait_for(well, SETTLES, 0.05), f"{what}: every flow's anchor is well",
                  (self.lab.status("mn"), self.lab.log("mn")[-1500:]))
        self.t.ok(wait_for(lambda: not not_held(self.lab), SETTLES, 0.2),
                  f"{what}: the kernel has all of it", not_held(self.lab))
        for flow, hoa in self.flows.items():
            self.t.ok(wait_for(lambda hoa=hoa: self.lab.inside("mn", passes, hoa, CN[1]),
                               SETTLES, 0.05), f"{what}: the address of flow {flow} works",
                      (self.states(), self.lab.log("mn")[-1500:]))

    def finish(self, quiet=1.0):
        self.play.run_for(quiet)
        for f in self.flows:
            self.play.end(f)
        left = wait_released(self.lab, [n for n in ARS if n != self.lab.at])
        self.t.ok(measure.nothing_left(left.values()), "in the end nothing is left", left)
        run = self.play.finish()
        for f in self.flows:
            self.t.equal(measure.flow_faults(run, f), [], f"flow {f} lived through it all")
        for what, at in self.steps:
            self.t.note(f"{what}: longest silences (ms): {self._gaps(run, at)}")
        return run

    def _gaps(self, run, at):
        """How long each flow said nothing, up and down, in the second that followed."""
        out = {}
        for f in self.flows:
            began, ended = run.span(f)
            if not began < at < ended:
                continue
            gaps = [measure.silence([x for _, x in log["udp_received"]], at, ended)
                    for log in (run.correspondent[f], run.mobile[f])]
            out[f] = [g if g is None else round(g * 1e3) for g in gaps]
        return out
