#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmarks work from end to end: what was counted, never how long it took."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench")
NODES = 300


def run(t, program, *args):
    """Runs a benchmark; what it wrote as JSON, or None."""
    with tempfile.TemporaryDirectory(prefix="dmip6bench-") as d:
        p = subprocess.run(["/usr/bin/python3", os.path.join(BENCH, program), "--bindir",
                            tap.BINDIR, "--quiet", "--json", f"{d}/o.json", *args],
                           capture_output=True, text=True, check=False)
        if not t.equal(p.returncode, 0, f"{program} ends with exit code 0"):
            t.note(p.stdout + p.stderr)
            return None
        with open(f"{d}/o.json", encoding="utf-8") as f:
            return json.load(f)


def registration(t, datapath):
    r = run(t, "registration.py", "--quick", "--nodes", str(NODES), "--no-strace",
            "--flood-rate", "20000", *datapath)
    if r is None:
        return
    x = r["runs"][0]
    for phase in ("first", "move_32", "refresh_32", "move_1", "refresh_1", "deregister"):
        for side in ("had", "reference"):
            f = x[phase].get(side)
            if f:
                t.equal((f["accepted"] + f["again"], f["refused"], f["bad_authenticator"]),
                        (f["sent"], 0, 0), f"{phase}: every update to {side} is acknowledged")
    kernel = NODES if x["datapath"] != "null" else 0
    t.equal((x["routes"], x["nexthops"]), (kernel, kernel),
            f"the kernel has {kernel} routes and as many tunnels")
    f = x["flood"]
    t.ok(f["bad"]["sent"] > 0, "there was a flood of bad updates")
    t.ok(f["flooded"]["accepted"] > 0, "and good ones went through", f)
    for how, after in x["restart"].items():
        t.equal((after["accepted"], after["routes"]), (1, kernel),
                f"{how}, the daemon answers again and the kernel has all bindings")
    t.ok(x["expiry"]["gone_s"] is not None, "when all lifetimes have ended nothing is bound",
         x["expiry"])
    end = x["end"]
    t.equal((end["bindings"], end["nexthops"], end["leases"]), (0, 0, NODES),
            "at the end no binding is left, and every lease")
    t.equal(end["counters"]["binding-expired"], NODES - NODES // 2,
            "bindings have ended by their lifetime")


def test_registration(t):
    """registration, on the kernel's data path"""
    registration(t, ())


def test_registration_null(t):
    """registration, the protocol alone"""
    registration(t, ("--datapath", "null"))


def test_registration_proxy(t):
    """registration by other routers (network mode)"""
    r = run(t, "registration.py", "--quick", "--proxy", "--nodes", str(NODES))
    if r is None:
        return
    x = r["runs"][0]
    for phase in ("first", "move_32", "refresh_32", "move_1", "refresh_1", "deregister"):
        f = x[phase]["had"]
        t.equal((f["accepted"] + f["again"], f["refused"], f["bad_authenticator"]),
                (f["sent"], 0, 0), f"{phase}: every update is acknowledged")
    t.equal((x["routes"], x["nexthops"]), (NODES, NODES), "the kernel has a tunnel for each")
    t.equal((x["end"]["bindings"], x["end"]["nexthops"]), (0, 0), "and none at the end")


def test_handover(t):
    """handover, one anchor behind 5 ms"""
    r = run(t, "handover.py", "--quick")
    if r is None:
        return
    t.equal([(c["kind"], c["floor"]) for c in r["cases"]],
            [(k, False) for k in ("sending", "silent", "first", "loss", "two", "spare")]
            + [(k, True) for k in ("sending", "silent")], "every case was run, and the floor")
    for c in r["cases"]:
        name = "the floor, " * c["floor"] + c["kind"]
        t.equal((c["moves"], c["dead"]), (3, 0), f"{name}: the flow lived through every move")
        t.ok(c["gap"]["median"] > 0, f"{name}: it was silent for a time", c["gap"])
        t.ok(c["floor"] or c["bu"]["n"] == 3, f"{name}: an update was seen at every move", c["bu"])
    first = next(c for c in r["cases"] if c["kind"] == "first")
    t.ok(first["updates"]["median"] >= 2, "a lost update was sent again", first["updates"])


def test_sockets(t):
    """sockets, 10 and 1000 of them"""
    r = run(t, "sockets.py", "--quick")
    if r is None:
        return
    t.equal([(c["place"], c["sockets"], c["moves"]) for c in r["cases"]],
            [(p, n, 2) for p in ("elsewhere", "home", "leaving") for n in (10, 1000)],
            "every case was run")
    for c in r["cases"]:
        name = f"{c['sockets']} sockets {c['place']}"
        t.equal([c[k] and c[k]["n"] for k in ("update", "gap_up", "gap_down")], [2, 2, 2],
                f"{name}: an update was seen at every move, and the flow lived through it")
    t.equal(r["flows_lost"], 0, "no flow was lost")


def test_keys(t):
    """keys, for 24 hosts at once"""
    r = run(t, "keys.py", "--hosts", "24")
    if r is None:
        return
    t.ok(r["s_time"] and all(v > 0 for v in r["speed"].values()), "OpenSSL's own figures are there", r)
    for name, m in r["modes"].items():
        for kind in ("full", "resumed"):
            t.equal((m[kind]["asked"], m[kind]["issued"]), (24, 24),
                    f"{name}, {kind}: every host got a key")
        t.equal((m["sessions_resumed"], m["timeouts"]), (24, 0),
                f"{name}: the second time by a session of before, and none took too long")


def test_network(t):
    """network mode"""
    r = run(t, "network.py", "--moves", "6", "--anchors", "1", "--anchors", "3")
    if r is None:
        return
    for m, anchors in zip(r["runs"], (1, 3)):
        t.equal(m["anchors"], anchors, f"the host has {anchors} earlier anchors")
        t.equal([m[f"{k}_seen"] for k in ("pbu", "pba", "ra", "down", "up")], [m["moves"]] * 5,
                "each step was seen at every move")


if __name__ == "__main__":
    tap.main(test_registration, test_registration_null, test_registration_proxy, test_sockets,
             test_handover, test_keys, test_network)
