# SPDX-License-Identifier: BSD-2-Clause
"""The laboratory of the handover benchmark: anchors behind a wire with a delay.

      cn
       │                                 cn: the correspondent, 2001:db8:c1::2
     core ─┬─ ar1 ┐
       │   ├─ ...  │  home agents         ar1..arN: where the flows begin
       │   └─ arN ┘
       ║ handover_wire                   the delay, one way
       ║
     edge ─┬─ ar9                        the two routers between which the mobile node moves
           └─ ar10
     air: a bridge for each router        mn: wlan0, wlan1

Every box is a network namespace, as in the laboratory of the tests (tests/lab/lab.py), which
this one is a kind of. A move: the carrier goes, the port joins another bridge, the carrier
comes back.
"""

import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "lab"))

# pylint: disable=wrong-import-position
from lab import CN, HA, POOL, Lab, LabError, Rtnl, mono, remove_stale, wait_for

VISITED = (9, 10)
INTERFACES = ("wlan0", "wlan1")
INDEX = {"wlan0": 52, "wlan1": 53}      # differ from their peers' (see lab.py)
PRIORITY = 10                           # of SCHED_FIFO


class Tool:
    """A program of the benchmark that takes orders on its standard input."""

    def __init__(self, net, box, name, *args):
        path = os.path.join(net.bindir, "tests", "bench", name)
        if not os.access(path, os.X_OK):
            raise LabError(f"{path} is not there; build it first (make check-programs)")
        where = ["ip", "netns", "exec", net.ns(box)] if box else []
        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        self.proc = subprocess.Popen([*where, path, *args], text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, preexec_fn=net._child_setup)
        self.name = name
        net.children[self.proc.pid] = name
        self.net = net
        self.answer("start")

    def answer(self, order):
        line = self.proc.stdout.readline()
        if not line.startswith("ok"):
            raise LabError(f"{self.name}: {order}: {line.strip() or 'it ended'}")
        return line[2:].strip()

    def order(self, text):
        try:
            self.proc.stdin.write(text + "\n")
            self.proc.stdin.flush()
        except BrokenPipeError as e:
            raise LabError(f"{self.name}: {text}: it has ended") from e
        return self.answer(text)

    def end(self):
        """Lets it end; what it has to write it writes now."""
        self.proc.stdin.close()
        self.proc.wait(20)
        self.net.children.pop(self.proc.pid, None)


