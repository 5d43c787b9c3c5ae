#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode, figure 4 of the draft: a host that knows nothing of mobility moves over three
routers and back, and keeps its flows."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import ARS, CN, HA, POOL, anchor_of, mono, wait_for
from network import SPI, Domain
from play import Play
from t_peer import by_tshark

# The table of visitors, and whatever is of ours. Not by a part of a number: the laboratory's
# own link-layer addresses are random, and one in 256 of them makes an address with 5eff.
VISITORS = re.compile(r"\b4598\b(?!:)")
OURS = re.compile(VISITORS.pattern +
                  r"|\bproto 77\b|\bfe80::200:5eff:fe00:5213\b|dmip6")


def test_figure_4(t):
    """AR1 -> AR2 -> AR3 -> AR1, a flow begun at each"""
    with Domain(tap.BINDIR) as lab:
        lab.build()
        lab.host()
        lab.start_domain()
        play = Play(lab, {1: 1, 2: 2, 3: 1})
        for n in ARS:
            play.move(n)
            line = play.begin(n)
            t.equal(anchor_of(line["source"]), n, f"flow {n} begins on an address of AR{n}")
            t.ok(lab.settled(n, *range(1, n + 1)), f"the anchors know that the host is at AR{n}",
                 [lab.bindings(m) for m in ARS])
            play.run_for(1.5)
        t.equal(sorted(v["anchor"] for v in lab.visits(3)), [HA[1], HA[2]],
                "AR3 has two visits, of both anchors")
        t.ok(all(v["tx_packets"] > 100 and v["rx_packets"] > 100 for v in lab.visits(3)),
             "by which packets go both ways", lab.visits(3))
        t.equal((lab.visits(1), lab.visits(2)), ([], []), "and the others none")
        back = play.move(1)
        t.ok(lab.settled(1, 1, 2, 3), "back at AR1: all anchors know", [lab.bindings(m) for m in ARS])
        t.equal(lab.bindings(1), [], "its own prefix there needs no tunnel")
        play.run_for(2.0)
        t.equal(sorted(v["anchor"] for v in lab.visits(1)), [HA[2], HA[3]],
                "AR1 serves what AR2 and AR3 have given")
        t.ok(wait_for(lambda: not lab.visits(3), 5.0), "AR3 has no visit any more", lab.visits(3))
        for f in (1, 2, 3):
            play.end(f)
        run = play.finish()
        for f in (1, 2, 3):
            t.equal(measure.flow_faults(run, f), [], f"flow {f} lived through all moves")
            row = run.packets_of(f)
            t.equal(row["tunnelled"], 0, f"on the host's own link flow {f} is never in a tunnel")
            t.ok(row["tunnelled_at_anchor"] < 50, f"at its own anchor it is in none at all", row)
        for h in run.handovers():
            t.note(h)
        t.note(f"back at {back}")


def begin(lab, t):
    """Flow 1, begun at AR1; the play and the host's prefix there."""
    lab.build()
    lab.host()
    lab.start_domain()
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.5)
    t.equal(lab.where(1), 1, "the host is at AR1")
    return play


def through(lab, n):
    """Packets through the visits at AR n, both ways, in half a second."""
    def count():
        v = lab.visits(n)
        return (sum(x["tx_packets"] for x in v), sum(x["rx_packets"] for x in v))
    before = count()
    wait_for(lambda: False, 0.5)
    after = count()
    return min(after[0] - before[0], after[1] - before[1])


def test_roam(t):
    """between access points: the host's link stays up, and a controller tells the routers"""
    with Domain(tap.BINDIR) as lab:
        play = begin(lab, t)
        for n in (2, 3, 1, 2):
            play.moves.append({"to": n, "down": mono(), "up": lab.roam(n)})
            t.ok(lab.settled(n, 1), f"AR1 knows that the host is at AR{n}", lab.bindings(1))
            play.run_for(1.0)
        mac = lab.mac()
        t.ok(through(lab, 2) > 20, "the flow goes through AR2", lab.visits(2))
        p = lab.ctl_raw("ar3", "mn", "detach", mac)
        t.equal((p.returncode, "not attached" in p.stderr), (4, True),
                "who is not there cannot be detached")
        p = lab.ctl_raw("ar2", "mn", "attach", "phone")
        t.ok(p.returncode == 2 and "MAC" in p.stderr, "a name is no MAC address", p.stderr)
        p = lab.ctl_raw("ar2", "mn", "attach", mac, "nowhere")
        t.ok(p.returncode == 4 and "interface" in p.stderr, "nor is any link one of ours", p.stderr)
        lab.ctl("ar2", "mn", "detach", mac)
        t.ok(wait_for(lambda: not lab.bindings(1), 5.0), "detached: nothing is bound any more",
             lab.bindings(1))
        t.equal(lab.visits(2), [], "and no visit is left")
        for event, there in (("AP-STA-CONNECTED", 2), ("AP-STA-DISCONNECTED", None),
                             ("AP-STA-CONNECTED", 2)):
            t.equal(lab.hostapd(2, event).returncode, 0, f"the script takes {event}")
            t.ok(lab.settled(there, 1) if there else
                 wait_for(lambda: not lab.bindings(1), 5.0), "and it is so", lab.bindings(1))
        t.equal([lab.hostapd(3, x).returncode for x in ("AP-STA-DISCONNECTED", "AP-ENABLED")],
                [0, 0], "who is gone already, and other events, are no error")
        play.run_for(1.0)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through all of it")
        for h in run.handovers():
            t.note(h)


