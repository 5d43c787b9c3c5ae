#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Time goes by without the daemons: the computer sleeps, or they are stopped for a while, or more
happens than the kernel can tell. Afterwards everything is as it should be, at once.

A computer cannot be put to sleep in a laboratory. Two things stand in for it: SIGSTOP, for as
long as a short binding lives; and programs that are linked with a clock that can be set forward
by an hour or a day (clock_jump.c) while the kernel's own clocks go on.
"""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import ARS, Lab, wait_for
from play import Play, wait_released

HOUR, DAY = 3600, 86400


def anchor(lab, hoa):
    return next((a for a in (lab.status("mn") or {"anchors": []})["anchors"]
                 if a["hoa"] == hoa), None)


def bound(lab, hoa, at, timeout=20.0):
    """The MN has it registered from ARn, and AR1 knows."""
    def there():
        a = anchor(lab, hoa)
        b = [x["coa"] for x in lab.status("ar1")["bindings"] if x["hoa"] == hoa]
        return a and a["state"] == "bound" and b == [a["coa"]] \
            and measure.names_pool(a["coa"], at)
    return wait_for(there, timeout, 0.05)


def away(lab, conf=""):
    """A flow that began at AR1, the MN at AR2."""
    lab.write("mn.conf", f"linger 1s;\n{conf}{lab.key_text()}")
    play = Play(lab, {1: 1})
    if "mn" not in lab.procs:
        lab.start_mnd()
    play.move(1)
    hoa = play.begin(1)["source"]
    play.run_for(0.3)
    play.move(2)
    bound(lab, hoa, 2)
    play.run_for(0.5)
    return play, hoa


def finish(t, lab, play, what):
    play.run_for(1.5)
    play.end(1)
    left = wait_released(lab, [1], 40.0)
    t.ok(measure.nothing_left(left.values()), f"{what}: afterwards nothing is left", left)
    t.equal(measure.flow_faults(play.finish(), 1), [], f"{what}: the flow is whole")


# ---- stopped --------------------------------------------------------------------------------------

def stopped(t, unseen, to):
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        play, hoa = away(lab, "binding-lifetime 10s;\n")
        lab.procs["mn"].send_signal(signal.SIGSTOP)
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 20.0, 0.1),
             "the binding runs out meanwhile")
        if to:
            play.move(to, unseen)
        time.sleep(7)
        lab.procs["mn"].send_signal(signal.SIGCONT)
        t.ok(bound(lab, hoa, to or 2), "it is registered again", lab.status("mn"))
        t.contains(lab.log("mn"), "s late", "and the log says what happened")
        finish(t, lab, play, "stopped")


def test_stopped(t):
    """the daemon is stopped for longer than its binding lives"""
    stopped(t, False, 0)


def test_stopped_and_carried(t):
    """and the computer is carried to another router meanwhile"""
    stopped(t, True, 3)


def test_home_agent_stopped(t):
    """the home agent's daemon is stopped, and refreshes wait for it"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        play, hoa = away(lab, "binding-lifetime 12s;\n")
        lab.procs["ar1"].send_signal(signal.SIGSTOP)
        time.sleep(15)
        lab.procs["ar1"].send_signal(signal.SIGCONT)
        t.ok(bound(lab, hoa, 2, 40.0), "it is registered", lab.status("mn"))
        t.contains(lab.log("ar1"), "s late", "and the log says what happened")
        finish(t, lab, play, "home agent stopped")


# ---- asleep ---------------------------------------------------------------------------------------

def set_clock(lab, box, seconds):
    with open(lab.path(f"{box}.clock"), "w", encoding="ascii") as f:
        f.write(str(seconds))


def sleep(lab, box, seconds):
    set_clock(lab, box, seconds)
    lab.status(box)                     # it turns: after a real sleep its timer would wake it


def start_sleepers(lab):
    """The MN and AR1 with clocks that can be set; they are not where a user finds programs."""
    for box, command in (("ar1", lab.had_command(1)), ("mn", lab.mnd_command())):
        name = os.path.basename(command[0])
        command[0] = lab.bin(f"tests/lab/{name}")
        lab.popen(box, box, command, {"DMIP6_TEST_CLOCK": lab.path(f"{box}.clock")})
        lab.wait_ready(box)
    for n in (2, 3):
        lab.start_had(n)


def test_hour(t):
    """an hour: the home agent has let the binding go long ago"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        start_sleepers(lab)
        play, hoa = away(lab)
        lab.procs["mn"].send_signal(signal.SIGSTOP)
        set_clock(lab, "mn", HOUR)
        sleep(lab, "ar1", HOUR)
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 5.0), "the binding has run out")
        t.contains(lab.log("ar1"), "s late", "AR1 has noticed")
        play.run_for(1.0)
        lab.procs["mn"].send_signal(signal.SIGCONT)
        t.ok(bound(lab, hoa, 2), "awake, the MN registers again", lab.status("mn"))
        t.ok(re.search(r"\d{4} s late", lab.log("mn")), "its log says that it slept")
        t.equal(lab.status("mn")["counters"]["flows-lost"], 0, "no flow was given up")
        finish(t, lab, play, "an hour")


def test_days(t):
    """three days: the home prefix has ended, and nothing can save the flow"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        start_sleepers(lab)
        play, hoa = away(lab)
        sleep(lab, "ar1", 3 * DAY)
        sleep(lab, "mn", 3 * DAY)
        t.ok(wait_for(lambda: anchor(lab, hoa) is None, 5.0), "the anchor is given up at once",
             lab.status("mn"))
        t.equal(lab.status("mn")["counters"]["flows-lost"], 2, "and it is told what was lost")
        t.ok(wait_for(lambda: not any(v for k, v in measure.leftovers(lab, 1)["mn"].items()
                                      if k != "filter"), 5.0, 0.1),
             "nothing is left of it", measure.leftovers(lab, 1))
        t.ok(wait_for(lambda: [a["interface"] for a in lab.status("mn")["attachments"]] ==
                      ["wlan0"], 10.0), "and it is attached where it is", lab.status("mn"))
        t.ok(lab.attached(2), "new flows begin there")
        play.finish()


# ---- more than the kernel can tell ----------------------------------------------------------------

def test_overrun(t):
    """news of the kernel is lost, and with it a move and the end of a rule"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        play, hoa = away(lab)
        lab.run("mn", "sh", "-c", "ip link add dmx type veth peer name dmy && "
                "ip link set dmx up && ip link set dmy up")
        lab.procs["mn"].send_signal(signal.SIGSTOP)

        def many(verb):
            text = "".join(f"addr {verb} 2001:db8:f::{i:x}/128 dev dmy nodad\n"
                           for i in range(1, 1800))
            lab.run("mn", "ip", "-6", "-batch", "-", stdin=text, timeout=60)
        many("add")
        play.move(3)
        lab.run("mn", "ip", "-6", "rule", "del", "from", hoa)
        many("del")
        lab.procs["mn"].send_signal(signal.SIGCONT)
        t.ok(wait_for(lambda: "read again" in lab.log("mn"), 10.0), "news was lost")
        t.ok(bound(lab, hoa, 3), "the MN has found out where it is", lab.status("mn"))
        t.ok(wait_for(lambda: any(hoa in r for r in lab.kernel_state("mn")["rules"]), 5.0, 0.1),
             "and put the rule back")
        finish(t, lab, play, "overrun")


if __name__ == "__main__":
    tap.main(test_stopped, test_stopped_and_carried, test_home_agent_stopped, test_hour,
             test_days, test_overrun)
