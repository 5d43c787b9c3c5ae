#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6ctl doctor names what others do on a host, and what to do about it."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import managers
import tap
from lab import Lab, LabError, wait_for
from living import SETTLES, Life

MISSING = managers.missing(*managers.Networkd.PROGRAMS, *managers.NetworkManager.PROGRAMS,
                           *managers.Dhcpcd.PROGRAMS)

# What firewalld 1.3 writes for IPv6_rpfilter=strict and a zone of its own.
FIREWALLD = """table inet firewalld {
  chain filter_PREROUTING {
    type filter hook prerouting priority filter + 10; policy accept;
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    iifname "lo" accept
    reject with icmpx admin-prohibited
  }
}
"""
CLOSED = """table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    %s
  }
}
"""


def rows(lab, name, cell=None):
    """What doctor found under that name: [(result, found, follows)]."""
    command = [lab.bin("dmip6ctl"), "--control", lab.sock("mn"), "--json", "doctor"]
    p = cell.run(*command) if cell else lab.run("mn", *command)
    try:
        checks = json.loads(p.stdout)["checks"]
    except ValueError as e:
        raise LabError(f"doctor: {p.stderr}") from e
    return [(c["result"], c["found"], c["follows"]) for c in checks if c["name"] == name]


def nft(lab, text):
    p = lab.run("mn", "nft", "-f", "-", stdin=text)
    if p.returncode:
        raise LabError(f"nft: {p.stderr.strip()}")


def well(found):
    return bool(found) and all(r[0] == "ok" for r in found)


def finds(t, lab, name, words, what, cell=None):
    found = rows(lab, name, cell)
    t.ok(any(r[0] != "ok" and r[2] and all(w in r[1] + r[2] for w in words) for r in found),
         f"{what} is found, with what to do", found)


def test_filter(t):
    """packet filters that stop tunnels"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_mnd()
        t.ok(well(rows(lab, "packet filter")), "our own filter is no finding",
             rows(lab, "packet filter"))
        nft(lab, FIREWALLD)
        finds(t, lab, "packet filter", ["fib saddr . mark . iif", "IPv6_rpfilter=loose"],
              "firewalld's reverse path filter")
        finds(t, lab, "packet filter", ["input drops what it does not know", "protocol 135"],
              "a chain that ends with reject")
        nft(lab, "delete table inet firewalld")
        strict = "fib saddr . iif oif missing drop"
        base = "type filter hook prerouting priority raw;"
        nft(lab, f"table ip6 own {{\nchain pre {{\n{base}\n{strict}\n}}\n}}")
        finds(t, lab, "packet filter", [strict, "dmip6*"], "somebody's own one")
        nft(lab, "flush table ip6 own\n"
                 'add rule ip6 own pre iifname "dmip6*" accept\n'
                 f"add rule ip6 own pre {strict}")
        t.ok(well(rows(lab, "packet filter")), "not when ours has passed before",
             rows(lab, "packet filter"))
        nft(lab, "flush table ip6 own\nadd rule ip6 own pre fib saddr oif missing drop")
        t.ok(well(rows(lab, "packet filter")), "nor a loose one", rows(lab, "packet filter"))
        nft(lab, "delete table ip6 own")
        nft(lab, CLOSED % "")
        finds(t, lab, "packet filter", ["protocol 135 and no protocol 41"], "policy drop")
        nft(lab, "delete table inet filter")
        nft(lab, CLOSED % "meta l4proto { 41, 135 } accept")
        t.ok(well(rows(lab, "packet filter")), "not where both pass", rows(lab, "packet filter"))
        nft(lab, "delete table inet filter")
        for number, word in (("135", "registration"), ("41", "tunnel packet")):
            nft(lab, "table ip6 own {\nchain out {\ntype filter hook output priority filter;\n"
                     f"meta l4proto {number} counter drop\n}}\n}}")
            finds(t, lab, "packet filter", [f"l4proto {number}", word],
                  f"a rule that drops protocol {number}")
            nft(lab, "delete table ip6 own")
        t.equal(lab.status("mn")["counters"]["deleted-by-others"], 0,
                "the daemon does not take for its own what doctor tried")


def test_host(t):
    """settings, rules and sizes"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        lab.move(1)
        lab.attached(1)
        for name in ("IPv6", "router advertisements", "policy rules", "tunnel size",
                     "systemd-networkd", "NetworkManager", "dhcpcd"):
            t.ok(well(rows(lab, name)), f"{name}: all is well", rows(lab, name))
        t.contains(str(rows(lab, "router advertisements")), "wlan0: the kernel listens",
                   "the kernel has the interface")
        lab.run("mn", "ip", "-6", "rule", "add", "not", "fwmark", "0xca6c", "lookup", "51820",
                "pref", "219")
        finds(t, lab, "policy rules", ["219: not from all fwmark 0xca6c lookup 51820"],
              "a VPN's rule before ours")
        lab.run("mn", "ip", "-6", "rule", "del", "pref", "219")
        lab.run("mn", "ip", "-6", "rule", "add", "fwmark", "0x80000/0xff0000", "lookup", "52",
                "pref", "300")
        t.ok(well(rows(lab, "policy rules")), "one for marked packets is none",
             rows(lab, "policy rules"))
        lab.run("mn", "ip", "link", "set", "wlan0", "mtu", "1300")
        finds(t, lab, "tunnel size", ["wlan0 has MTU 1300"], "a link that is too small")
        lab.run("mn", "ip", "link", "set", "wlan0", "mtu", "1500")
        lab.sysctl("mn", "net/ipv6/conf/wlan0/accept_ra", "0")
        finds(t, lab, "router advertisements", ["nobody listens", "accept_ra=1"],
              "an interface that nobody configures")
        lab.sysctl("mn", "net/ipv6/conf/wlan0/accept_ra", "1")
        lab.sysctl("mn", "net/ipv6/conf/wlan0/forwarding", "1")
        finds(t, lab, "router advertisements", ["forwarding=1 with accept_ra=1"],
              "a host that forwards")
        lab.sysctl("mn", "net/ipv6/conf/wlan0/forwarding", "0")
        lab.sysctl("mn", "net/ipv6/conf/wlan0/disable_ipv6", "1")
        finds(t, lab, "IPv6", ["wlan0: IPv6 is disabled"], "an interface without IPv6")


def managed(t, which, said, follows):
    """One manager: who has the interface, and what he does to ours."""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        m = which(lab)
        m.start()
        lab.start_mnd()
        life = Life(t, lab, {1: 1})
        life.roam(1, 1)
        t.ok(wait_for(lambda: f"wlan0: {said} listens" in
                      str(rows(lab, "router advertisements", m.cell)), SETTLES, 0.5),
             f"{said} has the interface", rows(lab, "router advertisements", m.cell))
        if follows:
            finds(t, lab, said, [follows], f"{said} without our file", m.cell)
        life.finish()


def test_managers(t):
    """who configures the interfaces"""
    if MISSING:
        t.note(f"left out: {MISSING}")
        return
    managed(t, managers.NetworkManager, "NetworkManager", None)
    managed(t, managers.Networkd, "systemd-networkd", "/etc/systemd/networkd.conf.d")
    managed(t, managers.Dhcpcd, "dhcpcd", None)


if __name__ == "__main__":
    tap.main(test_filter, test_host, test_managers)
