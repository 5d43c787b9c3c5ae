#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode, figure 6 of the draft: a host on links of two routers at once. One flow stays on
its first interface while another goes by the second one, and a link that goes away leaves its
flows to the other."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from dock import ETH0, PORTS
from lab import ARS, HA, anchor_of, mono, wait_for
from network import Domain
from play import Play
from t_peer import by_tshark

NAME = "phone@example.net"
LINKS = {1: "wlan", 2: "lte", 3: "wlan"}
ROUTER = "fe80::200:5eff:fe00:5213"


class Phone(Domain):
    """Wi-Fi at AR1 and AR3, a cellular network at AR2; flow 2 is to go by the latter."""

    flows = ("flow two { remote-port 7002; access lte; }\n"
             "flow one { protocol udp; remote-port 7001; access default; }\n")

    def build(self):
        super().build()
        self.batch(None, [f"link add eth0 index {ETH0} netns {self.ns('mn')} type veth "
                          f"peer name {PORTS['eth0']} netns {self.ns('air')}"])
        out = self.run("air", "ip", "-j", "link", "show").stdout
        self.links = {x["ifname"]: x["ifindex"] for x in json.loads(out)}
        self.host()
        for key in ("accept_ra", "optimistic_dad", "use_optimistic"):
            self.sysctl("mn", f"net/ipv6/conf/eth0/{key}", "1")
        # What has lost its carrier is no way out.
        self.sysctl("mn", "net/ipv6/conf/all/ignore_routes_with_linkdown", "1")
        self.batch("mn", ["link set eth0 up"])
        self.run("mn", "nft", "-f", "-", stdin=COUNTERS)

    #: Who the host is stands in the configuration; else in the session database.
    configured = True

    def configure(self, n, more=""):
        macs = [self.mac(), self.mac_of("mn", "eth0")] if self.configured else []
        hosts = "".join(f'host {m} {{ identity "{NAME}"; }}\n' for m in macs)
        super().configure(n, f"access-type {LINKS[n]};\n{hosts}{self.flows}{more}")

    def join(self, n):
        """The second interface comes to AR n."""
        port = self.links[PORTS["eth0"]]
        self.airnl.link(port, up=False)
        self.airnl.link(port, master=self.links[f"br{n}"])
        self.airnl.link(port, up=True)
        self.ctl(f"ar{n}", "mn", "attach", self.mac_of("mn", "eth0"))

    def uplink(self, flow, interface):
        """As the recipe in the manual has it: what the host sends of a flow leaves there."""
        table = 100 + flow
        self.run("mn", "ip", "-6", "route", "replace", "default", "via", ROUTER, "dev",
                 interface, "table", str(table))
        for protocol in ("udp", "tcp"):
            self.run("mn", "ip", "-6", "rule", "add", "ipproto", protocol, "dport",
                     str(7000 + flow), "lookup", str(table), "pref", str(table))

    def came_by(self, seconds=0.5):
        """By which interface packets of which flow came: {(interface, flow): packets}."""
        self.run("mn", "nft", "reset", "counters", "table", "ip6", "look")
        wait_for(lambda: False, seconds)
        out = json.loads(self.run("mn", "nft", "-j", "list", "counters", "table", "ip6",
                                  "look").stdout)["nftables"]
        count = {x["counter"]["name"]: x["counter"]["packets"] for x in out if "counter" in x}
        return {(i, f): count[f"{i}_{f}"] for i in ("wlan0", "eth0") for f in (1, 2)}

    def goes(self, flow, interface, timeout=5.0):
        """All of the flow comes by that interface, and by no other."""
        other = "eth0" if interface == "wlan0" else "wlan0"

        def only():
            by = self.came_by(0.2)
            return by[interface, flow] > 20 and by[other, flow] == 0
        return wait_for(only, timeout, 0.0)

    def ways(self, n, prefix):
        """Of a prefix of AR n: identifier -> router."""
        return {b["bid"]: next(m for m in ARS if HA[m] == b["coa"])
                for b in self.bindings(n) if b["prefix"] == prefix}


