#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The recipe of dmip6-ipsec(7), its files as they stand in examples/ipsec, with strongSwan on
two access routers and the mobile node: a flow lives through moves while Binding Updates and
their answers pass in ESP, and nothing else is heard."""

import os
import signal
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "lab"))

# pylint: disable=wrong-import-position
import forge
import ike
import measure
import tap
import xfrm
from lab import CN, HA, Lab, wait_for
from play import Play

ESP, ROUTING, MH, DSTOPTS = 50, 43, 135, 60
ROUTERS = (1, 2)
NAMES = {**{f"ar{n}": ("router", f"ar{n}.routers.example") for n in ROUTERS},
         "mn": ("host", "mn1.hosts.example")}
OTHER = "mn2.hosts.example"


def build(lab):
    lab.build()
    keys = ike.Keys(lab.dir)
    for name in [name for _, name in NAMES.values()] + [OTHER]:
        keys.issue(name)
    for n in ROUTERS:
        lab.write(f"ar{n}.conf", ike.example("router/ha.conf"))
        lab.start_had(n)
    lab.write("mn.conf", f"linger {lab.linger};\n" + ike.example("host/mn.conf"))
    lab.start_mnd()
    return keys, {box: ike.Ike(lab, keys, box, *who) for box, who in NAMES.items()}


def headers(packet):
    """Of the extension headers and what is behind them, the numbers."""
    out, kind, at = [packet[6]], packet[6], 40
    while kind in (DSTOPTS, ROUTING, 0) and at + 2 <= len(packet):
        kind, at = packet[at], at + 8 * (packet[at + 1] + 1)
        out.append(kind)
    return out


class Wire:
    """What core gets from the routers."""

    def __init__(self, lab):
        self.socks = [lab.inside("core", forge.Listener, f"ar{n}").sock for n in ROUTERS]
        self.packets = []

    def read(self):
        for s in self.socks:
            try:
                while True:
                    self.packets.append(s.recvfrom(2048)[0])
            except BlockingIOError:
                pass
        return self.packets

    def of(self, *kinds):
        return [p for p in self.read() if headers(p)[:len(kinds)] == list(kinds)]


def ipsec(lab, box):
    return lab.status(box)["ipsec"]


def grows(lab, box, name, action, by=1):
    """Does the action make the router's, or the host's, number of refused ones grow?"""
    before = ipsec(lab, box)[name]
    action()
    return wait_for(lambda: ipsec(lab, box)[name] == before + by, 5.0, 0.05)


def counted(lab, box, name):
    return lab.status(box)["counters"].get(name, 0)


def binding(lab):
    """What the router knows of the binding, but for its age and traffic."""
    b, = lab.status("ar1")["bindings"]
    return {k: b[k] for k in ("hoa", "coa", "state", "sequence")}


def only_esp(t, wire, hoa):
    """RFC 3776 3.1 and 3.2, as they pass."""
    updates = [p for p in wire.of(DSTOPTS, ESP) if p[24:40] == forge.pton(HA[1])]
    answers = [p for p in wire.of(ROUTING, ESP) if p[8:24] == forge.pton(HA[1])]
    t.ok(updates and all(p[42:64].endswith(b"\xc9\x10" + forge.pton(hoa)) for p in updates),
         "a Binding Update is ESP behind the Home Address option", [p.hex() for p in updates])
    t.ok(answers and all(p[48:64] == forge.pton(hoa) for p in answers),
         "its answer is ESP behind the type 2 routing header", [p.hex() for p in answers])
    t.equal([p.hex() for p in wire.read() if MH in headers(p)], [],
            "and no Mobility Header is seen in the clear")
    return updates[-1]


def attacks_from_outside(t, lab, update, hoa):
    """Of somebody who has seen what passed, and has no security association."""
    before = binding(lab)
    send = lambda p: lab.inside("core", forge.send_routed, bytes(p))
    t.ok(grows(lab, "ar1", "replayed", lambda: send(update)), "a recorded one counts as replayed",
         ipsec(lab, "ar1"))
    forged = bytearray(update)
    forged[68:72] = struct.pack("!I", 1000)          # the number in ESP
    t.ok(grows(lab, "ar1", "forged", lambda: send(forged)), "one with another number as forged",
         ipsec(lab, "ar1"))
    forged[64:68] = struct.pack("!I", 0xdead)
    t.ok(grows(lab, "ar1", "no_state", lambda: send(forged)),
         "one of no security association as such", ipsec(lab, "ar1"))
    plain = forge.bu(hoa, HA[1], CN[1], before["sequence"] + 1, "00" * 32)
    dropped = counted(lab, "ar1", "bu-not-protected")
    listener = lab.inside("cn1", forge.Listener, "core0")
    lab.inside("cn1", forge.send_routed, plain)
    t.ok(wait_for(lambda: counted(lab, "ar1", "bu-not-protected") == dropped + 1, 5.0, 0.05),
         "one in the clear is counted", lab.status("ar1")["counters"])
    t.equal(listener.answers(HA[1]), [], "and not answered")
    t.equal(binding(lab), before, "the binding is as it was")


def forged_answer(t, lab, hoa):
    """A Binding Acknowledgement that says that it is all over."""
    coa = binding(lab)["coa"]
    body = struct.pack("!BBBBHBBHH", 59, 1, 6, 0, 0, 129, 0, 0, 0) + b"\1\2\0\0"
    c = forge.cksum(forge.pton(HA[1]), forge.pton(hoa), MH, body)
    routing = struct.pack("!BBBB4x", MH, 2, 2, 1) + forge.pton(hoa)
    packet = forge.ipv6(HA[1], coa, ROUTING, routing + body[:4] + struct.pack("!H", c) + body[6:])
    dropped = counted(lab, "mn", "not-protected")
    lab.inside("core", forge.send_routed, packet)
    t.ok(wait_for(lambda: counted(lab, "mn", "not-protected") == dropped + 1, 5.0, 0.05),
         "an answer in the clear is counted by the mobile node", lab.status("mn")["counters"])
    t.equal([a["state"] for a in lab.status("mn")["anchors"] if a["hoa"] == hoa], ["bound"],
            "which does not believe it")


def attacks_of_a_host(t, lab, hoa):
    """CN2 is a mobile node with a security association of its own, and its kernel does for it
    what the daemon's would."""
    before = binding(lab)
    lab.batch("cn2", [f"addr add {hoa}/128 dev lo nodad"])
    xfrm.associate(lab, "cn2", "ar1", CN[2], CN[2], HA[1], 0x1001)
    update = forge.bu_header(hoa, HA[1], CN[2], before["sequence"] + 1, "00" * 32,
                             tail=b"\1\5\0\0\0\0\0")
    release = forge.bu_header(CN[2], HA[1], CN[2], 1, "00" * 32, lifetime=0,
                              tail=b"\1\5\0\0\0\0\0")
    t.ok(grows(lab, "ar1", "received",
               lambda: lab.inside("cn2", xfrm.send, MH, release, CN[2], HA[1])),
         "another host speaks for its own address", ipsec(lab, "ar1"))
    inside = struct.pack("!BB", MH, 2) + b"\1\2\0\0" + b"\xc9\x10" + forge.pton(hoa) + update
    t.ok(grows(lab, "ar1", "other_address",
               lambda: lab.inside("cn2", xfrm.send, DSTOPTS, inside, CN[2], HA[1])),
         "but with a Home Address option inside of ESP not for that one", ipsec(lab, "ar1"))
    lab.run("cn2", "ip", "xfrm", "state", "flush")
    lab.run("ar1", "ip", "xfrm", "state", "delete", "src", CN[2], "dst", HA[1], "proto", "esp",
            "spi", "0x1001")
    xfrm.associate(lab, "cn2", "ar1", CN[2], hoa, HA[1], 0x1002)
    lab.run("cn2", "ip", "xfrm", "state", "add", "src", hoa, "dst", HA[1], "proto", "hao", "mode",
            "ro", "coa", CN[2])
    t.ok(grows(lab, "ar1", "other_address",
               lambda: lab.inside("cn2", xfrm.send, MH, update, hoa, HA[1], True)),
         "nor with one before it, as a mobile node's would be", ipsec(lab, "ar1"))
    t.equal(binding(lab), before, "the binding is as it was")


