# SPDX-License-Identifier: BSD-2-Clause
"""Router Advertisements of a router that is a home agent (RFC 6275 section 7, 8.3)."""

import packets as p
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6NDOptAdvInterval, ICMPv6NDOptPrefixInfo
from table import covers
from world import CN, STRANGER, options_of


def advertisements(site, n):
    """An answer to a solicitation, then n of those to everybody."""
    mac = f"02:02:00:00:00:{site.number() & 255:02x}"
    out = [site.solicit(mac, f"fe80::300:{site.number():x}")]
    while len(out) <= n:
        f = site.expect(lambda f: p.is_icmp6(134)(f) and f.mac == "33:33:00:00:00:01", "home",
                        within=30, what="a Router Advertisement to everybody")
        out.append(f.ip)
    for ra in out:
        assert (ra.hlim, ra.dst) == (255, p.ALL_NODES)
        assert ra.src == site.router_link_local
    return out


@covers("8.3-01", "8.3-05")
def test_options(sites):
    """Every advertisement, asked for or not, has the H bit, the Advertisement Interval option,
    and a prefix with the R bit that holds the home agent's whole address."""
    site = sites("host")
    for ra in advertisements(site, 1):
        assert ra[ICMPv6ND_RA].H == 1
        intervals = options_of(ra, ICMPv6NDOptAdvInterval)
        assert [o.advint for o in intervals] == [10000], "the default interval"
        routers = [o for o in options_of(ra, ICMPv6NDOptPrefixInfo) if o.R]
        assert [o.prefix for o in routers] == [site.ha]
        assert routers[0].prefixlen == 64 and routers[0].validlifetime > 0


@covers("8.3-02")
def test_no_interval(sites):
    """With ra-interval-option no the Advertisement Interval option is not there."""
    for ra in advertisements(sites("untold"), 1):
        assert not options_of(ra, ICMPv6NDOptAdvInterval)


@covers("8.3-03", "8.3-04")
def test_fast(sites):
    """Unsolicited advertisements at a configured rate that RFC 4861 alone would not allow;
    the option says which (7.5: at least MinDelayBetweenRAs more where it is fast)."""
    site = sites("fast")
    for ra in advertisements(site, 10):
        option, = options_of(ra, ICMPv6NDOptAdvInterval)
        assert 100 <= option.advint < 3000


@covers("8.3-06")
def test_routing_header(sites):
    """A packet with a type 2 routing header passes the router."""
    site = sites("host")
    node = site.node()
    data = p.echo(CN, node.hoa, 5)[40:]
    packet = p.ipv6(CN, STRANGER, p.ROUTING, p.routing_header(node.hoa, p.ICMP6) + data)
    site.send("cn", packet)
    f = site.expect(lambda f: f.dst == STRANGER, "foreign", what="the packet")
    assert f.ip_octets[40:] == packet[40:]