COUNTERS = "table ip6 look {\n" + "".join(
    f"counter {i}_{f} {{ }}\n" for i in ("wlan0", "eth0") for f in (1, 2)) + \
    "chain in { type filter hook prerouting priority raw;\n" + "".join(
        f"iifname {i} udp sport 700{f} counter name {i}_{f}\n"
        for i in ("wlan0", "eth0") for f in (1, 2)) + "}\n}\n"


def begin(lab, t):
    """Two flows on the first interface, at AR1; then the second one comes to AR2."""
    lab.build()
    lab.start_domain()
    play = Play(lab, {1: 1, 2: 2})
    play.move(1)
    for flow in (1, 2):
        line = play.begin(flow)
        t.equal(anchor_of(line["source"]), 1, f"flow {flow} begins on an address of AR1")
    prefix = lab.prefix_of(1)
    lab.join(2)
    t.ok(wait_for(lambda: lab.ways(1, prefix) == {1: 2}, 5.0),
         "AR1 has a further way to the host, by AR2", lab.bindings(1))
    return play, prefix


def settle(lab, t, play, what):
    """The flows lose nothing while nothing changes, whatever has been before."""
    play.run_for(0.5)
    by = lab.came_by()
    t.ok(sum(n for (_, f), n in by.items() if f == 1) > 100
         and sum(n for (_, f), n in by.items() if f == 2) > 100, f"{what}: both flows live", by)


def test_figure_6(t):
    """flow 1 stays on the first interface, flow 2 goes to the second, and both are counted"""
    with Phone(tap.BINDIR) as lab:
        play, prefix = begin(lab, t)
        lab.uplink(2, "eth0")
        t.ok(lab.goes(2, "eth0"), "flow 2 comes by the second interface", lab.came_by())
        t.ok(lab.goes(1, "wlan0"), "and flow 1 by the first", lab.came_by())
        t.ok(not any(i["local"].startswith(prefix.split("::")[0] + ":")
                     for i in addresses(lab, "eth0")),
             "of the prefix the second interface has no address", addresses(lab, "eth0"))
        t.equal([(f["flow"], f["by"]) for f in lab.status("ar1")["flows"]
                 if f["prefix"] == prefix], [("two", HA[2]), ("one", "default")],
                "AR1 says by which way each goes")
        t.ok(prefix in {v["prefix"] for v in lab.visits(2)}, "and AR2 that it is a visit",
             lab.visits(2))
        before = lab.bindings(1)[0]["tx_packets"]
        play.run_for(0.5)
        t.ok(lab.bindings(1)[0]["tx_packets"] > before + 100, "the way counts", lab.bindings(1))
        mac = lab.mac_of("mn", "eth0")
        for to, interface in (("default", "wlan0"), ("lte", "eth0")) * 3:
            moved = mono()
            lab.ctl("ar1", "mn", "move", mac, "two", to)
            t.ok(lab.goes(2, interface), f"moved to {to}: it comes by {interface}",
                 lab.came_by())
            play.moves.append({"to": 1, "down": moved, "up": moved})
        lab.ctl("ar1", "mn", "move", mac, "one", "lte")
        t.ok(lab.goes(1, "eth0"), "flow 1 can be moved as well")
        lab.ctl("ar1", "mn", "move", mac, "one", "configured")
        t.ok(lab.goes(1, "wlan0"), "and is as configured again")
        for words, code, why in (((mac, "three", "lte"), 4, "no such flow"),
                                 (("02:00:00:00:00:99", "two", "lte"), 4, "no such host"),
                                 ((mac, "two", "tin-can"), 2, "wlan"), ((mac, "two"), 2, "LINK")):
            p = lab.ctl_raw("ar1", "mn", "move", *words)
            t.ok(p.returncode == code and why in p.stderr, f"mn move {' '.join(words[1:])}: {why}",
                 (p.returncode, p.stderr))
        play.end(1)
        play.end(2)
        run = play.finish()
        for flow in (1, 2):
            t.equal(measure.flow_faults(run, flow), [], f"flow {flow} has not noticed")
        m, c = run.mobile[2], run.correspondent[2]
        for way, here, there in (("down", c, m), ("up", m, c)):
            start, end = run.moves[1]["down"], run.moves[-1]["down"] + 0.5
            lost = measure.lost(here["udp_sent"], there["udp_received"], start, end)
            t.equal(lost, [], f"and not one packet {way} was lost by its moves")


