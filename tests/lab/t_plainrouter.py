#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A network whose router knows nothing of mobility: the flow goes on from there all the same,
by an address that the kernel makes in a prefix shared with others."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import CN, Lab, wait_for
from play import Play

SHARED = "2001:db8:1:3ff::"


def advertise(source):
    """An ordinary router's advertisements, often, so that the test need not wait."""
    while True:
        forge.send_link("acc0", forge.ra(source, SHARED, None))
        time.sleep(0.2)


def visitor(source, cn):
    """A flow that began at that router, and has no anchor."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.connect((cn, 9))
        time.sleep(600)


def bound(lab):
    return [b["coa"] for b in (lab.status("ar1") or {"bindings": []})["bindings"]]


def visited(lab):
    """What our daemon has to do with: the kernel's on-link route ends with its lifetime."""
    s = lab.kernel_state("mn")
    return [x for k in ("rules", "addresses", "nexthops") for x in s[k] if SHARED[:-1] in x]


def test_plain_router(t):
    """AR1 -> a router without home agent -> AR1"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        source = play.begin(1)["source"]
        play.run_for(0.5)
        t.equal(lab.run("ar3", "ip", "addr", "add", SHARED + "1/64", "dev", "acc0",
                        "nodad").returncode, 0, "AR3 has a prefix on its link")
        out = lab.run("ar3", "ip", "-6", "-o", "addr", "show", "dev", "acc0", "scope", "link")
        lab.spawn("router", "ar3", advertise, out.stdout.split()[3].split("/")[0])
        play.move(3)
        there = wait_for(lambda: [c for c in bound(lab) if c.startswith(SHARED[:-1])], 10.0)
        t.ok(there, "AR1 sends to the address that the kernel made at AR3", lab.status("mn"))
        at = lab.status("mn")["attachments"]
        t.equal([(a["ha"], a["coa"]) for a in at], [(None, there and there[0])],
                "the MN knows that no home agent is there")
        t.ok("no home agent" in lab.status("mn")["health"]["text"],
             "people are told that none is there", lab.status("mn")["health"])
        lab.spawn("visitor", "mn", visitor, there[0], CN[1])
        play.run_for(2.0)
        t.equal(lab.status("mn")["counters"]["flows-lost"], 0, "no flow was lost so far")
        play.move(1)
        t.ok(wait_for(lambda: not bound(lab), 5.0), "back, the binding is gone")
        t.equal(lab.status("mn")["counters"]["flows-lost"], 1,
                "the flow that began there is told to be lost")
        play.run_for(1.0)
        play.end(1)
        left = wait_for(lambda: not visited(lab), 5.0)
        t.ok(left, "no rule, address or tunnel is left of the visit", visited(lab))
        t.equal([a["hoa"] for a in lab.status("mn")["anchors"]], [source],
                "only the address of AR1 is an anchor")
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through both moves")


if __name__ == "__main__":
    tap.main(test_plain_router)
