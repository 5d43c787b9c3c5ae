# SPDX-License-Identifier: BSD-2-Clause
"""Flows: what an application of the MN and its correspondent do, and what they saw.

A flow is a TCP transfer paced in both directions and a UDP probe with sequence numbers in
both directions. Nothing binds: the flow's source address is the kernel's choice. Each end
writes down when it sent and when it received, by CLOCK_MONOTONIC, and the stream's content
is verified octet by octet.

Runs in processes that Lab.spawn() makes; each writes NAME.json in the laboratory's folder.
"""

import errno
import json
import select
import signal
import socket
import struct

from lab import CN, Rtnl, anchor_of, mono

PORT = 7000                     # flow n of a correspondent: PORT + n, TCP and UDP
PROBE = struct.Struct("!4sBBHI")        # magic, flow, direction, zero, sequence
MAGIC = b"dmp6"
UP, DOWN = 0, 1
PROBE_EVERY = 0.002
CHUNK_EVERY = 0.010
CHUNK = 1000
PATTERN = bytes(range(251)) * 300


class Ticker:
    """Says how often something paced is due."""

    def __init__(self, period):
        self.period = period
        self.next = None

    def start(self, now):
        self.next = now

    def due(self, now):
        if self.next is None or now < self.next:
            return False
        self.next += self.period
        if now - self.next > 0.1:       # this process was not run: do not catch up
            self.next = now + self.period
        return True


class End:
    """One end of one flow, MN or correspondent."""

    def __init__(self, flow, direction):
        self.flow = flow
        self.direction = direction      # of what this end sends
        self.udp_peer = None
        self.tcp = None
        self.seq = 0
        self.probe = Ticker(PROBE_EVERY)
        self.chunk = Ticker(CHUNK_EVERY)
        self.sending = False            # the TCP stream: not yet shut down by us
        self.finishing = False          # asked to end
        self.log = {"flow": flow, "udp_sent": [], "udp_received": [], "tcp_received": [],
                    "tcp_sent_octets": 0, "tcp_received_octets": 0, "tcp_ok": True,
                    "tcp_closed": False, "tcp_error": None}

    # -- UDP -------------------------------------------------------------------------------

    def send_probe(self, sock, now):
        data = PROBE.pack(MAGIC, self.flow, self.direction, 0, self.seq) + bytes(52)
        try:
            if self.udp_peer:
                sock.sendto(data, self.udp_peer)
            else:
                sock.send(data)
        except OSError as e:
            # A probe the kernel would not take is a lost one; an error that an ICMPv6
            # message left on the socket is told once, and the application goes on.
            if e.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOBUFS,
                               errno.EACCES, errno.ECONNREFUSED, errno.EADDRNOTAVAIL,
                               errno.EPERM, errno.EAGAIN, errno.ENETDOWN, errno.EINVAL):
                raise
            self.log.setdefault("udp_errors", {}).setdefault(errno.errorcode[e.errno], 0)
            self.log["udp_errors"][errno.errorcode[e.errno]] += 1
        self.log["udp_sent"].append(now)
        self.seq += 1

    def got_probe(self, data, now):
        magic, flow, direction, _, seq = PROBE.unpack_from(data)
        if magic == MAGIC and flow == self.flow and direction != self.direction:
            self.log["udp_received"].append((seq, now))

    # -- TCP -------------------------------------------------------------------------------

    def tcp_up(self, sock, now):
        self.tcp = sock
        self.sending = True
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.chunk.start(now)

    def tcp_send(self):
        at = self.log["tcp_sent_octets"] % 251
        try:
            n = self.tcp.send(PATTERN[at:at + CHUNK])
            self.log["tcp_sent_octets"] += n
        except BlockingIOError:
            pass
        except OSError as e:
            self.tcp_failed(e)

    def tcp_read(self, now):
        try:
            data = self.tcp.recv(65536)
        except BlockingIOError:
            return
        except OSError as e:
            self.tcp_failed(e)
            return
        if not data:
            self.log["tcp_closed"] = True
            if self.sending:            # the other end is done: so are we
                self.tcp_end()
            self.tcp.close()
            self.tcp = None
            return
        at = self.log["tcp_received_octets"] % 251
        if data != PATTERN[at:at + len(data)]:
            self.log["tcp_ok"] = False
        self.log["tcp_received_octets"] += len(data)
        self.log["tcp_received"].append((now, len(data)))

    def tcp_end(self):
        if self.tcp and self.sending:
            self.sending = False
            try:
                self.tcp.shutdown(socket.SHUT_WR)
            except OSError as e:
                self.tcp_failed(e)

    def tcp_failed(self, e):
        self.log["tcp_error"] = e.strerror
        self.sending = False
        if self.tcp:
            self.tcp.close()
        self.tcp = None

    def write(self, path):
        with open(path, "w", encoding="ascii") as f:
            json.dump(self.log, f)


class Stop:
    """SIGUSR1 asks the flow to end; the wait on the sockets is woken by it. SIGUSR2: do not
    wait for the end of the TCP stream, write down what there is."""

    def __init__(self):
        self.asked = self.now = False
        self.r, w = socket.socketpair()
        w.setblocking(False)
        signal.set_wakeup_fd(w.fileno())
        self.w = w
        signal.signal(signal.SIGUSR1, self._ask)
        signal.signal(signal.SIGUSR2, self._ask)

    def _ask(self, signum, _frame):
        self.asked = True
        self.now = self.now or signum == signal.SIGUSR2