def test_silent(t):
    """the host's link stays up, and nobody tells anybody: its own packets do"""
    with Domain(tap.BINDIR) as lab:
        play = begin(lab, t)
        for n in (2, 3, 1, 3):
            moved = mono()
            lab.airnl.link(lab.links["mn"], master=lab.links[f"br{n}"])
            lab.at = n
            play.moves.append({"to": n, "down": moved, "up": moved})
            t.ok(lab.settled(n, 1, timeout=2.0), f"AR1 knows that the host is at AR{n}",
                 lab.bindings(1))
            t.note(f"{(mono() - moved) * 1000:.0f} ms after it has come")
            play.run_for(1.0)
        t.ok(lab.status("ar3")["counters"]["attached-without-solicitation"] >= 2,
             "it was noticed without a solicitation", lab.status("ar3")["counters"])
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through all of it")


def test_killed(t):
    """kill -9 of the router where the host is, and of its anchor"""
    with Domain(tap.BINDIR) as lab:
        play = begin(lab, t)
        play.move(2)
        t.ok(lab.settled(2, 1), "the host is at AR2")
        play.run_for(0.5)
        for n, what in ((2, "where the host is"), (1, "that is its anchor")):
            rules = lab.kernel_state("ar2")["rules"]
            lab.kill(f"ar{n}", signal.SIGKILL)
            play.moves.append({"to": 2, "down": mono(), "up": mono()})
            wait_for(lambda: False, 0.5)
            lab.start_had(n)
            t.ok(wait_for(lambda: [v for v in lab.visits(2) if v["state"] == "registered"], 10.0),
                 f"the router {what} is back: the visit is registered", lab.visits(2))
            t.ok(through(lab, 2) > 20, "and the flow goes on", lab.visits(2))
            t.equal(lab.kernel_state("ar2")["rules"], rules, "by the same rules")
        lab.kill("ar2", signal.SIGTERM)
        state = lab.kernel_state("ar2")
        t.equal([x for x in state["routes"] + state["rules"] if VISITORS.search(x)], [],
                "told to stop, it leaves nothing of visitors")
        t.ok(wait_for(lambda: not lab.bindings(1), 5.0), "and their anchors have heard of it",
             lab.bindings(1))
        lab.start_had(2)
        t.ok(wait_for(lambda: lab.visits(2), 10.0), "and finds them again when it is back")
        lab.kill("ar2", signal.SIGKILL)
        p = lab.run("ar2", lab.bin("dmip6-had"), "--cleanup")
        t.equal(p.returncode, 0, "--cleanup after a kill says that all is well")
        state = lab.kernel_state("ar2")
        t.equal([x for k in ("routes", "rules", "addresses", "neighbours", "filter")
                 for x in state[k] if OURS.search(x)], [], "and nothing is left")
        lab.start_had(2)
        t.ok(wait_for(lambda: lab.visits(2), 10.0), "from which it starts as ever")
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1)[:1], [], "the flow lived through all of it")
        for h in run.handovers():
            t.note(h)


def test_both(t):
    """a host with dmip6-mnd does it itself, on the same links"""
    with Domain(tap.BINDIR, static_key=False) as lab:
        lab.build()
        lab.start_domain()
        lab.start_mnd()
        play = Play(lab, {1: 1, 2: 2})
        for n in (1, 2):
            play.move(n)
            play.begin(n)
            play.run_for(1.0)
        play.move(3)
        play.run_for(1.0)
        bound = [b for n in (1, 2) for b in lab.bindings(n)]
        t.equal([(b["mn"], b["by_router"]) for b in bound], [(lab.mac(), False)] * 2,
                "its anchors have it from itself")
        t.equal([v for n in ARS for v in lab.visits(n)], [], "no router has it as a visitor")
        anchors = {a["ha"]: a["state"] for a in lab.status("mn")["anchors"]}
        t.equal((anchors[HA[1]], anchors[HA[2]]), ("bound", "bound"), "and it says so, too")
        for f in (1, 2):
            play.end(f)
        run = play.finish()
        t.equal([x for f in (1, 2) for x in measure.flow_faults(run, f)], [], "both flows lived")


def test_policy(t):
    """what an operator has written into the session database about a host"""
    with Domain(tap.BINDIR) as lab:
        lab.build()
        lab.host()
        lab.start_domain()
        mac = lab.mac()
        with contextlib.closing(sqlite3.connect(lab.path("sessions.db"), timeout=10)) as db, db:
            db.execute("INSERT INTO policy VALUES (?, ?, ?)",
                       (mac, "5:" + "".join(f"%{x.upper()}" for x in mac.split(":")), "refused"))
        lab.move(1)
        t.ok(wait_for(lambda: lab.status("ar1")["counters"]["host-refused"], 10.0, 0.02),
             "refused: it is counted", lab.status("ar1")["counters"])
        t.equal([x for x in lab.status("ar1")["leases"] if x["attached"]], [], "it gets no prefix")
        t.equal(lab.source(), None, "and has no address")


