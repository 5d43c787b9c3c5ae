#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode with a session database on another machine, which is there, stopped, killed, and back
without anything that it knew. A real server; nobody's answers are made up."""

import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import HA, wait_for
from network import Domain
from play import Play
from t_network import through

SERVER, PORT = "2001:db8:0:1::1", 6379       # core's address; all routers have a way to it


def server_program():
    return next((p for p in ("redis-server", "redis-check-rdb", "valkey-server")
                 if shutil.which(p)), None)


class Remote(Domain):
    """A domain whose session database is a server of core's."""

    def database(self):
        return f"session-database redis {{ server [{SERVER}]:{PORT}; }}\n"

    def start_server(self):
        os.makedirs(self.path("redis"), exist_ok=True)
        # Debian's programs of Redis are one file, that goes by its name.
        self.popen("redis", "core", ["bash", "-c", "exec -a redis-server \"$0\" \"$@\"",
                                     server_program(), "--bind", SERVER, "--port", str(PORT),
                                     "--protected-mode", "no", "--save", "", "--appendonly", "no",
                                     "--dir", self.path("redis"), "--daemonize", "no"])

    def sessions(self, n):
        return self.status(f"ar{n}")["sessions"]

    def answering(self, *routers):
        return wait_for(lambda: all(self.sessions(n)["ok"] and not self.sessions(n)["behind"]
                                    for n in routers), 20.0, 0.05)


def begin(t, lab):
    lab.build()
    lab.host()
    lab.start_server()
    lab.start_domain("prefix-lifetime 1h;\n")
    t.ok(lab.answering(1, 2, 3), "all routers have their database", lab.sessions(1))
    play = Play(lab, {1: 1, 2: 2})
    play.move(1)
    play.begin(1)
    play.run_for(0.5)
    t.ok(wait_for(lambda: lab.sessions(1)["records"] == 1 and not lab.sessions(1)["behind"], 5.0),
         "what AR1 has given is written there", lab.sessions(1))
    play.move(2)
    t.ok(lab.settled(2, 1), "at AR2 it is found there", lab.bindings(1))
    play.run_for(0.5)
    return play


def without(t, lab, play, what):
    """The database does not answer, and the host comes to AR3."""
    play.move(3)
    line = play.begin(2)
    t.ok(line["source"].startswith("2001:db8:1:301:"), f"{what}: a new flow gets AR3's prefix",
         line["source"])
    t.equal(lab.visits(3), [], "of others nothing is known")
    t.ok(wait_for(lambda: not lab.status("ar3")["health"]["ok"], 10.0, 0.05),
         "its health says so", lab.status("ar3")["health"])
    t.ok("session database" in lab.status("ar3")["health"]["text"], "and why",
         lab.status("ar3")["health"])


def test_stopped(t):
    """the server hangs, and goes on"""
    with Remote(tap.BINDIR) as lab:
        play = begin(t, lab)
        os.kill(lab.procs["redis"].pid, signal.SIGSTOP)
        without(t, lab, play, "while it hangs")
        os.kill(lab.procs["redis"].pid, signal.SIGCONT)
        t.ok(wait_for(lambda: {v["anchor"] for v in lab.visits(3)} == {HA[1], HA[2]}, 30.0, 0.05),
             "it goes on: the host's sessions are found", lab.visits(3))
        t.ok(lab.settled(3, 1, 2), "and its anchors know")
        t.ok(wait_for(lambda: through(lab, 3) > 20, 30.0), "the first flow goes on", lab.visits(3))
        for f in (1, 2):
            play.end(f)
        run = play.finish()
        t.equal([x for f in (1, 2) for x in measure.flow_faults(run, f)], [], "both flows lived")


def test_killed(t):
    """the server is killed, and comes back empty"""
    with Remote(tap.BINDIR) as lab:
        play = begin(t, lab)
        lab.kill("redis", signal.SIGKILL)
        t.ok(through(lab, 2) > 20, "what is registered goes on without it", lab.visits(2))
        without(t, lab, play, "without it")
        lab.start_server()
        t.ok(lab.answering(1, 2, 3), "it is back: the routers have written all of it again",
             [lab.sessions(n) for n in (1, 2, 3)])
        t.ok(wait_for(lambda: {v["anchor"] for v in lab.visits(3)} == {HA[1], HA[2]}, 70.0, 0.05),
             "and the host's sessions are found", lab.visits(3))
        t.ok(lab.settled(3, 1, 2), "its anchors know")
        t.ok(wait_for(lambda: through(lab, 3) > 20, 30.0), "the first flow goes on", lab.visits(3))
        t.ok(lab.status("ar3")["health"]["ok"], "and AR3 is well", lab.status("ar3")["health"])
        for f in (1, 2):
            play.end(f)
        run = play.finish()
        t.equal([x for f in (1, 2) for x in measure.flow_faults(run, f)], [], "both flows lived")


if __name__ == "__main__":
    tap.main(test_stopped, test_killed, skip=None if server_program() else "there is no redis")
