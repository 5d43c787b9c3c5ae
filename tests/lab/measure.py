# SPDX-License-Identifier: BSD-2-Clause
"""From what was written down to figures: gaps, losses, direct and tunnelled, leftovers.

Nothing here touches a socket or a clock; leftovers() alone asks the laboratory.
"""

import json
import re
from bisect import bisect_left

import capture
import flows
from lab import ARS, HA, POOL, anchor_of

BEFORE = 0.05                   # packets sent this long before a move may be lost by it
AFTER = 1.0                     # a silence that begins later has another cause
DEAD = 0.5                      # a flow that says nothing for so long before it is ended


def read_json(path):
    try:
        with open(path, encoding="ascii") as f:
            return json.load(f)
    except (FileNotFoundError, ValueError):
        return {}


def silence(times, start, end):
    """The longest time without a packet that begins before AFTER seconds behind start, or
    reaches over start.

    A silence that reaches over the end (where the next move is) counts up to the end. None:
    from some time in start..end on, nothing ever came again.
    """
    i = bisect_left(times, start)
    last = times[i - 1] if i else start
    longest = 0.0
    for t in times[i:]:
        if last < start + AFTER:
            longest = max(longest, min(t, end) - last)
        last = t
        if t >= end:
            return longest
    return None if end - last > DEAD else longest


def lost(sent, received, start, end):
    """Probes sent in start..end that never came: their sequence numbers."""
    got = {seq for seq, _ in received}
    return [seq for seq, t in enumerate(sent) if start <= t < end and seq not in got]


class Run:
    """One run of the laboratory: moves, what both ends of each flow saw, the capture."""

    def __init__(self, moves, mobile, correspondent, packets):
        self.moves = moves              # [{"to": n, "down": t, "up": t}], the first attaches
        self.mobile = mobile            # flow -> log
        self.correspondent = correspondent
        self.packets = packets
        self.link = capture.MN          # where tunnels are looked for

    def span(self, flow):
        """From the flow's first packet to its last."""
        sent = self.mobile[flow]["udp_sent"]
        return sent[0], sent[-1]

    def phase_end(self, i):
        return self.moves[i + 1]["down"] if i + 1 < len(self.moves) else float("inf")

    def handover(self, i, flow):
        """What the i-th move cost a flow, or None if the flow did not live through it."""
        began, ended = self.span(flow)
        down = self.moves[i]["down"]
        if not began < down < ended:
            return None
        end = min(self.phase_end(i), ended)
        m, c = self.mobile[flow], self.correspondent[flow]
        row = {"flow": flow, "from": self.moves[i - 1]["to"], "to": self.moves[i]["to"],
               "anchor": anchor_of(m["source"])}
        for way, here, there in (("up", m, c), ("down", c, m)):
            times = [t for _, t in there["udp_received"]]
            gap = silence(times, down, end)
            row[f"gap_{way}_ms"] = None if gap is None else round(gap * 1e3, 1)
            row[f"lost_{way}"] = len(lost(here["udp_sent"], there["udp_received"],
                                          down - BEFORE, end - BEFORE))
            gap = silence([t for t, _ in there["tcp_received"]], down, end)
            row[f"tcp_gap_{way}_ms"] = None if gap is None else round(gap * 1e3, 1)
        return row

    def handovers(self):
        rows = []
        for i in range(1, len(self.moves)):
            rows += [r for r in (self.handover(i, f) for f in sorted(self.mobile)) if r]
        return rows

    def packets_of(self, flow):
        """Counts a flow's packets on the MN's link (or core's): direct, tunnelled, and those
        that touched a tunnel while the MN was at the flow's own anchor (on any link)."""
        source = self.mobile[flow]["source"]
        row = {"flow": flow, "source": source, "anchor": anchor_of(source),
               "direct": 0, "tunnelled": 0, "tunnelled_at_anchor": 0}
        home = self.at_anchor(flow)
        for p in self.packets:
            f = capture.flow_of(p)
            if f is None or f[0] != flow:
                continue
            if p.where == self.link:
                row["tunnelled" if p.tunnelled else "direct"] += 1
            if p.tunnelled and any(a <= p.time < b for a, b in home):
                row["tunnelled_at_anchor"] += 1
        return row

    def at_anchor(self, flow):
        """When new packets of the flow must not be tunnelled: from the first answer on the
        anchor's link (a fresh attachment gives a packet in flight 100 ms) to the next move."""
        anchor = anchor_of(self.mobile[flow]["source"])
        began, _ = self.span(flow)
        out = []
        for i, m in enumerate(self.moves):
            if m["to"] != anchor or self.phase_end(i) < began:
                continue
            # The flow was born here: not one packet. It came back: its release takes a moment.
            start = began if m["down"] <= began else m["up"] + 1.0
            out.append((start, self.phase_end(i)))
        return out

    def modes(self, flow, direction):
        """When which packet of a flow passed the MN's link: [(time, tunnelled)]."""
        return [(p.time, p.tunnelled) for p in self.packets
                if p.where == capture.MN and capture.flow_of(p) == (flow, direction)]


