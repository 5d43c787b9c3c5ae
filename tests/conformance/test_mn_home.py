# SPDX-License-Identifier: BSD-2-Clause
"""Returning home (RFC 6275 11.5.2, 11.5.5)."""

import mn_packets as m
import packets as p
import pytest
from mn_world import CN
from table import case, covers, unmet
from test_mn_ack import is_answer
from test_mn_update import good_format

ALL_NODES_MAC = p.multicast_mac(p.ALL_NODES)
NEIGHBOUR, NEIGHBOUR_MAC = "fe80::b:1", "02:00:00:00:bb:01"


def returned(mobile, **o):
    """A node that was away, bound, and is home again: (mn, flow, its de-registration)."""
    mn = mobile(**o)
    flow, _ = mn.bind()
    mn.go(mn.home)
    return mn, flow, mn.update()


def end(mn, update, **o):
    mn.acknowledge(update, **o)
    mn.until(lambda: mn.state() == "attached", "attached")
    mn.forget_updates()


def latest(mn, update):
    """The last one of the updates that have been sent since."""
    mn.pump(0)
    while True:
        frame = mn.take(m.is_update(hoa=update.hoa))
        if not frame:
            return update
        update = m.Update(frame)


def detected(mn):
    """What duplicate address detection is done for after a return."""
    mn.begin()
    mn.accept(mn.leave())
    mn.inbox.clear()
    mn.go(mn.home)
    assert mn.update(such=lambda u: u.coa == mn.hoa).lifetime == 0
    mn.listen(1.5)
    return {p.target_of(f) for f in mn.inbox if p.is_ns()(f) and f.src == p.UNSPECIFIED}


@pytest.mark.parametrize("kind", ["host", "shared"])
@covers("MN-2-1-3-1-001", "8.5-08", "11.5.2-01", "11.5.5-01", "11.5.5-03", "11.5.5-04",
        "11.5.5-05", "11.5.5-06", "11.5.5-08", "11.5.5-10", "6.1.7-04", "11.7.1-19",
        "11.7.2-02", "4285-5.1-01")
def test_deregistration(mobile, kind):
    """A Binding Update from the home address, for it, with lifetime 0."""
    mn, _, update = returned(mobile, kinds=(kind, "host"))
    good_format(update)
    assert (update.src, update.dst) == (mn.hoa, mn.home.ha)
    assert update.hao is None or update.hao == mn.hoa
    assert update.coa == mn.hoa
    assert update.lifetime == 0
    assert update.flags & (p.A | p.H) == p.A | p.H
    assert update.frame.mac == mn.home.mac
    assert update.authentic(mn.key, mn.hoa, mn.hoa)


@pytest.mark.parametrize("kind", ["host", "shared"])
@covers("MN-2-2-2-1-001", "8.5-12", "11.7.3-04", "11.5.5-02", "11.3.1-08")
def test_accepted(mobile, kind):
    """The acknowledgement ends it; the flow goes on without a tunnel."""
    mn, flow, update = returned(mobile, kinds=(kind, "host"))
    end(mn, update)
    mn.speaks_directly(flow)
    token = flow.token()
    mn.send(flow.packet(token))
    assert flow.receive(token)
    mn.no_update()


@covers("MN-2-2-2-1-008", "11.7.3-12")
def test_refused(mobile):
    """Status 133: the home agent had no binding, which is just as well."""
    mn, flow, update = returned(mobile)
    end(mn, update, status=133)
    mn.speaks_directly(flow)
    mn.no_update()


@pytest.mark.parametrize("wrong", [{"no_key": True}, {"bad_mac": True}, {"seq": 1}],
                         ids=["no key", "wrong", "number"])
@covers("11.7.3-01", "11.7.3-03")
def test_ignored(mobile, wrong):
    """An acknowledgement that is not right does not end it."""
    mn, _, update = returned(mobile)
    mn.acknowledge(update, **({**wrong, "seq": update.seq - 300} if "seq" in wrong else wrong))
    mn.nothing(is_answer, what="an answer")
    assert mn.state() == "returning"
    end(mn, update)


