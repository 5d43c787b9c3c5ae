#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keys that home agents give: nothing is configured for a mobile node and routers that never met,
or what an operator has given them (certificates, a pre-shared key)."""

import os
import secrets
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import capture
import measure
import tap
from authority import Authority
from lab import ARS, POOL, Lab, anchor_of, wait_for
from play import Play, wait_released
from shared import start_had as start_shared

PORT = 7872


def anchor_at(lab, n):
    """The mobile node's anchor at router n, of several the one with flows."""
    s = lab.status("mn") or {"anchors": []}
    mine = [a for a in s["anchors"] if anchor_of(a["hoa"]) == n]
    return max(mine, key=lambda a: a["flows"], default=None)


def key_of(lab, n):
    return (anchor_at(lab, n) or {}).get("key") or {}


def has_key(lab, n, mode="on-link"):
    return key_of(lab, n).get("mode") == mode


def counters(lab, box="mn"):
    return lab.status(box)["counters"]


def start(lab, routers=ARS):
    lab.build()
    for n in routers:
        lab.start_had(n)
    lab.start_mnd()
    return Play(lab, {n: 1 for n in routers})


def tour(t, lab, play, mode):
    """Flow 1 over three routers, each with a key before it is left; then home again."""
    for n in ARS:
        play.move(n)
        if n == 1:
            play.begin(1)
        t.ok(wait_for(lambda n=n: has_key(lab, n, mode), 10.0),
             f"AR{n} gives a key by {mode}", (lab.status("mn")["anchors"], lab.log("mn")))
        play.run_for(0.5)
    t.equal(anchor_at(lab, 1)["state"], "bound", "the first one's address is bound from there")
    play.end(1)
    left = wait_released(lab, (1, 2))
    t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
    run = play.finish()
    t.equal(measure.flow_faults(run, 1), [], "the flow is whole")
    return run


def test_nothing_configured(t):
    """no key and no configuration on either side"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        play = start(lab)
        run = tour(t, lab, play, "on-link")
        c = counters(lab)
        t.equal(c["key-received"], 3, "one key from each router")
        late = [p.time - first_update(run, i) for i in (1, 2) for p in asked(run, i)[:1]]
        t.ok(len(late) == 2 and min(late) > 0,
             "at a new place the Binding Update leaves before a key is asked for", late)
        out = lab.ctl_raw("mn", "status").stdout
        t.contains(out, "key: on-link, for", "the status says how the key came")
        t.contains(out, "nobody has proved who he is", "and what that is worth")


def asked(run, i):
    """The first packets of connections to the key port during the i-th move."""
    return [p for p in run.packets if p.where == capture.MN and p.outgoing and
            p.proto == capture.TCP and p.dport == PORT and not p.tunnelled
            and run.moves[i]["up"] <= p.time < run.phase_end(i)]


def first_update(run, i):
    return next(p.time for p in run.packets if p.where == capture.MN and p.outgoing and
                p.proto == capture.MOBILITY and p.kind == capture.BU
                and run.moves[i]["up"] <= p.time < run.phase_end(i))


def test_certificates(t):
    """certificates of an operator on both sides"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        ca = Authority(lab.dir)
        for n in ARS:
            lab.write(f"ar{n}.conf", ca.block(f"ar{n}.example.net"))
        lab.write("mn.conf", "linger 1s;\n" + ca.block("laptop.example.net"))
        play = start(lab)
        tour(t, lab, play, "certificate")
        t.ok("nobody has proved" not in lab.status("mn")["health"]["text"],
             "both have proved who they are")


