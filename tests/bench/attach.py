#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How soon a moving host can work at a new router, beside the same laboratory without mobility.

    attach.py --bindir DIR [--moves N] [--json FILE]

With mobility: a flow that began at AR1 goes on while the MN moves between AR2 and AR3; each
step is timed from the moment the link is put up, by packet captures and the kernel's own
messages. Without: no dmip6-mnd; the link manager restarts the interface when the carrier
comes back, as NetworkManager and systemd-networkd do, and the kernel configures itself from
the same Router Advertisements: how soon does a new flow work? Both where each host has a prefix
of its own and where hosts share one, so that other hosts may have the address. The ratio of the
two medians is the figure that counts. A benchmark: it never fails because of a time.
"""

import argparse
import json
import os
import random
import select
import signal
import socket
import statistics
import struct
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
import measure
import shared
from lab import (ARS, CN, IFF_RUNNING, WLAN0, Interrupted, Lab, LabError, Rtnl, anchor_of, mono,
                 wait_for)
from play import Play

ECHO_PORT = 7900
RTMGRP_LINK, RTMGRP_IPV6_IFADDR = 1, 0x100
RTM_NEWLINK, RTM_NEWADDR = 16, 20
IFA_F_TENTATIVE = 0x40
MODES = {"per-host": "A prefix for each host", "shared": "A prefix that hosts share"}
STEPS = (("link", "link up, seen by the kernel"), ("rs", "Router Solicitation leaves"),
         ("ra", "Router Advertisement arrives"), ("coa", "care-of address usable"),
         ("bu", "Binding Update leaves"), ("ba", "Binding Acknowledgement arrives"),
         ("first_up", "first packet of the flow, up"),
         ("first_down", "first packet of the flow, down"))


# ---- in the namespaces -------------------------------------------------------------------

def echo():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::", ECHO_PORT))
        while True:
            data, peer = s.recvfrom(64)
            s.sendto(data, peer)


def try_new_flow(ar, path):
    """Tries to start a flow from an address of router ar until one is answered; when."""
    nl, sock, poll = Rtnl(), None, select.poll()
    while True:
        src = nl.source_towards(CN[2])
        if src and anchor_of(src) == ar and (sock is None or sock.getsockname()[0] != src):
            if sock:
                poll.unregister(sock)
                sock.close()
            sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            try:
                sock.connect((CN[2], ECHO_PORT))
                poll.register(sock, select.POLLIN)
            except OSError:
                sock.close()
                sock = None
        try:
            if sock and anchor_of(sock.getsockname()[0]) == ar:
                sock.send(b"?")
        except OSError:
            pass
        if poll.poll(2):
            try:
                sock.recv(64)
                break
            except OSError:
                pass                    # what an ICMPv6 message left on the socket
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{mono()} {sock.getsockname()[0]}\n")


def watch(path):
    """Writes down when the kernel told of a running link and of usable addresses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s, \
            open(path, "w", buffering=1, encoding="ascii") as f:
        s.bind((0, RTMGRP_LINK | RTMGRP_IPV6_IFADDR))
        while True:
            data = s.recv(65536)
            now, at = mono(), 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                tell(f, now, kind, data[at + 16:at + length])
                at += (length + 3) & ~3


def tell(f, now, kind, body):
    if kind == RTM_NEWLINK:
        index, flags = struct.unpack_from("=iI", body, 4)
        if index == WLAN0 and flags & IFF_RUNNING:
            f.write(f"{now} link\n")
    elif kind == RTM_NEWADDR and not body[2] & IFA_F_TENTATIVE:
        at = 8
        while at + 4 <= len(body):
            length, attr = struct.unpack_from("=HH", body, at)
            if attr == 1 and length == 20:
                f.write(f"{now} {socket.inet_ntop(socket.AF_INET6, body[at + 4:at + 20])}\n")
            at += max((length + 3) & ~3, 4)


# ---- the two runs ------------------------------------------------------------------------

class Progress:
    def __init__(self, quiet):
        self.quiet = quiet

    def __call__(self, text):
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)


def new_flow(lab, pid, path, timeout):
    """Waits for a try_new_flow() child; when its flow was answered, or None."""
    try:
        lab.wait(pid, timeout)
    except LabError:
        os.kill(pid, signal.SIGKILL)
        lab.wait(pid)
        return None
    with open(path, encoding="ascii") as f:
        return float(f.read().split()[0])


def start_routers(lab, mode):
    lab.start_had(1)
    for n in ARS[1:]:
        if mode == "shared":
            shared.start_had(lab, n)
        else:
            lab.start_had(n)


def with_mobility(bindir, mode, moves, say):
    with Lab(bindir) as lab:
        lab.build()
        start_routers(lab, mode)
        lab.start_mnd()
        lab.spawn("echo", "cn2", echo)
        lab.spawn("watch", "mn", watch, lab.path("watch"))
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.5)
        rows = []
        for i in range(moves):
            n = 2 + i % 2
            path = lab.path(f"new{i}")
            pid = lab.spawn("new", "mn", try_new_flow, n, path)
            move = play.move(n)
            done = new_flow(lab, pid, path, 15.0)
            rows.append({"new_flow": None if done is None else (done - move["up"]) * 1e3})
            say(f"{mode}, with mobility: move {i + 1} of {moves}")
            play.run_for(0.8 + random.random() * 0.2)
        run = play.finish()
        with open(lab.path("watch"), encoding="ascii") as f:
            seen = [(float(t), what) for t, what in map(str.split, f)]
        for i, row in enumerate(rows, 1):
            complete(run, i, row, seen)
        faults = measure.flow_faults(run, 1)
        return rows, faults


