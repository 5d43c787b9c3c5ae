#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The two ends of a tunnel need not have the same data path: on the wire all are RFC 2473."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import Lab, wait_for
from play import Play


def works():
    """The data paths of this kernel."""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        out = lab.run("mn", lab.bin("dmip6ctl"), "--json", "doctor").stdout
    checks = json.loads(out)["checks"]
    return [x["name"].split()[-1] for x in checks
            if x["name"].startswith("data path ") and x["found"].startswith("works")]


def both(t, router, host):
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n, ("--datapath", router))
        lab.start_mnd(("--datapath", host))
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(1.0)
        play.move(2)
        what = f"routers with {router}, the host with {host}"
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 5.0), f"{what}: the host is away")
        play.run_for(2.0)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], f"{what}: the flow lived through the move")
        t.ok(run.packets_of(1)["tunnelled"] > 100, f"{what}: in the tunnel", run.packets_of(1))


def test_interop(t):
    """each data path of this kernel with each other one"""
    names = works()
    t.ok(names, "a data path works here")
    if len(names) < 2:
        t.note(f"this kernel has one only: {names}; the vm tier has two")
    for router in names:
        for host in names:
            if router != host:
                both(t, router, host)


if __name__ == "__main__":
    tap.main(test_interop)
