#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""NetworkManager and the mobile node's daemon on one host."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from lab import ARS, Lab, wait_for
from living import SETTLES, Life


DISABLE_IPV6 = "/proc/sys/net/ipv6/conf/wlan0/disable_ipv6"


def addresses(lab):
    return [a for a in lab.kernel_state("mn")["addresses"] if " wlan0 " in a]


def connected(t, nm, connection):
    t.ok(wait_for(lambda: nm.nmcli("-g", "GENERAL.STATE,GENERAL.CONNECTION", "device", "show",
                                   "wlan0").split("\n")[:2] == ["100 (connected)", connection],
                  SETTLES, 0.1), f"NetworkManager is connected by {connection}", nm.state())


def test_networkmanager(t):
    """connect, roam, another connection, reapply, disconnect, restart, off and on"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        nm = managers.NetworkManager(lab)
        nm.start()
        lab.start_mnd()
        life = Life(t, lab, {1: 1, 2: 2, 3: 1, 4: 2})
        life.roam(1, 1)
        connected(t, nm, "office")
        life.roam(2, 2)
        life.check("reapply", lambda: nm.nmcli("device", "reapply", "wlan0"))
        life.check("another connection", lambda: nm.nmcli("connection", "up", "home"))
        connected(t, nm, "home")
        life.check("reapply", lambda: nm.nmcli("device", "reapply", "wlan0"))

        nm.nmcli("device", "disconnect", "wlan0")
        t.ok(wait_for(lambda: not addresses(lab), SETTLES, 0.05),
             "disconnected, the interface has no address", addresses(lab))
        lab.move(0)
        life.play.run_for(1.0)
        lab.move(3)
        nm.nmcli("connection", "up", "office")
        life.begin(3)
        life.settled("reconnected elsewhere")
        life.play.run_for(1.0)

        nm.stop()
        nm.start()
        life.settled("NetworkManager restarted")
        nm.nmcli("networking", "off")
        life.play.run_for(0.5)
        nm.nmcli("networking", "on")
        connected(t, nm, "office")
        life.settled("networking off and on")
        nm.nmcli("connection", "up", "legacy")
        t.ok(wait_for(lambda: lab.run("mn", "cat", DISABLE_IPV6).stdout.strip() == "1",
                      SETTLES, 0.05), "a connection without IPv6 disables it")
        life.play.run_for(0.5)
        nm.nmcli("connection", "up", "office")
        life.settled("IPv6 disabled and enabled")
        life.roam(1, 4)
        life.finish()


if __name__ == "__main__":
    tap.main(test_networkmanager, skip=managers.missing(*managers.NetworkManager.PROGRAMS))
