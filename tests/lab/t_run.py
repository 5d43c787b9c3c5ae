#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6-run: programs that know nothing of classes have addresses of one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import CN, Lab, anchor_of, mono, wait_for
from program import PORT, Program, echo
from shared import HOA, PREFIX, SharedLink

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = [sys.executable, os.path.join(HERE, "kinds.py"), CN[1], str(PORT)]
BY_CLASS = ("tcp", "fast open", "udp connect", "udp sendto", "udp sendmsg", "udp sendmmsg", "forked",
            "child")
STATIC = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
int main(int argc, char **argv)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(7900) };
	socklen_t n = sizeof(a);
	char s[64];
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, argv[argc - 1], &a.sin6_addr);
	connect(fd, (struct sockaddr *)&a, n);
	getsockname(fd, (struct sockaddr *)&a, &n);
	puts(inet_ntop(AF_INET6, &a.sin6_addr, s, sizeof(s)));
	return 0;
}
"""


def answer():
    """A correspondent of UDP: what comes goes back."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::", PORT))
        while True:
            data, peer = s.recvfrom(64)
            s.sendto(data, peer)


class Mobile(Lab):
    conf = ""

    def begin(self):
        """One home, at AR1, far from where the mobile node is."""
        self.build()
        SharedLink(self)
        self.start_had(2)
        self.start_had(3)
        self.write("mn.conf", f"linger {self.linger};\n{self.key_text()}"
                   f"home office {{ prefix {PREFIX}; address {HOA}; }}\n{self.conf}")
        self.spawn("echo", "cn1", echo)
        self.spawn("answer", "cn1", answer)
        self.move(2)
        self.start_mnd()
        wait_for(lambda: any(a["hoa"] == HOA and a["state"] == "bound"
                             for a in self.status("mn")["anchors"]), 10.0)
        return wait_for(lambda: (lambda s: s if s and anchor_of(s) == 2 else None)(self.source()),
                        10.0)

    def launch(self, *args, env=(), timeout=60):
        """dmip6-run with these arguments, on the mobile node."""
        return self.run("mn", "env", f"DMIP6_APPLICATIONS={self.path('applications.sock')}",
                        f"DMIP6_UNITS={self.path('units')}", *env, self.bin("dmip6-run"), *args,
                        timeout=timeout)

    def preload(self):
        return os.path.join(tap.BINDIR, "lib", "libdmip6-preload.so")

    def kinds(self, *args, own, env=()):
        p = self.launch(*args, *KINDS, own, env=env)
        try:
            return json.loads(p.stdout), p.stderr
        except ValueError:
            return {}, p.stderr


def test_kinds(t):
    """each way to speak to somebody"""
    with Mobile(tap.BINDIR) as lab:
        here = lab.begin()
        got, said = lab.kinds("--class", "fixed", own=here)
        t.equal({k: got.get(k) for k in BY_CLASS}, {k: HOA for k in BY_CLASS},
                "all have the address of the home")
        t.equal(got.get("threads"), [HOA], "threads too")
        t.equal({k: got.get(k) for k in ("bound", "bound port", "near", "listening", "ipv4")},
                {"bound": here, "bound port": here, "near": "::1", "listening": "::",
                 "ipv4": "127.0.0.1"}, "what is bound, near, listens or of IPv4 is left alone")
        t.ok("preloaded library" in said, "it says how it is done", said)
        got, said = lab.kinds("--class=nonpersistent", "--quiet", "--", own=HOA)
        t.equal([{got.get(k) for k in BY_CLASS}, got.get("bound"), said], [{here}, HOA, ""],
                "nonpersistent: the newest address, and quietly")
        got, said = lab.kinds("--class", "session", "--anchor", "office", own=here)
        t.equal({got.get(k) for k in BY_CLASS}, {HOA}, "a session of an anchor that was named")
        p = subprocess.run(["gcc", "-static", "-x", "c", "-", "-o", lab.path("static")],
                           input=STATIC, text=True, capture_output=True, check=False)
        if p.returncode == 0:
            got = lab.launch("--class", "fixed", lab.path("static"), CN[1])
            t.equal(got.stdout.strip(), here, "a static program is not reached, and works")
            t.ok("static" in got.stderr, "as it says", got.stderr)
        else:
            t.note("no static libc is here")


