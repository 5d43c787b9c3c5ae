#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bindings that the operator ends (RFC 5846): dmip6ctl release, and what the mobile node sees."""

import ipaddress
import json
import os
import secrets
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import CN, HA, Lab, mono, wait_for
from play import Play, wait_released

COA = CN[2]                     # the mobile node is a script in cn2


class MobileNode:
    """A host that was at AR1, got its prefix there and is away now. Speaks RFC 6275 and 5846
    as far as it is told to, from cn2."""

    def __init__(self, t, lab, *had):
        self.t, self.lab = t, lab
        lab.build()
        lab.start_had(1, had)
        lab.move(1)
        first = ipaddress.ip_address(lab.attached(1))
        self.hoa = [str(first + i) for i in range(3)]
        lab.move(0)
        self.listener = lab.inside("cn2", forge.Listener, "core0")
        self.seq = 0

    def send(self, packet):
        self.lab.inside("cn2", forge.send_routed, packet)

    def bind(self, *hoas, seq=None, lifetime=30):
        """The statuses that the home agent answers with."""
        got = []
        # As a mobile node does, again where nothing is heard: a full neighbour table loses one.
        for _ in range(1 if seq is not None else 3):
            self.listener.answers(HA[1])
            for hoa in hoas:
                self.seq = self.seq + 1 if seq is None else seq
                self.send(forge.bu(hoa, HA[1], COA, self.seq, self.lab.secret,
                                   lifetime=lifetime))
            wait_for(lambda: got.extend(acknowledgements(self.listener.answers(HA[1])))
                     or len(got) >= len(hoas), 3.0)
            if got:
                break
        return got

    def answer(self, key=None):
        """From now on, the mobile node answers."""
        ready = self.lab.path("answering")
        self.lab.spawn("mobile node", "cn2", forge.acknowledge_revocations, "core0", HA[1], COA,
                       self.lab.secret, key or self.lab.secret, ready)
        wait_for(lambda: os.path.exists(ready), 5.0)

    def revoked(self):
        """The indications that came since the last look."""
        return [x for x in (forge.bri(p, COA, self.lab.secret)
                            for p in self.listener.answers(HA[1])) if x]

    def bindings(self):
        return {b["hoa"]: b["state"] for b in self.lab.status("ar1")["bindings"]}

    def counter(self, name):
        return self.lab.status("ar1")["counters"][name]

    def encaps(self):
        return [r for r in self.lab.kernel_state("ar1")["routes"]
                if any(r.startswith(h) for h in self.hoa)]


def acknowledgements(packets):
    """The statuses of the Binding Acknowledgements among them."""
    return [p[64 + 6] for p in packets if p[6] == 43 and p[40] == forge.MH and p[64 + 2] == 6]


def test_release_answered(t):
    """A mobile node that acknowledges"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        hoa = mn.hoa[0]
        t.equal(mn.bind(hoa), [0], "the mobile node is bound")
        t.ok(mn.encaps(), "its packets go into the tunnel")
        lab.popen("monitor", "ar1", [lab.bin("dmip6ctl"), "--control", lab.sock("ar1"),
                                     "monitor"])
        mn.answer()
        begun = mono()
        r = lab.ctl("ar1", "release", hoa)
        t.equal(r, {"schema": 1, "released": 1, "accepted": 1, "refused": 0, "unanswered": 0},
                "release says what became of it")
        t.note(f"released within {mono() - begun:.2f} s")
        t.equal(mn.bindings(), {}, "the binding is gone")
        t.equal(mn.encaps(), [], "and the tunnel")
        t.equal([{k: v for k, v in x.items() if k != "seq"} for x in mn.revoked()],
                [{"hoa": hoa, "trigger": 1, "flags": 0, "signed": True, "checksum": True}],
                "the mobile node was told once, as RFC 5846 asks for")
        events = [json.loads(x) for x in lab.log("monitor").splitlines()]
        t.equal([(e["event"], e["hoa"], e.get("reason")) for e in events],
                [("binding.revoking", hoa, None),
                 ("binding.revoked", hoa, "revocation acknowledged")], "monitor tells it")
        t.equal(mn.bind(hoa, seq=mn.seq), [135], "an older update does not bring it back")
        t.equal(mn.bindings(), {}, "it stays gone")
        t.equal(mn.bind(hoa), [0], "a newer one is a new binding")


def test_release_silent(t):
    """A mobile node that never answers: told twice, then it is over"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        t.equal(mn.bind(*mn.hoa), [0, 0, 0], "three home addresses are bound")
        mn.revoked()
        prefix = ipaddress.ip_network(mn.hoa[0] + "/64", strict=False)
        p = lab.ctl_raw("ar1", "release", "--no-wait", "--prefix", str(prefix))
        t.equal((p.returncode, p.stdout.split(";")[0]), (0, "3 to be released"),
                "--no-wait returns at once")
        t.equal(mn.bindings(), {h: "revoking" for h in mn.hoa}, "all three are being revoked")
        t.ok(mn.encaps(), "and carry packets until the mobile node has heard")
        t.equal(mn.bind(mn.hoa[0]), [129], "a refresh is refused meanwhile")
        r = lab.ctl("ar1", "release", "--all")
        t.equal((r["released"], r["unanswered"]), (3, 3), "waiting for it: none has answered")
        t.equal(mn.bindings(), {}, "they are gone all the same")
        t.equal(mn.encaps(), [], "and their tunnels")
        told = [x["hoa"] for x in mn.revoked()]
        t.ok(all(told.count(h) >= 1 for h in mn.hoa), "each was told", told)
        t.equal(mn.counter("tx-bri"), 6, "and told once more")
        p = lab.ctl_raw("ar1", "release", "--all")
        t.equal((p.returncode, p.stdout), (4, ""), "now there is nothing to be released")


