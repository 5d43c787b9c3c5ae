# SPDX-License-Identifier: BSD-2-Clause
"""Movement detection and care-of addresses (RFC 6275 11.5.1 to 11.5.4; RFC 4861, 6059)."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import CN, AccessRouter
from table import case, covers, unmet

RETRANS_TIMER = 1.0             # RFC 4861 10: how long a probe waits for an answer
ALL_ROUTERS_MAC = p.multicast_mac(p.ALL_ROUTERS)


def solicitation(mn, within=5.0):
    return mn.expect(p.is_icmp6(133), within=within, what="a Router Solicitation")


def movement(mn, link="wlan"):
    """What the daemon says of that interface; None: it is at no router."""
    return next((a for a in mn.status()["attachments"] if a["interface"] == f"{link}0"), None)


def silent(mn, router):
    """The carrier comes, and nobody answers there yet."""
    router.answers = False
    mn.go(router)
    return solicitation(mn)


# ---- solicitations ---------------------------------------------------------------------------

@pytest.mark.parametrize("dad", [False, True], ids=["address", "tentative"])
@covers("4861-4.1-01", "4861-4.1-02", "4861-4.1-03", "6059-5.4-01", "11.5.1-02")
def test_solicitation(mobile, dad):
    """When the carrier comes, routers are asked for: from the link-local address with the
    link-layer address, or from the unspecified one without. Again until one answers."""
    mn = mobile(dad=dad)
    frames = [silent(mn, mn.home)] + [solicitation(mn) for _ in range(3)]
    for frame in frames:
        nh, at = frame.upper()
        o = frame.ip_octets
        assert (frame.dst, o[7], frame.mac) == (p.ALL_ROUTERS, 255, ALL_ROUTERS_MAC)
        assert p.checksum(frame.src, frame.dst, nh, o[at:]) == 0 and o[at + 1] == 0
        options = o[at + 8:]
        if frame.src == p.UNSPECIFIED:
            assert options == b""
        else:
            assert frame.src == mn.link_local()
            assert options == b"\1\1" + p.mac_octets(mn.mac())


@covers("4861-6.3.7-01")
def test_solicitation_at_once(mobile):
    """The first one does not wait for duplicate address detection, which begins with the
    carrier and would let the kernel ask a second later."""
    mn = mobile(dad=True)
    assert silent(mn, mn.home).src == p.UNSPECIFIED


@covers("4861-6.3.7-02")
def test_solicitations_end(mobile):
    """After an advertisement no more are sent."""
    mn = mobile()
    mn.begin()
    while mn.take(p.is_icmp6(133)):
        pass
    mn.nothing(p.is_icmp6(133), what="a Router Solicitation", quiet=0.8)


# ---- advertisements --------------------------------------------------------------------------

def advertisement(router, **o):
    """The router's advertisement with something wrong. o: code, short (octets are cut off the
    end), bad_cksum, and what router_advertisement() takes."""
    packet = router.advertisement(**{k: v for k, v in o.items() if k not in
                                     ("code", "short", "bad_cksum")})
    src, dst = p.ntop(packet[8:24]), p.ntop(packet[24:40])
    data = bytearray(packet[40:])
    data[1] = o.get("code", 0)
    if "short" in o:
        data = data[:len(data) - o["short"]]
    data[2:4] = b"\0\0"
    c = p.checksum(src, dst, p.ICMP6, bytes(data)) ^ (0x1111 if o.get("bad_cksum") else 0)
    data[2:4] = struct.pack("!H", c)
    return p.ipv6(src, dst, p.ICMP6, bytes(data), packet[7])


@pytest.mark.parametrize("wrong", [
    case("4861-6.1.2-01", {"src": "2001:db8:2::1"}), case("4861-6.1.2-01", {"src": "::"}),
    case("4861-6.1.2-02", {"hop_limit": 64}), case("4861-6.1.2-02", {"hop_limit": 254}),
    case("4861-6.1.2-03", {"bad_cksum": True}), case("4861-6.1.2-04", {"code": 1}),
    case("4861-6.1.2-05", {"options": b"", "short": 4}),
    case("4861-6.1.2-06", {"options": b"\x63\0" + bytes(6)}),
    case("4861-6.1.2-06", {"options": m.prefix_information("2001:db8:2:1::", m.AUTO) + b"\1\0"
                           + bytes(6)})])
def test_wrong_advertisement(mobile, wrong):
    """It is no router; a good one is."""
    mn = mobile()
    flow = mn.begin()
    silent(mn, mn.visited)
    mn.send(advertisement(mn.visited, **wrong))
    mn.no_update()
    assert movement(mn) is None
    mn.advertise()
    mn.holds(flow, mn.accept(mn.update()))


@covers("4861-6.1.2-07")
def test_unknown_options(mobile):
    """Options that say nothing to this node are skipped."""
    mn = mobile()
    mn.visited.more = b"\x63\2" + bytes(14) + m.home_agent_information(5, 600) \
        + m.advertisement_interval(1000) + b"\5\1\0\0" + struct.pack("!I", 1500)
    flow, update = mn.bind()
    mn.holds(flow, update)


@covers("4861-6.3.4-01", "11.5.1-01")
def test_router_ends(mobile):
    """A router lifetime of 0: routers are asked for again, and the next one is taken."""
    mn = mobile()
    flow = mn.begin()
    mn.home.answers = False
    mn.advertise(lifetime=0)
    solicitation(mn)
    mn.at["wlan"] = mn.visited
    mn.advertise()
    mn.holds(flow, mn.accept(mn.update()))


# ---- another router --------------------------------------------------------------------------

def probe(mn, router):
    """The Neighbour Solicitation that asks whether the router is there."""
    frame = mn.expect(lambda f: p.is_ns(router.link_local)(f) and f.dst == router.link_local,
                      what="a unicast Neighbour Solicitation")
    nh, at = frame.upper()
    o = frame.ip_octets
    assert (frame.src, frame.mac, o[7], nh) == (mn.link_local(), router.mac, 255, p.ICMP6)
    assert o[at + 24:] == b"\1\1" + p.mac_octets(mn.mac())
    assert p.checksum(frame.src, frame.dst, nh, o[at:]) == 0
    return frame


@covers("MN-3-3-1-1-002", "11.5.1-04", "11.5.1-07", "4861-7.2.2-01")
def test_other_router(mobile):
    """Another one is heard on the link, and the old one answers: it is kept."""
    mn = mobile()
    flow = mn.begin()
    mn.advertise(mn.visited)
    probe(mn, mn.home)
    mn.no_update()
    assert movement(mn)["router"] == mn.home.link_local
    mn.speaks_directly(flow)


@covers("MN-3-3-1-1-003", "11.5.1-01", "11.5.1-03", "11.5.1-07", "8.5-08")
def test_router_gone(mobile):
    """The old one does not answer: the other one is taken, and what is in use is registered."""
    mn = mobile()
    flow = mn.begin()
    mn.home.reachable = False
    mn.advertise(mn.visited)
    probe(mn, mn.home)
    mn.at["wlan"] = mn.visited
    update = mn.update()
    assert update.coa == mn.visited.address_of(mn.mac())
    mn.holds(flow, mn.accept(update))


@covers("MN-3-3-1-1-002", "11.5.1-04", "11.5.1-07", "4861-7.2.2-01")
def test_other_router_after_move(mobile):
    """The like where it has moved to."""
    mn = mobile(kinds=("host", "host", "host"))
    flow, update = mn.bind()
    mn.advertise(mn.routers[2])
    probe(mn, mn.visited)
    mn.no_update()
    mn.holds(flow, update)


@covers("11.5.1-08", "11.5.1-01")
def test_router_gone_without_prefix(mobile):
    """The other one says nothing of prefixes: routers are asked for by multicast."""
    mn = mobile()
    mn.begin()
    mn.home.reachable = mn.home.answers = False
    while mn.take(p.is_icmp6(133)):
        pass
    mn.advertise(mn.visited, options=b"")
    solicitation(mn)


@pytest.mark.parametrize("seen", [True, False], ids=["carrier", "unseen"])
@covers("MN-3-3-1-1-005", "11.5.1-05")
def test_same_link_local(mobile, seen):
    """The new router has the link-local address of the old one: its R address tells them apart."""
    mn = mobile()
    flow = mn.begin()
    mn.visited.link_local = mn.home.link_local
    if seen:
        mn.go(mn.visited)
    else:
        mn.at["wlan"] = mn.visited
        mn.advertise()
    mn.holds(flow, mn.accept(mn.update()))


@covers("11.5.1-02", "11.5.2-01")
def test_same_router(mobile):
    """The carrier goes and comes, at the same router: nothing is registered."""
    mn = mobile()
    flow = mn.begin()
    mn.settle(mn.home)
    mn.no_update()
    mn.speaks_directly(flow)


@unmet("the kernel keeps its link-local address while the carrier is away, and does not ask again")
@covers("11.5.1-09")
def test_link_local_detection(mobile):
    """After a move duplicate address detection is done for the link-local address."""
    mn = mobile(dad=True)
    mn.settle(mn.home)
    mn.go(mn.visited)
    mn.inbox.clear()
    mn.until(lambda: mn.take(lambda f: p.is_ns(mn.link_local())(f) and f.src == p.UNSPECIFIED),
             "duplicate address detection")


# ---- care-of addresses -----------------------------------------------------------------------

@covers("11.5.3-07", "11.5.3-01")
def test_no_detection_of_care_of(mobile):
    """In a prefix of this host's own there is nobody whose address it could be: the update does
    not wait for duplicate address detection. The kernel's, of the address that it forms for
    itself, may have begun by then: it is not over."""
    mn = mobile(dad=True)
    mn.begin()
    update = mn.leave()
    probe = mn.take(lambda f: p.is_ns(update.coa)(f) and f.src == p.UNSPECIFIED)
    assert not probe or update.frame.time - probe.time < RETRANS_TIMER


@covers("11.5.3-02")
def test_deprecated(mobile):
    """The prefix of the care-of address becomes deprecated, and there is another one: a care-of
    address of that is registered."""
    mn = mobile(kinds=("host", "shared"))
    flow, update = mn.bind()
    new = "2001:db8:99:1::"
    mn.visited.preferred = 0
    mn.visited.more = m.prefix_information(new, m.ONLINK | m.AUTO)
    mn.advertise()
    update = mn.update(within=2.0)
    assert p.pton(update.coa)[:8] == p.pton(new)[:8]
    mn.holds(flow, mn.accept(update))


@covers("11.5.3-03", "11.8-08")
def test_rate_of_moves(mobile):
    """However often it moves, no home agent gets more than three updates in a second."""
    mn = mobile(kinds=("host", "host", "host"))
    mn.begin()
    times = []
    for i in range(16):
        mn.go(mn.routers[1 + i % 2])
        mn.listen(0.12)
        while True:
            frame = mn.take(m.is_update(hoa=mn.hoa))
            if not frame:
                break
            times.append(frame.time)
    assert len(times) >= 4
    for first, fourth in zip(times, times[3:]):
        assert fourth - first > 0.9, f"four updates within {fourth - first:.3f} s"


@covers("MN-3-3-1-1-004", "11.5.4-05")
def test_old_care_of_address(mobile):
    """The care-of address of a link that was left is given up."""
    mn = mobile(kinds=("host", "host", "host"))
    _, first = mn.bind()
    mn.go(mn.routers[2])
    update = mn.accept(mn.update())
    mn.send(p.echo(CN, update.coa, 99))
    mn.expect(p.is_echo(update.coa, CN, 99, kind=129), what="an echo reply")

    def given_up():
        mn.send(p.echo(CN, first.coa, 98))
        mn.listen(0.1)
        return not mn.take(p.is_echo(first.coa, CN, 98, kind=129))
    mn.until(given_up, "given up, so that no echo reply comes from it")


@covers("11.5.4-04", "11.5.3-04")
def test_previous_care_of_address(mobile):
    """With two links, after the preferred one is registered: what comes to the care-of address
    of the other one is still taken."""
    mn = mobile(links=("dock", "wlan"), kinds=("host", "host", "host"))
    flow, first = mn.bind()
    mn.go(mn.routers[2], "dock")
    second = mn.update()
    assert second.coa == mn.routers[2].address_of(mn.mac("dock"))
    mn.accept(second)
    mn.holds(flow, second)
    mn.reaches_by_tunnel(flow, first.coa, first.dst, "wlan")


@covers("11.5.3-05", "MN-3-1-1-1-001", "MN-3-2-1-1-001")
@pytest.mark.parametrize("kind", ["host", "shared"])
def test_autoconfiguration(mobile, kind):
    """Home addresses and care-of addresses are those of stateless autoconfiguration."""
    mn = mobile(kinds=(kind, kind))
    flow = mn.begin()
    assert mn.hoa == mn.home.address_of(mn.mac())
    update = mn.leave()
    assert p.pton(update.coa)[:8] == p.pton(mn.visited.prefix)[:8]
    mn.holds(flow, mn.accept(update))
    assert mn.flow(p.UNSPECIFIED).sock.getsockname()[0] == mn.visited.address_of(mn.mac()) \
        or kind == "shared", "so are those of what is new"


@covers("11.5.2-01")
def test_home_again(mobile):
    """A router with another link-local address that advertises the home prefix and the home
    agent is at home."""
    mn = mobile()
    mn.begin()
    other = AccessRouter(7)
    other.prefix, other.ha = mn.home.prefix, mn.home.ha
    mn.accept(mn.leave())
    mn.go(other)
    update = mn.update()
    assert update.lifetime == 0 and update.coa == mn.hoa
