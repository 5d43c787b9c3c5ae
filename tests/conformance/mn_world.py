# SPDX-License-Identifier: BSD-2-Clause
"""The mobile node under test, and the world around it, which is us.

               ┌────────────┐ wlan
               │ dmip6-mnd  ├────────  where an access router is, or none: AccessRouter
               │   host     ├────────
               └────────────┘ dock     for some tests: a second interface

Each test has a host of its own with a fresh daemon, in a network namespace; the other ends of
its links are in a second one. Nobody lives there: a raw socket on each link hears every frame
and sends those of the access router that is there, of its home agent and of all home agents and
correspondent nodes behind it, which exist only as Python objects. A move is a carrier that goes
and comes again, with another router at the end of the link.

    mn = mobile()               two routers, mn.home and mn.visited, that are home agents
    flow = mn.begin()           at mn.home; a socket on an address of its prefix
    update = mn.leave()         at mn.visited: the first Binding Update
    mn.accept(update)           acknowledged: bound
"""

import os
import select
import socket
import struct
import sys

import mn_packets as m
import packets as p
from wire import PATIENCE, QUIET, Rtnl, Silence, Wire, mono, wait_for

KEY = p.Key(256, "00112233445566778899aabbccddeeff" * 2)
LINKS = {"wlan": (52, 62, "02:01:00:00:00:52"), "dock": (53, 63, "02:01:00:00:00:53")}
CN = "2001:db8:c::9"
OTHER_CN = "2001:db8:c::a"
STRANGER = "2001:db8:666::66"
PORT = 7


def eui64(prefix, mac):
    o = p.mac_octets(mac)
    return p.ntop(p.pton(prefix)[:8] + bytes([o[0] ^ 2]) + o[1:3] + b"\xff\xfe" + o[3:])


class AccessRouter:
    """A router with a link for hosts. kind: "host", a home agent that gives every host a prefix
    of its own (RFC 8273); "shared", a home agent with one prefix for all; "nameless", the same,
    but its advertisement has not its address; "plain", no home agent. What it advertises can be
    changed at any time."""

    def __init__(self, n, kind="host"):
        self.kind = kind
        self.link_local, self.mac = f"fe80::a:{n}", f"02:00:00:00:aa:{n:02x}"
        self.prefix = f"2001:db8:{n}:1::"
        self.ha = f"2001:db8:{n}::1" if kind == "host" else f"2001:db8:{n}:1::1"
        self.anycast = f"2001:db8:{n}:1:fdff:ffff:ffff:fffe"        # RFC 2526
        self.lifetime, self.valid, self.preferred = 1800, 86400, 43200
        self.more = b""                 # further options of its advertisements
        self.answers = True             # solicitations
        self.reachable = True           # neighbour solicitations are answered
        self.asked = []                 # frames with solicitations that it has answered

    @property
    def prefix_options(self):
        times = (self.valid, self.preferred)
        if self.kind == "shared":
            return m.prefix_information(self.ha, m.ONLINK | m.AUTO | m.ROUTER, *times)
        if self.kind in ("plain", "nameless"):
            return m.prefix_information(self.prefix, m.ONLINK | m.AUTO, *times)
        return m.prefix_information(self.prefix, m.AUTO, *times) \
            + m.prefix_information(self.ha, m.ROUTER)

    def advertisement(self, **o):
        options = o.pop("options", None)
        if options is None:
            options = self.prefix_options + b"\1\1" + p.mac_octets(self.mac) + self.more
        return m.router_advertisement(o.pop("src", self.link_local), options, **{
            "flags": 0 if self.kind == "plain" else m.HOME_AGENT, "lifetime": self.lifetime, **o})

    def address_of(self, mac):
        """The address that a host with this link-layer address forms of its prefix."""
        return eui64(self.prefix, mac)


class Flow:
    """A connected UDP socket of the mobile node."""

    def __init__(self, mn, address, cn=CN):
        self.mn, self.address, self.cn, self.count = mn, address, cn, 0
        self.sock = mn.ground.inside(mn.box, self._open)
        self.port = self.sock.getsockname()[1]

    def _open(self):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        s.bind((self.address, 0))
        s.connect((self.cn, PORT))
        return s

    def token(self):
        self.count += 1
        return f"flow {self.port} packet {self.count}.".encode()

    def send(self):
        """Sends something; what it is."""
        token = self.token()
        try:
            self.sock.send(token)
        except OSError:
            pass                # an error from before; or there is no way
        return token

    def packet(self, token):
        """A packet of the correspondent node to this socket."""
        return m.udp(self.cn, self.address, PORT, self.port, token)

    def receive(self, token, within=PATIENCE):
        """Whether the socket gets that, in the time."""
        deadline = mono() + within
        while True:
            try:
                if self.sock.recv(2048) == token:
                    return True
                continue
            except BlockingIOError:
                pass
            except OSError:
                continue
            left = deadline - mono()
            if left <= 0:
                return False
            select.select([self.sock], [], [], left)

    def close(self):
        self.sock.close()