def test_less_than_wanted(t):
    """a mobile node that wants certificates, and routers that give keys to anybody"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        ca = Authority(lab.dir)
        lab.write("mn.conf", "linger 1s;\n" + ca.block("laptop.example.net"))
        play = start(lab, (1, 2))
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: counters(lab)["key-tls"] > 0, 10.0), "no session with AR1",
             lab.status("mn"))
        t.equal(counters(lab)["key-received"], 0, "and no key of it")
        t.ok(not lab.status("mn")["health"]["ok"], "that is not well")
        t.contains(lab.status("mn")["health"]["text"], "cannot be moved", "and said to be so")
        # The other mode is what an operator may allow beside it.
        with open(lab.path("mn.conf"), encoding="ascii") as f:
            text = f.read().replace("mode certificate;", "mode certificate on-link;")
        lab.write("mn.conf", text)
        lab.ctl("mn", "reload")
        t.ok(wait_for(lambda: has_key(lab, 1, "on-link"), 10.0), "allowed, it gets one",
             lab.status("mn"))
        play.finish()


def test_psk(t):
    """a pre-shared key; a wrong one gets nothing"""
    secret = secrets.token_hex(32)
    with Lab(tap.BINDIR, static_key=False) as lab:
        for n in ARS:
            lab.write(f"ar{n}.conf", f"keys {{ psk laptop {secret}; }}\n")
        lab.write("mn.conf", f"linger 1s;\nkeys {{ psk laptop {'00' * 32}; }}\n")
        play = start(lab)
        lab.move(1)
        t.ok(wait_for(lambda: counters(lab)["key-tls"] > 0, 10.0), "a wrong one: no session",
             lab.status("mn"))
        t.equal(counters(lab)["key-received"], 0, "and no key")
        lab.write("mn.conf", f"linger 1s;\nkeys {{ psk laptop {secret}; }}\n")
        lab.ctl("mn", "reload")
        tour(t, lab, play, "psk")
        for box in ("mn", *(f"ar{n}" for n in ARS)):
            t.ok(secret not in lab.log(box), f"{box}: the secret is in no log")


def hold_back(lab, n):
    """Whoever asks router n for a key hears nothing."""
    lab.run(f"ar{n}", "nft", "add table inet silent; add chain inet silent in { type filter hook "
            "prerouting priority -400; }; add rule inet silent in tcp dport 7872 drop")


def let_go(lab, n):
    lab.run(f"ar{n}", "nft", "delete table inet silent")


def test_left_before(t):
    """the link is left before the key has come; then the host is back"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        hold_back(lab, 1)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: key_of(lab, 1).get("asking"), 5.0), "it is asked for")
        t.equal(anchor_at(lab, 1)["flows"] > 0, True, "a flow is there")
        play.move(2)
        refused = wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "refused", 5.0)
        t.ok(refused, "left, the address is refused", lab.status("mn"))
        t.contains(anchor_at(lab, 1)["reason"], "no key: the home agent", "with the reason")
        t.ok(wait_for(lambda: has_key(lab, 2), 5.0), "the new place gives one")
        let_go(lab, 1)
        play.move(1)
        t.ok(wait_for(lambda: has_key(lab, 1), 10.0), "back, the first one does", lab.status("mn"))
        play.move(2)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "bound", 5.0),
             "and the address can be moved", lab.status("mn"))
        play.run_for(1.0)
        play.finish()


def sockets_to_key_port(lab):
    return lab.run("mn", "ss", "-H", "-6", "-n", "-t", "-a", "dport", "=", ":7872").stdout


def test_session_holds_nothing(t):
    """a session that hangs keeps no address, and is no more when the link is left"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        hold_back(lab, 1)
        lab.start_mnd()
        lab.move(1)
        lab.attached(1)
        t.ok(wait_for(lambda: sockets_to_key_port(lab), 5.0), "there is a socket")
        t.equal(anchor_at(lab, 1)["flows"], 0, "it is no flow")
        lab.move(2)
        t.ok(wait_for(lambda: has_key(lab, 2), 5.0), "moved, the new place gives a key")
        t.equal(anchor_at(lab, 1), None, "and nothing is kept of the old one")
        t.ok(":1:1" not in sockets_to_key_port(lab).replace("2001:db8", ""),
             "nor is the socket there any more", sockets_to_key_port(lab))


def test_plain_home_agent(t):
    """routers that give no keys: with a configured one all is as before"""
    with Lab(tap.BINDIR) as lab:
        for n in ARS:
            lab.write(f"ar{n}.conf", "keys no;\n" + lab.key_text())
        play = start(lab)
        run = tour(t, lab, play, "configured")
        t.equal([len(asked(run, i)) for i in range(3)], [0, 0, 0], "and nobody was asked")
    with Lab(tap.BINDIR, static_key=False) as lab:
        for n in ARS:
            lab.write(f"ar{n}.conf", "keys no;\n")
        play = start(lab)
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: counters(lab)["key-sessions"] and not key_of(lab, 1)["asking"],
                      10.0), "without one AR1 was asked", lab.status("mn"))
        t.equal(key_of(lab, 1)["reason"], "the home agent gives none", "and the reason is known")
        play.run_for(1.0)
        play.move(2)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "refused", 5.0),
             "left, the address is refused", lab.status("mn"))
        play.finish()


def killed(t, lab, play, box, again):
    lab.kill(box, signal.SIGKILL)
    play.run_for(0.3)
    again()


def test_killed(t):
    """kill -9 of both daemons after the key has come, and away"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        play = start(lab)
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: has_key(lab, 1), 10.0), "AR1 gives a key")
        spi = key_of(lab, 1)["spi"]
        killed(t, lab, play, "mn", lab.start_mnd)
        t.ok(wait_for(lambda: has_key(lab, 1), 5.0), "the MN is killed: it has its key",
             (lab.status("mn"), lab.log("mn")))
        t.equal(key_of(lab, 1)["spi"], spi, "the same one")
        killed(t, lab, play, "ar1", lambda: lab.start_had(1))
        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "bound", 8.0),
             "AR1 is killed: it knows the key", (lab.status("mn"), lab.log("ar1")))
        t.ok(wait_for(lambda: has_key(lab, 2), 5.0), "AR2 gives one")
        play.run_for(0.3)
        killed(t, lab, play, "mn", lab.start_mnd)
        killed(t, lab, play, "ar1", lambda: lab.start_had(1))
        play.move(3)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "bound"
                      and measure.names_pool(anchor_at(lab, 1)["coa"], 3), 8.0),
             "both are killed: the address is bound from the next place",
             (lab.status("mn"), lab.log("ar1")))
        play.run_for(0.5)
        play.end(1)
        left = wait_released(lab, (1,))
        t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
        t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")
        t.ok(wait_for(lambda: not file_has(lab, str(spi)), 5.0),
             "and the key is not on the disk any more")


