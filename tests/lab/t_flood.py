#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad messages of every kind, as many as 100,000 a second: the flow beside them lives, moves and
refreshes go through, strangers are hardly answered, and everything is counted and told."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import flooding
import measure
import tap
from lab import HA, Lab, mono, wait_for
from play import Play

RATE = 100000                   # asked for; what the machine gives is in the notes
GROWTH = 2048                   # kilobytes that a daemon may grow by
NOISE = 1.1                     # of what a limit allows


class Scene:
    """A flow that began at AR1, and the MN at AR2."""

    def __init__(self, t, lab):
        self.t, self.lab = t, lab
        lab.build()
        # Refreshes come every few seconds.
        lab.write("ar1.conf", "binding-lifetime 12s;\n" + lab.key_text())
        for n in (1, 2, 3):
            lab.start_had(n)
        lab.start_mnd()
        self.play = Play(lab, {1: 1})
        self.play.move(1)
        self.hoa = self.play.begin(1)["source"]
        self.play.run_for(0.3)
        self.play.move(2)
        t.ok(wait_for(lambda: self.binding(2), 10.0), "the MN is bound from AR2", lab.status("ar1"))
        self.play.run_for(0.5)

    def binding(self, n):
        """AR1's binding, if the care-of address is one of router n."""
        s = self.lab.status("ar1")
        return next((b for b in s["bindings"] if b["coa"].startswith(f"2001:db8:1:{n}")), None) \
            if s else None

    def counters(self, box):
        return self.lab.status(box)["counters"]

    def answers(self, verb):
        """A counter in core's kernel of what AR1 says to strangers."""
        if verb == "begin":
            p = self.lab.run("core", "nft", "add table inet strangers; add chain inet strangers "
                             "c { type filter hook prerouting priority raw; }; add rule inet "
                             f"strangers c iifname ar1 ip6 saddr {HA[1]} ip6 daddr != "
                             "{ 2001:db8:0::/48, 2001:db8:1::/48, 2001:db8:c1::/64, "
                             "2001:db8:c2::/64 } counter")
            return p.returncode == 0
        out = self.lab.run("core", "nft", "list table inet strangers").stdout.split()
        return int(out[out.index("packets") + 1])

    def flow_is_well(self, what):
        self.play.run_for(1.0)
        self.play.end(1)
        run = self.play.finish()
        self.t.equal(measure.flow_faults(run, 1), [], f"{what}: the flow did not suffer")
        last = run.mobile[1]["udp_received"][-1][1]
        self.t.ok(run.span(1)[1] - last < 1.0, f"{what}: packets came to its end")
        for row in run.handovers():
            self.t.note(row)
        return run


def watch(scene, box, seconds, rss):
    """Lets it last, asking all the time; the most memory that was seen."""
    asked, most, end = 0, rss, mono() + seconds
    while mono() < end:
        scene.play.run_for(0.1)
        asked += scene.lab.status(box) is not None
        most = max(most, flooding.memory(scene.lab, box))
    return asked, most


def counted(scene, box, packets, before, got):
    """Each kind has moved its counter, and nothing was lost without being counted."""
    t, now = scene.t, scene.counters(box)
    moved = {k: v - before.get(k, 0) for k, v in now.items() if v != before.get(k, 0)}
    t.note(f"{box}: {moved}")
    for name, (_, _, counter) in packets.items():
        t.ok(moved.get(counter, 0) > 0, f"{name}: counted as {counter}")
    return moved, got["total"] - moved.get("packets-lost", 0)


