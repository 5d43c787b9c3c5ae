#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Home agent address discovery and mobile prefix discovery (RFC 6275 10.5, 10.6): two home
agents on one link, a mobile node that is only packets, and everybody else who might ask.
What comes back is read by scapy, which nobody here wrote."""

import ipaddress
import json
import logging
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
logging.getLogger("scapy").setLevel(logging.ERROR)

# pylint: disable=wrong-import-position
from scapy.layers import inet6

import capture
import forge
import measure
import tap
from lab import CN, HA, POOL, Lab, LabError, anchor_of, mono, wait_for
from play import Play
from shared import HOA as SHARED_HOA, SharedLink

ANYCAST = 0xFDFF_FFFF_FFFF_FFFE         # RFC 2526 2.1, group 126 of a /64
R_FLAG, A_FLAG = 0x20, 0x40


def anycast(address):
    return str(ipaddress.ip_network(f"{address}/64", strict=False)[ANYCAST])


class Asker:
    """A box that sends packets and collects the answers, as scapy reads them."""

    def __init__(self, lab, box, interface):
        self.lab, self.box = lab, box
        self.sock = lab.inside(box, forge.Listener, interface).sock

    def heard(self):
        """All ICMPv6 that came in since the last call, but Neighbour Discovery."""
        out = []
        while True:
            try:
                data, addr = self.sock.recvfrom(2048)
            except BlockingIOError:
                return out
            p = inet6.IPv6(data)
            if addr[2] != 4 and p.version == 6 and b"ICMPv6" in p.summary().encode() \
                    and not any(p.haslayer(x) for x in (
                        inet6.ICMPv6ND_RS, inet6.ICMPv6ND_RA, inet6.ICMPv6ND_NS,
                        inet6.ICMPv6ND_NA, inet6.ICMPv6MLReport2)):
                out.append(p)

    def send(self, packet):
        self.heard()
        self.lab.inside(self.box, forge.send_routed, bytes(packet))

    def ask(self, packet, timeout=2.0):
        """The first answer, or None; and whatever came with it."""
        self.send(packet)
        found = []

        def more():
            found.extend(self.heard())
            return found
        wait_for(more, timeout, 0.01)
        wait_for(lambda: False, 0.1, 0.05)          # what else the kernel has to say
        more()
        return found


def home_agent_request(src, dst, ident):
    """Reserved bits set: they mean nothing (RFC 6275 6.5)."""
    return inet6.IPv6(src=src, dst=dst) / inet6.ICMPv6HAADRequest(id=ident, R=1, res=0x7FFF)


def solicitation(hoa, ha, coa, ident, res=0):
    """RFC 6275 6.7: from the care-of address, with a Home Address option, and the checksum
    over the home address."""
    body = bytearray(bytes(inet6.ICMPv6MPSol(id=ident, res=res)))
    body[2:4] = bytes(2)
    body[2:4] = forge.cksum(forge.pton(hoa), forge.pton(ha), forge.ICMP6,
                            bytes(body)).to_bytes(2, "big")
    hao = inet6.IPv6ExtHdrDestOpt(nh=forge.ICMP6, options=[inet6.HAO(hoa=hoa)])
    return forge.ipv6(coa, ha, forge.DSTOPTS, bytes(hao) + bytes(body))


def discovery(t, asker, src, target, wanted, name):
    """The reply to one request: the wanted addresses, those of one home agent in any order,
    from the home agent's own address."""
    answers = asker.ask(home_agent_request(src, target, 0x1234))
    replies = [a for a in answers if a.haslayer(inet6.ICMPv6HAADReply)]
    if not t.ok(len(replies) == 1 and len(answers) == 1, f"{name}: one answer, and no other",
                [a.summary() for a in answers]):
        return
    r = replies[0]
    t.equal((r.src, r.dst, r[inet6.ICMPv6HAADReply].id), (HA[1], src, 0x1234),
            f"{name}: from the home agent's address, with the identifier")
    got, parts = list(r[inet6.ICMPv6HAADReply].addresses), []
    for group in wanted:
        parts.append(sorted(got[:len(group)]))
        got = got[len(group):]
    t.equal((parts, got), ([sorted(x) for x in wanted], []), f"{name}: these addresses")


