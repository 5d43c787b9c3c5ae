# SPDX-License-Identifier: BSD-2-Clause
"""Sequence numbers (RFC 6275 9.5.1): a number is old if it is the last one accepted or one of
the 32768 before it, modulo 65536."""

import packets as p
import pytest
from table import case, covers
from test_registration import good_ack, good_addresses
from world import REAL, VIRTUAL

A1, A0 = p.A | p.H, p.H


@pytest.mark.parametrize("name,first,second,flags", [
    case("HA_2_5_1", REAL, 15, 16, A1), case("HA_2_5_2", REAL, 15, 32782, A1),
    case("HA_2_5_3", VIRTUAL, 15, 16, A1), case("HA_2_5_4", VIRTUAL, 15, 32782, A1),
    case("HA_2_5_5", REAL, 15, 16, A0), case("HA_2_5_6", REAL, 15, 32782, A0),
    case("HA_2_5_7", VIRTUAL, 15, 16, A0), case("HA_2_5_8", VIRTUAL, 15, 32782, A0),
    case("HA_2_7_1", REAL, 32783, 32784, A1), case("HA_2_7_2", REAL, 32783, 14, A1),
    case("HA_2_7_3", VIRTUAL, 32783, 32784, A1), case("HA_2_7_4", VIRTUAL, 32783, 14, A1),
    case("HA_2_7_5", REAL, 32783, 32784, A0), case("HA_2_7_6", REAL, 32783, 14, A0),
    case("HA_2_7_7", VIRTUAL, 32783, 32784, A0), case("HA_2_7_8", VIRTUAL, 32783, 14, A0),
    pytest.param("host", 65535, 0, A1, id="wrap")])
@covers("9.5.1-02", "9.5.1-03", "9.5.1-09", "10.3.1-11", "10.3.1-32")
def test_newer(sites, name, first, second, flags):
    """A newer number moves the binding."""
    node = sites(name).node(flags=flags)
    for node.seq in (first, second):
        good_ack(node, node.ask(seq=node.seq))
        node.move(2)
    node.seq = second
    node.holds(node.coa)


@pytest.mark.parametrize("name,first,second,flags", [
    case("HA_2_6_1", REAL, 15, 14, A1), case("HA_2_6_2", REAL, 15, 15, A1),
    case("HA_2_6_3", REAL, 15, 32783, A1), case("HA_2_6_4", REAL, 15, 14, A0),
    case("HA_2_6_5", REAL, 15, 15, A0), case("HA_2_6_6", REAL, 15, 32783, A0),
    case("HA_2_6_7", VIRTUAL, 15, 14, A1), case("HA_2_6_8", VIRTUAL, 15, 15, A1),
    case("HA_2_6_9", VIRTUAL, 15, 32783, A1), case("HA_2_6_10", VIRTUAL, 15, 14, A0),
    case("HA_2_6_11", VIRTUAL, 15, 15, A0), case("HA_2_6_12", VIRTUAL, 15, 32783, A0),
    case("HA_2_8_1", REAL, 32783, 32782, A1), case("HA_2_8_2", REAL, 32783, 32783, A1),
    case("HA_2_8_3", REAL, 32783, 15, A1), case("HA_2_8_4", REAL, 32783, 32782, A0),
    case("HA_2_8_5", REAL, 32783, 32783, A0), case("HA_2_8_6", REAL, 32783, 15, A0),
    case("HA_2_8_7", VIRTUAL, 32783, 32782, A1), case("HA_2_8_8", VIRTUAL, 32783, 32783, A1),
    case("HA_2_8_9", VIRTUAL, 32783, 15, A1), case("HA_2_8_10", VIRTUAL, 32783, 32782, A0),
    case("HA_2_8_11", VIRTUAL, 32783, 32783, A0), case("HA_2_8_12", VIRTUAL, 32783, 15, A0),
    pytest.param("host", 0, 65535, A1, id="wrap")])
@covers("9.5.1-03", "9.5.1-05", "9.5.1-09", "9.5.4-02", "9.5.4-03", "9.5.4-04")
def test_not_newer(sites, name, first, second, flags):
    """An old number: status 135 with the last one accepted; the binding stays."""
    node = sites(name).node(flags=flags)
    node.register(seq=first)
    node.move(2)
    ack = node.ask(seq=second)
    assert (ack.status, ack.seq) == (135, first)
    good_addresses(node, ack)
    node.holds(node.visit(1))


@covers("9.5.1-09")
def test_last_valid_counts(sites):
    """The number of an update that was discarded is as if it had not been sent."""
    node = sites("host").node()
    node.register(seq=15)
    node.send(node.update(seq=200, bad_mac=True))
    node.no_ack()
    node.seq = 16
    good_ack(node, node.ask(seq=16))