def test_release_forged(t):
    """Acknowledgements that do not count"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        hoa = mn.hoa[0]
        t.equal(mn.bind(hoa), [0], "the mobile node is bound")
        mn.answer(key=secrets.token_hex(32))
        r = lab.ctl("ar1", "release", hoa)
        t.equal((r["accepted"], r["unanswered"]), (0, 1), "signed with a wrong key: no answer")
        t.equal(mn.counter("bra-bad-authentication"), 2, "both were counted")
        told = mn.revoked()
        t.equal(len({x["seq"] for x in told}), 1, "told twice, with one number")
        mn.send(forge.bra(hoa, HA[1], COA, told[0]["seq"], lab.secret))
        t.ok(wait_for(lambda: mn.counter("bra-no-match") == 1, 2.0),
             "a right one that comes too late is counted, too")


def test_release_killed(t):
    """kill -9 of the daemon in the middle of a revocation"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        t.equal(mn.bind(*mn.hoa), [0, 0, 0], "three home addresses are bound")
        lab.ctl("ar1", "release", "--no-wait", mn.hoa[0])
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.equal(mn.bindings(), {h: "bound" for h in mn.hoa[1:]},
                "started again, it does not know the one that was being revoked")
        t.equal([r for r in mn.encaps() if r.startswith(mn.hoa[0])], [],
                "and has taken its tunnel away")


def test_release_words(t):
    """What is asked for in a wrong way changes nothing"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        hoa, mac = mn.hoa[0], lab.mac()
        t.equal(mn.bind(hoa), [0], "the mobile node is bound")
        for args, code, text in (
                ((), 2, "expected one of ADDRESS, --prefix"),
                (("--all", hoa), 2, "expected one of ADDRESS, --prefix"),
                (("banana",), 2, "no home address; expected"),
                (("--prefix", "2001:db8::1/64"), 2, "no prefix; expected"),
                (("--mn", "02:00"), 2, "no MAC address; expected"),
                (("2001:db8:77::1",), 4, "no such binding"),
                (("--mn", "02:00:00:00:00:77"), 4, "no such binding")):
            p = lab.ctl_raw("ar1", "release", *args)
            name = " ".join(("release", *args)).replace(hoa, "HOA")
            t.equal(p.returncode, code, f"{name}: status {code}")
            t.contains(p.stderr, text, f"{name}: says why")
        os.chmod(lab.dir, 0o755)
        p = lab.run("ar1", "setpriv", "--reuid=65534", "--regid=0", "--clear-groups",
                    lab.bin("dmip6ctl"), "--control", lab.sock("ar1"), "release", "--all")
        t.equal(p.returncode, 5, "not root: status 5")
        t.contains(p.stderr, "only root may ask for it", "not root: says why")
        t.equal(mn.bindings(), {hoa: "bound"}, "the binding is as it was")
        t.equal(lab.ctl("ar1", "release", "--mn", mac)["released"], 1, "by MAC address it goes")


def test_release_both(t):
    """dmip6-had and dmip6-mnd: the mobile node hears, answers and lets go"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        hoa = play.begin(1)["source"]
        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 5.0), "the mobile node is bound")
        play.run_for(0.3)
        r = lab.ctl("ar1", "release", hoa)
        t.equal((r["accepted"], r["unanswered"]), (1, 0), "it acknowledges the revocation")
        t.ok(wait_for(lambda: hoa not in [a["hoa"] for a in lab.status("mn")["anchors"]], 2.0),
             "it has given the anchor up")
        t.equal(lab.status("mn")["counters"]["flows-lost"], 2, "and counts its flows as lost")
        held = lab.run("mn", "ip", "-6", "-o", "addr", "show", "to", hoa).stdout
        t.equal(held, "", "the home address is no longer held")
        t.ok(measure.nothing_left(wait_released(lab, (1,)).values()),
             "nothing is left of it in the kernels")
        t.ok(not wait_for(lambda: lab.status("ar1")["bindings"], 1.0), "it does not ask anew")
        t.ok(lab.attached(2), "new flows go on from where it is")