@covers("11.5.5-02", "11.5.5-01")
def test_update_first(mobile):
    """What the flow sends on the home link comes behind the de-registration. The socket sends
    all the time."""
    mn = mobile()
    flow, _ = mn.bind()
    mn.go(mn.home)

    def updated():
        flow.send()
        return any(m.is_update()(f) for f in mn.inbox)
    mn.until(updated, "a Binding Update")
    first = next(i for i, f in enumerate(mn.inbox) if m.is_update()(f))
    before = [f for f in mn.inbox[:first] if f.proto == m.UDP and f.src == mn.hoa]
    assert not before, f"sent from the home address before the update: {before[0]}"


@covers("11.5.5-07", "11.5.5-08")
def test_no_solicitation_before(mobile):
    """No Neighbour Solicitation from the home address, or for it, comes before the update; the
    router's link-layer address is that of its advertisement."""
    mn = mobile(kinds=("shared", "host"))
    mn.bind()
    mn.inbox.clear()
    mn.go(mn.home)
    mn.until(lambda: any(m.is_update()(f) for f in mn.inbox), "a Binding Update")
    for frame in mn.inbox:
        if m.is_update()(frame):
            break
        assert not p.is_ns()(frame) or frame.src != mn.hoa, frame


@unmet("the kernel forms the home address from the advertisement by itself and looks for its "
       "duplicates; what comes of that is no matter to the flows (test_defended)")
@pytest.mark.parametrize("kind", ["host", "shared"])
@covers("11.5.5-11")
def test_no_detection(mobile, kind):
    """No duplicate address detection for the home address."""
    mn = mobile(kinds=(kind, "host"), dad=True)
    found = detected(mn)
    assert mn.hoa not in found


@pytest.mark.parametrize("kind", ["host", "shared"])
@covers("11.5.5-12")
def test_no_detection_of_link_local(mobile, kind):
    """Nor for the link-local address."""
    mn = mobile(kinds=(kind, "host"), dad=True)
    assert mn.link_local() not in detected(mn)


@covers("11.5.5-11", "8.5-08")
def test_defended(mobile):
    """The home agent defends the home address against the kernel's duplicate address detection,
    and lets go of it late: the flow lives, and the address is an ordinary one at last."""
    mn = mobile(kinds=("shared", "host"), dad=True)
    flow = mn.begin()
    mn.accept(mn.leave())
    mn.inbox.clear()
    mn.go(mn.home)
    update = mn.update()
    asked = mn.expect(lambda f: p.is_ns(mn.hoa)(f) and f.src == p.UNSPECIFIED,
                      what="duplicate address detection")
    mn.send(p.neighbour_advertisement(mn.home.link_local, mn.hoa, mn.home.mac))
    mn.speaks_directly(flow)
    end(mn, update, seq=latest(mn, update).seq)
    assert asked
    mn.advertise()
    token = flow.token()
    mn.send(flow.packet(token))
    assert flow.receive(token)
    mn.speaks_directly(flow)


@covers("MN-3-4-1-1-002", "11.5.5-13")
def test_detection(mobile):
    """Home after the binding has ended, with an address that the link has lost: it is an
    ordinary address, formed with duplicate address detection."""
    mn = mobile(kinds=("shared", "host"), dad=True, linger="100ms")
    flow = mn.begin()
    mn.accept(mn.leave())
    flow.close()
    mn.acknowledge(mn.update())
    mn.until(lambda: mn.anchor(mn.hoa) is None, "released")
    mn.inbox.clear()
    mn.go(mn.home)
    mn.expect(lambda f: p.is_ns(mn.hoa)(f) and f.src == p.UNSPECIFIED,
              what="duplicate address detection")
    mn.settled(mn.home)
    mn.no_update()


