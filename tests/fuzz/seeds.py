#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seeds of the packet fuzzers from tests/vectors: seeds.py [DIRECTORY].

ip6 gets whole packets, mh and icmp6 what stands behind the extension headers.
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
                os.makedirs(os.path.join(directory, target), exist_ok=True)
                with open(os.path.join(directory, target, stem), "wb") as f:
                    f.write(data)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "fuzz", "corpus"))
