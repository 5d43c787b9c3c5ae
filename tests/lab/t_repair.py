#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Somebody deletes what the daemons put into the kernel: it comes back, the flow lives."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import Lab, wait_for
from play import Play


def ours(lab, box):
    """Rules, routes and addresses of ours on a box."""
    s = lab.kernel_state(box)
    return {"rules": sorted(r for r in s["rules"] if "proto 77" in r),
            "routes": sorted(r for r in s["routes"] if "proto 77" in r),
            "addresses": sorted(a for a in s["addresses"] if " dmip6" in a)}


def decapsulation(lab, box):
    status = lab.status(box)
    return {"seg6": "ip -6 rule del pref 0 ipproto 41",
            "ip6tnl": "ip link del dmip6tnl0"}[status.get("configuration", status)["datapath"]]


def test_repair(t):
    """rules, routes and addresses deleted by hand"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        hoa = play.begin(1)["source"]
        play.run_for(0.5)
        play.move(2)
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        play.run_for(3.0)               # the kernel's own address is there, too
        for box, what, command in (
                ("mn", "the rule of the home address", f"ip -6 rule del from {hoa}"),
                ("mn", "the route into the tunnel", "ip -6 route del default table 4500"),
                ("mn", "the home address", f"ip -6 addr del {hoa}/128 dev dmip6mn0"),
                ("mn", "what takes packets out of tunnels", decapsulation(lab, "mn")),
                ("ar1", "the route of the binding", f"ip -6 route del {hoa}/128"),
                ("ar1", "what takes packets out of tunnels", decapsulation(lab, "ar1")),
                ("ar2", "the route of the lease", "ip -6 route del 2001:db8:1:201::/64"),
                ("mn", "the neighbour of the router", "ip -6 neigh flush dev wlan0")):
            deleted(t, lab, box, what, command)
            play.run_for(1.0)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through all this")


def deleted(t, lab, box, what, command):
    before = ours(lab, box)
    p = lab.run(box, "sh", "-c", command)
    t.equal((p.returncode, p.stderr), (0, ""), f"{box}: {what} is deleted")
    back = wait_for(lambda: ours(lab, box) == before, 4.0, 0.05)
    now = ours(lab, box)
    t.ok(back, f"{box}: {what} comes back",
         {k: (sorted(set(before[k]) ^ set(now[k]))) for k in before if before[k] != now[k]})


if __name__ == "__main__":
    tap.main(test_repair)