class Net(Lab):
    def __init__(self, bindir, anchors, options):
        super().__init__(bindir, datapath=options.datapath)
        self.care_of_test = options.care_of_test
        self.anchors = range(1, anchors + 1)
        self.routers = (*self.anchors, *VISITED)
        self.realtime = options.realtime
        self.wire = None
        self.up = set()                 # interfaces of the MN that have a carrier

    def had_command(self, n, extra=()):
        self.write(f"ar{n}.conf", f"care-of-test {self.care_of_test};\n{self.key_text()}")
        return super().had_command(n, extra)

    def _child_setup(self):
        super()._child_setup()
        if self.realtime:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))

    # -- building --------------------------------------------------------------------------

    def build(self):
        remove_stale()
        n = self.ns
        boxes = ("core", "edge", "cn", "mn", "air", *(f"ar{i}" for i in self.routers))
        top = [f"netns add {n(b)}" for b in boxes]
        for i in self.routers:
            near = "edge" if i in VISITED else "core"
            top += [f"link add ar{i} netns {n(near)} type veth "
                    f"peer name core0 index 50 netns {n(f'ar{i}')}",
                    f"link add br{i} netns {n('air')} type bridge stp_state 0 "
                    f"mcast_snooping 0 forward_delay 0",
                    f"link add ar{i} netns {n('air')} type veth "
                    f"peer name acc0 index 51 netns {n(f'ar{i}')}"]
        top.append(f"link add cn netns {n('core')} type veth "
                   f"peer name core0 index 50 netns {n('cn')}")
        top += [f"link add {w} index {INDEX[w]} netns {n('mn')} type veth "
                f"peer name {w} netns {n('air')}" for w in INTERFACES]
        self.batch(None, top)
        self.wire = Tool(self, None, "handover_wire", self.nspath("core"), "wire0",
                         self.nspath("edge"), "wire0")
        for box in ("core", "edge", *(f"ar{i}" for i in self.routers)):
            self.sysctl(box, "net/ipv6/conf/all/forwarding", "1")
        self.sysctl("cn", "net/ipv6/conf/core0/accept_redirects", "0")
        for key in ("all", "default"):
            self.sysctl("air", f"net/ipv6/conf/{key}/disable_ipv6", "1")
        self._scenery()
        self._bridges()
        self.batch("mn", ["link set lo up", *(f"link set {w} up" for w in INTERFACES)])
        self.airnl = self.inside("air", Rtnl)
        self.mnnl = self.inside("mn", Rtnl)

        def forwarding():
            ports = json.loads(self.run("air", "bridge", "-j", "link").stdout or "[]")
            return sum(p.get("state") == "forwarding" for p in ports) == len(self.routers)
        if not wait_for(forwarding, 5.0, 0.02):
            raise LabError("the laboratory's bridges do not forward")

    def _scenery(self):
        """Fixed addresses and routes; and no foreign source address passes (BCP 38)."""
        core = ["link set lo up", "link set cn up", "addr add fe80::1/64 dev cn nodad",
                "addr add 2001:db8:c1::1/64 dev cn nodad", "link set wire0 up",
                "addr add fe80::1/64 dev wire0 nodad"]
        edge = ["link set lo up", "link set wire0 up", "addr add fe80::2/64 dev wire0 nodad",
                "route add default via fe80::1 dev wire0"]
        self.batch("cn", ["link set lo up", "link set core0 up",
                          "addr add fe80::2/64 dev core0 nodad",
                          f"addr add {CN[1]}/64 dev core0 nodad",
                          "route add default via fe80::1 dev core0"])
        for i in self.routers:
            lines = edge if i in VISITED else core
            lines += [f"link set ar{i} up", f"addr add fe80::1/64 dev ar{i} nodad",
                      f"addr add 2001:db8:0:{i:x}::1/64 dev ar{i} nodad",
                      f"route add {POOL[i]} via fe80::2 dev ar{i}",
                      f"rule add pref 100 iif ar{i} from {POOL[i]} lookup main",
                      f"rule add pref 101 iif ar{i} from 2001:db8:1::/48 blackhole"]
            if i in VISITED:
                core += [f"route add {POOL[i]} via fe80::2 dev wire0",
                         f"route add 2001:db8:0:{i:x}::/64 via fe80::2 dev wire0"]
            self.batch(f"ar{i}", ["link set lo up", "link set core0 up", "link set acc0 up",
                                  "addr add fe80::2/64 dev core0 nodad",
                                  f"addr add 2001:db8:0:{i:x}::2/64 dev core0 nodad",
                                  "route add default via fe80::1 dev core0"])
        self.batch("core", core)
        self.batch("edge", edge)

    def _bridges(self):
        self.batch("air", [x for i in self.routers for x in (
            f"link set ar{i} master br{i}", f"link set ar{i} up", f"link set br{i} up")])
        out = self.run("air", "ip", "-j", "link", "show").stdout
        self.links = {x["ifname"]: x["ifindex"] for x in json.loads(out)}

    def mnd_command(self, extra=()):
        # In order of preference: wlan0 takes over from wlan1 while both work.
        return super().mnd_command(("--interface", "wlan1", *extra))

    # -- moving ----------------------------------------------------------------------------

    def carrier_off(self, interface):
        """Takes the carrier away and waits until the MN's kernel has noticed; when it went."""
        at = mono()
        self.airnl.link(self.links[interface], up=False)
        wait_for(lambda: not self.mnnl.running(INDEX[interface]), 2.0, 0.0002)
        self.up.discard(interface)
        return at

    def carrier_on(self, interface, n):
        """Connects an interface with router n; when."""
        self.airnl.link(self.links[interface], master=self.links[f"br{n}"])
        at = mono()
        self.airnl.link(self.links[interface], up=True)
        self.up.add(interface)
        self.at = n
        return at

    def go(self, n, interface="wlan0"):
        """Break before make; (down, up)."""
        down = self.carrier_off(interface)
        return down, self.carrier_on(interface, n)

    # -- without the daemons: what the floor needs ------------------------------------------

    def home_address(self, i):
        return f"2001:db8:1:{i:x}01::5"

    def care_of(self, n):
        return f"2001:db8:1:{n:x}01::c"

    def start_floor(self):
        """Home agents and mobile node that do the least, and routers that know them."""
        self.run("mn", "sysctl", "-qw", "net.ipv6.conf.wlan0.accept_ra=0")
        self.batch("mn", ["addr add fe80::c/64 dev wlan0 nodad"])
        mac = self.mac()
        for n in VISITED:
            self.batch(f"ar{n}", [
                "addr add fe80::a/64 dev acc0 nodad",
                f"neigh replace fe80::c lladdr {mac} dev acc0 nud permanent",
                f"route add 2001:db8:1:{n:x}01::/64 via fe80::c dev acc0"])
        tools = []
        for i in self.anchors:
            self.batch(f"ar{i}", [f"addr add {HA[i]}/128 dev core0 nodad"])
            tools.append(Tool(self, f"ar{i}", "handover_floor", "ha", HA[i]))
        mn = Tool(self, "mn", "handover_floor", "mn")
        for i in self.anchors:
            mn.order(f"anchor {self.home_address(i)} {HA[i]}")
        return mn, tools
