# SPDX-License-Identifier: BSD-2-Clause
"""Binding Acknowledgements (RFC 6275 11.7.3; RFC 4285)."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import KEY, STRANGER
from table import case, covers

OTHER_KEY = p.Key(256, "99" * 32)
OTHER_SPI = p.Key(258, KEY.secret)
UNKNOWN_OPTION = b"\xc8\x06" + bytes(6)


def is_answer(frame):
    """What a node says to a message that it does not like."""
    return p.is_icmp6(4)(frame) or p.is_icmp6(1)(frame) or p.is_mh(p.BE)(frame)


def stays(mn, update, state="registering"):
    """The packet before changed nothing and was not answered; a good one still counts."""
    mn.nothing(is_answer, what="an answer")
    assert mn.state(update.hoa) == state
    mn.accept(update)


@pytest.mark.parametrize("status", [
    case(("MN-2-2-1-1-001", "11.7.3-04", "MN-2-2-1-1-014"), 0), case("MN-2-2-1-1-002", 1),
    *(case("MN-2-2-1-1-033", x) for x in (2, 63, 127))])
@covers("8.5-12", "11.7.3-04", "8.5-04")
def test_accepted(mobile, status):
    """A status below 128: the binding is there, and used."""
    mn = mobile()
    flow = mn.begin()
    update = mn.leave()
    mn.accept(update, status=status)
    mn.holds(flow, update)


@pytest.mark.parametrize("status", [
    case("MN-2-2-1-1-003", 128), case("MN-2-2-1-1-004", 129), case("MN-2-2-1-1-005", 130),
    case("MN-2-2-1-1-006", 131), case("MN-2-2-1-1-007", 132), case("MN-2-2-1-1-009", 134),
    case("MN-2-2-1-1-035", 255)])
@covers("11.7.3-12", "11.7.3-13")
def test_refused(mobile, status):
    """A status of 128 and more: there is no binding, nothing goes into the tunnel, and it is not
    asked again at once; the reason is shown."""
    mn = mobile()
    flow = mn.begin()
    update = mn.leave()
    mn.acknowledge(update, status=status, lifetime=0)
    mn.until(lambda: mn.state() in (None, "refused"), "refused")
    mn.forget_updates()
    token = flow.send()
    mn.nothing(m.is_in_tunnel(token), what="a packet of the tunnel")
    mn.no_update()


@covers("11.7.1-24")
def test_duplicate(mobile):
    """After status 134 the home address is not registered again, not from elsewhere either."""
    mn = mobile(kinds=("host", "host", "host"))
    mn.begin()
    mn.acknowledge(mn.leave(), status=134, lifetime=0)
    mn.until(lambda: mn.state() in (None, "refused"), "refused")
    mn.forget_updates()
    mn.settle(mn.routers[2])
    mn.no_update()


@covers("11.7.1-25")
def test_others_go_on(mobile):
    """Status 134 for one home address is no matter for the other."""
    mn = mobile(start=False)
    mn.ground.sysctl(mn.box, "net/ipv6/conf/wlan0/use_tempaddr", "2")
    mn.start()
    flow, other = mn.begin_two()
    mn.go(mn.visited)
    refused, update = mn.update(hoa=flow.address), mn.update(hoa=other.address)
    mn.acknowledge(refused, status=134, lifetime=0)
    mn.accept(update)
    mn.holds(other, update)


@pytest.mark.parametrize("wrong", [
    case(("MN-2-2-1-1-038", "11.7.3-01", "4285-5.1-05"), {"no_key": True}),
    case(("11.7.3-01", "4285-5.1-05"), {"bad_mac": True}),
    case(("11.7.3-01", "4285-5.1-05"), {"key": OTHER_KEY}),
    case(("11.7.3-01", "4285-5.1-05"), {"key": OTHER_SPI}),
    case(("11.7.3-01", "4285-5.1-05"), {"spi": 0}),
    case(("11.7.3-02", "4285-5.1-05"), {"behind": UNKNOWN_OPTION}),
    case(("11.7.3-01", "4285-5.1-04"), {"addresses": (STRANGER, STRANGER)}),
    case("11.7.3-01", {"source": STRANGER}),
    case("11.7.3-01", {"source": "2001:db8:2::1"}),
    case("MN-6-2-1-1-004", {"bad_cksum": True}),
    case(("11.3.3-04", "MN-4-1-2-2-005"), {"segments_left": 0}),
    case(("11.3.3-04", "MN-4-1-2-2-005"), {"segments_left": 2}),
    case(("11.3.3-03", "MN-4-1-2-2-004"), {"long_routing": True}),
    case(("11.3.3-05", "MN-4-1-2-2-011"), {"routing": STRANGER}),
    case(("11.3.3-05", "MN-4-1-2-2-011"), {"routing": "ff02::1"}),
    case("11.7.3-01", {"routing": None}),
], ids=lambda w: " ".join(f"{k}={v if not isinstance(v, p.Key) else v.spi}" for k, v in w.items()))
@covers("11.7.3-01")
def test_ignored(mobile, wrong):
    """An acknowledgement that is not right in one thing."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    mn.acknowledge(update, **wrong)
    if "segments_left" in wrong or "long_routing" in wrong or "routing" in wrong:
        # An IPv6 node without a home address answers these, as RFC 8200 4.4 says: silence is
        # asked for by 11.3.3.
        mn.fence()
    stays(mn, update)


