# SPDX-License-Identifier: BSD-2-Clause
"""The Home Agents List and dynamic home agent address discovery (RFC 6275 10.1, 10.5)."""

import itertools
import struct
import time

import packets as p
import pytest
from table import case, covers
from world import HOME_AGENT_PREFERENCE, REAL, STRANGER, VIRTUAL, Silence

idents = itertools.count(100)


def request(site, src=STRANGER, reserved=0, link="foreign", dst=None):
    """A discovery request to the anycast address (6.5); its identifier."""
    ident = next(idents) & 0xFFFF
    site.send(link, p.icmp6(src, dst or site.anycast, 144, 0,
                            struct.pack("!HH", ident, reserved)))
    return ident


def addresses(site, src=STRANGER, **o):
    """The home agents that a discovery reply names, in its order."""
    site.settle()               # advertisements and requests come by different sockets
    f = None
    for _ in range(10):         # so many requests are limited
        ident = request(site, src, **o)
        try:
            f = site.expect(lambda f: p.is_icmp6(145)(f) and f.dst == src, within=0.5)
            break
        except Silence:
            pass
    assert f, "a Home Agent Address Discovery Reply comes"
    octets = f.ip_octets
    assert f.src == site.ha, "from a global unicast address of the home agent"
    assert f.proto == p.ICMP6
    assert p.checksum(f.src, f.dst, p.ICMP6, octets[40:]) == 0
    assert octets[41] == 0 and struct.unpack_from("!HH", octets, 44) == (ident, 0)
    assert len(octets) <= 1280
    return [p.ntop(octets[i:i + 16]) for i in range(48, len(octets), 16)]


class Agent:
    """Another home agent on the home link."""

    numbers = itertools.count(1)

    def __init__(self, site, n_addresses=1):
        n = next(self.numbers)
        self.site, self.mac = site, f"02:0a:00:00:{n >> 8:02x}:{n & 255:02x}"
        self.link_local = f"fe80::a:{n:x}"
        self.addresses = [f"2001:db8:a:{n:x}::{i + 1:x}" for i in range(n_addresses)]

    def advertise(self, preference=None, lifetime=1800, router_lifetime=1800, h=True, r=True,
                  valid=3600):
        """An unsolicited Router Advertisement. preference None: without the Home Agent
        Information option, which has the lifetime."""
        body = struct.pack("!BBHII", 64, 0x20 if h else 0, router_lifetime, 0, 0)
        for a in self.addresses:
            body += struct.pack("!BBBBIII", 3, 4, 64, 0x20 if r else 0, valid, valid, 0) \
                + p.pton(a)
        if preference is not None:
            body += struct.pack("!BBHHH", 8, 1, 0, preference, lifetime)
        body += b"\1\1" + p.mac_octets(self.mac)
        self.site.send("home", p.icmp6(self.link_local, p.ALL_NODES, 134, 0, body, 255),
                       self.mac)

    def retire(self):
        self.advertise(h=False)


@pytest.fixture(name="link")
def link_fixture(sites):
    """The site whose home link it is, and a maker of other home agents there, which are gone
    after the test."""
    site, made = sites(REAL), []

    def make(n=1, **o):
        made.extend(Agent(site, **o) for _ in range(n))
        return made[-n:]
    yield site, make
    for agent in made:
        agent.retire()


def those_of(found, agents):
    """Of the addresses found, those of these home agents."""
    return [a for a in found if any(a in x.addresses for x in agents)]


@pytest.mark.parametrize("name,reserved", [
    case("HA_7_1_1", REAL, 0), case("HA_7_1_2", VIRTUAL, 0),
    case("HA_7_1_3", REAL, 0xFFFF), case("HA_7_1_4", VIRTUAL, 0xFFFF)])
@covers("8.4-09", "8.4-10", "10.5.1-10", "10.5.1-11", "10.1-01")
def test_request(sites, name, reserved):
    """A request to the anycast address is answered with the home agent's own address; what
    is in the reserved field does not matter."""
    site = sites(name)
    assert addresses(site, reserved=reserved) == [site.ha]


@covers("8.4-09")
def test_anycast_address_is_ours(sites):
    """Nobody is asked on the link who has the anycast address, and no error comes back."""
    site = sites(REAL)
    addresses(site)
    site.nothing(lambda f: p.is_ns(site.anycast)(f) or p.is_icmp6(1)(f),
                 what="a question, or an error,")


