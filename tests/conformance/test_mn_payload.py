# SPDX-License-Identifier: BSD-2-Clause
"""What the host sends and receives beside signalling (RFC 6275 11.3.1, 11.3.3, 11.3.4)."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import CN, PORT, STRANGER, wait_for
from table import case, covers


def has_home_address_option(frame):
    nh, at = frame.proto, 40
    o = frame.ip_octets
    while nh in (0, p.DSTOPTS, p.ROUTING) and at + 8 <= len(o):
        end = at + (o[at + 1] + 1) * 8
        if nh == p.DSTOPTS and any(k == m.HAO for k, _, _ in m.options_of(o[at:end], 2)):
            return True
        nh, at = o[at], end
    return False


@covers("MN-0-0-0-2-001", "8.5-08", "8.5-04")
def test_at_work(mobile):
    """At home, away, elsewhere, at home again, and away: the flow lives, and what is sent is
    what the place asks for."""
    mn = mobile(kinds=("host", "host", "host"))
    flow = mn.begin()
    mn.speaks_directly(flow)
    mn.holds(flow, mn.accept(mn.leave()))
    mn.go(mn.routers[2])
    mn.holds(flow, mn.accept(mn.update()))
    mn.go(mn.home)
    update = mn.update()
    mn.acknowledge(update)
    mn.until(lambda: mn.state() == "attached", "attached")
    mn.forget_updates()
    mn.speaks_directly(flow)
    mn.holds(flow, mn.accept(mn.leave()))


@covers("MN-4-1-1-2-004", "MN-4-1-2-2-007", "11.3.1-08")
def test_at_home(mobile):
    """At home: ordinary packets, no signalling."""
    mn = mobile()
    flow = mn.begin()
    mn.speaks_directly(flow)
    token = flow.token()
    mn.send(flow.packet(token))
    assert flow.receive(token)
    mn.no_update()


@covers("MN-4-1-1-2-001", "11.3.1-01", "11.3.1-02", "11.3.1-04", "11.3.1-12", "11.3.1-13",
        "11.3.1-14", "8.5-04")
@pytest.mark.parametrize("kind", ["host", "shared", "plain"])
def test_by_tunnel(mobile, kind):
    """Away: by the tunnel, whose header says what the registration said."""
    mn = mobile(kinds=("host", kind))
    flow, update = mn.bind()
    frame = mn.speaks_by_tunnel(flow, update.coa, update.dst)
    assert frame.mac == mn.visited.mac
    outer, inner = frame.ip_octets[:40], frame.ip_octets[40:]
    assert struct.unpack_from("!H", outer, 4)[0] == len(inner)
    assert struct.unpack_from("!H", inner, 4)[0] == len(inner) - 40
    assert outer[7] > 1 and inner[6] == m.UDP


@covers("11.3.1-01", "11.3.1-04")
def test_tcp(mobile):
    """A connection that was made at home lives on with the home address."""
    mn = mobile()
    mn.begin()
    s, client = mn.connect_tcp(mn.hoa)
    mn.accept(mn.leave())
    s.send(b"still the same connection")
    frame = mn.expect(m.is_in_tunnel(b"still the same connection"), what="a TCP segment")
    inner = frame.ip_octets[40:]
    assert (p.ntop(inner[8:24]), p.ntop(inner[24:40]), inner[6]) == (mn.hoa, CN, 6)
    assert struct.unpack_from("!H", inner, 40)[0] == client
    s.close()


@covers("11.3.1-05", "11.3.1-09")
def test_new_flow(mobile):
    """What is new uses the care-of address, without tunnel and without option."""
    mn = mobile()
    flow, update = mn.bind()
    new = mn.flow(p.UNSPECIFIED)
    new.address = new.sock.getsockname()[0]
    assert new.address == mn.visited.address_of(mn.mac())
    frame = mn.speaks_directly(new)
    assert not has_home_address_option(frame)
    token = new.token()
    mn.send(new.packet(token))
    assert new.receive(token)
    mn.holds(flow, update)


@covers("MN-4-1-1-2-006", "11.3.1-06", "11.3.1-07", "11.3.4-02", "11.3.4-03", "11.3.4-05",
        "11.5.3-06", "11.3.4-07")
def test_no_option_on_link(mobile):
    """Away: Neighbour Discovery, MLD and what goes to link-local peers and multicast groups of
    the visited link neither has the option nor goes into the tunnel, nor is it from the home
    address."""
    mn = mobile(dad=True)
    flow = mn.begin()
    frames = []
    mn.go(mn.visited)
    update = mn.update()
    mn.acknowledge(update)
    mn.until(lambda: mn.state() == "bound", "bound")
    mn.forget_updates()
    mn.join("ff0e::1234")
    mn.talk_link_local(mn.visited.link_local)
    # All of it: what has not been taken of what was sent since the move.
    mn.until(lambda: any(p.is_ns()(f) and f.src == p.UNSPECIFIED for f in mn.inbox),
             "duplicate address detection")
    mn.until(lambda: any(p.is_icmp6(143)(f) and p.pton("ff0e::1234") in f.ip_octets
                         for f in mn.inbox), "a membership report")
    mn.until(lambda: any(b"to a neighbour" in f.ip_octets for f in mn.inbox), "a packet to it")
    frames = [f for f in mn.inbox if f.ip_octets[24] in (0xFF, 0xFE)]
    assert frames
    for frame in frames:
        assert not has_home_address_option(frame), frame
        assert frame.src == p.UNSPECIFIED or frame.src.startswith("fe80:"), frame
    in_tunnel = [f for f in mn.inbox if f.proto == p.IPV6]
    assert not [f for f in in_tunnel if p.ntop(f.ip_octets[64:80])[:2] in ("ff", "fe")], \
        "nothing of the link goes into the tunnel"
    mn.holds(flow, update)


@covers("11.3.4-01", "11.3.4-02", "11.3.4-07")
def test_multicast(mobile):
    """Away: a group of the visited link is joined there, and sent to from a care-of address."""
    mn = mobile()
    mn.bind()
    mn.join("ff0e::1234")
    report = mn.expect(lambda f: p.is_icmp6(143)(f) and p.pton("ff0e::1234") in f.ip_octets,
                       what="a membership report")
    assert report.src == p.UNSPECIFIED or report.src.startswith("fe80:")
    mn.send_group("ff0e::1234", b"to the group")
    frame = mn.expect(lambda f: b"to the group" in f.ip_octets, what="a multicast packet")
    assert frame.dst == "ff0e::1234" and frame.src == mn.visited.address_of(mn.mac())
    assert not has_home_address_option(frame)


# ---- what comes ------------------------------------------------------------------------------

@covers("11.3.3-02", "8.5-04")
@pytest.mark.parametrize("kind", ["host", "shared", "plain"])
def test_from_tunnel(mobile, kind):
    """From the home agent, to the care-of address: given to the socket."""
    mn = mobile(kinds=("host", kind))
    flow, update = mn.bind()
    mn.reaches_by_tunnel(flow, update.coa, update.dst)


@pytest.mark.parametrize("source", [STRANGER, CN, "2001:db8:2::1", "fe80::a:2", "::1"])
@covers("11.3.3-01")
def test_from_tunnel_of_stranger(mobile, source):
    """From anybody else: not given to it."""
    mn = mobile()
    flow, update = mn.bind()
    token = flow.token()
    mn.send(p.tunnelled(source, update.coa, flow.packet(token)))
    mn.reaches_by_tunnel(flow, update.coa, update.dst)
    assert not flow.receive(token, 0.2)


@covers("11.3.3-01")
def test_from_other_home_agent(mobile):
    """The home agent of one home address is a stranger for another one's."""
    mn = mobile(kinds=("host", "host", "host"))
    flow, _ = mn.bind()
    second = mn.settled_away(mn.visited)
    mn.go(mn.routers[2])
    updates = [mn.accept(mn.update(hoa=f.address)) for f in (flow, second)]
    token = flow.token()
    mn.send(p.tunnelled(mn.visited.ha, updates[0].coa, flow.packet(token)))
    mn.holds(flow, updates[0])
    mn.holds(second, updates[1])
    assert not flow.receive(token, 0.2)


