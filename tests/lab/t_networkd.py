#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""systemd-networkd and the mobile node's daemon on one host."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from lab import ARS, Lab
from living import Life


def test_networkd(t):
    """connect, roam, reload, reconfigure, down and up, restart: with its own defaults"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        networkd = managers.Networkd(lab)
        networkd.start()
        lab.start_mnd()
        life = Life(t, lab, {1: 1, 2: 2, 3: 1, 4: 2})
        life.roam(1, 1)
        life.roam(2, 2)
        for what in (("reload",), ("reconfigure", "wlan0"), ("renew", "wlan0")):
            life.check(" ".join(what), lambda what=what: networkd.networkctl(*what))

        networkd.networkctl("down", "wlan0")
        life.play.run_for(1.0)
        lab.move(3)
        networkd.networkctl("up", "wlan0")
        life.begin(3)
        life.settled("down, up elsewhere")
        life.play.run_for(1.0)

        networkd.stop()
        networkd.start()
        life.settled("networkd restarted")
        life.roam(1, 4)
        life.finish()


if __name__ == "__main__":
    tap.main(test_networkd, skip=managers.missing(*managers.Networkd.PROGRAMS))
