# SPDX-License-Identifier: BSD-2-Clause
"""Neighbour discovery on a home link whose prefix is shared (RFC 6275 10.3.1, 10.4.1): duplicate
address detection for mobile nodes, and what is said on their behalf."""

import struct

import packets as p
import pytest
from table import case, covers
from test_deregistration import AWAY, HOME, leave
from test_registration import good_ack, good_addresses
from world import CN

FLAGS = {(a, l): p.H | (p.A if a else 0) | (p.L if l else 0) for a in (0, 1) for l in (0, 1)}
L0, L1 = p.A | p.H, p.A | p.H | p.L


@pytest.fixture(name="site")
def site_fixture(sites):
    return sites("shared")


def detection(node, target):
    """The home agent looks for an address, as RFC 4862 5.4.2 has it; when."""
    f = node.site.expect(p.is_ns(target), "home", what=f"a Neighbour Solicitation for {target}")
    assert (f.src, f.dst) == ("::", p.solicited_node(target))
    assert f.mac == p.multicast_mac(f.dst) and f.ip_octets[7] == 255
    assert p.checksum(f.src, f.dst, p.ICMP6, f.ip_octets[40:]) == 0
    assert len(f.ip_octets) == 64, "without a link-layer address, for there is no source"
    return f.time


def advertised(site, target, dst=p.ALL_NODES, solicited=False, override=None):
    """A Neighbour Advertisement on behalf of a mobile node, as 10.4.1 has it."""
    f = site.expect(lambda f: p.is_na(target)(f) and f.dst == dst, "home",
                    what=f"a Neighbour Advertisement for {target} to {dst}")
    flags = struct.unpack_from("!I", f.ip_octets, 44)[0]
    assert not flags & 0x80000000, "R"
    assert bool(flags & 0x40000000) == solicited, "S"
    if override is not None:
        assert bool(flags & 0x20000000) == override, "O"
    assert f.ip_octets[64:72] == b"\2\1" + p.mac_octets(site.router_mac["home"])
    assert f.src in (site.router_link_local, site.ha), "an address of the home agent's"
    assert f.ip_octets[7] == 255
    assert p.checksum(f.src, f.dst, p.ICMP6, f.ip_octets[40:]) == 0
    return f


# ---- duplicate address detection ---------------------------------------------------------------

@pytest.mark.parametrize("flags,claim", [case("HA_2_3_1", L0, False), case("HA_2_3_2", L1, False),
                                         case("HA_2_3_3", L0, True)])
@covers("10.3.1-15", "10.3.1-18", "10.3.1-19", "10.4.1-02", "8.4-02")
def test_detection(site, flags, claim):
    """Nobody else has the address: accepted, but not before RetransTimer, a second, is over.
    L=1: the link-local address is looked for too; L=0: nobody cares who has that."""
    node = site.node(flags=flags)
    node.send(node.update())
    looked = detection(node, node.hoa)
    link_local = p.link_local(node.hoa)
    if flags & p.L:
        detection(node, link_local)
    if claim:
        site.send("home", p.neighbour_advertisement(link_local, link_local, node.mac), node.mac)
    ack = node.ack()
    good_ack(node, ack)
    assert ack.frame.time - looked > 0.9
    if not flags & p.L:
        assert site.take(p.is_ns(link_local)) is None
    node.holds(node.coa)


@pytest.mark.parametrize("flags,link_local", [
    case("HA_2_4_1", FLAGS[1, 0], False), case("HA_2_4_2", FLAGS[1, 1], False),
    case("HA_2_4_3", FLAGS[1, 1], True), case("HA_2_4_4", FLAGS[0, 0], False),
    case("HA_2_4_5", FLAGS[0, 1], False), case("HA_2_4_6", FLAGS[0, 1], True)])
@covers("10.3.1-16", "10.3.1-17", "10.3.1-19", "10.4.1-02", "9.5.4-04", "10.3.1-07")
def test_duplicate(site, flags, link_local):
    """Another node has it, or with L=1 the link-local one: status 134, nothing is bound."""
    node = site.node(flags=flags)
    node.send(node.update())
    target = p.link_local(node.hoa) if link_local else node.hoa
    detection(node, target)
    site.send("home", p.neighbour_advertisement(p.link_local(node.hoa), target,
                                                "02:00:00:00:00:dd"), "02:00:00:00:00:dd")
    ack = node.ack()
    assert (ack.status, ack.seq) == (134, node.seq)
    good_addresses(node, ack)
    node.is_unbound()
    assert site.take(p.is_na(node.hoa)) is None, "nothing is said on its behalf"


