# SPDX-License-Identifier: BSD-2-Clause
"""Registration of the primary care-of address (RFC 6275 9.5.1, 9.5.4, 10.3.1)."""

import signal

import packets as p
import pytest
import world
from table import case, covers
from world import REAL, SHA1_KEY, VIRTUAL


def good_ack(node, ack, lifetime=105):
    """An acknowledgement of success as 10.3.1 constructs it, to a node that is away."""
    assert ack.status == 0
    assert ack.seq == node.seq
    assert ack.lifetime == lifetime
    assert not ack.k
    assert ack.refresh == []
    good_addresses(node, ack)


def good_addresses(node, ack):
    """From the home agent to the care-of address, by the home address; protected."""
    assert (ack.src, ack.dst) == (node.site.ha, node.coa)
    assert (ack.routing, ack.segments_left) == (node.hoa, 1)
    assert ack.frame.link == "foreign"
    assert ack.checksum_good(node.hoa)
    assert ack.authentic(node.key, node.coa, node.hoa)


@pytest.mark.parametrize("name,flags", [
    case("HA_2_1_1", REAL, p.A | p.H), case("HA_2_1_2", REAL, p.H),
    case("HA_2_1_5", VIRTUAL, p.A | p.H), case("HA_2_1_6", VIRTUAL, p.H)])
@covers("8.4-01", "8.4-03", "8.4-04", "8.4-07", "9.3.1-02", "9.5.1-02", "9.5.1-10", "9.5.1-12",
        "9.5.4-02", "9.5.4-04", "9.5.4-06", "9.5.4-08", "10.1-01", "10.3.1-08", "10.3.1-10",
        "10.3.1-11", "10.3.1-25", "10.3.1-26", "10.3.1-28", "10.3.1-32", "10.3.1-33",
        "10.3.1-34", "10.3.1-36", "10.3.1-37", "10.3.1-20")
def test_valid(sites, name, flags):
    """A registration is accepted and acknowledged, whatever the A bit says, and works."""
    node = sites(name).node(flags=flags)
    good_ack(node, node.ask())
    node.holds(node.coa)


@covers("9.5.1-11")
def test_source_is_care_of(sites):
    """Without an Alternate Care-of Address option the source is the care-of address."""
    node = sites("host").node()
    good_ack(node, node.ask(alt=None))
    node.holds(node.coa)


@covers("9.5.1-10", "9.5.4-06")
def test_alternate_care_of(sites):
    """The option counts, not the source; the acknowledgement goes to the source all the
    same."""
    node = sites("host").node()
    elsewhere = node.visit(2)
    ack = node.ask(alt=elsewhere)
    assert ack.status == 0 and ack.dst == node.coa and ack.routing == node.hoa
    assert ack.authentic(node.key, elsewhere, node.hoa)
    node.holds(elsewhere)
    node.does_not_speak(node.coa)


@covers("10.3.1-03", "9.5.4-02")
def test_other_algorithm(sites):
    """HMAC-SHA1-96 by SPI 3; the answer is protected by the same."""
    node = sites("host").node(key=SHA1_KEY)
    good_ack(node, node.ask())


@pytest.mark.parametrize("name", [case("HA_2_1_3", REAL), case("HA_2_1_7", VIRTUAL)])
@covers("10.3.1-11", "10.3.1-20", "10.3.1-33", "9.5.1-09")
def test_decrease_lifetime(sites, name):
    """A refresh with a shorter lifetime is granted as such."""
    node = sites(name).node()
    good_ack(node, node.ask())
    good_ack(node, node.ask(lifetime=50), 50)
    node.holds(node.coa)


@pytest.mark.parametrize("lifetime", [2, 14])
@covers("10.3.1-20", "10.3.1-33")
def test_lifetime_is_kept(sites, lifetime):
    """No more is granted than was asked for, and no less where nothing says so."""
    node = sites("host").node()
    good_ack(node, node.ask(lifetime=lifetime), lifetime)


