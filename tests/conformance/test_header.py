# SPDX-License-Identifier: BSD-2-Clause
"""Mobility Headers and Home Address options that are wrong (RFC 6275 9.2, 9.3, 10.2)."""

import struct
import time

import packets as p
import pytest
from scapy.layers.inet6 import MIP6MH_BE
from table import case, covers
from world import REAL, STRANGER, VIRTUAL

PROTO_AT = 40 + 24              # of the Payload Proto field behind the Home Address option
LENGTH_AT = PROTO_AT + 1


def prepare(sites, name, bound):
    """A mobile node at its second network; bound: it is registered at the first one."""
    site = sites(name)
    node = site.node()
    if bound:
        node.register()
    node.move(2)
    return site, node


def unchanged(node, bound):
    """The bad message left everything as it was."""
    if bound:
        node.holds(node.visit(1))
    else:
        node.is_unbound()


def binding_error(site, dst, status, link="foreign"):
    """A Binding Error to dst; returns its home address."""
    f = site.expect(p.is_mh(p.BE), link, what="a Binding Error")
    be = f.ip[MIP6MH_BE]
    assert (f.src, f.dst, be.status) == (site.ha, dst, status)
    assert p.checksum(f.src, f.dst, p.MH, f.ip_octets[40:]) == 0
    return be.ha


def parameter_problem(site, packet, pointer):
    """A parameter problem code 0 about this packet, with this pointer, to its source."""
    f = site.expect(p.is_icmp6(4), "foreign", what="a parameter problem")
    o = f.ip_octets
    assert f.dst == p.ntop(packet[8:24]), "to the source address as it was on the wire"
    assert f.proto == p.ICMP6, "without a routing header, although there is a binding"
    assert o[41] == 0 and struct.unpack_from("!I", o, 44)[0] == pointer
    assert o[48:55] + o[56:] == packet[:7] + packet[8:], "it quotes the packet, but the hop limit"
    assert p.checksum(f.src, f.dst, p.ICMP6, o[40:]) == 0


@pytest.mark.parametrize("name,bound", [case("HA_1_1_1", REAL, False),
                                        case("HA_1_1_5", REAL, True)])
@covers("9.2-02", "9.2-03", "9.3.3-01", "9.3.3-03", "10.2-01", "8.4-06")
def test_unknown_type(sites, name, bound):
    """An MH type that nobody knows: Binding Error 2 with the option's home address."""
    site, node = prepare(sites, name, bound)
    node.send(node.update(kind=200))
    assert binding_error(site, node.coa, 2) == node.hoa
    node.no_ack()
    unchanged(node, bound)


@covers("9.3.3-03", "9.3.3-01")
def test_unknown_type_without_option(sites):
    """The same without a Home Address option: the unspecified address."""
    site = sites("host")
    site.send("foreign", p.ipv6(STRANGER, site.ha, p.MH, p.mobility_header(
        200, bytes(10), STRANGER, site.ha)))
    assert binding_error(site, STRANGER, 2) == "::"


@pytest.mark.parametrize("name,bound", [case("HA_1_1_2", REAL, False),
                                        case("HA_1_1_6", REAL, True),
                                        case("HA_1_1_9", VIRTUAL, False)])
@covers("9.2-04", "9.2-05", "9.2-06", "10.2-01")
def test_piggybacking(sites, name, bound):
    """Payload behind the Binding Update: a parameter problem that points at Payload Proto."""
    site, node = prepare(sites, name, bound)
    more = p.icmp6(node.hoa, site.ha, 128, 0, bytes(8))[40:]
    packet = node.update(proto=p.ICMP6, piggyback=more)
    node.send(packet)
    parameter_problem(site, packet, PROTO_AT)
    node.no_ack()
    site.nothing(p.is_echo(site.ha, None, kind=129), what="an answer to the payload")
    unchanged(node, bound)


@pytest.mark.parametrize("name,bound", [case("HA_1_1_3", REAL, False),
                                        case("HA_1_1_8", VIRTUAL, False),
                                        pytest.param(REAL, True, id="bound")])