def file_has(lab, text):
    try:
        with open(lab.path("mn.state/keys"), encoding="ascii") as f:
            return text in f.read()
    except FileNotFoundError:
        return False


def sleep(lab, boxes, seconds):
    for box in boxes:
        with open(lab.path(f"{box}.clock"), "w", encoding="ascii") as f:
            f.write(str(seconds))
    for box in boxes:
        lab.status(box)


def test_renewed(t):
    """a key is renewed before it ends, and in a session that goes on from the first one"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        lab.write("ar1.conf", "keys { lifetime 10m; }\n")
        for box, command in (("ar1", lab.had_command(1)), ("mn", lab.mnd_command())):
            command[0] = lab.bin(f"tests/lab/{os.path.basename(command[0])}")
            lab.popen(box, box, command, {"DMIP6_TEST_CLOCK": lab.path(f"{box}.clock")})
            lab.wait_ready(box)
        lab.start_had(2)
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: has_key(lab, 1), 10.0), "AR1 gives a key", lab.log("mn"))
        first = key_of(lab, 1)
        t.ok(590 <= first["remaining_s"] <= 600, "for ten minutes", first)
        sleep(lab, ("ar1", "mn"), 490)
        t.ok(wait_for(lambda: key_of(lab, 1).get("spi") not in (None, first["spi"]), 10.0),
             "after eight there is a new one", (lab.status("mn"), lab.log("mn")))
        t.ok(key_of(lab, 1)["remaining_s"] > 590, "for ten more", key_of(lab, 1))
        t.ok(counters(lab)["key-resumed"] > 0, "the session was resumed")
        play.move(2)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "bound", 8.0),
             "it moves the address", (lab.status("mn"), lab.log("ar1")))
        play.run_for(0.5)
        t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")


def test_shared(t):
    """a prefix that hosts share: a key for one address"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        start_shared(lab, 1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: has_key(lab, 1), 10.0), "AR1 gives a key",
             (lab.status("mn"), lab.log("mn")))
        t.equal(key_of(lab, 1)["prefix"], f"{anchor_at(lab, 1)['hoa']}/128", "for this address")
        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: (anchor_at(lab, 1) or {}).get("state") == "bound", 8.0),
             "it moves the address", (lab.status("mn"), lab.log("ar1")))
        play.run_for(1.0)
        t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")


def test_two_prefixes(t):
    """two prefixes of one router: one session"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        lab.write("ar1.conf", f"prefix {POOL[1]};\nprefix 2001:db8:7:100::/56;\n")
        command = lab.had_command(1)
        at = command.index("--prefix")
        del command[at:at + 2]
        lab.popen("ar1", "ar1", command)
        lab.wait_ready("ar1")
        lab.start_mnd()
        lab.move(1)

        def keys():
            return {a["prefix"]: a["key"].get("spi") for a in lab.status("mn")["anchors"]}
        t.ok(wait_for(lambda: len(keys()) == 2 and all(keys().values()), 10.0),
             "both have a key", (lab.status("mn"), lab.log("mn")))
        t.equal(len(set(keys().values())), 2, "each its own")
        t.ok(counters(lab)["key-sessions"] <= 2, "in one session, or as the second came later",
             counters(lab))


tap.main(test_nothing_configured, test_certificates, test_less_than_wanted, test_psk,
         test_left_before, test_session_holds_nothing, test_plain_home_agent, test_killed,
         test_renewed, test_shared, test_two_prefixes)
