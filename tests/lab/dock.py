# SPDX-License-Identifier: BSD-2-Clause
"""A laptop and its dock: the laboratory's MN with a second interface, eth0, beside wlan0; and
traffic so dense that whatever is lost is seen.

    with Dock(bindir) as lab:
        lab.build()
        lab.join("wlan0", 1)
        blast = Blast(lab, rate=3000)
        lab.join("eth0", 2)
        lost = blast.finish()
"""

import errno
import json
import os
import select
import signal
import socket
import struct

from lab import CN, Lab, LabError, anchor_of, mono, wait_for

ETH0 = 53                       # ifindex of the MN's second interface
PORTS = {"wlan0": "mn", "eth0": "mn-eth"}       # their other ends, on the air
PORT = 7100
TICK = 0.001
SEQ = struct.Struct("!I")
CHUNK = bytes(500)
SO_RCVBUFFORCE = 33
TCP_INFO_RETRANS, TCP_INFO_DSACK = 100, 216     # offsets in struct tcp_info


class Dock(Lab):
    def __init__(self, *args, conf="", **kwargs):
        super().__init__(*args, **kwargs)
        self.interfaces = ()
        self.conf = conf

    def build(self):
        super().build()
        self.batch(None, [f"link add eth0 index {ETH0} netns {self.ns('mn')} type veth "
                          f"peer name {PORTS['eth0']} netns {self.ns('air')}"])
        self.batch("mn", ["link set eth0 up"])
        out = self.run("air", "ip", "-j", "link", "show").stdout
        self.links = {x["ifname"]: x["ifindex"] for x in json.loads(out)}
        self.configure(self.conf)

    def configure(self, text):
        """Writes mn.conf: the lines, a short linger and the key."""
        self.write("mn.conf", f"{text}\nlinger {self.linger};\n{self.key_text()}")

    def join(self, interface, n):
        """Brings the interface to access router n, and waits until the MN can use it there."""
        port = self.links[PORTS[interface]]
        self.airnl.link(port, up=False)
        self.airnl.link(port, master=self.links[f"br{n}"])
        self.airnl.link(port, up=True)
        self.joined(interface, n)

    def joined(self, interface, n):
        """Waits until the MN can use the interface at access router n."""
        def usable():
            i = self.interface(interface)
            return i and i["coa"] and i["router"] and anchor_of(i["coa"]) == n
        if wait_for(usable, 40.0, 0.005) is None:
            raise LabError(f"{interface} got no care-of address at AR{n}: "
                           f"{self.interface(interface)}; it has "
                           f"{self.run('mn', 'ip', '-6', '-o', 'addr').stdout}; "
                           f"the MN says: {self.log('mn')[-1500:]}; "
                           f"AR{n} says: {self.log(f'ar{n}')[-1500:]}, it has dropped "
                           f"{(self.status(f'ar{n}') or {}).get('counters')}")

    def leave(self, interface):
        self.airnl.link(self.links[PORTS[interface]], up=False)

    def interface(self, name):
        status = self.status("mn") or {"interfaces": []}
        return next((i for i in status["interfaces"] if i["interface"] == name), None)

    def anchor(self, hoa):
        status = self.status("mn") or {"anchors": []}
        return next((a for a in status["anchors"] if a["hoa"] == hoa), None)

    def carried_from(self, hoa, n, timeout=10.0):
        """Waits until the flows of hoa go over router n, directly or by a tunnel."""
        def there():
            a = self.anchor(hoa)
            if a is None:
                return False
            if anchor_of(hoa) == n and a["state"] == "attached":
                return True
            return a["state"] == "bound" and a["coa"] and anchor_of(a["coa"]) == n
        if wait_for(there, timeout, 0.005) is None:
            raise LabError(f"{hoa} is not carried over AR{n}: {self.anchor(hoa)}; the MN says: "
                           + self.log("mn")[-1500:])


# ---- traffic ------------------------------------------------------------------------------

class Side:
    """One end: sends numbered packets at a rate, notes which of the other's arrived."""

    def __init__(self, udp, tcp, rate):
        self.udp = udp
        self.tcp = tcp
        self.batch = max(1, round(rate * TICK))
        self.tick = self.batch / rate
        self.seq = 0
        self.got = bytearray()
        self.newest = -1
        self.log = {"duplicates": 0, "overtaken": 0, "refused": {}, "tcp_octets": 0,
                    "tcp_error": None}
        for s in (udp, tcp):
            s.setblocking(False)

    def send(self):
        for _ in range(self.batch):
            try:
                self.udp.send(SEQ.pack(self.seq) + bytes(60))
            except BlockingIOError:     # this machine is too slow for the rate
                break
            except OSError as e:        # the kernel did not take it: it is lost
                name = f"{errno.errorcode[e.errno]} at {self.seq}"
                self.log["refused"][name] = self.log["refused"].get(name, 0) + 1
            self.seq += 1
        try:
            self.tcp.send(CHUNK)
        except BlockingIOError:
            pass
        except OSError as e:
            self.log["tcp_error"] = str(e)

    def receive(self):
        while True:
            try:
                data = self.udp.recv(256)
            except OSError:
                break
            n = SEQ.unpack_from(data)[0]
            if n >= len(self.got):
                self.got.extend(bytes(n + 1 - len(self.got)))
            self.log["duplicates"] += self.got[n]
            self.log["overtaken"] += n < self.newest
            self.newest = max(self.newest, n)
            self.got[n] = 1
        try:
            self.log["tcp_octets"] += len(self.tcp.recv(65536))
        except BlockingIOError:
            pass
        except OSError as e:
            self.log["tcp_error"] = str(e)

    def run(self, stop):
        due = mono()
        while not stop.asked:
            now = mono()
            if now >= due:
                self.send()
                due += self.tick
                if now - due > 0.02:    # this process was not run: do not catch up
                    due = now
            self.receive()
            left = due - mono()
            if left > 0:
                select.select([self.udp, self.tcp], [], [], left)
        end = mono() + 0.5              # what is under way
        while mono() < end:
            self.receive()
            select.select([self.udp], [], [], 0.01)

    def write(self, path):
        info = self.tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        self.log["sent"] = self.seq
        self.log["missing"] = [n for n, x in enumerate(self.got) if not x]
        self.log["received"] = sum(self.got)
        for name, at in (("retransmitted", TCP_INFO_RETRANS), ("spurious", TCP_INFO_DSACK)):
            self.log[name] = struct.unpack_from("=I", info, at)[0] if len(info) >= at + 4 else 0
        with open(path, "w", encoding="ascii") as f:
            json.dump(self.log, f)