def others(lab):
    return [(a["linklocal"], a["addresses"], a["preference"])
            for a in lab.status("ar1")["home_agents"]]


def linklocal(lab, box, interface):
    out = lab.run(box, "ip", "-6", "-o", "addr", "show", "dev", interface, "scope", "link")
    return out.stdout.split()[3].split("/")[0]


def address_of(lab, pool):
    out = json.loads(lab.run("mn", "ip", "-6", "-j", "addr", "show", "dev", "wlan0").stdout)
    return next((a["local"] for a in out[0]["addr_info"] if not a.get("tentative")
                 and ipaddress.ip_address(a["local"]) in pool), None)


def forged_agent(preference, lifetime, *addresses, flags=0x20, r=1):
    p = inet6.IPv6(src="fe80::bad", dst="ff02::1", hlim=255) / \
        inet6.ICMPv6ND_RA(H=flags >> 5 & 1, routerlifetime=1800)
    if preference is not None:
        p /= inet6.ICMPv6NDOptHAInfo(pref=preference, lifetime=lifetime)
    for a in addresses:
        p /= inet6.ICMPv6NDOptPrefixInfo(prefix=a, prefixlen=64, L=0, A=0, R=r,
                                         validlifetime=3600, preferredlifetime=3600)
    return bytes(p)


def on_one_link(lab):
    """AR2's access port beside that of AR1."""
    lab.airnl.link(lab.links["ar2"], master=lab.links["br1"])


