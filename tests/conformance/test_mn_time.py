# SPDX-License-Identifier: BSD-2-Clause
"""What takes its time (RFC 6275 11.7.3, 11.8). All scenarios begin together, each with a mobile
node of its own, and the tests wait for their ends. Times are those at which the kernel had the
packets; a machine with much to do may be late with them, but not early."""

import concurrent.futures
import os

import mn_packets as m
import packets as p
import pytest
import test_mn_discovery
import test_mn_prefixes
from mn_world import Mobile, Silence
from table import covers, unmet

SCENARIOS = []
LATE = 0.7                      # so much later than asked for a timer of the daemon may be


def scenario(function, **o):
    """A test that waits for this function, which gets a mobile node of its own."""
    SCENARIOS.append((function, o))
    place = len(SCENARIOS) - 1

    def test(running):
        running[place].result()
    test.__doc__ = function.__doc__
    return test


@pytest.fixture(scope="module", name="running")
def running_fixture(ground, request):
    """All of them that are wanted, begun: what each will say."""
    wanted = {item.name for item in request.session.items}
    chosen = [n for n, (f, _) in enumerate(SCENARIOS) if f"test_{f.__name__}" in wanted]
    made = {n: Mobile(ground, f"t{n}", **SCENARIOS[n][1]) for n in chosen}
    with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
        yield {n: pool.submit(SCENARIOS[n][0], mn) for n, mn in made.items()}
    for mn in made.values():
        mn.close()


def spaced(times, gaps):
    """The times lie that far apart."""
    for (before, after), gap in zip(zip(times, times[1:]), gaps):
        assert gap - 0.05 <= after - before <= gap + LATE, \
            f"{after - before:.2f} s instead of {gap} s: {[f'{t - times[0]:.2f}' for t in times]}"


# ---- retransmission --------------------------------------------------------------------------

def first_registration(mn):
    """A first registration is sent again after 1.5 s, 3 s and 6 s."""
    mn.begin()
    spaced([mn.leave().frame.time] + [mn.update(within=12).frame.time for _ in range(3)],
           [1.5, 3, 6])


test_first_registration = covers("MN-2-1-1-1-013", "11.8-02")(scenario(first_registration))


def doubling(mn):
    """A registration that nobody answers is sent again, each time after twice the time."""
    mn.begin()
    updates = [mn.leave()] + [mn.update(within=12) for _ in range(3)]
    for one, other in zip(updates, updates[1:]):
        assert 0 < (other.seq - one.seq) & 0xFFFF < 0x8000, "a greater number"
        assert (other.src, other.dst, other.hoa, other.coa) == (one.src, one.dst, one.hoa, one.coa)
    times = [u.frame.time for u in updates]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[0] >= 0.95
    for one, other in zip(gaps, gaps[1:]):
        assert 2 * one - LATE <= other <= 2 * one + LATE, gaps


test_doubling = covers("11.7.1-15", "11.8-04", "11.8-05", "11.8-09", "11.7.2-05")(
    scenario(doubling))


def later_registration(mn):
    """A later one is sent again after 1 s, 2 s and 4 s."""
    mn.bind()
    mn.go(mn.routers[2])
    times = [mn.update(within=10).frame.time for _ in range(4)]
    spaced(times, [1, 2, 4])


test_later_registration = unmet(
    "the round trip is known by then: it is sent again after one and a half of them, and after "
    "twice that, and only then as the RFC says; three in a second at most")(
    covers("MN-2-1-2-1-006", "11.8-03")(
        scenario(later_registration, kinds=("host", "host", "host"))))


def slowest(mn):
    """The time between two is 32 s at most, and it goes on so."""
    if not os.environ.get("TEST_LONG"):
        pytest.skip("takes two minutes: with TEST_LONG only")
    mn.begin()
    times = [mn.leave().frame.time]
    while len(times) < 3 or times[-1] - times[-3] < 60:
        times.append(mn.update(within=40).frame.time)
    assert abs(times[-1] - times[-2] - 32) < LATE and abs(times[-2] - times[-3] - 32) < LATE


