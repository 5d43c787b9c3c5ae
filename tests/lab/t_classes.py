#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Classes of addresses (RFC 8653) through libdmip6: what a program of each sees when the host
moves, and what the host keeps for it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import CN, Lab, anchor_of, mono, wait_for
from program import PORT, Library, Program, as_user, echo
from shared import HOA, PREFIX, SharedLink

NOBODY = 65534
MANUAL = os.path.join(tap.SRCDIR, "man", "libdmip6.3")


class Mobile(Lab):
    conf = ""

    def begin(self):
        self.build()
        for n in (1, 2, 3):
            self.start_had(n)
        self.write("mn.conf", f"linger {self.linger};\n{self.key_text()}{self.conf}")
        self.start_mnd()
        self.spawn("echo", "cn1", echo)
        self.move(1)
        return self.at_address(1)

    def program(self, name, anchor=None):
        return Program(self, tap.BINDIR, name, anchor)

    def asked(self, func, uid=0, timeout=15.0):
        """What a program of the mobile node gets: func(Library), which gives JSON."""
        path = self.path("asked.json")

        def work():
            with open(path, "w", encoding="ascii") as f:
                json.dump(as_user(tap.BINDIR, self.path("applications.sock"), 0, func)
                          if not uid else None, f)
        if uid:
            open(path, "w", encoding="ascii").close()       # pylint: disable=consider-using-with
            os.chmod(path, 0o666)

            def work():                                     # pylint: disable=function-redefined
                result = as_user(tap.BINDIR, self.path("applications.sock"), uid, func)
                with open(path, "w", encoding="ascii") as f:
                    json.dump(result, f)
        self.wait(self.spawn("asked", "mn", work), timeout)
        with open(path, encoding="ascii") as f:
            return json.load(f)

    def anchor(self, hoa):
        return next((a for a in (self.status("mn") or {"anchors": []})["anchors"]
                     if a["hoa"] == hoa), None)

    def state(self, hoa):
        a = self.anchor(hoa)
        return a["state"] if a else None

    def at_address(self, n, timeout=10.0):
        """The mobile node's address of AR n, when it is preferred for what begins."""
        return wait_for(lambda: (lambda s: s if s and anchor_of(s) == n else None)(self.source()),
                        timeout)


def of_class(name, kind=socket.SOCK_DGRAM, anchor=None):
    """For asked(): what a socket of that class is bound to, or why not."""
    def work(lib):
        with socket.socket(socket.AF_INET6, kind) as s:
            error = lib.setsc(s.fileno(), name, anchor)
            return error or s.getsockname()[0]
    return work


def test_moves(t):
    """a connection of each class, and one move"""
    with Mobile(tap.BINDIR) as lab:
        lab.conf = "class graceful { keep 3s; }\n"
        home = lab.begin()
        plain, session = lab.program(None), lab.program("session")
        short, graceful = lab.program("nonpersistent"), lab.program("graceful")
        t.equal({p.source for p in (plain, session, short, graceful)}, {home},
                "all begin on the newest address")
        t.equal([p.seen()["class"] for p in (plain, session, short, graceful)], [0, 2, 1, 4],
                "and know their class")
        plain.stop()
        moved = mono()
        lab.move(2)
        t.equal(short.failed(), "ECONNABORTED", "nonpersistent: it is told at once that it is over")
        t.ok(short.seen()["ended"] - moved < 3, "within seconds", short.seen()["ended"] - moved)
        away = lab.at_address(2)
        t.ok(session.answered_since(mono()), "session: it goes on", session.seen()["error"])
        t.ok(graceful.answered_since(moved + 1.5) and not graceful.seen()["error"],
             "graceful: it goes on for a time", graceful.seen()["error"])
        t.equal(graceful.failed(10.0), "ECONNABORTED", "and then it ends")
        t.ok(2.5 < graceful.seen()["ended"] - moved < 8.0, "after what the configuration says",
             graceful.seen()["ended"] - moved)
        t.equal(lab.state(home), "bound", "the session holds the anchor")
        session.stop()
        t.ok(wait_for(lambda: lab.state(home) is None, 10.0), "until it is closed",
             lab.anchor(home))
        short = lab.program("nonpersistent")
        t.equal(short.source, away, "a new one has the new address")
        lab.move(3)
        t.equal(short.failed(), "ECONNABORTED", "and it ends with the next move")
        t.ok(wait_for(lambda: lab.state(away) is None, 5.0), "holding nothing", lab.anchor(away))


