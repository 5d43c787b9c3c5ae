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
            "addresses": sorted(a.split(": ")[1] for a in s["addresses"] if " dmip6" in a)}


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


def whole(lab, box):
    """Everything of ours, the device and the filter too."""
    s = lab.kernel_state(box)
    return {**ours(lab, box), "filter": bool(s["filter"]),
            "device": any("dmip6mn0" in x for x in s["links"])}


def health(lab):
    h = lab.status("mn")["health"]
    return h["ok"], h["text"]


def test_who(t):
    """who deleted what is told; the device and the filter table come back, too"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        hoa = play.begin(1)["source"]
        play.move(2)
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        play.run_for(3.0)
        lab.popen("monitor", "mn", [lab.bin("dmip6ctl"), "--control", lab.sock("mn"), "--json",
                                    "monitor"])
        t.ok("deleted" not in health(lab)[1], "at first nothing is to be told", health(lab))
        before = whole(lab, "mn")
        for what, command in (("filter table", "nft flush ruleset"),
                              ("device", "ip link del dmip6mn0")):
            p = lab.run("mn", "sh", "-c", command)
            t.equal((p.returncode, p.stderr), (0, ""), f"the {what} is deleted")
            t.ok(wait_for(lambda: whole(lab, "mn") == before, 10.0, 0.1),
                 f"the {what} comes back, and what stood on it",
                 {k: (v, before[k]) for k, v in whole(lab, "mn").items() if v != before[k]})
            t.ok(wait_for(lambda w=what: f"1 {w}" in health(lab)[1], 5.0, 0.1),
                 "status says that somebody deleted it", health(lab))
        t.ok(health(lab)[0], "once is no trouble", health(lab))
        t.ok(lab.status("mn")["counters"]["deleted-by-others"] >= 2, "they are counted",
             lab.status("mn")["counters"]["deleted-by-others"])

        # Somebody who lives on, like a network manager.
        lab.popen("warrior", "mn", ["ip", "-6", "-batch", "-"], stdin=f"rule del from {hoa}\n")
        t.ok(wait_for(lambda: "ip (process" in health(lab)[1], 5.0, 0.05),
             "it is told who, while he is there", health(lab))
        play.run_for(1.5)
        for _ in range(7):
            if not health(lab)[0]:
                break
            lab.run("mn", "ip", "-6", "rule", "del", "from", hoa)
            t.ok(wait_for(lambda: whole(lab, "mn") == before, 20.0, 0.05), "it comes back")
        t.ok(not health(lab)[0] and "again and again" in health(lab)[1],
             "who goes on is reported, and his rule comes back less often", health(lab))
        t.ok(lab.log("monitor").count('"repaired"') >= 5, "monitor tells of each repair",
             lab.log("monitor")[-800:])
        play.run_for(3.0)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through all this")


if __name__ == "__main__":
    tap.main(test_repair, test_who)
