# SPDX-License-Identifier: BSD-2-Clause
"""Mobile prefix discovery (RFC 6275 6.7, 6.8, 10.6)."""

import itertools
import struct

import packets as p
import pytest
from scapy.layers.inet6 import MIP6MH_BE
from table import case, covers
from world import REAL, VIRTUAL

idents = itertools.count(500)


class Advertisement:
    """A Mobile Prefix Advertisement, taken apart (6.8)."""

    def __init__(self, frame):
        nh, at = frame.upper()
        o = frame.ip_octets
        assert nh == p.ICMP6 and o[at:at + 2] == b"\x93\0"
        self.src, self.dst, self.frame = frame.src, frame.dst, frame
        self.routing = p.ntop(o[48:64]) if frame.proto == p.ROUTING and o[42:44] == b"\2\1" \
            else None
        self.ident, flags = struct.unpack_from("!HH", o, at + 4)
        self.m, self.o = bool(flags & 0x8000), bool(flags & 0x4000)
        # The pseudo-header has the final destination (RFC 8200 8.1).
        assert p.checksum(self.src, self.routing or self.dst, p.ICMP6, o[at:]) == 0
        self.prefixes, at = [], at + 8
        while at < len(o):
            kind, length, plen, pflags, valid, preferred = struct.unpack_from("!BBBBII", o, at)
            if kind == 3:
                self.prefixes.append((p.ntop(o[at + 16:at + 32]), plen, pflags, valid, preferred))
            at += 8 * length

    def covers(self, address):
        """(valid, preferred) of the prefix that this address is of."""
        return next(((valid, preferred) for prefix, plen, _, valid, preferred in self.prefixes
                     if plen == 64 and p.pton(prefix)[:8] == p.pton(address)[:8]), None)


def solicit(node, reserved=0, **o):
    """A solicitation of the node, from where it is, with its Home Address option."""
    ident = next(idents) & 0xFFFF
    body = struct.pack("!HH", ident, reserved)
    data = p.icmp6(node.hoa, node.site.ha, 146, 0, body)[40:]
    node.send(p.ipv6(o.get("source", node.coa), node.site.ha, p.DSTOPTS,
                     p.home_address_option(node.hoa, p.ICMP6) + data))
    return ident


def advertisement(node, within=5.0):
    return Advertisement(node.site.expect(
        lambda f: p.is_icmp6(147)(f) and p.pton(node.hoa) in f.ip_octets, within=within,
        what="a Mobile Prefix Advertisement"))


def good(node, adv, ident):
    """As 10.6.3 constructs it, to a node that is away."""
    assert (adv.src, adv.dst, adv.routing) == (node.site.ha, node.coa, node.hoa)
    assert adv.frame.link == "foreign"
    assert adv.ident == ident
    assert not adv.m and not adv.o
    valid, preferred = adv.covers(node.hoa)
    assert valid >= preferred > 0


@pytest.mark.parametrize("name,reserved", [
    case("HA_8_1_1", REAL, 0), case("HA_8_1_2", VIRTUAL, 0),
    case("HA_8_1_15", REAL, 0xFFFF), case("HA_8_1_16", VIRTUAL, 0xFFFF)])
@covers("8.4-12", "8.4-13", "10.4.4-01", "10.6.2-03", "10.6.3-01", "10.6.3-02", "10.6.3-04",
        "10.6.3-06", "10.6.3-07", "10.6.3-08")
def test_solicited(sites, name, reserved):
    """A solicitation is answered at once, to its source, by a type 2 routing header, with the
    prefix of the home address; what is in the reserved field does not matter."""
    node = sites(name).node()
    node.register()
    ident = solicit(node, reserved)
    good(node, advertisement(node), ident)


@covers("10.6.2-03", "10.6.3-02")
def test_solicited_by_tunnel(sites):
    """A solicitation from the home address, by the tunnel, is answered too."""
    site = sites("host")
    node = site.node()
    node.register()
    ident = next(idents)
    node.send(p.tunnelled(node.coa, site.ha, p.icmp6(node.hoa, site.ha, 146, 0,
                                                     struct.pack("!HH", ident, 0))))
    good(node, advertisement(node), ident)


@pytest.mark.parametrize("name", [case("HA_8_1_3", REAL), case("HA_8_1_4", VIRTUAL)])
@covers("9.3.1-03", "9.3.1-05")
def test_not_registered(sites, name):
    """Without a registration there is no answer but Binding Error 1."""
    site = sites(name)
    node = site.node()
    solicit(node)
    f = site.expect(p.is_mh(p.BE), "foreign", what="a Binding Error")
    assert (f.dst, f.ip[MIP6MH_BE].status, f.ip[MIP6MH_BE].ha) == (node.coa, 1, node.hoa)
    site.nothing(p.is_icmp6(147), what="an advertisement")


@covers("9.3.1-04", "9.3.1-05")
def test_from_elsewhere(sites):
    """From another address than the care-of address there is no answer but Binding Error 1."""
    site = sites("host")
    node = site.node()
    node.register()
    solicit(node, source=node.visit(2))
    f = site.expect(p.is_mh(p.BE), "foreign", what="a Binding Error")
    assert (f.dst, f.ip[MIP6MH_BE].status) == (node.visit(2), 1)
    site.nothing(p.is_icmp6(147), what="an advertisement")


@pytest.mark.parametrize("name", [case("HA_8_1_7", "brief"), case("HA_8_1_8", "brief")])
@covers("10.3.1-21", "10.6.4-01")
def test_lifetimes(sites, name):
    """The binding lasts no longer than the prefix that is advertised."""
    node = sites(name).node()
    ack = node.register(lifetime=65535)
    ident = solicit(node)
    adv = advertisement(node)
    good(node, adv, ident)
    assert adv.covers(node.hoa)[0] >= 4 * (ack.lifetime - 1)


@covers("8.4-14")
def test_turned_off(sites):
    """With mobile-prefix-advertisements no there is no answer."""
    site = sites("quiet")
    node = site.node()
    node.register()
    solicit(node)
    site.nothing(p.is_icmp6(147), what="an advertisement")


@covers("10.6.2-07")
def test_all_prefixes(sites):
    """All prefixes of the home link are there, not only that of the home address."""
    site = sites("two")
    node = site.node()
    node.register()
    ident = solicit(node)
    adv = advertisement(node)
    good(node, adv, ident)
    assert all(adv.covers(a) for a in node.others), adv.prefixes
