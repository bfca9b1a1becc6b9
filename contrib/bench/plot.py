"""Draws the plot as SVG: bars for the hits and for the parts of a cold call, and a line for the concurrent callers."""

import math
from xml.sax.saxutils import escape

WIDTH = 760
LEFT = 240
RIGHT = WIDTH - 70
ROW = 26
HERD_HEIGHT = 150

STYLE = """\
text { font: 13px sans-serif; fill: #24292f; }
.title { font-weight: bold; }
.bar { fill: #8c959f; }
.ours { fill: #0969da; }
.line { fill: none; stroke: #0969da; stroke-width: 2; }
.grid { stroke: #d0d7de; }
.paper { fill: #ffffff; }
"""


def svg(hits, parts, points):
    """Returns the plot. `hits`: ratios to /bin/true by name. `parts`: the same for the parts of a cold call, in order.
    `points`: ratios by the number of callers."""
    cold_top = 50 + ROW * len(hits) + 50
    herd_top = cold_top + 20 + ROW * len(parts) + 50
    height = herd_top + HERD_HEIGHT + 50
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img">',
            "<title>The time of a cache hit, of a cold call, and of many concurrent cold callers</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            *hit_bars(hits, 30),
            *cold_bars(parts, cold_top),
            *herd_line(points, herd_top),
            "</svg>\n",
        ]
    )


def text(x, y, content, anchor="start", kind=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{kind}">{escape(content)}</text>'


def bar(y, name, begin, end, ratio, kind):
    yield text(LEFT - 10, y + 14, name, anchor="end")
    yield f'<rect x="{LEFT + begin:.0f}" y="{y}" width="{end - begin:.0f}" height="{ROW - 8}" class="{kind}"/>'
    yield text(LEFT + end + 8, y + 14, f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}")


def hit_bars(hits, top):
    """One bar per program, the fastest first."""
    lowest = min(hits.values()) / 1.5
    scale = (RIGHT - LEFT) / math.log(max(hits.values()) / lowest)
    yield text(20, top, "Cache hit: wall time relative to /bin/true (logarithmic)", kind="title")
    for row, (name, ratio) in enumerate(sorted(hits.items(), key=lambda item: item[1])):
        kind = "ours" if name.startswith("spotinst-cred") else "bar"
        yield from bar(top + 20 + ROW * row, name, 0, scale * math.log(ratio / lowest), ratio, kind)


def cold_bars(parts, top):
    """One bar per part, each starting where the previous one ends."""
    scale = (RIGHT - LEFT) / sum(parts.values())
    title = "Cold call over https: time of its parts without the server's, relative to /bin/true"
    yield text(20, top, title, kind="title")
    begin = 0
    for row, (name, ratio) in enumerate(parts.items()):
        yield from bar(top + 20 + ROW * row, name, begin, begin + scale * ratio, ratio, "ours")
        begin += scale * ratio


def herd_line(points, top):
    """The time of the callers as a ratio, by their number: flat is good, 1 is perfect."""
    title = "N concurrent cold callers: time relative to N hits plus the server's response time"
    yield text(20, top, title, kind="title")
    floor, ceiling = top + HERD_HEIGHT, max(2.0, *points.values())
    for ratio in (0, 1, 2):
        y = floor - (HERD_HEIGHT - 30) * ratio / ceiling
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.0f}" y2="{y:.0f}" class="grid"/>'
        yield text(LEFT - 10, y + 4, str(ratio), anchor="end")
    places = []
    for index, (callers, ratio) in enumerate(points.items()):
        x = LEFT + 40 + (RIGHT - LEFT - 80) * index / max(1, len(points) - 1)
        y = floor - (HERD_HEIGHT - 30) * ratio / ceiling
        places.append(f"{x:.0f},{y:.0f}")
        yield f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" class="ours"/>'
        yield text(x, y - 10, f"{ratio:.2f}", anchor="middle")
        yield text(x, floor + 20, f"{callers:,}", anchor="middle")
    yield f'<polyline points="{" ".join(places)}" class="line"/>'
