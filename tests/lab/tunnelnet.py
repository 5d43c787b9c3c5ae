# SPDX-License-Identifier: BSD-2-Clause
"""A small network for tests of the tunnels alone, and the packets for it.

    cn ----- ha ----- core ----- mn        a data path backend on ha, held by dp_tool;
                                           mn is a packet socket: the test plays the MN

All links carry 1500 octets until a test says otherwise; core is an ordinary router.
"""

import os
import select
import signal
import socket
import struct
import subprocess
import zlib

import tap
from lab import LabError, libc, mono, remove_namespaces, setns, CLONE_NEWNET, PR_SET_PDEATHSIG
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw

CN, HA, COA = "2001:db8:c::2", "2001:db8:a::1", "2001:db8:e::2"
HOA, HOA2, STRANGER = "2001:db8:1::5", "2001:db8:1::6", "2001:db8:e::99"
# (box, device, address, box, device, address)
WIRES = (("ha", "hc", "2001:db8:c::1", "cn", "ch", CN),
         ("ha", "hk", "2001:db8:d::1", "core", "kh", "2001:db8:d::2"),
         ("core", "km", "2001:db8:e::1", "mn", "mk", COA))
WITHOUT_CORE = (WIRES[0], ("ha", "hk", "2001:db8:e::1", "mn", "mk", COA))
SO_RCVBUFFORCE = 33
WAIT = 3.0                      # a deadline, not a delay


class Wire:
    """One end of a link as a packet socket: whole Ethernet frames."""

    def __init__(self, net, box, dev):
        self.dev = dev
        self.sock = net.inside(box, socket.socket, socket.AF_PACKET, socket.SOCK_RAW,
                               socket.htons(0x86DD))
        self.sock.bind((dev, 0x86DD))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)

    def send(self, mac, packet):
        self.sock.send(bytes.fromhex(mac.replace(":", "")) + self.sock.getsockname()[4]
                       + b"\x86\xdd" + bytes(packet))

    def drain(self):
        while select.select([self.sock], [], [], 0)[0]:
            self.sock.recv(65536)

    def receive(self, want, timeout=WAIT):
        """The first arriving packet (scapy's IPv6) for which want() is true, or None."""
        end = mono() + timeout
        while True:
            left = max(0.0, end - mono())
            if not select.select([self.sock], [], [], left)[0]:
                return None
            data, where = self.sock.recvfrom(65536)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            try:
                packet = Ether(data)[IPv6]
            except (IndexError, ValueError):
                continue
            if want(packet):
                return packet


