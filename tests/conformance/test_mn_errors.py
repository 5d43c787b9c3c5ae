# SPDX-License-Identifier: BSD-2-Clause
"""Binding Errors and ICMPv6 errors that come (RFC 6275 11.3.5, 11.3.6)."""

import mn_packets as m
import packets as p
import pytest
from mn_world import CN, STRANGER
from table import covers

UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION = 1, 2


@covers("MN-3-3-1-2-004", "11.3.6-02", "8.5-06")
def test_unknown_binding(mobile):
    """Status 1 from the home agent: it has forgotten the binding, and is told again."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.binding_error(update.dst, update.coa, mn.hoa, 1))
    again = mn.update()
    assert (again.dst, again.hoa, again.coa) == (update.dst, update.hoa, update.coa)
    assert again.lifetime > 0 and again.seq != update.seq
    mn.accept(again)
    mn.holds(flow, again)


@pytest.mark.parametrize("status", [1, 2, 77])
@covers("MN-3-3-1-2-007", "11.3.6-01")
def test_stranger(mobile, status):
    """From somebody who is no home agent of ours: ignored."""
    mn = mobile()
    flow, update = mn.bind()
    for src in (STRANGER, mn.visited.ha):
        mn.send(m.binding_error(src, update.coa, mn.hoa, status))
    mn.no_update()
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("11.3.6-01")
def test_other_address(mobile):
    """From the home agent, but about an address that is not ours: ignored."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.binding_error(update.dst, update.coa, STRANGER, 1))
    mn.no_update()
    mn.holds(flow, update)


@covers("11.3.6-05")
def test_unknown_type_unasked(mobile):
    """Status 2 when nothing is awaited: ignored."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.binding_error(update.dst, update.coa, mn.hoa, 2))
    mn.no_update()
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("11.3.5-01", "8.5-07")
@pytest.mark.parametrize("what", ["payload", "other update", "nothing"])
def test_no_mobility_forged(mobile, what):
    """One that quotes what was not sent is not believed."""
    mn = mobile()
    flow, update = mn.bind()
    quoted = {"payload": flow.packet(b"x"), "nothing": b"",
              "other update": p.binding_update(STRANGER, update.dst, update.coa, 1, mn.key)}[what]
    mn.send(m.icmp6_error(update.dst, update.coa, 4, UNRECOGNIZED_NEXT_HEADER, quoted, 40))
    mn.fence()
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("11.3.5-03")
def test_no_new_entry(mobile):
    """An error for an address that is not registered makes no entry, and no update."""
    mn = mobile()
    mn.begin()
    before = len(mn.status()["anchors"])
    about = p.binding_update(mn.hoa, STRANGER, mn.hoa, 5, mn.key)
    for kind, code in ((4, 1), (4, 2), (1, 3)):
        mn.send(m.icmp6_error(STRANGER, mn.hoa, kind, code, about, 40))
    mn.no_update()
    assert len(mn.status()["anchors"]) == before


@covers("11.3.5-04")
def test_no_home_address_option(mobile):
    """Parameter problem code 2: said, and otherwise no matter; the binding stays."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.icmp6_error(CN, update.coa, 4, UNRECOGNIZED_OPTION, update.frame.ip_octets, 46))
    mn.fence()
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("8.5-07")
@pytest.mark.parametrize("kind,code", [(1, 0), (1, 3), (3, 0)])
def test_unreachable(mobile, kind, code):
    """The way to the home agent is broken, says a router: it is asked again all the same, and the
    binding that is accepted then works."""
    mn = mobile()
    flow = mn.begin()
    update = mn.leave()
    mn.send(m.icmp6_error("2001:db8:77::1", update.coa, kind, code, update.frame.ip_octets))
    again = mn.update()
    mn.accept(again)
    mn.holds(flow, again)
