#!/usr/bin/env python3
"""Draws a part of contrib/transcript/session.txt as a terminal: an SVG, for the README.

usage: render.py light|dark <session.txt >session-light.svg
"""

import sys
import textwrap
from xml.sax.saxutils import escape

# The part to draw: this command and the next two.
FIRST = "$ spotinst-cred login\n"
COMMANDS = 3

# In characters. Like a terminal, wraps at this width, even within a word.
COLUMNS = 104
# In pixels.
COLUMN, ROW, MARGIN = 7.9, 18, 16

THEMES = {
    "light": {"paper": "#f6f8fa", "text": "#24292f", "prompt": "#1a7f37", "command": "#0550ae", "edge": "#d0d7de"},
    "dark": {"paper": "#0d1117", "text": "#e6edf3", "prompt": "#3fb950", "command": "#79c0ff", "edge": "#30363d"},
}


def part(session):
    """Returns the lines from the first command to the end of the last one's output."""
    start = session.index(FIRST)
    commands = session[start:].split("\n\n$ ")[:COMMANDS]
    return "\n\n$ ".join(commands).rstrip("\n").split("\n")


def wrapped(lines):
    for line in lines:
        yield from [line[start : start + COLUMNS] for start in range(0, len(line), COLUMNS)] or [""]


def row(number, line):
    y = MARGIN + ROW * number + 13
    content = escape(line)
    if line.startswith("$ "):
        content = f'<tspan class="prompt">$</tspan> <tspan class="command">{escape(line[2:])}</tspan>'
    return f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{content}</text>'


def svg(lines, colors):
    width, height = round(COLUMN * COLUMNS) + 2 * MARGIN, ROW * len(lines) + 2 * MARGIN
    style = textwrap.dedent(f"""\
        text {{ font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: {colors["text"]}; }}
        .prompt {{ fill: {colors["prompt"]}; }}
        .command {{ fill: {colors["command"]}; font-weight: bold; }}
        rect {{ fill: {colors["paper"]}; stroke: {colors["edge"]}; }}
    """)
    rows = [row(number, line) for number, line in enumerate(lines) if line]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            "<title>A session: log in, print the token, run a program with it</title>",
            f"<style>{style}</style>",
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>',
            *rows,
            "</svg>\n",
        ]
    )


def main():
    [theme] = sys.argv[1:]
    sys.stdout.write(svg(list(wrapped(part(sys.stdin.read()))), THEMES[theme]))


main()