@covers("10.3.1-16", "10.3.1-17")
def test_two_look(site):
    """Another node looks for the same address at the same time (RFC 4862 5.4.3): 134."""
    node = site.node()
    node.send(node.update())
    detection(node, node.hoa)
    site.send("home", p.neighbour_solicitation("::", node.hoa), "02:00:00:00:00:dd")
    assert node.ack().status == 134
    node.is_unbound()


@covers("10.3.1-15")
def test_no_detection_for_a_binding(site):
    """With a binding there already, for a move or a refresh: no detection, no delay of it."""
    node = site.node()
    node.register()
    site.begin()
    for network in (1, 2):
        node.move(network)
        good_ack(node, node.ask(within=0.8))
    site.nothing(p.is_ns(node.hoa), what="a Neighbour Solicitation for it")


@covers("10.3.1-15", "10.4.1-02")
def test_detection_again(site):
    """After a de-registration somebody else may have come: it is looked for again."""
    node = site.node()
    node.register()
    node.release()
    site.begin()
    node.send(node.update())
    detection(node, node.hoa)
    good_ack(node, node.ack())


# ---- unsolicited advertisements ----------------------------------------------------------------

@pytest.mark.parametrize("flags", [case("HA_4_1_1", L0), case("HA_4_1_2", L1)])
@covers("10.4.1-03", "10.4.1-04", "10.4.1-05", "10.4.1-06", "10.4.1-07", "10.4.1-08",
        "10.4.1-09", "10.4.1-10", "10.4.1-11")
def test_announced(site, flags):
    """A registration is told to all nodes on the link; with L=1 for both addresses, with L=0
    for none but the home address."""
    node = site.node(flags=flags)
    node.register()
    f = advertised(site, node.hoa, override=True)
    assert f.mac == p.multicast_mac(p.ALL_NODES)
    link_local = p.link_local(node.hoa)
    if flags & p.L:
        advertised(site, link_local, override=True)
    else:
        site.nothing(p.is_na(link_local), what="an advertisement of its link-local address")


# ---- solicitations -----------------------------------------------------------------------------

WAYS = ("multicast", "unicast", "dad", "bare")      # bare: unicast without a link-layer address


def solicit(site, target, way):
    """A neighbour asks for an address in that way; who it was."""
    src, mac = site.neighbour()
    packet = p.neighbour_solicitation(
        "::" if way == "dad" else src, target, mac if way in ("multicast", "unicast") else None,
        target if way in ("unicast", "bare") else None)
    site.send("home", packet, mac)
    return src


def answered(site, target, way):
    src = solicit(site, target, way)
    if way == "dad":
        advertised(site, target)
    else:
        advertised(site, target, src, solicited=True)


def not_answered(site, target, way):
    site.begin()
    solicit(site, target, way)
    site.nothing(p.is_na(target), "home", what="a Neighbour Advertisement")


# (item, way, link-local target, L bit) in the order of the items' numbers.
ORDER = [("multicast", False, L0), ("unicast", False, L0), ("dad", False, L0),
         ("multicast", False, L1), ("unicast", False, L1), ("dad", False, L1),
         ("multicast", True, L1), ("unicast", True, L1), ("dad", True, L1),
         ("multicast", True, L0), ("unicast", True, L0), ("dad", True, L0),
         ("bare", False, L0), ("bare", False, L1), ("bare", True, L1), ("bare", True, L0)]


def ways(group, without=()):
    return [case(f"HA_4_{group}_{n}", *way) for n, way in enumerate(ORDER, 1) if n not in without]


def registered(site, flags):
    node = site.take_stock(flags)
    site.begin()
    return node