test_slowest = covers("11.8-05", "11.8-06", "11.7.1-17")(scenario(slowest))


def answered(mn):
    """After the acknowledgement it is not sent again."""
    flow, update = mn.bind()
    mn.listen(2.5)
    mn.no_update()
    mn.holds(flow, update)


test_answered = covers("11.7.3-05", "11.7.3-04")(scenario(answered))


def solicitation(mn):
    """A Mobile Prefix Solicitation is sent again after 3 s and 6 s, with the same number."""
    mn.home.valid, mn.home.preferred = 3 * test_mn_prefixes.HOURS, 1000
    _, update = mn.bind()
    test_mn_prefixes.advertise(mn, update, 0)
    asked = [test_mn_prefixes.solicitation(mn, 12) for _ in range(3)]
    spaced([s.frame.time for s in asked], [3, 6])
    assert len({s.ident for s in asked}) == 1
    test_mn_prefixes.advertise(mn, update, asked[0].ident)
    test_mn_prefixes.renewed(mn)


test_solicitation = covers("MN-4-1-1-1-004", "11.8-01", "11.8-04")(scenario(solicitation))


def discovery(mn):
    """A Home Agent Address Discovery Request is sent again after 3 s and 6 s."""
    mn.begin()
    mn.go(mn.visited)
    coa = mn.visited.address_of(mn.mac())
    asked = []
    while len(asked) < 3:
        r = test_mn_discovery.request(mn, 14)
        if r.src == coa:
            asked.append(r)
    spaced([r.frame.time for r in asked], [3, 6])
    assert len({r.dst for r in asked}) == 1
    test_mn_discovery.reply(mn, asked[-1], [test_mn_discovery.HA1])
    mn.accept(mn.update())


test_discovery = covers("MN-5-1-1-1-006", "11.4.1-11", "11.4.1-12", "11.4.1-13")(
    scenario(discovery, kinds=("nameless", "host")))


def silent_home_agent(mn):
    """The first home agent of a discovery does not answer: the next one is tried."""
    flow = mn.begin()
    mn.go(mn.visited)
    coa = mn.visited.address_of(mn.mac())
    r = test_mn_discovery.request(mn)
    while r.src != coa:
        r = test_mn_discovery.request(mn)
    test_mn_discovery.reply(mn, r, [test_mn_discovery.HA1, test_mn_discovery.HA2])
    first = mn.update()
    assert first.dst == test_mn_discovery.HA1
    second = m.Update(mn.expect(m.is_update(ha=test_mn_discovery.HA2), within=70,
                                what="a Binding Update to the second"))
    assert second.frame.time - first.frame.time > 1.3
    mn.holds(flow, mn.accept(second))


test_silent_home_agent = covers("MN-5-1-2-1-028", "11.4.1-04", "11.4.1-06", "11.4.1-09",
                                "11.7.1-16")(
    scenario(silent_home_agent, kinds=("nameless", "host")))


# ---- who does not know Mobile IPv6 -------------------------------------------------------------

def given_up(mn, answer):
    """What says that somebody does not know Binding Updates is not authenticated: it counts when
    no acknowledgement comes either. Then nothing goes into the tunnel, and for a while no update
    is sent; after that it is tried again."""
    flow = mn.begin()
    update = mn.leave()
    mn.send(answer(update))
    mn.expect(m.is_update(), what="a retransmission, for it may be a lie")

    def refused():
        frame = mn.take(m.is_update())
        if frame:
            mn.send(answer(m.Update(frame)))
        return mn.state() == "refused"
    mn.until(refused, "refused", within=70)
    mn.forget_updates()
    token = flow.send()
    mn.no_update(quiet=3)
    assert not mn.take(m.is_in_tunnel(token)), "nothing of the flow goes into the tunnel"
    mn.holds(flow, mn.accept(mn.update(within=20)))


def no_mobility_header(mn):
    """ICMPv6 parameter problem, code 1."""
    given_up(mn, lambda u: m.icmp6_error(u.dst, u.coa, 4, 1, u.frame.ip_octets, 40))


