# SPDX-License-Identifier: BSD-2-Clause
"""The picture of a run: one lane per flow over the whole time, and each handover magnified.

A lane has two tracks, what the correspondent received (up) and what the MN received (down).
Colour says whether the packet crossed the MN's link direct or in a tunnel; where nothing was
received while the flow lived the track is grey.
"""

from html import escape

import capture
import flows
from lab import anchor_of

WIDTH = 1240
LEFT, RIGHT = 150, 30
DIRECT, TUNNEL, GAP, INK, FAINT = "#0072b2", "#e08214", "#c0143c", "#222", "#e9ecef"
PLACE = {1: "#d7e8d0", 2: "#fbe3c0", 3: "#d9d7ee", 0: "#fff"}
TRACK, LANE = 16, 52
MERGE = 0.012                   # receptions this close are drawn as one bar in the overview


class Svg:
    def __init__(self):
        self.out = []

    def rect(self, x, y, w, h, fill, title=None):
        t = f"<title>{escape(title)}</title>" if title else ""
        self.out.append(f'<rect x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{h:.2f}" '
                        f'fill="{fill}">{t}</rect>')

    def line(self, x1, y1, x2, y2, stroke=INK, width=1.0, dash=None):
        d = f' stroke-dasharray="{dash}"' if dash else ""
        self.out.append(f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" '
                        f'stroke="{stroke}" stroke-width="{width}"{d}/>')

    def text(self, x, y, text, size=13, anchor="start", fill=INK, bold=False):
        w = ' font-weight="bold"' if bold else ""
        self.out.append(f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" '
                        f'text-anchor="{anchor}" fill="{fill}"{w}>{escape(text)}</text>')

    def document(self, width, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
                f'width="{width}" height="{height:.0f}" '
                f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
                f'<rect width="100%" height="100%" fill="#fff"/>\n'
                + "\n".join(self.out) + "\n</svg>\n")


def received(run, flow):
    """{direction: [(time received, tunnelled)]}, by probe, in order of time."""
    mode = {}
    for p in run.packets:
        if p.where == run.link and p.probe and p.probe[0] == flow:
            mode[p.probe[1:]] = p.tunnelled or mode.get(p.probe[1:], False)
    out = {}
    for way, log in ((flows.UP, run.correspondent[flow]), (flows.DOWN, run.mobile[flow])):
        out[way] = [(t, mode.get((way, seq), False)) for seq, t in log["udp_received"]]
    return out


def draw(run, result):
    svg = Svg()
    all_received = {f: received(run, f) for f in sorted(run.mobile)}
    y = overview(svg, run, result, all_received)
    y = magnified(svg, run, result, all_received, y + 34)
    return svg.document(WIDTH, y + 20)


# ---- the whole run -----------------------------------------------------------------------

def overview(svg, run, result, all_received):
    t0 = run.moves[0]["up"]
    t1 = max(run.span(f)[1] for f in run.mobile)
    t1 += (t1 - t0) * 0.05         # room for the word after the last flow
    scale = (WIDTH - LEFT - RIGHT) / (t1 - t0)

    def at(t):
        return LEFT + (t - t0) * scale

    svg.text(20, 32, "Draft figure 2: one mobile node, three access routers, three flows",
             19, bold=True)
    legend(svg, 54)
    y = 78
    svg.text(LEFT - 10, y + 16, "MN is at", 13, "end")
    for i, m in enumerate(run.moves):
        end = min(run.phase_end(i), t1)
        svg.rect(at(m["up"]), y, at(end) - at(m["up"]), 22, PLACE[m["to"]])
        svg.text((at(m["up"]) + at(end)) / 2, y + 16, f"AR{m['to']}", 13, "middle", bold=True)
    top = y
    y += 34
    gaps = {(h["flow"], h["to"]): h for h in result["handovers"]}
    for f in sorted(run.mobile):
        lane_label(svg, run, f, y)
        began, end = run.span(f)
        for k, way in enumerate((flows.UP, flows.DOWN)):
            ty = y + k * (TRACK + 3)
            svg.rect(at(began), ty, at(end) - at(began), TRACK, FAINT)
            for a, b, tunnelled in bars(all_received[f][way]):
                svg.rect(at(a), ty, max(at(b) - at(a), 0.8), TRACK,
                         TUNNEL if tunnelled else DIRECT)
        svg.text(at(end) + 5, y + TRACK + 6, "ended", 12, fill="#555")
        for m in run.moves[1:]:
            h = gaps.get((f, m["to"]))
            if h:
                gap_label(svg, at(m["down"]) + 4, y + 2 * TRACK + 15, h)
        y += LANE + 6
    for m in run.moves[1:]:
        svg.line(at(m["down"]), top - 4, at(m["down"]), y, INK, 1.4, "5 3")
    axis(svg, at, y + 4, t0, t0, t1, 1.0, "s")
    return y + 24


def lane_label(svg, run, f, y):
    source = run.mobile[f]["source"]
    svg.text(20, y + 14, f"flow {f}", 14, bold=True)
    svg.text(20, y + 31, f"anchor AR{anchor_of(source)}", 12, fill="#555")
    svg.text(LEFT - 8, y + 13, "up", 11, "end", "#555")
    svg.text(LEFT - 8, y + 13 + TRACK + 3, "down", 11, "end", "#555")


