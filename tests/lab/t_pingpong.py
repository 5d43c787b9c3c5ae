#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Moves that come faster than the protocol likes: the flow lives, and the end is tidy."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import ARS, Lab, mono, wait_for
from play import Play, wait_released


def test_pingpong(t):
    """many moves, some before the registration is through, some that melt into one"""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
    rand = random.Random(seed)
    t.note(f"SEED={seed}")
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1, 2: 2})
        play.move(1)
        play.begin(1)
        play.run_for(0.5)
        for _ in range(24):
            play.move(rand.choice([n for n in ARS if n != lab.at]), rand.random() < 0.25)
            play.run_for(rand.choice((0.0, 0.005, 0.02, 0.05, 0.3)))
        play.move(3 if lab.at != 3 else 2)
        here, settled = lab.at, mono()
        bound = wait_for(lambda: settled_at(lab, 1), 10.0)
        t.ok(bound, "after the last move AR1 sends to where the MN is",
             (lab.status("ar1") or {}).get("bindings"))
        play.begin(2)
        play.run_for(3.0)
        for n in ARS:
            if n != 1:
                t.equal(lab.status(f"ar{n}")["bindings"], [],
                        f"AR{n} has no binding: no flow began there")
        play.end(1)
        left = wait_released(lab, [n for n in ARS if n != here])
        t.ok(measure.nothing_left(left.values()), "nothing is left of the routers it passed", left)
        run = play.finish()
        for f in (1, 2):
            t.equal(measure.flow_faults(run, f), [], f"flow {f} is whole")
        t.equal(run.packets_of(2)["tunnelled"], 0, "the new flow went straight")
        for i, m in enumerate(run.moves):
            t.note(f"move {i} to AR{m['to']} at {m['down'] - settled:.3f} s")


def settled_at(lab, anchor):
    """Is the anchor's binding that of the router the MN is at?"""
    b = (lab.status(f"ar{anchor}") or {"bindings": []})["bindings"]
    return len(b) == 1 and b[0]["state"] == "bound" and measure.names_pool(b[0]["coa"], lab.at)


if __name__ == "__main__":
    tap.main(test_pingpong)