test_no_mobility_header = covers("MN-6-2-2-1-001", "11.3.5-01", "11.3.5-02", "8.5-07", "11.7.3-13")(
    scenario(no_mobility_header))


def unknown_type(mn):
    """A Binding Error with status 2."""
    given_up(mn, lambda u: m.binding_error(u.dst, u.coa, u.hoa, 2))


test_unknown_type = covers("11.3.6-06", "8.5-06")(scenario(unknown_type))


# ---- lifetimes -------------------------------------------------------------------------------

def refresh(mn):
    """A binding of sixteen seconds is renewed before it ends, for the whole time."""
    flow, update = mn.bind(lifetime=4)
    again = mn.update(within=18)
    assert 2 < again.frame.time - update.frame.time < 15.5
    assert (again.hoa, again.coa, again.dst) == (update.hoa, update.coa, update.dst)
    assert again.lifetime > 4
    mn.holds(flow, mn.accept(again))


test_refresh = covers("MN-2-1-2-1-004", "11.7.1-02", "11.7.3-08", "11.7.3-06",
                      "11.7.4-03")(scenario(refresh))


def advice(mn):
    """The home agent advises a refresh after four seconds."""
    _, update = mn.bind(options=m.refresh_advice(1))
    again = mn.update(within=8)
    assert 3.5 <= again.frame.time - update.frame.time <= 4.5 + LATE


test_advice = covers("MN-2-2-1-1-026", "11.7.3-15")(scenario(advice))


def counted_from_sending(mn):
    """The lifetime counts from when the update was sent, not from its acknowledgement."""
    mn.begin()
    mn.leave()
    update = mn.update()                # the second; the third comes three seconds later
    mn.listen(2)
    mn.accept(update, lifetime=25)
    assert mn.anchor(mn.hoa)["remaining_s"] <= 98


test_counted_from_sending = covers("11.7.3-07")(scenario(counted_from_sending))


def expiry(mn):
    """The home agent does not answer any more, and the binding ends: it goes on being asked, and
    when it answers all is well."""
    flow, update = mn.bind(lifetime=2)
    while True:
        again = mn.update(within=20)
        if again.frame.time > update.frame.time + 8.2:
            break
    entry = mn.anchor(mn.hoa)
    assert entry["state"] != "bound" and entry["remaining_s"] == 0
    mn.holds(flow, mn.accept(again))


test_expiry = covers("MN-2-1-1-1-008", "11.1-03", "11.7.1-17")(scenario(expiry))


def home_prefix_ends(mn):
    """The home prefix is valid for 18 s more: in time it is asked about, and as nobody answers,
    the home address is given up with it."""
    mn.home.valid, mn.home.preferred = 18, 9
    flow, update = mn.bind()
    s = test_mn_prefixes.solicitation(mn, 17)
    assert (s.src, s.dst, s.hao) == (update.coa, update.dst, mn.hoa)
    assert s.frame.time - update.frame.time < 17

    def ended():
        while True:
            frame = mn.take(m.is_update())
            if frame is None:
                return mn.state() in (None, "refused")
            mn.acknowledge(m.Update(frame))
    mn.until(ended, "given up", within=25)
    token = flow.send()
    mn.nothing(m.is_in_tunnel(token), what="a packet of the tunnel")


test_home_prefix_ends = covers("MN-4-1-1-1-001", "11.4.2-01", "11.4.2-06", "11.1-03")(
    scenario(home_prefix_ends))


def home_prefix_goes_on(mn):
    """The same, but the home agent answers: the home address lives on."""
    mn.home.valid, mn.home.preferred = 18, 9
    flow, update = mn.bind()
    s = test_mn_prefixes.solicitation(mn, 17)
    test_mn_prefixes.advertise(mn, update, s.ident)
    test_mn_prefixes.renewed(mn)
    with pytest.raises(Silence):        # or a refresh, which is answered
        while True:
            update = mn.accept(mn.update(within=6))
    mn.holds(flow, update)


test_home_prefix_goes_on = covers("MN-4-1-1-1-001", "MN-4-2-1-1-001", "8.5-14", "11.4.3-08")(
    scenario(home_prefix_goes_on))