@covers("MN-4-1-2-2-010", "11.7.3-01")
def test_old_care_of(mobile):
    """One to a care-of address that is not one any more."""
    mn = mobile(kinds=("host", "host", "host"))
    _, first = mn.bind()
    mn.go(mn.routers[2])
    update = mn.update()
    mn.acknowledge(update, coa=first.coa)
    stays(mn, update)


@pytest.mark.parametrize("far", [1, -1, 0x8000, 0x7FFF, -0x100])
@covers("MN-2-2-1-1-017", "11.7.3-03", "11.1-04")
def test_wrong_number(mobile, far):
    """The number is of no update that was sent."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    mn.acknowledge(update, seq=update.seq + far)
    stays(mn, update)


@covers("11.7.3-03", "11.7.3-05")
def test_second_answer(mobile):
    """A refusal of what was accepted already is no news."""
    mn = mobile()
    flow, update = mn.bind()
    mn.acknowledge(update, status=129, lifetime=0)
    mn.nothing(is_answer, what="an answer")
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("MN-2-2-1-1-039", "6.1.1-04")
def test_reserved_of_header(mobile):
    """Something in the reserved field of the Mobility Header."""
    mn = mobile()
    mn.begin()
    mn.accept(mn.leave(), reserved=0xFF)


@covers("6.1.8-01")
def test_reserved_bits(mobile):
    """Something in the reserved bits of the acknowledgement."""
    mn = mobile()
    mn.begin()
    mn.accept(mn.leave(), low_flags=0x7F)


@pytest.mark.parametrize("options", [UNKNOWN_OPTION, b"\1\6\1\2\3\4\5\6", b"\x7f\x00\x00\x00"],
                         ids=["unknown", "padding", "short"])
@covers("6.2.1-01", "6.2.3-02")
def test_options(mobile, options):
    """Options that say nothing to this node are skipped."""
    mn = mobile()
    mn.begin()
    mn.accept(mn.leave(), options=options)


@covers("MN-2-2-1-1-020", "11.7.3-06")
def test_shorter_lifetime(mobile):
    """Less is granted than was asked for: that counts."""
    mn = mobile()
    mn.bind(lifetime=30)
    entry = mn.anchor(mn.hoa)
    assert entry["lifetime_s"] == 120 and 110 <= entry["remaining_s"] <= 120


@covers("11.7.3-06")
def test_longer_lifetime(mobile):
    """More is granted than was asked for: what was asked for counts."""
    mn = mobile(configuration="binding-lifetime 200s;\n")
    mn.bind(lifetime=5000)
    assert mn.anchor(mn.hoa)["remaining_s"] <= 200


@covers("11.7.1-11", "11.7.3-04")
def test_key_management(mobile):
    """K in an acknowledgement is no cause to set it in an update."""
    mn = mobile(kinds=("host", "host", "host"))
    mn.bind(k=True)
    mn.go(mn.routers[2])
    assert not mn.update().flags & p.K


# ---- status 135 ------------------------------------------------------------------------------

@covers("MN-2-2-1-1-010", "11.7.3-09", "11.7.1-22")
def test_out_of_window(mobile):
    """The number behind the one that the home agent tells is the next."""
    mn = mobile()
    flow = mn.begin()
    old = mn.leave()
    mn.acknowledge(old, status=135, seq=old.seq + 1000, lifetime=0)
    update = mn.update(such=lambda u: u.seq == (old.seq + 1001) & 0xFFFF)
    mn.accept(update)
    mn.holds(flow, update)


@covers("MN-2-2-1-1-016", "11.7.3-09", "11.1-04", "11.7.1-22")
def test_out_of_window_at_the_end(mobile):
    """Behind 65535 comes 0."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    while update.seq < 0x8000:          # from there on 65535 is newer
        told = update.seq + 0x7FFE & 0xFFFF
        mn.acknowledge(update, status=135, seq=told, lifetime=0)
        update = mn.update(such=lambda u, told=told: u.seq > told)
    mn.acknowledge(update, status=135, seq=65535, lifetime=0)
    update = mn.update(such=lambda u: u.seq == 0)
    mn.accept(update)