def addresses(lab, interface):
    out = json.loads(lab.run("mn", "ip", "-6", "-j", "addr", "show", "dev", interface).stdout)
    return [i for x in out for i in x.get("addr_info", []) if i.get("scope") == "global"]


def test_link_goes(t):
    """a link that goes away, one that comes back elsewhere, a router that is killed"""
    with Phone(tap.BINDIR) as lab:
        play, prefix = begin(lab, t)
        lab.uplink(2, "eth0")
        t.ok(lab.goes(2, "eth0"), "flow 2 comes by the second interface")
        for n, what in ((1, "the anchor"), (2, "the other router")):
            lab.kill(f"ar{n}", signal.SIGKILL)
            wait_for(lambda: False, 0.3)
            by = lab.came_by()
            t.ok(by["eth0", 2] > 100 and by["wlan0", 1] > 100, f"{what} is killed: all goes on",
                 by)
            lab.start_had(n)
            t.ok(wait_for(lambda: lab.ways(1, prefix) == {1: 2}, 10.0), "it is back", lab.bindings(1))
            t.ok(lab.goes(2, "eth0") and lab.goes(1, "wlan0"), "and the ways are as they were",
                 lab.came_by())
        lab.airnl.link(lab.links["mn"], up=False)
        lab.ctl("ar1", "mn", "detach", lab.mac())
        t.ok(lab.goes(1, "eth0", 10.0) and lab.goes(2, "eth0"),
             "the first link is gone: both come by the second", lab.came_by())
        settle(lab, t, play, "one link")
        lab.airnl.link(lab.links["mn"], master=lab.links["br3"])
        lab.airnl.link(lab.links["mn"], up=True)
        lab.ctl("ar3", "mn", "attach", lab.mac())
        t.ok(wait_for(lambda: lab.ways(1, prefix) == {0: 3, 1: 2}, 10.0),
             "the first interface is at AR3: the default way is there", lab.bindings(1))
        t.ok(lab.goes(1, "wlan0", 10.0) and lab.goes(2, "eth0"),
             "and each flow has its link again", lab.came_by())
        settle(lab, t, play, "AR3 and AR2")
        lab.airnl.link(lab.links[PORTS["eth0"]], up=False)
        lab.ctl("ar2", "mn", "detach", lab.mac_of("mn", "eth0"))
        lab.run("mn", "ip", "-6", "rule", "del", "pref", "102")
        lab.run("mn", "ip", "-6", "rule", "del", "pref", "102")
        t.ok(wait_for(lambda: lab.ways(1, prefix) == {0: 3}, 5.0), "the second link is gone",
             lab.bindings(1))
        t.ok(lab.goes(2, "wlan0", 10.0), "and flow 2 is where flow 1 is", lab.came_by())
        play.end(1)
        play.end(2)
        run = play.finish()
        for flow in (1, 2):
            t.equal(measure.flow_faults(run, flow), [], f"flow {flow} lived through all of it")
        state = lab.kernel_state("ar1")
        t.equal([x for x in state["filter"] if "chain flow_" in x]
                + [x for x in state["rules"] if "0x644d496" in x], [],
                "nothing of the second way is left")


def test_mended(t):
    """what somebody else deletes comes back; what is taken away is gone"""
    with Phone(tap.BINDIR) as lab:
        play, prefix = begin(lab, t)
        lab.uplink(2, "eth0")
        t.ok(lab.goes(2, "eth0"), "flow 2 comes by the second interface")
        for what in (("ip", "-6", "rule", "del", "pref", "4500"),
                     ("ip", "-6", "route", "flush", "table", "4500"),
                     ("nft", "delete", "table", "inet", "dmip6_ha")):
            p = lab.run("ar1", *what)
            t.equal(p.returncode, 0, f"{' '.join(what[:4])}: deleted")
            t.ok(lab.goes(2, "eth0") and lab.goes(1, "wlan0"), "and it is back", lab.came_by())
        # Without the flow in the configuration it goes the default way, at once.
        lab.flows = "flow one { remote-port 7001; access lte; }\n"
        lab.configure(1)
        lab.ctl("ar1", "reload")
        t.ok(lab.goes(2, "wlan0") and lab.goes(1, "eth0"),
             "the configuration says otherwise, and is read again", lab.came_by())
        play.end(1)
        play.end(2)
        run = play.finish()
        for flow in (1, 2):
            t.equal(measure.flow_faults(run, flow), [], f"flow {flow} lived through all of it")
        t.equal(lab.ways(1, prefix), {1: 2}, "the way is there still")
        lab.kill("ar1", signal.SIGKILL)
        p = lab.run("ar1", lab.bin("dmip6-had"), "--cleanup")
        state = lab.kernel_state("ar1")
        t.equal((p.returncode, [x for k in ("rules", "routes", "filter") for x in state[k]
                                if "450" in x and "proto 77" in x or "flow_" in x
                                or "0x644d496" in x]), (0, []),
                "after a kill --cleanup leaves nothing of it")


