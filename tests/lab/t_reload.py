#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemons read their configuration again while a flow runs: `dmip6ctl reload' and SIGHUP."""

import os
import secrets
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import measure
import tap
from lab import Lab, wait_for
from play import Play, wait_released


def write(lab, text, key=True):
    lab.write("mn.conf", text + (lab.key_text() if key else ""))


def start(lab):
    """Away from AR1 with a flow; the interfaces are the file's to name."""
    lab.build()
    for n in (1, 2):
        lab.start_had(n)
    write(lab, "linger 1s;\n")
    cmd = lab.mnd_command()
    del cmd[1:3]                        # --interface wlan0
    lab.popen("mn", "mn", cmd)
    lab.wait_ready("mn")
    play = Play(lab, {1: 1})
    play.move(1)
    play.begin(1)
    play.run_for(0.3)
    play.move(2)
    bound(lab)
    play.run_for(0.5)
    return play


def bound(lab):
    return wait_for(lambda: [a["hoa"] for a in lab.status("mn")["anchors"]
                             if a["state"] == "bound"], 10.0)


def in_force(lab):
    return lab.status("mn")["configuration"]


def reloaded(t, lab, changed, what):
    p = lab.ctl_raw("mn", "reload")
    t.equal((p.returncode, p.stderr), (0, ""), f"{what}: reload works")
    t.contains(p.stdout, changed, f"{what}: and says what has changed")


def refused(t, lab, what, *parts):
    before, kernel = in_force(lab), lab.kernel_state("mn")["rules"]
    p = lab.ctl_raw("mn", "reload")
    t.ok(p.returncode not in (0, 3), f"{what}: reload fails", p.returncode)
    for part in parts:
        t.contains(p.stderr, part, f"{what}: the message says {part!r}")
    t.equal(in_force(lab), before, f"{what}: the configuration in force stays")
    t.equal(lab.kernel_state("mn")["rules"], kernel, f"{what}: so do the rules")


def test_reload(t):
    """what can be changed is, what cannot is refused, errors refuse all"""
    with Lab(tap.BINDIR) as lab:
        play = start(lab)
        reloaded(t, lab, "nothing", "the same file")
        write(lab, "linger 2s;\nmax-anchors 3;\nbinding-lifetime 2m;\ntunnel-mtu 1400;\n")
        sent = [lab.status("ar1")["bindings"][0]["sequence"]]
        reloaded(t, lab, "linger, binding-lifetime, max-anchors, tunnel-mtu", "four keywords")
        c = in_force(lab)
        t.equal((c["linger_s"], c["max_anchors"], c["binding_lifetime_s"], c["tunnel_mtu"]),
                (2.0, 3, 120, 1400), "the status has the new values")
        play.run_for(0.3)
        sent.append(lab.status("ar1")["bindings"][0]["sequence"])
        t.equal(sent[1], sent[0], "the anchor was not registered anew for it")

        conf = lab.path("mn.conf")
        write(lab, "linger 5;\nmax-anchrs 8;\nkey 5 { secret 00; }\n")
        refused(t, lab, "three errors", f"{conf}:1:", f"{conf}:2:", f"{conf}:3:", "expected")
        write(lab, "linger 1s;\ntable-base 5000;\ndatapath null;\n")
        refused(t, lab, "what is made at the start", "table-base", "5000", "datapath",
                "expected a restart")
        os.rename(conf, conf + ".away")
        refused(t, lab, "no file", "mn.conf", "No such file")
        os.rename(conf + ".away", conf)

        write(lab, "linger 7s;\n")
        lab.procs["mn"].send_signal(signal.SIGHUP)
        t.ok(wait_for(lambda: in_force(lab)["linger_s"] == 7.0, 5.0), "SIGHUP does the same")
        write(lab, "linger 1;\n")
        lab.procs["mn"].send_signal(signal.SIGHUP)
        t.ok(wait_for(lambda: f"{conf}:1:" in lab.log("mn"), 5.0), "its errors go to the log")
        t.equal(in_force(lab)["linger_s"], 7.0, "and nothing is changed by them")
        write(lab, "linger 1s;\n")
        reloaded(t, lab, "linger", "at the end")
        end(t, lab, play)


def end(t, lab, play):
    play.run_for(0.5)
    play.end(1)
    left = wait_released(lab, (1,))
    t.ok(measure.nothing_left(left.values()), "afterwards nothing is left", left)
    t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")