def test_home_agents(t):
    """Home agent address discovery"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        on_one_link(lab)
        lab.write("ar1.conf", lab.key_text() + "home-agent-preference 5;\n")
        lab.write("ar2.conf", lab.key_text() + "home-agent-preference 9;\n")
        lab.start_had(1, ("--log-level", "debug"))
        lab.start_had(2)
        far = Asker(lab, "cn2", "core0")
        other = linklocal(lab, "ar2", "acc0")
        t.ok(wait_for(lambda: others(lab) == [(other, [HA[2]], 9)], 12.0),
             "the other home agent on the link is known, with its address and preference",
             others(lab))
        discovery(t, far, CN[2], anycast(HA[1]), [[HA[2]], [HA[1]]], "from far away")
        hnp = str(POOL[1][0x33_0000_0000_0000_0000])
        discovery(t, far, CN[2], anycast(hnp), [[HA[2]], [HA[1]]],
                  "at the anycast address of a host's prefix")
        from_the_link(t, lab)
        learned(t, lab, far)
        hostile(t, lab, far)
        text = lab.ctl_raw("ar1", "status").stdout
        t.contains(text, "OTHER HOME AGENT", "status shows the home agents of the link")


def from_the_link(t, lab):
    lab.move(1)
    address = wait_for(lambda: address_of(lab, POOL[1]), 10.0, 0.1)
    if not t.ok(address, "a host on the link has an address of the home agent's prefix"):
        return
    # It has two routers; this one is asked by its own.
    for dst in (anycast(HA[1]), anycast(address)):
        lab.run("mn", "ip", "-6", "route", "add", dst, "via", linklocal(lab, "ar1", "acc0"),
                "dev", "wlan0")
    near = Asker(lab, "mn", "wlan0")
    discovery(t, near, address, anycast(HA[1]), [[HA[2]], [HA[1]]], "from the link")
    discovery(t, near, address, anycast(address), [[HA[2]], [HA[1]]],
              "from the link, by the host's own prefix")


def learned(t, lab, far):
    more = ["2001:db8:1:100::bad", "2001:db8:1:100::bae"]
    lab.inside("mn", forge.send_link, "wlan0", forged_agent(0xFFFF, 600, *more))
    wait_for(lambda: len(others(lab)) == 2, 2.0)
    discovery(t, far, CN[2], anycast(HA[1]), [more, [HA[2]], [HA[1]]],
              "a third one with two addresses and the highest preference")
    lab.inside("mn", forge.send_link, "wlan0", forged_agent(None, 0, *more))
    wait_for(lambda: 0 in [p for _, _, p in others(lab)], 2.0)
    discovery(t, far, CN[2], anycast(HA[1]), [[HA[2]], [HA[1]], more],
              "without the option its preference is 0")
    lab.inside("mn", forge.send_link, "wlan0", forged_agent(None, 0, flags=0))
    t.ok(wait_for(lambda: len(others(lab)) == 1, 2.0), "it leaves the list with its H flag",
         others(lab))
    lab.inside("mn", forge.send_link, "wlan0", forged_agent(3, 600, "2001:db8:1:100::", r=0))
    wait_for(lambda: len(others(lab)) == 2, 2.0)
    discovery(t, far, CN[2], anycast(HA[1]), [[HA[2]], [HA[1]]],
              "a prefix without R flag gives no address")
    lab.inside("mn", forge.send_link, "wlan0", forged_agent(3, 0))
    t.ok(wait_for(lambda: len(others(lab)) == 1, 2.0), "a lifetime of 0 ends it", others(lab))


def hostile(t, lab, far):
    count = lab.status("ar1")["counters"]
    far.send(home_agent_request(CN[2], HA[1], 1))
    t.ok(wait_for(lambda: moved(lab, count, "dhaad-elsewhere"), 2.0),
         "a request to the unicast address is counted")
    request = bytes(home_agent_request(CN[2], anycast(HA[1]), 2))
    lab.inside("cn2", lambda: [forge.send_routed(request) for _ in range(300)])
    t.ok(wait_for(lambda: moved(lab, count, "dhaad-limited"), 2.0), "a flood is limited",
         lab.status("ar1")["counters"])


def moved(lab, before, counter):
    return lab.status("ar1")["counters"].get(counter, 0) > before.get(counter, 0)


# ---- mobile prefix discovery --------------------------------------------------------------

class Mobile:
    """A mobile node away from home: its packets come from CN2."""

    def __init__(self, t, lab):
        self.t, self.lab = t, lab
        self.asker = Asker(lab, "cn2", "core0")
        lab.move(1)
        self.hoa = lab.attached(1)
        lab.move(0)
        self.seq = 100

    def register(self, lifetime=30):
        self.seq += 1
        self.lab.inside("cn2", forge.send_routed, forge.bu(
            self.hoa, HA[1], CN[2], self.seq, self.lab.secret, lifetime=lifetime))
        if not wait_for(lambda: bool(self.lab.status("ar1")["bindings"]) == (lifetime > 0), 3.0):
            raise LabError("the forged mobile node is not accepted")

    def advertisement(self, answers, ident, name):
        t = self.t
        found = [a for a in answers if a.haslayer(inet6.ICMPv6MPAdv)]
        if not t.ok(len(found) == 1 and len(answers) == 1,
                    f"{name}: one advertisement and nothing else",
                    [a.summary() for a in answers]):
            return
        a, mp = found[0], found[0][inet6.ICMPv6MPAdv]
        rh = a[inet6.IPv6ExtHdrRouting]
        t.equal((a.src, a.dst, rh.type, rh.segleft, rh.addresses), (HA[1], CN[2], 2, 1, [self.hoa]),
                f"{name}: to the care-of address, by a type 2 routing header")
        t.equal((mp.id, mp.flags), (ident, 0), f"{name}: identifier; neither M nor O")
        prefixes = options(mp)
        own = str(ipaddress.ip_network(f"{self.hoa}/64", strict=False).network_address)
        t.equal([(p.prefix, p.prefixlen, p.L, p.A, p.R) for p in prefixes],
                [(own, 64, 0, 1, 0), (HA[1], 64, 0, 0, 1)],
                f"{name}: the host's prefix and the home agent's address")
        left = self.lab.status("ar1")
        lease = next(x for x in left["leases"] if x["prefix"].startswith(own))
        bound = left["bindings"][0]
        t.ok(bound["remaining_s"] <= prefixes[0].validlifetime <= lease["remaining_s"] + 2,
             f"{name}: valid longer than the binding, and no longer than the lease",
             (bound["remaining_s"], prefixes[0].validlifetime, lease["remaining_s"]))


def options(mp):
    out, p = [], mp.payload
    while isinstance(p, inet6.ICMPv6NDOptPrefixInfo):
        out.append(p)
        p = p.payload
    return out


def test_prefixes(t):
    """Mobile prefix discovery"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1, ("--log-level", "debug"))
        mn = Mobile(t, lab)
        before = lab.status("ar1")["counters"]
        got = mn.asker.ask(solicitation(mn.hoa, HA[1], CN[2], 1), 1.0)
        t.ok(moved(lab, before, "mps-no-binding")
             and not any(a.haslayer(inet6.ICMPv6MPAdv) for a in got),
             "without a binding there is no advertisement", [a.summary() for a in got])
        mn.register()
        mn.advertisement(mn.asker.ask(solicitation(mn.hoa, HA[1], CN[2], 0xBEEF)), 0xBEEF,
                         "solicited")
        wait_for(lambda: False, 1.0, 0.5)
        mn.advertisement(mn.asker.ask(solicitation(mn.hoa, HA[1], CN[2], 2, res=0xFFFF)), 2,
                         "reserved bits")
        again(t, mn)
        wait_for(lambda: False, 1.0, 0.5)
        inner = inet6.IPv6(src=mn.hoa, dst=HA[1]) / inet6.ICMPv6MPSol(id=77)
        mn.advertisement(mn.asker.ask(inet6.IPv6(src=CN[2], dst=HA[1]) / inner), 77,
                         "through the tunnel")
        strangers(t, lab, mn)
        off(t, lab)