def pause(ends, sockets, now):
    """Waits for input or the next paced packet; the sockets that can be read."""
    due = [t.next for e in ends for t in (e.probe, e.chunk) if t.next is not None]
    timeout = max(0.0, min(due) - now) if due else 0.2
    return select.select(sockets, [], [], min(timeout, 0.2))[0]


def correspondent(flows, path):
    """A CN: serves the flows whose numbers are given; ends when all of them have ended."""
    stop = Stop()
    ends, udp, listen = {}, {}, {}
    for n in flows:
        u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        u.bind(("::", PORT + n))
        u.setblocking(False)
        t = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        t.bind(("::", PORT + n))
        t.listen(4)
        ends[n], udp[n], listen[n] = End(n, DOWN), u, t
    over = {}                           # flow -> until when late probes are still read
    while not stop.asked and not (len(over) == len(flows)
                                  and mono() > max(over.values())):
        now = mono()
        for n, e in ends.items():
            if e.probe.due(now):
                e.send_probe(udp[n], now)
            if e.chunk.due(now) and e.sending:
                e.tcp_send()
            if e.log["tcp_closed"] and n not in over:
                over[n] = now + 0.3
                e.probe.next = e.chunk.next = None
        tcp = {e.tcp: n for n, e in ends.items() if e.tcp}
        for s in pause(ends.values(), [*udp.values(), *listen.values(), *tcp, stop.r], mono()):
            now = mono()
            for n, e in ends.items():
                if s is udp[n]:
                    data, peer = s.recvfrom(2048)
                    e.got_probe(data, now)
                    if e.udp_peer is None:
                        e.udp_peer = peer
                        e.log["peer"] = peer[0]
                        e.probe.start(now)
                    elif e.udp_peer != peer:
                        e.log["peer_changed"] = peer[0]
                elif s is listen[n]:
                    conn, peer = s.accept()
                    e.log["tcp_peer"] = peer[0]
                    e.tcp_up(conn, now)
            if s in tcp and ends[tcp[s]].tcp is s:
                ends[tcp[s]].tcp_read(now)
    with open(path, "w", encoding="ascii") as f:
        json.dump({n: e.log for n, e in ends.items()}, f)


def mobile(flow, cn, ar, path, tell):
    """The MN's end of a flow, begun as soon as a new flow gets an address of router ar.

    Writes one JSON line to the file descriptor tell when the first answer has come.
    """
    stop = Stop()
    e = End(flow, UP)
    e.log["waiting_since"] = mono()
    nl = Rtnl()
    udp = None
    while udp is None and not stop.asked:
        src = nl.source_towards(CN[cn])
        if src and anchor_of(src) == ar:
            udp = try_udp(flow, cn, ar)
        if udp is None:
            select.select([stop.r], [], [], 0.001)
    nl.close()
    if udp:
        run_mobile(e, udp, cn, stop, tell)
        udp.close()
    e.write(path)


def try_udp(flow, cn, ar):
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        udp.connect((CN[cn], PORT + flow))
        if anchor_of(udp.getsockname()[0]) == ar:
            udp.setblocking(False)
            return udp
    except OSError:
        pass
    udp.close()
    return None


def run_mobile(e, udp, cn, stop, tell):
    e.log["source"] = udp.getsockname()[0]
    e.log["began"] = mono()
    e.probe.start(mono())
    connecting = None
    until = None
    while not stop.now and (until is None or mono() < until):
        now = mono()
        if e.probe.due(now):
            e.send_probe(udp, now)
        if e.chunk.due(now) and e.sending:
            e.tcp_send()
        if stop.asked and not e.finishing:
            e.finishing = True
            e.tcp_end()
        if e.finishing and e.tcp is None and until is None:
            until = now + 0.3
            e.probe.next = e.chunk.next = None
        if e.tcp is None and connecting:
            connecting = tcp_connected(e, connecting, now)
        for s in pause([e], [udp, *([e.tcp] if e.tcp else []),
                             *([] if e.finishing else [stop.r])], mono()):
            now = mono()
            if s is udp:
                read_probe(e, udp, now)
                if "answered" not in e.log and e.log["udp_received"]:
                    e.log["answered"] = now
                    tell_lab(tell, e.log)
                    connecting = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
                    connecting.setblocking(False)
                    connecting.connect_ex((CN[cn], PORT + e.flow))
            elif s is e.tcp:
                e.tcp_read(now)


def read_probe(e, udp, now):
    try:
        e.got_probe(udp.recv(2048), now)
    except OSError as err:
        name = errno.errorcode.get(err.errno, str(err.errno))
        errors = e.log.setdefault("udp_errors", {})
        errors[name] = errors.get(name, 0) + 1


def tcp_connected(e, sock, now):
    """The socket while it is still connecting, else None."""
    if not select.select([], [sock], [], 0)[1]:
        return sock
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        e.log["tcp_error"] = errno.errorcode.get(error, str(error))
        sock.close()
    else:
        e.log["tcp_source"] = sock.getsockname()[0]
        e.log["tcp_began"] = now
        e.tcp_up(sock, now)
    return None


def tell_lab(tell, log):
    line = {k: log[k] for k in ("flow", "source", "waiting_since", "began", "answered")}
    with open(tell, "a", encoding="ascii") as f:
        f.write(json.dumps(line) + "\n")