class Parts(Domain):
    """AR1 gives prefixes of two, and so is two anchors."""

    parts = list(POOL[1].subnets(new_prefix=60))[:2]

    def configure(self, n, more=""):
        if n == 1:
            more += "interface acc0;\n" + "".join(f"prefix {p};\n" for p in self.parts)
        else:
            more += f"peer {self.parts[1][1]} {SPI + 10 + n} {{ secret 1{n}{'5a' * 31}; }}\n"
        super().configure(n, more)

    def had_command(self, n, extra=()):
        command = super().had_command(n, extra)
        at = command.index("--interface")
        return command if n != 1 else command[:at] + command[at + 4:]


def test_two_prefixes(t):
    """a router that gives a host several prefixes is an anchor by each of its addresses"""
    with Parts(tap.BINDIR) as lab:
        play = begin(lab, t)
        play.move(2)
        t.ok(wait_for(lambda: len([v for v in lab.visits(2) if v["state"] == "registered"]) == 2,
                      5.0), "AR2 has both", lab.visits(2))
        t.equal(sorted(v["anchor"] for v in lab.visits(2)), sorted(str(p[1]) for p in lab.parts),
                "each from the address that it is of")
        play.run_for(0.5)
        for p in lab.parts:
            with contextlib.closing(sqlite3.connect(lab.path("sessions.db"), timeout=10)) as db:
                rows = [r[0] for r in db.execute("SELECT record FROM session")]
            t.equal(len([r for r in rows if f" anchor={p[1]} " in r]), 1,
                    f"the database knows what {p} gave")
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through it")


def test_wire(t):
    """what somebody else reads of all that the routers say to each other"""
    if not shutil.which("tshark"):
        t.note("tshark is not here")
        return
    with Domain(tap.BINDIR) as lab:
        lab.build()
        ears = [lab.inside(f"ar{n}", forge.Listener, "core0") for n in ARS]
        lab.host()
        lab.start_domain()
        lab.move(1)
        for n in ARS:
            if n > 1:
                lab.roam(n, farewell=False)     # so its anchors tell the one before
            t.ok(lab.settled(n, *range(1, n + 1)), f"the host is at AR{n}")
        mac = lab.mac()
        lab.ctl("ar3", "mn", "detach", mac)
        wait_for(lambda: not lab.bindings(1), 5.0)
        seen = {}
        for ear in ears:
            for p in ear.answers(None):
                if p[6] == forge.MH:
                    seen.setdefault((p[42], p[46] if p[42] == 16 else 0), []).append(p)
        names = {(5, 0): "Proxy Binding Update", (6, 0): "Proxy Binding Acknowledgement",
                 (13, 0): "Heartbeat", (16, 1): "Binding Revocation Indication",
                 (16, 2): "Binding Revocation Acknowledgement"}
        t.equal(sorted(seen), sorted(names), "there was one of each kind")
        for key, packets in seen.items():
            read = [by_tshark(p, ["mip6.mhtype", "mip6.csum"])[:2] for p in packets[:6]]
            t.equal([r for r in read if r != ["", str(key[0])]], [],
                    f"{names.get(key, key)}: read without a complaint, {len(read)} of them")
        updates = [by_tshark(p, ["mip6.bu.p_flag", "mip6.nemo.mnp.mnp", "mip6.hi", "mip6.att"])
                   for p in seen.get((5, 0), [])]
        own = [lab.prefix_of(n).split("/")[0] for n in (1, 2)]
        t.equal(sorted({u[2] for u in updates}), sorted(own),
                "the updates are about what AR1 and AR2 have given")
        t.equal({u[1] for u in updates} | {u[4] for u in updates}, {"1", "3"},
                "with the P flag and Ethernet as access technology")


def test_spoofed(t):
    """a host sends from addresses that are not its own"""
    with Domain(tap.BINDIR) as lab:
        play = begin(lab, t)
        play.end(1)
        play.finish()
        own = lab.prefix_of(1).split("/")[0]
        cn = lab.inside("cn1", forge.Listener, "core0")
        router = "00:00:5e:00:52:13"

        def comes(source):
            cn.answers(source)
            lab.inside("mn", forge.send_link, "wlan0", forge.udp(source, CN[1]), router)
            return wait_for(lambda: cn.answers(source), 0.5, 0.01)
        t.ok(comes(own + "1234"), "any address of its prefix may be used")
        for source, what in ((str(POOL[1][0x77 << 64]), "another prefix of this router"),
                             ("2001:db8:bad::1", "somebody's")):
            t.ok(not comes(source), f"{what} may not")
        n = lab.status("ar1")["counters"]["data-path-foreign-sources"]
        t.equal(n, 2, "both are counted")


if __name__ == "__main__":
    tap.main(test_figure_4, test_roam, test_silent, test_killed, test_both, test_policy,
             test_two_prefixes, test_wire, test_spoofed)
