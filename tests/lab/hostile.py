# SPDX-License-Identifier: BSD-2-Clause
"""A host that asks for keys as no honest one does: TCP and TLS by Python's own means, and RFC
6618 section 5 written from the text."""

import ipaddress
import socket
import ssl
import struct
import time

PORT = 7872


def connect(ha, hops=255, timeout=3.0, source=None):
    """A connection, from wherever this runs; None: nobody answers."""
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(timeout)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    try:
        if source:
            s.bind((source, 0))
        s.connect((ha, PORT))
        return s
    except (TimeoutError, OSError):
        s.close()
        return None


def context(certificate=None, key=None, version=ssl.TLSVersion.TLSv1_3):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.minimum_version = c.maximum_version = version
    if certificate:
        c.load_cert_chain(certificate, key)
    return c


def session(ha, **how):
    """A TLS session, or what went wrong. TLS 1.3 servers judge the client's certificate after
    the client is done: it has to be listened to."""
    s = connect(ha)
    if not s:
        return "no connection"
    try:
        return context(**how).wrap_socket(s)
    except (ssl.SSLError, OSError) as e:
        s.close()
        return f"{type(e).__name__}: {e}"


def request(hoa, number=1, name="", methods="on-link"):
    """RFC 6618 5.1, 5.5: a request for a key. Addresses are written without "::" (5.7)."""
    full = ipaddress.IPv6Address(hoa).exploded
    text = f"mn-id:{name}\r\nauth-method:{methods}\r\nmip6-ip6-hoa:{full}\r\nmip6-sas:0\r\n\r\n"
    return struct.pack("!BBH", 0, number, len(text)) + text.encode()


def ask(s, octets):
    """What comes back in a session, as text; "": the end."""
    try:
        s.sendall(octets)
        head = s.recv(4)
        return s.recv(struct.unpack("!H", head[2:4])[0]).decode() if len(head) == 4 else ""
    except (ssl.SSLError, OSError):
        return ""


def status(answer):
    """The status code of a response, or None."""
    for line in answer.split("\r\n"):
        if line.startswith("status-code:"):
            return int(line.split(":")[1])
    return None


def client_hello():
    """The first octets of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def drip(s, octets, seconds):
    """Sends them one at a time; how many until the other end had enough."""
    n = 0
    end = time.monotonic() + seconds
    try:
        for n, octet in enumerate(octets):
            s.sendall(bytes([octet]))
            time.sleep(0.1)
            if time.monotonic() > end:
                break
    except OSError:
        pass
    return n