def test_refused(t):
    """who may not, what there is not, and a daemon that is not there"""
    with Mobile(tap.BINDIR) as lab:
        lab.conf = "class session { allow nobody; }\n"
        here = lab.begin()

        def result(*args, env=()):
            p = lab.launch(*args, env=env)
            return p.returncode, p.stderr
        t.equal(result("--quiet", "sh", "-c", "exit 3"), (3, ""), "the exit code is the program's")
        for args, code, text in (
                (("--class", "eternal", "true"), 2, "no class of addresses: eternal"),
                (("--anchor", "a b", "true"), 2, "no name of an anchor: a b"),
                ((), 2, "nothing to run"),
                (("--bogus", "true"), 2, "usage:"),
                (("--anchor", "attic", "true"), 125, "there is no such anchor"),
                (("/no/such/program",), 127, "No such file or directory"),
                (("/etc",), 126, "Permission denied"),
                (("enable", "../x.service"), 2, "is no unit"),
                (("enable", "ssh"), 2, "is no unit"),
                (("disable", "ssh.service"), 126, "No such file or directory")):
            got = result(*args)
            t.ok(got[0] == code and text in got[1], f"{' '.join(args)}: {code}", got)
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        for c in ("fixed", "session"):
            got = result("--class", c, "true", env=user)
            t.ok(got[0] == 125 and "does not allow it to you" in got[1],
                 f"{c}: not for a user who may not", got)
        # What the daemon refuses later is the call's error, not the program's address.
        fixed = ["DMIP6_CLASS=fixed", f"LD_PRELOAD={lab.preload()}"]
        p = lab.run("mn", "env", f"DMIP6_APPLICATIONS={lab.path('applications.sock')}", *fixed,
                    *KINDS, here, "65534")
        t.equal({json.loads(p.stdout)[k] for k in BY_CLASS if k != "child"}, {"EPERM"},
                "a call that is refused says why")
        pid = lab.procs["mn"].pid
        os.kill(pid, signal.SIGSTOP)
        began = mono()
        code = ("import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); "
                f"s.connect(({CN[1]!r}, {PORT})); print(s.getsockname()[0])")
        p = lab.launch(sys.executable, "-c", code)
        t.equal(p.stdout.strip(), here, "a daemon that stands still: as without")
        t.ok("does not answer" in p.stderr and mono() - began < 8, "after a time, and told",
             (p.stderr, mono() - began))
        os.kill(pid, signal.SIGCONT)
        lab.kill("mn", signal.SIGKILL)
        got, said = lab.kinds("--class", "fixed", own="::1")
        t.equal({got.get(k) for k in BY_CLASS if k != "child"}, {here}, "no daemon: as without")
        t.ok("dmip6-mnd does not run" in said, "it is told", said)


def test_environment(t):
    """what was preloaded stays; a service is started so, and not any more"""
    with Mobile(tap.BINDIR) as lab:
        here = lab.begin()
        p = lab.launch("--quiet", "sh", "-c", "echo $LD_PRELOAD:$DMIP6_CLASS:$DMIP6_ANCHOR",
                       env=("LD_PRELOAD=libm.so.6",))
        t.equal(p.stdout.strip(), f"{lab.preload()}:libm.so.6:session:", "what was preloaded stays")
        os.makedirs(lab.path("units"))
        p = lab.launch("--class", "fixed", "--anchor", "office", "enable", "a@b.service")
        path = lab.path("units/a@b.service.d/50-dmip6.conf")
        t.ok(p.returncode == 0 and "systemctl daemon-reload" in p.stderr,
             "a unit is enabled, and what is to be done is said", (p.returncode, p.stderr))
        with open(path, encoding="ascii") as f:
            text = f.read()
        env = [re.sub(r'^Environment="?(.*?)"?$', r"\1", line) for line in text.splitlines()
               if line.startswith("Environment=")]
        p = lab.run("mn", "env", f"DMIP6_APPLICATIONS={lab.path('applications.sock')}", *env,
                    *KINDS, here)
        t.equal({json.loads(p.stdout)[k] for k in BY_CLASS}, {HOA}, "its programs have the class")
        with open(lab.path("units/a@b.service.d/other.conf"), "w", encoding="ascii"):
            pass
        t.equal(lab.launch("disable", "a@b.service").returncode, 0, "and is disabled")
        t.equal(os.listdir(lab.path("units/a@b.service.d")), ["other.conf"],
                "what others put there stays")


class Roaming(Mobile):
    def begin(self):
        self.build()
        for n in (1, 2, 3):
            self.start_had(n)
        self.write("mn.conf", f"linger {self.linger};\n{self.key_text()}{self.conf}")
        self.start_mnd()
        self.spawn("echo", "cn1", echo)
        self.move(1)
        return self.at_address(1)

    def at_address(self, n):
        return wait_for(lambda: (lambda s: s if s and anchor_of(s) == n else None)(self.source()),
                        10.0)

    def state(self, hoa):
        return next((a["state"] for a in self.status("mn")["anchors"] if a["hoa"] == hoa), None)


def test_three_moves(t):
    """like ssh, like a download, like a browser, over three moves"""
    with Roaming(tap.BINDIR) as lab:
        home = lab.begin()
        ssh = Program(lab, tap.BINDIR, None, run=["--class", "session"])
        load = Program(lab, tap.BINDIR, None, run=["--class", "nonpersistent"])
        t.equal([ssh.seen()["class"], load.seen()["class"]], [2, 1], "they have their class")
        t.equal([ssh.source, load.source], [home, home], "and begin on the newest address")
        for n in (2, 3, 2):
            lab.move(n)
            now = lab.at_address(n)
            t.ok(ssh.answered_since(mono()), f"AR{n}: the session goes on", ssh.seen()["error"])
            t.equal(load.failed(), "ECONNABORTED", "what is nonpersistent has ended")
            load = Program(lab, tap.BINDIR, None, run=["--class", "nonpersistent"])
            t.equal(load.source, now, "and begins again on the new address")
            t.ok(wait_for(lambda: lab.state(home) == "bound", 10.0),
                 "the session's anchor is held", lab.state(home))
        ssh.stop()
        t.ok(wait_for(lambda: lab.state(home) is None, 10.0), "until the session ends",
             lab.state(home))


if __name__ == "__main__":
    tap.main(test_kinds, test_refused, test_environment, test_three_moves)