def again(t, mn):
    """No more than one a second (RFC 6275 6.8): the last of many is answered."""
    for ident in range(10, 15):
        mn.lab.inside("cn2", forge.send_routed, solicitation(mn.hoa, HA[1], CN[2], ident))
    found = []

    def more():
        found.extend(mn.asker.heard())
        return [a for a in found if a.haslayer(inet6.ICMPv6MPAdv)]
    wait_for(more, 3.0, 0.05)
    wait_for(lambda: False, 1.2, 0.5)
    ids = [a[inet6.ICMPv6MPAdv].id for a in more()]
    t.ok(ids[-1:] == [14] and len(ids) <= 2, "many solicitations: few advertisements", ids)


def strangers(t, lab, mn):
    before = lab.status("ar1")["counters"]
    other = Asker(lab, "cn1", "core0")
    other.send(solicitation(mn.hoa, HA[1], CN[1], 5))
    t.ok(wait_for(lambda: moved(lab, before, "mps-other-care-of"), 2.0),
         "from elsewhere: counted")
    other.send(inet6.IPv6(src=CN[1], dst=HA[1]) / inet6.IPv6(src=mn.hoa, dst=HA[1])
               / inet6.ICMPv6MPSol(id=6))
    wait_for(lambda: False, 0.5, 0.5)
    t.equal([a.summary() for a in other.heard() + mn.asker.heard()
             if a.haslayer(inet6.ICMPv6MPAdv)], [], "from elsewhere: not answered")


