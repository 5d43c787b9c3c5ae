#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Home agents that are not there, that have forgotten, and that say no: what people are told,
and what becomes of the flow."""

import os
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import CN, HA, Lab, wait_for
from play import Play


def ready(lab):
    lab.build()
    lab.start_had(1)
    lab.start_had(2)
    lab.start_mnd()
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.5)
    return play


def anchor(lab, n):
    """The anchor of the MN at this router, or {}."""
    found = [a for a in lab.status("mn")["anchors"] if a["ha"] == HA[n] and a["flows"]]
    return found[0] if found else {}


def state(lab, n):
    return anchor(lab, n).get("state")


def counter(lab, name):
    return lab.status("mn")["counters"][name]


def test_no_home_agent_there(t):
    """at the anchor's address is a node that knows nothing of Mobile IPv6, for a while"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        lab.kill("ar1", signal.SIGTERM)
        lab.run("ar1", "ip", "addr", "add", HA[1] + "/128", "dev", "lo")
        play.move(2)
        told = wait_for(lambda: counter(lab, "update-error"), 5.0)
        t.ok(told, "its errors are seen", lab.status("mn")["counters"])
        t.ok("it does not know" in anchor(lab, 1)["reason"], "and explain the silence",
             anchor(lab, 1))
        lab.run("ar1", "ip", "addr", "del", HA[1] + "/128", "dev", "lo")
        lab.start_had(1)
        t.ok(wait_for(lambda: state(lab, 1) == "bound", 40.0),
             "the home agent is back, and takes the binding", anchor(lab, 1))
        t.equal(anchor(lab, 1)["reason"], "", "and all is well")
        play.end(1)


def test_forgotten(t):
    """the anchor's dmip6-had has lost what it gave to whom"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        lost = anchor(lab, 1)["prefix"]
        lab.kill("ar1", signal.SIGKILL)
        shutil.rmtree(lab.path("ar1.state"))
        lab.start_had(1)
        play.move(2)
        t.ok(wait_for(lambda: state(lab, 1) == "refused", 5.0), "it refuses", anchor(lab, 1))
        reason = anchor(lab, 1)["reason"]
        t.ok("status 13" in reason, "the reason is shown, with the status", reason)
        health = lab.status("mn")["health"]
        t.ok(not health["ok"] and reason in health["text"], "and in the health", health)
        held = {f["path"] for f in lab.ctl("mn", "flows")["flows"]
                if f["anchor"] == lost and f["holds"]}
        t.equal(held, {"none"}, "nothing is said to carry its flow")
        before = counter(lab, "ba")
        time.sleep(3)
        t.equal(counter(lab, "ba"), before, "it is not asked all the time")
        play.move(1)
        t.ok(wait_for(lambda: any(a["ha"] == HA[1] and a["state"] == "attached"
                                  for a in lab.status("mn")["anchors"]), 10.0),
             "back there, what the router gives now is an anchor", lab.status("mn")["anchors"])
        t.ok(lost, "the prefix of before was " + lost)


def test_binding_error(t):
    """a Binding Error of the home agent makes the binding be made sure of, now and then"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        play.move(2)
        t.ok(wait_for(lambda: state(lab, 1) == "bound", 5.0), "bound", anchor(lab, 1))
        a, seen = anchor(lab, 1), counter(lab, "ba")
        packet = forge.binding_error(a["hoa"], a["ha"], a["coa"], 1)
        for _ in range(20):
            lab.inside("ar1", forge.send_routed, packet)
        t.ok(wait_for(lambda: counter(lab, "be") == 20, 5.0), "they arrive",
             lab.status("mn")["counters"])
        t.ok(wait_for(lambda: counter(lab, "ba") == seen + 1, 5.0),
             "one Binding Update is sent and acknowledged")
        time.sleep(1)
        t.equal(counter(lab, "ba"), seen + 1, "and only one")
        t.equal(state(lab, 1), "bound", "the binding lives")
        stranger = forge.binding_error(a["hoa"], CN[1], a["coa"], 1)
        lab.inside("cn1", forge.send_routed, stranger)
        t.ok(wait_for(lambda: counter(lab, "be-unknown") == 1, 5.0),
             "those of others are not believed")
        play.end(1)


def odd(lab, source, target, kind):
    """A Mobility Header of this type to the MN; what comes back, or None."""
    def ask():
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135) as s:
            s.settimeout(3)
            s.bind((source, 0))
            forge.send_routed(forge.mobility_header(source, target, kind))
            try:
                return s.recv(2048)[2:7].hex()
            except socket.timeout:
                return None
    return lab.inside("cn1", ask)


def test_unknown_type(t):
    """a Mobility Header of a type that is not known is answered"""
    with Lab(tap.BINDIR) as lab:
        play = ready(lab)
        back = odd(lab, CN[1], anchor(lab, 1)["hoa"], 200)
        # type 7, reserved, checksum, status 2
        t.ok(back and back.startswith("07") and back.endswith("02"),
             "by a Binding Error, status 2", back)
        t.equal(counter(lab, "be-sent"), 1, "and counted")
        play.end(1)


if __name__ == "__main__":
    tap.main(test_no_home_agent_there, test_forgotten, test_binding_error, test_unknown_type)
