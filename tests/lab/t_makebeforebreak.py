#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two interfaces at once: whatever one of them does, nothing is lost while the other works."""

import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from dock import Blast, Dock, faults, usable_rate
from lab import ARS, wait_for

RATE = 4000                     # packets a second, each way
MOVES = int(os.environ.get("MOVES", "100"))
OTHER = {"eth0": "wlan0", "wlan0": "eth0"}
ORDER = "interface eth0;\ninterface wlan0;"


def begin(t, lab):
    lab.build()
    for n in ARS:
        lab.start_had(n)
    lab.start_mnd()
    lab.join("wlan0", 1)
    rate, slow = usable_rate(lab, RATE)
    t.note(f"{rate} packets a second each way, on a machine {slow:.1f} times too slow for that, "
           f"data path {lab.status('mn')['configuration']['datapath']}")
    return Blast(lab, rate), slow


def judge(t, lab, blast, slow, what):
    cn, mn = blast.finish()
    t.equal(faults(cn, mn, slow), [], what)
    t.note(f"{mn['sent']} packets up, {cn['sent']} down; overtaken {cn['overtaken']} up, "
           f"{mn['overtaken']} down; TCP sent again {mn['retransmitted']} and "
           f"{cn['retransmitted']} times, {mn['spurious']} and {cn['spurious']} for nothing")
    drops = {n: lab.status(f"ar{n}")["counters"].get("data-path-drops") for n in ARS}
    t.note(f"dropped by source checks: {drops}, MN "
           f"{lab.status('mn')['counters'].get('tunnel-source-drops')}")


def test_moves(t):
    """from router to router, each time by the other interface, before the first goes"""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
    rand = random.Random(seed)
    t.note(f"SEED={seed}")
    with Dock(tap.BINDIR, conf=ORDER) as lab:
        blast, slow = begin(t, lab)
        interface, at, direct = "wlan0", 1, 0
        for _ in range(MOVES):
            interface, old = OTHER[interface], interface
            at = rand.choice([n for n in ARS if n != at])
            lab.join(interface, at)
            lab.ctl("mn", "handover", interface)
            lab.carried_from(blast.source, at)
            direct += lab.anchor(blast.source)["state"] == "attached"
            time.sleep(slow * rand.choice((0.02, 0.05, 0.1)))
            lab.leave(old)
            time.sleep(rand.choice((0.0, 0.02, 0.05)))
        t.note(f"{MOVES} moves, {direct} of them back to the link where the flow began")
        judge(t, lab, blast, slow, f"nothing is lost in {MOVES} moves, in either direction")


def test_dock(t):
    """Wi-Fi, then the cable, and Wi-Fi is taken away; then the cable, when it has been said"""
    with Dock(tap.BINDIR, conf=ORDER) as lab:
        blast, slow = begin(t, lab)
        lab.join("eth0", 2)
        lab.carried_from(blast.source, 2)
        t.ok(lab.interface("eth0")["current"], "the cable takes over by itself",
             lab.status("mn")["interfaces"])
        time.sleep(slow * 0.05)
        # As a network manager drops it: addresses first, then the link.
        lab.run("mn", "ip", "-6", "addr", "flush", "dev", "wlan0", "scope", "global")
        lab.run("mn", "ip", "link", "set", "wlan0", "down")
        time.sleep(1.0)
        lab.run("mn", "ip", "link", "set", "wlan0", "up")
        lab.join("wlan0", 3)
        lab.ctl("mn", "handover", "wlan0")
        lab.carried_from(blast.source, 3)
        time.sleep(slow * 0.05)
        lab.leave("eth0")
        time.sleep(0.5)
        judge(t, lab, blast, slow, "nothing is lost by docking and undocking")
        t.ok(wait_for(lambda: not lab.anchor(blast.source), 10.0),
             "when the flow has ended nothing is kept for it", lab.anchor(blast.source))


def test_pulled(t):
    """the cable is pulled out without a word: the flow goes on over Wi-Fi"""
    with Dock(tap.BINDIR, conf=ORDER) as lab:
        blast, _ = begin(t, lab)
        lab.join("eth0", 2)
        lab.carried_from(blast.source, 2)
        lab.leave("eth0")
        lab.carried_from(blast.source, 1)
        time.sleep(0.5)
        cn, mn = blast.finish()
        t.note(f"lost {mn['sent'] - cn['received']} of {mn['sent']} up, "
               f"{cn['sent'] - mn['received']} of {cn['sent']} down")
        t.ok(cn["received"] > mn["sent"] // 2 and mn["received"] > cn["sent"] // 2
             and not mn["tcp_error"], "the flow lives, on its own link again",
             (cn["tcp_error"], mn["tcp_error"]))


def test_preference(t):
    """what costs by volume, and what is never to be used"""
    with Dock(tap.BINDIR) as lab:
        blast, slow = begin(t, lab)
        lab.join("eth0", 2)
        time.sleep(0.5)
        t.equal(lab.anchor(blast.source)["state"], "attached",
                "between equals a flow stays where it is")
        lab.configure("metered wlan*;")
        t.equal(lab.ctl("mn", "reload")["changed"], "metered", "Wi-Fi costs now")
        lab.carried_from(blast.source, 2)
        t.ok(lab.interface("wlan0")["metered"] and lab.interface("eth0")["current"],
             "the other takes over", lab.status("mn")["interfaces"])
        lab.configure("metered wlan*;\nmetered eth0;")
        lab.ctl("mn", "reload")
        time.sleep(0.3)
        t.ok(lab.interface("eth0")["current"], "of two that cost, the current one remains")
        lab.configure("metered eth0;")
        lab.ctl("mn", "reload")
        lab.carried_from(blast.source, 1)
        judge(t, lab, blast, slow, "nothing is lost when preference changes")
        lab.configure("never eth0;")
        lab.ctl("mn", "reload")
        t.equal([i["interface"] for i in lab.status("mn")["interfaces"]], ["wlan0"],
                "what is never to be used is not")
        p = lab.ctl_raw("mn", "handover", "eth0")
        t.equal((p.returncode, "no interface of the mobile node" in p.stderr), (4, True),
                "nor by command")


if __name__ == "__main__":
    tap.main(test_moves, test_dock, test_pulled, test_preference)
