# SPDX-License-Identifier: BSD-2-Clause
"""De-registration (RFC 6275 10.3.2), from away and from home, with and without the Home
Address option."""

import packets as p
import pytest
from table import case, covers
from test_registration import good_ack, good_addresses
from world import REAL, VIRTUAL

A1, A0 = p.A | p.H, p.H

# The ways: at home or away, lifetime, with the Home Address option, flags.
AWAY = (False, 0, True)
HOME, HOME_BY_ADDRESS = (True, 0, True), (True, 105, True)
HOME_BARE, HOME_BARE_BY_ADDRESS = (True, 0, False), (True, 105, False)


def cases(group, order):
    return [case(f"HA_3_{group}_{n}", name, way, flags)
            for n, (name, way, flags) in enumerate(order, 1)]


WAYS = [
    (REAL, AWAY, A1), (REAL, HOME, A1), (REAL, HOME_BY_ADDRESS, A1), (REAL, HOME_BARE, A1),
    (REAL, HOME_BARE_BY_ADDRESS, A1), (REAL, AWAY, A0), (REAL, HOME, A0),
    (REAL, HOME_BY_ADDRESS, A0), (REAL, HOME_BARE, A0), (REAL, HOME_BARE_BY_ADDRESS, A0),
    (VIRTUAL, AWAY, A1), (VIRTUAL, AWAY, A0)]
OLD = [
    (REAL, HOME, A1), (REAL, HOME, A0), (REAL, HOME_BARE, A1), (REAL, HOME_BARE, A0),
    (REAL, HOME_BY_ADDRESS, A1), (REAL, HOME_BY_ADDRESS, A0),
    (REAL, HOME_BARE_BY_ADDRESS, A1), (REAL, HOME_BARE_BY_ADDRESS, A0)]


def leave(node, way, **o):
    """Sends the de-registration that way, and returns the acknowledgement; its addresses are
    looked at already."""
    at_home, lifetime, option = way
    if at_home:
        node.go_home()
    ack = node.ask(lifetime=lifetime, hao=node.hoa if option else None, **o)
    if not at_home:
        good_addresses(node, ack)
        return ack
    # 9.5.4: to the source, which is the home address: no routing header. 10.3.2: on the link.
    assert (ack.src, ack.dst, ack.routing) == (node.site.ha, node.hoa, None)
    assert (ack.frame.link, ack.frame.mac) == ("home", node.mac)
    assert ack.checksum_good(node.hoa)
    assert ack.authentic(node.key, node.hoa, node.hoa)
    return ack


@pytest.mark.parametrize("name,way,flags", cases(1, WAYS))
@covers("10.3.2-03", "10.3.2-04", "10.3.2-05", "10.3.2-06", "10.3.2-07", "10.3.2-08",
        "10.3.2-09", "10.3.2-13", "10.3.2-16", "9.5.1-13", "9.5.4-06", "9.5.4-07", "9.5.4-08",
        "10.3.1-25")
def test_valid(sites, name, way, flags):
    """Accepted, acknowledged, and nothing is tunnelled any more."""
    node = sites(name).node(flags=flags)
    node.register()
    node.holds(node.coa)
    ack = leave(node, way)
    assert (ack.status, ack.seq, ack.lifetime, ack.k, ack.refresh) == (0, node.seq, 0, False, [])
    node.is_unbound()


@pytest.mark.parametrize("name,way,flags", cases(2, WAYS))
@covers("10.3.2-01", "10.3.2-02", "10.3.2-09", "10.3.2-10", "9.5.4-04", "9.5.4-07", "9.5.4-08")
def test_nothing_registered(sites, name, way, flags):
    """Status 133; at home to the link-layer address."""
    node = sites(name).node(flags=flags)
    ack = leave(node, way)
    assert (ack.status, ack.seq) == (133, node.seq)
    node.is_unbound()


@pytest.mark.parametrize("name,way,flags", cases(3, OLD))
@covers("10.3.2-10", "9.5.1-05", "9.5.4-03", "9.5.4-07")
def test_old_number(sites, name, way, flags):
    """Status 135 to the node's link-layer address; the binding stays."""
    node = sites(name).node(flags=flags)
    node.register(seq=15)
    away = node.coa
    ack = leave(node, way, seq=14)
    assert (ack.status, ack.seq) == (135, 15)
    node.coa = away
    node.holds(away)


@pytest.mark.parametrize("name", [REAL, VIRTUAL])
@covers("10.3.2-11", "10.3.2-12", "10.3.2-15")
def test_late_registration(sites, name):
    """A registration from before the return that comes after it: status 135, to the care-of
    address; the node stays at home."""
    node = sites(name).node()
    node.register(seq=15)
    late = node.update(seq=16)
    away = node.coa
    ack = leave(node, HOME, seq=17)
    assert ack.status == 0
    node.site.send("foreign", late)
    ack = node.ack()
    assert (ack.status, ack.seq, ack.dst, ack.routing) == (135, 17, away, node.hoa)
    assert ack.frame.link == "foreign"
    node.is_unbound()


@covers("10.3.2-13", "10.3.2-03")
def test_comes_and_goes(sites):
    """Registered, at home, registered again: each time what was asked for."""
    node = sites("host").node()
    for network in (1, 2):
        node.move(network)
        good_ack(node, node.ask())
        node.holds(node.coa)
        assert leave(node, HOME).status == 0
        node.is_unbound()


@pytest.mark.parametrize("name", [REAL, VIRTUAL])
@covers("10.3.2-09", "10.3.2-10", "9.5.4-07")
def test_home_without_a_word(sites, name):
    """A node that comes home and sends nothing but its de-registration is answered on the
    link, at its link-layer address: refused at first, for an old number, then accepted."""
    node = sites(name).node()
    node.register(seq=15)
    node.coa = node.hoa
    node.site.present[node.hoa] = node.mac
    for seq, status in ((14, 135), (16, 0)):
        ack = node.ask(seq=seq, lifetime=0, hao=None)
        assert (ack.status, ack.dst, ack.routing) == (status, node.hoa, None)
        assert (ack.frame.link, ack.frame.mac) == ("home", node.mac)
    node.is_unbound()