@covers("10.3.1-20", "10.3.1-33")
def test_longest_lifetime(sites):
    """65535 units are shortened to what the configuration allows, ten minutes."""
    node = sites("host").node()
    good_ack(node, node.ask(lifetime=65535), 150)


@covers("HA_2_1_9", "10.3.1-21", "10.3.1-27", "10.6.4-01")
def test_prefix_ends_with_binding(sites):
    """Where the prefix ends first, the binding does too, and status 1 says so."""
    node = sites("brief").node()
    ack = node.ask(lifetime=65535)
    assert ack.status == 1
    assert ack.lifetime in (14, 15), "as long as the prefix is valid, in units of 4 s"
    good_addresses(node, ack)


@pytest.mark.parametrize("name,flags", [
    case("HA_2_1_10", REAL, 0), case("HA_2_1_11", REAL, p.K),
    case("HA_2_1_12", VIRTUAL, 0), case("HA_2_1_13", VIRTUAL, p.K)])
@covers("10.3.1-29")
def test_key_management(sites, name, flags):
    """The K bit comes back cleared, whether set or not: the keys are manual ones."""
    node = sites(name).node(flags=p.A | p.H | flags)
    good_ack(node, node.ask())


@pytest.mark.parametrize("name", [case("HA_2_1_14", REAL), case("HA_2_1_15", VIRTUAL)])
@covers("9.5.1-08")
def test_reserved(sites, name):
    """What is in reserved fields does not matter (RFC 6275 6.1.1, 6.1.7)."""
    node = sites(name).node()
    good_ack(node, node.ask(reserved=0xFF, low_flags=0x000F))
    node.holds(node.coa)


@pytest.mark.parametrize("name,flags", [
    case("HA_2_2_1", REAL, p.A | p.H), case("HA_2_2_2", REAL, p.H),
    case("HA_2_2_4", VIRTUAL, p.A | p.H), case("HA_2_2_5", VIRTUAL, p.H)])
@covers("10.3.1-05", "10.3.1-06", "9.5.4-04")
def test_not_home_subnet(sites, name, flags):
    """A home address of somewhere else: status 132, nothing bound."""
    site = sites(name)
    node = site.node(flags=flags)
    node.hoa = f"2001:db8:9999::{node.number:x}"
    ack = node.ask()
    assert (ack.status, ack.seq) == (132, node.seq)
    good_addresses(node, ack)
    node.is_unbound()


@pytest.mark.parametrize("spoiled", [{"no_key": True}, {"bad_mac": True}, {"spi": 999}],
                         ids=["none", "wrong", "unknown-key"])
@pytest.mark.parametrize("name,bound", [case("HA_2_2_3", REAL, False),
                                        case("HA_2_2_6", VIRTUAL, False),
                                        pytest.param("host", True, id="bound")])
@covers("10.3.1-01", "10.3.1-02", "9.5.1-08", "9.5.4-01", "8.4-05")
def test_unauthorized(sites, name, bound, spoiled):
    """Without a good authenticator there is no answer, and nothing changes."""
    node = sites(name).node()
    if bound:
        node.register()
    node.move(2)
    node.send(node.update(**spoiled))
    node.no_ack()
    if bound:
        node.holds(node.visit(1))
    else:
        node.is_unbound()


@covers("10.3.1-03", "10.3.1-07")
def test_key_of_another(sites):
    """A good authenticator, but by a key that is another mobile node's: refused."""
    site = sites("owned")
    owner, other = site.node(), site.node()
    other.key, key = owner.key, other.key
    ack = other.ask()
    assert ack.status >= 128
    assert ack.authentic(other.key, other.coa, other.hoa)
    other.is_unbound()
    other.key = key
    good_ack(other, other.ask())


@pytest.mark.parametrize("name,bound", [case("HA_2_2_7", REAL, False),
                                        case("HA_2_2_8", VIRTUAL, False),
                                        pytest.param("host", True, id="bound")])
