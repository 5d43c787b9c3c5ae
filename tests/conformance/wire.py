# SPDX-License-Identifier: BSD-2-Clause
"""The bare ends of links whose other ends are a daemon's: raw sockets that hear every frame and
send any. Who sends and is sent to exists only as Python objects (world.py for the home agent's
suite, mn_world.py for the mobile node's)."""

import os
import select
import socket
import struct
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "lab"))

# pylint: disable=wrong-import-position
import packets as p
from lab import Lab, Rtnl, mono, remove_stale, wait_for     # pylint: disable=unused-import

ETH_P_IPV6 = 0x86DD
SO_TIMESTAMPNS = 35
PATIENCE = 5.0                                  # for what must come: it ends when it comes
QUIET = 0.12                                    # after the fence, for what must not come


class Ground(Lab):
    """Where worlds are built; what is started and made here is gone at the end."""

    def _interrupt(self, signum, _frame):
        pytest.exit(f"signal {signum}", returncode=128 + signum)

    def build(self):
        remove_stale()


class Silence(AssertionError):
    """What was waited for did not come."""


class Wire:
    """Links whose ends are in one namespace. What is heard and not taken stands in inbox."""

    def __init__(self, ground, box, links):
        self.ground = ground
        self.sockets = ground.inside(box, self._listen, links)
        self.inbox = []

    @staticmethod
    def _listen(links):
        sockets = {}
        for link in links:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IPV6))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            s.bind((link, ETH_P_IPV6))
            s.setblocking(False)
            sockets[s] = link
        return sockets

    def begin(self):
        """A new test: what earlier ones left on the wire is not its business."""
        self.pump(0)
        self.inbox.clear()

    def pump(self, timeout):
        """Takes in what has been sent to us, waiting for a first frame so long."""
        ready, _, _ = select.select(list(self.sockets), [], [], timeout)
        for s in ready:
            while True:
                try:
                    data, ((_, _, stamp),), _, address = s.recvmsg(65536, 64)
                except OSError:         # no more; or the link has just gone down
                    break
                if address[2] != socket.PACKET_OUTGOING and len(data) >= 54:
                    seconds, nanoseconds = struct.unpack("=qq", stamp)
                    frame = p.Frame(self.sockets[s], data, seconds + nanoseconds / 1e9)
                    self.inbox.append(frame)
                    self.heard(frame)
        return bool(ready)

    def heard(self, frame):
        """What is to be done at once when this frame has come."""

    def put(self, link, packet, src_mac, dst_mac):
        """Puts a whole IPv6 packet on a link, between these link-layer addresses."""
        frame = p.mac_octets(dst_mac) + p.mac_octets(src_mac) \
            + struct.pack("!H", ETH_P_IPV6) + packet
        for s, name in self.sockets.items():
            if name == link:
                s.send(frame)

    def take(self, match, link=None):
        """The first frame heard so far that matches; it is taken out."""
        for frame in self.inbox:
            if (link is None or frame.link == link) and match(frame):
                self.inbox.remove(frame)
                return frame
        return None

    def expect(self, match, link=None, within=PATIENCE, what="a packet"):
        """Waits for a frame that matches, and returns it."""
        deadline = mono() + within
        while True:
            frame = self.take(match, link)
            if frame:
                return frame
            left = deadline - mono()
            if left <= 0:
                break
            self.pump(left)
        heard = "\n  ".join(map(str, self.inbox[-20:])) or "nothing"
        raise Silence(f"{what} did not come; there was:\n  {heard}")

    def nothing(self, match, link=None, what="a packet", quiet=QUIET):
        """Asserts that no such frame was, or is, sent: waits for the fence and a little."""
        self.fence()
        self.listen(quiet)
        frame = self.take(match, link)
        assert frame is None, f"{what} was sent: {frame}"

    def listen(self, seconds):
        """Takes in whatever comes for so long."""
        deadline = mono() + seconds
        while mono() < deadline:
            self.pump(max(0, deadline - mono()))

    def fence(self):
        """Returns when what was sent before must have been dealt with."""
        raise NotImplementedError
