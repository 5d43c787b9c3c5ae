#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Many hosts attach at once and each asks for a key, beside what TLS alone costs here.

    keys.py --bindir DIR [--hosts N] [--json FILE]

All hosts are in one namespace: each has a link-layer address and a prefix of its own, and its
kernel takes frames for all of them. They solicit, connect all at once, and then ask, so that all
connections are there before the first one ends. Told for each way of showing who one is: keys a second, the processor time of the home agent for each,
its memory, and the longest that its event loop was held up by a step. Beside it the same
machine's `openssl speed' (what a handshake has to compute) and `openssl s_time' (handshakes a
second). A benchmark: it never fails because of a time.
"""

import argparse
import ipaddress
import json
import multiprocessing
import os
import re
import ssl
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
import forge
import hostile
from authority import Authority
from lab import Interrupted, Lab, LabError, wait_for

POOL, HOME_AGENT = "2001:db8:700::/48", "2001:db8:700::1"
WORKERS = 8
TICKS = os.sysconf("SC_CLK_TCK")


def mac_of(n):
    return bytes((2, 0x10, 0, 0, n >> 8, n & 255))


def solicit(lab, n):
    """A Router Solicitation without a source, as of a host that has just come."""
    body = b"\x85\0" + bytes(2) + bytes(4)
    dst = "ff02::2"
    c = forge.cksum(forge.pton("::"), forge.pton(dst), forge.ICMP6, body)
    packet = forge.ipv6("::", dst, forge.ICMP6, body[:2] + c.to_bytes(2, "big") + body[4:], 255)
    frame = b"\x33\x33\0\0\0\x02" + mac_of(n) + b"\x86\xdd" + packet
    lab.inside("mn", forge.send_frame, "wlan0", frame)


def leases(lab):
    """The prefix of each host, by its number."""
    out = {}
    for row in lab.status("ar1")["leases"]:
        mac = bytes.fromhex(row["mn"].replace(":", ""))
        if mac[:2] == b"\x02\x10":
            out[mac[4] << 8 | mac[5]] = ipaddress.ip_network(row["prefix"])
    return out


def attach(lab, hosts):
    """All hosts have a prefix and an address in it, and take what comes for them."""
    for n in range(hosts):
        solicit(lab, n)
        if n % 50 == 49:
            time.sleep(0.05)
    for _ in range(5):
        have = wait_for(lambda: len(leases(lab)) >= hosts and leases(lab), 10.0, 0.5)
        if have:
            break
        for n in set(range(hosts)) - set(leases(lab)):
            solicit(lab, n)
            time.sleep(0.02)
    if not have:
        raise LabError("not every host got a prefix")
    router = next(line.split()[3].split("/")[0] for line in lab.run(
        "ar1", "ip", "-6", "-o", "addr", "show", "dev", "acc0", "scope", "link").stdout.splitlines())
    addresses = {n: str(p[5]) for n, p in have.items()}
    lab.batch("mn", [f"addr replace {a}/128 dev wlan0 nodad" for a in addresses.values()]
              + [f"neigh replace {router} lladdr {lab.mac_of('ar1', 'acc0')} dev wlan0",
                 f"route replace {HOME_AGENT}/128 via {router} dev wlan0"])
    for command in (("ip", "link", "set", "wlan0", "promisc", "on"),
                    ("nft", "add table netdev mine; add chain netdev mine c { type filter hook "
                     "ingress device wlan0 priority 0; }; add rule netdev mine c meta pkttype other "
                     "meta pkttype set unicast")):
        p = lab.run("mn", *command)
        if p.returncode:
            raise LabError(p.stderr.strip())
    return list(addresses.values())


def ask(s, context, address, tickets):
    """One host asks for a key by its connection: its status code, or None."""
    if not s:
        return None
    try:
        tls = context.wrap_socket(s, session=tickets.get(address))
        answer = hostile.ask(tls, hostile.request(address, methods="certificate, psk, on-link"))
        tickets[address] = tls.session
        tls.close()
        return hostile.status(answer)
    except (ssl.SSLError, OSError):
        return None


def worker(addresses, how, rounds, barrier, results):
    """Its hosts connect, and when all have, they ask."""
    context, tickets = hostile.context(*how), {}
    for _ in range(rounds):
        barrier.wait()
        connections = [hostile.connect(HOME_AGENT, source=a, timeout=15.0) for a in addresses]
        barrier.wait()
        results.put([ask(s, context, a, tickets) for a, s in zip(addresses, connections)])
    results.close()
    results.join_thread()


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def run_round(lab, barrier, results):
    pid = lab.procs["ar1"].pid
    used, begun = processor_time(pid), time.monotonic()
    barrier.wait()
    barrier.wait()
    answers = [a for _ in range(WORKERS) for a in results.get(timeout=120)]
    took = time.monotonic() - begun
    issued = answers.count(200)
    return {"asked": len(answers), "issued": issued, "seconds": round(took, 3),
            "keys_per_second": round(issued / took),
            "processor_us": round((processor_time(pid) - used) / max(issued, 1) * 1e6)}


def mode(o, name, say):
    """on-link or certificate: first in full, then sessions that go on."""
    with Lab(o.bindir, static_key=False) as lab:
        lab.build()
        how = (None, None)
        if name == "certificate":
            ca = Authority(lab.dir)
            lab.write("ar1.conf", ca.block("ar1.example.net"))
            how = ca.issue("laptop.example.net")
        with open(lab.path("ar1.conf"), "a", encoding="ascii") as f:
            f.write(f"prefix {POOL};\n")
        command = lab.had_command(1)
        at = command.index("--prefix")
        del command[at:at + 2]
        lab.popen("ar1", "ar1", command)
        lab.wait_ready("ar1")
        lab.move(1)
        say(f"{name}: {o.hosts} hosts attach")
        addresses = attach(lab, o.hosts)
        before = memory(lab.procs["ar1"].pid)
        barrier, results = multiprocessing.Barrier(WORKERS + 1), multiprocessing.Queue()
        for n in range(WORKERS):
            lab.spawn(f"hosts {n}", "mn", worker, addresses[n::WORKERS], how, 2, barrier, results)
        out = {"full": run_round(lab, barrier, results)}
        time.sleep(2.0)
        out["resumed"] = run_round(lab, barrier, results)
        status = lab.status("ar1")
        out["longest_step_us"] = status["bootstrap"]["longest_step_us"]
        out["memory_kb"] = memory(lab.procs["ar1"].pid) - before
        out["sessions_resumed"] = status["counters"]["key-resumed"]
        out["timeouts"] = status["counters"]["key-timeouts"]
        return out


def openssl_speed():
    """Operations a second of what a handshake computes."""
    out = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256", "ecdhx25519"], text=True,
                         capture_output=True, check=True).stdout
    sign = re.search(r"ecdsa \(nistp256\)\s+\S+s\s+\S+s\s+([\d.]+)\s+([\d.]+)", out)
    dh = re.search(r"ecdh \(X25519\)\s+\S+s\s+([\d.]+)", out)
    return {"sign": float(sign[1]), "verify": float(sign[2]), "x25519": float(dh[1])}


def openssl_s_time(lab):
    """Handshakes a second of OpenSSL's own programs, both ends on this machine."""
    ca = Authority(lab.dir, "s_time")
    cert, key = ca.issue("localhost")
    lab.run("mn", "ip", "link", "set", "lo", "up")
    lab.popen("s_server", "mn", ["openssl", "s_server", "-accept", "4433", "-cert", cert, "-key", key,
                                 "-tls1_3", "-quiet"])
    time.sleep(0.5)
    out = lab.run("mn", "openssl", "s_time", "-connect", "[::1]:4433", "-new", "-time", "3").stdout
    n = re.search(r"(\d+) connections in (\d+) real seconds", out)
    return round(int(n[1]) / int(n[2])) if n else None


def show(x):
    least = 1e6 / x["speed"]["sign"] + 2e6 / x["speed"]["x25519"]
    print(f"\n{x['hosts']} hosts at once. What a handshake has to compute at the server takes {least:.0f}"
          f" us here (openssl speed: a signature, two X25519); openssl s_time, both ends:"
          f" {x['s_time']} handshakes a second.\n")
    print(f"{'':24}{'keys':>8}{'a second':>10}{'us each':>9}{'of those':>10}")
    for name in x["modes"]:
        for kind in ("full", "resumed"):
            r = x["modes"][name][kind]
            print(f"{name + ', ' + kind:24}{r['issued']:>8}{r['keys_per_second']:>10}"
                  f"{r['processor_us']:>9}{r['processor_us'] / least:>10.1f}")
    for name, m in x["modes"].items():
        print(f"{name}: the event loop was held up for {m['longest_step_us']} us at most; "
              f"{m['memory_kb']} KB of memory more; {m['timeouts']} sessions took too long")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--bindir", required=True)
    p.add_argument("--hosts", type=int, default=1000)
    p.add_argument("--json")
    p.add_argument("--quiet", action="store_true")
    o = p.parse_args()
    if not 8 <= o.hosts <= 8000:
        p.error(f"--hosts {o.hosts}: expected 8 to 8000")

    def say(text):
        if not o.quiet:
            print(text, file=sys.stderr, flush=True)
    try:
        result = {"hosts": o.hosts, "speed": openssl_speed()}
        with Lab(o.bindir, static_key=False) as lab:
            lab.build()
            result["s_time"] = openssl_s_time(lab)
        result["modes"] = {name: mode(o, name, say) for name in ("on-link", "certificate")}
    except (LabError, Interrupted) as e:
        print(f"keys.py: {e}", file=sys.stderr)
        return 1
    if o.json:
        with open(o.json, "w", encoding="ascii") as f:
            json.dump(result, f, indent=1)
    show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
