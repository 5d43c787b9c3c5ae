#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the daemons leave in the kernel: nothing after a stop, nothing after --cleanup. What
belongs to one that runs is left alone."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import Lab, wait_for
from play import Play

BOXES = ("mn", "ar1", "ar2")
DAEMON = {"mn": "dmip6-mnd", "ar1": "dmip6-had", "ar2": "dmip6-had"}


def snapshot(lab):
    """What our daemons could have changed; what the kernel learns by itself from Router
    Advertisements is the kernel's and goes by itself."""
    out = {}
    for box in BOXES:
        s = lab.kernel_state(box)
        s["routes"] = [r for r in s["routes"] if "proto ra" not in r
                       and "multicast" not in r and "anycast" not in r and "local " not in r
                       and not r.startswith("fe80::/64 ")]
        s["addresses"] = [a for a in s["addresses"] if "dynamic" not in a and "fe80" not in a]
        s["links"] = sorted(x.split(": ")[1].split("@")[0] for x in s["links"])
        out[box] = s
    return out


def away(lab):
    """A laboratory with a binding at AR1 for an MN at AR2."""
    lab.build()
    # The kernel's own link-local addresses and routes have come.
    wait_for(lambda: all("tentative" not in lab.run(b, "ip", "-6", "addr").stdout
                         for b in ("ar1", "ar2")), 5.0, 0.1)
    before = snapshot(lab)
    lab.start_had(1)
    lab.start_had(2)
    lab.start_mnd()
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.3)
    play.move(2)
    wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
    play.run_for(0.3)
    return before


def compare(t, lab, before, what):
    after = snapshot(lab)
    for box in BOXES:
        for kind in before[box]:
            gone = [x for x in before[box][kind] if x not in after[box][kind]]
            new = [x for x in after[box][kind] if x not in before[box][kind]]
            t.ok(not gone and not new and before[box][kind] == after[box][kind],
                 f"{what}: {box}'s {kind} are as before", f"gone {gone}, new {new}")


def test_stopped(t):
    """SIGTERM"""
    with Lab(tap.BINDIR) as lab:
        before = away(lab)
        for box in BOXES:
            t.equal(lab.kill(box, signal.SIGTERM), 0, f"{box}'s daemon ends with 0 on SIGTERM")
            t.ok(not os.path.exists(lab.sock(box)), f"{box}'s control socket is gone")
        compare(t, lab, before, "stopped")


def test_killed(t):
    """SIGKILL, then --cleanup"""
    with Lab(tap.BINDIR) as lab:
        before = away(lab)
        for box in BOXES:
            lab.kill(box, signal.SIGKILL)
        t.ok(snapshot(lab) != before, "killed, they leave something")
        for box in BOXES:
            p = lab.run(box, lab.bin(DAEMON[box]), "--cleanup")
            t.equal((p.returncode, p.stderr), (0, ""), f"--cleanup of {DAEMON[box]} on {box}")
        compare(t, lab, before, "cleaned up")
        for box in BOXES:
            p = lab.run(box, lab.bin(DAEMON[box]), "--cleanup")
            t.equal(p.returncode, 0, f"--cleanup with nothing to do, on {box}")


def test_beside(t):
    """--cleanup, and a second daemon, beside one that runs"""
    with Lab(tap.BINDIR) as lab:
        away(lab)
        before = snapshot(lab)
        for box in BOXES:
            name = DAEMON[box]
            for _ in range(3):      # again and again
                p = lab.run(box, lab.bin(name), "--cleanup")
                t.equal((p.returncode, p.stdout), (1, ""), f"{box}: --cleanup is refused")
            t.ok(f"{name} (process" in p.stderr, f"{box}: and says why", p.stderr)
            other = lab.path(f"{box}-other")
            args = ["--interface", "acc0", "--prefix", "2001:db8:9::/56"] if box != "mn" else []
            p = lab.run(box, lab.bin(name), "--state-dir", other, "--control", other + ".sock",
                        *args)
            t.equal(p.returncode, 1, f"{box}: a second daemon is refused")
            t.ok(f"{name} (process" in p.stderr, f"{box}: and says why", p.stderr)
            foreign = "dmip6-mnd" if box != "mn" else "dmip6-had"
            args = ["--interface", "wlan0", "--prefix", "2001:db8:9::/56"] if box == "mn" else []
            p = lab.run(box, lab.bin(foreign), "--state-dir", other, "--control",
                        other + ".sock", *args)
            t.equal(p.returncode, 1, f"{box}: a daemon of the other kind is refused")
            t.ok(f"{name} (process" in p.stderr, f"{box}: and says why", p.stderr)
        t.equal(snapshot(lab), before, "nothing in the kernel has changed")


def hold_name(name):
    """An ordinary user's process that has a daemon's name among the abstract sockets."""
    s = socket.socket(socket.AF_UNIX)
    s.bind("\0" + name)
    s.listen(1)
    os.setuid(65534)
    signal.pause()


def test_ordinary_user(t):
    """a name that an ordinary user holds keeps no daemon from starting"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.spawn("holder", "ar1", hold_name, "dmip6")
        t.ok(wait_for(lambda: "@dmip6\n" in lab.run("ar1", "cat", "/proc/net/unix").stdout, 5.0),
             "an ordinary user has the name")
        lab.start_had(1)
        t.equal(lab.status("ar1")["role"], "ha", "the daemon runs")


if __name__ == "__main__":
    tap.main(test_stopped, test_killed, test_beside, test_ordinary_user)