class Mobile(Wire):
    """The host with dmip6-mnd, and whoever is at the other ends of its links. o: configuration
    (more than the key; keys: what instead of it), linger, kinds (of home and visited), links,
    dad (whether the kernel does duplicate address detection), start (False: no daemon yet)."""

    def __init__(self, ground, name, **o):
        self.box, self.outside = f"{name}-mn", f"{name}-air"
        self.links = o.get("links", ("wlan",))
        self._build(ground, o.get("dad", False))
        super().__init__(ground, self.outside, self.links)
        self.nl = ground.inside(self.outside, Rtnl)
        self.mnnl = ground.inside(self.box, Rtnl)
        kinds = o.get("kinds", ("host", "host"))
        self.routers = [AccessRouter(i + 1, kind) for i, kind in enumerate(kinds)]
        self.home, self.visited = self.routers[:2]
        self.at = {link: None for link in self.links}
        self.neighbours = {}            # on the link: address -> link-layer address
        self.flows = []
        self.key = KEY
        self.configuration = o.get("keys", KEY.configuration()) \
            + f"linger {o.get('linger', '1s')};\n" + o.get("configuration", "")
        if o.get("start", True):
            self.start()

    def _build(self, ground, dad):
        lines = [f"netns add {ground.ns(b)}" for b in (self.box, self.outside)]
        for link in self.links:
            inner, outer, mac = LINKS[link]
            lines.append(f"link add {link}0 index {inner} address {mac} netns {ground.ns(self.box)} "
                         f"type veth peer name {link} index {outer} netns {ground.ns(self.outside)}")
        ground.batch(None, lines)
        for key in ("all", "default", *self.links):
            ground.sysctl(self.outside, f"net/ipv6/conf/{key}/disable_ipv6", "1")
        ground.sysctl(self.box, "net/ipv6/icmp/ratelimit", "0")
        for link in () if dad else self.links:
            ground.sysctl(self.box, f"net/ipv6/conf/{link}0/accept_dad", "0")
        ground.batch(self.box, ["link set lo up", *(f"link set {link}0 up" for link in self.links)])

    def start(self):
        ground, box = self.ground, self.box
        conf = ground.write(f"{box}.conf", self.configuration)
        os.makedirs(ground.path(f"{box}.state"), exist_ok=True)
        ground.popen(box, box, [ground.bin("dmip6-mnd"), "--config", conf, "--state-dir",
                                ground.path(f"{box}.state"), "--control", ground.sock(box),
                                *(x for link in self.links for x in ("--interface", f"{link}0"))])
        ground.wait_ready(box, 30)

    def alive(self):
        """Or ended well, as it was told."""
        return self.box not in self.ground.procs or not self.ground.procs[self.box].poll()

    def close(self):
        for flow in self.flows:
            flow.close()
        if self.box in self.ground.procs:
            self.ground.kill(self.box)
        for s in (*self.sockets, self.nl, self.mnnl):
            s.close()
        self.ground.batch(None, [f"netns del {self.ground.ns(b)}" for b in (self.box, self.outside)])

    # -- the link ------------------------------------------------------------------------------

    def go(self, router, link="wlan"):
        """The link's carrier goes, and comes again with that router; None: it stays away."""
        inner, outer, _ = LINKS[link]
        self.nl.link(outer, up=False)
        wait_for(lambda: not self.mnnl.running(inner), 2.0, 0.0005)
        self.pump(0)
        self.at[link] = router
        if router:
            self.nl.link(outer, up=True)

    def heard(self, frame):
        """The router of that link is asked for, or a neighbour."""
        router = self.at[frame.link]
        if router is None:
            return
        if p.is_icmp6(133)(frame) and router.answers:
            router.asked.append(frame)
            self.send(router.advertisement(), frame.link)
        elif p.is_ns()(frame) and frame.src != p.UNSPECIFIED:
            target = p.target_of(frame)
            mac = self.neighbours.get(target)
            if target in (router.link_local, router.ha, router.anycast) and router.reachable:
                mac = router.mac
            if mac:
                self.send(p.neighbour_advertisement(target, target, mac, frame.src, 0xE0000000),
                          frame.link, mac)

    def mac(self, link="wlan"):
        return LINKS[link][2]

    def link_local(self, link="wlan"):
        return eui64("fe80::", self.mac(link))

    def send(self, packet, link="wlan", mac=None, to=None):
        """Puts a packet on the link, from its router unless mac says otherwise."""
        router = self.at[link]
        if to is None:
            to = p.multicast_mac(p.ntop(packet[24:40])) if packet[24] == 0xFF else self.mac(link)
        self.put(link, packet, mac or router.mac, to)

    def advertise(self, router=None, link="wlan", **o):
        """An unsolicited advertisement of a router on that link, by default its own."""
        router = router or self.at[link]
        self.send(router.advertisement(**o), link, router.mac)

    # -- what the daemon says ------------------------------------------------------------------

    def status(self):
        status = self.ground.status(self.box)
        assert status, f"dmip6-mnd does not answer: {self.ground.log(self.box)[-1000:]}"
        return status

    def anchor(self, hoa=None):
        """What it says of a home address (the first one), or None."""
        return next((a for a in self.status()["anchors"] if hoa in (None, a["hoa"])), None)

    def state(self, hoa=None):
        anchor = self.anchor(self.hoa if hoa is None else hoa)
        return anchor["state"] if anchor else None

    def counter(self, name):
        return self.status()["counters"][name]

    def until(self, condition, what, within=PATIENCE):
        """Waits for a condition, and answers whoever asks meanwhile."""
        deadline = mono() + within
        while True:
            value = condition()
            if value:
                return value
            if mono() > deadline:
                told = self.status()
                raise Silence(f"{what}: not within {within:g} s; its anchors:\n{told['anchors']}\n"
                              f"where it is:\n{told['attachments']}\n"
                              f"its log ends with\n{self.ground.log(self.box)[-1500:]}")
            self.pump(0.01)

    def fence(self):
        """Its kernel answers an echo request, and the daemon a question, twice: what was in its
        sockets before the first one has been read before the second."""
        link = next((x for x in self.links if self.at[x]), None)
        if link:
            router = self.at[link]
            self.fences = getattr(self, "fences", 0) + 1
            self.send(p.echo(router.link_local, self.link_local(link), 0xF000 + self.fences), link)
            self.expect(p.is_echo(self.link_local(link), router.link_local, 0xF000 + self.fences,
                                  kind=129), link, what="an echo reply of its kernel")
        self.status()
        self.status()

    # -- what tests begin with -----------------------------------------------------------------

    def settle(self, router, link="wlan"):
        """Goes to that router; returns the address of its prefix when it can be used."""
        self.go(router, link)
        return self.settled(router, link)

    def settled(self, router, link="wlan"):
        address = router.address_of(self.mac(link))

        def there():
            status = self.status()
            return any(a["router"] == router.link_local for a in status["attachments"]) \
                and (router.kind == "plain" or any(a["hoa"] == address and a["state"] == "attached"
                                                   for a in status["anchors"]))
        self.until(there, f"an address at {router.link_local}")
        return address

    def flow(self, address, cn=CN):
        self.flows.append(Flow(self, address, cn))
        return self.flows[-1]

    def begin(self):
        """At home, with a flow: that."""
        super().begin()
        self.hoa = self.settle(self.home)
        return self.flow(self.hoa)

    def begin_two(self):
        """At home, with a flow on its ordinary and one on its temporary address (RFC 8981)."""
        self.begin()
        temporary = self.until(lambda: next((a["hoa"] for a in self.status()["anchors"]
                                             if a["hoa"] != self.hoa), None), "a temporary address")
        return self.flows[0], self.flow(temporary)

    def settled_away(self, router, cn=CN):
        """Where it is, away: a flow on an address of that router's prefix, which it has as soon
        as the kernel has it."""
        return self.flow(self.settled(router), cn)

    def leave(self, to=None):
        """At the visited router (or that one): the first Binding Update."""
        self.go(to or self.visited)
        return self.update()

    def update(self, within=PATIENCE, hoa=None, such=None):
        """The next Binding Update; such: what it must be like, others are passed over (they
        may be retransmissions that were on the way)."""
        def wanted(frame):
            return m.is_update(hoa=hoa)(frame) and (such is None or such(m.Update(frame)))
        return m.Update(self.expect(wanted, within=within, what="a Binding Update"))

    def acknowledge(self, update, **o):
        """A Binding Acknowledgement of that update, of success for as long as it asks for."""
        o = {"lifetime": update.lifetime, **o}
        self.send(m.binding_ack(o.pop("ha", update.dst), o.pop("coa", update.coa),
                                o.pop("hoa", update.hoa), o.pop("seq", update.seq),
                                o.pop("key", self.key), **o), o.pop("link", update.frame.link))

    def accept(self, update, **o):
        """Acknowledges it, and waits until it counts. Retransmissions that crossed it are
        forgotten."""
        self.acknowledge(update, **o)
        self.until(lambda: self.state(update.hoa) == "bound", "bound")
        self.forget_updates()
        return update

    def forget_updates(self):
        self.pump(0)
        while self.take(m.is_update()):
            pass

    def bind(self, **o):
        """Begins at home, leaves, and is accepted: (flow, update)."""
        flow = self.begin()
        update = self.leave()
        return flow, self.accept(update, **o)

    def no_update(self, quiet=QUIET):
        self.nothing(m.is_update(), what="a Binding Update", quiet=quiet)

    # -- data ----------------------------------------------------------------------------------

    def speaks_by_tunnel(self, flow, coa, ha):
        """What the flow sends goes into the tunnel; the frame."""
        token = flow.send()
        frame = self.expect(lambda f: token in f.ip_octets, what="a packet of the flow")
        assert m.is_in_tunnel(token, coa, ha)(frame), f"in the tunnel from {coa} to {ha}: {frame}"
        inner = frame.ip_octets[40:]
        assert (p.ntop(inner[8:24]), p.ntop(inner[24:40])) == (flow.address, flow.cn)
        return frame

    def speaks_directly(self, flow):
        token = flow.send()
        frame = self.expect(lambda f: token in f.ip_octets, what="a packet of the flow")
        assert m.is_payload(token, flow.address, flow.cn)(frame), f"without a tunnel: {frame}"
        return frame

    def reaches_by_tunnel(self, flow, coa, ha, link="wlan"):
        """What the correspondent node sends comes to the flow by the tunnel."""
        token = flow.token()
        self.send(p.tunnelled(ha, coa, flow.packet(token)), link)
        assert flow.receive(token), "what came by the tunnel is given to the socket"

    # -- other traffic of the host -------------------------------------------------------------

    def _socket(self, kind, address="::", scope=None):
        """A socket in the host's namespace, closed at the end."""
        def make():
            s = socket.socket(socket.AF_INET6, kind)
            s.bind((address, 0, 0, scope or 0))
            return s
        s = self.ground.inside(self.box, make)
        self.flows.append(s)
        return s

    def join(self, group, link="wlan"):
        s = self._socket(socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     p.pton(group) + LINKS[link][0].to_bytes(4, sys.byteorder))

    def send_group(self, group, octets, link="wlan"):
        s = self._socket(socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, LINKS[link][0])
        s.sendto(octets, (group, PORT))

    def talk_link_local(self, address, link="wlan"):
        """Sends to a neighbour as soon as there is a link-local address to do it from."""
        s = self._socket(socket.SOCK_DGRAM)

        def said():
            try:
                return s.sendto(b"to a neighbour", (address, PORT, 0, LINKS[link][0]))
            except OSError:
                return 0
        self.until(said, "a link-local address")

    def connect_tcp(self, address, cn=CN):
        """An established connection from that address: (socket, its port)."""
        s = self._socket(socket.SOCK_STREAM, address)
        s.setblocking(False)
        try:
            s.connect((cn, PORT))
        except BlockingIOError:
            pass
        syn = self.expect(lambda f: f.proto == 6 and f.dst == cn, what="a SYN").ip_octets[40:]
        port, seq = struct.unpack_from("!H2xI", syn)
        answer = struct.pack("!HHIIBBHHH", PORT, port, 1000, seq + 1 & 0xFFFFFFFF, 5 << 4, 0x12,
                             65535, 0, 0)
        c = p.checksum(cn, address, 6, answer)
        self.send(p.ipv6(cn, address, 6, answer[:16] + struct.pack("!H", c) + answer[18:]))
        self.expect(lambda f: f.proto == 6 and f.dst == cn, what="an ACK")
        return s, port

    def holds(self, flow, update):
        """The tunnel works both ways."""
        self.speaks_by_tunnel(flow, update.coa, update.dst)
        self.reaches_by_tunnel(flow, update.coa, update.dst, update.frame.link)