@covers("10.5.1-10")
def test_request_elsewhere(sites):
    """A request to a subnet that is not served gets no reply; nor does one to the home
    agent's own address, which is not the anycast one."""
    site = sites("host")
    for dst in ("2001:db8:9999:0:fdff:ffff:ffff:fffe", site.ha):
        request(site, dst=dst)
    site.nothing(p.is_icmp6(145), what="a reply")


@pytest.mark.parametrize("preference,first", [case("HA_7_2_1", 0, False),
                                              case("HA_7_2_2", 0xFFFF, True)])
@covers("10.5.1-02", "10.5.1-06", "10.5.1-07", "10.5.1-11", "10.5.1-12", "8.4-11", "10.1-01")
def test_bounds_of_preference(link, preference, first):
    """The preference is an unsigned number of 16 bits."""
    site, make = link
    agent, = make()
    agent.advertise(preference)
    found = [site.ha, *agent.addresses]
    assert addresses(site) == (found[::-1] if first else found)


@pytest.mark.parametrize("first,second,order", [
    case("HA_7_2_3", -1, -2, "own 0 1"), case("HA_7_2_4", -2, -1, "own 1 0"),
    case("HA_7_2_5", 1, -1, "0 own 1"), case("HA_7_2_6", -1, 1, "1 own 0"),
    case("HA_7_2_7", 2, 1, "0 1 own"), case("HA_7_2_8", 1, 2, "1 0 own")])
@covers("10.5.1-02", "10.5.1-12", "8.4-11")
def test_order(link, first, second, order):
    """Two others, better or worse than this one: in the order of preference."""
    site, make = link
    agents = make(2)
    for agent, difference in zip(agents, (first, second)):
        agent.advertise(HOME_AGENT_PREFERENCE + difference)
    names = {"own": site.ha, "0": agents[0].addresses[0], "1": agents[1].addresses[0]}
    assert addresses(site) == [names[x] for x in order.split()]


@covers("HA_7_2_9", "10.5.1-02", "10.5.1-03")
def test_no_preference(link):
    """Without the option the preference is 0, behind one of 1; the router lifetime counts."""
    site, make = link
    without, low = make(2)
    without.advertise()
    low.advertise(1)
    assert addresses(site) == [site.ha, *low.addresses, *without.addresses]


@covers("HA_7_2_12", "10.5.1-05")
def test_preference_changes(link):
    """A new preference of a known home agent counts at once."""
    site, make = link
    agent, = make()
    agent.advertise(HOME_AGENT_PREFERENCE - 1)
    assert addresses(site) == [site.ha, *agent.addresses]
    agent.advertise(HOME_AGENT_PREFERENCE + 1)
    assert addresses(site) == [*agent.addresses, site.ha]


@covers("HA_7_2_14", "10.5.1-13")
def test_equal_preference(link):
    """Home agents of equal preference change places from reply to reply; better ones stay
    before worse ones."""
    site, make = link
    agents = make(2)
    for agent in agents:
        agent.advertise(HOME_AGENT_PREFERENCE + 1)
    orders = set()
    for _ in range(40):                 # by chance always the same: once in 2^39
        found = addresses(site)
        assert found[2] == site.ha and sorted(found[:2]) == sorted(
            agents[0].addresses + agents[1].addresses)
        orders.add(tuple(found))
        if len(orders) == 2:
            return
    pytest.fail("always in the same order")


@covers("HA_7_2_15", "10.5.1-11", "10.5.1-14")
def test_several_addresses(link):
    """All addresses of a home agent are there, in an order that changes."""
    site, make = link
    agent, = make(n_addresses=3)
    agent.advertise(HOME_AGENT_PREFERENCE + 1)
    orders = set()
    for _ in range(40):
        found = addresses(site)
        assert sorted(found[:3]) == sorted(agent.addresses) and found[3:] == [site.ha]
        orders.add(tuple(found))
        if len(orders) > 1:
            return
    pytest.fail("always in the same order")


@pytest.mark.parametrize("preference", [case("HA_7_3_1", 50), case("HA_7_3_2", None)])
@covers("10.5.1-04", "10.5.1-03", "10.5.1-06")
def test_lifetime_zero(link, preference):
    """Lifetime 0, the option's or without it the router's: gone at once; and not new either."""
    site, make = link
    known, new = make(2)
    known.advertise(preference)
    assert those_of(addresses(site), [known]) == known.addresses
    for agent in (known, new):
        agent.advertise(preference, lifetime=0, router_lifetime=1800 if preference else 0)
    assert addresses(site) == [site.ha]


