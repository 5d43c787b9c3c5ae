#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Registration at a home agent: a refresh that is asked for, and mobile nodes without a key."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import CN, HA, POOL, Lab, wait_for
from play import Play

BRR, BA = 0, 6


def mobility_headers(packets, kind):
    """Those of a type, behind their routing header."""
    found = []
    for p in packets:
        at, nh = 40, p[6]
        while nh in (43, 60):
            nh, at = p[at], at + (p[at + 1] + 1) * 8
        if nh == forge.MH and p[at + 2] == kind:
            found.append(p)
    return found


def test_refresh_request(t):
    """a binding that is in use is asked for before it ends"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", "binding-lifetime 20s;\n" + lab.key_text())
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 5.0), "the MN is bound at AR1")
        listener = lab.inside("mn", forge.Listener, "wlan0")
        # Its daemon is gone, its kernel goes on: nobody refreshes.
        lab.kill("mn", signal.SIGKILL)
        asked = wait_for(lambda: lab.status("ar1")["counters"]["tx-refresh-request"], 25.0, 0.1)
        t.ok(asked, "AR1's home agent asks for a refresh")
        t.ok(lab.status("ar1")["bindings"], "while the binding is there")
        heard = wait_for(lambda: mobility_headers(listener.answers(HA[1]), BRR), 2.0, 0.1)
        if t.ok(heard, "the request reaches the care-of address, by the home address"):
            t.equal(heard[0][6], 43, "with a routing header")
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 5.0, 0.1),
             "and unanswered it ends at its time")


def test_time_stamps(t):
    """a key that asks for time stamps"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        key = lab.key_text()
        lab.write("ar1.conf", key.replace("}", "timestamp required; }"))
        lab.write("mn.conf", f"linger {lab.linger};\n" + key.replace("}", "timestamp yes; }"))
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.3)
        road = lab.inside("core", forge.Listener, "ar2")
        play.move(2)
        t.ok(wait_for(lambda: bound(lab), 5.0), "the MN is bound")
        play.run_for(0.3)
        before, heard = bound(lab), road.binding_updates(HA[1])
        count = lab.status("ar1")["counters"]
        t.equal((count["bu-no-timestamp"], count["bu-timestamp"]), (0, 0), "at once")
        lab.inside("cn1", forge.send_routed, heard[-1])
        t.ok(wait_for(lambda: lab.status("ar1")["counters"]["bu-timestamp"], 2.0),
             "a replay is known by its time stamp")
        t.equal(bound(lab), before, "and changes nothing")
        play.end(1)
        t.ok(wait_for(lambda: not bound(lab), 10.0), "it is released when the flow has ended")


def without_a_key(lab, n, allowed):
    """The home agent's command, its prefix in the configuration."""
    block = "{ unauthenticated-registration insecure-allow; }" if allowed else ";"
    lab.write(f"ar{n}.conf", f"interface acc0;\nprefix {POOL[n]} {block}\n" + lab.key_text())
    cmd = lab.had_command(n)
    at = cmd.index("--prefix")
    return cmd[:at] + cmd[at + 2:]


def test_without_a_key(t):
    """registrations without a key, where the configuration allows them"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.popen("ar1", "ar1", without_a_key(lab, 1, True))
        lab.wait_ready("ar1")
        t.ok(wait_for(lambda: "INSECURE" in lab.status("ar1")["health"]["text"], 3.0, 0.1),
             "status says so", lab.status("ar1")["health"])
        t.ok(not lab.status("ar1")["health"]["ok"], "and that this is not well")
        t.contains(lab.log("ar1"), "INSECURE", "and so does the log")
        t.ok(lab.status("ar1")["homes"][0]["unauthenticated"], "and status --json")
        lab.start_mnd()
        lab.move(1)
        lab.attached(1)
        prefix = lab.status("ar1")["leases"][0]["prefix"]
        hoa = prefix.replace("::/64", "::77")
        listener = lab.inside("cn2", forge.Listener, "core0")
        # 4 octets of padding in place of the authentication option, as a standard MN sends it
        lab.inside("cn2", forge.send_routed,
                   forge.bu(hoa, HA[1], CN[2], 5, None, tail=b"\1\5" + bytes(5)))
        t.ok(wait_for(lambda: bound(lab), 2.0), "a Binding Update without a key is obeyed")
        answers = mobility_headers(listener.answers(HA[1]), BA)
        if t.equal(len(answers), 1, "and acknowledged"):
            at = 40 + (answers[0][41] + 1) * 8
            t.equal(answers[0][at + 6], 0, "with status 0")
            t.ok(b"\x09\x15\x01" not in answers[0][at + 12:], "and without authentication")
        before = bound(lab)
        for allowed, want in ((True, before), (False, [])):
            lab.kill("ar1", signal.SIGKILL)
            lab.popen("ar1", "ar1", without_a_key(lab, 1, allowed))
            lab.wait_ready("ar1")
            t.equal(bound(lab), want, f"after a restart with it {'' if allowed else 'not '}"
                    f"allowed the binding is {'there' if want else 'gone'}")
        t.ok(lab.status("ar1")["health"]["ok"], "and all is well then")
        count = lab.status("ar1")["counters"]["bu-no-authentication"]
        lab.inside("cn2", forge.send_routed,
                   forge.bu(hoa, HA[1], CN[2], 9, None, tail=b"\1\5" + bytes(5)))
        t.ok(wait_for(lambda: lab.status("ar1")["counters"]["bu-no-authentication"] > count, 2.0)
             and not bound(lab), "a further one is dropped and counted")


def bound(lab):
    return [(b["hoa"], b["coa"], b["sequence"]) for b in lab.status("ar1")["bindings"]]


if __name__ == "__main__":
    tap.main(test_refresh_request, test_time_stamps, test_without_a_key)