@contextlib.contextmanager
def control_group():
    """A new one: its directory and its path; None: this machine has none to make."""
    made = None
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
    if mounts:
        made = os.path.join(mounts[0], f"dmip6-{os.getpid()}")
        try:
            os.mkdir(made)
        except OSError:
            made = None
    try:
        yield (made, made[len(mounts[0]):]) if made else None
    finally:
        if made:
            os.rmdir(made)


class Grouped(Mobile):
    def mnd_command(self, extra=()):
        """"ip netns exec" mounts a new /sys, without control groups."""
        return ["sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', "sh",
                *super().mnd_command(extra)]


def policies_of(lab):
    return {f["local"]: f["policy"] for f in lab.ctl("mn", "flows")["flows"]
            if f["remote_port"] == PORT}


def test_policies(t):
    """classes for programs that ask for none, by port and user"""
    with Mobile(tap.BINDIR) as lab:
        lab.conf = ("policy others { class nonpersistent; user nobody; }\n"
                    "policy elsewhere { class nonpersistent; port 7901-7999; }\n"
                    f"policy rest {{ class nonpersistent; user root; port {PORT}; }}\n")
        home = lab.begin()
        plain, asked = lab.program(None), lab.program("session")
        t.equal({plain.source, asked.source}, {home}, "both begin on the newest address")
        lab.move(2)
        t.equal(plain.failed(), "ECONNABORTED", "the port's policy: it is told that it is over")
        t.ok(asked.answered_since(mono()), "what asks for a class has that", asked.seen()["error"])
        away = lab.at_address(2)
        asked.stop()
        plain = lab.program(None)
        t.equal((plain.source, policies_of(lab)), (away, {away: "rest"}), "flows names the policy")
        t.contains(lab.ctl_raw("mn", "flows").stdout, "by policy rest", "for people, too")
        lab.write("mn.conf", f"linger {lab.linger};\n{lab.key_text()}"
                  "policy rest { class nonpersistent; port 7901; }\n")
        t.contains(lab.ctl_raw("mn", "reload").stdout, "policy", "reload says that it is another")
        t.equal(policies_of(lab), {away: None}, "and the flow has none any more")
        lab.move(3)
        lab.at_address(3)
        t.ok(plain.answered_since(mono()), "it goes on", plain.seen()["error"])


def test_groups(t):
    """classes by control group"""
    with control_group() as group, Grouped(tap.BINDIR) as lab:
        if not group:
            t.note("not tested: no control group can be made here")
            return
        directory, path = group
        lab.conf = (f"policy kept {{ class session; cgroup {path}; }}\n"
                    "policy rest { class nonpersistent; user root; }\n")
        lab.begin()
        within, without = Program(lab, tap.BINDIR, None, group=directory), lab.program(None)
        lab.move(2)
        t.equal(without.failed(), "ECONNABORTED", "outside of it: it is told that it is over")
        t.ok(within.answered_since(mono()), "within: it goes on", within.seen()["error"])
        t.equal(set(policies_of(lab).values()), {"kept"}, "by its policy")
        lab.kill("mn", signal.SIGKILL)
        lab.start_mnd()
        t.ok(wait_for(lambda: set(policies_of(lab).values()) == {"kept"}, 10.0),
             "also after a kill of the daemon", policies_of(lab))
        lab.move(3)
        lab.at_address(3)
        t.ok(within.answered_since(mono()), "and goes on at the third place", within.seen()["error"])
        within.stop()
    with Mobile(tap.BINDIR) as lab:
        lab.conf = "policy kept { class session; cgroup /any; }\n"
        lab.begin()
        t.contains(lab.log("mn"), "policy kept cannot count", "without a mount the log says so")


