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
    """A binding of four seconds works for so long, and is gone then."""
    node = site.node()
    good_ack(node, node.ask(lifetime=1), 1)
    start = time.monotonic()
    while time.monotonic() < start + 3:
        node.is_reached()
        time.sleep(0.5)
    until(start + 4.2)
    node.is_unbound()
    assert node.ask(lifetime=0).status == 133, "nothing is left to be de-registered"


expiring = covers("10.3.1-14", "10.3.1-24", "8.4-01")
test_expiry_real = covers("HA_2_1_4")(expiring(scenario(REAL, expiry)))
test_expiry_virtual = covers("HA_2_1_8")(expiring(scenario(VIRTUAL, expiry)))


def removal(site):
    """Some ten seconds after a de-registration its sequence number is forgotten, and not
    before eight."""
    node = site.node()
    node.register(seq=15)
    node.release(seq=20)
    start = time.monotonic()
    seq = 15
    while True:
        seq -= 1
        ack = node.ask(seq=seq)
        if ack.status == 0:
            break
        assert ack.status == 135
        assert time.monotonic() < start + 30, "it is remembered for ever"
        time.sleep(0.5)
    assert time.monotonic() > start + 8
    node.holds(node.coa)


test_removal = covers("10.3.2-11", "10.3.2-14")(scenario("host", removal))


# ---- unsolicited Mobile Prefix Advertisements --------------------------------------------------

def unsolicited(node, within=5.0):
    """The next one; when it came."""
    adv = advertisement(node, within)
    assert (adv.src, adv.dst, adv.routing) == (node.site.ha, node.coa, node.hoa)
    assert adv.covers(node.hoa)
    return time.monotonic()


def make_due(node):
    """The node has been registered for longer than it may be left without news."""
    node.register()
    time.sleep(2.1)
    node.register()
    return unsolicited(node)


def none_until(node, moment):
    """Nothing more by then."""
    until(moment)
    node.site.nothing(lambda f: p.is_icmp6(147)(f) and p.pton(node.hoa) in f.ip_octets,
                      what="an unsolicited advertisement")


def repeated(site):
    """What is not acknowledged is sent again: after 3, 6 and 12 seconds, and no more."""
    node = site.node()
    times = [make_due(node)]
    for wait in (3, 6, 12):
        times.append(unsolicited(node, wait + 5))
        assert times[-1] - times[-2] > wait - 0.5
    none_until(node, times[-1] + 4)


def acknowledged(site):
    """A solicitation ends the repetition."""
    node = site.node()
    first = make_due(node)
    solicit(node)
    advertisement(node)
    none_until(node, first + 5)


def over(site):
    """So does the end of the binding."""
    node = site.node()
    first = make_due(node)
    node.release()
    none_until(node, first + 5)


test_repeated = covers("10.6.2-08", "10.6.2-09", "10.6.3-01", "10.6.3-03", "10.6.3-04")(
    scenario("news", repeated))
test_acknowledged = covers("10.6.2-08")(scenario("news", acknowledged))
test_over = covers("10.6.2-06", "10.6.2-10")(scenario("news", over))