@covers("10.5.1-03")
def test_lifetime_of_option(link):
    """The option's lifetime counts, not the router's: no default router is a home agent."""
    site, make = link
    agent, = make()
    agent.advertise(50, router_lifetime=0)
    assert those_of(addresses(site), [agent]) == agent.addresses


@covers("HA_7_4_1", "10.5.1-01")
def test_no_home_agent(link):
    """Without the H bit a router is not in the list; one that was there is gone."""
    site, make = link
    known, new = make(2)
    known.advertise(50)
    assert those_of(addresses(site), [known]) == known.addresses
    for agent in (known, new):
        agent.advertise(50, h=False)
    assert addresses(site) == [site.ha]


@covers("HA_7_4_2", "10.5.1-07")
def test_no_router_address(link):
    """A prefix without the R bit is no address."""
    site, make = link
    agent, = make()
    agent.advertise(50, r=False)
    assert addresses(site) == [site.ha]


@covers("10.1-02")
def test_prefix_invalid(link):
    """An address goes when its prefix has become invalid."""
    site, make = link
    agent, = make()
    agent.advertise(50)
    assert those_of(addresses(site), [agent]) == agent.addresses
    agent.advertise(50, valid=0)
    assert addresses(site) == [site.ha]


@covers("10.5.1-01")
def test_bad_advertisement(link):
    """What no router on the link can have sent (RFC 4861 6.1.2) is not believed."""
    site, make = link
    agent, = make()
    for what in ({"link_local": "2001:db8:a::1"}, {"hop_limit": 64}):
        body = struct.pack("!BBHII", 64, 0x20, 1800, 0, 0) \
            + struct.pack("!BBBBIII", 3, 4, 64, 0x20, 3600, 3600, 0) + p.pton(agent.addresses[0])
        site.send("home", p.icmp6(what.get("link_local", agent.link_local), p.ALL_NODES, 134, 0,
                                  body, what.get("hop_limit", 255)), agent.mac)
    assert addresses(site) == [site.ha]


@covers("HA_7_5_1", "10.5.1-15", "10.5.1-16")
def test_many(link):
    """More addresses than fit into 1280 octets: those of the highest preference are sent."""
    site, make = link
    agents = make(26, n_addresses=3)
    for preference, agent in enumerate(agents, HOME_AGENT_PREFERENCE + 1):
        agent.advertise(preference)
    found = addresses(site)
    room = (1280 - 48) // 16
    assert room - 3 < len(found) <= room, "what fits, but not half a home agent more"
    assert len(set(found)) == len(found)
    for i, agent in enumerate(reversed(agents)):
        assert set(found[3 * i:3 * i + 3]) <= set(agent.addresses)


@pytest.mark.parametrize("preference", [case("HA_7_2_10", 50), case("HA_7_2_11", None)])
@covers("10.1-03", "10.5.1-03", "10.5.1-08", "10.5.1-09")
def test_expiry(link, preference):
    """An entry stays for its lifetime, and goes then."""
    site, make = link
    agent, = make()
    start = time.monotonic()
    agent.advertise(preference, lifetime=2, router_lifetime=9000 if preference else 2)
    while time.monotonic() < start + 1.5:
        assert those_of(addresses(site), [agent]) == agent.addresses
        time.sleep(0.2)
    time.sleep(max(0, start + 2.1 - time.monotonic()))
    assert addresses(site) == [site.ha]


@covers("HA_7_2_13", "10.5.1-05")
def test_lifetime_changes(link):
    """A new lifetime of a known home agent replaces the old one, longer or shorter."""
    site, make = link
    longer, shorter = make(2)
    longer.advertise(50, lifetime=1)
    longer.advertise(50, lifetime=1800)
    shorter.advertise(51, lifetime=1800)
    shorter.advertise(51, lifetime=1)
    time.sleep(1.2)
    assert addresses(site) == [*longer.addresses, site.ha]


@covers("8.4-08", "10.1-04")
def test_each_link(sites):
    """What is heard on one link is not told of the home network of another."""
    site = sites("links")
    here, = [Agent(site)]
    here.advertise(50)
    assert addresses(site) == [*here.addresses, site.ha]
    there = request(site, dst=site.other_anycast)
    f = site.expect(p.is_icmp6(145), what="a reply")
    assert struct.unpack_from("!H", f.ip_octets, 44)[0] == there
    assert f.ip_octets[48:] == p.pton(site.other_ha)


@covers("10.5.1-11", "10.5.1-14")
def test_own_addresses(sites):
    """All of this home agent's own global addresses on the link are there."""
    site = sites("two")
    assert sorted(addresses(site)) == sorted([site.ha, site.second_ha])
