#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A prefix is taken out of AR1's configuration while hosts use it.

One mobile node is on the link with a running flow, and is told of the old prefix's end and of
the new one. Another one, played by hand, is away: its binding goes on, and is revoked when
the old prefix is withdrawn.
"""

import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import CN, Lab, wait_for
from play import Play
from shared import Wire
from t_discovery import Asker, inet6, options, solicitation

OLD, NEW = "2001:db8:1:100::/57", "2001:db8:1:180::/57"
OLD_HA, NEW_HA = "2001:db8:1:100::1", "2001:db8:1:180::1"
LIFETIME = 60                           # the shortest prefix lifetime that is allowed
COA = CN[2]


def start(lab, *prefixes):
    lab.write("ar1.conf", lab.key_text() + f"prefix-lifetime {LIFETIME}s;\n"
              "binding-lifetime 50s;\ninterface acc0 {\n"
              + "".join(f"\tprefix {p}\n" for p in prefixes) + "}\n")
    os.makedirs(lab.path("ar1.state"), exist_ok=True)
    lab.popen("ar1", "ar1", [lab.bin("dmip6-had"), "--state-dir", lab.path("ar1.state"),
                             "--control", lab.sock("ar1"), "--config", lab.path("ar1.conf")])
    lab.wait_ready("ar1")


def addresses(lab):
    """Global addresses of the mobile node's interface: address -> preferred lifetime."""
    out = lab.run("mn", "ip", "-6", "-j", "addr", "show", "dev", "wlan0", "scope",
                  "global").stdout
    return {a["local"]: a["preferred_life_time"] for i in json.loads(out or "[]")
            for a in i.get("addr_info", []) if "local" in a}


def lease_by_hand(lab, mac):
    """A host that is not there any more asked once; its prefix."""
    rs = struct.pack("!BBHI", 133, 0, 0, 0)
    c = forge.cksum(bytes(16), forge.pton("ff02::2"), forge.ICMP6, rs)
    packet = forge.ipv6("::", "ff02::2", forge.ICMP6, rs[:2] + struct.pack("!H", c) + rs[4:],
                        255)
    lab.run("air", "ip", "link", "set", "br1", "down")
    lab.run("mn", "ip", "link", "set", "wlan0", "address", mac)
    lab.run("air", "ip", "link", "set", "br1", "up")
    lab.move(1)

    def mine():
        lab.inside("mn", forge.send_link, "wlan0", packet)
        return next((x["prefix"] for x in lab.status("ar1")["leases"] if x["mn"] == mac), None)
    prefix = wait_for(mine, 5.0, 0.2)
    lab.move(0)
    return prefix


def advertised(answers):
    """Prefixes that addresses are formed from -> their preferred lifetime."""
    return {o.prefix: o.preferredlifetime for a in answers if a.haslayer(inet6.ICMPv6MPAdv)
            for o in options(a[inet6.ICMPv6MPAdv]) if o.A}


def test_renumber(t):
    """from one prefix to another"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        start(lab, OLD + ";")
        before = lab.mac()
        prefix = lease_by_hand(lab, "02:00:00:00:00:77")
        t.ok(prefix, "a host that goes away at once has a prefix", prefix)
        hoa = prefix.split("/")[0] + "a5"
        lab.run("mn", "ip", "link", "set", "wlan0", "address", before)
        away = Wire(lab, "cn2", "core0")
        lab.inside("cn2", forge.send_routed, forge.bu(hoa, OLD_HA, COA, 1, lab.secret,
                                                      lifetime=12))
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 3.0), "and registers from away")

        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        source = play.begin(1)["source"]
        t.ok(source.startswith("2001:db8:1:10"), "the mobile node has an address of the old prefix",
             source)
        play.run_for(1.0)

        lab.kill("ar1")
        start(lab, NEW + ";")
        homes = {h["prefix"]: h for h in lab.status("ar1")["homes"]}
        t.ok(homes[OLD]["deprecated"] and 0 < homes[OLD]["withdrawn_in_s"] <= LIFETIME
             and not homes[NEW]["deprecated"], "the old prefix is deprecated, its end is known",
             homes)
        told = wait_for(lambda: addresses(lab).get(source, 1) == 0
                        and any(a.startswith("2001:db8:1:18") and left > 0
                                for a, left in addresses(lab).items()), 8.0, 0.1)
        t.ok(told, "the mobile node prefers the new prefix to the old one", addresses(lab))
        t.ok(wait_for(lambda: (lab.source() or "").startswith("2001:db8:1:18"), 5.0),
             "new flows begin at the new prefix", lab.source())
        def anchors():
            return {a["ha"]: (a["state"], a["hoa"][:13]) for a in lab.status("mn")["anchors"]}
        t.ok(wait_for(lambda: anchors() == {OLD_HA: ("attached", source[:13]),
                                            NEW_HA: ("attached", lab.source()[:13])}, 5.0),
             "each address has its own home agent address, and both are at home", anchors())
        play.run_for(1.0)

        # A kill in the middle does not give the old one more time.
        left = lab.status("ar1")["homes"][1]["withdrawn_in_s"]
        lab.kill("ar1")
        start(lab, NEW + ";")
        homes = {h["prefix"]: h for h in lab.status("ar1")["homes"]}
        t.ok(homes[OLD]["withdrawn_in_s"] <= left, "a restart does not change the end",
             (left, homes[OLD]["withdrawn_in_s"]))
        t.equal([b["hoa"] for b in lab.status("ar1")["bindings"] if b["hoa"] == hoa], [hoa],
                "the absent host's binding goes on")
        away.take()
        lab.inside("cn2", forge.send_routed, forge.bu(hoa, OLD_HA, COA, 2, lab.secret,
                                                      lifetime=12))
        ba = wait_for(lambda: [p for p in away.take() if p[6] == 43 and p[66] == 6], 3.0)
        t.equal(ba and ba[0][70], 1, "its refresh is acknowledged with status 1")
        told = advertised(Asker(lab, "cn2", "core0").ask(solicitation(hoa, OLD_HA, COA, 7)))
        t.ok(told.get(prefix.split("/", maxsplit=1)[0]) == 0
             and any(p.startswith("2001:db8:1:18") and left > 0 for p, left in told.items()),
             "it solicits its prefixes then, and hears of a new one of its own", told)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow from the old address lived on")

        t.ok(wait_for(lambda: len(lab.status("ar1")["homes"]) == 1, LIFETIME + 10.0, 0.2),
             "then the old prefix is withdrawn")
        t.equal([b["prefix"] for b in lab.status("ar1")["bindings"]
                 if b["state"] == "bound" and b["hoa"] == hoa], [],
                "nobody is bound in it any more")
        gone = wait_for(lambda: OLD_HA not in "".join(lab.kernel_state("ar1")["addresses"]),
                        30.0, 0.5)
        t.ok(gone, "and the home agent's old address has gone")
        state = lab.kernel_state("ar1")
        t.equal([r for r in state["routes"] if "2001:db8:1:10" in r], [],
                "and every route of it")
        lab.kill("ar1", 15)
        start(lab, NEW + ";")
        t.equal([h["prefix"] for h in lab.status("ar1")["homes"]], [NEW],
                "the next run does not know it")
        time.sleep(0.1)


if __name__ == "__main__":
    tap.main(test_renumber)
