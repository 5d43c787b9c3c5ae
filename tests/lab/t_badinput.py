#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad input: each is counted or told with its reason; nothing is changed, nothing is lost."""

import hashlib
import os
import secrets
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import ARS, CN, HA, POOL, Lab, mono, wait_for
from play import Play

OTHER_MAC = "02:00:00:00:00:99"


class Stranger:
    """Sends forged packets from CN2 to AR1's home agent and looks at what follows."""

    def __init__(self, t, lab, other_secret):
        self.t, self.lab = t, lab
        self.other = other_secret
        self.listener = lab.inside("cn2", forge.Listener, "core0")
        self.seq = 0

    def state(self):
        s = self.lab.status("ar1")
        k = self.lab.kernel_state("ar1")
        return ([(b["hoa"], b["coa"], b["sequence"]) for b in s["bindings"]],
                [(x["prefix"], x["mn"]) for x in s["leases"]],
                [r for r in k["routes"] if "encap" in r or "nhid" in r], k["rules"],
                k["nexthops"])

    def counters(self):
        return self.lab.status("ar1")["counters"]

    def send(self, name, packet, counter, statuses=(), box="cn2"):
        """counter must move, the state must not; statuses: of the acknowledgements wanted."""
        t = self.t
        before, count = self.state(), self.counters()
        self.listener.answers(HA[1])
        self.lab.inside(box, forge.send_routed, packet)
        moved = wait_for(lambda: self.counters().get(counter, 0) > count.get(counter, 0), 2.0)
        changed = {k: v - count.get(k, 0) for k, v in self.counters().items()
                   if v != count.get(k, 0)}
        t.ok(moved, f"{name}: counted as {counter}", changed)
        t.equal(self.state(), before, f"{name}: nothing is changed")
        if box == "cn2":
            got = [status_of(p) for p in self.listener.answers(HA[1])]
            t.equal(got, list(statuses), f"{name}: answered with {list(statuses) or 'nothing'}")


def status_of(packet):
    """The status of a Binding Acknowledgement, or a word for what else it is."""
    at, nh = 40, packet[6]
    while nh in (43, 60):
        nh, at = packet[at], at + (packet[at + 1] + 1) * 8
    if nh == forge.MH and packet[at + 2] == 6:
        return packet[at + 6]
    if nh == forge.MH and packet[at + 2] == 7:
        return f"Binding Error {packet[at + 6]}"
    return f"next header {nh}, type {packet[at]}"


