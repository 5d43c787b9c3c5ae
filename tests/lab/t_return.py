#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The MN comes back to its first router with its first flow alive."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import capture
import measure
import tap
from lab import ARS, Lab, wait_for
from play import Play, wait_released


def bindings(lab, n):
    return (lab.status(f"ar{n}") or {"bindings": ["no answer"]})["bindings"]


def test_return(t):
    """AR1 -> AR2 -> AR1"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        source = play.begin(1)["source"]
        play.run_for(1.0)
        play.move(2)
        t.ok(wait_for(lambda: bindings(lab, 1), 5.0), "away, the MN is registered with AR1")
        play.run_for(1.0)
        back = play.move(1)
        t.ok(wait_for(lambda: not bindings(lab, 1), 5.0), "back, its binding is gone at AR1",
             bindings(lab, 1))
        anchors = [a for a in lab.status("mn")["anchors"] if a["hoa"] == source]
        t.equal([a["state"] for a in anchors], ["attached"], "the MN's anchor is attached again")
        play.run_for(2.0)
        late = lab.kernel_state("mn")
        t.equal([r for r in late["rules"] if source in r], [], "no rule is left for the address")
        t.equal([r for r in late["routes"] if re.search(r"encap (seg6|ip6) ", r)], [],
                "no tunnel is left on the MN")
        leases = [(x["prefix"], x["attached"]) for x in lab.status("ar1")["leases"]]
        t.ok(len(leases) == 1 and leases[0][1], "AR1 kept one lease, attached", leases)
        left = wait_released(lab, (2,))
        t.ok(measure.nothing_left(left.values()), "nothing is left of AR2's anchor", left)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through both moves")
        row = run.packets_of(1)
        t.equal(row["tunnelled_at_anchor"], 0, "back at AR1 it does not touch a tunnel")
        direct = [p for p in run.packets if p.where == capture.MN and p.time > back["up"] + 1
                  and capture.flow_of(p) and not p.tunnelled]
        t.ok(len(direct) > 500, "packets go direct again", len(direct))
        for h in run.handovers():
            t.note(h)


if __name__ == "__main__":
    tap.main(test_return)
