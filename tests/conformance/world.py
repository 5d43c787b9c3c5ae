# SPDX-License-Identifier: BSD-2-Clause
"""The home agent under test, and the world around it, which is us.

        home0  ┌────────────┐ cn0         correspondent nodes 2001:db8:c::/48
    ───────────┤ dmip6-had  ├───────────
     home link │   router   ├───────────
               └────────────┘ foreign0    networks that mobile nodes visit 2001:db8:f::/48

Each site is one such router with one configuration, in a network namespace of its own; the
other ends of its three links are in a second one. Nobody lives there: a raw socket on each
link hears every frame and sends those of all mobile nodes, correspondents, neighbours and
other home agents, which exist only as Python objects. Every test takes new mobile nodes, so
that tests do not meet although they share a daemon.

A test that wants to see that something does not happen sends a fence behind it: packets of
another mobile node, of each kind, that must be answered. What the daemon or the kernel had to
say about what came before the fence has then been said.
"""

import os
import signal
import socket

import packets as p
from scapy.layers.inet6 import ICMPv6NDOptPrefixInfo
from wire import PATIENCE, Silence, Wire, wait_for

LINKS = ("home", "cn", "foreign")
GATEWAY = {"cn": "02:00:00:00:00:c1", "foreign": "02:00:00:00:00:f1"}
CN = "2001:db8:c:1::9"
OTHER_CN = "2001:db8:c:2::9"
POOL = "2001:db8:1000::/48"                     # of per-host prefixes
POOL_HA = "2001:db8:1000::1"
SECOND_POOL, SECOND_HA = "2001:db8:1001::/48", "2001:db8:1001::1"
STRANGER = "2001:db8:f:666::66"                 # a node in a visited network
HOME_AGENT_PREFERENCE = 10
KEY = p.Key(256, "00112233445566778899aabbccddeeff" * 2)
SHA1_KEY = p.Key(3, "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "hmac-sha1-96")


class Site(Wire):
    """A router with a running dmip6-had, and everybody it can talk to."""

    def __init__(self, ground, name, configuration):
        self.ground, self.name = ground, name
        self.router, self.outside = self._build()
        super().__init__(ground, self.outside, LINKS)
        self.router_mac = ground.inside(self.router, self._macs)
        self.present = {}               # nodes on the home link: address -> link-layer address
        self.count = 0
        self.start_daemon(configuration)
        self.guard = self.node()        # the mobile node of the fence
        self.guard.register()

    def _build(self):
        """A router and the bare ends of its links, as two namespaces."""
        ground, router, outside = self.ground, f"{self.name}-ha", f"{self.name}-out"
        lines = [f"netns add {ground.ns(b)}" for b in (router, outside)]
        for i, link in enumerate(LINKS):
            mac = f" address {GATEWAY[link]}" if link in GATEWAY else ""
            lines.append(f"link add {link}0 index {50 + i} netns {ground.ns(router)} type veth "
                         f"peer name {link} index {60 + i}{mac} netns {ground.ns(outside)}")
        ground.batch(None, lines)
        for key, value in (("conf/all/disable_ipv6", "1"), ("conf/default/disable_ipv6", "1")):
            ground.sysctl(outside, f"net/ipv6/{key}", value)
        # The scenery has its addresses at once; errors are not rationed among the tests.
        for key, value in (("conf/all/forwarding", "1"), ("conf/home0/accept_dad", "0"),
                           ("conf/cn0/accept_dad", "0"), ("conf/foreign0/accept_dad", "0"),
                           ("icmp/ratelimit", "0")):
            ground.sysctl(router, f"net/ipv6/{key}", value)
        ground.batch(outside, [f"link set {link} up" for link in LINKS])
        ground.batch(router, [
            "link set lo up", *(f"link set {link}0 up" for link in LINKS),
            "addr add 2001:db8:c::2/64 dev cn0 nodad",
            "addr add 2001:db8:f::2/64 dev foreign0 nodad",
            *(f"neigh add fe80::1 lladdr {GATEWAY[x]} dev {x}0 nud permanent" for x in GATEWAY),
            "route add 2001:db8:f::/48 via fe80::1 dev foreign0",
            "route add default via fe80::1 dev cn0"])
        return router, outside

    def start_daemon(self, configuration):
        ground, box = self.ground, self.router
        conf = ground.write(f"{box}.conf", configuration)
        os.makedirs(ground.path(f"{box}.state"), exist_ok=True)
        ground.popen(box, box, [ground.bin("dmip6-had"), "--config", conf, "--state-dir",
                                ground.path(f"{box}.state"), "--control", ground.sock(box)])
        ground.wait_ready(box, 30)

    @staticmethod
    def _macs():
        out = {}
        for link in LINKS:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind((f"{link}0", 0))
                out[link] = s.getsockname()[4].hex(":")
        return out

    @property
    def router_link_local(self):
        """The router's link-local address on the home link, by EUI-64."""
        m = p.mac_octets(self.router_mac["home"])
        return p.ntop(b"\xfe\x80" + bytes(6) + bytes([m[0] ^ 2]) + m[1:3] + b"\xff\xfe" + m[3:])

    def restart(self, configuration):
        """The daemon is stopped, and started with another configuration."""
        self.ground.kill(self.router, signal.SIGTERM)
        self.start_daemon(configuration)

    def change_guard(self, ha):
        """The mobile node of the fence is another one, of this home agent address."""
        self.ha = ha
        self.guard = self.node()
        self.guard.register()

    # -- hearing and speaking ------------------------------------------------------------------

    def alive(self):
        return self.ground.procs[self.router].poll() is None

    def heard(self, frame):
        """Nodes on the home link answer when they are asked for."""
        if frame.link != "home" or not p.is_ns()(frame) or frame.src == p.UNSPECIFIED:
            return
        mac = self.present.get(p.target_of(frame))
        if mac:
            self.send("home", p.neighbour_advertisement(
                p.target_of(frame), p.target_of(frame), mac, frame.src, 0x60000000), mac)

    def send(self, link, packet, mac=None, to=None):
        """Puts a whole IPv6 packet on a link. mac: of the sender; to: the receiver's, the
        router's if not given."""
        dst = p.ntop(packet[24:40])
        if to is None:
            to = p.multicast_mac(dst) if packet[24] == 0xFF else self.router_mac[link]
        mac = mac or GATEWAY.get(link, "02:00:00:00:00:99")
        self.put(link, packet, mac, to)

    def fence(self):
        """Returns when what was sent before must have been dealt with."""
        g = self.guard
        g.register()
        g.is_reached()
        g.speaks()
        self.settle()

    # -- who is there --------------------------------------------------------------------------

    def number(self):
        self.count += 1
        return self.count

    def node(self, **o):
        """A new mobile node of this home agent, away from home, not registered yet."""
        raise NotImplementedError

    def settle(self):
        """Returns when neighbour discovery that was sent before has been dealt with."""
        raise NotImplementedError

    def attach(self, node):
        """The node comes to the home link."""
        raise NotImplementedError

    def solicit(self, mac, link_local):
        self.send("home", p.router_solicitation(link_local, mac), mac)
        return self.expect(lambda f: p.is_icmp6(134)(f) and f.mac == mac, "home",
                           what="a Router Advertisement").ip


class HostSite(Site):
    """Every host has a prefix of its own (RFC 8273)."""

    ha = POOL_HA
    prefixes = 1                # so many for each host
    anycast = "2001:db8:1000:0:fdff:ffff:ffff:fffe"     # RFC 2526: interface identifier 126

    @staticmethod
    def mac_of(n):
        return f"02:01:00:00:{n >> 8:02x}:{n & 255:02x}"

    def node(self, **o):
        n = self.number()
        mac = self.mac_of(n)
        link_local = f"fe80::200:{n:x}"
        ra = self.solicit(mac, link_local)
        prefixes = [x.prefix for x in options_of(ra, ICMPv6NDOptPrefixInfo) if x.A]
        assert len(prefixes) == self.prefixes, "so many prefixes for addresses are advertised"
        hoas = [p.ntop(p.pton(x)[:8] + p.interface_id(link_local)) for x in prefixes]
        return Node(self, mac, hoas[0], n, others=hoas[1:], **o)

    def settle(self):
        """By a newcomer, who asks for an advertisement and gets it."""
        n = self.number()
        self.solicit(f"02:0c:00:00:{n >> 8:02x}:{n & 255:02x}", f"fe80::c:{n:x}")

    def attach(self, node):
        """It asks for an advertisement, too."""
        self.solicit(node.mac, f"fe80::1ff:{node.number:x}")


class SmallSite(HostSite):
    capacity = 3                                # and the fence's


class SharedSite(Site):
    """One prefix for all hosts of the home link. The first registration of an address takes
    a second, for duplicate address detection."""

    ha = "2001:db8:2000::1"
    anycast = "2001:db8:2000:0:fdff:ffff:ffff:fffe"

    def __init__(self, *args):
        self.stock = {}         # registered mobile nodes to be had, by their flags
        super().__init__(*args)

    def node(self, **o):
        n = self.number()
        return Node(self, HostSite.mac_of(n), f"2001:db8:2000::200:{n:x}", n, **o)

    def take_stock(self, flags):
        """A registered node with these flags; several are registered whenever none is left."""
        if not self.stock.get(flags):
            nodes = [self.node(flags=flags) for _ in range(8)]
            for node in nodes:
                node.send(node.update())
            for node in nodes:
                assert node.ack().status == 0
            self.stock[flags] = nodes
        return self.stock[flags].pop()

    def neighbour(self):
        """(address, link-layer address) of a node on the home link, which answers for it."""
        n = self.number()
        mac, address = f"02:0b:00:00:{n >> 8:02x}:{n & 255:02x}", f"fe80::b:{n:x}"
        self.present[address] = mac
        return address, mac

    def attach(self, node):
        """It is no business of the home agent's who is on the link."""

    def settle(self):
        """By a neighbour, who asks for the fence's mobile node and gets an answer."""
        src, mac = self.neighbour()
        self.send("home", p.neighbour_solicitation(src, self.guard.hoa, mac), mac)
        self.expect(lambda f: p.is_na(self.guard.hoa)(f) and f.dst == src, "home",
                    what="a Neighbour Advertisement for the fence's mobile node")


class TwoSite(HostSite):
    """Two home prefixes on one link."""
    prefixes = 2
    second_ha = SECOND_HA


class LinksSite(HostSite):
    """Home links on two interfaces, one of which is where correspondents are."""
    other_ha = SECOND_HA
    other_anycast = "2001:db8:1001:0:fdff:ffff:ffff:fffe"


class OwnedSite(HostSite):
    """A key for each of its first mobile nodes."""

    @staticmethod
    def key_of(n):
        return p.Key(300 + n, f"{n:02x}" * 32)

    def node(self, **o):
        return super().node(**{"key": self.key_of(self.count + 1), **o})


def options_of(message, kind):
    """All options of one kind in a Neighbour Discovery message that scapy has read."""
    out, i = [], 1
    while message.getlayer(kind, i) is not None:
        out.append(message.getlayer(kind, i))
        i += 1
    return out


class Node:
    """A mobile node. It is where its care-of address is; its home address is known."""

    def __init__(self, site, mac, hoa, number, **o):
        self.site, self.mac, self.hoa, self.number = site, mac, hoa, number
        self.ha = site.ha
        self.key = o.get("key", KEY)          # None: it has none
        self.flags = o.get("flags", p.A | p.H)
        self.seq = o.get("seq", 14)
        self.idents = 0
        self.others = o.get("others", [])       # more home addresses that it could have
        self.coa = self.visit(1)

    def visit(self, network):
        """Its address in that visited network (1, 2, ...)."""
        return f"2001:db8:f:{network:x}::{self.number:x}"

    def move(self, network):
        self.coa = self.visit(network)
        return self.coa

    def go_home(self):
        """It is on the home link now, and answers there."""
        self.coa = self.hoa
        self.site.present[self.hoa] = self.mac
        self.site.present[p.link_local(self.hoa)] = self.mac
        self.site.attach(self)

    @property
    def at_home(self):
        return self.coa == self.hoa

    # -- registration --------------------------------------------------------------------------

    def update(self, **o):
        """A Binding Update of this node as it is now; o overrides, see packets."""
        if "seq" not in o:
            self.seq = (self.seq + 1) & 0xFFFF
        o = {"flags": self.flags, **o}
        return p.binding_update(o.pop("hoa", self.hoa), o.pop("ha", self.ha),
                                o.pop("coa", self.coa), o.pop("seq", self.seq),
                                o.pop("key", self.key), **o)

    def send(self, packet):
        """From where it is."""
        if self.at_home:
            self.site.send("home", packet, self.mac)
        else:
            self.site.send("foreign", packet)

    def is_mine(self, frame):
        return p.is_mh(p.BA)(frame) and self.hoa in (p.Ack(frame).routing, frame.dst)

    def ack(self, within=PATIENCE):
        return p.Ack(self.site.expect(self.is_mine, within=within,
                                      what="a Binding Acknowledgement"))

    def ask(self, within=PATIENCE, **o):
        """Sends an update and returns the acknowledgement, whatever it says."""
        self.send(self.update(**o))
        return self.ack(within)

    def register(self, **o):
        """The same; it must be accepted. How it was looked for on the home link is over."""
        ack = self.ask(**o)
        assert ack.status < 128, ack
        while self.site.take(p.is_ns(self.hoa)):
            pass
        return ack

    def release(self, **o):
        return self.register(lifetime=0, **o)

    def no_ack(self):
        """Its update is not answered, nor is there anything done that could lead to that."""
        self.site.nothing(lambda f: self.is_mine(f) or p.is_ns(self.hoa)(f),
                          what="a Binding Acknowledgement, or a Neighbour Solicitation for it,")

    # -- data ----------------------------------------------------------------------------------

    def ident(self):
        self.idents += 1
        return (self.number << 6 | self.idents & 63) & 0xFFFF

    def is_reached(self, coa=None, src=CN, link="cn"):
        """What is sent to the home address comes to the care-of address, by the tunnel."""
        ident, coa = self.ident(), coa or self.coa
        self.site.send(link, p.echo(src, self.hoa, ident))
        f = self.site.expect(p.is_tunnelled(coa, self.hoa, ident), "foreign",
                             what=f"a tunnelled packet to {coa}")
        assert f.src == self.ha, "the outer source is the home agent's address"
        return f

    def speaks(self, coa=None, dst=CN):
        """What it sends by the tunnel comes to the correspondent node without the tunnel."""
        ident = self.ident()
        self.site.send("foreign", p.tunnelled(coa or self.coa, self.ha,
                                              p.echo(self.hoa, dst, ident)))
        return self.site.expect(p.is_echo(self.hoa, dst, ident), "cn",
                                what="a packet from the tunnel")

    def holds(self, coa):
        """Its binding is to this care-of address, in both directions."""
        self.is_reached(coa)
        self.speaks(coa)

    def is_unbound(self):
        """There is no binding: nothing goes into the tunnel or comes out of it."""
        ident = self.ident()
        self.site.send("cn", p.echo(CN, self.hoa, ident))
        for coa in {self.coa, self.visit(1), self.visit(2)} - {self.hoa}:
            self.site.send("foreign", p.tunnelled(coa, self.ha,
                                                  p.echo(self.hoa, CN, ident)))
        self.site.nothing(lambda f: p.is_tunnelled(None, self.hoa, ident)(f)
                          or p.is_echo(self.hoa, CN, ident)(f),
                          what="a packet of a mobile node without a binding")

    def does_not_speak(self, coa=None, hoa=None):
        ident = self.ident()
        self.site.send("foreign", p.tunnelled(coa or self.coa, self.ha,
                                              p.echo(hoa or self.hoa, CN, ident)))
        self.site.nothing(p.is_echo(None, CN, ident), what="a packet from the tunnel")


# ---- the sites -------------------------------------------------------------------------------

REAL = "shared"         # where items ask for a real home link
VIRTUAL = "host"        # and for a virtual one


def configuration(*prefixes):
    """One of a home link with these prefixes, by default the pool.

    By default the daemon takes late packets, which RFC 6275 10.4.5 does not know.
    """
    return "late-packets no;\n" + KEY.configuration() + SHA1_KEY.configuration() \
        + f"interface home0 {{ {' '.join(prefixes) or f'prefix {POOL};'} }}\n"


def site(kind, *parts, prefixes=()):
    return lambda ground, name: kind(ground, name, configuration(*prefixes) + "".join(parts))


SHARED = ["prefix 2001:db8:2000::/64 { mode shared; }"]
PREFERENCE = f"home-agent-preference {HOME_AGENT_PREFERENCE};\n"
SOON = "mobile-prefix-interval 1s 2s;\n"       # unsolicited Mobile Prefix Advertisements
SHORT = "prefix-lifetime 60s;\nbinding-lifetime 60s;\n"

SITES = {
    # Prefixes of their own; lifetimes long enough to be no matter.
    "host": site(HostSite, PREFERENCE),
    # One prefix for all.
    "shared": site(SharedSite, PREFERENCE, prefixes=SHARED),
    "two": site(TwoSite, prefixes=[f"prefix {POOL};", f"prefix {SECOND_POOL};"]),
    "links": site(LinksSite, f"interface cn0 {{ prefix {SECOND_POOL}; }}\n"),
    # Anybody may register.
    "open": site(HostSite, prefixes=[
        f"prefix {POOL} {{ unauthenticated-registration insecure-allow; }}"]),
    "news": site(HostSite, SOON),
    "quiet": site(HostSite, "mobile-prefix-advertisements no;\n"),
    # Time for bindings to end when it is stopped.
    "drain": site(SharedSite, "drain 20m;\n", prefixes=SHARED),
    # Room for four bindings.
    "small": site(SmallSite, "max-bindings 4;\n"),
    # Each of the first mobile nodes has a key of its own.
    "owned": site(OwnedSite, *(OwnedSite.key_of(i).configuration(f"mn {HostSite.mac_of(i)};")
                               for i in range(1, 6))),
    # Another one, to exhaust the rates of.
    "flood": site(HostSite),
    # Advertisements as fast as movement detection wants them; without that option.
    "fast": site(HostSite, "ra-interval 100ms;\n"),
    "untold": site(HostSite, "ra-interval 1s;\nra-interval-option no;\n"),
    # Prefixes that end soon.
    "brief": site(HostSite, SHORT),
}
