#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home that is configured, as RFC 6275 has it, beside the anchors that the mobile node finds.

AR1's link is the home link: its hosts share a prefix. AR2 gives each host a prefix of its own,
AR3 is a plain router."""

import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import CN, HA, Lab, wait_for
from shared import HOA, SharedLink
from t_plainrouter import advertise, SHARED

PORT = 4242
HOME = "2001:db8:1:100::/64"
SECOND = "2001:db8:1:100::2"
ANYCAST = "2001:db8:1:100:fdff:ffff:ffff:fffe"


def configure(lab, text, key=True):
    keys = lab.key_text() if key else ""
    lab.write("mn.conf", f"linger 1s;\n{keys}home office {{ prefix {HOME}; {text} }}\n")


def home(lab, name="office"):
    """The anchor of that name, as the mobile node shows it."""
    s = lab.status("mn") or {"anchors": []}
    return next((a for a in s["anchors"] if a["name"] == name), None)


def is_state(lab, state, timeout=10.0, name="office"):
    return wait_for(lambda: (home(lab, name) or {}).get("state") == state, timeout, 0.02)


def bindings(lab):
    return [(b["hoa"], b["coa"]) for b in (lab.status("ar1") or {"bindings": []})["bindings"]]


def serve():
    """A server on all addresses: tells who asked, by which address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::", PORT))
        s.listen(8)
        while True:
            c, peer = s.accept()
            with c:
                c.sendall(f"{c.getsockname()[0]} {peer[0]}".encode())