def test_key(t):
    """the keys are changed, first at the home agents, then at the mobile node"""
    with Lab(tap.BINDIR) as lab:
        play = start(lab)
        hoa = bound(lab)
        lab.secret = secrets.token_hex(32)
        for n in (1, 2):
            lab.write(f"ar{n}.conf", lab.key_text())
            lab.kill(f"ar{n}", signal.SIGUSR1)
            lab.start_had(n)
        play.run_for(0.3)
        write(lab, "linger 1s;\n")
        reloaded(t, lab, "key", "another key")
        t.ok(wait_for(lambda: bound(lab) == hoa and lab.status("mn")["counters"]
                      ["ba-wrong-authenticator"] == 0, 5.0), "it is registered with it",
             lab.status("mn")["anchors"])
        play.run_for(0.3)
        write(lab, "linger 1s;\n", key=False)
        reloaded(t, lab, "key", "no key")
        s = lab.status("mn")
        t.equal([a["state"] for a in s["anchors"] if a["hoa"] == hoa[0]], ["refused"],
                "without one the anchor is not reachable")
        t.contains(s["health"]["text"], "no key", "and the status says why")
        write(lab, "linger 1s;\n")
        reloaded(t, lab, "key", "the key again")
        t.equal(bound(lab), hoa, "and all is well again")
        end(t, lab, play)


def test_interface(t):
    """the interface is taken away and given back"""
    with Lab(tap.BINDIR) as lab:
        play = start(lab)
        hoa = bound(lab)
        write(lab, "linger 1s;\ninterface eth7;\n")
        reloaded(t, lab, "interface", "another interface")
        t.equal(lab.status("mn")["attachments"], [], "nothing is attached any more")
        t.equal([a["state"] for a in lab.status("mn")["anchors"] if a["hoa"] in hoa],
                ["departed"], "the anchor waits")
        write(lab, "linger 1s;\ninterface eth7;\ninterface wlan0;\n")
        reloaded(t, lab, "interface", "the interface again")
        t.equal(bound(lab), hoa, "the anchor is registered again")
        end(t, lab, play)


def test_home_agent(t):
    """the home agent: a key of its own for everybody, and what takes a restart"""
    with Lab(tap.BINDIR) as lab:
        play = start(lab)
        hoa = bound(lab)
        old, lab.secret = lab.key_text(), secrets.token_hex(32)
        new = lab.key_text().replace("key 256", "key 257")
        lab.write("ar1.conf", old + new)
        p = lab.ctl_raw("ar1", "reload")
        t.equal((p.returncode, p.stdout.strip()), (0, "read again; changed: keys"),
                "a second key: reload works and says so")
        lab.write("mn.conf", f"linger 1s;\n{new}")
        reloaded(t, lab, "key", "the MN has the second one")
        t.ok(wait_for(lambda: bound(lab) == hoa, 5.0), "and is registered with it",
             lab.status("mn")["anchors"])
        lab.write("ar1.conf", new)
        lab.procs["ar1"].send_signal(signal.SIGHUP)
        t.ok(wait_for(lambda: "read again: changed: keys" in lab.log("ar1"), 5.0),
             "SIGHUP: the first one is gone")
        play.run_for(0.3)
        t.equal([b["hoa"] for b in lab.status("ar1")["bindings"]], hoa, "the binding stays")
        conf = lab.path("ar1.conf")
        for text, parts in (
                (new + "tcp-mss 1300;\n", ("tcp-mss", "expected a restart")),
                (new + "datapath null;\nmax-leases 7;\n", ("datapath", "max-leases",
                                                            "expected a restart")),
                ("mtu 12;\nprefx 1;\n" + new, (f"{conf}:1:", f"{conf}:2:")),
                (new + "binding-lifetime 1h;\nprefix-lifetime 30m;\n",
                 ("prefix-lifetime is shorter",))):
            lab.write("ar1.conf", text)
            p = lab.ctl_raw("ar1", "reload")
            t.ok(p.returncode not in (0, 3), f"{parts[0]}: refused", p.returncode)
            for part in parts:
                t.contains(p.stderr, part, f"the message says {part!r}")
        t.equal([b["hoa"] for b in lab.status("ar1")["bindings"]], hoa, "the binding stays")
        play.run_for(0.3)
        end(t, lab, play)


if __name__ == "__main__":
    tap.main(test_reload, test_key, test_interface, test_home_agent)