@covers("9.2-01", "9.5.4-01", "10.2-01")
def test_checksum(sites, name, bound):
    """A wrong checksum: silence."""
    site, node = prepare(sites, name, bound)
    node.send(node.update(bad_cksum=True))
    site.nothing(lambda f: f.dst == node.coa, "foreign", what="an answer")
    unchanged(node, bound)


@pytest.mark.parametrize("name,bound", [case("HA_1_1_4", REAL, False),
                                        case("HA_1_1_7", REAL, True),
                                        case("HA_1_1_10", VIRTUAL, False)])
@covers("9.2-07", "9.2-08", "9.2-09", "10.2-01")
def test_header_length(sites, name, bound):
    """A header too short for its type: a parameter problem that points at Header Len."""
    site, node = prepare(sites, name, bound)
    packet = node.update(length=0)
    # The checksum is over what the header says is there.
    header = packet[PROTO_AT:PROTO_AT + 8]
    c = p.checksum(node.hoa, site.ha, p.MH, header[:4] + b"\0\0" + header[6:])
    good = packet[:PROTO_AT + 4] + struct.pack("!H", c) + packet[PROTO_AT + 6:PROTO_AT + 8]
    good = good[:4] + struct.pack("!H", len(good) - 40) + good[6:]
    node.send(good)
    parameter_problem(site, good, LENGTH_AT)
    node.no_ack()
    unchanged(node, bound)


@pytest.mark.parametrize("source", ["ff0e::66", "ff02::1", "::"])
@covers("9.3.3-02", "9.5.4-05")
def test_source_not_unicast(sites, source):
    """From an address that is no unicast one nothing is answered, and nothing bound."""
    site, node = prepare(sites, "host", True)
    node.send(node.update(kind=200, source=source, alt=None, coa=node.coa))
    node.send(node.update(source=source, alt=node.coa))
    site.nothing(lambda f: p.is_mh(p.BE)(f) or node.is_mine(f), what="an answer")
    unchanged(node, True)


@covers("9.3.3-04")
def test_error_rate(sites):
    """Fewer Binding Errors than messages, when the messages are many; later again one each."""
    site, node = prepare(sites, "flood", False)
    for _ in range(200):
        node.send(node.update(kind=200))
    site.fence()
    answered = sum(p.is_mh(p.BE)(f) for f in site.inbox)
    assert 0 < answered < 100, f"{answered} of 200 were answered"
    site.begin()
    for _ in range(50):
        node.send(node.update(kind=200))
        site.fence()
        if site.take(p.is_mh(p.BE)):
            return
        time.sleep(0.1)
    pytest.fail("no Binding Error any more")


@pytest.mark.parametrize("name,option,l_bit", [
    case("HA_2_2_9", REAL, "link-local", 0), case("HA_2_2_10", REAL, "link-local", p.L),
    case("HA_2_2_11", VIRTUAL, "link-local", 0), case("HA_2_2_12", VIRTUAL, "link-local", p.L),
    case("HA_2_2_13", REAL, "multicast", 0), case("HA_2_2_14", VIRTUAL, "multicast", 0),
    pytest.param(REAL, "unspecified", 0, id="unspecified"),
    pytest.param(REAL, "loopback", 0, id="loopback")])
@covers("9.3.1-01", "9.5.1-01", "9.5.1-08", "9.5.4-01", "10.3.1-09")
def test_home_address_unroutable(sites, name, option, l_bit):
    """A home address that is no unicast routable one: silence, and the binding stays."""
    site, node = prepare(sites, name, True)
    hao = {"link-local": p.link_local(node.hoa), "multicast": p.solicited_node(node.hoa),
           "unspecified": "::", "loopback": "::1"}[option]
    node.send(node.update(hoa=hao, flags=p.A | p.H | l_bit))
    site.nothing(lambda f: f.dst == node.coa, "foreign", what="an answer")
    unchanged(node, True)