def ended(lab, timeout=10.0):
    """The exit code of AR1's daemon, when it has ended by itself; None: it runs on."""
    return wait_for(lambda: None if lab.procs["ar1"].poll() is None
                    else (lab.procs["ar1"].returncode,), timeout)


def health(lab):
    return lab.status("ar1")["health"]["text"]


def test_drain_signal(t):
    """SIGTERM with --drain: bindings live on until the time is over, then they are revoked"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab, "--drain", "4s")
        hoa, refreshed = mn.hoa[:2]
        t.equal(mn.bind(hoa, refreshed), [0, 0], "two home addresses are bound")
        mn.answer()
        begun = mono()
        lab.procs["ar1"].send_signal(signal.SIGTERM)
        t.ok(wait_for(lambda: "draining" in health(lab), 2.0), "the daemon drains")
        t.contains(health(lab), "2 bindings left", "health says what it waits for")
        t.equal(mn.bind(refreshed), [0], "a refresh is taken")
        left = {b["hoa"]: b["remaining_s"] for b in lab.status("ar1")["bindings"]}
        t.ok(left[refreshed] <= 4 < left[hoa], "but for no longer than there is time", left)
        p = lab.ctl_raw("ar1", "drain", "--cancel")
        t.equal(p.returncode, 5, "what a signal has begun cannot be called off")
        t.equal(ended(lab), (0,), "it ends by itself")
        t.note(f"after {mono() - begun:.1f} s")
        # The refreshed one may end by itself in the same moment.
        t.ok(hoa in [x["hoa"] for x in mn.revoked()],
             "the mobile node was told of the one that had longer to live")
        state = lab.kernel_state("ar1")
        t.equal([x for k in ("routes", "rules", "nexthops", "links") for x in state[k]
                 if "proto 77" in x or "dmip6ha0" in x], [], "nothing is left in the kernel")
        t.contains(lab.log("ar1"), "drained: no binding is left", "the log tells it")


def test_drain_twice(t):
    """A second SIGTERM does not wait"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab, "--drain", "1h")
        t.equal(mn.bind(mn.hoa[0]), [0], "the mobile node is bound")
        lab.procs["ar1"].send_signal(signal.SIGTERM)
        t.ok(wait_for(lambda: "draining" in health(lab), 2.0), "the daemon drains")
        t.equal(lab.kill("ar1", signal.SIGTERM), 0, "the second signal stops it at once")
        t.equal(mn.revoked(), [], "nobody was told")
        lab.start_had(1)
        t.equal(mn.bindings(), {mn.hoa[0]: "bound"}, "the next run knows the binding")


def test_drain_order(t):
    """dmip6ctl drain: until the last binding has ended"""
    with Lab(tap.BINDIR) as lab:
        mn = MobileNode(t, lab)
        hoa = mn.hoa[0]
        t.equal(mn.bind(hoa), [0], "the mobile node is bound")
        for args, code, text in (
                ((), 2, "how long?"), (("--timeout", "banana"), 2, "no time; expected"),
                (("--timeout", "9s", "--cancel"), 2, "exclude each other"),
                (("--timeout", "99d"), 2, "out of range"),
                (("--cancel",), 4, "not draining")):
            p = lab.ctl_raw("ar1", "drain", *args)
            t.equal(p.returncode, code, f"drain {' '.join(args)}: status {code}")
            t.contains(p.stderr, text, f"drain {' '.join(args)}: says why")
        r = lab.ctl("ar1", "drain", "--timeout", "1h")
        t.equal((r["draining"], r["bindings"]), (True, 1), "it drains")
        air = lab.inside("mn", forge.Listener, "wlan0")
        lab.move(1)
        ra = wait_for(air.advertisement, 15.0)
        t.equal(ra and ra[45] & 0x18, 0x18, "hosts are told to prefer other routers")
        t.ok(lab.status("ar1")["draining"], "status says so")
        t.equal(lab.ctl("ar1", "drain", "--cancel")["draining"], False, "it is called off")
        t.ok(not lab.status("ar1")["draining"], "and works on")
        lab.ctl("ar1", "drain", "--timeout", "1h")
        t.equal(mn.bind(hoa), [0], "the binding lives on")
        t.equal(ended(lab, 1.5), None, "and the daemon waits for it")
        mn.bind(hoa, lifetime=0)
        t.equal(ended(lab), (0,), "with its end the daemon stops")


if __name__ == "__main__":
    tap.main(test_release_answered, test_release_silent, test_release_forged,
             test_release_killed, test_release_words, test_release_both, test_drain_signal,
             test_drain_twice, test_drain_order)