def test_binding_updates(t):
    """Binding Updates that must not be obeyed"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        other = secrets.token_hex(32)
        key = "key {} {{ algorithm hmac-sha-256-128; secret {}; mn {}; }}\n"
        lab.write("ar1.conf", key.format(256, lab.secret, lab.mac())
                  + key.format(257, other, OTHER_MAC))
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        hoa = play.begin(1)["source"]
        play.run_for(0.3)
        road = lab.inside("core", forge.Listener, "ar2")
        play.move(2)
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 5.0), "the MN itself is accepted")
        play.run_for(0.3)
        heard = road.binding_updates(HA[1])
        stranger = Stranger(t, lab, other)
        binding_updates(t, lab, stranger, hoa)
        replay(t, lab, stranger, heard)
        cut(t, lab, hoa)
        play.run_for(0.3)
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow did not suffer from all this")
        last = run.mobile[1]["udp_received"][-1][1]
        t.ok(run.span(1)[1] - last < 0.2, "and packets came to its end")
        for box in ("ar1", "ar2", "ar3", "mn"):
            t.equal(lab.procs[box].poll(), None, f"the daemon of {box} still runs")


def binding_updates(t, lab, s, hoa):
    me, ha, wrong = CN[2], HA[1], secrets.token_hex(32)
    good = lab.secret
    elsewhere = str(POOL[2][0x2_0000_0000_0000_0007])
    never = str(POOL[1][0x77_0000_0000_0000_0001])
    seq = lab.status("ar1")["bindings"][0]["sequence"]
    newer = (seq + 100) & 0xFFFF
    t.note(f"the MN's home address {hoa}, its sequence number {seq}")
    s.send("wrong key", forge.bu(hoa, ha, me, newer, wrong), "bu-bad-authentication")
    s.send("unknown SPI", forge.bu(hoa, ha, me, newer, good, spi=999), "bu-unknown-spi")
    s.send("no authentication", forge.bu(hoa, ha, me, newer, good, tail=b"\1\5" + bytes(5)),
           "bu-no-authentication")
    s.send("another MN's key", forge.bu(hoa, ha, me, newer, s.other, spi=257),
           "bu-other-mobile-node", (133,))
    s.send("old sequence number", forge.bu(hoa, ha, me, seq, good), "bu-sequence", (135,))
    s.send("prefix of another home agent", forge.bu(elsewhere, ha, me, 1, good),
           "bu-not-home-subnet", (132,))
    s.send("prefix never given out", forge.bu(never, ha, me, 1, good), "bu-not-allocated",
           (132,))
    s.send("release of what was never bound",
           forge.bu(never, ha, me, 1, good, lifetime=0), "bu-no-binding", (133,))
    s.send("wrong checksum", forge.bu(hoa, ha, me, newer, good, bad_cksum=True),
           "drop-mh-checksum")
    s.send("unroutable care-of address", forge.bu(hoa, ha, "fe80::1", newer, good, source=me),
           "bu-care-of-unroutable")
    s.send("no time stamp that is right", forge.bu(hoa, ha, me, newer, good, timestamp=1),
           "bu-timestamp", (144,))
    s.send("none to a home agent, with nonces",
           forge.bu(never, ha, me, 1, good, flags=forge.BU_A, nonces=True), "bu-nonces", (138,))
    s.send("Home Address option without a binding", forge.with_hao(hoa, ha, me),
           "home-address-unbound", ("Binding Error 1",))
    s.send("oversized option", forge.bu(hoa, ha, me, newer, good, tail=b"\x09\xff" + bytes(21)),
           "drop-mh-option")
    s.send("option of one octet only", forge.bu(hoa, ha, me, newer, good,
                                                tail=bytes(6) + b"\x09"), "drop-mh-option")


def replay(t, lab, s, heard):
    """The MN's own Binding Update, heard on the road, once more: octet by octet the same."""
    if not t.ok(heard, "the MN's Binding Update was heard on the road"):
        return
    was = lab.status("ar1")["bindings"][0]["coa"]
    s.send("replayed Binding Update", heard[-1], "bu-sequence", box="ar2")
    s.send("replayed from elsewhere", heard[-1], "bu-sequence", box="cn1")
    t.equal(lab.status("ar1")["bindings"][0]["coa"], was, "the binding stays where it was")


def cut(t, lab, hoa):
    """A Binding Update cut at every octet, with and without a fitting payload length."""
    whole = forge.bu(hoa, HA[1], CN[2], 9999, secrets.token_hex(32))
    before = [(b["hoa"], b["coa"]) for b in lab.status("ar1")["bindings"]]
    count = sum(lab.status("ar1")["counters"].values())

    def send_all():
        for n in range(40, len(whole)):
            part = bytearray(whole[:n])
            part[4:6] = (n - 40).to_bytes(2, "big")
            forge.send_routed(bytes(part))
    lab.inside("cn2", send_all)
    wait_for(lambda: sum(lab.status("ar1")["counters"].values()) > count + 10, 2.0)
    t.ok(sum(lab.status("ar1")["counters"].values()) > count, "a packet cut everywhere is counted")
    t.equal([(b["hoa"], b["coa"]) for b in lab.status("ar1")["bindings"]], before,
            "a packet cut everywhere changes nothing")


