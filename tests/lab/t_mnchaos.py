#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6-mnd is killed, restarted and replaced at random while flows run and the host moves. (One
end in each state of an anchor is in t_mnstates.)

What must hold all the time: flows live; the kernel has what the status says, and nothing else;
what an end leaves open is brought to its end by the next run; `--cleanup' leaves nothing. SEED=N
repeats a run, TEST_LONG=1 takes ten times as long.
"""

import json
import os
import random
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import t_cleanup
import tap
from lab import ARS, Lab, LabError, mono, wait_for
from play import Play, wait_released
from t_chaos import Chaos, address, elements, losses

SECONDS = 300 if os.environ.get("TEST_LONG") else 30
SETTLE = 40.0                   # retransmissions are half a minute apart at last


# ---- what the MN's kernel has, and what it should have --------------------------------------

def kernel(lab):
    s = lab.kernel_state("mn")
    rules = [re.match(r"(\d+): from (\S+) lookup (\d+) proto 77", r) for r in s["rules"]]
    rules = [(int(m.group(1)), m.group(2)) for m in rules if m]
    sets = {k: elements(lab.run("mn", "nft", "list", "set", "inet", "dmip6_mn", k).stdout)
            for k in ("rx", "tx")}
    return {"tunnels": sorted(address(a) for p, a in rules if "/" not in a),
            "roads": sorted(p for p, a in rules if "/" in a),
            "addresses": sorted(re.search(r"inet6 (\S+)/128", a).group(1)
                                for a in s["addresses"] if " dmip6mn0 " in a and "/128" in a),
            "tx": sorted(x for x, in sets["tx"]),
            "rx": sorted(inner for _, inner in sets["rx"])}


def faults(lab, late=True):
    """What is wrong with it; [] if nothing is. Half a minute after a start addresses of the
    earlier run that nobody claims are gone, too."""
    k, s = kernel(lab), lab.status("mn")
    if s is None:
        return ["the daemon does not answer"]
    away = sorted(a["hoa"] for a in s["anchors"] if a["state"] in ("bound", "refreshing"))
    kept = {a["hoa"] for a in s["anchors"]} | {a["coa"] for a in s["attachments"]}
    out = []
    for what in ("tunnels", "tx", "rx"):
        if k[what] != away:
            out.append(f"{what}: {k[what]}, and away are {away}")
    if len(set(k["roads"])) != len(k["roads"]):
        out.append(f"roads: {k['roads']}")
    if not set(away) <= set(k["addresses"]) or (late and not set(k["addresses"]) <= kept):
        out.append(f"addresses: {k['addresses']}, away are {away}, known {sorted(kept)}")
    return out


def states(lab):
    return {a["hoa"]: a["state"] for a in (lab.status("mn") or {"anchors": []})["anchors"]}


def in_state(lab, hoa, *wanted, timeout=SETTLE):
    return wait_for(lambda: states(lab).get(hoa) in wanted, timeout, 0.01)


def again(lab, how=signal.SIGKILL, between=0.05):
    lab.kill("mn", how)
    time.sleep(between)
    lab.start_mnd()


def begin(lab, conf=""):
    """A flow that began at AR1, where the MN still is; its home address."""
    lab.build()
    lab.write("mn.conf", f"linger 1s;\n{conf}{lab.key_text()}")
    for n in ARS:
        lab.start_had(n)
    lab.start_mnd()
    play = Play(lab, {1: 1})
    play.move(1)
    hoa = play.begin(1)["source"]
    play.run_for(0.3)
    return play, hoa


def finish(t, lab, play, what):
    play.run_for(1.0)
    wait_for(lambda: not faults(lab), 35.0, 0.1)
    t.equal(faults(lab), [], f"{what}: the kernel has what the status says")
    play.end(1)
    if lab.at == 1:                     # where its addresses and rules are as they should be
        play.move(2)
    left = wait_released(lab, [1], 40.0)
    t.ok(measure.nothing_left(left.values()), f"{what}: afterwards nothing is left", left)
    t.equal(measure.flow_faults(play.finish(), 1), [], f"{what}: the flow is whole")


# ---- ends one by one -----------------------------------------------------------------------------

def test_boot(t):
    """the computer is switched off and on: nobody needs the addresses, the home agent is told"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.run_for(0.3)
        lab.kill("mn")
        play.end(1)
        before = [b["hoa"] for b in lab.status("ar1")["bindings"]]
        t.equal(before, [hoa], "the home agent does not know")
        lab.run("mn", lab.bin("dmip6-mnd"), "--cleanup")
        name = lab.path("mn.state/anchors.json")
        with open(name, encoding="utf-8") as f:
            state = json.load(f)
        state["boot"] = "another"
        state["anchors"] = [{k: v for k, v in a.items() if not k.endswith("_us")}
                            for a in state["anchors"]]
        lab.write("mn.state/anchors.json", json.dumps(state))
        lab.start_mnd()
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 10.0), "it is told",
             (states(lab), lab.status("ar1")["bindings"]))
        left = wait_released(lab, [1], 40.0)
        t.ok(measure.nothing_left(left.values()), "nothing is left", left)
        play.finish()


def test_crash_loop(t):
    """twenty ends in a row: the kernel goes on, and no packet is lost"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        play.move(2)
        in_state(lab, hoa, "bound")
        play.run_for(3.0)               # the kernel's own address has come, ours has gone
        quiet = []
        for i in range(20):
            started = mono()
            again(lab, (signal.SIGKILL, signal.SIGUSR1)[i % 2], 0)
            time.sleep((0, 0.01, 0.05, 0.2)[i % 4])
            quiet.append((started, mono(), f"end {i + 1}"))
        t.ok(in_state(lab, hoa, "bound"), "afterwards it is bound", states(lab))
        sequence = lab.status("ar1")["bindings"][0]["sequence"]
        play.run_for(0.5)
        t.note(f"sequence number {sequence}")
        wait_for(lambda: not faults(lab), 35.0, 0.1)
        t.equal(faults(lab), [], "the kernel has what the status says")
        play.end(1)
        left = wait_released(lab, [1], 40.0)
        t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow is whole")
        t.equal(losses(run, quiet), [], "no packet was lost")


def test_disk(t):
    """the disk does not take the state: the status says so, and it is written when it can be"""
    with Lab(tap.BINDIR) as lab:
        play, hoa = begin(lab)
        state = lab.path("mn.state")
        play.move(2)
        in_state(lab, hoa, "bound")
        os.rename(state, state + ".away")
        play.move(3)
        t.ok(wait_for(lambda: "not written" in lab.status("mn")["health"]["text"], 10.0, 0.05),
             "the status says what is lost by a restart", lab.status("mn")["health"])
        t.ok(not lab.status("mn")["health"]["ok"], "and that all is not well")
        os.rename(state + ".away", state)
        t.ok(wait_for(lambda: "not written" not in lab.status("mn")["health"]["text"], 20.0, 0.1),
             "when it can be written again it is")
        again(lab)
        t.ok(in_state(lab, hoa, "bound"), "and the next run finds it", states(lab))
        finish(t, lab, play, "disk")


# ---- at random ------------------------------------------------------------------------------------

class MnChaos(Chaos):
    """Of t_chaos, with the mobile node's daemon in the home agents' place."""

    def __init__(self, lab, play, rand):
        super().__init__(lab, play, rand)
        self.ends = {"killed": 0, "restarted": 0, "upgraded": 0}
        self.version = 0

    def settle(self, after):
        if not wait_for(self.settled, SETTLE, 0.02):
            raise LabError(f"{after}: after {SETTLE:g} s not every anchor sends to AR"
                           f"{self.lab.at}: { {n: self.lab.status(f'ar{n}') for n in ARS} }; "
                           f"the MN: {self.lab.status('mn')}")
        if not wait_for(lambda: not faults(self.lab, False), 3.0, 0.05):
            self.faults.append(f"{after}: {faults(self.lab, False)}")
        for flow, cn in self.play.cn_of.items():
            told = self.play.started.get(flow)
            if told and not wait_for(lambda c=cn, a=told["source"]: self.answers(c, a), 3.0):
                self.faults.append(f"{after}: flow {flow}'s {told['source']} does not answer")
                self.states.append(self.look(told["source"]))

    def stop(self, how):
        code = self.lab.kill("mn", signal.SIGKILL if how == "killed" else signal.SIGUSR1, 15.0)
        if code != (-signal.SIGKILL if how == "killed" else 0):
            self.faults.append(f"{how}: it ended with {code}: {self.lab.log('mn')[-600:]}")
        self.ends[how] += 1

    def start(self, how):
        command = self.lab.mnd_command()
        if how == "upgraded":
            self.version += 1
            command[0] = self.lab.path(f"dmip6-mnd.{self.version}")
            shutil.copy(self.lab.bin("dmip6-mnd"), command[0])
        self.lab.popen("mn", "mn", command)
        self.lab.wait_ready("mn")

    def elsewhere(self):
        return self.rand.choice([x for x in ARS if x != self.lab.at])

    def step(self):
        how = self.rand.choice(list(self.ends))
        scene = self.rand.choice(("calm", "before", "after", "dead", "dead twice", "nowhere"))
        what = f"{how}, {scene}, from AR{self.lab.at}"
        self.story.append((mono(), what))
        if scene == "after":
            self.play.move(self.elsewhere(), unseen=self.rand.random() < 0.3)
            time.sleep(self.rand.choice((0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.02, 0.1)))
        began = mono()
        self.stop(how)
        if scene == "nowhere":
            self.play.move(0)
        for _ in range({"dead": 1, "dead twice": 2, "nowhere": 1}.get(scene, 0)):
            time.sleep(self.rand.choice((0, 0.05, 0.3)))
            self.play.move(self.elsewhere())
        time.sleep(self.rand.choice((0, 0, 0.02, 0.1, 0.5)))
        self.start(how)
        if scene == "before":
            time.sleep(self.rand.choice((0, 0.001, 0.003, 0.01, 0.1)))
            self.play.move(self.elsewhere())
        self.settle(what)
        if scene == "calm":
            self.quiet.append((began, mono(), what))


def test_chaos(t):
    """ends at random under running flows, while it moves"""
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 30)
    t.note(f"SEED={seed}")
    with Lab(tap.BINDIR) as lab:
        lab.build()
        wait_for(lambda: all("tentative" not in lab.run(b, "ip", "-6", "addr").stdout
                             for b in ("ar1", "ar2")), 5.0, 0.1)
        before = t_cleanup.snapshot(lab)["mn"]
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1, 2: 2})
        chaos = MnChaos(lab, play, random.Random(seed))
        for flow in (1, 2):
            play.move(flow)
            play.begin(flow)
            chaos.anchors.add(flow)
            play.run_for(0.3)
        chaos.settle("at the beginning")
        end = mono() + SECONDS
        while mono() < end:
            chaos.step()
        t.note(", ".join(f"{k} {v}" for k, v in chaos.ends.items()))
        if not wait_for(lambda: not faults(lab), 35.0, 0.2):
            chaos.faults.append(f"at the end: {faults(lab)}")
        t.equal(chaos.faults, [], "the kernel has what the status says, and flows answer")
        for flow in (1, 2):
            play.end(flow)
        left = wait_released(lab, [n for n in (1, 2) if n != lab.at], 40.0)
        t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
        run = play.finish()
        for f in (1, 2):
            t.equal(measure.flow_faults(run, f), [], f"flow {f} is whole")
        t.equal(lab.kill("mn", signal.SIGTERM), 0, "it stops")
        lab.move(0)
        after = t_cleanup.snapshot(lab)["mn"]
        t.equal({k: v for k, v in after.items() if v != before[k]}, {}, "and nothing is left of it")
        if t.failed:
            t.note(json.dumps(chaos.states[:1], indent=1))
            for when, what in sorted(chaos.story):
                t.note(f"{when - play.start:8.3f} {what}")


def sysctls(lab):
    """Of IPv6 and of what passes by: all that a name outlives."""
    out = lab.run("mn", "sh", "-c", "cd /proc/sys/net && grep -rs . ipv6 core netfilter 2>/dev/null"
                  " | grep -v 'conf/dmip6\\|neigh/dmip6'").stdout.splitlines()
    return sorted(x for x in out if not re.search(r"stable_secret|rps_default_mask|nf_log|conf/wlan0/mtu:", x))


def test_cleanup(t):
    """killed in any state, then --cleanup: all is as before the first start"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        before, settings = t_cleanup.snapshot(lab)["mn"], sysctls(lab)
        for n in ARS:
            lab.start_had(n)
        for name, moves in (("at home", (1,)), ("away", (1, 2)), ("in a move", (1, 2, 3)),
                            ("nowhere", (1, 2, 0)), ("home again", (1, 2, 1))):
            lab.start_mnd()
            play = Play(lab, {1: 1})
            for i, n in enumerate(moves):
                play.move(n)
                if i == 0:
                    play.begin(1)
                if name != "in a move" or i < 2:
                    play.run_for(0.6)
            lab.kill("mn")
            play.finish()
            p = lab.run("mn", lab.bin("dmip6-mnd"), "--cleanup")
            t.equal((p.returncode, p.stderr), (0, ""), f"{name}: --cleanup works")
            lab.move(0)
            shutil.rmtree(lab.path("mn.state"))
            after = t_cleanup.snapshot(lab)["mn"]
            t.equal({k: (before[k], v) for k, v in after.items() if v != before[k]}, {},
                    f"{name}: the kernel is as before")
            t.equal(sorted(set(sysctls(lab)) ^ set(settings)), [], f"{name}: so are its settings")


if __name__ == "__main__":
    tap.main(test_boot, test_crash_loop, test_disk, test_chaos, test_cleanup)