def test_home_agent(t):
    """a home agent, its bound host moving and refreshing"""
    with Lab(tap.BINDIR) as lab:
        s = Scene(t, lab)
        packets = flooding.of_updates(s.hoa, HA[1], s.binding(2)["coa"])
        silent = s.answers("begin")
        before, rss = s.counters("ar1"), flooding.memory(lab, "ar1")
        began, used = mono(), flooding.cpu(lab, "ar1")
        f = flooding.Flood(lab, "core", "ar1", lab.mac_of("ar1", "core0"), packets, RATE)
        t.ok(wait_for(lambda: lab.status("ar1")["flood"]["active"], 10.0), "it is noticed")
        health = lab.status("ar1")["health"]["text"]
        t.ok(wait_for(lambda: "bad messages a second from" in lab.status("ar1")["health"]["text"],
                      5.0), "and told in the health", health)
        asked, most = watch(s, "ar1", 3.0, rss)
        t.ok(asked > 3, "the control socket answers", asked)
        s.play.move(3)
        t.ok(wait_for(lambda: s.binding(3), 15.0), "the MN moves to AR3 in the flood",
             lab.status("ar1"))
        count = s.counters("ar1")["binding-refreshed"]
        t.ok(wait_for(lambda: s.counters("ar1")["binding-refreshed"] >= count + 2, 40.0, 0.2),
             "and refreshes its binding, twice", s.counters("ar1"))
        _, more = watch(s, "ar1", 1.0, rss)
        spent = (flooding.cpu(lab, "ar1") - used) / (mono() - began)
        got = f.stop()
        lasted = mono() - began
        t.note(f"{got['total'] / got['elapsed_s']:.0f} bad messages a second reached of {RATE}; "
               f"the daemon used {spent:.2f} of a core; memory {rss} to {max(most, more)} kB")
        moved, heard = counted(s, "ar1", packets, before, got)
        seen = moved["rx-mh"] + moved.get("home-address-unbound", 0)
        t.ok(seen >= 0.8 * heard, "what came in was counted", (seen, heard))
        allowed = (10 + 10 * lasted) * NOISE
        t.ok(moved.get("tx-be", 0) + moved.get("tx-parameter-problem", 0) <= allowed,
             "strangers got no more answers than the limit says", moved)
        if silent:
            t.ok(s.answers("end") <= allowed, "nor on the wire", (s.answers("end"), allowed))
        t.ok(max(most, more) < rss + GROWTH, "its memory did not grow", (rss, most, more))
        t.ok(wait_for(lambda: not lab.status("ar1")["flood"]["active"], 30.0, 0.2),
             "the end is noticed")
        lines = [x for x in lab.log("ar1").splitlines() if "flood:" in x]
        t.equal(["more than" in x for x in lines], [True, False],
                "one line says that it began, one that it is over")
        said = [x for x in lab.log("ar1").splitlines() if "Binding Update" in x]
        t.equal(said, [], "no line for a bad message")
        s.flow_is_well("home agent")


def test_mobile_node(t):
    """a mobile node, by somebody on its link"""
    with Lab(tap.BINDIR) as lab:
        s = Scene(t, lab)
        packets = flooding.of_mobile_node(s.hoa, HA[1], s.binding(2)["coa"])
        before, rss = s.counters("mn"), flooding.memory(lab, "mn")
        began, used = mono(), flooding.cpu(lab, "mn")
        mac = lab.mac()
        f = flooding.Flood(lab, "ar2", "acc0", mac, packets, RATE)
        t.ok(wait_for(lambda: lab.status("mn")["flood"]["active"], 10.0), "it is noticed")
        t.ok(wait_for(lambda: "bad messages a second from" in lab.status("mn")["health"]["text"],
                      5.0), "and told in the health", lab.status("mn")["health"])
        asked, most = watch(s, "mn", 3.0, rss)
        t.ok(asked > 3, "the control socket answers", asked)
        count = s.counters("ar1")["binding-refreshed"]
        t.ok(wait_for(lambda: s.counters("ar1")["binding-refreshed"] >= count + 1, 30.0, 0.2),
             "it refreshes its binding", s.counters("ar1"))
        states = {a["state"] for a in lab.status("mn")["anchors"] if a["hoa"] == s.hoa}
        t.ok(states <= {"bound", "refreshing"}, "its anchor stands", states)
        spent = (flooding.cpu(lab, "mn") - used) / (mono() - began)
        got = f.stop()
        lasted = mono() - began
        t.note(f"{got['total'] / got['elapsed_s']:.0f} bad messages a second reached of {RATE}; "
               f"the daemon used {spent:.2f} of a core; memory {rss} to {most} kB")
        moved, _ = counted(s, "mn", packets, before, got)
        t.ok(moved.get("be-sent", 0) + moved.get("parameter-problem-sent", 0)
             <= (10 + 10 * lasted) * NOISE, "strangers got no more answers than the limit says",
             moved)
        # On its new link it is waited for.
        f = flooding.Flood(lab, "ar3", "acc0", mac, packets, RATE)
        s.play.move(3)
        t.ok(wait_for(lambda: s.binding(3), 20.0), "it moves into a flood", lab.status("mn"))
        _, more = watch(s, "mn", 2.0, rss)
        f.stop()
        t.ok(max(most, more) < rss + GROWTH, "its memory did not grow", (rss, most, more))
        t.ok(wait_for(lambda: not lab.status("mn")["flood"]["active"], 30.0, 0.2),
             "the end is noticed")
        t.ok(len([x for x in lab.log("mn").splitlines() if "flood:" in x]) <= 4,
             "a line for each begin and end", lab.log("mn")[-2000:])
        s.flow_is_well("mobile node")


if __name__ == "__main__":
    tap.main(test_home_agent, test_mobile_node)
