#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Arriving at a link whose prefix hosts share: the flow goes on before the kernel's own address
there can be used, and also when another host has the address that was made."""

import ipaddress
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import shared
import tap
from lab import Lab, wait_for
from play import Play

PREFIX = "2001:db8:1:200::/64"
NS, NA = 135, 136


def addresses(lab):
    """What the MN's interface has in the shared prefix: address -> description."""
    out = lab.run("mn", "ip", "-6", "-j", "addr", "show", "dev", "wlan0").stdout
    return {a["local"]: a for a in json.loads(out)[0]["addr_info"]
            if ipaddress.ip_address(a["local"]) in ipaddress.ip_network(PREFIX)}


def eui64(lab, n=2):
    mac = bytes.fromhex(lab.mac().replace(":", ""))
    iid = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return str(ipaddress.ip_address(f"2001:db8:1:{n}00::") + int.from_bytes(iid, "big"))


def anchor(lab):
    return next((a for a in lab.status("mn")["anchors"] if a["state"] == "bound"), None)


def test_arrival(t):
    """from a prefix of its own to a shared one, and on"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        shared.start_had(lab, 2, "retrans-timer 100ms;\n")
        lab.start_had(3)
        lab.start_mnd()
        setting = "/proc/sys/net/ipv6/conf/wlan0/optimistic_dad"
        if not os.path.exists(setting.replace("wlan0", "all")):
            t.note("this kernel has no optimistic addresses: the arrival waits for its own")
            return
        play = Play(lab, {1: 1, 2: 2})
        play.move(1)
        play.begin(1)
        play.run_for(0.5)

        play.move(2)
        bound = wait_for(lambda: anchor(lab), 8.0, 0.01)
        there = addresses(lab)
        own = next((a for a in there if a != eui64(lab)), None)
        t.ok(bound and own and bound["coa"] == own,
             "registered from an address of its own making", (bound, there))
        t.ok(own and there[own].get("optimistic") or not there[own].get("tentative"),
             "whose duplicates are looked for", there.get(own))
        t.equal(lab.run("mn", "cat", setting).stdout.strip(), "0",
                "the setting of the interface is what it was")
        wait_for(lambda: not addresses(lab).get(eui64(lab), {"tentative": 1}).get("tentative"),
                 8.0)
        play.begin(2)
        t.equal(play.started[2]["source"], eui64(lab), "a new flow begins on the kernel's own")
        t.equal(anchor(lab)["coa"], own, "and the registration stays as it is")

        t.equal(lab.run("mn", "cat", "/proc/sys/net/ipv6/neigh/wlan0/retrans_time_ms").stdout
                .strip(), "100", "the link's time between solicitations is known")

        # The daemon killed and started again: the same address.
        lab.kill("mn")
        lab.start_mnd()
        wait_for(lambda: anchor(lab), 8.0, 0.01)
        t.equal(anchor(lab)["coa"], own, "after a kill and a start, too")

        play.end(1)
        t.ok(wait_for(lambda: list(addresses(lab)) == [eui64(lab)], 15.0, 0.1),
             "without an anchor it is gone", addresses(lab))
        play.move(3)
        play.run_for(2.5)
        t.ok(not addresses(lab), "elsewhere the link has no address of the prefix",
             addresses(lab))
        routes = lab.run("mn", "ip", "-6", "route", "show", PREFIX).stdout
        t.equal(routes, "", "and nobody of the prefix is looked for there")
        play.end(2)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the first flow lived through all of it")
        t.equal(measure.flow_faults(run, 2), [], "and the second")
        t.note(measure.phases(run, 1))
        for h in run.handovers():
            t.note(h)


def has_it_too(interface, mine, told):
    """Answers the duplicate address detection for the first address that is not `mine`, and
    writes down which one that was."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
    s.bind((interface, 0x86DD))
    # PACKET_MR_ALLMULTI
    s.setsockopt(263, 1, struct.pack("=iHH8s", socket.if_nametoindex(interface), 2, 0, b""))
    victim = None
    with open(told, "w", encoding="ascii"):
        pass
    while True:
        p, _ = s.recvfrom(2048)
        if p[6] != 58 or p[40] != NS or p[8:24] != bytes(16):
            continue
        target = p[48:64]
        if target[0] == 0xFE or target == forge.pton(mine) or target != (victim or target):
            continue
        if not victim:
            with open(told, "w", encoding="ascii") as f:
                f.write(socket.inet_ntop(socket.AF_INET6, target))
        victim = target
        body = struct.pack("!BBHI", NA, 0, 0, 0x20000000) + target + b"\2\1\2\0\0\0\0\x66"
        check = forge.cksum(target, forge.pton("ff02::1"), forge.ICMP6, body)
        body = body[:2] + struct.pack("!H", check) + body[4:]
        forge.send_link(interface, forge.ipv6(socket.inet_ntop(socket.AF_INET6, target),
                                              "ff02::1", forge.ICMP6, body, 255))


def test_duplicate(t):
    """another host has the address that was made"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        shared.start_had(lab, 2)
        lab.start_mnd()
        lab.batch(None, [f"netns add {lab.ns('other')}",
                         f"link add other0 index 60 netns {lab.ns('other')} type veth "
                         f"peer name other netns {lab.ns('air')}"])
        lab.batch("air", ["link set other master br2", "link set other up"])
        lab.batch("other", ["link set lo up", "link set other0 up"])
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.5)
        mine = eui64(lab)
        told = lab.path("told")
        lab.spawn("has it", "other", has_it_too, "other0", mine, told)
        wait_for(lambda: os.path.exists(told), 5.0)

        play.move(2)
        noticed = wait_for(lambda: lab.status("mn")["counters"]["coa-duplicate"], 10.0, 0.02)
        t.equal(noticed, 1, "the collision is noticed")
        with open(told, encoding="ascii") as f:
            theirs = f.read()
        play.run_for(3.0)
        there = addresses(lab)
        t.ok(theirs and theirs not in there, "the address that somebody has is off the link",
             (theirs, there))
        coa = (anchor(lab) or {}).get("coa")
        t.ok(coa in there and coa not in (theirs, mine), "another one was made and registered",
             (coa, there))
        t.equal(lab.status("mn")["counters"]["coa-duplicate"], 1, "which nobody else has")
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through it")
        lab.kill("mn")
        lab.run("mn", lab.bin("dmip6-mnd"), "--cleanup")
        t.equal(list(addresses(lab)), [mine], "killed, cleaned: the link has the kernel's own")
        for h in run.handovers():
            t.note(h)


if __name__ == "__main__":
    tap.main(test_arrival, test_duplicate)