class Stop:
    def __init__(self):
        self.asked = False
        signal.signal(signal.SIGUSR1, self._ask)

    def _ask(self, _signum, _frame):
        self.asked = True


def sockets():
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    return udp, socket.socket(socket.AF_INET6, socket.SOCK_STREAM)


def correspondent(rate, path):
    stop = Stop()
    udp, listen = sockets()
    listen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for s in (udp, listen):
        s.bind(("::", PORT))
    listen.listen(1)
    tcp, peer = listen.accept()
    udp.connect((peer[0], PORT))
    side = Side(udp, tcp, rate)
    side.run(stop)
    side.write(path)


def mobile(cn, rate, path, told):
    stop = Stop()
    udp, tcp = sockets()
    udp.bind(("::", PORT))              # before the other end can send
    end = mono() + 10
    while tcp.connect_ex((CN[cn], PORT)):
        if mono() > end:
            raise LabError("no connection to the correspondent")
        tcp.close()
        tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        select.select([], [], [], 0.05)
    udp.connect((CN[cn], PORT))
    if udp.getsockname()[0] != tcp.getsockname()[0]:
        raise LabError("two sources for one correspondent")
    with open(told, "w", encoding="ascii") as f:
        f.write(tcp.getsockname()[0])
    side = Side(udp, tcp, rate)
    side.run(stop)
    side.write(path)


class Blast:
    """A UDP flow each way at `rate` packets a second, and a TCP connection, between the MN and
    a correspondent; begun on the address that the MN's kernel chooses."""
    number = 0

    def __init__(self, lab, rate, cn=1):
        Blast.number += 1
        self.lab = lab
        self.paths = [lab.path(f"blast{Blast.number}-{side}.json") for side in ("cn", "mn")]
        told = lab.path(f"blast{Blast.number}.source")
        self.pids = [lab.spawn("blast-cn", f"cn{cn}", correspondent, rate, self.paths[0]),
                     lab.spawn("blast-mn", "mn", mobile, cn, rate, self.paths[1], told)]
        if wait_for(lambda: os.path.exists(told) and os.path.getsize(told), 15.0) is None:
            raise LabError("the traffic did not begin")
        with open(told, encoding="ascii") as f:
            self.source = f.read()

    def finish(self):
        """What each side saw: (cn, mn). Both stop to send before either stops to read."""
        for pid in self.pids:
            os.kill(pid, signal.SIGUSR1)
        for pid in self.pids:
            self.lab.wait(pid, 20.0)
        out = []
        for path in self.paths:
            with open(path, encoding="ascii") as f:
                out.append(json.load(f))
        return out


def usable_rate(lab, rate):
    """The highest rate at which this machine loses nothing while nobody moves, and how many
    times slower it is than it should be: packets are then under way for longer."""
    while True:
        blast = Blast(lab, rate)
        began = mono()
        wait_for(lambda: False, 1.5)
        cn, mn = blast.finish()
        real = (cn["sent"] + mn["sent"]) / 2 / (mono() - began)
        if rate < 400 or (cn["received"] == mn["sent"] and mn["received"] == cn["sent"]):
            return rate, max(1.0, rate / max(1.0, real) / 2)
        rate //= 2


def faults(cn, mn, slow=1.0):
    """What is wrong, in words: nothing, if every packet arrived once. On a slow machine TCP
    takes what is late for lost."""
    out = []
    for name, here, there in (("up", mn, cn), ("down", cn, mn)):
        lost = here["sent"] - there["received"]
        if lost:
            out.append(f"{lost} of {here['sent']} packets lost {name}: {there['missing'][:40]}; "
                       f"the kernel said {list(here['refused'].items())[:8]}")
        if there["duplicates"]:
            out.append(f"{there['duplicates']} packets twice {name}")
        resent = here["retransmitted"] - here["spurious"]
        if resent > 0 and not there["overtaken"] and slow < 1.2:
            out.append(f"{resent} TCP segments sent again {name} because they were lost")
        if here["tcp_error"]:
            out.append(f"TCP {name}: {here['tcp_error']}")
    return out
