# SPDX-License-Identifier: BSD-2-Clause
"""What a host with a good security association may try: Mobility Headers, or what looks like
them, by its own kernel's IPsec. Security associations are keyed by hand here."""

import secrets
import socket
import struct

IPV6_XFRM_POLICY, IPV6_PKTINFO = 35, 50
ESP, DSTOPTS = 50, 60
TRANSPORT, ROUTE_OPTIMIZATION = 0, 2
OUT = 1
REQID = 135
ALL = 2 ** 32 - 1
INFINITE = 2 ** 64 - 1


def _template(proto, reqid):
    mode = TRANSPORT if proto == ESP else ROUTE_OPTIMIZATION
    return struct.pack("=16sIB3xH2x16sIBBBxIII", bytes(16), 0, proto, socket.AF_INET6, bytes(16),
                       reqid, mode, 0, 0, ALL, ALL, ALL)


def _policy(with_option):
    """Everything that leaves, in ESP; with_option: before that, a Home Address option."""
    selector = struct.pack("=32s8sHBBB3xiI", bytes(32), bytes(8), socket.AF_INET6, 0, 0, 0, 0, 0)
    policy = selector + struct.pack("=8Q", *([INFINITE] * 4), 0, 0, 0, 0) \
        + struct.pack("=4Q", 0, 0, 0, 0) + struct.pack("=IIBBBB4x", 1000, 0, OUT, 0, 0, 0) \
        + _template(ESP, REQID)
    return policy + (_template(DSTOPTS, 0) if with_option else b"")


def send(proto, payload, source, destination, with_option=False):
    """From the namespace this runs in."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, proto) as s:
        s.setblocking(False)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_XFRM_POLICY, _policy(with_option))
        info = socket.inet_pton(socket.AF_INET6, source) + struct.pack("=i", 0)
        s.sendmsg([payload], [(socket.IPPROTO_IPV6, IPV6_PKTINFO, info)], 0, (destination, 0))


def associate(lab, sender, receiver, source, address, destination, spi=0x1000):
    """A security association of `source' with the receiver; the sender may use it from
    `address', as its kernel lets it."""
    key = f"auth-trunc hmac(sha256) 0x{secrets.token_hex(32)} 128 enc cbc(aes) " \
          f"0x{secrets.token_hex(16)}"

    def add(box, src, selector):
        line = ["ip", "xfrm", "state", "add", "src", src, "dst", destination, "proto", "esp",
                "spi", hex(spi), "reqid", str(REQID), "mode", "transport", *key.split(), *selector]
        p = lab.run(box, *line)
        assert p.returncode == 0, (p.stderr, line)
    add(sender, address, ())
    add(receiver, source, ("sel", "src", f"{source}/128", "dst", f"{destination}/128"))
