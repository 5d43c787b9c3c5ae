# SPDX-License-Identifier: BSD-2-Clause
"""Homes that are configured, as plain RFC 6275 has them (11.5.2, 11.4.1, 11.7.1): the host knows
its home prefix, wherever it is, and is registered without any flow."""

import mn_packets as m
import packets as p
import pytest
from mn_world import KEY, STRANGER
from table import covers
from test_mn_discovery import HA1, HA2, reply, request
from test_mn_update import good_format, good_registration

PREFIX, HOA, HA = "2001:db8:1:1::", "2001:db8:1:1::a5", "2001:db8:1:1::1"


def home(*statements):
    return f"home office {{ prefix {PREFIX}/64; {' '.join(statements)} }}\n"


FULL = home(f"address {HOA};", f"home-agent {HA};", "key 256;")


def configured(mobile, text=FULL, **o):
    mn = mobile(configuration=text, kinds=("shared", "host", "host"), **o)
    mn.hoa = HOA
    return mn


@covers("MN-3-1-1-1-010", "11.5.2-02", "11.7.1-01", "11.7.1-04", "11.7.1-05", "11.7.1-06",
        "11.7.1-08", "8.5-11")
def test_away(mobile):
    """Started away: registered at once, and reached."""
    mn = configured(mobile)
    mn.go(mn.visited)
    update = mn.update()
    good_registration(update, mn.home, mn.visited.address_of(mn.mac()), HOA)
    mn.accept(update)
    flow = mn.flow(HOA)
    mn.holds(flow, update)


@covers("MN-3-1-1-1-009", "11.5.2-01", "11.5.2-02")
def test_at_home(mobile):
    """Started where the home prefix is advertised: at home, with that address, and nothing is
    registered; away from there it is."""
    mn = configured(mobile)
    mn.go(mn.home)
    mn.until(lambda: mn.state() == "attached", "at home")
    mn.no_update()
    mn.go(mn.visited)
    good_registration(mn.update(), mn.home, mn.visited.address_of(mn.mac()), HOA)


@covers("MN-2-1-3-1-001", "11.5.5-01", "11.5.5-03", "11.5.5-04", "11.5.5-05", "11.5.5-06")
def test_return(mobile):
    """Home from away: de-registered, and an ordinary address."""
    mn = configured(mobile)
    mn.go(mn.visited)
    mn.accept(mn.update())
    mn.go(mn.home)
    update = mn.update()
    good_format(update)
    assert (update.src, update.hoa, update.coa, update.lifetime) == (HOA, HOA, HOA, 0)
    assert update.flags & (p.A | p.H) == p.A | p.H
    mn.acknowledge(update)
    mn.until(lambda: mn.state() == "attached", "at home")
    mn.forget_updates()
    mn.speaks_directly(mn.flow(HOA))


@covers("11.5.5-11")
def test_no_detection_on_return(mobile):
    """The address is put on the home link without duplicate address detection: the home agent
    may defend it still."""
    mn = configured(mobile, dad=True)
    mn.go(mn.visited)
    mn.accept(mn.update())
    mn.inbox.clear()
    mn.go(mn.home)
    update = mn.update()
    mn.listen(1.5)
    found = [f for f in mn.inbox if p.is_ns(HOA)(f) and f.src == p.UNSPECIFIED]
    assert update.lifetime == 0 and not found


@covers("11.5.5-13")
def test_detection(mobile):
    """Without any binding it is put there with duplicate address detection."""
    mn = configured(mobile, dad=True)
    mn.go(mn.home)
    mn.expect(lambda f: p.is_ns(HOA)(f) and f.src == p.UNSPECIFIED,
              what="duplicate address detection")


@covers("11.7.1-23", "11.7.2-03")
def test_move(mobile):
    """It follows from place to place."""
    mn = configured(mobile)
    mn.go(mn.visited)
    first = mn.accept(mn.update())
    mn.go(mn.routers[2])
    second = mn.update()
    good_registration(second, mn.home, mn.routers[2].address_of(mn.mac()), HOA)
    assert 0 < (second.seq - first.seq) & 0xFFFF < 0x8000
    mn.accept(second)
    mn.holds(mn.flow(HOA), second)


@covers("MN-5-1-1-1-005", "MN-5-1-2-1-016", "MN-5-1-2-1-028", "8.5-15", "11.4.1-01", "11.4.1-02",
        "11.4.1-05")
def test_discovery(mobile):
    """Without a home agent in the configuration the home link is asked who is one."""
    mn = configured(mobile, home(f"address {HOA};"))
    mn.go(mn.visited)
    r = request(mn)
    assert (r.src, r.dst) == (mn.visited.address_of(mn.mac()), mn.home.anycast)
    mn.no_update()
    reply(mn, r, [HA1, HA2])
    first = mn.update()
    assert first.dst == HA1
    mn.acknowledge(first, status=130, lifetime=0)
    update = m.Update(mn.expect(m.is_update(ha=HA2), what="a Binding Update to the second"))
    mn.accept(update)
    mn.holds(mn.flow(HOA), update)


@covers("11.7.1-07", "11.7.1-08", "11.7.1-19")
def test_without_key(mobile):
    """For home agents that know no authentication but IPsec: an update without the option, as
    the configuration says explicitly."""
    mn = configured(mobile, home(f"address {HOA};", f"home-agent {HA};",
                                 "unauthenticated-registration insecure-allow;"), keys="")
    mn.go(mn.visited)
    update = mn.update()
    good_format(update)
    assert update.option(m.AUTH) is None
    assert update.alt == update.src == mn.visited.address_of(mn.mac()) and update.hao == HOA
    mn.key = None
    mn.accept(update)
    mn.holds(mn.flow(HOA), update)


@pytest.mark.parametrize("wrong", [{"source": STRANGER}, {"seq": 1}, {"routing": STRANGER}],
                         ids=["source", "number", "address"])
@covers("11.7.3-01", "11.7.3-03")
def test_without_key_ignored(mobile, wrong):
    """Such a home agent's acknowledgement is looked at all the same."""
    mn = configured(mobile, home(f"address {HOA};", f"home-agent {HA};",
                                 "unauthenticated-registration insecure-allow;"), keys="")
    mn.key = None
    mn.go(mn.visited)
    update = mn.update()
    mn.acknowledge(update, **({"seq": update.seq + 77} if "seq" in wrong else wrong))
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)


@covers("11.7.3-01", "4285-5.1-05")
def test_with_key_unsigned(mobile):
    """With a key nothing without an authenticator is believed."""
    mn = configured(mobile)
    mn.go(mn.visited)
    update = mn.update()
    mn.acknowledge(update, key=None)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)
    assert mn.key is KEY


@covers("11.7.1-24", "MN-2-2-1-1-009")
def test_duplicate(mobile):
    """After status 134 the address is not registered again, not from elsewhere either."""
    mn = configured(mobile)
    mn.go(mn.visited)
    mn.acknowledge(mn.update(), status=134, lifetime=0)
    mn.until(lambda: mn.state() == "refused", "refused")
    mn.forget_updates()
    mn.settle(mn.routers[2])
    mn.no_update()
