# SPDX-License-Identifier: BSD-2-Clause
"""What home agents ask for: Binding Refresh Requests (RFC 6275 11.7.4) and Binding Revocation
Indications (RFC 5846)."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import KEY, STRANGER
from table import covers
from test_mn_ack import is_answer
from test_mn_update import good_registration

OTHER_KEY = p.Key(256, "99" * 32)
PROXY, IPV4_ONLY, GLOBAL = 0x8000, 0x4000, 0x2000


@covers("MN-3-4-1-2-001", "8.5-13", "11.7.4-01", "11.7.4-03", "11.7.2-03")
def test_refresh(mobile):
    """The home agent would like the binding refreshed: it is, for the whole time."""
    mn = mobile()
    flow, update = mn.bind(lifetime=50)
    mn.send(m.refresh_request(update.dst, update.coa, mn.hoa))
    again = mn.update()
    good_registration(again, mn.home, update.coa, mn.hoa)
    assert again.lifetime > 50 and 0 < (again.seq - update.seq) & 0xFFFF < 0x8000
    mn.holds(flow, mn.accept(again))


@covers("MN-3-4-1-2-006", "6.1.1-04")
def test_refresh_reserved(mobile):
    """Something in the reserved field of the Mobility Header."""
    mn = mobile()
    _, update = mn.bind()
    mn.send(m.refresh_request(update.dst, update.coa, mn.hoa, reserved=0xFF))
    mn.accept(mn.update())


@pytest.mark.parametrize("wrong", [{"ha": STRANGER}, {"ha": "2001:db8:2::1"},
                                   {"routing": STRANGER}, {"segments_left": 0}],
                         ids=["stranger", "other home agent", "other address", "segments left"])
@covers("MN-3-4-1-2-005", "11.7.4-02")
def test_refresh_of_nothing(mobile, wrong):
    """Not of the home agent, or for what is not registered: nothing."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.refresh_request(wrong.get("ha", update.dst), update.coa, mn.hoa, **{
        k: v for k, v in wrong.items() if k != "ha"}))
    mn.nothing(lambda f: is_answer(f) or m.is_update()(f), what="an answer")
    mn.holds(flow, update)


@covers("11.7.4-02")
def test_refresh_at_home(mobile):
    """At home nothing is registered."""
    mn = mobile()
    mn.begin()
    mn.send(m.refresh_request(mn.home.ha, mn.hoa, mn.hoa))
    mn.no_update()


# ---- revocation ------------------------------------------------------------------------------

class Answer(m.Mobility):
    """A Binding Revocation Acknowledgement (RFC 5846 5.2)."""

    def __init__(self, frame):
        super().__init__(frame, 12)
        self.type, self.status, self.seq, self.flags = struct.unpack_from("!BBHH", self.payload, 6)


def answer(mn):
    return Answer(mn.expect(p.is_mh(m.BR), what="a Binding Revocation Acknowledgement"))


def good_answer(mn, update, a, seq, status, flags=0):
    assert (a.src, a.dst, a.hao) == (update.coa, update.dst, mn.hoa)
    assert (a.type, a.status, a.seq, a.flags) == (2, status, seq, flags)
    assert a.checksum_good() and a.authentic(mn.key, update.coa, mn.hoa)
    assert a.payload_proto == 59 and a.length == len(a.payload) // 8 - 1


@pytest.mark.parametrize("trigger", [0, 1, 2, 3])
@covers("5846-10-03", "5846-10-07", "5846-10-08")
def test_revocation(mobile, trigger):
    """It is acknowledged; nothing is tunnelled and nothing registered any more."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.revocation(update.dst, update.coa, mn.hoa, 4711, mn.key, trigger))
    good_answer(mn, update, answer(mn), 4711, 0)
    mn.until(lambda: mn.state() in (None, "refused"), "given up")
    token = flow.send()
    mn.nothing(m.is_in_tunnel(token), what="a packet of the tunnel")
    mn.no_update()


@pytest.mark.parametrize("flags,status", [(IPV4_ONLY, 129), (PROXY, 135), (GLOBAL, 134)])
@covers("5846-10-04", "5846-10-05", "5846-10-07")
def test_revocation_refused(mobile, flags, status):
    """What asks for what a mobile node has not is refused, and the binding stays."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.revocation(update.dst, update.coa, mn.hoa, 815, mn.key, 1, flags))
    a = answer(mn)
    assert a.status >= 128 and a.status == status, a.status
    good_answer(mn, update, a, 815, status, flags)
    assert mn.state() == "bound"
    mn.holds(flow, update)


@pytest.mark.parametrize("wrong", [{"key": OTHER_KEY}, {"no_key": True}, {"bad_mac": True},
                                   {"ha": STRANGER}, {"routing": STRANGER}, {"routing": None},
                                   {"bad_cksum": True}],
                         ids=["key", "no key", "wrong", "stranger", "address", "no header", "sum"])
@covers("5846-6.2-01", "5846-10-01", "5846-10-02")
def test_revocation_ignored(mobile, wrong):
    """From who has not the key, or for what is not registered: silence."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(m.revocation(wrong.get("ha", update.dst), update.coa, mn.hoa, 5,
                         wrong.get("key", KEY), **{k: v for k, v in wrong.items()
                                                   if k not in ("ha", "key")}))
    mn.nothing(lambda f: is_answer(f) or p.is_mh(m.BR)(f), what="an answer")
    assert mn.state() == "bound"
    mn.holds(flow, update)


@covers("5846-10-01", "5846-10-02")
def test_revocation_at_home(mobile):
    """At home nothing is registered that could be revoked."""
    mn = mobile()
    flow = mn.begin()
    mn.send(m.revocation(mn.home.ha, mn.hoa, mn.hoa, 5, KEY, routing=mn.hoa))
    mn.nothing(lambda f: is_answer(f) or p.is_mh(m.BR)(f), what="an answer")
    mn.speaks_directly(flow)
