# SPDX-License-Identifier: BSD-2-Clause
"""strongSwan in the boxes of the laboratory, with the files of examples/ipsec as they are.

    keys = Keys(lab.dir)
    keys.issue("ar1.routers.example")
    ike = Ike(lab, keys, "ar1", "router", "ar1.routers.example")
"""

import os
import subprocess

import tap
from lab import LabError, wait_for

EXAMPLES = os.path.join(tap.SRCDIR, "examples", "ipsec")
CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce aes sha1 sha2 hmac kdf drbg gmp pem pkcs1 pkcs8 x509 pubkey constraints "
           "revocation kernel-netlink socket-default vici")


def missing():
    """Why this machine cannot run it, or None."""
    if not os.path.exists(CHARON):
        return "needs strongSwan; \"tests/vm/strongswan --fetch\" gets Debian's"
    if subprocess.run(["modprobe", "esp6"], check=False, capture_output=True).returncode:
        return "this kernel has no ESP"
    return None


def example(name):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as f:
        return f.read()


def put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Keys:
    """A certification authority, and certificates for names."""

    def __init__(self, folder):
        self.folder = folder
        put(os.path.join(folder, "conf"),
            "[req]\ndistinguished_name = dn\n[dn]\n"
            "[ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = keyCertSign,cRLSign\n")
        self._run("req", "-x509", "-extensions", "ca", "-newkey", "rsa:2048", "-nodes", "-keyout",
                  "ca.key", "-out", "operator.pem", "-subj", "/CN=Operator", "-days", "30")

    def _run(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder,
                       env={**os.environ, "OPENSSL_CONF": os.path.join(self.folder, "conf")})

    def issue(self, name):
        put(os.path.join(self.folder, "names"), f"subjectAltName=DNS:{name}\n")
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                  f"{name}.csr", "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "operator.pem", "-CAkey", "ca.key",
                  "-CAcreateserial", "-out", f"{name}.pem", "-days", "30", "-extfile", "names")


class Ike:
    """One of them. who: "router" or "host", whose files it has; change: what is put in the place
    of what in its swanctl.conf."""

    def __init__(self, lab, keys, box, who, name, change=()):
        self.lab, self.box = lab, box
        self.uri = "unix://" + lab.path(f"{box}.vici")
        self._files(f"/etc/netns/{lab.ns(box)}", keys, who, name, change)
        # The name of its file with the process number is compiled in.
        lab.popen(f"ike-{box}", box, ["sh", "-c", f"mount -t tmpfs tmpfs /run && exec {CHARON}"])
        if not wait_for(lambda: self.ctl("--stats").returncode == 0, 20.0, 0.2):
            raise LabError(f"charon in {box}: " + lab.log(f"ike-{box}"))
        loaded = self.ctl("--load-all", "--noprompt")
        if loaded.returncode:
            raise LabError(f"charon in {box}: {loaded.stdout}{loaded.stderr}")

    def _files(self, etc, keys, who, name, change):
        for folder in ("x509", "x509ca", "private"):
            os.makedirs(f"{etc}/swanctl/{folder}")
        for source, to in ((f"{name}.pem", f"x509/{who}.pem"),
                           (f"{name}.key", f"private/{who}.key"),
                           ("operator.pem", "x509ca/operator.pem")):
            with open(os.path.join(keys.folder, source), encoding="ascii") as f:
                put(f"{etc}/swanctl/{to}", f.read())
        text = example(f"{who}/swanctl.conf")
        mine = {"router": "ar1.routers.example", "host": "mn1.hosts.example"}[who]
        for old, new in [(f"id = {mine}", f"id = {name}"), *change]:
            if old not in text:
                raise LabError(f"there is no {old!r} in {who}/swanctl.conf")
            text = text.replace(old, new)
        put(f"{etc}/swanctl/swanctl.conf", text)
        put(f"{etc}/strongswan.conf", example("strongswan.conf") +
            f"charon {{ load = {PLUGINS}\n plugins {{ vici {{ socket = {self.uri} }} }}\n"
            f" filelog {{ stderr {{ default = 1 }} }} }}\n")
        # What is to be seen in their place has to be there.
        os.makedirs("/etc/swanctl", exist_ok=True)
        if not os.path.exists("/etc/strongswan.conf"):
            put("/etc/strongswan.conf", "")

    def ctl(self, *args):
        return self.lab.run(self.box, "swanctl", *args, "--uri", self.uri)

    def sas(self):
        return self.ctl("--list-sas").stdout