def flow_faults(run, flow):
    """What an application would complain of, as sentences."""
    m, c = run.mobile[flow], run.correspondent[flow]
    name = f"flow {flow}"
    out = []
    if m["tcp_error"] or c["tcp_error"]:
        out.append(f"{name}: its TCP transfer broke: {m['tcp_error'] or c['tcp_error']}")
    elif not (m["tcp_closed"] and c["tcp_closed"]):
        out.append(f"{name}: its TCP transfer did not come to its end")
    for way, here, there in (("up", m, c), ("down", c, m)):
        if not there["tcp_ok"]:
            out.append(f"{name}: TCP {way}: the content arrived changed")
        if here["tcp_sent_octets"] != there["tcp_received_octets"]:
            out.append(f"{name}: TCP {way}: {here['tcp_sent_octets']} octets were sent, "
                       f"{there['tcp_received_octets']} arrived")
        if not there["tcp_received_octets"]:
            out.append(f"{name}: TCP {way}: nothing was transferred")
    if "peer_changed" in c:
        out.append(f"{name}: its source address changed to {c['peer_changed']}")
    if "tcp_source" in m and m["tcp_source"] != m["source"]:
        out.append(f"{name}: TCP went from {m['tcp_source']}, UDP from {m['source']}")
    return out


ADDRESS = re.compile(r"[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,}")


def names_pool(line, n, but=()):
    """Whether a line of ip(8) names an address of router n's pool."""
    for word in ADDRESS.findall(line):
        try:
            if anchor_of(word) == n and word not in but:
                return True
        except ValueError:
            pass
    return False


def leftovers(lab, n):
    """What is held for anchors of router n: on the MN and on the router itself."""
    mn = lab.kernel_state("mn")
    row = {"mn": {k: [x for x in mn[k] if names_pool(x, n)]
                  for k in ("rules", "routes", "addresses", "nexthops", "filter")}}
    # From which addresses something was sent is the kernel's to remember, for an hour.
    row["mn"]["filter"] = [x for x in row["mn"]["filter"] if "timeout 1h" not in x]
    status = lab.status("mn") or {"anchors": []}
    row["mn"]["bindings"] = [a["hoa"] for a in status["anchors"]
                             if anchor_of(a["hoa"] if a["hoa"] else a["ha"]) == n]
    box = f"ar{n}"
    ar = lab.kernel_state(box)
    # The daemon's own address, and the pool that it answers for.
    own = (HA[n], str(POOL[n].network_address))
    row[box] = {
        "rules": [x for x in ar["rules"] if names_pool(x, n, own)],
        # The lease's route towards the access link is no binding: the host may come back.
        "routes": [x for x in ar["routes"] if "encap" in x or "nhid" in x
                   and names_pool(x, n, own)],
        "addresses": [x for x in ar["addresses"] if names_pool(x, n, own)],
        "nexthops": [x for x in ar["nexthops"] if "encap seg6 " in x or "encap ip6 " in x],
        # Address discovery (RFC 6275 10.5) names the whole pool as long as the daemon runs.
        # How often each host has asked for a key is remembered for a minute.
        "filter": [x for x in ar["filter"] if "icmpv6 type 144" not in x
                   and "limit rate over" not in x and any(names_pool(x, k, own) for k in ARS)],
    }
    # The endpoint's own decapsulation stays as long as the daemon runs.
    row[box]["routes"] = [x for x in row[box]["routes"] if "seg6local" not in x]
    status = lab.status(box) or {"bindings": []}
    row[box]["bindings"] = [b["hoa"] for b in status["bindings"]]
    return row


def nothing_left(rows):
    return not any(things for row in rows for box in row.values() for things in box.values())


def phases(run, i):
    """When the steps of the i-th move were seen on the MN's link, in ms after link up.

    rs, ra, bu, ba, and the first packet of a running flow each way.
    """
    up, end = run.moves[i]["up"], run.phase_end(i)
    out = {}
    for p in run.packets:
        if p.where != capture.MN or not run.moves[i]["down"] <= p.time < end:
            continue
        key = None
        if p.proto == capture.ICMP6 and p.kind == capture.RS and p.outgoing:
            key = "rs"
        elif p.proto == capture.ICMP6 and p.kind == capture.RA and not p.outgoing:
            key = "ra"
        elif p.proto == capture.MOBILITY and p.kind == capture.BU and p.outgoing:
            key = "bu"
        elif p.proto == capture.MOBILITY and p.kind == capture.BA and not p.outgoing:
            key = "ba"
        elif p.probe and p.tunnelled:
            key = "first_up" if p.probe[1] == flows.UP else "first_down"
        if key and key not in out:
            out[key] = round((p.time - up) * 1e3, 2)
    return out