def test_idle(t):
    """a session that says nothing, also before it is connected"""
    with Mobile(tap.BINDIR) as lab:
        home = lab.begin()

        def hold(kind, path):
            os.environ["DMIP6_APPLICATIONS"] = lab.path("applications.sock")
            s = socket.socket(socket.AF_INET6, kind)
            error = Library(tap.BINDIR).setsc(s.fileno(), "session")
            with open(path, "w", encoding="ascii") as f:
                f.write(error or s.getsockname()[0])
            signal.pause()
        for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
            at = lab.source()
            path = lab.path(f"{name}.bound")
            pid = lab.spawn(name, "mn", hold, kind, path)
            t.ok(wait_for(lambda p=path: os.path.exists(p) and os.path.getsize(p), 5.0),
                 f"{name}: a socket is claimed")
            with open(path, encoding="ascii") as f:
                t.equal(f.read(), at, "and bound to the newest address")
            lab.move(2 if anchor_of(at) == 1 else 3)
            t.ok(wait_for(lambda a=at: lab.state(a) == "bound", 5.0), "its anchor is kept",
                 lab.anchor(at))
            lab.at_address(lab.at)
            wait_for(lambda: False, 3.0)
            t.equal(lab.state(at), "bound", "for longer than linger")
            os.kill(pid, signal.SIGKILL)
            lab.wait(pid)
        t.ok(home, "there was an address")


def test_fixed(t):
    """a server at a fixed address keeps its clients through moves"""
    with Mobile(tap.BINDIR) as lab:
        lab.build()
        SharedLink(lab)
        lab.start_had(2)
        lab.start_had(3)
        lab.write("mn.conf", f"linger 1s;\n{lab.key_text()}"
                  f"home office {{ prefix {PREFIX}; address {HOA}; }}\n")
        lab.move(2)
        lab.start_mnd()
        t.ok(wait_for(lambda: lab.state(HOA) == "bound", 10.0), "the home is kept from afar",
             lab.anchor(HOA))
        t.equal(lab.asked(of_class("fixed")), HOA, "a fixed address is that of the home")
        t.equal([lab.asked(of_class("fixed", anchor=a)) for a in ("office", HOA, "attic")],
                [HOA, HOA, "EINVAL"], "by its name too")
        t.equal(lab.asked(of_class("fixed"), NOBODY), "EPERM", "for who may have it")
        t.equal(anchor_of(lab.asked(of_class("session"))), 2, "session is of where it is")
        path = lab.path("served")

        def serve():
            os.environ["DMIP6_APPLICATIONS"] = lab.path("applications.sock")
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
                s.bind((Library(tap.BINDIR).address("fixed"), PORT))
                s.listen(1)
                with open(path, "w", encoding="ascii") as f:
                    f.write("ready")
                conn = s.accept()[0]
                while conn.sendall(conn.recv(64)) is None:
                    pass
        lab.spawn("server", "mn", serve)
        t.ok(wait_for(lambda: os.path.exists(path), 5.0), "a server listens there")
        log = lab.path("client.json")

        def client():
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
                s.settimeout(10)
                s.connect((HOA, PORT))
                n = 0
                while True:
                    s.sendall(b"x")
                    n += len(s.recv(64))
                    with open(log, "w", encoding="ascii") as f:
                        f.write(str(n))
                    wait_for(lambda: False, 0.05)
        lab.spawn("client", "cn1", client)

        def count():
            try:
                with open(log, encoding="ascii") as f:
                    return int(f.read() or 0)
            except FileNotFoundError:
                return 0
        t.ok(wait_for(lambda: count() > 5, 10.0), "a client from outside talks to it", count())
        for n in (3, 1, 2):
            lab.move(n)
            wait_for(lambda: False, 1.0)
            before = count()
            t.ok(wait_for(lambda b=before: count() > b + 5, 10.0), f"and does so at AR{n}",
                 (before, count(), lab.anchor(HOA)))
        lab.kill("mn", signal.SIGKILL)
        lab.start_mnd()
        t.ok(wait_for(lambda: lab.asked(of_class("fixed")) == HOA, 10.0),
             "after a kill the home is there again", lab.asked(of_class("fixed")))


