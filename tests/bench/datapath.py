#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a tunnel costs a home agent: small packets and bulk TCP through each data path that works
here, beside plain forwarding by the same router.

    datapath.py --bindir DIR [--rounds N] [--seconds S] [--json FILE]

    cn ----- ha ----- mn        three network namespaces; ha forwards, or tunnels to mn

Every round takes a slice of each kind in random order; a figure is the median of the ratios
within a round, with the quartiles. Small packets: 64 octets of UDP; the processor time of
the sender, in which the whole way of a packet is spent, divided by the packets that arrived; mn
sends tunnel packets ready made and drops what it gets, so the difference is the home agent's.
TCP: octets in a second, both ends tunnelling; veth devices leave segments as large as they
are, as network cards with segmentation offload do. A benchmark: it never fails because of a
figure.
"""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
import tap
from lab import LabError, setns
from tunnelnet import CN, COA, HA, HOA, WITHOUT_CORE, Net, tunnel
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

MTU = 1540                      # of the links; 1500 for what is inside
PLAIN = "plain"


class Path:
    """One network with one way of forwarding."""

    def __init__(self, kind):
        self.kind = kind
        self.net = Net(None if kind == PLAIN else kind, WITHOUT_CORE, MTU)
        self.net.id += f"-{kind}"
        self.host = COA if kind == PLAIN else HOA

    def __enter__(self):
        net = self.net.__enter__()
        net.sh("cn", "ip -6 route replace default via 2001:db8:c::1 mtu 1500")
        if self.kind == PLAIN:
            net.sh("mn", "ip -6 route replace default via 2001:db8:e::1 mtu 1500")
        else:
            net.dp(f"set {HOA} {HA} {COA} 1500")
            net.hold("mn", "dmip6mn0", COA)
            net.sh("mn", f"ip -6 addr add {HOA}/128 dev dmip6mn0 nodad preferred_lft 0")
            net.dp(f"set {HOA} {COA} {HA} 1500", "mn")
        return self

    def __exit__(self, *e):
        return self.net.__exit__(*e)

    def sink(self, box, on):
        """What arrives there ends as early as it can."""
        self.net.sh(box, "nft add table ip6 sink; nft add chain ip6 sink end '{ type filter hook "
                    "prerouting priority -450; }'; nft add rule ip6 sink end meta l4proto "
                    "'{ 17, 41 }' drop" if on else "nft delete table ip6 sink")

    def received(self, box, dev):
        return int(self.net.sh(box, f"cat /sys/class/net/{dev}/statistics/rx_packets"))

    def packets(self, up, seconds):
        """Processor time in microseconds for a packet, and packets in a second."""
        src, dst = (self.host, CN) if up else (CN, self.host)
        box, dev, to, far, far_dev = ("mn", "mk", "hk", "cn", "ch") if up \
            else ("cn", "ch", "hc", "mn", "mk")
        packet = IPv6(src=src, dst=dst) / UDP(sport=9, dport=9) / bytes(16)
        if up and self.kind != PLAIN:
            packet = tunnel(packet)
        frame = Ether(dst=self.net.macs[to], src=self.net.macs[dev]) / packet
        self.sink(far, True)
        before = self.received(far, far_dev)
        p = subprocess.run(["ip", "netns", "exec", self.net.ns(box),
                            os.path.join(tap.BINDIR, "tests/bench/datapath_send"), dev,
                            str(seconds)], input=bytes(frame).hex(), text=True,
                           capture_output=True, check=True)
        sent, cpu, took = map(int, p.stdout.split())
        arrived = self.received(far, far_dev) - before
        self.sink(far, False)
        if arrived < sent / 2:
            raise LabError(f"{self.kind}: {arrived} of {sent} packets arrived")
        return cpu / arrived, arrived * 1e6 / took

    def bulk(self, up, seconds):
        """Octets in a second."""
        server = self.net.inside("cn" if up else "mn", listen)
        address = CN if up else self.host
        child = os.fork()
        if child == 0:
            setns(f"/run/netns/{self.net.ns('mn' if up else 'cn')}")
            send_bulk(self.host if up else CN, (address, server.getsockname()[1]), seconds)
            os._exit(0)
        try:
            peer, _ = server.accept()
            peer.settimeout(10)
            total, begin = 0, time.monotonic()
            room = bytearray(1 << 20)
            while n := peer.recv_into(room):
                total += n
            return total / (time.monotonic() - begin)
        finally:
            os.waitpid(child, 0)
            server.close()


def listen():
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(10)
    s.bind(("::", 0))
    s.listen(1)
    return s


def send_bulk(source, to, seconds):
    data, end = bytes(1 << 18), time.monotonic() + seconds
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.settimeout(10)
        s.bind((source, 0))
        s.connect(to)
        while time.monotonic() < end:
            s.sendall(data)


def measure(paths, args):
    """kind -> measure -> one value a round"""
    samples = {p.kind: {} for p in paths}
    jobs = [(p, up) for p in paths for up in (False, True)]
    for _ in range(args.rounds):
        random.shuffle(jobs)
        for path, up in jobs:
            way = "up" if up else "down"
            cpu, rate = path.packets(up, args.seconds)
            s = samples[path.kind]
            s.setdefault(f"packet-us-{way}", []).append(cpu)
            s.setdefault(f"packets-{way}", []).append(rate)
            s.setdefault(f"tcp-{way}", []).append(path.bulk(up, args.seconds))
    return samples


def ratio(samples, kind, name):
    r = [x / y for x, y in zip(samples[kind][name], samples[PLAIN][name])]
    return statistics.quantiles(r, n=4)


def report(samples, kinds):
    m = {k: {n: statistics.median(v) for n, v in s.items()} for k, s in samples.items()}
    print(f"{'':24}{'plain':>12}" + "".join(f"{k:>12}{'to plain':>10}  {'quartiles':13}"
                                            for k in kinds))
    for name, text, scale in (
            ("packet-us-down", "packet to the host, us", 1),
            ("packet-us-up", "packet from it, us", 1),
            ("packets-down", "packets/s to it, 1000", 1e-3),
            ("packets-up", "packets/s from it, 1000", 1e-3),
            ("tcp-down", "TCP to it, Gbit/s", 8e-9), ("tcp-up", "TCP from it, Gbit/s", 8e-9)):
        line = f"{text:24}{m[PLAIN][name] * scale:12.2f}"
        for k in kinds:
            low, mid, high = ratio(samples, k, name)
            line += f"{m[k][name] * scale:12.2f}{mid:10.2f}  {low:.2f} to {high:.2f}"
        print(line)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--bindir", default=tap.BINDIR)
    p.add_argument("--rounds", type=int, default=20)
    p.add_argument("--seconds", type=float, default=0.25, help="of one slice")
    p.add_argument("--json", metavar="FILE")
    return p.parse_args()


def main():
    args = parse()
    tap.BINDIR = os.path.abspath(args.bindir)
    paths = []
    try:
        for kind in (PLAIN, "seg6", "ip6tnl"):
            try:
                paths.append(Path(kind).__enter__())    # pylint: disable=unnecessary-dunder-call
            except LabError as e:
                print(f"not measured here: {e}")
        samples = measure(paths, args)
    except LabError as e:
        sys.exit(f"datapath.py: {e}")
    finally:
        for p in paths:
            p.__exit__(None, None, None)
    load = os.getloadavg()[0]
    print(f"{os.uname().release}, load {load:.1f} of {os.cpu_count()} processors, "
          f"{args.rounds} rounds of {args.seconds} s")
    report(samples, [p.kind for p in paths[1:]])
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"kernel": os.uname().release, "load": load, "samples": samples}, f)


if __name__ == "__main__":
    main()
