#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What dmip6-run is tested with: a program that knows nothing of it, and speaks to a correspondent
in each way that there is. Prints one JSON object, of the address that each socket has then, or the
error's name.

    kinds.py CORRESPONDENT PORT OWN-ADDRESS [USER]
"""

import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import threading

CN, PORT, OWN = sys.argv[1], int(sys.argv[2]), sys.argv[3]
TO = (CN, PORT)
if len(sys.argv) > 4:
    os.setgroups([])
    os.setgid(int(sys.argv[4]))
    os.setuid(int(sys.argv[4]))
LIBC = ctypes.CDLL(None, use_errno=True)


def mmsg(s):
    """sendmmsg(2), that Python does not have."""
    to = struct.pack("=HHI16sI", socket.AF_INET6, socket.htons(PORT), 0,
                     socket.inet_pton(socket.AF_INET6, CN), 0)
    name, data = ctypes.create_string_buffer(to, 28), ctypes.create_string_buffer(b"x", 1)
    iov = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(data), 1), 16)
    head = ctypes.create_string_buffer(
        struct.pack("=QI4xQQQQi4xI4x", ctypes.addressof(name), 28, ctypes.addressof(iov), 1,
                    0, 0, 0, 0), 64)
    if LIBC.sendmmsg(s.fileno(), head, 1, 0) != 1:
        raise OSError(ctypes.get_errno(), "sendmmsg")


def fast_open(s):
    s.settimeout(None)
    s.sendto(b"x", socket.MSG_FASTOPEN, TO)


def seen(kind, family, speak, bound=None):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(5)
            if bound:
                s.bind(bound)
            speak(s)
            if s.getsockname()[0] == "::":      # what the kernel chooses for each packet
                s.connect(s.recvfrom(64)[1])
            return s.getsockname()[0]
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))


def tcp(speak, bound=None):
    return seen(socket.SOCK_STREAM, socket.AF_INET6, speak, bound)


def udp(speak, bound=None):
    return seen(socket.SOCK_DGRAM, socket.AF_INET6, speak, bound)


def listening():
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.listen(1)
        return s.getsockname()[0]


def threads():
    """Many at once; what they have, each once."""
    got = []
    all_of_them = [threading.Thread(target=lambda: got.append(udp(lambda s: s.connect(TO))))
                   for _ in range(16)]
    for x in all_of_them:
        x.start()
    for x in all_of_them:
        x.join()
    return sorted(set(got))


def forked():
    r, w = os.pipe()
    if os.fork() == 0:
        os.write(w, udp(lambda s: s.connect(TO)).encode())
        os._exit(0)
    return os.read(r, 64).decode()


def child():
    """Another program, that this one starts."""
    code = ("import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); "
            f"s.connect({TO!r}); print(s.getsockname()[0])")
    try:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              check=False).stdout.strip()
    except OSError as e:
        return errno.errorcode[e.errno]


print(json.dumps({
    "tcp": tcp(lambda s: s.connect(TO)),
    "fast open": tcp(fast_open),
    "udp connect": udp(lambda s: s.connect(TO)),
    "udp sendto": udp(lambda s: s.sendto(b"x", TO)),
    "udp sendmsg": udp(lambda s: s.sendmsg([b"x"], [], 0, TO)),
    "udp sendmmsg": udp(mmsg),
    "forked": forked(),
    "child": child(),
    "threads": threads(),
    "bound": udp(lambda s: s.connect(TO), (OWN, 0)),
    "bound port": udp(lambda s: s.connect(TO), ("::", PORT + 7)),
    "near": udp(lambda s: s.connect(("::1", PORT))),
    "listening": listening(),
    "ipv4": seen(socket.SOCK_DGRAM, socket.AF_INET, lambda s: s.connect(("127.0.0.1", PORT))),
}))