def ask(to, source=None):
    """What the server there says, or the error."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.settimeout(4)
        try:
            if source:
                s.bind((source, 0))
            s.connect((to, PORT))
            return s.recv(200).decode()
        except OSError as e:
            return str(e)


def reached(t, lab, hoa, name):
    """From outside at its home address; from inside where that was chosen, and only there."""
    t.equal(lab.inside("cn1", ask, hoa), f"{hoa} {CN[1]}", f"{name}: reached from outside")
    t.equal(lab.inside("mn", ask, CN[2], hoa), f"{CN[2]} {hoa}",
            f"{name}: a program that has bound its address uses it")


def addresses(lab, interface):
    out = lab.run("mn", "ip", "-6", "-j", "addr", "show", "dev", interface).stdout
    return {a["local"]: a for i in json.loads(out or "[]") for a in i.get("addr_info", [])}


def plain_router(lab):
    lab.run("ar3", "ip", "addr", "add", SHARED + "1/64", "dev", "acc0", "nodad")
    out = lab.run("ar3", "ip", "-6", "-o", "addr", "show", "dev", "acc0", "scope", "link")
    lab.spawn("router", "ar3", advertise, out.stdout.split()[3].split("/")[0])


def world(lab):
    """The home link with its home agent, AR2, the plain router, and servers."""
    lab.build()
    link = SharedLink(lab)
    lab.start_had(2)
    plain_router(lab)
    for box in ("mn", "cn2"):
        lab.spawn(f"server-{box}", box, serve)
    return link


def test_abroad(t):
    """a mobile node that starts away from home and was never there"""
    with Lab(tap.BINDIR) as lab:
        link = world(lab)
        configure(lab, f"address {HOA};")
        lab.move(2)
        lab.start_mnd()
        t.ok(is_state(lab, "bound"), "it is registered, without any flow", lab.status("mn"))
        h = home(lab)
        t.equal((h["hoa"], h["ha"], h["fixed"], h["flows"]), (HOA, HA[1], True, 0),
                "at the home agent that answered the question for one")
        count = lab.status("mn")["counters"]
        t.equal((count["dhaad"], count["dhaad-reply"]), (1, 1), "which was put once")
        t.equal([b[0] for b in bindings(lab)], [HOA], "the home agent has the binding")
        health = lab.status("mn")["health"]
        t.equal(health, {"ok": True, "text": "1 home kept, all reachable"}, "and all is well")
        t.contains(lab.ctl_raw("mn", "status").stdout, f"office: {HOA} at ",
                   "status shows it by its name")
        reached(t, lab, HOA, "away")
        t.ok(lab.source() != HOA, "a new program gets another address", lab.source())
        wait_for(lambda: False, 3.0, 1.0)
        t.equal(home(lab)["state"], "bound", "without flows it stays")

        killed(t, lab)
        lab.move(3)
        t.ok(wait_for(lambda: any(c.startswith(SHARED[:-1]) for _, c in bindings(lab)), 10.0),
             "at a plain router it is registered from there", bindings(lab))
        reached(t, lab, HOA, "at a plain router")

        returned(t, lab, link)
        lab.move(2)
        t.ok(is_state(lab, "bound"), "away again, it is registered again", home(lab))
        t.ok(wait_for(lambda: HOA not in addresses(lab, "wlan0"), 5.0),
             "its address is on the link no more")
        reached(t, lab, HOA, "away again")
        lab.kill("mn", signal.SIGTERM)
        t.ok(wait_for(lambda: not bindings(lab), 5.0), "stopped, it is registered nowhere")
        t.equal(HOA in addresses(lab, "dmip6mn0"), False, "and its address is gone")


def killed(t, lab):
    lab.kill("mn", signal.SIGKILL)
    t.equal(lab.inside("cn1", ask, HOA), f"{HOA} {CN[1]}", "killed: still reached")
    lab.start_mnd()
    t.ok(is_state(lab, "bound"), "started again, it is registered", home(lab))
    t.equal(lab.status("mn")["counters"]["dhaad"], 0, "the home agent was not forgotten")
    reached(t, lab, HOA, "started again")


def returned(t, lab, link):
    link.forget(HOA)
    lab.move(1)
    t.ok(is_state(lab, "attached"), "at home it is attached", home(lab))
    t.ok(wait_for(lambda: not bindings(lab), 5.0), "and the binding is gone", bindings(lab))
    there = wait_for(lambda: addresses(lab, "wlan0").get(HOA), 5.0)
    t.ok(there and not there.get("tentative") and not there.get("deprecated"),
         "its address is one of the link", there)
    t.ok(wait_for(lambda: HOA not in addresses(lab, "dmip6mn0"), 5.0), "and of no other")
    t.equal(lab.inside("nb", ask, HOA), f"{HOA} {link.address}", "a neighbour reaches it there")
    t.equal(link.neighbour(HOA), lab.mac(), "at its own link-layer address")
    reached(t, lab, HOA, "at home")
    lab.run("mn", "ip", "addr", "del", f"{HOA}/64", "dev", "wlan0")
    t.ok(wait_for(lambda: HOA in addresses(lab, "wlan0"), 5.0),
         "somebody deletes it: it is put back")


def test_at_home_first(t):
    """a mobile node that starts at home, with an address that it makes itself"""
    with Lab(tap.BINDIR) as lab:
        world(lab)
        configure(lab, "")
        seen = lab.inside("nb", forge.Listener, "nb0")
        lab.move(1)
        lab.start_mnd()
        t.ok(is_state(lab, "attached"), "it is attached", lab.status("mn"))
        hoa = home(lab)["hoa"]
        there = wait_for(lambda: not (addresses(lab, "wlan0").get(hoa) or {"tentative": 1})
                         .get("tentative"), 5.0)
        t.ok(there, "its address is one of the link", addresses(lab, "wlan0"))
        t.equal(bindings(lab), [], "without a binding")
        asked = [p for p in all_packets(seen) if p[6] == forge.ICMP6 and p[40] == 135
                 and p[48:64] == forge.pton(hoa) and p[8:24] == bytes(16)]
        t.ok(asked, "nobody had it: duplicate address detection was done")
        reached(t, lab, hoa, "at home")
        lab.kill("mn", signal.SIGKILL)
        p = lab.run("mn", lab.bin("dmip6-mnd"), "--cleanup")
        t.ok(p.returncode == 0 and hoa not in addresses(lab, "wlan0"),
             "--cleanup takes its address off the link", (p, addresses(lab, "wlan0")))
        lab.start_mnd()
        t.ok(wait_for(lambda: hoa in addresses(lab, "wlan0"), 10.0), "the next run puts it back",
             lab.status("mn"))
        lab.move(2)
        t.ok(is_state(lab, "bound"), "away, it is registered without any flow", home(lab))
        reached(t, lab, hoa, "away")
        lab.kill("mn", signal.SIGUSR1)
        lab.start_mnd()
        t.ok(is_state(lab, "bound") and home(lab)["hoa"] == hoa,
             "started again it has the same address", home(lab))
        reloaded(t, lab, hoa)
        t.ok(wait_for(lambda: not bindings(lab), 15.0, 0.1),
             "configured no more, it is released", lab.status("mn"))
        t.equal([a["hoa"] for a in lab.status("mn")["anchors"] if a["hoa"] == HOA], [],
                "and forgotten")


def reloaded(t, lab, hoa):
    """The configuration is read again: another address, then no home at all."""
    configure(lab, f"address {HOA};")
    t.contains(lab.ctl("mn", "reload")["changed"], "home", "read again: another address")
    t.ok(wait_for(lambda: [b[0] for b in bindings(lab)] == [HOA], 15.0, 0.1),
         "is registered, and the one before is not", bindings(lab))
    reached(t, lab, HOA, "read again")
    t.ok(hoa not in [a["hoa"] for a in lab.status("mn")["anchors"]], "it is forgotten")
    lab.write("mn.conf", f"linger 1s;\n{lab.key_text()}")
    lab.ctl("mn", "reload")


def all_packets(listener):
    out = []
    while True:
        try:
            p, addr = listener.sock.recvfrom(2048)
        except BlockingIOError:
            return out
        if addr[2] != 4:
            out.append(p)


def test_taken(t):
    """another host has the address of the home"""
    with Lab(tap.BINDIR) as lab:
        world(lab)
        configure(lab, f"address {HOA};")
        lab.run("nb", "ip", "addr", "add", f"{HOA}/64", "dev", "nb0", "nodad")
        lab.move(1)
        lab.start_mnd()
        t.ok(wait_for(lambda: "another host" in lab.status("mn")["health"]["text"], 10.0),
             "at home, status says so", lab.status("mn")["health"])
        t.equal(HOA in addresses(lab, "wlan0"), False, "the address is not used there")
        before = lab.log("mn").count("another host has the address")
        wait_for(lambda: False, 3.0, 1.0)
        t.equal(lab.log("mn").count("another host has the address"), before,
                "and not tried again all the time")
        lab.move(2)
        t.ok(is_state(lab, "refused"), "away, it is not registered either", home(lab))
        t.equal(bindings(lab), [], "as the home agent confirms")
        lab.run("nb", "ip", "addr", "del", f"{HOA}/64", "dev", "nb0")
        lab.move(1)
        t.ok(wait_for(lambda: HOA in addresses(lab, "wlan0")
                      and lab.status("mn")["health"]["ok"], 10.0),
             "the other has gone, and it is at home again", lab.status("mn"))
        reached(t, lab, HOA, "at home again")
        lab.move(2)
        t.ok(is_state(lab, "bound"), "away, it is registered", home(lab))
        reached(t, lab, HOA, "away")


def second_agent(lab):
    """AR2 is another home agent on the home link, and preferred."""
    lab.airnl.link(lab.links["ar2"], master=lab.links["br1"])
    # Its provider knows that it has a part in AR1's prefix.
    lab.batch("core", [f"rule add pref 99 iif ar2 from {HOME} lookup main"])
    lab.write("ar2.conf", lab.key_text() + "home-agent-preference 9;\ndrain 1s;\n"
              "interface acc0 {\n"
              f"\tprefix {HOME} {{ mode shared; address {SECOND}; }}\n}}\n")
    os.makedirs(lab.path("ar2.state"), exist_ok=True)
    lab.popen("ar2", "ar2", [lab.bin("dmip6-had"), "--state-dir", lab.path("ar2.state"),
                             "--control", lab.sock("ar2"), "--config", lab.path("ar2.conf")])
    lab.wait_ready("ar2")
    return wait_for(lambda: [a for h in lab.status("ar1")["home_agents"]
                             for a in h["addresses"] if a == SECOND], 15.0, 0.1)


def test_two_home_agents(t):
    """two home agents on the home link: the preferred one is taken, then it stops"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        SharedLink(lab)
        plain_router(lab)
        for box in ("mn", "cn2"):
            lab.spawn(f"server-{box}", box, serve)
        t.ok(second_agent(lab), "they know each other", lab.status("ar1")["home_agents"])
        configure(lab, f"address {HOA};")
        lab.move(3)
        lab.start_mnd()
        t.ok(is_state(lab, "bound", 20.0), "it is registered", lab.status("mn"))
        t.equal(home(lab)["ha"], SECOND, "with the preferred one")
        reached(t, lab, HOA, "by the preferred one")
        lab.kill("ar2", signal.SIGTERM, 20.0)
        t.ok(wait_for(lambda: bindings(lab) and home(lab)["state"] == "bound", 30.0, 0.1),
             "that revokes, for it stops: it is registered with the other", home(lab))
        t.equal(home(lab)["ha"], HA[1], "which was the next of the list")
        reached(t, lab, HOA, "by the other")