@covers("11.3.3-02")
def test_for_somebody_else(mobile):
    """An inner packet that is not for this host goes nowhere."""
    mn = mobile()
    flow, update = mn.bind()
    packet = m.udp(CN, STRANGER, PORT, 4711, b"for somebody else")
    mn.send(p.tunnelled(update.dst, update.coa, packet))
    mn.nothing(lambda f: b"for somebody else" in f.ip_octets and p.is_icmp6(1)(f) is False
               and f.proto in (m.UDP, p.IPV6), what="the packet")
    mn.holds(flow, update)


@covers("MN-4-1-2-2-006", "11.3.3-02")
def test_link_local_from_tunnel(mobile):
    """The link-local address is not reached by the tunnel."""
    mn = mobile()
    flow, update = mn.bind()
    inner = p.echo("fe80::77", mn.link_local(), 77)
    mn.send(p.tunnelled(update.dst, update.coa, inner))
    mn.nothing(p.is_echo(None, None, 77, kind=129), what="an echo reply")
    mn.holds(flow, update)


@covers("MN-2-1-1-2-003", "MN-2-1-1-2-004", "MN-2-1-1-2-006", "MN-2-1-1-2-015", "MN-2-1-1-2-016",
        "MN-2-1-1-2-028")
def test_no_return_routability(mobile):
    """Whatever comes by the tunnel or directly, no test message is sent."""
    mn = mobile()
    flow, update = mn.bind()
    tests = p.mobility_header(p.COTI, bytes(10), CN, mn.hoa)
    for packet in (p.tunnelled(update.dst, update.coa, flow.packet(flow.token())),
                   p.tunnelled(update.dst, update.coa, p.echo(update.dst, mn.hoa, 5)),
                   p.tunnelled(update.dst, update.coa, p.echo(CN, update.coa, 6)),
                   p.tunnelled(update.dst, update.coa, p.ipv6(CN, mn.hoa, p.MH, tests)),
                   p.echo(CN, update.coa, 7)):
        mn.send(packet)
    mn.nothing(lambda f: p.is_mh(p.HOTI)(f) or p.is_mh(p.COTI)(f) or p.is_mh(p.COT)(f)
               or f.proto == p.IPV6 and f.ip_octets[46] == p.MH, what="a test message")
    mn.holds(flow, update)


