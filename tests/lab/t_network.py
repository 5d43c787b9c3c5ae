#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode, figure 4 of the draft: a host that knows nothing of mobility moves over three
routers and back, and keeps its flows."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import ARS, HA, anchor_of, wait_for
from network import Domain
from play import Play


def test_figure_4(t):
    """AR1 -> AR2 -> AR3 -> AR1, a flow begun at each"""
    with Domain(tap.BINDIR) as lab:
        lab.build()
        lab.host()
        lab.start_domain()
        play = Play(lab, {1: 1, 2: 2, 3: 1})
        for n in ARS:
            play.move(n)
            line = play.begin(n)
            t.equal(anchor_of(line["source"]), n, f"flow {n} begins on an address of AR{n}")
            t.ok(lab.settled(n, *range(1, n + 1)), f"the anchors know that the host is at AR{n}",
                 [lab.bindings(m) for m in ARS])
            play.run_for(1.5)
        t.equal(sorted(v["anchor"] for v in lab.visits(3)), [HA[1], HA[2]],
                "AR3 has two visits, of both anchors")
        t.equal((lab.visits(1), lab.visits(2)), ([], []), "and the others none")
        back = play.move(1)
        t.ok(lab.settled(1, 1, 2, 3), "back at AR1: all anchors know", [lab.bindings(m) for m in ARS])
        t.equal(lab.bindings(1), [], "its own prefix there needs no tunnel")
        play.run_for(2.0)
        t.equal(sorted(v["anchor"] for v in lab.visits(1)), [HA[2], HA[3]],
                "AR1 serves what AR2 and AR3 have given")
        t.ok(wait_for(lambda: not lab.visits(3), 5.0), "AR3 has no visit any more", lab.visits(3))
        for f in (1, 2, 3):
            play.end(f)
        run = play.finish()
        for f in (1, 2, 3):
            t.equal(measure.flow_faults(run, f), [], f"flow {f} lived through all moves")
            row = run.packets_of(f)
            t.equal(row["tunnelled_at_anchor"], 0, f"at its own anchor flow {f} is in no tunnel")
            t.ok(row["tunnelled"] > 100, f"elsewhere it is", row)
        for h in run.handovers():
            t.note(h)
        t.note(f"back at {back}")


if __name__ == "__main__":
    tap.main(test_figure_4)
