# SPDX-License-Identifier: BSD-2-Clause
"""Mobile nodes of RFC 6275 alone, which know no authentication option, where the configuration
lets them in (unauthenticated-registration insecure-allow); nowhere else are they answered
(test_unauthorized)."""

import packets as p
import pytest
from table import covers


def plain_ack(node, ack, status, seq):
    """An acknowledgement without any option, to a node that is away."""
    assert (ack.status, ack.seq) == (status, seq)
    assert (ack.src, ack.dst, ack.routing) == (node.site.ha, node.coa, node.hoa)
    assert ack.checksum_good(node.hoa)
    assert list(ack.options()) == []


@pytest.fixture(name="node")
def node_fixture(sites):
    return sites("open").node(key=None)


@pytest.mark.parametrize("flags", [p.A | p.H, p.H], ids=["A=1", "A=0"])
@covers("9.3.1-02", "10.3.1-11", "10.3.1-25", "10.3.1-28", "10.3.2-03", "10.3.2-07")
def test_plain(node, flags):
    """Registration, move, refusal of an old number, de-registration."""
    plain_ack(node, node.ask(flags=flags, seq=15), 0, 15)
    node.holds(node.coa)
    node.move(2)
    plain_ack(node, node.ask(flags=flags, seq=15), 135, 15)
    node.holds(node.visit(1))
    plain_ack(node, node.ask(flags=flags, seq=16), 0, 16)
    node.holds(node.coa)
    ack = node.ask(flags=flags, seq=17, lifetime=0)
    plain_ack(node, ack, 0, 17)
    assert ack.lifetime == 0
    node.is_unbound()


@covers("10.3.1-02")
def test_bad_authenticator(sites):
    """An authentication option that is there must be a good one all the same."""
    node = sites("open").node()
    node.send(node.update(bad_mac=True))
    node.no_ack()
    node.is_unbound()


@covers("10.3.1-03")
def test_bound_by_key(sites):
    """What a key has bound cannot be moved without one."""
    node = sites("open").node()
    node.register()
    node.move(2)
    node.send(node.update(no_key=True))
    node.site.fence()
    assert not any(node.is_mine(f) and p.Ack(f).status < 128 for f in node.site.inbox)
    node.holds(node.visit(1))
