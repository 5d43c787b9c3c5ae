#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packets for a prefix of the pool that nobody has: refused at once, and not sent back by the
default route to whoever sent them here."""

import errno
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import POOL, Lab, mono, wait_for

NOBODY = str(POOL[1][0x77_0000_0000_0000_0001])


def knock():
    """What a TCP connection to nobody ends with, and after how long."""
    begun = mono()
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        try:
            return s.connect_ex((NOBODY, 9)), mono() - begun
        except TimeoutError:
            return errno.ETIMEDOUT, mono() - begun


def pool_routes(lab):
    return [r for r in lab.kernel_state("ar1")["routes"]
            if r.startswith(f"unreachable {POOL[1]} ")]


def test_nobody(t):
    """a host that there never was"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        wire = lab.inside("ar1", forge.Listener, "core0").sock
        code, took = lab.inside("cn1", knock)
        came = 0
        try:
            while True:
                p, _ = wire.recvfrom(2048)
                came += p[24:40] == forge.pton(NOBODY)
        except BlockingIOError:
            pass
        t.ok(code in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES),
             "the sender is told that there is nobody", (errno.errorcode.get(code, code), took))
        t.ok(0 < came <= 3, "no packet comes by twice", came)
        lab.run("ar1", "ip", "-6", "route", "del", "unreachable", str(POOL[1]))
        t.ok(wait_for(lambda: pool_routes(lab), 5.0, 0.05), "a deleted route is put back")
        lab.kill("ar1", signal.SIGTERM)
        t.equal(pool_routes(lab), [], "and goes with the daemon")


if __name__ == "__main__":
    tap.main(test_nobody)