# ---- routing headers -------------------------------------------------------------------------

@covers("11.3.3-06", "11.3.3-05", "8.5-05")
def test_routing_header(mobile):
    """A message of the home agent behind a type 2 routing header is processed as if it had come
    to the home address; that is what all acknowledgements are."""
    mn = mobile()
    flow = mn.begin()
    update = mn.leave()
    mn.accept(update)
    mn.holds(flow, update)


@covers("MN-4-1-2-2-003", "11.3.3-07", "8.5-05")
def test_payload_behind_routing_header(mobile):
    """Payload behind one, of the home agent itself or of a correspondent node."""
    mn = mobile()
    flow, update = mn.bind()
    token = flow.token()
    mn.send(m.to_mobile_node(CN, update.coa, mn.hoa, m.UDP, flow.packet(token)[40:]))
    if not flow.receive(token, 0.5):
        pytest.xfail("the kernel's IPv6 has to do that, and does not without its own Mobile IPv6, "
                     "which Debian's kernel has and dmip6 does not use; only route optimisation, "
                     "which is not offered, sends such packets")


@pytest.mark.parametrize("o", [
    case(("MN-4-1-2-2-004", "11.3.3-03"), {"long_routing": True}),
    case(("MN-4-1-2-2-005", "11.3.3-04"), {"segments_left": 2}),
    case(("MN-4-1-2-2-005", "11.3.3-04"), {"segments_left": 0}),
    case(("MN-4-1-2-2-011", "11.3.3-05"), {"routing": STRANGER}),
    case(("MN-4-1-2-2-011", "11.3.3-05"), {"routing": "ff0e::1"})])
def test_wrong_routing_header(mobile, o):
    """Payload behind a routing header that is wrong is given to nobody, and goes nowhere."""
    mn = mobile()
    flow, update = mn.bind()
    token = flow.token()
    mn.send(m.to_mobile_node(CN, update.coa, mn.hoa, m.UDP, flow.packet(token)[40:], **o))
    mn.nothing(lambda f: token in f.ip_octets, what="something about the packet")
    assert not flow.receive(token, 0.1)
    mn.holds(flow, update)


@covers("11.3.3-02")
def test_closed_flow(mobile):
    """When the last flow has ended, the home agent is told and the tunnel is gone."""
    mn = mobile(linger="100ms")
    flow, update = mn.bind()
    flow.close()
    release = mn.update()
    assert release.lifetime == 0 and release.hoa == mn.hoa
    mn.acknowledge(release)
    assert wait_for(lambda: mn.anchor(mn.hoa) is None, 5.0)
    assert update.hoa == release.hoa