@pytest.mark.parametrize("way,link_local,flags", ways(2))
@covers("8.4-02", "10.4.1-12", "10.4.1-13", "10.4.1-14", "10.4.1-15", "10.4.1-16")
def test_solicited(site, way, link_local, flags):
    """Asked for the home address, or with L=1 for the link-local one, the home agent answers
    for its mobile node; with L=0 the link-local one is none of its business."""
    node = registered(site, flags)
    target = p.link_local(node.hoa) if link_local else node.hoa
    if link_local and not flags & p.L:
        not_answered(site, target, way)
    else:
        answered(site, target, way)


@pytest.mark.parametrize("way,link_local,flags", ways(3))
@covers("10.4.1-13")
def test_solicited_for_another(site, way, link_local, flags):
    """Asked for an address that is no registered mobile node's, it does not answer."""
    node = registered(site, flags)
    target = p.ntop(p.pton(node.hoa)[:-4] + b"\xee\xee" + p.pton(node.hoa)[-2:])
    not_answered(site, p.link_local(target) if link_local else target, way)
    answered(site, node.hoa, way)


@pytest.mark.parametrize("way,link_local,flags", ways(4, (10, 11, 12, 16)))
@covers("10.3.2-13", "10.4.1-13")
def test_solicited_after_deregistration(site, way, link_local, flags):
    """After the de-registration it does not answer any more."""
    node = registered(site, flags)
    target = p.link_local(node.hoa) if link_local else node.hoa
    answered(site, target, way)
    node.release()
    not_answered(site, target, way)


@covers("10.4.1-16")
def test_claimed(site):
    """A node that takes the address all the same is contradicted."""
    node = registered(site, L0)
    site.send("home", p.neighbour_advertisement("fe80::dd", node.hoa, "02:00:00:00:00:dd"),
              "02:00:00:00:00:dd")
    advertised(site, node.hoa, override=True)
    node.holds(node.coa)


# ---- what neighbours send ----------------------------------------------------------------------

@covers("8.4-02", "10.4.1-01", "10.4.2-02", "10.3.1-36")
def test_from_neighbour(site):
    """A neighbour that asks for the node, and sends to who answered, reaches it; what comes
    back from the tunnel reaches the neighbour."""
    node = registered(site, L0)
    src, mac = f"2001:db8:2000::b:{site.number():x}", "02:0b:00:00:aa:01"
    site.present[src] = mac
    site.send("home", p.neighbour_solicitation(src, node.hoa, mac), mac)
    f = advertised(site, node.hoa, src, solicited=True)
    assert f.mac == mac
    ident = node.ident()
    site.send("home", p.echo(src, node.hoa, ident), mac, to=f.ip_octets[66:72].hex(":"))
    f = site.expect(p.is_tunnelled(node.coa, node.hoa, ident), "foreign", what="it in the tunnel")
    assert f.src == site.ha
    node.send(p.tunnelled(node.coa, site.ha, p.echo(node.hoa, src, ident, kind=129)))
    f = site.expect(p.is_echo(node.hoa, src, ident, kind=129), "home", what="the answer")
    assert f.mac == mac


@covers("HA_5_1_2", "10.4.2-04", "10.4.2-05", "10.4.2-06")
def test_link_local(site):
    """What is sent to its link-local address goes into no tunnel; the sender is told that the
    address is unreachable (code 3)."""
    node = registered(site, L1)
    src, mac = site.neighbour()
    packet = p.echo(src, p.link_local(node.hoa), node.ident())
    site.send("home", packet, mac)
    f = site.expect(lambda f: p.is_icmp6(1)(f) and f.dst == src, "home", what="an error")
    assert f.ip_octets[41] == 3
    assert f.ip_octets[48:55] == packet[:7]
    site.nothing(lambda f: f.proto == p.IPV6 and packet[40:] in f.ip_octets,
                 what="a tunnelled packet")


@pytest.mark.parametrize("way", [AWAY, HOME], ids=["away", "home"])
@covers("10.3.2-13")
def test_interception_ends(site, way):
    """After the de-registration nothing is taken from the link any more: what a correspondent
    node sends reaches the node at home."""
    node = registered(site, L0)
    assert leave(node, way).status == 0
    node.go_home()
    ident = node.ident()
    site.send("cn", p.echo(CN, node.hoa, ident))
    f = site.expect(p.is_echo(CN, node.hoa, ident), "home", what="the packet, on the home link")
    assert f.mac == node.mac
    not_answered(site, node.hoa, "dad")
