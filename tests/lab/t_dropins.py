#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What `make install' puts beside the network managers keeps them away from what is ours."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from lab import Lab, wait_for
from living import SETTLES, Life

MISSING = managers.missing(*managers.Networkd.PROGRAMS, *managers.NetworkManager.PROGRAMS)


def install(cell, source, target):
    with open(os.path.join(tap.SRCDIR, "systemd", source), encoding="utf-8") as f:
        cell.write(target, f.read())


def away(t, lab):
    """The MN at its second router, with a flow of the first."""
    for n in (1, 2):
        lab.start_had(n)
    lab.start_mnd()
    life = Life(t, lab, {1: 1})
    life.roam(1, 1)
    life.roam(2)
    return life


def deleted(lab):
    return lab.status("mn")["counters"]["deleted-by-others"]


def test_networkd(t):
    """systemd-networkd deletes what it did not make, unless it is told not to"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        networkd = managers.Networkd(lab)
        networkd.start()
        life = away(t, lab)
        life.check("reconfigured", lambda: networkd.networkctl("reconfigure", "wlan0"))
        t.ok(deleted(lab), "without the drop-in networkd deletes what is ours")
        t.contains(lab.status("mn")["health"]["text"], "systemd-network (process",
                   "and status says who it was")
        install(networkd.cell, "networkd.conf.d/50-dmip6.conf",
                "/run/systemd/networkd.conf.d/50-dmip6.conf")
        install(networkd.cell, "network/00-dmip6.network",
                "/run/systemd/network/00-dmip6.network")
        # One that takes every device.
        networkd.cell.write("/etc/systemd/network/10-all.network",
                            "[Match]\nName=*\n[Network]\nIPv6AcceptRA=yes\n")
        networkd.stop()
        networkd.start()
        life.settled("networkd restarted with the drop-in")
        before = deleted(lab)
        networkd.networkctl("reload")
        networkd.networkctl("reconfigure", "wlan0")
        life.play.run_for(1.0)
        networkd.stop()
        networkd.start()
        life.play.run_for(1.0)
        t.equal(deleted(lab) - before, 0, "with the drop-in it deletes nothing of ours")
        setup = [x.split()[-1] for x in networkd.networkctl("list").splitlines()
                 if " dmip6mn0 " in x]
        t.equal(setup, ["unmanaged"], "our device is not managed")
        life.finish()


def test_networkmanager(t):
    """NetworkManager does not take our device for a connection"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        nm = managers.NetworkManager(lab)
        install(nm.cell, "NetworkManager/50-dmip6.conf",
                "/etc/NetworkManager/conf.d/50-dmip6.conf")
        # A distribution's file that says which devices it leaves alone.
        nm.cell.write("/etc/NetworkManager/conf.d/90-other.conf",
                      "[keyfile]\nunmanaged-devices=interface-name:other0\n")
        nm.start()
        life = away(t, lab)
        states = dict(x.split(":", 1) for x in
                      nm.nmcli("-t", "-f", "DEVICE,STATE", "device").splitlines())
        t.equal(states.get("dmip6mn0"), "unmanaged", "our device is not managed")
        t.equal(states.get("wlan0"), "connected", "the others are")
        life.finish()


if __name__ == "__main__":
    tap.main(test_networkd, test_networkmanager, skip=MISSING)
