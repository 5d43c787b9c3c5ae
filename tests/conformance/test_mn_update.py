# SPDX-License-Identifier: BSD-2-Clause
"""Binding Updates to the home agent, octet by octet (RFC 6275 6.1.7, 6.3, 11.7.1; RFC 4285)."""

import struct
import time

import mn_packets as m
import packets as p
import pytest
from mn_world import CN, KEY, OTHER_CN
from table import covers

SHA1_KEY = p.Key(3, "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "hmac-sha1-96")
NTP_1970 = 2208988800


def good_format(update):
    """What holds for every Binding Update, wherever it is sent."""
    assert update.payload_proto == 59
    assert update.length == len(update.payload) // 8 - 1 and len(update.payload) % 8 == 0
    assert (len(update.frame.ip_octets) - len(update.payload)) % 8 == 0
    assert update.reserved == 0 and update.flags & 0x0FFF == 0
    assert update.checksum_good(), "with the home address in the pseudo-header"
    assert update.hop_limit > 1
    assert update.routing is None
    for kind, _, octets in update.padding:
        assert kind == 0 or not any(octets[2:]), "PadN has zeros"
    single = [at for kind, at, _ in update.padding if kind == 0]
    assert not {at + 1 for at in single} & set(single), "more than one octet is a PadN"
    assert not {at + 1 for at in single} & {at for kind, at, _ in update.padding if kind == 1}


def good_registration(update, router, coa, hoa, key=KEY):
    """A registration at the home agent of that router, from away."""
    good_format(update)
    assert (update.src, update.dst) == (coa, router.ha)
    assert update.headers == [p.DSTOPTS]
    (at, hao), = update.haos
    assert hao == hoa and at % 8 == 6
    assert update.alt == coa and update.option(m.ALT)[0] % 8 == 6
    assert update.flags & (p.A | p.H) == p.A | p.H
    assert not update.flags & p.K
    assert update.lifetime > 0
    assert update.authentic(key, coa, hoa)


@covers("MN-2-1-1-1-001", "MN-2-1-1-1-004", "MN-1-1-2-1-001", "MN-3-2-1-1-001", "8.5-02", "8.5-11",
        "6.1.1-01", "6.1.1-02", "6.1.1-03", "6.1.1-05", "6.1.1-06", "6.1.1-07", "6.1.1-08",
        "6.1.7-01", "6.1.7-02", "6.1.7-03", "6.1.7-05", "6.2.1-02", "6.2.2-01", "6.2.3-01",
        "6.2.5-01", "6.3-01", "6.3-02", "6.3-03", "6.3-05", "11.5.3-01", "11.5.4-01", "11.5.4-02",
        "11.5.4-03", "11.7.1-01", "11.7.1-04", "11.7.1-05", "11.7.1-06", "11.7.1-07", "11.7.1-08",
        "11.7.1-11", "11.7.1-12", "11.7.1-18", "11.7.1-19", "11.7.2-02", "11.5.1-03",
        "4285-5.1-01", "4285-5.1-02", "4285-5.1-03", "4285-5.1-04")
@pytest.mark.parametrize("kind", ["host", "shared", "plain"])
def test_first(mobile, kind):
    """After a move, whatever the new router is."""
    mn = mobile(kinds=("host", kind))
    mn.begin()
    update = mn.leave()
    if kind == "host":
        assert update.coa == mn.visited.address_of(mn.mac())
    assert p.pton(update.coa)[:8] == p.pton(mn.visited.prefix)[:8]
    good_registration(update, mn.home, update.coa, mn.hoa)
    assert update.frame.mac == mn.visited.mac


@covers("6.1.1-02", "6.1.1-05", "6.1.1-06", "6.2.1-02", "4285-5.1-03", "4285-5.1-04")
def test_other_algorithm(mobile):
    """HMAC-SHA1-96 by SPI 3: an authenticator of another length."""
    mn = mobile(keys=SHA1_KEY.configuration())
    mn.key = SHA1_KEY
    flow = mn.begin()
    update = mn.leave()
    good_registration(update, mn.home, mn.visited.address_of(mn.mac()), mn.hoa, SHA1_KEY)
    mn.accept(update)
    mn.holds(flow, update)


@covers("4285-5.1-03", "11.7.1-18")
def test_key_of_home_agent(mobile):
    """A key that is for one home agent is used with that one."""
    other = p.Key(300, "11" * 32)
    mn = mobile(keys=KEY.configuration() + other.configuration("home-agent 2001:db8:1::1;"))
    mn.begin()
    good_registration(mn.leave(), mn.home, mn.visited.address_of(mn.mac()), mn.hoa, other)


@covers("11.7.1-18")
def test_no_key(mobile):
    """Without a key nothing is sent: nobody would believe it."""
    mn = mobile(keys="")
    mn.begin()
    mn.go(mn.visited)
    mn.until(lambda: mn.state() == "refused", "refused")
    mn.no_update()


@covers("MN-2-1-1-1-002", "11.7.1-09")
@pytest.mark.parametrize("kind", ["host", "shared"])
def test_link_local(mobile, kind):
    """The home address has the interface identifier of the link-local address: L."""
    mn = mobile(kinds=(kind, "host"))
    mn.begin()
    assert mn.leave().flags == p.A | p.H | p.L


@covers("11.7.1-10")
def test_temporary(mobile):
    """A flow on a temporary address (RFC 4941): no L."""
    mn = mobile(start=False)
    mn.ground.sysctl(mn.box, "net/ipv6/conf/wlan0/use_tempaddr", "2")
    mn.start()
    ordinary, temporary = mn.begin_two()
    ordinary.close()
    mn.go(mn.visited)
    assert mn.update(hoa=temporary.address).flags == p.A | p.H


@covers("11.7.1-23")
def test_each_home_address(mobile):
    """Two home addresses of one prefix in use: an update for each."""
    mn = mobile(start=False)
    mn.ground.sysctl(mn.box, "net/ipv6/conf/wlan0/use_tempaddr", "2")
    mn.start()
    mn.begin_two()
    mn.go(mn.visited)
    updates = {x.hoa: x for x in (mn.update(hoa=f.address) for f in mn.flows)}
    for hoa, update in updates.items():
        good_registration(update, mn.home, mn.visited.address_of(mn.mac()), hoa)
        mn.accept(update)
    for flow in mn.flows:
        mn.holds(flow, updates[flow.address])


@covers("11.7.1-12", "11.7.1-13")
def test_lifetime(mobile):
    """What is configured is asked for, in units of 4 s."""
    mn = mobile(configuration="binding-lifetime 200s;\n")
    mn.begin()
    assert mn.leave().lifetime == 50


@covers("MN-2-1-1-1-007", "11.4.2-06", "11.7.1-13")
def test_lifetime_of_home_prefix(mobile):
    """The prefix of the home address ends first."""
    mn = mobile()
    mn.home.valid, mn.home.preferred = 100, 50
    mn.begin()
    assert 20 <= mn.leave().lifetime <= 25


@covers("MN-2-1-1-1-006", "11.7.1-13")
@pytest.mark.parametrize("kind", ["host", "shared"])
def test_lifetime_of_care_of_prefix(mobile, kind):
    """The prefix of the care-of address ends first."""
    mn = mobile(kinds=("host", kind))
    mn.visited.valid, mn.visited.preferred = 100, 50
    mn.begin()
    assert 20 <= mn.leave().lifetime <= 25


@covers("11.7.2-04", "11.7.1-21")
def test_first_number(mobile):
    """Where nothing is known the sequence number begins anywhere."""
    numbers = []
    for _ in range(3):
        mn = mobile()
        mn.begin()
        numbers.append(mn.leave().seq)
    assert len(set(numbers)) > 1, numbers


@covers("MN-2-1-2-1-001", "11.7.2-03", "11.7.2-05", "11.1-05", "11.5.3-01", "11.7.1-01",
        "11.7.1-20", "11.8-09")
def test_next_move(mobile):
    """From one visited link to another: a greater number, the new care-of address, the new
    tunnel; the old acknowledgement does not count for the new update."""
    mn = mobile(kinds=("host", "host", "host"))
    flow, first = mn.bind()
    mn.go(mn.routers[2])
    second = mn.update()
    coa = mn.routers[2].address_of(mn.mac())
    good_registration(second, mn.home, coa, mn.hoa)
    assert 0 < (second.seq - first.seq) & 0xFFFF < 0x8000
    mn.acknowledge(first, coa=coa)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(second)
    mn.holds(flow, second)


@covers("11.5.4-01", "11.5.4-02")
def test_several_prefixes(mobile):
    """The care-of address is of a prefix that the router where it is advertises."""
    mn = mobile(kinds=("host", "shared"))
    mn.visited.more = m.prefix_information("2001:db8:99:1::", m.ONLINK | m.AUTO)
    mn.begin()
    assert p.pton(mn.leave().coa)[:8] in (p.pton("2001:db8:2:1::")[:8],
                                          p.pton("2001:db8:99:1::")[:8])


@covers("11.1-01", "11.1-02", "8.5-01", "11.7.1-20")
def test_list(mobile):
    """The Binding Update List, as the status shows it."""
    mn = mobile()
    _, update = mn.bind(lifetime=100)
    entry = mn.anchor(mn.hoa)
    assert (entry["ha"], entry["hoa"], entry["coa"]) == (update.dst, update.hoa, update.coa)
    assert entry["lifetime_s"] == 400 and 390 <= entry["remaining_s"] <= 400


@covers("11.3.1-05", "11.3.1-09", "11.7.1-20")
def test_no_flow(mobile):
    """An address that nothing uses is not registered; what is new uses the care-of address."""
    mn = mobile()
    mn.settle(mn.home)
    mn.settle(mn.visited)
    mn.speaks_directly(mn.flow(mn.visited.address_of(mn.mac())))
    mn.no_update()


@covers("4285-6-01", "4285-6-02", "4285-6-03", "4285-5.1-02")
def test_timestamp(mobile):
    """With a key that asks for it: the time of day as NTP has it, greater each time."""
    mn = mobile(keys=KEY.configuration("timestamp yes;"), kinds=("host", "host", "host"))
    mn.begin()
    stamps = []
    for router in mn.routers[1:]:
        mn.go(router)
        update = mn.update()
        good_registration(update, mn.home, router.address_of(mn.mac()), mn.hoa)
        at, option = update.option(m.TIMESTAMP)
        assert at % 8 == 2 and option[1] == 8
        stamps.append(struct.unpack("!Q", option[2:])[0])
        assert abs((stamps[-1] >> 32) - NTP_1970 - time.time()) < 30
        mn.accept(update, options=b"\1\0\x0a\x08" + option[2:])
    assert stamps[0] < stamps[1]


@covers("11.8-07", "11.7.1-23", "11.7.1-09")
def test_two_home_agents(mobile):
    """Flows of two earlier routers: each home agent is told."""
    mn = mobile(kinds=("host", "host", "host"))
    flow, update = mn.bind()
    second = mn.settled_away(mn.visited, OTHER_CN)
    mn.go(mn.routers[2])
    coa = mn.routers[2].address_of(mn.mac())
    updates = [mn.update(hoa=mn.hoa), mn.update(hoa=second.address)]
    good_registration(updates[0], mn.home, coa, mn.hoa)
    good_registration(updates[1], mn.visited, coa, second.address)
    assert updates[1].flags & p.L, "a home address that was formed after a move, too"
    for update in updates:
        mn.accept(update)
    mn.holds(flow, updates[0])
    mn.holds(second, updates[1])
    assert (flow.cn, second.cn) == (CN, OTHER_CN)


@covers("11.7.1-14", "6.1.7-04")
def test_stop(mobile):
    """The daemon is stopped, and will know nothing of its bindings: it de-registers."""
    mn = mobile()
    _, update = mn.bind()
    mn.ground.procs[mn.box].terminate()
    release = mn.update()
    good_format(release)
    assert (release.lifetime, release.hoa, release.src) == (0, mn.hoa, update.coa)
    assert mn.ground.procs[mn.box].wait(10) == 0