@covers("9.5.1-04", "9.5.1-08", "9.5.4-01")
def test_nonce_indices(sites, name, bound):
    """A home registration with a Nonce Indices option: silence."""
    node = sites(name).node()
    if bound:
        node.register()
    node.move(2)
    node.send(node.update(options=b"\4\4\0\1\0\2"))
    node.no_ack()
    if bound:
        node.holds(node.visit(1))
    else:
        node.is_unbound()


@covers("10.3.1-08", "9.5.1-01", "9.5.1-13")
def test_no_home_address_option(sites):
    """A registration without the option, from the care-of address: nothing is bound."""
    node = sites("host").node()
    node.send(node.update(hao=None, alt=None))
    node.no_ack()
    node.is_unbound()


@covers("9.5.1-06", "9.5.1-07", "10.3.1-12")
def test_type_change(sites):
    """The H bit of an entry cannot be cleared: status 139, the entry stays as it is."""
    node = sites("host").node()
    node.register()
    node.move(2)
    ack = node.ask(flags=p.A)
    assert ack.status == 139
    good_addresses(node, ack)
    node.holds(node.visit(1))
    good_ack(node, node.ask())
    node.holds(node.coa)


@pytest.mark.parametrize("coa", ["ff0e::1", "fe80::1", "::", "::1"])
@covers("9.5.1-08", "9.5.4-01")
def test_care_of_address_unroutable(sites, coa):
    """A care-of address that is no unicast routable one (6.1.7): silence."""
    node = sites("host").node()
    node.register()
    node.move(2)
    node.send(node.update(alt=coa))
    node.no_ack()
    node.holds(node.visit(1))


@pytest.mark.parametrize("flags", [p.A | p.H, p.H], ids=["A=1", "A=0"])
@covers("10.3.1-07", "9.5.4-04")
def test_care_of_address_refused(sites, flags):
    """Care-of addresses that would send packets back here: refused with a reason."""
    site = sites("host")
    node, other = site.node(flags=flags), site.node()
    node.register()
    other.register()
    for coa in (site.ha, other.hoa, p.ntop(p.pton(node.hoa)[:8] + b"\xde\xad\xbe\xef" * 2)):
        ack = node.ask(alt=coa)
        assert ack.status in (128, 129), (coa, ack)
        assert ack.dst == node.coa
    node.holds(node.coa)


@covers("10.3.1-04", "10.3.1-14")
def test_home_agent_no_more(sites):
    """One that has been told to stop, and of a prefix of which it cannot know who has been
    there before, takes no new home registration: status 131. What is registered goes on."""
    site = sites("drain")
    old, new = site.node(), site.node()
    old.register()
    site.ground.procs[site.router].send_signal(signal.SIGTERM)
    assert world.wait_for(lambda: site.ground.status(site.router)["draining"], 5.0)
    ack = new.ask()
    assert (ack.status, ack.seq) == (131, new.seq)
    good_addresses(new, ack)
    new.is_unbound()
    old.move(2)
    good_ack(old, old.ask())
    old.holds(old.coa)


@covers("10.3.1-13", "10.3.1-07", "10.3.1-14", "9.5.4-03", "9.5.4-04")
def test_table_full(sites):
    """When the cache is full a new mobile node is refused (130), A bit or not; nobody who is
    registered has to go for it."""
    site = sites("small")
    site.fence()
    nodes = [site.node() for _ in range(site.capacity)]
    for node in nodes:
        node.register()
    late = site.node(flags=p.H)
    ack = late.ask()
    assert ack.status == 130, ack
    for node in nodes:
        node.holds(node.coa)
    nodes[0].release()


@covers("9.5.1-12", "8.4-01")
def test_two_nodes(sites):
    """Each mobile node has its own entry."""
    site = sites("host")
    one, two = site.node(), site.node()
    one.register()
    two.register()
    one.move(2)
    one.register()
    one.holds(one.visit(2))
    two.holds(two.visit(1))
    one.release()
    one.is_unbound()
    two.holds(two.coa)
