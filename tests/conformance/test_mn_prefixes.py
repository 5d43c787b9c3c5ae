# SPDX-License-Identifier: BSD-2-Clause
"""Mobile prefix discovery (RFC 6275 6.7, 6.8, 11.4.2, 11.4.3). A solicitation is brought about
by an advertisement that nobody asked for, or by status 1."""

import mn_packets as m
import packets as p
import pytest
from mn_world import STRANGER
from table import case, covers
from test_mn_ack import is_answer

HOURS = 3600
NEW = "2001:db8:98:1::"


def prefix(mn, valid=9 * HOURS, preferred=None, address=None):
    return m.prefix_information(address or mn.home.prefix, m.AUTO, valid,
                                valid // 2 if preferred is None else preferred)


def advertise(mn, update, ident, options=None, **o):
    """A Mobile Prefix Advertisement of the home agent to the care-of address."""
    mn.send(m.mobile_prefix_advertisement(o.pop("ha", update.dst), o.pop("coa", update.coa),
                                          mn.hoa, ident, prefix(mn) if options is None else options,
                                          **o))


def solicitation(mn, within=5.0):
    return m.Solicitation(mn.expect(p.is_icmp6(146), within=within,
                                    what="a Mobile Prefix Solicitation"))


def solicited(mobile, **o):
    """A bound node that has sent a solicitation: (mn, flow, update, solicitation)."""
    mn = mobile(**o)
    mn.home.valid, mn.home.preferred = 3 * HOURS, HOURS
    flow, update = mn.bind()
    advertise(mn, update, 0)
    return mn, flow, update, solicitation(mn)


def remaining(mn):
    return mn.anchor(mn.hoa)["prefix_remaining_s"]


def renewed(mn):
    mn.until(lambda: remaining(mn) > 8 * HOURS, "the new lifetime")


def not_renewed(mn, update, s):
    """What came does not count, and is not answered; a good one still does."""
    mn.nothing(lambda f: is_answer(f) or p.is_icmp6(146)(f), what="an answer")
    assert remaining(mn) <= 3 * HOURS
    advertise(mn, update, s.ident)
    renewed(mn)


@covers("MN-4-1-1-1-002", "8.5-02", "6.7-01", "6.3-01", "6.3-03", "11.4.2-02", "11.4.3-06",
        "11.4.3-07")
def test_solicitation(mobile):
    """An unsolicited advertisement is not believed, but asked about."""
    mn, _, update, s = solicited(mobile)
    assert (s.src, s.dst) == (update.coa, update.dst)
    (at, hao), = s.haos
    assert hao == mn.hoa and at % 8 == 6 and s.headers == [p.DSTOPTS]
    assert s.checksum_good(), "with the home address in the pseudo-header"
    assert s.reserved == 0 and len(s.payload) == 8 and s.hop_limit > 1
    assert remaining(mn) <= 3 * HOURS


@covers("11.4.2-04")
def test_identifier(mobile):
    """Another one each time."""
    assert len({solicited(mobile)[3].ident for _ in range(4)}) > 1


@covers("MN-4-2-1-1-001", "8.5-14", "11.4.3-05", "11.4.3-08", "MN-4-2-1-1-004")
def test_solicited(mobile):
    """The answer renews the home address's lifetime."""
    mn, flow, update, s = solicited(mobile)
    advertise(mn, update, s.ident)
    renewed(mn)
    mn.holds(flow, update)


@covers("MN-4-2-1-1-015", "6.8-01")
def test_reserved(mobile):
    """Something in the reserved field."""
    mn, _, update, s = solicited(mobile)
    advertise(mn, update, s.ident, flags=0x3FFF)
    renewed(mn)


@covers("MN-4-2-1-1-019", "11.4.3-08")
def test_unknown_option(mobile):
    """An option that is not known is skipped."""
    mn, _, update, s = solicited(mobile)
    advertise(mn, update, s.ident, b"\x63\1" + bytes(6) + prefix(mn))
    renewed(mn)


@pytest.mark.parametrize("options", [
    lambda mn: prefix(mn, address=NEW),
    lambda mn: prefix(mn, 9 * HOURS, 10 * HOURS),
    lambda mn: b"\x03\0" + prefix(mn)[2:], lambda mn: prefix(mn)[:24],
    lambda mn: m.prefix_information(mn.home.prefix, m.AUTO, plen=129),
    lambda mn: b""], ids=["another", "preferred longer than valid", "length 0", "cut off",
                          "of 129 bits", "none"])
@covers("11.4.3-08")
def test_useless(mobile, options):
    """Prefixes that say nothing of the home address, or are wrong, change nothing."""
    mn, flow, update, s = solicited(mobile)
    advertise(mn, update, s.ident, options(mn))
    mn.fence()
    assert remaining(mn) <= 3 * HOURS
    mn.holds(flow, update)


@pytest.mark.parametrize("wrong", [
    case(("MN-4-2-1-1-012", "11.4.3-01"), {"ha": STRANGER}),
    case(("MN-4-2-1-1-012", "11.4.3-01"), {"ha": "2001:db8:2::1"}),
    case(("MN-4-2-1-1-013", "11.4.3-04"), {"routing": None}),
    case(("11.3.3-05", "11.4.3-04"), {"routing": STRANGER}),
    case(("11.3.3-03", "11.4.3-04"), {"long_routing": True}),
    case(("11.3.3-04", "11.4.3-04"), {"segments_left": 2}),
    case(("11.3.3-04", "11.4.3-04"), {"segments_left": 0})])
def test_wrong(mobile, wrong):
    """Not from the home agent, or not by a right routing header: discarded in silence."""
    mn, _, update, s = solicited(mobile)
    advertise(mn, update, s.ident, **wrong)
    not_renewed(mn, update, s)


@covers("MN-4-2-1-1-014", "11.4.3-05", "11.4.3-06")
def test_wrong_identifier(mobile):
    """Not the number that was asked with. (A further solicitation may come, but not at once.)"""
    mn, _, update, s = solicited(mobile)
    advertise(mn, update, s.ident ^ 0x0101)
    not_renewed(mn, update, s)


@covers("11.4.3-05", "11.4.3-06")
def test_once(mobile):
    """A number is good for one answer."""
    mn, _, update, s = solicited(mobile)
    advertise(mn, update, s.ident)
    renewed(mn)
    advertise(mn, update, s.ident, prefix(mn, 20 * HOURS))
    mn.fence()
    assert remaining(mn) <= 9 * HOURS


@covers("11.4.3-01", "11.4.3-02", "11.4.3-03")
def test_not_registered(mobile):
    """At home, or not registered yet, there is no home agent from which one could come."""
    mn = mobile()
    mn.home.valid, mn.home.preferred = 3 * HOURS, HOURS
    mn.begin()
    mn.send(m.mobile_prefix_advertisement(mn.home.ha, mn.hoa, mn.hoa, 0, prefix(mn)))
    mn.send(m.mobile_prefix_advertisement(STRANGER, mn.hoa, mn.hoa, 0, prefix(mn), routing=mn.hoa))
    mn.nothing(lambda f: is_answer(f) or p.is_icmp6(146)(f), what="an answer")
    assert remaining(mn) <= 3 * HOURS


@covers("MN-2-1-2-1-005", "11.4.3-08", "11.4.2-06")
def test_shortened(mobile):
    """The home prefix is to end in two minutes. An advertisement is not authenticated: by the
    rule for others that are not (RFC 4862 5.5.3 e) it makes no lifetime shorter than two hours.
    The next update asks for no more than is left."""
    mn, flow, update, s = solicited(mobile)
    advertise(mn, update, s.ident, prefix(mn, 120, 60))
    mn.until(lambda: remaining(mn) <= 2 * HOURS, "a shorter lifetime")
    assert remaining(mn) > 2 * HOURS - 60
    mn.send(m.refresh_request(update.dst, update.coa, mn.hoa))
    again = mn.update()
    assert again.lifetime * 4 <= 2 * HOURS
    mn.holds(flow, mn.accept(again))