def greedy_ike(t, lab, keys, hoa):
    """It asks for a security association for an address that it does not have."""
    other = ike.Ike(lab, keys, "cn2", "host", OTHER,
                    [("remote_addrs = %any", f"local_addrs = {CN[2]}\n\t\tremote_addrs = {HA[1]}"),
                     ("local_ts = dynamic[135]", f"local_ts = {hoa}/128[135]"),
                     ("start_action = trap", "start_action = none")])
    p = other.ctl("--initiate", "--child", "mobility", "--timeout", "10")
    t.ok(p.returncode != 0 and "TS_UNACCEPT" in p.stdout + p.stderr,
         "with a good certificate nobody gets one for another's address", p.stdout + p.stderr)
    lab.kill("ike-cn2")


def spis(daemon):
    return {line.split()[1].rstrip(",") for line in daemon.sas().splitlines()
            if line.split()[:1] in (["in"], ["out"])}


def renewed(t, lab, daemons):
    """IKE goes on, from the home address, through the tunnel."""
    before = spis(daemons["ar1"])
    daemons["mn"].ctl("--rekey", "--child", "mobility")
    t.ok(wait_for(lambda: spis(daemons["ar1"]) and not spis(daemons["ar1"]) & before, 20.0, 0.2),
         "away, the security associations are renewed", daemons["ar1"].sas())


