#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Several addresses in a prefix: temporary ones (RFC 8981), which the kernel replaces and takes
away while flows use them."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import ARS, Lab, LabError, anchor_of, wait_for
from t_flows import Datagrams, Stream, anchor

PREFERRED, VALID = 9, 22        # seconds; the kernel makes the next one five before the end


def temporary(lab):
    """The MN's temporary addresses, by whether new flows may use them: {address: preferred}."""
    out = lab.run("mn", "ip", "-6", "-o", "addr", "show", "dev", "wlan0").stdout
    return {m.group(1): "deprecated" not in line for line in out.splitlines()
            if "temporary" in line and "tentative" not in line
            and (m := re.search(r"inet6 (\S+)/", line))}


def start(lab, preferred=86400, valid=604800):
    lab.build()
    for key, value in (("use_tempaddr", 2), ("temp_prefered_lft", preferred),
                       ("temp_valid_lft", valid)):
        lab.sysctl("mn", f"net/ipv6/conf/wlan0/{key}", str(value))
    for n in ARS:
        lab.start_had(n)
    lab.start_mnd()
    lab.move(1)
    lab.attached(1)
    if not wait_for(lambda: lab.source() in temporary(lab), 10.0, 0.05):
        raise LabError(f"no temporary address: {temporary(lab)}, {lab.log('mn')}")
    return lab.source()


def stable(lab):
    """The home address that is not temporary; duplicate address detection takes its time."""
    def there():
        return next((a["hoa"] for a in lab.ctl("mn", "status")["anchors"]
                     if a["state"] == "attached" and a["hoa"] not in temporary(lab)), None)
    a = wait_for(there, 5.0, 0.05)
    if a is None:
        raise LabError(f"no stable address: {lab.ctl('mn', 'status')['anchors']}")
    return a


def test_each_its_own(t):
    """a temporary and a stable address of the same prefix are anchors of their own"""
    with Lab(tap.BINDIR) as lab:
        temp = start(lab)
        other = stable(lab)
        t.equal([anchor_of(a) for a in (temp, other)], [1, 1], "both are addresses of AR1")
        one, two = Stream(lab, temp), Datagrams(lab, other)
        one.open()
        lab.move(2)
        lab.attached(2)
        t.ok(wait_for(lambda: (anchor(lab, temp) or {}).get("state") == "bound", 5.0, 0.05),
             "away, the temporary address is bound for its flow", anchor(lab, temp))
        t.ok(wait_for(lambda: anchor(lab, other) is None, 5.0, 0.05),
             "the stable one, which no flow uses, is not kept", anchor(lab, other))
        t.equal(one.exchange(), temp, "the flow on the temporary address lives")
        lab.move(1)
        t.ok(wait_for(lambda: (anchor(lab, temp) or {}).get("state") == "attached", 5.0, 0.05),
             "back, it is attached", anchor(lab, temp))
        wait_for(lambda: anchor(lab, other), 5.0, 0.05)
        two.open()
        lab.move(3)
        for name, pair in (("temporary", one), ("stable", two)):
            t.ok(wait_for(lambda a=pair.hoa: (anchor(lab, a) or {}).get("state") == "bound",
                          5.0, 0.05), f"with a flow on each, the {name} address is bound",
                 anchor(lab, pair.hoa))
            t.equal(pair.exchange(), pair.hoa, f"and the flow on the {name} address lives")
        t.equal(len({b["hoa"] for b in lab.ctl("ar1", "status")["bindings"]}), 2,
                "AR1 has a binding for each")
        one.close()
        t.ok(wait_for(lambda: anchor(lab, temp) is None, 5.0, 0.05),
             "the temporary address goes with its flow", anchor(lab, temp))
        t.equal(two.exchange(), other, "and the other goes on")
        two.close()
        t.ok(wait_for(lambda: not lab.ctl("ar1", "status")["bindings"], 5.0, 0.05),
             "at the end AR1 has no binding")


def test_regenerated(t):
    """the kernel deprecates, replaces and removes the address of a flow, at home and away"""
    with Lab(tap.BINDIR) as lab:
        temp = start(lab, PREFERRED, VALID)
        born = time.monotonic()
        flow = Stream(lab, temp)
        flow.open()
        t.ok(wait_for(lambda: temporary(lab).get(temp) is False, PREFERRED + 4, 0.1),
             "the kernel deprecates the address", temporary(lab))
        fresh = lab.source()
        t.ok(fresh != temp and fresh in temporary(lab), "and makes another one", temporary(lab))
        t.equal(flow.exchange(), temp, "the flow goes on")
        t.ok(wait_for(lambda: temp not in temporary(lab), VALID + 4, 0.1),
             f"after {VALID} s the kernel removes it", temporary(lab))
        t.note(f"removed {time.monotonic() - born:.0f} s after it was seen")
        t.ok(wait_for(lambda: temp in lab.run("mn", "ip", "-6", "addr", "show", "dev",
                                              "dmip6mn0").stdout, 2.0, 0.05),
             "dmip6-mnd keeps it for the flow")
        t.equal(flow.exchange(), temp, "which goes on at home")
        lab.move(2)
        t.ok(wait_for(lambda: (anchor(lab, temp) or {}).get("state") == "bound", 5.0, 0.05),
             "away, it is bound", anchor(lab, temp))
        t.equal(flow.exchange(), temp, "and the flow lives")
        away = lab.attached(2)
        other = Datagrams(lab, away)
        other.open()
        lab.move(3)
        time.sleep(VALID + 3 if away in temporary(lab) else 3)
        t.equal([flow.exchange(), other.exchange()], [temp, away],
                "flows on addresses that were left do not mind the kernel's times")
        flow.close()
        other.close()
        t.ok(wait_for(lambda: not any(lab.ctl(f"ar{n}", "status")["bindings"] for n in (1, 2)),
                      5.0, 0.05), "when they end nothing is bound")


if __name__ == "__main__":
    tap.main(test_each_its_own, test_regenerated)
