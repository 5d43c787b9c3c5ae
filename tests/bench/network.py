#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode: how soon the flow of a host that runs nothing of ours goes on at another router.

    network.py --bindir DIR [--moves N] [--anchors N]... [--database sqlite|redis] [--json FILE]

The host goes between AR2 and AR3, as between access points of one network, with a flow that began
at AR1 and another prefix, of the router that it comes from: two earlier anchors. With --anchors
AR1 has more prefixes, each with an address of its own, so that it is as many anchors (of one
process); with one alone the host goes between AR1 and AR2, and the moves to AR2 count; with none
each is a new host, and what it waits for is its first Router Advertisement. Times are from the moment that the new router is
told (dmip6ctl mn attach): until the Proxy Binding Update to AR1 passes core, which is the look-up in
the session database and little else; until its acknowledgement does; and until the first packet of
the flow comes to the host. What is between the last two is ours: the round trip is the network's.
A benchmark: it never fails because of a time.
"""

import argparse
import ipaddress
import json
import os
import socket
import statistics
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
import capture
import flows
from lab import HA, POOL, Interrupted, LabError, mono
from network import SPI, Domain
from play import Play
from t_sessions import Remote

STEPS = (("pbu", "Proxy Binding Update passes core"), ("pba", "its acknowledgement does"),
         ("ra", "Router Advertisement comes to the host"),
         ("down", "first packet of the flow comes to the host"),
         ("up", "first packet of the flow passes core, tunnelled"))


def packed(address):
    return ipaddress.ip_address(address).packed


def homes(count):
    """What AR1 gives prefixes of, so that the host has that many earlier anchors: parts of its own
    prefix, each with an address of its own."""
    return list(POOL[1].subnets(new_prefix=60))[:max(1, count - 1)]


def with_anchors(kind, count):
    """The domain with these."""
    class Anchors(kind):
        def configure(self, n, more=""):
            if n == 1:
                more += "interface acc0;\n" + "".join(f"prefix {p};\n" for p in homes(count))
            else:
                more += "".join(f"peer {p[1]} {SPI + 10 + n} {{ secret 1{n}{'5a' * 31}; }}\n"
                                for p in homes(count)[1:])
            super().configure(n, more)

        def had_command(self, n, extra=()):
            command = super().had_command(n, extra)
            at = command.index("--interface")
            return command if n != 1 else command[:at] + command[at + 4:]

    return Anchors


class Roaming:
    """Moves, each told to the routers by a control socket that is open already."""

    def __init__(self, lab, play):
        self.lab, self.play = lab, play
        self.mac = lab.mac()

    def say(self, n, method):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect(self.lab.sock(f"ar{n}"))
            at = mono()
            s.sendall(json.dumps({"method": method, "parameters": {"mn": self.mac}}).encode()
                      + b"\n")
            s.recv(4096)
        return at

    def arrive(self):
        """Somebody comes to AR2 whom nobody has seen."""
        self.mac = "02:" + ":".join(f"{x:02x}" for x in os.urandom(5))
        now = mono()
        self.play.moves.append({"to": 2, "down": now, "up": self.say(2, "attach")})

    def move(self, n):
        lab = self.lab
        self.say(lab.at, "detach")
        down = mono()
        lab.airnl.link(lab.links["mn"], master=lab.links[f"br{n}"])
        lab.at = n
        self.play.moves.append({"to": n, "down": down, "up": self.say(n, "attach")})


def steps(run, i):
    """When each step of a move was seen, in ms after the router was told."""
    m, end, out = run.moves[i], run.phase_end(i), {}
    source = ipaddress.ip_address(run.mobile[1]["source"])
    here = packed(HA[m["to"]])
    anchor = next(p for p in POOL[1].subnets(new_prefix=60) if source in p)[1].packed
    for p in run.packets:
        if not m["up"] <= p.time < end:
            continue
        key = None
        if p.where == capture.CORE and p.proto == capture.MOBILITY:
            if p.kind == capture.BU and (p.src, p.dst) == (here, anchor):
                key = "pbu"
            elif p.kind == capture.BA and (p.src, p.dst) == (anchor, here):
                key = "pba"
        elif p.where == capture.MN and p.proto == capture.ICMP6 and p.kind == capture.RA:
            key = "ra"
        elif p.probe and p.where == capture.MN and p.probe[1] == flows.DOWN:
            key = "down"
        elif p.probe and p.where == capture.CORE and p.outer == (here, anchor):
            key = "up"
        if key and key not in out:
            out[key] = (p.time - m["up"]) * 1e3
    return out


def measure(lab, moves, count):
    """Medians of moves between AR2 and AR3; with one anchor alone of those from AR1 to AR2."""
    lab.build()
    lab.host()
    if isinstance(lab, Remote):
        lab.start_server()
    lab.start_domain()
    if isinstance(lab, Remote) and not lab.answering(1, 2, 3):
        raise LabError("the session database does not answer")
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.5)
    roaming = Roaming(lab, play)
    away, anchors = 3 if count > 1 else 1, 0
    if count == 0:
        roaming.move(2)
    for i in range(moves):
        if count == 0:
            roaming.arrive()
        else:
            roaming.move(2 if i % 2 == 0 else away)
        play.run_for(0.3)
        if lab.at == 2 and count > 0:
            anchors = len(lab.visits(2))
    rate = lab.status("ar2")["counters"]
    play.end(1)
    run = play.finish()
    rows = [steps(run, i) for i in range(3, len(run.moves)) if run.moves[i]["to"] != 1]
    out = {"anchors": anchors, "moves": len(rows), "datapath": lab.status("ar1")["datapath"],
           "pbu_unanswered": rate["pbu-unanswered"]}
    for key, _ in STEPS:
        seen = [r[key] for r in rows if key in r]
        out[f"{key}_ms"] = round(statistics.median(seen), 2) if seen else None
        out[f"{key}_seen"] = len(seen)
    trip = [r["pba"] - r["pbu"] for r in rows if "pba" in r and "pbu" in r]
    beyond = [r["down"] - (r["pba"] - r["pbu"]) for r in rows if {"pba", "pbu", "down"} <= set(r)]
    share = [r["pbu"] / r["down"] for r in rows if {"pbu", "down"} <= set(r)]
    out["look_up_share"] = round(statistics.median(share), 2) if share else None
    out["round_trip_ms"] = round(statistics.median(trip), 2) if trip else None
    out["beyond_round_trip_ms"] = round(statistics.median(beyond), 2) if beyond else None
    return out


def show(result, r):
    print(f"Database {result['database']}, {r['anchors']} earlier anchor{'s'[:r['anchors'] != 1]}, "
          f"{r['moves']} moves, data path {r['datapath']}; medians in ms after the router was told")
    for key, text in STEPS if r["anchors"] > 0 else (s for s in STEPS if s[0] == "ra"):
        print(f"  {text:48} {r[f'{key}_ms']}")
    if r["anchors"] == 0:
        return
    print(f"  {'round trip of the update':48} {r['round_trip_ms']}")
    print(f"  {'to the first packet, beyond that round trip':48} {r['beyond_round_trip_ms']}")
    print(f"  {'share of the look-up in the time to it':48} {r['look_up_share']}")


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    a.add_argument("--bindir", required=True, help="folder with the built programs")
    a.add_argument("--moves", type=int, default=30, metavar="N")
    a.add_argument("--anchors", type=int, action="append", choices=range(9), metavar="N",
                   help="earlier anchors, 0 to 8, several times: one run after the other (2)")
    a.add_argument("--database", choices=("sqlite", "redis"), default="sqlite")
    a.add_argument("--json", metavar="FILE", help="write the result as JSON")
    a.add_argument("--quiet", action="store_true", help="print nothing")
    o = a.parse_args()
    kind, runs = Remote if o.database == "redis" else Domain, []
    try:
        for count in o.anchors or [2]:
            with with_anchors(kind, count)(o.bindir) as lab:
                runs.append(measure(lab, o.moves, count))
    except LabError as e:
        print(f"network: {e}", file=sys.stderr)
        return 1
    except Interrupted as e:
        return 128 + e.signum
    result = {"schema": 1, "database": o.database, "runs": runs}
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=2)
            f.write("\n")
    for run in () if o.quiet else runs:
        show(result, run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