def test_recipe(t):
    """a flow moves from AR1 to AR2 and back"""
    with Lab(tap.BINDIR) as lab:
        keys, daemons = build(lab)
        play = Play(lab, {1: 1})
        play.move(1)
        hoa = play.begin(1)["source"]
        t.ok(wait_for(lambda: ipsec(lab, "mn")["missing"] == 0 and hoa in daemons["ar1"].sas(),
                      30.0, 0.2), "at home the mobile node gets its security association",
             lab.log("ike-mn")[-2000:])
        selectors = [line for line in lab.run("ar1", "ip", "xfrm", "state").stdout.splitlines()
                     if "sel src 2001" in line]
        t.ok(selectors and all(f"{hoa}/128" in s and f"{HA[1]}/128" in s for s in selectors),
             "which is for its own address and no other", selectors)
        wire = Wire(lab)
        play.move(2)
        t.ok(wait_for(lambda: "bound" in [a["state"] for a in lab.status("mn")["anchors"]],
                      15.0, 0.1), "away it is registered", lab.log("mn")[-1000:])
        t.equal(counted(lab, "ar1", "rx-bu"), counted(lab, "ar1", "bu-registered"),
                "with the first Binding Update")
        play.run_for(1.0)
        update = only_esp(t, wire, hoa)
        attacks_from_outside(t, lab, update, hoa)
        forged_answer(t, lab, hoa)
        attacks_of_a_host(t, lab, hoa)
        greedy_ike(t, lab, keys, hoa)
        renewed(t, lab, daemons)
        play.move(1)
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 15.0, 0.1),
             "back home, the binding ends", lab.status("ar1")["bindings"])
        play.run_for(2.0)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through both moves")
        t.ok(run.packets_of(1)["tunnelled"] > 100, "in the tunnel", run.packets_of(1))
        for h in run.handovers():
            t.note(h)
        for box in ("mn", "ar1"):
            lab.kill(box, signal.SIGTERM)
            left = lab.run(box, "ip", "xfrm", "state").stdout
            t.ok("proto hao" not in left and "proto route2" not in left,
                 f"{box}: nothing of the daemon is left in the kernel", left)


def test_killed(t):
    """what a killed one leaves goes by --cleanup"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", ike.example("router/ha.conf"))
        lab.start_had(1)
        lab.kill("ar1")
        left = lab.run("ar1", "ip", "xfrm", "state").stdout
        t.contains(left, "proto hao", "killed, it is there")
        t.ok("proto esp" not in left, "and nothing of what was tried at the start", left)
        p = lab.run("ar1", *lab.had_command(1, ("--cleanup",)))
        t.equal((p.returncode, lab.run("ar1", "ip", "xfrm", "state").stdout), (0, ""),
                "--cleanup takes it out")


if __name__ == "__main__":
    tap.main(test_recipe, test_killed, skip=ike.missing())
