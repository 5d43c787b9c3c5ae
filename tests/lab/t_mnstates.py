#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6-mnd is killed in every state of an anchor: the next run brings to its end what was left
open, and the flow lives."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import Lab, wait_for
from play import wait_released
from t_mnchaos import again, begin, finish, in_state, states


def silence(lab, n, on):
    """No Mobility Header leaves ARn: the mobile node gets no answer."""
    lab.run(f"ar{n}", "sh", "-c", "nft add table ip6 silence && nft add chain ip6 silence out "
            "'{ type filter hook output priority 0; }' && "
            "nft add rule ip6 silence out meta l4proto 135 drop"
            if on else "nft delete table ip6 silence")


def strange(lab, n, on):
    """ARn's home agent has another key: it takes nothing from the mobile node."""
    lab.write(f"ar{n}.conf", lab.key_text().replace(lab.secret, "77" * 32) if on
              else lab.key_text())
    lab.kill(f"ar{n}", signal.SIGUSR1)
    lab.start_had(n)


def test_attached(t):
    """killed at home; the next move is a move as any"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        again(lab)
        t.ok(in_state(lab, hoa, "attached"), "attached again", states(lab))
        play.run_for(0.3)
        play.move(2)
        t.ok(in_state(lab, hoa, "bound"), "the flow is carried on", states(lab))
        finish(t, lab, play, "attached")


def test_departed(t):
    """killed out of reach of everybody"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.move(0)
        t.ok(in_state(lab, hoa, "departed"), "out of reach", states(lab))
        again(lab)
        t.equal(states(lab).get(hoa), "departed", "the next run knows what it waits for")
        play.run_for(0.5)
        play.move(3)
        t.ok(in_state(lab, hoa, "bound"), "the flow is carried on", states(lab))
        finish(t, lab, play, "departed")


def test_unanswered(t):
    """killed while the home agent does not answer: registering, then unreachable"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        silence(lab, 1, True)
        play.move(2)
        t.ok(in_state(lab, hoa, "registering"), "registering", states(lab))
        again(lab)
        t.ok(in_state(lab, hoa, "registering"), "it asks again", states(lab))
        t.ok(in_state(lab, hoa, "unreachable"), "unreachable", states(lab))
        again(lab)
        t.ok(in_state(lab, hoa, "registering"), "and again", states(lab))
        silence(lab, 1, False)
        t.ok(in_state(lab, hoa, "bound"), "until there is an answer", states(lab))
        finish(t, lab, play, "unanswered")


def test_refreshing(t):
    """killed while a refresh is not answered"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab, "binding-lifetime 12s;\n")
        play.move(2)
        in_state(lab, hoa, "bound")
        silence(lab, 1, True)
        t.ok(in_state(lab, hoa, "refreshing"), "refreshing", states(lab))
        again(lab)
        silence(lab, 1, False)
        t.ok(in_state(lab, hoa, "bound"), "bound again", states(lab))
        finish(t, lab, play, "refreshing")


def test_releasing(t):
    """killed between the end of the flow and the home agent's answer"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.run_for(0.3)
        silence(lab, 1, True)
        play.end(1)
        t.ok(in_state(lab, hoa, "releasing"), "releasing", states(lab))
        again(lab)
        t.ok(in_state(lab, hoa, "releasing", "departed"), "the next run knows of it",
             states(lab))
        silence(lab, 1, False)
        left = wait_released(lab, [1], 40.0)
        t.ok(measure.nothing_left(left.values()), "the home agent is told, nothing is left", left)
        t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")


def test_returning(t):
    """killed at home, while the home agent has not said that it knows"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.run_for(0.3)
        strange(lab, 1, True)
        play.move(1)
        t.ok(in_state(lab, hoa, "returning"), "returning", states(lab))
        again(lab)
        t.ok(in_state(lab, hoa, "returning"), "the next run goes on telling", states(lab))
        strange(lab, 1, False)
        t.ok(in_state(lab, hoa, "attached"), "until it knows", states(lab))
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 5.0), "no binding is left")
        finish(t, lab, play, "returning")


def test_refused(t):
    """killed while there is no key"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        with_key = lab.path("mn.conf")
        play.move(2)
        in_state(lab, hoa, "bound")
        lab.write("mn.conf", "linger 1s;\n")
        t.equal(lab.ctl_raw("mn", "reload").returncode, 0, "the key is taken away")
        t.ok(in_state(lab, hoa, "refused"), "refused", states(lab))
        again(lab)
        t.ok(in_state(lab, hoa, "refused"), "so it is in the next run", states(lab))
        lab.write("mn.conf", f"linger 1s;\n{lab.key_text()}")
        t.equal(lab.ctl_raw("mn", "reload").returncode, 0, f"{os.path.basename(with_key)} again")
        t.ok(in_state(lab, hoa, "bound"), "bound again", states(lab))
        finish(t, lab, play, "refused")


def test_came_home(t):
    """it comes home while the daemon is dead"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.run_for(0.3)
        lab.kill("mn")
        play.move(1)
        time.sleep(0.5)
        lab.start_mnd()
        t.ok(in_state(lab, hoa, "attached"), "it is at home", states(lab))
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 5.0), "the home agent is told")
        finish(t, lab, play, "came home")


if __name__ == "__main__":
    tap.main(test_attached, test_departed, test_unanswered, test_refreshing, test_releasing,
             test_returning, test_refused, test_came_home)