@pytest.mark.parametrize("wrong", [{"no_key": True}, {"bad_mac": True}], ids=["none", "wrong"])
@covers("11.7.3-10")
def test_out_of_window_not_authentic(mobile, wrong):
    """From who knows whom: ignored."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    mn.acknowledge(update, status=135, seq=update.seq + 1000, lifetime=0, **wrong)
    stays(mn, update)


# ---- status 1 --------------------------------------------------------------------------------

@covers("MN-2-2-1-1-002", "11.7.3-11", "11.7.1-03")
def test_prefix_discovery(mobile):
    """Accepted, but prefix discovery is necessary: a Mobile Prefix Solicitation, and before that
    no other registration."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    mn.accept(update, status=1)
    s = m.Solicitation(mn.expect(p.is_icmp6(146), what="a Mobile Prefix Solicitation"))
    assert (s.src, s.dst, s.hao) == (update.coa, update.dst, mn.hoa)
    mn.no_update()


# ---- timestamps ------------------------------------------------------------------------------

def stamp(value):
    return b"\1\0\x0a\x08" + struct.pack("!Q", value)


def stamped(mobile):
    """A mobile node whose key asks for timestamps, its update and the timestamp of that."""
    mn = mobile(keys=KEY.configuration("timestamp yes;"))
    mn.begin()
    update = mn.leave()
    return mn, update, struct.unpack("!Q", update.option(m.TIMESTAMP)[1][2:])[0]


@pytest.mark.parametrize("options", [lambda t: b"", lambda t: stamp(t + 1), lambda t: stamp(0)],
                         ids=["none", "later", "zero"])
@covers("4285-6-06")
def test_wrong_timestamp(mobile, options):
    """Not the one that was sent."""
    mn, update, sent = stamped(mobile)
    mn.acknowledge(update, options=options(sent))
    mn.nothing(is_answer, what="an answer")
    assert mn.state() == "registering"
    mn.accept(update, options=stamp(sent))


@covers("4285-6-05", "4285-6-03")
def test_clock(mobile):
    """Status 144 brings the home agent's seconds: the next update has them."""
    mn, update, sent = stamped(mobile)
    theirs = (sent & 0xFFFFFFFF) | ((sent >> 32) + 86400) << 32
    mn.acknowledge(update, status=144, lifetime=0, options=stamp(theirs))
    update = mn.update()
    sent = struct.unpack("!Q", update.option(m.TIMESTAMP)[1][2:])[0]
    assert 0 <= sent - theirs < 30 << 32
    mn.accept(update, options=stamp(sent))


@pytest.mark.parametrize("wrong", [{"no_key": True}, {"bad_mac": True}], ids=["none", "wrong"])
@covers("4285-6-04")
def test_clock_not_authentic(mobile, wrong):
    """From who knows whom: the clock stays as it is."""
    mn, update, sent = stamped(mobile)
    theirs = (sent & 0xFFFFFFFF) | ((sent >> 32) + 86400) << 32
    mn.acknowledge(update, status=144, lifetime=0, options=stamp(theirs), **wrong)
    mn.nothing(is_answer, what="an answer")
    assert mn.state() == "registering"
    mn.accept(update, options=stamp(sent))
