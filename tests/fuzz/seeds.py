#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seeds of the packet fuzzers from tests/vectors: seeds.py [DIRECTORY].

ip6 gets whole packets, mh and icmp6 what stands behind the extension headers, tunnel errors
about the tunnel packet (whose checksum the fuzzer puts right).
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


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "fuzz", "corpus"))