def gap_label(svg, x, y, h):
    def one(v):
        return "never again" if v is None else f"{v:.0f} ms"
    svg.text(x, y, f"gap {one(h['gap_up_ms'])} up, {one(h['gap_down_ms'])} down", 12,
             fill=GAP)


def legend(svg, y):
    x = 20
    for colour, text in ((DIRECT, "received, direct"), (TUNNEL, "received, through a tunnel"),
                         (FAINT, "nothing received")):
        svg.rect(x, y - 11, 22, 13, colour)
        svg.text(x + 29, y, text, 13)
        x += 60 + 7.3 * len(text)
    svg.line(x, y - 13, x, y + 4, INK, 1.4, "5 3")
    svg.text(x + 8, y, "the MN's link is moved", 13)


def bars(times):
    """Runs of receptions of one kind without a visible pause: (from, to, tunnelled)."""
    out = []
    for t, tunnelled in times:
        if out and out[-1][2] == tunnelled and t - out[-1][1] < MERGE:
            out[-1][1] = t
        else:
            out.append([t, t, tunnelled])
    return out


def axis(svg, at, y, zero, a, b, step, unit, every=1):
    svg.line(at(a), y, at(b), y)
    k = 0
    while a + k * step <= b + 1e-9:
        t = a + k * step
        value = (t - zero) * (1000 if unit == "ms" else 1)
        svg.line(at(t), y, at(t), y + 5)
        if k % every == 0:
            svg.text(at(t), y + 19, f"{value:.0f}", 12, "middle")
        k += 1
    svg.text(at(b) + 4, y + 19, unit, 12)


# ---- each handover magnified -------------------------------------------------------------

def magnified(svg, run, result, all_received, y):
    panels = len(run.moves) - 1
    if not panels:
        return y
    svg.text(20, y, "The handovers magnified: each stroke is one probe received "
                    "(a probe leaves every 2 ms in each direction)", 15, bold=True)
    width = (WIDTH - LEFT - RIGHT - (panels - 1) * 40) / panels
    bottom = y
    for i in range(1, panels + 1):
        x = LEFT + (i - 1) * (width + 40)
        bottom = max(bottom, panel(svg, run, result, all_received, i, x, y + 28, width))
    return bottom


def panel(svg, run, result, all_received, i, x, y, width):
    rows = [h for h in result["handovers"] if h["to"] == run.moves[i]["to"]
            and h["from"] == run.moves[i - 1]["to"]]
    worst = max([g for h in rows for g in (h["gap_up_ms"], h["gap_down_ms"]) if g] + [20])
    span = next(s for s in (50, 100, 200, 500, 1000, 2000, 5000, 1e9) if s >= 1.7 * worst)
    span = min(span, 5000) / 1e3
    down = run.moves[i]["down"]
    a, b = down - span / 4, down + span * 3 / 4
    if i + 1 < len(run.moves):
        b = min(b, run.phase_end(i))

    def at(t):
        return x + (t - a) / (b - a) * width

    svg.text(x, y, f"AR{run.moves[i - 1]['to']} → AR{run.moves[i]['to']}", 14, bold=True)
    top = y + 8
    y = steps(svg, run, i, at, top, x + width)
    for f in sorted(run.mobile):
        if i == 1:
            lane_label(svg, run, f, y)
        began, ended = run.span(f)
        for k, way in enumerate((flows.UP, flows.DOWN)):
            ty = y + k * (TRACK + 3)
            if began < b and ended > a:
                left, right = at(max(a, began)), at(min(b, ended))
                svg.rect(left, ty, right - left, TRACK, FAINT)
            for t, tunnelled in all_received[f][way]:
                if a <= t <= b:
                    svg.rect(at(t) - 0.7, ty, 1.4, TRACK, TUNNEL if tunnelled else DIRECT)
        for h in rows:
            if h["flow"] == f:
                gap_label(svg, at(down) + 5, y + 2 * TRACK + 16, h)
        y += LANE + 6
    svg.line(at(down), top, at(down), y, INK, 1.4, "5 3")
    step = span / 10
    axis(svg, at, y + 4, down, down - int((down - a) / step) * step, b, step, "ms", 2)
    return y + 30


def steps(svg, run, i, at, y, edge):
    """The signalling seen on the MN's link, as flags above the lanes."""
    names = {capture.RS: "RS", capture.RA: "RA"}
    up, end = run.moves[i]["up"], run.phase_end(i)
    seen = {"link up": up}
    for p in run.packets:
        if p.where != capture.MN or not up <= p.time < end or at(p.time) > edge - 20:
            continue
        name = None
        if p.proto == capture.ICMP6:
            name = names.get(p.kind)
        elif p.proto == capture.MOBILITY:
            name = {capture.BU: "BU", capture.BA: "BA"}.get(p.kind)
        if name:
            seen.setdefault(name, p.time)
    for row, (name, t) in enumerate(seen.items()):
        px, py = at(t), y + 12 + row * 13
        svg.line(px, py + 2, px, y + 70, "#888", 0.8)
        svg.text(px + 2, py, name, 11, fill="#333")
    return y + 70