def off(t, lab):
    lab.write("ar1.conf", lab.key_text() + "mobile-prefix-advertisements no;\n")
    lab.kill("ar1", 10)                                     # SIGUSR1: keeps everything
    lab.start_had(1)
    mn_hoa = lab.status("ar1")["bindings"][0]["hoa"]
    asker = Asker(lab, "cn2", "core0")
    got = asker.ask(solicitation(mn_hoa, HA[1], CN[2], 9), 1.0)
    t.equal(([a.summary() for a in got], lab.status("ar1")["counters"]["mps-disabled"]), ([], 1),
            "where the configuration says so, there is no answer")


def test_shared(t):
    """A home link that its hosts share"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        link = SharedLink(lab)
        near, far = Asker(lab, "nb", "nb0"), Asker(lab, "cn2", "core0")
        discovery(t, far, CN[2], anycast(HA[1]), [[HA[1]]], "from far away")
        discovery(t, near, link.address, anycast(HA[1]), [[HA[1]]], "from the link")
        t.equal(link.neighbour(anycast(HA[1])), lab.mac_of("ar1", "acc0"),
                "the neighbour was told who has the anycast address")
        lab.inside("cn2", forge.send_routed, forge.bu(SHARED_HOA, HA[1], CN[2], 1, lab.secret))
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        answers = far.ask(solicitation(SHARED_HOA, HA[1], CN[2], 3))
        found = [options(a[inet6.ICMPv6MPAdv]) for a in answers if a.haslayer(inet6.ICMPv6MPAdv)]
        t.equal([[(p.prefix, p.L, p.A, p.R) for p in o] for o in found], [[(HA[1], 1, 1, 1)]],
                "one advertisement with the prefix of all")


def test_not_asked(t):
    """A Mobile Prefix Advertisement to a mobile node that has not asked"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", lab.key_text() + "binding-lifetime 8s;\n"
                  "mobile-prefix-interval 1s 1s;\n")
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.3)
        play.move(2)
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        coa = lab.status("ar1")["bindings"][0]["coa"]
        t.ok(wait_for(lambda: lab.status("ar1")["counters"]["tx-mpa-unsolicited"], 15.0, 0.1),
             "it is told that a day (here a second) is over", lab.status("ar1")["counters"])
        play.run_for(1.0)
        play.end(1)
        asked = lab.status("mn")["counters"]
        t.ok(asked["mpa-unsolicited"] > 0 and asked["mps"] > 0
             and asked["mpa"] > asked["mpa-unsolicited"],
             "it asks then, and has its answer", asked)
        run = play.finish()
        kinds = [(p.src == forge.pton(coa), p.kind) for p in run.packets
                 if p.where == capture.MN and p.proto == capture.ICMP6
                 and forge.pton(HA[1]) in (p.src, p.dst)]
        t.ok((False, 147) in kinds, "the advertisement reaches it", kinds)
        t.equal({k for answer, k in kinds if answer}, {146}, "its kernel answers nothing")
        t.equal(measure.flow_faults(run, 1), [], "the flow goes on")


def test_renewed(t):
    """A mobile node that is away for longer than its prefix was valid when it left"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in (1, 2):
            lab.write(f"ar{n}.conf", lab.key_text() + "prefix-lifetime 60s;\n"
                      "binding-lifetime 30s;\n")
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        play.run_for(0.3)
        play.move(2)
        left = mono()

        def remaining():
            return [a["prefix_remaining_s"] for a in lab.status("mn")["anchors"]
                    if anchor_of(a["hoa"]) == 1]
        t.ok(wait_for(lambda: lab.status("mn")["counters"]["mpa"], 50.0, 0.5),
             "it asks and is answered before that time is over", lab.status("mn"))
        t.ok(remaining() and remaining()[0] > 50, "its prefix is valid for its whole lifetime again",
             remaining())
        play.run_for(max(0.5, left + 62.0 - mono()))
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow outlives it")


if __name__ == "__main__":
    tap.main(test_home_agents, test_prefixes, test_shared, test_not_asked,
             test_renewed)