def test_ring(t):
    """two home agents whose bindings lead to each other"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        hoa = {}
        for n in (1, 2):
            lab.move(n)
            lab.attached(n)
            lease = next(x for x in lab.status(f"ar{n}")["leases"] if x["attached"])
            hoa[n] = lease["prefix"].replace("::/64", "::77")
        lab.kill("mn")
        # Each home address is the other's care-of address. Neither home agent can know.
        for n in (1, 2):
            lab.inside("cn2", forge.send_routed,
                       forge.bu(hoa[n], HA[n], hoa[3 - n], 5, lab.secret, source=CN[2]))
            t.ok(wait_for(lambda n=n: [b for b in lab.status(f"ar{n}")["bindings"]
                                       if b["hoa"] == hoa[n]], 2.0), f"AR{n} has its half")
        road = lab.inside("core", forge.Listener, "ar2")
        lab.inside("cn1", forge.send_routed, forge.udp(CN[1], hoa[1]))
        t.ok(wait_for(lambda: sum(lab.status(f"ar{n}")["counters"]["data-path-drops"]
                                  for n in (1, 2)), 2.0), "a packet that came back is counted")
        passed = road.tunnelled()
        t.ok(0 < passed <= 3, "and it went round once", passed)
        count = lab.status("ar1")["counters"]
        time.sleep(0.5)
        t.equal(lab.status("ar1")["counters"], count, "nothing goes on")


def test_advertisement(t):
    """a Router Advertisement that came through a router"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        lab.move(1)
        lab.attached(1)
        before = lab.status("mn")
        packet = forge.ra("fe80::bad", "2001:db8:bad::", "2001:db8:bad::1", 64)
        lab.inside("ar1", forge.send_link, "acc0", packet)
        count = before["counters"]["ra-hop-limit"]
        t.ok(wait_for(lambda: lab.status("mn")["counters"]["ra-hop-limit"] > count, 2.0),
             "hop limit 64: counted as ra-hop-limit", lab.status("mn")["counters"])
        after = lab.status("mn")
        for k in ("attachments", "anchors"):
            t.equal([(x.get("ha"), x.get("coa"), x.get("hoa")) for x in after[k]],
                    [(x.get("ha"), x.get("coa"), x.get("hoa")) for x in before[k]],
                    f"hop limit 64: the {k} stay")


# ---- what the person at the machine may do wrong -------------------------------------------

def refused(t, lab, name, box, cmd, *parts):
    p = lab.run(box, *cmd, timeout=10)
    t.ok(p.returncode not in (0, 124) and p.returncode > 0, f"{name}: refused", p.returncode)
    for part in parts:
        t.contains(p.stderr, part, f"{name}: the message says {part!r}")
    t.ok(len(p.stderr.strip().splitlines()) <= 8, f"{name}: and is short", p.stderr)


def test_configuration(t):
    """a configuration with three errors; an interface that is not there"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        had = lab.write("three.conf", "mtu 12;\nprefx 2001:db8::/56;\n"
                        "key 256 { secret zz; }\n")
        mnd = lab.write("three-mn.conf", "linger 5;\nmax-anchrs 8;\nkey 5 { secret 00; }\n")
        for box, program, conf in (("ar1", "dmip6-had", had), ("mn", "dmip6-mnd", mnd)):
            cmd = [lab.bin(program), "--config", conf, "--check-config"]
            if program == "dmip6-had":
                cmd += ["--interface", "acc0", "--prefix", str(POOL[1])]
            refused(t, lab, f"{program}: three errors", box, cmd,
                    f"{conf}:1:", f"{conf}:2:", f"{conf}:3:", "expected")
        gone = lab.path("nowhere.conf")
        refused(t, lab, "a file that is not there", "mn",
                [lab.bin("dmip6-mnd"), "--config", gone], gone)
        cmd = lab.had_command(1)
        cmd[cmd.index("acc0")] = "nosuch0"
        refused(t, lab, "dmip6-had: unknown interface", "ar1", cmd, "nosuch0")
        cmd = lab.mnd_command()
        cmd[cmd.index("wlan0")] = "nosuch0"
        refused(t, lab, "dmip6-mnd: unknown interface", "mn", cmd, "nosuch0")


def test_interface(t):
    """an interface of the configuration that comes later, and goes again"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", "interface acc0;\ninterface late0;\n"
                  f"prefix {POOL[1]};\n{lab.key_text()}")
        cmd = lab.had_command(1)
        del cmd[1:5]                    # --interface acc0 --prefix
        lab.popen("ar1", "ar1", cmd)
        lab.wait_ready("ar1")

        def health():
            return lab.status("ar1")["health"]["text"]

        def missing():
            return "there is no interface late0" in health()

        t.ok(wait_for(missing, 10.0), "the status says what is missing", health())
        lab.run("ar1", "ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
        for name in ("late0", "late1"):
            lab.run("ar1", "ip", "link", "set", name, "up")
        t.ok(wait_for(lambda: lab.status("ar1")["health"]["ok"], 10.0), "it comes and is served",
             health())
        lab.run("ar1", "ip", "link", "del", "late0")
        t.ok(wait_for(missing, 5.0), "it goes and the status says so", health())


def test_second_daemon(t):
    """a second daemon on the same socket"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        for box, cmd in (("ar1", lab.had_command(1)), ("mn", lab.mnd_command())):
            before = lab.kernel_state(box)
            refused(t, lab, f"a second one on {box}", box, cmd, "runs here already; expected")
            t.ok(lab.status(box), f"the first one on {box} still answers")
            after = lab.kernel_state(box)
            for kind in ("rules", "filter", "nexthops", "links"):
                t.equal(after[kind], before[kind], f"and {box}'s {kind} are untouched")


def test_privileges(t):
    """no privileges"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        drop = ["setpriv", "--bounding-set=-net_admin,-net_raw",
                "--inh-caps=-net_admin,-net_raw"]
        for box, cmd in (("ar1", lab.had_command(1)), ("mn", lab.mnd_command())):
            refused(t, lab, f"the daemon of {box} without CAP_NET_ADMIN", box, drop + cmd,
                    "CAP_NET_")


