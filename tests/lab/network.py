# SPDX-License-Identifier: BSD-2-Clause
"""Network mode in the laboratory: the access routers are peers with one session database, and the
host runs nothing of ours."""

import os

from lab import ARS, HA, Lab, mono, wait_for

SPI = 700
HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "systemd", "hostapd",
                    "dmip6-hostapd")


class Domain(Lab):
    """The laboratory as one domain of three Mobility capable Access Routers."""

    #: What stands in each router's configuration besides its peers.
    more = ""

    def start_domain(self, more="", routers=ARS, ready=True):
        for n in routers:
            self.configure(n, more)
        for n in routers:
            self.start_had(n, ready=False)
        for n in routers if ready else ():
            self.wait_ready(f"ar{n}")

    def database(self):
        return f"session-database sqlite {{ path {self.path('sessions.db')}; }}\n"

    def configure(self, n, more=""):
        # What a host loses while its switch wakes up it sends again after that (RFC 4861 6.3.2).
        text = self.key_text() + "retrans-timer 100ms;\n"
        text += "network-mode yes;\nfixed-router-address yes;\n"
        text += self.database() + self.more + more
        for m in ARS:
            if m != n:
                a, b = sorted((n, m))
                text += f"peer {HA[m]} {SPI + 10 * a + b} {{ secret {a}{b}{'5a' * 31}; }}\n"
        self.write(f"ar{n}.conf", text)

    def host(self):
        """As a phone is: with its kernel and nothing else."""
        self.sysctl("mn", "net/ipv6/conf/wlan0/accept_ra", "1")
        for key in ("optimistic_dad", "use_optimistic"):    # RFC 4429, where the kernel has it
            try:
                self.sysctl("mn", f"net/ipv6/conf/wlan0/{key}", "1")
            except FileNotFoundError:
                pass

    def roam(self, n, farewell=True):
        """To AR n as between access points of one network: the host's link stays up and it
        notices nothing. Their controller tells both routers (dmip6ctl mn), or, without a
        farewell, the new one alone. Returns when."""
        mac, before = self.mac(), self.at
        if before and farewell:
            self.ctl(f"ar{before}", "mn", "detach", mac)
        self.airnl.link(self.links["mn"], master=self.links[f"br{n}"])
        at = mono()
        self.at = n
        self.ctl(f"ar{n}", "mn", "attach", mac)
        return at

    def hostapd(self, n, event):
        """As hostapd_cli calls the script that is shipped."""
        return self.run(f"ar{n}", "env", f"DMIP6_CONTROL={self.sock(f'ar{n}')}",
                        f"DMIP6CTL={self.bin('dmip6ctl')}", HOOK, "acc0", event, self.mac())

    # -- what the routers say ----------------------------------------------------------------

    def visits(self, n):
        return (self.status(f"ar{n}") or {}).get("visits", [])

    def bindings(self, n):
        return (self.status(f"ar{n}") or {}).get("bindings", [])

    def prefix_of(self, n):
        """That AR n has given the host."""
        return next((x["prefix"] for x in self.status(f"ar{n}")["leases"]), None)

    def where(self, n):
        """The router at which AR n believes the host's prefix of its own to be."""
        for b in self.bindings(n):
            return next((m for m in ARS if HA[m] == b["coa"]), 0)
        lease = next((x for x in self.status(f"ar{n}")["leases"]), None)
        return n if lease and lease["attached"] else None

    def settled(self, at, *anchors, timeout=10.0):
        """All of these anchors know that the host is there."""
        return wait_for(lambda: all(self.where(n) == at for n in anchors), timeout, 0.01)
