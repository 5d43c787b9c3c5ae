# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the mobile node in the laboratory that use libdmip6, by its shared object.

    run = Program(lab, "ssh", "session")        TCP to CN1, one octet and its echo each 50 ms
    run.source, run.seen(), run.stop()
"""

import ctypes
import errno
import json
import os
import select
import signal
import socket
import sys

from lab import CN, LabError, mono, wait_for

PORT = 7900
CLASSES = {"nonpersistent": 1, "session": 2, "fixed": 3, "graceful": 4}
EVENTS = {1: "lost", 2: "unreachable", 3: "moved"}


class Library:
    """libdmip6 as a program sees it; an errno by its name, or None."""

    def __init__(self, bindir):
        self.lib = ctypes.CDLL(os.path.join(bindir, "lib", "libdmip6.so.0"), use_errno=True)
        self.lib.dmip6_setsc.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p]

    def _name(self, result):
        return None if result >= 0 else errno.errorcode[ctypes.get_errno()]

    def setsc(self, fd, name, anchor=None):
        return self._name(self.lib.dmip6_setsc(fd, CLASSES.get(name, name),
                                               anchor.encode() if anchor else None))

    def getsc(self, fd):
        r = self.lib.dmip6_getsc(fd)
        return r if r >= 0 else self._name(r)

    def address(self, name, anchor=None):
        room = ctypes.create_string_buffer(16)
        r = self.lib.dmip6_address(CLASSES[name], anchor.encode() if anchor else None, room)
        return self._name(r) or socket.inet_ntop(socket.AF_INET6, room.raw)

    def subscribe(self):
        return self.lib.dmip6_subscribe()

    def next_event(self, fd):
        room = ctypes.create_string_buffer(20)
        r = self.lib.dmip6_next_event(fd, room)
        if r <= 0:
            return None if r == 0 else self._name(r)
        return EVENTS[int.from_bytes(room.raw[:4], "little")], \
            socket.inet_ntop(socket.AF_INET6, room.raw[4:])


def echo():
    """A correspondent: what comes goes back."""
    listen = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listen.bind(("::", PORT))
    listen.listen(64)
    socks = [listen]
    while True:
        for s in select.select(socks, [], [])[0]:
            if s is listen:
                socks.append(s.accept()[0])
                continue
            try:
                data = s.recv(4096)
                s.sendall(data)
            except OSError:
                data = b""
            if not data:
                socks.remove(s)
                s.close()


def as_user(bindir, lab_sock, uid, func):
    """Calls func(Library) as that user; what a program does in a process of its own."""
    os.environ["DMIP6_APPLICATIONS"] = lab_sock
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    return func(Library(bindir))


def talk(bindir, sock, name, path, anchor):
    """A connection of that class; writes down what happens to it."""
    log = {"source": None, "error": None, "answers": [], "class": None}

    def put():
        with open(path + ".new", "w", encoding="ascii") as f:
            json.dump(log, f)
        os.rename(path + ".new", path)
    os.environ["DMIP6_APPLICATIONS"] = sock
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    log["error"] = Library(bindir).setsc(s.fileno(), name, anchor) if name else None
    if log["error"] is None:
        s.settimeout(10)
        s.connect((CN[1], PORT))
        log["source"] = s.getsockname()[0]
        log["class"] = Library(bindir).getsc(s.fileno())
    put()
    s.settimeout(0.05)
    last = mono()
    while log["error"] is None:
        try:
            if mono() - last >= 0.05:
                s.send(b"x")
                last = mono()
            if s.recv(64):
                log["answers"].append(mono())
            else:
                log["error"] = "EOF"
        except TimeoutError:
            pass
        except OSError as e:
            log["error"] = errno.errorcode[e.errno]
            log["ended"] = mono()
        put()


def talk_in(group, what):
    """talk(*what) in that control group."""
    with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as f:
        f.write("0")
    talk(*what)


def launch(options, what):
    """talk(*what) in a program that dmip6-run starts in place of this one."""
    os.environ["DMIP6_APPLICATIONS"] = what[1]
    os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
    run = os.path.join(what[0], "dmip6-run")
    os.execv(run, [run, "--quiet", *options, sys.executable, "-c",
                   f"import program; program.talk(*{what!r})"])


class Program:
    number = 0

    def __init__(self, lab, bindir, name, anchor=None, run=None, group=None):
        """run: what dmip6-run is given, that starts it. group: the directory of the control group
        that it is in."""
        Program.number += 1
        self.lab = lab
        self.path = lab.path(f"program{Program.number}.json")
        what = (bindir, lab.path("applications.sock"), name, self.path, anchor)
        if group:
            self.pid = lab.spawn(f"program{Program.number}", "mn", talk_in, group, what)
        elif run is None:
            self.pid = lab.spawn(f"program{Program.number}", "mn", talk, *what)
        else:
            self.pid = lab.spawn(f"program{Program.number}", "mn", launch, run, what)
        if wait_for(lambda: os.path.exists(self.path), 15.0) is None:
            raise LabError(f"the program of class {name} has not begun")
        self.source = self.seen()["source"]

    def seen(self):
        with open(self.path, encoding="ascii") as f:
            return json.load(f)

    def answered_since(self, when, timeout=5.0):
        return wait_for(lambda: any(t > when for t in self.seen()["answers"][-3:]), timeout)

    def failed(self, timeout=5.0):
        return wait_for(lambda: self.seen()["error"], timeout)

    def stop(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.lab.wait(self.pid)
        self.pid = 0
