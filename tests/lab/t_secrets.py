#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who sees a key: root who asks for it, and nobody else; and when it is no longer good, nobody."""

import json
import os
import re
import secrets
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import HA, Lab, wait_for
from play import Play

BOXES = ("mn", "ar1", "ar2")


def listed(lab, box, *options):
    return lab.ctl(box, "keys", *options)["keys"]


def pages(pid):
    """What the process has written to, a mapping at a time."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        lines = [line.split() for line in f]
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for where, rights, *rest in lines:
            first, last = (int(x, 16) for x in where.split("-"))
            if not rights.startswith("rw") or (rest and rest[-1] in ("[vvar]", "[vsyscall]")):
                continue
            try:
                mem.seek(first)
                yield rest[-1], mem.read(last - first)
            except OSError:
                pass


def in_memory(lab, box, secret):
    """Where a secret of 32 octets is, or its hexadecimal form."""
    raw, text = bytes.fromhex(secret), secret.encode()
    return [where for where, octets in pages(lab.procs[box].pid) if raw in octets or text in octets]


def start(lab, ar1="", mn="linger 1s;\n"):
    lab.build()
    lab.write("ar1.conf", ar1)
    lab.write("mn.conf", mn)
    for n in (1, 2):
        lab.start_had(n, ("--log-level", "debug"))
    lab.start_mnd(("--log-level", "debug"))
    return Play(lab, {1: 1})


def test_given(t):
    """a key that was given out"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        play = start(lab)
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: listed(lab, "mn"), 10.0), "AR1 gives a key")
        mine, theirs = listed(lab, "mn")[0], listed(lab, "ar1")[0]
        t.equal((mine["spi"], mine["from"], mine["ha"]), (theirs["spi"], "on-link", HA[1]),
                "both list it")
        t.ok("secret" not in mine and "secret" not in theirs, "without the secret")
        secret = listed(lab, "mn", "--secrets")[0]["secret"]
        t.equal(listed(lab, "ar1", "--secrets")[0]["secret"], secret,
                "root, who asks, sees the same at both ends")
        t.ok(re.fullmatch("[0-9a-f]{64}", secret), "32 octets")
        os.chmod(lab.sock("ar1"), 0o666)
        p = lab.run("ar1", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                    lab.bin("dmip6ctl"), "--control", lab.sock("ar1"), "keys", "--secrets")
        t.ok(p.returncode == 5 and secret not in p.stdout, "another user does not", p)
        t.contains(p.stderr, "only root may ask for it", "and is told why")

        play.run_for(0.3)
        play.move(2)
        t.ok(wait_for(lambda: any(b["state"] == "bound" for b in lab.status("ar1")["bindings"]),
                      10.0), "it moves the flow")
        for box in BOXES:
            said = lab.log(box) + json.dumps(lab.status(box)) + json.dumps(listed(lab, box))
            t.ok(secret not in said and secret[:16] not in said, f"{box}: says it nowhere")
            with open(f"/proc/{lab.procs[box].pid}/limits", encoding="ascii") as f:
                core = next(line for line in f if line.startswith("Max core file size"))
            t.equal(core.split()[4], "0", f"{box}: dumps no core")
        for path in ("mn.state/keys", "ar1.state/had.keys"):
            t.equal(oct(os.stat(lab.path(path)).st_mode & 0o777), "0o600", f"{path}: the owner's")

        t.ok(in_memory(lab, "ar1", secret), "it is in the memory of who needs it")
        p = lab.ctl_raw("ar1", "keys", "--forget", str(mine["spi"] ^ 1))
        t.equal(p.returncode, 4, "one that there is not cannot be forgotten")
        t.equal(lab.ctl("ar1", "keys", "--forget", str(mine["spi"]))["forgotten"], mine["spi"],
                "the operator has it forgotten")
        t.equal(listed(lab, "ar1"), [], "it is not listed any more")
        t.equal(in_memory(lab, "ar1", secret), [], "nor in memory")
        with open(lab.path("ar1.state/had.keys"), "rb") as f:
            t.ok(bytes.fromhex(secret) not in f.read(), "nor on the disk")
        unknown = lab.status("ar1")["counters"]["bu-unknown-spi"]
        play.move(1)
        play.move(2)
        t.ok(wait_for(lambda: lab.status("ar1")["counters"]["bu-unknown-spi"] > unknown, 10.0),
             "what is signed with it counts for nothing", lab.status("ar1")["counters"])
        play.finish()


def test_configured(t):
    """keys in the configuration, and a pre-shared one"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        key, psk = secrets.token_hex(32), secrets.token_hex(32)
        block = f"key 300 {{ secret {key}; }}\nkeys {{ psk laptop {psk}; }}\n"
        start(lab, block, "linger 1s;\n" + block)
        lab.move(1)
        lab.attached(1)
        for box in ("mn", "ar1"):
            k = next(k for k in listed(lab, box) if k["from"] == "configuration")
            t.equal(k["spi"], 300, f"{box}: lists it")
            said = lab.log(box) + json.dumps(lab.status(box)) + json.dumps(listed(lab, box))
            t.ok(key not in said and psk not in said, f"{box}: says neither")
        for box, rest in (("mn", "linger 1s;\n"), ("ar1", "")):
            bad = f"{rest}key 300 {{ secret {key}x; }}\nkeys {{ psk laptop {psk}x; }}\n"
            lab.write(f"{box}.conf", bad)
            p = lab.ctl_raw(box, "reload")
            t.ok(p.returncode != 0 and "hexadecimal" in p.stderr, f"{box}: an error in it is told",
                 p.stderr)
            t.ok(key not in p.stderr and psk not in p.stderr and key not in lab.log(box) and
                 psk not in lab.log(box), f"{box}: without telling it", p.stderr)
            lab.write(f"{box}.conf", rest)
            lab.ctl(box, "reload")
            t.equal([k for k in listed(lab, box) if k["from"] == "configuration"], [],
                    f"{box}: taken out")
            t.equal(in_memory(lab, box, key), [], f"{box}: it is in no memory any more")
            t.equal(in_memory(lab, box, psk), [], f"{box}: nor is the pre-shared one")


tap.main(test_given, test_configured)
