#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dhcpcd, or no manager at all, and the mobile node's daemon on one host."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from lab import ARS, Lab
from living import Life

MISSING = managers.missing(*managers.Dhcpcd.PROGRAMS)


def test_dhcpcd(t):
    """connect, roam, rebind, release, restart"""
    if MISSING:
        t.note(f"left out: {MISSING}")
        return
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        dhcpcd = managers.Dhcpcd(lab)
        dhcpcd.start()
        lab.start_mnd()
        life = Life(t, lab, {1: 1, 2: 2, 3: 1, 4: 2})
        life.roam(1, 1)
        life.roam(2, 2)
        for what in ("--rebind", "--reconfigure"):
            life.check(what, lambda what=what: dhcpcd.dhcpcd(what, "wlan0"))

        dhcpcd.stop()
        life.play.run_for(1.0)
        lab.move(3)
        dhcpcd.start()
        life.begin(3)
        life.settled("stopped, started elsewhere")
        life.play.run_for(1.0)
        dhcpcd.stop()
        dhcpcd.start()
        life.settled("restarted")
        life.roam(1, 4)
        life.finish()


def test_nobody(t):
    """only the kernel: connect, roam, the interface down and up, IPv6 off and on"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        life = Life(t, lab, {1: 1, 2: 2, 3: 1, 4: 2})
        life.roam(1, 1)
        life.roam(2, 2)
        lab.run("mn", "ip", "link", "set", "wlan0", "down")
        life.play.run_for(1.0)
        lab.move(3)
        lab.run("mn", "ip", "link", "set", "wlan0", "up")
        life.begin(3)
        life.settled("down, up elsewhere")
        life.play.run_for(1.0)
        lab.sysctl("mn", "net/ipv6/conf/wlan0/disable_ipv6", "1")
        life.play.run_for(1.0)
        lab.sysctl("mn", "net/ipv6/conf/wlan0/disable_ipv6", "0")
        life.settled("IPv6 disabled and enabled")
        life.roam(1, 4)
        life.finish()


if __name__ == "__main__":
    tap.main(test_dhcpcd, test_nobody)
