#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seeds of the packet fuzzers from tests/vectors: seeds.py [DIRECTORY].

ip6 gets whole packets, mh and icmp6 what stands behind the extension headers, tunnel errors
about the tunnel packet (whose checksum the fuzzer puts right), boot messages of a session.
"""
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXTENSION = {0, 43, 60}
TARGET = {135: "mh", 58: "icmp6"}


def octets(path):
    with open(path, encoding="ascii") as f:
        return bytes.fromhex("".join(line.split("#")[0] for line in f))


def payload(packet):
    nh, at = packet[6], 40
    while nh in EXTENSION:
        nh, at = packet[at], at + 8 + packet[at + 1] * 8
    return nh, packet[at:]


def tunnel_errors(packet):
    """By name: ICMPv6 errors that quote it, without its encapsulation limit."""
    about = packet[:4] + (len(packet) - 48).to_bytes(2, "big") + b"\x29" + packet[7:40] + packet[48:]
    for name, kind, value, inner in (("too-big", 2, 1400, about), ("unreachable", 1, 0, about),
                                     ("cut", 3, 0, about[:60]),
                                     ("options", 2, 1300, about[:46] + b"\x3c" + about[47:80]
                                      + b"\x3a\0\1\4" + bytes(4) + b"\x80" + bytes(7))):
        body = bytes((kind, 0, 0, 0)) + value.to_bytes(4, "big") + inner
        yield name, b"\x60\0\0\0" + len(body).to_bytes(2, "big") + b"\x3a\x40" \
            + packet[24:40] + packet[8:24] + body


REQUEST = ("mn-id:alice@example.com", "auth-method:certificate,psk,on-link",
           "mip6-ip6-hoa:2001:db8:1:0:0:0:0:c0a", "mip6-sas:0")
GRANTED = ("status-code:200", "auth-method:psk", "mip6-spi:268435455",
           "dmip6-integrity:hmac-sha-256-128", "mip6-sa-validity-end:Sun, 06 Nov 1994 08:49:37 GMT",
           "dmip6-sa-lifetime:604800", "mip6-ip6-hnp:2001:db8:1:0:0:0:0:0/64",
           "mip6-haa-ip6:2001:db8:0:0:0:0:0:1", "mip6-sas:0")
DENIED = ("status-code:503", "retry-after:Thu, 31 Dec 1998 23:59:59 GMT", "dmip6-retry-after:30",
          "dmip6-reason:too many sessions")


def boot_message(number, lines):
    content = "".join(line + "\r\n" for line in lines + ("", "")).encode()
    return bytes((0, number)) + len(content).to_bytes(2, "big") + content


def boot_streams():
    """By name: messages of RFC 6618 5.1, whole sessions too."""
    request, granted, denied = (boot_message(1, m) for m in (REQUEST, GRANTED, DENIED))
    yield "request", request
    yield "granted", granted
    yield "denied", denied
    yield "session", request + boot_message(2, ("MN-ID: ", "x-new:1", "Auth-Method:eap, PSK")
                                            + REQUEST[2:]) + granted + denied
    yield "one-address", boot_message(255, GRANTED[:6] + (
        "mip6-ip6-hnp:2001:db8:1:0:0:0:0:c0a/128",) + GRANTED[7:])
    yield "twice", boot_message(1, REQUEST + REQUEST[:1])
    yield "http-end", request[:2] + (len(request) - 6).to_bytes(2, "big") + request[4:-2]


def write(directory, target, name, data):
    os.makedirs(os.path.join(directory, target), exist_ok=True)
    with open(os.path.join(directory, target, name), "wb") as f:
        f.write(data)


def main(directory):
    vectors = os.path.join(TOP, "vectors")
    for name in sorted(os.listdir(vectors)):
        stem, ext = os.path.splitext(name)
        if ext != ".hex":
            continue
        packet = octets(os.path.join(vectors, name))
        nh, rest = payload(packet)
        for target, data in (("ip6", packet), (TARGET.get(nh), rest)):
            if target:
                write(directory, target, stem, data)
        if stem == "tunnel":
            for error, data in tunnel_errors(packet):
                write(directory, "tunnel", error, data)
    for name, data in boot_streams():
        write(directory, "boot", name, data)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "fuzz", "corpus"))