def complete(run, i, row, seen):
    """Adds what captures and kernel messages tell of the i-th move."""
    move, end = run.moves[i], run.phase_end(i)
    row.update(measure.phases(run, i))
    for t, what in seen:
        key = "link" if what == "link" else "coa" if anchor_of(what) == move["to"] else None
        if key and key not in row and move["up"] - 0.001 <= t < end:
            row[key] = round((t - move["up"]) * 1e3, 2)
    h = run.handover(i, 1)
    for way in ("up", "down"):
        row[f"gap_{way}"] = h[f"gap_{way}_ms"] if h else None
        row[f"tcp_gap_{way}"] = h[f"tcp_gap_{way}_ms"] if h else None
        row[f"lost_{way}"] = h[f"lost_{way}"] if h else None
    gaps = (row["gap_up"], row["gap_down"])
    row["gap"] = None if None in gaps else max(gaps)


def without_mobility(bindir, mode, moves, say):
    with Lab(bindir) as lab:
        lab.build()
        start_routers(lab, mode)
        lab.spawn("echo", "cn2", echo)
        lab.move(1)
        lab.attached(1)
        rows = []
        for i in range(moves):
            n = 2 + i % 2
            path = lab.path(f"new{i}")
            pid = lab.spawn("new", "mn", try_new_flow, n, path)
            up = move_and_restart(lab, n)
            done = new_flow(lab, pid, path, 30.0)
            rows.append({"new_flow": None if done is None else (done - up) * 1e3})
            say(f"{mode}, without mobility: move {i + 1} of {moves}")
            wait_for(lambda: False, 0.2 + random.random() * 0.2)
        return rows


def move_and_restart(lab, n):
    """A move after which the link manager restarts the interface."""
    port = lab.links["mn"]
    lab.airnl.link(port, up=False)
    lab.mnnl.link(WLAN0, up=False)
    lab.airnl.link(port, master=lab.links[f"br{n}"])
    lab.mnnl.link(WLAN0, up=True)
    up = mono()
    lab.airnl.link(port, up=True)
    lab.at = n
    return up


# ---- the figures -------------------------------------------------------------------------

def summary(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    if not values:
        return {"n": 0, "median": None, "max": None}
    return {"n": len(values), "median": round(statistics.median(values), 2),
            "max": round(max(values), 2)}


def line(name, s, of):
    if s["n"] == 0:
        print(f"  {name:<44} {'-':>9} {'-':>9}   never seen")
        return
    few = "" if s["n"] == of else f"   in {s['n']} of {of} moves"
    print(f"  {name:<44} {s['median']:>9.2f} {s['max']:>9.2f}{few}")


def show(mode, result):
    of = result["moves"]
    m, w = result["with_mobility"], result["without_mobility"]
    print(f"\n{MODES[mode]}\nWith mobility, {of} moves; ms after link up {'median':>14} {'max':>9}")
    for key, name in STEPS:
        line(name, m[key], of)
    line("a new flow works", m["new_flow"], of)
    print("The running flow; ms of silence, probes lost")
    for key, name in (("gap_up", "gap, up"), ("gap_down", "gap, down"),
                      ("gap", "gap, the longer of the two"), ("tcp_gap_up", "TCP gap, up"),
                      ("tcp_gap_down", "TCP gap, down"), ("lost_up", "probes lost, up"),
                      ("lost_down", "probes lost, down")):
        line(name, m[key], of)
    print(f"Without mobility, {of} moves; ms after link up")
    line("a new flow works", w["new_flow"], of)
    if result["ratio"] is not None:
        print(f"ratio: handover gap with mobility / new flow without = {result['ratio']:.4f} "
              f"(1 : {1 / result['ratio']:.0f})")
    for f in result["faults"]:
        print(f"not as promised: {f}")


def measure_mode(o, mode, say):
    rows, faults = with_mobility(o.bindir, mode, o.moves, say)
    base = without_mobility(o.bindir, mode, o.moves, say)
    keys = [k for k, _ in STEPS] + ["new_flow", "gap_up", "gap_down", "gap", "tcp_gap_up",
                                    "tcp_gap_down", "lost_up", "lost_down"]
    result = {"moves": o.moves, "faults": faults,
              "with_mobility": {k: summary(rows, k) for k in keys},
              "without_mobility": {"new_flow": summary(base, "new_flow")},
              "rows": {"with_mobility": rows, "without_mobility": base}}
    gap = result["with_mobility"]["gap"]["median"]
    new = result["without_mobility"]["new_flow"]["median"]
    result["ratio"] = round(gap / new, 5) if gap and new else None
    return result


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--moves", type=int, default=20, help="in each of the four runs (20)")
    a.add_argument("--json", metavar="FILE", help="write every figure as JSON")
    a.add_argument("--quiet", action="store_true", help="no progress lines")
    o = a.parse_args()
    say = Progress(o.quiet)
    try:
        modes = {mode: measure_mode(o, mode, say) for mode in MODES}
    except LabError as e:
        print(f"attach: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        return 128 + e.signum
    for mode, result in modes.items():
        show(mode, result)
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump({"schema": 2, "unit": "ms", "modes": modes}, f, indent=1)
            f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
