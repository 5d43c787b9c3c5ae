# SPDX-License-Identifier: BSD-2-Clause
"""What takes its time. All scenarios begin together, each at a site of its own, and the tests
wait for their ends."""

import concurrent.futures
import time

import packets as p
import pytest
import world
from table import covers
from test_prefixes import advertisement, solicit
from test_registration import good_ack
from world import REAL, VIRTUAL

SCENARIOS = []


def scenario(name, function):
    """A test that waits for this function, which gets a site of that name for itself."""
    SCENARIOS.append((name, function))

    def test(running):
        running[name, function].result()
    test.__doc__ = function.__doc__
    return test


@pytest.fixture(scope="module", name="running")
def running_fixture(ground):
    """All of them, begun: what each will say."""
    with concurrent.futures.ThreadPoolExecutor(len(SCENARIOS)) as pool:
        sites = [world.SITES[name](ground, f"{name}{i}") for i, (name, _) in enumerate(SCENARIOS)]
        yield {s: pool.submit(s[1], site) for s, site in zip(SCENARIOS, sites)}


def until(moment):
    time.sleep(max(0, moment - time.monotonic()))


# ---- bindings --------------------------------------------------------------------------------

def expiry(site):
    """A binding of sixteen seconds works for so long (on a machine that is late with
    everything, for eleven of them), and is gone then."""
    node = site.node()
    good_ack(node, node.ask(lifetime=4), 4)
    start = time.monotonic()
    while time.monotonic() < start + 11:
        node.is_reached()
        time.sleep(0.5)
    until(start + 16.2)
    node.is_unbound()
    assert node.ask(lifetime=0).status == 133, "nothing is left to be de-registered"


expiring = covers("10.3.1-14", "10.3.1-24", "10.3.1-39", "8.4-01")
test_expiry_real = covers("HA_2_1_4")(expiring(scenario(REAL, expiry)))
test_expiry_virtual = covers("HA_2_1_8")(expiring(scenario(VIRTUAL, expiry)))


def removal(site):
    """A de-registration's number is known for more than the ten seconds that its entry stays
    (MAX_DELETE_BCE_TIMEOUT): what was recorded before sets nothing up again, and who goes on
    from the number that status 135 tells is taken (9.5.1, 11.7.3)."""
    node = site.node()
    node.register(seq=15)
    node.release(seq=20)
    until(time.monotonic() + 13)
    ack = node.ask(seq=15)
    assert (ack.status, ack.seq) == (135, 20)
    node.is_unbound()
    assert node.ask(seq=ack.seq + 1).status == 0
    node.holds(node.coa)


test_removal = covers("10.3.2-11", "10.3.2-14")(scenario("host", removal))


# ---- unsolicited Mobile Prefix Advertisements --------------------------------------------------

def unsolicited(node, within=5.0):
    """The next one."""
    adv = advertisement(node, within)
    assert (adv.src, adv.dst, adv.routing) == (node.site.ha, node.coa, node.hoa)
    assert adv.covers(node.hoa)
    return adv


def make_due(node):
    """The node has been registered for longer than it may be left without news
    (MaxMobPfxAdvInterval)."""
    node.register()
    time.sleep(2.1)
    node.register()
    return unsolicited(node)


def none_for(node, seconds):
    """Nothing more in this time."""
    time.sleep(seconds)
    node.site.nothing(lambda f: p.is_icmp6(147)(f) and p.pton(node.hoa) in f.ip_octets,
                      what="an unsolicited advertisement")


def repeated(site):
    """What is not acknowledged is sent again: after 3, 6 and 12 seconds, and no more."""
    node = site.node()
    last = make_due(node).frame.time
    for wait in (3, 6, 12):
        now = unsolicited(node, wait + 5).frame.time
        assert now - last > wait - 0.5
        last = now
    none_for(node, 4)


