#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""NetworkManager with a cable and "Wi-Fi": what it says of their cost, and what becomes of
flows when it disconnects one of them."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from dock import Blast, Dock, faults
from lab import ARS, anchor_of, wait_for
from living import SETTLES

RATE = 500                      # packets a second, each way
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd",
                      "NetworkManager", "dispatcher.d", "50-dmip6")
METERED = "/run/dmip6/metered"
PROGRAMS = (*managers.NetworkManager.PROGRAMS, "nm-dispatcher")


def begin(lab, dispatch=False):
    """The network and NetworkManager; nothing is plugged in."""
    lab.build()
    for n in ARS:
        lab.start_had(n)
    nm = managers.NetworkManager(lab, managers.NetworkManager.DOCKED)
    if dispatch:
        nm.start_dispatcher(SCRIPT)
    nm.start()
    return nm


def start_mnd(lab, nm):
    nm.cell.call("mkdir", "-p", "/run/dmip6")           # as RuntimeDirectory= does
    nm.cell.popen("mn", lab.mnd_command())
    lab.wait_ready("mn")


def dispatched(lab):
    return lab.log("dispatcher")[-2000:]


def test_metered(t):
    """what a profile says of cost is known to the daemon, from the first moment and later"""
    with Dock(tap.BINDIR) as lab:
        nm = begin(lab, dispatch=True)
        lab.airnl.link(lab.links["mn"], master=lab.links["br1"])
        lab.airnl.link(lab.links["mn"], up=True)

        def told(name, cost):
            return nm.cell.run("test", "-e", f"{METERED}/{name}").returncode == (not cost)

        def becomes(name, cost, what):
            t.ok(wait_for(lambda: lab.interface(name)["metered"] == cost, SETTLES, 0.02), what,
                 (lab.status("mn")["interfaces"], dispatched(lab)))

        def order():
            rows = lab.ctl("mn", "status")["interfaces"]
            return [(i["interface"], bool(i["metered"])) for i in
                    sorted(rows, key=lambda i: not i["current"])]

        nm.nmcli("connection", "modify", "wifi", "connection.metered", "yes")
        nm.nmcli("connection", "up", "wifi")
        t.ok(wait_for(lambda: told("wlan0", True), SETTLES, 0.05),
             "NetworkManager was there before the daemon: it is told for later", dispatched(lab))
        start_mnd(lab, nm)
        lab.join("wlan0", 1)
        becomes("wlan0", True, "the daemon knows from the beginning that Wi-Fi costs")
        blast = Blast(lab, RATE)
        lab.join("eth0", 2)
        lab.carried_from(blast.source, 2)
        t.equal(order(), [("eth0", False), ("wlan0", True)], "and prefers the cable")

        nm.nmcli("connection", "modify", "cable", "connection.metered", "yes")
        nm.nmcli("connection", "modify", "wifi", "connection.metered", "no")
        nm.nmcli("device", "reapply", "wlan0")
        becomes("wlan0", False, "Wi-Fi costs no longer, by reapply")
        nm.nmcli("device", "reapply", "eth0")
        becomes("eth0", True, "the cable costs now, by reapply")
        lab.carried_from(blast.source, 1)
        t.equal(order(), [("wlan0", False), ("eth0", True)], "and Wi-Fi is preferred")
        cn, mn = blast.finish()
        t.equal(faults(cn, mn), [], "nothing is lost when the preference changes")

        # A modem's device is ttyUSB0, say, and its interface wwan0.
        nm.dispatch(SCRIPT, "wwan0", "up", device="eth0")
        t.ok(told("wwan0", True), "a modem is asked for by its own name")
        nm.dispatch(SCRIPT, "wwan0", "down", device="eth0")
        t.ok(told("wwan0", False), "and costs nothing when it is down")
        nm.cell.call("ln", "-s", "/run/elsewhere", f"{METERED}/wwan1")
        nm.dispatch(SCRIPT, "wwan1", "up", device="eth0")
        t.ok(nm.cell.run("test", "-e", "/run/elsewhere").returncode,
             "a link in the daemon's folder is not followed")

        nm.nmcli("device", "disconnect", "eth0")
        becomes("eth0", False, "what is disconnected costs nothing")


def dock(t, conf, preferred):
    """Wi-Fi, then the cable, too; Wi-Fi is disconnected and connected again."""
    with Dock(tap.BINDIR, conf=conf) as lab:
        nm = begin(lab)
        start_mnd(lab, nm)
        lab.join("wlan0", 1)
        blast = Blast(lab, RATE)
        t.equal(anchor_of(blast.source), 1, "a flow begins on the address of Wi-Fi")
        lab.join("eth0", 2)
        lab.carried_from(blast.source, 2 if preferred else 1)
        time.sleep(0.5)
        t.ok(lab.interface("eth0" if preferred else "wlan0")["current"],
             "it is carried by what is preferred", lab.status("mn")["interfaces"])
        nm.nmcli("device", "disconnect", "wlan0")
        lab.carried_from(blast.source, 2)
        t.ok(lab.interface("eth0")["current"], "Wi-Fi is disconnected: the cable carries it",
             lab.status("mn")["interfaces"])
        time.sleep(1.0)
        nm.nmcli("device", "connect", "wlan0")
        lab.joined("wlan0", 1)
        lab.carried_from(blast.source, 2 if preferred else 1)
        time.sleep(1.0)
        lab.carried_from(blast.source, 2 if preferred else 1)
        cn, mn = blast.finish()
        if preferred:
            t.equal(faults(cn, mn), [], "nothing was lost")
        t.note(f"lost {mn['sent'] - cn['received']} of {mn['sent']} up, "
               f"{cn['sent'] - mn['received']} of {cn['sent']} down at {RATE} a second: {cn['missing'][:40]}, "
               f"{mn['missing'][:40]}; the kernel refused {mn['refused']}")
        t.ok(cn["received"] > mn["sent"] // 2 and mn["received"] > cn["sent"] // 2
             and not mn["tcp_error"] and not cn["tcp_error"], "the flow lived through it",
             (cn["tcp_error"], mn["tcp_error"]))

        def released():
            a = lab.anchor(blast.source)
            return not a or a["state"] == "attached"
        t.ok(wait_for(released, SETTLES), "when it has ended nothing is kept for it",
             lab.anchor(blast.source))


def test_cable_preferred(t):
    """Wi-Fi is disconnected when the cable carries the flow already: nothing is lost"""
    dock(t, "interface eth0;\ninterface wlan0;", True)


def test_wifi_preferred(t):
    """the flow's own interface is disconnected: the other takes over, and gives it back"""
    dock(t, "interface wlan0;\ninterface eth0;", False)


if __name__ == "__main__":
    tap.main(test_metered, test_cable_preferred, test_wifi_preferred,
             skip=managers.missing(*PROGRAMS))