def digest(folder):
    out = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            out[name] = hashlib.sha256(f.read()).hexdigest()
    return out


def test_database(t):
    """a state database that is read-only, or damaged"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_mnd()
        lab.move(1)
        lab.attached(1)
        given = [(x["prefix"], x["mn"]) for x in lab.status("ar1")["leases"]]
        t.equal(lab.kill("ar1", 15), 0, "it was stopped")
        state = lab.path("ar1.state")
        kept = digest(state)
        cmd = lab.had_command(1)
        ro = f"mount --bind {state} {state} && mount -o remount,ro,bind {state} && exec \"$@\""
        refused(t, lab, "read-only", "ar1", ["sh", "-c", ro, "sh", *cmd], state)
        t.equal(digest(state), kept, "read-only: the files are what they were")

        db = [f for f in kept if f.endswith(".db")][0]
        with open(os.path.join(state, db), "rb") as f:
            saved = f.read()
        for name, text in (("overwritten", b"no database at all\n" * 50),
                           ("cut", saved[:len(saved) // 2]),
                           ("holed", saved[:1024] + bytes(3072) + saved[4096:])):
            with open(os.path.join(state, db), "wb") as f:
                f.write(text)
            damaged = digest(state)[db]
            refused(t, lab, name, "ar1", cmd, db)
            t.equal(digest(state)[db], damaged, f"{name}: the file is left for a look at it")
        with open(os.path.join(state, db), "wb") as f:
            f.write(saved)
        lab.start_had(1)
        t.equal([(x["prefix"], x["mn"]) for x in lab.status("ar1")["leases"]], given,
                "with the good file back, the leases are back")


def test_mn_state(t):
    """the MN's state damaged: it starts, says so, and keeps the bad file"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        os.makedirs(lab.path("mn.state"))
        lab.write("mn.state/anchors.json", '{"schema":1,"anchors":[{"hoa":')
        start = mono()
        lab.start_mnd()
        t.note(f"ready after {mono() - start:.2f} s")
        t.contains(lab.log("mn"), "anchors.json", "its log names the file")
        t.ok(len(os.listdir(lab.path("mn.state"))) >= 1
             and any(b'"hoa":' in open(os.path.join(lab.path("mn.state"), n), "rb").read()
                     for n in os.listdir(lab.path("mn.state"))), "the bad file is kept")
        lab.move(1)
        t.ok(lab.attached(1), "and it attaches")


if __name__ == "__main__":
    tap.main(test_binding_updates, test_ring, test_advertisement, test_configuration, test_interface,
             test_second_daemon, test_privileges, test_database, test_mn_state)