def acknowledged(site):
    """A solicitation ends the repetition."""
    node = site.node()
    make_due(node)
    solicit(node)
    advertisement(node)
    none_for(node, 5)


def over(site):
    """So does the end of the binding."""
    node = site.node()
    make_due(node)
    node.release()
    none_for(node, 5)


test_repeated = covers("10.6.2-05", "10.6.2-08", "10.6.2-09", "10.6.3-01", "10.6.3-03", "10.6.3-04")(
    scenario("news", repeated))
test_acknowledged = covers("10.6.2-08")(scenario("news", acknowledged))
test_over = covers("10.6.2-06", "10.6.2-10")(scenario("news", over))


# ---- prefixes that change ----------------------------------------------------------------------

def deprecation(site):
    """The prefix becomes deprecated: its mobile nodes are told so, unasked; what they register
    is granted for as long as before, with status 1. Who registers again without having
    acknowledged the news is told anew, from the beginning. What comes up in the meantime is
    told together with it."""
    node = site.node()
    good_ack(node, node.ask())
    deprecated = f"prefix {world.POOL} {{ deprecated; }}"
    site.restart(world.configuration(deprecated) + world.SOON)
    adv = unsolicited(node, 10)
    valid, preferred = adv.covers(node.hoa)
    assert valid > 0 and preferred == 0
    ack = node.ask()
    assert (ack.status, ack.lifetime) == (1, 105)
    begun, again = unsolicited(node), unsolicited(node, 9)
    assert 2.5 < again.frame.time - begun.frame.time < 5.5, "after PREFIX_ADV_TIMEOUT, not after twice that"
    site.restart(world.configuration(deprecated, f"prefix {world.SECOND_POOL};") + world.SOON)
    adv = unsolicited(node, 10)
    assert adv.covers(node.hoa)[1] == 0 and is_told(adv, "2001:db8:1001:")
    node.holds(node.coa)


def is_told(adv, start):
    return any(prefix.startswith(start) for prefix, *_ in adv.prefixes)


def addition(site):
    """A prefix is added to the home link: its mobile nodes are told of it, unasked."""
    node = site.node()
    node.register()
    site.restart(world.configuration(f"prefix {world.POOL};", f"prefix {world.SECOND_POOL};")
                 + world.SOON)
    adv = unsolicited(node, 10)
    assert is_told(adv, "2001:db8:1001:")


def reconfiguration(site):
    """The lifetimes of prefixes are configured anew: mobile nodes are told, unasked."""
    node = site.node()
    node.register()
    site.restart(world.configuration() + world.SOON + "prefix-lifetime 2h;\n")
    adv = unsolicited(node, 10)
    assert 0 < adv.covers(node.hoa)[1] <= 7200


def withdrawal(site):
    """A prefix ends: nothing is granted beyond that, and then the binding is gone."""
    node = site.node()
    node.register()
    site.restart(world.configuration(f"prefix {world.SECOND_POOL};") + world.SHORT)
    start = time.monotonic()
    site.change_guard(world.SECOND_HA)
    for moment in (1, 25, 45):
        until(start + moment)
        ack = node.ask(lifetime=65535)
        assert ack.status == 1
        assert 4 * ack.lifetime <= 61 - moment
        node.holds(node.coa)
    until(start + 61)
    site.change_guard(world.SECOND_HA)          # the prefix of the last one is over, too
    node.is_unbound()
    assert node.ask().status >= 128


test_deprecation = covers("10.3.1-22", "10.3.1-27", "10.6.2-02", "10.6.2-08", "10.6.2-11",
                          "10.6.2-12", "10.6.2-07")(scenario("news", deprecation))
test_addition = covers("10.3.1-38", "10.6.2-04", "10.6.2-07")(scenario("news", addition))
test_reconfiguration = covers("10.6.2-02")(scenario("news", reconfiguration))
test_withdrawal = covers("10.3.1-21", "10.3.1-23", "10.6.4-01")(scenario("brief", withdrawal))