@pytest.mark.parametrize("target", ["hoa", "link-local"])
@covers("MN-2-2-2-1-027", "11.5.5-14", "11.5.5-15")
def test_solicited(mobile, target):
    """After the update, before the acknowledgement: a solicitation for the home address is
    answered to the one who asks."""
    mn, _, update = returned(mobile, kinds=("shared", "host"))
    mn.neighbours[NEIGHBOUR] = NEIGHBOUR_MAC
    address = mn.hoa if target == "hoa" else mn.link_local()
    mn.send(p.neighbour_solicitation(NEIGHBOUR, address, NEIGHBOUR_MAC), mac=NEIGHBOUR_MAC)
    frame = mn.expect(lambda f: p.is_na(address)(f) and f.dst == NEIGHBOUR,
                      what="a Neighbour Advertisement")
    assert frame.mac == NEIGHBOUR_MAC
    assert frame.ip_octets[-6:] == p.mac_octets(mn.mac())
    end(mn, update)


@covers("MN-3-4-1-1-001", "11.5.5-16", "11.5.5-17", "11.5.5-18", "11.5.5-20", "11.5.5-21")
def test_announcement(mobile):
    """After the acknowledgement all nodes are told the link-layer address."""
    mn, _, update = returned(mobile, kinds=("shared", "host"))
    mn.nothing(lambda f: p.is_na(mn.hoa)(f) and f.dst == p.ALL_NODES,
               what="a Neighbour Advertisement before the acknowledgement")
    mn.acknowledge(update)
    announcement(mn, mn.hoa)


def announcement(mn, address, within=5.0):
    frame = mn.expect(lambda f: p.is_na(address)(f) and f.dst == p.ALL_NODES, within=within,
                      what=f"a Neighbour Advertisement for {address} to all nodes")
    nh, at = frame.upper()
    o = frame.ip_octets
    assert frame.mac == ALL_NODES_MAC and o[7] == 255
    assert o[at + 4] & 0xE0 == 0x20, "O is set, S and R are not"
    assert o[at + 24:] == b"\2\1" + p.mac_octets(mn.mac())
    assert p.checksum(frame.src, frame.dst, nh, o[at:]) == 0


@covers("11.5.5-19")
def test_announcement_of_link_local(mobile):
    """The link-local address is announced too, for the home agent had defended it (L)."""
    mn, _, update = returned(mobile, kinds=("shared", "host"))
    mn.acknowledge(update)
    announcement(mn, mn.hoa)
    announcement(mn, mn.link_local(), within=2.0)


@covers("11.5.5-19", "11.7.1-23")
def test_each_home_address(mobile):
    """Each home address is de-registered, and announced."""
    mn = mobile(kinds=("shared", "host"), start=False)
    mn.ground.sysctl(mn.box, "net/ipv6/conf/wlan0/use_tempaddr", "2")
    mn.start()
    flows = mn.begin_two()
    mn.go(mn.visited)
    for flow in flows:
        mn.accept(mn.update(hoa=flow.address))
    mn.go(mn.home)
    for flow in flows:
        update = mn.update(hoa=flow.address)
        assert update.lifetime == 0 and update.coa == flow.address
        mn.acknowledge(update)
        announcement(mn, flow.address)


@covers("11.5.2-01", "11.5.5-01")
def test_never_registered(mobile):
    """Away without ever having been registered, and home again: nothing is told to anybody."""
    mn = mobile()
    flow = mn.begin()
    mn.go(None)
    mn.settle(mn.home)
    mn.no_update()
    mn.speaks_directly(flow)


@pytest.mark.parametrize("status", [case(("11.7.3-09", "11.5.5-01"), 135)])
def test_out_of_window(mobile, status):
    """Status 135 to the de-registration: it is sent again with the right number."""
    mn, _, update = returned(mobile)
    mn.acknowledge(update, status=status, seq=update.seq + 500)
    again = mn.update(such=lambda u: u.seq == (update.seq + 501) & 0xFFFF)
    assert again.lifetime == 0
    end(mn, again)


@covers("11.5.5-01", "11.7.1-01")
def test_away_again(mobile):
    """Away again before the acknowledgement came: registered again."""
    mn, flow, _ = returned(mobile)
    mn.go(mn.visited)
    update = mn.update(such=lambda u: u.coa == mn.visited.address_of(mn.mac()))
    assert update.lifetime > 0
    mn.holds(flow, mn.accept(update))
    assert flow.cn == CN