class Net:
    """backend None: plain forwarding."""

    def __init__(self, backend, wires=WIRES, mtu=1500, mss=0):
        self.backend = backend
        self.links = wires
        self.boxes = sorted({w[i] for w in wires for i in (0, 3)})
        self.mtu = mtu
        self.mss = mss
        self.id = f"dmip6lab{os.getpid()}"
        self.tools = {}
        self.macs = {}
        self.wires = []

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for tool in self.tools.values():
            tool.stdin.close()
            try:
                tool.wait(5)
            except subprocess.TimeoutExpired:
                tool.kill()
                tool.wait()
        for w in self.wires:
            w.sock.close()
        remove_namespaces(self.id + "-")
        return False

    def ns(self, box):
        return f"{self.id}-{box}"

    def sh(self, box, text, check=True):
        p = subprocess.run(["ip", "netns", "exec", self.ns(box), "sh", "-ec", text], text=True,
                           capture_output=True, check=False)
        if check and p.returncode:
            raise LabError(f"{box}: {text}: {p.stderr.strip()}")
        return p.stdout

    def inside(self, box, func, *args):
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(f"/run/netns/{self.ns(box)}")
            return func(*args)
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(home)

    def _build(self):
        for box in self.boxes:
            subprocess.run(["ip", "netns", "add", self.ns(box)], check=True)
            self.sh(box, "ip link set lo up; echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad; "
                    "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
        for a, dev_a, addr_a, b, dev_b, addr_b in self.links:
            self.sh(a, f"ip link add {dev_a} mtu {self.mtu} type veth peer name {dev_b} "
                    f"mtu {self.mtu} netns {self.ns(b)}")
            for box, dev, addr in ((a, dev_a, addr_a), (b, dev_b, addr_b)):
                self.sh(box, f"ip link set {dev} up; ip -6 addr add {addr}/64 dev {dev} nodad")
                self.macs[dev] = self.sh(box, f"cat /sys/class/net/{dev}/address").strip()
        # No packet is to wait for neighbour discovery.
        neigh = "ip -6 neigh replace {} lladdr {} dev {} nud permanent"
        for a, dev_a, addr_a, b, dev_b, addr_b in self.links:
            self.sh(a, neigh.format(addr_b, self.macs[dev_b], dev_a))
            self.sh(b, neigh.format(addr_a, self.macs[dev_a], dev_b))
        self.sh("ha", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        self.sh("cn", "ip -6 route add default via 2001:db8:c::1")
        self.sh("mn", "ip -6 route add default via 2001:db8:e::1; "
                      f"ip -6 addr add {STRANGER}/64 dev mk nodad")
        if "core" in self.boxes:
            self.sh("core", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
                            "ip -6 route add default via 2001:db8:d::1; "
                            + neigh.format(STRANGER, self.macs["mk"], "km"))
            self.sh("ha", "ip -6 route add 2001:db8:e::/64 via 2001:db8:d::2")
        if self.backend:
            self.hold("ha", "dmip6ha0", HA, str(self.mss))

    def hold(self, role, device, address, *more):
        """Opens the data path in the box of that role, with one end of tunnels."""
        def in_child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        program = os.path.join(tap.BINDIR, "tests/lab/dp_tool")
        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        self.tools[role] = subprocess.Popen(
            ["ip", "netns", "exec", self.ns(role), program, self.backend, role, device, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=in_child)
        self.answer(role)
        self.sh(role, f"ip -6 addr add {address}/128 dev {device} nodad")
        self.dp(f"endpoint {address}", role)

    def answer(self, role):
        line = self.tools[role].stdout.readline().strip()
        if not line or line.startswith("error"):
            raise LabError(f"data path {self.backend}: {line or 'ended'}")
        return line

    def dp(self, text, role="ha"):
        self.tools[role].stdin.write(text + "\n")
        self.tools[role].stdin.flush()
        return self.answer(role)

    def wire(self, box, dev):
        w = Wire(self, box, dev)
        self.wires.append(w)
        return w


def tunnel(inner, src=COA, dst=HA, **fields):
    """inner in an RFC 2473 header, from the MN by default."""
    return IPv6(src=src, dst=dst, nh=41, **fields) / inner


def size(n):
    """Payload for a packet of n octets with an IPv6 and a UDP header."""
    return struct.pack("!I", n) * ((n - 48) // 4) + b"x" * ((n - 48) % 4)


def fragments(packet, octets):
    """The packet in fragments, each with so many octets of it (a multiple of 8)."""
    whole = bytes(packet)
    parts = range(40, len(whole), octets)
    return [IPv6(src=packet.src, dst=packet.dst)
            / IPv6ExtHdrFragment(nh=whole[6], offset=(at - 40) // 8, m=int(at != parts[-1]),
                                 id=zlib.crc32(whole)) / Raw(whole[at:at + octets])
            for at in parts]


def ours(packet):
    """No Neighbour Discovery, no multicast listener report."""
    return packet.nh not in (0, 58)


def backends(t):
    """The data paths that work on this kernel."""
    found = []
    for name in ("seg6", "ip6tnl"):
        try:
            with Net(name):
                found.append(name)
        except LabError as e:
            t.note(f"not tested here: {e}")
    t.ok(found, "a data path works here")
    return found
