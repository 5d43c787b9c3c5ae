# SPDX-License-Identifier: BSD-2-Clause
"""Mobility Headers that are wrong, or that nothing is done with (RFC 6275 9.2, 9.3.3, 11.2)."""

import struct

import mn_packets as m
import packets as p
import pytest
from mn_world import CN
from table import case, covers
from test_mn_ack import is_answer, stays

IPV6_HEADER = 40
AT_HEADER = IPV6_HEADER + 24            # behind a routing header


def parameter_problem(mn, update, sent, pointer):
    """An ICMPv6 parameter problem, code 0, about that packet, whose pointer is there."""
    frame = mn.expect(p.is_icmp6(4), what="an ICMPv6 parameter problem")
    nh, at = frame.upper()
    o = frame.ip_octets
    assert nh == p.ICMP6 and o[at + 1] == 0 and (frame.src, frame.dst) == (update.coa, update.dst)
    assert p.checksum(frame.src, frame.dst, p.ICMP6, o[at:]) == 0
    where = struct.unpack_from("!I", o, at + 4)[0]
    quoted = o[at + 8:]
    # What the node has processed may be quoted as it was on the wire, or as it is then.
    assert len(quoted) == len(sent) and quoted[:4] == sent[:4]
    assert where == pointer
    assert len(o) <= 1280


def sent_ack(mn, update, **o):
    packet = m.binding_ack(update.dst, update.coa, update.hoa, update.seq, mn.key,
                           **{"lifetime": update.lifetime, **o})
    mn.send(packet)
    return packet


@covers("MN-6-2-1-1-004", "9.2-01", "11.2-01", "8.5-09", "6.1.1-05")
def test_checksum(mobile):
    """A wrong checksum: silence."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent_ack(mn, update, bad_cksum=True)
    stays(mn, update)
    assert mn.counter("mh-checksum") == 1


@covers("9.2-01", "6.1.1-06")
def test_checksum_of_care_of(mobile):
    """A checksum over the care-of address instead of the home address is a wrong one."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    body = struct.pack("!BBHH", 0, 0, update.seq, update.lifetime)
    header = p.signed_header(p.BA, body, (update.dst, update.coa), (update.coa, update.hoa), mn.key)
    mn.send(m.to_mobile_node(update.dst, update.coa, update.hoa, p.MH, header))
    stays(mn, update)


@covers("MN-6-2-1-1-001", "9.2-04")
def test_payload_proto(mobile):
    """A payload proto that is not "no next header": discarded."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent_ack(mn, update, proto=p.IPV6)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)


@covers("MN-6-2-1-1-001", "9.2-05", "9.2-06")
def test_payload_proto_answer(mobile):
    """And answered."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent = sent_ack(mn, update, proto=p.IPV6)
    parameter_problem(mn, update, sent, AT_HEADER)


def short_ack(mn, update):
    """Eight octets, which is what its header and its checksum are about."""
    head = struct.pack("!BBBBHBB", p.NONE, 0, p.BA, 0, 0, 0, 0)
    c = p.checksum(update.dst, update.hoa, p.MH, head)
    packet = m.to_mobile_node(update.dst, update.coa, update.hoa, p.MH,
                              head[:4] + struct.pack("!H", c) + head[6:])
    mn.send(packet)
    return packet


@covers("MN-6-2-1-1-002", "9.2-07")
def test_length(mobile):
    """A header length below what the type needs: discarded."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    short_ack(mn, update)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)


@covers("MN-6-2-1-1-002", "9.2-08", "9.2-09")
def test_length_answer(mobile):
    """And answered."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    parameter_problem(mn, update, short_ack(mn, update), AT_HEADER + 1)


@pytest.mark.parametrize("length", [200, 5])
@covers("9.2-07")
def test_length_behind_the_end(mobile, length):
    """A header length that ends behind the packet: discarded."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent_ack(mn, update, length=length, no_key=True)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)


@covers("MN-6-2-1-1-003", "9.2-02")
def test_unknown_type(mobile):
    """An unknown MH type: discarded."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent_ack(mn, update, kind=99)
    mn.fence()
    assert mn.state() == "registering"
    mn.accept(update)


def binding_error(mn, within=2.0):
    return m.Error(mn.expect(p.is_mh(p.BE), within=within, what="a Binding Error"))


@covers("MN-6-2-1-1-003", "9.2-03", "9.3.3-01", "9.3.3-03")
def test_unknown_type_answer(mobile):
    """And answered by a Binding Error with status 2, to where it came from."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    sent_ack(mn, update, kind=99)
    error = binding_error(mn)
    assert (error.src, error.dst, error.status) == (update.coa, update.dst, 2)
    assert error.hoa == p.UNSPECIFIED and error.checksum_good()
    assert error.payload_proto == 59 and error.length == 2 and len(error.payload) == 24
    assert error.reserved == 0 and error.payload[7] == 0


@covers("9.3.3-03")
def test_unknown_type_with_option(mobile):
    """With a Home Address option its address is in the Binding Error."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    header = p.mobility_header(99, bytes(10), "2001:db8:77::7", update.coa)
    mn.send(p.ipv6(CN, update.coa, p.DSTOPTS, p.home_address_option("2001:db8:77::7", p.MH) + header))
    error = binding_error(mn)
    assert (error.dst, error.status, error.hoa) == (CN, 2, "2001:db8:77::7")


@covers("9.3.3-02")
@pytest.mark.parametrize("source", ["ff02::1", "::", "ff0e::7"])
def test_unknown_type_multicast(mobile, source):
    """No Binding Error to what is no unicast address."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    header = p.mobility_header(99, bytes(10), source, update.coa)
    mn.send(p.ipv6(source, update.coa, p.MH, header))
    mn.nothing(is_answer, what="an answer")


@covers("9.3.3-04")
def test_rate_of_errors(mobile):
    """A flood of unknown types: not as many answers."""
    mn = mobile()
    mn.begin()
    update = mn.leave()
    for _ in range(300):
        mn.send(p.ipv6(CN, update.coa, p.MH, p.mobility_header(99, bytes(10), CN, update.coa)))
    mn.fence()
    answers = 0
    while mn.take(p.is_mh(p.BE)):
        answers += 1
    assert answers < 100


@pytest.mark.parametrize("o", [
    case(("MN-4-2-1-2-011", "9.2-04"), {"proto": p.IPV6}),
    case(("MN-4-2-1-2-012", "9.2-07"), {"length": 0}),
    case(("MN-4-2-1-2-013", "9.2-01"), {"bad_cksum": True}),
    case("9.2-01", {})])
def test_care_of_test(mobile, o):
    """A Care-of Test message of somebody, right or wrong: nothing comes of it, and nothing
    happens to the binding."""
    mn = mobile()
    flow, update = mn.bind()
    body = bytes(18)
    mn.send(p.ipv6(CN, update.coa, p.MH, p.mobility_header(p.COT, body, CN, update.coa, **o)))
    mn.fence()
    mn.no_update()
    mn.holds(flow, update)


@covers("MN-4-2-1-2-015", "9.2-02")
def test_care_of_test_unknown(mobile):
    """The like with an unknown type."""
    mn = mobile()
    flow, update = mn.bind()
    mn.send(p.ipv6(CN, update.coa, p.MH, p.mobility_header(98, bytes(18), CN, update.coa)))
    mn.fence()
    mn.no_update()
    mn.holds(flow, update)
