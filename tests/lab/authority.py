# SPDX-License-Identifier: BSD-2-Clause
"""A small certificate authority, by the openssl command, in a folder of a laboratory."""

import os
import shutil
import subprocess

from lab import LabError


class Authority:
    def __init__(self, folder, name="authority"):
        if not shutil.which("openssl"):
            raise LabError("openssl(1) is missing")
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder, 0o700)
        self.file = self.path("ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout",
                  self.path("ca.key"), "-out", self.file,
                  "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, *args):
        p = subprocess.run(["openssl", *args], text=True, capture_output=True, check=False)
        if p.returncode:
            raise LabError(f"openssl {args[0]}: {p.stderr.strip()}")

    def issue(self, name, days=10):
        """A certificate for that DNS name, and its key: two files. Negative days: it has ended."""
        key, request, cert, ext = (self.path(f"{name}.{x}") for x in ("key", "req", "pem", "ext"))
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        with open(ext, "w", encoding="ascii") as f:
            f.write(f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:FALSE\n"
                    "keyUsage=critical,digitalSignature\n"
                    "extendedKeyUsage=serverAuth,clientAuth\n")
        self._run("x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
                  self.path("ca.key"), "-CAcreateserial", "-days", str(days), "-extfile", ext,
                  "-out", cert)
        return cert, key

    def revoke(self, *certs):
        """The list of what was taken back: a file."""
        config, crl = self.path("ca.conf"), self.path("crl.pem")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=it\n[it]\ndatabase={self.path('index')}\n"
                    f"certificate={self.file}\nprivate_key={self.path('ca.key')}\n"
                    "default_md=sha256\ndefault_crl_days=1\n")
        with open(self.path("index"), "a", encoding="ascii"):
            pass
        for c in certs:
            self._run("ca", "-batch", "-config", config, "-revoke", c)
        self._run("ca", "-batch", "-config", config, "-gencrl", "-out", crl)
        return crl

    def block(self, name, more="", days=10):
        """The configuration of who has that name, of either daemon."""
        cert, key = self.issue(name, days)
        return (f"keys {{\n\tmode certificate;\n\tcertificate {cert};\n\tprivate-key {key};\n"
                f"\tauthority {self.file};\n{more}}}\n")