def test_without_a_key(t):
    """a home agent that asks for no key, and a home that needs none"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", "interface acc0 { prefix " + HOME + " { mode shared; "
                  "unauthenticated-registration insecure-allow; } }\n")
        os.makedirs(lab.path("ar1.state"), exist_ok=True)
        lab.popen("ar1", "ar1", [lab.bin("dmip6-had"), "--state-dir", lab.path("ar1.state"),
                                 "--control", lab.sock("ar1"), "--config",
                                 lab.path("ar1.conf")])
        lab.wait_ready("ar1")
        lab.start_had(2)
        for box in ("mn", "cn2"):
            lab.spawn(f"server-{box}", box, serve)
        configure(lab, f"address {HOA}; unauthenticated-registration insecure-allow;", False)
        lab.move(2)
        lab.start_mnd()
        t.ok(is_state(lab, "bound"), "it is registered", lab.status("mn"))
        health = lab.status("mn")["health"]
        t.ok(not health["ok"] and "INSECURE: home office" in health["text"],
             "health says that this is insecure", health)
        t.contains(lab.log("mn"), "INSECURE", "and so does the log")
        t.equal(home(lab)["unauthenticated"], True, "and status --json")
        reached(t, lab, HOA, "without a key")
        lab.kill("mn", signal.SIGTERM)
        t.ok(wait_for(lambda: not bindings(lab), 5.0), "stopped, it is registered nowhere")
        configure(lab, f"address {HOA};", False)
        lab.start_mnd()
        t.ok(is_state(lab, "refused"), "without that line it is not even tried", home(lab))
        t.contains(home(lab)["reason"], "no key", "for want of a key")
        t.equal(bindings(lab), [], "the home agent heard nothing")


if __name__ == "__main__":
    tap.main(test_abroad, test_at_home_first, test_taken, test_two_home_agents,
             test_without_a_key)
