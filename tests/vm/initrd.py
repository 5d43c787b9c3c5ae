#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The file system of the virtual machine of the tests, as an initial RAM disk.

    initrd.py --kernel DIR --builddir DIR --out FILE

DIR holds Debian's kernel package, unpacked (boot/, lib/modules/). Programs, libraries and
Python are those of this host; the tree and what was built lie where they lie here.
"""

import argparse
import glob
import os
import re
import shutil
import stat
import subprocess
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ("sh bash mount mkdir cat grep sed awk sort head tail tr cut wc ls ln rm cp mv sleep uname "
            "id kill timeout env true false test date dirname basename readlink mktemp mkfifo nproc "
            "stat base64 touch chmod chown setpriv seq ip bridge tc nft sysctl modprobe python3").split()
PACKAGES = ("scapy", "_?pytest", "pytest_xdist", "xdist", "execnet", "pluggy", "iniconfig",
            "packaging", "attrs?", "py")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What the kernel loads when it is asked for a device, a table or a socket.
MODULES = ("net/core", "net/ipv4", "net/ipv6", "net/xfrm", "net/key", "net/netfilter/nf", "net/netfilter/nft_", "net/bridge",
           "net/802", "net/llc", "net/packet", "net/unix", "net/netlink", "net/sched", "lib/",
           "crypto/", "drivers/net/veth", "drivers/net/dummy", "drivers/net/tun", "net/mptcp")


class Archive:
    """A cpio archive of the kernel's own kind ("newc")."""

    def __init__(self, out):
        self.out = out
        self.seen = set()
        self.inode = 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        name = name.strip("/")
        if not name or name in self.seen:
            return
        parent = os.path.dirname(name)
        if parent:
            self.entry(parent, stat.S_IFDIR | 0o755)
        self.seen.add(name)
        self.put(name, mode, data, device)

    def put(self, name, mode, data, device):
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % x for x in fields) + raw
        self.out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def end(self):
        self.put("TRAILER!!!", 0, b"", (0, 0))

    def file(self, path, to=None):
        """A file of this host, links followed; directories on the way keep being links."""
        with open(path, "rb") as f:
            mode = stat.S_IFREG | (os.fstat(f.fileno()).st_mode & 0o777)
            self.entry(to or path, mode, f.read())

    def tree(self, top, skip=lambda path: False):
        for folder, folders, files in os.walk(top):
            folders[:] = [d for d in folders if not skip(os.path.join(folder, d))]
            self.entry(folder, stat.S_IFDIR | 0o755)
            for f in files:
                path = os.path.join(folder, f)
                if os.path.isfile(path) and not skip(path):
                    self.file(path)

    def text(self, path, text, mode=0o644):
        self.entry(path, stat.S_IFREG | mode, text.encode())


def libraries(paths):
    """The shared libraries that programs and modules need, by the names they are looked for."""
    found = set()
    for path in paths:
        out = subprocess.run(["ldd", path], text=True, capture_output=True, check=False).stdout
        found.update(re.findall(r"(/\S+) \(0x", out))
    return found


def which(name):
    path = shutil.which(name, path=PATH)
    if not path:
        sys.exit(f"initrd.py: {name} is not installed")
    return path


def packages():
    """The folders of the Python packages that tests need, with what says that they are there."""
    top = "/usr/lib/python3/dist-packages"
    return [os.path.join(top, d) for d in os.listdir(top) if os.path.isdir(os.path.join(top, d))
            and re.match(rf"({'|'.join(PACKAGES)})(-.*-info)?$", d)]


def add_system(a):
    for d in ("proc", "sys", "dev", "tmp", "run", "root", "var/lib", "etc"):
        a.entry(d, stat.S_IFDIR | 0o755)
    a.entry("var/run", stat.S_IFLNK | 0o777, b"/run")
    for d in ("bin", "sbin", "lib", "lib64"):
        a.entry(d, stat.S_IFLNK | 0o777, f"usr/{d}".encode())
    a.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    needed = [which(p) for p in PROGRAMS]
    for p in needed:
        a.file(os.path.realpath(p), merged(p))
    version = f"python3.{sys.version_info.minor}"
    for top in (f"/usr/lib/{version}", *packages()):
        a.tree(top, lambda p: re.search(r"/(test|idlelib|ensurepip|config-[^/]*)$", p))
    needed += glob.glob(f"/usr/lib/{version}/lib-dynload/*.so")
    for folder in ("/etc/iproute2", "/usr/share/iproute2"):
        if os.path.isdir(folder):
            a.tree(folder)
    a.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    a.text("etc/group", "root:x:0:\n")
    a.text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    return needed


def add_strongswan(a, top):
    """What tests/vm/strongswan --fetch has unpacked; nothing where it was not called."""
    needed = []
    for folder, _, files in os.walk(top):
        for path in (os.path.join(folder, f) for f in files):
            to = "/" + os.path.relpath(path, top)
            if to.startswith("/usr/share/"):
                continue
            if os.path.islink(path):
                a.entry(to, stat.S_IFLNK | 0o777, os.readlink(path).encode())
                continue
            a.file(path, to)
            if is_program(path):
                needed.append(path)
    if needed:
        openssl = which("openssl")      # for certificates
        # What a thread that is cancelled asks for by its name.
        for path in (openssl, *glob.glob("/lib/*/libgcc_s.so.1")):
            a.file(path, merged(path))
        needed.append(openssl)
    return needed


def merged(path):
    """/bin, /sbin and /lib are links into /usr."""
    return re.sub(r"^/(s?bin|lib|lib64)/", r"/usr/\1/", path)


def add_tree(a, builddir):
    built = [p for p in glob.glob(f"{builddir}/*") + glob.glob(f"{builddir}/tests/*/*")
             if os.access(p, os.X_OK) and os.path.isfile(p) and is_program(p)]
    for p in built:
        a.file(p)
    a.tree(f"{TREE}/tests", lambda p: p.endswith((".o", "__pycache__", "/corpus")))
    for folder in ("man", "examples"):
        a.tree(f"{TREE}/{folder}")
    return built


def is_program(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def add_modules(a, kernel):
    top, = glob.glob(f"{kernel}/lib/modules/*")
    version = os.path.basename(top)
    for path in glob.glob(f"{top}/kernel/**/*.ko", recursive=True):
        name = os.path.relpath(path, f"{top}/kernel")
        if name.startswith(MODULES):
            a.file(path, f"usr/lib/modules/{version}/kernel/{name}")
    for path in glob.glob(f"{top}/modules.*"):
        a.file(path, f"usr/lib/modules/{version}/{os.path.basename(path)}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for option in ("--kernel", "--builddir", "--out"):
        p.add_argument(option, required=True)
    o = p.parse_args()
    temporary = f"{o.out}.{os.getpid()}"
    with open(temporary, "wb") as out:
        a = Archive(out)
        needed = add_system(a) + add_tree(a, os.path.abspath(o.builddir))
        needed += add_strongswan(a, os.path.join(os.path.abspath(o.builddir), "strongswan"))
        for lib in libraries(needed):
            a.file(lib, merged(lib))
        add_modules(a, o.kernel)
        a.file(os.path.join(os.path.dirname(os.path.abspath(__file__)), "init"), "init")
        a.end()
    os.replace(temporary, o.out)


if __name__ == "__main__":
    main()