def test_errors(t):
    """what cannot be had, and by whom"""
    with Mobile(tap.BINDIR) as lab:
        home = lab.begin()
        t.equal(lab.asked(of_class("session")), home, "session: the address of AR1")
        t.equal(lab.asked(of_class("session", anchor=home)), home, "the same by its address")
        t.equal(lab.asked(lambda lib: lib.address("graceful")), home, "or asked for alone")
        for what, wanted, func in (
                ("a class that there is not", "EINVAL", of_class(9)),
                ("an anchor that there is not", "EINVAL", of_class("session", anchor="nowhere")),
                ("a fixed address without a home", "EADDRNOTAVAIL", of_class("fixed")),
                ("a name that is too long", "EINVAL", of_class("session", anchor="x" * 100)),
                ("a descriptor that is none", "EBADF", lambda lib: lib.setsc(999, "session")),
                ("a socket of IPv4", "EAFNOSUPPORT", of_ipv4),
                ("no socket", "ENOTSOCK", lambda lib: lib.setsc(os.open("/", os.O_RDONLY),
                                                                "session")),
                ("a socket that is bound", "EINVAL", of_bound)):
            t.equal(lab.asked(func), wanted, f"{what}: {wanted}")
        t.equal(lab.asked(of_class("session"), NOBODY), home, "session is for everybody")
        t.equal(lab.asked(of_class("fixed"), NOBODY), "EPERM", "fixed is not")
        lab.write("mn.conf", f"linger 1s;\n{lab.key_text()}class session {{ allow nobody; }}\n"
                  "class graceful { allow user nobody; }\n")
        lab.ctl("mn", "reload")
        t.equal(lab.asked(of_class("session"), NOBODY), "EPERM", "nor is session, when it is said")
        t.equal(lab.asked(of_class("graceful"), NOBODY), home, "but graceful, by name")
        many = lab.asked(claim_many, NOBODY, 60.0)
        t.ok(many["errors"] == [], "a program may claim as often as it likes", many)
        t.ok(lab.status("mn")["health"], "and the daemon is there")
        pid = lab.procs["mn"].pid
        os.kill(pid, signal.SIGSTOP)
        began = mono()
        t.equal(lab.asked(of_class("graceful")), "ETIMEDOUT", "a daemon that stands still")
        t.ok(mono() - began < 4, "is not waited for", mono() - began)
        os.kill(pid, signal.SIGCONT)
        t.equal(lab.asked(of_class("graceful")), home, "and answers when it goes on")
        lab.kill("mn", signal.SIGTERM)
        t.equal(lab.asked(of_class("graceful")), "ECONNREFUSED", "without one nothing is changed")
        t.equal(lab.asked(unchanged), ["ECONNREFUSED", "::"], "the socket is as it was")
        lab.start_mnd()
        lab.kill("mn", signal.SIGKILL)
        t.equal(lab.asked(of_class("graceful")), "ECONNREFUSED", "nor after a kill")
        lab.start_mnd()
        t.ok(wait_for(lambda: lab.asked(of_class("graceful")) == home, 10.0),
             "the next daemon takes its place", lab.asked(of_class("graceful")))


def of_ipv4(lib):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return lib.setsc(s.fileno(), "session")


def of_bound(lib):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::", 0))
        return lib.setsc(s.fileno(), "session")


def unchanged(lib):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        return [lib.setsc(s.fileno(), "session"), s.getsockname()[0]]