class Registered(Phone):
    configured = False

    def start_domain(self, more="", routers=ARS, ready=True):
        super().start_domain(more, routers, ready)
        with contextlib.closing(sqlite3.connect(self.path("sessions.db"), timeout=10)) as db, db:
            for interface in ("wlan0", "eth0"):
                db.execute("INSERT INTO policy VALUES (?, ?, 'allowed')",
                           (self.mac_of("mn", interface), f"1:{NAME}"))


def test_name_from_database(t):
    """the operator has said in the session database which interfaces are one host's"""
    with Registered(tap.BINDIR) as lab:
        play, prefix = begin(lab, t)
        lab.uplink(2, "eth0")
        t.ok(lab.goes(2, "eth0") and lab.goes(1, "wlan0"), "each flow has its link", lab.came_by())
        with contextlib.closing(sqlite3.connect(lab.path("sessions.db"), timeout=10)) as db:
            rows = [r[0] for r in db.execute("SELECT record FROM session")]
        t.ok(sum(f"mn=1:{NAME} " in r and "state=active" in r for r in rows) == 2,
             "its sessions stand there under its name", rows)
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.ok(wait_for(lambda: lab.ways(1, prefix) == {1: 2}, 10.0),
             "the anchor knows it by that after a kill", lab.bindings(1))
        lab.airnl.link(lab.links["mn"], up=False)
        lab.ctl("ar1", "mn", "detach", lab.mac())
        t.ok(lab.goes(1, "eth0", 10.0), "the first link goes: so does its flow")
        play.end(1)
        play.end(2)
        run = play.finish()
        for flow in (1, 2):
            t.equal(measure.flow_faults(run, flow), [], f"flow {flow} lived through all of it")


def test_wire(t):
    """what is said about it, read by somebody else"""
    if not shutil.which("tshark"):
        t.note("tshark is not here")
        return
    with Phone(tap.BINDIR) as lab:
        lab.build()
        ears = [lab.inside(f"ar{n}", forge.Listener, "core0") for n in (1, 2)]
        lab.start_domain()
        lab.move(1)
        t.ok(wait_for(lambda: lab.prefix_of(1), 5.0), "the host is at AR1")
        prefix = lab.prefix_of(1)
        lab.join(2)
        t.ok(wait_for(lambda: lab.ways(1, prefix) == {1: 2}, 5.0), "and at AR2")
        wait_for(lambda: False, 0.2)
        said = [p for ear in ears for p in ear.answers(None) if p[6] == forge.MH]
        about = [by_tshark(p, ["mip6.mhtype", "mip6.hi", "mip6.att", "mip6.nemo.mnp.mnp"])
                 for p in said if p[42] in (5, 6)]
        mine = prefix.split("/")[0]
        t.equal({(r[1], r[2], r[3]) for r in about if r[4] == mine},
                {("5", "6", "8"), ("6", "6", "8")},
                "update and acknowledgement have handoff indicator 6 and LTE, and are well formed")
        t.equal([r for r in about if r[0]], [], "without a complaint")
        # RFC 7864 4.1: the highest bit behind the option's length.
        flags = {p[42]: p[p.index(b"\x16\x12") + 2] for p in said
                 if p[42] in (5, 6) and socket.inet_pton(socket.AF_INET6, mine) in p}
        t.equal(flags, {5: 0, 6: 0x80}, "the acknowledgement says that the prefix is off link")


if __name__ == "__main__":
    tap.main(test_figure_6, test_link_goes, test_mended, test_name_from_database, test_wire)
