# SPDX-License-Identifier: BSD-2-Clause
"""Home agent address discovery (RFC 6275 6.5, 6.6, 11.4.1): the home link's advertisement says
that there is a home agent, but not its address."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import STRANGER
from table import covers
from test_mn_update import good_registration

HA1, HA2, HA3 = "2001:db8:1:1::a1", "2001:db8:1:1::a2", "2001:db8:1:1::a3"


class Request(m.Signal):
    """A Home Agent Address Discovery Request."""

    def __init__(self, frame):
        super().__init__(frame)
        assert self.proto == p.ICMP6 and self.payload[:2] == b"\x90\0" and len(self.payload) == 8
        self.ident, self.reserved = struct.unpack_from("!HH", self.payload, 4)
        assert self.checksum_good() and self.reserved == 0


def request(mn, within=5.0):
    return Request(mn.expect(p.is_icmp6(144), within=within,
                             what="a Home Agent Address Discovery Request"))


def reply(mn, r, addresses, src=None, **o):
    mn.send(m.discovery_reply(src or addresses[0], o.pop("dst", r.src), o.pop("ident", r.ident),
                              addresses, **o))


def away(mobile, **o):
    """A node that is away with a flow, whose home agent nobody has told it: (mn, flow, its
    request)."""
    mn = mobile(kinds=("nameless", "host"), **o)
    flow = mn.begin()
    while mn.take(p.is_icmp6(144)):
        pass
    mn.go(mn.visited)
    return mn, flow, request(mn)


@covers("MN-5-1-1-1-005", "11.4.1-01", "11.4.1-02", "11.4.1-10", "8.5-15")
def test_request(mobile):
    """To the anycast address of the home prefix, from the care-of address."""
    mn, _, r = away(mobile)
    assert (r.src, r.dst) == (mn.visited.address_of(mn.mac()), mn.home.anycast)
    assert r.hao is None and r.hop_limit > 1
    mn.no_update()


@covers("MN-5-1-1-1-001", "MN-5-1-2-1-002", "11.4.1-01", "11.4.1-02")
def test_at_home(mobile):
    """At home it may be asked already; then nothing is asked away."""
    mn = mobile(kinds=("nameless", "host"))
    flow = mn.begin()
    r = request(mn)
    assert (r.src, r.dst) == (mn.hoa, mn.home.anycast)
    reply(mn, r, [HA1])
    mn.until(lambda: mn.anchor(mn.hoa)["ha"] == HA1, "its home agent")
    update = mn.leave()
    assert update.dst == HA1
    mn.holds(flow, mn.accept(update))


@pytest.mark.parametrize("reserved", [0, 0xFFFF])
@covers("MN-5-1-2-1-016", "MN-5-1-2-1-021", "MN-5-1-2-1-026", "11.4.1-03", "8.5-15")
def test_reply(mobile, reserved):
    """The first of the reply gets the registration."""
    mn, flow, r = away(mobile)
    mn.home.ha = HA1
    reply(mn, r, [HA1, HA2], reserved=reserved)
    update = mn.update()
    good_registration(update, mn.home, r.src, mn.hoa)
    mn.holds(flow, mn.accept(update))


@covers("MN-5-1-2-1-027", "11.4.1-05")
def test_reply_of_second(mobile):
    """Whoever sends the reply: its order counts."""
    mn, flow, r = away(mobile)
    reply(mn, r, [HA1, HA2], src=HA2)
    update = mn.update()
    assert update.dst == HA1
    mn.holds(flow, mn.accept(update))


@covers("MN-5-1-2-1-028", "11.4.1-04", "11.4.1-05", "11.4.1-06", "11.4.1-09", "11.7.1-16")
def test_next_after_refusal(mobile):
    """The first refuses: the second is tried, but not at once; then the third."""
    mn, flow, r = away(mobile)
    reply(mn, r, [HA1, HA2, HA3])
    first = mn.update()
    mn.acknowledge(first, status=130, lifetime=0)
    second = m.Update(mn.expect(m.is_update(ha=HA2), what="a Binding Update to the second"))
    assert second.frame.time - first.frame.time > 1.3
    mn.acknowledge(second, status=128, lifetime=0)
    third = m.Update(mn.expect(m.is_update(ha=HA3), what="a Binding Update to the third"))
    assert third.frame.time - second.frame.time > 1.3
    mn.holds(flow, mn.accept(third))


@covers("MN-5-1-2-1-029", "11.4.1-09")
def test_refused_by_first(mobile):
    """Status 131, "not home agent for this mobile node", of the first: the second holds it."""
    mn, flow, r = away(mobile)
    reply(mn, r, [HA1, HA2])
    mn.acknowledge(mn.update(), status=133, lifetime=0)
    update = m.Update(mn.expect(m.is_update(ha=HA2), what="a Binding Update to the second"))
    mn.holds(flow, mn.accept(update))


@covers("11.4.1-08", "11.4.1-06")
def test_current_first(mobile):
    """A later registration goes to the home agent that holds the binding."""
    mn = mobile(kinds=("nameless", "host", "host"))
    flow = mn.begin()
    mn.go(mn.visited)
    while True:                         # one that was sent at home is of no use any more
        r = request(mn)
        if r.src == mn.visited.address_of(mn.mac()):
            break
    reply(mn, r, [HA1, HA2])
    mn.acknowledge(mn.update(), status=130, lifetime=0)
    mn.accept(m.Update(mn.expect(m.is_update(ha=HA2), what="a Binding Update to the second")))
    mn.go(mn.routers[2])
    update = mn.update()
    assert update.dst == HA2
    mn.holds(flow, mn.accept(update))


@pytest.mark.parametrize("wrong", [{"ident": -1}, {"src": "ff02::1"}, {"addresses": ["::"]},
                                   {"addresses": ["ff0e::1"]}, {"addresses": ["fe80::1"]},
                                   {"addresses": []}],
                         ids=["identifier", "source", "unspecified", "multicast", "link-local",
                              "empty"])
@covers("11.4.1-03")
def test_wrong_reply(mobile, wrong):
    """Not the answer to the request, or no address that could be a home agent's: nothing."""
    mn, flow, r = away(mobile)
    wrong = dict(wrong)
    if "ident" in wrong:
        wrong["ident"] = r.ident ^ 0x0101
    reply(mn, r, wrong.pop("addresses", [STRANGER]), **{"src": HA1, **wrong})
    mn.no_update()
    reply(mn, r, [HA2])
    update = mn.update()
    assert update.dst == HA2
    mn.holds(flow, mn.accept(update))