def claim_many(lib):
    """More sockets than are remembered of one user, one after the other and at once."""
    errors, socks = [], []
    for i in range(3000):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        e = lib.setsc(s.fileno(), "graceful")
        if e:
            errors.append([i, e])
        socks.append(s)
        if len(socks) > 200:
            socks.pop(0).close()
    return {"errors": errors[:5]}


def test_events(t):
    """who has subscribed hears what happens to addresses"""
    with Mobile(tap.BINDIR) as lab:
        home = lab.begin()
        session = lab.program("session")
        path = lab.path("events.ndjson")

        def listen():
            os.environ["DMIP6_APPLICATIONS"] = lab.path("applications.sock")
            lib = Library(tap.BINDIR)
            fd = lib.subscribe()
            with open(path, "w", encoding="ascii", buffering=1) as f:
                print(json.dumps(["subscribed", str(fd >= 0)]), file=f)
                while True:
                    wait_for(lambda: False, 0.02)
                    e = lib.next_event(fd)
                    if e:
                        print(json.dumps(e), file=f)
                    if e == "ECONNRESET":
                        return

        def heard():
            with open(path, encoding="ascii") as f:
                return [json.loads(x) for x in f]
        lab.spawn("listener", "mn", listen)
        t.ok(wait_for(lambda: os.path.exists(path) and heard(), 5.0), "it listens")
        lab.move(2)
        t.ok(wait_for(lambda: ["moved", home] in heard(), 10.0), "the session moves", heard())
        session.stop()
        t.ok(wait_for(lambda: ["lost", home] in heard(), 10.0), "its address goes", heard())
        lab.kill("mn", signal.SIGTERM)
        t.ok(wait_for(lambda: "ECONNRESET" in heard(), 5.0), "and so does the daemon", heard())


def test_example(t):
    """the program in the manual, as it stands there"""
    with open(MANUAL, encoding="utf-8") as f:
        page = f.read()
    text = re.search(r"\.Bd -literal\n(#include <dmip6.h>.*?)\.Ed", page, re.S).group(1)
    with tempfile.TemporaryDirectory(prefix="dmip6example-") as d, Mobile(tap.BINDIR) as lab:
        os.chmod(d, 0o755)
        with open(f"{d}/example.c", "w", encoding="ascii") as f:
            f.write(text.replace("\\e", "\\"))
        for language in ("c", "c++"):
            p = subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-x", "c",
                                f"-I{tap.SRCDIR}/lib", f"{d}/example.c", "-x", "none",
                                f"{tap.BINDIR}/lib/libdmip6.so.0", f"-Wl,-rpath,{tap.BINDIR}/lib",
                                "-o", f"{d}/example"] if language == "c" else
                               ["gcc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-std=c++11",
                                "-x", "c++", f"{tap.SRCDIR}/lib/dmip6.h"],
                               capture_output=True, text=True, check=False)
            if language == "c++" and "cc1plus" in p.stderr:
                t.note("no compiler for C++ is here")
                continue
            t.equal((p.returncode, p.stderr), (0, ""), f"it is good {language.upper()}")
        home = lab.begin()
        path = f"{d}/out"

        def run():
            os.environ["DMIP6_APPLICATIONS"] = lab.path("applications.sock")
            subprocess.run(["sh", "-c", f"exec {d}/example {CN[1]} {PORT + 1} >{path} 2>&1"],
                           check=False)

        def serve():
            listen = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            listen.bind(("::", PORT + 1))
            listen.listen(1)
            conn, peer = listen.accept()
            conn.sendall(f"{peer[0]}\n".encode())
            conn.close()
        lab.spawn("server", "cn1", serve)
        wait_for(lambda: False, 0.3)
        lab.wait(lab.spawn("example", "mn", run))
        with open(path, encoding="ascii") as f:
            t.equal(f.read(), f"{home}\n", "it runs, and its peer sees the host's address")


if __name__ == "__main__":
    tap.main(test_moves, test_policies, test_groups, test_idle, test_fixed, test_errors,
             test_events, test_example)
