#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Daemons that are killed in the middle and come back: prefixes, bindings and flows stay."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import Lab, wait_for
from play import Play, wait_released


def ready(lab):
    lab.build()
    lab.start_had(1)
    lab.start_had(2)
    lab.start_mnd()
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.5)
    play.move(2)
    wait_for(lambda: bound(lab), 5.0)
    play.run_for(0.7)
    return play


def bound(lab):
    return [(b["hoa"], b["coa"]) for b in (lab.status("ar1") or {"bindings": []})["bindings"]]


def leases(lab, n):
    return [(x["prefix"], x["mn"]) for x in lab.status(f"ar{n}")["leases"]]


def finish(t, lab, play):
    play.run_for(1.5)
    play.end(1)
    left = wait_released(lab, (1,))
    t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
    run = play.finish()
    t.equal(measure.flow_faults(run, 1), [], "the flow is whole")
    return run


def test_had_killed(t):
    """kill -9 of the anchor's dmip6-had"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        before, given = bound(lab), leases(lab, 1)
        t.equal(len(before), 1, "there is a binding")
        routes = encap(lab, "ar1")
        t.ok(routes, "and the kernel has its tunnel")
        lab.kill("ar1", signal.SIGKILL)
        play.run_for(0.5)
        t.equal(encap(lab, "ar1"), routes, "while nobody runs, the kernel goes on")
        lab.start_had(1)
        t.equal(bound(lab), before, "started again, it knows the binding")
        t.equal(leases(lab, 1), given, "and the same host has the same prefix")
        t.equal(len(encap(lab, "ar1")), len(routes), "the kernel's tunnel was found again")
        run = finish(t, lab, play)
        killed = run.handover(1, 1)
        t.note(killed)


def test_had_killed_at_once(t):
    """kill -9 of the anchor's dmip6-had right after it has taken the binding"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.5)
        play.move(2)
        before = wait_for(lambda: bound(lab), 5.0)
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.equal(bound(lab), before, "started again, it knows the binding")
        finish(t, lab, play)


def test_had_killed_here(t):
    """kill -9 of the dmip6-had the MN is attached to: the prefix stays the host's"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        source = play.begin(1)["source"]
        play.run_for(0.5)
        given = leases(lab, 1)
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.equal(leases(lab, 1), given, "the lease is there at once")
        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: bound(lab), 5.0), "the restarted daemon takes the binding")
        play.run_for(0.5)
        play.move(1)
        t.ok(wait_for(lambda: not bound(lab), 5.0), "and its release")
        t.equal(lab.attached(1).rsplit(":", 4)[0], source.rsplit(":", 4)[0],
                "back, the host has the same prefix")
        t.equal(leases(lab, 1), given, "and the same lease")
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow is whole")


def test_mnd_killed(t):
    """kill -9 of dmip6-mnd away from the anchor"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        before = bound(lab)
        lab.kill("mn", signal.SIGKILL)
        play.run_for(0.5)
        lab.start_mnd()
        again = wait_for(lambda: [a for a in lab.status("mn")["anchors"]
                                  if a["state"] in ("bound", "refreshing", "registering")], 5.0)
        t.ok(again, "started again, it knows its anchor", lab.status("mn"))
        t.equal([h for h, _ in bound(lab)], [h for h, _ in before], "the binding is still there")
        finish(t, lab, play)


def test_mnd_killed_and_moved(t):
    """kill -9 of dmip6-mnd, a move, and a start: the flow goes on from the new place"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        lab.start_had(3)
        before = bound(lab)
        lab.kill("mn", signal.SIGKILL)
        play.move(3)
        play.run_for(0.5)
        lab.start_mnd()
        moved = wait_for(lambda: bound(lab) and measure.names_pool(bound(lab)[0][1], 3), 5.0)
        t.ok(moved, "started again, it registers where it is now", bound(lab))
        t.equal([h for h, _ in bound(lab)], [h for h, _ in before], "for the same home address")
        finish(t, lab, play)


def test_restarted(t):
    """SIGUSR1, as for a restart: both daemons go and leave the kernel to the next run"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        before = bound(lab)
        tunnels = {box: encap(lab, box) for box in ("mn", "ar1")}
        t.ok(all(tunnels.values()), "there are tunnels on both", tunnels)
        for box in ("mn", "ar1"):
            t.equal(lab.kill(box, signal.SIGUSR1), 0, f"{box}'s daemon ends well")
            t.equal(encap(lab, box), tunnels[box], f"{box}'s tunnel stays")
        play.run_for(0.5)
        lab.start_had(1)
        lab.start_mnd()
        again = wait_for(lambda: [a for a in lab.status("mn")["anchors"]
                                  if a["state"] == "bound"], 5.0)
        t.ok(again, "started again, the MN registers", lab.status("mn"))
        t.equal(bound(lab), before, "the binding is what it was")
        finish(t, lab, play)


def encap(lab, box):
    s = lab.kernel_state(box)
    return sorted(x for x in s["routes"] + s["nexthops"] if re.search(r"encap (seg6|ip6) ", x))


if __name__ == "__main__":
    tap.main(test_had_killed, test_had_killed_at_once, test_had_killed_here, test_mnd_killed,
             test_mnd_killed_and_moved, test_restarted)
